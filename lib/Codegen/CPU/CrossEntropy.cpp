//===- CrossEntropy.cpp - cross entropy of rows of logits -----------------===//
//
// Part of Linnet, under Apache-2.0 WITH LLVM-exception. See LICENSE.
//
// A row is read once. Every lane keeps a running maximum m and the sum of exp(x - m), which is
// rescaled once per block of vectors; at the end of the row the lanes meet in a tree.
//
//===----------------------------------------------------------------------===//
#include "CrossEntropy.h"
#include "Emitters.h"
#include "llvm/Support/MathExtras.h"

using namespace mlir;
using namespace linnet;
using namespace linnet::codegen;

namespace {

/// Vectors between two changes of the running maximum.
constexpr int64_t kBlockVectors = 8;

class Kernel {
public:
  Kernel(CrossEntropyOp op, KernelFrame &frame)
      : e(frame.e), frame(frame), op(op), rows(op, frame, frame.e.i64()) {}
  LogicalResult emit();

private:
  /// Per lane: maximum, sum of exponentials below it, sum of logits.
  struct Running {
    Value top, sum, total;
  };
  void emitRow(Value number);
  Running reduceRow(Value start);
  Running update(Running r, const Values &x);
  Value scaled(Value x) { return e.mulf(x, e.fconst(x.getType(), llvm::numbers::log2e)); }
  Value sumOf(Running r, Value top);

  Emitter &e;
  KernelFrame &frame;
  CrossEntropyOp op;
  CrossEntropyRows rows;
};

} // namespace

LogicalResult Kernel::emit() {
  if (failed(rows.bind()))
    return failure();
  forLogitRows(frame, rows.logits, [&](Value number) { emitRow(number); });
  return success();
}

// One block: the maximum first, then the sum is rescaled once and every element is added.
Kernel::Running Kernel::update(Running r, const Values &x) {
  Value most = x[0];
  for (Value v : ArrayRef(x).drop_front())
    most = e.maxf(most, v);
  Value top = e.maxf(most, r.top);
  Values powers;
  for (Value v : x)
    powers.push_back(e.exp2Fast(scaled(e.subf(v, top))));
  auto addUp = [&](Values parts) {
    while (parts.size() > 1) {
      for (size_t i = 0, half = parts.size() / 2; i < half; ++i)
        parts[i] = e.addf(parts[i], parts[i + half]);
      parts.resize(parts.size() / 2);
    }
    return parts[0];
  };
  Value before = e.mulf(r.sum, e.exp2Fast(scaled(e.subf(r.top, top))));
  Value total = op.getSmoothing() ? e.addf(r.total, addUp(x)) : r.total;
  return {top, e.addf(before, addUp(powers)), total};
}

Kernel::Running Kernel::reduceRow(Value start) {
  const View &logits = rows.logits;
  Value classes = rows.classes;
  unsigned axis = logits.rank() - 1;
  auto load = [&](Value c, const Lanes &lanes) {
    Value at = e.add(start, e.mul(c, logits.strides[axis]));
    return loadLanes(e, logits, at, axis, lanes);
  };
  auto unpack = [](ValueRange in) { return Running{in[0], in[1], in[2]}; };
  auto pack = [](Running r) { return Values{r.top, r.sum, r.total}; };
  // the lowest number instead of -inf: lanes that see only -inf keep a sum of 0
  Values carried = {e.vf(-std::numeric_limits<float>::max()), e.vf(0), e.vf(0)};
  int64_t width = kBlockVectors * kLanes;
  Value blocks = e.mul(e.div(classes, width), width);
  Value full = e.mul(e.div(classes, kLanes), kLanes);
  carried = e.forLoop(e.index(0), blocks, e.index(width), carried, [&](Value c, ValueRange in) {
    Values x;
    for (int64_t i = 0; i < kBlockVectors; ++i)
      x.push_back(load(e.add(c, i * kLanes), {}));
    return pack(update(unpack(in), x));
  });
  carried = e.forLoop(blocks, full, e.index(kLanes), carried, [&](Value c, ValueRange in) {
    return pack(update(unpack(in), {load(c, {})}));
  });
  auto size = Emitter::constantOf(classes);
  if (size && *size % kLanes == 0)
    return unpack(carried);
  auto rest = [&] {
    Lanes lanes = Lanes::of(e, classes, full);
    Value x = load(full, lanes);
    Running r = unpack(carried);
    Value total = e.addf(r.total, x); // absent lanes are 0
    Value absent = e.vf(-std::numeric_limits<float>::infinity());
    r = update(r, {e.select(lanes.mask, x, absent)});
    return pack({r.top, r.sum, total});
  };
  return unpack(
      e.ifElse(e.lt(full, classes), TypeRange(ValueRange(carried)), rest, [&] { return carried; }));
}

// The sums of all lanes, relative to one maximum.
Value Kernel::sumOf(Running r, Value top) {
  return e.sumLanes(e.mulf(r.sum, e.exp2Fast(scaled(e.subf(r.top, e.splat(top))))));
}

void Kernel::emitRow(Value number) {
  CrossEntropyRows::Row row = rows.row(number);
  Running r = reduceRow(row.start);
  Value top = e.maxLanes(r.top);
  rows.finish(row, top, sumOf(r, top), [&] { return e.sumLanes(r.total); });
}

//===----------------------------------------------------------------------===//
// Rows of logits
//===----------------------------------------------------------------------===//

/// Logits of a chunk, as a goal.
static constexpr int64_t kChunkWork = 16384;

void linnet::codegen::forLogitRows(KernelFrame &frame, const View &logits,
                                   llvm::function_ref<void(Value)> body) {
  Emitter &e = frame.e;
  Value rows = product(e, ArrayRef(logits.sizes).drop_back());
  Value perChunk = e.ceilDiv(e.index(kChunkWork), e.max(logits.sizes.back(), e.index(1)));
  Value last = e.min(e.mul(frame.end, perChunk), rows);
  e.forLoop(e.mul(frame.begin, perChunk), last, e.index(1), body);
}

LogicalResult linnet::codegen::selectLogitRows(exec::KernelOp kernel, Operation *op, Value logits,
                                               Value targets) {
  setStrategy(kernel, {});
  declareTargetFault(kernel, op);
  LaunchBuilder b(kernel);
  unsigned rank = cast<RankedTensorType>(targets.getType()).getRank();
  Value classes = b.sizeOf(logits, rank), rows = elementsOf(b, targets);
  Value perChunk = b.ceilDiv(b.constant(kChunkWork), b.max(classes, b.constant(1)));
  b.finish(b.ceilDiv(rows, perChunk), b.constant(0), b.mul({rows, classes, b.constant(4)}),
           bytesTouched(b, kernel));
  return success();
}

const KernelEmitter *linnet::codegen::getCrossEntropyEmitter() {
  static const OpEmitter<CrossEntropyOp, Kernel> emitter(
      [](CrossEntropyOp op, exec::KernelOp kernel) {
        return selectLogitRows(kernel, op, op.getLogits(), op.getTargets());
      },
      [](CrossEntropyOp op) { return op.getReduction() == LossReduction::none; });
  return &emitter;
}
