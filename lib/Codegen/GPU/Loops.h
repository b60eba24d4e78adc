//===- Loops.h - elementwise ops and reductions on GPUs ---------*- C++ -*-===//
//
// Part of Linnet, under Apache-2.0 WITH LLVM-exception. See LICENSE.
//
// The stages of a loops kernel (LoopsPlan.h) are spread over threads in one of two ways:
//
//   points  a thread does a point, or four that lie together, alone: elementwise ops, and
//           reductions over outer dimensions, whose neighbours in memory are other points;
//   rows    the threads of a workgroup do a point together: softmax, norms, reductions along what
//           lies together. Values that a stage hands to the next lie in workgroup memory.
//
//===----------------------------------------------------------------------===//
#ifndef LINNET_LIB_CODEGEN_GPU_LOOPS_H
#define LINNET_LIB_CODEGEN_GPU_LOOPS_H

#include "../LoopsEvaluator.h"
#include "GPUKernelFrame.h"

namespace linnet::codegen {

/// What select() decides about a loops kernel.
struct GPULoopsForm {
  bool rows = false;
  int64_t threads = 256;
  /// Points that a thread does at once, along the last outer loop; rows: elements along a row.
  int64_t wide = 1;
  /// Per value of plan.scratch: it lies in workgroup memory (rows), else in the launch's scratch.
  llvm::SmallVector<bool> shared;
  static GPULoopsForm choose(exec::KernelOp kernel, const LoopsPlan &plan, const GPUTarget &target);
};

/// Sizes that the launch and the kernel compute alike.
struct GPULoopsShape {
  llvm::SmallVector<Value> axes;
  llvm::SmallVector<unsigned> axisLoops;
  Value blocks;                   ///< of `wide` points in a row of the last axis
  Value units;                    ///< what a thread (points) or a workgroup (rows) does at once
  llvm::SmallVector<Value> words; ///< of a point's value, per value of plan.scratch
  Value points;
};

class GPULoopsEmitter : LoopsEvaluator {
public:
  GPULoopsEmitter(GPUKernelFrame &frame, const LoopsPlan &plan, const GPULoopsForm &form)
      : LoopsEvaluator(frame, plan), f(frame), e(frame.e), form(form) {}
  mlir::LogicalResult run();

private:
  using Body = llvm::function_ref<void(llvm::ArrayRef<Lane>, const Scope &)>;
  void fail() { failedInside = true; }
  Value sizeOf(const SizeOf &s) { return f.size(s.tensor, s.dim); }
  void makeShape();
  void placeScratch(llvm::ArrayRef<Lane> point, Value number);
  View placeInWords(Value tensor, Value memory, Value start);
  void decode(Value row, unsigned count, Lanes &point);
  void emitPoint(llvm::ArrayRef<Lane> point, Value number, const Scope &s);
  void emitStage(const Stage &stage, llvm::ArrayRef<Lane> point, const Scope &s);
  void emitElementwise(const Stage &stage, const OpLoops &loops, const Lanes &coords,
                       const Scope &s);
  void emitReduction(mlir::Operation *op, const OpLoops &loops, const Lanes &coords,
                     const Scope &s);
  void emitCopy(Value from, llvm::ArrayRef<Lane> point, const Scope &s);
  void keep(mlir::Operation *op, const OpLoops &loops, llvm::ArrayRef<Lane> values,
            llvm::ArrayRef<Lane> coords, const Scope &s);
  /// Inner loops of one kind, those along which memory lies together last.
  llvm::SmallVector<unsigned> innerLoops(const OpLoops &loops, bool reduction);
  /// Calls `body` at every coordinate of the loops, which are walked as one: by all threads of a
  /// row together (`spread`), or one after the other.
  void nest(const OpLoops &loops, llvm::ArrayRef<unsigned> order, bool spread, int64_t wide,
            Lanes coords, const Scope &s, Body body);
  Values reduce(mlir::linalg::LinalgOp op, const OpLoops &loops, Lanes coords,
                llvm::ArrayRef<Lane> initial, bool spread, const Scope &s);
  Values reduceElements(mlir::linalg::LinalgOp op, const OpLoops &loops,
                        llvm::ArrayRef<mlir::Operation *> combiners, const Lanes &coords,
                        Values start, bool spread, int64_t wide, const Scope &s);
  /// The coordinates of element `number` of some loops.
  void spreadOver(const OpLoops &loops, llvm::ArrayRef<unsigned> order, Value number,
                  Lanes &coords);
  int64_t widthOf(mlir::Operation *op, const OpLoops &loops, llvm::ArrayRef<unsigned> order);
  Value laneMask(Value first, Value size, int64_t n);
  void meet(); ///< a barrier where threads share a row

  Value loadVector(const View &view, Value at, int64_t n, Value mask) override;
  void storeVector(Value x, const View &view, Value at, Value mask) override;

  GPUKernelFrame &f;
  GPUEmitter &e;
  GPULoopsForm form;
  GPULoopsShape shape;
  llvm::SmallVector<PendingStore> pointStores;
  llvm::DenseMap<Value, Value> sharedMemory;
};

/// Whether vectors of elements can be computed along a loop: linalg ops without indices and checked
/// reads, each access in step with it, over memory that lies together, or independent of it.
bool isPlain(mlir::Operation *op, unsigned loop, const LoopsPlan &plan);
/// Whether every result moves along the loop in its last dimension.
bool storesAlong(const OpLoops &loops, unsigned loop);

} // namespace linnet::codegen

#endif // LINNET_LIB_CODEGEN_GPU_LOOPS_H
