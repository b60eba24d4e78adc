//===- LoopsEmitter.h - emits the stages of a loops kernel ------*- C++ -*-===//
//
// Part of Linnet, under Apache-2.0 WITH LLVM-exception. See LICENSE.
//
//===----------------------------------------------------------------------===//
#ifndef LINNET_LIB_CODEGEN_CPU_LOOPSEMITTER_H
#define LINNET_LIB_CODEGEN_CPU_LOOPSEMITTER_H

#include "../LoopsEvaluator.h"
#include "linnet/Codegen/KernelFrame.h"

namespace linnet::codegen {

/// How a kernel's work is cut: the same arithmetic in its launch and in its code.
struct LoopsShape {
  llvm::SmallVector<Value> axes;         ///< sizes of the outer loops, merged ones as one
  llvm::SmallVector<unsigned> axisLoops; ///< the loop that stands for each
  Value units;    ///< points; with lanes along the outer loops, blocks of kBlock of them
  Value blocks;   ///< per row of the last axis
  Value perChunk; ///< units per chunk
  llvm::SmallVector<Value> offsets; ///< of the values in scratch, in bytes
  llvm::SmallVector<Value> pitches; ///< with a trailing stage: from a point's value to the next's
  Value scratch;
};
inline constexpr int64_t kBlock = 4096;
inline constexpr int64_t kChunkWork = 16384;
/// Bytes of a row from which on one that is written past the caches alternates its direction.
inline constexpr int64_t kLongRow = int64_t(12) << 10;

LoopsShape getLoopsShape(const LoopsPlan &plan, Emitter &e,
                         llvm::function_ref<Value(const SizeOf &)> size);

/// Emits the kernel: chunks, points, stages.
class LoopsEmitter : LoopsEvaluator {
public:
  LoopsEmitter(KernelFrame &frame, const LoopsPlan &plan)
      : LoopsEvaluator(frame, plan), f(frame), e(frame.e) {}
  mlir::LogicalResult run();

private:
  KernelFrame &f;
  Emitter &e;
  friend class ReductionEmitter;
  using Body = llvm::function_ref<void(llvm::ArrayRef<Lane>, const Scope &)>;

  Value sizeOf(const SizeOf &s) { return f.size(s.tensor, s.dim); }
  void placeScratch(llvm::ArrayRef<Lane> point);
  void decode(Value row, unsigned count, Lanes &point);
  void forPoints(llvm::function_ref<void(const Lanes &, const Scope &)> body);
  void emitPoint(llvm::ArrayRef<Lane> point, const Scope &s);
  void emitStage(const Stage &stage, llvm::ArrayRef<Lane> point, const Scope &s);
  void emitCopy(Value from, llvm::ArrayRef<Lane> point, const Scope &s);
  void emitElementwise(mlir::Operation *op, const OpLoops &loops, int lane, const Lanes &coords,
                       const Scope &s);
  void emitReduction(mlir::Operation *op, const OpLoops &loops, int lane, const Lanes &coords,
                     const Scope &s);
  void keep(mlir::Operation *op, const OpLoops &loops, llvm::ArrayRef<Lane> values,
            llvm::ArrayRef<Lane> coords, const Scope &s);
  /// Calls `body` over the loops in `order`, lanes along `lane` (-1: as in s).
  void nest(const OpLoops &loops, llvm::ArrayRef<unsigned> order, int lane, Lanes coords,
            const Scope &s, Body body);
  /// Vectors along a loop from lo to hi. `firstLine` gives how many elements come before the
  /// first that starts a cache line in every result that is stored, and whether that holds.
  struct FirstLine {
    Value elements, ok;
  };
  bool alternates(Value columns);
  /// Forwards, or where `alternate` says so at every second point backwards.
  void alternatingLoop(Value lo, Value hi, Value step, bool alternate,
                       llvm::function_ref<void(Value)> body);
  using FindLine = llvm::function_ref<FirstLine(Value lo)>;
  void vectorLoop(Value lo, Value hi, llvm::function_ref<void(const Lane &, const Scope &)> body,
                  FindLine firstLine);
  mlir::LogicalResult findStreams();
  /// Those of `tensors` whose elements lie along the loop `lane`.
  void chooseStoring(mlir::ValueRange tensors, int lane);
  int64_t lanesOfColumns();
  FirstLine findFirstLine(llvm::ArrayRef<Lane> coords, unsigned lane, Value lo);
  void findAhead();
  //--- the trailing stage (LoopsPipeline.cpp)
  llvm::SmallVector<Value> findCarried();
  Value mayTrail();
  void forTrailedPoints();
  void trail(Value unit, Value first, llvm::ArrayRef<Value> keys, mlir::ValueRange carried);
  void emitTrailing(const Lane &column, const Scope &s);
  //--- a guessed maximum or mean (LoopsReference.cpp)
  struct Reference;
  std::optional<Reference> findPasses();
  void findReference();
  Lane guess(mlir::linalg::LinalgOp op, llvm::ArrayRef<Lane> point, const Scope &s);
  Value referenceServes(llvm::ArrayRef<Lane> point, const Scope &s);
  Value centre(llvm::ArrayRef<Lane> point, const Scope &s);
  void checkReference(llvm::ArrayRef<Lane> point, const Scope &s,
                      const llvm::DenseSet<Value> &waiting);
  llvm::SmallVector<unsigned> innerLoops(const OpLoops &loops, bool reduction, int lane);

  //--- streams (LoopsStream.cpp) --------------------------------------------------
  void beforeLoad(const View &view, llvm::ArrayRef<Lane> coords, const Lane &at,
                  const Scope &s) override;
  void storeVector(Value x, const View &view, Value at, Value mask) override;
  void write(const PendingStore &p) override;
  void flush() override; ///< writes the requests for what comes next and the pending stores

  llvm::DenseSet<Value> streams; ///< memory of the results that may be written past the caches
  bool streaming = false;        ///< full vectors are written so now
  /// How a stage may fetch elements of points to come, of an argument that several stages read.
  struct Ahead {
    unsigned passes = 1; ///< that ask for its elements
    bool last = false;   ///< this is the last of them
  };
  llvm::DenseMap<Value, Ahead> ahead; ///< by memory
  struct Request {
    Value memory, at;
  };
  llvm::SmallVector<Request> requests; ///< of this vector
  /// Vectors that are written together, behind the loads of all: a load whose address agrees with
  /// that of a store before it in the bits below a page waits for what is stored.
  bool holding = false;
  Value lastCoordinate; ///< of the current point

  LoopsShape shape;
  struct Stream {
    Value tensor;
    View view;
    mlir::AffineMap map; ///< from the loops of its op
  };
  llvm::SmallVector<Stream> streamed;
  Value streamable;                          ///< decided at run time; null: nothing is streamed
  llvm::SmallVector<const Stream *> storing; ///< by the loops that are being emitted
  llvm::DenseMap<mlir::Operation *, llvm::DenseMap<Value, Ahead>> aheadOf; ///< `ahead` per stage
  llvm::SmallVector<PendingStore> pointStores;
  /// While the last stage of the point before runs along: that point, its registers and scratch.
  struct Trailed {
    Lanes point;
    llvm::DenseMap<Value, Lane> registers;
    llvm::DenseMap<Value, llvm::SmallVector<View>> places;
  };
  std::optional<Trailed> trailed;
  /// A row's maximum that exponentials are taken relative to, or its sum, whose mean is subtracted
  /// from what is squared: see LoopsReference.cpp.
  struct Reference {
    mlir::linalg::LinalgOp op;
    mlir::Operation *host;                     ///< the pass over the row
    Value mean;                                ///< of the sum; null: op is a maximum
    int64_t count = 0;                         ///< of the elements that are summed
    llvm::SmallVector<mlir::Operation *> made; ///< stages from it to the host, that one included
    Lane guessed, exact;
  };
  std::optional<Reference> reference;
  Value half; ///< which of two places in scratch is in use; null: there is one
};

} // namespace linnet::codegen

#endif // LINNET_LIB_CODEGEN_CPU_LOOPSEMITTER_H
