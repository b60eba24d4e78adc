//===- Orders.cpp - orders of single runs ---------------------------------===//
//
// Part of Linnet, under Apache-2.0 WITH LLVM-exception. See LICENSE.
//
//===----------------------------------------------------------------------===//
#include "Search.h"

#include <algorithm>
#include <set>

namespace linnet::plan {

Precedence::Precedence(const Problem &p)
    : before(size_t(p.nodeCount)), behind(size_t(p.nodeCount)) {
  for (int32_t n = 0; n < p.nodeCount; ++n) {
    if (!p.wanted[size_t(n)])
      continue;
    auto &list = before[size_t(n)];
    for (int32_t v : p.inputs[n])
      if (p.producer[size_t(v)] >= 0)
        list.push_back(p.producer[size_t(v)]);
    list.insert(list.end(), p.after[n].begin(), p.after[n].end());
    for (int32_t v : p.tied[n])
      if (v >= 0)
        for (int32_t reader : p.readers[v])
          if (reader != n && p.wanted[size_t(reader)])
            list.push_back(reader);
    std::sort(list.begin(), list.end());
    list.erase(std::unique(list.begin(), list.end()), list.end());
    for (int32_t b : list)
      behind[size_t(b)].push_back(n);
  }
}

std::vector<int32_t> Precedence::count(bool reversed) const {
  std::vector<int32_t> counts;
  for (const auto &list : reversed ? behind : before)
    counts.push_back(int32_t(list.size()));
  return counts;
}

namespace {

enum class Rule { LeastChange, FreeFirst, LeastRoom };

/// Picks ready nodes one by one, from the front or from the back.
class Lister {
public:
  Lister(const Problem &problem, const Precedence &precedence)
      : problem(problem), precedence(precedence) {}
  Order forward(Rule rule);
  Order backward();

private:
  struct Effect {
    int64_t room, change;
  };
  Effect effectOf(int32_t node) const;
  int64_t changeBackward(int32_t node) const;
  template <typename Key> Order pick(bool reversed, Key key);
  void done(int32_t node, bool reversed);

  const Problem &problem;
  const Precedence &precedence;
  std::vector<int32_t> left; // readers that have not run
  Flags live;                // backwards: read by what was picked
};

Lister::Effect Lister::effectOf(int32_t node) const {
  int64_t fresh = 0, freed = 0, reused = 0;
  auto out = problem.outputs[node], ties = problem.tied[node];
  for (size_t i = 0; i < out.size(); ++i)
    if (ties[i] < 0)
      fresh += problem.bytes[size_t(out[i])];
  for (int32_t v : out)
    if (left[size_t(v)] == 0 && !problem.result[size_t(v)])
      freed += problem.bytes[size_t(v)];
  for (int32_t v : problem.inputs[node])
    if (left[size_t(v)] == 1 && !problem.result[size_t(v)] &&
        std::find(ties.begin(), ties.end(), v) == ties.end())
      freed += problem.bytes[size_t(v)];
  for (auto [output, input] : problem.reuses[size_t(node)])
    if (left[size_t(input)] == 1 && !problem.result[size_t(input)])
      reused = std::max(reused, problem.bytes[size_t(input)]);
  return {fresh - reused + problem.scratch[size_t(node)], fresh - freed};
}

int64_t Lister::changeBackward(int32_t node) const {
  int64_t change = 0;
  for (int32_t v : problem.inputs[node])
    if (!live[size_t(v)])
      change += problem.bytes[size_t(v)];
  for (int32_t v : problem.outputs[node])
    if (live[size_t(v)])
      change -= problem.bytes[size_t(v)];
  return change;
}

void Lister::done(int32_t node, bool reversed) {
  for (int32_t v : problem.inputs[node])
    --left[size_t(v)], live[size_t(v)] = true;
  if (reversed)
    for (int32_t v : problem.outputs[node])
      live[size_t(v)] = false;
}

template <typename Key> Order Lister::pick(bool reversed, Key key) {
  left.assign(size_t(problem.valueCount), 0);
  for (int32_t n = 0; n < problem.nodeCount; ++n)
    if (problem.wanted[size_t(n)])
      for (int32_t v : problem.inputs[n])
        ++left[size_t(v)];
  live.assign(problem.result.begin(), problem.result.end());
  std::vector<int32_t> waiting = precedence.count(reversed);
  std::set<int32_t> ready;
  for (int32_t n = 0; n < problem.nodeCount; ++n)
    if (problem.wanted[size_t(n)] && waiting[size_t(n)] == 0)
      ready.insert(n);
  Order order;
  while (!ready.empty()) {
    int32_t best = -1;
    decltype(key(0)) least{};
    for (int32_t n : ready)
      if (auto k = key(n); best < 0 || k < least)
        best = n, least = k;
    ready.erase(best);
    order.push_back(best);
    done(best, reversed);
    for (int32_t n : (reversed ? precedence.before : precedence.behind)[size_t(best)])
      if (--waiting[size_t(n)] == 0)
        ready.insert(n);
  }
  return order;
}

Order Lister::forward(Rule rule) {
  using Key = std::pair<int64_t, int64_t>;
  return pick(false, [&](int32_t n) {
    Effect effect = effectOf(n);
    switch (rule) {
    case Rule::LeastChange:
      return Key(effect.change, n);
    case Rule::FreeFirst:
      return Key(effect.change <= 0 ? 0 : 1, n);
    case Rule::LeastRoom:
      return Key(effect.room, effect.change);
    }
    return Key(0, n);
  });
}

Order Lister::backward() {
  Order order = pick(
      true, [&](int32_t n) { return std::pair<int64_t, int64_t>(changeBackward(n), -int64_t(n)); });
  std::reverse(order.begin(), order.end());
  return order;
}

} // namespace

std::vector<Order> findOrders(const Problem &problem) {
  Precedence precedence(problem);
  Lister lister(problem, precedence);
  std::vector<Order> orders(1);
  for (int32_t n = 0; n < problem.nodeCount; ++n)
    if (problem.wanted[size_t(n)])
      orders[0].push_back(n);
  for (Rule rule : {Rule::LeastChange, Rule::FreeFirst, Rule::LeastRoom})
    orders.push_back(lister.forward(rule));
  orders.push_back(lister.backward());
  Evaluator evaluator(problem);
  std::vector<std::pair<int64_t, Order>> valid;
  for (Order &order : orders)
    if (evaluator.run(order))
      valid.push_back({evaluator.peak, std::move(order)});
  std::stable_sort(valid.begin(), valid.end(),
                   [](const auto &a, const auto &b) { return a.first < b.first; });
  std::vector<Order> sorted;
  for (auto &[peak, order] : valid)
    if (std::find(sorted.begin(), sorted.end(), order) == sorted.end())
      sorted.push_back(std::move(order));
  return sorted;
}

} // namespace linnet::plan
