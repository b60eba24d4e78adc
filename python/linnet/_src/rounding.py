# ===- rounding.py - how much a gradient may be off -===//
#
# Part of Linnet, under Apache-2.0 WITH LLVM-exception. See LICENSE.
#
# ===----------------------------------------------------------------------===//
"""What rounding does to a value, found by rounding at random (Monte Carlo arithmetic: Parker,
"Monte Carlo arithmetic: exploiting randomness in floating-point arithmetic", 1997).

PyTorch computes in float64, but every operand and every result of each of its operations, of the
backward pass too, is off by a random relative error of at most one rounding of the tested type. How
far the result then is from the undisturbed one says what a computation in that type may be off:
cancellation, long sums and steep functions show, element by element. Sums come into it by their
operands: as many independent errors as there are terms, each in proportion to its term.
"""

import functools

import torch
from torch.utils._python_dispatch import TorchDispatchMode

# Comparisons and choices are exact, and what they choose must not depend on the disturbance.
EXACT = {"maximum", "minimum", "amax", "amin", "max_pool2d_with_indices", "max_pool3d_with_indices",
         "max_pool2d_with_indices_backward", "max_pool3d_with_indices_backward", "eq", "ne", "gt",
         "lt", "ge", "le", "where", "masked_fill", "clamp", "clamp_min", "clamp_max", "abs", "sign",
         "sgn", "neg", "floor", "ceil", "trunc", "round", "copysign", "threshold_backward", "relu",
         "elu_backward", "detach", "clone", "_to_copy", "index", "cat", "zeros_like", "new_zeros",
         "slice_backward", "select_backward", "constant_pad_nd", "argmax", "logical_or",
         "logical_and", "isnan", "fill", "ones_like", "full_like", "empty_like", "embedding"}


@functools.cache
def _is_exact(func):
    """Views and what is written in place, too, stay what they are."""
    aliases = any(r.alias_info is not None for r in func._schema.returns)
    return aliases or func._overloadpacket.__name__ in EXACT


class Disturbed(TorchDispatchMode):
    """Every operation inside is off by at most `unit`, relatively."""

    def __init__(self, unit, generator):
        super().__init__()
        self.range, self.generator = (1 - unit, 1 + unit), generator

    def disturb(self, x):
        if isinstance(x, torch.Tensor):
            if x.dtype != torch.float64:
                return x
            factors = torch.empty(x.shape, dtype=torch.float64)
            return x * factors.uniform_(*self.range, generator=self.generator)  # infinities stay
        return type(x)(map(self.disturb, x)) if isinstance(x, (list, tuple)) else x

    def __torch_dispatch__(self, func, types, args=(), kwargs=None):
        kwargs = kwargs or {}
        if _is_exact(func):
            return func(*args, **kwargs)
        kwargs = {name: self.disturb(x) for name, x in kwargs.items()}
        return self.disturb(func(*self.disturb(args), **kwargs))


def spread(compute, unit, samples, seed=0):
    """The undisturbed results of compute(), and the standard deviation of the disturbed ones. A few
    samples say little of one element: then that of all elements of a result together, each in
    proportion to its size and the result's."""
    exact = compute()
    generator, squares = torch.Generator().manual_seed(seed), [torch.zeros_like(x) for x in exact]
    for _ in range(samples):
        with Disturbed(unit, generator):
            found = compute()
        squares = [s + (f - x) ** 2 for s, f, x in zip(squares, found, exact)]
    deviations = [(s / max(samples, 1)).sqrt() for s in squares]
    if samples < 12:
        sizes = [x.abs() + (x * x).mean().sqrt() + 1e-300 for x in exact]
        deviations = [((d / n) ** 2).mean().sqrt() * n if d.numel() else d
                      for d, n in zip(deviations, sizes)]
    return exact, deviations
