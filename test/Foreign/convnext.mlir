module {
  ml_program.global private @w0(#ml_program.extern<tensor<12x3x4x4xf32>>) : tensor<12x3x4x4xf32>
  ml_program.global private @w1(#ml_program.extern<tensor<20x12x2x2xf32>>) : tensor<20x12x2x2xf32>
  ml_program.global private @w2(#ml_program.extern<tensor<80xf32>>) : tensor<80xf32>
  ml_program.global private @w3(#ml_program.extern<tensor<7x20xf32>>) : tensor<7x20xf32>
  ml_program.global private @w4(#ml_program.extern<tensor<12x48xf32>>) : tensor<12x48xf32>
  ml_program.global private @w5(#ml_program.extern<tensor<48x12xf32>>) : tensor<48x12xf32>
  ml_program.global private @w6(#ml_program.extern<tensor<20x80xf32>>) : tensor<20x80xf32>
  ml_program.global private @w7(#ml_program.extern<tensor<80x20xf32>>) : tensor<80x20xf32>
  ml_program.global private @w8(#ml_program.extern<tensor<12x7x7xf32>>) : tensor<12x7x7xf32>
  ml_program.global private @w9(#ml_program.extern<tensor<20x7x7xf32>>) : tensor<20x7x7xf32>
  func.func @main(%arg0: tensor<2x3x40x40xf32>) -> (tensor<2x7xf32>) {
    %cst = arith.constant 0.000000e+00 : f32
    %cst_0 = arith.constant 1.41421354 : f32
    %cst_1 = arith.constant 1.000000e+00 : f32
    %cst_2 = arith.constant 5.000000e-01 : f32
    %cst_3 = ml_program.global_load_const @w0 : tensor<12x3x4x4xf32>
    %cst_4 = arith.constant dense<[-0.0484425463, -0.133854315, 0.0591680743, 0.140508488, -0.0410904847, -0.119514905, -0.130922779, 0.0361709036, -0.0109291989, -0.0728886276, 0.0291752219, 0.054813467]> : tensor<12xf32>
    %cst_5 = arith.constant dense<[1.08000267, 0.730684161, 1.25793779, 0.988561213, 1.08686292, 0.930158615, 1.39840293, 0.585500777, 1.21731138, 1.48658872, 0.802479922, 1.12862563]> : tensor<12xf32>
    %cst_6 = arith.constant dense<[-0.246873558, -0.241462827, -0.272895753, 0.247146487, 0.322482407, -0.0660891533, -0.0608136653, -0.360891044, 0.269923389, 0.227468848, -0.0226082206, -0.314180791]> : tensor<12xf32>
    %cst_7 = arith.constant dense<5.000000e-01> : tensor<12xf32>
    %cst_8 = arith.constant dense<[0.0388874188, 0.0042868685, -0.0343893766, -0.0866214558, -0.0256332345, -0.0575076193, 0.115418404, -0.139058515, -0.0911227166, -0.116227172, -0.0261081122, 0.111324772]> : tensor<12xf32>
    %cst_9 = arith.constant dense<[1.25083864, 0.673525154, 1.32564139, 0.602278113, 1.17551351, 0.661881864, 1.05875349, 1.48339832, 1.3515234, 6.264910e-01, 0.880818188, 1.08296883]> : tensor<12xf32>
    %cst_10 = arith.constant dense<[-0.16686058, -0.0920703411, 0.377799749, -0.37412858, -0.391930521, -0.410497367, -0.00909769535, -0.0855262875, 0.129917145, -0.273835838, -0.258311212, -0.227386594]> : tensor<12xf32>
    %cst_11 = arith.constant dense<[0.227251932, -0.141721055, -0.0173582081, 0.275698841, 0.0988040491, -0.146935314, -0.173321441, -0.101230904, -0.0903983861, 0.125685364, -0.0641796514, 0.243466169, -0.158390731, -0.0902697891, 0.10510093, 0.230551735, 0.276144624, 0.0462047346, 0.0121679725, -0.1293367, 0.163106874, -0.16733028, -0.0758770332, -0.241273731, -0.277515858, 0.161355495, 0.019611761, 0.230124503, 0.229707703, 0.151483208, 0.11552614, -0.0749161914, 0.153318748, 0.138814554, 0.0999329984, -0.00833315216, 0.0431193225, 0.00128080836, -0.209498912, 0.0670126528, -0.21221818, 0.140065566, -0.171995401, -0.0942958742, -0.136905104, 0.227854505, -0.203290403, 0.147401467]> : tensor<48xf32>
    %cst_12 = arith.constant dense<[-0.0713492781, 0.0536138378, -0.00711568072, -0.0693903789, -0.125900969, 0.0917351693, -0.0290203467, -0.141816422, 0.13925463, 7.023850e-02, -0.0863339304, -0.105342075]> : tensor<12xf32>
    %cst_13 = arith.constant dense<[1.19229603, 1.48289227, 0.568012774, 1.27503133, 1.33005404, 0.647541165, 0.708168089, 1.38831329, 0.805471837, 1.2688421, 1.03945279, 0.554145694]> : tensor<12xf32>
    %cst_14 = arith.constant dense<[0.269367814, 0.0545032024, -0.304328382, 0.0876238346, -0.189297855, -0.283672869, -0.155359805, -0.408931792, -0.464562416, -0.0104784966, -3.261190e-01, 0.170098305]> : tensor<12xf32>
    %cst_15 = ml_program.global_load_const @w1 : tensor<20x12x2x2xf32>
    %cst_16 = arith.constant dense<[-0.0887536182, -0.114691973, -0.118066162, -0.090734519, -0.0610876493, 0.0214849338, -0.0315720029, -0.0821678936, 0.00121251633, -0.0455813296, 0.088974066, -0.118877202, -0.0532762483, -0.0927560776, 0.0178099442, 0.00787444785, -0.00830316171, 0.143211186, -0.055062443, -0.0207455233]> : tensor<20xf32>
    %cst_17 = arith.constant dense<5.000000e-01> : tensor<20xf32>
    %cst_18 = arith.constant dense<[-0.0265354272, -0.0890216678, 0.120973572, 0.0277300403, 0.110648945, -0.0325298496, -0.0198678803, 0.036035046, -0.0424770825, -0.0486961268, -0.140139371, 0.107620977, 0.129289865, -0.141446054, -0.0472654961, -0.108055428, -0.0579893626, 0.108758673, 0.0764172822, -0.0110845743]> : tensor<20xf32>
    %cst_19 = arith.constant dense<[1.33827412, 0.942675411, 0.577325702, 0.542717457, 1.26270509, 1.03278697, 0.56522727, 0.781247854, 1.15626085, 1.04062033, 1.24053216, 1.47069383, 0.82059431, 0.847356558, 0.504940748, 1.45791841, 0.957036614, 0.855263948, 0.954679667, 0.783399045]> : tensor<20xf32>
    %cst_20 = arith.constant dense<[0.0518339276, 0.371204495, 0.174542069, 0.123893976, -0.229484737, 0.276991904, 0.497526348, -0.426862538, -0.283169568, 0.485856175, 0.386429906, 0.130601525, 0.45741266, -0.0103420019, 0.118132234, 0.238451064, 0.466928899, -0.375437558, 0.223805606, 0.203460932]> : tensor<20xf32>
    %cst_21 = ml_program.global_load_const @w2 : tensor<80xf32>
    %cst_22 = arith.constant dense<[0.0771538392, -0.0113802627, -0.0132174343, 0.104863077, 0.0201266315, -0.101144128, -0.107170716, -0.10458266, -0.0825064331, 0.040413104, 0.0464367904, 0.0579345115, -0.102877326, 0.0671841353, 0.0991140827, 0.0438845456, -0.044078052, -0.0969521477, 0.110536464, 0.0109687466]> : tensor<20xf32>
    %cst_23 = arith.constant dense<[0.790947794, 0.786694228, 1.19077134, 0.702214539, 1.26971459, 1.32763529, 1.24546134, 0.72558248, 1.4705857, 1.19051397, 0.509312272, 0.517525733, 1.17725253, 1.23066473, 1.43372738, 1.38700616, 1.31047416, 0.849557042, 0.96607685, 0.686835706]> : tensor<20xf32>
    %cst_24 = arith.constant dense<[0.0166654587, 0.105610013, 0.228077412, 0.10304004, 0.0907346606, 4.2027235E-4, -0.391919553, -0.217921317, -0.116017163, 0.133660555, 0.0193550587, -0.281305909, -0.232545555, -0.123514593, 0.426380575, 0.333539486, -0.429696321, -0.270978272, 0.186127603, -1.722880e-01]> : tensor<20xf32>
    %cst_25 = ml_program.global_load_const @w3 : tensor<7x20xf32>
    %cst_26 = arith.constant dense<[-0.158681288, -0.00385192642, -0.0834313854, 0.221048385, -0.066804111, 0.0778172835, 0.0429317653]> : tensor<7xf32>
    %cst_27 = ml_program.global_load_const @w4 : tensor<12x48xf32>
    %cst_28 = ml_program.global_load_const @w5 : tensor<48x12xf32>
    %cst_29 = ml_program.global_load_const @w6 : tensor<20x80xf32>
    %cst_30 = ml_program.global_load_const @w7 : tensor<80x20xf32>
    %cst_31 = arith.constant 1.200000e+01 : f32
    %cst_32 = arith.constant 9.99999997E-7 : f32
    %cst_33 = ml_program.global_load_const @w8 : tensor<12x7x7xf32>
    %cst_34 = ml_program.global_load_const @w9 : tensor<20x7x7xf32>
    %cst_35 = arith.constant 2.000000e+01 : f32
    %cst_36 = arith.constant 2.500000e+01 : f32
    %1 = tensor.empty() : tensor<2x12x10x10xf32>
    %broadcasted = linalg.broadcast ins(%cst_4 : tensor<12xf32>) outs(%1 : tensor<2x12x10x10xf32>) dimensions = [0, 2, 3] 
    %2 = linalg.conv_2d_nchw_fchw {dilations = dense<1> : vector<2xi64>, strides = dense<4> : vector<2xi64>} ins(%arg0, %cst_3 : tensor<2x3x40x40xf32>, tensor<12x3x4x4xf32>) outs(%broadcasted : tensor<2x12x10x10xf32>) -> tensor<2x12x10x10xf32>
    %3 = tensor.empty() : tensor<2x10x10x12xf32>
    %transposed = linalg.transpose ins(%2 : tensor<2x12x10x10xf32>) outs(%3 : tensor<2x10x10x12xf32>) permutation = [0, 2, 3, 1] 
    %4 = tensor.empty() : tensor<2x10x10x1xf32>
    %5 = linalg.fill ins(%cst : f32) outs(%4 : tensor<2x10x10x1xf32>) -> tensor<2x10x10x1xf32>
    %6 = linalg.generic {indexing_maps = [affine_map<(d0, d1, d2, d3) -> (d0, d1, d2, d3)>, affine_map<(d0, d1, d2, d3) -> (d0, d1, d2, 0)>], iterator_types = ["parallel", "parallel", "parallel", "reduction"]} ins(%transposed : tensor<2x10x10x12xf32>) outs(%5 : tensor<2x10x10x1xf32>) {
    ^bb0(%in: f32, %out: f32):
      %123 = arith.addf %in, %out : f32
      linalg.yield %123 : f32
    } -> tensor<2x10x10x1xf32>
    %7 = linalg.generic {indexing_maps = [affine_map<(d0, d1, d2, d3) -> (d0, d1, d2, d3)>, affine_map<(d0, d1, d2, d3) -> (d0, d1, d2, d3)>], iterator_types = ["parallel", "parallel", "parallel", "parallel"]} ins(%6 : tensor<2x10x10x1xf32>) outs(%4 : tensor<2x10x10x1xf32>) {
    ^bb0(%in: f32, %out: f32):
      %123 = arith.divf %in, %cst_31 : f32
      linalg.yield %123 : f32
    } -> tensor<2x10x10x1xf32>
    %collapsed = tensor.collapse_shape %7 [[0], [1], [2, 3]] : tensor<2x10x10x1xf32> into tensor<2x10x10xf32>
    %8 = linalg.generic {indexing_maps = [affine_map<(d0, d1, d2, d3) -> (d0, d1, d2)>, affine_map<(d0, d1, d2, d3) -> (d0, d1, d2, d3)>], iterator_types = ["parallel", "parallel", "parallel", "parallel"]} ins(%collapsed : tensor<2x10x10xf32>) outs(%3 : tensor<2x10x10x12xf32>) {
    ^bb0(%in: f32, %out: f32):
      linalg.yield %in : f32
    } -> tensor<2x10x10x12xf32>
    %9 = linalg.generic {indexing_maps = [affine_map<(d0, d1, d2, d3) -> (d0, d1, d2, d3)>, affine_map<(d0, d1, d2, d3) -> (d0, d1, d2, d3)>, affine_map<(d0, d1, d2, d3) -> (d0, d1, d2, d3)>], iterator_types = ["parallel", "parallel", "parallel", "parallel"]} ins(%transposed, %8 : tensor<2x10x10x12xf32>, tensor<2x10x10x12xf32>) outs(%3 : tensor<2x10x10x12xf32>) {
    ^bb0(%in: f32, %in_69: f32, %out: f32):
      %123 = arith.subf %in, %in_69 : f32
      linalg.yield %123 : f32
    } -> tensor<2x10x10x12xf32>
    %10 = linalg.generic {indexing_maps = [affine_map<(d0, d1, d2, d3) -> (d0, d1, d2, d3)>, affine_map<(d0, d1, d2, d3) -> (d0, d1, d2, d3)>, affine_map<(d0, d1, d2, d3) -> (d0, d1, d2, d3)>], iterator_types = ["parallel", "parallel", "parallel", "parallel"]} ins(%9, %9 : tensor<2x10x10x12xf32>, tensor<2x10x10x12xf32>) outs(%3 : tensor<2x10x10x12xf32>) {
    ^bb0(%in: f32, %in_69: f32, %out: f32):
      %123 = arith.mulf %in, %in_69 : f32
      linalg.yield %123 : f32
    } -> tensor<2x10x10x12xf32>
    %11 = linalg.generic {indexing_maps = [affine_map<(d0, d1, d2, d3) -> (d0, d1, d2, d3)>, affine_map<(d0, d1, d2, d3) -> (d0, d1, d2, 0)>], iterator_types = ["parallel", "parallel", "parallel", "reduction"]} ins(%10 : tensor<2x10x10x12xf32>) outs(%5 : tensor<2x10x10x1xf32>) {
    ^bb0(%in: f32, %out: f32):
      %123 = arith.addf %in, %out : f32
      linalg.yield %123 : f32
    } -> tensor<2x10x10x1xf32>
    %12 = linalg.generic {indexing_maps = [affine_map<(d0, d1, d2, d3) -> (d0, d1, d2, d3)>, affine_map<(d0, d1, d2, d3) -> (d0, d1, d2, d3)>], iterator_types = ["parallel", "parallel", "parallel", "parallel"]} ins(%11 : tensor<2x10x10x1xf32>) outs(%4 : tensor<2x10x10x1xf32>) {
    ^bb0(%in: f32, %out: f32):
      %123 = arith.divf %in, %cst_31 : f32
      linalg.yield %123 : f32
    } -> tensor<2x10x10x1xf32>
    %13 = linalg.generic {indexing_maps = [affine_map<(d0, d1, d2, d3) -> (d0, d1, d2, d3)>, affine_map<(d0, d1, d2, d3) -> (d0, d1, d2, d3)>], iterator_types = ["parallel", "parallel", "parallel", "parallel"]} ins(%12 : tensor<2x10x10x1xf32>) outs(%4 : tensor<2x10x10x1xf32>) {
    ^bb0(%in: f32, %out: f32):
      %123 = arith.addf %in, %cst_32 : f32
      linalg.yield %123 : f32
    } -> tensor<2x10x10x1xf32>
    %14 = linalg.generic {indexing_maps = [affine_map<(d0, d1, d2, d3) -> (d0, d1, d2, d3)>, affine_map<(d0, d1, d2, d3) -> (d0, d1, d2, d3)>], iterator_types = ["parallel", "parallel", "parallel", "parallel"]} ins(%13 : tensor<2x10x10x1xf32>) outs(%4 : tensor<2x10x10x1xf32>) {
    ^bb0(%in: f32, %out: f32):
      %123 = math.rsqrt %in : f32
      linalg.yield %123 : f32
    } -> tensor<2x10x10x1xf32>
    %collapsed_37 = tensor.collapse_shape %14 [[0], [1], [2, 3]] : tensor<2x10x10x1xf32> into tensor<2x10x10xf32>
    %15 = linalg.generic {indexing_maps = [affine_map<(d0, d1, d2, d3) -> (d0, d1, d2)>, affine_map<(d0, d1, d2, d3) -> (d0, d1, d2, d3)>], iterator_types = ["parallel", "parallel", "parallel", "parallel"]} ins(%collapsed_37 : tensor<2x10x10xf32>) outs(%3 : tensor<2x10x10x12xf32>) {
    ^bb0(%in: f32, %out: f32):
      linalg.yield %in : f32
    } -> tensor<2x10x10x12xf32>
    %16 = linalg.generic {indexing_maps = [affine_map<(d0, d1, d2, d3) -> (d0, d1, d2, d3)>, affine_map<(d0, d1, d2, d3) -> (d0, d1, d2, d3)>, affine_map<(d0, d1, d2, d3) -> (d0, d1, d2, d3)>], iterator_types = ["parallel", "parallel", "parallel", "parallel"]} ins(%9, %15 : tensor<2x10x10x12xf32>, tensor<2x10x10x12xf32>) outs(%3 : tensor<2x10x10x12xf32>) {
    ^bb0(%in: f32, %in_69: f32, %out: f32):
      %123 = arith.mulf %in, %in_69 : f32
      linalg.yield %123 : f32
    } -> tensor<2x10x10x12xf32>
    %17 = linalg.generic {indexing_maps = [affine_map<(d0, d1, d2, d3) -> (d0, d1, d2, d3)>, affine_map<(d0, d1, d2, d3) -> (d3)>, affine_map<(d0, d1, d2, d3) -> (d0, d1, d2, d3)>], iterator_types = ["parallel", "parallel", "parallel", "parallel"]} ins(%16, %cst_5 : tensor<2x10x10x12xf32>, tensor<12xf32>) outs(%3 : tensor<2x10x10x12xf32>) {
    ^bb0(%in: f32, %in_69: f32, %out: f32):
      %123 = arith.mulf %in, %in_69 : f32
      linalg.yield %123 : f32
    } -> tensor<2x10x10x12xf32>
    %18 = linalg.generic {indexing_maps = [affine_map<(d0, d1, d2, d3) -> (d0, d1, d2, d3)>, affine_map<(d0, d1, d2, d3) -> (d3)>, affine_map<(d0, d1, d2, d3) -> (d0, d1, d2, d3)>], iterator_types = ["parallel", "parallel", "parallel", "parallel"]} ins(%17, %cst_6 : tensor<2x10x10x12xf32>, tensor<12xf32>) outs(%3 : tensor<2x10x10x12xf32>) {
    ^bb0(%in: f32, %in_69: f32, %out: f32):
      %123 = arith.addf %in, %in_69 : f32
      linalg.yield %123 : f32
    } -> tensor<2x10x10x12xf32>
    %transposed_38 = linalg.transpose ins(%18 : tensor<2x10x10x12xf32>) outs(%1 : tensor<2x12x10x10xf32>) permutation = [0, 3, 1, 2] 
    %padded = tensor.pad %transposed_38 low[0, 0, 3, 3] high[0, 0, 3, 3] {
    ^bb0(%arg3: index, %arg4: index, %arg5: index, %arg6: index):
      tensor.yield %cst : f32
    } : tensor<2x12x10x10xf32> to tensor<2x12x16x16xf32>
    %broadcasted_39 = linalg.broadcast ins(%cst_8 : tensor<12xf32>) outs(%1 : tensor<2x12x10x10xf32>) dimensions = [0, 2, 3] 
    %19 = linalg.depthwise_conv_2d_nchw_chw {dilations = dense<1> : vector<2xi64>, strides = dense<1> : vector<2xi64>} ins(%padded, %cst_33 : tensor<2x12x16x16xf32>, tensor<12x7x7xf32>) outs(%broadcasted_39 : tensor<2x12x10x10xf32>) -> tensor<2x12x10x10xf32>
    %transposed_40 = linalg.transpose ins(%19 : tensor<2x12x10x10xf32>) outs(%3 : tensor<2x10x10x12xf32>) permutation = [0, 2, 3, 1] 
    %20 = linalg.generic {indexing_maps = [affine_map<(d0, d1, d2, d3) -> (d0, d1, d2, d3)>, affine_map<(d0, d1, d2, d3) -> (d0, d1, d2, 0)>], iterator_types = ["parallel", "parallel", "parallel", "reduction"]} ins(%transposed_40 : tensor<2x10x10x12xf32>) outs(%5 : tensor<2x10x10x1xf32>) {
    ^bb0(%in: f32, %out: f32):
      %123 = arith.addf %in, %out : f32
      linalg.yield %123 : f32
    } -> tensor<2x10x10x1xf32>
    %21 = linalg.generic {indexing_maps = [affine_map<(d0, d1, d2, d3) -> (d0, d1, d2, d3)>, affine_map<(d0, d1, d2, d3) -> (d0, d1, d2, d3)>], iterator_types = ["parallel", "parallel", "parallel", "parallel"]} ins(%20 : tensor<2x10x10x1xf32>) outs(%4 : tensor<2x10x10x1xf32>) {
    ^bb0(%in: f32, %out: f32):
      %123 = arith.divf %in, %cst_31 : f32
      linalg.yield %123 : f32
    } -> tensor<2x10x10x1xf32>
    %collapsed_41 = tensor.collapse_shape %21 [[0], [1], [2, 3]] : tensor<2x10x10x1xf32> into tensor<2x10x10xf32>
    %22 = linalg.generic {indexing_maps = [affine_map<(d0, d1, d2, d3) -> (d0, d1, d2)>, affine_map<(d0, d1, d2, d3) -> (d0, d1, d2, d3)>], iterator_types = ["parallel", "parallel", "parallel", "parallel"]} ins(%collapsed_41 : tensor<2x10x10xf32>) outs(%3 : tensor<2x10x10x12xf32>) {
    ^bb0(%in: f32, %out: f32):
      linalg.yield %in : f32
    } -> tensor<2x10x10x12xf32>
    %23 = linalg.generic {indexing_maps = [affine_map<(d0, d1, d2, d3) -> (d0, d1, d2, d3)>, affine_map<(d0, d1, d2, d3) -> (d0, d1, d2, d3)>, affine_map<(d0, d1, d2, d3) -> (d0, d1, d2, d3)>], iterator_types = ["parallel", "parallel", "parallel", "parallel"]} ins(%transposed_40, %22 : tensor<2x10x10x12xf32>, tensor<2x10x10x12xf32>) outs(%3 : tensor<2x10x10x12xf32>) {
    ^bb0(%in: f32, %in_69: f32, %out: f32):
      %123 = arith.subf %in, %in_69 : f32
      linalg.yield %123 : f32
    } -> tensor<2x10x10x12xf32>
    %24 = linalg.generic {indexing_maps = [affine_map<(d0, d1, d2, d3) -> (d0, d1, d2, d3)>, affine_map<(d0, d1, d2, d3) -> (d0, d1, d2, d3)>, affine_map<(d0, d1, d2, d3) -> (d0, d1, d2, d3)>], iterator_types = ["parallel", "parallel", "parallel", "parallel"]} ins(%23, %23 : tensor<2x10x10x12xf32>, tensor<2x10x10x12xf32>) outs(%3 : tensor<2x10x10x12xf32>) {
    ^bb0(%in: f32, %in_69: f32, %out: f32):
      %123 = arith.mulf %in, %in_69 : f32
      linalg.yield %123 : f32
    } -> tensor<2x10x10x12xf32>
    %25 = linalg.generic {indexing_maps = [affine_map<(d0, d1, d2, d3) -> (d0, d1, d2, d3)>, affine_map<(d0, d1, d2, d3) -> (d0, d1, d2, 0)>], iterator_types = ["parallel", "parallel", "parallel", "reduction"]} ins(%24 : tensor<2x10x10x12xf32>) outs(%5 : tensor<2x10x10x1xf32>) {
    ^bb0(%in: f32, %out: f32):
      %123 = arith.addf %in, %out : f32
      linalg.yield %123 : f32
    } -> tensor<2x10x10x1xf32>
    %26 = linalg.generic {indexing_maps = [affine_map<(d0, d1, d2, d3) -> (d0, d1, d2, d3)>, affine_map<(d0, d1, d2, d3) -> (d0, d1, d2, d3)>], iterator_types = ["parallel", "parallel", "parallel", "parallel"]} ins(%25 : tensor<2x10x10x1xf32>) outs(%4 : tensor<2x10x10x1xf32>) {
    ^bb0(%in: f32, %out: f32):
      %123 = arith.divf %in, %cst_31 : f32
      linalg.yield %123 : f32
    } -> tensor<2x10x10x1xf32>
    %27 = linalg.generic {indexing_maps = [affine_map<(d0, d1, d2, d3) -> (d0, d1, d2, d3)>, affine_map<(d0, d1, d2, d3) -> (d0, d1, d2, d3)>], iterator_types = ["parallel", "parallel", "parallel", "parallel"]} ins(%26 : tensor<2x10x10x1xf32>) outs(%4 : tensor<2x10x10x1xf32>) {
    ^bb0(%in: f32, %out: f32):
      %123 = arith.addf %in, %cst_32 : f32
      linalg.yield %123 : f32
    } -> tensor<2x10x10x1xf32>
    %28 = linalg.generic {indexing_maps = [affine_map<(d0, d1, d2, d3) -> (d0, d1, d2, d3)>, affine_map<(d0, d1, d2, d3) -> (d0, d1, d2, d3)>], iterator_types = ["parallel", "parallel", "parallel", "parallel"]} ins(%27 : tensor<2x10x10x1xf32>) outs(%4 : tensor<2x10x10x1xf32>) {
    ^bb0(%in: f32, %out: f32):
      %123 = math.rsqrt %in : f32
      linalg.yield %123 : f32
    } -> tensor<2x10x10x1xf32>
    %collapsed_42 = tensor.collapse_shape %28 [[0], [1], [2, 3]] : tensor<2x10x10x1xf32> into tensor<2x10x10xf32>
    %29 = linalg.generic {indexing_maps = [affine_map<(d0, d1, d2, d3) -> (d0, d1, d2)>, affine_map<(d0, d1, d2, d3) -> (d0, d1, d2, d3)>], iterator_types = ["parallel", "parallel", "parallel", "parallel"]} ins(%collapsed_42 : tensor<2x10x10xf32>) outs(%3 : tensor<2x10x10x12xf32>) {
    ^bb0(%in: f32, %out: f32):
      linalg.yield %in : f32
    } -> tensor<2x10x10x12xf32>
    %30 = linalg.generic {indexing_maps = [affine_map<(d0, d1, d2, d3) -> (d0, d1, d2, d3)>, affine_map<(d0, d1, d2, d3) -> (d0, d1, d2, d3)>, affine_map<(d0, d1, d2, d3) -> (d0, d1, d2, d3)>], iterator_types = ["parallel", "parallel", "parallel", "parallel"]} ins(%23, %29 : tensor<2x10x10x12xf32>, tensor<2x10x10x12xf32>) outs(%3 : tensor<2x10x10x12xf32>) {
    ^bb0(%in: f32, %in_69: f32, %out: f32):
      %123 = arith.mulf %in, %in_69 : f32
      linalg.yield %123 : f32
    } -> tensor<2x10x10x12xf32>
    %31 = linalg.generic {indexing_maps = [affine_map<(d0, d1, d2, d3) -> (d0, d1, d2, d3)>, affine_map<(d0, d1, d2, d3) -> (d3)>, affine_map<(d0, d1, d2, d3) -> (d0, d1, d2, d3)>], iterator_types = ["parallel", "parallel", "parallel", "parallel"]} ins(%30, %cst_9 : tensor<2x10x10x12xf32>, tensor<12xf32>) outs(%3 : tensor<2x10x10x12xf32>) {
    ^bb0(%in: f32, %in_69: f32, %out: f32):
      %123 = arith.mulf %in, %in_69 : f32
      linalg.yield %123 : f32
    } -> tensor<2x10x10x12xf32>
    %32 = linalg.generic {indexing_maps = [affine_map<(d0, d1, d2, d3) -> (d0, d1, d2, d3)>, affine_map<(d0, d1, d2, d3) -> (d3)>, affine_map<(d0, d1, d2, d3) -> (d0, d1, d2, d3)>], iterator_types = ["parallel", "parallel", "parallel", "parallel"]} ins(%31, %cst_10 : tensor<2x10x10x12xf32>, tensor<12xf32>) outs(%3 : tensor<2x10x10x12xf32>) {
    ^bb0(%in: f32, %in_69: f32, %out: f32):
      %123 = arith.addf %in, %in_69 : f32
      linalg.yield %123 : f32
    } -> tensor<2x10x10x12xf32>
    %33 = tensor.empty() : tensor<2x10x12x48xf32>
    %34 = linalg.generic {indexing_maps = [affine_map<(d0, d1, d2, d3) -> (d2, d3)>, affine_map<(d0, d1, d2, d3) -> (d0, d1, d2, d3)>], iterator_types = ["parallel", "parallel", "parallel", "parallel"]} ins(%cst_27 : tensor<12x48xf32>) outs(%33 : tensor<2x10x12x48xf32>) {
    ^bb0(%in: f32, %out: f32):
      linalg.yield %in : f32
    } -> tensor<2x10x12x48xf32>
    %collapsed_43 = tensor.collapse_shape %32 [[0, 1], [2], [3]] : tensor<2x10x10x12xf32> into tensor<20x10x12xf32>
    %collapsed_44 = tensor.collapse_shape %34 [[0, 1], [2], [3]] : tensor<2x10x12x48xf32> into tensor<20x12x48xf32>
    %35 = tensor.empty() : tensor<20x10x48xf32>
    %36 = linalg.fill ins(%cst : f32) outs(%35 : tensor<20x10x48xf32>) -> tensor<20x10x48xf32>
    %37 = linalg.batch_matmul ins(%collapsed_43, %collapsed_44 : tensor<20x10x12xf32>, tensor<20x12x48xf32>) outs(%36 : tensor<20x10x48xf32>) -> tensor<20x10x48xf32>
    %expanded = tensor.expand_shape %37 [[0, 1], [2], [3]] output_shape [2, 10, 10, 48] : tensor<20x10x48xf32> into tensor<2x10x10x48xf32>
    %38 = tensor.empty() : tensor<2x10x10x48xf32>
    %39 = linalg.generic {indexing_maps = [affine_map<(d0, d1, d2, d3) -> (d0, d1, d2, d3)>, affine_map<(d0, d1, d2, d3) -> (d3)>, affine_map<(d0, d1, d2, d3) -> (d0, d1, d2, d3)>], iterator_types = ["parallel", "parallel", "parallel", "parallel"]} ins(%expanded, %cst_11 : tensor<2x10x10x48xf32>, tensor<48xf32>) outs(%38 : tensor<2x10x10x48xf32>) {
    ^bb0(%in: f32, %in_69: f32, %out: f32):
      %123 = arith.addf %in, %in_69 : f32
      linalg.yield %123 : f32
    } -> tensor<2x10x10x48xf32>
    %40 = linalg.generic {indexing_maps = [affine_map<(d0, d1, d2, d3) -> (d0, d1, d2, d3)>, affine_map<(d0, d1, d2, d3) -> (d0, d1, d2, d3)>], iterator_types = ["parallel", "parallel", "parallel", "parallel"]} ins(%39 : tensor<2x10x10x48xf32>) outs(%38 : tensor<2x10x10x48xf32>) {
    ^bb0(%in: f32, %out: f32):
      %123 = arith.divf %in, %cst_0 : f32
      %124 = math.erf %123 : f32
      %125 = arith.addf %124, %cst_1 : f32
      %126 = arith.mulf %125, %cst_2 : f32
      %127 = arith.mulf %in, %126 : f32
      linalg.yield %127 : f32
    } -> tensor<2x10x10x48xf32>
    %41 = tensor.empty() : tensor<2x10x48x12xf32>
    %42 = linalg.generic {indexing_maps = [affine_map<(d0, d1, d2, d3) -> (d2, d3)>, affine_map<(d0, d1, d2, d3) -> (d0, d1, d2, d3)>], iterator_types = ["parallel", "parallel", "parallel", "parallel"]} ins(%cst_28 : tensor<48x12xf32>) outs(%41 : tensor<2x10x48x12xf32>) {
    ^bb0(%in: f32, %out: f32):
      linalg.yield %in : f32
    } -> tensor<2x10x48x12xf32>
    %collapsed_45 = tensor.collapse_shape %40 [[0, 1], [2], [3]] : tensor<2x10x10x48xf32> into tensor<20x10x48xf32>
    %collapsed_46 = tensor.collapse_shape %42 [[0, 1], [2], [3]] : tensor<2x10x48x12xf32> into tensor<20x48x12xf32>
    %43 = tensor.empty() : tensor<20x10x12xf32>
    %44 = linalg.fill ins(%cst : f32) outs(%43 : tensor<20x10x12xf32>) -> tensor<20x10x12xf32>
    %45 = linalg.batch_matmul ins(%collapsed_45, %collapsed_46 : tensor<20x10x48xf32>, tensor<20x48x12xf32>) outs(%44 : tensor<20x10x12xf32>) -> tensor<20x10x12xf32>
    %expanded_47 = tensor.expand_shape %45 [[0, 1], [2], [3]] output_shape [2, 10, 10, 12] : tensor<20x10x12xf32> into tensor<2x10x10x12xf32>
    %46 = linalg.generic {indexing_maps = [affine_map<(d0, d1, d2, d3) -> (d0, d1, d2, d3)>, affine_map<(d0, d1, d2, d3) -> (d3)>, affine_map<(d0, d1, d2, d3) -> (d0, d1, d2, d3)>], iterator_types = ["parallel", "parallel", "parallel", "parallel"]} ins(%expanded_47, %cst_12 : tensor<2x10x10x12xf32>, tensor<12xf32>) outs(%3 : tensor<2x10x10x12xf32>) {
    ^bb0(%in: f32, %in_69: f32, %out: f32):
      %123 = arith.addf %in, %in_69 : f32
      linalg.yield %123 : f32
    } -> tensor<2x10x10x12xf32>
    %47 = linalg.generic {indexing_maps = [affine_map<(d0, d1, d2, d3) -> (d3)>, affine_map<(d0, d1, d2, d3) -> (d0, d1, d2, d3)>, affine_map<(d0, d1, d2, d3) -> (d0, d1, d2, d3)>], iterator_types = ["parallel", "parallel", "parallel", "parallel"]} ins(%cst_7, %46 : tensor<12xf32>, tensor<2x10x10x12xf32>) outs(%3 : tensor<2x10x10x12xf32>) {
    ^bb0(%in: f32, %in_69: f32, %out: f32):
      %123 = arith.mulf %in, %in_69 : f32
      linalg.yield %123 : f32
    } -> tensor<2x10x10x12xf32>
    %transposed_48 = linalg.transpose ins(%47 : tensor<2x10x10x12xf32>) outs(%1 : tensor<2x12x10x10xf32>) permutation = [0, 3, 1, 2] 
    %48 = linalg.generic {indexing_maps = [affine_map<(d0, d1, d2, d3) -> (d0, d1, d2, d3)>, affine_map<(d0, d1, d2, d3) -> (d0, d1, d2, d3)>, affine_map<(d0, d1, d2, d3) -> (d0, d1, d2, d3)>], iterator_types = ["parallel", "parallel", "parallel", "parallel"]} ins(%transposed_38, %transposed_48 : tensor<2x12x10x10xf32>, tensor<2x12x10x10xf32>) outs(%1 : tensor<2x12x10x10xf32>) {
    ^bb0(%in: f32, %in_69: f32, %out: f32):
      %123 = arith.addf %in, %in_69 : f32
      linalg.yield %123 : f32
    } -> tensor<2x12x10x10xf32>
    %transposed_49 = linalg.transpose ins(%48 : tensor<2x12x10x10xf32>) outs(%3 : tensor<2x10x10x12xf32>) permutation = [0, 2, 3, 1] 
    %49 = linalg.generic {indexing_maps = [affine_map<(d0, d1, d2, d3) -> (d0, d1, d2, d3)>, affine_map<(d0, d1, d2, d3) -> (d0, d1, d2, 0)>], iterator_types = ["parallel", "parallel", "parallel", "reduction"]} ins(%transposed_49 : tensor<2x10x10x12xf32>) outs(%5 : tensor<2x10x10x1xf32>) {
    ^bb0(%in: f32, %out: f32):
      %123 = arith.addf %in, %out : f32
      linalg.yield %123 : f32
    } -> tensor<2x10x10x1xf32>
    %50 = linalg.generic {indexing_maps = [affine_map<(d0, d1, d2, d3) -> (d0, d1, d2, d3)>, affine_map<(d0, d1, d2, d3) -> (d0, d1, d2, d3)>], iterator_types = ["parallel", "parallel", "parallel", "parallel"]} ins(%49 : tensor<2x10x10x1xf32>) outs(%4 : tensor<2x10x10x1xf32>) {
    ^bb0(%in: f32, %out: f32):
      %123 = arith.divf %in, %cst_31 : f32
      linalg.yield %123 : f32
    } -> tensor<2x10x10x1xf32>
    %collapsed_50 = tensor.collapse_shape %50 [[0], [1], [2, 3]] : tensor<2x10x10x1xf32> into tensor<2x10x10xf32>
    %51 = linalg.generic {indexing_maps = [affine_map<(d0, d1, d2, d3) -> (d0, d1, d2)>, affine_map<(d0, d1, d2, d3) -> (d0, d1, d2, d3)>], iterator_types = ["parallel", "parallel", "parallel", "parallel"]} ins(%collapsed_50 : tensor<2x10x10xf32>) outs(%3 : tensor<2x10x10x12xf32>) {
    ^bb0(%in: f32, %out: f32):
      linalg.yield %in : f32
    } -> tensor<2x10x10x12xf32>
    %52 = linalg.generic {indexing_maps = [affine_map<(d0, d1, d2, d3) -> (d0, d1, d2, d3)>, affine_map<(d0, d1, d2, d3) -> (d0, d1, d2, d3)>, affine_map<(d0, d1, d2, d3) -> (d0, d1, d2, d3)>], iterator_types = ["parallel", "parallel", "parallel", "parallel"]} ins(%transposed_49, %51 : tensor<2x10x10x12xf32>, tensor<2x10x10x12xf32>) outs(%3 : tensor<2x10x10x12xf32>) {
    ^bb0(%in: f32, %in_69: f32, %out: f32):
      %123 = arith.subf %in, %in_69 : f32
      linalg.yield %123 : f32
    } -> tensor<2x10x10x12xf32>
    %53 = linalg.generic {indexing_maps = [affine_map<(d0, d1, d2, d3) -> (d0, d1, d2, d3)>, affine_map<(d0, d1, d2, d3) -> (d0, d1, d2, d3)>, affine_map<(d0, d1, d2, d3) -> (d0, d1, d2, d3)>], iterator_types = ["parallel", "parallel", "parallel", "parallel"]} ins(%52, %52 : tensor<2x10x10x12xf32>, tensor<2x10x10x12xf32>) outs(%3 : tensor<2x10x10x12xf32>) {
    ^bb0(%in: f32, %in_69: f32, %out: f32):
      %123 = arith.mulf %in, %in_69 : f32
      linalg.yield %123 : f32
    } -> tensor<2x10x10x12xf32>
    %54 = linalg.generic {indexing_maps = [affine_map<(d0, d1, d2, d3) -> (d0, d1, d2, d3)>, affine_map<(d0, d1, d2, d3) -> (d0, d1, d2, 0)>], iterator_types = ["parallel", "parallel", "parallel", "reduction"]} ins(%53 : tensor<2x10x10x12xf32>) outs(%5 : tensor<2x10x10x1xf32>) {
    ^bb0(%in: f32, %out: f32):
      %123 = arith.addf %in, %out : f32
      linalg.yield %123 : f32
    } -> tensor<2x10x10x1xf32>
    %55 = linalg.generic {indexing_maps = [affine_map<(d0, d1, d2, d3) -> (d0, d1, d2, d3)>, affine_map<(d0, d1, d2, d3) -> (d0, d1, d2, d3)>], iterator_types = ["parallel", "parallel", "parallel", "parallel"]} ins(%54 : tensor<2x10x10x1xf32>) outs(%4 : tensor<2x10x10x1xf32>) {
    ^bb0(%in: f32, %out: f32):
      %123 = arith.divf %in, %cst_31 : f32
      linalg.yield %123 : f32
    } -> tensor<2x10x10x1xf32>
    %56 = linalg.generic {indexing_maps = [affine_map<(d0, d1, d2, d3) -> (d0, d1, d2, d3)>, affine_map<(d0, d1, d2, d3) -> (d0, d1, d2, d3)>], iterator_types = ["parallel", "parallel", "parallel", "parallel"]} ins(%55 : tensor<2x10x10x1xf32>) outs(%4 : tensor<2x10x10x1xf32>) {
    ^bb0(%in: f32, %out: f32):
      %123 = arith.addf %in, %cst_32 : f32
      linalg.yield %123 : f32
    } -> tensor<2x10x10x1xf32>
    %57 = linalg.generic {indexing_maps = [affine_map<(d0, d1, d2, d3) -> (d0, d1, d2, d3)>, affine_map<(d0, d1, d2, d3) -> (d0, d1, d2, d3)>], iterator_types = ["parallel", "parallel", "parallel", "parallel"]} ins(%56 : tensor<2x10x10x1xf32>) outs(%4 : tensor<2x10x10x1xf32>) {
    ^bb0(%in: f32, %out: f32):
      %123 = math.rsqrt %in : f32
      linalg.yield %123 : f32
    } -> tensor<2x10x10x1xf32>
    %collapsed_51 = tensor.collapse_shape %57 [[0], [1], [2, 3]] : tensor<2x10x10x1xf32> into tensor<2x10x10xf32>
    %58 = linalg.generic {indexing_maps = [affine_map<(d0, d1, d2, d3) -> (d0, d1, d2)>, affine_map<(d0, d1, d2, d3) -> (d0, d1, d2, d3)>], iterator_types = ["parallel", "parallel", "parallel", "parallel"]} ins(%collapsed_51 : tensor<2x10x10xf32>) outs(%3 : tensor<2x10x10x12xf32>) {
    ^bb0(%in: f32, %out: f32):
      linalg.yield %in : f32
    } -> tensor<2x10x10x12xf32>
    %59 = linalg.generic {indexing_maps = [affine_map<(d0, d1, d2, d3) -> (d0, d1, d2, d3)>, affine_map<(d0, d1, d2, d3) -> (d0, d1, d2, d3)>, affine_map<(d0, d1, d2, d3) -> (d0, d1, d2, d3)>], iterator_types = ["parallel", "parallel", "parallel", "parallel"]} ins(%52, %58 : tensor<2x10x10x12xf32>, tensor<2x10x10x12xf32>) outs(%3 : tensor<2x10x10x12xf32>) {
    ^bb0(%in: f32, %in_69: f32, %out: f32):
      %123 = arith.mulf %in, %in_69 : f32
      linalg.yield %123 : f32
    } -> tensor<2x10x10x12xf32>
    %60 = linalg.generic {indexing_maps = [affine_map<(d0, d1, d2, d3) -> (d0, d1, d2, d3)>, affine_map<(d0, d1, d2, d3) -> (d3)>, affine_map<(d0, d1, d2, d3) -> (d0, d1, d2, d3)>], iterator_types = ["parallel", "parallel", "parallel", "parallel"]} ins(%59, %cst_13 : tensor<2x10x10x12xf32>, tensor<12xf32>) outs(%3 : tensor<2x10x10x12xf32>) {
    ^bb0(%in: f32, %in_69: f32, %out: f32):
      %123 = arith.mulf %in, %in_69 : f32
      linalg.yield %123 : f32
    } -> tensor<2x10x10x12xf32>
    %61 = linalg.generic {indexing_maps = [affine_map<(d0, d1, d2, d3) -> (d0, d1, d2, d3)>, affine_map<(d0, d1, d2, d3) -> (d3)>, affine_map<(d0, d1, d2, d3) -> (d0, d1, d2, d3)>], iterator_types = ["parallel", "parallel", "parallel", "parallel"]} ins(%60, %cst_14 : tensor<2x10x10x12xf32>, tensor<12xf32>) outs(%3 : tensor<2x10x10x12xf32>) {
    ^bb0(%in: f32, %in_69: f32, %out: f32):
      %123 = arith.addf %in, %in_69 : f32
      linalg.yield %123 : f32
    } -> tensor<2x10x10x12xf32>
    %transposed_52 = linalg.transpose ins(%61 : tensor<2x10x10x12xf32>) outs(%1 : tensor<2x12x10x10xf32>) permutation = [0, 3, 1, 2] 
    %62 = tensor.empty() : tensor<2x20x5x5xf32>
    %broadcasted_53 = linalg.broadcast ins(%cst_16 : tensor<20xf32>) outs(%62 : tensor<2x20x5x5xf32>) dimensions = [0, 2, 3] 
    %63 = linalg.conv_2d_nchw_fchw {dilations = dense<1> : vector<2xi64>, strides = dense<2> : vector<2xi64>} ins(%transposed_52, %cst_15 : tensor<2x12x10x10xf32>, tensor<20x12x2x2xf32>) outs(%broadcasted_53 : tensor<2x20x5x5xf32>) -> tensor<2x20x5x5xf32>
    %padded_54 = tensor.pad %63 low[0, 0, 3, 3] high[0, 0, 3, 3] {
    ^bb0(%arg3: index, %arg4: index, %arg5: index, %arg6: index):
      tensor.yield %cst : f32
    } : tensor<2x20x5x5xf32> to tensor<2x20x11x11xf32>
    %broadcasted_55 = linalg.broadcast ins(%cst_18 : tensor<20xf32>) outs(%62 : tensor<2x20x5x5xf32>) dimensions = [0, 2, 3] 
    %64 = linalg.depthwise_conv_2d_nchw_chw {dilations = dense<1> : vector<2xi64>, strides = dense<1> : vector<2xi64>} ins(%padded_54, %cst_34 : tensor<2x20x11x11xf32>, tensor<20x7x7xf32>) outs(%broadcasted_55 : tensor<2x20x5x5xf32>) -> tensor<2x20x5x5xf32>
    %65 = tensor.empty() : tensor<2x5x5x20xf32>
    %transposed_56 = linalg.transpose ins(%64 : tensor<2x20x5x5xf32>) outs(%65 : tensor<2x5x5x20xf32>) permutation = [0, 2, 3, 1] 
    %66 = tensor.empty() : tensor<2x5x5x1xf32>
    %67 = linalg.fill ins(%cst : f32) outs(%66 : tensor<2x5x5x1xf32>) -> tensor<2x5x5x1xf32>
    %68 = linalg.generic {indexing_maps = [affine_map<(d0, d1, d2, d3) -> (d0, d1, d2, d3)>, affine_map<(d0, d1, d2, d3) -> (d0, d1, d2, 0)>], iterator_types = ["parallel", "parallel", "parallel", "reduction"]} ins(%transposed_56 : tensor<2x5x5x20xf32>) outs(%67 : tensor<2x5x5x1xf32>) {
    ^bb0(%in: f32, %out: f32):
      %123 = arith.addf %in, %out : f32
      linalg.yield %123 : f32
    } -> tensor<2x5x5x1xf32>
    %69 = linalg.generic {indexing_maps = [affine_map<(d0, d1, d2, d3) -> (d0, d1, d2, d3)>, affine_map<(d0, d1, d2, d3) -> (d0, d1, d2, d3)>], iterator_types = ["parallel", "parallel", "parallel", "parallel"]} ins(%68 : tensor<2x5x5x1xf32>) outs(%66 : tensor<2x5x5x1xf32>) {
    ^bb0(%in: f32, %out: f32):
      %123 = arith.divf %in, %cst_35 : f32
      linalg.yield %123 : f32
    } -> tensor<2x5x5x1xf32>
    %collapsed_57 = tensor.collapse_shape %69 [[0], [1], [2, 3]] : tensor<2x5x5x1xf32> into tensor<2x5x5xf32>
    %70 = linalg.generic {indexing_maps = [affine_map<(d0, d1, d2, d3) -> (d0, d1, d2)>, affine_map<(d0, d1, d2, d3) -> (d0, d1, d2, d3)>], iterator_types = ["parallel", "parallel", "parallel", "parallel"]} ins(%collapsed_57 : tensor<2x5x5xf32>) outs(%65 : tensor<2x5x5x20xf32>) {
    ^bb0(%in: f32, %out: f32):
      linalg.yield %in : f32
    } -> tensor<2x5x5x20xf32>
    %71 = linalg.generic {indexing_maps = [affine_map<(d0, d1, d2, d3) -> (d0, d1, d2, d3)>, affine_map<(d0, d1, d2, d3) -> (d0, d1, d2, d3)>, affine_map<(d0, d1, d2, d3) -> (d0, d1, d2, d3)>], iterator_types = ["parallel", "parallel", "parallel", "parallel"]} ins(%transposed_56, %70 : tensor<2x5x5x20xf32>, tensor<2x5x5x20xf32>) outs(%65 : tensor<2x5x5x20xf32>) {
    ^bb0(%in: f32, %in_69: f32, %out: f32):
      %123 = arith.subf %in, %in_69 : f32
      linalg.yield %123 : f32
    } -> tensor<2x5x5x20xf32>
    %72 = linalg.generic {indexing_maps = [affine_map<(d0, d1, d2, d3) -> (d0, d1, d2, d3)>, affine_map<(d0, d1, d2, d3) -> (d0, d1, d2, d3)>, affine_map<(d0, d1, d2, d3) -> (d0, d1, d2, d3)>], iterator_types = ["parallel", "parallel", "parallel", "parallel"]} ins(%71, %71 : tensor<2x5x5x20xf32>, tensor<2x5x5x20xf32>) outs(%65 : tensor<2x5x5x20xf32>) {
    ^bb0(%in: f32, %in_69: f32, %out: f32):
      %123 = arith.mulf %in, %in_69 : f32
      linalg.yield %123 : f32
    } -> tensor<2x5x5x20xf32>
    %73 = linalg.generic {indexing_maps = [affine_map<(d0, d1, d2, d3) -> (d0, d1, d2, d3)>, affine_map<(d0, d1, d2, d3) -> (d0, d1, d2, 0)>], iterator_types = ["parallel", "parallel", "parallel", "reduction"]} ins(%72 : tensor<2x5x5x20xf32>) outs(%67 : tensor<2x5x5x1xf32>) {
    ^bb0(%in: f32, %out: f32):
      %123 = arith.addf %in, %out : f32
      linalg.yield %123 : f32
    } -> tensor<2x5x5x1xf32>
    %74 = linalg.generic {indexing_maps = [affine_map<(d0, d1, d2, d3) -> (d0, d1, d2, d3)>, affine_map<(d0, d1, d2, d3) -> (d0, d1, d2, d3)>], iterator_types = ["parallel", "parallel", "parallel", "parallel"]} ins(%73 : tensor<2x5x5x1xf32>) outs(%66 : tensor<2x5x5x1xf32>) {
    ^bb0(%in: f32, %out: f32):
      %123 = arith.divf %in, %cst_35 : f32
      linalg.yield %123 : f32
    } -> tensor<2x5x5x1xf32>
    %75 = linalg.generic {indexing_maps = [affine_map<(d0, d1, d2, d3) -> (d0, d1, d2, d3)>, affine_map<(d0, d1, d2, d3) -> (d0, d1, d2, d3)>], iterator_types = ["parallel", "parallel", "parallel", "parallel"]} ins(%74 : tensor<2x5x5x1xf32>) outs(%66 : tensor<2x5x5x1xf32>) {
    ^bb0(%in: f32, %out: f32):
      %123 = arith.addf %in, %cst_32 : f32
      linalg.yield %123 : f32
    } -> tensor<2x5x5x1xf32>
    %76 = linalg.generic {indexing_maps = [affine_map<(d0, d1, d2, d3) -> (d0, d1, d2, d3)>, affine_map<(d0, d1, d2, d3) -> (d0, d1, d2, d3)>], iterator_types = ["parallel", "parallel", "parallel", "parallel"]} ins(%75 : tensor<2x5x5x1xf32>) outs(%66 : tensor<2x5x5x1xf32>) {
    ^bb0(%in: f32, %out: f32):
      %123 = math.rsqrt %in : f32
      linalg.yield %123 : f32
    } -> tensor<2x5x5x1xf32>
    %collapsed_58 = tensor.collapse_shape %76 [[0], [1], [2, 3]] : tensor<2x5x5x1xf32> into tensor<2x5x5xf32>
    %77 = linalg.generic {indexing_maps = [affine_map<(d0, d1, d2, d3) -> (d0, d1, d2)>, affine_map<(d0, d1, d2, d3) -> (d0, d1, d2, d3)>], iterator_types = ["parallel", "parallel", "parallel", "parallel"]} ins(%collapsed_58 : tensor<2x5x5xf32>) outs(%65 : tensor<2x5x5x20xf32>) {
    ^bb0(%in: f32, %out: f32):
      linalg.yield %in : f32
    } -> tensor<2x5x5x20xf32>
    %78 = linalg.generic {indexing_maps = [affine_map<(d0, d1, d2, d3) -> (d0, d1, d2, d3)>, affine_map<(d0, d1, d2, d3) -> (d0, d1, d2, d3)>, affine_map<(d0, d1, d2, d3) -> (d0, d1, d2, d3)>], iterator_types = ["parallel", "parallel", "parallel", "parallel"]} ins(%71, %77 : tensor<2x5x5x20xf32>, tensor<2x5x5x20xf32>) outs(%65 : tensor<2x5x5x20xf32>) {
    ^bb0(%in: f32, %in_69: f32, %out: f32):
      %123 = arith.mulf %in, %in_69 : f32
      linalg.yield %123 : f32
    } -> tensor<2x5x5x20xf32>
    %79 = linalg.generic {indexing_maps = [affine_map<(d0, d1, d2, d3) -> (d0, d1, d2, d3)>, affine_map<(d0, d1, d2, d3) -> (d3)>, affine_map<(d0, d1, d2, d3) -> (d0, d1, d2, d3)>], iterator_types = ["parallel", "parallel", "parallel", "parallel"]} ins(%78, %cst_19 : tensor<2x5x5x20xf32>, tensor<20xf32>) outs(%65 : tensor<2x5x5x20xf32>) {
    ^bb0(%in: f32, %in_69: f32, %out: f32):
      %123 = arith.mulf %in, %in_69 : f32
      linalg.yield %123 : f32
    } -> tensor<2x5x5x20xf32>
    %80 = linalg.generic {indexing_maps = [affine_map<(d0, d1, d2, d3) -> (d0, d1, d2, d3)>, affine_map<(d0, d1, d2, d3) -> (d3)>, affine_map<(d0, d1, d2, d3) -> (d0, d1, d2, d3)>], iterator_types = ["parallel", "parallel", "parallel", "parallel"]} ins(%79, %cst_20 : tensor<2x5x5x20xf32>, tensor<20xf32>) outs(%65 : tensor<2x5x5x20xf32>) {
    ^bb0(%in: f32, %in_69: f32, %out: f32):
      %123 = arith.addf %in, %in_69 : f32
      linalg.yield %123 : f32
    } -> tensor<2x5x5x20xf32>
    %81 = tensor.empty() : tensor<2x5x20x80xf32>
    %82 = linalg.generic {indexing_maps = [affine_map<(d0, d1, d2, d3) -> (d2, d3)>, affine_map<(d0, d1, d2, d3) -> (d0, d1, d2, d3)>], iterator_types = ["parallel", "parallel", "parallel", "parallel"]} ins(%cst_29 : tensor<20x80xf32>) outs(%81 : tensor<2x5x20x80xf32>) {
    ^bb0(%in: f32, %out: f32):
      linalg.yield %in : f32
    } -> tensor<2x5x20x80xf32>
    %collapsed_59 = tensor.collapse_shape %80 [[0, 1], [2], [3]] : tensor<2x5x5x20xf32> into tensor<10x5x20xf32>
    %collapsed_60 = tensor.collapse_shape %82 [[0, 1], [2], [3]] : tensor<2x5x20x80xf32> into tensor<10x20x80xf32>
    %83 = tensor.empty() : tensor<10x5x80xf32>
    %84 = linalg.fill ins(%cst : f32) outs(%83 : tensor<10x5x80xf32>) -> tensor<10x5x80xf32>
    %85 = linalg.batch_matmul ins(%collapsed_59, %collapsed_60 : tensor<10x5x20xf32>, tensor<10x20x80xf32>) outs(%84 : tensor<10x5x80xf32>) -> tensor<10x5x80xf32>
    %expanded_61 = tensor.expand_shape %85 [[0, 1], [2], [3]] output_shape [2, 5, 5, 80] : tensor<10x5x80xf32> into tensor<2x5x5x80xf32>
    %86 = tensor.empty() : tensor<2x5x5x80xf32>
    %87 = linalg.generic {indexing_maps = [affine_map<(d0, d1, d2, d3) -> (d0, d1, d2, d3)>, affine_map<(d0, d1, d2, d3) -> (d3)>, affine_map<(d0, d1, d2, d3) -> (d0, d1, d2, d3)>], iterator_types = ["parallel", "parallel", "parallel", "parallel"]} ins(%expanded_61, %cst_21 : tensor<2x5x5x80xf32>, tensor<80xf32>) outs(%86 : tensor<2x5x5x80xf32>) {
    ^bb0(%in: f32, %in_69: f32, %out: f32):
      %123 = arith.addf %in, %in_69 : f32
      linalg.yield %123 : f32
    } -> tensor<2x5x5x80xf32>
    %88 = linalg.generic {indexing_maps = [affine_map<(d0, d1, d2, d3) -> (d0, d1, d2, d3)>, affine_map<(d0, d1, d2, d3) -> (d0, d1, d2, d3)>], iterator_types = ["parallel", "parallel", "parallel", "parallel"]} ins(%87 : tensor<2x5x5x80xf32>) outs(%86 : tensor<2x5x5x80xf32>) {
    ^bb0(%in: f32, %out: f32):
      %123 = arith.divf %in, %cst_0 : f32
      %124 = math.erf %123 : f32
      %125 = arith.addf %124, %cst_1 : f32
      %126 = arith.mulf %125, %cst_2 : f32
      %127 = arith.mulf %in, %126 : f32
      linalg.yield %127 : f32
    } -> tensor<2x5x5x80xf32>
    %89 = tensor.empty() : tensor<2x5x80x20xf32>
    %90 = linalg.generic {indexing_maps = [affine_map<(d0, d1, d2, d3) -> (d2, d3)>, affine_map<(d0, d1, d2, d3) -> (d0, d1, d2, d3)>], iterator_types = ["parallel", "parallel", "parallel", "parallel"]} ins(%cst_30 : tensor<80x20xf32>) outs(%89 : tensor<2x5x80x20xf32>) {
    ^bb0(%in: f32, %out: f32):
      linalg.yield %in : f32
    } -> tensor<2x5x80x20xf32>
    %collapsed_62 = tensor.collapse_shape %88 [[0, 1], [2], [3]] : tensor<2x5x5x80xf32> into tensor<10x5x80xf32>
    %collapsed_63 = tensor.collapse_shape %90 [[0, 1], [2], [3]] : tensor<2x5x80x20xf32> into tensor<10x80x20xf32>
    %91 = tensor.empty() : tensor<10x5x20xf32>
    %92 = linalg.fill ins(%cst : f32) outs(%91 : tensor<10x5x20xf32>) -> tensor<10x5x20xf32>
    %93 = linalg.batch_matmul ins(%collapsed_62, %collapsed_63 : tensor<10x5x80xf32>, tensor<10x80x20xf32>) outs(%92 : tensor<10x5x20xf32>) -> tensor<10x5x20xf32>
    %expanded_64 = tensor.expand_shape %93 [[0, 1], [2], [3]] output_shape [2, 5, 5, 20] : tensor<10x5x20xf32> into tensor<2x5x5x20xf32>
    %94 = linalg.generic {indexing_maps = [affine_map<(d0, d1, d2, d3) -> (d0, d1, d2, d3)>, affine_map<(d0, d1, d2, d3) -> (d3)>, affine_map<(d0, d1, d2, d3) -> (d0, d1, d2, d3)>], iterator_types = ["parallel", "parallel", "parallel", "parallel"]} ins(%expanded_64, %cst_22 : tensor<2x5x5x20xf32>, tensor<20xf32>) outs(%65 : tensor<2x5x5x20xf32>) {
    ^bb0(%in: f32, %in_69: f32, %out: f32):
      %123 = arith.addf %in, %in_69 : f32
      linalg.yield %123 : f32
    } -> tensor<2x5x5x20xf32>
    %95 = linalg.generic {indexing_maps = [affine_map<(d0, d1, d2, d3) -> (d3)>, affine_map<(d0, d1, d2, d3) -> (d0, d1, d2, d3)>, affine_map<(d0, d1, d2, d3) -> (d0, d1, d2, d3)>], iterator_types = ["parallel", "parallel", "parallel", "parallel"]} ins(%cst_17, %94 : tensor<20xf32>, tensor<2x5x5x20xf32>) outs(%65 : tensor<2x5x5x20xf32>) {
    ^bb0(%in: f32, %in_69: f32, %out: f32):
      %123 = arith.mulf %in, %in_69 : f32
      linalg.yield %123 : f32
    } -> tensor<2x5x5x20xf32>
    %transposed_65 = linalg.transpose ins(%95 : tensor<2x5x5x20xf32>) outs(%62 : tensor<2x20x5x5xf32>) permutation = [0, 3, 1, 2] 
    %96 = linalg.generic {indexing_maps = [affine_map<(d0, d1, d2, d3) -> (d0, d1, d2, d3)>, affine_map<(d0, d1, d2, d3) -> (d0, d1, d2, d3)>, affine_map<(d0, d1, d2, d3) -> (d0, d1, d2, d3)>], iterator_types = ["parallel", "parallel", "parallel", "parallel"]} ins(%63, %transposed_65 : tensor<2x20x5x5xf32>, tensor<2x20x5x5xf32>) outs(%62 : tensor<2x20x5x5xf32>) {
    ^bb0(%in: f32, %in_69: f32, %out: f32):
      %123 = arith.addf %in, %in_69 : f32
      linalg.yield %123 : f32
    } -> tensor<2x20x5x5xf32>
    %97 = tensor.empty() : tensor<2x20xf32>
    %98 = linalg.fill ins(%cst : f32) outs(%97 : tensor<2x20xf32>) -> tensor<2x20xf32>
    %99 = linalg.generic {indexing_maps = [affine_map<(d0, d1, d2, d3) -> (d0, d1, d2, d3)>, affine_map<(d0, d1, d2, d3) -> (d0, d1)>], iterator_types = ["parallel", "parallel", "reduction", "reduction"]} ins(%96 : tensor<2x20x5x5xf32>) outs(%98 : tensor<2x20xf32>) {
    ^bb0(%in: f32, %out: f32):
      %123 = arith.addf %in, %out : f32
      linalg.yield %123 : f32
    } -> tensor<2x20xf32>
    %100 = linalg.generic {indexing_maps = [affine_map<(d0, d1) -> (d0, d1)>, affine_map<(d0, d1) -> (d0, d1)>], iterator_types = ["parallel", "parallel"]} ins(%99 : tensor<2x20xf32>) outs(%97 : tensor<2x20xf32>) {
    ^bb0(%in: f32, %out: f32):
      %123 = arith.divf %in, %cst_36 : f32
      linalg.yield %123 : f32
    } -> tensor<2x20xf32>
    %101 = tensor.empty() : tensor<2x1xf32>
    %102 = linalg.fill ins(%cst : f32) outs(%101 : tensor<2x1xf32>) -> tensor<2x1xf32>
    %103 = linalg.generic {indexing_maps = [affine_map<(d0, d1) -> (d0, d1)>, affine_map<(d0, d1) -> (d0, 0)>], iterator_types = ["parallel", "reduction"]} ins(%100 : tensor<2x20xf32>) outs(%102 : tensor<2x1xf32>) {
    ^bb0(%in: f32, %out: f32):
      %123 = arith.addf %in, %out : f32
      linalg.yield %123 : f32
    } -> tensor<2x1xf32>
    %104 = linalg.generic {indexing_maps = [affine_map<(d0, d1) -> (d0, d1)>, affine_map<(d0, d1) -> (d0, d1)>], iterator_types = ["parallel", "parallel"]} ins(%103 : tensor<2x1xf32>) outs(%101 : tensor<2x1xf32>) {
    ^bb0(%in: f32, %out: f32):
      %123 = arith.divf %in, %cst_35 : f32
      linalg.yield %123 : f32
    } -> tensor<2x1xf32>
    %collapsed_66 = tensor.collapse_shape %104 [[0, 1]] : tensor<2x1xf32> into tensor<2xf32>
    %105 = linalg.generic {indexing_maps = [affine_map<(d0, d1) -> (d0)>, affine_map<(d0, d1) -> (d0, d1)>], iterator_types = ["parallel", "parallel"]} ins(%collapsed_66 : tensor<2xf32>) outs(%97 : tensor<2x20xf32>) {
    ^bb0(%in: f32, %out: f32):
      linalg.yield %in : f32
    } -> tensor<2x20xf32>
    %106 = linalg.generic {indexing_maps = [affine_map<(d0, d1) -> (d0, d1)>, affine_map<(d0, d1) -> (d0, d1)>, affine_map<(d0, d1) -> (d0, d1)>], iterator_types = ["parallel", "parallel"]} ins(%100, %105 : tensor<2x20xf32>, tensor<2x20xf32>) outs(%97 : tensor<2x20xf32>) {
    ^bb0(%in: f32, %in_69: f32, %out: f32):
      %123 = arith.subf %in, %in_69 : f32
      linalg.yield %123 : f32
    } -> tensor<2x20xf32>
    %107 = linalg.generic {indexing_maps = [affine_map<(d0, d1) -> (d0, d1)>, affine_map<(d0, d1) -> (d0, d1)>, affine_map<(d0, d1) -> (d0, d1)>], iterator_types = ["parallel", "parallel"]} ins(%106, %106 : tensor<2x20xf32>, tensor<2x20xf32>) outs(%97 : tensor<2x20xf32>) {
    ^bb0(%in: f32, %in_69: f32, %out: f32):
      %123 = arith.mulf %in, %in_69 : f32
      linalg.yield %123 : f32
    } -> tensor<2x20xf32>
    %108 = linalg.generic {indexing_maps = [affine_map<(d0, d1) -> (d0, d1)>, affine_map<(d0, d1) -> (d0, 0)>], iterator_types = ["parallel", "reduction"]} ins(%107 : tensor<2x20xf32>) outs(%102 : tensor<2x1xf32>) {
    ^bb0(%in: f32, %out: f32):
      %123 = arith.addf %in, %out : f32
      linalg.yield %123 : f32
    } -> tensor<2x1xf32>
    %109 = linalg.generic {indexing_maps = [affine_map<(d0, d1) -> (d0, d1)>, affine_map<(d0, d1) -> (d0, d1)>], iterator_types = ["parallel", "parallel"]} ins(%108 : tensor<2x1xf32>) outs(%101 : tensor<2x1xf32>) {
    ^bb0(%in: f32, %out: f32):
      %123 = arith.divf %in, %cst_35 : f32
      linalg.yield %123 : f32
    } -> tensor<2x1xf32>
    %110 = linalg.generic {indexing_maps = [affine_map<(d0, d1) -> (d0, d1)>, affine_map<(d0, d1) -> (d0, d1)>], iterator_types = ["parallel", "parallel"]} ins(%109 : tensor<2x1xf32>) outs(%101 : tensor<2x1xf32>) {
    ^bb0(%in: f32, %out: f32):
      %123 = arith.addf %in, %cst_32 : f32
      linalg.yield %123 : f32
    } -> tensor<2x1xf32>
    %111 = linalg.generic {indexing_maps = [affine_map<(d0, d1) -> (d0, d1)>, affine_map<(d0, d1) -> (d0, d1)>], iterator_types = ["parallel", "parallel"]} ins(%110 : tensor<2x1xf32>) outs(%101 : tensor<2x1xf32>) {
    ^bb0(%in: f32, %out: f32):
      %123 = math.rsqrt %in : f32
      linalg.yield %123 : f32
    } -> tensor<2x1xf32>
    %collapsed_67 = tensor.collapse_shape %111 [[0, 1]] : tensor<2x1xf32> into tensor<2xf32>
    %112 = linalg.generic {indexing_maps = [affine_map<(d0, d1) -> (d0)>, affine_map<(d0, d1) -> (d0, d1)>], iterator_types = ["parallel", "parallel"]} ins(%collapsed_67 : tensor<2xf32>) outs(%97 : tensor<2x20xf32>) {
    ^bb0(%in: f32, %out: f32):
      linalg.yield %in : f32
    } -> tensor<2x20xf32>
    %113 = linalg.generic {indexing_maps = [affine_map<(d0, d1) -> (d0, d1)>, affine_map<(d0, d1) -> (d0, d1)>, affine_map<(d0, d1) -> (d0, d1)>], iterator_types = ["parallel", "parallel"]} ins(%106, %112 : tensor<2x20xf32>, tensor<2x20xf32>) outs(%97 : tensor<2x20xf32>) {
    ^bb0(%in: f32, %in_69: f32, %out: f32):
      %123 = arith.mulf %in, %in_69 : f32
      linalg.yield %123 : f32
    } -> tensor<2x20xf32>
    %114 = linalg.generic {indexing_maps = [affine_map<(d0, d1) -> (d0, d1)>, affine_map<(d0, d1) -> (d1)>, affine_map<(d0, d1) -> (d0, d1)>], iterator_types = ["parallel", "parallel"]} ins(%113, %cst_23 : tensor<2x20xf32>, tensor<20xf32>) outs(%97 : tensor<2x20xf32>) {
    ^bb0(%in: f32, %in_69: f32, %out: f32):
      %123 = arith.mulf %in, %in_69 : f32
      linalg.yield %123 : f32
    } -> tensor<2x20xf32>
    %115 = linalg.generic {indexing_maps = [affine_map<(d0, d1) -> (d0, d1)>, affine_map<(d0, d1) -> (d1)>, affine_map<(d0, d1) -> (d0, d1)>], iterator_types = ["parallel", "parallel"]} ins(%114, %cst_24 : tensor<2x20xf32>, tensor<20xf32>) outs(%97 : tensor<2x20xf32>) {
    ^bb0(%in: f32, %in_69: f32, %out: f32):
      %123 = arith.addf %in, %in_69 : f32
      linalg.yield %123 : f32
    } -> tensor<2x20xf32>
    %116 = tensor.empty() : tensor<20x7xf32>
    %transposed_68 = linalg.transpose ins(%cst_25 : tensor<7x20xf32>) outs(%116 : tensor<20x7xf32>) permutation = [1, 0] 
    %117 = tensor.empty() : tensor<2x7xf32>
    %118 = linalg.fill ins(%cst : f32) outs(%117 : tensor<2x7xf32>) -> tensor<2x7xf32>
    %119 = linalg.matmul ins(%115, %transposed_68 : tensor<2x20xf32>, tensor<20x7xf32>) outs(%118 : tensor<2x7xf32>) -> tensor<2x7xf32>
    %120 = linalg.generic {indexing_maps = [affine_map<(d0, d1) -> (d0, d1)>, affine_map<(d0, d1) -> (d1)>, affine_map<(d0, d1) -> (d0, d1)>], iterator_types = ["parallel", "parallel"]} ins(%119, %cst_26 : tensor<2x7xf32>, tensor<7xf32>) outs(%117 : tensor<2x7xf32>) {
    ^bb0(%in: f32, %in_69: f32, %out: f32):
      %123 = arith.addf %in, %in_69 : f32
      linalg.yield %123 : f32
    } -> tensor<2x7xf32>
    return %120 : tensor<2x7xf32>
  }
}
