# ===- attention_spellings.py - the many ways to write attention -===//
#
# Part of Linnet, under Apache-2.0 WITH LLVM-exception. See LICENSE.
#
# ===----------------------------------------------------------------------===//
"""Random programs that spell one attention: layouts, products, scale, masks, biases, grouped heads
and softmax in the forms that exporters give them. A near miss changes one thing so that it is
attention no more. What they mean is computed in NumPy from the same choices."""
import dataclasses

import numpy as np
from linnet._src.running_error import UNIT, Computed, attend, einsum

LOG2E = 1.4426950408889634


@dataclasses.dataclass
class Choices:
    """What is computed, as opposed to how it is written."""
    batch: int
    heads: int
    group: int  # query heads per key head
    queries: int
    keys: int
    width: int
    values: int
    scale: float
    causal: str = "none"  # none, top_left, bottom_right
    window: int = 0
    softcap: float = 0.0
    bias: bool = False
    explicit: bool = False
    missed: str = ""

    @property
    def key_heads(self):
        return self.heads // self.group


def choose(rng, missed=""):
    group = int(rng.choice([1, 1, 2, 3]))
    queries, keys = (int(x) for x in rng.integers(2, 7, 2))
    causal = str(rng.choice(["none", "top_left", "bottom_right"]))
    if causal == "bottom_right" and keys < queries:
        queries, keys = keys, queries
    return Choices(
        batch=int(rng.integers(1, 4)), heads=group * int(rng.integers(1, 4)), group=group,
        queries=queries, keys=keys, width=int(rng.integers(2, 6)), values=int(rng.integers(2, 6)),
        scale=float(rng.choice([1.0, 0.25, 0.37])), causal=causal,
        window=int(rng.choice([0, 0, 2])) if causal != "none" else 0,
        softcap=float(rng.choice([0.0, 0.0, 5.0])), bias=bool(rng.integers(2)),
        explicit=bool(rng.integers(4) == 0), missed=missed)


def visible(c):
    """[queries, keys], True where position-dependent masks let a query see a key."""
    i, j = np.arange(c.queries)[:, None], np.arange(c.keys)[None, :]
    p = i + (c.keys - c.queries if c.causal == "bottom_right" else 0)
    seen = j <= p if c.causal != "none" else np.ones((c.queries, c.keys), bool)
    return seen & (p - c.window <= j) if c.window else seen


def inputs(c, rng):
    """q, k, v as [B,H,N,D], bias, mask."""
    def draw(*shape):  # what f16 holds, since some programs are given that
        return rng.standard_normal(shape).astype(np.float16).astype(np.float32)
    arrays = [draw(c.batch, c.heads, c.queries, c.width),
              draw(c.batch, c.key_heads, c.keys, c.width),
              draw(c.batch, c.key_heads, c.keys, c.values)]
    if c.bias:
        arrays.append(draw(c.heads, c.queries, c.keys))
    if c.explicit:
        mask = rng.integers(0, 3, (c.batch, c.queries, c.keys)) > 0
        mask[..., 0] = True
        arrays.append(mask)
    return arrays


def reference(c, arrays):
    """f64, and what f32 may be off; a query without a key gives zeros."""
    q, k, v = arrays[0], *(np.repeat(x, c.group, 1) for x in arrays[1:3])
    # programs may hold the scale's reciprocal, or its root twice
    s = einsum("bhid,bhjd->bhij", q, k) * Computed(c.scale, 2 * UNIT * c.scale)
    if c.softcap:
        s = c.softcap * np.tanh(s / c.softcap)
    if c.bias:
        s = s + arrays[3]
    seen = np.broadcast_to(visible(c), s.value.shape)
    if c.explicit:
        seen = seen & arrays[-1][:, None]
    return attend(s, v, "bhij,bhjd->bhid", seen)


class Writer:
    """Writes one function; every method picks one of the forms of a step."""

    def __init__(self, c, rng):
        self.c, self.rng, self.lines, self.count = c, rng, [], 0

    def pick(self, *forms):
        return forms[int(self.rng.integers(len(forms)))]

    def chance(self):
        return bool(self.rng.integers(2))

    def emit(self, text, type):
        self.count += 1
        name = f"%x{self.count}"
        self.lines.append(f"  {name} = {text}")
        return name, type

    @staticmethod
    def type(shape, element="f32"):
        return f"tensor<{'x'.join(map(str, shape))}{'x' if shape else ''}{element}>"

    def tensor(self, text, shape, element="f32"):
        name, _ = self.emit(text, None)
        return name, tuple(shape), element

    def empty(self, shape, element="f32"):
        return self.tensor(f"tensor.empty() : {self.type(shape, element)}", shape, element)[0]

    def filled(self, value, shape):
        name, _ = self.emit(f"arith.constant {value} : f32", None)
        init = self.empty(shape)
        return self.tensor(f"linalg.fill ins({name} : f32) outs({init} : {self.type(shape)}) "
                           f"-> {self.type(shape)}", shape)[0]

    def generic(self, operands, maps, rank, shape, body, element="f32", reductions=(), init=None):
        """operands: tensors; maps: dims per operand, the result's last; body: text lines."""
        dims = ", ".join(f"d{i}" for i in range(rank))
        texts = ", ".join(f"affine_map<({dims}) -> ({', '.join(f'd{d}' for d in m)})>" for m in maps)
        kinds = ", ".join(f'"{"reduction" if i in reductions else "parallel"}"'
                          for i in range(rank))
        args = ", ".join(f"%a{i}: {e}" for i, (_, _, e) in enumerate(operands))
        ins = ", ".join(n for n, _, _ in operands)
        types = ", ".join(self.type(s, e) for _, s, e in operands)
        init = init or self.empty(shape, element)
        given = f" ins({ins} : {types})" if operands else ""
        return self.tensor(
            f"linalg.generic {{indexing_maps = [{texts}], iterator_types = [{kinds}]}}{given} "
            f"outs({init} : {self.type(shape, element)}) {{\n  ^bb0({args}{', ' if args else ''}"
            f"%o: {element}):\n    " + "\n    ".join(body) + f"\n  }} -> {self.type(shape, element)}",
            shape, element)

    def elementwise(self, op, *xs):
        """An op on equal shapes, on tensors or in a region."""
        _, shape, element = xs[0]
        if self.chance():
            return self.tensor(f"{op} {', '.join(x[0] for x in xs)} : {self.type(shape, element)}",
                               shape, element)
        all_dims = list(range(len(shape)))
        return self.generic(xs, [all_dims] * (len(xs) + 1), len(shape), shape,
                            [f"%r = {op} {', '.join(f'%a{i}' for i in range(len(xs)))} : {element}",
                             f"linalg.yield %r : {element}"])

    def splat(self, value, shape):
        form = self.pick("dense", "broadcast", "fill")
        if form == "dense":
            return self.tensor(f"arith.constant dense<{value}> : {self.type(shape)}", shape)
        if form == "fill":
            return self.filled(value, shape), shape, "f32"
        name, _ = self.emit(f"arith.constant {value} : f32", None)
        return self.tensor(f"linnet.broadcast {name} : f32 -> {self.type(shape)}", shape)

    def times(self, x, value):
        if self.chance():
            operands = [x, self.splat(repr(float(np.float32(value))), x[1])]
            if self.chance():
                operands.reverse()
            return self.elementwise("arith.mulf", *operands)
        return self.elementwise("arith.divf", x, self.splat(repr(float(np.float32(1 / value))), x[1]))

    def transpose(self, x, order):
        name, shape, element = x
        if list(order) == list(range(len(shape))):
            return x
        to = tuple(shape[d] for d in order)
        form = self.pick("named", "einsum" if element == "f32" else "named", "generic")
        if form == "named":
            init = self.empty(to, element)
            return self.tensor(f"linalg.transpose ins({name} : {self.type(shape, element)}) outs({init} "
                               f": {self.type(to, element)}) permutation = {list(order)}", to, element)
        if form == "einsum":
            letters = "abcdefgh"[:len(shape)]
            return self.tensor(f'linnet.einsum "{letters}->{"".join(letters[d] for d in order)}" '
                               f"{name} : {self.type(shape)} -> {self.type(to)}", to)
        return self.generic([x], [list(np.argsort(order)), list(range(len(shape)))], len(shape), to,
                            [f"linalg.yield %a0 : {element}"], element)

    def collapse(self, x, groups):
        name, shape, element = x
        to = tuple(int(np.prod([shape[d] for d in g])) for g in groups)
        return self.tensor(f"tensor.collapse_shape {name} {groups} : {self.type(shape, element)} into "
                           f"{self.type(to, element)}", to, element)

    def expand(self, x, groups, to):
        name, shape, element = x
        return self.tensor(f"tensor.expand_shape {name} {groups} output_shape {list(to)} : "
                           f"{self.type(shape, element)} into {self.type(to, element)}", to, element)

    def repeat(self, x, dims, shape):
        """x's dimensions become `dims` of the result."""
        if self.chance():
            return self.tensor(f"linnet.broadcast {x[0]} dims {dims} : {self.type(x[1], x[2])} -> "
                               f"{self.type(shape, x[2])}", shape, x[2])
        return self.generic([x], [dims, list(range(len(shape)))], len(shape), shape,
                            [f"linalg.yield %a0 : {x[2]}"], x[2])

    def given(self, name, shape):
        """An argument [B,H,N,D] that lies in memory as the caller chose, brought back."""
        b, h, n, d = shape
        layout = self.pick("bhnd", "bnhd", "bn(hd)", "(bh)nd", "sliced", "f16")
        if layout == "sliced":  # a part of a tensor that holds more
            t, wide = self.type(shape), self.type((b, h, n + 2, 3 * d))
            x = self.tensor(f"tensor.extract_slice {name}[0, 0, 1, {d}] [{b}, {h}, {n}, {d}] [1, 1, 1, 1] "
                            f": {wide} to {t}", shape)
            return f"{name}: {wide}", x, layout
        if layout == "f16":
            x = self.tensor(f"arith.extf {name} : {self.type(shape, 'f16')} to {self.type(shape)}", shape)
            return f"{name}: {self.type(shape, 'f16')}", x, layout
        if layout == "bhnd":
            return f"{name}: {self.type(shape)}", (name, shape, "f32"), layout
        if layout == "bnhd":
            x = (name, (b, n, h, d), "f32")
            return f"{name}: {self.type(x[1])}", self.transpose(x, [0, 2, 1, 3]), layout
        if layout == "(bh)nd":
            x = (name, (b * h, n, d), "f32")
            return (f"{name}: {self.type(x[1])}",
                    self.expand(x, [[0, 1], [2], [3]], (b, h, n, d)), layout)
        x = (name, (b, n, h * d), "f32")
        split = self.expand(x, [[0], [1], [2, 3]], (b, n, h, d))
        return f"{name}: {self.type(x[1])}", self.transpose(split, [0, 2, 1, 3]), layout

    def reduce(self, kind, x, keep):
        """Over the last dimension; with `keep` it stays with size 1."""
        shape = x[1]
        rank = len(shape)
        if self.chance():
            to = shape[:-1] + ((1,) if keep else ())
            return self.tensor(f"linnet.reduce {kind} {x[0]} axes [{rank - 1}]"
                               f"{' keepdims' if keep else ''} : {self.type(shape)} -> {self.type(to)}",
                               to)
        to = shape[:-1]
        op, start = ("arith.addf", "0.0") if kind == "sum" else ("arith.maximumf", "0xFF800000")
        order = "%a0, %o" if self.chance() else "%o, %a0"
        out = self.generic([x], [list(range(rank)), list(range(rank - 1))], rank, to,
                           [f"%r = {op} {order} : f32", "linalg.yield %r : f32"], reductions=(rank - 1,),
                           init=self.filled(start, to))
        if not keep:
            return out
        groups = [[d] for d in range(rank - 2)] + [[rank - 2, rank - 1]]
        return self.expand(out, groups, to + (1,))

    def product(self, x, y, transposed):
        """[..., M, K] times [..., K, N] (or [..., N, K]) of rank 4."""
        b, h, m, k = x[1]
        n = y[1][2] if transposed else y[1][3]
        forms = ["einsum", "batch", "generic", "reduce"]
        form = self.pick(*forms)
        last = "nk" if transposed else "kn"
        if form == "einsum":
            return self.tensor(f'linnet.einsum "bhmk,bh{last}->bhmn" {x[0]}, {y[0]} : '
                               f"{self.type(x[1])}, {self.type(y[1])} -> {self.type((b, h, m, n))}",
                               (b, h, m, n))
        if form == "batch":
            right = self.transpose(y, [0, 1, 3, 2]) if transposed else y
            left = self.collapse(x, [[0, 1], [2], [3]])
            right = self.collapse(right, [[0, 1], [2], [3]])
            init = self.filled("0.0", (b * h, m, n))
            t = self.type((b * h, m, n))
            out = self.tensor(f"linalg.batch_matmul ins({left[0]}, {right[0]} : {self.type(left[1])}, "
                              f"{self.type(right[1])}) outs({init} : {t}) -> {t}", (b * h, m, n))
            return self.expand(out, [[0, 1], [2], [3]], (b, h, m, n))
        place = [0, 1, 3, 4] if transposed else [0, 1, 4, 3]
        if form == "generic":
            swap = self.chance()
            factors = "%a1, %a0" if swap else "%a0, %a1"
            return self.generic([x, y], [[0, 1, 2, 4], place, [0, 1, 2, 3]], 5, (b, h, m, n),
                                [f"%p = arith.mulf {factors} : f32", "%r = arith.addf %o, %p : f32",
                                 "linalg.yield %r : f32"], reductions=(4,),
                                init=self.filled("0.0", (b, h, m, n)))
        wide = (b, h, m, n, k)
        left = self.repeat(x, [0, 1, 2, 4], wide)
        if not transposed:
            y = self.transpose(y, [0, 1, 3, 2])
        right = self.repeat(y, [0, 1, 3, 4], wide)
        return self.reduce("sum", self.elementwise("arith.mulf", left, right), keep=False)

    def grouped(self, x):
        """Key heads repeated for the query heads that share them."""
        b, h, n, d = x[1]
        if self.c.group == 1:
            return x
        wide = self.repeat(x, [0, 1, 3, 4], (b, h, self.c.group, n, d))
        return self.collapse(wide, [[0], [1, 2], [3], [4]])

    def softmax(self, s):
        """Probabilities, or (exponentials, sums) where the division comes later."""
        shape = s[1]
        form = self.pick("op", "named", "steps", "steps", "late")
        if self.c.missed == "squares":
            form = "steps"
        axis = 3 if self.c.missed != "axis" else 2
        if form == "op" or axis == 2:
            return self.tensor(f"linnet.softmax {s[0]} axis {axis} : {self.type(shape)}", shape), None
        if form == "named":
            init = self.empty(shape)
            return self.tensor(f"linalg.softmax dimension({axis}) ins({s[0]} : {self.type(shape)}) "
                               f"outs({init} : {self.type(shape)}) -> {self.type(shape)}", shape), None
        keep = self.chance()

        def spread(row):
            if keep and self.chance():
                return self.tensor(f"linnet.broadcast {row[0]} : {self.type(row[1])} -> "
                                   f"{self.type(shape)}", shape)
            if keep:
                row = self.collapse(row, [[0], [1], [2, 3]])
            return self.repeat(row, [0, 1, 2], shape)

        x = s
        if self.chance():
            x = self.elementwise("arith.subf", s, spread(self.reduce("max", s, keep)))
        if self.chance():
            e = self.elementwise("math.exp", x)
        else:
            e = self.elementwise("math.exp2", self.times(x, LOG2E))
        summed = self.elementwise("arith.mulf", e, e) if self.c.missed == "squares" else e
        total = self.reduce("sum", summed, keep)
        if form == "late" and self.c.missed == "":
            return e, (total, keep)
        if self.chance():
            return self.elementwise("arith.divf", e, spread(total)), None
        one = self.splat("1.0", total[1])
        return self.elementwise("arith.mulf", e, spread(self.elementwise("arith.divf", one, total))), None

    def condition(self, shape):
        """[B,H,M,N] of i1 from positions, and whether it says what is hidden."""
        seen = visible(self.c)
        hides = self.chance()
        offset = self.c.keys - self.c.queries if self.c.causal == "bottom_right" else 0
        if self.chance() and not self.c.window:
            data = str((seen != hides).tolist()).replace("True", "true").replace("False", "false")
            x = self.tensor(f"arith.constant dense<{data}> : {self.type(seen.shape, 'i1')}", seen.shape,
                            "i1")
            return self.repeat(x, [2, 3], shape), hides
        body = ["%i = linalg.index 2 : index", "%j = linalg.index 3 : index",
                f"%c = arith.constant {offset} : index", "%p = arith.addi %i, %c : index",
                "%s = arith.cmpi sle, %j, %p : index"]
        last = "%s"
        if self.c.window:
            body += [f"%w = arith.constant {self.c.window} : index", "%l = arith.subi %p, %w : index",
                     "%t = arith.cmpi sge, %j, %l : index", "%b = arith.andi %s, %t : i1"]
            last = "%b"
        if hides:
            body += ["%true = arith.constant true", f"%n = arith.xori {last}, %true : i1"]
            last = "%n"
        return self.generic([], [[0, 1, 2, 3]], 4, shape, body + [f"linalg.yield {last} : i1"],
                            "i1"), hides

    def hide(self, s, condition, hides, value):
        shape = s[1]
        low = self.splat(value, shape)
        first, second = (low, s) if hides else (s, low)
        t = self.type(shape)
        if self.chance():
            return self.tensor(f"arith.select {condition[0]}, {first[0]}, {second[0]} : "
                               f"{self.type(shape, 'i1')}, {t}", shape)
        if self.chance() and self.c.missed != "shallow":  # a sum with what is not -inf is a bias
            zero = self.splat("0.0", shape)
            first, second = (low, zero) if hides else (zero, low)
            added = self.tensor(f"arith.select {condition[0]}, {first[0]}, {second[0]} : "
                                f"{self.type(shape, 'i1')}, {t}", shape)
            return self.elementwise("arith.addf", *((s, added) if self.chance() else (added, s)))
        d = [0, 1, 2, 3]
        return self.generic([condition, first, second], [d] * 4, 4, shape,
                            ["%r = arith.select %a0, %a1, %a2 : f32", "linalg.yield %r : f32"])


def write(c, rng, name="main"):
    """The function's text, and for every input the layout that it is passed in."""
    w = Writer(c, rng)
    qa, q, ql = w.given("%q", (c.batch, c.heads, c.queries, c.width))
    ka, k, kl = w.given("%k", (c.batch, c.key_heads, c.keys, c.width))
    va, v, vl = w.given("%v", (c.batch, c.key_heads, c.keys, c.values))
    arguments, layouts = [qa, ka, va], [ql, kl, vl]
    k, v = w.grouped(k), w.grouped(v)
    shape = (c.batch, c.heads, c.queries, c.keys)
    scaled_first = c.scale != 1 and w.chance()
    if scaled_first:
        q = w.times(q, c.scale)
    s = w.product(q, k, transposed=True)
    if c.missed == "square":
        s = w.elementwise("arith.mulf", s, s)
    if c.scale != 1 and not scaled_first:
        s = w.times(s, c.scale)
    if c.softcap:
        s = w.times(w.elementwise("math.tanh", w.times(s, 1 / c.softcap)), c.softcap)
    if c.bias:
        arguments.append(f"%bias: {w.type((c.heads, c.queries, c.keys))}")
        layouts.append("")
        bias = w.repeat(("%bias", (c.heads, c.queries, c.keys), "f32"), [1, 2, 3], shape)
        s = w.elementwise("arith.addf", *((s, bias) if w.chance() else (bias, s)))
    if c.causal != "none":
        condition, hides = w.condition(shape)
        # finite scores hide only where something else is seen
        sure = visible(c).any(1).all() and not c.explicit
        value = w.pick("0xFF800000", "-1.0e30", "-3.40282347E+38") if sure else "0xFF800000"
        if c.missed == "shallow":
            value = "-2.0"
        s = w.hide(s, condition, hides, value)
    if c.explicit:
        arguments.append(f"%mask: {w.type((c.batch, c.queries, c.keys), 'i1')}")
        layouts.append("")
        mask = w.repeat(("%mask", (c.batch, c.queries, c.keys), "i1"), [0, 2, 3], shape)
        s = w.hide(s, mask, False, "0xFF800000")
    p, late = w.softmax(s)
    if c.missed == "weights":
        p = w.elementwise("arith.mulf", p, p)
    o = w.product(p, v, transposed=False)
    if late:
        total, keep = late
        if keep:
            total = w.collapse(total, [[0], [1], [2, 3]])
        o = w.elementwise("arith.divf", o, w.repeat(total, [0, 1, 2], o[1]))
    if w.chance():
        o = w.transpose(o, [0, 2, 1, 3])
        layouts.append("bnhd")
    else:
        layouts.append("bhnd")
    text = (f"func.func @{name}({', '.join(arguments)}) -> {w.type(o[1])} {{\n"
            + "\n".join(w.lines) + f"\n  return {o[0]} : {w.type(o[1])}\n}}\n")
    return text, layouts


def laid_out(array, layout):
    if layout in ("", "bhnd"):
        return array
    b, h, n, d = array.shape
    if layout == "f16":
        return array.astype(np.float16)
    if layout == "sliced":
        wide = np.full((b, h, n + 2, 3 * d), 7, np.float32)
        wide[:, :, 1:n + 1, d:2 * d] = array
        return wide
    if layout == "(bh)nd":
        return array.reshape(b * h, n, d)
    moved = np.ascontiguousarray(array.transpose(0, 2, 1, 3))
    return moved if layout == "bnhd" else moved.reshape(b, n, h * d)


NEAR_MISSES = ("axis", "squares", "square", "shallow", "weights")
