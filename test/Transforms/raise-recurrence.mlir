// RUN: linnet-opt %s --split-input-file --linnet-raise=explain=true --verify-diagnostics | FileCheck %s

// Gated linear attention: the loop's slices become operands, and the state a result.
// CHECK-LABEL: func.func @gated
// CHECK-SAME: (%[[Q:.*]]: tensor<2x3x8x4xf32>, %[[K:.*]]: tensor<2x3x8x4xf32>, %[[V:.*]]: tensor<2x8x3x5xf32>, %[[G:.*]]: tensor<2x3x8xf32>,
// CHECK-SAME: %[[S:.*]]: tensor<2x3x4x5xf32>)
// CHECK-NEXT: %[[E:.*]] = tensor.empty
// CHECK-NEXT: %[[VT:.*]] = linalg.transpose ins(%[[V]]
// CHECK-NEXT: %[[O:.*]], %[[F:.*]] = linnet.linear_attention %[[Q]], %[[K]], %[[VT]] decay(%[[G]] : tensor<2x3x8xf32>) state(%[[S]] : tensor<2x3x4x5xf32>) scale(5.000000e-01)
// CHECK-NEXT: return %[[O]], %[[F]]
func.func @gated(%q: tensor<2x3x8x4xf32>, %k: tensor<2x3x8x4xf32>, %v: tensor<2x8x3x5xf32>, %g: tensor<2x3x8xf32>,
                 %s0: tensor<2x3x4x5xf32>) -> (tensor<2x3x8x5xf32>, tensor<2x3x4x5xf32>) {
  %c0 = arith.constant 0 : index
  %c1 = arith.constant 1 : index
  %n = arith.constant 8 : index
  %o = tensor.empty() : tensor<2x3x8x5xf32>
  // expected-remark @below {{recurrence: made linnet.linear_attention}}
  %r:2 = scf.for %t = %c0 to %n step %c1 iter_args(%s = %s0, %out = %o) -> (tensor<2x3x4x5xf32>, tensor<2x3x8x5xf32>) {
    %qt = tensor.extract_slice %q[0, 0, %t, 0] [2, 3, 1, 4] [1, 1, 1, 1] : tensor<2x3x8x4xf32> to tensor<2x3x4xf32>
    %kt = tensor.extract_slice %k[0, 0, %t, 0] [2, 3, 1, 4] [1, 1, 1, 1] : tensor<2x3x8x4xf32> to tensor<2x3x4xf32>
    %vt = tensor.extract_slice %v[0, %t, 0, 0] [2, 1, 3, 5] [1, 1, 1, 1] : tensor<2x8x3x5xf32> to tensor<2x3x5xf32>
    %gt = tensor.extract_slice %g[0, 0, %t] [2, 3, 1] [1, 1, 1] : tensor<2x3x8xf32> to tensor<2x3xf32>
    %e = math.exp %gt : tensor<2x3xf32>
    %eb = linnet.broadcast %e dims [0, 1] : tensor<2x3xf32> -> tensor<2x3x4x5xf32>
    %kv = linnet.einsum "bhk,bhd->bhkd" %kt, %vt : tensor<2x3x4xf32>, tensor<2x3x5xf32> -> tensor<2x3x4x5xf32>
    %s1 = arith.mulf %eb, %s : tensor<2x3x4x5xf32>
    %s2 = arith.addf %s1, %kv : tensor<2x3x4x5xf32>
    %half = arith.constant dense<0.5> : tensor<2x3x5xf32>
    %y = linnet.einsum "bhk,bhkd->bhd" %qt, %s2 : tensor<2x3x4xf32>, tensor<2x3x4x5xf32> -> tensor<2x3x5xf32>
    %ys = arith.mulf %y, %half : tensor<2x3x5xf32>
    %next = tensor.insert_slice %ys into %out[0, 0, %t, 0] [2, 3, 1, 5] [1, 1, 1, 1] : tensor<2x3x5xf32> into tensor<2x3x8x5xf32>
    scf.yield %s2, %next : tensor<2x3x4x5xf32>, tensor<2x3x8x5xf32>
  }
  return %r#1, %r#0 : tensor<2x3x8x5xf32>, tensor<2x3x4x5xf32>
}

// -----

// The delta rule, one loop over heads around it.
// CHECK-LABEL: func.func @heads
// CHECK-NOT: scf.for
// CHECK: %[[O:.*]] = linnet.linear_attention %{{.*}}, %{{.*}}, %{{.*}} beta(%{{.*}} : tensor<1x3x8xf32>) read<pre>
// CHECK-NOT: scf.for
func.func @heads(%q: tensor<3x8x4xf32>, %k: tensor<3x8x4xf32>, %v: tensor<3x8x5xf32>, %beta: tensor<3x8xf32>) -> tensor<3x8x5xf32> {
  %c0 = arith.constant 0 : index
  %c1 = arith.constant 1 : index
  %c3 = arith.constant 3 : index
  %n = arith.constant 8 : index
  %all = tensor.empty() : tensor<3x8x5xf32>
  // expected-remark @below {{recurrence: made linnet.linear_attention}}
  %r = scf.for %h = %c0 to %c3 step %c1 iter_args(%heads = %all) -> (tensor<3x8x5xf32>) {
    %zeros = arith.constant dense<0.0> : tensor<4x5xf32>
    %o = tensor.empty() : tensor<8x5xf32>
    %y:2 = scf.for %t = %c0 to %n step %c1 iter_args(%s = %zeros, %out = %o) -> (tensor<4x5xf32>, tensor<8x5xf32>) {
      %qt = tensor.extract_slice %q[%h, %t, 0] [1, 1, 4] [1, 1, 1] : tensor<3x8x4xf32> to tensor<4xf32>
      %kt = tensor.extract_slice %k[%h, %t, 0] [1, 1, 4] [1, 1, 1] : tensor<3x8x4xf32> to tensor<4xf32>
      %vt = tensor.extract_slice %v[%h, %t, 0] [1, 1, 5] [1, 1, 1] : tensor<3x8x5xf32> to tensor<5xf32>
      %b = tensor.extract %beta[%h, %t] : tensor<3x8xf32>
      %read = linnet.einsum "k,kd->d" %qt, %s : tensor<4xf32>, tensor<4x5xf32> -> tensor<5xf32>
      %found = linnet.einsum "k,kd->d" %kt, %s : tensor<4xf32>, tensor<4x5xf32> -> tensor<5xf32>
      %error = arith.subf %vt, %found : tensor<5xf32>
      %rate = linnet.broadcast %b : f32 -> tensor<5xf32>
      %step = arith.mulf %rate, %error : tensor<5xf32>
      %kv = linnet.einsum "k,d->kd" %kt, %step : tensor<4xf32>, tensor<5xf32> -> tensor<4x5xf32>
      %s2 = arith.addf %s, %kv : tensor<4x5xf32>
      %next = tensor.insert_slice %read into %out[%t, 0] [1, 5] [1, 1] : tensor<5xf32> into tensor<8x5xf32>
      scf.yield %s2, %next : tensor<4x5xf32>, tensor<8x5xf32>
    }
    %more = tensor.insert_slice %y#1 into %heads[%h, 0, 0] [1, 8, 5] [1, 1, 1] : tensor<8x5xf32> into tensor<3x8x5xf32>
    scf.yield %more : tensor<3x8x5xf32>
  }
  return %r : tensor<3x8x5xf32>
}

// -----

// CHECK-LABEL: func.func @gate_of_unknown_sign
// CHECK: scf.for
func.func @gate_of_unknown_sign(%q: tensor<8x4xf32>, %k: tensor<8x4xf32>, %v: tensor<8x5xf32>, %a: tensor<8xf32>) -> tensor<8x5xf32> {
  %c0 = arith.constant 0 : index
  %c1 = arith.constant 1 : index
  %n = arith.constant 8 : index
  %zeros = arith.constant dense<0.0> : tensor<4x5xf32>
  %o = tensor.empty() : tensor<8x5xf32>
  // expected-remark @below {{recurrence, almost: the state is multiplied with what may be negative, and the decay is given by its logarithm}}
  %y:2 = scf.for %t = %c0 to %n step %c1 iter_args(%s = %zeros, %out = %o) -> (tensor<4x5xf32>, tensor<8x5xf32>) {
    %qt = tensor.extract_slice %q[%t, 0] [1, 4] [1, 1] : tensor<8x4xf32> to tensor<4xf32>
    %kt = tensor.extract_slice %k[%t, 0] [1, 4] [1, 1] : tensor<8x4xf32> to tensor<4xf32>
    %vt = tensor.extract_slice %v[%t, 0] [1, 5] [1, 1] : tensor<8x5xf32> to tensor<5xf32>
    %at = tensor.extract %a[%t] : tensor<8xf32>
    %ab = linnet.broadcast %at : f32 -> tensor<4x5xf32>
    %s1 = arith.mulf %s, %ab : tensor<4x5xf32>
    %kv = linnet.einsum "k,d->kd" %kt, %vt : tensor<4xf32>, tensor<5xf32> -> tensor<4x5xf32>
    %s2 = arith.addf %s1, %kv : tensor<4x5xf32>
    %read = linnet.einsum "k,kd->d" %qt, %s2 : tensor<4xf32>, tensor<4x5xf32> -> tensor<5xf32>
    %next = tensor.insert_slice %read into %out[%t, 0] [1, 5] [1, 1] : tensor<5xf32> into tensor<8x5xf32>
    scf.yield %s2, %next : tensor<4x5xf32>, tensor<8x5xf32>
  }
  return %y#1 : tensor<8x5xf32>
}
