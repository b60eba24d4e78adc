// RUN: linnet-opt %s --linnet-select-strategies --split-input-file --verify-diagnostics

// The state of a recurrence is read where it is written; its other operands are not.
exec.kernel @state(%q: tensor<2x2x7x8xf32>, %s: tensor<2x2x8x8xf32>) -> (tensor<2x2x7x8xf32>, tensor<2x2x8x8xf32>) attributes {tied = array<i64: -1, 1>} {
  %r:2 = linnet.linear_attention %q, %q, %q state(%s : tensor<2x2x8x8xf32>) : tensor<2x2x7x8xf32>, tensor<2x2x7x8xf32>, tensor<2x2x7x8xf32> -> tensor<2x2x7x8xf32>, tensor<2x2x8x8xf32>
  exec.yield %r#0, %r#1 : tensor<2x2x7x8xf32>, tensor<2x2x8x8xf32>
}
func.func @f(%q: tensor<2x2x7x8xf32>, %s: tensor<2x2x8x8xf32>) -> (tensor<2x2x7x8xf32>, tensor<2x2x8x8xf32>) {
  %r:2 = exec.dispatch @state ins(%q, %s : tensor<2x2x7x8xf32>, tensor<2x2x8x8xf32>) tied [-1, 1] -> (tensor<2x2x7x8xf32>, tensor<2x2x8x8xf32>)
  return %r#0, %r#1 : tensor<2x2x7x8xf32>, tensor<2x2x8x8xf32>
}

// -----

// expected-error @+1 {{result 0 is tied to input 0, which the kernel reads elsewhere than where it writes}}
exec.kernel @other(%q: tensor<2x2x7x8xf32>, %s: tensor<2x2x8x8xf32>) -> (tensor<2x2x7x8xf32>, tensor<2x2x8x8xf32>) attributes {tied = array<i64: 0, 1>} {
  %r:2 = linnet.linear_attention %q, %q, %q state(%s : tensor<2x2x8x8xf32>) : tensor<2x2x7x8xf32>, tensor<2x2x7x8xf32>, tensor<2x2x7x8xf32> -> tensor<2x2x7x8xf32>, tensor<2x2x8x8xf32>
  exec.yield %r#0, %r#1 : tensor<2x2x7x8xf32>, tensor<2x2x8x8xf32>
}
func.func @f(%q: tensor<2x2x7x8xf32>, %s: tensor<2x2x8x8xf32>) -> (tensor<2x2x7x8xf32>, tensor<2x2x8x8xf32>) {
  %r:2 = exec.dispatch @other ins(%q, %s : tensor<2x2x7x8xf32>, tensor<2x2x8x8xf32>) tied [0, 1] -> (tensor<2x2x7x8xf32>, tensor<2x2x8x8xf32>)
  return %r#0, %r#1 : tensor<2x2x7x8xf32>, tensor<2x2x8x8xf32>
}

// -----

// A slice of what is written over.
// expected-error @+1 {{result 0 is tied to input 0, which the kernel reads elsewhere than where it writes}}
exec.kernel @shift(%x: tensor<9xf32>) -> tensor<9xf32> attributes {tied = array<i64: 0>} {
  %s = tensor.extract_slice %x[1] [8] [1] : tensor<9xf32> to tensor<8xf32>
  %r = tensor.insert_slice %s into %x[0] [8] [1] : tensor<8xf32> into tensor<9xf32>
  exec.yield %r : tensor<9xf32>
}
func.func @f(%x: tensor<9xf32>) -> tensor<9xf32> {
  %r = exec.dispatch @shift ins(%x : tensor<9xf32>) tied [0] -> (tensor<9xf32>)
  return %r : tensor<9xf32>
}
