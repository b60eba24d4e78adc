// RUN: linnet-opt %s -split-input-file -verify-diagnostics | linnet-opt -split-input-file | FileCheck %s

// CHECK-LABEL: func @conv2d
func.func @conv2d(%x: tensor<?x4x9x9xf32>, %w: tensor<6x2x3x3xf32>, %b: tensor<6xf32>) -> tensor<?x6x5x4xf32> {
  // CHECK: linnet.conv %{{.*}}, %{{.*}} bias %{{.*}} groups 2 strides [2, 2] padding [1, 1, 0, 1] :
  %y = linnet.conv %x, %w bias %b groups 2 strides [2, 2] padding [1, 1, 0, 1]
      : tensor<?x4x9x9xf32>, tensor<6x2x3x3xf32>, tensor<6xf32> -> tensor<?x6x5x4xf32>
  return %y : tensor<?x6x5x4xf32>
}

// CHECK-LABEL: func @conv1d
func.func @conv1d(%x: tensor<2x3x?xbf16>, %w: tensor<5x3x7xbf16>) -> tensor<2x5x?xbf16> {
  // CHECK: linnet.conv %{{.*}}, %{{.*}} dilations [3] :
  %y = linnet.conv %x, %w dilations [3] : tensor<2x3x?xbf16>, tensor<5x3x7xbf16> -> tensor<2x5x?xbf16>
  return %y : tensor<2x5x?xbf16>
}

// -----

func.func @c1(%x: tensor<1x2x3x3xf32>, %w: tensor<1x2x3xf32>) {
  // expected-error @+1 {{expects input and filter of one rank of at least 3, found ranks 4 and 3}}
  linnet.conv %x, %w : tensor<1x2x3x3xf32>, tensor<1x2x3xf32> -> tensor<1x1x1x1xf32>
}

// -----

func.func @c2(%x: tensor<1x2x3x3xf32>, %w: tensor<1x2x3x3xf32>) {
  // expected-error @+1 {{expects 2 entries in 'strides' for 2 spatial dimensions, found 1}}
  linnet.conv %x, %w strides [1] : tensor<1x2x3x3xf32>, tensor<1x2x3x3xf32> -> tensor<1x1x1x1xf32>
}

// -----

func.func @c2_zero(%x: tensor<1x2x3x3xf32>, %w: tensor<1x2x3x3xf32>) {
  // expected-error @+1 {{expects entries of at least 1 in 'dilations', found 0}}
  linnet.conv %x, %w dilations [1, 0] : tensor<1x2x3x3xf32>, tensor<1x2x3x3xf32> -> tensor<1x1x1x1xf32>
}

// -----

func.func @c3(%x: tensor<1x2x3x3xf32>, %w: tensor<1x2x3x3xf32>) {
  // expected-error @+1 {{expects entries of at least 0 in 'padding', found -1}}
  linnet.conv %x, %w padding [0, -1, 0, 0] : tensor<1x2x3x3xf32>, tensor<1x2x3x3xf32> -> tensor<1x1x1x1xf32>
}

// -----

func.func @c4(%x: tensor<1x3x3x3xf32>, %w: tensor<2x1x3x3xf32>) {
  // expected-error @+1 {{expects 3 input channels to be a multiple of 2 groups}}
  linnet.conv %x, %w groups 2 : tensor<1x3x3x3xf32>, tensor<2x1x3x3xf32> -> tensor<1x2x1x1xf32>
}

// -----

func.func @c5(%x: tensor<1x4x3x3xf32>, %w: tensor<2x1x3x3xf32>) {
  // expected-error @+1 {{expects 1 channels per group of the filter to match 4 input channels in 2 groups}}
  linnet.conv %x, %w groups 2 : tensor<1x4x3x3xf32>, tensor<2x1x3x3xf32> -> tensor<1x2x1x1xf32>
}

// -----

func.func @c6(%x: tensor<1x4x3x3xf32>, %w: tensor<2x4x3x3xf32>, %b: tensor<3xf32>) {
  // expected-error @+1 {{expects a bias of one size per output channel of 'tensor<2x4x3x3xf32>', found 'tensor<3xf32>'}}
  linnet.conv %x, %w bias %b : tensor<1x4x3x3xf32>, tensor<2x4x3x3xf32>, tensor<3xf32> -> tensor<1x2x1x1xf32>
}

// -----

func.func @c7(%x: tensor<1x4x3x3xf32>, %w: tensor<2x4x3x3xf32>) {
  // expected-error @+1 {{expects the dilated filter size 5 of spatial dimension 1 from 1 to the padded input size 3}}
  linnet.conv %x, %w dilations [1, 2] : tensor<1x4x3x3xf32>, tensor<2x4x3x3xf32> -> tensor<1x2x1x1xf32>
}

// -----

func.func @c8(%x: tensor<1x4x3x3xf32>, %w: tensor<2x4x3x3xf16>) {
  // expected-error @+1 {{expects input element type 'f32' to match filter element type 'f16'}}
  linnet.conv %x, %w : tensor<1x4x3x3xf32>, tensor<2x4x3x3xf16> -> tensor<1x2x1x1xf32>
}

// -----

func.func @c9(%x: tensor<1x4x3x3xf32>, %w: tensor<2x4x2x3xf32>) {
  // expected-error @+1 {{expects result type 'tensor<1x2x2x1xf32>', found 'tensor<1x2x1x1xf32>'}}
  linnet.conv %x, %w : tensor<1x4x3x3xf32>, tensor<2x4x2x3xf32> -> tensor<1x2x1x1xf32>
}
