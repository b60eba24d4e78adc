# ===- rows.py - softmax, norms, reductions, argmax and gathers -===//
#
# Part of Linnet, under Apache-2.0 WITH LLVM-exception. See LICENSE.
#
# ===----------------------------------------------------------------------===//
import numpy as np
from linnet import testing as lt
from linnet._src.reference import norm, plain
from linnet._src.running_error import Computed
from random_programs.elementwise import select, spread, aligned
from random_programs.generator import kind, moved
from random_programs.graph import Size, Type, Unclear


def largest(x, axis, keepdims=False, sign=1):
    return Computed(sign * (sign * x.value).max(axis, keepdims=keepdims, initial=-np.inf),
                    x.error.max(axis, keepdims=keepdims, initial=0))


def soft(x, axis):
    """Relative to any element that is at most 40 below the largest."""
    top = x.value.max(axis, keepdims=True, initial=-np.inf)
    if x.value.size and not np.isfinite(top).all():
        raise Unclear("a row of -inf")
    finite = np.isfinite(x.value)
    value, error = np.where(finite, x.value - top, 0), np.where(finite, x.error, 0)
    far = np.minimum(40, -value.min(axis, keepdims=True, initial=0))
    e = Computed(value, error + 2.0**-24 * (far - value + 2 * np.abs(top))).exp().where(finite, 0.0)
    return e / e.sum(axis, keepdims=True)


def checked(found, expected):
    """That a formula is what the op's reference says."""
    expected = np.asarray(expected)
    same = np.isclose(found.value, expected, rtol=1e-6, atol=1e-9 * (1 + np.abs(found.value).max(initial=0)))
    assert found.value.shape == expected.shape and same.all(), "the formula is not what the reference says"
    return found


@kind(6)
def softmax(g, x=None):
    x = g.pick(lambda t: t.rank > 0) if x is None else x
    type = g.type(x)
    axis = type.rank - 1 if g.chance(0.75) else int(g.rng.integers(type.rank))

    def meaning(x):
        return checked(soft(x, axis), norm.softmax(x.value, axis))
    if g.chance(0.2) and not g.infinite(x) and type.dtype == "f32" and not g.differentiable:
        g.add("softmax linalg", [x], [type], lambda w, names: [
            w.op(f"linalg.softmax dimension({axis}) ins({names[0]} : {type}) outs({w.empty(type)} : {type})"
                 f" -> {type}")], lambda at, x: [meaning(x)])
    else:
        g.op("softmax", [x], type, f"linnet.softmax {{0}} axis {axis} : {{r}}", meaning)


def normalised(x, last, eps, centre):
    if not x.value.size:
        return x
    d = x - x.mean(last, keepdims=True) if centre else x
    square = (d * d).mean(last, keepdims=True)
    # of deviations from a guessed mean, a few times as large
    square.error = square.error + (32 * 2.0**-24 * square.value if centre else 0)
    return d / np.sqrt(square + eps)


@kind(9)
def norms(g):
    x = g.pick(lambda t: t.rank > 0)
    type, centre = g.type(x), g.chance(0.6)
    axes = 1 if g.chance(0.8) else int(g.rng.integers(1, type.rank + 1))
    small = Type(type.dims[-axes:], type.dtype if g.chance(0.7) else "f32")
    scale, bias = g.chance(0.7), centre and g.chance(0.5)
    eps = float(g.one([1e-5, 1e-3, 1e-2, 1.0]))
    operands = [x] + [g.operand(small) for _ in range(scale + bias)]
    last = tuple(range(type.rank - axes, type.rank))
    unit = scale and not centre and g.chance(0.3)

    def meaning(x, *more):
        y = normalised(x, last, eps, centre)
        if scale:
            y = y * (more[0] + 1.0 if unit else more[0])
        if bias:
            y = y + more[-1]
        if not x.value.size:
            return y
        wide = [m.value for m in more]
        return checked(y, norm.layer_norm(x.value, wide[0] if scale else None, wide[-1] if bias else None, axes, eps)
                       if centre else norm.rms_norm(x.value, wide[0] if scale else None, axes, eps, unit))
    words = "".join(f" {word} {{{i + 1}}}" for i, word in enumerate(["scale"] * scale + ["bias"] * bias))
    g.op("layer_norm" if centre else "rms_norm", operands, type,
         f"linnet.{'layer' if centre else 'rms'}_norm {{0}}{words} axes {axes} eps {eps:e}{' unit_offset' * unit} : "
         + ", ".join(f"{{t{i}}}" for i in range(len(operands))), meaning)


def reduce_max(g, x=None):
    reduce(g, x, "max")


@kind(8)
def reduce(g, x=None, how=None):
    x = g.pick(lambda t: t.rank > 0) if x is None else x
    type = g.type(x)
    how = how or str(g.one(["sum", "sum", "max", "min", "mean", "prod"]))
    axes = sorted({type.rank - 1} if g.chance(0.6) else
                  {int(a) for a in g.rng.choice(type.rank, int(g.rng.integers(1, type.rank + 1)))})
    if how in ("max", "min", "mean") and any(g.least(type.dims[a]) == 0 for a in axes):
        raise Unclear("an empty row")
    if how == "prod" and g.count([type.dims[a] for a in axes]) > 20:
        how = "sum"
    keep = g.chance(0.4)
    dims = tuple(1 if i in axes else d for i, d in enumerate(type.dims) if keep or i not in axes)

    def meaning(x):
        if how == "mean" and not x.value.size:
            raise Unclear("a mean of nothing")
        found = {"sum": Computed.sum, "mean": Computed.mean, "max": largest, "prod": product,
                 "min": lambda x, axis, k: largest(x, axis, k, -1)}[how](x, tuple(axes), keep)
        return checked(found, plain.reduce(how, x.value, axes, keep))
    if not keep and how in ("sum", "max") and type.dtype == "f32" and g.chance(0.3) and not g.differentiable:
        body = {"sum": "arith.addf", "max": "arith.maximumf"}[how]
        to = Type(dims, type.dtype)
        g.add("reduce linalg", [x], [to], lambda w, names: [
            w.op(f"linalg.reduce {{{body}}} ins({names[0]} : {type}) outs("
                 f"{w.fill(w.number(-np.inf if how == 'max' else 0.0, 'f32'), to)} : {to}) dimensions = {axes}")],
            lambda at, x: [meaning(x)])
    else:
        g.op(f"reduce {how}", [x], Type(dims, type.dtype),
             f"linnet.reduce {how} {{0}} axes {axes}{' keepdims' * keep} : {{t0}} -> {{r}}", meaning)


def product(x, axis, keepdims):
    flat = moved(lambda a: np.moveaxis(a, axis, range(len(axis))), x)
    rest = flat.value.shape[len(axis):]
    flat = moved(lambda a: a.reshape(-1, *rest) if a.size else np.ones((0, *rest)), flat)
    out = Computed(np.ones(rest))
    for i in range(flat.value.shape[0]):
        out = out * flat[i]
    shape = [1 if i in axis else n for i, n in enumerate(x.value.shape)]
    return moved(lambda a: a.reshape(shape), out) if keepdims else out


@kind(3)
def argmax(g):
    """Where the largest is clear, or nothing was rounded."""
    x = g.pick(lambda t: t.rank > 0)
    type = g.type(x)
    axis = type.rank - 1 if g.chance(0.7) else int(g.rng.integers(type.rank))
    if g.least(type.dims[axis]) == 0:
        raise Unclear("an empty row")
    keep, last = g.chance(0.3), g.chance(0.3)
    dims = tuple(1 if i == axis else d for i, d in enumerate(type.dims) if keep or i != axis)

    def meaning(x):
        at = plain.argmax(x.value, axis, True, last)
        top, error = (np.take_along_axis(a, at, axis) for a in (x.value, x.error))
        near = (top - x.value <= error + x.error) & (np.arange(x.value.shape[axis]).reshape(
            [-1 if i == axis else 1 for i in range(x.value.ndim)]) != at)
        if (near & (error + x.error > 0)).any():
            raise Unclear("a near tie")
        return at if keep else at.squeeze(axis)
    g.op("argmax", [x], Type(dims, str(g.one(["i32", "i64"]))),
         f"linnet.argmax {{0}} axis {axis}{' keepdims' * keep}{' select_last' * last} : {{t0}} -> {{r}}", meaning)


@kind(4)
def gather(g):
    x = g.pick(lambda t: t.rank > 0)
    type = g.type(x)
    axis = 0 if g.chance(0.6) else int(g.rng.integers(type.rank))
    size = type.dims[axis]
    if g.least(size) == 0:
        raise Unclear("nothing to gather")
    ints = [v for v in g.found(lambda t: t.dtype in ("i32", "i64"))
            if g.values[v].max(initial=0) < g.least(size)]
    if ints and g.chance(0.7):
        i = g.one(ints)
        if g.type(i).dynamic or any(isinstance(d, Size) for d in type.dims):
            raise Unclear("positions may be others")
    else:
        most = size if g.chance(0.5) else g.least(size)
        dims = tuple(g.one(g.dims) for _ in range(int(g.rng.integers(3))))
        dtype = str(g.one(["i32", "i64"]))
        i = g.argument(Type(dims, dtype), lambda rng, shape, at: rng.integers(0, at(most), shape).astype(
            lt.DTYPES[dtype]))
    to = Type(type.dims[:axis] + g.type(i).dims + type.dims[axis + 1:], type.dtype)
    if to.rank > 5:
        raise Unclear("rank")

    def meaning(x, i):
        if i.max(initial=0) >= x.value.shape[axis]:
            raise Unclear("out of range at these sizes")
        return moved(lambda a: np.take(a, i, axis), x)
    g.op("gather", [x, i], to, f"linnet.gather {{0}}, {{1}} axis {axis} : {{t0}}, {{t1}} -> {{r}}", meaning)


@kind(2)
def masked(g):
    """Some elements replaced by a number, or by -inf in front of what takes it."""
    x = g.pick(lambda t: t.rank > 0)
    type = g.type(x)
    low = g.chance(0.5)
    keep = tuple(d for d in type.dims if g.chance(0.8))
    mask = g.argument(Type(keep, "i1"), lambda rng, shape, at: rng.random(shape) < 0.7)
    where = aligned(keep, type.dims)
    value = -np.inf if low else float(g.one([0.0, -1.0]))

    def write(w, names):
        name = names[1]
        truth = type.of("i1")
        if keep != type.dims:
            like = f" like {names[0]}" if type.dynamic else ""
            more = f", {type}" if type.dynamic else ""
            name = w.op(f"linnet.broadcast {name}{like} dims {list(where)} : {Type(keep, 'i1')}{more} -> {truth}")
        other = w.splat(value, type, (names[0], type))
        return [w.op(f"arith.select {name}, {names[0]}, {other} : {truth}, {type}")]
    y, = g.add("mask", [x, mask], [type], write,
               lambda at, x, m: [select(spread(m, at, type.dims, where), x, Computed(np.float64(value)))])
    if low:
        g.one([softmax, reduce_max])(g, y)
