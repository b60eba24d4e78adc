//===- MmaTile.h - a workgroup's tile of a product by tensor cores -*- C++ -*-===//
//
// Part of Linnet, under Apache-2.0 WITH LLVM-exception. See LICENSE.
//
// Products of bf16 with sums in f32 by mma.sync.m16n8k16. Steps of k go through workgroup memory in
// words of two neighbours along k, [pairs of k][rows]: what a lane hands to an instruction are such
// words. Tiles are whole: who uses this has sizes that are their multiples.
//
//===----------------------------------------------------------------------===//
#ifndef LINNET_LIB_CODEGEN_GPU_MMATILE_H
#define LINNET_LIB_CODEGEN_GPU_MMATILE_H

#include "GPUKernelFrame.h"

namespace linnet::codegen {

class MmaTile {
public:
  static constexpr int64_t kRows = 128, kColumns = 128, kDepth = 32; ///< of a workgroup
  static constexpr int64_t kThreads = 256;
  /// Elements that lie together in memory, along k or along the rows, and are moved at once.
  static constexpr int64_t kWide = 8;

  explicit MmaTile(GPUEmitter &e);

  /// An operand in memory: the step of k from `from` on starts at `start(from)`.
  struct Source {
    View view;
    Value start;           ///< position of (0, 0) of the step
    Value strideK, stride; ///< along k, and along the rows or columns
    bool alongK = false;   ///< which of them is one
  };
  using Sources = std::pair<Source, Source>;

  /// Sums over all steps of k.
  Values steps(Value k, llvm::function_ref<Sources(Value from)> at);
  /// Calls `finish` for every element of the tile, positions within it, through workgroup memory.
  void finish(const Values &sums,
              llvm::function_ref<void(Value sum, Value row, Value column)> finish);

private:
  struct Side {
    int64_t length;
    Value memory;
  };
  static constexpr int64_t kWarpRows = 64, kWarpColumns = 32; ///< of a warp's tile
  static constexpr int64_t kAcross = kWarpRows / 16, kAlong = kWarpColumns / 8;
  static int64_t pitch(int64_t length) { return length + 8; } // lanes meet no bank twice
  void fill(const Side &s, const Source &from);
  Value elements(const Source &from, Value position);
  Value word(const Side &s, Value pair, Value row);
  Values products(Values sums, int64_t firstPair);

  GPUEmitter &e;
  Side a, b;
  Value warpRow, warpColumn; ///< where the warp's tile begins
  Value group, inGroup;      ///< of the lane: four lanes are a group
};

} // namespace linnet::codegen

#endif // LINNET_LIB_CODEGEN_GPU_MMATILE_H
