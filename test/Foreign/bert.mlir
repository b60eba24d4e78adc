module {
  ml_program.global private @w0(#ml_program.extern<tensor<61x24xf32>>) : tensor<61x24xf32>
  ml_program.global private @w1(#ml_program.extern<tensor<72xf32>>) : tensor<72xf32>
  ml_program.global private @w2(#ml_program.extern<tensor<72xf32>>) : tensor<72xf32>
  ml_program.global private @w3(#ml_program.extern<tensor<24x24xf32>>) : tensor<24x24xf32>
  ml_program.global private @w4(#ml_program.extern<tensor<9x24xf32>>) : tensor<9x24xf32>
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
  func.func @main(%arg0: tensor<2x9xi64>, %arg1: tensor<2x9xi64>, %arg2: tensor<2x9xi64>) -> (tensor<2x9x24xf32>, tensor<2x24xf32>) {
    %c61_i64 = arith.constant 61 : i64
    %c2_i64 = arith.constant 2 : i64
    %c0_i64 = arith.constant 0 : i64
    %cst = arith.constant 0.000000e+00 : f32
    %cst_0 = arith.constant 0xFF800000 : f32
    %cst_1 = arith.constant 1.41421354 : f32
    %cst_2 = arith.constant 1.000000e+00 : f32
    %cst_3 = arith.constant 5.000000e-01 : f32
    %cst_4 = arith.constant dense<0> : tensor<1xi64>
    %cst_5 = ml_program.global_load_const @w0 : tensor<61x24xf32>
    %cst_6 = arith.constant dense<[[0.19532381, -0.469945043, 0.226754412, 0.278575361, 0.00851538684, 0.135988116, -0.0985550209, 0.20947738, -0.10099484, 0.118981376, -0.00804469175, -0.0825397744, -0.319194406, 0.0286415964, 0.14541544, 0.10488601, -1.348450e-02, -0.227587178, 0.316011697, -0.0188300442, 0.243386492, -0.112360433, -0.0661144927, 0.158997864], [-0.0452202223, 0.0215747915, 4.738930e-01, -0.390763909, 0.119575992, -0.0538927875, 0.0830609276, -0.00989747606, 0.0484943949, -0.37693283, 0.10505455, 0.0790845453, -0.00343082659, 0.161016569, -0.142676964, 0.285389125, -0.024805529, -0.248526692, -0.175242364, 0.0689696297, 0.189058766, 0.134642974, -0.177010864, -0.0601082817]]> : tensor<2x24xf32>
    %cst_7 = arith.constant dense<[0.57102555, 0.896331906, 0.950863242, 0.709682226, 0.616942406, 1.31032157, 0.843862473, 0.713998556, 0.931670486, 0.581553936, 1.46715283, 1.10932958, 0.878418982, 1.17022681, 1.33727574, 0.944382906, 1.2173059, 0.53531754, 1.41244423, 1.35596871, 0.821759402, 1.20328045, 1.15731812, 0.887032449]> : tensor<24xf32>
    %cst_8 = arith.constant dense<[0.499287605, 0.147301495, -0.363414288, 0.0901361704, -0.142297447, -0.47511369, 0.370254755, 0.101533771, -0.397405267, 0.244971752, -0.233340859, 0.390860736, -0.0512132049, -0.0595448613, -0.379648626, -0.251365781, 0.359613419, 0.249219835, -0.221234679, 0.0507391095, -0.106438339, -0.401225984, 0.173642814, -0.214572906]> : tensor<24xf32>
    %cst_9 = arith.constant dense<[-0.123133913, -0.00519999489, -0.186310738, 5.418320e-02, 0.0969391688, 0.197962984, -0.166294456, -0.0247515198, 0.11077714, 0.18707177, -0.145228624, 0.0867450684, 0.0842755288, 0.123060495, -0.140726492, 0.145666361, -0.0889090672, -0.125648364, 0.0405303091, 0.172921777, -0.135175407, 0.108983517, -0.0233774558, 0.0651640519]> : tensor<24xf32>
    %cst_10 = arith.constant dense<[-0.144166008, 0.186748967, -0.0608599447, 0.153751463, 0.128666908, -0.0082197329, -0.168608248, 0.0164329205, -0.0986777767, 0.0531161763, -0.0811369493, 0.157329232, -0.184168175, -0.0549511388, 0.032190077, 0.01947283, 0.167695403, -0.0644959509, -0.16294305, 0.135147184, 0.0570384189, 0.134465367, -0.120812006, -0.119891398]> : tensor<24xf32>
    %cst_11 = arith.constant dense<[0.0380381942, 0.0217226576, -0.0149401575, -0.17290844, 0.032887958, -0.0452225097, -0.171572134, 0.190179169, -0.0217613466, -0.101875655, -0.198718369, -0.188007832, 0.0777311623, -0.0931835845, -0.0881761461, -0.118110597, 0.164770439, -0.0490691252, 0.132309631, 0.162050277, -0.158257797, 0.152285799, -0.0389790945, 0.195503771]> : tensor<24xf32>
    %cst_12 = arith.constant dense<[-0.163797438, 0.0401753075, 0.131586879, -0.0473200083, 0.0192916188, 0.0260409527, 0.017553065, 0.0530618392, -0.195440546, 0.154872119, 0.0890277177, 0.0252074078, 0.0371424519, -0.16461958, -0.0582817122, -0.00887873303, 0.0485222079, -0.111974128, 0.0216584653, -0.0633494555, 0.148577794, -0.175212264, 0.0213376768, 0.138293013]> : tensor<24xf32>
    %cst_13 = ml_program.global_load_const @w1 : tensor<72xf32>
    %cst_14 = arith.constant dense<[-0.0302085988, 0.0915357172, -0.0363777168, -0.110613979, -0.0931208506, -0.03962804, 0.111466631, 0.0495253131, 0.101615615, 0.0597272702, -0.00167563232, -0.0778715685, -0.107108094, -0.0394625291, -0.0520438403, 0.106067196, -0.0284657292, -0.0142436819, 0.0213763751, 0.0967442989, -0.0121265473, 0.0618019328, -0.0813064426, -0.112280458]> : tensor<24xf32>
    %cst_15 = arith.constant dense<[1.32680869, 0.956710815, 1.15026188, 0.906349182, 1.0434705, 1.39233255, 0.564530969, 1.48536491, 1.14335537, 0.633003294, 0.54544425, 1.03114128, 0.751306176, 1.48899055, 0.753320872, 1.43097937, 1.30566955, 0.661603212, 0.847530127, 1.33241391, 0.717572391, 0.685631334, 0.717536688, 0.918148338]> : tensor<24xf32>
    %cst_16 = arith.constant dense<[0.262865961, -0.0486489534, 0.103965878, 1.596660e-01, -0.0365059972, 0.27654177, 0.369889319, -0.272144079, 0.236416757, -0.0952801108, -0.0211562514, -0.407691956, 0.425934017, 0.301944256, 0.236042142, -0.257556558, 0.0738334655, 0.357929349, 0.0941132307, -0.492424607, 0.319185376, 0.413878202, 0.108053148, 0.310050488]> : tensor<24xf32>
    %cst_17 = arith.constant dense<[1.34221244, 0.616096436, 0.89135921, 1.33163238, 0.886100649, 0.512345374, 0.506000757, 1.28998947, 1.04237342, 1.25278878, 0.572078168, 1.00028586, 0.598455727, 1.23646307, 0.683365046, 0.720999181, 0.67512548, 0.683544695, 0.946976661, 1.12461042, 1.34727597, 1.49213147, 0.858872652, 1.11152506]> : tensor<24xf32>
    %cst_18 = arith.constant dense<[-0.212779939, -0.477766156, -0.127690077, 0.38625139, 0.177042425, -0.00342398882, -0.414403915, -0.250269592, 0.132208645, 0.470430613, -0.0252913833, -0.290711939, 0.225799739, 0.0514932871, 0.231538057, -0.0598080754, 0.289372742, 0.262829781, -0.335220695, 0.110527635, 0.0928993225, 0.427060902, -0.413047314, 0.365240574]> : tensor<24xf32>
    %cst_19 = arith.constant dense<[0.165796176, -0.18140249, -0.0406089053, -0.0722809434, -0.198279098, 0.173110679, -0.192944348, -8.212750e-02, 0.103627332, 0.18473506, -0.0539116114, 0.169077888, -0.00416881451, -0.188643351, -0.190268338, -0.0948461219, -0.00124614267, 0.1655581, -0.0871915146, -0.0316361971, 0.139544368, -0.0503236651, 0.0884362161, -0.0173091944]> : tensor<24xf32>
    %cst_20 = arith.constant dense<[-0.138400987, -0.155637205, -0.0397059135, 0.0151667511, 0.13424845, 0.0564891137, -0.00335184159, -0.193150446, -0.0963974073, 0.0531840883, -0.0653657317, -0.124988899, 5.147060e-02, 0.145675853, 0.0251097828, 0.15287903, 0.176077828, 0.00505993143, 0.204100981, 6.741780e-02, 0.0673326775, 0.0739999861, -0.188987374, 0.0831643939]> : tensor<24xf32>
    %cst_21 = arith.constant dense<[-0.0359275527, -0.161549956, 0.138764575, -0.0806397945, 0.0628811345, 0.187203616, 0.0689278841, 0.0107963094, 0.202738941, -0.201968014, 0.189056799, -0.176969185, 0.202334568, 0.0162291266, -0.125277594, -0.0697184056, -0.104813516, 0.122399576, 0.175357148, 0.123435594, 0.149260253, 0.196801856, -0.179900378, 0.0858202502]> : tensor<24xf32>
    %cst_22 = arith.constant dense<[0.139690369, -0.00366661977, -0.16863516, -0.123522833, 0.124425292, -0.173767164, -0.149505138, -0.12994118, -0.0548265539, 0.0951702744, 0.1414783, 0.157328561, 0.0947552397, 0.0463453084, -0.0537203513, -0.125069574, -0.103954226, -0.00615785876, 0.176723987, -0.0726518631, -0.0305966698, -0.00552934874, -0.0918606445, -9.706470e-02]> : tensor<24xf32>
    %cst_23 = ml_program.global_load_const @w2 : tensor<72xf32>
    %cst_24 = arith.constant dense<[0.0697196573, 0.0264898706, 0.0852272808, 0.00356697221, -0.0376431346, -0.0174263865, 0.0220602937, -0.11265178, -0.106926896, -0.0423617959, 0.0133776488, 0.0780176222, -0.0555312559, -0.0993254408, -0.105820484, -0.00197866815, -0.0737566873, -0.0258957818, -0.0760472566, 0.0531107187, -0.0393273644, -0.0823566839, 0.0372240394, -0.00457388861]> : tensor<24xf32>
    %cst_25 = arith.constant dense<[1.03515315, 1.07220006, 1.14790368, 0.583221614, 0.672260404, 0.524368405, 1.37117028, 1.41618645, 0.744914352, 1.2021203, 1.33268023, 0.515433311, 1.03468382, 1.11074471, 0.613237082, 0.813696324, 1.23095489, 1.29152822, 0.982034742, 1.34738159, 1.2626338, 0.811589479, 0.725738942, 1.34138262]> : tensor<24xf32>
    %cst_26 = arith.constant dense<[0.00389826298, 0.281590819, 0.0949711203, -0.109826148, 0.209608197, -0.325757146, 0.0740193725, 0.191717982, -0.299880266, 0.406602085, -0.0320516229, -0.362650692, 0.146574736, -0.289773226, -0.306517243, 0.00167477131, 0.230671763, 0.480457544, 0.0257080793, 0.418302417, 0.443250537, -0.134443939, -0.0297629237, -0.484009147]> : tensor<24xf32>
    %cst_27 = arith.constant dense<[0.844708442, 1.31882584, 0.959798812, 0.938254415, 0.846043646, 1.25787032, 1.4016881, 0.690028787, 1.24136913, 0.735916376, 1.31321216, 0.998300611, 0.775327742, 1.31308842, 0.571914554, 1.25187314, 0.975856602, 0.697550296, 0.635964394, 0.717900097, 1.00074124, 1.21385932, 0.983540236, 0.869842112]> : tensor<24xf32>
    %cst_28 = arith.constant dense<[-0.149683893, 0.110839009, 0.33829397, 0.0142551064, -0.273011804, -0.0751015544, -0.381060958, 0.198996127, -2.306670e-01, 0.18274641, -0.0320001245, 0.40565145, -0.229277372, -0.335753202, 0.0321157575, 0.164755225, -0.393378913, -0.290951669, 0.370563805, 4.232400e-01, 0.307850838, 0.366635084, 0.264703155, 0.415206194]> : tensor<24xf32>
    %cst_29 = ml_program.global_load_const @w3 : tensor<24x24xf32>
    %cst_30 = arith.constant dense<[0.0793656185, 0.186120912, 5.8157053E-5, -0.174043238, 0.118867978, -0.162613735, 0.0737897455, -0.0030095668, -0.0117877778, -0.0908064469, -0.120296918, -0.176779017, 0.0471978076, -0.0331887454, -0.121968478, 0.179613337, 0.140019283, 0.0440341346, 0.0547156893, -0.0266082399, 0.150608271, -0.197014302, -0.124064304, 0.144492447]> : tensor<24xf32>
    %cst_31 = ml_program.global_load_const @w4 : tensor<9x24xf32>
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
    %cst_44 = arith.constant dense<1.000000e+00> : tensor<f32>
    %cst_45 = arith.constant dense<-3.40282347E+38> : tensor<f32>
    %cst_46 = arith.constant dense<2.82842708> : tensor<f32>
    %cst_47 = arith.constant 2.400000e+01 : f32
    %cst_48 = arith.constant 9.99999996E-13 : f32
    %3 = tensor.empty() : tensor<2x9xi1>
    %4 = linalg.generic {indexing_maps = [affine_map<(d0, d1) -> (d0, d1)>, affine_map<(d0, d1) -> (d0, d1)>], iterator_types = ["parallel", "parallel"]} ins(%arg0 : tensor<2x9xi64>) outs(%3 : tensor<2x9xi1>) {
    ^bb0(%in: i64, %out: i1):
      %179 = arith.cmpi slt, %in, %c0_i64 : i64
      linalg.yield %179 : i1
    } -> tensor<2x9xi1>
    %5 = tensor.empty() : tensor<2x9xi64>
    %6 = linalg.generic {indexing_maps = [affine_map<(d0, d1) -> (d0, d1)>, affine_map<(d0, d1) -> (d0, d1)>], iterator_types = ["parallel", "parallel"]} ins(%arg0 : tensor<2x9xi64>) outs(%5 : tensor<2x9xi64>) {
    ^bb0(%in: i64, %out: i64):
      %179 = arith.addi %in, %c61_i64 : i64
      linalg.yield %179 : i64
    } -> tensor<2x9xi64>
    %7 = linalg.generic {indexing_maps = [affine_map<(d0, d1) -> (d0, d1)>, affine_map<(d0, d1) -> (d0, d1)>, affine_map<(d0, d1) -> (d0, d1)>, affine_map<(d0, d1) -> (d0, d1)>], iterator_types = ["parallel", "parallel"]} ins(%4, %6, %arg0 : tensor<2x9xi1>, tensor<2x9xi64>, tensor<2x9xi64>) outs(%5 : tensor<2x9xi64>) {
    ^bb0(%in: i1, %in_93: i64, %in_94: i64, %out: i64):
      %179 = arith.select %in, %in_93, %in_94 : i64
      linalg.yield %179 : i64
    } -> tensor<2x9xi64>
    %collapsed = tensor.collapse_shape %7 [[0, 1]] : tensor<2x9xi64> into tensor<18xi64>
    %8 = tensor.empty() : tensor<18x24xf32>
    %9 = linalg.generic {indexing_maps = [affine_map<(d0, d1) -> (d0)>, affine_map<(d0, d1) -> (d0, d1)>], iterator_types = ["parallel", "parallel"]} ins(%collapsed : tensor<18xi64>) outs(%8 : tensor<18x24xf32>) {
    ^bb0(%in: i64, %out: f32):
      %179 = arith.index_cast %in : i64 to index
      %180 = linalg.index 1 : index
      %extracted = tensor.extract %cst_5[%179, %180] : tensor<61x24xf32>
      linalg.yield %extracted : f32
    } -> tensor<18x24xf32>
    %expanded = tensor.expand_shape %9 [[0, 1], [2]] output_shape [2, 9, 24] : tensor<18x24xf32> into tensor<2x9x24xf32>
    %10 = tensor.empty() : tensor<2x9x24xf32>
    %11 = linalg.generic {indexing_maps = [affine_map<(d0, d1, d2) -> (d0, d1, d2)>, affine_map<(d0, d1, d2) -> (d1, d2)>, affine_map<(d0, d1, d2) -> (d0, d1, d2)>], iterator_types = ["parallel", "parallel", "parallel"]} ins(%expanded, %cst_31 : tensor<2x9x24xf32>, tensor<9x24xf32>) outs(%10 : tensor<2x9x24xf32>) {
    ^bb0(%in: f32, %in_93: f32, %out: f32):
      %179 = arith.addf %in, %in_93 : f32
      linalg.yield %179 : f32
    } -> tensor<2x9x24xf32>
    %12 = linalg.generic {indexing_maps = [affine_map<(d0, d1) -> (d0, d1)>, affine_map<(d0, d1) -> (d0, d1)>], iterator_types = ["parallel", "parallel"]} ins(%arg2 : tensor<2x9xi64>) outs(%3 : tensor<2x9xi1>) {
    ^bb0(%in: i64, %out: i1):
      %179 = arith.cmpi slt, %in, %c0_i64 : i64
      linalg.yield %179 : i1
    } -> tensor<2x9xi1>
    %13 = linalg.generic {indexing_maps = [affine_map<(d0, d1) -> (d0, d1)>, affine_map<(d0, d1) -> (d0, d1)>], iterator_types = ["parallel", "parallel"]} ins(%arg2 : tensor<2x9xi64>) outs(%5 : tensor<2x9xi64>) {
    ^bb0(%in: i64, %out: i64):
      %179 = arith.addi %in, %c2_i64 : i64
      linalg.yield %179 : i64
    } -> tensor<2x9xi64>
    %14 = linalg.generic {indexing_maps = [affine_map<(d0, d1) -> (d0, d1)>, affine_map<(d0, d1) -> (d0, d1)>, affine_map<(d0, d1) -> (d0, d1)>, affine_map<(d0, d1) -> (d0, d1)>], iterator_types = ["parallel", "parallel"]} ins(%12, %13, %arg2 : tensor<2x9xi1>, tensor<2x9xi64>, tensor<2x9xi64>) outs(%5 : tensor<2x9xi64>) {
    ^bb0(%in: i1, %in_93: i64, %in_94: i64, %out: i64):
      %179 = arith.select %in, %in_93, %in_94 : i64
      linalg.yield %179 : i64
    } -> tensor<2x9xi64>
    %collapsed_49 = tensor.collapse_shape %14 [[0, 1]] : tensor<2x9xi64> into tensor<18xi64>
    %15 = linalg.generic {indexing_maps = [affine_map<(d0, d1) -> (d0)>, affine_map<(d0, d1) -> (d0, d1)>], iterator_types = ["parallel", "parallel"]} ins(%collapsed_49 : tensor<18xi64>) outs(%8 : tensor<18x24xf32>) {
    ^bb0(%in: i64, %out: f32):
      %179 = arith.index_cast %in : i64 to index
      %180 = linalg.index 1 : index
      %extracted = tensor.extract %cst_6[%179, %180] : tensor<2x24xf32>
      linalg.yield %extracted : f32
    } -> tensor<18x24xf32>
    %expanded_50 = tensor.expand_shape %15 [[0, 1], [2]] output_shape [2, 9, 24] : tensor<18x24xf32> into tensor<2x9x24xf32>
    %16 = linalg.generic {indexing_maps = [affine_map<(d0, d1, d2) -> (d0, d1, d2)>, affine_map<(d0, d1, d2) -> (d0, d1, d2)>, affine_map<(d0, d1, d2) -> (d0, d1, d2)>], iterator_types = ["parallel", "parallel", "parallel"]} ins(%11, %expanded_50 : tensor<2x9x24xf32>, tensor<2x9x24xf32>) outs(%10 : tensor<2x9x24xf32>) {
    ^bb0(%in: f32, %in_93: f32, %out: f32):
      %179 = arith.addf %in, %in_93 : f32
      linalg.yield %179 : f32
    } -> tensor<2x9x24xf32>
    %17 = tensor.empty() : tensor<2x9x1xf32>
    %18 = linalg.fill ins(%cst : f32) outs(%17 : tensor<2x9x1xf32>) -> tensor<2x9x1xf32>
    %19 = linalg.generic {indexing_maps = [affine_map<(d0, d1, d2) -> (d0, d1, d2)>, affine_map<(d0, d1, d2) -> (d0, d1, 0)>], iterator_types = ["parallel", "parallel", "reduction"]} ins(%16 : tensor<2x9x24xf32>) outs(%18 : tensor<2x9x1xf32>) {
    ^bb0(%in: f32, %out: f32):
      %179 = arith.addf %in, %out : f32
      linalg.yield %179 : f32
    } -> tensor<2x9x1xf32>
    %20 = linalg.generic {indexing_maps = [affine_map<(d0, d1, d2) -> (d0, d1, d2)>, affine_map<(d0, d1, d2) -> (d0, d1, d2)>], iterator_types = ["parallel", "parallel", "parallel"]} ins(%19 : tensor<2x9x1xf32>) outs(%17 : tensor<2x9x1xf32>) {
    ^bb0(%in: f32, %out: f32):
      %179 = arith.divf %in, %cst_47 : f32
      linalg.yield %179 : f32
    } -> tensor<2x9x1xf32>
    %collapsed_51 = tensor.collapse_shape %20 [[0], [1, 2]] : tensor<2x9x1xf32> into tensor<2x9xf32>
    %21 = linalg.generic {indexing_maps = [affine_map<(d0, d1, d2) -> (d0, d1)>, affine_map<(d0, d1, d2) -> (d0, d1, d2)>], iterator_types = ["parallel", "parallel", "parallel"]} ins(%collapsed_51 : tensor<2x9xf32>) outs(%10 : tensor<2x9x24xf32>) {
    ^bb0(%in: f32, %out: f32):
      linalg.yield %in : f32
    } -> tensor<2x9x24xf32>
    %22 = linalg.generic {indexing_maps = [affine_map<(d0, d1, d2) -> (d0, d1, d2)>, affine_map<(d0, d1, d2) -> (d0, d1, d2)>, affine_map<(d0, d1, d2) -> (d0, d1, d2)>], iterator_types = ["parallel", "parallel", "parallel"]} ins(%16, %21 : tensor<2x9x24xf32>, tensor<2x9x24xf32>) outs(%10 : tensor<2x9x24xf32>) {
    ^bb0(%in: f32, %in_93: f32, %out: f32):
      %179 = arith.subf %in, %in_93 : f32
      linalg.yield %179 : f32
    } -> tensor<2x9x24xf32>
    %23 = linalg.generic {indexing_maps = [affine_map<(d0, d1, d2) -> (d0, d1, d2)>, affine_map<(d0, d1, d2) -> (d0, d1, d2)>, affine_map<(d0, d1, d2) -> (d0, d1, d2)>], iterator_types = ["parallel", "parallel", "parallel"]} ins(%22, %22 : tensor<2x9x24xf32>, tensor<2x9x24xf32>) outs(%10 : tensor<2x9x24xf32>) {
    ^bb0(%in: f32, %in_93: f32, %out: f32):
      %179 = arith.mulf %in, %in_93 : f32
      linalg.yield %179 : f32
    } -> tensor<2x9x24xf32>
    %24 = linalg.generic {indexing_maps = [affine_map<(d0, d1, d2) -> (d0, d1, d2)>, affine_map<(d0, d1, d2) -> (d0, d1, 0)>], iterator_types = ["parallel", "parallel", "reduction"]} ins(%23 : tensor<2x9x24xf32>) outs(%18 : tensor<2x9x1xf32>) {
    ^bb0(%in: f32, %out: f32):
      %179 = arith.addf %in, %out : f32
      linalg.yield %179 : f32
    } -> tensor<2x9x1xf32>
    %25 = linalg.generic {indexing_maps = [affine_map<(d0, d1, d2) -> (d0, d1, d2)>, affine_map<(d0, d1, d2) -> (d0, d1, d2)>], iterator_types = ["parallel", "parallel", "parallel"]} ins(%24 : tensor<2x9x1xf32>) outs(%17 : tensor<2x9x1xf32>) {
    ^bb0(%in: f32, %out: f32):
      %179 = arith.divf %in, %cst_47 : f32
      linalg.yield %179 : f32
    } -> tensor<2x9x1xf32>
    %26 = linalg.generic {indexing_maps = [affine_map<(d0, d1, d2) -> (d0, d1, d2)>, affine_map<(d0, d1, d2) -> (d0, d1, d2)>], iterator_types = ["parallel", "parallel", "parallel"]} ins(%25 : tensor<2x9x1xf32>) outs(%17 : tensor<2x9x1xf32>) {
    ^bb0(%in: f32, %out: f32):
      %179 = arith.addf %in, %cst_48 : f32
      linalg.yield %179 : f32
    } -> tensor<2x9x1xf32>
    %27 = linalg.generic {indexing_maps = [affine_map<(d0, d1, d2) -> (d0, d1, d2)>, affine_map<(d0, d1, d2) -> (d0, d1, d2)>], iterator_types = ["parallel", "parallel", "parallel"]} ins(%26 : tensor<2x9x1xf32>) outs(%17 : tensor<2x9x1xf32>) {
    ^bb0(%in: f32, %out: f32):
      %179 = math.rsqrt %in : f32
      linalg.yield %179 : f32
    } -> tensor<2x9x1xf32>
    %collapsed_52 = tensor.collapse_shape %27 [[0], [1, 2]] : tensor<2x9x1xf32> into tensor<2x9xf32>
    %28 = linalg.generic {indexing_maps = [affine_map<(d0, d1, d2) -> (d0, d1)>, affine_map<(d0, d1, d2) -> (d0, d1, d2)>], iterator_types = ["parallel", "parallel", "parallel"]} ins(%collapsed_52 : tensor<2x9xf32>) outs(%10 : tensor<2x9x24xf32>) {
    ^bb0(%in: f32, %out: f32):
      linalg.yield %in : f32
    } -> tensor<2x9x24xf32>
    %29 = linalg.generic {indexing_maps = [affine_map<(d0, d1, d2) -> (d0, d1, d2)>, affine_map<(d0, d1, d2) -> (d0, d1, d2)>, affine_map<(d0, d1, d2) -> (d0, d1, d2)>], iterator_types = ["parallel", "parallel", "parallel"]} ins(%22, %28 : tensor<2x9x24xf32>, tensor<2x9x24xf32>) outs(%10 : tensor<2x9x24xf32>) {
    ^bb0(%in: f32, %in_93: f32, %out: f32):
      %179 = arith.mulf %in, %in_93 : f32
      linalg.yield %179 : f32
    } -> tensor<2x9x24xf32>
    %30 = linalg.generic {indexing_maps = [affine_map<(d0, d1, d2) -> (d0, d1, d2)>, affine_map<(d0, d1, d2) -> (d2)>, affine_map<(d0, d1, d2) -> (d0, d1, d2)>], iterator_types = ["parallel", "parallel", "parallel"]} ins(%29, %cst_7 : tensor<2x9x24xf32>, tensor<24xf32>) outs(%10 : tensor<2x9x24xf32>) {
    ^bb0(%in: f32, %in_93: f32, %out: f32):
      %179 = arith.mulf %in, %in_93 : f32
      linalg.yield %179 : f32
    } -> tensor<2x9x24xf32>
    %31 = linalg.generic {indexing_maps = [affine_map<(d0, d1, d2) -> (d0, d1, d2)>, affine_map<(d0, d1, d2) -> (d2)>, affine_map<(d0, d1, d2) -> (d0, d1, d2)>], iterator_types = ["parallel", "parallel", "parallel"]} ins(%30, %cst_8 : tensor<2x9x24xf32>, tensor<24xf32>) outs(%10 : tensor<2x9x24xf32>) {
    ^bb0(%in: f32, %in_93: f32, %out: f32):
      %179 = arith.addf %in, %in_93 : f32
      linalg.yield %179 : f32
    } -> tensor<2x9x24xf32>
    %expanded_53 = tensor.expand_shape %arg1 [[0], [1, 2, 3]] output_shape [2, 1, 1, 9] : tensor<2x9xi64> into tensor<2x1x1x9xi64>
    %32 = tensor.empty() : tensor<2x1x1x9xf32>
    %33 = linalg.generic {indexing_maps = [affine_map<(d0, d1, d2, d3) -> (d0, d1, d2, d3)>, affine_map<(d0, d1, d2, d3) -> (d0, d1, d2, d3)>], iterator_types = ["parallel", "parallel", "parallel", "parallel"]} ins(%expanded_53 : tensor<2x1x1x9xi64>) outs(%32 : tensor<2x1x1x9xf32>) {
    ^bb0(%in: i64, %out: f32):
      %179 = arith.sitofp %in : i64 to f32
      linalg.yield %179 : f32
    } -> tensor<2x1x1x9xf32>
    %34 = linalg.generic {indexing_maps = [affine_map<(d0, d1, d2, d3) -> ()>, affine_map<(d0, d1, d2, d3) -> (d0, d1, d2, d3)>, affine_map<(d0, d1, d2, d3) -> (d0, d1, d2, d3)>], iterator_types = ["parallel", "parallel", "parallel", "parallel"]} ins(%cst_44, %33 : tensor<f32>, tensor<2x1x1x9xf32>) outs(%32 : tensor<2x1x1x9xf32>) {
    ^bb0(%in: f32, %in_93: f32, %out: f32):
      %179 = arith.subf %in, %in_93 : f32
      linalg.yield %179 : f32
    } -> tensor<2x1x1x9xf32>
    %35 = linalg.generic {indexing_maps = [affine_map<(d0, d1, d2, d3) -> (d0, d1, d2, d3)>, affine_map<(d0, d1, d2, d3) -> ()>, affine_map<(d0, d1, d2, d3) -> (d0, d1, d2, d3)>], iterator_types = ["parallel", "parallel", "parallel", "parallel"]} ins(%34, %cst_45 : tensor<2x1x1x9xf32>, tensor<f32>) outs(%32 : tensor<2x1x1x9xf32>) {
    ^bb0(%in: f32, %in_93: f32, %out: f32):
      %179 = arith.mulf %in, %in_93 : f32
      linalg.yield %179 : f32
    } -> tensor<2x1x1x9xf32>
    %36 = tensor.empty() : tensor<2x24x24xf32>
    %37 = linalg.generic {indexing_maps = [affine_map<(d0, d1, d2) -> (d1, d2)>, affine_map<(d0, d1, d2) -> (d0, d1, d2)>], iterator_types = ["parallel", "parallel", "parallel"]} ins(%cst_32 : tensor<24x24xf32>) outs(%36 : tensor<2x24x24xf32>) {
    ^bb0(%in: f32, %out: f32):
      linalg.yield %in : f32
    } -> tensor<2x24x24xf32>
    %38 = linalg.fill ins(%cst : f32) outs(%10 : tensor<2x9x24xf32>) -> tensor<2x9x24xf32>
    %39 = linalg.batch_matmul ins(%31, %37 : tensor<2x9x24xf32>, tensor<2x24x24xf32>) outs(%38 : tensor<2x9x24xf32>) -> tensor<2x9x24xf32>
    %40 = linalg.generic {indexing_maps = [affine_map<(d0, d1, d2) -> (d0, d1, d2)>, affine_map<(d0, d1, d2) -> (d2)>, affine_map<(d0, d1, d2) -> (d0, d1, d2)>], iterator_types = ["parallel", "parallel", "parallel"]} ins(%39, %cst_9 : tensor<2x9x24xf32>, tensor<24xf32>) outs(%10 : tensor<2x9x24xf32>) {
    ^bb0(%in: f32, %in_93: f32, %out: f32):
      %179 = arith.addf %in, %in_93 : f32
      linalg.yield %179 : f32
    } -> tensor<2x9x24xf32>
    %expanded_54 = tensor.expand_shape %40 [[0], [1], [2, 3]] output_shape [2, 9, 3, 8] : tensor<2x9x24xf32> into tensor<2x9x3x8xf32>
    %41 = tensor.empty() : tensor<2x3x9x8xf32>
    %transposed = linalg.transpose ins(%expanded_54 : tensor<2x9x3x8xf32>) outs(%41 : tensor<2x3x9x8xf32>) permutation = [0, 2, 1, 3] 
    %42 = linalg.generic {indexing_maps = [affine_map<(d0, d1, d2) -> (d1, d2)>, affine_map<(d0, d1, d2) -> (d0, d1, d2)>], iterator_types = ["parallel", "parallel", "parallel"]} ins(%cst_33 : tensor<24x24xf32>) outs(%36 : tensor<2x24x24xf32>) {
    ^bb0(%in: f32, %out: f32):
      linalg.yield %in : f32
    } -> tensor<2x24x24xf32>
    %43 = linalg.batch_matmul ins(%31, %42 : tensor<2x9x24xf32>, tensor<2x24x24xf32>) outs(%38 : tensor<2x9x24xf32>) -> tensor<2x9x24xf32>
    %44 = linalg.generic {indexing_maps = [affine_map<(d0, d1, d2) -> (d0, d1, d2)>, affine_map<(d0, d1, d2) -> (d2)>, affine_map<(d0, d1, d2) -> (d0, d1, d2)>], iterator_types = ["parallel", "parallel", "parallel"]} ins(%43, %cst_10 : tensor<2x9x24xf32>, tensor<24xf32>) outs(%10 : tensor<2x9x24xf32>) {
    ^bb0(%in: f32, %in_93: f32, %out: f32):
      %179 = arith.addf %in, %in_93 : f32
      linalg.yield %179 : f32
    } -> tensor<2x9x24xf32>
    %expanded_55 = tensor.expand_shape %44 [[0], [1], [2, 3]] output_shape [2, 9, 3, 8] : tensor<2x9x24xf32> into tensor<2x9x3x8xf32>
    %45 = linalg.generic {indexing_maps = [affine_map<(d0, d1, d2) -> (d1, d2)>, affine_map<(d0, d1, d2) -> (d0, d1, d2)>], iterator_types = ["parallel", "parallel", "parallel"]} ins(%cst_34 : tensor<24x24xf32>) outs(%36 : tensor<2x24x24xf32>) {
    ^bb0(%in: f32, %out: f32):
      linalg.yield %in : f32
    } -> tensor<2x24x24xf32>
    %46 = linalg.batch_matmul ins(%31, %45 : tensor<2x9x24xf32>, tensor<2x24x24xf32>) outs(%38 : tensor<2x9x24xf32>) -> tensor<2x9x24xf32>
    %47 = linalg.generic {indexing_maps = [affine_map<(d0, d1, d2) -> (d0, d1, d2)>, affine_map<(d0, d1, d2) -> (d2)>, affine_map<(d0, d1, d2) -> (d0, d1, d2)>], iterator_types = ["parallel", "parallel", "parallel"]} ins(%46, %cst_11 : tensor<2x9x24xf32>, tensor<24xf32>) outs(%10 : tensor<2x9x24xf32>) {
    ^bb0(%in: f32, %in_93: f32, %out: f32):
      %179 = arith.addf %in, %in_93 : f32
      linalg.yield %179 : f32
    } -> tensor<2x9x24xf32>
    %expanded_56 = tensor.expand_shape %47 [[0], [1], [2, 3]] output_shape [2, 9, 3, 8] : tensor<2x9x24xf32> into tensor<2x9x3x8xf32>
    %transposed_57 = linalg.transpose ins(%expanded_56 : tensor<2x9x3x8xf32>) outs(%41 : tensor<2x3x9x8xf32>) permutation = [0, 2, 1, 3] 
    %48 = tensor.empty() : tensor<2x3x8x9xf32>
    %transposed_58 = linalg.transpose ins(%expanded_55 : tensor<2x9x3x8xf32>) outs(%48 : tensor<2x3x8x9xf32>) permutation = [0, 2, 3, 1] 
    %collapsed_59 = tensor.collapse_shape %transposed [[0, 1], [2], [3]] : tensor<2x3x9x8xf32> into tensor<6x9x8xf32>
    %collapsed_60 = tensor.collapse_shape %transposed_58 [[0, 1], [2], [3]] : tensor<2x3x8x9xf32> into tensor<6x8x9xf32>
    %49 = tensor.empty() : tensor<6x9x9xf32>
    %50 = linalg.fill ins(%cst : f32) outs(%49 : tensor<6x9x9xf32>) -> tensor<6x9x9xf32>
    %51 = linalg.batch_matmul ins(%collapsed_59, %collapsed_60 : tensor<6x9x8xf32>, tensor<6x8x9xf32>) outs(%50 : tensor<6x9x9xf32>) -> tensor<6x9x9xf32>
    %expanded_61 = tensor.expand_shape %51 [[0, 1], [2], [3]] output_shape [2, 3, 9, 9] : tensor<6x9x9xf32> into tensor<2x3x9x9xf32>
    %52 = tensor.empty() : tensor<2x3x9x9xf32>
    %53 = linalg.generic {indexing_maps = [affine_map<(d0, d1, d2, d3) -> (d0, d1, d2, d3)>, affine_map<(d0, d1, d2, d3) -> ()>, affine_map<(d0, d1, d2, d3) -> (d0, d1, d2, d3)>], iterator_types = ["parallel", "parallel", "parallel", "parallel"]} ins(%expanded_61, %cst_46 : tensor<2x3x9x9xf32>, tensor<f32>) outs(%52 : tensor<2x3x9x9xf32>) {
    ^bb0(%in: f32, %in_93: f32, %out: f32):
      %179 = arith.divf %in, %in_93 : f32
      linalg.yield %179 : f32
    } -> tensor<2x3x9x9xf32>
    %54 = linalg.generic {indexing_maps = [affine_map<(d0, d1, d2, d3) -> (d0, d1, d2, d3)>, affine_map<(d0, d1, d2, d3) -> (d0, 0, 0, d3)>, affine_map<(d0, d1, d2, d3) -> (d0, d1, d2, d3)>], iterator_types = ["parallel", "parallel", "parallel", "parallel"]} ins(%53, %35 : tensor<2x3x9x9xf32>, tensor<2x1x1x9xf32>) outs(%52 : tensor<2x3x9x9xf32>) {
    ^bb0(%in: f32, %in_93: f32, %out: f32):
      %179 = arith.addf %in, %in_93 : f32
      linalg.yield %179 : f32
    } -> tensor<2x3x9x9xf32>
    %55 = tensor.empty() : tensor<2x3x9xi64>
    %56 = linalg.fill ins(%c0_i64 : i64) outs(%55 : tensor<2x3x9xi64>) -> tensor<2x3x9xi64>
    %57 = tensor.empty() : tensor<2x3x9xf32>
    %58 = linalg.fill ins(%cst_0 : f32) outs(%57 : tensor<2x3x9xf32>) -> tensor<2x3x9xf32>
    %59:2 = linalg.generic {indexing_maps = [affine_map<(d0, d1, d2, d3) -> (d0, d1, d2, d3)>, affine_map<(d0, d1, d2, d3) -> (d0, d1, d2)>, affine_map<(d0, d1, d2, d3) -> (d0, d1, d2)>], iterator_types = ["parallel", "parallel", "parallel", "reduction"]} ins(%54 : tensor<2x3x9x9xf32>) outs(%58, %56 : tensor<2x3x9xf32>, tensor<2x3x9xi64>) {
    ^bb0(%in: f32, %out: f32, %out_93: i64):
      %179 = linalg.index 3 : index
      %180 = arith.index_cast %179 : index to i64
      %181 = arith.maximumf %in, %out : f32
      %182 = arith.cmpf ogt, %in, %out : f32
      %183 = arith.select %182, %180, %out_93 : i64
      linalg.yield %181, %183 : f32, i64
    } -> (tensor<2x3x9xf32>, tensor<2x3x9xi64>)
    %expanded_62 = tensor.expand_shape %59#0 [[0], [1], [2, 3]] output_shape [2, 3, 9, 1] : tensor<2x3x9xf32> into tensor<2x3x9x1xf32>
    %60 = linalg.generic {indexing_maps = [affine_map<(d0, d1, d2, d3) -> (d0, d1, d2, d3)>, affine_map<(d0, d1, d2, d3) -> (d0, d1, d2, 0)>, affine_map<(d0, d1, d2, d3) -> (d0, d1, d2, d3)>], iterator_types = ["parallel", "parallel", "parallel", "parallel"]} ins(%54, %expanded_62 : tensor<2x3x9x9xf32>, tensor<2x3x9x1xf32>) outs(%52 : tensor<2x3x9x9xf32>) {
    ^bb0(%in: f32, %in_93: f32, %out: f32):
      %179 = arith.subf %in, %in_93 : f32
      linalg.yield %179 : f32
    } -> tensor<2x3x9x9xf32>
    %61 = linalg.generic {indexing_maps = [affine_map<(d0, d1, d2, d3) -> (d0, d1, d2, d3)>, affine_map<(d0, d1, d2, d3) -> (d0, d1, d2, d3)>], iterator_types = ["parallel", "parallel", "parallel", "parallel"]} ins(%60 : tensor<2x3x9x9xf32>) outs(%52 : tensor<2x3x9x9xf32>) {
    ^bb0(%in: f32, %out: f32):
      %179 = math.exp %in : f32
      linalg.yield %179 : f32
    } -> tensor<2x3x9x9xf32>
    %62 = tensor.empty() : tensor<2x3x9x1xf32>
    %63 = linalg.fill ins(%cst : f32) outs(%62 : tensor<2x3x9x1xf32>) -> tensor<2x3x9x1xf32>
    %64 = linalg.generic {indexing_maps = [affine_map<(d0, d1, d2, d3) -> (d0, d1, d2, d3)>, affine_map<(d0, d1, d2, d3) -> (d0, d1, d2, 0)>], iterator_types = ["parallel", "parallel", "parallel", "reduction"]} ins(%61 : tensor<2x3x9x9xf32>) outs(%63 : tensor<2x3x9x1xf32>) {
    ^bb0(%in: f32, %out: f32):
      %179 = arith.addf %in, %out : f32
      linalg.yield %179 : f32
    } -> tensor<2x3x9x1xf32>
    %65 = linalg.generic {indexing_maps = [affine_map<(d0, d1, d2, d3) -> (d0, d1, d2, d3)>, affine_map<(d0, d1, d2, d3) -> (d0, d1, d2, 0)>, affine_map<(d0, d1, d2, d3) -> (d0, d1, d2, d3)>], iterator_types = ["parallel", "parallel", "parallel", "parallel"]} ins(%61, %64 : tensor<2x3x9x9xf32>, tensor<2x3x9x1xf32>) outs(%52 : tensor<2x3x9x9xf32>) {
    ^bb0(%in: f32, %in_93: f32, %out: f32):
      %179 = arith.divf %in, %in_93 : f32
      linalg.yield %179 : f32
    } -> tensor<2x3x9x9xf32>
    %collapsed_63 = tensor.collapse_shape %65 [[0, 1], [2], [3]] : tensor<2x3x9x9xf32> into tensor<6x9x9xf32>
    %collapsed_64 = tensor.collapse_shape %transposed_57 [[0, 1], [2], [3]] : tensor<2x3x9x8xf32> into tensor<6x9x8xf32>
    %66 = tensor.empty() : tensor<6x9x8xf32>
    %67 = linalg.fill ins(%cst : f32) outs(%66 : tensor<6x9x8xf32>) -> tensor<6x9x8xf32>
    %68 = linalg.batch_matmul ins(%collapsed_63, %collapsed_64 : tensor<6x9x9xf32>, tensor<6x9x8xf32>) outs(%67 : tensor<6x9x8xf32>) -> tensor<6x9x8xf32>
    %expanded_65 = tensor.expand_shape %68 [[0, 1], [2], [3]] output_shape [2, 3, 9, 8] : tensor<6x9x8xf32> into tensor<2x3x9x8xf32>
    %69 = tensor.empty() : tensor<2x9x3x8xf32>
    %transposed_66 = linalg.transpose ins(%expanded_65 : tensor<2x3x9x8xf32>) outs(%69 : tensor<2x9x3x8xf32>) permutation = [0, 2, 1, 3] 
    %collapsed_67 = tensor.collapse_shape %transposed_66 [[0], [1], [2, 3]] : tensor<2x9x3x8xf32> into tensor<2x9x24xf32>
    %70 = linalg.generic {indexing_maps = [affine_map<(d0, d1, d2) -> (d1, d2)>, affine_map<(d0, d1, d2) -> (d0, d1, d2)>], iterator_types = ["parallel", "parallel", "parallel"]} ins(%cst_35 : tensor<24x24xf32>) outs(%36 : tensor<2x24x24xf32>) {
    ^bb0(%in: f32, %out: f32):
      linalg.yield %in : f32
    } -> tensor<2x24x24xf32>
    %71 = linalg.batch_matmul ins(%collapsed_67, %70 : tensor<2x9x24xf32>, tensor<2x24x24xf32>) outs(%38 : tensor<2x9x24xf32>) -> tensor<2x9x24xf32>
    %72 = linalg.generic {indexing_maps = [affine_map<(d0, d1, d2) -> (d0, d1, d2)>, affine_map<(d0, d1, d2) -> (d2)>, affine_map<(d0, d1, d2) -> (d0, d1, d2)>], iterator_types = ["parallel", "parallel", "parallel"]} ins(%71, %cst_12 : tensor<2x9x24xf32>, tensor<24xf32>) outs(%10 : tensor<2x9x24xf32>) {
    ^bb0(%in: f32, %in_93: f32, %out: f32):
      %179 = arith.addf %in, %in_93 : f32
      linalg.yield %179 : f32
    } -> tensor<2x9x24xf32>
    %73 = linalg.generic {indexing_maps = [affine_map<(d0, d1, d2) -> (d0, d1, d2)>, affine_map<(d0, d1, d2) -> (d0, d1, d2)>, affine_map<(d0, d1, d2) -> (d0, d1, d2)>], iterator_types = ["parallel", "parallel", "parallel"]} ins(%31, %72 : tensor<2x9x24xf32>, tensor<2x9x24xf32>) outs(%10 : tensor<2x9x24xf32>) {
    ^bb0(%in: f32, %in_93: f32, %out: f32):
      %179 = arith.addf %in, %in_93 : f32
      linalg.yield %179 : f32
    } -> tensor<2x9x24xf32>
    %74 = linalg.generic {indexing_maps = [affine_map<(d0, d1, d2) -> (d0, d1, d2)>, affine_map<(d0, d1, d2) -> (d0, d1, 0)>], iterator_types = ["parallel", "parallel", "reduction"]} ins(%73 : tensor<2x9x24xf32>) outs(%18 : tensor<2x9x1xf32>) {
    ^bb0(%in: f32, %out: f32):
      %179 = arith.addf %in, %out : f32
      linalg.yield %179 : f32
    } -> tensor<2x9x1xf32>
    %75 = linalg.generic {indexing_maps = [affine_map<(d0, d1, d2) -> (d0, d1, d2)>, affine_map<(d0, d1, d2) -> (d0, d1, d2)>], iterator_types = ["parallel", "parallel", "parallel"]} ins(%74 : tensor<2x9x1xf32>) outs(%17 : tensor<2x9x1xf32>) {
    ^bb0(%in: f32, %out: f32):
      %179 = arith.divf %in, %cst_47 : f32
      linalg.yield %179 : f32
    } -> tensor<2x9x1xf32>
    %collapsed_68 = tensor.collapse_shape %75 [[0], [1, 2]] : tensor<2x9x1xf32> into tensor<2x9xf32>
    %76 = linalg.generic {indexing_maps = [affine_map<(d0, d1, d2) -> (d0, d1)>, affine_map<(d0, d1, d2) -> (d0, d1, d2)>], iterator_types = ["parallel", "parallel", "parallel"]} ins(%collapsed_68 : tensor<2x9xf32>) outs(%10 : tensor<2x9x24xf32>) {
    ^bb0(%in: f32, %out: f32):
      linalg.yield %in : f32
    } -> tensor<2x9x24xf32>
    %77 = linalg.generic {indexing_maps = [affine_map<(d0, d1, d2) -> (d0, d1, d2)>, affine_map<(d0, d1, d2) -> (d0, d1, d2)>, affine_map<(d0, d1, d2) -> (d0, d1, d2)>], iterator_types = ["parallel", "parallel", "parallel"]} ins(%73, %76 : tensor<2x9x24xf32>, tensor<2x9x24xf32>) outs(%10 : tensor<2x9x24xf32>) {
    ^bb0(%in: f32, %in_93: f32, %out: f32):
      %179 = arith.subf %in, %in_93 : f32
      linalg.yield %179 : f32
    } -> tensor<2x9x24xf32>
    %78 = linalg.generic {indexing_maps = [affine_map<(d0, d1, d2) -> (d0, d1, d2)>, affine_map<(d0, d1, d2) -> (d0, d1, d2)>, affine_map<(d0, d1, d2) -> (d0, d1, d2)>], iterator_types = ["parallel", "parallel", "parallel"]} ins(%77, %77 : tensor<2x9x24xf32>, tensor<2x9x24xf32>) outs(%10 : tensor<2x9x24xf32>) {
    ^bb0(%in: f32, %in_93: f32, %out: f32):
      %179 = arith.mulf %in, %in_93 : f32
      linalg.yield %179 : f32
    } -> tensor<2x9x24xf32>
    %79 = linalg.generic {indexing_maps = [affine_map<(d0, d1, d2) -> (d0, d1, d2)>, affine_map<(d0, d1, d2) -> (d0, d1, 0)>], iterator_types = ["parallel", "parallel", "reduction"]} ins(%78 : tensor<2x9x24xf32>) outs(%18 : tensor<2x9x1xf32>) {
    ^bb0(%in: f32, %out: f32):
      %179 = arith.addf %in, %out : f32
      linalg.yield %179 : f32
    } -> tensor<2x9x1xf32>
    %80 = linalg.generic {indexing_maps = [affine_map<(d0, d1, d2) -> (d0, d1, d2)>, affine_map<(d0, d1, d2) -> (d0, d1, d2)>], iterator_types = ["parallel", "parallel", "parallel"]} ins(%79 : tensor<2x9x1xf32>) outs(%17 : tensor<2x9x1xf32>) {
    ^bb0(%in: f32, %out: f32):
      %179 = arith.divf %in, %cst_47 : f32
      linalg.yield %179 : f32
    } -> tensor<2x9x1xf32>
    %81 = linalg.generic {indexing_maps = [affine_map<(d0, d1, d2) -> (d0, d1, d2)>, affine_map<(d0, d1, d2) -> (d0, d1, d2)>], iterator_types = ["parallel", "parallel", "parallel"]} ins(%80 : tensor<2x9x1xf32>) outs(%17 : tensor<2x9x1xf32>) {
    ^bb0(%in: f32, %out: f32):
      %179 = arith.addf %in, %cst_48 : f32
      linalg.yield %179 : f32
    } -> tensor<2x9x1xf32>
    %82 = linalg.generic {indexing_maps = [affine_map<(d0, d1, d2) -> (d0, d1, d2)>, affine_map<(d0, d1, d2) -> (d0, d1, d2)>], iterator_types = ["parallel", "parallel", "parallel"]} ins(%81 : tensor<2x9x1xf32>) outs(%17 : tensor<2x9x1xf32>) {
    ^bb0(%in: f32, %out: f32):
      %179 = math.rsqrt %in : f32
      linalg.yield %179 : f32
    } -> tensor<2x9x1xf32>
    %collapsed_69 = tensor.collapse_shape %82 [[0], [1, 2]] : tensor<2x9x1xf32> into tensor<2x9xf32>
    %83 = linalg.generic {indexing_maps = [affine_map<(d0, d1, d2) -> (d0, d1)>, affine_map<(d0, d1, d2) -> (d0, d1, d2)>], iterator_types = ["parallel", "parallel", "parallel"]} ins(%collapsed_69 : tensor<2x9xf32>) outs(%10 : tensor<2x9x24xf32>) {
    ^bb0(%in: f32, %out: f32):
      linalg.yield %in : f32
    } -> tensor<2x9x24xf32>
    %84 = linalg.generic {indexing_maps = [affine_map<(d0, d1, d2) -> (d0, d1, d2)>, affine_map<(d0, d1, d2) -> (d0, d1, d2)>, affine_map<(d0, d1, d2) -> (d0, d1, d2)>], iterator_types = ["parallel", "parallel", "parallel"]} ins(%77, %83 : tensor<2x9x24xf32>, tensor<2x9x24xf32>) outs(%10 : tensor<2x9x24xf32>) {
    ^bb0(%in: f32, %in_93: f32, %out: f32):
      %179 = arith.mulf %in, %in_93 : f32
      linalg.yield %179 : f32
    } -> tensor<2x9x24xf32>
    %85 = linalg.generic {indexing_maps = [affine_map<(d0, d1, d2) -> (d0, d1, d2)>, affine_map<(d0, d1, d2) -> (d2)>, affine_map<(d0, d1, d2) -> (d0, d1, d2)>], iterator_types = ["parallel", "parallel", "parallel"]} ins(%84, %cst_15 : tensor<2x9x24xf32>, tensor<24xf32>) outs(%10 : tensor<2x9x24xf32>) {
    ^bb0(%in: f32, %in_93: f32, %out: f32):
      %179 = arith.mulf %in, %in_93 : f32
      linalg.yield %179 : f32
    } -> tensor<2x9x24xf32>
    %86 = linalg.generic {indexing_maps = [affine_map<(d0, d1, d2) -> (d0, d1, d2)>, affine_map<(d0, d1, d2) -> (d2)>, affine_map<(d0, d1, d2) -> (d0, d1, d2)>], iterator_types = ["parallel", "parallel", "parallel"]} ins(%85, %cst_16 : tensor<2x9x24xf32>, tensor<24xf32>) outs(%10 : tensor<2x9x24xf32>) {
    ^bb0(%in: f32, %in_93: f32, %out: f32):
      %179 = arith.addf %in, %in_93 : f32
      linalg.yield %179 : f32
    } -> tensor<2x9x24xf32>
    %87 = tensor.empty() : tensor<2x24x72xf32>
    %88 = linalg.generic {indexing_maps = [affine_map<(d0, d1, d2) -> (d1, d2)>, affine_map<(d0, d1, d2) -> (d0, d1, d2)>], iterator_types = ["parallel", "parallel", "parallel"]} ins(%cst_36 : tensor<24x72xf32>) outs(%87 : tensor<2x24x72xf32>) {
    ^bb0(%in: f32, %out: f32):
      linalg.yield %in : f32
    } -> tensor<2x24x72xf32>
    %89 = tensor.empty() : tensor<2x9x72xf32>
    %90 = linalg.fill ins(%cst : f32) outs(%89 : tensor<2x9x72xf32>) -> tensor<2x9x72xf32>
    %91 = linalg.batch_matmul ins(%86, %88 : tensor<2x9x24xf32>, tensor<2x24x72xf32>) outs(%90 : tensor<2x9x72xf32>) -> tensor<2x9x72xf32>
    %92 = linalg.generic {indexing_maps = [affine_map<(d0, d1, d2) -> (d0, d1, d2)>, affine_map<(d0, d1, d2) -> (d2)>, affine_map<(d0, d1, d2) -> (d0, d1, d2)>], iterator_types = ["parallel", "parallel", "parallel"]} ins(%91, %cst_13 : tensor<2x9x72xf32>, tensor<72xf32>) outs(%89 : tensor<2x9x72xf32>) {
    ^bb0(%in: f32, %in_93: f32, %out: f32):
      %179 = arith.addf %in, %in_93 : f32
      linalg.yield %179 : f32
    } -> tensor<2x9x72xf32>
    %93 = linalg.generic {indexing_maps = [affine_map<(d0, d1, d2) -> (d0, d1, d2)>, affine_map<(d0, d1, d2) -> (d0, d1, d2)>], iterator_types = ["parallel", "parallel", "parallel"]} ins(%92 : tensor<2x9x72xf32>) outs(%89 : tensor<2x9x72xf32>) {
    ^bb0(%in: f32, %out: f32):
      %179 = arith.divf %in, %cst_1 : f32
      %180 = math.erf %179 : f32
      %181 = arith.addf %180, %cst_2 : f32
      %182 = arith.mulf %181, %cst_3 : f32
      %183 = arith.mulf %in, %182 : f32
      linalg.yield %183 : f32
    } -> tensor<2x9x72xf32>
    %94 = tensor.empty() : tensor<2x72x24xf32>
    %95 = linalg.generic {indexing_maps = [affine_map<(d0, d1, d2) -> (d1, d2)>, affine_map<(d0, d1, d2) -> (d0, d1, d2)>], iterator_types = ["parallel", "parallel", "parallel"]} ins(%cst_37 : tensor<72x24xf32>) outs(%94 : tensor<2x72x24xf32>) {
    ^bb0(%in: f32, %out: f32):
      linalg.yield %in : f32
    } -> tensor<2x72x24xf32>
    %96 = linalg.batch_matmul ins(%93, %95 : tensor<2x9x72xf32>, tensor<2x72x24xf32>) outs(%38 : tensor<2x9x24xf32>) -> tensor<2x9x24xf32>
    %97 = linalg.generic {indexing_maps = [affine_map<(d0, d1, d2) -> (d0, d1, d2)>, affine_map<(d0, d1, d2) -> (d2)>, affine_map<(d0, d1, d2) -> (d0, d1, d2)>], iterator_types = ["parallel", "parallel", "parallel"]} ins(%96, %cst_14 : tensor<2x9x24xf32>, tensor<24xf32>) outs(%10 : tensor<2x9x24xf32>) {
    ^bb0(%in: f32, %in_93: f32, %out: f32):
      %179 = arith.addf %in, %in_93 : f32
      linalg.yield %179 : f32
    } -> tensor<2x9x24xf32>
    %98 = linalg.generic {indexing_maps = [affine_map<(d0, d1, d2) -> (d0, d1, d2)>, affine_map<(d0, d1, d2) -> (d0, d1, d2)>, affine_map<(d0, d1, d2) -> (d0, d1, d2)>], iterator_types = ["parallel", "parallel", "parallel"]} ins(%86, %97 : tensor<2x9x24xf32>, tensor<2x9x24xf32>) outs(%10 : tensor<2x9x24xf32>) {
    ^bb0(%in: f32, %in_93: f32, %out: f32):
      %179 = arith.addf %in, %in_93 : f32
      linalg.yield %179 : f32
    } -> tensor<2x9x24xf32>
    %99 = linalg.generic {indexing_maps = [affine_map<(d0, d1, d2) -> (d0, d1, d2)>, affine_map<(d0, d1, d2) -> (d0, d1, 0)>], iterator_types = ["parallel", "parallel", "reduction"]} ins(%98 : tensor<2x9x24xf32>) outs(%18 : tensor<2x9x1xf32>) {
    ^bb0(%in: f32, %out: f32):
      %179 = arith.addf %in, %out : f32
      linalg.yield %179 : f32
    } -> tensor<2x9x1xf32>
    %100 = linalg.generic {indexing_maps = [affine_map<(d0, d1, d2) -> (d0, d1, d2)>, affine_map<(d0, d1, d2) -> (d0, d1, d2)>], iterator_types = ["parallel", "parallel", "parallel"]} ins(%99 : tensor<2x9x1xf32>) outs(%17 : tensor<2x9x1xf32>) {
    ^bb0(%in: f32, %out: f32):
      %179 = arith.divf %in, %cst_47 : f32
      linalg.yield %179 : f32
    } -> tensor<2x9x1xf32>
    %collapsed_70 = tensor.collapse_shape %100 [[0], [1, 2]] : tensor<2x9x1xf32> into tensor<2x9xf32>
    %101 = linalg.generic {indexing_maps = [affine_map<(d0, d1, d2) -> (d0, d1)>, affine_map<(d0, d1, d2) -> (d0, d1, d2)>], iterator_types = ["parallel", "parallel", "parallel"]} ins(%collapsed_70 : tensor<2x9xf32>) outs(%10 : tensor<2x9x24xf32>) {
    ^bb0(%in: f32, %out: f32):
      linalg.yield %in : f32
    } -> tensor<2x9x24xf32>
    %102 = linalg.generic {indexing_maps = [affine_map<(d0, d1, d2) -> (d0, d1, d2)>, affine_map<(d0, d1, d2) -> (d0, d1, d2)>, affine_map<(d0, d1, d2) -> (d0, d1, d2)>], iterator_types = ["parallel", "parallel", "parallel"]} ins(%98, %101 : tensor<2x9x24xf32>, tensor<2x9x24xf32>) outs(%10 : tensor<2x9x24xf32>) {
    ^bb0(%in: f32, %in_93: f32, %out: f32):
      %179 = arith.subf %in, %in_93 : f32
      linalg.yield %179 : f32
    } -> tensor<2x9x24xf32>
    %103 = linalg.generic {indexing_maps = [affine_map<(d0, d1, d2) -> (d0, d1, d2)>, affine_map<(d0, d1, d2) -> (d0, d1, d2)>, affine_map<(d0, d1, d2) -> (d0, d1, d2)>], iterator_types = ["parallel", "parallel", "parallel"]} ins(%102, %102 : tensor<2x9x24xf32>, tensor<2x9x24xf32>) outs(%10 : tensor<2x9x24xf32>) {
    ^bb0(%in: f32, %in_93: f32, %out: f32):
      %179 = arith.mulf %in, %in_93 : f32
      linalg.yield %179 : f32
    } -> tensor<2x9x24xf32>
    %104 = linalg.generic {indexing_maps = [affine_map<(d0, d1, d2) -> (d0, d1, d2)>, affine_map<(d0, d1, d2) -> (d0, d1, 0)>], iterator_types = ["parallel", "parallel", "reduction"]} ins(%103 : tensor<2x9x24xf32>) outs(%18 : tensor<2x9x1xf32>) {
    ^bb0(%in: f32, %out: f32):
      %179 = arith.addf %in, %out : f32
      linalg.yield %179 : f32
    } -> tensor<2x9x1xf32>
    %105 = linalg.generic {indexing_maps = [affine_map<(d0, d1, d2) -> (d0, d1, d2)>, affine_map<(d0, d1, d2) -> (d0, d1, d2)>], iterator_types = ["parallel", "parallel", "parallel"]} ins(%104 : tensor<2x9x1xf32>) outs(%17 : tensor<2x9x1xf32>) {
    ^bb0(%in: f32, %out: f32):
      %179 = arith.divf %in, %cst_47 : f32
      linalg.yield %179 : f32
    } -> tensor<2x9x1xf32>
    %106 = linalg.generic {indexing_maps = [affine_map<(d0, d1, d2) -> (d0, d1, d2)>, affine_map<(d0, d1, d2) -> (d0, d1, d2)>], iterator_types = ["parallel", "parallel", "parallel"]} ins(%105 : tensor<2x9x1xf32>) outs(%17 : tensor<2x9x1xf32>) {
    ^bb0(%in: f32, %out: f32):
      %179 = arith.addf %in, %cst_48 : f32
      linalg.yield %179 : f32
    } -> tensor<2x9x1xf32>
    %107 = linalg.generic {indexing_maps = [affine_map<(d0, d1, d2) -> (d0, d1, d2)>, affine_map<(d0, d1, d2) -> (d0, d1, d2)>], iterator_types = ["parallel", "parallel", "parallel"]} ins(%106 : tensor<2x9x1xf32>) outs(%17 : tensor<2x9x1xf32>) {
    ^bb0(%in: f32, %out: f32):
      %179 = math.rsqrt %in : f32
      linalg.yield %179 : f32
    } -> tensor<2x9x1xf32>
    %collapsed_71 = tensor.collapse_shape %107 [[0], [1, 2]] : tensor<2x9x1xf32> into tensor<2x9xf32>
    %108 = linalg.generic {indexing_maps = [affine_map<(d0, d1, d2) -> (d0, d1)>, affine_map<(d0, d1, d2) -> (d0, d1, d2)>], iterator_types = ["parallel", "parallel", "parallel"]} ins(%collapsed_71 : tensor<2x9xf32>) outs(%10 : tensor<2x9x24xf32>) {
    ^bb0(%in: f32, %out: f32):
      linalg.yield %in : f32
    } -> tensor<2x9x24xf32>
    %109 = linalg.generic {indexing_maps = [affine_map<(d0, d1, d2) -> (d0, d1, d2)>, affine_map<(d0, d1, d2) -> (d0, d1, d2)>, affine_map<(d0, d1, d2) -> (d0, d1, d2)>], iterator_types = ["parallel", "parallel", "parallel"]} ins(%102, %108 : tensor<2x9x24xf32>, tensor<2x9x24xf32>) outs(%10 : tensor<2x9x24xf32>) {
    ^bb0(%in: f32, %in_93: f32, %out: f32):
      %179 = arith.mulf %in, %in_93 : f32
      linalg.yield %179 : f32
    } -> tensor<2x9x24xf32>
    %110 = linalg.generic {indexing_maps = [affine_map<(d0, d1, d2) -> (d0, d1, d2)>, affine_map<(d0, d1, d2) -> (d2)>, affine_map<(d0, d1, d2) -> (d0, d1, d2)>], iterator_types = ["parallel", "parallel", "parallel"]} ins(%109, %cst_17 : tensor<2x9x24xf32>, tensor<24xf32>) outs(%10 : tensor<2x9x24xf32>) {
    ^bb0(%in: f32, %in_93: f32, %out: f32):
      %179 = arith.mulf %in, %in_93 : f32
      linalg.yield %179 : f32
    } -> tensor<2x9x24xf32>
    %111 = linalg.generic {indexing_maps = [affine_map<(d0, d1, d2) -> (d0, d1, d2)>, affine_map<(d0, d1, d2) -> (d2)>, affine_map<(d0, d1, d2) -> (d0, d1, d2)>], iterator_types = ["parallel", "parallel", "parallel"]} ins(%110, %cst_18 : tensor<2x9x24xf32>, tensor<24xf32>) outs(%10 : tensor<2x9x24xf32>) {
    ^bb0(%in: f32, %in_93: f32, %out: f32):
      %179 = arith.addf %in, %in_93 : f32
      linalg.yield %179 : f32
    } -> tensor<2x9x24xf32>
    %112 = linalg.generic {indexing_maps = [affine_map<(d0, d1, d2) -> (d1, d2)>, affine_map<(d0, d1, d2) -> (d0, d1, d2)>], iterator_types = ["parallel", "parallel", "parallel"]} ins(%cst_38 : tensor<24x24xf32>) outs(%36 : tensor<2x24x24xf32>) {
    ^bb0(%in: f32, %out: f32):
      linalg.yield %in : f32
    } -> tensor<2x24x24xf32>
    %113 = linalg.batch_matmul ins(%111, %112 : tensor<2x9x24xf32>, tensor<2x24x24xf32>) outs(%38 : tensor<2x9x24xf32>) -> tensor<2x9x24xf32>
    %114 = linalg.generic {indexing_maps = [affine_map<(d0, d1, d2) -> (d0, d1, d2)>, affine_map<(d0, d1, d2) -> (d2)>, affine_map<(d0, d1, d2) -> (d0, d1, d2)>], iterator_types = ["parallel", "parallel", "parallel"]} ins(%113, %cst_19 : tensor<2x9x24xf32>, tensor<24xf32>) outs(%10 : tensor<2x9x24xf32>) {
    ^bb0(%in: f32, %in_93: f32, %out: f32):
      %179 = arith.addf %in, %in_93 : f32
      linalg.yield %179 : f32
    } -> tensor<2x9x24xf32>
    %expanded_72 = tensor.expand_shape %114 [[0], [1], [2, 3]] output_shape [2, 9, 3, 8] : tensor<2x9x24xf32> into tensor<2x9x3x8xf32>
    %transposed_73 = linalg.transpose ins(%expanded_72 : tensor<2x9x3x8xf32>) outs(%41 : tensor<2x3x9x8xf32>) permutation = [0, 2, 1, 3] 
    %115 = linalg.generic {indexing_maps = [affine_map<(d0, d1, d2) -> (d1, d2)>, affine_map<(d0, d1, d2) -> (d0, d1, d2)>], iterator_types = ["parallel", "parallel", "parallel"]} ins(%cst_39 : tensor<24x24xf32>) outs(%36 : tensor<2x24x24xf32>) {
    ^bb0(%in: f32, %out: f32):
      linalg.yield %in : f32
    } -> tensor<2x24x24xf32>
    %116 = linalg.batch_matmul ins(%111, %115 : tensor<2x9x24xf32>, tensor<2x24x24xf32>) outs(%38 : tensor<2x9x24xf32>) -> tensor<2x9x24xf32>
    %117 = linalg.generic {indexing_maps = [affine_map<(d0, d1, d2) -> (d0, d1, d2)>, affine_map<(d0, d1, d2) -> (d2)>, affine_map<(d0, d1, d2) -> (d0, d1, d2)>], iterator_types = ["parallel", "parallel", "parallel"]} ins(%116, %cst_20 : tensor<2x9x24xf32>, tensor<24xf32>) outs(%10 : tensor<2x9x24xf32>) {
    ^bb0(%in: f32, %in_93: f32, %out: f32):
      %179 = arith.addf %in, %in_93 : f32
      linalg.yield %179 : f32
    } -> tensor<2x9x24xf32>
    %expanded_74 = tensor.expand_shape %117 [[0], [1], [2, 3]] output_shape [2, 9, 3, 8] : tensor<2x9x24xf32> into tensor<2x9x3x8xf32>
    %118 = linalg.generic {indexing_maps = [affine_map<(d0, d1, d2) -> (d1, d2)>, affine_map<(d0, d1, d2) -> (d0, d1, d2)>], iterator_types = ["parallel", "parallel", "parallel"]} ins(%cst_40 : tensor<24x24xf32>) outs(%36 : tensor<2x24x24xf32>) {
    ^bb0(%in: f32, %out: f32):
      linalg.yield %in : f32
    } -> tensor<2x24x24xf32>
    %119 = linalg.batch_matmul ins(%111, %118 : tensor<2x9x24xf32>, tensor<2x24x24xf32>) outs(%38 : tensor<2x9x24xf32>) -> tensor<2x9x24xf32>
    %120 = linalg.generic {indexing_maps = [affine_map<(d0, d1, d2) -> (d0, d1, d2)>, affine_map<(d0, d1, d2) -> (d2)>, affine_map<(d0, d1, d2) -> (d0, d1, d2)>], iterator_types = ["parallel", "parallel", "parallel"]} ins(%119, %cst_21 : tensor<2x9x24xf32>, tensor<24xf32>) outs(%10 : tensor<2x9x24xf32>) {
    ^bb0(%in: f32, %in_93: f32, %out: f32):
      %179 = arith.addf %in, %in_93 : f32
      linalg.yield %179 : f32
    } -> tensor<2x9x24xf32>
    %expanded_75 = tensor.expand_shape %120 [[0], [1], [2, 3]] output_shape [2, 9, 3, 8] : tensor<2x9x24xf32> into tensor<2x9x3x8xf32>
    %transposed_76 = linalg.transpose ins(%expanded_75 : tensor<2x9x3x8xf32>) outs(%41 : tensor<2x3x9x8xf32>) permutation = [0, 2, 1, 3] 
    %transposed_77 = linalg.transpose ins(%expanded_74 : tensor<2x9x3x8xf32>) outs(%48 : tensor<2x3x8x9xf32>) permutation = [0, 2, 3, 1] 
    %collapsed_78 = tensor.collapse_shape %transposed_73 [[0, 1], [2], [3]] : tensor<2x3x9x8xf32> into tensor<6x9x8xf32>
    %collapsed_79 = tensor.collapse_shape %transposed_77 [[0, 1], [2], [3]] : tensor<2x3x8x9xf32> into tensor<6x8x9xf32>
    %121 = linalg.batch_matmul ins(%collapsed_78, %collapsed_79 : tensor<6x9x8xf32>, tensor<6x8x9xf32>) outs(%50 : tensor<6x9x9xf32>) -> tensor<6x9x9xf32>
    %expanded_80 = tensor.expand_shape %121 [[0, 1], [2], [3]] output_shape [2, 3, 9, 9] : tensor<6x9x9xf32> into tensor<2x3x9x9xf32>
    %122 = linalg.generic {indexing_maps = [affine_map<(d0, d1, d2, d3) -> (d0, d1, d2, d3)>, affine_map<(d0, d1, d2, d3) -> ()>, affine_map<(d0, d1, d2, d3) -> (d0, d1, d2, d3)>], iterator_types = ["parallel", "parallel", "parallel", "parallel"]} ins(%expanded_80, %cst_46 : tensor<2x3x9x9xf32>, tensor<f32>) outs(%52 : tensor<2x3x9x9xf32>) {
    ^bb0(%in: f32, %in_93: f32, %out: f32):
      %179 = arith.divf %in, %in_93 : f32
      linalg.yield %179 : f32
    } -> tensor<2x3x9x9xf32>
    %123 = linalg.generic {indexing_maps = [affine_map<(d0, d1, d2, d3) -> (d0, d1, d2, d3)>, affine_map<(d0, d1, d2, d3) -> (d0, 0, 0, d3)>, affine_map<(d0, d1, d2, d3) -> (d0, d1, d2, d3)>], iterator_types = ["parallel", "parallel", "parallel", "parallel"]} ins(%122, %35 : tensor<2x3x9x9xf32>, tensor<2x1x1x9xf32>) outs(%52 : tensor<2x3x9x9xf32>) {
    ^bb0(%in: f32, %in_93: f32, %out: f32):
      %179 = arith.addf %in, %in_93 : f32
      linalg.yield %179 : f32
    } -> tensor<2x3x9x9xf32>
    %124:2 = linalg.generic {indexing_maps = [affine_map<(d0, d1, d2, d3) -> (d0, d1, d2, d3)>, affine_map<(d0, d1, d2, d3) -> (d0, d1, d2)>, affine_map<(d0, d1, d2, d3) -> (d0, d1, d2)>], iterator_types = ["parallel", "parallel", "parallel", "reduction"]} ins(%123 : tensor<2x3x9x9xf32>) outs(%58, %56 : tensor<2x3x9xf32>, tensor<2x3x9xi64>) {
    ^bb0(%in: f32, %out: f32, %out_93: i64):
      %179 = linalg.index 3 : index
      %180 = arith.index_cast %179 : index to i64
      %181 = arith.maximumf %in, %out : f32
      %182 = arith.cmpf ogt, %in, %out : f32
      %183 = arith.select %182, %180, %out_93 : i64
      linalg.yield %181, %183 : f32, i64
    } -> (tensor<2x3x9xf32>, tensor<2x3x9xi64>)
    %expanded_81 = tensor.expand_shape %124#0 [[0], [1], [2, 3]] output_shape [2, 3, 9, 1] : tensor<2x3x9xf32> into tensor<2x3x9x1xf32>
    %125 = linalg.generic {indexing_maps = [affine_map<(d0, d1, d2, d3) -> (d0, d1, d2, d3)>, affine_map<(d0, d1, d2, d3) -> (d0, d1, d2, 0)>, affine_map<(d0, d1, d2, d3) -> (d0, d1, d2, d3)>], iterator_types = ["parallel", "parallel", "parallel", "parallel"]} ins(%123, %expanded_81 : tensor<2x3x9x9xf32>, tensor<2x3x9x1xf32>) outs(%52 : tensor<2x3x9x9xf32>) {
    ^bb0(%in: f32, %in_93: f32, %out: f32):
      %179 = arith.subf %in, %in_93 : f32
      linalg.yield %179 : f32
    } -> tensor<2x3x9x9xf32>
    %126 = linalg.generic {indexing_maps = [affine_map<(d0, d1, d2, d3) -> (d0, d1, d2, d3)>, affine_map<(d0, d1, d2, d3) -> (d0, d1, d2, d3)>], iterator_types = ["parallel", "parallel", "parallel", "parallel"]} ins(%125 : tensor<2x3x9x9xf32>) outs(%52 : tensor<2x3x9x9xf32>) {
    ^bb0(%in: f32, %out: f32):
      %179 = math.exp %in : f32
      linalg.yield %179 : f32
    } -> tensor<2x3x9x9xf32>
    %127 = linalg.generic {indexing_maps = [affine_map<(d0, d1, d2, d3) -> (d0, d1, d2, d3)>, affine_map<(d0, d1, d2, d3) -> (d0, d1, d2, 0)>], iterator_types = ["parallel", "parallel", "parallel", "reduction"]} ins(%126 : tensor<2x3x9x9xf32>) outs(%63 : tensor<2x3x9x1xf32>) {
    ^bb0(%in: f32, %out: f32):
      %179 = arith.addf %in, %out : f32
      linalg.yield %179 : f32
    } -> tensor<2x3x9x1xf32>
    %128 = linalg.generic {indexing_maps = [affine_map<(d0, d1, d2, d3) -> (d0, d1, d2, d3)>, affine_map<(d0, d1, d2, d3) -> (d0, d1, d2, 0)>, affine_map<(d0, d1, d2, d3) -> (d0, d1, d2, d3)>], iterator_types = ["parallel", "parallel", "parallel", "parallel"]} ins(%126, %127 : tensor<2x3x9x9xf32>, tensor<2x3x9x1xf32>) outs(%52 : tensor<2x3x9x9xf32>) {
    ^bb0(%in: f32, %in_93: f32, %out: f32):
      %179 = arith.divf %in, %in_93 : f32
      linalg.yield %179 : f32
    } -> tensor<2x3x9x9xf32>
    %collapsed_82 = tensor.collapse_shape %128 [[0, 1], [2], [3]] : tensor<2x3x9x9xf32> into tensor<6x9x9xf32>
    %collapsed_83 = tensor.collapse_shape %transposed_76 [[0, 1], [2], [3]] : tensor<2x3x9x8xf32> into tensor<6x9x8xf32>
    %129 = linalg.batch_matmul ins(%collapsed_82, %collapsed_83 : tensor<6x9x9xf32>, tensor<6x9x8xf32>) outs(%67 : tensor<6x9x8xf32>) -> tensor<6x9x8xf32>
    %expanded_84 = tensor.expand_shape %129 [[0, 1], [2], [3]] output_shape [2, 3, 9, 8] : tensor<6x9x8xf32> into tensor<2x3x9x8xf32>
    %transposed_85 = linalg.transpose ins(%expanded_84 : tensor<2x3x9x8xf32>) outs(%69 : tensor<2x9x3x8xf32>) permutation = [0, 2, 1, 3] 
    %collapsed_86 = tensor.collapse_shape %transposed_85 [[0], [1], [2, 3]] : tensor<2x9x3x8xf32> into tensor<2x9x24xf32>
    %130 = linalg.generic {indexing_maps = [affine_map<(d0, d1, d2) -> (d1, d2)>, affine_map<(d0, d1, d2) -> (d0, d1, d2)>], iterator_types = ["parallel", "parallel", "parallel"]} ins(%cst_41 : tensor<24x24xf32>) outs(%36 : tensor<2x24x24xf32>) {
    ^bb0(%in: f32, %out: f32):
      linalg.yield %in : f32
    } -> tensor<2x24x24xf32>
    %131 = linalg.batch_matmul ins(%collapsed_86, %130 : tensor<2x9x24xf32>, tensor<2x24x24xf32>) outs(%38 : tensor<2x9x24xf32>) -> tensor<2x9x24xf32>
    %132 = linalg.generic {indexing_maps = [affine_map<(d0, d1, d2) -> (d0, d1, d2)>, affine_map<(d0, d1, d2) -> (d2)>, affine_map<(d0, d1, d2) -> (d0, d1, d2)>], iterator_types = ["parallel", "parallel", "parallel"]} ins(%131, %cst_22 : tensor<2x9x24xf32>, tensor<24xf32>) outs(%10 : tensor<2x9x24xf32>) {
    ^bb0(%in: f32, %in_93: f32, %out: f32):
      %179 = arith.addf %in, %in_93 : f32
      linalg.yield %179 : f32
    } -> tensor<2x9x24xf32>
    %133 = linalg.generic {indexing_maps = [affine_map<(d0, d1, d2) -> (d0, d1, d2)>, affine_map<(d0, d1, d2) -> (d0, d1, d2)>, affine_map<(d0, d1, d2) -> (d0, d1, d2)>], iterator_types = ["parallel", "parallel", "parallel"]} ins(%111, %132 : tensor<2x9x24xf32>, tensor<2x9x24xf32>) outs(%10 : tensor<2x9x24xf32>) {
    ^bb0(%in: f32, %in_93: f32, %out: f32):
      %179 = arith.addf %in, %in_93 : f32
      linalg.yield %179 : f32
    } -> tensor<2x9x24xf32>
    %134 = linalg.generic {indexing_maps = [affine_map<(d0, d1, d2) -> (d0, d1, d2)>, affine_map<(d0, d1, d2) -> (d0, d1, 0)>], iterator_types = ["parallel", "parallel", "reduction"]} ins(%133 : tensor<2x9x24xf32>) outs(%18 : tensor<2x9x1xf32>) {
    ^bb0(%in: f32, %out: f32):
      %179 = arith.addf %in, %out : f32
      linalg.yield %179 : f32
    } -> tensor<2x9x1xf32>
    %135 = linalg.generic {indexing_maps = [affine_map<(d0, d1, d2) -> (d0, d1, d2)>, affine_map<(d0, d1, d2) -> (d0, d1, d2)>], iterator_types = ["parallel", "parallel", "parallel"]} ins(%134 : tensor<2x9x1xf32>) outs(%17 : tensor<2x9x1xf32>) {
    ^bb0(%in: f32, %out: f32):
      %179 = arith.divf %in, %cst_47 : f32
      linalg.yield %179 : f32
    } -> tensor<2x9x1xf32>
    %collapsed_87 = tensor.collapse_shape %135 [[0], [1, 2]] : tensor<2x9x1xf32> into tensor<2x9xf32>
    %136 = linalg.generic {indexing_maps = [affine_map<(d0, d1, d2) -> (d0, d1)>, affine_map<(d0, d1, d2) -> (d0, d1, d2)>], iterator_types = ["parallel", "parallel", "parallel"]} ins(%collapsed_87 : tensor<2x9xf32>) outs(%10 : tensor<2x9x24xf32>) {
    ^bb0(%in: f32, %out: f32):
      linalg.yield %in : f32
    } -> tensor<2x9x24xf32>
    %137 = linalg.generic {indexing_maps = [affine_map<(d0, d1, d2) -> (d0, d1, d2)>, affine_map<(d0, d1, d2) -> (d0, d1, d2)>, affine_map<(d0, d1, d2) -> (d0, d1, d2)>], iterator_types = ["parallel", "parallel", "parallel"]} ins(%133, %136 : tensor<2x9x24xf32>, tensor<2x9x24xf32>) outs(%10 : tensor<2x9x24xf32>) {
    ^bb0(%in: f32, %in_93: f32, %out: f32):
      %179 = arith.subf %in, %in_93 : f32
      linalg.yield %179 : f32
    } -> tensor<2x9x24xf32>
    %138 = linalg.generic {indexing_maps = [affine_map<(d0, d1, d2) -> (d0, d1, d2)>, affine_map<(d0, d1, d2) -> (d0, d1, d2)>, affine_map<(d0, d1, d2) -> (d0, d1, d2)>], iterator_types = ["parallel", "parallel", "parallel"]} ins(%137, %137 : tensor<2x9x24xf32>, tensor<2x9x24xf32>) outs(%10 : tensor<2x9x24xf32>) {
    ^bb0(%in: f32, %in_93: f32, %out: f32):
      %179 = arith.mulf %in, %in_93 : f32
      linalg.yield %179 : f32
    } -> tensor<2x9x24xf32>
    %139 = linalg.generic {indexing_maps = [affine_map<(d0, d1, d2) -> (d0, d1, d2)>, affine_map<(d0, d1, d2) -> (d0, d1, 0)>], iterator_types = ["parallel", "parallel", "reduction"]} ins(%138 : tensor<2x9x24xf32>) outs(%18 : tensor<2x9x1xf32>) {
    ^bb0(%in: f32, %out: f32):
      %179 = arith.addf %in, %out : f32
      linalg.yield %179 : f32
    } -> tensor<2x9x1xf32>
    %140 = linalg.generic {indexing_maps = [affine_map<(d0, d1, d2) -> (d0, d1, d2)>, affine_map<(d0, d1, d2) -> (d0, d1, d2)>], iterator_types = ["parallel", "parallel", "parallel"]} ins(%139 : tensor<2x9x1xf32>) outs(%17 : tensor<2x9x1xf32>) {
    ^bb0(%in: f32, %out: f32):
      %179 = arith.divf %in, %cst_47 : f32
      linalg.yield %179 : f32
    } -> tensor<2x9x1xf32>
    %141 = linalg.generic {indexing_maps = [affine_map<(d0, d1, d2) -> (d0, d1, d2)>, affine_map<(d0, d1, d2) -> (d0, d1, d2)>], iterator_types = ["parallel", "parallel", "parallel"]} ins(%140 : tensor<2x9x1xf32>) outs(%17 : tensor<2x9x1xf32>) {
    ^bb0(%in: f32, %out: f32):
      %179 = arith.addf %in, %cst_48 : f32
      linalg.yield %179 : f32
    } -> tensor<2x9x1xf32>
    %142 = linalg.generic {indexing_maps = [affine_map<(d0, d1, d2) -> (d0, d1, d2)>, affine_map<(d0, d1, d2) -> (d0, d1, d2)>], iterator_types = ["parallel", "parallel", "parallel"]} ins(%141 : tensor<2x9x1xf32>) outs(%17 : tensor<2x9x1xf32>) {
    ^bb0(%in: f32, %out: f32):
      %179 = math.rsqrt %in : f32
      linalg.yield %179 : f32
    } -> tensor<2x9x1xf32>
    %collapsed_88 = tensor.collapse_shape %142 [[0], [1, 2]] : tensor<2x9x1xf32> into tensor<2x9xf32>
    %143 = linalg.generic {indexing_maps = [affine_map<(d0, d1, d2) -> (d0, d1)>, affine_map<(d0, d1, d2) -> (d0, d1, d2)>], iterator_types = ["parallel", "parallel", "parallel"]} ins(%collapsed_88 : tensor<2x9xf32>) outs(%10 : tensor<2x9x24xf32>) {
    ^bb0(%in: f32, %out: f32):
      linalg.yield %in : f32
    } -> tensor<2x9x24xf32>
    %144 = linalg.generic {indexing_maps = [affine_map<(d0, d1, d2) -> (d0, d1, d2)>, affine_map<(d0, d1, d2) -> (d0, d1, d2)>, affine_map<(d0, d1, d2) -> (d0, d1, d2)>], iterator_types = ["parallel", "parallel", "parallel"]} ins(%137, %143 : tensor<2x9x24xf32>, tensor<2x9x24xf32>) outs(%10 : tensor<2x9x24xf32>) {
    ^bb0(%in: f32, %in_93: f32, %out: f32):
      %179 = arith.mulf %in, %in_93 : f32
      linalg.yield %179 : f32
    } -> tensor<2x9x24xf32>
    %145 = linalg.generic {indexing_maps = [affine_map<(d0, d1, d2) -> (d0, d1, d2)>, affine_map<(d0, d1, d2) -> (d2)>, affine_map<(d0, d1, d2) -> (d0, d1, d2)>], iterator_types = ["parallel", "parallel", "parallel"]} ins(%144, %cst_25 : tensor<2x9x24xf32>, tensor<24xf32>) outs(%10 : tensor<2x9x24xf32>) {
    ^bb0(%in: f32, %in_93: f32, %out: f32):
      %179 = arith.mulf %in, %in_93 : f32
      linalg.yield %179 : f32
    } -> tensor<2x9x24xf32>
    %146 = linalg.generic {indexing_maps = [affine_map<(d0, d1, d2) -> (d0, d1, d2)>, affine_map<(d0, d1, d2) -> (d2)>, affine_map<(d0, d1, d2) -> (d0, d1, d2)>], iterator_types = ["parallel", "parallel", "parallel"]} ins(%145, %cst_26 : tensor<2x9x24xf32>, tensor<24xf32>) outs(%10 : tensor<2x9x24xf32>) {
    ^bb0(%in: f32, %in_93: f32, %out: f32):
      %179 = arith.addf %in, %in_93 : f32
      linalg.yield %179 : f32
    } -> tensor<2x9x24xf32>
    %147 = linalg.generic {indexing_maps = [affine_map<(d0, d1, d2) -> (d1, d2)>, affine_map<(d0, d1, d2) -> (d0, d1, d2)>], iterator_types = ["parallel", "parallel", "parallel"]} ins(%cst_42 : tensor<24x72xf32>) outs(%87 : tensor<2x24x72xf32>) {
    ^bb0(%in: f32, %out: f32):
      linalg.yield %in : f32
    } -> tensor<2x24x72xf32>
    %148 = linalg.batch_matmul ins(%146, %147 : tensor<2x9x24xf32>, tensor<2x24x72xf32>) outs(%90 : tensor<2x9x72xf32>) -> tensor<2x9x72xf32>
    %149 = linalg.generic {indexing_maps = [affine_map<(d0, d1, d2) -> (d0, d1, d2)>, affine_map<(d0, d1, d2) -> (d2)>, affine_map<(d0, d1, d2) -> (d0, d1, d2)>], iterator_types = ["parallel", "parallel", "parallel"]} ins(%148, %cst_23 : tensor<2x9x72xf32>, tensor<72xf32>) outs(%89 : tensor<2x9x72xf32>) {
    ^bb0(%in: f32, %in_93: f32, %out: f32):
      %179 = arith.addf %in, %in_93 : f32
      linalg.yield %179 : f32
    } -> tensor<2x9x72xf32>
    %150 = linalg.generic {indexing_maps = [affine_map<(d0, d1, d2) -> (d0, d1, d2)>, affine_map<(d0, d1, d2) -> (d0, d1, d2)>], iterator_types = ["parallel", "parallel", "parallel"]} ins(%149 : tensor<2x9x72xf32>) outs(%89 : tensor<2x9x72xf32>) {
    ^bb0(%in: f32, %out: f32):
      %179 = arith.divf %in, %cst_1 : f32
      %180 = math.erf %179 : f32
      %181 = arith.addf %180, %cst_2 : f32
      %182 = arith.mulf %181, %cst_3 : f32
      %183 = arith.mulf %in, %182 : f32
      linalg.yield %183 : f32
    } -> tensor<2x9x72xf32>
    %151 = linalg.generic {indexing_maps = [affine_map<(d0, d1, d2) -> (d1, d2)>, affine_map<(d0, d1, d2) -> (d0, d1, d2)>], iterator_types = ["parallel", "parallel", "parallel"]} ins(%cst_43 : tensor<72x24xf32>) outs(%94 : tensor<2x72x24xf32>) {
    ^bb0(%in: f32, %out: f32):
      linalg.yield %in : f32
    } -> tensor<2x72x24xf32>
    %152 = linalg.batch_matmul ins(%150, %151 : tensor<2x9x72xf32>, tensor<2x72x24xf32>) outs(%38 : tensor<2x9x24xf32>) -> tensor<2x9x24xf32>
    %153 = linalg.generic {indexing_maps = [affine_map<(d0, d1, d2) -> (d0, d1, d2)>, affine_map<(d0, d1, d2) -> (d2)>, affine_map<(d0, d1, d2) -> (d0, d1, d2)>], iterator_types = ["parallel", "parallel", "parallel"]} ins(%152, %cst_24 : tensor<2x9x24xf32>, tensor<24xf32>) outs(%10 : tensor<2x9x24xf32>) {
    ^bb0(%in: f32, %in_93: f32, %out: f32):
      %179 = arith.addf %in, %in_93 : f32
      linalg.yield %179 : f32
    } -> tensor<2x9x24xf32>
    %154 = linalg.generic {indexing_maps = [affine_map<(d0, d1, d2) -> (d0, d1, d2)>, affine_map<(d0, d1, d2) -> (d0, d1, d2)>, affine_map<(d0, d1, d2) -> (d0, d1, d2)>], iterator_types = ["parallel", "parallel", "parallel"]} ins(%146, %153 : tensor<2x9x24xf32>, tensor<2x9x24xf32>) outs(%10 : tensor<2x9x24xf32>) {
    ^bb0(%in: f32, %in_93: f32, %out: f32):
      %179 = arith.addf %in, %in_93 : f32
      linalg.yield %179 : f32
    } -> tensor<2x9x24xf32>
    %155 = linalg.generic {indexing_maps = [affine_map<(d0, d1, d2) -> (d0, d1, d2)>, affine_map<(d0, d1, d2) -> (d0, d1, 0)>], iterator_types = ["parallel", "parallel", "reduction"]} ins(%154 : tensor<2x9x24xf32>) outs(%18 : tensor<2x9x1xf32>) {
    ^bb0(%in: f32, %out: f32):
      %179 = arith.addf %in, %out : f32
      linalg.yield %179 : f32
    } -> tensor<2x9x1xf32>
    %156 = linalg.generic {indexing_maps = [affine_map<(d0, d1, d2) -> (d0, d1, d2)>, affine_map<(d0, d1, d2) -> (d0, d1, d2)>], iterator_types = ["parallel", "parallel", "parallel"]} ins(%155 : tensor<2x9x1xf32>) outs(%17 : tensor<2x9x1xf32>) {
    ^bb0(%in: f32, %out: f32):
      %179 = arith.divf %in, %cst_47 : f32
      linalg.yield %179 : f32
    } -> tensor<2x9x1xf32>
    %collapsed_89 = tensor.collapse_shape %156 [[0], [1, 2]] : tensor<2x9x1xf32> into tensor<2x9xf32>
    %157 = linalg.generic {indexing_maps = [affine_map<(d0, d1, d2) -> (d0, d1)>, affine_map<(d0, d1, d2) -> (d0, d1, d2)>], iterator_types = ["parallel", "parallel", "parallel"]} ins(%collapsed_89 : tensor<2x9xf32>) outs(%10 : tensor<2x9x24xf32>) {
    ^bb0(%in: f32, %out: f32):
      linalg.yield %in : f32
    } -> tensor<2x9x24xf32>
    %158 = linalg.generic {indexing_maps = [affine_map<(d0, d1, d2) -> (d0, d1, d2)>, affine_map<(d0, d1, d2) -> (d0, d1, d2)>, affine_map<(d0, d1, d2) -> (d0, d1, d2)>], iterator_types = ["parallel", "parallel", "parallel"]} ins(%154, %157 : tensor<2x9x24xf32>, tensor<2x9x24xf32>) outs(%10 : tensor<2x9x24xf32>) {
    ^bb0(%in: f32, %in_93: f32, %out: f32):
      %179 = arith.subf %in, %in_93 : f32
      linalg.yield %179 : f32
    } -> tensor<2x9x24xf32>
    %159 = linalg.generic {indexing_maps = [affine_map<(d0, d1, d2) -> (d0, d1, d2)>, affine_map<(d0, d1, d2) -> (d0, d1, d2)>, affine_map<(d0, d1, d2) -> (d0, d1, d2)>], iterator_types = ["parallel", "parallel", "parallel"]} ins(%158, %158 : tensor<2x9x24xf32>, tensor<2x9x24xf32>) outs(%10 : tensor<2x9x24xf32>) {
    ^bb0(%in: f32, %in_93: f32, %out: f32):
      %179 = arith.mulf %in, %in_93 : f32
      linalg.yield %179 : f32
    } -> tensor<2x9x24xf32>
    %160 = linalg.generic {indexing_maps = [affine_map<(d0, d1, d2) -> (d0, d1, d2)>, affine_map<(d0, d1, d2) -> (d0, d1, 0)>], iterator_types = ["parallel", "parallel", "reduction"]} ins(%159 : tensor<2x9x24xf32>) outs(%18 : tensor<2x9x1xf32>) {
    ^bb0(%in: f32, %out: f32):
      %179 = arith.addf %in, %out : f32
      linalg.yield %179 : f32
    } -> tensor<2x9x1xf32>
    %161 = linalg.generic {indexing_maps = [affine_map<(d0, d1, d2) -> (d0, d1, d2)>, affine_map<(d0, d1, d2) -> (d0, d1, d2)>], iterator_types = ["parallel", "parallel", "parallel"]} ins(%160 : tensor<2x9x1xf32>) outs(%17 : tensor<2x9x1xf32>) {
    ^bb0(%in: f32, %out: f32):
      %179 = arith.divf %in, %cst_47 : f32
      linalg.yield %179 : f32
    } -> tensor<2x9x1xf32>
    %162 = linalg.generic {indexing_maps = [affine_map<(d0, d1, d2) -> (d0, d1, d2)>, affine_map<(d0, d1, d2) -> (d0, d1, d2)>], iterator_types = ["parallel", "parallel", "parallel"]} ins(%161 : tensor<2x9x1xf32>) outs(%17 : tensor<2x9x1xf32>) {
    ^bb0(%in: f32, %out: f32):
      %179 = arith.addf %in, %cst_48 : f32
      linalg.yield %179 : f32
    } -> tensor<2x9x1xf32>
    %163 = linalg.generic {indexing_maps = [affine_map<(d0, d1, d2) -> (d0, d1, d2)>, affine_map<(d0, d1, d2) -> (d0, d1, d2)>], iterator_types = ["parallel", "parallel", "parallel"]} ins(%162 : tensor<2x9x1xf32>) outs(%17 : tensor<2x9x1xf32>) {
    ^bb0(%in: f32, %out: f32):
      %179 = math.rsqrt %in : f32
      linalg.yield %179 : f32
    } -> tensor<2x9x1xf32>
    %collapsed_90 = tensor.collapse_shape %163 [[0], [1, 2]] : tensor<2x9x1xf32> into tensor<2x9xf32>
    %164 = linalg.generic {indexing_maps = [affine_map<(d0, d1, d2) -> (d0, d1)>, affine_map<(d0, d1, d2) -> (d0, d1, d2)>], iterator_types = ["parallel", "parallel", "parallel"]} ins(%collapsed_90 : tensor<2x9xf32>) outs(%10 : tensor<2x9x24xf32>) {
    ^bb0(%in: f32, %out: f32):
      linalg.yield %in : f32
    } -> tensor<2x9x24xf32>
    %165 = linalg.generic {indexing_maps = [affine_map<(d0, d1, d2) -> (d0, d1, d2)>, affine_map<(d0, d1, d2) -> (d0, d1, d2)>, affine_map<(d0, d1, d2) -> (d0, d1, d2)>], iterator_types = ["parallel", "parallel", "parallel"]} ins(%158, %164 : tensor<2x9x24xf32>, tensor<2x9x24xf32>) outs(%10 : tensor<2x9x24xf32>) {
    ^bb0(%in: f32, %in_93: f32, %out: f32):
      %179 = arith.mulf %in, %in_93 : f32
      linalg.yield %179 : f32
    } -> tensor<2x9x24xf32>
    %166 = linalg.generic {indexing_maps = [affine_map<(d0, d1, d2) -> (d0, d1, d2)>, affine_map<(d0, d1, d2) -> (d2)>, affine_map<(d0, d1, d2) -> (d0, d1, d2)>], iterator_types = ["parallel", "parallel", "parallel"]} ins(%165, %cst_27 : tensor<2x9x24xf32>, tensor<24xf32>) outs(%10 : tensor<2x9x24xf32>) {
    ^bb0(%in: f32, %in_93: f32, %out: f32):
      %179 = arith.mulf %in, %in_93 : f32
      linalg.yield %179 : f32
    } -> tensor<2x9x24xf32>
    %167 = linalg.generic {indexing_maps = [affine_map<(d0, d1, d2) -> (d0, d1, d2)>, affine_map<(d0, d1, d2) -> (d2)>, affine_map<(d0, d1, d2) -> (d0, d1, d2)>], iterator_types = ["parallel", "parallel", "parallel"]} ins(%166, %cst_28 : tensor<2x9x24xf32>, tensor<24xf32>) outs(%10 : tensor<2x9x24xf32>) {
    ^bb0(%in: f32, %in_93: f32, %out: f32):
      %179 = arith.addf %in, %in_93 : f32
      linalg.yield %179 : f32
    } -> tensor<2x9x24xf32>
    %168 = tensor.empty() : tensor<2x1x24xf32>
    %169 = linalg.generic {indexing_maps = [affine_map<(d0, d1, d2) -> (d1)>, affine_map<(d0, d1, d2) -> (d0, d1, d2)>], iterator_types = ["parallel", "parallel", "parallel"]} ins(%cst_4 : tensor<1xi64>) outs(%168 : tensor<2x1x24xf32>) {
    ^bb0(%in: i64, %out: f32):
      %179 = arith.index_cast %in : i64 to index
      %180 = linalg.index 0 : index
      %181 = linalg.index 2 : index
      %extracted = tensor.extract %167[%180, %179, %181] : tensor<2x9x24xf32>
      linalg.yield %extracted : f32
    } -> tensor<2x1x24xf32>
    %collapsed_91 = tensor.collapse_shape %169 [[0, 1], [2]] : tensor<2x1x24xf32> into tensor<2x24xf32>
    %170 = tensor.empty() : tensor<24x24xf32>
    %transposed_92 = linalg.transpose ins(%cst_29 : tensor<24x24xf32>) outs(%170 : tensor<24x24xf32>) permutation = [1, 0] 
    %171 = tensor.empty() : tensor<2x24xf32>
    %172 = linalg.fill ins(%cst : f32) outs(%171 : tensor<2x24xf32>) -> tensor<2x24xf32>
    %173 = linalg.matmul ins(%collapsed_91, %transposed_92 : tensor<2x24xf32>, tensor<24x24xf32>) outs(%172 : tensor<2x24xf32>) -> tensor<2x24xf32>
    %174 = linalg.generic {indexing_maps = [affine_map<(d0, d1) -> (d0, d1)>, affine_map<(d0, d1) -> (d1)>, affine_map<(d0, d1) -> (d0, d1)>], iterator_types = ["parallel", "parallel"]} ins(%173, %cst_30 : tensor<2x24xf32>, tensor<24xf32>) outs(%171 : tensor<2x24xf32>) {
    ^bb0(%in: f32, %in_93: f32, %out: f32):
      %179 = arith.addf %in, %in_93 : f32
      linalg.yield %179 : f32
    } -> tensor<2x24xf32>
    %175 = linalg.generic {indexing_maps = [affine_map<(d0, d1) -> (d0, d1)>, affine_map<(d0, d1) -> (d0, d1)>], iterator_types = ["parallel", "parallel"]} ins(%174 : tensor<2x24xf32>) outs(%171 : tensor<2x24xf32>) {
    ^bb0(%in: f32, %out: f32):
      %179 = math.tanh %in : f32
      linalg.yield %179 : f32
    } -> tensor<2x24xf32>
    return %167, %175 : tensor<2x9x24xf32>, tensor<2x24xf32>
  }
}
