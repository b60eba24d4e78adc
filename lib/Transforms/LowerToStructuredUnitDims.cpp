//===- LowerToStructuredUnitDims.cpp - sizes of 1 out of indexing maps ----===//
//
// Part of Linnet, under Apache-2.0 WITH LLVM-exception. See LICENSE.
//
//===----------------------------------------------------------------------===//
#include "LowerToStructured.h"
#include "mlir/Dialect/Arith/IR/Arith.h"
#include "mlir/Dialect/Tensor/IR/Tensor.h"

using namespace mlir;
using namespace linnet;

namespace {

/// Loops that run once, and operand dimensions of size 1 that are read or written at 0. Front
/// ends keep reduced dimensions as 1, `(d0, d1) -> (d0, 0)`, and work on rows of `2x10x1`.
/// Without them every map is a projected permutation and rows are rows, which is what fusion
/// and emitters look at.
struct DropUnitDims : OpRewritePattern<linalg::GenericOp> {
  using OpRewritePattern::OpRewritePattern;

  LogicalResult matchAndRewrite(linalg::GenericOp op, PatternRewriter &rewriter) const override {
    if (!op.hasPureTensorSemantics())
      return failure();
    ImplicitLocOpBuilder b(op.getLoc(), rewriter);
    SmallVector<bool> once;
    for (int64_t range : op.getStaticLoopRanges())
      once.push_back(range == 1);
    bool changed = llvm::is_contained(once, true);
    SmallVector<AffineMap> maps;
    SmallVector<SmallVector<bool>> units;
    for (OpOperand &operand : op->getOpOperands()) {
      AffineMap map = fixLoops(op.getMatchingIndexingMap(&operand), once);
      units.push_back(unitDims(operand.get(), map));
      changed |= llvm::is_contained(units.back(), true);
      maps.push_back(keepResults(map, units.back()));
    }
    if (!changed)
      return failure();
    SmallVector<Value> operands;
    for (auto [value, unit] : llvm::zip(op->getOperands(), units))
      operands.push_back(llvm::is_contained(unit, true)
                             ? tensor::CollapseShapeOp::create(b, value, groupUnitDims(unit))
                             : value);
    replace(b, op, operands, maps, once, units, rewriter);
    return success();
  }

private:
  /// The map over the loops that stay; the others are at 0.
  static AffineMap fixLoops(AffineMap map, ArrayRef<bool> once) {
    SmallVector<AffineExpr> loops;
    unsigned kept = 0;
    for (bool isOnce : once)
      loops.push_back(isOnce ? getAffineConstantExpr(0, map.getContext())
                             : getAffineDimExpr(kept++, map.getContext()));
    return map.replaceDimsAndSymbols(loops, {}, kept, 0);
  }

  static SmallVector<bool> unitDims(Value operand, AffineMap map) {
    SmallVector<bool> unit;
    auto type = dyn_cast<RankedTensorType>(operand.getType());
    for (auto [i, e] : llvm::enumerate(map.getResults()))
      unit.push_back(type && type.getDimSize(i) == 1 && isa<AffineConstantExpr>(e));
    return unit;
  }

  static AffineMap keepResults(AffineMap map, ArrayRef<bool> dropped) {
    SmallVector<AffineExpr> kept;
    for (auto [e, isDropped] : llvm::zip(map.getResults(), dropped))
      if (!isDropped)
        kept.push_back(e);
    return AffineMap::get(map.getNumDims(), 0, kept, map.getContext());
  }

  static void replace(ImplicitLocOpBuilder &b, linalg::GenericOp op, ArrayRef<Value> operands,
                      ArrayRef<AffineMap> maps, ArrayRef<bool> once,
                      ArrayRef<SmallVector<bool>> units, PatternRewriter &rewriter) {
    SmallVector<utils::IteratorType> iterators;
    for (auto [iterator, isOnce] : llvm::zip(op.getIteratorTypesArray(), once))
      if (!isOnce)
        iterators.push_back(iterator);
    unsigned numInputs = op.getNumDpsInputs();
    ValueRange inits(operands.drop_front(numInputs));
    auto generic = linalg::GenericOp::create(b, TypeRange(inits), operands.take_front(numInputs),
                                             inits, maps, iterators);
    rewriter.inlineRegionBefore(op.getRegion(), generic.getRegion(), generic.getRegion().begin());
    renumberIndices(generic, once, rewriter);
    SmallVector<Value> results;
    for (auto [i, result] : llvm::enumerate(generic.getResults()))
      results.push_back(restore(b, op.getDpsInits()[i], result, units[numInputs + i]));
    rewriter.replaceOp(op, results);
  }

  static void renumberIndices(linalg::GenericOp generic, ArrayRef<bool> once,
                              PatternRewriter &rewriter) {
    SmallVector<linalg::IndexOp> indices;
    generic.walk([&](linalg::IndexOp index) { indices.push_back(index); });
    for (linalg::IndexOp index : indices) {
      OpBuilder::InsertionGuard guard(rewriter);
      rewriter.setInsertionPoint(index);
      uint64_t kept = llvm::count(once.take_front(index.getDim()), false);
      if (once[index.getDim()])
        rewriter.replaceOpWithNewOp<arith::ConstantIndexOp>(index, 0);
      else
        rewriter.replaceOpWithNewOp<linalg::IndexOp>(index, kept);
    }
  }

  /// The result with the shape that it had.
  static Value restore(ImplicitLocOpBuilder &b, Value init, Value result, ArrayRef<bool> unit) {
    if (result.getType() == init.getType())
      return result;
    return tensor::ExpandShapeOp::create(b, init.getType(), result, groupUnitDims(unit),
                                         sizesOf(b, init));
  }
};

} // namespace

void linnet::populateDropUnitDimsPatterns(RewritePatternSet &patterns) {
  patterns.add<DropUnitDims>(patterns.getContext());
}
