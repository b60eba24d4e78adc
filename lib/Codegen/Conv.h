//===- Conv.h - convolutions with the channel second ------------*- C++ -*-===//
//
// Part of Linnet, under Apache-2.0 WITH LLVM-exception. See LICENSE.
//
// y[b, f, p...] = epilogue(sum over c, r... of x[b, c, p*stride + r*dilation - low] * w[f, c,
// r...]).
//
// Channels last needs none of this: a tap is then a row of a plain contraction.
//
//===----------------------------------------------------------------------===//
#ifndef LINNET_LIB_CODEGEN_CONV_H
#define LINNET_LIB_CODEGEN_CONV_H

#include "Epilogue.h"
#include "Windows.h"
#include "linnet/IR/LinnetOps.h"

namespace linnet::codegen {

struct Conv : Windows {
  mlir::Operation *op = nullptr;
  Value input, filter, bias; ///< views; bias may be null
  int64_t groups = 1;
  bool depthwise = false; ///< the filter is [channel, r...]; groups is not used
  Type element, compute;
  Epilogue epilogue;

  static mlir::FailureOr<Conv> match(exec::KernelOp kernel);
  Value result() const { return op->getResult(0); }
  /// Dimension of the filter where the taps start.
  unsigned firstTap() const { return depthwise ? 1 : 2; }

private:
  mlir::LogicalResult matchConv();
  mlir::LogicalResult matchLinalg();
  mlir::LogicalResult throughPad(Value tensor);
};

/// The convolution whose filter has a gradient.
struct FilterGrad : Windows {
  explicit FilterGrad(ConvFilterGradOp op)
      : Windows(op, op.getResult().getType().getShape().drop_front(2)), op(op),
        groups(op.getGroups()) {}
  mutable ConvFilterGradOp op; ///< a handle without const methods
  int64_t groups;
};

struct ConvSizes {
  Value batch, groups, channels, filters; ///< channels and filters per group
  std::array<Value, 3> out;
  Value outputs; ///< elements of the result (of a filter's gradient: per filter); of launches

  /// In its launch; failure (with a diagnostic) when one is no expression of the arguments.
  static mlir::FailureOr<ConvSizes> of(LaunchBuilder &b, const Conv &c);
  static mlir::FailureOr<ConvSizes> of(LaunchBuilder &b, const FilterGrad &c);
  /// In its code.
  static ConvSizes of(KernelViews &frame, const Conv &c, const View &input, const View &filter);
  /// Of input, filter and result.
  Value bytes(LaunchBuilder &b, const Conv &c) const;
};

} // namespace linnet::codegen

#endif // LINNET_LIB_CODEGEN_CONV_H
