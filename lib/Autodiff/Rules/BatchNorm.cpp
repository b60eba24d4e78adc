//===- BatchNorm.cpp - derivatives of batch normalisation ---------------===//
//
// Part of Linnet, under Apache-2.0 WITH LLVM-exception. See LICENSE.
//
//===----------------------------------------------------------------------===//
#include "../Rules.h"
#include "linnet/IR/LinnetOps.h"
#include "mlir/Dialect/Math/IR/Math.h"

using namespace mlir;
using namespace linnet;

/// Adds to the parameter where there is one, rounded to its type.
static void addRounded(Adjoints &a, Value parameter, Value gradient) {
  if (parameter && a.wants(parameter))
    a.add(parameter, roundLike(a.builder(), gradient, parameter));
}

static LogicalResult differentiateBatchNormTrain(BatchNormTrainOp op, Adjoints &a) {
  for (Value result : op.getResults().drop_front())
    if (a.of(result))
      return op.emitOpError("has no derivative of its statistics");
  Value dy = a.of(op.getResult());
  if (!dy)
    return success();
  auto grad = BatchNormGradOp::create(a.builder(), dy, op.getInput(), op.getMean(), op.getVar(),
                                      op.getScale(), op.getEpsAttr());
  if (a.wants(op.getInput()))
    a.add(op.getInput(), grad.getDinput());
  addRounded(a, op.getScale(), grad.getDscale());
  addRounded(a, op.getBias(), grad.getDbias());
  return success();
}

static LogicalResult differentiateBatchNorm(BatchNormOp op, Adjoints &a) {
  ImplicitLocOpBuilder &b = a.builder();
  Expr dy = {&b, toF32(b, a.of(op.getResult()))}, x = {&b, toF32(b, op.getInput())};
  SmallVector<int64_t> others = {0};
  for (int64_t i = 2, rank = op.getInput().getType().getRank(); i < rank; ++i)
    others.push_back(i);
  auto spread = [&](Value v) { return Expr{&b, broadcastLike(b, toF32(b, v), x, {1})}; };
  auto sum = [&](Expr v) { return Expr{&b, sumOver(b, v, others)}; };
  Expr var = {&b, toF32(b, op.getVar())};
  Expr inverse = {&b, math::RsqrtOp::create(b, var + op.getEps().convertToDouble())};
  Expr centred = x - spread(op.getMean()), factor = inverse;
  if (op.getScale())
    factor = factor * Expr{&b, toF32(b, op.getScale())};
  if (a.wants(op.getInput()))
    a.add(op.getInput(), roundLike(b, dy * spread(factor), op.getInput()));
  if (op.getScale())
    addRounded(a, op.getScale(), sum(dy * centred) * inverse);
  addRounded(a, op.getBias(), sum(dy));
  addRounded(a, op.getMean(), -(sum(dy) * factor));
  addRounded(a, op.getVar(), sum(dy * centred) * factor * inverse * inverse * -0.5);
  return success();
}

void linnet::registerBatchNormRules(DialectRegistry &registry) {
  registry.addExtension(+[](MLIRContext *context, LinnetDialect *) {
    attachRule<BatchNormTrainOp, differentiateBatchNormTrain>(context);
    attachRule<BatchNormOp, differentiateBatchNorm>(context);
  });
}
