//===- Resizing.h - positions of interpolation ------------------*- C++ -*-===//
//
// Part of Linnet, under Apache-2.0 WITH LLVM-exception. See LICENSE.
//
//===----------------------------------------------------------------------===//
#ifndef LINNET_LIB_CODEGEN_RESIZING_H
#define LINNET_LIB_CODEGEN_RESIZING_H

#include "OneOp.h"
#include "linnet/IR/LinnetOps.h"

namespace linnet::codegen {

/// How a resized dimension of `out` elements reads one of `in`, which is not empty.
struct Resizing {
  ResizeMode mode;
  ResizePosition position;
  bool isLinear() const { return mode == ResizeMode::linear; }

  /// Where an element reads: `index`, and with `weight` the next one.
  struct Source {
    Value index, weight;
  };
  /// `whole`: the integers that become weights.
  Source locate(CodeBuilder &e, Value d, Value in, Value out, Type whole) const;
  /// The first element whose `index` is `i` or above, for i in [0, in]; `out` where none is.
  Value firstFrom(CodeBuilder &e, Value i, Value in, Value out) const;
};

/// The resize or the gradient of one that is all of the kernel; null: the kernel is something else.
inline mlir::Operation *findResize(exec::KernelOp kernel) {
  return findOnlyOp(kernel, llvm::IsaPred<ResizeOp, ResizeGradOp>);
}

/// Writes the code of such a kernel; `Kernel` has one way for each of the two.
template <typename Kernel, typename Frame>
mlir::LogicalResult emitResize(exec::KernelOp kernel, Frame &frame) {
  mlir::Operation *op = findResize(kernel);
  if (auto grad = mlir::dyn_cast<ResizeGradOp>(op))
    return Kernel(frame, {grad.getMode(), grad.getPosition()}).emitGrad(grad);
  auto resize = mlir::cast<ResizeOp>(op);
  return Kernel(frame, {resize.getMode(), resize.getPosition()}).emitForward(resize);
}

} // namespace linnet::codegen

#endif // LINNET_LIB_CODEGEN_RESIZING_H
