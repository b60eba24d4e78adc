//===- RandomOps.cpp - ops of the random family -----------------------------===//
//
// Part of Linnet, under Apache-2.0 WITH LLVM-exception. See LICENSE.
//
//===----------------------------------------------------------------------===//
#include "Shapes.h"
#include "linnet/IR/LinnetOps.h"

using namespace mlir;
using namespace linnet;

#define GET_OP_CLASSES
#include "linnet/IR/RandomOps.cpp.inc"

void LinnetDialect::registerRandomOps() {
  addOperations<
#define GET_OP_LIST
#include "linnet/IR/RandomOps.cpp.inc"
      >();
}

LogicalResult RandomOp::verify() {
  int64_t dynamic = getResult().getType().getNumDynamicDims();
  if (static_cast<int64_t>(getSizes().size()) != dynamic) // (C3)
    return emitOpError() << "expects one entry in 'sizes' per dynamic size of the result, found "
                         << getSizes().size() << " for " << dynamic;
  return success();
}

LogicalResult RandomOp::reifyResultShapes(OpBuilder &b, ReifiedRankedShapedTypeDims &shapes) {
  shapes.push_back(mixSizes(b, getResult().getType(), getSizes()));
  return success();
}

LogicalResult DropoutOp::verify() {
  double rate = getRate().convertToDouble();
  if (!(rate >= 0 && rate <= 1)) // (C2)
    return emitOpError() << "expects a rate from 0 to 1, found " << rate;
  return success();
}

OpFoldResult DropoutOp::fold(FoldAdaptor) {
  return getRate().isZero() ? OpFoldResult(getInput()) : OpFoldResult();
}

LogicalResult DropoutOp::reifyResultShapes(OpBuilder &b, ReifiedRankedShapedTypeDims &shapes) {
  shapes.push_back(sizesLike(b, getLoc(), getInput(), getResult().getType()));
  return success();
}
