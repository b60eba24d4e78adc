//===- PlainOpsScatter.cpp - scatter_add ----------------------------------===//
//
// Part of Linnet, under Apache-2.0 WITH LLVM-exception. See LICENSE.
//
//===----------------------------------------------------------------------===//
#include "Shapes.h"
#include "linnet/IR/LinnetOps.h"

using namespace mlir;
using namespace linnet;

/// (C2): the sizes of the updates that are sizes of the indices.
static LogicalResult verifyUpdates(ScatterAddOp op) {
  RankedTensorType updates = op.getUpdates().getType(), indices = op.getIndices().getType();
  int64_t axis = op.getAxis(), batch = op.getBatchDims(), added = indices.getRank() - batch;
  auto fail = [&] {
    return op.emitOpError() << "expects updates with the sizes of the indices " << indices
                            << " at dimension " << axis << ", found " << updates;
  };
  if (updates.getRank() < axis + added)
    return fail();
  for (int64_t i = 0; i < indices.getRank(); ++i)
    if (!mayBeEqual(indices.getDimSize(i), updates.getDimSize(i < batch ? i : axis + i - batch)))
      return fail();
  return success();
}

LogicalResult ScatterAddOp::verify() {
  RankedTensorType updates = getUpdates().getType(), indices = getIndices().getType();
  int64_t axis = getAxis(), batch = getBatchDims();
  if (batch < 0 || batch > indices.getRank() || axis < batch) // (C1)
    return emitOpError() << "expects 0 to " << indices.getRank() << " batch dimensions for "
                         << indices << " and an axis behind them, found " << batch << " and axis "
                         << axis;
  if (failed(verifyUpdates(*this)))
    return failure();
  RankedTensorType type = getResult().getType();
  SmallVector<int64_t> shape(updates.getShape().take_front(axis));
  shape.push_back(axis < type.getRank() ? type.getDimSize(axis) : ShapedType::kDynamic);
  llvm::append_range(shape, updates.getShape().drop_front(axis + indices.getRank() - batch));
  auto expected = RankedTensorType::get(shape, updates.getElementType());
  if (failed(verifyResult(*this, expected))) // (C3)
    return failure();
  if (static_cast<bool>(getSize()) != type.isDynamicDim(axis)) // (C4)
    return emitOpError() << "expects 'size' for a dynamic size of the result and none for a "
                         << "static one, found " << type;
  return success();
}

LogicalResult ScatterAddOp::reifyResultShapes(OpBuilder &b, ReifiedRankedShapedTypeDims &shapes) {
  RankedTensorType type = getResult().getType();
  int64_t axis = getAxis(), added = getIndices().getType().getRank() - getBatchDims();
  SmallVector<OpFoldResult> sizes;
  for (int64_t i = 0; i < type.getRank(); ++i) {
    if (i != axis)
      sizes.push_back(sizeOf(b, getLoc(), getUpdates(), i < axis ? i : i + added - 1, type, i));
    else
      sizes.push_back(getSize() ? OpFoldResult(getSize()) : b.getIndexAttr(type.getDimSize(i)));
  }
  shapes.push_back(std::move(sizes));
  return success();
}

void ScatterAddOp::getEqualSizes(SmallVectorImpl<EqualSizes> &pairs) {
  unsigned axis = getAxis(), batch = getBatchDims();
  for (unsigned i = 0, rank = getIndices().getType().getRank(); i < rank; ++i)
    pairs.push_back({{0, i < batch ? i : axis + i - batch}, {1, i}});
}
