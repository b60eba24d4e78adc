//===- CausalConv.cpp - depthwise causal convolution on GPUs ----------------===//
//
// Part of Linnet, under Apache-2.0 WITH LLVM-exception. See LICENSE.
//
// Up to eight taps: a thread has up to four channels that lie together and goes over a block of
// positions with the window in registers. Wider ones: a workgroup has 32 channels and goes over
// panels of positions, whose inputs lie in workgroup memory for up to 64 taps at once.
//
// Who reads the state also writes it: it may lie where the final state goes. So a block has at
// least W - 1 positions, and the first one makes the final state.
//
//===----------------------------------------------------------------------===//
#include "CausalConv.h"
#include "../Activations.h"
#include "Emitters.h"
#include "GPUOpKernel.h"

using namespace mlir;
using namespace linnet;
using namespace linnet::codegen;

namespace {

/// Windows in registers: threads of a workgroup, channels of a thread, positions of a block.
constexpr int64_t kThreadCount = 128, kWide = 4, kBlock = 32;
/// Windows in workgroup memory: channels and rows of threads, positions of a thread, taps at once.
constexpr int64_t kChannels = 32, kRows = 8, kSteps = 8, kTaps = 64;
constexpr int64_t kPanel = kRows * kSteps;

int64_t blockOf(int64_t width) {
  return isWideConv(width) ? llvm::alignTo(std::max(width - 1, kPanel), kPanel) : kBlock;
}

class Kernel : CausalConvViews {
public:
  Kernel(CausalConvOp op, GPUKernelFrame &frame)
      : e(frame.e), f(frame), op(op), width(widthOf(op)) {}
  LogicalResult emit();

private:
  void decode(Value unit, Value channelBlocks, int64_t channels);
  Value finish(Value sum);
  void storeState(Value channel);
  // in registers
  void convolveInRegisters();
  Value loadWide(const View &v, Value t);
  void storeWide(Value x, Value t);
  Value past(int64_t i);
  Values window();
  // in workgroup memory
  void convolveInMemory();
  void emitPanel(Value from);
  void fill(Value firstPadded, Value firstTap);

  GPUEmitter &e;
  GPUKernelFrame &f;
  CausalConvOp op;
  int64_t width;
  Value length, channels, batch, block, channel;
  Value aligned; ///< whether a thread's channels can be accessed at once
  GPUConvRows rows, taps;
  Value lane, row;
};

} // namespace

Value GPUPaddedInputs::load(Value position, Value channel) const {
  GPUEmitter &e = f.e;
  Type type = e.f32();
  Value past = e.index(kept), t = e.sub(position, past);
  auto zero = [&] { return Values{e.f(0)}; };
  auto given = [&] {
    if (!state)
      return zero();
    return Values{loadFloat(e, *state, f.position(*state, {batch, channel, position}))};
  };
  auto input = [&] {
    return e.ifElse(
        e.lt(t, x.sizes[1]), TypeRange{type},
        [&] { return Values{loadFloat(e, x, f.position(x, {batch, t, channel}))}; }, zero);
  };
  return e.ifElse(
      e.lt(channel, x.sizes[2]), TypeRange{type},
      [&] { return e.ifElse(e.lt(position, past), TypeRange{type}, given, input); }, zero)[0];
}

Values linnet::codegen::correlate(GPUEmitter &e, const GPUConvRows &rows, Value first, Value lane,
                                  Value count, llvm::function_ref<Value(Value)> tap, Values sums) {
  int64_t n = sums.size();
  for (int64_t k = 0; k + 1 < n; ++k)
    sums.push_back(e.load(rows.memory, rows.at(e, e.add(first, k), lane)));
  Value next = e.add(first, n - 1);
  Values out = e.forLoop(e.index(0), count, e.index(1), sums, [&](Value i, ValueRange in) {
    Values seen(in.drop_front(n)), carried;
    seen.push_back(e.load(rows.memory, rows.at(e, e.add(next, i), lane)));
    Value weight = tap(i);
    for (int64_t k = 0; k < n; ++k)
      carried.push_back(e.fma(weight, seen[k], in[k]));
    carried.append(seen.begin() + 1, seen.end());
    return carried;
  });
  out.resize(n);
  return out;
}

LogicalResult Kernel::emit() {
  if (failed(bind(f, op)))
    return failure();
  length = x.sizes[1];
  channels = x.sizes[2];
  if (isWideConv(width))
    convolveInMemory();
  else
    convolveInRegisters();
  return success();
}

void Kernel::decode(Value unit, Value channelBlocks, int64_t perBlock) {
  Value blocks = e.max(e.ceilDiv(length, blockOf(width)), e.index(1));
  channel = e.mul(e.rem(unit, channelBlocks), perBlock);
  Value rest = e.div(unit, channelBlocks);
  block = e.rem(rest, blocks);
  batch = e.div(rest, blocks);
}

Value Kernel::finish(Value sum) {
  return op.getActivation() == ConvActivation::silu ? silu(e, sum) : sum;
}

/// The last W - 1 padded inputs of a channel, oldest first.
void Kernel::storeState(Value of) {
  Value kept = e.index(width - 1);
  e.forLoop(kept, [&](Value i) {
    Value at = e.add(length, i);
    Value value = e.ifElse(
        e.lt(at, kept), TypeRange{e.f32()},
        [&] {
          if (!op.getState())
            return Values{e.f(0)};
          return Values{loadFloat(e, state, f.position(state, {batch, of, at}))};
        },
        [&] { return Values{loadFloat(e, x, f.position(x, {batch, e.sub(at, kept), of}))}; })[0];
    e.store(e.convert(value, x.element), finalState->memory,
            f.position(*finalState, {batch, of, i}));
  });
}

//===----------------------------------------------------------------------===//
// Windows in registers
//===----------------------------------------------------------------------===//

/// The thread's channels at a position, as f32; those that are not there are zero.
Value Kernel::loadWide(const View &v, Value t) {
  Value at = f.position(v, {batch, t, channel});
  SmallVector<Type> type = {e.vec(e.f32(), kWide)};
  return e.ifElse(
      aligned, type, [&] { return Values{e.convert(e.vload(v.memory, at, kWide), e.f32())}; },
      [&] {
        Values lanes;
        for (int64_t i = 0; i < kWide; ++i)
          lanes.push_back(e.ifElse(
              e.lt(e.add(channel, i), channels), TypeRange{e.f32()},
              [&] { return Values{loadFloat(e, v, e.add(at, e.mul(v.strides[2], i)))}; },
              [&] { return Values{e.f(0)}; })[0]);
        return Values{e.pack(lanes)};
      })[0];
}

void Kernel::storeWide(Value value, Value t) {
  Value at = f.position(*out, {batch, t, channel});
  value = e.convert(value, out->element);
  e.ifThen(
      aligned, [&] { e.vstore(value, out->memory, at); },
      [&] {
        for (int64_t i = 0; i < kWide; ++i)
          e.ifThen(e.lt(e.add(channel, i), channels), [&] {
            e.store(e.extract(value, i), out->memory, e.add(at, e.mul(out->strides[2], i)));
          });
      });
}

/// Numbers of the thread's channels in a tensor that has them last but one, or last.
static Value channelsOf(GPUEmitter &e, const View &v, Value at, unsigned dim, Value channel,
                        Value channels) {
  Values lanes;
  for (int64_t i = 0; i < kWide; ++i) {
    Value offset = e.min(e.index(i), e.sub(e.sub(channels, 1), channel));
    lanes.push_back(loadFloat(e, v, e.add(at, e.mul(offset, v.strides[dim]))));
  }
  return e.pack(lanes);
}

/// Input `i` of the W - 1 before the block.
Value Kernel::past(int64_t i) {
  Value t = e.add(e.mul(block, kBlock), i - (width - 1));
  SmallVector<Type> type = {e.vec(e.f32(), kWide)};
  return e.ifElse(
      e.eq(block, e.index(0)), type,
      [&] {
        if (!op.getState())
          return Values{e.zero(type[0])};
        Value at = f.position(state, {batch, channel, e.index(i)});
        return Values{channelsOf(e, state, at, 1, channel, channels)};
      },
      [&] { return Values{loadWide(x, t)}; })[0];
}

void Kernel::convolveInRegisters() {
  Value vectors = e.ceilDiv(channels, kWide);
  Value blocks = e.max(e.ceilDiv(length, kBlock), e.index(1));
  Value unit = e.add(e.mul(f.group, kThreadCount), e.thread);
  e.ifThen(e.lt(unit, e.mul(x.sizes[0], e.mul(blocks, vectors))), [&] {
    decode(unit, vectors, kWide);
    aligned = e.both(f.isAligned(x, kWide), e.le(e.add(channel, kWide), channels));
    if (out)
      aligned = e.both(aligned, f.isAligned(*out, kWide));
    Values seen;
    for (int64_t i = 0; i + 1 < width; ++i)
      seen.push_back(past(i));
    if (out) {
      Values weights;
      for (int64_t w = 0; w < width; ++w)
        weights.push_back(
            channelsOf(e, weight, f.position(weight, {channel, e.index(w)}), 0, channel, channels));
      Value start = op.getBias()
                        ? channelsOf(e, bias, f.position(bias, {channel}), 0, channel, channels)
                        : e.zero(e.vec(e.f32(), kWide));
      Value from = e.mul(block, kBlock), to = e.min(e.add(from, kBlock), length);
      e.forLoop(from, to, e.index(1), seen, [&](Value t, ValueRange in) {
        Values now(in);
        now.push_back(loadWide(x, t));
        Value sum = start;
        for (int64_t w = 0; w < width; ++w)
          sum = e.fma(weights[w], now[w], sum);
        storeWide(finish(sum), t);
        return Values(now.begin() + 1, now.end());
      });
    }
    if (finalState)
      e.ifThen(e.eq(block, e.index(0)), [&] {
        Value count = e.min(e.index(kWide), e.sub(channels, channel));
        e.forLoop(count, [&](Value i) { storeState(e.add(channel, i)); });
      });
  });
}

//===----------------------------------------------------------------------===//
// Windows in workgroup memory
//===----------------------------------------------------------------------===//

/// The inputs of a panel for kTaps taps, and those, [tap][channel].
void Kernel::fill(Value firstPadded, Value firstTap) {
  int64_t count = kPanel + std::min(kTaps, width) - 1;
  GPUPaddedInputs inputs{f, x, op.getState() ? &state : nullptr, width - 1, batch};
  e.forThreads(e.index(count * kChannels), [&](Value i) {
    Value c = e.rem(i, kChannels), at = e.div(i, kChannels);
    Value value = inputs.load(e.add(firstPadded, at), e.add(channel, c));
    e.store(value, rows.memory, rows.at(e, at, c));
  });
  e.forThreads(e.index(kTaps * kChannels), [&](Value i) {
    Value w = e.add(firstTap, e.rem(i, kTaps)), c = e.div(i, kTaps), of = e.add(channel, c);
    Value value = e.ifElse(
        e.both(e.lt(of, channels), e.lt(w, e.index(width))), TypeRange{e.f32()},
        [&] { return Values{loadFloat(e, weight, f.position(weight, {of, w}))}; },
        [&] { return Values{e.f(0)}; })[0];
    e.store(value, taps.memory, taps.at(e, e.rem(i, kTaps), c));
  });
}

void Kernel::emitPanel(Value from) {
  Value first = e.mul(row, kSteps), of = e.add(channel, lane), there = e.lt(of, channels);
  Value start = e.f(0);
  if (op.getBias())
    start = e.ifElse(
        there, TypeRange{e.f32()},
        [&] { return Values{loadFloat(e, bias, f.position(bias, {of}))}; },
        [&] { return Values{e.f(0)}; })[0];
  Values sums = e.forLoop(e.index(0), e.index(width), e.index(kTaps), Values(kSteps, start),
                          [&](Value firstTap, ValueRange in) {
                            e.barrier(); // the rows before have been read
                            fill(e.add(from, firstTap), firstTap);
                            e.barrier();
                            Value count = e.min(e.index(kTaps), e.sub(e.index(width), firstTap));
                            return correlate(
                                e, rows, first, lane, count,
                                [&](Value w) { return e.load(taps.memory, taps.at(e, w, lane)); },
                                Values(in));
                          });
  for (int64_t k = 0; k < kSteps; ++k) {
    Value t = e.add(from, e.add(first, k));
    e.ifThen(e.both(there, e.lt(t, length)), [&] {
      e.store(e.convert(finish(sums[k]), out->element), out->memory,
              f.position(*out, {batch, t, of}));
    });
  }
}

void Kernel::convolveInMemory() {
  decode(f.group, e.ceilDiv(channels, kChannels), kChannels);
  lane = e.rem(e.thread, kChannels);
  row = e.div(e.thread, kChannels);
  int64_t positions = blockOf(width);
  if (out) {
    // correlate() loads up to kSteps - 1 rows more, for sums of taps that are not there
    rows = {e.shared(e.f32(), (kPanel + kTaps + kSteps) * kChannels), 0, kChannels};
    taps = {e.shared(e.f32(), kTaps * (kChannels + 1)), 0, kChannels + 1};
    Value from = e.mul(block, positions), to = e.min(e.add(from, positions), length);
    e.forLoop(from, to, e.index(kPanel), [&](Value t) { emitPanel(t); });
  }
  if (!finalState)
    return;
  e.barrier(); // the state has been read
  Value of = e.add(channel, e.thread);
  e.ifThen(e.both(e.eq(block, e.index(0)),
                  e.both(e.lt(e.thread, e.index(kChannels)), e.lt(of, channels))),
           [&] { storeState(of); });
}

static LogicalResult select(CausalConvOp op, exec::KernelOp kernel, const GPUTarget &) {
  int64_t width = widthOf(op);
  bool wide = isWideConv(width);
  setStrategy(kernel, {{kThreads, wide ? kChannels * kRows : kThreadCount}});
  LaunchBuilder b(kernel);
  FailureOr<ScanSizes> sizes = ScanSizes::of(b, op);
  if (failed(sizes))
    return failure();
  Value one = b.constant(1);
  Value blocks = b.max(b.ceilDiv(sizes->length, b.constant(blockOf(width))), one);
  Value units = b.mul(sizes->parts(b, wide ? kChannels : kWide), blocks);
  Value groups = wide ? units : b.ceilDiv(units, b.constant(kThreadCount));
  b.finish(groups, b.constant(0), sizes->flops(b, op), bytesTouched(b, kernel));
  return success();
}

const GPUKernelEmitter *linnet::codegen::getGPUCausalConvEmitter() {
  static const GPUOpEmitter<CausalConvOp, Kernel> emitter(select);
  return &emitter;
}
