//===- SelectiveScanGrad.cpp - gradients of Mamba's recurrence ------------===//
//
// Part of Linnet, under Apache-2.0 WITH LLVM-exception. See LICENSE.
//
// A chunk is 64 channels of one sequence, in blocks of 16, a lane each. It runs forwards once and
// keeps the states at the beginning of every panel of positions. Then it takes the panels from
// the last to the first: replays the panel, keeping what every position needs, and sweeps
// backwards over it. Sums over channels stay apart in lanes until all blocks of the chunk are
// added.
//
//===----------------------------------------------------------------------===//
#include "../Scans.h"
#include "Emitters.h"
#include "SelectiveScan.h"

using namespace mlir;
using namespace linnet;
using namespace linnet::codegen;

namespace {

constexpr int64_t kPanel = 64;
constexpr int64_t kBlocks = SelectiveScanGradOp::kPartChannels / kLanes;
/// The most states that registers hold twice.
constexpr int64_t kAtOnce = 8;
constexpr double kLog2E = 1.4426950408889634;

/// Offsets of the scratch of a worker, in floats.
struct Scratch {
  explicit Scratch(int64_t states) : blockStates(states * kLanes) {
    auto take = [&](int64_t floats) {
      int64_t at = starts;
      starts += llvm::alignTo(floats, kLanes);
      return at;
    };
    // per block
    rates = take(kBlocks * blockStates);
    grads = take(kBlocks * blockStates);
    rateGrads = take(kBlocks * blockStates);
    skipGrads = take(kBlocks * kLanes);
    biasGrads = take(kBlocks * kLanes);
    // per position of a panel: of the channels of a block
    steps = take(kPanel * kLanes);
    inputs = take(kPanel * kLanes);
    douts = take(kPanel * kLanes);
    outs = take(kPanel * kLanes);
    stepGrads = take(kPanel * kLanes);
    inputGrads = take(kPanel * kLanes);
    // ... of the states that are replayed and swept at once
    keeps = take(kPanel * kAtOnce * kLanes);
    decayed = take(kPanel * kAtOnce * kLanes);
    // ... of all states
    bSums = take(kPanel * blockStates);
    cSums = take(kPanel * blockStates);
    b = take(kPanel * states);
    c = take(kPanel * states);
  }
  int64_t blockStates;
  int64_t rates, grads, rateGrads, skipGrads, biasGrads;
  int64_t steps, inputs, douts, outs, stepGrads, inputGrads;
  int64_t keeps, decayed, bSums, cSums, b, c;
  /// The states before every panel.
  int64_t starts = 0;
};

class Kernel : ScanGradViews {
public:
  Kernel(SelectiveScanGradOp op, KernelFrame &frame)
      : e(frame.e), frame(frame), op(op), states(statesOf(op)), at(states) {}
  LogicalResult emit();

private:
  void emitChunk(Value chunk);
  void loadBlock(Value block);
  void storeBlock(Value block);
  void saveStarts();
  void advance(Value block, Value panel, const ScanRows &b);
  void emitPanel(Value panel);
  void prefetch(Value place, bool backwards);
  void prepareSteps(Value first, Value count, bool backwards);
  void replayGroup(Value block, Value panel, Value count, const ScanRows &b, const ScanRows &c,
                   int64_t firstState, int64_t group);
  void sweepGroup(Value block, Value count, const ScanRows &b, const ScanRows &c,
                  int64_t firstState, int64_t group);
  void finishPositions(Value block, Value first, Value count);
  void storeSums(const View &parts, int64_t place, Value first, Value count);

  /// Calls for all states, `group` at once.
  void forStates(int64_t group, function_ref<void(int64_t, int64_t)> body) {
    for (int64_t n = 0; n < states; n += group)
      body(n, std::min(group, states - n));
  }
  void selectBlock(Value block);
  Value blockAt(int64_t place, Value block, int64_t state) {
    return e.add(e.mul(block, at.blockStates), place + state * kLanes);
  }
  Value sumAt(int64_t place, Value block) { return e.add(e.mul(block, kLanes), place); }
  Value startAt(Value panel, Value block, int64_t state) {
    return blockAt(at.starts, e.add(e.mul(panel, kBlocks), block), state);
  }
  Value panelRow(int64_t place, Value t) { return e.add(e.mul(t, kLanes), place); }
  Value panelState(int64_t place, Value t, int64_t state) {
    return e.add(e.mul(t, at.blockStates), place + state * kLanes);
  }
  Value groupState(int64_t place, Value t, int64_t i) {
    return e.add(e.mul(t, kAtOnce * kLanes), place + i * kLanes);
  }
  Value read(Value i) { return e.vload(floats, i); }
  void write(Value x, Value i) { e.vstore(x, floats, i); }
  void addTo(Value i, Value x) { write(e.addf(read(i), x), i); }
  Value loadRow(const View &v, Value t) {
    return loadLanes(e, v, frame.position(v, {batch, t, channel}), 2, lanes);
  }
  void storeRow(Value x, const View &v, Value t) {
    storeLanes(e, x, v, frame.position(v, {batch, t, channel}), 2, lanes);
  }
  Value shift() {
    return op.getDeltaBias() ? loadLanes(e, bias, frame.position(bias, {channel}), 0, lanes)
                             : Value();
  }
  ScanRows rowsOf(const View &v, int64_t place, Value first, Value count) {
    return prepareScanRows(frame, v, {batch, first, e.index(0)}, count, floats, place);
  }

  Emitter &e;
  KernelFrame &frame;
  SelectiveScanGradOp op;
  int64_t states;
  Scratch at;
  Value floats, batch, group, firstChannel, blocks, length, panels;
  Value channel; ///< the first of the block
  Lanes lanes;
};

} // namespace

LogicalResult Kernel::emit() {
  if (failed(bind(frame, op)))
    return failure();
  floats = frame.scratch(0, e.f32());
  length = u.sizes[1];
  panels = e.ceilDiv(length, kPanel);
  e.forLoop(frame.begin, frame.end, e.index(1), [&](Value chunk) { emitChunk(chunk); });
  return success();
}

void Kernel::emitChunk(Value chunk) {
  constexpr int64_t kChannels = kBlocks * kLanes;
  Value groups = e.ceilDiv(u.sizes[2], kChannels);
  batch = e.div(chunk, groups);
  group = e.rem(chunk, groups);
  firstChannel = e.mul(group, kChannels);
  blocks = e.min(e.index(kBlocks), e.ceilDiv(e.sub(u.sizes[2], firstChannel), kLanes));
  e.forLoop(blocks, [&](Value block) { loadBlock(block); });
  saveStarts();
  e.forLoop(panels, [&](Value i) { emitPanel(e.sub(e.sub(panels, 1), i)); });
  e.forLoop(blocks, [&](Value block) { storeBlock(block); });
}

void Kernel::selectBlock(Value block) {
  channel = e.add(firstChannel, e.mul(block, kLanes));
  lanes = Lanes::of(e, u.sizes[2], channel);
}

//===----------------------------------------------------------------------===//
// What a block keeps over the panels
//===----------------------------------------------------------------------===//

// Rates come in base 2: exp(d * a) = 2^(d * a * log2(e)). Lanes without a channel are zero, so that
// they add nothing to sums over channels.
void Kernel::loadBlock(Value block) {
  selectBlock(block);
  forStates(kLanes, [&](int64_t n, int64_t width) {
    auto load = [&](const View &v, ValueRange where, unsigned rowDim) {
      Values x = loadTurned(e, v, frame.position(v, where), rowDim, lanes, rowDim + 1, width);
      if (lanes.mask)
        for (Value &lane : x)
          lane = e.select(lanes.mask, lane, e.vf(0));
      return x;
    };
    Values zeros(width, e.vf(0)), rates = load(a, {channel, e.index(n)}, 0);
    Values h = op.getState() ? load(state, {batch, channel, e.index(n)}, 1) : zeros;
    Values g = op.getDfinal() ? load(dfinal, {batch, channel, e.index(n)}, 1) : zeros;
    for (int64_t i = 0; i < width; ++i) {
      write(e.mulf(rates[i], e.vf(kLog2E)), blockAt(at.rates, block, n + i));
      write(h[i], startAt(e.index(0), block, n + i));
      write(g[i], blockAt(at.grads, block, n + i));
      write(e.vf(0), blockAt(at.rateGrads, block, n + i));
    }
  });
  write(e.vf(0), sumAt(at.skipGrads, block));
  write(e.vf(0), sumAt(at.biasGrads, block));
}

void Kernel::storeBlock(Value block) {
  selectBlock(block);
  auto store = [&](const std::optional<View> &v, int64_t place) {
    if (!v)
      return;
    forStates(kLanes, [&](int64_t n, int64_t width) {
      Values x;
      for (int64_t i = 0; i < width; ++i)
        x.push_back(read(blockAt(place, block, n + i)));
      storeTurned(e, x, *v, frame.position(*v, {batch, channel, e.index(n)}), 1, lanes, 2, width);
    });
  };
  store(da, at.rateGrads);
  store(dstate, at.grads);
  auto storeSum = [&](const std::optional<View> &v, int64_t place) {
    if (v)
      storeLanes(e, read(sumAt(place, block)), *v, frame.position(*v, {batch, channel}), 1, lanes);
  };
  storeSum(dskip, at.skipGrads);
  storeSum(dbias, at.biasGrads);
}

//===----------------------------------------------------------------------===//
// Forwards
//===----------------------------------------------------------------------===//

/// The row of the panel that comes next. Rows are far apart, so that the machine does not see it.
void Kernel::prefetch(Value place, bool backwards) {
  Value next = backwards ? e.sub(place, kPanel) : e.add(place, kPanel);
  auto fetch = [&](const View &v, bool write) {
    e.prefetch(v.memory, frame.position(v, {batch, next, channel}), write, /*locality=*/2);
  };
  fetch(u, false);
  fetch(delta, false);
  if (!backwards)
    return;
  fetch(dy, false);
  if (op.getGate())
    fetch(gate, false);
  for (const std::optional<View> &out : {du, ddelta, dgate})
    if (out)
      fetch(*out, true);
}

void Kernel::prepareSteps(Value first, Value count, bool backwards) {
  Value addend = shift();
  e.forLoop(count, [&](Value t) {
    Value place = e.add(first, t), d = loadRow(delta, place);
    prefetch(place, backwards);
    d = scanStep(e, d, addend, op.getSoftplus());
    write(d, panelRow(at.steps, t));
    write(e.mulf(d, loadRow(u, place)), panelRow(at.inputs, t));
    if (!backwards)
      return;
    Value ds = loadRow(dy, place);
    if (op.getGate())
      ds = e.mulf(ds, silu(e, loadRow(gate, place)));
    write(ds, panelRow(at.douts, t));
  });
}

// The last panel is replayed from its start, so nobody asks for its end.
void Kernel::saveStarts() {
  Value last = e.max(e.sub(panels, 1), e.index(0));
  e.forLoop(last, [&](Value panel) {
    Value first = e.mul(panel, kPanel), count = e.index(kPanel);
    ScanRows rows = rowsOf(b, at.b, first, count);
    e.forLoop(blocks, [&](Value block) {
      selectBlock(block);
      prepareSteps(first, count, /*backwards=*/false);
      advance(block, panel, rows);
    });
  });
}

// From the start of a panel to that of the next.
void Kernel::advance(Value block, Value panel, const ScanRows &rows) {
  forStates(e.target.avx512 ? 16 : 4, [&](int64_t n, int64_t width) {
    Values h;
    for (int64_t i = 0; i < width; ++i)
      h.push_back(read(startAt(panel, block, n + i)));
    h = e.forLoop(e.index(0), e.index(kPanel), e.index(1), h, [&](Value t, ValueRange in) {
      Value d = read(panelRow(at.steps, t)), x = read(panelRow(at.inputs, t));
      Values next;
      for (int64_t i = 0; i < width; ++i) {
        Value keep = e.exp2Fast(e.mulf(d, read(blockAt(at.rates, block, n + i))));
        next.push_back(e.fma(keep, in[i], e.mulf(x, rows.splat(e, t, n + i))));
      }
      return next;
    });
    for (int64_t i = 0; i < width; ++i)
      write(h[i], startAt(e.add(panel, 1), block, n + i));
  });
}

//===----------------------------------------------------------------------===//
// Backwards
//===----------------------------------------------------------------------===//

void Kernel::emitPanel(Value panel) {
  Value first = e.mul(panel, kPanel), count = e.min(e.index(kPanel), e.sub(length, first));
  ScanRows bs = rowsOf(b, at.b, first, count), cs = rowsOf(c, at.c, first, count);
  e.forLoop(e.index(0), e.mul(count, at.blockStates), e.index(kLanes), [&](Value i) {
    write(e.vf(0), e.add(i, at.bSums));
    write(e.vf(0), e.add(i, at.cSums));
  });
  e.forLoop(blocks, [&](Value block) {
    selectBlock(block);
    prepareSteps(first, count, /*backwards=*/true);
    forStates(e.target.avx512 ? kAtOnce : kAtOnce / 4, [&](int64_t n, int64_t width) {
      replayGroup(block, panel, count, bs, cs, n, width);
      sweepGroup(block, count, bs, cs, n, width);
    });
    finishPositions(block, first, count);
  });
  if (db)
    storeSums(*db, at.bSums, first, count);
  if (dc)
    storeSums(*dc, at.cSums, first, count);
}

// Keeps, of every position and state, the factor of the step and the state times it.
void Kernel::replayGroup(Value block, Value panel, Value count, const ScanRows &bs,
                         const ScanRows &cs, int64_t firstState, int64_t width) {
  Values h;
  for (int64_t i = 0; i < width; ++i)
    h.push_back(read(startAt(panel, block, firstState + i)));
  e.forLoop(e.index(0), count, e.index(1), h, [&](Value t, ValueRange in) {
    Value d = read(panelRow(at.steps, t)), x = read(panelRow(at.inputs, t));
    Value ds = read(panelRow(at.douts, t)), sum = e.vf(0);
    Values next;
    for (int64_t i = 0; i < width; ++i) {
      int64_t n = firstState + i;
      Value keep = e.exp2Fast(e.mulf(d, read(blockAt(at.rates, block, n))));
      Value left = e.mulf(keep, in[i]);
      write(keep, groupState(at.keeps, t, i));
      write(left, groupState(at.decayed, t, i));
      next.push_back(e.fma(x, bs.splat(e, t, n), left));
      if (dc) {
        Value sumPlace = panelState(at.cSums, t, n);
        write(e.fma(ds, next[i], read(sumPlace)), sumPlace);
      }
      if (dgate)
        sum = e.fma(next[i], cs.splat(e, t, n), sum);
    }
    if (dgate) {
      Value place = panelRow(at.outs, t);
      write(firstState ? e.addf(read(place), sum) : sum, place);
    }
    return next;
  });
}

void Kernel::sweepGroup(Value block, Value count, const ScanRows &bs, const ScanRows &cs,
                        int64_t firstState, int64_t width) {
  int64_t places[] = {at.grads, at.rateGrads};
  Values carried;
  for (int64_t place : places)
    for (int64_t i = 0; i < width; ++i)
      carried.push_back(read(blockAt(place, block, firstState + i)));
  auto position = [&](Value back, ValueRange in) {
    Value t = e.sub(e.sub(count, 1), back), ds = read(panelRow(at.douts, t));
    Value d = read(panelRow(at.steps, t)), x = read(panelRow(at.inputs, t));
    Value stepGrad = e.vf(0), inputGrad = e.vf(0);
    Values grads, rateGrads;
    for (int64_t i = 0; i < width; ++i) {
      int64_t n = firstState + i;
      Value g = e.fma(ds, cs.splat(e, t, n), in[i]);
      Value left = e.mulf(g, read(groupState(at.decayed, t, i)));
      stepGrad = e.fma(left, read(blockAt(at.rates, block, n)), stepGrad);
      inputGrad = e.fma(g, bs.splat(e, t, n), inputGrad);
      if (db) {
        Value sumPlace = panelState(at.bSums, t, n);
        write(e.fma(g, x, read(sumPlace)), sumPlace);
      }
      rateGrads.push_back(e.fma(d, left, in[width + i]));
      grads.push_back(e.mulf(g, read(groupState(at.keeps, t, i))));
    }
    for (auto [place, sum] :
         {std::pair{at.stepGrads, stepGrad}, std::pair{at.inputGrads, inputGrad}}) {
      Value row = panelRow(place, t);
      write(firstState ? e.addf(read(row), sum) : sum, row);
    }
    grads.append(rateGrads);
    return grads;
  };
  Values left = e.forLoop(e.index(0), count, e.index(1), carried, position);
  for (auto [k, place] : llvm::enumerate(places))
    for (int64_t i = 0; i < width; ++i)
      write(left[k * width + i], blockAt(place, block, firstState + i));
}

// What a position's gradients are once their sums over the states are there.
void Kernel::finishPositions(Value block, Value first, Value count) {
  Value addend = shift(), direct;
  if (op.getSkip())
    direct = loadLanes(e, skip, frame.position(skip, {channel}), 0, lanes);
  auto sumOf = [&](int64_t place, Value t) { return states ? read(panelRow(place, t)) : e.vf(0); };
  Values sums = {read(sumAt(at.skipGrads, block)), read(sumAt(at.biasGrads, block))};
  sums = e.forLoop(e.index(0), count, e.index(1), sums, [&](Value t, ValueRange in) {
    Value place = e.add(first, t), x = loadRow(u, place), ds = read(panelRow(at.douts, t));
    Value q = sumOf(at.inputGrads, t), dd = e.mulf(sumOf(at.stepGrads, t), e.vf(1 / kLog2E));
    dd = e.fma(x, q, dd);
    if (op.getSoftplus()) {
      Value step = loadRow(delta, place);
      dd = e.mulf(dd, sigmoid(e, addend ? e.addf(step, addend) : step));
    }
    if (ddelta)
      storeRow(dd, *ddelta, place);
    Value dx = e.mulf(read(panelRow(at.steps, t)), q);
    if (du)
      storeRow(direct ? e.fma(direct, ds, dx) : dx, *du, place);
    if (dgate) {
      Value out = sumOf(at.outs, t), z = loadRow(gate, place);
      out = e.mulf(direct ? e.fma(direct, x, out) : out, loadRow(dy, place));
      storeRow(e.mulf(out, siluSlope(e, z, sigmoid(e, z))), *dgate, place);
    }
    return Values{e.fma(ds, x, in[0]), e.addf(in[1], dd)};
  });
  write(sums[0], sumAt(at.skipGrads, block));
  write(sums[1], sumAt(at.biasGrads, block));
}

// Lanes meet once per chunk.
void Kernel::storeSums(const View &parts, int64_t place, Value first, Value count) {
  e.forLoop(count, [&](Value t) {
    forStates(kLanes, [&](int64_t n, int64_t width) {
      Values x;
      for (int64_t i = 0; i < width; ++i)
        x.push_back(read(panelState(place, t, n + i)));
      x.resize(kLanes, e.vf(0));
      Value to = frame.position(parts, {batch, group, e.add(first, t), e.index(n)});
      storeLanes(e, sumEachLanes(e, x), parts, to, 3, Lanes::of(e, e.index(width), e.index(0)));
    });
  });
}

//===----------------------------------------------------------------------===//
// Emitter
//===----------------------------------------------------------------------===//

static LogicalResult select(SelectiveScanGradOp op, exec::KernelOp kernel) {
  setStrategy(kernel, {});
  LaunchBuilder b(kernel);
  FailureOr<ScanSizes> sizes = ScanSizes::of(b, op);
  if (failed(sizes))
    return failure();
  Scratch at(statesOf(op));
  Value starts = b.max(b.ceilDiv(sizes->length, b.constant(kPanel)), b.constant(1));
  Value floats = b.add(b.mul(starts, b.constant(kBlocks * at.blockStates)), b.constant(at.starts));
  Value flops = sizes->flops(b, op);
  b.finish(sizes->parts(b, SelectiveScanGradOp::kPartChannels), b.mul(floats, b.constant(4)), flops,
           bytesTouched(b, kernel));
  return success();
}

const KernelEmitter *linnet::codegen::getSelectiveScanGradEmitter() {
  static const OpEmitter<SelectiveScanGradOp, Kernel> emitter(
      select, [](SelectiveScanGradOp op) { return op.getParts(); });
  return &emitter;
}
