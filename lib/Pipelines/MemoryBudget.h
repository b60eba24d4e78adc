//===- MemoryBudget.h - what a planned program needs ------------*- C++ -*-===//
//
// Part of Linnet, under Apache-2.0 WITH LLVM-exception. See LICENSE.
//
//===----------------------------------------------------------------------===//
#ifndef LINNET_LIB_PIPELINES_MEMORYBUDGET_H
#define LINNET_LIB_PIPELINES_MEMORYBUDGET_H

#include "linnet/IR/Exec.h"
#include "mlir/IR/BuiltinOps.h"

namespace linnet {

/// Bytes of arguments, results, states, constants, arena and scratch of `threads` threads. Fails,
/// with an error, where a size is not known.
mlir::FailureOr<int64_t> plannedBytes(mlir::ModuleOp module, exec::ProgramOp program,
                                      unsigned threads);

} // namespace linnet

#endif // LINNET_LIB_PIPELINES_MEMORYBUDGET_H
