//===- RecurrenceTerms.h - what a loop makes of its state -------*- C++ -*-===//
//
// Part of Linnet, under Apache-2.0 WITH LLVM-exception. See LICENSE.
//
//===----------------------------------------------------------------------===//
#ifndef LINNET_LIB_TRANSFORMS_REWRITES_RECURRENCETERMS_H
#define LINNET_LIB_TRANSFORMS_REWRITES_RECURRENCETERMS_H

#include "linnet/Analysis/Elements.h"
#include "mlir/Dialect/SCF/IR/SCF.h"
#include <string>

namespace linnet::rewrites {

/// An element that a term is multiplied with, or divided by.
struct Factor {
  Element element;
  bool inverse = false;
};
using Factors = llvm::SmallVector<Factor, 4>;

/// An element of what a loop carries, before or after the step.
struct StateElement {
  unsigned number = 0; ///< of the carried values
  bool after = false;
  llvm::SmallVector<mlir::AffineExpr> at;
};

/// coefficient * product of factors * state, summed over variables. Factors do not change with what
/// the loop carries.
struct Term {
  double coefficient = 1;
  Factors factors;
  std::optional<StateElement> state;
  llvm::SmallVector<unsigned> summed;
  /// Pairs of coordinates where the term is 0 unless they are equal: a matrix of ones.
  llvm::SmallVector<std::pair<mlir::AffineExpr, mlir::AffineExpr>, 1> equal;
};
using Terms = llvm::SmallVector<Term, 4>;

/// Reads elements in the body of a loop as sums of terms in which what the loop carries is linear.
class TermReader {
public:
  TermReader(Elements &elements, mlir::scf::ForOp loop) : g(elements), loop(loop) {}

  /// With `after`, values that the loop yields are states after the step.
  bool read(const Element &e, bool after, Terms &out, std::string &why);
  /// The factors of an element that is no sum, multiplied to those of a term. `outside`: those of
  /// values that were computed before the loop, too.
  void factorize(const Element &e, bool inverse, bool outside, Term &out);
  /// All factors taken apart.
  Factors takenApart(llvm::ArrayRef<Factor> factors, double &coefficient);
  /// Whether a value changes with what the loop carries.
  bool isCarried(mlir::Value v);
  /// Coordinates of the whole of a carried value, each a variable of its own.
  const Element &whole(unsigned number);

private:
  std::optional<StateElement> state(const Element &e, bool after);
  bool product(llvm::ArrayRef<Element> factors, llvm::ArrayRef<unsigned> variables, bool after,
               Terms &out, std::string &why);
  bool compute(const Element &e, bool after, Terms &out, std::string &why);
  bool isOneWhereEqual(const Element &e, Term &out);
  bool readFree(const Element &e, Terms &out);
  void resolve(Term &term);

  Elements &g;
  mlir::scf::ForOp loop;
  llvm::DenseMap<mlir::Value, bool> carried;
  llvm::DenseMap<unsigned, Element> wholes;
  llvm::DenseMap<unsigned, llvm::SmallVector<Element>>
      yielded; ///< the same elements, as others have them
};

} // namespace linnet::rewrites

#endif // LINNET_LIB_TRANSFORMS_REWRITES_RECURRENCETERMS_H
