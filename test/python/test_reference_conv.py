# ===- test_reference_conv.py - references against public ones -===//
#
# Part of Linnet, under Apache-2.0 WITH LLVM-exception. See LICENSE.
#
# ===----------------------------------------------------------------------===//
import numpy as np
import pytest
import torch
import torch.nn.functional as F
from linnet._src.reference import conv as ref

CASES = [  # input, filter, groups, strides, dilations, padding (one value per dimension)
    ((2, 3, 11), (5, 3, 4), 1, [1], [1], [0]),
    ((1, 4, 9, 7), (6, 2, 3, 2), 2, [2, 1], [1, 3], [1, 2]),
    ((2, 6, 5, 5), (6, 1, 3, 3), 6, [1, 1], [1, 1], [1, 1]),
    ((1, 2, 4, 5, 6), (3, 2, 2, 1, 3), 1, [1, 2, 2], [1, 1, 2], [0, 1, 0]),
    ((0, 3, 4), (2, 3, 2), 1, [1], [1], [0]),
]


@pytest.mark.parametrize("shape,filter,groups,strides,dilations,padding", CASES)
def test_conv(shape, filter, groups, strides, dilations, padding):
    rng = np.random.default_rng(0)
    x, w, b = (rng.standard_normal(s) for s in (shape, filter, filter[:1]))
    function = {1: F.conv1d, 2: F.conv2d, 3: F.conv3d}[len(shape) - 2]
    want = function(*map(torch.from_numpy, (x, w, b)), strides, padding, dilations, groups)
    got = ref.conv(x, w, b, groups, strides, dilations, [p for p in padding for _ in (0, 1)])
    assert got.shape == tuple(want.shape)
    np.testing.assert_allclose(got, want, atol=1e-12)


def test_asymmetric_padding():
    rng = np.random.default_rng(1)
    x, w = rng.standard_normal((1, 2, 5)), rng.standard_normal((3, 2, 2))
    want = F.conv1d(F.pad(torch.from_numpy(x), (0, 3)), torch.from_numpy(w))
    np.testing.assert_allclose(ref.conv(x, w, padding=[0, 3]), want, atol=1e-12)
