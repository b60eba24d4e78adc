module {
  ml_program.global private @w0(#ml_program.extern<tensor<1x26x24xf32>>) : tensor<1x26x24xf32>
  ml_program.global private @w1(#ml_program.extern<tensor<24x3x4x4xf32>>) : tensor<24x3x4x4xf32>
  ml_program.global private @w2(#ml_program.extern<tensor<72xf32>>) : tensor<72xf32>
  ml_program.global private @w3(#ml_program.extern<tensor<72xf32>>) : tensor<72xf32>
  ml_program.global private @w4(#ml_program.extern<tensor<7x24xf32>>) : tensor<7x24xf32>
  ml_program.global private @w5(#ml_program.extern<tensor<24x24xf32>>) : tensor<24x24xf32>
  ml_program.global private @w6(#ml_program.extern<tensor<24x24xf32>>) : tensor<24x24xf32>
  ml_program.global private @w7(#ml_program.extern<tensor<24x24xf32>>) : tensor<24x24xf32>
  ml_program.global private @w8(#ml_program.extern<tensor<24x24xf32>>) : tensor<24x24xf32>
  ml_program.global private @w9(#ml_program.extern<tensor<24x72xf32>>) : tensor<24x72xf32>
  ml_program.global private @w10(#ml_program.extern<tensor<72x24xf32>>) : tensor<72x24xf32>
  ml_program.global private @w11(#ml_program.extern<tensor<24x24xf32>>) : tensor<24x24xf32>
  ml_program.global private @w12(#ml_program.extern<tensor<24x24xf32>>) : tensor<24x24xf32>
  ml_program.global private @w13(#ml_program.extern<tensor<24x24xf32>>) : tensor<24x24xf32>
  ml_program.global private @w14(#ml_program.extern<tensor<24x24xf32>>) : tensor<24x24xf32>
  ml_program.global private @w15(#ml_program.extern<tensor<24x72xf32>>) : tensor<24x72xf32>
  ml_program.global private @w16(#ml_program.extern<tensor<72x24xf32>>) : tensor<72x24xf32>
  func.func @main(%arg0: tensor<2x3x20x20xf32>) -> (tensor<2x7xf32>) {
    %c0_i64 = arith.constant 0 : i64
    %cst = arith.constant 0.000000e+00 : f32
    %cst_0 = arith.constant 0xFF800000 : f32
    %cst_1 = arith.constant 1.41421354 : f32
    %cst_2 = arith.constant 1.000000e+00 : f32
    %cst_3 = arith.constant 5.000000e-01 : f32
    %cst_4 = arith.constant dense<0> : tensor<1xi64>
    %cst_5 = ml_program.global_load_const @w0 : tensor<1x26x24xf32>
    %cst_6 = ml_program.global_load_const @w1 : tensor<24x3x4x4xf32>
    %cst_7 = arith.constant dense<[-0.121325359, 0.00212708698, 0.113736331, -0.123610057, -0.0643831715, 0.12676917, -0.0242050383, 0.0597968288, -0.138852477, -0.0453914069, -0.0732992589, 0.121685401, 0.0599058494, -0.105319604, 0.0232711099, -0.0016589358, -0.0593039505, -0.0824278071, -0.0478967763, 0.113770694, -0.103468716, -0.1028179, -4.453090e-02, 0.00251094392]> : tensor<24xf32>
    %cst_8 = arith.constant dense<[-0.104407899, 0.0766692459, -0.173436671, 0.101736084, 0.0171576943, -0.170200199, -0.202579394, 0.0645135716, 0.0964830145, -0.0408057123, -0.180497885, -0.117646217, 0.0216950141, 0.00742624188, 0.0522510707, 0.0360932648, -0.0106994379, 0.107721731, 0.198003203, 0.169997394, 0.185482696, -0.0688925758, -0.0696705952, -0.0225763973]> : tensor<24xf32>
    %cst_9 = arith.constant dense<[0.203885078, -0.055730857, 0.0806335136, 0.203553483, 0.0615403354, 0.0798261315, 7.495310e-02, -0.0835123881, 0.0498263612, -0.108792797, 0.17430447, -0.0874701067, 0.0466638096, -0.059130419, 0.102082007, 0.00336464099, 0.112238318, -0.0552734137, -0.119782433, 0.078259781, -0.114877239, -0.167592183, 0.0788654685, -0.122766696]> : tensor<24xf32>
    %cst_10 = arith.constant dense<[-0.135716051, 0.168943644, 0.129165798, 0.193222627, -0.0361544639, 0.06666594, -0.00821029208, -0.168908566, 0.092349261, -0.142579094, -0.0736849904, -0.091411747, -0.199137226, 0.00732160825, 0.0334404036, -0.0151754627, 0.15012382, 0.00978724844, -0.0371808745, -0.111338079, -0.121230401, -0.0290204678, -0.119801342, -0.134655192]> : tensor<24xf32>
    %cst_11 = arith.constant dense<[-0.164876923, 0.0418733954, 0.194829658, 0.108572356, -0.110724702, 0.186848447, -0.14031373, -0.103786059, 0.0900377556, 0.162389219, 0.194792837, 0.175735474, -0.112400092, 0.0467090458, -0.128172427, 0.00450773118, 0.169117868, 0.10050904, -0.188482895, -0.0878494381, -0.172227934, 0.0961570441, -0.0259125438, -0.149219438]> : tensor<24xf32>
    %cst_12 = ml_program.global_load_const @w2 : tensor<72xf32>
    %cst_13 = arith.constant dense<[-0.0849080756, 0.0907164141, 0.0118841184, -0.0546179749, 0.0757854134, 0.0417223163, -0.0920167565, -0.0194799509, -0.101541661, -6.567480e-02, 0.0212455522, 0.0326498151, -0.0455808491, -0.0414909869, -0.100639313, -0.0728578791, -0.00748964957, 0.00423452212, 0.0663068667, 0.0782915801, 0.102847695, 0.0229173489, -0.0872003957, -0.0333222114]> : tensor<24xf32>
    %cst_14 = arith.constant dense<[1.15188169, 1.22042084, 0.714483559, 0.820048809, 0.996425211, 1.42405045, 0.960534214, 1.49435592, 1.45415509, 1.2542448, 0.53303808, 0.844798266, 0.573881328, 0.527449965, 0.979657173, 1.48267269, 1.35238349, 1.10115898, 0.676437854, 0.631404757, 0.771835625, 1.20387673, 0.984957396, 0.656397163]> : tensor<24xf32>
    %cst_15 = arith.constant dense<[0.242336571, -0.427319646, 0.0711786746, -0.143002927, 0.49010551, -0.463591576, 0.421765804, -0.0934340357, -0.371412635, -1.395840e-01, -0.0765528082, -0.0240755081, 0.154668093, 0.424749017, 0.0927734375, 0.335949719, -0.38585645, -0.247112155, -0.38915956, 0.142027676, 0.466961861, -0.42897445, -0.103668094, -0.0491367579]> : tensor<24xf32>
    %cst_16 = arith.constant dense<[0.709682226, 0.616942406, 1.31032157, 0.843862473, 0.713998556, 0.931670486, 0.581553936, 1.46715283, 1.10932958, 0.878418982, 1.17022681, 1.33727574, 0.944382906, 1.2173059, 0.53531754, 1.41244423, 1.35596871, 0.821759402, 1.20328045, 1.15731812, 0.887032449, 1.49928761, 1.14730144, 0.636585712]> : tensor<24xf32>
    %cst_17 = arith.constant dense<[0.0901361704, -0.142297447, -0.47511369, 0.370254755, 0.101533771, -0.397405267, 0.244971752, -0.233340859, 0.390860736, -0.0512132049, -0.0595448613, -0.379648626, -0.251365781, 0.359613419, 0.249219835, -0.221234679, 0.0507391095, -0.106438339, -0.401225984, 0.173642814, -0.214572906, 0.326808691, -0.0432891846, 0.150261819]> : tensor<24xf32>
    %cst_18 = arith.constant dense<[0.193179041, 0.196795657, -0.186696216, 0.00502661895, 0.0589311756, -0.0403477103, -0.10529191, 0.196590409, -0.122507252, -0.188799039, -0.186494529, -0.111150585, 0.0214674231, 0.137766495, -0.0127275614, -0.160298556, 0.151422188, -0.0150942132, -0.0736713856, -0.00603234628, 0.0888344123, -0.0255128182, 0.0803729743, 0.0853321403]> : tensor<24xf32>
    %cst_19 = arith.constant dense<[0.0745487064, 0.0362987146, 0.117604047, -0.0141815851, -0.153038532, 0.180279806, -0.153694496, 0.198522747, 0.0112556284, 0.0936357975, 0.00566062797, 0.0869078114, 0.13909401, -0.192638427, 0.116136447, -0.0689990371, -0.183753461, -0.163664922, 0.0183035582, 0.158869177, -0.193137944, 5.919580e-02, 0.0823857188, -0.188094482]> : tensor<24xf32>
    %cst_20 = arith.constant dense<[8.090320e-02, -0.185002163, 0.0026957863, 0.188608363, -0.0344489031, -0.199797124, -0.185914695, 0.0310471803, -0.064785786, -0.135995701, 0.16580829, -0.115330622, -0.147195503, 0.138641089, 0.155002758, 0.0699218363, 0.203873932, 0.00517201144, 0.153143674, -0.121057995, -0.166241348, 0.0228277873, -0.135736927, -0.00575601542]> : tensor<24xf32>
    %cst_21 = arith.constant dense<[0.0194464289, 0.186855868, -0.121695437, -0.138659552, 0.148527011, -0.117546454, 0.0394440852, 0.193375558, 0.0381689109, -0.144987896, -0.124284565, -0.112642892, -0.138440922, 0.109485082, 0.029594738, -0.0183938108, 0.0568467677, 0.119332165, 0.0180042554, 0.132516012, -0.0274253581, 0.0788474082, 0.0436377451, 0.0017626211]> : tensor<24xf32>
    %cst_22 = ml_program.global_load_const @w3 : tensor<72xf32>
    %cst_23 = arith.constant dense<[0.108030833, -0.0894673243, 0.0340663269, -0.0501233079, 0.0837509706, 0.0808875188, 0.0606779046, -0.0312214028, 0.0954790934, -0.0281628892, 0.0781698748, 0.0557136647, -0.0969751626, -0.0743673667, -0.00951510109, -0.0967472344, -0.0303936377, 0.0638114661, 0.106555201, -0.00932109914, -0.0282194652, -0.0888710692, 0.0357726142, 0.0168636143]> : tensor<24xf32>
    %cst_24 = arith.constant dense<[0.906349182, 1.0434705, 1.39233255, 0.564530969, 1.48536491, 1.14335537, 0.633003294, 0.54544425, 1.03114128, 0.751306176, 1.48899055, 0.753320872, 1.43097937, 1.30566955, 0.661603212, 0.847530127, 1.33241391, 0.717572391, 0.685631334, 0.717536688, 0.918148338, 1.26286602, 0.951351046, 1.10396588]> : tensor<24xf32>
    %cst_25 = arith.constant dense<[1.596660e-01, -0.0365059972, 0.27654177, 0.369889319, -0.272144079, 0.236416757, -0.0952801108, -0.0211562514, -0.407691956, 0.425934017, 0.301944256, 0.236042142, -0.257556558, 0.0738334655, 0.357929349, 0.0941132307, -0.492424607, 0.319185376, 0.413878202, 0.108053148, 0.310050488, 0.342212439, -0.383903563, -0.10864079]> : tensor<24xf32>
    %cst_26 = arith.constant dense<[1.33163238, 0.886100649, 0.512345374, 0.506000757, 1.28998947, 1.04237342, 1.25278878, 0.572078168, 1.00028586, 0.598455727, 1.23646307, 0.683365046, 0.720999181, 0.67512548, 0.683544695, 0.946976661, 1.12461042, 1.34727597, 1.49213147, 0.858872652, 1.11152506, 0.78722006, 0.522233844, 0.872309923]> : tensor<24xf32>
    %cst_27 = arith.constant dense<[0.38625139, 0.177042425, -0.00342398882, -0.414403915, -0.250269592, 0.132208645, 0.470430613, -0.0252913833, -0.290711939, 0.225799739, 0.0514932871, 0.231538057, -0.0598080754, 0.289372742, 0.262829781, -0.335220695, 0.110527635, 0.0928993225, 0.427060902, -0.413047314, 0.365240574, 0.0351532102, 0.0722000598, 0.147903681]> : tensor<24xf32>
    %cst_28 = arith.constant dense<[0.583221614, 0.672260404, 0.524368405, 1.37117028, 1.41618645, 0.744914352, 1.2021203, 1.33268023, 0.515433311, 1.03468382, 1.11074471, 0.613237082, 0.813696324, 1.23095489, 1.29152822, 0.982034742, 1.34738159, 1.2626338, 0.811589479, 0.725738942, 1.34138262, 1.00389826, 1.28159082, 1.09497118]> : tensor<24xf32>
    %cst_29 = arith.constant dense<[-0.109826148, 0.209608197, -0.325757146, 0.0740193725, 0.191717982, -0.299880266, 0.406602085, -0.0320516229, -0.362650692, 0.146574736, -0.289773226, -0.306517243, 0.00167477131, 0.230671763, 0.480457544, 0.0257080793, 0.418302417, 0.443250537, -0.134443939, -0.0297629237, -0.484009147, -0.155291557, 0.318825841, -0.0402011871]> : tensor<24xf32>
    %cst_30 = ml_program.global_load_const @w4 : tensor<7x24xf32>
    %cst_31 = arith.constant dense<[0.112152472, -0.0175966211, 0.0138170207, -0.161327988, 0.0747429803, 0.0776112452, -0.0721013844]> : tensor<7xf32>
    %cst_32 = ml_program.global_load_const @w5 : tensor<24x24xf32>
    %cst_33 = ml_program.global_load_const @w6 : tensor<24x24xf32>
    %cst_34 = ml_program.global_load_const @w7 : tensor<24x24xf32>
    %cst_35 = ml_program.global_load_const @w8 : tensor<24x24xf32>
    %cst_36 = ml_program.global_load_const @w9 : tensor<24x72xf32>
    %cst_37 = ml_program.global_load_const @w10 : tensor<72x24xf32>
    %cst_38 = ml_program.global_load_const @w11 : tensor<24x24xf32>
    %cst_39 = ml_program.global_load_const @w12 : tensor<24x24xf32>
    %cst_40 = ml_program.global_load_const @w13 : tensor<24x24xf32>
    %cst_41 = ml_program.global_load_const @w14 : tensor<24x24xf32>
    %cst_42 = ml_program.global_load_const @w15 : tensor<24x72xf32>
    %cst_43 = ml_program.global_load_const @w16 : tensor<72x24xf32>
    %cst_44 = arith.constant dense<3.46410155> : tensor<f32>
    %cst_45 = arith.constant dense<[[[5.967460e-01, 1.0025481, -0.820503652, 0.509185553, 0.951388657, 0.77373594, -2.14471149, 0.0441467278, -1.51865542, 1.20050788, -0.445135117, 0.0496783778, -0.173595011, 0.766983866, 0.618021786, 2.78991199, 0.432525367, 2.13044548, 2.55000854, 0.299252093, -0.583730459, 0.325483084, 0.133253515, 0.124883376]], [[5.967460e-01, 1.0025481, -0.820503652, 0.509185553, 0.951388657, 0.77373594, -2.14471149, 0.0441467278, -1.51865542, 1.20050788, -0.445135117, 0.0496783778, -0.173595011, 0.766983866, 0.618021786, 2.78991199, 0.432525367, 2.13044548, 2.55000854, 0.299252093, -0.583730459, 0.325483084, 0.133253515, 0.124883376]]]> : tensor<2x1x24xf32>
    %cst_46 = arith.constant 2.400000e+01 : f32
    %cst_47 = arith.constant 9.99999996E-13 : f32
    %cst_48 = arith.constant 9.99999974E-6 : f32
    %1 = tensor.empty() : tensor<2x24x5x5xf32>
    %broadcasted = linalg.broadcast ins(%cst_7 : tensor<24xf32>) outs(%1 : tensor<2x24x5x5xf32>) dimensions = [0, 2, 3] 
    %2 = linalg.conv_2d_nchw_fchw {dilations = dense<1> : vector<2xi64>, strides = dense<4> : vector<2xi64>} ins(%arg0, %cst_6 : tensor<2x3x20x20xf32>, tensor<24x3x4x4xf32>) outs(%broadcasted : tensor<2x24x5x5xf32>) -> tensor<2x24x5x5xf32>
    %collapsed = tensor.collapse_shape %2 [[0], [1], [2, 3]] : tensor<2x24x5x5xf32> into tensor<2x24x25xf32>
    %3 = tensor.empty() : tensor<2x25x24xf32>
    %transposed = linalg.transpose ins(%collapsed : tensor<2x24x25xf32>) outs(%3 : tensor<2x25x24xf32>) permutation = [0, 2, 1] 
    %concat = tensor.concat dim(1) %cst_45, %transposed : (tensor<2x1x24xf32>, tensor<2x25x24xf32>) -> tensor<2x26x24xf32>
    %4 = tensor.empty() : tensor<2x26x24xf32>
    %5 = linalg.generic {indexing_maps = [affine_map<(d0, d1, d2) -> (d0, d1, d2)>, affine_map<(d0, d1, d2) -> (0, d1, d2)>, affine_map<(d0, d1, d2) -> (d0, d1, d2)>], iterator_types = ["parallel", "parallel", "parallel"]} ins(%concat, %cst_5 : tensor<2x26x24xf32>, tensor<1x26x24xf32>) outs(%4 : tensor<2x26x24xf32>) {
    ^bb0(%in: f32, %in_90: f32, %out: f32):
      %160 = arith.addf %in, %in_90 : f32
      linalg.yield %160 : f32
    } -> tensor<2x26x24xf32>
    %6 = tensor.empty() : tensor<2x26x1xf32>
    %7 = linalg.fill ins(%cst : f32) outs(%6 : tensor<2x26x1xf32>) -> tensor<2x26x1xf32>
    %8 = linalg.generic {indexing_maps = [affine_map<(d0, d1, d2) -> (d0, d1, d2)>, affine_map<(d0, d1, d2) -> (d0, d1, 0)>], iterator_types = ["parallel", "parallel", "reduction"]} ins(%5 : tensor<2x26x24xf32>) outs(%7 : tensor<2x26x1xf32>) {
    ^bb0(%in: f32, %out: f32):
      %160 = arith.addf %in, %out : f32
      linalg.yield %160 : f32
    } -> tensor<2x26x1xf32>
    %9 = linalg.generic {indexing_maps = [affine_map<(d0, d1, d2) -> (d0, d1, d2)>, affine_map<(d0, d1, d2) -> (d0, d1, d2)>], iterator_types = ["parallel", "parallel", "parallel"]} ins(%8 : tensor<2x26x1xf32>) outs(%6 : tensor<2x26x1xf32>) {
    ^bb0(%in: f32, %out: f32):
      %160 = arith.divf %in, %cst_46 : f32
      linalg.yield %160 : f32
    } -> tensor<2x26x1xf32>
    %collapsed_49 = tensor.collapse_shape %9 [[0], [1, 2]] : tensor<2x26x1xf32> into tensor<2x26xf32>
    %10 = linalg.generic {indexing_maps = [affine_map<(d0, d1, d2) -> (d0, d1)>, affine_map<(d0, d1, d2) -> (d0, d1, d2)>], iterator_types = ["parallel", "parallel", "parallel"]} ins(%collapsed_49 : tensor<2x26xf32>) outs(%4 : tensor<2x26x24xf32>) {
    ^bb0(%in: f32, %out: f32):
      linalg.yield %in : f32
    } -> tensor<2x26x24xf32>
    %11 = linalg.generic {indexing_maps = [affine_map<(d0, d1, d2) -> (d0, d1, d2)>, affine_map<(d0, d1, d2) -> (d0, d1, d2)>, affine_map<(d0, d1, d2) -> (d0, d1, d2)>], iterator_types = ["parallel", "parallel", "parallel"]} ins(%5, %10 : tensor<2x26x24xf32>, tensor<2x26x24xf32>) outs(%4 : tensor<2x26x24xf32>) {
    ^bb0(%in: f32, %in_90: f32, %out: f32):
      %160 = arith.subf %in, %in_90 : f32
      linalg.yield %160 : f32
    } -> tensor<2x26x24xf32>
    %12 = linalg.generic {indexing_maps = [affine_map<(d0, d1, d2) -> (d0, d1, d2)>, affine_map<(d0, d1, d2) -> (d0, d1, d2)>, affine_map<(d0, d1, d2) -> (d0, d1, d2)>], iterator_types = ["parallel", "parallel", "parallel"]} ins(%11, %11 : tensor<2x26x24xf32>, tensor<2x26x24xf32>) outs(%4 : tensor<2x26x24xf32>) {
    ^bb0(%in: f32, %in_90: f32, %out: f32):
      %160 = arith.mulf %in, %in_90 : f32
      linalg.yield %160 : f32
    } -> tensor<2x26x24xf32>
    %13 = linalg.generic {indexing_maps = [affine_map<(d0, d1, d2) -> (d0, d1, d2)>, affine_map<(d0, d1, d2) -> (d0, d1, 0)>], iterator_types = ["parallel", "parallel", "reduction"]} ins(%12 : tensor<2x26x24xf32>) outs(%7 : tensor<2x26x1xf32>) {
    ^bb0(%in: f32, %out: f32):
      %160 = arith.addf %in, %out : f32
      linalg.yield %160 : f32
    } -> tensor<2x26x1xf32>
    %14 = linalg.generic {indexing_maps = [affine_map<(d0, d1, d2) -> (d0, d1, d2)>, affine_map<(d0, d1, d2) -> (d0, d1, d2)>], iterator_types = ["parallel", "parallel", "parallel"]} ins(%13 : tensor<2x26x1xf32>) outs(%6 : tensor<2x26x1xf32>) {
    ^bb0(%in: f32, %out: f32):
      %160 = arith.divf %in, %cst_46 : f32
      linalg.yield %160 : f32
    } -> tensor<2x26x1xf32>
    %15 = linalg.generic {indexing_maps = [affine_map<(d0, d1, d2) -> (d0, d1, d2)>, affine_map<(d0, d1, d2) -> (d0, d1, d2)>], iterator_types = ["parallel", "parallel", "parallel"]} ins(%14 : tensor<2x26x1xf32>) outs(%6 : tensor<2x26x1xf32>) {
    ^bb0(%in: f32, %out: f32):
      %160 = arith.addf %in, %cst_47 : f32
      linalg.yield %160 : f32
    } -> tensor<2x26x1xf32>
    %16 = linalg.generic {indexing_maps = [affine_map<(d0, d1, d2) -> (d0, d1, d2)>, affine_map<(d0, d1, d2) -> (d0, d1, d2)>], iterator_types = ["parallel", "parallel", "parallel"]} ins(%15 : tensor<2x26x1xf32>) outs(%6 : tensor<2x26x1xf32>) {
    ^bb0(%in: f32, %out: f32):
      %160 = math.rsqrt %in : f32
      linalg.yield %160 : f32
    } -> tensor<2x26x1xf32>
    %collapsed_50 = tensor.collapse_shape %16 [[0], [1, 2]] : tensor<2x26x1xf32> into tensor<2x26xf32>
    %17 = linalg.generic {indexing_maps = [affine_map<(d0, d1, d2) -> (d0, d1)>, affine_map<(d0, d1, d2) -> (d0, d1, d2)>], iterator_types = ["parallel", "parallel", "parallel"]} ins(%collapsed_50 : tensor<2x26xf32>) outs(%4 : tensor<2x26x24xf32>) {
    ^bb0(%in: f32, %out: f32):
      linalg.yield %in : f32
    } -> tensor<2x26x24xf32>
    %18 = linalg.generic {indexing_maps = [affine_map<(d0, d1, d2) -> (d0, d1, d2)>, affine_map<(d0, d1, d2) -> (d0, d1, d2)>, affine_map<(d0, d1, d2) -> (d0, d1, d2)>], iterator_types = ["parallel", "parallel", "parallel"]} ins(%11, %17 : tensor<2x26x24xf32>, tensor<2x26x24xf32>) outs(%4 : tensor<2x26x24xf32>) {
    ^bb0(%in: f32, %in_90: f32, %out: f32):
      %160 = arith.mulf %in, %in_90 : f32
      linalg.yield %160 : f32
    } -> tensor<2x26x24xf32>
    %19 = linalg.generic {indexing_maps = [affine_map<(d0, d1, d2) -> (d0, d1, d2)>, affine_map<(d0, d1, d2) -> (d2)>, affine_map<(d0, d1, d2) -> (d0, d1, d2)>], iterator_types = ["parallel", "parallel", "parallel"]} ins(%18, %cst_14 : tensor<2x26x24xf32>, tensor<24xf32>) outs(%4 : tensor<2x26x24xf32>) {
    ^bb0(%in: f32, %in_90: f32, %out: f32):
      %160 = arith.mulf %in, %in_90 : f32
      linalg.yield %160 : f32
    } -> tensor<2x26x24xf32>
    %20 = linalg.generic {indexing_maps = [affine_map<(d0, d1, d2) -> (d0, d1, d2)>, affine_map<(d0, d1, d2) -> (d2)>, affine_map<(d0, d1, d2) -> (d0, d1, d2)>], iterator_types = ["parallel", "parallel", "parallel"]} ins(%19, %cst_15 : tensor<2x26x24xf32>, tensor<24xf32>) outs(%4 : tensor<2x26x24xf32>) {
    ^bb0(%in: f32, %in_90: f32, %out: f32):
      %160 = arith.addf %in, %in_90 : f32
      linalg.yield %160 : f32
    } -> tensor<2x26x24xf32>
    %21 = tensor.empty() : tensor<2x24x24xf32>
    %22 = linalg.generic {indexing_maps = [affine_map<(d0, d1, d2) -> (d1, d2)>, affine_map<(d0, d1, d2) -> (d0, d1, d2)>], iterator_types = ["parallel", "parallel", "parallel"]} ins(%cst_32 : tensor<24x24xf32>) outs(%21 : tensor<2x24x24xf32>) {
    ^bb0(%in: f32, %out: f32):
      linalg.yield %in : f32
    } -> tensor<2x24x24xf32>
    %23 = linalg.fill ins(%cst : f32) outs(%4 : tensor<2x26x24xf32>) -> tensor<2x26x24xf32>
    %24 = linalg.batch_matmul ins(%20, %22 : tensor<2x26x24xf32>, tensor<2x24x24xf32>) outs(%23 : tensor<2x26x24xf32>) -> tensor<2x26x24xf32>
    %25 = linalg.generic {indexing_maps = [affine_map<(d0, d1, d2) -> (d0, d1, d2)>, affine_map<(d0, d1, d2) -> (d2)>, affine_map<(d0, d1, d2) -> (d0, d1, d2)>], iterator_types = ["parallel", "parallel", "parallel"]} ins(%24, %cst_8 : tensor<2x26x24xf32>, tensor<24xf32>) outs(%4 : tensor<2x26x24xf32>) {
    ^bb0(%in: f32, %in_90: f32, %out: f32):
      %160 = arith.addf %in, %in_90 : f32
      linalg.yield %160 : f32
    } -> tensor<2x26x24xf32>
    %expanded = tensor.expand_shape %25 [[0], [1], [2, 3]] output_shape [2, 26, 2, 12] : tensor<2x26x24xf32> into tensor<2x26x2x12xf32>
    %26 = tensor.empty() : tensor<2x2x26x12xf32>
    %transposed_51 = linalg.transpose ins(%expanded : tensor<2x26x2x12xf32>) outs(%26 : tensor<2x2x26x12xf32>) permutation = [0, 2, 1, 3] 
    %27 = linalg.generic {indexing_maps = [affine_map<(d0, d1, d2) -> (d1, d2)>, affine_map<(d0, d1, d2) -> (d0, d1, d2)>], iterator_types = ["parallel", "parallel", "parallel"]} ins(%cst_33 : tensor<24x24xf32>) outs(%21 : tensor<2x24x24xf32>) {
    ^bb0(%in: f32, %out: f32):
      linalg.yield %in : f32
    } -> tensor<2x24x24xf32>
    %28 = linalg.batch_matmul ins(%20, %27 : tensor<2x26x24xf32>, tensor<2x24x24xf32>) outs(%23 : tensor<2x26x24xf32>) -> tensor<2x26x24xf32>
    %29 = linalg.generic {indexing_maps = [affine_map<(d0, d1, d2) -> (d0, d1, d2)>, affine_map<(d0, d1, d2) -> (d2)>, affine_map<(d0, d1, d2) -> (d0, d1, d2)>], iterator_types = ["parallel", "parallel", "parallel"]} ins(%28, %cst_9 : tensor<2x26x24xf32>, tensor<24xf32>) outs(%4 : tensor<2x26x24xf32>) {
    ^bb0(%in: f32, %in_90: f32, %out: f32):
      %160 = arith.addf %in, %in_90 : f32
      linalg.yield %160 : f32
    } -> tensor<2x26x24xf32>
    %expanded_52 = tensor.expand_shape %29 [[0], [1], [2, 3]] output_shape [2, 26, 2, 12] : tensor<2x26x24xf32> into tensor<2x26x2x12xf32>
    %30 = linalg.generic {indexing_maps = [affine_map<(d0, d1, d2) -> (d1, d2)>, affine_map<(d0, d1, d2) -> (d0, d1, d2)>], iterator_types = ["parallel", "parallel", "parallel"]} ins(%cst_34 : tensor<24x24xf32>) outs(%21 : tensor<2x24x24xf32>) {
    ^bb0(%in: f32, %out: f32):
      linalg.yield %in : f32
    } -> tensor<2x24x24xf32>
    %31 = linalg.batch_matmul ins(%20, %30 : tensor<2x26x24xf32>, tensor<2x24x24xf32>) outs(%23 : tensor<2x26x24xf32>) -> tensor<2x26x24xf32>
    %32 = linalg.generic {indexing_maps = [affine_map<(d0, d1, d2) -> (d0, d1, d2)>, affine_map<(d0, d1, d2) -> (d2)>, affine_map<(d0, d1, d2) -> (d0, d1, d2)>], iterator_types = ["parallel", "parallel", "parallel"]} ins(%31, %cst_10 : tensor<2x26x24xf32>, tensor<24xf32>) outs(%4 : tensor<2x26x24xf32>) {
    ^bb0(%in: f32, %in_90: f32, %out: f32):
      %160 = arith.addf %in, %in_90 : f32
      linalg.yield %160 : f32
    } -> tensor<2x26x24xf32>
    %expanded_53 = tensor.expand_shape %32 [[0], [1], [2, 3]] output_shape [2, 26, 2, 12] : tensor<2x26x24xf32> into tensor<2x26x2x12xf32>
    %transposed_54 = linalg.transpose ins(%expanded_53 : tensor<2x26x2x12xf32>) outs(%26 : tensor<2x2x26x12xf32>) permutation = [0, 2, 1, 3] 
    %33 = tensor.empty() : tensor<2x2x12x26xf32>
    %transposed_55 = linalg.transpose ins(%expanded_52 : tensor<2x26x2x12xf32>) outs(%33 : tensor<2x2x12x26xf32>) permutation = [0, 2, 3, 1] 
    %collapsed_56 = tensor.collapse_shape %transposed_51 [[0, 1], [2], [3]] : tensor<2x2x26x12xf32> into tensor<4x26x12xf32>
    %collapsed_57 = tensor.collapse_shape %transposed_55 [[0, 1], [2], [3]] : tensor<2x2x12x26xf32> into tensor<4x12x26xf32>
    %34 = tensor.empty() : tensor<4x26x26xf32>
    %35 = linalg.fill ins(%cst : f32) outs(%34 : tensor<4x26x26xf32>) -> tensor<4x26x26xf32>
    %36 = linalg.batch_matmul ins(%collapsed_56, %collapsed_57 : tensor<4x26x12xf32>, tensor<4x12x26xf32>) outs(%35 : tensor<4x26x26xf32>) -> tensor<4x26x26xf32>
    %expanded_58 = tensor.expand_shape %36 [[0, 1], [2], [3]] output_shape [2, 2, 26, 26] : tensor<4x26x26xf32> into tensor<2x2x26x26xf32>
    %37 = tensor.empty() : tensor<2x2x26x26xf32>
    %38 = linalg.generic {indexing_maps = [affine_map<(d0, d1, d2, d3) -> (d0, d1, d2, d3)>, affine_map<(d0, d1, d2, d3) -> ()>, affine_map<(d0, d1, d2, d3) -> (d0, d1, d2, d3)>], iterator_types = ["parallel", "parallel", "parallel", "parallel"]} ins(%expanded_58, %cst_44 : tensor<2x2x26x26xf32>, tensor<f32>) outs(%37 : tensor<2x2x26x26xf32>) {
    ^bb0(%in: f32, %in_90: f32, %out: f32):
      %160 = arith.divf %in, %in_90 : f32
      linalg.yield %160 : f32
    } -> tensor<2x2x26x26xf32>
    %39 = tensor.empty() : tensor<2x2x26xi64>
    %40 = linalg.fill ins(%c0_i64 : i64) outs(%39 : tensor<2x2x26xi64>) -> tensor<2x2x26xi64>
    %41 = tensor.empty() : tensor<2x2x26xf32>
    %42 = linalg.fill ins(%cst_0 : f32) outs(%41 : tensor<2x2x26xf32>) -> tensor<2x2x26xf32>
    %43:2 = linalg.generic {indexing_maps = [affine_map<(d0, d1, d2, d3) -> (d0, d1, d2, d3)>, affine_map<(d0, d1, d2, d3) -> (d0, d1, d2)>, affine_map<(d0, d1, d2, d3) -> (d0, d1, d2)>], iterator_types = ["parallel", "parallel", "parallel", "reduction"]} ins(%38 : tensor<2x2x26x26xf32>) outs(%42, %40 : tensor<2x2x26xf32>, tensor<2x2x26xi64>) {
    ^bb0(%in: f32, %out: f32, %out_90: i64):
      %160 = linalg.index 3 : index
      %161 = arith.index_cast %160 : index to i64
      %162 = arith.maximumf %in, %out : f32
      %163 = arith.cmpf ogt, %in, %out : f32
      %164 = arith.select %163, %161, %out_90 : i64
      linalg.yield %162, %164 : f32, i64
    } -> (tensor<2x2x26xf32>, tensor<2x2x26xi64>)
    %expanded_59 = tensor.expand_shape %43#0 [[0], [1], [2, 3]] output_shape [2, 2, 26, 1] : tensor<2x2x26xf32> into tensor<2x2x26x1xf32>
    %44 = linalg.generic {indexing_maps = [affine_map<(d0, d1, d2, d3) -> (d0, d1, d2, d3)>, affine_map<(d0, d1, d2, d3) -> (d0, d1, d2, 0)>, affine_map<(d0, d1, d2, d3) -> (d0, d1, d2, d3)>], iterator_types = ["parallel", "parallel", "parallel", "parallel"]} ins(%38, %expanded_59 : tensor<2x2x26x26xf32>, tensor<2x2x26x1xf32>) outs(%37 : tensor<2x2x26x26xf32>) {
    ^bb0(%in: f32, %in_90: f32, %out: f32):
      %160 = arith.subf %in, %in_90 : f32
      linalg.yield %160 : f32
    } -> tensor<2x2x26x26xf32>
    %45 = linalg.generic {indexing_maps = [affine_map<(d0, d1, d2, d3) -> (d0, d1, d2, d3)>, affine_map<(d0, d1, d2, d3) -> (d0, d1, d2, d3)>], iterator_types = ["parallel", "parallel", "parallel", "parallel"]} ins(%44 : tensor<2x2x26x26xf32>) outs(%37 : tensor<2x2x26x26xf32>) {
    ^bb0(%in: f32, %out: f32):
      %160 = math.exp %in : f32
      linalg.yield %160 : f32
    } -> tensor<2x2x26x26xf32>
    %46 = tensor.empty() : tensor<2x2x26x1xf32>
    %47 = linalg.fill ins(%cst : f32) outs(%46 : tensor<2x2x26x1xf32>) -> tensor<2x2x26x1xf32>
    %48 = linalg.generic {indexing_maps = [affine_map<(d0, d1, d2, d3) -> (d0, d1, d2, d3)>, affine_map<(d0, d1, d2, d3) -> (d0, d1, d2, 0)>], iterator_types = ["parallel", "parallel", "parallel", "reduction"]} ins(%45 : tensor<2x2x26x26xf32>) outs(%47 : tensor<2x2x26x1xf32>) {
    ^bb0(%in: f32, %out: f32):
      %160 = arith.addf %in, %out : f32
      linalg.yield %160 : f32
    } -> tensor<2x2x26x1xf32>
    %49 = linalg.generic {indexing_maps = [affine_map<(d0, d1, d2, d3) -> (d0, d1, d2, d3)>, affine_map<(d0, d1, d2, d3) -> (d0, d1, d2, 0)>, affine_map<(d0, d1, d2, d3) -> (d0, d1, d2, d3)>], iterator_types = ["parallel", "parallel", "parallel", "parallel"]} ins(%45, %48 : tensor<2x2x26x26xf32>, tensor<2x2x26x1xf32>) outs(%37 : tensor<2x2x26x26xf32>) {
    ^bb0(%in: f32, %in_90: f32, %out: f32):
      %160 = arith.divf %in, %in_90 : f32
      linalg.yield %160 : f32
    } -> tensor<2x2x26x26xf32>
    %collapsed_60 = tensor.collapse_shape %49 [[0, 1], [2], [3]] : tensor<2x2x26x26xf32> into tensor<4x26x26xf32>
    %collapsed_61 = tensor.collapse_shape %transposed_54 [[0, 1], [2], [3]] : tensor<2x2x26x12xf32> into tensor<4x26x12xf32>
    %50 = tensor.empty() : tensor<4x26x12xf32>
    %51 = linalg.fill ins(%cst : f32) outs(%50 : tensor<4x26x12xf32>) -> tensor<4x26x12xf32>
    %52 = linalg.batch_matmul ins(%collapsed_60, %collapsed_61 : tensor<4x26x26xf32>, tensor<4x26x12xf32>) outs(%51 : tensor<4x26x12xf32>) -> tensor<4x26x12xf32>
    %expanded_62 = tensor.expand_shape %52 [[0, 1], [2], [3]] output_shape [2, 2, 26, 12] : tensor<4x26x12xf32> into tensor<2x2x26x12xf32>
    %53 = tensor.empty() : tensor<2x26x2x12xf32>
    %transposed_63 = linalg.transpose ins(%expanded_62 : tensor<2x2x26x12xf32>) outs(%53 : tensor<2x26x2x12xf32>) permutation = [0, 2, 1, 3] 
    %collapsed_64 = tensor.collapse_shape %transposed_63 [[0], [1], [2, 3]] : tensor<2x26x2x12xf32> into tensor<2x26x24xf32>
    %54 = linalg.generic {indexing_maps = [affine_map<(d0, d1, d2) -> (d1, d2)>, affine_map<(d0, d1, d2) -> (d0, d1, d2)>], iterator_types = ["parallel", "parallel", "parallel"]} ins(%cst_35 : tensor<24x24xf32>) outs(%21 : tensor<2x24x24xf32>) {
    ^bb0(%in: f32, %out: f32):
      linalg.yield %in : f32
    } -> tensor<2x24x24xf32>
    %55 = linalg.batch_matmul ins(%collapsed_64, %54 : tensor<2x26x24xf32>, tensor<2x24x24xf32>) outs(%23 : tensor<2x26x24xf32>) -> tensor<2x26x24xf32>
    %56 = linalg.generic {indexing_maps = [affine_map<(d0, d1, d2) -> (d0, d1, d2)>, affine_map<(d0, d1, d2) -> (d2)>, affine_map<(d0, d1, d2) -> (d0, d1, d2)>], iterator_types = ["parallel", "parallel", "parallel"]} ins(%55, %cst_11 : tensor<2x26x24xf32>, tensor<24xf32>) outs(%4 : tensor<2x26x24xf32>) {
    ^bb0(%in: f32, %in_90: f32, %out: f32):
      %160 = arith.addf %in, %in_90 : f32
      linalg.yield %160 : f32
    } -> tensor<2x26x24xf32>
    %57 = linalg.generic {indexing_maps = [affine_map<(d0, d1, d2) -> (d0, d1, d2)>, affine_map<(d0, d1, d2) -> (d0, d1, d2)>, affine_map<(d0, d1, d2) -> (d0, d1, d2)>], iterator_types = ["parallel", "parallel", "parallel"]} ins(%5, %56 : tensor<2x26x24xf32>, tensor<2x26x24xf32>) outs(%4 : tensor<2x26x24xf32>) {
    ^bb0(%in: f32, %in_90: f32, %out: f32):
      %160 = arith.addf %in, %in_90 : f32
      linalg.yield %160 : f32
    } -> tensor<2x26x24xf32>
    %58 = linalg.generic {indexing_maps = [affine_map<(d0, d1, d2) -> (d0, d1, d2)>, affine_map<(d0, d1, d2) -> (d0, d1, 0)>], iterator_types = ["parallel", "parallel", "reduction"]} ins(%57 : tensor<2x26x24xf32>) outs(%7 : tensor<2x26x1xf32>) {
    ^bb0(%in: f32, %out: f32):
      %160 = arith.addf %in, %out : f32
      linalg.yield %160 : f32
    } -> tensor<2x26x1xf32>
    %59 = linalg.generic {indexing_maps = [affine_map<(d0, d1, d2) -> (d0, d1, d2)>, affine_map<(d0, d1, d2) -> (d0, d1, d2)>], iterator_types = ["parallel", "parallel", "parallel"]} ins(%58 : tensor<2x26x1xf32>) outs(%6 : tensor<2x26x1xf32>) {
    ^bb0(%in: f32, %out: f32):
      %160 = arith.divf %in, %cst_46 : f32
      linalg.yield %160 : f32
    } -> tensor<2x26x1xf32>
    %collapsed_65 = tensor.collapse_shape %59 [[0], [1, 2]] : tensor<2x26x1xf32> into tensor<2x26xf32>
    %60 = linalg.generic {indexing_maps = [affine_map<(d0, d1, d2) -> (d0, d1)>, affine_map<(d0, d1, d2) -> (d0, d1, d2)>], iterator_types = ["parallel", "parallel", "parallel"]} ins(%collapsed_65 : tensor<2x26xf32>) outs(%4 : tensor<2x26x24xf32>) {
    ^bb0(%in: f32, %out: f32):
      linalg.yield %in : f32
    } -> tensor<2x26x24xf32>
    %61 = linalg.generic {indexing_maps = [affine_map<(d0, d1, d2) -> (d0, d1, d2)>, affine_map<(d0, d1, d2) -> (d0, d1, d2)>, affine_map<(d0, d1, d2) -> (d0, d1, d2)>], iterator_types = ["parallel", "parallel", "parallel"]} ins(%57, %60 : tensor<2x26x24xf32>, tensor<2x26x24xf32>) outs(%4 : tensor<2x26x24xf32>) {
    ^bb0(%in: f32, %in_90: f32, %out: f32):
      %160 = arith.subf %in, %in_90 : f32
      linalg.yield %160 : f32
    } -> tensor<2x26x24xf32>
    %62 = linalg.generic {indexing_maps = [affine_map<(d0, d1, d2) -> (d0, d1, d2)>, affine_map<(d0, d1, d2) -> (d0, d1, d2)>, affine_map<(d0, d1, d2) -> (d0, d1, d2)>], iterator_types = ["parallel", "parallel", "parallel"]} ins(%61, %61 : tensor<2x26x24xf32>, tensor<2x26x24xf32>) outs(%4 : tensor<2x26x24xf32>) {
    ^bb0(%in: f32, %in_90: f32, %out: f32):
      %160 = arith.mulf %in, %in_90 : f32
      linalg.yield %160 : f32
    } -> tensor<2x26x24xf32>
    %63 = linalg.generic {indexing_maps = [affine_map<(d0, d1, d2) -> (d0, d1, d2)>, affine_map<(d0, d1, d2) -> (d0, d1, 0)>], iterator_types = ["parallel", "parallel", "reduction"]} ins(%62 : tensor<2x26x24xf32>) outs(%7 : tensor<2x26x1xf32>) {
    ^bb0(%in: f32, %out: f32):
      %160 = arith.addf %in, %out : f32
      linalg.yield %160 : f32
    } -> tensor<2x26x1xf32>
    %64 = linalg.generic {indexing_maps = [affine_map<(d0, d1, d2) -> (d0, d1, d2)>, affine_map<(d0, d1, d2) -> (d0, d1, d2)>], iterator_types = ["parallel", "parallel", "parallel"]} ins(%63 : tensor<2x26x1xf32>) outs(%6 : tensor<2x26x1xf32>) {
    ^bb0(%in: f32, %out: f32):
      %160 = arith.divf %in, %cst_46 : f32
      linalg.yield %160 : f32
    } -> tensor<2x26x1xf32>
    %65 = linalg.generic {indexing_maps = [affine_map<(d0, d1, d2) -> (d0, d1, d2)>, affine_map<(d0, d1, d2) -> (d0, d1, d2)>], iterator_types = ["parallel", "parallel", "parallel"]} ins(%64 : tensor<2x26x1xf32>) outs(%6 : tensor<2x26x1xf32>) {
    ^bb0(%in: f32, %out: f32):
      %160 = arith.addf %in, %cst_47 : f32
      linalg.yield %160 : f32
    } -> tensor<2x26x1xf32>
    %66 = linalg.generic {indexing_maps = [affine_map<(d0, d1, d2) -> (d0, d1, d2)>, affine_map<(d0, d1, d2) -> (d0, d1, d2)>], iterator_types = ["parallel", "parallel", "parallel"]} ins(%65 : tensor<2x26x1xf32>) outs(%6 : tensor<2x26x1xf32>) {
    ^bb0(%in: f32, %out: f32):
      %160 = math.rsqrt %in : f32
      linalg.yield %160 : f32
    } -> tensor<2x26x1xf32>
    %collapsed_66 = tensor.collapse_shape %66 [[0], [1, 2]] : tensor<2x26x1xf32> into tensor<2x26xf32>
    %67 = linalg.generic {indexing_maps = [affine_map<(d0, d1, d2) -> (d0, d1)>, affine_map<(d0, d1, d2) -> (d0, d1, d2)>], iterator_types = ["parallel", "parallel", "parallel"]} ins(%collapsed_66 : tensor<2x26xf32>) outs(%4 : tensor<2x26x24xf32>) {
    ^bb0(%in: f32, %out: f32):
      linalg.yield %in : f32
    } -> tensor<2x26x24xf32>
    %68 = linalg.generic {indexing_maps = [affine_map<(d0, d1, d2) -> (d0, d1, d2)>, affine_map<(d0, d1, d2) -> (d0, d1, d2)>, affine_map<(d0, d1, d2) -> (d0, d1, d2)>], iterator_types = ["parallel", "parallel", "parallel"]} ins(%61, %67 : tensor<2x26x24xf32>, tensor<2x26x24xf32>) outs(%4 : tensor<2x26x24xf32>) {
    ^bb0(%in: f32, %in_90: f32, %out: f32):
      %160 = arith.mulf %in, %in_90 : f32
      linalg.yield %160 : f32
    } -> tensor<2x26x24xf32>
    %69 = linalg.generic {indexing_maps = [affine_map<(d0, d1, d2) -> (d0, d1, d2)>, affine_map<(d0, d1, d2) -> (d2)>, affine_map<(d0, d1, d2) -> (d0, d1, d2)>], iterator_types = ["parallel", "parallel", "parallel"]} ins(%68, %cst_16 : tensor<2x26x24xf32>, tensor<24xf32>) outs(%4 : tensor<2x26x24xf32>) {
    ^bb0(%in: f32, %in_90: f32, %out: f32):
      %160 = arith.mulf %in, %in_90 : f32
      linalg.yield %160 : f32
    } -> tensor<2x26x24xf32>
    %70 = linalg.generic {indexing_maps = [affine_map<(d0, d1, d2) -> (d0, d1, d2)>, affine_map<(d0, d1, d2) -> (d2)>, affine_map<(d0, d1, d2) -> (d0, d1, d2)>], iterator_types = ["parallel", "parallel", "parallel"]} ins(%69, %cst_17 : tensor<2x26x24xf32>, tensor<24xf32>) outs(%4 : tensor<2x26x24xf32>) {
    ^bb0(%in: f32, %in_90: f32, %out: f32):
      %160 = arith.addf %in, %in_90 : f32
      linalg.yield %160 : f32
    } -> tensor<2x26x24xf32>
    %71 = tensor.empty() : tensor<2x24x72xf32>
    %72 = linalg.generic {indexing_maps = [affine_map<(d0, d1, d2) -> (d1, d2)>, affine_map<(d0, d1, d2) -> (d0, d1, d2)>], iterator_types = ["parallel", "parallel", "parallel"]} ins(%cst_36 : tensor<24x72xf32>) outs(%71 : tensor<2x24x72xf32>) {
    ^bb0(%in: f32, %out: f32):
      linalg.yield %in : f32
    } -> tensor<2x24x72xf32>
    %73 = tensor.empty() : tensor<2x26x72xf32>
    %74 = linalg.fill ins(%cst : f32) outs(%73 : tensor<2x26x72xf32>) -> tensor<2x26x72xf32>
    %75 = linalg.batch_matmul ins(%70, %72 : tensor<2x26x24xf32>, tensor<2x24x72xf32>) outs(%74 : tensor<2x26x72xf32>) -> tensor<2x26x72xf32>
    %76 = linalg.generic {indexing_maps = [affine_map<(d0, d1, d2) -> (d0, d1, d2)>, affine_map<(d0, d1, d2) -> (d2)>, affine_map<(d0, d1, d2) -> (d0, d1, d2)>], iterator_types = ["parallel", "parallel", "parallel"]} ins(%75, %cst_12 : tensor<2x26x72xf32>, tensor<72xf32>) outs(%73 : tensor<2x26x72xf32>) {
    ^bb0(%in: f32, %in_90: f32, %out: f32):
      %160 = arith.addf %in, %in_90 : f32
      linalg.yield %160 : f32
    } -> tensor<2x26x72xf32>
    %77 = linalg.generic {indexing_maps = [affine_map<(d0, d1, d2) -> (d0, d1, d2)>, affine_map<(d0, d1, d2) -> (d0, d1, d2)>], iterator_types = ["parallel", "parallel", "parallel"]} ins(%76 : tensor<2x26x72xf32>) outs(%73 : tensor<2x26x72xf32>) {
    ^bb0(%in: f32, %out: f32):
      %160 = arith.divf %in, %cst_1 : f32
      %161 = math.erf %160 : f32
      %162 = arith.addf %161, %cst_2 : f32
      %163 = arith.mulf %162, %cst_3 : f32
      %164 = arith.mulf %in, %163 : f32
      linalg.yield %164 : f32
    } -> tensor<2x26x72xf32>
    %78 = tensor.empty() : tensor<2x72x24xf32>
    %79 = linalg.generic {indexing_maps = [affine_map<(d0, d1, d2) -> (d1, d2)>, affine_map<(d0, d1, d2) -> (d0, d1, d2)>], iterator_types = ["parallel", "parallel", "parallel"]} ins(%cst_37 : tensor<72x24xf32>) outs(%78 : tensor<2x72x24xf32>) {
    ^bb0(%in: f32, %out: f32):
      linalg.yield %in : f32
    } -> tensor<2x72x24xf32>
    %80 = linalg.batch_matmul ins(%77, %79 : tensor<2x26x72xf32>, tensor<2x72x24xf32>) outs(%23 : tensor<2x26x24xf32>) -> tensor<2x26x24xf32>
    %81 = linalg.generic {indexing_maps = [affine_map<(d0, d1, d2) -> (d0, d1, d2)>, affine_map<(d0, d1, d2) -> (d2)>, affine_map<(d0, d1, d2) -> (d0, d1, d2)>], iterator_types = ["parallel", "parallel", "parallel"]} ins(%80, %cst_13 : tensor<2x26x24xf32>, tensor<24xf32>) outs(%4 : tensor<2x26x24xf32>) {
    ^bb0(%in: f32, %in_90: f32, %out: f32):
      %160 = arith.addf %in, %in_90 : f32
      linalg.yield %160 : f32
    } -> tensor<2x26x24xf32>
    %82 = linalg.generic {indexing_maps = [affine_map<(d0, d1, d2) -> (d0, d1, d2)>, affine_map<(d0, d1, d2) -> (d0, d1, d2)>, affine_map<(d0, d1, d2) -> (d0, d1, d2)>], iterator_types = ["parallel", "parallel", "parallel"]} ins(%57, %81 : tensor<2x26x24xf32>, tensor<2x26x24xf32>) outs(%4 : tensor<2x26x24xf32>) {
    ^bb0(%in: f32, %in_90: f32, %out: f32):
      %160 = arith.addf %in, %in_90 : f32
      linalg.yield %160 : f32
    } -> tensor<2x26x24xf32>
    %83 = linalg.generic {indexing_maps = [affine_map<(d0, d1, d2) -> (d0, d1, d2)>, affine_map<(d0, d1, d2) -> (d0, d1, 0)>], iterator_types = ["parallel", "parallel", "reduction"]} ins(%82 : tensor<2x26x24xf32>) outs(%7 : tensor<2x26x1xf32>) {
    ^bb0(%in: f32, %out: f32):
      %160 = arith.addf %in, %out : f32
      linalg.yield %160 : f32
    } -> tensor<2x26x1xf32>
    %84 = linalg.generic {indexing_maps = [affine_map<(d0, d1, d2) -> (d0, d1, d2)>, affine_map<(d0, d1, d2) -> (d0, d1, d2)>], iterator_types = ["parallel", "parallel", "parallel"]} ins(%83 : tensor<2x26x1xf32>) outs(%6 : tensor<2x26x1xf32>) {
    ^bb0(%in: f32, %out: f32):
      %160 = arith.divf %in, %cst_46 : f32
      linalg.yield %160 : f32
    } -> tensor<2x26x1xf32>
    %collapsed_67 = tensor.collapse_shape %84 [[0], [1, 2]] : tensor<2x26x1xf32> into tensor<2x26xf32>
    %85 = linalg.generic {indexing_maps = [affine_map<(d0, d1, d2) -> (d0, d1)>, affine_map<(d0, d1, d2) -> (d0, d1, d2)>], iterator_types = ["parallel", "parallel", "parallel"]} ins(%collapsed_67 : tensor<2x26xf32>) outs(%4 : tensor<2x26x24xf32>) {
    ^bb0(%in: f32, %out: f32):
      linalg.yield %in : f32
    } -> tensor<2x26x24xf32>
    %86 = linalg.generic {indexing_maps = [affine_map<(d0, d1, d2) -> (d0, d1, d2)>, affine_map<(d0, d1, d2) -> (d0, d1, d2)>, affine_map<(d0, d1, d2) -> (d0, d1, d2)>], iterator_types = ["parallel", "parallel", "parallel"]} ins(%82, %85 : tensor<2x26x24xf32>, tensor<2x26x24xf32>) outs(%4 : tensor<2x26x24xf32>) {
    ^bb0(%in: f32, %in_90: f32, %out: f32):
      %160 = arith.subf %in, %in_90 : f32
      linalg.yield %160 : f32
    } -> tensor<2x26x24xf32>
    %87 = linalg.generic {indexing_maps = [affine_map<(d0, d1, d2) -> (d0, d1, d2)>, affine_map<(d0, d1, d2) -> (d0, d1, d2)>, affine_map<(d0, d1, d2) -> (d0, d1, d2)>], iterator_types = ["parallel", "parallel", "parallel"]} ins(%86, %86 : tensor<2x26x24xf32>, tensor<2x26x24xf32>) outs(%4 : tensor<2x26x24xf32>) {
    ^bb0(%in: f32, %in_90: f32, %out: f32):
      %160 = arith.mulf %in, %in_90 : f32
      linalg.yield %160 : f32
    } -> tensor<2x26x24xf32>
    %88 = linalg.generic {indexing_maps = [affine_map<(d0, d1, d2) -> (d0, d1, d2)>, affine_map<(d0, d1, d2) -> (d0, d1, 0)>], iterator_types = ["parallel", "parallel", "reduction"]} ins(%87 : tensor<2x26x24xf32>) outs(%7 : tensor<2x26x1xf32>) {
    ^bb0(%in: f32, %out: f32):
      %160 = arith.addf %in, %out : f32
      linalg.yield %160 : f32
    } -> tensor<2x26x1xf32>
    %89 = linalg.generic {indexing_maps = [affine_map<(d0, d1, d2) -> (d0, d1, d2)>, affine_map<(d0, d1, d2) -> (d0, d1, d2)>], iterator_types = ["parallel", "parallel", "parallel"]} ins(%88 : tensor<2x26x1xf32>) outs(%6 : tensor<2x26x1xf32>) {
    ^bb0(%in: f32, %out: f32):
      %160 = arith.divf %in, %cst_46 : f32
      linalg.yield %160 : f32
    } -> tensor<2x26x1xf32>
    %90 = linalg.generic {indexing_maps = [affine_map<(d0, d1, d2) -> (d0, d1, d2)>, affine_map<(d0, d1, d2) -> (d0, d1, d2)>], iterator_types = ["parallel", "parallel", "parallel"]} ins(%89 : tensor<2x26x1xf32>) outs(%6 : tensor<2x26x1xf32>) {
    ^bb0(%in: f32, %out: f32):
      %160 = arith.addf %in, %cst_47 : f32
      linalg.yield %160 : f32
    } -> tensor<2x26x1xf32>
    %91 = linalg.generic {indexing_maps = [affine_map<(d0, d1, d2) -> (d0, d1, d2)>, affine_map<(d0, d1, d2) -> (d0, d1, d2)>], iterator_types = ["parallel", "parallel", "parallel"]} ins(%90 : tensor<2x26x1xf32>) outs(%6 : tensor<2x26x1xf32>) {
    ^bb0(%in: f32, %out: f32):
      %160 = math.rsqrt %in : f32
      linalg.yield %160 : f32
    } -> tensor<2x26x1xf32>
    %collapsed_68 = tensor.collapse_shape %91 [[0], [1, 2]] : tensor<2x26x1xf32> into tensor<2x26xf32>
    %92 = linalg.generic {indexing_maps = [affine_map<(d0, d1, d2) -> (d0, d1)>, affine_map<(d0, d1, d2) -> (d0, d1, d2)>], iterator_types = ["parallel", "parallel", "parallel"]} ins(%collapsed_68 : tensor<2x26xf32>) outs(%4 : tensor<2x26x24xf32>) {
    ^bb0(%in: f32, %out: f32):
      linalg.yield %in : f32
    } -> tensor<2x26x24xf32>
    %93 = linalg.generic {indexing_maps = [affine_map<(d0, d1, d2) -> (d0, d1, d2)>, affine_map<(d0, d1, d2) -> (d0, d1, d2)>, affine_map<(d0, d1, d2) -> (d0, d1, d2)>], iterator_types = ["parallel", "parallel", "parallel"]} ins(%86, %92 : tensor<2x26x24xf32>, tensor<2x26x24xf32>) outs(%4 : tensor<2x26x24xf32>) {
    ^bb0(%in: f32, %in_90: f32, %out: f32):
      %160 = arith.mulf %in, %in_90 : f32
      linalg.yield %160 : f32
    } -> tensor<2x26x24xf32>
    %94 = linalg.generic {indexing_maps = [affine_map<(d0, d1, d2) -> (d0, d1, d2)>, affine_map<(d0, d1, d2) -> (d2)>, affine_map<(d0, d1, d2) -> (d0, d1, d2)>], iterator_types = ["parallel", "parallel", "parallel"]} ins(%93, %cst_24 : tensor<2x26x24xf32>, tensor<24xf32>) outs(%4 : tensor<2x26x24xf32>) {
    ^bb0(%in: f32, %in_90: f32, %out: f32):
      %160 = arith.mulf %in, %in_90 : f32
      linalg.yield %160 : f32
    } -> tensor<2x26x24xf32>
    %95 = linalg.generic {indexing_maps = [affine_map<(d0, d1, d2) -> (d0, d1, d2)>, affine_map<(d0, d1, d2) -> (d2)>, affine_map<(d0, d1, d2) -> (d0, d1, d2)>], iterator_types = ["parallel", "parallel", "parallel"]} ins(%94, %cst_25 : tensor<2x26x24xf32>, tensor<24xf32>) outs(%4 : tensor<2x26x24xf32>) {
    ^bb0(%in: f32, %in_90: f32, %out: f32):
      %160 = arith.addf %in, %in_90 : f32
      linalg.yield %160 : f32
    } -> tensor<2x26x24xf32>
    %96 = linalg.generic {indexing_maps = [affine_map<(d0, d1, d2) -> (d1, d2)>, affine_map<(d0, d1, d2) -> (d0, d1, d2)>], iterator_types = ["parallel", "parallel", "parallel"]} ins(%cst_38 : tensor<24x24xf32>) outs(%21 : tensor<2x24x24xf32>) {
    ^bb0(%in: f32, %out: f32):
      linalg.yield %in : f32
    } -> tensor<2x24x24xf32>
    %97 = linalg.batch_matmul ins(%95, %96 : tensor<2x26x24xf32>, tensor<2x24x24xf32>) outs(%23 : tensor<2x26x24xf32>) -> tensor<2x26x24xf32>
    %98 = linalg.generic {indexing_maps = [affine_map<(d0, d1, d2) -> (d0, d1, d2)>, affine_map<(d0, d1, d2) -> (d2)>, affine_map<(d0, d1, d2) -> (d0, d1, d2)>], iterator_types = ["parallel", "parallel", "parallel"]} ins(%97, %cst_18 : tensor<2x26x24xf32>, tensor<24xf32>) outs(%4 : tensor<2x26x24xf32>) {
    ^bb0(%in: f32, %in_90: f32, %out: f32):
      %160 = arith.addf %in, %in_90 : f32
      linalg.yield %160 : f32
    } -> tensor<2x26x24xf32>
    %expanded_69 = tensor.expand_shape %98 [[0], [1], [2, 3]] output_shape [2, 26, 2, 12] : tensor<2x26x24xf32> into tensor<2x26x2x12xf32>
    %transposed_70 = linalg.transpose ins(%expanded_69 : tensor<2x26x2x12xf32>) outs(%26 : tensor<2x2x26x12xf32>) permutation = [0, 2, 1, 3] 
    %99 = linalg.generic {indexing_maps = [affine_map<(d0, d1, d2) -> (d1, d2)>, affine_map<(d0, d1, d2) -> (d0, d1, d2)>], iterator_types = ["parallel", "parallel", "parallel"]} ins(%cst_39 : tensor<24x24xf32>) outs(%21 : tensor<2x24x24xf32>) {
    ^bb0(%in: f32, %out: f32):
      linalg.yield %in : f32
    } -> tensor<2x24x24xf32>
    %100 = linalg.batch_matmul ins(%95, %99 : tensor<2x26x24xf32>, tensor<2x24x24xf32>) outs(%23 : tensor<2x26x24xf32>) -> tensor<2x26x24xf32>
    %101 = linalg.generic {indexing_maps = [affine_map<(d0, d1, d2) -> (d0, d1, d2)>, affine_map<(d0, d1, d2) -> (d2)>, affine_map<(d0, d1, d2) -> (d0, d1, d2)>], iterator_types = ["parallel", "parallel", "parallel"]} ins(%100, %cst_19 : tensor<2x26x24xf32>, tensor<24xf32>) outs(%4 : tensor<2x26x24xf32>) {
    ^bb0(%in: f32, %in_90: f32, %out: f32):
      %160 = arith.addf %in, %in_90 : f32
      linalg.yield %160 : f32
    } -> tensor<2x26x24xf32>
    %expanded_71 = tensor.expand_shape %101 [[0], [1], [2, 3]] output_shape [2, 26, 2, 12] : tensor<2x26x24xf32> into tensor<2x26x2x12xf32>
    %102 = linalg.generic {indexing_maps = [affine_map<(d0, d1, d2) -> (d1, d2)>, affine_map<(d0, d1, d2) -> (d0, d1, d2)>], iterator_types = ["parallel", "parallel", "parallel"]} ins(%cst_40 : tensor<24x24xf32>) outs(%21 : tensor<2x24x24xf32>) {
    ^bb0(%in: f32, %out: f32):
      linalg.yield %in : f32
    } -> tensor<2x24x24xf32>
    %103 = linalg.batch_matmul ins(%95, %102 : tensor<2x26x24xf32>, tensor<2x24x24xf32>) outs(%23 : tensor<2x26x24xf32>) -> tensor<2x26x24xf32>
    %104 = linalg.generic {indexing_maps = [affine_map<(d0, d1, d2) -> (d0, d1, d2)>, affine_map<(d0, d1, d2) -> (d2)>, affine_map<(d0, d1, d2) -> (d0, d1, d2)>], iterator_types = ["parallel", "parallel", "parallel"]} ins(%103, %cst_20 : tensor<2x26x24xf32>, tensor<24xf32>) outs(%4 : tensor<2x26x24xf32>) {
    ^bb0(%in: f32, %in_90: f32, %out: f32):
      %160 = arith.addf %in, %in_90 : f32
      linalg.yield %160 : f32
    } -> tensor<2x26x24xf32>
    %expanded_72 = tensor.expand_shape %104 [[0], [1], [2, 3]] output_shape [2, 26, 2, 12] : tensor<2x26x24xf32> into tensor<2x26x2x12xf32>
    %transposed_73 = linalg.transpose ins(%expanded_72 : tensor<2x26x2x12xf32>) outs(%26 : tensor<2x2x26x12xf32>) permutation = [0, 2, 1, 3] 
    %transposed_74 = linalg.transpose ins(%expanded_71 : tensor<2x26x2x12xf32>) outs(%33 : tensor<2x2x12x26xf32>) permutation = [0, 2, 3, 1] 
    %collapsed_75 = tensor.collapse_shape %transposed_70 [[0, 1], [2], [3]] : tensor<2x2x26x12xf32> into tensor<4x26x12xf32>
    %collapsed_76 = tensor.collapse_shape %transposed_74 [[0, 1], [2], [3]] : tensor<2x2x12x26xf32> into tensor<4x12x26xf32>
    %105 = linalg.batch_matmul ins(%collapsed_75, %collapsed_76 : tensor<4x26x12xf32>, tensor<4x12x26xf32>) outs(%35 : tensor<4x26x26xf32>) -> tensor<4x26x26xf32>
    %expanded_77 = tensor.expand_shape %105 [[0, 1], [2], [3]] output_shape [2, 2, 26, 26] : tensor<4x26x26xf32> into tensor<2x2x26x26xf32>
    %106 = linalg.generic {indexing_maps = [affine_map<(d0, d1, d2, d3) -> (d0, d1, d2, d3)>, affine_map<(d0, d1, d2, d3) -> ()>, affine_map<(d0, d1, d2, d3) -> (d0, d1, d2, d3)>], iterator_types = ["parallel", "parallel", "parallel", "parallel"]} ins(%expanded_77, %cst_44 : tensor<2x2x26x26xf32>, tensor<f32>) outs(%37 : tensor<2x2x26x26xf32>) {
    ^bb0(%in: f32, %in_90: f32, %out: f32):
      %160 = arith.divf %in, %in_90 : f32
      linalg.yield %160 : f32
    } -> tensor<2x2x26x26xf32>
    %107:2 = linalg.generic {indexing_maps = [affine_map<(d0, d1, d2, d3) -> (d0, d1, d2, d3)>, affine_map<(d0, d1, d2, d3) -> (d0, d1, d2)>, affine_map<(d0, d1, d2, d3) -> (d0, d1, d2)>], iterator_types = ["parallel", "parallel", "parallel", "reduction"]} ins(%106 : tensor<2x2x26x26xf32>) outs(%42, %40 : tensor<2x2x26xf32>, tensor<2x2x26xi64>) {
    ^bb0(%in: f32, %out: f32, %out_90: i64):
      %160 = linalg.index 3 : index
      %161 = arith.index_cast %160 : index to i64
      %162 = arith.maximumf %in, %out : f32
      %163 = arith.cmpf ogt, %in, %out : f32
      %164 = arith.select %163, %161, %out_90 : i64
      linalg.yield %162, %164 : f32, i64
    } -> (tensor<2x2x26xf32>, tensor<2x2x26xi64>)
    %expanded_78 = tensor.expand_shape %107#0 [[0], [1], [2, 3]] output_shape [2, 2, 26, 1] : tensor<2x2x26xf32> into tensor<2x2x26x1xf32>
    %108 = linalg.generic {indexing_maps = [affine_map<(d0, d1, d2, d3) -> (d0, d1, d2, d3)>, affine_map<(d0, d1, d2, d3) -> (d0, d1, d2, 0)>, affine_map<(d0, d1, d2, d3) -> (d0, d1, d2, d3)>], iterator_types = ["parallel", "parallel", "parallel", "parallel"]} ins(%106, %expanded_78 : tensor<2x2x26x26xf32>, tensor<2x2x26x1xf32>) outs(%37 : tensor<2x2x26x26xf32>) {
    ^bb0(%in: f32, %in_90: f32, %out: f32):
      %160 = arith.subf %in, %in_90 : f32
      linalg.yield %160 : f32
    } -> tensor<2x2x26x26xf32>
    %109 = linalg.generic {indexing_maps = [affine_map<(d0, d1, d2, d3) -> (d0, d1, d2, d3)>, affine_map<(d0, d1, d2, d3) -> (d0, d1, d2, d3)>], iterator_types = ["parallel", "parallel", "parallel", "parallel"]} ins(%108 : tensor<2x2x26x26xf32>) outs(%37 : tensor<2x2x26x26xf32>) {
    ^bb0(%in: f32, %out: f32):
      %160 = math.exp %in : f32
      linalg.yield %160 : f32
    } -> tensor<2x2x26x26xf32>
    %110 = linalg.generic {indexing_maps = [affine_map<(d0, d1, d2, d3) -> (d0, d1, d2, d3)>, affine_map<(d0, d1, d2, d3) -> (d0, d1, d2, 0)>], iterator_types = ["parallel", "parallel", "parallel", "reduction"]} ins(%109 : tensor<2x2x26x26xf32>) outs(%47 : tensor<2x2x26x1xf32>) {
    ^bb0(%in: f32, %out: f32):
      %160 = arith.addf %in, %out : f32
      linalg.yield %160 : f32
    } -> tensor<2x2x26x1xf32>
    %111 = linalg.generic {indexing_maps = [affine_map<(d0, d1, d2, d3) -> (d0, d1, d2, d3)>, affine_map<(d0, d1, d2, d3) -> (d0, d1, d2, 0)>, affine_map<(d0, d1, d2, d3) -> (d0, d1, d2, d3)>], iterator_types = ["parallel", "parallel", "parallel", "parallel"]} ins(%109, %110 : tensor<2x2x26x26xf32>, tensor<2x2x26x1xf32>) outs(%37 : tensor<2x2x26x26xf32>) {
    ^bb0(%in: f32, %in_90: f32, %out: f32):
      %160 = arith.divf %in, %in_90 : f32
      linalg.yield %160 : f32
    } -> tensor<2x2x26x26xf32>
    %collapsed_79 = tensor.collapse_shape %111 [[0, 1], [2], [3]] : tensor<2x2x26x26xf32> into tensor<4x26x26xf32>
    %collapsed_80 = tensor.collapse_shape %transposed_73 [[0, 1], [2], [3]] : tensor<2x2x26x12xf32> into tensor<4x26x12xf32>
    %112 = linalg.batch_matmul ins(%collapsed_79, %collapsed_80 : tensor<4x26x26xf32>, tensor<4x26x12xf32>) outs(%51 : tensor<4x26x12xf32>) -> tensor<4x26x12xf32>
    %expanded_81 = tensor.expand_shape %112 [[0, 1], [2], [3]] output_shape [2, 2, 26, 12] : tensor<4x26x12xf32> into tensor<2x2x26x12xf32>
    %transposed_82 = linalg.transpose ins(%expanded_81 : tensor<2x2x26x12xf32>) outs(%53 : tensor<2x26x2x12xf32>) permutation = [0, 2, 1, 3] 
    %collapsed_83 = tensor.collapse_shape %transposed_82 [[0], [1], [2, 3]] : tensor<2x26x2x12xf32> into tensor<2x26x24xf32>
    %113 = linalg.generic {indexing_maps = [affine_map<(d0, d1, d2) -> (d1, d2)>, affine_map<(d0, d1, d2) -> (d0, d1, d2)>], iterator_types = ["parallel", "parallel", "parallel"]} ins(%cst_41 : tensor<24x24xf32>) outs(%21 : tensor<2x24x24xf32>) {
    ^bb0(%in: f32, %out: f32):
      linalg.yield %in : f32
    } -> tensor<2x24x24xf32>
    %114 = linalg.batch_matmul ins(%collapsed_83, %113 : tensor<2x26x24xf32>, tensor<2x24x24xf32>) outs(%23 : tensor<2x26x24xf32>) -> tensor<2x26x24xf32>
    %115 = linalg.generic {indexing_maps = [affine_map<(d0, d1, d2) -> (d0, d1, d2)>, affine_map<(d0, d1, d2) -> (d2)>, affine_map<(d0, d1, d2) -> (d0, d1, d2)>], iterator_types = ["parallel", "parallel", "parallel"]} ins(%114, %cst_21 : tensor<2x26x24xf32>, tensor<24xf32>) outs(%4 : tensor<2x26x24xf32>) {
    ^bb0(%in: f32, %in_90: f32, %out: f32):
      %160 = arith.addf %in, %in_90 : f32
      linalg.yield %160 : f32
    } -> tensor<2x26x24xf32>
    %116 = linalg.generic {indexing_maps = [affine_map<(d0, d1, d2) -> (d0, d1, d2)>, affine_map<(d0, d1, d2) -> (d0, d1, d2)>, affine_map<(d0, d1, d2) -> (d0, d1, d2)>], iterator_types = ["parallel", "parallel", "parallel"]} ins(%82, %115 : tensor<2x26x24xf32>, tensor<2x26x24xf32>) outs(%4 : tensor<2x26x24xf32>) {
    ^bb0(%in: f32, %in_90: f32, %out: f32):
      %160 = arith.addf %in, %in_90 : f32
      linalg.yield %160 : f32
    } -> tensor<2x26x24xf32>
    %117 = linalg.generic {indexing_maps = [affine_map<(d0, d1, d2) -> (d0, d1, d2)>, affine_map<(d0, d1, d2) -> (d0, d1, 0)>], iterator_types = ["parallel", "parallel", "reduction"]} ins(%116 : tensor<2x26x24xf32>) outs(%7 : tensor<2x26x1xf32>) {
    ^bb0(%in: f32, %out: f32):
      %160 = arith.addf %in, %out : f32
      linalg.yield %160 : f32
    } -> tensor<2x26x1xf32>
    %118 = linalg.generic {indexing_maps = [affine_map<(d0, d1, d2) -> (d0, d1, d2)>, affine_map<(d0, d1, d2) -> (d0, d1, d2)>], iterator_types = ["parallel", "parallel", "parallel"]} ins(%117 : tensor<2x26x1xf32>) outs(%6 : tensor<2x26x1xf32>) {
    ^bb0(%in: f32, %out: f32):
      %160 = arith.divf %in, %cst_46 : f32
      linalg.yield %160 : f32
    } -> tensor<2x26x1xf32>
    %collapsed_84 = tensor.collapse_shape %118 [[0], [1, 2]] : tensor<2x26x1xf32> into tensor<2x26xf32>
    %119 = linalg.generic {indexing_maps = [affine_map<(d0, d1, d2) -> (d0, d1)>, affine_map<(d0, d1, d2) -> (d0, d1, d2)>], iterator_types = ["parallel", "parallel", "parallel"]} ins(%collapsed_84 : tensor<2x26xf32>) outs(%4 : tensor<2x26x24xf32>) {
    ^bb0(%in: f32, %out: f32):
      linalg.yield %in : f32
    } -> tensor<2x26x24xf32>
    %120 = linalg.generic {indexing_maps = [affine_map<(d0, d1, d2) -> (d0, d1, d2)>, affine_map<(d0, d1, d2) -> (d0, d1, d2)>, affine_map<(d0, d1, d2) -> (d0, d1, d2)>], iterator_types = ["parallel", "parallel", "parallel"]} ins(%116, %119 : tensor<2x26x24xf32>, tensor<2x26x24xf32>) outs(%4 : tensor<2x26x24xf32>) {
    ^bb0(%in: f32, %in_90: f32, %out: f32):
      %160 = arith.subf %in, %in_90 : f32
      linalg.yield %160 : f32
    } -> tensor<2x26x24xf32>
    %121 = linalg.generic {indexing_maps = [affine_map<(d0, d1, d2) -> (d0, d1, d2)>, affine_map<(d0, d1, d2) -> (d0, d1, d2)>, affine_map<(d0, d1, d2) -> (d0, d1, d2)>], iterator_types = ["parallel", "parallel", "parallel"]} ins(%120, %120 : tensor<2x26x24xf32>, tensor<2x26x24xf32>) outs(%4 : tensor<2x26x24xf32>) {
    ^bb0(%in: f32, %in_90: f32, %out: f32):
      %160 = arith.mulf %in, %in_90 : f32
      linalg.yield %160 : f32
    } -> tensor<2x26x24xf32>
    %122 = linalg.generic {indexing_maps = [affine_map<(d0, d1, d2) -> (d0, d1, d2)>, affine_map<(d0, d1, d2) -> (d0, d1, 0)>], iterator_types = ["parallel", "parallel", "reduction"]} ins(%121 : tensor<2x26x24xf32>) outs(%7 : tensor<2x26x1xf32>) {
    ^bb0(%in: f32, %out: f32):
      %160 = arith.addf %in, %out : f32
      linalg.yield %160 : f32
    } -> tensor<2x26x1xf32>
    %123 = linalg.generic {indexing_maps = [affine_map<(d0, d1, d2) -> (d0, d1, d2)>, affine_map<(d0, d1, d2) -> (d0, d1, d2)>], iterator_types = ["parallel", "parallel", "parallel"]} ins(%122 : tensor<2x26x1xf32>) outs(%6 : tensor<2x26x1xf32>) {
    ^bb0(%in: f32, %out: f32):
      %160 = arith.divf %in, %cst_46 : f32
      linalg.yield %160 : f32
    } -> tensor<2x26x1xf32>
    %124 = linalg.generic {indexing_maps = [affine_map<(d0, d1, d2) -> (d0, d1, d2)>, affine_map<(d0, d1, d2) -> (d0, d1, d2)>], iterator_types = ["parallel", "parallel", "parallel"]} ins(%123 : tensor<2x26x1xf32>) outs(%6 : tensor<2x26x1xf32>) {
    ^bb0(%in: f32, %out: f32):
      %160 = arith.addf %in, %cst_47 : f32
      linalg.yield %160 : f32
    } -> tensor<2x26x1xf32>
    %125 = linalg.generic {indexing_maps = [affine_map<(d0, d1, d2) -> (d0, d1, d2)>, affine_map<(d0, d1, d2) -> (d0, d1, d2)>], iterator_types = ["parallel", "parallel", "parallel"]} ins(%124 : tensor<2x26x1xf32>) outs(%6 : tensor<2x26x1xf32>) {
    ^bb0(%in: f32, %out: f32):
      %160 = math.rsqrt %in : f32
      linalg.yield %160 : f32
    } -> tensor<2x26x1xf32>
    %collapsed_85 = tensor.collapse_shape %125 [[0], [1, 2]] : tensor<2x26x1xf32> into tensor<2x26xf32>
    %126 = linalg.generic {indexing_maps = [affine_map<(d0, d1, d2) -> (d0, d1)>, affine_map<(d0, d1, d2) -> (d0, d1, d2)>], iterator_types = ["parallel", "parallel", "parallel"]} ins(%collapsed_85 : tensor<2x26xf32>) outs(%4 : tensor<2x26x24xf32>) {
    ^bb0(%in: f32, %out: f32):
      linalg.yield %in : f32
    } -> tensor<2x26x24xf32>
    %127 = linalg.generic {indexing_maps = [affine_map<(d0, d1, d2) -> (d0, d1, d2)>, affine_map<(d0, d1, d2) -> (d0, d1, d2)>, affine_map<(d0, d1, d2) -> (d0, d1, d2)>], iterator_types = ["parallel", "parallel", "parallel"]} ins(%120, %126 : tensor<2x26x24xf32>, tensor<2x26x24xf32>) outs(%4 : tensor<2x26x24xf32>) {
    ^bb0(%in: f32, %in_90: f32, %out: f32):
      %160 = arith.mulf %in, %in_90 : f32
      linalg.yield %160 : f32
    } -> tensor<2x26x24xf32>
    %128 = linalg.generic {indexing_maps = [affine_map<(d0, d1, d2) -> (d0, d1, d2)>, affine_map<(d0, d1, d2) -> (d2)>, affine_map<(d0, d1, d2) -> (d0, d1, d2)>], iterator_types = ["parallel", "parallel", "parallel"]} ins(%127, %cst_26 : tensor<2x26x24xf32>, tensor<24xf32>) outs(%4 : tensor<2x26x24xf32>) {
    ^bb0(%in: f32, %in_90: f32, %out: f32):
      %160 = arith.mulf %in, %in_90 : f32
      linalg.yield %160 : f32
    } -> tensor<2x26x24xf32>
    %129 = linalg.generic {indexing_maps = [affine_map<(d0, d1, d2) -> (d0, d1, d2)>, affine_map<(d0, d1, d2) -> (d2)>, affine_map<(d0, d1, d2) -> (d0, d1, d2)>], iterator_types = ["parallel", "parallel", "parallel"]} ins(%128, %cst_27 : tensor<2x26x24xf32>, tensor<24xf32>) outs(%4 : tensor<2x26x24xf32>) {
    ^bb0(%in: f32, %in_90: f32, %out: f32):
      %160 = arith.addf %in, %in_90 : f32
      linalg.yield %160 : f32
    } -> tensor<2x26x24xf32>
    %130 = linalg.generic {indexing_maps = [affine_map<(d0, d1, d2) -> (d1, d2)>, affine_map<(d0, d1, d2) -> (d0, d1, d2)>], iterator_types = ["parallel", "parallel", "parallel"]} ins(%cst_42 : tensor<24x72xf32>) outs(%71 : tensor<2x24x72xf32>) {
    ^bb0(%in: f32, %out: f32):
      linalg.yield %in : f32
    } -> tensor<2x24x72xf32>
    %131 = linalg.batch_matmul ins(%129, %130 : tensor<2x26x24xf32>, tensor<2x24x72xf32>) outs(%74 : tensor<2x26x72xf32>) -> tensor<2x26x72xf32>
    %132 = linalg.generic {indexing_maps = [affine_map<(d0, d1, d2) -> (d0, d1, d2)>, affine_map<(d0, d1, d2) -> (d2)>, affine_map<(d0, d1, d2) -> (d0, d1, d2)>], iterator_types = ["parallel", "parallel", "parallel"]} ins(%131, %cst_22 : tensor<2x26x72xf32>, tensor<72xf32>) outs(%73 : tensor<2x26x72xf32>) {
    ^bb0(%in: f32, %in_90: f32, %out: f32):
      %160 = arith.addf %in, %in_90 : f32
      linalg.yield %160 : f32
    } -> tensor<2x26x72xf32>
    %133 = linalg.generic {indexing_maps = [affine_map<(d0, d1, d2) -> (d0, d1, d2)>, affine_map<(d0, d1, d2) -> (d0, d1, d2)>], iterator_types = ["parallel", "parallel", "parallel"]} ins(%132 : tensor<2x26x72xf32>) outs(%73 : tensor<2x26x72xf32>) {
    ^bb0(%in: f32, %out: f32):
      %160 = arith.divf %in, %cst_1 : f32
      %161 = math.erf %160 : f32
      %162 = arith.addf %161, %cst_2 : f32
      %163 = arith.mulf %162, %cst_3 : f32
      %164 = arith.mulf %in, %163 : f32
      linalg.yield %164 : f32
    } -> tensor<2x26x72xf32>
    %134 = linalg.generic {indexing_maps = [affine_map<(d0, d1, d2) -> (d1, d2)>, affine_map<(d0, d1, d2) -> (d0, d1, d2)>], iterator_types = ["parallel", "parallel", "parallel"]} ins(%cst_43 : tensor<72x24xf32>) outs(%78 : tensor<2x72x24xf32>) {
    ^bb0(%in: f32, %out: f32):
      linalg.yield %in : f32
    } -> tensor<2x72x24xf32>
    %135 = linalg.batch_matmul ins(%133, %134 : tensor<2x26x72xf32>, tensor<2x72x24xf32>) outs(%23 : tensor<2x26x24xf32>) -> tensor<2x26x24xf32>
    %136 = linalg.generic {indexing_maps = [affine_map<(d0, d1, d2) -> (d0, d1, d2)>, affine_map<(d0, d1, d2) -> (d2)>, affine_map<(d0, d1, d2) -> (d0, d1, d2)>], iterator_types = ["parallel", "parallel", "parallel"]} ins(%135, %cst_23 : tensor<2x26x24xf32>, tensor<24xf32>) outs(%4 : tensor<2x26x24xf32>) {
    ^bb0(%in: f32, %in_90: f32, %out: f32):
      %160 = arith.addf %in, %in_90 : f32
      linalg.yield %160 : f32
    } -> tensor<2x26x24xf32>
    %137 = linalg.generic {indexing_maps = [affine_map<(d0, d1, d2) -> (d0, d1, d2)>, affine_map<(d0, d1, d2) -> (d0, d1, d2)>, affine_map<(d0, d1, d2) -> (d0, d1, d2)>], iterator_types = ["parallel", "parallel", "parallel"]} ins(%116, %136 : tensor<2x26x24xf32>, tensor<2x26x24xf32>) outs(%4 : tensor<2x26x24xf32>) {
    ^bb0(%in: f32, %in_90: f32, %out: f32):
      %160 = arith.addf %in, %in_90 : f32
      linalg.yield %160 : f32
    } -> tensor<2x26x24xf32>
    %138 = linalg.generic {indexing_maps = [affine_map<(d0, d1, d2) -> (d0, d1, d2)>, affine_map<(d0, d1, d2) -> (d0, d1, 0)>], iterator_types = ["parallel", "parallel", "reduction"]} ins(%137 : tensor<2x26x24xf32>) outs(%7 : tensor<2x26x1xf32>) {
    ^bb0(%in: f32, %out: f32):
      %160 = arith.addf %in, %out : f32
      linalg.yield %160 : f32
    } -> tensor<2x26x1xf32>
    %139 = linalg.generic {indexing_maps = [affine_map<(d0, d1, d2) -> (d0, d1, d2)>, affine_map<(d0, d1, d2) -> (d0, d1, d2)>], iterator_types = ["parallel", "parallel", "parallel"]} ins(%138 : tensor<2x26x1xf32>) outs(%6 : tensor<2x26x1xf32>) {
    ^bb0(%in: f32, %out: f32):
      %160 = arith.divf %in, %cst_46 : f32
      linalg.yield %160 : f32
    } -> tensor<2x26x1xf32>
    %collapsed_86 = tensor.collapse_shape %139 [[0], [1, 2]] : tensor<2x26x1xf32> into tensor<2x26xf32>
    %140 = linalg.generic {indexing_maps = [affine_map<(d0, d1, d2) -> (d0, d1)>, affine_map<(d0, d1, d2) -> (d0, d1, d2)>], iterator_types = ["parallel", "parallel", "parallel"]} ins(%collapsed_86 : tensor<2x26xf32>) outs(%4 : tensor<2x26x24xf32>) {
    ^bb0(%in: f32, %out: f32):
      linalg.yield %in : f32
    } -> tensor<2x26x24xf32>
    %141 = linalg.generic {indexing_maps = [affine_map<(d0, d1, d2) -> (d0, d1, d2)>, affine_map<(d0, d1, d2) -> (d0, d1, d2)>, affine_map<(d0, d1, d2) -> (d0, d1, d2)>], iterator_types = ["parallel", "parallel", "parallel"]} ins(%137, %140 : tensor<2x26x24xf32>, tensor<2x26x24xf32>) outs(%4 : tensor<2x26x24xf32>) {
    ^bb0(%in: f32, %in_90: f32, %out: f32):
      %160 = arith.subf %in, %in_90 : f32
      linalg.yield %160 : f32
    } -> tensor<2x26x24xf32>
    %142 = linalg.generic {indexing_maps = [affine_map<(d0, d1, d2) -> (d0, d1, d2)>, affine_map<(d0, d1, d2) -> (d0, d1, d2)>, affine_map<(d0, d1, d2) -> (d0, d1, d2)>], iterator_types = ["parallel", "parallel", "parallel"]} ins(%141, %141 : tensor<2x26x24xf32>, tensor<2x26x24xf32>) outs(%4 : tensor<2x26x24xf32>) {
    ^bb0(%in: f32, %in_90: f32, %out: f32):
      %160 = arith.mulf %in, %in_90 : f32
      linalg.yield %160 : f32
    } -> tensor<2x26x24xf32>
    %143 = linalg.generic {indexing_maps = [affine_map<(d0, d1, d2) -> (d0, d1, d2)>, affine_map<(d0, d1, d2) -> (d0, d1, 0)>], iterator_types = ["parallel", "parallel", "reduction"]} ins(%142 : tensor<2x26x24xf32>) outs(%7 : tensor<2x26x1xf32>) {
    ^bb0(%in: f32, %out: f32):
      %160 = arith.addf %in, %out : f32
      linalg.yield %160 : f32
    } -> tensor<2x26x1xf32>
    %144 = linalg.generic {indexing_maps = [affine_map<(d0, d1, d2) -> (d0, d1, d2)>, affine_map<(d0, d1, d2) -> (d0, d1, d2)>], iterator_types = ["parallel", "parallel", "parallel"]} ins(%143 : tensor<2x26x1xf32>) outs(%6 : tensor<2x26x1xf32>) {
    ^bb0(%in: f32, %out: f32):
      %160 = arith.divf %in, %cst_46 : f32
      linalg.yield %160 : f32
    } -> tensor<2x26x1xf32>
    %145 = linalg.generic {indexing_maps = [affine_map<(d0, d1, d2) -> (d0, d1, d2)>, affine_map<(d0, d1, d2) -> (d0, d1, d2)>], iterator_types = ["parallel", "parallel", "parallel"]} ins(%144 : tensor<2x26x1xf32>) outs(%6 : tensor<2x26x1xf32>) {
    ^bb0(%in: f32, %out: f32):
      %160 = arith.addf %in, %cst_48 : f32
      linalg.yield %160 : f32
    } -> tensor<2x26x1xf32>
    %146 = linalg.generic {indexing_maps = [affine_map<(d0, d1, d2) -> (d0, d1, d2)>, affine_map<(d0, d1, d2) -> (d0, d1, d2)>], iterator_types = ["parallel", "parallel", "parallel"]} ins(%145 : tensor<2x26x1xf32>) outs(%6 : tensor<2x26x1xf32>) {
    ^bb0(%in: f32, %out: f32):
      %160 = math.rsqrt %in : f32
      linalg.yield %160 : f32
    } -> tensor<2x26x1xf32>
    %collapsed_87 = tensor.collapse_shape %146 [[0], [1, 2]] : tensor<2x26x1xf32> into tensor<2x26xf32>
    %147 = linalg.generic {indexing_maps = [affine_map<(d0, d1, d2) -> (d0, d1)>, affine_map<(d0, d1, d2) -> (d0, d1, d2)>], iterator_types = ["parallel", "parallel", "parallel"]} ins(%collapsed_87 : tensor<2x26xf32>) outs(%4 : tensor<2x26x24xf32>) {
    ^bb0(%in: f32, %out: f32):
      linalg.yield %in : f32
    } -> tensor<2x26x24xf32>
    %148 = linalg.generic {indexing_maps = [affine_map<(d0, d1, d2) -> (d0, d1, d2)>, affine_map<(d0, d1, d2) -> (d0, d1, d2)>, affine_map<(d0, d1, d2) -> (d0, d1, d2)>], iterator_types = ["parallel", "parallel", "parallel"]} ins(%141, %147 : tensor<2x26x24xf32>, tensor<2x26x24xf32>) outs(%4 : tensor<2x26x24xf32>) {
    ^bb0(%in: f32, %in_90: f32, %out: f32):
      %160 = arith.mulf %in, %in_90 : f32
      linalg.yield %160 : f32
    } -> tensor<2x26x24xf32>
    %149 = linalg.generic {indexing_maps = [affine_map<(d0, d1, d2) -> (d0, d1, d2)>, affine_map<(d0, d1, d2) -> (d2)>, affine_map<(d0, d1, d2) -> (d0, d1, d2)>], iterator_types = ["parallel", "parallel", "parallel"]} ins(%148, %cst_28 : tensor<2x26x24xf32>, tensor<24xf32>) outs(%4 : tensor<2x26x24xf32>) {
    ^bb0(%in: f32, %in_90: f32, %out: f32):
      %160 = arith.mulf %in, %in_90 : f32
      linalg.yield %160 : f32
    } -> tensor<2x26x24xf32>
    %150 = linalg.generic {indexing_maps = [affine_map<(d0, d1, d2) -> (d0, d1, d2)>, affine_map<(d0, d1, d2) -> (d2)>, affine_map<(d0, d1, d2) -> (d0, d1, d2)>], iterator_types = ["parallel", "parallel", "parallel"]} ins(%149, %cst_29 : tensor<2x26x24xf32>, tensor<24xf32>) outs(%4 : tensor<2x26x24xf32>) {
    ^bb0(%in: f32, %in_90: f32, %out: f32):
      %160 = arith.addf %in, %in_90 : f32
      linalg.yield %160 : f32
    } -> tensor<2x26x24xf32>
    %151 = tensor.empty() : tensor<2x1x24xf32>
    %152 = linalg.generic {indexing_maps = [affine_map<(d0, d1, d2) -> (d1)>, affine_map<(d0, d1, d2) -> (d0, d1, d2)>], iterator_types = ["parallel", "parallel", "parallel"]} ins(%cst_4 : tensor<1xi64>) outs(%151 : tensor<2x1x24xf32>) {
    ^bb0(%in: i64, %out: f32):
      %160 = arith.index_cast %in : i64 to index
      %161 = linalg.index 0 : index
      %162 = linalg.index 2 : index
      %extracted = tensor.extract %150[%161, %160, %162] : tensor<2x26x24xf32>
      linalg.yield %extracted : f32
    } -> tensor<2x1x24xf32>
    %collapsed_88 = tensor.collapse_shape %152 [[0, 1], [2]] : tensor<2x1x24xf32> into tensor<2x24xf32>
    %153 = tensor.empty() : tensor<24x7xf32>
    %transposed_89 = linalg.transpose ins(%cst_30 : tensor<7x24xf32>) outs(%153 : tensor<24x7xf32>) permutation = [1, 0] 
    %154 = tensor.empty() : tensor<2x7xf32>
    %155 = linalg.fill ins(%cst : f32) outs(%154 : tensor<2x7xf32>) -> tensor<2x7xf32>
    %156 = linalg.matmul ins(%collapsed_88, %transposed_89 : tensor<2x24xf32>, tensor<24x7xf32>) outs(%155 : tensor<2x7xf32>) -> tensor<2x7xf32>
    %157 = linalg.generic {indexing_maps = [affine_map<(d0, d1) -> (d0, d1)>, affine_map<(d0, d1) -> (d1)>, affine_map<(d0, d1) -> (d0, d1)>], iterator_types = ["parallel", "parallel"]} ins(%156, %cst_31 : tensor<2x7xf32>, tensor<7xf32>) outs(%154 : tensor<2x7xf32>) {
    ^bb0(%in: f32, %in_90: f32, %out: f32):
      %160 = arith.addf %in, %in_90 : f32
      linalg.yield %160 : f32
    } -> tensor<2x7xf32>
    return %157 : tensor<2x7xf32>
  }
}
