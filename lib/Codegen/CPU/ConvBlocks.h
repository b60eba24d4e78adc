//===- ConvBlocks.h - convolutions with the channel second ------*- C++ -*-===//
//
// Part of Linnet, under Apache-2.0 WITH LLVM-exception. See LICENSE.
//
// A matrix product whose columns are output positions and whose rows are filters. The input rows
// that a block of output rows needs are copied once, padded, into planes in scratch.
// There a tap of the filter is a constant shift of all positions, rows included: nothing is
// unfolded, and panels of columns run on across the ends of rows (what they compute there is
// dropped). A stride splits a plane into phases, so that within one the step is again 1.
//
// Channels last needs none of this: a tap is then a row of a plain contraction.
//
//===----------------------------------------------------------------------===//
#ifndef LINNET_LIB_CODEGEN_CPU_CONVBLOCKS_H
#define LINNET_LIB_CODEGEN_CPU_CONVBLOCKS_H

#include "../Conv.h"
#include "ContractionBlocks.h"

namespace linnet::codegen {

/// Sizes, blocks and scratch, by the same formulas at launch (LaunchBuilder) and in the code.
template <class Builder> struct ConvBlocks {
  Value rows, rowBlocks;       ///< output rows of a chunk
  Value filters, filterBlocks; ///< filters of a chunk
  Value width, height;         ///< of a plane
  Value plane, channel;        ///< elements of a plane, of a channel's planes
  Value chunks, bytesSums, bytesPlanes, work;
  ConvBlocks(Builder &b, const Conv &c, const ConvSizes &s);
};

mlir::LogicalResult emitConv(const Conv &c, KernelFrame &frame);

} // namespace linnet::codegen

#endif // LINNET_LIB_CODEGEN_CPU_CONVBLOCKS_H
