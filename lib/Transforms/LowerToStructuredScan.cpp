//===- LowerToStructuredScan.cpp - gradients of scans ---------------------===//
//
// Part of Linnet, under Apache-2.0 WITH LLVM-exception. See LICENSE.
//
//===----------------------------------------------------------------------===//
#include "LowerToStructured.h"
#include "mlir/Dialect/Arith/IR/Arith.h"

using namespace mlir;
using namespace linnet;

/// What chunks of a kernel add to together is given in parts, whose sum is rounded once, here.
template <typename OpTy> struct SumParts : OpRewritePattern<OpTy> {
  using OpRewritePattern<OpTy>::OpRewritePattern;
  LogicalResult matchAndRewrite(OpTy op, PatternRewriter &rewriter) const override {
    if (op.getParts())
      return rewriter.notifyMatchFailure(op, "the sums are left to other ops");
    ImplicitLocOpBuilder b(op.getLoc(), rewriter);
    auto partial = cast<OpTy>(rewriter.clone(*op));
    partial.setParts(true);
    SmallVector<Type> types = op.getPartTypes();
    SmallVector<Value> results(partial->getResults());
    for (auto [i, result] : llvm::enumerate(partial->getResults())) {
      auto whole = cast<RankedTensorType>(op->getResult(i).getType());
      std::optional<int64_t> dim = op.getPartsDim(i);
      if (!dim)
        continue;
      result.setType(types[i]);
      results[i] = ReduceOp::create(b, ReduceKind::sum, result, {*dim}, /*keepdims=*/false);
      if (!whole.getElementType().isF32())
        results[i] = arith::TruncFOp::create(
            b, cast<RankedTensorType>(results[i].getType()).clone(whole.getElementType()),
            results[i]);
      if (results[i].getType() != whole)
        results[i] = tensor::CastOp::create(b, whole, results[i]);
    }
    rewriter.replaceOp(op, results);
    return success();
  }
};

void linnet::populateScanToStructuredPatterns(RewritePatternSet &patterns) {
  patterns.add<SumParts<SelectiveScanGradOp>, SumParts<CausalConvGradOp>>(patterns.getContext());
}
