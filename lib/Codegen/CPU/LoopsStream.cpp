//===- LoopsStream.cpp - large results past the caches, rows ahead ----------===//
//
// Part of Linnet, under Apache-2.0 WITH LLVM-exception. See LICENSE.
//
// A result that no cache holds is written past the caches: an ordinary store would read its line
// first. While a row's last pass runs, the elements of the next row are on their way to the
// second cache: the passes before that find them there. Neither changes a result.
//
//===----------------------------------------------------------------------===//
#include "LoopsEmitter.h"

using namespace mlir;
using namespace linnet::codegen;

/// From this size on a result is not expected to be in a cache when it is read next.
static constexpr int64_t kStreamBytes = int64_t(32) << 20;
/// Rows that are larger are not fetched ahead: they would drive each other out.
static constexpr int64_t kAheadBytes = int64_t(256) << 10;

static int64_t bytesOf(const View &view) {
  Type element = cast<MemRefType>(view.memory.getType()).getElementType();
  return element.isIndex() ? 8 : std::max<int64_t>(1, element.getIntOrFloatBitWidth() / 8);
}

//===----------------------------------------------------------------------===//
// Writing past the caches
//===----------------------------------------------------------------------===//

/// Large, every row on a cache line, and not the memory of an argument, whose lines are in the
/// cache. `map` says which loops the dimensions of the view follow.
Value LoopsEmitter::mayStream(const View &view, AffineMap map) {
  Value bytes = e.index(bytesOf(view)), ok = e.boolean(true), size = bytes;
  for (Value n : view.sizes)
    size = e.mul(size, n);
  ok = e.both(ok, e.ge(size, e.index(kStreamBytes)));
  if (Emitter::constantOf(ok) == 0)
    return ok;
  auto onLine = [&](Value at) { return e.eq(e.rem(at, 64), e.index(0)); };
  for (unsigned d = 0; d + 1 < view.rank(); ++d) {
    auto loop = dyn_cast<AffineDimExpr>(map.getResult(d));
    if (loop && loop.getPosition() < plan.outer && plan.merged[loop.getPosition()])
      continue; // stays 0
    Value single = e.eq(view.sizes[d], e.index(1));
    ok = e.both(ok, e.either(single, onLine(e.mul(view.strides[d], bytes))));
  }
  if (Emitter::constantOf(ok) == 0)
    return ok;
  Value start = e.addressOf(view.memory);
  ok = e.both(ok, onLine(e.add(start, e.mul(view.offset, bytes))));
  for (BlockArgument arg : f.kernel.getArguments()) {
    if (!isa<RankedTensorType>(arg.getType()))
      continue;
    Value other = e.addressOf(f.flatArgument(arg.getArgNumber()));
    ok = e.both(ok, arith::XOrIOp::create(e, e.eq(start, other), e.boolean(true)));
  }
  return ok;
}

FailureOr<Value> LoopsEmitter::findStreams() {
  Value all;
  for (auto [i, stored] : llvm::enumerate(plan.stored)) {
    if (!stored || f.kernel.getTiedInput(i) >= 0)
      continue;
    FailureOr<KernelFrame::Output> out = f.output(i);
    if (failed(out))
      return failure();
    if (out->view.rank() == 0 || Emitter::constantOf(out->view.strides.back()) != 1)
      continue;
    Operation *op = stored.getDefiningOp();
    bool own = op && plan.places.count(stored);
    OpLoops loops = own ? OpLoops(op) : OpLoops(stored);
    unsigned number = own ? cast<OpResult>(stored).getResultNumber() : 0;
    Value ok = mayStream(out->view, loops.results[number]);
    if (Emitter::constantOf(ok) == 0)
      continue;
    streams.insert(out->view.memory);
    all = all ? e.both(all, ok) : ok;
  }
  return all;
}

void LoopsEmitter::inVersions(llvm::function_ref<void()> loop) {
  if (!streamable || !storesFull || streaming)
    return loop();
  e.ifThen(
      streamable,
      [&] {
        streaming = true;
        loop();
        streaming = false;
      },
      loop);
}

//===----------------------------------------------------------------------===//
// Fetching ahead
//===----------------------------------------------------------------------===//

static Value rootOf(Value v) {
  while (KernelFrame::isView(v) && v.getDefiningOp())
    v = v.getDefiningOp()->getOperand(0);
  return v;
}

/// Arguments that op reads, itself or through ops that are evaluated inside of it.
static void collectReads(const LoopsPlan &plan, Operation *op, llvm::DenseSet<Operation *> &written,
                         llvm::SetVector<Value> &reads) {
  for (Value v : op->getOperands()) {
    if (!isa<RankedTensorType>(v.getType()))
      continue;
    if (KernelFrame::isView(v)) {
      reads.insert(rootOf(v));
      continue;
    }
    Operation *producer = v.getDefiningOp();
    auto stage = llvm::find_if(plan.stages, [&](const Stage &s) { return s.op == producer; });
    bool inside = stage == plan.stages.end() || stage->deferred;
    if (inside && written.insert(producer).second)
      collectReads(plan, producer, written, reads);
    if (stage == plan.stages.end())
      written.erase(producer);
  }
}

/// An argument that several stages read is fetched by the last of them.
void LoopsEmitter::findAhead() {
  if (plan.lanesAreOuter || plan.outer == 0)
    return;
  llvm::DenseSet<Operation *> written;
  llvm::MapVector<Value, SmallVector<Operation *>> readers;
  for (const Stage &stage : plan.stages) {
    if (!stage.op || stage.deferred)
      continue;
    llvm::SetVector<Value> reads;
    collectReads(plan, stage.op, written, reads);
    for (Value v : reads)
      readers[v].push_back(stage.op);
  }
  for (auto &[v, stages] : readers)
    if (auto arg = dyn_cast<BlockArgument>(v); arg && stages.size() > 1)
      aheadOf[stages.back()].push_back(f.flatArgument(arg.getArgNumber()));
}

void LoopsEvaluator::prefetchNext(const View &view, ArrayRef<Lane> coords, const Lane &at,
                                  const Scope &s) {
  if (!ahead.contains(view.memory) || s.n == 0 || s.mask || at.isVector || at.step != 1)
    return;
  Value distance;
  for (auto [c, stride] : llvm::zip_equal(coords, view.strides))
    if (c.isUniform() && c.v == lastCoordinate)
      distance = distance ? e.add(distance, stride) : stride;
  if (!distance)
    return;
  Value fits = e.le(distance, e.index(kAheadBytes / bytesOf(view)));
  e.prefetch(view.memory, e.add(at.v, e.select(fits, distance, e.index(0))), /*write=*/false,
             /*locality=*/2);
}
