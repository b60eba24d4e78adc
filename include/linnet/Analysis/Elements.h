//===- Elements.h - tensors seen element by element -------------*- C++ -*-===//
//
// Part of Linnet, under Apache-2.0 WITH LLVM-exception. See LICENSE.
//
// A program says the same thing in many ways: with a transpose before or behind, with sizes
// collapsed, repeated or sliced, with one op per step or all steps in one region. Seen element by
// element these are one: an element of a value is a value and coordinates, and what moves
// elements around only changes coordinates. A matcher that asks for elements matches them all.
//
//===----------------------------------------------------------------------===//
#ifndef LINNET_ANALYSIS_ELEMENTS_H
#define LINNET_ANALYSIS_ELEMENTS_H

#include "mlir/Dialect/Linalg/IR/Linalg.h"
#include "mlir/Dialect/Tensor/IR/Tensor.h"
#include "mlir/IR/AffineExpr.h"
#include "mlir/IR/Builders.h"
#include "mlir/IR/BuiltinTypes.h"
#include "mlir/IR/TypeUtilities.h"
#include "llvm/ADT/MapVector.h"
#include "llvm/ADT/SmallSet.h"
#include <optional>

namespace linnet {

class GatherOp;
class ReduceOp;

/// An element of a tensor at its coordinates, one per dimension; or a scalar of a linalg region at
/// the loops of that op; or a scalar of the function, without coordinates. Coordinates are
/// affine expressions in variables, `d0` standing for variable 0.
struct Element {
  mlir::Value value;
  llvm::SmallVector<mlir::AffineExpr> at;
  explicit operator bool() const { return value != nullptr; }
  bool isTensor() const { return llvm::isa<mlir::RankedTensorType>(value.getType()); }
  mlir::Type type() const { return mlir::getElementTypeOrSelf(value.getType()); }
};

/// A variable runs over a dimension of a tensor, or over a part of one.
struct Extent {
  mlir::Value tensor; ///< null: a part of known size
  unsigned dim = 0;
  int64_t size = mlir::ShapedType::kDynamic; ///< or what is known
};

/// What an element is the sum, maximum … of: `element` over `variables`, combined with `start`.
struct ReducedElement {
  Element element;
  llvm::SmallVector<unsigned> variables;
  Element start; ///< null: the neutral element
};

/// A sum of products of two elements.
struct ProductSum {
  Element a, b;
  llvm::SmallVector<unsigned> variables;
  Element start; ///< null: zero
};

/// A sum of products of any number of elements.
struct FactorSum {
  llvm::SmallVector<Element, 2> factors;
  llvm::SmallVector<unsigned> variables;
  Element start; ///< null: zero
};

/// The variables of a match, and the steps from an element to those that it is made of. Nothing
/// is changed; what cannot be looked through gives nothing.
class Elements {
public:
  explicit Elements(mlir::MLIRContext *ctx) : ctx(ctx) {}

  unsigned addVariable(mlir::Value tensor, unsigned dim);
  unsigned addVariable(int64_t size);
  mlir::AffineExpr variable(unsigned v) const { return mlir::getAffineDimExpr(v, ctx); }
  const Extent &extent(unsigned v) const { return extents[v]; }
  unsigned size() const { return extents.size(); }
  /// Forgets the variables from `size` on, those of a match that failed.
  void restore(unsigned size) { extents.resize(size); }
  /// Where a value stands, such as the counter of a loop, whose elements then change with the
  /// variables that the slices are read at.
  void bind(mlir::Value counter, mlir::AffineExpr at) { bound[counter] = at; }
  /// Where such a value has been said to stand, or null.
  mlir::AffineExpr boundTo(mlir::Value counter) const { return bound.lookup(counter); }
  /// Puts an expression in the place of a variable there, too.
  void rebind(unsigned from, mlir::AffineExpr to);
  /// Whether a value is computed where a bound one is known: in a loop.
  bool isWithin(mlir::Value v) const;
  /// Every dimension of a tensor its own, new variable.
  Element all(mlir::Value tensor);

  /// One step through what only moves elements: reshapes, slices, transposes, broadcasts, copies,
  /// concatenations of which one part is read, the arguments and results of elementwise linalg ops.
  /// Casts of floats count where asked.
  std::optional<Element> step(const Element &e, bool throughCasts = false);
  /// As many steps as there are.
  Element source(Element e, bool throughCasts = true);
  /// All elements on this way, e first.
  llvm::SmallVector<Element> way(const Element &e, bool throughCasts = false);

  /// The op that computes an element of a source from operands at the same place, or null.
  mlir::Operation *op(const Element &e);
  template <typename Op> Op op(const Element &e) { return llvm::dyn_cast_or_null<Op>(op(e)); }
  Element operand(const Element &e, unsigned i);

  /// The element as a constant: splats, scalars, and their negation.
  std::optional<double> constant(const Element &e);
  /// x where the element is -x.
  std::optional<Element> negated(const Element &e);
  /// The element of an integer tensor as an expression in the variables: indices, iotas, sums.
  mlir::AffineExpr index(const Element &e);

  enum class Reduction { Sum, Max, Mean };
  std::optional<ReducedElement> reduced(const Element &e, Reduction kind);
  std::optional<ProductSum> productSum(const Element &e);
  std::optional<FactorSum> factorSum(const Element &e);

  /// Whether two elements are the same computation.
  bool same(const Element &a, const Element &b) { return same(a, b, 24); }
  /// Whether the element changes with a variable, as far as can be seen.
  bool dependsOn(const Element &e, unsigned v) { return dependsOn(e, v, 24); }
  /// The element with an expression in the place of a variable.
  Element replace(Element e, unsigned from, mlir::AffineExpr to);
  /// Whether an expression is at least 0 for all values of its variables.
  bool isNonNegative(mlir::AffineExpr e) {
    Range r = range(e);
    return r.low && *r.low >= 0;
  }
  /// Simplified by the ranges of the variables: (8 * h + c) floordiv 8 is h where c < 8.
  mlir::AffineExpr simplify(mlir::AffineExpr e);

private:
  struct Range {
    std::optional<int64_t> low, high; ///< inclusive
  };
  Range range(mlir::AffineExpr e);
  mlir::AffineExpr divide(mlir::AffineExpr e, int64_t by, bool rest);
  std::optional<Element> stepResult(const Element &e);
  int within(mlir::AffineExpr x, int64_t from, int64_t size);
  std::optional<Element> sliced(mlir::tensor::ExtractSliceOp op, const Element &e);
  std::optional<Element> gathered(GatherOp op, const Element &e);
  mlir::AffineExpr clamped(const Element &e);
  std::optional<Element> concatenated(mlir::tensor::ConcatOp op, const Element &e);
  std::optional<Element> inserted(mlir::tensor::InsertSliceOp op, const Element &e);
  std::optional<Element> extracted(mlir::tensor::ExtractOp op, const Element &e);
  std::optional<Element> stepArgument(const Element &e);
  ReducedElement reducedOf(ReduceOp op, const Element &e);
  std::optional<ReducedElement> reducedOf(mlir::linalg::LinalgOp op, const Element &e,
                                          Reduction kind);
  mlir::AffineExpr loopVariable(mlir::linalg::LinalgOp op, unsigned loop,
                                llvm::SmallVectorImpl<unsigned> &variables);
  bool same(const Element &a, const Element &b, int depth);
  bool sayTheSame(const Element &a, const Element &b);
  bool dependsOn(const Element &e, unsigned v, int depth);
  void simplify(Element &e);

  /// Steps that comparisons may still take: values are shared, and ways through them many.
  bool mayGoOn() {
    bool left = steps > 0;
    steps -= left;
    return left;
  }

  mlir::MLIRContext *ctx;
  llvm::SmallVector<Extent> extents;
  llvm::MapVector<mlir::Value, mlir::AffineExpr> bound;
  int steps = 100000;
};

} // namespace linnet

#endif // LINNET_ANALYSIS_ELEMENTS_H
