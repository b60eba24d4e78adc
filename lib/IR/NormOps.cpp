//===- NormOps.cpp - ops of the norm family -----------------------------===//
//
// Part of Linnet, under Apache-2.0 WITH LLVM-exception. See LICENSE.
//
//===----------------------------------------------------------------------===//
#include "Shapes.h"
#include "linnet/IR/LinnetOps.h"

using namespace mlir;
using namespace linnet;

using OptionalOperand = std::optional<OpAsmParser::UnresolvedOperand>;

/// The types of the operands that are there; the declarative form cannot tell a lone bias
/// from a lone scale.
static ParseResult parseNormTypes(OpAsmParser &parser, const OptionalOperand &scale,
                                  const OptionalOperand &bias, Type &inputType, Type &scaleType,
                                  Type &biasType) {
  if (parser.parseType(inputType))
    return failure();
  if (scale && (parser.parseComma() || parser.parseType(scaleType)))
    return failure();
  if (bias && (parser.parseComma() || parser.parseType(biasType)))
    return failure();
  return success();
}

static void printNormTypes(OpAsmPrinter &printer, Operation *, Value /*scale*/, Value /*bias*/,
                           Type inputType, Type scaleType, Type biasType) {
  printer << inputType;
  for (Type type : {scaleType, biasType})
    if (type)
      printer << ", " << type;
}

#define GET_OP_CLASSES
#include "linnet/IR/NormOps.cpp.inc"

void LinnetDialect::registerNormOps() {
  addOperations<
#define GET_OP_LIST
#include "linnet/IR/NormOps.cpp.inc"
      >();
}

//===----------------------------------------------------------------------===//
// softmax
//===----------------------------------------------------------------------===//

LogicalResult SoftmaxOp::verify() {
  int64_t axis = getAxis(), rank = getInput().getType().getRank();
  if (axis < 0 || axis >= rank) // (C1)
    return emitOpError() << "expects an axis from 0 to " << rank - 1 << ", found " << axis;
  return success();
}

LogicalResult SoftmaxOp::reifyResultShapes(OpBuilder &b, ReifiedRankedShapedTypeDims &shapes) {
  shapes.push_back(sizesLike(b, getLoc(), getInput(), getResult().getType()));
  return success();
}

//===----------------------------------------------------------------------===//
// layer_norm, rms_norm
//===----------------------------------------------------------------------===//

/// (C1) and (C2) of both norms.
static LogicalResult verifyNorm(Operation *op, RankedTensorType input, int64_t axes,
                                const APFloat &eps) {
  if (axes < 1 || axes > input.getRank())
    return op->emitOpError() << "expects 1 to " << input.getRank()
                             << " trailing axes to normalise over, found " << axes;
  if (!eps.isFinite() || eps.isNegative())
    return op->emitOpError() << "expects a finite eps of at least 0, found "
                             << eps.convertToDouble();
  return success();
}

/// (C3) and (C4) of both norms, for `scale` or `bias`.
static LogicalResult verifyAffine(Operation *op, StringRef name, RankedTensorType input,
                                  int64_t axes, Value operand) {
  if (!operand)
    return success();
  auto type = cast<RankedTensorType>(operand.getType());
  if (failed(verifyCompatibleShape(type.getShape(), input.getShape().take_back(axes))))
    return op->emitOpError() << "expects " << name << " with the last " << axes
                             << " sizes of the input " << input << ", found " << type;
  Type element = type.getElementType();
  if (element != input.getElementType() && !element.isF32())
    return op->emitOpError() << "expects " << name << " of element type " << input.getElementType()
                             << " or f32, found " << element;
  return success();
}

static void addAffineSizes(SmallVectorImpl<EqualSizes> &pairs, RankedTensorType input,
                           unsigned axes, unsigned operand) {
  unsigned first = input.getRank() - axes;
  for (unsigned i = 0; i < axes; ++i)
    pairs.push_back({{0, first + i}, {operand, i}});
}

LogicalResult LayerNormOp::verify() {
  RankedTensorType input = getInput().getType();
  if (failed(verifyNorm(*this, input, getAxes(), getEps())) ||
      failed(verifyAffine(*this, "scale", input, getAxes(), getScale())))
    return failure();
  return verifyAffine(*this, "bias", input, getAxes(), getBias());
}

LogicalResult LayerNormOp::reifyResultShapes(OpBuilder &b, ReifiedRankedShapedTypeDims &shapes) {
  shapes.push_back(sizesLike(b, getLoc(), getInput(), getResult().getType()));
  return success();
}

void LayerNormOp::getEqualSizes(SmallVectorImpl<EqualSizes> &pairs) {
  for (unsigned operand = 1; operand < getNumOperands(); ++operand)
    addAffineSizes(pairs, getInput().getType(), getAxes(), operand);
}

LogicalResult RmsNormOp::verify() {
  RankedTensorType input = getInput().getType();
  if (failed(verifyNorm(*this, input, getAxes(), getEps())))
    return failure();
  if (getUnitOffset() && !getScale()) // (C6)
    return emitOpError() << "expects a scale with 'unit_offset'";
  return verifyAffine(*this, "scale", input, getAxes(), getScale());
}

LogicalResult RmsNormOp::reifyResultShapes(OpBuilder &b, ReifiedRankedShapedTypeDims &shapes) {
  shapes.push_back(sizesLike(b, getLoc(), getInput(), getResult().getType()));
  return success();
}

void RmsNormOp::getEqualSizes(SmallVectorImpl<EqualSizes> &pairs) {
  if (getScale())
    addAffineSizes(pairs, getInput().getType(), getAxes(), 1);
}
