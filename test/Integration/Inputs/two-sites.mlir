// Two attentions: the scores of one have a bound, those of the other have none.
func.func private @block(%x: tensor<1x2x2048x16xf32>, %v: tensor<1x2x2048x16xf32>) -> tensor<1x2x2048x16xf32>
    attributes {linnet.contract = #linnet.contract<bound = 2.0e-2>} {
  %scale = arith.constant dense<0.25> : tensor<16xf32>
  %q = linnet.rms_norm %x scale %scale eps 1.0e-6 : tensor<1x2x2048x16xf32>, tensor<16xf32>
  %o = linnet.attention %q, %q, %v masks<[causal]> scale(0.3)
      : tensor<1x2x2048x16xf32>, tensor<1x2x2048x16xf32>, tensor<1x2x2048x16xf32> -> tensor<1x2x2048x16xf32>
  return %o : tensor<1x2x2048x16xf32>
}
func.func @main(%x: tensor<1x2x2048x16xf32>, %v: tensor<1x2x2048x16xf32>) -> tensor<1x2x2048x16xf32>
    attributes {linnet.contract = #linnet.contract<bound = 2.0e-2>} {
  %y = func.call @block(%x, %v) : (tensor<1x2x2048x16xf32>, tensor<1x2x2048x16xf32>) -> tensor<1x2x2048x16xf32>
  %z = arith.addf %x, %y : tensor<1x2x2048x16xf32>
  %o = linnet.attention %z, %z, %y masks<[causal]>
      : tensor<1x2x2048x16xf32>, tensor<1x2x2048x16xf32>, tensor<1x2x2048x16xf32> -> tensor<1x2x2048x16xf32>
  return %o : tensor<1x2x2048x16xf32>
}
