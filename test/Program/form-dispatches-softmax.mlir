// RUN: linnet-opt %s --linnet-lower-to-structured --linnet-form-dispatches | FileCheck %s

// The parts of a softmax share their rows: one dispatch.
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
