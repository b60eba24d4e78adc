//===- SequenceOps.cpp - ops of the sequence family -----------------------------===//
//
// Part of Linnet, under Apache-2.0 WITH LLVM-exception. See LICENSE.
//
//===----------------------------------------------------------------------===//
#include "SequenceVerify.h"
#include "linnet/IR/LinnetOps.h"
#include <cmath>

using namespace mlir;
using namespace linnet;

#define GET_OP_CLASSES
#include "linnet/IR/SequenceOps.cpp.inc"

void LinnetDialect::registerSequenceOps() {
  addOperations<
#define GET_OP_LIST
#include "linnet/IR/SequenceOps.cpp.inc"
      >();
}

static RankedTensorType typeOf(Value value) { return cast<RankedTensorType>(value.getType()); }

//===----------------------------------------------------------------------===//
// LinearAttentionOp
//===----------------------------------------------------------------------===//

namespace {
/// A value with heads, and the dimension that counts them.
struct Headed {
  StringRef name;
  Value value;
  int64_t dim;

  int64_t heads() const { return typeOf(value).getDimSize(dim); }
};
} // namespace

/// The operands whose heads are those of the state.
static SmallVector<Headed> stateOperands(LinearAttentionOp op) {
  SmallVector<Headed> all = {{"key", op.getK(), 1},          {"value", op.getV(), 1},
                             {"decay", op.getDecay(), 1},    {"erase_a", op.getEraseA(), 1},
                             {"erase_b", op.getEraseB(), 1}, {"beta", op.getBeta(), 1},
                             {"bonus", op.getBonus(), 0}};
  llvm::erase_if(all, [](const Headed &h) { return !h.value; });
  return all;
}

int64_t LinearAttentionOp::getStateHeads() {
  int64_t heads = 1;
  for (const Headed &operand : stateOperands(*this))
    heads = std::max(heads, operand.heads());
  return heads;
}

int64_t LinearAttentionOp::getStateColumns() {
  return getV().getType().getDimSize(3) + (getNormaliseAttr() ? 1 : 0);
}

static LogicalResult verifyHeads(LinearAttentionOp op) {
  int64_t qHeads = op.getQ().getType().getDimSize(1), stateHeads = op.getStateHeads();
  for (const Headed &operand : stateOperands(op)) {
    if (operand.heads() < 1)
      return op.emitOpError() << "(C1) expects a static number of " << operand.name
                              << " heads of at least 1";
    if (stateHeads % operand.heads())
      return op.emitOpError() << "(C1) expects " << operand.name << " heads " << operand.heads()
                              << " to divide state heads " << stateHeads;
  }
  if (qHeads < 1)
    return op.emitOpError("(C1) expects a static number of query heads of at least 1");
  if (qHeads % stateHeads && stateHeads % qHeads)
    return op.emitOpError() << "(C2) expects query heads " << qHeads
                            << " to divide or be a multiple of state heads " << stateHeads;
  return success();
}

static LogicalResult verifyShapes(LinearAttentionOp op) {
  auto q = op.getQ().getType(), k = op.getK().getType(), v = op.getV().getType();
  NamedSize batch{"query batch", q.getDimSize(0)}, length{"query count", q.getDimSize(2)};
  if (q.isDynamicDim(3) || k.isDynamicDim(3) || v.isDynamicDim(3))
    return op.emitOpError("(C1) expects a static query, key and value depth");
  if (failed(expectSame(op, "(C1)", {"key batch", k.getDimSize(0)}, batch)) ||
      failed(expectSame(op, "(C1)", {"value batch", v.getDimSize(0)}, batch)) ||
      failed(expectSame(op, "(C1)", {"key count", k.getDimSize(2)}, length)) ||
      failed(expectSame(op, "(C1)", {"value count", v.getDimSize(2)}, length)) ||
      failed(
          expectSame(op, "(C1)", {"key depth", k.getDimSize(3)}, {"query depth", q.getDimSize(3)})))
    return failure();
  if (failed(verifyHeads(op)))
    return failure();
  NamedSize heads{"the larger of query and state heads",
                  std::max(q.getDimSize(1), op.getStateHeads())};
  return expectShape(op, "(C3)", "result", op.getO().getType(),
                     {batch, heads, length, {"value depth", v.getDimSize(3)}});
}

static LogicalResult verifyGates(LinearAttentionOp op) {
  auto q = op.getQ().getType();
  NamedSize batch{"batch", q.getDimSize(0)}, length{"query count", q.getDimSize(2)};
  NamedSize depth{"key depth", q.getDimSize(3)};
  auto expectGate = [&](StringRef constraint, StringRef name, Value gate) -> LogicalResult {
    if (!gate)
      return success();
    NamedSize sizes[] = {batch, {"its heads", typeOf(gate).getDimSize(1)}, length, depth};
    return expectShape(op, constraint, name, typeOf(gate),
                       ArrayRef(sizes).take_front(typeOf(gate).getRank()));
  };
  if (failed(expectGate("(C4)", "decay", op.getDecay())))
    return failure();
  if (!op.getEraseA() != !op.getEraseB())
    return op.emitOpError("(C5) expects erase_a and erase_b together");
  if (op.getEraseA() && op.getBeta())
    return op.emitOpError("(C5) expects beta or erase, found both");
  if (failed(expectGate("(C5)", "erase_a", op.getEraseA())) ||
      failed(expectGate("(C5)", "erase_b", op.getEraseB())) ||
      failed(expectGate("(C5)", "beta", op.getBeta())))
    return failure();
  if (!op.getBonus())
    return success();
  if (op.getRead() != StateRead::pre)
    return op.emitOpError("(C6) expects read<pre> with a bonus");
  return expectSame(op, "(C6)", {"bonus depth", typeOf(op.getBonus()).getDimSize(1)}, depth);
}

LogicalResult LinearAttentionOp::verify() {
  if (failed(verifyShapes(*this)) || failed(verifyGates(*this)))
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
  Value timed[] = {getK(), getV(), getDecay(), getEraseA(), getEraseB(), getBeta()};
  // heads and depths are static
  for (Value value : timed) {
    sizes.add(value, 0, getQ(), 0);
    sizes.add(value, 2, getQ(), 2);
  }
  sizes.addAll(getState(), {{getQ(), 0}});
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
