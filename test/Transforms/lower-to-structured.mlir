// RUN: linnet-opt %s -split-input-file -verify-diagnostics -linnet-lower-to-structured -canonicalize | FileCheck %s

// What the ops compute is checked by test_lowering.py; here is only what later stages rely on.

// 16-bit contractions accumulate in f32 and are rounded by an op of their own.
// CHECK-LABEL: func @contraction
// CHECK:         %[[ZERO:.*]] = linalg.fill {{.*}} -> tensor<4x?xf32>
// CHECK:         %[[SUM:.*]] = linalg.generic {{.*}}iterator_types = ["parallel", "parallel", "reduction"]
// CHECK-SAME:      outs(%[[ZERO]] : tensor<4x?xf32>)
// CHECK:         linalg.generic {{.*}} ins(%[[SUM]] : tensor<4x?xf32>)
// CHECK:           arith.truncf
func.func @contraction(%a: tensor<4x8xbf16>, %b: tensor<8x?xbf16>) -> tensor<4x?xbf16> {
  %0 = linnet.einsum "mk,kn->mn" %a, %b : tensor<4x8xbf16>, tensor<8x?xbf16> -> tensor<4x?xbf16>
  return %0 : tensor<4x?xbf16>
}

// An elementwise op writes a tensor of its own, and splat constants go into its body.
// CHECK-LABEL: func @elementwise
// CHECK:         %[[INIT:.*]] = tensor.empty() : tensor<4xf32>
// CHECK:         linalg.generic {{.*}} ins(%arg0 : tensor<4xf32>) outs(%[[INIT]] : tensor<4xf32>)
func.func @elementwise(%a: tensor<4xf32>) -> tensor<4xf32> {
  %c = arith.constant dense<2.0> : tensor<4xf32>
  %0 = arith.mulf %a, %c : tensor<4xf32>
  return %0 : tensor<4xf32>
}

// The fault of a gather is reported at the op's own location.
// CHECK-LABEL: func @gather
// CHECK:         tensor.extract %arg0[%{{.*}}, %{{.*}}] {linnet.checked = array<i64: 0>} : tensor<9x4xf32>
func.func @gather(%t: tensor<9x4xf32>, %i: tensor<?xi64>) -> tensor<?x4xf32> {
  %0 = linnet.gather %t, %i axis 0 : tensor<9x4xf32>, tensor<?xi64> -> tensor<?x4xf32>
  return %0 : tensor<?x4xf32>
}

// Loops that run once and sizes of 1 that are read at 0 leave a generic op; its assertion stays.
// CHECK-LABEL: func @units
// CHECK:         linalg.generic {{.*}}iterator_types = ["parallel", "parallel"]
// CHECK-SAME:      ins(%{{.*}}, %{{.*}} : tensor<3x4xf32>, tensor<3xf32>)
// CHECK:           cf.assert
func.func @units(%a: tensor<1x3x4xf32>, %b: tensor<1x3x1xf32>) -> tensor<1x3x4xf32> {
  %e = tensor.empty() : tensor<1x3x4xf32>
  %0 = linalg.generic {indexing_maps = [affine_map<(d0, d1, d2) -> (d0, d1, d2)>, affine_map<(d0, d1, d2) -> (d0, d1, 0)>,
      affine_map<(d0, d1, d2) -> (d0, d1, d2)>], iterator_types = ["parallel", "parallel", "parallel"]}
      ins(%a, %b : tensor<1x3x4xf32>, tensor<1x3x1xf32>) outs(%e : tensor<1x3x4xf32>) {
  ^bb0(%x: f32, %y: f32, %z: f32):
    %zero = arith.constant 0.0 : f32
    %ok = arith.cmpf one, %y, %zero : f32
    cf.assert %ok, "unimplemented: tensor with zero element"
    %d = arith.divf %x, %y : f32
    linalg.yield %d : f32
  } -> tensor<1x3x4xf32>
  return %0 : tensor<1x3x4xf32>
}

// Named contractions and convolutions keep their names, other named ops do not.
// CHECK-LABEL: func @named
// CHECK:         linalg.matmul
// CHECK-NOT:     linalg.transpose
func.func @named(%a: tensor<4x4xf32>, %o: tensor<4x4xf32>) -> tensor<4x4xf32> {
  %0 = linalg.matmul ins(%a, %a : tensor<4x4xf32>, tensor<4x4xf32>) outs(%o : tensor<4x4xf32>) -> tensor<4x4xf32>
  %1 = linalg.transpose ins(%0 : tensor<4x4xf32>) outs(%o : tensor<4x4xf32>) permutation = [1, 0]
  return %1 : tensor<4x4xf32>
}

// -----

// expected-error @+1 {{no lowering for 2 x 'tensor.scatter', 1 x 'tosa.cast'}}
func.func @leftovers(%s: tensor<1x4xf32>, %d: tensor<4x4xf32>, %i: tensor<1x1xindex>, %x: tensor<4xi32>) -> (tensor<4x4xf32>, tensor<4xf32>) {
  // expected-note @+1 {{first 'tensor.scatter' here}}
  %0 = tensor.scatter %s into %d[%i] scatter_dims([0]) unique : (tensor<1x4xf32>, tensor<4x4xf32>, tensor<1x1xindex>) -> tensor<4x4xf32>
  %1 = tensor.scatter %s into %0[%i] scatter_dims([0]) unique : (tensor<1x4xf32>, tensor<4x4xf32>, tensor<1x1xindex>) -> tensor<4x4xf32>
  // expected-note @+1 {{first 'tosa.cast' here}}
  %2 = tosa.cast %x : (tensor<4xi32>) -> tensor<4xf32>
  return %1, %2 : tensor<4x4xf32>, tensor<4xf32>
}
