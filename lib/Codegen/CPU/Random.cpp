//===- Random.cpp - counter-based random numbers --------------------------===//
//
// Part of Linnet, under Apache-2.0 WITH LLVM-exception. See LICENSE.
//
//===----------------------------------------------------------------------===//
#include "Emitters.h"
#include "OpKernel.h"
#include "PhiloxBlocks.h"
#include "linnet/IR/LinnetOps.h"

using namespace mlir;
using namespace linnet;
using namespace linnet::codegen;

namespace {

class Kernel {
public:
  Kernel(RandomOp op, KernelFrame &frame) : e(frame.e), frame(frame), op(op) {}
  LogicalResult emit();

private:
  Emitter &e;
  KernelFrame &frame;
  RandomOp op;
};

} // namespace

/// Vectors are stored one behind the other: the result is not put into a slice.
static bool isWhole(RandomOp op) {
  auto values = op->getParentOfType<exec::KernelOp>().getYield().getValues();
  return values.size() == 1 && values[0] == op.getResult();
}

LogicalResult Kernel::emit() {
  FailureOr<std::optional<View>> out = destination(frame, op.getResult());
  if (failed(out))
    return failure();
  View target = **out;
  FailureOr<Value> key = loadSeed(frame, op.getKey());
  FailureOr<Value> counter = loadSeed(frame, op.getCounter());
  if (failed(key) || failed(counter))
    return failure();

  Philox philox(e, *key, *counter);
  forPhiloxBlocks(frame, target.sizes, [&](Value at, Value left) {
    std::array<Value, 4> x = philox.elements(e.div(at, 4));
    for (Value &w : x)
      w = toUniform(e, w, target.element);
    auto put = [&](bool masked) {
      for (int64_t i = 0; i < 4; ++i)
        e.vstore(x[i], target.memory, e.add(at, i * kLanes),
                 masked ? e.mask(e.sub(left, i * kLanes)) : Value());
    };
    e.ifThen(e.ge(left, e.index(Philox::kBlock)), [&] { put(false); }, [&] { put(true); });
  });
  return success();
}

const KernelEmitter *linnet::codegen::getRandomEmitter() {
  static const OpEmitter<RandomOp, Kernel> emitter(
      [](RandomOp op, exec::KernelOp kernel) { return selectPhilox(kernel, op.getResult()); },
      isWhole);
  return &emitter;
}
