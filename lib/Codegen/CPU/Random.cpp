//===- Random.cpp - counter-based random numbers --------------------------===//
//
// Part of Linnet, under Apache-2.0 WITH LLVM-exception. See LICENSE.
//
//===----------------------------------------------------------------------===//
#include "Emitters.h"
#include "OpKernel.h"
#include "Philox.h"
#include "linnet/IR/LinnetOps.h"

using namespace mlir;
using namespace linnet;
using namespace linnet::codegen;

namespace {

constexpr int64_t kBlock = Philox::kBlock;
constexpr int64_t kBlocksPerChunk = 512;

class RandomEmitter final : public KernelEmitter {
public:
  StringRef getName() const override { return "random"; }
  bool match(exec::KernelOp kernel) const override;
  LogicalResult select(exec::KernelOp kernel, const llvm::BitVector &constant) const override;
  LogicalResult emit(exec::KernelOp kernel, KernelFrame &frame) const override;
};

} // namespace

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
  FailureOr<Value> key = loadSeed(frame, op.getKey());
  FailureOr<Value> counter = loadSeed(frame, op.getCounter());
  if (failed(key) || failed(counter))
    return failure();

  Philox philox(e, *key, *counter);
  Value last = e.min(e.mul(frame.end, kBlocksPerChunk), e.ceilDiv(n, kBlock));
  e.forLoop(e.mul(frame.begin, kBlocksPerChunk), last, e.index(1), [&](Value block) {
    std::array<Value, 4> x = philox.elements(e.mul(block, kLanes));
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
