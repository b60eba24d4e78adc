//===- PlainOps.cpp - ops of the plain family -----------------------------===//
//
// Part of Linnet, under Apache-2.0 WITH LLVM-exception. See LICENSE.
//
// reduce, gather and argmax; einsum and broadcast have files of their own.
//
//===----------------------------------------------------------------------===//
#include "Shapes.h"
#include "linnet/IR/LinnetOps.h"

using namespace mlir;
using namespace linnet;

#define GET_OP_CLASSES
#include "linnet/IR/PlainOps.cpp.inc"

void LinnetDialect::registerPlainOps() {
  addOperations<
#define GET_OP_LIST
#include "linnet/IR/PlainOps.cpp.inc"
      >();
}

/// The shape without `axes`, or with 1 in their place.
static SmallVector<int64_t> dropAxes(ArrayRef<int64_t> shape, ArrayRef<int64_t> axes,
                                     bool keepdims) {
  SmallVector<int64_t> result;
  for (auto [i, size] : llvm::enumerate(shape)) {
    if (!llvm::is_contained(axes, static_cast<int64_t>(i)))
      result.push_back(size);
    else if (keepdims)
      result.push_back(1);
  }
  return result;
}

/// The sizes of a result that `dropAxes` gave the shape of.
static SmallVector<OpFoldResult> reifyDropped(OpBuilder &b, Location loc, Value input,
                                              RankedTensorType type, ArrayRef<int64_t> axes,
                                              bool keepdims) {
  SmallVector<OpFoldResult> sizes;
  for (int64_t i = 0, e = cast<RankedTensorType>(input.getType()).getRank(); i < e; ++i) {
    if (!llvm::is_contained(axes, i))
      sizes.push_back(sizeOf(b, loc, input, i, type, sizes.size()));
    else if (keepdims)
      sizes.push_back(b.getIndexAttr(1));
  }
  return sizes;
}

//===----------------------------------------------------------------------===//
// reduce
//===----------------------------------------------------------------------===//

static FailureOr<RankedTensorType> inferType(ReduceOp::Adaptor op, std::optional<Location> loc) {
  auto input = cast<RankedTensorType>(op.getInput().getType());
  int64_t previous = -1;
  for (int64_t axis : op.getAxes()) { // (C1)
    if (axis <= previous || axis >= input.getRank())
      return emitOptionalError(loc, "'linnet.reduce' op expects increasing axes from 0 to ",
                               input.getRank() - 1, ", found ", axis,
                               previous < 0 ? "" : " after an axis that is not smaller");
    previous = axis;
  }
  if (op.getKind() == ReduceKind::mean && !isa<FloatType>(input.getElementType())) // (C2)
    return emitOptionalError(loc,
                             "'linnet.reduce' op expects a float element type for 'mean', "
                             "found ",
                             input.getElementType());
  return RankedTensorType::get(dropAxes(input.getShape(), op.getAxes(), op.getKeepdims()),
                               input.getElementType());
}

LogicalResult ReduceOp::inferReturnTypes(MLIRContext *, std::optional<Location>, Adaptor op,
                                         SmallVectorImpl<Type> &types) {
  return inferOrGuess(inferType(op, std::nullopt), op.getInput(), types);
}

bool ReduceOp::isCompatibleReturnTypes(TypeRange, TypeRange) {
  return true; /* verify() compares */
}

LogicalResult ReduceOp::verify() { return verifyResult(*this, inferType(*this, getLoc())); }

LogicalResult ReduceOp::reifyResultShapes(OpBuilder &b, ReifiedRankedShapedTypeDims &shapes) {
  shapes.push_back(
      reifyDropped(b, getLoc(), getInput(), getResult().getType(), getAxes(), getKeepdims()));
  return success();
}

OpFoldResult ReduceOp::fold(FoldAdaptor) {
  if (getAxes().empty() && getInput().getType() == getResult().getType())
    return getInput();
  return {};
}

//===----------------------------------------------------------------------===//
// argmax
//===----------------------------------------------------------------------===//

static FailureOr<RankedTensorType> inferType(ArgmaxOp::Adaptor op, std::optional<Location> loc) {
  auto input = cast<RankedTensorType>(op.getInput().getType());
  int64_t axis = op.getAxis();
  if (axis < 0 || axis >= input.getRank()) // (C1)
    return emitOptionalError(loc, "'linnet.argmax' op expects an axis from 0 to ",
                             input.getRank() - 1, ", found ", axis);
  return RankedTensorType::get(dropAxes(input.getShape(), {axis}, op.getKeepdims()),
                               IntegerType::get(input.getContext(), 64));
}

LogicalResult ArgmaxOp::inferReturnTypes(MLIRContext *, std::optional<Location>, Adaptor op,
                                         SmallVectorImpl<Type> &types) {
  return inferOrGuess(inferType(op, std::nullopt), op.getInput(), types);
}

bool ArgmaxOp::isCompatibleReturnTypes(TypeRange, TypeRange) {
  return true; /* verify() compares */
}

LogicalResult ArgmaxOp::verify() {
  FailureOr<RankedTensorType> inferred = inferType(*this, getLoc());
  if (failed(inferred))
    return failure();
  return verifyResult(*this, inferred->clone(getResult().getType().getElementType()));
}

LogicalResult ArgmaxOp::reifyResultShapes(OpBuilder &b, ReifiedRankedShapedTypeDims &shapes) {
  int64_t axis = getAxis();
  shapes.push_back(
      reifyDropped(b, getLoc(), getInput(), getResult().getType(), {axis}, getKeepdims()));
  return success();
}

//===----------------------------------------------------------------------===//
// gather
//===----------------------------------------------------------------------===//

static FailureOr<RankedTensorType> inferType(GatherOp::Adaptor op, std::optional<Location> loc) {
  auto data = cast<RankedTensorType>(op.getData().getType());
  auto indices = cast<RankedTensorType>(op.getIndices().getType());
  int64_t axis = op.getAxis(), batch = op.getBatchDims();
  if (batch < 0 || batch > indices.getRank()) // (C2)
    return emitOptionalError(loc, "'linnet.gather' op expects 0 to ", indices.getRank(),
                             " batch dimensions for ", indices, ", found ", batch);
  if (axis < batch || axis >= data.getRank()) // (C1)
    return emitOptionalError(loc, "'linnet.gather' op expects an axis from ", batch, " to ",
                             data.getRank() - 1, ", found ", axis);
  SmallVector<int64_t> shape(data.getShape().take_front(axis));
  for (int64_t i = 0; i < batch; ++i) {
    if (!mayBeEqual(data.getDimSize(i), indices.getDimSize(i))) // (C3)
      return emitOptionalError(loc, "'linnet.gather' op expects batch size ", data.getDimSize(i),
                               " of the data to match batch size ", indices.getDimSize(i),
                               " of the indices");
    shape[i] = mergeSizes(data.getDimSize(i), indices.getDimSize(i));
  }
  llvm::append_range(shape, indices.getShape().drop_front(batch));
  llvm::append_range(shape, data.getShape().drop_front(axis + 1));
  return RankedTensorType::get(shape, data.getElementType());
}

LogicalResult GatherOp::inferReturnTypes(MLIRContext *, std::optional<Location>, Adaptor op,
                                         SmallVectorImpl<Type> &types) {
  return inferOrGuess(inferType(op, std::nullopt), op.getData(), types);
}

bool GatherOp::isCompatibleReturnTypes(TypeRange, TypeRange) {
  return true; /* verify() compares */
}

LogicalResult GatherOp::verify() { return verifyResult(*this, inferType(*this, getLoc())); }

LogicalResult GatherOp::reifyResultShapes(OpBuilder &b, ReifiedRankedShapedTypeDims &shapes) {
  RankedTensorType type = getResult().getType();
  int64_t axis = getAxis(), batch = getBatchDims();
  SmallVector<OpFoldResult> sizes;
  auto add = [&](Value value, int64_t from, int64_t to) {
    for (int64_t i = from; i < to; ++i)
      sizes.push_back(sizeOf(b, getLoc(), value, i, type, sizes.size()));
  };
  add(getData(), 0, axis);
  add(getIndices(), batch, getIndices().getType().getRank());
  add(getData(), axis + 1, getData().getType().getRank());
  shapes.push_back(std::move(sizes));
  return success();
}

void GatherOp::getEqualSizes(SmallVectorImpl<EqualSizes> &pairs) {
  for (unsigned i = 0; i < getBatchDims(); ++i)
    pairs.push_back({{0, i}, {1, i}});
}
