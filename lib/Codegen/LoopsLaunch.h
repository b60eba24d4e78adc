//===- LoopsLaunch.h - the launch of a loops kernel -------------*- C++ -*-===//
//
// Part of Linnet, under Apache-2.0 WITH LLVM-exception. See LICENSE.
//
//===----------------------------------------------------------------------===//
#ifndef LINNET_LIB_CODEGEN_LOOPSLAUNCH_H
#define LINNET_LIB_CODEGEN_LOOPSLAUNCH_H

#include "LoopsPlan.h"
#include "linnet/Codegen/KernelEmitter.h"

namespace linnet::codegen {

/// In memory.
int64_t bytesOfElement(mlir::Type element);
/// Arithmetic ops per iteration of every op, over its iterations.
mlir::Value countLoopsFlops(exec::KernelOp kernel, LaunchBuilder &b);
/// Of all arguments and results.
mlir::Value countLoopsBytes(exec::KernelOp kernel, LaunchBuilder &b);
/// Writes `faults`, and what the runtime says of each site.
void declareFaults(exec::KernelOp kernel, const LoopsPlan &plan);

/// The outer loops of a plan, merged ones as one: their sizes, and the loop that stands for each.
/// Builder: LaunchBuilder, or what writes the kernel.
template <typename Builder>
void mergeAxes(const LoopsPlan &plan, Builder &b,
               llvm::function_ref<mlir::Value(const SizeOf &)> size,
               llvm::SmallVectorImpl<mlir::Value> &axes, llvm::SmallVectorImpl<unsigned> &loops) {
  for (unsigned i = 0; i < plan.outer; ++i) {
    mlir::Value n = size(plan.outerSizes[i]);
    if (i && plan.merged[i - 1]) {
      axes.back() = b.mul(axes.back(), n);
      loops.back() = i;
    } else {
      axes.push_back(n);
      loops.push_back(i);
    }
  }
}

} // namespace linnet::codegen

#endif // LINNET_LIB_CODEGEN_LOOPSLAUNCH_H
