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

// -----

// Tables per channel that hold every number twice are read by pair: constants, resources, globals.
// CHECK-LABEL: func.func @folded_halves
// CHECK-DAG: %[[C:.*]] = arith.constant dense<{{.*}}> : tensor<2x4xf32>
// CHECK: tensor.extract_slice %{{.*}}[0, 0] [2, 2] [1, 1] : tensor<2x4xf32> to tensor<2x2xf32>
// CHECK: linnet.rotary %{{.*}} tables({{.*}} : tensor<2x2xf32>) : tensor<1x1x2x4xf32>
// CHECK-NOT: arith.mulf
// CHECK-LABEL: func.func @folded_pairs
// CHECK: tensor.extract_slice %{{.*}}[0, 0] [2, 2] [1, 2] : tensor<2x4xf32> to tensor<2x2xf32>
// CHECK: linnet.rotary %{{.*}} tables({{.*}}) layout<interleaved> : tensor<1x1x2x4xf32>
// CHECK-NOT: arith.mulf
// One number differs.
// CHECK-LABEL: func.func @nearly
// CHECK-NOT: linnet.rotary
// REMARK: remark: rotary, almost: the two channels of a pair are not known to have the same cosine and sine: the constant that they are read from does not hold every number twice
// REMARK: remark: rotary, almost: the two channels of a pair are not known to have the same cosine and sine: weight @sin is not known to hold every number twice (linnet-compile looks into --weights)
ml_program.global private @cos(dense_resource<table> : tensor<2x4xf32>) : tensor<2x4xf32>
ml_program.global private @sin(#ml_program.extern<tensor<2x4xf32>>) : tensor<2x4xf32>
ml_program.global private @known(#ml_program.extern<tensor<2x4xf32>>) : tensor<2x4xf32> {linnet.repeats = {pairs = array<i64: 1>}}
func.func @folded_halves(%x: tensor<2x4xf32>) -> tensor<2x4xf32> {
  %c = ml_program.global_load_const @cos : tensor<2x4xf32>
  %s = arith.constant dense<[[0.5, 0.25, 0.5, 0.25], [0.75, 0.125, 0.75, 0.125]]> : tensor<2x4xf32>
  %lo = tensor.extract_slice %x[0, 0] [2, 2] [1, 1] : tensor<2x4xf32> to tensor<2x2xf32>
  %hi = tensor.extract_slice %x[0, 2] [2, 2] [1, 1] : tensor<2x4xf32> to tensor<2x2xf32>
  %m = arith.negf %hi : tensor<2x2xf32>
  %r = tensor.concat dim(1) %m, %lo : (tensor<2x2xf32>, tensor<2x2xf32>) -> tensor<2x4xf32>
  %p = arith.mulf %x, %c : tensor<2x4xf32>
  %q = arith.mulf %r, %s : tensor<2x4xf32>
  %y = arith.addf %p, %q : tensor<2x4xf32>
  return %y : tensor<2x4xf32>
}
func.func @folded_pairs(%x: tensor<2x4xf32>) -> tensor<2x4xf32> {
  %c = ml_program.global_load_const @known : tensor<2x4xf32>
  %s = arith.constant dense<[[0.5, 0.5, 0.25, 0.25], [0.75, 0.75, 0.125, 0.125]]> : tensor<2x4xf32>
  %lo = tensor.extract_slice %x[0, 0] [2, 2] [1, 2] : tensor<2x4xf32> to tensor<2x2xf32>
  %hi = tensor.extract_slice %x[0, 1] [2, 2] [1, 2] : tensor<2x4xf32> to tensor<2x2xf32>
  %m = arith.negf %hi : tensor<2x2xf32>
  %me = tensor.expand_shape %m [[0], [1, 2]] output_shape [2, 2, 1] : tensor<2x2xf32> into tensor<2x2x1xf32>
  %le = tensor.expand_shape %lo [[0], [1, 2]] output_shape [2, 2, 1] : tensor<2x2xf32> into tensor<2x2x1xf32>
  %both = tensor.concat dim(2) %me, %le : (tensor<2x2x1xf32>, tensor<2x2x1xf32>) -> tensor<2x2x2xf32>
  %r = tensor.collapse_shape %both [[0], [1, 2]] : tensor<2x2x2xf32> into tensor<2x4xf32>
  %p = arith.mulf %x, %c : tensor<2x4xf32>
  %q = arith.mulf %r, %s : tensor<2x4xf32>
  %y = arith.addf %p, %q : tensor<2x4xf32>
  return %y : tensor<2x4xf32>
}
func.func @nearly(%x: tensor<2x4xf32>) -> tensor<2x4xf32> {
  %c = ml_program.global_load_const @cos : tensor<2x4xf32>
  %s = arith.constant dense<[[0.5, 0.25, 0.5, 0.25], [0.75, 0.125, 0.75, 0.126]]> : tensor<2x4xf32>
  %lo = tensor.extract_slice %x[0, 0] [2, 2] [1, 1] : tensor<2x4xf32> to tensor<2x2xf32>
  %hi = tensor.extract_slice %x[0, 2] [2, 2] [1, 1] : tensor<2x4xf32> to tensor<2x2xf32>
  %m = arith.negf %hi : tensor<2x2xf32>
  %r = tensor.concat dim(1) %m, %lo : (tensor<2x2xf32>, tensor<2x2xf32>) -> tensor<2x4xf32>
  %p = arith.mulf %x, %c : tensor<2x4xf32>
  %q = arith.mulf %r, %s : tensor<2x4xf32>
  %y = arith.addf %p, %q : tensor<2x4xf32>
  return %y : tensor<2x4xf32>
}
func.func @unknown(%x: tensor<2x4xf32>) -> tensor<2x4xf32> {
  %c = ml_program.global_load_const @cos : tensor<2x4xf32>
  %s = ml_program.global_load_const @sin : tensor<2x4xf32>
  %lo = tensor.extract_slice %x[0, 0] [2, 2] [1, 1] : tensor<2x4xf32> to tensor<2x2xf32>
  %hi = tensor.extract_slice %x[0, 2] [2, 2] [1, 1] : tensor<2x4xf32> to tensor<2x2xf32>
  %m = arith.negf %hi : tensor<2x2xf32>
  %r = tensor.concat dim(1) %m, %lo : (tensor<2x2xf32>, tensor<2x2xf32>) -> tensor<2x4xf32>
  %p = arith.mulf %x, %c : tensor<2x4xf32>
  %q = arith.mulf %r, %s : tensor<2x4xf32>
  %y = arith.addf %p, %q : tensor<2x4xf32>
  return %y : tensor<2x4xf32>
}
{-# dialect_resources: { builtin: {
  table: "0x040000000000003F0000803E0000003F0000803E0000403F0000003E0000403F0000003E"
} } #-}
