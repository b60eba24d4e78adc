//===- PlaneKernel.h - poolings and resizings on GPUs -----------*- C++ -*-===//
//
// Part of Linnet, under Apache-2.0 WITH LLVM-exception. See LICENSE.
//
// What kernels that make planes from planes share. A plane has a number, batch by channel.
//
//===----------------------------------------------------------------------===//
#ifndef LINNET_LIB_CODEGEN_GPU_PLANEKERNEL_H
#define LINNET_LIB_CODEGEN_GPU_PLANEKERNEL_H

#include "../OneOp.h"
#include "../Planes.h"
#include "GPUKernelFrame.h"

namespace linnet::codegen {

class PlaneKernel {
protected:
  explicit PlaneKernel(GPUKernelFrame &frame) : f(frame), e(frame.e) {}
  mlir::LogicalResult bind(Value operand, Value result);
  Value load(const Planes &planes, Value position) { return loadFloat(e, planes.view, position); }
  void store(Value x, const Planes &planes, Value position) {
    f.store(e.convert(x, planes.view.element), planes.view, position);
  }
  Value planesOf(const Planes &planes) { return e.mul(planes.view.sizes[0], planes.view.sizes[1]); }
  Value baseOf(const Planes &planes, Value plane);
  Value positionOf(const Planes &planes, Value plane, llvm::ArrayRef<Value> at);

  GPUKernelFrame &f;
  GPUEmitter &e;
  Planes from, to;
};

/// Sizes of a tensor's spatial dimensions, filled up in front; kDynamic: not known.
std::array<int64_t, 3> staticPlane(Value tensor);
/// The same for a launch.
std::array<Value, 3> planeSizes(LaunchBuilder &b, Value tensor);
/// A power of two that covers `size` (kDynamic: not known), `most` at most.
int64_t powerWithin(int64_t size, int64_t most);

} // namespace linnet::codegen

#endif // LINNET_LIB_CODEGEN_GPU_PLANEKERNEL_H
