//===- LinearAttention.h - kernels of linnet.linear_attention ---*- C++ -*-===//
//
// Part of Linnet, under Apache-2.0 WITH LLVM-exception. See LICENSE.
//
// A chunk owns some columns of the state of one head. It walks over the positions in panels:
// rows that the loops cannot read as they lie (other types, logarithms) are prepared in scratch,
// then the state, in scratch too, advances over the panel.
//
//===----------------------------------------------------------------------===//
#ifndef LINNET_LIB_CODEGEN_CPU_LINEARATTENTION_H
#define LINNET_LIB_CODEGEN_CPU_LINEARATTENTION_H

#include "../LinearAttention.h"
#include "OpKernel.h"

namespace linnet::codegen {

/// With what vectors make of the sizes.
struct LinearAttentionShape : LinearAttentionFacts {
  using LinearAttentionFacts::LinearAttentionFacts;
  int64_t paddedK() const { return llvm::alignTo(K, kLanes); }
  int64_t paddedD() const { return llvm::alignTo(D, kLanes); }
};

/// How a kernel is cut up; the same for every CPU.
struct LinearAttentionStrategy {
  int64_t columns; ///< of the state, in one chunk
  int64_t vectors; ///< of columns that the widest registers hold at once
  bool blocked;    ///< whether sixteen positions are taken as products, see choose
  static LinearAttentionStrategy choose(const LinearAttentionShape &s, mlir::Type element,
                                        int64_t length);
};

/// Positions in a panel: a multiple of every number of positions taken at once.
inline constexpr int64_t kPanel = 48;
/// Positions in a block of the block form.
inline constexpr int64_t kBlockPositions = 16;

/// Offsets of the scratch of a worker, in floats.
struct LinearAttentionScratch {
  LinearAttentionScratch(const LinearAttentionShape &s, const LinearAttentionStrategy &strategy);
  int64_t state, q, k, decay, a, b, scalarDecay, beta, bonusDot, inverse, z, decayedQ, decayedK,
      keep, scores, total;
};

class LinearAttentionKernel : LinearAttentionOperands {
public:
  LinearAttentionKernel(LinearAttentionOp op, KernelFrame &frame);
  mlir::LogicalResult emit();

private:
  /// Rows of K f32 numbers: element c of position t of the panel is at base + t * step + c.
  struct Rows {
    Value memory, base, step;
  };
  /// Where the recurrent form keeps the rows of the state.
  struct StateAccess {
    llvm::function_ref<Value(Value, int64_t)> load;
    llvm::function_ref<void(Value, Value, int64_t)> store;
    bool decayedInPlace; ///< a pass over the state may leave it changed for the next one
  };
  /// What a position that is still to come reads of the state: a^T S, and S^T q if read = pre.
  struct Ahead {
    Values y, o;
  };

  // LinearAttention.cpp: chunks, panels, the state in memory
  mlir::LogicalResult bind();
  void emitChunk(Value chunk);
  void emitPanels(Value length);
  void emitSingle();
  void moveState(bool in);
  void moveNormaliser(bool in);
  void forBlocks(llvm::function_ref<void()> body);
  Value stateAddress(Value c, int64_t n);
  Value headOf(const View &v, unsigned dim) { return s.headOf(e, head, v, dim); }

  // LinearAttentionPanel.cpp: what is prepared before the loops
  void preparePanel(Value first, Value count);
  Rows prepareRows(const View &v, Value head, int64_t at, Value count, bool exponential);
  void prepareScalars(const View &v, int64_t at, Value count, bool exponential);
  void prepareBonus(Value count);
  void prepareNormaliser(Value count);
  Value rowLanes(const Rows &rows, Value t, int64_t c);
  Value element(const Rows &rows, Value t, Value c);
  Value scalarAt(int64_t at, Value t);

  // LinearAttentionRecurrent.cpp
  void recurrentPanel(Value count);
  void plainPositions(int64_t positions, Value t, const StateAccess &access);
  void erasingPositions(Value count, const StateAccess &access);
  Ahead lookAhead(Value t, const StateAccess &access);
  Ahead erasingPosition(Value t, const Ahead &ahead, bool last, const StateAccess &access);
  void readAhead(Ahead &ahead, Values &s, Value t, Value c);
  using RowsBody = llvm::function_ref<Values(llvm::ArrayRef<Value>, mlir::ValueRange)>;
  Values forRows(int64_t together, mlir::ValueRange init, RowsBody body);
  Values loadValues(Value t);
  void storeOutputs(Value t, int64_t g, Values o, mlir::ValueRange values);
  void plainPanel(Value from, Value count, const StateAccess &access);
  int64_t positionsAtOnce() const;
  int64_t rowsAtOnce(int64_t positions) const;

  // LinearAttentionBlock.cpp
  Value gateLanes(Value t, int64_t c);
  void prepareBlocks(Value count);
  void decayQueries(Value first);
  void decayKey(Value first, Value j);
  Value blockValue(Value t, int64_t n);
  void blockPositions(Value first);
  void blockOutputs(Value first, int64_t g);
  void blockState(Value first, Value c, int64_t rows);

  Emitter &e;
  KernelFrame &frame;
  LinearAttentionOp op;
  LinearAttentionShape s;
  LinearAttentionStrategy strategy;
  LinearAttentionScratch at;
  int64_t vectors; ///< of columns at once on this CPU

  std::optional<View> out, finalState;

  // of the chunk, the panel and the block of columns that are being emitted
  Value floats; ///< the worker's scratch
  Value batch, head, column, firstPosition, stateBase;
  llvm::SmallVector<Rows> queries;
  Rows keys, decays, as, bs;
  llvm::SmallVector<Lanes> lanes;
};

} // namespace linnet::codegen

#endif // LINNET_LIB_CODEGEN_CPU_LINEARATTENTION_H
