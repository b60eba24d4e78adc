//===- PhiloxBlocks.cpp - the kernels of random numbers on CPUs ------------===//
//
// Part of Linnet, under Apache-2.0 WITH LLVM-exception. See LICENSE.
//
//===----------------------------------------------------------------------===//
#include "PhiloxBlocks.h"
#include "OpKernel.h"

using namespace mlir;
using namespace linnet;
using namespace linnet::codegen;

static constexpr int64_t kBlocksPerChunk = 256;

LogicalResult linnet::codegen::selectPhilox(exec::KernelOp kernel, Value result) {
  setStrategy(kernel, {});
  LaunchBuilder b(kernel);
  Value n = elementsOf(b, result);
  Value chunks = b.ceilDiv(n, b.constant(Philox::kBlock * kBlocksPerChunk));
  b.finish(chunks, b.constant(0), b.mul(n, b.constant(20)), bytesTouched(b, kernel));
  return success();
}

void linnet::codegen::forPhiloxBlocks(KernelFrame &frame, ArrayRef<Value> sizes,
                                      function_ref<void(Value, Value)> body) {
  Emitter &e = frame.e;
  Value n = product(e, sizes);
  Value last = e.min(e.mul(frame.end, kBlocksPerChunk), e.ceilDiv(n, Philox::kBlock));
  e.forLoop(e.mul(frame.begin, kBlocksPerChunk), last, e.index(1), [&](Value block) {
    Value first = e.mul(block, Philox::kBlock);
    body(first, e.sub(n, first));
  });
}
