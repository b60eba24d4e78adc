// RUN: linnet-kernels %s --target=vulkan --print-launch | FileCheck %s --check-prefix=LAUNCH
// RUN: linnet-kernels %s --target=vulkan --print | FileCheck %s
// RUN: linnet-kernels %s --target=cuda --emit=text | FileCheck %s --check-prefix=PTX

// A workgroup a row; logits come four at once, threads meet in two reductions.
// LAUNCH-LABEL: exec.kernel @loss
// LAUNCH-SAME: fault_sites = [{message = "target out of range", op = "linnet.cross_entropy"}
// LAUNCH-SAME: threads = 256
// CHECK-LABEL: gpu.func @loss
// CHECK: scf.for
// CHECK: vector.load {{.*}}alignment = 8{{.*}}vector<4xbf16>
// CHECK-COUNT-4: gpu.barrier
// CHECK-NOT: gpu.barrier
// CHECK: memref.atomic_rmw minu
// PTX: .entry loss(
// PTX: ld.global.v4.b16
exec.kernel @loss(%x: tensor<?x50257xbf16>, %t: tensor<?xi64>) -> tensor<?xf32> {
  %y = linnet.cross_entropy none %x, %t : tensor<?x50257xbf16>, tensor<?xi64> -> tensor<?xf32>
  exec.yield %y : tensor<?xf32>
}

// LAUNCH-LABEL: exec.kernel @grad
// LAUNCH-SAME: threads = 32
// CHECK-LABEL: gpu.func @grad
// CHECK: vector.load {{.*}}vector<4xf32>
// CHECK: vector.store {{.*}}vector<4xf32>
// CHECK-NOT: gpu.barrier
exec.kernel @grad(%g: tensor<f32>, %x: tensor<8x100xf32>, %t: tensor<8xi32>, %l: tensor<8xf32>)
    -> tensor<8x100xf32> {
  %d = linnet.cross_entropy_grad sum %g, %x, %t, %l
      : tensor<f32>, tensor<8x100xf32>, tensor<8xi32>, tensor<8xf32>
  exec.yield %d : tensor<8x100xf32>
}
