// RUN: linnet-opt %s -split-input-file -verify-diagnostics | linnet-opt -split-input-file | FileCheck %s

// CHECK-LABEL: func @batch_norms
func.func @batch_norms(%x: tensor<?x8x4x?xbf16>, %s: tensor<8xbf16>, %m: tensor<8xf32>) {
  // CHECK: linnet.batch_norm %{{.*}} mean(%{{.*}} : tensor<8xf32>) var(%{{.*}} : tensor<8xf32>) scale(%{{.*}} : tensor<8xbf16>) eps 1.000000e-05 : tensor<?x8x4x?xbf16>
  %0 = linnet.batch_norm %x mean(%m : tensor<8xf32>) var(%m : tensor<8xf32>) scale(%s : tensor<8xbf16>) eps 1.0e-5 : tensor<?x8x4x?xbf16>
  // CHECK: linnet.batch_norm_train %{{.*}} bias(%{{.*}} : tensor<8xf32>) running(%{{.*}}, %{{.*}} : tensor<8xf32>, tensor<8xf32>) momentum 1.000000e-01 eps 1.000000e-05 : tensor<?x8x4x?xbf16> -> tensor<8xf32>, tensor<8xf32>, tensor<8xf32>, tensor<8xf32>
  %y:5 = linnet.batch_norm_train %x bias(%m : tensor<8xf32>) running(%m, %m : tensor<8xf32>, tensor<8xf32>) momentum 1.0e-1 eps 1.0e-5
      : tensor<?x8x4x?xbf16> -> tensor<8xf32>, tensor<8xf32>, tensor<8xf32>, tensor<8xf32>
  // CHECK: linnet.batch_norm_train %{{.*}} eps 1.000000e-05 : tensor<?x8x4x?xbf16> -> tensor<8xf32>, tensor<8xf32>
  %z:3 = linnet.batch_norm_train %x eps 1.0e-5 : tensor<?x8x4x?xbf16> -> tensor<8xf32>, tensor<8xf32>
  // CHECK: linnet.batch_norm_grad %{{.*}} scale(%{{.*}} : tensor<8xbf16>) eps 1.000000e-05 : tensor<?x8x4x?xbf16>, tensor<8xf32>, tensor<8xf32>
  %g:3 = linnet.batch_norm_grad %0, %x, %z#1, %z#2 scale(%s : tensor<8xbf16>) eps 1.0e-5 : tensor<?x8x4x?xbf16>, tensor<8xf32>, tensor<8xf32>
  return
}

// -----

func.func @c1(%x: tensor<8xf32>, %m: tensor<8xf32>) {
  // expected-error @+1 {{expects an input with batch and channels, found 'tensor<8xf32>'}}
  linnet.batch_norm %x mean(%m : tensor<8xf32>) var(%m : tensor<8xf32>) eps 1.0e-5 : tensor<8xf32>
}

// -----

func.func @c2(%x: tensor<2x8xf32>, %m: tensor<8xf32>) {
  // expected-error @+1 {{expects a finite eps of at least 0, found -1.0}}
  linnet.batch_norm %x mean(%m : tensor<8xf32>) var(%m : tensor<8xf32>) eps -1.0 : tensor<2x8xf32>
}

// -----

func.func @c3(%x: tensor<2x8xf32>, %m: tensor<7xf32>) {
  // expected-error @+1 {{expects mean of one value per channel of 'tensor<2x8xf32>', found 'tensor<7xf32>'}}
  linnet.batch_norm %x mean(%m : tensor<7xf32>) var(%m : tensor<7xf32>) eps 0.0 : tensor<2x8xf32>
}

// -----

func.func @c4(%x: tensor<2x8xf32>, %s: tensor<8xf16>) {
  // expected-error @+1 {{expects scale of element type 'f32' or f32, found 'f16'}}
  linnet.batch_norm_train %x scale(%s : tensor<8xf16>) eps 0.0 : tensor<2x8xf32> -> tensor<8xf32>, tensor<8xf32>
}

// -----

func.func @c6(%x: tensor<2x8xf32>, %m: tensor<8xf32>) {
  // expected-error @+1 {{expects two running statistics and two updated ones or none, found 2 and 0}}
  linnet.batch_norm_train %x running(%m, %m : tensor<8xf32>, tensor<8xf32>) momentum 0.1 eps 0.0 : tensor<2x8xf32> -> tensor<8xf32>, tensor<8xf32>
}

// -----

func.func @c6_momentum(%x: tensor<2x8xf32>) {
  // expected-error @+1 {{expects a momentum from 0 to 1 with running statistics and none without, found 1.000000e-01 with 0}}
  linnet.batch_norm_train %x momentum 0.1 eps 0.0 : tensor<2x8xf32> -> tensor<8xf32>, tensor<8xf32>
}
