// RUN: linnet-opt %s --split-input-file --verify-diagnostics

func.func @c2_none(%x: tensor<2x3x5x8xf32>) {
  // expected-error @+1 {{(C2) expects one of tables, frequencies and base, found 0}}
  %r = linnet.rotary %x  : tensor<2x3x5x8xf32>
  return
}

// -----

func.func @c2_two(%x: tensor<2x3x5x8xf32>, %f: tensor<4xf32>) {
  // expected-error @+1 {{(C2) expects one of tables, frequencies and base, found 2}}
  %r = linnet.rotary %x frequencies(%f : tensor<4xf32>) base(10.0) : tensor<2x3x5x8xf32>
  return
}

// -----

func.func @c3_types(%x: tensor<2x3x5x8xf32>, %c: tensor<5x4xf32>, %s: tensor<5x4xbf16>) {
  // expected-error @+1 {{(C3) expects tables of one type, found 'tensor<5x4xf32>' and 'tensor<5x4xbf16>'}}
  %r = linnet.rotary %x tables(%c, %s : tensor<5x4xf32>, tensor<5x4xbf16>) : tensor<2x3x5x8xf32>
  return
}

// -----

func.func @c3_rows(%x: tensor<2x3x5x8xf32>, %c: tensor<6x4xf32>) {
  // expected-error @+1 {{(C3) expects table size 0 6 to match row count 5}}
  %r = linnet.rotary %x tables(%c, %c : tensor<6x4xf32>) : tensor<2x3x5x8xf32>
  return
}

// -----

func.func @c3_batch(%x: tensor<2x3x5x8xf32>, %c: tensor<1x5x4xf32>) {
  // expected-error @+1 {{(C3) expects table size 0 1 to match batch 2}}
  %r = linnet.rotary %x tables(%c, %c : tensor<1x5x4xf32>) : tensor<2x3x5x8xf32>
  return
}

// -----

func.func @c4_base(%x: tensor<2x3x5x8xf32>) {
  // expected-error @+1 {{(C4) expects a finite positive base, found -1.0}}
  %r = linnet.rotary %x base(-1.0) : tensor<2x3x5x8xf32>
  return
}

// -----

func.func @c5_depth(%x: tensor<2x3x5x8xf32>, %f: tensor<5xf32>) {
  // expected-error @+1 {{(C5) expects an even number of rotated channels of at most depth 8, found 10}}
  %r = linnet.rotary %x frequencies(%f : tensor<5xf32>) : tensor<2x3x5x8xf32>
  return
}

// -----

func.func @c5_odd(%x: tensor<2x3x5x8xf32>) {
  // expected-error @+1 {{(C5) expects an even number of rotated channels of at most depth 8, found 3}}
  %r = linnet.rotary %x base(10.0) rotated(3) : tensor<2x3x5x8xf32>
  return
}

// -----

func.func @c5_static(%x: tensor<2x3x5x8xf32>, %f: tensor<?xf32>) {
  // expected-error @+1 {{(C5) expects a static number of rotated channels}}
  %r = linnet.rotary %x frequencies(%f : tensor<?xf32>) : tensor<2x3x5x8xf32>
  return
}

// -----

func.func @c5_rotated(%x: tensor<2x3x5x8xf32>, %f: tensor<4xf32>) {
  // expected-error @+1 {{(C5) expects 'rotated' only with base}}
  %r = linnet.rotary %x frequencies(%f : tensor<4xf32>) rotated(8) : tensor<2x3x5x8xf32>
  return
}

// -----

func.func @c6_tables(%x: tensor<2x3x5x8xf32>, %c: tensor<5x4xf32>, %p: tensor<i64>) {
  // expected-error @+1 {{(C6) expects no positions and no offset with tables}}
  %r = linnet.rotary %x tables(%c, %c : tensor<5x4xf32>) offset(%p : tensor<i64>) : tensor<2x3x5x8xf32>
  return
}

// -----

func.func @c6_both(%x: tensor<2x3x5x8xf32>, %p: tensor<i64>, %n: tensor<5xi64>) {
  // expected-error @+1 {{(C6) expects positions or an offset, found both}}
  %r = linnet.rotary %x base(10.0) positions(%n : tensor<5xi64>) offset(%p : tensor<i64>) : tensor<2x3x5x8xf32>
  return
}

// -----

func.func @c6_positions(%x: tensor<2x3x5x8xf32>, %n: tensor<2x4xi64>) {
  // expected-error @+1 {{(C6) expects positions size 1 4 to match row count 5}}
  %r = linnet.rotary %x base(10.0) positions(%n : tensor<2x4xi64>) : tensor<2x3x5x8xf32>
  return
}

// -----

func.func @c6_offset(%x: tensor<2x3x5x8xf32>, %n: tensor<3xi64>) {
  // expected-error @+1 {{(C6) expects offset size 0 3 to match batch 2}}
  %r = linnet.rotary %x base(10.0) offset(%n : tensor<3xi64>) : tensor<2x3x5x8xf32>
  return
}

// -----

func.func @feature(%x: tensor<2xf32>) {
  // expected-error @+1 {{unknown feature map 'gelu', expected elu1, relu, relu2 or exp}}
  %r = linnet.feature_map gelu %x : tensor<2xf32>
  return
}
