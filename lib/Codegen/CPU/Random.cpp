//===- Random.cpp - counter-based random numbers --------------------------===//
//
// Part of Linnet, under Apache-2.0 WITH LLVM-exception. See LICENSE.
//
// Sixteen counters at a time: every lane runs Philox4x32-10 on one of them, and the four words
// are interleaved into 64 consecutive elements.
//
//===----------------------------------------------------------------------===//
#include "Emitters.h"
#include "OpKernel.h"
#include "linnet/IR/LinnetOps.h"
#include "mlir/Dialect/Vector/IR/VectorOps.h"

using namespace mlir;
using namespace linnet;
using namespace linnet::codegen;

namespace {

constexpr int64_t kBlock = 4 * kLanes;
constexpr int64_t kBlocksPerChunk = 512;

class RandomEmitter final : public KernelEmitter {
public:
  StringRef getName() const override { return "random"; }
  bool match(exec::KernelOp kernel) const override;
  LogicalResult select(exec::KernelOp kernel, const llvm::BitVector &constant) const override;
  LogicalResult emit(exec::KernelOp kernel, KernelFrame &frame) const override;
};

/// Emits the words of 16 consecutive counters.
class Philox {
public:
  Philox(Emitter &e, Value key, Value counter) : e(e), counter(counter) {
    k0 = word(key, 0);
    k1 = word(key, 32);
  }
  /// The four words of counters `counter + first` and the 15 after it, a lane each.
  std::array<Value, 4> words(Value first);

private:
  Value word(Value i64, int64_t shift);
  VectorType ints() { return e.vec(e.getI32Type()); }
  Value splat32(uint32_t v) { return e.iconst(ints(), static_cast<int32_t>(v)); }
  std::array<Value, 4> start(Value first);

  Emitter &e;
  Value counter, k0, k1;
};

} // namespace

Value Philox::word(Value i64, int64_t shift) {
  Value shifted = shift ? arith::ShRUIOp::create(e, i64, e.iconst(e.i64(), shift)) : i64;
  return arith::TruncIOp::create(e, e.getI32Type(), shifted);
}

// Lanes add 0 to 15 to the lower word; where that wraps, one carries into the upper.
std::array<Value, 4> Philox::start(Value first) {
  Value base = arith::AddIOp::create(e, counter, e.toInt(first, e.i64()));
  auto sequence = llvm::to_vector(llvm::seq<int32_t>(0, kLanes));
  Value iota =
      arith::ConstantOp::create(e, DenseElementsAttr::get(ints(), ArrayRef<int32_t>(sequence)));
  Value low = arith::AddIOp::create(e, e.splat(word(base, 0)), iota);
  Value wrapped = arith::CmpIOp::create(e, arith::CmpIPredicate::ult, low, iota);
  Value high = e.splat(word(base, 32));
  high = e.select(wrapped, arith::AddIOp::create(e, high, splat32(1)), high);
  Value zero = e.zero(ints());
  return {low, high, zero, zero};
}

std::array<Value, 4> Philox::words(Value first) {
  std::array<Value, 4> c = start(first);
  Value m0 = splat32(0xD2511F53), m1 = splat32(0xCD9E8D57);
  for (uint32_t round = 0; round < 10; ++round) {
    auto key = [&](Value k, uint32_t weyl) -> Value {
      Value step = e.iconst(e.getI32Type(), static_cast<int32_t>(weyl * round));
      return e.splat(arith::AddIOp::create(e, k, step));
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
static std::array<Value, 4> interleave(Emitter &e, const std::array<Value, 4> &w) {
  auto merge = [&](Value a, Value b, int64_t from) -> Value {
    SmallVector<int64_t> pick;
    for (int64_t i = from; i < from + kLanes / 2; ++i)
      pick.append({i, kLanes + i});
    return vector::ShuffleOp::create(e, a, b, pick);
  };
  std::array<Value, 4> out;
  for (int64_t half = 0; half < 2; ++half) {
    Value even = merge(w[0], w[2], half * kLanes / 2), odd = merge(w[1], w[3], half * kLanes / 2);
    out[2 * half] = merge(even, odd, 0);
    out[2 * half + 1] = merge(even, odd, kLanes / 2);
  }
  return out;
}

// The upper bits of a word as a number in [0, 1) that the type holds exactly.
static Value toUniform(Emitter &e, Value w, Type element) {
  if (element.isInteger(32))
    return w;
  int64_t bits = element.isF32() ? 24 : element.isF16() ? 11 : 8;
  auto ints = cast<VectorType>(w.getType());
  Value top = arith::ShRUIOp::create(e, w, e.iconst(ints, 32 - bits));
  Value x = arith::SIToFPOp::create(e, e.vec(e.f32()), top);
  return e.convert(e.mulf(x, e.vf(1.0 / (int64_t(1) << bits))), element);
}

bool RandomEmitter::match(exec::KernelOp kernel) const {
  auto op = findOnly<RandomOp>(kernel);
  return op && kernel.getYield().getValues().size() == 1 &&
         kernel.getYield().getValues()[0] == op.getResult();
}

LogicalResult RandomEmitter::select(exec::KernelOp kernel, const llvm::BitVector &) const {
  auto op = findOnly<RandomOp>(kernel);
  setStrategy(kernel, {});
  LaunchBuilder b(kernel);
  Value n = b.constant(1);
  for (int64_t d = 0, rank = op.getType().getRank(); d < rank; ++d)
    n = b.mul(n, b.sizeOf(op.getResult(), d));
  Value chunks = b.ceilDiv(n, b.constant(kBlock * kBlocksPerChunk));
  b.finish(chunks, b.constant(0), b.mul(n, b.constant(20)), bytesTouched(b, kernel));
  return success();
}

LogicalResult RandomEmitter::emit(exec::KernelOp kernel, KernelFrame &frame) const {
  auto op = findOnly<RandomOp>(kernel);
  Emitter &e = frame.e;
  FailureOr<std::optional<View>> out = destination(frame, op.getResult());
  if (failed(out))
    return failure();
  View target = **out;
  Value n = e.index(1);
  for (Value size : target.sizes)
    n = e.mul(n, size);
  auto seed = [&](Value v) -> FailureOr<Value> {
    if (!isa<RankedTensorType>(v.getType()))
      return frame.scalar(v);
    FailureOr<View> view = frame.view(v);
    if (failed(view))
      return failure();
    return e.load(view->memory, view->offset);
  };
  FailureOr<Value> key = seed(op.getKey()), counter = seed(op.getCounter());
  if (failed(key) || failed(counter))
    return failure();

  Philox philox(e, *key, *counter);
  Value last = e.min(e.mul(frame.end, kBlocksPerChunk), e.ceilDiv(n, kBlock));
  e.forLoop(e.mul(frame.begin, kBlocksPerChunk), last, e.index(1), [&](Value block) {
    std::array<Value, 4> x = interleave(e, philox.words(e.mul(block, kLanes)));
    Value at = e.mul(block, kBlock), left = e.sub(n, at);
    for (Value &w : x)
      w = toUniform(e, w, target.element);
    auto put = [&](bool masked) {
      for (int64_t i = 0; i < 4; ++i)
        e.vstore(x[i], target.memory, e.add(at, i * kLanes),
                 masked ? e.mask(e.sub(left, i * kLanes)) : Value());
    };
    e.ifThen(e.ge(left, e.index(kBlock)), [&] { put(false); }, [&] { put(true); });
  });
  return success();
}

const KernelEmitter *linnet::codegen::getRandomEmitter() {
  static const RandomEmitter emitter;
  return &emitter;
}
