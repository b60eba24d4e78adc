# ===- elementwise.py - expressions, as ops on tensors, generics and named ops -===//
#
# Part of Linnet, under Apache-2.0 WITH LLVM-exception. See LICENSE.
#
# ===----------------------------------------------------------------------===//
import itertools
import math

import numpy as np
from linnet import testing as lt
from linnet._src.running_error import Computed
from random_programs.generator import MOST, kind, moved
from random_programs.graph import Size, Type, Unclear


def letters(dims):
    return [f"d{i}" for i in range(len(dims))]


def affine(rank, results):
    return f"affine_map<({', '.join(f'd{i}' for i in range(rank))}) -> ({', '.join(results)})>"


def _max(a, b, pick=np.maximum):
    return Computed(pick(a.value, b.value), np.maximum(a.error, b.error))


def _erf(x):
    return x.apply(np.vectorize(math.erf, otypes=[float]), 1.13 * x.error, 4 * 2.0**-24)


def _floor(x):
    below, above = np.floor(x.value - x.error), np.floor(x.value + x.error)
    return Computed(np.floor(x.value), np.maximum(above - np.floor(x.value), np.floor(x.value) - below))


class Truth:
    def __init__(self, value, unclear):
        self.value, self.unclear = value, unclear


def _less(a, b):
    unclear = (np.abs(a.value - b.value) <= a.error + b.error) & (a.error + b.error > 0)
    return Truth(a.value < b.value, unclear)


def select(c, a, b):
    """What cannot be told is either."""
    c = c if isinstance(c, Truth) else Truth(c, np.zeros(np.shape(c), bool))
    value, other = (np.where(c.value, *v) for v in ((a.value, b.value), (b.value, a.value)))
    error, others = (np.where(c.value, *v) for v in ((a.error, b.error), (b.error, a.error)))
    with np.errstate(invalid="ignore"):
        both = np.abs(value - other) + np.maximum(error, others)
    return Computed(value, np.where(c.unclear, both, error))


STEPS = {  # mnemonic: (text, meaning)
    "add": ("arith.addf", lambda a, b: a + b), "sub": ("arith.subf", lambda a, b: a - b),
    "mul": ("arith.mulf", lambda a, b: a * b), "div": ("arith.divf", lambda a, b: _div(a, b)),
    "max": ("arith.maximumf", _max), "min": ("arith.minimumf", lambda a, b: _max(a, b, np.minimum)),
    "maxnum": ("arith.maxnumf", _max), "neg": ("arith.negf", lambda a: -a),
    "abs": ("math.absf", lambda a: Computed(np.abs(a.value), a.error)),
    "exp": ("math.exp", Computed.exp), "tanh": ("math.tanh", Computed.tanh), "sin": ("math.sin", Computed.sin),
    "cos": ("math.cos", Computed.cos), "sqrt": ("math.sqrt", Computed.sqrt), "erf": ("math.erf", _erf),
    "log": ("math.log", Computed.log), "rsqrt": ("math.rsqrt", lambda a: 1.0 / a.sqrt()),
    "floor": ("math.floor", _floor), "less": ("arith.cmpf olt,", _less), "select": ("arith.select", select),
    "fma": ("math.fma", lambda a, b, c: a * b + c),
}


def _div(a, b):
    if not (np.abs(b.value) > b.error).all():
        raise Unclear("a divisor may be zero")
    return a / b


class Steps:
    """An expression of scalars: steps on operands and on earlier steps."""

    def __init__(self, operands):
        self.operands, self.steps = operands, []

    def __getattr__(self, name):
        if name not in STEPS:
            raise AttributeError(name)

        def add(*args):
            self.steps.append((name, tuple(a if isinstance(a, int) else self.number(a) for a in args)))
            return self.operands + len(self.steps) - 1
        return add

    def number(self, value):
        self.steps.append((value, ()))
        return self.operands + len(self.steps) - 1

    def meaning(self, dtype, *values):
        """`values` are of one shape."""
        found = list(values)
        unit = lt.unit_roundoff(lt.DTYPES[dtype])
        for name, args in self.steps:
            if not isinstance(name, str):
                x = Computed(np.float64(np.asarray(name, np.float32).astype(lt.DTYPES[dtype])))
            else:
                x = STEPS[name][1](*(found[a] for a in args))
                exact = name in ("max", "min", "maxnum", "neg", "abs", "select")
                if isinstance(x, Computed) and dtype != "f32" and not exact:
                    x = x.stored(unit)
                    x.error = x.error + 2.0**-14 * (dtype == "f16")
            if isinstance(x, Computed) and np.abs(x.value[np.isfinite(x.value)]).max(initial=0) > 1e30:
                raise Unclear("may overflow")
            found.append(x)
        return found[-1]

    def lines(self, w, type, names, number, out=None):
        """Ops of this type; `number(value)` names a constant."""
        names, out = list(names), w.op if out is None else out
        element = type.dtype if isinstance(type, Type) else type
        truth = str(type.of("i1")) if isinstance(type, Type) else "i1"
        del element
        for name, args in self.steps:
            if not isinstance(name, str):
                names.append(number(name))
                continue
            types = f"{truth}, {type}" if name == "select" and isinstance(type, Type) else str(type)
            names.append(out(f"{STEPS[name][0]} {', '.join(names[a] for a in args)} : {types}"))
        return names[-1]


UNARY = [
    lambda e, x: e.tanh(x), lambda e, x: e.exp(e.neg(e.abs(x))), lambda e, x: e.sin(x), lambda e, x: e.cos(x),
    lambda e, x: e.sqrt(e.add(e.mul(x, x), 1.0)), lambda e, x: e.rsqrt(e.add(e.mul(x, x), 0.5)),
    lambda e, x: e.log(e.add(e.mul(x, x), 1.5)), lambda e, x: e.mul(x, x), lambda e, x: e.neg(x),
    lambda e, x: e.abs(x), lambda e, x: e.max(x, 0.0), lambda e, x: e.mul(x, 0.3),
    lambda e, x: e.div(x, e.add(e.number(1.0), e.exp(e.neg(x)))), lambda e, x: e.erf(x),
    lambda e, x: e.div(e.number(1.0), e.add(e.exp(e.neg(x)), 1.0)),
    lambda e, x: e.mul(e.mul(x, 0.5), e.add(e.erf(e.mul(x, 0.7071067690849304)), 1.0)),
    lambda e, x: e.min(e.max(x, -1.0), 1.5), lambda e, x: e.select(e.less(e.number(0.0), x), x, e.mul(x, 0.1)),
    lambda e, x: e.floor(x), lambda e, x: e.add(x, 1.25), lambda e, x: e.exp(x), lambda e, x: e.maxnum(x, -0.5),
]
BINARY = [
    lambda e, x, y: e.add(x, y), lambda e, x, y: e.add(x, y), lambda e, x, y: e.sub(x, y),
    lambda e, x, y: e.sub(y, x), lambda e, x, y: e.mul(x, y), lambda e, x, y: e.mul(x, y),
    lambda e, x, y: e.max(x, y), lambda e, x, y: e.min(y, x),
    lambda e, x, y: e.div(x, e.add(e.mul(y, y), 1.0)), lambda e, x, y: e.fma(x, y, x),
    lambda e, x, y: e.mul(e.sub(x, y), e.sub(x, y)), lambda e, x, y: e.mul(x, e.tanh(y)),
    lambda e, x, y: e.select(e.less(x, y), e.mul(x, 0.5), y), lambda e, x, y: e.div(x, y),
]
TERNARY = [
    lambda e, x, y, z: e.fma(x, y, z), lambda e, x, y, z: e.add(e.mul(x, y), z),
    lambda e, x, y, z: e.min(e.max(x, y), z), lambda e, x, y, z: e.select(e.less(x, y), z, x),
    lambda e, x, y, z: e.sub(e.add(x, y), z),
]
TEMPLATES = {1: UNARY, 2: BINARY, 3: TERNARY}
NAMED = {"add": "add", "sub": "sub", "mul": "mul", "div": "div", "max": "max", "min": "min", "exp": "exp",
         "tanh": "tanh", "abs": "abs", "neg": "negf", "sqrt": "sqrt", "erf": "erf", "log": "log",
         "rsqrt": "rsqrt", "floor": "floor"}


def aligned(dims, to):
    """Where `dims` lie within `to`, in order; a 1 lies anywhere. None where they do not."""
    choices = [c for c in itertools.combinations(range(len(to)), len(dims))
               if all(d == to[i] or d == 1 for d, i in zip(dims, c))]
    return choices[-1] if choices else None


def spread(x, at, to, where):
    """Broadcast as `where` says."""
    def move(a):
        shape = [1] * len(to)
        for n, i in zip(a.shape, where):
            shape[i] = n
        order = np.argsort(where) if len(where) else []
        return np.broadcast_to(np.transpose(a, order).reshape(shape), [at(d) for d in to])
    return moved(move, x)


def broadcast_operands(g, type, count):
    """Values that are broadcast to a type, and where their dimensions lie."""
    out = []
    while len(out) < count:
        fits = [v for v in g.found(lambda t: t.dtype == type.dtype and aligned(t.dims, type.dims) is not None)]
        if fits and g.chance(0.75):
            v = fits[-1] if g.chance(0.4) else g.one(fits)
        else:
            keep = [d for d in type.dims if g.chance(0.7)]
            v = g.argument(Type(tuple(1 if g.chance(0.1) else d for d in keep), type.dtype), constant=g.chance(0.3))
        out.append((v, aligned(g.type(v).dims, type.dims)))
    return out


@kind(14)
def elementwise(g):
    """An expression, as ops on tensors, as one generic or as a named op."""
    x = g.pick()
    type = g.type(x)
    count = int(g.one([1, 1, 2, 2, 2, 3]))
    if g.chance(0.15):  # an outer sum, or what lies across
        more = g.one(g.dims)
        at = int(g.rng.integers(type.rank + 1))
        type = Type((*type.dims[:at], more, *type.dims[at:]), type.dtype)
        if type.rank > 4 or g.count(type.dims) > MOST:
            raise Unclear("large")
    given_ = [(x, aligned(g.type(x).dims, type.dims))] + broadcast_operands(g, type, count - 1)
    if g.chance(0.3):
        given_ = given_[::-1]
    e = Steps(count)
    last = g.one(TEMPLATES[count])(e, *range(count))
    while g.chance(0.35):
        last = g.one(UNARY)(e, last)
    plain_ = all(g.type(v).dims == type.dims for v, _ in given_)
    form = str(g.one(["tensor", "tensor", "generic"]))
    if g.differentiable:
        form = "tensor"
    elif plain_ and len(e.steps) == 1 and e.steps[0][0] in NAMED and g.chance(0.6):
        form = "named"
    write = {"tensor": write_tensors, "generic": write_generic, "named": write_named}[form]
    operands, where = zip(*given_)
    g.add(f"elementwise {form}", operands, [type],
          lambda w, names: [write(w, e, type, names, [g.type(v) for v in operands], where)],
          lambda at, *values: [e.meaning(type.dtype, *(spread(x, at, type.dims, i) for x, i in zip(values, where)))])


def write_tensors(w, e, type, names, types, where):
    full = []
    for name, t, at in zip(names, types, where):
        if t.dims != type.dims:
            like = next(((n, u) for n, u in zip(names, types) if u.dims == type.dims), None)
            dims = f" dims {list(at)}"
            if like and type.dynamic:
                name = w.op(f"linnet.broadcast {name} like {like[0]}{dims} : {t}, {like[1]} -> {type}")
            else:
                sizes = [w.size(d) for d in type.dims if isinstance(d, Size)]
                given_ = f" sizes({', '.join(sizes)})" if sizes else ""
                name = w.op(f"linnet.broadcast {name}{given_}{dims} : {t} -> {type}")
        full.append(name)
    return e.lines(w, type, full, lambda value: w.splat(value, type, (full[0], type)))


def operand_map(rank, dims, where):
    return affine(rank, ["0" if d == 1 else f"d{i}" for d, i in zip(dims, where)])


def write_generic(w, e, type, names, types, where):
    maps = [operand_map(type.rank, t.dims, at) if type.rank else "affine_map<() -> ()>"
            for t, at in zip(types, where)]
    # a dimension of the loop that is 1 may be written as such, or not
    maps = [m if t.dims != type.dims else affine(type.rank, letters(type.dims)) for m, t in zip(maps, types)]
    maps.append(affine(type.rank, letters(type.dims)))
    args = [f"%x{i}" for i in range(len(names))]
    body = Body(w)
    last = e.lines(w, type.dtype, args, lambda value: w.number(value, type.dtype), body.op)
    return write_linalg(w, maps, ["parallel"] * type.rank, names, types, w.empty(type), type, body, last)


class Body:
    """The lines of a region."""

    def __init__(self, w):
        self.w, self.lines = w, []

    def op(self, text):
        name = self.w.fresh()
        self.lines.append(f"    {name} = {text}")
        return name


def write_linalg(w, maps, iterators, names, types, out, type, body, last):
    args = ", ".join([f"%x{i}: {t.dtype}" for i, t in enumerate(types)] + [f"%o: {type.dtype}"])
    lines = "\n".join([f"  ^bb0({args}):", *body.lines, f"    linalg.yield {last} : {type.dtype}"])
    kinds = ", ".join(f'"{i}"' for i in iterators)
    ins = f" ins({', '.join(names)} : {', '.join(map(str, types))})" if names else ""
    return w.op(f"linalg.generic {{indexing_maps = [{', '.join(maps)}], iterator_types = [{kinds}]}}{ins}"
                f" outs({out} : {type}) {{\n{lines}\n  }} -> {type}")


def write_named(w, e, type, names, types, where):
    return w.op(f"linalg.{NAMED[e.steps[0][0]]} ins({', '.join(names[a] for a in e.steps[0][1])} : "
                f"{', '.join([str(type)] * len(e.steps[0][1]))}) outs({w.empty(type)} : {type}) -> {type}")


@kind(2)
def cast(g):
    x = g.pick()
    type = g.type(x)
    wide = type.dtype == "f32"
    to = type.of(g.dtype if wide and g.dtype != "f32" else "f32" if not wide else str(g.one(["bf16", "f16"])))
    g.op("cast", [x], to, f"arith.{'truncf' if wide else 'extf'} {{0}} : {{t0}} to {{r}}", lambda x: x)
