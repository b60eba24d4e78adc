//===- GPUProgram.h - what programs know of their target --------*- C++ -*-===//
//
// Part of Linnet, under Apache-2.0 WITH LLVM-exception. See LICENSE.
//
//===----------------------------------------------------------------------===//
#ifndef LINNET_CODEGEN_GPUPROGRAM_H
#define LINNET_CODEGEN_GPUPROGRAM_H

#include "linnet/IR/Exec.h"

namespace linnet::codegen {

/// On a module: the name of the GPU target that its kernels have strategies for; none: the CPU.
inline constexpr llvm::StringLiteral kTargetAttr = "linnet.target";

/// On a module: products may be made by tensor cores, as linnet-compile --tensor-cores asks.
inline constexpr llvm::StringLiteral kTensorCoresAttr = "linnet.tensor_cores";

/// On a module: its kernels compute positions in 64 bits, as linnet-compile --positions=wide asks.
inline constexpr llvm::StringLiteral kWidePositionsAttr = "linnet.wide_positions";

/// Behind the name of a kernel: its variant with positions of 64 bits.
inline constexpr llvm::StringLiteral kWideSuffix = "$wide";

inline bool isForGPU(exec::KernelOp kernel) { return kernel->getParentOp()->hasAttr(kTargetAttr); }

/// Whether a launch of a GPU kernel with a strategy asks for scratch.
bool hasScratch(exec::KernelOp kernel);

} // namespace linnet::codegen

#endif // LINNET_CODEGEN_GPUPROGRAM_H
