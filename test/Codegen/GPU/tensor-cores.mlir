// Products of bf16 by mma.sync: where it is asked for, on CUDA, on sizes that are whole tiles.
// RUN: split-file %s %t
// RUN: linnet-compile %t/model.mlir --target=cuda --tensor-cores --compile-to=dispatches -o - | FileCheck %s
// RUN: linnet-compile %t/model.mlir --target=cuda --compile-to=dispatches -o - | FileCheck %s --check-prefix=NONE
// RUN: linnet-compile %t/model.mlir --emit=ptx --tensor-cores --chip=sm_90 | FileCheck %s --check-prefix=PTX
// RUN: linnet-kernels %t/vulkan.mlir --target=vulkan --print-launch | FileCheck %s --check-prefix=NONE
// RUN: sh -c 'linnet-compile %t/model.mlir --tensor-cores --target=vulkan -o %t/o.lnb 2>%t/err; test $? = 1'
// RUN: FileCheck %s --check-prefix=USAGE < %t/err

// NONE: strategy
// NONE-NOT: mma
// USAGE: --tensor-cores is for --target=cuda

// CHECK: exec.kernel @contraction_256x128_bf16
// CHECK-SAME: mma = 1
// CHECK: exec.kernel @contraction_2x128x128_f32
// CHECK-SAME: mma = 1
// 250 rows, sums of 40, an operand in f32
// CHECK: exec.kernel @contraction_250x128
// CHECK-NOT: mma
// PTX: .entry contraction_256x128_bf16
// PTX: mma.sync.aligned.m16n8k16.row.col.f32.bf16.bf16.f32

//--- model.mlir
func.func @main(%a: tensor<256x64xbf16>, %b: tensor<64x128xbf16>, %c: tensor<2x128x32xbf16>, %d: tensor<250x64xbf16>, %e: tensor<128x40xbf16>, %f: tensor<128x64xf32>)
    -> (tensor<256x128xbf16>, tensor<2x128x128xf32>, tensor<250x128xbf16>, tensor<128x128xbf16>, tensor<128x128xf32>) {
  %plain = linnet.einsum "mk,kn->mn" %a, %b : tensor<256x64xbf16>, tensor<64x128xbf16> -> tensor<256x128xbf16>
  %batch = linnet.einsum "zmk,znk->zmn" %c, %c : tensor<2x128x32xbf16>, tensor<2x128x32xbf16> -> tensor<2x128x128xf32>
  %rows = linnet.einsum "mk,kn->mn" %d, %b : tensor<250x64xbf16>, tensor<64x128xbf16> -> tensor<250x128xbf16>
  %short = linnet.einsum "mk,nk->mn" %e, %e : tensor<128x40xbf16>, tensor<128x40xbf16> -> tensor<128x128xbf16>
  %float = linnet.einsum "mk,nk->mn" %f, %f : tensor<128x64xf32>, tensor<128x64xf32> -> tensor<128x128xf32>
  return %plain, %batch, %rows, %short, %float : tensor<256x128xbf16>, tensor<2x128x128xf32>, tensor<250x128xbf16>, tensor<128x128xbf16>, tensor<128x128xf32>
}
//--- vulkan.mlir
module attributes {linnet.tensor_cores} {
  exec.kernel @product(%a: tensor<256x64xbf16>, %b: tensor<64x128xbf16>) -> tensor<256x128xf32> {
    %zero = arith.constant 0.0 : f32
    %e = tensor.empty() : tensor<256x128xf32>
    %init = linalg.fill ins(%zero : f32) outs(%e : tensor<256x128xf32>) -> tensor<256x128xf32>
    %y = linalg.matmul ins(%a, %b : tensor<256x64xbf16>, tensor<64x128xbf16>) outs(%init : tensor<256x128xf32>) -> tensor<256x128xf32>
    exec.yield %y : tensor<256x128xf32>
  }
}
