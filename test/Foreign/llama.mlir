module {
  ml_program.global private @w0(#ml_program.extern<tensor<89x32xf32>>) : tensor<89x32xf32>
  ml_program.global private @w1(#ml_program.extern<tensor<10x8xf32>>) : tensor<10x8xf32>
  ml_program.global private @w2(#ml_program.extern<tensor<10x8xf32>>) : tensor<10x8xf32>
  ml_program.global private @w3(#ml_program.extern<tensor<32x32xf32>>) : tensor<32x32xf32>
  ml_program.global private @w4(#ml_program.extern<tensor<32x16xf32>>) : tensor<32x16xf32>
  ml_program.global private @w5(#ml_program.extern<tensor<32x16xf32>>) : tensor<32x16xf32>
  ml_program.global private @w6(#ml_program.extern<tensor<10x10xf32>>) : tensor<10x10xf32>
  ml_program.global private @w7(#ml_program.extern<tensor<32x32xf32>>) : tensor<32x32xf32>
  ml_program.global private @w8(#ml_program.extern<tensor<32x64xf32>>) : tensor<32x64xf32>
  ml_program.global private @w9(#ml_program.extern<tensor<32x64xf32>>) : tensor<32x64xf32>
  ml_program.global private @w10(#ml_program.extern<tensor<64x32xf32>>) : tensor<64x32xf32>
  ml_program.global private @w11(#ml_program.extern<tensor<32x32xf32>>) : tensor<32x32xf32>
  ml_program.global private @w12(#ml_program.extern<tensor<32x16xf32>>) : tensor<32x16xf32>
  ml_program.global private @w13(#ml_program.extern<tensor<32x16xf32>>) : tensor<32x16xf32>
  ml_program.global private @w14(#ml_program.extern<tensor<32x32xf32>>) : tensor<32x32xf32>
  ml_program.global private @w15(#ml_program.extern<tensor<32x64xf32>>) : tensor<32x64xf32>
  ml_program.global private @w16(#ml_program.extern<tensor<32x64xf32>>) : tensor<32x64xf32>
  ml_program.global private @w17(#ml_program.extern<tensor<64x32xf32>>) : tensor<64x32xf32>
  ml_program.global private @w18(#ml_program.extern<tensor<32x89xf32>>) : tensor<32x89xf32>
  func.func @main(%arg0: tensor<2x10xi64>) -> (tensor<2x10x89xf32>) {
    %c89_i64 = arith.constant 89 : i64
    %c2_i64 = arith.constant 2 : i64
    %c0_i64 = arith.constant 0 : i64
    %cst = arith.constant 0.000000e+00 : f32
    %cst_0 = arith.constant 1.000000e+00 : f32
    %cst_1 = arith.constant 0xFF800000 : f32
    %cst_2 = ml_program.global_load_const @w0 : tensor<89x32xf32>
    %cst_3 = arith.constant dense<1.000000e+00> : tensor<32xf32>
    %cst_4 = ml_program.global_load_const @w1 : tensor<10x8xf32>
    %cst_5 = ml_program.global_load_const @w2 : tensor<10x8xf32>
    %cst_6 = ml_program.global_load_const @w3 : tensor<32x32xf32>
    %cst_7 = ml_program.global_load_const @w4 : tensor<32x16xf32>
    %cst_8 = ml_program.global_load_const @w5 : tensor<32x16xf32>
    %cst_9 = ml_program.global_load_const @w6 : tensor<10x10xf32>
    %cst_10 = ml_program.global_load_const @w7 : tensor<32x32xf32>
    %cst_11 = ml_program.global_load_const @w8 : tensor<32x64xf32>
    %cst_12 = ml_program.global_load_const @w9 : tensor<32x64xf32>
    %cst_13 = ml_program.global_load_const @w10 : tensor<64x32xf32>
    %cst_14 = ml_program.global_load_const @w11 : tensor<32x32xf32>
    %cst_15 = ml_program.global_load_const @w12 : tensor<32x16xf32>
    %cst_16 = ml_program.global_load_const @w13 : tensor<32x16xf32>
    %cst_17 = ml_program.global_load_const @w14 : tensor<32x32xf32>
    %cst_18 = ml_program.global_load_const @w15 : tensor<32x64xf32>
    %cst_19 = ml_program.global_load_const @w16 : tensor<32x64xf32>
    %cst_20 = ml_program.global_load_const @w17 : tensor<64x32xf32>
    %cst_21 = ml_program.global_load_const @w18 : tensor<32x89xf32>
    %cst_22 = arith.constant dense<9.99999997E-7> : tensor<f32>
    %cst_23 = arith.constant dense<2.82842708> : tensor<f32>
    %cst_24 = arith.constant 3.200000e+01 : f32
    %1 = tensor.empty() : tensor<2x10xi1>
    %2 = linalg.generic {indexing_maps = [affine_map<(d0, d1) -> (d0, d1)>, affine_map<(d0, d1) -> (d0, d1)>], iterator_types = ["parallel", "parallel"]} ins(%arg0 : tensor<2x10xi64>) outs(%1 : tensor<2x10xi1>) {
    ^bb0(%in: i64, %out: i1):
      %161 = arith.cmpi slt, %in, %c0_i64 : i64
      linalg.yield %161 : i1
    } -> tensor<2x10xi1>
    %3 = tensor.empty() : tensor<2x10xi64>
    %4 = linalg.generic {indexing_maps = [affine_map<(d0, d1) -> (d0, d1)>, affine_map<(d0, d1) -> (d0, d1)>], iterator_types = ["parallel", "parallel"]} ins(%arg0 : tensor<2x10xi64>) outs(%3 : tensor<2x10xi64>) {
    ^bb0(%in: i64, %out: i64):
      %161 = arith.addi %in, %c89_i64 : i64
      linalg.yield %161 : i64
    } -> tensor<2x10xi64>
    %5 = linalg.generic {indexing_maps = [affine_map<(d0, d1) -> (d0, d1)>, affine_map<(d0, d1) -> (d0, d1)>, affine_map<(d0, d1) -> (d0, d1)>, affine_map<(d0, d1) -> (d0, d1)>], iterator_types = ["parallel", "parallel"]} ins(%2, %4, %arg0 : tensor<2x10xi1>, tensor<2x10xi64>, tensor<2x10xi64>) outs(%3 : tensor<2x10xi64>) {
    ^bb0(%in: i1, %in_68: i64, %in_69: i64, %out: i64):
      %161 = arith.select %in, %in_68, %in_69 : i64
      linalg.yield %161 : i64
    } -> tensor<2x10xi64>
    %collapsed = tensor.collapse_shape %5 [[0, 1]] : tensor<2x10xi64> into tensor<20xi64>
    %6 = tensor.empty() : tensor<20x32xf32>
    %7 = linalg.generic {indexing_maps = [affine_map<(d0, d1) -> (d0)>, affine_map<(d0, d1) -> (d0, d1)>], iterator_types = ["parallel", "parallel"]} ins(%collapsed : tensor<20xi64>) outs(%6 : tensor<20x32xf32>) {
    ^bb0(%in: i64, %out: f32):
      %161 = arith.index_cast %in : i64 to index
      %162 = linalg.index 1 : index
      %extracted = tensor.extract %cst_2[%161, %162] : tensor<89x32xf32>
      linalg.yield %extracted : f32
    } -> tensor<20x32xf32>
    %expanded = tensor.expand_shape %7 [[0, 1], [2]] output_shape [2, 10, 32] : tensor<20x32xf32> into tensor<2x10x32xf32>
    %8 = tensor.empty() : tensor<2x10x32xf32>
    %9 = linalg.generic {indexing_maps = [affine_map<(d0, d1, d2) -> (d0, d1, d2)>, affine_map<(d0, d1, d2) -> (d0, d1, d2)>], iterator_types = ["parallel", "parallel", "parallel"]} ins(%expanded : tensor<2x10x32xf32>) outs(%8 : tensor<2x10x32xf32>) {
    ^bb0(%in: f32, %out: f32):
      %161 = math.fpowi %in, %c2_i64 : f32, i64
      linalg.yield %161 : f32
    } -> tensor<2x10x32xf32>
    %10 = tensor.empty() : tensor<2x10x1xf32>
    %11 = linalg.fill ins(%cst : f32) outs(%10 : tensor<2x10x1xf32>) -> tensor<2x10x1xf32>
    %12 = linalg.generic {indexing_maps = [affine_map<(d0, d1, d2) -> (d0, d1, d2)>, affine_map<(d0, d1, d2) -> (d0, d1, 0)>], iterator_types = ["parallel", "parallel", "reduction"]} ins(%9 : tensor<2x10x32xf32>) outs(%11 : tensor<2x10x1xf32>) {
    ^bb0(%in: f32, %out: f32):
      %161 = arith.addf %in, %out : f32
      linalg.yield %161 : f32
    } -> tensor<2x10x1xf32>
    %13 = linalg.generic {indexing_maps = [affine_map<(d0, d1, d2) -> (d0, d1, d2)>, affine_map<(d0, d1, d2) -> (d0, d1, d2)>], iterator_types = ["parallel", "parallel", "parallel"]} ins(%12 : tensor<2x10x1xf32>) outs(%10 : tensor<2x10x1xf32>) {
    ^bb0(%in: f32, %out: f32):
      %161 = arith.divf %in, %cst_24 : f32
      linalg.yield %161 : f32
    } -> tensor<2x10x1xf32>
    %14 = linalg.generic {indexing_maps = [affine_map<(d0, d1, d2) -> (d0, d1, d2)>, affine_map<(d0, d1, d2) -> ()>, affine_map<(d0, d1, d2) -> (d0, d1, d2)>], iterator_types = ["parallel", "parallel", "parallel"]} ins(%13, %cst_22 : tensor<2x10x1xf32>, tensor<f32>) outs(%10 : tensor<2x10x1xf32>) {
    ^bb0(%in: f32, %in_68: f32, %out: f32):
      %161 = arith.addf %in, %in_68 : f32
      linalg.yield %161 : f32
    } -> tensor<2x10x1xf32>
    %15 = linalg.generic {indexing_maps = [affine_map<(d0, d1, d2) -> (d0, d1, d2)>, affine_map<(d0, d1, d2) -> (d0, d1, d2)>], iterator_types = ["parallel", "parallel", "parallel"]} ins(%14 : tensor<2x10x1xf32>) outs(%10 : tensor<2x10x1xf32>) {
    ^bb0(%in: f32, %out: f32):
      %161 = math.sqrt %in : f32
      linalg.yield %161 : f32
    } -> tensor<2x10x1xf32>
    %16 = linalg.generic {indexing_maps = [affine_map<(d0, d1, d2) -> (d0, d1, d2)>, affine_map<(d0, d1, d2) -> (d0, d1, d2)>], iterator_types = ["parallel", "parallel", "parallel"]} ins(%15 : tensor<2x10x1xf32>) outs(%10 : tensor<2x10x1xf32>) {
    ^bb0(%in: f32, %out: f32):
      %161 = arith.cmpf one, %in, %cst : f32
      cf.assert %161, "unimplemented: tensor with zero element"
      %162 = arith.divf %cst_0, %in : f32
      linalg.yield %162 : f32
    } -> tensor<2x10x1xf32>
    %17 = linalg.generic {indexing_maps = [affine_map<(d0, d1, d2) -> (d0, d1, d2)>, affine_map<(d0, d1, d2) -> (d0, d1, 0)>, affine_map<(d0, d1, d2) -> (d0, d1, d2)>], iterator_types = ["parallel", "parallel", "parallel"]} ins(%expanded, %16 : tensor<2x10x32xf32>, tensor<2x10x1xf32>) outs(%8 : tensor<2x10x32xf32>) {
    ^bb0(%in: f32, %in_68: f32, %out: f32):
      %161 = arith.mulf %in, %in_68 : f32
      linalg.yield %161 : f32
    } -> tensor<2x10x32xf32>
    %18 = linalg.generic {indexing_maps = [affine_map<(d0, d1, d2) -> (d0, d1, d2)>, affine_map<(d0, d1, d2) -> (d2)>, affine_map<(d0, d1, d2) -> (d0, d1, d2)>], iterator_types = ["parallel", "parallel", "parallel"]} ins(%17, %cst_3 : tensor<2x10x32xf32>, tensor<32xf32>) outs(%8 : tensor<2x10x32xf32>) {
    ^bb0(%in: f32, %in_68: f32, %out: f32):
      %161 = arith.mulf %in, %in_68 : f32
      linalg.yield %161 : f32
    } -> tensor<2x10x32xf32>
    %19 = tensor.empty() : tensor<2x32x32xf32>
    %20 = linalg.generic {indexing_maps = [affine_map<(d0, d1, d2) -> (d1, d2)>, affine_map<(d0, d1, d2) -> (d0, d1, d2)>], iterator_types = ["parallel", "parallel", "parallel"]} ins(%cst_6 : tensor<32x32xf32>) outs(%19 : tensor<2x32x32xf32>) {
    ^bb0(%in: f32, %out: f32):
      linalg.yield %in : f32
    } -> tensor<2x32x32xf32>
    %21 = linalg.fill ins(%cst : f32) outs(%8 : tensor<2x10x32xf32>) -> tensor<2x10x32xf32>
    %22 = linalg.batch_matmul ins(%18, %20 : tensor<2x10x32xf32>, tensor<2x32x32xf32>) outs(%21 : tensor<2x10x32xf32>) -> tensor<2x10x32xf32>
    %expanded_25 = tensor.expand_shape %22 [[0], [1], [2, 3]] output_shape [2, 10, 4, 8] : tensor<2x10x32xf32> into tensor<2x10x4x8xf32>
    %23 = tensor.empty() : tensor<2x4x10x8xf32>
    %transposed = linalg.transpose ins(%expanded_25 : tensor<2x10x4x8xf32>) outs(%23 : tensor<2x4x10x8xf32>) permutation = [0, 2, 1, 3] 
    %extracted_slice = tensor.extract_slice %transposed[0, 0, 0, 0] [2, 4, 10, 4] [1, 1, 1, 1] : tensor<2x4x10x8xf32> to tensor<2x4x10x4xf32>
    %extracted_slice_26 = tensor.extract_slice %transposed[0, 0, 0, 4] [2, 4, 10, 4] [1, 1, 1, 1] : tensor<2x4x10x8xf32> to tensor<2x4x10x4xf32>
    %24 = linalg.generic {indexing_maps = [affine_map<(d0, d1, d2, d3) -> (d0, d1, d2, d3)>, affine_map<(d0, d1, d2, d3) -> (d2, d3)>, affine_map<(d0, d1, d2, d3) -> (d0, d1, d2, d3)>], iterator_types = ["parallel", "parallel", "parallel", "parallel"]} ins(%transposed, %cst_4 : tensor<2x4x10x8xf32>, tensor<10x8xf32>) outs(%23 : tensor<2x4x10x8xf32>) {
    ^bb0(%in: f32, %in_68: f32, %out: f32):
      %161 = arith.mulf %in, %in_68 : f32
      linalg.yield %161 : f32
    } -> tensor<2x4x10x8xf32>
    %25 = tensor.empty() : tensor<2x4x10x4xf32>
    %26 = linalg.generic {indexing_maps = [affine_map<(d0, d1, d2, d3) -> (d0, d1, d2, d3)>, affine_map<(d0, d1, d2, d3) -> (d0, d1, d2, d3)>], iterator_types = ["parallel", "parallel", "parallel", "parallel"]} ins(%extracted_slice_26 : tensor<2x4x10x4xf32>) outs(%25 : tensor<2x4x10x4xf32>) {
    ^bb0(%in: f32, %out: f32):
      %161 = arith.negf %in : f32
      linalg.yield %161 : f32
    } -> tensor<2x4x10x4xf32>
    %concat = tensor.concat dim(3) %26, %extracted_slice : (tensor<2x4x10x4xf32>, tensor<2x4x10x4xf32>) -> tensor<2x4x10x8xf32>
    %27 = linalg.generic {indexing_maps = [affine_map<(d0, d1, d2, d3) -> (d0, d1, d2, d3)>, affine_map<(d0, d1, d2, d3) -> (d2, d3)>, affine_map<(d0, d1, d2, d3) -> (d0, d1, d2, d3)>], iterator_types = ["parallel", "parallel", "parallel", "parallel"]} ins(%concat, %cst_5 : tensor<2x4x10x8xf32>, tensor<10x8xf32>) outs(%23 : tensor<2x4x10x8xf32>) {
    ^bb0(%in: f32, %in_68: f32, %out: f32):
      %161 = arith.mulf %in, %in_68 : f32
      linalg.yield %161 : f32
    } -> tensor<2x4x10x8xf32>
    %28 = linalg.generic {indexing_maps = [affine_map<(d0, d1, d2, d3) -> (d0, d1, d2, d3)>, affine_map<(d0, d1, d2, d3) -> (d0, d1, d2, d3)>, affine_map<(d0, d1, d2, d3) -> (d0, d1, d2, d3)>], iterator_types = ["parallel", "parallel", "parallel", "parallel"]} ins(%24, %27 : tensor<2x4x10x8xf32>, tensor<2x4x10x8xf32>) outs(%23 : tensor<2x4x10x8xf32>) {
    ^bb0(%in: f32, %in_68: f32, %out: f32):
      %161 = arith.addf %in, %in_68 : f32
      linalg.yield %161 : f32
    } -> tensor<2x4x10x8xf32>
    %29 = tensor.empty() : tensor<2x32x16xf32>
    %30 = linalg.generic {indexing_maps = [affine_map<(d0, d1, d2) -> (d1, d2)>, affine_map<(d0, d1, d2) -> (d0, d1, d2)>], iterator_types = ["parallel", "parallel", "parallel"]} ins(%cst_7 : tensor<32x16xf32>) outs(%29 : tensor<2x32x16xf32>) {
    ^bb0(%in: f32, %out: f32):
      linalg.yield %in : f32
    } -> tensor<2x32x16xf32>
    %31 = tensor.empty() : tensor<2x10x16xf32>
    %32 = linalg.fill ins(%cst : f32) outs(%31 : tensor<2x10x16xf32>) -> tensor<2x10x16xf32>
    %33 = linalg.batch_matmul ins(%18, %30 : tensor<2x10x32xf32>, tensor<2x32x16xf32>) outs(%32 : tensor<2x10x16xf32>) -> tensor<2x10x16xf32>
    %expanded_27 = tensor.expand_shape %33 [[0], [1], [2, 3]] output_shape [2, 10, 2, 8] : tensor<2x10x16xf32> into tensor<2x10x2x8xf32>
    %34 = tensor.empty() : tensor<2x2x10x8xf32>
    %transposed_28 = linalg.transpose ins(%expanded_27 : tensor<2x10x2x8xf32>) outs(%34 : tensor<2x2x10x8xf32>) permutation = [0, 2, 1, 3] 
    %extracted_slice_29 = tensor.extract_slice %transposed_28[0, 0, 0, 0] [2, 2, 10, 4] [1, 1, 1, 1] : tensor<2x2x10x8xf32> to tensor<2x2x10x4xf32>
    %extracted_slice_30 = tensor.extract_slice %transposed_28[0, 0, 0, 4] [2, 2, 10, 4] [1, 1, 1, 1] : tensor<2x2x10x8xf32> to tensor<2x2x10x4xf32>
    %35 = linalg.generic {indexing_maps = [affine_map<(d0, d1, d2, d3) -> (d0, d1, d2, d3)>, affine_map<(d0, d1, d2, d3) -> (d2, d3)>, affine_map<(d0, d1, d2, d3) -> (d0, d1, d2, d3)>], iterator_types = ["parallel", "parallel", "parallel", "parallel"]} ins(%transposed_28, %cst_4 : tensor<2x2x10x8xf32>, tensor<10x8xf32>) outs(%34 : tensor<2x2x10x8xf32>) {
    ^bb0(%in: f32, %in_68: f32, %out: f32):
      %161 = arith.mulf %in, %in_68 : f32
      linalg.yield %161 : f32
    } -> tensor<2x2x10x8xf32>
    %36 = tensor.empty() : tensor<2x2x10x4xf32>
    %37 = linalg.generic {indexing_maps = [affine_map<(d0, d1, d2, d3) -> (d0, d1, d2, d3)>, affine_map<(d0, d1, d2, d3) -> (d0, d1, d2, d3)>], iterator_types = ["parallel", "parallel", "parallel", "parallel"]} ins(%extracted_slice_30 : tensor<2x2x10x4xf32>) outs(%36 : tensor<2x2x10x4xf32>) {
    ^bb0(%in: f32, %out: f32):
      %161 = arith.negf %in : f32
      linalg.yield %161 : f32
    } -> tensor<2x2x10x4xf32>
    %concat_31 = tensor.concat dim(3) %37, %extracted_slice_29 : (tensor<2x2x10x4xf32>, tensor<2x2x10x4xf32>) -> tensor<2x2x10x8xf32>
    %38 = linalg.generic {indexing_maps = [affine_map<(d0, d1, d2, d3) -> (d0, d1, d2, d3)>, affine_map<(d0, d1, d2, d3) -> (d2, d3)>, affine_map<(d0, d1, d2, d3) -> (d0, d1, d2, d3)>], iterator_types = ["parallel", "parallel", "parallel", "parallel"]} ins(%concat_31, %cst_5 : tensor<2x2x10x8xf32>, tensor<10x8xf32>) outs(%34 : tensor<2x2x10x8xf32>) {
    ^bb0(%in: f32, %in_68: f32, %out: f32):
      %161 = arith.mulf %in, %in_68 : f32
      linalg.yield %161 : f32
    } -> tensor<2x2x10x8xf32>
    %39 = linalg.generic {indexing_maps = [affine_map<(d0, d1, d2, d3) -> (d0, d1, d2, d3)>, affine_map<(d0, d1, d2, d3) -> (d0, d1, d2, d3)>, affine_map<(d0, d1, d2, d3) -> (d0, d1, d2, d3)>], iterator_types = ["parallel", "parallel", "parallel", "parallel"]} ins(%35, %38 : tensor<2x2x10x8xf32>, tensor<2x2x10x8xf32>) outs(%34 : tensor<2x2x10x8xf32>) {
    ^bb0(%in: f32, %in_68: f32, %out: f32):
      %161 = arith.addf %in, %in_68 : f32
      linalg.yield %161 : f32
    } -> tensor<2x2x10x8xf32>
    %40 = linalg.generic {indexing_maps = [affine_map<(d0, d1, d2) -> (d1, d2)>, affine_map<(d0, d1, d2) -> (d0, d1, d2)>], iterator_types = ["parallel", "parallel", "parallel"]} ins(%cst_8 : tensor<32x16xf32>) outs(%29 : tensor<2x32x16xf32>) {
    ^bb0(%in: f32, %out: f32):
      linalg.yield %in : f32
    } -> tensor<2x32x16xf32>
    %41 = linalg.batch_matmul ins(%18, %40 : tensor<2x10x32xf32>, tensor<2x32x16xf32>) outs(%32 : tensor<2x10x16xf32>) -> tensor<2x10x16xf32>
    %expanded_32 = tensor.expand_shape %41 [[0], [1], [2, 3]] output_shape [2, 10, 2, 8] : tensor<2x10x16xf32> into tensor<2x10x2x8xf32>
    %transposed_33 = linalg.transpose ins(%expanded_32 : tensor<2x10x2x8xf32>) outs(%34 : tensor<2x2x10x8xf32>) permutation = [0, 2, 1, 3] 
    %42 = tensor.empty() : tensor<2x2x2x10x8xf32>
    %43 = linalg.generic {indexing_maps = [affine_map<(d0, d1, d2, d3, d4) -> (d0, d1, d3, d4)>, affine_map<(d0, d1, d2, d3, d4) -> (d0, d1, d2, d3, d4)>], iterator_types = ["parallel", "parallel", "parallel", "parallel", "parallel"]} ins(%39 : tensor<2x2x10x8xf32>) outs(%42 : tensor<2x2x2x10x8xf32>) {
    ^bb0(%in: f32, %out: f32):
      linalg.yield %in : f32
    } -> tensor<2x2x2x10x8xf32>
    %collapsed_34 = tensor.collapse_shape %43 [[0], [1, 2], [3], [4]] : tensor<2x2x2x10x8xf32> into tensor<2x4x10x8xf32>
    %44 = linalg.generic {indexing_maps = [affine_map<(d0, d1, d2, d3, d4) -> (d0, d1, d3, d4)>, affine_map<(d0, d1, d2, d3, d4) -> (d0, d1, d2, d3, d4)>], iterator_types = ["parallel", "parallel", "parallel", "parallel", "parallel"]} ins(%transposed_33 : tensor<2x2x10x8xf32>) outs(%42 : tensor<2x2x2x10x8xf32>) {
    ^bb0(%in: f32, %out: f32):
      linalg.yield %in : f32
    } -> tensor<2x2x2x10x8xf32>
    %45 = tensor.empty() : tensor<2x4x8x10xf32>
    %transposed_35 = linalg.transpose ins(%collapsed_34 : tensor<2x4x10x8xf32>) outs(%45 : tensor<2x4x8x10xf32>) permutation = [0, 1, 3, 2] 
    %collapsed_36 = tensor.collapse_shape %28 [[0, 1], [2], [3]] : tensor<2x4x10x8xf32> into tensor<8x10x8xf32>
    %collapsed_37 = tensor.collapse_shape %transposed_35 [[0, 1], [2], [3]] : tensor<2x4x8x10xf32> into tensor<8x8x10xf32>
    %46 = tensor.empty() : tensor<8x10x10xf32>
    %47 = linalg.fill ins(%cst : f32) outs(%46 : tensor<8x10x10xf32>) -> tensor<8x10x10xf32>
    %48 = linalg.batch_matmul ins(%collapsed_36, %collapsed_37 : tensor<8x10x8xf32>, tensor<8x8x10xf32>) outs(%47 : tensor<8x10x10xf32>) -> tensor<8x10x10xf32>
    %expanded_38 = tensor.expand_shape %48 [[0, 1], [2], [3]] output_shape [2, 4, 10, 10] : tensor<8x10x10xf32> into tensor<2x4x10x10xf32>
    %49 = tensor.empty() : tensor<2x4x10x10xf32>
    %50 = linalg.generic {indexing_maps = [affine_map<(d0, d1, d2, d3) -> (d0, d1, d2, d3)>, affine_map<(d0, d1, d2, d3) -> ()>, affine_map<(d0, d1, d2, d3) -> (d0, d1, d2, d3)>], iterator_types = ["parallel", "parallel", "parallel", "parallel"]} ins(%expanded_38, %cst_23 : tensor<2x4x10x10xf32>, tensor<f32>) outs(%49 : tensor<2x4x10x10xf32>) {
    ^bb0(%in: f32, %in_68: f32, %out: f32):
      %161 = arith.divf %in, %in_68 : f32
      linalg.yield %161 : f32
    } -> tensor<2x4x10x10xf32>
    %51 = linalg.generic {indexing_maps = [affine_map<(d0, d1, d2, d3) -> (d0, d1, d2, d3)>, affine_map<(d0, d1, d2, d3) -> (d2, d3)>, affine_map<(d0, d1, d2, d3) -> (d0, d1, d2, d3)>], iterator_types = ["parallel", "parallel", "parallel", "parallel"]} ins(%50, %cst_9 : tensor<2x4x10x10xf32>, tensor<10x10xf32>) outs(%49 : tensor<2x4x10x10xf32>) {
    ^bb0(%in: f32, %in_68: f32, %out: f32):
      %161 = arith.addf %in, %in_68 : f32
      linalg.yield %161 : f32
    } -> tensor<2x4x10x10xf32>
    %52 = tensor.empty() : tensor<2x4x10xi64>
    %53 = linalg.fill ins(%c0_i64 : i64) outs(%52 : tensor<2x4x10xi64>) -> tensor<2x4x10xi64>
    %54 = tensor.empty() : tensor<2x4x10xf32>
    %55 = linalg.fill ins(%cst_1 : f32) outs(%54 : tensor<2x4x10xf32>) -> tensor<2x4x10xf32>
    %56:2 = linalg.generic {indexing_maps = [affine_map<(d0, d1, d2, d3) -> (d0, d1, d2, d3)>, affine_map<(d0, d1, d2, d3) -> (d0, d1, d2)>, affine_map<(d0, d1, d2, d3) -> (d0, d1, d2)>], iterator_types = ["parallel", "parallel", "parallel", "reduction"]} ins(%51 : tensor<2x4x10x10xf32>) outs(%55, %53 : tensor<2x4x10xf32>, tensor<2x4x10xi64>) {
    ^bb0(%in: f32, %out: f32, %out_68: i64):
      %161 = linalg.index 3 : index
      %162 = arith.index_cast %161 : index to i64
      %163 = arith.maximumf %in, %out : f32
      %164 = arith.cmpf ogt, %in, %out : f32
      %165 = arith.select %164, %162, %out_68 : i64
      linalg.yield %163, %165 : f32, i64
    } -> (tensor<2x4x10xf32>, tensor<2x4x10xi64>)
    %expanded_39 = tensor.expand_shape %56#0 [[0], [1], [2, 3]] output_shape [2, 4, 10, 1] : tensor<2x4x10xf32> into tensor<2x4x10x1xf32>
    %57 = linalg.generic {indexing_maps = [affine_map<(d0, d1, d2, d3) -> (d0, d1, d2, d3)>, affine_map<(d0, d1, d2, d3) -> (d0, d1, d2, 0)>, affine_map<(d0, d1, d2, d3) -> (d0, d1, d2, d3)>], iterator_types = ["parallel", "parallel", "parallel", "parallel"]} ins(%51, %expanded_39 : tensor<2x4x10x10xf32>, tensor<2x4x10x1xf32>) outs(%49 : tensor<2x4x10x10xf32>) {
    ^bb0(%in: f32, %in_68: f32, %out: f32):
      %161 = arith.subf %in, %in_68 : f32
      linalg.yield %161 : f32
    } -> tensor<2x4x10x10xf32>
    %58 = linalg.generic {indexing_maps = [affine_map<(d0, d1, d2, d3) -> (d0, d1, d2, d3)>, affine_map<(d0, d1, d2, d3) -> (d0, d1, d2, d3)>], iterator_types = ["parallel", "parallel", "parallel", "parallel"]} ins(%57 : tensor<2x4x10x10xf32>) outs(%49 : tensor<2x4x10x10xf32>) {
    ^bb0(%in: f32, %out: f32):
      %161 = math.exp %in : f32
      linalg.yield %161 : f32
    } -> tensor<2x4x10x10xf32>
    %59 = tensor.empty() : tensor<2x4x10x1xf32>
    %60 = linalg.fill ins(%cst : f32) outs(%59 : tensor<2x4x10x1xf32>) -> tensor<2x4x10x1xf32>
    %61 = linalg.generic {indexing_maps = [affine_map<(d0, d1, d2, d3) -> (d0, d1, d2, d3)>, affine_map<(d0, d1, d2, d3) -> (d0, d1, d2, 0)>], iterator_types = ["parallel", "parallel", "parallel", "reduction"]} ins(%58 : tensor<2x4x10x10xf32>) outs(%60 : tensor<2x4x10x1xf32>) {
    ^bb0(%in: f32, %out: f32):
      %161 = arith.addf %in, %out : f32
      linalg.yield %161 : f32
    } -> tensor<2x4x10x1xf32>
    %62 = linalg.generic {indexing_maps = [affine_map<(d0, d1, d2, d3) -> (d0, d1, d2, d3)>, affine_map<(d0, d1, d2, d3) -> (d0, d1, d2, 0)>, affine_map<(d0, d1, d2, d3) -> (d0, d1, d2, d3)>], iterator_types = ["parallel", "parallel", "parallel", "parallel"]} ins(%58, %61 : tensor<2x4x10x10xf32>, tensor<2x4x10x1xf32>) outs(%49 : tensor<2x4x10x10xf32>) {
    ^bb0(%in: f32, %in_68: f32, %out: f32):
      %161 = arith.divf %in, %in_68 : f32
      linalg.yield %161 : f32
    } -> tensor<2x4x10x10xf32>
    %collapsed_40 = tensor.collapse_shape %62 [[0, 1], [2], [3]] : tensor<2x4x10x10xf32> into tensor<8x10x10xf32>
    %collapsed_41 = tensor.collapse_shape %44 [[0, 1, 2], [3], [4]] : tensor<2x2x2x10x8xf32> into tensor<8x10x8xf32>
    %63 = tensor.empty() : tensor<8x10x8xf32>
    %64 = linalg.fill ins(%cst : f32) outs(%63 : tensor<8x10x8xf32>) -> tensor<8x10x8xf32>
    %65 = linalg.batch_matmul ins(%collapsed_40, %collapsed_41 : tensor<8x10x10xf32>, tensor<8x10x8xf32>) outs(%64 : tensor<8x10x8xf32>) -> tensor<8x10x8xf32>
    %expanded_42 = tensor.expand_shape %65 [[0, 1], [2], [3]] output_shape [2, 4, 10, 8] : tensor<8x10x8xf32> into tensor<2x4x10x8xf32>
    %66 = tensor.empty() : tensor<2x10x4x8xf32>
    %transposed_43 = linalg.transpose ins(%expanded_42 : tensor<2x4x10x8xf32>) outs(%66 : tensor<2x10x4x8xf32>) permutation = [0, 2, 1, 3] 
    %collapsed_44 = tensor.collapse_shape %transposed_43 [[0], [1], [2, 3]] : tensor<2x10x4x8xf32> into tensor<2x10x32xf32>
    %67 = linalg.generic {indexing_maps = [affine_map<(d0, d1, d2) -> (d1, d2)>, affine_map<(d0, d1, d2) -> (d0, d1, d2)>], iterator_types = ["parallel", "parallel", "parallel"]} ins(%cst_10 : tensor<32x32xf32>) outs(%19 : tensor<2x32x32xf32>) {
    ^bb0(%in: f32, %out: f32):
      linalg.yield %in : f32
    } -> tensor<2x32x32xf32>
    %68 = linalg.batch_matmul ins(%collapsed_44, %67 : tensor<2x10x32xf32>, tensor<2x32x32xf32>) outs(%21 : tensor<2x10x32xf32>) -> tensor<2x10x32xf32>
    %69 = linalg.generic {indexing_maps = [affine_map<(d0, d1, d2) -> (d0, d1, d2)>, affine_map<(d0, d1, d2) -> (d0, d1, d2)>, affine_map<(d0, d1, d2) -> (d0, d1, d2)>], iterator_types = ["parallel", "parallel", "parallel"]} ins(%expanded, %68 : tensor<2x10x32xf32>, tensor<2x10x32xf32>) outs(%8 : tensor<2x10x32xf32>) {
    ^bb0(%in: f32, %in_68: f32, %out: f32):
      %161 = arith.addf %in, %in_68 : f32
      linalg.yield %161 : f32
    } -> tensor<2x10x32xf32>
    %70 = linalg.generic {indexing_maps = [affine_map<(d0, d1, d2) -> (d0, d1, d2)>, affine_map<(d0, d1, d2) -> (d0, d1, d2)>], iterator_types = ["parallel", "parallel", "parallel"]} ins(%69 : tensor<2x10x32xf32>) outs(%8 : tensor<2x10x32xf32>) {
    ^bb0(%in: f32, %out: f32):
      %161 = math.fpowi %in, %c2_i64 : f32, i64
      linalg.yield %161 : f32
    } -> tensor<2x10x32xf32>
    %71 = linalg.generic {indexing_maps = [affine_map<(d0, d1, d2) -> (d0, d1, d2)>, affine_map<(d0, d1, d2) -> (d0, d1, 0)>], iterator_types = ["parallel", "parallel", "reduction"]} ins(%70 : tensor<2x10x32xf32>) outs(%11 : tensor<2x10x1xf32>) {
    ^bb0(%in: f32, %out: f32):
      %161 = arith.addf %in, %out : f32
      linalg.yield %161 : f32
    } -> tensor<2x10x1xf32>
    %72 = linalg.generic {indexing_maps = [affine_map<(d0, d1, d2) -> (d0, d1, d2)>, affine_map<(d0, d1, d2) -> (d0, d1, d2)>], iterator_types = ["parallel", "parallel", "parallel"]} ins(%71 : tensor<2x10x1xf32>) outs(%10 : tensor<2x10x1xf32>) {
    ^bb0(%in: f32, %out: f32):
      %161 = arith.divf %in, %cst_24 : f32
      linalg.yield %161 : f32
    } -> tensor<2x10x1xf32>
    %73 = linalg.generic {indexing_maps = [affine_map<(d0, d1, d2) -> (d0, d1, d2)>, affine_map<(d0, d1, d2) -> ()>, affine_map<(d0, d1, d2) -> (d0, d1, d2)>], iterator_types = ["parallel", "parallel", "parallel"]} ins(%72, %cst_22 : tensor<2x10x1xf32>, tensor<f32>) outs(%10 : tensor<2x10x1xf32>) {
    ^bb0(%in: f32, %in_68: f32, %out: f32):
      %161 = arith.addf %in, %in_68 : f32
      linalg.yield %161 : f32
    } -> tensor<2x10x1xf32>
    %74 = linalg.generic {indexing_maps = [affine_map<(d0, d1, d2) -> (d0, d1, d2)>, affine_map<(d0, d1, d2) -> (d0, d1, d2)>], iterator_types = ["parallel", "parallel", "parallel"]} ins(%73 : tensor<2x10x1xf32>) outs(%10 : tensor<2x10x1xf32>) {
    ^bb0(%in: f32, %out: f32):
      %161 = math.sqrt %in : f32
      linalg.yield %161 : f32
    } -> tensor<2x10x1xf32>
    %75 = linalg.generic {indexing_maps = [affine_map<(d0, d1, d2) -> (d0, d1, d2)>, affine_map<(d0, d1, d2) -> (d0, d1, d2)>], iterator_types = ["parallel", "parallel", "parallel"]} ins(%74 : tensor<2x10x1xf32>) outs(%10 : tensor<2x10x1xf32>) {
    ^bb0(%in: f32, %out: f32):
      %161 = arith.cmpf one, %in, %cst : f32
      cf.assert %161, "unimplemented: tensor with zero element"
      %162 = arith.divf %cst_0, %in : f32
      linalg.yield %162 : f32
    } -> tensor<2x10x1xf32>
    %76 = linalg.generic {indexing_maps = [affine_map<(d0, d1, d2) -> (d0, d1, d2)>, affine_map<(d0, d1, d2) -> (d0, d1, 0)>, affine_map<(d0, d1, d2) -> (d0, d1, d2)>], iterator_types = ["parallel", "parallel", "parallel"]} ins(%69, %75 : tensor<2x10x32xf32>, tensor<2x10x1xf32>) outs(%8 : tensor<2x10x32xf32>) {
    ^bb0(%in: f32, %in_68: f32, %out: f32):
      %161 = arith.mulf %in, %in_68 : f32
      linalg.yield %161 : f32
    } -> tensor<2x10x32xf32>
    %77 = linalg.generic {indexing_maps = [affine_map<(d0, d1, d2) -> (d0, d1, d2)>, affine_map<(d0, d1, d2) -> (d2)>, affine_map<(d0, d1, d2) -> (d0, d1, d2)>], iterator_types = ["parallel", "parallel", "parallel"]} ins(%76, %cst_3 : tensor<2x10x32xf32>, tensor<32xf32>) outs(%8 : tensor<2x10x32xf32>) {
    ^bb0(%in: f32, %in_68: f32, %out: f32):
      %161 = arith.mulf %in, %in_68 : f32
      linalg.yield %161 : f32
    } -> tensor<2x10x32xf32>
    %78 = tensor.empty() : tensor<2x32x64xf32>
    %79 = linalg.generic {indexing_maps = [affine_map<(d0, d1, d2) -> (d1, d2)>, affine_map<(d0, d1, d2) -> (d0, d1, d2)>], iterator_types = ["parallel", "parallel", "parallel"]} ins(%cst_11 : tensor<32x64xf32>) outs(%78 : tensor<2x32x64xf32>) {
    ^bb0(%in: f32, %out: f32):
      linalg.yield %in : f32
    } -> tensor<2x32x64xf32>
    %80 = tensor.empty() : tensor<2x10x64xf32>
    %81 = linalg.fill ins(%cst : f32) outs(%80 : tensor<2x10x64xf32>) -> tensor<2x10x64xf32>
    %82 = linalg.batch_matmul ins(%77, %79 : tensor<2x10x32xf32>, tensor<2x32x64xf32>) outs(%81 : tensor<2x10x64xf32>) -> tensor<2x10x64xf32>
    %83 = linalg.generic {indexing_maps = [affine_map<(d0, d1, d2) -> (d0, d1, d2)>, affine_map<(d0, d1, d2) -> (d0, d1, d2)>], iterator_types = ["parallel", "parallel", "parallel"]} ins(%82 : tensor<2x10x64xf32>) outs(%80 : tensor<2x10x64xf32>) {
    ^bb0(%in: f32, %out: f32):
      %161 = arith.negf %in : f32
      %162 = math.exp %161 : f32
      %163 = arith.addf %162, %cst_0 : f32
      %164 = arith.divf %cst_0, %163 : f32
      linalg.yield %164 : f32
    } -> tensor<2x10x64xf32>
    %84 = linalg.generic {indexing_maps = [affine_map<(d0, d1, d2) -> (d0, d1, d2)>, affine_map<(d0, d1, d2) -> (d0, d1, d2)>, affine_map<(d0, d1, d2) -> (d0, d1, d2)>], iterator_types = ["parallel", "parallel", "parallel"]} ins(%82, %83 : tensor<2x10x64xf32>, tensor<2x10x64xf32>) outs(%80 : tensor<2x10x64xf32>) {
    ^bb0(%in: f32, %in_68: f32, %out: f32):
      %161 = arith.mulf %in, %in_68 : f32
      linalg.yield %161 : f32
    } -> tensor<2x10x64xf32>
    %85 = linalg.generic {indexing_maps = [affine_map<(d0, d1, d2) -> (d1, d2)>, affine_map<(d0, d1, d2) -> (d0, d1, d2)>], iterator_types = ["parallel", "parallel", "parallel"]} ins(%cst_12 : tensor<32x64xf32>) outs(%78 : tensor<2x32x64xf32>) {
    ^bb0(%in: f32, %out: f32):
      linalg.yield %in : f32
    } -> tensor<2x32x64xf32>
    %86 = linalg.batch_matmul ins(%77, %85 : tensor<2x10x32xf32>, tensor<2x32x64xf32>) outs(%81 : tensor<2x10x64xf32>) -> tensor<2x10x64xf32>
    %87 = linalg.generic {indexing_maps = [affine_map<(d0, d1, d2) -> (d0, d1, d2)>, affine_map<(d0, d1, d2) -> (d0, d1, d2)>, affine_map<(d0, d1, d2) -> (d0, d1, d2)>], iterator_types = ["parallel", "parallel", "parallel"]} ins(%84, %86 : tensor<2x10x64xf32>, tensor<2x10x64xf32>) outs(%80 : tensor<2x10x64xf32>) {
    ^bb0(%in: f32, %in_68: f32, %out: f32):
      %161 = arith.mulf %in, %in_68 : f32
      linalg.yield %161 : f32
    } -> tensor<2x10x64xf32>
    %88 = tensor.empty() : tensor<2x64x32xf32>
    %89 = linalg.generic {indexing_maps = [affine_map<(d0, d1, d2) -> (d1, d2)>, affine_map<(d0, d1, d2) -> (d0, d1, d2)>], iterator_types = ["parallel", "parallel", "parallel"]} ins(%cst_13 : tensor<64x32xf32>) outs(%88 : tensor<2x64x32xf32>) {
    ^bb0(%in: f32, %out: f32):
      linalg.yield %in : f32
    } -> tensor<2x64x32xf32>
    %90 = linalg.batch_matmul ins(%87, %89 : tensor<2x10x64xf32>, tensor<2x64x32xf32>) outs(%21 : tensor<2x10x32xf32>) -> tensor<2x10x32xf32>
    %91 = linalg.generic {indexing_maps = [affine_map<(d0, d1, d2) -> (d0, d1, d2)>, affine_map<(d0, d1, d2) -> (d0, d1, d2)>, affine_map<(d0, d1, d2) -> (d0, d1, d2)>], iterator_types = ["parallel", "parallel", "parallel"]} ins(%69, %90 : tensor<2x10x32xf32>, tensor<2x10x32xf32>) outs(%8 : tensor<2x10x32xf32>) {
    ^bb0(%in: f32, %in_68: f32, %out: f32):
      %161 = arith.addf %in, %in_68 : f32
      linalg.yield %161 : f32
    } -> tensor<2x10x32xf32>
    %92 = linalg.generic {indexing_maps = [affine_map<(d0, d1, d2) -> (d0, d1, d2)>, affine_map<(d0, d1, d2) -> (d0, d1, d2)>], iterator_types = ["parallel", "parallel", "parallel"]} ins(%91 : tensor<2x10x32xf32>) outs(%8 : tensor<2x10x32xf32>) {
    ^bb0(%in: f32, %out: f32):
      %161 = math.fpowi %in, %c2_i64 : f32, i64
      linalg.yield %161 : f32
    } -> tensor<2x10x32xf32>
    %93 = linalg.generic {indexing_maps = [affine_map<(d0, d1, d2) -> (d0, d1, d2)>, affine_map<(d0, d1, d2) -> (d0, d1, 0)>], iterator_types = ["parallel", "parallel", "reduction"]} ins(%92 : tensor<2x10x32xf32>) outs(%11 : tensor<2x10x1xf32>) {
    ^bb0(%in: f32, %out: f32):
      %161 = arith.addf %in, %out : f32
      linalg.yield %161 : f32
    } -> tensor<2x10x1xf32>
    %94 = linalg.generic {indexing_maps = [affine_map<(d0, d1, d2) -> (d0, d1, d2)>, affine_map<(d0, d1, d2) -> (d0, d1, d2)>], iterator_types = ["parallel", "parallel", "parallel"]} ins(%93 : tensor<2x10x1xf32>) outs(%10 : tensor<2x10x1xf32>) {
    ^bb0(%in: f32, %out: f32):
      %161 = arith.divf %in, %cst_24 : f32
      linalg.yield %161 : f32
    } -> tensor<2x10x1xf32>
    %95 = linalg.generic {indexing_maps = [affine_map<(d0, d1, d2) -> (d0, d1, d2)>, affine_map<(d0, d1, d2) -> ()>, affine_map<(d0, d1, d2) -> (d0, d1, d2)>], iterator_types = ["parallel", "parallel", "parallel"]} ins(%94, %cst_22 : tensor<2x10x1xf32>, tensor<f32>) outs(%10 : tensor<2x10x1xf32>) {
    ^bb0(%in: f32, %in_68: f32, %out: f32):
      %161 = arith.addf %in, %in_68 : f32
      linalg.yield %161 : f32
    } -> tensor<2x10x1xf32>
    %96 = linalg.generic {indexing_maps = [affine_map<(d0, d1, d2) -> (d0, d1, d2)>, affine_map<(d0, d1, d2) -> (d0, d1, d2)>], iterator_types = ["parallel", "parallel", "parallel"]} ins(%95 : tensor<2x10x1xf32>) outs(%10 : tensor<2x10x1xf32>) {
    ^bb0(%in: f32, %out: f32):
      %161 = math.sqrt %in : f32
      linalg.yield %161 : f32
    } -> tensor<2x10x1xf32>
    %97 = linalg.generic {indexing_maps = [affine_map<(d0, d1, d2) -> (d0, d1, d2)>, affine_map<(d0, d1, d2) -> (d0, d1, d2)>], iterator_types = ["parallel", "parallel", "parallel"]} ins(%96 : tensor<2x10x1xf32>) outs(%10 : tensor<2x10x1xf32>) {
    ^bb0(%in: f32, %out: f32):
      %161 = arith.cmpf one, %in, %cst : f32
      cf.assert %161, "unimplemented: tensor with zero element"
      %162 = arith.divf %cst_0, %in : f32
      linalg.yield %162 : f32
    } -> tensor<2x10x1xf32>
    %98 = linalg.generic {indexing_maps = [affine_map<(d0, d1, d2) -> (d0, d1, d2)>, affine_map<(d0, d1, d2) -> (d0, d1, 0)>, affine_map<(d0, d1, d2) -> (d0, d1, d2)>], iterator_types = ["parallel", "parallel", "parallel"]} ins(%91, %97 : tensor<2x10x32xf32>, tensor<2x10x1xf32>) outs(%8 : tensor<2x10x32xf32>) {
    ^bb0(%in: f32, %in_68: f32, %out: f32):
      %161 = arith.mulf %in, %in_68 : f32
      linalg.yield %161 : f32
    } -> tensor<2x10x32xf32>
    %99 = linalg.generic {indexing_maps = [affine_map<(d0, d1, d2) -> (d0, d1, d2)>, affine_map<(d0, d1, d2) -> (d2)>, affine_map<(d0, d1, d2) -> (d0, d1, d2)>], iterator_types = ["parallel", "parallel", "parallel"]} ins(%98, %cst_3 : tensor<2x10x32xf32>, tensor<32xf32>) outs(%8 : tensor<2x10x32xf32>) {
    ^bb0(%in: f32, %in_68: f32, %out: f32):
      %161 = arith.mulf %in, %in_68 : f32
      linalg.yield %161 : f32
    } -> tensor<2x10x32xf32>
    %100 = linalg.generic {indexing_maps = [affine_map<(d0, d1, d2) -> (d1, d2)>, affine_map<(d0, d1, d2) -> (d0, d1, d2)>], iterator_types = ["parallel", "parallel", "parallel"]} ins(%cst_14 : tensor<32x32xf32>) outs(%19 : tensor<2x32x32xf32>) {
    ^bb0(%in: f32, %out: f32):
      linalg.yield %in : f32
    } -> tensor<2x32x32xf32>
    %101 = linalg.batch_matmul ins(%99, %100 : tensor<2x10x32xf32>, tensor<2x32x32xf32>) outs(%21 : tensor<2x10x32xf32>) -> tensor<2x10x32xf32>
    %expanded_45 = tensor.expand_shape %101 [[0], [1], [2, 3]] output_shape [2, 10, 4, 8] : tensor<2x10x32xf32> into tensor<2x10x4x8xf32>
    %transposed_46 = linalg.transpose ins(%expanded_45 : tensor<2x10x4x8xf32>) outs(%23 : tensor<2x4x10x8xf32>) permutation = [0, 2, 1, 3] 
    %extracted_slice_47 = tensor.extract_slice %transposed_46[0, 0, 0, 0] [2, 4, 10, 4] [1, 1, 1, 1] : tensor<2x4x10x8xf32> to tensor<2x4x10x4xf32>
    %extracted_slice_48 = tensor.extract_slice %transposed_46[0, 0, 0, 4] [2, 4, 10, 4] [1, 1, 1, 1] : tensor<2x4x10x8xf32> to tensor<2x4x10x4xf32>
    %102 = linalg.generic {indexing_maps = [affine_map<(d0, d1, d2, d3) -> (d0, d1, d2, d3)>, affine_map<(d0, d1, d2, d3) -> (d2, d3)>, affine_map<(d0, d1, d2, d3) -> (d0, d1, d2, d3)>], iterator_types = ["parallel", "parallel", "parallel", "parallel"]} ins(%transposed_46, %cst_4 : tensor<2x4x10x8xf32>, tensor<10x8xf32>) outs(%23 : tensor<2x4x10x8xf32>) {
    ^bb0(%in: f32, %in_68: f32, %out: f32):
      %161 = arith.mulf %in, %in_68 : f32
      linalg.yield %161 : f32
    } -> tensor<2x4x10x8xf32>
    %103 = linalg.generic {indexing_maps = [affine_map<(d0, d1, d2, d3) -> (d0, d1, d2, d3)>, affine_map<(d0, d1, d2, d3) -> (d0, d1, d2, d3)>], iterator_types = ["parallel", "parallel", "parallel", "parallel"]} ins(%extracted_slice_48 : tensor<2x4x10x4xf32>) outs(%25 : tensor<2x4x10x4xf32>) {
    ^bb0(%in: f32, %out: f32):
      %161 = arith.negf %in : f32
      linalg.yield %161 : f32
    } -> tensor<2x4x10x4xf32>
    %concat_49 = tensor.concat dim(3) %103, %extracted_slice_47 : (tensor<2x4x10x4xf32>, tensor<2x4x10x4xf32>) -> tensor<2x4x10x8xf32>
    %104 = linalg.generic {indexing_maps = [affine_map<(d0, d1, d2, d3) -> (d0, d1, d2, d3)>, affine_map<(d0, d1, d2, d3) -> (d2, d3)>, affine_map<(d0, d1, d2, d3) -> (d0, d1, d2, d3)>], iterator_types = ["parallel", "parallel", "parallel", "parallel"]} ins(%concat_49, %cst_5 : tensor<2x4x10x8xf32>, tensor<10x8xf32>) outs(%23 : tensor<2x4x10x8xf32>) {
    ^bb0(%in: f32, %in_68: f32, %out: f32):
      %161 = arith.mulf %in, %in_68 : f32
      linalg.yield %161 : f32
    } -> tensor<2x4x10x8xf32>
    %105 = linalg.generic {indexing_maps = [affine_map<(d0, d1, d2, d3) -> (d0, d1, d2, d3)>, affine_map<(d0, d1, d2, d3) -> (d0, d1, d2, d3)>, affine_map<(d0, d1, d2, d3) -> (d0, d1, d2, d3)>], iterator_types = ["parallel", "parallel", "parallel", "parallel"]} ins(%102, %104 : tensor<2x4x10x8xf32>, tensor<2x4x10x8xf32>) outs(%23 : tensor<2x4x10x8xf32>) {
    ^bb0(%in: f32, %in_68: f32, %out: f32):
      %161 = arith.addf %in, %in_68 : f32
      linalg.yield %161 : f32
    } -> tensor<2x4x10x8xf32>
    %106 = linalg.generic {indexing_maps = [affine_map<(d0, d1, d2) -> (d1, d2)>, affine_map<(d0, d1, d2) -> (d0, d1, d2)>], iterator_types = ["parallel", "parallel", "parallel"]} ins(%cst_15 : tensor<32x16xf32>) outs(%29 : tensor<2x32x16xf32>) {
    ^bb0(%in: f32, %out: f32):
      linalg.yield %in : f32
    } -> tensor<2x32x16xf32>
    %107 = linalg.batch_matmul ins(%99, %106 : tensor<2x10x32xf32>, tensor<2x32x16xf32>) outs(%32 : tensor<2x10x16xf32>) -> tensor<2x10x16xf32>
    %expanded_50 = tensor.expand_shape %107 [[0], [1], [2, 3]] output_shape [2, 10, 2, 8] : tensor<2x10x16xf32> into tensor<2x10x2x8xf32>
    %transposed_51 = linalg.transpose ins(%expanded_50 : tensor<2x10x2x8xf32>) outs(%34 : tensor<2x2x10x8xf32>) permutation = [0, 2, 1, 3] 
    %extracted_slice_52 = tensor.extract_slice %transposed_51[0, 0, 0, 0] [2, 2, 10, 4] [1, 1, 1, 1] : tensor<2x2x10x8xf32> to tensor<2x2x10x4xf32>
    %extracted_slice_53 = tensor.extract_slice %transposed_51[0, 0, 0, 4] [2, 2, 10, 4] [1, 1, 1, 1] : tensor<2x2x10x8xf32> to tensor<2x2x10x4xf32>
    %108 = linalg.generic {indexing_maps = [affine_map<(d0, d1, d2, d3) -> (d0, d1, d2, d3)>, affine_map<(d0, d1, d2, d3) -> (d2, d3)>, affine_map<(d0, d1, d2, d3) -> (d0, d1, d2, d3)>], iterator_types = ["parallel", "parallel", "parallel", "parallel"]} ins(%transposed_51, %cst_4 : tensor<2x2x10x8xf32>, tensor<10x8xf32>) outs(%34 : tensor<2x2x10x8xf32>) {
    ^bb0(%in: f32, %in_68: f32, %out: f32):
      %161 = arith.mulf %in, %in_68 : f32
      linalg.yield %161 : f32
    } -> tensor<2x2x10x8xf32>
    %109 = linalg.generic {indexing_maps = [affine_map<(d0, d1, d2, d3) -> (d0, d1, d2, d3)>, affine_map<(d0, d1, d2, d3) -> (d0, d1, d2, d3)>], iterator_types = ["parallel", "parallel", "parallel", "parallel"]} ins(%extracted_slice_53 : tensor<2x2x10x4xf32>) outs(%36 : tensor<2x2x10x4xf32>) {
    ^bb0(%in: f32, %out: f32):
      %161 = arith.negf %in : f32
      linalg.yield %161 : f32
    } -> tensor<2x2x10x4xf32>
    %concat_54 = tensor.concat dim(3) %109, %extracted_slice_52 : (tensor<2x2x10x4xf32>, tensor<2x2x10x4xf32>) -> tensor<2x2x10x8xf32>
    %110 = linalg.generic {indexing_maps = [affine_map<(d0, d1, d2, d3) -> (d0, d1, d2, d3)>, affine_map<(d0, d1, d2, d3) -> (d2, d3)>, affine_map<(d0, d1, d2, d3) -> (d0, d1, d2, d3)>], iterator_types = ["parallel", "parallel", "parallel", "parallel"]} ins(%concat_54, %cst_5 : tensor<2x2x10x8xf32>, tensor<10x8xf32>) outs(%34 : tensor<2x2x10x8xf32>) {
    ^bb0(%in: f32, %in_68: f32, %out: f32):
      %161 = arith.mulf %in, %in_68 : f32
      linalg.yield %161 : f32
    } -> tensor<2x2x10x8xf32>
    %111 = linalg.generic {indexing_maps = [affine_map<(d0, d1, d2, d3) -> (d0, d1, d2, d3)>, affine_map<(d0, d1, d2, d3) -> (d0, d1, d2, d3)>, affine_map<(d0, d1, d2, d3) -> (d0, d1, d2, d3)>], iterator_types = ["parallel", "parallel", "parallel", "parallel"]} ins(%108, %110 : tensor<2x2x10x8xf32>, tensor<2x2x10x8xf32>) outs(%34 : tensor<2x2x10x8xf32>) {
    ^bb0(%in: f32, %in_68: f32, %out: f32):
      %161 = arith.addf %in, %in_68 : f32
      linalg.yield %161 : f32
    } -> tensor<2x2x10x8xf32>
    %112 = linalg.generic {indexing_maps = [affine_map<(d0, d1, d2) -> (d1, d2)>, affine_map<(d0, d1, d2) -> (d0, d1, d2)>], iterator_types = ["parallel", "parallel", "parallel"]} ins(%cst_16 : tensor<32x16xf32>) outs(%29 : tensor<2x32x16xf32>) {
    ^bb0(%in: f32, %out: f32):
      linalg.yield %in : f32
    } -> tensor<2x32x16xf32>
    %113 = linalg.batch_matmul ins(%99, %112 : tensor<2x10x32xf32>, tensor<2x32x16xf32>) outs(%32 : tensor<2x10x16xf32>) -> tensor<2x10x16xf32>
    %expanded_55 = tensor.expand_shape %113 [[0], [1], [2, 3]] output_shape [2, 10, 2, 8] : tensor<2x10x16xf32> into tensor<2x10x2x8xf32>
    %transposed_56 = linalg.transpose ins(%expanded_55 : tensor<2x10x2x8xf32>) outs(%34 : tensor<2x2x10x8xf32>) permutation = [0, 2, 1, 3] 
    %114 = linalg.generic {indexing_maps = [affine_map<(d0, d1, d2, d3, d4) -> (d0, d1, d3, d4)>, affine_map<(d0, d1, d2, d3, d4) -> (d0, d1, d2, d3, d4)>], iterator_types = ["parallel", "parallel", "parallel", "parallel", "parallel"]} ins(%111 : tensor<2x2x10x8xf32>) outs(%42 : tensor<2x2x2x10x8xf32>) {
    ^bb0(%in: f32, %out: f32):
      linalg.yield %in : f32
    } -> tensor<2x2x2x10x8xf32>
    %collapsed_57 = tensor.collapse_shape %114 [[0], [1, 2], [3], [4]] : tensor<2x2x2x10x8xf32> into tensor<2x4x10x8xf32>
    %115 = linalg.generic {indexing_maps = [affine_map<(d0, d1, d2, d3, d4) -> (d0, d1, d3, d4)>, affine_map<(d0, d1, d2, d3, d4) -> (d0, d1, d2, d3, d4)>], iterator_types = ["parallel", "parallel", "parallel", "parallel", "parallel"]} ins(%transposed_56 : tensor<2x2x10x8xf32>) outs(%42 : tensor<2x2x2x10x8xf32>) {
    ^bb0(%in: f32, %out: f32):
      linalg.yield %in : f32
    } -> tensor<2x2x2x10x8xf32>
    %transposed_58 = linalg.transpose ins(%collapsed_57 : tensor<2x4x10x8xf32>) outs(%45 : tensor<2x4x8x10xf32>) permutation = [0, 1, 3, 2] 
    %collapsed_59 = tensor.collapse_shape %105 [[0, 1], [2], [3]] : tensor<2x4x10x8xf32> into tensor<8x10x8xf32>
    %collapsed_60 = tensor.collapse_shape %transposed_58 [[0, 1], [2], [3]] : tensor<2x4x8x10xf32> into tensor<8x8x10xf32>
    %116 = linalg.batch_matmul ins(%collapsed_59, %collapsed_60 : tensor<8x10x8xf32>, tensor<8x8x10xf32>) outs(%47 : tensor<8x10x10xf32>) -> tensor<8x10x10xf32>
    %expanded_61 = tensor.expand_shape %116 [[0, 1], [2], [3]] output_shape [2, 4, 10, 10] : tensor<8x10x10xf32> into tensor<2x4x10x10xf32>
    %117 = linalg.generic {indexing_maps = [affine_map<(d0, d1, d2, d3) -> (d0, d1, d2, d3)>, affine_map<(d0, d1, d2, d3) -> ()>, affine_map<(d0, d1, d2, d3) -> (d0, d1, d2, d3)>], iterator_types = ["parallel", "parallel", "parallel", "parallel"]} ins(%expanded_61, %cst_23 : tensor<2x4x10x10xf32>, tensor<f32>) outs(%49 : tensor<2x4x10x10xf32>) {
    ^bb0(%in: f32, %in_68: f32, %out: f32):
      %161 = arith.divf %in, %in_68 : f32
      linalg.yield %161 : f32
    } -> tensor<2x4x10x10xf32>
    %118 = linalg.generic {indexing_maps = [affine_map<(d0, d1, d2, d3) -> (d0, d1, d2, d3)>, affine_map<(d0, d1, d2, d3) -> (d2, d3)>, affine_map<(d0, d1, d2, d3) -> (d0, d1, d2, d3)>], iterator_types = ["parallel", "parallel", "parallel", "parallel"]} ins(%117, %cst_9 : tensor<2x4x10x10xf32>, tensor<10x10xf32>) outs(%49 : tensor<2x4x10x10xf32>) {
    ^bb0(%in: f32, %in_68: f32, %out: f32):
      %161 = arith.addf %in, %in_68 : f32
      linalg.yield %161 : f32
    } -> tensor<2x4x10x10xf32>
    %119:2 = linalg.generic {indexing_maps = [affine_map<(d0, d1, d2, d3) -> (d0, d1, d2, d3)>, affine_map<(d0, d1, d2, d3) -> (d0, d1, d2)>, affine_map<(d0, d1, d2, d3) -> (d0, d1, d2)>], iterator_types = ["parallel", "parallel", "parallel", "reduction"]} ins(%118 : tensor<2x4x10x10xf32>) outs(%55, %53 : tensor<2x4x10xf32>, tensor<2x4x10xi64>) {
    ^bb0(%in: f32, %out: f32, %out_68: i64):
      %161 = linalg.index 3 : index
      %162 = arith.index_cast %161 : index to i64
      %163 = arith.maximumf %in, %out : f32
      %164 = arith.cmpf ogt, %in, %out : f32
      %165 = arith.select %164, %162, %out_68 : i64
      linalg.yield %163, %165 : f32, i64
    } -> (tensor<2x4x10xf32>, tensor<2x4x10xi64>)
    %expanded_62 = tensor.expand_shape %119#0 [[0], [1], [2, 3]] output_shape [2, 4, 10, 1] : tensor<2x4x10xf32> into tensor<2x4x10x1xf32>
    %120 = linalg.generic {indexing_maps = [affine_map<(d0, d1, d2, d3) -> (d0, d1, d2, d3)>, affine_map<(d0, d1, d2, d3) -> (d0, d1, d2, 0)>, affine_map<(d0, d1, d2, d3) -> (d0, d1, d2, d3)>], iterator_types = ["parallel", "parallel", "parallel", "parallel"]} ins(%118, %expanded_62 : tensor<2x4x10x10xf32>, tensor<2x4x10x1xf32>) outs(%49 : tensor<2x4x10x10xf32>) {
    ^bb0(%in: f32, %in_68: f32, %out: f32):
      %161 = arith.subf %in, %in_68 : f32
      linalg.yield %161 : f32
    } -> tensor<2x4x10x10xf32>
    %121 = linalg.generic {indexing_maps = [affine_map<(d0, d1, d2, d3) -> (d0, d1, d2, d3)>, affine_map<(d0, d1, d2, d3) -> (d0, d1, d2, d3)>], iterator_types = ["parallel", "parallel", "parallel", "parallel"]} ins(%120 : tensor<2x4x10x10xf32>) outs(%49 : tensor<2x4x10x10xf32>) {
    ^bb0(%in: f32, %out: f32):
      %161 = math.exp %in : f32
      linalg.yield %161 : f32
    } -> tensor<2x4x10x10xf32>
    %122 = linalg.generic {indexing_maps = [affine_map<(d0, d1, d2, d3) -> (d0, d1, d2, d3)>, affine_map<(d0, d1, d2, d3) -> (d0, d1, d2, 0)>], iterator_types = ["parallel", "parallel", "parallel", "reduction"]} ins(%121 : tensor<2x4x10x10xf32>) outs(%60 : tensor<2x4x10x1xf32>) {
    ^bb0(%in: f32, %out: f32):
      %161 = arith.addf %in, %out : f32
      linalg.yield %161 : f32
    } -> tensor<2x4x10x1xf32>
    %123 = linalg.generic {indexing_maps = [affine_map<(d0, d1, d2, d3) -> (d0, d1, d2, d3)>, affine_map<(d0, d1, d2, d3) -> (d0, d1, d2, 0)>, affine_map<(d0, d1, d2, d3) -> (d0, d1, d2, d3)>], iterator_types = ["parallel", "parallel", "parallel", "parallel"]} ins(%121, %122 : tensor<2x4x10x10xf32>, tensor<2x4x10x1xf32>) outs(%49 : tensor<2x4x10x10xf32>) {
    ^bb0(%in: f32, %in_68: f32, %out: f32):
      %161 = arith.divf %in, %in_68 : f32
      linalg.yield %161 : f32
    } -> tensor<2x4x10x10xf32>
    %collapsed_63 = tensor.collapse_shape %123 [[0, 1], [2], [3]] : tensor<2x4x10x10xf32> into tensor<8x10x10xf32>
    %collapsed_64 = tensor.collapse_shape %115 [[0, 1, 2], [3], [4]] : tensor<2x2x2x10x8xf32> into tensor<8x10x8xf32>
    %124 = linalg.batch_matmul ins(%collapsed_63, %collapsed_64 : tensor<8x10x10xf32>, tensor<8x10x8xf32>) outs(%64 : tensor<8x10x8xf32>) -> tensor<8x10x8xf32>
    %expanded_65 = tensor.expand_shape %124 [[0, 1], [2], [3]] output_shape [2, 4, 10, 8] : tensor<8x10x8xf32> into tensor<2x4x10x8xf32>
    %transposed_66 = linalg.transpose ins(%expanded_65 : tensor<2x4x10x8xf32>) outs(%66 : tensor<2x10x4x8xf32>) permutation = [0, 2, 1, 3] 
    %collapsed_67 = tensor.collapse_shape %transposed_66 [[0], [1], [2, 3]] : tensor<2x10x4x8xf32> into tensor<2x10x32xf32>
    %125 = linalg.generic {indexing_maps = [affine_map<(d0, d1, d2) -> (d1, d2)>, affine_map<(d0, d1, d2) -> (d0, d1, d2)>], iterator_types = ["parallel", "parallel", "parallel"]} ins(%cst_17 : tensor<32x32xf32>) outs(%19 : tensor<2x32x32xf32>) {
    ^bb0(%in: f32, %out: f32):
      linalg.yield %in : f32
    } -> tensor<2x32x32xf32>
    %126 = linalg.batch_matmul ins(%collapsed_67, %125 : tensor<2x10x32xf32>, tensor<2x32x32xf32>) outs(%21 : tensor<2x10x32xf32>) -> tensor<2x10x32xf32>
    %127 = linalg.generic {indexing_maps = [affine_map<(d0, d1, d2) -> (d0, d1, d2)>, affine_map<(d0, d1, d2) -> (d0, d1, d2)>, affine_map<(d0, d1, d2) -> (d0, d1, d2)>], iterator_types = ["parallel", "parallel", "parallel"]} ins(%91, %126 : tensor<2x10x32xf32>, tensor<2x10x32xf32>) outs(%8 : tensor<2x10x32xf32>) {
    ^bb0(%in: f32, %in_68: f32, %out: f32):
      %161 = arith.addf %in, %in_68 : f32
      linalg.yield %161 : f32
    } -> tensor<2x10x32xf32>
    %128 = linalg.generic {indexing_maps = [affine_map<(d0, d1, d2) -> (d0, d1, d2)>, affine_map<(d0, d1, d2) -> (d0, d1, d2)>], iterator_types = ["parallel", "parallel", "parallel"]} ins(%127 : tensor<2x10x32xf32>) outs(%8 : tensor<2x10x32xf32>) {
    ^bb0(%in: f32, %out: f32):
      %161 = math.fpowi %in, %c2_i64 : f32, i64
      linalg.yield %161 : f32
    } -> tensor<2x10x32xf32>
    %129 = linalg.generic {indexing_maps = [affine_map<(d0, d1, d2) -> (d0, d1, d2)>, affine_map<(d0, d1, d2) -> (d0, d1, 0)>], iterator_types = ["parallel", "parallel", "reduction"]} ins(%128 : tensor<2x10x32xf32>) outs(%11 : tensor<2x10x1xf32>) {
    ^bb0(%in: f32, %out: f32):
      %161 = arith.addf %in, %out : f32
      linalg.yield %161 : f32
    } -> tensor<2x10x1xf32>
    %130 = linalg.generic {indexing_maps = [affine_map<(d0, d1, d2) -> (d0, d1, d2)>, affine_map<(d0, d1, d2) -> (d0, d1, d2)>], iterator_types = ["parallel", "parallel", "parallel"]} ins(%129 : tensor<2x10x1xf32>) outs(%10 : tensor<2x10x1xf32>) {
    ^bb0(%in: f32, %out: f32):
      %161 = arith.divf %in, %cst_24 : f32
      linalg.yield %161 : f32
    } -> tensor<2x10x1xf32>
    %131 = linalg.generic {indexing_maps = [affine_map<(d0, d1, d2) -> (d0, d1, d2)>, affine_map<(d0, d1, d2) -> ()>, affine_map<(d0, d1, d2) -> (d0, d1, d2)>], iterator_types = ["parallel", "parallel", "parallel"]} ins(%130, %cst_22 : tensor<2x10x1xf32>, tensor<f32>) outs(%10 : tensor<2x10x1xf32>) {
    ^bb0(%in: f32, %in_68: f32, %out: f32):
      %161 = arith.addf %in, %in_68 : f32
      linalg.yield %161 : f32
    } -> tensor<2x10x1xf32>
    %132 = linalg.generic {indexing_maps = [affine_map<(d0, d1, d2) -> (d0, d1, d2)>, affine_map<(d0, d1, d2) -> (d0, d1, d2)>], iterator_types = ["parallel", "parallel", "parallel"]} ins(%131 : tensor<2x10x1xf32>) outs(%10 : tensor<2x10x1xf32>) {
    ^bb0(%in: f32, %out: f32):
      %161 = math.sqrt %in : f32
      linalg.yield %161 : f32
    } -> tensor<2x10x1xf32>
    %133 = linalg.generic {indexing_maps = [affine_map<(d0, d1, d2) -> (d0, d1, d2)>, affine_map<(d0, d1, d2) -> (d0, d1, d2)>], iterator_types = ["parallel", "parallel", "parallel"]} ins(%132 : tensor<2x10x1xf32>) outs(%10 : tensor<2x10x1xf32>) {
    ^bb0(%in: f32, %out: f32):
      %161 = arith.cmpf one, %in, %cst : f32
      cf.assert %161, "unimplemented: tensor with zero element"
      %162 = arith.divf %cst_0, %in : f32
      linalg.yield %162 : f32
    } -> tensor<2x10x1xf32>
    %134 = linalg.generic {indexing_maps = [affine_map<(d0, d1, d2) -> (d0, d1, d2)>, affine_map<(d0, d1, d2) -> (d0, d1, 0)>, affine_map<(d0, d1, d2) -> (d0, d1, d2)>], iterator_types = ["parallel", "parallel", "parallel"]} ins(%127, %133 : tensor<2x10x32xf32>, tensor<2x10x1xf32>) outs(%8 : tensor<2x10x32xf32>) {
    ^bb0(%in: f32, %in_68: f32, %out: f32):
      %161 = arith.mulf %in, %in_68 : f32
      linalg.yield %161 : f32
    } -> tensor<2x10x32xf32>
    %135 = linalg.generic {indexing_maps = [affine_map<(d0, d1, d2) -> (d0, d1, d2)>, affine_map<(d0, d1, d2) -> (d2)>, affine_map<(d0, d1, d2) -> (d0, d1, d2)>], iterator_types = ["parallel", "parallel", "parallel"]} ins(%134, %cst_3 : tensor<2x10x32xf32>, tensor<32xf32>) outs(%8 : tensor<2x10x32xf32>) {
    ^bb0(%in: f32, %in_68: f32, %out: f32):
      %161 = arith.mulf %in, %in_68 : f32
      linalg.yield %161 : f32
    } -> tensor<2x10x32xf32>
    %136 = linalg.generic {indexing_maps = [affine_map<(d0, d1, d2) -> (d1, d2)>, affine_map<(d0, d1, d2) -> (d0, d1, d2)>], iterator_types = ["parallel", "parallel", "parallel"]} ins(%cst_18 : tensor<32x64xf32>) outs(%78 : tensor<2x32x64xf32>) {
    ^bb0(%in: f32, %out: f32):
      linalg.yield %in : f32
    } -> tensor<2x32x64xf32>
    %137 = linalg.batch_matmul ins(%135, %136 : tensor<2x10x32xf32>, tensor<2x32x64xf32>) outs(%81 : tensor<2x10x64xf32>) -> tensor<2x10x64xf32>
    %138 = linalg.generic {indexing_maps = [affine_map<(d0, d1, d2) -> (d0, d1, d2)>, affine_map<(d0, d1, d2) -> (d0, d1, d2)>], iterator_types = ["parallel", "parallel", "parallel"]} ins(%137 : tensor<2x10x64xf32>) outs(%80 : tensor<2x10x64xf32>) {
    ^bb0(%in: f32, %out: f32):
      %161 = arith.negf %in : f32
      %162 = math.exp %161 : f32
      %163 = arith.addf %162, %cst_0 : f32
      %164 = arith.divf %cst_0, %163 : f32
      linalg.yield %164 : f32
    } -> tensor<2x10x64xf32>
    %139 = linalg.generic {indexing_maps = [affine_map<(d0, d1, d2) -> (d0, d1, d2)>, affine_map<(d0, d1, d2) -> (d0, d1, d2)>, affine_map<(d0, d1, d2) -> (d0, d1, d2)>], iterator_types = ["parallel", "parallel", "parallel"]} ins(%137, %138 : tensor<2x10x64xf32>, tensor<2x10x64xf32>) outs(%80 : tensor<2x10x64xf32>) {
    ^bb0(%in: f32, %in_68: f32, %out: f32):
      %161 = arith.mulf %in, %in_68 : f32
      linalg.yield %161 : f32
    } -> tensor<2x10x64xf32>
    %140 = linalg.generic {indexing_maps = [affine_map<(d0, d1, d2) -> (d1, d2)>, affine_map<(d0, d1, d2) -> (d0, d1, d2)>], iterator_types = ["parallel", "parallel", "parallel"]} ins(%cst_19 : tensor<32x64xf32>) outs(%78 : tensor<2x32x64xf32>) {
    ^bb0(%in: f32, %out: f32):
      linalg.yield %in : f32
    } -> tensor<2x32x64xf32>
    %141 = linalg.batch_matmul ins(%135, %140 : tensor<2x10x32xf32>, tensor<2x32x64xf32>) outs(%81 : tensor<2x10x64xf32>) -> tensor<2x10x64xf32>
    %142 = linalg.generic {indexing_maps = [affine_map<(d0, d1, d2) -> (d0, d1, d2)>, affine_map<(d0, d1, d2) -> (d0, d1, d2)>, affine_map<(d0, d1, d2) -> (d0, d1, d2)>], iterator_types = ["parallel", "parallel", "parallel"]} ins(%139, %141 : tensor<2x10x64xf32>, tensor<2x10x64xf32>) outs(%80 : tensor<2x10x64xf32>) {
    ^bb0(%in: f32, %in_68: f32, %out: f32):
      %161 = arith.mulf %in, %in_68 : f32
      linalg.yield %161 : f32
    } -> tensor<2x10x64xf32>
    %143 = linalg.generic {indexing_maps = [affine_map<(d0, d1, d2) -> (d1, d2)>, affine_map<(d0, d1, d2) -> (d0, d1, d2)>], iterator_types = ["parallel", "parallel", "parallel"]} ins(%cst_20 : tensor<64x32xf32>) outs(%88 : tensor<2x64x32xf32>) {
    ^bb0(%in: f32, %out: f32):
      linalg.yield %in : f32
    } -> tensor<2x64x32xf32>
    %144 = linalg.batch_matmul ins(%142, %143 : tensor<2x10x64xf32>, tensor<2x64x32xf32>) outs(%21 : tensor<2x10x32xf32>) -> tensor<2x10x32xf32>
    %145 = linalg.generic {indexing_maps = [affine_map<(d0, d1, d2) -> (d0, d1, d2)>, affine_map<(d0, d1, d2) -> (d0, d1, d2)>, affine_map<(d0, d1, d2) -> (d0, d1, d2)>], iterator_types = ["parallel", "parallel", "parallel"]} ins(%127, %144 : tensor<2x10x32xf32>, tensor<2x10x32xf32>) outs(%8 : tensor<2x10x32xf32>) {
    ^bb0(%in: f32, %in_68: f32, %out: f32):
      %161 = arith.addf %in, %in_68 : f32
      linalg.yield %161 : f32
    } -> tensor<2x10x32xf32>
    %146 = linalg.generic {indexing_maps = [affine_map<(d0, d1, d2) -> (d0, d1, d2)>, affine_map<(d0, d1, d2) -> (d0, d1, d2)>], iterator_types = ["parallel", "parallel", "parallel"]} ins(%145 : tensor<2x10x32xf32>) outs(%8 : tensor<2x10x32xf32>) {
    ^bb0(%in: f32, %out: f32):
      %161 = math.fpowi %in, %c2_i64 : f32, i64
      linalg.yield %161 : f32
    } -> tensor<2x10x32xf32>
    %147 = linalg.generic {indexing_maps = [affine_map<(d0, d1, d2) -> (d0, d1, d2)>, affine_map<(d0, d1, d2) -> (d0, d1, 0)>], iterator_types = ["parallel", "parallel", "reduction"]} ins(%146 : tensor<2x10x32xf32>) outs(%11 : tensor<2x10x1xf32>) {
    ^bb0(%in: f32, %out: f32):
      %161 = arith.addf %in, %out : f32
      linalg.yield %161 : f32
    } -> tensor<2x10x1xf32>
    %148 = linalg.generic {indexing_maps = [affine_map<(d0, d1, d2) -> (d0, d1, d2)>, affine_map<(d0, d1, d2) -> (d0, d1, d2)>], iterator_types = ["parallel", "parallel", "parallel"]} ins(%147 : tensor<2x10x1xf32>) outs(%10 : tensor<2x10x1xf32>) {
    ^bb0(%in: f32, %out: f32):
      %161 = arith.divf %in, %cst_24 : f32
      linalg.yield %161 : f32
    } -> tensor<2x10x1xf32>
    %149 = linalg.generic {indexing_maps = [affine_map<(d0, d1, d2) -> (d0, d1, d2)>, affine_map<(d0, d1, d2) -> ()>, affine_map<(d0, d1, d2) -> (d0, d1, d2)>], iterator_types = ["parallel", "parallel", "parallel"]} ins(%148, %cst_22 : tensor<2x10x1xf32>, tensor<f32>) outs(%10 : tensor<2x10x1xf32>) {
    ^bb0(%in: f32, %in_68: f32, %out: f32):
      %161 = arith.addf %in, %in_68 : f32
      linalg.yield %161 : f32
    } -> tensor<2x10x1xf32>
    %150 = linalg.generic {indexing_maps = [affine_map<(d0, d1, d2) -> (d0, d1, d2)>, affine_map<(d0, d1, d2) -> (d0, d1, d2)>], iterator_types = ["parallel", "parallel", "parallel"]} ins(%149 : tensor<2x10x1xf32>) outs(%10 : tensor<2x10x1xf32>) {
    ^bb0(%in: f32, %out: f32):
      %161 = math.sqrt %in : f32
      linalg.yield %161 : f32
    } -> tensor<2x10x1xf32>
    %151 = linalg.generic {indexing_maps = [affine_map<(d0, d1, d2) -> (d0, d1, d2)>, affine_map<(d0, d1, d2) -> (d0, d1, d2)>], iterator_types = ["parallel", "parallel", "parallel"]} ins(%150 : tensor<2x10x1xf32>) outs(%10 : tensor<2x10x1xf32>) {
    ^bb0(%in: f32, %out: f32):
      %161 = arith.cmpf one, %in, %cst : f32
      cf.assert %161, "unimplemented: tensor with zero element"
      %162 = arith.divf %cst_0, %in : f32
      linalg.yield %162 : f32
    } -> tensor<2x10x1xf32>
    %152 = linalg.generic {indexing_maps = [affine_map<(d0, d1, d2) -> (d0, d1, d2)>, affine_map<(d0, d1, d2) -> (d0, d1, 0)>, affine_map<(d0, d1, d2) -> (d0, d1, d2)>], iterator_types = ["parallel", "parallel", "parallel"]} ins(%145, %151 : tensor<2x10x32xf32>, tensor<2x10x1xf32>) outs(%8 : tensor<2x10x32xf32>) {
    ^bb0(%in: f32, %in_68: f32, %out: f32):
      %161 = arith.mulf %in, %in_68 : f32
      linalg.yield %161 : f32
    } -> tensor<2x10x32xf32>
    %153 = linalg.generic {indexing_maps = [affine_map<(d0, d1, d2) -> (d0, d1, d2)>, affine_map<(d0, d1, d2) -> (d2)>, affine_map<(d0, d1, d2) -> (d0, d1, d2)>], iterator_types = ["parallel", "parallel", "parallel"]} ins(%152, %cst_3 : tensor<2x10x32xf32>, tensor<32xf32>) outs(%8 : tensor<2x10x32xf32>) {
    ^bb0(%in: f32, %in_68: f32, %out: f32):
      %161 = arith.mulf %in, %in_68 : f32
      linalg.yield %161 : f32
    } -> tensor<2x10x32xf32>
    %154 = tensor.empty() : tensor<2x32x89xf32>
    %155 = linalg.generic {indexing_maps = [affine_map<(d0, d1, d2) -> (d1, d2)>, affine_map<(d0, d1, d2) -> (d0, d1, d2)>], iterator_types = ["parallel", "parallel", "parallel"]} ins(%cst_21 : tensor<32x89xf32>) outs(%154 : tensor<2x32x89xf32>) {
    ^bb0(%in: f32, %out: f32):
      linalg.yield %in : f32
    } -> tensor<2x32x89xf32>
    %156 = tensor.empty() : tensor<2x10x89xf32>
    %157 = linalg.fill ins(%cst : f32) outs(%156 : tensor<2x10x89xf32>) -> tensor<2x10x89xf32>
    %158 = linalg.batch_matmul ins(%153, %155 : tensor<2x10x32xf32>, tensor<2x32x89xf32>) outs(%157 : tensor<2x10x89xf32>) -> tensor<2x10x89xf32>
    return %158 : tensor<2x10x89xf32>
  }
}
