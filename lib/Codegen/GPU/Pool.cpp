//===- Pool.cpp - maxima and means over windows on GPUs ---------------------===//
//
// Part of Linnet, under Apache-2.0 WITH LLVM-exception. See LICENSE.
//
// Windows of a tile share what they see in workgroup memory (WindowTile). Where they are too large
// for that, a team of threads goes through the taps of one.
//
//===----------------------------------------------------------------------===//
#include "Pool.h"
#include "Emitters.h"
#include "WindowTile.h"
#include "linnet/IR/LinnetOps.h"
#include "mlir/Dialect/Arith/IR/Arith.h"
#include "llvm/ADT/TypeSwitch.h"

using namespace mlir;
using namespace linnet;
using namespace linnet::codegen;

Value PoolKernel::countOf(const Planes &on, ArrayRef<Value> window, bool padded) {
  Value count = e.index(1);
  for (unsigned i = 0; i < 3; ++i)
    count = e.mul(count, c.tapsInside(e, i, window[i], on.size[i], padded));
  count = e.max(count, e.index(1));
  return arith::SIToFPOp::create(e, e.f32(), e.toInt(count, e.getI32Type()));
}

//===----------------------------------------------------------------------===//
// Forward
//===----------------------------------------------------------------------===//

namespace {

/// Threads of a workgroup of teams.
constexpr int64_t kTeamThreads = 128;

class Forward : PoolKernel {
public:
  Forward(GPUKernelFrame &frame, const Windows &windows, Operation *op)
      : PoolKernel(frame, windows), op(op), isMax(isa<MaxPoolOp>(op)) {}
  LogicalResult emit();

private:
  void emitTile();
  void emitTeams(int64_t width);
  Value outside() { return e.f(isMax ? -std::numeric_limits<float>::infinity() : 0.0); }
  Value combine(Value a, Value b) {
    return isMax ? Value(arith::MaximumFOp::create(e, a, b)) : e.addf(a, b);
  }
  void finish(Value x, Value plane, ArrayRef<Value> at);

  Operation *op;
  bool isMax;
};

} // namespace

void Forward::finish(Value x, Value plane, ArrayRef<Value> at) {
  if (auto mean = dyn_cast<AvgPoolOp>(op))
    x = e.divf(x, countOf(from, at, mean.getCountIncludePad()));
  store(x, to, positionOf(to, plane, at));
}

void Forward::emitTile() {
  WindowTile tile(f, c, from, planesOf(to), to.size);
  tile.load(e.f32(), outside(), [&](Value plane) { return baseOf(from, plane); });
  Values results = tile.forTaps(outside(), [&](Value, ValueRange x, Values carried) {
    for (auto [result, element] : llvm::zip_equal(carried, x))
      result = combine(result, element);
    return carried;
  });
  tile.forWindows(results, [&](Value x, Value plane, ArrayRef<Value> at) { finish(x, plane, at); });
}

void Forward::emitTeams(int64_t width) {
  Value number = e.add(e.mul(f.group, kTeamThreads / width), e.div(e.thread, width));
  Value exists = e.lt(number, e.mul(planesOf(to), to.elements(e)));
  Values at = unravel(e, number, {planesOf(to), to.size[0], to.size[1], to.size[2]});
  WindowGather gather(e, c, from, to.size);
  WindowGather::Window window =
      gather.windowAt(baseOf(from, at[0]), ArrayRef(at).drop_front(), exists);
  Value lane = e.rem(e.thread, width);
  Value x = e.forLoop(lane, e.index(c.taps()), e.index(width), outside(),
                      [&](Value number, ValueRange carried) -> Values {
                        WindowGather::Tap tap = gather.tapAt(number);
                        Value element = e.ifElse(
                            gather.isInside(window, tap), TypeRange{e.f32()},
                            [&] { return Values{load(from, gather.position(window, tap))}; },
                            [&] { return Values{outside()}; })[0];
                        return {combine(carried[0], element)};
                      })[0];
  x = e.reduceTeam(x, width, [&](Value a, Value b) { return combine(a, b); });
  e.ifThen(e.both(exists, e.eq(lane, e.index(0))),
           [&] { finish(x, at[0], ArrayRef(at).drop_front()); });
}

LogicalResult Forward::emit() {
  if (failed(bind(op->getOperand(0), op->getResult(0))))
    return failure();
  if (WindowShape::isIn(f))
    emitTile();
  else
    emitTeams(f.strategyInt("team"));
  return success();
}

static LogicalResult selectForward(Operation *op, const Windows &c, exec::KernelOp kernel) {
  Value result = op->getResult(0), chunks;
  LaunchBuilder b(kernel);
  Value planes = elementsOf(b, result, 0, 2), elements = elementsOf(b, result);
  if (std::optional<WindowShape> shape = WindowShape::choose(c, staticPlane(result))) {
    shape->select(kernel);
    chunks = shape->chunks(b, planes, planeSizes(b, result));
  } else {
    int64_t width = llvm::PowerOf2Ceil(llvm::divideCeil(c.taps(), 4));
    width = std::min(width, kTeamThreads);
    setStrategy(kernel, {{kThreads, kTeamThreads}, {"team", width}});
    chunks = b.ceilDiv(elements, b.constant(kTeamThreads / width));
  }
  b.finish(chunks, b.constant(0), b.mul(elements, b.constant(c.taps())), bytesTouched(b, kernel));
  return success();
}

//===----------------------------------------------------------------------===//
// Emitter
//===----------------------------------------------------------------------===//

namespace {
class GPUPoolEmitter final : public GPUKernelEmitter {
public:
  StringRef getName() const override { return "pool"; }
  bool match(exec::KernelOp kernel) const override { return root(kernel); }
  LogicalResult select(exec::KernelOp kernel, const GPUTarget &target) const override {
    Operation *op = root(kernel);
    return isGrad(op) ? selectPoolGrad(op, windowsOf(op), kernel, target)
                      : selectForward(op, windowsOf(op), kernel);
  }
  LogicalResult emit(exec::KernelOp kernel, GPUKernelFrame &frame) const override {
    Operation *op = root(kernel);
    return isGrad(op) ? emitPoolGrad(op, windowsOf(op), frame)
                      : Forward(frame, windowsOf(op), op).emit();
  }

private:
  static bool isGrad(Operation *op) { return isa<MaxPoolGradOp, AvgPoolGradOp>(op); }
  static Windows windowsOf(Operation *op) {
    return llvm::TypeSwitch<Operation *, Windows>(op)
        .Case<MaxPoolOp, AvgPoolOp, MaxPoolGradOp, AvgPoolGradOp>(
            [](auto pool) { return Windows::ofPool(pool); });
  }
  static Operation *root(exec::KernelOp kernel) {
    return findOnlyOp(kernel, llvm::IsaPred<MaxPoolOp, AvgPoolOp, MaxPoolGradOp, AvgPoolGradOp>);
  }
};
} // namespace

const GPUKernelEmitter *linnet::codegen::getGPUPoolEmitter() {
  static const GPUPoolEmitter emitter;
  return &emitter;
}
