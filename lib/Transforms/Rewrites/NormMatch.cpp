//===- NormMatch.cpp - layer norm and RMS norm in primitive ops --------------===//
//
// Part of Linnet, under Apache-2.0 WITH LLVM-exception. See LICENSE.
//
// The inverse deviation says what is normalised and over which variables; what it is multiplied
// with must be that, and at most one scale.
//
//===----------------------------------------------------------------------===//
#include "OperandBuilder.h"
#include "Raise.h"
#include "Uses.h"
#include "linnet/IR/LinnetOps.h"
#include "mlir/Dialect/Arith/IR/Arith.h"
#include "mlir/Dialect/Math/IR/Math.h"
#include "mlir/Dialect/Tensor/IR/Tensor.h"
#include <cmath>

using namespace mlir;
using namespace linnet;
using namespace linnet::rewrites;

namespace {

/// sqrt(mean of squared^2 + eps), or of squared^2 less the square of its mean.
struct Deviation {
  Element node;    ///< the root, or its reciprocal
  Element squared; ///< in the variables of the result
  bool lessMean = false;
  double eps = 0;
};

struct Norm {
  Element root;
  Deviation deviation;
  unsigned deviations = 0; ///< among the factors
  Element input;           ///< null: not found yet
  bool centred = false;
  Element scale, bias; ///< null: none
};

class NormMatcher {
public:
  explicit NormMatcher(Elements &elements) : g(elements) {}
  /// Of the last non-unit variables of the root, `trailing` are normalised over.
  std::optional<Norm> match(const Element &root, Raised &out);
  Variables trailing;

private:
  std::optional<Element> mean(const Element &e);
  std::optional<Element> squareOf(const Element &e);
  std::optional<Element> meanOfSquare(const Element &e);
  std::optional<std::pair<Element, Element>> difference(const Element &e);
  std::optional<Element> lessItsMean(const Element &e);
  std::optional<Element> overTrailing(Element e, ArrayRef<unsigned> variables);
  std::optional<Deviation> variance(const Element &e);
  std::optional<Element> root(const Element &e, double power);
  std::optional<Deviation> findDeviation(const Element &e, bool inverse, int depth);
  bool cover(const Element &e, bool inverse, Norm &norm, std::string &why);
  bool isNode(const Element &e, const Norm &norm) {
    return e.value == norm.deviation.node.value && e.at == norm.deviation.node.at;
  }

  Elements &g;
  SmallVector<unsigned> variables; ///< of the result, those of size 1 left out
};

} // namespace

//===----------------------------------------------------------------------===//
// Mean and variance
//===----------------------------------------------------------------------===//

/// What a mean or sum runs over must be the last variables of the result.
std::optional<Element> NormMatcher::overTrailing(Element e, ArrayRef<unsigned> reduced) {
  SmallVector<unsigned> real = llvm::to_vector(
      llvm::make_filter_range(reduced, [&](unsigned v) { return g.extent(v).size != 1; }));
  if (real.empty() || real.size() > variables.size() ||
      (!trailing.empty() && trailing.size() != real.size()))
    return std::nullopt;
  Variables last(ArrayRef(variables).take_back(real.size()));
  for (auto [v, w] : llvm::zip_equal(last, real)) {
    if (g.extent(v).size != g.extent(w).size)
      return std::nullopt;
    e = g.replace(e, w, g.variable(v));
  }
  trailing = last;
  return e;
}

/// What an element is the mean of.
std::optional<Element> NormMatcher::mean(const Element &element) {
  Element e = g.source(element);
  if (auto found = g.reduced(e, Elements::Reduction::Mean))
    return overTrailing(found->element, found->variables);
  bool divided = g.op<arith::DivFOp>(e) != nullptr;
  if (!divided && !g.op<arith::MulFOp>(e))
    return std::nullopt;
  for (unsigned i = 0; i < (divided ? 1 : 2); ++i) {
    auto factor = g.constant(g.operand(e, 1 - i));
    auto sum = factor ? g.reduced(g.operand(e, i), Elements::Reduction::Sum) : std::nullopt;
    if (!sum || sum->start)
      continue;
    double count = divided ? 1 / *factor : *factor;
    for (unsigned v : sum->variables)
      count *= g.extent(v).size; // of unknown size: far from 1
    if (std::abs(count - 1) < 1e-6)
      return overTrailing(sum->element, sum->variables);
  }
  return std::nullopt;
}

std::optional<Element> NormMatcher::squareOf(const Element &element) {
  Element e = g.source(element);
  Operation *op = g.op(e);
  if (isa_and_nonnull<arith::MulFOp>(op) && g.same(g.operand(e, 0), g.operand(e, 1)))
    return g.operand(e, 0);
  if (isa_and_nonnull<math::PowFOp, math::FPowIOp>(op) && g.constant(g.operand(e, 1)) == 2.0)
    return g.operand(e, 0);
  return std::nullopt;
}

std::optional<Element> NormMatcher::meanOfSquare(const Element &e) {
  if (auto average = mean(e))
    return squareOf(*average);
  return std::nullopt;
}

std::optional<std::pair<Element, Element>> NormMatcher::difference(const Element &element) {
  Element e = g.source(element);
  if (g.op<arith::SubFOp>(e))
    return std::pair(g.operand(e, 0), g.operand(e, 1));
  if (g.op<arith::AddFOp>(e))
    for (unsigned i = 0; i < 2; ++i)
      if (Element right = g.source(g.operand(e, i)); g.op<arith::NegFOp>(right))
        return std::pair(g.operand(e, 1 - i), g.operand(right, 0));
  return std::nullopt;
}

/// x where the element is x less its mean.
std::optional<Element> NormMatcher::lessItsMean(const Element &e) {
  auto parts = difference(e);
  auto averaged = parts ? mean(parts->second) : std::nullopt;
  if (averaged && g.same(*averaged, parts->first))
    return parts->first;
  return std::nullopt;
}

/// An element that is a variance plus a constant.
std::optional<Deviation> NormMatcher::variance(const Element &element) {
  Deviation out;
  Element e = g.source(element);
  if (g.op<arith::AddFOp>(e))
    for (unsigned i = 0; i < 2; ++i)
      if (auto eps = g.constant(g.operand(e, i)); eps && *eps >= 0 && std::isfinite(*eps)) {
        out.eps = *eps;
        e = g.source(g.operand(e, 1 - i));
        break;
      }
  // mean(x^2) - mean(x)^2 may be negative by rounding, which some catch
  if (g.op<arith::MaximumFOp>(e) || g.op<arith::MaxNumFOp>(e))
    for (unsigned i = 0; i < 2; ++i)
      if (g.constant(g.operand(e, i)) == 0.0) {
        e = g.source(g.operand(e, 1 - i));
        break;
      }
  if (auto squared = meanOfSquare(e)) {
    out.squared = *squared;
    return out;
  }
  auto parts = difference(e);
  auto squared = parts ? meanOfSquare(parts->first) : std::nullopt;
  auto average = squared ? squareOf(parts->second) : std::nullopt;
  auto averaged = average ? mean(*average) : std::nullopt;
  if (!averaged || !g.same(*averaged, *squared))
    return std::nullopt;
  out.squared = *squared;
  out.lessMean = true;
  return out;
}

/// What the element is the power of, 0.5 or -0.5.
std::optional<Element> NormMatcher::root(const Element &e, double power) {
  Operation *op = g.op(e);
  if (power > 0 ? isa_and_nonnull<math::SqrtOp>(op) : isa_and_nonnull<math::RsqrtOp>(op))
    return g.operand(e, 0);
  if (isa_and_nonnull<math::PowFOp>(op) && g.constant(g.operand(e, 1)) == power)
    return g.operand(e, 0);
  return std::nullopt;
}

/// The deviation among the factors, or with `inverse` the divisors, of an element.
std::optional<Deviation> NormMatcher::findDeviation(const Element &element, bool inverse,
                                                    int depth) {
  Element e = g.source(element);
  if (auto inside = root(e, inverse ? 0.5 : -0.5))
    if (auto found = variance(*inside)) {
      found->node = e;
      return found;
    }
  bool divided = g.op<arith::DivFOp>(e) != nullptr;
  if (depth == 0 || (!divided && !g.op<arith::MulFOp>(e)))
    return std::nullopt;
  if (auto found = findDeviation(g.operand(e, 0), inverse, depth - 1))
    return found;
  return findDeviation(g.operand(e, 1), divided ? !inverse : inverse, depth - 1);
}

//===----------------------------------------------------------------------===//
// What is multiplied with the inverse deviation
//===----------------------------------------------------------------------===//

/// Every factor is the deviation, what is normalised, or the scale.
bool NormMatcher::cover(const Element &element, bool inverse, Norm &norm, std::string &why) {
  Element e = g.source(element);
  if (isNode(e, norm))
    return ++norm.deviations == 1;
  if (g.constant(e) == 1.0)
    return true;
  if (!inverse && !norm.input) {
    const Deviation &d = norm.deviation;
    std::optional<Element> x = lessItsMean(e);
    if (d.lessMean ? x && g.same(*x, d.squared) : g.same(e, d.squared)) {
      norm.centred = x.has_value();
      norm.input = x ? *x : element; // the nearest tensor

      return true;
    }
  }
  bool divided = g.op<arith::DivFOp>(e) != nullptr;
  if (divided || g.op<arith::MulFOp>(e))
    if (Norm attempt = norm; cover(g.operand(e, 0), inverse, attempt, why) &&
                             cover(g.operand(e, 1), divided != inverse, attempt, why)) {
      norm = attempt;
      return true;
    }
  if (inverse || norm.scale) {
    why = inverse ? "it is divided by more than the deviation"
                  : "more than one factor beside the deviation, or what is normalised is not what "
                    "the deviation is of";
    return false;
  }
  norm.scale = element;
  return true;
}

std::optional<Norm> NormMatcher::match(const Element &root, Raised &out) {
  for (AffineExpr x : root.at)
    if (auto d = dyn_cast<AffineDimExpr>(x))
      variables.push_back(d.getPosition());
  Element e = g.source(root);
  unsigned ways = g.op<arith::AddFOp>(e) ? 2 : 1;
  for (unsigned i = 0; i < ways; ++i) {
    Element product = ways == 2 ? g.operand(e, i) : e;
    trailing.clear();
    auto deviation = findDeviation(product, /*inverse=*/false, 4);
    if (!deviation)
      continue;
    out.part = deviation->node.value;
    Norm norm;
    norm.root = root;
    norm.deviation = *deviation;
    if (ways == 2)
      norm.bias = g.operand(e, 1 - i);
    for (unsigned v : trailing)
      if (g.dependsOn(norm.deviation.node, v)) {
        out.why = "the deviation is read at another place than it is made for";
        return std::nullopt;
      }
    if (!cover(product, /*inverse=*/false, norm, out.why))
      return std::nullopt;
    if (norm.input && norm.deviations == 1)
      return norm;
    out.why = "what is normalised is not what the deviation is of";
  }
  return std::nullopt;
}

//===----------------------------------------------------------------------===//
// The op
//===----------------------------------------------------------------------===//

namespace {
class NormBuilder {
public:
  NormBuilder(OpBuilder &b, Location loc, Elements &g, const Norm &norm, Variables trailing,
              std::string &why)
      : b(b), loc(loc), g(g), m(norm), trailing(std::move(trailing)), why(why),
        operands(b, loc, g) {}
  Value run();

private:
  bool parameter(const Element &e, double neutral, Value &out);
  Value makeOp(Value x, Value scale, Value bias, bool unitOffset);
  Value fail(StringRef text) {
    why = text.str();
    return {};
  }

  OpBuilder &b;
  Location loc;
  Elements &g;
  const Norm &m;
  Variables trailing;
  std::string &why;
  OperandBuilder operands;
  SmallVector<Variables> axes; ///< per dimension of the result
  unsigned first = 0;          ///< normalised dimension
};
} // namespace

/// A scale or bias; none where all of it is neutral.
bool NormBuilder::parameter(const Element &e, double neutral, Value &out) {
  if (!e || g.constant(e) == neutral)
    return true;
  out = operands.compute(e, ArrayRef(axes).drop_front(first));
  if (!out)
    fail(neutral == 1 ? "a factor is no tensor over the normalised axes"
                      : "what is added is no tensor over the normalised axes");
  return out != nullptr;
}

Value NormBuilder::makeOp(Value x, Value scale, Value bias, bool unitOffset) {
  auto eps = b.getF64FloatAttr(m.deviation.eps);
  auto count = b.getI64IntegerAttr(axes.size() - first);
  if (m.centred)
    return LayerNormOp::create(b, loc, x.getType(), x, scale, bias, count, eps);
  return RmsNormOp::create(b, loc, x.getType(), x, scale, count, eps,
                           unitOffset ? b.getUnitAttr() : UnitAttr());
}

Value NormBuilder::run() {
  auto type = cast<RankedTensorType>(m.root.value.getType());
  for (auto [d, e] : llvm::enumerate(m.root.at)) {
    auto v = dyn_cast<AffineDimExpr>(e);
    axes.push_back(v ? Variables{v.getPosition()} : Variables());
    if (v && v.getPosition() == trailing.front())
      first = d;
  }
  for (unsigned v : trailing)
    if (!g.dependsOn(m.input, v))
      return fail("what is normalised is the same along an axis");
  Value x = operands.getNearest(m.input, axes);
  if (!x)
    return fail("what is normalised is read in an order that reshapes cannot give");
  // Gemma stores what is added to one
  Element scale = m.scale;
  bool unitOffset = false;
  if (Element sum = scale ? g.source(scale) : scale; sum && !m.centred && g.op<arith::AddFOp>(sum))
    for (unsigned i = 0; i < 2 && !unitOffset; ++i)
      if (g.constant(g.operand(sum, i)) == 1.0) {
        scale = g.operand(sum, 1 - i);
        unitOffset = true;
      }
  Value s, t;
  if (!parameter(scale, 1, s) || !parameter(m.bias, 0, t))
    return {};
  auto element = cast<FloatType>(type.getElementType());
  bool wider = cast<FloatType>(getElementTypeOrSelf(x)).getWidth() > element.getWidth();
  if (!wider)
    x = operands.widened(x, element);
  for (Value *v : {&s, &t})
    if (*v && getElementTypeOrSelf(*v) != getElementTypeOrSelf(x))
      *v = operands.widened(*v, b.getF32Type());
  if (!x)
    return fail("what is normalised has another type than the result");
  Value y = makeOp(x, s, m.centred ? t : Value(), unitOffset && s);
  auto shaped = cast<RankedTensorType>(y.getType()).clone(type.getShape());
  if (y.getType() != shaped)
    y = tensor::CastOp::create(b, loc, shaped, y);
  if (wider)
    y = arith::TruncFOp::create(b, loc, type, y);
  return y;
}

/// A derivative reads the deviation for more than what is normalised, and would find it twice.
static bool isDeviationFor(const Deviation &deviation, Value result) {
  Operation *root = result.getDefiningOp(), *maker = deviation.node.value.getDefiningOp();
  maker = maker ? root->getBlock()->findAncestorOpInBlock(*maker) : nullptr;
  return !maker || maker == root ||
         llvm::all_of(maker->getResults(), [&](Value v) { return onlyFeeds(v, {root}); });
}

Raised linnet::rewrites::raiseNorm(OpBuilder &b, Value result) {
  Elements g(b.getContext());
  NormMatcher matcher(g);
  Raised out;
  Element root = g.all(result);
  auto norm = matcher.match(root, out);
  if (norm && norm->bias && !norm->centred && g.constant(norm->bias) != 0.0) {
    out.why = "RMS norm has no bias";
    return out;
  }
  if (norm && !isDeviationFor(norm->deviation, result)) {
    out.why = "something else reads the deviation";
    return out;
  }
  if (norm) {
    out.op = norm->centred ? LayerNormOp::getOperationName() : RmsNormOp::getOperationName();
    out.value = NormBuilder(b, result.getLoc(), g, *norm, matcher.trailing, out.why).run();
  }
  return out;
}
