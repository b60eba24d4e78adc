// RUN: linnet-kernels %s --target=vulkan --print-launch | FileCheck %s --check-prefix=LAUNCH
// RUN: linnet-kernels %s --target=vulkan --print | FileCheck %s

// Workgroups of keys, then of rows: tiles of 32 against steps of 32; hidden steps are skipped.
// LAUNCH-LABEL: exec.kernel @grad
// LAUNCH-SAME: other = 32 : i64, own = 32 : i64, threads = 128
// CHECK-LABEL: gpu.func @grad
// CHECK-SAME: workgroup
// CHECK: scf.for
// CHECK: scf.if
// CHECK: gpu.shuffle xor
// CHECK: vector.load {{.*}}vector<4xf32>
// CHECK: gpu.barrier
// CHECK-NOT: atomic_rmw addf
exec.kernel @grad(%q: tensor<2x4x?x64xf32>, %k: tensor<2x2x?x64xf32>, %v: tensor<2x2x?x32xf32>,
    %o: tensor<2x4x?x32xf32>, %l: tensor<2x4x?xf32>, %g: tensor<2x4x?x32xf32>)
    -> (tensor<2x4x?x64xf32>, tensor<2x2x?x64xf32>, tensor<2x2x?x32xf32>) {
  %r:3 = linnet.attention_grad %q, %k, %v out(%o, %l : tensor<2x4x?xf32>) grad(%g) masks<[causal]>
    : tensor<2x4x?x64xf32>, tensor<2x2x?x64xf32>, tensor<2x2x?x32xf32>, tensor<2x4x?x32xf32>
    -> tensor<2x4x?x64xf32>, tensor<2x2x?x64xf32>, tensor<2x2x?x32xf32>
  exec.yield %r#0, %r#1, %r#2 : tensor<2x4x?x64xf32>, tensor<2x2x?x64xf32>, tensor<2x2x?x32xf32>
}
