// RUN: linnet-opt %s -split-input-file -verify-diagnostics | linnet-opt -split-input-file | FileCheck %s

ml_program.global private @w(dense<1.0> : tensor<3xf32>) : tensor<3xf32>
func.func private @loss(%x: tensor<3xf32>, %i: tensor<3xi64>) -> tensor<f32> {
  %w = ml_program.global_load @w : tensor<3xf32>
  // CHECK: linnet.checkpoint -> tensor<3xf32>
  %y = linnet.checkpoint -> tensor<3xf32> {
    %p = arith.mulf %x, %w : tensor<3xf32>
    // CHECK: linnet.stop_gradient %{{.*}} : tensor<3xf32>
    %s = linnet.stop_gradient %p : tensor<3xf32>
    linnet.yield %s : tensor<3xf32>
  }
  %l = linnet.reduce sum %y axes [0] : tensor<3xf32> -> tensor<f32>
  return %l : tensor<f32>
}
// CHECK-LABEL: @grad
func.func @grad(%x: tensor<3xf32>, %i: tensor<3xi64>) -> tensor<3xf32> {
  // CHECK: linnet.value_and_grad @loss(%{{.*}}, %{{.*}}) wrt [0, @w] : (tensor<3xf32>, tensor<3xi64>) -> (tensor<f32>, tensor<3xf32>, tensor<3xf32>)
  %l, %dx, %dw = linnet.value_and_grad @loss(%x, %i) wrt [0, @w]
      : (tensor<3xf32>, tensor<3xi64>) -> (tensor<f32>, tensor<3xf32>, tensor<3xf32>)
  return %dw : tensor<3xf32>
}

// -----

func.func private @loss(%x: tensor<3xf32>, %i: tensor<3xi64>) -> tensor<3xf32> {
  return %x : tensor<3xf32>
}
func.func @c2(%x: tensor<3xf32>, %i: tensor<3xi64>) {
  // expected-error @+1 {{expects the first result of 'loss' to be a float or a tensor of rank 0, found 'tensor<3xf32>'}}
  %l, %dx = linnet.value_and_grad @loss(%x, %i) wrt [0]
      : (tensor<3xf32>, tensor<3xi64>) -> (tensor<3xf32>, tensor<3xf32>)
  return
}

// -----

func.func private @loss(%x: tensor<3xf32>, %i: tensor<3xi64>) -> tensor<f32>
func.func @c1(%x: tensor<3xf32>, %i: tensor<3xi64>) {
  // expected-error @+1 {{expects @loss to be a function of this module with a body}}
  %l, %dx = linnet.value_and_grad @loss(%x, %i) wrt [0]
      : (tensor<3xf32>, tensor<3xi64>) -> (tensor<f32>, tensor<3xf32>)
  return
}

// -----

func.func @c4(%x: tensor<3xf32>, %i: tensor<3xi64>) {
  // expected-error @+1 {{expects operand 1 in 'wrt' to be a float or a tensor of floats, found 'tensor<3xi64>'}}
  %l, %dx = linnet.value_and_grad @loss(%x, %i) wrt [1]
      : (tensor<3xf32>, tensor<3xi64>) -> (tensor<f32>, tensor<3xi64>)
  return
}

// -----

func.func @checkpoint(%x: tensor<3xf32>) {
  // expected-error @+1 {{expects to yield ('tensor<4xf32>'), found ('tensor<3xf32>')}}
  %y = linnet.checkpoint -> tensor<4xf32> {
    linnet.yield %x : tensor<3xf32>
  }
  return
}
