// RUN: linnet-kernels %s --target=vulkan --print-launch | FileCheck %s --check-prefix=LAUNCH
// RUN: linnet-kernels %s --target=vulkan --print | FileCheck %s

// Positions of all images are columns; the window's taps are gathered with bounds checks. Many tiles.
// LAUNCH-LABEL: exec.kernel @many
// LAUNCH-SAME: columns = 128 : i64, depth = 16 : i64, emitter = "conv", rows = 64 : i64
// LAUNCH-SAME: threads = 256
// CHECK-LABEL: gpu.func @many
// CHECK: scf.for
// CHECK: gpu.barrier
// CHECK: arith.cmpi ult
// CHECK: memref.load
// CHECK: gpu.barrier
// CHECK: math.fma
exec.kernel @many(%x: tensor<8x32x56x56xf32>, %w: tensor<64x32x3x3xf32>) -> tensor<8x64x56x56xf32> {
  %y = linnet.conv %x, %w padding [1, 1, 1, 1]
      : tensor<8x32x56x56xf32>, tensor<64x32x3x3xf32> -> tensor<8x64x56x56xf32>
  exec.yield %y : tensor<8x64x56x56xf32>
}

// Few tiles and a long sum: slices of a workgroup share it.
// LAUNCH-LABEL: exec.kernel @deep
// LAUNCH-SAME: slices = 4
exec.kernel @deep(%x: tensor<1x512x7x7xf32>, %w: tensor<512x512x3x3xf32>) -> tensor<1x512x7x7xf32> {
  %y = linnet.conv %x, %w padding [1, 1, 1, 1]
      : tensor<1x512x7x7xf32>, tensor<512x512x3x3xf32> -> tensor<1x512x7x7xf32>
  exec.yield %y : tensor<1x512x7x7xf32>
}

// What is inside for sure is not checked: the only comparisons are with the ends of tiles.
// LAUNCH-LABEL: exec.kernel @inside
// CHECK-LABEL: gpu.func @inside
// CHECK-NOT: arith.cmpi ult
// CHECK: gpu.return
exec.kernel @inside(%x: tensor<2x32x8x8xf32>, %w: tensor<64x32x3x3xf32>) -> tensor<2x64x6x6xf32> {
  %y = linnet.conv %x, %w : tensor<2x32x8x8xf32>, tensor<64x32x3x3xf32> -> tensor<2x64x6x6xf32>
  exec.yield %y : tensor<2x64x6x6xf32>
}

// Single channels: pieces of eight small planes in a workgroup's memory.
// LAUNCH-LABEL: exec.kernel @depthwise
// LAUNCH-SAME: planes = 8 : i64
// CHECK-LABEL: gpu.func @depthwise
// CHECK-SAME: workgroup(
// CHECK: gpu.barrier
// CHECK-NOT: gpu.barrier
// CHECK: gpu.return
exec.kernel @depthwise(%x: tensor<8x96x7x7xf32>, %w: tensor<96x1x3x3xf32>) -> tensor<8x96x7x7xf32> {
  %y = linnet.conv %x, %w groups 96 padding [1, 1, 1, 1]
      : tensor<8x96x7x7xf32>, tensor<96x1x3x3xf32> -> tensor<8x96x7x7xf32>
  exec.yield %y : tensor<8x96x7x7xf32>
}

// No atomics: positions are summed in order.
// LAUNCH-LABEL: exec.kernel @filter_grad
// LAUNCH-SAME: emitter = "conv_filter_grad"
// LAUNCH-SAME: slices = 4
// CHECK-LABEL: gpu.func @filter_grad
// CHECK-NOT: atomic_rmw addf
// CHECK: gpu.return
exec.kernel @filter_grad(%x: tensor<4x16x28x28xf32>, %g: tensor<4x32x28x28xf32>) -> tensor<32x16x3x3xf32> {
  %y = linnet.conv_filter_grad %x, %g padding [1, 1, 1, 1]
      : tensor<4x16x28x28xf32>, tensor<4x32x28x28xf32> -> tensor<32x16x3x3xf32>
  exec.yield %y : tensor<32x16x3x3xf32>
}
