//===- AttentionMasks.cpp - which keys a query sees, and how --------------===//
//
// Part of Linnet, under Apache-2.0 WITH LLVM-exception. See LICENSE.
//
//===----------------------------------------------------------------------===//
#include "AttentionMasks.h"
#include "OneOp.h"
#include "mlir/Dialect/Arith/IR/Arith.h"
#include "mlir/Dialect/Vector/IR/VectorOps.h"
#include <cmath>

using namespace mlir;
using namespace linnet;
using namespace linnet::codegen;

//===----------------------------------------------------------------------===//
// Operands
//===----------------------------------------------------------------------===//

template <typename Op> View AttentionMasks<Op>::broadcastToScores(View v) {
  View full{v.memory, v.element, v.offset, {}, {}};
  int64_t missing = 4 - v.rank();
  for (int64_t d = 0; d < 4; ++d) {
    bool repeats = d < missing || CodeBuilder::constantOf(v.sizes[d - missing]) == 1;
    full.strides.push_back(repeats ? e.index(0) : v.strides[d - missing]);
    full.sizes.push_back(repeats ? e.index(1) : v.sizes[d - missing]);
  }
  return full;
}

template <typename Op> LogicalResult AttentionMasks<Op>::bindMasks() {
  if (failed(bindOperands(frame, {{op.getBias(), &bias},
                                  {op.getAlibiSlopes(), &alibi},
                                  {op.getMask(), &mask},
                                  {op.getKvLengths(), &lengths},
                                  {op.getQOffset(), &offset},
                                  {op.getQSegments(), &qSegments},
                                  {op.getKvSegments(), &kvSegments}})))
    return failure();
  if (op.getBias())
    bias = broadcastToScores(bias);
  if (op.getMask())
    mask = broadcastToScores(mask);
  return success();
}

template <typename Op> double AttentionMasks<Op>::scale() {
  if (auto given = op.getScaleAttr())
    return given.getValueAsDouble();
  return 1 / std::sqrt(static_cast<double>(op.getQ().getType().getDimSize(3)));
}

template <typename Op> double AttentionMasks<Op>::queryFactor() {
  auto cap = op.getSoftcapAttr();
  return cap ? scale() / cap.getValueAsDouble() : scale();
}

template <typename Op> LogicalResult AttentionMasks<Op>::bindDropout() {
  if (!op.getDropoutAttr())
    return success();
  FailureOr<Value> key = loadSeed(frame, op.getDropoutKey());
  FailureOr<Value> counter = loadSeed(frame, op.getDropoutCounter());
  if (failed(key) || failed(counter))
    return failure();
  dropout.emplace(e, *key, *counter, op.getDropoutAttr().getValueAsDouble(), lanes);
  return success();
}

//===----------------------------------------------------------------------===//
// Which keys a row sees
//===----------------------------------------------------------------------===//

template <typename Op> void AttentionMasks<Op>::loadKeyLimits() {
  auto number = [&](const View &v) {
    Value at = frame.position(v, v.rank() ? ValueRange{batch} : ValueRange{});
    return e.toIndex(frame.load(v, at));
  };
  Value count = k.sizes[2];
  validKeys = masks.getKvLengths() ? e.max(e.min(number(lengths), count), e.index(0)) : count;
  if (!op.readsPositions())
    return;
  if (op.getQOffset())
    position = e.max(e.min(number(offset), e.index(far())), e.index(-far()));
  else if (op.getAlignment() == MaskAlignment::bottom_right)
    position = e.sub(validKeys, q.sizes[2]);
  else
    position = e.index(0);
}

template <typename Op>
typename AttentionMasks<Op>::KeyRange AttentionMasks<Op>::visibleKeys(Value query) {
  KeyRange keys{e.index(0), validKeys};
  if (!masks.isPositional())
    return keys;
  Value p = e.add(position, query);
  if (auto after = masks.getReachAfter())
    keys.last = e.max(e.min(keys.last, e.add(p, std::min(*after, far()) + 1)), e.index(0));
  if (auto before = masks.getReachBefore())
    keys.first = e.min(e.max(e.sub(p, std::min(*before, far())), e.index(0)), keys.last);
  return keys;
}

template <typename Op>
typename AttentionMasks<Op>::KeyLanes AttentionMasks<Op>::keysFrom(Value key) {
  Value count = e.sub(k.sizes[2], key);
  return {count, lanes ? e.mask(count, lanes) : Value()};
}

template <typename Op>
Value AttentionMasks<Op>::visible(const Row &row, const KeyRange &keys, Value key,
                                  const KeyLanes &inRange) {
  Value seen = below(e.sub(keys.last, key));
  auto restrict = [&](Value more) { seen = arith::AndIOp::create(e, seen, more); };
  auto compare = [&](arith::CmpIPredicate predicate, Value a, Value b) {
    return arith::CmpIOp::create(e, predicate, a, b);
  };
  if (masks.getReachBefore()) {
    Value hidden = below(e.sub(keys.first, key));
    restrict(arith::XOrIOp::create(e, hidden, e.iconst(hidden.getType(), 1)));
  }
  if (op.getMask()) {
    Value bytes = loadRaw(mask, {batch, row.head, row.query, key}, inRange);
    restrict(compare(arith::CmpIPredicate::ne, bytes, e.zero(bytes.getType())));
  }
  if (op.getQSegments()) {
    Type wide = like(e.i64());
    Value own =
        e.toInt(frame.load(qSegments, frame.position(qSegments, {batch, row.query})), e.i64());
    Value theirs = loadRaw(kvSegments, {batch, key}, inRange);
    if (theirs.getType() != wide)
      theirs = arith::ExtSIOp::create(e, wide, theirs);
    restrict(compare(arith::CmpIPredicate::eq, theirs, spread(own)));
  }
  return seen;
}

template <typename Op>
Value AttentionMasks<Op>::addBias(Value s, const Row &row, Value key, const KeyLanes &inRange) {
  Value x = loadRaw(bias, {batch, row.head, row.query, key}, inRange);
  return e.addf(s, e.convert(x, e.f32()));
}

template <typename Op>
Value AttentionMasks<Op>::loadRaw(const View &v, Values coordinates, const KeyLanes &inRange) {
  if (!lanes) { // a key that is not there repeats the last one
    Value &key = coordinates.back();
    key = e.add(key, e.min(e.sub(inRange.count, 1), e.index(0)));
    return e.load(v.memory, frame.position(v, coordinates));
  }
  Value position = frame.position(v, coordinates);
  if (auto stride = CodeBuilder::constantOf(v.strides.back())) {
    if (*stride == 0)
      return e.splat(e.load(v.memory, position), lanes);
    if (*stride == 1)
      return e.vload(v.memory, position, lanes, inRange.mask);
  }
  Values elements;
  for (int64_t i = 0; i < lanes; ++i) {
    Value lane = e.min(e.index(i), e.sub(inRange.count, 1));
    elements.push_back(e.load(v.memory, e.add(position, e.mul(lane, v.strides.back()))));
  }
  Type element = cast<MemRefType>(v.memory.getType()).getElementType();
  return vector::FromElementsOp::create(e, like(element), elements);
}

LogicalResult AttentionGradViews::bindGradient(AttentionGradOp op, KernelViews &frame,
                                               ArrayRef<View *> inputs) {
  SmallVector<View *> views(inputs);
  views.append({&o, &lse, &dout, &dlse});
  if (failed(bindOperandsOf(op, frame, views)))
    return failure();
  return bindResults(
      frame, {{op.getDq(), &dq}, {op.getDk(), &dk}, {op.getDv(), &dv}, {op.getDbias(), &dbias}});
}

template class linnet::codegen::AttentionMasks<AttentionOp>;
template class linnet::codegen::AttentionMasks<AttentionGradOp>;

//===----------------------------------------------------------------------===//
// Selection
//===----------------------------------------------------------------------===//

/// Reaches are clamped to this, so that their sums do not wrap.
static constexpr int64_t kFar = int64_t(1) << 40;

Value linnet::codegen::visiblePairs(LaunchBuilder &b, MaskAttr masks, bool hasOffset, Value queries,
                                    Value keys) {
  Value pairs = b.mul(queries, keys);
  if (masks.getReachAfter() && !hasOffset) {
    Value hidden = b.mul(queries, b.sub(queries, b.constant(1)));
    hidden = arith::DivUIOp::create(b, hidden, b.constant(2));
    pairs = b.max(b.sub(pairs, hidden), b.constant(0));
  }
  if (masks.getReachBefore() && masks.getReachAfter()) {
    int64_t reach =
        std::min(*masks.getReachBefore(), kFar) + std::min(*masks.getReachAfter(), kFar);
    pairs = b.min(pairs, b.mul(queries, b.constant(reach + 1)));
  }
  return pairs;
}

Value linnet::codegen::attentionFlops(LaunchBuilder &b, AttentionOp op, Value queries, Value keys) {
  int64_t depths = op.getQ().getType().getDimSize(3) + op.getV().getType().getDimSize(3);
  return b.mul({visiblePairs(b, op.getMaskSet(), bool(op.getQOffset()), queries, keys),
                b.sizeOf(op.getQ(), 0), b.constant(op.getQ().getType().getDimSize(1)),
                b.constant(2 * depths)});
}

Value linnet::codegen::countGradientFlops(LaunchBuilder &b, AttentionGradOp op, Value queries,
                                          Value keys) {
  int64_t key = op.getQ().getType().getDimSize(3), value = op.getV().getType().getDimSize(3);
  return b.mul({visiblePairs(b, op.getMaskSet(), bool(op.getQOffset()), queries, keys),
                b.sizeOf(op.getQ(), 0), b.constant(op.getQ().getType().getDimSize(1)),
                b.constant(2 * (3 * key + 2 * value))});
}

LogicalResult linnet::codegen::verifyStaticHeads(Operation *op, RankedTensorType q,
                                                 RankedTensorType k, RankedTensorType v) {
  for (auto [name, type, dim] : {std::tuple{"query heads", q, 1}, std::tuple{"key heads", k, 1},
                                 std::tuple{"query depth", q, 3}, std::tuple{"value depth", v, 3}})
    if (type.isDynamicDim(dim))
      return op->emitOpError() << "expects a static number of " << name << " for a kernel, found "
                               << type;
  return success();
}
