//===- Dropout.cpp - zeroes elements at random ----------------------------===//
//
// Part of Linnet, under Apache-2.0 WITH LLVM-exception. See LICENSE.
//
// Sixty-four elements at a time, by the words of sixteen counters. The words are compared as
// integers: w >> 8 is at least rate * 2^24 exactly where the number made of it is at least rate.
//
//===----------------------------------------------------------------------===//
#include "Emitters.h"
#include "OpKernel.h"
#include "Philox.h"
#include "linnet/IR/LinnetOps.h"
#include "mlir/Dialect/Tensor/IR/Tensor.h"
#include "mlir/Dialect/Vector/IR/VectorOps.h"
#include <cmath>

using namespace mlir;
using namespace linnet;
using namespace linnet::codegen;

namespace {

constexpr int64_t kBlocksPerChunk = 256;

class DropoutEmitter final : public KernelEmitter {
public:
  StringRef getName() const override { return "dropout"; }
  bool match(exec::KernelOp kernel) const override {
    return static_cast<bool>(findOnly<DropoutOp>(kernel));
  }
  LogicalResult select(exec::KernelOp kernel, const llvm::BitVector &constant) const override;
  LogicalResult emit(exec::KernelOp kernel, KernelFrame &frame) const override;
};

class Kernel {
public:
  Kernel(DropoutOp op, KernelFrame &frame) : e(frame.e), frame(frame), op(op) {}
  LogicalResult emit();

private:
  Value kept(Value words);
  void emitVector(Value words, Value at, Value mask);
  void emitElements(Value words, Value at, Value count);
  Value position(const View &v, Value at);

  Emitter &e;
  KernelFrame &frame;
  DropoutOp op;
  View from, to;
};

} // namespace

// Whether element i of the flattened tensor is element i of the memory.
static bool isFlat(Value v) {
  while (Operation *def = v.getDefiningOp()) {
    if (!isa<tensor::CastOp, tensor::ExpandShapeOp, tensor::CollapseShapeOp>(def))
      return false;
    v = def->getOperand(0);
  }
  return true;
}

/// Lanes that stay.
Value Kernel::kept(Value words) {
  auto ints = cast<VectorType>(words.getType());
  auto limit = static_cast<int64_t>(std::ceil(op.getRate().convertToDouble() * (1 << 24)));
  Value top = arith::ShRUIOp::create(e, words, e.iconst(ints, 8));
  return arith::CmpIOp::create(e, arith::CmpIPredicate::uge, top, e.iconst(ints, limit));
}

void Kernel::emitVector(Value words, Value at, Value mask) {
  double rate = op.getRate().convertToDouble();
  Value x = e.convert(e.vload(from.memory, e.add(from.offset, at), kLanes, mask), e.f32());
  Value scaled = e.mulf(x, e.vf(rate < 1 ? 1 / (1 - rate) : 0));
  Value y = e.select(kept(words), scaled, e.vf(0));
  e.vstore(e.convert(y, to.element), to.memory, e.add(to.offset, at), mask);
}

Value Kernel::position(const View &v, Value at) {
  Value sum = v.offset;
  for (unsigned d = v.rank(); d-- > 0;) {
    sum = e.add(sum, e.mul(d ? e.rem(at, v.sizes[d]) : at, v.strides[d]));
    at = d ? e.div(at, v.sizes[d]) : at;
  }
  return sum;
}

// Memory with gaps: one element after the other.
void Kernel::emitElements(Value words, Value at, Value count) {
  double rate = op.getRate().convertToDouble();
  Value keep = kept(words);
  for (int64_t i = 0; i < kLanes; ++i)
    e.ifThen(e.lt(e.index(i), count), [&] {
      Value here = e.add(at, i);
      Value scaled =
          e.mulf(loadFloat(e, from, position(from, here)), e.f(rate < 1 ? 1 / (1 - rate) : 0));
      Value y = e.select(vector::ExtractOp::create(e, keep, i), scaled, e.f(0));
      e.store(e.convert(y, to.element), to.memory, position(to, here));
    });
}

LogicalResult Kernel::emit() {
  FailureOr<View> in = frame.view(op.getInput());
  FailureOr<std::optional<View>> out = destination(frame, op.getResult());
  FailureOr<Value> key = loadSeed(frame, op.getKey()), counter = loadSeed(frame, op.getCounter());
  if (failed(in) || failed(out) || failed(key) || failed(counter))
    return failure();
  from = *in;
  to = **out;
  bool flat = isFlat(op.getInput()) && frame.kernel.getYield().getValues()[0] == op.getResult();
  Value n = e.index(1);
  for (Value size : to.sizes)
    n = e.mul(n, size);
  Philox philox(e, *key, *counter);
  constexpr int64_t kBlock = Philox::kBlock;
  Value last = e.min(e.mul(frame.end, kBlocksPerChunk), e.ceilDiv(n, kBlock));
  e.forLoop(e.mul(frame.begin, kBlocksPerChunk), last, e.index(1), [&](Value block) {
    std::array<Value, 4> words = philox.elements(e.mul(block, kBlock / 4));
    Value first = e.mul(block, kBlock), left = e.sub(n, first);
    auto put = [&](bool masked) {
      for (int64_t i = 0; i < 4; ++i) {
        Value at = e.add(first, i * kLanes), count = e.sub(left, i * kLanes);
        if (flat)
          emitVector(words[i], at, masked ? e.mask(count) : Value());
        else
          emitElements(words[i], at, count);
      }
    };
    if (flat)
      e.ifThen(e.ge(left, e.index(kBlock)), [&] { put(false); }, [&] { put(true); });
    else
      put(true);
  });
  return success();
}

LogicalResult DropoutEmitter::select(exec::KernelOp kernel, const llvm::BitVector &) const {
  auto op = findOnly<DropoutOp>(kernel);
  setStrategy(kernel, {});
  LaunchBuilder b(kernel);
  Value n = b.constant(1);
  for (int64_t d = 0, rank = op.getType().getRank(); d < rank; ++d)
    n = b.mul(n, b.sizeOf(op.getResult(), d));
  Value chunks = b.ceilDiv(n, b.constant(Philox::kBlock * kBlocksPerChunk));
  b.finish(chunks, b.constant(0), b.mul(n, b.constant(20)), bytesTouched(b, kernel));
  return success();
}

LogicalResult DropoutEmitter::emit(exec::KernelOp kernel, KernelFrame &frame) const {
  return Kernel(findOnly<DropoutOp>(kernel), frame).emit();
}

const KernelEmitter *linnet::codegen::getDropoutEmitter() {
  static const DropoutEmitter emitter;
  return &emitter;
}
