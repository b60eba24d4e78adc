ml_program.global private @w(dense<0.5> : tensor<16x16xf32>) : tensor<16x16xf32>
func.func @main(%q: tensor<512x16xf32>, %k: tensor<512x16xf32>, %v: tensor<512x16xf32>) -> tensor<512x16xf32> {
  %s = linnet.einsum "ic,jc->ij" %q, %k : tensor<512x16xf32>, tensor<512x16xf32> -> tensor<512x512xf32>
  %o = linnet.einsum "ij,jd->id" %s, %v : tensor<512x512xf32>, tensor<512x16xf32> -> tensor<512x16xf32>
  %w = ml_program.global_load_const @w : tensor<16x16xf32>
  %y = linnet.einsum "id,de->ie" %o, %w : tensor<512x16xf32>, tensor<16x16xf32> -> tensor<512x16xf32>
  return %y : tensor<512x16xf32>
}
