//===- Loops.cpp - the emitter of loops kernels -----------------------------===//
//
// Part of Linnet, under Apache-2.0 WITH LLVM-exception. See LICENSE.
//
// Elementwise ops, reductions, gathers and what puts tensors together: everything that no other
// emitter takes. See LoopsPlan.h for how a body is cut up.
//
//===----------------------------------------------------------------------===//
#include "../LoopsLaunch.h"
#include "Emitters.h"
#include "LoopsEmitter.h"

using namespace mlir;
using namespace linnet;
using namespace linnet::codegen;

//===----------------------------------------------------------------------===//
// Shape: the same arithmetic in the launch and in the kernel
//===----------------------------------------------------------------------===//

static Value number(LaunchBuilder &b, int64_t v) { return b.constant(v); }
static Value number(Emitter &e, int64_t v) { return e.index(v); }

/// Products of the inner loops: the largest says how much work a point is.
template <typename Builder>
static Value innerWork(const LoopsPlan &plan, Builder &b,
                       llvm::function_ref<Value(const SizeOf &)> size) {
  Value most = number(b, 1);
  for (const Stage &s : plan.stages) {
    OpLoops loops = s.op ? OpLoops(s.op) : OpLoops(s.copied);
    Value work = number(b, 1);
    for (const SizeOf &d : ArrayRef(loops.sizes).drop_front(plan.outer))
      work = b.mul(work, size(d));
    most = b.max(most, work);
  }
  return most;
}

template <typename Builder>
static LoopsShape makeShape(const LoopsPlan &plan, Builder &b,
                            llvm::function_ref<Value(const SizeOf &)> size) {
  LoopsShape shape;
  mergeAxes(plan, b, size, shape.axes, shape.axisLoops);
  Value work = innerWork(plan, b, size), one = number(b, 1);
  shape.units = shape.blocks = one;
  ArrayRef<Value> rows(shape.axes);
  if (plan.lanesAreOuter) {
    Value block = number(b, kBlock), row = rows.back();
    shape.units = shape.blocks = b.ceilDiv(row, block);
    work = b.max(b.mul(work, b.min(row, block)), one);
    rows = rows.drop_back();
  }
  for (Value n : rows)
    shape.units = b.mul(shape.units, n);
  shape.perChunk = b.ceilDiv(number(b, kChunkWork), work);
  Value at = number(b, 0), line = number(b, 64);
  for (Value v : plan.scratch) {
    auto type = cast<RankedTensorType>(v.getType());
    Value bytes =
        number(b, bytesOfElement(type.getElementType()) * (plan.lanesAreOuter ? kLanes : 1));
    for (unsigned d = plan.outer; d < type.getRank(); ++d)
      bytes = b.mul(bytes, size({v, d}));
    shape.offsets.push_back(at);
    if (plan.trailing) { // twice, half a page apart in the sets of a cache
      Value page = number(b, 4096);
      bytes = b.add(b.mul(b.ceilDiv(bytes, page), page), number(b, 2048));
      shape.pitches.push_back(bytes);
      bytes = b.add(bytes, bytes);
    }
    at = b.add(at, b.mul(b.ceilDiv(bytes, line), line));
  }
  shape.scratch = at;
  return shape;
}

LoopsShape linnet::codegen::getLoopsShape(const LoopsPlan &plan, Emitter &e,
                                          llvm::function_ref<Value(const SizeOf &)> size) {
  return makeShape(plan, e, size);
}

//===----------------------------------------------------------------------===//
// Emitter
//===----------------------------------------------------------------------===//

namespace {
class Loops : public KernelEmitter {
public:
  StringRef getName() const override { return "loops"; }
  bool match(exec::KernelOp kernel) const override { return canEmitLoops(kernel); }

  LogicalResult select(exec::KernelOp kernel, const llvm::BitVector &) const override {
    LoopsPlan plan = planLoops(kernel);
    declareFaults(kernel, plan);
    Builder attrs(kernel.getContext());
    kernel.setStrategyAttr(attrs.getDictionaryAttr(
        {attrs.getNamedAttr("outer", attrs.getI64IntegerAttr(plan.outer)),
         attrs.getNamedAttr("lanes",
                            attrs.getStringAttr(plan.lanesAreOuter ? "outer" : "inner"))}));
    LaunchBuilder b(kernel);
    LoopsShape shape =
        makeShape(plan, b, [&](const SizeOf &s) { return b.sizeOf(s.tensor, s.dim); });
    b.finish(b.ceilDiv(shape.units, shape.perChunk), shape.scratch, countLoopsFlops(kernel, b),
             countLoopsBytes(kernel, b));
    return success();
  }

  LogicalResult emit(exec::KernelOp kernel, KernelFrame &frame) const override {
    LoopsPlan plan = planLoops(kernel);
    return LoopsEmitter(frame, plan).run();
  }
};
} // namespace

const KernelEmitter *linnet::codegen::getLoopsEmitter() {
  static const Loops emitter;
  return &emitter;
}
