//===- NormBounds.cpp - L2 norms along a dimension ---------------------------===//
//
// Part of Linnet, under Apache-2.0 WITH LLVM-exception. See LICENSE.
//
//===----------------------------------------------------------------------===//
#include "linnet/Analysis/LogitBound.h"
#include "linnet/IR/LinnetDialect.h"
#include "mlir/Dialect/Arith/IR/Arith.h"
#include "mlir/Dialect/Math/IR/Math.h"
#include "mlir/Dialect/Tensor/IR/Tensor.h"
#include "mlir/Interfaces/FunctionInterfaces.h"
#include "llvm/Support/Format.h"
#include <cmath>

using namespace mlir;
using namespace linnet;

static constexpr double kInfinity = std::numeric_limits<double>::infinity();

/// What sums of n squares, a root and a division round to at most.
static double slackOfNorm(double n) { return 1 + (n / 2 + 8) * 0x1p-24; }

/// The smallest eps under a root that keeps underflown squares from mattering.
static constexpr double kLeastEps = 0x1p-100;

//===----------------------------------------------------------------------===//
// x over its own norm
//===----------------------------------------------------------------------===//

/// The n of `sum = (1 / n) * (x . x) + eps`, where x runs over at least what variable v does.
std::optional<double> ValueBounds::sumOfSquares(const Element &sum, const Element &x, unsigned v) {
  Element e = g.source(sum, /*throughCasts=*/true);
  Operation *op = g.op(e);
  if (isa_and_nonnull<arith::AddFOp, arith::MaximumFOp, arith::MaxNumFOp>(op)) {
    for (unsigned i : {0, 1})
      if (auto eps = g.constant(g.operand(e, i)); eps && (*eps == 0 || *eps >= kLeastEps))
        return sumOfSquares(g.operand(e, 1 - i), x, v);
    return std::nullopt;
  }
  if (isa_and_nonnull<arith::DivFOp, arith::MulFOp>(op)) {
    bool divides = isa<arith::DivFOp>(op);
    for (unsigned i = divides ? 1 : 0; i < 2; ++i)
      if (auto c = g.constant(g.operand(e, i)); c && *c > 0)
        if (auto n = sumOfSquares(g.operand(e, 1 - i), x, v))
          return divides ? *n * *c : *n / *c;
    return std::nullopt;
  }
  unsigned before = g.size();
  auto matches = [&](const Element &a, unsigned w) {
    return extent(w) >= extent(v) && g.same(g.replace(a, w, g.variable(v)), x);
  };
  std::optional<double> out;
  if (auto mean = e.value.getDefiningOp<ReduceOp>(); mean && mean.getKind() == ReduceKind::mean) {
    Element squared{mean.getInput(), {}};
    unsigned at = 0, reduced = 0;
    for (unsigned d = 0, r = cast<RankedTensorType>(mean.getInput().getType()).getRank(); d < r;
         ++d) {
      if (!llvm::is_contained(mean.getAxes(), d)) {
        squared.at.push_back(e.at[at++]);
        continue;
      }
      at += mean.getKeepdims();
      reduced = g.addVariable(mean.getInput(), d);
      squared.at.push_back(g.variable(reduced));
    }
    squared = g.source(squared, /*throughCasts=*/true);
    if (mean.getAxes().size() == 1 && g.op<arith::MulFOp>(squared) &&
        matches(g.operand(squared, 0), reduced) && matches(g.operand(squared, 1), reduced))
      out = extent(reduced);
  } else if (auto product = g.productSum(e);
             product && product->variables.size() == 1 &&
             (!product->start || (g.constant(product->start).value_or(-1) >= 0))) {
    unsigned w = product->variables[0];
    if (matches(product->a, w) && matches(product->b, w))
      out = 1;
  }
  g.restore(before);
  return out && std::isfinite(*out) ? out : std::nullopt;
}

/// The n of `root >= sqrt((1 / n) * (x . x))`.
std::optional<double> ValueBounds::rootOfSquares(const Element &root, const Element &x,
                                                 unsigned v) {
  Element e = g.source(root, /*throughCasts=*/true);
  if (g.op<math::SqrtOp>(e))
    return sumOfSquares(g.operand(e, 0), x, v);
  Operation *op = g.op(e);
  bool adds = isa_and_nonnull<arith::AddFOp>(op);
  if (adds || isa_and_nonnull<arith::MaximumFOp, arith::MaxNumFOp>(op))
    for (unsigned i : {0, 1})
      if (auto eps = g.constant(g.operand(e, i)); eps && (*eps == 0 || *eps >= 0x1p-50))
        return rootOfSquares(g.operand(e, 1 - i), x, v);
  return std::nullopt;
}

/// The norm of `x / by`, or of `x * by` where `by` is an inverse, if `by` is the norm of x.
std::optional<double> ValueBounds::normalised(const Element &x, const Element &by, bool inverse,
                                              unsigned v) {
  std::optional<double> n;
  Element e = g.source(by, /*throughCasts=*/true);
  if (!inverse)
    n = rootOfSquares(e, x, v);
  else if (g.op<math::RsqrtOp>(e))
    n = sumOfSquares(g.operand(e, 0), x, v);
  else if (g.op<arith::DivFOp>(e))
    if (auto c = g.constant(g.operand(e, 0)); c && *c != 0)
      if (auto inner = rootOfSquares(g.operand(e, 1), x, v))
        n = *inner * *c * *c;
  if (!n)
    return std::nullopt;
  return std::sqrt(*n) * slackOfNorm(extent(v));
}

//===----------------------------------------------------------------------===//
// Steps
//===----------------------------------------------------------------------===//

/// Of the result of an `arith` or `math` op; infinity where only its elements help.
double ValueBounds::normOf(Operation *op, const Element &e, unsigned v, int depth) {
  double one = 1 + 0x1p-23;
  if (isa<arith::MulFOp, arith::DivFOp>(op)) {
    bool divides = isa<arith::DivFOp>(op);
    double best = kInfinity;
    for (unsigned i = 0; i < (divides ? 1 : 2); ++i) {
      Element x = g.operand(e, i), by = g.operand(e, 1 - i);
      if (!g.dependsOn(by, v))
        if (auto n = normalised(x, by, !divides, v))
          best = std::min(best, *n);
    }
    if (std::isfinite(best))
      return best;
    Value before = unknown;
    for (unsigned i = 0; i < (divides ? 1 : 2); ++i) {
      Interval by = range(g.operand(e, 1 - i), depth);
      double factor = divides ? 1 / std::max({by.low, -by.high, 0.0}) : by.magnitude();
      if (!std::isfinite(factor))
        continue;
      unknown = before; // this factor is known, whatever the other is
      best = std::min(best, norm(g.operand(e, i), v, depth) * factor * one);
    }
    return best;
  }
  if (isa<arith::AddFOp, arith::SubFOp>(op))
    return (norm(g.operand(e, 0), v, depth) + norm(g.operand(e, 1), v, depth)) * one;
  if (isa<arith::NegFOp, math::AbsFOp>(op))
    return norm(g.operand(e, 0), v, depth);
  if (isa<arith::ExtFOp, arith::TruncFOp>(op)) {
    double unit = e.type().isBF16() ? 0x1p-8 : e.type().isF16() ? 0x1p-11 : 0x1p-23;
    return norm(g.operand(e, 0), v, depth) * (1 + unit);
  }
  if (isa<arith::SelectOp>(op)) {
    double a = norm(g.operand(e, 1), v, depth), b = norm(g.operand(e, 2), v, depth);
    return g.dependsOn(g.operand(e, 0), v) ? std::hypot(a, b) : std::max(a, b);
  }
  // |tanh(x)| <= |x|
  if (isa<math::TanhOp>(op))
    return norm(g.operand(e, 0), v, depth) * one;
  return kInfinity;
}

/// The dimension whose coordinate runs with v, every element once; nothing where there is none.
static std::optional<unsigned> dimensionOf(ArrayRef<AffineExpr> at, unsigned v) {
  std::optional<unsigned> found;
  for (auto [d, x] : llvm::enumerate(at)) {
    if (!x.isFunctionOfDim(v))
      continue;
    AffineExpr rest = x - getAffineDimExpr(v, x.getContext());
    if (found || simplifyAffineExpr(rest, v + 1, 0).isFunctionOfDim(v))
      return std::nullopt;
    found = d;
  }
  return found;
}

static double factorOfRotation(ValueBounds &bounds, RotaryOp op) {
  if (!op.getCos())
    return 1 + 8 * 0x1p-24;
  auto angle = [](Value table) -> std::pair<Operation *, Value> {
    Operation *f = table.getDefiningOp();
    return {f, f && f->getNumOperands() ? f->getOperand(0) : Value()};
  };
  auto [cos, x] = angle(op.getCos());
  auto [sin, y] = angle(op.getSin());
  if (isa_and_nonnull<math::CosOp>(cos) && isa_and_nonnull<math::SinOp>(sin) && x == y)
    return 1 + 8 * 0x1p-24;
  return std::hypot(bounds.range(op.getCos()).magnitude(), bounds.range(op.getSin()).magnitude());
}

/// The largest norm of what a module's functions give as the state, where one was missing.
static double normWritten(ModuleOp module, StringAttr state, unsigned dim, StateNorms &states) {
  double most = 0;
  for (auto fn : module.getOps<FunctionOpInterface>())
    for (unsigned i = 0; i < fn.getNumResults(); ++i) {
      if (fn.getResultAttr(i, kStateAttr) != state)
        continue;
      if (!fn.getFunctionBody().hasOneBlock())
        return kInfinity;
      Value written = fn.getFunctionBody().front().getTerminator()->getOperand(i);
      most = std::max(most, ValueBounds(module.getContext(), states).norm(written, dim));
    }
  return most;
}

/// A state begins as zeros, and nothing but the module's functions writes it. What they write
/// while all rows have at most some norm has at most that norm: then all rows always have.
double ValueBounds::normOfState(BlockArgument arg, unsigned dim) {
  auto fn = dyn_cast<FunctionOpInterface>(arg.getOwner()->getParentOp());
  auto module = fn ? fn->getParentOfType<ModuleOp>() : ModuleOp();
  auto state = fn && arg.getOwner() == &fn.getFunctionBody().front()
                   ? fn.getArgAttrOfType<StringAttr>(arg.getArgNumber(), kStateAttr)
                   : StringAttr();
  if (!state || !module)
    return kInfinity;
  std::pair<StringAttr, unsigned> key(state, dim);
  if (auto known = states->find(key); known != states->end())
    return known->second;
  (*states)[key] = 0;
  double bound = normWritten(module, state, dim, *states);
  (*states)[key] = bound;
  if (std::isfinite(bound) && normWritten(module, state, dim, *states) > bound)
    (*states)[key] = kInfinity;
  return (*states)[key];
}

std::string ValueBounds::describeStates() const {
  std::string text;
  for (auto &[key, bound] : *states)
    if (std::isfinite(bound))
      text += (text.empty() ? "'" : ", '") + key.first.str() + "'";
  return text;
}

/// Rows are those of the source or of what it is written into; where channels are of both, they
/// are parts of each.
double ValueBounds::normOfInsert(tensor::InsertSliceOp op, const Element &e, unsigned v,
                                 unsigned dim, int depth) {
  auto type = op.getSourceType();
  if (type.getRank() != op.getDestType().getRank())
    return kInfinity;
  double kept = norm({op.getDest(), e.at}, v, depth);
  unsigned before = g.size();
  Element source = g.all(op.getSource());
  double written = norm(source, before + dim, depth);
  g.restore(before);
  bool whole = !type.isDynamicDim(dim) && type.getDimSize(dim) == op.getDestType().getDimSize(dim);
  return whole ? std::max(kept, written) : std::hypot(kept, written);
}

/// Of a row behind RMS norm or layer norm; nothing where it may be larger than its length tells.
std::optional<double> ValueBounds::normOfNorm(Operation *op, unsigned dim, int depth) {
  if (!isa<RmsNormOp, LayerNormOp>(op))
    return std::nullopt;
  auto shape = cast<RankedTensorType>(op->getResult(0).getType()).getShape();
  auto rows = [&](int64_t axes) {
    double n = int64_t(dim) + axes >= int64_t(shape.size()) ? 1 : kInfinity;
    for (int64_t size : shape.take_back(axes))
      n *= ShapedType::isDynamic(size) ? kInfinity : size;
    return n;
  };
  auto scaleOf = [&](Value scale, bool plusOne) {
    if (!scale)
      return 1.0;
    Interval s = range(g.all(scale), depth);
    return plusOne ? Interval{1 + s.low, 1 + s.high}.magnitude() : s.magnitude();
  };
  auto keepsSquares = [](const APFloat &eps) {
    return eps.isZero() || eps.convertToDouble() >= kLeastEps;
  };
  if (auto rms = dyn_cast<RmsNormOp>(op); rms && keepsSquares(rms.getEps())) {
    double n = rows(rms.getAxes());
    return std::sqrt(n) * slackOfNorm(n) * scaleOf(rms.getScale(), rms.getUnitOffset());
  }
  if (auto layer = dyn_cast<LayerNormOp>(op); layer && keepsSquares(layer.getEps())) {
    double n = rows(layer.getAxes());
    double bias = layer.getBias() ? range(g.all(layer.getBias()), depth).magnitude() : 0;
    return std::sqrt(n) * slackOfNorm(2 * n) * (scaleOf(layer.getScale(), false) + bias);
  }
  return std::nullopt;
}

double ValueBounds::normOfConcat(tensor::ConcatOp op, const Element &e, unsigned dim, unsigned v,
                                 int depth) {
  double squares = 0, most = 0;
  for (Value input : op.getInputs()) {
    Element x{input, e.at};
    unsigned along = g.addVariable(input, op.getDim());
    x.at[op.getDim()] = g.variable(along);
    double n = norm(x, dim == op.getDim() ? along : v, depth);
    squares += n * n;
    most = std::max(most, n);
  }
  return dim == op.getDim() ? std::sqrt(squares) : most;
}

/// y_c = sum_r a_r W_rc: the norm of a times that of all of W.
double ValueBounds::normOfProduct(const Element &e, unsigned v, int depth) {
  unsigned before = g.size();
  double out = kInfinity;
  if (auto sum = g.productSum(e); sum && !sum->start && sum->variables.size() == 1) {
    unsigned r = sum->variables[0];
    for (bool swapped : {false, true}) {
      const Element &a = swapped ? sum->b : sum->a, &w = swapped ? sum->a : sum->b;
      if (g.dependsOn(a, v))
        continue;
      Interval weight = range(w, depth);
      if (weight.isBounded())
        out = std::min(out, norm(a, r, depth) * weight.magnitude() *
                                std::sqrt(extent(r) * extent(v)) * (1 + extent(r) * 0x1p-23));
    }
  }
  g.restore(before);
  return out;
}

double ValueBounds::normOfTensorOp(const Element &e, unsigned v, int depth) {
  Operation *op = e.value.getDefiningOp();
  auto dim = dimensionOf(e.at, v);
  if (!dim || !isa<RankedTensorType>(e.value.getType()))
    return kInfinity;
  if (!op)
    return normOfState(cast<BlockArgument>(e.value), *dim);
  if (auto insert = dyn_cast<tensor::InsertSliceOp>(op))
    return normOfInsert(insert, e, v, *dim, depth);
  if (auto n = normOfNorm(op, *dim, depth))
    return *n;
  if (auto rotary = dyn_cast<RotaryOp>(op)) {
    if (*dim != 3)
      return kInfinity;
    Element x{rotary.getX(), e.at};
    unsigned channel = g.addVariable(rotary.getX(), 3);
    x.at[3] = g.variable(channel);
    double n = norm(x, channel, depth), factor = factorOfRotation(*this, rotary);
    return n == kInfinity ? n : n * factor;
  }
  if (auto concat = dyn_cast<tensor::ConcatOp>(op))
    return normOfConcat(concat, e, *dim, v, depth);
  return normOfProduct(e, v, depth);
}

double ValueBounds::norm(const Element &element, unsigned v, int depth) {
  if (depth == 0 || steps-- <= 0)
    return kInfinity;
  Element e = g.source(element, /*throughCasts=*/false);
  Operation *op = g.op(e);
  Value before = unknown;
  double n = op ? normOf(op, e, v, depth - 1) : normOfTensorOp(e, v, depth - 1);
  if (std::isnan(n))
    n = kInfinity;
  if (std::isfinite(n))
    unknown = before;
  // rms_norm and its like have elements of the size of their norm: nothing to gain from those
  if (std::isfinite(n) && !op)
    return n;
  Value missing = unknown;
  double largest = range(e, depth - 1).magnitude();
  if (std::isfinite(n) || missing)
    unknown = std::isfinite(n) ? before : missing;
  double byElements = largest == 0 ? 0 : largest * std::sqrt(extent(v));
  return std::min(n, byElements);
}

//===----------------------------------------------------------------------===//
// Scores
//===----------------------------------------------------------------------===//

std::string linnet::printNumber(double value) {
  std::string text;
  llvm::raw_string_ostream(text) << llvm::format("%.3g", value);
  return text;
}

std::string linnet::describeValue(Value value) {
  std::string text;
  llvm::raw_string_ostream os(text);
  if (auto arg = dyn_cast<BlockArgument>(value)) {
    auto fn = dyn_cast<FunctionOpInterface>(arg.getOwner()->getParentOp());
    if (auto state = fn ? fn.getArgAttrOfType<StringAttr>(arg.getArgNumber(), kStateAttr) : nullptr)
      os << "state '" << state.getValue() << "', ";
    os << "argument " << arg.getArgNumber();
    if (fn)
      os << " of @" << fn.getName();
    return text;
  }
  os << "the result of '" << value.getDefiningOp()->getName() << "'";
  return text;
}

LogitBound linnet::boundLogits(AttentionOp op) {
  LogitBound out;
  double depth = op.getQ().getType().getDimSize(3);
  if (depth < 0) {
    out.unproven = "the depth of queries and keys is not known";
    return out;
  }
  double scale = op.getScale() ? op.getScale()->convertToDouble() : 1 / std::sqrt(depth);
  scale = std::abs(scale);
  auto bound = [&](Value x, StringRef what) {
    ValueBounds bounds(op.getContext());
    double n = bounds.norm(x, 3);
    if (!std::isfinite(n) && out.unproven.empty())
      out.unproven = ("nothing bounds the " + what + ": ").str() +
                     describeValue(bounds.getUnknown() ? bounds.getUnknown() : x) +
                     " may have any size";
    if (std::isfinite(n))
      if (std::string names = bounds.describeStates(); !names.empty())
        out.states += (out.states.empty() ? "" : ", ") + names;
    return n;
  };
  out.queries = bound(op.getQ(), "queries");
  out.keys = bound(op.getK(), "keys");
  if (out.unproven.empty())
    out.products = scale * out.queries * out.keys * (1 + 0x1p-40);
  out.scores = out.products;
  llvm::raw_string_ostream proof(out.proof);
  if (out.unproven.empty())
    proof << "|q| <= " << printNumber(out.queries) << ", |k| <= " << printNumber(out.keys);
  if (!out.states.empty())
    proof << " with what the program writes to state " << out.states;
  if (op.getSoftcap() && op.getSoftcap()->convertToDouble() < out.scores) {
    out.scores = op.getSoftcap()->convertToDouble();
    proof << (out.proof.empty() ? "" : ", ") << "soft cap";
  }
  return out;
}
