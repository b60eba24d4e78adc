//===- LowerToStructuredUnitDims.cpp - sizes of 1 out of indexing maps ----===//
//
// Part of Linnet, under Apache-2.0 WITH LLVM-exception. See LICENSE.
//
//===----------------------------------------------------------------------===//
#include "LowerToStructured.h"
#include "mlir/Dialect/Tensor/IR/Tensor.h"

using namespace mlir;
using namespace linnet;

namespace {

/// Front ends keep reduced dimensions as 1 and read them at 0: `(d0, d1) -> (d0, 0)`. Without
/// them every map is a projected permutation, which is what fusion and emitters look at.
struct DropUnitDims : OpRewritePattern<linalg::GenericOp> {
  using OpRewritePattern::OpRewritePattern;

  LogicalResult matchAndRewrite(linalg::GenericOp op, PatternRewriter &rewriter) const override {
    if (!op.hasPureTensorSemantics())
      return failure();
    ImplicitLocOpBuilder b(op.getLoc(), rewriter);
    SmallVector<Value> operands;
    SmallVector<AffineMap> maps;
    bool changed = false;
    for (OpOperand &operand : op->getOpOperands()) {
      AffineMap map = op.getMatchingIndexingMap(&operand);
      SmallVector<bool> unit = unitDims(operand.get(), map);
      Value value = operand.get();
      if (llvm::is_contained(unit, true)) {
        changed = true;
        value = tensor::CollapseShapeOp::create(b, value, groupUnitDims(unit));
        map = keepResults(map, unit);
      }
      operands.push_back(value);
      maps.push_back(map);
    }
    if (!changed)
      return failure();
    ArrayRef<Value> all = operands;
    ValueRange inits(all.drop_front(op.getNumDpsInputs()));
    auto generic =
        linalg::GenericOp::create(b, TypeRange(inits), all.take_front(op.getNumDpsInputs()), inits,
                                  maps, op.getIteratorTypesArray());
    rewriter.inlineRegionBefore(op.getRegion(), generic.getRegion(), generic.getRegion().begin());
    SmallVector<Value> results;
    for (auto [i, result] : llvm::enumerate(generic.getResults()))
      results.push_back(restore(b, op, i, result));
    rewriter.replaceOp(op, results);
    return success();
  }

private:
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
    return AffineMap::get(map.getNumDims(), map.getNumSymbols(), kept, map.getContext());
  }

  /// The result with the type that it had.
  static Value restore(ImplicitLocOpBuilder &b, linalg::GenericOp op, unsigned i, Value result) {
    auto type = cast<RankedTensorType>(op.getResult(i).getType());
    if (result.getType() == type)
      return result;
    OpOperand *init = op.getDpsInitOperand(i);
    return tensor::ExpandShapeOp::create(
        b, type, result, groupUnitDims(unitDims(init->get(), op.getMatchingIndexingMap(init))),
        sizesOf(b, init->get()));
  }
};

} // namespace

void linnet::populateDropUnitDimsPatterns(RewritePatternSet &patterns) {
  patterns.add<DropUnitDims>(patterns.getContext());
}
