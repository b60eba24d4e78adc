//===- AttentionKernel.h - softmax attention on the CPU ---------*- C++ -*-===//
//
// Part of Linnet, under Apache-2.0 WITH LLVM-exception. See LICENSE.
//
// A chunk is a block of rows (AttentionRows.h) of one key head and, where the op says so, a part of
// the keys. Neighbours see nearly the same keys, and keys and values are read once for all of them.
// Over blocks of keys:
//
//   scores    S = Q K^T, from transposed panels of keys (tile form) or straight from the rows of
//             K (decode form, for a handful of rows)
//   adjust    soft cap, bias, masks; the bias of ALiBi is added on the way to the maximum
//   softmax   S = exp(S - max), with running maximum and sum; then dropout of S
//   values    O += S V
//
// The interval of keys that a row sees bounds the loops, so hidden blocks cost nothing. Masked
// scores are -inf. The running maximum starts at the lowest finite float, so that differences are
// never NaN and a finite bias, however low, stays one.
//
//===----------------------------------------------------------------------===//
#ifndef LINNET_LIB_CODEGEN_CPU_ATTENTIONKERNEL_H
#define LINNET_LIB_CODEGEN_CPU_ATTENTIONKERNEL_H

#include "AttentionRows.h"

namespace linnet::codegen {

/// Sizes that selection and every image share. Scratch offsets are in bytes.
struct AttentionGeometry {
  explicit AttentionGeometry(AttentionOp op);

  static constexpr int64_t kDecodeRows = 8;

  int64_t keyHeads, group, keyDepth, valueDepth;
  bool decode;                    ///< few rows: keys are not transposed
  bool manyRows;                  ///< of these, more than two: products take most of the time
  int64_t keys;                   ///< keys in a block
  bool drops;                     ///< dropout
  bool packsValues;               ///< values are converted or padded once per block
  int64_t chunkRows;              ///< rows of a chunk
  int64_t blockRows;              ///< rows that share the buffer of scores
  int64_t tileRows;               ///< rows of a register tile
  int64_t keyStride, valueStride; ///< depths in scratch, multiples of 16
  int64_t queryAt, scoreAt, outputAt, sumAt, maxAt, firstAt, lastAt, panelAt, valueAt, dropAt,
      bytes;

  llvm::StringRef form() const { return decode ? "decode" : "tile"; }

private:
  void layOut();
};

class AttentionKernel : AttentionRows<AttentionOp> {
public:
  AttentionKernel(AttentionOp op, KernelFrame &frame) : AttentionRows(op, frame), geo(op) {}
  mlir::LogicalResult emit();

private:
  //--- Attention.cpp: operands, chunks, rows
  mlir::LogicalResult bind();
  Value outputAt(const View &result, Values coordinates);
  void emitChunk(Value chunk);
  void prepareRows();
  void storeInterval(Value r, Value query);
  void emitKeys();
  void emitBlock(Value key, Value count);
  void emitRows(Value firstRow, Value key, Value count);
  void finishRow(Value r);

  Row rowAt(Value r) { return rowOf(e.add(chunkStart, r)); } ///< row r of the chunk
  Value firstKey(Value r) { return e.toIndex(e.load(firsts, r)); }
  Value lastKey(Value r) { return e.toIndex(e.load(lasts, r)); } ///< one past the last

  //--- AttentionScores.cpp
  void packKeys(Value key, Value count);
  void packPanelColumns(Value key, Value count, Value at);
  void packValues(Value key, Value count);
  void scoresFromPanels(Value firstRow, Value rows, Value from, Value to);
  void adjust(Value firstRow, Value rows, Value key, Value from, Value to);
  void adjustRow(Value r, Value s, Value key, Value from, Value to);
  bool adjustsEveryBlock();

  //--- AttentionDecode.cpp
  void scoresFromRows(Value key, Value from, Value to);
  Values keyPositions(Value key, Value at, std::optional<Value> to);
  void scoresInOrder(llvm::ArrayRef<Value> keyRows, Value at);
  Value keyHalf(Value at, int64_t half, const Lanes &lanes);
  void scoresInHalves(llvm::ArrayRef<Value> keyRows, Value at, int64_t first, int64_t rows);
  void prefetchKeys(llvm::ArrayRef<Value> keyRows, Value d);
  int64_t rowsAhead(const View &view, int64_t depth) const;
  void prefetchAhead(const View &view, Value position, int64_t column, int64_t rows);
  void accumulateRows(Value key, Value from, Value to);

  //--- AttentionSoftmax.cpp
  void seeScores(Value r, Value s, Value key, Value from, Value to);
  void seeAllScores(Value from, Value to);
  Values overPanels(Value from, Value end, const Values &init,
                    llvm::function_ref<Values(Value, mlir::ValueRange)> body);
  Value rowMaxima(Value r, Value s, Value from, Value end);
  Value biasedRowMaxima(Value r, Value s, Value key, Value from, Value end);
  void raiseMaximum(Value r, Value now);
  void weighRow(Value r, Value s, Value from, Value to);
  void rescale(Value r, Value factor);
  void dropRow(Value r, Value s, Value key, Value from, Value to);
  void accumulate(Value firstRow, Value rows, Value key, Value from, Value to);
  struct ValueTile {
    Value row, scores;            ///< its first row, and where that row's weights start
    int64_t first, vectors, rows; ///< vectors of a row of values; rows
    bool prefetches;
  };
  void accumulateTile(const ValueTile &tile, Value key, Value from, Value to);
  Value valueLanes(Value keyInBlock, Value key, int64_t column, bool prefetches);
  Value exponential(Value difference);
  Value safe(Value difference);

  Value scoreRow(Value i) { return e.mul(i, geo.keys); } ///< row i of those that share the buffer

  AttentionGeometry geo;
  std::optional<View> out, lse;
  Value queries, scores, outputs, sums, maxima, firsts, lasts, panels, values, kept; // scratch
  Value chunkStart, rows;   ///< the first row of this chunk, and how many it has
  Value keyPart;            ///< null: there is one
  Value keyBase, valueBase; ///< position of key 0 of this head
};

} // namespace linnet::codegen

#endif // LINNET_LIB_CODEGEN_CPU_ATTENTIONKERNEL_H
