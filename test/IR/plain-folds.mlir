// RUN: linnet-opt %s -canonicalize -resolve-ranked-shaped-type-result-dims -canonicalize | FileCheck %s

// CHECK-LABEL: func @broadcast_constant
func.func @broadcast_constant() -> tensor<2x3xf32> {
  // CHECK: %[[C:.*]] = arith.constant dense<2.000000e+00> : tensor<2x3xf32>
  // CHECK: return %[[C]]
  %c = arith.constant 2.0 : f32
  %0 = linnet.broadcast %c : f32 -> tensor<2x3xf32>
  return %0 : tensor<2x3xf32>
}

// CHECK-LABEL: func @broadcast_same(
// CHECK-SAME:    [[X:%arg[0-9]]]: tensor<2x3xf32>
func.func @broadcast_same(%x: tensor<2x3xf32>, %y: tensor<2x3xf32>) -> tensor<2x3xf32> {
  // CHECK: return [[X]]
  %0 = linnet.broadcast %x like %y : tensor<2x3xf32>, tensor<2x3xf32> -> tensor<2x3xf32>
  return %0 : tensor<2x3xf32>
}

// An unknown size could be an error to report.
// CHECK-LABEL: func @broadcast_dynamic(
func.func @broadcast_dynamic(%x: tensor<?xf32>, %y: tensor<?xf32>) -> tensor<?xf32> {
  // CHECK: linnet.broadcast
  %0 = linnet.broadcast %x like %y : tensor<?xf32>, tensor<?xf32> -> tensor<?xf32>
  return %0 : tensor<?xf32>
}

// CHECK-LABEL: func @reduce_nothing(
// CHECK-SAME:    [[X:%arg[0-9]]]: tensor<2x?xf32>
func.func @reduce_nothing(%x: tensor<2x?xf32>) -> tensor<2x?xf32> {
  // CHECK: return [[X]]
  %0 = linnet.reduce sum %x axes [] : tensor<2x?xf32> -> tensor<2x?xf32>
  return %0 : tensor<2x?xf32>
}

// The sizes of a result are those of the operands.
// CHECK-LABEL: func @reify(
// CHECK-SAME:    [[X:%arg[0-9]]]: tensor<?x4xf32>, [[T:%[a-z0-9]+]]: tensor<?x?xi64>
func.func @reify(%x: tensor<?x4xf32>, %t: tensor<?x?xi64>) -> index {
  // CHECK: %[[D:.*]] = tensor.dim [[T]], %c1
  // CHECK: return %[[D]]
  %0 = linnet.gather %x, %t axis 0 : tensor<?x4xf32>, tensor<?x?xi64> -> tensor<?x?x4xf32>
  %1 = linnet.einsum "abc->cb" %0 : tensor<?x?x4xf32> -> tensor<4x?xf32>
  %c1 = arith.constant 1 : index
  %d = tensor.dim %1, %c1 : tensor<4x?xf32>
  return %d : index
}
