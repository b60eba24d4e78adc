# Part of Linnet, under Apache-2.0 WITH LLVM-exception. See LICENSE.
"""The loops emitter, executed: every result against NumPy in float64."""

import math

import ml_dtypes
import numpy as np
import pytest
from kernel_text import Text, identity, same_bits, ty

from linnet._src import kernels as K

RNG = np.random.default_rng(7)
F32, BF16 = np.float32, ml_dtypes.bfloat16

# ---- broadcasts, transposes, views -----------------------------------------------------------

def test_broadcast_and_transpose():
    t3, row, col, tr = (ty((None,) * n, "f32") for n in (3, 1, 2, 3))
    t = Text("k", t3, row, col, tr)
    sizes = [t.dim("%a0", t3, d) for d in range(3)]
    out = t.empty((None,) * 3, "f32", sizes)
    r = t.generic(3, "ppp", [("%a0", t3, "d0, d1, d2"), ("%a1", row, "d2"), ("%a2", col, "d0, d1"), ("%a3", tr, "d2, d0, d1")],
                  [(out, t3, "d0, d1, d2")],
                  "      %x = arith.addf %i0, %i1 : f32\n      %y = arith.mulf %x, %i2 : f32\n"
                  "      %r = arith.subf %y, %i3 : f32\n      linalg.yield %r : f32")
    text = t.done((r, t3))
    for cpu in K.LEVELS:
        k = K.compile(text, cpu)["k"]
        for a, b, c in [(2, 3, 5), (1, 1, 1), (4, 33, 18), (0, 3, 2), (2, 0, 2), (3, 2, 0), (17, 16, 16)]:
            x, u, v, w = (RNG.standard_normal(s).astype(F32) for s in [(a, b, c), (c,), (a, b), (c, a, b)])
            ref = (x + u) * v[:, :, None] - w.transpose(1, 2, 0)
            y = k(x, u, v, w, sizes=[a, b, c])
            assert same_bits(y, ref)
            assert same_bits(y, k(x, u, v, w, sizes=[a, b, c], threads=3))


def test_transpose_and_slice_of_argument():
    x, y = ty((37, 50), "f32"), ty((20, 30), "f32")
    t = Text("k", x)
    s = t.add(f"tensor.extract_slice %a0[3, 4] [30, 20] [1, 2] : {x} to tensor<30x20xf32>")
    e = t.empty((20, 30), "f32")
    r = t.add(f"linalg.transpose ins({s} : tensor<30x20xf32>) outs({e} : {y}) permutation = [1, 0]")
    k = K.compile(t.done((r, y)))["k"]
    v = RNG.standard_normal((37, 50)).astype(F32)
    assert same_bits(k(v), v[3:33, 4:44:2].T)


def test_reshape_between_ops():
    x, f = ty((None, 12), "f32"), ty((None,), "f32")
    t = Text("k", x)
    n = t.dim("%a0", x, 0)
    e = t.empty((None, 12), "f32", [n])
    v = t.generic(2, "pp", [("%a0", x, "d0, d1")], [(e, x, "d0, d1")], "      %r = math.sqrt %i0 : f32\n      linalg.yield %r : f32")
    c = t.add(f"tensor.collapse_shape {v} [[0, 1]] : {x} into {f}")
    size = t.add(f"arith.muli {n}, {t.const(12, 'index')} : index")
    ef = t.empty((None,), "f32", [size])
    r = t.generic(1, "p", [(c, f, "d0")], [(ef, f, "d0")], "      %r = arith.addf %i0, %i0 : f32\n      linalg.yield %r : f32")
    k = K.compile(t.done((r, f)))["k"]
    for m in (0, 1, 7):
        a = np.abs(RNG.standard_normal((m, 12))).astype(F32)
        assert same_bits(k(a, sizes=[m * 12]), (np.sqrt(a) * 2).reshape(-1))


# ---- reductions ----------------------------------------------------------------------------

REDUCERS = {"arith.addf": (np.sum, "0.0"), "arith.maximumf": (np.max, "0xFF800000"),
            "arith.minimumf": (np.min, "0x7F800000"), "arith.mulf": (np.prod, "1.0")}


@pytest.mark.parametrize("axes", [(0,), (1,), (2,), (0, 1), (1, 2), (0, 2), (0, 1, 2)])
@pytest.mark.parametrize("op", list(REDUCERS))
def test_reduction(axes, op):
    """Loops in the order parallel, then reduced; the operand is permuted."""
    x = ty((None,) * 3, "f32")
    kept = [a for a in range(3) if a not in axes]
    loops = kept + list(axes)
    out = ty((None,) * len(kept), "f32")
    t = Text("k", x)
    f, init = REDUCERS[op]
    e = t.empty((None,) * len(kept), "f32", [t.dim("%a0", x, d) for d in kept])
    start = t.fill(t.const(init, "f32"), "f32", e, out)
    where = ", ".join(f"d{loops.index(a)}" for a in range(3))
    r = t.generic(3, "p" * len(kept) + "r" * len(axes), [("%a0", x, where)], [(start, out, identity(len(kept)))],
                  f"      %r = {op} %i0, %o0 : f32\n      linalg.yield %r : f32")
    text = t.done((r, out))
    bits = []
    for cpu in K.LEVELS:
        k = K.compile(text, cpu)["k"]
        rng = np.random.default_rng(1)
        for shape in [(3, 5, 7), (1, 1, 1), (2, 33, 70), (4, 1, 129), (0, 3, 2), (2, 3, 0), (19, 18, 17)]:
            v = (rng.standard_normal(shape) * 0.5 + (op == "arith.mulf")).astype(F32)
            sizes = [shape[a] for a in kept]
            y = k(v, sizes=sizes)
            assert same_bits(y, k(v, sizes=sizes, threads=3))
            bits.append((cpu, shape, y))
            n = math.prod(shape[a] for a in axes)
            if n == 0 and op in ("arith.maximumf", "arith.minimumf"):
                assert (y == float("-inf" if "max" in op else "inf")).all()
                continue
            ref = f(v.astype(np.float64), axis=axes)
            scale = np.abs(v.astype(np.float64)).sum(axis=axes) if op == "arith.addf" else np.abs(ref) * n
            assert (np.abs(y - ref) <= scale * 2.0**-24 * 20 + 1e-30).all(), (axes, op, shape)
    half = len(bits) // len(K.LEVELS)
    for (_, s, a), (_, _, b) in zip(bits[:half], bits[half:]):
        assert same_bits(a, b), s


def test_nan_in_maximum():
    x, out = ty((None,), "f32"), ty((), "f32")
    t = Text("k", x)
    start = t.fill(t.const("0xFF800000", "f32"), "f32", t.empty((), "f32"), out)
    r = t.generic(1, "r", [("%a0", x, "d0")], [(start, out, "")], "      %r = arith.maximumf %i0, %o0 : f32\n      linalg.yield %r : f32")
    for cpu in K.LEVELS:
        k = K.compile(t.done((r, out)), cpu)["k"]
        v = RNG.standard_normal(100).astype(F32)
        assert k(v) == v.max()
        for i in (0, 63, 64, 99):
            w = v.copy()
            w[i] = np.nan
            assert np.isnan(k(w))


def rows(name, element, extra, body):
    """A kernel over rows of a matrix; `body(t, x, make)` yields the result."""
    x = ty((None, None), element)
    t = Text(name, x, *extra)
    m, n = t.dim("%a0", x, 0), t.dim("%a0", x, 1)
    return t, x, m, n


def layer_norm(element="f32"):
    x, v = ty((None, None), element), ty((None,), "f32")
    t = Text("k", x, v, v)
    m, n = t.dim("%a0", x, 0), t.dim("%a0", x, 1)
    row = t.empty((None,), "f32", [m])
    zero = t.fill(t.const("0.0", "f32"), "f32", row, v)
    wide = "" if element == "f32" else f"      %w = arith.extf %i0 : {element} to f32\n"
    w = "%w" if wide else "%i0"
    ns = t.add(f"arith.index_cast {n} : index to i32")
    nf = t.add(f"arith.sitofp {ns} : i32 to f32")
    both = t.generic(2, "pr", [("%a0", x, "d0, d1")], [(zero, v, "d0"), (zero, v, "d0")],
                     wide + f"      %r = arith.addf %o0, {w} : f32\n      %q = math.fma {w}, {w}, %o1 : f32\n      linalg.yield %r, %q : f32, f32")
    mean = t.generic(1, "p", [(both + "#0", v, "d0")], [(row, v, "d0")], f"      %r = arith.divf %i0, {nf} : f32\n      linalg.yield %r : f32")
    rstd = t.generic(1, "p", [(both + "#1", v, "d0"), (mean, v, "d0")], [(row, v, "d0")],
                     f"      %e = arith.constant 1.0e-5 : f32\n      %a = arith.divf %i0, {nf} : f32\n      %b = arith.mulf %i1, %i1 : f32\n"
                     "      %c = arith.subf %a, %b : f32\n      %d = arith.addf %c, %e : f32\n      %r = math.rsqrt %d : f32\n      linalg.yield %r : f32")
    e = t.empty((None, None), element, [m, n])
    narrow = f"      linalg.yield %r : f32" if element == "f32" else f"      %z = arith.truncf %r : f32 to {element}\n      linalg.yield %z : {element}"
    y = t.generic(2, "pp", [("%a0", x, "d0, d1"), (mean, v, "d0"), (rstd, v, "d0"), ("%a1", v, "d1"), ("%a2", v, "d1")],
                  [(e, x, "d0, d1")],
                  wide + f"      %a = arith.subf {w}, %i1 : f32\n      %b = arith.mulf %a, %i2 : f32\n      %r = math.fma %b, %i3, %i4 : f32\n" + narrow)
    return t.done((y, x))


@pytest.mark.parametrize("element", ["f32", "bf16"])
def test_layer_norm(element):
    for cpu in K.LEVELS:
        k = K.compile(layer_norm(element), cpu)["k"]
        for m, n in [(1, 1), (3, 17), (5, 64), (2, 1000), (0, 4), (33, 80)]:
            x = RNG.standard_normal((m, n)).astype(K.DTYPES[element])
            g, b = RNG.standard_normal((2, n)).astype(F32)
            y = k(x, g, b, sizes=[m, n]).astype(np.float64)
            x = x.astype(np.float64)
            ref = (x - x.mean(1, keepdims=True)) / np.sqrt(x.var(1, keepdims=True) + 1e-5) * g + b
            if m and n > 1:
                assert np.abs(y - ref).max() < (2e-5 if element == "f32" else 0.03) * (1 + np.abs(ref).max()), (m, n)


def softmax():
    x = ty((None, None), "f32")
    t = Text("k", x)
    return end_softmax(t, "%a0")


def end_softmax(t, given):
    """A kernel whose result are the weights of a tensor."""
    x, v = ty((None, None), "f32"), ty((None,), "f32")
    m, n = t.dim(given, x, 0), t.dim(given, x, 1)
    row, e = t.empty((None,), "f32", [m]), t.empty((None, None), "f32", [m, n])
    low = t.fill(t.const("0xFF800000", "f32"), "f32", row, v)
    zero = t.fill(t.const("0.0", "f32"), "f32", row, v)
    mx = t.generic(2, "pr", [(given, x, "d0, d1")], [(low, v, "d0")], "      %r = arith.maximumf %i0, %o0 : f32\n      linalg.yield %r : f32")
    ex = t.generic(2, "pp", [(given, x, "d0, d1"), (mx, v, "d0")], [(e, x, "d0, d1")],
                   "      %d = arith.subf %i0, %i1 : f32\n      %r = math.exp %d : f32\n      linalg.yield %r : f32")
    s = t.generic(2, "pr", [(ex, x, "d0, d1")], [(zero, v, "d0")], "      %r = arith.addf %i0, %o0 : f32\n      linalg.yield %r : f32")
    y = t.generic(2, "pp", [(ex, x, "d0, d1"), (s, v, "d0")], [(e, x, "d0, d1")], "      %r = arith.divf %i0, %i1 : f32\n      linalg.yield %r : f32")
    return t.done((y, x))


def test_softmax():
    for cpu in K.LEVELS:
        k = K.compile(softmax(), cpu)["k"]
        for m, n in [(1, 1), (3, 17), (5, 64), (2, 1000), (7, 0), (0, 5), (33, 333)]:
            x = (RNG.standard_normal((m, n)) * 4).astype(F32)
            y = k(x, sizes=[m, n])
            assert same_bits(y, k(x, sizes=[m, n], threads=3))
            if m and n:
                v = np.exp(x.astype(np.float64) - x.max(1, keepdims=True))
                ref = v / v.sum(1, keepdims=True)
                # relative: the argument is off by its rounding, at most |x - max| units
                bound = ref * 2.0**-24 * (8 + np.abs(x - x.max(1, keepdims=True))) + 2.0**-126
                assert (np.abs(y - ref) <= bound).all(), (m, n)


def test_softmax_in_place():
    text = softmax().replace("{\n", "attributes {tied = array<i64: 0>} {\n", 1)
    k, other = K.compile(text)["k"], K.compile(softmax())["k"]
    x = RNG.standard_normal((5, 77)).astype(F32)
    assert same_bits(k(x), other(x, sizes=[5, 77]))


@pytest.mark.parametrize("last", [False, True])
@pytest.mark.parametrize("axis", [0, 1])
def test_argmax(axis, last):
    x, v, i = ty((None, None), "f32"), ty((None,), "f32"), ty((None,), "i64")
    t = Text("k", x)
    n = t.dim("%a0", x, 1 - axis)
    low = t.fill(t.const("0xFF800000", "f32"), "f32", t.empty((None,), "f32", [n]), v)
    zero = t.fill(t.const(0, "i64"), "i64", t.empty((None,), "i64", [n]), i)
    r = t.generic(2, "pr", [("%a0", x, "d0, d1" if axis else "d1, d0")], [(low, v, "d0"), (zero, i, "d0")],
                  f"      %n = linalg.index 1 : index\n      %k = arith.index_cast %n : index to i64\n      %c = arith.cmpf {'oge' if last else 'ogt'}, %i0, %o0 : f32\n"
                  "      %a = arith.select %c, %i0, %o0 : f32\n      %b = arith.select %c, %k, %o1 : i64\n      linalg.yield %a, %b : f32, i64")
    text = t.done((r + "#0", v), (r + "#1", i))
    for cpu in K.LEVELS:
        k = K.compile(text, cpu)["k"]
        for shape in [(3, 5), (1, 1), (40, 100), (7, 33), (5, 300)]:
            a = RNG.integers(-3, 4, shape).astype(F32)  # many ties
            val, pos = k(a, sizes=[shape[1 - axis]] * 2)
            ref = a.shape[axis] - 1 - np.flip(a, axis).argmax(axis) if last else a.argmax(axis)
            assert (pos == ref).all() and (val == a.max(axis)).all()


@pytest.mark.parametrize("value, predicate, arms", [
    ("maximumf", "ogt", "%k, %o1"), ("maximumf", "ult", "%o1, %k"), ("minimumf", "ole", "%k, %o1"),
    ("maximumf", "olt", "%k, %o1"), ("minimumf", "ule", "%o1, %k"), ("minimumf", "une", "%k, %o1"),
    ("select %c, %i0, %o0", "ogt", "%o1, %k"), ("select %c, %o0, %i0", "ole", "%k, %o1")])
@pytest.mark.parametrize("rows", [1, 40])
def test_extremum_with_an_index_of_any_condition(value, predicate, arms, rows):
    """A NaN is kept by the maximum and not by the condition; conditions of the other direction, and arms that are
    not the value's, say of each element in turn where the index is."""
    columns = 50
    x, v, i = ty((rows, columns), "f32"), ty((rows,), "f32"), ty((rows,), "i64")
    t = Text("k", x)
    start = "0x7F800000" if "minimum" in value else "0xFF800000"
    low = t.fill(t.const(start, "f32"), "f32", t.empty((rows,), "f32"), v)
    zero = t.fill(t.const(0, "i64"), "i64", t.empty((rows,), "i64"), i)
    kept = f"arith.{value} : f32" if "select" in value else f"arith.{value} %i0, %o0 : f32"
    r = t.generic(2, "pr", [("%a0", x, "d0, d1")], [(low, v, "d0"), (zero, i, "d0")],
                  f"      %n = linalg.index 1 : index\n      %k = arith.index_cast %n : index to i64\n"
                  f"      %c = arith.cmpf {predicate}, %i0, %o0 : f32\n      %a = {kept}\n"
                  f"      %b = arith.select %c, {arms} : i64\n      linalg.yield %a, %b : f32, i64")
    text = t.done((r + "#0", v), (r + "#1", i))
    ordered = {"gt": np.greater, "lt": np.less, "le": np.less_equal, "ne": np.not_equal}[predicate[1:]]
    extremum = {"maximumf": np.maximum, "minimumf": np.minimum}.get(value)
    a = RNG.permutation(np.arange(rows * columns, dtype=F32)).reshape(rows, columns)
    for nan in (False, True):
        if nan and extremum:
            a[:, 3] = np.nan
        running, at = np.full(rows, -np.inf if start == "0xFF800000" else np.inf, F32), np.zeros(rows, np.int64)
        for k in range(columns):
            takes = ordered(a[:, k], running) | ((predicate[0] == "u") & np.isnan(a[:, k] + running))
            at = np.where(takes == (arms == "%k, %o1"), k, at)
            running = (extremum(a[:, k], running) if extremum else
                       np.where(takes == ("%i0, %o0" in value), a[:, k], running))
        for cpu in K.LEVELS:
            val, pos = K.compile(text, cpu)["k"](a)
            np.testing.assert_array_equal(val, running)
            if not nan:  # what is beside a NaN depends on the order
                np.testing.assert_array_equal(pos, at)


# ---- gathers -------------------------------------------------------------------------------

def embedding(element="f32"):
    table, ids, out = ty((None, None), element), ty((None,), "i64"), ty((None, None), element)
    t = Text("k", table, ids)
    e = t.empty((None, None), element, [t.dim("%a1", ids, 0), t.dim("%a0", table, 1)])
    r = t.generic(2, "pp", [("%a1", ids, "d0")], [(e, out, "d0, d1")],
                  f"      %j = linalg.index 1 : index\n      %i = arith.index_cast %i0 : i64 to index\n"
                  f"      %r = tensor.extract %a0[%i, %j] : {table}\n      linalg.yield %r : {element}")
    return t.done((r, out))


@pytest.mark.parametrize("element", ["f32", "bf16", "i8"])
def test_embedding(element):
    for cpu in K.LEVELS:
        k = K.compile(embedding(element), cpu)["k"]
        table = (RNG.standard_normal((50, 37)) * 50).astype(K.DTYPES[element])
        ids = RNG.integers(0, 50, 23)
        assert same_bits(k(table, ids, sizes=[23, 37]), table[ids])
        ids[[4, 9]] = [50, -1]
        (y,), error = k.run(table, ids, sizes=[23, 37], site=5, threads=2)
        assert error == (5 << 44) + 4 * 37
        good = np.delete(np.arange(23), [4, 9])
        assert same_bits(y[good], table[ids[good]]) and (y[[4, 9]] == 0).all()
        assert k.run(table[:0], ids[:0], sizes=[0, 37])[1] == K.NO_ERROR


def test_gather_elements():
    """Index vectors: out[i, j] = x[i, index[i, j]]."""
    x, ids = ty((None, None), "f32"), ty((None, None), "i32")
    t = Text("k", x, ids)
    e = t.empty((None, None), "f32", [t.dim("%a1", ids, 0), t.dim("%a1", ids, 1)])
    r = t.generic(2, "pp", [("%a1", ids, "d0, d1")], [(e, x, "d0, d1")],
                  f"      %n = linalg.index 0 : index\n      %i = arith.index_cast %i0 : i32 to index\n"
                  f"      %r = tensor.extract %a0[%n, %i] : {x}\n      linalg.yield %r : f32")
    for cpu in K.LEVELS:
        k = K.compile(t.done((r, x)), cpu)["k"]
        a = RNG.standard_normal((9, 31)).astype(F32)
        i = RNG.integers(0, 31, (9, 45)).astype(np.int32)
        assert same_bits(k(a, i, sizes=[9, 45]), np.take_along_axis(a, i.astype(np.int64), 1))
        i[3, 44], i[7, 0] = 31, -5
        (y,), error = k.run(a, i, sizes=[9, 45])
        assert error == 3 * 45 + 44 and y[3, 44] == 0 and y[7, 0] == 0


# ---- tensors put together ------------------------------------------------------------------

def test_pad():
    x, y = ty((None, None), "f32"), ty((None, None), "f32")
    t = Text("k", x)
    r = t.add(f"tensor.pad %a0 low[2, 3] high[1, 18] {{\n    ^bb0(%i: index, %j: index):\n      %c = arith.constant 7.5 : f32\n      tensor.yield %c : f32\n    }} : {x} to {y}")
    for cpu in K.LEVELS:
        k = K.compile(t.done((r, y)), cpu)["k"]
        for m, n in [(1, 1), (4, 30), (0, 3), (3, 0), (5, 64)]:
            a = RNG.standard_normal((m, n)).astype(F32)
            assert same_bits(k(a, sizes=[m + 3, n + 21]), np.pad(a, ((2, 1), (3, 18)), constant_values=F32(7.5)))


@pytest.mark.parametrize("dim", [0, 1])
def test_concat(dim):
    x = ty((None, None), "bf16")
    t = Text("k", x, x, x)
    r = t.add(f"tensor.concat dim({dim}) %a0, %a1, %a2 : ({x}, {x}, {x}) -> {x}")
    k = K.compile(t.done((r, x)))["k"]
    for sizes in [(1, 2, 3), (17, 0, 30), (0, 0, 0), (5, 40, 1)]:
        parts = [RNG.standard_normal((n, 6) if dim == 0 else (6, n)).astype(BF16) for n in sizes]
        whole = np.concatenate(parts, dim)
        assert same_bits(k(*parts, sizes=whole.shape), whole)


def test_insert_slice_in_place():
    x, s = ty((None, 40), "f32"), ty((None, 7), "f32")
    t = Text("k", x, s, "index")
    m = t.dim("%a1", s, 0)
    e = t.empty((None, 7), "f32", [m])
    v = t.generic(2, "pp", [("%a1", s, "d0, d1")], [(e, s, "d0, d1")], "      %r = arith.addf %i0, %i0 : f32\n      linalg.yield %r : f32")
    r = t.add(f"tensor.insert_slice {v} into %a0[%a2, 5] [{m}, 7] [1, 1] : {s} into {x}")
    k = K.compile(t.done((r, x), attributes="attributes {tied = array<i64: 0>}"))["k"]
    a, b = RNG.standard_normal((11, 40)).astype(F32), RNG.standard_normal((4, 7)).astype(F32)
    ref = a.copy()
    ref[3:7, 5:12] = b * 2
    assert same_bits(k(a, b, 3), ref)


def test_insert_slice_fresh():
    x, s = ty((9, 40), "f32"), ty((4, 7), "f32")
    t = Text("k", x, s)
    r = t.add(f"tensor.insert_slice %a1 into %a0[3, 5] [4, 7] [1, 2] : {s} into {x}")
    k = K.compile(t.done((r, x)))["k"]
    a, b = RNG.standard_normal((9, 40)).astype(F32), RNG.standard_normal((4, 7)).astype(F32)
    ref = a.copy()
    ref[3:7, 5:19:2] = b
    assert same_bits(k(a, b), ref)


def test_copy_of_argument():
    x = ty((None, 3), "i1")
    k = K.compile(Text("k", x).done(("%a0", x)))["k"]
    a = RNG.integers(0, 2, (29, 3)).astype(bool)
    assert same_bits(k(a, sizes=[29]), a)


@pytest.mark.parametrize("layout", ["nchw", "nhwc"])
def test_pooling(layout):
    x, w, y = (ty(s, "f32") for s in [(None,) * 4, (3, 2), (None,) * 4])
    order = [0, 1, 2, 3] if layout == "nchw" else [0, 3, 1, 2]
    t = Text("k", x)
    oh, ow = "%oh", "%ow"
    t.args = (x, "index", "index")
    n, c = t.dim("%a0", x, 0), t.dim("%a0", x, 1 if layout == "nchw" else 3)
    sizes = [n, c, "%a1", "%a2"] if layout == "nchw" else [n, "%a1", "%a2", c]
    low = t.fill(t.const("0xFF800000", "f32"), "f32", t.empty((None,) * 4, "f32", sizes), y)
    r = t.add(f"linalg.pooling_{layout}_max {{dilations = dense<1> : tensor<2xi64>, strides = dense<[2, 1]> : tensor<2xi64>}} "
              f"ins(%a0, {t.empty((3, 2), 'f32')} : {x}, {w}) outs({low} : {y}) -> {y}")
    text = t.done((r, y))
    for cpu in K.LEVELS:
        k = K.compile(text, cpu)["k"]
        for n, c, h, wd in [(1, 1, 3, 2), (2, 5, 9, 40), (1, 33, 7, 8)]:
            a = RNG.standard_normal((n, c, h, wd)).astype(F32)
            p, q = (h - 3) // 2 + 1, wd - 1
            ref = np.max([a[:, :, i:i + 2 * p - 1:2, j:j + q] for i in range(3) for j in range(2)], axis=0)
            inner = a if layout == "nchw" else np.ascontiguousarray(a.transpose(0, 2, 3, 1))
            shape = [n, c, p, q] if layout == "nchw" else [n, p, q, c]
            y = k(inner, p, q, sizes=shape)
            assert same_bits(y if layout == "nchw" else y.transpose(0, 3, 1, 2).copy(), ref)


def test_scalar_arguments_and_constants():
    x = ty((None,), "f32")
    t = Text("k", x, "f32", "i64")
    e = t.empty((None,), "f32", [t.dim("%a0", x, 0)])
    i = t.add("arith.sitofp %a2 : i64 to f32")
    r = t.generic(1, "p", [("%a0", x, "d0")], [(e, x, "d0")],
                  f"      %n = linalg.index 0 : index\n      %m = arith.index_cast %n : index to i32\n      %f = arith.sitofp %m : i32 to f32\n"
                  f"      %a = arith.mulf %i0, %a1 : f32\n      %b = arith.addf %a, {i} : f32\n      %r = arith.addf %b, %f : f32\n      linalg.yield %r : f32")
    k = K.compile(t.done((r, x)))["k"]
    a = RNG.standard_normal(37).astype(F32)
    assert same_bits(k(a, 2.5, -7, sizes=[37]), a * F32(2.5) + F32(-7) + np.arange(37, dtype=F32))


def test_two_results_and_deferred_stage():
    """y = exp(x), z = y + row sum of y: one pass over exp."""
    x, v = ty((None, None), "f32"), ty((None,), "f32")
    t = Text("k", x)
    m, n = t.dim("%a0", x, 0), t.dim("%a0", x, 1)
    e = t.empty((None, None), "f32", [m, n])
    zero = t.fill(t.const("0.0", "f32"), "f32", t.empty((None,), "f32", [m]), v)
    y = t.generic(2, "pp", [("%a0", x, "d0, d1")], [(e, x, "d0, d1")], "      %r = math.sqrt %i0 : f32\n      linalg.yield %r : f32")
    s = t.generic(2, "pr", [(y, x, "d0, d1")], [(zero, v, "d0")], "      %r = arith.addf %i0, %o0 : f32\n      linalg.yield %r : f32")
    z = t.generic(2, "pp", [(y, x, "d0, d1"), (s, v, "d0")], [(e, x, "d0, d1")], "      %r = arith.addf %i0, %i1 : f32\n      linalg.yield %r : f32")
    k = K.compile(t.done((y, x), (s, v), (z, x)))["k"]
    for a, b in [(3, 50), (1, 1), (2, 0)]:
        u = np.abs(RNG.standard_normal((a, b))).astype(F32)
        p, q, r = k(u, sizes=[a, b, a, a, b])
        assert same_bits(p, np.sqrt(u)) and same_bits(r, p + q[:, None])
        assert np.allclose(q, np.sqrt(u.astype(np.float64)).sum(1), rtol=1e-5)
