//===- ProductTile.h - a workgroup's tile of a matrix product ---*- C++ -*-===//
//
// Part of Linnet, under Apache-2.0 WITH LLVM-exception. See LICENSE.
//
// What matrix products and convolutions share: steps of k go through workgroup memory, each thread
// keeps a register tile, whose parts lie apart so that neighbours read neighbouring words. Where
// operands come from and where sums go is the affair of who uses it.
//
//===----------------------------------------------------------------------===//
#ifndef LINNET_LIB_CODEGEN_GPU_PRODUCTTILE_H
#define LINNET_LIB_CODEGEN_GPU_PRODUCTTILE_H

#include "GPUKernelFrame.h"

namespace linnet::codegen {

/// Sizes of a workgroup's and of a thread's tile.
struct GPUTile {
  int64_t rows = 64, columns = 64, depth = 16;
  int64_t threadRows = 4, threadColumns = 4;
  /// Parts of a workgroup that make the same tile, each of some of the steps of k; at the end their
  /// sums meet in order.
  int64_t slices = 1;
  int64_t threadsOfSlice() const { return rows / threadRows * (columns / threadColumns); }
  int64_t threads() const { return slices * threadsOfSlice(); }
  /// For `batch` products of `m` rows and `n` columns. `narrow`: sums have up to 32 bits.
  static GPUTile choose(int64_t m, int64_t n, int64_t batch, bool narrow, const GPUTarget &target);
  /// The same where `k` may be large and tiles few: smaller ones, which slices make together.
  static GPUTile chooseDeep(int64_t m, int64_t n, int64_t k, int64_t batch, bool narrow,
                            const GPUTarget &target);
  static GPUTile of(const KernelViews &frame);
  /// Into `strategy`, with the number of threads.
  void select(exec::KernelOp kernel,
              llvm::ArrayRef<std::pair<llvm::StringRef, int64_t>> more = {}) const;
  Value chunks(LaunchBuilder &b, Value batch, Value m, Value n) const;
};

class ProductTile {
public:
  ProductTile(GPUEmitter &e, GPUTile tile, Type compute);

  /// An operand in workgroup memory, [depth][pitch].
  struct Side {
    int64_t length = 0, pitch = 0;
    Value memory;
  };
  const GPUTile shape;
  Side a, b;

  /// Puts an operand's step there. Accesses of `wide` elements run along k or along the rows or
  /// columns; `fetch` gives the elements from (inK, inS) of the tile on. A thread asks for one inS
  /// (along k: one inK) only.
  void fill(const Side &s, bool alongK, int64_t wide,
            llvm::function_ref<Values(Value inK, Value inS)> fetch);
  /// `wide` elements of a view as they are multiplied; where `inside` says no there is zero.
  Values fetch(const View &v, Value position, int64_t wide, bool isUnsigned,
               llvm::function_ref<Value(int64_t)> inside);

  Values zeros() { return Values(registers(), e.zero(compute)); }
  /// Adds the products of all steps of k to `sums`. `fill` puts the one from `from` on into
  /// workgroup memory.
  Values steps(Value k, ValueRange sums, llvm::function_ref<void(Value from)> fill);

  using Finish = llvm::function_ref<void(Value sum, Value row, Value column)>;
  /// Calls `finish` for every element of the tile, positions within it.
  void finishDirectly(const Values &sums, Finish finish);
  /// The same through workgroup memory, where neighbouring threads then find neighbouring columns,
  /// and `finish` is written fewer times.
  void finishThroughMemory(const Values &sums, Finish finish);

private:
  Values products(Values sums);
  Value rowOf(int64_t i);    ///< within the tile, of register row i
  Value columnOf(int64_t j); ///< likewise
  void finishSlices(const Values &sums, Finish finish);
  int64_t registers() const { return shape.threadRows * shape.threadColumns; }

  GPUEmitter &e;
  Type compute;
  Value slice, threadRow, threadColumn;
};

} // namespace linnet::codegen

#endif // LINNET_LIB_CODEGEN_GPU_PRODUCTTILE_H
