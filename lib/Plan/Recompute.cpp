//===- Recompute.cpp - what to run, when, and what twice ------------------===//
//
// Part of Linnet, under Apache-2.0 WITH LLVM-exception. See LICENSE.
//
//===----------------------------------------------------------------------===//
#include "linnet/Plan/Recompute.h"
#include "Chain.h"
#include "CutBound.h"
#include "Exact.h"

#include <algorithm>
#include <cmath>

namespace linnet::plan {

//===----------------------------------------------------------------------===//
// Frontier
//===----------------------------------------------------------------------===//

size_t Frontier::within(int64_t live) const {
  auto it =
      std::find_if(list.begin(), list.end(), [&](const Candidate &c) { return c.live <= live; });
  return size_t(it - list.begin());
}

bool Frontier::add(const Order &order) {
  work += int64_t(order.size());
  if (!evaluator.run(order))
    return false;
  return add(order, evaluator.peak, evaluator.time);
}

bool Frontier::add(const Order &order, int64_t live, int64_t time) {
  size_t at = within(live);
  if (at < list.size() && list[at].time <= time)
    return false;
  list.erase(std::remove_if(list.begin(), list.end(),
                            [&](const Candidate &c) { return c.live >= live && c.time >= time; }),
             list.end());
  auto it =
      std::find_if(list.begin(), list.end(), [&](const Candidate &c) { return c.live < live; });
  list.insert(it, {order, live, time});
  return true;
}

//===----------------------------------------------------------------------===//
// Plans
//===----------------------------------------------------------------------===//

static Plan placePlan(const Graph &graph, const Problem &problem, const Order &order) {
  Plan plan;
  Evaluator(problem).build(order, plan);
  plan.layout = packIntervals(plan.buffers.data(), plan.buffers.size());
  plan.peak = addChecked(graph.fixedBytes, plan.layout.peak);
  plan.liveBytes = addChecked(graph.fixedBytes, plan.layout.largestLive);
  return plan;
}

Plan makePlan(const Graph &graph, const std::vector<int32_t> &order) {
  return placePlan(graph, Problem(graph), order);
}

/// Orders of single runs, the first one with the smallest peak that `work` walked steps found.
static std::vector<Order> findBestOrders(const Graph &graph, const Problem &problem, int64_t work) {
  std::vector<Order> orders = findOrders(problem);
  Graph single = graph;
  for (size_t n = 0; n < single.nodes.size(); ++n)
    single.nodes[n].once = problem.wanted[n];
  Problem singleRuns(single);
  Frontier frontier(singleRuns);
  for (const Order &order : orders)
    frontier.add(order);
  int64_t least = Bounds(singleRuns).peak();
  if (!searchSmallest(singleRuns, frontier, least, work / 4))
    improve(singleRuns, frontier, least, std::min(work, int64_t(problem.nodeCount) * 4000));
  if (!frontier.all().empty() && (orders.empty() || frontier.all().front().order != orders[0]))
    orders.insert(orders.begin(), frontier.all().front().order);
  return orders;
}

std::vector<int32_t> orderForPeak(const Graph &graph) {
  std::vector<Order> orders = findBestOrders(graph, Problem(graph), 4'000'000);
  return orders.empty() ? Order() : orders.front();
}

class Recomputation::Impl {
public:
  Impl(Graph given, RecomputeOptions options)
      : graph(std::move(given)), options(options), problem(graph), frontier(problem) {
    search();
    place();
    if (!options.countLiveBytes)
      placeSmallest();
  }

  struct Placed {
    Order order;
    int64_t peak, time;
  };
  Graph graph;
  RecomputeOptions options;
  Problem problem;
  Frontier frontier;
  /// The fastest first; peaks fall and times rise.
  std::vector<Placed> placed;
  bool exact = false;

  /// What the exact search proved about plans within the budget.
  int64_t exactExtraTime(int64_t budget) const {
    size_t i = frontier.within(budget - graph.fixedBytes);
    return i < frontier.all().size() ? frontier.all()[i].time - problem.totalTime : 0;
  }

  /// The fastest plan within the budget; placed.size() where there is none.
  size_t within(int64_t budget) const {
    size_t i = 0;
    while (i < placed.size() && placed[i].peak > budget)
      ++i;
    return i;
  }

private:
  void search();
  void searchChains(const std::vector<Order> &orders);
  void searchGreedily(const std::vector<Order> &orders, int64_t least);
  void place();
  void placeSmallest();
};

/// Plans of the graph as a chain, cut finely and coarsely; sizes are finer for small budgets.
void Recomputation::Impl::searchChains(const std::vector<Order> &orders) {
  Bounds bounds(problem);
  int64_t most = frontier.all().front().live;
  for (size_t i = 0; i < std::min<size_t>(orders.size(), 2); ++i)
    // a layer of a transformer has two cuts
    for (CutRule rule :
         {CutRule{128, 1, 0}, CutRule{64, 2, 0}, CutRule{64, 2, 1}, CutRule{24, 1, 2}}) {
      Chain chain = findChain(problem, bounds, orders[i], rule);
      for (int64_t bytes : {most, most / 4, most / 16, std::min(options.focus, most)})
        for (const Order &order : planChain(chain, problem, bytes, 768))
          frontier.add(order);
    }
}

void Recomputation::Impl::searchGreedily(const std::vector<Order> &orders, int64_t least) {
  int64_t budgets = problem.nodeCount <= 2048 ? 24 : 4;
  int64_t most = frontier.all().front().live;
  for (int64_t step = budgets; step-- > 0;)
    for (size_t i = 0; i < std::min<size_t>(orders.size(), 2); ++i)
      for (double patience : {0.0, 0.5, 1.0})
        frontier.add(
            simulate(problem, orders[i], least + (most - least) / budgets * step, patience));
}

void Recomputation::Impl::search() {
  std::vector<Order> orders = findBestOrders(graph, problem, options.searchWork / 10);
  for (const Order &order : orders)
    frontier.add(order);
  if (frontier.all().empty())
    return;
  int64_t least = peakLowerBound(graph) - graph.fixedBytes;
  if (problem.nodeCount <= kMostNodes) {
    searchChains(orders);
    if (problem.nodeCount <= kMostNodes / 4)
      searchGreedily(orders, least);
  }
  if (options.exactStates > 0)
    exact = searchExactly(problem, frontier, least, options.exactStates);
  if (!exact)
    improve(problem, frontier, least,
            std::min(options.searchWork, int64_t(problem.nodeCount) * 600'000));
}

/// The bytes of a plan are those of its placement, which may cost more than the live ones. Of a
/// long frontier, plans whose bytes differ by a few per cent are placed.
void Recomputation::Impl::place() {
  constexpr double kMostPlaced = 320;
  const std::vector<Candidate> &all = frontier.all();
  double ratio = 1;
  if (!options.countLiveBytes && all.size() > size_t(kMostPlaced))
    ratio = std::pow(double(all.back().live + 1) / double(all.front().live + 1), 1 / kMostPlaced);
  double next = std::numeric_limits<double>::infinity();
  for (size_t i = 0; i < all.size(); ++i) {
    const Candidate &c = all[i];
    if (double(c.live) > next && i + 1 < all.size())
      continue;
    next = double(c.live) * ratio;
    int64_t peak = options.countLiveBytes ? addChecked(graph.fixedBytes, c.live)
                                          : placePlan(graph, problem, c.order).peak;
    if (placed.empty() || peak < placed.back().peak)
      placed.push_back({c.order, peak, c.time});
  }
}

/// The smallest live bytes are a budget that can be met where any order within them has a placement
/// without gaps: not only the one that was found is tried.
void Recomputation::Impl::placeSmallest() {
  if (placed.empty())
    return;
  constexpr int64_t kMostSteps = 100'000; // of all placements together
  const Candidate &smallest = frontier.all().back();
  int64_t goal = addChecked(graph.fixedBytes, smallest.live), steps = kMostSteps;
  auto visit = [&](const Order &order, int64_t time) -> int64_t {
    steps -= int64_t(order.size());
    int64_t peak = placePlan(graph, problem, order).peak;
    if (peak < placed.back().peak) {
      while (!placed.empty() && placed.back().time >= time)
        placed.pop_back();
      placed.push_back({order, peak, time});
    }
    bool isDone = placed.back().peak <= goal || steps < 0;
    return isDone ? -1 : placed.back().peak - graph.fixedBytes - 1;
  };
  if (placed.back().peak > goal)
    wander(problem, smallest.order, placed.back().peak - graph.fixedBytes - 1, int(kMostSteps),
           visit);
}

Recomputation::Recomputation(Graph graph, RecomputeOptions options)
    : impl(std::make_unique<Impl>(std::move(graph), options)) {}
Recomputation::~Recomputation() = default;
Recomputation::Recomputation(Recomputation &&) noexcept = default;

bool Recomputation::isExact() const { return impl->exact; }
size_t Recomputation::size() const { return impl->placed.size(); }

Plan Recomputation::plan(size_t i) const {
  Plan plan = placePlan(impl->graph, impl->problem, impl->placed[i].order);
  plan.peak = impl->placed[i].peak;
  return plan;
}

const std::vector<int32_t> &Recomputation::order(size_t i) const { return impl->placed[i].order; }

Plan Recomputation::planWithoutBudget() const { return size() == 0 ? Plan() : plan(0); }

BudgetPlan Recomputation::planForBudget(int64_t budget) const {
  BudgetPlan found;
  found.lowerBound = peakLowerBound(impl->graph);
  if (impl->placed.empty())
    return found;
  found.smallestBudget = impl->placed.back().peak;
  if (impl->exact && impl->options.countLiveBytes)
    found.lowerBound = found.smallestBudget;
  size_t i = impl->within(budget);
  found.feasible = i < impl->placed.size();
  found.plan = plan(found.feasible ? i : impl->placed.size() - 1);
  return found;
}

/// Budgets whose arena parts grow by a constant factor.
static std::vector<int64_t> budgetsBetween(int64_t low, int64_t high, int64_t fixed, int rows) {
  std::vector<int64_t> budgets;
  double from = double(std::max<int64_t>(low - fixed, 1)), to = double(high - fixed);
  for (int k = 0; k + 1 < rows; ++k) {
    double part = double(k) / double(rows - 1);
    int64_t budget = addChecked(fixed, int64_t(from * std::pow(std::max(1.0, to / from), part)));
    budgets.push_back(std::min(std::max(budget, low), high));
  }
  budgets.push_back(high);
  return budgets;
}

std::vector<ParetoRow> Recomputation::paretoTable(int rows) const {
  std::vector<ParetoRow> table;
  if (impl->placed.empty() || rows < 1)
    return table;
  int64_t low = impl->placed.back().peak, high = impl->placed.front().peak;
  int64_t fixed = impl->graph.fixedBytes;
  const auto &wanted = impl->problem.wanted;
  int64_t runs = std::count(wanted.begin(), wanted.end(), uint8_t(1));
  TimeBound bounds(impl->problem, low - fixed, high - fixed);
  for (int64_t budget : budgetsBetween(low, high, fixed, rows)) {
    const auto &found = impl->placed[impl->within(budget)];
    ParetoRow row;
    row.budget = budget;
    row.peak = found.peak;
    row.extraTime = found.time - impl->problem.totalTime;
    row.recomputed = int32_t(int64_t(found.order.size()) - runs);
    row.lowerBound = bounds.extraTime(budget - fixed);
    if (impl->exact)
      row.lowerBound = std::max(row.lowerBound, impl->exactExtraTime(budget));
    int64_t least = impl->problem.totalTime + row.lowerBound;
    row.gap = least > 0 ? double(row.extraTime - row.lowerBound) / double(least) : 0;
    table.push_back(row);
  }
  return table;
}

} // namespace linnet::plan
