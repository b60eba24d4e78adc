//===- Activations.cpp - smooth functions of kernels ----------------------===//
//
// Part of Linnet, under Apache-2.0 WITH LLVM-exception. See LICENSE.
//
//===----------------------------------------------------------------------===//
#include "Activations.h"
#include "mlir/Dialect/Math/IR/Math.h"

using namespace mlir;
using namespace linnet;
using namespace linnet::codegen;

// Below -87 silu is -1e-36 on every CPU, sigmoid 2e-38; the clamp lets NaN pass.
static Value clampBelow(CodeBuilder &e, Value x) {
  Value least = e.fconst(x.getType(), -87.0);
  return e.select(e.gtf(least, x), least, x);
}

// 1 + e^-x.
static Value sigmoidDivisor(CodeBuilder &e, Value x) {
  Type t = x.getType();
  return e.addf(e.fconst(t, 1.0), e.exp2Fast(e.mulf(x, e.fconst(t, -1.4426950408889634))));
}

Value linnet::codegen::silu(CodeBuilder &e, Value x) {
  x = clampBelow(e, x);
  return e.divf(x, sigmoidDivisor(e, x));
}

Value linnet::codegen::sigmoid(CodeBuilder &e, Value x) {
  return e.divf(e.fconst(x.getType(), 1.0), sigmoidDivisor(e, clampBelow(e, x)));
}

Value linnet::codegen::siluSlope(CodeBuilder &e, Value x, Value s) {
  // beyond 87 the product below is 0, also of infinity
  Value one = e.fconst(x.getType(), 1.0), most = e.fconst(x.getType(), 87.0);
  x = clampBelow(e, e.select(e.gtf(x, most), most, x));
  return e.mulf(s, e.fma(x, e.subf(one, s), one));
}

// max(x, 0) + log1p(e) with e = exp(-|x|): log1p(e) = 2 artanh(e / (2 + e)), whose argument is at
// most 1/3, so that eight terms of the series reach f32's precision.
Value linnet::codegen::softplus(CodeBuilder &e, Value x) {
  Type t = x.getType();
  Value down = e.mulf(math::AbsFOp::create(e, x), e.fconst(t, -1.4426950408889634));
  Value small = e.exp2Fast(down), z = e.divf(small, e.addf(small, e.fconst(t, 2.0)));
  Value square = e.mulf(z, z), series = e.fconst(t, 2.0 / 15);
  for (int64_t k : {13, 11, 9, 7, 5, 3, 1})
    series = e.fma(series, square, e.fconst(t, 2.0 / k));
  return e.fma(series, z, e.maxf(x, e.fconst(t, 0)));
}

// y - y^2 / 2! + y^3 / 3! ... where the difference would cancel.
Value linnet::codegen::softplusSlope(CodeBuilder &e, Value y) {
  Type t = y.getType();
  Value one = e.fconst(t, 1.0), series = one;
  for (int64_t k = 8; k > 1; --k)
    series = e.fma(e.mulf(y, e.fconst(t, -1.0 / k)), series, one);
  Value far = e.subf(one, e.exp2Fast(e.mulf(y, e.fconst(t, -1.4426950408889634))));
  return e.select(e.gtf(y, e.fconst(t, 0.5)), far, e.mulf(y, series));
}
