//===- Philox.cpp - counter-based random words ----------------------------===//
//
// Part of Linnet, under Apache-2.0 WITH LLVM-exception. See LICENSE.
//
//===----------------------------------------------------------------------===//
#include "Philox.h"
#include "mlir/Dialect/Arith/IR/Arith.h"
#include "mlir/Dialect/Vector/IR/VectorOps.h"
#include <cmath>

using namespace mlir;
using namespace linnet;
using namespace linnet::codegen;

//===----------------------------------------------------------------------===//
// Words
//===----------------------------------------------------------------------===//

Philox::Philox(CodeBuilder &e, Value key, Value counter, int64_t lanes)
    : e(e), counter(counter), lanes(lanes) {
  k0 = word(key, 0);
  k1 = word(key, 32);
}

Value Philox::word(Value i64, int64_t shift) {
  Value shifted = shift ? arith::ShRUIOp::create(e, i64, e.iconst(e.i64(), shift)) : i64;
  return arith::TruncIOp::create(e, e.getI32Type(), shifted);
}

// Lanes add 0 to 15 to the lower word; where that wraps, one carries into the upper.
std::array<Value, 4> Philox::start(Value first) {
  Value base = arith::AddIOp::create(e, counter, e.toInt(first, e.i64()));
  Value zero = e.zero(ints());
  if (!lanes)
    return {word(base, 0), word(base, 32), zero, zero};
  auto sequence = llvm::to_vector(llvm::seq<int32_t>(0, lanes));
  Value iota = arith::ConstantOp::create(
      e, DenseElementsAttr::get(cast<VectorType>(ints()), ArrayRef<int32_t>(sequence)));
  Value low = arith::AddIOp::create(e, spread(word(base, 0)), iota);
  Value wrapped = arith::CmpIOp::create(e, arith::CmpIPredicate::ult, low, iota);
  Value high = spread(word(base, 32));
  high = e.select(wrapped, arith::AddIOp::create(e, high, splat32(1)), high);
  return {low, high, zero, zero};
}

/// The four words of counter `counter + first`, and of those after it, a lane each.
std::array<Value, 4> Philox::words(Value first) {
  std::array<Value, 4> c = start(first);
  Value m0 = splat32(0xD2511F53), m1 = splat32(0xCD9E8D57);
  for (uint32_t round = 0; round < 10; ++round) {
    auto key = [&](Value k, uint32_t weyl) -> Value {
      Value step = e.iconst(e.getI32Type(), static_cast<int32_t>(weyl * round));
      return spread(arith::AddIOp::create(e, k, step));
    };
    auto exclusive = [&](Value a, Value b) -> Value { return arith::XOrIOp::create(e, a, b); };
    auto p0 = arith::MulUIExtendedOp::create(e, m0, c[0]);
    auto p1 = arith::MulUIExtendedOp::create(e, m1, c[2]);
    c = {exclusive(exclusive(p1.getHigh(), c[1]), key(k0, 0x9E3779B9)), p1.getLow(),
         exclusive(exclusive(p0.getHigh(), c[3]), key(k1, 0xBB67AE85)), p0.getLow()};
  }
  return c;
}

// Four vectors of words by counter to four vectors of consecutive elements.
std::array<Value, 4> Philox::elements(Value first) {
  std::array<Value, 4> w = words(first), out;
  if (!lanes)
    return w;
  auto merge = [&](Value a, Value b, int64_t from) -> Value {
    SmallVector<int64_t> pick;
    for (int64_t i = from; i < from + kLanes / 2; ++i)
      pick.append({i, kLanes + i});
    return vector::ShuffleOp::create(e, a, b, pick);
  };
  for (int64_t half = 0; half < 2; ++half) {
    Value even = merge(w[0], w[2], half * kLanes / 2), odd = merge(w[1], w[3], half * kLanes / 2);
    out[2 * half] = merge(even, odd, 0);
    out[2 * half + 1] = merge(even, odd, kLanes / 2);
  }
  return out;
}

FailureOr<Value> linnet::codegen::loadSeed(KernelViews &frame, Value seed) {
  if (!isa<RankedTensorType>(seed.getType()))
    return frame.scalar(seed);
  FailureOr<View> view = frame.view(seed);
  if (failed(view))
    return failure();
  return frame.e.load(view->memory, view->offset);
}

//===----------------------------------------------------------------------===//
// Dropout
//===----------------------------------------------------------------------===//

/// f32, in as many lanes as `words` has.
static Type floatsLike(CodeBuilder &e, Value words) {
  auto vector = dyn_cast<VectorType>(words.getType());
  return vector ? Type(vector.clone(e.f32())) : e.f32();
}

Value linnet::codegen::toUniform(CodeBuilder &e, Value w, Type element) {
  if (element.isInteger(32))
    return w;
  int64_t bits = element.isF32() ? 24 : element.isF16() ? 11 : 8;
  Type floats = floatsLike(e, w);
  Value top = arith::ShRUIOp::create(e, w, e.iconst(w.getType(), 32 - bits));
  Value x = arith::SIToFPOp::create(e, floats, top);
  return e.convert(e.mulf(x, e.fconst(floats, 1.0 / (int64_t(1) << bits))), element);
}

// The uniform number is the upper 24 bits of a word times 2^-24, so the comparison with the rate is
// one of integers, exact.
Value linnet::codegen::isKept(CodeBuilder &e, Value words, double rate) {
  constexpr int64_t bits = 24;
  Type ints = words.getType();
  Value number = arith::ShRUIOp::create(e, words, e.iconst(ints, 32 - bits));
  Value least = e.iconst(ints, std::ceil(std::ldexp(rate, bits)));
  return arith::CmpIOp::create(e, arith::CmpIPredicate::sge, number, least);
}

Value Dropout::factor(Value words) {
  Type floats = floatsLike(e, words);
  return e.select(isKept(e, words, rate), e.fconst(floats, 1 / (1 - rate)), e.fconst(floats, 0));
}

std::array<Value, 4> Dropout::factors(Value first) {
  std::array<Value, 4> words = philox.elements(first);
  for (Value &w : words)
    w = factor(w);
  return words;
}

Value Dropout::fill(Value memory, Value first, Value count) {
  Value counter = e.div(first, 4), skipped = e.rem(first, 4);
  e.forLoop(e.ceilDiv(e.add(skipped, count), Philox::kBlock), [&](Value block) {
    std::array<Value, 4> words = philox.elements(e.add(counter, e.mul(block, kLanes)));
    for (auto [i, w] : llvm::enumerate(words))
      e.vstore(factor(w), memory, e.add(e.mul(block, Philox::kBlock), i * kLanes));
  });
  return skipped;
}
