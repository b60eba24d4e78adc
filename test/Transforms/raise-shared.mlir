// RUN: linnet-opt %s --linnet-raise | FileCheck %s

// Sums of products that share values look like rotations until the channels are compared. Comparing the
// values first takes time that doubles with every step.
// CHECK-LABEL: func.func @powers
// CHECK-COUNT-24: arith.addf
// CHECK-NOT: linnet.
func.func @powers(%x0: tensor<4x8xf32>, %s: tensor<4x8xf32>) -> tensor<4x8xf32> {
  %a0 = arith.mulf %x0, %s : tensor<4x8xf32>
  %b0 = arith.mulf %x0, %x0 : tensor<4x8xf32>
  %x1 = arith.addf %a0, %b0 : tensor<4x8xf32>
  %a1 = arith.mulf %x1, %s : tensor<4x8xf32>
  %b1 = arith.mulf %x1, %x1 : tensor<4x8xf32>
  %x2 = arith.addf %a1, %b1 : tensor<4x8xf32>
  %a2 = arith.mulf %x2, %s : tensor<4x8xf32>
  %b2 = arith.mulf %x2, %x2 : tensor<4x8xf32>
  %x3 = arith.addf %a2, %b2 : tensor<4x8xf32>
  %a3 = arith.mulf %x3, %s : tensor<4x8xf32>
  %b3 = arith.mulf %x3, %x3 : tensor<4x8xf32>
  %x4 = arith.addf %a3, %b3 : tensor<4x8xf32>
  %a4 = arith.mulf %x4, %s : tensor<4x8xf32>
  %b4 = arith.mulf %x4, %x4 : tensor<4x8xf32>
  %x5 = arith.addf %a4, %b4 : tensor<4x8xf32>
  %a5 = arith.mulf %x5, %s : tensor<4x8xf32>
  %b5 = arith.mulf %x5, %x5 : tensor<4x8xf32>
  %x6 = arith.addf %a5, %b5 : tensor<4x8xf32>
  %a6 = arith.mulf %x6, %s : tensor<4x8xf32>
  %b6 = arith.mulf %x6, %x6 : tensor<4x8xf32>
  %x7 = arith.addf %a6, %b6 : tensor<4x8xf32>
  %a7 = arith.mulf %x7, %s : tensor<4x8xf32>
  %b7 = arith.mulf %x7, %x7 : tensor<4x8xf32>
  %x8 = arith.addf %a7, %b7 : tensor<4x8xf32>
  %a8 = arith.mulf %x8, %s : tensor<4x8xf32>
  %b8 = arith.mulf %x8, %x8 : tensor<4x8xf32>
  %x9 = arith.addf %a8, %b8 : tensor<4x8xf32>
  %a9 = arith.mulf %x9, %s : tensor<4x8xf32>
  %b9 = arith.mulf %x9, %x9 : tensor<4x8xf32>
  %x10 = arith.addf %a9, %b9 : tensor<4x8xf32>
  %a10 = arith.mulf %x10, %s : tensor<4x8xf32>
  %b10 = arith.mulf %x10, %x10 : tensor<4x8xf32>
  %x11 = arith.addf %a10, %b10 : tensor<4x8xf32>
  %a11 = arith.mulf %x11, %s : tensor<4x8xf32>
  %b11 = arith.mulf %x11, %x11 : tensor<4x8xf32>
  %x12 = arith.addf %a11, %b11 : tensor<4x8xf32>
  %a12 = arith.mulf %x12, %s : tensor<4x8xf32>
  %b12 = arith.mulf %x12, %x12 : tensor<4x8xf32>
  %x13 = arith.addf %a12, %b12 : tensor<4x8xf32>
  %a13 = arith.mulf %x13, %s : tensor<4x8xf32>
  %b13 = arith.mulf %x13, %x13 : tensor<4x8xf32>
  %x14 = arith.addf %a13, %b13 : tensor<4x8xf32>
  %a14 = arith.mulf %x14, %s : tensor<4x8xf32>
  %b14 = arith.mulf %x14, %x14 : tensor<4x8xf32>
  %x15 = arith.addf %a14, %b14 : tensor<4x8xf32>
  %a15 = arith.mulf %x15, %s : tensor<4x8xf32>
  %b15 = arith.mulf %x15, %x15 : tensor<4x8xf32>
  %x16 = arith.addf %a15, %b15 : tensor<4x8xf32>
  %a16 = arith.mulf %x16, %s : tensor<4x8xf32>
  %b16 = arith.mulf %x16, %x16 : tensor<4x8xf32>
  %x17 = arith.addf %a16, %b16 : tensor<4x8xf32>
  %a17 = arith.mulf %x17, %s : tensor<4x8xf32>
  %b17 = arith.mulf %x17, %x17 : tensor<4x8xf32>
  %x18 = arith.addf %a17, %b17 : tensor<4x8xf32>
  %a18 = arith.mulf %x18, %s : tensor<4x8xf32>
  %b18 = arith.mulf %x18, %x18 : tensor<4x8xf32>
  %x19 = arith.addf %a18, %b18 : tensor<4x8xf32>
  %a19 = arith.mulf %x19, %s : tensor<4x8xf32>
  %b19 = arith.mulf %x19, %x19 : tensor<4x8xf32>
  %x20 = arith.addf %a19, %b19 : tensor<4x8xf32>
  %a20 = arith.mulf %x20, %s : tensor<4x8xf32>
  %b20 = arith.mulf %x20, %x20 : tensor<4x8xf32>
  %x21 = arith.addf %a20, %b20 : tensor<4x8xf32>
  %a21 = arith.mulf %x21, %s : tensor<4x8xf32>
  %b21 = arith.mulf %x21, %x21 : tensor<4x8xf32>
  %x22 = arith.addf %a21, %b21 : tensor<4x8xf32>
  %a22 = arith.mulf %x22, %s : tensor<4x8xf32>
  %b22 = arith.mulf %x22, %x22 : tensor<4x8xf32>
  %x23 = arith.addf %a22, %b22 : tensor<4x8xf32>
  %a23 = arith.mulf %x23, %s : tensor<4x8xf32>
  %b23 = arith.mulf %x23, %x23 : tensor<4x8xf32>
  %x24 = arith.addf %a23, %b23 : tensor<4x8xf32>
  return %x24 : tensor<4x8xf32>
}
