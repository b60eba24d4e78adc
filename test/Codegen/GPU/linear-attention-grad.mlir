// RUN: linnet-kernels %s --target=vulkan --print-launch | FileCheck %s --check-prefix=LAUNCH
// RUN: linnet-kernels %s --target=cuda --print | FileCheck %s
// RUN: linnet-kernels %s --target=cuda --emit=text | FileCheck %s --check-prefix=PTX

// A workgroup a head of a batch; states before every block of 16 positions in scratch. The state and
// what a block needs lie in workgroup memory, the triangular systems are between barriers; what gradients
// see of the state comes in two slices.
// LAUNCH-LABEL: exec.kernel @delta
// LAUNCH-SAME: threads = 256
// CHECK-LABEL: gpu.func @delta
// CHECK-SAME: workgroup({{.*}}memref<4096xf32, #gpu.address_space<workgroup>>
// CHECK-SAME: nvvm.minctasm = 1
// CHECK: scf.for
// CHECK: gpu.barrier
// CHECK: scf.for
// CHECK: math.fma
// CHECK-COUNT-12: gpu.barrier
// CHECK-NOT: gpu.barrier
// PTX: .entry delta(
// PTX: ld.shared.v4
exec.kernel @delta(%q: tensor<2x4x?x64xf32>, %k: tensor<2x4x?x64xf32>, %v: tensor<2x4x?x64xf32>,
                   %g: tensor<2x4x?xf32>, %b: tensor<2x4x?xf32>, %do: tensor<2x4x?x64xf32>)
    -> (tensor<2x4x?x64xf32>, tensor<2x4x?x64xf32>, tensor<2x4x?x64xf32>, tensor<2x4x?xf32>,
        tensor<2x4x?xf32>) {
  %d:5 = linnet.linear_attention_grad %q, %k, %v decay(%g : tensor<2x4x?xf32>)
      beta(%b : tensor<2x4x?xf32>) grad(%do) per_head
      : tensor<2x4x?x64xf32>, tensor<2x4x?x64xf32>, tensor<2x4x?x64xf32>, tensor<2x4x?x64xf32>
      -> tensor<2x4x?x64xf32>, tensor<2x4x?x64xf32>, tensor<2x4x?x64xf32>, tensor<2x4x?xf32>,
         tensor<2x4x?xf32>
  exec.yield %d#0, %d#1, %d#2, %d#3, %d#4
      : tensor<2x4x?x64xf32>, tensor<2x4x?x64xf32>, tensor<2x4x?x64xf32>, tensor<2x4x?xf32>,
        tensor<2x4x?xf32>
}
