// RUN: linnet-opt %s --linnet-form-dispatches | FileCheck %s

#id2 = affine_map<(d0, d1) -> (d0, d1)>
#row = affine_map<(d0, d1) -> (d1)>
#col = affine_map<(d0, d1) -> (d0)>

// Bias and gelu are epilogues of the contraction: one dispatch.
// CHECK-LABEL: func.func @mlp
// CHECK: exec.dispatch ins(%{{.*}} = %arg0 : tensor<64x128xf32>, %{{.*}} = %arg1 : tensor<128x256xf32>, %{{.*}} = %arg2 : tensor<256xf32>) -> (tensor<64x256xf32>) {
// CHECK:   linalg.fill
// CHECK:   linalg.matmul
// CHECK:   linalg.generic
// CHECK:     math.erf
// CHECK:   exec.yield
// CHECK-NOT: exec.dispatch
func.func @mlp(%a: tensor<64x128xf32>, %w: tensor<128x256xf32>, %bias: tensor<256xf32>) -> tensor<64x256xf32> {
  %zero = arith.constant 0.0 : f32
  %half = arith.constant 0.5 : f32
  %one = arith.constant 1.0 : f32
  %r = arith.constant 0.707106769 : f32
  %e = tensor.empty() : tensor<64x256xf32>
  %f = linalg.fill ins(%zero : f32) outs(%e : tensor<64x256xf32>) -> tensor<64x256xf32>
  %0 = linalg.matmul ins(%a, %w : tensor<64x128xf32>, tensor<128x256xf32>) outs(%f : tensor<64x256xf32>) -> tensor<64x256xf32>
  %b = linalg.broadcast ins(%bias : tensor<256xf32>) outs(%e : tensor<64x256xf32>) dimensions = [0]
  %1 = linalg.add ins(%0, %b : tensor<64x256xf32>, tensor<64x256xf32>) outs(%e : tensor<64x256xf32>) -> tensor<64x256xf32>
  %2 = linalg.generic {indexing_maps = [#id2, #id2], iterator_types = ["parallel", "parallel"]} ins(%1 : tensor<64x256xf32>) outs(%e : tensor<64x256xf32>) {
  ^bb0(%x: f32, %o: f32):
    %s = arith.mulf %x, %r : f32
    %t = math.erf %s : f32
    %u = arith.addf %t, %one : f32
    %v = arith.mulf %x, %half : f32
    %w2 = arith.mulf %u, %v : f32
    linalg.yield %w2 : f32
  } -> tensor<64x256xf32>
  return %2 : tensor<64x256xf32>
}

#id3 = affine_map<(d0, d1, d2) -> (d0, d1, d2)>
#last = affine_map<(d0, d1, d2) -> (d2)>

// The bias is added behind a reshape: still an epilogue. The transpose is read through strides.
// CHECK-LABEL: func.func @reshaped
// CHECK: exec.dispatch
// CHECK:   linalg.transpose
// CHECK:   linalg.matmul
// CHECK:   linalg.generic
// CHECK:   exec.yield
// CHECK-NEXT: }
// CHECK-NEXT: tensor.expand_shape
// CHECK-NEXT: return
func.func @reshaped(%x: tensor<34x64xf32>, %w: tensor<192x64xf32>, %bias: tensor<192xf32>) -> tensor<2x17x192xf32> {
  %zero = arith.constant 0.0 : f32
  %et = tensor.empty() : tensor<64x192xf32>
  %t = linalg.transpose ins(%w : tensor<192x64xf32>) outs(%et : tensor<64x192xf32>) permutation = [1, 0]
  %e = tensor.empty() : tensor<34x192xf32>
  %f = linalg.fill ins(%zero : f32) outs(%e : tensor<34x192xf32>) -> tensor<34x192xf32>
  %0 = linalg.matmul ins(%x, %t : tensor<34x64xf32>, tensor<64x192xf32>) outs(%f : tensor<34x192xf32>) -> tensor<34x192xf32>
  %1 = tensor.expand_shape %0 [[0, 1], [2]] output_shape [2, 17, 192] : tensor<34x192xf32> into tensor<2x17x192xf32>
  %e3 = tensor.empty() : tensor<2x17x192xf32>
  %2 = linalg.generic {indexing_maps = [#id3, #last, #id3], iterator_types = ["parallel", "parallel", "parallel"]} ins(%1, %bias : tensor<2x17x192xf32>, tensor<192xf32>) outs(%e3 : tensor<2x17x192xf32>) {
  ^bb0(%a: f32, %b: f32, %o: f32):
    %s = arith.addf %a, %b : f32
    linalg.yield %s : f32
  } -> tensor<2x17x192xf32>
  return %2 : tensor<2x17x192xf32>
}

// A slice written into a cache is a dispatch tied to it, with the op that computes the slice.
// CHECK-LABEL: func.func @cache
// CHECK: exec.dispatch ins(%{{.*}} = %arg0 : tensor<1x8xf32>, %[[C:.*]] = %arg1 : tensor<64x8xf32>, %[[AT:.*]] = %arg2 : index) tied [1]
// CHECK:   math.exp
// CHECK:   tensor.insert_slice %{{.*}} into %[[C]][%[[AT]], 0] [1, 8] [1, 1]
// CHECK-NOT: exec.dispatch
// CHECK: return
func.func @cache(%k: tensor<1x8xf32>, %cache: tensor<64x8xf32>, %at: index) -> tensor<64x8xf32> {
  %e = tensor.empty() : tensor<1x8xf32>
  %0 = linalg.exp ins(%k : tensor<1x8xf32>) outs(%e : tensor<1x8xf32>) -> tensor<1x8xf32>
  %1 = tensor.insert_slice %0 into %cache[%at, 0] [1, 8] [1, 1] : tensor<1x8xf32> into tensor<64x8xf32>
  return %1 : tensor<64x8xf32>
}

// Programs have no float arithmetic: a condition on floats is a dispatch and a read.
// CHECK-LABEL: func.func @condition
// CHECK: %[[T:.*]] = exec.dispatch ins(%{{.*}} = %arg0 : f32) -> (tensor<i1>)
// CHECK: %[[C:.*]] = tensor.extract %[[T]][] : tensor<i1>
// CHECK: arith.select %[[C]]
func.func @condition(%x: f32, %a: index, %b: index) -> index {
  %zero = arith.constant 0.0 : f32
  %y = math.exp %x : f32
  %c = arith.cmpf ogt, %y, %zero : f32
  %r = arith.select %c, %a, %b : index
  return %r : index
}
