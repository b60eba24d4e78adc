//===- Pool.cpp - derivatives of the pool family ------------------------===//
//
// Part of Linnet, under Apache-2.0 WITH LLVM-exception. See LICENSE.
//
//===----------------------------------------------------------------------===//
#include "../Rules.h"
#include "linnet/IR/LinnetOps.h"

using namespace mlir;
using namespace linnet;

static LogicalResult differentiateMaxPool(MaxPoolOp op, Adjoints &a) {
  a.add(op.getInput(),
        MaxPoolGradOp::create(a.builder(), a.of(op.getResult()), op.getInput(), op.getKernelAttr(),
                              op.getStridesAttr(), op.getDilationsAttr(), op.getPaddingAttr(),
                              op.getCeilModeAttr()));
  return success();
}

static LogicalResult differentiateAvgPool(AvgPoolOp op, Adjoints &a) {
  ImplicitLocOpBuilder &b = a.builder();
  a.add(op.getInput(),
        AvgPoolGradOp::create(b, op.getInput().getType(), a.of(op.getResult()),
                              dynamicSizes(b, op.getInput()), op.getKernelAttr(),
                              op.getStridesAttr(), op.getDilationsAttr(), op.getPaddingAttr(),
                              op.getCeilModeAttr(), op.getCountIncludePadAttr()));
  return success();
}

void linnet::registerPoolRules(DialectRegistry &registry) {
  registry.addExtension(+[](MLIRContext *context, LinnetDialect *) {
    attachRule<MaxPoolOp, differentiateMaxPool>(context);
    attachRule<AvgPoolOp, differentiateAvgPool>(context);
  });
}
