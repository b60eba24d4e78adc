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
  if (!mask)
    return e.loadTogether(view.memory, at, n);
  Type stored = cast<MemRefType>(view.memory.getType()).getElementType();
  Values lanes;
  for (int64_t i = 0; i < n; ++i)
    lanes.push_back(e.ifElse(
        e.extract(mask, i), TypeRange{stored},
        [&] { return Values{e.load(view.memory, e.add(at, i))}; },
        [&] { return Values{e.zero(stored)}; })[0]);
  return e.pack(lanes);
}

void GPULoopsEmitter::storeVector(Value x, const View &view, Value at, Value mask) {
  if (!mask)
    return e.storeTogether(x, view.memory, at);
  for (int64_t i = 0, n = cast<VectorType>(x.getType()).getNumElements(); i < n; ++i)
    e.ifThen(e.extract(mask, i), [&] { e.store(e.extract(x, i), view.memory, e.add(at, i)); });
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

void GPULoopsEmitter::forLanes(Value hi, llvm::function_ref<void(Value)> body) {
  if (isOneTeam())
    return e.forThreads(hi, body);
  auto known = CodeBuilder::constantOf(hi), lanes = CodeBuilder::constantOf(shape.lanes);
  if (known && lanes && *known <= *lanes)
    return e.ifThen(e.lt(lane, hi), [&] { body(lane); });
  e.forLoop(lane, hi, shape.lanes, body);
}

/// Calls `body` with the position at which a stage starts to store along a loop, or to load if it
/// stores nothing there, for every tensor.
void GPULoopsEmitter::forMemoryAlong(const OpLoops &loops, unsigned loop, Lanes coords,
                                     llvm::function_ref<void(Value)> body) {
  coords[loop] = {e.index(0)};
  if (!loops.reduction[loop]) {
    for (OpResult r : loops.op->getResults())
      for (const View &view : places.lookup(r))
        body(position(view, evaluate(loops.results[r.getResultNumber()], coords, 0), 0).v);
    return;
  }
  StageReads(plan).of(cast<linalg::LinalgOp>(loops.op), [&](Value v, ArrayRef<AffineExpr> at) {
    AffineMap map = AffineMap::get(loops.rank(), 0, at, v.getContext());
    if (!KernelViews::isView(v) || !map.isFunctionOfDim(loop))
      return;
    FailureOr<View> view = f.view(v);
    if (failed(view))
      return fail();
    body(position(*view, evaluate(map, coords, 0), 0).v);
  });
}

/// How many vectors a stage takes along the loop. What does not start at a multiple would be
/// accessed piece by piece, with gaps between threads, and is taken element by element instead.
Value GPULoopsEmitter::wholeFrom(const OpLoops &loops, unsigned loop, Lanes coords, Value total,
                                 int64_t wide) {
  Value whole = e.div(total, wide), together = e.boolean(true);
  // rows of whole vectors start where the tensor does, which is a multiple as a rule
  if (auto known = CodeBuilder::constantOf(total); known && *known % wide == 0)
    return whole;
  forMemoryAlong(loops, loop, coords, [&](Value start) {
    together = e.both(together, e.eq(e.rem(start, wide), e.index(0)));
  });
  return e.select(together, whole, e.index(0));
}

void GPULoopsEmitter::nest(const OpLoops &loops, ArrayRef<unsigned> order, bool spread,
                           int64_t wide, Lanes coords, const Scope &s, Body body) {
  if (order.empty()) {
    if (!spread)
      return body(coords, s);
    return e.ifThen(isFirstLane(), [&] { body(coords, s); });
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
    Value whole = form.unrolled.contains(loops.op)
                      ? e.div(total, wide)
                      : wholeFrom(loops, order[0], coords, total, wide);
    auto quad = [&](Value q) {
      coords[order[0]] = {e.mul(q, wide), 1, false};
      walk(loops, order, coords);
      enter(coords, {wide, {}, {}});
    };
    auto rest = [&](Value i) {
      coords[order[0]] = {e.add(e.mul(whole, wide), i)};
      walk(loops, order, coords);
      enter(coords, {});
    };
    bool unrolled =
        unroll(loops.op, whole, [&](Value q, Value there) { e.ifThen(there, [&] { quad(q); }); });
    if (!unrolled)
      forLanes(whole, quad);
    Value left = e.sub(total, e.mul(whole, wide));
    if (CodeBuilder::constantOf(left) != 0)
      forLanes(left, rest);
    return;
  }
  auto one = [&](Value i) {
    spreadOver(loops, order, i, coords);
    if (spread)
      walk(loops, order, coords);
    enter(coords, s);
  };
  if (spread)
    forLanes(total, one);
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
       [&](ArrayRef<Lane> at, const Scope &inner) { copyElement(from, at, inner); });
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
  settleDeferred();
  endStage();
  if (loops.rank() > plan.outer)
    meet();
}

void GPULoopsEmitter::emitPoint(ArrayRef<Lane> point, Value number, const Scope &s) {
  memos.clear();
  registers.clear();
  pointStores.clear();
  forgetRows();
  currentPoint = Lanes(point);
  placeScratch(number);
  forStages([&](const Stage &stage) { emitStage(stage, point, s); });
  for (Value v : plan.late)
    emitCopy(v, point, s);
  pending.append(pointStores);
  if (form.rows)
    e.ifThen(isFirstLane(), [&] { flush(); });
  else
    flush();
}

//===----------------------------------------------------------------------===//
// Places
//===----------------------------------------------------------------------===//

/// The inner coordinates of a point, one after the other from `start` on.
View GPULoopsEmitter::placeInWords(Value tensor, Value memory, Value start, int64_t step) {
  auto type = cast<RankedTensorType>(tensor.getType());
  View v{memory, type.getElementType(), start, {}, {}};
  v.strides.assign(type.getRank(), e.index(0));
  v.sizes.assign(type.getRank(), e.index(1));
  Value stride = e.index(step);
  for (unsigned d = type.getRank(); d-- > plan.outer;) {
    v.strides[d] = stride;
    v.sizes[d] = f.size(tensor, d);
    stride = e.mul(stride, v.sizes[d]);
  }
  return v;
}

void GPULoopsEmitter::placeScratch(Value number) {
  Value at = f.scratchStart;
  for (auto [i, v] : llvm::enumerate(plan.scratch)) {
    if (form.shared[i]) {
      Value &memory = sharedMemory[v];
      auto type = cast<RankedTensorType>(v.getType());
      int64_t n = 1;
      for (int64_t d : type.getShape().drop_front(plan.outer))
        n *= d;
      if (!memory)
        memory = e.shared(type.getElementType(), std::max<int64_t>(n, 1) * form.mostTeams());
      places[v] = {placeInWords(v, memory, e.mul(team, n))};
      continue;
    }
    Value start = e.add(at, e.mul(number, shape.words[i]));
    Type element = cast<RankedTensorType>(v.getType()).getElementType();
    places[v] = {placeInWords(v, f.scratchMemory, start, wordsOf(element, /*wide=*/true))};
    if (isInPieces(element))
      inPieces.insert(v);
    at = e.add(at, e.mul(shape.words[i], shape.points));
  }
}

/// 64 bits are two words, the low one first. An index has two as well, since a kernel and its
/// variant with wide positions have one launch; where positions are narrow, the second is not used.
Lane GPULoopsEmitter::loadPieces(const View &view, ArrayRef<Lane> coords, const Scope &s) {
  assert(!s.n && "vectors have elements of a word");
  Value at = position(view, coords, 0).v;
  Type i32 = e.getI32Type(), i64 = e.i64();
  auto word = [&](int64_t i) -> Value {
    return arith::BitcastOp::create(e, i32, e.load(view.memory, e.add(at, i)));
  };
  auto whole = [&]() -> Values {
    if (view.element.isIndex() && !e.widePositions)
      return {e.toIndex(word(0))};
    Value low = arith::ExtUIOp::create(e, i64, word(0)), high = e.toInt(word(1), i64);
    Value bits =
        arith::OrIOp::create(e, low, Value(arith::ShLIOp::create(e, high, e.iconst(i64, 32))));
    if (isa<FloatType>(view.element))
      bits = arith::BitcastOp::create(e, view.element, bits);
    return {view.element.isIndex() ? e.toIndex(bits) : bits};
  };
  if (!s.guard)
    return {whole()[0]};
  return {e.ifElse(s.guard, TypeRange{view.element}, whole,
                   [&] { return Values{e.zero(view.element)}; })[0]};
}

void GPULoopsEmitter::storePieces(Value x, const View &view, ArrayRef<Lane> coords) {
  Value at = position(view, coords, 0).v;
  Type i32 = e.getI32Type(), i64 = e.i64();
  auto word = [&](Value bits, int64_t i) {
    Value piece = arith::BitcastOp::create(e, e.f32(), e.toInt(bits, i32));
    e.store(piece, view.memory, e.add(at, i));
  };
  if (isa<FloatType>(x.getType()))
    x = arith::BitcastOp::create(e, i64, x);
  else if (x.getType().isIndex() && e.widePositions)
    x = e.toInt(x, i64);
  word(x, 0);
  if (!x.getType().isIndex())
    word(arith::ShRUIOp::create(e, x, e.iconst(i64, 32)), 1);
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

/// This thread goes to its row of `teams` rows from `first` on. Without one it goes along with the
/// last row, as a lane behind all elements: it reads what the points have, and stores nothing.
void GPULoopsEmitter::enterRow(Value first, Lanes &point) {
  Value row = e.add(first, team);
  auto points = CodeBuilder::constantOf(shape.points), teams = CodeBuilder::constantOf(shape.teams);
  if (!points || !teams || *points % *teams) {
    Value there = e.lt(row, shape.points);
    lane = e.select(there, e.rem(e.thread, shape.lanes), e.index(int64_t(1) << 30));
    row = e.min(row, e.sub(shape.points, 1));
  }
  decode(row, shape.axes.size(), point);
  emitPoint(point, row, {});
}

LogicalResult GPULoopsEmitter::runRows() {
  lane = isOneTeam() ? e.thread : e.rem(e.thread, shape.lanes);
  team = isOneTeam() ? e.index(0) : e.div(e.thread, shape.lanes);
  placeRows();
  if (failed(preloadRows()))
    return failure();
  Lanes point(plan.outer, Lane{e.index(0)});
  Value count = e.mul(shape.rows, shape.teams), first = e.mul(f.group, count);
  if (CodeBuilder::constantOf(shape.rows) == 1) {
    enterRow(first, point);
    return failure(failedInside);
  }
  Value last = e.min(e.add(first, count), shape.points);
  e.forLoop(first, last, shape.teams, [&](Value row) {
    enterRow(row, point);
    e.barrier(); // the next row takes the same memory
  });
  return failure(failedInside);
}

LogicalResult GPULoopsEmitter::run() {
  makeShape();
  if (failed(placeOutputs()))
    return failure();
  Lanes point(plan.outer, Lane{e.index(0)});
  unsigned axes = shape.axes.size();
  if (form.rows)
    return runRows();
  if (!form.tiles.empty())
    return runTiles();
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
