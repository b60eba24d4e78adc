// RUN: linnet-opt %s --canonicalize --split-input-file | FileCheck %s

// CHECK-LABEL: @zeros
// CHECK-SAME: (%[[Q:.*]]: tensor<1x2x4x8xf32>)
// CHECK-NEXT: linnet.linear_attention %[[Q]], %[[Q]], %[[Q]] : {{.*}} -> tensor<1x2x4x8xf32>{{$}}
func.func @zeros(%q: tensor<1x2x4x8xf32>) -> tensor<1x2x4x8xf32> {
  %g = arith.constant dense<0.0> : tensor<1x2x4xf32>
  %s = arith.constant dense<0.0> : tensor<1x2x8x8xf32>
  %o, %s1 = linnet.linear_attention %q, %q, %q decay(%g : tensor<1x2x4xf32>) state(%s : tensor<1x2x8x8xf32>)
      : tensor<1x2x4x8xf32>, tensor<1x2x4x8xf32>, tensor<1x2x4x8xf32> -> tensor<1x2x4x8xf32>, tensor<1x2x8x8xf32>
  return %o : tensor<1x2x4x8xf32>
}

// -----

// The decay is what gives the state its four heads.
// CHECK-LABEL: @heads_of_decay
// CHECK: decay(
func.func @heads_of_decay(%q: tensor<1x2x4x8xf32>) -> tensor<1x4x4x8xf32> {
  %g = arith.constant dense<0.0> : tensor<1x4x4xf32>
  %o = linnet.linear_attention %q, %q, %q decay(%g : tensor<1x4x4xf32>)
      : tensor<1x2x4x8xf32>, tensor<1x2x4x8xf32>, tensor<1x2x4x8xf32> -> tensor<1x4x4x8xf32>
  return %o : tensor<1x4x4x8xf32>
}

// -----

// CHECK-LABEL: @scan
// CHECK: linnet.selective_scan %{{.*}}, %{{.*}}, %{{.*}}, %{{.*}}, %{{.*}} softplus : {{.*}} -> tensor<1x4x8xf32>{{$}}
func.func @scan(%u: tensor<1x4x8xf32>, %a: tensor<8x2xf32>, %b: tensor<1x4x2xf32>) -> tensor<1x4x8xf32> {
  %z = arith.constant dense<0.0> : tensor<8xf32>
  %s = arith.constant dense<0.0> : tensor<1x8x2xf32>
  %y, %s1 = linnet.selective_scan %u, %u, %a, %b, %b delta_bias(%z : tensor<8xf32>) state(%s : tensor<1x8x2xf32>) softplus
      : tensor<1x4x8xf32>, tensor<1x4x8xf32>, tensor<8x2xf32>, tensor<1x4x2xf32>, tensor<1x4x2xf32> -> tensor<1x4x8xf32>, tensor<1x8x2xf32>
  return %y : tensor<1x4x8xf32>
}

// -----

// CHECK-LABEL: @conv
// CHECK: linnet.causal_conv %{{.*}}, %{{.*}} activation<silu> : {{.*}} -> tensor<1x4x8xf32>{{$}}
func.func @conv(%x: tensor<1x4x8xf32>, %w: tensor<8x3xf32>) -> tensor<1x4x8xf32> {
  %b = arith.constant dense<0.0> : tensor<8xf32>
  %s = arith.constant dense<0.0> : tensor<1x8x2xf32>
  %y, %s1 = linnet.causal_conv %x, %w bias(%b : tensor<8xf32>) state(%s : tensor<1x8x2xf32>) activation<silu>
      : tensor<1x4x8xf32>, tensor<8x3xf32> -> tensor<1x4x8xf32>, tensor<1x8x2xf32>
  return %y : tensor<1x4x8xf32>
}
