//===- AttentionOps.cpp - ops of the attention family -----------------------------===//
//
// Part of Linnet, under Apache-2.0 WITH LLVM-exception. See LICENSE.
//
//===----------------------------------------------------------------------===//
#include "AttentionVerify.h"
#include "linnet/IR/LinnetOps.h"
#include "mlir/Dialect/Affine/IR/AffineOps.h"
#include <cmath>

using namespace mlir;
using namespace linnet;
using namespace linnet::attention;

static ParseResult parseFeature(OpAsmParser &p, FeatureKindAttr &kind) {
  StringRef keyword;
  SMLoc loc = p.getCurrentLocation();
  if (p.parseKeyword(&keyword))
    return failure();
  auto value = symbolizeFeatureKind(keyword);
  if (!value)
    return p.emitError(loc) << "unknown feature map '" << keyword
                            << "', expected elu1, relu, relu2 or exp";
  kind = FeatureKindAttr::get(p.getContext(), *value);
  return success();
}

static void printFeature(OpAsmPrinter &p, Operation *, FeatureKindAttr kind) {
  p << stringifyFeatureKind(kind.getValue());
}

// Both tables have one type, which is written once.
static ParseResult parseTableTypes(OpAsmParser &p, Type &cos, Type &sin) {
  if (p.parseType(cos))
    return failure();
  sin = cos;
  return success(p.parseOptionalComma() || !p.parseType(sin));
}

static void printTableTypes(OpAsmPrinter &p, Operation *, Type cos, Type sin) {
  p << cos;
  if (sin != cos)
    p << ", " << sin;
}

#define GET_OP_CLASSES
#include "linnet/IR/AttentionOps.cpp.inc"

void LinnetDialect::registerAttentionOps() {
  addOperations<
#define GET_OP_LIST
#include "linnet/IR/AttentionOps.cpp.inc"
      >();
}

//===----------------------------------------------------------------------===//
// AttentionOp
//===----------------------------------------------------------------------===//

MaskAttr AttentionOp::getMaskSet() {
  if (auto masks = getMasksAttr())
    return masks;
  return MaskAttr::get(getContext(), false, false, false, false, false, {}, {});
}

int64_t AttentionOp::getGroupSize() {
  int64_t h = getQ().getType().getDimSize(1), hk = getK().getType().getDimSize(1);
  return ShapedType::isDynamic(h) || ShapedType::isDynamic(hk) ? 0 : h / hk;
}

RankedTensorType AttentionOp::inferOutputType(RankedTensorType q, RankedTensorType v) {
  return RankedTensorType::get({q.getDimSize(0), q.getDimSize(1), q.getDimSize(2), v.getDimSize(3)},
                               q.getElementType());
}

void AttentionOp::build(OpBuilder &b, OperationState &st, Value q, Value k, Value v, MaskAttr masks,
                        bool withLse) {
  auto qType = cast<RankedTensorType>(q.getType());
  Type lse;
  if (withLse)
    lse = RankedTensorType::get(qType.getShape().drop_back(), b.getF32Type());
  Value none;
  build(b, st, inferOutputType(qType, cast<RankedTensorType>(v.getType())), lse, q, k, v, none,
        none, none, none, none, none, none, none, none, masks, MaskAlignment::bottom_right,
        FloatAttr(), FloatAttr(), FloatAttr(), IntegerAttr());
}

/// How many parts the keys have; dynamic where their number is.
static int64_t countParts(AttentionOp op) {
  int64_t keys = op.getK().getType().getDimSize(2);
  return ShapedType::isDynamic(keys) ? keys : llvm::divideCeil(keys, *op.getPart());
}

static LogicalResult verifyOutput(AttentionOp op) {
  Type element = op.getO().getType().getElementType();
  Type expected = op.getQ().getType().getElementType();
  if (!op.getPart()) {
    if (element != expected)
      return op.emitOpError() << "(C3) expects a result of " << expected << ", found " << element;
    return verifyResults(op);
  }
  if (*op.getPart() <= 0 || *op.getPart() % 256 != 0)
    return op.emitOpError() << "(C11) expects part to be a positive multiple of 256, found "
                            << *op.getPart();
  if (!element.isF32())
    return op.emitOpError() << "(C11) expects a result of f32, found " << element;
  return verifyResults(op, "(C11)", {{"part count", countParts(op)}});
}

LogicalResult AttentionOp::verify() {
  if (failed(verifyOperandShapes(*this)) || failed(verifyOutput(*this)) ||
      failed(verifyAddends(*this)) || failed(verifyMaskOperands(*this)))
    return failure();
  return verifyNumbers(*this);
}

LogicalResult AttentionOp::reifyResultShapes(OpBuilder &b, ReifiedRankedShapedTypeDims &shapes) {
  ShapeSource o = shapeOf(getQ());
  o.back() = {getV(), 3};
  SmallVector<OpFoldResult> sizes;
  if (getPart()) {
    OpFoldResult keys = tensor::getMixedSize(b, getLoc(), getK(), 2);
    AffineExpr count = b.getAffineDimExpr(0).ceilDiv(*getPart());
    sizes.push_back(affine::makeComposedFoldedAffineApply(b, getLoc(), count, keys));
  }
  int64_t first = sizes.size();
  for (auto [i, from] : llvm::enumerate(o))
    sizes.push_back(sizeOf(b, getLoc(), from.first, from.second, getO().getType(), first + i));
  shapes.push_back(sizes);
  if (getLse())
    shapes.push_back(SmallVector<OpFoldResult>(ArrayRef(sizes).drop_back()));
  return success();
}

void AttentionOp::getEqualSizes(SmallVectorImpl<EqualSizes> &pairs) {
  SizePairs sizes(*this, pairs);
  addEqualSizes(*this, sizes);
}

//===----------------------------------------------------------------------===//
// FeatureMapOp
//===----------------------------------------------------------------------===//

LogicalResult FeatureMapOp::reifyResultShapes(OpBuilder &b, ReifiedRankedShapedTypeDims &shapes) {
  shapes.push_back(reifyFrom(b, getLoc(), getY(), shapeOf(getX())));
  return success();
}

//===----------------------------------------------------------------------===//
// RotaryOp
//===----------------------------------------------------------------------===//

int64_t RotaryOp::getRotatedChannels() {
  if (Value perPair = getCos() ? getCos() : getFrequencies()) {
    int64_t pairs = cast<RankedTensorType>(perPair.getType()).getShape().back();
    return ShapedType::isDynamic(pairs) ? pairs : 2 * pairs;
  }
  return getRotated() ? *getRotated() : getX().getType().getDimSize(3);
}

SmallVector<float> RotaryOp::getFrequenciesOfBase() {
  SmallVector<float> frequencies;
  double base = getBaseAttr().getValueAsDouble();
  int64_t channels = getRotatedChannels();
  for (int64_t i = 0; i < channels; i += 2)
    frequencies.push_back(static_cast<float>(std::pow(base, -static_cast<double>(i) / channels)));
  return frequencies;
}

static LogicalResult verifyTables(RotaryOp op, NamedSize batch, NamedSize rows) {
  auto cos = cast<RankedTensorType>(op.getCos().getType());
  if (cos != op.getSin().getType())
    return op.emitOpError() << "(C3) expects tables of one type, found " << cos << " and "
                            << op.getSin().getType();
  SmallVector<NamedSize> sizes = {rows, {"itself", cos.getShape().back()}};
  if (cos.getRank() == 3)
    sizes.insert(sizes.begin(), batch);
  return expectShape(op, "(C3)", "table", cos, sizes);
}

static LogicalResult verifyPositions(RotaryOp op, NamedSize batch, NamedSize rows) {
  Value positions = op.getPositions(), offset = op.getOffset();
  if (op.getCos() && (positions || offset))
    return op.emitOpError("(C6) expects no positions and no offset with tables");
  if (positions && offset)
    return op.emitOpError("(C6) expects positions or an offset, found both");
  if (positions) {
    auto type = cast<RankedTensorType>(positions.getType());
    SmallVector<NamedSize> sizes = {rows};
    if (type.getRank() == 2)
      sizes.insert(sizes.begin(), batch);
    return expectShape(op, "(C6)", "positions", type, sizes);
  }
  if (offset && cast<RankedTensorType>(offset.getType()).getRank() == 1)
    return expectShape(op, "(C6)", "offset", cast<RankedTensorType>(offset.getType()), {batch});
  return success();
}

LogicalResult RotaryOp::verify() {
  auto x = getX().getType();
  NamedSize batch{"batch", x.getDimSize(0)}, rows{"row count", x.getDimSize(2)};
  if (!getCos() != !getSin())
    return emitOpError("(C2) expects cos and sin together");
  int forms = !!getCos() + !!getFrequencies() + !!getBaseAttr();
  if (forms != 1)
    return emitOpError() << "(C2) expects one of tables, frequencies and base, found " << forms;
  if (getCos() && failed(verifyTables(*this, batch, rows)))
    return failure();
  if (auto base = getBaseAttr())
    if (!(std::isfinite(base.getValueAsDouble()) && base.getValueAsDouble() > 0))
      return emitOpError() << "(C4) expects a finite positive base, found "
                           << base.getValueAsDouble();
  if (getRotatedAttr() && !getBaseAttr())
    return emitOpError("(C5) expects 'rotated' only with base");
  int64_t r = getRotatedChannels(), d = x.getDimSize(3);
  if (ShapedType::isDynamic(r))
    return emitOpError("(C5) expects a static number of rotated channels");
  if (r < 0 || r % 2 || (!ShapedType::isDynamic(d) && r > d))
    return emitOpError() << "(C5) expects an even number of rotated channels of at most depth " << d
                         << ", found " << r;
  return verifyPositions(*this, batch, rows);
}

LogicalResult RotaryOp::reifyResultShapes(OpBuilder &b, ReifiedRankedShapedTypeDims &shapes) {
  shapes.push_back(reifyFrom(b, getLoc(), getY(), shapeOf(getX())));
  return success();
}

void RotaryOp::getEqualSizes(SmallVectorImpl<EqualSizes> &pairs) {
  SizePairs sizes(*this, pairs);
  for (Value rows : {getCos(), getSin(), getPositions()}) {
    if (!rows)
      continue;
    // [N, R/2] or [N]; one rank more: by batch
    bool batched =
        cast<RankedTensorType>(rows.getType()).getRank() > (rows == getPositions() ? 1 : 2);
    if (batched)
      sizes.add(rows, 0, getX(), 0);
    sizes.add(rows, batched, getX(), 2);
  }
  if (getCos())
    for (int64_t i = 0, r = cast<RankedTensorType>(getCos().getType()).getRank(); i < r; ++i)
      sizes.add(getSin(), i, getCos(), i);
  if (Value offset = getOffset(); offset && cast<ShapedType>(offset.getType()).getRank())
    sizes.add(offset, 0, getX(), 0);
}
