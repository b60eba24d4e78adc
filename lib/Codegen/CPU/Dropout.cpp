//===- Dropout.cpp - zeroes elements at random ----------------------------===//
//
// Part of Linnet, under Apache-2.0 WITH LLVM-exception. See LICENSE.
//
// Sixty-four elements at a time, by the words of sixteen counters.
//
//===----------------------------------------------------------------------===//
#include "../ViewDims.h"
#include "Emitters.h"
#include "OpKernel.h"
#include "PhiloxBlocks.h"
#include "linnet/IR/LinnetOps.h"
#include "mlir/Dialect/Vector/IR/VectorOps.h"

using namespace mlir;
using namespace linnet;
using namespace linnet::codegen;

namespace {

class Kernel {
public:
  Kernel(DropoutOp op, KernelFrame &frame) : e(frame.e), frame(frame), op(op) {}
  LogicalResult emit();

private:
  Value kept(Value words) { return isKept(e, words, op.getRate().convertToDouble()); }
  void emitVector(Value words, Value at, Value mask);
  void emitElements(Value words, Value at, Value count);
  Value position(const View &v, Value at) { return frame.position(v, unravel(e, at, v.sizes)); }

  Emitter &e;
  KernelFrame &frame;
  DropoutOp op;
  View from, to;
};

} // namespace

void Kernel::emitVector(Value words, Value at, Value mask) {
  double rate = op.getRate().convertToDouble();
  Value x = e.convert(e.vload(from.memory, e.add(from.offset, at), kLanes, mask), e.f32());
  Value scaled = e.mulf(x, e.vf(rate < 1 ? 1 / (1 - rate) : 0));
  Value y = e.select(kept(words), scaled, e.vf(0));
  e.vstore(e.convert(y, to.element), to.memory, e.add(to.offset, at), mask);
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
  Philox philox(e, *key, *counter);
  forPhiloxBlocks(frame, to.sizes, [&](Value first, Value left) {
    std::array<Value, 4> words = philox.elements(e.div(first, 4));
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
      e.ifThen(e.ge(left, e.index(Philox::kBlock)), [&] { put(false); }, [&] { put(true); });
    else
      put(true);
  });
  return success();
}

const KernelEmitter *linnet::codegen::getDropoutEmitter() {
  static const OpEmitter<DropoutOp, Kernel> emitter(
      [](DropoutOp op, exec::KernelOp kernel) { return selectPhilox(kernel, op.getResult()); });
  return &emitter;
}
