# ===- norm_spellings.py - the many ways to write a norm -===//
#
# Part of Linnet, under Apache-2.0 WITH LLVM-exception. See LICENSE.
#
# ===----------------------------------------------------------------------===//
"""Random programs that spell one layer norm or RMS norm: means, squares, roots and scales in the forms
that exporters give them. A near miss changes one thing so that it is another function."""
import dataclasses

import numpy as np
from attention_spellings import Writer
from linnet.testing import Computed

NEAR_MISSES = ("leading", "outside", "unbiased", "uncentred", "other", "sum", "fourth")


@dataclasses.dataclass
class Choices:
    """What is computed, as opposed to how it is written."""
    shape: tuple
    axes: int
    centred: bool
    eps: float
    scale: bool
    bias: bool
    offset: bool
    half: bool  # f16 in, f32 within, f16 out
    missed: str = ""

    @property
    def trailing(self):
        return self.shape[-self.axes:]


def choose(rng, missed=""):
    centred = bool(rng.integers(2)) or missed in ("uncentred", "other")
    scale = bool(rng.integers(4))
    return Choices(
        shape=tuple(int(x) for x in rng.integers(2, 7, int(rng.integers(2, 5)))),
        axes=1 if missed else int(rng.choice([1, 1, 2])), centred=centred,
        eps=float(np.float32(rng.choice([1e-5, 1e-6, 0.3]))), scale=scale,
        bias=centred and bool(rng.integers(2)), offset=scale and not centred and bool(rng.integers(2)),
        half=not missed and bool(rng.integers(4) == 0), missed=missed)


def inputs(c, rng):
    element = np.float16 if c.half else np.float32
    arrays = [rng.standard_normal(c.shape) + 0.5]
    arrays += [rng.standard_normal(c.trailing) for _ in range(c.scale + c.bias)]
    return [x.astype(element) for x in arrays]


def reference(c, arrays):
    """f64, and what f32 may be off."""
    x, *more = map(Computed, arrays)
    rank = len(c.shape)
    axes = (0,) if c.missed == "leading" else tuple(range(rank - c.axes, rank))
    n = np.prod([c.shape[a] for a in axes])
    t = x - x.mean(axes, keepdims=True) if c.centred else x
    squares = t * t
    if c.missed == "fourth":
        squares = squares * squares
    if c.missed == "other":
        squares = np.sin(x) * np.sin(x)
    count = {"unbiased": n - 1, "sum": 1}.get(c.missed, n)
    variance = squares.sum(axes, keepdims=True) / count
    deviation = np.sqrt(variance) + c.eps if c.missed == "outside" else np.sqrt(variance + c.eps)
    y = (x if c.missed == "uncentred" else t) / deviation
    if c.scale:
        y = y * (more[0] + c.offset)
    return y + more[-1] if c.bias else y


class NormWriter(Writer):
    """Adds the steps of a norm."""

    def mean(self, x, axes, count):
        """Over axes; size 1 in their place, or without them: then spread knows."""
        shape = x[1]
        rank = len(shape)
        kept = [d for d in range(rank) if d not in axes]
        keep = self.chance()
        to = tuple(shape[d] if d in kept else 1 for d in range(rank) if keep or d in kept)
        form = self.pick("mean", "reduce", "generic") if count == self.size(shape, axes) else "generic"
        if form != "generic":
            kind = "mean" if form == "mean" else "sum"
            y = self.tensor(f"linnet.reduce {kind} {x[0]} axes {list(axes)}{' keepdims' if keep else ''} : "
                            f"{self.type(shape)} -> {self.type(to)}", to)
            return y if form == "mean" else self.times(y, 1 / count)
        order = "%a0, %o" if self.chance() else "%o, %a0"
        to = tuple(shape[d] for d in kept)
        y = self.generic([x], [list(range(rank)), kept], rank, to,
                         [f"%r = arith.addf {order} : f32", "linalg.yield %r : f32"], reductions=axes,
                         init=self.filled("0.0", to))
        return self.times(y, 1 / count) if count > 1 else y

    @staticmethod
    def size(shape, axes):
        return int(np.prod([shape[d] for d in axes]))

    def spread(self, row, axes, shape):
        """A value per row at every element."""
        kept = [d for d in range(len(shape)) if d not in axes]
        if len(row[1]) == len(shape):
            return self.tensor(f"linnet.broadcast {row[0]} : {self.type(row[1])} -> {self.type(shape)}",
                               shape)
        return self.repeat(row, kept, shape)

    def alike(self, x, y, axes):
        """Both with the axes as size 1, or both without."""
        if len(x[1]) == len(y[1]):
            return x, y
        wide, narrow = (x, y) if len(x[1]) > len(y[1]) else (y, x)
        kept = [d for d in range(len(wide[1])) if d not in axes]
        narrow = self.repeat(narrow, kept, wide[1])
        return (wide, narrow) if wide is x else (narrow, wide)

    def square(self, x):
        form = self.pick("mul", "pow", "powi")
        if self.c.missed == "fourth":
            x = self.elementwise("arith.mulf", x, x)
        if form == "mul":
            return self.elementwise("arith.mulf", x, x)
        if form == "pow":
            return self.elementwise("math.powf", x, self.splat("2.0", x[1]))
        two, _ = self.emit("arith.constant 2 : i32", None)
        return self.generic([x], [list(range(len(x[1])))] * 2, len(x[1]), x[1],
                            [f"%r = math.fpowi %a0, {two} : f32, i32", "linalg.yield %r : f32"])

    def commuted(self, op, x, y):
        return self.elementwise(op, *((x, y) if self.chance() else (y, x)))

    def inverse(self, variance):
        """1 / sqrt(variance + eps); a pair (root, True) where the division is left to do."""
        c = self.c
        eps = self.splat(repr(c.eps), variance[1])
        if c.missed == "outside":
            root = self.elementwise("math.sqrt", variance)
            return self.commuted("arith.addf", root, eps), True
        shifted = self.commuted("arith.addf", variance, eps)
        form = self.pick("rsqrt", "pow", "divide", "later")
        if form == "rsqrt":
            return self.elementwise("math.rsqrt", shifted), False
        if form == "pow":
            return self.elementwise("math.powf", shifted, self.splat("-0.5", shifted[1])), False
        root = self.elementwise("math.sqrt", shifted)
        if form == "later":
            return root, True
        return self.elementwise("arith.divf", self.splat("1.0", root[1]), root), False


def variance(w, x, t, axes, count, mean):
    c = w.c
    if c.centred and c.missed == "" and w.chance():  # E[x^2] - E[x]^2
        difference = w.elementwise("arith.subf", *w.alike(w.mean(w.square(x), axes, count),
                                                          w.square(mean), axes))
        return w.elementwise("arith.maximumf", difference, w.splat("0.0", difference[1])) \
            if w.chance() else difference
    if c.missed == "other":
        t = w.elementwise("math.sin", x)
    return w.mean(w.square(t), axes, count)


def write(c, rng, name="main"):
    w = NormWriter(c, rng)
    element = "f16" if c.half else "f32"
    arguments = [f"%x: {w.type(c.shape, element)}"]
    arguments += [f"%{n}: {w.type(c.trailing, element)}" for n, there in (("s", c.scale), ("b", c.bias))
                  if there]

    def given(n, shape):
        if not c.half:
            return n, shape, "f32"
        return w.tensor(f"arith.extf {n} : {w.type(shape, 'f16')} to {w.type(shape)}", shape)

    x = given("%x", c.shape)
    rank = len(c.shape)
    axes = (0,) if c.missed == "leading" else tuple(range(rank - c.axes, rank))
    size = w.size(c.shape, axes)
    count = {"unbiased": size - 1, "sum": 1}.get(c.missed, size)
    mean = w.mean(x, axes, size) if c.centred else None
    t = w.elementwise("arith.subf", x, w.spread(mean, axes, c.shape)) if c.centred else x
    inverse, divides = w.inverse(variance(w, x, t, axes, count, mean))
    inverse = w.spread(inverse, axes, c.shape)
    base = x if c.missed == "uncentred" else t
    scale = None
    if c.scale:
        scale = given("%s", c.trailing)
        if c.offset:
            scale = w.commuted("arith.addf", scale, w.splat("1.0", scale[1]))
        scale = w.repeat(scale, list(range(rank - c.axes, rank)), c.shape)
    if divides:
        y = w.elementwise("arith.divf", base, inverse)
        y = w.commuted("arith.mulf", y, scale) if scale else y
    elif scale and w.chance():
        y = w.commuted("arith.mulf", base, w.commuted("arith.mulf", inverse, scale))
    else:
        y = w.commuted("arith.mulf", base, inverse)
        y = w.commuted("arith.mulf", y, scale) if scale else y
    if c.bias:
        y = w.commuted("arith.addf", y, w.repeat(given("%b", c.trailing),
                                                 list(range(rank - c.axes, rank)), c.shape))
    if c.half:
        y = w.tensor(f"arith.truncf {y[0]} : {w.type(c.shape)} to {w.type(c.shape, 'f16')}", c.shape, "f16")
    t = w.type(c.shape, element)
    return "\n".join([f"func.func @{name}({', '.join(arguments)}) -> {t} {{", *w.lines,
                      f"  return {y[0]} : {t}", "}"])
