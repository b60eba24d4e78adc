// Ops and traits are the tools' own in a plugin; a rule that leaves invalid IR.
#include "linnet/Plugin.h"
#include "mlir/Dialect/Arith/IR/Arith.h"
#include "mlir/Dialect/Func/IR/FuncOps.h"

using namespace mlir;

namespace {

struct Probe : PassWrapper<Probe, OperationPass<>> {
  MLIR_DEFINE_EXPLICIT_INTERNAL_INLINE_TYPE_ID(Probe)
  StringRef getArgument() const override { return "probe"; }
  void runOnOperation() override {
    getOperation()->walk([](Operation *op) {
      bool known = isa<linnet::AttentionOp, func::FuncOp, func::ReturnOp, ModuleOp>(op);
      bool ends = op->hasTrait<OpTrait::IsTerminator>() == isa<func::ReturnOp>(op);
      op->emitRemark() << (known && ends ? "as it should be" : "not what it is");
    });
  }
};

struct Swap : OpRewritePattern<linnet::AttentionOp> {
  using OpRewritePattern::OpRewritePattern;
  LogicalResult matchAndRewrite(linnet::AttentionOp op, PatternRewriter &rewriter) const override {
    auto wrong = RankedTensorType::get({3}, rewriter.getF32Type());
    if (op.getQ().getType() == wrong)
      return failure();
    Value zero = arith::ConstantOp::create(rewriter, op.getLoc(), rewriter.getZeroAttr(wrong));
    rewriter.modifyOpInPlace(op, [&] { op->setOperand(0, zero); });
    return success();
  }
};

} // namespace

LINNET_PLUGIN("probe") {
  PassRegistration<Probe>();
  linnet::registerRule({"swap", "leaves invalid IR", [](RewritePatternSet &patterns) {
                          patterns.add<Swap>(patterns.getContext());
                        }});
}
