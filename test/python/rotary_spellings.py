# ===- rotary_spellings.py - the many ways to write a rotary embedding -===//
#
# Part of Linnet, under Apache-2.0 WITH LLVM-exception. See LICENSE.
#
# ===----------------------------------------------------------------------===//
"""Random programs that spell one rotary embedding: by a rotated copy or by parts, halves or interleaved
pairs, tables repeated for both channels of a pair before or behind the cosine. A near miss changes one thing so
that it is no rotation of x."""
import dataclasses

import numpy as np
from attention_spellings import Writer
from linnet.testing import Computed

NEAR_MISSES = ("sign", "inverse", "tables", "pairs", "other", "rest")


@dataclasses.dataclass
class Choices:
    """What is computed, as opposed to how it is written."""
    batch: int
    heads: int
    rows: int
    width: int
    rotated: int
    interleaved: bool
    batched: bool  # tables per batch
    half: bool  # f16
    missed: str = ""

    @property
    def table(self):
        return (*((self.batch,) if self.batched else ()), self.rows, self.rotated // 2)


def choose(rng, missed=""):
    rotated = 2 * int(rng.integers(1, 5)) + (2 if missed else 0)
    rest = int(rng.integers(1, 4)) if missed == "rest" or (not missed and rng.integers(3) == 0) else 0
    return Choices(batch=int(rng.integers(2, 4)), heads=int(rng.integers(1, 4)),
                   rows=int(rng.integers(2, 6)), width=rotated + rest, rotated=rotated,
                   interleaved=bool(rng.integers(2)), batched=bool(rng.integers(2)),
                   half=not missed and bool(rng.integers(4) == 0), missed=missed)


def inputs(c, rng):
    """x as [B,H,N,D], angles, something else of x's shape."""
    x = rng.standard_normal((c.batch, c.heads, c.rows, c.width))
    return [x.astype(np.float16 if c.half else np.float32),
            rng.uniform(-3, 3, c.table).astype(np.float32),
            rng.standard_normal(x.shape).astype(np.float32)]


def reference(c, arrays):
    """f64, and what f32 may be off."""
    x, angle, other = map(Computed, arrays)
    cos, sin = (f(angle[:, None] if c.batched else angle) for f in (np.cos, np.sin))
    r = c.rotated
    first, second = np.arange(r // 2), np.arange(r // 2) + r // 2
    if c.interleaved:
        first, second = np.arange(0, r, 2), np.arange(1, r, 2)
    y = x[:]
    lo, hi = x[..., first], x[..., second]
    turned = {"other": (other[..., second], other[..., first]), "pairs": (hi[..., ::-1], lo[..., ::-1])}
    b, a = turned.get(c.missed, (hi, lo))
    signs = {"sign": (1, 1), "inverse": (1, -1)}.get(c.missed, (-1, 1))
    y[..., first] = lo * cos + signs[0] * b * sin
    y[..., second] = hi * (cos + float(c.missed == "tables")) + signs[1] * a * sin
    if c.missed == "rest":
        y[..., r:] = -x[..., r:]
    return y


class RotaryWriter(Writer):
    def slice(self, x, start, size, stride=1):
        """Of the last dimension."""
        name, shape, element = x
        to = (*shape[:-1], size)
        zeros = [0] * (len(shape) - 1)
        return self.tensor(
            f"tensor.extract_slice {name}{zeros + [start]} {list(to)} {[1] * (len(shape) - 1) + [stride]} : "
            f"{self.type(shape, element)} to {self.type(to, element)}", to, element)

    def concat(self, *parts):
        shape, element = parts[0][1], parts[0][2]
        to = (*shape[:-1], sum(p[1][-1] for p in parts))
        types = ", ".join(self.type(p[1], element) for p in parts)
        if self.chance():
            return self.tensor(f"tensor.concat dim({len(shape) - 1}) {', '.join(p[0] for p in parts)} : "
                               f"({types}) -> {self.type(to, element)}", to, element)
        y, at = self.empty(to, element), 0
        for name, part, _ in parts:
            zeros = [0] * (len(shape) - 1)
            y = self.tensor(f"tensor.insert_slice {name} into {y}{zeros + [at]} {list(part)} "
                            f"{[1] * len(shape)} : {self.type(part, element)} into "
                            f"{self.type(to, element)}", to, element)[0]
            at += part[-1]
        return y, to, element

    def unit(self, x):
        """With a last dimension of size 1."""
        rank = len(x[1])
        groups = [[d] for d in range(rank - 1)] + [[rank - 1, rank]]
        return self.expand(x, groups, (*x[1], 1))

    def interleave(self, x, y):
        pairs = self.concat(self.unit(x), self.unit(y))
        rank = len(x[1])
        return self.collapse(pairs, [[d] for d in range(rank - 1)] + [[rank - 1, rank]])

    def join(self, x, y):
        return self.interleave(x, y) if self.c.interleaved else self.concat(x, y)

    def channels(self, x):
        """Both channels of all pairs."""
        r = self.c.rotated
        if not self.c.interleaved:
            return self.slice(x, 0, r // 2), self.slice(x, r // 2, r // 2)
        return self.slice(x, 0, r // 2, 2), self.slice(x, 1, r // 2, 2)

    def negated(self, x):
        return self.elementwise("arith.negf", x) if self.chance() else self.times(x, -1.0)

    def commuted(self, op, x, y):
        return self.elementwise(op, *((x, y) if self.chance() else (y, x)))

    def tables(self, angle):
        """Cosine and sine, per pair or per channel."""
        both = self.pick("no", "angle", "table")
        if both == "angle":
            angle = self.join(angle, angle)
        cos, sin = (self.elementwise(f"math.{f}", angle) for f in ("cos", "sin"))
        return [self.join(t, t) if both == "table" else t for t in (cos, sin)]

    def spread(self, table, shape):
        return self.repeat(table, [0, 2, 3] if self.c.batched else [2, 3], shape)


def by_parts(w, x, other, tables):
    """A sum for each channel of the pairs."""
    c = w.c
    lo, hi = w.channels(x)
    b, a = (hi, lo)
    if c.missed == "other":
        a, b = w.channels(other)
    if c.missed == "pairs":  # the pairs of the other end
        body = [f"%c = arith.constant {c.rotated // 2 - 1} : index"] + \
            [f"%i{d} = linalg.index {d} : index" for d in range(4)] + ["%j = arith.subi %c, %i3 : index"]
        a, b = (w.generic([], [[0, 1, 2, 3]], 4, lo[1], body + [
            f"%e = tensor.extract {t[0]}[%i0, %i1, %i2, %j] : {w.type(t[1])}", "linalg.yield %e : f32"])
            for t in (lo, hi))
    cos, sin = ((w.channels(t) if t[1][-1] == c.rotated else (t, t)) for t in tables)
    cos, sin = ([w.spread(t, lo[1]) for t in pair] for pair in (cos, sin))
    if c.missed == "tables":
        cos[1] = w.elementwise("arith.addf", cos[1], w.splat("1.0", cos[1][1]))
    first = w.commuted("arith.mulf", b, sin[0]), w.commuted("arith.mulf", a, sin[1])
    ops = {"sign": ("arith.addf", "arith.addf"), "inverse": ("arith.addf", "arith.subf")}.get(
        c.missed, ("arith.subf", "arith.addf"))
    return w.join(w.elementwise(ops[0], w.commuted("arith.mulf", lo, cos[0]), first[0]),
                  w.elementwise(ops[1], w.commuted("arith.mulf", hi, cos[1]), first[1]))


def by_copy(w, x, tables):
    """x * cos + rotated(x) * sin."""
    part = w.slice(x, 0, w.c.rotated) if w.c.rotated < w.c.width else x
    lo, hi = w.channels(part)
    copy = w.join(w.negated(hi), lo)
    cos, sin = (w.spread(t if t[1][-1] == w.c.rotated else w.join(t, t), part[1]) for t in tables)
    return w.commuted("arith.addf", w.commuted("arith.mulf", part, cos), w.commuted("arith.mulf", copy, sin))


def write(c, rng, name="main"):
    """The function's text, and the layout of x and the result."""
    w = RotaryWriter(c, rng)
    element = "f16" if c.half else "f32"
    b, h, n, d = shape = (c.batch, c.heads, c.rows, c.width)
    layout = w.pick("bhnd", "bnhd")
    outer = shape if layout == "bhnd" else (b, n, h, d)
    x = ("%x", outer, element)
    if layout == "bnhd":
        x = w.transpose(x, [0, 2, 1, 3])
    if c.half:
        x = w.tensor(f"arith.extf {x[0]} : {w.type(shape, 'f16')} to {w.type(shape)}", shape)
    tables = w.tables(("%t", c.table, "f32"))
    if c.missed or w.chance():
        y = by_parts(w, x, ("%u", shape, "f32"), tables)
    else:
        y = by_copy(w, x, tables)
    if c.rotated < c.width:
        rest = w.slice(x, c.rotated, c.width - c.rotated)
        y = w.concat(y, w.elementwise("arith.negf", rest) if c.missed == "rest" else rest)
    if c.half:
        y = w.tensor(f"arith.truncf {y[0]} : {w.type(shape)} to {w.type(shape, 'f16')}", shape, "f16")
    t = w.type(shape, element)
    return "\n".join([
        f"func.func @{name}(%x: {w.type(outer, element)}, %t: {w.type(c.table)}, %u: {w.type(shape)}) -> {t} {{",
        *w.lines, f"  return {y[0]} : {t}", "}"]), layout
