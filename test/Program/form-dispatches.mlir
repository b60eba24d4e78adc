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

// CHECK-LABEL: func.func @softmax
// CHECK: exec.dispatch ins(%{{.*}} = %arg0 : tensor<?x33xf32>) sizes(%{{.*}}) -> (tensor<?x33xf32>)
// CHECK-COUNT-3: linalg.generic
// CHECK-NOT: exec.dispatch
// CHECK: return
func.func @softmax(%x: tensor<?x33xf32>) -> tensor<?x33xf32> {
  %c0 = arith.constant 0 : index
  %n = tensor.dim %x, %c0 : tensor<?x33xf32>
  %e = tensor.empty(%n) : tensor<?x33xf32>
  %0 = linalg.softmax dimension(1) ins(%x : tensor<?x33xf32>) outs(%e : tensor<?x33xf32>) -> tensor<?x33xf32>
  return %0 : tensor<?x33xf32>
}
