// RUN: linnet-opt %s --linnet-raise --split-input-file | FileCheck %s
// RUN: linnet-opt %s --linnet-raise=explain --split-input-file 2>&1 >/dev/null | FileCheck %s --check-prefix=REMARK

// Dynamic batch and rows, and frequencies times positions: the table is made once per row.
// CHECK-LABEL: func.func @llama
// CHECK: linnet.rotary %arg0 tables(%{{.*}}, %{{.*}} : tensor<?x?x4xf32>) : tensor<?x2x?x8xf32>
// CHECK-NOT: tensor.concat
func.func @llama(%x: tensor<?x2x?x8xf32>, %angle: tensor<?x?x4xf32>) -> tensor<?x2x?x8xf32> {
  %c0 = arith.constant 0 : index
  %c2 = arith.constant 2 : index
  %b = tensor.dim %x, %c0 : tensor<?x2x?x8xf32>
  %n = tensor.dim %x, %c2 : tensor<?x2x?x8xf32>
  %e = tensor.concat dim(2) %angle, %angle : (tensor<?x?x4xf32>, tensor<?x?x4xf32>) -> tensor<?x?x8xf32>
  %c = math.cos %e : tensor<?x?x8xf32>
  %s = math.sin %e : tensor<?x?x8xf32>
  %cb = linnet.broadcast %c like %x dims [0, 2, 3] : tensor<?x?x8xf32>, tensor<?x2x?x8xf32> -> tensor<?x2x?x8xf32>
  %sb = linnet.broadcast %s like %x dims [0, 2, 3] : tensor<?x?x8xf32>, tensor<?x2x?x8xf32> -> tensor<?x2x?x8xf32>
  %lo = tensor.extract_slice %x[0, 0, 0, 0] [%b, 2, %n, 4] [1, 1, 1, 1] : tensor<?x2x?x8xf32> to tensor<?x2x?x4xf32>
  %hi = tensor.extract_slice %x[0, 0, 0, 4] [%b, 2, %n, 4] [1, 1, 1, 1] : tensor<?x2x?x8xf32> to tensor<?x2x?x4xf32>
  %m = arith.negf %hi : tensor<?x2x?x4xf32>
  %r = tensor.concat dim(3) %m, %lo : (tensor<?x2x?x4xf32>, tensor<?x2x?x4xf32>) -> tensor<?x2x?x8xf32>
  %p = arith.mulf %x, %cb : tensor<?x2x?x8xf32>
  %q = arith.mulf %r, %sb : tensor<?x2x?x8xf32>
  %y = arith.addf %p, %q : tensor<?x2x?x8xf32>
  return %y : tensor<?x2x?x8xf32>
}

// -----

// Tables of which nothing is known may differ between the channels of a pair.
// REMARK: remark: rotary, almost: the two channels of a pair are not known to have the same cosine and sine
// CHECK-LABEL: func.func @full_tables
// CHECK-NOT: linnet.rotary
func.func @full_tables(%x: tensor<3x8xf32>, %c: tensor<3x8xf32>, %s: tensor<3x8xf32>) -> tensor<3x8xf32> {
  %lo = tensor.extract_slice %x[0, 0] [3, 4] [1, 1] : tensor<3x8xf32> to tensor<3x4xf32>
  %hi = tensor.extract_slice %x[0, 4] [3, 4] [1, 1] : tensor<3x8xf32> to tensor<3x4xf32>
  %m = arith.negf %hi : tensor<3x4xf32>
  %r = tensor.concat dim(1) %m, %lo : (tensor<3x4xf32>, tensor<3x4xf32>) -> tensor<3x8xf32>
  %p = arith.mulf %x, %c : tensor<3x8xf32>
  %q = arith.mulf %r, %s : tensor<3x8xf32>
  %y = arith.addf %p, %q : tensor<3x8xf32>
  return %y : tensor<3x8xf32>
}

// -----

// REMARK: remark: rotary, almost: the signs are not those of a rotation
// CHECK-LABEL: func.func @signs
// CHECK-NOT: linnet.rotary
func.func @signs(%x: tensor<3x8xf32>, %c: tensor<3x4xf32>, %s: tensor<3x4xf32>) -> tensor<3x8xf32> {
  %cc = tensor.concat dim(1) %c, %c : (tensor<3x4xf32>, tensor<3x4xf32>) -> tensor<3x8xf32>
  %ss = tensor.concat dim(1) %s, %s : (tensor<3x4xf32>, tensor<3x4xf32>) -> tensor<3x8xf32>
  %lo = tensor.extract_slice %x[0, 0] [3, 4] [1, 1] : tensor<3x8xf32> to tensor<3x4xf32>
  %hi = tensor.extract_slice %x[0, 4] [3, 4] [1, 1] : tensor<3x8xf32> to tensor<3x4xf32>
  %m = arith.negf %lo : tensor<3x4xf32>
  %r = tensor.concat dim(1) %hi, %m : (tensor<3x4xf32>, tensor<3x4xf32>) -> tensor<3x8xf32>
  %p = arith.mulf %x, %cc : tensor<3x8xf32>
  %q = arith.mulf %r, %ss : tensor<3x8xf32>
  %y = arith.addf %p, %q : tensor<3x8xf32>
  return %y : tensor<3x8xf32>
}
