// RUN: linnet-opt %s --linnet-raise --split-input-file | FileCheck %s
// RUN: linnet-opt %s --linnet-raise=explain --split-input-file 2>&1 >/dev/null | FileCheck %s --check-prefix=REMARK

// A dynamic number of rows, 16-bit logits, a mean as an op.
// REMARK: remark: cross entropy: made linnet.cross_entropy
// CHECK-LABEL: func.func @dynamic
// CHECK-NEXT: linnet.cross_entropy mean %arg0, %arg1 : tensor<?x50xbf16>, tensor<?xi32> -> tensor<f32>
// CHECK-NEXT: return
func.func @dynamic(%x: tensor<?x50xbf16>, %t: tensor<?xi32>) -> tensor<f32> {
  %f = arith.extf %x : tensor<?x50xbf16> to tensor<?x50xf32>
  %p = linnet.softmax %f axis 1 : tensor<?x50xf32>
  %l = math.log %p : tensor<?x50xf32>
  %c = arith.constant 0 : index
  %n = tensor.dim %t, %c : tensor<?xi32>
  %u = tensor.expand_shape %t [[0, 1]] output_shape [%n, 1] : tensor<?xi32> into tensor<?x1xi32>
  %k = linnet.gather %l, %u axis 1 batch_dims 1 : tensor<?x50xf32>, tensor<?x1xi32> -> tensor<?x1xf32>
  %m = arith.negf %k : tensor<?x1xf32>
  %y = linnet.reduce mean %m axes [0, 1] : tensor<?x1xf32> -> tensor<f32>
  return %y : tensor<f32>
}

// -----

// Without the sign it is a logarithm of a probability.
// REMARK: remark: cross entropy, almost: the sign is not that of a loss
// CHECK-LABEL: func.func @probability
// CHECK-NOT: linnet.cross_entropy
func.func @probability(%x: tensor<4x50xf32>, %t: tensor<4x1xi64>) -> tensor<4x1xf32> {
  %p = linnet.softmax %x axis 1 : tensor<4x50xf32>
  %l = math.log %p : tensor<4x50xf32>
  %k = linnet.gather %l, %t axis 1 batch_dims 1 : tensor<4x50xf32>, tensor<4x1xi64> -> tensor<4x1xf32>
  return %k : tensor<4x1xf32>
}

// -----

// Label smoothing, of means, as PyTorch's decomposition writes it.
// REMARK: remark: cross entropy: made linnet.cross_entropy
// CHECK-LABEL: func.func @smoothed
// CHECK-NEXT: %[[T:.*]] = tensor.collapse_shape %arg1
// CHECK-NEXT: linnet.cross_entropy mean %arg0, %[[T]] label_smoothing 1.250000e-01 : tensor<8x64xf32>, tensor<8xi64> -> tensor<f32>
// CHECK-NEXT: return
func.func @smoothed(%x: tensor<8x64xf32>, %t: tensor<8x1xi64>) -> tensor<f32> {
  %p = linnet.softmax %x axis 1 : tensor<8x64xf32>
  %l = math.log %p : tensor<8x64xf32>
  %k = linnet.gather %l, %t axis 1 batch_dims 1 : tensor<8x64xf32>, tensor<8x1xi64> -> tensor<8x1xf32>
  %m = arith.negf %k : tensor<8x1xf32>
  %nll = linnet.reduce mean %m axes [0, 1] : tensor<8x1xf32> -> tensor<f32>
  %sums = linnet.reduce sum %l axes [1] : tensor<8x64xf32> -> tensor<8xf32>
  %sm = arith.negf %sums : tensor<8xf32>
  %smooth = linnet.reduce mean %sm axes [0] : tensor<8xf32> -> tensor<f32>
  %keep = arith.constant dense<0.875> : tensor<f32>
  %part = arith.constant dense<0.001953125> : tensor<f32>
  %a = arith.mulf %nll, %keep : tensor<f32>
  %b = arith.mulf %smooth, %part : tensor<f32>
  %y = arith.addf %a, %b : tensor<f32>
  return %y : tensor<f32>
}
