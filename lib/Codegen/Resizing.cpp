//===- Resizing.cpp - positions of interpolation --------------------------===//
//
// Part of Linnet, under Apache-2.0 WITH LLVM-exception. See LICENSE.
//
//===----------------------------------------------------------------------===//
#include "Resizing.h"
#include "mlir/Dialect/Arith/IR/Arith.h"

using namespace mlir;
using namespace linnet;
using namespace linnet::codegen;

// Exact fractions of the sizes; only the weight is rounded.
Resizing::Source Resizing::locate(CodeBuilder &e, Value d, Value in, Value out, Type whole) const {
  Value numerator, denominator;
  switch (position) {
  case ResizePosition::half_pixel:
    numerator = e.mul(in, e.add(e.mul(d, 2), 1));
    if (isLinear())
      numerator = e.max(e.sub(numerator, out), e.index(0));
    denominator = e.mul(out, 2);
    break;
  case ResizePosition::align_corners:
    numerator = e.mul(d, e.sub(in, 1));
    denominator = e.max(e.sub(out, 1), e.index(1));
    break;
  case ResizePosition::asymmetric:
    numerator = e.mul(d, in);
    denominator = out;
    break;
  }
  Value index = e.min(e.div(numerator, denominator), e.sub(in, 1));
  if (!isLinear())
    return {index, {}};
  auto number = [&](Value v) {
    return arith::SIToFPOp::create(e, e.f32(), e.toInt(v, whole)).getResult();
  };
  Value rest = e.sub(numerator, e.mul(index, denominator));
  return {index, e.divf(number(rest), number(denominator))};
}

// The least d with d * slope + start >= i * denominator, of the fractions above.
Value Resizing::firstFrom(CodeBuilder &e, Value i, Value in, Value out) const {
  Value slope = in, start = e.index(0), denominator = out;
  if (position == ResizePosition::half_pixel) {
    slope = e.mul(in, 2);
    start = isLinear() ? e.sub(in, out) : in;
    denominator = e.mul(out, 2);
  } else if (position == ResizePosition::align_corners) {
    slope = e.max(e.sub(in, 1), e.index(1));
    denominator = e.max(e.sub(out, 1), e.index(1));
  }
  Value distance = e.max(e.sub(e.mul(i, denominator), start), e.index(0));
  Value d = e.min(e.ceilDiv(distance, slope), out);
  // the first and the last element take what lies outside
  return e.select(e.le(i, e.index(0)), e.index(0), e.select(e.ge(i, in), out, d));
}
