//===- ContractionBlocks.h - blocks of a matrix product ---------*- C++ -*-===//
//
// Part of Linnet, under Apache-2.0 WITH LLVM-exception. See LICENSE.
//
//===----------------------------------------------------------------------===//
#ifndef LINNET_LIB_CODEGEN_CPU_CONTRACTIONBLOCKS_H
#define LINNET_LIB_CODEGEN_CPU_CONTRACTIONBLOCKS_H

#include "../Contraction.h"
#include "linnet/Codegen/KernelFrame.h"

namespace linnet::codegen {

/// Rows of the register tile.
inline constexpr int64_t kTileRows = 6;
/// Up to so many rows, B is read where it lies instead of being packed first: where its columns are
/// contiguous (pairs of bf16 have to be interleaved and are packed for more than one tile), and
/// where k is.
inline constexpr int64_t kRowsUnpacked = 36, kRowsDot = 16;

/// What blocks and scratch depend on besides the sizes.
struct BlockLimits {
  int64_t rows = 240, columns = 256, depth = 512;
  int64_t panel = 64, bytesA = 4, bytesB = 4, bytesCompute = 4;
  bool packA = false, packB = false;
  bool wide = false; ///< packing A costs more than packing B
  static BlockLimits of(const Contraction &c, bool panels);
};

/// Blocks and scratch of a contraction. The launch region (LaunchBuilder) and the code of every
/// CPU level (Emitter) compute them by the same formulas, from sizes only.
template <class Builder> struct Blocks {
  Value rows, columns, depth;    ///< of a block; rows by kTileRows, columns by panels
  Value mBlocks, nBlocks, steps; ///< steps: blocks of k times the outer dimensions of k
  Value kBlocks, chunks;
  Value tileA;                  ///< elements of a tile of A as packed
  Value bytesA, bytesB, bytesC; ///< scratch for packed A, packed B, sums
  Blocks(Builder &b, Value m, Value n, Value k, Value outerK, Value batch,
         const BlockLimits &limits);
};

} // namespace linnet::codegen

#endif // LINNET_LIB_CODEGEN_CPU_CONTRACTIONBLOCKS_H
