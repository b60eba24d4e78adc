//===- Fusion.cpp - elementwise fusion before grouping --------------------===//
//
// Part of Linnet, under Apache-2.0 WITH LLVM-exception. See LICENSE.
//
//===----------------------------------------------------------------------===//
#include "Fusion.h"
#include "Grouping.h"
#include "LateReaders.h"
#include "SplitReductions.h"
#include "linnet/Program/KernelContract.h"
#include "mlir/Dialect/Arith/IR/Arith.h"
#include "mlir/Dialect/ControlFlow/IR/ControlFlowOps.h"
#include "mlir/Dialect/Linalg/Transforms/Transforms.h"
#include "mlir/Dialect/Linalg/Utils/Utils.h"
#include "mlir/Dialect/Tensor/IR/Tensor.h"
#include "mlir/Dialect/Tensor/Transforms/Transforms.h"
#include "mlir/IR/Dominance.h"
#include "mlir/Transforms/CSE.h"
#include "mlir/Transforms/GreedyPatternRewriteDriver.h"

using namespace mlir;
using namespace linnet;

//===----------------------------------------------------------------------===//
// One form: generic ops with loops in the order of the result
//===----------------------------------------------------------------------===//

namespace {

/// Contractions and convolutions kept their names; those that are none to the code generators
/// (poolings, products of other ops) are loops.
struct Generalize : OpInterfaceRewritePattern<linalg::LinalgOp> {
  using OpInterfaceRewritePattern::OpInterfaceRewritePattern;
  LogicalResult matchAndRewrite(linalg::LinalgOp op, PatternRewriter &rewriter) const override {
    if (isa<linalg::GenericOp, linalg::FillOp>(op) || isContraction(op) || isConvolution(op))
      return failure();
    return linalg::generalizeNamedOp(rewriter, op);
  }
};

/// Parallel loops in the order of the first result's dimensions, then the other ones.
struct OrderLoops : OpRewritePattern<linalg::GenericOp> {
  using OpRewritePattern::OpRewritePattern;
  LogicalResult matchAndRewrite(linalg::GenericOp op, PatternRewriter &rewriter) const override {
    if (!op.hasPureTensorSemantics() || isContraction(op) || isConvolution(op))
      return failure();
    AffineMap out = op.getMatchingIndexingMap(op.getDpsInitOperand(0));
    if (!out.isProjectedPermutation())
      return failure();
    SmallVector<unsigned> order;
    for (AffineExpr e : out.getResults())
      order.push_back(cast<AffineDimExpr>(e).getPosition());
    for (bool parallel : {true, false})
      for (auto [i, type] : llvm::enumerate(op.getIteratorTypesArray()))
        if (linalg::isParallelIterator(type) == parallel && !llvm::is_contained(order, i))
          order.push_back(i);
    if (llvm::is_sorted(order))
      return failure();
    return linalg::interchangeGenericOp(rewriter, op, order);
  }
};

/// A generic op that yields its input at the same place.
struct DropCopies : OpRewritePattern<linalg::GenericOp> {
  using OpRewritePattern::OpRewritePattern;
  LogicalResult matchAndRewrite(linalg::GenericOp op, PatternRewriter &rewriter) const override {
    if (!op.hasPureTensorSemantics() || op.getNumDpsInputs() != 1 || op.getNumDpsInits() != 1 ||
        op.getNumReductionLoops() || !op.getIndexingMapsArray()[0].isPermutation() ||
        op.getIndexingMapsArray()[0] != op.getIndexingMapsArray()[1] ||
        op.getBody()->getTerminator()->getOperand(0) != op.getBody()->getArgument(0))
      return failure();
    if (op.getDpsInputs()[0].getType() == op.getResult(0).getType())
      rewriter.replaceOp(op, op.getDpsInputs()[0]);
    else
      rewriter.replaceOpWithNewOp<tensor::CastOp>(op, op.getResult(0).getType(),
                                                  op.getDpsInputs()[0]);
    return success();
  }
};

/// Splats become fills, whose value the bodies that use them write out.
struct SplatToFill : OpRewritePattern<arith::ConstantOp> {
  using OpRewritePattern::OpRewritePattern;
  LogicalResult matchAndRewrite(arith::ConstantOp op, PatternRewriter &rewriter) const override {
    auto splat = dyn_cast<SplatElementsAttr>(op.getValue());
    auto type = dyn_cast<RankedTensorType>(op.getType());
    if (!splat || !type)
      return failure();
    Value value =
        arith::ConstantOp::create(rewriter, op.getLoc(), splat.getSplatValue<TypedAttr>());
    Value empty =
        tensor::EmptyOp::create(rewriter, op.getLoc(), type.getShape(), type.getElementType());
    rewriter.replaceOpWithNewOp<linalg::FillOp>(op, value, empty);
    return success();
  }
};

/// A concatenation of more tensors than a dispatch may have is one of concatenations.
struct SplitConcat : OpRewritePattern<tensor::ConcatOp> {
  using OpRewritePattern::OpRewritePattern;
  LogicalResult matchAndRewrite(tensor::ConcatOp op, PatternRewriter &rewriter) const override {
    constexpr size_t most = kMaxTensors - 1;
    ValueRange inputs = op.getInputs();
    if (inputs.size() <= most)
      return failure();
    SmallVector<Value> parts;
    for (size_t i = 0; i < inputs.size(); i += most)
      parts.push_back(
          tensor::ConcatOp::create(rewriter, op.getLoc(), op.getDim(),
                                   inputs.slice(i, std::min<size_t>(most, inputs.size() - i))));
    rewriter.replaceOpWithNewOp<tensor::ConcatOp>(op, op.getType(), op.getDim(), parts);
    return success();
  }
};

} // namespace

static LogicalResult normalize(Operation *root) {
  MLIRContext *ctx = root->getContext();
  RewritePatternSet patterns(ctx);
  patterns.add<Generalize, OrderLoops, DropCopies, SplatToFill, SplitConcat>(ctx);
  tensor::populateMergeConsecutiveInsertExtractSlicePatterns(patterns);
  tensor::CastOp::getCanonicalizationPatterns(patterns, ctx);
  return applyPatternsGreedily(root, std::move(patterns));
}

//===----------------------------------------------------------------------===//
// What to fuse
//===----------------------------------------------------------------------===//

/// So cheap, in reads and in work, that every consumer may compute it again: index masks,
/// broadcasts and widening casts.
static bool isCheap(linalg::GenericOp op) {
  for (Operation &inner : op.getBody()->without_terminator())
    if (!isa<arith::ConstantOp, arith::ExtFOp, arith::ExtSIOp, arith::ExtUIOp, arith::CmpIOp,
             arith::AddIOp, arith::SubIOp, arith::MulIOp, arith::AndIOp, arith::OrIOp,
             arith::XOrIOp, arith::SelectOp, arith::IndexCastOp, linalg::IndexOp>(inner))
      return false;
  unsigned whole = 0;
  for (OpOperand *input : op.getDpsInputOperands())
    whole += op.getMatchingIndexingMap(input).getNumResults() == op.getNumLoops();
  return whole == 0 || (whole == 1 && op.getNumDpsInputs() == 1);
}

static void noteLoops(AffineMap map, llvm::SmallBitVector &loops) {
  for (AffineExpr e : map.getResults())
    if (auto loop = dyn_cast<AffineDimExpr>(e))
      loops.set(loop.getPosition());
}

/// Whether the operands of the fused op say how far each of its loops runs: a reduced loop along
/// which the producer repeats its inputs has its size of the producer's result alone.
static bool knowsItsSizes(linalg::GenericOp producer, linalg::GenericOp consumer,
                          OpOperand *operand) {
  llvm::SmallBitVector known(consumer.getNumLoops()), ofInputs(producer.getNumLoops());
  for (OpOperand &other : consumer->getOpOperands()) {
    bool isDead = consumer.isDpsInit(&other) && consumer.getTiedOpResult(&other).use_empty();
    if (other.get() != operand->get() && !isDead)
      noteLoops(consumer.getMatchingIndexingMap(&other), known);
  }
  for (OpOperand *input : producer.getDpsInputOperands())
    noteLoops(producer.getMatchingIndexingMap(input), ofInputs);
  AffineMap made = producer.getIndexingMapMatchingResult(cast<OpResult>(operand->get()));
  AffineMap read = consumer.getMatchingIndexingMap(operand);
  for (auto [coordinate, e] : llvm::zip(made.getResults(), read.getResults())) {
    auto own = dyn_cast<AffineDimExpr>(coordinate);
    auto loop = dyn_cast<AffineDimExpr>(e);
    if (own && loop && ofInputs.test(own.getPosition()))
      known.set(loop.getPosition());
  }
  return known.all();
}

static bool shouldFuse(OpOperand *operand) {
  auto producer = operand->get().getDefiningOp<linalg::GenericOp>();
  auto consumer = dyn_cast<linalg::GenericOp>(operand->getOwner());
  constexpr unsigned maxOperands = 24;
  if (!producer || !consumer || producer.getNumReductionLoops() ||
      producer->getNumOperands() + consumer->getNumOperands() > maxOperands)
    return false;
  if (isConvolution(consumer) || isContraction(consumer))
    return false;
  if (!knowsItsSizes(producer, consumer, operand))
    return false;
  // a sum over a dimension of one value: its start would be the start of no result of the consumer
  if (llvm::any_of(producer.getRegionOutputArgs(), [](Value start) { return !start.use_empty(); }))
    return false;
  // what reports a fault stays when nobody reads its results any more
  if (llvm::any_of(*producer.getBody(), llvm::IsaPred<cf::AssertOp>))
    return false;
  if (isCheap(producer))
    return true;
  return operand->get().hasOneUse() && consumer.getMatchingIndexingMap(operand).isPermutation();
}

static LogicalResult fuse(Operation *root) {
  MLIRContext *ctx = root->getContext();
  RewritePatternSet patterns(ctx);
  linalg::populateElementwiseOpsFusionPatterns(patterns, shouldFuse);
  linalg::GenericOp::getCanonicalizationPatterns(patterns, ctx);
  patterns.add<OrderLoops, DropCopies>(ctx);
  return applyPatternsGreedily(root, std::move(patterns));
}

//===----------------------------------------------------------------------===//
// Reshapes between a product and its epilogue
//===----------------------------------------------------------------------===//

static bool isReshape(Operation *op) {
  return isa_and_nonnull<tensor::ExpandShapeOp, tensor::CollapseShapeOp>(op);
}

/// Reshapes that nobody reads wait for their removal while patterns run.
static bool hasOneReader(Operation *op) {
  return llvm::count_if(op->getUses(), [](OpOperand &use) {
           return !isReshape(use.getOwner()) || !use.getOwner()->use_empty();
         }) == 1;
}

/// Whether a product that nobody else reads is behind the value, reshaped or not.
static bool isOwnProduct(Value value) {
  Operation *source = value.getDefiningOp();
  if (isReshape(source) && hasOneReader(source))
    source = source->getOperand(0).getDefiningOp();
  return source && hasOneReader(source) && (isContraction(source) || isConvolution(source));
}

/// An elementwise op that reads a reshaped product computes in the product's shape instead. Of
/// several products the first decides, else the shapes of two would take turns without end.
static bool shouldFoldReshape(OpOperand *operand) {
  auto consumer = dyn_cast<linalg::GenericOp>(operand->getOwner());
  if (!consumer || !isReshape(operand->get().getDefiningOp()) || !isOwnProduct(operand->get()) ||
      !isElementwiseEpilogue(consumer))
    return false;
  return llvm::none_of(consumer.getInputs().take_front(operand->getOperandNumber()), isOwnProduct);
}

static LogicalResult foldReshapes(Operation *root) {
  MLIRContext *ctx = root->getContext();
  RewritePatternSet patterns(ctx);
  linalg::populateFoldReshapeOpsByCollapsingPatterns(patterns, shouldFoldReshape);
  linalg::populateFoldReshapeOpsByExpansionPatterns(patterns, shouldFoldReshape);
  tensor::ExpandShapeOp::getCanonicalizationPatterns(patterns, ctx);
  tensor::CollapseShapeOp::getCanonicalizationPatterns(patterns, ctx);
  return applyPatternsGreedily(root, std::move(patterns));
}

/// Values that came into a body by several ways are computed once.
static void mergeInBodies(Operation *root) {
  DominanceInfo dominance(root);
  IRRewriter rewriter(root->getContext());
  root->walk([&](linalg::GenericOp op) { eliminateCommonSubExpressions(rewriter, dominance, op); });
}

LogicalResult linnet::fuseElementwise(Operation *root) {
  if (failed(normalize(root)) || failed(fuse(root)) || failed(foldReshapes(root)) ||
      failed(fuse(root)))
    return failure();
  recomputeForLateReaders(root);
  if (failed(fuse(root)))
    return failure();
  recomputeInEpilogues(root);
  mergeInBodies(root);
  splitReductions(root);
  return success();
}
