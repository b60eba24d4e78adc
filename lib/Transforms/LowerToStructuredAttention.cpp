//===- LowerToStructuredAttention.cpp - the attention family --------------===//
//
// Part of Linnet, under Apache-2.0 WITH LLVM-exception. See LICENSE.
//
//===----------------------------------------------------------------------===//
#include "LowerToStructured.h"
#include "linnet/IR/LinnetOps.h"
#include "mlir/Dialect/Arith/IR/Arith.h"
#include "mlir/Dialect/Math/IR/Math.h"
#include "mlir/Dialect/Tensor/IR/Tensor.h"

using namespace mlir;
using namespace linnet;

namespace {

//===----------------------------------------------------------------------===//
// feature_map
//===----------------------------------------------------------------------===//

Value applyFeature(ImplicitLocOpBuilder &b, FeatureKind kind, Value x) {
  Type type = x.getType();
  if (kind == FeatureKind::exp)
    return math::ExpOp::create(b, x);
  Value zero = number(b, type, 0);
  if (kind == FeatureKind::elu1) {
    Value positive = arith::CmpFOp::create(b, arith::CmpFPredicate::OGT, x, zero);
    return arith::SelectOp::create(b, positive, arith::AddFOp::create(b, x, number(b, type, 1)),
                                   math::ExpOp::create(b, x));
  }
  Value relu = arith::MaximumFOp::create(b, x, zero);
  return kind == FeatureKind::relu ? relu : arith::MulFOp::create(b, relu, relu).getResult();
}

struct FeatureMapToGeneric : OpRewritePattern<FeatureMapOp> {
  using OpRewritePattern::OpRewritePattern;
  LogicalResult matchAndRewrite(FeatureMapOp op, PatternRewriter &rewriter) const override {
    ImplicitLocOpBuilder b(op.getLoc(), rewriter);
    auto type = cast<RankedTensorType>(op.getY().getType());
    Type element = type.getElementType(), wide = computeType(element);
    rewriter.replaceOp(op, mapElements(b, type, sizesOf(b, op.getX()),
                                       {{op.getX(), b.getMultiDimIdentityMap(type.getRank())}},
                                       [&](ImplicitLocOpBuilder &inner, ValueRange v) {
                                         Value y = applyFeature(inner, op.getKind(),
                                                                widen(inner, v[0], wide));
                                         return narrow(inner, y, element);
                                       }));
    return success();
  }
};

//===----------------------------------------------------------------------===//
// rotary
//===----------------------------------------------------------------------===//

class RotaryLowering {
public:
  RotaryLowering(RotaryOp op, PatternRewriter &rewriter)
      : op(op), b(op.getLoc(), rewriter), type(cast<RankedTensorType>(op.getX().getType())),
        half(op.getRotatedChannels() / 2), f32(b.getF32Type()), sizes(sizesOf(b, op.getX())),
        interleaved(op.getLayout() == RotaryLayout::interleaved) {}

  Value lower() {
    Value cos = op.getCos(), sin = op.getSin();
    if (!cos)
      std::tie(cos, sin) = computeTables();
    Value rotated = rotate(cos, sin);
    int64_t rest = type.getDimSize(3) - 2 * half;
    if (rest == 0)
      return rotated;
    return tensor::ConcatOp::create(b, type, 3, ValueRange{rotated, slice(2 * half, rest, 1)});
  }

private:
  Value slice(int64_t offset, int64_t count, int64_t stride) {
    OpFoldResult zero = b.getIndexAttr(0), one = b.getIndexAttr(1);
    Sizes shape = sizes;
    shape[3] = b.getIndexAttr(count);
    return tensor::ExtractSliceOp::create(b, op.getX(), {zero, zero, zero, b.getIndexAttr(offset)},
                                          shape, {one, one, one, b.getIndexAttr(stride)});
  }

  /// One value of x, [B,H,N,2,R/2] or, interleaved, [B,H,N,R/2,2], without its last dimension
  /// but one split off.
  Value rotate(Value cos, Value sin) {
    int64_t pairDim = interleaved ? 4 : 3, channelDim = 7 - pairDim;
    Value low = slice(0, half, interleaved ? 2 : 1);
    Value high = slice(interleaved ? 1 : half, half, interleaved ? 2 : 1);
    SmallVector<int64_t> shape(type.getShape());
    shape.resize(5);
    shape[pairDim] = 2;
    shape[channelDim] = half;
    Sizes split = sizes;
    split.resize(5);
    split[pairDim] = b.getIndexAttr(2);
    split[channelDim] = b.getIndexAttr(half);
    bool perBatch = cast<RankedTensorType>(cos.getType()).getRank() == 3;
    AffineMap readX = projectLoops(b.getContext(), 5, [&](unsigned i) { return i != pairDim; });
    AffineMap readTable = projectLoops(b.getContext(), 5, [&](unsigned i) {
      return i == 2 || i == channelDim || (perBatch && i == 0);
    });
    Value y = mapElements(
        b, RankedTensorType::get(shape, type.getElementType()), split,
        {{low, readX}, {high, readX}, {cos, readTable}, {sin, readTable}},
        [&](ImplicitLocOpBuilder &inner, ValueRange v) { return turn(inner, v, pairDim); });
    SmallVector<ReassociationIndices> groups = {{0}, {1}, {2}, {3, 4}};
    return tensor::CollapseShapeOp::create(b, y, groups);
  }

  /// The lower or the upper of a pair, which loop `pairDim` says.
  Value turn(ImplicitLocOpBuilder &inner, ValueRange read, int64_t pairDim) {
    SmallVector<Value> v;
    for (Value x : read)
      v.push_back(widen(inner, x, f32));
    Value isLow = arith::CmpIOp::create(inner, arith::CmpIPredicate::eq,
                                        linalg::IndexOp::create(inner, pairDim),
                                        arith::ConstantIndexOp::create(inner, 0));
    auto mul = [&](Value a, Value c) { return arith::MulFOp::create(inner, a, c).getResult(); };
    Value low = arith::SubFOp::create(inner, mul(v[0], v[2]), mul(v[1], v[3]));
    Value high = arith::AddFOp::create(inner, mul(v[1], v[2]), mul(v[0], v[3]));
    return narrow(inner, arith::SelectOp::create(inner, isLow, low, high), type.getElementType());
  }

  /// Cosines and sines, [N,R/2] or [B,N,R/2].
  std::pair<Value, Value> computeTables() {
    Value frequencies = op.getFrequencies() ? Value(op.getFrequencies()) : frequenciesOfBase();
    Value given = op.getPositions() ? op.getPositions() : op.getOffset();
    int64_t rank = given ? cast<RankedTensorType>(given.getType()).getRank() : 0;
    bool perBatch = rank == (op.getPositions() ? 2 : 1);
    unsigned n = perBatch ? 1 : 0, loops = n + 2;
    Sizes shape = {sizes[2], b.getIndexAttr(half)};
    SmallVector<int64_t> staticShape = {type.getDimSize(2), half};
    if (perBatch) {
      shape.insert(shape.begin(), sizes[0]);
      staticShape.insert(staticShape.begin(), type.getDimSize(0));
    }
    SmallVector<Read> reads = {
        {frequencies, projectLoops(b.getContext(), loops, [&](unsigned i) { return i > n; })}};
    if (given)
      reads.push_back({given, projectLoops(b.getContext(), loops, [&](unsigned i) {
                         return (perBatch && i == 0) || (op.getPositions() && i == n);
                       })});
    auto table = [&](auto function) {
      return mapElements(b, RankedTensorType::get(staticShape, f32), shape, reads,
                         [&](ImplicitLocOpBuilder &inner, ValueRange v) -> Value {
                           return function(inner, angle(inner, v, n));
                         });
    };
    auto cosOf = [](ImplicitLocOpBuilder &inner, Value x) { return math::CosOp::create(inner, x); };
    auto sinOf = [](ImplicitLocOpBuilder &inner, Value x) { return math::SinOp::create(inner, x); };
    Value cos = table(cosOf);
    return {cos, table(sinOf)};
  }

  Value angle(ImplicitLocOpBuilder &inner, ValueRange v, unsigned rowLoop) {
    Value position = v.size() > 1 ? v[1] : Value();
    if (!op.getPositions()) {
      Value row = arith::IndexCastOp::create(inner, inner.getI64Type(),
                                             linalg::IndexOp::create(inner, rowLoop));
      position = position
                     ? arith::AddIOp::create(inner, row, widen(inner, position, inner.getI64Type()))
                           .getResult()
                     : row;
    }
    Value x = arith::SIToFPOp::create(inner, f32, position);
    return arith::MulFOp::create(inner, x, v[0]);
  }

  Value frequenciesOfBase() {
    SmallVector<float> values = op.getFrequenciesOfBase();
    auto attr = DenseElementsAttr::get(RankedTensorType::get(half, f32), ArrayRef<float>(values));
    return arith::ConstantOp::create(b, attr);
  }

  RotaryOp op;
  ImplicitLocOpBuilder b;
  RankedTensorType type;
  /// R / 2.
  int64_t half;
  Type f32;
  Sizes sizes;
  bool interleaved;
};

struct RotaryToGeneric : OpRewritePattern<RotaryOp> {
  using OpRewritePattern::OpRewritePattern;
  LogicalResult matchAndRewrite(RotaryOp op, PatternRewriter &rewriter) const override {
    rewriter.replaceOp(op, RotaryLowering(op, rewriter).lower());
    return success();
  }
};

//===----------------------------------------------------------------------===//
// attention_grad
//===----------------------------------------------------------------------===//

RankedTensorType inF32(Value v) {
  auto type = cast<RankedTensorType>(v.getType());
  return type.clone(Float32Type::get(v.getContext()));
}

/// Sums that the kernel adds to in memory are f32, and are rounded once, here.
struct RoundAttentionSums : OpRewritePattern<AttentionGradOp> {
  using OpRewritePattern::OpRewritePattern;
  LogicalResult matchAndRewrite(AttentionGradOp op, PatternRewriter &rewriter) const override {
    if (sumsInF32(op))
      return rewriter.notifyMatchFailure(op, "sums are f32");
    auto wide = cast<AttentionGradOp>(rewriter.clone(*op));
    SmallVector<Value> results(wide->getResults());
    for (auto [i, result] : llvm::enumerate(wide->getResults())) {
      if (result == wide.getDk() || result == wide.getDv() || result.getType() == inF32(result))
        continue;
      Type narrow = result.getType();
      result.setType(inF32(result));
      results[i] = arith::TruncFOp::create(rewriter, op.getLoc(), narrow, result);
    }
    rewriter.replaceOp(op, results);
    return success();
  }
};

//===----------------------------------------------------------------------===//
// linear_attention_grad
//===----------------------------------------------------------------------===//

/// Other sizes may be known in one type and not in the other.
bool isPerHead(RankedTensorType type, ArrayRef<int64_t> shape) {
  return type.getShape().size() == shape.size() && type.getDimSize(1) == shape[1];
}

/// The sum over the heads that share a head of an operand, rounded to the type of its gradient;
/// of a bonus over the batch too.
Value sumHeads(ImplicitLocOpBuilder &b, Value perHead, RankedTensorType type) {
  auto full = cast<RankedTensorType>(perHead.getType());
  bool batched = full.getRank() > type.getRank();
  int64_t heads = type.getDimSize(batched ? 0 : 1), shared = full.getDimSize(1) / heads;
  SmallVector<int64_t> axes = batched ? SmallVector<int64_t>{0} : SmallVector<int64_t>{};
  if (shared > 1) {
    SmallVector<ReassociationIndices> groups = {{0}, {1, 2}};
    SmallVector<OpFoldResult> sizes = tensor::getMixedSizes(b, b.getLoc(), perHead);
    SmallVector<int64_t> shape(full.getShape());
    sizes[1] = b.getIndexAttr(shared), shape[1] = shared;
    sizes.insert(sizes.begin() + 1, b.getIndexAttr(heads));
    shape.insert(shape.begin() + 1, heads);
    for (int64_t i = 2; i < full.getRank(); ++i)
      groups.push_back({i + 1});
    perHead = tensor::ExpandShapeOp::create(b, full.clone(shape), perHead, groups, sizes);
    axes.push_back(2);
  }
  Value sum = perHead;
  if (!axes.empty())
    sum = ReduceOp::create(b, ReduceKind::sum, sum, axes, /*keepdims=*/false);
  if (!type.getElementType().isF32())
    sum = arith::TruncFOp::create(b, type, sum);
  return sum;
}

/// The kernel's gradients are per head of the state: those that are sums over heads are so here, of
/// f32 and in the order of the heads.
struct SumGradientsOfHeads : OpRewritePattern<LinearAttentionGradOp> {
  using OpRewritePattern::OpRewritePattern;
  LogicalResult matchAndRewrite(LinearAttentionGradOp op,
                                PatternRewriter &rewriter) const override {
    if (sumsPerHead(op))
      return rewriter.notifyMatchFailure(op, "no gradient is a sum");
    ImplicitLocOpBuilder b(op.getLoc(), rewriter);
    auto wide = cast<LinearAttentionGradOp>(b.clone(*op));
    wide.setPerHead(true);
    SmallVector<Value> results;
    for (auto [i, result] : llvm::enumerate(wide.getGrads())) {
      auto type = cast<RankedTensorType>(result.getType());
      SmallVector<int64_t> shape = wide.getShapePerHead(i);
      if (isPerHead(type, shape)) {
        results.push_back(result);
        continue;
      }
      result.setType(RankedTensorType::get(shape, b.getF32Type()));
      results.push_back(sumHeads(b, result, type));
    }
    rewriter.replaceOp(op, results);
    return success();
  }
};

} // namespace

bool linnet::sumsPerHead(LinearAttentionGradOp op) {
  return llvm::all_of(llvm::enumerate(op.getGrads()), [&](auto gradient) {
    return isPerHead(cast<RankedTensorType>(gradient.value().getType()),
                     op.getShapePerHead(gradient.index()));
  });
}

bool linnet::sumsInF32(AttentionGradOp op) {
  return op.getDq().getType() == inF32(op.getDq()) &&
         (!op.getDbias() || op.getDbias().getType() == inF32(op.getDbias()));
}

void linnet::populateAttentionToStructuredPatterns(RewritePatternSet &patterns) {
  patterns.add<FeatureMapToGeneric, RotaryToGeneric, RoundAttentionSums, SumGradientsOfHeads>(
      patterns.getContext());
}
