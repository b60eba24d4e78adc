//===- ValueBounds.cpp - intervals of elements ------------------------------===//
//
// Part of Linnet, under Apache-2.0 WITH LLVM-exception. See LICENSE.
//
//===----------------------------------------------------------------------===//
#include "linnet/Analysis/LogitBound.h"
#include "mlir/Dialect/Arith/IR/Arith.h"
#include "mlir/Dialect/Math/IR/Math.h"
#include "mlir/Dialect/Tensor/IR/Tensor.h"
#include "llvm/ADT/TypeSwitch.h"
#include <cmath>

using namespace mlir;
using namespace linnet;

static constexpr double kInfinity = std::numeric_limits<double>::infinity();
static constexpr int kDepth = 48;

/// Outwards by what rounding to a type can move a value: a few units in the last place of f32 for
/// functions that are no single operation.
static Interval widened(Interval x, Type type) {
  double unit = 4 * 0x1p-24;
  if (type.isBF16())
    unit = 0x1p-8;
  else if (type.isF16())
    unit = 0x1p-11;
  // clipping is exact, and so are zero and one
  auto grown = [&](double v, double sign) { return v + sign * unit * std::abs(v); };
  return {grown(x.low, -1), grown(x.high, 1)};
}

/// a * b of bounds, where zero times infinity is zero.
static double times(double a, double b) { return a == 0 || b == 0 ? 0 : a * b; }

static Interval product(Interval a, Interval b) {
  double all[] = {times(a.low, b.low), times(a.low, b.high), times(a.high, b.low),
                  times(a.high, b.high)};
  return {*std::min_element(all, all + 4), *std::max_element(all, all + 4)};
}

static Interval inverse(Interval a) {
  if (a.low > 0)
    return {1 / a.high, 1 / a.low};
  if (a.high < 0)
    return {1 / a.high, 1 / a.low};
  if (a.low == 0)
    return {a.high == kInfinity ? 0 : 1 / a.high, kInfinity};
  return {};
}

static Interval hull(Interval a, Interval b) {
  return {std::min(a.low, b.low), std::max(a.high, b.high)};
}

/// The image under a function that does not fall.
static Interval rising(Interval a, double (*f)(double)) { return {f(a.low), f(a.high)}; }

static Interval meet(Interval a, Interval b) {
  return {std::max(a.low, b.low), std::min(a.high, b.high)};
}

static Interval larger(Interval a, Interval b) {
  return {std::max(a.low, b.low), std::max(a.high, b.high)};
}

static Interval smaller(Interval a, Interval b) {
  return {std::min(a.low, b.low), std::min(a.high, b.high)};
}

Interval ValueBounds::forget(const Element &e) {
  if (!unknown)
    unknown = e.value;
  return {};
}

double ValueBounds::extent(unsigned v) const {
  int64_t size = g.extent(v).size;
  return ShapedType::isDynamic(size) ? kInfinity : static_cast<double>(size);
}

static Interval rangeOfConstant(arith::ConstantOp op) {
  if (auto f = dyn_cast<FloatAttr>(op.getValue()))
    return {f.getValueAsDouble(), f.getValueAsDouble()};
  auto values = dyn_cast<DenseFPElementsAttr>(op.getValue());
  if (!values || values.empty())
    return {};
  Interval out{kInfinity, -kInfinity};
  for (const APFloat &value : values.getValues<APFloat>()) {
    bool loses;
    APFloat wide = value;
    wide.convert(APFloat::IEEEdouble(), APFloat::rmNearestTiesToEven, &loses);
    double x = wide.convertToDouble();
    if (std::isnan(x))
      return {};
    out = hull(out, {x, x});
  }
  return out;
}

/// Of a function of one number between these.
static Interval imageOf(Operation *op, Interval a, Type type) {
  auto rounded = [&](Interval x) { return widened(x, type); };
  auto root = [](double x) { return std::sqrt(std::max(0.0, x)); };
  return llvm::TypeSwitch<Operation *, Interval>(op)
      .Case([&](math::AbsFOp) { return Interval{std::max({0.0, a.low, -a.high}), a.magnitude()}; })
      .Case([&](math::TanhOp) { return meet({-1, 1}, rounded(rising(a, std::tanh))); })
      .Case([&](math::ErfOp) { return meet({-1, 1}, rounded(rising(a, std::erf))); })
      .Case([&](math::ExpOp) { return rounded(rising(a, std::exp)); })
      .Case([&](math::Exp2Op) { return rounded(rising(a, std::exp2)); })
      .Case([&](math::SqrtOp) { return rounded({root(a.low), root(a.high)}); })
      .Case([&](math::RsqrtOp) { return rounded({1 / root(a.high), 1 / root(a.low)}); });
}

/// Of the result of an `arith` or `math` op.
Interval ValueBounds::rangeOf(Operation *op, const Element &e, int depth) {
  auto arg = [&](unsigned i) { return range(g.operand(e, i), depth); };
  auto rounded = [&](Interval x) { return widened(x, e.type()); };
  return llvm::TypeSwitch<Operation *, Interval>(op)
      .Case([&](arith::AddFOp) {
        Interval a = arg(0), b = arg(1);
        return rounded({a.low + b.low, a.high + b.high});
      })
      .Case([&](arith::SubFOp) {
        Interval a = arg(0), b = arg(1);
        return rounded({a.low - b.high, a.high - b.low});
      })
      .Case([&](arith::MulFOp) {
        Interval a = arg(0);
        if (g.same(g.operand(e, 0), g.operand(e, 1)))
          return rounded({a.low > 0 || a.high < 0 ? std::min(a.low * a.low, a.high * a.high) : 0,
                          a.magnitude() * a.magnitude()});
        return rounded(product(a, arg(1)));
      })
      .Case([&](arith::DivFOp) { return rounded(product(arg(0), inverse(arg(1)))); })
      .Case([&](arith::NegFOp) {
        Interval a = arg(0);
        return Interval{-a.high, -a.low};
      })
      .Case<arith::MaximumFOp, arith::MaxNumFOp>([&](auto) { return larger(arg(0), arg(1)); })
      .Case<arith::MinimumFOp, arith::MinNumFOp>([&](auto) { return smaller(arg(0), arg(1)); })
      .Case([&](math::ClampFOp) {
        Interval a = arg(0), low = arg(1);
        return smaller(larger(a, low), arg(2));
      })
      .Case([&](arith::SelectOp) { return hull(arg(1), arg(2)); })
      .Case<arith::ExtFOp, arith::TruncFOp>([&](auto) { return rounded(arg(0)); })
      .Case([&](arith::UIToFPOp) {
        bool bit = g.operand(e, 0).type().isInteger(1);
        return bit ? Interval{0, 1} : forget(e);
      })
      .Case<math::SinOp, math::CosOp>([&](auto) { return Interval{-1, 1}; })
      .Case<math::AbsFOp, math::TanhOp, math::ErfOp, math::ExpOp, math::Exp2Op, math::SqrtOp,
            math::RsqrtOp>([&](auto f) { return imageOf(f, arg(0), e.type()); })
      .Default([&](Operation *) { return forget(e); });
}

/// Of an element of what an op computes that is no step of elements.
Interval ValueBounds::rangeOfTensorOp(const Element &e, int depth) {
  auto all = [&](Value v) { return range(g.all(v), depth); };
  Operation *op = e.value.getDefiningOp();
  if (auto constant = dyn_cast_or_null<arith::ConstantOp>(op)) {
    Interval known = rangeOfConstant(constant);
    return known.isBounded() ? known : forget(e);
  }
  if (isa_and_nonnull<SoftmaxOp>(op))
    return widened({0, 1}, e.type());
  if (auto map = dyn_cast_or_null<FeatureMapOp>(op)) {
    Interval x = all(map.getX());
    if (map.getKind() == FeatureKind::exp)
      return widened(rising(x, std::exp), e.type());
    double top = std::max(0.0, x.high);
    if (map.getKind() == FeatureKind::elu1)
      top += 1;
    return widened({0, map.getKind() == FeatureKind::relu2 ? top * top : top}, e.type());
  }
  if (auto concat = dyn_cast_or_null<tensor::ConcatOp>(op)) {
    Interval out{kInfinity, -kInfinity};
    for (Value input : concat.getInputs())
      out = hull(out, all(input));
    return out;
  }
  // an element is at most as large as a norm that it is part of
  if (isa_and_nonnull<RmsNormOp, LayerNormOp, RotaryOp>(op)) {
    auto type = cast<RankedTensorType>(e.value.getType());
    double n = norm(g.all(e.value), g.size() - 1, depth);
    return type.getRank() && std::isfinite(n) ? Interval{-n, n} : forget(e);
  }
  return rangeOfReduction(e, depth);
}

/// Of a sum of products, a maximum or a sum.
Interval ValueBounds::rangeOfReduction(const Element &e, int depth) {
  auto count = [&](ArrayRef<unsigned> variables) {
    double n = 1;
    for (unsigned v : variables)
      n *= extent(v);
    return n;
  };
  unsigned before = g.size();
  Interval out;
  if (auto sum = g.productSum(e); sum && !sum->start) {
    double n = count(sum->variables);
    double m = times(times(range(sum->a, depth).magnitude(), range(sum->b, depth).magnitude()), n);
    if (sum->variables.size() == 1)
      m = std::min(
          m, times(norm(sum->a, sum->variables[0], depth), norm(sum->b, sum->variables[0], depth)));
    m *= 1 + n * 0x1p-23;
    out = widened({-m, m}, e.type());
  } else if (auto most = g.reduced(e, Elements::Reduction::Max); most && !most->start) {
    out = range(most->element, depth);
  } else if (auto sum = g.reduced(e, Elements::Reduction::Sum); sum && !sum->start) {
    double n = count(sum->variables);
    Interval x = range(sum->element, depth);
    double slack = n * 0x1p-23 * times(n, x.magnitude());
    out = {times(n, x.low) - slack, times(n, x.high) + slack};
    if (x.low >= 0)
      out.low = 0;
  } else {
    forget(e);
  }
  g.restore(before);
  return std::isnan(out.low) || std::isnan(out.high) ? Interval{} : out;
}

Interval ValueBounds::range(const Element &element, int depth) {
  if (depth == 0 || steps-- <= 0)
    return forget(element);
  Element e = g.source(element, /*throughCasts=*/false);
  Interval out;
  if (Operation *op = g.op(e))
    out = rangeOf(op, e, depth - 1);
  else
    out = rangeOfTensorOp(e, depth - 1);
  return std::isnan(out.low) || std::isnan(out.high) ? Interval{} : out;
}

Interval ValueBounds::range(Value tensor) { return range(g.all(tensor), kDepth); }

double ValueBounds::norm(Value tensor, unsigned dim) {
  unsigned first = g.size();
  return norm(g.all(tensor), first + dim, kDepth);
}
