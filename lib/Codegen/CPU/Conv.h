//===- Conv.h - convolutions with the channel second ------------*- C++ -*-===//
//
// Part of Linnet, under Apache-2.0 WITH LLVM-exception. See LICENSE.
//
// y[b, f, p...] = epilogue(sum over c, r... of x[b, c, p*stride + r*dilation - pad] * w[f, c,
// r...]) as a matrix product whose columns are output positions and whose rows are filters. The
// input rows that a block of output rows needs are copied once, padded, into planes in scratch.
// There a tap of the filter is a constant shift of all positions, rows included: nothing is
// unfolded, and panels of columns run on across the ends of rows (what they compute there is
// dropped). A stride splits a plane into phases, so that within one the step is again 1.
//
// Channels last needs none of this: a tap is then a row of a plain contraction.
//
//===----------------------------------------------------------------------===//
#ifndef LINNET_LIB_CODEGEN_CPU_CONV_H
#define LINNET_LIB_CODEGEN_CPU_CONV_H

#include "ContractionBlocks.h"
#include <array>

namespace linnet::codegen {

struct Conv {
  mlir::Operation *op = nullptr;
  Value input, filter, bias; ///< views; bias may be null
  unsigned spatial = 0;      ///< 1 to 3; the arrays below are filled up in front
  std::array<int64_t, 3> kernel{1, 1, 1}, stride{1, 1, 1}, dilation{1, 1, 1}, pad{0, 0, 0};
  int64_t groups = 1;
  bool depthwise = false; ///< the filter is [channel, r...]; groups is not used
  Type element, compute;
  Epilogue epilogue;

  static mlir::FailureOr<Conv> match(exec::KernelOp kernel);
  Value result() const { return op->getResult(0); }
  /// Dimension of a tensor for spatial dimension i of 3, or none where it is filled up.
  std::optional<unsigned> dim(unsigned i, unsigned first = 2) const {
    return i + spatial < 3 ? std::nullopt : std::optional<unsigned>(first + i + spatial - 3);
  }
  /// Phases of dimension i that the filter reaches, and by how much it shifts within one.
  int64_t phases(unsigned i) const;
  int64_t reach(unsigned i) const { return (kernel[i] - 1) * dilation[i] / stride[i]; }
  int64_t taps() const { return kernel[0] * kernel[1] * kernel[2]; }

private:
  mlir::LogicalResult matchConv();
  mlir::LogicalResult matchLinalg();
  mlir::LogicalResult throughPad(Value tensor);
};

/// Sizes, blocks and scratch, by the same formulas at launch (LaunchBuilder) and in the code.
template <class Builder> struct ConvBlocks {
  struct Sizes {
    Value batch, groups, channels, filters; ///< channels and filters per group
    std::array<Value, 3> out;
  };
  Value rows, rowBlocks;       ///< output rows of a chunk
  Value filters, filterBlocks; ///< filters of a chunk
  Value width, height;         ///< of a plane
  Value plane, channel;        ///< elements of a plane, of a channel's planes
  Value chunks, bytesSums, bytesPlanes, work;
  ConvBlocks(Builder &b, const Conv &c, const Sizes &s);
};

mlir::LogicalResult emitConv(const Conv &c, KernelFrame &frame);

} // namespace linnet::codegen

#endif // LINNET_LIB_CODEGEN_CPU_CONV_H
