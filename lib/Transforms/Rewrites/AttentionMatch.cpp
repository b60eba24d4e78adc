//===- AttentionMatch.cpp - attention found in primitive ops ----------------===//
//
// Part of Linnet, under Apache-2.0 WITH LLVM-exception. See LICENSE.
//
// One way down: from a sum of products over keys to the softmax in it, to the scores, through what
// is done to them, to the products of queries and keys.
//
//===----------------------------------------------------------------------===//
#include "AttentionMatch.h"
#include "mlir/Dialect/Arith/IR/Arith.h"
#include "mlir/Dialect/Linalg/IR/Linalg.h"
#include "mlir/Dialect/Math/IR/Math.h"
#include "llvm/ADT/ScopeExit.h"
#include <cmath>

using namespace mlir;
using namespace linnet;
using namespace linnet::rewrites;

/// Softmax takes no notice of such a score.
static bool isHidden(double score) { return score <= -1e9; }

//===----------------------------------------------------------------------===//
// Softmax
//===----------------------------------------------------------------------===//

/// The scores in exp(scores - m), whatever m is: it cancels where the key does not change it.
std::optional<AttentionMatcher::Scores> AttentionMatcher::withoutMaximum(const Element &exponent,
                                                                         unsigned key) {
  Element x = g.source(exponent);
  if (g.op<arith::SubFOp>(x) && !g.dependsOn(g.operand(x, 1), key))
    return Scores{g.operand(x, 0), 1};
  if (g.op<arith::AddFOp>(x))
    for (unsigned i = 0; i < 2; ++i)
      if (!g.dependsOn(g.operand(x, i), key))
        return Scores{g.operand(x, 1 - i), 1};
  return Scores{x, 1};
}

/// The scores whose exponential is the numerator, if the denominator is the sum of it over keys.
std::optional<AttentionMatcher::Scores>
AttentionMatcher::exponent(const Element &numerator, const Element &denominator, unsigned key) {
  Element exp = g.source(numerator);
  bool base2 = g.op<math::Exp2Op>(exp) != nullptr;
  if (!base2 && !g.op<math::ExpOp>(exp))
    return std::nullopt;
  auto sum = g.reduced(denominator, Elements::Reduction::Sum);
  if (!sum || sum->start || sum->variables.size() != 1 ||
      g.extent(sum->variables[0]).size != g.extent(key).size)
    return std::nullopt;
  Element other = g.replace(sum->element, sum->variables[0], g.variable(key));
  if (g.dependsOn(denominator, key) || !g.same(exp, other))
    return std::nullopt;
  auto found = withoutMaximum(g.operand(exp, 0), key);
  if (found && base2)
    found->factor *= std::log(2.0);
  return found;
}

/// The reciprocal's operand.
static std::optional<Element> inverse(Elements &g, const Element &element) {
  Element e = g.source(element);
  if (g.op<arith::DivFOp>(e) && g.constant(g.operand(e, 0)) == 1.0)
    return g.operand(e, 1);
  return std::nullopt;
}

std::optional<AttentionMatcher::Scores> AttentionMatcher::probability(const Element &element,
                                                                      unsigned key) {
  Element p = g.source(element);
  Operation *op = p.value.getDefiningOp();
  auto along = [&](Value input, int64_t axis) -> std::optional<Scores> {
    auto size = cast<RankedTensorType>(input.getType()).getDimSize(axis);
    if (p.at[axis] != g.variable(key) || size != g.extent(key).size) // a slice of more keys
      return std::nullopt;
    return Scores{{input, p.at}, 1};
  };
  if (auto softmax = dyn_cast_or_null<SoftmaxOp>(op))
    return along(softmax.getInput(), softmax.getAxis());
  if (auto softmax = dyn_cast_or_null<linalg::SoftmaxOp>(op))
    return along(softmax.getInput(), softmax.getDimension());
  if (g.op<arith::DivFOp>(p))
    return exponent(g.operand(p, 0), g.operand(p, 1), key);
  if (g.op<arith::MulFOp>(p))
    for (unsigned i = 0; i < 2; ++i)
      if (auto sum = inverse(g, g.operand(p, i)))
        if (auto found = exponent(g.operand(p, 1 - i), *sum, key))
          return found;
  return std::nullopt;
}

//===----------------------------------------------------------------------===//
// Scores
//===----------------------------------------------------------------------===//

/// A bias that is zero or hides is a condition.
void AttentionMatcher::addBias(const Element &bias, double factor, AttentionMatch &match) {
  Element e = g.source(bias);
  if (g.op<arith::SelectOp>(e))
    for (bool negated : {false, true}) {
      auto visible = g.constant(g.operand(e, negated ? 2 : 1));
      auto hidden = g.constant(g.operand(e, negated ? 1 : 2));
      if (visible == 0.0 && hidden && isHidden(*hidden * factor)) {
        match.conditions.push_back({g.operand(e, 0), negated, *hidden * factor});
        return;
      }
    }
  if (g.constant(e) != 0.0)
    match.biases.push_back({bias, factor});
}

bool AttentionMatcher::sum(const Element &s, double factor, AttentionMatch &match,
                           std::string &why) {
  if (match.softcap) {
    why = "something is added before the soft cap";
    return false;
  }
  bool difference = g.op<arith::SubFOp>(s) != nullptr;
  for (unsigned i = 0; i < 2; ++i) {
    AttentionMatch attempt = match;
    addBias(g.operand(s, 1 - i), difference && i == 0 ? -factor : factor, attempt);
    if (scores(g.operand(s, i), difference && i == 1 ? -factor : factor, attempt, why)) {
      match = std::move(attempt);
      return true;
    }
  }
  return false;
}

bool AttentionMatcher::select(const Element &s, double factor, AttentionMatch &match,
                              std::string &why) {
  for (bool negated : {false, true}) {
    auto hidden = g.constant(g.operand(s, negated ? 1 : 2));
    if (!hidden || !isHidden(*hidden * factor))
      continue;
    if (match.softcap) {
      why = "a mask lies before the soft cap";
      return false;
    }
    match.conditions.push_back({g.operand(s, 0), negated, *hidden * factor});
    return scores(g.operand(s, negated ? 2 : 1), factor, match, why);
  }
  why = "a select in the scores gives no value that hides a key";
  return false;
}

bool AttentionMatcher::scores(Element s, double factor, AttentionMatch &match, std::string &why) {
  s = g.source(s);
  Operation *op = g.op(s);
  if (isa_and_nonnull<arith::MulFOp, arith::DivFOp>(op)) {
    for (unsigned i = 0; i < 2; ++i) {
      auto c = g.constant(g.operand(s, 1 - i));
      if (c && *c != 0 && (isa<arith::MulFOp>(op) || i == 0))
        return scores(g.operand(s, i), isa<arith::MulFOp>(op) ? factor * *c : factor / *c, match,
                      why);
    }
    why = "the scores are scaled by what is no constant";
    return false;
  }
  if (isa_and_nonnull<arith::NegFOp>(op))
    return scores(g.operand(s, 0), -factor, match, why);
  if (isa_and_nonnull<arith::AddFOp, arith::SubFOp>(op))
    return sum(s, factor, match, why);
  if (isa_and_nonnull<arith::SelectOp>(op))
    return select(s, factor, match, why);
  if (isa_and_nonnull<math::TanhOp>(op)) {
    if (match.softcap || factor <= 0) {
      why = "a soft cap within a soft cap, or a negative one";
      return false;
    }
    match.softcap = factor;
    return scores(g.operand(s, 0), factor, match, why);
  }
  auto product = op ? std::nullopt : g.productSum(s);
  if (!product) {
    why = "the scores are no products of queries and keys";
    return false;
  }
  if (product->start) {
    if (match.softcap)
      return false;
    addBias(product->start, factor, match);
  }
  bool firstIsKey = g.dependsOn(product->a, match.key);
  if (firstIsKey == g.dependsOn(product->b, match.key)) {
    why = "both factors of the scores, or none, change with the key";
    return false;
  }
  match.q = firstIsKey ? product->b : product->a;
  match.k = firstIsKey ? product->a : product->b;
  match.inner = product->variables;
  match.scale = factor;
  return true;
}

//===----------------------------------------------------------------------===//
// Attention
//===----------------------------------------------------------------------===//

std::optional<AttentionMatch> AttentionMatcher::matchProduct(const ProductSum &product,
                                                             std::optional<Element> denominator,
                                                             std::string &why) {
  if (product.start || product.variables.size() != 1)
    return std::nullopt;
  unsigned key = product.variables[0];
  for (bool swapped : {false, true}) {
    const Element &p = swapped ? product.b : product.a, &v = swapped ? product.a : product.b;
    auto found = denominator ? exponent(p, *denominator, key) : probability(p, key);
    if (!found)
      continue;
    AttentionMatch match;
    match.key = key;
    match.v = v;
    if (scores(found->element, found->factor, match, why))
      return match;
    return std::nullopt;
  }
  return std::nullopt;
}

std::optional<AttentionMatch> AttentionMatcher::match(Value result, std::string &why) {
  Element root = g.all(result);
  Element e = g.source(root);
  std::optional<AttentionMatch> found;
  if (auto product = g.productSum(e))
    found = matchProduct(*product, std::nullopt, why);
  // the division may come behind the second product
  std::optional<Element> product, denominator;
  if (g.op<arith::DivFOp>(e)) {
    product = g.operand(e, 0);
    denominator = g.operand(e, 1);
  } else if (g.op<arith::MulFOp>(e)) {
    for (unsigned i = 0; i < 2 && !denominator; ++i)
      if ((denominator = inverse(g, g.operand(e, i))))
        product = g.operand(e, 1 - i);
  }
  if (!found && denominator)
    if (auto sum = g.productSum(*product))
      found = matchProduct(*sum, denominator, why);
  if (found)
    found->root = root;
  return found;
}
