//===- LowerToStructuredLoss.cpp - cross entropy and its gradient ---------===//
//
// Part of Linnet, under Apache-2.0 WITH LLVM-exception. See LICENSE.
//
//===----------------------------------------------------------------------===//
#include "LowerToStructured.h"
#include "linnet/IR/LinnetOps.h"
#include "mlir/Dialect/Arith/IR/Arith.h"
#include "mlir/Dialect/ControlFlow/IR/ControlFlowOps.h"
#include "mlir/Dialect/Math/IR/Math.h"
#include "mlir/Dialect/Tensor/IR/Tensor.h"

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

struct CrossEntropyGradToGeneric : OpRewritePattern<CrossEntropyGradOp> {
  using OpRewritePattern::OpRewritePattern;
  LogicalResult matchAndRewrite(CrossEntropyGradOp op, PatternRewriter &rewriter) const override {
    ImplicitLocOpBuilder b(op.getLoc(), rewriter);
    RankedTensorType type = op.getLogits().getType();
    unsigned rank = type.getRank(), axis = rank - 1;
    Sizes sizes = sizesOf(b, op.getLogits());
    SmallVector<Value> rows = rowValues(b, op, sizes);
    AffineMap perRow = projectLoops(b.getContext(), rank, [&](unsigned i) { return i < axis; });
    SmallVector<Read> reads = {{op.getLogits(), b.getMultiDimIdentityMap(rank)},
                               {op.getLse(), perRow}};
    for (Value v : rows)
      reads.push_back({v, perRow});
    Type f32 = b.getF32Type();
    double s = op.getSmoothing();
    rewriter.replaceOp(
        op, mapElements(b, type, sizes, reads, [&](auto &inner, ValueRange v) {
          Value shifted = arith::SubFOp::create(inner, widen(inner, v[0], f32), v[1]);
          Value p = math::ExpOp::create(inner, shifted);
          Value here = arith::IndexCastOp::create(inner, inner.getI32Type(),
                                                  linalg::IndexOp::create(inner, axis));
          Value hit = arith::CmpIOp::create(inner, arith::CmpIPredicate::eq, here, v[3]);
          Value target = arith::SelectOp::create(inner, hit, number(inner, f32, 1 - s),
                                                 number(inner, f32, 0.0));
          Value d = arith::SubFOp::create(inner, p, target);
          if (s)
            d = arith::SubFOp::create(inner, d, v[5]);
          Value dx = arith::MulFOp::create(inner, d, v[2]);
          // not a product with 0: a row that is ignored may hold infinities
          dx = arith::SelectOp::create(inner, v[4], dx, number(inner, f32, 0.0));
          return narrow(inner, dx, type.getElementType());
        }));
    return success();
  }

private:
  /// Per row: the factor, the target (-1: none) as i32, whether it counts and, with smoothing,
  /// s / C. One op, so that it is computed, and a fault found, once per row.
  static SmallVector<Value> rowValues(ImplicitLocOpBuilder &b, CrossEntropyGradOp op,
                                      ArrayRef<OpFoldResult> sizes) {
    ArrayRef<OpFoldResult> rowSizes = sizes.drop_back();
    AffineMap identity = b.getMultiDimIdentityMap(rowSizes.size());
    AffineMap none = AffineMap::get(rowSizes.size(), 0, b.getContext());
    bool perRow = op.getReduction() == LossReduction::none;
    SmallVector<Read> reads = {{op.getTargets(), identity},
                               {op.getGrad(), perRow ? identity : none}};
    if (op.getReduction() == LossReduction::mean)
      reads.push_back({countTargets(b, op.getTargets(), op.getIgnoreIndex()), none});
    Value classes = productOf(b, sizes.back());
    if (!getConstantIntValue(classes))
      reads.push_back({classes, none});
    double s = op.getSmoothing();
    SmallVector<Value> inits;
    SmallVector<Type> types = {b.getF32Type(), b.getI32Type(), b.getI1Type()};
    if (s)
      types.push_back(b.getF32Type());
    for (Type type : types)
      inits.push_back(tensor::EmptyOp::create(b, rowSizes, type));
    auto body = [&](ImplicitLocOpBuilder &inner, ValueRange args) {
      ValueRange v = args.drop_back(inits.size());
      Value count = getConstantIntValue(classes) ? classes : v.back();
      return rowBody(inner, op, v, count);
    };
    return reduceElements(b, reads, inits, identity, body);
  }

  static SmallVector<Value> rowBody(ImplicitLocOpBuilder &b, CrossEntropyGradOp op, ValueRange v,
                                    Value classes) {
    Value counted = isCounted(b, v[0], op.getIgnoreIndex());
    Value wide = widen(b, v[0], b.getI64Type());
    Value n = arith::IndexCastOp::create(b, b.getI64Type(), classes);
    Value known = arith::CmpIOp::create(b, arith::CmpIPredicate::ult, wide, n);
    Value ignored = arith::XOrIOp::create(b, counted, arith::ConstantIntOp::create(b, 1, 1));
    auto check =
        cf::AssertOp::create(b, arith::OrIOp::create(b, known, ignored), "target out of range");
    check->setAttr(kFaultOpAttr, b.getStringAttr(op->getName().getStringRef()));
    Value none = arith::ConstantIntOp::create(b, -1, 64);
    Value hit =
        arith::TruncIOp::create(b, b.getI32Type(), arith::SelectOp::create(b, known, wide, none));
    Value g = v[1];
    if (op.getReduction() == LossReduction::mean)
      g = arith::DivFOp::create(b, g, v[2]);
    SmallVector<Value> values = {g, hit, counted};
    if (double s = op.getSmoothing())
      values.push_back(arith::DivFOp::create(b, number(b, b.getF32Type(), s),
                                             indexToFloat(b, classes, b.getF32Type())));
    return values;
  }
};

} // namespace

void linnet::populateLossToStructuredPatterns(RewritePatternSet &patterns) {
  patterns.add<ReduceCrossEntropy, CrossEntropyGradToGeneric>(patterns.getContext());
}
