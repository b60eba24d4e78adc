//===- AlibiReader.cpp - biases that are linear in the distance -------------===//
//
// Part of Linnet, under Apache-2.0 WITH LLVM-exception. See LICENSE.
//
//===----------------------------------------------------------------------===//
#include "AlibiReader.h"
#include "mlir/Dialect/Arith/IR/Arith.h"
#include "mlir/Dialect/Math/IR/Math.h"

using namespace mlir;
using namespace linnet;
using namespace linnet::rewrites;

/// The expression of the positions that an element is, as an integer or a float.
AffineExpr AlibiReader::position(const Element &element) {
  Element e = g.source(element);
  if (g.op<arith::SIToFPOp>(e) || g.op<arith::UIToFPOp>(e))
    return position(g.operand(e, 0));
  if (isa<IntegerType, IndexType>(e.type()))
    return g.index(e);
  if (g.op<arith::AddFOp>(e) || g.op<arith::SubFOp>(e)) {
    AffineExpr a = position(g.operand(e, 0)), b = position(g.operand(e, 1));
    if (!a || !b)
      return {};
    return g.simplify(g.op<arith::AddFOp>(e) ? a + b : a - b);
  }
  if (auto c = g.constant(e); c && *c == static_cast<int64_t>(*c))
    return getAffineConstantExpr(static_cast<int64_t>(*c), e.value.getContext());
  return {};
}

/// c of an expression c * key + f without the key in f.
std::optional<double> AlibiReader::perKeyOfIndex(AffineExpr e) {
  AffineExpr j = g.variable(key);
  for (int64_t c : {1, -1, 0})
    if (!g.simplify(e - j * c).isFunctionOfDim(key))
      return c;
  return std::nullopt;
}

/// Of |i + c - j|: every key that is seen lies on one side.
std::optional<double> AlibiReader::perKeyOfDistance(const Element &e) {
  AffineExpr x = position(e);
  if (!x || !row || !masks.causal)
    return std::nullopt;
  AffineExpr distance = g.variable(*row) - g.variable(key);
  for (int64_t sign : {1, -1})
    if (auto c = dyn_cast<AffineConstantExpr>(g.simplify(x * sign - distance)))
      if (c.getValue() >= *masks.offset)
        return -1;
  return std::nullopt;
}

std::optional<double> AlibiReader::perKeyOfSum(const Element &e) {
  auto a = perKey(g.operand(e, 0)), b = perKey(g.operand(e, 1));
  if (!a || !b)
    return std::nullopt;
  return g.op<arith::AddFOp>(e) ? *a + *b : *a - *b;
}

/// c of an element c * key + f, where f does not change with the key.
std::optional<double> AlibiReader::perKey(const Element &element) {
  Element e = g.source(element);
  if (!g.dependsOn(e, key))
    return 0;
  if (AffineExpr x = position(e))
    return perKeyOfIndex(x);
  if (g.op<arith::SIToFPOp>(e)) {
    Element inner = g.source(g.operand(e, 0));
    return g.op<math::AbsIOp>(inner) ? perKeyOfDistance(g.operand(inner, 0)) : std::nullopt;
  }
  if (g.op<math::AbsFOp>(e))
    return perKeyOfDistance(g.operand(e, 0));
  if (g.op<arith::NegFOp>(e)) {
    auto c = perKey(g.operand(e, 0));
    return c ? std::optional(-*c) : std::nullopt;
  }
  if (g.op<arith::MulFOp>(e))
    for (unsigned i = 0; i < 2; ++i)
      if (auto by = g.constant(g.operand(e, i))) {
        auto c = perKey(g.operand(e, 1 - i));
        return c ? std::optional(*c * *by) : std::nullopt;
      }
  if (g.op<arith::AddFOp>(e) || g.op<arith::SubFOp>(e))
    return perKeyOfSum(e);
  return std::nullopt;
}

/// Signs and numbers, which a region may hold, go from the slope into its factor.
LinearBias AlibiReader::withoutFactors(LinearBias bias) {
  Element e = g.source(bias.slope);
  if (g.op<arith::NegFOp>(e))
    return withoutFactors({g.operand(e, 0), -bias.factor});
  if (g.op<arith::MulFOp>(e))
    for (unsigned i = 0; i < 2; ++i)
      if (auto by = g.constant(g.operand(e, i)))
        return withoutFactors({g.operand(e, 1 - i), bias.factor * *by});
  return bias;
}

std::optional<LinearBias> AlibiReader::read(const Element &bias) {
  Element e = g.source(bias);
  if (g.op<arith::NegFOp>(e)) {
    auto inner = read(g.operand(e, 0));
    if (inner)
      inner->factor = -inner->factor;
    return inner;
  }
  if (!g.op<arith::MulFOp>(e))
    return std::nullopt;
  for (unsigned i = 0; i < 2; ++i) {
    Element slope = g.operand(e, i), other = g.operand(e, 1 - i);
    // a number may scale what is a bias of ALiBi without it
    if (auto by = g.constant(slope)) {
      if (auto inner = read(other)) {
        inner->factor *= *by;
        return inner;
      }
    }
    if (!isFixed(slope))
      continue;
    if (auto c = perKey(other); c && *c != 0)
      return withoutFactors({slope, *c});
  }
  return std::nullopt;
}
