//===- LoopsPipeline.cpp - a row is written while the next is computed ------===//
//
// Part of Linnet, under Apache-2.0 WITH LLVM-exception. See LICENSE.
//
// The last stage of a softmax writes past the caches, and memory takes a row more slowly than the
// stage makes it; the exponentials before that write nothing there. So the last stage of a point
// runs along the exponentials of the next one, a vector for a vector: what it needs stays in
// registers and in one of two places in scratch. The arithmetic is the same.
//
// The first point has none before it. It is its own, and written with what scratch happened to
// hold, before the next one writes it; nobody reads results past the caches in between.
//
//===----------------------------------------------------------------------===//
#include "LoopsEmitter.h"
#include "llvm/Support/SaveAndRestore.h"

using namespace mlir;
using namespace linnet::codegen;

static constexpr int64_t kLine = 64; ///< bytes of a cache line

/// Values in registers that the trailing stage reads, itself or through ops inside of it.
SmallVector<Value> LoopsEmitter::findCarried() {
  llvm::SetVector<Value> found;
  SmallVector<Operation *> todo = {plan.trailing};
  while (!todo.empty())
    for (Value v : todo.pop_back_val()->getOperands()) {
      auto place = plan.places.find(v);
      if (place != plan.places.end() && place->second == Place::Register)
        found.insert(v);
      else if (place == plan.places.end() && v.getDefiningOp() && !KernelFrame::isView(v))
        todo.push_back(v.getDefiningOp());
    }
  return found.takeVector();
}

/// Whether there is a trailing stage and each of its rows starts on a cache line and goes past the
/// caches; null: no.
Value LoopsEmitter::mayTrail() {
  if (!plan.trailing || !streamable)
    return {};
  Value ok = streamable;
  for (const View &view : places.lookup(plan.trailing->getResult(0))) {
    if (!streams.contains(view.memory))
      return {};
    Value bytes = e.index(bytesOf(view)), line = e.index(kLine);
    Values starts = {e.add(e.addressOf(view.memory), e.mul(view.offset, bytes))};
    for (Value stride : ArrayRef(view.strides).drop_back())
      starts.push_back(e.mul(stride, bytes));
    for (Value start : starts)
      ok = e.both(ok, e.eq(e.rem(start, line), e.index(0)));
  }
  return Emitter::constantOf(ok) == 0 ? Value() : ok;
}

/// Before the stages of point `unit`: the one before it is trailed. Its scratch is placed here,
/// since a pointer that is loaded inside of a loop with stores is loaded again and again.
void LoopsEmitter::trail(Value unit, Value first, ArrayRef<Value> keys, ValueRange carried) {
  trailed.emplace();
  trailed->point.assign(plan.outer, Lane{e.index(0)});
  decode(e.max(e.sub(unit, e.index(1)), first), shape.axes.size(), trailed->point);
  for (auto [key, value] : llvm::zip_equal(keys, carried))
    trailed->registers[key] = {value};
  Value own = e.rem(unit, 2);
  half = e.sub(e.index(1), own);
  placeScratch(trailed->point);
  trailed->places = places;
  half = own;
}

void LoopsEmitter::forTrailedPoints() {
  Value lo = e.mul(f.begin, shape.perChunk);
  Value hi = e.min(e.mul(f.end, shape.perChunk), shape.units);
  SmallVector<Value> keys = findCarried();
  Values carried;
  for (Value key : keys)
    carried.push_back(e.zero(getElementTypeOrSelf(key.getType())));
  carried = e.forLoop(lo, hi, e.index(1), carried, [&](Value unit, ValueRange in) {
    trail(unit, lo, keys, in);
    Lanes point(plan.outer, Lane{e.index(0)});
    decode(unit, shape.axes.size(), point);
    emitPoint(point, {});
    Values next;
    for (Value key : keys)
      next.push_back(registers.lookup(key).v);
    return next;
  });
  e.ifThen(e.lt(lo, hi), [&] {
    trail(hi, lo, keys, carried);
    memos.clear();
    registers = trailed->registers;
    places = trailed->places;
    emitStage({plan.trailing, {}}, trailed->point, {});
  });
  trailed.reset();
  half = {};
}

/// A vector of the trailed point, inside the loop of the host at the same column.
void LoopsEmitter::emitTrailing(const Lane &column, const Scope &s) {
  llvm::SaveAndRestore ownMemos(memos);
  llvm::SaveAndRestore ownRegisters(registers, trailed->registers);
  llvm::SaveAndRestore ownPlaces(places, trailed->places);
  llvm::SaveAndRestore ownWaiting(waitingStages);
  llvm::SaveAndRestore ownAhead(ahead);
  llvm::SaveAndRestore past(streaming, true);
  memos.clear();
  waitingStages.clear();
  ahead.clear();
  Lanes at = trailed->point;
  at.push_back(column);
  Result all = evaluateRegion(cast<linalg::LinalgOp>(plan.trailing), at, s);
  if (failed(all))
    return fail();
  keep(plan.trailing, OpLoops(plan.trailing), *all, at, s);
}
