// RUN: linnet-opt %s -split-input-file -verify-diagnostics | linnet-opt -split-input-file | FileCheck %s

// CHECK-LABEL: func @scatters
func.func @scatters(%u: tensor<?x5x8xf32>, %i: tensor<?x5xi64>, %n: index) {
  // CHECK: linnet.scatter_add %{{.*}}, %{{.*}} axis 0 : tensor<?x5x8xf32>, tensor<?x5xi64> -> tensor<100x8xf32>
  %0 = linnet.scatter_add %u, %i axis 0 : tensor<?x5x8xf32>, tensor<?x5xi64> -> tensor<100x8xf32>
  // CHECK: linnet.scatter_add %{{.*}}, %{{.*}} axis 1 batch_dims 1 size(%{{.*}}) : tensor<?x5x8xf32>, tensor<?x5xi64> -> tensor<?x?x8xf32>
  %1 = linnet.scatter_add %u, %i axis 1 batch_dims 1 size(%n) : tensor<?x5x8xf32>, tensor<?x5xi64> -> tensor<?x?x8xf32>
  return
}

// -----

func.func @c1(%u: tensor<4x8xf32>, %i: tensor<4xi64>) {
  // expected-error @+1 {{expects 0 to 1 batch dimensions for 'tensor<4xi64>' and an axis behind them, found 1 and axis 0}}
  linnet.scatter_add %u, %i axis 0 batch_dims 1 : tensor<4x8xf32>, tensor<4xi64> -> tensor<9x8xf32>
}

// -----

func.func @c2(%u: tensor<4x8xf32>, %i: tensor<5xi64>) {
  // expected-error @+1 {{expects updates with the sizes of the indices 'tensor<5xi64>' at dimension 0, found 'tensor<4x8xf32>'}}
  linnet.scatter_add %u, %i axis 0 : tensor<4x8xf32>, tensor<5xi64> -> tensor<9x8xf32>
}

// -----

func.func @c3(%u: tensor<4x8xf32>, %i: tensor<4xi64>) {
  // expected-error @+1 {{expects result type 'tensor<9x8xf32>', found 'tensor<9x7xf32>'}}
  linnet.scatter_add %u, %i axis 0 : tensor<4x8xf32>, tensor<4xi64> -> tensor<9x7xf32>
}

// -----

func.func @c4(%u: tensor<4x8xf32>, %i: tensor<4xi64>) {
  // expected-error @+1 {{expects 'size' for a dynamic size of the result and none for a static one, found 'tensor<?x8xf32>'}}
  linnet.scatter_add %u, %i axis 0 : tensor<4x8xf32>, tensor<4xi64> -> tensor<?x8xf32>
}
