//===- Schedule.cpp - orders of runs and their bytes ----------------------===//
//
// Part of Linnet, under Apache-2.0 WITH LLVM-exception. See LICENSE.
//
//===----------------------------------------------------------------------===//
#include "Schedule.h"

#include <algorithm>

namespace linnet::plan {

static int64_t roundTo64(int64_t bytes) {
  return bytes <= 0 ? 0 : bytes > kMost - 63 ? kMost : (bytes + 63) / 64 * 64;
}

Problem::Problem(const Graph &graph)
    : nodeCount(int32_t(graph.nodes.size())), valueCount(int32_t(graph.values.size())) {
  for (const Value &value : graph.values) {
    producer.push_back(value.producer);
    result.push_back(value.result);
    isSource.push_back(value.producer < 0);
    bytes.push_back(value.producer < 0 ? 0 : roundTo64(value.bytes));
  }
  std::vector<std::vector<int32_t>> readerLists(graph.values.size());
  reuses.resize(graph.nodes.size());
  for (int32_t n = 0; n < nodeCount; ++n) {
    const Node &node = graph.nodes[size_t(n)];
    time.push_back(node.time);
    scratch.push_back(roundTo64(node.scratch));
    once.push_back(node.once);
    std::vector<int32_t> unique = node.inputs;
    std::sort(unique.begin(), unique.end());
    unique.erase(std::unique(unique.begin(), unique.end()), unique.end());
    for (int32_t v : unique)
      readerLists[size_t(v)].push_back(n);
    inputs.add(unique);
    outputs.add(node.outputs);
    after.add(node.after);
    std::vector<int32_t> ties = node.tied;
    ties.resize(node.outputs.size(), -1);
    for (size_t i = 0; i < ties.size(); ++i)
      if (ties[i] >= 0)
        bytes[size_t(node.outputs[i])] = bytes[size_t(ties[i])];
    for (size_t i = 0; i < node.reuses.size() && i < node.outputs.size(); ++i)
      for (int32_t v : node.reuses[i])
        if (int32_t o = node.outputs[i];
            ties[i] < 0 && bytes[size_t(v)] > 0 && bytes[size_t(v)] == bytes[size_t(o)])
          reuses[size_t(n)].push_back({o, v});
    mayTake.push_back(!reuses[size_t(n)].empty() ||
                      std::any_of(ties.begin(), ties.end(), [](int32_t v) { return v >= 0; }));
    tied.add(ties);
  }
  for (auto &list : readerLists)
    readers.add(list);
  findWanted(graph);
}

void Problem::findWanted(const Graph &graph) {
  wanted.assign(graph.nodes.size(), false);
  for (size_t n = graph.nodes.size(); n-- > 0;) {
    const Node &node = graph.nodes[n];
    bool want = wanted[n] || node.once;
    for (int32_t v : node.outputs)
      want |= graph.values[size_t(v)].result;
    wanted[n] = want;
    if (!want)
      continue;
    totalTime = addChecked(totalTime, node.time);
    for (int32_t v : node.inputs)
      if (int32_t maker = graph.values[size_t(v)].producer; maker >= 0)
        wanted[size_t(maker)] = true;
    for (int32_t before : node.after)
      wanted[size_t(before)] = true;
  }
}

//===----------------------------------------------------------------------===//
// Walking an order
//===----------------------------------------------------------------------===//

Evaluator::Evaluator(const Problem &problem) : problem(problem) {}

/// Which inputs are read for the last time by each step, and which outputs never are.
void Evaluator::findDeaths(const Order &order, const Flags &neededAfter) {
  needed = neededAfter;
  first.resize(order.size() + 1);
  uint32_t total = 0;
  for (size_t s = 0; s < order.size(); ++s) {
    first[s] = total;
    total += uint32_t(problem.inputs[order[s]].size() + problem.outputs[order[s]].size());
  }
  first[order.size()] = total;
  deaths.resize(total);
  for (size_t s = order.size(); s-- > 0;) {
    auto in = problem.inputs[order[s]], out = problem.outputs[order[s]];
    uint8_t *flag = deaths.data() + first[s];
    for (size_t i = 0; i < out.size(); ++i) {
      flag[in.size() + i] = !needed[size_t(out[i])];
      needed[size_t(out[i])] = false;
    }
    for (size_t i = 0; i < in.size(); ++i) {
      flag[i] = !needed[size_t(in[i])];
      needed[size_t(in[i])] = true;
    }
  }
}

bool Evaluator::inputDies(const Order &order, size_t step, int32_t input) const {
  auto in = problem.inputs[order[step]];
  const int32_t *at = std::lower_bound(in.begin(), in.end(), input);
  return deaths[first[step] + size_t(at - in.begin())];
}

bool Evaluator::isTaken(int32_t input) const {
  for (auto [output, from] : taken)
    if (from == input)
      return true;
  return false;
}

void Evaluator::findTaken(const Order &order, size_t step) {
  taken.clear();
  int32_t node = order[step];
  auto out = problem.outputs[node], ties = problem.tied[node];
  for (size_t i = 0; i < ties.size(); ++i)
    if (ties[i] >= 0)
      taken.push_back({out[i], ties[i]});
  for (auto [output, input] : problem.reuses[size_t(node)]) {
    bool open = !isTaken(input) && inputDies(order, step, input);
    for (auto [other, from] : taken)
      open &= other != output;
    if (open)
      taken.push_back({output, input});
  }
}

/// Everything that is read is there, single runs are single, and results are made.
bool Evaluator::isValid(const Order &order) {
  for (int32_t v = 0; v < problem.valueCount; ++v)
    if (needed[size_t(v)] && !problem.isSource[size_t(v)])
      return false;
  ran.assign(size_t(problem.nodeCount), false);
  for (size_t s = 0; s < order.size(); ++s) {
    int32_t n = order[s];
    if (ran[size_t(n)] && problem.once[size_t(n)])
      return false;
    for (int32_t before : problem.after[n])
      if (!ran[size_t(before)])
        return false;
    if (problem.mayTake[size_t(n)])
      for (int32_t v : problem.tied[n])
        if (v >= 0 && !inputDies(order, s, v))
          return false;
    ran[size_t(n)] = true;
  }
  for (int32_t n = 0; n < problem.nodeCount; ++n)
    if (problem.once[size_t(n)] && !ran[size_t(n)])
      return false;
  return true;
}

bool Evaluator::run(const Order &order) {
  findDeaths(order, problem.result);
  if (!isValid(order))
    return false;
  walk(order, 0);
  return true;
}

int64_t Evaluator::peakOfPart(const Order &part, int64_t startLive, const Flags &neededAfter) {
  findDeaths(part, neededAfter);
  walk(part, startLive);
  return std::max(peak, startLive);
}

void Evaluator::walk(const Order &order, int64_t live) {
  profile.resize(order.size());
  peak = time = 0;
  peakStep = -1;
  for (size_t s = 0; s < order.size(); ++s) {
    int32_t n = order[s];
    auto in = problem.inputs[n], out = problem.outputs[n];
    const uint8_t *dies = deaths.data() + first[s];
    taken.clear();
    if (problem.mayTake[size_t(n)])
      findTaken(order, s);
    int64_t fresh = 0, freed = 0;
    for (int32_t v : out)
      fresh = addChecked(fresh, problem.bytes[size_t(v)]);
    for (auto [output, input] : taken)
      fresh -= problem.bytes[size_t(output)];
    for (size_t i = 0; i < in.size(); ++i)
      if (dies[i] && !isTaken(in[i]))
        freed += problem.bytes[size_t(in[i])];
    for (size_t i = 0; i < out.size(); ++i)
      if (dies[in.size() + i])
        freed += problem.bytes[size_t(out[i])];
    live = addChecked(live, fresh);
    profile[s] = addChecked(live, problem.scratch[size_t(n)]);
    if (profile[s] > peak || s == 0)
      peak = profile[s], peakStep = int32_t(s);
    live -= freed;
    time = addChecked(time, problem.time[size_t(n)]);
  }
}

void Evaluator::build(const Order &order, Plan &plan) {
  run(order);
  std::vector<int32_t> bufferOf(size_t(problem.valueCount), -1);
  Flags seen(size_t(problem.nodeCount), false);
  auto add = [&](int64_t bytes, size_t step) {
    plan.buffers.push_back({bytes, alignmentOf(bytes), int32_t(step), int32_t(step)});
    return int32_t(plan.buffers.size()) - 1;
  };
  for (size_t s = 0; s < order.size(); ++s) {
    int32_t n = order[s];
    Step step;
    step.node = n;
    step.again = seen[size_t(n)];
    plan.recomputed += step.again;
    seen[size_t(n)] = true;
    for (int32_t v : problem.inputs[n])
      if (int32_t b = bufferOf[size_t(v)]; b >= 0)
        plan.buffers[size_t(b)].last = int32_t(s);
    findTaken(order, s);
    std::vector<std::pair<int32_t, int32_t>> made;
    for (int32_t v : problem.outputs[n]) {
      int32_t buffer = -2;
      for (auto [output, input] : taken)
        if (output == v)
          buffer = bufferOf[size_t(input)];
      if (buffer == -2)
        buffer = problem.bytes[size_t(v)] > 0 ? add(problem.bytes[size_t(v)], s) : -1;
      step.buffers.push_back(buffer);
      made.push_back({v, buffer});
    }
    for (auto [v, buffer] : made)
      bufferOf[size_t(v)] = buffer;
    if (problem.scratch[size_t(n)] > 0)
      step.scratch = add(problem.scratch[size_t(n)], s);
    plan.steps.push_back(std::move(step));
  }
  for (int32_t v = 0; v < problem.valueCount; ++v)
    if (int32_t b = bufferOf[size_t(v)]; b >= 0 && problem.result[size_t(v)])
      plan.buffers[size_t(b)].last = int32_t(order.size()) - 1;
  plan.time = time;
  plan.extraTime = time - problem.totalTime;
  plan.peakStep = peakStep;
}

} // namespace linnet::plan
