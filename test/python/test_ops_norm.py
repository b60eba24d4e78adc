# ===- test_ops_norm.py - softmax and norms, executed -===//
#
# Part of Linnet, under Apache-2.0 WITH LLVM-exception. See LICENSE.
#
# ===----------------------------------------------------------------------===//
import numpy as np
import pytest
import torch
import torch.nn.functional as F

from linnet import testing as lt
from linnet._src.reference import norm as ref

SOFTMAX = [((5, 7), 1), ((5, 7), 0), ((3, 4, 33), 2), ((3, 4, 33), 1), ((1, 1), 1), ((17,), 0),
           ((0, 5), 1), ((5, 0), 1), ((4, 1000), 1), ((2, 4097), 1)]
NORMS = [((3, 7), 1), ((5, 1), 1), ((1, 768), 1), ((2, 3, 5, 7), 2), ((4, 100), 1), ((0, 8), 1),
         ((3, 2050), 1)]


def softmax(shape, axis, dtype, dynamic, flag=""):
    type = lt.tensor_type(shape, dtype, dynamic)
    return lt.function([lt.argument("x", shape, dtype, dynamic)], type,
                       f"%y = linnet.softmax %x axis {axis} {flag} : {type}")


def softmax_error(x, axis):
    """Relative: exp turns the rounding of x - max into a relative error of its size, and the sum
    of n positive terms is off by (4 + sqrt(n)) u; ulps of f32."""
    finite = np.where(np.isfinite(lt.wide(x)), lt.wide(x), 0)
    spread = (finite.max(axis) - finite.min(axis)).max() if x.size else 0
    return spread / 2 + 4 + x.shape[axis] ** 0.5


def in_type(ulps, dtype):
    return ulps if dtype == "f32" else 0.5 + ulps * 2.0 ** -12


def softmax_case(shape, axis, dtype, dynamic):
    x = lt.random(np.random.default_rng(0), shape, dtype, 5.0)
    ulps = in_type(softmax_error(x, axis), dtype)
    return (f"{shape} {axis} {'dynamic' * dynamic}", softmax(shape, axis, dtype, dynamic), [x],
            lambda y: lt.assert_close(y, ref.softmax(x, axis), ulps))


@pytest.mark.parametrize("dynamic", [False, True])
@pytest.mark.parametrize("dtype", lt.FLOATS)
def test_softmax(dtype, dynamic):
    lt.run_cases(softmax_case(shape, axis, dtype, dynamic) for shape, axis in SOFTMAX)


def test_softmax_of_masked_rows():
    x = np.full((3, 9), -np.inf, np.float32)
    x[1, 4], x[2, ::2] = 2.0, 1.0
    y, = lt.run(softmax(x.shape, 1, "f32", False), x)
    lt.assert_close(y, F.softmax(torch.from_numpy(x), 1).numpy().astype(np.float64), 4)
    y, = lt.run(softmax(x.shape, 1, "f32", False, "zero_masked"), x)
    lt.assert_close(y, ref.softmax(x, 1, zero_masked=True), 4)


def test_softmax_of_large_and_equal_values():
    x = np.float32([[1e30, 1e30, 0], [-1e30, -1e30, -1e30], [88, 0, -88], [0, 0, 0]])
    y, = lt.run(softmax(x.shape, 1, "f32", False), x)
    lt.assert_close(y, ref.softmax(x, 1), 100)


@pytest.mark.parametrize("flag", ["", "zero_masked"])
@pytest.mark.parametrize("columns", [16, 17, 64, 300])
def test_softmax_of_rows_that_start_low(columns, flag):
    """The maximum is guessed from a row's start: rows where it lies further and further above."""
    above = np.float32([0, 30, 39, 41, 60, 1000, 1e30, np.inf, np.inf])
    x = lt.random(np.random.default_rng(5), (above.size, columns), "f32")
    x[:-2, :-1] -= above[:-2, None]
    x[-2, :-1] = -np.inf
    x[-1, -1] = np.inf
    with np.errstate(invalid="ignore"):
        expected = ref.softmax(x, 1, zero_masked=bool(flag))
    y, = lt.run(softmax(x.shape, 1, "f32", [0], flag), x)
    lt.assert_close(y, expected, softmax_error(np.maximum(x[:-2], -100), 1))


@pytest.mark.parametrize("dtype", lt.FLOATS)
@pytest.mark.parametrize("axis", [0, 1])
def test_softmax_of_nan_and_infinity(dtype, axis):
    inf, nan = np.inf, np.nan
    x = np.random.default_rng(3).standard_normal((8, 37)).astype(lt.DTYPES[dtype])
    x[1, 5], x[2, 0], x[3, 36], x[4, :] = nan, inf, -inf, -inf
    x[5, [3, 9]], x[6, [1, 2]], x[7, :] = inf, (nan, -inf), nan
    given = np.ascontiguousarray(x.T) if axis == 0 else x
    for flag in ("", "zero_masked"):
        y, = lt.run(softmax(given.shape, axis, dtype, False, flag), given)
        with np.errstate(invalid="ignore"):
            expected = ref.softmax(given, axis, zero_masked=bool(flag))
        lt.assert_close(y, expected, in_type(20, dtype))


@pytest.mark.parametrize("shape", [(3000, 2803), (130, 70001)])
def test_large_rows_past_the_caches(shape):
    x = lt.random(np.random.default_rng(4), shape, "f32", 5.0)
    text = softmax(shape, 1, "f32", False)
    y, = lt.run(text, x)
    lt.assert_close(y, ref.softmax(x, 1), softmax_error(x, 1))
    for other in (dict(threads=3), dict(cpu="x86-64-v3")):
        z, = lt.run(text, x, **other)
        np.testing.assert_array_equal(y, z)


def norm_bound(y, x, scale, axes, extra=0.0):
    """Mean and variance are sums of n terms; what is subtracted from x has the mean's error."""
    last = tuple(range(x.ndim - axes, x.ndim))
    n = int(np.prod([x.shape[a] for a in last]))
    spread = np.sqrt(np.mean(lt.wide(x) ** 2, last, keepdims=True))
    inverse = 1 / np.sqrt(np.var(lt.wide(x), last, keepdims=True) + 1e-3)
    size = (np.abs(lt.wide(x)) + spread) * np.maximum(inverse, 1 / np.sqrt(spread ** 2 + 1e-3))
    return dict(ulps=2, depth=n, magnitude=size * np.abs(scale) + np.abs(y) + extra)


def norm_case(kind, dtype, shape, axes, dynamic):
    rng = np.random.default_rng(1)
    x = lt.random(rng, shape, dtype) + lt.DTYPES[dtype].type(2)
    s, b = (lt.random(rng, shape[-axes:], dtype) for _ in range(2))
    rows = list(range(len(shape) - axes)) if dynamic else False
    type, small = lt.tensor_type(shape, dtype, rows), lt.tensor_type(s.shape, dtype)
    bias = "bias %b " if kind == "layer_norm" else ""
    types = f"{type}, {small}" + (f", {small}" if bias else "")
    text = lt.function(
        [lt.argument("x", shape, dtype, rows), lt.argument("s", s.shape, dtype),
         lt.argument("b", s.shape, dtype)], type,
        f"%y = linnet.{kind} %x scale %s {bias}axes {axes} eps 1.0e-3 : {types}")
    expected = ref.layer_norm(x, s, b, axes, 1e-3) if bias else ref.rms_norm(x, s, axes, 1e-3)
    bound = norm_bound(expected, x, lt.wide(s), axes, np.abs(lt.wide(b)) if bias else 0.0)
    return (f"{shape} {axes} {'dynamic' * dynamic}", text, [x, s, b],
            lambda y: lt.assert_close(y, expected, **bound))


@pytest.mark.parametrize("dtype", lt.FLOATS)
@pytest.mark.parametrize("kind", ["layer_norm", "rms_norm"])
def test_norms(kind, dtype):
    lt.run_cases(norm_case(kind, dtype, shape, axes, dynamic) for shape, axes in NORMS
                 for dynamic in (False, True))


@pytest.mark.parametrize("dtype", lt.FLOATS)
def test_norms_without_scale_and_with_unit_offset(dtype):
    rng = np.random.default_rng(2)
    x, s = lt.random(rng, (5, 37), dtype), lt.random(rng, (37,), "f32")
    type = lt.tensor_type(x.shape, dtype)
    for body, expected, scale in (
            (f"linnet.layer_norm %x eps 1.0e-3 : {type}", ref.layer_norm(x, eps=1e-3), 1.0),
            (f"linnet.rms_norm %x eps 1.0e-3 : {type}", ref.rms_norm(x, eps=1e-3), 1.0),
            (f"linnet.rms_norm %x scale %s eps 1.0e-3 unit_offset : {type}, tensor<37xf32>",
             ref.rms_norm(x, s, eps=1e-3, unit_offset=True), 1 + lt.wide(s))):
        text = lt.function([lt.argument("x", x.shape, dtype), lt.argument("s", s.shape, "f32")],
                           type, f"%y = {body}")
        y, = lt.run(text, x, s)
        lt.assert_close(y, expected, **norm_bound(expected, x, scale, 1))


@pytest.mark.cpu  # bits of how CPUs find a variance
@pytest.mark.parametrize("dtype", ["f32", "bf16"])
@pytest.mark.parametrize("columns", [768, 781])
def test_layer_norm_of_wrong_guesses(columns, dtype):
    """A variance is found relative to the mean of a row's first 16 elements. Where that is far from
    the row's, or nothing is finite, it has the bits of one found relative to the mean."""
    x = np.random.default_rng(5).standard_normal((9, columns))
    x[1:4, :16] += np.array([[30], [-1e6], [1.5e18]])  # the last: squares that nearly overflow
    x[4], x[5, 500], x[6, 3] = 3.1, np.nan, -np.inf
    x[7, :16] += 1  # near enough
    x = x.astype(lt.DTYPES[dtype])

    def normalised(dynamic):
        type = lt.tensor_type(x.shape, dtype, dynamic)
        text = lt.function([lt.argument("x", x.shape, dtype, dynamic)], type,
                           f"%y = linnet.layer_norm %x eps 1.0e-3 : {type}")
        return [lt.run(text, x, cpu=cpu)[0] for cpu in ("x86-64-v3", "x86-64-v4")]

    guessed, exact = normalised(False), normalised([0, 1])  # of a known length, of any
    for y, z in zip(guessed, exact):
        np.testing.assert_array_equal(y[1:7].astype(np.float64), z[1:7].astype(np.float64))
        assert np.isnan(y[5:7].astype(np.float64)).all()
    np.testing.assert_array_equal(*(y.astype(np.float64) for y in guessed))
    near = x[[0, 7, 8]]
    expected = ref.layer_norm(near, eps=1e-3)
    lt.assert_close(guessed[0][[0, 7, 8]], expected, **norm_bound(expected, near, 1.0, 1))


def test_layer_norm_of_a_large_mean():
    """The variance is taken from deviations: mean 1000, deviation 1."""
    x = np.float32(1000 + np.random.default_rng(3).standard_normal((4, 256)))
    text = lt.function([lt.argument("x", x.shape, "f32")], "tensor<4x256xf32>",
                       "%y = linnet.layer_norm %x eps 1.0e-5 : tensor<4x256xf32>")
    y, = lt.run(text, x)
    assert np.abs(lt.wide(y) - ref.layer_norm(x)).max() < 1e-3


@pytest.mark.parametrize("rows", [(1, 5), (5,)], ids=str)
def test_layer_norm_of_a_row_that_its_kernel_makes(rows):
    """A table's rows and what is added to them, as at the start of a language model; once the sum is a result too."""
    shape, width = (*rows, 768), 768
    x, v, i = (lt.tensor_type(s, e) for s, e in ((shape, "f32"), ((width,), "f32"), (rows, "i64")))
    table = lt.tensor_type((50, width), "f32")
    rng = np.random.default_rng(3)
    t, added, scale, bias = (lt.random(rng, s, "f32") for s in ((50, width), shape, (width,), (width,)))
    ids = rng.integers(0, 50, rows)
    made = t[ids] + added
    expected = ref.layer_norm(made, scale, bias, 1, 1e-5)
    bound = norm_bound(expected, made, lt.wide(scale), 1, np.abs(lt.wide(bias)))
    for more in ("", ", %x"):
        types = f"{x}, {x}" if more else x
        found = lt.run(f"""func.func @main(%i: {i}, %t: {table}, %u: {x}, %s: {v}, %b: {v}) -> ({types}) {{
  %e = linnet.gather %t, %i axis 0 : {table}, {i} -> {x}
  %x = arith.addf %e, %u : {x}
  %y = linnet.layer_norm %x scale %s bias %b eps 1.0e-5 : {x}, {v}, {v}
  return %y{more} : {types}
}}""", ids, t, added, scale, bias)
        lt.assert_close(found[0], expected, **bound)
        assert all((other == made).all() for other in found[1:])
