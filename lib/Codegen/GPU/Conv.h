//===- Conv.h - convolutions on GPUs ----------------------------*- C++ -*-===//
//
// Part of Linnet, under Apache-2.0 WITH LLVM-exception. See LICENSE.
//
// A convolution is a matrix product of a group's filters with what their windows see, columns being
// the positions of all images and k the pairs of channel and tap: the input is gathered through the
// windows on its way into workgroup memory. One channel a group has a form of its own, which puts
// pieces of images there once for all taps (WindowTile.h).
//
//===----------------------------------------------------------------------===//
#ifndef LINNET_LIB_CODEGEN_GPU_CONV_H
#define LINNET_LIB_CODEGEN_GPU_CONV_H

#include "../Conv.h"
#include "../Planes.h"
#include "GPUKernelFrame.h"

namespace linnet::codegen {

/// The operands and the results of a convolution in a kernel.
class ConvOperands {
public:
  ConvOperands(const Conv &c, GPUKernelFrame &frame)
      : c(c), f(frame), e(frame.e), epilogue(c.epilogue, frame) {}
  mlir::LogicalResult prepare();
  /// Stores the result of a filter (of all) at a position, given its sum.
  void finish(Value sum, Value batch, Value filter, llvm::ArrayRef<Value> at);

  const Conv &c;
  GPUKernelFrame &f;
  GPUEmitter &e;
  Planes input;
  View filter;
  ConvSizes sizes;
  mlir::LogicalResult status = mlir::success();

private:
  std::optional<View> bias;
  EpilogueEmitter epilogue;
};

mlir::LogicalResult emitConvProduct(const Conv &c, GPUKernelFrame &frame);
mlir::LogicalResult emitDepthwise(const Conv &c, GPUKernelFrame &frame);

} // namespace linnet::codegen

#endif // LINNET_LIB_CODEGEN_GPU_CONV_H
