//===- linnet-plan.cpp - the planner of recomputation on JSON graphs ------===//
//
// Part of Linnet, under Apache-2.0 WITH LLVM-exception. See LICENSE.
//
// Lets Python tests drive the planner, the generator of graphs and the exact solver.
//===----------------------------------------------------------------------===//
#include "Convert.h"
#include "Oracle.h"

#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <iostream>
#include <nlohmann/json.hpp>

using namespace linnet;
using Json = nlohmann::ordered_json;
namespace graphs = linnet::test::graphs;

namespace {

const char *const usage = R"(usage: linnet-plan generate FAMILY SEED NODES    prints a graph
       linnet-plan train-step LAYERS TOKENS WIDTH VOCABULARY
       linnet-plan plan BUDGET < GRAPH            prints the fastest plan within BUDGET bytes
       linnet-plan table ROWS < GRAPH             prints the Pareto table
       linnet-plan exact BUDGET < GRAPH           prints the least time, by brute force

A graph is {"values": [{"bytes", "producer", "result"}], "nodes": [{"time", "scratch", "inputs",
"outputs", "tied", "reuses", "once"}]}; what is left out is empty, 0, -1 or false.
--live before the command counts live bytes, as if placement were perfect.
)";

Json toJson(const graphs::Graph &graph) {
  Json values = Json::array(), nodes = Json::array();
  for (const graphs::Value &v : graph.values)
    values.push_back({{"bytes", v.bytes}, {"producer", v.producer}, {"result", v.result}});
  for (const graphs::Node &n : graph.nodes)
    nodes.push_back({{"time", n.time},
                     {"scratch", n.scratch},
                     {"inputs", n.inputs},
                     {"outputs", n.outputs},
                     {"tied", n.tied},
                     {"reuses", n.mayReuse},
                     {"once", n.once}});
  return {{"values", values}, {"nodes", nodes}};
}

graphs::Graph fromJson(const Json &json) {
  graphs::Graph graph;
  for (const Json &v : json.at("values"))
    graph.values.push_back(
        {v.value("bytes", int64_t(0)), v.value("producer", -1), v.value("result", false)});
  for (const Json &n : json.at("nodes")) {
    graphs::Node node;
    node.time = n.value("time", int64_t(1));
    node.scratch = n.value("scratch", int64_t(0));
    node.inputs = n.value("inputs", std::vector<int>());
    node.outputs = n.value("outputs", std::vector<int>());
    node.tied = n.value("tied", std::vector<int>());
    node.mayReuse = n.value("reuses", std::vector<int>());
    node.tied.resize(node.outputs.size(), -1);
    node.mayReuse.resize(node.outputs.size(), -1);
    node.once = n.value("once", false);
    graph.nodes.push_back(std::move(node));
  }
  return graph;
}

Json planToJson(const plan::BudgetPlan &found) {
  Json steps = Json::array();
  for (const plan::Step &step : found.plan.steps)
    steps.push_back(step.node);
  return {{"feasible", found.feasible},
          {"smallest_budget", found.smallestBudget},
          {"lower_bound", found.lowerBound},
          {"peak", found.plan.peak},
          {"live_bytes", found.plan.liveBytes},
          {"time", found.plan.time},
          {"extra_time", found.plan.extraTime},
          {"recomputed", found.plan.recomputed},
          {"steps", steps}};
}

Json tableToJson(const plan::Recomputation &planner, int rows) {
  Json table = Json::array();
  for (const plan::ParetoRow &row : planner.paretoTable(rows))
    table.push_back({{"budget", row.budget},
                     {"peak", row.peak},
                     {"extra_time", row.extraTime},
                     {"lower_bound", row.lowerBound},
                     {"gap", row.gap},
                     {"recomputed", row.recomputed}});
  return {{"exact", planner.isExact()}, {"rows", table}};
}

int run(int argc, char **argv) {
  plan::RecomputeOptions options;
  if (argc > 1 && !std::strcmp(argv[1], "--live")) {
    options.countLiveBytes = true;
    ++argv, --argc;
  }
  auto number = [&](int i) { return std::atoll(argv[i]); };
  std::string command = argc > 1 ? argv[1] : "";
  Json out;
  if (command == "generate" && argc == 5) {
    out = toJson(graphs::makeGraph(argv[2], uint64_t(number(3)), int(number(4))));
  } else if (command == "train-step" && argc == 6) {
    out = toJson(graphs::makeTrainStep(int(number(2)), number(3), number(4), number(5)));
  } else if (argc == 3 && (command == "plan" || command == "table" || command == "exact")) {
    graphs::Graph graph = fromJson(Json::parse(std::cin));
    if (std::string problem = plan::check(graphs::convert(graph)); !problem.empty()) {
      std::fprintf(stderr, "error: %s\n", problem.c_str());
      return 1;
    }
    if (command == "exact") {
      out = {{"time", graphs::leastTime(graph, number(2))}};
    } else {
      plan::Recomputation planner(graphs::convert(graph), options);
      out = command == "plan" ? planToJson(planner.planForBudget(number(2)))
                              : tableToJson(planner, int(number(2)));
    }
  } else {
    std::fputs(usage, stderr);
    return 1;
  }
  std::cout << out.dump() << "\n";
  return 0;
}

} // namespace

int main(int argc, char **argv) {
  try {
    return run(argc, argv);
  } catch (const std::exception &e) {
    std::fprintf(stderr, "error: %s\n", e.what());
    return 1;
  }
}
