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
/// takes.
static constexpr int64_t kDistance = int64_t(12) << 10;
/// Rows that are larger are not fetched ahead: they would drive each other out.
static constexpr int64_t kAheadBytes = int64_t(256) << 10;
/// Of less, elements that were written before are still in some cache.
static constexpr int64_t kCacheBytes = int64_t(32) << 20;

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

/// Of several passes over an argument all ask, unless some have other work to do meanwhile.
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
    SmallVector<const StageWork *> readers, asking;
    for (const StageWork &w : works)
      if (w.reads.contains(arg))
        readers.push_back(&w);
    if (readers.size() < 2)
      continue;
    llvm::copy_if(readers, std::back_inserter(asking), [](const StageWork *w) { return w->heavy; });
    if (asking.empty()) // a reference is found along another pass
      llvm::copy_if(readers, std::back_inserter(asking),
                    [&](const StageWork *w) { return !reference || w->stage != reference->op; });
    for (const StageWork *w : asking)
      aheadOf[w->stage][f.flatArgument(arg.getArgNumber())] = {unsigned(asking.size()),
                                                               w == asking.back()};
  }
}

/// How often one of `passes` asks for an element of a row of `bytes`. A CPU drops requests while
/// too many are under way; what has arrived costs little to ask for again.
static unsigned timesToAsk(unsigned passes, int64_t bytes) {
  if (passes == 1)
    return bytes < kDistance ? 1 : 3;
  return passes == 2 ? 2 : 1;
}

/// Whether caches are known to hold all that is read through `view`.
static bool fitsCaches(const View &view) {
  int64_t bytes = bytesOf(view);
  for (Value size : view.sizes) {
    auto n = Emitter::constantOf(size);
    if (!n)
      return false;
    bytes *= *n;
  }
  return bytes < kCacheBytes;
}

void LoopsEmitter::beforeLoad(const View &view, ArrayRef<Lane> coords, const Lane &at,
                              const Scope &s) {
  auto found = ahead.find(view.memory);
  if (found == ahead.end() || s.n == 0 || s.mask || at.isVector || at.step != 1)
    return;
  Value row;
  for (auto [c, stride] : llvm::zip_equal(coords, view.strides))
    if (c.isUniform() && c.v == lastCoordinate)
      row = row ? e.add(row, stride) : stride;
  auto [passes, last] = found->second;
  bool cached = fitsCaches(view);
  if (!row || (cached && !last))
    return;
  int64_t bytes = Emitter::constantOf(row).value_or(kAheadBytes) * bytesOf(view);
  Value fits = e.le(row, e.index(kAheadBytes / bytesOf(view)));
  int64_t rows = llvm::divideCeil(kDistance, std::max<int64_t>(bytes, 1));
  if (passes > 1 && bytes >= kLongRow) // what a backward pass asks for last is read first
    ++rows;
  for (unsigned k = 0, times = cached ? 1 : timesToAsk(passes, bytes); k < times; ++k) {
    // The last pass is the slowest, so its requests arrive: it starts with a row that no other
    // has asked for yet.
    bool first = k == 0 && last && passes > 1 && !cached;
    Value distance = e.mul(row, first ? rows + 1 : rows);
    requests.push_back({view.memory, e.add(at.v, e.select(fits, distance, e.index(0)))});
  }
}
