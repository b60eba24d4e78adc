//===- Checkpoints.cpp - regions whose values the user does not keep ------===//
//
// Part of Linnet, under Apache-2.0 WITH LLVM-exception. See LICENSE.
//
//===----------------------------------------------------------------------===//
#include "linnet/Plan/Recompute.h"

#include <algorithm>

namespace linnet::plan {
namespace {

bool contains(const std::vector<int32_t> &list, int32_t i) {
  return std::find(list.begin(), list.end(), i) != list.end();
}

/// Copies one region of a graph whose node numbers are those of the caller.
class RegionCopier {
public:
  RegionCopier(Graph &graph, const CheckpointRegion &region) : graph(graph), region(region) {}
  /// Copies in order, and before which node they belong; their numbers follow the graph's.
  void run();
  std::vector<int32_t> originals;
  std::vector<Node> copies;
  int32_t before = -1;

private:
  bool isInner(int32_t v) const {
    int32_t maker = graph.values[size_t(v)].producer;
    return maker >= 0 && contains(region.nodes, maker) && !contains(region.yielded, v) &&
           !graph.nodes[size_t(maker)].once;
  }
  void findReaders();
  void findNeeded();
  Node copyOf(int32_t n);
  std::vector<int32_t> triggers() const;
  void redirect(Node &node) const;

  Graph &graph;
  const CheckpointRegion &region;
  std::vector<int32_t> readers; // behind the region
  std::vector<int32_t> needed;  // nodes to copy, in order
  std::vector<int32_t> copyOfValue;
};

void RegionCopier::findReaders() {
  int32_t last = *std::max_element(region.nodes.begin(), region.nodes.end());
  for (int32_t n = last + 1; n < int32_t(graph.nodes.size()); ++n) {
    const auto &inputs = graph.nodes[size_t(n)].inputs;
    if (std::any_of(inputs.begin(), inputs.end(), [&](int32_t v) { return isInner(v); }))
      readers.push_back(n);
  }
}

void RegionCopier::findNeeded() {
  std::vector<bool> wanted(graph.nodes.size(), false);
  auto want = [&](int32_t n) {
    for (int32_t v : graph.nodes[size_t(n)].inputs)
      if (isInner(v))
        wanted[size_t(graph.values[size_t(v)].producer)] = true;
  };
  for (int32_t reader : readers)
    want(reader);
  for (int32_t n = int32_t(graph.nodes.size()); n-- > 0;)
    if (wanted[size_t(n)])
      want(n), needed.push_back(n);
  std::reverse(needed.begin(), needed.end());
}

/// What makes the other inputs of the first reader, behind the region.
std::vector<int32_t> RegionCopier::triggers() const {
  std::vector<int32_t> nodes;
  int32_t last = *std::max_element(region.nodes.begin(), region.nodes.end());
  for (int32_t v : graph.nodes[size_t(readers.front())].inputs)
    if (int32_t maker = graph.values[size_t(v)].producer; maker > last && !isInner(v))
      nodes.push_back(maker);
  return nodes;
}

void RegionCopier::redirect(Node &node) const {
  auto change = [&](int32_t &v) {
    if (v >= 0 && copyOfValue[size_t(v)] >= 0)
      v = copyOfValue[size_t(v)];
  };
  std::for_each(node.inputs.begin(), node.inputs.end(), change);
  std::for_each(node.tied.begin(), node.tied.end(), change);
  for (auto &list : node.reuses)
    std::for_each(list.begin(), list.end(), change);
}

Node RegionCopier::copyOf(int32_t n) {
  Node copy = graph.nodes[size_t(n)];
  redirect(copy);
  for (int32_t &v : copy.outputs) {
    Value fresh = graph.values[size_t(v)];
    fresh.producer = int32_t(graph.nodes.size() + copies.size());
    fresh.result = false;
    int32_t number = int32_t(graph.values.size());
    graph.values.push_back(fresh);
    copyOfValue.push_back(-1);
    copyOfValue[size_t(v)] = isInner(v) ? number : -1;
    v = number;
  }
  return copy;
}

void RegionCopier::run() {
  findReaders();
  if (readers.empty())
    return;
  findNeeded();
  before = readers.front();
  copyOfValue.assign(graph.values.size(), -1);
  std::vector<int32_t> behind = triggers();
  for (int32_t n : needed) {
    Node copy = copyOf(n);
    copy.after.insert(copy.after.end(), behind.begin(), behind.end());
    originals.push_back(n);
    copies.push_back(std::move(copy));
  }
  for (int32_t reader : readers)
    redirect(graph.nodes[size_t(reader)]);
}

/// Puts the copies before `before`; `number` gets the new number of every old node.
void insertCopies(Graph &graph, RegionCopier &copier, std::vector<int32_t> &origin,
                  std::vector<int32_t> &number) {
  size_t before = size_t(copier.before), count = copier.copies.size(), old = graph.nodes.size();
  number.resize(old + count);
  for (size_t n = 0; n < old; ++n)
    number[n] = int32_t(n < before ? n : n + count);
  for (size_t i = 0; i < count; ++i)
    number[old + i] = int32_t(before + i);
  std::vector<int32_t> copied;
  copied.reserve(count);
  for (int32_t n : copier.originals)
    copied.push_back(origin[size_t(n)]);
  graph.nodes.insert(graph.nodes.begin() + copier.before, copier.copies.begin(),
                     copier.copies.end());
  origin.insert(origin.begin() + copier.before, copied.begin(), copied.end());
  for (Value &value : graph.values)
    if (value.producer >= 0)
      value.producer = number[size_t(value.producer)];
  for (Node &node : graph.nodes)
    for (int32_t &n : node.after)
      n = number[size_t(n)];
}

} // namespace

Graph expandCheckpoints(const Graph &given, const std::vector<CheckpointRegion> &regions,
                        std::vector<int32_t> &origin) {
  Graph graph = given;
  origin.resize(graph.nodes.size());
  std::vector<int32_t> where(graph.nodes.size());
  for (size_t n = 0; n < origin.size(); ++n)
    origin[n] = where[n] = int32_t(n);
  for (const CheckpointRegion &region : regions) {
    CheckpointRegion moved = region;
    for (int32_t &n : moved.nodes)
      n = where[size_t(n)];
    if (moved.nodes.empty())
      continue;
    RegionCopier copier(graph, moved);
    copier.run();
    if (copier.copies.empty())
      continue;
    std::vector<int32_t> number;
    insertCopies(graph, copier, origin, number);
    for (int32_t &n : where)
      n = number[size_t(n)];
  }
  return graph;
}

} // namespace linnet::plan
