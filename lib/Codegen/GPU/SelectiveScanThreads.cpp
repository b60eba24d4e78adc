//===- SelectiveScanThreads.cpp - what the scan and its gradient share ------===//
//
// Part of Linnet, under Apache-2.0 WITH LLVM-exception. See LICENSE.
//
//===----------------------------------------------------------------------===//
#include "SelectiveScan.h"

using namespace mlir;
using namespace linnet;
using namespace linnet::codegen;

//===----------------------------------------------------------------------===//
// Form
//===----------------------------------------------------------------------===//

GPUScanForm GPUScanForm::choose(int64_t channels, int64_t segments, int64_t length) {
  GPUScanForm form{channels, segments, 8};
  if (ShapedType::isDynamic(length))
    return form;
  form.steps = length <= 2 ? 2 : length <= 4 ? 4 : 8;
  int64_t needed = llvm::PowerOf2Ceil(std::max<int64_t>(1, llvm::divideCeil(length, form.steps)));
  form.segments = std::min(segments, needed);
  return form;
}

GPUScanForm GPUScanForm::of(const KernelViews &frame) {
  return {frame.strategyInt("channels"), frame.strategyInt("segments"), frame.strategyInt("steps")};
}

void GPUScanForm::write(exec::KernelOp kernel) const {
  setStrategy(
      kernel,
      {{kThreads, threads()}, {"channels", channels}, {"segments", segments}, {"steps", steps}});
}

//===----------------------------------------------------------------------===//
// Who does what
//===----------------------------------------------------------------------===//

void GPUScanThreads::place(const View &u) {
  length = u.sizes[1];
  channels = u.sizes[2];
  Value blocks = e.ceilDiv(channels, form.channels);
  batch = e.div(f.group, blocks);
  block = e.rem(f.group, blocks);
  lane = e.rem(e.thread, form.channels);
  segment = e.div(e.thread, form.channels);
  channel = e.add(e.mul(block, form.channels), lane);
  auto n = CodeBuilder::constantOf(channels);
  there = n && *n % form.channels == 0 ? e.boolean(true) : e.lt(channel, channels);
  nearest = e.min(channel, e.sub(channels, 1));
  isFirst = form.segments == 1 ? e.boolean(true) : e.eq(segment, e.index(0));
}

void GPUScanThreads::enterPanel(Value first) {
  panelStart = first;
  from = e.add(first, e.mul(segment, form.steps));
  Value left = e.max(e.sub(length, from), e.index(0));
  count = e.select(there, e.min(left, e.index(form.steps)), e.index(0));
}

//===----------------------------------------------------------------------===//
// A thread's positions
//===----------------------------------------------------------------------===//

Values GPUScanThreads::each(int64_t count, llvm::function_ref<Value(int64_t)> make) {
  Values out;
  for (int64_t i = 0; i < count; ++i)
    out.push_back(make(i));
  return out;
}

Values GPUScanThreads::fromScalars(ValueRange x) {
  return each(vectors(), [&](int64_t i) { return e.pack(x.slice(i * wide(), wide())); });
}

// Positions are found one from the other: registers are short.
Values GPUScanThreads::load(const View &v) {
  Value at = f.position(v, {batch, e.min(from, e.sub(length, 1)), nearest});
  return fromScalars(each(form.steps, [&](int64_t i) {
    if (i)
      at = e.add(at, e.select(has(i), v.strides[1], e.index(0)));
    return loadFloat(e, v, at);
  }));
}

Values GPUScanThreads::zeroAbsent(Values x) {
  return fromScalars(
      each(form.steps, [&](int64_t i) { return e.select(has(i), scalarOf(x, i), e.f(0)); }));
}

void GPUScanThreads::store(Values x, const View &v) {
  Value start = f.position(v, {batch, from, channel});
  for (int64_t i = 0; i < form.steps; ++i)
    e.ifThen(has(i), [&] {
      Value at = e.add(start, e.mul(v.strides[1], i));
      e.store(e.convert(scalarOf(x, i), v.element), v.memory, at);
    });
}

Value GPUScanThreads::loadChannel(const View &v, bool has) {
  return has ? loadFloat(e, v, f.position(v, {nearest})) : Value();
}

Values GPUScanThreads::loadSteps(const View &delta, const View &bias, bool hasBias,
                                 bool isSoftplus) {
  Value shift = loadChannel(bias, hasBias);
  if (shift)
    shift = e.splat(shift, wide());
  Values steps = load(delta);
  for (Value &d : steps)
    d = scanStep(e, d, shift, isSoftplus);
  return zeroAbsent(steps);
}

//===----------------------------------------------------------------------===//
// Rows that all channels read
//===----------------------------------------------------------------------===//

void GPUScanThreads::fillRows(const View &v, Value rows, Value from) {
  int64_t quads = atOnce / 4;
  Value aligned = f.isAligned(v, 4);
  e.forThreads(e.index(form.panel() * quads), [&](Value i) {
    Value n = e.mul(e.rem(i, quads), 4), row = e.div(i, quads);
    Value t = e.add(panelStart, row), state = e.add(from, n);
    Value at = f.position(v, {batch, t, state});
    auto inside = [&](int64_t k) {
      return e.both(e.lt(t, length), e.lt(e.add(state, k), e.index(states)));
    };
    auto one = [&](int64_t k) {
      return e.ifElse(
          inside(k), TypeRange{e.f32()},
          [&] { return Values{loadFloat(e, v, e.add(at, e.mul(e.index(k), v.strides[2])))}; },
          [&] { return Values{e.f(0)}; })[0];
    };
    SmallVector<Type> types(4, e.f32());
    Values x = e.ifElse(
        e.both(aligned, inside(3)), types,
        [&] {
          Value four = e.convert(e.vload(v.memory, at, 4), e.f32());
          return each(4, [&](int64_t k) { return e.extract(four, k); });
        },
        [&] { return each(4, one); });
    for (int64_t k = 0; k < 4; ++k)
      e.store(x[k], rows, e.add(e.mul(e.add(n, k), pitch()), row));
  });
}

Value GPUScanThreads::rowOf(Value rows, Value state, int64_t vector) {
  Value at = e.add(e.mul(state, pitch()), e.mul(segment, form.steps));
  return e.vload(rows, e.add(at, vector * wide()), wide());
}

Values GPUScanThreads::forGroups(Values init,
                                 llvm::function_ref<Values(Value, Value, ValueRange)> body) {
  if (!states)
    return init;
  return e.forLoop(e.index(0), e.index(states), e.index(atOnce), init,
                   [&](Value from, ValueRange in) {
                     Value count = e.min(e.index(atOnce), e.sub(e.index(states), from));
                     return body(from, count, in);
                   });
}

//===----------------------------------------------------------------------===//
// Numbers per state and channel
//===----------------------------------------------------------------------===//

GPUScanThreads::Homes GPUScanThreads::makeHomes(bool local, int64_t row, Value groupStart) {
  if (local)
    return {e.shared(e.f32(), std::max<int64_t>(1, states) * form.channels), e.index(0)};
  return {f.scratchMemory, e.add(groupStart, row * form.channels)};
}

void GPUScanThreads::loadRates(const View &a, bool local) {
  rates = &a;
  if (!local || !states)
    return;
  rateMemory = e.shared(e.f32(), std::max<int64_t>(1, states) * form.channels);
  Value start = e.mul(block, form.channels);
  e.forThreads(e.index(form.channels * states), [&](Value i) {
    Value n = e.rem(i, states), c = e.div(i, states);
    Value of = e.min(e.add(start, c), e.sub(channels, 1));
    Value x = loadFloat(e, a, f.position(a, {of, n}));
    e.store(e.mulf(x, e.f(kScanLog2E)), rateMemory, e.add(e.mul(n, form.channels), c));
  });
}

Value GPUScanThreads::rateOf(Value state) {
  if (rateMemory)
    return e.load(rateMemory, e.add(e.mul(state, form.channels), lane));
  return e.mulf(loadFloat(e, *rates, f.position(*rates, {nearest, state})), e.f(kScanLog2E));
}

//===----------------------------------------------------------------------===//
// States over segments
//===----------------------------------------------------------------------===//

GPUScanThreads::Passage GPUScanThreads::pass(const Values &keep, const Values &added, Value start) {
  Passage p{scalarOf(keep, 0), start};
  for (int64_t i = 0; i < form.steps; ++i) {
    p.end = e.fma(scalarOf(keep, i), p.end, scalarOf(added, i));
    if (i)
      p.product = e.mulf(p.product, scalarOf(keep, i));
  }
  return p;
}

Value GPUScanThreads::meet(Value row) {
  Value end = e.select(isFirst, e.index(form.segments), segment), ends = e.add(row, 1);
  return e.forLoop(e.index(1), end, e.index(1), ValueRange{posted(ends, e.index(0))},
                   [&](Value of, ValueRange in) {
                     return Values{e.fma(posted(row, of), in[0], posted(ends, of))};
                   })[0];
}

Value GPUScanThreads::walk(const Values &keep, const Values &added, Value memory, Value home,
                           Value row) {
  Value start = ifFirst([&] { return e.load(memory, home); });
  Passage p = pass(keep, added, start);
  if (form.segments == 1) {
    e.store(p.end, memory, home);
    return start;
  }
  post(p.product, row);
  post(p.end, e.add(row, 1));
  e.barrier();
  Value met = meet(row);
  e.ifThen(isFirst, [&] { e.store(met, memory, home); });
  return e.select(isFirst, start, met);
}

Value GPUScanThreads::stateOf(const View &v, bool has, Value n) {
  if (!has)
    return e.f(0);
  return e.ifElse(
      there, TypeRange{e.f32()},
      [&] { return Values{loadFloat(e, v, f.position(v, {batch, channel, n}))}; },
      [&] { return Values{e.f(0)}; })[0];
}
