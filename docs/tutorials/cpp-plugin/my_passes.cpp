// A rewrite of one's own: feature_map<relu2>(x) is relu(x)^2, written out in arith so that other
// elementwise work can fuse with it.
#include "linnet/Plugin.h"
#include "mlir/Dialect/Arith/IR/Arith.h"
#include "mlir/IR/PatternMatch.h"
#include "mlir/Transforms/GreedyPatternRewriteDriver.h"

using namespace mlir;

namespace {

struct WriteOutRelu2 : OpRewritePattern<linnet::FeatureMapOp> {
  using OpRewritePattern::OpRewritePattern;

  LogicalResult matchAndRewrite(linnet::FeatureMapOp op, PatternRewriter &rewriter) const override {
    auto type = dyn_cast<RankedTensorType>(op.getType());
    if (op.getKind() != linnet::FeatureKind::relu2)
      return rewriter.notifyMatchFailure(op, "expects the feature map relu2");
    if (!type || !type.hasStaticShape())
      return rewriter.notifyMatchFailure(op, "expects static sizes");
    Location loc = op.getLoc();
    Value zero = arith::ConstantOp::create(rewriter, loc, rewriter.getZeroAttr(type));
    Value relu = arith::MaximumFOp::create(rewriter, loc, op.getX(), zero);
    rewriter.replaceOpWithNewOp<arith::MulFOp>(op, relu, relu);
    return success();
  }
};

struct WriteOutFeatures : PassWrapper<WriteOutFeatures, OperationPass<>> {
  MLIR_DEFINE_EXPLICIT_INTERNAL_INLINE_TYPE_ID(WriteOutFeatures)

  StringRef getArgument() const override { return "write-out-features"; }
  StringRef getDescription() const override { return "write relu2 feature maps out in arith"; }
  void getDependentDialects(DialectRegistry &registry) const override {
    registry.insert<arith::ArithDialect>();
  }
  void runOnOperation() override {
    RewritePatternSet patterns(&getContext());
    patterns.add<WriteOutRelu2>(&getContext());
    if (failed(applyPatternsGreedily(getOperation(), std::move(patterns))))
      signalPassFailure();
  }
};

} // namespace

LINNET_PLUGIN("my_passes") { PassRegistration<WriteOutFeatures>(); }
