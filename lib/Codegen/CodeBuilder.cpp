//===- CodeBuilder.cpp - what kernel emitters of all targets share ---------===//
//
// Part of Linnet, under Apache-2.0 WITH LLVM-exception. See LICENSE.
//
//===----------------------------------------------------------------------===//
#include "linnet/Codegen/CodeBuilder.h"
#include "LoweringPatterns.h"
#include "linnet/IR/LinnetDialect.h"
#include "mlir/Dialect/Arith/IR/Arith.h"
#include "mlir/Dialect/Math/IR/Math.h"
#include "mlir/Dialect/MemRef/IR/MemRef.h"
#include "mlir/Dialect/SCF/IR/SCF.h"
#include "mlir/Dialect/Utils/StaticValueUtils.h"
#include "mlir/Dialect/Vector/IR/VectorOps.h"

using namespace mlir;
using namespace linnet::codegen;

CodeBuilder::~CodeBuilder() = default;

//===----------------------------------------------------------------------===//
// Index arithmetic
//===----------------------------------------------------------------------===//

Value CodeBuilder::index(int64_t v) { return arith::ConstantIndexOp::create(*this, v); }

std::optional<int64_t> CodeBuilder::constantOf(Value v) { return getConstantIntValue(v); }

Value CodeBuilder::add(Value a, Value b) {
  auto x = constantOf(a), y = constantOf(b);
  if (x && y)
    return index(*x + *y);
  if (x && *x == 0)
    return b;
  if (y && *y == 0)
    return a;
  return arith::AddIOp::create(*this, a, b);
}

Value CodeBuilder::sub(Value a, Value b) {
  auto x = constantOf(a), y = constantOf(b);
  if (x && y)
    return index(*x - *y);
  if (y && *y == 0)
    return a;
  return arith::SubIOp::create(*this, a, b);
}

Value CodeBuilder::mul(Value a, Value b) {
  auto x = constantOf(a), y = constantOf(b);
  if (x && y)
    return index(*x * *y);
  if ((x && *x == 0) || (y && *y == 0))
    return index(0);
  if (x && *x == 1)
    return b;
  if (y && *y == 1)
    return a;
  return arith::MulIOp::create(*this, a, b);
}

Value CodeBuilder::div(Value a, Value b) {
  auto x = constantOf(a), y = constantOf(b);
  if (x && y && *y)
    return index(*x / *y);
  if (y && *y == 1)
    return a;
  return arith::DivUIOp::create(*this, a, b);
}

Value CodeBuilder::rem(Value a, Value b) {
  auto x = constantOf(a), y = constantOf(b);
  if (x && y && *y)
    return index(*x % *y);
  if (y && *y == 1)
    return index(0);
  return arith::RemUIOp::create(*this, a, b);
}

Value CodeBuilder::ceilDiv(Value a, Value b) {
  auto x = constantOf(a), y = constantOf(b);
  if (x && y && *y)
    return index((*x + *y - 1) / *y);
  if (y && *y == 1)
    return a;
  return div(sub(add(a, b), index(1)), b);
}

Value CodeBuilder::min(Value a, Value b) {
  auto x = constantOf(a), y = constantOf(b);
  if (x && y)
    return index(std::min(*x, *y));
  return a == b ? a : Value(arith::MinSIOp::create(*this, a, b));
}

Value CodeBuilder::max(Value a, Value b) {
  auto x = constantOf(a), y = constantOf(b);
  if (x && y)
    return index(std::max(*x, *y));
  return a == b ? a : Value(arith::MaxSIOp::create(*this, a, b));
}

static Value compare(CodeBuilder &e, arith::CmpIPredicate p, Value a, Value b,
                     bool (*f)(int64_t, int64_t)) {
  auto x = CodeBuilder::constantOf(a), y = CodeBuilder::constantOf(b);
  if (x && y)
    return e.boolean(f(*x, *y));
  return arith::CmpIOp::create(e, p, a, b);
}

Value CodeBuilder::lt(Value a, Value b) {
  return compare(*this, arith::CmpIPredicate::slt, a, b,
                 [](int64_t x, int64_t y) { return x < y; });
}
Value CodeBuilder::le(Value a, Value b) {
  return compare(*this, arith::CmpIPredicate::sle, a, b,
                 [](int64_t x, int64_t y) { return x <= y; });
}
Value CodeBuilder::eq(Value a, Value b) {
  return compare(*this, arith::CmpIPredicate::eq, a, b,
                 [](int64_t x, int64_t y) { return x == y; });
}

Value CodeBuilder::both(Value a, Value b) {
  auto x = constantOf(a), y = constantOf(b);
  if (x)
    return *x ? b : a;
  if (y)
    return *y ? a : b;
  return arith::AndIOp::create(*this, a, b);
}

Value CodeBuilder::either(Value a, Value b) {
  auto x = constantOf(a), y = constantOf(b);
  if (x)
    return *x ? a : b;
  if (y)
    return *y ? b : a;
  return arith::OrIOp::create(*this, a, b);
}

Value CodeBuilder::boolean(bool v) { return arith::ConstantIntOp::create(*this, v, 1); }

Value CodeBuilder::select(Value c, Value a, Value b) {
  if (auto k = constantOf(c))
    return *k ? a : b;
  return arith::SelectOp::create(*this, c, a, b);
}

Value CodeBuilder::toIndex(Value i) {
  if (i.getType().isIndex())
    return i;
  if (auto k = constantOf(i))
    return index(*k);
  return arith::IndexCastOp::create(*this, getIndexType(), i);
}

Value CodeBuilder::toInt(Value i, Type t) {
  if (i.getType() == t)
    return i;
  if (i.getType().isIndex())
    return arith::IndexCastOp::create(*this, t, i);
  if (i.getType().getIntOrFloatBitWidth() > t.getIntOrFloatBitWidth())
    return arith::TruncIOp::create(*this, t, i);
  return arith::ExtSIOp::create(*this, t, i);
}

//===----------------------------------------------------------------------===//
// Floats
//===----------------------------------------------------------------------===//

Value CodeBuilder::fconst(Type type, double v) {
  auto element = cast<FloatType>(getElementTypeOrSelf(type));
  bool lossy;
  llvm::APFloat value(v);
  value.convert(element.getFloatSemantics(), llvm::APFloat::rmNearestTiesToEven, &lossy);
  TypedAttr attr = FloatAttr::get(element, value);
  if (auto vector = dyn_cast<VectorType>(type))
    attr = DenseElementsAttr::get(vector, Attribute(attr));
  return arith::ConstantOp::create(*this, attr);
}

Value CodeBuilder::iconst(Type type, int64_t v) {
  TypedAttr attr = getIntegerAttr(getElementTypeOrSelf(type), v);
  if (auto vector = dyn_cast<VectorType>(type))
    attr = DenseElementsAttr::get(vector, Attribute(attr));
  return arith::ConstantOp::create(*this, attr);
}

Value CodeBuilder::zero(Type type) { return arith::ConstantOp::create(*this, getZeroAttr(type)); }

Value CodeBuilder::splat(Value scalar, int64_t n) {
  return vector::BroadcastOp::create(*this, vec(scalar.getType(), n), scalar);
}

Value CodeBuilder::addf(Value a, Value b) { return arith::AddFOp::create(*this, a, b); }
Value CodeBuilder::subf(Value a, Value b) { return arith::SubFOp::create(*this, a, b); }
Value CodeBuilder::mulf(Value a, Value b) { return arith::MulFOp::create(*this, a, b); }
Value CodeBuilder::divf(Value a, Value b) { return arith::DivFOp::create(*this, a, b); }
Value CodeBuilder::negf(Value a) { return arith::NegFOp::create(*this, a); }

// Not vector.fma: that becomes llvm.fmuladd, which strict contraction splits into mul and add.
Value CodeBuilder::fma(Value a, Value b, Value c) { return math::FmaOp::create(*this, a, b, c); }

Value CodeBuilder::gtf(Value a, Value b) {
  return arith::CmpFOp::create(*this, arith::CmpFPredicate::OGT, a, b);
}
Value CodeBuilder::maxf(Value a, Value b) { return select(gtf(a, b), a, b); }

Value CodeBuilder::convert(Value v, Type element) {
  Type from = getElementTypeOrSelf(v.getType());
  if (from == element)
    return v;
  Type to = element;
  if (auto vector = dyn_cast<VectorType>(v.getType()))
    to = vector.clone(element);
  unsigned a = from.getIntOrFloatBitWidth(), b = element.getIntOrFloatBitWidth();
  if (a < b)
    return arith::ExtFOp::create(*this, to, v);
  if (a > b)
    return arith::TruncFOp::create(*this, to, v);
  return convert(convert(v, f32()), element); // bf16 <-> f16
}

Value CodeBuilder::scaleByPowerOf2(Value, Value) {
  llvm_unreachable("a target that scales by powers of 2 says how");
}

// A degree-5 minimax polynomial of 2^f on [-0.5, 0.5] with p(0) = 1, then the exponent. AVX-512 has
// vscalefps for that, which also underflows to 0 by itself; elsewhere the exponent is added to
// the bits, clamped at -126, and what lies below is cleared.
Value CodeBuilder::exp2Fast(Value x) {
  Type t = x.getType();
  auto vector = dyn_cast<VectorType>(t);
  bool scalef = scalesByPowerOf2(t);
  Value live, y = x;
  if (!scalef) {
    live = gtf(x, fconst(t, -126.0));
    y = select(live, x, fconst(t, -126.0));
  }
  Value r = math::RoundEvenOp::create(*this, y), f = subf(y, r);
  Value p = fconst(t, 1.326472848e-3);
  for (double c : {9.671512991e-3, 5.550733581e-2, 2.402224243e-1, 6.931470037e-1, 1.0})
    p = fma(p, f, fconst(t, c));
  if (scalef)
    return scaleByPowerOf2(p, r);
  Type bits = vector ? Type(vector.clone(getI32Type())) : Type(getI32Type());
  Value shift =
      arith::ShLIOp::create(*this, arith::FPToSIOp::create(*this, bits, r), iconst(bits, 23));
  Value sum = arith::AddIOp::create(*this, arith::BitcastOp::create(*this, bits, p), shift);
  // below, or NaN
  Value below = arith::CmpFOp::create(*this, arith::CmpFPredicate::OLE, x, fconst(t, -126.0));
  return select(live, arith::BitcastOp::create(*this, t, sum), select(below, fconst(t, 0.0), x));
}

// n = round(x / ln 2) stands in the low bits of a float near 1.5 * 2^23, offset by the exponent's
// bias; then a minimax polynomial of degree 5 on [-ln 2 / 2, ln 2 / 2]. Below 2^-126 the factor
// 2^n is 0, or the product is subnormal and flushed.
Value CodeBuilder::expNonPositive(Value x) {
  Type t = x.getType();
  auto vector = dyn_cast<VectorType>(t);
  Value lowest = fconst(t, -88.02); // n is -127 there and what is left positive
  x = select(gtf(lowest, x), lowest, x);
  Value magic = fconst(t, 12582912.0 + 127.0);
  Value shifted = fma(x, fconst(t, 0x1.715476p+0), magic), n = subf(shifted, magic);
  Value r = fma(n, fconst(t, -0x1.62e430p-1), x), p = fconst(t, 8.29027e-3);
  r.getDefiningOp()->setAttr(kExactProduct, getUnitAttr());
  for (double c : {4.189816e-2, 1.6667638e-1, 4.9999148e-1, 9.9999971e-1, 1.0})
    p = fma(p, r, fconst(t, c));
  if (scalesByPowerOf2(t))
    return scaleByPowerOf2(p, n);
  Type bits = vector ? Type(vector.clone(getI32Type())) : Type(getI32Type());
  Value power = arith::ShLIOp::create(*this, arith::BitcastOp::create(*this, bits, shifted),
                                      iconst(bits, 23));
  return mulf(p, arith::BitcastOp::create(*this, t, power));
}

//===----------------------------------------------------------------------===//
// Reductions
//===----------------------------------------------------------------------===//

Value CodeBuilder::reduceLanes(Value v, llvm::function_ref<Value(Value, Value)> combine) {
  int64_t n = cast<VectorType>(v.getType()).getNumElements();
  assert(llvm::isPowerOf2_64(n) && "the tree halves");
  for (n /= 2; n >= 1; n /= 2) {
    auto lower = llvm::to_vector(llvm::seq<int64_t>(0, n));
    auto upper = llvm::to_vector(llvm::seq<int64_t>(n, 2 * n));
    Value a = vector::ShuffleOp::create(*this, v, v, lower);
    Value b = vector::ShuffleOp::create(*this, v, v, upper);
    v = combine(a, b);
  }
  return vector::ExtractOp::create(*this, v, 0);
}

Value CodeBuilder::sumLanes(Value v) {
  return reduceLanes(v, [&](Value a, Value b) { return addf(a, b); });
}
Value CodeBuilder::maxLanes(Value v) {
  return reduceLanes(v, [&](Value a, Value b) { return maxf(a, b); });
}

//===----------------------------------------------------------------------===//
// Memory
//===----------------------------------------------------------------------===//

Value CodeBuilder::load(Value memory, Value i) {
  return memref::LoadOp::create(*this, memory, ValueRange{i});
}
void CodeBuilder::store(Value v, Value memory, Value i) {
  memref::StoreOp::create(*this, v, memory, ValueRange{i});
}

static Type elementOf(Value memory) { return cast<MemRefType>(memory.getType()).getElementType(); }

Value CodeBuilder::vload(Value memory, Value i, int64_t n, Value mask) {
  auto type = vec(elementOf(memory), n);
  if (!mask)
    return vector::LoadOp::create(*this, type, memory, ValueRange{i});
  return vector::MaskedLoadOp::create(*this, type, memory, ValueRange{i}, mask, zero(type));
}

void CodeBuilder::vstore(Value v, Value memory, Value i, Value mask) {
  if (mask)
    vector::MaskedStoreOp::create(*this, memory, ValueRange{i}, mask, v);
  else
    vector::StoreOp::create(*this, v, memory, ValueRange{i});
}

// create_mask compares 32-bit lanes, so the count is clamped first: sizes may exceed 2^31.
Value CodeBuilder::mask(Value count, int64_t n) {
  if (auto k = constantOf(count)) {
    int64_t lanes = std::clamp<int64_t>(*k, 0, n);
    return vector::ConstantMaskOp::create(*this, vec(getI1Type(), n), ArrayRef<int64_t>{lanes});
  }
  Value lanes = max(min(count, index(n)), index(0));
  return vector::CreateMaskOp::create(*this, vec(getI1Type(), n), ValueRange{lanes});
}

//===----------------------------------------------------------------------===//
// Control flow
//===----------------------------------------------------------------------===//

void CodeBuilder::forLoop(Value lo, Value hi, Value step, llvm::function_ref<void(Value)> body) {
  auto loop = scf::ForOp::create(*this, lo, hi, step);
  OpBuilder::InsertionGuard guard(*this);
  setInsertionPointToStart(loop.getBody());
  body(loop.getInductionVar());
}

Values CodeBuilder::forLoop(Value lo, Value hi, Value step, ValueRange init,
                            llvm::function_ref<Values(Value, ValueRange)> body) {
  auto loop = scf::ForOp::create(*this, lo, hi, step, init);
  OpBuilder::InsertionGuard guard(*this);
  setInsertionPointToStart(loop.getBody());
  Values next = body(loop.getInductionVar(), loop.getRegionIterArgs());
  if (!init.empty())
    scf::YieldOp::create(*this, next);
  return Values(loop.getResults());
}

Values CodeBuilder::ifElse(Value c, TypeRange types, llvm::function_ref<Values()> yes,
                           llvm::function_ref<Values()> no) {
  if (auto k = constantOf(c))
    return *k ? yes() : no();
  auto op = scf::IfOp::create(*this, types, c, /*withElseRegion=*/true);
  OpBuilder::InsertionGuard guard(*this);
  auto fill = [&](Block *block, llvm::function_ref<Values()> side) {
    if (!block->empty())
      block->getTerminator()->erase();
    setInsertionPointToStart(block);
    Values values = side();
    scf::YieldOp::create(*this, values);
  };
  fill(op.thenBlock(), yes);
  fill(op.elseBlock(), no);
  return Values(op.getResults());
}

void CodeBuilder::ifThen(Value c, llvm::function_ref<void()> yes, llvm::function_ref<void()> no) {
  if (auto k = constantOf(c)) {
    if (*k)
      yes();
    else if (no)
      no();
    return;
  }
  ifElse(
      c, TypeRange(), [&] { return yes(), Values(); },
      [&] { return no ? (no(), Values()) : Values(); });
}

//===----------------------------------------------------------------------===//
// Regions
//===----------------------------------------------------------------------===//

static Value splatConstant(CodeBuilder &e, arith::ConstantOp op, int64_t n) {
  if (!n)
    return arith::ConstantOp::create(e, op.getValue());
  auto type = e.vec(op.getType(), n);
  return arith::ConstantOp::create(e, DenseElementsAttr::get(type, Attribute(op.getValue())));
}

// max(x, constant) as one vmaxps: NaN in x has to survive, so the constant is the one tested.
static Value maxWithConstant(CodeBuilder &e, Value x, Value k) {
  return e.select(e.gtf(k, x), k, x);
}

LogicalResult CodeBuilder::inlineOp(Operation &op, IRMapping &map, int64_t n) {
  if (auto constant = dyn_cast<arith::ConstantOp>(op)) {
    map.map(constant.getResult(), splatConstant(*this, constant, n));
    return success();
  }
  if (op.getNumRegions() || !op.hasTrait<OpTrait::Elementwise>())
    return op.emitOpError("has no vector form in a fused kernel");
  Values operands;
  for (Value v : op.getOperands()) {
    Value mapped = map.lookupOrNull(v);
    auto constant = v.getDefiningOp<arith::ConstantOp>();
    if (!mapped && constant)
      mapped = splatConstant(*this, constant, n);
    if (!mapped)
      return op.emitOpError("uses a value from outside that is no constant");
    operands.push_back(mapped);
  }
  if (isa<arith::MaximumFOp>(op) && n && operands[1].getDefiningOp<arith::ConstantOp>()) {
    map.map(op.getResult(0), maxWithConstant(*this, operands[0], operands[1]));
    return success();
  }
  if (isa<math::ExpOp>(op) && op.hasAttr(kNonPositiveAttr) && op.getResult(0).getType().isF32()) {
    map.map(op.getResult(0), expNonPositive(operands[0]));
    return success();
  }
  SmallVector<Type> types;
  for (Type t : op.getResultTypes())
    types.push_back(n ? Type(vec(t, n)) : t);
  OperationState state(op.getLoc(), op.getName(), operands, types, op.getAttrs());
  Operation *copy = OpBuilder::create(state);
  map.map(op.getResults(), copy->getResults());
  return success();
}

FailureOr<Values> CodeBuilder::inlineRegion(Region &region, IRMapping &map, int64_t n) {
  Block &block = region.front();
  for (Operation &op : block.without_terminator())
    if (failed(inlineOp(op, map, n)))
      return failure();
  Values results;
  for (Value v : block.getTerminator()->getOperands()) {
    Value mapped = map.lookupOrNull(v);
    if (auto constant = v.getDefiningOp<arith::ConstantOp>(); !mapped && constant)
      mapped = splatConstant(*this, constant, n);
    if (!mapped)
      return block.getTerminator()->emitOpError("yields a value from outside that is no constant");
    results.push_back(mapped);
  }
  return results;
}

//===----------------------------------------------------------------------===//
// The register tile
//===----------------------------------------------------------------------===//

Values CodeBuilder::tile(int64_t rows, int64_t vectors, Value count, Values acc,
                         llvm::function_ref<Value(int64_t, Value)> a,
                         llvm::function_ref<Value(Value, int64_t)> b,
                         llvm::function_ref<Value(Value, Value, Value)> multiplyAdd) {
  return forLoop(index(0), count, index(1), acc, [&](Value k, ValueRange carried) {
    Values c(carried), columns;
    for (int64_t v = 0; v < vectors; ++v)
      columns.push_back(b(k, v));
    for (int64_t m = 0; m < rows; ++m) {
      Value row = a(m, k);
      for (int64_t v = 0; v < vectors; ++v) {
        Value &x = c[m * vectors + v];
        x = multiplyAdd ? multiplyAdd(row, columns[v], x) : fma(row, columns[v], x);
      }
    }
    return c;
  });
}
