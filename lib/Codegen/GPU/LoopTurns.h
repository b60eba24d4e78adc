//===- LoopTurns.h - drivers that end loops before their time ---*- C++ -*-===//
//
// Part of Linnet, under Apache-2.0 WITH LLVM-exception. See LICENSE.
//
//===----------------------------------------------------------------------===//
#ifndef LINNET_LIB_CODEGEN_GPU_LOOPTURNS_H
#define LINNET_LIB_CODEGEN_GPU_LOOPTURNS_H

#include "GPUKernelFrame.h"

namespace linnet::codegen {

/// Gives a kernel with a strategy a fault site for that, where the target has such drivers and the
/// kernel may make many turns.
void declareTurnsSite(exec::KernelOp kernel, const GPUTarget &target);
/// At the end of a kernel: a fault there, if its loops were ended early.
void checkTurns(GPUKernelFrame &frame);

} // namespace linnet::codegen

#endif // LINNET_LIB_CODEGEN_GPU_LOOPTURNS_H
