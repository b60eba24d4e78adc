//===- EmitterArithmetic.cpp - index and float arithmetic -----------------===//
//
// Part of Linnet, under Apache-2.0 WITH LLVM-exception. See LICENSE.
//
//===----------------------------------------------------------------------===//
#include "linnet/Codegen/Emitter.h"
#include "mlir/Dialect/LLVMIR/LLVMDialect.h"
#include "mlir/Dialect/Math/IR/Math.h"
#include "mlir/Dialect/Utils/StaticValueUtils.h"
#include "mlir/Dialect/Vector/IR/VectorOps.h"

using namespace mlir;
using namespace linnet::codegen;

//===----------------------------------------------------------------------===//
// Index arithmetic
//===----------------------------------------------------------------------===//

Value Emitter::index(int64_t v) { return arith::ConstantIndexOp::create(*this, v); }

std::optional<int64_t> Emitter::constantOf(Value v) { return getConstantIntValue(v); }

Value Emitter::add(Value a, Value b) {
  auto x = constantOf(a), y = constantOf(b);
  if (x && y)
    return index(*x + *y);
  if (x && *x == 0)
    return b;
  if (y && *y == 0)
    return a;
  return arith::AddIOp::create(*this, a, b);
}

Value Emitter::sub(Value a, Value b) {
  auto x = constantOf(a), y = constantOf(b);
  if (x && y)
    return index(*x - *y);
  if (y && *y == 0)
    return a;
  return arith::SubIOp::create(*this, a, b);
}

Value Emitter::mul(Value a, Value b) {
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

Value Emitter::div(Value a, Value b) {
  auto x = constantOf(a), y = constantOf(b);
  if (x && y && *y)
    return index(*x / *y);
  if (y && *y == 1)
    return a;
  return arith::DivUIOp::create(*this, a, b);
}

Value Emitter::rem(Value a, Value b) {
  auto x = constantOf(a), y = constantOf(b);
  if (x && y && *y)
    return index(*x % *y);
  if (y && *y == 1)
    return index(0);
  return arith::RemUIOp::create(*this, a, b);
}

Value Emitter::ceilDiv(Value a, Value b) {
  auto x = constantOf(a), y = constantOf(b);
  if (x && y && *y)
    return index((*x + *y - 1) / *y);
  if (y && *y == 1)
    return a;
  return div(sub(add(a, b), index(1)), b);
}

Value Emitter::min(Value a, Value b) {
  auto x = constantOf(a), y = constantOf(b);
  if (x && y)
    return index(std::min(*x, *y));
  return a == b ? a : Value(arith::MinSIOp::create(*this, a, b));
}

Value Emitter::max(Value a, Value b) {
  auto x = constantOf(a), y = constantOf(b);
  if (x && y)
    return index(std::max(*x, *y));
  return a == b ? a : Value(arith::MaxSIOp::create(*this, a, b));
}

static Value compare(Emitter &e, arith::CmpIPredicate p, Value a, Value b,
                     bool (*f)(int64_t, int64_t)) {
  auto x = Emitter::constantOf(a), y = Emitter::constantOf(b);
  if (x && y)
    return e.boolean(f(*x, *y));
  return arith::CmpIOp::create(e, p, a, b);
}

Value Emitter::lt(Value a, Value b) {
  return compare(*this, arith::CmpIPredicate::slt, a, b,
                 [](int64_t x, int64_t y) { return x < y; });
}
Value Emitter::le(Value a, Value b) {
  return compare(*this, arith::CmpIPredicate::sle, a, b,
                 [](int64_t x, int64_t y) { return x <= y; });
}
Value Emitter::eq(Value a, Value b) {
  return compare(*this, arith::CmpIPredicate::eq, a, b,
                 [](int64_t x, int64_t y) { return x == y; });
}

Value Emitter::both(Value a, Value b) {
  auto x = constantOf(a), y = constantOf(b);
  if (x)
    return *x ? b : a;
  if (y)
    return *y ? a : b;
  return arith::AndIOp::create(*this, a, b);
}

Value Emitter::either(Value a, Value b) {
  auto x = constantOf(a), y = constantOf(b);
  if (x)
    return *x ? a : b;
  if (y)
    return *y ? b : a;
  return arith::OrIOp::create(*this, a, b);
}

Value Emitter::boolean(bool v) { return arith::ConstantIntOp::create(*this, v, 1); }

Value Emitter::select(Value c, Value a, Value b) {
  if (auto k = constantOf(c))
    return *k ? a : b;
  return arith::SelectOp::create(*this, c, a, b);
}

Value Emitter::opaque(Value i) {
  if (constantOf(i))
    return i;
  Value x = toInt(i, getI64Type());
  return toIndex(LLVM::InlineAsmOp::create(*this, TypeRange{getI64Type()}, ValueRange{x},
                                           /*asm_string=*/"", /*constraints=*/"=r,0",
                                           /*has_side_effects=*/false, /*is_align_stack=*/false,
                                           LLVM::TailCallKind::None, LLVM::AsmDialectAttr(),
                                           ArrayAttr())
                     .getRes());
}

Value Emitter::toIndex(Value i) {
  if (i.getType().isIndex())
    return i;
  if (auto k = constantOf(i))
    return index(*k);
  return arith::IndexCastOp::create(*this, getIndexType(), i);
}

Value Emitter::toInt(Value i, Type t) {
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

Value Emitter::fconst(Type type, double v) {
  auto element = cast<FloatType>(getElementTypeOrSelf(type));
  bool lossy;
  llvm::APFloat value(v);
  value.convert(element.getFloatSemantics(), llvm::APFloat::rmNearestTiesToEven, &lossy);
  TypedAttr attr = FloatAttr::get(element, value);
  if (auto vector = dyn_cast<VectorType>(type))
    attr = DenseElementsAttr::get(vector, Attribute(attr));
  return arith::ConstantOp::create(*this, attr);
}

Value Emitter::iconst(Type type, int64_t v) {
  TypedAttr attr = getIntegerAttr(getElementTypeOrSelf(type), v);
  if (auto vector = dyn_cast<VectorType>(type))
    attr = DenseElementsAttr::get(vector, Attribute(attr));
  return arith::ConstantOp::create(*this, attr);
}

Value Emitter::zero(Type type) { return arith::ConstantOp::create(*this, getZeroAttr(type)); }

Value Emitter::splat(Value scalar, int64_t n) {
  return vector::BroadcastOp::create(*this, vec(scalar.getType(), n), scalar);
}

Value Emitter::addf(Value a, Value b) { return arith::AddFOp::create(*this, a, b); }
Value Emitter::subf(Value a, Value b) { return arith::SubFOp::create(*this, a, b); }
Value Emitter::mulf(Value a, Value b) { return arith::MulFOp::create(*this, a, b); }
Value Emitter::divf(Value a, Value b) { return arith::DivFOp::create(*this, a, b); }
Value Emitter::negf(Value a) { return arith::NegFOp::create(*this, a); }

// Not vector.fma: that becomes llvm.fmuladd, which strict contraction splits into mul and add.
Value Emitter::fma(Value a, Value b, Value c) { return math::FmaOp::create(*this, a, b, c); }

Value Emitter::gtf(Value a, Value b) {
  return arith::CmpFOp::create(*this, arith::CmpFPredicate::OGT, a, b);
}
Value Emitter::maxf(Value a, Value b) { return select(gtf(a, b), a, b); }

Value Emitter::convert(Value v, Type element) {
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

// vscalefps: p * 2^n, flushed as a product is.
Value Emitter::scaleByPowerOf2(Value p, Value n) {
  Value all = arith::ConstantOp::create(*this, getI16IntegerAttr(-1));
  Value current = arith::ConstantOp::create(*this, getI32IntegerAttr(4)); // mxcsr's rounding
  return LLVM::CallIntrinsicOp::create(*this, p.getType(),
                                       getStringAttr("llvm.x86.avx512.mask.scalef.ps.512"),
                                       ValueRange{p, n, p, all, current})
      .getResult(0);
}

// A degree-5 minimax polynomial of 2^f on [-0.5, 0.5] with p(0) = 1, then the exponent. AVX-512 has
// vscalefps for that, which also underflows to 0 by itself; elsewhere the exponent is added to
// the bits, clamped at -126, and what lies below is cleared.
Value Emitter::exp2Fast(Value x) {
  Type t = x.getType();
  auto vector = dyn_cast<VectorType>(t);
  bool scalef = target.avx512 && vector && vector.getNumElements() == kLanes;
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
  return select(live, arith::BitcastOp::create(*this, t, sum), fconst(t, 0.0));
}

// n = round(x / ln 2) stands in the low bits of a float near 1.5 * 2^23, offset by the exponent's
// bias; then a minimax polynomial of degree 5 on [-ln 2 / 2, ln 2 / 2]. Below 2^-126 the factor
// 2^n is 0, or the product is subnormal and flushed.
Value Emitter::expNonPositive(Value x) {
  Type t = x.getType();
  auto vector = dyn_cast<VectorType>(t);
  Value lowest = fconst(t, -88.02); // n is -127 there and what is left positive
  x = select(gtf(lowest, x), lowest, x);
  Value magic = fconst(t, 12582912.0 + 127.0);
  Value shifted = fma(x, fconst(t, 0x1.715476p+0), magic), n = subf(shifted, magic);
  Value r = fma(n, fconst(t, -0x1.62e430p-1), x), p = fconst(t, 8.29027e-3);
  for (double c : {4.189816e-2, 1.6667638e-1, 4.9999148e-1, 9.9999971e-1, 1.0})
    p = fma(p, r, fconst(t, c));
  if (target.avx512 && vector && vector.getNumElements() == kLanes)
    return scaleByPowerOf2(p, n);
  Type bits = vector ? Type(vector.clone(getI32Type())) : Type(getI32Type());
  Value power = arith::ShLIOp::create(*this, arith::BitcastOp::create(*this, bits, shifted),
                                      iconst(bits, 23));
  return mulf(p, arith::BitcastOp::create(*this, t, power));
}

//===----------------------------------------------------------------------===//
// Reductions
//===----------------------------------------------------------------------===//

Value Emitter::reduceLanes(Value v, llvm::function_ref<Value(Value, Value)> combine) {
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

Value Emitter::sumLanes(Value v) {
  return reduceLanes(v, [&](Value a, Value b) { return addf(a, b); });
}
Value Emitter::maxLanes(Value v) {
  return reduceLanes(v, [&](Value a, Value b) { return maxf(a, b); });
}
