// RUN: linnet-opt %s --linnet-linearize-attention="contract='bound = 1e-9'" --split-input-file | FileCheck %s

// What is proven about scores, in many spellings; nothing is rewritten here.

// RMS norm with a constant weight, rotation, a transpose, grouped heads.
// CHECK: condition = "|s| <= 0.25: |q| <= 1, |k| <= 2"
func.func @rms(%x: tensor<1x9x4x16xf32>, %y: tensor<1x2x9x16xf32>, %v: tensor<1x2x9x16xf32>) -> tensor<1x4x9x16xf32> {
  %a = arith.constant dense<0.25> : tensor<16xf32>
  %b = arith.constant dense<-0.5> : tensor<16xf32>
  %s = arith.constant 0.125 : f32
  %qn = linnet.rms_norm %x scale %a eps 1.0e-6 : tensor<1x9x4x16xf32>, tensor<16xf32>
  %qt = linnet.einsum "bnhd->bhnd" %qn : tensor<1x9x4x16xf32> -> tensor<1x4x9x16xf32>
  %q = linnet.rotary %qt base(10000.0) : tensor<1x4x9x16xf32>
  %kn = linnet.rms_norm %y scale %b eps 1.0e-6 : tensor<1x2x9x16xf32>, tensor<16xf32>
  %k = linnet.rotary %kn base(10000.0) layout<interleaved> : tensor<1x2x9x16xf32>
  %o = linnet.attention %q, %k, %v scale(0.125) : tensor<1x4x9x16xf32>, tensor<1x2x9x16xf32>, tensor<1x2x9x16xf32> -> tensor<1x4x9x16xf32>
  return %o : tensor<1x4x9x16xf32>
}

// -----

// Elements within [-1, 1], heads split off by a reshape; the scale is 1 / sqrt(4) by default.
// CHECK: condition = "|s| <= 1: |q| <= 2, |k| <= 1"
func.func @tanh(%x: tensor<1x9x8xf32>, %y: tensor<1x2x9x4xf32>) -> tensor<1x2x9x4xf32> {
  %t = math.tanh %x : tensor<1x9x8xf32>
  %h = tensor.expand_shape %t [[0], [1], [2, 3]] output_shape [1, 9, 2, 4] : tensor<1x9x8xf32> into tensor<1x9x2x4xf32>
  %q = linnet.einsum "bnhd->bhnd" %h : tensor<1x9x2x4xf32> -> tensor<1x2x9x4xf32>
  %low = arith.constant dense<-0.5> : tensor<1x2x9x4xf32>
  %high = arith.constant dense<0.5> : tensor<1x2x9x4xf32>
  %k = math.clampf %y to [%low, %high] : tensor<1x2x9x4xf32>
  %o = linnet.attention %q, %k, %y : tensor<1x2x9x4xf32>, tensor<1x2x9x4xf32>, tensor<1x2x9x4xf32> -> tensor<1x2x9x4xf32>
  return %o : tensor<1x2x9x4xf32>
}

// -----

// x / max(|x|, eps), twice as long by a factor, beside a part that is a sigmoid: sqrt(4 + 4).
// CHECK: condition = "|s| <= 4: |q| <= 2.83, |k| <= 2.83"
func.func @concat(%x: tensor<1x1x9x4xf32>, %y: tensor<1x1x9x4xf32>, %v: tensor<1x1x9x4xf32>) -> tensor<1x1x9x4xf32> {
  %eps = arith.constant dense<1.0e-12> : tensor<1x1x9x1xf32>
  %two = arith.constant dense<2.0> : tensor<1x1x9x4xf32>
  %one = arith.constant dense<1.0> : tensor<1x1x9x4xf32>
  %x2 = arith.mulf %x, %x : tensor<1x1x9x4xf32>
  %s = linnet.reduce sum %x2 axes [3] keepdims : tensor<1x1x9x4xf32> -> tensor<1x1x9x1xf32>
  %r = math.sqrt %s : tensor<1x1x9x1xf32>
  %m = arith.maximumf %r, %eps : tensor<1x1x9x1xf32>
  %b = linnet.broadcast %m : tensor<1x1x9x1xf32> -> tensor<1x1x9x4xf32>
  %n = arith.divf %x, %b : tensor<1x1x9x4xf32>
  %long = arith.mulf %n, %two : tensor<1x1x9x4xf32>
  %neg = arith.negf %y : tensor<1x1x9x4xf32>
  %e = math.exp %neg : tensor<1x1x9x4xf32>
  %d = arith.addf %e, %one : tensor<1x1x9x4xf32>
  %g = arith.divf %one, %d : tensor<1x1x9x4xf32>
  %q = tensor.concat dim(3) %long, %g : (tensor<1x1x9x4xf32>, tensor<1x1x9x4xf32>) -> tensor<1x1x9x8xf32>
  %o = linnet.attention %q, %q, %v scale(0.5) : tensor<1x1x9x8xf32>, tensor<1x1x9x8xf32>, tensor<1x1x9x4xf32> -> tensor<1x1x9x4xf32>
  return %o : tensor<1x1x9x4xf32>
}

// -----

// One region per step, the mean of squares, a constant weight per channel, a factor of 1/2.
// CHECK: condition = "|s| <= 2.25: |q| <= 1.5, |k| <= 1.5"
#row = affine_map<(b, h, i, c) -> (b, h, i)>
#all = affine_map<(b, h, i, c) -> (b, h, i, c)>
#channel = affine_map<(b, h, i, c) -> (c)>
func.func @regions(%x: tensor<1x1x9x4xf32>) -> tensor<1x1x9x4xf32> {
  %zero = arith.constant 0.0 : f32
  %w = arith.constant dense<[0.5, -1.5, 1.0, 0.25]> : tensor<4xf32>
  %e = tensor.empty() : tensor<1x1x9xf32>
  %z = linalg.fill ins(%zero : f32) outs(%e : tensor<1x1x9xf32>) -> tensor<1x1x9xf32>
  %s = linalg.generic {indexing_maps = [#all, #row], iterator_types = ["parallel", "parallel", "parallel", "reduction"]}
      ins(%x : tensor<1x1x9x4xf32>) outs(%z : tensor<1x1x9xf32>) {
  ^bb0(%a: f32, %acc: f32):
    %a2 = arith.mulf %a, %a : f32
    %sum = arith.addf %acc, %a2 : f32
    linalg.yield %sum : f32
  } -> tensor<1x1x9xf32>
  %e4 = tensor.empty() : tensor<1x1x9x4xf32>
  %q = linalg.generic {indexing_maps = [#all, #row, #channel, #all], iterator_types = ["parallel", "parallel", "parallel", "parallel"]}
      ins(%x, %s, %w : tensor<1x1x9x4xf32>, tensor<1x1x9xf32>, tensor<4xf32>) outs(%e4 : tensor<1x1x9x4xf32>) {
  ^bb0(%a: f32, %t: f32, %f: f32, %o: f32):
    %four = arith.constant 4.0 : f32
    %eps = arith.constant 1.0e-6 : f32
    %half = arith.constant 0.5 : f32
    %mean = arith.divf %t, %four : f32
    %safe = arith.addf %mean, %eps : f32
    %r = math.rsqrt %safe : f32
    %n = arith.mulf %a, %r : f32
    %m = arith.mulf %n, %f : f32
    %y = arith.mulf %m, %half : f32
    linalg.yield %y : f32
  } -> tensor<1x1x9x4xf32>
  %o = linnet.attention %q, %q, %x scale(1.0) : tensor<1x1x9x4xf32>, tensor<1x1x9x4xf32>, tensor<1x1x9x4xf32> -> tensor<1x1x9x4xf32>
  return %o : tensor<1x1x9x4xf32>
}

// -----

// bf16 rounds what was normalised in f32: a little more than 2.
// CHECK: condition = "|s| <= 4.03: |q| <= 2.01, |k| <= 2.01"
func.func @bf16(%x: tensor<1x1x9x4xf32>) -> tensor<1x1x9x4xbf16> {
  %n = linnet.rms_norm %x eps 1.0e-6 : tensor<1x1x9x4xf32>
  %q = arith.truncf %n : tensor<1x1x9x4xf32> to tensor<1x1x9x4xbf16>
  %o = linnet.attention %q, %q, %q scale(1.0) : tensor<1x1x9x4xbf16>, tensor<1x1x9x4xbf16>, tensor<1x1x9x4xbf16> -> tensor<1x1x9x4xbf16>
  return %o : tensor<1x1x9x4xbf16>
}

// -----

// A constant matrix behind: |x W| <= |x| |W|.
// CHECK: condition = "|s| <= 1: |q| <= 1, |k| <= 1"
func.func @projection(%x: tensor<1x1x9x4xf32>) -> tensor<1x1x9x4xf32> {
  %w = arith.constant dense<0.125> : tensor<4x4xf32>
  %n = linnet.rms_norm %x eps 1.0e-6 : tensor<1x1x9x4xf32>
  %q = linnet.einsum "bhic,cd->bhid" %n, %w : tensor<1x1x9x4xf32>, tensor<4x4xf32> -> tensor<1x1x9x4xf32>
  %o = linnet.attention %q, %q, %x scale(1.0) : tensor<1x1x9x4xf32>, tensor<1x1x9x4xf32>, tensor<1x1x9x4xf32> -> tensor<1x1x9x4xf32>
  return %o : tensor<1x1x9x4xf32>
}

// -----

// The norm of something else, and one whose squares underflow, bound nothing.
// CHECK: bound = "vacuous"
// CHECK-SAME: nothing bounds the queries: argument 0 of @other may have any size
// CHECK: bound = "vacuous"
// CHECK-SAME: nothing bounds the queries: argument 0 of @underflow may have any size
func.func @other(%x: tensor<1x1x9x4xf32>, %y: tensor<1x1x9x4xf32>) -> tensor<1x1x9x4xf32> {
  %eps = arith.constant dense<1.0e-12> : tensor<1x1x9x1xf32>
  %y2 = arith.mulf %x, %y : tensor<1x1x9x4xf32>
  %s = linnet.reduce sum %y2 axes [3] keepdims : tensor<1x1x9x4xf32> -> tensor<1x1x9x1xf32>
  %e = arith.addf %s, %eps : tensor<1x1x9x1xf32>
  %r = math.rsqrt %e : tensor<1x1x9x1xf32>
  %b = linnet.broadcast %r : tensor<1x1x9x1xf32> -> tensor<1x1x9x4xf32>
  %q = arith.mulf %x, %b : tensor<1x1x9x4xf32>
  %o = linnet.attention %q, %q, %x : tensor<1x1x9x4xf32>, tensor<1x1x9x4xf32>, tensor<1x1x9x4xf32> -> tensor<1x1x9x4xf32>
  return %o : tensor<1x1x9x4xf32>
}

func.func @underflow(%x: tensor<1x1x9x4xf32>) -> tensor<1x1x9x4xf32> {
  %eps = arith.constant dense<1.0e-36> : tensor<1x1x9x1xf32>
  %x2 = arith.mulf %x, %x : tensor<1x1x9x4xf32>
  %s = linnet.reduce sum %x2 axes [3] keepdims : tensor<1x1x9x4xf32> -> tensor<1x1x9x1xf32>
  %e = arith.addf %s, %eps : tensor<1x1x9x1xf32>
  %r = math.rsqrt %e : tensor<1x1x9x1xf32>
  %b = linnet.broadcast %r : tensor<1x1x9x1xf32> -> tensor<1x1x9x4xf32>
  %q = arith.mulf %x, %b : tensor<1x1x9x4xf32>
  %o = linnet.attention %q, %q, %x : tensor<1x1x9x4xf32>, tensor<1x1x9x4xf32>, tensor<1x1x9x4xf32> -> tensor<1x1x9x4xf32>
  return %o : tensor<1x1x9x4xf32>
}
