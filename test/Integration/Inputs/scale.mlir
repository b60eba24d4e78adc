func.func @scale(%x: tensor<?x5xf32> {linnet.dims = ["N", 5]}) -> tensor<?x5xf32> {
  %c = arith.constant 2.5 : f32
  %s = linnet.broadcast %c like %x : f32, tensor<?x5xf32> -> tensor<?x5xf32>
  %y = arith.mulf %x, %s : tensor<?x5xf32>
  return %y : tensor<?x5xf32>
}
