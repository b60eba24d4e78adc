//===- CutBound.h - a bound on extra time from minimum cuts -----*- C++ -*-===//
//
// Part of Linnet, under Apache-2.0 WITH LLVM-exception. See LICENSE.
//
// When a node runs first, what its ancestors made and later nodes read is kept or made again, and
// what is made again needs its inputs kept or made again. With a price on kept bytes the cheapest
// choice is a minimum cut; the cut less the price of the bytes there are is a bound on the time of
// what is made again, for every price.
//===----------------------------------------------------------------------===//
#ifndef LINNET_LIB_PLAN_CUTBOUND_H
#define LINNET_LIB_PLAN_CUTBOUND_H

#include "Search.h"

namespace linnet::plan {

class CutBound {
public:
  /// Takes the bound at `node`, with at most `mostCuts` prices.
  CutBound(const Problem &problem, const Bounds &bounds, int32_t node, int mostCuts);
  /// No plan within `live` bytes has less time beyond one run of every node.
  int64_t extraTime(int64_t live) const;

private:
  struct Cut {
    int64_t price = 0;          // of 64 bytes, in `scale` parts of a unit of time
    int64_t value = 0;          // in these parts
    int64_t kept = 0, time = 0; // of the choice
  };
  Cut cutAt(int64_t price) const;
  void refine(const Cut &fast, const Cut &small, int &left);

  const Problem &problem;
  int64_t workingSet;
  int shift = 0;                // parts of a unit of time: 1 << shift
  std::vector<int32_t> makers;  // ancestors
  std::vector<int32_t> makerOf; // of a node: its position there, or -1
  std::vector<int32_t> values;  // theirs, that are not inputs of the node
  std::vector<int32_t> valueOf; // of a value: its position there, or -1
  Flags isDemanded;             // read by nodes behind
  std::vector<Cut> cuts;
};

/// The best of all bounds on the extra time, for budgets from `least` to `most`.
class TimeBound {
public:
  TimeBound(const Problem &problem, int64_t least, int64_t most);
  int64_t extraTime(int64_t live) const;

private:
  Bounds bounds;
  std::vector<CutBound> cuts;
};

} // namespace linnet::plan

#endif // LINNET_LIB_PLAN_CUTBOUND_H
