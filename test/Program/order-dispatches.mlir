// RUN: linnet-opt %s --linnet-order-dispatches | FileCheck %s

exec.kernel @grow(%a: tensor<8xf32>) -> tensor<1000xf32> {
  %e = tensor.empty() : tensor<1000xf32>
  %r = tensor.insert_slice %a into %e[0] [8] [1] : tensor<8xf32> into tensor<1000xf32>
  exec.yield %r : tensor<1000xf32>
}
exec.kernel @shrink(%a: tensor<1000xf32>) -> tensor<8xf32> {
  %r = tensor.extract_slice %a[0] [8] [1] : tensor<1000xf32> to tensor<8xf32>
  exec.yield %r : tensor<8xf32>
}
exec.kernel @next(%a: tensor<8xf32>) -> tensor<8xf32> {
  exec.yield %a : tensor<8xf32>
}

// Each large value is consumed before the next one is made; the dead dispatch is gone.
// CHECK-LABEL: func.func @large
// CHECK: exec.dispatch @grow
// CHECK-NEXT: exec.dispatch @shrink
// CHECK-NEXT: exec.dispatch @grow
// CHECK-NEXT: exec.dispatch @shrink
// CHECK-NEXT: return
func.func @large(%x: tensor<8xf32>, %y: tensor<8xf32>) -> (tensor<8xf32>, tensor<8xf32>) {
  %a = exec.dispatch @grow ins(%x : tensor<8xf32>) -> (tensor<1000xf32>)
  %b = exec.dispatch @grow ins(%y : tensor<8xf32>) -> (tensor<1000xf32>)
  %dead = exec.dispatch @grow ins(%y : tensor<8xf32>) -> (tensor<1000xf32>)
  %c = exec.dispatch @shrink ins(%a : tensor<1000xf32>) -> (tensor<8xf32>)
  %d = exec.dispatch @shrink ins(%b : tensor<1000xf32>) -> (tensor<8xf32>)
  return %c, %d : tensor<8xf32>, tensor<8xf32>
}

// The next state is computed behind the last reader of the present one.
// CHECK-LABEL: func.func @state
// CHECK: exec.dispatch @grow
// CHECK: exec.dispatch @next
func.func @state(%s: tensor<8xf32> {linnet.state = "s"}) -> (tensor<8xf32> {linnet.state = "s"}, tensor<1000xf32>) {
  %a = exec.dispatch @next ins(%s : tensor<8xf32>) -> (tensor<8xf32>)
  %b = exec.dispatch @grow ins(%s : tensor<8xf32>) -> (tensor<1000xf32>)
  return %a, %b : tensor<8xf32>, tensor<1000xf32>
}
