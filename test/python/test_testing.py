# ===- test_testing.py - the comparison of the executed tests can fail -===//
#
# Part of Linnet, under Apache-2.0 WITH LLVM-exception. See LICENSE.
#
# ===----------------------------------------------------------------------===//
import ml_dtypes
import numpy as np
import pytest

from linnet._src.running_error import attend, einsum
from linnet.testing import Computed, Likely, assert_close, tolerance, wide

pytestmark = pytest.mark.cpu  # runs no model


def test_rounding_a_reference_is_within_half_an_ulp():
    rng = np.random.default_rng(0)
    exact = rng.standard_normal(4096) * np.exp(rng.standard_normal(4096))
    for dtype in (np.float32, np.float16, ml_dtypes.bfloat16):
        assert_close(exact.astype(dtype), exact, ulps=0.5)


@pytest.mark.parametrize("dtype,step", [(np.float32, 2e-7), (np.float16, 2e-3),
                                        (ml_dtypes.bfloat16, 2e-2)])
def test_two_ulps_fail_one(dtype, step):
    exact = np.linspace(1.0, 1.9, 37)
    with pytest.raises(AssertionError, match="elements are off"):
        assert_close((exact * (1 + step)).astype(dtype), exact, ulps=0.75)


def test_special_values_must_agree():
    inf, nan = np.inf, np.nan
    assert_close(np.float32([nan, inf, -inf]), [nan, inf, -inf])
    for wrong in ([0, inf, -inf], [nan, -inf, -inf], [nan, inf, 3e38], [nan, inf, nan]):
        with pytest.raises(AssertionError):
            assert_close(np.float32(wrong), [nan, inf, -inf])
    with pytest.raises(AssertionError):
        assert_close(np.float32([nan]), [1.0])


def test_overflow_is_infinity():
    assert_close(np.float16([np.inf]), [1e6])
    with pytest.raises(AssertionError):
        assert_close(np.float16([-np.inf]), [1e6])


def test_integers_are_exact_and_shapes_count():
    assert_close(np.int32([1, 2]), [1, 2])
    with pytest.raises(AssertionError):
        assert_close(np.int32([1, 2]), [1, 3])
    with pytest.raises(AssertionError, match="shape"):
        assert_close(np.float32([1, 2]), [[1, 2]])


@pytest.mark.parametrize("depth", [1, 64, 4097])
def test_f32_dot_products_pass_and_dropping_a_term_fails(depth):
    rng = np.random.default_rng(depth)
    a, b = rng.standard_normal((2, 64, depth)).astype(np.float32)
    exact, size = (wide(a) * wide(b)).sum(1), np.abs(wide(a) * wide(b)).sum(1)
    plain = np.zeros(64, np.float32)
    for i in range(depth):
        plain += a[:, i] * b[:, i]
    assert_close(plain, exact, depth=depth, magnitude=size)
    short = plain - a[:, 0] * b[:, 0]
    with pytest.raises(AssertionError):
        assert_close(short, exact, depth=depth, magnitude=size)


def test_tolerance_grows_with_the_square_root():
    at = [tolerance(0.0, np.float32, depth=d, magnitude=1.0) for d in (100, 10000)]
    assert 6 < at[1] / at[0] < 10


def normalised(x, scale):
    t = x - x.mean(1, keepdims=True)
    return t / np.sqrt((t * t).mean(1, keepdims=True) + 1e-5) * scale


@pytest.mark.parametrize("kind", (Computed, Likely))
def test_running_errors_hold_and_say_something(kind):
    """NumPy's own f32 stays within them, also where a difference has lost most digits."""
    rng = np.random.default_rng(1)
    for mean, slack in ((0.0, 100), (50.0, 1000)):
        x = (rng.standard_normal((40, 64)) + mean).astype(np.float32)
        scale = rng.standard_normal(64).astype(np.float32)
        y, want = normalised(x, scale), normalised(kind(x), scale)
        assert y.dtype == np.float32
        assert_close(y, want)
        error = np.abs(y - want.value)
        assert (want.bound <= slack * np.maximum(error.max(), 2.0**-24)).all()
        with pytest.raises(AssertionError):
            assert_close((want.value + 1.5 * want.bound + 2.0**-22 * np.abs(want.value)).astype(np.float32), want)


def test_running_errors_of_attention():
    rng = np.random.default_rng(2)
    q, k, v = (rng.standard_normal((2, n, 8)).astype(np.float32) for n in (5, 40, 40))
    s = np.einsum("bid,bjd->bij", q, k)
    w = np.exp(s - s.max(-1, keepdims=True))
    y = np.einsum("bij,bjd->bid", w / w.sum(-1, keepdims=True), v)
    bounds = []
    for kind in (Computed, Likely):
        want = attend(einsum("bid,bjd->bij", kind(q), k), v, "bij,bjd->bid")
        assert_close(y, want)
        bounds.append(want.bound)
    assert (bounds[1] < bounds[0]).all()
    assert (attend(kind(s), v, "bij,bjd->bid", False).value == 0).all()  # no keys


def test_running_errors_of_functions():
    """A function's operand moved by as much as it may be off stays within the function's."""
    x, off = np.linspace(0.5, 3, 50), 1e-4
    for function in (np.exp, np.log, np.sqrt, np.tanh, np.cos, np.sin):
        found = function(Computed(x, off))
        for side in (-off, off):
            moved = np.abs(function(x + side) - found.value)
            assert (moved <= found.bound).all()
        assert found.bound.max() <= 25 * off
