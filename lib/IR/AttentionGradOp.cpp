//===- AttentionGradOp.cpp - gradients of attention -----------------------===//
//
// Part of Linnet, under Apache-2.0 WITH LLVM-exception. See LICENSE.
//
//===----------------------------------------------------------------------===//
#include "AttentionVerify.h"

using namespace mlir;
using namespace linnet;
using namespace linnet::attention;

MaskAttr AttentionGradOp::getMaskSet() {
  if (auto masks = getMasksAttr())
    return masks;
  return MaskAttr::get(getContext(), false, false, false, false, false, {}, {});
}

int64_t AttentionGradOp::getGroupSize() {
  int64_t h = getQ().getType().getDimSize(1), hk = getK().getType().getDimSize(1);
  return ShapedType::isDynamic(h) || ShapedType::isDynamic(hk) ? 0 : h / hk;
}

void AttentionGradOp::build(OpBuilder &b, OperationState &st, AttentionOp primal, Value dout,
                            Value dlse, bool withBias) {
  Type dbias = withBias ? primal.getBias().getType() : Type();
  build(b, st, primal.getQ().getType(), primal.getK().getType(), primal.getV().getType(), dbias,
        primal.getQ(), primal.getK(), primal.getV(), primal.getO(), primal.getLse(), dout, dlse,
        primal.getBias(), primal.getAlibiSlopes(), primal.getMask(), primal.getKvLengths(),
        primal.getQOffset(), primal.getQSegments(), primal.getKvSegments(), primal.getDropoutKey(),
        primal.getDropoutCounter(), primal.getMasksAttr(), primal.getAlignment(),
        primal.getScaleAttr(), primal.getSoftcapAttr(), primal.getDropoutAttr());
}

/// A gradient has the shape of its operand, and its element type or f32.
static LogicalResult verifyGradient(Operation *op, StringRef constraint, StringRef what,
                                    Value gradient, Value operand) {
  auto type = cast<RankedTensorType>(gradient.getType());
  auto wanted = cast<RankedTensorType>(operand.getType());
  if (failed(verifyCompatibleShape(type, wanted)))
    return op->emitOpError() << constraint << " expects " << what << " of the shape of " << wanted
                             << ", found " << type;
  if (!type.getElementType().isF32() && type.getElementType() != wanted.getElementType())
    return op->emitOpError() << constraint << " expects elements of " << what << " to be "
                             << wanted.getElementType() << " or f32, found "
                             << type.getElementType();
  return success();
}

LogicalResult AttentionGradOp::verify() {
  if (failed(verifyOperandShapes(*this)) || failed(verifyResults(*this)) ||
      failed(verifyAddends(*this)) || failed(verifyMaskOperands(*this)) ||
      failed(verifyNumbers(*this)))
    return failure();
  if (Value dlse = getDlse();
      dlse && failed(verifyCompatibleShape(dlse.getType(), getLse().getType())))
    return emitOpError() << "(C3) expects dlse of the shape of " << getLse().getType() << ", found "
                         << dlse.getType();
  if (failed(verifyGradient(*this, "(C11)", "dq", getDq(), getQ())) ||
      failed(verifyGradient(*this, "(C11)", "dk", getDk(), getK())) ||
      failed(verifyGradient(*this, "(C11)", "dv", getDv(), getV())))
    return failure();
  if (!getDbias())
    return success();
  if (!getBias())
    return emitOpError("(C12) expects dbias only with operand bias");
  return verifyGradient(*this, "(C12)", "dbias", getDbias(), getBias());
}

LogicalResult AttentionGradOp::reifyResultShapes(OpBuilder &b,
                                                 ReifiedRankedShapedTypeDims &shapes) {
  shapes.push_back(reifyFrom(b, getLoc(), getDq(), shapeOf(getQ())));
  shapes.push_back(reifyFrom(b, getLoc(), getDk(), shapeOf(getK())));
  shapes.push_back(reifyFrom(b, getLoc(), getDv(), shapeOf(getV())));
  if (getDbias())
    shapes.push_back(reifyFrom(b, getLoc(), getDbias(), shapeOf(getBias())));
  return success();
}

void AttentionGradOp::getEqualSizes(SmallVectorImpl<EqualSizes> &pairs) {
  SizePairs sizes(*this, pairs);
  addEqualSizes(*this, sizes);
  Value q = getQ();
  Value perRow[] = {getO(), getDout(), getLse(), getDlse()};
  for (Value rows : perRow)
    sizes.addAll(rows, {{q, 0}, {q, 1}, {q, 2}});
  for (Value rows : ArrayRef(perRow).take_front(2))
    sizes.add(rows, 3, getV(), 3);
}
