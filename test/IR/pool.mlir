// RUN: linnet-opt %s -split-input-file -verify-diagnostics | linnet-opt -split-input-file | FileCheck %s

// CHECK-LABEL: func @pools
func.func @pools(%x: tensor<?x8x7x?xf32>, %n: index) {
  // CHECK: linnet.max_pool %{{.*}} kernel [3, 3] strides [2, 2] padding [1, 1, 1, 1] : tensor<?x8x7x?xf32> -> tensor<?x8x4x?xf32>
  %0 = linnet.max_pool %x kernel [3, 3] strides [2, 2] padding [1, 1, 1, 1] : tensor<?x8x7x?xf32> -> tensor<?x8x4x?xf32>
  // CHECK: linnet.max_pool_grad %{{.*}}, %{{.*}} kernel [3, 3] strides [2, 2] padding [1, 1, 1, 1] : tensor<?x8x4x?xf32>, tensor<?x8x7x?xf32>
  %1 = linnet.max_pool_grad %0, %x kernel [3, 3] strides [2, 2] padding [1, 1, 1, 1] : tensor<?x8x4x?xf32>, tensor<?x8x7x?xf32>
  // CHECK: linnet.avg_pool %{{.*}} kernel [2, 2] strides [2, 2] ceil_mode count_include_pad : tensor<?x8x7x?xf32> -> tensor<?x8x4x?xf32>
  %2 = linnet.avg_pool %x kernel [2, 2] strides [2, 2] ceil_mode count_include_pad : tensor<?x8x7x?xf32> -> tensor<?x8x4x?xf32>
  // CHECK: linnet.avg_pool_grad %{{.*}} sizes(%{{.*}}, %{{.*}}) kernel [2, 2] strides [2, 2] ceil_mode : tensor<?x8x4x?xf32> -> tensor<?x8x7x?xf32>
  %3 = linnet.avg_pool_grad %2 sizes(%n, %n) kernel [2, 2] strides [2, 2] ceil_mode : tensor<?x8x4x?xf32> -> tensor<?x8x7x?xf32>
  return
}

// -----

func.func @c1(%x: tensor<1x2x5x5xf32>) {
  // expected-error @+1 {{expects 2 entries in 'kernel', found 1}}
  linnet.max_pool %x kernel [2] : tensor<1x2x5x5xf32> -> tensor<1x2x4x4xf32>
}

// -----

func.func @c2(%x: tensor<1x2x5x5xf32>) {
  // expected-error @+1 {{expects entries of at least 1 in 'strides', found 0}}
  linnet.max_pool %x kernel [2, 2] strides [1, 0] : tensor<1x2x5x5xf32> -> tensor<1x2x4x4xf32>
}

// -----

func.func @c3(%x: tensor<1x2x5xf32>) {
  // expected-error @+1 {{expects padding below the dilated kernel 2 of spatial dimension 0, found 2}}
  linnet.avg_pool %x kernel [2] padding [0, 2] : tensor<1x2x5xf32> -> tensor<1x2x6xf32>
}

// -----

func.func @c4(%x: tensor<1x2x5xf32>) {
  // expected-error @+1 {{expects result type 'tensor<1x2x2xf32>', found 'tensor<1x2x3xf32>'}}
  linnet.avg_pool %x kernel [2] strides [2] : tensor<1x2x5xf32> -> tensor<1x2x3xf32>
}

// -----

func.func @grad_c4(%g: tensor<1x2x3xf32>, %x: tensor<1x2x5xf32>) {
  // expected-error @+1 {{expects a gradient of type 'tensor<1x2x2xf32>', found 'tensor<1x2x3xf32>'}}
  linnet.max_pool_grad %g, %x kernel [2] strides [2] : tensor<1x2x3xf32>, tensor<1x2x5xf32>
}

// -----

func.func @grad_c5(%g: tensor<1x2x?xf32>) {
  // expected-error @+1 {{expects one entry in 'sizes' per dynamic size of the result, found 0 for 1}}
  linnet.avg_pool_grad %g kernel [2] : tensor<1x2x?xf32> -> tensor<1x2x?xf32>
}
