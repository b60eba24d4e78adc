// RUN: linnet-opt %s --canonicalize --split-input-file | FileCheck %s

// CHECK-LABEL: @last_query
// CHECK: linnet.attention %{{.*}}, %{{.*}}, %{{.*}} kv_lengths(%{{.*}}) masks<[window<left = 3>, kv_lengths]> :
func.func @last_query(%q: tensor<1x2x1x8xf32>, %k: tensor<1x2x?x8xf32>, %n: tensor<1xi32>) -> tensor<1x2x1x8xf32> {
  %o = linnet.attention %q, %k, %k kv_lengths(%n : tensor<1xi32>) masks<[causal, window<left = 3, right = 2>, kv_lengths]>
      : tensor<1x2x1x8xf32>, tensor<1x2x?x8xf32>, tensor<1x2x?x8xf32> -> tensor<1x2x1x8xf32>
  return %o : tensor<1x2x1x8xf32>
}

// -----

// CHECK-LABEL: @query_with_offset
// CHECK: masks<[causal]>
func.func @query_with_offset(%q: tensor<1x2x1x8xf32>, %k: tensor<1x2x?x8xf32>, %p: tensor<i64>) -> tensor<1x2x1x8xf32> {
  %o = linnet.attention %q, %k, %k q_offset(%p : tensor<i64>) masks<[causal]>
      : tensor<1x2x1x8xf32>, tensor<1x2x?x8xf32>, tensor<1x2x?x8xf32> -> tensor<1x2x1x8xf32>
  return %o : tensor<1x2x1x8xf32>
}

// -----

// CHECK-LABEL: @first_query
// CHECK: masks<[causal]> alignment<top_left>
func.func @first_query(%q: tensor<1x2x1x8xf32>, %k: tensor<1x2x?x8xf32>) -> tensor<1x2x1x8xf32> {
  %o = linnet.attention %q, %k, %k masks<[causal]> alignment<top_left>
      : tensor<1x2x1x8xf32>, tensor<1x2x?x8xf32>, tensor<1x2x?x8xf32> -> tensor<1x2x1x8xf32>
  return %o : tensor<1x2x1x8xf32>
}

// -----

// CHECK-LABEL: @window_is_causal
// CHECK: masks<[causal]> :
func.func @window_is_causal(%q: tensor<1x2x4x8xf32>) -> tensor<1x2x4x8xf32> {
  %o = linnet.attention %q, %q, %q masks<[window<right = 0>]>
      : tensor<1x2x4x8xf32>, tensor<1x2x4x8xf32>, tensor<1x2x4x8xf32> -> tensor<1x2x4x8xf32>
  return %o : tensor<1x2x4x8xf32>
}

// -----

// CHECK-LABEL: @idle_operands
// CHECK-SAME: (%[[Q:.*]]: tensor<1x2x4x8xf32>)
// CHECK-NEXT: linnet.attention %[[Q]], %[[Q]], %[[Q]] : {{.*}} -> tensor<1x2x4x8xf32>{{$}}
func.func @idle_operands(%q: tensor<1x2x4x8xf32>) -> tensor<1x2x4x8xf32> {
  %bias = arith.constant dense<0.0> : tensor<4x4xf32>
  %mask = arith.constant dense<true> : tensor<4x4xi1>
  %o, %lse = linnet.attention %q, %q, %q bias(%bias : tensor<4x4xf32>) mask(%mask : tensor<4x4xi1>)
      masks<[explicit]> alignment<top_left>
      : tensor<1x2x4x8xf32>, tensor<1x2x4x8xf32>, tensor<1x2x4x8xf32> -> tensor<1x2x4x8xf32>, tensor<1x2x4xf32>
  return %o : tensor<1x2x4x8xf32>
}

// -----

// CHECK-LABEL: @false_mask
// CHECK: masks<[explicit]>
func.func @false_mask(%q: tensor<1x2x4x8xf32>) -> tensor<1x2x4x8xf32> {
  %mask = arith.constant dense<false> : tensor<4x4xi1>
  %o = linnet.attention %q, %q, %q mask(%mask : tensor<4x4xi1>) masks<[explicit]>
      : tensor<1x2x4x8xf32>, tensor<1x2x4x8xf32>, tensor<1x2x4x8xf32> -> tensor<1x2x4x8xf32>
  return %o : tensor<1x2x4x8xf32>
}

// -----

// CHECK-LABEL: @relu_of_relu2
// CHECK-NEXT: %[[R:.*]] = linnet.feature_map relu2
// CHECK-NEXT: return %[[R]]
func.func @relu_of_relu2(%x: tensor<?xf32>) -> tensor<?xf32> {
  %0 = linnet.feature_map relu2 %x : tensor<?xf32>
  %1 = linnet.feature_map relu %0 : tensor<?xf32>
  return %1 : tensor<?xf32>
}

// -----

// CHECK-LABEL: @alibi_keeps_its_alignment
// CHECK: alibi_slopes({{.*}}) alignment<top_left>
func.func @alibi_keeps_its_alignment(%q: tensor<1x2x4x8xf32>, %s: tensor<2xf32>) -> tensor<1x2x4x8xf32> {
  %o = linnet.attention %q, %q, %q alibi_slopes(%s : tensor<2xf32>) alignment<top_left>
      : tensor<1x2x4x8xf32>, tensor<1x2x4x8xf32>, tensor<1x2x4x8xf32> -> tensor<1x2x4x8xf32>
  return %o : tensor<1x2x4x8xf32>
}

// -----

// CHECK-LABEL: @no_slope
// CHECK: linnet.attention %{{.*}}, %{{.*}}, %{{.*}} :
func.func @no_slope(%q: tensor<1x2x4x8xf32>, %p: tensor<i64>) -> tensor<1x2x4x8xf32> {
  %s = arith.constant dense<0.0> : tensor<2xf32>
  %o = linnet.attention %q, %q, %q alibi_slopes(%s : tensor<2xf32>) q_offset(%p : tensor<i64>)
      : tensor<1x2x4x8xf32>, tensor<1x2x4x8xf32>, tensor<1x2x4x8xf32> -> tensor<1x2x4x8xf32>
  return %o : tensor<1x2x4x8xf32>
}
