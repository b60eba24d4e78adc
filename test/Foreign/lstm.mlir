module {
  ml_program.global private @w0(#ml_program.extern<tensor<160xf32>>) : tensor<160xf32>
  ml_program.global private @w1(#ml_program.extern<tensor<80x20xf32>>) : tensor<80x20xf32>
  ml_program.global private @w2(#ml_program.extern<tensor<80x20xf32>>) : tensor<80x20xf32>
  ml_program.global private @w3(#ml_program.extern<tensor<160xf32>>) : tensor<160xf32>
  ml_program.global private @w4(#ml_program.extern<tensor<80x20xf32>>) : tensor<80x20xf32>
  ml_program.global private @w5(#ml_program.extern<tensor<80x16xf32>>) : tensor<80x16xf32>
  ml_program.global private @w6(#ml_program.extern<tensor<53x16xf32>>) : tensor<53x16xf32>
  ml_program.global private @w7(#ml_program.extern<tensor<20x53xf32>>) : tensor<20x53xf32>
  func.func @main(%arg0: tensor<2x7xi64>) -> (tensor<2x7x53xf32>) {
    %c53_i64 = arith.constant 53 : i64
    %c7_i64 = arith.constant 7 : i64
    %c0_i64 = arith.constant 0 : i64
    %c0 = arith.constant 0 : index
    %c1 = arith.constant 1 : index
    %cst = arith.constant 0.000000e+00 : f32
    %cst_0 = arith.constant 1.000000e+00 : f32
    %cst_1 = ml_program.global_load_const @w0 : tensor<160xf32>
    %cst_2 = ml_program.global_load_const @w1 : tensor<80x20xf32>
    %cst_3 = ml_program.global_load_const @w2 : tensor<80x20xf32>
    %cst_4 = arith.constant dense<0.000000e+00> : tensor<7x2x20xf32>
    %cst_5 = arith.constant dense<0.000000e+00> : tensor<2x20xf32>
    %cst_6 = ml_program.global_load_const @w3 : tensor<160xf32>
    %cst_7 = ml_program.global_load_const @w4 : tensor<80x20xf32>
    %cst_8 = ml_program.global_load_const @w5 : tensor<80x16xf32>
    %cst_9 = ml_program.global_load_const @w6 : tensor<53x16xf32>
    %cst_10 = arith.constant dense<[0.10346628, 0.190857708, 0.119047299, -0.0736209303, 0.0030515797, 0.0425624475, -0.12998037, 0.18965432, 0.118057348, 0.0968984216, 0.207090124, -0.0294250324, 0.168749958, -0.0262201019, 0.180240139, -0.134483844, -0.218672559, 0.115428217, 0.0769981146, -0.212134048, 0.0971157774, -4.777700e-02, 0.090999931, 0.203065574, 0.180483907, 0.00801871344, 0.110126331, -0.207275987, 0.0165220331, 0.072387211, 0.114317402, 0.0807413682, 0.149960592, 0.0155962966, 0.0727892667, -0.219427347, -0.107206278, 0.102100559, 0.0772916526, 0.0954653174, 0.0903436095, -0.188937217, 0.0739767402, -0.0669560507, -0.0362066664, -0.0176501684, 0.188682497, 0.200273409, 0.110929877, -0.087144114, 0.0663111657, 7.691730e-02, 0.171275049]> : tensor<53xf32>
    %cst_11 = ml_program.global_load_const @w7 : tensor<20x53xf32>
    %c7 = arith.constant 7 : index
    %1 = tensor.empty() : tensor<2x7xi1>
    %2 = linalg.generic {indexing_maps = [affine_map<(d0, d1) -> (d0, d1)>, affine_map<(d0, d1) -> (d0, d1)>], iterator_types = ["parallel", "parallel"]} ins(%arg0 : tensor<2x7xi64>) outs(%1 : tensor<2x7xi1>) {
    ^bb0(%in: i64, %out: i1):
      %21 = arith.cmpi slt, %in, %c0_i64 : i64
      linalg.yield %21 : i1
    } -> tensor<2x7xi1>
    %3 = tensor.empty() : tensor<2x7xi64>
    %4 = linalg.generic {indexing_maps = [affine_map<(d0, d1) -> (d0, d1)>, affine_map<(d0, d1) -> (d0, d1)>], iterator_types = ["parallel", "parallel"]} ins(%arg0 : tensor<2x7xi64>) outs(%3 : tensor<2x7xi64>) {
    ^bb0(%in: i64, %out: i64):
      %21 = arith.addi %in, %c53_i64 : i64
      linalg.yield %21 : i64
    } -> tensor<2x7xi64>
    %5 = linalg.generic {indexing_maps = [affine_map<(d0, d1) -> (d0, d1)>, affine_map<(d0, d1) -> (d0, d1)>, affine_map<(d0, d1) -> (d0, d1)>, affine_map<(d0, d1) -> (d0, d1)>], iterator_types = ["parallel", "parallel"]} ins(%2, %4, %arg0 : tensor<2x7xi1>, tensor<2x7xi64>, tensor<2x7xi64>) outs(%3 : tensor<2x7xi64>) {
    ^bb0(%in: i1, %in_54: i64, %in_55: i64, %out: i64):
      %21 = arith.select %in, %in_54, %in_55 : i64
      linalg.yield %21 : i64
    } -> tensor<2x7xi64>
    %collapsed = tensor.collapse_shape %5 [[0, 1]] : tensor<2x7xi64> into tensor<14xi64>
    %6 = tensor.empty() : tensor<14x16xf32>
    %7 = linalg.generic {indexing_maps = [affine_map<(d0, d1) -> (d0)>, affine_map<(d0, d1) -> (d0, d1)>], iterator_types = ["parallel", "parallel"]} ins(%collapsed : tensor<14xi64>) outs(%6 : tensor<14x16xf32>) {
    ^bb0(%in: i64, %out: f32):
      %21 = arith.index_cast %in : i64 to index
      %22 = linalg.index 1 : index
      %extracted = tensor.extract %cst_9[%21, %22] : tensor<53x16xf32>
      linalg.yield %extracted : f32
    } -> tensor<14x16xf32>
    %expanded = tensor.expand_shape %7 [[0, 1], [2]] output_shape [2, 7, 16] : tensor<14x16xf32> into tensor<2x7x16xf32>
    %8 = tensor.empty() : tensor<7x2x16xf32>
    %transposed = linalg.transpose ins(%expanded : tensor<2x7x16xf32>) outs(%8 : tensor<7x2x16xf32>) permutation = [1, 0, 2] 
    %extracted_slice = tensor.extract_slice %cst_6[0] [80] [1] : tensor<160xf32> to tensor<80xf32>
    %extracted_slice_12 = tensor.extract_slice %cst_6[80] [80] [1] : tensor<160xf32> to tensor<80xf32>
    %extracted_slice_13 = tensor.extract_slice %extracted_slice[0] [20] [1] : tensor<80xf32> to tensor<20xf32>
    %extracted_slice_14 = tensor.extract_slice %extracted_slice[20] [20] [1] : tensor<80xf32> to tensor<20xf32>
    %extracted_slice_15 = tensor.extract_slice %extracted_slice[40] [20] [1] : tensor<80xf32> to tensor<20xf32>
    %extracted_slice_16 = tensor.extract_slice %extracted_slice[60] [20] [1] : tensor<80xf32> to tensor<20xf32>
    %extracted_slice_17 = tensor.extract_slice %extracted_slice_12[0] [20] [1] : tensor<80xf32> to tensor<20xf32>
    %extracted_slice_18 = tensor.extract_slice %extracted_slice_12[20] [20] [1] : tensor<80xf32> to tensor<20xf32>
    %extracted_slice_19 = tensor.extract_slice %extracted_slice_12[40] [20] [1] : tensor<80xf32> to tensor<20xf32>
    %extracted_slice_20 = tensor.extract_slice %extracted_slice_12[60] [20] [1] : tensor<80xf32> to tensor<20xf32>
    %extracted_slice_21 = tensor.extract_slice %cst_8[0, 0] [20, 16] [1, 1] : tensor<80x16xf32> to tensor<20x16xf32>
    %extracted_slice_22 = tensor.extract_slice %cst_8[20, 0] [20, 16] [1, 1] : tensor<80x16xf32> to tensor<20x16xf32>
    %extracted_slice_23 = tensor.extract_slice %cst_8[40, 0] [20, 16] [1, 1] : tensor<80x16xf32> to tensor<20x16xf32>
    %extracted_slice_24 = tensor.extract_slice %cst_8[60, 0] [20, 16] [1, 1] : tensor<80x16xf32> to tensor<20x16xf32>
    %extracted_slice_25 = tensor.extract_slice %cst_7[0, 0] [20, 20] [1, 1] : tensor<80x20xf32> to tensor<20x20xf32>
    %extracted_slice_26 = tensor.extract_slice %cst_7[20, 0] [20, 20] [1, 1] : tensor<80x20xf32> to tensor<20x20xf32>
    %extracted_slice_27 = tensor.extract_slice %cst_7[40, 0] [20, 20] [1, 1] : tensor<80x20xf32> to tensor<20x20xf32>
    %extracted_slice_28 = tensor.extract_slice %cst_7[60, 0] [20, 20] [1, 1] : tensor<80x20xf32> to tensor<20x20xf32>
    %9:3 = scf.for %arg3 = %c0 to %c7 step %c1 iter_args(%arg4 = %cst_4, %arg5 = %cst_5, %arg6 = %cst_5) -> (tensor<7x2x20xf32>, tensor<2x20xf32>, tensor<2x20xf32>) {
      %21 = arith.index_cast %arg3 : index to i64
      %22 = arith.cmpi slt, %21, %c0_i64 : i64
      %23 = arith.extui %22 : i1 to i64
      %24 = arith.muli %23, %c7_i64 : i64
      %25 = arith.addi %21, %24 : i64
      %26 = arith.addi %25, %c7_i64 : i64
      %27 = arith.cmpi sge, %25, %c0_i64 : i64
      %28 = arith.select %27, %25, %26 : i64
      %29 = arith.maxsi %28, %c0_i64 : i64
      %30 = arith.minsi %29, %c7_i64 : i64
      %31 = arith.index_cast %30 : i64 to index
      %extracted_slice_54 = tensor.extract_slice %transposed[%31, 0, 0] [1, 2, 16] [1, 1, 1] : tensor<7x2x16xf32> to tensor<1x2x16xf32>
      %collapsed_55 = tensor.collapse_shape %extracted_slice_54 [[0, 1], [2]] : tensor<1x2x16xf32> into tensor<2x16xf32>
      %32 = tensor.empty() : tensor<16x20xf32>
      %transposed_56 = linalg.transpose ins(%extracted_slice_21 : tensor<20x16xf32>) outs(%32 : tensor<16x20xf32>) permutation = [1, 0] 
      %33 = tensor.empty() : tensor<2x20xf32>
      %34 = linalg.fill ins(%cst : f32) outs(%33 : tensor<2x20xf32>) -> tensor<2x20xf32>
      %35 = linalg.matmul ins(%collapsed_55, %transposed_56 : tensor<2x16xf32>, tensor<16x20xf32>) outs(%34 : tensor<2x20xf32>) -> tensor<2x20xf32>
      %36 = linalg.generic {indexing_maps = [affine_map<(d0, d1) -> (d0, d1)>, affine_map<(d0, d1) -> (d1)>, affine_map<(d0, d1) -> (d0, d1)>], iterator_types = ["parallel", "parallel"]} ins(%35, %extracted_slice_13 : tensor<2x20xf32>, tensor<20xf32>) outs(%33 : tensor<2x20xf32>) {
      ^bb0(%in: f32, %in_65: f32, %out: f32):
        %71 = arith.addf %in, %in_65 : f32
        linalg.yield %71 : f32
      } -> tensor<2x20xf32>
      %37 = tensor.empty() : tensor<20x20xf32>
      %transposed_57 = linalg.transpose ins(%extracted_slice_25 : tensor<20x20xf32>) outs(%37 : tensor<20x20xf32>) permutation = [1, 0] 
      %38 = linalg.matmul ins(%arg5, %transposed_57 : tensor<2x20xf32>, tensor<20x20xf32>) outs(%34 : tensor<2x20xf32>) -> tensor<2x20xf32>
      %39 = linalg.generic {indexing_maps = [affine_map<(d0, d1) -> (d0, d1)>, affine_map<(d0, d1) -> (d1)>, affine_map<(d0, d1) -> (d0, d1)>], iterator_types = ["parallel", "parallel"]} ins(%38, %extracted_slice_17 : tensor<2x20xf32>, tensor<20xf32>) outs(%33 : tensor<2x20xf32>) {
      ^bb0(%in: f32, %in_65: f32, %out: f32):
        %71 = arith.addf %in, %in_65 : f32
        linalg.yield %71 : f32
      } -> tensor<2x20xf32>
      %40 = linalg.generic {indexing_maps = [affine_map<(d0, d1) -> (d0, d1)>, affine_map<(d0, d1) -> (d0, d1)>, affine_map<(d0, d1) -> (d0, d1)>], iterator_types = ["parallel", "parallel"]} ins(%36, %39 : tensor<2x20xf32>, tensor<2x20xf32>) outs(%33 : tensor<2x20xf32>) {
      ^bb0(%in: f32, %in_65: f32, %out: f32):
        %71 = arith.addf %in, %in_65 : f32
        linalg.yield %71 : f32
      } -> tensor<2x20xf32>
      %41 = linalg.generic {indexing_maps = [affine_map<(d0, d1) -> (d0, d1)>, affine_map<(d0, d1) -> (d0, d1)>], iterator_types = ["parallel", "parallel"]} ins(%40 : tensor<2x20xf32>) outs(%33 : tensor<2x20xf32>) {
      ^bb0(%in: f32, %out: f32):
        %71 = arith.negf %in : f32
        %72 = math.exp %71 : f32
        %73 = arith.addf %72, %cst_0 : f32
        %74 = arith.divf %cst_0, %73 : f32
        linalg.yield %74 : f32
      } -> tensor<2x20xf32>
      %transposed_58 = linalg.transpose ins(%extracted_slice_22 : tensor<20x16xf32>) outs(%32 : tensor<16x20xf32>) permutation = [1, 0] 
      %42 = linalg.matmul ins(%collapsed_55, %transposed_58 : tensor<2x16xf32>, tensor<16x20xf32>) outs(%34 : tensor<2x20xf32>) -> tensor<2x20xf32>
      %43 = linalg.generic {indexing_maps = [affine_map<(d0, d1) -> (d0, d1)>, affine_map<(d0, d1) -> (d1)>, affine_map<(d0, d1) -> (d0, d1)>], iterator_types = ["parallel", "parallel"]} ins(%42, %extracted_slice_14 : tensor<2x20xf32>, tensor<20xf32>) outs(%33 : tensor<2x20xf32>) {
      ^bb0(%in: f32, %in_65: f32, %out: f32):
        %71 = arith.addf %in, %in_65 : f32
        linalg.yield %71 : f32
      } -> tensor<2x20xf32>
      %transposed_59 = linalg.transpose ins(%extracted_slice_26 : tensor<20x20xf32>) outs(%37 : tensor<20x20xf32>) permutation = [1, 0] 
      %44 = linalg.matmul ins(%arg5, %transposed_59 : tensor<2x20xf32>, tensor<20x20xf32>) outs(%34 : tensor<2x20xf32>) -> tensor<2x20xf32>
      %45 = linalg.generic {indexing_maps = [affine_map<(d0, d1) -> (d0, d1)>, affine_map<(d0, d1) -> (d1)>, affine_map<(d0, d1) -> (d0, d1)>], iterator_types = ["parallel", "parallel"]} ins(%44, %extracted_slice_18 : tensor<2x20xf32>, tensor<20xf32>) outs(%33 : tensor<2x20xf32>) {
      ^bb0(%in: f32, %in_65: f32, %out: f32):
        %71 = arith.addf %in, %in_65 : f32
        linalg.yield %71 : f32
      } -> tensor<2x20xf32>
      %46 = linalg.generic {indexing_maps = [affine_map<(d0, d1) -> (d0, d1)>, affine_map<(d0, d1) -> (d0, d1)>, affine_map<(d0, d1) -> (d0, d1)>], iterator_types = ["parallel", "parallel"]} ins(%43, %45 : tensor<2x20xf32>, tensor<2x20xf32>) outs(%33 : tensor<2x20xf32>) {
      ^bb0(%in: f32, %in_65: f32, %out: f32):
        %71 = arith.addf %in, %in_65 : f32
        linalg.yield %71 : f32
      } -> tensor<2x20xf32>
      %47 = linalg.generic {indexing_maps = [affine_map<(d0, d1) -> (d0, d1)>, affine_map<(d0, d1) -> (d0, d1)>], iterator_types = ["parallel", "parallel"]} ins(%46 : tensor<2x20xf32>) outs(%33 : tensor<2x20xf32>) {
      ^bb0(%in: f32, %out: f32):
        %71 = arith.negf %in : f32
        %72 = math.exp %71 : f32
        %73 = arith.addf %72, %cst_0 : f32
        %74 = arith.divf %cst_0, %73 : f32
        linalg.yield %74 : f32
      } -> tensor<2x20xf32>
      %transposed_60 = linalg.transpose ins(%extracted_slice_23 : tensor<20x16xf32>) outs(%32 : tensor<16x20xf32>) permutation = [1, 0] 
      %48 = linalg.matmul ins(%collapsed_55, %transposed_60 : tensor<2x16xf32>, tensor<16x20xf32>) outs(%34 : tensor<2x20xf32>) -> tensor<2x20xf32>
      %49 = linalg.generic {indexing_maps = [affine_map<(d0, d1) -> (d0, d1)>, affine_map<(d0, d1) -> (d1)>, affine_map<(d0, d1) -> (d0, d1)>], iterator_types = ["parallel", "parallel"]} ins(%48, %extracted_slice_15 : tensor<2x20xf32>, tensor<20xf32>) outs(%33 : tensor<2x20xf32>) {
      ^bb0(%in: f32, %in_65: f32, %out: f32):
        %71 = arith.addf %in, %in_65 : f32
        linalg.yield %71 : f32
      } -> tensor<2x20xf32>
      %transposed_61 = linalg.transpose ins(%extracted_slice_27 : tensor<20x20xf32>) outs(%37 : tensor<20x20xf32>) permutation = [1, 0] 
      %50 = linalg.matmul ins(%arg5, %transposed_61 : tensor<2x20xf32>, tensor<20x20xf32>) outs(%34 : tensor<2x20xf32>) -> tensor<2x20xf32>
      %51 = linalg.generic {indexing_maps = [affine_map<(d0, d1) -> (d0, d1)>, affine_map<(d0, d1) -> (d1)>, affine_map<(d0, d1) -> (d0, d1)>], iterator_types = ["parallel", "parallel"]} ins(%50, %extracted_slice_19 : tensor<2x20xf32>, tensor<20xf32>) outs(%33 : tensor<2x20xf32>) {
      ^bb0(%in: f32, %in_65: f32, %out: f32):
        %71 = arith.addf %in, %in_65 : f32
        linalg.yield %71 : f32
      } -> tensor<2x20xf32>
      %52 = linalg.generic {indexing_maps = [affine_map<(d0, d1) -> (d0, d1)>, affine_map<(d0, d1) -> (d0, d1)>, affine_map<(d0, d1) -> (d0, d1)>], iterator_types = ["parallel", "parallel"]} ins(%49, %51 : tensor<2x20xf32>, tensor<2x20xf32>) outs(%33 : tensor<2x20xf32>) {
      ^bb0(%in: f32, %in_65: f32, %out: f32):
        %71 = arith.addf %in, %in_65 : f32
        linalg.yield %71 : f32
      } -> tensor<2x20xf32>
      %53 = linalg.generic {indexing_maps = [affine_map<(d0, d1) -> (d0, d1)>, affine_map<(d0, d1) -> (d0, d1)>], iterator_types = ["parallel", "parallel"]} ins(%52 : tensor<2x20xf32>) outs(%33 : tensor<2x20xf32>) {
      ^bb0(%in: f32, %out: f32):
        %71 = arith.negf %in : f32
        %72 = math.exp %71 : f32
        %73 = arith.addf %72, %cst_0 : f32
        %74 = arith.divf %cst_0, %73 : f32
        linalg.yield %74 : f32
      } -> tensor<2x20xf32>
      %transposed_62 = linalg.transpose ins(%extracted_slice_24 : tensor<20x16xf32>) outs(%32 : tensor<16x20xf32>) permutation = [1, 0] 
      %54 = linalg.matmul ins(%collapsed_55, %transposed_62 : tensor<2x16xf32>, tensor<16x20xf32>) outs(%34 : tensor<2x20xf32>) -> tensor<2x20xf32>
      %55 = linalg.generic {indexing_maps = [affine_map<(d0, d1) -> (d0, d1)>, affine_map<(d0, d1) -> (d1)>, affine_map<(d0, d1) -> (d0, d1)>], iterator_types = ["parallel", "parallel"]} ins(%54, %extracted_slice_16 : tensor<2x20xf32>, tensor<20xf32>) outs(%33 : tensor<2x20xf32>) {
      ^bb0(%in: f32, %in_65: f32, %out: f32):
        %71 = arith.addf %in, %in_65 : f32
        linalg.yield %71 : f32
      } -> tensor<2x20xf32>
      %transposed_63 = linalg.transpose ins(%extracted_slice_28 : tensor<20x20xf32>) outs(%37 : tensor<20x20xf32>) permutation = [1, 0] 
      %56 = linalg.matmul ins(%arg5, %transposed_63 : tensor<2x20xf32>, tensor<20x20xf32>) outs(%34 : tensor<2x20xf32>) -> tensor<2x20xf32>
      %57 = linalg.generic {indexing_maps = [affine_map<(d0, d1) -> (d0, d1)>, affine_map<(d0, d1) -> (d1)>, affine_map<(d0, d1) -> (d0, d1)>], iterator_types = ["parallel", "parallel"]} ins(%56, %extracted_slice_20 : tensor<2x20xf32>, tensor<20xf32>) outs(%33 : tensor<2x20xf32>) {
      ^bb0(%in: f32, %in_65: f32, %out: f32):
        %71 = arith.addf %in, %in_65 : f32
        linalg.yield %71 : f32
      } -> tensor<2x20xf32>
      %58 = linalg.generic {indexing_maps = [affine_map<(d0, d1) -> (d0, d1)>, affine_map<(d0, d1) -> (d0, d1)>, affine_map<(d0, d1) -> (d0, d1)>], iterator_types = ["parallel", "parallel"]} ins(%55, %57 : tensor<2x20xf32>, tensor<2x20xf32>) outs(%33 : tensor<2x20xf32>) {
      ^bb0(%in: f32, %in_65: f32, %out: f32):
        %71 = arith.addf %in, %in_65 : f32
        linalg.yield %71 : f32
      } -> tensor<2x20xf32>
      %59 = linalg.generic {indexing_maps = [affine_map<(d0, d1) -> (d0, d1)>, affine_map<(d0, d1) -> (d0, d1)>], iterator_types = ["parallel", "parallel"]} ins(%58 : tensor<2x20xf32>) outs(%33 : tensor<2x20xf32>) {
      ^bb0(%in: f32, %out: f32):
        %71 = math.tanh %in : f32
        linalg.yield %71 : f32
      } -> tensor<2x20xf32>
      %60 = linalg.generic {indexing_maps = [affine_map<(d0, d1) -> (d0, d1)>, affine_map<(d0, d1) -> (d0, d1)>, affine_map<(d0, d1) -> (d0, d1)>], iterator_types = ["parallel", "parallel"]} ins(%53, %arg6 : tensor<2x20xf32>, tensor<2x20xf32>) outs(%33 : tensor<2x20xf32>) {
      ^bb0(%in: f32, %in_65: f32, %out: f32):
        %71 = arith.mulf %in, %in_65 : f32
        linalg.yield %71 : f32
      } -> tensor<2x20xf32>
      %61 = linalg.generic {indexing_maps = [affine_map<(d0, d1) -> (d0, d1)>, affine_map<(d0, d1) -> (d0, d1)>, affine_map<(d0, d1) -> (d0, d1)>], iterator_types = ["parallel", "parallel"]} ins(%41, %59 : tensor<2x20xf32>, tensor<2x20xf32>) outs(%33 : tensor<2x20xf32>) {
      ^bb0(%in: f32, %in_65: f32, %out: f32):
        %71 = arith.mulf %in, %in_65 : f32
        linalg.yield %71 : f32
      } -> tensor<2x20xf32>
      %62 = linalg.generic {indexing_maps = [affine_map<(d0, d1) -> (d0, d1)>, affine_map<(d0, d1) -> (d0, d1)>, affine_map<(d0, d1) -> (d0, d1)>], iterator_types = ["parallel", "parallel"]} ins(%60, %61 : tensor<2x20xf32>, tensor<2x20xf32>) outs(%33 : tensor<2x20xf32>) {
      ^bb0(%in: f32, %in_65: f32, %out: f32):
        %71 = arith.addf %in, %in_65 : f32
        linalg.yield %71 : f32
      } -> tensor<2x20xf32>
      %63 = linalg.generic {indexing_maps = [affine_map<(d0, d1) -> (d0, d1)>, affine_map<(d0, d1) -> (d0, d1)>], iterator_types = ["parallel", "parallel"]} ins(%62 : tensor<2x20xf32>) outs(%33 : tensor<2x20xf32>) {
      ^bb0(%in: f32, %out: f32):
        %71 = math.tanh %in : f32
        linalg.yield %71 : f32
      } -> tensor<2x20xf32>
      %64 = linalg.generic {indexing_maps = [affine_map<(d0, d1) -> (d0, d1)>, affine_map<(d0, d1) -> (d0, d1)>, affine_map<(d0, d1) -> (d0, d1)>], iterator_types = ["parallel", "parallel"]} ins(%47, %63 : tensor<2x20xf32>, tensor<2x20xf32>) outs(%33 : tensor<2x20xf32>) {
      ^bb0(%in: f32, %in_65: f32, %out: f32):
        %71 = arith.mulf %in, %in_65 : f32
        linalg.yield %71 : f32
      } -> tensor<2x20xf32>
      %expanded_64 = tensor.expand_shape %64 [[0, 1], [2]] output_shape [1, 2, 20] : tensor<2x20xf32> into tensor<1x2x20xf32>
      %65 = arith.addi %21, %c7_i64 : i64
      %66 = arith.cmpi sge, %21, %c0_i64 : i64
      %67 = arith.select %66, %21, %65 : i64
      %68 = arith.maxsi %67, %c0_i64 : i64
      %69 = arith.minsi %68, %c7_i64 : i64
      %70 = arith.index_cast %69 : i64 to index
      %inserted_slice = tensor.insert_slice %expanded_64 into %arg4[%70, 0, 0] [1, 2, 20] [1, 1, 1] : tensor<1x2x20xf32> into tensor<7x2x20xf32>
      scf.yield %inserted_slice, %64, %62 : tensor<7x2x20xf32>, tensor<2x20xf32>, tensor<2x20xf32>
    }
    %expanded_29 = tensor.expand_shape %9#0 [[0], [1, 2], [3]] output_shape [7, 1, 2, 20] : tensor<7x2x20xf32> into tensor<7x1x2x20xf32>
    %10 = tensor.empty() : tensor<7x2x1x20xf32>
    %transposed_30 = linalg.transpose ins(%expanded_29 : tensor<7x1x2x20xf32>) outs(%10 : tensor<7x2x1x20xf32>) permutation = [0, 2, 1, 3] 
    %collapsed_31 = tensor.collapse_shape %transposed_30 [[0], [1], [2, 3]] : tensor<7x2x1x20xf32> into tensor<7x2x20xf32>
    %extracted_slice_32 = tensor.extract_slice %cst_1[0] [80] [1] : tensor<160xf32> to tensor<80xf32>
    %extracted_slice_33 = tensor.extract_slice %cst_1[80] [80] [1] : tensor<160xf32> to tensor<80xf32>
    %extracted_slice_34 = tensor.extract_slice %extracted_slice_32[0] [20] [1] : tensor<80xf32> to tensor<20xf32>
    %extracted_slice_35 = tensor.extract_slice %extracted_slice_32[20] [20] [1] : tensor<80xf32> to tensor<20xf32>
    %extracted_slice_36 = tensor.extract_slice %extracted_slice_32[40] [20] [1] : tensor<80xf32> to tensor<20xf32>
    %extracted_slice_37 = tensor.extract_slice %extracted_slice_32[60] [20] [1] : tensor<80xf32> to tensor<20xf32>
    %extracted_slice_38 = tensor.extract_slice %extracted_slice_33[0] [20] [1] : tensor<80xf32> to tensor<20xf32>
    %extracted_slice_39 = tensor.extract_slice %extracted_slice_33[20] [20] [1] : tensor<80xf32> to tensor<20xf32>
    %extracted_slice_40 = tensor.extract_slice %extracted_slice_33[40] [20] [1] : tensor<80xf32> to tensor<20xf32>
    %extracted_slice_41 = tensor.extract_slice %extracted_slice_33[60] [20] [1] : tensor<80xf32> to tensor<20xf32>
    %extracted_slice_42 = tensor.extract_slice %cst_3[0, 0] [20, 20] [1, 1] : tensor<80x20xf32> to tensor<20x20xf32>
    %extracted_slice_43 = tensor.extract_slice %cst_3[20, 0] [20, 20] [1, 1] : tensor<80x20xf32> to tensor<20x20xf32>
    %extracted_slice_44 = tensor.extract_slice %cst_3[40, 0] [20, 20] [1, 1] : tensor<80x20xf32> to tensor<20x20xf32>
    %extracted_slice_45 = tensor.extract_slice %cst_3[60, 0] [20, 20] [1, 1] : tensor<80x20xf32> to tensor<20x20xf32>
    %extracted_slice_46 = tensor.extract_slice %cst_2[0, 0] [20, 20] [1, 1] : tensor<80x20xf32> to tensor<20x20xf32>
    %extracted_slice_47 = tensor.extract_slice %cst_2[20, 0] [20, 20] [1, 1] : tensor<80x20xf32> to tensor<20x20xf32>
    %extracted_slice_48 = tensor.extract_slice %cst_2[40, 0] [20, 20] [1, 1] : tensor<80x20xf32> to tensor<20x20xf32>
    %extracted_slice_49 = tensor.extract_slice %cst_2[60, 0] [20, 20] [1, 1] : tensor<80x20xf32> to tensor<20x20xf32>
    %11:3 = scf.for %arg3 = %c0 to %c7 step %c1 iter_args(%arg4 = %cst_4, %arg5 = %cst_5, %arg6 = %cst_5) -> (tensor<7x2x20xf32>, tensor<2x20xf32>, tensor<2x20xf32>) {
      %21 = arith.index_cast %arg3 : index to i64
      %22 = arith.cmpi slt, %21, %c0_i64 : i64
      %23 = arith.extui %22 : i1 to i64
      %24 = arith.muli %23, %c7_i64 : i64
      %25 = arith.addi %21, %24 : i64
      %26 = arith.addi %25, %c7_i64 : i64
      %27 = arith.cmpi sge, %25, %c0_i64 : i64
      %28 = arith.select %27, %25, %26 : i64
      %29 = arith.maxsi %28, %c0_i64 : i64
      %30 = arith.minsi %29, %c7_i64 : i64
      %31 = arith.index_cast %30 : i64 to index
      %extracted_slice_54 = tensor.extract_slice %collapsed_31[%31, 0, 0] [1, 2, 20] [1, 1, 1] : tensor<7x2x20xf32> to tensor<1x2x20xf32>
      %collapsed_55 = tensor.collapse_shape %extracted_slice_54 [[0, 1], [2]] : tensor<1x2x20xf32> into tensor<2x20xf32>
      %32 = tensor.empty() : tensor<20x20xf32>
      %transposed_56 = linalg.transpose ins(%extracted_slice_42 : tensor<20x20xf32>) outs(%32 : tensor<20x20xf32>) permutation = [1, 0] 
      %33 = tensor.empty() : tensor<2x20xf32>
      %34 = linalg.fill ins(%cst : f32) outs(%33 : tensor<2x20xf32>) -> tensor<2x20xf32>
      %35 = linalg.matmul ins(%collapsed_55, %transposed_56 : tensor<2x20xf32>, tensor<20x20xf32>) outs(%34 : tensor<2x20xf32>) -> tensor<2x20xf32>
      %36 = linalg.generic {indexing_maps = [affine_map<(d0, d1) -> (d0, d1)>, affine_map<(d0, d1) -> (d1)>, affine_map<(d0, d1) -> (d0, d1)>], iterator_types = ["parallel", "parallel"]} ins(%35, %extracted_slice_34 : tensor<2x20xf32>, tensor<20xf32>) outs(%33 : tensor<2x20xf32>) {
      ^bb0(%in: f32, %in_65: f32, %out: f32):
        %70 = arith.addf %in, %in_65 : f32
        linalg.yield %70 : f32
      } -> tensor<2x20xf32>
      %transposed_57 = linalg.transpose ins(%extracted_slice_46 : tensor<20x20xf32>) outs(%32 : tensor<20x20xf32>) permutation = [1, 0] 
      %37 = linalg.matmul ins(%arg5, %transposed_57 : tensor<2x20xf32>, tensor<20x20xf32>) outs(%34 : tensor<2x20xf32>) -> tensor<2x20xf32>
      %38 = linalg.generic {indexing_maps = [affine_map<(d0, d1) -> (d0, d1)>, affine_map<(d0, d1) -> (d1)>, affine_map<(d0, d1) -> (d0, d1)>], iterator_types = ["parallel", "parallel"]} ins(%37, %extracted_slice_38 : tensor<2x20xf32>, tensor<20xf32>) outs(%33 : tensor<2x20xf32>) {
      ^bb0(%in: f32, %in_65: f32, %out: f32):
        %70 = arith.addf %in, %in_65 : f32
        linalg.yield %70 : f32
      } -> tensor<2x20xf32>
      %39 = linalg.generic {indexing_maps = [affine_map<(d0, d1) -> (d0, d1)>, affine_map<(d0, d1) -> (d0, d1)>, affine_map<(d0, d1) -> (d0, d1)>], iterator_types = ["parallel", "parallel"]} ins(%36, %38 : tensor<2x20xf32>, tensor<2x20xf32>) outs(%33 : tensor<2x20xf32>) {
      ^bb0(%in: f32, %in_65: f32, %out: f32):
        %70 = arith.addf %in, %in_65 : f32
        linalg.yield %70 : f32
      } -> tensor<2x20xf32>
      %40 = linalg.generic {indexing_maps = [affine_map<(d0, d1) -> (d0, d1)>, affine_map<(d0, d1) -> (d0, d1)>], iterator_types = ["parallel", "parallel"]} ins(%39 : tensor<2x20xf32>) outs(%33 : tensor<2x20xf32>) {
      ^bb0(%in: f32, %out: f32):
        %70 = arith.negf %in : f32
        %71 = math.exp %70 : f32
        %72 = arith.addf %71, %cst_0 : f32
        %73 = arith.divf %cst_0, %72 : f32
        linalg.yield %73 : f32
      } -> tensor<2x20xf32>
      %transposed_58 = linalg.transpose ins(%extracted_slice_43 : tensor<20x20xf32>) outs(%32 : tensor<20x20xf32>) permutation = [1, 0] 
      %41 = linalg.matmul ins(%collapsed_55, %transposed_58 : tensor<2x20xf32>, tensor<20x20xf32>) outs(%34 : tensor<2x20xf32>) -> tensor<2x20xf32>
      %42 = linalg.generic {indexing_maps = [affine_map<(d0, d1) -> (d0, d1)>, affine_map<(d0, d1) -> (d1)>, affine_map<(d0, d1) -> (d0, d1)>], iterator_types = ["parallel", "parallel"]} ins(%41, %extracted_slice_35 : tensor<2x20xf32>, tensor<20xf32>) outs(%33 : tensor<2x20xf32>) {
      ^bb0(%in: f32, %in_65: f32, %out: f32):
        %70 = arith.addf %in, %in_65 : f32
        linalg.yield %70 : f32
      } -> tensor<2x20xf32>
      %transposed_59 = linalg.transpose ins(%extracted_slice_47 : tensor<20x20xf32>) outs(%32 : tensor<20x20xf32>) permutation = [1, 0] 
      %43 = linalg.matmul ins(%arg5, %transposed_59 : tensor<2x20xf32>, tensor<20x20xf32>) outs(%34 : tensor<2x20xf32>) -> tensor<2x20xf32>
      %44 = linalg.generic {indexing_maps = [affine_map<(d0, d1) -> (d0, d1)>, affine_map<(d0, d1) -> (d1)>, affine_map<(d0, d1) -> (d0, d1)>], iterator_types = ["parallel", "parallel"]} ins(%43, %extracted_slice_39 : tensor<2x20xf32>, tensor<20xf32>) outs(%33 : tensor<2x20xf32>) {
      ^bb0(%in: f32, %in_65: f32, %out: f32):
        %70 = arith.addf %in, %in_65 : f32
        linalg.yield %70 : f32
      } -> tensor<2x20xf32>
      %45 = linalg.generic {indexing_maps = [affine_map<(d0, d1) -> (d0, d1)>, affine_map<(d0, d1) -> (d0, d1)>, affine_map<(d0, d1) -> (d0, d1)>], iterator_types = ["parallel", "parallel"]} ins(%42, %44 : tensor<2x20xf32>, tensor<2x20xf32>) outs(%33 : tensor<2x20xf32>) {
      ^bb0(%in: f32, %in_65: f32, %out: f32):
        %70 = arith.addf %in, %in_65 : f32
        linalg.yield %70 : f32
      } -> tensor<2x20xf32>
      %46 = linalg.generic {indexing_maps = [affine_map<(d0, d1) -> (d0, d1)>, affine_map<(d0, d1) -> (d0, d1)>], iterator_types = ["parallel", "parallel"]} ins(%45 : tensor<2x20xf32>) outs(%33 : tensor<2x20xf32>) {
      ^bb0(%in: f32, %out: f32):
        %70 = arith.negf %in : f32
        %71 = math.exp %70 : f32
        %72 = arith.addf %71, %cst_0 : f32
        %73 = arith.divf %cst_0, %72 : f32
        linalg.yield %73 : f32
      } -> tensor<2x20xf32>
      %transposed_60 = linalg.transpose ins(%extracted_slice_44 : tensor<20x20xf32>) outs(%32 : tensor<20x20xf32>) permutation = [1, 0] 
      %47 = linalg.matmul ins(%collapsed_55, %transposed_60 : tensor<2x20xf32>, tensor<20x20xf32>) outs(%34 : tensor<2x20xf32>) -> tensor<2x20xf32>
      %48 = linalg.generic {indexing_maps = [affine_map<(d0, d1) -> (d0, d1)>, affine_map<(d0, d1) -> (d1)>, affine_map<(d0, d1) -> (d0, d1)>], iterator_types = ["parallel", "parallel"]} ins(%47, %extracted_slice_36 : tensor<2x20xf32>, tensor<20xf32>) outs(%33 : tensor<2x20xf32>) {
      ^bb0(%in: f32, %in_65: f32, %out: f32):
        %70 = arith.addf %in, %in_65 : f32
        linalg.yield %70 : f32
      } -> tensor<2x20xf32>
      %transposed_61 = linalg.transpose ins(%extracted_slice_48 : tensor<20x20xf32>) outs(%32 : tensor<20x20xf32>) permutation = [1, 0] 
      %49 = linalg.matmul ins(%arg5, %transposed_61 : tensor<2x20xf32>, tensor<20x20xf32>) outs(%34 : tensor<2x20xf32>) -> tensor<2x20xf32>
      %50 = linalg.generic {indexing_maps = [affine_map<(d0, d1) -> (d0, d1)>, affine_map<(d0, d1) -> (d1)>, affine_map<(d0, d1) -> (d0, d1)>], iterator_types = ["parallel", "parallel"]} ins(%49, %extracted_slice_40 : tensor<2x20xf32>, tensor<20xf32>) outs(%33 : tensor<2x20xf32>) {
      ^bb0(%in: f32, %in_65: f32, %out: f32):
        %70 = arith.addf %in, %in_65 : f32
        linalg.yield %70 : f32
      } -> tensor<2x20xf32>
      %51 = linalg.generic {indexing_maps = [affine_map<(d0, d1) -> (d0, d1)>, affine_map<(d0, d1) -> (d0, d1)>, affine_map<(d0, d1) -> (d0, d1)>], iterator_types = ["parallel", "parallel"]} ins(%48, %50 : tensor<2x20xf32>, tensor<2x20xf32>) outs(%33 : tensor<2x20xf32>) {
      ^bb0(%in: f32, %in_65: f32, %out: f32):
        %70 = arith.addf %in, %in_65 : f32
        linalg.yield %70 : f32
      } -> tensor<2x20xf32>
      %52 = linalg.generic {indexing_maps = [affine_map<(d0, d1) -> (d0, d1)>, affine_map<(d0, d1) -> (d0, d1)>], iterator_types = ["parallel", "parallel"]} ins(%51 : tensor<2x20xf32>) outs(%33 : tensor<2x20xf32>) {
      ^bb0(%in: f32, %out: f32):
        %70 = arith.negf %in : f32
        %71 = math.exp %70 : f32
        %72 = arith.addf %71, %cst_0 : f32
        %73 = arith.divf %cst_0, %72 : f32
        linalg.yield %73 : f32
      } -> tensor<2x20xf32>
      %transposed_62 = linalg.transpose ins(%extracted_slice_45 : tensor<20x20xf32>) outs(%32 : tensor<20x20xf32>) permutation = [1, 0] 
      %53 = linalg.matmul ins(%collapsed_55, %transposed_62 : tensor<2x20xf32>, tensor<20x20xf32>) outs(%34 : tensor<2x20xf32>) -> tensor<2x20xf32>
      %54 = linalg.generic {indexing_maps = [affine_map<(d0, d1) -> (d0, d1)>, affine_map<(d0, d1) -> (d1)>, affine_map<(d0, d1) -> (d0, d1)>], iterator_types = ["parallel", "parallel"]} ins(%53, %extracted_slice_37 : tensor<2x20xf32>, tensor<20xf32>) outs(%33 : tensor<2x20xf32>) {
      ^bb0(%in: f32, %in_65: f32, %out: f32):
        %70 = arith.addf %in, %in_65 : f32
        linalg.yield %70 : f32
      } -> tensor<2x20xf32>
      %transposed_63 = linalg.transpose ins(%extracted_slice_49 : tensor<20x20xf32>) outs(%32 : tensor<20x20xf32>) permutation = [1, 0] 
      %55 = linalg.matmul ins(%arg5, %transposed_63 : tensor<2x20xf32>, tensor<20x20xf32>) outs(%34 : tensor<2x20xf32>) -> tensor<2x20xf32>
      %56 = linalg.generic {indexing_maps = [affine_map<(d0, d1) -> (d0, d1)>, affine_map<(d0, d1) -> (d1)>, affine_map<(d0, d1) -> (d0, d1)>], iterator_types = ["parallel", "parallel"]} ins(%55, %extracted_slice_41 : tensor<2x20xf32>, tensor<20xf32>) outs(%33 : tensor<2x20xf32>) {
      ^bb0(%in: f32, %in_65: f32, %out: f32):
        %70 = arith.addf %in, %in_65 : f32
        linalg.yield %70 : f32
      } -> tensor<2x20xf32>
      %57 = linalg.generic {indexing_maps = [affine_map<(d0, d1) -> (d0, d1)>, affine_map<(d0, d1) -> (d0, d1)>, affine_map<(d0, d1) -> (d0, d1)>], iterator_types = ["parallel", "parallel"]} ins(%54, %56 : tensor<2x20xf32>, tensor<2x20xf32>) outs(%33 : tensor<2x20xf32>) {
      ^bb0(%in: f32, %in_65: f32, %out: f32):
        %70 = arith.addf %in, %in_65 : f32
        linalg.yield %70 : f32
      } -> tensor<2x20xf32>
      %58 = linalg.generic {indexing_maps = [affine_map<(d0, d1) -> (d0, d1)>, affine_map<(d0, d1) -> (d0, d1)>], iterator_types = ["parallel", "parallel"]} ins(%57 : tensor<2x20xf32>) outs(%33 : tensor<2x20xf32>) {
      ^bb0(%in: f32, %out: f32):
        %70 = math.tanh %in : f32
        linalg.yield %70 : f32
      } -> tensor<2x20xf32>
      %59 = linalg.generic {indexing_maps = [affine_map<(d0, d1) -> (d0, d1)>, affine_map<(d0, d1) -> (d0, d1)>, affine_map<(d0, d1) -> (d0, d1)>], iterator_types = ["parallel", "parallel"]} ins(%52, %arg6 : tensor<2x20xf32>, tensor<2x20xf32>) outs(%33 : tensor<2x20xf32>) {
      ^bb0(%in: f32, %in_65: f32, %out: f32):
        %70 = arith.mulf %in, %in_65 : f32
        linalg.yield %70 : f32
      } -> tensor<2x20xf32>
      %60 = linalg.generic {indexing_maps = [affine_map<(d0, d1) -> (d0, d1)>, affine_map<(d0, d1) -> (d0, d1)>, affine_map<(d0, d1) -> (d0, d1)>], iterator_types = ["parallel", "parallel"]} ins(%40, %58 : tensor<2x20xf32>, tensor<2x20xf32>) outs(%33 : tensor<2x20xf32>) {
      ^bb0(%in: f32, %in_65: f32, %out: f32):
        %70 = arith.mulf %in, %in_65 : f32
        linalg.yield %70 : f32
      } -> tensor<2x20xf32>
      %61 = linalg.generic {indexing_maps = [affine_map<(d0, d1) -> (d0, d1)>, affine_map<(d0, d1) -> (d0, d1)>, affine_map<(d0, d1) -> (d0, d1)>], iterator_types = ["parallel", "parallel"]} ins(%59, %60 : tensor<2x20xf32>, tensor<2x20xf32>) outs(%33 : tensor<2x20xf32>) {
      ^bb0(%in: f32, %in_65: f32, %out: f32):
        %70 = arith.addf %in, %in_65 : f32
        linalg.yield %70 : f32
      } -> tensor<2x20xf32>
      %62 = linalg.generic {indexing_maps = [affine_map<(d0, d1) -> (d0, d1)>, affine_map<(d0, d1) -> (d0, d1)>], iterator_types = ["parallel", "parallel"]} ins(%61 : tensor<2x20xf32>) outs(%33 : tensor<2x20xf32>) {
      ^bb0(%in: f32, %out: f32):
        %70 = math.tanh %in : f32
        linalg.yield %70 : f32
      } -> tensor<2x20xf32>
      %63 = linalg.generic {indexing_maps = [affine_map<(d0, d1) -> (d0, d1)>, affine_map<(d0, d1) -> (d0, d1)>, affine_map<(d0, d1) -> (d0, d1)>], iterator_types = ["parallel", "parallel"]} ins(%46, %62 : tensor<2x20xf32>, tensor<2x20xf32>) outs(%33 : tensor<2x20xf32>) {
      ^bb0(%in: f32, %in_65: f32, %out: f32):
        %70 = arith.mulf %in, %in_65 : f32
        linalg.yield %70 : f32
      } -> tensor<2x20xf32>
      %expanded_64 = tensor.expand_shape %63 [[0, 1], [2]] output_shape [1, 2, 20] : tensor<2x20xf32> into tensor<1x2x20xf32>
      %64 = arith.addi %21, %c7_i64 : i64
      %65 = arith.cmpi sge, %21, %c0_i64 : i64
      %66 = arith.select %65, %21, %64 : i64
      %67 = arith.maxsi %66, %c0_i64 : i64
      %68 = arith.minsi %67, %c7_i64 : i64
      %69 = arith.index_cast %68 : i64 to index
      %inserted_slice = tensor.insert_slice %expanded_64 into %arg4[%69, 0, 0] [1, 2, 20] [1, 1, 1] : tensor<1x2x20xf32> into tensor<7x2x20xf32>
      scf.yield %inserted_slice, %63, %61 : tensor<7x2x20xf32>, tensor<2x20xf32>, tensor<2x20xf32>
    }
    %expanded_50 = tensor.expand_shape %11#0 [[0], [1, 2], [3]] output_shape [7, 1, 2, 20] : tensor<7x2x20xf32> into tensor<7x1x2x20xf32>
    %transposed_51 = linalg.transpose ins(%expanded_50 : tensor<7x1x2x20xf32>) outs(%10 : tensor<7x2x1x20xf32>) permutation = [0, 2, 1, 3] 
    %collapsed_52 = tensor.collapse_shape %transposed_51 [[0], [1], [2, 3]] : tensor<7x2x1x20xf32> into tensor<7x2x20xf32>
    %12 = tensor.empty() : tensor<2x7x20xf32>
    %transposed_53 = linalg.transpose ins(%collapsed_52 : tensor<7x2x20xf32>) outs(%12 : tensor<2x7x20xf32>) permutation = [1, 0, 2] 
    %13 = tensor.empty() : tensor<2x20x53xf32>
    %14 = linalg.generic {indexing_maps = [affine_map<(d0, d1, d2) -> (d1, d2)>, affine_map<(d0, d1, d2) -> (d0, d1, d2)>], iterator_types = ["parallel", "parallel", "parallel"]} ins(%cst_11 : tensor<20x53xf32>) outs(%13 : tensor<2x20x53xf32>) {
    ^bb0(%in: f32, %out: f32):
      linalg.yield %in : f32
    } -> tensor<2x20x53xf32>
    %15 = tensor.empty() : tensor<2x7x53xf32>
    %16 = linalg.fill ins(%cst : f32) outs(%15 : tensor<2x7x53xf32>) -> tensor<2x7x53xf32>
    %17 = linalg.batch_matmul ins(%transposed_53, %14 : tensor<2x7x20xf32>, tensor<2x20x53xf32>) outs(%16 : tensor<2x7x53xf32>) -> tensor<2x7x53xf32>
    %18 = linalg.generic {indexing_maps = [affine_map<(d0, d1, d2) -> (d0, d1, d2)>, affine_map<(d0, d1, d2) -> (d2)>, affine_map<(d0, d1, d2) -> (d0, d1, d2)>], iterator_types = ["parallel", "parallel", "parallel"]} ins(%17, %cst_10 : tensor<2x7x53xf32>, tensor<53xf32>) outs(%15 : tensor<2x7x53xf32>) {
    ^bb0(%in: f32, %in_54: f32, %out: f32):
      %21 = arith.addf %in, %in_54 : f32
      linalg.yield %21 : f32
    } -> tensor<2x7x53xf32>
    return %18 : tensor<2x7x53xf32>
  }
}
