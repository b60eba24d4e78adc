//===- SequenceFolds.cpp - folds of the sequence family -------------------===//
//
// Part of Linnet, under Apache-2.0 WITH LLVM-exception. See LICENSE.
//
//===----------------------------------------------------------------------===//
#include "FoldHelpers.h"
#include "linnet/IR/LinnetOps.h"

using namespace mlir;
using namespace linnet;

/// Drops the first optional operand that is constant zeros; it means the same when absent.
template <typename OpTy>
static LogicalResult dropZeros(OpTy op, ArrayRef<MutableOperandRange> operands,
                               PatternRewriter &rewriter) {
  for (MutableOperandRange operand : operands) {
    if (operand.size() == 0 || !isZeroConstant(operand[0].get()))
      continue;
    rewriter.modifyOpInPlace(op, [&] { operand.clear(); });
    return success(); // the other ranges know the old segments
  }
  return rewriter.notifyMatchFailure(op, "no optional operand is zero");
}

static LogicalResult dropZerosOfLinear(LinearAttentionOp op, PatternRewriter &rewriter) {
  // a decay or a bonus may be what the state has its heads from
  SmallVector<MutableOperandRange> operands;
  int64_t heads = std::max(op.getK().getType().getDimSize(1), op.getV().getType().getDimSize(1));
  if (heads == op.getStateHeads())
    operands = {op.getDecayMutable(), op.getBonusMutable()};
  operands.push_back(op.getStateMutable());
  return dropZeros(op, operands, rewriter);
}

static LogicalResult dropZerosOfScan(SelectiveScanOp op, PatternRewriter &rewriter) {
  return dropZeros(op, {op.getDeltaBiasMutable(), op.getStateMutable()}, rewriter);
}

static LogicalResult dropZerosOfConv(CausalConvOp op, PatternRewriter &rewriter) {
  return dropZeros(op, {op.getBiasMutable(), op.getStateMutable()}, rewriter);
}

void LinearAttentionOp::getCanonicalizationPatterns(RewritePatternSet &patterns, MLIRContext *c) {
  patterns.add(dropZerosOfLinear);
  patterns.add<DropUnusedLastResult<LinearAttentionOp>>(c);
}

void SelectiveScanOp::getCanonicalizationPatterns(RewritePatternSet &patterns, MLIRContext *c) {
  patterns.add(dropZerosOfScan);
  patterns.add<DropUnusedLastResult<SelectiveScanOp>>(c);
}

void CausalConvOp::getCanonicalizationPatterns(RewritePatternSet &patterns, MLIRContext *c) {
  patterns.add(dropZerosOfConv);
  patterns.add<DropUnusedLastResult<CausalConvOp>>(c);
}
