// RUN: linnet-opt %s --linnet-reassociate --split-input-file | FileCheck %s

// Causal, scaled before the mask: a recurrence.
// CHECK-LABEL: func.func @causal
// CHECK: linnet.linear_attention {{.*}} scale(5.000000e-01)
// CHECK-NOT: einsum
func.func @causal(%q: tensor<2x3x4096x16xf32>, %k: tensor<2x3x4096x16xf32>, %v: tensor<2x3x4096x8xf32>) -> tensor<2x3x4096x8xf32> {
  %s = linnet.einsum "bhqd,bhkd->bhqk" %q, %k : tensor<2x3x4096x16xf32>, tensor<2x3x4096x16xf32> -> tensor<2x3x4096x4096xf32>
  %half = arith.constant 0.5 : f32
  %zero = arith.constant 0.0 : f32
  %e = tensor.empty() : tensor<2x3x4096x4096xf32>
  %w = linalg.generic {indexing_maps = [affine_map<(b, h, i, j) -> (b, h, i, j)>, affine_map<(b, h, i, j) -> (b, h, i, j)>], iterator_types = ["parallel", "parallel", "parallel", "parallel"]} ins(%s : tensor<2x3x4096x4096xf32>) outs(%e : tensor<2x3x4096x4096xf32>) {
  ^bb0(%x: f32, %o: f32):
    %i = linalg.index 2 : index
    %j = linalg.index 3 : index
    %seen = arith.cmpi sle, %j, %i : index
    %y = arith.mulf %x, %half : f32
    %z = arith.select %seen, %y, %zero : f32
    linalg.yield %z : f32
  } -> tensor<2x3x4096x4096xf32>
  %o = linnet.einsum "bhqk,bhkd->bhqd" %w, %v : tensor<2x3x4096x4096xf32>, tensor<2x3x4096x8xf32> -> tensor<2x3x4096x8xf32>
  return %o : tensor<2x3x4096x8xf32>
}

// -----

// Kernelised attention: weights over their sum, both without the matrix of weights.
// CHECK-LABEL: func.func @normalised
// CHECK-COUNT-4: linnet.einsum
// CHECK-NOT: 4096x4096
func.func @normalised(%q: tensor<4096x16xf32>, %k: tensor<4096x16xf32>, %v: tensor<4096x8xf32>) -> tensor<4096x8xf32> {
  %s = linnet.einsum "ac,bc->ab" %q, %k : tensor<4096x16xf32>, tensor<4096x16xf32> -> tensor<4096x4096xf32>
  %z = linnet.reduce sum %s axes [1] keepdims : tensor<4096x4096xf32> -> tensor<4096x1xf32>
  %zb = linnet.broadcast %z : tensor<4096x1xf32> -> tensor<4096x4096xf32>
  %p = arith.divf %s, %zb : tensor<4096x4096xf32>
  %o = linnet.einsum "ab,bd->ad" %p, %v : tensor<4096x4096xf32>, tensor<4096x8xf32> -> tensor<4096x8xf32>
  return %o : tensor<4096x8xf32>
}

// -----

// A matrix of rank 4: the vector goes through it in two steps.
// CHECK-LABEL: func.func @low_rank
// CHECK-NOT: tensor<512x512xf32>
func.func @low_rank(%a: tensor<512x4xf32>, %b: tensor<4x512xf32>, %x: tensor<512x2xf32>) -> tensor<512x2xf32> {
  %m = linnet.einsum "ar,rb->ab" %a, %b : tensor<512x4xf32>, tensor<4x512xf32> -> tensor<512x512xf32>
  %y = linnet.einsum "ab,bn->an" %m, %x : tensor<512x512xf32>, tensor<512x2xf32> -> tensor<512x2xf32>
  return %y : tensor<512x2xf32>
}

// -----

// Few keys: the order is right as it is.
// CHECK-LABEL: func.func @short
// CHECK: "bhqd,bhkd->bhqk"
func.func @short(%q: tensor<1x1x4x64xf32>, %k: tensor<1x1x4x64xf32>, %v: tensor<1x1x4x64xf32>) -> tensor<1x1x4x64xf32> {
  %s = linnet.einsum "bhqd,bhkd->bhqk" %q, %k : tensor<1x1x4x64xf32>, tensor<1x1x4x64xf32> -> tensor<1x1x4x4xf32>
  %o = linnet.einsum "bhqk,bhkd->bhqd" %s, %v : tensor<1x1x4x4xf32>, tensor<1x1x4x64xf32> -> tensor<1x1x4x64xf32>
  return %o : tensor<1x1x4x64xf32>
}

// -----

// The weights are a result too.
// CHECK-LABEL: func.func @used
// CHECK: linnet.einsum "ac,bc->ab"
func.func @used(%q: tensor<512x4xf32>, %k: tensor<512x4xf32>, %v: tensor<512x8xf32>) -> (tensor<512x8xf32>, tensor<512x512xf32>) {
  %s = linnet.einsum "ac,bc->ab" %q, %k : tensor<512x4xf32>, tensor<512x4xf32> -> tensor<512x512xf32>
  %o = linnet.einsum "ab,bd->ad" %s, %v : tensor<512x512xf32>, tensor<512x8xf32> -> tensor<512x8xf32>
  return %o, %s : tensor<512x8xf32>, tensor<512x512xf32>
}

// -----

// A softmax stands between.
// CHECK-LABEL: func.func @softmax
// CHECK: linnet.softmax
func.func @softmax(%q: tensor<4096x16xf32>, %v: tensor<4096x8xf32>) -> tensor<4096x8xf32> {
  %s = linnet.einsum "ac,bc->ab" %q, %q : tensor<4096x16xf32>, tensor<4096x16xf32> -> tensor<4096x4096xf32>
  %p = linnet.softmax %s axis 1 : tensor<4096x4096xf32>
  %o = linnet.einsum "ab,bd->ad" %p, %v : tensor<4096x4096xf32>, tensor<4096x8xf32> -> tensor<4096x8xf32>
  return %o : tensor<4096x8xf32>
}

// -----

// Two weights behind each other: their product is one, which is computed when this is compiled.
ml_program.global private @a(#ml_program.extern : tensor<64x64xf32>) : tensor<64x64xf32>
ml_program.global private @b(#ml_program.extern : tensor<64x64xf32>) : tensor<64x64xf32>
// CHECK-LABEL: func.func @weights
// CHECK: %[[AB:.*]] = linnet.einsum "{{..,..->..}}" %{{.*}}, %{{.*}} : tensor<64x64xf32>, tensor<64x64xf32> -> tensor<64x64xf32>
// CHECK: linnet.einsum {{.*}} %{{.*}}, %[[AB]] : tensor<?x64xf32>
func.func @weights(%x: tensor<?x64xf32>) -> tensor<?x64xf32> {
  %a = ml_program.global_load_const @a : tensor<64x64xf32>
  %b = ml_program.global_load_const @b : tensor<64x64xf32>
  %h = linnet.einsum "nk,kj->nj" %x, %a : tensor<?x64xf32>, tensor<64x64xf32> -> tensor<?x64xf32>
  %y = linnet.einsum "nj,jd->nd" %h, %b : tensor<?x64xf32>, tensor<64x64xf32> -> tensor<?x64xf32>
  return %y : tensor<?x64xf32>
}
