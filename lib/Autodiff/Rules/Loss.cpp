//===- Loss.cpp - derivatives of the loss family ------------------------===//
//
// Part of Linnet, under Apache-2.0 WITH LLVM-exception. See LICENSE.
//
//===----------------------------------------------------------------------===//
#include "../Rules.h"
#include "linnet/IR/LinnetOps.h"
#include "mlir/Dialect/Math/IR/Math.h"

using namespace mlir;
using namespace linnet;

/// The op with the row sums that its gradient needs; `op` is gone if it had none.
static CrossEntropyOp withRowSums(CrossEntropyOp op, Adjoints &a) {
  if (op.getLse())
    return op;
  OpBuilder b(op);
  auto rows = op.getTargets().getType().clone(b.getF32Type());
  auto full = CrossEntropyOp::create(b, op.getLoc(), op.getLoss().getType(), rows,
                                     op.getReductionAttr(), op.getLogits(), op.getTargets(),
                                     op.getIgnoreIndexAttr(), op.getLabelSmoothingAttr());
  op.getLoss().replaceAllUsesWith(full.getLoss());
  a.replaced(op.getLoss(), full.getLoss());
  op.erase();
  return full;
}

static LogicalResult differentiateCrossEntropy(CrossEntropyOp op, Adjoints &a) {
  Value dloss = a.of(op.getLoss()), dlse = op.getLse() ? a.of(op.getLse()) : Value();
  op = withRowSums(op, a);
  ImplicitLocOpBuilder &b = a.builder();
  Value logits = op.getLogits();
  if (dloss)
    a.add(logits, CrossEntropyGradOp::create(b, op.getReductionAttr(), dloss, logits,
                                             op.getTargets(), op.getLse(), op.getIgnoreIndexAttr(),
                                             op.getLabelSmoothingAttr()));
  if (!dlse)
    return success();
  // lse itself: the softmax of the row
  Expr x = {&b, toF32(b, logits)};
  auto rows = llvm::to_vector(llvm::seq<int64_t>(0, op.getTargets().getType().getRank()));
  auto spread = [&](Value v) { return Expr{&b, broadcastLike(b, v, x, rows)}; };
  Expr p = {&b, math::ExpOp::create(b, x - spread(op.getLse()))};
  a.add(logits, roundLike(b, p * spread(dlse), logits));
  return success();
}

void linnet::registerLossRules(DialectRegistry &registry) {
  registry.addExtension(+[](MLIRContext *context, LinnetDialect *) {
    attachRule<CrossEntropyOp, differentiateCrossEntropy>(context);
  });
}
