# Part of Linnet, under Apache-2.0 WITH LLVM-exception. See LICENSE.
"""Loops kernels whose results go past the caches, running maxima, and the exp of softmax: the same
bits as NumPy's, on every CPU level, at every alignment and thread count."""

import subprocess

import ml_dtypes
import numpy as np
import pytest
from kernel_text import Text, same_bits, ty

from linnet._src import kernels as K
from linnet._src import testing as lt

RNG = np.random.default_rng(11)
F32 = np.float32
# bytes from which on results are streamed; on a device, some that fill it
LARGE = 32 << 20 if lt.on_cpu() else 1 << 20
MOST_ROWS = LARGE if lt.on_cpu() else 1 << 12


def elementwise(elements):
    """y_i = x + x in every type of `elements`, on one dimension."""
    types = [ty((None,), e) for e in elements]
    t = Text("k", *types)
    out = []
    for i, (e, x) in enumerate(zip(elements, types)):
        empty = t.empty((None,), e, [t.dim(f"%a{i}", x, 0)])
        add = "arith.addi" if e.startswith("i") else "arith.addf"
        out.append((t.generic(1, "p", [(f"%a{i}", x, "d0")], [(empty, x, "d0")],
                              f"      %r = {add} %i0, %i0 : {e}\n      linalg.yield %r : {e}"), x))
    return t.done(*out)


@pytest.mark.slow(quick="elements[0-3]")
@pytest.mark.parametrize("elements", [["f32"], ["bf16"], ["i8"], ["f64"], ["f32", "f32"],
                                      ["f32", "f16"]])
def test_elementwise(elements):
    n = LARGE // min(np.dtype(K.DTYPES[e]).itemsize for e in elements) + 5
    arrays = [(np.arange(n) % 63 - 31).astype(K.DTYPES[e]) for e in elements]
    for cpu in K.LEVELS:
        k = K.compile(elementwise(elements), cpu)["k"]
        for threads, skew in [(1, False), (2, True), (3, True)]:
            out = k(*arrays, sizes=[n] * len(arrays), threads=threads, skew=skew)
            for y, x in zip(out if len(arrays) > 1 else [out], arrays):
                assert same_bits(y, x + x), (cpu, threads, skew)


def shifted_rows():
    """s = row sums of x, y = x + s: vectors run along the rows."""
    x, v = ty((None, None), "f32"), ty((None,), "f32")
    t = Text("k", x)
    m, n = t.dim("%a0", x, 0), t.dim("%a0", x, 1)
    zero = t.fill(t.const("0.0", "f32"), "f32", t.empty((None,), "f32", [m]), v)
    s = t.generic(2, "pr", [("%a0", x, "d0, d1")], [(zero, v, "d0")],
                  "      %r = arith.addf %i0, %o0 : f32\n      linalg.yield %r : f32")
    e = t.empty((None, None), "f32", [m, n])
    y = t.generic(2, "pp", [("%a0", x, "d0, d1"), (s, v, "d0")], [(e, x, "d0, d1")],
                  "      %r = arith.addf %i0, %i1 : f32\n      linalg.yield %r : f32")
    return t.done((s, v), (y, x))


@pytest.mark.parametrize("columns", [4096, 4099, 1, 7, 100003])
def test_rows(columns):
    rows = min(LARGE // 4 // columns + 1, MOST_ROWS)
    x = RNG.integers(-8, 9, (rows, columns)).astype(F32)  # sums are exact
    s = x.sum(1, dtype=F32)
    for cpu in K.LEVELS:
        k = K.compile(shifted_rows(), cpu)["k"]
        for threads, skew in [(1, False), (3, True)]:
            got, y = k(x, sizes=[rows, rows, columns], threads=threads, skew=skew)
            assert same_bits(got, s) and same_bits(y, x + s[:, None]), (cpu, threads, skew)


@pytest.mark.cpu  # looks at its code
def test_stores_are_streams():
    """Large results by vmovntps with a fence at the end, small ones not."""
    def assembly(shape):
        x = ty(shape, "f32")
        t = Text("k", x)
        text = t.done((t.generic(2, "pp", [("%a0", x, "d0, d1")], [(t.empty(shape, "f32"), x, "d0, d1")],
                                 "      %r = arith.mulf %i0, %i0 : f32\n      linalg.yield %r : f32"), x))
        return K.tool("-", "--cpu=x86-64-v4", "--emit=asm", "-o", "-", text=text)

    large, small = assembly((4096, 2048)), assembly((4096, 2047))
    assert "vmovntps" in large and "sfence" in large and "vmovups" in large
    assert "vmovnt" not in small and "sfence" not in small


def softmax(rows, columns, dynamic):
    x = lt.tensor_type((rows, columns), "f32", dynamic)
    return lt.function([lt.argument("x", (rows, columns), "f32", dynamic)], x,
                       f"%y = linnet.softmax %x axis 1 : {x}")


@pytest.mark.parametrize("columns", [2064, 784, 2060])  # the last: rows that start inside of a line
def test_softmax(columns):
    """A row that is written while the next is computed has the bits of one that is not."""
    rows = LARGE // 4 // columns + 3
    x = lt.random(RNG, (rows, columns), "f32")
    x[5], x[-1] = -np.inf, np.nan
    x[[6, 20, 21, -2], :20] -= 50  # the maximum is not where it is guessed
    text = softmax(rows, columns, [0])
    large = [lt.run(text, x, threads=n)[0] for n in (1, 3)]
    assert same_bits(*large)
    for part in (slice(0, 50), slice(rows // 2, rows // 2 + 40), slice(-30, None)):
        assert same_bits(large[0][part], lt.run(text, x[part])[0])
    wide = x[6:50].astype(np.float64)
    powers = np.exp(wide - wide.max(1, keepdims=True))
    lt.assert_close(large[0][6:50], powers / powers.sum(1, keepdims=True), 20)
    assert np.isnan(large[0][[5, -1]]).all()


@pytest.mark.cpu  # looks at its code
def test_softmax_is_pipelined():
    """One loop computes exponentials and stores past the caches, where all rows start a line."""
    def loops(rows, columns):
        blocks = llvm(softmax(rows, columns, False)).split("\n\n")
        return sum("mask.scalef" in b and "!nontemporal" in b for b in blocks)

    assert loops(4096, 2048) and not loops(4096, 2047) and not loops(16, 2048)


def norm(kind, rows, columns):
    x, w = lt.tensor_type((rows, columns), "f32"), f"tensor<{columns}xf32>"
    bias, types = (" bias %w", f"{w}, {w}") if kind == "layer_norm" else ("", w)
    return lt.function([f"%x: {x}, %w: {w}"], x,
                       f"%y = linnet.{kind} %x scale %w{bias} eps 1.0e-5 : {x}, {types}")


@pytest.mark.parametrize("columns", [2064, 3112])  # the latter: written from alternating ends
def test_layer_norm(columns):
    """Rows past the caches have the bits of those in one, be the first elements' mean far off or not."""
    rows = LARGE // 4 // columns + 1
    x, w = lt.random(RNG, (rows, columns), "f32"), lt.random(RNG, (columns,), "f32")
    x[[1, -1], :16] += 50
    large, = lt.run(norm("layer_norm", rows, columns), x, w)
    for part in (slice(0, 9), slice(-9, None)):
        assert same_bits(large[part], lt.run(norm("layer_norm", 9, columns), x[part], w)[0])
        wide = x[part].astype(np.float64)
        exact = (wide - wide.mean(1, keepdims=True)) / np.sqrt(wide.var(1, keepdims=True) + 1e-5)
        lt.assert_close(large[part], exact * w + w, 2, columns, (np.abs(exact) + 1) * np.abs(w))


def llvm(text):
    return subprocess.run([lt.build_folder() / "bin/linnet-compile", "-", "--cpu=x86-64-v4",
                           "--emit=llvm", "-o", "-"], capture_output=True, text=True, check=True,
                          input=text).stdout


def requests(text):
    """How often each loop asks for an element to come, four vectors of it being one iteration."""
    counts = [block.count("call void @llvm.prefetch") for block in llvm(text).split("\n\n")]
    return [n / 4 for n in counts if n > 2]


@pytest.mark.cpu  # looks at its code
def test_long_rows_are_written_from_alternating_ends():
    """Where a row and what is read along with it are more than the first cache."""
    def alternates(kind, columns):
        return "i64 64, i64 -64" in llvm(norm(kind, (16 << 20) // columns, columns))

    assert alternates("layer_norm", 4096) and alternates("rms_norm", 8192)
    assert not alternates("layer_norm", 2048)


def test_rows_are_asked_for():
    """By every pass over a row from memory, the more often the fewer there are; in a cache once,
    by the last pass, vector by vector."""
    assert requests(norm("rms_norm", 4096, 4096)) == [2, 2]
    # the second where the first has squared relative to something else than the mean
    assert requests(norm("layer_norm", 4096, 4096)) == [2, 2, 2]
    assert max(requests(softmax(4096, 4096, False))) == 3
    assert max(requests(softmax(8192, 2048, False))) == 1
    assert not requests(norm("layer_norm", 128, 4096))


@pytest.mark.parametrize("classes", [50257, 9, 4096])  # rows that start anywhere in a line
def test_cross_entropy_grad(classes):
    """A gradient that goes past the caches has the bits of one that does not."""
    def run(rows, g, x, t, lse, threads=1):
        given, ints, row = (lt.tensor_type(shape, e) for shape, e in (
            ((rows, classes), "f32"), ((rows,), "i64"), ((rows,), "f32")))
        text = lt.function([f"%g: {row}, %x: {given}, %t: {ints}, %l: {row}"], given,
                           f"%y = linnet.cross_entropy_grad none %g, %x, %t, %l ignore_index 3"
                           f" label_smoothing 1.0e-1 : {row}, {given}, {ints}, {row}")
        return lt.run(text, g, x, t, lse, threads=threads)[0]

    rows = max(LARGE // 4 // classes + 1, 40)
    x, (g, lse) = lt.random(RNG, (rows, classes), "f32"), lt.random(RNG, (2, rows), "f32")
    t = RNG.integers(0, classes, rows)
    t[1] = 3
    large = run(rows, g, x, t, lse, threads=2)
    for part in (slice(0, 17), slice(rows - 17, rows)):
        assert same_bits(large[part], run(17, g[part], x[part], t[part], lse[part]))
    assert not large[1].any()


# ---- maxima ----------------------------------------------------------------------------------


def extremum(op, element, column):
    x, v = ty((None, None), element), ty((None,), element)
    t = Text("k", x)
    n = t.dim("%a0", x, 1 if column else 0)
    first = "-1.0e+30" if "max" in op else "1.0e+30"
    start = t.fill(t.const(first if element != "f16" else first[:-5] + "e+4", element), element,
                   t.empty((None,), element, [n]), v)
    r = t.generic(2, "pr", [("%a0", x, "d1, d0" if column else "d0, d1")], [(start, v, "d0")],
                  f"      %r = arith.{op} %o0, %i0 : {element}\n      linalg.yield %r : {element}")
    return t.done((r, v))


def special(shape, dtype):
    """Rows of every mixture: zeros of both signs below negative numbers, NaN of both signs and
    infinities anywhere."""
    x = RNG.standard_normal(shape).astype(dtype)
    kinds = RNG.integers(0, 6, shape[0])
    for row, kind in zip(x, kinds):
        if row.size == 0:
            continue
        at = RNG.integers(0, row.size, 3)
        if kind == 1:
            row[:] = -np.abs(row)
            row[at] = dtype(-0.0)
        elif kind == 2:
            row[:] = dtype(-0.0)
            row[at[0]] = dtype(0.0)
        elif kind == 3:
            row[at] = dtype(np.nan)
        elif kind == 4:
            row[at[:2]] = dtype(np.inf), dtype(-np.inf)
        elif kind == 5:
            row[at[0]] = -dtype(np.nan)
            row[at[1]] = dtype(np.inf)
    return x


def reference_extremum(op, x):
    """maximumf by its definition: NaN wins, +0 is above -0."""
    start = (-1e30 if "max" in op else 1e30) if x.dtype != np.float16 else (-1e4 if "max" in op else 1e4)
    rows = np.concatenate([np.full((x.shape[0], 1), start, x.dtype), x], 1)
    if op in ("maxnumf", "minnumf"):
        pick = np.fmax if op == "maxnumf" else np.fmin
        best = pick.reduce(rows, axis=1)
    else:
        best = (np.maximum if op == "maximumf" else np.minimum).reduce(rows, axis=1)
    zero = best == 0
    wanted = ((rows == 0) & ((np.signbit(rows) if "min" in op else ~np.signbit(rows)))).any(1)
    sign = np.where(wanted, -1.0 if "min" in op else 1.0, 1.0 if "min" in op else -1.0)
    return np.where(zero, np.copysign(0.0, sign).astype(x.dtype), best)


@pytest.mark.parametrize("element", ["f32", "f64", "f16", "bf16"])
@pytest.mark.parametrize("op", ["maximumf", "minimumf", "maxnumf", "minnumf"])
def test_extremum(op, element):
    dtype = K.DTYPES[element]
    cases = [special((24, n), dtype) for n in (0, 1, 15, 16, 17, 31, 63, 64, 65, 200)]
    for column in (False, True):
        if element == "bf16":  # NumPy has no signbit of it
            cases = [np.abs(RNG.standard_normal((5, n))).astype(dtype) for n in (1, 17, 200)]
        outputs = []
        for cpu in K.LEVELS:
            k = K.compile(extremum(op, element, column), cpu)["k"]
            got = []
            for x in cases:
                given = np.ascontiguousarray(x.T) if column else x
                y = k(given, sizes=[x.shape[0]])
                r = (reference_extremum(op, x.astype(np.float32)).astype(dtype)
                     if element == "bf16" else reference_extremum(op, x))
                nan = np.isnan(r.astype(np.float64))
                assert (np.isnan(y.astype(np.float64)) == nan).all(), (x.shape, column)
                # which of two zeros is the larger is a device's affair
                assert (same_bits if lt.on_cpu() else np.array_equal)(y[~nan], r[~nan]), (x.shape, column)
                got.append(np.where(nan, dtype(0), y).tobytes())
            outputs.append(got)
        assert all(o == outputs[0] for o in outputs)


# ---- exp of what is not positive --------------------------------------------------------------


def exp_of(shape):
    x = ty(shape, "f32")
    t = Text("k", x)
    sizes = [t.dim("%a0", x, 0)] if shape else []
    loops = "d0" if shape else ""
    r = t.generic(len(shape), "p" * len(shape), [("%a0", x, loops)],
                  [(t.empty(shape, "f32", sizes), x, loops)],
                  "      %r = math.exp %i0 {linnet.nonpositive} : f32\n      linalg.yield %r : f32")
    return t.done((r, x))


def test_exp_of_nonpositive():
    edges = [0, -0.0, -1e-45, -1e-30, -87.33654, -87.33655, -87.3, -88.02, -88.1, -126, -1e4, -1e30,
             -np.inf, np.nan]
    x = np.concatenate([np.array(edges, F32), -RNG.random(200003).astype(F32) * 110,
                        -np.exp(RNG.uniform(-20, 4, 100000)).astype(F32)])
    results = []
    for cpu in K.LEVELS:
        y = K.compile(exp_of((None,)), cpu)["k"](x, sizes=[x.size])
        single = K.compile(exp_of(()), cpu)["k"]
        some = np.r_[0:len(edges), 1000:1040]
        assert same_bits(np.array([single(x[i]) for i in some]), y[some])
        results.append(y)
    assert all(same_bits(y, results[0]) for y in results)
    y, wide = results[0], x.astype(np.float64)
    assert y[0] == 1 and y[1] == 1 and np.isnan(y[len(edges) - 1])
    with np.errstate(invalid="ignore"):
        exact = np.exp(wide)
        bound = exact * (2.0**-22 + 2.0**-29 * np.abs(np.where(np.isfinite(wide), wide, 0)))
        off = np.abs(y - exact) > bound + 2.0**-126
    assert not off[~np.isnan(wide)].any()
    assert (y[wide < -88] == 0).all()
    assert not lt.on_cpu() or ((y == 0) | (y >= 2.0**-126) | np.isnan(y)).all()  # no subnormal
    assert ml_dtypes.finfo(F32).smallest_normal == 2.0**-126
