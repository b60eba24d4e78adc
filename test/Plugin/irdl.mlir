// An op that only a file defines, and a rule that says what becomes of it.
// RUN: linnet-opt --irdl-file=%S/Inputs/my.irdl.mlir %s --linnet-pdl=%S/Inputs/my.pdll | FileCheck %s
// RUN: linnet-opt --irdl-file=%S/Inputs/my.irdl.mlir %s --linnet-pdl=%S/Inputs/my.pdll | linnet-compile - --cpu=native -o %t.lnb

// CHECK-LABEL: @twice
// CHECK: %[[SUM:.*]] = arith.addf %[[X:.*]], %[[X]]
// CHECK: return %[[SUM]]
func.func @twice(%x: tensor<4xf32>) -> tensor<4xf32> {
  %0 = "my.twice"(%x) : (tensor<4xf32>) -> tensor<4xf32>
  return %0 : tensor<4xf32>
}
