//===- Chain.cpp - cutting a training step into blocks --------------------===//
//
// Part of Linnet, under Apache-2.0 WITH LLVM-exception. See LICENSE.
//
//===----------------------------------------------------------------------===//
#include "Chain.h"
#include "ChainOptions.h"

#include <algorithm>

namespace linnet::plan {
namespace {

class Cutter {
public:
  Cutter(const Problem &problem, const Bounds &bounds, const Order &base);
  Chain run(CutRule rule);

private:
  void split(int32_t turn);
  void findResidents();
  std::vector<std::pair<size_t, int32_t>> findCuts() const;
  void makeBlocks(std::vector<std::pair<size_t, int32_t>> cuts, CutRule rule);
  void assignBackward();
  int32_t constraintOf(int32_t value) const;

  const Problem &problem;
  const Bounds &bounds;
  const Order &base;
  Order forward, backward;
  Flags isForward; // of a node
  /// Of a value of the forward half: where it is made, and read last by that half.
  std::vector<int32_t> made, lastRead;
  Flags isResident;
  std::vector<int32_t> blockOf; // of a node
  std::vector<int32_t> stateOf; // of a value: the block that it is the input of, or -1
  Chain chain;
};

Cutter::Cutter(const Problem &problem, const Bounds &bounds, const Order &base)
    : problem(problem), bounds(bounds), base(base), isForward(size_t(problem.nodeCount), false),
      made(size_t(problem.valueCount), -1), lastRead(size_t(problem.valueCount), -1),
      isResident(size_t(problem.valueCount), false), blockOf(size_t(problem.nodeCount), -1),
      stateOf(size_t(problem.valueCount), -1) {}

void Cutter::split(int32_t turn) {
  for (int32_t n : base) {
    isForward[size_t(n)] = n == turn || bounds.isAncestor(n, turn);
    (isForward[size_t(n)] ? forward : backward).push_back(n);
  }
  for (size_t p = 0; p < forward.size(); ++p) {
    for (int32_t v : problem.inputs[forward[p]])
      lastRead[size_t(v)] = int32_t(p);
    for (int32_t v : problem.outputs[forward[p]])
      made[size_t(v)] = lastRead[size_t(v)] = int32_t(p);
  }
}

/// Tables that many layers read, results, and what must not be made twice stay.
void Cutter::findResidents() {
  int32_t far = std::max<int32_t>(24, int32_t(forward.size()) / 4);
  for (int32_t v = 0; v < problem.valueCount; ++v) {
    if (made[size_t(v)] < 0)
      continue;
    bool stays = problem.result[size_t(v)] || problem.once[size_t(problem.producer[size_t(v)])];
    stays |= lastRead[size_t(v)] - made[size_t(v)] > far;
    isResident[size_t(v)] = stays;
    if (stays)
      chain.resident = addChecked(chain.resident, problem.bytes[size_t(v)]);
  }
}

/// Positions behind which a single value is alive, and that value.
std::vector<std::pair<size_t, int32_t>> Cutter::findCuts() const {
  std::vector<std::vector<int32_t>> dying(forward.size());
  std::vector<std::pair<size_t, int32_t>> cuts;
  std::vector<int32_t> alive;
  for (size_t p = 0; p < forward.size(); ++p) {
    for (int32_t v : problem.outputs[forward[p]])
      if (!isResident[size_t(v)] && problem.bytes[size_t(v)] > 0)
        alive.push_back(v);
    alive.erase(std::remove_if(alive.begin(), alive.end(),
                               [&](int32_t v) { return lastRead[size_t(v)] <= int32_t(p); }),
                alive.end());
    if (alive.size() == 1 && (cuts.empty() || cuts.back().second != alive[0]))
      cuts.push_back({p, alive[0]});
  }
  return cuts;
}

void Cutter::makeBlocks(std::vector<std::pair<size_t, int32_t>> cuts, CutRule rule) {
  size_t stride = std::max(rule.stride, (cuts.size() + rule.mostBlocks) / rule.mostBlocks);
  size_t p = 0;
  auto finish = [&](size_t end, int32_t state) {
    Block block;
    block.input = chain.blocks.empty() ? -1 : chain.blocks.back().output;
    block.output = state;
    for (; p < end; ++p) {
      blockOf[size_t(forward[p])] = int32_t(chain.blocks.size());
      block.forward.push_back(forward[p]);
    }
    chain.blocks.push_back(std::move(block));
    if (state >= 0)
      stateOf[size_t(state)] = int32_t(chain.blocks.size());
  };
  for (size_t i = rule.first % stride; i < cuts.size(); i += stride)
    if (cuts[i].first + 1 < forward.size())
      finish(cuts[i].first + 1, cuts[i].second);
  finish(forward.size(), -1);
}

/// The earliest block whose phase may read the value.
int32_t Cutter::constraintOf(int32_t value) const {
  int32_t maker = problem.producer[size_t(value)];
  if (maker < 0 || isResident[size_t(value)])
    return int32_t(chain.blocks.size()) - 1;
  if (isForward[size_t(maker)] && stateOf[size_t(value)] >= 0)
    return stateOf[size_t(value)];
  return blockOf[size_t(maker)];
}

void Cutter::assignBackward() {
  Precedence precedence(problem);
  for (int32_t n : backward) {
    int32_t block = int32_t(chain.blocks.size()) - 1;
    for (int32_t v : problem.inputs[n])
      block = std::min(block, constraintOf(v));
    for (int32_t before : precedence.before[size_t(n)])
      if (!isForward[size_t(before)])
        block = std::min(block, blockOf[size_t(before)]);
    for (int32_t v : problem.tied[n])
      if (v >= 0)
        for (int32_t reader : problem.readers[v])
          if (isForward[size_t(reader)])
            block = std::min(block, blockOf[size_t(reader)]);
    blockOf[size_t(n)] = block;
    chain.blocks[size_t(block)].backward.push_back(n);
  }
}

Chain Cutter::run(CutRule rule) {
  int32_t turn = bounds.turningNode();
  if (turn < 0)
    return chain;
  split(turn);
  findResidents();
  makeBlocks(findCuts(), rule);
  if (chain.blocks.size() < 2)
    return chain;
  assignBackward();
  BlockCosts costs(problem, blockOf, isForward, isResident);
  for (size_t i = 0; i < chain.blocks.size(); ++i)
    costs.fill(chain.blocks[i], int32_t(i));
  return std::move(chain);
}

} // namespace

Chain findChain(const Problem &problem, const Bounds &bounds, const Order &base, CutRule rule) {
  return Cutter(problem, bounds, base).run(rule);
}

} // namespace linnet::plan
