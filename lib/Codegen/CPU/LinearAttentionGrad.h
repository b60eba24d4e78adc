//===- LinearAttentionGrad.h - gradients of linear attention ----*- C++ -*-===//
//
// Part of Linnet, under Apache-2.0 WITH LLVM-exception. See LICENSE.
//
// A chunk is a head of the state of a batch, in the form of ../LinearAttentionGrad.h.
//
// Values, and what the keys of an erase term found, are stored turned: [d][16], positions are
// lanes.
//
//===----------------------------------------------------------------------===//
#ifndef LINNET_LIB_CODEGEN_CPU_LINEARATTENTIONGRAD_H
#define LINNET_LIB_CODEGEN_CPU_LINEARATTENTIONGRAD_H

#include "../LinearAttentionGrad.h"
#include "OpKernel.h"
#include <functional>

namespace linnet::codegen {

/// Sizes that selection and every image share; offsets of the scratch of a worker, in floats.
struct LinearAttentionGradGeometry : LinearAttentionGradFacts {
  explicit LinearAttentionGradGeometry(LinearAttentionGradOp op);

  static constexpr int64_t kSpan = 8; ///< blocks between states that are kept

  int64_t paddedK, paddedD;
  /// Floats per position of a decay's gradient: 16 partial sums of a scalar one.
  int64_t gateWidth() const { return vectorDecay ? paddedK : kLanes; }
  int64_t stateSize() const { return paddedD * paddedK; }
  bool keepsStates() const { return decays() || solves(); }
  bool keepsReads() const { return decays() && !solves(); }

  int64_t state, grad;                      // [D][K]; several states in a row with an erase term
  int64_t found;                            // [D][16] of the blocks of a span: what a solve gave
  int64_t x, xDecayed, w, wDecayed;         // [rows][K], [columns][K]
  int64_t xTurned, wTurned, wDecayedTurned; // [K][16] of the erase keys, [K][columns]
  int64_t z, zErase, u;                     // [rows of queries][D], [D][16], [D][columns]
  int64_t a, da, b;                         // [rows][columns]
  int64_t lower, inverse, inverseTurned, aTurned; // [16][16] of the triangular system
  int64_t right;                                  // [D][16] its right-hand sides
  int64_t gates, prefix, suffix; // decays, their products up to and from a position
  int64_t within, between;       // [16][16] products of scalar decays, see prepareGates
  int64_t beta, bonusAt;         // [16], [K]
  int64_t dx, dw, du;            // as x, w, u
  int64_t read, readBefore, written, crossing, dgate, dbonus; // of decays and the bonus
  int64_t total;                                              // of all these
};

class LinearAttentionGradKernel : LinearAttentionGradViews {
public:
  LinearAttentionGradKernel(LinearAttentionGradOp op, KernelFrame &frame)
      : e(frame.e), frame(frame), op(op), s(op) {}
  mlir::LogicalResult emit();

private:
  using Index = std::function<Value(Value, Value)>;
  /// Which factors of a sum are not known to be zero: all, those before a tile's last row, or those
  /// from its first row on.
  enum class Part { all, lower, upper };
  /// A sum over `count` products of a scalar at a(row, i) and lanes at b(i, column), then `scale`
  /// of everything so far, if given, of the tile's accumulator at (row, column).
  struct Term {
    int64_t count;
    Index a, b;
    std::function<Value(Value, Value, Value)> scale;
    Part part = Part::all;
  };

  //--- LinearAttentionGrad.cpp: chunks and sweeps
  void emitChunk(Value chunk);
  void sweepReading();
  void sweepSolving();
  void enterBlock(Value block);
  void enterSolving();
  void forwardSolving();
  void backwardSolving();
  void backward(Value stateKnown, Value endState);
  void gradeReaders();
  void turnDecayedWriters();

  //--- LinearAttentionGradPack.cpp: operands in, results out
  Value headOf(const View &v, unsigned dim) { return s.headOf(e, head, v, dim); }
  void packRows(const View &v, Value h, Value to, int64_t depth, double factor = 1);
  void packTurned(const View &v, Value h, Value to, int64_t stride);
  void turnRows(Value from, int64_t fromStride, int64_t columns, Value to, int64_t toStride);
  void fetchAhead(const View &v, Value from, int64_t depth);
  void packQueries();
  void packErase();
  void packWriters();
  void turnWriters();
  void packValues();
  void prepareGates();
  void prepareScalarGates();
  void prepareChannelGates();
  void decayReaders(int64_t from, int64_t to);
  void decayWriters();
  void loadState(const View *from, Value to);
  void storeRows(const std::optional<View> &to, Value h, Value from, Value more = {});
  void storeTurnedValues();
  void storeGates();
  void storeState();
  void storeBonus();
  void copy(Value from, Value to, int64_t floats);
  void clear(Value at, int64_t floats);

  //--- LinearAttentionGradProducts.cpp: everything that multiplies by a state
  void product(int64_t rows, int64_t width, llvm::ArrayRef<Term> terms,
               llvm::function_ref<Value(Value, Value)> start,
               llvm::function_ref<void(Value, Value, Value)> finish);
  Index scalarAt(Value base, int64_t rowStride, int64_t stride);
  Index lanesAt(Value base, int64_t stride);
  Term outputs(int64_t set, const Index &lanes);
  void addReads(llvm::SmallVectorImpl<Term> &terms, int64_t sets, int64_t lanes, int64_t stride);
  void advanceState();
  void advanceGrad();
  void readerGrads(int64_t set);
  void writerGrads();
  void valueGrads();
  void findErased();
  void solveBack();
  void crossingState(Value endState);

  //--- LinearAttentionGradScores.cpp: what is inside of a block
  void scores(int64_t set, int64_t writer);
  void channelScores(int64_t set, int64_t writer);
  void ownScores();
  void outputScores(int64_t set);
  void addChannelReads(int64_t set);
  void addChannelWrites();
  void finishReaders(int64_t set, Value reads, bool first);
  void finishWriters();
  void invert();
  void decayGrads(Value stateKnown, Value endState);
  Value oneLane(int64_t lane);
  Value gateAt(int64_t table, Value i, Value c);
  void overChannels(llvm::function_ref<void(Value)> body);
  Value bonusLanes(Value c);

  Value at(int64_t base) { return e.index(base); }
  Value place(Value base, Value row, int64_t stride, Value column) {
    return e.add(e.add(base, e.mul(row, stride)), column);
  }
  Value lanesOf(Value position) { return e.vload(floats, position); }
  Value splatOf(Value position) { return e.splat(e.load(floats, position)); }
  void put(Value x, Value position) { e.vstore(x, floats, position); }

  Emitter &e;
  KernelFrame &frame;
  LinearAttentionGradOp op;
  LinearAttentionGradGeometry s;

  Value floats; ///< the worker's scratch
  Value batch, head, blocks, keptStates, keptReads;
  // of the block
  Value first, count, mask, stateIn, stateOut, foundAt, reads;
  int64_t ahead = kLanes; ///< where the next block begins, in positions
};

} // namespace linnet::codegen

#endif // LINNET_LIB_CODEGEN_CPU_LINEARATTENTIONGRAD_H
