//===- LogitBound.h - how large scores can be -------------------*- C++ -*-===//
//
// Part of Linnet, under Apache-2.0 WITH LLVM-exception. See LICENSE.
//
// What a program says about the size of its values: intervals of elements, and L2 norms along a
// dimension, found backwards from a value through whatever moves or computes elements. Norms are
// what normalised queries and keys have; clipping, tanh, softmax and constants give intervals.
//
// Bounds hold for the f32 computation, rounding of every step included, where its values are finite
// and no square that a norm is made of underflows.
//
//===----------------------------------------------------------------------===//
#ifndef LINNET_ANALYSIS_LOGITBOUND_H
#define LINNET_ANALYSIS_LOGITBOUND_H

#include "linnet/Analysis/Elements.h"
#include "linnet/IR/LinnetOps.h"
#include "mlir/Dialect/Tensor/IR/Tensor.h"
#include <limits>
#include <string>

namespace linnet {

/// All numbers from low to high.
struct Interval {
  double low = -std::numeric_limits<double>::infinity();
  double high = std::numeric_limits<double>::infinity();
  double magnitude() const { return std::max(std::abs(low), std::abs(high)); }
  bool isBounded() const { return std::isfinite(low) && std::isfinite(high); }
};

/// The largest norms along a dimension of what the functions of a module write to a state.
using StateNorms = llvm::DenseMap<std::pair<mlir::StringAttr, unsigned>, double>;

/// Bounds of the values of one function.
class ValueBounds {
public:
  explicit ValueBounds(mlir::MLIRContext *context) : g(context) {}
  /// Within a search for the norms of states: those that are assumed or known.
  ValueBounds(mlir::MLIRContext *context, StateNorms &states) : g(context), states(&states) {}

  /// Of every element.
  Interval range(mlir::Value tensor);
  /// The largest L2 norm of the elements along a dimension; infinity where none is known.
  double norm(mlir::Value tensor, unsigned dim);

  /// Names of the states whose contents a bound rests on.
  std::string describeStates() const;

  /// The first value that nothing is known about, of all that were asked for; null: none.
  mlir::Value getUnknown() const { return unknown; }

private:
  Interval range(const Element &e, int depth);
  Interval rangeOf(mlir::Operation *op, const Element &e, int depth);
  Interval rangeOfTensorOp(const Element &e, int depth);
  Interval rangeOfReduction(const Element &e, int depth);
  double norm(const Element &e, unsigned v, int depth);
  double normOf(mlir::Operation *op, const Element &e, unsigned v, int depth);
  double normOfTensorOp(const Element &e, unsigned v, int depth);
  std::optional<double> normOfNorm(mlir::Operation *op, unsigned dim, int depth);
  double normOfConcat(mlir::tensor::ConcatOp op, const Element &e, unsigned dim, unsigned v,
                      int depth);
  double normOfProduct(const Element &e, unsigned v, int depth);
  double normOfState(mlir::BlockArgument arg, unsigned dim);
  double normOfInsert(mlir::tensor::InsertSliceOp op, const Element &e, unsigned v, unsigned dim,
                      int depth);
  std::optional<double> normalised(const Element &x, const Element &by, bool inverse, unsigned v);
  std::optional<double> sumOfSquares(const Element &sum, const Element &x, unsigned v);
  std::optional<double> rootOfSquares(const Element &root, const Element &x, unsigned v);
  double extent(unsigned v) const;
  Interval forget(const Element &e);

  Elements g;
  mlir::Value unknown;
  StateNorms ownStates, *states = &ownStates;
  int steps = 20000;
};

/// How large the scores of an attention can be.
struct LogitBound {
  double queries = 0, keys = 0; ///< largest norms
  /// Of |scale * dot(q, k)|, and of the sum of |scale * q_c * k_c|.
  double products = std::numeric_limits<double>::infinity();
  /// Of |s|, behind the soft cap and before the bias.
  double scores = std::numeric_limits<double>::infinity();
  std::string proof;    ///< what was found, where scores are bounded
  std::string unproven; ///< what is not known, where products are not
  std::string states;   ///< whose rows are bounded by what the program writes to them
};

LogitBound boundLogits(AttentionOp op);

/// Three digits: "0.0123".
std::string printNumber(double value);

/// "argument 0 of @f", "the result of 'linnet.einsum'".
std::string describeValue(mlir::Value value);

} // namespace linnet

#endif // LINNET_ANALYSIS_LOGITBOUND_H
