//===- Planes.cpp - kernels that work on one image plane at a time --------===//
//
// Part of Linnet, under Apache-2.0 WITH LLVM-exception. See LICENSE.
//
//===----------------------------------------------------------------------===//
#include "Planes.h"
#include "../Epilogue.h"

using namespace mlir;
using namespace linnet;
using namespace linnet::codegen;

/// Elements of a chunk's planes, as a goal.
static constexpr int64_t kChunkElements = 16 * 1024;

void linnet::codegen::forPlanes(KernelFrame &frame, const Planes &planes, Value elements,
                                llvm::function_ref<void(Value, Value)> body) {
  Emitter &e = frame.e;
  Value channels = planes.view.sizes[1], count = e.mul(planes.view.sizes[0], channels);
  Value per = planesPerChunk(e, elements, e.index(kChunkElements), e.index(1));
  e.forLoop(e.mul(frame.begin, per), e.min(e.mul(frame.end, per), count), e.index(1),
            [&](Value plane) { body(e.div(plane, channels), e.rem(plane, channels)); });
}

Value linnet::codegen::planeBytes(LaunchBuilder &b, Value tensor) {
  return b.mul(b.add(elementsOf(b, tensor, 2), b.constant(kLanes)), b.constant(4));
}

void linnet::codegen::finishPlanes(LaunchBuilder &b, exec::KernelOp kernel, Value like,
                                   Value scratch, int64_t flops) {
  Value elements = elementsOf(b, like, 2), count = elementsOf(b, like, 0, 2);
  Value per = planesPerChunk(b, elements, b.constant(kChunkElements), b.constant(1));
  b.finish(b.ceilDiv(count, per), scratch ? scratch : b.constant(0),
           b.mul({count, elements, b.constant(flops)}), bytesTouched(b, kernel));
}

void PlaneSums::clear() {
  e.forLoop(e.index(0), to.elements(e), e.index(kLanes),
            [&](Value i) { e.vstore(e.vf(0), memory, i); });
}

void PlaneSums::add(Value position, Value x) {
  e.store(e.addf(e.load(memory, position), x), memory, position);
}

void PlaneSums::storeTo(Value base) {
  e.forLoop(to.size[0], [&](Value d) {
    e.forLoop(to.size[1], [&](Value h) {
      Row target = to.row(e, base, d, h);
      Value from = row(d, h);
      e.forLoop(e.index(0), to.size[2], e.index(kLanes), [&](Value w) {
        Value mask = e.mask(e.sub(to.size[2], w));
        Value x = e.convert(e.vload(memory, e.add(from, w), kLanes, mask), to.view.element);
        stridedStore(e, x, target.memory, e.add(target.from, e.mul(w, target.stride)),
                     target.stride, mask);
      });
    });
  });
}
