//===- LoopsEvaluator.h - evaluates tensors element by element --*- C++ -*-===//
//
// Part of Linnet, under Apache-2.0 WITH LLVM-exception. See LICENSE.
//
//===----------------------------------------------------------------------===//
#ifndef LINNET_LIB_CODEGEN_LOOPSEVALUATOR_H
#define LINNET_LIB_CODEGEN_LOOPSEVALUATOR_H

#include "LoopsPlan.h"
#include "linnet/Codegen/KernelViews.h"

namespace linnet::codegen {

/// A value for the lanes of a vector: the same in all, rising by `step` from lane to lane
/// (integers and indices), or a vector.
struct Lane {
  Value v;
  int64_t step = 0;
  bool isVector = false;
  bool isUniform() const { return !isVector && step == 0; }
  bool operator==(const Lane &o) const;
};
using Lanes = llvm::SmallVector<Lane>;

/// What the lanes do: how many (0: scalars), which of them count (null: all), and a condition on
/// all of them (null: true) under which memory may be read.
struct Scope {
  int64_t n = 0;
  Value mask, guard;
  bool operator==(const Scope &o) const { return n == o.n && mask == o.mask && guard == o.guard; }
};

/// What leaves the other operand of a combiner as it is.
mlir::TypedAttr identityOf(mlir::Operation *combiner, Type type);
/// Two partial results of a reduction with this combiner.
Value combine(CodeBuilder &e, mlir::Operation *combiner, Value a, Value b);

/// Evaluates tensors of the body element by element.
class LoopsEvaluator {
public:
  LoopsEvaluator(KernelViews &views, const LoopsPlan &plan) : f(views), e(views.e), plan(plan) {}
  virtual ~LoopsEvaluator() = default;

protected:
  using Result = mlir::FailureOr<Lanes>;

  /// What was reported ends the kernel when it is written.
  void fail() { failedInside = true; }

  //--- values -------------------------------------------------------------------
  Value vector(const Lane &a, int64_t n);
  Lane addIndex(const Lane &a, const Lane &b, int64_t n);
  Lane mulIndex(const Lane &a, Value b, int64_t n);
  Lane evaluate(mlir::AffineExpr expr, llvm::ArrayRef<Lane> dims, int64_t n);
  Lanes evaluate(mlir::AffineMap map, llvm::ArrayRef<Lane> dims, int64_t n);
  Lane select(const Lane &condition, const Lane &a, const Lane &b, int64_t n);
  Value effectiveMask(const Scope &s);
  Scope restrict(const Scope &s, const Lane &condition);
  /// 0 <= i < size.
  Lane inRange(const Lane &i, Value size, int64_t n);
  Lane both(const Lane &a, const Lane &b, int64_t n);

  //--- memory -------------------------------------------------------------------
  Lane position(const View &view, llvm::ArrayRef<Lane> coords, int64_t n);
  Lane load(const View &view, llvm::ArrayRef<Lane> coords, const Scope &s);
  Lane loadAt(const View &view, const Lane &position, const Scope &s);
  Lane loadFromPanels(View view, const PanelLayout &layout, llvm::ArrayRef<Lane> indices,
                      const Scope &s);
  void store(const Lane &x, const View &view, llvm::ArrayRef<Lane> coords, const Scope &s);

  //--- tensors ------------------------------------------------------------------
  mlir::FailureOr<Lane> evaluate(Value tensor, llvm::ArrayRef<Lane> coords, const Scope &s);
  mlir::FailureOr<Lane> evaluateOp(mlir::Operation *op, llvm::ArrayRef<Lane> coords,
                                   const Scope &s);
  mlir::FailureOr<Lane> evaluatePad(mlir::tensor::PadOp op, llvm::ArrayRef<Lane> coords,
                                    const Scope &s);
  mlir::FailureOr<Lane> evaluateConcat(mlir::tensor::ConcatOp op, llvm::ArrayRef<Lane> coords,
                                       const Scope &s);
  mlir::FailureOr<Lane> evaluateInsert(mlir::tensor::InsertSliceOp op, llvm::ArrayRef<Lane> coords,
                                       const Scope &s);
  Lanes sliceCoordinates(mlir::tensor::ExtractSliceOp op, llvm::ArrayRef<Lane> coords, int64_t n);
  Lanes expandCoordinates(mlir::tensor::ExpandShapeOp op, llvm::ArrayRef<Lane> coords, int64_t n);
  Lanes collapseCoordinates(mlir::tensor::CollapseShapeOp op, llvm::ArrayRef<Lane> coords,
                            int64_t n);
  /// The region of a linalg op at loop coordinates; `accs` stands for its output arguments
  /// (empty: what the outputs hold before), `index` for linalg.index of reduced loops.
  Result evaluateRegion(mlir::linalg::LinalgOp op, llvm::ArrayRef<Lane> loops, const Scope &s,
                        llvm::ArrayRef<Lane> accs = {});
  /// The ops of a block whose arguments `map` holds.
  Result evaluateBlock(mlir::Block &block, llvm::DenseMap<Value, Lane> &map,
                       llvm::ArrayRef<Lane> loops, const Scope &s);
  mlir::LogicalResult evaluateElementwise(mlir::Operation &op, llvm::DenseMap<Value, Lane> &map,
                                          const Scope &s);
  Lane lookup(Value v, llvm::DenseMap<Value, Lane> &map);
  Value scalar(Value v);
  mlir::FailureOr<Lane> extract(mlir::tensor::ExtractOp op, llvm::ArrayRef<Lane> indices,
                                llvm::ArrayRef<Lane> loops, const Scope &s);
  void reportFault(mlir::Operation *op, const Lane &ok, llvm::ArrayRef<Lane> loops, const Scope &s);

  /// The better of two running (value, index) pairs of an arg reduction, of n lanes (0: scalars).
  Values chooseArg(mlir::linalg::LinalgOp op, ValueRange a, ValueRange b, int64_t n);

  //--- stages -------------------------------------------------------------------
  /// Finds where results go: to `places` what a stage makes, to `copies` what is copied.
  mlir::LogicalResult placeOutputs();
  /// Those of a point in their order; deferred ones that no other has written along come last.
  void forStages(llvm::function_ref<void(const Stage &)> emit);
  /// After a stage: deferred ones that it has run through are in memory from now on.
  void settleDeferred();
  /// Stores elements of a tensor that no stage makes to the results that hold it.
  void copyElement(Value from, llvm::ArrayRef<Lane> at, const Scope &s);
  /// What a reduction starts from at the loop coordinates of its result.
  Result initialValues(mlir::linalg::LinalgOp op, const OpLoops &loops, llvm::ArrayRef<Lane> at,
                       const Scope &s);

  //--- state --------------------------------------------------------------------
  struct Memo {
    Lanes coords;
    Scope scope;
    Lane value;
  };
  using Memos = llvm::DenseMap<Value, Memo>;
  struct PendingStore {
    Lane value;
    Value tensor;
    Lanes coords;
    Scope scope;
    bool streams = false; ///< full vectors go past the caches, where a target does that
  };
  KernelViews &f;
  CodeBuilder &e;
  const LoopsPlan &plan;
  Memos memos; ///< values of the block being written and of those around it
  llvm::DenseMap<Value, Lane> registers;
  llvm::DenseMap<Value, llvm::SmallVector<View>> places; ///< to store to; the first to load from
  llvm::DenseMap<Value, llvm::SmallVector<View>> copies; ///< where copied tensors go
  llvm::DenseSet<Value> waitingStages; ///< deferred stages that no stage has written yet
  llvm::DenseSet<Value> writtenAlong;  ///< those that the current stage writes
  llvm::SmallVector<PendingStore> pending;
  llvm::DenseSet<mlir::Operation *> passedBy; ///< combiners that give their element as it is
  bool failedInside = false;

  //--- what a target adds -------------------------------------------------------
  /// Loads elements of a tensor that lies in `view`.
  virtual Lane read(Value /*tensor*/, const View &view, llvm::ArrayRef<Lane> coords,
                    const Scope &s) {
    return load(view, coords, s);
  }
  /// Before elements at `at` are loaded.
  virtual void beforeLoad(const View &, llvm::ArrayRef<Lane>, const Lane &, const Scope &) {}
  /// A vector of n elements that lie together.
  virtual Value loadVector(const View &view, Value at, int64_t n, Value mask) {
    return e.vload(view.memory, at, n, mask);
  }
  /// Stores a vector to memory that lies together.
  virtual void storeVector(Value x, const View &view, Value at, Value mask) {
    e.vstore(x, view.memory, at, mask);
  }
  virtual void write(const PendingStore &p);
  virtual void flush(); ///< writes the pending stores
};

} // namespace linnet::codegen

#endif // LINNET_LIB_CODEGEN_LOOPSEVALUATOR_H
