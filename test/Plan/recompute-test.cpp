//===- recompute-test.cpp - plans against the exact optimum ---------------===//
//
// Part of Linnet, under Apache-2.0 WITH LLVM-exception. See LICENSE.
//
// LINNET_FULL=1: 1200 graphs instead of 160. Bytes are live sums, for the planner and the solver.
//===----------------------------------------------------------------------===//
#include "../Testing.h"
#include "Convert.h"
#include "Oracle.h"

#include <chrono>
#include <cmath>
#include <cstdlib>
#include <cstring>

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

/// Default planner within the bounds, and how far the heuristics alone get.
void randomGraphs(int perFamily, int maxNodes) {
  for (const char *family : families) {
    Gap gap, heuristic;
    for (uint64_t seed = 0; seed < uint64_t(perFamily); ++seed) {
      Graph graph = makeGraph(family, seed, maxNodes);
      Reference reference = solve(graph, 7);
      compare(graph, seed, reference, {}, gap);
      plan::RecomputeOptions searchOnly;
      searchOnly.exactStates = 0;
      compare(graph, seed, reference, searchOnly, heuristic);
    }
    gap.print(family, "planner");
    heuristic.print(family, "search");
    CHECK_EQ(gap.refused, 0);
    CHECK(gap.sum <= 0.01 * gap.budgets);
    CHECK(gap.worst <= 0.05);
    CHECK(gap.recomputing > gap.budgets / 4);
  }
}

} // namespace

int main(int argc, char **argv) {
  const char *full = std::getenv("LINNET_FULL");
  int perFamily = argc > 1 ? std::atoi(argv[1]) : full && *full ? 300 : 40;
  randomGraphs(perFamily, argc > 2 ? std::atoi(argv[2]) : 14);
  return linnet::test::summary();
}
