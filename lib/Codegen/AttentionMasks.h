//===- AttentionMasks.h - which keys a query sees, and how --*- C++ -*-===//
//
// Part of Linnet, under Apache-2.0 WITH LLVM-exception. See LICENSE.
//
// What the kernels of softmax attention and of its gradients share on all targets.
//
// The rows of a key head are the queries of all query heads that share it: row r is query r / group
// of head r % group. Every row sees an interval of keys, from causal, window and lengths together,
// both of whose ends grow with the row; masks and segments hide single keys of it.
//
//===----------------------------------------------------------------------===//
#ifndef LINNET_LIB_CODEGEN_ATTENTIONMASKS_H
#define LINNET_LIB_CODEGEN_ATTENTIONMASKS_H

#include "Philox.h"
#include "linnet/Codegen/KernelViews.h"
#include "linnet/IR/LinnetOps.h"

namespace linnet::codegen {

/// What the kernels of softmax attention and of its gradients derive from: `Op` is either's.
template <typename Op> class AttentionMasks {
protected:
  struct Row {
    Value query, head; ///< query index, query head
  };
  struct KeyRange {
    Value first, last; ///< last: one past it
  };
  /// Keys that lie together: how many there are from the first on and, of vectors, their mask.
  struct KeyLanes {
    Value count, mask;
  };

  /// `lanes`: keys that code looks at at once, in vectors; 0: one key, in scalars.
  AttentionMasks(Op op, KernelViews &frame, int64_t lanes)
      : e(frame.e), frame(frame), op(op), masks(op.getMaskSet()), group(op.getGroupSize()),
        lanes(lanes) {}

  /// The operands that both ops have, but q, k and v.
  mlir::LogicalResult bindMasks();
  mlir::LogicalResult bindDropout();
  /// A view of rank 4 with stride 0 along dimensions that repeat.
  View broadcastToScores(View v);
  double scale();
  /// What queries are multiplied by, for scores as the soft cap takes them.
  double queryFactor();
  /// What the intervals of this batch's rows start from.
  void loadKeyLimits();
  KeyRange visibleKeys(Value query);
  /// Row number `row` of this key head.
  Row rowOf(Value row) {
    return {e.div(row, group), e.add(e.mul(keyHead, group), e.rem(row, group))};
  }
  /// Whether keys inside of a row's interval may be hidden.
  bool hidesSingleKeys() { return op.getMask() || op.getQSegments(); }
  /// The lanes of keys from `key` on that there are.
  KeyLanes keysFrom(Value key);
  /// Lanes whose keys from `key` on the row sees, by everything that masks.
  Value visible(const Row &row, const KeyRange &keys, Value key, const KeyLanes &inRange);
  Value addBias(Value s, const Row &row, Value key, const KeyLanes &inRange);
  /// The slope of ALiBi of this row's head.
  Value alibiSlope(const Row &row) { return frame.load(alibi, frame.position(alibi, {row.head})); }
  /// The number of the row among those of all heads and batches, as dropout counts them.
  Value rowNumber(const Row &row) {
    Value first = e.add(e.mul(batch, q.sizes[1]), row.head);
    return e.add(e.mul(first, q.sizes[2]), row.query);
  }

  CodeBuilder &e;
  KernelViews &frame;
  Op op;
  MaskAttr masks;
  int64_t group;
  View q, k, v, bias, alibi, mask, lengths, offset, qSegments, kvSegments;
  std::optional<Dropout> dropout;
  Value batch, keyHead;      ///< of this chunk
  Value validKeys, position; ///< limits of this batch; position of query 0

private:
  /// What a tensor that is broadcast to scores has for the keys from `key` on, as it lies in
  /// memory.
  Value loadRaw(const View &v, Values coordinates, const KeyLanes &inRange);
  /// Lanes below `count`.
  Value below(Value count) { return lanes ? e.mask(count, lanes) : e.gt(count, e.index(0)); }
  Value spread(Value scalar) { return lanes ? e.splat(scalar, lanes) : scalar; }
  Type like(Type element) { return lanes ? Type(e.vec(element, lanes)) : element; }
  /// Positions and reaches are clamped to this, so that their sums do not wrap.
  int64_t far() const { return lanes ? int64_t(1) << 40 : int64_t(1) << 29; }

  int64_t lanes;
};

/// What the gradients have beside them.
struct AttentionGradViews {
  /// The operands that are not options; q, k and v go to the views given.
  mlir::LogicalResult bindGradient(AttentionGradOp op, KernelViews &frame,
                                   llvm::ArrayRef<View *> inputs);
  View o, lse, dout, dlse;
  std::optional<View> dq, dk, dv, dbias;
};

/// The pairs of a query and a key of one head that the masks leave, for square causal attention
/// half of all.
Value visiblePairs(LaunchBuilder &b, MaskAttr masks, bool hasOffset, Value queries, Value keys);

/// Multiplications and additions of what the masks leave.
Value attentionFlops(LaunchBuilder &b, AttentionOp op, Value queries, Value keys);
/// The five products of the gradients, over what the masks leave.
Value countGradientFlops(LaunchBuilder &b, AttentionGradOp op, Value queries, Value keys);

/// An error on `op` where a number of heads or a depth is dynamic.
mlir::LogicalResult verifyStaticHeads(mlir::Operation *op, mlir::RankedTensorType q,
                                      mlir::RankedTensorType k, mlir::RankedTensorType v);

} // namespace linnet::codegen

#endif // LINNET_LIB_CODEGEN_ATTENTIONMASKS_H
