//===- PlainOpsBroadcast.cpp - broadcast ----------------------------------===//
//
// Part of Linnet, under Apache-2.0 WITH LLVM-exception. See LICENSE.
//
//===----------------------------------------------------------------------===//
#include "Shapes.h"
#include "linnet/IR/LinnetOps.h"
#include "mlir/IR/PatternMatch.h"

using namespace mlir;
using namespace linnet;

SmallVector<int64_t> BroadcastOp::getMappedDims() {
  if (auto dims = getDims())
    return SmallVector<int64_t>(*dims);
  auto type = dyn_cast<RankedTensorType>(getInput().getType());
  int64_t rank = type ? type.getRank() : 0;
  return llvm::to_vector(
      llvm::seq(getResult().getType().getRank() - rank, getResult().getType().getRank()));
}

/// (C2) and (C3).
static LogicalResult verifyMapping(BroadcastOp op, ArrayRef<int64_t> source) {
  RankedTensorType result = op.getResult().getType();
  int64_t rank = result.getRank(), previous = -1;
  if (static_cast<int64_t>(source.size()) > rank)
    return op.emitOpError() << "expects a source of rank at most " << rank << ", found rank "
                            << source.size();
  SmallVector<int64_t> dims = op.getMappedDims();
  if (dims.size() != source.size())
    return op.emitOpError() << "expects one entry in 'dims' per source dimension, found "
                            << dims.size() << " for " << source.size();
  for (auto [i, dim] : llvm::enumerate(dims)) {
    if (dim <= previous || dim >= rank)
      return op.emitOpError() << "expects increasing 'dims' from 0 to " << rank - 1 << ", found "
                              << dim;
    previous = dim;
    if (source[i] != 1 && !mayBeEqual(source[i], result.getDimSize(dim)))
      return op.emitOpError() << "expects source size " << source[i]
                              << " to be 1 or to match result size " << result.getDimSize(dim);
  }
  return success();
}

/// (C4) to (C7): where the dynamic sizes come from.
static LogicalResult verifySizes(BroadcastOp op, ArrayRef<int64_t> source) {
  RankedTensorType result = op.getResult().getType();
  int64_t dynamic = result.getNumDynamicDims(), given = op.getSizes().size();
  if (op.getLike()) {
    if (given)
      return op.emitOpError() << "expects 'like' or 'sizes', found both";
    auto like = cast<RankedTensorType>(op.getLike().getType());
    if (failed(verifyCompatibleShape(like, result)))
      return op.emitOpError() << "expects 'like' of the result's shape " << result << ", found "
                              << like;
    return success();
  }
  if (given && given != dynamic)
    return op.emitOpError() << "expects one entry in 'sizes' per dynamic size of the result, found "
                            << given << " for " << dynamic;
  if (given)
    return success();
  SmallVector<int64_t> dims = op.getMappedDims();
  for (int64_t i = 0; i < result.getRank(); ++i) {
    auto it = llvm::find(dims, i);
    if (result.isDynamicDim(i) && (it == dims.end() || source[it - dims.begin()] == 1))
      return op.emitOpError() << "expects 'like' or 'sizes' for dynamic size " << i << " of "
                              << result << " which the source " << op.getInput().getType()
                              << " does not have";
  }
  return success();
}

LogicalResult BroadcastOp::verify() {
  Type type = getInput().getType();
  RankedTensorType result = getResult().getType();
  if (getElementTypeOrSelf(type) != result.getElementType()) // (C1)
    return emitOpError() << "expects source element type " << getElementTypeOrSelf(type)
                         << " to match result element type " << result.getElementType();
  ArrayRef<int64_t> source;
  if (auto tensor = dyn_cast<RankedTensorType>(type))
    source = tensor.getShape();
  if (failed(verifyMapping(*this, source)))
    return failure();
  return verifySizes(*this, source);
}

LogicalResult BroadcastOp::reifyResultShapes(OpBuilder &b, ReifiedRankedShapedTypeDims &shapes) {
  RankedTensorType type = getResult().getType();
  if (getLike()) {
    shapes.push_back(sizesLike(b, getLoc(), getLike(), type));
    return success();
  }
  if (!getSizes().empty()) {
    shapes.push_back(mixSizes(b, type, getSizes()));
    return success();
  }
  SmallVector<int64_t> dims = getMappedDims();
  SmallVector<OpFoldResult> sizes;
  for (auto [i, size] : llvm::enumerate(type.getShape())) {
    if (!ShapedType::isDynamic(size))
      sizes.push_back(b.getIndexAttr(size));
    else
      sizes.push_back(tensor::getMixedSize(
          b, getLoc(), getInput(), llvm::find(dims, static_cast<int64_t>(i)) - dims.begin()));
  }
  shapes.push_back(std::move(sizes));
  return success();
}

void BroadcastOp::getEqualSizes(SmallVectorImpl<EqualSizes> &pairs) {
  auto source = dyn_cast<RankedTensorType>(getInput().getType());
  if (!getLike() || !source)
    return;
  for (auto [i, dim] : llvm::enumerate(getMappedDims()))
    if (source.getDimSize(i) != 1)
      pairs.push_back({{0, static_cast<unsigned>(i)}, {1, static_cast<unsigned>(dim)}});
}

OpFoldResult BroadcastOp::fold(FoldAdaptor adaptor) {
  RankedTensorType result = getResult().getType();
  // of one static shape nothing is repeated; unknown sizes could still be checked by 'like'
  if (getInput().getType() == result && result.hasStaticShape())
    return getInput();
  if (!result.hasStaticShape())
    return {};
  Attribute value = adaptor.getInput();
  if (auto splat = dyn_cast_or_null<SplatElementsAttr>(value))
    return splat.resizeSplat(result);
  if (isa_and_nonnull<FloatAttr, IntegerAttr>(value))
    return SplatElementsAttr::get(result, value);
  return {};
}

/// A constant shape needs no `like`.
LogicalResult BroadcastOp::canonicalize(BroadcastOp op, PatternRewriter &rewriter) {
  if (!op.getLike() || !op.getResult().getType().hasStaticShape())
    return failure();
  rewriter.modifyOpInPlace(op, [&] { op.getLikeMutable().clear(); });
  return success();
}
