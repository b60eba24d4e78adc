//===- LoopsReduction.cpp - what a reduction starts from and combines by ----===//
//
// Part of Linnet, under Apache-2.0 WITH LLVM-exception. See LICENSE.
//
//===----------------------------------------------------------------------===//
#include "LoopsEvaluator.h"
#include "mlir/Dialect/Arith/IR/Arith.h"
#include "mlir/Dialect/Math/IR/Math.h"

using namespace mlir;
using namespace linnet::codegen;

TypedAttr linnet::codegen::identityOf(Operation *combiner, Type type) {
  Builder b(combiner->getContext());
  if (auto t = dyn_cast<FloatType>(type)) {
    auto inf = [&](bool negative) {
      return b.getFloatAttr(t, APFloat::getInf(t.getFloatSemantics(), negative));
    };
    if (isa<arith::MulFOp>(combiner))
      return b.getFloatAttr(t, 1.0);
    if (isa<arith::MaximumFOp, arith::MaxNumFOp>(combiner))
      return inf(true);
    if (isa<arith::MinimumFOp, arith::MinNumFOp>(combiner))
      return inf(false);
    return b.getFloatAttr(t, -0.0);
  }
  unsigned bits = type.isIndex() ? 64 : type.getIntOrFloatBitWidth();
  APInt v = APInt::getZero(bits);
  if (isa<arith::MulIOp>(combiner))
    v = APInt(bits, 1);
  if (isa<arith::MaxSIOp>(combiner))
    v = APInt::getSignedMinValue(bits);
  if (isa<arith::MinSIOp>(combiner))
    v = APInt::getSignedMaxValue(bits);
  if (isa<arith::MinUIOp, arith::AndIOp>(combiner))
    v = APInt::getAllOnes(bits);
  return b.getIntegerAttr(type, v);
}

Value linnet::codegen::combine(CodeBuilder &e, Operation *combiner, Value a, Value b) {
  if (isa<math::FmaOp>(combiner))
    return e.addf(a, b);
  OperationState state(combiner->getLoc(), combiner->getName(), ValueRange{a, b}, {a.getType()});
  return e.create(state)->getResult(0);
}

/// The better of two running (value, index) pairs. The region is asked with index 1 for one and
/// 0 for the other; where it takes either or neither, the values are equal, and the order of the
/// indices decides.
Values LoopsEvaluator::chooseArg(linalg::LinalgOp op, ValueRange a, ValueRange b, int64_t n) {
  OpLoops loops(op);
  auto takes = [&](Value x, Value running) -> Value {
    llvm::DenseMap<Value, Lane> map;
    Type indexType = getElementTypeOrSelf(op->getResult(1).getType());
    map[op.getBlock()->getArgument(0)] = {x, 0, n != 0};
    map[op.getRegionOutputArgs()[0]] = {running, 0, n != 0};
    map[op.getRegionOutputArgs()[1]] = {e.iconst(indexType, 0)};
    Lanes at(loops.rank(), Lane{e.index(1)});
    auto r = evaluateBlock(*op.getBlock(), map, at, {n, {}, {}});
    if (failed(r))
      return failedInside = true, e.zero(n ? Type(e.vec(e.getI1Type(), n)) : e.getI1Type());
    Value chosen = vector((*r)[1], n);
    return arith::CmpIOp::create(e, arith::CmpIPredicate::eq, chosen,
                                 e.iconst(chosen.getType(), 1));
  };
  auto compare = [&](arith::CmpIPredicate p, Value x, Value y) -> Value {
    return arith::CmpIOp::create(e, p, x, y);
  };
  Value overA = takes(b[0], a[0]), overB = takes(a[0], b[0]);
  Value tie = compare(arith::CmpIPredicate::eq, overA, overB);
  Value later = compare(arith::CmpIPredicate::sgt, b[1], a[1]);
  Value sooner = compare(arith::CmpIPredicate::slt, b[1], a[1]);
  Value useB = e.select(tie, e.select(overA, later, sooner), overA);
  return {e.select(useB, b[0], a[0]), e.select(useB, b[1], a[1])};
}
