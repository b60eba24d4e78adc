// RUN: linnet-kernels %s --target=vulkan --print-launch | FileCheck %s --check-prefix=LAUNCH
// RUN: linnet-kernels %s --target=vulkan --print | FileCheck %s
// RUN: linnet-kernels %s --target=cuda --emit=text | FileCheck %s --check-prefix=PTX
// RUN: not linnet-kernels %s --target=cuda --chip=sm_1 2>&1 | FileCheck %s --check-prefix=CHIP
// CHIP: unknown chip 'sm_1' of target cuda, expected one of sm_80

// Four elements a thread, 256 threads a workgroup.
// LAUNCH-LABEL: exec.kernel @double
// LAUNCH-SAME: form = "points", threads = 256 : i64, wide = 4
// LAUNCH: exec.launch
// CHECK-LABEL: gpu.func @double
// CHECK-SAME: known_block_size = array<i32: 256, 1, 1>
// CHECK: vector.load {{.*}}alignment = 16{{.*}}vector<4xf32>
// CHECK-NOT: gpu.barrier
// PTX: .entry double(
// PTX: ld.global.v4.{{[bf]}}32
exec.kernel @double(%x: tensor<?xf32>) -> tensor<?xf32> {
  %c0 = arith.constant 0 : index
  %n = tensor.dim %x, %c0 : tensor<?xf32>
  %e = tensor.empty(%n) : tensor<?xf32>
  %y = linalg.generic {indexing_maps = [affine_map<(i) -> (i)>, affine_map<(i) -> (i)>],
                       iterator_types = ["parallel"]}
      ins(%x : tensor<?xf32>) outs(%e : tensor<?xf32>) {
  ^bb0(%a: f32, %b: f32):
    %r = arith.addf %a, %a : f32
    linalg.yield %r : f32
  } -> tensor<?xf32>
  exec.yield %y : tensor<?xf32>
}

// A workgroup a row: lanes exchange sums, subgroups meet in workgroup memory.
// LAUNCH-LABEL: exec.kernel @sums
// LAUNCH-SAME: form = "rows"
// CHECK-LABEL: gpu.func @sums
// CHECK-SAME: workgroup(
// CHECK: gpu.shuffle xor
// CHECK: gpu.barrier
// PTX: .entry sums(
// PTX: shfl.sync.bfly.b32
// PTX: bar.sync
exec.kernel @sums(%x: tensor<?x4096xf32>) -> tensor<?xf32> {
  %c0 = arith.constant 0 : index
  %zero = arith.constant 0.0 : f32
  %m = tensor.dim %x, %c0 : tensor<?x4096xf32>
  %e = tensor.empty(%m) : tensor<?xf32>
  %s = linalg.fill ins(%zero : f32) outs(%e : tensor<?xf32>) -> tensor<?xf32>
  %y = linalg.generic {indexing_maps = [affine_map<(i, j) -> (i, j)>, affine_map<(i, j) -> (i)>],
                       iterator_types = ["parallel", "reduction"]}
      ins(%x : tensor<?x4096xf32>) outs(%s : tensor<?xf32>) {
  ^bb0(%a: f32, %b: f32):
    %r = arith.addf %a, %b : f32
    linalg.yield %r : f32
  } -> tensor<?xf32>
  exec.yield %y : tensor<?xf32>
}

// What lies along another loop than the result goes through workgroup memory: both sides access
// neighbours.
// LAUNCH-LABEL: exec.kernel @turned
// LAUNCH-SAME: form = "tiles", threads = 256 : i64, wide = 1
// CHECK-LABEL: gpu.func @turned
// CHECK-SAME: workgroup(%[[TILE:[a-z0-9]+]] : memref<1056xf32, #gpu.address_space<workgroup>>
// CHECK-COUNT-4: memref.store %{{.*}}, %[[TILE]]
// CHECK: gpu.barrier
// CHECK: memref.load %[[TILE]]
exec.kernel @turned(%x: tensor<?x?xf32>) -> tensor<?x?xf32> {
  %c0 = arith.constant 0 : index
  %c1 = arith.constant 1 : index
  %m = tensor.dim %x, %c0 : tensor<?x?xf32>
  %n = tensor.dim %x, %c1 : tensor<?x?xf32>
  %e = tensor.empty(%n, %m) : tensor<?x?xf32>
  %y = linalg.generic {indexing_maps = [affine_map<(i, j) -> (j, i)>, affine_map<(i, j) -> (i, j)>],
                       iterator_types = ["parallel", "parallel"]}
      ins(%x : tensor<?x?xf32>) outs(%e : tensor<?x?xf32>) {
  ^bb0(%a: f32, %b: f32):
    %r = arith.addf %a, %a : f32
    linalg.yield %r : f32
  } -> tensor<?x?xf32>
  exec.yield %y : tensor<?x?xf32>
}
