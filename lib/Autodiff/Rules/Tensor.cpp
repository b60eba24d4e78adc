//===- Tensor.cpp - derivatives of tensor ---------------------------------===//
//
// Part of Linnet, under Apache-2.0 WITH LLVM-exception. See LICENSE.
//
//===----------------------------------------------------------------------===//
#include "mlir/Dialect/Tensor/IR/Tensor.h"
#include "../Rules.h"
#include "mlir/Dialect/Arith/IR/Arith.h"
#include "mlir/Dialect/Linalg/IR/Linalg.h"
#include "mlir/Dialect/Utils/IndexingUtils.h"
#include "mlir/Dialect/Utils/StaticValueUtils.h"

using namespace mlir;
using namespace linnet;

static LogicalResult differentiateCast(tensor::CastOp op, Adjoints &a) {
  a.add(op.getSource(), a.of(op.getResult()));
  return success();
}

static LogicalResult differentiateExpandShape(tensor::ExpandShapeOp op, Adjoints &a) {
  a.add(op.getSrc(),
        tensor::CollapseShapeOp::create(a.builder(), op.getSrcType(), a.of(op.getResult()),
                                        op.getReassociationIndices()));
  return success();
}

static LogicalResult differentiateCollapseShape(tensor::CollapseShapeOp op, Adjoints &a) {
  ImplicitLocOpBuilder &b = a.builder();
  SmallVector<OpFoldResult> sizes = tensor::getMixedSizes(b, b.getLoc(), op.getSrc());
  a.add(op.getSrc(), tensor::ExpandShapeOp::create(b, op.getSrcType(), a.of(op.getResult()),
                                                   op.getReassociationIndices(), sizes));
  return success();
}

static LogicalResult differentiateExtractSlice(tensor::ExtractSliceOp op, Adjoints &a) {
  ImplicitLocOpBuilder &b = a.builder();
  Value zeros = zerosLike(b, op.getSource());
  a.add(op.getSource(),
        tensor::InsertSliceOp::create(b, a.of(op.getResult()), zeros, op.getMixedOffsets(),
                                      op.getMixedSizes(), op.getMixedStrides()));
  return success();
}

static LogicalResult differentiateInsertSlice(tensor::InsertSliceOp op, Adjoints &a) {
  ImplicitLocOpBuilder &b = a.builder();
  Value dy = a.of(op.getResult());
  if (a.wants(op.getSource()))
    a.add(op.getSource(), tensor::ExtractSliceOp::create(
                              b, cast<RankedTensorType>(op.getSource().getType()), dy,
                              op.getMixedOffsets(), op.getMixedSizes(), op.getMixedStrides()));
  if (a.wants(op.getDest()))
    a.add(op.getDest(),
          tensor::InsertSliceOp::create(b, zerosLike(b, op.getSource()), dy, op.getMixedOffsets(),
                                        op.getMixedSizes(), op.getMixedStrides()));
  return success();
}

static LogicalResult differentiateExtract(tensor::ExtractOp op, Adjoints &a) {
  ImplicitLocOpBuilder &b = a.builder();
  Value zeros = zerosLike(b, op.getTensor());
  a.add(op.getTensor(), tensor::InsertOp::create(b, a.of(op.getResult()), zeros, op.getIndices()));
  return success();
}

static LogicalResult differentiateInsert(tensor::InsertOp op, Adjoints &a) {
  ImplicitLocOpBuilder &b = a.builder();
  Value dy = a.of(op.getResult());
  if (a.wants(op.getScalar()))
    a.add(op.getScalar(), tensor::ExtractOp::create(b, dy, op.getIndices()));
  if (a.wants(op.getDest()))
    a.add(op.getDest(),
          tensor::InsertOp::create(b, zerosLike(b, op.getScalar()), dy, op.getIndices()));
  return success();
}

static LogicalResult differentiateFromElements(tensor::FromElementsOp op, Adjoints &a) {
  ImplicitLocOpBuilder &b = a.builder();
  Value dy = a.of(op.getResult());
  ArrayRef<int64_t> shape = op.getType().getShape();
  SmallVector<int64_t> strides = computeStrides(shape);
  for (auto [i, element] : llvm::enumerate(op.getElements())) {
    if (!a.wants(element))
      continue;
    SmallVector<Value> position;
    for (int64_t index : delinearize(i, strides))
      position.push_back(arith::ConstantIndexOp::create(b, index));
    a.add(element, tensor::ExtractOp::create(b, dy, position));
  }
  return success();
}

static LogicalResult differentiateSplat(tensor::SplatOp op, Adjoints &a) {
  a.add(op.getInput(), sumToOperand(a.builder(), a.of(op.getResult()), op.getInput(), {}));
  return success();
}

static LogicalResult differentiateConcat(tensor::ConcatOp op, Adjoints &a) {
  ImplicitLocOpBuilder &b = a.builder();
  Value dy = a.of(op.getResult());
  int64_t rank = op.getRank();
  OpFoldResult zero = b.getIndexAttr(0), one = b.getIndexAttr(1);
  SmallVector<OpFoldResult> offsets(rank, zero), strides(rank, one);
  for (Value input : op.getInputs()) {
    SmallVector<OpFoldResult> sizes = tensor::getMixedSizes(b, b.getLoc(), input);
    if (a.wants(input))
      a.add(input, tensor::ExtractSliceOp::create(b, cast<RankedTensorType>(input.getType()), dy,
                                                  offsets, sizes, strides));
    OpFoldResult &at = offsets[op.getDim()];
    auto offset = getConstantIntValue(at), size = getConstantIntValue(sizes[op.getDim()]);
    if (offset && size) {
      at = b.getIndexAttr(*offset + *size);
      continue;
    }
    Value before = getValueOrCreateConstantIndexOp(b, b.getLoc(), at);
    Value extent = getValueOrCreateConstantIndexOp(b, b.getLoc(), sizes[op.getDim()]);
    at = arith::AddIOp::create(b, before, extent).getResult();
  }
  return success();
}

static LogicalResult differentiatePad(tensor::PadOp op, Adjoints &a) {
  ImplicitLocOpBuilder &b = a.builder();
  if (!op.getConstantPaddingValue())
    return op.emitOpError() << "has a derivative rule for a constant padding value only";
  SmallVector<OpFoldResult> strides(op.getSourceType().getRank(), b.getIndexAttr(1));
  a.add(op.getSource(), tensor::ExtractSliceOp::create(
                            b, op.getSourceType(), a.of(op.getResult()), op.getMixedLowPad(),
                            tensor::getMixedSizes(b, b.getLoc(), op.getSource()), strides));
  return success();
}

static LogicalResult differentiateTranspose(linalg::TransposeOp op, Adjoints &a) {
  ImplicitLocOpBuilder &b = a.builder();
  SmallVector<int64_t> inverse = invertPermutationVector(op.getPermutation());
  auto type = cast<RankedTensorType>(op.getInput().getType());
  Value empty = tensor::EmptyOp::create(b, tensor::getMixedSizes(b, b.getLoc(), op.getInput()),
                                        type.getElementType());
  a.add(op.getInput(),
        linalg::TransposeOp::create(b, a.of(op->getResult(0)), empty, inverse)->getResult(0));
  return success();
}

void linnet::registerTensorRules(DialectRegistry &registry) {
  registry.addExtension(+[](MLIRContext *context, tensor::TensorDialect *) {
    attachRule<tensor::CastOp, differentiateCast>(context);
    attachRule<tensor::ExpandShapeOp, differentiateExpandShape>(context);
    attachRule<tensor::CollapseShapeOp, differentiateCollapseShape>(context);
    attachRule<tensor::ExtractSliceOp, differentiateExtractSlice>(context);
    attachRule<tensor::InsertSliceOp, differentiateInsertSlice>(context);
    attachRule<tensor::ExtractOp, differentiateExtract>(context);
    attachRule<tensor::InsertOp, differentiateInsert>(context);
    attachRule<tensor::FromElementsOp, differentiateFromElements>(context);
    attachRule<tensor::SplatOp, differentiateSplat>(context);
    attachRule<tensor::ConcatOp, differentiateConcat>(context);
    attachRule<tensor::PadOp, differentiatePad>(context);
  });
  registry.addExtension(+[](MLIRContext *context, linalg::LinalgDialect *) {
    attachRule<linalg::TransposeOp, differentiateTranspose>(context);
  });
}
