//===- LoopsValue.cpp - values of lanes, and where they lie in memory -------===//
//
// Part of Linnet, under Apache-2.0 WITH LLVM-exception. See LICENSE.
//
//===----------------------------------------------------------------------===//
#include "LoopsEvaluator.h"
#include "mlir/Dialect/Arith/IR/Arith.h"
#include "mlir/Dialect/Vector/IR/VectorOps.h"

using namespace mlir;
using namespace linnet::codegen;

/// Index constants are made anew at every use.
static bool sameValue(Value a, Value b) {
  if (a == b)
    return true;
  auto x = CodeBuilder::constantOf(a), y = CodeBuilder::constantOf(b);
  return x && y && *x == *y && a.getType() == b.getType();
}

bool Lane::operator==(const Lane &o) const {
  return step == o.step && isVector == o.isVector && sameValue(v, o.v);
}

static Value iota(CodeBuilder &e, Type element, int64_t n, int64_t step) {
  auto type = e.vec(element, n);
  SmallVector<Attribute> values;
  for (int64_t i = 0; i < n; ++i)
    values.push_back(e.getIntegerAttr(element, i * step));
  return arith::ConstantOp::create(e, DenseElementsAttr::get(type, values));
}

Value LoopsEvaluator::vector(const Lane &a, int64_t n) {
  if (a.isVector || n == 0)
    return a.v;
  Value all = e.splat(a.v, n);
  if (a.step == 0)
    return all;
  return arith::AddIOp::create(e, all, iota(e, a.v.getType(), n, a.step));
}

Lane LoopsEvaluator::addIndex(const Lane &a, const Lane &b, int64_t n) {
  if (!a.isVector && !b.isVector)
    return {e.add(a.v, b.v), a.step + b.step, false};
  if (a.isUniform() && CodeBuilder::constantOf(a.v) == 0)
    return b;
  if (b.isUniform() && CodeBuilder::constantOf(b.v) == 0)
    return a;
  return {arith::AddIOp::create(e, vector(a, n), vector(b, n)), 0, true};
}

Lane LoopsEvaluator::mulIndex(const Lane &a, Value b, int64_t n) {
  auto k = CodeBuilder::constantOf(b);
  if (k && *k == 0)
    return {e.index(0)};
  if (a.isUniform() || (!a.isVector && k))
    return {e.mul(a.v, b), a.step * k.value_or(0), false};
  if (k && *k == 1)
    return a;
  return {arith::MulIOp::create(e, vector(a, n), e.splat(b, n)), 0, true};
}

//===----------------------------------------------------------------------===//
// Affine maps
//===----------------------------------------------------------------------===//

static Value divide(CodeBuilder &e, AffineExprKind kind, Value a, Value b) {
  if (kind == AffineExprKind::Mod)
    return arith::RemUIOp::create(e, a, b);
  if (kind == AffineExprKind::CeilDiv) {
    Value one = e.iconst(b.getType(), 1);
    a = arith::AddIOp::create(e, a, Value(arith::SubIOp::create(e, b, one)));
  }
  return arith::DivUIOp::create(e, a, b);
}

Lane LoopsEvaluator::evaluate(AffineExpr expr, ArrayRef<Lane> dims, int64_t n) {
  if (auto dim = dyn_cast<AffineDimExpr>(expr))
    return dims[dim.getPosition()];
  if (auto constant = dyn_cast<AffineConstantExpr>(expr))
    return {e.index(constant.getValue())};
  auto binary = cast<AffineBinaryOpExpr>(expr);
  Lane a = evaluate(binary.getLHS(), dims, n), b = evaluate(binary.getRHS(), dims, n);
  switch (expr.getKind()) {
  case AffineExprKind::Add:
    return addIndex(a, b, n);
  case AffineExprKind::Mul:
    return b.isUniform() ? mulIndex(a, b.v, n) : mulIndex(b, a.v, n);
  default:
    if (a.isUniform() && b.isUniform())
      return {divide(e, expr.getKind(), a.v, b.v)};
    return {divide(e, expr.getKind(), vector(a, n), vector(b, n)), 0, true};
  }
}

Lanes LoopsEvaluator::evaluate(AffineMap map, ArrayRef<Lane> dims, int64_t n) {
  Lanes out;
  for (AffineExpr expr : map.getResults())
    out.push_back(evaluate(expr, dims, n));
  return out;
}

//===----------------------------------------------------------------------===//
// Conditions
//===----------------------------------------------------------------------===//

Lane LoopsEvaluator::inRange(const Lane &i, Value size, int64_t n) {
  if (i.isUniform()) {
    auto k = CodeBuilder::constantOf(i.v), s = CodeBuilder::constantOf(size);
    if (k && s)
      return {e.boolean(*k >= 0 && *k < *s)};
    return {arith::CmpIOp::create(e, arith::CmpIPredicate::ult, i.v, size)};
  }
  return {arith::CmpIOp::create(e, arith::CmpIPredicate::ult, vector(i, n), e.splat(size, n)), 0,
          true};
}

Lane LoopsEvaluator::both(const Lane &a, const Lane &b, int64_t n) {
  if (a.isUniform() && b.isUniform())
    return {e.both(a.v, b.v)};
  for (auto [x, y] : {std::pair(a, b), std::pair(b, a)})
    if (x.isUniform() && CodeBuilder::constantOf(x.v).value_or(0))
      return y;
  return {arith::AndIOp::create(e, vector(a, n), vector(b, n)), 0, true};
}

Scope LoopsEvaluator::restrict(const Scope &s, const Lane &condition) {
  Scope out = s;
  if (condition.isUniform()) {
    if (!CodeBuilder::constantOf(condition.v).value_or(0))
      out.guard = s.guard ? e.both(s.guard, condition.v) : condition.v;
    return out;
  }
  out.mask = s.mask ? Value(arith::AndIOp::create(e, s.mask, condition.v)) : condition.v;
  return out;
}

Value LoopsEvaluator::effectiveMask(const Scope &s) {
  if (!s.guard)
    return s.mask;
  Value all = e.splat(s.guard, s.n);
  return s.mask ? Value(arith::AndIOp::create(e, s.mask, all)) : all;
}

//===----------------------------------------------------------------------===//
// Memory
//===----------------------------------------------------------------------===//

Lane LoopsEvaluator::position(const View &view, ArrayRef<Lane> coords, int64_t n) {
  Lane at{view.offset};
  for (auto [c, stride] : llvm::zip_equal(coords, view.strides))
    at = addIndex(at, mulIndex(c, stride, n), n);
  return at;
}

Lane LoopsEvaluator::load(const View &view, ArrayRef<Lane> coords, const Scope &s) {
  Lane at = position(view, coords, s.n);
  beforeLoad(view, coords, at, s);
  return loadAt(view, at, s);
}

static Type storedElement(const View &v) {
  return cast<MemRefType>(v.memory.getType()).getElementType();
}

static Type like(Value x, Type element) {
  auto vector = dyn_cast<VectorType>(x.getType());
  return vector ? Type(vector.clone(element)) : element;
}

/// i1 lies in memory as i8, index as i64; in scratch that is words, everything as the low bits of
/// one.
static Value fromStorage(CodeBuilder &e, Value x, Type element) {
  Type type = element;
  if (auto vector = dyn_cast<VectorType>(x.getType()))
    type = vector.clone(element);
  if (getElementTypeOrSelf(x.getType()).isF32() && !element.isF32()) {
    unsigned width = element.getIntOrFloatBitWidth();
    Value bits = arith::BitcastOp::create(e, like(x, e.getI32Type()), x);
    if (width < 32)
      bits = arith::TruncIOp::create(e, like(x, e.getIntegerType(width)), bits);
    return isa<FloatType>(element) ? Value(arith::BitcastOp::create(e, type, bits)) : bits;
  }
  if (element.isInteger(1))
    return arith::CmpIOp::create(e, arith::CmpIPredicate::ne, x, e.zero(x.getType()));
  if (element.isIndex())
    return arith::IndexCastOp::create(e, type, x);
  return x;
}

static Value toStorage(CodeBuilder &e, Value x, Type stored) {
  Type type = stored, element = getElementTypeOrSelf(x.getType());
  if (auto vector = dyn_cast<VectorType>(x.getType()))
    type = vector.clone(stored);
  if (stored.isF32() && !element.isF32()) {
    unsigned width = element.getIntOrFloatBitWidth();
    Type own = like(x, e.getIntegerType(width));
    Value bits = isa<FloatType>(element) ? Value(arith::BitcastOp::create(e, own, x)) : x;
    if (width < 32)
      bits = arith::ExtUIOp::create(e, like(x, e.getI32Type()), bits);
    return arith::BitcastOp::create(e, type, bits);
  }
  if (element.isInteger(1))
    return arith::ExtUIOp::create(e, type, x);
  if (element.isIndex())
    return arith::IndexCastOp::create(e, type, x);
  return x;
}

Lane LoopsEvaluator::loadAt(const View &view, const Lane &at, const Scope &s) {
  Type stored = storedElement(view);
  if (at.isUniform()) {
    Value x =
        s.guard ? e.ifElse(
                      s.guard, TypeRange{stored}, [&] { return Values{e.load(view.memory, at.v)}; },
                      [&] { return Values{e.zero(stored)}; })[0]
                : e.load(view.memory, at.v);
    return {fromStorage(e, x, view.element)};
  }
  Value mask = effectiveMask(s);
  if (!at.isVector && at.step == 1)
    return {fromStorage(e, loadVector(view, at.v, s.n, mask), view.element), 0, true};
  auto type = e.vec(stored, s.n);
  if (!mask)
    mask = e.mask(e.index(s.n), s.n);
  // From the first lane's position on, so that a slow CPU adds small numbers only.
  Value base = at.isVector ? e.index(0) : at.v;
  Value indices = at.isVector ? at.v : iota(e, e.getIndexType(), s.n, at.step);
  Value x =
      vector::GatherOp::create(e, type, view.memory, ValueRange{base}, indices, mask, e.zero(type));
  return {fromStorage(e, x, view.element), 0, true};
}

void LoopsEvaluator::store(const Lane &x, const View &view, ArrayRef<Lane> coords, const Scope &s) {
  Lane at = position(view, coords, s.n);
  Type stored = storedElement(view);
  if (s.n == 0 || (at.isUniform() && x.isUniform())) {
    e.store(toStorage(e, x.v, stored), view.memory, at.v);
    return;
  }
  Value value = toStorage(e, vector(x, s.n), stored);
  Value mask = effectiveMask(s);
  if (!at.isVector && at.step == 1)
    return storeVector(value, view, at.v, mask);
  if (!mask)
    mask = e.mask(e.index(s.n), s.n);
  Value base = at.isVector ? e.index(0) : at.v;
  Value indices = at.isVector ? at.v : iota(e, e.getIndexType(), s.n, at.step);
  vector::ScatterOp::create(e, Type(), view.memory, ValueRange{base}, indices, mask, value);
}

void LoopsEvaluator::write(const PendingStore &p) {
  for (const View &view : places.find(p.tensor)->second)
    store(p.value, view, p.coords, p.scope);
}

void LoopsEvaluator::flush() {
  for (const PendingStore &p : pending)
    write(p);
  pending.clear();
}
