//===- LossMatch.cpp - cross entropy in primitive ops ------------------------===//
//
// Part of Linnet, under Apache-2.0 WITH LLVM-exception. See LICENSE.
//
// From the loss of a row, minus what is picked at its class, to the logarithm of a softmax that it
// is picked of. The sum or mean over rows around it is part of the op.
//
//===----------------------------------------------------------------------===//
#include "AttentionMatch.h"
#include "OperandBuilder.h"
#include "Raise.h"
#include "linnet/IR/LinnetOps.h"
#include "mlir/Dialect/Arith/IR/Arith.h"
#include "mlir/Dialect/Math/IR/Math.h"
#include "mlir/Dialect/Tensor/IR/Tensor.h"
#include "llvm/ADT/ScopeExit.h"
#include <cmath>

using namespace mlir;
using namespace linnet;
using namespace linnet::rewrites;

namespace {

/// values[..., class number], with the variable of all classes in the number's place.
struct Picked {
  Element values, number;
  unsigned classes = 0;
};

struct Loss {
  Element logits, target;
  unsigned classes = 0;
  LossReduction reduction = LossReduction::none;
  Variables rows; ///< that sum or mean runs over
  std::optional<int64_t> ignored;
  std::optional<double> smoothing;
};

class LossMatcher {
public:
  explicit LossMatcher(Elements &elements) : g(elements) {}
  std::optional<Loss> match(const Element &root, Raised &out);

private:
  std::optional<Picked> fromGather(const Element &e);
  std::optional<Picked> fromExtract(const Element &e);
  std::optional<Picked> fromOneHot(const Element &e);
  std::optional<Element> logits(const Element &logarithm, unsigned classes);
  std::optional<Element> ofSums(const Element &x, const Element &sums, unsigned classes);
  std::optional<Element> exponents(const Element &sum, unsigned classes);
  bool sumOfRows(const Element &e, bool negative, Raised &out, Loss &loss);
  bool row(const Element &e, bool negative, Raised &out, Loss &loss);
  std::optional<std::pair<Element, int64_t>> counts(const Element &condition);
  bool isCount(const Element &divisor, bool inverse, const Loss &loss);
  std::optional<Loss> meanOfRows(const Element &e, bool negative, Raised &out);
  Element withoutSafety(const Element &number, const Loss &loss);
  Element unscaled(Element e, double &factor);
  bool smoothed(const Element &e, bool negative, bool reduced, Raised &out, Loss &loss);
  std::optional<Element> rowOf(Element e, double &factor, const Loss &loss);
  bool isMeanOfClasses(const Element &e, double &factor, const Loss &loss);

  Elements &g;
  bool inSum = false; ///< that may be a smoothed loss: its parts are none
};

} // namespace

//===----------------------------------------------------------------------===//
// What is picked
//===----------------------------------------------------------------------===//

std::optional<Picked> LossMatcher::fromGather(const Element &e) {
  auto gather = e.value.getDefiningOp<GatherOp>();
  if (!gather)
    return std::nullopt;
  auto type = cast<RankedTensorType>(gather.getData().getType());
  int64_t last = type.getRank() - 1;
  if (gather.getAxis() != static_cast<uint64_t>(last) ||
      gather.getBatchDims() != static_cast<uint64_t>(last))
    return std::nullopt;
  Picked out{{gather.getData(), {}}, {gather.getIndices(), e.at}, 0};
  out.classes = g.addVariable(gather.getData(), last);
  llvm::append_range(out.values.at, ArrayRef(e.at).take_front(last));
  out.values.at.push_back(g.variable(out.classes));
  return out;
}

std::optional<Picked> LossMatcher::fromExtract(const Element &e) {
  auto extract = e.value.getDefiningOp<tensor::ExtractOp>();
  if (!extract || extract.getIndices().empty())
    return std::nullopt;
  Picked out{{extract.getTensor(), {}}, {}, 0};
  for (auto [d, value] : llvm::enumerate(extract.getIndices())) {
    Element index{value, e.at};
    if (AffineExpr at = g.index(index)) {
      out.values.at.push_back(at);
      continue;
    }
    if (out.number)
      return std::nullopt;
    out.number = index;
    out.classes = g.addVariable(extract.getTensor(), d);
    out.values.at.push_back(g.variable(out.classes));
  }
  return out.number ? std::optional(out) : std::nullopt;
}

/// A sum over classes of values where the class is the number, and zeros.
std::optional<Picked> LossMatcher::fromOneHot(const Element &e) {
  auto sum = g.reduced(e, Elements::Reduction::Sum);
  if (!sum || sum->start || sum->variables.size() != 1)
    return std::nullopt;
  unsigned classes = sum->variables[0];
  Element product = g.source(sum->element);
  Element condition, values;
  if (g.op<arith::SelectOp>(product) && g.constant(g.operand(product, 2)) == 0.0) {
    condition = g.operand(product, 0);
    values = g.operand(product, 1);
  } else if (g.op<arith::MulFOp>(product)) {
    for (unsigned i = 0; i < 2 && !condition; ++i)
      if (Element hot = g.source(g.operand(product, i)); g.op<arith::UIToFPOp>(hot)) {
        condition = g.operand(hot, 0);
        values = g.operand(product, 1 - i);
      }
  }
  condition = condition ? g.source(condition) : condition;
  auto compare = condition ? g.op<arith::CmpIOp>(condition) : arith::CmpIOp();
  if (!compare || compare.getPredicate() != arith::CmpIPredicate::eq)
    return std::nullopt;
  for (unsigned i = 0; i < 2; ++i)
    if (AffineExpr at = g.index(g.operand(condition, i)); at == g.variable(classes))
      if (Element number = g.operand(condition, 1 - i); !g.dependsOn(number, classes))
        return Picked{values, number, classes};
  return std::nullopt;
}

//===----------------------------------------------------------------------===//
// The logarithm of a softmax
//===----------------------------------------------------------------------===//

/// y where the element is the sum over classes of exp(y).
std::optional<Element> LossMatcher::exponents(const Element &element, unsigned classes) {
  auto sum = g.reduced(element, Elements::Reduction::Sum);
  if (!sum || sum->start || sum->variables.size() != 1 ||
      g.extent(sum->variables[0]).size != g.extent(classes).size)
    return std::nullopt;
  Element exp = g.source(sum->element);
  if (!g.op<math::ExpOp>(exp))
    return std::nullopt;
  return g.replace(g.operand(exp, 0), sum->variables[0], g.variable(classes));
}

/// The logits, where `sums` is log(sum of exp(x)), or log(sum of exp(x - m)) + m.
std::optional<Element> LossMatcher::ofSums(const Element &x, const Element &element,
                                           unsigned classes) {
  Element sums = g.source(element);
  if (g.op<math::LogOp>(sums)) {
    auto y = exponents(g.operand(sums, 0), classes);
    if (!y || !g.same(*y, x))
      return std::nullopt;
    // the maximum cancels
    Element shifted = g.source(x);
    if (g.op<arith::SubFOp>(shifted) && !g.dependsOn(g.operand(shifted, 1), classes))
      return g.operand(shifted, 0);
    return x;
  }
  if (!g.op<arith::AddFOp>(sums))
    return std::nullopt;
  for (unsigned i = 0; i < 2; ++i) {
    Element log = g.source(g.operand(sums, i));
    auto y = g.op<math::LogOp>(log) ? exponents(g.operand(log, 0), classes) : std::nullopt;
    Element shifted = y ? g.source(*y) : Element();
    if (y && g.op<arith::SubFOp>(shifted) && g.same(g.operand(shifted, 0), x) &&
        g.same(g.operand(shifted, 1), g.operand(sums, 1 - i)))
      return x;
  }
  return std::nullopt;
}

std::optional<Element> LossMatcher::logits(const Element &element, unsigned classes) {
  Element e = g.source(element);
  if (g.op<math::LogOp>(e)) {
    auto scores = AttentionMatcher(g).probability(g.operand(e, 0), classes);
    return scores && scores->factor == 1 ? std::optional(scores->element) : std::nullopt;
  }
  if (g.op<arith::SubFOp>(e))
    return ofSums(g.operand(e, 0), g.operand(e, 1), classes);
  return std::nullopt;
}

//===----------------------------------------------------------------------===//
// Rows
//===----------------------------------------------------------------------===//

/// The target and the number that a condition says it is not.
std::optional<std::pair<Element, int64_t>> LossMatcher::counts(const Element &element) {
  Element e = g.source(element);
  auto compare = g.op<arith::CmpIOp>(e);
  if (!compare || compare.getPredicate() != arith::CmpIPredicate::ne)
    return std::nullopt;
  for (unsigned i = 0; i < 2; ++i)
    if (auto number = g.constant(g.operand(e, 1 - i)))
      return std::pair(g.operand(e, i), static_cast<int64_t>(*number));
  return std::nullopt;
}

/// The target without what keeps it in range: where it is ignored, or negative.
Element LossMatcher::withoutSafety(const Element &number, const Loss &loss) {
  Element e = g.source(number);
  while (g.op<arith::IndexCastOp>(e) || g.op<arith::ExtSIOp>(e))
    e = g.source(g.operand(e, 0));
  if (!g.op<arith::SelectOp>(e))
    return e;
  auto counted = counts(g.operand(e, 0));
  if (counted && loss.ignored == counted->second && g.same(counted->first, g.operand(e, 1)))
    return g.operand(e, 1);
  Element condition = g.source(g.operand(e, 0)), other = g.source(g.operand(e, 1));
  auto compare = g.op<arith::CmpIOp>(condition);
  if (compare && compare.getPredicate() == arith::CmpIPredicate::slt &&
      g.constant(g.operand(condition, 1)) == 0.0 && g.op<arith::AddIOp>(other) &&
      g.same(g.operand(condition, 0), g.operand(e, 2)))
    return withoutSafety(g.operand(e, 2), loss);
  return e;
}

bool LossMatcher::row(const Element &element, bool negative, Raised &out, Loss &loss) {
  Element e = g.source(element);
  if (auto positive = g.negated(e))
    return row(*positive, !negative, out, loss);
  if (smoothed(e, negative, /*reduced=*/false, out, loss))
    return true;
  if (g.op<arith::SelectOp>(e) && !loss.ignored && g.constant(g.operand(e, 2)) == 0.0)
    if (auto counted = counts(g.operand(e, 0))) {
      loss.ignored = counted->second;
      if (!row(g.operand(e, 1), negative, out, loss))
        return false;
      if (g.same(loss.target, counted->first))
        return true;
      out.why = "rows are ignored by something else than their target";
      return false;
    }
  std::optional<Element> sums;
  Element from = e;
  if (g.op<arith::SubFOp>(e) && !negative) { // log(sum of exp(x)) - x[t]
    sums = g.operand(e, 0);
    from = g.source(g.operand(e, 1));
  }
  std::optional<Picked> picked;
  for (auto how : {&LossMatcher::fromGather, &LossMatcher::fromExtract, &LossMatcher::fromOneHot})
    if (!picked)
      picked = (this->*how)(from);
  if (!picked)
    return false;
  bool flipped = negative;
  if (auto values = g.negated(picked->values); values && !sums) {
    picked->values = *values;
    flipped = !flipped;
  }
  auto x = sums ? ofSums(picked->values, *sums, picked->classes)
                : logits(picked->values, picked->classes);
  if (!x)
    return false;
  out.part = from.value;
  if (!sums && !flipped) {
    out.why = "the sign is not that of a loss";
    return false;
  }
  loss.logits = *x;
  loss.classes = picked->classes;
  loss.target = withoutSafety(picked->number, loss);
  return true;
}

//===----------------------------------------------------------------------===//
// Sum and mean
//===----------------------------------------------------------------------===//

/// Whether it is the number of rows that count, or one over it.
bool LossMatcher::isCount(const Element &divisor, bool inverse, const Loss &loss) {
  if (auto number = g.constant(divisor)) {
    double count = inverse ? *number : 1 / *number;
    for (unsigned v : loss.rows)
      count *= g.extent(v).size;
    return !loss.ignored && std::abs(count - 1) < 1e-6;
  }
  if (inverse)
    return false;
  auto sum = g.reduced(divisor, Elements::Reduction::Sum);
  if (!loss.ignored || !sum || sum->start || sum->variables.size() != loss.rows.size())
    return false;
  Element one = sum->element;
  for (auto [v, w] : llvm::zip_equal(sum->variables, loss.rows))
    one = g.replace(one, v, g.variable(w));
  one = g.source(one);
  std::optional<std::pair<Element, int64_t>> counted;
  if (g.op<arith::UIToFPOp>(one))
    counted = counts(g.operand(one, 0));
  else if (g.op<arith::SelectOp>(one) && g.constant(g.operand(one, 1)) == 1.0 &&
           g.constant(g.operand(one, 2)) == 0.0)
    counted = counts(g.operand(one, 0));
  return counted && counted->second == loss.ignored && g.same(counted->first, loss.target);
}

bool LossMatcher::sumOfRows(const Element &e, bool negative, Raised &out, Loss &loss) {
  auto sum = g.reduced(e, Elements::Reduction::Sum);
  if (!sum || sum->start)
    return false;
  loss.rows.assign(sum->variables.begin(), sum->variables.end());
  loss.reduction = LossReduction::sum;
  return row(sum->element, negative, out, loss);
}

std::optional<Loss> LossMatcher::meanOfRows(const Element &e, bool negative, Raised &out) {
  Loss loss;
  if (auto mean = g.reduced(e, Elements::Reduction::Mean)) {
    loss.rows.assign(mean->variables.begin(), mean->variables.end());
    loss.reduction = LossReduction::mean;
    // by the number of all rows
    if (row(mean->element, negative, out, loss) && !loss.ignored)
      return loss;
    return std::nullopt;
  }
  bool divided = g.op<arith::DivFOp>(e) != nullptr;
  if (!divided && !g.op<arith::MulFOp>(e))
    return std::nullopt;
  for (unsigned i = 0; i < (divided ? 1 : 2); ++i) {
    loss = Loss();
    Element other = g.operand(e, 1 - i), sum = g.source(g.operand(e, i));
    bool flipped = negative;
    while (auto positive = g.negated(sum)) {
      sum = g.source(*positive);
      flipped = !flipped;
    }
    if (!sumOfRows(sum, flipped, out, loss))
      continue;
    loss.reduction = LossReduction::mean;
    if (isCount(other, /*inverse=*/!divided, loss))
      return loss;
    out.why = "it is divided by something else than the number of rows that count";
  }
  return std::nullopt;
}

//===----------------------------------------------------------------------===//
// Label smoothing
//===----------------------------------------------------------------------===//

/// Without the numbers that it is multiplied with.
Element LossMatcher::unscaled(Element e, double &factor) {
  for (e = g.source(e);; e = g.source(e)) {
    if (g.op<arith::NegFOp>(e)) {
      factor = -factor;
      e = g.operand(e, 0);
      continue;
    }
    bool divided = g.op<arith::DivFOp>(e) != nullptr, found = false;
    if (!divided && !g.op<arith::MulFOp>(e))
      return e;
    for (unsigned i = 0; i < (divided ? 1 : 2) && !found; ++i)
      if (auto c = g.constant(g.operand(e, 1 - i)); c && *c != 0) {
        factor = divided ? factor / *c : factor * *c;
        e = g.operand(e, i);
        found = true;
      }
    if (!found)
      return e;
  }
}

/// The row where the element is the sum or mean of rows as the loss is.
std::optional<Element> LossMatcher::rowOf(Element e, double &factor, const Loss &loss) {
  if (loss.reduction == LossReduction::none)
    return e;
  auto sum = g.reduced(e, Elements::Reduction::Mean);
  if (sum && (loss.reduction != LossReduction::mean || loss.ignored))
    return std::nullopt;
  bool counted = sum || loss.reduction == LossReduction::sum;
  if (!counted && g.op<arith::DivFOp>(e) && isCount(g.operand(e, 1), /*inverse=*/false, loss)) {
    e = unscaled(g.operand(e, 0), factor);
    counted = true;
  }
  if (!sum)
    sum = g.reduced(e, Elements::Reduction::Sum);
  if (!counted || !sum || sum->start)
    return std::nullopt;
  auto isReal = [&](unsigned v) { return g.extent(v).size != 1; };
  auto own = llvm::to_vector(llvm::make_filter_range(sum->variables, isReal));
  auto rows = llvm::to_vector(llvm::make_filter_range(loss.rows, isReal));
  if (own.size() != rows.size())
    return std::nullopt;
  for (auto [v, w] : llvm::zip_equal(own, rows))
    sum->element = g.replace(sum->element, v, g.variable(w));
  return unscaled(sum->element, factor);
}

/// Whether it is `factor` times the mean over classes of the logarithm that the loss is picked of.
bool LossMatcher::isMeanOfClasses(const Element &element, double &factor, const Loss &loss) {
  auto row = rowOf(unscaled(element, factor), factor, loss);
  if (!row)
    return false;
  Element e = *row;
  if (g.op<arith::SelectOp>(e) && g.constant(g.operand(e, 2)) == 0.0) {
    auto counted = counts(g.operand(e, 0));
    if (!counted || counted->second != loss.ignored || !g.same(counted->first, loss.target))
      return false;
    e = unscaled(g.operand(e, 1), factor);
  } else if (loss.ignored) {
    return false;
  }
  auto classes = g.reduced(e, Elements::Reduction::Mean);
  if (!classes) {
    classes = g.reduced(e, Elements::Reduction::Sum);
    factor *= g.extent(loss.classes).size;
  }
  if (!classes || classes->start || classes->variables.size() != 1 ||
      g.extent(classes->variables[0]).size != g.extent(loss.classes).size ||
      ShapedType::isDynamic(g.extent(loss.classes).size))
    return false;
  Element each = g.replace(classes->element, classes->variables[0], g.variable(loss.classes));
  auto x = logits(unscaled(each, factor), loss.classes);
  return x && g.same(*x, loss.logits);
}

/// (1 - s) times a loss, plus s times minus the mean over classes: of rows, or of their sums or
/// means.
bool LossMatcher::smoothed(const Element &e, bool negative, bool reduced, Raised &out, Loss &loss) {
  bool difference = g.op<arith::SubFOp>(e) != nullptr;
  if (inSum || (!difference && !g.op<arith::AddFOp>(e)))
    return false;
  inSum = true;
  auto leave = llvm::make_scope_exit([&] { inSum = false; });
  for (unsigned i = 0; i < 2; ++i) {
    double own = negative ? -1 : 1, other = own;
    (i == 0 ? other : own) *= difference ? -1 : 1;
    Element part = unscaled(g.operand(e, i), own);
    Loss attempt;
    attempt.ignored = loss.ignored; // by a select around the sum
    Raised unused;
    if (!reduced) {
      if (!row(part, own < 0, unused, attempt))
        continue;
    } else if (!sumOfRows(part, own < 0, unused, attempt)) {
      auto mean = meanOfRows(part, own < 0, unused);
      if (!mean)
        continue;
      attempt = *mean;
    }
    Loss counted = attempt;
    if (loss.ignored)
      counted.ignored.reset();
    if (attempt.smoothing || !isMeanOfClasses(g.operand(e, 1 - i), other, counted))
      continue;
    double kept = std::abs(own), smoothing = -other, count = 1;
    for (unsigned v : attempt.rows)
      count *= g.extent(v).size;
    // sums of which each was multiplied with one over the number of rows
    if (attempt.reduction == LossReduction::sum && !attempt.ignored && count > 1 &&
        std::abs((kept + smoothing) * count - 1) < 1e-5) {
      attempt.reduction = LossReduction::mean;
      smoothing *= count;
      kept *= count;
    }
    if (smoothing < 0 || std::abs(kept + smoothing - 1) > 1e-5) {
      out.part = part.value;
      out.why = "what the loss and the mean over classes are multiplied with do not add up to one";
      continue;
    }
    attempt.smoothing = smoothing;
    if (!reduced) {
      attempt.reduction = loss.reduction;
      attempt.rows = loss.rows;
    }
    loss = attempt;
    out.part = unused.part;
    return true;
  }
  return false;
}

std::optional<Loss> LossMatcher::match(const Element &root, Raised &out) {
  Element e = g.source(root);
  bool negative = false;
  while (auto positive = g.negated(e)) {
    e = g.source(*positive);
    negative = !negative;
  }
  Loss loss;
  if (row(e, negative, out, loss))
    return loss;
  if (llvm::any_of(root.at, [](AffineExpr x) { return !isa<AffineConstantExpr>(x); }))
    return std::nullopt; // a part of the rows
  loss = Loss();
  if (sumOfRows(e, negative, out, loss))
    return loss;
  loss = Loss();
  if (smoothed(e, negative, /*reduced=*/true, out, loss))
    return loss;
  return meanOfRows(e, negative, out);
}

//===----------------------------------------------------------------------===//
// The op
//===----------------------------------------------------------------------===//

static Value makeLoss(OpBuilder &b, Location loc, Elements &g, const Element &root,
                      const Loss &loss, std::string &why) {
  OperandBuilder operands(b, loc, g);
  auto type = cast<RankedTensorType>(root.value.getType());
  SmallVector<Variables> axes;
  for (AffineExpr x : root.at)
    if (loss.reduction == LossReduction::none) {
      auto d = dyn_cast<AffineDimExpr>(x);
      axes.push_back(d ? Variables{d.getPosition()} : Variables());
    }
  for (unsigned v : loss.rows)
    if (g.extent(v).size != 1)
      axes.push_back({v});
  Value target = operands.getNearest(loss.target, axes);
  axes.push_back({loss.classes});
  Value x = target ? operands.getNearest(loss.logits, axes) : Value();
  auto classNumber = target ? dyn_cast<IntegerType>(getElementTypeOrSelf(target)) : IntegerType();
  if (!x || !classNumber || classNumber.getWidth() == 1 ||
      getElementTypeOrSelf(x).getIntOrFloatBitWidth() > 32) {
    why = "logits or targets are read in an order that reshapes cannot give";
    return {};
  }
  Type f32 = b.getF32Type();
  auto shape = cast<RankedTensorType>(target.getType()).getShape();
  bool none = loss.reduction == LossReduction::none;
  auto result = RankedTensorType::get(none ? shape : ArrayRef<int64_t>(), f32);
  Value y = CrossEntropyOp::create(
                b, loc, result, Type(), LossReductionAttr::get(b.getContext(), loss.reduction), x,
                target, b.getI64IntegerAttr(loss.ignored.value_or(-100)),
                loss.smoothing ? b.getF64FloatAttr(*loss.smoothing) : FloatAttr())
                .getLoss();
  auto element = cast<FloatType>(type.getElementType());
  if (element.getWidth() < 32)
    y = arith::TruncFOp::create(b, loc, result.clone(element), y);
  if (!none && type.getRank())
    y = tensor::ExpandShapeOp::create(b, loc, type, y, ArrayRef<ReassociationIndices>());
  if (y.getType() != type)
    y = tensor::CastOp::create(b, loc, type, y);
  return y;
}

Raised linnet::rewrites::raiseLoss(OpBuilder &b, Value result) {
  Elements g(b.getContext());
  Raised out;
  if (getElementTypeOrSelf(result).getIntOrFloatBitWidth() > 32)
    return out;
  Element root = g.all(result);
  if (auto loss = LossMatcher(g).match(root, out)) {
    out.op = CrossEntropyOp::getOperationName();
    out.value = makeLoss(b, result.getLoc(), g, root, *loss, out.why);
  }
  return out;
}
