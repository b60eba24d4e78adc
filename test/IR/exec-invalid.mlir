// RUN: linnet-opt %s --split-input-file --verify-diagnostics

// expected-error @below {{result 0 is tied to input 0, which is no tensor of type 'tensor<4xf32>'}}
exec.kernel @tied(%a: tensor<8xf32>) -> tensor<4xf32> attributes {tied = array<i64: 0>} {
  %0 = tensor.empty() : tensor<4xf32>
  exec.yield %0 : tensor<4xf32>
}

// -----

// expected-error @below {{(C2) expects 'fault_sites' of 2 faults, found 1}}
exec.kernel @count(%a: tensor<8xf32>) -> tensor<8xf32>
    attributes {faults = 2, fault_sites = [{op = "linnet.gather", message = "index out of range"}]} {
  exec.yield %a : tensor<8xf32>
}

// -----

// expected-error @below {{(C2) expects strings 'op' and 'message' of a fault site, found {op = "linnet.gather"}}}
exec.kernel @site(%a: tensor<8xf32>) -> tensor<8xf32>
    attributes {faults = 1, fault_sites = [{op = "linnet.gather"}]} {
  exec.yield %a : tensor<8xf32>
}

// -----

// expected-error @below {{(C3) expects 'layouts' of 1 arguments, found 2}}
exec.kernel @layouts(%a: tensor<8xf32>) -> tensor<8xf32> attributes {layouts = [unit, unit]} {
  exec.yield %a : tensor<8xf32>
}

// -----

// expected-error @below {{(C3) expects a dictionary or unit for a layout, found 3}}
exec.kernel @layout(%a: tensor<8xf32>) -> tensor<8xf32> attributes {layouts = [3]} {
  exec.yield %a : tensor<8xf32>
}

// -----

// expected-error @below {{(C4) expects a body that ends with an 'exec.yield' of the result types}}
exec.kernel @yield(%a: tensor<8xf32>) -> tensor<4xf32> {
  exec.yield %a : tensor<8xf32>
}

// -----

// expected-error @below {{(C5) expects 1 launch arguments, found 0}}
exec.kernel @launch(%a: tensor<?xf32>) -> tensor<8xf32> {
  %0 = tensor.empty() : tensor<8xf32>
  exec.yield %0 : tensor<8xf32>
} launch {
  %c0 = arith.constant 0 : index
  exec.launch chunks(%c0) scratch(%c0) flops(%c0) bytes(%c0)
}

// -----

// expected-error @below {{(C6) expects 'wide' or 'guarded', not both}}
exec.kernel @wide(%a: tensor<8xf32>) -> tensor<8xf32> attributes {wide, guarded} {
  exec.yield %a : tensor<8xf32>
}

// -----

exec.program @check attributes {symbols = [{name = "N"}], arguments = [], results = [], result_alias = array<i64>} {
^bb0(%n: index):
  %true = arith.constant true
  // expected-error @below {{'exec.check' op (C1) expects the name of an op, found an empty one}}
  exec.check %true, "a slice beyond its tensor" {op = ""}
  exec.return
}

// -----

exec.program @check attributes {symbols = [{name = "N"}], arguments = [], results = [], result_alias = array<i64>} {
^bb0(%n: index):
  %true = arith.constant true
  // expected-error @below {{'exec.check' op attribute 'op' failed to satisfy constraint: string attribute}}
  exec.check %true, "a slice beyond its tensor" {op = 3 : i64}
  exec.return
}
