// A rewrite and a pass of one's own: causal softmax attention to `min-keys` keys or more becomes
// linear attention with elu(x) + 1 features.
#include "linnet/Plugin.h"
#include "mlir/IR/PatternMatch.h"

using namespace mlir;
using namespace linnet;

namespace {

struct LinearAttention : OpRewritePattern<AttentionOp> {
  LinearAttention(MLIRContext *context, int64_t minKeys)
      : OpRewritePattern(context), minKeys(minKeys) {}

  LogicalResult matchAndRewrite(AttentionOp op, PatternRewriter &rewriter) const override {
    auto k = cast<RankedTensorType>(op.getK().getType());
    MaskAttr causal = MaskAttr::get(op.getContext(), true, false, false, false, false, {}, {});
    if (op.getMaskSet() != causal)
      return rewriter.notifyMatchFailure(op, "expects a causal mask and no other");
    if (op->getNumOperands() != 3 || op.getSoftcap() || op.getLse())
      return rewriter.notifyMatchFailure(op, "expects queries, keys and values only");
    if (!k.isDynamicDim(2) && k.getDimSize(2) < minKeys)
      return rewriter.notifyMatchFailure(op, "expects at least " + Twine(minKeys) +
                                                 " keys, found " + Twine(k.getDimSize(2)));
    auto elu1 = [&](Value x) -> Value {
      return FeatureMapOp::create(rewriter, op.getLoc(), x, FeatureKind::elu1);
    };
    Value none;
    rewriter.replaceOpWithNewOp<LinearAttentionOp>(
        op, TypeRange{op.getO().getType()}, elu1(op.getQ()), elu1(op.getK()), op.getV(),
        /*decay=*/none,
        /*erase_a=*/none, /*erase_b=*/none, /*beta=*/none, /*bonus=*/none, /*state=*/none,
        StateRead::post, /*scale=*/FloatAttr(), /*normalise=*/rewriter.getF64FloatAttr(1e-6),
        /*chunk=*/IntegerAttr());
    return success();
  }

  int64_t minKeys;
};

struct LineariseAttention : PassWrapper<LineariseAttention, OperationPass<>> {
  MLIR_DEFINE_EXPLICIT_INTERNAL_INLINE_TYPE_ID(LineariseAttention)
  LineariseAttention() = default;
  LineariseAttention(const LineariseAttention &other) : PassWrapper(other) {}

  StringRef getArgument() const override { return "linearise-attention"; }
  StringRef getDescription() const override { return "long causal attention to linear attention"; }
  void runOnOperation() override {
    RewritePatternSet patterns(&getContext());
    patterns.add<LinearAttention>(&getContext(), minKeys);
    if (failed(applyRules(getOperation(), std::move(patterns), {explain})))
      signalPassFailure();
  }

  Option<int64_t> minKeys{*this, "min-keys", llvm::cl::desc("shortest"), llvm::cl::init(1024)};
  Option<bool> explain{*this, "explain", llvm::cl::desc("say why an attention stays")};
};

} // namespace

LINNET_PLUGIN("linear_attention") {
  PassRegistration<LineariseAttention>();
  registerRule({"linear-attention", "causal attention to 1024 keys or more becomes linear",
                [](RewritePatternSet &patterns) {
                  patterns.add<LinearAttention>(patterns.getContext(), 1024);
                }});
}
