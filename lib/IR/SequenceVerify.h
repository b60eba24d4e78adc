//===- SequenceVerify.h - what scans and their gradients verify alike -*- C++ -*-===//
//
// Part of Linnet, under Apache-2.0 WITH LLVM-exception. See LICENSE.
//
//===----------------------------------------------------------------------===//
#ifndef LINNET_LIB_IR_SEQUENCEVERIFY_H
#define LINNET_LIB_IR_SEQUENCEVERIFY_H

#include "Shapes.h"
#include "linnet/IR/LinnetOps.h"

namespace linnet::sequence {

using mlir::cast;
using mlir::failed;
using mlir::LogicalResult;
using mlir::RankedTensorType;
using mlir::success;
using mlir::Value;

/// A value with the words that a message calls it by; it may be absent.
struct NamedValue {
  llvm::StringRef name;
  Value value;
};

inline LogicalResult expectShapes(mlir::Operation *op, llvm::StringRef constraint,
                                  llvm::ArrayRef<NamedValue> values,
                                  llvm::ArrayRef<NamedSize> sizes) {
  for (const NamedValue &v : values)
    if (v.value && failed(expectShape(op, constraint, v.name,
                                      cast<RankedTensorType>(v.value.getType()), sizes)))
      return mlir::failure();
  return success();
}

/// The operands that selective_scan and its gradient share, and `y`, the result or its gradient.
template <typename OpTy> LogicalResult verifyScan(OpTy op, NamedValue y, NamedValue finalState) {
  auto u = op.getU().getType(), a = op.getA().getType();
  NamedSize batch{"batch", u.getDimSize(0)}, length{"length", u.getDimSize(1)};
  NamedSize channels{"channels", u.getDimSize(2)}, states{"state size", a.getDimSize(1)};
  if (failed(expectShapes(op, "(C1)", {{"delta", op.getDelta()}}, {batch, length, channels})) ||
      failed(expectShapes(op, "(C1)", {{"a", op.getA()}}, {channels, states})) ||
      failed(expectShapes(op, "(C1)", {{"b", op.getB()}, {"c", op.getC()}},
                          {batch, length, states})) ||
      failed(expectShapes(op, "(C2)", {y}, {batch, length, channels})) ||
      failed(expectShapes(op, "(C3)", {{"skip", op.getSkip()}, {"delta_bias", op.getDeltaBias()}},
                          {channels})) ||
      failed(expectShapes(op, "(C3)", {{"gate", op.getGate()}}, {batch, length, channels})) ||
      failed(expectShapes(op, "(C4)", {{"state", op.getState()}, finalState},
                          {batch, channels, states})))
    return mlir::failure();
  if (a.isDynamicDim(1))
    return op.emitOpError("(C5) expects a static state size");
  return success();
}

template <typename OpTy> void addScanSizes(OpTy op, SizePairs &sizes) {
  Value u = op.getU(), a = op.getA();
  sizes.addAll(op.getDelta(), {{u, 0}, {u, 1}, {u, 2}});
  sizes.addAll(a, {{u, 2}});
  sizes.addAll(op.getB(), {{u, 0}, {u, 1}, {a, 1}});
  sizes.addAll(op.getC(), {{u, 0}, {u, 1}, {a, 1}});
  sizes.addAll(op.getSkip(), {{u, 2}});
  sizes.addAll(op.getGate(), {{u, 0}, {u, 1}, {u, 2}});
  sizes.addAll(op.getDeltaBias(), {{u, 2}});
  sizes.addAll(op.getState(), {{u, 0}, {u, 2}, {a, 1}});
}

/// The operands that causal_conv and its gradient share, and `y`, the result or its gradient.
template <typename OpTy>
LogicalResult verifyCausalConv(OpTy op, NamedValue y, NamedValue finalState) {
  auto x = op.getX().getType(), weight = op.getWeight().getType();
  int64_t w = weight.getDimSize(1);
  NamedSize batch{"batch", x.getDimSize(0)}, channels{"channels", x.getDimSize(2)};
  if (failed(expectShapes(op, "(C1)", {y}, {batch, {"length", x.getDimSize(1)}, channels})) ||
      failed(expectShapes(op, "(C1)", {{"weight", op.getWeight()}}, {channels, {"its width", w}})))
    return mlir::failure();
  if (w < 1)
    return op.emitOpError("(C2) expects a static weight width of at least 1");
  if (failed(expectShapes(op, "(C3)", {{"bias", op.getBias()}}, {channels})))
    return mlir::failure();
  for (NamedValue v : {NamedValue{"state", op.getState()}, finalState}) {
    if (!v.value)
      continue;
    if (failed(expectShapes(op, "(C4)", {v}, {batch, channels, {"weight width less one", w - 1}})))
      return mlir::failure();
    mlir::Type element = mlir::getElementTypeOrSelf(v.value.getType());
    if (element != x.getElementType())
      return op.emitOpError() << "(C4) expects " << v.name << " of " << x.getElementType()
                              << ", found " << element;
  }
  return success();
}

template <typename OpTy> void addCausalConvSizes(OpTy op, SizePairs &sizes) {
  Value x = op.getX();
  sizes.addAll(op.getWeight(), {{x, 2}});
  sizes.addAll(op.getBias(), {{x, 2}});
  sizes.addAll(op.getState(), {{x, 0}, {x, 2}});
}

} // namespace linnet::sequence

#endif // LINNET_LIB_IR_SEQUENCEVERIFY_H
