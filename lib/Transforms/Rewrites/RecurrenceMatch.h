//===- RecurrenceMatch.h - a linear recurrence found in a loop --*- C++ -*-===//
//
// Part of Linnet, under Apache-2.0 WITH LLVM-exception. See LICENSE.
//
//===----------------------------------------------------------------------===//
#ifndef LINNET_LIB_TRANSFORMS_REWRITES_RECURRENCEMATCH_H
#define LINNET_LIB_TRANSFORMS_REWRITES_RECURRENCEMATCH_H

#include "OperandBuilder.h"
#include "RecurrenceTerms.h"

namespace linnet::rewrites {

/// A product: its factors, times a number.
struct Product {
  Factors factors;
  double coefficient = 1;
};

/// Loops around each other of which the innermost runs over positions.
struct LoopNest {
  mlir::scf::ForOp time;
  /// The loops with where their counters stand, outermost first; `time` is the last.
  llvm::SmallVector<std::pair<mlir::scf::ForOp, mlir::AffineExpr>> loops;
  /// Whether the outermost loop is known to make all rows that the result has.
  bool complete = true;
};

/// state = decay * state + left (right . state) + update, read by the query over `inner`, in the
/// variables of the result.
struct Recurrence {
  LoopNest nest;
  Element root, row; ///< an element of the result, and that of the row it is inserted with
  Element core;      ///< of the row: what is read out of the state, the rest is done to it
  unsigned time = 0;
  unsigned state = 0; ///< number of the carried value
  llvm::SmallVector<mlir::AffineExpr> at;
  bool after = false;
  llvm::SmallVector<unsigned> inner;
  Product decay, update, query;
  std::optional<Product> left, right; ///< of what is erased
  std::optional<Product> bonus;
};

class RecurrenceMatcher {
public:
  RecurrenceMatcher(Elements &elements) : g(elements) {}
  /// The recurrence that the rows of a loop's result are read out of. Where one is but something
  /// does not fit, `why` says what.
  std::optional<Recurrence> match(mlir::OpResult result, std::string &why);
  /// The carried value that is the result of a nest of loops, and the result's coordinates.
  static std::optional<unsigned> carried(Elements &g, mlir::OpResult result, const Recurrence &r,
                                         llvm::SmallVectorImpl<mlir::AffineExpr> &at);

private:
  bool descend(mlir::OpResult result, Element root, Recurrence &r, std::string &why);
  bool readOut(TermReader &reader, const Element &e, Recurrence &r, std::string &why, bool &found);
  bool readUpdate(TermReader &reader, Recurrence &r, std::string &why);
  bool readErased(const Term &term, Recurrence &r, std::string &why);
  bool readBonus(TermReader &reader, const Term &free, Recurrence &r, std::string &why);
  void bindCounters(mlir::scf::ForOp loop, mlir::AffineExpr at);

  Elements &g;
};

/// Removes from `all` what is the same as one of each of `some`; false where one is not found.
bool remove(Elements &g, llvm::ArrayRef<Factor> some, Factors &all);

/// A tensor of log(product); null, with `why`, where the product may be negative.
mlir::Value buildLogarithm(OperandBuilder &operands, Elements &g, const Product &product,
                           llvm::ArrayRef<Variables> axes, std::string &why);

/// Makes the op in front of the loops.
class RecurrenceBuilder {
public:
  RecurrenceBuilder(mlir::OpBuilder &b, mlir::Location loc, Elements &g, Recurrence &match,
                    std::string &why)
      : b(b), loc(loc), g(g), m(match), why(why), operands(b, loc, g) {}
  mlir::LogicalResult makeOp(bool withState);
  /// What the loops' result is.
  mlir::Value rows();
  /// The state as the result of the nest that it is, or null.
  mlir::Value finalState(mlir::OpResult result);
  llvm::StringRef name; ///< of the op

private:
  mlir::LogicalResult fail(const llvm::Twine &text) {
    why = text.str();
    return mlir::failure();
  }
  mlir::LogicalResult checkTypes();
  void split();
  void limitSizes();
  mlir::LogicalResult layOut();
  mlir::LogicalResult layOutHeads();
  bool findChannels(llvm::ArrayRef<Factor> factors);
  bool isScan(Product &delta, Product &rate, Product &input, Product &u);
  mlir::LogicalResult makeScan(bool withState, const Product &delta, const Product &rate,
                               const Product &input, const Product &u);
  mlir::LogicalResult makeAttention(bool withState);
  mlir::LogicalResult makeErased();
  bool findBeta(bool apart, Product &beta);
  bool dependsOnAny(llvm::ArrayRef<Factor> factors, llvm::ArrayRef<unsigned> variables);
  std::optional<llvm::SmallVector<Variables>> dims(llvm::ArrayRef<mlir::AffineExpr> at,
                                                   mlir::Type type);
  Product apart(const Product &p);
  Variables headsOf(llvm::ArrayRef<Factor> factors);
  mlir::Value product(const Product &p, llvm::ArrayRef<Variables> axes);
  mlir::FailureOr<mlir::Value> initialState();
  mlir::Type widest(llvm::ArrayRef<mlir::Value> values);

  mlir::OpBuilder &b;
  mlir::Location loc;
  Elements &g;
  Recurrence &m;
  std::string &why;
  OperandBuilder operands;
  Variables kept;    ///< the state's, without those that queries are summed over
  Variables inner;   ///< those, in the state's order
  Variables queried; ///< the result's that the state lacks
  Variables positions;
  Variables batch, heads, channels;
  llvm::SmallVector<Variables> rootDims, stateAxes, resultAxes;
  Product key, value;
  mlir::Value beta, eraseA, eraseB;
  mlir::Value made, final;
};

} // namespace linnet::rewrites

#endif // LINNET_LIB_TRANSFORMS_REWRITES_RECURRENCEMATCH_H
