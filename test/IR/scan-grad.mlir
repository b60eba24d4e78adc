// RUN: linnet-opt %s | linnet-opt | FileCheck %s
// RUN: linnet-opt %s --mlir-print-op-generic | linnet-opt | FileCheck %s

// CHECK-LABEL: @scan
func.func @scan(%u: tensor<2x?x64xf16>, %a: tensor<64x16xf32>, %b: tensor<2x?x16xf16>, %d: tensor<64xf32>,
                %s: tensor<2x64x16xf32>) -> tensor<2x?x64xf16> {
  // CHECK: linnet.selective_scan_grad %{{.*}}, %{{.*}}, %{{.*}}, %{{.*}}, %{{.*}} grad(%{{.*}}) : tensor<2x?x64xf16>
  %0:5 = linnet.selective_scan_grad %u, %u, %a, %b, %b grad(%u)
      : tensor<2x?x64xf16>, tensor<2x?x64xf16>, tensor<64x16xf32>, tensor<2x?x16xf16>, tensor<2x?x16xf16>, tensor<2x?x64xf16>
      -> tensor<2x?x64xf16>, tensor<2x?x64xf16>, tensor<64x16xf32>, tensor<2x?x16xf16>, tensor<2x?x16xf16>
  // CHECK: grad(%{{.*}}, %{{.*}} : tensor<2x64x16xf32>) skip(%{{.*}} : tensor<64xf32>) gate(%{{.*}} : tensor<2x?x64xf16>) delta_bias(%{{.*}} : tensor<64xf32>) state(%{{.*}} : tensor<2x64x16xf32>) softplus :
  %1:9 = linnet.selective_scan_grad %0#0, %u, %a, %b, %b grad(%u, %s : tensor<2x64x16xf32>) skip(%d : tensor<64xf32>)
      gate(%u : tensor<2x?x64xf16>) delta_bias(%d : tensor<64xf32>) state(%s : tensor<2x64x16xf32>) softplus
      : tensor<2x?x64xf16>, tensor<2x?x64xf16>, tensor<64x16xf32>, tensor<2x?x16xf16>, tensor<2x?x16xf16>, tensor<2x?x64xf16>
      -> tensor<2x?x64xf16>, tensor<2x?x64xf16>, tensor<64x16xf32>, tensor<2x?x16xf16>, tensor<2x?x16xf16>,
         tensor<64xf32>, tensor<2x?x64xf16>, tensor<64xf32>, tensor<2x64x16xf32>
  // CHECK: skip(%{{.*}} : tensor<64xf32>) parts :
  // CHECK-SAME: -> tensor<2x?x64xf16>, tensor<2x?x64xf16>, tensor<2x64x16xf32>, tensor<2x1x?x16xf32>, tensor<2x1x?x16xf32>, tensor<2x64xf32>
  %2:6 = linnet.selective_scan_grad %1#0, %u, %a, %b, %b grad(%u) skip(%d : tensor<64xf32>) parts
      : tensor<2x?x64xf16>, tensor<2x?x64xf16>, tensor<64x16xf32>, tensor<2x?x16xf16>, tensor<2x?x16xf16>, tensor<2x?x64xf16>
      -> tensor<2x?x64xf16>, tensor<2x?x64xf16>, tensor<2x64x16xf32>, tensor<2x1x?x16xf32>, tensor<2x1x?x16xf32>, tensor<2x64xf32>
  return %2#0 : tensor<2x?x64xf16>
}

// CHECK-LABEL: @conv
func.func @conv(%x: tensor<2x?x64xbf16>, %w: tensor<64x4xf32>, %b: tensor<64xf32>, %s: tensor<2x64x3xbf16>) -> tensor<2x?x64xbf16> {
  // CHECK: linnet.causal_conv_grad %{{.*}}, %{{.*}} grad(%{{.*}}) : tensor<2x?x64xbf16>, tensor<64x4xf32>
  %0:2 = linnet.causal_conv_grad %x, %w grad(%x) : tensor<2x?x64xbf16>, tensor<64x4xf32>, tensor<2x?x64xbf16>
      -> tensor<2x?x64xbf16>, tensor<64x4xf32>
  // CHECK: grad(%{{.*}}, %{{.*}} : tensor<2x64x3xbf16>) bias(%{{.*}} : tensor<64xf32>) state(%{{.*}} : tensor<2x64x3xbf16>) activation<silu> :
  %1:4 = linnet.causal_conv_grad %0#0, %w grad(%x, %s : tensor<2x64x3xbf16>) bias(%b : tensor<64xf32>)
      state(%s : tensor<2x64x3xbf16>) activation<silu> : tensor<2x?x64xbf16>, tensor<64x4xf32>, tensor<2x?x64xbf16>
      -> tensor<2x?x64xbf16>, tensor<64x4xf32>, tensor<64xf32>, tensor<2x64x3xbf16>
  // CHECK: grad(%{{.*}}) parts : {{.*}} -> tensor<2x?x64xbf16>, tensor<2x64x4xf32>
  %2:2 = linnet.causal_conv_grad %1#0, %w grad(%x) parts : tensor<2x?x64xbf16>, tensor<64x4xf32>, tensor<2x?x64xbf16>
      -> tensor<2x?x64xbf16>, tensor<2x64x4xf32>
  return %2#0 : tensor<2x?x64xbf16>
}
