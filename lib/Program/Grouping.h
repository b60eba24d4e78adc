//===- Grouping.h - which ops share a dispatch ------------------*- C++ -*-===//
//
// Part of Linnet, under Apache-2.0 WITH LLVM-exception. See LICENSE.
//
//===----------------------------------------------------------------------===//
#ifndef LINNET_LIB_PROGRAM_GROUPING_H
#define LINNET_LIB_PROGRAM_GROUPING_H

#include "linnet/Program/KernelContract.h"
#include "llvm/ADT/MapVector.h"
#include "llvm/ADT/STLFunctionalExtras.h"

namespace linnet {

/// Ops of one block that become one dispatch, in the order of the block.
struct DispatchGroup {
  KernelClass kind = KernelClass::Loops;
  llvm::SmallVector<mlir::Operation *> ops;
};

/// The most tensors that fusion gives a dispatch to read and write, on all targets alike. A Vulkan
/// device may bind as few as 32 buffers to a kernel, of which scratch, faults and scalars take one
/// each.
inline constexpr unsigned kMaxTensors = 29;

/// Calls `visit` for the values from outside of the op that it or its regions use, each once.
void forEachExternalOperand(mlir::Operation *op, llvm::function_ref<void(mlir::Value)> visit);

/// What is written out in every body that uses it, unless the body's dispatch is for it: constants,
/// destinations, fills, strided views and float arithmetic.
bool belongsInBodies(mlir::Operation *op);

/// An op that works on tensors and needs a dispatch.
bool isCompute(mlir::Operation *op);

/// The groups of a block (not of the blocks nested in it), none of which depends on itself
/// through ops outside of it.
std::vector<DispatchGroup> formGroups(mlir::Block &block);

} // namespace linnet

#endif // LINNET_LIB_PROGRAM_GROUPING_H
