//===- LinearAttentionGrad.h - linear attention's gradient ------*- C++ -*-===//
//
// Part of Linnet, under Apache-2.0 WITH LLVM-exception. See LICENSE.
//
// A workgroup has a head of the state of a batch. It walks over the blocks of positions forward,
// with the state in workgroup memory, and keeps the states between blocks, and what the keys of an
// erase term found, in its part of the launch's scratch; then back, with the state's gradient in
// the place of the state. The form of a block is that of ../LinearAttentionGrad.h. What every
// thread computes it computes alone, in an order that the sizes say.
//
// What a block needs lies in tables, in workgroup memory as far as that goes, else in scratch.
//
//===----------------------------------------------------------------------===//
#ifndef LINNET_LIB_CODEGEN_GPU_LINEARATTENTIONGRAD_H
#define LINNET_LIB_CODEGEN_GPU_LINEARATTENTIONGRAD_H

#include "../LinearAttentionGrad.h"
#include "GPUKernelFrame.h"
#include <functional>

namespace linnet::codegen {

/// In the strategy: bytes of workgroup memory that tables were placed in.
inline constexpr llvm::StringLiteral kMemory = "memory";

/// Where the tables of a workgroup lie.
struct GPULinearAttentionGradLayout : LinearAttentionGradFacts {
  /// `chosen`: bytes of workgroup memory that the strategy found, which a launch goes by on every
  /// chip; without them they are found here.
  GPULinearAttentionGradLayout(LinearAttentionGradOp op, const GPUTarget &target,
                               std::optional<int64_t> chosen = std::nullopt);

  /// Rows of `pitch` floats; `at`: in the group's scratch, or -1: in workgroup memory.
  struct Extent {
    int64_t rows = 0, pitch = 0, at = -1;
    int64_t floats() const { return rows * pitch; }
  };
  /// Columns that a thread has side by side. Devices with narrow subgroups are CPUs, whose drivers
  /// take a millisecond of compilation for every ten accesses.
  int64_t wide;
  static constexpr int64_t kDeep = 4; ///< numbers that lie together
  int64_t deep;                       ///< those of a row that a turn of a sum takes
  int64_t team;                       ///< threads that share a sum of products
  int64_t paddedK, paddedD;           ///< to whole turns
  /// Numbers per position of a decay's gradient: sums of four of a scalar one.
  int64_t gateWidth() const { return vectorDecay ? paddedK : paddedK / wide; }
  int64_t stateSize() const { return paddedK * paddedD; }
  int64_t foundSize() const { return solves() ? kBlock * paddedD : 0; }
  /// Whether some readers see the decay of their own position, and whether some do not.
  bool anyInclusive() const { return !pre || delta; }
  bool anyExclusive() const { return pre || erase; }
  /// Rows of the table x.
  int64_t eraseRow() const { return kBlock * group; }
  int64_t keyRow() const { return kBlock * (group + erase); }
  int64_t threads(const GPUTarget &target) const;

  /// Products of decays between pairs of positions, before a position (17) and behind it.
  Extent gates, pairs, prefix, suffix;
  Extent betas, bonuses, dbonuses;
  Extent own, rates, totals; ///< z_r . u_r; what adds up to a beta's gradient; see sumOverRows
  Extent a, b;               ///< of rows and columns
  Extent held;               ///< [K][D], the state or its gradient
  Extent x, z, u;            ///< the rows of all readers, then those of the writers; [rows][D]
  /// Per position, what is read behind its decay less what is written there, then what crosses the
  /// end of the block; what is read before its decay.
  Extent crossing, before;
  /// Z S^T in one slice of the key's channels after the other.
  Extent seen;
  int64_t slices = 1;
  int64_t sliceColumns() const { return paddedK / slices; }
  int64_t scratch = 0; ///< floats of the tables that lie there
  int64_t memory = 0;  ///< kMemory

private:
  void placeTables(const GPUTarget &target, int64_t bytes);
};

class GPULinearAttentionGrad : LinearAttentionGradViews {
public:
  GPULinearAttentionGrad(LinearAttentionGradOp op, GPUKernelFrame &frame)
      : e(frame.e), f(frame), op(op), s(op, frame.e.target, frame.strategyInt(kMemory)) {}
  mlir::LogicalResult emit();

private:
  struct Table {
    Value memory, base;
    int64_t pitch = 0;
  };
  /// Numbers that lie together in a row of a table, from a column on.
  using Access = std::function<Values(Value row, Value column, int64_t n)>;
  /// A sum of products a(row, i) b(i, column). What is `along` lies together along i, at
  /// (row, i) or (column, i); if not, at (i, row) or (i, column).
  struct Term {
    Value from, to;
    bool aAlong, bAlong;
    Access a, b;
  };

  //--- LinearAttentionGrad.cpp: passes over the blocks
  void makeTables();
  void walk(Value pass);
  void enterBlock(Value forward);
  void prepareBlock(Value forward);
  void forwardBlock();
  void backwardBlock();
  void meet();
  void loadState(Value forward);
  void storeState();
  void loadBonus();
  void storeBonus();
  void loadRows(const Table &to, Value row, int64_t sets, const View &from,
                llvm::function_ref<Value(Value)> headOfSet, int64_t depth,
                llvm::function_ref<Value(Value)> map = nullptr);
  void loadRows(const Table &to, int64_t row, const View &from, int64_t depth,
                llvm::function_ref<Value(Value)> map = nullptr);
  void loadNumbers(const Table &to, const View &from, llvm::function_ref<Value(Value)> map);
  void storeRow(const std::optional<View> &to, Value h, Value row, Value column,
                llvm::ArrayRef<Value> x, int64_t depth);
  bool together(const View &v, int64_t depth) const;
  void prepareScalarGates();
  void prepareChannelGates();

  //--- LinearAttentionGradProducts.cpp: tables, tiles and what multiplies by a state
  Value place(const Table &t, Value row, Value column);
  Values get(const Table &t, Value row, Value column, int64_t n);
  Value get(const Table &t, Value row, Value column) { return get(t, row, column, 1)[0]; }
  void put(const Table &t, Value row, Value column, ValueRange x);
  Access rowsOf(const Table &t, Value first = {});
  Access columnsOf(const Table &t, Value first);
  Access decayedReaders();
  Access decayedWriters(Value first);
  Values gatesOf(const Table &t, Value position, Value column, int64_t n);
  int64_t heightOf(int64_t rows, int64_t columns, int64_t most = 4) const;
  /// Body for every tile of `height` rows and `wide` columns.
  void tiles(Value firstRow, Value rows, int64_t height, int64_t columns,
             llvm::function_ref<void(Value, Value)> body);
  Value hidden(Value n);
  Values sum(const Term &term, int64_t height, Value row, Value column, Values sums = {});
  /// Body for sets of rows, which may be one.
  Values overSets(int64_t sets, Values init, llvm::function_ref<Values(Value, ValueRange)> body);
  void advance(const Term &term, llvm::function_ref<void(Value, Value, ValueRange)> also = nullptr);
  void advanceState();
  void advanceGrad();
  void valueGrads();
  void findErased();
  void solve(bool turned, const Access &read, llvm::function_ref<void(Value, Value, Value)> write,
             double sign, llvm::function_ref<Value(Value, Value, Value)> finish);
  void solveForward();
  void erasedGrads();
  void solveBack();

  //--- LinearAttentionGradScores.cpp: pairs of positions
  Value isInclusive(Value set);
  Value seesOwn(Value set);
  bool keepsOwn() const { return !s.pre || s.bonus; }
  Values between(Value row, Value column);
  void scores(Value from);
  void channelScores(Value from);
  void runWriter(Value set, Value column, llvm::ArrayRef<Value> at, llvm::ArrayRef<Value> keys,
                 llvm::function_ref<void(Value, Value)> finish);
  void outputScores(int64_t from, int64_t rows);
  Values channelReads(Value set, bool inclusive, int64_t height, Value i, Value c);
  Values channelWrites(Value writer, int64_t height, Value j, Value c);
  Value sumOfTeam(Value v);
  void shareSums(Values &sums, Value lane);
  void forTeams(Value count, llvm::function_ref<void(Value, Value, Value)> body);

  //--- LinearAttentionGradRows.cpp: gradients of rows of channels, of decays and the bonus
  void readState(Value from);
  Values readerRows(Value set, bool inclusive, int64_t height, Value i, Value from, Value column);
  Values writerRows(Value writer, int64_t height, Value j, Value c);
  Values ownRow(Value row, Value c);
  void addOwnReads(Values &sums, Value set, int64_t height, Value i, Value c);
  void addOwnWrites(Values &sums, Value writer, int64_t height, Value j, Value c);
  void storeRows(const std::optional<View> &to, Value h, Value i, Value c,
                 llvm::ArrayRef<Value> sums);
  void addCrossing(Values &crossing, Value row, Value c, const Values &sums);
  void putCrossing(const Table &to, Value i, Value c, llvm::ArrayRef<Value> numbers);
  void rowGrads();
  void rowGradsOf(Value from);
  void crossState();
  void sumOverRows();
  void decayGrads();
  void bonusGrads();

  GPUEmitter &e;
  GPUKernelFrame &f;
  LinearAttentionGradOp op;
  GPULinearAttentionGradLayout s;

  Table gates, pairs, prefix, suffix, betas, bonuses, dbonuses, own, rates, totals, a, b, held, x,
      z, u, crossing, before, seen;
  Value self, numbers; ///< the thread; those of all threads, see meet
  Value batch, head, blocks, keptStates, keptFound;
  // of the block
  Value first, count;
  Table stateBefore, stateAfter, found;
};

} // namespace linnet::codegen

#endif // LINNET_LIB_CODEGEN_GPU_LINEARATTENTIONGRAD_H
