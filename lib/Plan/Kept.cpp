//===- Kept.cpp - plans for what is kept from forward to backward ---------===//
//
// Part of Linnet, under Apache-2.0 WITH LLVM-exception. See LICENSE.
//
// The turning node gets scratch, so that the peak is where it runs: the planner of peaks then plans
// for what waits there. Much scratch would make the steps coarse in which sizes are counted, too
// little would leave the peak to the backward half.
//===----------------------------------------------------------------------===//
#include "CutBound.h"

#include <algorithm>
#include <cmath>

namespace linnet::plan {

int32_t turningNode(const Graph &graph) {
  Problem problem(graph);
  return Bounds(problem).turningNode();
}

static int64_t keptBehind(const Plan &plan, int32_t node) {
  int32_t at = 0;
  while (size_t(at) < plan.steps.size() && plan.steps[size_t(at)].node != node)
    ++at;
  int64_t kept = 0;
  for (const Interval &buffer : plan.buffers)
    if (buffer.first <= at && at < buffer.last)
      kept = addChecked(kept, buffer.size);
  return kept;
}

int64_t bytesKeptBehind(const Graph &graph, const std::vector<int32_t> &order, int32_t node) {
  Problem problem(graph);
  Plan plan;
  Evaluator(problem).build(order, plan);
  return keptBehind(plan, node);
}

static Graph withScratch(Graph graph, int32_t node, int64_t scratch) {
  if (node >= 0) {
    int64_t &own = graph.nodes[size_t(node)].scratch;
    own = addChecked(own, scratch);
  }
  return graph;
}

class KeptRecomputation::Impl {
public:
  Impl(Graph given, int64_t focus) : graph(std::move(given)), turn(turningNode(graph)) {
    if (turn < 0)
      return;
    int64_t working = peakLowerBound(graph) - graph.fixedBytes;
    int64_t scratch = working > kMost / 8 ? working : working * 8;
    RecomputeOptions options;
    if (focus > 0)
      options.focus = addChecked(focus, addChecked(scratch, graph.nodes[size_t(turn)].scratch));
    Recomputation planner(withScratch(graph, turn, scratch), options);
    Problem problem(graph);
    for (size_t i = 0; i < planner.size(); ++i) {
      Plan plan;
      Evaluator(problem).build(planner.order(i), plan);
      candidates.push_back({planner.order(i), keptBehind(plan, turn)});
    }
  }

  struct Candidate {
    Order order;
    int64_t kept;
  };
  Graph graph;
  int32_t turn;
  std::vector<Candidate> candidates; // the fastest first
};

KeptRecomputation::KeptRecomputation(Graph graph, int64_t focus)
    : impl(std::make_unique<Impl>(std::move(graph), focus)) {}
KeptRecomputation::~KeptRecomputation() = default;

int32_t KeptRecomputation::turn() const { return impl->turn; }

KeptPlan KeptRecomputation::planFor(int64_t kept, int64_t budget) const {
  KeptPlan found;
  found.smallest = kMost;
  for (const auto &[order, bytes] : impl->candidates) {
    found.smallest = std::min(found.smallest, bytes);
    if (bytes > kept || found.feasible)
      continue;
    Plan plan = makePlan(impl->graph, order);
    if (plan.peak > budget)
      continue;
    found.feasible = true;
    found.plan = std::move(plan);
    found.kept = bytes;
  }
  return found;
}

/// With more scratch than everything else has bytes no plan's peak is elsewhere, so that bounds of
/// the peak are bounds of what is kept.
static int64_t scratchOfAll(const Graph &graph) {
  int64_t sum = 0;
  for (const Value &value : graph.values)
    sum = addChecked(sum, addChecked(value.bytes, 64));
  for (const Node &node : graph.nodes)
    sum = addChecked(sum, node.scratch);
  return std::min<int64_t>(sum, int64_t(1) << 50);
}

std::vector<KeptRow> KeptRecomputation::table(int rows) const {
  std::vector<KeptRow> table;
  if (impl->candidates.empty() || rows < 1)
    return table;
  auto [least, most] =
      std::minmax_element(impl->candidates.begin(), impl->candidates.end(),
                          [](const auto &a, const auto &b) { return a.kept < b.kept; });
  int64_t scratch = scratchOfAll(impl->graph);
  Problem problem(withScratch(impl->graph, impl->turn, scratch));
  // what lives beside the kept bytes while the turning node runs
  int64_t beside = Bounds(problem).workingSet(impl->turn);
  TimeBound bounds(problem, least->kept + beside, most->kept + beside);
  for (int k = 0; k < rows; ++k) {
    // the smallest plan, then limits that grow by a constant factor
    double part = rows > 1 ? double(k) / double(rows - 1) : 1.0;
    double to = double(most->kept), from = std::max(double(least->kept), to / 64);
    int64_t limit = std::llround(from * std::pow(to / std::max(from, 1.0), part));
    if (k == 0 || k + 1 == rows)
      limit = k == 0 ? least->kept : most->kept;
    KeptPlan found = planFor(std::clamp(limit, least->kept, most->kept));
    KeptRow row;
    row.kept = found.kept;
    row.peak = found.plan.peak;
    row.extraTime = found.plan.extraTime;
    row.recomputed = found.plan.recomputed;
    row.lowerBound = std::min(bounds.extraTime(addChecked(found.kept, beside)), row.extraTime);
    int64_t time = problem.totalTime + row.lowerBound;
    row.gap = time > 0 ? double(row.extraTime - row.lowerBound) / double(time) : 0;
    table.push_back(row);
  }
  return table;
}

} // namespace linnet::plan
