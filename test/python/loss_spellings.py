# ===- loss_spellings.py - the many ways to write cross entropy -===//
#
# Part of Linnet, under Apache-2.0 WITH LLVM-exception. See LICENSE.
#
# ===----------------------------------------------------------------------===//
"""Random programs that spell one cross entropy: the logarithm of softmax, what is picked of it, signs, sums,
means and ignored rows in the forms that exporters give them. A near miss changes one thing."""
import dataclasses

import numpy as np
from attention_spellings import Writer
from linnet.testing import Computed

NEAR_MISSES = ("sign", "count", "other", "temperature", "log2", "all", "weights", "smooth other")


@dataclasses.dataclass
class Choices:
    """What is computed, as opposed to how it is written."""
    rows: int
    classes: int
    reduction: str
    ignored: bool  # rows with target 1
    missed: str = ""
    smoothing: float = 0.0


def choose(rng, missed=""):
    reduction = str(rng.choice(["none", "sum", "mean"]))
    if missed in ("count", "all"):
        reduction = "mean"
    return Choices(int(rng.integers(2, 7)), int(rng.integers(3, 7)), reduction,
                   missed == "all" or (missed != "count" and bool(rng.integers(2))), missed,
                   0.1 if "smooth" in missed or missed == "weights" else float(rng.choice([0, 0, 0.125])) if not missed
                   else 0.0)


def inputs(c, rng):
    target = rng.integers(0, c.classes, c.rows)
    target[0] = 0
    return [rng.standard_normal((c.rows, c.classes)).astype(np.float32), target,
            rng.standard_normal((c.rows, c.classes)).astype(np.float32)]


def reference(c, arrays):
    """f64, and what f32 may be off."""
    x, t, other = Computed(arrays[0]), arrays[1], Computed(arrays[2])
    of = {"other": other, "temperature": 2 * x}.get(c.missed, x)
    top = of.value.max(1, keepdims=True)
    sums = np.log(np.exp(of - top).sum(1)) + top[:, 0]
    if c.missed == "log2":
        sums = sums / np.log(2)
    rows = (sums - x[np.arange(c.rows), t]) * (-1 if c.missed == "sign" else 1)
    if c.smoothing:
        y = other if c.missed == "smooth other" else x
        most = y.value.max(1, keepdims=True)
        spread = np.log(np.exp(y - most).sum(1)) + most[:, 0] - y.sum(1) / c.classes
        rows = (1 - c.smoothing) * rows + c.smoothing * (2 if c.missed == "weights" else 1) * spread
    seen = t != 1 if c.ignored else np.ones(c.rows, bool)
    rows = rows.where(seen, 0)
    if c.reduction == "none":
        return rows
    count = {"count": c.rows - 1, "all": c.rows}.get(c.missed, seen.sum())
    return rows.sum(0) if c.reduction == "sum" else rows.sum(0) / count


class LossWriter(Writer):
    def log_sum(self, x):
        """log(sum of exp(x)) per row, of the same over x less its maximum, or None where it is an op."""
        e = self.elementwise("math.exp", x)
        return self.elementwise("math.log2" if self.c.missed == "log2" else "math.log",
                                self.reduce("sum", e, False))

    def spread(self, row, shape):
        return self.repeat(row, [0], shape)

    def log_softmax(self, x, of):
        """x less the logarithm of the sum of exp(of)."""
        shape = x[1]
        form = self.pick("plain", "shifted", "stable", "log") if not self.c.missed else "plain"
        if form == "log":
            if self.chance():
                p = self.tensor(f"linnet.softmax {x[0]} axis 1 : {self.type(shape)}", shape)
            else:
                e = self.elementwise("math.exp", x)
                p = self.elementwise("arith.divf", e, self.spread(self.reduce("sum", e, False), shape))
            return self.elementwise("math.log", p)
        if form == "plain":
            return self.elementwise("arith.subf", x, self.spread(self.log_sum(of), shape))
        top = self.reduce("max", x, False)
        shifted = self.elementwise("arith.subf", x, self.spread(top, shape))
        sums = self.log_sum(shifted)
        if form == "shifted":
            return self.elementwise("arith.subf", shifted, self.spread(sums, shape))
        return self.elementwise("arith.subf", x, self.spread(self.elementwise("arith.addf", sums, top), shape))

    def integers(self, op, *xs, element="i64"):
        return self.tensor(f"{op} {', '.join(x[0] for x in xs)} : {self.type(xs[0][1], 'i64')}", xs[0][1], element)

    def pick_class(self, values, target):
        n, k = values[1]
        form = self.pick("gather", "extract", "select", "product")
        if form in ("gather", "extract") and self.chance():  # negative numbers count from the end
            wrapped = self.integers("arith.addi", target, self.number(k))
            negative = self.integers("arith.cmpi slt,", target, self.number(0), element="i1")
            t = self.type((n,), "i64")
            target = self.tensor(f"arith.select {negative[0]}, {wrapped[0]}, {target[0]} : "
                                 f"{self.type((n,), 'i1')}, {t}", (n,), "i64")
        if form == "gather":
            at = self.expand(target, [[0, 1]], (n, 1))
            y = self.tensor(f"linnet.gather {values[0]}, {at[0]} axis 1 batch_dims 1 : {self.type((n, k))}, "
                            f"{self.type((n, 1), 'i64')} -> {self.type((n, 1))}", (n, 1))
            return self.collapse(y, [[0, 1]])
        if form == "extract":
            return self.generic([target], [[0], [0]], 1, (n,), [
                "%i = linalg.index 0 : index", "%c = arith.index_cast %a0 : i64 to index",
                f"%r = tensor.extract {values[0]}[%i, %c] : {self.type((n, k))}", "linalg.yield %r : f32"])
        wide = self.repeat(target, [0], (n, k))
        numbers = self.repeat(self.tensor(f"arith.constant dense<{list(range(k))}> : {self.type((k,), 'i64')}",
                                          (k,), "i64"), [1], (n, k))
        hot = self.integers("arith.cmpi eq,", *((wide, numbers) if self.chance() else (numbers, wide)),
                            element="i1")
        if form == "select":
            chosen = self.tensor(f"arith.select {hot[0]}, {values[0]}, {self.splat('0.0', (n, k))[0]} : "
                                 f"{self.type((n, k), 'i1')}, {self.type((n, k))}", (n, k))
        else:
            ones = self.tensor(f"arith.uitofp {hot[0]} : {self.type((n, k), 'i1')} to {self.type((n, k))}",
                               (n, k))
            chosen = self.elementwise("arith.mulf", *((ones, values) if self.chance() else (values, ones)))
        return self.reduce("sum", chosen, False)

    def number(self, value):
        n = self.c.rows
        return self.tensor(f"arith.constant dense<{value}> : {self.type((n,), 'i64')}", (n,), "i64")

    def total(self, x):
        """A sum over all rows, as a tensor without dimensions."""
        return self.reduce("sum", x, False)

    def smoothed(self, x, target, safe, seen, name):
        """(1 - s) times what is picked, plus s times the mean over classes, added as rows or after sums."""
        c = self.c
        n, k = x[1]
        values = self.log_softmax(x, x)
        others = self.log_softmax(("%u", x[1], "f32"), ("%u", x[1], "f32")) if c.missed == "smooth other" else values
        nll = self.elementwise("arith.negf", self.pick_class(values, safe))
        by = c.smoothing * (2 if c.missed == "weights" else 1)
        spread = self.reduce("sum", others, False)
        if self.chance():
            spread = self.elementwise("arith.negf", spread)
            by = -by
        parts = [(nll, 1 - c.smoothing), (spread, -by / k)]
        early = self.chance()
        hide = lambda y: self.tensor(f"arith.select {seen[0]}, {y[0]}, {self.splat('0.0', (n,))[0]} : "
                                     f"{self.type((n,), 'i1')}, {self.type((n,))}", (n,))
        count = None
        if c.reduction == "mean" and c.ignored:
            count = self.total(self.tensor(f"arith.uitofp {seen[0]} : {self.type((n,), 'i1')} to {self.type((n,))}",
                                           (n,)))

        def reduce(y):
            y = hide(y) if c.ignored else y
            if c.reduction == "none":
                return y
            y = self.total(y)
            if c.reduction == "sum":
                return y
            return self.elementwise("arith.divf", y, count) if c.ignored else self.times(y, 1 / n)
        done = [self.times(y if early else reduce(y), by) for y, by in parts]
        if self.chance():
            done.reverse()
        y = self.elementwise("arith.addf", *done)
        y = reduce(y) if early else y
        t = self.type(y[1])
        return "\n".join([f"func.func @{name}(%x: {self.type((n, k))}, %t: {self.type((n,), 'i64')}, "
                          f"%u: {self.type((n, k))}) -> {t} {{", *self.lines, f"  return {y[0]} : {t}", "}"])


def write(c, rng, name="main"):
    w = LossWriter(c, rng)
    n, k = c.rows, c.classes
    x, target = ("%x", (n, k), "f32"), ("%t", (n,), "i64")
    of = {"other": ("%u", (n, k), "f32")}.get(c.missed, x)
    if c.missed == "temperature":
        of = w.times(x, 2.0)
    seen, safe = None, target
    if c.ignored:
        seen = w.integers("arith.cmpi ne,", target, w.number(1), element="i1")
        if w.chance():
            safe = w.tensor(f"arith.select {seen[0]}, {target[0]}, {w.number(0)[0]} : {w.type((n,), 'i1')}, "
                            f"{w.type((n,), 'i64')}", (n,), "i64")
    where = w.pick("values", "rows", "outside") if c.missed != "sign" else "nowhere"
    if c.smoothing:
        return w.smoothed(x, target, safe, seen, name)
    if c.missed == "" and w.chance():  # log(sum of exp(x)) - x[t]
        rows = w.elementwise("arith.subf", w.log_sum(x), w.pick_class(x, safe))
        where = "nowhere"
    else:
        values = w.log_softmax(x, of)
        rows = w.pick_class(w.elementwise("arith.negf", values) if where == "values" else values, safe)
    if where == "rows" or (where == "outside" and c.reduction == "none"):
        rows = w.elementwise("arith.negf", rows)
    if c.ignored:
        rows = w.tensor(f"arith.select {seen[0]}, {rows[0]}, {w.splat('0.0', (n,))[0]} : {w.type((n,), 'i1')}, "
                        f"{w.type((n,))}", (n,))
    y = rows
    if c.reduction != "none":
        y = w.total(rows)
        count = n - 1 if c.missed == "count" else n
        if where == "outside" and w.chance():
            y, where = w.elementwise("arith.negf", y), ""
        if c.reduction == "mean" and c.ignored and c.missed != "all":
            ones = w.tensor(f"arith.uitofp {seen[0]} : {w.type((n,), 'i1')} to {w.type((n,))}", (n,))
            y = w.elementwise("arith.divf", y, w.total(ones))
        elif c.reduction == "mean":
            y = w.times(y, 1 / count)
        if where == "outside":
            y = w.elementwise("arith.negf", y)
    t = w.type(y[1])
    return "\n".join([f"func.func @{name}(%x: {w.type((n, k))}, %t: {w.type((n,), 'i64')}, "
                      f"%u: {w.type((n, k))}) -> {t} {{", *w.lines, f"  return {y[0]} : {t}", "}"])
