// RUN: linnet-kernels %s --target=vulkan --print-launch | FileCheck %s --check-prefix=LAUNCH
// RUN: linnet-kernels %s --target=vulkan --print | FileCheck %s

// A thread makes four elements of one counter.
// LAUNCH-LABEL: exec.kernel @numbers
// LAUNCH-SAME: emitter = "random", threads = 256
// CHECK-LABEL: gpu.func @numbers
// CHECK-COUNT-20: arith.mului_extended {{.*}} : i32
// CHECK-NOT: arith.mului_extended
// CHECK: vector.store {{.*}} : memref<?xf32>, vector<4xf32>
exec.kernel @numbers(%key: i64, %counter: i64, %n: index) -> tensor<?xf32> {
  %r = linnet.random %key, %counter sizes(%n) : i64, i64 -> tensor<?xf32>
  exec.yield %r : tensor<?xf32>
}

// LAUNCH-LABEL: exec.kernel @drop
// LAUNCH-SAME: emitter = "dropout", threads = 256
// CHECK-LABEL: gpu.func @drop
// CHECK-COUNT-20: arith.mului_extended {{.*}} : i32
// CHECK-NOT: arith.mului_extended
// CHECK: vector.load {{.*}} : memref<?xf32>, vector<4xf32>
// CHECK: arith.cmpi sge
// CHECK: vector.store {{.*}} : memref<?xf32>, vector<4xf32>
exec.kernel @drop(%x: tensor<?x64xf32>, %key: tensor<i64>, %counter: i64) -> tensor<?x64xf32> {
  %y = linnet.dropout %x, %key, %counter rate 0.25 : tensor<?x64xf32>, tensor<i64>, i64
  exec.yield %y : tensor<?x64xf32>
}
