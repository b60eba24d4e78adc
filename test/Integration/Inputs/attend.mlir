func.func @attend(%x: tensor<1x1x8192x16xf32>, %v: tensor<1x1x8192x16xf32>) -> tensor<1x1x8192x16xf32> {
  %scale = arith.constant dense<0.25> : tensor<16xf32>
  %q = linnet.rms_norm %x scale %scale eps 1.0e-6 : tensor<1x1x8192x16xf32>, tensor<16xf32>
  %o = linnet.attention %q, %q, %v masks<[causal]> scale(0.3)
      : tensor<1x1x8192x16xf32>, tensor<1x1x8192x16xf32>, tensor<1x1x8192x16xf32> -> tensor<1x1x8192x16xf32>
  return %o : tensor<1x1x8192x16xf32>
}
