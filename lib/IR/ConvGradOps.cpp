//===- ConvGradOps.cpp - transposed convolution, gradients ----------------===//
//
// Part of Linnet, under Apache-2.0 WITH LLVM-exception. See LICENSE.
//
//===----------------------------------------------------------------------===//
#include "Shapes.h"
#include "Windows.h"
#include "linnet/IR/LinnetOps.h"
#include "mlir/Dialect/Arith/Utils/Utils.h"
#include "mlir/IR/ImplicitLocOpBuilder.h"

using namespace mlir;
using namespace linnet;

/// (C4): `groups` divides every channel count that is known.
static LogicalResult verifyGroups(Operation *op, int64_t groups,
                                  ArrayRef<std::pair<StringRef, int64_t>> channels) {
  if (groups < 1)
    return op->emitOpError() << "expects at least 1 group, found " << groups;
  for (auto [name, size] : channels)
    if (!ShapedType::isDynamic(size) && size % groups)
      return op->emitOpError() << "expects " << size << " " << name
                               << " channels to be a multiple of " << groups << " groups";
  return success();
}

static LogicalResult verifyRanks(Operation *op, RankedTensorType a, RankedTensorType b) {
  if (a.getRank() >= 3 && a.getRank() == b.getRank())
    return success();
  return op->emitOpError() << "expects tensors of one rank of at least 3, found " << a << " and "
                           << b;
}

/// The spatial sizes of a filter are known.
static LogicalResult verifyFilter(Operation *op, RankedTensorType filter) {
  for (int64_t size : filter.getShape().drop_front(2))
    if (ShapedType::isDynamic(size) || size < 1)
      return op->emitOpError() << "expects static filter sizes of at least 1, found " << filter;
  return success();
}

//===----------------------------------------------------------------------===//
// conv_transpose
//===----------------------------------------------------------------------===//

static RankedTensorType inferType(ConvTransposeOp op) {
  RankedTensorType input = op.getInput().getType(), filter = op.getFilter().getType();
  int64_t perGroup = filter.getDimSize(1), groups = op.getGroups();
  SmallVector<int64_t> shape = {input.getDimSize(0),
                                ShapedType::isDynamic(perGroup) ? perGroup : perGroup * groups};
  for (unsigned i = 0; i < op.getNumSpatialDims(); ++i) {
    int64_t size = input.getDimSize(i + 2);
    shape.push_back(ShapedType::isDynamic(size)
                        ? size
                        : std::max<int64_t>(size * op.getStride(i) + op.getShift(i), 0));
  }
  return RankedTensorType::get(shape, input.getElementType());
}

LogicalResult ConvTransposeOp::verify() {
  RankedTensorType input = getInput().getType(), filter = getFilter().getType();
  if (failed(verifyRanks(*this, input, filter)))
    return failure();
  unsigned spatial = getNumSpatialDims();
  if (failed(verifyWindows(*this, spatial, getStrides(), getDilations(), getPadding())) ||
      failed(verifyEntries(*this, "output_padding", getOutputPadding(), spatial, 0)) ||
      failed(verifyGroups(*this, getGroups(), {{"input", input.getDimSize(1)}})) ||
      failed(verifyFilter(*this, filter)))
    return failure();
  if (!mayBeEqual(input.getDimSize(1), filter.getDimSize(0))) // (C5)
    return emitOpError() << "expects " << filter.getDimSize(0)
                         << " input channels of the filter to match " << input.getDimSize(1)
                         << " channels of the input";
  RankedTensorType inferred = inferType(*this);
  auto bias = getBias() ? cast<RankedTensorType>(getBias().getType()) : RankedTensorType();
  if (bias && (bias.getRank() != 1 || !mayBeEqual(bias.getDimSize(0), inferred.getDimSize(1))))
    return emitOpError() << "expects a bias of one size per output channel of " << inferred
                         << ", found " << bias; // (C6)
  for (RankedTensorType type : {filter, bias})  // (C7)
    if (type && type.getElementType() != input.getElementType())
      return emitOpError() << "expects element type " << input.getElementType()
                           << " as the input has, found " << type;
  return verifyResult(*this, inferred);
}

LogicalResult ConvTransposeOp::reifyResultShapes(OpBuilder &b,
                                                 ReifiedRankedShapedTypeDims &shapes) {
  RankedTensorType type = getResult().getType();
  ImplicitLocOpBuilder ib(getLoc(), b);
  auto constant = [&](int64_t v) -> Value { return arith::ConstantIndexOp::create(ib, v); };
  auto valueOf = [&](Value tensor, int64_t dim) {
    return getValueOrCreateConstantIndexOp(b, getLoc(),
                                           tensor::getMixedSize(b, getLoc(), tensor, dim));
  };
  SmallVector<OpFoldResult> sizes = {sizeOf(b, getLoc(), getInput(), 0, type, 0)};
  if (type.isDynamicDim(1))
    sizes.push_back(
        arith::MulIOp::create(ib, valueOf(getFilter(), 1), constant(getGroups())).getResult());
  else
    sizes.push_back(b.getIndexAttr(type.getDimSize(1)));
  for (unsigned i = 0; i < getNumSpatialDims(); ++i) {
    if (!type.isDynamicDim(i + 2)) {
      sizes.push_back(b.getIndexAttr(type.getDimSize(i + 2)));
      continue;
    }
    Value scaled = arith::MulIOp::create(ib, valueOf(getInput(), i + 2), constant(getStride(i)));
    Value size = arith::AddIOp::create(ib, scaled, constant(getShift(i)));
    sizes.push_back(arith::MaxSIOp::create(ib, size, constant(0)).getResult());
  }
  shapes.push_back(std::move(sizes));
  return success();
}

void ConvTransposeOp::getEqualSizes(SmallVectorImpl<EqualSizes> &pairs) {
  pairs.push_back({{0, 1}, {1, 0}});
  if (getBias() && getGroups() == 1)
    pairs.push_back({{1, 1}, {2, 0}});
}

//===----------------------------------------------------------------------===//
// conv_filter_grad
//===----------------------------------------------------------------------===//

/// (C7).
static LogicalResult verifyPositions(ConvFilterGradOp op) {
  RankedTensorType input = op.getInput().getType(), grad = op.getGrad().getType();
  for (unsigned i = 0; i < op.getNumSpatialDims(); ++i) {
    int64_t size = input.getDimSize(i + 2), found = grad.getDimSize(i + 2);
    if (ShapedType::isDynamic(size) || ShapedType::isDynamic(found))
      continue;
    int64_t span = size + op.getPadLow(i) + op.getPadHigh(i) -
                   op.getDilation(i) * (op.getResult().getType().getDimSize(i + 2) - 1) - 1;
    int64_t expected = span < 0 ? 0 : span / op.getStride(i) + 1;
    if (found != expected)
      return op.emitOpError() << "expects a gradient of size " << expected
                              << " in spatial dimension " << i << ", found " << grad;
  }
  return success();
}

LogicalResult ConvFilterGradOp::verify() {
  RankedTensorType input = getInput().getType(), grad = getGrad().getType();
  RankedTensorType filter = getResult().getType();
  if (failed(verifyRanks(*this, input, grad)) || failed(verifyRanks(*this, input, filter)))
    return failure();
  int64_t cin = input.getDimSize(1), cout = grad.getDimSize(1), groups = getGroups();
  if (failed(
          verifyWindows(*this, getNumSpatialDims(), getStrides(), getDilations(), getPadding())) ||
      failed(verifyGroups(*this, groups, {{"input", cin}, {"output", cout}})) ||
      failed(verifyFilter(*this, filter)))
    return failure();
  int64_t perGroup = ShapedType::isDynamic(cin) ? cin : cin / groups;
  if (!mayBeEqual(input.getDimSize(0), grad.getDimSize(0)) ||
      !mayBeEqual(filter.getDimSize(0), cout) ||
      !mayBeEqual(filter.getDimSize(1), perGroup)) // (C5)
    return emitOpError() << "expects batch and channels of " << input << ", " << grad << " and "
                         << filter << " to agree in " << groups << " groups";
  for (RankedTensorType type : {grad, filter}) // (C6)
    if (type.getElementType() != input.getElementType())
      return emitOpError() << "expects element type " << input.getElementType()
                           << " as the input has, found " << type;
  return verifyPositions(*this);
}

LogicalResult ConvFilterGradOp::reifyResultShapes(OpBuilder &b,
                                                  ReifiedRankedShapedTypeDims &shapes) {
  RankedTensorType type = getResult().getType();
  SmallVector<OpFoldResult> sizes = {sizeOf(b, getLoc(), getGrad(), 1, type, 0),
                                     sizeOf(b, getLoc(), getInput(), 1, type, 1)};
  if (type.isDynamicDim(1) && getGroups() > 1) {
    Value cin = getValueOrCreateConstantIndexOp(b, getLoc(), sizes[1]);
    Value groups = arith::ConstantIndexOp::create(b, getLoc(), getGroups());
    sizes[1] = arith::DivUIOp::create(b, getLoc(), cin, groups).getResult();
  }
  for (int64_t size : type.getShape().drop_front(2))
    sizes.push_back(b.getIndexAttr(size));
  shapes.push_back(std::move(sizes));
  return success();
}

void ConvFilterGradOp::getEqualSizes(SmallVectorImpl<EqualSizes> &pairs) {
  pairs.push_back({{0, 0}, {1, 0}});
}
