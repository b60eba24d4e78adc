//===- ReverseMode.h - pieces of the reverse mode ---------------*- C++ -*-===//
//
// Part of Linnet, under Apache-2.0 WITH LLVM-exception. See LICENSE.
//
//===----------------------------------------------------------------------===//
#ifndef LINNET_LIB_AUTODIFF_REVERSEMODE_H
#define LINNET_LIB_AUTODIFF_REVERSEMODE_H

#include "linnet/Autodiff/Adjoints.h"
#include "mlir/IR/IRMapping.h"
#include "mlir/Interfaces/LoopLikeInterface.h"

namespace linnet {

/// The values from outside that the regions of an op use, in order.
llvm::SmallVector<mlir::Value> findCaptures(mlir::Operation *op);

/// `sources` and what gradients may flow to from later values: values that depend on them.
llvm::DenseSet<mlir::Value> findDependents(llvm::ArrayRef<mlir::Operation *> ops,
                                           mlir::ValueRange sources);

/// Of the values that a loop carries, those on which gradients depend in any iteration.
llvm::SmallVector<bool> findActiveCarried(mlir::LoopLikeOpInterface loop,
                                          llvm::function_ref<bool(mlir::Value)> isActive);

/// A copy of the ops of a block, and the values that its terminator had.
struct ClonedBody {
  llvm::SmallVector<mlir::Operation *> ops;
  llvm::SmallVector<mlir::Value> yielded;
};

/// Copies a block to where the builder is.
ClonedBody cloneBody(mlir::ImplicitLocOpBuilder &b, mlir::Block &block, mlir::IRMapping &mapping);

/// The gradients of the yielded values, weighted with `seeds` (null: no gradient), with respect
/// to `sources`, which the body uses; zeros where none flows. Sums go on from `sums`, where
/// there are any. Rules may replace ops of the body.
mlir::FailureOr<llvm::SmallVector<mlir::Value>>
differentiateBody(mlir::ImplicitLocOpBuilder &b, ClonedBody &body, mlir::ValueRange seeds,
                  mlir::ValueRange sources, mlir::ValueRange sums = {});

} // namespace linnet

#endif // LINNET_LIB_AUTODIFF_REVERSEMODE_H
