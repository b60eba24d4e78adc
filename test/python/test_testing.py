# ===- test_testing.py - the comparison of the executed tests can fail -===//
#
# Part of Linnet, under Apache-2.0 WITH LLVM-exception. See LICENSE.
#
# ===----------------------------------------------------------------------===//
import ml_dtypes
import numpy as np
import pytest

from linnet.testing import assert_close, tolerance, wide


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
