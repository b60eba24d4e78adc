//===- CausalConvGrad.cpp - gradients of the causal convolution -----------===//
//
// Part of Linnet, under Apache-2.0 WITH LLVM-exception. See LICENSE.
//
// A chunk is 64 channels of one sequence, a lane each, and one sweep forwards. Position t gives
// the gradient dp of its own value before the activation, and that completes the gradient of
// input t of those with the W - 1 past ones before them. Registers hold the last W - 1 inputs and
// dp; wide windows keep them in scratch.
//
//===----------------------------------------------------------------------===//
#include "../Activations.h"
#include "../Scans.h"
#include "Emitters.h"
#include "OpKernel.h"

using namespace mlir;
using namespace linnet;
using namespace linnet::codegen;

namespace {

constexpr int64_t kChannels = 4 * kLanes;
/// Positions between two moves of windows in scratch.
constexpr int64_t kPanel = 64;
/// The widest window that registers hold.
constexpr int64_t kWidestInRegisters = 8;

class Kernel : CausalConvGradViews {
public:
  Kernel(CausalConvGradOp op, KernelFrame &frame)
      : e(frame.e), frame(frame), op(op), width(widthOf(op)) {}
  LogicalResult emit();
  /// Floats of scratch of a vector of channels: weights, and what is carried over the panels; wide
  /// windows, one vector at a time, have gradients of weights and both windows with a panel.
  static int64_t vectorFloats(int64_t width) {
    bool wide = width > kWidestInRegisters;
    return (wide ? 2 * width + 2 * (width - 1 + kPanel) : 4 * width - 1) * kLanes;
  }
  static int64_t scratchFloats(int64_t width) {
    return vectorFloats(width) * (width > kWidestInRegisters ? 1 : kChannels / kLanes);
  }

private:
  void selectVector(Value first, Value inChunk);
  void loadWeights();
  void sweepInRegisters(Value first, Value end);
  void prefetch(Value t);
  Values step(Value t, ValueRange in);
  void finishInRegisters();
  void sweepInScratch();
  void emitPanel(Value first, Value count);
  void finishInScratch();
  void storeWeights(function_ref<Value(int64_t)> gradient);
  void storeBias(Value sum) {
    storeLanes(e, sum, *dbias, frame.position(*dbias, {batch, channel}), 1, lanes);
  }
  Value past(Value i);
  Value pastInput(Value i) { return op.getState() ? past(i) : e.vf(0); }
  Value load(const View &v, Value t) {
    return loadLanes(e, v, frame.position(v, {batch, t, channel}), 2, lanes);
  }
  Value gradBefore(Value sum, Value t);
  Value finalGrad(Value i);
  void storePadded(Value x, Value place);
  void storeState(Value x, Value i) {
    if (dstate)
      storeLanes(e, x, *dstate, frame.position(*dstate, {batch, channel, i}), 1, lanes);
  }
  void storeInput(Value x, Value t) {
    if (dx)
      storeLanes(e, x, *dx, frame.position(*dx, {batch, t, channel}), 2, lanes);
  }
  Value weightAt(Value w) { return e.add(home, e.mul(w, kLanes)); }
  Value carriedAt(int64_t i) { return e.add(home, (width + i) * kLanes); }
  Value weightGradAt(Value w) { return e.mul(e.add(w, width), kLanes); }
  Value inputAt(Value row) { return e.mul(e.add(row, 2 * width), kLanes); }
  Value gradAt(Value row) { return inputAt(e.add(row, width - 1 + kPanel)); }
  Value read(Value i) { return e.vload(floats, i); }
  void write(Value x, Value i) { e.vstore(x, floats, i); }
  bool activates() { return op.getActivation() != ConvActivation::none; }

  Emitter &e;
  KernelFrame &frame;
  CausalConvGradOp op;
  int64_t width;
  Value floats, batch, channel, start;
  Value home; ///< the scratch of the vector
  Lanes lanes;
};

} // namespace

LogicalResult Kernel::emit() {
  if (failed(bind(frame, op)))
    return failure();
  floats = frame.scratch(0, e.f32());
  e.forLoop(frame.begin, frame.end, e.index(1), [&](Value chunk) {
    Value chunks = e.ceilDiv(x.sizes[2], kChannels);
    batch = e.div(chunk, chunks);
    Value first = e.mul(e.rem(chunk, chunks), kChannels);
    Value end = e.min(e.add(first, kChannels), x.sizes[2]);
    if (width <= kWidestInRegisters)
      return sweepInRegisters(first, end);
    e.forLoop(first, end, e.index(kLanes), [&](Value c) {
      selectVector(c, e.index(0));
      sweepInScratch();
    });
  });
  return success();
}

void Kernel::selectVector(Value first, Value inChunk) {
  channel = first;
  lanes = Lanes::of(e, x.sizes[2], channel);
  start = op.getBias() ? loadLanes(e, bias, frame.position(bias, {channel}), 0, lanes) : e.vf(0);
  home = e.mul(inChunk, vectorFloats(width) / kLanes);
}

// Turned to [W][channels] once.
void Kernel::loadWeights() {
  e.forLoop(e.index(width), [&](Value w) {
    write(loadLanes(e, weight, frame.position(weight, {channel, w}), 0, lanes), weightAt(w));
  });
}

void Kernel::storeWeights(function_ref<Value(int64_t)> gradient) {
  for (int64_t first = 0; first < width; first += kLanes) {
    int64_t count = std::min(kLanes, width - first);
    Values rows;
    for (int64_t w = 0; w < count; ++w)
      rows.push_back(gradient(first + w));
    Value to = frame.position(*dweight, {batch, channel, e.index(first)});
    storeTurned(e, rows, *dweight, to, 1, lanes, 2, count);
  }
}

/// The i-th of the W - 1 inputs before the first, oldest first.
Value Kernel::past(Value i) {
  return loadLanes(e, state, frame.position(state, {batch, channel, i}), 1, lanes);
}

/// The gradient of the value before the activation, which `sum` is.
Value Kernel::gradBefore(Value sum, Value t) {
  Value g = load(dy, t);
  return activates() ? e.mulf(g, siluSlope(e, sum, sigmoid(e, sum))) : g;
}

/// What the final state gives to the i-th of the last W - 1 inputs.
Value Kernel::finalGrad(Value i) {
  if (!op.getDfinal())
    return e.vf(0);
  return loadLanes(e, dfinal, frame.position(dfinal, {batch, channel, i}), 1, lanes);
}

/// The gradient of input `place` of those that have the past ones before them.
void Kernel::storePadded(Value x, Value place) {
  Value past = e.index(width - 1);
  e.ifThen(
      e.lt(place, past), [&] { storeState(x, place); }, [&] { storeInput(x, e.sub(place, past)); });
}

//===----------------------------------------------------------------------===//
// Windows in registers
//===----------------------------------------------------------------------===//

// Carried over the panels: W - 1 inputs, W - 1 gradients, W gradients of weights, that of the bias.
void Kernel::sweepInRegisters(Value first, Value end) {
  int64_t kept = width - 1;
  Value length = x.sizes[1], one = e.index(1);
  auto forVectors = [&](function_ref<void()> body) {
    e.forLoop(first, end, e.index(kLanes), [&](Value c) {
      selectVector(c, e.sub(c, first));
      body();
    });
  };
  forVectors([&] {
    loadWeights();
    for (int64_t i = 0; i < 3 * kept + 2; ++i)
      write(i < kept ? pastInput(e.index(i)) : e.vf(0), carriedAt(i));
  });
  e.forLoop(e.index(0), length, e.index(kPanel), [&](Value from) {
    Value to = e.min(e.add(from, kPanel), length);
    forVectors([&] {
      Values carried;
      for (int64_t i = 0; i < 3 * kept + 2; ++i)
        carried.push_back(read(carriedAt(i)));
      carried =
          e.forLoop(from, to, one, carried, [&](Value t, ValueRange in) { return step(t, in); });
      for (auto [i, value] : llvm::enumerate(carried))
        write(value, carriedAt(i));
    });
  });
  forVectors([&] { finishInRegisters(); });
}

/// The gradients of the last W - 1 inputs, and sums.
void Kernel::finishInRegisters() {
  int64_t kept = width - 1;
  for (int64_t i = 0; i < kept; ++i) {
    Value sum = finalGrad(e.index(i));
    for (int64_t w = i + 1; w < width; ++w)
      sum = e.fma(read(weightAt(e.index(w))), read(carriedAt(2 * kept + i - w)), sum);
    storePadded(sum, e.add(x.sizes[1], i));
  }
  if (dweight)
    storeWeights([&](int64_t w) { return read(carriedAt(2 * kept + w)); });
  if (dbias)
    storeBias(read(carriedAt(2 * kept + width)));
}

/// Rows are far apart, so that the machine does not see what comes. To the second level: where the
/// channels are many, all rows fall on few sets of the first.
void Kernel::prefetch(Value t) {
  Value ahead = e.add(t, 32);
  auto fetch = [&](const View &v, bool write) {
    e.prefetch(v.memory, frame.position(v, {batch, ahead, channel}), write, /*locality=*/2);
  };
  fetch(x, false);
  fetch(dy, false);
  if (dx)
    fetch(*dx, true);
}

/// Position t; it completes the gradient of input t, the oldest of the window.
Values Kernel::step(Value t, ValueRange in) {
  int64_t kept = width - 1;
  prefetch(t);
  Values seen(in.take_front(kept)), grads(in.slice(kept, kept));
  seen.push_back(load(x, t));
  auto tap = [&](int64_t w) { return read(weightAt(e.index(w))); };
  Value before = start;
  if (activates())
    for (int64_t w = 0; w < width; ++w)
      before = e.fma(tap(w), seen[w], before);
  Value g = gradBefore(before, t);
  grads.push_back(g);
  Value sum = e.vf(0);
  for (int64_t w = kept; w >= 0; --w)
    sum = e.fma(tap(w), grads[kept - w], sum);
  storePadded(sum, t);
  Values next(seen.begin() + 1, seen.end());
  next.append(grads.begin() + 1, grads.end());
  for (int64_t w = 0; w < width; ++w)
    next.push_back(e.fma(g, seen[w], in[2 * kept + w]));
  next.push_back(e.addf(in.back(), g));
  return next;
}

//===----------------------------------------------------------------------===//
// Windows in scratch
//===----------------------------------------------------------------------===//

// Rows 0 to W - 2 are what was before the panel, the panel follows.
void Kernel::sweepInScratch() {
  Value kept = e.index(width - 1), length = x.sizes[1];
  loadWeights();
  e.forLoop(e.index(width), [&](Value w) { write(e.vf(0), weightGradAt(w)); });
  e.forLoop(kept, [&](Value i) {
    write(pastInput(i), inputAt(i));
    write(e.vf(0), gradAt(i));
  });
  Values sum = e.forLoop(
      e.index(0), length, e.index(kPanel), ValueRange{e.vf(0)}, [&](Value first, ValueRange in) {
        Value count = e.min(e.index(kPanel), e.sub(length, first));
        emitPanel(first, count);
        Values sum = e.forLoop(e.index(0), count, e.index(1), in, [&](Value t, ValueRange sums) {
          return Values{e.addf(sums[0], read(gradAt(e.add(t, kept))))};
        });
        e.forLoop(kept, [&](Value i) {
          write(read(inputAt(e.add(i, count))), inputAt(i));
          write(read(gradAt(e.add(i, count))), gradAt(i));
        });
        return sum;
      });
  finishInScratch();
  if (dweight)
    storeWeights([&](int64_t w) { return read(weightGradAt(e.index(w))); });
  if (dbias)
    storeBias(sum[0]);
}

void Kernel::emitPanel(Value first, Value count) {
  Value kept = e.index(width - 1), zero = e.index(0), one = e.index(1), all = e.index(width);
  /// start + sum over i < n of a(i) * b(i)
  auto dot = [&](Value n, Value start, function_ref<Value(Value)> a,
                 function_ref<Value(Value)> b) -> Value {
    return e.forLoop(zero, n, one, ValueRange{start},
                     [&](Value i, ValueRange in) { return Values{e.fma(a(i), b(i), in[0])}; })[0];
  };
  auto tap = [&](Value w) { return read(weightAt(w)); };
  e.forLoop(count, [&](Value t) { write(load(x, e.add(first, t)), inputAt(e.add(t, kept))); });
  e.forLoop(count, [&](Value t) {
    Value before = start;
    if (activates())
      before = dot(all, start, tap, [&](Value w) { return read(inputAt(e.add(t, w))); });
    write(gradBefore(before, e.add(first, t)), gradAt(e.add(t, kept)));
  });
  e.forLoop(all, [&](Value w) {
    auto grad = [&](Value t) { return read(gradAt(e.add(t, kept))); };
    auto input = [&](Value t) { return read(inputAt(e.add(t, w))); };
    write(dot(count, read(weightGradAt(w)), grad, input), weightGradAt(w));
  });
  e.forLoop(count, [&](Value t) {
    auto grad = [&](Value w) { return read(gradAt(e.sub(e.add(t, kept), w))); };
    storePadded(dot(all, e.vf(0), tap, grad), e.add(first, t));
  });
}

/// The gradients of the last W - 1 inputs, whose windows reach past the end.
void Kernel::finishInScratch() {
  Value kept = e.index(width - 1), one = e.index(1);
  e.forLoop(kept, [&](Value i) {
    Values sum = e.forLoop(e.add(i, 1), e.index(width), one, ValueRange{finalGrad(i)},
                           [&](Value w, ValueRange in) {
                             Value grad = read(gradAt(e.sub(e.add(i, kept), w)));
                             return Values{e.fma(read(weightAt(w)), grad, in[0])};
                           });
    storePadded(sum[0], e.add(x.sizes[1], i));
  });
}

//===----------------------------------------------------------------------===//
// Emitter
//===----------------------------------------------------------------------===//

static LogicalResult select(CausalConvGradOp op, exec::KernelOp kernel) {
  setStrategy(kernel, {});
  LaunchBuilder b(kernel);
  FailureOr<ScanSizes> sizes = ScanSizes::of(b, op);
  if (failed(sizes))
    return failure();
  Value flops = sizes->flops(b, op);
  b.finish(sizes->parts(b, kChannels), b.constant(4 * Kernel::scratchFloats(widthOf(op))), flops,
           bytesTouched(b, kernel));
  return success();
}

const KernelEmitter *linnet::codegen::getCausalConvGradEmitter() {
  static const OpEmitter<CausalConvGradOp, Kernel> emitter(
      select, [](CausalConvGradOp op) { return op.getParts(); });
  return &emitter;
}
