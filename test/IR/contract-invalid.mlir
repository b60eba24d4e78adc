// RUN: linnet-opt %s --split-input-file --verify-diagnostics

func.func @no_attention(%x: tensor<2x8xf32>) {
  // expected-error @+1 {{'linnet.contract' expects linnet.attention, a function or a module, found 'linnet.softmax'}}
  %y = linnet.softmax %x axis 1 {linnet.contract = #linnet.contract<bound = 1.0e-2>} : tensor<2x8xf32>
  return
}

// -----

// expected-error @+1 {{'linnet.contract' expects #linnet.contract<...>, found 1.000000e-02 : f64}}
func.func @no_contract() attributes {linnet.contract = 1.0e-2} { return }

// -----

// expected-error @+1 {{expects a contract with a bound}}
func.func @no_bound() attributes {linnet.contract = #linnet.contract<method = taylor>} { return }

// -----

// expected-error @+1 {{expects a bound that is finite and positive, found -1.0}}
func.func @negative() attributes {linnet.contract = #linnet.contract<bound = -1.0>} { return }

// -----

// expected-error @+1 {{expects a bound that is finite and positive, found -1.0}}
func.func @negative_integer() attributes {linnet.contract = #linnet.contract<bound = -1>} { return }

// -----

// expected-error @+1 {{expects a number like 1.0e-2 as 'bound' of a contract}}
func.func @no_number() attributes {linnet.contract = #linnet.contract<bound = taylor>} { return }

// -----

// expected-error @+1 {{expects a number like 1.0e-2 as 'failure' of a contract}}
func.func @text() attributes {linnet.contract = #linnet.contract<bound = 1.0, failure = "0.1">} { return }

// -----

// expected-error @+1 {{expects a number like 1.0e-2 as 'bound' of a contract}}
func.func @no_point() attributes {linnet.contract = #linnet.contract<bound = 1e-2>} { return }

// -----

// expected-error @+1 {{expects a failure probability between 0 and 1, found 2.0}}
func.func @failure() attributes {linnet.contract = #linnet.contract<bound = 1.0, failure = 2.0>} { return }

// -----

// expected-error @+1 {{unknown metric 'rel_l2', expected rel_max or max_abs}}
func.func @metric() attributes {linnet.contract = #linnet.contract<bound = 1.0, metric = rel_l2>} { return }

// -----

// expected-error @+1 {{unknown evidence 'calibrated', expected static}}
func.func @evidence() attributes {linnet.contract = #linnet.contract<bound = 1.0, evidence = calibrated>} { return }

// -----

// expected-error @+1 {{unknown parameter 'limit' of a contract, expected bound, method, metric, failure, seed, evidence, scope or fallback}}
func.func @unknown() attributes {linnet.contract = #linnet.contract<bound = 1.0, limit = 2>} { return }

// -----

// expected-error @+1 {{parameter 'bound' of a contract is given twice}}
func.func @twice() attributes {linnet.contract = #linnet.contract<bound = 1.0, bound = 2.0>} { return }
