//===- Math.cpp - derivatives of math -------------------------------------===//
//
// Part of Linnet, under Apache-2.0 WITH LLVM-exception. See LICENSE.
//
//===----------------------------------------------------------------------===//
#include "mlir/Dialect/Math/IR/Math.h"
#include "../Rules.h"
#include "mlir/Dialect/Arith/IR/Arith.h"
#include "mlir/IR/TypeUtilities.h"
#include <cmath>

using namespace mlir;
using namespace linnet;

/// dy/dx as a formula of x and y = f(x).
using Slope = Expr (*)(Expr x, Expr y);

template <typename Op> static Expr apply(Expr x) { return {x.b, Op::create(*x.b, x.value)}; }

template <typename Op, Slope slope> static LogicalResult differentiateUnary(Op op, Adjoints &a) {
  auto *b = &a.builder();
  Expr dy = {b, a.of(op.getResult())};
  a.add(op.getOperand(), dy * slope({b, op.getOperand()}, {b, op.getResult()}));
  return success();
}

static Expr slopeExp(Expr, Expr y) { return y; }
static Expr slopeExp2(Expr, Expr y) { return y * M_LN2; }
static Expr slopeExpM1(Expr, Expr y) { return y + 1.0; }
static Expr slopeLog(Expr x, Expr) { return x.constant(1.0) / x; }
static Expr slopeLog2(Expr x, Expr) { return x.constant(1.0 / M_LN2) / x; }
static Expr slopeLog10(Expr x, Expr) { return x.constant(1.0 / M_LN10) / x; }
static Expr slopeLog1p(Expr x, Expr) { return x.constant(1.0) / (x + 1.0); }
static Expr slopeSqrt(Expr x, Expr y) { return x.constant(0.5) / y; }
static Expr slopeRsqrt(Expr, Expr y) { return y * y * y * -0.5; }
static Expr slopeCbrt(Expr x, Expr y) { return x.constant(1.0 / 3.0) / (y * y); }
static Expr slopeSin(Expr x, Expr) { return apply<math::CosOp>(x); }
static Expr slopeCos(Expr x, Expr) { return -apply<math::SinOp>(x); }
static Expr slopeTan(Expr, Expr y) { return y * y + 1.0; }
static Expr slopeTanh(Expr, Expr y) { return y.constant(1.0) - y * y; }
static Expr slopeSinh(Expr x, Expr) { return apply<math::CoshOp>(x); }
static Expr slopeCosh(Expr x, Expr) { return apply<math::SinhOp>(x); }
static Expr slopeAtan(Expr x, Expr) { return x.constant(1.0) / (x * x + 1.0); }
static Expr slopeAsin(Expr x, Expr) { return apply<math::RsqrtOp>(x.constant(1.0) - x * x); }
static Expr slopeAcos(Expr x, Expr) { return -slopeAsin(x, x); }
static Expr slopeErf(Expr x, Expr) {
  return apply<math::ExpOp>(-(x * x)) * (2.0 / std::sqrt(M_PI));
}
static Expr slopeErfc(Expr x, Expr y) { return -slopeErf(x, y); }
/// -1, 0 or 1.
static Expr slopeAbs(Expr x, Expr) {
  auto &b = *x.b;
  Value zero = x.constant(0.0);
  Value isZero = arith::CmpFOp::create(b, arith::CmpFPredicate::OEQ, x, zero);
  Value sign = math::CopySignOp::create(b, x.constant(1.0), x);
  return {x.b, arith::SelectOp::create(b, isZero, zero, sign)};
}
static Expr slopeZero(Expr x, Expr) { return x.constant(0.0); }

static LogicalResult differentiateFma(math::FmaOp op, Adjoints &a) {
  auto *b = &a.builder();
  Expr dy = {b, a.of(op.getResult())}, x = {b, op.getA()}, y = {b, op.getB()};
  if (a.wants(x))
    a.add(x, dy * y);
  if (a.wants(y))
    a.add(y, dy * x);
  a.add(op.getC(), dy);
  return success();
}

/// d x^p = p x^(p-1) dx + x^p log(x) dp; zero where p is, and log(0) counts as 0, as in PyTorch.
static LogicalResult differentiatePow(math::PowFOp op, Adjoints &a) {
  ImplicitLocOpBuilder &b = a.builder();
  Expr dy = {&b, a.of(op.getResult())}, x = {&b, op.getLhs()}, p = {&b, op.getRhs()};
  Expr zero = x.constant(0.0);
  auto isZero = [&](Expr v) {
    return arith::CmpFOp::create(b, arith::CmpFPredicate::OEQ, v, zero);
  };
  auto zeroWhere = [&](Value condition, Expr otherwise) -> Value {
    return arith::SelectOp::create(b, condition, zero, otherwise);
  };
  if (a.wants(x)) {
    Expr lower = {&b, math::PowFOp::create(b, x, p + -1.0)};
    a.add(x, zeroWhere(isZero(p), dy * p * lower));
  }
  if (a.wants(p))
    a.add(p, zeroWhere(isZero(x), dy * Expr{&b, op.getResult()} * apply<math::LogOp>(x)));
  return success();
}

static LogicalResult differentiateIntegerPow(math::FPowIOp op, Adjoints &a) {
  ImplicitLocOpBuilder &b = a.builder();
  Expr dy = {&b, a.of(op.getResult())}, x = {&b, op.getLhs()};
  Value n = op.getRhs();
  auto integer = [&](int64_t value) -> Value {
    auto attr = b.getIntegerAttr(getElementTypeOrSelf(n.getType()), value);
    if (auto tensor = dyn_cast<RankedTensorType>(n.getType()))
      return arith::ConstantOp::create(b, DenseElementsAttr::get(tensor, attr.getValue()));
    return arith::ConstantOp::create(b, attr);
  };
  if (auto tensor = dyn_cast<RankedTensorType>(n.getType()); tensor && !tensor.hasStaticShape())
    return op.emitOpError() << "with an exponent of dynamic shape has no derivative rule";
  Value lower = math::FPowIOp::create(b, x, arith::SubIOp::create(b, n, integer(1)));
  Value factor = arith::SIToFPOp::create(b, x.value.getType(), n);
  Value isZero = arith::CmpIOp::create(b, arith::CmpIPredicate::eq, n, integer(0));
  Expr slope = dy * Expr{&b, factor} * Expr{&b, lower};
  a.add(x, arith::SelectOp::create(b, isZero, x.constant(0.0), slope));
  return success();
}

static LogicalResult differentiateAtan2(math::Atan2Op op, Adjoints &a) {
  auto *b = &a.builder();
  Expr dy = {b, a.of(op.getResult())}, y = {b, op.getLhs()}, x = {b, op.getRhs()};
  Expr scaled = dy / (x * x + y * y);
  if (a.wants(y))
    a.add(y, scaled * x);
  if (a.wants(x))
    a.add(x, -scaled * y);
  return success();
}

/// |x| with the sign of s: slope 1 where the signs agree, else -1.
static LogicalResult differentiateCopySign(math::CopySignOp op, Adjoints &a) {
  ImplicitLocOpBuilder &b = a.builder();
  Expr dy = {&b, a.of(op.getResult())}, x = {&b, op.getLhs()}, s = {&b, op.getRhs()};
  Expr one = x.constant(1.0);
  Expr signs =
      Expr{&b, math::CopySignOp::create(b, one, x)} * Expr{&b, math::CopySignOp::create(b, one, s)};
  a.add(x, dy * signs);
  return success();
}

template <typename Op, Slope slope> static void attachUnary(MLIRContext *context) {
  attachRule<Op, differentiateUnary<Op, slope>>(context);
}

void linnet::registerMathRules(DialectRegistry &registry) {
  registry.addExtension(+[](MLIRContext *context, math::MathDialect *) {
    attachUnary<math::ExpOp, slopeExp>(context);
    attachUnary<math::Exp2Op, slopeExp2>(context);
    attachUnary<math::ExpM1Op, slopeExpM1>(context);
    attachUnary<math::LogOp, slopeLog>(context);
    attachUnary<math::Log2Op, slopeLog2>(context);
    attachUnary<math::Log10Op, slopeLog10>(context);
    attachUnary<math::Log1pOp, slopeLog1p>(context);
    attachUnary<math::SqrtOp, slopeSqrt>(context);
    attachUnary<math::RsqrtOp, slopeRsqrt>(context);
    attachUnary<math::CbrtOp, slopeCbrt>(context);
    attachUnary<math::SinOp, slopeSin>(context);
    attachUnary<math::CosOp, slopeCos>(context);
    attachUnary<math::TanOp, slopeTan>(context);
    attachUnary<math::TanhOp, slopeTanh>(context);
    attachUnary<math::SinhOp, slopeSinh>(context);
    attachUnary<math::CoshOp, slopeCosh>(context);
    attachUnary<math::AtanOp, slopeAtan>(context);
    attachUnary<math::AsinOp, slopeAsin>(context);
    attachUnary<math::AcosOp, slopeAcos>(context);
    attachUnary<math::ErfOp, slopeErf>(context);
    attachUnary<math::ErfcOp, slopeErfc>(context);
    attachUnary<math::AbsFOp, slopeAbs>(context);
    attachUnary<math::CeilOp, slopeZero>(context);
    attachUnary<math::FloorOp, slopeZero>(context);
    attachUnary<math::RoundOp, slopeZero>(context);
    attachUnary<math::RoundEvenOp, slopeZero>(context);
    attachUnary<math::TruncOp, slopeZero>(context);
    attachRule<math::FmaOp, differentiateFma>(context);
    attachRule<math::PowFOp, differentiatePow>(context);
    attachRule<math::FPowIOp, differentiateIntegerPow>(context);
    attachRule<math::Atan2Op, differentiateAtan2>(context);
    attachRule<math::CopySignOp, differentiateCopySign>(context);
  });
}
