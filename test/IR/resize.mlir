// RUN: linnet-opt %s -split-input-file -verify-diagnostics | linnet-opt -split-input-file | FileCheck %s

// CHECK-LABEL: func @resizes
func.func @resizes(%x: tensor<?x8x7x7xf32>, %h: index) {
  // CHECK: linnet.resize linear align_corners %{{.*}} : tensor<?x8x7x7xf32> -> tensor<?x8x14x14xf32>
  %0 = linnet.resize linear align_corners %x : tensor<?x8x7x7xf32> -> tensor<?x8x14x14xf32>
  // CHECK: linnet.resize nearest asymmetric %{{.*}} sizes(%{{.*}}) : tensor<?x8x7x7xf32> -> tensor<?x8x?x14xf32>
  %1 = linnet.resize nearest asymmetric %x sizes(%h) : tensor<?x8x7x7xf32> -> tensor<?x8x?x14xf32>
  // CHECK: linnet.resize_grad linear half_pixel %{{.*}} : tensor<?x8x14x14xf32> -> tensor<?x8x7x7xf32>
  %2 = linnet.resize_grad linear half_pixel %0 : tensor<?x8x14x14xf32> -> tensor<?x8x7x7xf32>
  return
}

// -----

func.func @c1(%x: tensor<1x2x5xf32>) {
  // expected-error @+1 {{expects batch, channels and element type of 'tensor<1x2x5xf32>' in the result, found 'tensor<1x3x5xf32>'}}
  linnet.resize linear half_pixel %x : tensor<1x2x5xf32> -> tensor<1x3x5xf32>
}

// -----

func.func @c2(%x: tensor<1x2x5xf32>) {
  // expected-error @+1 {{expects one entry in 'sizes' per dynamic spatial size of the result, found 0 for 1}}
  linnet.resize linear half_pixel %x : tensor<1x2x5xf32> -> tensor<1x2x?xf32>
}

// -----

func.func @c3(%x: tensor<1x2x5xf32>) {
  // expected-error @+1 {{expects half_pixel or asymmetric with nearest}}
  linnet.resize nearest align_corners %x : tensor<1x2x5xf32> -> tensor<1x2x6xf32>
}

// -----

func.func @c4(%x: tensor<1x2x0xf32>) {
  // expected-error @+1 {{expects elements to read for size 6 of dimension 2, found none}}
  linnet.resize linear half_pixel %x : tensor<1x2x0xf32> -> tensor<1x2x6xf32>
}
