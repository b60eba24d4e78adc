//===- LowerToStructured.cpp - model IR to structured ops -----------------===//
//
// Part of Linnet, under Apache-2.0 WITH LLVM-exception. See LICENSE.
//
//===----------------------------------------------------------------------===//
#include "LowerToStructured.h"
#include "linnet/IR/LinnetOps.h"
#include "linnet/Transforms/Passes.h"
#include "mlir/Dialect/Affine/IR/AffineOps.h"
#include "mlir/Dialect/ControlFlow/IR/ControlFlowOps.h"
#include "mlir/Dialect/MLProgram/IR/MLProgram.h"
#include "mlir/Dialect/Math/Transforms/Passes.h"
#include "mlir/Dialect/MemRef/Transforms/Transforms.h"
#include "mlir/Dialect/SCF/IR/SCF.h"
#include "mlir/Dialect/Tensor/Transforms/Transforms.h"
#include "mlir/Transforms/GreedyPatternRewriteDriver.h"
#include "llvm/ADT/MapVector.h"

namespace linnet {
#define GEN_PASS_DEF_LOWERTOSTRUCTURED
#include "linnet/Transforms/Passes.h.inc"
} // namespace linnet

using namespace mlir;
using namespace linnet;

namespace {

/// A constant of one value that something else than an elementwise op reads.
struct SplatConstantToFill : OpRewritePattern<arith::ConstantOp> {
  using OpRewritePattern::OpRewritePattern;
  LogicalResult matchAndRewrite(arith::ConstantOp op, PatternRewriter &rewriter) const override {
    auto splat = dyn_cast<SplatElementsAttr>(op.getValue());
    auto type = dyn_cast<RankedTensorType>(op.getType());
    if (!splat || !type || type.getRank() == 0)
      return failure();
    auto value = dyn_cast<TypedAttr>(splat.getSplatValue<Attribute>());
    if (!value || !isa<FloatType, IntegerType, IndexType>(value.getType()))
      return failure();
    ImplicitLocOpBuilder b(op.getLoc(), rewriter);
    Sizes sizes;
    for (int64_t size : type.getShape())
      sizes.push_back(b.getIndexAttr(size));
    rewriter.replaceOp(op, fillTensor(b, sizes, value));
    return success();
  }
};

/// An op without a single element to compute: no lowering has to think of slices of nothing.
struct EmptyResults : RewritePattern {
  explicit EmptyResults(MLIRContext *context)
      : RewritePattern(MatchAnyOpTypeTag(), /*benefit=*/10, context) {}
  LogicalResult matchAndRewrite(Operation *op, PatternRewriter &rewriter) const override {
    if (!isa_and_nonnull<LinnetDialect>(op->getDialect()) || op->getNumResults() == 0)
      return failure();
    auto isEmpty = [](Type type) {
      auto tensor = dyn_cast<RankedTensorType>(type);
      return tensor && tensor.hasStaticShape() && tensor.getNumElements() == 0;
    };
    if (!llvm::all_of(op->getResultTypes(), isEmpty))
      return failure();
    SmallVector<Value> values;
    for (Type type : op->getResultTypes())
      values.push_back(tensor::EmptyOp::create(rewriter, op->getLoc(),
                                               cast<RankedTensorType>(type).getShape(),
                                               getElementTypeOrSelf(type)));
    rewriter.replaceOp(op, values);
    return success();
  }
};

/// The linnet ops that have kernels of their own.
bool isStructuredOp(Operation *op) {
  if (auto grad = dyn_cast<AttentionGradOp>(op))
    return sumsInF32(grad);
  if (auto grad = dyn_cast<LinearAttentionGradOp>(op))
    return sumsPerHead(grad);
  if (auto loss = dyn_cast<CrossEntropyOp>(op))
    return loss.getReduction() == LossReduction::none;
  if (auto grad = dyn_cast<CrossEntropyGradOp>(op))
    return grad.getReduction() != LossReduction::mean;
  if (auto grad = dyn_cast<SelectiveScanGradOp>(op))
    return grad.getParts();
  if (auto grad = dyn_cast<CausalConvGradOp>(op))
    return grad.getParts();
  return isa<AttentionOp, LinearAttentionOp, SelectiveScanOp, CausalConvOp, ConvOp, RandomOp,
             DropoutOp, ScatterAddOp, ConvFilterGradOp, MaxPoolOp, AvgPoolOp, MaxPoolGradOp,
             AvgPoolGradOp, ResizeOp, ResizeGradOp>(op);
}

bool worksOnTensors(Operation *op) {
  auto isTensor = [](Type type) { return isa<TensorType>(type); };
  return llvm::any_of(op->getOperandTypes(), isTensor) ||
         llvm::any_of(op->getResultTypes(), isTensor);
}

/// Whether later stages take the op where it stands.
bool isStructuredForm(Operation *op) {
  if (isa<LinnetDialect>(op->getDialect()))
    return isStructuredOp(op) || isa<BarrierOp>(op);
  if (isa<tensor::ScatterOp, tensor::GatherOp, tensor::GenerateOp, tensor::ReshapeOp>(op))
    return false;
  if (isa<arith::ConstantOp, cf::AssertOp, ml_program::GlobalLoadOp, ml_program::GlobalLoadConstOp,
          ml_program::GlobalStoreOp>(op))
    return true;
  if (isa<arith::ArithDialect, math::MathDialect, affine::AffineDialect>(op->getDialect()))
    return !worksOnTensors(op);
  return isa<func::FuncDialect, scf::SCFDialect, linalg::LinalgDialect, tensor::TensorDialect>(
      op->getDialect());
}

class LowerToStructured : public linnet::impl::LowerToStructuredBase<LowerToStructured> {
public:
  using LowerToStructuredBase::LowerToStructuredBase;

  LogicalResult initialize(MLIRContext *context) override {
    RewritePatternSet lowering(context);
    lowering.add<EmptyResults>(context);
    populateElementwiseToStructuredPatterns(lowering);
    populateEinsumToStructuredPatterns(lowering);
    populateNormToStructuredPatterns(lowering);
    populatePlainToStructuredPatterns(lowering);
    populateBatchNormToStructuredPatterns(lowering);
    populateConvToStructuredPatterns(lowering);
    populateLossToStructuredPatterns(lowering);
    populateAttentionToStructuredPatterns(lowering);
    populateScanToStructuredPatterns(lowering);
    populateOptimizerToStructuredPatterns(lowering);
    populateUpstreamToStructuredPatterns(lowering);
    populateDropUnitDimsPatterns(lowering);
    lower = std::move(lowering);

    RewritePatternSet finishing(context);
    finishing.add<SplatConstantToFill>(context);
    populateMathAlgebraicSimplificationPatterns(finishing); // x^2 as a product
    memref::populateResolveRankedShapedTypeResultDimsPatterns(finishing);
    tensor::EmptyOp::getCanonicalizationPatterns(finishing, context);
    tensor::DimOp::getCanonicalizationPatterns(finishing, context);
    tensor::CastOp::getCanonicalizationPatterns(finishing, context);
    tensor::populateFoldTensorEmptyPatterns(finishing);
    linalg::FillOp::getCanonicalizationPatterns(finishing, context);
    finish = std::move(finishing);
    return success();
  }

  void runOnOperation() override {
    liftScalarFloats(getOperation());
    if (failed(rewrite(lower)) || failed(rewrite(finish)) || failed(refuseLeftovers()))
      return signalPassFailure();
    checkSlices(getOperation());
  }

private:
  LogicalResult rewrite(const FrozenRewritePatternSet &patterns) {
    GreedyRewriteConfig config;
    config.setUseTopDownTraversal(true).setRegionSimplificationLevel(
        GreedySimplifyRegionLevel::Disabled);
    return applyPatternsGreedily(getOperation(), patterns, config);
  }

  LogicalResult refuseLeftovers() {
    llvm::MapVector<StringRef, std::pair<unsigned, Location>> leftovers;
    getOperation()->walk<WalkOrder::PreOrder>([&](Operation *op) {
      if (!isStructuredForm(op))
        ++leftovers.try_emplace(op->getName().getStringRef(), 0u, op->getLoc()).first->second.first;
      // bodies hold scalars, and a kernel's emitter says what it lacks
      return isa<linalg::LinalgOp>(op) ? WalkResult::skip() : WalkResult::advance();
    });
    if (leftovers.empty())
      return success();
    InFlightDiagnostic diag = getOperation().emitError() << "no lowering for ";
    llvm::interleaveComma(leftovers, diag, [&](auto &entry) {
      diag << entry.second.first << " x '" << entry.first << "'";
    });
    for (auto &entry : leftovers)
      diag.attachNote(entry.second.second) << "first '" << entry.first << "' here";
    return failure();
  }

  FrozenRewritePatternSet lower, finish;
};

} // namespace
