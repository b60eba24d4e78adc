//===- LinearAttention.h - linear attention on GPUs -------------*- C++ -*-===//
//
// Part of Linnet, under Apache-2.0 WITH LLVM-exception. See LICENSE.
//
// A workgroup has some columns of the state of one head, in workgroup memory from the first
// position to the last: the columns do not depend on each other. It walks over the positions in
// blocks. Readers are rows x: queries, and with an erase term its keys a; writers are rows w with
// values u: the keys, and with a term of its own the rows b. In a block
//
//   O = X' S + A U     A[i, j] = x_i . w_j under the decays between j and i, for j before i
//   S = keep S + W'^T U     x' and w' decay to the block's start and end
//
// and what an erase term finds or adds is the solution of a unit triangular system. Decays are
// running products, each at most 1 where the state shall not grow: nothing is divided by one.
//
// Sequences shorter than a block take the recurrence as it is written.
//
//===----------------------------------------------------------------------===//
#ifndef LINNET_LIB_CODEGEN_GPU_LINEARATTENTION_H
#define LINNET_LIB_CODEGEN_GPU_LINEARATTENTION_H

#include "../LinearAttention.h"
#include "GPUOpKernel.h"

namespace linnet::codegen {

/// How a kernel is cut up, and where things lie in workgroup memory, in floats.
struct GPULinearAttentionForm : LinearAttentionFacts {
  static constexpr int64_t kThreads = 128;

  /// Elements of one access: 16 bytes where an instruction moves them, otherwise fewer copies of
  /// code.
  int64_t wide = 1;
  int64_t columns = 0;   ///< of the state, at once in a workgroup
  int64_t positions = 0; ///< of a block; 0: the recurrence alone
  bool onChip = true;    ///< the state fits into workgroup memory, otherwise it is in scratch
  /// A workgroup takes all columns, one slice after the other: what it finds in the column of the
  /// normaliser, which all slices read, may be overwritten by the state that it leaves.
  bool inTurn = false;

  GPULinearAttentionForm(LinearAttentionOp op, const GPUTarget &target)
      : LinearAttentionFacts(op), wide(target.isCUDA() ? 4 : 1) {}
  void choose(LinearAttentionOp op, const GPUTarget &target);
  /// From `strategy`.
  void read(const KernelViews &frame);
  int64_t slices() const { return llvm::divideCeil(D, columns); }
  int64_t groupsPerHead() const { return inTurn ? 1 : slices(); }

  int64_t depth() const { return llvm::alignTo(K, 4); }
  int64_t width() const { return columns + (normalise ? 4 : 0); } ///< the state's pitch
  int64_t stateSize() const { return depth() * width(); }
  /// In the recurrence so many teams of threads share the rows; a thread has `wide` columns.
  int64_t rowTeams() const { return kThreads / (width() / wide); }

  int64_t state, partial;                ///< [depth][width], [rowTeams][width]
  int64_t readers, keys, erasers, gates; ///< [positions][depth]
  int64_t values, found;                 ///< [positions][width]
  int64_t scores, eraserScores, system;  ///< [positions][positions]
  int64_t between;                       ///< [positions][positions], products of scalar decays
  int64_t rates, divisors;               ///< [positions]: beta; what outputs are divided by
  int64_t keep, bonusAt;                 ///< [depth]
  int64_t total;
  void lay();

private:
  bool fits(const GPUTarget &target);
};

class GPULinearAttention : LinearAttentionOperands {
public:
  GPULinearAttention(LinearAttentionOp op, GPUKernelFrame &frame)
      : e(frame.e), f(frame), op(op), s(op, frame.e.target) {
    s.read(frame);
    s.lay();
  }
  mlir::LogicalResult emit();

private:
  /// Four rows and four columns of a product, whose terms `parts` neighbouring lanes share.
  struct Tile {
    int64_t parts;
    Value part, row, column, exists;
  };
  /// A set of readers, as conditions: whether it is that of an erase term, and what it sees of its
  /// own position, its decay and what it writes.
  struct Reader {
    Value erases, inclusive, own;
  };
  /// Elements of a row from a column on.
  using Elements = llvm::function_ref<Values(Value row, Value column)>;

  //--- LinearAttention.cpp: slices, the state in memory, access to operands
  void emitSlice(Value slice);
  void moveState(bool in);
  Value headOf(const View &x, unsigned dim = 1) { return s.headOf(e, head, x, dim); }
  Value isAligned(const View &x);
  Values loadRow(const View &x, Value position, Value aligned, Value left);
  void storeRow(ValueRange values, const View &x, Value position, Value aligned, Value left);
  Value statePlace(Value row, Value column);
  Values get(Value memory, Value at, int64_t n);
  void put(ValueRange values, Value memory, Value at);
  Values stateAt(Value row, Value column, int64_t n = 4);
  void setState(Value row, Value column, ValueRange values);
  Value gateOf(Value logarithm);

  //--- LinearAttentionSteps.cpp: the recurrence
  void step(Value t);
  Values forRows(llvm::function_ref<Values(Value row, ValueRange sums)> body);
  void share(const Values &sums);
  Values sumOverTeams(Value column);
  void readStep(Value t, const Values &written);
  Value elementAt(const View &x, Value h, Value t, Value c);

  //--- LinearAttentionBlock.cpp: a block
  void block();
  void fill(int64_t table, int64_t pitch, int64_t width, const View &x, Value h, Value firstColumn,
            Value columns, bool asGates = false);
  void fillValues();
  void fillScalars(int64_t table, const View &x, bool asGates);
  void overSets(llvm::function_ref<void(Value)> body);
  Values overWriters(Values init, llvm::function_ref<Values(Value, ValueRange)> body);
  void readSet(Value set);
  void erase(const Tile &t, const Values &sums);
  void buildSystem();
  void solve(int64_t table);
  void storeOutputs(const Tile &t, const Values &sums, Value g);
  void advance();
  Tile tileOf(int64_t rows, int64_t columns);
  Values addProducts(Values sums, const Tile &t, Value depth, Elements a, Elements b, bool turned);
  Values addReadState(Values sums, const Tile &t, const Reader &r);
  Values addScored(Values sums, const Tile &t, const Reader &r);
  Values gather(Values sums, const Tile &t);
  void forOutputs(const Tile &t, const Values &sums,
                  llvm::function_ref<void(Value, Value, ValueRange)> body);
  Value place(Value table, Value row, int64_t pitch, Value column);
  Value place(int64_t table, Value row, int64_t pitch, Value column) {
    return place(e.index(table), row, pitch, column);
  }
  Values at(Value table, Value row, int64_t pitch, Value column, int64_t n);
  Values at(int64_t table, Value row, int64_t pitch, Value column, int64_t n) {
    return at(e.index(table), row, pitch, column, n);
  }

  //--- LinearAttentionScores.cpp: pairs of positions, decays
  void score(const Reader &r);
  void scorePairs(Value writers, Value to, const Reader &r, Value withBonus);
  void scoreChannels(Value writers, Value to, const Reader &r, Value withBonus);
  Value inverse(Value c);
  Value selectLanes(Value c, Value a, Value b);
  struct Team {
    int64_t lanes, groups;
    Value row, lane;
  };
  Team teamOfRow();
  Value channelOf(const Team &t, int64_t group);
  Value rowOfTeam(const Team &t);
  Values rowOf(Value table, Value row, const Team &t, bool once = false);
  Value ownScore(Value writers, const Team &t, Value withBonus);
  void storeScore(const Team &t, Value x, Value to, Value i);
  Value dot(const Values &a, const Values &b, const Team &t);
  void multiplyDecays();
  Value rowOfDecays(Value i, Value inclusive);
  Value decayBetween(Value i, Value j, Value inclusive);
  Value decayUpTo(Value i, Value inclusive);
  void decayReaders(const Reader &r);
  void decayWriters();

  GPUEmitter &e;
  GPUKernelFrame &f;
  LinearAttentionOp op;
  GPULinearAttentionForm s;
  std::optional<View> out, finalState;
  Value floats; ///< workgroup memory
  Value batch, head;
  Value column, width;    ///< of the slice: the first of its columns, how many of them exist
  Value team, teamColumn; ///< of the thread in the recurrence
  Value ownsNormaliser;   ///< whether the slice stores its column
  Value first, count;     ///< of the block
};

} // namespace linnet::codegen

#endif // LINNET_LIB_CODEGEN_GPU_LINEARATTENTION_H
