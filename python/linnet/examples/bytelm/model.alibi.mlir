// A byte-level language model with ALiBi: a query's score of a key loses 1/2, 1/8, 1/32 or 1/128 per
// byte between them, by head; otherwise as model.softmax.mlir. Queries and keys have length sqrt(32)
// and scores the factor 3/32, so that no score before that loss is above 3: with a contract, windows
// that hold all but a known part of the softmax are certified from this program alone.
//
// Every function reads a whole text: there is no state.
//
// Written by python/linnet/examples/bytelm/emit_alibi.py; the weights are in model.alibi.safetensors.

ml_program.global private @embed(#ml_program.extern<tensor<256x128xf32>>) : tensor<256x128xf32>
ml_program.global private @"layers.0.mixer_norm"(#ml_program.extern<tensor<128xf32>>) : tensor<128xf32>
ml_program.global private @"layers.0.q"(#ml_program.extern<tensor<128x128xf32>>) : tensor<128x128xf32>
ml_program.global private @"layers.0.k"(#ml_program.extern<tensor<64x128xf32>>) : tensor<64x128xf32>
ml_program.global private @"layers.0.v"(#ml_program.extern<tensor<64x128xf32>>) : tensor<64x128xf32>
ml_program.global private @"layers.0.o"(#ml_program.extern<tensor<128x128xf32>>) : tensor<128x128xf32>
ml_program.global private @"layers.0.mlp_norm"(#ml_program.extern<tensor<128xf32>>) : tensor<128xf32>
ml_program.global private @"layers.0.gate"(#ml_program.extern<tensor<240x128xf32>>) : tensor<240x128xf32>
ml_program.global private @"layers.0.up"(#ml_program.extern<tensor<240x128xf32>>) : tensor<240x128xf32>
ml_program.global private @"layers.0.down"(#ml_program.extern<tensor<128x240xf32>>) : tensor<128x240xf32>
ml_program.global private @"layers.1.mixer_norm"(#ml_program.extern<tensor<128xf32>>) : tensor<128xf32>
ml_program.global private @"layers.1.q"(#ml_program.extern<tensor<128x128xf32>>) : tensor<128x128xf32>
ml_program.global private @"layers.1.k"(#ml_program.extern<tensor<64x128xf32>>) : tensor<64x128xf32>
ml_program.global private @"layers.1.v"(#ml_program.extern<tensor<64x128xf32>>) : tensor<64x128xf32>
ml_program.global private @"layers.1.o"(#ml_program.extern<tensor<128x128xf32>>) : tensor<128x128xf32>
ml_program.global private @"layers.1.mlp_norm"(#ml_program.extern<tensor<128xf32>>) : tensor<128xf32>
ml_program.global private @"layers.1.gate"(#ml_program.extern<tensor<240x128xf32>>) : tensor<240x128xf32>
ml_program.global private @"layers.1.up"(#ml_program.extern<tensor<240x128xf32>>) : tensor<240x128xf32>
ml_program.global private @"layers.1.down"(#ml_program.extern<tensor<128x240xf32>>) : tensor<128x240xf32>
ml_program.global private @"layers.2.mixer_norm"(#ml_program.extern<tensor<128xf32>>) : tensor<128xf32>
ml_program.global private @"layers.2.q"(#ml_program.extern<tensor<128x128xf32>>) : tensor<128x128xf32>
ml_program.global private @"layers.2.k"(#ml_program.extern<tensor<64x128xf32>>) : tensor<64x128xf32>
ml_program.global private @"layers.2.v"(#ml_program.extern<tensor<64x128xf32>>) : tensor<64x128xf32>
ml_program.global private @"layers.2.o"(#ml_program.extern<tensor<128x128xf32>>) : tensor<128x128xf32>
ml_program.global private @"layers.2.mlp_norm"(#ml_program.extern<tensor<128xf32>>) : tensor<128xf32>
ml_program.global private @"layers.2.gate"(#ml_program.extern<tensor<240x128xf32>>) : tensor<240x128xf32>
ml_program.global private @"layers.2.up"(#ml_program.extern<tensor<240x128xf32>>) : tensor<240x128xf32>
ml_program.global private @"layers.2.down"(#ml_program.extern<tensor<128x240xf32>>) : tensor<128x240xf32>
ml_program.global private @norm(#ml_program.extern<tensor<128xf32>>) : tensor<128xf32>

// Logits for the byte that follows each one.
func.func @logits(
    %tokens: tensor<1x?xi64> {linnet.name = "tokens", linnet.dims = [1, "N"]}
  ) -> (
    tensor<1x?x256xf32> {linnet.name = "logits"}
  ) attributes {linnet.symbols = {N = {min = 1, max = 65536}}} {
  %axis1 = arith.constant 1 : index
  %n = tensor.dim %tokens, %axis1 : tensor<1x?xi64>
  %slopes = arith.constant dense<[0.5, 0.125, 0.03125, 0.0078125]> : tensor<4xf32>
  %embed = ml_program.global_load_const @embed : tensor<256x128xf32>
  %x = linnet.gather %embed, %tokens axis 0 : tensor<256x128xf32>, tensor<1x?xi64> -> tensor<1x?x128xf32>
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
  %q_long = linnet.rms_norm %q_heads eps 1.0e-06 : tensor<1x4x?x32xf32>
  %k_long = linnet.rms_norm %k_heads eps 1.0e-06 : tensor<1x2x?x32xf32>
  %attended = linnet.attention %q_long, %k_long, %v_heads alibi_slopes(%slopes : tensor<4xf32>) masks<[causal]> scale(0.09375) : tensor<1x4x?x32xf32>, tensor<1x2x?x32xf32>, tensor<1x2x?x32xf32> -> tensor<1x4x?x32xf32>
  %mixed_rows = linnet.einsum "bhnd->bnhd" %attended : tensor<1x4x?x32xf32> -> tensor<1x?x4x32xf32>
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
  %q_long_1 = linnet.rms_norm %q_heads_1 eps 1.0e-06 : tensor<1x4x?x32xf32>
  %k_long_1 = linnet.rms_norm %k_heads_1 eps 1.0e-06 : tensor<1x2x?x32xf32>
  %attended_1 = linnet.attention %q_long_1, %k_long_1, %v_heads_1 alibi_slopes(%slopes : tensor<4xf32>) masks<[causal]> scale(0.09375) : tensor<1x4x?x32xf32>, tensor<1x2x?x32xf32>, tensor<1x2x?x32xf32> -> tensor<1x4x?x32xf32>
  %mixed_rows_1 = linnet.einsum "bhnd->bnhd" %attended_1 : tensor<1x4x?x32xf32> -> tensor<1x?x4x32xf32>
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
  %q_long_2 = linnet.rms_norm %q_heads_2 eps 1.0e-06 : tensor<1x4x?x32xf32>
  %k_long_2 = linnet.rms_norm %k_heads_2 eps 1.0e-06 : tensor<1x2x?x32xf32>
  %attended_2 = linnet.attention %q_long_2, %k_long_2, %v_heads_2 alibi_slopes(%slopes : tensor<4xf32>) masks<[causal]> scale(0.09375) : tensor<1x4x?x32xf32>, tensor<1x2x?x32xf32>, tensor<1x2x?x32xf32> -> tensor<1x4x?x32xf32>
  %mixed_rows_2 = linnet.einsum "bhnd->bnhd" %attended_2 : tensor<1x4x?x32xf32> -> tensor<1x?x4x32xf32>
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
  %embed_1 = ml_program.global_load_const @embed : tensor<256x128xf32>
  %logits = linnet.einsum "bnc,dc->bnd" %h_6, %embed_1 : tensor<1x?x128xf32>, tensor<256x128xf32> -> tensor<1x?x256xf32>
  return %logits : tensor<1x?x256xf32>
}

// What attention reads and gives in every layer, to measure its error.
func.func @attention(
    %tokens: tensor<1x?xi64> {linnet.name = "tokens", linnet.dims = [1, "N"]}
  ) -> (
    tensor<1x4x?x32xf32> {linnet.name = "q0"},
    tensor<1x2x?x32xf32> {linnet.name = "k0"},
    tensor<1x2x?x32xf32> {linnet.name = "v0"},
    tensor<1x4x?x32xf32> {linnet.name = "o0"},
    tensor<1x4x?x32xf32> {linnet.name = "q1"},
    tensor<1x2x?x32xf32> {linnet.name = "k1"},
    tensor<1x2x?x32xf32> {linnet.name = "v1"},
    tensor<1x4x?x32xf32> {linnet.name = "o1"},
    tensor<1x4x?x32xf32> {linnet.name = "q2"},
    tensor<1x2x?x32xf32> {linnet.name = "k2"},
    tensor<1x2x?x32xf32> {linnet.name = "v2"},
    tensor<1x4x?x32xf32> {linnet.name = "o2"}
  ) attributes {linnet.symbols = {N = {min = 1, max = 65536}}} {
  %axis1 = arith.constant 1 : index
  %n = tensor.dim %tokens, %axis1 : tensor<1x?xi64>
  %slopes = arith.constant dense<[0.5, 0.125, 0.03125, 0.0078125]> : tensor<4xf32>
  %embed = ml_program.global_load_const @embed : tensor<256x128xf32>
  %x = linnet.gather %embed, %tokens axis 0 : tensor<256x128xf32>, tensor<1x?xi64> -> tensor<1x?x128xf32>
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
  %q_long = linnet.rms_norm %q_heads eps 1.0e-06 : tensor<1x4x?x32xf32>
  %k_long = linnet.rms_norm %k_heads eps 1.0e-06 : tensor<1x2x?x32xf32>
  %attended = linnet.attention %q_long, %k_long, %v_heads alibi_slopes(%slopes : tensor<4xf32>) masks<[causal]> scale(0.09375) : tensor<1x4x?x32xf32>, tensor<1x2x?x32xf32>, tensor<1x2x?x32xf32> -> tensor<1x4x?x32xf32>
  %mixed_rows = linnet.einsum "bhnd->bnhd" %attended : tensor<1x4x?x32xf32> -> tensor<1x?x4x32xf32>
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
  %q_long_1 = linnet.rms_norm %q_heads_1 eps 1.0e-06 : tensor<1x4x?x32xf32>
  %k_long_1 = linnet.rms_norm %k_heads_1 eps 1.0e-06 : tensor<1x2x?x32xf32>
  %attended_1 = linnet.attention %q_long_1, %k_long_1, %v_heads_1 alibi_slopes(%slopes : tensor<4xf32>) masks<[causal]> scale(0.09375) : tensor<1x4x?x32xf32>, tensor<1x2x?x32xf32>, tensor<1x2x?x32xf32> -> tensor<1x4x?x32xf32>
  %mixed_rows_1 = linnet.einsum "bhnd->bnhd" %attended_1 : tensor<1x4x?x32xf32> -> tensor<1x?x4x32xf32>
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
  %q_long_2 = linnet.rms_norm %q_heads_2 eps 1.0e-06 : tensor<1x4x?x32xf32>
  %k_long_2 = linnet.rms_norm %k_heads_2 eps 1.0e-06 : tensor<1x2x?x32xf32>
  %attended_2 = linnet.attention %q_long_2, %k_long_2, %v_heads_2 alibi_slopes(%slopes : tensor<4xf32>) masks<[causal]> scale(0.09375) : tensor<1x4x?x32xf32>, tensor<1x2x?x32xf32>, tensor<1x2x?x32xf32> -> tensor<1x4x?x32xf32>
  %mixed_rows_2 = linnet.einsum "bhnd->bnhd" %attended_2 : tensor<1x4x?x32xf32> -> tensor<1x?x4x32xf32>
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
  return %q_long, %k_long, %v_heads, %attended, %q_long_1, %k_long_1, %v_heads_1, %attended_1, %q_long_2, %k_long_2, %v_heads_2, %attended_2 : tensor<1x4x?x32xf32>, tensor<1x2x?x32xf32>, tensor<1x2x?x32xf32>, tensor<1x4x?x32xf32>, tensor<1x4x?x32xf32>, tensor<1x2x?x32xf32>, tensor<1x2x?x32xf32>, tensor<1x4x?x32xf32>, tensor<1x4x?x32xf32>, tensor<1x2x?x32xf32>, tensor<1x2x?x32xf32>, tensor<1x4x?x32xf32>
}
