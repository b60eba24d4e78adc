//===- Recompute.h - what to run, when, and what twice ----------*- C++ -*-===//
//
// Part of Linnet, under Apache-2.0 WITH LLVM-exception. See LICENSE.
//
// Plans a graph of dispatches under a byte budget: an order in which a node may run more than
// once, so that its values need not be kept in between. Uses no LLVM.
//
//   plan::Graph graph = ...;                  // every node behind what makes its inputs
//   if (std::string e = plan::check(graph); !e.empty()) ...
//   plan::Recomputation planner(std::move(graph));
//   plan::BudgetPlan p = planner.planForBudget(budget);
//   if (!p.feasible) report(p.smallestBudget, p.lowerBound);
//   for (const plan::Step &step : p.plan.steps) emit(step.node); // reads the latest instances
//   for (const plan::ParetoRow &row : planner.paretoTable(16)) ...
//
// A step writes fresh instances of all outputs of its node; a reader reads the latest instance of
// its input. An instance is dropped behind its last reader, and a result's last one stays.
//
// Bytes. Every instance has an arena buffer of the value's bytes, live from the step that writes
// it to the step that reads it last, both included, packed by `packIntervals` at multiples of
// `alignmentOf`; a step's scratch is a buffer that is live at that step. An output has no buffer of
// its own
//  - where it is tied: it takes over the buffer of that input, which is gone afterwards;
//  - where one of its `reuses` is read for the last time by this step, has as many bytes, and no
//    earlier output of the step has taken it: it takes over that buffer.
// Sources (no producer) are counted in `fixedBytes` only, and what takes over their bytes is not
// counted either; a result in the caller's memory has 0 bytes. `Plan::peak` is `fixedBytes` and the
// arena's high-water mark.
//
// `KeptRecomputation` plans for what is kept between forward and backward instead of for the peak.
//
// How it searches, what is optimal and how far: docs/rationale/recomputation.md.
//===----------------------------------------------------------------------===//
#ifndef LINNET_PLAN_RECOMPUTE_H
#define LINNET_PLAN_RECOMPUTE_H

#include "linnet/Plan/Plan.h"

#include <memory>
#include <string>

namespace linnet::plan {

struct Value {
  int64_t bytes = 0;
  int32_t producer = -1; // -1: a source (argument, state, constant): always there
  bool result = false;   // must be there at the end
};

struct Node {
  int64_t time = 0;    // any unit; not negative
  int64_t scratch = 0; // arena bytes while it runs
  std::vector<int32_t> inputs, outputs;
  /// Per output the input whose bytes it takes over and which it destroys, or -1. Empty: none.
  /// A node that destroys a source must be `once`: it runs behind all readers of that source.
  std::vector<int32_t> tied;
  /// Per output the inputs whose buffer it takes when they die here, in order of preference.
  std::vector<std::vector<int32_t>> reuses;
  /// Nodes that must have run before, whatever they write.
  std::vector<int32_t> after;
  /// Runs exactly once: it has an effect, or the user wants its values saved.
  bool once = false;
};

struct Graph {
  std::vector<Node> nodes;
  std::vector<Value> values;
  int64_t fixedBytes = 0;
};

/// Empty, or why the graph cannot be planned.
std::string check(const Graph &graph);

/// A checkpoint region of the user: what `nodes` write is not kept for readers behind all of
/// them (the backward pass), unless it is in `yielded`.
struct CheckpointRegion {
  std::vector<int32_t> nodes, yielded;
};

/// The graph with copies of the regions' nodes, from which those readers read instead. Copies
/// stand before the first such reader and run behind what makes its other inputs, so that nothing
/// is made again early and kept. Nodes that run once are not copied and what they write is kept.
/// `origin` gets the node of `graph` that each node is or copies.
Graph expandCheckpoints(const Graph &graph, const std::vector<CheckpointRegion> &regions,
                        std::vector<int32_t> &origin);

struct Step {
  int32_t node = -1;
  bool again = false; // the node has run before
  /// Per output its buffer: a position in `Plan::buffers`, or -1 where it is in a source's bytes.
  std::vector<int32_t> buffers;
  int32_t scratch = -1;
};

struct Plan {
  std::vector<Step> steps;
  std::vector<Interval> buffers; // live from step to step
  Layout layout;                 // of the buffers
  int64_t time = 0, extraTime = 0;
  int64_t peak = 0;       // fixedBytes + layout.peak
  int64_t liveBytes = 0;  // fixedBytes + layout.largestLive: what a perfect placement would need
  int32_t peakStep = -1;  // where the most bytes are live
  int32_t recomputed = 0; // steps that ran before
};

/// The plan that runs `order` (node numbers; repeated ones recompute). The order must be valid:
/// `checkOrder` says why it is not.
Plan makePlan(const Graph &graph, const std::vector<int32_t> &order);
std::string checkOrder(const Graph &graph, const std::vector<int32_t> &order);

/// No plan of the graph has a smaller peak.
int64_t peakLowerBound(const Graph &graph);
/// No plan within `budget` takes less time beyond one run of every node.
int64_t extraTimeLowerBound(const Graph &graph, int64_t budget);

struct BudgetPlan {
  bool feasible = false;
  Plan plan;                  // the fastest known within the budget, or the smallest
  int64_t smallestBudget = 0; // that the planner can meet
  int64_t lowerBound = 0;     // that anyone can meet
};

struct ParetoRow {
  int64_t budget = 0, peak = 0;
  int64_t extraTime = 0, lowerBound = 0;
  double gap = 0; // (time - least possible time) / least possible time, at most
  int32_t recomputed = 0;
};

struct RecomputeOptions {
  /// Peaks are the largest live sets, as if placement were perfect.
  bool countLiveBytes = false;
  /// States that the exact search may try, for all budgets together; 0: no exact search.
  int64_t exactStates = 6'000'000;
  /// Live bytes of arena and scratch at which sizes are counted most finely; 0: none.
  int64_t focus = 0;
  /// How long the local search goes on, in evaluated steps; less for small graphs.
  int64_t searchWork = 60'000'000;
};

/// Plans once, for all budgets: the plans of larger budgets are never slower and never fail where
/// smaller ones do not, and the peak never falls as the budget grows. Deterministic.
class Recomputation {
public:
  explicit Recomputation(Graph graph, RecomputeOptions options = {});
  ~Recomputation();
  Recomputation(Recomputation &&) noexcept;

  BudgetPlan planForBudget(int64_t budget) const;
  /// The plan without recomputation that needs the least.
  Plan planWithoutBudget() const;
  /// `rows` budgets from the smallest that can be met to the one without recomputation.
  std::vector<ParetoRow> paretoTable(int rows = 16) const;
  /// Whether the plans are proven to be the fastest at every budget, in live bytes.
  bool isExact() const;
  /// Plans that none of the others beats, the fastest first.
  size_t size() const;
  Plan plan(size_t i) const;
  const std::vector<int32_t> &order(size_t i) const;

private:
  class Impl;
  std::unique_ptr<Impl> impl;
};

/// The node that most bytes wait for, where a train step turns from forward to backward; -1: none.
int32_t turningNode(const Graph &graph);
/// Arena bytes that are live behind the first run of `node` and read later.
int64_t bytesKeptBehind(const Graph &graph, const std::vector<int32_t> &order, int32_t node);

struct KeptPlan {
  bool feasible = false;
  Plan plan;
  int64_t kept = 0;
  int64_t smallest = 0; // that a plan keeps, whatever its peak
};

struct KeptRow {
  int64_t kept = 0, peak = 0;
  int64_t extraTime = 0, lowerBound = 0;
  double gap = 0;
  int32_t recomputed = 0;
};

/// As `Recomputation`, for the bytes that are kept behind the turning node.
class KeptRecomputation {
public:
  /// `focus`: kept bytes at which it searches most finely; 0: none.
  explicit KeptRecomputation(Graph graph, int64_t focus = 0);
  ~KeptRecomputation();

  int32_t turn() const;
  /// The fastest plan that keeps at most `kept` bytes, with a peak of at most `budget`.
  KeptPlan planFor(int64_t kept, int64_t budget = INT64_MAX) const;
  /// `rows` limits from the least that can be kept to what is kept without recomputation.
  std::vector<KeptRow> table(int rows = 16) const;

private:
  class Impl;
  std::unique_ptr<Impl> impl;
};

/// An order of single runs with a small peak, for scheduling without recomputation.
std::vector<int32_t> orderForPeak(const Graph &graph);

} // namespace linnet::plan

#endif // LINNET_PLAN_RECOMPUTE_H
