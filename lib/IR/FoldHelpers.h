//===- FoldHelpers.h - what folds of several families share -----*- C++ -*-===//
//
// Part of Linnet, under Apache-2.0 WITH LLVM-exception. See LICENSE.
//
//===----------------------------------------------------------------------===//
#ifndef LINNET_LIB_IR_FOLDHELPERS_H
#define LINNET_LIB_IR_FOLDHELPERS_H

#include "mlir/IR/Matchers.h"
#include "mlir/IR/PatternMatch.h"

namespace linnet {

/// Whether a value is a constant whose elements are all +0 or -0.
inline bool isZeroConstant(mlir::Value value) {
  return value && (mlir::matchPattern(value, mlir::m_AnyZeroFloat()) ||
                   mlir::matchPattern(value, mlir::m_Zero()));
}

/// Whether a value is a constant of i1 that is true everywhere.
inline bool isTrueConstant(mlir::Value value) {
  return value && mlir::matchPattern(value, mlir::m_One());
}

/// Drops the last result of an op, an optional one, when nobody reads it.
template <typename OpTy> struct DropUnusedLastResult : mlir::OpRewritePattern<OpTy> {
  using mlir::OpRewritePattern<OpTy>::OpRewritePattern;
  mlir::LogicalResult matchAndRewrite(OpTy op, mlir::PatternRewriter &rewriter) const override {
    if (op->getNumResults() != 2 || !op->getResult(1).use_empty())
      return rewriter.notifyMatchFailure(op, "the optional result is absent or used");
    mlir::OperationState state(op.getLoc(), op->getName(), op->getOperands(),
                               {op->getResult(0).getType()});
    state.propertiesAttr = op->getPropertiesAsAttribute();
    state.addAttributes(llvm::to_vector(op->getDiscardableAttrs()));
    mlir::Operation *slim = rewriter.create(state);
    rewriter.replaceAllUsesWith(op->getResult(0), slim->getResult(0));
    rewriter.eraseOp(op);
    return mlir::success();
  }
};

} // namespace linnet

#endif // LINNET_LIB_IR_FOLDHELPERS_H
