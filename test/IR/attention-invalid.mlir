// RUN: linnet-opt %s --split-input-file --verify-diagnostics

func.func @c1_depth(%q: tensor<1x4x5x8xf32>, %k: tensor<1x4x5x16xf32>) {
  // expected-error @+1 {{(C1) expects key depth 16 to match query depth 8}}
  %r = linnet.attention %q, %k, %q : tensor<1x4x5x8xf32>, tensor<1x4x5x16xf32>, tensor<1x4x5x8xf32> -> tensor<1x4x5x8xf32>
  return
}

// -----

func.func @c1_count(%q: tensor<1x4x5x8xf32>, %k: tensor<1x4x6x8xf32>) {
  // expected-error @+1 {{(C1) expects value count 6 to match key count 5}}
  %r = linnet.attention %q, %q, %k : tensor<1x4x5x8xf32>, tensor<1x4x5x8xf32>, tensor<1x4x6x8xf32> -> tensor<1x4x5x8xf32>
  return
}

// -----

func.func @c1_batch(%q: tensor<1x4x5x8xf32>, %k: tensor<2x4x5x8xf32>) {
  // expected-error @+1 {{(C1) expects key batch 2 to match query batch 1}}
  %r = linnet.attention %q, %k, %k : tensor<1x4x5x8xf32>, tensor<2x4x5x8xf32>, tensor<2x4x5x8xf32> -> tensor<1x4x5x8xf32>
  return
}

// -----

func.func @c1_type(%q: tensor<1x4x5x8xf32>, %k: tensor<1x4x5x8xbf16>) {
  // expected-error @+1 {{failed to verify that all of {q, k, v} have same element type}}
  %r = linnet.attention %q, %k, %k : tensor<1x4x5x8xf32>, tensor<1x4x5x8xbf16>, tensor<1x4x5x8xbf16> -> tensor<1x4x5x8xf32>
  return
}

// -----

func.func @c2_heads(%q: tensor<1x4x5x8xf32>, %k: tensor<1x3x5x8xf32>) {
  // expected-error @+1 {{(C2) expects query heads 4 to be a multiple of key heads 3}}
  %r = linnet.attention %q, %k, %k : tensor<1x4x5x8xf32>, tensor<1x3x5x8xf32>, tensor<1x3x5x8xf32> -> tensor<1x4x5x8xf32>
  return
}

// -----

func.func @c2_none(%q: tensor<1x4x5x8xf32>, %k: tensor<1x0x5x8xf32>) {
  // expected-error @+1 {{(C2) expects at least one head, found 4 query heads and 0 key heads}}
  %r = linnet.attention %q, %k, %k : tensor<1x4x5x8xf32>, tensor<1x0x5x8xf32>, tensor<1x0x5x8xf32> -> tensor<1x4x5x8xf32>
  return
}

// -----

func.func @c3_element(%q: tensor<1x4x5x8xbf16>) {
  // expected-error @+1 {{(C3) expects a result of 'bf16', found 'f32'}}
  %r = linnet.attention %q, %q, %q : tensor<1x4x5x8xbf16>, tensor<1x4x5x8xbf16>, tensor<1x4x5x8xbf16> -> tensor<1x4x5x8xf32>
  return
}

// -----

func.func @c11_multiple(%q: tensor<1x4x5x8xf32>) {
  // expected-error @+1 {{(C11) expects part to be a positive multiple of 256, found 64}}
  %r = linnet.attention %q, %q, %q part(64) : tensor<1x4x5x8xf32>, tensor<1x4x5x8xf32>, tensor<1x4x5x8xf32> -> tensor<1x1x4x5x8xf32>
  return
}

// -----

func.func @c11_count(%q: tensor<1x4x600x8xf32>) {
  // expected-error @+1 {{(C11) expects result size 0 2 to match part count 3}}
  %r = linnet.attention %q, %q, %q part(256) : tensor<1x4x600x8xf32>, tensor<1x4x600x8xf32>, tensor<1x4x600x8xf32> -> tensor<2x1x4x600x8xf32>
  return
}

// -----

func.func @c11_element(%q: tensor<1x4x5x8xbf16>) {
  // expected-error @+1 {{(C11) expects a result of f32, found 'bf16'}}
  %r = linnet.attention %q, %q, %q part(256) : tensor<1x4x5x8xbf16>, tensor<1x4x5x8xbf16>, tensor<1x4x5x8xbf16> -> tensor<1x1x4x5x8xbf16>
  return
}

// -----

func.func @c3_result(%q: tensor<1x4x5x8xf32>) {
  // expected-error @+1 {{(C3) expects result size 3 9 to match value depth 8}}
  %r = linnet.attention %q, %q, %q : tensor<1x4x5x8xf32>, tensor<1x4x5x8xf32>, tensor<1x4x5x8xf32> -> tensor<1x4x5x9xf32>
  return
}

// -----

func.func @c3_lse(%q: tensor<1x4x5x8xf32>) {
  // expected-error @+1 {{(C3) expects lse size 2 6 to match query count 5}}
  %r:2 = linnet.attention %q, %q, %q : tensor<1x4x5x8xf32>, tensor<1x4x5x8xf32>, tensor<1x4x5x8xf32> -> tensor<1x4x5x8xf32>, tensor<1x4x6xf32>
  return
}

// -----

func.func @c4_bias(%q: tensor<1x4x5x8xf32>, %b: tensor<1x2x5x5xf32>) {
  // expected-error @+1 {{(C4) expects bias size 1 2 to match query heads 4}}
  %r = linnet.attention %q, %q, %q bias(%b : tensor<1x2x5x5xf32>) : tensor<1x4x5x8xf32>, tensor<1x4x5x8xf32>, tensor<1x4x5x8xf32> -> tensor<1x4x5x8xf32>
  return
}

// -----

func.func @c4_keys(%q: tensor<1x4x5x8xf32>, %b: tensor<7xf32>) {
  // expected-error @+1 {{(C4) expects bias size 0 7 to match key count 5}}
  %r = linnet.attention %q, %q, %q bias(%b : tensor<7xf32>) : tensor<1x4x5x8xf32>, tensor<1x4x5x8xf32>, tensor<1x4x5x8xf32> -> tensor<1x4x5x8xf32>
  return
}

// -----

func.func @c5_unlisted(%q: tensor<1x4x5x8xf32>, %m: tensor<5x5xi1>) {
  // expected-error @+1 {{(C5) expects masks to list explicit with operand mask}}
  %r = linnet.attention %q, %q, %q mask(%m : tensor<5x5xi1>) : tensor<1x4x5x8xf32>, tensor<1x4x5x8xf32>, tensor<1x4x5x8xf32> -> tensor<1x4x5x8xf32>
  return
}

// -----

func.func @c5_absent(%q: tensor<1x4x5x8xf32>) {
  // expected-error @+1 {{(C5) expects operand mask with mask explicit}}
  %r = linnet.attention %q, %q, %q masks<[explicit]> : tensor<1x4x5x8xf32>, tensor<1x4x5x8xf32>, tensor<1x4x5x8xf32> -> tensor<1x4x5x8xf32>
  return
}

// -----

func.func @c5_shape(%q: tensor<1x4x5x8xf32>, %m: tensor<5x4xi1>) {
  // expected-error @+1 {{(C5) expects mask size 1 4 to match key count 5}}
  %r = linnet.attention %q, %q, %q mask(%m : tensor<5x4xi1>) masks<[explicit]> : tensor<1x4x5x8xf32>, tensor<1x4x5x8xf32>, tensor<1x4x5x8xf32> -> tensor<1x4x5x8xf32>
  return
}

// -----

func.func @c6_unlisted(%q: tensor<1x4x5x8xf32>, %n: tensor<1xi32>) {
  // expected-error @+1 {{(C6) expects masks to list kv_lengths with operand kv_lengths}}
  %r = linnet.attention %q, %q, %q kv_lengths(%n : tensor<1xi32>) masks<[causal]> : tensor<1x4x5x8xf32>, tensor<1x4x5x8xf32>, tensor<1x4x5x8xf32> -> tensor<1x4x5x8xf32>
  return
}

// -----

func.func @c6_shape(%q: tensor<1x4x5x8xf32>, %n: tensor<2xi32>) {
  // expected-error @+1 {{(C6) expects kv_lengths size 0 2 to match batch 1}}
  %r = linnet.attention %q, %q, %q kv_lengths(%n : tensor<2xi32>) masks<[kv_lengths]> : tensor<1x4x5x8xf32>, tensor<1x4x5x8xf32>, tensor<1x4x5x8xf32> -> tensor<1x4x5x8xf32>
  return
}

// -----

func.func @c7_unread(%q: tensor<1x4x5x8xf32>, %n: tensor<i64>) {
  // expected-error @+1 {{(C7) expects masks to list causal or window, or operand alibi_slopes, with operand q_offset}}
  %r = linnet.attention %q, %q, %q q_offset(%n : tensor<i64>) : tensor<1x4x5x8xf32>, tensor<1x4x5x8xf32>, tensor<1x4x5x8xf32> -> tensor<1x4x5x8xf32>
  return
}

// -----

func.func @c4_slopes(%q: tensor<1x4x5x8xf32>, %s: tensor<2xf32>) {
  // expected-error @+1 {{(C4) expects alibi_slopes size 0 2 to match query heads 4}}
  %r = linnet.attention %q, %q, %q alibi_slopes(%s : tensor<2xf32>) : tensor<1x4x5x8xf32>, tensor<1x4x5x8xf32>, tensor<1x4x5x8xf32> -> tensor<1x4x5x8xf32>
  return
}

// -----

func.func @grad_c4_slopes(%q: tensor<1x4x5x8xf32>, %l: tensor<1x4x5xf32>, %s: tensor<5xf32>) {
  // expected-error @+1 {{(C4) expects alibi_slopes size 0 5 to match query heads 4}}
  %r:3 = linnet.attention_grad %q, %q, %q out(%q, %l : tensor<1x4x5xf32>) grad(%q) alibi_slopes(%s : tensor<5xf32>) : tensor<1x4x5x8xf32>, tensor<1x4x5x8xf32>, tensor<1x4x5x8xf32>, tensor<1x4x5x8xf32> -> tensor<1x4x5x8xf32>, tensor<1x4x5x8xf32>, tensor<1x4x5x8xf32>
  return
}

// -----

func.func @c7_shape(%q: tensor<1x4x5x8xf32>, %n: tensor<3xi64>) {
  // expected-error @+1 {{(C7) expects q_offset size 0 3 to match batch 1}}
  %r = linnet.attention %q, %q, %q q_offset(%n : tensor<3xi64>) masks<[causal]> : tensor<1x4x5x8xf32>, tensor<1x4x5x8xf32>, tensor<1x4x5x8xf32> -> tensor<1x4x5x8xf32>
  return
}

// -----

func.func @c8_one(%q: tensor<1x4x5x8xf32>, %n: tensor<1x5xi32>) {
  // expected-error @+1 {{(C8) expects operand kv_segments with mask segments}}
  %r = linnet.attention %q, %q, %q q_segments(%n : tensor<1x5xi32>) masks<[segments]> : tensor<1x4x5x8xf32>, tensor<1x4x5x8xf32>, tensor<1x4x5x8xf32> -> tensor<1x4x5x8xf32>
  return
}

// -----

func.func @c8_shape(%q: tensor<1x4x5x8xf32>, %n: tensor<1x5xi32>, %m: tensor<1x6xi32>) {
  // expected-error @+1 {{(C8) expects kv_segments size 1 6 to match key count 5}}
  %r = linnet.attention %q, %q, %q q_segments(%n : tensor<1x5xi32>) kv_segments(%m : tensor<1x6xi32>) masks<[segments]> : tensor<1x4x5x8xf32>, tensor<1x4x5x8xf32>, tensor<1x4x5x8xf32> -> tensor<1x4x5x8xf32>
  return
}

// -----

func.func @c9_scale(%q: tensor<1x4x5x8xf32>) {
  // expected-error @+1 {{(C9) expects a finite scale, found}}
  %r = linnet.attention %q, %q, %q scale(0x7FF0000000000000) : tensor<1x4x5x8xf32>, tensor<1x4x5x8xf32>, tensor<1x4x5x8xf32> -> tensor<1x4x5x8xf32>
  return
}

// -----

func.func @c9_softcap(%q: tensor<1x4x5x8xf32>) {
  // expected-error @+1 {{(C9) expects a finite positive softcap, found -1.0}}
  %r = linnet.attention %q, %q, %q softcap(-1.0) : tensor<1x4x5x8xf32>, tensor<1x4x5x8xf32>, tensor<1x4x5x8xf32> -> tensor<1x4x5x8xf32>
  return
}

// -----

func.func @c10_together(%q: tensor<1x4x5x8xf32>) {
  // expected-error @+1 {{(C10) expects a dropout rate, dropout_key and dropout_counter together, found 1 of 3}}
  %r = linnet.attention %q, %q, %q dropout(0.5) : tensor<1x4x5x8xf32>, tensor<1x4x5x8xf32>, tensor<1x4x5x8xf32> -> tensor<1x4x5x8xf32>
  return
}

// -----

func.func @c10_rate(%q: tensor<1x4x5x8xf32>, %n: tensor<i64>) {
  // expected-error @+1 {{(C10) expects a dropout rate above 0 and below 1, found 1.0}}
  %r = linnet.attention %q, %q, %q dropout_key(%n : tensor<i64>) dropout_counter(%n : tensor<i64>) dropout(1.0) : tensor<1x4x5x8xf32>, tensor<1x4x5x8xf32>, tensor<1x4x5x8xf32> -> tensor<1x4x5x8xf32>
  return
}

// -----

// expected-error @+1 {{unknown mask 'diagonal', expected causal, window, explicit, kv_lengths or segments}}
func.func private @mask_unknown() attributes {m = #linnet.mask<[diagonal]>}

// -----

// expected-error @+1 {{mask 'causal' is given twice}}
func.func private @mask_twice() attributes {m = #linnet.mask<[causal, causal]>}

// -----

// expected-error @+1 {{expects a window side of at least 0, found -1}}
func.func private @window_negative() attributes {m = #linnet.mask<[window<left = -1>]>}

// -----

// expected-error @+1 {{unknown side 'up', expected left or right}}
func.func private @window_side() attributes {m = #linnet.mask<[window<up = 1>]>}

// -----

func.func @grad_c1_depth(%q: tensor<1x4x5x8xf32>, %k: tensor<1x4x5x16xf32>, %l: tensor<1x4x5xf32>) {
  // expected-error @+1 {{(C1) expects key depth 16 to match query depth 8}}
  %r:3 = linnet.attention_grad %q, %k, %q out(%q, %l : tensor<1x4x5xf32>) grad(%q) : tensor<1x4x5x8xf32>, tensor<1x4x5x16xf32>, tensor<1x4x5x8xf32>, tensor<1x4x5x8xf32> -> tensor<1x4x5x8xf32>, tensor<1x4x5x16xf32>, tensor<1x4x5x8xf32>
  return
}

// -----

func.func @grad_c3_lse(%q: tensor<1x4x5x8xf32>, %l: tensor<1x4x6xf32>) {
  // expected-error @+1 {{(C3) expects lse size 2 6 to match query count 5}}
  %r:3 = linnet.attention_grad %q, %q, %q out(%q, %l : tensor<1x4x6xf32>) grad(%q) : tensor<1x4x5x8xf32>, tensor<1x4x5x8xf32>, tensor<1x4x5x8xf32>, tensor<1x4x5x8xf32> -> tensor<1x4x5x8xf32>, tensor<1x4x5x8xf32>, tensor<1x4x5x8xf32>
  return
}

// -----

func.func @grad_c3_dlse(%q: tensor<1x4x5x8xf32>, %l: tensor<1x4x5xf32>, %d: tensor<1x4x6xf32>) {
  // expected-error @+1 {{(C3) expects dlse of the shape of 'tensor<1x4x5xf32>', found 'tensor<1x4x6xf32>'}}
  %r:3 = linnet.attention_grad %q, %q, %q out(%q, %l : tensor<1x4x5xf32>) grad(%q, %d : tensor<1x4x6xf32>) : tensor<1x4x5x8xf32>, tensor<1x4x5x8xf32>, tensor<1x4x5x8xf32>, tensor<1x4x5x8xf32> -> tensor<1x4x5x8xf32>, tensor<1x4x5x8xf32>, tensor<1x4x5x8xf32>
  return
}

// -----

func.func @grad_c6_lengths(%q: tensor<1x4x5x8xf32>, %l: tensor<1x4x5xf32>) {
  // expected-error @+1 {{(C6) expects operand kv_lengths with mask kv_lengths}}
  %r:3 = linnet.attention_grad %q, %q, %q out(%q, %l : tensor<1x4x5xf32>) grad(%q) masks<[kv_lengths]> : tensor<1x4x5x8xf32>, tensor<1x4x5x8xf32>, tensor<1x4x5x8xf32>, tensor<1x4x5x8xf32> -> tensor<1x4x5x8xf32>, tensor<1x4x5x8xf32>, tensor<1x4x5x8xf32>
  return
}

// -----

func.func @grad_c10_rate(%q: tensor<1x4x5x8xf32>, %l: tensor<1x4x5xf32>) {
  // expected-error @+1 {{(C10) expects a dropout rate, dropout_key and dropout_counter together, found 1 of 3}}
  %r:3 = linnet.attention_grad %q, %q, %q out(%q, %l : tensor<1x4x5xf32>) grad(%q) dropout(0.5) : tensor<1x4x5x8xf32>, tensor<1x4x5x8xf32>, tensor<1x4x5x8xf32>, tensor<1x4x5x8xf32> -> tensor<1x4x5x8xf32>, tensor<1x4x5x8xf32>, tensor<1x4x5x8xf32>
  return
}

// -----

func.func @grad_c11_shape(%q: tensor<1x4x5x8xf32>, %l: tensor<1x4x5xf32>) {
  // expected-error @+1 {{(C11) expects dk of the shape of 'tensor<1x4x5x8xf32>', found 'tensor<1x4x6x8xf32>'}}
  %r:3 = linnet.attention_grad %q, %q, %q out(%q, %l : tensor<1x4x5xf32>) grad(%q) : tensor<1x4x5x8xf32>, tensor<1x4x5x8xf32>, tensor<1x4x5x8xf32>, tensor<1x4x5x8xf32> -> tensor<1x4x5x8xf32>, tensor<1x4x6x8xf32>, tensor<1x4x5x8xf32>
  return
}

// -----

func.func @grad_c11_type(%q: tensor<1x4x5x8xf32>, %l: tensor<1x4x5xf32>) {
  // expected-error @+1 {{(C11) expects elements of dq to be 'f32' or f32, found 'bf16'}}
  %r:3 = linnet.attention_grad %q, %q, %q out(%q, %l : tensor<1x4x5xf32>) grad(%q) : tensor<1x4x5x8xf32>, tensor<1x4x5x8xf32>, tensor<1x4x5x8xf32>, tensor<1x4x5x8xf32> -> tensor<1x4x5x8xbf16>, tensor<1x4x5x8xf32>, tensor<1x4x5x8xf32>
  return
}

// -----

func.func @grad_c12_absent(%q: tensor<1x4x5x8xf32>, %l: tensor<1x4x5xf32>) {
  // expected-error @+1 {{(C12) expects dbias only with operand bias}}
  %r:4 = linnet.attention_grad %q, %q, %q out(%q, %l : tensor<1x4x5xf32>) grad(%q) : tensor<1x4x5x8xf32>, tensor<1x4x5x8xf32>, tensor<1x4x5x8xf32>, tensor<1x4x5x8xf32> -> tensor<1x4x5x8xf32>, tensor<1x4x5x8xf32>, tensor<1x4x5x8xf32>, tensor<5x5xf32>
  return
}

// -----

func.func @grad_c12_shape(%q: tensor<1x4x5x8xf32>, %l: tensor<1x4x5xf32>, %b: tensor<1x5xf32>) {
  // expected-error @+1 {{(C12) expects dbias of the shape of 'tensor<1x5xf32>', found 'tensor<5x5xf32>'}}
  %r:4 = linnet.attention_grad %q, %q, %q out(%q, %l : tensor<1x4x5xf32>) grad(%q) bias(%b : tensor<1x5xf32>) : tensor<1x4x5x8xf32>, tensor<1x4x5x8xf32>, tensor<1x4x5x8xf32>, tensor<1x4x5x8xf32> -> tensor<1x4x5x8xf32>, tensor<1x4x5x8xf32>, tensor<1x4x5x8xf32>, tensor<5x5xf32>
  return
}

// -----

func.func @c1_depth(%q: tensor<1x2x3x0xf32>, %v: tensor<1x2x3x8xf32>) {
  // expected-error @+1 {{(C1) expects depths of at least 1, found key depth 0 and value depth 8}}
  %o = linnet.attention %q, %q, %v : tensor<1x2x3x0xf32>, tensor<1x2x3x0xf32>, tensor<1x2x3x8xf32> -> tensor<1x2x3x8xf32>
  return
}
