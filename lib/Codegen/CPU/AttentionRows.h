//===- AttentionRows.h - what attention and its gradients share -*- C++ -*-===//
//
// Part of Linnet, under Apache-2.0 WITH LLVM-exception. See LICENSE.
//
// The rows of a key head are the queries of all query heads that share it: row r is query r / group
// of head r % group. Every row sees an interval of keys, from causal, window and lengths together,
// both of whose ends grow with the row; masks and segments hide single keys of it.
//
//===----------------------------------------------------------------------===//
#ifndef LINNET_LIB_CODEGEN_CPU_ATTENTIONROWS_H
#define LINNET_LIB_CODEGEN_CPU_ATTENTIONROWS_H

#include "OpKernel.h"
#include "Philox.h"
#include "linnet/IR/LinnetOps.h"

namespace linnet::codegen {

/// What the kernels of softmax attention and of its gradients derive from: `Op` is either's.
template <typename Op> class AttentionRows {
protected:
  static constexpr int64_t kPanel = 64; ///< keys in a panel of transposed keys

  struct Row {
    Value query, head; ///< query index, query head
  };
  struct KeyRange {
    Value first, last; ///< last: one past it
  };

  AttentionRows(Op op, KernelFrame &frame)
      : e(frame.e), frame(frame), op(op), masks(op.getMaskSet()), group(op.getGroupSize()) {}

  /// The operands that both ops have, but q, k and v.
  mlir::LogicalResult bindMasks();
  mlir::LogicalResult bindDropout();
  /// A view of rank 4 with stride 0 along dimensions that repeat.
  View broadcastToScores(View v);
  /// What the intervals of this batch's rows start from.
  void loadKeyLimits();
  KeyRange visibleKeys(Value query);
  /// Row number `row` of this key head.
  Row rowOf(Value row) {
    return {e.div(row, group), e.add(e.mul(keyHead, group), e.rem(row, group))};
  }
  /// Whether keys inside of a row's interval may be hidden.
  bool hidesSingleKeys() { return op.getMask() || op.getQSegments(); }
  /// Lanes whose keys from `key` on the row sees, by everything that masks.
  Value visible(const Row &row, const KeyRange &keys, Value key, const Lanes &inRange);
  Value addBias(Value s, const Row &row, Value key, const Lanes &inRange);
  /// 2^x; 0 of -inf, NaN of NaN.
  Value powerOfTwo(Value x) { return e.exp2Fast(e.maxf(e.fconst(x.getType(), -1000.0), x)); }
  /// The lanes of keys from `key` on that there are.
  Lanes keysFrom(Value key);
  /// Writes the factors of dropout for `count` keys from `key` on; returns where the first is.
  Value fillDropout(Value memory, const Row &row, Value key, Value count);
  /// A register tile: of every row, whose `depth` numbers are at its place of `rows`, `vectors`
  /// vectors of dot products with the keys from place `panel` of `panels` on.
  Values dotProducts(Value rows, llvm::ArrayRef<Value> places, Value panels, Value panel,
                     int64_t depth, int64_t vectors);

  Emitter &e;
  KernelFrame &frame;
  Op op;
  MaskAttr masks;
  int64_t group;
  View q, k, v, bias, alibi, mask, lengths, offset, qSegments, kvSegments;
  std::optional<Dropout> dropout;
  Value batch, keyHead;      ///< of this chunk
  Value validKeys, position; ///< limits of this batch; position of query 0

private:
  /// 16 elements along the last dimension, as they lie in memory.
  Value loadRaw(const View &v, Value position, const Lanes &inRange);
};

/// The pairs of a query and a key of one head that the masks leave, for square causal attention
/// half of all.
Value visiblePairs(LaunchBuilder &b, MaskAttr masks, bool hasOffset, Value queries, Value keys);

/// An error on `op` where a number of heads or a depth is dynamic.
mlir::LogicalResult verifyStaticHeads(mlir::Operation *op, mlir::RankedTensorType q,
                                      mlir::RankedTensorType k, mlir::RankedTensorType v);

} // namespace linnet::codegen

#endif // LINNET_LIB_CODEGEN_CPU_ATTENTIONROWS_H
