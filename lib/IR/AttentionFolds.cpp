//===- AttentionFolds.cpp - folds of the attention family -----------------===//
//
// Part of Linnet, under Apache-2.0 WITH LLVM-exception. See LICENSE.
//
//===----------------------------------------------------------------------===//
#include "FoldHelpers.h"
#include "linnet/IR/LinnetOps.h"

using namespace mlir;
using namespace linnet;

static bool placesLastQueryAtLastKey(AttentionOp op) {
  return !op.getQOffset() && op.getAlignment() == MaskAlignment::bottom_right;
}

/// A single query at the last valid key sees every valid key, and `causal` hides none that
/// `kv_lengths` shows.
static LogicalResult dropCausalOfLastQuery(AttentionOp op, PatternRewriter &rewriter) {
  MaskAttr masks = op.getMaskSet();
  if (!masks.getReachAfter() || op.getQ().getType().getDimSize(2) != 1 ||
      !placesLastQueryAtLastKey(op))
    return rewriter.notifyMatchFailure(op, "not a single query at the last key");
  rewriter.modifyOpInPlace(op, [&] {
    op.setMasksAttr(masks.withCausal(false).withWindow(masks.getLeft(), std::nullopt));
  });
  return success();
}

/// One spelling of the same set: a right side under `causal` limits nothing, and a window of
/// `right = 0` alone is `causal`.
static LogicalResult normaliseWindow(AttentionOp op, PatternRewriter &rewriter) {
  MaskAttr masks = op.getMaskSet();
  if (masks.getRight() != 0 && !(masks.getCausal() && masks.getRight()))
    return rewriter.notifyMatchFailure(op, "the right side is neither zero nor redundant");
  rewriter.modifyOpInPlace(op, [&] {
    op.setMasksAttr(masks.withCausal(true).withWindow(masks.getLeft(), std::nullopt));
  });
  return success();
}

static LogicalResult dropTrueMask(AttentionOp op, PatternRewriter &rewriter) {
  if (!isTrueConstant(op.getMask()))
    return rewriter.notifyMatchFailure(op, "no constant mask of true");
  rewriter.modifyOpInPlace(op, [&] {
    op.getMaskMutable().clear();
    op.setMasksAttr(op.getMaskSet().withExplicit(false));
  });
  return success();
}

static LogicalResult dropZeroSlopes(AttentionOp op, PatternRewriter &rewriter) {
  if (!isZeroConstant(op.getAlibiSlopes()))
    return rewriter.notifyMatchFailure(op, "no constant slopes of zero");
  rewriter.modifyOpInPlace(op, [&] {
    op.getAlibiSlopesMutable().clear();
    if (!op.readsPositions())
      op.getQOffsetMutable().clear();
  });
  return success();
}

static LogicalResult dropZeroBias(AttentionOp op, PatternRewriter &rewriter) {
  if (!isZeroConstant(op.getBias()))
    return rewriter.notifyMatchFailure(op, "no constant bias of zero");
  rewriter.modifyOpInPlace(op, [&] { op.getBiasMutable().clear(); });
  return success();
}

/// Attributes that say nothing: an empty mask list; an alignment that no mask reads.
static LogicalResult dropIdleAttributes(AttentionOp op, PatternRewriter &rewriter) {
  MaskAttr masks = op.getMaskSet();
  bool empty = op.getMasksAttr() && masks.isEmpty();
  bool idle =
      op.getAlignment() != MaskAlignment::bottom_right && (op.getQOffset() || !op.readsPositions());
  if (!empty && !idle)
    return rewriter.notifyMatchFailure(op, "every attribute says something");
  rewriter.modifyOpInPlace(op, [&] {
    if (empty)
      op.removeMasksAttr();
    op.setAlignment(MaskAlignment::bottom_right);
  });
  return success();
}

void AttentionOp::getCanonicalizationPatterns(RewritePatternSet &patterns, MLIRContext *) {
  patterns.add(dropCausalOfLastQuery);
  patterns.add(normaliseWindow);
  patterns.add(dropTrueMask);
  patterns.add(dropZeroBias);
  patterns.add(dropZeroSlopes);
  patterns.add(dropIdleAttributes);
  patterns.add<DropUnusedLastResult<AttentionOp>>(patterns.getContext());
}

OpFoldResult FeatureMapOp::fold(FoldAdaptor) {
  auto inner = getX().getDefiningOp<FeatureMapOp>();
  if (inner && getKind() == FeatureKind::relu)
    return getX(); // no feature map is negative anywhere
  return {};
}
