// RUN: linnet-opt %s --linnet-linearize-attention=explain=true --split-input-file --verify-diagnostics | FileCheck %s

// Key heads of one window stay together: heads of slope 1/2 and 1/4 on the first, 1/64 on the others. How
// long the text is need not be known.
// CHECK-LABEL: func.func @grouped
// CHECK: %[[Q0:.*]] = tensor.extract_slice %{{.*}}[0, 0, 0, 0] [1, 2, %{{.*}}, 16]
// CHECK: %[[K0:.*]] = tensor.extract_slice %{{.*}}[0, 0, 0, 0] [1, 1, %{{.*}}, 16]
// CHECK: %[[S0:.*]] = arith.constant dense<[5.000000e-01, 2.500000e-01]>
// CHECK: %[[O0:.*]] = linnet.attention %[[Q0]], %[[K0]], %{{.*}} alibi_slopes(%[[S0]] : tensor<2xf32>) masks<[causal, window<left = 63>]> scale(6.250000e-02)
// CHECK: tensor.extract_slice %{{.*}}[0, 2, 0, 0] [1, 4, %{{.*}}, 16]
// CHECK: %[[O1:.*]] = linnet.attention {{.*}} masks<[causal, window<left = 511>]> {{.*}} tensor<1x4x?x16xf32>, tensor<1x2x?x16xf32>
// CHECK: tensor.concat dim(1) %[[O0]], %[[O1]]
func.func @grouped(%q: tensor<1x6x?x16xf32>, %k: tensor<1x3x?x16xf32>, %v: tensor<1x3x?x16xf32>) -> tensor<1x6x?x16xf32> {
  %slopes = arith.constant dense<[0.5, 0.25, 0.015625, 0.015625, 0.015625, 0.015625]> : tensor<6xf32>
  %qn = linnet.rms_norm %q eps 1.0e-6 : tensor<1x6x?x16xf32>
  %kn = linnet.rms_norm %k eps 1.0e-6 : tensor<1x3x?x16xf32>
  // expected-remark-re @+1 {{attention linearized: window of the nearest 64 (2 heads), 512 (4 heads) keys, bound 0.00{{.*}} |s| <= 1{{.*}}slopes of 0.0156{{.*}} to 0.5 per key}}
  %o = linnet.attention %qn, %kn, %v alibi_slopes(%slopes : tensor<6xf32>) masks<[causal]> scale(0.0625)
      {linnet.contract = #linnet.contract<bound = 1.0e-2>} : tensor<1x6x?x16xf32>, tensor<1x3x?x16xf32>, tensor<1x3x?x16xf32> -> tensor<1x6x?x16xf32>
  return %o : tensor<1x6x?x16xf32>
}

// -----

// A head of no slope, and one whose window is all of the text, stay whole, in one op.
// CHECK-LABEL: func.func @whole_heads
// CHECK-COUNT-1: masks<[causal, window<left = 63>]>
// CHECK: linnet.attention {{.*}} masks<[causal]> {{.*}} tensor<1x2x512x16xf32>, tensor<1x2x512x16xf32>
// CHECK-NOT: linnet.attention
func.func @whole_heads(%q: tensor<1x8x512x16xf32>, %v: tensor<1x8x512x16xf32>) -> tensor<1x8x512x16xf32> {
  %slopes = arith.constant dense<[0.5, 0.5, 0.5, 0.5, 0.5, 0.5, 0.0, 0.001]> : tensor<8xf32>
  %qn = linnet.rms_norm %q eps 1.0e-6 : tensor<1x8x512x16xf32>
  // expected-remark @+1 {{attention linearized: window of the nearest 64 (6 heads), all (2 heads) keys}}
  %o = linnet.attention %qn, %qn, %v alibi_slopes(%slopes : tensor<8xf32>) masks<[causal]> scale(0.0625)
      {linnet.contract = #linnet.contract<bound = 1.0e-2, method = window>} : tensor<1x8x512x16xf32>, tensor<1x8x512x16xf32>, tensor<1x8x512x16xf32> -> tensor<1x8x512x16xf32>
  return %o : tensor<1x8x512x16xf32>
}

// -----

// Of at most 512 keys: heads that stay whole have a bound too, and a window of as many leaves nothing out. One
// symbol is one length, whatever the alignment.
// CHECK-LABEL: func.func @bounded
// CHECK-COUNT-1: masks<[causal, window<left = 63>]>
// CHECK: linnet.attention {{.*}} masks<[causal]> {{.*}} tensor<1x2x?x16xf32>, tensor<1x2x?x16xf32>
// CHECK-NOT: linnet.attention
func.func @bounded(%q: tensor<1x8x?x16xf32> {linnet.dims = [1, 8, "N", 16]}, %v: tensor<1x8x?x16xf32> {linnet.dims = [1, 8, "N", 16]}) -> tensor<1x8x?x16xf32>
    attributes {linnet.symbols = {N = {max = 512}}} {
  %slopes = arith.constant dense<[0.5, 0.5, 0.5, 0.5, 0.5, 0.5, 0.0, 0.001]> : tensor<8xf32>
  %qn = linnet.rms_norm %q eps 1.0e-6 : tensor<1x8x?x16xf32>
  // expected-remark @+1 {{attention linearized: window of the nearest 64 (6 heads), all (2 heads) keys}}
  %o = linnet.attention %qn, %qn, %v alibi_slopes(%slopes : tensor<8xf32>) masks<[causal]> alignment<top_left> scale(0.0625)
      {linnet.contract = #linnet.contract<bound = 1.0e-2, method = window>} : tensor<1x8x?x16xf32>, tensor<1x8x?x16xf32>, tensor<1x8x?x16xf32> -> tensor<1x8x?x16xf32>
  return %o : tensor<1x8x?x16xf32>
}

// -----

// CHECK-LABEL: func.func @refused
// CHECK-NOT: window<
func.func @refused(%q: tensor<1x2x512x16xf32>, %s: tensor<2xf32>, %p: tensor<i64>, %n: tensor<1xi64>)
    -> (tensor<1x2x512x16xf32>, tensor<1x2x512x16xf32>, tensor<1x2x512x16xf32>, tensor<1x2x512x16xf32>, tensor<1x2x512x16xf32>)
    attributes {linnet.contract = #linnet.contract<bound = 1.0e-2, method = window>} {
  %slopes = arith.constant dense<0.5> : tensor<2xf32>
  %qn = linnet.rms_norm %q eps 1.0e-6 : tensor<1x2x512x16xf32>
  // expected-remark @+1 {{kept exact: window: its alibi_slopes are no constants}}
  %0 = linnet.attention %qn, %qn, %q alibi_slopes(%s : tensor<2xf32>) masks<[causal]> scale(0.0625) : tensor<1x2x512x16xf32>, tensor<1x2x512x16xf32>, tensor<1x2x512x16xf32> -> tensor<1x2x512x16xf32>
  // expected-remark @+1 {{kept exact: window: it is not causal: keys beyond a query weigh more the further they are}}
  %1 = linnet.attention %qn, %qn, %q alibi_slopes(%slopes : tensor<2xf32>) scale(0.0625) : tensor<1x2x512x16xf32>, tensor<1x2x512x16xf32>, tensor<1x2x512x16xf32> -> tensor<1x2x512x16xf32>
  // expected-remark @+1 {{kept exact: window: no insert of the queries' own keys at q_offset shows that these are among its keys}}
  %2 = linnet.attention %qn, %qn, %q alibi_slopes(%slopes : tensor<2xf32>) q_offset(%p : tensor<i64>) masks<[causal]> scale(0.0625) : tensor<1x2x512x16xf32>, tensor<1x2x512x16xf32>, tensor<1x2x512x16xf32> -> tensor<1x2x512x16xf32>
  // expected-remark @+1 {{kept exact: window: it has no alibi_slopes, under which far keys weigh little}}
  %3 = linnet.attention %qn, %qn, %q masks<[causal]> scale(0.0625) : tensor<1x2x512x16xf32>, tensor<1x2x512x16xf32>, tensor<1x2x512x16xf32> -> tensor<1x2x512x16xf32>
  // expected-remark @+1 {{kept exact: window: nothing bounds the queries: argument 0 of @refused may have any size}}
  %4 = linnet.attention %q, %qn, %q alibi_slopes(%slopes : tensor<2xf32>) masks<[causal]> scale(0.0625) : tensor<1x2x512x16xf32>, tensor<1x2x512x16xf32>, tensor<1x2x512x16xf32> -> tensor<1x2x512x16xf32>
  return %0, %1, %2, %3, %4 : tensor<1x2x512x16xf32>, tensor<1x2x512x16xf32>, tensor<1x2x512x16xf32>, tensor<1x2x512x16xf32>, tensor<1x2x512x16xf32>
}

// -----

// A cache: rows of the state are what the program has written, and the query's own key is where q_offset says.
// CHECK: condition = "|s| <= 1: |q| <= 4, |k| <= 4 with what the program writes to state 'keys'; slopes of 0.5 to 0.5 per key"
// CHECK-LABEL: func.func @decode
// CHECK: linnet.attention {{.*}} q_offset(%{{.*}} : tensor<i64>) masks<[causal, window<left = 63>]>
func.func @decode(%q: tensor<1x2x1x16xf32>, %k: tensor<1x1x1x16xf32>, %keys: tensor<1x1x512x16xf32> {linnet.state = "keys"}, %p: tensor<i64>)
    -> (tensor<1x2x1x16xf32>, tensor<1x1x512x16xf32> {linnet.state = "keys"})
    attributes {linnet.contract = #linnet.contract<bound = 1.0e-2, method = window>} {
  %slopes = arith.constant dense<0.5> : tensor<2xf32>
  %qn = linnet.rms_norm %q eps 1.0e-6 : tensor<1x2x1x16xf32>
  %kn = linnet.rms_norm %k eps 1.0e-6 : tensor<1x1x1x16xf32>
  %start = tensor.extract %p[] : tensor<i64>
  %first = arith.index_cast %start : i64 to index
  %all = tensor.insert_slice %kn into %keys[0, 0, %first, 0] [1, 1, 1, 16] [1, 1, 1, 1] : tensor<1x1x1x16xf32> into tensor<1x1x512x16xf32>
  // expected-remark @+1 {{attention linearized: window of the nearest 64 (2 heads) keys}}
  %o = linnet.attention %qn, %all, %all alibi_slopes(%slopes : tensor<2xf32>) q_offset(%p : tensor<i64>) masks<[causal]> scale(0.0625) : tensor<1x2x1x16xf32>, tensor<1x1x512x16xf32>, tensor<1x1x512x16xf32> -> tensor<1x2x1x16xf32>
  return %o, %all : tensor<1x2x1x16xf32>, tensor<1x1x512x16xf32>
}

// -----

// What the cache holds, and where queries are in it, is refused where the program does not say it.
// CHECK-LABEL: func.func @caches
// CHECK-NOT: window<
func.func @caches(%q: tensor<1x2x1x16xf32>, %k: tensor<1x1x1x16xf32>, %keys: tensor<1x1x512x16xf32> {linnet.state = "keys"},
    %others: tensor<1x1x512x16xf32>, %p: tensor<i64>, %r: tensor<i64>, %n: tensor<1xi64>)
    -> (tensor<1x2x1x16xf32>, tensor<1x2x1x16xf32>, tensor<1x2x1x16xf32>, tensor<1x2x1x16xf32>, tensor<1x1x512x16xf32> {linnet.state = "keys"})
    attributes {linnet.contract = #linnet.contract<bound = 1.0e-2, method = window>} {
  %slopes = arith.constant dense<0.5> : tensor<2xf32>
  %qn = linnet.rms_norm %q eps 1.0e-6 : tensor<1x2x1x16xf32>
  %kn = linnet.rms_norm %k eps 1.0e-6 : tensor<1x1x1x16xf32>
  %on = linnet.rms_norm %others eps 1.0e-6 : tensor<1x1x512x16xf32>
  %start = tensor.extract %p[] : tensor<i64>
  %first = arith.index_cast %start : i64 to index
  %all = tensor.insert_slice %kn into %keys[0, 0, %first, 0] [1, 1, 1, 16] [1, 1, 1, 1] : tensor<1x1x1x16xf32> into tensor<1x1x512x16xf32>
  %raw = tensor.insert_slice %k into %keys[0, 0, %first, 0] [1, 1, 1, 16] [1, 1, 1, 1] : tensor<1x1x1x16xf32> into tensor<1x1x512x16xf32>
  %ours = tensor.insert_slice %kn into %on[0, 0, %first, 0] [1, 1, 1, 16] [1, 1, 1, 1] : tensor<1x1x1x16xf32> into tensor<1x1x512x16xf32>
  // expected-remark @+1 {{kept exact: window: nothing bounds the keys: state 'keys', argument 2 of @caches may have any size}}
  %0 = linnet.attention %qn, %all, %all alibi_slopes(%slopes : tensor<2xf32>) q_offset(%p : tensor<i64>) masks<[causal]> scale(0.0625) : tensor<1x2x1x16xf32>, tensor<1x1x512x16xf32>, tensor<1x1x512x16xf32> -> tensor<1x2x1x16xf32>
  // expected-remark @+1 {{kept exact: window: no insert of the queries' own keys at q_offset shows that these are among its keys}}
  %1 = linnet.attention %qn, %ours, %all alibi_slopes(%slopes : tensor<2xf32>) q_offset(%r : tensor<i64>) masks<[causal]> scale(0.0625) : tensor<1x2x1x16xf32>, tensor<1x1x512x16xf32>, tensor<1x1x512x16xf32> -> tensor<1x2x1x16xf32>
  // expected-remark @+1 {{kept exact: window: kv_lengths may hide the keys nearest to its q_offset}}
  %2 = linnet.attention %qn, %ours, %all alibi_slopes(%slopes : tensor<2xf32>) kv_lengths(%n : tensor<1xi64>) q_offset(%p : tensor<i64>) masks<[causal, kv_lengths]> scale(0.0625) : tensor<1x2x1x16xf32>, tensor<1x1x512x16xf32>, tensor<1x1x512x16xf32> -> tensor<1x2x1x16xf32>
  // expected-remark @+1 {{kept exact: window: with alignment top_left a query may be beyond the last key}}
  %3 = linnet.attention %qn, %ours, %all alibi_slopes(%slopes : tensor<2xf32>) kv_lengths(%n : tensor<1xi64>) masks<[causal, kv_lengths]> alignment<top_left> scale(0.0625) : tensor<1x2x1x16xf32>, tensor<1x1x512x16xf32>, tensor<1x1x512x16xf32> -> tensor<1x2x1x16xf32>
  return %0, %1, %2, %3, %raw : tensor<1x2x1x16xf32>, tensor<1x2x1x16xf32>, tensor<1x2x1x16xf32>, tensor<1x2x1x16xf32>, tensor<1x1x512x16xf32>
}
