//===- AttentionRows.cpp - what attention and its gradients share ---------===//
//
// Part of Linnet, under Apache-2.0 WITH LLVM-exception. See LICENSE.
//
//===----------------------------------------------------------------------===//
#include "AttentionRows.h"
#include "mlir/Dialect/Vector/IR/VectorOps.h"

using namespace mlir;
using namespace linnet;
using namespace linnet::codegen;

/// Positions and reaches are clamped to this, so that their sums do not wrap.
static constexpr int64_t kFar = int64_t(1) << 40;

//===----------------------------------------------------------------------===//
// Operands
//===----------------------------------------------------------------------===//

template <typename Op> View AttentionRows<Op>::broadcastToScores(View v) {
  View full{v.memory, v.element, v.offset, {}, {}};
  int64_t missing = 4 - v.rank();
  for (int64_t d = 0; d < 4; ++d) {
    bool repeats = d < missing || Emitter::constantOf(v.sizes[d - missing]) == 1;
    full.strides.push_back(repeats ? e.index(0) : v.strides[d - missing]);
    full.sizes.push_back(repeats ? e.index(1) : v.sizes[d - missing]);
  }
  return full;
}

template <typename Op> LogicalResult AttentionRows<Op>::bindMasks() {
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

template <typename Op> LogicalResult AttentionRows<Op>::bindDropout() {
  if (!op.getDropoutAttr())
    return success();
  FailureOr<Value> key = loadSeed(frame, op.getDropoutKey());
  FailureOr<Value> counter = loadSeed(frame, op.getDropoutCounter());
  if (failed(key) || failed(counter))
    return failure();
  dropout.emplace(e, *key, *counter, op.getDropoutAttr().getValueAsDouble());
  return success();
}

//===----------------------------------------------------------------------===//
// Which keys a row sees
//===----------------------------------------------------------------------===//

template <typename Op> void AttentionRows<Op>::loadKeyLimits() {
  auto number = [&](const View &v) {
    Value at = frame.position(v, v.rank() ? ValueRange{batch} : ValueRange{});
    return e.toIndex(frame.load(v, at));
  };
  Value count = k.sizes[2];
  validKeys = masks.getKvLengths() ? e.max(e.min(number(lengths), count), e.index(0)) : count;
  if (!op.readsPositions())
    return;
  if (op.getQOffset())
    position = e.max(e.min(number(offset), e.index(kFar)), e.index(-kFar));
  else if (op.getAlignment() == MaskAlignment::bottom_right)
    position = e.sub(validKeys, q.sizes[2]);
  else
    position = e.index(0);
}

template <typename Op>
typename AttentionRows<Op>::KeyRange AttentionRows<Op>::visibleKeys(Value query) {
  KeyRange keys{e.index(0), validKeys};
  if (!masks.isPositional())
    return keys;
  Value p = e.add(position, query);
  if (auto after = masks.getReachAfter())
    keys.last = e.max(e.min(keys.last, e.add(p, std::min(*after, kFar) + 1)), e.index(0));
  if (auto before = masks.getReachBefore())
    keys.first = e.min(e.max(e.sub(p, std::min(*before, kFar)), e.index(0)), keys.last);
  return keys;
}

template <typename Op> Lanes AttentionRows<Op>::keysFrom(Value key) {
  Value count = e.sub(k.sizes[2], key);
  return {count, e.mask(count)};
}

template <typename Op>
Value AttentionRows<Op>::visible(const Row &row, const KeyRange &keys, Value key,
                                 const Lanes &inRange) {
  Value seen = e.mask(e.sub(keys.last, key));
  auto restrict = [&](Value more) { seen = arith::AndIOp::create(e, seen, more); };
  auto compare = [&](arith::CmpIPredicate predicate, Value a, Value b) {
    return arith::CmpIOp::create(e, predicate, a, b);
  };
  if (masks.getReachBefore()) {
    Value hidden = e.mask(e.sub(keys.first, key));
    Value all = arith::ConstantOp::create(
        e, DenseElementsAttr::get(cast<VectorType>(hidden.getType()), true));
    restrict(arith::XOrIOp::create(e, hidden, all));
  }
  if (op.getMask()) {
    Value bytes = loadRaw(mask, frame.position(mask, {batch, row.head, row.query, key}), inRange);
    restrict(compare(arith::CmpIPredicate::ne, bytes, e.zero(bytes.getType())));
  }
  if (op.getQSegments()) {
    Type wide = e.vec(e.i64());
    Value own =
        e.toInt(frame.load(qSegments, frame.position(qSegments, {batch, row.query})), e.i64());
    Value theirs = loadRaw(kvSegments, frame.position(kvSegments, {batch, key}), inRange);
    if (theirs.getType() != wide)
      theirs = arith::ExtSIOp::create(e, wide, theirs);
    restrict(compare(arith::CmpIPredicate::eq, theirs, e.splat(own)));
  }
  return seen;
}

//===----------------------------------------------------------------------===//
// Scores and weights
//===----------------------------------------------------------------------===//

template <typename Op>
Value AttentionRows<Op>::loadRaw(const View &v, Value position, const Lanes &inRange) {
  if (auto stride = Emitter::constantOf(v.strides.back())) {
    if (*stride == 0)
      return e.splat(e.load(v.memory, position));
    if (*stride == 1)
      return e.vload(v.memory, position, kLanes, inRange.mask);
  }
  Values elements;
  for (int64_t i = 0; i < kLanes; ++i) {
    Value lane = e.min(e.index(i), e.sub(inRange.count, 1));
    elements.push_back(e.load(v.memory, e.add(position, e.mul(lane, v.strides.back()))));
  }
  Type element = cast<MemRefType>(v.memory.getType()).getElementType();
  return vector::FromElementsOp::create(e, e.vec(element), elements);
}

template <typename Op>
Value AttentionRows<Op>::addBias(Value s, const Row &row, Value key, const Lanes &inRange) {
  Value at = frame.position(bias, {batch, row.head, row.query, key});
  return e.addf(s, e.convert(loadRaw(bias, at, inRange), e.f32()));
}

template <typename Op>
Value AttentionRows<Op>::fillDropout(Value memory, const Row &row, Value key, Value count) {
  Value first = e.add(e.mul(batch, q.sizes[1]), row.head);
  first = e.add(e.mul(first, q.sizes[2]), row.query);
  first = e.add(e.mul(first, k.sizes[2]), key);
  return dropout->fill(memory, first, count);
}

template <typename Op>
Values AttentionRows<Op>::dotProducts(Value rows, ArrayRef<Value> places, Value panels, Value panel,
                                      int64_t depth, int64_t vectors) {
  int64_t count = places.size();
  return e.tile(
      count, vectors, e.index(depth), Values(count * vectors, e.vf(0)),
      [&](int64_t m, Value d) { return e.splat(e.load(rows, e.add(places[m], d))); },
      [&](Value d, int64_t n) {
        return e.vload(panels, e.add(e.add(panel, n * kLanes), e.mul(d, kPanel)));
      });
}

template class linnet::codegen::AttentionRows<AttentionOp>;
template class linnet::codegen::AttentionRows<AttentionGradOp>;

//===----------------------------------------------------------------------===//
// Selection
//===----------------------------------------------------------------------===//

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

LogicalResult linnet::codegen::verifyStaticHeads(Operation *op, RankedTensorType q,
                                                 RankedTensorType k, RankedTensorType v) {
  for (auto [name, type, dim] : {std::tuple{"query heads", q, 1}, std::tuple{"key heads", k, 1},
                                 std::tuple{"query depth", q, 3}, std::tuple{"value depth", v, 3}})
    if (type.isDynamicDim(dim))
      return op->emitOpError() << "expects a static number of " << name << " for a kernel, found "
                               << type;
  return success();
}
