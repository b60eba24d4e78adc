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
  /// Rows of tensors that stay in workgroup memory, or their first `room` elements; `alike`: those
  /// that all points read.
  struct Kept {
    Value tensor;
    int64_t room;
    bool alike;
    bool registers; ///< in those of the threads instead
  };
  llvm::SmallVector<Kept> kept;
  /// Stages whose loops are unrolled, because they read what is in registers.
  llvm::DenseSet<mlir::Operation *> unrolled;
  static GPULoopsForm choose(exec::KernelOp kernel, const LoopsPlan &plan, const GPUTarget &target);

private:
  void keepRows(const LoopsPlan &plan, const GPUTarget &target, int64_t used);
};

/// The plan of planLoops, with fewer values between stages.
LoopsPlan planGPULoops(exec::KernelOp kernel);

/// Sizes that the launch and the kernel compute alike.
struct GPULoopsShape {
  llvm::SmallVector<Value> axes;
  llvm::SmallVector<unsigned> axisLoops;
  Value blocks;                   ///< of `wide` points in a row of the last axis
  Value units;                    ///< of which a thread (points) or a workgroup (rows) does one
  Value rows;                     ///< rows: points of a unit
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
  View placeInWords(Value tensor, Value memory, Value start, int64_t step = 1);
  Lane loadPieces(const View &view, llvm::ArrayRef<Lane> coords, const Scope &s);
  void storePieces(Value x, const View &view, llvm::ArrayRef<Lane> coords);
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

  /// A row in workgroup memory.
  struct KeptRow {
    View view;
    bool whole = false;          ///< all of it is there
    bool alike = false;          ///< the same for all points
    bool ready = false;          ///< an earlier stage has filled it
    bool filling = false;        ///< the current stage does
    bool registers = false;      ///< every thread has those elements that it visits
    Values quads;                ///< in their order
    std::optional<Lanes> prefix; ///< the coordinates of the point's row
  };
  void placeRows();
  mlir::LogicalResult preloadRows();
  void preloadRegisters(KeptRow &row, const View &view);
  void forAccesses(int64_t whole, llvm::function_ref<void(int64_t k, Value q, Value there)> body);
  bool unroll(mlir::Operation *op, Value whole,
              llvm::function_ref<void(Value q, Value there)> body);
  KeptRow *rowAt(Value tensor, llvm::ArrayRef<Lane> coords, const Scope &s);
  Value isKept(const KeptRow &row, const Lane &at, int64_t n);
  void keepInRow(KeptRow &row, const Lane &x, const Lane &at, const Scope &s);
  void walk(const OpLoops &loops, llvm::ArrayRef<unsigned> order, llvm::ArrayRef<Lane> coords);
  void endStage();
  void forgetRows();
  Lane read(Value tensor, const View &view, llvm::ArrayRef<Lane> coords, const Scope &s) override;
  void write(const PendingStore &p) override;

  Value loadVector(const View &view, Value at, int64_t n, Value mask) override;
  void storeVector(Value x, const View &view, Value at, Value mask) override;

  GPUKernelFrame &f;
  GPUEmitter &e;
  GPULoopsForm form;
  GPULoopsShape shape;
  llvm::SmallVector<PendingStore> pointStores;
  llvm::DenseMap<Value, Value> sharedMemory;
  llvm::DenseSet<Value> inPieces; ///< tensors in scratch, of elements that are no word
  llvm::MapVector<Value, KeptRow> rows;
  std::optional<Lane> along;      ///< the element of its row where a thread is
  std::optional<unsigned> access; ///< in an unrolled loop: its number
  Lanes currentPoint;
};

/// Whether vectors of elements can be computed along a loop: linalg ops without indices and checked
/// reads, each access in step with it, over memory that lies together, or independent of it.
bool isPlain(mlir::Operation *op, unsigned loop, const LoopsPlan &plan);
/// Whether elements go to scratch as whole numbers of words other than their bits.
inline bool isInPieces(Type element) {
  return element.isIndex() || element.getIntOrFloatBitWidth() > 32;
}
/// Whether every result moves along the loop in its last dimension.
bool storesAlong(const OpLoops &loops, unsigned loop);

} // namespace linnet::codegen

#endif // LINNET_LIB_CODEGEN_GPU_LOOPS_H
