// RUN: linnet-opt %s -split-input-file -verify-diagnostics | linnet-opt -split-input-file | FileCheck %s

// CHECK-LABEL: func @losses
func.func @losses(%x: tensor<4x?x10xbf16>, %t: tensor<4x?xi32>, %d: tensor<f32>) {
  // CHECK: linnet.cross_entropy mean %{{.*}}, %{{.*}} : tensor<4x?x10xbf16>, tensor<4x?xi32> -> tensor<f32>
  %0 = linnet.cross_entropy mean %x, %t : tensor<4x?x10xbf16>, tensor<4x?xi32> -> tensor<f32>
  // CHECK: linnet.cross_entropy none %{{.*}}, %{{.*}} ignore_index 0 label_smoothing 1.000000e-01 : tensor<4x?x10xbf16>, tensor<4x?xi32> -> tensor<4x?xf32>, tensor<4x?xf32>
  %1, %lse = linnet.cross_entropy none %x, %t ignore_index 0 label_smoothing 1.0e-1
      : tensor<4x?x10xbf16>, tensor<4x?xi32> -> tensor<4x?xf32>, tensor<4x?xf32>
  // CHECK: linnet.cross_entropy_grad sum %{{.*}}, %{{.*}}, %{{.*}}, %{{.*}} : tensor<f32>, tensor<4x?x10xbf16>, tensor<4x?xi32>, tensor<4x?xf32>
  %2 = linnet.cross_entropy_grad sum %d, %x, %t, %lse
      : tensor<f32>, tensor<4x?x10xbf16>, tensor<4x?xi32>, tensor<4x?xf32>
  // CHECK: linnet.cross_entropy_grad none %{{.*}} ignore_index 0 label_smoothing 1.000000e-01
  %3 = linnet.cross_entropy_grad none %1, %x, %t, %lse ignore_index 0 label_smoothing 1.0e-1
      : tensor<4x?xf32>, tensor<4x?x10xbf16>, tensor<4x?xi32>, tensor<4x?xf32>
  return
}

// -----

func.func @c1(%x: tensor<f32>, %t: tensor<i64>) {
  // expected-error @+1 {{expects logits with an axis of classes, found 'tensor<f32>'}}
  linnet.cross_entropy sum %x, %t : tensor<f32>, tensor<i64> -> tensor<f32>
}

// -----

func.func @c2(%x: tensor<4x10xf32>, %t: tensor<5xi64>) {
  // expected-error @+1 {{expects a target per row of the logits 'tensor<4x10xf32>', found 'tensor<5xi64>'}}
  linnet.cross_entropy sum %x, %t : tensor<4x10xf32>, tensor<5xi64> -> tensor<f32>
}

// -----

func.func @c3(%x: tensor<4x10xf32>, %t: tensor<4xi64>) {
  // expected-error @+1 {{expects a label smoothing from 0 to 1, found 1.5}}
  linnet.cross_entropy sum %x, %t label_smoothing 1.5 : tensor<4x10xf32>, tensor<4xi64> -> tensor<f32>
}

// -----

func.func @c4_none(%x: tensor<4x10xf32>, %t: tensor<4xi64>) {
  // expected-error @+1 {{expects a loss of the shape of the targets 'tensor<4xi64>', found 'tensor<f32>'}}
  linnet.cross_entropy none %x, %t : tensor<4x10xf32>, tensor<4xi64> -> tensor<f32>
}

// -----

func.func @c4_mean(%d: tensor<4xf32>, %x: tensor<4x10xf32>, %t: tensor<4xi64>, %l: tensor<4xf32>) {
  // expected-error @+1 {{expects a loss of 'tensor<f32>', found 'tensor<4xf32>'}}
  linnet.cross_entropy_grad mean %d, %x, %t, %l
      : tensor<4xf32>, tensor<4x10xf32>, tensor<4xi64>, tensor<4xf32>
}

// -----

func.func @c5(%x: tensor<4x10xf32>, %t: tensor<4xi64>) {
  // expected-error @+1 {{expects lse of the shape of the targets 'tensor<4xi64>', found 'tensor<3xf32>'}}
  linnet.cross_entropy sum %x, %t : tensor<4x10xf32>, tensor<4xi64> -> tensor<f32>, tensor<3xf32>
}
