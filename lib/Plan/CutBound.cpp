//===- CutBound.cpp - a bound on extra time from minimum cuts -------------===//
//
// Part of Linnet, under Apache-2.0 WITH LLVM-exception. See LICENSE.
//
//===----------------------------------------------------------------------===//
#include "CutBound.h"

#include <algorithm>

namespace linnet::plan {
namespace {

/// Maximum flow by blocking flows.
class Flow {
public:
  explicit Flow(size_t nodes) : first(nodes, -1), level(nodes), at(nodes) {}
  void add(int32_t from, int32_t to, int64_t capacity) {
    edges.push_back({to, first[size_t(from)], capacity});
    first[size_t(from)] = int32_t(edges.size()) - 1;
    edges.push_back({from, first[size_t(to)], 0});
    first[size_t(to)] = int32_t(edges.size()) - 1;
  }
  int64_t run(int32_t source, int32_t sink) {
    int64_t total = 0;
    while (findLevels(source, sink)) {
      at = first;
      while (int64_t pushed = push(source, sink, kMost))
        total += pushed;
    }
    return total;
  }
  /// After `run`: whether the node is on the source's side.
  bool isOnSourceSide(int32_t node) const { return level[size_t(node)] >= 0; }

private:
  struct Edge {
    int32_t to, next;
    int64_t capacity;
  };
  bool findLevels(int32_t source, int32_t sink) {
    std::fill(level.begin(), level.end(), -1);
    std::vector<int32_t> queue = {source};
    level[size_t(source)] = 0;
    for (size_t i = 0; i < queue.size(); ++i)
      for (int32_t e = first[size_t(queue[i])]; e >= 0; e = edges[size_t(e)].next)
        if (int32_t to = edges[size_t(e)].to;
            edges[size_t(e)].capacity > 0 && level[size_t(to)] < 0)
          level[size_t(to)] = level[size_t(queue[i])] + 1, queue.push_back(to);
    return level[size_t(sink)] >= 0;
  }
  int64_t push(int32_t node, int32_t sink, int64_t most) {
    if (node == sink)
      return most;
    for (int32_t &e = at[size_t(node)]; e >= 0; e = edges[size_t(e)].next) {
      Edge &edge = edges[size_t(e)];
      if (edge.capacity <= 0 || level[size_t(edge.to)] != level[size_t(node)] + 1)
        continue;
      if (int64_t pushed = push(edge.to, sink, std::min(most, edge.capacity))) {
        edges[size_t(e)].capacity -= pushed;
        edges[size_t(e) ^ 1].capacity += pushed;
        return pushed;
      }
    }
    return 0;
  }

  std::vector<Edge> edges;
  std::vector<int32_t> first, level, at;
};

} // namespace

CutBound::CutBound(const Problem &problem, const Bounds &bounds, int32_t node, int mostCuts)
    : problem(problem), workingSet(bounds.workingSet(node)), makerOf(size_t(problem.nodeCount), -1),
      valueOf(size_t(problem.valueCount), -1) {
  auto in = problem.inputs[node];
  for (int32_t n = 0; n < node; ++n) {
    if (!bounds.isAncestor(n, node) || !problem.wanted[size_t(n)])
      continue;
    makerOf[size_t(n)] = int32_t(makers.size());
    makers.push_back(n);
    for (int32_t v : problem.outputs[n]) {
      if (std::find(in.begin(), in.end(), v) != in.end())
        continue;
      bool demanded = problem.result[size_t(v)];
      for (int32_t reader : problem.readers[v])
        demanded |= problem.wanted[size_t(reader)] && bounds.isAncestor(node, reader);
      valueOf[size_t(v)] = int32_t(values.size());
      values.push_back(v);
      isDemanded.push_back(demanded);
    }
  }
  int64_t bytes = 64, time = 1;
  for (int32_t v : values)
    bytes = addChecked(bytes, problem.bytes[size_t(v)]);
  for (int32_t n : makers)
    time = addChecked(time, problem.time[size_t(n)]);
  while (shift < 20 && time < (kMost >> (shift + 5)))
    ++shift;
  if (makers.empty() || bytes > kMost / 4 || time > kMost / 4)
    return;
  // from a price at which all is made again to one at which all is kept
  int64_t high = std::min((time << shift) / 64, (kMost / 8) / (bytes / 64));
  Cut fast = cutAt(high), small = cutAt(0);
  cuts = {fast, small};
  refine(small, fast, mostCuts);
}

CutBound::Cut CutBound::cutAt(int64_t price) const {
  int32_t source = int32_t(makers.size() + values.size()), sink = source + 1;
  Flow flow(size_t(sink) + 1);
  int64_t infinite = kMost / 2;
  auto nodeOf = [&](size_t value) { return int32_t(makers.size() + value); };
  for (size_t m = 0; m < makers.size(); ++m) {
    int32_t n = makers[m];
    flow.add(int32_t(m), sink,
             problem.once[size_t(n)] ? infinite : problem.time[size_t(n)] << shift);
    for (int32_t v : problem.inputs[n])
      if (valueOf[size_t(v)] >= 0)
        flow.add(int32_t(m), nodeOf(size_t(valueOf[size_t(v)])), infinite);
  }
  for (size_t i = 0; i < values.size(); ++i) {
    int32_t maker = makerOf[size_t(problem.producer[size_t(values[i])])];
    flow.add(nodeOf(i), maker, price * (problem.bytes[size_t(values[i])] / 64));
    if (isDemanded[i])
      flow.add(source, nodeOf(i), infinite);
  }
  Cut cut;
  cut.price = price;
  cut.value = flow.run(source, sink);
  for (size_t m = 0; m < makers.size(); ++m)
    if (flow.isOnSourceSide(int32_t(m)))
      cut.time += problem.time[size_t(makers[m])];
  for (size_t i = 0; i < values.size(); ++i)
    if (flow.isOnSourceSide(nodeOf(i)) &&
        !flow.isOnSourceSide(makerOf[size_t(problem.producer[size_t(values[i])])]))
      cut.kept += problem.bytes[size_t(values[i])];
  return cut;
}

/// Cuts at the price that makes two choices equal, as long as that finds a third.
void CutBound::refine(const Cut &fast, const Cut &small, int &left) {
  if (left <= 0 || fast.kept <= small.kept || small.time <= fast.time)
    return;
  int64_t lines = (fast.kept - small.kept) / 64;
  double exact = double(small.time - fast.time) / double(lines);
  int64_t price = int64_t(exact * double(int64_t(1) << shift));
  Cut middle = cutAt(price);
  --left;
  cuts.push_back(middle);
  if (middle.kept >= fast.kept || middle.kept <= small.kept)
    return;
  refine(fast, middle, left);
  refine(middle, small, left);
}

int64_t CutBound::extraTime(int64_t live) const {
  int64_t room = std::max<int64_t>(0, live - workingSet) / 64;
  int64_t most = 0;
  for (const Cut &cut : cuts) {
    if (cut.price != 0 && room > kMost / 2 / cut.price)
      continue;
    int64_t over = cut.value - cut.price * room;
    if (over > 0)
      most = std::max(most, over >> shift);
  }
  return most;
}

} // namespace linnet::plan
