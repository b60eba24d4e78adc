// Two causal attentions with shared key heads, one long and one short: the tutorials rewrite the first.
func.func @long(%q: tensor<1x4x2048x64xf32>, %k: tensor<1x2x2048x64xf32>, %v: tensor<1x2x2048x64xf32>)
    -> tensor<1x4x2048x64xf32> {
  %o = linnet.attention %q, %k, %v masks<[causal]>
      : tensor<1x4x2048x64xf32>, tensor<1x2x2048x64xf32>, tensor<1x2x2048x64xf32> -> tensor<1x4x2048x64xf32>
  return %o : tensor<1x4x2048x64xf32>
}
func.func @short(%q: tensor<1x4x16x64xf32>, %k: tensor<1x2x16x64xf32>, %v: tensor<1x2x16x64xf32>)
    -> tensor<1x4x16x64xf32> {
  %o = linnet.attention %q, %k, %v masks<[causal]>
      : tensor<1x4x16x64xf32>, tensor<1x2x16x64xf32>, tensor<1x2x16x64xf32> -> tensor<1x4x16x64xf32>
  return %o : tensor<1x4x16x64xf32>
}
