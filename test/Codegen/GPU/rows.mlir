// Rows that several stages read: loaded once, then read from workgroup memory.
// RUN: linnet-kernels %s --target=vulkan --print | FileCheck %s
// RUN: linnet-kernels %s --target=vulkan --print-launch | FileCheck %s --check-prefix=LAUNCH

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
// CHECK-NOT: vector.load %[[X]][
// CHECK-NOT: vector.load %[[S]][
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

// Threads of a row are as many as its length asks for, which is known when the kernel runs: the
// launch divides the threads of a workgroup among rows, and sums of subgroups meet in memory only
// where rows are that long.
// LAUNCH-LABEL: exec.kernel @any_rows
// LAUNCH-SAME: form = "rows", threads = 256 : i64,{{.*}} wide = 4 : i64
// LAUNCH-LABEL: exec.kernel @short_rows
// LAUNCH-SAME: form = "rows", lanes = 4 : i64, threads = 128 : i64,{{.*}} wide = 4 : i64
// CHECK-LABEL: gpu.func @any_rows(
// CHECK: %[[ID:.*]] = gpu.thread_id
// CHECK: arith.remui %[[ID]], %[[LANES:.*]] : index
// CHECK: gpu.shuffle xor
// CHECK: arith.select
// CHECK: %[[LONG:.*]] = arith.cmpi slt, %c8{{.*}}, %[[LANES]] : index
// CHECK: scf.if %[[LONG]]
// CHECK: gpu.barrier
exec.kernel @any_rows(%x: tensor<?x?xf32>) -> tensor<?xf32> {
  %c0 = arith.constant 0 : index
  %zero = arith.constant 0.0 : f32
  %n = tensor.dim %x, %c0 : tensor<?x?xf32>
  %e = tensor.empty(%n) : tensor<?xf32>
  %f = linalg.fill ins(%zero : f32) outs(%e : tensor<?xf32>) -> tensor<?xf32>
  %y = linalg.generic {indexing_maps = [#row, #point], iterator_types = ["parallel", "reduction"]}
      ins(%x : tensor<?x?xf32>) outs(%f : tensor<?xf32>) {
  ^bb0(%a: f32, %b: f32):
    %r = arith.addf %b, %a : f32
    linalg.yield %r : f32
  } -> tensor<?xf32>
  exec.yield %y : tensor<?xf32>
}

// CHECK-LABEL: gpu.func @short_rows(
// CHECK: vector.load
// CHECK-COUNT-2: gpu.shuffle xor
// CHECK-NOT: gpu.shuffle
// CHECK: gpu.return
exec.kernel @short_rows(%x: tensor<4096x16xf32>) -> tensor<4096xf32> {
  %zero = arith.constant 0.0 : f32
  %e = tensor.empty() : tensor<4096xf32>
  %f = linalg.fill ins(%zero : f32) outs(%e : tensor<4096xf32>) -> tensor<4096xf32>
  %y = linalg.generic {indexing_maps = [#row, #point], iterator_types = ["parallel", "reduction"]}
      ins(%x : tensor<4096x16xf32>) outs(%f : tensor<4096xf32>) {
  ^bb0(%a: f32, %b: f32):
    %r = arith.addf %b, %a : f32
    linalg.yield %r : f32
  } -> tensor<4096xf32>
  exec.yield %y : tensor<4096xf32>
}

// Rows that are gathered come in vectors, and from memory once.
// CHECK-LABEL: gpu.func @gathered(
// CHECK-SAME: %[[T:[a-z0-9]+]]: memref<?xf32>
// CHECK: vector.load %[[T]]
// CHECK: gpu.barrier
// CHECK-NOT: vector.load %[[T]]
// CHECK: gpu.return
exec.kernel @gathered(%t: tensor<100x768xf32>, %i: tensor<64xi64>) -> tensor<64x768xf32>
    {
  %zero = arith.constant 0.0 : f32
  %o = tensor.empty() : tensor<64x768xf32>
  %x = linalg.generic {indexing_maps = [#point, #row], iterator_types = ["parallel", "parallel"]}
      ins(%i : tensor<64xi64>) outs(%o : tensor<64x768xf32>) {
  ^bb0(%a: i64, %b: f32):
    %r = arith.index_cast %a : i64 to index
    %c = linalg.index 1 : index
    %v = tensor.extract %t[%r, %c] {linnet.checked = array<i64: 0>} : tensor<100x768xf32>
    linalg.yield %v : f32
  } -> tensor<64x768xf32>
  %e = tensor.empty() : tensor<64xf32>
  %f = linalg.fill ins(%zero : f32) outs(%e : tensor<64xf32>) -> tensor<64xf32>
  %sum = linalg.generic {indexing_maps = [#row, #point], iterator_types = ["parallel", "reduction"]}
      ins(%x : tensor<64x768xf32>) outs(%f : tensor<64xf32>) {
  ^bb0(%a: f32, %b: f32):
    %r = arith.addf %b, %a : f32
    linalg.yield %r : f32
  } -> tensor<64xf32>
  %y = linalg.generic {indexing_maps = [#row, #point, #row],
                       iterator_types = ["parallel", "parallel"]}
      ins(%x, %sum : tensor<64x768xf32>, tensor<64xf32>) outs(%o : tensor<64x768xf32>) {
  ^bb0(%a: f32, %m: f32, %b: f32):
    %r = arith.divf %a, %m : f32
    linalg.yield %r : f32
  } -> tensor<64x768xf32>
  exec.yield %y : tensor<64x768xf32>
}
