// RUN: linnet-kernels %s --target=vulkan --print-launch | FileCheck %s --check-prefix=LAUNCH
// RUN: linnet-kernels %s --target=vulkan --print | FileCheck %s
// RUN: linnet-kernels %s --target=cuda --print-launch | FileCheck %s --check-prefix=CUDA

// Drivers may end loops early: at its end a kernel makes a loop of two turns, which no compiler knows to be two.
// CUDA-NOT: faults

// LAUNCH-LABEL: exec.kernel @sum
// LAUNCH-SAME: fault_sites = [{message = "the driver ended loops early
// LAUNCH-SAME: faults = 1
// LAUNCH: ^bb0(%{{.*}}: index, %{{.*}}: index, %{{.*}}: index):
// CHECK-LABEL: gpu.func @sum
// CHECK: %[[MADE:.*]] = scf.for {{.*}} to %[[TWO:.*]] step {{.*}} -> (index)
// CHECK: arith.cmpi slt, %[[MADE]], %[[TWO]]
// CHECK: memref.atomic_rmw minu
exec.kernel @sum(%x: tensor<?x?xf32>) -> tensor<?xf32> {
  %c0 = arith.constant 0 : index
  %n = tensor.dim %x, %c0 : tensor<?x?xf32>
  %zero = arith.constant 0.0 : f32
  %empty = tensor.empty(%n) : tensor<?xf32>
  %init = linalg.fill ins(%zero : f32) outs(%empty : tensor<?xf32>) -> tensor<?xf32>
  %r = linalg.generic {indexing_maps = [affine_map<(i, j) -> (i, j)>, affine_map<(i, j) -> (i)>],
      iterator_types = ["parallel", "reduction"]} ins(%x : tensor<?x?xf32>) outs(%init : tensor<?xf32>) {
  ^bb0(%a: f32, %s: f32):
    %t = arith.addf %s, %a : f32
    linalg.yield %t : f32
  } -> tensor<?xf32>
  exec.yield %r : tensor<?xf32>
}

// Elementwise kernels have no loops, and few elements no long ones.
// LAUNCH-LABEL: exec.kernel @double
// LAUNCH-NOT: faults
exec.kernel @double(%x: tensor<?xf32>) -> tensor<?xf32> {
  %c0 = arith.constant 0 : index
  %n = tensor.dim %x, %c0 : tensor<?xf32>
  %empty = tensor.empty(%n) : tensor<?xf32>
  %r = linalg.generic {indexing_maps = [affine_map<(i) -> (i)>, affine_map<(i) -> (i)>],
      iterator_types = ["parallel"]} ins(%x : tensor<?xf32>) outs(%empty : tensor<?xf32>) {
  ^bb0(%a: f32, %s: f32):
    %t = arith.addf %a, %a : f32
    linalg.yield %t : f32
  } -> tensor<?xf32>
  exec.yield %r : tensor<?xf32>
}

// LAUNCH-LABEL: exec.kernel @small
// LAUNCH-NOT: faults
exec.kernel @small(%x: tensor<1x1x16x8xf32>) -> tensor<1x1x16x8xf32> {
  %r = linnet.linear_attention %x, %x, %x : tensor<1x1x16x8xf32>, tensor<1x1x16x8xf32>, tensor<1x1x16x8xf32>
      -> tensor<1x1x16x8xf32>
  exec.yield %r : tensor<1x1x16x8xf32>
}
