//===- Search.h - the searches behind a recomputation plan ------*- C++ -*-===//
//
// Part of Linnet, under Apache-2.0 WITH LLVM-exception. See LICENSE.
//
//===----------------------------------------------------------------------===//
#ifndef LINNET_LIB_PLAN_SEARCH_H
#define LINNET_LIB_PLAN_SEARCH_H

#include "Schedule.h"

#include <functional>

namespace linnet::plan {

/// An order that no other known one beats in bytes and in time.
struct Candidate {
  Order order;
  int64_t live = 0, time = 0;
};

/// Candidates, the fastest first, and so from the most bytes to the fewest.
class Frontier {
public:
  explicit Frontier(const Problem &problem) : evaluator(problem) {}
  /// Whether the order is valid and no known one is as good.
  bool add(const Order &order);
  bool add(const Order &order, int64_t live, int64_t time);
  const std::vector<Candidate> &all() const { return list; }
  /// Position of the fastest within `live` bytes; all().size() when there is none.
  size_t within(int64_t live) const;
  /// Steps evaluated so far.
  int64_t work = 0;

private:
  Evaluator evaluator;
  std::vector<Candidate> list;
};

/// What must run before what: producers, `after`, and readers of what a node destroys.
struct Precedence {
  explicit Precedence(const Problem &problem);
  std::vector<std::vector<int32_t>> before, behind;
  std::vector<int32_t> count(bool reversed) const;
};

/// Orders of single runs: the given one and those of several rules, the smallest peak first.
std::vector<Order> findOrders(const Problem &problem);

/// Bounds that hold for every plan, in live bytes.
class Bounds {
public:
  explicit Bounds(const Problem &problem);
  int64_t peak() const { return largestNode; }
  /// The node that most bytes wait for: where a training step turns back.
  int32_t turningNode() const;
  bool isAncestor(int32_t ancestor, int32_t node) const {
    return ancestors[size_t(node)][size_t(ancestor) / 64] >> (size_t(ancestor) % 64) & 1;
  }
  /// Time beyond one run of every node. `node`: where the bound is taken.
  int64_t extraTime(int64_t live, int32_t *node = nullptr) const;
  /// Bytes that are surely live while `node` runs.
  int64_t workingSet(int32_t node) const;

private:
  int64_t extraAt(int32_t node, int64_t live) const;
  void collectCrossing(int32_t node);

  const Problem &problem;
  int64_t largestNode = 0;
  std::vector<std::vector<uint64_t>> ancestors;
  /// Per node: bytes that wait, while it runs first, in values of nodes that have run; per
  /// maker, that with the cheapest bytes first. Makers that run once come as -1 - maker.
  std::vector<std::vector<std::pair<int32_t, int64_t>>> crossing;
};

/// Runs `base` within `budget` live bytes: what has to go is what costs least to make again for
/// its bytes and for how long they are free (to the power `patience`). Empty where it fails.
Order simulate(const Problem &problem, const Order &base, int64_t budget, double patience);

/// Local search from the frontier's orders, for `work` walked steps; no peak is below `least`.
void improve(const Problem &problem, Frontier &frontier, int64_t least, int64_t work);

/// Wanders from `order` over orders within `live` bytes, `tries` times, and calls `visit` with
/// each; that gives the limit that holds from then on, a negative one to stop.
void wander(const Problem &problem, Order order, int64_t live, int tries,
            const std::function<int64_t(const Order &, int64_t time)> &visit);

} // namespace linnet::plan

#endif // LINNET_LIB_PLAN_SEARCH_H
