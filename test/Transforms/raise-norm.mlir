// RUN: linnet-opt %s --split-input-file --pass-pipeline='builtin.module(func.func(tosa-make-broadcastable,tosa-to-linalg,tosa-to-tensor,tosa-to-arith,canonicalize,linnet-raise{explain=true}))' 2>/dev/null | FileCheck %s
// RUN: linnet-opt %s --split-input-file --pass-pipeline='builtin.module(func.func(tosa-make-broadcastable,tosa-to-linalg,tosa-to-tensor,tosa-to-arith,canonicalize,linnet-raise{explain=true}))' 2>&1 >/dev/null | FileCheck %s --check-prefix=REMARK

// As PyTorch models have it: 16-bit in, f32 within, rounded before the scale.
// CHECK-LABEL: func.func @llama
// CHECK-NEXT: linnet.rms_norm %arg0 scale %arg1 eps {{.*}} : tensor<?x?x64xbf16>, tensor<64xbf16>
// CHECK-NEXT: return
func.func @llama(%x: tensor<?x?x64xbf16>, %w: tensor<64xbf16>) -> tensor<?x?x64xbf16> {
  %c2 = arith.constant 2.0 : f32
  %eps = arith.constant 1.0e-6 : f32
  %f = arith.extf %x : tensor<?x?x64xbf16> to tensor<?x?x64xf32>
  %two = linnet.broadcast %c2 like %f : f32, tensor<?x?x64xf32> -> tensor<?x?x64xf32>
  %q = math.powf %f, %two : tensor<?x?x64xf32>
  %m = linnet.reduce mean %q axes [2] keepdims : tensor<?x?x64xf32> -> tensor<?x?x1xf32>
  %e = linnet.broadcast %eps like %m : f32, tensor<?x?x1xf32> -> tensor<?x?x1xf32>
  %v = arith.addf %m, %e : tensor<?x?x1xf32>
  %r = math.rsqrt %v : tensor<?x?x1xf32>
  %rb = linnet.broadcast %r like %f : tensor<?x?x1xf32>, tensor<?x?x64xf32> -> tensor<?x?x64xf32>
  %n = arith.mulf %f, %rb : tensor<?x?x64xf32>
  %t = arith.truncf %n : tensor<?x?x64xf32> to tensor<?x?x64xbf16>
  %wb = linnet.broadcast %w like %t : tensor<64xbf16>, tensor<?x?x64xbf16> -> tensor<?x?x64xbf16>
  %y = arith.mulf %wb, %t : tensor<?x?x64xbf16>
  return %y : tensor<?x?x64xbf16>
}

// -----

// CHECK-LABEL: func.func @tosa
// CHECK: linnet.layer_norm %arg0 eps {{.*}} : tensor<4x8xf32>
// CHECK-NOT: rsqrt
func.func @tosa(%x: tensor<4x8xf32>) -> tensor<4x8xf32> {
  %n = "tosa.const"() {values = dense<0.125> : tensor<1x1xf32>} : () -> tensor<1x1xf32>
  %eps = "tosa.const"() {values = dense<1.0e-5> : tensor<1x1xf32>} : () -> tensor<1x1xf32>
  %shift = "tosa.const"() {values = dense<0> : tensor<1xi8>} : () -> tensor<1xi8>
  %s = tosa.reduce_sum %x {axis = 1 : i32} : (tensor<4x8xf32>) -> tensor<4x1xf32>
  %m = tosa.mul %s, %n, %shift : (tensor<4x1xf32>, tensor<1x1xf32>, tensor<1xi8>) -> tensor<4x1xf32>
  %d = tosa.sub %x, %m : (tensor<4x8xf32>, tensor<4x1xf32>) -> tensor<4x8xf32>
  %q = tosa.mul %d, %d, %shift : (tensor<4x8xf32>, tensor<4x8xf32>, tensor<1xi8>) -> tensor<4x8xf32>
  %t = tosa.reduce_sum %q {axis = 1 : i32} : (tensor<4x8xf32>) -> tensor<4x1xf32>
  %v = tosa.mul %t, %n, %shift : (tensor<4x1xf32>, tensor<1x1xf32>, tensor<1xi8>) -> tensor<4x1xf32>
  %w = tosa.add %v, %eps : (tensor<4x1xf32>, tensor<1x1xf32>) -> tensor<4x1xf32>
  %r = tosa.rsqrt %w : (tensor<4x1xf32>) -> tensor<4x1xf32>
  %y = tosa.mul %d, %r, %shift : (tensor<4x8xf32>, tensor<4x1xf32>, tensor<1xi8>) -> tensor<4x8xf32>
  return %y : tensor<4x8xf32>
}

// -----

// A residual behind the norm is no bias, and what follows is no scale.
// REMARK: remark: norm: made linnet.rms_norm
// CHECK-LABEL: func.func @residual
// CHECK: %[[N:.*]] = linnet.rms_norm %arg0 eps
// CHECK: arith.mulf %[[N]], %arg1
func.func @residual(%x: tensor<4x8xf32>, %gate: tensor<4x8xf32>) -> tensor<4x8xf32> {
  %eps = arith.constant dense<1.0e-6> : tensor<4xf32>
  %q = arith.mulf %x, %x : tensor<4x8xf32>
  %m = linnet.reduce mean %q axes [1] : tensor<4x8xf32> -> tensor<4xf32>
  %v = arith.addf %m, %eps : tensor<4xf32>
  %r = math.rsqrt %v : tensor<4xf32>
  %rb = linnet.broadcast %r dims [0] : tensor<4xf32> -> tensor<4x8xf32>
  %n = arith.mulf %x, %rb : tensor<4x8xf32>
  %g = arith.mulf %n, %gate : tensor<4x8xf32>
  %y = arith.addf %g, %x : tensor<4x8xf32>
  return %y : tensor<4x8xf32>
}

// -----

// Every row is divided by the deviation of another.
// REMARK: remark: norm, almost: what is normalised is not what the deviation is of
// CHECK-LABEL: func.func @transposed
// CHECK-NOT: linnet.rms_norm
func.func @transposed(%x: tensor<8x8xf32>) -> tensor<8x8xf32> {
  %eps = arith.constant dense<1.0e-6> : tensor<8xf32>
  %q = arith.mulf %x, %x : tensor<8x8xf32>
  %m = linnet.reduce mean %q axes [0] : tensor<8x8xf32> -> tensor<8xf32>
  %v = arith.addf %m, %eps : tensor<8xf32>
  %r = math.rsqrt %v : tensor<8xf32>
  %rb = linnet.broadcast %r dims [0] : tensor<8xf32> -> tensor<8x8xf32>
  %s = arith.mulf %rb, %x : tensor<8x8xf32>
  %n = arith.mulf %x, %rb : tensor<8x8xf32>
  %y = arith.mulf %n, %s : tensor<8x8xf32>
  return %y : tensor<8x8xf32>
}

// -----

// What is divided by twice is no norm.
// CHECK-LABEL: func.func @twice
// CHECK-NOT: linnet.rms_norm
func.func @twice(%x: tensor<4x8xf32>) -> tensor<4x8xf32> {
  %eps = arith.constant dense<1.0e-6> : tensor<4xf32>
  %q = arith.mulf %x, %x : tensor<4x8xf32>
  %m = linnet.reduce mean %q axes [1] : tensor<4x8xf32> -> tensor<4xf32>
  %v = arith.addf %m, %eps : tensor<4xf32>
  %r = math.rsqrt %v : tensor<4xf32>
  %rb = linnet.broadcast %r dims [0] : tensor<4xf32> -> tensor<4x8xf32>
  %rr = arith.mulf %rb, %rb : tensor<4x8xf32>
  %y = arith.mulf %x, %rr : tensor<4x8xf32>
  return %y : tensor<4x8xf32>
}

// -----

// The guard of a reciprocal that cannot be zero goes; one that may be stays.
// CHECK-LABEL: func.func @guard
// CHECK: cf.assert %{{.*}}, "may be"
// CHECK-NOT: cf.assert
func.func @guard(%x: tensor<4xf32>) -> (tensor<4xf32>, tensor<4xf32>) {
  %one = arith.constant 1.0 : f32
  %zero = arith.constant 0.0 : f32
  %e = tensor.empty() : tensor<4xf32>
  %a:2 = linalg.generic {indexing_maps = [affine_map<(d0) -> (d0)>, affine_map<(d0) -> (d0)>, affine_map<(d0) -> (d0)>], iterator_types = ["parallel"]} ins(%x : tensor<4xf32>) outs(%e, %e : tensor<4xf32>, tensor<4xf32>) {
  ^bb0(%in: f32, %o: f32, %p: f32):
    %s = arith.mulf %in, %in : f32
    %t = arith.addf %s, %one : f32
    %c = arith.cmpf one, %t, %zero : f32
    cf.assert %c, "is not"
    %r = arith.divf %one, %t : f32
    %d = arith.cmpf one, %s, %zero : f32
    cf.assert %d, "may be"
    %u = arith.divf %one, %s : f32
    linalg.yield %r, %u : f32, f32
  } -> (tensor<4xf32>, tensor<4xf32>)
  return %a#0, %a#1 : tensor<4xf32>, tensor<4xf32>
}

// -----

// A derivative has its own use for the deviation, and finds what is normalised from it.
// CHECK-LABEL: func.func @derivative
// CHECK-NOT: rms_norm
// CHECK: math.rsqrt
func.func @derivative(%x: tensor<4x8xf32>, %dy: tensor<4x8xf32>) -> (tensor<4x8xf32>, tensor<4x8xf32>) {
  %eps = arith.constant dense<1.0e-6> : tensor<4xf32>
  %q = arith.mulf %x, %x : tensor<4x8xf32>
  %m = linnet.reduce mean %q axes [1] : tensor<4x8xf32> -> tensor<4xf32>
  %v = arith.addf %m, %eps : tensor<4xf32>
  %r = math.rsqrt %v : tensor<4xf32>
  %rb = linnet.broadcast %r dims [0] : tensor<4xf32> -> tensor<4x8xf32>
  %n = arith.mulf %x, %rb : tensor<4x8xf32>
  %dx = arith.mulf %dy, %rb : tensor<4x8xf32>
  return %n, %dx : tensor<4x8xf32>, tensor<4x8xf32>
}
