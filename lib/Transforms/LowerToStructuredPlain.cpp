//===- LowerToStructuredPlain.cpp - broadcast, reduce, argmax, gather -----===//
//
// Part of Linnet, under Apache-2.0 WITH LLVM-exception. See LICENSE.
//
//===----------------------------------------------------------------------===//
#include "LowerToStructured.h"
#include "linnet/IR/LinnetOps.h"
#include "mlir/Dialect/Arith/IR/Arith.h"
#include "mlir/Dialect/Tensor/IR/Tensor.h"
#include "mlir/IR/TypeUtilities.h"
#include <limits>

using namespace mlir;
using namespace linnet;

//===----------------------------------------------------------------------===//
// broadcast
//===----------------------------------------------------------------------===//

namespace {

struct BroadcastToGeneric : OpRewritePattern<BroadcastOp> {
  using OpRewritePattern::OpRewritePattern;
  LogicalResult matchAndRewrite(BroadcastOp op, PatternRewriter &rewriter) const override {
    ImplicitLocOpBuilder b(op.getLoc(), rewriter);
    RankedTensorType type = op.getResult().getType();
    Sizes sizes = resultSizes(b, op);
    auto source = dyn_cast<RankedTensorType>(op.getInput().getType());
    if (!source) {
      Value filled = fillTensor(b, sizes, op.getInput());
      rewriter.replaceOp(op, filled.getType() == type
                                 ? filled
                                 : tensor::CastOp::create(b, type, filled).getResult());
      return success();
    }
    Read read = dropStretched(b, op, source, type);
    rewriter.replaceOp(op, mapElements(b, type, sizes, read,
                                       [](ImplicitLocOpBuilder &, ValueRange v) { return v[0]; }));
    return success();
  }

private:
  /// The source without the sizes of 1 that are stretched, so that its map stays a projected
  /// permutation.
  static Read dropStretched(ImplicitLocOpBuilder &b, BroadcastOp op, RankedTensorType source,
                            RankedTensorType type) {
    SmallVector<int64_t> dims = op.getMappedDims();
    SmallVector<bool> stretched;
    SmallVector<AffineExpr> exprs;
    for (auto [i, dim] : llvm::enumerate(dims)) {
      stretched.push_back(source.getDimSize(i) == 1 && type.getDimSize(dim) != 1);
      if (!stretched.back())
        exprs.push_back(b.getAffineDimExpr(dim));
    }
    Value value = op.getInput();
    if (llvm::is_contained(stretched, true))
      value = tensor::CollapseShapeOp::create(b, value, groupUnitDims(stretched));
    return {value, AffineMap::get(type.getRank(), 0, exprs, b.getContext())};
  }
};

//===----------------------------------------------------------------------===//
// reduce
//===----------------------------------------------------------------------===//

/// The identity of a reduction.
TypedAttr identityOf(ReduceKind kind, Type type) {
  bool isMax = kind == ReduceKind::max;
  if (kind != ReduceKind::max && kind != ReduceKind::min)
    return numberAttr(type, kind == ReduceKind::prod ? 1 : 0);
  if (isa<FloatType>(type))
    return numberAttr(type, std::numeric_limits<double>::infinity() * (isMax ? -1 : 1));
  unsigned width = type.getIntOrFloatBitWidth();
  return IntegerAttr::get(type, isMax ? APInt::getSignedMinValue(width)
                                      : APInt::getSignedMaxValue(width));
}

Value combine(ImplicitLocOpBuilder &b, ReduceKind kind, Value acc, Value v) {
  bool isFloat = isa<FloatType>(v.getType());
  switch (kind) {
  case ReduceKind::sum:
  case ReduceKind::mean:
    return isFloat ? arith::AddFOp::create(b, acc, v).getResult()
                   : arith::AddIOp::create(b, acc, v).getResult();
  case ReduceKind::prod:
    return isFloat ? arith::MulFOp::create(b, acc, v).getResult()
                   : arith::MulIOp::create(b, acc, v).getResult();
  case ReduceKind::max:
    return isFloat ? arith::MaximumFOp::create(b, acc, v).getResult()
                   : arith::MaxSIOp::create(b, acc, v).getResult();
  case ReduceKind::min:
    return isFloat ? arith::MinimumFOp::create(b, acc, v).getResult()
                   : arith::MinSIOp::create(b, acc, v).getResult();
  }
  llvm_unreachable("all kinds are listed");
}

/// What `reduce` and `argmax` share: the sizes that stay, and the axes back in as 1.
struct Reduction {
  Reduction(ImplicitLocOpBuilder &b, Value input, ArrayRef<int64_t> axes) : b(b) {
    rank = cast<RankedTensorType>(input.getType()).getRank();
    Sizes sizes = sizesOf(b, input);
    for (int64_t i = 0; i < rank; ++i) {
      reduced.push_back(llvm::is_contained(axes, i));
      (reduced.back() ? reducedSizes : keptSizes).push_back(sizes[i]);
    }
    all = b.getMultiDimIdentityMap(rank);
    kept = projectLoops(b.getContext(), rank, [&](unsigned i) { return !reduced[i]; });
  }

  /// The result without the axes, of element type `element`.
  RankedTensorType keptType(RankedTensorType result, bool keepdims, Type element) {
    SmallVector<int64_t> shape;
    for (auto [i, size] : llvm::enumerate(result.getShape()))
      if (!keepdims || !reduced[i])
        shape.push_back(size);
    return RankedTensorType::get(shape, element);
  }

  Value finish(Value value, RankedTensorType type, bool keepdims) {
    auto from = cast<RankedTensorType>(value.getType());
    if (keepdims && type.getRank() != from.getRank()) {
      Sizes sizes;
      auto next = keptSizes.begin();
      for (bool isReduced : reduced)
        sizes.push_back(isReduced ? OpFoldResult(b.getIndexAttr(1)) : *next++);
      SmallVector<int64_t> shape;
      SmallVector<Value> dynamic;
      dispatchIndexOpFoldResults(sizes, dynamic, shape);
      value = tensor::ExpandShapeOp::create(b, from.clone(shape, from.getElementType()), value,
                                            groupUnitDims(reduced), sizes);
    }
    return value.getType() == type ? value : tensor::CastOp::create(b, type, value).getResult();
  }

  ImplicitLocOpBuilder &b;
  int64_t rank;
  SmallVector<bool> reduced;
  Sizes keptSizes, reducedSizes;
  AffineMap all, kept;
};

struct ReduceToGeneric : OpRewritePattern<ReduceOp> {
  using OpRewritePattern::OpRewritePattern;
  LogicalResult matchAndRewrite(ReduceOp op, PatternRewriter &rewriter) const override {
    ImplicitLocOpBuilder b(op.getLoc(), rewriter);
    RankedTensorType type = op.getResult().getType();
    Type element = type.getElementType(), wide = computeType(element);
    Reduction reduction(b, op.getInput(), op.getAxes());
    Value init = fillTensor(b, reduction.keptSizes, identityOf(op.getKind(), wide));
    auto body = [&](ImplicitLocOpBuilder &inner, ValueRange v) -> SmallVector<Value> {
      return {combine(inner, op.getKind(), v[1], widen(inner, v[0], wide))};
    };
    Value result =
        reduceElements(b, {{op.getInput(), reduction.all}}, init, reduction.kept, body)[0];
    if (op.getKind() == ReduceKind::mean || wide != element)
      result = finishElements(b, op, reduction, result, wide);
    rewriter.replaceOp(op, reduction.finish(result, type, op.getKeepdims()));
    return success();
  }

private:
  /// Divides a mean by its count and rounds.
  static Value finishElements(ImplicitLocOpBuilder &b, ReduceOp op, Reduction &reduction,
                              Value sums, Type wide) {
    RankedTensorType type = op.getResult().getType();
    RankedTensorType to = reduction.keptType(type, op.getKeepdims(), type.getElementType());
    unsigned rank = to.getRank();
    SmallVector<Read> reads = {{sums, b.getMultiDimIdentityMap(rank)}};
    Value count;
    if (op.getKind() == ReduceKind::mean)
      count = productOf(b, reduction.reducedSizes);
    if (count && !getConstantIntValue(count))
      reads.push_back({count, AffineMap::get(rank, 0, b.getContext())});
    return mapElements(b, to, reduction.keptSizes, reads,
                       [&](ImplicitLocOpBuilder &inner, ValueRange v) {
                         Value x = v[0];
                         if (count)
                           x = arith::DivFOp::create(
                               inner, x, indexToFloat(inner, v.size() > 1 ? v[1] : count, wide));
                         return narrow(inner, x, type.getElementType());
                       });
  }
};

//===----------------------------------------------------------------------===//
// argmax
//===----------------------------------------------------------------------===//

struct ArgmaxToGeneric : OpRewritePattern<ArgmaxOp> {
  using OpRewritePattern::OpRewritePattern;
  LogicalResult matchAndRewrite(ArgmaxOp op, PatternRewriter &rewriter) const override {
    ImplicitLocOpBuilder b(op.getLoc(), rewriter);
    RankedTensorType type = op.getResult().getType();
    Type element = op.getInput().getType().getElementType();
    int64_t axis = op.getAxis();
    Reduction reduction(b, op.getInput(), axis);
    SmallVector<Value> inits = {
        fillTensor(b, reduction.keptSizes, identityOf(ReduceKind::max, element)),
        fillTensor(b, reduction.keptSizes, numberAttr(type.getElementType(), 0))};
    auto body = [&](ImplicitLocOpBuilder &inner, ValueRange v) -> SmallVector<Value> {
      Value here = arith::IndexCastOp::create(inner, type.getElementType(),
                                              linalg::IndexOp::create(inner, axis));
      Value better = isBetter(inner, v[0], v[1], op.getSelectLast());
      return {arith::SelectOp::create(inner, better, v[0], v[1]),
              arith::SelectOp::create(inner, better, here, v[2])};
    };
    Value result =
        reduceElements(b, {{op.getInput(), reduction.all}}, inits, reduction.kept, body)[1];
    rewriter.replaceOp(op, reduction.finish(result, type, op.getKeepdims()));
    return success();
  }

private:
  /// Does `v`, later than `best`, win? NaN is the largest value.
  static Value isBetter(ImplicitLocOpBuilder &b, Value v, Value best, bool selectLast) {
    if (!isa<FloatType>(v.getType()))
      return arith::CmpIOp::create(
          b, selectLast ? arith::CmpIPredicate::sge : arith::CmpIPredicate::sgt, v, best);
    using Predicate = arith::CmpFPredicate;
    Value isNan = arith::CmpFOp::create(b, Predicate::UNO, v, v);
    if (selectLast)
      return arith::OrIOp::create(b, isNan, arith::CmpFOp::create(b, Predicate::OGE, v, best));
    Value isFirstNan =
        arith::AndIOp::create(b, isNan, arith::CmpFOp::create(b, Predicate::ORD, best, best));
    return arith::OrIOp::create(b, isFirstNan, arith::CmpFOp::create(b, Predicate::OGT, v, best));
  }
};

//===----------------------------------------------------------------------===//
// gather
//===----------------------------------------------------------------------===//

struct GatherToGeneric : OpRewritePattern<GatherOp> {
  using OpRewritePattern::OpRewritePattern;
  LogicalResult matchAndRewrite(GatherOp op, PatternRewriter &rewriter) const override {
    ImplicitLocOpBuilder b(op.getLoc(), rewriter);
    RankedTensorType type = op.getResult().getType();
    int64_t axis = op.getAxis(), batch = op.getBatchDims();
    int64_t added = op.getIndices().getType().getRank() - batch;
    AffineMap readIndices = projectLoops(b.getContext(), type.getRank(), [&](int64_t i) {
      return i < batch || (i >= axis && i < axis + added);
    });
    auto body = [&](ImplicitLocOpBuilder &inner, ValueRange v) -> Value {
      SmallVector<Value> at;
      for (int64_t i = 0, e = op.getData().getType().getRank(); i < e; ++i) {
        if (i == axis)
          at.push_back(arith::IndexCastOp::create(inner, inner.getIndexType(), v[0]));
        else
          at.push_back(linalg::IndexOp::create(inner, i < axis ? i : i + added - 1));
      }
      auto element = tensor::ExtractOp::create(inner, op.getData(), at);
      element->setAttr(kCheckedAttr, inner.getDenseI64ArrayAttr(axis));
      return element;
    };
    rewriter.replaceOp(
        op, mapElements(b, type, resultSizes(b, op), {{op.getIndices(), readIndices}}, body));
    return success();
  }
};

//===----------------------------------------------------------------------===//
// scatter_add
//===----------------------------------------------------------------------===//

/// Indices of several dimensions as a list: the emitter looks through it by vectors.
struct CollapseScatterIndices : OpRewritePattern<ScatterAddOp> {
  using OpRewritePattern::OpRewritePattern;
  LogicalResult matchAndRewrite(ScatterAddOp op, PatternRewriter &rewriter) const override {
    int64_t axis = op.getAxis(), batch = op.getBatchDims();
    int64_t rank = op.getIndices().getType().getRank(), added = rank - batch;
    if (added < 2)
      return failure();
    ImplicitLocOpBuilder b(op.getLoc(), rewriter);
    auto merge = [&](Value v, int64_t from) -> Value {
      SmallVector<ReassociationIndices> groups;
      for (int64_t i = 0, n = cast<RankedTensorType>(v.getType()).getRank(); i < n; ++i)
        if (i > from && i < from + added)
          groups.back().push_back(i);
        else
          groups.push_back({i});
      return tensor::CollapseShapeOp::create(b, v, groups);
    };
    rewriter.replaceOpWithNewOp<ScatterAddOp>(op, op.getType(), merge(op.getUpdates(), axis),
                                              merge(op.getIndices(), batch), op.getSize(),
                                              op.getAxisAttr(), op.getBatchDimsAttr());
    return success();
  }
};

} // namespace

void linnet::populatePlainToStructuredPatterns(RewritePatternSet &patterns) {
  patterns.add<BroadcastToGeneric, ReduceToGeneric, ArgmaxToGeneric, GatherToGeneric,
               CollapseScatterIndices>(patterns.getContext());
}
