//===- Formula.cpp - elementwise arithmetic that reads like a formula -----===//
//
// Part of Linnet, under Apache-2.0 WITH LLVM-exception. See LICENSE.
//
//===----------------------------------------------------------------------===//
#include "linnet/IR/Formula.h"
#include "linnet/IR/LinnetOps.h"
#include "mlir/Dialect/Arith/IR/Arith.h"
#include "mlir/Dialect/Math/IR/Math.h"
#include "mlir/IR/TypeUtilities.h"

using namespace mlir;
using namespace linnet;

/// A scalar or a tensor of rank 0, repeated to the type and the sizes of `like`.
static Value repeatLike(ImplicitLocOpBuilder &b, Value scalar, Value like) {
  auto type = cast<RankedTensorType>(like.getType()).clone(getElementTypeOrSelf(scalar.getType()));
  Value sizes = type.hasStaticShape() ? Value() : like;
  auto dims =
      isa<RankedTensorType>(scalar.getType()) ? b.getDenseI64ArrayAttr({}) : DenseI64ArrayAttr();
  return BroadcastOp::create(b, type, scalar, sizes, ValueRange(), dims);
}

Value linnet::constantLike(ImplicitLocOpBuilder &b, Value like, double value) {
  auto tensor = dyn_cast<RankedTensorType>(like.getType());
  auto attr = b.getFloatAttr(getElementTypeOrSelf(like.getType()), value);
  if (tensor && tensor.hasStaticShape())
    return arith::ConstantOp::create(b, DenseElementsAttr::get(tensor, attr.getValue()));
  Value scalar = arith::ConstantOp::create(b, attr);
  return tensor ? repeatLike(b, scalar, like) : scalar;
}

Expr Expr::operator+(Expr o) const { return {b, arith::AddFOp::create(*b, value, o.value)}; }
Expr Expr::operator-(Expr o) const { return {b, arith::SubFOp::create(*b, value, o.value)}; }
Expr Expr::operator*(Expr o) const { return {b, arith::MulFOp::create(*b, value, o.value)}; }
Expr Expr::operator/(Expr o) const { return {b, arith::DivFOp::create(*b, value, o.value)}; }
Expr Expr::operator-() const { return {b, arith::NegFOp::create(*b, value)}; }
Expr Expr::sqrt() const { return {b, math::SqrtOp::create(*b, value)}; }
Expr Expr::spread(Value scalar) const { return {b, repeatLike(*b, scalar, value)}; }

Expr Expr::as(Type element) const {
  Type from = getElementTypeOrSelf(value.getType());
  if (from == element)
    return *this;
  Type to = element;
  if (auto tensor = dyn_cast<RankedTensorType>(value.getType()))
    to = tensor.clone(element);
  if (from.getIntOrFloatBitWidth() < element.getIntOrFloatBitWidth())
    return {b, arith::ExtFOp::create(*b, to, value)};
  return {b, arith::TruncFOp::create(*b, to, value)};
}
