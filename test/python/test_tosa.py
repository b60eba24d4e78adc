# ===- test_tosa.py - tosa takes the same road -===//
#
# Part of Linnet, under Apache-2.0 WITH LLVM-exception. See LICENSE.
#
# ===----------------------------------------------------------------------===//
import numpy as np
import pytest
import torch
import torch.nn.functional as F
from upstream import module_of

TEXT = """
func.func @image(%x: tensor<2x9x7x3xf32>, %w: tensor<5x3x3x3xf32>, %b: tensor<5xf32>) -> tensor<2x2x3x5xf32> {
  %z = "tosa.const"() <{values = dense<0.0> : tensor<1xf32>}> : () -> tensor<1xf32>
  %0 = tosa.conv2d %x, %w, %b, %z, %z {acc_type = f32, dilation = array<i64: 1, 1>,
      pad = array<i64: 1, 1, 1, 1>, stride = array<i64: 2, 1>}
      : (tensor<2x9x7x3xf32>, tensor<5x3x3x3xf32>, tensor<5xf32>, tensor<1xf32>, tensor<1xf32>) -> tensor<2x5x7x5xf32>
  %1 = tosa.clamp %0 {min_val = 0.0 : f32, max_val = 6.0 : f32} : (tensor<2x5x7x5xf32>) -> tensor<2x5x7x5xf32>
  %2 = tosa.max_pool2d %1 {kernel = array<i64: 3, 3>, pad = array<i64: 0, 0, 0, 0>, stride = array<i64: 2, 2>}
      : (tensor<2x5x7x5xf32>) -> tensor<2x2x3x5xf32>
  return %2 : tensor<2x2x3x5xf32>
}
func.func @rows(%a: tensor<2x4x3xf32>, %b: tensor<2x3x5xf32>, %i: tensor<2x2xi32>) -> tensor<2x2x10xf32> {
  %z = "tosa.const"() <{values = dense<0.0> : tensor<1xf32>}> : () -> tensor<1xf32>
  %s = "tosa.const"() <{values = dense<0> : tensor<1xi8>}> : () -> tensor<1xi8>
  %0 = tosa.matmul %a, %b, %z, %z : (tensor<2x4x3xf32>, tensor<2x3x5xf32>, tensor<1xf32>, tensor<1xf32>) -> tensor<2x4x5xf32>
  %1 = tosa.reduce_max %0 {axis = 2 : i32} : (tensor<2x4x5xf32>) -> tensor<2x4x1xf32>
  %2 = tosa.sub %0, %1 : (tensor<2x4x5xf32>, tensor<2x4x1xf32>) -> tensor<2x4x5xf32>
  %3 = tosa.exp %2 : (tensor<2x4x5xf32>) -> tensor<2x4x5xf32>
  %4 = tosa.reduce_sum %3 {axis = 2 : i32} : (tensor<2x4x5xf32>) -> tensor<2x4x1xf32>
  %5 = tosa.reciprocal %4 : (tensor<2x4x1xf32>) -> tensor<2x4x1xf32>
  %6 = tosa.mul %3, %5, %s : (tensor<2x4x5xf32>, tensor<2x4x1xf32>, tensor<1xi8>) -> tensor<2x4x5xf32>
  %7 = tosa.gather %6, %i : (tensor<2x4x5xf32>, tensor<2x2xi32>) -> tensor<2x2x5xf32>
  %8 = tosa.concat %7, %7 {axis = 2 : i32} : (tensor<2x2x5xf32>, tensor<2x2x5xf32>) -> tensor<2x2x10xf32>
  return %8 : tensor<2x2x10xf32>
}
"""


@pytest.fixture(scope="module")
def module():
    return module_of(TEXT, "--linnet-structured")


def test_image(module):
    rng = np.random.default_rng(0)
    x, w, b = (rng.standard_normal(s).astype(np.float32)
               for s in ((2, 9, 7, 3), (5, 3, 3, 3), (5,)))
    got, = module.call("image", [x, w, b], [(np.float32, 4)])
    y = F.conv2d(torch.from_numpy(x).double().permute(0, 3, 1, 2),
                 torch.from_numpy(w).double().permute(0, 3, 1, 2), torch.from_numpy(b).double(),
                 stride=(2, 1), padding=1)
    want = F.max_pool2d(y.clamp(0, 6), 3, 2).permute(0, 2, 3, 1)
    np.testing.assert_allclose(got, want, atol=1e-5)


def test_rows(module):
    rng = np.random.default_rng(0)
    a, b = (rng.standard_normal(s).astype(np.float32) for s in ((2, 4, 3), (2, 3, 5)))
    i = np.array([[3, 0], [1, 1]], np.int32)
    got, = module.call("rows", [a, b, i], [(np.float32, 3)])
    y = torch.from_numpy(a).double() @ torch.from_numpy(b).double()
    want = np.take_along_axis(y.softmax(-1).numpy(), i[:, :, None].astype(np.int64), 1)
    np.testing.assert_allclose(got, np.concatenate([want, want], -1), atol=1e-6)
