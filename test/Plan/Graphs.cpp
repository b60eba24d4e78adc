//===- Graphs.cpp - random graphs for planning under a budget -------------===//
//
// Part of Linnet, under Apache-2.0 WITH LLVM-exception. See LICENSE.
//
//===----------------------------------------------------------------------===//
#include "Graphs.h"

#include <algorithm>
#include <stdexcept>

namespace linnet::test::graphs {

const char *const families[4] = {"chain", "residual", "unet", "branchy"};

int Graph::addSource(int64_t bytes) {
  values.push_back({bytes, -1, false});
  return int(values.size()) - 1;
}

int Graph::addNode(int64_t time, std::vector<int> inputs, const std::vector<int64_t> &sizes) {
  Node node;
  node.time = time;
  node.inputs = std::move(inputs);
  for (int64_t bytes : sizes) {
    node.outputs.push_back(int(values.size()));
    values.push_back({bytes, int(nodes.size()), false});
  }
  node.tied.assign(sizes.size(), -1);
  node.mayReuse.assign(sizes.size(), -1);
  nodes.push_back(std::move(node));
  return int(nodes.size()) - 1;
}

namespace {

/// SplitMix64: the standard's distributions differ between libraries.
class Random {
public:
  explicit Random(uint64_t seed) : state(seed) {}
  uint64_t next() {
    uint64_t z = state += 0x9e3779b97f4a7c15u;
    z = (z ^ (z >> 30)) * 0xbf58476d1ce4e5b9u;
    z = (z ^ (z >> 27)) * 0x94d049bb133111ebu;
    return z ^ (z >> 31);
  }
  /// Uniform in [low, high].
  int64_t in(int64_t low, int64_t high) { return low + int64_t(next() % uint64_t(high - low + 1)); }
  bool chance(int percent) { return in(0, 99) < percent; }

private:
  uint64_t state;
};

class Maker {
public:
  Maker(const std::string &family, uint64_t seed, int maxNodes)
      : random(seed * 4 + 1), maxNodes(maxNodes) {
    graph.family = family;
    spread = random.in(0, 2);
  }
  Graph make();

private:
  int64_t size();
  int64_t time();
  int forward(std::vector<int> inputs, int64_t bytes = -1);
  void chain(int length);
  void residual(int length);
  void unet(int depth);
  void branchy(int count);
  void backward();
  int adjoint(int node, int gradient, std::vector<int> &partial);
  void update(int node, int gradient);

  Random random;
  int maxNodes, forwardNodes = 0, updates = 0;
  int64_t spread; // 0: equal sizes, 1: within 4, 2: within 40
  Graph graph;
};

int64_t Maker::size() {
  int64_t units = spread == 0 ? 4 : spread == 1 ? random.in(2, 8) : random.in(1, 40);
  return units * 64 - (random.chance(10) ? random.in(1, 63) : 0);
}

int64_t Maker::time() { return spread == 0 ? 10 : random.in(1, spread == 1 ? 20 : 100); }

int Maker::forward(std::vector<int> inputs, int64_t bytes) {
  std::sort(inputs.begin(), inputs.end());
  inputs.erase(std::unique(inputs.begin(), inputs.end()), inputs.end());
  int node = graph.addNode(time(), std::move(inputs), {bytes < 0 ? size() : bytes});
  ++forwardNodes;
  Node &added = graph.nodes[node];
  if (random.chance(15))
    added.scratch = size();
  int64_t own = graph.values[added.outputs[0]].bytes;
  for (int v : added.inputs)
    if (graph.values[v].producer >= 0 && graph.values[v].bytes == own && random.chance(40))
      added.mayReuse[0] = v;
  return graph.output(node);
}

void Maker::chain(int length) {
  int x = graph.addSource(size());
  for (int i = 0; i < length; ++i)
    x = forward({x});
}

/// Every other step reads the state before its predecessor too.
void Maker::residual(int length) {
  int before = graph.addSource(size()), x = before;
  for (int i = 0; i < length; ++i) {
    int next = i % 2 == 0 ? forward({x}) : forward({x, before}, graph.values[before].bytes);
    before = i % 2 == 0 ? x : next;
    x = next;
  }
}

void Maker::unet(int depth) {
  int x = graph.addSource(size());
  std::vector<int> skips;
  for (int i = 0; i < depth; ++i)
    skips.push_back(x = forward({x}));
  x = forward({x});
  for (int i = depth; i-- > 0;)
    x = forward({x, skips[i]});
}

void Maker::branchy(int count) {
  int source = graph.addSource(size());
  std::vector<int> made, unread;
  for (int i = 0; i + 1 < count; ++i) {
    std::vector<int> inputs;
    int wanted = int(random.in(1, 2));
    for (int k = 0; k < wanted; ++k)
      inputs.push_back(made.empty() || random.chance(15)
                           ? source
                           : made[size_t(random.in(std::max<int64_t>(0, int64_t(made.size()) - 4),
                                                   int64_t(made.size()) - 1))]);
    for (int v : inputs)
      unread.erase(std::remove(unread.begin(), unread.end(), v), unread.end());
    made.push_back(forward(inputs));
    unread.push_back(made.back());
  }
  forward(unread.empty() ? std::vector<int>{source} : unread);
}

/// AdamW in miniature: reads a gradient, overwrites a parameter that the forward node reads.
void Maker::update(int node, int gradient) {
  int parameter = graph.addSource(64);
  graph.nodes[node].inputs.push_back(parameter);
  int step = graph.addNode(random.in(1, 5), {parameter, gradient}, {64});
  graph.nodes[step].tied[0] = parameter;
  graph.nodes[step].once = true;
  graph.values[graph.output(step)].result = true;
  ++updates;
}

/// The adjoint of `node`: reads the gradient of its output and some of what it read or made;
/// makes or continues the gradients of its inputs.
int Maker::adjoint(int node, int gradient, std::vector<int> &partial) {
  Node forwardNode = graph.nodes[node];
  std::vector<int> inputs, sums;
  if (gradient >= 0)
    inputs.push_back(gradient);
  bool readsOutput = random.chance(40);
  for (int v : forwardNode.inputs)
    if (!readsOutput || random.chance(70))
      inputs.push_back(v);
  if (readsOutput || inputs.size() == (gradient >= 0 ? 1u : 0u))
    inputs.push_back(graph.output(node));
  std::vector<int64_t> sizes;
  std::vector<int> targets;
  for (int v : forwardNode.inputs)
    if (graph.values[v].producer >= 0 || forwardNode.inputs.size() == 1) {
      sizes.push_back(graph.values[v].bytes);
      targets.push_back(v);
      sums.push_back(partial[size_t(v)]);
      if (sums.back() >= 0)
        inputs.push_back(sums.back());
    }
  bool weight = random.chance(35) && int(graph.nodes.size()) + node + 2 < maxNodes;
  if (weight || sizes.empty())
    sizes.push_back(size());
  int added = graph.addNode(time() + (spread ? random.in(0, 20) : 10), inputs, sizes);
  for (size_t i = 0; i < targets.size(); ++i) {
    graph.nodes[added].tied[i] = sums[i] >= 0 && random.chance(50) ? sums[i] : -1;
    partial[size_t(targets[i])] = graph.output(added, int(i));
  }
  if (sizes.size() > targets.size())
    partial.push_back(graph.output(added, int(sizes.size()) - 1)); // a weight's gradient
  return added;
}

void Maker::backward() {
  std::vector<int> partial(graph.values.size(), -1);
  for (int node = forwardNodes; node-- > 0;) {
    size_t before = partial.size();
    int gradient = partial[size_t(graph.output(node))];
    int added = adjoint(node, gradient, partial);
    if (random.chance(8))
      graph.nodes[added].once = true;
    if (partial.size() == before)
      continue;
    int weight = partial.back();
    partial.resize(before);
    if (random.chance(70))
      update(node, weight);
    else
      graph.values[size_t(weight)].result = true;
  }
  // gradients that nothing reads are what the caller wants
  std::vector<bool> read(graph.values.size(), false);
  for (const Node &node : graph.nodes)
    for (int v : node.inputs)
      read[size_t(v)] = true;
  for (size_t v = 0; v < graph.values.size(); ++v)
    if (!read[v] && graph.values[v].producer >= 0)
      graph.values[v].result = true;
}

Graph Maker::make() {
  int half = maxNodes / 2;
  if (graph.family == "chain")
    chain(int(random.in(4, half)));
  else if (graph.family == "residual")
    residual(int(random.in(4, half)));
  else if (graph.family == "unet")
    unet(int(random.in(2, (half - 1) / 2)));
  else if (graph.family == "branchy")
    branchy(int(random.in(4, half)));
  else
    throw std::invalid_argument("no family of graphs is called " + graph.family);
  backward();
  return graph;
}

} // namespace

Graph makeGraph(const std::string &family, uint64_t seed, int maxNodes) {
  return Maker(family, seed, maxNodes).make();
}

Graph makeUniformChain(int length, int64_t unit) {
  Graph graph;
  graph.family = "uniform";
  std::vector<int> states = {graph.addSource(unit)};
  for (int i = 1; i < length; ++i) {
    int node = graph.addNode(1, {states.back()}, {unit});
    if (i > 1)
      graph.nodes[size_t(node)].mayReuse[0] = states.back();
    states.push_back(graph.output(node));
  }
  int gradient = -1;
  for (int i = length; i-- > 0;) {
    std::vector<int> inputs = {states[size_t(i)]};
    if (gradient >= 0)
      inputs.push_back(gradient);
    gradient = graph.output(graph.addNode(0, inputs, {0}));
  }
  graph.values[size_t(gradient)].result = true;
  return graph;
}

} // namespace linnet::test::graphs
