//===- Random.cpp - derivatives of the random family --------------------===//
//
// Part of Linnet, under Apache-2.0 WITH LLVM-exception. See LICENSE.
//
//===----------------------------------------------------------------------===//
#include "../Rules.h"
#include "linnet/IR/LinnetOps.h"

using namespace mlir;
using namespace linnet;

/// The same mask again.
static LogicalResult differentiateDropout(DropoutOp op, Adjoints &a) {
  a.add(op.getInput(), DropoutOp::create(a.builder(), a.of(op.getResult()), op.getKey(),
                                         op.getCounter(), op.getRateAttr()));
  return success();
}

void linnet::registerRandomRules(DialectRegistry &registry) {
  registry.addExtension(+[](MLIRContext *context, LinnetDialect *) {
    attachRule<DropoutOp, differentiateDropout>(context);
  });
}
