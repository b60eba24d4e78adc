// RUN: linnet-opt %s --split-input-file --verify-diagnostics

func.func @scan_c1(%u: tensor<2x5x8xf32>, %d: tensor<2x6x8xf32>, %a: tensor<8x4xf32>, %b: tensor<2x5x4xf32>, %c: tensor<2x5x4xf32>, %g: tensor<2x5x8xf32>) {
  // expected-error @+1 {{(C1) expects delta size 1 6 to match length 5}}
  %r:5 = linnet.selective_scan_grad %u, %d, %a, %b, %c grad(%g) 
    : tensor<2x5x8xf32>, tensor<2x6x8xf32>, tensor<8x4xf32>, tensor<2x5x4xf32>, tensor<2x5x4xf32>, tensor<2x5x8xf32> -> tensor<2x5x8xf32>, tensor<2x6x8xf32>, tensor<8x4xf32>, tensor<2x5x4xf32>, tensor<2x5x4xf32>
  return
}

// -----

func.func @scan_c2(%u: tensor<2x5x8xf32>, %d: tensor<2x5x8xf32>, %a: tensor<8x4xf32>, %b: tensor<2x5x4xf32>, %c: tensor<2x5x4xf32>, %g: tensor<2x5x7xf32>) {
  // expected-error @+1 {{(C2) expects dy size 2 7 to match channels 8}}
  %r:5 = linnet.selective_scan_grad %u, %d, %a, %b, %c grad(%g) 
    : tensor<2x5x8xf32>, tensor<2x5x8xf32>, tensor<8x4xf32>, tensor<2x5x4xf32>, tensor<2x5x4xf32>, tensor<2x5x7xf32> -> tensor<2x5x8xf32>, tensor<2x5x8xf32>, tensor<8x4xf32>, tensor<2x5x4xf32>, tensor<2x5x4xf32>
  return
}

// -----

func.func @scan_c3(%u: tensor<2x5x8xf32>, %d: tensor<2x5x8xf32>, %a: tensor<8x4xf32>, %b: tensor<2x5x4xf32>, %c: tensor<2x5x4xf32>, %g: tensor<2x5x8xf32>, %s: tensor<7xf32>) {
  // expected-error @+1 {{(C3) expects skip size 0 7 to match channels 8}}
  %r:6 = linnet.selective_scan_grad %u, %d, %a, %b, %c grad(%g) skip(%s : tensor<7xf32>)
    : tensor<2x5x8xf32>, tensor<2x5x8xf32>, tensor<8x4xf32>, tensor<2x5x4xf32>, tensor<2x5x4xf32>, tensor<2x5x8xf32> -> tensor<2x5x8xf32>, tensor<2x5x8xf32>, tensor<8x4xf32>, tensor<2x5x4xf32>, tensor<2x5x4xf32>, tensor<7xf32>
  return
}

// -----

func.func @scan_c4(%u: tensor<2x5x8xf32>, %d: tensor<2x5x8xf32>, %a: tensor<8x4xf32>, %b: tensor<2x5x4xf32>, %c: tensor<2x5x4xf32>, %g: tensor<2x5x8xf32>, %s: tensor<2x8x5xf32>) {
  // expected-error @+1 {{(C4) expects state size 2 5 to match state size 4}}
  %r:6 = linnet.selective_scan_grad %u, %d, %a, %b, %c grad(%g) state(%s : tensor<2x8x5xf32>)
    : tensor<2x5x8xf32>, tensor<2x5x8xf32>, tensor<8x4xf32>, tensor<2x5x4xf32>, tensor<2x5x4xf32>, tensor<2x5x8xf32> -> tensor<2x5x8xf32>, tensor<2x5x8xf32>, tensor<8x4xf32>, tensor<2x5x4xf32>, tensor<2x5x4xf32>, tensor<2x8x5xf32>
  return
}

// -----

func.func @scan_c5(%u: tensor<2x5x8xf32>, %d: tensor<2x5x8xf32>, %a: tensor<8x?xf32>, %b: tensor<2x5x?xf32>, %c: tensor<2x5x?xf32>, %g: tensor<2x5x8xf32>) {
  // expected-error @+1 {{(C5) expects a static state size}}
  %r:5 = linnet.selective_scan_grad %u, %d, %a, %b, %c grad(%g) 
    : tensor<2x5x8xf32>, tensor<2x5x8xf32>, tensor<8x?xf32>, tensor<2x5x?xf32>, tensor<2x5x?xf32>, tensor<2x5x8xf32> -> tensor<2x5x8xf32>, tensor<2x5x8xf32>, tensor<8x?xf32>, tensor<2x5x?xf32>, tensor<2x5x?xf32>
  return
}

// -----

func.func @scan_c6(%u: tensor<2x5x8xf32>, %d: tensor<2x5x8xf32>, %a: tensor<8x4xf32>, %b: tensor<2x5x4xf32>, %c: tensor<2x5x4xf32>, %g: tensor<2x5x8xf32>, %s: tensor<3x8x4xf32>) {
  // expected-error @+1 {{(C6) expects dfinal size 0 3 to match batch 2}}
  %r:5 = linnet.selective_scan_grad %u, %d, %a, %b, %c grad(%g, %s : tensor<3x8x4xf32>) 
    : tensor<2x5x8xf32>, tensor<2x5x8xf32>, tensor<8x4xf32>, tensor<2x5x4xf32>, tensor<2x5x4xf32>, tensor<2x5x8xf32> -> tensor<2x5x8xf32>, tensor<2x5x8xf32>, tensor<8x4xf32>, tensor<2x5x4xf32>, tensor<2x5x4xf32>
  return
}

// -----

func.func @scan_c7_count(%u: tensor<2x5x8xf32>, %d: tensor<2x5x8xf32>, %a: tensor<8x4xf32>, %b: tensor<2x5x4xf32>, %c: tensor<2x5x4xf32>, %g: tensor<2x5x8xf32>) {
  // expected-error @+1 {{(C7) expects 5 results, one per operand before dy, found 4}}
  %r:4 = linnet.selective_scan_grad %u, %d, %a, %b, %c grad(%g) 
    : tensor<2x5x8xf32>, tensor<2x5x8xf32>, tensor<8x4xf32>, tensor<2x5x4xf32>, tensor<2x5x4xf32>, tensor<2x5x8xf32> -> tensor<2x5x8xf32>, tensor<2x5x8xf32>, tensor<8x4xf32>, tensor<2x5x4xf32>
  return
}

// -----

func.func @scan_c7_type(%u: tensor<2x5x8xf32>, %d: tensor<2x5x8xf32>, %a: tensor<8x4xf32>, %b: tensor<2x5x4xf32>, %c: tensor<2x5x4xf32>, %g: tensor<2x5x8xf32>) {
  // expected-error @+1 {{(C7) expects result 2 of type 'tensor<8x4xf32>', found 'tensor<8x4xf16>'}}
  %r:5 = linnet.selective_scan_grad %u, %d, %a, %b, %c grad(%g) 
    : tensor<2x5x8xf32>, tensor<2x5x8xf32>, tensor<8x4xf32>, tensor<2x5x4xf32>, tensor<2x5x4xf32>, tensor<2x5x8xf32> -> tensor<2x5x8xf32>, tensor<2x5x8xf32>, tensor<8x4xf16>, tensor<2x5x4xf32>, tensor<2x5x4xf32>
  return
}

// -----

func.func @scan_c8_batch(%u: tensor<2x5x8xf32>, %d: tensor<2x5x8xf32>, %a: tensor<8x4xf32>, %b: tensor<2x5x4xf32>, %c: tensor<2x5x4xf32>, %g: tensor<2x5x8xf32>) {
  // expected-error @+1 {{(C8) expects result 2 of type 'tensor<2x8x4xf32>', found 'tensor<8x4xf32>'}}
  %r:5 = linnet.selective_scan_grad %u, %d, %a, %b, %c grad(%g) parts
    : tensor<2x5x8xf32>, tensor<2x5x8xf32>, tensor<8x4xf32>, tensor<2x5x4xf32>, tensor<2x5x4xf32>, tensor<2x5x8xf32> -> tensor<2x5x8xf32>, tensor<2x5x8xf32>, tensor<8x4xf32>, tensor<2x5x4xf32>, tensor<2x5x4xf32>
  return
}

// -----

func.func @scan_c8_parts(%u: tensor<2x5x8xf32>, %d: tensor<2x5x8xf32>, %a: tensor<8x4xf32>, %b: tensor<2x5x4xf32>, %c: tensor<2x5x4xf32>, %g: tensor<2x5x8xf32>) {
  // expected-error @+1 {{(C8) expects result 3 of type 'tensor<2x1x5x4xf32>', found 'tensor<2x2x5x4xf32>'}}
  %r:5 = linnet.selective_scan_grad %u, %d, %a, %b, %c grad(%g) parts
    : tensor<2x5x8xf32>, tensor<2x5x8xf32>, tensor<8x4xf32>, tensor<2x5x4xf32>, tensor<2x5x4xf32>, tensor<2x5x8xf32> -> tensor<2x5x8xf32>, tensor<2x5x8xf32>, tensor<2x8x4xf32>, tensor<2x2x5x4xf32>, tensor<2x1x5x4xf32>
  return
}

// -----

func.func @conv_c1(%x: tensor<2x5x8xf32>, %w: tensor<8x4xf32>, %g: tensor<2x6x8xf32>) {
  // expected-error @+1 {{(C1) expects dy size 1 6 to match length 5}}
  %r:2 = linnet.causal_conv_grad %x, %w grad(%g)  : tensor<2x5x8xf32>, tensor<8x4xf32>, tensor<2x6x8xf32> -> tensor<2x5x8xf32>, tensor<8x4xf32>
  return
}

// -----

func.func @conv_c2(%x: tensor<2x5x8xf32>, %w: tensor<8x?xf32>, %g: tensor<2x5x8xf32>) {
  // expected-error @+1 {{(C2) expects a static weight width of at least 1}}
  %r:2 = linnet.causal_conv_grad %x, %w grad(%g)  : tensor<2x5x8xf32>, tensor<8x?xf32>, tensor<2x5x8xf32> -> tensor<2x5x8xf32>, tensor<8x?xf32>
  return
}

// -----

func.func @conv_c3(%x: tensor<2x5x8xf32>, %w: tensor<8x4xf32>, %g: tensor<2x5x8xf32>, %b: tensor<4xf32>) {
  // expected-error @+1 {{(C3) expects bias size 0 4 to match channels 8}}
  %r:3 = linnet.causal_conv_grad %x, %w grad(%g) bias(%b : tensor<4xf32>) : tensor<2x5x8xf32>, tensor<8x4xf32>, tensor<2x5x8xf32> -> tensor<2x5x8xf32>, tensor<8x4xf32>, tensor<4xf32>
  return
}

// -----

func.func @conv_c4(%x: tensor<2x5x8xf32>, %w: tensor<8x4xf32>, %g: tensor<2x5x8xf32>, %s: tensor<2x8x4xf32>) {
  // expected-error @+1 {{(C4) expects dfinal size 2 4 to match weight width less one 3}}
  %r:2 = linnet.causal_conv_grad %x, %w grad(%g, %s : tensor<2x8x4xf32>)  : tensor<2x5x8xf32>, tensor<8x4xf32>, tensor<2x5x8xf32> -> tensor<2x5x8xf32>, tensor<8x4xf32>
  return
}

// -----

func.func @conv_c4_type(%x: tensor<2x5x8xf32>, %w: tensor<8x4xf32>, %g: tensor<2x5x8xf32>, %s: tensor<2x8x3xbf16>) {
  // expected-error @+1 {{(C4) expects dfinal of 'f32', found 'bf16'}}
  %r:2 = linnet.causal_conv_grad %x, %w grad(%g, %s : tensor<2x8x3xbf16>)  : tensor<2x5x8xf32>, tensor<8x4xf32>, tensor<2x5x8xf32> -> tensor<2x5x8xf32>, tensor<8x4xf32>
  return
}

// -----

func.func @conv_c5_count(%x: tensor<2x5x8xf32>, %w: tensor<8x4xf32>, %g: tensor<2x5x8xf32>) {
  // expected-error @+1 {{(C5) expects 2 results, one per operand before dy, found 1}}
  %r:1 = linnet.causal_conv_grad %x, %w grad(%g)  : tensor<2x5x8xf32>, tensor<8x4xf32>, tensor<2x5x8xf32> -> tensor<2x5x8xf32>
  return
}

// -----

func.func @conv_c5_type(%x: tensor<2x5x8xf32>, %w: tensor<8x4xf32>, %g: tensor<2x5x8xf32>) {
  // expected-error @+1 {{(C5) expects result 1 of type 'tensor<8x4xf32>', found 'tensor<8x3xf32>'}}
  %r:2 = linnet.causal_conv_grad %x, %w grad(%g)  : tensor<2x5x8xf32>, tensor<8x4xf32>, tensor<2x5x8xf32> -> tensor<2x5x8xf32>, tensor<8x3xf32>
  return
}

// -----

func.func @conv_c6(%x: tensor<2x5x8xf32>, %w: tensor<8x4xf32>, %g: tensor<2x5x8xf32>) {
  // expected-error @+1 {{(C6) expects result 1 of type 'tensor<2x8x4xf32>', found 'tensor<8x4xf32>'}}
  %r:2 = linnet.causal_conv_grad %x, %w grad(%g) parts : tensor<2x5x8xf32>, tensor<8x4xf32>, tensor<2x5x8xf32> -> tensor<2x5x8xf32>, tensor<8x4xf32>
  return
}
