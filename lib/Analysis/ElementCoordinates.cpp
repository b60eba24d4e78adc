//===- ElementCoordinates.cpp - affine coordinates within ranges ------------===//
//
// Part of Linnet, under Apache-2.0 WITH LLVM-exception. See LICENSE.
//
//===----------------------------------------------------------------------===//
#include "linnet/Analysis/Elements.h"
#include "mlir/IR/AffineMap.h"
#include "llvm/ADT/MapVector.h"

using namespace mlir;
using namespace linnet;

unsigned Elements::addVariable(Value tensor, unsigned dim) {
  extents.push_back({tensor, dim, cast<RankedTensorType>(tensor.getType()).getDimSize(dim)});
  return extents.size() - 1;
}

unsigned Elements::addVariable(int64_t size) {
  extents.push_back({Value(), 0, size});
  return extents.size() - 1;
}

Element Elements::all(Value tensor) {
  Element e{tensor, {}};
  for (unsigned d = 0, rank = cast<RankedTensorType>(tensor.getType()).getRank(); d < rank; ++d)
    e.at.push_back(simplify(variable(addVariable(tensor, d))));
  return e;
}

namespace {
/// A constant and multiples of expressions that are no sums.
struct Terms {
  llvm::MapVector<AffineExpr, int64_t> factors;
  int64_t constant = 0;

  void add(AffineExpr e, int64_t by) {
    if (auto c = dyn_cast<AffineConstantExpr>(e)) {
      constant += c.getValue() * by;
      return;
    }
    if (auto binary = dyn_cast<AffineBinaryOpExpr>(e)) {
      if (e.getKind() == AffineExprKind::Add) {
        add(binary.getLHS(), by);
        return add(binary.getRHS(), by);
      }
      auto c = dyn_cast<AffineConstantExpr>(binary.getRHS());
      if (e.getKind() == AffineExprKind::Mul && c)
        return add(binary.getLHS(), by * c.getValue());
    }
    factors[e] += by;
  }
  /// n * (e floordiv n) and e mod n are e.
  bool joinParts() {
    for (auto [e, by] : factors) {
      auto rest = dyn_cast<AffineBinaryOpExpr>(e);
      if (by == 0 || !rest || e.getKind() != AffineExprKind::Mod)
        continue;
      auto n = dyn_cast<AffineConstantExpr>(rest.getRHS());
      auto whole = n ? factors.find(rest.getLHS().floorDiv(rest.getRHS())) : factors.end();
      if (whole == factors.end() || whole->second != by * n.getValue())
        continue;
      whole->second = 0;
      int64_t times = by;
      factors[e] = 0;
      add(rest.getLHS(), times);
      return true;
    }
    return false;
  }
  AffineExpr get(MLIRContext *ctx) {
    while (joinParts())
      ;
    AffineExpr sum = getAffineConstantExpr(constant, ctx);
    for (auto [e, by] : factors)
      sum = by ? sum + e * by : sum;
    return sum;
  }
};
} // namespace

Elements::Range Elements::range(AffineExpr e) {
  if (auto c = dyn_cast<AffineConstantExpr>(e))
    return {c.getValue(), c.getValue()};
  if (auto d = dyn_cast<AffineDimExpr>(e)) {
    int64_t size = extents[d.getPosition()].size;
    return {0, ShapedType::isDynamic(size) ? std::nullopt : std::optional(size - 1)};
  }
  auto binary = dyn_cast<AffineBinaryOpExpr>(e);
  if (!binary)
    return {};
  auto c = dyn_cast<AffineConstantExpr>(binary.getRHS());
  Range a = range(binary.getLHS()), b = range(binary.getRHS());
  switch (e.getKind()) {
  case AffineExprKind::Add: {
    Range sum;
    if (a.low && b.low)
      sum.low = *a.low + *b.low;
    if (a.high && b.high)
      sum.high = *a.high + *b.high;
    return sum;
  }
  case AffineExprKind::Mul:
    if (!c)
      return {};
    if (c.getValue() < 0)
      std::swap(a.low, a.high);
    for (auto *bound : {&a.low, &a.high})
      if (*bound)
        *bound = **bound * c.getValue();
    return a;
  case AffineExprKind::FloorDiv:
    if (!c || c.getValue() <= 0 || !a.low || *a.low < 0)
      return {};
    for (auto *bound : {&a.low, &a.high})
      if (*bound)
        *bound = **bound / c.getValue();
    return a;
  case AffineExprKind::Mod:
    return c ? Range{0, c.getValue() - 1} : Range{};
  default:
    return {};
  }
}

/// e floordiv by, or e mod by: multiples of `by` leave the division, and what is left may lie
/// between 0 and `by`.
AffineExpr Elements::divide(AffineExpr e, int64_t by, bool rest) {
  Terms terms, whole, left;
  terms.add(e, 1);
  for (auto [x, factor] : terms.factors)
    (factor % by == 0 ? whole : left).factors[x] = factor % by == 0 ? factor / by : factor;
  whole.constant = llvm::divideFloorSigned(terms.constant, by);
  left.constant = terms.constant - by * whole.constant;
  AffineExpr remaining = left.get(ctx);
  Range r = range(remaining);
  bool within = r.low && r.high && *r.low >= 0 && *r.high < by;
  if (rest)
    return within ? remaining : remaining % by;
  return within ? whole.get(ctx) : whole.get(ctx) + remaining.floorDiv(by);
}

AffineExpr Elements::simplify(AffineExpr e) {
  auto binary = dyn_cast<AffineBinaryOpExpr>(e);
  if (auto d = dyn_cast<AffineDimExpr>(e); d && extents[d.getPosition()].size == 1)
    return getAffineConstantExpr(0, ctx);
  if (!binary)
    return e;
  AffineExpr a = simplify(binary.getLHS()), b = simplify(binary.getRHS());
  auto c = dyn_cast<AffineConstantExpr>(b);
  Terms terms;
  switch (e.getKind()) {
  case AffineExprKind::Add:
    terms.add(a, 1);
    terms.add(b, 1);
    return terms.get(ctx);
  case AffineExprKind::Mul:
    if (!c)
      return a * b;
    terms.add(a, c.getValue());
    return terms.get(ctx);
  case AffineExprKind::FloorDiv:
    return c && c.getValue() > 0 ? divide(a, c.getValue(), false) : a.floorDiv(b);
  case AffineExprKind::Mod:
    return c && c.getValue() > 0 ? divide(a, c.getValue(), true) : a % b;
  default:
    return e;
  }
}

void Elements::simplify(Element &e) {
  for (AffineExpr &x : e.at)
    x = simplify(x);
}

Element Elements::replace(Element e, unsigned from, AffineExpr to) {
  for (AffineExpr &x : e.at)
    x = x.replace(variable(from), to);
  simplify(e);
  return e;
}
