//===- ChainOptions.cpp - what to make again in one block -----------------===//
//
// Part of Linnet, under Apache-2.0 WITH LLVM-exception. See LICENSE.
//
//===----------------------------------------------------------------------===//
#include "ChainOptions.h"

#include <algorithm>
#include <cmath>

namespace linnet::plan {

constexpr size_t kEnumerated = 16; // nodes of which all subsets are tried
constexpr size_t kMostOptions = 24;
/// Prices of a byte in time that are tried, each twice the one before.
constexpr double kLeastPrice = 1e-7;
constexpr int kPrices = 34;

static bool contains(const std::vector<int32_t> &list, int32_t i) {
  return std::find(list.begin(), list.end(), i) != list.end();
}

BlockCosts::BlockCosts(const Problem &problem, const std::vector<int32_t> &blockOf,
                       const Flags &isForward, const Flags &isResident)
    : problem(problem), blockOf(blockOf), isForward(isForward), isResident(isResident),
      evaluator(problem) {}

int64_t BlockCosts::timeOf(const Order &order) const {
  int64_t sum = 0;
  for (int32_t n : order)
    sum = addChecked(sum, problem.time[size_t(n)]);
  return sum;
}

/// Nodes of the forward half that make `values`, in order.
Order BlockCosts::neededFor(const Block &block, const std::vector<int32_t> &values) const {
  std::vector<int32_t> wanted = values;
  Order order;
  for (size_t i = block.forward.size(); i-- > 0;) {
    int32_t n = block.forward[i];
    auto out = problem.outputs[n];
    if (problem.once[size_t(n)] || std::none_of(out.begin(), out.end(), [&](int32_t v) {
          return contains(wanted, v) && !isResident[size_t(v)];
        }))
      continue;
    order.push_back(n);
    auto in = problem.inputs[n];
    wanted.insert(wanted.end(), in.begin(), in.end());
  }
  std::reverse(order.begin(), order.end());
  return order;
}

void BlockCosts::collect(const Block &block, int32_t index) {
  std::vector<int32_t> wanted;
  for (int32_t n : block.backward)
    for (int32_t v : problem.inputs[n])
      if (!contains(wanted, v))
        wanted.push_back(v);
  nodes = neededFor(block, wanted);
  if (nodes.size() > 64)
    nodes.erase(nodes.begin(), nodes.end() - 64);
  locals.clear();
  auto add = [&](int32_t v, int maker) {
    Local local = {v, maker, 0, contains(wanted, v), problem.bytes[size_t(v)]};
    for (size_t i = 0; i < nodes.size(); ++i)
      for (int32_t in : problem.inputs[nodes[i]])
        local.readers |= uint64_t(in == v) << i;
    if ((local.readers != 0 || local.readBehind) && !isResident[size_t(v)])
      locals.push_back(local);
  };
  if (block.input >= 0)
    add(block.input, -1);
  for (size_t i = 0; i < nodes.size(); ++i)
    for (int32_t v : problem.outputs[nodes[i]])
      add(v, int(i));
  // what phases leave for earlier blocks, and what later ones left
  leftBehind.assign(size_t(problem.valueCount), false);
  for (int32_t v = 0; v < problem.valueCount; ++v) {
    int32_t maker = problem.producer[size_t(v)];
    if (maker < 0 || isForward[size_t(maker)] || blockOf[size_t(maker)] < index)
      continue;
    bool behind = problem.result[size_t(v)];
    for (int32_t reader : problem.readers[v])
      behind |= blockOf[size_t(reader)] >= 0 && blockOf[size_t(reader)] < index;
    leftBehind[size_t(v)] = behind;
  }
}

BlockCosts::Choice BlockCosts::evaluate(uint64_t again) const {
  Choice choice = {again, 0, 0};
  uint64_t useful = 0;
  for (const Local &local : locals) {
    bool read = local.readBehind || (local.readers & again) != 0;
    if (!read)
      continue;
    if (local.maker >= 0 && again >> local.maker & 1)
      useful |= uint64_t(1) << local.maker;
    else
      choice.saved = addChecked(choice.saved, local.bytes);
  }
  if (useful != again)
    choice.saved = kMost;
  for (; again != 0; again &= again - 1)
    choice.time += problem.time[size_t(nodes[size_t(__builtin_ctzll(again))])];
  return choice;
}

/// Changes one node at a time while that lowers time and the price of the bytes.
void BlockCosts::descend(double price, uint64_t again, std::vector<Choice> &found) const {
  auto value = [&](const Choice &c) { return double(c.time) + price * double(c.saved); };
  Choice best = evaluate(again);
  for (bool better = true; better;) {
    better = false;
    for (size_t i = 0; i < nodes.size(); ++i) {
      Choice next = evaluate(best.again ^ uint64_t(1) << i);
      if (next.saved != kMost && (best.saved == kMost || value(next) < value(best)))
        best = next, better = true;
    }
  }
  if (best.saved != kMost)
    found.push_back(best);
}

/// Choices that none beats in bytes and time, from nothing again to the fewest bytes.
std::vector<BlockCosts::Choice> BlockCosts::choose() const {
  std::vector<Choice> found;
  if (nodes.size() <= kEnumerated) {
    for (uint64_t again = 0; again < uint64_t(1) << nodes.size(); ++again)
      if (Choice c = evaluate(again); c.saved != kMost)
        found.push_back(c);
  } else {
    found.push_back(evaluate(0));
    uint64_t all = nodes.size() == 64 ? ~uint64_t(0) : (uint64_t(1) << nodes.size()) - 1;
    for (int doublings = 0; doublings < kPrices; ++doublings) {
      double price = std::ldexp(kLeastPrice, doublings);
      descend(price, 0, found);
      descend(price, all, found);
    }
  }
  std::stable_sort(found.begin(), found.end(), [](const Choice &a, const Choice &b) {
    return a.time != b.time ? a.time < b.time : a.saved < b.saved;
  });
  std::vector<Choice> kept;
  for (const Choice &c : found)
    if (kept.empty() || c.saved < kept.back().saved)
      kept.push_back(c);
  if (kept.size() <= kMostOptions)
    return kept;
  std::vector<Choice> some;
  some.reserve(kMostOptions);
  for (size_t i = 0; i < kMostOptions; ++i)
    some.push_back(kept[i * (kept.size() - 1) / (kMostOptions - 1)]);
  return some;
}

/// Each node of the backward half behind the repeated ones that it lacks.
Order BlockCosts::lazyPhase(const Block &block, const std::vector<int32_t> &again) const {
  Order order;
  std::vector<int32_t> open = again;
  auto make = [&](auto &self, int32_t n) -> void {
    for (int32_t v : problem.inputs[n]) {
      auto it = std::find(open.begin(), open.end(), problem.producer[size_t(v)]);
      if (it != open.end()) {
        int32_t maker = *it;
        open.erase(it);
        self(self, maker);
      }
    }
    order.push_back(n);
  };
  for (int32_t n : block.backward)
    make(make, n);
  return order;
}

/// Of the nodes that are ready, the one that leaves the least behind.
Order BlockCosts::leastPhase(const Block &block, const std::vector<int32_t> &again,
                             const Flags &neededAfter) const {
  std::vector<int32_t> open = again;
  open.insert(open.end(), block.backward.begin(), block.backward.end());
  std::vector<int32_t> left(size_t(problem.valueCount), 0);
  for (int32_t n : open)
    for (int32_t v : problem.inputs[n])
      ++left[size_t(v)];
  Flags isOpen(size_t(problem.nodeCount), false);
  for (int32_t n : open)
    isOpen[size_t(n)] = true;
  auto isReady = [&](int32_t n) {
    auto in = problem.inputs[n], behind = problem.after[n], ties = problem.tied[n];
    return std::none_of(in.begin(), in.end(),
                        [&](int32_t v) {
                          int32_t maker = problem.producer[size_t(v)];
                          return maker >= 0 && isOpen[size_t(maker)];
                        }) &&
           std::none_of(behind.begin(), behind.end(),
                        [&](int32_t before) { return isOpen[size_t(before)]; }) &&
           std::none_of(ties.begin(), ties.end(),
                        [&](int32_t v) { return v >= 0 && left[size_t(v)] > 1; });
  };
  auto changeOf = [&](int32_t n) {
    int64_t change = 0;
    auto out = problem.outputs[n], ties = problem.tied[n];
    for (size_t i = 0; i < out.size(); ++i)
      if (ties[i] < 0 && (left[size_t(out[i])] > 0 || neededAfter[size_t(out[i])]))
        change += problem.bytes[size_t(out[i])];
    for (int32_t v : problem.inputs[n])
      if (left[size_t(v)] == 1 && !neededAfter[size_t(v)] &&
          std::find(ties.begin(), ties.end(), v) == ties.end())
        change -= problem.bytes[size_t(v)];
    return change;
  };
  Order order;
  while (!open.empty()) {
    size_t best = open.size();
    int64_t least = 0;
    for (size_t i = 0; i < open.size(); ++i)
      if (int64_t change = changeOf(open[i]);
          (best == open.size() || change < least) && isReady(open[i]))
        best = i, least = change;
    if (best == open.size())
      return {};
    for (int32_t v : problem.inputs[open[best]])
      --left[size_t(v)];
    isOpen[size_t(open[best])] = false;
    order.push_back(open[best]);
    open.erase(open.begin() + ptrdiff_t(best));
  }
  return order;
}

BlockOption BlockCosts::makeOption(const Block &block, const Choice &choice, int64_t inherited) {
  BlockOption option;
  option.saved = choice.saved;
  Flags kept(size_t(problem.valueCount), false);
  std::vector<int32_t> wanted;
  for (size_t i = 0; i < nodes.size(); ++i)
    if (choice.again >> i & 1)
      option.again.push_back(nodes[i]);
  for (const Local &local : locals) {
    bool made = local.maker >= 0 && (choice.again >> local.maker & 1);
    if (!made && (local.readBehind || (local.readers & choice.again) != 0))
      kept[size_t(local.value)] = true, wanted.push_back(local.value);
  }
  if (block.output >= 0)
    kept[size_t(block.output)] = true, wanted.push_back(block.output);
  option.repeat = neededFor(block, wanted);
  int64_t state = block.input >= 0 ? problem.bytes[size_t(block.input)] : 0;
  option.forwardPeak = evaluator.peakOfPart(block.forward, state, kept);
  int64_t start = addChecked(option.saved, inherited);
  Order eager = option.again;
  eager.insert(eager.end(), block.backward.begin(), block.backward.end());
  for (Order &phase : std::vector<Order>{lazyPhase(block, option.again), std::move(eager),
                                         leastPhase(block, option.again, leftBehind)}) {
    if (phase.empty() && !block.backward.empty())
      continue;
    int64_t peak = evaluator.peakOfPart(phase, start, leftBehind);
    if (option.phase.empty() || peak < option.phasePeak)
      option.phasePeak = peak, option.phase = phase;
  }
  int64_t phaseTime = timeOf(option.phase);
  option.time = addChecked(timeOf(block.forward), phaseTime);
  option.repeatTime = addChecked(timeOf(option.repeat), phaseTime);
  return option;
}

void BlockCosts::fillForward(Block &block) {
  Flags next(size_t(problem.valueCount), false);
  int64_t state = block.input >= 0 ? problem.bytes[size_t(block.input)] : 0;
  if (block.output >= 0) {
    next[size_t(block.output)] = true;
    block.advance = neededFor(block, {block.output});
  }
  block.advanceTime = timeOf(block.advance);
  block.forwardTime = timeOf(block.forward);
  block.advancePeak = evaluator.peakOfPart(block.advance, state, next);
  block.firstPeak = evaluator.peakOfPart(block.forward, state, next);
  if (block.input >= 0)
    next[size_t(block.input)] = true;
  block.keepingPeak = evaluator.peakOfPart(block.advance, state, next);
  block.firstKeepingPeak = evaluator.peakOfPart(block.forward, state, next);
}

void BlockCosts::fill(Block &block, int32_t index) {
  collect(block, index);
  block.inherited = 0;
  for (int32_t v = 0; v < problem.valueCount; ++v) {
    int32_t maker = problem.producer[size_t(v)];
    if (maker < 0 || isForward[size_t(maker)] || blockOf[size_t(maker)] <= index)
      continue;
    bool waits = problem.result[size_t(v)];
    for (int32_t reader : problem.readers[v])
      waits |= blockOf[size_t(reader)] >= 0 && blockOf[size_t(reader)] <= index;
    if (waits)
      block.inherited = addChecked(block.inherited, problem.bytes[size_t(v)]);
  }
  fillForward(block);
  for (const Choice &choice : choose())
    block.options.push_back(makeOption(block, choice, block.inherited));
  uint64_t all = nodes.size() == 64 ? ~uint64_t(0) : (uint64_t(1) << nodes.size()) - 1;
  Choice everything = evaluate(all);
  everything.saved = 0;
  for (const Local &local : locals)
    if (local.maker < 0)
      everything.saved = local.bytes;
  block.alone = makeOption(block, everything, block.inherited);
  block.alone.time = timeOf(block.alone.phase);
}

} // namespace linnet::plan
