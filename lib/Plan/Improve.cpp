//===- Improve.cpp - local search over orders -----------------------------===//
//
// Part of Linnet, under Apache-2.0 WITH LLVM-exception. See LICENSE.
//
// Changes orders of the frontier a little and walks the result; whatever is valid and not beaten
// joins the frontier. The search accepts what is a little worse, less and less so. Its length is
// counted in walked steps and its random numbers are its own, so that every run agrees.
//===----------------------------------------------------------------------===//
#include "CutBound.h"

#include <algorithm>
#include <cmath>

namespace linnet::plan {
namespace {

class Improver {
public:
  Improver(const Problem &problem, Frontier &frontier, const TimeBound &bound, int64_t least)
      : problem(problem), frontier(frontier), evaluator(problem), bound(bound), least(least) {}
  void run(int64_t work);
  void wander(Order order, int64_t live, int tries,
              const std::function<int64_t(const Order &, int64_t)> &visit);

private:
  uint32_t random() {
    state ^= state << 13, state ^= state >> 17, state ^= state << 5;
    return state;
  }
  size_t below(size_t n) { return n == 0 ? 0 : random() % n; }
  double fraction() { return double(random()) / 4294967296.0; }

  void descend(Order order, int64_t budget, int64_t work);
  bool change(Order &order);
  bool remakeAcross(Order &order);
  bool removeRepeat(Order &order);
  bool move(Order &order);
  void insertMaker(Order &order, int32_t value, size_t at, size_t across, int depth);
  void removeDead(Order &order);
  double energy(int64_t budget) const;
  bool isGoodEnough(int64_t budget) const;
  void visit(int64_t budget, bool smallest, int round, int64_t work);

  const Problem &problem;
  Frontier &frontier;
  Evaluator evaluator;
  const TimeBound &bound;
  int64_t least;
  uint32_t state = 0x9e3779b9u;
  size_t peakStep = 0;
  double weight = 4;                   // of bytes over the budget, beside time
  std::vector<int32_t> nextRead, made; // of values, around a step
  std::vector<int32_t> runs;           // of nodes
  Flags needed;
};

double Improver::energy(int64_t budget) const {
  double over = double(std::max<int64_t>(0, evaluator.peak - budget));
  return double(evaluator.time) / double(std::max<int64_t>(1, problem.totalTime)) +
         weight * over / double(std::max<int64_t>(1, budget));
}

/// Steps that write nothing that is read, and need not run.
void Improver::removeDead(Order &order) {
  needed.assign(problem.result.begin(), problem.result.end());
  size_t kept = order.size();
  for (size_t s = order.size(); s-- > 0;) {
    int32_t n = order[s];
    bool wanted = problem.once[size_t(n)];
    for (int32_t v : problem.outputs[n]) {
      wanted |= needed[size_t(v)];
      needed[size_t(v)] = false;
    }
    if (!wanted)
      continue;
    for (int32_t v : problem.inputs[n])
      needed[size_t(v)] = true;
    order[--kept] = n;
  }
  order.erase(order.begin(), order.begin() + ptrdiff_t(kept));
}

/// Puts the maker of `value` before `at`, behind those of its inputs that are not worth keeping.
void Improver::insertMaker(Order &order, int32_t value, size_t at, size_t across, int depth) {
  int32_t n = problem.producer[size_t(value)];
  size_t size = order.size();
  for (int32_t v : problem.inputs[n]) {
    int32_t maker = problem.producer[size_t(v)];
    bool isKept = nextRead[size_t(v)] >= 0 || made[size_t(v)] > int32_t(across);
    if (maker >= 0 && !problem.once[size_t(maker)] && !isKept && depth < 12 && fraction() < 0.6)
      insertMaker(order, v, at, across, depth + 1);
  }
  at += order.size() - size;
  order.insert(order.begin() + ptrdiff_t(at), n);
  for (int32_t v : problem.outputs[n])
    nextRead[size_t(v)] = int32_t(at);
}

/// Makes a value that is only waiting at the peak again where it is read next.
bool Improver::remakeAcross(Order &order) {
  size_t across = fraction() < 0.75 ? std::min(peakStep, order.size() - 1) : below(order.size());
  nextRead.assign(size_t(problem.valueCount), -1);
  made.assign(size_t(problem.valueCount), -1);
  for (size_t s = 0; s < across; ++s)
    for (int32_t v : problem.outputs[order[s]])
      made[size_t(v)] = int32_t(s);
  std::vector<int32_t> waiting;
  for (size_t s = across + 1; s < order.size(); ++s) {
    for (int32_t v : problem.inputs[order[s]])
      if (nextRead[size_t(v)] < 0 && made[size_t(v)] >= 0 && made[size_t(v)] < int32_t(across)) {
        nextRead[size_t(v)] = int32_t(s);
        waiting.push_back(v);
      }
    for (int32_t v : problem.outputs[order[s]])
      made[size_t(v)] = int32_t(s);
  }
  // a result waits for the end
  for (int32_t v = 0; v < problem.valueCount; ++v)
    if (problem.result[size_t(v)] && nextRead[size_t(v)] < 0 && made[size_t(v)] >= 0 &&
        made[size_t(v)] < int32_t(across)) {
      nextRead[size_t(v)] = int32_t(order.size());
      waiting.push_back(v);
    }
  auto in = problem.inputs[order[across]];
  double total = 0;
  auto weight = [&](int32_t v) {
    int32_t maker = problem.producer[size_t(v)];
    bool isRead = std::find(in.begin(), in.end(), v) != in.end();
    return maker < 0 || problem.once[size_t(maker)] || isRead ? 0.0
                                                              : double(problem.bytes[size_t(v)]);
  };
  for (int32_t v : waiting)
    total += weight(v);
  double pick = fraction() * total;
  for (int32_t v : waiting) {
    pick -= weight(v);
    if (pick >= 0 || weight(v) == 0)
      continue;
    size_t at = size_t(nextRead[size_t(v)]);
    insertMaker(order, v, at, across, 0);
    return true;
  }
  return false;
}

bool Improver::removeRepeat(Order &order) {
  runs.assign(size_t(problem.nodeCount), 0);
  size_t repeats = 0;
  for (int32_t n : order)
    repeats += ++runs[size_t(n)] > 1;
  if (repeats == 0)
    return false;
  size_t tries = order.size() * 2;
  while (tries-- > 0) {
    size_t s = below(order.size());
    if (runs[size_t(order[s])] < 2)
      continue;
    order.erase(order.begin() + ptrdiff_t(s));
    return true;
  }
  return false;
}

/// Moves a step as far as its inputs and readers let it, or part of that way.
bool Improver::move(Order &order) {
  size_t from = below(order.size());
  if (order.size() > 100 && fraction() < 0.8)
    from = std::min(order.size() - 1, peakStep + below(41) - std::min<size_t>(peakStep, 20));
  int32_t n = order[from];
  auto writes = [&](int32_t node, int32_t reader) {
    auto out = problem.outputs[node], in = problem.inputs[reader];
    return std::any_of(out.begin(), out.end(),
                       [&](int32_t v) { return std::find(in.begin(), in.end(), v) != in.end(); });
  };
  size_t low = from, high = from;
  while (low > 0 && !writes(order[low - 1], n) && from - low < 64)
    --low;
  while (high + 1 < order.size() && !writes(n, order[high + 1]) && high - from < 64)
    ++high;
  if (low == high)
    return false;
  size_t to = fraction() < 0.3 ? low : fraction() < 0.4 ? high : low + below(high - low + 1);
  if (to < from)
    std::rotate(order.begin() + ptrdiff_t(to), order.begin() + ptrdiff_t(from),
                order.begin() + ptrdiff_t(from) + 1);
  else
    std::rotate(order.begin() + ptrdiff_t(from), order.begin() + ptrdiff_t(from) + 1,
                order.begin() + ptrdiff_t(to) + 1);
  return to != from;
}

bool Improver::change(Order &order) {
  double kind = fraction();
  if (kind < 0.4)
    return remakeAcross(order);
  if (kind < 0.6)
    return removeRepeat(order);
  return move(order);
}

void Improver::descend(Order order, int64_t budget, int64_t work) {
  if (!evaluator.run(order))
    return;
  double current = energy(budget);
  peakStep = size_t(evaluator.peakStep);
  const int64_t total = work;
  Order next;
  while (work > 0) {
    next = order;
    work -= int64_t(order.size());
    if (!change(next))
      continue;
    if (fraction() < 0.2)
      change(next);
    removeDead(next);
    if (next.empty() || !evaluator.run(next))
      continue;
    frontier.add(next, evaluator.peak, evaluator.time);
    double e = energy(budget), heat = 0.02 * double(work) / double(total);
    if (e > current && fraction() >= std::exp((current - e) / std::max(heat, 1e-9)))
      continue;
    current = e;
    peakStep = size_t(evaluator.peakStep);
    order.swap(next);
  }
}

/// Orders that take no longer are always followed, others sometimes.
void Improver::wander(Order order, int64_t live, int tries,
                      const std::function<int64_t(const Order &, int64_t)> &visit) {
  if (!evaluator.run(order))
    return;
  int64_t current = evaluator.time;
  peakStep = size_t(evaluator.peakStep);
  Order next;
  for (; tries > 0 && live >= 0; --tries) {
    next = order;
    if (!change(next))
      continue;
    removeDead(next);
    if (next.empty() || next == order || !evaluator.run(next) || evaluator.peak > live)
      continue;
    live = visit(next, evaluator.time);
    if (evaluator.time > current && fraction() > 0.1)
      continue;
    current = evaluator.time;
    peakStep = size_t(evaluator.peakStep);
    order.swap(next);
  }
}

/// Whether the known plan within the budget is as fast as the bound, nearly.
bool Improver::isGoodEnough(int64_t budget) const {
  size_t i = frontier.within(budget);
  if (i == frontier.all().size())
    return false;
  double fastest = double(addChecked(problem.totalTime, bound.extraTime(budget)));
  return double(frontier.all()[i].time) <= fastest * 1.001;
}

void Improver::visit(int64_t budget, bool smallest, int round, int64_t work) {
  const std::vector<Candidate> &all = frontier.all();
  weight = smallest ? 40 : round % 2 == 0 ? 4 : 12;
  size_t i = std::min(frontier.within(budget), all.size() - 1);
  if (smallest)
    i = all.size() - 1 - below(std::min<size_t>(all.size(), 3));
  else if (round % 2 == 1 && i > 0)
    --i; // a faster one that is too large
  descend(all[i].order, budget, work);
}

void Improver::run(int64_t work) {
  const std::vector<Candidate> &all = frontier.all();
  constexpr int rounds = 64, mostRounds = 4 * rounds;
  int used = 0;
  for (int round = 0; round < mostRounds && used < rounds && !all.empty(); ++round) {
    // every fourth goes below the smallest known, the others to budgets all over the range
    bool smallest = round % 4 == 3;
    double where = double((round * 29) % rounds) / double(rounds - 1);
    double low = double(std::max(least, all.back().live - all.back().live / 32 - 1));
    double high = double(all.front().live);
    double budget = round % 8 < 4 ? low + (high - low) * where
                                  : low * std::pow(high / std::max(low, 1.0), where);
    if (smallest)
      budget = low;
    else if (isGoodEnough(int64_t(budget)))
      continue;
    visit(int64_t(budget), smallest, round, work / rounds);
    ++used;
  }
}

} // namespace

void wander(const Problem &problem, Order order, int64_t live, int tries,
            const std::function<int64_t(const Order &, int64_t)> &visit) {
  Frontier none(problem);
  TimeBound bound(problem, 0, 0);
  Improver(problem, none, bound, 0).wander(std::move(order), live, tries, visit);
}

void improve(const Problem &problem, Frontier &frontier, int64_t least, int64_t work) {
  if (frontier.all().empty())
    return;
  TimeBound bound(problem, least, frontier.all().front().live);
  Improver(problem, frontier, bound, least).run(work);
}

} // namespace linnet::plan
