//===- LowerToStructuredOptimizer.cpp - optimizers as arithmetic ----------===//
//
// Part of Linnet, under Apache-2.0 WITH LLVM-exception. See LICENSE.
//
// Each parameter's update is elementwise arithmetic on tensors that dispatch formation fuses to
// one kernel, which writes parameter and states in place. Coefficients that depend on the step are
// tensors of rank 0, computed in f64.
//
//===----------------------------------------------------------------------===//
#include "LowerToStructured.h"
#include "linnet/IR/LinnetOps.h"
#include "mlir/Dialect/Math/IR/Math.h"

using namespace mlir;
using namespace linnet;

namespace {

/// Elementwise arithmetic that reads like a formula.
struct Term {
  ImplicitLocOpBuilder *b;
  Value value;

  template <typename Op> Term with(Term o) const { return {b, Op::create(*b, value, o.value)}; }
  Term operator+(Term o) const { return with<arith::AddFOp>(o); }
  Term operator-(Term o) const { return with<arith::SubFOp>(o); }
  Term operator*(Term o) const { return with<arith::MulFOp>(o); }
  Term operator/(Term o) const { return with<arith::DivFOp>(o); }
  RankedTensorType type() const { return mlir::cast<RankedTensorType>(value.getType()); }
  Term sqrt() const { return {b, math::SqrtOp::create(*b, value)}; }

  /// A number of this type and shape; rounded to f32 once.
  Term number(double c) const {
    if (type().hasStaticShape()) {
      auto attr = b->getFloatAttr(type().getElementType(), c);
      return {b, arith::ConstantOp::create(*b, DenseElementsAttr::get(type(), attr.getValue()))};
    }
    Value scalar = arith::ConstantOp::create(*b, b->getFloatAttr(type().getElementType(), c));
    return spread(scalar);
  }
  /// A scalar or a tensor of rank 0, repeated to this shape.
  Term spread(Value scalar) const {
    Value like = type().hasStaticShape() ? Value() : value;
    auto dims =
        isa<RankedTensorType>(scalar.getType()) ? b->getDenseI64ArrayAttr({}) : DenseI64ArrayAttr();
    return {b, BroadcastOp::create(*b, type(), scalar, like, ValueRange(), dims)};
  }
  Term as(Type element) const {
    if (type().getElementType() == element)
      return *this;
    auto to = type().clone(element);
    if (type().getElementTypeBitWidth() < element.getIntOrFloatBitWidth())
      return {b, arith::ExtFOp::create(*b, to, value)};
    return {b, arith::TruncFOp::create(*b, to, value)};
  }
};

/// One parameter: f32 values in, f32 values out, in the order of the op's lists.
struct Update {
  Term p, g;
  SmallVector<Term> states;
};

/// What an op shares among its parameters.
class Coefficients {
public:
  explicit Coefficients(ImplicitLocOpBuilder &b) : b(b) {}

  /// base^step in f64.
  Term power(double base, Value step) {
    auto type = RankedTensorType::get({}, b.getF64Type());
    Value constant = arith::ConstantOp::create(b, DenseElementsAttr::get(type, APFloat(base)));
    return {&b, math::FPowIOp::create(b, constant, step)};
  }
  Term wide(Value rate) { return Term{&b, rate}.as(b.getF64Type()); }
  /// Rounded, and kept apart from the updates of the parameters: these would be one kernel
  /// otherwise, by what they share.
  Value narrow(Term t) {
    Value rounded = t.as(b.getF32Type()).value;
    return BarrierOp::create(b, rounded.getType(), rounded, Value());
  }

  ImplicitLocOpBuilder &b;
};

} // namespace

/// What decoupled weight decay multiplies parameters by; null for none.
static Value decayFactor(Coefficients &c, Value rate, double decay) {
  if (decay == 0)
    return {};
  Term wide = c.wide(rate);
  return c.narrow(wide.number(1.0) - wide * wide.number(decay));
}
static Term decayed(Term p, Value factor) { return factor ? p * p.spread(factor) : p; }
static Term withDecay(Term g, Term p, double decay) {
  return decay == 0 ? g : g + p * p.number(decay);
}

//===----------------------------------------------------------------------===//
// The optimizers
//===----------------------------------------------------------------------===//

/// Values of rank 0 that the updates of all parameters share.
using Shared = SmallVector<Value, 3>;

static Shared share(SgdOp op, Coefficients &c) {
  if (!op.getStep())
    return {};
  auto type = cast<RankedTensorType>(op.getStep().getType());
  Value one = arith::ConstantOp::create(c.b, DenseElementsAttr::get(type, APInt(64, 1)));
  return {arith::CmpIOp::create(c.b, arith::CmpIPredicate::eq, op.getStep(), one)};
}

static void step(SgdOp op, Update &u, const Shared &shared) {
  Term g = withDecay(u.g, u.p, op.getWeightDecay().convertToDouble());
  double momentum = op.getMomentum().convertToDouble();
  if (momentum != 0) {
    auto &b = *g.b;
    Term &buffer = u.states[0];
    Term next = buffer * g.number(momentum) + g * g.number(1 - op.getDampening().convertToDouble());
    Value like = g.type().hasStaticShape() ? Value() : g.value;
    Value everywhere = BroadcastOp::create(b, g.type().clone(b.getI1Type()), shared[0], like,
                                           ValueRange(), b.getDenseI64ArrayAttr({}));
    buffer = {&b, arith::SelectOp::create(b, everywhere, g.value, next.value)};
    g = op.getNesterov() ? g + buffer * g.number(momentum) : buffer;
  }
  u.p = u.p - u.p.spread(op.getLr()) * g;
}

/// The size of the step and the correction of the variances.
template <typename Op> static Shared shareAdam(Op op, Coefficients &c) {
  Term power1 = c.power(op.getBeta1().convertToDouble(), op.getStep());
  Term power2 = c.power(op.getBeta2().convertToDouble(), op.getStep());
  Value stepSize = c.narrow(c.wide(op.getLr()) / (power1.number(1.0) - power1));
  return {stepSize, c.narrow((power2.number(1.0) - power2).sqrt())};
}

template <typename Op> static void adamStep(Op op, Update &u, Term g, const Shared &shared) {
  Term &m = u.states[0], &v = u.states[1];
  double beta1 = op.getBeta1().convertToDouble(), beta2 = op.getBeta2().convertToDouble();
  m = m + (g - m) * g.number(1 - beta1);
  v = v * g.number(beta2) + g * g * g.number(1 - beta2);
  Term scale = v.sqrt() / v.spread(shared[1]) + v.number(op.getEps().convertToDouble());
  u.p = u.p - u.p.spread(shared[0]) * (m / scale);
}

static Shared share(AdamOp op, Coefficients &c) { return shareAdam(op, c); }
static void step(AdamOp op, Update &u, const Shared &shared) {
  adamStep(op, u, withDecay(u.g, u.p, op.getWeightDecay().convertToDouble()), shared);
}

static Shared share(AdamWOp op, Coefficients &c) {
  Shared shared = shareAdam(op, c);
  shared.push_back(decayFactor(c, op.getLr(), op.getWeightDecay().convertToDouble()));
  return shared;
}
static void step(AdamWOp op, Update &u, const Shared &shared) {
  u.p = decayed(u.p, shared[2]);
  adamStep(op, u, u.g, shared);
}

/// -1, 0 or 1; NaN stays.
static Term sign(Term x) {
  auto &b = *x.b;
  Term zero = x.number(0.0);
  Value isZero = arith::CmpFOp::create(b, arith::CmpFPredicate::OEQ, x.value, zero.value);
  Value isNan = arith::CmpFOp::create(b, arith::CmpFPredicate::UNO, x.value, x.value);
  Value one = math::CopySignOp::create(b, x.number(1.0).value, x.value);
  Value nonzero = arith::SelectOp::create(b, isNan, x.value, one);
  return {&b, arith::SelectOp::create(b, isZero, zero.value, nonzero)};
}

static Shared share(LionOp op, Coefficients &c) {
  return {decayFactor(c, op.getLr(), op.getWeightDecay().convertToDouble())};
}
static void step(LionOp op, Update &u, const Shared &shared) {
  Term &m = u.states[0], g = u.g;
  double beta1 = op.getBeta1().convertToDouble(), beta2 = op.getBeta2().convertToDouble();
  u.p = decayed(u.p, shared[0]);
  Term direction = sign(m * g.number(beta1) + g * g.number(1 - beta1));
  u.p = u.p - u.p.spread(op.getLr()) * direction;
  m = m * g.number(beta2) + g * g.number(1 - beta2);
}

static Shared share(RmsPropOp, Coefficients &) { return {}; }
static void step(RmsPropOp op, Update &u, const Shared &) {
  Term g = withDecay(u.g, u.p, op.getWeightDecay().convertToDouble());
  Term &v = u.states[0];
  double alpha = op.getAlpha().convertToDouble();
  v = v * g.number(alpha) + g * g * g.number(1 - alpha);
  Term d = g / (v.sqrt() + v.number(op.getEps().convertToDouble()));
  if (u.states.size() > 1)
    d = u.states[1] = u.states[1] * g.number(op.getMomentum().convertToDouble()) + d;
  u.p = u.p - u.p.spread(op.getLr()) * d;
}

static Shared share(AdagradOp op, Coefficients &c) {
  if (op.getLrDecay().isZero())
    return {op.getLr()};
  Term wide = c.wide(op.getLr()), one = wide.number(1.0);
  Term count = {&c.b, arith::SIToFPOp::create(c.b, wide.type(), op.getStep())};
  Term decay = wide.number(op.getLrDecay().convertToDouble());
  return {c.narrow(wide / (one + (count - one) * decay))};
}
static void step(AdagradOp op, Update &u, const Shared &shared) {
  Term g = withDecay(u.g, u.p, op.getWeightDecay().convertToDouble());
  Term &sum = u.states[0];
  sum = sum + g * g;
  Term scale = sum.sqrt() + sum.number(op.getEps().convertToDouble());
  u.p = u.p - u.p.spread(shared[0]) * (g / scale);
}

//===----------------------------------------------------------------------===//
// Patterns
//===----------------------------------------------------------------------===//

namespace {

template <typename Op> struct OptimizerToStructured : OpRewritePattern<Op> {
  using OpRewritePattern<Op>::OpRewritePattern;

  /// Kept apart from what makes it: the end of a contraction could not update in place.
  static Term gradient(ImplicitLocOpBuilder &b, Value grad) {
    Value apart = BarrierOp::create(b, grad.getType(), grad, Value());
    return Term{&b, apart}.as(b.getF32Type());
  }

  LogicalResult matchAndRewrite(Op op, PatternRewriter &rewriter) const override {
    ImplicitLocOpBuilder b(op.getLoc(), rewriter);
    SmallVector<ValueRange> lists = op.getUpdatedLists();
    bool hasMasters = !op.getMasters().empty();
    size_t states = lists.size() - 1 - hasMasters, count = op.getParams().size();
    SmallVector<Value> results(op->getNumResults());
    Coefficients coefficients(b);
    Shared shared = share(op, coefficients);
    for (size_t i = 0; i < count; ++i) {
      Term param = {&b, op.getParams()[i]};
      Update u = {
          hasMasters ? Term{&b, op.getMasters()[i]} : param, gradient(b, op.getGrads()[i]), {}};
      for (size_t k = 0; k < states; ++k)
        u.states.push_back({&b, lists[1 + k][i]});
      step(op, u, shared);
      results[i] = u.p.as(param.type().getElementType()).value;
      for (size_t k = 0; k < states; ++k)
        results[(1 + k) * count + i] = u.states[k].value;
      if (hasMasters)
        results[(1 + states) * count + i] = u.p.value;
    }
    rewriter.replaceOp(op, results);
    return success();
  }
};

struct RobbinsMonroToStructured : OpRewritePattern<RobbinsMonroOp> {
  using OpRewritePattern::OpRewritePattern;

  LogicalResult matchAndRewrite(RobbinsMonroOp op, PatternRewriter &rewriter) const override {
    ImplicitLocOpBuilder b(op.getLoc(), rewriter);
    auto type = RankedTensorType::get({}, b.getF64Type());
    Term t = {&b, arith::SIToFPOp::create(b, type, op.getStep())};
    Term growth = t.number(1.0) + t / t.number(op.getOffset().convertToDouble());
    Term power = {&b, math::PowFOp::create(b, growth.value,
                                           t.number(-op.getPower().convertToDouble()).value)};
    Term rate = t.number(op.getBase().convertToDouble()) * power;
    rewriter.replaceOp(op, rate.as(b.getF32Type()).value);
    return success();
  }
};

struct ClipToStructured : OpRewritePattern<ClipByGlobalNormOp> {
  using OpRewritePattern::OpRewritePattern;

  LogicalResult matchAndRewrite(ClipByGlobalNormOp op, PatternRewriter &rewriter) const override {
    ImplicitLocOpBuilder b(op.getLoc(), rewriter);
    auto scalar = RankedTensorType::get({}, b.getF32Type());
    Term total = {&b, arith::ConstantOp::create(b, DenseElementsAttr::get(scalar, 0.0f))};
    for (Value grad : op.getGrads()) {
      Term g = Term{&b, grad}.as(b.getF32Type());
      auto axes = llvm::to_vector(llvm::seq<int64_t>(0, g.type().getRank()));
      Term squares = g * g;
      if (!axes.empty())
        squares = {&b, ReduceOp::create(b, ReduceKind::sum, squares.value, axes, false)};
      total = total + squares;
    }
    Term norm = total.sqrt();
    Term factor = Term{&b, op.getMaxNorm()} / (norm + norm.number(1e-6));
    factor = factor.with<arith::MinimumFOp>(norm.number(1.0));
    SmallVector<Value> results;
    for (Value grad : op.getGrads()) {
      Term g = Term{&b, grad}.as(b.getF32Type());
      Term clipped = g * g.spread(factor.value);
      results.push_back(clipped.as(getElementTypeOrSelf(grad.getType())).value);
    }
    results.push_back(norm.value);
    rewriter.replaceOp(op, results);
    return success();
  }
};

} // namespace

void linnet::populateOptimizerToStructuredPatterns(RewritePatternSet &patterns) {
  patterns.add<OptimizerToStructured<SgdOp>, OptimizerToStructured<AdamOp>,
               OptimizerToStructured<AdamWOp>, OptimizerToStructured<LionOp>,
               OptimizerToStructured<RmsPropOp>, OptimizerToStructured<AdagradOp>,
               RobbinsMonroToStructured, ClipToStructured>(patterns.getContext());
}
