//===- LoopsStream.cpp - large results past the caches, rows ahead ----------===//
//
// Part of Linnet, under Apache-2.0 WITH LLVM-exception. See LICENSE.
//
// A result that no cache holds is written past the caches: an ordinary store would read its line
// first. While a row's passes run, the elements of the next row are on their way to a cache, where
// the passes over that row find them. Neither changes a result.
//
//===----------------------------------------------------------------------===//
#include "LoopsEmitter.h"
#include "mlir/Dialect/Math/IR/Math.h"

using namespace mlir;
using namespace linnet::codegen;

/// How far ahead of a row is fetched, in whole rows: what memory gives in the time that a request
/// takes, and some rows more for the passes that ask for nothing.
static constexpr int64_t kDistance = int64_t(12) << 10;
/// Rows up to this size are fetched by every pass that reads them; of two passes by the last alone,
/// one row ahead. Larger ones by those that have other work to do meanwhile, where there are any.
static constexpr int64_t kSmallBytes = int64_t(4) << 10;
/// Rows that are larger are not fetched ahead: they would drive each other out.
static constexpr int64_t kAheadBytes = int64_t(256) << 10;

//===----------------------------------------------------------------------===//
// Writing past the caches
//===----------------------------------------------------------------------===//

LogicalResult LoopsEmitter::findStreams() {
  for (auto [i, stored] : llvm::enumerate(plan.stored)) {
    if (!stored || f.kernel.getTiedInput(i) >= 0)
      continue;
    FailureOr<KernelFrame::Output> out = f.output(i);
    if (failed(out))
      return failure();
    if (out->view.rank() == 0 || Emitter::constantOf(out->view.strides.back()) != 1)
      continue;
    bool own = plan.places.count(stored) && !llvm::is_contained(plan.late, stored);
    OpLoops loops = own ? OpLoops(stored.getDefiningOp()) : OpLoops(stored);
    AffineMap map = loops.results[own ? cast<OpResult>(stored).getResultNumber() : 0];
    // A stage with loops of its own moves across the lanes.
    if (plan.lanesAreOuter && map.getNumResults() > plan.outer)
      continue;
    Value ok = f.mayStream(out->view);
    if (Emitter::constantOf(ok) == 0)
      continue;
    streamed.push_back({stored, out->view, map});
    streams.insert(out->view.memory);
    streamable = streamable ? e.both(streamable, ok) : ok;
  }
  return success();
}

void LoopsEmitter::chooseStoring(ValueRange tensors, int lane) {
  storing.clear();
  for (const Stream &s : streamed)
    if (lane >= 0 && llvm::is_contained(tensors, s.tensor) &&
        s.map.getResults().back() == e.getAffineDimExpr(lane))
      storing.push_back(&s);
}

LoopsEmitter::FirstLine LoopsEmitter::findFirstLine(ArrayRef<Lane> coords, unsigned lane,
                                                    Value lo) {
  FirstLine line;
  Lanes at(coords);
  at[lane] = {lo};
  for (const Stream *s : storing) {
    Value bytes = e.index(bytesOf(s->view));
    Value element = position(s->view, evaluate(s->map, at, 0), 0).v;
    Value address = e.add(e.addressOf(s->view.memory), e.mul(element, bytes));
    Value before = e.rem(e.sub(e.index(64), e.rem(address, 64)), 64);
    Value elements = e.div(before, bytes);
    line.ok = line.ok ? e.both(line.ok, e.eq(elements, line.elements)) : e.boolean(true);
    line.elements = line.elements ? line.elements : elements;
  }
  return line;
}

//===----------------------------------------------------------------------===//
// Fetching ahead
//===----------------------------------------------------------------------===//

static Value rootOf(Value v) {
  while (KernelFrame::isView(v) && v.getDefiningOp())
    v = v.getDefiningOp()->getOperand(0);
  return v;
}

namespace {
/// What a stage does per element, itself or through ops that are evaluated inside of it.
struct StageWork {
  Operation *stage = nullptr;
  llvm::SetVector<Value> reads; ///< arguments
  bool heavy = false;           ///< takes longer than its elements take to arrive
};
} // namespace

static bool isHeavy(Operation *op) {
  return llvm::any_of(op->getRegions(), [](Region &region) {
    return llvm::any_of(region.getOps(), [](Operation &o) {
      return isa<math::MathDialect>(o.getDialect()) && !isa<math::FmaOp, math::AbsFOp>(o);
    });
  });
}

static void collectWork(const LoopsPlan &plan, Operation *op, llvm::DenseSet<Operation *> &written,
                        StageWork &work) {
  work.heavy |= isHeavy(op);
  for (Value v : op->getOperands()) {
    if (!isa<RankedTensorType>(v.getType()))
      continue;
    if (KernelFrame::isView(v)) {
      work.reads.insert(rootOf(v));
      continue;
    }
    Operation *producer = v.getDefiningOp();
    auto stage = llvm::find_if(plan.stages, [&](const Stage &s) { return s.op == producer; });
    bool own = stage == plan.stages.end(); // a deferred stage is evaluated by its first reader
    if (own || (stage->deferred && written.insert(producer).second))
      collectWork(plan, producer, written, work);
  }
}

/// A CPU drops requests that come too fast, so that several passes ask for the same.
void LoopsEmitter::findAhead() {
  if (plan.lanesAreOuter || plan.outer == 0)
    return;
  llvm::DenseSet<Operation *> written;
  SmallVector<StageWork> works;
  for (const Stage &stage : plan.stages) {
    OpLoops loops = stage.op ? OpLoops(stage.op) : OpLoops(stage.copied);
    if (!stage.op || stage.deferred || loops.rank() <= plan.outer)
      continue;
    works.push_back({stage.op, {}, false});
    collectWork(plan, stage.op, written, works.back());
  }
  for (BlockArgument arg : f.kernel.getArguments()) {
    SmallVector<const StageWork *> readers;
    for (const StageWork &w : works)
      if (w.reads.contains(arg))
        readers.push_back(&w);
    bool heavy = llvm::any_of(readers, [](const StageWork *w) { return w->heavy; });
    for (const StageWork *w : readers)
      if (readers.size() > 1)
        aheadOf[w->stage][f.flatArgument(arg.getArgNumber())] = {
            w->heavy == heavy, readers.size() == 2 && w == readers.front(),
            readers.size() == 2 && w == readers.back()};
  }
}

void LoopsEmitter::beforeLoad(const View &view, ArrayRef<Lane> coords, const Lane &at,
                              const Scope &s) {
  auto found = ahead.find(view.memory);
  if (found == ahead.end() || s.n == 0 || s.mask || at.isVector || at.step != 1)
    return;
  Value distance;
  for (auto [c, stride] : llvm::zip_equal(coords, view.strides))
    if (c.isUniform() && c.v == lastCoordinate)
      distance = distance ? e.add(distance, stride) : stride;
  if (!distance)
    return;
  int64_t bytes = Emitter::constantOf(distance).value_or(kAheadBytes) * bytesOf(view);
  bool small = bytes <= kSmallBytes && !reference; // which leaves one pass
  if (small ? found->second.first : !found->second.hasTime)
    return;
  Value fits = e.le(distance, e.index(kAheadBytes / bytesOf(view)));
  if (bytes < kDistance && !(small && found->second.last))
    distance = e.mul(distance, llvm::divideCeil(kDistance, bytes));
  requests.push_back({view.memory, e.add(at.v, e.select(fits, distance, e.index(0)))});
}
