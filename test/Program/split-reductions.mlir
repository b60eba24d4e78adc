// RUN: linnet-opt %s --linnet-form-dispatches | FileCheck %s

#id = affine_map<(d0) -> (d0)>
#none = affine_map<(d0) -> ()>
#id2 = affine_map<(d0, d1) -> (d0, d1)>
#swap = affine_map<(d0, d1) -> (d1, d0)>
#row = affine_map<(d0, d1) -> (d0)>

// A sum of a million elements: 16 blocks, then their sums in order.
// CHECK-LABEL: func.func @whole
// CHECK: %[[X:.*]] = tensor.expand_shape %arg0 {{\[\[}}0, 1]] output_shape [16, 65536]
// CHECK: %[[P:.*]] = exec.dispatch ins(%{{.*}} = %[[X]] : tensor<16x65536xf32>) -> (tensor<16xf32>) {
// CHECK:   linalg.generic {{.*}} iterator_types = ["parallel", "reduction"]
// CHECK: exec.dispatch ins(%{{.*}} = %[[P]] : tensor<16xf32>) -> (tensor<f32>) {
// CHECK:   linalg.generic {{.*}} iterator_types = ["reduction"]
// CHECK-NOT: exec.dispatch
// CHECK: return
func.func @whole(%x: tensor<1048576xf32>) -> tensor<f32> {
  %zero = arith.constant 0.0 : f32
  %e = tensor.empty() : tensor<f32>
  %f = linalg.fill ins(%zero : f32) outs(%e : tensor<f32>) -> tensor<f32>
  %0 = linalg.generic {indexing_maps = [#id, #none], iterator_types = ["reduction"]} ins(%x : tensor<1048576xf32>) outs(%f : tensor<f32>) {
  ^bb0(%a: f32, %o: f32):
    %s = arith.addf %o, %a : f32
    linalg.yield %s : f32
  } -> tensor<f32>
  return %0 : tensor<f32>
}

// A prime number of elements: what is behind the last block is added last. The index counts on.
// CHECK-LABEL: func.func @rest
// CHECK: tensor.extract_slice %arg0[0] [196608] [1]
// CHECK: exec.dispatch {{.*}} -> (tensor<3xi64>)
// CHECK:   %[[AT:.*]] = linalg.index 1
// CHECK:   %[[BLOCK:.*]] = linalg.index 0
// CHECK:   %[[START:.*]] = arith.muli %[[BLOCK]], %{{.*}}
// CHECK:   arith.addi %[[START]], %[[AT]]
// CHECK: tensor.extract_slice %arg0[196608] [3395] [1]
// CHECK: exec.dispatch {{.*}} -> (tensor<i64>)
// CHECK: return
func.func @rest(%x: tensor<200003xi64>) -> tensor<i64> {
  %zero = arith.constant 0 : i64
  %e = tensor.empty() : tensor<i64>
  %f = linalg.fill ins(%zero : i64) outs(%e : tensor<i64>) -> tensor<i64>
  %0 = linalg.generic {indexing_maps = [#id, #none], iterator_types = ["reduction"]} ins(%x : tensor<200003xi64>) outs(%f : tensor<i64>) {
  ^bb0(%a: i64, %o: i64):
    %i = linalg.index 0 : index
    %j = arith.index_cast %i : index to i64
    %p = arith.muli %a, %j : i64
    %s = arith.addi %o, %p : i64
    linalg.yield %s : i64
  } -> tensor<i64>
  return %0 : tensor<i64>
}

// Columns: blocks of rows, each read row by row.
// CHECK-LABEL: func.func @columns
// CHECK: exec.dispatch {{.*}} -> (tensor<256x4096xf32>)
// CHECK:   linalg.generic {{.*}} iterator_types = ["parallel", "parallel", "reduction"]
// CHECK: exec.dispatch {{.*}} -> (tensor<4096xf32>)
// CHECK: return
func.func @columns(%x: tensor<4096x4096xf32>) -> tensor<4096xf32> {
  %zero = arith.constant 0.0 : f32
  %e = tensor.empty() : tensor<4096xf32>
  %f = linalg.fill ins(%zero : f32) outs(%e : tensor<4096xf32>) -> tensor<4096xf32>
  %0 = linalg.generic {indexing_maps = [#swap, #row], iterator_types = ["parallel", "reduction"]} ins(%x : tensor<4096x4096xf32>) outs(%f : tensor<4096xf32>) {
  ^bb0(%a: f32, %o: f32):
    %s = arith.addf %o, %a : f32
    linalg.yield %s : f32
  } -> tensor<4096xf32>
  return %0 : tensor<4096xf32>
}

// Rows are chunks already, and so is what is small.
// CHECK-LABEL: func.func @rows
// CHECK-COUNT-1: exec.dispatch
// CHECK-NOT: exec.dispatch
// CHECK: return
func.func @rows(%x: tensor<4096x4096xf32>) -> tensor<4096xf32> {
  %zero = arith.constant 0.0 : f32
  %e = tensor.empty() : tensor<4096xf32>
  %f = linalg.fill ins(%zero : f32) outs(%e : tensor<4096xf32>) -> tensor<4096xf32>
  %0 = linalg.generic {indexing_maps = [#id2, #row], iterator_types = ["parallel", "reduction"]} ins(%x : tensor<4096x4096xf32>) outs(%f : tensor<4096xf32>) {
  ^bb0(%a: f32, %o: f32):
    %s = arith.addf %o, %a : f32
    linalg.yield %s : f32
  } -> tensor<4096xf32>
  return %0 : tensor<4096xf32>
}
