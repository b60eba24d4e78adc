// RUN: linnet-kernels %s --target=vulkan --print-launch | FileCheck %s --check-prefix=LAUNCH
// RUN: linnet-kernels %s --target=vulkan --print | FileCheck %s
// RUN: linnet-kernels %s --target=cuda --emit=text | FileCheck %s --check-prefix=PTX

// Keys, weights and values go through workgroup memory; what a step sees is bounded by its rows,
// and only steps at the edge of the mask look at single keys. No scratch.
// LAUNCH-LABEL: exec.kernel @tile
// LAUNCH-SAME: form = "tile"
// LAUNCH-SAME: threads = 128
// CHECK-LABEL: gpu.func @tile
// CHECK: scf.for {{.*}} iter_args
// CHECK-COUNT-2: gpu.barrier
// CHECK: math.fma {{.*}} : vector<4xf32>
// CHECK: gpu.barrier
// CHECK: arith.ori
// CHECK-NEXT: scf.if
// CHECK: arith.constant 0xFF800000
// CHECK-NEXT: arith.select
// CHECK: gpu.shuffle xor
// CHECK-COUNT-2: gpu.barrier
// CHECK: math.fma {{.*}} : vector<4xf32>
// CHECK-NOT: gpu.barrier
// PTX: .entry tile(
// PTX: ld.global.v2.b32
// PTX: ld.shared.v4.b32
exec.kernel @tile(%q: tensor<2x8x?x64xbf16>, %k: tensor<2x2x?x64xbf16>) -> tensor<2x8x?x64xbf16> {
  %o = linnet.attention %q, %k, %k masks<[causal]>
      : tensor<2x8x?x64xbf16>, tensor<2x2x?x64xbf16>, tensor<2x2x?x64xbf16> -> tensor<2x8x?x64xbf16>
  exec.yield %o : tensor<2x8x?x64xbf16>
}

// Few rows: keys and values are read where they are, several rows at once; parts are workgroups.
// LAUNCH-LABEL: exec.kernel @decode
// LAUNCH-SAME: form = "decode", keys = 256 : i64, rows = 4
// LAUNCH: arith.ceildivsi {{.*}}%c2048
// CHECK-LABEL: gpu.func @decode
// CHECK-COUNT-4: scf.if {{.*}} -> (vector<4xf32>)
// CHECK: gpu.shuffle xor
exec.kernel @decode(%q: tensor<1x8x1x64xf32>, %k: tensor<1x2x?x64xf32>)
    -> (tensor<?x1x8x1x64xf32>, tensor<?x1x8x1xf32>) {
  %o, %l = linnet.attention %q, %k, %k part(2048)
      : tensor<1x8x1x64xf32>, tensor<1x2x?x64xf32>, tensor<1x2x?x64xf32>
      -> tensor<?x1x8x1x64xf32>, tensor<?x1x8x1xf32>
  exec.yield %o, %l : tensor<?x1x8x1x64xf32>, tensor<?x1x8x1xf32>
}
