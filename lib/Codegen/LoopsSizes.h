//===- LoopsSizes.h - which loops of a kernel run equally far ---*- C++ -*-===//
//
// Part of Linnet, under Apache-2.0 WITH LLVM-exception. See LICENSE.
//
//===----------------------------------------------------------------------===//
#ifndef LINNET_LIB_CODEGEN_LOOPSSIZES_H
#define LINNET_LIB_CODEGEN_LOOPSSIZES_H

#include "LoopsPlan.h"

namespace linnet::codegen {

/// How many of the first `outer` loops are known to have one size in all stages. Stages that read
/// each other share loops; others may have nothing in common but what both read.
unsigned countEqualLoops(mlir::Block &body, llvm::ArrayRef<Stage> stages, unsigned outer);

} // namespace linnet::codegen

#endif // LINNET_LIB_CODEGEN_LOOPSSIZES_H
