//===- LoopsPlan.h - how a loops kernel is cut into stages ------*- C++ -*-===//
//
// Part of Linnet, under Apache-2.0 WITH LLVM-exception. See LICENSE.
//
// The body of a loops kernel is a graph of ops that share `outer` parallel loops, the points.
// At every point the stages run in order: a stage is an op with loops of its own; every other op
// is evaluated inside the stages that read it. The plan is the same for every CPU.
//
//===----------------------------------------------------------------------===//
#ifndef LINNET_LIB_CODEGEN_LOOPSPLAN_H
#define LINNET_LIB_CODEGEN_LOOPSPLAN_H

#include "linnet/IR/Exec.h"
#include "mlir/Dialect/Linalg/IR/Linalg.h"
#include "mlir/Dialect/Tensor/IR/Tensor.h"
#include "llvm/ADT/MapVector.h"

namespace linnet::codegen {

/// A size: dimension `dim` of `tensor`.
struct SizeOf {
  mlir::Value tensor;
  unsigned dim = 0;
};

/// The loops of a linalg op, or of a tensor op that fills its result element by element.
struct OpLoops {
  explicit OpLoops(mlir::Operation *op);
  /// One parallel loop per dimension of a tensor.
  explicit OpLoops(mlir::Value tensor);
  mlir::Operation *op = nullptr;
  llvm::SmallVector<bool> reduction;          ///< per loop
  llvm::SmallVector<SizeOf> sizes;            ///< per loop
  llvm::SmallVector<mlir::AffineMap> results; ///< loops to coordinates, per result
  unsigned rank() const { return sizes.size(); }
  bool isParallel() const { return !llvm::is_contained(reduction, true); }
  /// The map of a tensor operand; null where the op computes the coordinates itself.
  mlir::AffineMap map(mlir::OpOperand &operand) const;
};

/// Where the result of a stage lives.
enum class Place {
  Register, ///< one value per point
  Scratch,  ///< the inner coordinates of one point
  Output    ///< the memory of a result of the kernel
};

struct Stage {
  mlir::Operation *op = nullptr;
  /// Without an op: the tensor that is copied to a result.
  mlir::Value copied;
  /// Emitted inside the first stage that reads it, at the same coordinates.
  bool deferred = false;
};

struct LoopsPlan {
  unsigned outer = 0;
  /// Vectors run along the last outer loop (a point per lane), else along an inner loop.
  bool lanesAreOuter = false;
  /// Outer loop i is one with loop i + 1: every access runs through both without a gap.
  llvm::SmallVector<bool> merged;
  llvm::SmallVector<SizeOf> outerSizes;
  llvm::SmallVector<Stage> stages;
  llvm::MapVector<mlir::Value, Place> places; ///< of every stage result
  llvm::SmallVector<mlir::Value> scratch;     ///< the values in scratch, in order
  llvm::SmallVector<mlir::Value> stored;      ///< per result: the tensor to store there, or null
  /// Values in scratch that are copied to their results behind all stages of a point: a stage
  /// that follows may still read the argument in whose memory the result lies.
  llvm::SmallVector<mlir::Value> late;
  /// The last stage, where it can run one point later, along the loop of the stage `host`: see
  /// LoopsPipeline.cpp.
  mlir::Operation *trailing = nullptr, *host = nullptr;
  llvm::DenseMap<mlir::Operation *, unsigned> sites; ///< tensor.extract, cf.assert to fault site
};

/// Whether the loops emitter knows every op of the body.
bool canEmitLoops(exec::KernelOp kernel);
LoopsPlan planLoops(exec::KernelOp kernel);
/// The loop that vectors of a stage run along in a plan without outer lanes; -1: none.
int laneLoop(const LoopsPlan &plan, const OpLoops &loops);
/// The op that combines a partial result with the running one in reduction `result`, or null when
/// the region is not of that form.
mlir::Operation *findCombiner(mlir::Operation *op, unsigned result);
/// Whether every access of op goes through loops `loop` and `loop + 1` as through one.
bool runsThrough(mlir::Operation *op, unsigned loop);
/// A value and an index that are chosen together (argmax and the like).
bool isArgReduction(mlir::Operation *op);

} // namespace linnet::codegen

#endif // LINNET_LIB_CODEGEN_LOOPSPLAN_H
