//===- Bounds.cpp - what no plan can beat ---------------------------------===//
//
// Part of Linnet, under Apache-2.0 WITH LLVM-exception. See LICENSE.
//
// When a node runs first, its ancestors have run and its descendants have not. A value that the
// former made and the latter read is there at this moment, or its maker runs again. What is there
// fits beside the node; the cheapest makers for their bytes go first, the last one in part.
//===----------------------------------------------------------------------===//
#include "CutBound.h"

#include <algorithm>

namespace linnet::plan {

Bounds::Bounds(const Problem &p)
    : problem(p), ancestors(size_t(p.nodeCount)), crossing(size_t(p.nodeCount)) {
  for (int32_t n = 0; n < p.nodeCount; ++n)
    if (p.wanted[size_t(n)])
      largestNode = std::max(largestNode, workingSet(n));
  if (p.nodeCount > kMostNodes)
    return;
  size_t words = size_t(p.nodeCount) / 64 + 1;
  for (int32_t n = 0; n < p.nodeCount; ++n) {
    auto &set = ancestors[size_t(n)];
    set.assign(words, 0);
    auto include = [&](int32_t before) {
      for (size_t w = 0; w < words; ++w)
        set[w] |= ancestors[size_t(before)][w];
      set[size_t(before) / 64] |= uint64_t(1) << (size_t(before) % 64);
    };
    for (int32_t v : p.inputs[n])
      if (p.producer[size_t(v)] >= 0)
        include(p.producer[size_t(v)]);
    for (int32_t before : p.after[n])
      include(before);
  }
  for (int32_t n = 0; n < p.nodeCount; ++n)
    if (p.wanted[size_t(n)])
      collectCrossing(n);
}

int64_t Bounds::workingSet(int32_t node) const {
  int64_t sum = problem.scratch[size_t(node)];
  for (int32_t v : problem.inputs[node])
    sum = addChecked(sum, problem.bytes[size_t(v)]);
  auto out = problem.outputs[node], ties = problem.tied[node];
  for (size_t i = 0; i < out.size(); ++i) {
    bool mayReuse = ties[i] >= 0;
    for (auto [output, input] : problem.reuses[size_t(node)])
      mayReuse |= output == out[i];
    if (!mayReuse)
      sum = addChecked(sum, problem.bytes[size_t(out[i])]);
  }
  return sum;
}

void Bounds::collectCrossing(int32_t node) {
  auto isInput = [&](int32_t v) {
    auto in = problem.inputs[node];
    return std::find(in.begin(), in.end(), v) != in.end();
  };
  auto isWanted = [&](int32_t v) {
    if (problem.result[size_t(v)])
      return true;
    for (int32_t reader : problem.readers[v])
      if (problem.wanted[size_t(reader)] && isAncestor(node, reader))
        return true;
    return false;
  };
  std::vector<std::pair<double, size_t>> price;
  std::vector<std::pair<int32_t, int64_t>> makers;
  for (int32_t maker = 0; maker < node; ++maker) {
    if (!isAncestor(maker, node))
      continue;
    int64_t bytes = 0;
    for (int32_t v : problem.outputs[maker])
      if (problem.bytes[size_t(v)] > 0 && !isInput(v) && isWanted(v))
        bytes = addChecked(bytes, problem.bytes[size_t(v)]);
    if (bytes == 0)
      continue;
    price.push_back({double(problem.time[size_t(maker)]) / double(bytes), makers.size()});
    makers.push_back({problem.once[size_t(maker)] ? -1 - maker : maker, bytes});
  }
  std::sort(price.begin(), price.end());
  for (auto [unit, i] : price)
    crossing[size_t(node)].push_back(makers[i]);
}

int32_t Bounds::turningNode() const {
  int32_t best = -1;
  int64_t most = 0;
  for (int32_t n = 0; n < problem.nodeCount; ++n) {
    int64_t waiting = 0;
    for (auto [maker, bytes] : crossing[size_t(n)])
      waiting = addChecked(waiting, bytes);
    if (waiting > most)
      most = waiting, best = n;
  }
  return best;
}

int64_t Bounds::extraAt(int32_t node, int64_t live) const {
  int64_t over = workingSet(node) - live;
  for (auto [maker, bytes] : crossing[size_t(node)])
    over = addChecked(over, bytes);
  int64_t extra = 0;
  for (auto [maker, bytes] : crossing[size_t(node)]) {
    if (over <= 0)
      break;
    if (maker < 0)
      continue;
    int64_t time = problem.time[size_t(maker)];
    // a little less than the exact quotient, so that rounding keeps the bound
    extra += over >= bytes ? time : int64_t(double(time) * double(over) / double(bytes) * 0.999999);
    over -= std::min(over, bytes);
  }
  return extra;
}

int64_t Bounds::extraTime(int64_t live, int32_t *node) const {
  int64_t most = 0;
  for (int32_t n = 0; n < problem.nodeCount; ++n) {
    if (!problem.wanted[size_t(n)])
      continue;
    int64_t extra = extraAt(n, live);
    if (node && extra > most)
      *node = n;
    most = std::max(most, extra);
  }
  return most;
}

int64_t peakLowerBound(const Graph &graph) {
  Problem problem(graph);
  return addChecked(graph.fixedBytes, Bounds(problem).peak());
}

TimeBound::TimeBound(const Problem &problem, int64_t least, int64_t most) : bounds(problem) {
  constexpr int kNodes = 3, kCuts = 20;
  std::vector<int32_t> nodes = {bounds.turningNode()};
  for (int i = 1; i <= kNodes; ++i) {
    int32_t node = -1;
    bounds.extraTime(least + (most - least) / (kNodes + 1) * i, &node);
    nodes.push_back(node);
  }
  std::sort(nodes.begin(), nodes.end());
  nodes.erase(std::unique(nodes.begin(), nodes.end()), nodes.end());
  for (int32_t node : nodes)
    if (node >= 0)
      cuts.emplace_back(problem, bounds, node, kCuts);
}

int64_t TimeBound::extraTime(int64_t live) const {
  int64_t most = bounds.extraTime(live);
  for (const CutBound &cut : cuts)
    most = std::max(most, cut.extraTime(live));
  return most;
}

int64_t extraTimeLowerBound(const Graph &graph, int64_t budget) {
  Problem problem(graph);
  int64_t live = budget - graph.fixedBytes;
  return TimeBound(problem, live, live).extraTime(live);
}

} // namespace linnet::plan
