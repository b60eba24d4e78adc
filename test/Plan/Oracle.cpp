//===- Oracle.cpp - exact plans of small graphs ---------------------------===//
//
// Part of Linnet, under Apache-2.0 WITH LLVM-exception. See LICENSE.
//
//===----------------------------------------------------------------------===//
#include "Oracle.h"

#include <algorithm>
#include <queue>
#include <stdexcept>
#include <unordered_map>

namespace linnet::test::graphs {
namespace {

using Mask = uint64_t;

class Search {
public:
  enum class Goal { Time, Bytes };
  Search(const Graph &graph, Goal goal, bool oneRun, int64_t budget);
  int64_t run();

private:
  struct Entry {
    int64_t cost;
    Mask state;
    bool operator>(const Entry &other) const { return cost > other.cost; }
  };

  int64_t bytesOf(Mask there) const;
  void reach(Mask state, int64_t cost);
  void runNode(size_t node, Mask state, int64_t cost);
  /// Runs `node`; the values in `dying` give their bytes to outputs.
  void runSharing(size_t node, size_t output, Mask dying, int64_t shared, Mask state, int64_t cost);
  int64_t slot(int64_t bytes) const { return (bytes + 63) / 64 * 64; }
  Mask there(Mask state) const { return state & ((Mask(1) << graph.values.size()) - 1); }

  const Graph &graph;
  Goal goal;
  int64_t budget;
  std::vector<int64_t> bytes; // of each value, 0 where they are a source's
  std::vector<Mask> inputs, outputs, destroyed;
  std::vector<int> doneBit; // of nodes that run once
  Mask start = 0, wantedThere = 0, wantedDone = 0;
  std::unordered_map<Mask, int64_t> best;
  std::priority_queue<Entry, std::vector<Entry>, std::greater<Entry>> queue;
};

Search::Search(const Graph &g, Goal goal, bool oneRun, int64_t budget)
    : graph(g), goal(goal), budget(budget) {
  size_t bit = graph.values.size();
  for (size_t v = 0; v < graph.values.size(); ++v) {
    const Value &value = graph.values[v];
    bytes.push_back(value.producer < 0 ? 0 : slot(value.bytes));
    if (value.producer < 0)
      start |= Mask(1) << v;
    if (value.result)
      wantedThere |= Mask(1) << v;
  }
  for (const Node &node : graph.nodes) {
    Mask in = 0, out = 0, gone = 0;
    for (int v : node.inputs)
      in |= Mask(1) << v;
    for (size_t i = 0; i < node.outputs.size(); ++i) {
      out |= Mask(1) << node.outputs[i];
      if (node.tied[i] >= 0) {
        gone |= Mask(1) << node.tied[i];
        bytes[size_t(node.outputs[i])] = bytes[size_t(node.tied[i])];
      }
    }
    inputs.push_back(in);
    outputs.push_back(out);
    destroyed.push_back(gone);
    doneBit.push_back(node.once || oneRun ? int(bit) : -1);
    if (node.once || oneRun)
      wantedDone |= Mask(1) << bit++;
  }
  if (bit > 64)
    throw std::length_error("the exact solver takes at most 64 values and single runs");
}

int64_t Search::bytesOf(Mask there) const {
  int64_t sum = 0;
  for (; there != 0; there &= there - 1)
    sum += bytes[size_t(__builtin_ctzll(there))];
  return sum;
}

void Search::reach(Mask state, int64_t cost) {
  auto [it, added] = best.insert({state, cost});
  if (!added && it->second <= cost)
    return;
  it->second = cost;
  queue.push({cost, state});
}

void Search::runSharing(size_t node, size_t output, Mask dying, int64_t shared, Mask state,
                        int64_t cost) {
  const Node &n = graph.nodes[node];
  if (output == n.outputs.size()) {
    // outputs that are there already are dropped first, tied inputs end as the outputs begin
    Mask before = there(state) & ~outputs[node];
    int64_t most = bytesOf((before | outputs[node]) & ~destroyed[node]) - shared + slot(n.scratch);
    if (most > budget)
      return;
    Mask done = doneBit[node] >= 0 ? Mask(1) << doneBit[node] : 0;
    Mask after = ((state & ~outputs[node]) | outputs[node] | done) & ~destroyed[node] & ~dying;
    reach(after, goal == Goal::Time ? cost + n.time : std::max(cost, most));
    return;
  }
  runSharing(node, output + 1, dying, shared, state, cost);
  int v = n.mayReuse[output];
  if (v < 0 || n.tied[output] >= 0 || (dying >> v & 1) || (destroyed[node] >> v & 1))
    return;
  runSharing(node, output + 1, dying | Mask(1) << v, shared + bytes[size_t(v)], state, cost);
}

void Search::runNode(size_t node, Mask state, int64_t cost) {
  bool ready = (inputs[node] & ~state) == 0 && (outputs[node] & inputs[node]) == 0;
  if (ready && (doneBit[node] < 0 || !(state >> doneBit[node] & 1)))
    runSharing(node, 0, 0, 0, state, cost);
}

int64_t Search::run() {
  reach(start, 0);
  while (!queue.empty()) {
    auto [cost, state] = queue.top();
    queue.pop();
    if (best[state] < cost)
      continue;
    if ((wantedThere & ~state) == 0 && (wantedDone & ~state) == 0)
      return cost;
    for (size_t node = 0; node < graph.nodes.size(); ++node)
      runNode(node, state, cost);
    for (Mask rest = there(state); rest != 0; rest &= rest - 1)
      if (bytes[size_t(__builtin_ctzll(rest))] > 0)
        reach(state & ~(rest & -rest), cost);
  }
  return -1;
}

constexpr int64_t unlimited = INT64_MAX;

} // namespace

int64_t smallestBudget(const Graph &graph) {
  return Search(graph, Search::Goal::Bytes, false, unlimited).run();
}

int64_t smallestBudgetOfOneRun(const Graph &graph) {
  return Search(graph, Search::Goal::Bytes, true, unlimited).run();
}

int64_t leastTime(const Graph &graph, int64_t budget) {
  return Search(graph, Search::Goal::Time, false, budget).run();
}

} // namespace linnet::test::graphs
