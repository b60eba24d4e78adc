// RUN: linnet-opt %s | linnet-opt | FileCheck %s
// RUN: linnet-opt %s --mlir-print-op-generic | linnet-opt | FileCheck %s

// CHECK-LABEL: exec.kernel @scale(%{{.*}}: tensor<?x64xf32>, %{{.*}}: f32) -> tensor<?x64xf32>
// CHECK: launch
// CHECK: exec.launch chunks(%{{.*}}) scratch(%{{.*}}) flops(%{{.*}}) bytes(%{{.*}})
exec.kernel @scale(%a: tensor<?x64xf32>, %s: f32) -> tensor<?x64xf32> attributes {strategy = {kind = "loops"}} {
  exec.yield %a : tensor<?x64xf32>
} launch {
^bb0(%n: index, %bits: index, %m: index):
  %c0 = arith.constant 0 : index
  exec.launch chunks(%n) scratch(%c0) flops(%c0) bytes(%c0)
}

// CHECK-LABEL: func.func @graph
func.func @graph(%a: tensor<?x64xf32>, %s: f32, %n: index) -> tensor<?x64xf32> {
  // CHECK: exec.dispatch ins(%{{.*}} = %{{.*}} : tensor<?x64xf32>) tied [0] -> (tensor<?x64xf32>) {
  %0 = exec.dispatch ins(%x = %a : tensor<?x64xf32>) tied [0] -> (tensor<?x64xf32>) {
    exec.yield %x : tensor<?x64xf32>
  }
  // CHECK: exec.dispatch @scale ins(%{{.*}}, %{{.*}} : tensor<?x64xf32>, f32) sizes(%{{.*}}) -> (tensor<?x64xf32>)
  %1 = exec.dispatch @scale ins(%0, %s : tensor<?x64xf32>, f32) sizes(%n) -> (tensor<?x64xf32>)
  return %1 : tensor<?x64xf32>
}

// CHECK-LABEL: exec.program @list
exec.program @list attributes {symbols = [{name = "N"}], arguments = [], results = [], result_alias = array<i64>} {
^bb0(%n: index):
  %c64 = arith.constant 64 : index
  %size = arith.muli %n, %c64 : index
  // CHECK: exec.ref argument 0
  %a = exec.ref argument 0
  // CHECK: exec.ref constant @w
  %w = exec.ref constant @w
  // CHECK: exec.ref arena size(%{{.*}}) at 0 max 4096
  %t = exec.ref arena size(%size) at 0 max 4096
  %v = exec.view %t at %n
  %x = exec.load %a[0] : i64
  exec.store %x to %v[1] : i64
  // CHECK: exec.run @scale(%{{.*}}, %{{.*}}) [%{{.*}}, %{{.*}} : index, i64] chunks %{{.*}} scratch %{{.*}}
  exec.run @scale(%a, %t) [%n, %x : index, i64] chunks %n scratch %c64
  exec.run @scale() [] chunks %n scratch %c64
  exec.copy %t to %v bytes %size
  exec.fill %t with %x : i64 bytes %size
  %some = arith.cmpi sgt, %n, %c64 : index
  // CHECK: exec.check %{{.*}}, "expects more than 64"
  exec.check %some, "expects more than 64"
  // CHECK: exec.check %{{.*}}, "a slice beyond its tensor" {op = "tensor.extract_slice"}
  exec.check %some, "a slice beyond its tensor" {op = "tensor.extract_slice"}
  exec.return %n
}
