// RUN: linnet-opt %s --split-input-file --verify-diagnostics

func.func @dout(%q: tensor<1x4x5x8xf32>, %k: tensor<1x2x5x8xf32>, %d: tensor<1x2x5x8xf32>) {
  // expected-error@+1 {{(C3) expects dout size 1 2 to match the larger of query and state heads 4}}
  %r:3 = linnet.linear_attention_grad %q, %k, %k grad(%d) : tensor<1x4x5x8xf32>, tensor<1x2x5x8xf32>, tensor<1x2x5x8xf32>, tensor<1x2x5x8xf32> -> tensor<1x4x5x8xf32>, tensor<1x2x5x8xf32>, tensor<1x2x5x8xf32>
  return
}

// -----

func.func @dfinal(%q: tensor<1x4x5x8xf32>, %s: tensor<1x4x8x9xf32>) {
  // expected-error@+1 {{(C7) expects dfinal size 3 9 to match value depth 8}}
  %r:3 = linnet.linear_attention_grad %q, %q, %q grad(%q, %s : tensor<1x4x8x9xf32>) : tensor<1x4x5x8xf32>, tensor<1x4x5x8xf32>, tensor<1x4x5x8xf32>, tensor<1x4x5x8xf32> -> tensor<1x4x5x8xf32>, tensor<1x4x5x8xf32>, tensor<1x4x5x8xf32>
  return
}

// -----

func.func @scale(%q: tensor<1x4x5x8xf32>) {
  // expected-error@+1 {{(C8) expects a finite scale, found}}
  %r:3 = linnet.linear_attention_grad %q, %q, %q grad(%q) scale(0x7FF0000000000000) : tensor<1x4x5x8xf32>, tensor<1x4x5x8xf32>, tensor<1x4x5x8xf32>, tensor<1x4x5x8xf32> -> tensor<1x4x5x8xf32>, tensor<1x4x5x8xf32>, tensor<1x4x5x8xf32>
  return
}

// -----

func.func @count(%q: tensor<1x4x5x8xf32>, %g: tensor<1x4x5xf32>) {
  // expected-error@+1 {{(C9) expects a result for each of 4 operands, found 3}}
  %r:3 = linnet.linear_attention_grad %q, %q, %q decay(%g : tensor<1x4x5xf32>) grad(%q) : tensor<1x4x5x8xf32>, tensor<1x4x5x8xf32>, tensor<1x4x5x8xf32>, tensor<1x4x5x8xf32> -> tensor<1x4x5x8xf32>, tensor<1x4x5x8xf32>, tensor<1x4x5x8xf32>
  return
}

// -----

func.func @shape(%q: tensor<1x4x5x8xf32>, %k: tensor<1x2x5x8xf32>) {
  // expected-error@+1 {{(C9) expects result 1 of the shape of 'tensor<1x2x5x8xf32>', found 'tensor<1x4x5x8xf32>'}}
  %r:3 = linnet.linear_attention_grad %q, %k, %k grad(%q) : tensor<1x4x5x8xf32>, tensor<1x2x5x8xf32>, tensor<1x2x5x8xf32>, tensor<1x4x5x8xf32> -> tensor<1x4x5x8xf32>, tensor<1x4x5x8xf32>, tensor<1x2x5x8xf32>
  return
}

// -----

func.func @element(%q: tensor<1x4x5x8xbf16>) {
  // expected-error@+1 {{(C9) expects elements of result 2 to be 'bf16' or f32, found 'f16'}}
  %r:3 = linnet.linear_attention_grad %q, %q, %q grad(%q) : tensor<1x4x5x8xbf16>, tensor<1x4x5x8xbf16>, tensor<1x4x5x8xbf16>, tensor<1x4x5x8xbf16> -> tensor<1x4x5x8xbf16>, tensor<1x4x5x8xf32>, tensor<1x4x5x8xf16>
  return
}

// -----

func.func @per_head(%q: tensor<1x2x5x8xf32>, %v: tensor<1x4x5x8xf32>) {
  // expected-error@+1 {{(C10) expects result 1 of the shape of 'tensor<1x4x5x8xf32>', found 'tensor<1x2x5x8xf32>'}}
  %r:3 = linnet.linear_attention_grad %q, %q, %v grad(%v) per_head : tensor<1x2x5x8xf32>, tensor<1x2x5x8xf32>, tensor<1x4x5x8xf32>, tensor<1x4x5x8xf32> -> tensor<1x4x5x8xf32>, tensor<1x2x5x8xf32>, tensor<1x4x5x8xf32>
  return
}
