// RUN: linnet-kernels %s --target=vulkan --print-launch | FileCheck %s --check-prefix=LAUNCH
// RUN: linnet-kernels %s --target=vulkan --print | FileCheck %s

// Windows that overlap share what they see.
// LAUNCH-LABEL: exec.kernel @overlapping
// LAUNCH-SAME: planes = 1 : i64, rows = 16 : i64
// CHECK-LABEL: gpu.func @overlapping
// CHECK-SAME: workgroup(
// CHECK: gpu.barrier
exec.kernel @overlapping(%x: tensor<2x8x56x56xf32>) -> tensor<2x8x28x28xf32> {
  %y = linnet.max_pool %x kernel [3, 3] strides [2, 2] padding [1, 1, 1, 1]
      : tensor<2x8x56x56xf32> -> tensor<2x8x28x28xf32>
  exec.yield %y : tensor<2x8x28x28xf32>
}

// A window larger than what a workgroup keeps: all of its threads go through it.
// LAUNCH-LABEL: exec.kernel @large
// LAUNCH-SAME: team = 128 : i64
// CHECK-LABEL: gpu.func @large
// CHECK: gpu.shuffle
exec.kernel @large(%x: tensor<2x8x56x56xf32>) -> tensor<2x8x1x1xf32> {
  %y = linnet.avg_pool %x kernel [56, 56] : tensor<2x8x56x56xf32> -> tensor<2x8x1x1xf32>
  exec.yield %y : tensor<2x8x1x1xf32>
}

// Maxima's positions in workgroup memory, then every element collects: no atomics.
// LAUNCH-LABEL: exec.kernel @gradient
// LAUNCH: %[[ZERO:.*]] = arith.constant 0 : index
// CHECK-LABEL: gpu.func @gradient
// CHECK-SAME: workgroup({{.*}}xi32
// CHECK: gpu.barrier
// CHECK-NOT: atomic_rmw addf
// CHECK: gpu.return
exec.kernel @gradient(%g: tensor<2x8x28x28xf32>, %x: tensor<2x8x56x56xf32>) -> tensor<2x8x56x56xf32> {
  %y = linnet.max_pool_grad %g, %x kernel [3, 3] strides [2, 2] padding [1, 1, 1, 1]
      : tensor<2x8x28x28xf32>, tensor<2x8x56x56xf32>
  exec.yield %y : tensor<2x8x56x56xf32>
}

// The gradient of windows as large as the plane: positions lie in scratch.
// LAUNCH-LABEL: exec.kernel @plane
// LAUNCH-SAME: planes = 0 : i64
exec.kernel @plane(%g: tensor<2x8x40x40xf32>, %x: tensor<2x8x120x120xf32>) -> tensor<2x8x120x120xf32> {
  %y = linnet.max_pool_grad %g, %x kernel [81, 81]
      : tensor<2x8x40x40xf32>, tensor<2x8x120x120xf32>
  exec.yield %y : tensor<2x8x120x120xf32>
}

// Rows and columns of a tile read by tables that serve all of its planes.
// LAUNCH-LABEL: exec.kernel @resize
// LAUNCH-SAME: planes = 4 : i64
// CHECK-LABEL: gpu.func @resize
// CHECK-SAME: workgroup(
// CHECK: gpu.barrier
exec.kernel @resize(%x: tensor<8x64x28x28xf32>) -> tensor<8x64x56x56xf32> {
  %y = linnet.resize linear half_pixel %x : tensor<8x64x28x28xf32> -> tensor<8x64x56x56xf32>
  exec.yield %y : tensor<8x64x56x56xf32>
}
