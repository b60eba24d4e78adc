//===- Arith.cpp - derivatives of arith -----------------------------------===//
//
// Part of Linnet, under Apache-2.0 WITH LLVM-exception. See LICENSE.
//
//===----------------------------------------------------------------------===//
#include "mlir/Dialect/Arith/IR/Arith.h"
#include "../Rules.h"

using namespace mlir;
using namespace linnet;

static LogicalResult differentiateAdd(arith::AddFOp op, Adjoints &a) {
  Value dy = a.of(op.getResult());
  a.add(op.getLhs(), dy);
  a.add(op.getRhs(), dy);
  return success();
}

static LogicalResult differentiateSub(arith::SubFOp op, Adjoints &a) {
  Expr dy = {&a.builder(), a.of(op.getResult())};
  a.add(op.getLhs(), dy);
  if (a.wants(op.getRhs()))
    a.add(op.getRhs(), -dy);
  return success();
}

static LogicalResult differentiateMul(arith::MulFOp op, Adjoints &a) {
  auto *b = &a.builder();
  Expr dy = {b, a.of(op.getResult())}, x = {b, op.getLhs()}, y = {b, op.getRhs()};
  if (a.wants(x))
    a.add(x, dy * y);
  if (a.wants(y))
    a.add(y, dy * x);
  return success();
}

static LogicalResult differentiateDiv(arith::DivFOp op, Adjoints &a) {
  auto *b = &a.builder();
  Expr dy = {b, a.of(op.getResult())}, x = {b, op.getLhs()}, y = {b, op.getRhs()};
  if (a.wants(x))
    a.add(x, dy / y);
  if (a.wants(y))
    a.add(y, -dy * Expr{b, op.getResult()} / y);
  return success();
}

static LogicalResult differentiateNeg(arith::NegFOp op, Adjoints &a) {
  a.add(op.getOperand(), -Expr{&a.builder(), a.of(op.getResult())});
  return success();
}

/// The operand that is chosen gets the gradient; equal ones half of it each, as in PyTorch.
template <typename Op> static LogicalResult differentiateExtremum(Op op, Adjoints &a) {
  constexpr bool isMax = llvm::is_one_of<Op, arith::MaximumFOp, arith::MaxNumFOp>::value;
  ImplicitLocOpBuilder &b = a.builder();
  Value x = op.getLhs(), y = op.getRhs();
  Expr dy = {&b, a.of(op.getResult())};
  Expr half = dy * 0.5, zero = dy.constant(0.0);
  auto compare = [&](arith::CmpFPredicate p) { return arith::CmpFOp::create(b, p, x, y); };
  Value equal = compare(arith::CmpFPredicate::OEQ);
  Value first = compare(isMax ? arith::CmpFPredicate::OGT : arith::CmpFPredicate::OLT);
  Value second = compare(isMax ? arith::CmpFPredicate::OLT : arith::CmpFPredicate::OGT);
  auto share = [&](Value chosen) -> Value {
    Value whole = arith::SelectOp::create(b, chosen, dy, zero);
    return arith::SelectOp::create(b, equal, half, whole);
  };
  if (a.wants(x))
    a.add(x, share(first));
  if (a.wants(y))
    a.add(y, share(second));
  return success();
}

static LogicalResult differentiateSelect(arith::SelectOp op, Adjoints &a) {
  ImplicitLocOpBuilder &b = a.builder();
  Value dy = a.of(op.getResult()), zero = zerosLike(b, dy);
  if (a.wants(op.getTrueValue()))
    a.add(op.getTrueValue(), arith::SelectOp::create(b, op.getCondition(), dy, zero));
  if (a.wants(op.getFalseValue()))
    a.add(op.getFalseValue(), arith::SelectOp::create(b, op.getCondition(), zero, dy));
  return success();
}

template <typename Op> static LogicalResult differentiateCast(Op op, Adjoints &a) {
  a.add(op.getIn(), roundLike(a.builder(), a.of(op.getResult()), op.getIn()));
  return success();
}

void linnet::registerArithRules(DialectRegistry &registry) {
  registry.addExtension(+[](MLIRContext *context, arith::ArithDialect *) {
    attachRule<arith::AddFOp, differentiateAdd>(context);
    attachRule<arith::SubFOp, differentiateSub>(context);
    attachRule<arith::MulFOp, differentiateMul>(context);
    attachRule<arith::DivFOp, differentiateDiv>(context);
    attachRule<arith::NegFOp, differentiateNeg>(context);
    attachRule<arith::MaximumFOp, differentiateExtremum<arith::MaximumFOp>>(context);
    attachRule<arith::MinimumFOp, differentiateExtremum<arith::MinimumFOp>>(context);
    attachRule<arith::MaxNumFOp, differentiateExtremum<arith::MaxNumFOp>>(context);
    attachRule<arith::MinNumFOp, differentiateExtremum<arith::MinNumFOp>>(context);
    attachRule<arith::SelectOp, differentiateSelect>(context);
    attachRule<arith::ExtFOp, differentiateCast<arith::ExtFOp>>(context);
    attachRule<arith::TruncFOp, differentiateCast<arith::TruncFOp>>(context);
  });
}
