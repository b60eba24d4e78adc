//===- LogarithmBuilder.cpp - logarithms of what is not negative ------------===//
//
// Part of Linnet, under Apache-2.0 WITH LLVM-exception. See LICENSE.
//
// Gates are exponentials, logistic functions and products of such. Their logarithms are read off
// what they are computed from: log(logistic(x)) keeps the digits that logistic(x) rounds to 1 or to
// 0.
//
//===----------------------------------------------------------------------===//
#include "RecurrenceMatch.h"
#include "mlir/Dialect/Arith/IR/Arith.h"
#include "mlir/Dialect/Math/IR/Math.h"
#include <cmath>

using namespace mlir;
using namespace linnet;
using namespace linnet::rewrites;

namespace {
class LogarithmBuilder {
public:
  LogarithmBuilder(OperandBuilder &operands, Elements &g, ArrayRef<Variables> axes)
      : operands(operands), b(operands.builder()), g(g), axes(axes) {}
  Value log(const Element &e);

private:
  bool isNonNegative(const Element &e, int depth = 8);
  std::optional<Element> exponentBesideOne(const Element &e);
  Value softplus(Value x);
  Value compute(const Element &e) {
    return operands.converted(operands.compute(e, axes), b.getF32Type());
  }
  Value number(double x) { return operands.filled(x, axes, b.getF32Type()); }
  template <typename Op> Value make(Value x, Value y) {
    return x && y ? Value(Op::create(b, x.getLoc(), x, y)) : Value();
  }
  template <typename Op> Value make(Value x) {
    return x ? Value(Op::create(b, x.getLoc(), x)) : Value();
  }

  OperandBuilder &operands;
  OpBuilder &b;
  Elements &g;
  ArrayRef<Variables> axes;
};
} // namespace

/// Zero or more, whatever is read: the logarithm of zero is a decay too.
bool LogarithmBuilder::isNonNegative(const Element &element, int depth) {
  Element e = g.source(element);
  if (auto c = g.constant(e))
    return *c >= 0;
  if (auto op = e.value.getDefiningOp<arith::ConstantOp>()) {
    auto dense = dyn_cast<DenseFPElementsAttr>(op.getValue());
    return dense && llvm::all_of(dense.getValues<APFloat>(),
                                 [](const APFloat &x) { return !x.isNegative() && !x.isNaN(); });
  }
  Operation *op = g.op(e);
  auto in = [&](unsigned i) { return depth > 0 && isNonNegative(g.operand(e, i), depth - 1); };
  if (isa_and_nonnull<arith::MaximumFOp, arith::MaxNumFOp>(op))
    return in(0) || in(1);
  if (isa_and_nonnull<arith::AddFOp, arith::DivFOp, arith::MinimumFOp>(op))
    return in(0) && in(1);
  if (isa_and_nonnull<arith::MulFOp>(op))
    return g.same(g.operand(e, 0), g.operand(e, 1)) || (in(0) && in(1));
  if (isa_and_nonnull<arith::SelectOp>(op))
    return in(1) && in(2);
  return isa_and_nonnull<math::ExpOp, math::Exp2Op, math::AbsFOp, math::SqrtOp, arith::UIToFPOp>(
      op);
}

/// x where the element is 1 + exp(x).
std::optional<Element> LogarithmBuilder::exponentBesideOne(const Element &element) {
  Element e = g.source(element);
  if (!g.op<arith::AddFOp>(e))
    return std::nullopt;
  for (unsigned i = 0; i < 2; ++i)
    if (Element exp = g.source(g.operand(e, i));
        g.op<math::ExpOp>(exp) && g.constant(g.operand(e, 1 - i)) == 1.0)
      return g.operand(exp, 0);
  return std::nullopt;
}

/// log(1 + exp(x)) = max(x, 0) + log(1 + exp(-|x|)).
Value LogarithmBuilder::softplus(Value x) {
  if (!x)
    return {};
  Value small = make<math::ExpOp>(make<arith::NegFOp>(make<math::AbsFOp>(x)));
  return make<arith::AddFOp>(make<arith::MaximumFOp>(x, number(0)), make<math::Log1pOp>(small));
}

Value LogarithmBuilder::log(const Element &element) {
  Element e = g.source(element);
  if (auto c = g.constant(e))
    return *c > 0 ? number(std::log(*c)) : Value();
  Operation *op = g.op(e);
  auto in = [&](unsigned i) { return g.operand(e, i); };
  if (isa_and_nonnull<math::ExpOp>(op))
    return compute(in(0));
  if (isa_and_nonnull<math::Exp2Op>(op))
    return make<arith::MulFOp>(compute(in(0)), number(std::log(2.0)));
  if (isa_and_nonnull<arith::MulFOp>(op))
    return make<arith::AddFOp>(log(in(0)), log(in(1)));
  if (isa_and_nonnull<arith::DivFOp>(op))
    return g.constant(in(0)) == 1.0 ? make<arith::NegFOp>(log(in(1)))
                                    : make<arith::SubFOp>(log(in(0)), log(in(1)));
  if (isa_and_nonnull<math::SqrtOp>(op))
    return make<arith::MulFOp>(log(in(0)), number(0.5));
  if (isa_and_nonnull<math::PowFOp>(op))
    return make<arith::MulFOp>(log(in(0)), compute(in(1)));
  if (auto x = exponentBesideOne(e))
    return softplus(compute(*x));
  // 1 - 1 / (1 + exp(x)) = 1 / (1 + exp(-x))
  if (isa_and_nonnull<arith::SubFOp>(op) && g.constant(in(0)) == 1.0) {
    Element gate = g.source(in(1));
    if (g.op<arith::DivFOp>(gate) && g.constant(g.operand(gate, 0)) == 1.0)
      if (auto x = exponentBesideOne(g.operand(gate, 1)))
        return make<arith::NegFOp>(softplus(make<arith::NegFOp>(compute(*x))));
  }
  return isNonNegative(e) ? make<math::LogOp>(compute(e)) : Value();
}

Value linnet::rewrites::buildLogarithm(OperandBuilder &operands, Elements &g,
                                       const Product &product, ArrayRef<Variables> axes,
                                       std::string &why) {
  OpBuilder &b = operands.builder();
  if (!(product.coefficient > 0)) {
    why = "the state is multiplied with a number that is not positive";
    return {};
  }
  Value sum;
  for (const Factor &f : product.factors) {
    Value x = LogarithmBuilder(operands, g, axes).log(f.element);
    if (!x) {
      why = "the state is multiplied with what may be negative, and the decay is given by its "
            "logarithm; exp of something, a logistic function or a positive constant cannot be";
      return {};
    }
    if (!sum)
      sum = f.inverse ? arith::NegFOp::create(b, x.getLoc(), x) : x;
    else
      sum = f.inverse ? Value(arith::SubFOp::create(b, x.getLoc(), sum, x))
                      : Value(arith::AddFOp::create(b, x.getLoc(), sum, x));
  }
  if (product.coefficient == 1)
    return sum;
  Value c = operands.filled(std::log(product.coefficient), axes, b.getF32Type());
  return sum ? Value(arith::AddFOp::create(b, sum.getLoc(), sum, c)) : c;
}
