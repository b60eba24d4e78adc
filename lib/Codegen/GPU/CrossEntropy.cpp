//===- CrossEntropy.cpp - cross entropy and its gradient on GPUs ------------===//
//
// Part of Linnet, under Apache-2.0 WITH LLVM-exception. See LICENSE.
//
// A workgroup does a row, which is read once. Elements go in groups of four that begin at multiples
// of four in memory, wherever the row begins: only its first and last group are taken apart. Of the
// loss every thread keeps a running maximum m and the sum of exp(x - m); they meet at the end.
//
//===----------------------------------------------------------------------===//
#include "../CrossEntropy.h"
#include "Emitters.h"
#include "GPUOpKernel.h"
#include "mlir/Dialect/Arith/IR/Arith.h"

using namespace mlir;
using namespace linnet;
using namespace linnet::codegen;

//===----------------------------------------------------------------------===//
// Rows in groups of four
//===----------------------------------------------------------------------===//

namespace {

/// The groups of a row of `size` elements whose first one is at position `start` of `v`.
class RowGroups {
public:
  RowGroups(GPUEmitter &e, const View &v, Value start, Value size)
      : e(e), size(size), wide(isUnit(v) ? GPUEmitter::wide(v.element) : 1),
        skipped(e.rem(start, wide)) {}

  static bool isUnit(const View &v) { return CodeBuilder::constantOf(v.strides.back()) == 1; }
  Value count() { return e.ceilDiv(e.add(skipped, size), wide); }
  /// The column of a group's first element; of the first group it may be negative.
  Value column(Value group) { return e.sub(e.mul(group, wide), skipped); }
  Value isThere(Value column, int64_t i) {
    Value c = e.add(column, i);
    return wide == 1 ? e.boolean(true) : e.both(e.ge(c, e.index(0)), e.lt(c, size));
  }
  /// As f32, from a row of `v` that begins at `start`, not necessarily alike; absent ones are -inf.
  Values load(const View &v, Value start, Value column);
  /// Of this view.
  void store(const Values &x, const View &v, Value start, Value column);
  int64_t width() const { return wide; }

private:
  Value isWhole(Value column) {
    return e.both(e.ge(column, e.index(0)), e.le(e.add(column, wide), size));
  }
  Value at(const View &v, Value start, Value column) {
    return e.add(start, e.mul(column, v.strides.back()));
  }

  GPUEmitter &e;
  Value size;
  int64_t wide;
  Value skipped; ///< what the first group has before the row
};

} // namespace

Values RowGroups::load(const View &v, Value start, Value column) {
  auto single = [&] {
    Values x;
    for (int64_t i = 0; i < wide; ++i)
      x.push_back(e.ifElse(
          isThere(column, i), {e.f32()},
          [&] { return Values{loadFloat(e, v, at(v, start, e.add(column, i)))}; },
          [&] { return Values{e.f(-std::numeric_limits<float>::infinity())}; })[0]);
    return x;
  };
  if (wide == 1 || !isUnit(v))
    return single();
  Value position = at(v, start, column);
  Value together = e.both(isWhole(column), e.eq(e.rem(position, wide), e.index(0)));
  return e.ifElse(
      together, SmallVector<Type>(wide, e.f32()),
      [&] {
        Value x = e.convert(e.vload(v.memory, position, wide), e.f32());
        Values out;
        for (int64_t i = 0; i < wide; ++i)
          out.push_back(e.extract(x, i));
        return out;
      },
      single);
}

void RowGroups::store(const Values &x, const View &v, Value start, Value column) {
  auto single = [&] {
    for (int64_t i = 0; i < wide; ++i)
      e.ifThen(isThere(column, i), [&] {
        e.store(e.convert(x[i], v.element), v.memory, at(v, start, e.add(column, i)));
      });
  };
  if (wide == 1)
    return single();
  e.ifThen(
      isWhole(column),
      [&] { e.vstore(e.convert(e.pack(x), v.element), v.memory, at(v, start, column)); }, single);
}

//===----------------------------------------------------------------------===//
// Losses
//===----------------------------------------------------------------------===//

namespace {
class Loss {
public:
  Loss(CrossEntropyOp op, GPUKernelFrame &frame)
      : e(frame.e), frame(frame), smooth(op.getSmoothing() != 0), rows(op, frame, e.getI32Type()) {}
  LogicalResult emit();

private:
  Values update(ValueRange running, const Values &x, llvm::function_ref<Value(int64_t)> isThere);

  GPUEmitter &e;
  GPUKernelFrame &frame;
  bool smooth;
  CrossEntropyRows rows;
};
} // namespace

static Value sumOf(CodeBuilder &e, Values parts) {
  for (; parts.size() > 1; parts.resize(parts.size() / 2))
    for (size_t i = 0, half = parts.size() / 2; i < half; ++i)
      parts[i] = e.addf(parts[i], parts[i + half]);
  return parts[0];
}

/// Maximum, sum of exponentials below it and, where there is smoothing, sum of logits.
Values Loss::update(ValueRange running, const Values &x,
                    llvm::function_ref<Value(int64_t)> isThere) {
  Value most = x[0];
  for (Value v : ArrayRef(x).drop_front())
    most = e.maxf(most, v);
  Value top = e.maxf(most, running[0]);
  Values powers, terms;
  for (auto [i, v] : llvm::enumerate(x)) {
    powers.push_back(e.expNonPositive(e.subf(v, top)));
    terms.push_back(smooth ? e.select(isThere(i), v, e.f(0)) : v);
  }
  Value before = e.mulf(running[1], e.expNonPositive(e.subf(running[0], top)));
  Values next = {top, e.addf(before, sumOf(e, powers))};
  if (smooth)
    next.push_back(e.addf(running[2], sumOf(e, terms)));
  return next;
}

LogicalResult Loss::emit() {
  if (failed(rows.bind()))
    return failure();
  CrossEntropyRows::Row row = rows.row(frame.group);
  RowGroups groups(e, rows.logits, row.start, rows.classes);
  // the lowest number instead of -inf: threads that see only -inf keep a sum of 0
  Values running = {e.f(-std::numeric_limits<float>::max()), e.f(0)};
  running.append(smooth, e.f(0));
  running = e.forLoop(e.thread, groups.count(), e.index(e.threads), running,
                      [&](Value group, ValueRange in) {
                        Value column = groups.column(group);
                        return update(in, groups.load(rows.logits, row.start, column),
                                      [&](int64_t i) { return groups.isThere(column, i); });
                      });
  Value top = e.reduceTeam(running[0], e.threads, [&](Value a, Value b) { return e.maxf(a, b); });
  Values sums = {e.mulf(running[1], e.expNonPositive(e.subf(running[0], top)))};
  sums.append(running.begin() + 2, running.end());
  sums = e.reduceTeam(sums, e.threads, [&](ValueRange a, ValueRange b) {
    Values out;
    for (auto [x, y] : llvm::zip_equal(a, b))
      out.push_back(e.addf(x, y));
    return out;
  });
  e.ifThen(e.eq(e.thread, e.index(0)),
           [&] { rows.finish(row, top, sums[0], [&] { return sums[1]; }); });
  return success();
}

//===----------------------------------------------------------------------===//
// Gradients
//===----------------------------------------------------------------------===//

namespace {
class Gradient {
public:
  Gradient(CrossEntropyGradOp op, GPUKernelFrame &frame)
      : e(frame.e), frame(frame), rows(op, frame, e.getI32Type()) {}
  LogicalResult emit();

private:
  Values gradients(const CrossEntropyGradRows::Row &row, const Values &x, Value column);

  GPUEmitter &e;
  GPUKernelFrame &frame;
  CrossEntropyGradRows rows;
};
} // namespace

Values Gradient::gradients(const CrossEntropyGradRows::Row &row, const Values &x, Value column) {
  Values out;
  for (auto [i, v] : llvm::enumerate(x)) {
    Value share = e.expNonPositive(e.subf(v, row.lse));
    Value isTarget = e.eq(e.add(column, i), row.target);
    Value y = e.select(isTarget, rows.targetGradient(row, share), rows.gradient(row, share));
    out.push_back(e.select(row.counts, y, e.f(0)));
  }
  return out;
}

LogicalResult Gradient::emit() {
  if (failed(rows.bind()))
    return failure();
  CrossEntropyGradRows::Row row = rows.row(frame.group);
  RowGroups groups(e, rows.out, row.to, rows.classes);
  e.forThreads(groups.count(), [&](Value group) {
    Value column = groups.column(group);
    Values x = groups.load(rows.logits, row.from, column);
    groups.store(gradients(row, x, column), rows.out, row.to, column);
  });
  Value isWrong = e.both(row.counts, e.eq(isClass(e, row.target, rows.classes), e.boolean(false)));
  e.ifThen(e.both(isWrong, e.eq(e.thread, e.index(0))), [&] { frame.fault(0, row.number); });
  return success();
}

//===----------------------------------------------------------------------===//
// Selection
//===----------------------------------------------------------------------===//

template <typename Op>
static LogicalResult selectRows(Op op, exec::KernelOp kernel, const GPUTarget &target) {
  auto logits = cast<RankedTensorType>(op.getLogits().getType());
  setStrategy(kernel, {{kThreads, threadsForRow(logits.getShape().back(), target)}});
  declareTargetFault(kernel, op);
  LaunchBuilder b(kernel);
  Value rows = elementsOf(b, op.getTargets()),
        classes = b.sizeOf(op.getLogits(), logits.getRank() - 1);
  b.finish(rows, b.constant(0), b.mul({rows, classes, b.constant(4)}), bytesTouched(b, kernel));
  return success();
}

const GPUKernelEmitter *linnet::codegen::getGPUCrossEntropyEmitter() {
  static const GPUOpEmitter<CrossEntropyOp, Loss> emitter(
      selectRows, [](CrossEntropyOp op) { return op.getReduction() == LossReduction::none; });
  return &emitter;
}

const GPUKernelEmitter *linnet::codegen::getGPUCrossEntropyGradEmitter() {
  static const GPUOpEmitter<CrossEntropyGradOp, Gradient> emitter(
      selectRows, [](CrossEntropyGradOp op) { return op.getReduction() != LossReduction::mean; });
  return &emitter;
}
