ml_program.global private @a(#ml_program.extern<tensor<2x3xf32>>) : tensor<2x3xf32>
ml_program.global private @b(#ml_program.extern<tensor<4xf32>>) : tensor<4xf32>
ml_program.global private @c(#ml_program.extern<tensor<5xf32>>) : tensor<5xf32>
func.func @f() -> (tensor<2x3xf32>, tensor<4xf32>, tensor<5xf32>) {
  %a = ml_program.global_load_const @a : tensor<2x3xf32>
  %b = ml_program.global_load_const @b : tensor<4xf32>
  %c = ml_program.global_load_const @c : tensor<5xf32>
  %x = arith.addf %a, %a : tensor<2x3xf32>
  %y = arith.addf %b, %b : tensor<4xf32>
  %z = arith.addf %c, %c : tensor<5xf32>
  return %x, %y, %z : tensor<2x3xf32>, tensor<4xf32>, tensor<5xf32>
}
