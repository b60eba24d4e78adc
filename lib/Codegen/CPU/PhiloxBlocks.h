//===- PhiloxBlocks.h - the kernels of random numbers on CPUs -*- C++ -*-===//
//
// Part of Linnet, under Apache-2.0 WITH LLVM-exception. See LICENSE.
//
//===----------------------------------------------------------------------===//
#ifndef LINNET_LIB_CODEGEN_CPU_PHILOXBLOCKS_H
#define LINNET_LIB_CODEGEN_CPU_PHILOXBLOCKS_H

#include "../Philox.h"
#include "linnet/Codegen/KernelFrame.h"

namespace linnet::codegen {

/// Selects for a kernel that makes a random number for each element of `result`: a chunk is some
/// blocks of Philox::kBlock elements.
mlir::LogicalResult selectPhilox(exec::KernelOp kernel, Value result);
/// Calls `body` for every block of the frame's chunks: the number of its first element and how many
/// elements of a tensor of these sizes there are from there on.
void forPhiloxBlocks(KernelFrame &frame, llvm::ArrayRef<Value> sizes,
                     llvm::function_ref<void(Value first, Value left)> body);

} // namespace linnet::codegen

#endif // LINNET_LIB_CODEGEN_CPU_PHILOXBLOCKS_H
