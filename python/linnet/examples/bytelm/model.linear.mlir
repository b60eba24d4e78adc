// A byte-level language model with gated linear attention: four query heads on two heads of
// state, one log-decay per key channel, otherwise as the softmax model; three layers of width
// 128.
//
// State, donated: per layer a memory of 32 x 32 numbers a head, however long the text. prefill
// reads N bytes, decode one; both give logits for the byte that follows each one read.
//
// Written by python/linnet/examples/bytelm/emit.py; the weights are in
// model.linear.safetensors.

ml_program.global private @embed(#ml_program.extern<tensor<256x128xf32>>) : tensor<256x128xf32>
ml_program.global private @"layers.0.mixer_norm"(#ml_program.extern<tensor<128xf32>>) : tensor<128xf32>
ml_program.global private @"layers.0.q"(#ml_program.extern<tensor<128x128xf32>>) : tensor<128x128xf32>
ml_program.global private @"layers.0.k"(#ml_program.extern<tensor<64x128xf32>>) : tensor<64x128xf32>
ml_program.global private @"layers.0.v"(#ml_program.extern<tensor<64x128xf32>>) : tensor<64x128xf32>
ml_program.global private @"layers.0.decay"(#ml_program.extern<tensor<64x128xf32>>) : tensor<64x128xf32>
ml_program.global private @"layers.0.decay_bias"(#ml_program.extern<tensor<64xf32>>) : tensor<64xf32>
ml_program.global private @"layers.0.head_norm"(#ml_program.extern<tensor<32xf32>>) : tensor<32xf32>
ml_program.global private @"layers.0.o"(#ml_program.extern<tensor<128x128xf32>>) : tensor<128x128xf32>
ml_program.global private @"layers.0.mlp_norm"(#ml_program.extern<tensor<128xf32>>) : tensor<128xf32>
ml_program.global private @"layers.0.gate"(#ml_program.extern<tensor<240x128xf32>>) : tensor<240x128xf32>
ml_program.global private @"layers.0.up"(#ml_program.extern<tensor<240x128xf32>>) : tensor<240x128xf32>
ml_program.global private @"layers.0.down"(#ml_program.extern<tensor<128x240xf32>>) : tensor<128x240xf32>
ml_program.global private @"layers.1.mixer_norm"(#ml_program.extern<tensor<128xf32>>) : tensor<128xf32>
ml_program.global private @"layers.1.q"(#ml_program.extern<tensor<128x128xf32>>) : tensor<128x128xf32>
ml_program.global private @"layers.1.k"(#ml_program.extern<tensor<64x128xf32>>) : tensor<64x128xf32>
ml_program.global private @"layers.1.v"(#ml_program.extern<tensor<64x128xf32>>) : tensor<64x128xf32>
ml_program.global private @"layers.1.decay"(#ml_program.extern<tensor<64x128xf32>>) : tensor<64x128xf32>
ml_program.global private @"layers.1.decay_bias"(#ml_program.extern<tensor<64xf32>>) : tensor<64xf32>
ml_program.global private @"layers.1.head_norm"(#ml_program.extern<tensor<32xf32>>) : tensor<32xf32>
ml_program.global private @"layers.1.o"(#ml_program.extern<tensor<128x128xf32>>) : tensor<128x128xf32>
ml_program.global private @"layers.1.mlp_norm"(#ml_program.extern<tensor<128xf32>>) : tensor<128xf32>
ml_program.global private @"layers.1.gate"(#ml_program.extern<tensor<240x128xf32>>) : tensor<240x128xf32>
ml_program.global private @"layers.1.up"(#ml_program.extern<tensor<240x128xf32>>) : tensor<240x128xf32>
ml_program.global private @"layers.1.down"(#ml_program.extern<tensor<128x240xf32>>) : tensor<128x240xf32>
ml_program.global private @"layers.2.mixer_norm"(#ml_program.extern<tensor<128xf32>>) : tensor<128xf32>
ml_program.global private @"layers.2.q"(#ml_program.extern<tensor<128x128xf32>>) : tensor<128x128xf32>
ml_program.global private @"layers.2.k"(#ml_program.extern<tensor<64x128xf32>>) : tensor<64x128xf32>
ml_program.global private @"layers.2.v"(#ml_program.extern<tensor<64x128xf32>>) : tensor<64x128xf32>
ml_program.global private @"layers.2.decay"(#ml_program.extern<tensor<64x128xf32>>) : tensor<64x128xf32>
ml_program.global private @"layers.2.decay_bias"(#ml_program.extern<tensor<64xf32>>) : tensor<64xf32>
ml_program.global private @"layers.2.head_norm"(#ml_program.extern<tensor<32xf32>>) : tensor<32xf32>
ml_program.global private @"layers.2.o"(#ml_program.extern<tensor<128x128xf32>>) : tensor<128x128xf32>
ml_program.global private @"layers.2.mlp_norm"(#ml_program.extern<tensor<128xf32>>) : tensor<128xf32>
ml_program.global private @"layers.2.gate"(#ml_program.extern<tensor<240x128xf32>>) : tensor<240x128xf32>
ml_program.global private @"layers.2.up"(#ml_program.extern<tensor<240x128xf32>>) : tensor<240x128xf32>
ml_program.global private @"layers.2.down"(#ml_program.extern<tensor<128x240xf32>>) : tensor<128x240xf32>
ml_program.global private @norm(#ml_program.extern<tensor<128xf32>>) : tensor<128xf32>

// Reads N bytes.
func.func @prefill(
    %tokens: tensor<1x?xi64> {linnet.name = "tokens", linnet.dims = [1, "N"]},
    %memory0: tensor<1x2x32x32xf32> {linnet.state = "memory.0"},
    %memory1: tensor<1x2x32x32xf32> {linnet.state = "memory.1"},
    %memory2: tensor<1x2x32x32xf32> {linnet.state = "memory.2"}
  ) -> (
    tensor<1x?x256xf32> {linnet.name = "logits"},
    tensor<1x2x32x32xf32> {linnet.state = "memory.0"},
    tensor<1x2x32x32xf32> {linnet.state = "memory.1"},
    tensor<1x2x32x32xf32> {linnet.state = "memory.2"}
  ) attributes {linnet.symbols = {N = {min = 1, max = 4096}}} {
  %axis1 = arith.constant 1 : index
  %n = tensor.dim %tokens, %axis1 : tensor<1x?xi64>
  %embed = ml_program.global_load_const @embed : tensor<256x128xf32>
  %x = linnet.gather %embed, %tokens axis 0 : tensor<256x128xf32>, tensor<1x?xi64> -> tensor<1x?x128xf32>

  // Layer 0
  %w_mixer_norm = ml_program.global_load_const @"layers.0.mixer_norm" : tensor<128xf32>
  %h = linnet.rms_norm %x scale %w_mixer_norm eps 1.0e-05 : tensor<1x?x128xf32>, tensor<128xf32>
  %w_q = ml_program.global_load_const @"layers.0.q" : tensor<128x128xf32>
  %q = linnet.einsum "bnc,dc->bnd" %h, %w_q : tensor<1x?x128xf32>, tensor<128x128xf32> -> tensor<1x?x128xf32>
  %q_split = tensor.expand_shape %q [[0], [1], [2, 3]] output_shape [1, %n, 4, 32] : tensor<1x?x128xf32> into tensor<1x?x4x32xf32>
  %q_heads = linnet.einsum "bnhd->bhnd" %q_split : tensor<1x?x4x32xf32> -> tensor<1x4x?x32xf32>
  %w_k = ml_program.global_load_const @"layers.0.k" : tensor<64x128xf32>
  %k = linnet.einsum "bnc,dc->bnd" %h, %w_k : tensor<1x?x128xf32>, tensor<64x128xf32> -> tensor<1x?x64xf32>
  %k_split = tensor.expand_shape %k [[0], [1], [2, 3]] output_shape [1, %n, 2, 32] : tensor<1x?x64xf32> into tensor<1x?x2x32xf32>
  %k_heads = linnet.einsum "bnhd->bhnd" %k_split : tensor<1x?x2x32xf32> -> tensor<1x2x?x32xf32>
  %w_v = ml_program.global_load_const @"layers.0.v" : tensor<64x128xf32>
  %v = linnet.einsum "bnc,dc->bnd" %h, %w_v : tensor<1x?x128xf32>, tensor<64x128xf32> -> tensor<1x?x64xf32>
  %v_split = tensor.expand_shape %v [[0], [1], [2, 3]] output_shape [1, %n, 2, 32] : tensor<1x?x64xf32> into tensor<1x?x2x32xf32>
  %v_heads = linnet.einsum "bnhd->bhnd" %v_split : tensor<1x?x2x32xf32> -> tensor<1x2x?x32xf32>
  %w_decay = ml_program.global_load_const @"layers.0.decay" : tensor<64x128xf32>
  %decay = linnet.einsum "bnc,dc->bnd" %h, %w_decay : tensor<1x?x128xf32>, tensor<64x128xf32> -> tensor<1x?x64xf32>
  %w_decay_bias = ml_program.global_load_const @"layers.0.decay_bias" : tensor<64xf32>
  %bias_rows = linnet.broadcast %w_decay_bias like %decay : tensor<64xf32>, tensor<1x?x64xf32> -> tensor<1x?x64xf32>
  %z = arith.addf %decay, %bias_rows : tensor<1x?x64xf32>
  %abs = math.absf %z : tensor<1x?x64xf32>
  %minus_abs = arith.negf %abs : tensor<1x?x64xf32>
  %shrunk = math.exp %minus_abs : tensor<1x?x64xf32>
  %zero = arith.constant 0.0 : f32
  %zero_1 = linnet.broadcast %zero like %z : f32, tensor<1x?x64xf32> -> tensor<1x?x64xf32>
  %low = arith.minimumf %z, %zero_1 : tensor<1x?x64xf32>
  %log1p = math.log1p %shrunk : tensor<1x?x64xf32>
  %log_sigmoid = arith.subf %low, %log1p : tensor<1x?x64xf32>
  %sixteenth = arith.constant 0.0625 : f32
  %sixteenth_1 = linnet.broadcast %sixteenth like %log_sigmoid : f32, tensor<1x?x64xf32> -> tensor<1x?x64xf32>
  %log_decay = arith.mulf %log_sigmoid, %sixteenth_1 : tensor<1x?x64xf32>
  %decay_split = tensor.expand_shape %log_decay [[0], [1], [2, 3]] output_shape [1, %n, 2, 32] : tensor<1x?x64xf32> into tensor<1x?x2x32xf32>
  %decay_heads = linnet.einsum "bnhd->bhnd" %decay_split : tensor<1x?x2x32xf32> -> tensor<1x2x?x32xf32>
  %attended, %memory_after = linnet.linear_attention %q_heads, %k_heads, %v_heads decay(%decay_heads : tensor<1x2x?x32xf32>) state(%memory0 : tensor<1x2x32x32xf32>) scale(0.1767766952966369) : tensor<1x4x?x32xf32>, tensor<1x2x?x32xf32>, tensor<1x2x?x32xf32> -> tensor<1x4x?x32xf32>, tensor<1x2x32x32xf32>
  %w_head_norm = ml_program.global_load_const @"layers.0.head_norm" : tensor<32xf32>
  %attended_normed = linnet.rms_norm %attended scale %w_head_norm eps 1.0e-05 : tensor<1x4x?x32xf32>, tensor<32xf32>
  %mixed_rows = linnet.einsum "bhnd->bnhd" %attended_normed : tensor<1x4x?x32xf32> -> tensor<1x?x4x32xf32>
  %mixed = tensor.collapse_shape %mixed_rows [[0], [1], [2, 3]] : tensor<1x?x4x32xf32> into tensor<1x?x128xf32>
  %w_o = ml_program.global_load_const @"layers.0.o" : tensor<128x128xf32>
  %o = linnet.einsum "bnc,dc->bnd" %mixed, %w_o : tensor<1x?x128xf32>, tensor<128x128xf32> -> tensor<1x?x128xf32>
  %x_1 = arith.addf %x, %o : tensor<1x?x128xf32>
  %w_mlp_norm = ml_program.global_load_const @"layers.0.mlp_norm" : tensor<128xf32>
  %h_1 = linnet.rms_norm %x_1 scale %w_mlp_norm eps 1.0e-05 : tensor<1x?x128xf32>, tensor<128xf32>
  %w_gate = ml_program.global_load_const @"layers.0.gate" : tensor<240x128xf32>
  %gate = linnet.einsum "bnc,dc->bnd" %h_1, %w_gate : tensor<1x?x128xf32>, tensor<240x128xf32> -> tensor<1x?x240xf32>
  %w_up = ml_program.global_load_const @"layers.0.up" : tensor<240x128xf32>
  %up = linnet.einsum "bnc,dc->bnd" %h_1, %w_up : tensor<1x?x128xf32>, tensor<240x128xf32> -> tensor<1x?x240xf32>
  %one = arith.constant 1.0 : f32
  %one_1 = linnet.broadcast %one like %gate : f32, tensor<1x?x240xf32> -> tensor<1x?x240xf32>
  %minus = arith.negf %gate : tensor<1x?x240xf32>
  %exp = math.exp %minus : tensor<1x?x240xf32>
  %one_more = arith.addf %one_1, %exp : tensor<1x?x240xf32>
  %silu = arith.divf %gate, %one_more : tensor<1x?x240xf32>
  %hidden = arith.mulf %silu, %up : tensor<1x?x240xf32>
  %w_down = ml_program.global_load_const @"layers.0.down" : tensor<128x240xf32>
  %down = linnet.einsum "bnc,dc->bnd" %hidden, %w_down : tensor<1x?x240xf32>, tensor<128x240xf32> -> tensor<1x?x128xf32>
  %x_2 = arith.addf %x_1, %down : tensor<1x?x128xf32>

  // Layer 1
  %w_mixer_norm_1 = ml_program.global_load_const @"layers.1.mixer_norm" : tensor<128xf32>
  %h_2 = linnet.rms_norm %x_2 scale %w_mixer_norm_1 eps 1.0e-05 : tensor<1x?x128xf32>, tensor<128xf32>
  %w_q_1 = ml_program.global_load_const @"layers.1.q" : tensor<128x128xf32>
  %q_1 = linnet.einsum "bnc,dc->bnd" %h_2, %w_q_1 : tensor<1x?x128xf32>, tensor<128x128xf32> -> tensor<1x?x128xf32>
  %q_split_1 = tensor.expand_shape %q_1 [[0], [1], [2, 3]] output_shape [1, %n, 4, 32] : tensor<1x?x128xf32> into tensor<1x?x4x32xf32>
  %q_heads_1 = linnet.einsum "bnhd->bhnd" %q_split_1 : tensor<1x?x4x32xf32> -> tensor<1x4x?x32xf32>
  %w_k_1 = ml_program.global_load_const @"layers.1.k" : tensor<64x128xf32>
  %k_1 = linnet.einsum "bnc,dc->bnd" %h_2, %w_k_1 : tensor<1x?x128xf32>, tensor<64x128xf32> -> tensor<1x?x64xf32>
  %k_split_1 = tensor.expand_shape %k_1 [[0], [1], [2, 3]] output_shape [1, %n, 2, 32] : tensor<1x?x64xf32> into tensor<1x?x2x32xf32>
  %k_heads_1 = linnet.einsum "bnhd->bhnd" %k_split_1 : tensor<1x?x2x32xf32> -> tensor<1x2x?x32xf32>
  %w_v_1 = ml_program.global_load_const @"layers.1.v" : tensor<64x128xf32>
  %v_1 = linnet.einsum "bnc,dc->bnd" %h_2, %w_v_1 : tensor<1x?x128xf32>, tensor<64x128xf32> -> tensor<1x?x64xf32>
  %v_split_1 = tensor.expand_shape %v_1 [[0], [1], [2, 3]] output_shape [1, %n, 2, 32] : tensor<1x?x64xf32> into tensor<1x?x2x32xf32>
  %v_heads_1 = linnet.einsum "bnhd->bhnd" %v_split_1 : tensor<1x?x2x32xf32> -> tensor<1x2x?x32xf32>
  %w_decay_1 = ml_program.global_load_const @"layers.1.decay" : tensor<64x128xf32>
  %decay_1 = linnet.einsum "bnc,dc->bnd" %h_2, %w_decay_1 : tensor<1x?x128xf32>, tensor<64x128xf32> -> tensor<1x?x64xf32>
  %w_decay_bias_1 = ml_program.global_load_const @"layers.1.decay_bias" : tensor<64xf32>
  %bias_rows_1 = linnet.broadcast %w_decay_bias_1 like %decay_1 : tensor<64xf32>, tensor<1x?x64xf32> -> tensor<1x?x64xf32>
  %z_1 = arith.addf %decay_1, %bias_rows_1 : tensor<1x?x64xf32>
  %abs_1 = math.absf %z_1 : tensor<1x?x64xf32>
  %minus_abs_1 = arith.negf %abs_1 : tensor<1x?x64xf32>
  %shrunk_1 = math.exp %minus_abs_1 : tensor<1x?x64xf32>
  %zero_2 = arith.constant 0.0 : f32
  %zero_3 = linnet.broadcast %zero_2 like %z_1 : f32, tensor<1x?x64xf32> -> tensor<1x?x64xf32>
  %low_1 = arith.minimumf %z_1, %zero_3 : tensor<1x?x64xf32>
  %log1p_1 = math.log1p %shrunk_1 : tensor<1x?x64xf32>
  %log_sigmoid_1 = arith.subf %low_1, %log1p_1 : tensor<1x?x64xf32>
  %sixteenth_2 = arith.constant 0.0625 : f32
  %sixteenth_3 = linnet.broadcast %sixteenth_2 like %log_sigmoid_1 : f32, tensor<1x?x64xf32> -> tensor<1x?x64xf32>
  %log_decay_1 = arith.mulf %log_sigmoid_1, %sixteenth_3 : tensor<1x?x64xf32>
  %decay_split_1 = tensor.expand_shape %log_decay_1 [[0], [1], [2, 3]] output_shape [1, %n, 2, 32] : tensor<1x?x64xf32> into tensor<1x?x2x32xf32>
  %decay_heads_1 = linnet.einsum "bnhd->bhnd" %decay_split_1 : tensor<1x?x2x32xf32> -> tensor<1x2x?x32xf32>
  %attended_1, %memory_after_1 = linnet.linear_attention %q_heads_1, %k_heads_1, %v_heads_1 decay(%decay_heads_1 : tensor<1x2x?x32xf32>) state(%memory1 : tensor<1x2x32x32xf32>) scale(0.1767766952966369) : tensor<1x4x?x32xf32>, tensor<1x2x?x32xf32>, tensor<1x2x?x32xf32> -> tensor<1x4x?x32xf32>, tensor<1x2x32x32xf32>
  %w_head_norm_1 = ml_program.global_load_const @"layers.1.head_norm" : tensor<32xf32>
  %attended_normed_1 = linnet.rms_norm %attended_1 scale %w_head_norm_1 eps 1.0e-05 : tensor<1x4x?x32xf32>, tensor<32xf32>
  %mixed_rows_1 = linnet.einsum "bhnd->bnhd" %attended_normed_1 : tensor<1x4x?x32xf32> -> tensor<1x?x4x32xf32>
  %mixed_1 = tensor.collapse_shape %mixed_rows_1 [[0], [1], [2, 3]] : tensor<1x?x4x32xf32> into tensor<1x?x128xf32>
  %w_o_1 = ml_program.global_load_const @"layers.1.o" : tensor<128x128xf32>
  %o_1 = linnet.einsum "bnc,dc->bnd" %mixed_1, %w_o_1 : tensor<1x?x128xf32>, tensor<128x128xf32> -> tensor<1x?x128xf32>
  %x_3 = arith.addf %x_2, %o_1 : tensor<1x?x128xf32>
  %w_mlp_norm_1 = ml_program.global_load_const @"layers.1.mlp_norm" : tensor<128xf32>
  %h_3 = linnet.rms_norm %x_3 scale %w_mlp_norm_1 eps 1.0e-05 : tensor<1x?x128xf32>, tensor<128xf32>
  %w_gate_1 = ml_program.global_load_const @"layers.1.gate" : tensor<240x128xf32>
  %gate_1 = linnet.einsum "bnc,dc->bnd" %h_3, %w_gate_1 : tensor<1x?x128xf32>, tensor<240x128xf32> -> tensor<1x?x240xf32>
  %w_up_1 = ml_program.global_load_const @"layers.1.up" : tensor<240x128xf32>
  %up_1 = linnet.einsum "bnc,dc->bnd" %h_3, %w_up_1 : tensor<1x?x128xf32>, tensor<240x128xf32> -> tensor<1x?x240xf32>
  %one_2 = arith.constant 1.0 : f32
  %one_3 = linnet.broadcast %one_2 like %gate_1 : f32, tensor<1x?x240xf32> -> tensor<1x?x240xf32>
  %minus_1 = arith.negf %gate_1 : tensor<1x?x240xf32>
  %exp_1 = math.exp %minus_1 : tensor<1x?x240xf32>
  %one_more_1 = arith.addf %one_3, %exp_1 : tensor<1x?x240xf32>
  %silu_1 = arith.divf %gate_1, %one_more_1 : tensor<1x?x240xf32>
  %hidden_1 = arith.mulf %silu_1, %up_1 : tensor<1x?x240xf32>
  %w_down_1 = ml_program.global_load_const @"layers.1.down" : tensor<128x240xf32>
  %down_1 = linnet.einsum "bnc,dc->bnd" %hidden_1, %w_down_1 : tensor<1x?x240xf32>, tensor<128x240xf32> -> tensor<1x?x128xf32>
  %x_4 = arith.addf %x_3, %down_1 : tensor<1x?x128xf32>

  // Layer 2
  %w_mixer_norm_2 = ml_program.global_load_const @"layers.2.mixer_norm" : tensor<128xf32>
  %h_4 = linnet.rms_norm %x_4 scale %w_mixer_norm_2 eps 1.0e-05 : tensor<1x?x128xf32>, tensor<128xf32>
  %w_q_2 = ml_program.global_load_const @"layers.2.q" : tensor<128x128xf32>
  %q_2 = linnet.einsum "bnc,dc->bnd" %h_4, %w_q_2 : tensor<1x?x128xf32>, tensor<128x128xf32> -> tensor<1x?x128xf32>
  %q_split_2 = tensor.expand_shape %q_2 [[0], [1], [2, 3]] output_shape [1, %n, 4, 32] : tensor<1x?x128xf32> into tensor<1x?x4x32xf32>
  %q_heads_2 = linnet.einsum "bnhd->bhnd" %q_split_2 : tensor<1x?x4x32xf32> -> tensor<1x4x?x32xf32>
  %w_k_2 = ml_program.global_load_const @"layers.2.k" : tensor<64x128xf32>
  %k_2 = linnet.einsum "bnc,dc->bnd" %h_4, %w_k_2 : tensor<1x?x128xf32>, tensor<64x128xf32> -> tensor<1x?x64xf32>
  %k_split_2 = tensor.expand_shape %k_2 [[0], [1], [2, 3]] output_shape [1, %n, 2, 32] : tensor<1x?x64xf32> into tensor<1x?x2x32xf32>
  %k_heads_2 = linnet.einsum "bnhd->bhnd" %k_split_2 : tensor<1x?x2x32xf32> -> tensor<1x2x?x32xf32>
  %w_v_2 = ml_program.global_load_const @"layers.2.v" : tensor<64x128xf32>
  %v_2 = linnet.einsum "bnc,dc->bnd" %h_4, %w_v_2 : tensor<1x?x128xf32>, tensor<64x128xf32> -> tensor<1x?x64xf32>
  %v_split_2 = tensor.expand_shape %v_2 [[0], [1], [2, 3]] output_shape [1, %n, 2, 32] : tensor<1x?x64xf32> into tensor<1x?x2x32xf32>
  %v_heads_2 = linnet.einsum "bnhd->bhnd" %v_split_2 : tensor<1x?x2x32xf32> -> tensor<1x2x?x32xf32>
  %w_decay_2 = ml_program.global_load_const @"layers.2.decay" : tensor<64x128xf32>
  %decay_2 = linnet.einsum "bnc,dc->bnd" %h_4, %w_decay_2 : tensor<1x?x128xf32>, tensor<64x128xf32> -> tensor<1x?x64xf32>
  %w_decay_bias_2 = ml_program.global_load_const @"layers.2.decay_bias" : tensor<64xf32>
  %bias_rows_2 = linnet.broadcast %w_decay_bias_2 like %decay_2 : tensor<64xf32>, tensor<1x?x64xf32> -> tensor<1x?x64xf32>
  %z_2 = arith.addf %decay_2, %bias_rows_2 : tensor<1x?x64xf32>
  %abs_2 = math.absf %z_2 : tensor<1x?x64xf32>
  %minus_abs_2 = arith.negf %abs_2 : tensor<1x?x64xf32>
  %shrunk_2 = math.exp %minus_abs_2 : tensor<1x?x64xf32>
  %zero_4 = arith.constant 0.0 : f32
  %zero_5 = linnet.broadcast %zero_4 like %z_2 : f32, tensor<1x?x64xf32> -> tensor<1x?x64xf32>
  %low_2 = arith.minimumf %z_2, %zero_5 : tensor<1x?x64xf32>
  %log1p_2 = math.log1p %shrunk_2 : tensor<1x?x64xf32>
  %log_sigmoid_2 = arith.subf %low_2, %log1p_2 : tensor<1x?x64xf32>
  %sixteenth_4 = arith.constant 0.0625 : f32
  %sixteenth_5 = linnet.broadcast %sixteenth_4 like %log_sigmoid_2 : f32, tensor<1x?x64xf32> -> tensor<1x?x64xf32>
  %log_decay_2 = arith.mulf %log_sigmoid_2, %sixteenth_5 : tensor<1x?x64xf32>
  %decay_split_2 = tensor.expand_shape %log_decay_2 [[0], [1], [2, 3]] output_shape [1, %n, 2, 32] : tensor<1x?x64xf32> into tensor<1x?x2x32xf32>
  %decay_heads_2 = linnet.einsum "bnhd->bhnd" %decay_split_2 : tensor<1x?x2x32xf32> -> tensor<1x2x?x32xf32>
  %attended_2, %memory_after_2 = linnet.linear_attention %q_heads_2, %k_heads_2, %v_heads_2 decay(%decay_heads_2 : tensor<1x2x?x32xf32>) state(%memory2 : tensor<1x2x32x32xf32>) scale(0.1767766952966369) : tensor<1x4x?x32xf32>, tensor<1x2x?x32xf32>, tensor<1x2x?x32xf32> -> tensor<1x4x?x32xf32>, tensor<1x2x32x32xf32>
  %w_head_norm_2 = ml_program.global_load_const @"layers.2.head_norm" : tensor<32xf32>
  %attended_normed_2 = linnet.rms_norm %attended_2 scale %w_head_norm_2 eps 1.0e-05 : tensor<1x4x?x32xf32>, tensor<32xf32>
  %mixed_rows_2 = linnet.einsum "bhnd->bnhd" %attended_normed_2 : tensor<1x4x?x32xf32> -> tensor<1x?x4x32xf32>
  %mixed_2 = tensor.collapse_shape %mixed_rows_2 [[0], [1], [2, 3]] : tensor<1x?x4x32xf32> into tensor<1x?x128xf32>
  %w_o_2 = ml_program.global_load_const @"layers.2.o" : tensor<128x128xf32>
  %o_2 = linnet.einsum "bnc,dc->bnd" %mixed_2, %w_o_2 : tensor<1x?x128xf32>, tensor<128x128xf32> -> tensor<1x?x128xf32>
  %x_5 = arith.addf %x_4, %o_2 : tensor<1x?x128xf32>
  %w_mlp_norm_2 = ml_program.global_load_const @"layers.2.mlp_norm" : tensor<128xf32>
  %h_5 = linnet.rms_norm %x_5 scale %w_mlp_norm_2 eps 1.0e-05 : tensor<1x?x128xf32>, tensor<128xf32>
  %w_gate_2 = ml_program.global_load_const @"layers.2.gate" : tensor<240x128xf32>
  %gate_2 = linnet.einsum "bnc,dc->bnd" %h_5, %w_gate_2 : tensor<1x?x128xf32>, tensor<240x128xf32> -> tensor<1x?x240xf32>
  %w_up_2 = ml_program.global_load_const @"layers.2.up" : tensor<240x128xf32>
  %up_2 = linnet.einsum "bnc,dc->bnd" %h_5, %w_up_2 : tensor<1x?x128xf32>, tensor<240x128xf32> -> tensor<1x?x240xf32>
  %one_4 = arith.constant 1.0 : f32
  %one_5 = linnet.broadcast %one_4 like %gate_2 : f32, tensor<1x?x240xf32> -> tensor<1x?x240xf32>
  %minus_2 = arith.negf %gate_2 : tensor<1x?x240xf32>
  %exp_2 = math.exp %minus_2 : tensor<1x?x240xf32>
  %one_more_2 = arith.addf %one_5, %exp_2 : tensor<1x?x240xf32>
  %silu_2 = arith.divf %gate_2, %one_more_2 : tensor<1x?x240xf32>
  %hidden_2 = arith.mulf %silu_2, %up_2 : tensor<1x?x240xf32>
  %w_down_2 = ml_program.global_load_const @"layers.2.down" : tensor<128x240xf32>
  %down_2 = linnet.einsum "bnc,dc->bnd" %hidden_2, %w_down_2 : tensor<1x?x240xf32>, tensor<128x240xf32> -> tensor<1x?x128xf32>
  %x_6 = arith.addf %x_5, %down_2 : tensor<1x?x128xf32>

  %norm = ml_program.global_load_const @norm : tensor<128xf32>
  %h_6 = linnet.rms_norm %x_6 scale %norm eps 1.0e-05 : tensor<1x?x128xf32>, tensor<128xf32>
  %logits = linnet.einsum "bnc,dc->bnd" %h_6, %embed : tensor<1x?x128xf32>, tensor<256x128xf32> -> tensor<1x?x256xf32>
  return %logits, %memory_after, %memory_after_1, %memory_after_2 : tensor<1x?x256xf32>, tensor<1x2x32x32xf32>, tensor<1x2x32x32xf32>, tensor<1x2x32x32xf32>
}

// Reads one byte.
func.func @decode(
    %tokens: tensor<1x1xi64> {linnet.name = "tokens"},
    %memory0: tensor<1x2x32x32xf32> {linnet.state = "memory.0"},
    %memory1: tensor<1x2x32x32xf32> {linnet.state = "memory.1"},
    %memory2: tensor<1x2x32x32xf32> {linnet.state = "memory.2"}
  ) -> (
    tensor<1x1x256xf32> {linnet.name = "logits"},
    tensor<1x2x32x32xf32> {linnet.state = "memory.0"},
    tensor<1x2x32x32xf32> {linnet.state = "memory.1"},
    tensor<1x2x32x32xf32> {linnet.state = "memory.2"}
  ) {
  %embed = ml_program.global_load_const @embed : tensor<256x128xf32>
  %x = linnet.gather %embed, %tokens axis 0 : tensor<256x128xf32>, tensor<1x1xi64> -> tensor<1x1x128xf32>

  // Layer 0
  %w_mixer_norm = ml_program.global_load_const @"layers.0.mixer_norm" : tensor<128xf32>
  %h = linnet.rms_norm %x scale %w_mixer_norm eps 1.0e-05 : tensor<1x1x128xf32>, tensor<128xf32>
  %w_q = ml_program.global_load_const @"layers.0.q" : tensor<128x128xf32>
  %q = linnet.einsum "bnc,dc->bnd" %h, %w_q : tensor<1x1x128xf32>, tensor<128x128xf32> -> tensor<1x1x128xf32>
  %q_split = tensor.expand_shape %q [[0], [1], [2, 3]] output_shape [1, 1, 4, 32] : tensor<1x1x128xf32> into tensor<1x1x4x32xf32>
  %q_heads = linnet.einsum "bnhd->bhnd" %q_split : tensor<1x1x4x32xf32> -> tensor<1x4x1x32xf32>
  %w_k = ml_program.global_load_const @"layers.0.k" : tensor<64x128xf32>
  %k = linnet.einsum "bnc,dc->bnd" %h, %w_k : tensor<1x1x128xf32>, tensor<64x128xf32> -> tensor<1x1x64xf32>
  %k_split = tensor.expand_shape %k [[0], [1], [2, 3]] output_shape [1, 1, 2, 32] : tensor<1x1x64xf32> into tensor<1x1x2x32xf32>
  %k_heads = linnet.einsum "bnhd->bhnd" %k_split : tensor<1x1x2x32xf32> -> tensor<1x2x1x32xf32>
  %w_v = ml_program.global_load_const @"layers.0.v" : tensor<64x128xf32>
  %v = linnet.einsum "bnc,dc->bnd" %h, %w_v : tensor<1x1x128xf32>, tensor<64x128xf32> -> tensor<1x1x64xf32>
  %v_split = tensor.expand_shape %v [[0], [1], [2, 3]] output_shape [1, 1, 2, 32] : tensor<1x1x64xf32> into tensor<1x1x2x32xf32>
  %v_heads = linnet.einsum "bnhd->bhnd" %v_split : tensor<1x1x2x32xf32> -> tensor<1x2x1x32xf32>
  %w_decay = ml_program.global_load_const @"layers.0.decay" : tensor<64x128xf32>
  %decay = linnet.einsum "bnc,dc->bnd" %h, %w_decay : tensor<1x1x128xf32>, tensor<64x128xf32> -> tensor<1x1x64xf32>
  %w_decay_bias = ml_program.global_load_const @"layers.0.decay_bias" : tensor<64xf32>
  %bias_rows = linnet.broadcast %w_decay_bias : tensor<64xf32> -> tensor<1x1x64xf32>
  %z = arith.addf %decay, %bias_rows : tensor<1x1x64xf32>
  %abs = math.absf %z : tensor<1x1x64xf32>
  %minus_abs = arith.negf %abs : tensor<1x1x64xf32>
  %shrunk = math.exp %minus_abs : tensor<1x1x64xf32>
  %zero = arith.constant 0.0 : f32
  %zero_1 = linnet.broadcast %zero : f32 -> tensor<1x1x64xf32>
  %low = arith.minimumf %z, %zero_1 : tensor<1x1x64xf32>
  %log1p = math.log1p %shrunk : tensor<1x1x64xf32>
  %log_sigmoid = arith.subf %low, %log1p : tensor<1x1x64xf32>
  %sixteenth = arith.constant 0.0625 : f32
  %sixteenth_1 = linnet.broadcast %sixteenth : f32 -> tensor<1x1x64xf32>
  %log_decay = arith.mulf %log_sigmoid, %sixteenth_1 : tensor<1x1x64xf32>
  %decay_split = tensor.expand_shape %log_decay [[0], [1], [2, 3]] output_shape [1, 1, 2, 32] : tensor<1x1x64xf32> into tensor<1x1x2x32xf32>
  %decay_heads = linnet.einsum "bnhd->bhnd" %decay_split : tensor<1x1x2x32xf32> -> tensor<1x2x1x32xf32>
  %attended, %memory_after = linnet.linear_attention %q_heads, %k_heads, %v_heads decay(%decay_heads : tensor<1x2x1x32xf32>) state(%memory0 : tensor<1x2x32x32xf32>) scale(0.1767766952966369) : tensor<1x4x1x32xf32>, tensor<1x2x1x32xf32>, tensor<1x2x1x32xf32> -> tensor<1x4x1x32xf32>, tensor<1x2x32x32xf32>
  %w_head_norm = ml_program.global_load_const @"layers.0.head_norm" : tensor<32xf32>
  %attended_normed = linnet.rms_norm %attended scale %w_head_norm eps 1.0e-05 : tensor<1x4x1x32xf32>, tensor<32xf32>
  %mixed_rows = linnet.einsum "bhnd->bnhd" %attended_normed : tensor<1x4x1x32xf32> -> tensor<1x1x4x32xf32>
  %mixed = tensor.collapse_shape %mixed_rows [[0], [1], [2, 3]] : tensor<1x1x4x32xf32> into tensor<1x1x128xf32>
  %w_o = ml_program.global_load_const @"layers.0.o" : tensor<128x128xf32>
  %o = linnet.einsum "bnc,dc->bnd" %mixed, %w_o : tensor<1x1x128xf32>, tensor<128x128xf32> -> tensor<1x1x128xf32>
  %x_1 = arith.addf %x, %o : tensor<1x1x128xf32>
  %w_mlp_norm = ml_program.global_load_const @"layers.0.mlp_norm" : tensor<128xf32>
  %h_1 = linnet.rms_norm %x_1 scale %w_mlp_norm eps 1.0e-05 : tensor<1x1x128xf32>, tensor<128xf32>
  %w_gate = ml_program.global_load_const @"layers.0.gate" : tensor<240x128xf32>
  %gate = linnet.einsum "bnc,dc->bnd" %h_1, %w_gate : tensor<1x1x128xf32>, tensor<240x128xf32> -> tensor<1x1x240xf32>
  %w_up = ml_program.global_load_const @"layers.0.up" : tensor<240x128xf32>
  %up = linnet.einsum "bnc,dc->bnd" %h_1, %w_up : tensor<1x1x128xf32>, tensor<240x128xf32> -> tensor<1x1x240xf32>
  %one = arith.constant 1.0 : f32
  %one_1 = linnet.broadcast %one : f32 -> tensor<1x1x240xf32>
  %minus = arith.negf %gate : tensor<1x1x240xf32>
  %exp = math.exp %minus : tensor<1x1x240xf32>
  %one_more = arith.addf %one_1, %exp : tensor<1x1x240xf32>
  %silu = arith.divf %gate, %one_more : tensor<1x1x240xf32>
  %hidden = arith.mulf %silu, %up : tensor<1x1x240xf32>
  %w_down = ml_program.global_load_const @"layers.0.down" : tensor<128x240xf32>
  %down = linnet.einsum "bnc,dc->bnd" %hidden, %w_down : tensor<1x1x240xf32>, tensor<128x240xf32> -> tensor<1x1x128xf32>
  %x_2 = arith.addf %x_1, %down : tensor<1x1x128xf32>

  // Layer 1
  %w_mixer_norm_1 = ml_program.global_load_const @"layers.1.mixer_norm" : tensor<128xf32>
  %h_2 = linnet.rms_norm %x_2 scale %w_mixer_norm_1 eps 1.0e-05 : tensor<1x1x128xf32>, tensor<128xf32>
  %w_q_1 = ml_program.global_load_const @"layers.1.q" : tensor<128x128xf32>
  %q_1 = linnet.einsum "bnc,dc->bnd" %h_2, %w_q_1 : tensor<1x1x128xf32>, tensor<128x128xf32> -> tensor<1x1x128xf32>
  %q_split_1 = tensor.expand_shape %q_1 [[0], [1], [2, 3]] output_shape [1, 1, 4, 32] : tensor<1x1x128xf32> into tensor<1x1x4x32xf32>
  %q_heads_1 = linnet.einsum "bnhd->bhnd" %q_split_1 : tensor<1x1x4x32xf32> -> tensor<1x4x1x32xf32>
  %w_k_1 = ml_program.global_load_const @"layers.1.k" : tensor<64x128xf32>
  %k_1 = linnet.einsum "bnc,dc->bnd" %h_2, %w_k_1 : tensor<1x1x128xf32>, tensor<64x128xf32> -> tensor<1x1x64xf32>
  %k_split_1 = tensor.expand_shape %k_1 [[0], [1], [2, 3]] output_shape [1, 1, 2, 32] : tensor<1x1x64xf32> into tensor<1x1x2x32xf32>
  %k_heads_1 = linnet.einsum "bnhd->bhnd" %k_split_1 : tensor<1x1x2x32xf32> -> tensor<1x2x1x32xf32>
  %w_v_1 = ml_program.global_load_const @"layers.1.v" : tensor<64x128xf32>
  %v_1 = linnet.einsum "bnc,dc->bnd" %h_2, %w_v_1 : tensor<1x1x128xf32>, tensor<64x128xf32> -> tensor<1x1x64xf32>
  %v_split_1 = tensor.expand_shape %v_1 [[0], [1], [2, 3]] output_shape [1, 1, 2, 32] : tensor<1x1x64xf32> into tensor<1x1x2x32xf32>
  %v_heads_1 = linnet.einsum "bnhd->bhnd" %v_split_1 : tensor<1x1x2x32xf32> -> tensor<1x2x1x32xf32>
  %w_decay_1 = ml_program.global_load_const @"layers.1.decay" : tensor<64x128xf32>
  %decay_1 = linnet.einsum "bnc,dc->bnd" %h_2, %w_decay_1 : tensor<1x1x128xf32>, tensor<64x128xf32> -> tensor<1x1x64xf32>
  %w_decay_bias_1 = ml_program.global_load_const @"layers.1.decay_bias" : tensor<64xf32>
  %bias_rows_1 = linnet.broadcast %w_decay_bias_1 : tensor<64xf32> -> tensor<1x1x64xf32>
  %z_1 = arith.addf %decay_1, %bias_rows_1 : tensor<1x1x64xf32>
  %abs_1 = math.absf %z_1 : tensor<1x1x64xf32>
  %minus_abs_1 = arith.negf %abs_1 : tensor<1x1x64xf32>
  %shrunk_1 = math.exp %minus_abs_1 : tensor<1x1x64xf32>
  %zero_2 = arith.constant 0.0 : f32
  %zero_3 = linnet.broadcast %zero_2 : f32 -> tensor<1x1x64xf32>
  %low_1 = arith.minimumf %z_1, %zero_3 : tensor<1x1x64xf32>
  %log1p_1 = math.log1p %shrunk_1 : tensor<1x1x64xf32>
  %log_sigmoid_1 = arith.subf %low_1, %log1p_1 : tensor<1x1x64xf32>
  %sixteenth_2 = arith.constant 0.0625 : f32
  %sixteenth_3 = linnet.broadcast %sixteenth_2 : f32 -> tensor<1x1x64xf32>
  %log_decay_1 = arith.mulf %log_sigmoid_1, %sixteenth_3 : tensor<1x1x64xf32>
  %decay_split_1 = tensor.expand_shape %log_decay_1 [[0], [1], [2, 3]] output_shape [1, 1, 2, 32] : tensor<1x1x64xf32> into tensor<1x1x2x32xf32>
  %decay_heads_1 = linnet.einsum "bnhd->bhnd" %decay_split_1 : tensor<1x1x2x32xf32> -> tensor<1x2x1x32xf32>
  %attended_1, %memory_after_1 = linnet.linear_attention %q_heads_1, %k_heads_1, %v_heads_1 decay(%decay_heads_1 : tensor<1x2x1x32xf32>) state(%memory1 : tensor<1x2x32x32xf32>) scale(0.1767766952966369) : tensor<1x4x1x32xf32>, tensor<1x2x1x32xf32>, tensor<1x2x1x32xf32> -> tensor<1x4x1x32xf32>, tensor<1x2x32x32xf32>
  %w_head_norm_1 = ml_program.global_load_const @"layers.1.head_norm" : tensor<32xf32>
  %attended_normed_1 = linnet.rms_norm %attended_1 scale %w_head_norm_1 eps 1.0e-05 : tensor<1x4x1x32xf32>, tensor<32xf32>
  %mixed_rows_1 = linnet.einsum "bhnd->bnhd" %attended_normed_1 : tensor<1x4x1x32xf32> -> tensor<1x1x4x32xf32>
  %mixed_1 = tensor.collapse_shape %mixed_rows_1 [[0], [1], [2, 3]] : tensor<1x1x4x32xf32> into tensor<1x1x128xf32>
  %w_o_1 = ml_program.global_load_const @"layers.1.o" : tensor<128x128xf32>
  %o_1 = linnet.einsum "bnc,dc->bnd" %mixed_1, %w_o_1 : tensor<1x1x128xf32>, tensor<128x128xf32> -> tensor<1x1x128xf32>
  %x_3 = arith.addf %x_2, %o_1 : tensor<1x1x128xf32>
  %w_mlp_norm_1 = ml_program.global_load_const @"layers.1.mlp_norm" : tensor<128xf32>
  %h_3 = linnet.rms_norm %x_3 scale %w_mlp_norm_1 eps 1.0e-05 : tensor<1x1x128xf32>, tensor<128xf32>
  %w_gate_1 = ml_program.global_load_const @"layers.1.gate" : tensor<240x128xf32>
  %gate_1 = linnet.einsum "bnc,dc->bnd" %h_3, %w_gate_1 : tensor<1x1x128xf32>, tensor<240x128xf32> -> tensor<1x1x240xf32>
  %w_up_1 = ml_program.global_load_const @"layers.1.up" : tensor<240x128xf32>
  %up_1 = linnet.einsum "bnc,dc->bnd" %h_3, %w_up_1 : tensor<1x1x128xf32>, tensor<240x128xf32> -> tensor<1x1x240xf32>
  %one_2 = arith.constant 1.0 : f32
  %one_3 = linnet.broadcast %one_2 : f32 -> tensor<1x1x240xf32>
  %minus_1 = arith.negf %gate_1 : tensor<1x1x240xf32>
  %exp_1 = math.exp %minus_1 : tensor<1x1x240xf32>
  %one_more_1 = arith.addf %one_3, %exp_1 : tensor<1x1x240xf32>
  %silu_1 = arith.divf %gate_1, %one_more_1 : tensor<1x1x240xf32>
  %hidden_1 = arith.mulf %silu_1, %up_1 : tensor<1x1x240xf32>
  %w_down_1 = ml_program.global_load_const @"layers.1.down" : tensor<128x240xf32>
  %down_1 = linnet.einsum "bnc,dc->bnd" %hidden_1, %w_down_1 : tensor<1x1x240xf32>, tensor<128x240xf32> -> tensor<1x1x128xf32>
  %x_4 = arith.addf %x_3, %down_1 : tensor<1x1x128xf32>

  // Layer 2
  %w_mixer_norm_2 = ml_program.global_load_const @"layers.2.mixer_norm" : tensor<128xf32>
  %h_4 = linnet.rms_norm %x_4 scale %w_mixer_norm_2 eps 1.0e-05 : tensor<1x1x128xf32>, tensor<128xf32>
  %w_q_2 = ml_program.global_load_const @"layers.2.q" : tensor<128x128xf32>
  %q_2 = linnet.einsum "bnc,dc->bnd" %h_4, %w_q_2 : tensor<1x1x128xf32>, tensor<128x128xf32> -> tensor<1x1x128xf32>
  %q_split_2 = tensor.expand_shape %q_2 [[0], [1], [2, 3]] output_shape [1, 1, 4, 32] : tensor<1x1x128xf32> into tensor<1x1x4x32xf32>
  %q_heads_2 = linnet.einsum "bnhd->bhnd" %q_split_2 : tensor<1x1x4x32xf32> -> tensor<1x4x1x32xf32>
  %w_k_2 = ml_program.global_load_const @"layers.2.k" : tensor<64x128xf32>
  %k_2 = linnet.einsum "bnc,dc->bnd" %h_4, %w_k_2 : tensor<1x1x128xf32>, tensor<64x128xf32> -> tensor<1x1x64xf32>
  %k_split_2 = tensor.expand_shape %k_2 [[0], [1], [2, 3]] output_shape [1, 1, 2, 32] : tensor<1x1x64xf32> into tensor<1x1x2x32xf32>
  %k_heads_2 = linnet.einsum "bnhd->bhnd" %k_split_2 : tensor<1x1x2x32xf32> -> tensor<1x2x1x32xf32>
  %w_v_2 = ml_program.global_load_const @"layers.2.v" : tensor<64x128xf32>
  %v_2 = linnet.einsum "bnc,dc->bnd" %h_4, %w_v_2 : tensor<1x1x128xf32>, tensor<64x128xf32> -> tensor<1x1x64xf32>
  %v_split_2 = tensor.expand_shape %v_2 [[0], [1], [2, 3]] output_shape [1, 1, 2, 32] : tensor<1x1x64xf32> into tensor<1x1x2x32xf32>
  %v_heads_2 = linnet.einsum "bnhd->bhnd" %v_split_2 : tensor<1x1x2x32xf32> -> tensor<1x2x1x32xf32>
  %w_decay_2 = ml_program.global_load_const @"layers.2.decay" : tensor<64x128xf32>
  %decay_2 = linnet.einsum "bnc,dc->bnd" %h_4, %w_decay_2 : tensor<1x1x128xf32>, tensor<64x128xf32> -> tensor<1x1x64xf32>
  %w_decay_bias_2 = ml_program.global_load_const @"layers.2.decay_bias" : tensor<64xf32>
  %bias_rows_2 = linnet.broadcast %w_decay_bias_2 : tensor<64xf32> -> tensor<1x1x64xf32>
  %z_2 = arith.addf %decay_2, %bias_rows_2 : tensor<1x1x64xf32>
  %abs_2 = math.absf %z_2 : tensor<1x1x64xf32>
  %minus_abs_2 = arith.negf %abs_2 : tensor<1x1x64xf32>
  %shrunk_2 = math.exp %minus_abs_2 : tensor<1x1x64xf32>
  %zero_4 = arith.constant 0.0 : f32
  %zero_5 = linnet.broadcast %zero_4 : f32 -> tensor<1x1x64xf32>
  %low_2 = arith.minimumf %z_2, %zero_5 : tensor<1x1x64xf32>
  %log1p_2 = math.log1p %shrunk_2 : tensor<1x1x64xf32>
  %log_sigmoid_2 = arith.subf %low_2, %log1p_2 : tensor<1x1x64xf32>
  %sixteenth_4 = arith.constant 0.0625 : f32
  %sixteenth_5 = linnet.broadcast %sixteenth_4 : f32 -> tensor<1x1x64xf32>
  %log_decay_2 = arith.mulf %log_sigmoid_2, %sixteenth_5 : tensor<1x1x64xf32>
  %decay_split_2 = tensor.expand_shape %log_decay_2 [[0], [1], [2, 3]] output_shape [1, 1, 2, 32] : tensor<1x1x64xf32> into tensor<1x1x2x32xf32>
  %decay_heads_2 = linnet.einsum "bnhd->bhnd" %decay_split_2 : tensor<1x1x2x32xf32> -> tensor<1x2x1x32xf32>
  %attended_2, %memory_after_2 = linnet.linear_attention %q_heads_2, %k_heads_2, %v_heads_2 decay(%decay_heads_2 : tensor<1x2x1x32xf32>) state(%memory2 : tensor<1x2x32x32xf32>) scale(0.1767766952966369) : tensor<1x4x1x32xf32>, tensor<1x2x1x32xf32>, tensor<1x2x1x32xf32> -> tensor<1x4x1x32xf32>, tensor<1x2x32x32xf32>
  %w_head_norm_2 = ml_program.global_load_const @"layers.2.head_norm" : tensor<32xf32>
  %attended_normed_2 = linnet.rms_norm %attended_2 scale %w_head_norm_2 eps 1.0e-05 : tensor<1x4x1x32xf32>, tensor<32xf32>
  %mixed_rows_2 = linnet.einsum "bhnd->bnhd" %attended_normed_2 : tensor<1x4x1x32xf32> -> tensor<1x1x4x32xf32>
  %mixed_2 = tensor.collapse_shape %mixed_rows_2 [[0], [1], [2, 3]] : tensor<1x1x4x32xf32> into tensor<1x1x128xf32>
  %w_o_2 = ml_program.global_load_const @"layers.2.o" : tensor<128x128xf32>
  %o_2 = linnet.einsum "bnc,dc->bnd" %mixed_2, %w_o_2 : tensor<1x1x128xf32>, tensor<128x128xf32> -> tensor<1x1x128xf32>
  %x_5 = arith.addf %x_4, %o_2 : tensor<1x1x128xf32>
  %w_mlp_norm_2 = ml_program.global_load_const @"layers.2.mlp_norm" : tensor<128xf32>
  %h_5 = linnet.rms_norm %x_5 scale %w_mlp_norm_2 eps 1.0e-05 : tensor<1x1x128xf32>, tensor<128xf32>
  %w_gate_2 = ml_program.global_load_const @"layers.2.gate" : tensor<240x128xf32>
  %gate_2 = linnet.einsum "bnc,dc->bnd" %h_5, %w_gate_2 : tensor<1x1x128xf32>, tensor<240x128xf32> -> tensor<1x1x240xf32>
  %w_up_2 = ml_program.global_load_const @"layers.2.up" : tensor<240x128xf32>
  %up_2 = linnet.einsum "bnc,dc->bnd" %h_5, %w_up_2 : tensor<1x1x128xf32>, tensor<240x128xf32> -> tensor<1x1x240xf32>
  %one_4 = arith.constant 1.0 : f32
  %one_5 = linnet.broadcast %one_4 : f32 -> tensor<1x1x240xf32>
  %minus_2 = arith.negf %gate_2 : tensor<1x1x240xf32>
  %exp_2 = math.exp %minus_2 : tensor<1x1x240xf32>
  %one_more_2 = arith.addf %one_5, %exp_2 : tensor<1x1x240xf32>
  %silu_2 = arith.divf %gate_2, %one_more_2 : tensor<1x1x240xf32>
  %hidden_2 = arith.mulf %silu_2, %up_2 : tensor<1x1x240xf32>
  %w_down_2 = ml_program.global_load_const @"layers.2.down" : tensor<128x240xf32>
  %down_2 = linnet.einsum "bnc,dc->bnd" %hidden_2, %w_down_2 : tensor<1x1x240xf32>, tensor<128x240xf32> -> tensor<1x1x128xf32>
  %x_6 = arith.addf %x_5, %down_2 : tensor<1x1x128xf32>

  %norm = ml_program.global_load_const @norm : tensor<128xf32>
  %h_6 = linnet.rms_norm %x_6 scale %norm eps 1.0e-05 : tensor<1x1x128xf32>, tensor<128xf32>
  %logits = linnet.einsum "bnc,dc->bnd" %h_6, %embed : tensor<1x1x128xf32>, tensor<256x128xf32> -> tensor<1x1x256xf32>
  return %logits, %memory_after, %memory_after_1, %memory_after_2 : tensor<1x1x256xf32>, tensor<1x2x32x32xf32>, tensor<1x2x32x32xf32>, tensor<1x2x32x32xf32>
}

// Chooses the next byte: the likeliest at temperature 0, else by chance among the
// top_k highest distinct logits (0: among all). The same seed and counter choose the
// same byte; a call uses up 64 counter values.
func.func @sample(
    %logits: tensor<256xf32> {linnet.name = "logits"},
    %temperature: f32 {linnet.name = "temperature"},
    %top_k: i64 {linnet.name = "top_k"},
    %seed: i64 {linnet.name = "seed"},
    %counter: i64 {linnet.name = "counter"}
  ) -> (
    tensor<1x1xi64> {linnet.name = "token"}
  ) {
  %zero = arith.constant 0.0 : f32
  %sharp = arith.cmpf ole, %temperature, %zero : f32
  %token = scf.if %sharp -> (tensor<i64>) {
    %likeliest = linnet.argmax %logits axis 0 : tensor<256xf32> -> tensor<i64>
    scf.yield %likeliest : tensor<i64>
  } else {
    // After k rounds %lowest is the k-th highest logit.
    %from = arith.constant 0 : index
    %step = arith.constant 1 : index
    %none = arith.constant 0 : i64
    %k = arith.maxsi %top_k, %none : i64
    %rounds = arith.index_cast %k : i64 to index
    %inf = arith.constant 0x7F800000 : f32
    %minus_inf = arith.constant 0xFF800000 : f32
    %out = linnet.broadcast %minus_inf : f32 -> tensor<256xf32>
    %above_all = linnet.broadcast %inf : f32 -> tensor<f32>
    %below_all = linnet.broadcast %minus_inf : f32 -> tensor<f32>
    %kth = scf.for %i = %from to %rounds step %step iter_args(%found = %above_all) -> (tensor<f32>) {
      %found_row = linnet.broadcast %found : tensor<f32> -> tensor<256xf32>
      %lower = arith.cmpf olt, %logits, %found_row : tensor<256xf32>
      %left = arith.select %lower, %logits, %out : tensor<256xi1>, tensor<256xf32>
      %next = linnet.reduce max %left axes [0] : tensor<256xf32> -> tensor<f32>
      scf.yield %next : tensor<f32>
    }
    %unlimited = arith.cmpi sle, %top_k, %none : i64
    %lowest = arith.select %unlimited, %below_all, %kth : tensor<f32>
    %lowest_row = linnet.broadcast %lowest : tensor<f32> -> tensor<256xf32>
    %allowed = arith.cmpf oge, %logits, %lowest_row : tensor<256xf32>

    // Gumbel noise: the argmax of logits / temperature - log(-log(u)) is a draw from the softmax.
    %u = linnet.random %seed, %counter : i64, i64 -> tensor<256xf32>
    %log_u = math.log %u : tensor<256xf32>
    %exponential = arith.negf %log_u : tensor<256xf32>
    %log_exponential = math.log %exponential : tensor<256xf32>
    %heat = linnet.broadcast %temperature : f32 -> tensor<256xf32>
    %scaled = arith.divf %logits, %heat : tensor<256xf32>
    %noisy = arith.subf %scaled, %log_exponential : tensor<256xf32>
    %candidates = arith.select %allowed, %noisy, %out : tensor<256xi1>, tensor<256xf32>
    %drawn = linnet.argmax %candidates axis 0 : tensor<256xf32> -> tensor<i64>
    scf.yield %drawn : tensor<i64>
  }
  %result = tensor.expand_shape %token [] output_shape [1, 1] : tensor<i64> into tensor<1x1xi64>
  return %result : tensor<1x1xi64>
}
