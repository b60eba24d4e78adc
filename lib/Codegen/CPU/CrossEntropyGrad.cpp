//===- CrossEntropyGrad.cpp - gradient of cross entropy -------------------===//
//
// Part of Linnet, under Apache-2.0 WITH LLVM-exception. See LICENSE.
//
// A row is written in one pass as if it had no target; the target's element is then written
// again. Large gradients go past the caches; what is stored does not depend on the lane, so a row
// may begin anywhere in a line.
//
//===----------------------------------------------------------------------===//
#include "CrossEntropy.h"
#include "Emitters.h"
#include "linnet/IR/LinnetOps.h"
#include "llvm/Support/MathExtras.h"

using namespace mlir;
using namespace linnet;
using namespace linnet::codegen;

namespace {

/// Vectors that are loaded before any of them is stored: see docs/rationale/norm.md.
constexpr int64_t kTogether = 4;
/// Logits that are asked for ahead.
constexpr int64_t kAhead = 512;

class Kernel {
public:
  Kernel(CrossEntropyGradOp op, KernelFrame &frame)
      : e(frame.e), frame(frame), op(op), smoothing(op.getSmoothing()) {}
  LogicalResult emit();

private:
  void emitRow(Value row);
  void emitTarget(Value row, Value target, Value from, Value to, Value lse, Value g);
  /// Of a row from position `from` to position `to`.
  struct Row {
    Value from, to, lse, g;
  };
  void emitColumns(const Row &row);
  void streamColumns(const Row &row);
  Value gradient(const Row &row, Value column, const Lanes &lanes);
  void put(const Row &row, Value x, Value column, const Lanes &lanes);
  void emitPart(const Row &row, Value first, Value last);
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
  Value streams;         ///< whether the result goes past the caches
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
  bool lines = out.element.isF32() && Emitter::constantOf(out.strides.back()) == 1;
  streams = lines ? frame.mayStream(out) : e.boolean(false);
  forLogitRows(frame, logits, [&](Value row) { emitRow(row); });
  if (Emitter::constantOf(streams) != 0)
    e.ifThen(streams, [&] { e.fenceStreams(); });
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
  Values at = unravel(e, row, targets.sizes), first = at;
  first.push_back(e.index(0));
  Value from = frame.position(logits, first), to = frame.position(out, first);
  Value target = e.toIndex(frame.load(targets, frame.position(targets, at)));
  Value lse = frame.load(sums, frame.position(sums, at));
  bool perRow = op.getReduction() == LossReduction::none;
  Value g = frame.load(grad, perRow ? frame.position(grad, at) : grad.offset);
  int64_t ignored = static_cast<int64_t>(op.getIgnoreIndex());
  Value counts = arith::CmpIOp::create(e, arith::CmpIPredicate::ne, target, e.index(ignored));
  Row all{from, to, lse, g};
  e.ifThen(
      counts,
      [&] {
        if (Emitter::constantOf(streams) == 0)
          emitColumns(all);
        else
          e.ifThen(streams, [&] { streamColumns(all); }, [&] { emitColumns(all); });
        emitTarget(row, target, from, to, lse, g);
      },
      [&] { forColumns([&](Value c, const Lanes &lanes) { put(all, e.vf(0), c, lanes); }); });
}

Value Kernel::gradient(const Row &row, Value column, const Lanes &lanes) {
  unsigned axis = logits.rank() - 1;
  Value at = e.add(row.from, e.mul(column, logits.strides[axis]));
  Value y = e.mulf(share(loadLanes(e, logits, at, axis, lanes), e.splat(row.lse)), e.splat(row.g));
  return smoothing ? e.subf(y, e.splat(e.mulf(spread, row.g))) : y;
}

void Kernel::put(const Row &row, Value x, Value column, const Lanes &lanes) {
  unsigned axis = out.rank() - 1;
  storeLanes(e, x, out, e.add(row.to, e.mul(column, out.strides[axis])), axis, lanes);
}

void Kernel::emitColumns(const Row &row) {
  forColumns([&](Value c, const Lanes &lanes) { put(row, gradient(row, c, lanes), c, lanes); });
}

/// Fewer columns than a vector.
void Kernel::emitPart(const Row &row, Value first, Value last) {
  e.ifThen(e.lt(first, last), [&] {
    Lanes lanes{e.sub(last, first), e.mask(e.sub(last, first))};
    put(row, gradient(row, first, lanes), first, lanes);
  });
}

/// What lies before the first line, whole lines, the rest.
void Kernel::streamColumns(const Row &row) {
  Value bytes = e.index(bytesOf(out)), line = e.index(kLanes * bytesOf(out));
  Value address = e.add(e.addressOf(out.memory), e.mul(row.to, bytes));
  Value before = e.div(e.rem(e.sub(line, e.rem(address, line)), line), bytes);
  Value start = e.min(before, classes), count = e.sub(classes, start);
  auto multiple = [&](int64_t n) { return e.add(start, e.mul(e.div(count, n), n)); };
  Value groups = multiple(kTogether * kLanes), whole = multiple(kLanes);
  auto vectors = [&](Value c, int64_t some) {
    Values x;
    for (int64_t i = 0; i < some; ++i)
      x.push_back(gradient(row, e.add(c, i * kLanes), {}));
    for (int64_t i = 0; i < some; ++i)
      e.vstream(x[i], out.memory, e.add(row.to, e.add(c, i * kLanes)));
    for (int64_t i = 0; i < some; ++i)
      e.prefetch(logits.memory, e.add(row.from, e.add(c, i * kLanes + kAhead)), /*write=*/false,
                 /*locality=*/3);
  };
  emitPart(row, e.index(0), start);
  e.forLoop(start, groups, e.index(kTogether * kLanes), [&](Value c) { vectors(c, kTogether); });
  e.forLoop(groups, whole, e.index(kLanes), [&](Value c) { vectors(c, 1); });
  emitPart(row, whole, classes);
}

void Kernel::emitTarget(Value row, Value target, Value from, Value to, Value lse, Value g) {
  e.ifThen(
      isClass(e, target, classes),
      [&] {
        Value x = loadFloat(e, logits, e.add(from, e.mul(target, logits.strides.back())));
        Value d = e.subf(share(x, lse), e.f(1 - smoothing));
        Value y = e.mulf(smoothing ? e.subf(d, spread) : d, g);
        frame.store(e.convert(y, out.element), out, e.add(to, e.mul(target, out.strides.back())));
      },
      [&] { frame.fault(0, row); });
}

const KernelEmitter *linnet::codegen::getCrossEntropyGradEmitter() {
  static const OpEmitter<CrossEntropyGradOp, Kernel> emitter(
      [](CrossEntropyGradOp op, exec::KernelOp kernel) {
        return selectLogitRows(kernel, op, op.getLogits(), op.getTargets());
      },
      [](CrossEntropyGradOp op) { return op.getReduction() != LossReduction::mean; });
  return &emitter;
}
