//===- NormOpsBatch.cpp - batch normalisation -----------------------------===//
//
// Part of Linnet, under Apache-2.0 WITH LLVM-exception. See LICENSE.
//
//===----------------------------------------------------------------------===//
#include "Shapes.h"
#include "linnet/IR/LinnetOps.h"

using namespace mlir;
using namespace linnet;

/// (C1) and (C2) of all three ops.
static LogicalResult verifyBatch(Operation *op, RankedTensorType input, const APFloat &eps) {
  if (input.getRank() < 2)
    return op->emitOpError() << "expects an input with batch and channels, found " << input;
  if (!eps.isFinite() || eps.isNegative())
    return op->emitOpError() << "expects a finite eps of at least 0, found "
                             << eps.convertToDouble();
  return success();
}

/// (C3) and (C4): one value per channel, of the input's element type where that is allowed.
static LogicalResult verifyPerChannel(Operation *op, StringRef name, RankedTensorType input,
                                      Value value) {
  if (!value)
    return success();
  auto type = cast<RankedTensorType>(value.getType());
  if (failed(verifyCompatibleShape(type.getShape(), input.getShape().slice(1, 1))))
    return op->emitOpError() << "expects " << name << " of one value per channel of " << input
                             << ", found " << type;
  Type element = type.getElementType();
  if (element != input.getElementType() && !element.isF32())
    return op->emitOpError() << "expects " << name << " of element type " << input.getElementType()
                             << " or f32, found " << element;
  return success();
}

static LogicalResult verifyAll(Operation *op, RankedTensorType input,
                               ArrayRef<std::pair<StringRef, Value>> values) {
  for (auto [name, value] : values)
    if (failed(verifyPerChannel(op, name, input, value)))
      return failure();
  return success();
}

/// Axis 1 of operand `input` is the size of every other operand that has one dimension.
static void addChannels(Operation *op, SmallVectorImpl<EqualSizes> &pairs, unsigned input) {
  for (auto [i, value] : llvm::enumerate(op->getOperands()))
    if (i != input && cast<RankedTensorType>(value.getType()).getRank() == 1)
      pairs.push_back({{input, 1}, {static_cast<unsigned>(i), 0}});
}

static SmallVector<OpFoldResult> channelsOf(OpBuilder &b, Location loc, Value input, Value result) {
  return {sizeOf(b, loc, input, 1, cast<RankedTensorType>(result.getType()), 0)};
}

//===----------------------------------------------------------------------===//
// batch_norm
//===----------------------------------------------------------------------===//

LogicalResult BatchNormOp::verify() {
  RankedTensorType input = getInput().getType();
  if (failed(verifyBatch(*this, input, getEps())))
    return failure();
  return verifyAll(
      *this, input,
      {{"mean", getMean()}, {"var", getVar()}, {"scale", getScale()}, {"bias", getBias()}});
}

LogicalResult BatchNormOp::reifyResultShapes(OpBuilder &b, ReifiedRankedShapedTypeDims &shapes) {
  shapes.push_back(sizesLike(b, getLoc(), getInput(), getResult().getType()));
  return success();
}

void BatchNormOp::getEqualSizes(SmallVectorImpl<EqualSizes> &pairs) {
  addChannels(*this, pairs, 0);
}

//===----------------------------------------------------------------------===//
// batch_norm_train
//===----------------------------------------------------------------------===//

LogicalResult BatchNormTrainOp::verify() {
  RankedTensorType input = getInput().getType();
  if (failed(verifyBatch(*this, input, getEps())) ||
      failed(verifyAll(
          *this, input,
          {{"scale", getScale()}, {"bias", getBias()}, {"mean", getMean()}, {"var", getVar()}})))
    return failure();
  for (ValueRange values : {ValueRange(getRunning()), ValueRange(getUpdated())}) { // (C6)
    if ((values.size() != 0 && values.size() != 2) || values.size() != getRunning().size())
      return emitOpError() << "expects two running statistics and two updated ones or none, found "
                           << getRunning().size() << " and " << getUpdated().size();
    for (Value v : values)
      if (failed(verifyPerChannel(*this, "running statistics", input, v)))
        return failure();
  }
  double momentum = getMomentum() ? getMomentum()->convertToDouble() : 0.0;
  if (getMomentum().has_value() == getRunning().empty() || !(momentum >= 0 && momentum <= 1))
    return emitOpError() << "expects a momentum from 0 to 1 with running statistics and none "
                         << "without, found " << momentum << " with " << getRunning().size();
  return success();
}

LogicalResult BatchNormTrainOp::reifyResultShapes(OpBuilder &b,
                                                  ReifiedRankedShapedTypeDims &shapes) {
  shapes.push_back(sizesLike(b, getLoc(), getInput(), getResult().getType()));
  for (Value result : getResults().drop_front())
    shapes.push_back(channelsOf(b, getLoc(), getInput(), result));
  return success();
}

void BatchNormTrainOp::getEqualSizes(SmallVectorImpl<EqualSizes> &pairs) {
  addChannels(*this, pairs, 0);
}

//===----------------------------------------------------------------------===//
// batch_norm_grad
//===----------------------------------------------------------------------===//

LogicalResult BatchNormGradOp::verify() {
  RankedTensorType input = getInput().getType();
  if (failed(verifyBatch(*this, input, getEps())))
    return failure();
  return verifyAll(*this, input, {{"mean", getMean()}, {"var", getVar()}, {"scale", getScale()}});
}

LogicalResult BatchNormGradOp::reifyResultShapes(OpBuilder &b,
                                                 ReifiedRankedShapedTypeDims &shapes) {
  shapes.push_back(sizesLike(b, getLoc(), getInput(), getDinput().getType()));
  for (Value result : {Value(getDscale()), Value(getDbias())})
    shapes.push_back(channelsOf(b, getLoc(), getInput(), result));
  return success();
}

void BatchNormGradOp::getEqualSizes(SmallVectorImpl<EqualSizes> &pairs) {
  for (unsigned i = 0, rank = getInput().getType().getRank(); i < rank; ++i)
    pairs.push_back({{0, i}, {1, i}});
  addChannels(*this, pairs, 1);
}
