// RUN: linnet-kernels %s --target=cuda --emit=text | FileCheck %s
// RUN: linnet-kernels %s --target=cuda --print | FileCheck %s --check-prefix=TABLES
// RUN: linnet-kernels %s --target=vulkan --print | FileCheck %s --check-prefix=SMALL

// A state of 64 KiB: the launch gives the workgroup its memory, from which the code asks for none, and
// all that a block needs lies there. Vulkan has no such memory, the state is in scratch.
// CHECK-NOT: .shared .align
// CHECK: .extern .shared .align 16 .b8 large_workgroup[];
// CHECK-NOT: .shared .align
// CHECK: .entry large(
// CHECK: large_workgroup
// CHECK-NOT: .shared .align
// TABLES: gpu.func @large
// TABLES-SAME: memref<16384xf32, #gpu.address_space<workgroup>>
// SMALL: gpu.func @large
// SMALL-NOT: memref<16384xf32, #gpu.address_space<workgroup>>
exec.kernel @large(%q: tensor<1x2x64x128xf32>, %k: tensor<1x2x64x128xf32>, %v: tensor<1x2x64x128xf32>, %do: tensor<1x2x64x128xf32>)
    -> (tensor<1x2x64x128xf32>, tensor<1x2x64x128xf32>, tensor<1x2x64x128xf32>) {
  %d:3 = linnet.linear_attention_grad %q, %k, %v grad(%do) per_head
      : tensor<1x2x64x128xf32>, tensor<1x2x64x128xf32>, tensor<1x2x64x128xf32>, tensor<1x2x64x128xf32>
      -> tensor<1x2x64x128xf32>, tensor<1x2x64x128xf32>, tensor<1x2x64x128xf32>
  exec.yield %d#0, %d#1, %d#2 : tensor<1x2x64x128xf32>, tensor<1x2x64x128xf32>, tensor<1x2x64x128xf32>
}
