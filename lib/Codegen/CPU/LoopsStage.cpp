//===- LoopsStage.cpp - emits the points and stages of a loops kernel -------===//
//
// Part of Linnet, under Apache-2.0 WITH LLVM-exception. See LICENSE.
//
//===----------------------------------------------------------------------===//
#include "LoopsEmitter.h"
#include "mlir/Dialect/Arith/IR/Arith.h"
#include "mlir/Dialect/Math/IR/Math.h"
#include "llvm/Support/SaveAndRestore.h"

using namespace mlir;
using namespace linnet::codegen;

/// Vectors of a result that is streamed in one iteration: processors foresee the end of short
/// loops.
static constexpr int64_t kStreamTurns = 4;
/// Columns of so much memory are likely in a cache.
static constexpr int64_t kColumnBytes = int64_t(8) << 20;

//===----------------------------------------------------------------------===//
// Loops
//===----------------------------------------------------------------------===//

/// Whether every second point's row is written from its end: where a row and what is read along
/// with it are more than the first cache, the end of the one is still there for the next.
bool LoopsEmitter::alternates(Value columns) {
  int64_t bytes = 0;
  for (const Stream *s : storing)
    bytes = std::max(bytes, Emitter::constantOf(columns).value_or(0) * bytesOf(s->view));
  return bytes >= kLongRow && !ahead.empty() && !plan.trailing;
}

void LoopsEmitter::alternatingLoop(Value lo, Value hi, Value step, bool alternate,
                                   llvm::function_ref<void(Value)> body) {
  if (!alternate)
    return e.forLoop(lo, hi, step, body);
  Value backwards = e.eq(e.rem(lastCoordinate, 2), e.index(1));
  Value start = e.select(backwards, e.sub(hi, step), lo);
  Value pace = e.select(backwards, e.sub(e.index(0), step), step);
  e.forLoop(lo, hi, step, start, [&](Value, ValueRange at) {
    body(at[0]);
    return Values{e.add(at[0], pace)};
  });
}

// Full vectors, then what lies before and behind them under a mask. Elements do not depend on the
// lane that they are computed in, so a result that is streamed may begin anywhere.
void LoopsEmitter::vectorLoop(Value lo, Value hi,
                              llvm::function_ref<void(const Lane &, const Scope &)> body,
                              FindLine firstLine) {
  auto enter = [&](Value i, const Scope &s) {
    Memos outside = memos;
    body(Lane{i, 1, false}, s);
    memos = std::move(outside);
  };
  Value streams, from = lo;
  if (streamable && !storing.empty() && !streaming) {
    FirstLine line = firstLine(lo);
    streams = e.both(streamable, line.ok);
    from = e.add(lo, e.min(e.select(streams, line.elements, e.index(0)), e.sub(hi, lo)));
  }
  Value count = e.sub(hi, from);
  Value full = e.add(from, e.mul(e.div(count, kLanes), kLanes));
  auto wholeVectors = [&] {
    e.forLoop(from, full, e.index(kLanes), [&](Value i) { enter(i, {kLanes, {}, {}}); });
  };
  auto known = Emitter::constantOf(count);
  if (streams)
    e.ifThen(
        streams,
        [&] {
          llvm::SaveAndRestore past(streaming, true);
          Value several = e.index(kStreamTurns * kLanes);
          Value turns = e.add(from, e.mul(e.div(count, several), several));
          alternatingLoop(from, turns, several, alternates(e.sub(hi, lo)), [&](Value i) {
            {
              llvm::SaveAndRestore hold(holding, true);
              for (int64_t turn = 0; turn < kStreamTurns; ++turn)
                enter(e.add(i, turn * kLanes), {kLanes, {}, {}});
            }
            flush();
          });
          e.forLoop(turns, full, e.index(kLanes), [&](Value i) { enter(i, {kLanes, {}, {}}); });
        },
        wholeVectors);
  else if (!known || *known >= kLanes)
    wholeVectors();
  if (known && *known % kLanes == 0)
    return;
  auto masked = [&](Value i, Value end) {
    e.ifThen(e.lt(i, end), [&] { enter(i, {kLanes, e.mask(e.sub(end, i)), {}}); });
  };
  if (!streams)
    return masked(full, hi);
  e.forLoop(e.index(2), [&](Value part) {
    Value behind = e.eq(part, e.index(1));
    masked(e.select(behind, full, lo), e.select(behind, hi, from));
  });
}

void LoopsEmitter::nest(const OpLoops &loops, ArrayRef<unsigned> order, int lane, Lanes coords,
                        const Scope &s, Body body) {
  if (order.empty())
    return body(coords, s);
  unsigned d = order.front();
  Value size = sizeOf(loops.sizes[d]);
  if (int(d) == lane) {
    auto along = [&](const Lane &i, const Scope &inner) {
      coords[d] = i;
      nest(loops, order.drop_front(), lane, coords, inner, body);
    };
    return vectorLoop(e.index(0), size, along,
                      [&](Value lo) { return findFirstLine(coords, d, lo); });
  }
  e.forLoop(size, [&](Value i) {
    Memos outside = memos;
    coords[d] = {i};
    nest(loops, order.drop_front(), lane, coords, s, body);
    memos = std::move(outside);
  });
}

/// Inner loops of one kind, the lanes' one last.
SmallVector<unsigned> LoopsEmitter::innerLoops(const OpLoops &loops, bool reduction, int lane) {
  SmallVector<unsigned> order;
  for (unsigned d = plan.outer; d < loops.rank(); ++d)
    if (loops.reduction[d] == reduction && int(d) != lane)
      order.push_back(d);
  if (lane >= 0 && loops.reduction[lane] == reduction)
    order.push_back(lane);
  return order;
}

//===----------------------------------------------------------------------===//
// Stages
//===----------------------------------------------------------------------===//

void LoopsEmitter::write(const PendingStore &p) {
  llvm::SaveAndRestore past(streaming, p.streams);
  LoopsEvaluator::write(p);
}

void LoopsEmitter::storeVector(Value x, const View &view, Value at, Value mask) {
  if (streaming && !mask && streams.contains(view.memory))
    e.vstream(x, view.memory, at);
  else
    e.vstore(x, view.memory, at, mask);
}

void LoopsEmitter::flush() {
  if (holding)
    return;
  for (auto [memory, at] : requests)
    e.prefetch(memory, at, /*write=*/false, /*locality=*/2);
  requests.clear();
  LoopsEvaluator::flush();
}

/// Where the results of a stage go. What has no inner loops stays in a register and is stored
/// behind the last stage.
void LoopsEmitter::keep(Operation *op, const OpLoops &loops, ArrayRef<Lane> values,
                        ArrayRef<Lane> coords, const Scope &s) {
  for (auto [r, x] : llvm::zip(op->getResults(), values)) {
    Lanes at = evaluate(loops.results[r.getResultNumber()], coords, s.n);
    bool stored = places.count(r);
    if (at.size() == plan.outer) {
      registers[r] = x;
      if (stored)
        pointStores.push_back({x, r, at, s, streaming});
    } else if (stored) {
      pending.push_back({x, r, at, s, streaming});
    }
  }
  flush();
}

void LoopsEmitter::emitElementwise(Operation *op, const OpLoops &loops, int lane,
                                   const Lanes &coords, const Scope &s) {
  auto order = innerLoops(loops, /*reduction=*/false, lane);
  chooseStoring(op->getResults(), lane);
  nest(loops, order, lane, coords, s, [&](ArrayRef<Lane> at, const Scope &inner) {
    Lanes values;
    if (auto linalgOp = dyn_cast<linalg::LinalgOp>(op)) {
      Result all = evaluateRegion(linalgOp, at, inner);
      if (failed(all))
        return fail();
      values = *all;
    } else {
      FailureOr<Lane> x = evaluateOp(op, at, inner);
      if (failed(x))
        return fail();
      values = {*x};
    }
    keep(op, loops, values, at, inner);
  });
}

/// Copies a tensor that no stage makes to the results that hold it.
void LoopsEmitter::emitCopy(Value from, ArrayRef<Lane> point, const Scope &s) {
  OpLoops loops(from);
  Lanes coords(point);
  coords.resize(loops.rank());
  int lane = laneLoop(plan, loops);
  chooseStoring(from, lane);
  nest(loops, innerLoops(loops, false, lane), lane, coords, s,
       [&](ArrayRef<Lane> at, const Scope &inner) { copyElement(from, at, inner); });
}

void LoopsEmitter::emitStage(const Stage &stage, ArrayRef<Lane> point, const Scope &s) {
  if (!stage.op)
    return emitCopy(stage.copied, point, s);
  OpLoops loops(stage.op);
  Lanes coords(point);
  coords.resize(loops.rank());
  int lane = laneLoop(plan, loops);
  ahead = aheadOf.lookup(stage.op);
  if (loops.isParallel())
    emitElementwise(stage.op, loops, lane, coords, s);
  else
    emitReduction(stage.op, loops, lane, coords, s);
  settleDeferred();
}

void LoopsEmitter::emitPoint(ArrayRef<Lane> point, const Scope &s) {
  memos.clear();
  registers.clear();
  pointStores.clear();
  lastCoordinate = point.empty() ? Value() : point.back().v;
  placeScratch(point);
  llvm::DenseSet<Value> waiting;
  forStages([&](const Stage &stage) {
    if (trailed && stage.op == plan.trailing)
      return;
    if (reference && stage.op == reference->op) {
      registers[stage.op->getResult(0)] = reference->guessed = guess(reference->op, point, s);
      waiting = waitingStages;
      return;
    }
    emitStage(stage, point, s);
    if (reference && stage.op == reference->host)
      checkReference(point, s, waiting);
  });
  for (Value v : plan.late)
    emitCopy(v, point, s);
  pending.append(pointStores);
  flush();
}

//===----------------------------------------------------------------------===//
// Places
//===----------------------------------------------------------------------===//

/// Scratch holds the inner coordinates of a point, or of a point per lane, lane by lane.
void LoopsEmitter::placeScratch(ArrayRef<Lane> point) {
  for (auto [i, v] : llvm::enumerate(plan.scratch)) {
    auto type = cast<RankedTensorType>(v.getType());
    Value bytes = shape.offsets[i];
    if (half)
      bytes = e.add(bytes, e.mul(half, shape.pitches[i]));
    View view{f.scratch(bytes, type.getElementType()), type.getElementType(), e.index(0), {}, {}};
    view.strides.assign(type.getRank(), e.index(0));
    view.sizes = view.strides;
    Value stride = e.index(1);
    if (plan.lanesAreOuter) {
      view.strides[plan.outer - 1] = e.index(1);
      view.offset = e.sub(e.index(0), point[plan.outer - 1].v);
      stride = e.index(kLanes);
    }
    for (unsigned d = type.getRank(); d-- > plan.outer;) {
      view.strides[d] = stride;
      stride = e.mul(stride, f.size(v, d));
    }
    places[v] = {view};
  }
}

//===----------------------------------------------------------------------===//
// Points
//===----------------------------------------------------------------------===//

/// Coordinates of the outer loops from the number of a row of the axes [0, count).
void LoopsEmitter::decode(Value row, unsigned count, Lanes &point) {
  for (unsigned a = count; a-- > 0;) {
    point[shape.axisLoops[a]] = {a ? e.rem(row, shape.axes[a]) : row};
    if (a)
      row = e.div(row, shape.axes[a]);
  }
}

/// Bytes of all tensors that the kernel reads; far too many where that is not known.
static int64_t bytesRead(linnet::exec::KernelOp kernel) {
  int64_t total = 0;
  for (BlockArgument arg : kernel.getArguments())
    if (auto type = dyn_cast<RankedTensorType>(arg.getType()))
      total += type.hasStaticShape() && type.getElementType().isF32() ? 4 * type.getNumElements()
                                                                      : INT32_MAX;
  return total;
}

/// Columns that are reduced together, in registers: several lines of a row. From memory, single
/// lines arrive as fast.
int64_t LoopsEmitter::lanesOfColumns() {
  int64_t results = 0;
  for (const Stage &stage : plan.stages) {
    auto op = dyn_cast_or_null<linalg::LinalgOp>(stage.op);
    if (!op || stage.deferred || op.hasIndexSemantics())
      return kLanes;
    bool plain = llvm::all_of(op.getBlock()->without_terminator(), [](Operation &o) {
      return isa<arith::AddFOp, arith::SubFOp, arith::MulFOp, arith::DivFOp, math::FmaOp>(o);
    });
    bool f32 =
        llvm::all_of(op->getOperandTypes(), [](Type t) { return getElementTypeOrSelf(t).isF32(); });
    if (!plain || !f32)
      return kLanes;
    results = std::max<int64_t>(results, op->getNumResults());
  }
  bool fits = e.target.avx512 && bytesRead(f.kernel) <= kColumnBytes && plan.scratch.empty() &&
              plan.late.empty() && !streamable;
  return !fits || results > 2 ? kLanes : results == 2 ? 2 * kLanes : 4 * kLanes;
}

void LoopsEmitter::forPoints(llvm::function_ref<void(const Lanes &, const Scope &)> body) {
  Value lo = e.mul(f.begin, shape.perChunk);
  Value hi = e.min(e.mul(f.end, shape.perChunk), shape.units);
  unsigned axes = shape.axes.size();
  e.forLoop(lo, hi, e.index(1), [&](Value unit) {
    Lanes point(plan.outer, Lane{e.index(0)});
    if (!plan.lanesAreOuter) {
      decode(unit, axes, point);
      return body(point, {});
    }
    decode(e.div(unit, shape.blocks), axes - 1, point);
    Value first = e.mul(e.rem(unit, shape.blocks), kBlock);
    Value last = e.min(e.add(first, kBlock), shape.axes.back());
    if (Emitter::constantOf(shape.blocks) == 1) {
      first = e.index(0);
      last = shape.axes.back();
    }
    chooseStoring(plan.stored, plan.outer - 1);
    auto along = [&](const Lane &i, const Scope &s) {
      point.back() = i;
      body(point, s);
    };
    if (int64_t lanes = lanesOfColumns(); lanes > kLanes) {
      Value end = e.add(first, e.mul(e.div(e.sub(last, first), lanes), lanes));
      e.forLoop(first, end, e.index(lanes),
                [&](Value i) { along({i, 1, false}, {lanes, {}, {}}); });
      first = end;
    }
    vectorLoop(first, last, along,
               [&](Value lo) { return findFirstLine(point, plan.outer - 1, lo); });
  });
}

LogicalResult LoopsEmitter::run() {
  shape = getLoopsShape(plan, e, [&](const SizeOf &s) { return sizeOf(s); });
  if (failed(placeOutputs()))
    return failure();
  if (failed(findStreams()))
    return failure();
  findReference();
  findAhead();
  auto points = [&] { forPoints([&](const Lanes &p, const Scope &s) { emitPoint(p, s); }); };
  if (Value trails = mayTrail())
    e.ifThen(trails, [&] { forTrailedPoints(); }, points);
  else
    points();
  if (streamable)
    e.ifThen(streamable, [&] { e.fenceStreams(); });
  return failure(failedInside);
}
