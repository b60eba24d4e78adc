//===- CrossEntropy.h - rows of logits --------------------------*- C++ -*-===//
//
// Part of Linnet, under Apache-2.0 WITH LLVM-exception. See LICENSE.
//
// What cross entropy and its gradient share on CPUs: a chunk is some rows of logits.
//
//===----------------------------------------------------------------------===//
#ifndef LINNET_LIB_CODEGEN_CPU_CROSSENTROPY_H
#define LINNET_LIB_CODEGEN_CPU_CROSSENTROPY_H

#include "../CrossEntropy.h"
#include "OpKernel.h"

namespace linnet::codegen {

/// Selects for the kernel of `op`, which has a fault site for targets that are no class.
mlir::LogicalResult selectLogitRows(exec::KernelOp kernel, mlir::Operation *op, Value logits,
                                    Value targets);
/// Calls `body` for every row of the frame's chunks.
void forLogitRows(KernelFrame &frame, const View &logits, llvm::function_ref<void(Value row)> body);

} // namespace linnet::codegen

#endif // LINNET_LIB_CODEGEN_CPU_CROSSENTROPY_H
