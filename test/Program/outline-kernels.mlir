// RUN: linnet-opt %s --linnet-form-dispatches --linnet-outline-kernels | FileCheck %s
// RUN: linnet-opt %s --linnet-form-dispatches --linnet-outline-kernels | linnet-opt | FileCheck %s

// Two equal products share one kernel, a third of another shape does not.
// CHECK-LABEL: func.func @three
// CHECK: exec.dispatch @contraction_4x4_f32_0
// CHECK: exec.dispatch @contraction_4x4_f32_0
// CHECK: exec.dispatch @contraction_4x5_f32_1
// CHECK: exec.kernel @contraction_4x4_f32_0
// CHECK: exec.kernel @contraction_4x5_f32_1
// CHECK-NOT: exec.kernel
func.func @three(%a: tensor<4x4xf32>, %b: tensor<4x4xf32>, %c: tensor<4x5xf32>) -> tensor<4x5xf32> {
  %zero = arith.constant 0.0 : f32
  %e = tensor.empty() : tensor<4x4xf32>
  %f = linalg.fill ins(%zero : f32) outs(%e : tensor<4x4xf32>) -> tensor<4x4xf32>
  %0 = linalg.matmul ins(%a, %b : tensor<4x4xf32>, tensor<4x4xf32>) outs(%f : tensor<4x4xf32>) -> tensor<4x4xf32>
  %1 = linalg.matmul ins(%0, %b : tensor<4x4xf32>, tensor<4x4xf32>) outs(%f : tensor<4x4xf32>) -> tensor<4x4xf32>
  %e2 = tensor.empty() : tensor<4x5xf32>
  %f2 = linalg.fill ins(%zero : f32) outs(%e2 : tensor<4x5xf32>) -> tensor<4x5xf32>
  %2 = linalg.matmul ins(%1, %c : tensor<4x4xf32>, tensor<4x5xf32>) outs(%f2 : tensor<4x5xf32>) -> tensor<4x5xf32>
  return %2 : tensor<4x5xf32>
}
