//===- LateReaders.h - what a later stage makes again -----------*- C++ -*-===//
//
// Part of Linnet, under Apache-2.0 WITH LLVM-exception. See LICENSE.
//
//===----------------------------------------------------------------------===//
#ifndef LINNET_LIB_PROGRAM_LATEREADERS_H
#define LINNET_LIB_PROGRAM_LATEREADERS_H

#include "mlir/IR/Block.h"
#include "mlir/IR/Operation.h"

namespace linnet {

/// How many products, convolutions and structured ops lie one behind the other before an op. A
/// reader of a later stage than the maker shares no dispatch with it: what it reads is kept in
/// memory until then, in a train step from forward to backward.
class Stages {
public:
  explicit Stages(mlir::Block &block);
  bool isLater(mlir::Operation *reader, mlir::Operation *maker) const {
    return before.lookup(reader) > before.lookup(maker);
  }
  bool isMuchLater(mlir::Operation *op, mlir::Operation *other) const {
    return before.lookup(op) > before.lookup(other) + 1;
  }

private:
  llvm::DenseMap<mlir::Operation *, unsigned> before;
};

/// Late readers of a value that is an elementwise function of one tensor read that tensor and
/// compute the value again, if so nothing has to store it.
void recomputeForLateReaders(mlir::Operation *root);

/// The same for late products, where an epilogue that reads that tensor can make the value too.
void recomputeInEpilogues(mlir::Operation *root);

/// Late readers of what `transpose` views read `copy`, which holds it transposed, through the
/// opposite view: only one of both is kept.
void readThroughCopy(mlir::Operation *transpose, mlir::Value copy, const Stages &stages);

} // namespace linnet

#endif // LINNET_LIB_PROGRAM_LATEREADERS_H
