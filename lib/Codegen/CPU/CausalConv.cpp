//===- CausalConv.cpp - depthwise causal convolution ----------------------===//
//
// Part of Linnet, under Apache-2.0 WITH LLVM-exception. See LICENSE.
//
// A chunk is 64 channels of one sequence, a lane each, so that the one who reads the state also
// writes it. The last W - 1 inputs stay in registers; wide windows keep them in scratch.
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
/// Positions between two moves of a window in scratch.
constexpr int64_t kPanel = 64;
/// The widest window that registers hold.
constexpr int64_t kWidestInRegisters = 8;

class Kernel : CausalConvViews {
public:
  Kernel(CausalConvOp op, KernelFrame &frame)
      : e(frame.e), frame(frame), op(op), width(widthOf(op)) {}
  LogicalResult emit();
  /// Floats of scratch: weights, and the window and a panel of inputs where it is wide.
  static int64_t scratchFloats(int64_t width) {
    return width * kChannels + (width > kWidestInRegisters ? (width - 1 + kPanel) * kLanes : 0);
  }

private:
  void emitBlock(Value first, int64_t vectors);
  void convolveInRegisters();
  void convolveInScratch();
  void loadWeights();
  Value past(Value i, int64_t n);
  void storePast(Value x, Value i, int64_t n);
  void prefetch(Value t, int64_t n);
  Value input(Value t, int64_t n);
  void output(Value sum, Value t, int64_t n);
  Value weightAt(Value w, int64_t n) { return e.add(e.mul(w, kChannels), n * kLanes); }
  Value windowAt(Value row) { return e.add(e.mul(row, kLanes), width * kChannels); }

  Emitter &e;
  KernelFrame &frame;
  CausalConvOp op;
  int64_t width;
  Value floats, batch;
  Values channel; ///< first channel of each vector
  SmallVector<Lanes> lanes;
  Values start; ///< bias or zero
};

} // namespace

LogicalResult Kernel::emit() {
  if (failed(bind(frame, op)))
    return failure();
  floats = frame.scratch(0, e.f32());
  // vectors of channels at once, as many as the registers have windows for
  bool wide = width > kWidestInRegisters || !e.target.avx512;
  int64_t vectors = wide ? 1 : width <= 5 ? 4 : 2;
  e.forLoop(frame.begin, frame.end, e.index(1), [&](Value chunk) {
    Value blocks = e.ceilDiv(x.sizes[2], kChannels);
    batch = e.div(chunk, blocks);
    Value first = e.mul(e.rem(chunk, blocks), kChannels);
    Value end = e.min(e.add(first, kChannels), x.sizes[2]);
    e.forLoop(first, end, e.index(vectors * kLanes), [&](Value c) { emitBlock(c, vectors); });
  });
  return success();
}

void Kernel::emitBlock(Value first, int64_t vectors) {
  channel.clear();
  lanes.clear();
  start.clear();
  for (int64_t n = 0; n < vectors; ++n) {
    channel.push_back(e.add(first, n * kLanes));
    lanes.push_back(Lanes::of(e, x.sizes[2], channel[n]));
    if (vectors > 1 && !lanes[n].mask) {
      // a multiple of 16 channels still may end inside the block
      Value count = e.sub(x.sizes[2], channel[n]);
      if (!Emitter::constantOf(x.sizes[2]) || *Emitter::constantOf(x.sizes[2]) % (vectors * kLanes))
        lanes[n] = {count, e.mask(count)};
    }
    start.push_back(op.getBias()
                        ? loadLanes(e, bias, frame.position(bias, {channel[n]}), 0, lanes[n])
                        : e.vf(0));
  }
  loadWeights();
  if (width > kWidestInRegisters)
    convolveInScratch();
  else
    convolveInRegisters();
}

// Turned to [W][channels] once.
void Kernel::loadWeights() {
  e.forLoop(e.index(width), [&](Value w) {
    for (auto [n, c] : llvm::enumerate(channel)) {
      Value taps = loadLanes(e, weight, frame.position(weight, {c, w}), 0, lanes[n]);
      e.vstore(taps, floats, weightAt(w, n));
    }
  });
}

/// The i-th of the W - 1 inputs before the first, oldest first.
Value Kernel::past(Value i, int64_t n) {
  if (!op.getState())
    return e.vf(0);
  return loadLanes(e, state, frame.position(state, {batch, channel[n], i}), 1, lanes[n]);
}

void Kernel::storePast(Value value, Value i, int64_t n) {
  storeLanes(e, value, *finalState, frame.position(*finalState, {batch, channel[n], i}), 1,
             lanes[n]);
}

Value Kernel::input(Value t, int64_t n) {
  return loadLanes(e, x, frame.position(x, {batch, t, channel[n]}), 2, lanes[n]);
}

void Kernel::output(Value sum, Value t, int64_t n) {
  if (!out)
    return;
  if (op.getActivation() == ConvActivation::silu)
    sum = silu(e, sum);
  storeLanes(e, sum, *out, frame.position(*out, {batch, t, channel[n]}), 2, lanes[n]);
}

/// Rows are far apart, so that the machine does not see what comes.
void Kernel::prefetch(Value t, int64_t n) {
  Value ahead = e.add(t, 32);
  auto fetch = [&](const View &v, bool write) {
    e.prefetch(v.memory, frame.position(v, {batch, ahead, channel[n]}), write, /*locality=*/2);
  };
  fetch(x, false);
  if (out)
    fetch(*out, true);
}

void Kernel::convolveInRegisters() {
  int64_t vectors = channel.size(), kept = width - 1;
  Values window;
  for (int64_t n = 0; n < vectors; ++n)
    for (int64_t i = 0; i < kept; ++i)
      window.push_back(past(e.index(i), n));
  Value length = x.sizes[1];
  window = e.forLoop(e.index(0), length, e.index(1), window, [&](Value t, ValueRange in) {
    Values next;
    for (int64_t n = 0; n < vectors; ++n) {
      prefetch(t, n);
      Values seen(in.slice(n * kept, kept));
      seen.push_back(input(t, n));
      Value sum = start[n];
      for (int64_t w = 0; w < width; ++w)
        sum = e.fma(e.vload(floats, weightAt(e.index(w), n)), seen[w], sum);
      output(sum, t, n);
      next.append(seen.begin() + 1, seen.end());
    }
    return next;
  });
  if (finalState)
    for (int64_t n = 0; n < vectors; ++n)
      for (int64_t i = 0; i < kept; ++i)
        storePast(window[n * kept + i], e.index(i), n);
}

// Rows 0 to W - 2 of the window are the past, the panel follows.
void Kernel::convolveInScratch() {
  Value kept = e.index(width - 1), length = x.sizes[1];
  e.forLoop(kept, [&](Value i) { e.vstore(past(i, 0), floats, windowAt(i)); });
  e.forLoop(e.index(0), length, e.index(kPanel), [&](Value first) {
    Value count = e.min(e.index(kPanel), e.sub(length, first));
    e.forLoop(count, [&](Value t) {
      e.vstore(input(e.add(first, t), 0), floats, windowAt(e.add(t, kept)));
    });
    e.forLoop(count, [&](Value t) {
      Values sum = e.forLoop(e.index(0), e.index(width), e.index(1), ValueRange{start[0]},
                             [&](Value w, ValueRange in) {
                               Value seen = e.vload(floats, windowAt(e.add(t, w)));
                               Value tap = e.vload(floats, weightAt(w, 0));
                               return Values{e.fma(tap, seen, in[0])};
                             });
      output(sum[0], e.add(first, t), 0);
    });
    e.forLoop(kept, [&](Value i) {
      e.vstore(e.vload(floats, windowAt(e.add(i, count))), floats, windowAt(i));
    });
  });
  if (finalState)
    e.forLoop(kept, [&](Value i) { storePast(e.vload(floats, windowAt(i)), i, 0); });
}

static LogicalResult select(CausalConvOp op, exec::KernelOp kernel) {
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

const KernelEmitter *linnet::codegen::getCausalConvEmitter() {
  static const OpEmitter<CausalConvOp, Kernel> emitter(select);
  return &emitter;
}
