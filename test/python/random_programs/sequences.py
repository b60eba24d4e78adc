# ===- sequences.py - attention, recurrences and losses -===//
#
# Part of Linnet, under Apache-2.0 WITH LLVM-exception. See LICENSE.
#
# ===----------------------------------------------------------------------===//
import numpy as np
from linnet._src import running_error
from linnet._src.reference import attention, sequence
from linnet._src.running_error import UNIT, Computed
from random_programs.generator import kind, moved
from random_programs.graph import Size, Type, Unclear, times
from random_programs.products import linear, other_operand
from random_programs.rows import checked, largest


def heads(g, batch, count, n, width):
    """[B, H, N, D], rather of rows that are there: split by a reshape, and a transpose."""
    type = Type((batch, count, n, width), g.dtype)
    rows = g.found(lambda t: t == Type((batch, n, times(count, width)), g.dtype))
    if rows and g.chance(0.7):
        x = g.reshaped(rows[-1], (batch, n, count, width))
        return g.op("heads", [x], type, 'linnet.einsum "bnhd->bhnd" {0} : {t0} -> {r}',
                    lambda x: moved(lambda a: a.transpose(0, 2, 1, 3), x))
    return g.operand(type, 0.3)


def length(g):
    small = [d for d in g.dims if g.at(d) <= 130]
    if not small:
        raise Unclear("long")
    return g.one(small)


@kind(4)
def attend(g):
    batch, kv, group = int(g.one([1, 2])), int(g.one([1, 2])), int(g.one([1, 1, 2]))
    width, values = int(g.one([4, 8, 16])), int(g.one([4, 8, 16, 3]))
    n = length(g)
    m = n if g.chance(0.6) else length(g)
    if g.chance(0.3):
        batch = length(g) if g.chance(0.3) else batch
    if g.count((batch, kv * group, n, m)) > 1 << 16 or g.least(n) == 0 or g.least(m) == 0:
        raise Unclear("large")
    q = heads(g, batch, kv * group, n, width)
    k, v = heads(g, batch, kv, m, width), heads(g, batch, kv, m, values)
    causal, window = g.chance(0.4), g.chance(0.2)
    bias = g.operand(Type((n, m) if g.chance(0.5) else (kv * group, n, m), g.dtype)) if g.chance(0.25) else None
    masks, options = [], {}
    if causal:
        masks.append("causal")
        options["causal"] = True
    if window:
        left = int(g.rng.integers(1, 9))
        masks.append(f"window<left = {left}>")
        options["window"] = (left, None)
    with_lse = g.chance(0.3)
    to = [Type((batch, kv * group, n, values), g.dtype)] + [Type((batch, kv * group, n), "f32")] * with_lse
    operands = [q, k, v] + ([bias] if bias is not None else [])
    types = [g.type(o) for o in operands]

    def write(w, names):
        more = f" bias({names[3]} : {types[3]})" if bias is not None else ""
        more += f" masks<[{', '.join(masks)}]>" if masks else ""
        text = (f"linnet.attention {', '.join(names[:3])}{more} : {', '.join(map(str, types[:3]))} -> "
                f"{', '.join(map(str, to))}")
        if not with_lse:
            return [w.op(text)]
        name = w.fresh()
        w.line(f"{name}:2 = {text}")
        return [f"{name}#0", f"{name}#1"]

    def meaning(at, q, k, v, *b):
        k, v = (moved(lambda a: np.repeat(a, group, 1), x) for x in (k, v))
        s = running_error.einsum("bhqd,bhkd->bhqk", q * width**-0.5, k)
        s = s + b[0] if b else s
        seen = np.broadcast_to(attention.visible_keys(q.value.shape[0], at(n), at(m), **options), s.value.shape)
        o = running_error.attend(s, v, "bhqk,bhkd->bhqd", seen)
        want, lse = attention.attention(q.value, moved(lambda a: a[:, ::group], k).value, v.value[:, ::group],
                                        bias=b[0].value if b else None, **options)
        out = [checked(o, want)]
        if with_lse:
            if not seen.any(-1).all():
                raise Unclear("a row without keys")
            hidden = s.where(seen, -np.inf)
            hidden.error = np.where(seen, s.error, 0)
            out.append(Computed(lse, largest(hidden, -1).error + UNIT * (4 * np.abs(lse) + 2 * at(m) + np.abs(
                hidden.value.max(-1)) + 8)))
        return out
    g.add("attention", operands, to, write, meaning)


@kind(2)
def linear_attention(g):
    batch, count, width, values = (int(g.one(c)) for c in ([1, 2], [1, 2], [4, 8, 16], [4, 6, 16]))
    n = length(g)
    if g.count((batch, count, n, width, values)) > 1 << 17:
        raise Unclear("large")
    q, k, v = (heads(g, batch, count, n, d) for d in (width, width, values))
    decay = str(g.one(["", "scalar", "channel"]))
    state = g.operand(Type((batch, count, width, values), "f32"), 0.5) if g.chance(0.4) else None
    read = "pre" if g.chance(0.2) else "post"
    operands, words = [q, k, v], ""
    if decay:
        dims = (batch, count, n) + ((width,) if decay == "channel" else ())
        d = g.argument(Type(dims, "f32"), lambda rng, shape, at: -np.abs(rng.standard_normal(shape)).astype(np.float32))
        operands.append(d)
        words += f" decay({{3}} : {g.type(d)})"
    if state is not None:
        words += f" state({{{len(operands)}}} : {g.type(state)})"
        operands.append(state)
    to = [Type((batch, count, n, values), g.dtype), Type((batch, count, width, values), "f32")]
    types = [g.type(o) for o in operands]

    def write(w, names):
        name = w.fresh()
        w.line(f"{name}:2 = linnet.linear_attention {', '.join(names[:3])}{words.format(*names)}"
               f"{' read<pre>' if read == 'pre' else ''} : {', '.join(map(str, types[:3]))} -> {to[0]}, {to[1]}")
        return [f"{name}#0", f"{name}#1"]

    def meaning(at, q, k, v, *more):
        more = list(more)
        options = dict(decay=more.pop(0).value if decay else None, read=read)
        first = more[0] if more else Computed(np.zeros((batch, count, width, values)))
        total = np.abs(options["decay"]).sum(2).max(initial=0) if decay else 0
        units = (8 * (at(n) + width) + 4 * total) * UNIT

        def both(*arrays):
            return sequence.linear_attention(*arrays[:3], state=arrays[3], **options)
        out = []
        for i in range(2):
            value = both(q.value, k.value, v.value, first.value)[i]
            error = units * both(q.size, k.size, v.size, first.size)[i]
            zero = [np.zeros_like(x.value) for x in (q, k, v, first)]
            error = error + both(q.error, k.size, v.size, first.size)[i]
            error = error + both(q.size, k.error, v.size, zero[3])[i] + both(q.size, k.size, v.error, first.error)[i]
            out.append(Computed(value, error))
        return out
    g.add("linear_attention", operands, to, write, meaning)


@kind(2)
def causal_conv(g):
    x = g.pick(lambda t: t.rank == 3)
    type = g.type(x)
    width = int(g.one([1, 2, 3, 4]))
    w = other_operand(g, (type.dims[2], width), type.dtype)
    bias = g.operand(Type((type.dims[2],), type.dtype)) if g.chance(0.5) else None
    silu = g.chance(0.4)
    words = f" bias({{2}} : {g.type(bias)})" if bias is not None else ""
    words += " activation<silu>" if silu else ""

    def meaning(x, w, *b):
        y = linear(lambda x, w: sequence.causal_conv(x, w)[0], x, w, terms=width)
        y = y + b[0] if b else y
        if silu:
            y = y / (1.0 + np.exp(-y))
            y.error = y.error + 1e-35  # what is left of it below -87, lib/Codegen/Activations.cpp
        return y
    g.op("causal_conv", [x, w] + ([bias] if bias is not None else []), type,
         f"linnet.causal_conv {{0}}, {{1}}{words} : {{t0}}, {{t1}} -> {{r}}", meaning)


@kind(1)
def rotary(g):
    x = g.pick(lambda t: t.rank == 4)
    type = g.type(x)
    width = type.dims[3]
    if isinstance(width, Size) or width < 2:
        raise Unclear("no pairs")
    rotated = 2 * int(g.rng.integers(1, width // 2 + 1))
    layout = str(g.one(["half", "interleaved"]))
    options = dict(base=1e4, rotated=rotated, layout=layout)

    def meaning(x):
        value = attention.rotary(x.value, **options)
        pairs = np.arange(rotated // 2)
        lo, hi = (pairs, pairs + rotated // 2) if layout == "half" else (2 * pairs, 2 * pairs + 1)
        error = x.error.copy()
        for i in (lo, hi):
            error[..., i] = x.error[..., lo] + x.error[..., hi] + 8 * UNIT * (x.size[..., lo] + x.size[..., hi])
        return Computed(value, error)
    g.op("rotary", [x], type, f"linnet.rotary {{0}} base(1.0e4) rotated({rotated}) layout<{layout}> : {{r}}", meaning)


@kind(2)
def cross_entropy(g):
    x = g.pick(lambda t: t.rank > 0)
    type = g.type(x)
    classes = type.dims[-1]
    if g.least(classes) == 0 or g.count(type.dims) == 0:
        raise Unclear("no classes")
    t = g.argument(Type(type.dims[:-1], "i64"), lambda rng, shape, at: rng.integers(0, at(classes), shape))
    how = str(g.one(["none", "mean", "sum"]))
    to = Type(type.dims[:-1] if how == "none" else (), "f32")

    def meaning(x, t):
        top = x.value.max(-1, keepdims=True)
        e = Computed(x.value - top, x.error + 2 * UNIT * (np.abs(x.value) + np.abs(top))).exp()
        lse = e.sum(-1).log() + top[..., 0]
        rows = lse - moved(lambda a: np.take_along_axis(a, t[..., None], -1)[..., 0], x)
        if how == "none":
            return rows
        axes = tuple(range(rows.value.ndim))
        return rows.sum(axes) if how == "sum" else rows.mean(axes)
    g.op("cross_entropy", [x, t], to, f"linnet.cross_entropy {how} {{0}}, {{1}} : {{t0}}, {{t1}} -> {{r}}", meaning)
