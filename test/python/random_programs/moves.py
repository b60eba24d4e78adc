# ===- moves.py - transposes, reshapes, slices and their like -===//
#
# Part of Linnet, under Apache-2.0 WITH LLVM-exception. See LICENSE.
#
# ===----------------------------------------------------------------------===//
import numpy as np
from linnet._src.running_error import Computed
from random_programs.elementwise import spread
from random_programs.generator import kind, moved
from random_programs.graph import Size, Type, Unclear, plus, times


@kind(4)
def transpose(g):
    x = g.pick(lambda t: t.rank > 1)
    type = g.type(x)
    order = [int(i) for i in g.rng.permutation(type.rank)]
    to = Type(tuple(type.dims[i] for i in order), type.dtype)

    def meaning(x):
        return moved(lambda a: np.transpose(a, order), x)
    if g.differentiable or g.chance(0.5):
        names = "abcdefg"[:type.rank]
        g.op("transpose", [x], to, f'linnet.einsum "{names}->{"".join(names[i] for i in order)}" {{0}} : '
             "{t0} -> {r}", meaning)
    else:
        g.add("transpose", [x], [to], lambda w, names: [
            w.op(f"linalg.transpose ins({names[0]} : {type}) outs({w.empty(to)} : {to}) permutation = {order}")],
            lambda at, x: [meaning(x)])


@kind(3)
def reshape(g):
    x = g.pick(lambda t: t.rank > 0)
    dims = list(g.type(x).dims)
    if len(dims) > 1 and g.chance(0.5):
        i = int(g.rng.integers(len(dims) - 1))
        dims[i:i + 2] = [times(dims[i], dims[i + 1])]
    else:
        i = int(g.rng.integers(len(dims)))
        factors = [f for f in (1, 2, 3, 4, 5, 8) if not isinstance(dims[i], Size) and dims[i] and dims[i] % f == 0]
        f = g.one(factors or [1])
        rest = dims[i] // f if f > 1 else dims[i]
        dims[i:i + 1] = [f, rest] if g.chance(0.5) else [rest, f]
    if len(dims) > 5:
        raise Unclear("rank")
    grouped(g, x, tuple(dims))


def grouped(g, x, dims):
    """By one op, where the dimensions merge or split."""
    type, to = g.type(x), Type(dims, g.type(x).dtype)
    longer, shorter = (type.dims, dims) if type.rank > len(dims) else (dims, type.dims)
    i = next((i for i in range(len(shorter)) if longer[i] != shorter[i]), len(shorter) - 1)
    groups = [[j] for j in range(i)] + [[i, i + 1]] + [[j + 1] for j in range(i + 1, len(shorter))]

    def write(w, names):
        if type.rank > len(dims):
            return [w.op(f"tensor.collapse_shape {names[0]} {groups} : {type} into {to}")]
        return [w.op(f"tensor.expand_shape {names[0]} {groups} output_shape {w.sizes(dims)} : {type} into {to}")]
    g.add("reshape", [x], [to], write, lambda at, x: [moved(lambda a: a.reshape([at(d) for d in dims]), x)])


def part(g, d):
    """An offset, a size and a stride within a dimension."""
    least = g.least(d)
    if d == 0:
        raise Unclear("no offset is within an empty dimension, says upstream")
    if g.chance(0.4) or least == 0:
        return 0, d, 1
    if isinstance(d, Size) and g.chance(0.6):  # all but the first
        k = int(g.rng.integers(0, least + 1))
        return k, plus(d, -k), 1
    stride = 1 if g.chance(0.8) else 2
    size = int(g.rng.integers(1, (least - 1) // stride + 2))
    room = least - ((size - 1) * stride + 1)
    return int(g.rng.integers(0, room + 1)), size, stride


def cut_of(at, parts):
    return tuple(slice(o, o + at(n) * s, s) if at(n) else slice(0, 0) for o, n, s in parts)


@kind(4)
def extract(g):
    x = g.pick(lambda t: t.rank > 0)
    type = g.type(x)
    parts = [part(g, d) for d in type.dims]
    dims = tuple(n for _, n, _ in parts)
    drop = [i for i, n in enumerate(dims) if n == 1 and g.chance(0.4)]
    to = Type(tuple(n for i, n in enumerate(dims) if i not in drop), type.dtype)
    g.add("extract", [x], [to], lambda w, names: [
        w.op(f"tensor.extract_slice {names[0]}{[o for o, _, _ in parts]} {w.sizes(dims)} "
             f"{[s for _, _, s in parts]} : {type} to {to}")],
        lambda at, x: [moved(lambda a: a[cut_of(at, parts)].reshape([at(d) for d in to.dims]), x)])


@kind(3)
def insert(g):
    into = g.pick(lambda t: t.rank > 0)
    type = g.type(into)
    parts = [part(g, d) for d in type.dims]
    piece = Type(tuple(n for _, n, _ in parts), type.dtype)
    x = g.operand(piece)

    def meaning(at, x, into):
        def move(a, b):
            out = b.copy()
            out[cut_of(at, parts)] = a
            return out
        return [Computed(move(x.value, into.value), move(x.error, into.error))]
    g.add("insert", [x, into], [type], lambda w, names: [
        w.op(f"tensor.insert_slice {names[0]} into {names[1]}{[o for o, _, _ in parts]} {w.sizes(piece.dims)} "
             f"{[s for _, _, s in parts]} : {piece} into {type}")], meaning)


@kind(4)
def concat(g):
    x = g.pick(lambda t: t.rank > 0)
    type = g.type(x)
    axis = int(g.rng.integers(type.rank))

    def fits(t):
        return (t.rank == type.rank and t.dtype == type.dtype
                and all(a == b for i, (a, b) in enumerate(zip(t.dims, type.dims)) if i != axis))
    operands = [x] + [g.one(g.found(fits)) for _ in range(int(g.one([1, 1, 2])))]
    if g.chance(0.3):
        dims = list(type.dims)
        dims[axis] = g.one(g.dims)
        operands.append(g.argument(Type(tuple(dims), type.dtype)))
    dims = list(type.dims)
    dims[axis] = 0
    for v in operands:
        dims[axis] = plus(dims[axis], g.type(v).dims[axis])
    to = Type(tuple(dims), type.dtype)
    names = ", ".join(f"{{{i}}}" for i in range(len(operands)))
    types = ", ".join(f"{{t{i}}}" for i in range(len(operands)))
    g.op("concat", operands, to, f"tensor.concat dim({axis}) {names} : ({types}) -> {{r}}",
         lambda *xs: Computed(np.concatenate([x.value for x in xs], axis), np.concatenate([x.error for x in xs], axis)))


@kind(3)
def pad(g):
    x = g.pick(lambda t: t.rank > 0)
    type = g.type(x)
    pads = [(int(g.rng.integers(4)), int(g.rng.integers(4))) if g.chance(0.5) else (0, 0) for _ in type.dims]
    to = Type(tuple(plus(d, a + b) for d, (a, b) in zip(type.dims, pads)), type.dtype)
    value = float(g.one([0.0, 0.0, 1.5]))

    def write(w, names):
        number = w.number(value, type.dtype)
        args = ", ".join(f"%i{i}: index" for i in range(type.rank))
        return [w.op(f"tensor.pad {names[0]} low{[a for a, _ in pads]} high{[b for _, b in pads]} {{\n"
                     f"  ^bb0({args}):\n    tensor.yield {number} : {type.dtype}\n  }} : {type} to {to}")]
    g.add("pad", [x], [to], write, lambda at, x: [Computed(np.pad(x.value, pads, constant_values=value),
                                                            np.pad(x.error, pads))])


@kind(2)
def broadcast(g):
    x = g.pick(lambda t: t.rank < 4)
    type = g.type(x)
    i = int(g.rng.integers(type.rank + 1))
    more = g.one(g.dims)
    to = Type((*type.dims[:i], more, *type.dims[i:]), type.dtype)
    where = [j for j in range(to.rank) if j != i]

    def write(w, names):
        if type.rank and len(set(where)) and to.rank and g_linalg:
            return [w.op(f"linalg.broadcast ins({names[0]} : {type}) outs({w.empty(to)} : {to}) dimensions = [{i}]")]
        sizes = [w.size(d) for d in to.dims if isinstance(d, Size)]
        given_ = f" sizes({', '.join(sizes)})" if sizes else ""
        return [w.op(f"linnet.broadcast {names[0]}{given_} dims {where} : {type} -> {to}")]
    g_linalg = g.chance(0.3) and not g.differentiable
    g.add("broadcast", [x], [to], write, lambda at, x: [spread(x, at, to.dims, where)])
