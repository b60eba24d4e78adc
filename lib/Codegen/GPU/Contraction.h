//===- Contraction.h - matrix products on GPUs ------------------*- C++ -*-===//
//
// Part of Linnet, under Apache-2.0 WITH LLVM-exception. See LICENSE.
//
// A workgroup makes a tile of rows and columns: steps of k go through workgroup memory, each thread
// keeps a register tile, whose parts lie apart so that neighbours read neighbouring words.
//
//===----------------------------------------------------------------------===//
#ifndef LINNET_LIB_CODEGEN_GPU_CONTRACTION_H
#define LINNET_LIB_CODEGEN_GPU_CONTRACTION_H

#include "../Contraction.h"
#include "GPUKernelFrame.h"

namespace linnet::codegen {

/// Sizes of a workgroup's and of a thread's tile.
struct GPUTile {
  int64_t rows = 64, columns = 64, depth = 16;
  int64_t threadRows = 4, threadColumns = 4;
  int64_t threads() const { return rows / threadRows * (columns / threadColumns); }
  /// By what is known of the sizes; those that are not are taken for large.
  static GPUTile choose(const Contraction &c, const GPUTarget &target);
  static GPUTile of(const KernelViews &frame);
};

class GPUContraction {
public:
  GPUContraction(const Contraction &c, GPUKernelFrame &frame)
      : c(c), f(frame), e(frame.e), tile(GPUTile::of(frame)), epilogue(c.epilogue, frame) {}
  mlir::LogicalResult run();

private:
  /// One operand's way into workgroup memory, [depth][pitch].
  struct Side {
    Type stored;
    bool isUnsigned = false;
    View view;
    llvm::SmallVector<Value> strides; ///< per loop dimension
    const DimGroup *group = nullptr;  ///< m or n
    Value size, first;                ///< of the group; the tile's first
    Value offset;                     ///< of the batch
    int64_t length = 0, pitch = 0;
    bool alongK = false; ///< memory lies together along k
    int64_t wide = 1;    ///< elements that one access takes
    Value memory;
  };

  mlir::LogicalResult prepare();
  mlir::FailureOr<Side> side(const Operand &x, Type stored, bool isUnsigned, const DimGroup &group,
                             int64_t length);
  void findTile();
  Value stride(const Side &s, const DimGroup &group) {
    return group.empty() ? e.index(0) : s.strides[group.back()];
  }
  void fill(const Side &s, Value from, Value offset);
  Values fetch(const Side &s, Value position, Value inK, Value inS);
  Values products(Values sums);
  Values steps();
  void finishDirectly(const Values &sums);
  void finishThroughMemory(const Values &sums);
  void finishAt(Value sum, Value row, Value column);
  Value rowOf(int64_t i);    ///< within the tile, of register row i
  Value columnOf(int64_t j); ///< likewise
  int64_t registers() const { return tile.threadRows * tile.threadColumns; }

  const Contraction &c;
  GPUKernelFrame &f;
  GPUEmitter &e;
  GPUTile tile;
  EpilogueEmitter epilogue;
  mlir::LogicalResult status = mlir::success();
  Values sizes; ///< per loop dimension
  Value m, n, k, outerK;
  Side a, b;
  Value row0, column0; ///< of the tile
  Value threadRow, threadColumn;
  Values coordinates; ///< per loop dimension: those of the batch
};

} // namespace linnet::codegen

#endif // LINNET_LIB_CODEGEN_GPU_CONTRACTION_H
