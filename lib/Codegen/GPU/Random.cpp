//===- Random.cpp - random numbers and dropout on GPUs ----------------------===//
//
// Part of Linnet, under Apache-2.0 WITH LLVM-exception. See LICENSE.
//
// A thread makes the four words of a counter, and of them four elements that follow each other.
//
//===----------------------------------------------------------------------===//
#include "../Philox.h"
#include "../ViewDims.h"
#include "Emitters.h"
#include "GPUOpKernel.h"
#include "linnet/IR/LinnetOps.h"
#include "mlir/Dialect/Arith/IR/Arith.h"

using namespace mlir;
using namespace linnet;
using namespace linnet::codegen;

namespace {

constexpr int64_t kWorkgroup = 256, kEach = 4;

/// Four elements of the result from four random words.
class Kernel {
public:
  Kernel(Value result, Value key, Value counter, GPUKernelFrame &frame)
      : e(frame.e), frame(frame), result(result), key(key), counter(counter) {}
  virtual ~Kernel() = default;
  LogicalResult emit();

protected:
  /// The views beside that of the result.
  virtual LogicalResult bind() { return success(); }
  /// n elements from the first-th on by their words; n is 4 where `flat`, else 1.
  virtual Value compute(Value words, Value first, int64_t n) = 0;
  Value position(const View &v, Value at) {
    return flat ? e.add(v.offset, at) : frame.position(v, unravel(e, at, v.sizes));
  }

  GPUEmitter &e;
  GPUKernelFrame &frame;
  View out;
  bool flat = true; ///< elements that follow each other lie together

private:
  void emitFour(ArrayRef<Value> words, Value first, Value left);

  Value result, key, counter;
};

class RandomKernel : public Kernel {
public:
  RandomKernel(RandomOp op, GPUKernelFrame &frame)
      : Kernel(op.getResult(), op.getKey(), op.getCounter(), frame) {}

private:
  Value compute(Value words, Value, int64_t) override { return toUniform(e, words, out.element); }
};

class DropoutKernel : public Kernel {
public:
  DropoutKernel(DropoutOp op, GPUKernelFrame &frame)
      : Kernel(op.getResult(), op.getKey(), op.getCounter(), frame), op(op) {}

private:
  LogicalResult bind() override;
  Value compute(Value words, Value first, int64_t n) override;

  DropoutOp op;
  View from;
};

} // namespace

LogicalResult DropoutKernel::bind() {
  FailureOr<View> in = frame.view(op.getInput());
  if (failed(in))
    return failure();
  from = *in;
  flat = flat && isFlat(op.getInput());
  return success();
}

Value DropoutKernel::compute(Value words, Value first, int64_t n) {
  double rate = op.getRate().convertToDouble();
  Value x = e.convert(e.loadTogether(from.memory, position(from, first), n), e.f32());
  Value scaled = e.mulf(x, e.fconst(x.getType(), rate < 1 ? 1 / (1 - rate) : 0));
  return e.convert(e.select(isKept(e, words, rate), scaled, e.zero(x.getType())), out.element);
}

void Kernel::emitFour(ArrayRef<Value> words, Value first, Value left) {
  auto together = [&] {
    e.storeTogether(compute(e.pack(words), first, kEach), out.memory, position(out, first));
  };
  auto alone = [&] {
    for (int64_t i = 0; i < kEach; ++i)
      e.ifThen(e.lt(e.index(i), left), [&] {
        Value at = e.add(first, i);
        e.store(compute(words[i], at, 1), out.memory, position(out, at));
      });
  };
  if (flat)
    e.ifThen(e.ge(left, e.index(kEach)), together, alone);
  else
    alone();
}

LogicalResult Kernel::emit() {
  FailureOr<std::optional<View>> stored = destination(frame, result);
  FailureOr<Value> k = loadSeed(frame, key), c = loadSeed(frame, counter);
  if (failed(stored) || failed(k) || failed(c))
    return failure();
  out = **stored;
  flat = frame.kernel.getYield().getValues()[0] == result;
  if (failed(bind()))
    return failure();
  Value n = product(e, out.sizes);
  Value unit = e.add(e.mul(frame.group, kWorkgroup), e.thread), first = e.mul(unit, kEach);
  e.ifThen(e.lt(first, n), [&] {
    std::array<Value, 4> words = Philox(e, *k, *c, /*lanes=*/0).elements(unit);
    emitFour(words, first, e.sub(n, first));
  });
  return success();
}

static LogicalResult select(exec::KernelOp kernel, Value result) {
  setStrategy(kernel, {{kThreads, kWorkgroup}});
  LaunchBuilder b(kernel);
  Value n = elementsOf(b, result);
  b.finish(b.ceilDiv(n, b.constant(kWorkgroup * kEach)), b.constant(0), b.mul(n, b.constant(20)),
           bytesTouched(b, kernel));
  return success();
}

const GPUKernelEmitter *linnet::codegen::getGPURandomEmitter() {
  static const GPUOpEmitter<RandomOp, RandomKernel> emitter(
      [](RandomOp op, exec::KernelOp kernel, const GPUTarget &) {
        return select(kernel, op.getResult());
      });
  return &emitter;
}

const GPUKernelEmitter *linnet::codegen::getGPUDropoutEmitter() {
  static const GPUOpEmitter<DropoutOp, DropoutKernel> emitter(
      [](DropoutOp op, exec::KernelOp kernel, const GPUTarget &) {
        return select(kernel, op.getResult());
      });
  return &emitter;
}
