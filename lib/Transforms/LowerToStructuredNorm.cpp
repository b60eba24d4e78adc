//===- LowerToStructuredNorm.cpp - softmax and the norms ------------------===//
//
// Part of Linnet, under Apache-2.0 WITH LLVM-exception. See LICENSE.
//
//===----------------------------------------------------------------------===//
#include "LowerToStructured.h"
#include "linnet/IR/LinnetOps.h"
#include "linnet/IR/Reference.h"
#include "mlir/Dialect/Arith/IR/Arith.h"
#include "mlir/Dialect/Math/IR/Math.h"
#include "mlir/IR/TypeUtilities.h"
#include <limits>

using namespace mlir;
using namespace linnet;

namespace {

/// Rows of a tensor: the loops that are kept, and per-row values over them.
struct Rows {
  Rows(ImplicitLocOpBuilder &b, Value input, function_ref<bool(unsigned)> isRowDim)
      : b(b), input(input), type(cast<RankedTensorType>(input.getType())),
        element(computeType(type.getElementType())), sizes(sizesOf(b, input)),
        all(b.getMultiDimIdentityMap(type.getRank())),
        kept(projectLoops(b.getContext(), type.getRank(), isRowDim)) {
    SmallVector<int64_t> rowShape;
    for (unsigned i = 0; i < sizes.size(); ++i) {
      (isRowDim(i) ? rowSizes : reducedSizes).push_back(sizes[i]);
      if (isRowDim(i))
        rowShape.push_back(type.getDimSize(i));
    }
    rowType = RankedTensorType::get(rowShape, element);
  }

  /// Reduces values made of the input, then `perRow` values.
  Value reduce(ValueRange perRow, double init, ScalarBody value,
               function_ref<Value(ImplicitLocOpBuilder &, Value, Value)> combine) {
    Value start = fillTensor(b, rowSizes, numberAttr(element, init));
    return reduceElements(b, reads(perRow), start, kept,
                          [&](ImplicitLocOpBuilder &inner, ValueRange args) {
                            SmallVector<Value> values(args.drop_back());
                            values[0] = widen(inner, values[0], element);
                            Value v = value(inner, values);
                            return SmallVector<Value>{combine(inner, args.back(), v)};
                          })[0];
  }
  Value sum(ValueRange perRow, ScalarBody value) {
    return reduce(perRow, 0.0, value, [](ImplicitLocOpBuilder &inner, Value acc, Value v) {
      return arith::AddFOp::create(inner, acc, v).getResult();
    });
  }

  /// A value per row of other values per row and scalars.
  Value perRow(ValueRange values, ScalarBody body) {
    AffineMap identity = b.getMultiDimIdentityMap(rowSizes.size());
    AffineMap none = AffineMap::get(rowSizes.size(), 0, b.getContext());
    SmallVector<Read> reads;
    for (Value v : values)
      reads.push_back({v, isa<RankedTensorType>(v.getType()) ? identity : none});
    return mapElements(b, rowType, rowSizes, reads, body);
  }

  /// A value per element of `result`, of the input, values per row and `more`.
  Value perElement(RankedTensorType result, ValueRange perRow, ArrayRef<Read> more,
                   ScalarBody body) {
    SmallVector<Read> all = reads(perRow);
    llvm::append_range(all, more);
    return mapElements(b, result, sizes, all, [&](ImplicitLocOpBuilder &inner, ValueRange args) {
      SmallVector<Value> values;
      for (Value v : args)
        values.push_back(widen(inner, v, element));
      return narrow(inner, body(inner, values), result.getElementType());
    });
  }

  /// The operands of a division by `count`: it is one unless it is a constant.
  SmallVector<Value> withCount(Value value, Value count) {
    SmallVector<Value> values = {value};
    if (!getConstantIntValue(count))
      values.push_back(count);
    return values;
  }
  Value countOf(ImplicitLocOpBuilder &inner, Value count, ValueRange read) {
    return indexToFloat(inner, getConstantIntValue(count) ? count : read.back(), element);
  }

  SmallVector<Read> reads(ValueRange perRow) {
    SmallVector<Read> reads = {{input, all}};
    for (Value v : perRow)
      reads.push_back({v, kept});
    return reads;
  }

  ImplicitLocOpBuilder &b;
  Value input;
  RankedTensorType type, rowType;
  Type element;
  Sizes sizes, rowSizes, reducedSizes;
  AffineMap all, kept;
};

//===----------------------------------------------------------------------===//
// softmax
//===----------------------------------------------------------------------===//

struct SoftmaxToGeneric : OpRewritePattern<SoftmaxOp> {
  using OpRewritePattern::OpRewritePattern;
  LogicalResult matchAndRewrite(SoftmaxOp op, PatternRewriter &rewriter) const override {
    ImplicitLocOpBuilder b(op.getLoc(), rewriter);
    unsigned axis = op.getAxis();
    auto isRow = [&](unsigned i) { return i != axis; };
    Rows rows(b, op.getInput(), isRow);
    Value top = rowMaximum(rows, op.getZeroMasked());
    auto wide = RankedTensorType::get(rows.type.getShape(), rows.element);
    Value exps = rows.perElement(wide, top, {}, [](ImplicitLocOpBuilder &inner, ValueRange v) {
      Value shifted = arith::SubFOp::create(inner, v[0], v[1]);
      auto exp = math::ExpOp::create(inner, shifted);
      exp->setAttr(kNonPositiveAttr, inner.getUnitAttr());
      return exp.getResult();
    });
    Rows expRows(b, exps, isRow);
    Value sum = expRows.sum({}, [](ImplicitLocOpBuilder &, ValueRange v) { return v[0]; });
    if (op.getZeroMasked())
      sum = rows.perRow(sum, [](ImplicitLocOpBuilder &inner, ValueRange v) {
        return replace(inner, v[0], 0.0, 1.0); // a row without a valid element: 0 / 1
      });
    // One division per row: 2 roundings instead of 1 per element.
    Value factor = rows.perRow(sum, [&](ImplicitLocOpBuilder &inner, ValueRange v) {
      return arith::DivFOp::create(inner, number(inner, rows.element, 1.0), v[0]).getResult();
    });
    rewriter.replaceOp(
        op,
        expRows.perElement(rows.type, factor, {}, [](ImplicitLocOpBuilder &inner, ValueRange v) {
          return arith::MulFOp::create(inner, v[0], v[1]).getResult();
        }));
    return success();
  }

private:
  static Value replace(ImplicitLocOpBuilder &b, Value v, double from, double to) {
    Value hit =
        arith::CmpFOp::create(b, arith::CmpFPredicate::OEQ, v, number(b, v.getType(), from));
    return arith::SelectOp::create(b, hit, number(b, v.getType(), to), v);
  }

  static Value rowMaximum(Rows &rows, bool zeroMasked) {
    double lowest = -std::numeric_limits<double>::infinity();
    // A NaN comes through the sum, and which zero it is does not matter.
    Value top = rows.reduce(
        {}, lowest, [](ImplicitLocOpBuilder &, ValueRange v) { return v[0]; },
        [](ImplicitLocOpBuilder &inner, Value acc, Value v) {
          auto max = arith::MaxNumFOp::create(inner, acc, v, arith::FastMathFlags::nsz);
          max->setAttr(kReferenceAttr, inner.getUnitAttr());
          return max.getResult();
        });
    if (!zeroMasked)
      return top;
    return rows.perRow(top, [&](ImplicitLocOpBuilder &inner, ValueRange v) {
      return replace(inner, v[0], lowest, 0.0);
    });
  }
};

//===----------------------------------------------------------------------===//
// layer_norm, rms_norm
//===----------------------------------------------------------------------===//

/// 1 / sqrt(sum / count + eps), per row.
Value inverseDeviation(Rows &rows, Value squares, Value count, double eps) {
  return rows.perRow(
      rows.withCount(squares, count), [&](ImplicitLocOpBuilder &inner, ValueRange v) {
        Value mean = arith::DivFOp::create(inner, v[0], rows.countOf(inner, count, v));
        Value shifted = arith::AddFOp::create(inner, mean, number(inner, rows.element, eps));
        Value root = math::SqrtOp::create(inner, shifted);
        return arith::DivFOp::create(inner, number(inner, rows.element, 1.0), root).getResult();
      });
}

/// How the loops read scale and bias.
AffineMap trailingLoops(ImplicitLocOpBuilder &b, unsigned rank, unsigned axes) {
  return projectLoops(b.getContext(), rank, [&](unsigned i) { return i >= rank - axes; });
}

struct LayerNormToGeneric : OpRewritePattern<LayerNormOp> {
  using OpRewritePattern::OpRewritePattern;
  LogicalResult matchAndRewrite(LayerNormOp op, PatternRewriter &rewriter) const override {
    ImplicitLocOpBuilder b(op.getLoc(), rewriter);
    unsigned rank = op.getInput().getType().getRank(), axes = op.getAxes();
    Rows rows(b, op.getInput(), [&](unsigned i) { return i < rank - axes; });
    Value count = productOf(b, rows.reducedSizes);
    Value sum = rows.sum({}, [](ImplicitLocOpBuilder &, ValueRange v) { return v[0]; });
    Value mean =
        rows.perRow(rows.withCount(sum, count), [&](ImplicitLocOpBuilder &inner, ValueRange v) {
          return arith::DivFOp::create(inner, v[0], rows.countOf(inner, count, v)).getResult();
        });
    Value squares = rows.sum(mean, [](ImplicitLocOpBuilder &inner, ValueRange v) {
      Value d = arith::SubFOp::create(inner, v[0], v[1]);
      return arith::MulFOp::create(inner, d, d).getResult();
    });
    Value inverse = inverseDeviation(rows, squares, count, op.getEps().convertToDouble());
    SmallVector<Read> affine;
    for (Value v : {op.getScale(), op.getBias()})
      if (v)
        affine.push_back({v, trailingLoops(b, rank, axes)});
    auto body = [&](ImplicitLocOpBuilder &inner, ValueRange v) {
      Value y = arith::MulFOp::create(inner, arith::SubFOp::create(inner, v[0], v[1]), v[2]);
      if (op.getScale())
        y = arith::MulFOp::create(inner, y, v[3]);
      return op.getBias() ? arith::AddFOp::create(inner, y, v.back()).getResult() : y;
    };
    rewriter.replaceOp(op, rows.perElement(rows.type, {mean, inverse}, affine, body));
    return success();
  }
};

struct RmsNormToGeneric : OpRewritePattern<RmsNormOp> {
  using OpRewritePattern::OpRewritePattern;
  LogicalResult matchAndRewrite(RmsNormOp op, PatternRewriter &rewriter) const override {
    ImplicitLocOpBuilder b(op.getLoc(), rewriter);
    unsigned rank = op.getInput().getType().getRank(), axes = op.getAxes();
    Rows rows(b, op.getInput(), [&](unsigned i) { return i < rank - axes; });
    Value count = productOf(b, rows.reducedSizes);
    Value squares = rows.sum({}, [](ImplicitLocOpBuilder &inner, ValueRange v) {
      return arith::MulFOp::create(inner, v[0], v[0]).getResult();
    });
    Value inverse = inverseDeviation(rows, squares, count, op.getEps().convertToDouble());
    SmallVector<Read> affine;
    if (op.getScale())
      affine.push_back({op.getScale(), trailingLoops(b, rank, axes)});
    auto body = [&](ImplicitLocOpBuilder &inner, ValueRange v) {
      Value y = arith::MulFOp::create(inner, v[0], v[1]);
      if (!op.getScale())
        return y;
      Value scale = v[2];
      if (op.getUnitOffset())
        scale = arith::AddFOp::create(inner, scale, number(inner, rows.element, 1.0));
      return arith::MulFOp::create(inner, y, scale).getResult();
    };
    rewriter.replaceOp(op, rows.perElement(rows.type, inverse, affine, body));
    return success();
  }
};

} // namespace

void linnet::populateNormToStructuredPatterns(RewritePatternSet &patterns) {
  patterns.add<SoftmaxToGeneric, LayerNormToGeneric, RmsNormToGeneric>(patterns.getContext());
}
