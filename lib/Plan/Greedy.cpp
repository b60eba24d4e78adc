//===- Greedy.cpp - one pass over an order within a budget ----------------===//
//
// Part of Linnet, under Apache-2.0 WITH LLVM-exception. See LICENSE.
//
//===----------------------------------------------------------------------===//
#include "Search.h"

#include <algorithm>
#include <cmath>

namespace linnet::plan {
namespace {

constexpr int32_t kNever = std::numeric_limits<int32_t>::max();

class Simulation {
public:
  Simulation(const Problem &problem, const Order &base, int64_t budget, double patience);
  bool run();
  Order order;

private:
  bool ensure(int32_t node, int depth);
  bool makeRoom(int32_t node);
  int64_t roomFor(int32_t node) const;
  void execute(int32_t node);
  void findNextUses();
  int32_t nextRead(int32_t value);
  double score(int32_t value);
  int64_t costToRemake(int32_t value);
  bool addCost(int32_t value, int64_t &cost);

  const Problem &problem;
  const Order &base;
  int64_t budget;
  double patience;

  int32_t now = 0; // position in `base`
  int64_t live = 0;
  Flags there;
  std::vector<int32_t> pins, position, destroyedAt;
  /// Positions of the readers of a value, and how many are past.
  std::vector<std::vector<int32_t>> reads;
  std::vector<size_t> past;
  /// When a value is read next, by a node of `base` or to make such a node's input again.
  std::vector<int32_t> nextUse;
  std::vector<uint32_t> stamp;
  uint32_t round = 0;
};

Simulation::Simulation(const Problem &p, const Order &base, int64_t budget, double patience)
    : problem(p), base(base), budget(budget), patience(patience),
      there(p.isSource.begin(), p.isSource.end()), pins(size_t(p.valueCount), 0),
      position(size_t(p.nodeCount), kNever), destroyedAt(size_t(p.valueCount), kNever),
      reads(size_t(p.valueCount)), past(size_t(p.valueCount), 0),
      nextUse(size_t(p.valueCount), kNever), stamp(size_t(p.nodeCount), 0) {
  for (size_t i = 0; i < base.size(); ++i) {
    position[size_t(base[i])] = int32_t(i);
    for (int32_t v : p.inputs[base[i]])
      reads[size_t(v)].push_back(int32_t(i));
    for (int32_t v : p.tied[base[i]])
      if (v >= 0 && p.isSource[size_t(v)])
        destroyedAt[size_t(v)] = int32_t(i);
  }
}

int32_t Simulation::nextRead(int32_t value) {
  auto &list = reads[size_t(value)];
  size_t &at = past[size_t(value)];
  while (at < list.size() && list[at] < now)
    ++at;
  if (at < list.size())
    return list[at];
  return problem.result[size_t(value)] ? int32_t(base.size()) : kNever;
}

/// A value that is gone and read later wants its node's inputs by then. Nodes behind `now` have
/// not run, so that walking the order backwards sees readers before what they read.
void Simulation::findNextUses() {
  for (int32_t v = 0; v < problem.valueCount; ++v)
    nextUse[size_t(v)] = nextRead(v);
  for (int32_t i = now; i-- > 0;) {
    int32_t n = base[size_t(i)], use = kNever;
    for (int32_t v : problem.outputs[n])
      if (!there[size_t(v)])
        use = std::min(use, nextUse[size_t(v)]);
    if (use != kNever)
      for (int32_t v : problem.inputs[n])
        nextUse[size_t(v)] = std::min(nextUse[size_t(v)], use);
  }
}

/// Adds the time of making `value`, and of what that needs; false where it cannot be made.
bool Simulation::addCost(int32_t value, int64_t &cost) {
  int32_t n = problem.producer[size_t(value)];
  if (n < 0)
    return there[size_t(value)];
  if (problem.once[size_t(n)])
    return false;
  if (stamp[size_t(n)] == round)
    return true;
  stamp[size_t(n)] = round;
  cost = addChecked(cost, problem.time[size_t(n)]);
  for (int32_t v : problem.inputs[n]) {
    if (destroyedAt[size_t(v)] < nextUse[size_t(value)])
      return false;
    if (!there[size_t(v)] && !addCost(v, cost))
      return false;
  }
  return true;
}

int64_t Simulation::costToRemake(int32_t value) {
  int64_t cost = 0;
  ++round;
  return addCost(value, cost) ? cost : -1;
}

/// Lower goes first; negative never goes.
double Simulation::score(int32_t value) {
  int32_t use = nextUse[size_t(value)];
  if (use == kNever)
    return 0;
  int64_t cost = costToRemake(value);
  if (cost < 0)
    return -1;
  double distance = std::max(1, use - now);
  double bytes = double(problem.bytes[size_t(value)]);
  return (double(cost) + 1e-3) / (bytes * std::pow(distance, patience));
}

int64_t Simulation::roomFor(int32_t node) const {
  int64_t room = problem.scratch[size_t(node)];
  auto out = problem.outputs[node], ties = problem.tied[node];
  for (size_t i = 0; i < out.size(); ++i)
    if (!there[size_t(out[i])] && ties[i] < 0)
      room = addChecked(room, problem.bytes[size_t(out[i])]);
  return room;
}

/// Drops values until `node` fits. One that it may take over counts when it dies here.
bool Simulation::makeRoom(int32_t node) {
  int64_t room = roomFor(node);
  if (live <= budget - room)
    return true;
  findNextUses();
  int64_t reused = 0;
  std::vector<int32_t> takenFrom, takenBy;
  for (auto [output, input] : problem.reuses[size_t(node)]) {
    bool dies =
        pins[size_t(input)] == 1 && nextUse[size_t(input)] <= now && !problem.result[size_t(input)];
    auto &list = reads[size_t(input)];
    dies &= past[size_t(input)] + 1 >= list.size();
    if (dies && std::find(takenFrom.begin(), takenFrom.end(), input) == takenFrom.end() &&
        std::find(takenBy.begin(), takenBy.end(), output) == takenBy.end()) {
      reused += problem.bytes[size_t(input)];
      takenFrom.push_back(input), takenBy.push_back(output);
    }
  }
  room -= reused;
  while (live > budget - room) {
    int32_t victim = -1;
    double least = 0;
    for (int32_t v = 0; v < problem.valueCount; ++v) {
      if (!there[size_t(v)] || pins[size_t(v)] != 0 || problem.bytes[size_t(v)] == 0)
        continue;
      double s = score(v);
      if (s >= 0 && (victim < 0 || s < least))
        victim = v, least = s;
    }
    if (victim < 0)
      return false;
    there[size_t(victim)] = false;
    live -= problem.bytes[size_t(victim)];
    if (least > 0)
      findNextUses();
  }
  return true;
}

void Simulation::execute(int32_t node) {
  auto out = problem.outputs[node], ties = problem.tied[node];
  for (size_t i = 0; i < ties.size(); ++i)
    if (ties[i] >= 0) {
      there[size_t(ties[i])] = false;
      live -= problem.bytes[size_t(ties[i])];
    }
  for (int32_t v : out)
    if (!there[size_t(v)]) {
      there[size_t(v)] = true;
      live += problem.bytes[size_t(v)];
    }
  order.push_back(node);
}

/// Runs `node` behind everything that it lacks.
bool Simulation::ensure(int32_t node, int depth) {
  if (depth > problem.nodeCount || order.size() > base.size() * 24)
    return false;
  for (int32_t v : problem.inputs[node])
    ++pins[size_t(v)];
  std::vector<int32_t> lacking;
  for (int32_t v : problem.inputs[node])
    if (!there[size_t(v)])
      lacking.push_back(v);
  std::sort(lacking.begin(), lacking.end(), [&](int32_t a, int32_t b) {
    return position[size_t(problem.producer[size_t(a)])] <
           position[size_t(problem.producer[size_t(b)])];
  });
  bool good = true;
  for (int32_t v : lacking) {
    int32_t maker = problem.producer[size_t(v)];
    good = good && (there[size_t(v)] ||
                    (maker >= 0 && !problem.once[size_t(maker)] && ensure(maker, depth + 1)));
  }
  // making one input again may have used up another
  for (int32_t v : problem.inputs[node])
    good = good && there[size_t(v)];
  good = good && makeRoom(node);
  for (int32_t v : problem.inputs[node])
    --pins[size_t(v)];
  if (good)
    execute(node);
  return good;
}

bool Simulation::run() {
  for (now = 0; now < int32_t(base.size()); ++now) {
    int32_t node = base[size_t(now)];
    if (!ensure(node, 0))
      return false;
    for (int32_t v : problem.inputs[node])
      nextRead(v);
    // what nothing reads any more goes at once
    auto drop = [&](int32_t v) {
      if (there[size_t(v)] && !problem.result[size_t(v)] && problem.bytes[size_t(v)] > 0 &&
          reads[size_t(v)].empty()) {
        there[size_t(v)] = false;
        live -= problem.bytes[size_t(v)];
      }
    };
    for (int32_t v : problem.outputs[node])
      drop(v);
  }
  return true;
}

} // namespace

Order simulate(const Problem &problem, const Order &base, int64_t budget, double patience) {
  Simulation simulation(problem, base, budget, patience);
  if (!simulation.run())
    return {};
  return std::move(simulation.order);
}

} // namespace linnet::plan
