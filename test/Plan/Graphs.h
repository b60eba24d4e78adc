//===- Graphs.h - random graphs for planning under a budget -----*- C++ -*-===//
//
// Part of Linnet, under Apache-2.0 WITH LLVM-exception. See LICENSE.
//
// Graphs of work with forward and backward halves, for the tests of the planner. Plain data of
// its own: neither the generator nor the exact solver beside it shares code with the library.
//===----------------------------------------------------------------------===//
#ifndef LINNET_TEST_PLAN_GRAPHS_H
#define LINNET_TEST_PLAN_GRAPHS_H

#include <cstdint>
#include <string>
#include <vector>

namespace linnet::test::graphs {

struct Value {
  int64_t bytes = 0;
  int producer = -1;   // -1: a source, whose bytes are not counted
  bool result = false; // is there at the end
};

/// Running a node needs its inputs and room for its outputs and its scratch. It destroys the
/// input that an output is tied to, whose bytes that output takes over. An output takes over the
/// bytes of its `mayReuse` input when that input is dropped as the node runs.
struct Node {
  int64_t time = 1, scratch = 0;
  std::vector<int> inputs, outputs;
  std::vector<int> tied, mayReuse; // per output: a value, or -1
  bool once = false;               // runs exactly once
};

/// Every node is behind what makes its inputs; what it destroys may have readers behind it.
struct Graph {
  std::string family;
  std::vector<Node> nodes;
  std::vector<Value> values;

  int addSource(int64_t bytes);
  /// Adds a node with one output per size and returns its number.
  int addNode(int64_t time, std::vector<int> inputs, const std::vector<int64_t> &sizes);
  int output(int node, int i = 0) const { return nodes[node].outputs[i]; }
};

extern const char *const families[4]; // chain, residual, unet, branchy

/// A graph of at most `maxNodes` nodes; the same for the same seed on every machine.
Graph makeGraph(const std::string &family, uint64_t seed, int maxNodes);

/// Griewank and Walther's model: `length` equal steps whose adjoints read the state before them.
/// The first state is a source, a state takes `unit` bytes and an advance may overwrite the state
/// that it starts from, which takes one unit of time. Adjoints and gradients are free.
Graph makeUniformChain(int length, int64_t unit);

/// One train step of a decoder with `layers` layers of width `width` over `tokens` tokens, cut
/// into dispatches as the compiler does it, with AdamW in place.
Graph makeTrainStep(int layers, int64_t tokens, int64_t width, int64_t vocabulary);

} // namespace linnet::test::graphs

#endif // LINNET_TEST_PLAN_GRAPHS_H
