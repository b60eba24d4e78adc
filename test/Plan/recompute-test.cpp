//===- recompute-test.cpp - plans against the exact optimum ---------------===//
//
// Part of Linnet, under Apache-2.0 WITH LLVM-exception. See LICENSE.
//
// LINNET_FULL=1: 1200 random graphs instead of 100; LINNET_QUICK=1: 32, and no deep train step.
// Their bytes are live sums, for the planner and the solver; the train step's are placed.
//===----------------------------------------------------------------------===//
#include "../Testing.h"
#include "Convert.h"
#include "Oracle.h"

#include <algorithm>
#include <chrono>
#include <cmath>
#include <cstdlib>
#include <ctime>

using namespace linnet;
using namespace linnet::test::graphs;

namespace {

double secondsSince(std::chrono::steady_clock::time_point begin) {
  return std::chrono::duration<double>(std::chrono::steady_clock::now() - begin).count();
}

struct Gap {
  int graphs = 0, budgets = 0, refused = 0, recomputing = 0, exact = 0;
  double sum = 0, worst = 0, seconds = 0;
  uint64_t worstSeed = 0;
  void print(const char *name, const char *how) const {
    std::printf("%-9s %-9s %5d graphs (%d exact) %6d budgets (%d recompute): mean gap %.4f%%, "
                "worst %.3f%% (seed %llu), refused %d, %.2f ms a graph\n",
                name, how, graphs, exact, budgets, recomputing, 100 * sum / std::max(budgets, 1),
                100 * worst, (unsigned long long)worstSeed, refused, 1e3 * seconds / graphs);
  }
};

struct Reference {
  std::vector<int64_t> budgets, times;
};

/// Exact times at budgets from the smallest to the one that needs no recomputation.
Reference solve(const Graph &graph, int budgets) {
  Reference reference;
  int64_t low = smallestBudget(graph), high = smallestBudgetOfOneRun(graph);
  for (int k = 0; k < budgets; ++k) {
    int64_t budget = k + 1 == budgets ? high : low + (high - low) * k / (budgets - 1);
    reference.budgets.push_back(budget);
    reference.times.push_back(leastTime(graph, budget));
  }
  return reference;
}

/// The plan keeps what it says: the walk over its buffers gives its bytes.
void checkPlan(const plan::Graph &graph, const plan::Plan &p, int64_t budget) {
  std::vector<int32_t> order;
  for (const plan::Step &step : p.steps)
    order.push_back(step.node);
  CHECK_EQ(plan::checkOrder(graph, order), "");
  CHECK(p.liveBytes <= budget);
  CHECK_EQ(p.liveBytes, plan::largestLive(p.buffers.data(), p.buffers.size()));
}

void compare(const Graph &graph, uint64_t seed, const Reference &reference,
             plan::RecomputeOptions options, Gap &gap) {
  plan::Graph input = convert(graph);
  CHECK_EQ(plan::check(input), "");
  options.countLiveBytes = true;
  auto begin = std::chrono::steady_clock::now();
  plan::Recomputation planner(input, options);
  gap.seconds += secondsSince(begin);
  ++gap.graphs;
  gap.exact += planner.isExact();
  for (size_t k = 0; k < reference.budgets.size(); ++k) {
    plan::BudgetPlan found = planner.planForBudget(reference.budgets[k]);
    ++gap.budgets;
    CHECK(found.lowerBound <= reference.budgets[k]);
    if (!found.feasible) {
      ++gap.refused;
      continue;
    }
    checkPlan(input, found.plan, reference.budgets[k]);
    gap.recomputing += found.plan.recomputed > 0;
    CHECK(found.plan.time >= reference.times[k]);
    int64_t bound = plan::extraTimeLowerBound(input, reference.budgets[k]);
    CHECK(bound + reference.times.back() <= reference.times[k]);
    double g = double(found.plan.time - reference.times[k]) / double(reference.times[k]);
    gap.sum += g;
    if (g > gap.worst)
      gap.worst = g, gap.worstSeed = seed;
  }
}

/// Whether the placement of some plan meets the smallest live bytes, which are known.
bool isPlaced(const Graph &graph, int64_t smallest) {
  plan::Recomputation planner(convert(graph));
  for (size_t i = 1; i < planner.size(); ++i) {
    CHECK(planner.plan(i).peak < planner.plan(i - 1).peak);
    CHECK(planner.plan(i).time > planner.plan(i - 1).time);
  }
  plan::BudgetPlan found = planner.planForBudget(smallest);
  CHECK(!found.feasible || found.plan.peak <= smallest);
  return found.feasible;
}

/// The planner within the bounds, and how far the heuristics get where they are on their own.
void randomGraphs(int perFamily, int maxNodes) {
  int graphs = 0, unplaced = 0;
  for (const char *family : families) {
    Gap gap, heuristic;
    for (uint64_t seed = 0; seed < uint64_t(perFamily); ++seed) {
      Graph graph = makeGraph(family, seed, maxNodes);
      Reference reference = solve(graph, 7);
      compare(graph, seed, reference, {}, gap);
      ++graphs;
      unplaced += !isPlaced(graph, reference.budgets.front());
      plan::RecomputeOptions searchOnly;
      searchOnly.exactStates = 0;
      searchOnly.searchWork = 400'000;
      if (seed % 4 == 0)
        compare(graph, seed, reference, searchOnly, heuristic);
    }
    gap.print(family, "planner");
    heuristic.print(family, "search");
    CHECK_EQ(gap.refused, 0);
    CHECK(gap.sum <= 0.01 * gap.budgets);
    CHECK(gap.worst <= 0.05);
    CHECK(gap.recomputing > gap.budgets / 4);
    CHECK(heuristic.sum <= 0.01 * heuristic.budgets);
  }
  std::printf("smallest live bytes without a placement: %d of %d graphs\n", unplaced, graphs);
  CHECK(unplaced * 50 <= graphs);
}

//===----------------------------------------------------------------------===//
// Known optima
//===----------------------------------------------------------------------===//

int64_t choose(int64_t n, int64_t k) {
  double product = 1;
  for (int64_t i = 0; i < k; ++i)
    product = product * double(n - i) / double(i + 1);
  return k < 0 || k > n ? 0 : std::llround(product);
}

/// Advances that Griewank and Walther's schedule needs for `length` steps and `slots` snapshots.
int64_t revolve(int64_t length, int64_t slots) {
  int64_t repeats = 0;
  while (choose(slots + repeats, slots) < length)
    ++repeats;
  return repeats * length - choose(slots + repeats, repeats - 1);
}

void uniformChains() {
  for (int length : {2, 3, 7, 12, 20, 33, 64, 100}) {
    plan::Recomputation planner(convert(makeUniformChain(length, 64)));
    for (int slots = 1; slots < std::min(length, 16); ++slots) {
      plan::BudgetPlan found = planner.planForBudget(64 * slots);
      CHECK(found.feasible);
      CHECK_EQ(found.plan.time, revolve(length, slots));
    }
    CHECK(!planner.planForBudget(63).feasible);
  }
}

//===----------------------------------------------------------------------===//
// A train step, with placement
//===----------------------------------------------------------------------===//

/// The fastest plan of each of 100 budgets: peaks are what the allocator says and never fall.
void checkLadder(const plan::Graph &graph, const plan::Recomputation &planner) {
  int64_t low = planner.planForBudget(0).smallestBudget, high = planner.plan(0).peak;
  int64_t peak = 0, time = INT64_MAX;
  for (int k = 0; k < 100; ++k) {
    int64_t budget = low + (high - low) * k / 99;
    plan::BudgetPlan found = planner.planForBudget(budget);
    CHECK(found.feasible);
    CHECK(found.plan.peak <= budget);
    CHECK(found.plan.peak >= peak);
    CHECK(found.plan.time <= time);
    peak = found.plan.peak;
    time = found.plan.time;
    if (k % 25 != 0)
      continue;
    std::vector<int32_t> order;
    for (const plan::Step &step : found.plan.steps)
      order.push_back(step.node);
    plan::Plan again = plan::makePlan(graph, order);
    CHECK_EQ(again.peak, found.plan.peak);
    CHECK(again.layout.offsets == found.plan.layout.offsets);
    CHECK_EQ(again.peak - graph.fixedBytes,
             plan::packIntervals(again.buffers.data(), again.buffers.size()).peak);
  }
  CHECK(!planner.planForBudget(low - 1).feasible);
  CHECK(planner.planForBudget(low - 1).lowerBound <= low);
}

void trainStep() {
  plan::Graph graph = convert(makeTrainStep(24, 512, 512, 256));
  graph.fixedBytes = 1'000'000;
  CHECK_EQ(plan::check(graph), "");
  std::clock_t begin = std::clock();
  plan::Recomputation planner(graph);
  std::vector<plan::ParetoRow> table = planner.paretoTable(16);
  double seconds = double(std::clock() - begin) / CLOCKS_PER_SEC;
  int64_t total = 0;
  for (const plan::Node &node : graph.nodes)
    total += node.time;
  std::printf("train step of 24 layers: %zu nodes, %zu plans in %.2f s of one core\n",
              graph.nodes.size(), planner.size(), seconds);
  std::printf("  budget MB   peak MB   extra %%   bound %%   gap %%  recomputed\n");
  for (const plan::ParetoRow &row : table) {
    std::printf("%11.1f %9.1f %9.2f %9.2f %7.2f %11d\n", double(row.budget) / 1e6,
                double(row.peak) / 1e6, 100 * double(row.extraTime) / double(total),
                100 * double(row.lowerBound) / double(total), 100 * row.gap, row.recomputed);
    CHECK(row.peak <= row.budget);
    CHECK(row.lowerBound <= row.extraTime);
    // within a few per cent of what is possible, down to a tenth of the memory
    if (row.budget * 10 > table.back().budget)
      CHECK(row.gap <= 0.03);
  }
  CHECK_EQ(table.size(), 16u);
  CHECK_EQ(table.back().extraTime, 0);
  CHECK(seconds < 10);
  checkLadder(graph, planner);
}

/// The same graph gives the same plans.
void determinism() {
  plan::Graph graph = convert(makeTrainStep(3, 100, 64, 50));
  plan::Recomputation planner(graph), twin(graph);
  CHECK_EQ(twin.size(), planner.size());
  for (size_t i = 0; i < twin.size(); ++i)
    CHECK(twin.plan(i).layout.offsets == planner.plan(i).layout.offsets);
}

/// What is kept between forward and backward, against time, whatever the peak elsewhere.
void keptBetween() {
  plan::Graph graph = convert(makeTrainStep(24, 512, 512, 256));
  plan::KeptRecomputation planner(graph);
  int64_t total = 0;
  for (const plan::Node &node : graph.nodes)
    total += node.time;
  for (auto [most, share] : {std::pair<int64_t, double>(405, 0.003),
                             {202, 0.06},
                             {122, 0.135},
                             {61, 0.19},
                             {21, 0.25}}) {
    plan::KeptPlan found = planner.planFor(most * 1'000'000);
    CHECK(found.feasible && found.kept <= most * 1'000'000);
    std::vector<int32_t> order;
    for (const plan::Step &step : found.plan.steps)
      order.push_back(step.node);
    CHECK_EQ(found.kept, plan::bytesKeptBehind(graph, order, planner.turn()));
    double extra = double(found.plan.extraTime) / double(total);
    std::printf("  kept between the halves: %5.1f MB (at most %lld), extra %.2f%%\n",
                double(found.kept) / 1e6, (long long)most, 100 * extra);
    CHECK(extra <= share);
  }
  CHECK(!planner.planFor(10).feasible);
  for (const plan::KeptRow &row : planner.table(8))
    CHECK(row.lowerBound >= 0 && row.lowerBound <= row.extraTime && row.gap >= 0);
}

//===----------------------------------------------------------------------===//
// Constraints and mistakes
//===----------------------------------------------------------------------===//

/// A region of a chain is not kept although there is room for it.
void checkpointRegions() {
  plan::Graph graph = convert(makeGraph("chain", 0, 14));
  int32_t half = 0; // forward nodes: those that the first adjoint does not come behind
  while (graph.nodes[size_t(half)].inputs.size() == 1 && !graph.nodes[size_t(half)].once)
    ++half;
  plan::CheckpointRegion region;
  for (int32_t n = 0; n + 1 < half; ++n)
    region.nodes.push_back(n);
  std::vector<int32_t> origin;
  plan::Graph expanded = plan::expandCheckpoints(graph, {region}, origin);
  CHECK_EQ(plan::check(expanded), "");
  CHECK_EQ(origin.size(), expanded.nodes.size());
  CHECK(expanded.nodes.size() > graph.nodes.size());
  plan::Plan free = plan::Recomputation(graph).planWithoutBudget();
  plan::Plan bound = plan::Recomputation(expanded).planWithoutBudget();
  CHECK(bound.time > free.time);
  // the copies run behind the first adjoint
  bool behind = false;
  std::vector<int> runs(graph.nodes.size(), 0);
  for (const plan::Step &step : bound.steps) {
    int32_t n = origin[size_t(step.node)];
    behind |= n >= half;
    if (runs[size_t(n)]++ > 0)
      CHECK(behind);
  }
}

void singleRunsAndOrders() {
  for (const char *family : families)
    for (uint64_t seed = 0; seed < 10; ++seed) {
      Graph graph = makeGraph(family, seed, 14);
      plan::Graph input = convert(graph);
      std::vector<int32_t> order = plan::orderForPeak(input);
      CHECK_EQ(order.size(), input.nodes.size());
      CHECK_EQ(plan::checkOrder(input, order), "");
      CHECK_EQ(plan::makePlan(input, order).liveBytes, smallestBudgetOfOneRun(graph));
      for (plan::Node &node : input.nodes)
        node.once = true; // every value is saved
      plan::Recomputation planner(input);
      CHECK_EQ(planner.size(), 1u);
      CHECK_EQ(planner.plan(0).recomputed, 0);
    }
}

void mistakes() {
  plan::Graph graph = convert(makeGraph("unet", 1, 14));
  auto broken = [&](auto change) {
    plan::Graph copy = graph;
    change(copy);
    return plan::check(copy);
  };
  CHECK_EQ(plan::check(graph), "");
  CHECK_EQ(plan::check(plan::Graph()), "");
  CHECK_EQ(plan::Recomputation(plan::Graph()).planForBudget(0).feasible, true);
  CHECK_EQ(broken([](plan::Graph &g) { g.nodes[0].inputs = {int32_t(g.values.size())}; }),
           "node 0 reads value " + std::to_string(graph.values.size()) +
               ", which no earlier node writes");
  CHECK_EQ(broken([](plan::Graph &g) { g.nodes[1].time = -1; }),
           "node 1 has a negative time or scratch");
  CHECK_EQ(broken([](plan::Graph &g) { g.values[0].bytes = -5; }), "value 0 has -5 bytes");
  CHECK_EQ(broken([](plan::Graph &g) {
             g.nodes[0].tied = {g.nodes[0].inputs[0]};
             g.nodes[0].once = false;
           }),
           "node 0 destroys the source 0 and may run twice");
  CHECK_EQ(broken([](plan::Graph &g) {
             g.nodes[0].tied = {g.nodes[0].inputs[0]};
             g.nodes[0].once = true;
             g.nodes[1].inputs.push_back(g.nodes[0].inputs[0]);
           }),
           "node 0 destroys value 0 before a node that reads it");
  CHECK(plan::checkOrder(graph, {1, 0}) != "");
  CHECK_EQ(plan::checkOrder(graph, {99}), "node 99 is not there");
}

void extremes() {
  plan::Graph graph = convert(makeGraph("chain", 3, 12));
  for (plan::Value &value : graph.values)
    value.bytes = INT64_MAX / 2;
  for (plan::Node &node : graph.nodes)
    node.time = INT64_MAX / 4;
  graph.fixedBytes = 100;
  plan::BudgetPlan found = plan::Recomputation(graph).planForBudget(INT64_MAX);
  CHECK_EQ(found.plan.peak, INT64_MAX);
}

} // namespace

int main(int argc, char **argv) {
  std::setvbuf(stdout, nullptr, _IOLBF, 1024);
  auto isSet = [](const char *name) {
    const char *value = std::getenv(name);
    return value && *value;
  };
  bool quick = isSet("LINNET_QUICK");
  int perFamily = argc > 1 ? std::atoi(argv[1]) : isSet("LINNET_FULL") ? 300 : quick ? 8 : 25;
  singleRunsAndOrders();
  checkpointRegions();
  mistakes();
  extremes();
  uniformChains();
  determinism();
  if (!quick) { // 24 layers each
    trainStep();
    keptBetween();
  }
  randomGraphs(perFamily, argc > 2 ? std::atoi(argv[2]) : 14);
  return linnet::test::summary();
}
