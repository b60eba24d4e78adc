//===- FloatPatterns.cpp - float arithmetic with one meaning ----------------===//
//
// Part of Linnet, under Apache-2.0 WITH LLVM-exception. See LICENSE.
//
// bf16 and f16 are storage: arithmetic extends to f32 and rounds the result. Every conversion
// rounds once, to nearest even, in integer arithmetic, so that no CPU and no library decides.
//
//===----------------------------------------------------------------------===//
#include "LoweringPatterns.h"
#include "mlir/Dialect/Arith/IR/Arith.h"
#include "mlir/Dialect/Math/IR/Math.h"
#include "mlir/IR/ImplicitLocOpBuilder.h"
#include "mlir/IR/TypeUtilities.h"

using namespace mlir;

namespace {

Type withElement(Type like, Type element) {
  if (auto shaped = dyn_cast<ShapedType>(like))
    return shaped.clone(element);
  return element;
}

bool isHalf(Type t) { return isa<BFloat16Type, Float16Type>(getElementTypeOrSelf(t)); }

/// Builder of elementwise expansions on scalars and vectors alike.
struct Expander : ImplicitLocOpBuilder {
  Expander(Operation *op, PatternRewriter &rewriter)
      : ImplicitLocOpBuilder(op->getLoc(), rewriter) {}

  Type intLike(Type like, unsigned bits) { return withElement(like, getIntegerType(bits)); }
  Value constant(Type type, int64_t v) {
    auto element = cast<IntegerType>(getElementTypeOrSelf(type));
    return splat(type, getIntegerAttr(element, v));
  }
  Value fconstant(Type type, double v) {
    return splat(type, getFloatAttr(getElementTypeOrSelf(type), v));
  }
  Value splat(Type type, TypedAttr element) {
    if (auto shaped = dyn_cast<ShapedType>(type))
      return arith::ConstantOp::create(*this, SplatElementsAttr::get(shaped, Attribute(element)));
    return arith::ConstantOp::create(*this, element);
  }
  template <typename Op> Value make(Value a, Value b) { return Op::create(*this, a, b); }
  Value bits(Value f) {
    unsigned width = getElementTypeOrSelf(f.getType()).getIntOrFloatBitWidth();
    return arith::BitcastOp::create(*this, intLike(f.getType(), width), f);
  }
  Value select(Value c, Value a, Value b) { return arith::SelectOp::create(*this, c, a, b); }
  Value cmpf(arith::CmpFPredicate p, Value a, Value b) {
    return arith::CmpFOp::create(*this, p, a, b);
  }

  /// bf16 to f32: the upper half of the bits.
  Value extendBF16(Value x) {
    Type i32 = intLike(x.getType(), 32);
    Value wide = arith::ExtUIOp::create(*this, i32, bits(x));
    return arith::BitcastOp::create(*this, withElement(x.getType(), getF32Type()),
                                    make<arith::ShLIOp>(wide, constant(i32, 16)));
  }
  /// f32 to bf16, to nearest even; NaNs stay quiet NaNs.
  Value roundBF16(Value x) {
    Type i32 = intLike(x.getType(), 32);
    Value c16 = constant(i32, 16), b = bits(x);
    Value upper = make<arith::ShRUIOp>(b, c16);
    Value odd = make<arith::AndIOp>(upper, constant(i32, 1));
    Value bias = make<arith::AddIOp>(odd, constant(i32, 0x7fff));
    Value rounded = make<arith::ShRUIOp>(make<arith::AddIOp>(b, bias), c16);
    Value quiet = make<arith::OrIOp>(upper, constant(i32, 0x40));
    Value r = select(cmpf(arith::CmpFPredicate::UNO, x, x), quiet, rounded);
    r = arith::TruncIOp::create(*this, intLike(x.getType(), 16), r);
    return arith::BitcastOp::create(*this, withElement(x.getType(), getBF16Type()), r);
  }
  /// f64 to f32, inexact results to the odd neighbour: a second rounding is then harmless.
  Value roundToOdd(Value d) {
    Type f32 = withElement(d.getType(), getF32Type()), i32 = intLike(d.getType(), 32);
    Value f = arith::TruncFOp::create(*this, f32, d);
    Value back = arith::ExtFOp::create(*this, d.getType(), f);
    Value away = cmpf(arith::CmpFPredicate::OGT, math::AbsFOp::create(*this, back),
                      math::AbsFOp::create(*this, d));
    Value b = bits(f), one = constant(i32, 1);
    Value odd = make<arith::OrIOp>(select(away, make<arith::SubIOp>(b, one), b), one);
    Value r = select(cmpf(arith::CmpFPredicate::ONE, back, d), odd, b);
    return arith::BitcastOp::create(*this, f32, r);
  }
  /// i64 to an integer that f64 holds: the bits below its precision become one sticky bit.
  Value stickyI64(Value x, bool isSigned) {
    Type t = x.getType();
    Value low = make<arith::AndIOp>(x, constant(t, 0xfff));
    Value upper = make<arith::SubIOp>(x, low);
    Value any = arith::CmpIOp::create(*this, arith::CmpIPredicate::ne, low, constant(t, 0));
    Value sticky = make<arith::OrIOp>(upper, select(any, constant(t, 0x1000 >> 1), constant(t, 0)));
    Value size = isSigned ? Value(math::AbsIOp::create(*this, x)) : x;
    Value large = arith::CmpIOp::create(*this, arith::CmpIPredicate::uge, size,
                                        constant(t, int64_t(1) << 53));
    return select(large, sticky, x);
  }
};

/// Arithmetic on bf16 and f16: extend, compute in f32, round.
struct ComputeInF32 : RewritePattern {
  explicit ComputeInF32(MLIRContext *ctx)
      : RewritePattern(MatchAnyOpTypeTag(), /*benefit=*/1, ctx) {}
  LogicalResult matchAndRewrite(Operation *op, PatternRewriter &rewriter) const override {
    if (!isa<arith::ArithDialect, math::MathDialect>(op->getDialect()) ||
        isa<arith::ConstantOp, arith::SelectOp, arith::BitcastOp, arith::ExtFOp, arith::TruncFOp,
            arith::SIToFPOp, arith::UIToFPOp>(op))
      return failure();
    if (llvm::none_of(op->getOperandTypes(), isHalf) && llvm::none_of(op->getResultTypes(), isHalf))
      return failure();
    Type f32 = rewriter.getF32Type();
    SmallVector<Value> operands;
    for (Value v : op->getOperands())
      operands.push_back(isHalf(v.getType())
                             ? Value(arith::ExtFOp::create(rewriter, op->getLoc(),
                                                           withElement(v.getType(), f32), v))
                             : v);
    OperationState state(op->getLoc(), op->getName(), operands, {}, op->getAttrs());
    for (Type t : op->getResultTypes())
      state.addTypes(isHalf(t) ? withElement(t, f32) : t);
    Operation *wide = rewriter.create(state);
    SmallVector<Value> results;
    for (auto [r, t] : llvm::zip(wide->getResults(), op->getResultTypes()))
      results.push_back(isHalf(t) ? Value(arith::TruncFOp::create(rewriter, op->getLoc(), t, r))
                                  : Value(r));
    rewriter.replaceOp(op, results);
    return success();
  }
};

struct ExpandExtF : OpRewritePattern<arith::ExtFOp> {
  using OpRewritePattern::OpRewritePattern;
  LogicalResult matchAndRewrite(arith::ExtFOp op, PatternRewriter &rewriter) const override {
    Type from = getElementTypeOrSelf(op.getIn().getType());
    Type to = getElementTypeOrSelf(op.getType());
    if (!isHalf(from) || (from.isF16() && to.isF32()))
      return failure();
    Expander e(op, rewriter);
    Type f32 = withElement(op.getType(), e.getF32Type());
    Value r =
        from.isBF16() ? e.extendBF16(op.getIn()) : Value(arith::ExtFOp::create(e, f32, op.getIn()));
    if (!to.isF32())
      r = arith::ExtFOp::create(e, op.getType(), r);
    rewriter.replaceOp(op, r);
    return success();
  }
};

struct ExpandTruncF : OpRewritePattern<arith::TruncFOp> {
  using OpRewritePattern::OpRewritePattern;
  LogicalResult matchAndRewrite(arith::TruncFOp op, PatternRewriter &rewriter) const override {
    Type from = getElementTypeOrSelf(op.getIn().getType());
    Type to = getElementTypeOrSelf(op.getType());
    if (!isHalf(to) || (from.isF32() && to.isF16()))
      return failure();
    Expander e(op, rewriter);
    Value x = from.isF64() ? e.roundToOdd(op.getIn()) : op.getIn();
    rewriter.replaceOp(op, to.isBF16() ? e.roundBF16(x)
                                       : Value(arith::TruncFOp::create(e, op.getType(), x)));
    return success();
  }
};

/// Integers to bf16 and f16 with one rounding: through a float that holds them, or one rounded
/// to odd.
template <typename Op> struct ExpandIntToHalf : OpRewritePattern<Op> {
  using OpRewritePattern<Op>::OpRewritePattern;
  LogicalResult matchAndRewrite(Op op, PatternRewriter &rewriter) const override {
    if (!isHalf(op.getType()))
      return failure();
    Expander e(op, rewriter);
    unsigned width = getElementTypeOrSelf(op.getIn().getType()).getIntOrFloatBitWidth();
    Value x = op.getIn();
    if (width > 32)
      x = e.stickyI64(x, std::is_same_v<Op, arith::SIToFPOp>);
    Type wide = width <= 16 ? Type(e.getF32Type()) : Type(e.getF64Type());
    Value f = Op::create(e, withElement(op.getType(), wide), x);
    rewriter.replaceOpWithNewOp<arith::TruncFOp>(op, op.getType(), f);
    return success();
  }
};

/// llvm.maxnum picks either zero; maximumf orders them.
template <typename From, typename To> struct ExpandMaxNum : OpRewritePattern<From> {
  using OpRewritePattern<From>::OpRewritePattern;
  LogicalResult matchAndRewrite(From op, PatternRewriter &rewriter) const override {
    Expander e(op, rewriter);
    Value x = op.getLhs(), y = op.getRhs();
    Value r = To::create(e, x, y);
    r = e.select(e.cmpf(arith::CmpFPredicate::UNO, y, y), x, r);
    rewriter.replaceOp(op, e.select(e.cmpf(arith::CmpFPredicate::UNO, x, x), y, r));
    return success();
  }
};

struct ExpandClamp : OpRewritePattern<math::ClampFOp> {
  using OpRewritePattern::OpRewritePattern;
  LogicalResult matchAndRewrite(math::ClampFOp op, PatternRewriter &rewriter) const override {
    Value low = arith::MaximumFOp::create(rewriter, op.getLoc(), op.getValue(), op.getMin());
    rewriter.replaceOpWithNewOp<arith::MinimumFOp>(op, low, op.getMax());
    return success();
  }
};

/// Half away from zero.
struct ExpandRound : OpRewritePattern<math::RoundOp> {
  using OpRewritePattern::OpRewritePattern;
  LogicalResult matchAndRewrite(math::RoundOp op, PatternRewriter &rewriter) const override {
    if (isHalf(op.getType()))
      return failure();
    Expander e(op, rewriter);
    Value x = op.getOperand(), t = math::TruncOp::create(e, x);
    Value rest = math::AbsFOp::create(e, Value(arith::SubFOp::create(e, x, t)));
    Value far = e.cmpf(arith::CmpFPredicate::OGE, rest, e.fconstant(op.getType(), 0.5));
    Value one = math::CopySignOp::create(e, e.fconstant(op.getType(), 1.0), x);
    Value step = e.select(far, one, e.fconstant(op.getType(), 0.0));
    Value r = arith::AddFOp::create(e, t, step);
    rewriter.replaceOpWithNewOp<math::CopySignOp>(op, r, x);
    return success();
  }
};

} // namespace

void linnet::codegen::populateFloatPatterns(RewritePatternSet &patterns) {
  patterns.add<ComputeInF32, ExpandExtF, ExpandTruncF, ExpandIntToHalf<arith::SIToFPOp>,
               ExpandIntToHalf<arith::UIToFPOp>, ExpandClamp, ExpandRound>(patterns.getContext());
  patterns.add<ExpandMaxNum<arith::MaxNumFOp, arith::MaximumFOp>,
               ExpandMaxNum<arith::MinNumFOp, arith::MinimumFOp>>(patterns.getContext());
}
