//===- GPUOpKernel.h - GPU kernels of one structured op ---------*- C++ -*-===//
//
// Part of Linnet, under Apache-2.0 WITH LLVM-exception. See LICENSE.
//
//===----------------------------------------------------------------------===//
#ifndef LINNET_LIB_CODEGEN_GPU_GPUOPKERNEL_H
#define LINNET_LIB_CODEGEN_GPU_GPUOPKERNEL_H

#include "../OneOp.h"
#include "GPUKernelFrame.h"

namespace linnet::codegen {

/// The emitter of kernels that are one op: `select` decides for the op, `Kernel(op, frame).emit()`
/// writes the code of a workgroup.
template <typename Op, typename Kernel> class GPUOpEmitter final : public GPUKernelEmitter {
public:
  using Select = mlir::LogicalResult (*)(Op op, exec::KernelOp kernel, const GPUTarget &target);
  using Accepts = bool (*)(Op op);
  /// `accepts` says which of the ops it takes; null: all.
  explicit GPUOpEmitter(Select choose, Accepts accepts = nullptr)
      : choose(choose), accepts(accepts) {}
  llvm::StringRef getName() const override { return Op::getOperationName().rsplit('.').second; }
  bool match(exec::KernelOp kernel) const override {
    Op op = findOnly<Op>(kernel);
    return op && (!accepts || accepts(op));
  }
  mlir::LogicalResult select(exec::KernelOp kernel, const GPUTarget &target) const override {
    return choose(findOnly<Op>(kernel), kernel, target);
  }
  mlir::LogicalResult emit(exec::KernelOp kernel, GPUKernelFrame &frame) const override {
    return Kernel(findOnly<Op>(kernel), frame).emit();
  }

private:
  Select choose;
  Accepts accepts;
};

} // namespace linnet::codegen

#endif // LINNET_LIB_CODEGEN_GPU_GPUOPKERNEL_H
