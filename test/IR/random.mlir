// RUN: linnet-opt %s -split-input-file -verify-diagnostics | linnet-opt -split-input-file | FileCheck %s

// CHECK-LABEL: func @random
func.func @random(%k: i64, %c: tensor<i64>, %n: index) -> (tensor<4x8xf32>, tensor<?x3xi32>) {
  // CHECK: linnet.random %{{.*}}, %{{.*}} : i64, tensor<i64> -> tensor<4x8xf32>
  %u = linnet.random %k, %c : i64, tensor<i64> -> tensor<4x8xf32>
  // CHECK: linnet.random %{{.*}}, %{{.*}} sizes(%{{.*}}) : tensor<i64>, i64 -> tensor<?x3xi32>
  %b = linnet.random %c, %k sizes(%n) : tensor<i64>, i64 -> tensor<?x3xi32>
  return %u, %b : tensor<4x8xf32>, tensor<?x3xi32>
}

// -----

func.func @c1(%k: i32) {
  // expected-error @+1 {{operand #0 must be}}
  linnet.random %k, %k : i32, i32 -> tensor<4xf32>
}

// -----

func.func @c2(%k: i64) {
  // expected-error @+1 {{result #0 must be}}
  linnet.random %k, %k : i64, i64 -> tensor<4xf64>
}

// -----

func.func @c3(%k: i64) {
  // expected-error @+1 {{expects one entry in 'sizes' per dynamic size of the result, found 0 for 1}}
  linnet.random %k, %k : i64, i64 -> tensor<?xf32>
}

// -----

// CHECK-LABEL: func @dropout
func.func @dropout(%x: tensor<?x8xbf16>, %k: i64, %c: tensor<i64>) {
  // CHECK: linnet.dropout %{{.*}}, %{{.*}}, %{{.*}} rate 1.000000e-01 : tensor<?x8xbf16>, i64, tensor<i64>
  linnet.dropout %x, %k, %c rate 1.0e-1 : tensor<?x8xbf16>, i64, tensor<i64>
  return
}

// -----

func.func @dropout_c2(%x: tensor<8xf32>, %k: i64) {
  // expected-error @+1 {{expects a rate from 0 to 1, found 1.500000e+00}}
  linnet.dropout %x, %k, %k rate 1.5 : tensor<8xf32>, i64, i64
}
