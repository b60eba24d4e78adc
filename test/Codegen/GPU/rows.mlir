// Rows that several stages read: loaded once, then read from workgroup memory.
// RUN: linnet-kernels %s --target=vulkan --print | FileCheck %s

// x: once along the row, four at a time; weights once for all rows of a workgroup, before the loop
// over them.
// CHECK-LABEL: gpu.func @norm(
// CHECK-SAME: %[[X:[a-z0-9]+]]: memref<?xf32>, %[[S:[a-z0-9]+]]: memref<?xf32>
// CHECK-SAME: memref<1024xf32, #gpu.address_space<workgroup>>
// CHECK-SAME: memref<1024xf32, #gpu.address_space<workgroup>>
// CHECK: vector.load %[[S]]
// CHECK: gpu.barrier
// CHECK: scf.for
// CHECK: vector.load %[[X]]
// CHECK: gpu.barrier
// CHECK-NOT: vector.load %[[X]]
// CHECK-NOT: vector.load %[[S]]
// CHECK: gpu.return
#row = affine_map<(i, j) -> (i, j)>
#point = affine_map<(i, j) -> (i)>
#weight = affine_map<(i, j) -> (j)>
exec.kernel @norm(%x: tensor<4096x1024xf32>, %s: tensor<1024xf32>) -> tensor<4096x1024xf32> {
  %zero = arith.constant 0.0 : f32
  %e = tensor.empty() : tensor<4096xf32>
  %f = linalg.fill ins(%zero : f32) outs(%e : tensor<4096xf32>) -> tensor<4096xf32>
  %sum = linalg.generic {indexing_maps = [#row, #point], iterator_types = ["parallel", "reduction"]}
      ins(%x : tensor<4096x1024xf32>) outs(%f : tensor<4096xf32>) {
  ^bb0(%a: f32, %b: f32):
    %q = arith.mulf %a, %a : f32
    %r = arith.addf %b, %q : f32
    linalg.yield %r : f32
  } -> tensor<4096xf32>
  %o = tensor.empty() : tensor<4096x1024xf32>
  %y = linalg.generic {indexing_maps = [#row, #point, #weight, #row],
                       iterator_types = ["parallel", "parallel"]}
      ins(%x, %sum, %s : tensor<4096x1024xf32>, tensor<4096xf32>, tensor<1024xf32>)
      outs(%o : tensor<4096x1024xf32>) {
  ^bb0(%a: f32, %m: f32, %w: f32, %b: f32):
    %d = arith.divf %a, %m : f32
    %r = arith.mulf %d, %w : f32
    linalg.yield %r : f32
  } -> tensor<4096x1024xf32>
  exec.yield %y : tensor<4096x1024xf32>
}
