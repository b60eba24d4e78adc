//===- Grouping.h - which ops share a dispatch ------------------*- C++ -*-===//
//
// Part of Linnet, under Apache-2.0 WITH LLVM-exception. See LICENSE.
//
//===----------------------------------------------------------------------===//
#ifndef LINNET_LIB_PROGRAM_GROUPING_H
#define LINNET_LIB_PROGRAM_GROUPING_H

#include "linnet/Program/KernelContract.h"
#include "llvm/ADT/MapVector.h"

namespace linnet {

/// Ops of one block that become one dispatch, in the order of the block.
struct DispatchGroup {
  KernelClass kind = KernelClass::Loops;
  llvm::SmallVector<mlir::Operation *> ops;
};

/// An op that works on tensors and needs a dispatch.
bool isCompute(mlir::Operation *op);

/// The groups of a block (not of the blocks nested in it), none of which depends on itself
/// through ops outside of it.
std::vector<DispatchGroup> formGroups(mlir::Block &block);

} // namespace linnet

#endif // LINNET_LIB_PROGRAM_GROUPING_H
