//===- Pool.h - poolings on GPUs --------------------------------*- C++ -*-===//
//
// Part of Linnet, under Apache-2.0 WITH LLVM-exception. See LICENSE.
//
//===----------------------------------------------------------------------===//
#ifndef LINNET_LIB_CODEGEN_GPU_POOL_H
#define LINNET_LIB_CODEGEN_GPU_POOL_H

#include "../Windows.h"
#include "PlaneKernel.h"
#include "WindowGather.h"

namespace linnet::codegen {

/// What all poolings share.
class PoolKernel : protected PlaneKernel {
public:
  PoolKernel(GPUKernelFrame &frame, const Windows &windows) : PlaneKernel(frame), c(windows) {}

protected:
  /// How many elements a window has, as f32; 1 for none.
  Value countOf(const Planes &on, llvm::ArrayRef<Value> window, bool padded);

  Windows c;
};

/// The strategy and the code of gradients of poolings.
mlir::LogicalResult selectPoolGrad(mlir::Operation *op, const Windows &c, exec::KernelOp kernel,
                                   const GPUTarget &target);
mlir::LogicalResult emitPoolGrad(mlir::Operation *op, const Windows &c, GPUKernelFrame &frame);

} // namespace linnet::codegen

#endif // LINNET_LIB_CODEGEN_GPU_POOL_H
