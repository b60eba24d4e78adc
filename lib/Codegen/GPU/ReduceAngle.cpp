//===- ReduceAngle.cpp - large angles within a quarter of a turn ------------===//
//
// Part of Linnet, under Apache-2.0 WITH LLVM-exception. See LICENSE.
//
//===----------------------------------------------------------------------===//
#include "ReduceAngle.h"
#include "mlir/Dialect/Arith/IR/Arith.h"
#include "mlir/IR/ImplicitLocOpBuilder.h"

using namespace mlir;
using namespace linnet::codegen;

namespace {
/// lnt_reduce of CPU/Support/MathDouble.inc, step by step, on i64.
class AngleReducer {
public:
  AngleReducer(ImplicitLocOpBuilder &b, ArrayRef<uint64_t> twoOverPi)
      : b(b), twoOverPi(twoOverPi) {}
  ReducedAngle run(Value x);

private:
  using P = arith::CmpIPredicate;
  Value number(int64_t v) { return arith::ConstantIntOp::create(b, v, 64); }
  Value add(Value x, Value y) { return arith::AddIOp::create(b, x, y); }
  Value either(Value x, Value y) { return arith::OrIOp::create(b, x, y); }
  Value both(Value x, Value y) { return arith::AndIOp::create(b, x, y); }
  Value up(Value x, Value by) { return arith::ShLIOp::create(b, x, by); }
  Value down(Value x, Value by) { return arith::ShRUIOp::create(b, x, by); }
  Value is(P p, Value x, Value y) { return arith::CmpIOp::create(b, p, x, y); }
  Value select(Value c, Value x, Value y) { return arith::SelectOp::create(b, c, x, y); }
  Value times(Value x, double y) {
    return arith::MulFOp::create(b, x, Value(arith::ConstantOp::create(b, b.getF64FloatAttr(y))));
  }
  Value word(Value number, int64_t offset, int64_t last);
  SmallVector<Value> multiply(Value m, ArrayRef<Value> words);

  ImplicitLocOpBuilder &b;
  ArrayRef<uint64_t> twoOverPi;
};
} // namespace

/// Word `number` + `offset` of 2/pi, number in [0, last].
Value AngleReducer::word(Value at, int64_t offset, int64_t last) {
  Value w = number(twoOverPi[offset]);
  for (int64_t i = 1; i <= last; ++i)
    w = select(is(P::eq, at, number(i)), number(twoOverPi[i + offset]), w);
  return w;
}

/// m times a number of three words, the lowest first; four words.
SmallVector<Value> AngleReducer::multiply(Value m, ArrayRef<Value> words) {
  SmallVector<Value> out;
  Value carry = number(0);
  for (Value w : words) {
    auto product = arith::MulUIExtendedOp::create(b, m, w);
    Value low = add(product.getLow(), carry);
    Value over = arith::ExtUIOp::create(b, b.getI64Type(), is(P::ult, low, carry));
    out.push_back(low);
    carry = add(product.getHigh(), over);
  }
  out.push_back(carry);
  return out;
}

ReducedAngle AngleReducer::run(Value x) {
  Type f64 = b.getF64Type();
  auto widened = x.getDefiningOp<arith::ExtFOp>();
  bool single = widened && widened.getIn().getType().isF32();
  int64_t last = single ? 1 : 15; // words that the point may lie behind
  Value raw = arith::BitcastOp::create(b, b.getI64Type(), x);
  Value bits = both(raw, number(INT64_MAX)), zero = number(0), one = number(1);
  Value m = either(both(bits, number(0x000fffffffffffff)), number(0x0010000000000000));
  Value e = arith::SubIOp::create(b, down(bits, number(52)), number(1077)); // beyond 2, as there
  Value s = arith::MaxSIOp::create(b, e, zero);
  Value at = down(s, number(6)), by = both(s, number(63));
  Value against = arith::SubIOp::create(b, number(63), by);
  SmallVector<Value> table, window;
  for (int64_t i = 0; i < 4; ++i)
    table.push_back(word(at, i, last));
  for (int64_t i = 0; i < 3; ++i)
    window.push_back(either(up(table[2 - i], by), down(down(table[3 - i], one), against)));
  SmallVector<Value> p = multiply(m, window);
  Value lower = arith::SubIOp::create(b, zero, Value(arith::MinSIOp::create(b, e, zero)));
  against = arith::SubIOp::create(b, number(63), lower);
  for (int64_t i = 0; i < 3; ++i)
    p[i] = either(down(p[i], lower), up(up(p[i + 1], one), against));
  Value two = number(2), sixtyTwo = number(62);
  Value f = either(up(p[2], two), down(p[1], sixtyTwo));
  Value rest = either(up(p[1], two), down(p[0], sixtyTwo));
  Value q = add(down(p[2], sixtyTwo), down(f, number(63)));
  Value r = arith::AddFOp::create(b, times(arith::SIToFPOp::create(b, f64, f), 0x1p-64),
                                  times(arith::UIToFPOp::create(b, f64, rest), 0x1p-128));
  r = times(r, 0x1.921fb54442d18p+0);
  Value negative = is(P::slt, raw, zero);
  r = select(negative, arith::NegFOp::create(b, r), r);
  q = select(negative, arith::SubIOp::create(b, zero, q), q);
  Value none = is(P::uge, bits, number(0x7ff0000000000000)); // infinite, or not a number
  Value nan = arith::ConstantOp::create(
      b, b.getFloatAttr(f64, llvm::APFloat::getQNaN(llvm::APFloat::IEEEdouble())));
  return {select(none, nan, r), select(none, zero, q)};
}

ReducedAngle linnet::codegen::reduceLargeAngle(ImplicitLocOpBuilder &b, Value x,
                                               ArrayRef<uint64_t> twoOverPi) {
  return AngleReducer(b, twoOverPi).run(x);
}
