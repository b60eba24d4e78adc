//===- Exact.h - the fastest plans of small graphs --------------*- C++ -*-===//
//
// Part of Linnet, under Apache-2.0 WITH LLVM-exception. See LICENSE.
//
// A* over what is in memory. A state is the set of values there and of nodes that have run, as
// far as that matters. Values are dropped only to make room, and then no more than needed:
// dropping later is never worse. The estimate is the time of the nodes that must still run if
// nothing else is dropped, which no plan undercuts.
//===----------------------------------------------------------------------===//
#ifndef LINNET_LIB_PLAN_EXACT_H
#define LINNET_LIB_PLAN_EXACT_H

#include "Search.h"

namespace linnet::plan {

class ExactSearch {
public:
  explicit ExactSearch(const Problem &problem);
  /// Whether the graph is small enough for the state's words.
  bool fits() const { return fitsWords; }

  enum class Outcome { Found, None, GaveUp };
  /// A plan within `budget` live bytes that takes less than `bound`: the fastest, or any if
  /// `anyPlan`. Gives up when `work` is spent.
  Outcome run(int64_t budget, int64_t bound, bool anyPlan, Order &order);
  /// States that may still be tried.
  int64_t work = 0;

private:
  struct State {
    uint64_t there = 0, done = 0;
    int64_t cost = 0;
    int32_t parent = -1, node = -1;
  };
  struct Entry {
    int64_t key, cost;
    int32_t state;
    bool operator<(const Entry &o) const {
      return key != o.key ? key > o.key : cost != o.cost ? cost < o.cost : state < o.state;
    }
  };
  struct Masks {
    uint64_t in = 0, out = 0, fresh = 0, destroyed = 0, after = 0, done = 0;
    std::vector<std::pair<uint64_t, uint64_t>> reuses; // output, input
  };

  void number();
  void makeMasks(const std::vector<int32_t> &doneOf);
  int64_t sizeOf(uint64_t values) const;
  int64_t estimate(uint64_t there, uint64_t done) const;
  void expand(int32_t state);
  void runNode(int32_t node, size_t reuse, uint64_t taken, uint64_t by, int32_t state);
  void evict(int32_t node, uint64_t before, uint64_t open, int64_t over, uint64_t gone);
  void reach(uint64_t there, uint64_t done, int32_t node);
  size_t slotOf(uint64_t there, uint64_t done) const;
  void growTable();

  const Problem &problem;
  bool fitsWords = true;
  std::vector<int32_t> bitOf;  // of a value, or -1
  std::vector<int64_t> bytes;  // of a bit
  std::vector<Masks> masks;    // of a node
  std::vector<int32_t> active; // wanted nodes, in order
  uint64_t start = 0, results = 0, evictable = 0, onceBits = 0;

  int64_t budget = 0, bound = 0;
  bool anyPlan = false;
  std::vector<State> states;
  std::vector<int32_t> table;
  std::vector<Entry> heap;
  // of the expansion at work
  int32_t current = -1;
  uint64_t afterTaken = 0;
};

/// Lowers the smallest peak of the frontier; true if it could prove that no plan has less.
bool searchSmallest(const Problem &problem, Frontier &frontier, int64_t leastBytes, int64_t work);

/// Adds the fastest plans at all budgets; true if it could prove that they are. Tries `work`
/// states.
bool searchExactly(const Problem &problem, Frontier &frontier, int64_t leastBytes, int64_t work);

} // namespace linnet::plan

#endif // LINNET_LIB_PLAN_EXACT_H
