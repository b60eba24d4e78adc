//===- SelectiveScan.cpp - Mamba's state space recurrence -----------------===//
//
// Part of Linnet, under Apache-2.0 WITH LLVM-exception. See LICENSE.
//
// A chunk is 16 channels of one sequence, a lane each; registers hold their states, a vector per
// state. What is needed once per position (steps, gates) is done in panels before and after the
// recurrence, so that its loop has the registers to itself.
//
//===----------------------------------------------------------------------===//
#include "SelectiveScan.h"
#include "../Scans.h"
#include "Emitters.h"

using namespace mlir;
using namespace linnet;
using namespace linnet::codegen;

namespace {

constexpr int64_t kPanel = 64;

/// Offsets of the scratch of a worker, in floats.
struct Scratch {
  explicit Scratch(int64_t states)
      : rates(0), h(states * kLanes), steps(2 * states * kLanes), inputs(steps + kPanel * kLanes),
        sums(inputs + kPanel * kLanes), b(sums + kPanel * kLanes),
        c(b + llvm::alignTo(kPanel * states, kLanes)),
        total(c + llvm::alignTo(kPanel * states, kLanes)) {}
  int64_t rates, h, steps, inputs, sums, b, c, total;
};

class Kernel : ScanViews {
public:
  Kernel(SelectiveScanOp op, KernelFrame &frame)
      : e(frame.e), frame(frame), op(op), states(statesOf(op)), at(states) {}
  LogicalResult emit();

private:
  void emitChunk(Value chunk);
  void loadStates();
  void storeStates();
  void prefetch(Value place);
  void prepareSteps(Value first, Value count);
  void recur(const ScanRows &b, const ScanRows &c, int64_t firstState, int64_t group, Value count);
  void finishOutputs(Value first, Value count);
  Value panelRow(int64_t place, Value t) { return e.add(e.mul(t, kLanes), place); }

  Emitter &e;
  KernelFrame &frame;
  SelectiveScanOp op;
  int64_t states;
  Scratch at;
  Value floats, batch, channel;
  Lanes lanes;
};

} // namespace

ScanRows linnet::codegen::prepareScanRows(KernelFrame &frame, const View &v, ValueRange first,
                                          Value count, Value floats, int64_t place) {
  Emitter &e = frame.e;
  Value base = frame.position(v, first), width = v.sizes.back();
  if (v.element.isF32() && Emitter::constantOf(v.strides[2]) == 1)
    return {v.memory, base, v.strides[1]};
  e.forLoop(count, [&](Value t) {
    Value row = e.add(base, e.mul(t, v.strides[1]));
    e.forLoop(width, [&](Value n) {
      Value x = loadFloat(e, v, e.add(row, e.mul(n, v.strides[2])));
      e.store(x, floats, e.add(e.add(e.mul(t, width), n), place));
    });
  });
  return {floats, e.index(place), width};
}

LogicalResult Kernel::emit() {
  if (failed(bind(frame, op)))
    return failure();
  floats = frame.scratch(0, e.f32());
  e.forLoop(frame.begin, frame.end, e.index(1), [&](Value chunk) { emitChunk(chunk); });
  return success();
}

void Kernel::emitChunk(Value chunk) {
  Value blocks = e.ceilDiv(u.sizes[2], kLanes), length = u.sizes[1];
  batch = e.div(chunk, blocks);
  channel = e.mul(e.rem(chunk, blocks), kLanes);
  lanes = Lanes::of(e, u.sizes[2], channel);
  loadStates();
  e.forLoop(e.index(0), length, e.index(kPanel), [&](Value first) {
    Value count = e.min(e.index(kPanel), e.sub(length, first));
    prepareSteps(first, count);
    ScanRows bs = prepareScanRows(frame, b, {batch, first, e.index(0)}, count, floats, at.b);
    ScanRows cs = prepareScanRows(frame, c, {batch, first, e.index(0)}, count, floats, at.c);
    // the states that the registers hold at once
    int64_t group = e.target.avx512 ? 16 : 4;
    int64_t whole = states / group * group;
    for (int64_t n = 0; n < whole; n += group)
      recur(bs, cs, n, group, count);
    if (whole < states)
      recur(bs, cs, whole, states - whole, count);
    if (out)
      finishOutputs(first, count);
  });
  if (finalState)
    storeStates();
}

// Rates come in base 2: exp(d * a) = 2^(d * a * log2(e)).
void Kernel::loadStates() {
  for (int64_t n = 0; n < states; n += kLanes) {
    int64_t width = std::min(kLanes, states - n);
    auto turned = [&](const View &v, ValueRange where, unsigned rowDim) {
      return loadTurned(e, v, frame.position(v, where), rowDim, lanes, rowDim + 1, width);
    };
    Values rates = turned(a, {channel, e.index(n)}, 0);
    for (int64_t i = 0; i < width; ++i)
      e.vstore(e.mulf(rates[i], e.vf(1.4426950408889634)), floats,
               e.index(at.rates + (n + i) * kLanes));
    Values h(width, e.vf(0));
    if (op.getState())
      h = turned(state, {batch, channel, e.index(n)}, 1);
    for (int64_t i = 0; i < width; ++i)
      e.vstore(h[i], floats, e.index(at.h + (n + i) * kLanes));
  }
}

void Kernel::storeStates() {
  for (int64_t n = 0; n < states; n += kLanes) {
    int64_t width = std::min(kLanes, states - n);
    Values h;
    for (int64_t i = 0; i < width; ++i)
      h.push_back(e.vload(floats, e.index(at.h + (n + i) * kLanes)));
    storeTurned(e, h, *finalState, frame.position(*finalState, {batch, channel, e.index(n)}), 1,
                lanes, 2, width);
  }
}

/// The row of the panel that comes next. Rows are far apart, so that the machine does not see it.
void Kernel::prefetch(Value place) {
  Value next = e.add(place, kPanel);
  auto fetch = [&](const View &v, bool write) {
    e.prefetch(v.memory, frame.position(v, {batch, next, channel}), write, /*locality=*/2);
  };
  fetch(u, false);
  fetch(delta, false);
  if (op.getGate())
    fetch(gate, false);
  if (out)
    fetch(*out, true);
}

void Kernel::prepareSteps(Value first, Value count) {
  Value shift;
  if (op.getDeltaBias())
    shift = loadLanes(e, bias, frame.position(bias, {channel}), 0, lanes);
  e.forLoop(count, [&](Value t) {
    SmallVector<Value> where = {batch, e.add(first, t), channel};
    prefetch(where[1]);
    Value d = loadLanes(e, delta, frame.position(delta, where), 2, lanes);
    Value x = loadLanes(e, u, frame.position(u, where), 2, lanes);
    d = scanStep(e, d, shift, op.getSoftplus());
    e.vstore(d, floats, panelRow(at.steps, t));
    e.vstore(e.mulf(d, x), floats, panelRow(at.inputs, t));
  });
}

// Advances states firstState to firstState + group - 1 over the panel and adds what the outputs
// read of them.
void Kernel::recur(const ScanRows &bs, const ScanRows &cs, int64_t firstState, int64_t group,
                   Value count) {
  auto home = [&](int64_t place, int64_t i) { return e.index(place + (firstState + i) * kLanes); };
  Values h;
  for (int64_t i = 0; i < group; ++i)
    h.push_back(e.vload(floats, home(at.h, i)));
  h = e.forLoop(e.index(0), count, e.index(1), h, [&](Value t, ValueRange in) {
    Value d = e.vload(floats, panelRow(at.steps, t));
    Value x = e.vload(floats, panelRow(at.inputs, t));
    Values next, sums = {e.vf(0), e.vf(0)};
    for (int64_t i = 0; i < group; ++i) {
      Value keep = e.exp2Fast(e.mulf(d, e.vload(floats, home(at.rates, i))));
      next.push_back(e.fma(keep, in[i], e.mulf(x, bs.splat(e, t, firstState + i))));
      sums[i % 2] = e.fma(next[i], cs.splat(e, t, firstState + i), sums[i % 2]);
    }
    Value sum = e.addf(sums[0], sums[1]);
    if (firstState)
      sum = e.addf(e.vload(floats, panelRow(at.sums, t)), sum);
    e.vstore(sum, floats, panelRow(at.sums, t));
    return next;
  });
  for (int64_t i = 0; i < group; ++i)
    e.vstore(h[i], floats, home(at.h, i));
}

void Kernel::finishOutputs(Value first, Value count) {
  Value direct;
  if (op.getSkip())
    direct = loadLanes(e, skip, frame.position(skip, {channel}), 0, lanes);
  e.forLoop(count, [&](Value t) {
    SmallVector<Value> where = {batch, e.add(first, t), channel};
    Value y = states ? e.vload(floats, panelRow(at.sums, t)) : e.vf(0);
    if (direct)
      y = e.fma(direct, loadLanes(e, u, frame.position(u, where), 2, lanes), y);
    if (op.getGate())
      y = e.mulf(y, silu(e, loadLanes(e, gate, frame.position(gate, where), 2, lanes)));
    storeLanes(e, y, *out, frame.position(*out, where), 2, lanes);
  });
}

static LogicalResult select(SelectiveScanOp op, exec::KernelOp kernel) {
  setStrategy(kernel, {});
  LaunchBuilder b(kernel);
  FailureOr<ScanSizes> sizes = ScanSizes::of(b, op);
  if (failed(sizes))
    return failure();
  Value flops = sizes->flops(b, op);
  b.finish(sizes->parts(b, kLanes), b.constant(4 * Scratch(statesOf(op)).total), flops,
           bytesTouched(b, kernel));
  return success();
}

const KernelEmitter *linnet::codegen::getSelectiveScanEmitter() {
  static const OpEmitter<SelectiveScanOp, Kernel> emitter(select);
  return &emitter;
}
