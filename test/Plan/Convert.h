//===- Convert.h - test graphs for the planner ------------------*- C++ -*-===//
//
// Part of Linnet, under Apache-2.0 WITH LLVM-exception. See LICENSE.
//
//===----------------------------------------------------------------------===//
#ifndef LINNET_TEST_PLAN_CONVERT_H
#define LINNET_TEST_PLAN_CONVERT_H

#include "Graphs.h"
#include "linnet/Plan/Recompute.h"

namespace linnet::test::graphs {

inline plan::Graph convert(const Graph &graph) {
  plan::Graph out;
  for (const Value &value : graph.values)
    out.values.push_back({value.bytes, value.producer, value.result});
  for (const Node &node : graph.nodes) {
    plan::Node n;
    n.time = node.time;
    n.scratch = node.scratch;
    n.inputs.assign(node.inputs.begin(), node.inputs.end());
    n.outputs.assign(node.outputs.begin(), node.outputs.end());
    n.tied.assign(node.tied.begin(), node.tied.end());
    for (int v : node.mayReuse)
      n.reuses.push_back(v < 0 ? std::vector<int32_t>() : std::vector<int32_t>{v});
    n.once = node.once;
    out.nodes.push_back(std::move(n));
  }
  return out;
}

} // namespace linnet::test::graphs

#endif // LINNET_TEST_PLAN_CONVERT_H
