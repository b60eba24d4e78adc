//===- SplitAttention.cpp - long caches in parts that threads share -------===//
//
// Part of Linnet, under Apache-2.0 WITH LLVM-exception. See LICENSE.
//
// A kernel of attention with a handful of rows has a chunk per batch and key head. Where those are
// few, the keys are cut into parts s, each with its result o[s] and its log-sum-exp l[s]:
//
//   w[s] = exp(l[s] - max l)      o = sum w[s] o[s] / sum w[s]      lse = max l + log sum w[s]
//
// in the order of s (arXiv:2311.01282). How many parts there are depends on sizes only.
//
//===----------------------------------------------------------------------===//
#include "LowerToStructured.h"
#include "mlir/Dialect/Arith/IR/Arith.h"
#include "mlir/Dialect/Math/IR/Math.h"
#include "mlir/Dialect/Tensor/IR/Tensor.h"
#include <cmath>

using namespace mlir;
using namespace linnet;

/// Rows up to which keys and values are read once and nothing else counts.
static constexpr int64_t kRows = 8;
/// From so many chunks on there is enough for threads; otherwise parts make that many.
static constexpr int64_t kEnough = 8, kChunks = 16;
/// Keys of the shortest part, and of one where their number is not known; parts end at blocks.
static constexpr int64_t kShortest = 2048, kUnknown = 8192, kBlock = 256;

/// How many keys a part has; 0: the op stays whole.
static int64_t choosePart(AttentionOp op) {
  auto q = op.getQ().getType(), k = op.getK().getType();
  int64_t group = op.getGroupSize(), queries = q.getDimSize(2), keys = k.getDimSize(2);
  if (op.getPart() || q.isDynamicDim(0) || q.isDynamicDim(2) || group == 0 ||
      group * queries > kRows)
    return 0;
  // what a short window sees is no work for several
  if (auto left = op.getMaskSet().getReachBefore(); left && *left < kShortest)
    return 0;
  int64_t chunks = q.getDimSize(0) * k.getDimSize(1);
  if (chunks == 0 || queries == 0 || chunks >= kEnough)
    return 0;
  if (ShapedType::isDynamic(keys))
    return kUnknown;
  int64_t parts = std::min<int64_t>(llvm::divideCeil(kChunks, chunks), keys / kShortest);
  return parts > 1 ? llvm::alignTo(llvm::divideCeil(keys, parts), kBlock) : 0;
}

namespace {
class AttentionSplitter {
public:
  AttentionSplitter(AttentionOp op, int64_t size)
      : op(op), size(size), b(op.getLoc(), op), f32(b.getF32Type()) {}
  void run();

private:
  AttentionOp emitParts();
  /// The map from `rank` loops, the last of which is the part, to an operand with parts.
  AffineMap ofParts(unsigned rank, unsigned kept);
  AffineMap ofRows(unsigned loops) {
    return projectLoops(b.getContext(), loops, [](unsigned d) { return d < 3; });
  }
  Value reduce(Value parts, double start, ScalarBody combine);
  Value weigh(Value lse, Value top);
  Value weightedSum(Value outputs, Value weights);
  Value divide(Value sum, Value total);
  Value logSum(Value top, Value total);

  AttentionOp op;
  int64_t size;
  ImplicitLocOpBuilder b;
  Type f32;
};
} // namespace

AttentionOp AttentionSplitter::emitParts() {
  int64_t keys = op.getK().getType().getDimSize(2);
  SmallVector<int64_t> shape(op.getO().getType().getShape());
  shape.insert(shape.begin(),
               ShapedType::isDynamic(keys) ? keys : int64_t(llvm::divideCeil(keys, size)));
  return AttentionOp::create(
      b, RankedTensorType::get(shape, f32), RankedTensorType::get(ArrayRef(shape).drop_back(), f32),
      op.getQ(), op.getK(), op.getV(), op.getBias(), op.getAlibiSlopes(), op.getMask(),
      op.getKvLengths(), op.getQOffset(), op.getQSegments(), op.getKvSegments(), op.getDropoutKey(),
      op.getDropoutCounter(), op.getMasksAttr(), op.getAlignment(), op.getScaleAttr(),
      op.getSoftcapAttr(), op.getDropoutAttr(), b.getI64IntegerAttr(size));
}

AffineMap AttentionSplitter::ofParts(unsigned loops, unsigned kept) {
  SmallVector<AffineExpr> exprs{b.getAffineDimExpr(loops - 1)};
  for (unsigned d = 0; d < kept; ++d)
    exprs.push_back(b.getAffineDimExpr(d));
  return AffineMap::get(loops, 0, exprs, b.getContext());
}

/// A value per row from one per part and row.
Value AttentionSplitter::reduce(Value parts, double start, ScalarBody combine) {
  Sizes sizes = sizesOf(b, parts);
  Value init = fillTensor(b, ArrayRef(sizes).drop_front(), numberAttr(f32, start));
  auto body = [&](ImplicitLocOpBuilder &inner, ValueRange v) -> SmallVector<Value> {
    return {combine(inner, v)};
  };
  return reduceElements(b, {{parts, ofParts(4, 3)}}, init, ofRows(4), body)[0];
}

/// Weights of the parts. A part without a visible key has none, also where all are so.
Value AttentionSplitter::weigh(Value lse, Value top) {
  auto rows = projectLoops(b.getContext(), 4, [](unsigned d) { return d > 0; });
  return mapElements(b, cast<RankedTensorType>(lse.getType()), sizesOf(b, lse),
                     {{lse, b.getMultiDimIdentityMap(4)}, {top, rows}},
                     [&](ImplicitLocOpBuilder &inner, ValueRange v) -> Value {
                       Value none = number(inner, f32, -INFINITY);
                       Value hidden =
                           arith::CmpFOp::create(inner, arith::CmpFPredicate::OEQ, v[0], none);
                       Value w =
                           math::ExpOp::create(inner, arith::SubFOp::create(inner, v[0], v[1]));
                       return arith::SelectOp::create(inner, hidden, number(inner, f32, 0), w);
                     });
}

Value AttentionSplitter::weightedSum(Value outputs, Value weights) {
  Sizes sizes = sizesOf(b, outputs);
  Value init = fillTensor(b, ArrayRef(sizes).drop_front(), numberAttr(f32, 0));
  auto kept = projectLoops(b.getContext(), 5, [](unsigned d) { return d < 4; });
  auto body = [](ImplicitLocOpBuilder &inner, ValueRange v) -> SmallVector<Value> {
    Value product = arith::MulFOp::create(inner, v[0], v[1]);
    return {arith::AddFOp::create(inner, v[2], product)};
  };
  return reduceElements(b, {{outputs, ofParts(5, 4)}, {weights, ofParts(5, 3)}}, init, kept,
                        body)[0];
}

/// A row that sees no key gives zeros.
Value AttentionSplitter::divide(Value sum, Value total) {
  auto type = cast<RankedTensorType>(op.getO().getType());
  return mapElements(
      b, type, sizesOf(b, sum), {{sum, b.getMultiDimIdentityMap(4)}, {total, ofRows(4)}},
      [&](ImplicitLocOpBuilder &inner, ValueRange v) {
        Value zero = number(inner, f32, 0);
        Value empty = arith::CmpFOp::create(inner, arith::CmpFPredicate::OEQ, v[1], zero);
        Value o = arith::DivFOp::create(inner, v[0], v[1]);
        o = arith::SelectOp::create(inner, empty, zero, o);
        return narrow(inner, o, type.getElementType());
      });
}

Value AttentionSplitter::logSum(Value top, Value total) {
  AffineMap same = b.getMultiDimIdentityMap(3);
  return mapElements(b, cast<RankedTensorType>(op.getLse().getType()), sizesOf(b, top),
                     {{top, same}, {total, same}},
                     [](ImplicitLocOpBuilder &inner, ValueRange v) -> Value {
                       Value log = math::LogOp::create(inner, v[1]);
                       return arith::AddFOp::create(inner, v[0], log);
                     });
}

void AttentionSplitter::run() {
  AttentionOp parts = emitParts();
  Value top = reduce(parts.getLse(), -INFINITY, [](ImplicitLocOpBuilder &inner, ValueRange v) {
    return arith::MaximumFOp::create(inner, v[0], v[1]).getResult();
  });
  Value weights = weigh(parts.getLse(), top);
  Value total = reduce(weights, 0, [](ImplicitLocOpBuilder &inner, ValueRange v) {
    return arith::AddFOp::create(inner, v[1], v[0]).getResult();
  });
  op.getO().replaceAllUsesWith(divide(weightedSum(parts.getO(), weights), total));
  if (op.getLse())
    op.getLse().replaceAllUsesWith(logSum(top, total));
  op.erase();
}

void linnet::splitAttention(Operation *root) {
  SmallVector<AttentionOp> ops;
  root->walk([&](AttentionOp op) { ops.push_back(op); });
  for (AttentionOp op : ops)
    if (int64_t size = choosePart(op))
      AttentionSplitter(op, size).run();
}
