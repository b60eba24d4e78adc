// RUN: linnet-opt %s -pass-pipeline='builtin.module(func.func(linnet-split-sums))' | FileCheck %s

// What is computed is checked by test_split_sums.py.

#km = affine_map<(m, n, k) -> (k, m)>
#kn = affine_map<(m, n, k) -> (k, n)>
#mn = affine_map<(m, n, k) -> (m, n)>

// Eight parts, no rest: a batch of products and their total.
// CHECK-LABEL: func @static
// CHECK-DAG:     tensor.expand_shape %arg0 {{.*}} into tensor<8x1024x64xf32>
// CHECK-DAG:     tensor.expand_shape %arg1 {{.*}} into tensor<8x1024x48xf32>
// CHECK:         %[[PARTS:.*]] = linalg.generic {{.*}}["parallel", "parallel", "parallel", "reduction"]
// CHECK:         -> tensor<8x64x48xf32>
// CHECK:         linalg.generic {{.*}} ins(%[[PARTS]] : tensor<8x64x48xf32>) outs(%arg2
func.func @static(%a: tensor<8192x64xf32>, %b: tensor<8192x48xf32>, %c: tensor<64x48xf32>)
    -> tensor<64x48xf32> {
  %0 = linalg.generic {indexing_maps = [#km, #kn, #mn],
      iterator_types = ["parallel", "parallel", "reduction"]}
      ins(%a, %b : tensor<8192x64xf32>, tensor<8192x48xf32>) outs(%c : tensor<64x48xf32>) {
  ^bb0(%x: f32, %y: f32, %s: f32):
    %p = arith.mulf %x, %y : f32
    %q = arith.addf %s, %p : f32
    linalg.yield %q : f32
  } -> tensor<64x48xf32>
  return %0 : tensor<64x48xf32>
}

// Of unknown length: the rest is a product of its own, on which the total begins.
// CHECK-LABEL: func @dynamic
// CHECK:         -> tensor<?x64x48xf32>
// CHECK:         %[[REST:.*]] = linalg.generic {{.*}}outs(%arg2 : tensor<64x48xf32>)
// CHECK:         linalg.generic {{.*}}outs(%[[REST]] : tensor<64x48xf32>)
func.func @dynamic(%a: tensor<?x64xf32>, %b: tensor<?x48xf32>, %c: tensor<64x48xf32>)
    -> tensor<64x48xf32> {
  %0 = linalg.generic {indexing_maps = [#km, #kn, #mn],
      iterator_types = ["parallel", "parallel", "reduction"]}
      ins(%a, %b : tensor<?x64xf32>, tensor<?x48xf32>) outs(%c : tensor<64x48xf32>) {
  ^bb0(%x: f32, %y: f32, %s: f32):
    %p = arith.mulf %x, %y : f32
    %q = arith.addf %s, %p : f32
    linalg.yield %q : f32
  } -> tensor<64x48xf32>
  return %0 : tensor<64x48xf32>
}

// Enough tiles for threads: left as it is.
// CHECK-LABEL: func @wide
// CHECK-COUNT-1: linalg.generic
// CHECK-NOT:     linalg.generic
func.func @wide(%a: tensor<8192x512xf32>, %b: tensor<8192x512xf32>, %c: tensor<512x512xf32>)
    -> tensor<512x512xf32> {
  %0 = linalg.generic {indexing_maps = [#km, #kn, #mn],
      iterator_types = ["parallel", "parallel", "reduction"]}
      ins(%a, %b : tensor<8192x512xf32>, tensor<8192x512xf32>) outs(%c : tensor<512x512xf32>) {
  ^bb0(%x: f32, %y: f32, %s: f32):
    %p = arith.mulf %x, %y : f32
    %q = arith.addf %s, %p : f32
    linalg.yield %q : f32
  } -> tensor<512x512xf32>
  return %0 : tensor<512x512xf32>
}

// A weight is packed as a whole.
// CHECK-LABEL: func @constant
// CHECK-COUNT-1: linalg.generic
// CHECK-NOT:     linalg.generic
func.func @constant(%a: tensor<8192x64xf32>, %b: tensor<8192x48xf32> {linnet.constant = @w},
                    %c: tensor<64x48xf32>) -> tensor<64x48xf32> {
  %0 = linalg.generic {indexing_maps = [#km, #kn, #mn],
      iterator_types = ["parallel", "parallel", "reduction"]}
      ins(%a, %b : tensor<8192x64xf32>, tensor<8192x48xf32>) outs(%c : tensor<64x48xf32>) {
  ^bb0(%x: f32, %y: f32, %s: f32):
    %p = arith.mulf %x, %y : f32
    %q = arith.addf %s, %p : f32
    linalg.yield %q : f32
  } -> tensor<64x48xf32>
  return %0 : tensor<64x48xf32>
}
