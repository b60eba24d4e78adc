//===- LowerToStructuredLoss.cpp - cross entropy and its gradient ---------===//
//
// Part of Linnet, under Apache-2.0 WITH LLVM-exception. See LICENSE.
//
//===----------------------------------------------------------------------===//
#include "LowerToStructured.h"
#include "linnet/IR/LinnetOps.h"
#include "mlir/Dialect/Arith/IR/Arith.h"

using namespace mlir;
using namespace linnet;

namespace {

Value isCounted(ImplicitLocOpBuilder &b, Value target, int64_t ignored) {
  Value wide = widen(b, target, b.getI64Type());
  Value number = arith::ConstantIntOp::create(b, ignored, 64);
  return arith::CmpIOp::create(b, arith::CmpIPredicate::ne, wide, number);
}

AffineMap identityOver(ImplicitLocOpBuilder &b, Value rows) {
  return b.getMultiDimIdentityMap(cast<RankedTensorType>(rows.getType()).getRank());
}

/// How many targets count, in f32: exact up to 2^24 rows.
Value countTargets(ImplicitLocOpBuilder &b, Value targets, int64_t ignored) {
  AffineMap all = identityOver(b, targets);
  Value zero = fillTensor(b, {}, b.getF32FloatAttr(0.0));
  auto body = [&](ImplicitLocOpBuilder &inner, ValueRange v) -> SmallVector<Value> {
    Value one = arith::UIToFPOp::create(inner, inner.getF32Type(), isCounted(inner, v[0], ignored));
    return {arith::AddFOp::create(inner, v[1], one)};
  };
  return reduceElements(b, {{targets, all}}, zero,
                        AffineMap::get(all.getNumDims(), 0, b.getContext()), body)[0];
}

/// `sum` and `mean` from the losses of rows.
struct ReduceCrossEntropy : OpRewritePattern<CrossEntropyOp> {
  using OpRewritePattern::OpRewritePattern;
  LogicalResult matchAndRewrite(CrossEntropyOp op, PatternRewriter &rewriter) const override {
    if (op.getReduction() == LossReduction::none)
      return failure();
    ImplicitLocOpBuilder b(op.getLoc(), rewriter);
    auto rowType = op.getTargets().getType().clone(b.getF32Type());
    auto rows = CrossEntropyOp::create(b, rowType, op.getLse() ? op.getLse().getType() : Type(),
                                       LossReduction::none, op.getLogits(), op.getTargets(),
                                       op.getIgnoreIndex(), op.getLabelSmoothingAttr());
    AffineMap all = identityOver(b, rows.getLoss());
    Value zero = fillTensor(b, {}, b.getF32FloatAttr(0.0));
    auto add = [](ImplicitLocOpBuilder &inner, ValueRange v) -> SmallVector<Value> {
      return {arith::AddFOp::create(inner, v[1], v[0])};
    };
    Value loss = reduceElements(b, {{rows.getLoss(), all}}, zero,
                                AffineMap::get(all.getNumDims(), 0, b.getContext()), add)[0];
    if (op.getReduction() == LossReduction::mean) {
      Value count = countTargets(b, op.getTargets(), op.getIgnoreIndex());
      loss = arith::DivFOp::create(b, loss, count);
    }
    SmallVector<Value> results = {loss};
    if (op.getLse())
      results.push_back(rows.getLse());
    rewriter.replaceOp(op, results);
    return success();
  }
};

/// `mean` as `sum` of a gradient that is divided once.
struct DivideMeanGradient : OpRewritePattern<CrossEntropyGradOp> {
  using OpRewritePattern::OpRewritePattern;
  LogicalResult matchAndRewrite(CrossEntropyGradOp op, PatternRewriter &rewriter) const override {
    if (op.getReduction() != LossReduction::mean)
      return failure();
    ImplicitLocOpBuilder b(op.getLoc(), rewriter);
    Value count = countTargets(b, op.getTargets(), op.getIgnoreIndex());
    Value grad = arith::DivFOp::create(b, op.getGrad(), count);
    rewriter.replaceOpWithNewOp<CrossEntropyGradOp>(
        op, op.getType(), LossReduction::sum, grad, op.getLogits(), op.getTargets(), op.getLse(),
        op.getIgnoreIndex(), op.getLabelSmoothingAttr());
    return success();
  }
};

} // namespace

void linnet::populateLossToStructuredPatterns(RewritePatternSet &patterns) {
  patterns.add<ReduceCrossEntropy, DivideMeanGradient>(patterns.getContext());
}
