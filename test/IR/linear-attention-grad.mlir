// RUN: linnet-opt %s --split-input-file | linnet-opt --split-input-file | FileCheck %s
// RUN: linnet-opt %s --split-input-file --mlir-print-op-generic | linnet-opt --split-input-file | FileCheck %s

// CHECK-LABEL: func.func @plain
func.func @plain(%q: tensor<2x4x?x64xf32>, %k: tensor<2x2x?x64xf32>, %v: tensor<2x2x?x32xf32>, %d: tensor<2x4x?x32xf32>) {
  // CHECK: linnet.linear_attention_grad %{{.*}}, %{{.*}}, %{{.*}} grad(%{{[a-z0-9]+}}) : tensor<2x4x?x64xf32>,
  %r:3 = linnet.linear_attention_grad %q, %k, %v grad(%d)
    : tensor<2x4x?x64xf32>, tensor<2x2x?x64xf32>, tensor<2x2x?x32xf32>, tensor<2x4x?x32xf32>
    -> tensor<2x4x?x64xf32>, tensor<2x2x?x64xf32>, tensor<2x2x?x32xf32>
  return
}

// -----

// CHECK-LABEL: func.func @everything
func.func @everything(%q: tensor<1x4x5x8xbf16>, %g: tensor<1x2x5xbf16>, %b: tensor<1x1x5xf32>, %s: tensor<1x4x8x8xf32>) {
  // CHECK: decay(%{{[a-z0-9]+}} : tensor<1x2x5xbf16>) beta(%{{[a-z0-9]+}} : tensor<1x1x5xf32>) state(%{{[a-z0-9]+}} : tensor<1x4x8x8xf32>)
  // CHECK-SAME: grad(%{{[a-z0-9]+}}, %{{[a-z0-9]+}} : tensor<1x4x8x8xf32>) read<pre> scale(5.000000e-01)
  %r:6 = linnet.linear_attention_grad %q, %q, %q decay(%g : tensor<1x2x5xbf16>) beta(%b : tensor<1x1x5xf32>)
    state(%s : tensor<1x4x8x8xf32>) grad(%q, %s : tensor<1x4x8x8xf32>) read<pre> scale(0.5)
    : tensor<1x4x5x8xbf16>, tensor<1x4x5x8xbf16>, tensor<1x4x5x8xbf16>, tensor<1x4x5x8xbf16>
    -> tensor<1x4x5x8xbf16>, tensor<1x4x5x8xf32>, tensor<1x4x5x8xbf16>, tensor<1x2x5xbf16>, tensor<1x1x5xf32>, tensor<1x4x8x8xf32>
  return
}

// -----

// CHECK-LABEL: func.func @per_head
func.func @per_head(%q: tensor<1x2x5x4xf32>, %o: tensor<1x4x5x4xf32>, %u: tensor<4x4xf32>) {
  // CHECK: read<pre> per_head
  %r:6 = linnet.linear_attention_grad %q, %q, %q erase(%q, %q : tensor<1x2x5x4xf32>, tensor<1x2x5x4xf32>) bonus(%u : tensor<4x4xf32>)
    grad(%o) read<pre> per_head
    : tensor<1x2x5x4xf32>, tensor<1x2x5x4xf32>, tensor<1x2x5x4xf32>, tensor<1x4x5x4xf32>
    -> tensor<1x4x5x4xf32>, tensor<1x4x5x4xf32>, tensor<1x4x5x4xf32>, tensor<1x4x5x4xf32>, tensor<1x4x5x4xf32>, tensor<1x4x4xf32>
  return
}
