//===- Contraction.h - matrix products on GPUs ------------------*- C++ -*-===//
//
// Part of Linnet, under Apache-2.0 WITH LLVM-exception. See LICENSE.
//
// A workgroup makes a tile of rows and columns (ProductTile.h): here is where its operands lie and
// what is done with its sums.
//
//===----------------------------------------------------------------------===//
#ifndef LINNET_LIB_CODEGEN_GPU_CONTRACTION_H
#define LINNET_LIB_CODEGEN_GPU_CONTRACTION_H

#include "../Contraction.h"
#include "ProductTile.h"

namespace linnet::codegen {

/// In `strategy`: whether tensor cores make the products (MmaTile.h).
inline constexpr llvm::StringLiteral kMma = "mma";

class GPUContraction {
public:
  GPUContraction(const Contraction &c, GPUKernelFrame &frame)
      : c(c), f(frame), e(frame.e), shape(GPUTile::of(frame)), epilogue(c.epilogue, frame) {}
  mlir::LogicalResult run();

private:
  /// One operand in memory.
  struct Side {
    bool isUnsigned = false;
    View view;
    llvm::SmallVector<Value> strides; ///< per loop dimension
    const DimGroup *group = nullptr;  ///< m or n
    Value size, first;                ///< of the group; the tile's first
    Value offset;                     ///< of the batch
    bool alongK = false;              ///< memory lies together along k
    int64_t wide = 1;                 ///< elements that one access takes
  };

  mlir::LogicalResult prepare();
  mlir::FailureOr<Side> side(const Operand &x, bool isUnsigned, const DimGroup &group);
  void findTile();
  void runOnTiles();
  void runOnTensorCores();
  Value stride(const Side &s, const DimGroup &group) {
    return group.empty() ? e.index(0) : s.strides[group.back()];
  }
  void fill(ProductTile &tile, const Side &s, const ProductTile::Side &to, Value from,
            Value offset);
  Values steps(ProductTile &tile);
  void finishAt(Value sum, Value row, Value column);

  const Contraction &c;
  GPUKernelFrame &f;
  GPUEmitter &e;
  const GPUTile shape;
  EpilogueEmitter epilogue;
  mlir::LogicalResult status = mlir::success();
  Values sizes; ///< per loop dimension
  Value m, n, k, outerK;
  Side a, b;
  Value row0, column0; ///< of the tile
  Values coordinates;  ///< per loop dimension: those of the batch
};

} // namespace linnet::codegen

#endif // LINNET_LIB_CODEGEN_GPU_CONTRACTION_H
