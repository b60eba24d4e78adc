//===- RotaryMatch.cpp - rotary embedding in primitive ops -------------------===//
//
// Part of Linnet, under Apache-2.0 WITH LLVM-exception. See LICENSE.
//
// The result is looked at in two places, the channels of a pair. How the pairs were put together
// again, by rotated copies, by parts or by strides, is no matter then.
//
//===----------------------------------------------------------------------===//
#include "OperandBuilder.h"
#include "Raise.h"
#include "linnet/Analysis/LogitBound.h"
#include "linnet/IR/LinnetOps.h"
#include "mlir/Dialect/Arith/IR/Arith.h"
#include "mlir/Dialect/MLProgram/IR/MLProgram.h"
#include "mlir/Dialect/Tensor/IR/Tensor.h"

using namespace mlir;
using namespace linnet;
using namespace linnet::rewrites;

namespace {

/// plus or minus a * b.
struct Term {
  Element a, b;
  bool negative = false;
  Element factor(unsigned i) const { return i ? b : a; }
};

/// y[lo] = x[lo] * cos - x[hi] * sin, y[hi] = x[hi] * cos + x[lo] * sin.
struct Rotary {
  Element root, x;
  unsigned channel = 0, pair = 0; ///< variables of all channels, and of pairs
  Element cos, sin;
  int64_t rotated = 0;
  RotaryLayout layout = RotaryLayout::half;
};

class RotaryMatcher {
public:
  explicit RotaryMatcher(Elements &elements) : g(elements) {}
  std::optional<Rotary> match(const Element &root, int64_t rotated, RotaryLayout layout,
                              std::string &why);

private:
  bool terms(const Element &e, bool negative, SmallVectorImpl<Term> &out);
  std::optional<Element> both(const Element &lo, const Element &hi, const Rotary &r);
  bool matchTerms(ArrayRef<Term> lo, ArrayRef<Term> hi, Rotary &r, std::string &why);
  bool keepsTheRest(const Rotary &r);
  AffineExpr place(const Rotary &r, bool second) {
    AffineExpr i = g.variable(r.pair);
    bool half = r.layout == RotaryLayout::half;
    return half ? i + (second ? r.rotated / 2 : 0) : i * 2 + (second ? 1 : 0);
  }

  Elements &g;
};

} // namespace

bool RotaryMatcher::terms(const Element &element, bool negative, SmallVectorImpl<Term> &out) {
  Element e = g.source(element);
  Operation *op = g.op(e);
  if (out.size() > 2 || !op)
    return false;
  if (isa<arith::AddFOp, arith::SubFOp>(op))
    return terms(g.operand(e, 0), negative, out) &&
           terms(g.operand(e, 1), negative != isa<arith::SubFOp>(op), out);
  if (isa<arith::NegFOp>(op))
    return terms(g.operand(e, 0), !negative, out);
  if (!isa<arith::MulFOp>(op))
    return false;
  Term term{g.operand(e, 0), g.operand(e, 1), negative};
  for (Element *factor : {&term.a, &term.b})
    while (auto negated = g.negated(*factor)) {
      *factor = *negated;
      term.negative = !term.negative;
    }
  out.push_back(term);
  return true;
}

/// The tensor that holds both elements of a pair, at all channels.
std::optional<Element> RotaryMatcher::both(const Element &lo, const Element &hi, const Rotary &r) {
  SmallVector<Element> others = g.way(hi, /*throughCasts=*/true);
  for (Element e : g.way(lo, /*throughCasts=*/true))
    for (const Element &other : others) {
      if (!e.isTensor() || e.value != other.value)
        continue;
      int64_t channel = -1, differ = 0;
      for (auto [d, x] : llvm::enumerate(e.at)) {
        if (x != other.at[d])
          channel = d, ++differ;
        else if (x.isFunctionOfDim(r.pair))
          ++differ;
      }
      if (differ != 1 || channel < 0)
        continue;
      AffineExpr offset = g.simplify(e.at[channel] - place(r, false));
      if (!isa<AffineConstantExpr>(offset) ||
          offset != g.simplify(other.at[channel] - place(r, true)))
        continue;
      e.at[channel] = g.simplify(offset + g.variable(r.channel));
      return e;
    }
  return std::nullopt;
}

/// What a table per channel is read from, where that may be anything.
static std::string describeTable(const Element &e) {
  if (auto load = e.value.getDefiningOp<ml_program::GlobalLoadConstOp>()) {
    std::string symbol = load.getGlobalAttr().getRootReference().str();
    return ": weight @" + symbol +
           " is not known to hold every number twice (linnet-compile looks into --weights)";
  }
  if (e.value.getDefiningOp<arith::ConstantOp>())
    return ": the constant that they are read from does not hold every number twice";
  return isa<BlockArgument>(e.value) ? ": " + describeValue(e.value) + " may hold anything" : "";
}

bool RotaryMatcher::matchTerms(ArrayRef<Term> lo, ArrayRef<Term> hi, Rotary &r, std::string &why) {
  for (unsigned way = 0; way < 64; ++way) {
    auto bit = [&](unsigned i) { return (way >> i) & 1; };
    const Term &p = lo[bit(0)], &n = lo[1 - bit(0)], &u = hi[bit(1)], &v = hi[1 - bit(1)];
    Element first = p.factor(bit(2)), second = n.factor(bit(3));
    auto x = both(first, second, r); // before comparisons, which are long
    if (!x || !g.same(second, u.factor(bit(4))) || !g.same(first, v.factor(bit(5))))
      continue;
    if (p.negative || !n.negative || u.negative || v.negative) {
      why = "the signs are not those of a rotation";
      continue;
    }
    r.cos = p.factor(1 - bit(2));
    r.sin = n.factor(1 - bit(3));
    bool sameCos = g.same(r.cos, u.factor(1 - bit(4)));
    if (!sameCos || !g.same(r.sin, v.factor(1 - bit(5)))) {
      why = "the two channels of a pair are not known to have the same cosine and sine" +
            describeTable(g.source(sameCos ? r.sin : r.cos));
      continue;
    }
    r.x = *x;
    return true;
  }
  return false;
}

/// Channels behind those that are rotated must be those of x.
bool RotaryMatcher::keepsTheRest(const Rotary &r) {
  int64_t rest = g.extent(r.channel).size - r.rotated;
  if (rest == 0)
    return true;
  AffineExpr k = g.simplify(g.variable(g.addVariable(rest)) + r.rotated);
  return g.same(g.replace(r.root, r.channel, k), g.replace(r.x, r.channel, k));
}

std::optional<Rotary> RotaryMatcher::match(const Element &root, int64_t rotated,
                                           RotaryLayout layout, std::string &why) {
  auto channel = dyn_cast<AffineDimExpr>(root.at.back());
  if (!channel)
    return std::nullopt;
  Rotary r;
  r.root = root;
  r.channel = channel.getPosition();
  r.rotated = rotated;
  r.layout = layout;
  r.pair = g.addVariable(rotated / 2);
  SmallVector<Term> parts[2];
  for (bool second : {false, true})
    if (!terms(g.replace(root, r.channel, place(r, second)), false, parts[second]) ||
        parts[second].size() != 2)
      return std::nullopt;
  if (!matchTerms(parts[0], parts[1], r, why))
    return std::nullopt;
  if (keepsTheRest(r))
    return r;
  why = "the channels behind the rotated ones are not kept";
  return std::nullopt;
}

//===----------------------------------------------------------------------===//
// The op
//===----------------------------------------------------------------------===//

static Value makeRotary(OpBuilder &b, Location loc, Elements &g, const Rotary &r,
                        std::string &why) {
  OperandBuilder operands(b, loc, g);
  auto type = cast<RankedTensorType>(r.root.value.getType());
  Variables rows, others;
  SmallVector<Variables> dims;
  for (AffineExpr at : r.root.at) {
    auto d = dyn_cast<AffineDimExpr>(at);
    dims.push_back(d ? Variables{d.getPosition()} : Variables());
    if (!d || d.getPosition() == r.channel)
      continue;
    bool turns = g.dependsOn(r.cos, d.getPosition()) || g.dependsOn(r.sin, d.getPosition());
    (turns ? rows : others).push_back(d.getPosition());
  }
  if (rows.size() > 2) {
    why = "the tables change with more than batch and row";
    return {};
  }
  Variables batch;
  Variables &from = rows.size() == 2 ? rows : others;
  if (!from.empty()) {
    batch.push_back(from.front());
    from.erase(from.begin());
  }
  SmallVector<Variables> tableAxes = {rows, {r.pair}};
  if (from.begin() == rows.begin())
    tableAxes.insert(tableAxes.begin(), batch);
  SmallVector<Variables> axes = {batch, others, rows, {r.channel}};
  Value x = operands.getNearest(r.x, axes);
  Value cos = x ? operands.compute(r.cos, tableAxes) : Value();
  Value sin = cos ? operands.compute(r.sin, tableAxes) : Value();
  if (!sin) {
    why = x ? "the tables are no tensors over rows and pairs"
            : "what is rotated is read in an order that reshapes cannot give";
    return {};
  }
  if (cos.getType() != sin.getType()) {
    cos = operands.widened(cos, b.getF32Type());
    sin = operands.widened(sin, b.getF32Type());
  }
  auto element = cast<FloatType>(type.getElementType());
  bool wider = cast<FloatType>(getElementTypeOrSelf(x)).getWidth() > element.getWidth();
  if (!wider)
    x = operands.widened(x, element);
  auto narrow = [](Value v) { return v && getElementTypeOrSelf(v).getIntOrFloatBitWidth() <= 32; };
  if (!narrow(x) || !narrow(cos) || !narrow(sin)) {
    why = "an element type that the op does not have";
    return {};
  }
  Value y = RotaryOp::create(b, loc, x.getType(), x, cos, sin, Value(), Value(), Value(),
                             FloatAttr(), IntegerAttr(), r.layout);
  y = operands.back(y, axes, dims, type.clone(getElementTypeOrSelf(y)));
  return wider ? arith::TruncFOp::create(b, loc, type, y) : y;
}

Raised linnet::rewrites::raiseRotary(OpBuilder &b, Value result) {
  auto type = cast<RankedTensorType>(result.getType());
  Raised out;
  out.part = result;
  if (type.getRank() < 2 || type.isDynamicDim(type.getRank() - 1))
    return out;
  int64_t channels = type.getShape().back();
  SmallVector<int64_t> sizes = {channels};
  if (auto parts = result.getDefiningOp<tensor::ConcatOp>())
    sizes.push_back(cast<RankedTensorType>(parts.getInputs()[0].getType()).getShape().back());
  else if (auto rest = result.getDefiningOp<tensor::InsertSliceOp>())
    sizes.push_back(rest.getStaticOffsets().back());
  Elements g(b.getContext());
  Element root = g.all(result);
  for (int64_t rotated : sizes)
    for (RotaryLayout layout : {RotaryLayout::half, RotaryLayout::interleaved}) {
      if (rotated < 2 || rotated > channels || rotated % 2)
        continue;
      auto found = RotaryMatcher(g).match(root, rotated, layout, out.why);
      if (!found)
        continue;
      out.op = RotaryOp::getOperationName();
      out.value = makeRotary(b, result.getLoc(), g, *found, out.why);
      return out;
    }
  return out;
}
