// RUN: linnet-opt %s --linnet-linearize-attention=explain=true --split-input-file --verify-diagnostics | FileCheck %s

// Queries and keys over their norms: scores are at most the scale.
// CHECK: module attributes {linnet.sites = [{after = {bytes = {{.*}}, flops = {{.*}}, predicted_seconds = {{.*}}}, approximation = {{.*}}, before = {{.*}}, bound = {{.*}}, class = "certified", condition = "|s| <= 0.2: |q| <= 1, |k| <= 1", considered = "taylor of degree 1"
// CHECK-SAME: decision = "linearized", function = "causal", location = "{{.*}}linearize-attention.mlir:{{.*}}", method = "taylor of degree 1", rounding = {{.*}}}]}
// CHECK-LABEL: func.func @causal
// CHECK-COUNT-2: tensor.concat
// CHECK: linnet.linear_attention {{.*}} normalise({{.*}}) : tensor<1x4x8192x17xf32>, tensor<1x4x8192x17xf32>, tensor<1x4x8192x32xf32>
// CHECK-NOT: linnet.attention
func.func @causal(%q: tensor<1x4x8192x16xf32>, %k: tensor<1x4x8192x16xf32>, %v: tensor<1x4x8192x32xf32>) -> tensor<1x4x8192x32xf32> {
  %eps = arith.constant dense<1.0e-12> : tensor<1x4x8192x1xf32>
  %q2 = arith.mulf %q, %q : tensor<1x4x8192x16xf32>
  %qs = linnet.reduce sum %q2 axes [3] keepdims : tensor<1x4x8192x16xf32> -> tensor<1x4x8192x1xf32>
  %qe = arith.addf %qs, %eps : tensor<1x4x8192x1xf32>
  %qr = math.rsqrt %qe : tensor<1x4x8192x1xf32>
  %qb = linnet.broadcast %qr : tensor<1x4x8192x1xf32> -> tensor<1x4x8192x16xf32>
  %qn = arith.mulf %q, %qb : tensor<1x4x8192x16xf32>
  %k2 = arith.mulf %k, %k : tensor<1x4x8192x16xf32>
  %ks = linnet.reduce sum %k2 axes [3] keepdims : tensor<1x4x8192x16xf32> -> tensor<1x4x8192x1xf32>
  %kr = math.sqrt %ks : tensor<1x4x8192x1xf32>
  %km = arith.maximumf %kr, %eps : tensor<1x4x8192x1xf32>
  %kb = linnet.broadcast %km : tensor<1x4x8192x1xf32> -> tensor<1x4x8192x16xf32>
  %kn = arith.divf %k, %kb : tensor<1x4x8192x16xf32>
  // expected-remark @+1 {{attention linearized: taylor of degree 1, bound 0.0}}
  %o = linnet.attention %qn, %kn, %v masks<[causal]> scale(0.2) {linnet.contract = #linnet.contract<bound = 3.0e-2, method = taylor>} : tensor<1x4x8192x16xf32>, tensor<1x4x8192x16xf32>, tensor<1x4x8192x32xf32> -> tensor<1x4x8192x32xf32>
  return %o : tensor<1x4x8192x32xf32>
}

// -----

// Clipped, grouped heads, no mask: two products, with a column of ones.
// CHECK-LABEL: func.func @grouped
// CHECK: linnet.einsum "bhjm,bhjd->bhmd"
// CHECK: linnet.einsum "bhgim,bhmd->bhgid"
// CHECK-NOT: linnet.attention
func.func @grouped(%q: tensor<2x4x4096x8xf32>, %k: tensor<2x2x4096x8xf32>, %v: tensor<2x2x4096x8xf32>) -> tensor<2x4x4096x8xf32>
    attributes {linnet.contract = #linnet.contract<bound = 1.0e-1>} {
  %low = arith.constant dense<-0.5> : tensor<2x4x4096x8xf32>
  %high = arith.constant dense<0.5> : tensor<2x4x4096x8xf32>
  %c0 = arith.maximumf %q, %low : tensor<2x4x4096x8xf32>
  %c1 = arith.minimumf %c0, %high : tensor<2x4x4096x8xf32>
  %t = math.tanh %k : tensor<2x2x4096x8xf32>
  // expected-remark @+1 {{attention linearized: taylor of degree}}
  %o = linnet.attention %c1, %t, %v scale(0.125) : tensor<2x4x4096x8xf32>, tensor<2x2x4096x8xf32>, tensor<2x2x4096x8xf32> -> tensor<2x4x4096x8xf32>
  return %o : tensor<2x4x4096x8xf32>
}

// -----

// CHECK: bound = "vacuous", class = "exact", contract = #linnet.contract<bound = 1.000000e-01>, decision = "kept"
func.func @unproven(%q: tensor<1x1x4096x8xf32>, %k: tensor<1x1x4096x8xf32>) -> tensor<1x1x4096x8xf32> {
  // expected-remark @+1 {{attention kept exact: taylor, favor: nothing bounds the queries: argument 0 of @unproven may have any size}}
  %o = linnet.attention %q, %k, %k {linnet.contract = #linnet.contract<bound = 0.1>} : tensor<1x1x4096x8xf32>, tensor<1x1x4096x8xf32>, tensor<1x1x4096x8xf32> -> tensor<1x1x4096x8xf32>
  return %o : tensor<1x1x4096x8xf32>
}

// -----

func.func @fallback(%q: tensor<1x1x4096x8xf32>, %k: tensor<1x1x4096x8xf32>) -> tensor<1x1x4096x8xf32> {
  // expected-remark @+2 {{kept exact}}
  // expected-error @+1 {{does not meet its contract: taylor, favor: nothing bounds the queries: argument 0 of @fallback may have any size}}
  %o = linnet.attention %q, %k, %k {linnet.contract = #linnet.contract<bound = 0.1, fallback = error>} : tensor<1x1x4096x8xf32>, tensor<1x1x4096x8xf32>, tensor<1x1x4096x8xf32> -> tensor<1x1x4096x8xf32>
  return %o : tensor<1x1x4096x8xf32>
}

// -----

func.func @missed(%q: tensor<1x1x4096x8xf32>) -> tensor<1x1x4096x8xf32> {
  %t = math.tanh %q : tensor<1x1x4096x8xf32>
  // expected-remark @+1 {{times the contract's 0.001}}
  %o = linnet.attention %t, %t, %q scale(0.3) {linnet.contract = #linnet.contract<bound = 1.0e-3, method = taylor>} : tensor<1x1x4096x8xf32>, tensor<1x1x4096x8xf32>, tensor<1x1x4096x8xf32> -> tensor<1x1x4096x8xf32>
  return %o : tensor<1x1x4096x8xf32>
}

// -----

// At ordinary norms random features are refused, and say why.
func.func @favor(%q: tensor<1x1x4096x64xf32>) -> tensor<1x1x4096x64xf32> {
  %n = linnet.rms_norm %q eps 1.0e-6 : tensor<1x1x4096x64xf32>
  // expected-remark @+1 {{attention kept exact: favor with 128 features has the bound inf}}
  %o = linnet.attention %n, %n, %q {linnet.contract = #linnet.contract<bound = 0.1, method = favor, failure = 1.0e-3>} : tensor<1x1x4096x64xf32>, tensor<1x1x4096x64xf32>, tensor<1x1x4096x64xf32> -> tensor<1x1x4096x64xf32>
  return %o : tensor<1x1x4096x64xf32>
}

// -----

func.func @short(%q: tensor<1x1x48x64xf32>) -> tensor<1x1x48x64xf32> {
  %t = math.tanh %q : tensor<1x1x48x64xf32>
  // expected-remark @+1 {{is certified but does not pay}}
  %o = linnet.attention %t, %t, %q scale(0.004) {linnet.contract = #linnet.contract<bound = 1.0e-1>} : tensor<1x1x48x64xf32>, tensor<1x1x48x64xf32>, tensor<1x1x48x64xf32> -> tensor<1x1x48x64xf32>
  return %o : tensor<1x1x48x64xf32>
}

// -----

func.func @method(%q: tensor<1x1x16x8xf32>) -> tensor<1x1x16x8xf32> {
  // expected-error @+1 {{has a contract with the unknown method 'magic', expected auto, taylor, window, favor}}
  %o = linnet.attention %q, %q, %q {linnet.contract = #linnet.contract<bound = 1.0e-1, method = magic>} : tensor<1x1x16x8xf32>, tensor<1x1x16x8xf32>, tensor<1x1x16x8xf32> -> tensor<1x1x16x8xf32>
  return %o : tensor<1x1x16x8xf32>
}

// -----

// An absolute error is measured by the range of the values.
func.func @absolute(%q: tensor<1x1x4096x8xf32>, %v: tensor<1x1x4096x8xf32>) -> (tensor<1x1x4096x8xf32>, tensor<1x1x4096x8xf32>) {
  %t = math.tanh %q : tensor<1x1x4096x8xf32>
  // expected-remark @+1 {{kept exact: metric max_abs needs the range of the values: argument 1 of @absolute may have any size}}
  %a = linnet.attention %t, %t, %v scale(0.03) {linnet.contract = #linnet.contract<bound = 1.0e-1, metric = max_abs>} : tensor<1x1x4096x8xf32>, tensor<1x1x4096x8xf32>, tensor<1x1x4096x8xf32> -> tensor<1x1x4096x8xf32>
  // expected-remark @+1 {{attention linearized: taylor of degree 1}}
  %b = linnet.attention %t, %t, %t scale(0.03) {linnet.contract = #linnet.contract<bound = 1.0e-1, metric = max_abs>} : tensor<1x1x4096x8xf32>, tensor<1x1x4096x8xf32>, tensor<1x1x4096x8xf32> -> tensor<1x1x4096x8xf32>
  return %a, %b : tensor<1x1x4096x8xf32>, tensor<1x1x4096x8xf32>
}

// -----

// A contract for inference leaves what is differentiated alone.
func.func @loss(%q: tensor<1x1x4096x8xf32>) -> f32 {
  %t = math.tanh %q : tensor<1x1x4096x8xf32>
  // expected-remark @+1 {{kept exact: its function is differentiated, and the contract is for inference}}
  %a = linnet.attention %t, %t, %t scale(0.03) {linnet.contract = #linnet.contract<bound = 1.0e-1>} : tensor<1x1x4096x8xf32>, tensor<1x1x4096x8xf32>, tensor<1x1x4096x8xf32> -> tensor<1x1x4096x8xf32>
  // expected-remark @+1 {{attention linearized}}
  %b = linnet.attention %t, %t, %a scale(0.03) {linnet.contract = #linnet.contract<bound = 1.0e-1, scope = training>} : tensor<1x1x4096x8xf32>, tensor<1x1x4096x8xf32>, tensor<1x1x4096x8xf32> -> tensor<1x1x4096x8xf32>
  %c = arith.constant 0 : index
  %l = tensor.extract %b[%c, %c, %c, %c] : tensor<1x1x4096x8xf32>
  return %l : f32
}
func.func @train(%q: tensor<1x1x4096x8xf32>) -> (f32, tensor<1x1x4096x8xf32>) {
  %l, %d = linnet.value_and_grad @loss(%q) wrt [0] : (tensor<1x1x4096x8xf32>) -> (f32, tensor<1x1x4096x8xf32>)
  return %l, %d : f32, tensor<1x1x4096x8xf32>
}
