// A byte-level language model with softmax attention: RMS norm, rotary positions, four query
// heads on two key heads, a gated feed-forward layer; three layers of width 128.
//
// State, donated: "position", how many bytes have been read, and per layer the keys and values
// of all of them in caches of capacity C. prefill appends N bytes, decode one; both update the
// caches in place and give logits for the byte that follows each one read.
//
// Written by python/linnet/examples/bytelm/emit.py; the weights are in
// model.softmax.safetensors.

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

// Reads N bytes.
func.func @prefill(
    %tokens: tensor<1x?xi64> {linnet.name = "tokens", linnet.dims = [1, "N"]},
    %position: tensor<i64> {linnet.state = "position"},
    %cache_k0: tensor<1x2x?x32xf32> {linnet.state = "kv.0.k", linnet.dims = [1, 2, "C", 32]},
    %cache_v0: tensor<1x2x?x32xf32> {linnet.state = "kv.0.v", linnet.dims = [1, 2, "C", 32]},
    %cache_k1: tensor<1x2x?x32xf32> {linnet.state = "kv.1.k", linnet.dims = [1, 2, "C", 32]},
    %cache_v1: tensor<1x2x?x32xf32> {linnet.state = "kv.1.v", linnet.dims = [1, 2, "C", 32]},
    %cache_k2: tensor<1x2x?x32xf32> {linnet.state = "kv.2.k", linnet.dims = [1, 2, "C", 32]},
    %cache_v2: tensor<1x2x?x32xf32> {linnet.state = "kv.2.v", linnet.dims = [1, 2, "C", 32]}
  ) -> (
    tensor<1x?x256xf32> {linnet.name = "logits"},
    tensor<i64> {linnet.state = "position"},
    tensor<1x2x?x32xf32> {linnet.state = "kv.0.k"},
    tensor<1x2x?x32xf32> {linnet.state = "kv.0.v"},
    tensor<1x2x?x32xf32> {linnet.state = "kv.1.k"},
    tensor<1x2x?x32xf32> {linnet.state = "kv.1.v"},
    tensor<1x2x?x32xf32> {linnet.state = "kv.2.k"},
    tensor<1x2x?x32xf32> {linnet.state = "kv.2.v"}
  ) attributes {linnet.symbols = {N = {min = 1, max = 4096}, C = {min = 1, max = 65536}}} {
  %axis1 = arith.constant 1 : index
  %n = tensor.dim %tokens, %axis1 : tensor<1x?xi64>
  %start = tensor.extract %position[] : tensor<i64>
  %first = arith.index_cast %start : i64 to index
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
  %q_turned = linnet.rotary %q_heads base(10000.0) offset(%position : tensor<i64>) : tensor<1x4x?x32xf32>
  %k_turned = linnet.rotary %k_heads base(10000.0) offset(%position : tensor<i64>) : tensor<1x2x?x32xf32>
  %keys = tensor.insert_slice %k_turned into %cache_k0[0, 0, %first, 0] [1, 2, %n, 32] [1, 1, 1, 1] : tensor<1x2x?x32xf32> into tensor<1x2x?x32xf32>
  %values = tensor.insert_slice %v_heads into %cache_v0[0, 0, %first, 0] [1, 2, %n, 32] [1, 1, 1, 1] : tensor<1x2x?x32xf32> into tensor<1x2x?x32xf32>
  %attended = linnet.attention %q_turned, %keys, %values q_offset(%position : tensor<i64>) masks<[causal]> : tensor<1x4x?x32xf32>, tensor<1x2x?x32xf32>, tensor<1x2x?x32xf32> -> tensor<1x4x?x32xf32>
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
  %q_turned_1 = linnet.rotary %q_heads_1 base(10000.0) offset(%position : tensor<i64>) : tensor<1x4x?x32xf32>
  %k_turned_1 = linnet.rotary %k_heads_1 base(10000.0) offset(%position : tensor<i64>) : tensor<1x2x?x32xf32>
  %keys_1 = tensor.insert_slice %k_turned_1 into %cache_k1[0, 0, %first, 0] [1, 2, %n, 32] [1, 1, 1, 1] : tensor<1x2x?x32xf32> into tensor<1x2x?x32xf32>
  %values_1 = tensor.insert_slice %v_heads_1 into %cache_v1[0, 0, %first, 0] [1, 2, %n, 32] [1, 1, 1, 1] : tensor<1x2x?x32xf32> into tensor<1x2x?x32xf32>
  %attended_1 = linnet.attention %q_turned_1, %keys_1, %values_1 q_offset(%position : tensor<i64>) masks<[causal]> : tensor<1x4x?x32xf32>, tensor<1x2x?x32xf32>, tensor<1x2x?x32xf32> -> tensor<1x4x?x32xf32>
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
  %q_turned_2 = linnet.rotary %q_heads_2 base(10000.0) offset(%position : tensor<i64>) : tensor<1x4x?x32xf32>
  %k_turned_2 = linnet.rotary %k_heads_2 base(10000.0) offset(%position : tensor<i64>) : tensor<1x2x?x32xf32>
  %keys_2 = tensor.insert_slice %k_turned_2 into %cache_k2[0, 0, %first, 0] [1, 2, %n, 32] [1, 1, 1, 1] : tensor<1x2x?x32xf32> into tensor<1x2x?x32xf32>
  %values_2 = tensor.insert_slice %v_heads_2 into %cache_v2[0, 0, %first, 0] [1, 2, %n, 32] [1, 1, 1, 1] : tensor<1x2x?x32xf32> into tensor<1x2x?x32xf32>
  %attended_2 = linnet.attention %q_turned_2, %keys_2, %values_2 q_offset(%position : tensor<i64>) masks<[causal]> : tensor<1x4x?x32xf32>, tensor<1x2x?x32xf32>, tensor<1x2x?x32xf32> -> tensor<1x4x?x32xf32>
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
  %logits = linnet.einsum "bnc,dc->bnd" %h_6, %embed : tensor<1x?x128xf32>, tensor<256x128xf32> -> tensor<1x?x256xf32>
  %count = arith.index_cast %n : index to i64
  %read = linnet.broadcast %count : i64 -> tensor<i64>
  %end = arith.addi %position, %read : tensor<i64>
  return %logits, %end, %keys, %values, %keys_1, %values_1, %keys_2, %values_2 : tensor<1x?x256xf32>, tensor<i64>, tensor<1x2x?x32xf32>, tensor<1x2x?x32xf32>, tensor<1x2x?x32xf32>, tensor<1x2x?x32xf32>, tensor<1x2x?x32xf32>, tensor<1x2x?x32xf32>
}

// Reads one byte.
func.func @decode(
    %tokens: tensor<1x1xi64> {linnet.name = "tokens"},
    %position: tensor<i64> {linnet.state = "position"},
    %cache_k0: tensor<1x2x?x32xf32> {linnet.state = "kv.0.k", linnet.dims = [1, 2, "C", 32]},
    %cache_v0: tensor<1x2x?x32xf32> {linnet.state = "kv.0.v", linnet.dims = [1, 2, "C", 32]},
    %cache_k1: tensor<1x2x?x32xf32> {linnet.state = "kv.1.k", linnet.dims = [1, 2, "C", 32]},
    %cache_v1: tensor<1x2x?x32xf32> {linnet.state = "kv.1.v", linnet.dims = [1, 2, "C", 32]},
    %cache_k2: tensor<1x2x?x32xf32> {linnet.state = "kv.2.k", linnet.dims = [1, 2, "C", 32]},
    %cache_v2: tensor<1x2x?x32xf32> {linnet.state = "kv.2.v", linnet.dims = [1, 2, "C", 32]}
  ) -> (
    tensor<1x1x256xf32> {linnet.name = "logits"},
    tensor<i64> {linnet.state = "position"},
    tensor<1x2x?x32xf32> {linnet.state = "kv.0.k"},
    tensor<1x2x?x32xf32> {linnet.state = "kv.0.v"},
    tensor<1x2x?x32xf32> {linnet.state = "kv.1.k"},
    tensor<1x2x?x32xf32> {linnet.state = "kv.1.v"},
    tensor<1x2x?x32xf32> {linnet.state = "kv.2.k"},
    tensor<1x2x?x32xf32> {linnet.state = "kv.2.v"}
  ) attributes {linnet.symbols = {C = {min = 1, max = 65536}}} {
  %start = tensor.extract %position[] : tensor<i64>
  %first = arith.index_cast %start : i64 to index
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
  %q_turned = linnet.rotary %q_heads base(10000.0) offset(%position : tensor<i64>) : tensor<1x4x1x32xf32>
  %k_turned = linnet.rotary %k_heads base(10000.0) offset(%position : tensor<i64>) : tensor<1x2x1x32xf32>
  %keys = tensor.insert_slice %k_turned into %cache_k0[0, 0, %first, 0] [1, 2, 1, 32] [1, 1, 1, 1] : tensor<1x2x1x32xf32> into tensor<1x2x?x32xf32>
  %values = tensor.insert_slice %v_heads into %cache_v0[0, 0, %first, 0] [1, 2, 1, 32] [1, 1, 1, 1] : tensor<1x2x1x32xf32> into tensor<1x2x?x32xf32>
  %attended = linnet.attention %q_turned, %keys, %values q_offset(%position : tensor<i64>) masks<[causal]> : tensor<1x4x1x32xf32>, tensor<1x2x?x32xf32>, tensor<1x2x?x32xf32> -> tensor<1x4x1x32xf32>
  %mixed_rows = linnet.einsum "bhnd->bnhd" %attended : tensor<1x4x1x32xf32> -> tensor<1x1x4x32xf32>
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
  %q_turned_1 = linnet.rotary %q_heads_1 base(10000.0) offset(%position : tensor<i64>) : tensor<1x4x1x32xf32>
  %k_turned_1 = linnet.rotary %k_heads_1 base(10000.0) offset(%position : tensor<i64>) : tensor<1x2x1x32xf32>
  %keys_1 = tensor.insert_slice %k_turned_1 into %cache_k1[0, 0, %first, 0] [1, 2, 1, 32] [1, 1, 1, 1] : tensor<1x2x1x32xf32> into tensor<1x2x?x32xf32>
  %values_1 = tensor.insert_slice %v_heads_1 into %cache_v1[0, 0, %first, 0] [1, 2, 1, 32] [1, 1, 1, 1] : tensor<1x2x1x32xf32> into tensor<1x2x?x32xf32>
  %attended_1 = linnet.attention %q_turned_1, %keys_1, %values_1 q_offset(%position : tensor<i64>) masks<[causal]> : tensor<1x4x1x32xf32>, tensor<1x2x?x32xf32>, tensor<1x2x?x32xf32> -> tensor<1x4x1x32xf32>
  %mixed_rows_1 = linnet.einsum "bhnd->bnhd" %attended_1 : tensor<1x4x1x32xf32> -> tensor<1x1x4x32xf32>
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
  %q_turned_2 = linnet.rotary %q_heads_2 base(10000.0) offset(%position : tensor<i64>) : tensor<1x4x1x32xf32>
  %k_turned_2 = linnet.rotary %k_heads_2 base(10000.0) offset(%position : tensor<i64>) : tensor<1x2x1x32xf32>
  %keys_2 = tensor.insert_slice %k_turned_2 into %cache_k2[0, 0, %first, 0] [1, 2, 1, 32] [1, 1, 1, 1] : tensor<1x2x1x32xf32> into tensor<1x2x?x32xf32>
  %values_2 = tensor.insert_slice %v_heads_2 into %cache_v2[0, 0, %first, 0] [1, 2, 1, 32] [1, 1, 1, 1] : tensor<1x2x1x32xf32> into tensor<1x2x?x32xf32>
  %attended_2 = linnet.attention %q_turned_2, %keys_2, %values_2 q_offset(%position : tensor<i64>) masks<[causal]> : tensor<1x4x1x32xf32>, tensor<1x2x?x32xf32>, tensor<1x2x?x32xf32> -> tensor<1x4x1x32xf32>
  %mixed_rows_2 = linnet.einsum "bhnd->bnhd" %attended_2 : tensor<1x4x1x32xf32> -> tensor<1x1x4x32xf32>
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
  %count = arith.constant 1 : i64
  %read = linnet.broadcast %count : i64 -> tensor<i64>
  %end = arith.addi %position, %read : tensor<i64>
  return %logits, %end, %keys, %values, %keys_1, %values_1, %keys_2, %values_2 : tensor<1x1x256xf32>, tensor<i64>, tensor<1x2x?x32xf32>, tensor<1x2x?x32xf32>, tensor<1x2x?x32xf32>, tensor<1x2x?x32xf32>, tensor<1x2x?x32xf32>, tensor<1x2x?x32xf32>
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
