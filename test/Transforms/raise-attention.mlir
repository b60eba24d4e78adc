// RUN: linnet-opt %s --linnet-raise --split-input-file | FileCheck %s

// Dynamic batch and lengths, keys of heads repeated, a padding mask.
// CHECK-LABEL: func.func @dynamic
// CHECK: linnet.attention {{.*}}mask(%{{.*}} : tensor<?x1x1x?xi1>) masks<[explicit]> scale(1.250000e-01)
// CHECK-SAME: tensor<?x6x?x64xf32>, tensor<?x2x?x64xf32>, tensor<?x2x?x64xf32>
func.func @dynamic(%q: tensor<?x6x?x64xf32>, %k: tensor<?x2x?x64xf32>, %v: tensor<?x2x?x64xf32>,
                   %mask: tensor<?x?xi1>) -> tensor<?x6x?x64xf32> {
  %c0 = arith.constant 0 : index
  %c2 = arith.constant 2 : index
  %b = tensor.dim %q, %c0 : tensor<?x6x?x64xf32>
  %n = tensor.dim %q, %c2 : tensor<?x6x?x64xf32>
  %m = tensor.dim %k, %c2 : tensor<?x2x?x64xf32>
  %kr = linnet.broadcast %k sizes(%b, %m) dims [0, 1, 3, 4] : tensor<?x2x?x64xf32> -> tensor<?x2x3x?x64xf32>
  %kh = tensor.collapse_shape %kr [[0], [1, 2], [3], [4]] : tensor<?x2x3x?x64xf32> into tensor<?x6x?x64xf32>
  %vr = linnet.broadcast %v sizes(%b, %m) dims [0, 1, 3, 4] : tensor<?x2x?x64xf32> -> tensor<?x2x3x?x64xf32>
  %vh = tensor.collapse_shape %vr [[0], [1, 2], [3], [4]] : tensor<?x2x3x?x64xf32> into tensor<?x6x?x64xf32>
  %s = linnet.einsum "bhqd,bhkd->bhqk" %q, %kh : tensor<?x6x?x64xf32>, tensor<?x6x?x64xf32> -> tensor<?x6x?x?xf32>
  %scale = arith.constant 0.125 : f32
  %scales = linnet.broadcast %scale like %s : f32, tensor<?x6x?x?xf32> -> tensor<?x6x?x?xf32>
  %t = arith.mulf %s, %scales : tensor<?x6x?x?xf32>
  %low = arith.constant 0xFF800000 : f32
  %lows = linnet.broadcast %low like %s : f32, tensor<?x6x?x?xf32> -> tensor<?x6x?x?xf32>
  %seen = linnet.broadcast %mask sizes(%b, %n, %m) dims [0, 3] : tensor<?x?xi1> -> tensor<?x6x?x?xi1>
  %u = arith.select %seen, %t, %lows : tensor<?x6x?x?xi1>, tensor<?x6x?x?xf32>
  %p = linnet.softmax %u axis 3 : tensor<?x6x?x?xf32>
  %o = linnet.einsum "bhqk,bhkd->bhqd" %p, %vh : tensor<?x6x?x?xf32>, tensor<?x6x?x64xf32> -> tensor<?x6x?x64xf32>
  return %o : tensor<?x6x?x64xf32>
}

// -----

// One head, no batch, exp2, the division behind the product: as written by hand in JAX.
// CHECK-LABEL: func.func @plain
// CHECK: linnet.attention {{.*}} scale(0.69314{{.*}}) : tensor<1x1x9x16xf32>
// CHECK-NOT: math.exp2
func.func @plain(%q: tensor<9x16xf32>, %k: tensor<11x16xf32>, %v: tensor<11x5xf32>) -> tensor<9x5xf32> {
  %zero = arith.constant 0.0 : f32
  %se = tensor.empty() : tensor<9x11xf32>
  %si = linalg.fill ins(%zero : f32) outs(%se : tensor<9x11xf32>) -> tensor<9x11xf32>
  %kt = linnet.einsum "ab->ba" %k : tensor<11x16xf32> -> tensor<16x11xf32>
  %s = linalg.matmul ins(%q, %kt : tensor<9x16xf32>, tensor<16x11xf32>) outs(%si : tensor<9x11xf32>) -> tensor<9x11xf32>
  %m = linnet.reduce max %s axes [1] keepdims : tensor<9x11xf32> -> tensor<9x1xf32>
  %mb = linnet.broadcast %m : tensor<9x1xf32> -> tensor<9x11xf32>
  %d = arith.subf %s, %mb : tensor<9x11xf32>
  %e = math.exp2 %d : tensor<9x11xf32>
  %z = linnet.reduce sum %e axes [1] keepdims : tensor<9x11xf32> -> tensor<9x1xf32>
  %oe = tensor.empty() : tensor<9x5xf32>
  %oi = linalg.fill ins(%zero : f32) outs(%oe : tensor<9x5xf32>) -> tensor<9x5xf32>
  %n = linalg.matmul ins(%e, %v : tensor<9x11xf32>, tensor<11x5xf32>) outs(%oi : tensor<9x5xf32>) -> tensor<9x5xf32>
  %zb = linnet.broadcast %z : tensor<9x1xf32> -> tensor<9x5xf32>
  %o = arith.divf %n, %zb : tensor<9x5xf32>
  return %o : tensor<9x5xf32>
}

// -----

// The keys of a row are not what the softmax runs over.
// CHECK-LABEL: func.func @other_axis
// CHECK-NOT: linnet.attention
func.func @other_axis(%q: tensor<8x16xf32>, %v: tensor<8x5xf32>) -> tensor<8x5xf32> {
  %s = linnet.einsum "ac,bc->ab" %q, %q : tensor<8x16xf32>, tensor<8x16xf32> -> tensor<8x8xf32>
  %p = linnet.softmax %s axis 0 : tensor<8x8xf32>
  %o = linnet.einsum "ab,bd->ad" %p, %v : tensor<8x8xf32>, tensor<8x5xf32> -> tensor<8x5xf32>
  return %o : tensor<8x5xf32>
}

// -----

// A mask that leaves some query no key may be finite or not: attention has zeros, softmax not.
// CHECK-LABEL: func.func @rows_without_keys
// CHECK: linnet.softmax
func.func @rows_without_keys(%q: tensor<8x16xf32>, %k: tensor<4x16xf32>, %v: tensor<4x5xf32>) -> tensor<8x5xf32> {
  %s = linnet.einsum "ac,bc->ab" %q, %k : tensor<8x16xf32>, tensor<4x16xf32> -> tensor<8x4xf32>
  %e = tensor.empty() : tensor<8x4xf32>
  %low = arith.constant -1.0e30 : f32
  %m = linalg.generic {indexing_maps = [affine_map<(i, j) -> (i, j)>, affine_map<(i, j) -> (i, j)>], iterator_types = ["parallel", "parallel"]} ins(%s : tensor<8x4xf32>) outs(%e : tensor<8x4xf32>) {
  ^bb0(%x: f32, %o: f32):
    %i = linalg.index 0 : index
    %j = linalg.index 1 : index
    %c4 = arith.constant 4 : index
    %r = arith.subi %i, %c4 : index
    %seen = arith.cmpi sle, %j, %r : index
    %y = arith.select %seen, %x, %low : f32
    linalg.yield %y : f32
  } -> tensor<8x4xf32>
  %p = linnet.softmax %m axis 1 : tensor<8x4xf32>
  %o = linnet.einsum "ab,bd->ad" %p, %v : tensor<8x4xf32>, tensor<4x5xf32> -> tensor<8x5xf32>
  return %o : tensor<8x5xf32>
}

// -----

// The softmax runs over more keys than the product, and how many is not known.
// CHECK-LABEL: func.func @part_of_the_keys
// CHECK: linnet.softmax
func.func @part_of_the_keys(%q: tensor<8x16xf32>, %k: tensor<?x16xf32>, %v: tensor<?x5xf32>, %n: index) -> tensor<8x5xf32> {
  %s = linnet.einsum "ac,bc->ab" %q, %k : tensor<8x16xf32>, tensor<?x16xf32> -> tensor<8x?xf32>
  %p = linnet.softmax %s axis 1 : tensor<8x?xf32>
  %w = tensor.extract_slice %p[0, 0] [8, %n] [1, 1] : tensor<8x?xf32> to tensor<8x?xf32>
  %o = linnet.einsum "ab,bd->ad" %w, %v : tensor<8x?xf32>, tensor<?x5xf32> -> tensor<8x5xf32>
  return %o : tensor<8x5xf32>
}

// -----

// A factor behind the mask makes -1e9 a score like others.
// CHECK-LABEL: func.func @hidden_no_more
// CHECK: linnet.softmax
func.func @hidden_no_more(%q: tensor<4x16xf32>, %v: tensor<4x5xf32>) -> tensor<4x5xf32> {
  %c = arith.constant dense<[[true, false, false, false], [true, true, false, false], [true, true, true, false], [true, true, true, true]]> : tensor<4x4xi1>
  %low = arith.constant dense<-1.0e9> : tensor<4x4xf32>
  %small = arith.constant dense<1.0e-9> : tensor<4x4xf32>
  %s = linnet.einsum "ac,bc->ab" %q, %q : tensor<4x16xf32>, tensor<4x16xf32> -> tensor<4x4xf32>
  %m = arith.select %c, %s, %low : tensor<4x4xi1>, tensor<4x4xf32>
  %t = arith.mulf %m, %small : tensor<4x4xf32>
  %p = linnet.softmax %t axis 1 : tensor<4x4xf32>
  %o = linnet.einsum "ab,bd->ad" %p, %v : tensor<4x4xf32>, tensor<4x5xf32> -> tensor<4x5xf32>
  return %o : tensor<4x5xf32>
}

// -----

// i - 2 wraps around where the comparison takes it for unsigned: no mask of positions.
// CHECK-LABEL: func.func @wraps
// CHECK-NOT: masks<[causal]>
func.func @wraps(%q: tensor<4x16xf32>, %v: tensor<4x5xf32>) -> tensor<4x5xf32> {
  %s = linnet.einsum "ac,bc->ab" %q, %q : tensor<4x16xf32>, tensor<4x16xf32> -> tensor<4x4xf32>
  %e = tensor.empty() : tensor<4x4xf32>
  %low = arith.constant 0xFF800000 : f32
  %m = linalg.generic {indexing_maps = [affine_map<(i, j) -> (i, j)>, affine_map<(i, j) -> (i, j)>], iterator_types = ["parallel", "parallel"]} ins(%s : tensor<4x4xf32>) outs(%e : tensor<4x4xf32>) {
  ^bb0(%x: f32, %o: f32):
    %i = linalg.index 0 : index
    %j = linalg.index 1 : index
    %c2 = arith.constant 2 : index
    %r = arith.subi %i, %c2 : index
    %seen = arith.cmpi ule, %j, %r : index
    %y = arith.select %seen, %x, %low : f32
    linalg.yield %y : f32
  } -> tensor<4x4xf32>
  %p = linnet.softmax %m axis 1 : tensor<4x4xf32>
  %o = linnet.einsum "ab,bd->ad" %p, %v : tensor<4x4xf32>, tensor<4x5xf32> -> tensor<4x5xf32>
  return %o : tensor<4x5xf32>
}
