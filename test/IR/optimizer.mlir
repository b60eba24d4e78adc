// RUN: linnet-opt %s -split-input-file -verify-diagnostics | linnet-opt -split-input-file | FileCheck %s

// CHECK-LABEL: @adamw
func.func @adamw(%p: tensor<8xbf16>, %g: tensor<8xbf16>, %m: tensor<8xf32>, %w: tensor<8xf32>,
                 %lr: tensor<f32>, %t: tensor<i64>) -> tensor<8xbf16> {
  // CHECK: linnet.adamw params({{.*}}) grads({{.*}}) means({{.*}}) variances({{.*}}) masters({{.*}}) lr(%{{.*}}) step(%{{.*}}) beta1({{.*}})
  %r:4 = linnet.adamw params(%p : tensor<8xbf16>) grads(%g : tensor<8xbf16>)
      means(%m : tensor<8xf32>) variances(%m : tensor<8xf32>) masters(%w : tensor<8xf32>)
      lr(%lr) step(%t) beta1(0.8) -> tensor<8xbf16>, tensor<8xf32>, tensor<8xf32>, tensor<8xf32>
  return %r#0 : tensor<8xbf16>
}

// -----

func.func @c1(%p: tensor<8xf32>, %g: tensor<7xf32>, %lr: tensor<f32>) {
  // expected-error @+1 {{expects gradients 0 of type 'tensor<8xf32>', found 'tensor<7xf32>'}}
  %r = linnet.sgd params(%p : tensor<8xf32>) grads(%g : tensor<7xf32>) lr(%lr) -> tensor<8xf32>
  return
}

// -----

func.func @c2(%p: tensor<8xf16>, %m: tensor<8xf32>, %lr: tensor<f32>) {
  // expected-error @+1 {{expects 'masters', because parameters have 16 bits}}
  %r:2 = linnet.lion params(%p : tensor<8xf16>) grads(%p : tensor<8xf16>) means(%m : tensor<8xf32>)
      lr(%lr) -> tensor<8xf16>, tensor<8xf32>
  return
}

// -----

func.func @c3(%p: tensor<8xf32>, %lr: tensor<f32>) {
  // expected-error @+1 {{expects as results the parameters, the states and the masters (2 tensors of their types), found 1}}
  %r = linnet.lion params(%p : tensor<8xf32>) grads(%p : tensor<8xf32>) means(%p : tensor<8xf32>)
      lr(%lr) -> tensor<8xf32>
  return
}

// -----

func.func @c4(%p: tensor<8xf32>, %lr: tensor<f32>) {
  // expected-error @+1 {{expects beta2 from 0 to below 1, found 1.000000e+00}}
  %r:2 = linnet.lion params(%p : tensor<8xf32>) grads(%p : tensor<8xf32>) means(%p : tensor<8xf32>)
      lr(%lr) beta2(1.0) -> tensor<8xf32>, tensor<8xf32>
  return
}

// -----

func.func @c5(%p: tensor<8xf32>, %lr: tensor<f32>) {
  // expected-error @+1 {{expects 'momenta' and 'step' exactly when momentum is positive, found momentum 9.000000e-01}}
  %r = linnet.sgd params(%p : tensor<8xf32>) grads(%p : tensor<8xf32>) lr(%lr) momentum(0.9)
      -> tensor<8xf32>
  return
}

// -----

func.func @schedule(%t: tensor<i64>) {
  // expected-error @+1 {{expects power above 0.5 and at most 1, found 5.000000e-01}}
  %r = linnet.robbins_monro %t base(0.1) power(0.5)
  return
}
