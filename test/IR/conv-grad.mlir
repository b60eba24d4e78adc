// RUN: linnet-opt %s -split-input-file -verify-diagnostics | linnet-opt -split-input-file | FileCheck %s

// CHECK-LABEL: func @gradients
func.func @gradients(%x: tensor<?x8x7x7xf32>, %w: tensor<8x4x3x3xf32>, %b: tensor<4xf32>, %i: tensor<?x4x14x14xf32>) {
  // CHECK: linnet.conv_transpose %{{.*}}, %{{.*}} bias %{{.*}} strides [2, 2] padding [1, 1, 1, 1] output_padding [1, 1] : tensor<?x8x7x7xf32>, tensor<8x4x3x3xf32>, tensor<4xf32> -> tensor<?x4x14x14xf32>
  %0 = linnet.conv_transpose %x, %w bias %b strides [2, 2] padding [1, 1, 1, 1] output_padding [1, 1]
      : tensor<?x8x7x7xf32>, tensor<8x4x3x3xf32>, tensor<4xf32> -> tensor<?x4x14x14xf32>
  // CHECK: linnet.conv_filter_grad %{{.*}}, %{{.*}} strides [2, 2] padding [1, 1, 1, 1] : tensor<?x4x14x14xf32>, tensor<?x8x7x7xf32> -> tensor<8x4x3x3xf32>
  %1 = linnet.conv_filter_grad %i, %x strides [2, 2] padding [1, 1, 1, 1]
      : tensor<?x4x14x14xf32>, tensor<?x8x7x7xf32> -> tensor<8x4x3x3xf32>
  return
}

// -----

func.func @c1(%x: tensor<1x8x7xf32>, %w: tensor<8x4x3x3xf32>) {
  // expected-error @+1 {{expects tensors of one rank of at least 3, found 'tensor<1x8x7xf32>' and 'tensor<8x4x3x3xf32>'}}
  linnet.conv_transpose %x, %w : tensor<1x8x7xf32>, tensor<8x4x3x3xf32> -> tensor<1x4x9xf32>
}

// -----

func.func @c2(%x: tensor<1x8x7xf32>, %w: tensor<8x4x3xf32>) {
  // expected-error @+1 {{expects 1 entries in 'strides', found 2}}
  linnet.conv_transpose %x, %w strides [1, 1] : tensor<1x8x7xf32>, tensor<8x4x3xf32> -> tensor<1x4x9xf32>
}

// -----

func.func @c3(%x: tensor<1x8x7xf32>, %w: tensor<8x4x3xf32>) {
  // expected-error @+1 {{expects entries of at least 0 in 'output_padding', found -1}}
  linnet.conv_transpose %x, %w output_padding [-1] : tensor<1x8x7xf32>, tensor<8x4x3xf32> -> tensor<1x4x8xf32>
}

// -----

func.func @c4(%x: tensor<1x8x7xf32>, %w: tensor<8x4x3xf32>) {
  // expected-error @+1 {{expects 8 input channels to be a multiple of 3 groups}}
  linnet.conv_transpose %x, %w groups 3 : tensor<1x8x7xf32>, tensor<8x4x3xf32> -> tensor<1x12x9xf32>
}

// -----

func.func @c5(%x: tensor<1x8x7xf32>, %w: tensor<6x4x3xf32>) {
  // expected-error @+1 {{expects 6 input channels of the filter to match 8 channels of the input}}
  linnet.conv_transpose %x, %w : tensor<1x8x7xf32>, tensor<6x4x3xf32> -> tensor<1x4x9xf32>
}

// -----

func.func @c6(%x: tensor<1x8x7xf32>, %w: tensor<8x4x3xf32>, %b: tensor<5xf32>) {
  // expected-error @+1 {{expects a bias of one size per output channel of 'tensor<1x4x9xf32>', found 'tensor<5xf32>'}}
  linnet.conv_transpose %x, %w bias %b : tensor<1x8x7xf32>, tensor<8x4x3xf32>, tensor<5xf32> -> tensor<1x4x9xf32>
}

// -----

func.func @c7(%x: tensor<1x8x7xf32>, %w: tensor<8x4x3xf16>) {
  // expected-error @+1 {{expects element type 'f32' as the input has, found 'tensor<8x4x3xf16>'}}
  linnet.conv_transpose %x, %w : tensor<1x8x7xf32>, tensor<8x4x3xf16> -> tensor<1x4x9xf32>
}

// -----

func.func @c8(%x: tensor<1x8x7xf32>, %w: tensor<8x4x3xf32>) {
  // expected-error @+1 {{expects result type 'tensor<1x4x9xf32>', found 'tensor<1x4x8xf32>'}}
  linnet.conv_transpose %x, %w : tensor<1x8x7xf32>, tensor<8x4x3xf32> -> tensor<1x4x8xf32>
}

// -----

func.func @filter_c5(%x: tensor<1x8x7xf32>, %g: tensor<2x4x5xf32>) {
  // expected-error @+1 {{expects batch and channels of 'tensor<1x8x7xf32>', 'tensor<2x4x5xf32>' and 'tensor<4x8x3xf32>' to agree in 1 groups}}
  linnet.conv_filter_grad %x, %g : tensor<1x8x7xf32>, tensor<2x4x5xf32> -> tensor<4x8x3xf32>
}

// -----

func.func @filter_c7(%x: tensor<1x8x7xf32>, %g: tensor<1x4x6xf32>) {
  // expected-error @+1 {{expects a gradient of size 5 in spatial dimension 0, found 'tensor<1x4x6xf32>'}}
  linnet.conv_filter_grad %x, %g : tensor<1x8x7xf32>, tensor<1x4x6xf32> -> tensor<4x8x3xf32>
}
