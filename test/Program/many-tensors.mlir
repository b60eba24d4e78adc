// RUN: linnet-compile %s --compile-to=dispatches -o - | FileCheck %s

// A kernel has no more tensors than every Vulkan driver binds: 36 and a result are two dispatches.
// CHECK-LABEL: func.func @sum
// CHECK: %[[PART:.*]] = exec.dispatch @
// CHECK: exec.dispatch @{{.*}} ins(%[[PART]],
// CHECK-NOT: exec.dispatch
// CHECK: return
func.func @sum(%a0: tensor<8xf32>, %a1: tensor<8xf32>, %a2: tensor<8xf32>, %a3: tensor<8xf32>,
    %a4: tensor<8xf32>, %a5: tensor<8xf32>, %a6: tensor<8xf32>, %a7: tensor<8xf32>,
    %a8: tensor<8xf32>, %a9: tensor<8xf32>, %a10: tensor<8xf32>, %a11: tensor<8xf32>,
    %a12: tensor<8xf32>, %a13: tensor<8xf32>, %a14: tensor<8xf32>, %a15: tensor<8xf32>,
    %a16: tensor<8xf32>, %a17: tensor<8xf32>, %a18: tensor<8xf32>, %a19: tensor<8xf32>,
    %a20: tensor<8xf32>, %a21: tensor<8xf32>, %a22: tensor<8xf32>, %a23: tensor<8xf32>,
    %a24: tensor<8xf32>, %a25: tensor<8xf32>, %a26: tensor<8xf32>, %a27: tensor<8xf32>,
    %a28: tensor<8xf32>, %a29: tensor<8xf32>, %a30: tensor<8xf32>, %a31: tensor<8xf32>,
    %a32: tensor<8xf32>, %a33: tensor<8xf32>, %a34: tensor<8xf32>, %a35: tensor<8xf32>) -> tensor<8xf32> {
  %s1 = arith.addf %a0, %a1 : tensor<8xf32>
  %s2 = arith.addf %s1, %a2 : tensor<8xf32>
  %s3 = arith.addf %s2, %a3 : tensor<8xf32>
  %s4 = arith.addf %s3, %a4 : tensor<8xf32>
  %s5 = arith.addf %s4, %a5 : tensor<8xf32>
  %s6 = arith.addf %s5, %a6 : tensor<8xf32>
  %s7 = arith.addf %s6, %a7 : tensor<8xf32>
  %s8 = arith.addf %s7, %a8 : tensor<8xf32>
  %s9 = arith.addf %s8, %a9 : tensor<8xf32>
  %s10 = arith.addf %s9, %a10 : tensor<8xf32>
  %s11 = arith.addf %s10, %a11 : tensor<8xf32>
  %s12 = arith.addf %s11, %a12 : tensor<8xf32>
  %s13 = arith.addf %s12, %a13 : tensor<8xf32>
  %s14 = arith.addf %s13, %a14 : tensor<8xf32>
  %s15 = arith.addf %s14, %a15 : tensor<8xf32>
  %s16 = arith.addf %s15, %a16 : tensor<8xf32>
  %s17 = arith.addf %s16, %a17 : tensor<8xf32>
  %s18 = arith.addf %s17, %a18 : tensor<8xf32>
  %s19 = arith.addf %s18, %a19 : tensor<8xf32>
  %s20 = arith.addf %s19, %a20 : tensor<8xf32>
  %s21 = arith.addf %s20, %a21 : tensor<8xf32>
  %s22 = arith.addf %s21, %a22 : tensor<8xf32>
  %s23 = arith.addf %s22, %a23 : tensor<8xf32>
  %s24 = arith.addf %s23, %a24 : tensor<8xf32>
  %s25 = arith.addf %s24, %a25 : tensor<8xf32>
  %s26 = arith.addf %s25, %a26 : tensor<8xf32>
  %s27 = arith.addf %s26, %a27 : tensor<8xf32>
  %s28 = arith.addf %s27, %a28 : tensor<8xf32>
  %s29 = arith.addf %s28, %a29 : tensor<8xf32>
  %s30 = arith.addf %s29, %a30 : tensor<8xf32>
  %s31 = arith.addf %s30, %a31 : tensor<8xf32>
  %s32 = arith.addf %s31, %a32 : tensor<8xf32>
  %s33 = arith.addf %s32, %a33 : tensor<8xf32>
  %s34 = arith.addf %s33, %a34 : tensor<8xf32>
  %s35 = arith.addf %s34, %a35 : tensor<8xf32>
  return %s35 : tensor<8xf32>
}
