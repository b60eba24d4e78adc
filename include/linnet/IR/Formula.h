//===- Formula.h - elementwise arithmetic that reads like a formula -*- C++ -*-===//
//
// Part of Linnet, under Apache-2.0 WITH LLVM-exception. See LICENSE.
//
//===----------------------------------------------------------------------===//
#ifndef LINNET_IR_FORMULA_H
#define LINNET_IR_FORMULA_H

#include "mlir/IR/BuiltinTypes.h"
#include "mlir/IR/ImplicitLocOpBuilder.h"

namespace linnet {

/// A constant with the type and the sizes of `like`, a tensor or a scalar of float type.
mlir::Value constantLike(mlir::ImplicitLocOpBuilder &b, mlir::Value like, double value);

/// Elementwise arithmetic on tensors of one type, or on scalars.
struct Expr {
  mlir::ImplicitLocOpBuilder *b;
  mlir::Value value;

  Expr operator+(Expr o) const;
  Expr operator-(Expr o) const;
  Expr operator*(Expr o) const;
  Expr operator/(Expr o) const;
  Expr operator-() const;
  Expr operator+(double c) const { return *this + constant(c); }
  Expr operator*(double c) const { return *this * constant(c); }
  Expr sqrt() const;
  /// In this element type, rounded once where it is narrower.
  Expr as(mlir::Type element) const;

  /// A number of this type and shape.
  Expr constant(double c) const { return {b, constantLike(*b, value, c)}; }
  /// A scalar or a tensor of rank 0, repeated to this shape.
  Expr spread(mlir::Value scalar) const;

  mlir::RankedTensorType type() const {
    return mlir::cast<mlir::RankedTensorType>(value.getType());
  }
  operator mlir::Value() const { return value; }
};

} // namespace linnet

#endif // LINNET_IR_FORMULA_H
