// RUN: linnet-opt %s -split-input-file -verify-diagnostics -linnet-check-symbols -o /dev/null

// Equal by name, by arithmetic, through reshapes and reified shapes.
func.func @proved(%x: tensor<?x?xf32> {linnet.dims = ["B", "N"]},
                  %y: tensor<?x?xf32> {linnet.dims = ["B", "N"]},
                  %w: tensor<4x?xf32> {linnet.dims = [4, "N"]}) -> tensor<?x?xf32> {
  %0 = arith.addf %x, %y : tensor<?x?xf32>
  %1 = linnet.einsum "bn,on->bo" %0, %w : tensor<?x?xf32>, tensor<4x?xf32> -> tensor<?x4xf32>
  %c0 = arith.constant 0 : index
  %c1 = arith.constant 1 : index
  %c2 = arith.constant 2 : index
  %b = tensor.dim %1, %c0 : tensor<?x4xf32>
  %n = tensor.dim %y, %c1 : tensor<?x?xf32>
  %twice = arith.addi %n, %n : index
  %half = arith.divsi %twice, %c2 : index
  %e = tensor.empty(%b, %half) : tensor<?x?xf32>
  %2 = arith.mulf %0, %e : tensor<?x?xf32>
  %3 = tensor.concat dim(1) %2, %x : (tensor<?x?xf32>, tensor<?x?xf32>) -> tensor<?x?xf32>
  %4 = tensor.empty(%b, %twice) : tensor<?x?xf32>
  %5 = arith.addf %3, %4 : tensor<?x?xf32>
  %6 = tensor.collapse_shape %5 [[0, 1]] : tensor<?x?xf32> into tensor<?xf32>
  %all = arith.muli %twice, %b : index
  %7 = tensor.empty(%all) : tensor<?xf32>
  %8 = arith.addf %6, %7 : tensor<?xf32>
  return %5 : tensor<?x?xf32>
}

// -----

// expected-note @+1 {{name equal sizes alike in 'linnet.dims' on the arguments of 'unnamed'}}
func.func @unnamed(%x: tensor<?xf32>, %y: tensor<?xf32>) -> tensor<?xf32> {
  // expected-error @+1 {{expects size 0 of operand 0, 'size 0 of argument 0', to match size 0 of operand 1, 'size 0 of argument 1'}}
  %0 = arith.addf %x, %y : tensor<?xf32>
  return %0 : tensor<?xf32>
}

// -----

// expected-note @+1 {{name equal sizes alike}}
func.func @all_at_once(%q: tensor<2x?x8xf32> {linnet.dims = [2, "N", 8]},
                       %k: tensor<2x?x8xf32> {linnet.dims = [2, "M", 8]}) {
  // expected-error @+1 {{expects size 1 of operand 0, 'N', to match size 1 of operand 1, 'M'}}
  %0 = linnet.einsum "bnd,bnd->bn" %q, %k : tensor<2x?x8xf32>, tensor<2x?x8xf32> -> tensor<2x?xf32>
  %1 = tensor.concat dim(1) %q, %k : (tensor<2x?x8xf32>, tensor<2x?x8xf32>) -> tensor<2x?x8xf32>
  // expected-error @+1 {{expects size 1 of operand 0, 'N + M', to match size 1 of operand 1, 'N'}}
  %2 = arith.addf %1, %q : tensor<2x?x8xf32>
  return
}

// -----

// expected-note @+1 {{name equal sizes alike}}
func.func @state(%c: tensor<?x8xf32> {linnet.dims = ["T", 8], linnet.state = "kv"},
                 %x: tensor<1x8xf32>) -> (tensor<?x8xf32> {linnet.state = "kv"}) {
  %0 = tensor.concat dim(0) %c, %x : (tensor<?x8xf32>, tensor<1x8xf32>) -> tensor<?x8xf32>
  // expected-error @+1 {{expects size 0 of result 0, 'T + 1', to match argument 0 of the same state, 'T'}}
  return %0 : tensor<?x8xf32>
}

// -----

// expected-note @+1 {{name equal sizes alike}}
func.func @loop(%x: tensor<?xf32> {linnet.dims = ["N"]}, %n: index) -> tensor<?xf32> {
  %c0 = arith.constant 0 : index
  %c1 = arith.constant 1 : index
  // expected-error @+1 {{expects size 0 of carried value 0, 'N', to match what the loop yields, '2*N'}}
  %0 = scf.for %i = %c0 to %n step %c1 iter_args(%a = %x) -> tensor<?xf32> {
    %b = tensor.concat dim(0) %a, %a : (tensor<?xf32>, tensor<?xf32>) -> tensor<?xf32>
    scf.yield %b : tensor<?xf32>
  }
  return %0 : tensor<?xf32>
}
