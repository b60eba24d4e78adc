// RUN: linnet-opt %s --linnet-absorb-projections --split-input-file | FileCheck %s
// RUN: linnet-opt %s --linnet-absorb-projections=explain --split-input-file -o /dev/null 2>&1 | FileCheck %s --check-prefix=WHY

// Latent attention, one query: rows and rotated part of a key are neighbours in one cache, keys and
// values columns of one matrix. The cache is read where it lies.
// CHECK-LABEL: func.func @latent
// CHECK-SAME: %[[Q:.*]]: tensor<1x16x1x96xf32>, %[[CACHE:.*]]: tensor<1x?x160xf32>
// CHECK: linnet.einsum "bhqd,rhd->bhqr"
// CHECK-NOT: concat {{.*}}tensor<1x?
// CHECK: linnet.attention {{.*}} scale(0.10206207261596577) : tensor<1x16x1x160xf32>, tensor<1x1x?x160xf32>, tensor<1x1x?x128xf32> -> tensor<1x16x1x128xf32>
// CHECK: linnet.einsum "bhqr,rhd->bhqd"
// WHY: remark: projections of keys and values absorbed: 10.{{[0-9]}} MFLOP
func.func @latent(%q: tensor<1x16x1x96xf32>, %cache: tensor<1x?x160xf32>, %w: tensor<128x2048xf32>) -> tensor<1x16x1x64xf32> {
  %one = arith.constant 1 : index
  %n = tensor.dim %cache, %one : tensor<1x?x160xf32>
  %c = tensor.extract_slice %cache[0, 0, 0] [1, %n, 128] [1, 1, 1] : tensor<1x?x160xf32> to tensor<1x?x128xf32>
  %r = tensor.extract_slice %cache[0, 0, 128] [1, %n, 32] [1, 1, 1] : tensor<1x?x160xf32> to tensor<1x?x32xf32>
  %kv = linnet.einsum "bnr,rc->bnc" %c, %w : tensor<1x?x128xf32>, tensor<128x2048xf32> -> tensor<1x?x2048xf32>
  %heads = tensor.expand_shape %kv [[0], [1], [2, 3]] output_shape [1, %n, 16, 128] : tensor<1x?x2048xf32> into tensor<1x?x16x128xf32>
  %kn = tensor.extract_slice %heads[0, 0, 0, 0] [1, %n, 16, 64] [1, 1, 1, 1] : tensor<1x?x16x128xf32> to tensor<1x?x16x64xf32>
  %vn = tensor.extract_slice %heads[0, 0, 0, 64] [1, %n, 16, 64] [1, 1, 1, 1] : tensor<1x?x16x128xf32> to tensor<1x?x16x64xf32>
  %kp = linnet.einsum "bnhd->bhnd" %kn : tensor<1x?x16x64xf32> -> tensor<1x16x?x64xf32>
  %v = linnet.einsum "bnhd->bhnd" %vn : tensor<1x?x16x64xf32> -> tensor<1x16x?x64xf32>
  %rr = linnet.broadcast %r sizes(%n) dims [0, 2, 3] : tensor<1x?x32xf32> -> tensor<1x16x?x32xf32>
  %k = tensor.concat dim(3) %kp, %rr : (tensor<1x16x?x64xf32>, tensor<1x16x?x32xf32>) -> tensor<1x16x?x96xf32>
  %o = linnet.attention %q, %k, %v : tensor<1x16x1x96xf32>, tensor<1x16x?x96xf32>, tensor<1x16x?x64xf32> -> tensor<1x16x1x64xf32>
  return %o : tensor<1x16x1x64xf32>
}

// -----

// As many queries as keys: the products with the wide rows would take longer.
// CHECK-LABEL: func.func @prompt
// CHECK: linnet.attention {{.*}} tensor<2x4x256x8xf32>, tensor<2x4x256x8xf32>
// WHY: remark: projections of keys and values kept: attention over what they are projected from would take longer
func.func @prompt(%q: tensor<2x4x256x8xf32>, %c: tensor<2x256x32xf32>, %wk: tensor<4x32x8xf32>, %wv: tensor<4x32x8xf32>) -> tensor<2x4x256x8xf32> {
  %k = linnet.einsum "bnr,hrd->bhnd" %c, %wk : tensor<2x256x32xf32>, tensor<4x32x8xf32> -> tensor<2x4x256x8xf32>
  %v = linnet.einsum "bnr,hrd->bhnd" %c, %wv : tensor<2x256x32xf32>, tensor<4x32x8xf32> -> tensor<2x4x256x8xf32>
  %o = linnet.attention %q, %k, %v : tensor<2x4x256x8xf32>, tensor<2x4x256x8xf32>, tensor<2x4x256x8xf32> -> tensor<2x4x256x8xf32>
  return %o : tensor<2x4x256x8xf32>
}

// -----

// The keys go into a cache: they are computed anyway.
// CHECK-LABEL: func.func @cached
// CHECK: linnet.attention {{.*}} tensor<2x4x1x8xf32>, tensor<2x4x256x8xf32>
// WHY: remark: projections of keys and values kept: what they are projected to is used elsewhere too
func.func @cached(%q: tensor<2x4x1x8xf32>, %c: tensor<2x256x32xf32>, %wk: tensor<4x32x8xf32>, %wv: tensor<4x32x8xf32>) -> (tensor<2x4x1x8xf32>, tensor<2x4x256x8xf32>) {
  %k = linnet.einsum "bnr,hrd->bhnd" %c, %wk : tensor<2x256x32xf32>, tensor<4x32x8xf32> -> tensor<2x4x256x8xf32>
  %v = linnet.einsum "bnr,hrd->bhnd" %c, %wv : tensor<2x256x32xf32>, tensor<4x32x8xf32> -> tensor<2x4x256x8xf32>
  %o = linnet.attention %q, %k, %v : tensor<2x4x1x8xf32>, tensor<2x4x256x8xf32>, tensor<2x4x256x8xf32> -> tensor<2x4x1x8xf32>
  return %o, %k : tensor<2x4x1x8xf32>, tensor<2x4x256x8xf32>
}

// -----

// Rows of the keys' own: part of the rows is attended to, so many and no more.
// CHECK-LABEL: func.func @part_of_the_rows
// CHECK: linnet.attention {{.*}} tensor<2x1x?x32xf32>, tensor<2x1x?x32xf32>
// CHECK-NOT: tensor<2x1x256x32xf32>
func.func @part_of_the_rows(%q: tensor<2x4x1x8xf32>, %all: tensor<2x256x32xf32>, %n: index, %wk: tensor<4x32x8xf32>, %wv: tensor<4x32x8xf32>) -> tensor<2x4x1x8xf32> {
  %c = tensor.extract_slice %all[0, 0, 0] [2, %n, 32] [1, 1, 1] : tensor<2x256x32xf32> to tensor<2x?x32xf32>
  %k = linnet.einsum "bnr,hrd->bhnd" %c, %wk : tensor<2x?x32xf32>, tensor<4x32x8xf32> -> tensor<2x4x?x8xf32>
  %v = linnet.einsum "bnr,hrd->bhnd" %c, %wv : tensor<2x?x32xf32>, tensor<4x32x8xf32> -> tensor<2x4x?x8xf32>
  %o = linnet.attention %q, %k, %v : tensor<2x4x1x8xf32>, tensor<2x4x?x8xf32>, tensor<2x4x?x8xf32> -> tensor<2x4x1x8xf32>
  return %o : tensor<2x4x1x8xf32>
}

// -----

// Queries share heads of keys.
// WHY: remark: projections of keys and values kept: heads of queries share heads of keys
func.func @grouped(%q: tensor<2x8x1x8xf32>, %c: tensor<2x256x32xf32>, %wk: tensor<4x32x8xf32>, %wv: tensor<4x32x8xf32>) -> tensor<2x8x1x8xf32> {
  %k = linnet.einsum "bnr,hrd->bhnd" %c, %wk : tensor<2x256x32xf32>, tensor<4x32x8xf32> -> tensor<2x4x256x8xf32>
  %v = linnet.einsum "bnr,hrd->bhnd" %c, %wv : tensor<2x256x32xf32>, tensor<4x32x8xf32> -> tensor<2x4x256x8xf32>
  %o = linnet.attention %q, %k, %v : tensor<2x8x1x8xf32>, tensor<2x4x256x8xf32>, tensor<2x4x256x8xf32> -> tensor<2x8x1x8xf32>
  return %o : tensor<2x8x1x8xf32>
}
