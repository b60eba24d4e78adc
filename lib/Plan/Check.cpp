//===- Check.cpp - graphs that can be planned -----------------------------===//
//
// Part of Linnet, under Apache-2.0 WITH LLVM-exception. See LICENSE.
//
//===----------------------------------------------------------------------===//
#include "Search.h"

#include <algorithm>

namespace linnet::plan {
namespace {

class Checker {
public:
  explicit Checker(const Graph &graph) : graph(graph) {}
  std::string run();

private:
  bool isValue(int32_t v) const { return v >= 0 && size_t(v) < graph.values.size(); }
  std::string checkNode(int32_t n) const;
  std::string checkOutput(int32_t n, size_t i) const;
  std::string checkDestroyed() const;
  bool isBefore(int32_t v, int32_t n) const {
    return isValue(v) && graph.values[size_t(v)].producer < n;
  }

  const Graph &graph;
};

std::string at(const char *what, int64_t i) { return std::string(what) + " " + std::to_string(i); }

std::string Checker::checkOutput(int32_t n, size_t i) const {
  const Node &node = graph.nodes[size_t(n)];
  int32_t v = node.outputs[i];
  if (!isValue(v) || graph.values[size_t(v)].producer != n)
    return at("node", n) + " writes " + at("value", v) + ", which names another producer";
  if (std::count(node.outputs.begin(), node.outputs.end(), v) != 1)
    return at("node", n) + " writes " + at("value", v) + " twice";
  auto isInput = [&](int32_t in) {
    return std::find(node.inputs.begin(), node.inputs.end(), in) != node.inputs.end();
  };
  if (i < node.tied.size() && node.tied[i] >= 0) {
    int32_t in = node.tied[i];
    if (!isInput(in))
      return at("node", n) + " ties an output to " + at("value", in) + ", which it does not read";
    if (std::count(node.tied.begin(), node.tied.end(), in) != 1)
      return at("node", n) + " ties two outputs to " + at("value", in);
    if (graph.values[size_t(in)].producer < 0 && !node.once)
      return at("node", n) + " destroys the source " + std::to_string(in) + " and may run twice";
  }
  if (i < node.reuses.size())
    for (int32_t in : node.reuses[i])
      if (!isInput(in))
        return at("node", n) + " may reuse " + at("value", in) + ", which it does not read";
  return "";
}

std::string Checker::checkNode(int32_t n) const {
  const Node &node = graph.nodes[size_t(n)];
  if (node.time < 0 || node.scratch < 0)
    return at("node", n) + " has a negative time or scratch";
  if (node.tied.size() > node.outputs.size() || node.reuses.size() > node.outputs.size())
    return at("node", n) + " has more ties than outputs";
  for (int32_t v : node.inputs)
    if (!isBefore(v, n))
      return at("node", n) + " reads " + at("value", v) + ", which no earlier node writes";
  for (int32_t before : node.after)
    if (before < 0 || before >= n)
      return at("node", n) + " runs behind " + at("node", before) + ", which is not earlier";
  for (size_t i = 0; i < node.outputs.size(); ++i)
    if (std::string problem = checkOutput(n, i); !problem.empty())
      return problem;
  return "";
}

/// Readers of what a node destroys can run before it.
std::string Checker::checkDestroyed() const {
  Problem problem(graph);
  Precedence precedence(problem);
  std::vector<int32_t> waiting = precedence.count(false), ready;
  for (int32_t n = 0; n < problem.nodeCount; ++n)
    if (waiting[size_t(n)] == 0)
      ready.push_back(n);
  for (size_t i = 0; i < ready.size(); ++i)
    for (int32_t n : precedence.behind[size_t(ready[i])])
      if (--waiting[size_t(n)] == 0)
        ready.push_back(n);
  for (int32_t n = 0; n < problem.nodeCount; ++n)
    for (int32_t v : problem.tied[n])
      if (waiting[size_t(n)] > 0 && v >= 0)
        return at("node", n) + " destroys " + at("value", v) + " before a node that reads it";
  return "";
}

std::string Checker::run() {
  for (size_t v = 0; v < graph.values.size(); ++v) {
    const Value &value = graph.values[v];
    if (value.bytes < 0)
      return at("value", int64_t(v)) + " has " + std::to_string(value.bytes) + " bytes";
    if (value.producer < 0)
      continue;
    if (size_t(value.producer) >= graph.nodes.size())
      return at("value", int64_t(v)) + " names " + at("node", value.producer) +
             ", which is not there";
    const auto &outputs = graph.nodes[size_t(value.producer)].outputs;
    if (std::find(outputs.begin(), outputs.end(), int32_t(v)) == outputs.end())
      return at("value", int64_t(v)) + " is not an output of its " + at("node", value.producer);
  }
  for (int32_t n = 0; n < int32_t(graph.nodes.size()); ++n)
    if (std::string problem = checkNode(n); !problem.empty())
      return problem;
  return checkDestroyed();
}

} // namespace

std::string check(const Graph &graph) { return Checker(graph).run(); }

std::string checkOrder(const Graph &graph, const std::vector<int32_t> &order) {
  for (int32_t n : order)
    if (n < 0 || size_t(n) >= graph.nodes.size())
      return at("node", n) + " is not there";
  Problem problem(graph);
  Evaluator evaluator(problem);
  return evaluator.run(order) ? "" : "something is read before it is made, or made too often";
}

} // namespace linnet::plan
