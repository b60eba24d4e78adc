# ===- running_error.py - what f32 arithmetic may be off -===//
#
# Part of Linnet, under Apache-2.0 WITH LLVM-exception. See LICENSE.
#
# ===----------------------------------------------------------------------===//
"""Running error analysis (Higham, "Accuracy and Stability of Numerical Algorithms", 3.3): a reference in float64
whose every step also bounds, element by element, how far the same step in f32 can be from it, operands included.

    x = Computed(x)  # given exactly
    y = x / np.sqrt((x * x).mean(1, keepdims=True) + eps)  # as in NumPy
    testing.assert_close(actual, y)

Programs spell one function in many ways: a division is a product with a reciprocal, a mean a sum of multiples, a
root and a division one rsqrt. So every step counts as two roundings, and a sum may be taken in any order.
Functions have the errors that docs/numerics.md states.

Computed assumes the worst, which long sums are far from. Likely takes roundings for independent, with mean zero
(Higham and Mary, doi 10.1137/18M1226312): errors add in squares, and six times their root is exceeded with a
probability below 2 exp(-18). What several terms share does not average out: write it behind the sum.
"""

import numpy as np

UNIT = 2.0**-24


class MayBeZero(AssertionError):
    """There is no bound."""


class Computed:
    """A number in float64 and the most that its f32 counterpart is off."""

    factor = 1  # of `error` in the bound

    def __init__(self, value, error=0.0):
        self.value = np.array(value, np.float64)
        self.error = np.broadcast_to(np.asarray(error, np.float64), self.value.shape).copy()

    def __array_ufunc__(self, ufunc, method, *operands, **options):
        if method != "__call__" or options or ufunc not in UFUNCS:
            return NotImplemented
        first, *others = map(self.of, operands)
        return UFUNCS[ufunc](first, *others)

    # How errors come together

    @staticmethod
    def both(a, b):
        return a + b

    @staticmethod
    def total(add, *errors):
        """Of the terms of a sum, by `add`, which is linear in each of its arguments."""
        return add(*errors)

    @staticmethod
    def additions(n):
        """Units of the sum of the magnitudes that n additions may be off."""
        return n / (1 - n * UNIT)

    @property
    def bound(self):
        return self.factor * self.error

    @classmethod
    def of(cls, x):
        return x if isinstance(x, Computed) else cls(x)

    def made(self, value, error):
        return type(self)(value, error)

    @property
    def size(self):
        """The largest magnitude that the f32 number can have."""
        return np.abs(self.value) + self.bound

    def stored(self, unit):
        """In a type of this unit roundoff."""
        return self.made(self.value, self.both(self.error, unit * self.size))

    def rounded(self, ulps=2):
        """After so many roundings more."""
        return self.stored(ulps * UNIT)

    # Arithmetic

    def __add__(self, o):
        o = self.of(o)
        return self.made(self.value + o.value, self.both(self.error, o.error)).rounded()

    def __sub__(self, o):
        return self + -self.of(o)

    def __neg__(self):
        return self.made(-self.value, self.error)

    def __mul__(self, o):
        o = self.of(o)
        error = self.both(self.size * o.error, np.abs(o.value) * self.error)
        return self.made(self.value * o.value, error).rounded()

    def __truediv__(self, o):
        o = self.of(o)
        value, least = self.value / o.value, np.abs(o.value) - o.bound
        if not (least > 0).all():
            raise MayBeZero("a divisor may be zero")
        return self.made(value, self.both(self.error, np.abs(value) * o.error) / least).rounded()

    __radd__, __rmul__ = __add__, __mul__

    def __rtruediv__(self, o):
        return self.of(o) / self

    def __getitem__(self, key):
        return self.made(self.value[key], self.error[key])

    def __setitem__(self, key, o):
        self.value[key], self.error[key] = o.value, o.error

    def where(self, condition, otherwise):
        o = self.of(otherwise)
        return self.made(np.where(condition, self.value, o.value), np.where(condition, self.error, o.error))

    # Sums

    def sum(self, axis, keepdims=False):
        """In any order: additions of at most the sum of the magnitudes."""
        def add(x):
            return x.sum(axis, keepdims=keepdims)
        value = add(self.value)
        units = self.additions(self.value.size / max(value.size, 1))
        return self.made(value, self.both(self.total(add, self.error), units * UNIT * add(self.size)))

    def mean(self, axis, keepdims=False):
        total = self.sum(axis, keepdims)
        return total / (self.value.size / max(total.value.size, 1))

    # Functions

    def apply(self, function, error, relative):
        """`error`: what that of the operand becomes, `relative`: the function's own."""
        value = function(self.value)
        return self.made(value, self.both(error, relative * (np.abs(value) + self.factor * error)))

    def exp(self):
        """A polynomial of 2^y: 2e-7, and what rounding y = x log2(e) leaves."""
        own = 2e-7 + 2 * UNIT * self.size
        return self.apply(np.exp, np.exp(self.value) * np.expm1(self.bound) / self.factor, own)

    def log(self):
        return self.apply(np.log, -np.log1p(-self.bound / self.value) / self.factor, 2 * UNIT)

    def sqrt(self):
        least = np.sqrt(np.maximum(self.value - self.bound, 0))
        return self.apply(np.sqrt, (np.sqrt(self.value) - least) / self.factor, 2 * UNIT)

    def tanh(self):
        return self.apply(np.tanh, self.error, 3 * UNIT)

    def cos(self):
        return self.apply(np.cos, self.error, 2 * UNIT)

    def sin(self):
        return self.apply(np.sin, self.error, 2 * UNIT)


class Likely(Computed):
    """The same, of roundings that are independent."""

    factor = 6
    both = staticmethod(np.hypot)

    @staticmethod
    def total(add, *errors):
        return np.sqrt(add(*(e * e for e in errors)))

    @staticmethod
    def additions(n):
        return n**0.5


UFUNCS = {np.add: Computed.__add__, np.subtract: Computed.__sub__, np.multiply: Computed.__mul__,
          np.true_divide: Computed.__truediv__, np.negative: Computed.__neg__, np.exp: Computed.exp,
          np.log: Computed.log, np.sqrt: Computed.sqrt, np.tanh: Computed.tanh, np.cos: Computed.cos,
          np.sin: Computed.sin}


def einsum(equation, x, y):
    """A sum of products, in any order. Of two arrays Computed; else of the kind of its operands."""
    x = x if isinstance(x, Computed) else type(y)(x) if isinstance(y, Computed) else Computed(x)
    y = x.of(y)
    inputs, result = equation.split("->")
    sizes = dict(zip(inputs.replace(",", ""), (*x.value.shape, *y.value.shape)))
    n = np.prod([size for name, size in sizes.items() if name not in result])

    def add(a, b):
        return np.einsum(equation, a, b)

    error = x.both(x.total(add, np.abs(x.value), y.error), x.total(add, x.error, y.size))
    return x.made(add(x.value, y.value), x.both(error, x.additions(n + 2) * UNIT * add(x.size, y.size)))


def attend(scores, v, equation, seen=True):
    """Values weighed by softmax of the scores along the last dimension; what is not seen weighs nothing."""
    seen = np.broadcast_to(seen, scores.value.shape)
    # any shift gives the same weights, and it is the same for all of a row: it has no error
    top = np.where(seen, scores.value, -np.inf).max(-1, keepdims=True)
    w = (scores - np.where(np.isfinite(top), top, 0)).where(seen, 0).exp().where(seen, 0)
    # a row without keys gives zeros; the sum is divided by last, for all terms share its error
    total = w.sum(-1, keepdims=True).where(seen.any(-1, keepdims=True), 1)
    return einsum(equation, w, v) / total
