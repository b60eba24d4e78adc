//===- LoopsStage.cpp - emits the points and stages of a loops kernel -------===//
//
// Part of Linnet, under Apache-2.0 WITH LLVM-exception. See LICENSE.
//
//===----------------------------------------------------------------------===//
#include "Loops.h"
#include "mlir/Dialect/Arith/IR/Arith.h"
#include "llvm/Support/SaveAndRestore.h"

using namespace mlir;
using namespace linnet::codegen;

//===----------------------------------------------------------------------===//
// Memory
//===----------------------------------------------------------------------===//

/// One access where the position allows it, else lane by lane.
Value GPULoopsEmitter::loadVector(const View &view, Value at, int64_t n, Value mask) {
  Type stored = cast<MemRefType>(view.memory.getType()).getElementType();
  auto lane = [&](int64_t i) { return e.load(view.memory, e.add(at, i)); };
  if (!mask)
    return e.ifElse(
        e.eq(e.rem(at, n), e.index(0)), TypeRange{e.vec(stored, n)},
        [&] { return Values{e.vload(view.memory, at, n)}; },
        [&] {
          Values lanes;
          for (int64_t i = 0; i < n; ++i)
            lanes.push_back(lane(i));
          return Values{e.pack(lanes)};
        })[0];
  Values lanes;
  for (int64_t i = 0; i < n; ++i)
    lanes.push_back(e.ifElse(
        e.extract(mask, i), TypeRange{stored}, [&] { return Values{lane(i)}; },
        [&] { return Values{e.zero(stored)}; })[0]);
  return e.pack(lanes);
}

void GPULoopsEmitter::storeVector(Value x, const View &view, Value at, Value mask) {
  int64_t n = cast<VectorType>(x.getType()).getNumElements();
  auto lane = [&](int64_t i) { e.store(e.extract(x, i), view.memory, e.add(at, i)); };
  if (mask) {
    for (int64_t i = 0; i < n; ++i)
      e.ifThen(e.extract(mask, i), [&] { lane(i); });
    return;
  }
  e.ifThen(
      e.eq(e.rem(at, n), e.index(0)), [&] { e.vstore(x, view.memory, at); },
      [&] {
        for (int64_t i = 0; i < n; ++i)
          lane(i);
      });
}

Value GPULoopsEmitter::laneMask(Value first, Value size, int64_t n) {
  Values lanes;
  for (int64_t i = 0; i < n; ++i)
    lanes.push_back(e.lt(e.add(first, i), size));
  return e.pack(lanes);
}

void GPULoopsEmitter::meet() {
  if (form.rows)
    e.barrier();
}

//===----------------------------------------------------------------------===//
// Loops
//===----------------------------------------------------------------------===//

/// Inner loops of one kind, in the order in which they are walked: the last one is that along which
/// most accesses lie together.
SmallVector<unsigned> GPULoopsEmitter::innerLoops(const OpLoops &loops, bool reduction) {
  int lane = laneLoop(plan, loops);
  SmallVector<unsigned> order;
  for (unsigned d = plan.outer; d < loops.rank(); ++d)
    if (loops.reduction[d] == reduction && int(d) != lane)
      order.push_back(d);
  if (lane >= 0 && loops.reduction[lane] == reduction)
    order.push_back(lane);
  return order;
}

void GPULoopsEmitter::spreadOver(const OpLoops &loops, ArrayRef<unsigned> order, Value number,
                                 Lanes &coords) {
  for (unsigned i = order.size(); i-- > 0;) {
    Value size = sizeOf(loops.sizes[order[i]]);
    coords[order[i]] = {i ? e.rem(number, size) : number};
    if (i)
      number = e.div(number, size);
  }
}

/// How many elements of the last loop are taken at once.
int64_t GPULoopsEmitter::widthOf(Operation *op, const OpLoops &loops, ArrayRef<unsigned> order) {
  bool wide = form.rows && order.size() == 1 && op && isPlain(op, order.back(), plan) &&
              (loops.reduction[order.back()] || storesAlong(loops, order.back()));
  return wide ? form.wide : 1;
}

void GPULoopsEmitter::nest(const OpLoops &loops, ArrayRef<unsigned> order, bool spread,
                           int64_t wide, Lanes coords, const Scope &s, Body body) {
  if (order.empty()) {
    if (!spread)
      return body(coords, s);
    return e.ifThen(e.eq(e.thread, e.index(0)), [&] { body(coords, s); });
  }
  Value total = e.index(1);
  for (unsigned d : order)
    total = e.mul(total, sizeOf(loops.sizes[d]));
  auto enter = [&](const Lanes &at, const Scope &inner) {
    Memos outside = memos;
    body(at, inner);
    memos = std::move(outside);
  };
  if (wide > 1) {
    Value whole = e.div(total, wide);
    auto quad = [&](Value q) {
      coords[order[0]] = {e.mul(q, wide), 1, false};
      enter(coords, {wide, {}, {}});
    };
    auto rest = [&](Value i) {
      coords[order[0]] = {e.add(e.mul(whole, wide), i)};
      enter(coords, {});
    };
    e.forThreads(whole, quad);
    Value left = e.rem(total, wide);
    if (CodeBuilder::constantOf(left) != 0)
      e.forThreads(left, rest);
    return;
  }
  auto one = [&](Value i) {
    spreadOver(loops, order, i, coords);
    enter(coords, s);
  };
  if (spread)
    e.forThreads(total, one);
  else
    e.forLoop(total, one);
}

//===----------------------------------------------------------------------===//
// Stages
//===----------------------------------------------------------------------===//

void GPULoopsEmitter::keep(Operation *op, const OpLoops &loops, ArrayRef<Lane> values,
                           ArrayRef<Lane> coords, const Scope &s) {
  for (auto [r, x] : llvm::zip(op->getResults(), values)) {
    Lanes at = evaluate(loops.results[r.getResultNumber()], coords, s.n);
    bool stored = places.count(r);
    if (at.size() == plan.outer) {
      registers[r] = x;
      if (stored)
        pointStores.push_back({x, r, at, s});
    } else if (stored) {
      pending.push_back({x, r, at, s});
    }
  }
  flush();
}

void GPULoopsEmitter::emitElementwise(const Stage &stage, const OpLoops &loops, const Lanes &coords,
                                      const Scope &s) {
  auto order = innerLoops(loops, /*reduction=*/false);
  auto compute = [&](ArrayRef<Lane> at, const Scope &inner) {
    Lanes values;
    if (auto linalgOp = dyn_cast<linalg::LinalgOp>(stage.op)) {
      Result all = evaluateRegion(linalgOp, at, inner);
      if (failed(all))
        return fail();
      values = *all;
    } else {
      FailureOr<Lane> x = evaluateOp(stage.op, at, inner);
      if (failed(x))
        return fail();
      values = {*x};
    }
    keep(stage.op, loops, values, at, inner);
  };
  if (order.empty()) // every thread has the point's value; one of them stores it
    return compute(coords, s);
  nest(loops, order, form.rows, widthOf(stage.op, loops, order), coords, s, compute);
}

void GPULoopsEmitter::emitCopy(Value from, ArrayRef<Lane> point, const Scope &s) {
  OpLoops loops(from);
  Lanes coords(point);
  coords.resize(loops.rank());
  nest(loops, innerLoops(loops, false), form.rows, 1, coords, s,
       [&](ArrayRef<Lane> at, const Scope &inner) {
         FailureOr<Lane> x = evaluate(from, at, inner);
         if (failed(x))
           return fail();
         for (const View &view : copies.find(from)->second)
           store(*x, view, at, inner);
         flush();
       });
}

void GPULoopsEmitter::emitStage(const Stage &stage, ArrayRef<Lane> point, const Scope &s) {
  if (!stage.op)
    return emitCopy(stage.copied, point, s);
  OpLoops loops(stage.op);
  Lanes coords(point);
  coords.resize(loops.rank());
  if (loops.isParallel())
    emitElementwise(stage, loops, coords, s);
  else
    emitReduction(stage.op, loops, coords, s);
  // Deferred stages that this one has run through are in memory from now on.
  for (Value v : writtenAlong)
    waitingStages.erase(v);
  writtenAlong.clear();
  if (loops.rank() > plan.outer)
    meet();
}

void GPULoopsEmitter::emitPoint(ArrayRef<Lane> point, Value number, const Scope &s) {
  memos.clear();
  registers.clear();
  pointStores.clear();
  placeScratch(point, number);
  forStages([&](const Stage &stage) { emitStage(stage, point, s); });
  for (Value v : plan.late)
    emitCopy(v, point, s);
  pending.append(pointStores);
  if (form.rows)
    e.ifThen(e.eq(e.thread, e.index(0)), [&] { flush(); });
  else
    flush();
}

//===----------------------------------------------------------------------===//
// Places
//===----------------------------------------------------------------------===//

/// The inner coordinates of a point, one after the other from `start` on.
View GPULoopsEmitter::placeInWords(Value tensor, Value memory, Value start) {
  auto type = cast<RankedTensorType>(tensor.getType());
  View v{memory, type.getElementType(), start, {}, {}};
  v.strides.assign(type.getRank(), e.index(0));
  v.sizes.assign(type.getRank(), e.index(1));
  Value stride = e.index(1);
  for (unsigned d = type.getRank(); d-- > plan.outer;) {
    v.strides[d] = stride;
    v.sizes[d] = f.size(tensor, d);
    stride = e.mul(stride, v.sizes[d]);
  }
  return v;
}

void GPULoopsEmitter::placeScratch(ArrayRef<Lane> point, Value number) {
  Value at = f.scratchStart;
  for (auto [i, v] : llvm::enumerate(plan.scratch)) {
    if (form.shared[i]) {
      Value &memory = sharedMemory[v];
      auto type = cast<RankedTensorType>(v.getType());
      int64_t n = 1;
      for (int64_t d : type.getShape().drop_front(plan.outer))
        n *= d;
      if (!memory)
        memory = e.shared(type.getElementType(), std::max<int64_t>(n, 1));
      places[v] = {placeInWords(v, memory, e.index(0))};
      continue;
    }
    Value start = e.add(at, e.mul(number, shape.words[i]));
    places[v] = {placeInWords(v, f.scratchMemory, start)};
    at = e.add(at, e.mul(shape.words[i], shape.points));
  }
}

//===----------------------------------------------------------------------===//
// Points
//===----------------------------------------------------------------------===//

void GPULoopsEmitter::decode(Value row, unsigned count, Lanes &point) {
  for (unsigned i = count; i-- > 0;) {
    point[shape.axisLoops[i]] = {i ? e.rem(row, shape.axes[i]) : row};
    if (i)
      row = e.div(row, shape.axes[i]);
  }
}

LogicalResult GPULoopsEmitter::run() {
  makeShape();
  if (failed(placeOutputs()))
    return failure();
  Lanes point(plan.outer, Lane{e.index(0)});
  unsigned axes = shape.axes.size();
  if (form.rows) {
    decode(f.group, axes, point);
    emitPoint(point, f.group, {});
    return failure(failedInside);
  }
  Value unit = e.add(e.mul(f.group, form.threads), e.thread);
  e.ifThen(e.lt(unit, shape.units), [&] {
    if (form.wide == 1) {
      decode(unit, axes, point);
      return emitPoint(point, unit, {});
    }
    decode(e.div(unit, shape.blocks), axes - 1, point);
    Value first = e.mul(e.rem(unit, shape.blocks), form.wide), last = shape.axes.back();
    point[shape.axisLoops.back()] = {first, 1, false};
    auto masked = [&] { emitPoint(point, {}, {form.wide, laneMask(first, last, form.wide), {}}); };
    auto known = CodeBuilder::constantOf(last);
    if (known && *known % form.wide == 0)
      return emitPoint(point, {}, {form.wide, {}, {}});
    e.ifThen(
        e.le(e.add(first, form.wide), last), [&] { emitPoint(point, {}, {form.wide, {}, {}}); },
        masked);
  });
  return failure(failedInside);
}
