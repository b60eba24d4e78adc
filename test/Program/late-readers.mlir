// RUN: linnet-opt %s --linnet-structured --linnet-dispatches | FileCheck %s

// What a backward half reads of the forward half is kept in between. The tangent is not: %h is
// there, and the reader computes it again.

!M = tensor<64x64xf32>

// CHECK-LABEL: func.func @elementwise
// CHECK:         %[[H:.*]] = exec.dispatch @[[FIRST:.*]] ins(%arg0, %arg1 :
// CHECK:         %[[U:.*]] = exec.dispatch @{{.*}} ins(%[[H]] : {{.*}}) -> (tensor<64x64xf32>)
// CHECK:         %[[G:.*]] = exec.dispatch @[[LATE:.*]] ins(%[[U]], %arg1, %[[H]] :
// CHECK:         return %[[G]]
func.func @elementwise(%x: !M, %w: !M) -> !M {
  %h = linnet.einsum "nk,km->nm" %x, %w : !M, !M -> !M
  %t = math.tanh %h : !M
  %one = arith.constant dense<1.0> : !M
  %t1 = arith.addf %t, %one : !M
  %u = arith.mulf %t, %h : !M
  %y = linnet.einsum "nk,km->nm" %u, %w : !M, !M -> !M
  %s = arith.mulf %t, %t1 : !M
  %g = arith.mulf %y, %s : !M
  return %g : !M
}

// A value that a product reads is stored anyway.
// CHECK-LABEL: func.func @stored
// CHECK:         %[[T:.*]] = exec.dispatch
// CHECK:         exec.dispatch @{{.*}} ins(%[[T]], %arg1 :
func.func @stored(%x: !M, %w: !M) -> !M {
  %h = linnet.einsum "nk,km->nm" %x, %w : !M, !M -> !M
  %t = math.tanh %h : !M
  %y = linnet.einsum "nk,km->nm" %t, %w : !M, !M -> !M
  %g = arith.mulf %y, %t : !M
  return %g : !M
}

// But a late product reads it from the epilogue that has what it is a function of: %u is not kept.
// CHECK-LABEL: func.func @product
// CHECK:         %[[H:.*]] = exec.dispatch @{{.*}} ins(%arg0, %arg1 :
// CHECK:         %[[U:.*]] = exec.dispatch @{{.*}} ins(%[[H]] :
// CHECK:         %[[Y:.*]] = exec.dispatch @{{.*}} ins(%[[U]], %arg1 :
// CHECK:         %[[BOTH:.*]]:2 = exec.dispatch @[[BESIDE:.*]] ins(%[[Y]], %arg1, %[[H]] :
// CHECK:         %[[D:.*]] = exec.dispatch @{{.*}} ins(%[[BOTH]]#1, %[[Y]] :
// CHECK:         return %[[BOTH]]#0, %[[D]]
func.func @product(%x: !M, %w: !M) -> (!M, !M) {
  %h = linnet.einsum "nk,km->nm" %x, %w : !M, !M -> !M
  %t = math.tanh %h : !M
  %u = arith.mulf %t, %h : !M
  %y = linnet.einsum "nk,km->nm" %u, %w : !M, !M -> !M
  %d = linnet.einsum "nk,nm->km" %u, %y : !M, !M -> !M
  %z = linnet.einsum "nk,mk->nm" %y, %w : !M, !M -> !M
  %s = arith.mulf %t, %h : !M
  %p = arith.addf %s, %t : !M
  %g = arith.mulf %z, %p : !M
  return %g, %d : !M, !M
}

// Not where the epilogue needs that product.
// CHECK-LABEL: func.func @needed
// CHECK:         %[[H:.*]] = exec.dispatch @{{.*}} ins(%arg0, %arg1 :
// CHECK:         %[[U:.*]] = exec.dispatch @{{.*}} ins(%[[H]] :
// CHECK:         %[[Y:.*]] = exec.dispatch @{{.*}} ins(%[[U]], %arg1 :
// CHECK:         %[[D:.*]] = exec.dispatch @{{.*}} ins(%[[U]], %[[Y]] :
// CHECK:         %[[G:.*]] = exec.dispatch @{{.*}} ins(%[[D]], %arg1, %[[H]] :
// CHECK:         return %[[G]]
func.func @needed(%x: !M, %w: !M) -> !M {
  %h = linnet.einsum "nk,km->nm" %x, %w : !M, !M -> !M
  %t = math.tanh %h : !M
  %u = arith.mulf %t, %h : !M
  %y = linnet.einsum "nk,km->nm" %u, %w : !M, !M -> !M
  %d = linnet.einsum "nk,nm->km" %u, %y : !M, !M -> !M
  %z = linnet.einsum "nk,mk->nm" %d, %w : !M, !M -> !M
  %p = arith.addf %h, %t : !M
  %g = arith.mulf %z, %p : !M
  return %g : !M
}

!H = tensor<1x2x16x8xf32>

// Of the heads and their copy by rows only the copy is kept.
// CHECK-LABEL: func.func @transposed
// CHECK:         %[[O:.*]]:2 = exec.dispatch @attention
// CHECK:         %[[HEADS:.*]] = tensor.collapse_shape %[[O]]#0
// CHECK:         %[[ROWS:.*]] = exec.dispatch @{{.*}} ins(%[[HEADS]] :
// CHECK-NOT:     %[[O]]#0
// CHECK:         exec.dispatch @attention_grad{{.*}} ins(%{{.*}}, %[[ROWS]], %[[O]]#1
func.func @transposed(%q: !H, %w: tensor<16x16xf32>) -> !H {
  %o, %lse = linnet.attention %q, %q, %q : !H, !H, !H -> !H, tensor<1x2x16xf32>
  %r = linnet.einsum "bhnd->bnhd" %o : !H -> tensor<1x16x2x8xf32>
  %m = tensor.collapse_shape %r [[0, 1], [2, 3]] : tensor<1x16x2x8xf32> into tensor<16x16xf32>
  %y = linnet.einsum "nk,km->nm" %m, %w : tensor<16x16xf32>, tensor<16x16xf32> -> tensor<16x16xf32>
  %s = tensor.expand_shape %y [[0, 1], [2, 3]] output_shape [1, 16, 2, 8]
      : tensor<16x16xf32> into tensor<1x16x2x8xf32>
  %e = linnet.einsum "bnhd->bhnd" %s : tensor<1x16x2x8xf32> -> !H
  %dq, %dk, %dv = linnet.attention_grad %q, %q, %q out(%o, %lse : tensor<1x2x16xf32>) grad(%e)
      : !H, !H, !H, !H -> !H, !H, !H
  return %dq : !H
}

// CHECK:       exec.kernel @[[LATE]](
// CHECK:         math.tanh
// CHECK-NOT:     math.tanh
// CHECK:       exec.kernel
// CHECK:       exec.kernel @[[BESIDE]](
// CHECK:         math.tanh
// CHECK-NOT:     math.tanh
// CHECK:       exec.kernel
