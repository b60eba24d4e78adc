func.func @f(%x: tensor<1x2x8x16xf32>) -> tensor<1x2x8x16xf32> {
  %o = linnet.attention %x, %x, %x masks<[causal]>
      : tensor<1x2x8x16xf32>, tensor<1x2x8x16xf32>, tensor<1x2x8x16xf32> -> tensor<1x2x8x16xf32>
  return %o : tensor<1x2x8x16xf32>
}
