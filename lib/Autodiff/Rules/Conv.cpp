//===- Conv.cpp - derivatives of the conv family ------------------------===//
//
// Part of Linnet, under Apache-2.0 WITH LLVM-exception. See LICENSE.
//
//===----------------------------------------------------------------------===//
#include "../Rules.h"
#include "linnet/IR/LinnetOps.h"
#include "mlir/Dialect/Tensor/IR/Tensor.h"

using namespace mlir;
using namespace linnet;

/// A dimension per channel is left of the gradient.
static void addToBias(Adjoints &a, Value bias, Value dy) {
  if (!bias || !a.wants(bias))
    return;
  ImplicitLocOpBuilder &b = a.builder();
  SmallVector<int64_t> axes = {0};
  for (int64_t i = 2, rank = cast<RankedTensorType>(dy.getType()).getRank(); i < rank; ++i)
    axes.push_back(i);
  a.add(bias, roundLike(b, sumOver(b, toF32(b, dy), axes), bias));
}

/// What the strides left over of the input at its end; nothing where that is not known.
static std::optional<int64_t> leftOver(ConvOp op, unsigned i) {
  int64_t stride = op.getStride(i), size = op.getInput().getType().getDimSize(i + 2);
  if (stride == 1)
    return 0;
  if (ShapedType::isDynamic(size))
    return std::nullopt;
  int64_t kernel = op.getFilter().getType().getDimSize(i + 2);
  int64_t span = size + op.getPadLow(i) + op.getPadHigh(i) - op.getDilation(i) * (kernel - 1) - 1;
  return span % stride;
}

/// The transposed convolution. Where the size is dynamic it is made as large as the input may
/// be, and cut.
static Value inputGradient(ConvOp op, Value dy, ImplicitLocOpBuilder &b) {
  RankedTensorType type = op.getInput().getType();
  SmallVector<int64_t> extra, shape(type.getShape());
  bool cut = false;
  for (unsigned i = 0; i < op.getNumSpatialDims(); ++i) {
    std::optional<int64_t> rest = leftOver(op, i);
    extra.push_back(rest.value_or(op.getStride(i) - 1));
    if (rest)
      continue;
    cut = true;
    assert(cast<RankedTensorType>(dy.getType()).isDynamicDim(i + 2) &&
           "a dynamic input gives a dynamic result");
  }
  Value dx = ConvTransposeOp::create(b, type, dy, op.getFilter(), Value(), op.getGroupsAttr(),
                                     op.getStridesAttr(), op.getDilationsAttr(),
                                     op.getPaddingAttr(), b.getDenseI64ArrayAttr(extra));
  if (!cut)
    return dx;
  SmallVector<OpFoldResult> sizes = tensor::getMixedSizes(b, b.getLoc(), op.getInput());
  SmallVector<OpFoldResult> zeros(sizes.size(), b.getIndexAttr(0));
  SmallVector<OpFoldResult> ones(sizes.size(), b.getIndexAttr(1));
  return tensor::ExtractSliceOp::create(b, type, dx, zeros, sizes, ones);
}

static LogicalResult differentiateConv(ConvOp op, Adjoints &a) {
  ImplicitLocOpBuilder &b = a.builder();
  Value dy = a.of(op.getResult());
  RankedTensorType filter = op.getFilter().getType();
  if (op.getInput().getType().getElementType().isF64() ||
      llvm::any_of(filter.getShape().drop_front(2), ShapedType::isDynamic))
    return op.emitOpError() << "has a derivative for filters of static spatial sizes in f32, f16 "
                            << "and bf16, found " << filter;
  if (a.wants(op.getInput()))
    a.add(op.getInput(), inputGradient(op, dy, b));
  if (a.wants(op.getFilter()))
    a.add(op.getFilter(), ConvFilterGradOp::create(b, filter, op.getInput(), dy, op.getGroupsAttr(),
                                                   op.getStridesAttr(), op.getDilationsAttr(),
                                                   op.getPaddingAttr()));
  addToBias(a, op.getBias(), dy);
  return success();
}

static LogicalResult differentiateConvTranspose(ConvTransposeOp op, Adjoints &a) {
  ImplicitLocOpBuilder &b = a.builder();
  Value dy = a.of(op.getResult());
  for (unsigned i = 0; i < op.getNumSpatialDims(); ++i)
    if (op.getExtra(i) >= op.getStride(i))
      return op.emitOpError() << "has a derivative for output padding below the stride "
                              << op.getStride(i) << ", found " << op.getExtra(i);
  if (a.wants(op.getInput()))
    a.add(op.getInput(), ConvOp::create(b, op.getInput().getType(), dy, op.getFilter(), Value(),
                                        op.getGroupsAttr(), op.getStridesAttr(),
                                        op.getDilationsAttr(), op.getPaddingAttr()));
  if (a.wants(op.getFilter()))
    a.add(op.getFilter(), ConvFilterGradOp::create(b, op.getFilter().getType(), dy, op.getInput(),
                                                   op.getGroupsAttr(), op.getStridesAttr(),
                                                   op.getDilationsAttr(), op.getPaddingAttr()));
  addToBias(a, op.getBias(), dy);
  return success();
}

void linnet::registerConvRules(DialectRegistry &registry) {
  registry.addExtension(+[](MLIRContext *context, LinnetDialect *) {
    attachRule<ConvOp, differentiateConv>(context);
    attachRule<ConvTransposeOp, differentiateConvTranspose>(context);
  });
}
