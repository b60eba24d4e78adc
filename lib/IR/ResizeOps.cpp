//===- ResizeOps.cpp - ops of the resize family -----------------------------===//
//
// Part of Linnet, under Apache-2.0 WITH LLVM-exception. See LICENSE.
//
//===----------------------------------------------------------------------===//
#include "Shapes.h"
#include "linnet/IR/LinnetOps.h"

using namespace mlir;
using namespace linnet;

#define GET_OP_CLASSES
#include "linnet/IR/ResizeOps.cpp.inc"

void LinnetDialect::registerResizeOps() {
  addOperations<
#define GET_OP_LIST
#include "linnet/IR/ResizeOps.cpp.inc"
      >();
}

/// All constraints: `from` and `to` are operand and result, `read` and `made` those of the
/// forward op.
template <typename Op>
static LogicalResult verifyResize(Op op, RankedTensorType from, RankedTensorType to,
                                  RankedTensorType read, RankedTensorType made) {
  if (from.getRank() != to.getRank() || from.getElementType() != to.getElementType() ||
      failed(verifyCompatibleShape(from.getShape().take_front(2), to.getShape().take_front(2))))
    return op.emitOpError() << "expects batch, channels and element type of " << from
                            << " in the result, found " << to; // (C1)
  int64_t dynamic = llvm::count_if(to.getShape().drop_front(2), ShapedType::isDynamic);
  if (static_cast<int64_t>(op.getSizes().size()) != dynamic) // (C2)
    return op.emitOpError() << "expects one entry in 'sizes' per dynamic spatial size of the "
                            << "result, found " << op.getSizes().size() << " for " << dynamic;
  if (op.getMode() == ResizeMode::nearest && op.getPosition() == ResizePosition::align_corners)
    return op.emitOpError("expects half_pixel or asymmetric with nearest"); // (C3)
  for (int64_t i = 2; i < read.getRank(); ++i)                              // (C4)
    if (read.getDimSize(i) == 0 && made.getDimSize(i) > 0)
      return op.emitOpError() << "expects elements to read for size " << made.getDimSize(i)
                              << " of dimension " << i << ", found none";
  return success();
}

/// Batch and channels of `from`, then the sizes of the result's type and `dynamic`.
static SmallVector<OpFoldResult> reifyResized(OpBuilder &b, Location loc, Value from,
                                              RankedTensorType type, ValueRange dynamic) {
  SmallVector<OpFoldResult> sizes;
  auto next = dynamic.begin();
  for (int64_t i = 0; i < type.getRank(); ++i)
    sizes.push_back(i >= 2 && type.isDynamicDim(i) ? OpFoldResult(*next++)
                                                   : sizeOf(b, loc, from, i, type, i));
  return sizes;
}

LogicalResult ResizeOp::verify() {
  RankedTensorType input = getInput().getType(), result = getResult().getType();
  return verifyResize(*this, input, result, input, result);
}

LogicalResult ResizeOp::reifyResultShapes(OpBuilder &b, ReifiedRankedShapedTypeDims &shapes) {
  shapes.push_back(reifyResized(b, getLoc(), getInput(), getResult().getType(), getSizes()));
  return success();
}

LogicalResult ResizeGradOp::verify() {
  RankedTensorType grad = getGrad().getType(), result = getResult().getType();
  return verifyResize(*this, grad, result, result, grad);
}

LogicalResult ResizeGradOp::reifyResultShapes(OpBuilder &b, ReifiedRankedShapedTypeDims &shapes) {
  shapes.push_back(reifyResized(b, getLoc(), getGrad(), getResult().getType(), getSizes()));
  return success();
}
