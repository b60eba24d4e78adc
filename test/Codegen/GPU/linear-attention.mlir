// RUN: linnet-kernels %s --target=vulkan --print-launch | FileCheck %s --check-prefix=LAUNCH
// RUN: linnet-kernels %s --target=cuda --print | FileCheck %s
// RUN: linnet-kernels %s --target=cuda --emit=text | FileCheck %s --check-prefix=PTX

// Blocks of 16 positions, slices of 16 columns: 64 workgroups a sequence. The state is read once,
// before the loop over blocks, and stored once, behind it.
// LAUNCH-LABEL: exec.kernel @gated
// LAUNCH-SAME: columns = 16 : i64, emitter = "linear_attention", in_turn = 0 : i64, on_chip = 1 : i64, positions = 16
// LAUNCH: exec.launch chunks({{.*}}) scratch(%c0)
// CHECK-LABEL: gpu.func @gated
// CHECK: vector.load %arg5{{.*}}vector<4xf32>
// CHECK: gpu.barrier
// CHECK-NOT: {{%arg(5|7)\[}}
// CHECK: vector.store {{.*}}%arg7{{.*}}vector<4xf32>
// PTX-LABEL: .entry gated(
// PTX: ld.global.v4.b16
exec.kernel @gated(%q: tensor<?x16x?x64xbf16>, %k: tensor<?x16x?x64xbf16>, %v: tensor<?x16x?x64xbf16>,
                   %g: tensor<?x16x?xf32>, %beta: tensor<?x16x?xf32>, %s: tensor<?x16x64x64xf32>)
    -> (tensor<?x16x?x64xbf16>, tensor<?x16x64x64xf32>) {
  %o, %t = linnet.linear_attention %q, %k, %v decay(%g : tensor<?x16x?xf32>)
      beta(%beta : tensor<?x16x?xf32>) state(%s : tensor<?x16x64x64xf32>)
      : tensor<?x16x?x64xbf16>, tensor<?x16x?x64xbf16>, tensor<?x16x?x64xbf16>
      -> tensor<?x16x?x64xbf16>, tensor<?x16x64x64xf32>
  exec.yield %o, %t : tensor<?x16x?x64xbf16>, tensor<?x16x64x64xf32>
}

// One position: the recurrence alone, whose two barriers share the sums over rows.
// LAUNCH-LABEL: exec.kernel @decode
// LAUNCH-SAME: positions = 0
// CHECK-LABEL: gpu.func @decode
// CHECK-COUNT-3: gpu.barrier
// CHECK-NOT: gpu.barrier
exec.kernel @decode(%q: tensor<1x32x1x128xf32>, %k: tensor<1x32x1x128xf32>, %v: tensor<1x32x1x128xf32>,
                    %s: tensor<1x32x128x128xf32>)
    -> (tensor<1x32x1x128xf32>, tensor<1x32x128x128xf32>) attributes {tied = array<i64: -1, 3>} {
  %o, %t = linnet.linear_attention %q, %k, %v state(%s : tensor<1x32x128x128xf32>)
      : tensor<1x32x1x128xf32>, tensor<1x32x1x128xf32>, tensor<1x32x1x128xf32>
      -> tensor<1x32x1x128xf32>, tensor<1x32x128x128xf32>
  exec.yield %o, %t : tensor<1x32x1x128xf32>, tensor<1x32x128x128xf32>
}

// A normaliser that is updated in place is read by all slices: one workgroup does them in turn.
// LAUNCH-LABEL: exec.kernel @normalised
// LAUNCH-SAME: in_turn = 1
// CHECK-LABEL: gpu.func @normalised
exec.kernel @normalised(%q: tensor<1x2x64x64xf32>, %k: tensor<1x2x64x64xf32>, %v: tensor<1x2x64x64xf32>,
                        %s: tensor<1x2x64x65xf32>)
    -> (tensor<1x2x64x64xf32>, tensor<1x2x64x65xf32>) attributes {tied = array<i64: -1, 3>} {
  %o, %t = linnet.linear_attention %q, %k, %v state(%s : tensor<1x2x64x65xf32>) normalise(1.0e-6)
      : tensor<1x2x64x64xf32>, tensor<1x2x64x64xf32>, tensor<1x2x64x64xf32>
      -> tensor<1x2x64x64xf32>, tensor<1x2x64x65xf32>
  exec.yield %o, %t : tensor<1x2x64x64xf32>, tensor<1x2x64x65xf32>
}

// So many channels leave no room for the state: it is in scratch, and there are no blocks.
// LAUNCH-LABEL: exec.kernel @features
// LAUNCH-SAME: on_chip = 0 : i64, positions = 0
exec.kernel @features(%q: tensor<1x2x64x2145xf32>, %k: tensor<1x2x64x2145xf32>, %v: tensor<1x2x64x64xf32>)
    -> tensor<1x2x64x64xf32> {
  %o = linnet.linear_attention %q, %k, %v
      : tensor<1x2x64x2145xf32>, tensor<1x2x64x2145xf32>, tensor<1x2x64x64xf32> -> tensor<1x2x64x64xf32>
  exec.yield %o : tensor<1x2x64x64xf32>
}
