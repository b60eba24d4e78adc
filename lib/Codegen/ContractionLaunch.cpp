//===- ContractionLaunch.cpp - sizes and strides of a matrix product --------===//
//
// Part of Linnet, under Apache-2.0 WITH LLVM-exception. See LICENSE.
//
//===----------------------------------------------------------------------===//
#include "Contraction.h"

using namespace mlir;
using namespace linnet::codegen;

SmallVector<Value> linnet::codegen::operandStrides(CodeBuilder &e, const Operand &x,
                                                   const View &v) {
  SmallVector<Value> out(x.strides.size(), e.index(0));
  std::function<void(AffineExpr, Value)> add = [&](AffineExpr expr, Value stride) {
    if (auto d = dyn_cast<AffineDimExpr>(expr)) {
      out[d.getPosition()] = e.add(out[d.getPosition()], stride);
    } else if (auto binary = dyn_cast<AffineBinaryOpExpr>(expr)) {
      if (binary.getKind() == AffineExprKind::Add) {
        add(binary.getLHS(), stride);
        add(binary.getRHS(), stride);
      } else {
        add(binary.getLHS(), e.mul(stride, cast<AffineConstantExpr>(binary.getRHS()).getValue()));
      }
    }
  };
  for (auto [expr, stride] : llvm::zip(x.map.getResults(), v.strides))
    add(expr, stride);
  for (auto [d, known] : llvm::enumerate(x.strides))
    if (!ShapedType::isDynamic(known))
      out[d] = e.index(known);
  return out;
}

static Value launchSize(LaunchBuilder &b, const Contraction &c, ArrayRef<unsigned> dims) {
  Value size = b.constant(1);
  for (unsigned d : dims) {
    if (int64_t known = c.staticSize(d); !ShapedType::isDynamic(known)) {
      size = b.mul(size, b.constant(known));
      continue;
    }
    auto [tensor, dim] = c.sizeSource(d);
    Value v = b.sizeOf(tensor, dim);
    if (!v)
      return {};
    size = b.mul(size, v);
  }
  return size;
}

FailureOr<ContractionSizes> ContractionSizes::of(LaunchBuilder &b, const Contraction &c) {
  ContractionSizes s{launchSize(b, c, c.m), launchSize(b, c, c.n), launchSize(b, c, c.k),
                     launchSize(b, c, c.outerK), launchSize(b, c, c.batch)};
  if (!s.m || !s.n || !s.k || !s.outerK || !s.batch)
    return failure();
  return s;
}

Value ContractionSizes::flops(LaunchBuilder &b) const {
  return b.mul({b.constant(2), m, n, k, outerK, batch});
}

Value ContractionSizes::bytes(LaunchBuilder &b, const Contraction &c) const {
  auto bytes = [&](Type t, ArrayRef<Value> sizes) {
    return b.mul(b.mul(sizes), b.constant(t.getIntOrFloatBitWidth() / 8));
  };
  Type out = cast<ShapedType>(c.op->getResult(0).getType()).getElementType();
  Value total = bytes(c.arithmetic.a, {batch, m, k, outerK});
  total = b.add(total, bytes(c.arithmetic.b, {batch, n, k, outerK}));
  return b.add(total, bytes(out, {batch, m, n}));
}
