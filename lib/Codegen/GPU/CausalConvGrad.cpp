//===- CausalConvGrad.cpp - gradients of the causal convolution on GPUs -----===//
//
// Part of Linnet, under Apache-2.0 WITH LLVM-exception. See LICENSE.
//
// A workgroup has some channels of one sequence and sweeps forwards over panels of padded
// positions. Position t gives the gradient dp of its own value before the activation, and that
// completes the gradient of padded input t with the W - 1 dp before it. Positions behind the end
// have no dp: there the last W - 1 inputs are completed.
//
// Up to eight taps: a thread has eight positions of a panel in registers and hands its last dp to
// the next one. Wider ones: inputs and dp of a panel lie in workgroup memory.
//
//===----------------------------------------------------------------------===//
#include "../Activations.h"
#include "CausalConv.h"
#include "Emitters.h"
#include "GPUOpKernel.h"

using namespace mlir;
using namespace linnet;
using namespace linnet::codegen;

namespace {

constexpr int64_t kThreadCount = 256, kMostChannels = 16;
/// Positions of a thread: windows in registers, windows in workgroup memory.
constexpr int64_t kSteps = 8, kWideSteps = 4;
/// Taps of all channels that workgroup memory has space for.
constexpr int64_t kMostTaps = 1280;

/// Of a workgroup; 0: the window is too wide.
int64_t channelsFor(int64_t width) {
  int64_t channels = kMostChannels;
  while (isWideConv(width) && channels * width > kMostTaps)
    channels /= 2;
  return channels;
}

class Kernel : CausalConvGradViews {
public:
  Kernel(CausalConvGradOp op, GPUKernelFrame &frame)
      : e(frame.e), f(frame), op(op), width(widthOf(op)), kept(width - 1),
        channels(channelsFor(width)), segments(kThreadCount / channels),
        steps(isWideConv(width) ? kWideSteps : kSteps), panel(segments * steps) {}
  LogicalResult emit();

private:
  void place();
  Value loadChannel(const View &v, ValueRange at);
  Value gradBefore(Value before, Value t);
  void storePadded(Value x, Value position);
  void storeTotals(int64_t numbers, function_ref<void(Value, Value, Value)> store);
  void storeBias(Value x, Value of);
  bool activates() { return op.getActivation() != ConvActivation::none; }
  GPUPaddedInputs inputs() { return {f, x, op.getState() ? &state : nullptr, kept, batch}; }
  // in registers
  void sweepInRegisters();
  Values emitPanel(Value first, const Values &taps, ValueRange totals);
  Values handOver(const Values &grads);
  // in workgroup memory
  void sweepInMemory();
  void allocate();
  void fillInputs(Value firstRow, int64_t count, Value firstPosition);
  Value emitGrads(Value first, Value total);
  void addWeightGrads();
  void emitInputGrads(Value first);
  void moveRows();

  GPUEmitter &e;
  GPUKernelFrame &f;
  CausalConvGradOp op;
  int64_t width, kept, channels, segments, steps, panel;
  Value length, batch, channel0, channel, lane, segment, there, start;
  Value handed, totalMemory;
  GPUConvRows inputRows, gradRows, taps, weightGrads;
};

} // namespace

LogicalResult Kernel::emit() {
  if (failed(bind(f, op)))
    return failure();
  place();
  if (isWideConv(width))
    sweepInMemory();
  else
    sweepInRegisters();
  return success();
}

void Kernel::place() {
  length = x.sizes[1];
  Value blocks = e.ceilDiv(x.sizes[2], channels);
  batch = e.div(f.group, blocks);
  channel0 = e.mul(e.rem(f.group, blocks), channels);
  lane = e.rem(e.thread, channels);
  segment = e.div(e.thread, channels);
  channel = e.add(channel0, lane);
  there = e.lt(channel, x.sizes[2]);
  start = op.getBias() ? loadChannel(bias, {channel}) : e.f(0);
}

/// A number of the thread's channel; zero where there is no channel.
Value Kernel::loadChannel(const View &v, ValueRange at) {
  return e.ifElse(
      there, TypeRange{e.f32()}, [&] { return Values{loadFloat(e, v, f.position(v, at))}; },
      [&] { return Values{e.f(0)}; })[0];
}

/// The gradient of the value before the activation, which `before` is.
Value Kernel::gradBefore(Value before, Value t) {
  Value g = e.ifElse(
      e.both(there, e.lt(t, length)), TypeRange{e.f32()},
      [&] { return Values{loadFloat(e, dy, f.position(dy, {batch, t, channel}))}; },
      [&] { return Values{e.f(0)}; })[0];
  return activates() ? e.mulf(g, siluSlope(e, before, sigmoid(e, before))) : g;
}

/// The gradient of a padded input of the thread's channel. The last W - 1 went to the final state.
void Kernel::storePadded(Value value, Value position) {
  Value behind = e.sub(position, length);
  if (op.getDfinal())
    value = e.ifElse(
        e.both(there, e.both(e.ge(behind, e.index(0)), e.lt(behind, e.index(kept)))),
        TypeRange{e.f32()},
        [&] {
          Value given = loadFloat(e, dfinal, f.position(dfinal, {batch, channel, behind}));
          return Values{e.addf(given, value)};
        },
        [&] { return Values{value}; })[0];
  Value past = e.index(kept), t = e.sub(position, past);
  auto put = [&](const std::optional<View> &v, Value at) {
    if (v)
      e.store(e.convert(value, v->element), v->memory, at);
  };
  e.ifThen(e.both(there, e.lt(t, length)), [&] {
    e.ifThen(
        e.lt(position, past),
        [&] { put(dstate, dstate ? f.position(*dstate, {batch, channel, position}) : Value()); },
        [&] { put(dx, dx ? f.position(*dx, {batch, t, channel}) : Value()); });
  });
}

/// Calls `store` with (number, channel, its sum over segments), which lie [number][thread].
void Kernel::storeTotals(int64_t numbers, function_ref<void(Value, Value, Value)> store) {
  e.barrier();
  e.forThreads(e.index(numbers * channels), [&](Value i) {
    Value number = e.div(i, channels), c = e.rem(i, channels), of = e.add(channel0, c);
    Value at = e.add(e.mul(number, kThreadCount), c);
    Value sum = e.forLoop(e.index(1), e.index(segments), e.index(1),
                          ValueRange{e.load(totalMemory, at)}, [&](Value s, ValueRange in) {
                            Value x = e.load(totalMemory, e.add(at, e.mul(s, channels)));
                            return Values{e.addf(in[0], x)};
                          })[0];
    e.ifThen(e.lt(of, x.sizes[2]), [&] { store(number, of, sum); });
  });
}

void Kernel::storeBias(Value sum, Value of) {
  if (dbias)
    e.store(sum, dbias->memory, f.position(*dbias, {batch, of}));
}

//===----------------------------------------------------------------------===//
// Windows in registers
//===----------------------------------------------------------------------===//

void Kernel::sweepInRegisters() {
  Values weights, zeros(width + 1, e.f(0));
  for (int64_t w = 0; w < width; ++w)
    weights.push_back(loadChannel(weight, {channel, e.index(w)}));
  if (kept) {
    // one more than segments: what comes from the panel before is the first
    handed = e.shared(e.f32(), (segments + 1) * kept * channels);
    e.forThreads(e.index(kept * channels), [&](Value i) { e.store(e.f(0), handed, i); });
  }
  Values totals =
      e.forLoop(e.index(0), e.add(length, kept), e.index(panel), zeros,
                [&](Value first, ValueRange in) { return emitPanel(first, weights, in); });
  totalMemory = e.shared(e.f32(), (width + 1) * kThreadCount);
  for (auto [i, x] : llvm::enumerate(totals))
    e.store(x, totalMemory, e.add(e.thread, i * kThreadCount));
  storeTotals(width + 1, [&](Value number, Value of, Value sum) {
    e.ifThen(
        e.lt(number, e.index(width)),
        [&] {
          if (dweight)
            e.store(sum, dweight->memory, f.position(*dweight, {batch, of, number}));
        },
        [&] { storeBias(sum, of); });
  });
}

/// Gradients of the weights and of the bias are carried.
Values Kernel::emitPanel(Value first, const Values &weights, ValueRange totals) {
  Value from = e.add(first, e.mul(segment, steps));
  Values seen, grads, out(totals);
  for (int64_t k = 0; k < steps; ++k) {
    while (int64_t(seen.size()) < k + width)
      seen.push_back(inputs().load(e.add(from, seen.size()), channel));
    Value before = start;
    for (int64_t w = 0; w < width && activates(); ++w)
      before = e.fma(weights[w], seen[k + w], before);
    Value g = gradBefore(before, e.add(from, k));
    for (int64_t w = 0; w < width; ++w)
      out[w] = e.fma(g, seen[k + w], out[w]);
    out[width] = e.addf(out[width], g);
    grads.push_back(g);
  }
  grads = handOver(grads);
  for (int64_t k = 0; (dx || dstate) && k < steps; ++k) {
    Value sum = e.f(0);
    for (int64_t w = kept; w >= 0; --w)
      sum = e.fma(weights[w], grads[k + kept - w], sum);
    storePadded(sum, e.add(from, k));
  }
  return out;
}

/// The W - 1 gradients before the segment's, and those.
Values Kernel::handOver(const Values &grads) {
  auto at = [&](Value of, int64_t i) {
    return e.add(e.mul(e.add(e.mul(of, kept), i), channels), lane);
  };
  Values all;
  if (kept) {
    for (int64_t i = 0; i < kept; ++i)
      e.store(grads[steps - kept + i], handed, at(e.add(segment, 1), i));
    e.barrier();
    for (int64_t i = 0; i < kept; ++i)
      all.push_back(e.load(handed, at(segment, i)));
    e.barrier();
    e.ifThen(e.eq(segment, e.index(segments - 1)), [&] {
      for (int64_t i = 0; i < kept; ++i)
        e.store(grads[steps - kept + i], handed, at(e.index(0), i));
    });
  }
  all.append(grads.begin(), grads.end());
  return all;
}

//===----------------------------------------------------------------------===//
// Windows in workgroup memory
//===----------------------------------------------------------------------===//

// correlate() loads up to kWideSteps - 1 rows more, for sums that nobody asks for.
void Kernel::allocate() {
  auto make = [&](int64_t rows) {
    return GPUConvRows{e.shared(e.f32(), rows * channels), 0, channels};
  };
  inputRows = make(kept + panel + kWideSteps);
  gradRows = make(kept + panel + kWideSteps);
  taps = make(width);
  weightGrads = make(llvm::alignTo(width, kWideSteps));
  totalMemory = e.shared(e.f32(), kThreadCount);
}

void Kernel::sweepInMemory() {
  allocate();
  e.forThreads(e.index(width * channels), [&](Value i) {
    Value w = e.rem(i, width), c = e.div(i, width), of = e.add(channel0, c);
    Value tap = e.ifElse(
        e.lt(of, x.sizes[2]), TypeRange{e.f32()},
        [&] { return Values{loadFloat(e, weight, f.position(weight, {of, w}))}; },
        [&] { return Values{e.f(0)}; })[0];
    e.store(tap, taps.memory, taps.at(e, w, c));
  });
  e.forThreads(e.index(llvm::alignTo(width, kWideSteps) * channels),
               [&](Value i) { e.store(e.f(0), weightGrads.memory, i); });
  fillInputs(e.index(0), kept, e.index(0));
  e.forThreads(e.index(kept * channels), [&](Value i) { e.store(e.f(0), gradRows.memory, i); });
  Value total = e.forLoop(e.index(0), e.add(length, kept), e.index(panel), ValueRange{e.f(0)},
                          [&](Value first, ValueRange in) {
                            fillInputs(e.index(kept), panel, e.add(first, kept));
                            e.barrier();
                            Value sum = emitGrads(first, in[0]);
                            e.barrier();
                            if (dweight)
                              addWeightGrads();
                            if (dx || dstate)
                              emitInputGrads(first);
                            moveRows();
                            return Values{sum};
                          })[0];
  e.store(total, totalMemory, e.thread);
  storeTotals(1, [&](Value, Value of, Value sum) { storeBias(sum, of); });
  if (!dweight)
    return;
  e.forThreads(e.index(width * channels), [&](Value i) {
    Value w = e.rem(i, width), c = e.div(i, width), of = e.add(channel0, c);
    e.ifThen(e.lt(of, x.sizes[2]), [&] {
      e.store(e.load(weightGrads.memory, weightGrads.at(e, w, c)), dweight->memory,
              f.position(*dweight, {batch, of, w}));
    });
  });
}

void Kernel::fillInputs(Value firstRow, int64_t count, Value firstPosition) {
  e.forThreads(e.index(count * channels), [&](Value i) {
    Value c = e.rem(i, channels), r = e.div(i, channels);
    Value value = inputs().load(e.add(firstPosition, r), e.add(channel0, c));
    e.store(value, inputRows.memory, inputRows.at(e, e.add(firstRow, r), c));
  });
}

/// dp of the panel; `total` is their sum so far.
Value Kernel::emitGrads(Value first, Value total) {
  Value own = e.mul(segment, steps);
  Values before(steps, start);
  if (activates())
    before = correlate(
        e, inputRows, own, lane, e.index(width),
        [&](Value w) { return e.load(taps.memory, taps.at(e, w, lane)); }, before);
  for (int64_t k = 0; k < steps; ++k) {
    Value g = gradBefore(before[k], e.add(first, e.add(own, k)));
    e.store(g, gradRows.memory, gradRows.at(e, e.add(own, k + kept), lane));
    total = e.addf(total, g);
  }
  return total;
}

void Kernel::addWeightGrads() {
  e.forThreads(e.index(llvm::divideCeil(width, kWideSteps) * channels), [&](Value i) {
    Value c = e.rem(i, channels), w = e.mul(e.div(i, channels), kWideSteps);
    auto place = [&](int64_t k) { return weightGrads.at(e, e.add(w, k), c); };
    Values sums;
    for (int64_t k = 0; k < kWideSteps; ++k)
      sums.push_back(e.load(weightGrads.memory, place(k)));
    sums = correlate(
        e, inputRows, w, c, e.index(panel),
        [&](Value t) { return e.load(gradRows.memory, gradRows.at(e, e.add(t, kept), c)); }, sums);
    for (int64_t k = 0; k < kWideSteps; ++k)
      e.store(sums[k], weightGrads.memory, place(k));
  });
}

void Kernel::emitInputGrads(Value first) {
  Value own = e.mul(segment, steps);
  Values sums = correlate(
      e, gradRows, own, lane, e.index(width),
      [&](Value i) { return e.load(taps.memory, taps.at(e, e.sub(e.index(kept), i), lane)); },
      Values(steps, e.f(0)));
  for (int64_t k = 0; k < steps; ++k)
    storePadded(sums[k], e.add(first, e.add(own, k)));
}

/// The last W - 1 rows become those before the next panel, a panel's worth at once.
void Kernel::moveRows() {
  for (int64_t row = 0; row < kept; row += panel) {
    e.barrier();
    e.forThreads(e.index(std::min(panel, kept - row) * channels), [&](Value i) {
      for (const GPUConvRows &rows : {inputRows, gradRows}) {
        Value to = e.add(i, row * channels);
        e.store(e.load(rows.memory, e.add(to, panel * channels)), rows.memory, to);
      }
    });
  }
  e.barrier();
}

//===----------------------------------------------------------------------===//
// Emitter
//===----------------------------------------------------------------------===//

static LogicalResult select(CausalConvGradOp op, exec::KernelOp kernel, const GPUTarget &) {
  int64_t channels = channelsFor(widthOf(op));
  if (channels == 0)
    return op.emitOpError("has a window of ")
           << widthOf(op) << " taps, on GPUs expected at most " << kMostTaps;
  setStrategy(kernel, {{kThreads, kThreadCount}});
  LaunchBuilder b(kernel);
  FailureOr<ScanSizes> sizes = ScanSizes::of(b, op);
  if (failed(sizes))
    return failure();
  b.finish(sizes->parts(b, channels), b.constant(0), sizes->flops(b, op), bytesTouched(b, kernel));
  return success();
}

const GPUKernelEmitter *linnet::codegen::getGPUCausalConvGradEmitter() {
  static const GPUOpEmitter<CausalConvGradOp, Kernel> emitter(
      select, [](CausalConvGradOp op) { return op.getParts(); });
  return &emitter;
}
