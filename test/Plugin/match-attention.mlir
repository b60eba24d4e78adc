// RUN: linnet-opt %s --transform-interpreter -verify-diagnostics -split-input-file

module attributes {transform.with_named_sequence} {
  transform.named_sequence @causal(%op: !transform.any_op {transform.readonly}) -> !transform.any_op {
    transform.match.linnet.attention %op {causal = true, plain = true, grouped = true, min_keys = 128, max_keys = 128, head_dim = 64, element_type = f32} : !transform.any_op
    transform.yield %op : !transform.any_op
  }
  transform.named_sequence @other(%op: !transform.any_op {transform.readonly}) -> !transform.any_op {
    transform.match.linnet.attention %op {plain = false, grouped = false, min_keys = 100000, min_queries = 100000} : !transform.any_op
    transform.yield %op : !transform.any_op
  }
  transform.named_sequence @short(%op: !transform.any_op {transform.readonly}) -> !transform.any_op {
    transform.match.linnet.attention %op {causal = false, max_queries = 16} : !transform.any_op
    transform.yield %op : !transform.any_op
  }
  transform.named_sequence @is_causal(%op: !transform.any_op {transform.readonly}) {
    transform.debug.emit_remark_at %op, "causal" : !transform.any_op
    transform.yield
  }
  transform.named_sequence @is_other(%op: !transform.any_op {transform.readonly}) {
    transform.debug.emit_remark_at %op, "window" : !transform.any_op
    transform.yield
  }
  transform.named_sequence @is_short(%op: !transform.any_op {transform.readonly}) {
    transform.debug.emit_remark_at %op, "short" : !transform.any_op
    transform.yield
  }
  transform.named_sequence @__transform_main(%module: !transform.any_op {transform.consumed}) {
    transform.foreach_match in %module @causal -> @is_causal, @other -> @is_other, @short -> @is_short
        : (!transform.any_op) -> !transform.any_op
    transform.yield
  }
  func.func @f(%q: tensor<1x4x32x64xf32>, %k: tensor<1x2x128x64xf32>, %h: tensor<1x2x128x64xf16>,
               %d: tensor<1x4x?x64xf32>, %s: tensor<1x4x16x64xf32>) {
    // expected-remark @below {{causal}}
    %0 = linnet.attention %q, %k, %k masks<[causal]> : tensor<1x4x32x64xf32>, tensor<1x2x128x64xf32>, tensor<1x2x128x64xf32> -> tensor<1x4x32x64xf32>
    // nothing: f16, not grouped
    %1 = linnet.attention %h, %h, %h masks<[causal]> : tensor<1x2x128x64xf16>, tensor<1x2x128x64xf16>, tensor<1x2x128x64xf16> -> tensor<1x2x128x64xf16>
    // expected-remark @below {{window}}
    %2 = linnet.attention %d, %d, %d masks<[causal, window<left = 4>]> : tensor<1x4x?x64xf32>, tensor<1x4x?x64xf32>, tensor<1x4x?x64xf32> -> tensor<1x4x?x64xf32>
    // expected-remark @below {{short}}
    %3 = linnet.attention %s, %k, %k : tensor<1x4x16x64xf32>, tensor<1x2x128x64xf32>, tensor<1x2x128x64xf32> -> tensor<1x4x16x64xf32>
    // nothing: a dynamic number of queries may be more than 16
    %4 = linnet.attention %d, %k, %k : tensor<1x4x?x64xf32>, tensor<1x2x128x64xf32>, tensor<1x2x128x64xf32> -> tensor<1x4x?x64xf32>
    return
  }
}

// -----

module attributes {transform.with_named_sequence} {
  transform.named_sequence @__transform_main(%op: !transform.any_op {transform.readonly}) {
    // expected-error @below {{unknown condition 'casual', expected one of: causal, element_type}}
    transform.match.linnet.attention %op {casual = true} : !transform.any_op
    transform.yield
  }
}
