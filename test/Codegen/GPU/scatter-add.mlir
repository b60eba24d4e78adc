// RUN: linnet-kernels %s --target=vulkan --print-launch | FileCheck %s --check-prefix=LAUNCH
// RUN: linnet-kernels %s --target=vulkan --print | FileCheck %s
// RUN: linnet-kernels %s --target=cuda --emit=text | FileCheck %s --check-prefix=PTX

// A workgroup sums 4096 elements on chip: no scratch, no atomics on floats.
// LAUNCH-LABEL: exec.kernel @table
// LAUNCH-SAME: elements = 4096 : i64, emitter = "scatter_add", threads = 256
// CHECK-LABEL: gpu.func @table
// CHECK-SAME: memref<4096xf32, #gpu.address_space<workgroup>>
// What names a row of the block goes on a list.
// CHECK: gpu.barrier
// CHECK: vector.load {{.*}} : memref<?xbf16>, vector<4xbf16>
// CHECK: vector.store {{.*}} : memref<?xbf16>, vector<4xbf16>
// Indices out of range are reported at the end, by atomic minima.
// CHECK-NOT: memref.atomic_rmw addf
// CHECK: memref.atomic_rmw minu
// CHECK-NOT: memref.atomic_rmw addf
// CHECK: gpu.return
// PTX: .entry table(
// PTX: ld.global.v2.{{[bu]}}32
// PTX-NOT: red.{{.*}}f32
exec.kernel @table(%u: tensor<?x512xbf16>, %i: tensor<?xi64>) -> tensor<50257x512xbf16> {
  %y = linnet.scatter_add %u, %i axis 0 : tensor<?x512xbf16>, tensor<?xi64> -> tensor<50257x512xbf16>
  exec.yield %y : tensor<50257x512xbf16>
}

// Fewer elements a workgroup where there would be too few workgroups.
// LAUNCH-LABEL: exec.kernel @small
// LAUNCH-SAME: elements = 1024
exec.kernel @small(%u: tensor<?x64xf32>, %i: tensor<?xi32>) -> tensor<1000x64xf32> {
  %y = linnet.scatter_add %u, %i axis 0 : tensor<?x64xf32>, tensor<?xi32> -> tensor<1000x64xf32>
  exec.yield %y : tensor<1000x64xf32>
}
