//===- LiveSet.cpp - what is in memory at the peak ------------------------===//
//
// Part of Linnet, under Apache-2.0 WITH LLVM-exception. See LICENSE.
//
//===----------------------------------------------------------------------===//
#include "linnet/Program/Lifetimes.h"
#include "llvm/Support/MathExtras.h"

using namespace mlir;
using namespace linnet;

void Steps::number(Operation *op) {
  int32_t first = next++;
  for (Region &region : op->getRegions())
    for (Block &block : region)
      for (Operation &inner : block)
        number(&inner);
  steps[op] = {first, op->getNumRegions() ? next++ : first};
}

/// The first command that uses the buffer, in whatever block it is.
static Operation *findMaker(exec::RefOp ref, const Steps &steps) {
  Operation *maker = nullptr;
  SmallVector<Value> work = {ref.getBuffer()};
  while (!work.empty())
    for (Operation *user : work.pop_back_val().getUsers()) {
      if (auto view = dyn_cast<exec::ViewOp>(user))
        work.push_back(view.getBuffer());
      else if (!maker || steps.of(user).first < steps.of(maker).first)
        maker = user;
    }
  return maker;
}

LiveSet linnet::findLargestLiveSet(exec::ProgramOp program) {
  constexpr int64_t alignment = 64; // of offsets
  Steps steps(program);
  SmallVector<std::pair<LiveSet::Buffer, std::pair<int32_t, int32_t>>> all;
  DenseMap<int32_t, int64_t> changes;
  program.walk([&](exec::RefOp ref) {
    Lifetime life = getLifetime(ref);
    if (ref.getKind() != exec::BufferKind::arena || !life.first)
      return;
    int64_t bytes = llvm::alignTo(static_cast<int64_t>(ref.getMaxSize().value_or(0)), alignment);
    std::pair<int32_t, int32_t> span(steps.of(life.first).first, steps.of(life.last).second);
    all.push_back({{ref, findMaker(ref, steps), bytes}, span});
    changes[span.first] += bytes;
    changes[span.second + 1] -= bytes;
  });
  LiveSet largest;
  int32_t when = -1;
  int64_t live = 0;
  for (int32_t step = 0, end = steps.of(program).second; step <= end; ++step) {
    live += changes.lookup(step);
    if (live > largest.bytes)
      largest.bytes = live, when = step;
  }
  program.walk([&](Operation *op) {
    if (steps.of(op).first == when)
      largest.at = op;
  });
  for (auto &[buffer, span] : all)
    if (span.first <= when && when <= span.second)
      largest.buffers.push_back(buffer);
  llvm::stable_sort(largest.buffers,
                    [](const auto &a, const auto &b) { return a.bytes > b.bytes; });
  return largest;
}
