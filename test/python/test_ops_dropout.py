# ===- test_ops_dropout.py - counter-based dropout, executed -===//
#
# Part of Linnet, under Apache-2.0 WITH LLVM-exception. See LICENSE.
#
# ===----------------------------------------------------------------------===//
import numpy as np
import pytest

from linnet import testing as lt
from linnet._src.reference import random as ref


def text_of(shape, dtype, dynamic, rate):
    type = lt.tensor_type(shape, dtype, dynamic)
    return lt.function([lt.argument("x", shape, dtype, dynamic), "%k: i64", "%c: tensor<i64>"], type,
                       f"%y = linnet.dropout %x, %k, %c rate {rate:e} : {type}, i64, tensor<i64>")


def case(shape, dtype, dynamic, rate, key=7, counter=5):
    x = lt.random(np.random.default_rng(len(shape)), shape, dtype)
    expected = ref.dropout(x, key, counter, rate)
    return (f"{shape} {rate} {'dynamic' * dynamic}", text_of(shape, dtype, dynamic, rate),
            [x, np.int64(key), np.asarray(counter, np.int64)],
            lambda y: lt.assert_close(y, expected, 1.5))


@pytest.mark.parametrize("dtype", lt.FLOATS)
def test_dropout(dtype):
    lt.run_cases(case(shape, dtype, dynamic, rate) for shape in [(7,), (3, 33), (2, 3, 64), (1, 1), (0, 5), (), (100, 257)]
                 for dynamic in (False, True) for rate in (0.1, 0.5))


def test_rates_and_seeds():
    lt.run_cases(case((5, 50), "f32", False, rate, key, counter) for rate in (0.0, 0.999, 1.0)
                 for key, counter in ((0, 0), (-1, 2**32 - 3), (2**40, -1)))


def test_how_many_are_kept():
    x = np.ones((1000, 100), np.float32)
    y, = lt.run(text_of(x.shape, "f32", False, 0.3), x, np.int64(1), np.asarray(2, np.int64))
    kept = np.count_nonzero(y) / x.size
    assert abs(kept - 0.7) < 5 * (0.21 / x.size) ** 0.5
    assert set(np.unique(y)) == {np.float32(0), np.float32(1 / 0.7)}


def test_what_is_dropped_is_zero():
    """Whatever it was; and the gradient is the same op."""
    x = np.full((4, 100), np.nan, np.float32)
    y, = lt.run(text_of(x.shape, "f32", False, 0.5), x, np.int64(1), np.asarray(2, np.int64))
    keep = ref.dropout(np.ones(x.shape), 1, 2, 0.5) != 0
    np.testing.assert_array_equal(np.isnan(y), keep)
    assert (y[~keep] == 0).all()


def test_a_slice_of_a_tensor():
    x = lt.random(np.random.default_rng(0), (6, 40), "f32")
    text = """func.func @main(%x: tensor<6x40xf32>, %k: i64) -> tensor<4x33xf32> {
  %s = tensor.extract_slice %x[1, 2] [4, 33] [1, 1] : tensor<6x40xf32> to tensor<4x33xf32>
  %y = linnet.dropout %s, %k, %k rate 2.5e-1 : tensor<4x33xf32>, i64, i64
  return %y : tensor<4x33xf32>
}"""
    y, = lt.run(text, x, np.int64(3))
    lt.assert_close(y, ref.dropout(x[1:5, 2:35], 3, 3, 0.25), 1.5)


def test_same_bits_on_any_number_of_threads():
    _, text, values, _ = case((300, 257), "f32", False, 0.2)
    lt.assert_same_bits(text, *values)
