module {
  ml_program.global private @w0(#ml_program.extern<tensor<97x24xf32>>) : tensor<97x24xf32>
  ml_program.global private @w1(#ml_program.extern<tensor<72xf32>>) : tensor<72xf32>
  ml_program.global private @w2(#ml_program.extern<tensor<96xf32>>) : tensor<96xf32>
  ml_program.global private @w3(#ml_program.extern<tensor<72xf32>>) : tensor<72xf32>
  ml_program.global private @w4(#ml_program.extern<tensor<96xf32>>) : tensor<96xf32>
  ml_program.global private @w5(#ml_program.extern<tensor<11x24xf32>>) : tensor<11x24xf32>
  ml_program.global private @w6(#ml_program.extern<tensor<24x72xf32>>) : tensor<24x72xf32>
  ml_program.global private @w7(#ml_program.extern<tensor<24x24xf32>>) : tensor<24x24xf32>
  ml_program.global private @w8(#ml_program.extern<tensor<24x96xf32>>) : tensor<24x96xf32>
  ml_program.global private @w9(#ml_program.extern<tensor<96x24xf32>>) : tensor<96x24xf32>
  ml_program.global private @w10(#ml_program.extern<tensor<24x72xf32>>) : tensor<24x72xf32>
  ml_program.global private @w11(#ml_program.extern<tensor<24x24xf32>>) : tensor<24x24xf32>
  ml_program.global private @w12(#ml_program.extern<tensor<24x96xf32>>) : tensor<24x96xf32>
  ml_program.global private @w13(#ml_program.extern<tensor<96x24xf32>>) : tensor<96x24xf32>
  ml_program.global private @w14(#ml_program.extern<tensor<24x97xf32>>) : tensor<24x97xf32>
  func.func @main(%arg0: tensor<2x11xi64>) -> (tensor<2x11x97xf32>) {
    %c97_i64 = arith.constant 97 : i64
    %c3_i64 = arith.constant 3 : i64
    %c0_i64 = arith.constant 0 : i64
    %cst = arith.constant 0.000000e+00 : f32
    %cst_0 = arith.constant 0xFF800000 : f32
    %cst_1 = ml_program.global_load_const @w0 : tensor<97x24xf32>
    %cst_2 = arith.constant dense<[1.34043717, 1.00699258, 0.894481658, 0.717361748, 1.29912686, 1.18281865, 0.562068582, 1.35045314, 0.794903934, 0.553843141, 1.03896368, 1.3927002, 1.44739294, 0.724304914, 1.12939787, 1.18676531, 1.25929642, 0.650485694, 0.557578325, 0.696880937, 0.937410473, 0.732915282, 1.33249962, 0.529315531]> : tensor<24xf32>
    %cst_3 = arith.constant dense<[0.323094249, -0.134290695, 3.766610e-01, -0.475406706, -0.0489029884, -0.336927474, -0.488703966, 0.206806362, 0.436818719, -0.182003975, -0.174418032, -0.225536704, -0.444126129, 0.359787583, 0.00837880373, -0.0409755111, 0.221037328, -0.012884438, -0.148894012, -0.404092908, -0.189097464, 0.269523203, 0.205351889, 0.239988863]> : tensor<24xf32>
    %cst_4 = arith.constant dense<[0.66975069, 0.518400609, 0.911263883, 0.558069408, 1.09413469, 1.23219252, 1.22829747, 0.612361073, 1.11238241, 1.30830538, 0.87448287, 1.47046363, 1.28222358, 0.656501471, 1.11459088, 1.42193115, 0.834947943, 1.17220712, 1.05547428, 1.19545126, 0.935575724, 0.619766116, 1.06501365, 1.25739813]> : tensor<24xf32>
    %cst_5 = arith.constant dense<[-0.160098016, 0.176687121, 0.0102511048, -0.258963525, -0.323101401, -0.258138299, 0.328211963, 0.0417528152, 0.21411413, 0.108505845, -0.257850349, 0.00690853595, -0.0114279985, 0.16544944, -0.454998732, -0.230381012, 0.313325703, -0.443487883, 0.0895350575, 0.276748836, 0.208800554, 0.202145219, 0.171414256, -0.237960517]> : tensor<24xf32>
    %cst_6 = ml_program.global_load_const @w1 : tensor<72xf32>
    %cst_7 = arith.constant dense<[-0.0982595756, 0.128929392, -0.00692842761, -0.116682418, -0.122142196, 0.192236021, 0.132772073, -0.14636901, 9.75773146E-5, -0.00441616448, 0.0972986742, -0.1748247, 0.00303372974, 0.0680121705, 0.1038794, 0.0213438328, -0.101178378, -0.195962161, 0.110331841, 0.186357856, -0.0616291277, -0.182416365, 0.0597238392, -0.143111154]> : tensor<24xf32>
    %cst_8 = ml_program.global_load_const @w2 : tensor<96xf32>
    %cst_9 = arith.constant dense<[-0.00879523251, 0.0103407986, -0.0638443232, 0.0138980635, 0.00462639378, -0.05179983, 0.0242250767, 0.0749725848, 0.0525379889, 3.290290e-02, -0.0449520089, -0.0738855228, 0.0609990582, 0.0157443546, 7.923910e-03, 0.0519944616, -0.0470119603, -0.101335466, -0.0700687245, -0.0955811664, 0.0635232851, 0.0621402524, -0.0467564836, -0.0228522308]> : tensor<24xf32>
    %cst_10 = arith.constant dense<[1.07216775, 1.24274087, 0.644211531, 1.41484714, 0.74935913, 1.00110817, 0.933473944, 0.990089178, 1.49842477, 1.00213385, 1.40037334, 0.63640523, 0.921770572, 0.516609073, 0.71741128, 1.39800322, 0.716047049, 1.29362655, 0.749306678, 1.41067243, 0.94989109, 0.884304702, 1.4660542, 0.918526232]> : tensor<24xf32>
    %cst_11 = arith.constant dense<[0.359231293, 0.0900038481, 0.375676274, -0.16759789, -0.0391011834, -0.198490679, -0.28301841, -0.434043944, -0.0643667579, 0.490691364, 7.357460e-02, 0.182695568, -0.113285124, -0.0580144525, 0.353886783, -0.442028403, -0.0163568258, -0.390774429, -0.277606964, 0.365151763, 0.255979896, -0.291356385, 0.203849673, 0.304134846]> : tensor<24xf32>
    %cst_12 = arith.constant dense<[0.70753163, 1.2271173, 0.589090109, 0.906962633, 1.07935333, 0.961666166, 0.777348577, 0.656677961, 0.876284361, 0.729001939, 0.661601245, 1.1394484, 1.15526438, 0.601090074, 0.79539448, 0.713847876, 0.784521639, 1.04377246, 0.701272189, 1.48639274, 1.14950097, 1.19381297, 1.14084554, 0.670032263]> : tensor<24xf32>
    %cst_13 = arith.constant dense<[-0.0108112097, -0.432915926, -0.270117581, 0.214704871, -0.388049543, 0.438217938, 0.210362315, 0.0314219594, 0.0142356753, -1.725170e-01, 0.0843650698, 0.206862509, -0.201282859, -0.24489665, -0.122576535, -0.208333313, -0.387138605, -0.379449785, -0.168409109, 0.332113981, 0.332746685, -0.213448286, 0.473184466, -0.251514912]> : tensor<24xf32>
    %cst_14 = ml_program.global_load_const @w3 : tensor<72xf32>
    %cst_15 = arith.constant dense<[0.110318795, -0.125837356, 0.194874316, -0.0586675443, -0.0365983546, 0.133715838, -0.0206504986, -0.017807981, 0.0450541712, 0.193419486, 0.149114028, -0.141368017, 0.012849424, -0.0281045306, 4.639310e-02, 0.02731576, 7.758910e-02, -0.121874385, -0.0344503894, 0.0263948832, -0.14598316, 0.0461364277, -0.181553468, -0.032479547]> : tensor<24xf32>
    %cst_16 = ml_program.global_load_const @w4 : tensor<96xf32>
    %cst_17 = arith.constant dense<[0.0769213885, 0.0820707753, 0.0358703472, -0.0273835398, 0.0215445962, 3.162060e-02, -0.101172112, -6.30164519E-4, 0.0254988261, 0.0826198831, 0.0614319779, -0.0288010035, -0.00463447254, 0.0650102422, 0.0926912352, -0.0522769131, 0.101179205, -0.0174702685, -0.0455548353, -5.70815115E-4, 8.000270e-02, -0.058282055, 0.00356567232, -0.0587414838]> : tensor<24xf32>
    %cst_18 = arith.constant dense<[1.02241468, 1.46762085, 1.10759902, 0.752120673, 1.1115334, 0.579321444, 1.16261864, 0.613190352, 1.37517071, 0.846651673, 0.978470146, 0.906029284, 0.540918052, 1.43137634, 1.28504443, 1.35946751, 1.45260239, 1.4815619, 1.4566046, 1.21215105, 1.15060508, 0.534337044, 1.14417481, 1.01837981]> : tensor<24xf32>
    %cst_19 = arith.constant dense<[-0.065400362, 0.0626910925, -0.145597756, 0.468916953, -0.0538187623, -0.467606187, 1.133970e-01, 0.456373155, -0.304379344, -0.0590736865, -0.0509567857, -0.465855062, 0.168169141, -0.33057642, -0.130249918, -0.165509582, 0.290982127, -0.456818581, 0.106060982, 0.309668422, 0.220744193, -0.246481657, 0.103555262, 0.173142433]> : tensor<24xf32>
    %cst_20 = ml_program.global_load_const @w5 : tensor<11x24xf32>
    %cst_21 = ml_program.global_load_const @w6 : tensor<24x72xf32>
    %cst_22 = arith.constant dense<[[false, true, true, true, true, true, true, true, true, true, true], [false, false, true, true, true, true, true, true, true, true, true], [false, false, false, true, true, true, true, true, true, true, true], [false, false, false, false, true, true, true, true, true, true, true], [false, false, false, false, false, true, true, true, true, true, true], [false, false, false, false, false, false, true, true, true, true, true], [false, false, false, false, false, false, false, true, true, true, true], [false, false, false, false, false, false, false, false, true, true, true], [false, false, false, false, false, false, false, false, false, true, true], [false, false, false, false, false, false, false, false, false, false, true], [false, false, false, false, false, false, false, false, false, false, false]]> : tensor<11x11xi1>
    %cst_23 = arith.constant dense<-3.40282347E+38> : tensor<f32>
    %cst_24 = ml_program.global_load_const @w7 : tensor<24x24xf32>
    %cst_25 = ml_program.global_load_const @w8 : tensor<24x96xf32>
    %cst_26 = arith.constant dense<1.000000e+00> : tensor<f32>
    %cst_27 = ml_program.global_load_const @w9 : tensor<96x24xf32>
    %cst_28 = ml_program.global_load_const @w10 : tensor<24x72xf32>
    %cst_29 = ml_program.global_load_const @w11 : tensor<24x24xf32>
    %cst_30 = ml_program.global_load_const @w12 : tensor<24x96xf32>
    %cst_31 = ml_program.global_load_const @w13 : tensor<96x24xf32>
    %cst_32 = ml_program.global_load_const @w14 : tensor<24x97xf32>
    %cst_33 = arith.constant dense<2.82842708> : tensor<f32>
    %cst_34 = arith.constant dense<5.000000e-01> : tensor<f32>
    %cst_35 = arith.constant dense<4.471500e-02> : tensor<f32>
    %cst_36 = arith.constant dense<0.797884583> : tensor<f32>
    %cst_37 = arith.constant 2.400000e+01 : f32
    %cst_38 = arith.constant 9.99999974E-6 : f32
    %1 = tensor.empty() : tensor<2x11xi1>
    %2 = linalg.generic {indexing_maps = [affine_map<(d0, d1) -> (d0, d1)>, affine_map<(d0, d1) -> (d0, d1)>], iterator_types = ["parallel", "parallel"]} ins(%arg0 : tensor<2x11xi64>) outs(%1 : tensor<2x11xi1>) {
    ^bb0(%in: i64, %out: i1):
      %169 = arith.cmpi slt, %in, %c0_i64 : i64
      linalg.yield %169 : i1
    } -> tensor<2x11xi1>
    %3 = tensor.empty() : tensor<2x11xi64>
    %4 = linalg.generic {indexing_maps = [affine_map<(d0, d1) -> (d0, d1)>, affine_map<(d0, d1) -> (d0, d1)>], iterator_types = ["parallel", "parallel"]} ins(%arg0 : tensor<2x11xi64>) outs(%3 : tensor<2x11xi64>) {
    ^bb0(%in: i64, %out: i64):
      %169 = arith.addi %in, %c97_i64 : i64
      linalg.yield %169 : i64
    } -> tensor<2x11xi64>
    %5 = linalg.generic {indexing_maps = [affine_map<(d0, d1) -> (d0, d1)>, affine_map<(d0, d1) -> (d0, d1)>, affine_map<(d0, d1) -> (d0, d1)>, affine_map<(d0, d1) -> (d0, d1)>], iterator_types = ["parallel", "parallel"]} ins(%2, %4, %arg0 : tensor<2x11xi1>, tensor<2x11xi64>, tensor<2x11xi64>) outs(%3 : tensor<2x11xi64>) {
    ^bb0(%in: i1, %in_83: i64, %in_84: i64, %out: i64):
      %169 = arith.select %in, %in_83, %in_84 : i64
      linalg.yield %169 : i64
    } -> tensor<2x11xi64>
    %collapsed = tensor.collapse_shape %5 [[0, 1]] : tensor<2x11xi64> into tensor<22xi64>
    %6 = tensor.empty() : tensor<22x24xf32>
    %7 = linalg.generic {indexing_maps = [affine_map<(d0, d1) -> (d0)>, affine_map<(d0, d1) -> (d0, d1)>], iterator_types = ["parallel", "parallel"]} ins(%collapsed : tensor<22xi64>) outs(%6 : tensor<22x24xf32>) {
    ^bb0(%in: i64, %out: f32):
      %169 = arith.index_cast %in : i64 to index
      %170 = linalg.index 1 : index
      %extracted = tensor.extract %cst_1[%169, %170] : tensor<97x24xf32>
      linalg.yield %extracted : f32
    } -> tensor<22x24xf32>
    %expanded = tensor.expand_shape %7 [[0, 1], [2]] output_shape [2, 11, 24] : tensor<22x24xf32> into tensor<2x11x24xf32>
    %8 = tensor.empty() : tensor<2x11x24xf32>
    %9 = linalg.generic {indexing_maps = [affine_map<(d0, d1, d2) -> (d0, d1, d2)>, affine_map<(d0, d1, d2) -> (d1, d2)>, affine_map<(d0, d1, d2) -> (d0, d1, d2)>], iterator_types = ["parallel", "parallel", "parallel"]} ins(%expanded, %cst_20 : tensor<2x11x24xf32>, tensor<11x24xf32>) outs(%8 : tensor<2x11x24xf32>) {
    ^bb0(%in: f32, %in_83: f32, %out: f32):
      %169 = arith.addf %in, %in_83 : f32
      linalg.yield %169 : f32
    } -> tensor<2x11x24xf32>
    %10 = tensor.empty() : tensor<2x11x1xf32>
    %11 = linalg.fill ins(%cst : f32) outs(%10 : tensor<2x11x1xf32>) -> tensor<2x11x1xf32>
    %12 = linalg.generic {indexing_maps = [affine_map<(d0, d1, d2) -> (d0, d1, d2)>, affine_map<(d0, d1, d2) -> (d0, d1, 0)>], iterator_types = ["parallel", "parallel", "reduction"]} ins(%9 : tensor<2x11x24xf32>) outs(%11 : tensor<2x11x1xf32>) {
    ^bb0(%in: f32, %out: f32):
      %169 = arith.addf %in, %out : f32
      linalg.yield %169 : f32
    } -> tensor<2x11x1xf32>
    %13 = linalg.generic {indexing_maps = [affine_map<(d0, d1, d2) -> (d0, d1, d2)>, affine_map<(d0, d1, d2) -> (d0, d1, d2)>], iterator_types = ["parallel", "parallel", "parallel"]} ins(%12 : tensor<2x11x1xf32>) outs(%10 : tensor<2x11x1xf32>) {
    ^bb0(%in: f32, %out: f32):
      %169 = arith.divf %in, %cst_37 : f32
      linalg.yield %169 : f32
    } -> tensor<2x11x1xf32>
    %collapsed_39 = tensor.collapse_shape %13 [[0], [1, 2]] : tensor<2x11x1xf32> into tensor<2x11xf32>
    %14 = linalg.generic {indexing_maps = [affine_map<(d0, d1, d2) -> (d0, d1)>, affine_map<(d0, d1, d2) -> (d0, d1, d2)>], iterator_types = ["parallel", "parallel", "parallel"]} ins(%collapsed_39 : tensor<2x11xf32>) outs(%8 : tensor<2x11x24xf32>) {
    ^bb0(%in: f32, %out: f32):
      linalg.yield %in : f32
    } -> tensor<2x11x24xf32>
    %15 = linalg.generic {indexing_maps = [affine_map<(d0, d1, d2) -> (d0, d1, d2)>, affine_map<(d0, d1, d2) -> (d0, d1, d2)>, affine_map<(d0, d1, d2) -> (d0, d1, d2)>], iterator_types = ["parallel", "parallel", "parallel"]} ins(%9, %14 : tensor<2x11x24xf32>, tensor<2x11x24xf32>) outs(%8 : tensor<2x11x24xf32>) {
    ^bb0(%in: f32, %in_83: f32, %out: f32):
      %169 = arith.subf %in, %in_83 : f32
      linalg.yield %169 : f32
    } -> tensor<2x11x24xf32>
    %16 = linalg.generic {indexing_maps = [affine_map<(d0, d1, d2) -> (d0, d1, d2)>, affine_map<(d0, d1, d2) -> (d0, d1, d2)>, affine_map<(d0, d1, d2) -> (d0, d1, d2)>], iterator_types = ["parallel", "parallel", "parallel"]} ins(%15, %15 : tensor<2x11x24xf32>, tensor<2x11x24xf32>) outs(%8 : tensor<2x11x24xf32>) {
    ^bb0(%in: f32, %in_83: f32, %out: f32):
      %169 = arith.mulf %in, %in_83 : f32
      linalg.yield %169 : f32
    } -> tensor<2x11x24xf32>
    %17 = linalg.generic {indexing_maps = [affine_map<(d0, d1, d2) -> (d0, d1, d2)>, affine_map<(d0, d1, d2) -> (d0, d1, 0)>], iterator_types = ["parallel", "parallel", "reduction"]} ins(%16 : tensor<2x11x24xf32>) outs(%11 : tensor<2x11x1xf32>) {
    ^bb0(%in: f32, %out: f32):
      %169 = arith.addf %in, %out : f32
      linalg.yield %169 : f32
    } -> tensor<2x11x1xf32>
    %18 = linalg.generic {indexing_maps = [affine_map<(d0, d1, d2) -> (d0, d1, d2)>, affine_map<(d0, d1, d2) -> (d0, d1, d2)>], iterator_types = ["parallel", "parallel", "parallel"]} ins(%17 : tensor<2x11x1xf32>) outs(%10 : tensor<2x11x1xf32>) {
    ^bb0(%in: f32, %out: f32):
      %169 = arith.divf %in, %cst_37 : f32
      linalg.yield %169 : f32
    } -> tensor<2x11x1xf32>
    %19 = linalg.generic {indexing_maps = [affine_map<(d0, d1, d2) -> (d0, d1, d2)>, affine_map<(d0, d1, d2) -> (d0, d1, d2)>], iterator_types = ["parallel", "parallel", "parallel"]} ins(%18 : tensor<2x11x1xf32>) outs(%10 : tensor<2x11x1xf32>) {
    ^bb0(%in: f32, %out: f32):
      %169 = arith.addf %in, %cst_38 : f32
      linalg.yield %169 : f32
    } -> tensor<2x11x1xf32>
    %20 = linalg.generic {indexing_maps = [affine_map<(d0, d1, d2) -> (d0, d1, d2)>, affine_map<(d0, d1, d2) -> (d0, d1, d2)>], iterator_types = ["parallel", "parallel", "parallel"]} ins(%19 : tensor<2x11x1xf32>) outs(%10 : tensor<2x11x1xf32>) {
    ^bb0(%in: f32, %out: f32):
      %169 = math.rsqrt %in : f32
      linalg.yield %169 : f32
    } -> tensor<2x11x1xf32>
    %collapsed_40 = tensor.collapse_shape %20 [[0], [1, 2]] : tensor<2x11x1xf32> into tensor<2x11xf32>
    %21 = linalg.generic {indexing_maps = [affine_map<(d0, d1, d2) -> (d0, d1)>, affine_map<(d0, d1, d2) -> (d0, d1, d2)>], iterator_types = ["parallel", "parallel", "parallel"]} ins(%collapsed_40 : tensor<2x11xf32>) outs(%8 : tensor<2x11x24xf32>) {
    ^bb0(%in: f32, %out: f32):
      linalg.yield %in : f32
    } -> tensor<2x11x24xf32>
    %22 = linalg.generic {indexing_maps = [affine_map<(d0, d1, d2) -> (d0, d1, d2)>, affine_map<(d0, d1, d2) -> (d0, d1, d2)>, affine_map<(d0, d1, d2) -> (d0, d1, d2)>], iterator_types = ["parallel", "parallel", "parallel"]} ins(%15, %21 : tensor<2x11x24xf32>, tensor<2x11x24xf32>) outs(%8 : tensor<2x11x24xf32>) {
    ^bb0(%in: f32, %in_83: f32, %out: f32):
      %169 = arith.mulf %in, %in_83 : f32
      linalg.yield %169 : f32
    } -> tensor<2x11x24xf32>
    %23 = linalg.generic {indexing_maps = [affine_map<(d0, d1, d2) -> (d0, d1, d2)>, affine_map<(d0, d1, d2) -> (d2)>, affine_map<(d0, d1, d2) -> (d0, d1, d2)>], iterator_types = ["parallel", "parallel", "parallel"]} ins(%22, %cst_2 : tensor<2x11x24xf32>, tensor<24xf32>) outs(%8 : tensor<2x11x24xf32>) {
    ^bb0(%in: f32, %in_83: f32, %out: f32):
      %169 = arith.mulf %in, %in_83 : f32
      linalg.yield %169 : f32
    } -> tensor<2x11x24xf32>
    %24 = linalg.generic {indexing_maps = [affine_map<(d0, d1, d2) -> (d0, d1, d2)>, affine_map<(d0, d1, d2) -> (d2)>, affine_map<(d0, d1, d2) -> (d0, d1, d2)>], iterator_types = ["parallel", "parallel", "parallel"]} ins(%23, %cst_3 : tensor<2x11x24xf32>, tensor<24xf32>) outs(%8 : tensor<2x11x24xf32>) {
    ^bb0(%in: f32, %in_83: f32, %out: f32):
      %169 = arith.addf %in, %in_83 : f32
      linalg.yield %169 : f32
    } -> tensor<2x11x24xf32>
    %25 = tensor.empty() : tensor<2x24x72xf32>
    %26 = linalg.generic {indexing_maps = [affine_map<(d0, d1, d2) -> (d1, d2)>, affine_map<(d0, d1, d2) -> (d0, d1, d2)>], iterator_types = ["parallel", "parallel", "parallel"]} ins(%cst_21 : tensor<24x72xf32>) outs(%25 : tensor<2x24x72xf32>) {
    ^bb0(%in: f32, %out: f32):
      linalg.yield %in : f32
    } -> tensor<2x24x72xf32>
    %27 = tensor.empty() : tensor<2x11x72xf32>
    %28 = linalg.fill ins(%cst : f32) outs(%27 : tensor<2x11x72xf32>) -> tensor<2x11x72xf32>
    %29 = linalg.batch_matmul ins(%24, %26 : tensor<2x11x24xf32>, tensor<2x24x72xf32>) outs(%28 : tensor<2x11x72xf32>) -> tensor<2x11x72xf32>
    %30 = linalg.generic {indexing_maps = [affine_map<(d0, d1, d2) -> (d0, d1, d2)>, affine_map<(d0, d1, d2) -> (d2)>, affine_map<(d0, d1, d2) -> (d0, d1, d2)>], iterator_types = ["parallel", "parallel", "parallel"]} ins(%29, %cst_6 : tensor<2x11x72xf32>, tensor<72xf32>) outs(%27 : tensor<2x11x72xf32>) {
    ^bb0(%in: f32, %in_83: f32, %out: f32):
      %169 = arith.addf %in, %in_83 : f32
      linalg.yield %169 : f32
    } -> tensor<2x11x72xf32>
    %extracted_slice = tensor.extract_slice %30[0, 0, 0] [2, 11, 24] [1, 1, 1] : tensor<2x11x72xf32> to tensor<2x11x24xf32>
    %extracted_slice_41 = tensor.extract_slice %30[0, 0, 24] [2, 11, 24] [1, 1, 1] : tensor<2x11x72xf32> to tensor<2x11x24xf32>
    %extracted_slice_42 = tensor.extract_slice %30[0, 0, 48] [2, 11, 24] [1, 1, 1] : tensor<2x11x72xf32> to tensor<2x11x24xf32>
    %expanded_43 = tensor.expand_shape %extracted_slice [[0], [1], [2, 3]] output_shape [2, 11, 3, 8] : tensor<2x11x24xf32> into tensor<2x11x3x8xf32>
    %31 = tensor.empty() : tensor<2x3x11x8xf32>
    %transposed = linalg.transpose ins(%expanded_43 : tensor<2x11x3x8xf32>) outs(%31 : tensor<2x3x11x8xf32>) permutation = [0, 2, 1, 3] 
    %expanded_44 = tensor.expand_shape %extracted_slice_41 [[0], [1], [2, 3]] output_shape [2, 11, 3, 8] : tensor<2x11x24xf32> into tensor<2x11x3x8xf32>
    %expanded_45 = tensor.expand_shape %extracted_slice_42 [[0], [1], [2, 3]] output_shape [2, 11, 3, 8] : tensor<2x11x24xf32> into tensor<2x11x3x8xf32>
    %transposed_46 = linalg.transpose ins(%expanded_45 : tensor<2x11x3x8xf32>) outs(%31 : tensor<2x3x11x8xf32>) permutation = [0, 2, 1, 3] 
    %32 = tensor.empty() : tensor<2x3x8x11xf32>
    %transposed_47 = linalg.transpose ins(%expanded_44 : tensor<2x11x3x8xf32>) outs(%32 : tensor<2x3x8x11xf32>) permutation = [0, 2, 3, 1] 
    %collapsed_48 = tensor.collapse_shape %transposed [[0, 1], [2], [3]] : tensor<2x3x11x8xf32> into tensor<6x11x8xf32>
    %collapsed_49 = tensor.collapse_shape %transposed_47 [[0, 1], [2], [3]] : tensor<2x3x8x11xf32> into tensor<6x8x11xf32>
    %33 = tensor.empty() : tensor<6x11x11xf32>
    %34 = linalg.fill ins(%cst : f32) outs(%33 : tensor<6x11x11xf32>) -> tensor<6x11x11xf32>
    %35 = linalg.batch_matmul ins(%collapsed_48, %collapsed_49 : tensor<6x11x8xf32>, tensor<6x8x11xf32>) outs(%34 : tensor<6x11x11xf32>) -> tensor<6x11x11xf32>
    %expanded_50 = tensor.expand_shape %35 [[0, 1], [2], [3]] output_shape [2, 3, 11, 11] : tensor<6x11x11xf32> into tensor<2x3x11x11xf32>
    %36 = tensor.empty() : tensor<2x3x11x11xf32>
    %37 = linalg.generic {indexing_maps = [affine_map<(d0, d1, d2, d3) -> (d0, d1, d2, d3)>, affine_map<(d0, d1, d2, d3) -> ()>, affine_map<(d0, d1, d2, d3) -> (d0, d1, d2, d3)>], iterator_types = ["parallel", "parallel", "parallel", "parallel"]} ins(%expanded_50, %cst_33 : tensor<2x3x11x11xf32>, tensor<f32>) outs(%36 : tensor<2x3x11x11xf32>) {
    ^bb0(%in: f32, %in_83: f32, %out: f32):
      %169 = arith.divf %in, %in_83 : f32
      linalg.yield %169 : f32
    } -> tensor<2x3x11x11xf32>
    %38 = linalg.generic {indexing_maps = [affine_map<(d0, d1, d2, d3) -> (d2, d3)>, affine_map<(d0, d1, d2, d3) -> ()>, affine_map<(d0, d1, d2, d3) -> (d0, d1, d2, d3)>, affine_map<(d0, d1, d2, d3) -> (d0, d1, d2, d3)>], iterator_types = ["parallel", "parallel", "parallel", "parallel"]} ins(%cst_22, %cst_23, %37 : tensor<11x11xi1>, tensor<f32>, tensor<2x3x11x11xf32>) outs(%36 : tensor<2x3x11x11xf32>) {
    ^bb0(%in: i1, %in_83: f32, %in_84: f32, %out: f32):
      %169 = arith.select %in, %in_83, %in_84 : f32
      linalg.yield %169 : f32
    } -> tensor<2x3x11x11xf32>
    %39 = tensor.empty() : tensor<2x3x11xi64>
    %40 = linalg.fill ins(%c0_i64 : i64) outs(%39 : tensor<2x3x11xi64>) -> tensor<2x3x11xi64>
    %41 = tensor.empty() : tensor<2x3x11xf32>
    %42 = linalg.fill ins(%cst_0 : f32) outs(%41 : tensor<2x3x11xf32>) -> tensor<2x3x11xf32>
    %43:2 = linalg.generic {indexing_maps = [affine_map<(d0, d1, d2, d3) -> (d0, d1, d2, d3)>, affine_map<(d0, d1, d2, d3) -> (d0, d1, d2)>, affine_map<(d0, d1, d2, d3) -> (d0, d1, d2)>], iterator_types = ["parallel", "parallel", "parallel", "reduction"]} ins(%38 : tensor<2x3x11x11xf32>) outs(%42, %40 : tensor<2x3x11xf32>, tensor<2x3x11xi64>) {
    ^bb0(%in: f32, %out: f32, %out_83: i64):
      %169 = linalg.index 3 : index
      %170 = arith.index_cast %169 : index to i64
      %171 = arith.maximumf %in, %out : f32
      %172 = arith.cmpf ogt, %in, %out : f32
      %173 = arith.select %172, %170, %out_83 : i64
      linalg.yield %171, %173 : f32, i64
    } -> (tensor<2x3x11xf32>, tensor<2x3x11xi64>)
    %expanded_51 = tensor.expand_shape %43#0 [[0], [1], [2, 3]] output_shape [2, 3, 11, 1] : tensor<2x3x11xf32> into tensor<2x3x11x1xf32>
    %44 = linalg.generic {indexing_maps = [affine_map<(d0, d1, d2, d3) -> (d0, d1, d2, d3)>, affine_map<(d0, d1, d2, d3) -> (d0, d1, d2, 0)>, affine_map<(d0, d1, d2, d3) -> (d0, d1, d2, d3)>], iterator_types = ["parallel", "parallel", "parallel", "parallel"]} ins(%38, %expanded_51 : tensor<2x3x11x11xf32>, tensor<2x3x11x1xf32>) outs(%36 : tensor<2x3x11x11xf32>) {
    ^bb0(%in: f32, %in_83: f32, %out: f32):
      %169 = arith.subf %in, %in_83 : f32
      linalg.yield %169 : f32
    } -> tensor<2x3x11x11xf32>
    %45 = linalg.generic {indexing_maps = [affine_map<(d0, d1, d2, d3) -> (d0, d1, d2, d3)>, affine_map<(d0, d1, d2, d3) -> (d0, d1, d2, d3)>], iterator_types = ["parallel", "parallel", "parallel", "parallel"]} ins(%44 : tensor<2x3x11x11xf32>) outs(%36 : tensor<2x3x11x11xf32>) {
    ^bb0(%in: f32, %out: f32):
      %169 = math.exp %in : f32
      linalg.yield %169 : f32
    } -> tensor<2x3x11x11xf32>
    %46 = tensor.empty() : tensor<2x3x11x1xf32>
    %47 = linalg.fill ins(%cst : f32) outs(%46 : tensor<2x3x11x1xf32>) -> tensor<2x3x11x1xf32>
    %48 = linalg.generic {indexing_maps = [affine_map<(d0, d1, d2, d3) -> (d0, d1, d2, d3)>, affine_map<(d0, d1, d2, d3) -> (d0, d1, d2, 0)>], iterator_types = ["parallel", "parallel", "parallel", "reduction"]} ins(%45 : tensor<2x3x11x11xf32>) outs(%47 : tensor<2x3x11x1xf32>) {
    ^bb0(%in: f32, %out: f32):
      %169 = arith.addf %in, %out : f32
      linalg.yield %169 : f32
    } -> tensor<2x3x11x1xf32>
    %49 = linalg.generic {indexing_maps = [affine_map<(d0, d1, d2, d3) -> (d0, d1, d2, d3)>, affine_map<(d0, d1, d2, d3) -> (d0, d1, d2, 0)>, affine_map<(d0, d1, d2, d3) -> (d0, d1, d2, d3)>], iterator_types = ["parallel", "parallel", "parallel", "parallel"]} ins(%45, %48 : tensor<2x3x11x11xf32>, tensor<2x3x11x1xf32>) outs(%36 : tensor<2x3x11x11xf32>) {
    ^bb0(%in: f32, %in_83: f32, %out: f32):
      %169 = arith.divf %in, %in_83 : f32
      linalg.yield %169 : f32
    } -> tensor<2x3x11x11xf32>
    %collapsed_52 = tensor.collapse_shape %49 [[0, 1], [2], [3]] : tensor<2x3x11x11xf32> into tensor<6x11x11xf32>
    %collapsed_53 = tensor.collapse_shape %transposed_46 [[0, 1], [2], [3]] : tensor<2x3x11x8xf32> into tensor<6x11x8xf32>
    %50 = tensor.empty() : tensor<6x11x8xf32>
    %51 = linalg.fill ins(%cst : f32) outs(%50 : tensor<6x11x8xf32>) -> tensor<6x11x8xf32>
    %52 = linalg.batch_matmul ins(%collapsed_52, %collapsed_53 : tensor<6x11x11xf32>, tensor<6x11x8xf32>) outs(%51 : tensor<6x11x8xf32>) -> tensor<6x11x8xf32>
    %expanded_54 = tensor.expand_shape %52 [[0, 1], [2], [3]] output_shape [2, 3, 11, 8] : tensor<6x11x8xf32> into tensor<2x3x11x8xf32>
    %53 = tensor.empty() : tensor<2x11x3x8xf32>
    %transposed_55 = linalg.transpose ins(%expanded_54 : tensor<2x3x11x8xf32>) outs(%53 : tensor<2x11x3x8xf32>) permutation = [0, 2, 1, 3] 
    %collapsed_56 = tensor.collapse_shape %transposed_55 [[0], [1], [2, 3]] : tensor<2x11x3x8xf32> into tensor<2x11x24xf32>
    %54 = tensor.empty() : tensor<2x24x24xf32>
    %55 = linalg.generic {indexing_maps = [affine_map<(d0, d1, d2) -> (d1, d2)>, affine_map<(d0, d1, d2) -> (d0, d1, d2)>], iterator_types = ["parallel", "parallel", "parallel"]} ins(%cst_24 : tensor<24x24xf32>) outs(%54 : tensor<2x24x24xf32>) {
    ^bb0(%in: f32, %out: f32):
      linalg.yield %in : f32
    } -> tensor<2x24x24xf32>
    %56 = linalg.fill ins(%cst : f32) outs(%8 : tensor<2x11x24xf32>) -> tensor<2x11x24xf32>
    %57 = linalg.batch_matmul ins(%collapsed_56, %55 : tensor<2x11x24xf32>, tensor<2x24x24xf32>) outs(%56 : tensor<2x11x24xf32>) -> tensor<2x11x24xf32>
    %58 = linalg.generic {indexing_maps = [affine_map<(d0, d1, d2) -> (d0, d1, d2)>, affine_map<(d0, d1, d2) -> (d2)>, affine_map<(d0, d1, d2) -> (d0, d1, d2)>], iterator_types = ["parallel", "parallel", "parallel"]} ins(%57, %cst_7 : tensor<2x11x24xf32>, tensor<24xf32>) outs(%8 : tensor<2x11x24xf32>) {
    ^bb0(%in: f32, %in_83: f32, %out: f32):
      %169 = arith.addf %in, %in_83 : f32
      linalg.yield %169 : f32
    } -> tensor<2x11x24xf32>
    %59 = linalg.generic {indexing_maps = [affine_map<(d0, d1, d2) -> (d0, d1, d2)>, affine_map<(d0, d1, d2) -> (d0, d1, d2)>, affine_map<(d0, d1, d2) -> (d0, d1, d2)>], iterator_types = ["parallel", "parallel", "parallel"]} ins(%9, %58 : tensor<2x11x24xf32>, tensor<2x11x24xf32>) outs(%8 : tensor<2x11x24xf32>) {
    ^bb0(%in: f32, %in_83: f32, %out: f32):
      %169 = arith.addf %in, %in_83 : f32
      linalg.yield %169 : f32
    } -> tensor<2x11x24xf32>
    %60 = linalg.generic {indexing_maps = [affine_map<(d0, d1, d2) -> (d0, d1, d2)>, affine_map<(d0, d1, d2) -> (d0, d1, 0)>], iterator_types = ["parallel", "parallel", "reduction"]} ins(%59 : tensor<2x11x24xf32>) outs(%11 : tensor<2x11x1xf32>) {
    ^bb0(%in: f32, %out: f32):
      %169 = arith.addf %in, %out : f32
      linalg.yield %169 : f32
    } -> tensor<2x11x1xf32>
    %61 = linalg.generic {indexing_maps = [affine_map<(d0, d1, d2) -> (d0, d1, d2)>, affine_map<(d0, d1, d2) -> (d0, d1, d2)>], iterator_types = ["parallel", "parallel", "parallel"]} ins(%60 : tensor<2x11x1xf32>) outs(%10 : tensor<2x11x1xf32>) {
    ^bb0(%in: f32, %out: f32):
      %169 = arith.divf %in, %cst_37 : f32
      linalg.yield %169 : f32
    } -> tensor<2x11x1xf32>
    %collapsed_57 = tensor.collapse_shape %61 [[0], [1, 2]] : tensor<2x11x1xf32> into tensor<2x11xf32>
    %62 = linalg.generic {indexing_maps = [affine_map<(d0, d1, d2) -> (d0, d1)>, affine_map<(d0, d1, d2) -> (d0, d1, d2)>], iterator_types = ["parallel", "parallel", "parallel"]} ins(%collapsed_57 : tensor<2x11xf32>) outs(%8 : tensor<2x11x24xf32>) {
    ^bb0(%in: f32, %out: f32):
      linalg.yield %in : f32
    } -> tensor<2x11x24xf32>
    %63 = linalg.generic {indexing_maps = [affine_map<(d0, d1, d2) -> (d0, d1, d2)>, affine_map<(d0, d1, d2) -> (d0, d1, d2)>, affine_map<(d0, d1, d2) -> (d0, d1, d2)>], iterator_types = ["parallel", "parallel", "parallel"]} ins(%59, %62 : tensor<2x11x24xf32>, tensor<2x11x24xf32>) outs(%8 : tensor<2x11x24xf32>) {
    ^bb0(%in: f32, %in_83: f32, %out: f32):
      %169 = arith.subf %in, %in_83 : f32
      linalg.yield %169 : f32
    } -> tensor<2x11x24xf32>
    %64 = linalg.generic {indexing_maps = [affine_map<(d0, d1, d2) -> (d0, d1, d2)>, affine_map<(d0, d1, d2) -> (d0, d1, d2)>, affine_map<(d0, d1, d2) -> (d0, d1, d2)>], iterator_types = ["parallel", "parallel", "parallel"]} ins(%63, %63 : tensor<2x11x24xf32>, tensor<2x11x24xf32>) outs(%8 : tensor<2x11x24xf32>) {
    ^bb0(%in: f32, %in_83: f32, %out: f32):
      %169 = arith.mulf %in, %in_83 : f32
      linalg.yield %169 : f32
    } -> tensor<2x11x24xf32>
    %65 = linalg.generic {indexing_maps = [affine_map<(d0, d1, d2) -> (d0, d1, d2)>, affine_map<(d0, d1, d2) -> (d0, d1, 0)>], iterator_types = ["parallel", "parallel", "reduction"]} ins(%64 : tensor<2x11x24xf32>) outs(%11 : tensor<2x11x1xf32>) {
    ^bb0(%in: f32, %out: f32):
      %169 = arith.addf %in, %out : f32
      linalg.yield %169 : f32
    } -> tensor<2x11x1xf32>
    %66 = linalg.generic {indexing_maps = [affine_map<(d0, d1, d2) -> (d0, d1, d2)>, affine_map<(d0, d1, d2) -> (d0, d1, d2)>], iterator_types = ["parallel", "parallel", "parallel"]} ins(%65 : tensor<2x11x1xf32>) outs(%10 : tensor<2x11x1xf32>) {
    ^bb0(%in: f32, %out: f32):
      %169 = arith.divf %in, %cst_37 : f32
      linalg.yield %169 : f32
    } -> tensor<2x11x1xf32>
    %67 = linalg.generic {indexing_maps = [affine_map<(d0, d1, d2) -> (d0, d1, d2)>, affine_map<(d0, d1, d2) -> (d0, d1, d2)>], iterator_types = ["parallel", "parallel", "parallel"]} ins(%66 : tensor<2x11x1xf32>) outs(%10 : tensor<2x11x1xf32>) {
    ^bb0(%in: f32, %out: f32):
      %169 = arith.addf %in, %cst_38 : f32
      linalg.yield %169 : f32
    } -> tensor<2x11x1xf32>
    %68 = linalg.generic {indexing_maps = [affine_map<(d0, d1, d2) -> (d0, d1, d2)>, affine_map<(d0, d1, d2) -> (d0, d1, d2)>], iterator_types = ["parallel", "parallel", "parallel"]} ins(%67 : tensor<2x11x1xf32>) outs(%10 : tensor<2x11x1xf32>) {
    ^bb0(%in: f32, %out: f32):
      %169 = math.rsqrt %in : f32
      linalg.yield %169 : f32
    } -> tensor<2x11x1xf32>
    %collapsed_58 = tensor.collapse_shape %68 [[0], [1, 2]] : tensor<2x11x1xf32> into tensor<2x11xf32>
    %69 = linalg.generic {indexing_maps = [affine_map<(d0, d1, d2) -> (d0, d1)>, affine_map<(d0, d1, d2) -> (d0, d1, d2)>], iterator_types = ["parallel", "parallel", "parallel"]} ins(%collapsed_58 : tensor<2x11xf32>) outs(%8 : tensor<2x11x24xf32>) {
    ^bb0(%in: f32, %out: f32):
      linalg.yield %in : f32
    } -> tensor<2x11x24xf32>
    %70 = linalg.generic {indexing_maps = [affine_map<(d0, d1, d2) -> (d0, d1, d2)>, affine_map<(d0, d1, d2) -> (d0, d1, d2)>, affine_map<(d0, d1, d2) -> (d0, d1, d2)>], iterator_types = ["parallel", "parallel", "parallel"]} ins(%63, %69 : tensor<2x11x24xf32>, tensor<2x11x24xf32>) outs(%8 : tensor<2x11x24xf32>) {
    ^bb0(%in: f32, %in_83: f32, %out: f32):
      %169 = arith.mulf %in, %in_83 : f32
      linalg.yield %169 : f32
    } -> tensor<2x11x24xf32>
    %71 = linalg.generic {indexing_maps = [affine_map<(d0, d1, d2) -> (d0, d1, d2)>, affine_map<(d0, d1, d2) -> (d2)>, affine_map<(d0, d1, d2) -> (d0, d1, d2)>], iterator_types = ["parallel", "parallel", "parallel"]} ins(%70, %cst_4 : tensor<2x11x24xf32>, tensor<24xf32>) outs(%8 : tensor<2x11x24xf32>) {
    ^bb0(%in: f32, %in_83: f32, %out: f32):
      %169 = arith.mulf %in, %in_83 : f32
      linalg.yield %169 : f32
    } -> tensor<2x11x24xf32>
    %72 = linalg.generic {indexing_maps = [affine_map<(d0, d1, d2) -> (d0, d1, d2)>, affine_map<(d0, d1, d2) -> (d2)>, affine_map<(d0, d1, d2) -> (d0, d1, d2)>], iterator_types = ["parallel", "parallel", "parallel"]} ins(%71, %cst_5 : tensor<2x11x24xf32>, tensor<24xf32>) outs(%8 : tensor<2x11x24xf32>) {
    ^bb0(%in: f32, %in_83: f32, %out: f32):
      %169 = arith.addf %in, %in_83 : f32
      linalg.yield %169 : f32
    } -> tensor<2x11x24xf32>
    %73 = tensor.empty() : tensor<2x24x96xf32>
    %74 = linalg.generic {indexing_maps = [affine_map<(d0, d1, d2) -> (d1, d2)>, affine_map<(d0, d1, d2) -> (d0, d1, d2)>], iterator_types = ["parallel", "parallel", "parallel"]} ins(%cst_25 : tensor<24x96xf32>) outs(%73 : tensor<2x24x96xf32>) {
    ^bb0(%in: f32, %out: f32):
      linalg.yield %in : f32
    } -> tensor<2x24x96xf32>
    %75 = tensor.empty() : tensor<2x11x96xf32>
    %76 = linalg.fill ins(%cst : f32) outs(%75 : tensor<2x11x96xf32>) -> tensor<2x11x96xf32>
    %77 = linalg.batch_matmul ins(%72, %74 : tensor<2x11x24xf32>, tensor<2x24x96xf32>) outs(%76 : tensor<2x11x96xf32>) -> tensor<2x11x96xf32>
    %78 = linalg.generic {indexing_maps = [affine_map<(d0, d1, d2) -> (d0, d1, d2)>, affine_map<(d0, d1, d2) -> (d2)>, affine_map<(d0, d1, d2) -> (d0, d1, d2)>], iterator_types = ["parallel", "parallel", "parallel"]} ins(%77, %cst_8 : tensor<2x11x96xf32>, tensor<96xf32>) outs(%75 : tensor<2x11x96xf32>) {
    ^bb0(%in: f32, %in_83: f32, %out: f32):
      %169 = arith.addf %in, %in_83 : f32
      linalg.yield %169 : f32
    } -> tensor<2x11x96xf32>
    %79 = linalg.generic {indexing_maps = [affine_map<(d0, d1, d2) -> (d0, d1, d2)>, affine_map<(d0, d1, d2) -> ()>, affine_map<(d0, d1, d2) -> (d0, d1, d2)>], iterator_types = ["parallel", "parallel", "parallel"]} ins(%78, %cst_34 : tensor<2x11x96xf32>, tensor<f32>) outs(%75 : tensor<2x11x96xf32>) {
    ^bb0(%in: f32, %in_83: f32, %out: f32):
      %169 = arith.mulf %in, %in_83 : f32
      linalg.yield %169 : f32
    } -> tensor<2x11x96xf32>
    %80 = linalg.generic {indexing_maps = [affine_map<(d0, d1, d2) -> (d0, d1, d2)>, affine_map<(d0, d1, d2) -> (d0, d1, d2)>], iterator_types = ["parallel", "parallel", "parallel"]} ins(%78 : tensor<2x11x96xf32>) outs(%75 : tensor<2x11x96xf32>) {
    ^bb0(%in: f32, %out: f32):
      %169 = math.fpowi %in, %c3_i64 : f32, i64
      linalg.yield %169 : f32
    } -> tensor<2x11x96xf32>
    %81 = linalg.generic {indexing_maps = [affine_map<(d0, d1, d2) -> (d0, d1, d2)>, affine_map<(d0, d1, d2) -> ()>, affine_map<(d0, d1, d2) -> (d0, d1, d2)>], iterator_types = ["parallel", "parallel", "parallel"]} ins(%80, %cst_35 : tensor<2x11x96xf32>, tensor<f32>) outs(%75 : tensor<2x11x96xf32>) {
    ^bb0(%in: f32, %in_83: f32, %out: f32):
      %169 = arith.mulf %in, %in_83 : f32
      linalg.yield %169 : f32
    } -> tensor<2x11x96xf32>
    %82 = linalg.generic {indexing_maps = [affine_map<(d0, d1, d2) -> (d0, d1, d2)>, affine_map<(d0, d1, d2) -> (d0, d1, d2)>, affine_map<(d0, d1, d2) -> (d0, d1, d2)>], iterator_types = ["parallel", "parallel", "parallel"]} ins(%78, %81 : tensor<2x11x96xf32>, tensor<2x11x96xf32>) outs(%75 : tensor<2x11x96xf32>) {
    ^bb0(%in: f32, %in_83: f32, %out: f32):
      %169 = arith.addf %in, %in_83 : f32
      linalg.yield %169 : f32
    } -> tensor<2x11x96xf32>
    %83 = linalg.generic {indexing_maps = [affine_map<(d0, d1, d2) -> (d0, d1, d2)>, affine_map<(d0, d1, d2) -> ()>, affine_map<(d0, d1, d2) -> (d0, d1, d2)>], iterator_types = ["parallel", "parallel", "parallel"]} ins(%82, %cst_36 : tensor<2x11x96xf32>, tensor<f32>) outs(%75 : tensor<2x11x96xf32>) {
    ^bb0(%in: f32, %in_83: f32, %out: f32):
      %169 = arith.mulf %in, %in_83 : f32
      linalg.yield %169 : f32
    } -> tensor<2x11x96xf32>
    %84 = linalg.generic {indexing_maps = [affine_map<(d0, d1, d2) -> (d0, d1, d2)>, affine_map<(d0, d1, d2) -> (d0, d1, d2)>], iterator_types = ["parallel", "parallel", "parallel"]} ins(%83 : tensor<2x11x96xf32>) outs(%75 : tensor<2x11x96xf32>) {
    ^bb0(%in: f32, %out: f32):
      %169 = math.tanh %in : f32
      linalg.yield %169 : f32
    } -> tensor<2x11x96xf32>
    %85 = linalg.generic {indexing_maps = [affine_map<(d0, d1, d2) -> (d0, d1, d2)>, affine_map<(d0, d1, d2) -> ()>, affine_map<(d0, d1, d2) -> (d0, d1, d2)>], iterator_types = ["parallel", "parallel", "parallel"]} ins(%84, %cst_26 : tensor<2x11x96xf32>, tensor<f32>) outs(%75 : tensor<2x11x96xf32>) {
    ^bb0(%in: f32, %in_83: f32, %out: f32):
      %169 = arith.addf %in, %in_83 : f32
      linalg.yield %169 : f32
    } -> tensor<2x11x96xf32>
    %86 = linalg.generic {indexing_maps = [affine_map<(d0, d1, d2) -> (d0, d1, d2)>, affine_map<(d0, d1, d2) -> (d0, d1, d2)>, affine_map<(d0, d1, d2) -> (d0, d1, d2)>], iterator_types = ["parallel", "parallel", "parallel"]} ins(%79, %85 : tensor<2x11x96xf32>, tensor<2x11x96xf32>) outs(%75 : tensor<2x11x96xf32>) {
    ^bb0(%in: f32, %in_83: f32, %out: f32):
      %169 = arith.mulf %in, %in_83 : f32
      linalg.yield %169 : f32
    } -> tensor<2x11x96xf32>
    %87 = tensor.empty() : tensor<2x96x24xf32>
    %88 = linalg.generic {indexing_maps = [affine_map<(d0, d1, d2) -> (d1, d2)>, affine_map<(d0, d1, d2) -> (d0, d1, d2)>], iterator_types = ["parallel", "parallel", "parallel"]} ins(%cst_27 : tensor<96x24xf32>) outs(%87 : tensor<2x96x24xf32>) {
    ^bb0(%in: f32, %out: f32):
      linalg.yield %in : f32
    } -> tensor<2x96x24xf32>
    %89 = linalg.batch_matmul ins(%86, %88 : tensor<2x11x96xf32>, tensor<2x96x24xf32>) outs(%56 : tensor<2x11x24xf32>) -> tensor<2x11x24xf32>
    %90 = linalg.generic {indexing_maps = [affine_map<(d0, d1, d2) -> (d0, d1, d2)>, affine_map<(d0, d1, d2) -> (d2)>, affine_map<(d0, d1, d2) -> (d0, d1, d2)>], iterator_types = ["parallel", "parallel", "parallel"]} ins(%89, %cst_9 : tensor<2x11x24xf32>, tensor<24xf32>) outs(%8 : tensor<2x11x24xf32>) {
    ^bb0(%in: f32, %in_83: f32, %out: f32):
      %169 = arith.addf %in, %in_83 : f32
      linalg.yield %169 : f32
    } -> tensor<2x11x24xf32>
    %91 = linalg.generic {indexing_maps = [affine_map<(d0, d1, d2) -> (d0, d1, d2)>, affine_map<(d0, d1, d2) -> (d0, d1, d2)>, affine_map<(d0, d1, d2) -> (d0, d1, d2)>], iterator_types = ["parallel", "parallel", "parallel"]} ins(%59, %90 : tensor<2x11x24xf32>, tensor<2x11x24xf32>) outs(%8 : tensor<2x11x24xf32>) {
    ^bb0(%in: f32, %in_83: f32, %out: f32):
      %169 = arith.addf %in, %in_83 : f32
      linalg.yield %169 : f32
    } -> tensor<2x11x24xf32>
    %92 = linalg.generic {indexing_maps = [affine_map<(d0, d1, d2) -> (d0, d1, d2)>, affine_map<(d0, d1, d2) -> (d0, d1, 0)>], iterator_types = ["parallel", "parallel", "reduction"]} ins(%91 : tensor<2x11x24xf32>) outs(%11 : tensor<2x11x1xf32>) {
    ^bb0(%in: f32, %out: f32):
      %169 = arith.addf %in, %out : f32
      linalg.yield %169 : f32
    } -> tensor<2x11x1xf32>
    %93 = linalg.generic {indexing_maps = [affine_map<(d0, d1, d2) -> (d0, d1, d2)>, affine_map<(d0, d1, d2) -> (d0, d1, d2)>], iterator_types = ["parallel", "parallel", "parallel"]} ins(%92 : tensor<2x11x1xf32>) outs(%10 : tensor<2x11x1xf32>) {
    ^bb0(%in: f32, %out: f32):
      %169 = arith.divf %in, %cst_37 : f32
      linalg.yield %169 : f32
    } -> tensor<2x11x1xf32>
    %collapsed_59 = tensor.collapse_shape %93 [[0], [1, 2]] : tensor<2x11x1xf32> into tensor<2x11xf32>
    %94 = linalg.generic {indexing_maps = [affine_map<(d0, d1, d2) -> (d0, d1)>, affine_map<(d0, d1, d2) -> (d0, d1, d2)>], iterator_types = ["parallel", "parallel", "parallel"]} ins(%collapsed_59 : tensor<2x11xf32>) outs(%8 : tensor<2x11x24xf32>) {
    ^bb0(%in: f32, %out: f32):
      linalg.yield %in : f32
    } -> tensor<2x11x24xf32>
    %95 = linalg.generic {indexing_maps = [affine_map<(d0, d1, d2) -> (d0, d1, d2)>, affine_map<(d0, d1, d2) -> (d0, d1, d2)>, affine_map<(d0, d1, d2) -> (d0, d1, d2)>], iterator_types = ["parallel", "parallel", "parallel"]} ins(%91, %94 : tensor<2x11x24xf32>, tensor<2x11x24xf32>) outs(%8 : tensor<2x11x24xf32>) {
    ^bb0(%in: f32, %in_83: f32, %out: f32):
      %169 = arith.subf %in, %in_83 : f32
      linalg.yield %169 : f32
    } -> tensor<2x11x24xf32>
    %96 = linalg.generic {indexing_maps = [affine_map<(d0, d1, d2) -> (d0, d1, d2)>, affine_map<(d0, d1, d2) -> (d0, d1, d2)>, affine_map<(d0, d1, d2) -> (d0, d1, d2)>], iterator_types = ["parallel", "parallel", "parallel"]} ins(%95, %95 : tensor<2x11x24xf32>, tensor<2x11x24xf32>) outs(%8 : tensor<2x11x24xf32>) {
    ^bb0(%in: f32, %in_83: f32, %out: f32):
      %169 = arith.mulf %in, %in_83 : f32
      linalg.yield %169 : f32
    } -> tensor<2x11x24xf32>
    %97 = linalg.generic {indexing_maps = [affine_map<(d0, d1, d2) -> (d0, d1, d2)>, affine_map<(d0, d1, d2) -> (d0, d1, 0)>], iterator_types = ["parallel", "parallel", "reduction"]} ins(%96 : tensor<2x11x24xf32>) outs(%11 : tensor<2x11x1xf32>) {
    ^bb0(%in: f32, %out: f32):
      %169 = arith.addf %in, %out : f32
      linalg.yield %169 : f32
    } -> tensor<2x11x1xf32>
    %98 = linalg.generic {indexing_maps = [affine_map<(d0, d1, d2) -> (d0, d1, d2)>, affine_map<(d0, d1, d2) -> (d0, d1, d2)>], iterator_types = ["parallel", "parallel", "parallel"]} ins(%97 : tensor<2x11x1xf32>) outs(%10 : tensor<2x11x1xf32>) {
    ^bb0(%in: f32, %out: f32):
      %169 = arith.divf %in, %cst_37 : f32
      linalg.yield %169 : f32
    } -> tensor<2x11x1xf32>
    %99 = linalg.generic {indexing_maps = [affine_map<(d0, d1, d2) -> (d0, d1, d2)>, affine_map<(d0, d1, d2) -> (d0, d1, d2)>], iterator_types = ["parallel", "parallel", "parallel"]} ins(%98 : tensor<2x11x1xf32>) outs(%10 : tensor<2x11x1xf32>) {
    ^bb0(%in: f32, %out: f32):
      %169 = arith.addf %in, %cst_38 : f32
      linalg.yield %169 : f32
    } -> tensor<2x11x1xf32>
    %100 = linalg.generic {indexing_maps = [affine_map<(d0, d1, d2) -> (d0, d1, d2)>, affine_map<(d0, d1, d2) -> (d0, d1, d2)>], iterator_types = ["parallel", "parallel", "parallel"]} ins(%99 : tensor<2x11x1xf32>) outs(%10 : tensor<2x11x1xf32>) {
    ^bb0(%in: f32, %out: f32):
      %169 = math.rsqrt %in : f32
      linalg.yield %169 : f32
    } -> tensor<2x11x1xf32>
    %collapsed_60 = tensor.collapse_shape %100 [[0], [1, 2]] : tensor<2x11x1xf32> into tensor<2x11xf32>
    %101 = linalg.generic {indexing_maps = [affine_map<(d0, d1, d2) -> (d0, d1)>, affine_map<(d0, d1, d2) -> (d0, d1, d2)>], iterator_types = ["parallel", "parallel", "parallel"]} ins(%collapsed_60 : tensor<2x11xf32>) outs(%8 : tensor<2x11x24xf32>) {
    ^bb0(%in: f32, %out: f32):
      linalg.yield %in : f32
    } -> tensor<2x11x24xf32>
    %102 = linalg.generic {indexing_maps = [affine_map<(d0, d1, d2) -> (d0, d1, d2)>, affine_map<(d0, d1, d2) -> (d0, d1, d2)>, affine_map<(d0, d1, d2) -> (d0, d1, d2)>], iterator_types = ["parallel", "parallel", "parallel"]} ins(%95, %101 : tensor<2x11x24xf32>, tensor<2x11x24xf32>) outs(%8 : tensor<2x11x24xf32>) {
    ^bb0(%in: f32, %in_83: f32, %out: f32):
      %169 = arith.mulf %in, %in_83 : f32
      linalg.yield %169 : f32
    } -> tensor<2x11x24xf32>
    %103 = linalg.generic {indexing_maps = [affine_map<(d0, d1, d2) -> (d0, d1, d2)>, affine_map<(d0, d1, d2) -> (d2)>, affine_map<(d0, d1, d2) -> (d0, d1, d2)>], iterator_types = ["parallel", "parallel", "parallel"]} ins(%102, %cst_10 : tensor<2x11x24xf32>, tensor<24xf32>) outs(%8 : tensor<2x11x24xf32>) {
    ^bb0(%in: f32, %in_83: f32, %out: f32):
      %169 = arith.mulf %in, %in_83 : f32
      linalg.yield %169 : f32
    } -> tensor<2x11x24xf32>
    %104 = linalg.generic {indexing_maps = [affine_map<(d0, d1, d2) -> (d0, d1, d2)>, affine_map<(d0, d1, d2) -> (d2)>, affine_map<(d0, d1, d2) -> (d0, d1, d2)>], iterator_types = ["parallel", "parallel", "parallel"]} ins(%103, %cst_11 : tensor<2x11x24xf32>, tensor<24xf32>) outs(%8 : tensor<2x11x24xf32>) {
    ^bb0(%in: f32, %in_83: f32, %out: f32):
      %169 = arith.addf %in, %in_83 : f32
      linalg.yield %169 : f32
    } -> tensor<2x11x24xf32>
    %105 = linalg.generic {indexing_maps = [affine_map<(d0, d1, d2) -> (d1, d2)>, affine_map<(d0, d1, d2) -> (d0, d1, d2)>], iterator_types = ["parallel", "parallel", "parallel"]} ins(%cst_28 : tensor<24x72xf32>) outs(%25 : tensor<2x24x72xf32>) {
    ^bb0(%in: f32, %out: f32):
      linalg.yield %in : f32
    } -> tensor<2x24x72xf32>
    %106 = linalg.batch_matmul ins(%104, %105 : tensor<2x11x24xf32>, tensor<2x24x72xf32>) outs(%28 : tensor<2x11x72xf32>) -> tensor<2x11x72xf32>
    %107 = linalg.generic {indexing_maps = [affine_map<(d0, d1, d2) -> (d0, d1, d2)>, affine_map<(d0, d1, d2) -> (d2)>, affine_map<(d0, d1, d2) -> (d0, d1, d2)>], iterator_types = ["parallel", "parallel", "parallel"]} ins(%106, %cst_14 : tensor<2x11x72xf32>, tensor<72xf32>) outs(%27 : tensor<2x11x72xf32>) {
    ^bb0(%in: f32, %in_83: f32, %out: f32):
      %169 = arith.addf %in, %in_83 : f32
      linalg.yield %169 : f32
    } -> tensor<2x11x72xf32>
    %extracted_slice_61 = tensor.extract_slice %107[0, 0, 0] [2, 11, 24] [1, 1, 1] : tensor<2x11x72xf32> to tensor<2x11x24xf32>
    %extracted_slice_62 = tensor.extract_slice %107[0, 0, 24] [2, 11, 24] [1, 1, 1] : tensor<2x11x72xf32> to tensor<2x11x24xf32>
    %extracted_slice_63 = tensor.extract_slice %107[0, 0, 48] [2, 11, 24] [1, 1, 1] : tensor<2x11x72xf32> to tensor<2x11x24xf32>
    %expanded_64 = tensor.expand_shape %extracted_slice_61 [[0], [1], [2, 3]] output_shape [2, 11, 3, 8] : tensor<2x11x24xf32> into tensor<2x11x3x8xf32>
    %transposed_65 = linalg.transpose ins(%expanded_64 : tensor<2x11x3x8xf32>) outs(%31 : tensor<2x3x11x8xf32>) permutation = [0, 2, 1, 3] 
    %expanded_66 = tensor.expand_shape %extracted_slice_62 [[0], [1], [2, 3]] output_shape [2, 11, 3, 8] : tensor<2x11x24xf32> into tensor<2x11x3x8xf32>
    %expanded_67 = tensor.expand_shape %extracted_slice_63 [[0], [1], [2, 3]] output_shape [2, 11, 3, 8] : tensor<2x11x24xf32> into tensor<2x11x3x8xf32>
    %transposed_68 = linalg.transpose ins(%expanded_67 : tensor<2x11x3x8xf32>) outs(%31 : tensor<2x3x11x8xf32>) permutation = [0, 2, 1, 3] 
    %transposed_69 = linalg.transpose ins(%expanded_66 : tensor<2x11x3x8xf32>) outs(%32 : tensor<2x3x8x11xf32>) permutation = [0, 2, 3, 1] 
    %collapsed_70 = tensor.collapse_shape %transposed_65 [[0, 1], [2], [3]] : tensor<2x3x11x8xf32> into tensor<6x11x8xf32>
    %collapsed_71 = tensor.collapse_shape %transposed_69 [[0, 1], [2], [3]] : tensor<2x3x8x11xf32> into tensor<6x8x11xf32>
    %108 = linalg.batch_matmul ins(%collapsed_70, %collapsed_71 : tensor<6x11x8xf32>, tensor<6x8x11xf32>) outs(%34 : tensor<6x11x11xf32>) -> tensor<6x11x11xf32>
    %expanded_72 = tensor.expand_shape %108 [[0, 1], [2], [3]] output_shape [2, 3, 11, 11] : tensor<6x11x11xf32> into tensor<2x3x11x11xf32>
    %109 = linalg.generic {indexing_maps = [affine_map<(d0, d1, d2, d3) -> (d0, d1, d2, d3)>, affine_map<(d0, d1, d2, d3) -> ()>, affine_map<(d0, d1, d2, d3) -> (d0, d1, d2, d3)>], iterator_types = ["parallel", "parallel", "parallel", "parallel"]} ins(%expanded_72, %cst_33 : tensor<2x3x11x11xf32>, tensor<f32>) outs(%36 : tensor<2x3x11x11xf32>) {
    ^bb0(%in: f32, %in_83: f32, %out: f32):
      %169 = arith.divf %in, %in_83 : f32
      linalg.yield %169 : f32
    } -> tensor<2x3x11x11xf32>
    %110 = linalg.generic {indexing_maps = [affine_map<(d0, d1, d2, d3) -> (d2, d3)>, affine_map<(d0, d1, d2, d3) -> ()>, affine_map<(d0, d1, d2, d3) -> (d0, d1, d2, d3)>, affine_map<(d0, d1, d2, d3) -> (d0, d1, d2, d3)>], iterator_types = ["parallel", "parallel", "parallel", "parallel"]} ins(%cst_22, %cst_23, %109 : tensor<11x11xi1>, tensor<f32>, tensor<2x3x11x11xf32>) outs(%36 : tensor<2x3x11x11xf32>) {
    ^bb0(%in: i1, %in_83: f32, %in_84: f32, %out: f32):
      %169 = arith.select %in, %in_83, %in_84 : f32
      linalg.yield %169 : f32
    } -> tensor<2x3x11x11xf32>
    %111:2 = linalg.generic {indexing_maps = [affine_map<(d0, d1, d2, d3) -> (d0, d1, d2, d3)>, affine_map<(d0, d1, d2, d3) -> (d0, d1, d2)>, affine_map<(d0, d1, d2, d3) -> (d0, d1, d2)>], iterator_types = ["parallel", "parallel", "parallel", "reduction"]} ins(%110 : tensor<2x3x11x11xf32>) outs(%42, %40 : tensor<2x3x11xf32>, tensor<2x3x11xi64>) {
    ^bb0(%in: f32, %out: f32, %out_83: i64):
      %169 = linalg.index 3 : index
      %170 = arith.index_cast %169 : index to i64
      %171 = arith.maximumf %in, %out : f32
      %172 = arith.cmpf ogt, %in, %out : f32
      %173 = arith.select %172, %170, %out_83 : i64
      linalg.yield %171, %173 : f32, i64
    } -> (tensor<2x3x11xf32>, tensor<2x3x11xi64>)
    %expanded_73 = tensor.expand_shape %111#0 [[0], [1], [2, 3]] output_shape [2, 3, 11, 1] : tensor<2x3x11xf32> into tensor<2x3x11x1xf32>
    %112 = linalg.generic {indexing_maps = [affine_map<(d0, d1, d2, d3) -> (d0, d1, d2, d3)>, affine_map<(d0, d1, d2, d3) -> (d0, d1, d2, 0)>, affine_map<(d0, d1, d2, d3) -> (d0, d1, d2, d3)>], iterator_types = ["parallel", "parallel", "parallel", "parallel"]} ins(%110, %expanded_73 : tensor<2x3x11x11xf32>, tensor<2x3x11x1xf32>) outs(%36 : tensor<2x3x11x11xf32>) {
    ^bb0(%in: f32, %in_83: f32, %out: f32):
      %169 = arith.subf %in, %in_83 : f32
      linalg.yield %169 : f32
    } -> tensor<2x3x11x11xf32>
    %113 = linalg.generic {indexing_maps = [affine_map<(d0, d1, d2, d3) -> (d0, d1, d2, d3)>, affine_map<(d0, d1, d2, d3) -> (d0, d1, d2, d3)>], iterator_types = ["parallel", "parallel", "parallel", "parallel"]} ins(%112 : tensor<2x3x11x11xf32>) outs(%36 : tensor<2x3x11x11xf32>) {
    ^bb0(%in: f32, %out: f32):
      %169 = math.exp %in : f32
      linalg.yield %169 : f32
    } -> tensor<2x3x11x11xf32>
    %114 = linalg.generic {indexing_maps = [affine_map<(d0, d1, d2, d3) -> (d0, d1, d2, d3)>, affine_map<(d0, d1, d2, d3) -> (d0, d1, d2, 0)>], iterator_types = ["parallel", "parallel", "parallel", "reduction"]} ins(%113 : tensor<2x3x11x11xf32>) outs(%47 : tensor<2x3x11x1xf32>) {
    ^bb0(%in: f32, %out: f32):
      %169 = arith.addf %in, %out : f32
      linalg.yield %169 : f32
    } -> tensor<2x3x11x1xf32>
    %115 = linalg.generic {indexing_maps = [affine_map<(d0, d1, d2, d3) -> (d0, d1, d2, d3)>, affine_map<(d0, d1, d2, d3) -> (d0, d1, d2, 0)>, affine_map<(d0, d1, d2, d3) -> (d0, d1, d2, d3)>], iterator_types = ["parallel", "parallel", "parallel", "parallel"]} ins(%113, %114 : tensor<2x3x11x11xf32>, tensor<2x3x11x1xf32>) outs(%36 : tensor<2x3x11x11xf32>) {
    ^bb0(%in: f32, %in_83: f32, %out: f32):
      %169 = arith.divf %in, %in_83 : f32
      linalg.yield %169 : f32
    } -> tensor<2x3x11x11xf32>
    %collapsed_74 = tensor.collapse_shape %115 [[0, 1], [2], [3]] : tensor<2x3x11x11xf32> into tensor<6x11x11xf32>
    %collapsed_75 = tensor.collapse_shape %transposed_68 [[0, 1], [2], [3]] : tensor<2x3x11x8xf32> into tensor<6x11x8xf32>
    %116 = linalg.batch_matmul ins(%collapsed_74, %collapsed_75 : tensor<6x11x11xf32>, tensor<6x11x8xf32>) outs(%51 : tensor<6x11x8xf32>) -> tensor<6x11x8xf32>
    %expanded_76 = tensor.expand_shape %116 [[0, 1], [2], [3]] output_shape [2, 3, 11, 8] : tensor<6x11x8xf32> into tensor<2x3x11x8xf32>
    %transposed_77 = linalg.transpose ins(%expanded_76 : tensor<2x3x11x8xf32>) outs(%53 : tensor<2x11x3x8xf32>) permutation = [0, 2, 1, 3] 
    %collapsed_78 = tensor.collapse_shape %transposed_77 [[0], [1], [2, 3]] : tensor<2x11x3x8xf32> into tensor<2x11x24xf32>
    %117 = linalg.generic {indexing_maps = [affine_map<(d0, d1, d2) -> (d1, d2)>, affine_map<(d0, d1, d2) -> (d0, d1, d2)>], iterator_types = ["parallel", "parallel", "parallel"]} ins(%cst_29 : tensor<24x24xf32>) outs(%54 : tensor<2x24x24xf32>) {
    ^bb0(%in: f32, %out: f32):
      linalg.yield %in : f32
    } -> tensor<2x24x24xf32>
    %118 = linalg.batch_matmul ins(%collapsed_78, %117 : tensor<2x11x24xf32>, tensor<2x24x24xf32>) outs(%56 : tensor<2x11x24xf32>) -> tensor<2x11x24xf32>
    %119 = linalg.generic {indexing_maps = [affine_map<(d0, d1, d2) -> (d0, d1, d2)>, affine_map<(d0, d1, d2) -> (d2)>, affine_map<(d0, d1, d2) -> (d0, d1, d2)>], iterator_types = ["parallel", "parallel", "parallel"]} ins(%118, %cst_15 : tensor<2x11x24xf32>, tensor<24xf32>) outs(%8 : tensor<2x11x24xf32>) {
    ^bb0(%in: f32, %in_83: f32, %out: f32):
      %169 = arith.addf %in, %in_83 : f32
      linalg.yield %169 : f32
    } -> tensor<2x11x24xf32>
    %120 = linalg.generic {indexing_maps = [affine_map<(d0, d1, d2) -> (d0, d1, d2)>, affine_map<(d0, d1, d2) -> (d0, d1, d2)>, affine_map<(d0, d1, d2) -> (d0, d1, d2)>], iterator_types = ["parallel", "parallel", "parallel"]} ins(%91, %119 : tensor<2x11x24xf32>, tensor<2x11x24xf32>) outs(%8 : tensor<2x11x24xf32>) {
    ^bb0(%in: f32, %in_83: f32, %out: f32):
      %169 = arith.addf %in, %in_83 : f32
      linalg.yield %169 : f32
    } -> tensor<2x11x24xf32>
    %121 = linalg.generic {indexing_maps = [affine_map<(d0, d1, d2) -> (d0, d1, d2)>, affine_map<(d0, d1, d2) -> (d0, d1, 0)>], iterator_types = ["parallel", "parallel", "reduction"]} ins(%120 : tensor<2x11x24xf32>) outs(%11 : tensor<2x11x1xf32>) {
    ^bb0(%in: f32, %out: f32):
      %169 = arith.addf %in, %out : f32
      linalg.yield %169 : f32
    } -> tensor<2x11x1xf32>
    %122 = linalg.generic {indexing_maps = [affine_map<(d0, d1, d2) -> (d0, d1, d2)>, affine_map<(d0, d1, d2) -> (d0, d1, d2)>], iterator_types = ["parallel", "parallel", "parallel"]} ins(%121 : tensor<2x11x1xf32>) outs(%10 : tensor<2x11x1xf32>) {
    ^bb0(%in: f32, %out: f32):
      %169 = arith.divf %in, %cst_37 : f32
      linalg.yield %169 : f32
    } -> tensor<2x11x1xf32>
    %collapsed_79 = tensor.collapse_shape %122 [[0], [1, 2]] : tensor<2x11x1xf32> into tensor<2x11xf32>
    %123 = linalg.generic {indexing_maps = [affine_map<(d0, d1, d2) -> (d0, d1)>, affine_map<(d0, d1, d2) -> (d0, d1, d2)>], iterator_types = ["parallel", "parallel", "parallel"]} ins(%collapsed_79 : tensor<2x11xf32>) outs(%8 : tensor<2x11x24xf32>) {
    ^bb0(%in: f32, %out: f32):
      linalg.yield %in : f32
    } -> tensor<2x11x24xf32>
    %124 = linalg.generic {indexing_maps = [affine_map<(d0, d1, d2) -> (d0, d1, d2)>, affine_map<(d0, d1, d2) -> (d0, d1, d2)>, affine_map<(d0, d1, d2) -> (d0, d1, d2)>], iterator_types = ["parallel", "parallel", "parallel"]} ins(%120, %123 : tensor<2x11x24xf32>, tensor<2x11x24xf32>) outs(%8 : tensor<2x11x24xf32>) {
    ^bb0(%in: f32, %in_83: f32, %out: f32):
      %169 = arith.subf %in, %in_83 : f32
      linalg.yield %169 : f32
    } -> tensor<2x11x24xf32>
    %125 = linalg.generic {indexing_maps = [affine_map<(d0, d1, d2) -> (d0, d1, d2)>, affine_map<(d0, d1, d2) -> (d0, d1, d2)>, affine_map<(d0, d1, d2) -> (d0, d1, d2)>], iterator_types = ["parallel", "parallel", "parallel"]} ins(%124, %124 : tensor<2x11x24xf32>, tensor<2x11x24xf32>) outs(%8 : tensor<2x11x24xf32>) {
    ^bb0(%in: f32, %in_83: f32, %out: f32):
      %169 = arith.mulf %in, %in_83 : f32
      linalg.yield %169 : f32
    } -> tensor<2x11x24xf32>
    %126 = linalg.generic {indexing_maps = [affine_map<(d0, d1, d2) -> (d0, d1, d2)>, affine_map<(d0, d1, d2) -> (d0, d1, 0)>], iterator_types = ["parallel", "parallel", "reduction"]} ins(%125 : tensor<2x11x24xf32>) outs(%11 : tensor<2x11x1xf32>) {
    ^bb0(%in: f32, %out: f32):
      %169 = arith.addf %in, %out : f32
      linalg.yield %169 : f32
    } -> tensor<2x11x1xf32>
    %127 = linalg.generic {indexing_maps = [affine_map<(d0, d1, d2) -> (d0, d1, d2)>, affine_map<(d0, d1, d2) -> (d0, d1, d2)>], iterator_types = ["parallel", "parallel", "parallel"]} ins(%126 : tensor<2x11x1xf32>) outs(%10 : tensor<2x11x1xf32>) {
    ^bb0(%in: f32, %out: f32):
      %169 = arith.divf %in, %cst_37 : f32
      linalg.yield %169 : f32
    } -> tensor<2x11x1xf32>
    %128 = linalg.generic {indexing_maps = [affine_map<(d0, d1, d2) -> (d0, d1, d2)>, affine_map<(d0, d1, d2) -> (d0, d1, d2)>], iterator_types = ["parallel", "parallel", "parallel"]} ins(%127 : tensor<2x11x1xf32>) outs(%10 : tensor<2x11x1xf32>) {
    ^bb0(%in: f32, %out: f32):
      %169 = arith.addf %in, %cst_38 : f32
      linalg.yield %169 : f32
    } -> tensor<2x11x1xf32>
    %129 = linalg.generic {indexing_maps = [affine_map<(d0, d1, d2) -> (d0, d1, d2)>, affine_map<(d0, d1, d2) -> (d0, d1, d2)>], iterator_types = ["parallel", "parallel", "parallel"]} ins(%128 : tensor<2x11x1xf32>) outs(%10 : tensor<2x11x1xf32>) {
    ^bb0(%in: f32, %out: f32):
      %169 = math.rsqrt %in : f32
      linalg.yield %169 : f32
    } -> tensor<2x11x1xf32>
    %collapsed_80 = tensor.collapse_shape %129 [[0], [1, 2]] : tensor<2x11x1xf32> into tensor<2x11xf32>
    %130 = linalg.generic {indexing_maps = [affine_map<(d0, d1, d2) -> (d0, d1)>, affine_map<(d0, d1, d2) -> (d0, d1, d2)>], iterator_types = ["parallel", "parallel", "parallel"]} ins(%collapsed_80 : tensor<2x11xf32>) outs(%8 : tensor<2x11x24xf32>) {
    ^bb0(%in: f32, %out: f32):
      linalg.yield %in : f32
    } -> tensor<2x11x24xf32>
    %131 = linalg.generic {indexing_maps = [affine_map<(d0, d1, d2) -> (d0, d1, d2)>, affine_map<(d0, d1, d2) -> (d0, d1, d2)>, affine_map<(d0, d1, d2) -> (d0, d1, d2)>], iterator_types = ["parallel", "parallel", "parallel"]} ins(%124, %130 : tensor<2x11x24xf32>, tensor<2x11x24xf32>) outs(%8 : tensor<2x11x24xf32>) {
    ^bb0(%in: f32, %in_83: f32, %out: f32):
      %169 = arith.mulf %in, %in_83 : f32
      linalg.yield %169 : f32
    } -> tensor<2x11x24xf32>
    %132 = linalg.generic {indexing_maps = [affine_map<(d0, d1, d2) -> (d0, d1, d2)>, affine_map<(d0, d1, d2) -> (d2)>, affine_map<(d0, d1, d2) -> (d0, d1, d2)>], iterator_types = ["parallel", "parallel", "parallel"]} ins(%131, %cst_12 : tensor<2x11x24xf32>, tensor<24xf32>) outs(%8 : tensor<2x11x24xf32>) {
    ^bb0(%in: f32, %in_83: f32, %out: f32):
      %169 = arith.mulf %in, %in_83 : f32
      linalg.yield %169 : f32
    } -> tensor<2x11x24xf32>
    %133 = linalg.generic {indexing_maps = [affine_map<(d0, d1, d2) -> (d0, d1, d2)>, affine_map<(d0, d1, d2) -> (d2)>, affine_map<(d0, d1, d2) -> (d0, d1, d2)>], iterator_types = ["parallel", "parallel", "parallel"]} ins(%132, %cst_13 : tensor<2x11x24xf32>, tensor<24xf32>) outs(%8 : tensor<2x11x24xf32>) {
    ^bb0(%in: f32, %in_83: f32, %out: f32):
      %169 = arith.addf %in, %in_83 : f32
      linalg.yield %169 : f32
    } -> tensor<2x11x24xf32>
    %134 = linalg.generic {indexing_maps = [affine_map<(d0, d1, d2) -> (d1, d2)>, affine_map<(d0, d1, d2) -> (d0, d1, d2)>], iterator_types = ["parallel", "parallel", "parallel"]} ins(%cst_30 : tensor<24x96xf32>) outs(%73 : tensor<2x24x96xf32>) {
    ^bb0(%in: f32, %out: f32):
      linalg.yield %in : f32
    } -> tensor<2x24x96xf32>
    %135 = linalg.batch_matmul ins(%133, %134 : tensor<2x11x24xf32>, tensor<2x24x96xf32>) outs(%76 : tensor<2x11x96xf32>) -> tensor<2x11x96xf32>
    %136 = linalg.generic {indexing_maps = [affine_map<(d0, d1, d2) -> (d0, d1, d2)>, affine_map<(d0, d1, d2) -> (d2)>, affine_map<(d0, d1, d2) -> (d0, d1, d2)>], iterator_types = ["parallel", "parallel", "parallel"]} ins(%135, %cst_16 : tensor<2x11x96xf32>, tensor<96xf32>) outs(%75 : tensor<2x11x96xf32>) {
    ^bb0(%in: f32, %in_83: f32, %out: f32):
      %169 = arith.addf %in, %in_83 : f32
      linalg.yield %169 : f32
    } -> tensor<2x11x96xf32>
    %137 = linalg.generic {indexing_maps = [affine_map<(d0, d1, d2) -> (d0, d1, d2)>, affine_map<(d0, d1, d2) -> ()>, affine_map<(d0, d1, d2) -> (d0, d1, d2)>], iterator_types = ["parallel", "parallel", "parallel"]} ins(%136, %cst_34 : tensor<2x11x96xf32>, tensor<f32>) outs(%75 : tensor<2x11x96xf32>) {
    ^bb0(%in: f32, %in_83: f32, %out: f32):
      %169 = arith.mulf %in, %in_83 : f32
      linalg.yield %169 : f32
    } -> tensor<2x11x96xf32>
    %138 = linalg.generic {indexing_maps = [affine_map<(d0, d1, d2) -> (d0, d1, d2)>, affine_map<(d0, d1, d2) -> (d0, d1, d2)>], iterator_types = ["parallel", "parallel", "parallel"]} ins(%136 : tensor<2x11x96xf32>) outs(%75 : tensor<2x11x96xf32>) {
    ^bb0(%in: f32, %out: f32):
      %169 = math.fpowi %in, %c3_i64 : f32, i64
      linalg.yield %169 : f32
    } -> tensor<2x11x96xf32>
    %139 = linalg.generic {indexing_maps = [affine_map<(d0, d1, d2) -> (d0, d1, d2)>, affine_map<(d0, d1, d2) -> ()>, affine_map<(d0, d1, d2) -> (d0, d1, d2)>], iterator_types = ["parallel", "parallel", "parallel"]} ins(%138, %cst_35 : tensor<2x11x96xf32>, tensor<f32>) outs(%75 : tensor<2x11x96xf32>) {
    ^bb0(%in: f32, %in_83: f32, %out: f32):
      %169 = arith.mulf %in, %in_83 : f32
      linalg.yield %169 : f32
    } -> tensor<2x11x96xf32>
    %140 = linalg.generic {indexing_maps = [affine_map<(d0, d1, d2) -> (d0, d1, d2)>, affine_map<(d0, d1, d2) -> (d0, d1, d2)>, affine_map<(d0, d1, d2) -> (d0, d1, d2)>], iterator_types = ["parallel", "parallel", "parallel"]} ins(%136, %139 : tensor<2x11x96xf32>, tensor<2x11x96xf32>) outs(%75 : tensor<2x11x96xf32>) {
    ^bb0(%in: f32, %in_83: f32, %out: f32):
      %169 = arith.addf %in, %in_83 : f32
      linalg.yield %169 : f32
    } -> tensor<2x11x96xf32>
    %141 = linalg.generic {indexing_maps = [affine_map<(d0, d1, d2) -> (d0, d1, d2)>, affine_map<(d0, d1, d2) -> ()>, affine_map<(d0, d1, d2) -> (d0, d1, d2)>], iterator_types = ["parallel", "parallel", "parallel"]} ins(%140, %cst_36 : tensor<2x11x96xf32>, tensor<f32>) outs(%75 : tensor<2x11x96xf32>) {
    ^bb0(%in: f32, %in_83: f32, %out: f32):
      %169 = arith.mulf %in, %in_83 : f32
      linalg.yield %169 : f32
    } -> tensor<2x11x96xf32>
    %142 = linalg.generic {indexing_maps = [affine_map<(d0, d1, d2) -> (d0, d1, d2)>, affine_map<(d0, d1, d2) -> (d0, d1, d2)>], iterator_types = ["parallel", "parallel", "parallel"]} ins(%141 : tensor<2x11x96xf32>) outs(%75 : tensor<2x11x96xf32>) {
    ^bb0(%in: f32, %out: f32):
      %169 = math.tanh %in : f32
      linalg.yield %169 : f32
    } -> tensor<2x11x96xf32>
    %143 = linalg.generic {indexing_maps = [affine_map<(d0, d1, d2) -> (d0, d1, d2)>, affine_map<(d0, d1, d2) -> ()>, affine_map<(d0, d1, d2) -> (d0, d1, d2)>], iterator_types = ["parallel", "parallel", "parallel"]} ins(%142, %cst_26 : tensor<2x11x96xf32>, tensor<f32>) outs(%75 : tensor<2x11x96xf32>) {
    ^bb0(%in: f32, %in_83: f32, %out: f32):
      %169 = arith.addf %in, %in_83 : f32
      linalg.yield %169 : f32
    } -> tensor<2x11x96xf32>
    %144 = linalg.generic {indexing_maps = [affine_map<(d0, d1, d2) -> (d0, d1, d2)>, affine_map<(d0, d1, d2) -> (d0, d1, d2)>, affine_map<(d0, d1, d2) -> (d0, d1, d2)>], iterator_types = ["parallel", "parallel", "parallel"]} ins(%137, %143 : tensor<2x11x96xf32>, tensor<2x11x96xf32>) outs(%75 : tensor<2x11x96xf32>) {
    ^bb0(%in: f32, %in_83: f32, %out: f32):
      %169 = arith.mulf %in, %in_83 : f32
      linalg.yield %169 : f32
    } -> tensor<2x11x96xf32>
    %145 = linalg.generic {indexing_maps = [affine_map<(d0, d1, d2) -> (d1, d2)>, affine_map<(d0, d1, d2) -> (d0, d1, d2)>], iterator_types = ["parallel", "parallel", "parallel"]} ins(%cst_31 : tensor<96x24xf32>) outs(%87 : tensor<2x96x24xf32>) {
    ^bb0(%in: f32, %out: f32):
      linalg.yield %in : f32
    } -> tensor<2x96x24xf32>
    %146 = linalg.batch_matmul ins(%144, %145 : tensor<2x11x96xf32>, tensor<2x96x24xf32>) outs(%56 : tensor<2x11x24xf32>) -> tensor<2x11x24xf32>
    %147 = linalg.generic {indexing_maps = [affine_map<(d0, d1, d2) -> (d0, d1, d2)>, affine_map<(d0, d1, d2) -> (d2)>, affine_map<(d0, d1, d2) -> (d0, d1, d2)>], iterator_types = ["parallel", "parallel", "parallel"]} ins(%146, %cst_17 : tensor<2x11x24xf32>, tensor<24xf32>) outs(%8 : tensor<2x11x24xf32>) {
    ^bb0(%in: f32, %in_83: f32, %out: f32):
      %169 = arith.addf %in, %in_83 : f32
      linalg.yield %169 : f32
    } -> tensor<2x11x24xf32>
    %148 = linalg.generic {indexing_maps = [affine_map<(d0, d1, d2) -> (d0, d1, d2)>, affine_map<(d0, d1, d2) -> (d0, d1, d2)>, affine_map<(d0, d1, d2) -> (d0, d1, d2)>], iterator_types = ["parallel", "parallel", "parallel"]} ins(%120, %147 : tensor<2x11x24xf32>, tensor<2x11x24xf32>) outs(%8 : tensor<2x11x24xf32>) {
    ^bb0(%in: f32, %in_83: f32, %out: f32):
      %169 = arith.addf %in, %in_83 : f32
      linalg.yield %169 : f32
    } -> tensor<2x11x24xf32>
    %149 = linalg.generic {indexing_maps = [affine_map<(d0, d1, d2) -> (d0, d1, d2)>, affine_map<(d0, d1, d2) -> (d0, d1, 0)>], iterator_types = ["parallel", "parallel", "reduction"]} ins(%148 : tensor<2x11x24xf32>) outs(%11 : tensor<2x11x1xf32>) {
    ^bb0(%in: f32, %out: f32):
      %169 = arith.addf %in, %out : f32
      linalg.yield %169 : f32
    } -> tensor<2x11x1xf32>
    %150 = linalg.generic {indexing_maps = [affine_map<(d0, d1, d2) -> (d0, d1, d2)>, affine_map<(d0, d1, d2) -> (d0, d1, d2)>], iterator_types = ["parallel", "parallel", "parallel"]} ins(%149 : tensor<2x11x1xf32>) outs(%10 : tensor<2x11x1xf32>) {
    ^bb0(%in: f32, %out: f32):
      %169 = arith.divf %in, %cst_37 : f32
      linalg.yield %169 : f32
    } -> tensor<2x11x1xf32>
    %collapsed_81 = tensor.collapse_shape %150 [[0], [1, 2]] : tensor<2x11x1xf32> into tensor<2x11xf32>
    %151 = linalg.generic {indexing_maps = [affine_map<(d0, d1, d2) -> (d0, d1)>, affine_map<(d0, d1, d2) -> (d0, d1, d2)>], iterator_types = ["parallel", "parallel", "parallel"]} ins(%collapsed_81 : tensor<2x11xf32>) outs(%8 : tensor<2x11x24xf32>) {
    ^bb0(%in: f32, %out: f32):
      linalg.yield %in : f32
    } -> tensor<2x11x24xf32>
    %152 = linalg.generic {indexing_maps = [affine_map<(d0, d1, d2) -> (d0, d1, d2)>, affine_map<(d0, d1, d2) -> (d0, d1, d2)>, affine_map<(d0, d1, d2) -> (d0, d1, d2)>], iterator_types = ["parallel", "parallel", "parallel"]} ins(%148, %151 : tensor<2x11x24xf32>, tensor<2x11x24xf32>) outs(%8 : tensor<2x11x24xf32>) {
    ^bb0(%in: f32, %in_83: f32, %out: f32):
      %169 = arith.subf %in, %in_83 : f32
      linalg.yield %169 : f32
    } -> tensor<2x11x24xf32>
    %153 = linalg.generic {indexing_maps = [affine_map<(d0, d1, d2) -> (d0, d1, d2)>, affine_map<(d0, d1, d2) -> (d0, d1, d2)>, affine_map<(d0, d1, d2) -> (d0, d1, d2)>], iterator_types = ["parallel", "parallel", "parallel"]} ins(%152, %152 : tensor<2x11x24xf32>, tensor<2x11x24xf32>) outs(%8 : tensor<2x11x24xf32>) {
    ^bb0(%in: f32, %in_83: f32, %out: f32):
      %169 = arith.mulf %in, %in_83 : f32
      linalg.yield %169 : f32
    } -> tensor<2x11x24xf32>
    %154 = linalg.generic {indexing_maps = [affine_map<(d0, d1, d2) -> (d0, d1, d2)>, affine_map<(d0, d1, d2) -> (d0, d1, 0)>], iterator_types = ["parallel", "parallel", "reduction"]} ins(%153 : tensor<2x11x24xf32>) outs(%11 : tensor<2x11x1xf32>) {
    ^bb0(%in: f32, %out: f32):
      %169 = arith.addf %in, %out : f32
      linalg.yield %169 : f32
    } -> tensor<2x11x1xf32>
    %155 = linalg.generic {indexing_maps = [affine_map<(d0, d1, d2) -> (d0, d1, d2)>, affine_map<(d0, d1, d2) -> (d0, d1, d2)>], iterator_types = ["parallel", "parallel", "parallel"]} ins(%154 : tensor<2x11x1xf32>) outs(%10 : tensor<2x11x1xf32>) {
    ^bb0(%in: f32, %out: f32):
      %169 = arith.divf %in, %cst_37 : f32
      linalg.yield %169 : f32
    } -> tensor<2x11x1xf32>
    %156 = linalg.generic {indexing_maps = [affine_map<(d0, d1, d2) -> (d0, d1, d2)>, affine_map<(d0, d1, d2) -> (d0, d1, d2)>], iterator_types = ["parallel", "parallel", "parallel"]} ins(%155 : tensor<2x11x1xf32>) outs(%10 : tensor<2x11x1xf32>) {
    ^bb0(%in: f32, %out: f32):
      %169 = arith.addf %in, %cst_38 : f32
      linalg.yield %169 : f32
    } -> tensor<2x11x1xf32>
    %157 = linalg.generic {indexing_maps = [affine_map<(d0, d1, d2) -> (d0, d1, d2)>, affine_map<(d0, d1, d2) -> (d0, d1, d2)>], iterator_types = ["parallel", "parallel", "parallel"]} ins(%156 : tensor<2x11x1xf32>) outs(%10 : tensor<2x11x1xf32>) {
    ^bb0(%in: f32, %out: f32):
      %169 = math.rsqrt %in : f32
      linalg.yield %169 : f32
    } -> tensor<2x11x1xf32>
    %collapsed_82 = tensor.collapse_shape %157 [[0], [1, 2]] : tensor<2x11x1xf32> into tensor<2x11xf32>
    %158 = linalg.generic {indexing_maps = [affine_map<(d0, d1, d2) -> (d0, d1)>, affine_map<(d0, d1, d2) -> (d0, d1, d2)>], iterator_types = ["parallel", "parallel", "parallel"]} ins(%collapsed_82 : tensor<2x11xf32>) outs(%8 : tensor<2x11x24xf32>) {
    ^bb0(%in: f32, %out: f32):
      linalg.yield %in : f32
    } -> tensor<2x11x24xf32>
    %159 = linalg.generic {indexing_maps = [affine_map<(d0, d1, d2) -> (d0, d1, d2)>, affine_map<(d0, d1, d2) -> (d0, d1, d2)>, affine_map<(d0, d1, d2) -> (d0, d1, d2)>], iterator_types = ["parallel", "parallel", "parallel"]} ins(%152, %158 : tensor<2x11x24xf32>, tensor<2x11x24xf32>) outs(%8 : tensor<2x11x24xf32>) {
    ^bb0(%in: f32, %in_83: f32, %out: f32):
      %169 = arith.mulf %in, %in_83 : f32
      linalg.yield %169 : f32
    } -> tensor<2x11x24xf32>
    %160 = linalg.generic {indexing_maps = [affine_map<(d0, d1, d2) -> (d0, d1, d2)>, affine_map<(d0, d1, d2) -> (d2)>, affine_map<(d0, d1, d2) -> (d0, d1, d2)>], iterator_types = ["parallel", "parallel", "parallel"]} ins(%159, %cst_18 : tensor<2x11x24xf32>, tensor<24xf32>) outs(%8 : tensor<2x11x24xf32>) {
    ^bb0(%in: f32, %in_83: f32, %out: f32):
      %169 = arith.mulf %in, %in_83 : f32
      linalg.yield %169 : f32
    } -> tensor<2x11x24xf32>
    %161 = linalg.generic {indexing_maps = [affine_map<(d0, d1, d2) -> (d0, d1, d2)>, affine_map<(d0, d1, d2) -> (d2)>, affine_map<(d0, d1, d2) -> (d0, d1, d2)>], iterator_types = ["parallel", "parallel", "parallel"]} ins(%160, %cst_19 : tensor<2x11x24xf32>, tensor<24xf32>) outs(%8 : tensor<2x11x24xf32>) {
    ^bb0(%in: f32, %in_83: f32, %out: f32):
      %169 = arith.addf %in, %in_83 : f32
      linalg.yield %169 : f32
    } -> tensor<2x11x24xf32>
    %162 = tensor.empty() : tensor<2x24x97xf32>
    %163 = linalg.generic {indexing_maps = [affine_map<(d0, d1, d2) -> (d1, d2)>, affine_map<(d0, d1, d2) -> (d0, d1, d2)>], iterator_types = ["parallel", "parallel", "parallel"]} ins(%cst_32 : tensor<24x97xf32>) outs(%162 : tensor<2x24x97xf32>) {
    ^bb0(%in: f32, %out: f32):
      linalg.yield %in : f32
    } -> tensor<2x24x97xf32>
    %164 = tensor.empty() : tensor<2x11x97xf32>
    %165 = linalg.fill ins(%cst : f32) outs(%164 : tensor<2x11x97xf32>) -> tensor<2x11x97xf32>
    %166 = linalg.batch_matmul ins(%161, %163 : tensor<2x11x24xf32>, tensor<2x24x97xf32>) outs(%165 : tensor<2x11x97xf32>) -> tensor<2x11x97xf32>
    return %166 : tensor<2x11x97xf32>
  }
}
