// RUN: linnet-opt %s | linnet-opt | FileCheck %s
// RUN: linnet-opt %s --mlir-print-op-generic | linnet-opt | FileCheck %s

// CHECK-LABEL: @plain
func.func @plain(%q: tensor<2x8x?x64xf32>, %k: tensor<2x2x?x64xf32>, %v: tensor<2x2x?x32xf32>) -> tensor<2x8x?x32xf32> {
  // CHECK: linnet.attention %{{.*}}, %{{.*}}, %{{.*}} : tensor<2x8x?x64xf32>, tensor<2x2x?x64xf32>, tensor<2x2x?x32xf32> -> tensor<2x8x?x32xf32>
  %o = linnet.attention %q, %k, %v : tensor<2x8x?x64xf32>, tensor<2x2x?x64xf32>, tensor<2x2x?x32xf32> -> tensor<2x8x?x32xf32>
  return %o : tensor<2x8x?x32xf32>
}

// CHECK-LABEL: @masks
func.func @masks(%q: tensor<2x8x9x64xbf16>, %k: tensor<2x2x?x64xbf16>, %b: tensor<8x1x?xf32>,
                 %m: tensor<9x?xi1>, %n: tensor<2xi32>, %p: tensor<i64>, %qs: tensor<2x9xi32>,
                 %ks: tensor<2x?xi32>) -> (tensor<2x8x9x64xbf16>, tensor<2x8x9xf32>) {
  // CHECK: bias(%{{.*}} : tensor<8x1x?xf32>) mask(%{{.*}} : tensor<9x?xi1>) kv_lengths(%{{.*}} : tensor<2xi32>) q_offset(%{{.*}} : tensor<i64>)
  // CHECK-SAME: q_segments(%{{.*}} : tensor<2x9xi32>) kv_segments(%{{.*}} : tensor<2x?xi32>)
  // CHECK-SAME: masks<[causal, window<left = 128, right = 0>, explicit, kv_lengths, segments]> scale(1.250000e-01) softcap(5.000000e+01)
  %o, %lse = linnet.attention %q, %k, %k bias(%b : tensor<8x1x?xf32>) mask(%m : tensor<9x?xi1>)
      kv_lengths(%n : tensor<2xi32>) q_offset(%p : tensor<i64>) q_segments(%qs : tensor<2x9xi32>)
      kv_segments(%ks : tensor<2x?xi32>)
      masks<[segments, kv_lengths, window<right = 0, left = 128>, explicit, causal]> scale(0.125) softcap(50.0)
      : tensor<2x8x9x64xbf16>, tensor<2x2x?x64xbf16>, tensor<2x2x?x64xbf16> -> tensor<2x8x9x64xbf16>, tensor<2x8x9xf32>
  return %o, %lse : tensor<2x8x9x64xbf16>, tensor<2x8x9xf32>
}

// CHECK-LABEL: @top_left
func.func @top_left(%q: tensor<1x1x4x8xf16>, %k: tensor<1x1x6x8xf16>, %key: tensor<i64>) -> tensor<1x1x4x8xf16> {
  // CHECK: dropout_key(%{{.*}} : tensor<i64>) dropout_counter(%{{.*}} : tensor<i64>) masks<[causal]> alignment<top_left> dropout(1.000000e-01)
  %o = linnet.attention %q, %k, %k dropout_key(%key : tensor<i64>) dropout_counter(%key : tensor<i64>)
      masks<[causal]> alignment<top_left> dropout(0.1)
      : tensor<1x1x4x8xf16>, tensor<1x1x6x8xf16>, tensor<1x1x6x8xf16> -> tensor<1x1x4x8xf16>
  return %o : tensor<1x1x4x8xf16>
}

// A distance reads positions also where no mask does.
// CHECK-LABEL: @alibi
func.func @alibi(%q: tensor<1x4x?x8xf16>, %s: tensor<4xf32>, %p: tensor<i64>) -> tensor<1x4x?x8xf16> {
  // CHECK: alibi_slopes(%{{.*}} : tensor<4xf32>) q_offset(%{{.*}} : tensor<i64>) :
  %o = linnet.attention %q, %q, %q alibi_slopes(%s : tensor<4xf32>) q_offset(%p : tensor<i64>)
      : tensor<1x4x?x8xf16>, tensor<1x4x?x8xf16>, tensor<1x4x?x8xf16> -> tensor<1x4x?x8xf16>
  return %o : tensor<1x4x?x8xf16>
}

// CHECK-LABEL: @grad
func.func @grad(%q: tensor<2x8x?x64xf32>, %k: tensor<2x2x?x64xf32>, %v: tensor<2x2x?x32xf32>,
                %o: tensor<2x8x?x32xf32>, %l: tensor<2x8x?xf32>)
    -> (tensor<2x8x?x64xf32>, tensor<2x2x?x64xf32>, tensor<2x2x?x32xf32>) {
  // CHECK: linnet.attention_grad %{{.*}}, %{{.*}}, %{{.*}} out(%{{.*}}, %{{.*}} : tensor<2x8x?xf32>) grad(%{{.*}}) : tensor<2x8x?x64xf32>, tensor<2x2x?x64xf32>, tensor<2x2x?x32xf32>, tensor<2x8x?x32xf32> -> tensor<2x8x?x64xf32>, tensor<2x2x?x64xf32>, tensor<2x2x?x32xf32>
  %dq, %dk, %dv = linnet.attention_grad %q, %k, %v out(%o, %l : tensor<2x8x?xf32>) grad(%o)
      : tensor<2x8x?x64xf32>, tensor<2x2x?x64xf32>, tensor<2x2x?x32xf32>, tensor<2x8x?x32xf32>
      -> tensor<2x8x?x64xf32>, tensor<2x2x?x64xf32>, tensor<2x2x?x32xf32>
  return %dq, %dk, %dv : tensor<2x8x?x64xf32>, tensor<2x2x?x64xf32>, tensor<2x2x?x32xf32>
}

// CHECK-LABEL: @grad_options
func.func @grad_options(%q: tensor<1x2x3x8xbf16>, %k: tensor<1x1x5x8xbf16>, %l: tensor<1x2x3xf32>,
                        %b: tensor<2x1x5xbf16>, %key: i64) -> tensor<2x1x5xf32> {
  // CHECK: out(%{{.*}}, %{{.*}} : tensor<1x2x3xf32>) grad(%{{.*}}, %{{.*}} : tensor<1x2x3xf32>) bias(%{{.*}} : tensor<2x1x5xbf16>)
  // CHECK-SAME: dropout_key(%{{.*}} : i64) dropout_counter(%{{.*}} : i64) masks<[causal]> scale(5.000000e-01) softcap(2.000000e+00) dropout(1.000000e-01)
  // CHECK-SAME: -> tensor<1x2x3x8xf32>, tensor<1x1x5x8xbf16>, tensor<1x1x5x8xbf16>, tensor<2x1x5xf32>
  %dq, %dk, %dv, %db = linnet.attention_grad %q, %k, %k out(%q, %l : tensor<1x2x3xf32>)
      grad(%q, %l : tensor<1x2x3xf32>) bias(%b : tensor<2x1x5xbf16>)
      dropout_key(%key : i64) dropout_counter(%key : i64) masks<[causal]> scale(0.5) softcap(2.0) dropout(0.1)
      : tensor<1x2x3x8xbf16>, tensor<1x1x5x8xbf16>, tensor<1x1x5x8xbf16>, tensor<1x2x3x8xbf16>
      -> tensor<1x2x3x8xf32>, tensor<1x1x5x8xbf16>, tensor<1x1x5x8xbf16>, tensor<2x1x5xf32>
  return %db : tensor<2x1x5xf32>
}

// CHECK-LABEL: @features
func.func @features(%x: tensor<?x3xf32>) -> tensor<?x3xf32> {
  // CHECK: linnet.feature_map elu1 %{{.*}} : tensor<?x3xf32>
  %0 = linnet.feature_map elu1 %x : tensor<?x3xf32>
  %1 = linnet.feature_map relu2 %0 : tensor<?x3xf32>
  %2 = linnet.feature_map exp %1 : tensor<?x3xf32>
  %3 = linnet.feature_map relu %2 : tensor<?x3xf32>
  return %3 : tensor<?x3xf32>
}

// CHECK-LABEL: @parts
func.func @parts(%q: tensor<1x4x1x8xbf16>, %k: tensor<1x2x?x8xbf16>) -> tensor<?x1x4x1xf32> {
  // CHECK: linnet.attention %{{.*}} part(512) : tensor<1x4x1x8xbf16>, {{.*}} -> tensor<?x1x4x1x8xf32>, tensor<?x1x4x1xf32>
  %0:2 = linnet.attention %q, %k, %k part(512) : tensor<1x4x1x8xbf16>, tensor<1x2x?x8xbf16>, tensor<1x2x?x8xbf16> -> tensor<?x1x4x1x8xf32>, tensor<?x1x4x1xf32>
  return %0#1 : tensor<?x1x4x1xf32>
}

// CHECK-LABEL: @rotary
func.func @rotary(%x: tensor<2x8x?x64xf32>, %cos: tensor<?x16xf32>, %f: tensor<8xf32>,
                  %p: tensor<2x?xi64>, %past: tensor<i64>) -> tensor<2x8x?x64xf32> {
  // CHECK: linnet.rotary %{{.*}} tables(%{{.*}}, %{{.*}} : tensor<?x16xf32>) : tensor<2x8x?x64xf32>
  %0 = linnet.rotary %x tables(%cos, %cos : tensor<?x16xf32>) : tensor<2x8x?x64xf32>
  // CHECK: linnet.rotary %{{.*}} frequencies(%{{.*}} : tensor<8xf32>) positions(%{{.*}} : tensor<2x?xi64>) layout<interleaved> :
  %1 = linnet.rotary %0 frequencies(%f : tensor<8xf32>) positions(%p : tensor<2x?xi64>) layout<interleaved> : tensor<2x8x?x64xf32>
  // CHECK: linnet.rotary %{{.*}} base(1.000000e+04) rotated(32) offset(%{{.*}} : tensor<i64>) :
  %2 = linnet.rotary %1 base(10000.0) rotated(32) offset(%past : tensor<i64>) : tensor<2x8x?x64xf32>
  return %2 : tensor<2x8x?x64xf32>
}
