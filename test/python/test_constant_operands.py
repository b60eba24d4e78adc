# ===- test_constant_operands.py - kernels that read a constant of one value -===//
#
# Part of Linnet, under Apache-2.0 WITH LLVM-exception. See LICENSE.
#
# ===----------------------------------------------------------------------===//
"""Elementwise kernels write such a constant into their code; attention, scans and convolutions read it
from memory, through views too."""
import numpy as np
from linnet import testing


def test_attention():
    q = testing.random(np.random.default_rng(1), (1, 2, 5, 8), "f32")
    out, = testing.run("""
func.func @main(%q: tensor<1x2x5x8xf32>) -> tensor<1x2x5x8xf32> {
  %c = arith.constant dense<2.0> : tensor<1x5x2x8xf32>
  %e = tensor.empty() : tensor<1x2x5x8xf32>
  %v = linalg.transpose ins(%c : tensor<1x5x2x8xf32>) outs(%e : tensor<1x2x5x8xf32>) permutation = [0, 2, 1, 3]
  %o = linnet.attention %q, %q, %v : tensor<1x2x5x8xf32>, tensor<1x2x5x8xf32>, tensor<1x2x5x8xf32> -> tensor<1x2x5x8xf32>
  return %o : tensor<1x2x5x8xf32>
}""", q)
    np.testing.assert_allclose(out, np.full_like(q, 2), rtol=1e-6)


def test_convolution():
    x = testing.random(np.random.default_rng(2), (1, 2, 7, 6), "f32")
    out, = testing.run("""
func.func @main(%x: tensor<1x2x7x6xf32>) -> tensor<1x3x5x4xf32> {
  %w = arith.constant dense<0.5> : tensor<3x2x3x3xf32>
  %y = linnet.conv %x, %w : tensor<1x2x7x6xf32>, tensor<3x2x3x3xf32> -> tensor<1x3x5x4xf32>
  return %y : tensor<1x3x5x4xf32>
}""", x)
    sums = sum(x[:, :, i:i + 5, j:j + 4].astype(np.float64) for i in range(3) for j in range(3)).sum(1)
    np.testing.assert_allclose(out, np.repeat(0.5 * sums[:, None], 3, 1), atol=1e-5)


def test_linear_attention():
    k = testing.random(np.random.default_rng(3), (1, 1, 6, 4), "f32")
    out, = testing.run("""
func.func @main(%k: tensor<1x1x6x4xf32>) -> tensor<1x1x6x1xf32> {
  %one = arith.constant dense<1.0> : tensor<1x1x6x1xf32>
  %o = linnet.linear_attention %k, %k, %one : tensor<1x1x6x4xf32>, tensor<1x1x6x4xf32>, tensor<1x1x6x1xf32> -> tensor<1x1x6x1xf32>
  return %o : tensor<1x1x6x1xf32>
}""", k)
    wide = k.astype(np.float64)
    want = np.einsum("bhic,bhic->bhi", wide, np.cumsum(wide, 2))[..., None]
    np.testing.assert_allclose(out, want, atol=1e-5)
