//===- ActivationMatch.cpp - one form for GELU, SiLU and the logistic function -===//
//
// Part of Linnet, under Apache-2.0 WITH LLVM-exception. See LICENSE.
//
// All of them are a polynomial in x times a gate in x: 1 + erf, 1 + tanh or 1 / (1 + exp). Read so,
// the order of factors and the way in which the cube is written are no matter.
//
//===----------------------------------------------------------------------===//
#include "OperandBuilder.h"
#include "Raise.h"
#include "mlir/Dialect/Arith/IR/Arith.h"
#include "mlir/Dialect/Math/IR/Math.h"
#include "mlir/IR/ImplicitLocOpBuilder.h"
#include <cmath>
#include <map>

using namespace mlir;
using namespace linnet;
using namespace linnet::rewrites;

namespace {

using Polynomial = std::map<int, double>; ///< coefficients by degree

enum class Kind { None, Logistic, Silu, GeluErf, GeluTanh };

/// scale * (1 + f(x)), or the logistic function of x.
struct Gate {
  Kind kind = Kind::None; ///< GeluErf, GeluTanh or Logistic
  double scale = 1;
  Element node, x;
  bool hasTop = false; ///< exp(x) / (1 + exp(x)): the numerator is no factor
};

class ActivationMatcher {
public:
  explicit ActivationMatcher(Elements &elements) : g(elements) {}
  std::optional<std::pair<Kind, Element>> match(const Element &e);

private:
  std::optional<Polynomial> polynomial(const Element &e, const Element &x, int depth = 6);
  bool is(const Element &e, const Element &x, const Polynomial &wanted);
  std::optional<Gate> gate(const Element &e);
  std::optional<Gate> curve(const Element &e);
  std::optional<Element> exponential(const Element &sum, bool negative);
  std::optional<Gate> findGate(const Element &e, int depth);
  std::optional<Polynomial> besides(const Element &e, const Gate &gate, unsigned &found);

  Elements &g;
};

bool isNear(double a, double b) { return std::abs(a - b) <= 1e-6 * std::abs(b); }

} // namespace

static Polynomial times(const Polynomial &p, const Polynomial &q) {
  Polynomial out;
  for (auto [i, a] : p)
    for (auto [j, b] : q)
      out[i + j] += a * b;
  return out;
}

std::optional<Polynomial> ActivationMatcher::polynomial(const Element &element, const Element &x,
                                                        int depth) {
  Element e = g.source(element);
  if (g.same(e, x))
    return Polynomial{{1, 1.0}};
  if (auto c = g.constant(e))
    return Polynomial{{0, *c}};
  Operation *op = g.op(e);
  if (!op || depth == 0)
    return std::nullopt;
  auto of = [&](unsigned i) { return polynomial(g.operand(e, i), x, depth - 1); };
  if (isa<math::PowFOp, math::FPowIOp>(op)) {
    auto power = g.constant(g.operand(e, 1));
    auto base = power && (*power == 2 || *power == 3) ? of(0) : std::nullopt;
    if (!base)
      return std::nullopt;
    Polynomial square = times(*base, *base);
    return *power == 2 ? square : times(square, *base);
  }
  if (!isa<arith::AddFOp, arith::MulFOp, arith::DivFOp>(op))
    return std::nullopt;
  auto p = of(0), q = p ? of(1) : std::nullopt;
  if (!p || !q)
    return std::nullopt;
  if (isa<arith::MulFOp>(op))
    return times(*p, *q);
  if (isa<arith::DivFOp>(op))
    return q->size() == 1 && q->count(0) ? std::optional(times(*p, {{0, 1 / (*q)[0]}}))
                                         : std::nullopt;
  for (auto [degree, c] : *q)
    (*p)[degree] += c;
  return p;
}

bool ActivationMatcher::is(const Element &e, const Element &x, const Polynomial &wanted) {
  auto found = polynomial(e, x);
  return found && found->size() == wanted.size() && llvm::all_of(wanted, [&](auto &term) {
           return isNear((*found)[term.first], term.second);
         });
}

/// erf(x / sqrt(2)) or tanh(sqrt(2 / pi) (x + 0.044715 x^3)). Not tanh(x / 2) of the logistic
/// function: its derivative is finite everywhere, and that by exp is NaN where exp(-x) overflows.
std::optional<Gate> ActivationMatcher::curve(const Element &element) {
  Element e = g.source(element);
  bool isErf = g.op<math::ErfOp>(e) != nullptr;
  if (!isErf && !g.op<math::TanhOp>(e))
    return std::nullopt;
  const double root = std::sqrt(2 / M_PI);
  Element inside = g.operand(e, 0);
  SmallVector<Element> candidates = {inside}; // x is among the factors and terms
  for (unsigned i = 0; i < candidates.size() && i < 16; ++i) {
    Element x = candidates[i], s = g.source(x);
    if (isErf && is(inside, x, {{1, std::sqrt(0.5)}}))
      return Gate{Kind::GeluErf, 1, {}, x};
    if (!isErf && is(inside, x, {{1, root}, {3, root * 0.044715}}))
      return Gate{Kind::GeluTanh, 1, {}, x};
    if (isa_and_nonnull<arith::MulFOp, arith::DivFOp, arith::AddFOp>(g.op(s)))
      candidates.append({g.operand(s, 0), g.operand(s, 1)});
  }
  return std::nullopt;
}

/// x where the element is 1 + exp(x), or 1 + exp(-x).
std::optional<Element> ActivationMatcher::exponential(const Element &element, bool negative) {
  Element sum = g.source(element);
  if (!g.op<arith::AddFOp>(sum))
    return std::nullopt;
  for (unsigned i = 0; i < 2; ++i) {
    Element exp = g.source(g.operand(sum, i));
    if (g.constant(g.operand(sum, 1 - i)) != 1.0 || !g.op<math::ExpOp>(exp))
      continue;
    return negative ? g.negated(g.operand(exp, 0)) : std::optional(g.operand(exp, 0));
  }
  return std::nullopt;
}

std::optional<Gate> ActivationMatcher::gate(const Element &element) {
  Element e = g.source(element);
  if (g.op<arith::AddFOp>(e))
    for (unsigned i = 0; i < 2; ++i) {
      auto one = g.constant(g.operand(e, i));
      Element other = g.source(g.operand(e, 1 - i));
      double scale = 1;
      if (one && g.op<arith::MulFOp>(other))
        for (unsigned j = 0; j < 2; ++j)
          if (auto c = g.constant(g.operand(other, j))) {
            scale = *c;
            other = g.source(g.operand(other, 1 - j));
            break;
          }
      auto found = one && *one == scale ? curve(other) : std::nullopt;
      if (!found)
        continue;
      found->scale *= scale;
      found->node = e;
      return found;
    }
  if (!g.op<arith::DivFOp>(e))
    return std::nullopt;
  Element top = g.source(g.operand(e, 0));
  if (auto x = exponential(g.operand(e, 1), /*negative=*/false))
    if (g.op<math::ExpOp>(top) && g.same(g.operand(top, 0), *x))
      return Gate{Kind::Logistic, 1, e, *x, /*hasTop=*/true};
  if (auto x = exponential(g.operand(e, 1), /*negative=*/true))
    return Gate{Kind::Logistic, 1, e, *x}; // whatever the numerator is
  return std::nullopt;
}

std::optional<Gate> ActivationMatcher::findGate(const Element &element, int depth) {
  Element e = g.source(element);
  if (auto found = gate(e))
    return found;
  if (depth == 0 || !g.op<arith::MulFOp>(e))
    return std::nullopt;
  auto found = findGate(g.operand(e, 0), depth - 1);
  return found ? found : findGate(g.operand(e, 1), depth - 1);
}

/// What the gate is multiplied with.
std::optional<Polynomial> ActivationMatcher::besides(const Element &element, const Gate &gate,
                                                     unsigned &found) {
  Element e = g.source(element);
  if (e.value == gate.node.value && e.at == gate.node.at) {
    ++found;
    if (g.op<arith::DivFOp>(e) && !gate.hasTop)
      return polynomial(g.operand(e, 0), gate.x);
    return Polynomial{{0, gate.scale}};
  }
  if (auto p = polynomial(e, gate.x))
    return p;
  if (!g.op<arith::MulFOp>(e))
    return std::nullopt;
  auto p = besides(g.operand(e, 0), gate, found);
  auto q = p ? besides(g.operand(e, 1), gate, found) : std::nullopt;
  return q ? std::optional(times(*p, *q)) : std::nullopt;
}

std::optional<std::pair<Kind, Element>> ActivationMatcher::match(const Element &e) {
  auto found = findGate(e, 4);
  unsigned gates = 0;
  auto factor = found ? besides(e, *found, gates) : std::nullopt;
  if (!factor || gates != 1 || factor->size() != 1)
    return std::nullopt;
  auto [degree, c] = *factor->begin();
  bool logistic = found->kind == Kind::Logistic;
  if (degree > 1 || !isNear(c, logistic ? 1 : 0.5) || (!logistic && degree == 0))
    return std::nullopt;
  return std::pair(!logistic ? found->kind : degree ? Kind::Silu : Kind::Logistic, found->x);
}

//===----------------------------------------------------------------------===//
// The form
//===----------------------------------------------------------------------===//

/// 1 / (1 + exp(-x)), x / (1 + exp(-x)), 0.5 x (1 + erf(x / sqrt(2))),
/// 0.5 x (1 + tanh(sqrt(2 / pi) (x + 0.044715 x^3))).
static Value makeForm(ImplicitLocOpBuilder &b, OperandBuilder &operands, Kind kind, Value x) {
  auto constant = [&](double c) { return operands.splat(c, x); };
  auto mul = [&](Value u, Value v) -> Value { return arith::MulFOp::create(b, u, v); };
  auto add = [&](Value u, Value v) -> Value { return arith::AddFOp::create(b, u, v); };
  if (kind == Kind::Logistic || kind == Kind::Silu) {
    Value exp = math::ExpOp::create(b, arith::NegFOp::create(b, x));
    Value one = constant(1);
    return arith::DivFOp::create(b, kind == Kind::Silu ? x : one, add(exp, one));
  }
  Value curve;
  if (kind == Kind::GeluErf) {
    curve = math::ErfOp::create(b, mul(x, constant(std::sqrt(0.5))));
  } else {
    Value cube = mul(mul(x, x), mul(x, constant(0.044715)));
    curve = math::TanhOp::create(b, mul(add(x, cube), constant(std::sqrt(2 / M_PI))));
  }
  return mul(mul(x, constant(0.5)), add(curve, constant(1)));
}

Raised linnet::rewrites::raiseActivation(OpBuilder &builder, Value result) {
  Elements g(builder.getContext());
  Raised out;
  Element root = g.all(result);
  auto found = ActivationMatcher(g).match(g.source(root));
  if (!found)
    return out;
  ImplicitLocOpBuilder b(result.getLoc(), builder);
  OperandBuilder operands(builder, result.getLoc(), g);
  auto type = cast<RankedTensorType>(result.getType());
  SmallVector<Variables> axes;
  for (AffineExpr e : root.at) {
    auto v = dyn_cast<AffineDimExpr>(e);
    axes.push_back(v ? Variables{v.getPosition()} : Variables());
  }
  Value x = operands.getNearest(found->second, axes);
  if (!x || x.getType() != type || type.getElementTypeBitWidth() < 32)
    return out; // 16 bits are widened in many ways, each with roundings of its own
  Value y = makeForm(b, operands, found->first, x);
  if (g.same({y, root.at}, root))
    return out; // it has the form
  out.value = y;
  switch (found->first) {
  case Kind::Logistic:
    out.op = "the logistic function";
    break;
  case Kind::Silu:
    out.op = "SiLU";
    break;
  default:
    out.op = found->first == Kind::GeluErf ? "GELU" : "GELU by tanh";
  }
  return out;
}
