//===- LossOps.cpp - ops of the loss family -----------------------------===//
//
// Part of Linnet, under Apache-2.0 WITH LLVM-exception. See LICENSE.
//
//===----------------------------------------------------------------------===//
#include "Shapes.h"
#include "linnet/IR/LinnetOps.h"

using namespace mlir;
using namespace linnet;

#define GET_OP_CLASSES
#include "linnet/IR/LossOps.cpp.inc"

void LinnetDialect::registerLossOps() {
  addOperations<
#define GET_OP_LIST
#include "linnet/IR/LossOps.cpp.inc"
      >();
}

/// (C1), (C2), (C3) of both ops, (C4) for `loss`, the loss or its gradient, and (C5).
template <typename Op> static LogicalResult verifyLoss(Op op, Value loss) {
  RankedTensorType logits = op.getLogits().getType(), targets = op.getTargets().getType();
  if (logits.getRank() < 1)
    return op.emitOpError() << "expects logits with an axis of classes, found " << logits;
  if (failed(verifyCompatibleShape(targets.getShape(), logits.getShape().drop_back())))
    return op.emitOpError() << "expects a target per row of the logits " << logits << ", found "
                            << targets;
  if (double s = op.getSmoothing(); !(s >= 0 && s <= 1))
    return op.emitOpError() << "expects a label smoothing from 0 to 1, found " << s;
  auto type = cast<RankedTensorType>(loss.getType());
  bool perRow = op.getReduction() == LossReduction::none;
  if (failed(verifyCompatibleShape(type.getShape(),
                                   perRow ? targets.getShape() : ArrayRef<int64_t>())))
    return op.emitOpError() << "expects a loss of " << (perRow ? "the shape of the targets " : "")
                            << (perRow ? targets : RankedTensorType::get({}, type.getElementType()))
                            << ", found " << type;
  if (!op.getLse())
    return success();
  auto lse = cast<RankedTensorType>(op.getLse().getType());
  if (failed(verifyCompatibleShape(lse, targets)))
    return op.emitOpError() << "expects lse of the shape of the targets " << targets << ", found "
                            << lse;
  return success();
}

LogicalResult CrossEntropyOp::verify() { return verifyLoss(*this, getLoss()); }

LogicalResult CrossEntropyOp::reifyResultShapes(OpBuilder &b, ReifiedRankedShapedTypeDims &shapes) {
  RankedTensorType loss = getLoss().getType();
  shapes.push_back(loss.getRank() ? sizesLike(b, getLoc(), getTargets(), loss)
                                  : SmallVector<OpFoldResult>());
  if (getLse())
    shapes.push_back(
        sizesLike(b, getLoc(), getTargets(), cast<RankedTensorType>(getLse().getType())));
  return success();
}

/// Targets have the first sizes of the logits.
static void addRowSizes(SmallVectorImpl<EqualSizes> &pairs, unsigned rank, unsigned logits,
                        unsigned rows) {
  for (unsigned i = 0; i < rank; ++i)
    pairs.push_back({{logits, i}, {rows, i}});
}

void CrossEntropyOp::getEqualSizes(SmallVectorImpl<EqualSizes> &pairs) {
  addRowSizes(pairs, getTargets().getType().getRank(), 0, 1);
}

LogicalResult CrossEntropyGradOp::verify() { return verifyLoss(*this, getGrad()); }

LogicalResult CrossEntropyGradOp::reifyResultShapes(OpBuilder &b,
                                                    ReifiedRankedShapedTypeDims &shapes) {
  shapes.push_back(sizesLike(b, getLoc(), getLogits(), getResult().getType()));
  return success();
}

void CrossEntropyGradOp::getEqualSizes(SmallVectorImpl<EqualSizes> &pairs) {
  unsigned rows = getTargets().getType().getRank();
  addRowSizes(pairs, rows, 1, 2);
  addRowSizes(pairs, rows, 1, 3);
  if (getReduction() == LossReduction::none)
    addRowSizes(pairs, rows, 1, 0);
}
