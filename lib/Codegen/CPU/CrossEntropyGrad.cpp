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
      : e(frame.e), frame(frame), rows(op, frame, frame.e.i64()) {}
  LogicalResult emit();

private:
  using Row = CrossEntropyGradRows::Row;
  void emitRow(Value number);
  void emitTarget(const Row &row);
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
  CrossEntropyGradRows rows;
  Value streams; ///< whether the result goes past the caches
};

} // namespace

LogicalResult Kernel::emit() {
  if (failed(rows.bind()))
    return failure();
  const View &out = rows.out;
  bool lines = out.element.isF32() && Emitter::constantOf(out.strides.back()) == 1;
  streams = lines ? frame.mayStream(out) : e.boolean(false);
  forLogitRows(frame, rows.logits, [&](Value number) { emitRow(number); });
  if (Emitter::constantOf(streams) != 0)
    e.ifThen(streams, [&] { e.fenceStreams(); });
  return success();
}

void Kernel::forColumns(llvm::function_ref<void(Value, const Lanes &)> body) {
  Value classes = rows.classes;
  Value full = e.mul(e.div(classes, kLanes), kLanes);
  e.forLoop(e.index(0), full, e.index(kLanes), [&](Value c) { body(c, {}); });
  auto known = Emitter::constantOf(classes);
  if (!known || *known % kLanes)
    e.ifThen(e.lt(full, classes), [&] { body(full, Lanes::of(e, classes, full)); });
}

void Kernel::emitRow(Value number) {
  Row row = rows.row(number);
  e.ifThen(
      row.counts,
      [&] {
        if (Emitter::constantOf(streams) == 0)
          emitColumns(row);
        else
          e.ifThen(streams, [&] { streamColumns(row); }, [&] { emitColumns(row); });
        emitTarget(row);
      },
      [&] { forColumns([&](Value c, const Lanes &lanes) { put(row, e.vf(0), c, lanes); }); });
}

Value Kernel::gradient(const Row &row, Value column, const Lanes &lanes) {
  const View &logits = rows.logits;
  unsigned axis = logits.rank() - 1;
  Value at = e.add(row.from, e.mul(column, logits.strides[axis]));
  return rows.gradient(row, share(loadLanes(e, logits, at, axis, lanes), e.splat(row.lse)));
}

void Kernel::put(const Row &row, Value x, Value column, const Lanes &lanes) {
  const View &out = rows.out;
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
  const View &logits = rows.logits, &out = rows.out;
  Value classes = rows.classes;
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

void Kernel::emitTarget(const Row &row) {
  const View &logits = rows.logits, &out = rows.out;
  e.ifThen(
      isClass(e, row.target, rows.classes),
      [&] {
        Value at = e.add(row.from, e.mul(row.target, logits.strides.back()));
        Value y = rows.targetGradient(row, share(loadFloat(e, logits, at), row.lse));
        frame.store(e.convert(y, out.element), out,
                    e.add(row.to, e.mul(row.target, out.strides.back())));
      },
      [&] { frame.fault(0, row.number); });
}

const KernelEmitter *linnet::codegen::getCrossEntropyGradEmitter() {
  static const OpEmitter<CrossEntropyGradOp, Kernel> emitter(
      [](CrossEntropyGradOp op, exec::KernelOp kernel) {
        return selectLogitRows(kernel, op, op.getLogits(), op.getTargets());
      },
      [](CrossEntropyGradOp op) { return op.getReduction() != LossReduction::mean; });
  return &emitter;
}
