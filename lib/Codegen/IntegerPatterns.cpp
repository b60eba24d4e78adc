//===- IntegerPatterns.cpp - divisions that never trap ----------------------===//
//
// Part of Linnet, under Apache-2.0 WITH LLVM-exception. See LICENSE.
//
//===----------------------------------------------------------------------===//
#include "LoweringPatterns.h"
#include "mlir/Dialect/Arith/IR/Arith.h"
#include "mlir/IR/ImplicitLocOpBuilder.h"
#include "mlir/IR/Matchers.h"
#include "mlir/IR/TypeUtilities.h"

using namespace mlir;

namespace {

Value integer(ImplicitLocOpBuilder &b, Type type, const APInt &v) {
  if (auto shaped = dyn_cast<ShapedType>(type))
    return arith::ConstantOp::create(b, DenseElementsAttr::get(shaped, v));
  return arith::ConstantOp::create(b, b.getIntegerAttr(type, v));
}

/// Division by zero gives what division by one gives, and so does the one signed quotient that
/// overflows: padding lanes and bad input must not stop the process.
template <typename Op, bool isSigned> struct GuardDivision : OpRewritePattern<Op> {
  using OpRewritePattern<Op>::OpRewritePattern;
  LogicalResult matchAndRewrite(Op op, PatternRewriter &rewriter) const override {
    auto element = dyn_cast<IntegerType>(getElementTypeOrSelf(op.getType()));
    APInt known;
    if (!element || op->hasAttr(kGuarded) || matchPattern(op.getRhs(), m_ConstantInt(&known)))
      return failure();
    ImplicitLocOpBuilder b(op.getLoc(), rewriter);
    unsigned width = element.getWidth();
    Type type = op.getType();
    Value x = op.getLhs(), y = op.getRhs(), one = integer(b, type, APInt(width, 1));
    Value bad = arith::CmpIOp::create(b, arith::CmpIPredicate::eq, y,
                                      integer(b, type, APInt::getZero(width)));
    if (isSigned) {
      Value low = arith::CmpIOp::create(b, arith::CmpIPredicate::eq, x,
                                        integer(b, type, APInt::getSignedMinValue(width)));
      Value minus = arith::CmpIOp::create(b, arith::CmpIPredicate::eq, y,
                                          integer(b, type, APInt::getAllOnes(width)));
      bad = arith::OrIOp::create(b, bad, Value(arith::AndIOp::create(b, low, minus)));
    }
    auto safe = Op::create(b, x, Value(arith::SelectOp::create(b, bad, one, y)));
    safe->setAttr(kGuarded, b.getUnitAttr());
    rewriter.replaceOp(op, safe);
    return success();
  }
  static constexpr StringLiteral kGuarded = "linnet.guarded";
};

} // namespace

void linnet::codegen::populateIntegerPatterns(RewritePatternSet &patterns) {
  patterns.add<GuardDivision<arith::DivSIOp, true>, GuardDivision<arith::RemSIOp, true>,
               GuardDivision<arith::DivUIOp, false>, GuardDivision<arith::RemUIOp, false>>(
      patterns.getContext());
}
