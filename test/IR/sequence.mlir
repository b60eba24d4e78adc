// RUN: linnet-opt %s | linnet-opt | FileCheck %s
// RUN: linnet-opt %s --mlir-print-op-generic | linnet-opt | FileCheck %s

// CHECK-LABEL: @linear
func.func @linear(%q: tensor<2x4x?x64xf32>, %k: tensor<2x2x?x64xf32>, %v: tensor<2x2x?x32xf32>) -> tensor<2x4x?x32xf32> {
  // CHECK: linnet.linear_attention %{{.*}}, %{{.*}}, %{{.*}} : tensor<2x4x?x64xf32>,
  %o = linnet.linear_attention %q, %k, %v : tensor<2x4x?x64xf32>, tensor<2x2x?x64xf32>, tensor<2x2x?x32xf32> -> tensor<2x4x?x32xf32>
  return %o : tensor<2x4x?x32xf32>
}

// CHECK-LABEL: @gated_delta
func.func @gated_delta(%q: tensor<2x4x?x64xbf16>, %v: tensor<2x4x?x32xbf16>, %g: tensor<2x4x?x64xf32>,
                       %b: tensor<2x4x?xf32>, %s: tensor<2x4x64x32xf32>) -> (tensor<2x4x?x32xbf16>, tensor<2x4x64x32xf32>) {
  // CHECK: decay(%{{.*}} : tensor<2x4x?x64xf32>) beta(%{{.*}} : tensor<2x4x?xf32>) state(%{{.*}} : tensor<2x4x64x32xf32>) scale(1.250000e-01) chunk(64)
  %o, %s1 = linnet.linear_attention %q, %q, %v decay(%g : tensor<2x4x?x64xf32>) beta(%b : tensor<2x4x?xf32>)
      state(%s : tensor<2x4x64x32xf32>) scale(0.125) chunk(64)
      : tensor<2x4x?x64xbf16>, tensor<2x4x?x64xbf16>, tensor<2x4x?x32xbf16> -> tensor<2x4x?x32xbf16>, tensor<2x4x64x32xf32>
  return %o, %s1 : tensor<2x4x?x32xbf16>, tensor<2x4x64x32xf32>
}

// CHECK-LABEL: @general
func.func @general(%q: tensor<1x2x5x4xf32>, %g: tensor<1x4x5xf32>, %u: tensor<2x4xf32>, %s: tensor<1x2x4x5xf32>) -> (tensor<1x4x5x4xf32>, tensor<1x2x5x4xf32>) {
  // CHECK: decay(%{{.*}} : tensor<1x4x5xf32>) erase(%{{.*}}, %{{.*}} : tensor<1x2x5x4xf32>, tensor<1x2x5x4xf32>)
  %0 = linnet.linear_attention %q, %q, %q decay(%g : tensor<1x4x5xf32>) erase(%q, %q : tensor<1x2x5x4xf32>, tensor<1x2x5x4xf32>)
      : tensor<1x2x5x4xf32>, tensor<1x2x5x4xf32>, tensor<1x2x5x4xf32> -> tensor<1x4x5x4xf32>
  // CHECK: bonus(%{{.*}} : tensor<2x4xf32>) state(%{{.*}} : tensor<1x2x4x5xf32>) read<pre> normalise(9.9999999999999995E-7)
  %1 = linnet.linear_attention %q, %q, %q bonus(%u : tensor<2x4xf32>) state(%s : tensor<1x2x4x5xf32>) read<pre> normalise(1.0e-6)
      : tensor<1x2x5x4xf32>, tensor<1x2x5x4xf32>, tensor<1x2x5x4xf32> -> tensor<1x2x5x4xf32>
  return %0, %1 : tensor<1x4x5x4xf32>, tensor<1x2x5x4xf32>
}

// CHECK-LABEL: @scan
func.func @scan(%u: tensor<2x?x64xf16>, %a: tensor<64x16xf32>, %b: tensor<2x?x16xf16>, %d: tensor<64xf32>,
                %s: tensor<2x64x16xf32>) -> (tensor<2x?x64xf16>, tensor<2x64x16xf32>) {
  // CHECK: linnet.selective_scan %{{.*}}, %{{.*}}, %{{.*}}, %{{.*}}, %{{.*}} : tensor<2x?x64xf16>
  %0 = linnet.selective_scan %u, %u, %a, %b, %b : tensor<2x?x64xf16>, tensor<2x?x64xf16>, tensor<64x16xf32>, tensor<2x?x16xf16>, tensor<2x?x16xf16> -> tensor<2x?x64xf16>
  // CHECK: skip(%{{.*}} : tensor<64xf32>) gate(%{{.*}} : tensor<2x?x64xf16>) delta_bias(%{{.*}} : tensor<64xf32>) state(%{{.*}} : tensor<2x64x16xf32>) softplus :
  %1, %2 = linnet.selective_scan %0, %u, %a, %b, %b skip(%d : tensor<64xf32>) gate(%u : tensor<2x?x64xf16>)
      delta_bias(%d : tensor<64xf32>) state(%s : tensor<2x64x16xf32>) softplus
      : tensor<2x?x64xf16>, tensor<2x?x64xf16>, tensor<64x16xf32>, tensor<2x?x16xf16>, tensor<2x?x16xf16> -> tensor<2x?x64xf16>, tensor<2x64x16xf32>
  return %1, %2 : tensor<2x?x64xf16>, tensor<2x64x16xf32>
}

// CHECK-LABEL: @conv
func.func @conv(%x: tensor<2x?x64xbf16>, %w: tensor<64x4xf32>, %b: tensor<64xf32>, %s: tensor<2x64x3xbf16>) -> (tensor<2x?x64xbf16>, tensor<2x64x3xbf16>) {
  // CHECK: linnet.causal_conv %{{.*}}, %{{.*}} : tensor<2x?x64xbf16>, tensor<64x4xf32> -> tensor<2x?x64xbf16>
  %0 = linnet.causal_conv %x, %w : tensor<2x?x64xbf16>, tensor<64x4xf32> -> tensor<2x?x64xbf16>
  // CHECK: bias(%{{.*}} : tensor<64xf32>) state(%{{.*}} : tensor<2x64x3xbf16>) activation<silu> :
  %1, %2 = linnet.causal_conv %0, %w bias(%b : tensor<64xf32>) state(%s : tensor<2x64x3xbf16>) activation<silu>
      : tensor<2x?x64xbf16>, tensor<64x4xf32> -> tensor<2x?x64xbf16>, tensor<2x64x3xbf16>
  return %1, %2 : tensor<2x?x64xbf16>, tensor<2x64x3xbf16>
}
