//===- PlanMemory.cpp - arena offsets -------------------------------------===//
//
// Part of Linnet, under Apache-2.0 WITH LLVM-exception. See LICENSE.
//
//===----------------------------------------------------------------------===//
#include "linnet/Plan/Plan.h"
#include "linnet/Program/Lifetimes.h"
#include "linnet/Program/Passes.h"

namespace linnet {
#define GEN_PASS_DEF_PLANMEMORY
#include "linnet/Program/Passes.h.inc"
} // namespace linnet

using namespace mlir;
using namespace linnet;

namespace {

class Planner {
public:
  explicit Planner(exec::ProgramOp program) : program(program), bounds(program), steps(program) {}
  void run();

private:
  plan::Interval intervalOf(exec::RefOp ref, int64_t size);
  void planScratch();

  exec::ProgramOp program;
  SizeBounds bounds;
  Steps steps;
};

} // namespace

plan::Interval Planner::intervalOf(exec::RefOp ref, int64_t size) {
  Lifetime life = getLifetime(ref);
  plan::Interval interval;
  interval.size = size;
  interval.align = plan::alignmentOf(size);
  interval.first = life.first ? steps.of(life.first).first : 0;
  interval.last = life.last ? steps.of(life.last).second : -1;
  return interval;
}

void Planner::planScratch() {
  int64_t scratch = 0;
  program.walk([&](exec::RunOp run) {
    int64_t own = bounds.maximum(run.getScratch());
    scratch = own < 0 || scratch < 0 ? -1 : std::max(scratch, own);
  });
  program.setScratchBytes(scratch);
}

void Planner::run() {
  planScratch();
  SmallVector<exec::RefOp> refs;
  std::vector<plan::Interval> intervals;
  bool bounded = true;
  program.walk([&](exec::RefOp ref) {
    if (ref.getKind() != exec::BufferKind::arena)
      return;
    int64_t size = bounds.maximum(ref.getSize());
    bounded &= size >= 0;
    ref.setMaxSize(size);
    refs.push_back(ref);
    intervals.push_back(intervalOf(ref, size));
  });
  if (!bounded) {
    for (exec::RefOp ref : refs)
      ref.setOffset(0);
    program.setArenaBytes(-1);
    program.setLargestLive(-1);
    return;
  }
  plan::Layout layout = plan::packIntervals(intervals.data(), intervals.size());
  for (auto [ref, offset] : llvm::zip(refs, layout.offsets))
    ref.setOffset(offset);
  program.setArenaBytes(layout.peak);
  program.setLargestLive(layout.largestLive);
}

namespace {
struct PlanMemory : linnet::impl::PlanMemoryBase<PlanMemory> {
  void runOnOperation() override {
    for (auto program : getOperation().getOps<exec::ProgramOp>())
      Planner(program).run();
  }
};
} // namespace
