//===- SelectiveScanGrad.cpp - gradients of Mamba's recurrence on GPUs ------===//
//
// Part of Linnet, under Apache-2.0 WITH LLVM-exception. See LICENSE.
//
// A workgroup has the 64 channels that share a part of the gradients of b and c. It goes over the
// panels forwards once and keeps the states before each of them, then from the last to the first:
// there states run forwards and gradients backwards over the segments of a panel.
//
//===----------------------------------------------------------------------===//
#include "../Activations.h"
#include "Emitters.h"
#include "GPUOpKernel.h"
#include "SelectiveScan.h"

using namespace mlir;
using namespace linnet;
using namespace linnet::codegen;

namespace {

constexpr int64_t kChannels = SelectiveScanGradOp::kPartChannels;
/// Bytes of workgroup memory that rates and the gradients of rates and states may take.
constexpr int64_t kStateBytes = 16 << 10;

/// The launch's scratch: per workgroup states before all panels, and what workgroup memory has no
/// space for.
struct Scratch {
  explicit Scratch(int64_t states)
      : local(3 * 4 * states * kChannels <= kStateBytes), homes(local ? 0 : 2 * states) {}
  bool local;
  int64_t homes; ///< rows of one number per channel, in front of the states
};

class Kernel : ScanGradViews, GPUScanThreads {
public:
  Kernel(SelectiveScanGradOp op, GPUKernelFrame &frame)
      : GPUScanThreads(frame, statesOf(op), 8), op(op), scratch(GPUScanThreads::states) {}
  LogicalResult emit();

private:
  void allocate();
  void prepareSteps();
  void prepareGradients();
  void saveStarts();
  void advance(Value panel);
  Values emitPanel(Value panel, ValueRange sums);
  Values sweep(Value panel, Value inGroup, Value state, ValueRange sums);
  void postPassages(const Values &keep, const Values &added, Value start, const Values &seen,
                    Value end);
  Values forwards(const Values &keep, const Values &added, Value h,
                  llvm::function_ref<void(Values)> use);
  Values backwards(const Values &keep, const Values &seen, Value g);
  Value meetBackwards();
  void postSums(const Values &numbers, int64_t part);
  void combineSums(Value inGroup);
  void storeParts(Value firstState);
  void addRateGradient(Value x, Value state);
  Values finish(const Values &sums, ValueRange totals);
  void storeStates();
  void storeTotals(ValueRange totals);

  Value startAt(Value panel, Value state) {
    Value row = e.add(e.mul(panel, states), state);
    return e.add(starts, e.add(e.mul(row, kChannels), lane));
  }
  Value stashAt(int64_t i) { return e.add(e.thread, i * form.threads()); }
  Values product(const Values &a, const Values &b) {
    return each(vectors(), [&](int64_t i) { return e.mulf(a[i], b[i]); });
  }
  /// a * b + c
  Values multiplyAdd(const Values &a, const Values &b, const Values &c) {
    return each(vectors(), [&](int64_t i) { return e.fma(a[i], b[i], c[i]); });
  }
  Values splats(Value x) { return Values(vectors(), e.splat(x, wide())); }
  Value total(const Values &x) {
    Value sum = scalarOf(x, 0);
    for (int64_t i = 1; i < form.steps; ++i)
      sum = e.addf(sum, scalarOf(x, i));
    return sum;
  }
  int64_t partCount() const { return bool(db) + bool(dc); }

  SelectiveScanGradOp op;
  Scratch scratch;
  Homes rateGrads, grads;
  Value starts, isLast, panels;
  Value bRows, cRows, sumMemory, partRows;
  Value stash; ///< for gateSlopes, which registers have no space for; null: they have to
  // of the thread's positions
  Values raw, steps, inputs, douts, gateSlopes;
};

} // namespace

void Kernel::allocate() {
  panels = e.ceilDiv(length, form.panel());
  isLast = e.eq(segment, e.index(form.segments - 1));
  Value start;
  if (states) {
    Value rows = e.add(e.mul(e.max(panels, e.index(1)), states), scratch.homes);
    start = e.add(f.scratchStart, e.mul(f.group, e.mul(rows, kChannels)));
    starts = e.add(start, scratch.homes * kChannels);
  }
  rateGrads = makeHomes(scratch.local, 0, start);
  grads = makeHomes(scratch.local, states, start);
  bRows = makeRows();
  cRows = makeRows();
  makeExchange(4);
  if (partCount()) {
    int64_t width = std::min(e.subgroup(), kChannels);
    sumMemory = e.shared(e.f32(), form.threads() / width * partCount() * form.steps);
    partRows = e.shared(e.f32(), partCount() * atOnce * pitch());
  }
  int64_t numbers = form.threads() * form.steps; // last: if there is space left
  if (dgate && e.sharedBytes() + 4 * numbers <= e.target.workgroupMemory)
    stash = e.shared(e.f32(), numbers);
}

LogicalResult Kernel::emit() {
  if (failed(bind(f, op)))
    return failure();
  place(u);
  loadRates(a, scratch.local);
  allocate();
  saveStarts();
  e.ifThen(isLast, [&] {
    forStates([&](Value n) {
      e.store(stateOf(dfinal, bool(op.getDfinal()), n), grads.memory, homeAt(grads, n));
    });
  });
  Values zero = {e.f(0), e.f(0)};
  Values totals = e.forLoop(e.index(0), panels, e.index(1), zero, [&](Value i, ValueRange sums) {
    return emitPanel(e.sub(e.sub(panels, 1), i), sums);
  });
  storeStates();
  storeTotals(totals);
  return success();
}

//===----------------------------------------------------------------------===//
// Forwards
//===----------------------------------------------------------------------===//

void Kernel::prepareSteps() {
  steps = loadSteps(delta, bias, bool(op.getDeltaBias()), op.getSoftplus());
  raw = zeroAbsent(load(u));
  inputs = product(steps, raw);
}

// All of it is the affair of the threads of segment 0. States lie where the gradients of rates
// will be.
void Kernel::saveStarts() {
  e.ifThen(isFirst, [&] {
    forStates([&](Value n) {
      Value h = stateOf(state, bool(op.getState()), n);
      e.store(h, rateGrads.memory, homeAt(rateGrads, n));
    });
  });
  Value last = e.max(e.sub(panels, 1), e.index(0));
  e.forLoop(last, [&](Value panel) { advance(panel); });
  e.ifThen(isFirst, [&] {
    forStates([&](Value n) {
      Value home = homeAt(rateGrads, n);
      e.store(e.load(rateGrads.memory, home), f.scratchMemory, startAt(last, n));
      e.store(e.f(0), rateGrads.memory, home);
    });
  });
}

void Kernel::advance(Value panel) {
  enterPanel(e.mul(panel, form.panel()));
  prepareSteps();
  forGroups({}, [&](Value from, Value count, ValueRange) {
    e.barrier(); // the rows before have been read
    fillRows(b, bRows, from);
    e.barrier();
    e.forLoop(count, [&](Value n) {
      Value state = e.add(from, n), home = homeAt(rateGrads, state);
      e.ifThen(isFirst, [&] {
        e.store(e.load(rateGrads.memory, home), f.scratchMemory, startAt(panel, state));
      });
      Value rate = e.splat(rateOf(state), wide());
      Values keep = each(vectors(), [&](int64_t i) { return e.exp2Fast(e.mulf(steps[i], rate)); });
      Value row = e.mul(e.rem(n, 2), 2);
      walk(keep, product(inputs, rowsOf(bRows, n)), rateGrads.memory, home, row);
    });
    return Values();
  });
}

//===----------------------------------------------------------------------===//
// Backwards
//===----------------------------------------------------------------------===//

void Kernel::prepareGradients() {
  douts = load(dy);
  if (op.getGate()) {
    Values z = load(gate);
    gateSlopes = each(vectors(), [&](int64_t i) {
      return e.mulf(douts[i], siluSlope(e, z[i], sigmoid(e, z[i])));
    });
    for (int64_t i = 0; stash && i < form.steps; ++i)
      e.store(scalarOf(gateSlopes, i), stash, stashAt(i));
    douts = each(vectors(), [&](int64_t i) { return e.mulf(douts[i], silu(e, z[i])); });
  }
  douts = zeroAbsent(douts);
}

// Sums over states: of what gradients of steps and of inputs are made of, and of outputs.
Values Kernel::emitPanel(Value panel, ValueRange totals) {
  enterPanel(e.mul(panel, form.panel()));
  prepareSteps();
  prepareGradients();
  Values init = zeros();
  init.append(zeros());
  if (dgate)
    init.append(zeros());
  Values sums = forGroups(init, [&](Value from, Value count, ValueRange in) {
    e.barrier(); // the rows before have been read
    fillRows(b, bRows, from);
    fillRows(c, cRows, from);
    e.barrier();
    Values out = e.forLoop(e.index(0), count, e.index(1), in, [&](Value n, ValueRange inner) {
      return sweep(panel, n, e.add(from, n), inner);
    });
    storeParts(from);
    return out;
  });
  return finish(sums, totals);
}

/// One state over the panel, in both directions. Registers are short: rows are read again behind
/// the barrier.
Values Kernel::sweep(Value panel, Value inGroup, Value state, ValueRange sums) {
  int64_t n = vectors();
  Value rate = e.splat(rateOf(state), wide()), home = homeAt(grads, state);
  Values keep = each(n, [&](int64_t i) { return e.exp2Fast(e.mulf(steps[i], rate)); });
  Value start = ifFirst([&] { return e.load(f.scratchMemory, startAt(panel, state)); });
  Value end = e.ifElse(
      isLast, TypeRange{e.f32()}, [&] { return Values{e.load(grads.memory, home)}; },
      [&] { return Values{e.f(0)}; })[0];
  postPassages(keep, product(inputs, rowsOf(bRows, inGroup)), start,
               product(douts, rowsOf(cRows, inGroup)), end);
  e.barrier();
  Value h = e.select(isFirst, start, meet(e.index(0)));
  Value met = meetBackwards();
  e.ifThen(isLast, [&] { e.store(met, grads.memory, home); });
  Value g = e.select(isLast, end, met);

  Values cs = rowsOf(cRows, inGroup), out(sums);
  Values left = forwards(keep, product(inputs, rowsOf(bRows, inGroup)), h, [&](Values after) {
    if (dgate)
      for (int64_t i = 0; i < n; ++i)
        out[2 * n + i] = e.fma(after[i], cs[i], out[2 * n + i]);
    if (dc)
      postSums(product(douts, after), partCount() - 1);
  });
  Values flow = backwards(keep, product(douts, cs), g), bs = rowsOf(bRows, inGroup);
  left = product(flow, left);
  for (int64_t i = 0; i < n; ++i) {
    out[i] = e.fma(left[i], rate, out[i]);
    out[n + i] = e.fma(flow[i], bs[i], out[n + i]);
  }
  if (db)
    postSums(product(flow, inputs), 0);
  Value ofRate = total(product(steps, left));
  post(ofRate, e.index(3));
  e.barrier();
  combineSums(inGroup);
  addRateGradient(ofRate, state);
  return out;
}

/// What the segment does to the state before it and to the gradient behind it.
void Kernel::postPassages(const Values &keep, const Values &added, Value start, const Values &seen,
                          Value end) {
  Passage p = pass(keep, added, start);
  for (int64_t i = form.steps; i-- > 0;)
    end = e.mulf(e.addf(scalarOf(seen, i), end), scalarOf(keep, i));
  post(p.product, e.index(0));
  post(p.end, e.index(1));
  post(end, e.index(2));
}

/// States before each position, times what is kept of them; `use` gets the states behind.
Values Kernel::forwards(const Values &keep, const Values &added, Value h,
                        llvm::function_ref<void(Values)> use) {
  Values left, after;
  for (int64_t i = 0; i < form.steps; ++i) {
    left.push_back(e.mulf(scalarOf(keep, i), h));
    after.push_back(h = e.addf(left.back(), scalarOf(added, i)));
  }
  use(fromScalars(after));
  return fromScalars(left);
}

/// Gradients of the states behind each position.
Values Kernel::backwards(const Values &keep, const Values &seen, Value g) {
  Values flow(form.steps);
  for (int64_t i = form.steps; i-- > 0;) {
    flow[i] = e.addf(scalarOf(seen, i), g);
    g = e.mulf(flow[i], scalarOf(keep, i));
  }
  return fromScalars(flow);
}

/// The gradient behind the thread's segment; in the last one, which began with it, that before the
/// panel.
Value Kernel::meetBackwards() {
  int64_t last = form.segments - 1;
  Value products = e.index(0), ends = e.index(2);
  Value count = e.select(isLast, e.index(last), e.sub(e.index(last - 1), segment));
  return e.forLoop(e.index(0), count, e.index(1), ValueRange{posted(ends, e.index(last))},
                   [&](Value i, ValueRange in) {
                     Value of = e.sub(e.index(last - 1), i);
                     return Values{e.fma(posted(products, of), in[0], posted(ends, of))};
                   })[0];
}

//===----------------------------------------------------------------------===//
// Sums over channels
//===----------------------------------------------------------------------===//

// Number i of every lane goes into sum i. In each step half of a lane's numbers go to a neighbour,
// which has the same segment, for the other half of its own.
void Kernel::postSums(const Values &numbers, int64_t part) {
  int64_t width = std::min(e.subgroup(), kChannels);
  Value inSubgroup = e.rem(e.thread, width), at = e.index(part * form.steps);
  Values x = each(form.steps, [&](int64_t i) { return scalarOf(numbers, i); });
  for (int64_t mask = 1; mask < width; mask *= 2) {
    int64_t half = x.size() / 2;
    if (half == 0) {
      x[0] = e.addf(x[0], e.shuffleXor(x[0], mask));
      continue;
    }
    Value upper = e.eq(e.rem(e.div(inSubgroup, mask), 2), e.index(1));
    for (int64_t i = 0; i < half; ++i) {
      Value mine = e.select(upper, x[half + i], x[i]);
      x[i] = e.addf(mine, e.shuffleXor(e.select(upper, x[i], x[half + i]), mask));
    }
    x.resize(half);
    at = e.add(at, e.select(upper, e.index(half), e.index(0)));
  }
  at = e.add(at, e.mul(e.div(e.thread, width), partCount() * form.steps));
  e.ifThen(width > form.steps ? e.lt(inSubgroup, e.index(form.steps)) : e.boolean(true), [&] {
    for (auto [i, sum] : llvm::enumerate(x))
      e.store(sum, sumMemory, e.add(at, i));
  });
}

void Kernel::combineSums(Value inGroup) {
  if (!partCount())
    return;
  int64_t width = std::min(e.subgroup(), kChannels), count = partCount() * form.steps;
  e.forThreads(e.index(form.segments * count), [&](Value i) {
    Value of = e.div(i, count), number = e.rem(i, count), sum;
    for (int64_t s = 0; s < kChannels / width; ++s) {
      Value at = e.add(e.mul(e.add(e.mul(of, kChannels / width), s), count), number);
      Value x = e.load(sumMemory, at);
      sum = sum ? e.addf(sum, x) : x;
    }
    Value row = e.add(e.mul(e.div(number, form.steps), atOnce), inGroup);
    Value position = e.add(e.mul(of, form.steps), e.rem(number, form.steps));
    e.store(sum, partRows, e.add(e.mul(row, pitch()), position));
  });
}

void Kernel::storeParts(Value firstState) {
  if (!partCount())
    return;
  e.barrier();
  e.forThreads(e.index(form.panel() * atOnce), [&](Value i) {
    Value n = e.rem(i, atOnce), position = e.div(i, atOnce);
    Value t = e.add(panelStart, position), state = e.add(firstState, n);
    e.ifThen(e.both(e.lt(t, length), e.lt(state, e.index(states))), [&] {
      int64_t which = 0;
      for (const std::optional<View> &v : {db, dc}) {
        if (!v)
          continue;
        Value row = e.add(n, which++ * atOnce);
        Value x = e.load(partRows, e.add(e.mul(row, pitch()), position));
        e.store(x, v->memory, f.position(*v, {batch, block, t, state}));
      }
    });
  });
}

// ... and over segments.
void Kernel::addRateGradient(Value x, Value state) {
  if (!da)
    return;
  e.ifThen(isFirst, [&] {
    Value home = homeAt(rateGrads, state), sum = e.addf(e.load(rateGrads.memory, home), x);
    for (int64_t s = 1; s < form.segments; ++s)
      sum = e.addf(sum, posted(e.index(3), e.index(s)));
    e.store(sum, rateGrads.memory, home);
  });
}

//===----------------------------------------------------------------------===//
// Results
//===----------------------------------------------------------------------===//

Values Kernel::finish(const Values &sums, ValueRange totals) {
  int64_t n = vectors();
  ArrayRef<Value> all(sums);
  Values ofSteps = product(Values(all.take_front(n)), splats(e.f(1 / kScanLog2E)));
  Values ofInputs(all.slice(n, n)), dd = multiplyAdd(raw, ofInputs, ofSteps);
  if (op.getSoftplus())
    dd = each(n, [&](int64_t i) { return e.mulf(dd[i], softplusSlope(e, steps[i])); });
  dd = zeroAbsent(dd);
  if (ddelta)
    store(dd, *ddelta);
  Value direct = loadChannel(skip, bool(op.getSkip()));
  if (du) {
    Values x = product(steps, ofInputs);
    store(direct ? multiplyAdd(splats(direct), douts, x) : x, *du);
  }
  if (dgate) {
    Values out(all.slice(2 * n, n));
    if (stash)
      gateSlopes =
          fromScalars(each(form.steps, [&](int64_t i) { return e.load(stash, stashAt(i)); }));
    out = direct ? multiplyAdd(splats(direct), raw, out) : out;
    store(product(out, gateSlopes), *dgate);
  }
  return {e.addf(totals[0], total(product(douts, raw))), e.addf(totals[1], total(dd))};
}

void Kernel::storeStates() {
  auto put = [&](const std::optional<View> &v, Value whose, const Homes &homes) {
    if (!v)
      return;
    e.ifThen(e.both(whose, there), [&] {
      forStates([&](Value n) {
        Value x = e.load(homes.memory, homeAt(homes, n));
        e.store(x, v->memory, f.position(*v, {batch, channel, n}));
      });
    });
  };
  put(da, isFirst, rateGrads);
  put(dstate, isLast, grads);
}

void Kernel::storeTotals(ValueRange totals) {
  for (int64_t i = 0; i < 2; ++i)
    post(totals[i], e.index(i));
  e.barrier();
  e.ifThen(e.both(isFirst, there), [&] {
    for (int64_t i = 0; i < 2; ++i) {
      const std::optional<View> &v = i ? dbias : dskip;
      if (!v)
        continue;
      Value sum = totals[i];
      for (int64_t s = 1; s < form.segments; ++s)
        sum = e.addf(sum, posted(e.index(i), e.index(s)));
      e.store(sum, v->memory, f.position(*v, {batch, channel}));
    }
  });
}

//===----------------------------------------------------------------------===//
// Emitter
//===----------------------------------------------------------------------===//

static LogicalResult select(SelectiveScanGradOp op, exec::KernelOp kernel,
                            const GPUTarget &target) {
  // 384 threads have 168 registers each on CUDA, as many as it takes
  int64_t segments = std::min<int64_t>(384, target.maxWorkgroup) / kChannels;
  GPUScanForm form = GPUScanForm::choose(kChannels, segments, op.getU().getType().getDimSize(1));
  form.write(kernel);
  LaunchBuilder b(kernel);
  FailureOr<ScanSizes> sizes = ScanSizes::of(b, op);
  if (failed(sizes))
    return failure();
  int64_t states = statesOf(op);
  Scratch scratch(states);
  Value groups = sizes->parts(b, kChannels);
  Value panels = b.max(b.ceilDiv(sizes->length, b.constant(form.panel())), b.constant(1));
  Value rows = b.add(b.mul(panels, b.constant(states)), b.constant(scratch.homes));
  Value bytes = b.mul({groups, rows, b.constant(4 * kChannels)});
  b.finish(groups, states ? bytes : b.constant(0), sizes->flops(b, op), bytesTouched(b, kernel));
  return success();
}

const GPUKernelEmitter *linnet::codegen::getGPUSelectiveScanGradEmitter() {
  static const GPUOpEmitter<SelectiveScanGradOp, Kernel> emitter(
      select, [](SelectiveScanGradOp op) { return op.getParts(); });
  return &emitter;
}
