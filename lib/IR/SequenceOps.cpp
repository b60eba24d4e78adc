//===- SequenceOps.cpp - ops of the sequence family -----------------------------===//
//
// Part of Linnet, under Apache-2.0 WITH LLVM-exception. See LICENSE.
//
//===----------------------------------------------------------------------===//
#include "LinearAttentionVerify.h"
#include "SequenceVerify.h"

using namespace mlir;
using namespace linnet;
using namespace linnet::linear_attention;

#define GET_OP_CLASSES
#include "linnet/IR/SequenceOps.cpp.inc"

void LinnetDialect::registerSequenceOps() {
  addOperations<
#define GET_OP_LIST
#include "linnet/IR/SequenceOps.cpp.inc"
      >();
}

//===----------------------------------------------------------------------===//
// LinearAttentionOp
//===----------------------------------------------------------------------===//

int64_t LinearAttentionOp::getStateHeads() { return countStateHeads(*this); }

int64_t LinearAttentionOp::getStateColumns() {
  return getV().getType().getDimSize(3) + (getNormaliseAttr() ? 1 : 0);
}

LogicalResult LinearAttentionOp::verify() {
  if (failed(verifyShapes(*this, getO(), "result")) || failed(verifyGates(*this)))
    return failure();
  auto q = getQ().getType();
  NamedSize state[] = {{"batch", q.getDimSize(0)},
                       {"state heads", getStateHeads()},
                       {"key depth", q.getDimSize(3)},
                       {"state columns", getStateColumns()}};
  for (auto [name, value] : {std::pair<StringRef, Value>{"state", getState()},
                             std::pair<StringRef, Value>{"final state", getFinalState()}})
    if (value && failed(expectShape(*this, "(C7)", name, typeOf(value), state)))
      return failure();
  if (auto eps = getNormaliseAttr()) {
    if (!(std::isfinite(eps.getValueAsDouble()) && eps.getValueAsDouble() > 0))
      return emitOpError() << "(C8) expects a finite positive normalise, found "
                           << eps.getValueAsDouble();
    if (hasErase())
      return emitOpError("(C8) expects no beta and no erase with normalise");
  }
  if (auto scale = getScaleAttr(); scale && !std::isfinite(scale.getValueAsDouble()))
    return emitOpError() << "(C8) expects a finite scale, found " << scale.getValueAsDouble();
  if (getChunk() && *getChunk() < 1)
    return emitOpError() << "(C9) expects a chunk of at least 1, found " << *getChunk();
  return success();
}

LogicalResult LinearAttentionOp::reifyResultShapes(OpBuilder &b,
                                                   ReifiedRankedShapedTypeDims &shapes) {
  ShapeSource o = shapeOf(getQ()); // (C1) makes all but batch and length static
  o.back() = {getV(), 3};
  shapes.push_back(reifyFrom(b, getLoc(), getO(), o));
  if (getFinalState()) {
    // columns are D + 1 with a normaliser, heads no operand's: both static in any valid type
    ShapeSource state = {{getQ(), 0}, {getQ(), 1}, {getQ(), 3}, {getV(), 3}};
    auto sizes = reifyFrom(b, getLoc(), getFinalState(), state);
    sizes[1] = b.getIndexAttr(getStateHeads());
    sizes[3] = b.getIndexAttr(getStateColumns());
    shapes.push_back(sizes);
  }
  return success();
}

void LinearAttentionOp::getEqualSizes(SmallVectorImpl<EqualSizes> &pairs) {
  SizePairs sizes(*this, pairs);
  addEqualSizes(*this, sizes);
}

//===----------------------------------------------------------------------===//
// SelectiveScanOp
//===----------------------------------------------------------------------===//

LogicalResult SelectiveScanOp::verify() {
  return sequence::verifyScan(*this, {"result", getY()}, {"final state", getFinalState()});
}

LogicalResult SelectiveScanOp::reifyResultShapes(OpBuilder &b,
                                                 ReifiedRankedShapedTypeDims &shapes) {
  shapes.push_back(reifyFrom(b, getLoc(), getY(), shapeOf(getU())));
  if (getFinalState())
    shapes.push_back(
        reifyFrom(b, getLoc(), getFinalState(), {{getU(), 0}, {getU(), 2}, {getA(), 1}}));
  return success();
}

void SelectiveScanOp::getEqualSizes(SmallVectorImpl<EqualSizes> &pairs) {
  SizePairs sizes(*this, pairs);
  sequence::addScanSizes(*this, sizes);
}

//===----------------------------------------------------------------------===//
// CausalConvOp
//===----------------------------------------------------------------------===//

LogicalResult CausalConvOp::verify() {
  return sequence::verifyCausalConv(*this, {"result", getY()}, {"final state", getFinalState()});
}

LogicalResult CausalConvOp::reifyResultShapes(OpBuilder &b, ReifiedRankedShapedTypeDims &shapes) {
  shapes.push_back(reifyFrom(b, getLoc(), getY(), shapeOf(getX())));
  if (getFinalState()) {
    auto sizes = reifyFrom(b, getLoc(), getFinalState(), {{getX(), 0}, {getX(), 2}, {getX(), 0}});
    sizes[2] = b.getIndexAttr(getWeight().getType().getDimSize(1) - 1);
    shapes.push_back(sizes);
  }
  return success();
}

void CausalConvOp::getEqualSizes(SmallVectorImpl<EqualSizes> &pairs) {
  SizePairs sizes(*this, pairs);
  sequence::addCausalConvSizes(*this, sizes);
}
