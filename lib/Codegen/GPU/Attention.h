//===- Attention.h - softmax attention on GPUs ------------------*- C++ -*-===//
//
// Part of Linnet, under Apache-2.0 WITH LLVM-exception. See LICENSE.
//
// A workgroup does some rows (AttentionMasks.h) of one key head and, where the op says so, a part
// of the keys. It goes over the keys that any of its rows sees in steps; what it has of the rows'
// softmax and output stays in registers:
//
//   scores    S = Q K^T, into workgroup memory
//   adjust    soft cap, biases and masks, in place; plain steps inside of all intervals have none
//   soften    S = exp(S - max), with running maximum and sum; then dropout of S
//   values    O += S V
//
// A team is eight threads. In the form `tile` a team has four rows, and all teams the same keys,
// which go through workgroup memory. In the form `decode`, of a handful of rows, all teams have the
// same rows and each has keys of its own, which it reads where they are: eight threads share a row
// of keys or values; in the end the teams are joined. Masked scores are -inf; the running maximum
// starts at the lowest finite float, as on CPUs.
//
//===----------------------------------------------------------------------===//
#ifndef LINNET_LIB_CODEGEN_GPU_ATTENTION_H
#define LINNET_LIB_CODEGEN_GPU_ATTENTION_H

#include "../AttentionMasks.h"
#include "GPUKernelFrame.h"

namespace linnet::codegen {

/// Sizes that select() and emit() share.
struct GPUAttentionForm {
  static constexpr int64_t kTeam = 8;
  static constexpr int64_t kColumns = 4 * kTeam; ///< that a team's threads have side by side
  static constexpr int64_t kDecodeRows = 8;

  static GPUAttentionForm choose(AttentionOp op, const GPUTarget &target);
  llvm::StringRef name() const { return decode ? "decode" : "tile"; }

  int64_t keyHeads = 0, group = 0, keyDepth = 0, valueDepth = 0;
  bool decode = false;
  int64_t threads = 0;
  int64_t rows = 0;         ///< of a workgroup
  int64_t keys = 0;         ///< of a step
  int64_t columns = 0;      ///< of the values that a workgroup does
  int64_t threadKeys = 0;   ///< keys of a step whose scores a thread softens
  int64_t wide = 0;         ///< rows in a vector of a thread
  int64_t vectors = 0;      ///< how many it has
  int64_t pitch = 0;        ///< between keys in the memory of scores
  int64_t depth = 0;        ///< of queries in workgroup memory: keyDepth, filled up
  int64_t depthStep = 0;    ///< of keys that are in workgroup memory at once
  int64_t valueKeys = 0;    ///< keys whose values are
  bool keepsQueries = true; ///< else they come with the keys, step by step

  int64_t teams() const { return threads / kTeam; }
  int64_t teamKeys() const { return keys / teams(); } ///< decode
  int64_t columnBlocks() const { return llvm::divideCeil(valueDepth, columns); }
  int64_t threadColumns() const { return columns / kTeam; }
  int64_t queryFloats() const;
  int64_t workFloats() const;

private:
  bool chooseDecode(int64_t rows, const GPUTarget &target);
  void chooseTile(int64_t rows, const GPUTarget &target);
  bool fits(const GPUTarget &target) const;
};

class GPUAttention : AttentionMasks<AttentionOp> {
public:
  GPUAttention(AttentionOp op, GPUKernelFrame &frame)
      : AttentionMasks(op, frame, 0), e(frame.e), frame(frame),
        form(GPUAttentionForm::choose(op, frame.e.target)) {}
  mlir::LogicalResult emit();

private:
  static constexpr int64_t kTeam = GPUAttentionForm::kTeam;
  static constexpr int64_t kColumns = GPUAttentionForm::kColumns;

  /// What a thread has of its rows: per vector of rows the maximum and the sum of its own weights;
  /// per vector and column the output.
  struct State {
    Values top, sum, output;
  };
  /// What is in workgroup memory of keys or values: rows of some columns of all `depth`.
  struct Slab {
    const View &rowsOf;
    Value aligned;
    int64_t depth;
    Value memory;
    int64_t rows, width, pitch;
  };
  Values flatten(const State &s);
  State unflatten(ValueRange values);

  //--- Attention.cpp: operands, chunks, what both forms do with scores
  mlir::LogicalResult bind();
  void findChunk();
  void findKeys();
  Row rowAt(Value r) { return rowOf(e.min(e.add(chunkStart, r), e.sub(total, 1))); }
  KeyRange keysOf(Value query);
  Value outputAt(const View &result, Values coordinates);
  Value load4(const View &v, Value position, Value column, int64_t depth, int64_t step,
              Value aligned, Value present);
  void adjust(Value key);
  void adjustRow(Value key, Value r);
  State soften(State s);
  void drop(Value key);
  Value logOfSum(Value top, Value sum);
  Value inverse(Value sum);

  //--- AttentionTiles.cpp
  void tiles();
  void fillQueries(Value d, int64_t depth);
  void fill(const Slab &to, Value key, Value column);
  Values tileScores(Value key);
  Values tileProducts(Value d, ValueRange sums);
  State tileValues(Value key, State s);
  void finishTile(State s);
  void store4(Value x, Value position, Value column);

  //--- AttentionDecode.cpp
  void fewRows();
  void spreadQueries();
  void rowScores(Value key);
  void storeSums(ValueRange vectors, Value start);
  State rowValues(Value key, State s);
  Value rowPosition(const View &v, Value key, Value place);
  void joinTeams(State s);
  void joinSums();
  void storeColumns(int64_t g);

  //--- vectors of rows; of one row, scalars
  Value each(Value x) { return form.wide == 1 ? x : e.splat(x, form.wide); }
  Value pick(Value v, int64_t i) { return form.wide == 1 ? v : e.extract(v, i); }
  Value number(double x) { return each(e.f(x)); }
  Value loadRows(Value memory, Value at) {
    return form.wide == 1 ? e.load(memory, at) : e.vload(memory, at, form.wide);
  }
  void storeRows(Value v, Value memory, Value at) {
    return form.wide == 1 ? e.store(v, memory, at) : e.vstore(v, memory, at);
  }
  /// Over the threads of a team, every row by itself.
  Values reduceRows(ValueRange vectors, llvm::function_ref<Value(Value, Value)> combine);

  GPUEmitter &e; ///< those of AttentionMasks, with what GPUs have
  GPUKernelFrame &frame;
  GPUAttentionForm form;
  std::optional<View> out, lse;
  Value alignedQ, alignedK, alignedV, alignedOut; ///< whether four elements can be accessed at once
  Value queries, work, values, stats;             ///< workgroup memory; work: keys, then scores
  Value lane, team;                               ///< of this thread
  Value ownRow,
      ownKey; ///< the first row whose scores this thread softens, its first place of a step
  Value chunkStart, total;            ///< first row of this chunk; rows of its key head
  Value firstColumn;                  ///< of the values
  Value keyPart;                      ///< null: there is one
  KeyRange firstRowKeys, lastRowKeys; ///< of the first and the last row
};

} // namespace linnet::codegen

#endif // LINNET_LIB_CODEGEN_GPU_ATTENTION_H
