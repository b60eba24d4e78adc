//===- CrossEntropyGrad.cpp - gradient of cross entropy -------------------===//
//
// Part of Linnet, under Apache-2.0 WITH LLVM-exception. See LICENSE.
//
// A row is written in one pass as if it had no target; the target's element is then written
// again.
//
//===----------------------------------------------------------------------===//
#include "Emitters.h"
#include "OpKernel.h"
#include "linnet/IR/LinnetOps.h"
#include "llvm/Support/MathExtras.h"

using namespace mlir;
using namespace linnet;
using namespace linnet::codegen;

namespace {

/// Logits of a chunk, as a goal.
constexpr int64_t kChunkWork = 16384;

class CrossEntropyGradEmitter final : public KernelEmitter {
public:
  StringRef getName() const override { return "cross_entropy_grad"; }
  bool match(exec::KernelOp kernel) const override {
    auto op = findOnly<CrossEntropyGradOp>(kernel);
    return op && op.getReduction() != LossReduction::mean;
  }
  LogicalResult select(exec::KernelOp kernel, const llvm::BitVector &constant) const override;
  LogicalResult emit(exec::KernelOp kernel, KernelFrame &frame) const override;
};

class Kernel {
public:
  Kernel(CrossEntropyGradOp op, KernelFrame &frame)
      : e(frame.e), frame(frame), op(op), smoothing(op.getSmoothing()) {}
  LogicalResult emit();

private:
  void emitRow(Value row);
  void emitTarget(Value row, Value target, Value from, Value to, Value lse, Value g);
  void forColumns(llvm::function_ref<void(Value column, const Lanes &lanes)> body);
  Value share(Value x, Value lse) {
    return e.exp2Fast(e.mulf(e.subf(x, lse), e.fconst(x.getType(), llvm::numbers::log2e)));
  }

  Emitter &e;
  KernelFrame &frame;
  CrossEntropyGradOp op;
  double smoothing;
  View grad, logits, targets, sums, out;
  Value classes, spread; ///< spread: smoothing / classes
};

} // namespace

LogicalResult Kernel::emit() {
  FailureOr<SmallVector<View>> views = operandViews(frame, op);
  FailureOr<std::optional<View>> result = destination(frame, op.getResult());
  if (failed(views) || failed(result))
    return failure();
  grad = (*views)[0];
  logits = (*views)[1];
  targets = (*views)[2];
  sums = (*views)[3];
  out = **result;
  classes = logits.sizes.back();
  Value count = arith::SIToFPOp::create(e, e.f32(), e.toInt(classes, e.i64()));
  spread = e.divf(e.f(smoothing), count);
  Value rows = e.index(1);
  for (Value size : targets.sizes)
    rows = e.mul(rows, size);
  Value perChunk = e.ceilDiv(e.index(kChunkWork), e.max(classes, e.index(1)));
  Value last = e.min(e.mul(frame.end, perChunk), rows);
  e.forLoop(e.mul(frame.begin, perChunk), last, e.index(1), [&](Value row) { emitRow(row); });
  return success();
}

void Kernel::forColumns(llvm::function_ref<void(Value, const Lanes &)> body) {
  Value full = e.mul(e.div(classes, kLanes), kLanes);
  e.forLoop(e.index(0), full, e.index(kLanes), [&](Value c) { body(c, {}); });
  auto known = Emitter::constantOf(classes);
  if (!known || *known % kLanes)
    e.ifThen(e.lt(full, classes), [&] { body(full, Lanes::of(e, classes, full)); });
}

void Kernel::emitRow(Value row) {
  Values at(targets.rank());
  Value rest = row;
  for (unsigned d = targets.rank(); d-- > 0;) {
    at[d] = d ? e.rem(rest, targets.sizes[d]) : rest;
    rest = d ? e.div(rest, targets.sizes[d]) : rest;
  }
  Values first = at;
  first.push_back(e.index(0));
  unsigned axis = logits.rank() - 1;
  Value from = frame.position(logits, first), to = frame.position(out, first);
  Value target = e.toIndex(frame.load(targets, frame.position(targets, at)));
  Value lse = frame.load(sums, frame.position(sums, at));
  bool perRow = op.getReduction() == LossReduction::none;
  Value g = frame.load(grad, perRow ? frame.position(grad, at) : grad.offset);
  int64_t ignored = static_cast<int64_t>(op.getIgnoreIndex());
  Value counts = arith::CmpIOp::create(e, arith::CmpIPredicate::ne, target, e.index(ignored));
  auto put = [&](Value x, Value c, const Lanes &lanes) {
    storeLanes(e, x, out, e.add(to, e.mul(c, out.strides[axis])), axis, lanes);
  };
  auto zeros = [&] { forColumns([&](Value c, const Lanes &lanes) { put(e.vf(0), c, lanes); }); };
  e.ifThen(
      counts,
      [&] {
        Value factor = e.splat(g), shift = e.splat(e.mulf(spread, g)), level = e.splat(lse);
        forColumns([&](Value c, const Lanes &lanes) {
          Value x = loadLanes(e, logits, e.add(from, e.mul(c, logits.strides[axis])), axis, lanes);
          Value y = e.mulf(share(x, level), factor);
          put(smoothing ? e.subf(y, shift) : y, c, lanes);
        });
        emitTarget(row, target, from, to, lse, g);
      },
      zeros);
}

void Kernel::emitTarget(Value row, Value target, Value from, Value to, Value lse, Value g) {
  Value known = e.both(e.ge(target, e.index(0)), e.lt(target, classes));
  e.ifThen(
      known,
      [&] {
        Value x = loadFloat(e, logits, e.add(from, e.mul(target, logits.strides.back())));
        Value d = e.subf(share(x, lse), e.f(1 - smoothing));
        Value y = e.mulf(smoothing ? e.subf(d, spread) : d, g);
        frame.store(e.convert(y, out.element), out, e.add(to, e.mul(target, out.strides.back())));
      },
      [&] { frame.fault(0, row); });
}

LogicalResult CrossEntropyGradEmitter::select(exec::KernelOp kernel,
                                              const llvm::BitVector &) const {
  auto op = findOnly<CrossEntropyGradOp>(kernel);
  setStrategy(kernel, {});
  declareFault(kernel, op, "target out of range");
  LaunchBuilder b(kernel);
  unsigned rank = op.getTargets().getType().getRank();
  Value classes = b.sizeOf(op.getLogits(), rank), rows = b.constant(1);
  for (unsigned d = 0; d < rank; ++d)
    rows = b.mul(rows, b.sizeOf(op.getTargets(), d));
  Value perChunk = b.ceilDiv(b.constant(kChunkWork), b.max(classes, b.constant(1)));
  b.finish(b.ceilDiv(rows, perChunk), b.constant(0), b.mul({rows, classes, b.constant(4)}),
           bytesTouched(b, kernel));
  return success();
}

LogicalResult CrossEntropyGradEmitter::emit(exec::KernelOp kernel, KernelFrame &frame) const {
  return Kernel(findOnly<CrossEntropyGradOp>(kernel), frame).emit();
}

const KernelEmitter *linnet::codegen::getCrossEntropyGradEmitter() {
  static const CrossEntropyGradEmitter emitter;
  return &emitter;
}
