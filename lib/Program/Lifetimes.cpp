//===- Lifetimes.cpp - when arena buffers are live, and how large ---------===//
//
// Part of Linnet, under Apache-2.0 WITH LLVM-exception. See LICENSE.
//
//===----------------------------------------------------------------------===//
#include "linnet/Program/Lifetimes.h"
#include "linnet/IR/LinnetDialect.h"
#include "mlir/Dialect/Arith/IR/Arith.h"
#include "mlir/Dialect/Tensor/IR/Tensor.h"
#include "llvm/ADT/TypeSwitch.h"
#include "llvm/Support/MathExtras.h"

using namespace mlir;
using namespace linnet;

Lifetime linnet::getLifetime(exec::RefOp ref) {
  Lifetime life;
  SmallVector<Value> work = {ref.getBuffer()};
  while (!work.empty()) {
    for (Operation *user : work.pop_back_val().getUsers()) {
      if (auto view = dyn_cast<exec::ViewOp>(user)) {
        work.push_back(view.getBuffer());
        continue;
      }
      Operation *op = ref->getBlock()->findAncestorOpInBlock(*user);
      if (!life.first || op->isBeforeInBlock(life.first))
        life.first = op;
      if (!life.last || life.last->isBeforeInBlock(op))
        life.last = op;
    }
  }
  return life;
}

//===----------------------------------------------------------------------===//
// Sizes
//===----------------------------------------------------------------------===//

using SizeRange = SizeBounds::Range;
static constexpr int64_t unbounded = SizeBounds::unbounded;
static constexpr int64_t lowest = INT64_MIN;

static int64_t saturate(int64_t v, bool overflow, bool negative) {
  return overflow ? (negative ? lowest : unbounded) : v;
}

static int64_t plus(int64_t a, int64_t b) {
  if (a == unbounded || b == unbounded)
    return unbounded;
  if (a == lowest || b == lowest)
    return lowest;
  int64_t r;
  bool overflow = llvm::AddOverflow(a, b, r);
  return saturate(r, overflow, a < 0);
}

static int64_t times(int64_t a, int64_t b) {
  if (a == 0 || b == 0)
    return 0;
  int64_t r;
  bool infinite =
      llvm::is_contained({unbounded, lowest}, a) || llvm::is_contained({unbounded, lowest}, b);
  bool overflow = llvm::MulOverflow(a, b, r);
  return saturate(r, overflow || infinite, (a < 0) != (b < 0));
}

static SizeRange hull(std::initializer_list<int64_t> ends) {
  return {std::min(ends), std::max(ends)};
}

static SizeRange multiply(SizeRange a, SizeRange b) {
  return hull({times(a.lo, b.lo), times(a.lo, b.hi), times(a.hi, b.lo), times(a.hi, b.hi)});
}

/// Quotients by positive divisors; anything else is unknown.
static SizeRange divide(SizeRange a, SizeRange b, int64_t (*op)(int64_t, int64_t)) {
  if (b.lo <= 0)
    return {lowest, unbounded};
  auto quotient = [&](int64_t x, int64_t y) {
    return x == unbounded || x == lowest ? x : op(x, y);
  };
  return hull(
      {quotient(a.lo, b.lo), quotient(a.lo, b.hi), quotient(a.hi, b.lo), quotient(a.hi, b.hi)});
}

static SizeRange rest(SizeRange a, SizeRange b) {
  if (a.lo < 0 || b.lo <= 0)
    return {lowest, unbounded};
  return {0, std::min(a.hi, b.hi == unbounded ? unbounded : b.hi - 1)};
}

/// 1 where it holds for all values, 0 where for none.
static SizeRange compare(arith::CmpIPredicate predicate, SizeRange a, SizeRange b) {
  auto decide = [](bool always, bool never) -> SizeRange {
    return {always ? 1 : 0, never ? 0 : 1};
  };
  switch (predicate) {
  case arith::CmpIPredicate::slt:
    return decide(a.hi < b.lo, a.lo >= b.hi);
  case arith::CmpIPredicate::sle:
    return decide(a.hi <= b.lo, a.lo > b.hi);
  case arith::CmpIPredicate::sgt:
    return decide(a.lo > b.hi, a.hi <= b.lo);
  case arith::CmpIPredicate::sge:
    return decide(a.lo >= b.hi, a.hi < b.lo);
  case arith::CmpIPredicate::eq:
    return decide(a.lo == a.hi && b.lo == b.hi && a.lo == b.lo, a.hi < b.lo || b.hi < a.lo);
  default:
    return {0, 1};
  }
}

/// What `linnet.symbols` says of one symbol.
static SizeRange rangeOf(DictionaryAttr symbol) {
  SizeRange range;
  if (auto min = symbol ? symbol.getAs<IntegerAttr>("min") : IntegerAttr())
    range.lo = min.getInt();
  if (auto max = symbol ? symbol.getAs<IntegerAttr>("max") : IntegerAttr();
      max && max.getInt() >= 0)
    range.hi = max.getInt();
  return range;
}

SizeBounds::SizeBounds(exec::ProgramOp program) {
  for (auto [arg, attr] : llvm::zip(program.getBody().getArguments(), program.getSymbols()))
    known[arg] = rangeOf(cast<DictionaryAttr>(attr));
}

SizeBounds::SizeBounds(func::FuncOp func) {
  auto symbols = func->getAttrOfType<DictionaryAttr>(kSymbolsAttr);
  for (BlockArgument arg : func.getArguments()) {
    auto names = func.getArgAttrOfType<ArrayAttr>(arg.getArgNumber(), kDimsAttr);
    auto type = dyn_cast<RankedTensorType>(arg.getType());
    for (int64_t d = 0; names && symbols && type && d < type.getRank(); ++d)
      if (auto name = dyn_cast<StringAttr>(names[d]))
        dims[{arg, d}] = rangeOf(symbols.getAs<DictionaryAttr>(name.getValue()));
  }
}

SizeBounds::Range SizeBounds::of(Value v) {
  auto it = known.find(v);
  if (it != known.end())
    return it->second;
  Operation *def = v.getDefiningOp();
  SizeRange range = def ? compute(def) : SizeRange{lowest, unbounded};
  known[v] = range;
  return range;
}

SizeBounds::Range SizeBounds::ofDim(tensor::DimOp op) const {
  std::optional<int64_t> d = op.getConstantIndex();
  auto type = dyn_cast<RankedTensorType>(op.getSource().getType());
  if (d && type && !type.isDynamicDim(*d))
    return {type.getDimSize(*d), type.getDimSize(*d)};
  auto it = d ? dims.find({op.getSource(), *d}) : dims.end();
  return it == dims.end() ? SizeRange{} : it->second;
}

SizeBounds::Range SizeBounds::compute(Operation *op) {
  auto operand = [&](unsigned i) { return of(op->getOperand(i)); };
  auto quotient = [&](int64_t (*f)(int64_t, int64_t)) { return divide(operand(0), operand(1), f); };
  return llvm::TypeSwitch<Operation *, SizeRange>(op)
      .Case([&](arith::ConstantOp c) -> SizeRange {
        auto value = dyn_cast<IntegerAttr>(c.getValue());
        return value ? SizeRange{value.getInt(), value.getInt()} : SizeRange{lowest, unbounded};
      })
      .Case([&](arith::AddIOp) -> SizeRange {
        SizeRange a = operand(0), b = operand(1);
        return {plus(a.lo, b.lo), plus(a.hi, b.hi)};
      })
      .Case([&](arith::SubIOp) -> SizeRange {
        SizeRange a = operand(0), b = operand(1);
        int64_t lo = b.hi == unbounded ? lowest : -b.hi, hi = b.lo == lowest ? unbounded : -b.lo;
        return {plus(a.lo, lo), plus(a.hi, hi)};
      })
      .Case([&](arith::MulIOp) { return multiply(operand(0), operand(1)); })
      .Case<arith::DivSIOp, arith::DivUIOp>(
          [&](auto) { return quotient([](int64_t a, int64_t b) { return a / b; }); })
      .Case([&](arith::FloorDivSIOp) { return quotient(llvm::divideFloorSigned); })
      .Case<arith::CeilDivSIOp, arith::CeilDivUIOp>([&](auto) {
        return quotient([](int64_t a, int64_t b) { return llvm::divideCeilSigned(a, b); });
      })
      .Case<arith::MinSIOp, arith::MinUIOp>([&](auto) -> SizeRange {
        SizeRange a = operand(0), b = operand(1);
        return {std::min(a.lo, b.lo), std::min(a.hi, b.hi)};
      })
      .Case<arith::MaxSIOp, arith::MaxUIOp>([&](auto) -> SizeRange {
        SizeRange a = operand(0), b = operand(1);
        return {std::max(a.lo, b.lo), std::max(a.hi, b.hi)};
      })
      .Case<arith::RemSIOp, arith::RemUIOp>([&](auto) { return rest(operand(0), operand(1)); })
      .Case([&](arith::SelectOp) -> SizeRange {
        SizeRange c = operand(0), a = operand(1), b = operand(2);
        if (c.lo == c.hi)
          return c.lo == 0 ? b : a;
        return {std::min(a.lo, b.lo), std::max(a.hi, b.hi)};
      })
      .Case<arith::IndexCastOp, arith::ExtSIOp>([&](auto) { return operand(0); })
      .Case([&](tensor::DimOp dim) { return ofDim(dim); })
      .Case([&](affine::AffineApplyOp apply) {
        return evaluate(apply.getAffineMap().getResult(0), apply);
      })
      .Case([&](arith::CmpIOp cmp) { return compare(cmp.getPredicate(), operand(0), operand(1)); })
      .Default([](Operation *) -> SizeRange { return {lowest, unbounded}; });
}

SizeBounds::Range SizeBounds::evaluate(AffineExpr expr, affine::AffineApplyOp op) {
  if (auto constant = dyn_cast<AffineConstantExpr>(expr))
    return {constant.getValue(), constant.getValue()};
  if (auto dim = dyn_cast<AffineDimExpr>(expr))
    return of(op.getMapOperands()[dim.getPosition()]);
  if (auto symbol = dyn_cast<AffineSymbolExpr>(expr))
    return of(op.getMapOperands()[op.getAffineMap().getNumDims() + symbol.getPosition()]);
  auto binary = cast<AffineBinaryOpExpr>(expr);
  SizeRange a = evaluate(binary.getLHS(), op), b = evaluate(binary.getRHS(), op);
  switch (expr.getKind()) {
  case AffineExprKind::Add:
    return {plus(a.lo, b.lo), plus(a.hi, b.hi)};
  case AffineExprKind::Mul:
    return multiply(a, b);
  case AffineExprKind::FloorDiv:
    return divide(a, b, llvm::divideFloorSigned);
  case AffineExprKind::CeilDiv:
    return divide(a, b,
                  [](int64_t x, int64_t y) -> int64_t { return llvm::divideCeilSigned(x, y); });
  default: // Mod is not negative
    return {0, b.hi == unbounded ? unbounded : b.hi - 1};
  }
}

int64_t SizeBounds::maximum(Value v) {
  int64_t hi = of(v).hi;
  return hi == unbounded ? -1 : std::max<int64_t>(hi, 0);
}
