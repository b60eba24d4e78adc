//===- Exact.cpp - the fastest plans of small graphs ----------------------===//
//
// Part of Linnet, under Apache-2.0 WITH LLVM-exception. See LICENSE.
//
//===----------------------------------------------------------------------===//
#include "Exact.h"

#include <algorithm>

namespace linnet::plan {

ExactSearch::ExactSearch(const Problem &problem)
    : problem(problem), bitOf(size_t(problem.valueCount), -1), masks(size_t(problem.nodeCount)) {
  number();
}

/// Bits for values that are made or destroyed, and for nodes whose run must be remembered.
void ExactSearch::number() {
  Flags tracked(size_t(problem.valueCount), false);
  Flags remembered(problem.once.begin(), problem.once.end());
  for (int32_t n = 0; n < problem.nodeCount; ++n) {
    if (!problem.wanted[size_t(n)])
      continue;
    active.push_back(n);
    for (int32_t v : problem.outputs[n])
      tracked[size_t(v)] = true;
    for (int32_t v : problem.tied[n])
      if (v >= 0)
        tracked[size_t(v)] = true;
    for (int32_t before : problem.after[n])
      remembered[size_t(before)] = true;
  }
  for (int32_t v = 0; v < problem.valueCount; ++v) {
    if (!tracked[size_t(v)])
      continue;
    bitOf[size_t(v)] = int32_t(bytes.size());
    bytes.push_back(problem.bytes[size_t(v)]);
  }
  int32_t doneBits = 0;
  std::vector<int32_t> doneOf(size_t(problem.nodeCount), -1);
  for (int32_t n : active)
    if (remembered[size_t(n)])
      doneOf[size_t(n)] = doneBits++;
  fitsWords = bytes.size() <= 64 && doneBits <= 64 && active.size() <= 64;
  if (fitsWords)
    makeMasks(doneOf);
}

void ExactSearch::makeMasks(const std::vector<int32_t> &doneOf) {
  auto bit = [&](int32_t v) { return bitOf[size_t(v)] < 0 ? 0 : uint64_t(1) << bitOf[size_t(v)]; };
  for (int32_t v = 0; v < problem.valueCount; ++v) {
    start |= problem.isSource[size_t(v)] ? bit(v) : 0;
    results |= problem.result[size_t(v)] ? bit(v) : 0;
    evictable |= problem.bytes[size_t(v)] > 0 ? bit(v) : 0;
  }
  for (int32_t n : active) {
    Masks &m = masks[size_t(n)];
    for (int32_t v : problem.inputs[n])
      m.in |= bit(v);
    auto out = problem.outputs[n], ties = problem.tied[n];
    for (size_t i = 0; i < out.size(); ++i) {
      m.out |= bit(out[i]);
      (ties[i] >= 0 ? m.destroyed : m.fresh) |= bit(ties[i] >= 0 ? ties[i] : out[i]);
    }
    for (int32_t before : problem.after[n])
      m.after |= uint64_t(1) << doneOf[size_t(before)];
    if (doneOf[size_t(n)] >= 0)
      m.done = uint64_t(1) << doneOf[size_t(n)];
    if (problem.once[size_t(n)])
      onceBits |= m.done;
    for (auto [output, input] : problem.reuses[size_t(n)])
      m.reuses.push_back({bit(output), bit(input)});
  }
}

int64_t ExactSearch::sizeOf(uint64_t values) const {
  int64_t sum = 0;
  for (; values != 0; values &= values - 1)
    sum += bytes[size_t(__builtin_ctzll(values))];
  return sum;
}

/// Time of what must still run; -1 where something is lost for good.
int64_t ExactSearch::estimate(uint64_t there, uint64_t done) const {
  uint64_t lacking = results & ~there, wanted = onceBits & ~done;
  int64_t time = 0;
  for (size_t i = active.size(); i-- > 0;) {
    const Masks &m = masks[size_t(active[i])];
    if ((m.out & lacking) == 0 && (m.done & wanted) == 0)
      continue;
    if ((m.done & onceBits & done) != 0)
      return -1;
    time += problem.time[size_t(active[i])];
    lacking = (lacking & ~m.out) | (m.in & ~there);
    wanted |= m.after & ~done;
  }
  return lacking == 0 ? time : -1; // else a destroyed source
}

//===----------------------------------------------------------------------===//
// States
//===----------------------------------------------------------------------===//

size_t ExactSearch::slotOf(uint64_t there, uint64_t done) const {
  uint64_t hash = (there ^ (done * 0x9e3779b97f4a7c15u)) * 0xbf58476d1ce4e5b9u;
  size_t slot = size_t(hash ^ (hash >> 29)) & (table.size() - 1);
  while (table[slot] >= 0) {
    const State &state = states[size_t(table[slot])];
    if (state.there == there && state.done == done)
      break;
    slot = (slot + 1) & (table.size() - 1);
  }
  return slot;
}

void ExactSearch::growTable() {
  table.assign(table.size() * 2, -1);
  for (size_t i = 0; i < states.size(); ++i)
    table[slotOf(states[i].there, states[i].done)] = int32_t(i);
}

void ExactSearch::reach(uint64_t there, uint64_t done, int32_t node) {
  --work;
  int64_t cost = node < 0 ? 0 : states[size_t(current)].cost + problem.time[size_t(node)];
  size_t slot = slotOf(there, done);
  int32_t known = table[slot];
  if (known >= 0 && states[size_t(known)].cost <= cost)
    return;
  int64_t rest = estimate(there, done);
  if (rest < 0 || cost + rest >= bound)
    return;
  if (known < 0) {
    known = int32_t(states.size());
    states.push_back({});
    table[slot] = known;
  }
  states[size_t(known)] = {there, done, cost, current, node};
  heap.push_back({anyPlan ? rest : cost + rest, cost, known});
  std::push_heap(heap.begin(), heap.end());
  if (states.size() * 2 > table.size())
    growTable();
}

/// Drops from `open` what makes `over` bytes of room, never more values than needed. `gone` were
/// chosen, the largest bit last, so that no set comes twice.
void ExactSearch::evict(int32_t node, uint64_t before, uint64_t open, int64_t over, uint64_t gone) {
  const Masks &m = masks[size_t(node)];
  if (over <= 0) {
    for (uint64_t rest = gone; rest != 0; rest &= rest - 1)
      if (bytes[size_t(__builtin_ctzll(rest))] <= -over)
        return; // this one need not go
    uint64_t there = ((before & ~gone) | m.out) & ~m.destroyed & ~afterTaken;
    reach(there, states[size_t(current)].done | m.done, node);
    return;
  }
  if (sizeOf(open) < over)
    return;
  while (open != 0) {
    uint64_t bit = open & -open;
    open &= ~bit;
    evict(node, before, open, over - bytes[size_t(__builtin_ctzll(bit))], gone | bit);
  }
}

/// Runs `node` with every choice of inputs whose buffers its outputs take.
void ExactSearch::runNode(int32_t node, size_t reuse, uint64_t taken, uint64_t by, int32_t state) {
  const Masks &m = masks[size_t(node)];
  if (reuse < m.reuses.size()) {
    runNode(node, reuse + 1, taken, by, state);
    auto [output, input] = m.reuses[reuse];
    if ((taken & input) == 0 && (by & output) == 0 && (m.destroyed & input) == 0)
      runNode(node, reuse + 1, taken | input, by | output, state);
    return;
  }
  uint64_t before = states[size_t(state)].there & ~m.out;
  int64_t held = sizeOf(before) + problem.scratch[size_t(node)];
  int64_t over = held + sizeOf(m.fresh & ~by) - budget;
  if (taken != 0 && held + sizeOf(m.fresh) <= budget)
    return; // there is room: what might be taken can as well be dropped later
  afterTaken = taken;
  evict(node, before, before & evictable & ~m.in, over, 0);
}

void ExactSearch::expand(int32_t state) {
  current = state;
  for (int32_t node : active) {
    const State &s = states[size_t(state)];
    const Masks &m = masks[size_t(node)];
    bool again = (s.done & m.done) != 0 && m.done != 0;
    bool useful = (m.out & ~s.there) != 0 || (m.done != 0 && !again);
    if (!useful || (again && (m.done & onceBits) != 0) || (m.in & ~s.there) != 0 ||
        (m.after & ~s.done) != 0)
      continue;
    runNode(node, 0, 0, 0, state);
  }
}

ExactSearch::Outcome ExactSearch::run(int64_t budgetGiven, int64_t boundGiven, bool any,
                                      Order &order) {
  budget = budgetGiven;
  bound = boundGiven;
  anyPlan = any;
  states.clear();
  heap.clear();
  table.assign(1024, -1);
  current = -1;
  reach(start, 0, -1);
  while (!heap.empty()) {
    Entry top = heap.front();
    std::pop_heap(heap.begin(), heap.end());
    heap.pop_back();
    const State &s = states[size_t(top.state)];
    if (s.cost < top.cost)
      continue;
    if ((results & ~s.there) == 0 && (onceBits & ~s.done) == 0) {
      order.clear();
      for (int32_t i = top.state; states[size_t(i)].parent >= 0; i = states[size_t(i)].parent)
        order.push_back(states[size_t(i)].node);
      std::reverse(order.begin(), order.end());
      return Outcome::Found;
    }
    if (work < 0)
      return Outcome::GaveUp;
    expand(top.state);
  }
  return Outcome::None;
}

//===----------------------------------------------------------------------===//
// All budgets
//===----------------------------------------------------------------------===//

/// Lowers the smallest known peak until nothing is below it.
static bool findSmallest(ExactSearch &search, Frontier &frontier, int64_t leastBytes) {
  Order order;
  while (frontier.all().empty() || frontier.all().back().live > leastBytes) {
    int64_t budget = frontier.all().empty() ? kMost / 4 : frontier.all().back().live - 1;
    auto outcome = search.run(budget, kMost, true, order);
    if (outcome != ExactSearch::Outcome::Found)
      return outcome == ExactSearch::Outcome::None;
    if (!frontier.add(order))
      return false;
  }
  return true;
}

bool searchSmallest(const Problem &problem, Frontier &frontier, int64_t leastBytes, int64_t work) {
  ExactSearch search(problem);
  search.work = work;
  return search.fits() && findSmallest(search, frontier, leastBytes);
}

bool searchExactly(const Problem &problem, Frontier &frontier, int64_t leastBytes, int64_t work) {
  ExactSearch search(problem);
  if (!search.fits())
    return false;
  search.work = work / 4;
  bool smallestKnown = findSmallest(search, frontier, leastBytes);
  if (frontier.all().empty())
    return smallestKnown;
  search.work = work - work / 4 + std::max<int64_t>(search.work, 0);
  int64_t budget = frontier.all().front().live - 1;
  Order order;
  while (true) {
    size_t i = frontier.within(budget);
    if (i == frontier.all().size())
      return smallestKnown;
    auto outcome = search.run(budget, frontier.all()[i].time, false, order);
    if (outcome == ExactSearch::Outcome::GaveUp)
      return false;
    if (outcome == ExactSearch::Outcome::Found)
      frontier.add(order);
    budget = frontier.all()[frontier.within(budget)].live - 1;
  }
}

} // namespace linnet::plan
