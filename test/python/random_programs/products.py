# ===- products.py - products of tensors, convolutions and poolings -===//
#
# Part of Linnet, under Apache-2.0 WITH LLVM-exception. See LICENSE.
#
# ===----------------------------------------------------------------------===//
import numpy as np
from linnet._src import running_error
from linnet._src.reference import conv, plain, pool
from linnet._src.running_error import UNIT, Computed
from random_programs.elementwise import Body, affine, broadcast_operands, spread, write_linalg
from random_programs.generator import kind, moved
from random_programs.graph import Size, Type, Unclear, plus
from random_programs.rows import checked


def linear(f, *operands, terms):
    """What is linear in every operand, as f says in float64: a sum of `terms` products in any order."""
    value = f(*(x.value for x in operands))
    error = (terms + 4) * UNIT * f(*(x.size for x in operands))
    for i, x in enumerate(operands):
        error = error + f(*(x.error if j == i else y.size if j < i else np.abs(y.value)
                            for j, y in enumerate(operands)))
    return Computed(value, error)


def other_operand(g, dims, dtype):
    """Of a product: rather a weight."""
    return g.argument(Type(dims, dtype), constant=True) if g.chance(0.3) else g.operand(Type(dims, dtype), 0.2)


@kind(7)
def einsum(g):
    """Two operands with shared letters, in any order."""
    x = g.pick(lambda t: t.rank > 0)
    type = g.type(x)
    names = "abcdefgh"
    size = dict(zip(names, type.dims))
    own = names[:type.rank]
    summed = [c for c in own if g.chance(0.5)] or [g.one(own)]
    batch = [c for c in own if c not in summed and g.chance(0.25)]
    new = [names[type.rank + i] for i in range(int(g.one([0, 1, 1, 1, 2])))]
    for c in new:
        size[c] = g.one(g.dims)
    second = [str(c) for c in g.rng.permutation([*summed, *batch, *new])]
    kept = [c for c in [*own, *new] if c not in summed]
    if g.chance(0.4):
        kept = [str(c) for c in g.rng.permutation(kept)]
    if len(second) > 4 or len(kept) > 4 or g.count([size[c] for c in size]) > 1 << 20:
        raise Unclear("large")
    if g.count([size[c] for c in second]) > 1 << 14:
        raise Unclear("large")
    y = other_operand(g, tuple(size[c] for c in second), type.dtype)
    wide = type.dtype != "f32" and g.chance(0.3)
    to = Type(tuple(size[c] for c in kept), "f32" if wide else type.dtype)
    operands, groups = [x, y], ["".join(own), "".join(second)]
    if g.chance(0.3):
        operands, groups = operands[::-1], groups[::-1]
    equation = f"{','.join(groups)}->{''.join(kept)}"
    g.op("einsum", operands, to, f'linnet.einsum "{equation}" {{0}}, {{1}} : {{t0}}, {{t1}} -> {{r}}',
         lambda a, b: checked(running_error.einsum(equation, a, b), plain.einsum(equation, a.value, b.value)))


@kind(4)
def matmul(g):
    """Upstream's, onto zeros or onto a tensor that is there."""
    x = g.pick(lambda t: t.rank in (2, 3))
    type = g.type(x)
    n = g.one(g.dims)
    batch, (m, k) = type.dims[:-2], type.dims[-2:]
    if g.count([*batch, m, k, n]) > 1 << 20 or g.count([*batch, k, n]) > 1 << 14:
        raise Unclear("large")
    y = other_operand(g, (*batch, k, n), type.dtype)
    to = Type((*batch, m, n), "f32")  # 16 bits would be summed in 16 bits
    onto = g.operand(to) if g.chance(0.3) else None
    name = "batch_matmul" if batch else "matmul"
    equation = "bmk,bkn->bmn" if batch else "mk,kn->mn"

    def write(w, names):
        out = names[2] if onto is not None else w.fill(w.number(0.0, "f32"), to)
        return [w.op(f"linalg.{name} ins({names[0]}, {names[1]} : {type}, {g.type(y)}) outs({out} : {to}) -> {to}")]

    def meaning(at, a, b, *c):
        found = running_error.einsum(equation, a, b)
        return [found + c[0] if c else found]
    g.add(name, [x, y] + ([onto] if onto is not None else []), [to], write, meaning)


@kind(2)
def weighted_sum(g):
    """A generic that sums what it computes of two operands along some dimensions."""
    x = g.pick(lambda t: t.rank > 1)
    type = g.type(x)
    if type.dtype != "f32":
        raise Unclear("16 bits would be summed in 16 bits")
    (y, where), = broadcast_operands(g, type, 1)
    summed = sorted(int(i) for i in g.rng.choice(type.rank, int(g.rng.integers(1, type.rank)), replace=False))
    kept = [i for i in range(type.rank) if i not in summed]
    to = Type(tuple(type.dims[i] for i in kept), type.dtype)
    difference = g.chance(0.5)

    def write(w, names):
        dims = [f"d{i}" for i in range(type.rank)]
        maps = [affine(type.rank, dims), affine(type.rank, ["0" if d == 1 else f"d{i}" for d, i in zip(
            g.type(y).dims, where)]), affine(type.rank, [f"d{i}" for i in kept])]
        body = Body(w)
        term = body.op(f"arith.{'subf' if difference else 'mulf'} %x0, %x1 : f32")
        if difference:
            term = body.op(f"arith.mulf {term}, {term} : f32")
        total = body.op(f"arith.addf %o, {term} : f32")
        return [write_linalg(w, maps, ["reduction" if i in summed else "parallel" for i in range(type.rank)], names,
                             [type, g.type(y)], w.fill(w.number(0.0, "f32"), to), to, body, total)]

    def meaning(at, a, b):
        b = spread(b, at, type.dims, where)
        term = a - b if difference else a * b
        return [(term * term if difference else term).sum(tuple(summed))]
    g.add("sum of products", [x, y], [to], write, meaning)


# ===- windows -===//


def image(g, spatial):
    """A value as [B, C, spatial...]."""
    fits = g.found(lambda t: t.dtype == g.dtype and t.rank == 2 + spatial)
    if fits and g.chance(0.8):
        return fits[-1]
    b, c, *size = (g.one(g.dims) for _ in range(2 + spatial))
    type = Type((1 if g.chance(0.5) else b, c, *size), g.dtype)
    if g.count(type.dims) > 1 << 13:
        raise Unclear("large")
    return g.operand(type, 0.5)


def spatial_size(d, low, high, dilation, width, stride):
    """Of a window's positions; only of sizes that stay linear."""
    d = plus(d, low + high - dilation * (width - 1) - 1)
    if stride == 1:
        return plus(d, 1)
    if isinstance(d, Size):
        raise Unclear("a size that is divided")
    return d // stride + 1


@kind(3)
def convolution(g):
    spatial = int(g.one([1, 2, 2]))
    x = image(g, spatial)
    type = g.type(x)
    channels = type.dims[1]
    if isinstance(channels, Size) or channels == 0:
        raise Unclear("channels")
    groups = int(g.one([1, 1, channels, 2 if channels % 2 == 0 else 1]))
    out = groups * int(g.one([1, 2, 3, 5, 8]))
    width = [int(g.one([1, 2, 3, 3])) for _ in range(spatial)]
    stride = [int(g.one([1, 1, 1, 2])) for _ in range(spatial)]
    dilation = [int(g.one([1, 1, 2])) for _ in range(spatial)]
    padding = [int(n) for n in g.rng.integers(0, 3, 2 * spatial)]
    dims = [type.dims[0], out]
    for i, d in enumerate(type.dims[2:]):
        if g.least(d) + padding[2 * i] + padding[2 * i + 1] <= dilation[i] * (width[i] - 1):
            raise Unclear("a filter that is larger than its input")
        dims.append(spatial_size(d, *padding[2 * i:2 * i + 2], dilation[i], width[i], stride[i]))
    if g.count(dims) * int(np.prod(width)) * channels // groups > 1 << 20:
        raise Unclear("large")
    w = other_operand(g, (out, channels // groups, *width), type.dtype)
    bias = g.operand(Type((out,), type.dtype)) if g.chance(0.5) else None
    words = f"groups {groups} strides {stride} dilations {dilation} padding {padding}"
    options = dict(groups=groups, strides=stride, dilations=dilation, padding=padding)
    operands = [x, w] + ([bias] if bias is not None else [])
    terms = channels // groups * int(np.prod(width))

    def meaning(x, w, *b):
        y = linear(lambda x, w: conv.conv(x, w, **options), x, w, terms=terms)
        return y + moved(lambda a: a.reshape(-1, *[1] * spatial), b[0]) if b else y
    g.op("conv", operands, Type(tuple(dims), type.dtype),
         f"linnet.conv {{0}}, {{1}}{' bias {2}' if b_(bias) else ''} {words} : "
         f"{', '.join(f'{{t{i}}}' for i in range(len(operands)))} -> {{r}}", meaning)


def b_(value):
    return value is not None


@kind(2)
def pooling(g):
    spatial = int(g.one([1, 2]))
    x = image(g, spatial)
    type = g.type(x)
    width = [int(g.one([1, 2, 3])) for _ in range(spatial)]
    stride = [int(g.one([1, 1, 2])) for _ in range(spatial)]
    padding = [int(g.rng.integers(0, n // 2 + 1)) for n in width for _ in range(2)]
    dims = list(type.dims[:2])
    for i, d in enumerate(type.dims[2:]):
        if g.least(d) + padding[2 * i] + padding[2 * i + 1] < width[i]:
            raise Unclear("a window that is larger than its input")
        dims.append(spatial_size(d, *padding[2 * i:2 * i + 2], 1, width[i], stride[i]))
    how = str(g.one(["max", "avg"]))
    words = f"kernel {width} strides {stride} padding {padding}"
    options = dict(strides=stride, padding=padding)

    def meaning(x):
        f = lambda a: np.asarray(getattr(pool, f"{how}_pool")(a, width, **options))
        if how == "avg":
            return linear(f, x, terms=int(np.prod(width)))
        return Computed(f(x.value), f(x.error))
    g.op(f"{how}_pool", [x], Type(tuple(dims), type.dtype), f"linnet.{how}_pool {{0}} {words} : {{t0}} -> {{r}}",
         meaning)
