//===- Lifetimes.h - when arena buffers are live, and how large -*- C++ -*-===//
//
// Part of Linnet, under Apache-2.0 WITH LLVM-exception. See LICENSE.
//
//===----------------------------------------------------------------------===//
#ifndef LINNET_PROGRAM_LIFETIMES_H
#define LINNET_PROGRAM_LIFETIMES_H

#include "linnet/IR/Exec.h"
#include "mlir/Dialect/Affine/IR/AffineOps.h"
#include "mlir/Dialect/Func/IR/FuncOps.h"
#include "mlir/Dialect/Tensor/IR/Tensor.h"
#include "llvm/ADT/DenseMap.h"

namespace linnet {

/// An arena buffer is live from the op `first` to the op `last` of the block of its `exec.ref`,
/// with everything in them. Null when nothing uses it.
struct Lifetime {
  mlir::Operation *first = nullptr, *last = nullptr;
};
Lifetime getLifetime(exec::RefOp ref);

/// The ops of a program in the order in which they run, loops once: an op and all that is in it
/// has the steps `first` to `last`.
class Steps {
public:
  explicit Steps(exec::ProgramOp program) { number(program); }
  std::pair<int32_t, int32_t> of(mlir::Operation *op) const { return steps.lookup(op); }

private:
  void number(mlir::Operation *op);
  llvm::DenseMap<mlir::Operation *, std::pair<int32_t, int32_t>> steps;
  int32_t next = 0;
};

/// The arena buffers that are live where the most bytes are, of a program with planned memory.
struct LiveSet {
  struct Buffer {
    exec::RefOp ref;
    mlir::Operation *maker = nullptr; ///< the first run, copy, ... that uses it
    int64_t bytes = 0;
  };
  int64_t bytes = 0;
  mlir::Operation *at = nullptr;     ///< the run, copy, ... at that moment
  llvm::SmallVector<Buffer> buffers; ///< the largest first
};
LiveSet findLargestLiveSet(exec::ProgramOp program);

/// Bounds of sizes when every symbol is between its min and its max.
class SizeBounds {
public:
  static constexpr int64_t unbounded = INT64_MAX;
  struct Range {
    int64_t lo = 0, hi = unbounded;
  };
  SizeBounds() = default;
  explicit SizeBounds(exec::ProgramOp program);
  /// Of a function over dispatches, whose arguments have sizes by `linnet.dims`.
  explicit SizeBounds(mlir::func::FuncOp func);
  Range of(mlir::Value v);
  /// Says what a value is between that is not computed from sizes.
  void set(mlir::Value v, Range range) { known[v] = range; }
  /// The largest value; -1 when there is none.
  int64_t maximum(mlir::Value v);

private:
  Range compute(mlir::Operation *op);
  Range ofDim(mlir::tensor::DimOp op) const;
  Range evaluate(mlir::AffineExpr expr, mlir::affine::AffineApplyOp op);
  llvm::DenseMap<mlir::Value, Range> known;
  llvm::DenseMap<std::pair<mlir::Value, int64_t>, Range> dims; ///< of arguments
};

} // namespace linnet

#endif // LINNET_PROGRAM_LIFETIMES_H
