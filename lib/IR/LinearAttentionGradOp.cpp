//===- LinearAttentionGradOp.cpp - gradients of linear attention ----------===//
//
// Part of Linnet, under Apache-2.0 WITH LLVM-exception. See LICENSE.
//
//===----------------------------------------------------------------------===//
#include "LinearAttentionVerify.h"

using namespace mlir;
using namespace linnet;
using namespace linnet::linear_attention;

int64_t LinearAttentionGradOp::getStateHeads() { return countStateHeads(*this); }

int64_t LinearAttentionGradOp::getHeads() {
  return std::max(getQ().getType().getDimSize(1), getStateHeads());
}

Value LinearAttentionGradOp::getGradientOf(Operand operand) {
  auto [first, count] = getODSOperandIndexAndLength(operand);
  return count ? getGrads()[first] : Value();
}

SmallVector<int64_t> LinearAttentionGradOp::getShapePerHead(unsigned i) {
  SmallVector<int64_t> shape(typeOf(getOperand(i)).getShape());
  if (shape.size() == 2) // the bonus, the only operand of this rank
    return {getQ().getType().getDimSize(0), getStateHeads(), shape[1]};
  shape[1] = i == 0 ? getHeads() : getStateHeads();
  return shape;
}

static LogicalResult verifyGradients(LinearAttentionGradOp op) {
  OperandRange operands = op.getDifferentiated();
  if (op.getGrads().size() != operands.size())
    return op.emitOpError() << "(C9) expects a result for each of " << operands.size()
                            << " operands, found " << op.getGrads().size();
  StringRef constraint = op.getPerHead() ? "(C10)" : "(C9)";
  for (auto [i, operand, gradient] : llvm::enumerate(operands, op.getGrads())) {
    RankedTensorType wanted = typeOf(operand), type = typeOf(gradient);
    if (op.getPerHead())
      wanted = RankedTensorType::get(op.getShapePerHead(i), wanted.getElementType());
    if (failed(verifyCompatibleShape(type, wanted)))
      return op.emitOpError() << constraint << " expects result " << i << " of the shape of "
                              << wanted << ", found " << type;
    if (!type.getElementType().isF32() && type.getElementType() != wanted.getElementType())
      return op.emitOpError() << "(C9) expects elements of result " << i << " to be "
                              << wanted.getElementType() << " or f32, found "
                              << type.getElementType();
  }
  return success();
}

LogicalResult LinearAttentionGradOp::verify() {
  if (failed(verifyShapes(*this, getDout(), "dout")) || failed(verifyGates(*this)))
    return failure();
  auto q = getQ().getType();
  NamedSize state[] = {{"batch", q.getDimSize(0)},
                       {"state heads", getStateHeads()},
                       {"key depth", q.getDimSize(3)},
                       {"value depth", getV().getType().getDimSize(3)}};
  for (auto [name, value] : {std::pair<StringRef, Value>{"state", getState()},
                             std::pair<StringRef, Value>{"dfinal", getDfinal()}})
    if (value && failed(expectShape(*this, "(C7)", name, typeOf(value), state)))
      return failure();
  if (auto scale = getScaleAttr(); scale && !std::isfinite(scale.getValueAsDouble()))
    return emitOpError() << "(C8) expects a finite scale, found " << scale.getValueAsDouble();
  return verifyGradients(*this);
}

LogicalResult LinearAttentionGradOp::reifyResultShapes(OpBuilder &b,
                                                       ReifiedRankedShapedTypeDims &shapes) {
  for (auto [operand, gradient] : llvm::zip(getDifferentiated(), getGrads())) {
    ShapeSource source = shapeOf(operand); // heads and depths are static in any valid type
    if (typeOf(gradient).getRank() > typeOf(operand).getRank()) // per head, of a bonus
      source.insert(source.begin(), {getQ(), 0});
    shapes.push_back(reifyFrom(b, getLoc(), gradient, source));
  }
  return success();
}

void LinearAttentionGradOp::getEqualSizes(SmallVectorImpl<EqualSizes> &pairs) {
  SizePairs sizes(*this, pairs);
  addEqualSizes(*this, sizes);
  sizes.add(getDout(), 0, getQ(), 0);
  sizes.add(getDout(), 2, getQ(), 2);
  sizes.addAll(getDfinal(), {{getQ(), 0}});
}
