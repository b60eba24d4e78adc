//===- Resize.cpp - derivatives of the resize family --------------------===//
//
// Part of Linnet, under Apache-2.0 WITH LLVM-exception. See LICENSE.
//
//===----------------------------------------------------------------------===//
#include "../Rules.h"
#include "linnet/IR/LinnetOps.h"

using namespace mlir;
using namespace linnet;

static LogicalResult differentiateResize(ResizeOp op, Adjoints &a) {
  ImplicitLocOpBuilder &b = a.builder();
  a.add(op.getInput(),
        ResizeGradOp::create(b, op.getInput().getType(), op.getModeAttr(), op.getPositionAttr(),
                             a.of(op.getResult()), dynamicSizes(b, op.getInput(), 2)));
  return success();
}

void linnet::registerResizeRules(DialectRegistry &registry) {
  registry.addExtension(+[](MLIRContext *context, LinnetDialect *) {
    attachRule<ResizeOp, differentiateResize>(context);
  });
}
