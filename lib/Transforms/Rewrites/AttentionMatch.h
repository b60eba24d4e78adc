//===- AttentionMatch.h - attention found in primitive ops ------*- C++ -*-===//
//
// Part of Linnet, under Apache-2.0 WITH LLVM-exception. See LICENSE.
//
//===----------------------------------------------------------------------===//
#ifndef LINNET_LIB_TRANSFORMS_REWRITES_ATTENTIONMATCH_H
#define LINNET_LIB_TRANSFORMS_REWRITES_ATTENTIONMATCH_H

#include "linnet/Analysis/Elements.h"
#include "linnet/IR/LinnetOps.h"
#include <string>

namespace linnet::rewrites {

/// Keys are visible where `condition` is (or, negated, is not) true; elsewhere the score is
/// `hidden`.
struct Condition {
  Element condition;
  bool negated = false;
  double hidden = 0;
};

/// What is added to the scores, `factor` times.
struct Bias {
  Element element;
  double factor = 1;
};

/// softmax over `key` of scale * sum(q * k), capped, plus biases where conditions hold, times v.
struct AttentionMatch {
  Element root; ///< of the result
  Element q, k, v;
  unsigned key = 0;                  ///< the variable that the softmax runs over
  llvm::SmallVector<unsigned> inner; ///< those that the products of q and k are summed over
  double scale = 1;
  std::optional<double> softcap;
  llvm::SmallVector<Bias, 2> biases;
  llvm::SmallVector<Condition, 2> conditions;
};

/// Finds attention whose result is a tensor. Where a softmax meets values but something else
/// does not fit, `why` says what.
class AttentionMatcher {
public:
  AttentionMatcher(Elements &elements) : g(elements) {}
  std::optional<AttentionMatch> match(mlir::Value result, std::string &why);

  /// factor * element
  struct Scores {
    Element element;
    double factor = 1;
  };
  /// What p is the softmax of along `key`.
  std::optional<Scores> probability(const Element &p, unsigned key);

private:
  std::optional<Scores> exponent(const Element &numerator, const Element &denominator,
                                 unsigned key);
  std::optional<Scores> withoutMaximum(const Element &exponent, unsigned key);
  std::optional<AttentionMatch> matchProduct(const ProductSum &product,
                                             std::optional<Element> denominator, std::string &why);
  bool scores(Element s, double factor, AttentionMatch &match, std::string &why);
  bool sum(const Element &s, double factor, AttentionMatch &match, std::string &why);
  bool select(const Element &s, double factor, AttentionMatch &match, std::string &why);
  void addBias(const Element &bias, double factor, AttentionMatch &match);

  Elements &g;
};

/// Replaces the result by the op; failure says why it cannot.
mlir::FailureOr<mlir::Value> buildAttention(mlir::OpBuilder &b, mlir::Location loc, Elements &g,
                                            const AttentionMatch &match, std::string &why);

} // namespace linnet::rewrites

#endif // LINNET_LIB_TRANSFORMS_REWRITES_ATTENTIONMATCH_H
