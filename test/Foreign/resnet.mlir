module {
  ml_program.global private @w0(#ml_program.extern<tensor<8x3x7x7xf32>>) : tensor<8x3x7x7xf32>
  ml_program.global private @w1(#ml_program.extern<tensor<8x8x3x3xf32>>) : tensor<8x8x3x3xf32>
  ml_program.global private @w2(#ml_program.extern<tensor<8x8x3x3xf32>>) : tensor<8x8x3x3xf32>
  ml_program.global private @w3(#ml_program.extern<tensor<16x8x3x3xf32>>) : tensor<16x8x3x3xf32>
  ml_program.global private @w4(#ml_program.extern<tensor<16x16x3x3xf32>>) : tensor<16x16x3x3xf32>
  ml_program.global private @w5(#ml_program.extern<tensor<16x8x1x1xf32>>) : tensor<16x8x1x1xf32>
  ml_program.global private @w6(#ml_program.extern<tensor<7x16xf32>>) : tensor<7x16xf32>
  func.func @main(%arg0: tensor<2x3x33x33xf32>) -> (tensor<2x7xf32>) {
    %cst = arith.constant 0.000000e+00 : f32
    %cst_0 = arith.constant 0xFF800000 : f32
    %cst_1 = ml_program.global_load_const @w0 : tensor<8x3x7x7xf32>
    %cst_2 = ml_program.global_load_const @w1 : tensor<8x8x3x3xf32>
    %cst_3 = ml_program.global_load_const @w2 : tensor<8x8x3x3xf32>
    %cst_4 = ml_program.global_load_const @w3 : tensor<16x8x3x3xf32>
    %cst_5 = ml_program.global_load_const @w4 : tensor<16x16x3x3xf32>
    %cst_6 = ml_program.global_load_const @w5 : tensor<16x8x1x1xf32>
    %cst_7 = ml_program.global_load_const @w6 : tensor<7x16xf32>
    %cst_8 = arith.constant dense<[0.169608265, 0.0361454785, 0.221722782, 0.106054664, 0.0893918871, 0.084239453, 0.232216597]> : tensor<7xf32>
    %cst_9 = arith.constant dense<[-0.537741303, 0.518911719, 3.972980e-01, -0.039945811, -0.906213164, -0.56227386, 0.830296874, -0.758954048]> : tensor<8xf32>
    %cst_10 = arith.constant dense<[0.43646571, 0.525477886, -1.21777344, -0.612112581, -6.349020e-01, -0.16682902, -0.621019244, -0.0261912048]> : tensor<8xf32>
    %cst_11 = arith.constant dense<[-0.00796169788, 0.346293926, -0.265364468, -0.246559173, -5.726770e-01, -0.171133816, 0.425466716, 0.152576268]> : tensor<8xf32>
    %cst_12 = arith.constant dense<[-0.0809383988, 0.152385443, -0.657823622, 0.894765377, -0.0755361319, 0.0397391021, 0.0629030466, 0.460496813, 0.0232299864, 0.384928584, -0.14591375, -1.09724951, 0.408072948, 0.688596964, 0.0344586074, -0.731672645]> : tensor<16xf32>
    %cst_13 = arith.constant dense<[-0.759291648, -0.304696023, -0.164267898, -0.509174109, 0.125338316, 0.455076516, 0.917943716, 0.176598549, 0.0486267284, -0.268402934, 0.847370803, -0.216403365, -0.821249783, 0.532935143, 0.637436867, 0.474836379]> : tensor<16xf32>
    %cst_14 = arith.constant dense<[0.616573095, 0.130976036, 0.249396682, 0.347527117, 8.602650e-01, -0.822545767, -0.257662892, 0.756949067, -0.24742192, -0.223134652, 0.33674407, 0.181197226, -2.321600e-01, 0.744474649, 0.689189076, -0.195425868]> : tensor<16xf32>
    %cst_15 = arith.constant 2.500000e+01 : f32
    %padded = tensor.pad %arg0 low[0, 0, 3, 3] high[0, 0, 3, 3] {
    ^bb0(%arg3: index, %arg4: index, %arg5: index, %arg6: index):
      tensor.yield %cst : f32
    } : tensor<2x3x33x33xf32> to tensor<2x3x39x39xf32>
    %1 = tensor.empty() : tensor<2x8x17x17xf32>
    %broadcasted = linalg.broadcast ins(%cst_9 : tensor<8xf32>) outs(%1 : tensor<2x8x17x17xf32>) dimensions = [0, 2, 3] 
    %2 = linalg.conv_2d_nchw_fchw {dilations = dense<1> : vector<2xi64>, strides = dense<2> : vector<2xi64>} ins(%padded, %cst_1 : tensor<2x3x39x39xf32>, tensor<8x3x7x7xf32>) outs(%broadcasted : tensor<2x8x17x17xf32>) -> tensor<2x8x17x17xf32>
    %3 = linalg.generic {indexing_maps = [affine_map<(d0, d1, d2, d3) -> (d0, d1, d2, d3)>, affine_map<(d0, d1, d2, d3) -> (d0, d1, d2, d3)>], iterator_types = ["parallel", "parallel", "parallel", "parallel"]} ins(%2 : tensor<2x8x17x17xf32>) outs(%1 : tensor<2x8x17x17xf32>) {
    ^bb0(%in: f32, %out: f32):
      %31 = arith.cmpf ugt, %in, %cst : f32
      %32 = arith.select %31, %in, %cst : f32
      linalg.yield %32 : f32
    } -> tensor<2x8x17x17xf32>
    %padded_16 = tensor.pad %3 low[0, 0, 1, 1] high[0, 0, 1, 1] {
    ^bb0(%arg3: index, %arg4: index, %arg5: index, %arg6: index):
      tensor.yield %cst_0 : f32
    } : tensor<2x8x17x17xf32> to tensor<2x8x19x19xf32>
    %4 = tensor.empty() : tensor<2x8x9x9xf32>
    %5 = linalg.fill ins(%cst_0 : f32) outs(%4 : tensor<2x8x9x9xf32>) -> tensor<2x8x9x9xf32>
    %6 = tensor.empty() : tensor<3x3xf32>
    %7 = linalg.pooling_nchw_max {dilations = dense<1> : vector<2xi64>, strides = dense<2> : vector<2xi64>} ins(%padded_16, %6 : tensor<2x8x19x19xf32>, tensor<3x3xf32>) outs(%5 : tensor<2x8x9x9xf32>) -> tensor<2x8x9x9xf32>
    %padded_17 = tensor.pad %7 low[0, 0, 1, 1] high[0, 0, 1, 1] {
    ^bb0(%arg3: index, %arg4: index, %arg5: index, %arg6: index):
      tensor.yield %cst : f32
    } : tensor<2x8x9x9xf32> to tensor<2x8x11x11xf32>
    %broadcasted_18 = linalg.broadcast ins(%cst_10 : tensor<8xf32>) outs(%4 : tensor<2x8x9x9xf32>) dimensions = [0, 2, 3] 
    %8 = linalg.conv_2d_nchw_fchw {dilations = dense<1> : vector<2xi64>, strides = dense<1> : vector<2xi64>} ins(%padded_17, %cst_2 : tensor<2x8x11x11xf32>, tensor<8x8x3x3xf32>) outs(%broadcasted_18 : tensor<2x8x9x9xf32>) -> tensor<2x8x9x9xf32>
    %9 = linalg.generic {indexing_maps = [affine_map<(d0, d1, d2, d3) -> (d0, d1, d2, d3)>, affine_map<(d0, d1, d2, d3) -> (d0, d1, d2, d3)>], iterator_types = ["parallel", "parallel", "parallel", "parallel"]} ins(%8 : tensor<2x8x9x9xf32>) outs(%4 : tensor<2x8x9x9xf32>) {
    ^bb0(%in: f32, %out: f32):
      %31 = arith.cmpf ugt, %in, %cst : f32
      %32 = arith.select %31, %in, %cst : f32
      linalg.yield %32 : f32
    } -> tensor<2x8x9x9xf32>
    %padded_19 = tensor.pad %9 low[0, 0, 1, 1] high[0, 0, 1, 1] {
    ^bb0(%arg3: index, %arg4: index, %arg5: index, %arg6: index):
      tensor.yield %cst : f32
    } : tensor<2x8x9x9xf32> to tensor<2x8x11x11xf32>
    %broadcasted_20 = linalg.broadcast ins(%cst_11 : tensor<8xf32>) outs(%4 : tensor<2x8x9x9xf32>) dimensions = [0, 2, 3] 
    %10 = linalg.conv_2d_nchw_fchw {dilations = dense<1> : vector<2xi64>, strides = dense<1> : vector<2xi64>} ins(%padded_19, %cst_3 : tensor<2x8x11x11xf32>, tensor<8x8x3x3xf32>) outs(%broadcasted_20 : tensor<2x8x9x9xf32>) -> tensor<2x8x9x9xf32>
    %11 = linalg.generic {indexing_maps = [affine_map<(d0, d1, d2, d3) -> (d0, d1, d2, d3)>, affine_map<(d0, d1, d2, d3) -> (d0, d1, d2, d3)>, affine_map<(d0, d1, d2, d3) -> (d0, d1, d2, d3)>], iterator_types = ["parallel", "parallel", "parallel", "parallel"]} ins(%10, %7 : tensor<2x8x9x9xf32>, tensor<2x8x9x9xf32>) outs(%4 : tensor<2x8x9x9xf32>) {
    ^bb0(%in: f32, %in_26: f32, %out: f32):
      %31 = arith.addf %in, %in_26 : f32
      linalg.yield %31 : f32
    } -> tensor<2x8x9x9xf32>
    %12 = linalg.generic {indexing_maps = [affine_map<(d0, d1, d2, d3) -> (d0, d1, d2, d3)>, affine_map<(d0, d1, d2, d3) -> (d0, d1, d2, d3)>], iterator_types = ["parallel", "parallel", "parallel", "parallel"]} ins(%11 : tensor<2x8x9x9xf32>) outs(%4 : tensor<2x8x9x9xf32>) {
    ^bb0(%in: f32, %out: f32):
      %31 = arith.cmpf ugt, %in, %cst : f32
      %32 = arith.select %31, %in, %cst : f32
      linalg.yield %32 : f32
    } -> tensor<2x8x9x9xf32>
    %padded_21 = tensor.pad %12 low[0, 0, 1, 1] high[0, 0, 1, 1] {
    ^bb0(%arg3: index, %arg4: index, %arg5: index, %arg6: index):
      tensor.yield %cst : f32
    } : tensor<2x8x9x9xf32> to tensor<2x8x11x11xf32>
    %13 = tensor.empty() : tensor<2x16x5x5xf32>
    %broadcasted_22 = linalg.broadcast ins(%cst_12 : tensor<16xf32>) outs(%13 : tensor<2x16x5x5xf32>) dimensions = [0, 2, 3] 
    %14 = linalg.conv_2d_nchw_fchw {dilations = dense<1> : vector<2xi64>, strides = dense<2> : vector<2xi64>} ins(%padded_21, %cst_4 : tensor<2x8x11x11xf32>, tensor<16x8x3x3xf32>) outs(%broadcasted_22 : tensor<2x16x5x5xf32>) -> tensor<2x16x5x5xf32>
    %15 = linalg.generic {indexing_maps = [affine_map<(d0, d1, d2, d3) -> (d0, d1, d2, d3)>, affine_map<(d0, d1, d2, d3) -> (d0, d1, d2, d3)>], iterator_types = ["parallel", "parallel", "parallel", "parallel"]} ins(%14 : tensor<2x16x5x5xf32>) outs(%13 : tensor<2x16x5x5xf32>) {
    ^bb0(%in: f32, %out: f32):
      %31 = arith.cmpf ugt, %in, %cst : f32
      %32 = arith.select %31, %in, %cst : f32
      linalg.yield %32 : f32
    } -> tensor<2x16x5x5xf32>
    %padded_23 = tensor.pad %15 low[0, 0, 1, 1] high[0, 0, 1, 1] {
    ^bb0(%arg3: index, %arg4: index, %arg5: index, %arg6: index):
      tensor.yield %cst : f32
    } : tensor<2x16x5x5xf32> to tensor<2x16x7x7xf32>
    %broadcasted_24 = linalg.broadcast ins(%cst_13 : tensor<16xf32>) outs(%13 : tensor<2x16x5x5xf32>) dimensions = [0, 2, 3] 
    %16 = linalg.conv_2d_nchw_fchw {dilations = dense<1> : vector<2xi64>, strides = dense<1> : vector<2xi64>} ins(%padded_23, %cst_5 : tensor<2x16x7x7xf32>, tensor<16x16x3x3xf32>) outs(%broadcasted_24 : tensor<2x16x5x5xf32>) -> tensor<2x16x5x5xf32>
    %broadcasted_25 = linalg.broadcast ins(%cst_14 : tensor<16xf32>) outs(%13 : tensor<2x16x5x5xf32>) dimensions = [0, 2, 3] 
    %17 = linalg.conv_2d_nchw_fchw {dilations = dense<1> : vector<2xi64>, strides = dense<2> : vector<2xi64>} ins(%12, %cst_6 : tensor<2x8x9x9xf32>, tensor<16x8x1x1xf32>) outs(%broadcasted_25 : tensor<2x16x5x5xf32>) -> tensor<2x16x5x5xf32>
    %18 = linalg.generic {indexing_maps = [affine_map<(d0, d1, d2, d3) -> (d0, d1, d2, d3)>, affine_map<(d0, d1, d2, d3) -> (d0, d1, d2, d3)>, affine_map<(d0, d1, d2, d3) -> (d0, d1, d2, d3)>], iterator_types = ["parallel", "parallel", "parallel", "parallel"]} ins(%16, %17 : tensor<2x16x5x5xf32>, tensor<2x16x5x5xf32>) outs(%13 : tensor<2x16x5x5xf32>) {
    ^bb0(%in: f32, %in_26: f32, %out: f32):
      %31 = arith.addf %in, %in_26 : f32
      linalg.yield %31 : f32
    } -> tensor<2x16x5x5xf32>
    %19 = linalg.generic {indexing_maps = [affine_map<(d0, d1, d2, d3) -> (d0, d1, d2, d3)>, affine_map<(d0, d1, d2, d3) -> (d0, d1, d2, d3)>], iterator_types = ["parallel", "parallel", "parallel", "parallel"]} ins(%18 : tensor<2x16x5x5xf32>) outs(%13 : tensor<2x16x5x5xf32>) {
    ^bb0(%in: f32, %out: f32):
      %31 = arith.cmpf ugt, %in, %cst : f32
      %32 = arith.select %31, %in, %cst : f32
      linalg.yield %32 : f32
    } -> tensor<2x16x5x5xf32>
    %20 = tensor.empty() : tensor<2x16x1x1xf32>
    %21 = linalg.fill ins(%cst : f32) outs(%20 : tensor<2x16x1x1xf32>) -> tensor<2x16x1x1xf32>
    %22 = linalg.generic {indexing_maps = [affine_map<(d0, d1, d2, d3) -> (d0, d1, d2, d3)>, affine_map<(d0, d1, d2, d3) -> (d0, d1, 0, 0)>], iterator_types = ["parallel", "parallel", "reduction", "reduction"]} ins(%19 : tensor<2x16x5x5xf32>) outs(%21 : tensor<2x16x1x1xf32>) {
    ^bb0(%in: f32, %out: f32):
      %31 = arith.addf %in, %out : f32
      linalg.yield %31 : f32
    } -> tensor<2x16x1x1xf32>
    %23 = linalg.generic {indexing_maps = [affine_map<(d0, d1, d2, d3) -> (d0, d1, d2, d3)>, affine_map<(d0, d1, d2, d3) -> (d0, d1, d2, d3)>], iterator_types = ["parallel", "parallel", "parallel", "parallel"]} ins(%22 : tensor<2x16x1x1xf32>) outs(%20 : tensor<2x16x1x1xf32>) {
    ^bb0(%in: f32, %out: f32):
      %31 = arith.divf %in, %cst_15 : f32
      linalg.yield %31 : f32
    } -> tensor<2x16x1x1xf32>
    %collapsed = tensor.collapse_shape %23 [[0], [1, 2, 3]] : tensor<2x16x1x1xf32> into tensor<2x16xf32>
    %24 = tensor.empty() : tensor<16x7xf32>
    %transposed = linalg.transpose ins(%cst_7 : tensor<7x16xf32>) outs(%24 : tensor<16x7xf32>) permutation = [1, 0] 
    %25 = tensor.empty() : tensor<2x7xf32>
    %26 = linalg.fill ins(%cst : f32) outs(%25 : tensor<2x7xf32>) -> tensor<2x7xf32>
    %27 = linalg.matmul ins(%collapsed, %transposed : tensor<2x16xf32>, tensor<16x7xf32>) outs(%26 : tensor<2x7xf32>) -> tensor<2x7xf32>
    %28 = linalg.generic {indexing_maps = [affine_map<(d0, d1) -> (d0, d1)>, affine_map<(d0, d1) -> (d1)>, affine_map<(d0, d1) -> (d0, d1)>], iterator_types = ["parallel", "parallel"]} ins(%27, %cst_8 : tensor<2x7xf32>, tensor<7xf32>) outs(%25 : tensor<2x7xf32>) {
    ^bb0(%in: f32, %in_26: f32, %out: f32):
      %31 = arith.addf %in, %in_26 : f32
      linalg.yield %31 : f32
    } -> tensor<2x7xf32>
    return %28 : tensor<2x7xf32>
  }
}
