//===- Loops.h - elementwise ops and reductions on GPUs ---------*- C++ -*-===//
//
// Part of Linnet, under Apache-2.0 WITH LLVM-exception. See LICENSE.
//
// The stages of a loops kernel (LoopsPlan.h) are spread over threads in one of three ways:
//
//   points  a thread does a point, or four that lie together, alone: elementwise ops, and
//           reductions over outer dimensions, whose neighbours in memory are other points;
//   tiles   points, but what lies along another loop than the results, as in a transpose, goes
//           through workgroup memory in squares, so that neighbours access neighbours;
//   rows    threads do a point together: softmax, norms, reductions along what lies together. How
//           many, a power of two, follows from the length of the rows, at last when the kernel
//           runs; the threads of a workgroup do several short rows side by side. Values that a
//           stage hands to the next lie in workgroup memory.
//
//===----------------------------------------------------------------------===//
#ifndef LINNET_LIB_CODEGEN_GPU_LOOPS_H
#define LINNET_LIB_CODEGEN_GPU_LOOPS_H

#include "../LoopsEvaluator.h"
#include "GPUKernelFrame.h"

namespace linnet::codegen {

/// Points along either side of a square that goes through workgroup memory.
inline constexpr int64_t kSquare = 32;

/// The memory that stages read, through ops that are computed where they are read.
class StageReads {
public:
  using Found = llvm::function_ref<void(Value, llvm::ArrayRef<mlir::AffineExpr> coords)>;
  explicit StageReads(const LoopsPlan &plan);
  /// What a stage reads, at which coordinates over its loops; to be called in the stages' order.
  void of(mlir::linalg::LinalgOp op, Found found);

private:
  void collect(mlir::linalg::LinalgOp op, llvm::ArrayRef<mlir::AffineExpr> loops, Found found);
  void collect(Value v, llvm::ArrayRef<mlir::AffineExpr> coords, Found found);

  const LoopsPlan &plan;
  llvm::DenseSet<Value> waiting, made;
};

/// What select() decides about a loops kernel.
struct GPULoopsForm {
  bool rows = false;
  int64_t threads = 256;
  /// Points that a thread does at once, along the last outer loop; rows: elements along a row.
  int64_t wide = 1;
  /// Threads of a row (rows); kDynamic: the shape says. Always at least `leastLanes`.
  int64_t lanes = 1, leastLanes = 1;
  /// Elements of a row for each of them.
  int64_t perLane = 4;
  /// Rows that the threads of a workgroup do side by side, at most.
  int64_t mostTeams() const { return threads / leastLanes; }
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
  /// Tensors that lie along the loop `across`, and their coordinates over the outer loops (tiles).
  llvm::MapVector<Value, mlir::AffineMap> tiles;
  unsigned across = 0;
  llvm::StringRef name() const { return rows ? "rows" : tiles.empty() ? "points" : "tiles"; }
  static GPULoopsForm choose(exec::KernelOp kernel, const LoopsPlan &plan, const GPUTarget &target);

private:
  void findTiles(const LoopsPlan &plan);
  void keepRows(const LoopsPlan &plan, const GPUTarget &target, int64_t used);
};

/// The plan of planLoops, with fewer values between stages.
LoopsPlan planGPULoops(exec::KernelOp kernel);

/// Sizes that the launch and the kernel compute alike.
struct GPULoopsShape {
  llvm::SmallVector<Value> axes;
  llvm::SmallVector<unsigned> axisLoops;
  unsigned acrossAxis = 0;        ///< tiles: that of the loop `across`
  Value squares, squaresAcross;   ///< tiles: along the last axis, and along that one
  Value blocks;                   ///< of `wide` points in a row of the last axis
  Value units;                    ///< of which a thread (points) or a workgroup (rows) does one
  Value lanes, teams;             ///< rows: threads of a point, points side by side
  Value rows;                     ///< rows: times that a unit does `teams` points
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
  Value sizeOf(const SizeOf &s) { return f.size(s.tensor, s.dim); }
  void makeShape();
  void placeScratch(Value number);
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
  /// The accumulators with the elements at `at` combined into them.
  Values accumulate(mlir::linalg::LinalgOp op, llvm::ArrayRef<Lane> at, ValueRange accs,
                    const Scope &s);
  Values reduceElements(mlir::linalg::LinalgOp op, const OpLoops &loops,
                        llvm::ArrayRef<mlir::Operation *> combiners, const Lanes &coords,
                        Values start, bool spread, int64_t wide, const Scope &s);
  /// The coordinates of element `number` of some loops.
  void spreadOver(const OpLoops &loops, llvm::ArrayRef<unsigned> order, Value number,
                  Lanes &coords);
  int64_t widthOf(mlir::Operation *op, const OpLoops &loops, llvm::ArrayRef<unsigned> order);
  Value laneMask(Value first, Value size, int64_t n);
  void meet(); ///< a barrier where threads share a row
  mlir::LogicalResult runRows();
  mlir::LogicalResult runTiles();
  /// A square of a tensor in workgroup memory; `at`: where this thread reads it.
  struct Tile {
    View view;
    Lanes at;
  };
  const Tile *tileAt(Value tensor, llvm::ArrayRef<Lane> coords, const Scope &s);
  mlir::LogicalResult loadTile(Value tensor, mlir::AffineMap map, llvm::ArrayRef<Lane> corner,
                               Value x, Value y);
  /// Sets `point` to these distances from the corner of a square; whether that is a point.
  Value isInTile(llvm::ArrayRef<Lane> corner, Value alongAcross, Value alongLast, Lanes &point);
  void enterRow(Value first, Lanes &point);
  bool isOneTeam() const { return CodeBuilder::constantOf(shape.lanes) == form.threads; }
  Value isFirstLane() { return e.eq(lane, e.index(0)); }
  /// Body for i = lane, lane + lanes, ... below hi. Holds no barrier.
  void forLanes(Value hi, llvm::function_ref<void(Value)> body);
  /// How many vectors a stage takes along the loop: none where memory starts askew.
  Value wholeFrom(const OpLoops &loops, unsigned loop, Lanes coords, Value total, int64_t wide);
  void forMemoryAlong(const OpLoops &loops, unsigned loop, Lanes coords,
                      llvm::function_ref<void(Value start)> body);

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
  Value lane, team; ///< this thread among those of its row; its row among those of the workgroup
  llvm::SmallVector<PendingStore> pointStores;
  llvm::DenseMap<Value, Value> sharedMemory;
  llvm::DenseSet<Value> inPieces; ///< tensors in scratch, of elements that are no word
  llvm::MapVector<Value, KeptRow> rows;
  std::optional<Lane> along;      ///< the element of its row where a thread is
  std::optional<unsigned> access; ///< in an unrolled loop: its number
  Lanes currentPoint;
  llvm::MapVector<Value, Tile> tiles;
};

/// Whether vectors of elements can be computed along a loop: each access of linalg ops in step with
/// it, checked reads too, over memory that lies together, or independent of it.
bool isPlain(mlir::Operation *op, unsigned loop, const LoopsPlan &plan);
/// Whether elements go to scratch as whole numbers of words other than their bits.
inline bool isInPieces(Type element) {
  return element.isIndex() || element.getIntOrFloatBitWidth() > 32;
}
/// Whether every result moves along the loop in its last dimension.
bool storesAlong(const OpLoops &loops, unsigned loop);

} // namespace linnet::codegen

#endif // LINNET_LIB_CODEGEN_GPU_LOOPS_H
