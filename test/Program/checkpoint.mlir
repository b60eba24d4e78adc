// RUN: linnet-opt %s --linnet-structured --linnet-dispatches --linnet-checkpoint=budget=43000 \
// RUN:   | FileCheck %s
// RUN: linnet-opt %s --linnet-structured --linnet-dispatches --linnet-checkpoint=kept=4000 \
// RUN:   | FileCheck %s --check-prefix=KEPT
// RUN: not linnet-opt %s --linnet-structured --linnet-dispatches --linnet-checkpoint=budget=4096 \
// RUN:   2>&1 | FileCheck %s --check-prefix=SMALL
// RUN: not linnet-opt %s --linnet-structured --linnet-dispatches --linnet-checkpoint=kept=1 2>&1 \
// RUN:   | FileCheck %s --check-prefix=NONE

// A train step of three layers: what is missing of the forward half runs again.
// CHECK-LABEL: func.func @train
// CHECK-SAME:    exec.recompute = {{.*}} recomputed = 5 : i64, repeats = [{kernel = "
// CHECK-COUNT-5: exec.dispatch @{{.*}} {recomputed}
// CHECK-NOT:     recomputed}
// CHECK:         return

// KEPT: kept = 3072 : i64, kept_budget = 4000 : i64
// KEPT: exec.dispatch @{{.*}} {recomputed}

// SMALL: 'train' does not fit the memory budget of 4096 bytes: the planner needs at least 42376, and no plan less than 42376
// NONE: 'train' does not fit the activation budget of 1 bytes: the planner keeps at least 3072 between forward and backward

!T = tensor<24x32xf32>
!M = tensor<32x32xf32>

ml_program.global private mutable @w0(dense<0.01> : !M) : !M
ml_program.global private mutable @w1(dense<0.02> : !M) : !M
ml_program.global private mutable @w2(dense<0.03> : !M) : !M
func.func private @loss(%x0: !T) -> tensor<f32> {
  %w0 = ml_program.global_load @w0 : !M
  %w1 = ml_program.global_load @w1 : !M
  %w2 = ml_program.global_load @w2 : !M
  %h0 = linnet.einsum "nk,km->nm" %x0, %w0 : !T, !M -> !T
  %t0 = math.tanh %h0 : !T
  %x1 = arith.addf %x0, %t0 : !T
  %h1 = linnet.einsum "nk,km->nm" %x1, %w1 : !T, !M -> !T
  %t1 = math.tanh %h1 : !T
  %x2 = arith.addf %x1, %t1 : !T
  %h2 = linnet.einsum "nk,km->nm" %x2, %w2 : !T, !M -> !T
  %t2 = math.tanh %h2 : !T
  %x3 = arith.addf %x2, %t2 : !T
  %l = linnet.reduce mean %x3 axes [0, 1] : !T -> tensor<f32>
  return %l : tensor<f32>
}
func.func @train(%x: !T, %lr: tensor<f32>) -> tensor<f32> {
  %l, %g:3 = linnet.value_and_grad @loss(%x) wrt [@w0, @w1, @w2] : (!T) -> (tensor<f32>, !M, !M, !M)
  %w0 = ml_program.global_load @w0 : !M
  %w1 = ml_program.global_load @w1 : !M
  %w2 = ml_program.global_load @w2 : !M
  %n:3 = linnet.sgd params(%w0, %w1, %w2 : !M, !M, !M) grads(%g#0, %g#1, %g#2 : !M, !M, !M) lr(%lr) -> !M, !M, !M
  ml_program.global_store @w0 = %n#0 : !M
  ml_program.global_store @w1 = %n#1 : !M
  ml_program.global_store @w2 = %n#2 : !M
  return %l : tensor<f32>
}
