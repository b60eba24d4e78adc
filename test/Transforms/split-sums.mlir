// RUN: linnet-opt %s -pass-pipeline='builtin.module(func.func(linnet-split-sums))' | FileCheck %s

// What is computed is checked by test_split_sums.py.

#km = affine_map<(m, n, k) -> (k, m)>
#kn = affine_map<(m, n, k) -> (k, n)>
#mn = affine_map<(m, n, k) -> (m, n)>

// Eight parts, no rest: a batch of products and their total.
// CHECK-LABEL: func @static
// CHECK-DAG:     tensor.expand_shape %arg0 {{.*}} into tensor<8x1024x64xf32>
// CHECK-DAG:     tensor.expand_shape %arg1 {{.*}} into tensor<8x1024x48xf32>
// CHECK:         %[[PARTS:.*]] = linalg.generic {{.*}}["parallel", "parallel", "parallel", "reduction"]
// CHECK:         -> tensor<8x64x48xf32>
// CHECK:         linalg.generic {{.*}} ins(%[[PARTS]] : tensor<8x64x48xf32>) outs(%arg2
func.func @static(%a: tensor<8192x64xf32>, %b: tensor<8192x48xf32>, %c: tensor<64x48xf32>)
    -> tensor<64x48xf32> {
  %0 = linalg.generic {indexing_maps = [#km, #kn, #mn],
      iterator_types = ["parallel", "parallel", "reduction"]}
      ins(%a, %b : tensor<8192x64xf32>, tensor<8192x48xf32>) outs(%c : tensor<64x48xf32>) {
  ^bb0(%x: f32, %y: f32, %s: f32):
    %p = arith.mulf %x, %y : f32
    %q = arith.addf %s, %p : f32
    linalg.yield %q : f32
  } -> tensor<64x48xf32>
  return %0 : tensor<64x48xf32>
}

// Of unknown length: the rest is a product of its own, on which the total begins.
// CHECK-LABEL: func @dynamic
// CHECK:         -> tensor<?x64x48xf32>
// CHECK:         %[[REST:.*]] = linalg.generic {{.*}}outs(%arg2 : tensor<64x48xf32>)
// CHECK:         linalg.generic {{.*}}outs(%[[REST]] : tensor<64x48xf32>)
func.func @dynamic(%a: tensor<?x64xf32>, %b: tensor<?x48xf32>, %c: tensor<64x48xf32>)
    -> tensor<64x48xf32> {
  %0 = linalg.generic {indexing_maps = [#km, #kn, #mn],
      iterator_types = ["parallel", "parallel", "reduction"]}
      ins(%a, %b : tensor<?x64xf32>, tensor<?x48xf32>) outs(%c : tensor<64x48xf32>) {
  ^bb0(%x: f32, %y: f32, %s: f32):
    %p = arith.mulf %x, %y : f32
    %q = arith.addf %s, %p : f32
    linalg.yield %q : f32
  } -> tensor<64x48xf32>
  return %0 : tensor<64x48xf32>
}

// Enough tiles for threads: left as it is.
// CHECK-LABEL: func @wide
// CHECK-COUNT-1: linalg.generic
// CHECK-NOT:     linalg.generic
func.func @wide(%a: tensor<8192x512xf32>, %b: tensor<8192x512xf32>, %c: tensor<512x512xf32>)
    -> tensor<512x512xf32> {
  %0 = linalg.generic {indexing_maps = [#km, #kn, #mn],
      iterator_types = ["parallel", "parallel", "reduction"]}
      ins(%a, %b : tensor<8192x512xf32>, tensor<8192x512xf32>) outs(%c : tensor<512x512xf32>) {
  ^bb0(%x: f32, %y: f32, %s: f32):
    %p = arith.mulf %x, %y : f32
    %q = arith.addf %s, %p : f32
    linalg.yield %q : f32
  } -> tensor<512x512xf32>
  return %0 : tensor<512x512xf32>
}

// A weight is packed as a whole.
// CHECK-LABEL: func @constant
// CHECK-COUNT-1: linalg.generic
// CHECK-NOT:     linalg.generic
func.func @constant(%a: tensor<8192x64xf32>, %b: tensor<8192x48xf32> {linnet.constant = @w},
                    %c: tensor<64x48xf32>) -> tensor<64x48xf32> {
  %0 = linalg.generic {indexing_maps = [#km, #kn, #mn],
      iterator_types = ["parallel", "parallel", "reduction"]}
      ins(%a, %b : tensor<8192x64xf32>, tensor<8192x48xf32>) outs(%c : tensor<64x48xf32>) {
  ^bb0(%x: f32, %y: f32, %s: f32):
    %p = arith.mulf %x, %y : f32
    %q = arith.addf %s, %p : f32
    linalg.yield %q : f32
  } -> tensor<64x48xf32>
  return %0 : tensor<64x48xf32>
}

// Two key heads of a long cache: eight parts each, weighed by their log-sum-exps.
// CHECK-LABEL: func @cache
// CHECK:         %[[O:.*]], %[[LSE:.*]] = linnet.attention %arg0, %arg1, %arg1 part(8192) :
// CHECK-SAME:    -> tensor<8x1x12x1x64xf32>, tensor<8x1x12x1xf32>
// CHECK:         %[[TOP:.*]] = linalg.generic {{.*}} ins(%[[LSE]] :
// CHECK:         linalg.generic {{.*}} ins(%[[LSE]], %[[TOP]] :
// CHECK:         linalg.generic {{.*}} ins(%[[O]],
func.func @cache(%q: tensor<1x12x1x64xbf16>, %k: tensor<1x2x65536x64xbf16>) -> tensor<1x12x1x64xbf16> {
  %0 = linnet.attention %q, %k, %k : tensor<1x12x1x64xbf16>, tensor<1x2x65536x64xbf16>, tensor<1x2x65536x64xbf16> -> tensor<1x12x1x64xbf16>
  return %0 : tensor<1x12x1x64xbf16>
}

// Of unknown length; a short cache, many heads and many rows stay whole.
// CHECK-LABEL: func @caches
// CHECK:         linnet.attention %{{.*}} part(8192) :
// CHECK-NOT:     part
func.func @caches(%q: tensor<1x2x1x64xf32>, %long: tensor<1x2x?x64xf32>, %short: tensor<1x2x2048x64xf32>,
                  %many: tensor<1x8x1x64xf32>, %heads: tensor<1x8x65536x64xf32>,
                  %rows: tensor<1x2x16x64xf32>, %all: tensor<1x2x65536x64xf32>)
    -> (tensor<1x2x1x64xf32>, tensor<1x2x1x64xf32>, tensor<1x8x1x64xf32>, tensor<1x2x16x64xf32>) {
  %0 = linnet.attention %q, %long, %long : tensor<1x2x1x64xf32>, tensor<1x2x?x64xf32>, tensor<1x2x?x64xf32> -> tensor<1x2x1x64xf32>
  %1 = linnet.attention %q, %short, %short : tensor<1x2x1x64xf32>, tensor<1x2x2048x64xf32>, tensor<1x2x2048x64xf32> -> tensor<1x2x1x64xf32>
  %2 = linnet.attention %many, %heads, %heads : tensor<1x8x1x64xf32>, tensor<1x8x65536x64xf32>, tensor<1x8x65536x64xf32> -> tensor<1x8x1x64xf32>
  %3 = linnet.attention %rows, %all, %all : tensor<1x2x16x64xf32>, tensor<1x2x65536x64xf32>, tensor<1x2x65536x64xf32> -> tensor<1x2x16x64xf32>
  return %0, %1, %2, %3 : tensor<1x2x1x64xf32>, tensor<1x2x1x64xf32>, tensor<1x8x1x64xf32>, tensor<1x2x16x64xf32>
}
