# ===- test_reference_norm.py - references against public ones -===//
#
# Part of Linnet, under Apache-2.0 WITH LLVM-exception. See LICENSE.
#
# ===----------------------------------------------------------------------===//
import numpy as np
import pytest
import torch
import torch.nn.functional as F
from linnet._src.reference import norm as ref


@pytest.mark.parametrize("shape,axis", [((3, 5), 1), ((3, 5, 2), 0), ((1,), 0), ((0, 4), 1)])
def test_softmax(shape, axis):
    x = np.random.default_rng(0).standard_normal(shape) * 30
    np.testing.assert_allclose(ref.softmax(x, axis), F.softmax(torch.from_numpy(x), axis),
                               atol=1e-14)


def test_softmax_of_a_masked_row():
    x = np.full((2, 3), -np.inf)
    x[1, 2] = 1.0
    with np.errstate(invalid="ignore"):
        np.testing.assert_array_equal(ref.softmax(x, 1), F.softmax(torch.from_numpy(x), 1))
    np.testing.assert_array_equal(ref.softmax(x, 1, zero_masked=True), [[0, 0, 0], [0, 0, 1]])


@pytest.mark.parametrize("shape,axes", [((2, 3, 7), 1), ((2, 3, 7), 2), ((4, 1), 1), ((0, 5), 1)])
def test_norms(shape, axes):
    rng = np.random.default_rng(0)
    x = rng.standard_normal(shape) + 5
    s, b = rng.standard_normal((2, *shape[-axes:]))
    tx, ts, tb = map(torch.from_numpy, (x, s, b))
    np.testing.assert_allclose(ref.layer_norm(x, s, b, axes, 1e-3),
                               F.layer_norm(tx, shape[-axes:], ts, tb, 1e-3), atol=1e-12)
    np.testing.assert_allclose(ref.rms_norm(x, s, axes, 1e-3),
                               F.rms_norm(tx, shape[-axes:], ts, 1e-3), atol=1e-12)
    np.testing.assert_allclose(ref.rms_norm(x, s, axes, 1e-3, unit_offset=True),
                               F.rms_norm(tx, shape[-axes:], ts + 1, 1e-3), atol=1e-12)
