// RUN: linnet-opt %s | linnet-opt | FileCheck %s
// RUN: linnet-opt %s --mlir-print-op-generic | linnet-opt | FileCheck %s

// Where a contract may stand: on a module, a function, an attention. Defaults are not printed.
// CHECK: module attributes {linnet.contract = #linnet.contract<bound = 1.000000e-01>}
module attributes {linnet.contract = #linnet.contract<bound = 0.1, method = auto, evidence = static, scope = inference, fallback = exact, metric = rel_max, seed = 0>} {
  // An integer is a number; one without a short form is printed by its bits and read again.
  // CHECK: func.func private @g() attributes {linnet.contract = #linnet.contract<bound = 2.000000e+00>}
  func.func private @g() attributes {linnet.contract = #linnet.contract<bound = 2>}
  // CHECK: func.func private @h() attributes {linnet.contract = #linnet.contract<bound = 0x41678C29C0000000>}
  func.func private @h() attributes {linnet.contract = #linnet.contract<bound = 12345678.0>}
  // CHECK: func.func @f
  // CHECK-SAME: linnet.contract = #linnet.contract<bound = 1.000000e-02, method = favor, metric = max_abs, failure = 9.9999999999999995E-7, seed = 7, scope = training, fallback = error>
  func.func @f(%q: tensor<1x2x9x4xf32>) -> tensor<1x2x9x4xf32> attributes {
      linnet.contract = #linnet.contract<fallback = error, seed = 7, method = favor, bound = 1.0e-2, failure = 1.0e-6, metric = max_abs, scope = training>} {
    // CHECK: linnet.attention
    // CHECK-SAME: linnet.contract = #linnet.contract<bound = 1.000000e-03, method = taylor>
    %o = linnet.attention %q, %q, %q {linnet.contract = #linnet.contract<bound = 1.0e-3, method = taylor>} : tensor<1x2x9x4xf32>, tensor<1x2x9x4xf32>, tensor<1x2x9x4xf32> -> tensor<1x2x9x4xf32>
    return %o : tensor<1x2x9x4xf32>
  }
}
