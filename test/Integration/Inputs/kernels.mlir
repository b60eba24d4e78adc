// Kernels of two classes, with buffers of unlike types and workgroup memory in both.
func.func @main(%x: tensor<?x256xbf16> {linnet.dims = ["N", 256]}, %w: tensor<256x40xbf16>, %y: tensor<?x40xf32> {linnet.dims = ["N", 40]})
    -> (tensor<?x40xbf16>, tensor<?x40xf32>) {
  %p = linnet.einsum "nk,km->nm" %x, %w : tensor<?x256xbf16>, tensor<256x40xbf16> -> tensor<?x40xbf16>
  %s = linnet.softmax %y axis 1 : tensor<?x40xf32>
  return %p, %s : tensor<?x40xbf16>, tensor<?x40xf32>
}
