// RUN: linnet-opt %s --split-input-file --verify-diagnostics

func.func @c1_count(%q: tensor<1x4x5x8xf32>, %k: tensor<1x4x6x8xf32>, %v: tensor<1x4x5x8xf32>) {
  // expected-error @+1 {{(C1) expects key count 6 to match query count 5}}
  %r = linnet.linear_attention %q, %k, %v : tensor<1x4x5x8xf32>, tensor<1x4x6x8xf32>, tensor<1x4x5x8xf32> -> tensor<1x4x5x8xf32>
  return
}

// -----

func.func @c1_depth(%q: tensor<1x4x5x8xf32>, %k: tensor<1x4x5x9xf32>, %v: tensor<1x4x5x8xf32>) {
  // expected-error @+1 {{(C1) expects key depth 9 to match query depth 8}}
  %r = linnet.linear_attention %q, %k, %v : tensor<1x4x5x8xf32>, tensor<1x4x5x9xf32>, tensor<1x4x5x8xf32> -> tensor<1x4x5x8xf32>
  return
}

// -----

func.func @c1_dynamic(%q: tensor<1x4x5x8xf32>, %k: tensor<1x4x5x?xf32>, %v: tensor<1x4x5x8xf32>) {
  // expected-error @+1 {{(C1) expects a static query, key and value depth}}
  %r = linnet.linear_attention %q, %k, %v : tensor<1x4x5x8xf32>, tensor<1x4x5x?xf32>, tensor<1x4x5x8xf32> -> tensor<1x4x5x8xf32>
  return
}

// -----

func.func @c1_heads(%q: tensor<1x4x5x8xf32>, %k: tensor<1x3x5x8xf32>, %v: tensor<1x4x5x8xf32>) {
  // expected-error @+1 {{(C1) expects key heads 3 to divide state heads 4}}
  %r = linnet.linear_attention %q, %k, %v : tensor<1x4x5x8xf32>, tensor<1x3x5x8xf32>, tensor<1x4x5x8xf32> -> tensor<1x4x5x8xf32>
  return
}

// -----

func.func @c1_heads_dynamic(%q: tensor<1x4x5x8xf32>, %k: tensor<1x?x5x8xf32>, %v: tensor<1x4x5x8xf32>) {
  // expected-error @+1 {{(C1) expects a static number of key heads of at least 1}}
  %r = linnet.linear_attention %q, %k, %v : tensor<1x4x5x8xf32>, tensor<1x?x5x8xf32>, tensor<1x4x5x8xf32> -> tensor<1x4x5x8xf32>
  return
}

// -----

func.func @c2(%q: tensor<1x6x5x8xf32>, %k: tensor<1x4x5x8xf32>, %v: tensor<1x4x5x8xf32>) {
  // expected-error @+1 {{(C2) expects query heads 6 to divide or be a multiple of state heads 4}}
  %r = linnet.linear_attention %q, %k, %v : tensor<1x6x5x8xf32>, tensor<1x4x5x8xf32>, tensor<1x4x5x8xf32> -> tensor<1x6x5x8xf32>
  return
}

// -----

func.func @c3(%q: tensor<1x2x5x8xf32>, %k: tensor<1x2x5x8xf32>, %v: tensor<1x2x5x8xf32>, %g: tensor<1x4x5xf32>) {
  // expected-error @+1 {{(C3) expects result size 1 2 to match the larger of query and state heads 4}}
  %r = linnet.linear_attention %q, %k, %v decay(%g : tensor<1x4x5xf32>) : tensor<1x2x5x8xf32>, tensor<1x2x5x8xf32>, tensor<1x2x5x8xf32> -> tensor<1x2x5x8xf32>
  return
}

// -----

func.func @c4(%q: tensor<1x4x5x8xf32>, %k: tensor<1x4x5x8xf32>, %v: tensor<1x4x5x8xf32>, %g: tensor<1x4x6xf32>) {
  // expected-error @+1 {{(C4) expects decay size 2 6 to match query count 5}}
  %r = linnet.linear_attention %q, %k, %v decay(%g : tensor<1x4x6xf32>) : tensor<1x4x5x8xf32>, tensor<1x4x5x8xf32>, tensor<1x4x5x8xf32> -> tensor<1x4x5x8xf32>
  return
}

// -----

func.func @c4_vector(%q: tensor<1x4x5x8xf32>, %k: tensor<1x4x5x8xf32>, %v: tensor<1x4x5x8xf32>, %g: tensor<1x4x5x9xf32>) {
  // expected-error @+1 {{(C4) expects decay size 3 9 to match key depth 8}}
  %r = linnet.linear_attention %q, %k, %v decay(%g : tensor<1x4x5x9xf32>) : tensor<1x4x5x8xf32>, tensor<1x4x5x8xf32>, tensor<1x4x5x8xf32> -> tensor<1x4x5x8xf32>
  return
}

// -----

func.func @c5_both(%q: tensor<1x4x5x8xf32>, %k: tensor<1x4x5x8xf32>, %v: tensor<1x4x5x8xf32>, %g: tensor<1x4x5xf32>) {
  // expected-error @+1 {{(C5) expects beta or erase, found both}}
  %r = linnet.linear_attention %q, %k, %v erase(%q, %q : tensor<1x4x5x8xf32>, tensor<1x4x5x8xf32>) beta(%g : tensor<1x4x5xf32>) : tensor<1x4x5x8xf32>, tensor<1x4x5x8xf32>, tensor<1x4x5x8xf32> -> tensor<1x4x5x8xf32>
  return
}

// -----

func.func @c5_beta(%q: tensor<1x4x5x8xf32>, %k: tensor<1x4x5x8xf32>, %v: tensor<1x4x5x8xf32>, %g: tensor<2x4x5xf32>) {
  // expected-error @+1 {{(C5) expects beta size 0 2 to match batch 1}}
  %r = linnet.linear_attention %q, %k, %v beta(%g : tensor<2x4x5xf32>) : tensor<1x4x5x8xf32>, tensor<1x4x5x8xf32>, tensor<1x4x5x8xf32> -> tensor<1x4x5x8xf32>
  return
}

// -----

func.func @c6_read(%q: tensor<1x4x5x8xf32>, %k: tensor<1x4x5x8xf32>, %v: tensor<1x4x5x8xf32>, %u: tensor<4x8xf32>) {
  // expected-error @+1 {{(C6) expects read<pre> with a bonus}}
  %r = linnet.linear_attention %q, %k, %v bonus(%u : tensor<4x8xf32>) : tensor<1x4x5x8xf32>, tensor<1x4x5x8xf32>, tensor<1x4x5x8xf32> -> tensor<1x4x5x8xf32>
  return
}

// -----

func.func @c6_depth(%q: tensor<1x4x5x8xf32>, %k: tensor<1x4x5x8xf32>, %v: tensor<1x4x5x8xf32>, %u: tensor<4x7xf32>) {
  // expected-error @+1 {{(C6) expects bonus depth 7 to match key depth 8}}
  %r = linnet.linear_attention %q, %k, %v bonus(%u : tensor<4x7xf32>) read<pre> : tensor<1x4x5x8xf32>, tensor<1x4x5x8xf32>, tensor<1x4x5x8xf32> -> tensor<1x4x5x8xf32>
  return
}

// -----

func.func @c7(%q: tensor<1x4x5x8xf32>, %k: tensor<1x4x5x8xf32>, %v: tensor<1x4x5x8xf32>, %s: tensor<1x4x8x9xf32>) {
  // expected-error @+1 {{(C7) expects state size 3 9 to match state columns 8}}
  %r = linnet.linear_attention %q, %k, %v state(%s : tensor<1x4x8x9xf32>) : tensor<1x4x5x8xf32>, tensor<1x4x5x8xf32>, tensor<1x4x5x8xf32> -> tensor<1x4x5x8xf32>
  return
}

// -----

func.func @c7_normalised(%q: tensor<1x4x5x8xf32>, %k: tensor<1x4x5x8xf32>, %v: tensor<1x4x5x8xf32>, %s: tensor<1x4x8x8xf32>) {
  // expected-error @+1 {{(C7) expects state size 3 8 to match state columns 9}}
  %r = linnet.linear_attention %q, %k, %v state(%s : tensor<1x4x8x8xf32>) normalise(0.1) : tensor<1x4x5x8xf32>, tensor<1x4x5x8xf32>, tensor<1x4x5x8xf32> -> tensor<1x4x5x8xf32>
  return
}

// -----

func.func @c7_final(%q: tensor<1x4x5x8xf32>, %k: tensor<1x4x5x8xf32>, %v: tensor<1x4x5x8xf32>) {
  // expected-error @+1 {{(C7) expects final state size 1 2 to match state heads 4}}
  %r:2 = linnet.linear_attention %q, %k, %v : tensor<1x4x5x8xf32>, tensor<1x4x5x8xf32>, tensor<1x4x5x8xf32> -> tensor<1x4x5x8xf32>, tensor<1x2x8x8xf32>
  return
}

// -----

func.func @c8_eps(%q: tensor<1x4x5x8xf32>, %k: tensor<1x4x5x8xf32>, %v: tensor<1x4x5x8xf32>) {
  // expected-error @+1 {{(C8) expects a finite positive normalise, found 0}}
  %r = linnet.linear_attention %q, %k, %v normalise(0.0) : tensor<1x4x5x8xf32>, tensor<1x4x5x8xf32>, tensor<1x4x5x8xf32> -> tensor<1x4x5x8xf32>
  return
}

// -----

func.func @c8_beta(%q: tensor<1x4x5x8xf32>, %k: tensor<1x4x5x8xf32>, %v: tensor<1x4x5x8xf32>, %g: tensor<1x4x5xf32>) {
  // expected-error @+1 {{(C8) expects no beta and no erase with normalise}}
  %r = linnet.linear_attention %q, %k, %v beta(%g : tensor<1x4x5xf32>) normalise(0.1) : tensor<1x4x5x8xf32>, tensor<1x4x5x8xf32>, tensor<1x4x5x8xf32> -> tensor<1x4x5x8xf32>
  return
}

// -----

func.func @c8_scale(%q: tensor<1x4x5x8xf32>, %k: tensor<1x4x5x8xf32>, %v: tensor<1x4x5x8xf32>) {
  // expected-error @+1 {{(C8) expects a finite scale, found}}
  %r = linnet.linear_attention %q, %k, %v scale(0x7FF0000000000000) : tensor<1x4x5x8xf32>, tensor<1x4x5x8xf32>, tensor<1x4x5x8xf32> -> tensor<1x4x5x8xf32>
  return
}

// -----

func.func @c9(%q: tensor<1x4x5x8xf32>, %k: tensor<1x4x5x8xf32>, %v: tensor<1x4x5x8xf32>) {
  // expected-error @+1 {{(C9) expects a chunk of at least 1, found 0}}
  %r = linnet.linear_attention %q, %k, %v chunk(0) : tensor<1x4x5x8xf32>, tensor<1x4x5x8xf32>, tensor<1x4x5x8xf32> -> tensor<1x4x5x8xf32>
  return
}

// -----

func.func @scan_c1_delta(%u: tensor<2x5x8xf32>, %d: tensor<2x6x8xf32>, %a: tensor<8x4xf32>, %b: tensor<2x5x4xf32>, %c: tensor<2x5x4xf32>) {
  // expected-error @+1 {{(C1) expects delta size 1 6 to match length 5}}
  %r = linnet.selective_scan %u, %d, %a, %b, %c : tensor<2x5x8xf32>, tensor<2x6x8xf32>, tensor<8x4xf32>, tensor<2x5x4xf32>, tensor<2x5x4xf32> -> tensor<2x5x8xf32>
  return
}

// -----

func.func @scan_c1_a(%u: tensor<2x5x8xf32>, %d: tensor<2x5x8xf32>, %a: tensor<9x4xf32>, %b: tensor<2x5x4xf32>, %c: tensor<2x5x4xf32>) {
  // expected-error @+1 {{(C1) expects a size 0 9 to match channels 8}}
  %r = linnet.selective_scan %u, %d, %a, %b, %c : tensor<2x5x8xf32>, tensor<2x5x8xf32>, tensor<9x4xf32>, tensor<2x5x4xf32>, tensor<2x5x4xf32> -> tensor<2x5x8xf32>
  return
}

// -----

func.func @scan_c1_b(%u: tensor<2x5x8xf32>, %d: tensor<2x5x8xf32>, %a: tensor<8x4xf32>, %b: tensor<2x5x3xf32>, %c: tensor<2x5x4xf32>) {
  // expected-error @+1 {{(C1) expects b size 2 3 to match state size 4}}
  %r = linnet.selective_scan %u, %d, %a, %b, %c : tensor<2x5x8xf32>, tensor<2x5x8xf32>, tensor<8x4xf32>, tensor<2x5x3xf32>, tensor<2x5x4xf32> -> tensor<2x5x8xf32>
  return
}

// -----

func.func @scan_c2(%u: tensor<2x5x8xf32>, %d: tensor<2x5x8xf32>, %a: tensor<8x4xf32>, %b: tensor<2x5x4xf32>, %c: tensor<2x5x4xf32>) {
  // expected-error @+1 {{(C2) expects result size 2 7 to match channels 8}}
  %r = linnet.selective_scan %u, %d, %a, %b, %c : tensor<2x5x8xf32>, tensor<2x5x8xf32>, tensor<8x4xf32>, tensor<2x5x4xf32>, tensor<2x5x4xf32> -> tensor<2x5x7xf32>
  return
}

// -----

func.func @scan_c3(%u: tensor<2x5x8xf32>, %d: tensor<2x5x8xf32>, %a: tensor<8x4xf32>, %b: tensor<2x5x4xf32>, %c: tensor<2x5x4xf32>, %s: tensor<7xf32>) {
  // expected-error @+1 {{(C3) expects skip size 0 7 to match channels 8}}
  %r = linnet.selective_scan %u, %d, %a, %b, %c skip(%s : tensor<7xf32>) : tensor<2x5x8xf32>, tensor<2x5x8xf32>, tensor<8x4xf32>, tensor<2x5x4xf32>, tensor<2x5x4xf32> -> tensor<2x5x8xf32>
  return
}

// -----

func.func @scan_c3_gate(%u: tensor<2x5x8xf32>, %d: tensor<2x5x8xf32>, %a: tensor<8x4xf32>, %b: tensor<2x5x4xf32>, %c: tensor<2x5x4xf32>, %s: tensor<2x4x8xf32>) {
  // expected-error @+1 {{(C3) expects gate size 1 4 to match length 5}}
  %r = linnet.selective_scan %u, %d, %a, %b, %c gate(%s : tensor<2x4x8xf32>) : tensor<2x5x8xf32>, tensor<2x5x8xf32>, tensor<8x4xf32>, tensor<2x5x4xf32>, tensor<2x5x4xf32> -> tensor<2x5x8xf32>
  return
}

// -----

func.func @scan_c4(%u: tensor<2x5x8xf32>, %d: tensor<2x5x8xf32>, %a: tensor<8x4xf32>, %b: tensor<2x5x4xf32>, %c: tensor<2x5x4xf32>, %s: tensor<2x8x5xf32>) {
  // expected-error @+1 {{(C4) expects state size 2 5 to match state size 4}}
  %r = linnet.selective_scan %u, %d, %a, %b, %c state(%s : tensor<2x8x5xf32>) : tensor<2x5x8xf32>, tensor<2x5x8xf32>, tensor<8x4xf32>, tensor<2x5x4xf32>, tensor<2x5x4xf32> -> tensor<2x5x8xf32>
  return
}

// -----

func.func @scan_c5(%u: tensor<2x5x8xf32>, %d: tensor<2x5x8xf32>, %a: tensor<8x?xf32>, %b: tensor<2x5x?xf32>, %c: tensor<2x5x?xf32>) {
  // expected-error @+1 {{(C5) expects a static state size}}
  %r = linnet.selective_scan %u, %d, %a, %b, %c : tensor<2x5x8xf32>, tensor<2x5x8xf32>, tensor<8x?xf32>, tensor<2x5x?xf32>, tensor<2x5x?xf32> -> tensor<2x5x8xf32>
  return
}

// -----

func.func @conv_c1(%x: tensor<2x5x8xf32>, %w: tensor<9x4xf32>) {
  // expected-error @+1 {{(C1) expects weight size 0 9 to match channels 8}}
  %r = linnet.causal_conv %x, %w : tensor<2x5x8xf32>, tensor<9x4xf32> -> tensor<2x5x8xf32>
  return
}

// -----

func.func @conv_c1_result(%x: tensor<2x5x8xf32>, %w: tensor<8x4xf32>) {
  // expected-error @+1 {{(C1) expects result size 1 6 to match length 5}}
  %r = linnet.causal_conv %x, %w : tensor<2x5x8xf32>, tensor<8x4xf32> -> tensor<2x6x8xf32>
  return
}

// -----

func.func @conv_c2(%x: tensor<2x5x8xf32>, %w: tensor<8x?xf32>) {
  // expected-error @+1 {{(C2) expects a static weight width of at least 1}}
  %r = linnet.causal_conv %x, %w : tensor<2x5x8xf32>, tensor<8x?xf32> -> tensor<2x5x8xf32>
  return
}

// -----

func.func @conv_c3(%x: tensor<2x5x8xf32>, %w: tensor<8x4xf32>, %b: tensor<4xf32>) {
  // expected-error @+1 {{(C3) expects bias size 0 4 to match channels 8}}
  %r = linnet.causal_conv %x, %w bias(%b : tensor<4xf32>) : tensor<2x5x8xf32>, tensor<8x4xf32> -> tensor<2x5x8xf32>
  return
}

// -----

func.func @conv_c4(%x: tensor<2x5x8xf32>, %w: tensor<8x4xf32>, %s: tensor<2x8x4xf32>) {
  // expected-error @+1 {{(C4) expects state size 2 4 to match weight width less one 3}}
  %r = linnet.causal_conv %x, %w state(%s : tensor<2x8x4xf32>) : tensor<2x5x8xf32>, tensor<8x4xf32> -> tensor<2x5x8xf32>
  return
}

// -----

func.func @conv_c4_type(%x: tensor<2x5x8xf32>, %w: tensor<8x4xf32>, %s: tensor<2x8x3xbf16>) {
  // expected-error @+1 {{(C4) expects state of 'f32', found 'bf16'}}
  %r = linnet.causal_conv %x, %w state(%s : tensor<2x8x3xbf16>) : tensor<2x5x8xf32>, tensor<8x4xf32> -> tensor<2x5x8xf32>
  return
}
