//===- AttentionVerify.h - what attention and its gradient verify alike -*- C++ -*-===//
//
// Part of Linnet, under Apache-2.0 WITH LLVM-exception. See LICENSE.
//
//===----------------------------------------------------------------------===//
#ifndef LINNET_LIB_IR_ATTENTIONVERIFY_H
#define LINNET_LIB_IR_ATTENTIONVERIFY_H

#include "Shapes.h"
#include "linnet/IR/LinnetOps.h"
#include <cmath>

namespace linnet::attention {

template <typename OpTy> mlir::LogicalResult verifyOperandShapes(OpTy op) {
  auto q = op.getQ().getType(), k = op.getK().getType(), v = op.getV().getType();
  NamedSize batch{"query batch", q.getDimSize(0)}, heads{"key heads", k.getDimSize(1)};
  if (mlir::failed(expectSame(op, "(C1)", {"key batch", k.getDimSize(0)}, batch)) ||
      mlir::failed(expectSame(op, "(C1)", {"value batch", v.getDimSize(0)}, batch)) ||
      mlir::failed(expectSame(op, "(C1)", {"value heads", v.getDimSize(1)}, heads)) ||
      mlir::failed(expectSame(op, "(C1)", {"value count", v.getDimSize(2)},
                              {"key count", k.getDimSize(2)})) ||
      mlir::failed(
          expectSame(op, "(C1)", {"key depth", k.getDimSize(3)}, {"query depth", q.getDimSize(3)})))
    return mlir::failure();
  int64_t h = q.getDimSize(1), hk = k.getDimSize(1);
  if (h == 0 || hk == 0)
    return op.emitOpError() << "(C2) expects at least one head, found " << h << " query heads and "
                            << hk << " key heads";
  if (!mlir::ShapedType::isDynamic(h) && !mlir::ShapedType::isDynamic(hk) && h % hk)
    return op.emitOpError() << "(C2) expects query heads " << h << " to be a multiple of key heads "
                            << hk;
  if (int64_t depth = q.getDimSize(3); depth == 0 || v.getDimSize(3) == 0)
    return op.emitOpError() << "(C1) expects depths of at least 1, found key depth " << depth
                            << " and value depth " << v.getDimSize(3);
  return mlir::success();
}

/// `outer`: the dimensions before those of every result, of constraint `constraint`.
template <typename OpTy>
mlir::LogicalResult verifyResults(OpTy op, llvm::StringRef constraint = "(C3)",
                                  llvm::ArrayRef<NamedSize> outer = {}) {
  auto q = op.getQ().getType(), v = op.getV().getType();
  llvm::SmallVector<NamedSize> sizes(outer);
  sizes.append({{"query batch", q.getDimSize(0)},
                {"query heads", q.getDimSize(1)},
                {"query count", q.getDimSize(2)},
                {"value depth", v.getDimSize(3)}});
  if (mlir::failed(expectShape(op, constraint, "result", op.getO().getType(), sizes)))
    return mlir::failure();
  if (!op.getLse())
    return mlir::success();
  return expectShape(op, constraint, "lse",
                     mlir::cast<mlir::RankedTensorType>(op.getLse().getType()),
                     llvm::ArrayRef(sizes).drop_back());
}

/// Checks a tensor that broadcasts to the scores.
template <typename OpTy>
mlir::LogicalResult verifyBroadcast(OpTy op, llvm::StringRef constraint, llvm::StringRef what,
                                    mlir::Value value) {
  if (!value)
    return mlir::success();
  auto q = op.getQ().getType(), k = op.getK().getType();
  NamedSize sizes[] = {{"batch", q.getDimSize(0)},
                       {"query heads", q.getDimSize(1)},
                       {"query count", q.getDimSize(2)},
                       {"key count", k.getDimSize(2)}};
  auto type = mlir::cast<mlir::RankedTensorType>(value.getType());
  for (int64_t i = 0, r = type.getRank(); i < r; ++i) {
    std::string name = (what + " size " + llvm::Twine(i)).str();
    if (type.getDimSize(i) != 1 &&
        mlir::failed(expectSame(op, constraint, {name, type.getDimSize(i)}, sizes[4 - r + i])))
      return mlir::failure();
  }
  return mlir::success();
}

/// Checks what is added to the scores.
template <typename OpTy> mlir::LogicalResult verifyAddends(OpTy op) {
  if (mlir::failed(verifyBroadcast(op, "(C4)", "bias", op.getBias())))
    return mlir::failure();
  mlir::Value slopes = op.getAlibiSlopes();
  if (!slopes)
    return mlir::success();
  return expectShape(op, "(C4)", "alibi_slopes",
                     mlir::cast<mlir::RankedTensorType>(slopes.getType()),
                     {{"query heads", op.getQ().getType().getDimSize(1)}});
}

/// A mask condition and the operand that it reads come together.
template <typename OpTy>
mlir::LogicalResult expectTogether(OpTy op, llvm::StringRef constraint, llvm::StringRef operand,
                                   bool present, llvm::StringRef condition, bool listed) {
  if (present == listed)
    return mlir::success();
  return op.emitOpError() << constraint << " expects " << (listed ? "operand " : "masks to list ")
                          << (listed ? operand : condition) << " with "
                          << (listed ? "mask " : "operand ") << (listed ? condition : operand);
}

template <typename OpTy> mlir::LogicalResult verifyMaskOperands(OpTy op) {
  MaskAttr masks = op.getMaskSet();
  auto q = op.getQ().getType(), k = op.getK().getType();
  NamedSize batch{"batch", q.getDimSize(0)};
  if (mlir::failed(
          expectTogether(op, "(C5)", "mask", !!op.getMask(), "explicit", masks.getIsExplicit())) ||
      mlir::failed(verifyBroadcast(op, "(C5)", "mask", op.getMask())) ||
      mlir::failed(expectTogether(op, "(C6)", "kv_lengths", !!op.getKvLengths(), "kv_lengths",
                                  masks.getKvLengths())))
    return mlir::failure();
  auto typeOf = [](mlir::Value v) { return mlir::cast<mlir::RankedTensorType>(v.getType()); };
  if (mlir::Value lengths = op.getKvLengths())
    if (mlir::failed(expectShape(op, "(C6)", "kv_lengths", typeOf(lengths), {batch})))
      return mlir::failure();
  if (mlir::Value offset = op.getQOffset()) {
    if (!op.readsPositions())
      return op.emitOpError("(C7) expects masks to list causal or window, or operand alibi_slopes, "
                            "with operand q_offset");
    if (typeOf(offset).getRank() == 1 &&
        mlir::failed(expectShape(op, "(C7)", "q_offset", typeOf(offset), {batch})))
      return mlir::failure();
  }
  if (mlir::failed(expectTogether(op, "(C8)", "q_segments", !!op.getQSegments(), "segments",
                                  masks.getSegments())) ||
      mlir::failed(expectTogether(op, "(C8)", "kv_segments", !!op.getKvSegments(), "segments",
                                  masks.getSegments())))
    return mlir::failure();
  if (!masks.getSegments())
    return mlir::success();
  if (mlir::failed(expectShape(op, "(C8)", "q_segments", typeOf(op.getQSegments()),
                               {batch, {"query count", q.getDimSize(2)}})))
    return mlir::failure();
  return expectShape(op, "(C8)", "kv_segments", typeOf(op.getKvSegments()),
                     {batch, {"key count", k.getDimSize(2)}});
}

template <typename OpTy> mlir::LogicalResult verifyNumbers(OpTy op) {
  if (auto scale = op.getScaleAttr(); scale && !std::isfinite(scale.getValueAsDouble()))
    return op.emitOpError() << "(C9) expects a finite scale, found " << scale.getValueAsDouble();
  if (auto cap = op.getSoftcapAttr();
      cap && !(std::isfinite(cap.getValueAsDouble()) && cap.getValueAsDouble() > 0))
    return op.emitOpError() << "(C9) expects a finite positive softcap, found "
                            << cap.getValueAsDouble();
  int parts = !!op.getDropoutKey() + !!op.getDropoutCounter() + !!op.getDropoutAttr();
  if (parts != 0 && parts != 3)
    return op.emitOpError() << "(C10) expects a dropout rate, dropout_key and dropout_counter "
                               "together, found "
                            << parts << " of 3";
  if (auto rate = op.getDropoutAttr())
    if (!(rate.getValueAsDouble() > 0 && rate.getValueAsDouble() < 1))
      return op.emitOpError() << "(C10) expects a dropout rate above 0 and below 1, found "
                              << rate.getValueAsDouble();
  return mlir::success();
}

/// The sizes of q, k, v and of the optional operands that are equal.
template <typename OpTy> void addEqualSizes(OpTy op, SizePairs &sizes) {
  mlir::Value q = op.getQ(), k = op.getK();
  sizes.addAll(k, {{q, 0}});
  sizes.add(k, 3, q, 3);
  sizes.addAll(op.getV(), {{q, 0}, {k, 1}, {k, 2}});
  std::pair<mlir::Value, unsigned> scores[] = {{q, 0}, {q, 1}, {q, 2}, {k, 2}};
  for (mlir::Value value : {op.getBias(), op.getMask()}) {
    auto type =
        value ? mlir::cast<mlir::RankedTensorType>(value.getType()) : mlir::RankedTensorType();
    for (int64_t i = 0, r = type ? type.getRank() : 0; i < r; ++i)
      if (type.getDimSize(i) != 1)
        sizes.add(value, i, scores[4 - r + i].first, scores[4 - r + i].second);
  }
  sizes.add(op.getAlibiSlopes(), 0, q, 1);
  sizes.addAll(op.getKvLengths(), {{q, 0}});
  if (mlir::Value offset = op.getQOffset();
      offset && mlir::cast<mlir::ShapedType>(offset.getType()).getRank())
    sizes.add(offset, 0, q, 0);
  sizes.addAll(op.getQSegments(), {{q, 0}, {q, 2}});
  sizes.addAll(op.getKvSegments(), {{q, 0}, {k, 2}});
}

} // namespace linnet::attention

#endif // LINNET_LIB_IR_ATTENTIONVERIFY_H
