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

//===----------------------------------------------------------------------===//
// A value and its index
//===----------------------------------------------------------------------===//

namespace {
/// A reduction that keeps the element of the region that meets a condition, and its coordinate.
struct ArgReduction {
  Value element; ///< what the region computes of its inputs and may keep
  Operation *extremum =
      nullptr;           ///< the maximum or minimum that keeps it; none where it is a select
  arith::SelectOp index; ///< of the coordinate and the running one
  llvm::SmallPtrSet<Operation *, 8>
      condition; ///< the ops that find it from element and running value
};
} // namespace

/// Whether a value is the coordinate along a reduced loop.
static bool isReducedIndex(Value v, const OpLoops &loops) {
  while (auto cast = v.getDefiningOp<arith::IndexCastOp>())
    v = cast.getIn();
  auto index = v.getDefiningOp<linalg::IndexOp>();
  return index && loops.reduction[index.getDim()];
}

/// What an op of the region, a select or a maximum, has beside the running value.
static Value besideRunning(Operation *op, Value running) {
  if (!isa_and_nonnull<arith::SelectOp, arith::MaximumFOp, arith::MinimumFOp, arith::MaxNumFOp,
                       arith::MinNumFOp, arith::MaxSIOp, arith::MinSIOp, arith::MaxUIOp,
                       arith::MinUIOp>(op))
    return nullptr;
  ValueRange choices = op->getOperands().take_back(2);
  if ((choices[0] == running) == (choices[1] == running))
    return nullptr;
  return choices[choices[0] == running];
}

/// Collects the ops between the condition and what it compares. Running values stand for elements
/// when lanes meet, so it may ask for nothing else that depends on the position.
static bool findCondition(linalg::LinalgOp op, ArgReduction &arg) {
  Block *block = op.getBlock();
  SmallVector<Value> work = {arg.index.getCondition()};
  while (!work.empty()) {
    Value v = work.pop_back_val();
    if (v == arg.element || v == op.getRegionOutputArgs()[0])
      continue;
    if (v.getParentBlock() != block)
      continue; // of outside: the same everywhere
    Operation *def = v.getDefiningOp();
    if (!def || isa<linalg::IndexOp, tensor::ExtractOp>(def))
      return false;
    if (arg.condition.insert(def).second)
      work.append(def->operand_begin(), def->operand_end());
  }
  return true;
}

/// Whether a condition of the region is that the element is larger than the running value, or
/// smaller, as the maximum or minimum that is kept has it.
static bool hasDirectionOf(ArgReduction &arg, Value running, bool takesTrue) {
  using F = arith::CmpFPredicate;
  using I = arith::CmpIPredicate;
  Operation *cmp = arg.index.getCondition().getDefiningOp();
  bool larger;
  if (auto cmpf = dyn_cast_or_null<arith::CmpFOp>(cmp)) {
    F p = cmpf.getPredicate();
    larger = llvm::is_contained({F::OGT, F::OGE, F::UGT, F::UGE}, p);
    if (!larger && !llvm::is_contained({F::OLT, F::OLE, F::ULT, F::ULE}, p))
      return false;
  } else if (auto cmpi = dyn_cast_or_null<arith::CmpIOp>(cmp)) {
    I p = cmpi.getPredicate();
    bool isSigned = isa<arith::MaxSIOp, arith::MinSIOp>(arg.extremum);
    larger = llvm::is_contained({isSigned ? I::sgt : I::ugt, isSigned ? I::sge : I::uge}, p);
    if (!larger && !llvm::is_contained({isSigned ? I::slt : I::ult, isSigned ? I::sle : I::ule}, p))
      return false;
  } else {
    return false;
  }
  bool swapped = cmp->getOperand(0) == running;
  if (cmp->getOperand(swapped) != arg.element || cmp->getOperand(!swapped) != running)
    return false;
  bool isMax =
      isa<arith::MaximumFOp, arith::MaxNumFOp, arith::MaxSIOp, arith::MaxUIOp>(arg.extremum);
  return (larger != swapped) == (isMax == takesTrue);
}

static std::optional<ArgReduction> matchArgReduction(Operation *op) {
  OpLoops loops(op);
  if (op->getNumResults() != 2 || llvm::count(loops.reduction, true) != 1)
    return std::nullopt;
  auto linalgOp = cast<linalg::LinalgOp>(op);
  Operation *yield = linalgOp.getBlock()->getTerminator();
  auto running = linalgOp.getRegionOutputArgs();
  ArgReduction arg;
  Operation *value = yield->getOperand(0).getDefiningOp();
  arg.element = besideRunning(value, running[0]);
  arg.index = yield->getOperand(1).getDefiningOp<arith::SelectOp>();
  Value position = besideRunning(arg.index, running[1]);
  if (!arg.element || !position || !isReducedIndex(position, loops) ||
      !findCondition(linalgOp, arg))
    return std::nullopt;
  bool takesTrue = arg.index.getFalseValue() == running[1];
  auto select = dyn_cast<arith::SelectOp>(value);
  if (!select)
    arg.extremum = value;
  bool together = select ? select.getCondition() == arg.index.getCondition() &&
                               (select.getFalseValue() == running[0]) == takesTrue
                         : hasDirectionOf(arg, running[0], takesTrue);
  if (!together)
    return std::nullopt;
  return arg;
}

bool linnet::codegen::isArgReduction(Operation *op) { return matchArgReduction(op).has_value(); }

/// The better of two running (value, index) pairs. The condition is asked for one over the other
/// and the other way round; where it takes either or neither, the values are equal, and the order
/// of the indices decides. A maximum is one of NaN too, whatever the condition says of it.
Values LoopsEvaluator::chooseArg(linalg::LinalgOp op, ValueRange a, ValueRange b, int64_t n) {
  ArgReduction arg = *matchArgReduction(op);
  bool takesTrue = arg.index.getFalseValue() == op.getRegionOutputArgs()[1];
  auto takes = [&](Value x, Value running) -> Value {
    llvm::DenseMap<Value, Lane> map;
    map[arg.element] = {x, 0, n != 0};
    map[op.getRegionOutputArgs()[0]] = {running, 0, n != 0};
    for (Operation &inner : *op.getBlock()) {
      if (!arg.condition.contains(&inner))
        continue;
      if (isa<tensor::DimOp, arith::ConstantOp>(inner))
        map[inner.getResult(0)] = {f.scalar(inner.getResult(0))};
      else if (failed(evaluateElementwise(inner, map, {n, {}, {}})))
        return failedInside = true, e.zero(n ? Type(e.vec(e.getI1Type(), n)) : e.getI1Type());
    }
    Value holds = vector(lookup(arg.index.getCondition(), map), n);
    Value no = e.zero(holds.getType());
    return takesTrue ? holds : arith::CmpIOp::create(e, arith::CmpIPredicate::eq, holds, no);
  };
  auto compare = [&](arith::CmpIPredicate p, Value x, Value y) -> Value {
    return arith::CmpIOp::create(e, p, x, y);
  };
  Value overA = takes(b[0], a[0]), overB = takes(a[0], b[0]);
  Value tie = compare(arith::CmpIPredicate::eq, overA, overB);
  Value later = compare(arith::CmpIPredicate::sgt, b[1], a[1]);
  Value sooner = compare(arith::CmpIPredicate::slt, b[1], a[1]);
  Value useB = e.select(tie, e.select(overA, later, sooner), overA);
  Value value = arg.extremum ? combine(e, arg.extremum, a[0], b[0]) : e.select(useB, b[0], a[0]);
  return {value, e.select(useB, b[1], a[1])};
}
