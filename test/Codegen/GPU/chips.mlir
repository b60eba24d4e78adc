// A bundle for several chips has one launch of a kernel: its strategy is that for the chip with the least
// workgroup memory, in whatever order chips are named.
// RUN: linnet-compile %s --target=cuda --chip=sm_90,sm_86,sm_80 --compile-to=dispatches | FileCheck %s
// RUN: linnet-compile %s --target=cuda --chip=sm_90 --compile-to=dispatches | FileCheck %s --check-prefix=ALONE
// CHECK: strategy = {{.*}}memory = 101376
// ALONE: strategy = {{.*}}memory = 232448

// Code that goes by it asks on every chip for the memory that the launch gives.
// RUN: linnet-compile %s --target=cuda --chip=sm_86 --compile-to=dispatches -o %t.mlir
// RUN: linnet-opt %t.mlir --linnet-emit-gpu-kernels="target=cuda chip=sm_86" | grep -o "memref<[0-9]*x[fi]32, #gpu.address_space<workgroup>>" > %t.86
// RUN: linnet-opt %t.mlir --linnet-emit-gpu-kernels="target=cuda chip=sm_90" | grep -o "memref<[0-9]*x[fi]32, #gpu.address_space<workgroup>>" > %t.90
// RUN: test -s %t.86 && cmp %t.86 %t.90
func.func @main(%q: tensor<1x2x64x128xf32>, %k: tensor<1x2x64x128xf32>, %v: tensor<1x2x64x128xf32>, %do: tensor<1x2x64x128xf32>)
    -> (tensor<1x2x64x128xf32>, tensor<1x2x64x128xf32>, tensor<1x2x64x128xf32>) {
  %d:3 = linnet.linear_attention_grad %q, %k, %v grad(%do) per_head
      : tensor<1x2x64x128xf32>, tensor<1x2x64x128xf32>, tensor<1x2x64x128xf32>, tensor<1x2x64x128xf32>
      -> tensor<1x2x64x128xf32>, tensor<1x2x64x128xf32>, tensor<1x2x64x128xf32>
  return %d#0, %d#1, %d#2 : tensor<1x2x64x128xf32>, tensor<1x2x64x128xf32>, tensor<1x2x64x128xf32>
}
