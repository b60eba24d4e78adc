//===- Adjoints.h - gradients in reverse mode -------------------*- C++ -*-===//
//
// Part of Linnet, under Apache-2.0 WITH LLVM-exception. See LICENSE.
//
// What a derivative rule works with: the gradients of values that are known so far. Rules are
// external models of DifferentiableOpInterface; see docs/adding-an-op.md.
//
//===----------------------------------------------------------------------===//
#ifndef LINNET_AUTODIFF_ADJOINTS_H
#define LINNET_AUTODIFF_ADJOINTS_H

#include "mlir/IR/Builders.h"
#include "mlir/IR/ImplicitLocOpBuilder.h"
#include "llvm/ADT/DenseMap.h"
#include "llvm/ADT/DenseSet.h"

namespace linnet {

/// Floats and ranked tensors of them carry gradients.
bool isDifferentiableType(mlir::Type type);

/// The gradients of a scalar with respect to the values of a region, built in reverse.
class Adjoints {
public:
  /// `active` are the values whose gradients are wanted or pass through.
  Adjoints(mlir::ImplicitLocOpBuilder &builder, llvm::DenseSet<mlir::Value> active)
      : b(builder), active(std::move(active)) {}

  /// Inserts behind everything that the primal ops compute.
  mlir::ImplicitLocOpBuilder &builder() { return b; }

  /// The gradient of `value`, of its type; null where none flows.
  mlir::Value of(mlir::Value value) const { return gradients.lookup(value); }
  /// The gradient of `value`, zeros where none flows.
  mlir::Value ofOrZero(mlir::Value value);

  /// Whether a gradient of `value` is of use.
  bool wants(mlir::Value value) const { return active.contains(value); }
  /// Adds to the gradient of `value`; dropped where it is not wanted. The gradient has the
  /// type of the value. Sums are formed in the order of the calls.
  void add(mlir::Value value, mlir::Value gradient);

  /// Makes `gradient` all of the gradient of `value` so far.
  void set(mlir::Value value, mlir::Value gradient) { gradients[value] = gradient; }

  /// Says that a rule has replaced its primal op: `to` is what was `from`, which may be gone.
  void replaced(mlir::Value from, mlir::Value to);
  /// What a value is after all replacements.
  mlir::Value current(mlir::Value value) const;

private:
  mlir::ImplicitLocOpBuilder &b;
  llvm::DenseSet<mlir::Value> active;
  llvm::DenseMap<mlir::Value, mlir::Value> gradients, replacements;
};

/// Zeros of the type and the sizes of `value`.
mlir::Value zerosLike(mlir::ImplicitLocOpBuilder &b, mlir::Value value);

/// Reverse mode over the ops of `block` from `begin` to `end`: seeds are the gradients that
/// `adjoints` has already. Emits everything at the builder's insertion point. Refuses, all at
/// once, the ops on the way that have no rule.
mlir::LogicalResult differentiateOps(llvm::ArrayRef<mlir::Operation *> ops, Adjoints &adjoints);

/// The values among `ops` and their regions' captures that depend on `sources` and on which
/// one of `targets` depends.
llvm::DenseSet<mlir::Value> findActiveValues(llvm::ArrayRef<mlir::Operation *> ops,
                                             mlir::ValueRange sources, mlir::ValueRange targets);

} // namespace linnet

#endif // LINNET_AUTODIFF_ADJOINTS_H
