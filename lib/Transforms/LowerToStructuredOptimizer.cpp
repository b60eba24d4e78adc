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
#include "linnet/IR/Formula.h"
#include "linnet/IR/LinnetOps.h"
#include "mlir/Dialect/Math/IR/Math.h"

using namespace mlir;
using namespace linnet;

namespace {

/// One parameter: f32 values in, f32 values out, in the order of the op's lists.
struct Update {
  Expr p, g;
  SmallVector<Expr> states;
};

/// What an op shares among its parameters.
class Coefficients {
public:
  explicit Coefficients(ImplicitLocOpBuilder &b) : b(b) {}

  /// base^step in f64.
  Expr power(double base, Value step) {
    auto type = RankedTensorType::get({}, b.getF64Type());
    Value constant = arith::ConstantOp::create(b, DenseElementsAttr::get(type, APFloat(base)));
    return {&b, math::FPowIOp::create(b, constant, step)};
  }
  Expr wide(Value rate) { return Expr{&b, rate}.as(b.getF64Type()); }
  /// Rounded, and kept apart from the updates of the parameters: these would be one kernel
  /// otherwise, by what they share.
  Value narrow(Expr t) {
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
  Expr wide = c.wide(rate);
  return c.narrow(wide.constant(1.0) - wide * decay);
}
static Expr decayed(Expr p, Value factor) { return factor ? p * p.spread(factor) : p; }
static Expr withDecay(Expr g, Expr p, double decay) { return decay == 0 ? g : g + p * decay; }

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
  Expr g = withDecay(u.g, u.p, op.getWeightDecay().convertToDouble());
  double momentum = op.getMomentum().convertToDouble();
  if (momentum != 0) {
    auto &b = *g.b;
    Expr &buffer = u.states[0];
    Expr next = buffer * momentum + g * (1 - op.getDampening().convertToDouble());
    Value like = g.type().hasStaticShape() ? Value() : g.value;
    Value everywhere = BroadcastOp::create(b, g.type().clone(b.getI1Type()), shared[0], like,
                                           ValueRange(), b.getDenseI64ArrayAttr({}));
    buffer = {&b, arith::SelectOp::create(b, everywhere, g.value, next.value)};
    g = op.getNesterov() ? g + buffer * momentum : buffer;
  }
  u.p = u.p - u.p.spread(op.getLr()) * g;
}

/// The size of the step and the correction of the variances.
template <typename Op> static Shared shareAdam(Op op, Coefficients &c) {
  Expr power1 = c.power(op.getBeta1().convertToDouble(), op.getStep());
  Expr power2 = c.power(op.getBeta2().convertToDouble(), op.getStep());
  Value stepSize = c.narrow(c.wide(op.getLr()) / (power1.constant(1.0) - power1));
  return {stepSize, c.narrow((power2.constant(1.0) - power2).sqrt())};
}

template <typename Op> static void adamStep(Op op, Update &u, Expr g, const Shared &shared) {
  Expr &m = u.states[0], &v = u.states[1];
  double beta1 = op.getBeta1().convertToDouble(), beta2 = op.getBeta2().convertToDouble();
  m = m + (g - m) * (1 - beta1);
  v = v * beta2 + g * g * (1 - beta2);
  Expr scale = v.sqrt() / v.spread(shared[1]) + op.getEps().convertToDouble();
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
static Expr sign(Expr x) {
  auto &b = *x.b;
  Expr zero = x.constant(0.0);
  Value isZero = arith::CmpFOp::create(b, arith::CmpFPredicate::OEQ, x.value, zero.value);
  Value isNan = arith::CmpFOp::create(b, arith::CmpFPredicate::UNO, x.value, x.value);
  Value one = math::CopySignOp::create(b, x.constant(1.0).value, x.value);
  Value nonzero = arith::SelectOp::create(b, isNan, x.value, one);
  return {&b, arith::SelectOp::create(b, isZero, zero.value, nonzero)};
}

static Shared share(LionOp op, Coefficients &c) {
  return {decayFactor(c, op.getLr(), op.getWeightDecay().convertToDouble())};
}
static void step(LionOp op, Update &u, const Shared &shared) {
  Expr &m = u.states[0], g = u.g;
  double beta1 = op.getBeta1().convertToDouble(), beta2 = op.getBeta2().convertToDouble();
  u.p = decayed(u.p, shared[0]);
  Expr direction = sign(m * beta1 + g * (1 - beta1));
  u.p = u.p - u.p.spread(op.getLr()) * direction;
  m = m * beta2 + g * (1 - beta2);
}

static Shared share(RmsPropOp, Coefficients &) { return {}; }
static void step(RmsPropOp op, Update &u, const Shared &) {
  Expr g = withDecay(u.g, u.p, op.getWeightDecay().convertToDouble());
  Expr &v = u.states[0];
  double alpha = op.getAlpha().convertToDouble();
  v = v * alpha + g * g * (1 - alpha);
  Expr d = g / (v.sqrt() + op.getEps().convertToDouble());
  if (u.states.size() > 1)
    d = u.states[1] = u.states[1] * op.getMomentum().convertToDouble() + d;
  u.p = u.p - u.p.spread(op.getLr()) * d;
}

static Shared share(AdagradOp op, Coefficients &c) {
  if (op.getLrDecay().isZero())
    return {op.getLr()};
  Expr wide = c.wide(op.getLr()), one = wide.constant(1.0);
  Expr count = {&c.b, arith::SIToFPOp::create(c.b, wide.type(), op.getStep())};
  Expr decay = wide.constant(op.getLrDecay().convertToDouble());
  return {c.narrow(wide / (one + (count - one) * decay))};
}
static void step(AdagradOp op, Update &u, const Shared &shared) {
  Expr g = withDecay(u.g, u.p, op.getWeightDecay().convertToDouble());
  Expr &sum = u.states[0];
  sum = sum + g * g;
  Expr scale = sum.sqrt() + op.getEps().convertToDouble();
  u.p = u.p - u.p.spread(shared[0]) * (g / scale);
}

//===----------------------------------------------------------------------===//
// Patterns
//===----------------------------------------------------------------------===//

namespace {

template <typename Op> struct OptimizerToStructured : OpRewritePattern<Op> {
  using OpRewritePattern<Op>::OpRewritePattern;

  /// Kept apart from what makes it: the end of a contraction could not update in place.
  static Expr gradient(ImplicitLocOpBuilder &b, Value grad) {
    Value apart = BarrierOp::create(b, grad.getType(), grad, Value());
    return Expr{&b, apart}.as(b.getF32Type());
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
      Expr param = {&b, op.getParams()[i]};
      Update u = {
          hasMasters ? Expr{&b, op.getMasters()[i]} : param, gradient(b, op.getGrads()[i]), {}};
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
    Expr t = {&b, arith::SIToFPOp::create(b, type, op.getStep())};
    Expr growth = t.constant(1.0) + t / t.constant(op.getOffset().convertToDouble());
    Expr power = {&b, math::PowFOp::create(b, growth.value,
                                           t.constant(-op.getPower().convertToDouble()).value)};
    Expr rate = t.constant(op.getBase().convertToDouble()) * power;
    rewriter.replaceOp(op, rate.as(b.getF32Type()).value);
    return success();
  }
};

struct ClipToStructured : OpRewritePattern<ClipByGlobalNormOp> {
  using OpRewritePattern::OpRewritePattern;

  LogicalResult matchAndRewrite(ClipByGlobalNormOp op, PatternRewriter &rewriter) const override {
    ImplicitLocOpBuilder b(op.getLoc(), rewriter);
    auto scalar = RankedTensorType::get({}, b.getF32Type());
    Expr total = {&b, arith::ConstantOp::create(b, DenseElementsAttr::get(scalar, 0.0f))};
    for (Value grad : op.getGrads()) {
      Expr g = Expr{&b, grad}.as(b.getF32Type());
      auto axes = llvm::to_vector(llvm::seq<int64_t>(0, g.type().getRank()));
      Expr squares = g * g;
      if (!axes.empty())
        squares = {&b, ReduceOp::create(b, ReduceKind::sum, squares.value, axes, false)};
      total = total + squares;
    }
    Expr norm = total.sqrt();
    Expr factor = Expr{&b, op.getMaxNorm()} / (norm + 1e-6);
    factor = {&b, arith::MinimumFOp::create(b, factor, norm.constant(1.0))};
    SmallVector<Value> results;
    for (Value grad : op.getGrads()) {
      Expr g = Expr{&b, grad}.as(b.getF32Type());
      Expr clipped = g * g.spread(factor.value);
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
