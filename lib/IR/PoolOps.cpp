//===- PoolOps.cpp - ops of the pool family -----------------------------===//
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

#define GET_OP_CLASSES
#include "linnet/IR/PoolOps.cpp.inc"

void LinnetDialect::registerPoolOps() {
  addOperations<
#define GET_OP_LIST
#include "linnet/IR/PoolOps.cpp.inc"
      >();
}

//===----------------------------------------------------------------------===//
// Windows
//===----------------------------------------------------------------------===//

/// (C1) to (C3), with `input` what the windows lie on.
template <typename Op> static LogicalResult verifyPool(Op op, RankedTensorType input) {
  int64_t spatial = input.getRank() - 2;
  if (failed(verifyEntries(op, "kernel", op.getKernel(), spatial, 1)) ||
      failed(verifyWindows(op, spatial, op.getStrides(), op.getDilations(), op.getPadding())))
    return failure();
  for (unsigned i = 0; i < spatial; ++i)
    for (int64_t pad : {op.getPadLow(i), op.getPadHigh(i)})
      if (pad >= op.getExtent(i))
        return op.emitOpError() << "expects padding below the dilated kernel " << op.getExtent(i)
                                << " of spatial dimension " << i << ", found " << pad;
  return success();
}

/// How many windows lie on `size` elements.
template <typename Op> static int64_t countWindows(Op op, unsigned i, int64_t size) {
  int64_t stride = op.getStride(i), low = op.getPadLow(i);
  int64_t span = size + low + op.getPadHigh(i) - op.getExtent(i);
  if (span < 0 && (!op.getCeilMode() || span <= -stride))
    return 0;
  if (!op.getCeilMode())
    return span / stride + 1;
  int64_t count = (span + stride - 1) / stride + 1;
  return (count - 1) * stride >= size + low ? count - 1 : count;
}

template <typename Op> static RankedTensorType inferPooled(Op op, RankedTensorType input) {
  SmallVector<int64_t> shape(input.getShape().take_front(2));
  for (unsigned i = 0; i < op.getNumSpatialDims(); ++i) {
    int64_t size = input.getDimSize(i + 2);
    shape.push_back(ShapedType::isDynamic(size) ? size : countWindows(op, i, size));
  }
  return RankedTensorType::get(shape, input.getElementType());
}

/// `countWindows` of a dynamic size.
template <typename Op>
static Value reifyWindows(ImplicitLocOpBuilder &b, Op op, unsigned i, Value size) {
  auto constant = [&](int64_t v) -> Value { return arith::ConstantIndexOp::create(b, v); };
  int64_t low = op.getPadLow(i);
  Value stride = constant(op.getStride(i)), one = constant(1);
  Value span = arith::AddIOp::create(b, size, constant(low + op.getPadHigh(i) - op.getExtent(i)));
  Value steps = op.getCeilMode() ? arith::CeilDivSIOp::create(b, span, stride).getResult()
                                 : arith::FloorDivSIOp::create(b, span, stride).getResult();
  Value count = arith::AddIOp::create(b, steps, one);
  if (op.getCeilMode()) {
    // the last window starts before size + low
    Value starts =
        arith::CeilDivSIOp::create(b, arith::AddIOp::create(b, size, constant(low)), stride);
    count = arith::MinSIOp::create(b, count, starts);
  }
  return arith::MaxSIOp::create(b, count, constant(0));
}

template <typename Op>
static SmallVector<OpFoldResult> reifyPooled(OpBuilder &b, Op op, Value input) {
  RankedTensorType type = op.getResult().getType();
  ImplicitLocOpBuilder ib(op.getLoc(), b);
  SmallVector<OpFoldResult> sizes;
  for (int64_t i = 0; i < type.getRank(); ++i) {
    OpFoldResult size = sizeOf(b, op.getLoc(), input, i, type, i);
    if (i >= 2 && type.isDynamicDim(i))
      size = reifyWindows(ib, op, i - 2, getValueOrCreateConstantIndexOp(b, op.getLoc(), size));
    sizes.push_back(size);
  }
  return sizes;
}

//===----------------------------------------------------------------------===//
// max_pool, avg_pool
//===----------------------------------------------------------------------===//

LogicalResult MaxPoolOp::verify() {
  if (failed(verifyPool(*this, getInput().getType())))
    return failure();
  return verifyResult(*this, inferPooled(*this, getInput().getType()));
}

LogicalResult MaxPoolOp::reifyResultShapes(OpBuilder &b, ReifiedRankedShapedTypeDims &shapes) {
  shapes.push_back(reifyPooled(b, *this, getInput()));
  return success();
}

LogicalResult AvgPoolOp::verify() {
  if (failed(verifyPool(*this, getInput().getType())))
    return failure();
  return verifyResult(*this, inferPooled(*this, getInput().getType()));
}

LogicalResult AvgPoolOp::reifyResultShapes(OpBuilder &b, ReifiedRankedShapedTypeDims &shapes) {
  shapes.push_back(reifyPooled(b, *this, getInput()));
  return success();
}

//===----------------------------------------------------------------------===//
// Gradients
//===----------------------------------------------------------------------===//

/// (C1) to (C4).
template <typename Op> static LogicalResult verifyPoolGrad(Op op, RankedTensorType input) {
  if (failed(verifyPool(op, input)))
    return failure();
  RankedTensorType pooled = inferPooled(op, input), grad = op.getGrad().getType();
  if (grad.getElementType() == pooled.getElementType() &&
      succeeded(verifyCompatibleShape(grad, pooled)))
    return success();
  return op.emitOpError() << "expects a gradient of type " << pooled << ", found " << grad;
}

LogicalResult MaxPoolGradOp::verify() { return verifyPoolGrad(*this, getInput().getType()); }

LogicalResult MaxPoolGradOp::reifyResultShapes(OpBuilder &b, ReifiedRankedShapedTypeDims &shapes) {
  shapes.push_back(sizesLike(b, getLoc(), getInput(), getResult().getType()));
  return success();
}

void MaxPoolGradOp::getEqualSizes(SmallVectorImpl<EqualSizes> &pairs) {
  for (unsigned i = 0; i < 2; ++i)
    pairs.push_back({{0, i}, {1, i}});
}

LogicalResult AvgPoolGradOp::verify() {
  RankedTensorType type = getResult().getType();
  if (getSizes().size() != static_cast<size_t>(type.getNumDynamicDims())) // (C5)
    return emitOpError() << "expects one entry in 'sizes' per dynamic size of the result, found "
                         << getSizes().size() << " for " << type.getNumDynamicDims();
  return verifyPoolGrad(*this, type);
}

LogicalResult AvgPoolGradOp::reifyResultShapes(OpBuilder &b, ReifiedRankedShapedTypeDims &shapes) {
  shapes.push_back(mixSizes(b, getResult().getType(), getSizes()));
  return success();
}
