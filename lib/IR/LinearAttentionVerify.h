//===- LinearAttentionVerify.h - linear attention and its gradient -*- C++ -*-===//
//
// Part of Linnet, under Apache-2.0 WITH LLVM-exception. See LICENSE.
//
// What linear attention and its gradient verify alike.
//
//===----------------------------------------------------------------------===//
#ifndef LINNET_LIB_IR_LINEARATTENTIONVERIFY_H
#define LINNET_LIB_IR_LINEARATTENTIONVERIFY_H

#include "Shapes.h"
#include "linnet/IR/LinnetOps.h"
#include <cmath>

namespace linnet::linear_attention {

inline mlir::RankedTensorType typeOf(mlir::Value value) {
  return mlir::cast<mlir::RankedTensorType>(value.getType());
}

/// A value with heads, and the dimension that counts them.
struct Headed {
  llvm::StringRef name;
  mlir::Value value;
  int64_t dim;

  int64_t heads() const { return typeOf(value).getDimSize(dim); }
};

/// The operands whose heads are those of the state.
template <typename OpTy> llvm::SmallVector<Headed> stateOperands(OpTy op) {
  llvm::SmallVector<Headed> all = {{"key", op.getK(), 1},          {"value", op.getV(), 1},
                                   {"decay", op.getDecay(), 1},    {"erase_a", op.getEraseA(), 1},
                                   {"erase_b", op.getEraseB(), 1}, {"beta", op.getBeta(), 1},
                                   {"bonus", op.getBonus(), 0}};
  llvm::erase_if(all, [](const Headed &h) { return !h.value; });
  return all;
}

template <typename OpTy> int64_t countStateHeads(OpTy op) {
  int64_t heads = 1;
  for (const Headed &operand : stateOperands(op))
    heads = std::max(heads, operand.heads());
  return heads;
}

template <typename OpTy> mlir::LogicalResult verifyHeads(OpTy op) {
  int64_t qHeads = op.getQ().getType().getDimSize(1), stateHeads = op.getStateHeads();
  for (const Headed &operand : stateOperands(op)) {
    if (operand.heads() < 1)
      return op.emitOpError() << "(C1) expects a static number of " << operand.name
                              << " heads of at least 1";
    if (stateHeads % operand.heads())
      return op.emitOpError() << "(C1) expects " << operand.name << " heads " << operand.heads()
                              << " to divide state heads " << stateHeads;
  }
  if (qHeads < 1)
    return op.emitOpError("(C1) expects a static number of query heads of at least 1");
  if (qHeads % stateHeads && stateHeads % qHeads)
    return op.emitOpError() << "(C2) expects query heads " << qHeads
                            << " to divide or be a multiple of state heads " << stateHeads;
  return mlir::success();
}

/// Shapes of q, k, v and of `o`, the result or its gradient.
template <typename OpTy>
mlir::LogicalResult verifyShapes(OpTy op, mlir::Value o, llvm::StringRef what) {
  auto q = op.getQ().getType(), k = op.getK().getType(), v = op.getV().getType();
  NamedSize batch{"query batch", q.getDimSize(0)}, length{"query count", q.getDimSize(2)};
  if (q.isDynamicDim(3) || k.isDynamicDim(3) || v.isDynamicDim(3))
    return op.emitOpError("(C1) expects a static query, key and value depth");
  if (mlir::failed(expectSame(op, "(C1)", {"key batch", k.getDimSize(0)}, batch)) ||
      mlir::failed(expectSame(op, "(C1)", {"value batch", v.getDimSize(0)}, batch)) ||
      mlir::failed(expectSame(op, "(C1)", {"key count", k.getDimSize(2)}, length)) ||
      mlir::failed(expectSame(op, "(C1)", {"value count", v.getDimSize(2)}, length)) ||
      mlir::failed(
          expectSame(op, "(C1)", {"key depth", k.getDimSize(3)}, {"query depth", q.getDimSize(3)})))
    return mlir::failure();
  if (mlir::failed(verifyHeads(op)))
    return mlir::failure();
  NamedSize heads{"the larger of query and state heads",
                  std::max(q.getDimSize(1), op.getStateHeads())};
  return expectShape(op, "(C3)", what, typeOf(o),
                     {batch, heads, length, {"value depth", v.getDimSize(3)}});
}

template <typename OpTy> mlir::LogicalResult verifyGates(OpTy op) {
  auto q = op.getQ().getType();
  NamedSize batch{"batch", q.getDimSize(0)}, length{"query count", q.getDimSize(2)};
  NamedSize depth{"key depth", q.getDimSize(3)};
  auto expectGate = [&](llvm::StringRef constraint, llvm::StringRef name,
                        mlir::Value gate) -> mlir::LogicalResult {
    if (!gate)
      return mlir::success();
    NamedSize sizes[] = {batch, {"its heads", typeOf(gate).getDimSize(1)}, length, depth};
    return expectShape(op, constraint, name, typeOf(gate),
                       llvm::ArrayRef(sizes).take_front(typeOf(gate).getRank()));
  };
  if (mlir::failed(expectGate("(C4)", "decay", op.getDecay())))
    return mlir::failure();
  if (!op.getEraseA() != !op.getEraseB())
    return op.emitOpError("(C5) expects erase_a and erase_b together");
  if (op.getEraseA() && op.getBeta())
    return op.emitOpError("(C5) expects beta or erase, found both");
  if (mlir::failed(expectGate("(C5)", "erase_a", op.getEraseA())) ||
      mlir::failed(expectGate("(C5)", "erase_b", op.getEraseB())) ||
      mlir::failed(expectGate("(C5)", "beta", op.getBeta())))
    return mlir::failure();
  if (!op.getBonus())
    return mlir::success();
  if (op.getRead() != StateRead::pre)
    return op.emitOpError("(C6) expects read<pre> with a bonus");
  return expectSame(op, "(C6)", {"bonus depth", typeOf(op.getBonus()).getDimSize(1)}, depth);
}

/// Heads and depths are static: what may be dynamic is the batch and the length.
template <typename OpTy> void addEqualSizes(OpTy op, SizePairs &sizes) {
  mlir::Value timed[] = {op.getK(),      op.getV(),      op.getDecay(),
                         op.getEraseA(), op.getEraseB(), op.getBeta()};
  for (mlir::Value value : timed) {
    sizes.add(value, 0, op.getQ(), 0);
    sizes.add(value, 2, op.getQ(), 2);
  }
  sizes.addAll(op.getState(), {{op.getQ(), 0}});
}

} // namespace linnet::linear_attention

#endif // LINNET_LIB_IR_LINEARATTENTIONVERIFY_H
