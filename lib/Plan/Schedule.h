//===- Schedule.h - orders of runs and their bytes --------------*- C++ -*-===//
//
// Part of Linnet, under Apache-2.0 WITH LLVM-exception. See LICENSE.
//
//===----------------------------------------------------------------------===//
#ifndef LINNET_LIB_PLAN_SCHEDULE_H
#define LINNET_LIB_PLAN_SCHEDULE_H

#include "linnet/Plan/Recompute.h"

#include <limits>

namespace linnet::plan {

using Order = std::vector<int32_t>;
using Flags = std::vector<uint8_t>;

/// What takes quadratic time or space is left out for larger graphs.
constexpr int32_t kMostNodes = 16384;

constexpr int64_t kMost = std::numeric_limits<int64_t>::max();
inline int64_t addChecked(int64_t a, int64_t b) { return a > kMost - b ? kMost : a + b; }

/// Lists of numbers, one after the other.
class Lists {
public:
  struct Range {
    const int32_t *from, *to;
    const int32_t *begin() const { return from; }
    const int32_t *end() const { return to; }
    size_t size() const { return size_t(to - from); }
    int32_t operator[](size_t i) const { return from[i]; }
  };
  void add(const std::vector<int32_t> &list) {
    flat.insert(flat.end(), list.begin(), list.end());
    starts.push_back(int32_t(flat.size()));
  }
  Range operator[](int32_t i) const {
    return {flat.data() + starts[size_t(i)], flat.data() + starts[size_t(i) + 1]};
  }

private:
  std::vector<int32_t> flat, starts = {0};
};

/// A checked graph in the form that searches want: sizes rounded to 64, 0 for what lies in a
/// source's bytes; repeated inputs once.
struct Problem {
  explicit Problem(const Graph &graph);

  int32_t nodeCount, valueCount;
  std::vector<int64_t> time, scratch, bytes;
  std::vector<int32_t> producer;
  Flags result, once;
  Flags isSource; // no producer
  Flags wanted;   // nodes that results or single runs need
  Lists inputs, outputs, after;
  Lists tied;    // of a node: per output the input or -1
  Lists readers; // of a value
  /// Of a node: pairs (output, input) in the order in which buffers are offered.
  std::vector<std::vector<std::pair<int32_t, int32_t>>> reuses;
  Flags mayTake;         // nodes with ties or reuses
  int64_t totalTime = 0; // of one run of what is wanted

private:
  void findWanted(const Graph &graph);
};

/// Walks an order: which instances there are, and how many bytes at every step.
class Evaluator {
public:
  explicit Evaluator(const Problem &problem);

  /// False where the order is not valid. Fills what follows.
  bool run(const Order &order);
  /// The peak of a part of an order: `startLive` bytes are live before, and what `neededAfter`
  /// names is read behind it. Nothing is checked.
  int64_t peakOfPart(const Order &part, int64_t startLive, const Flags &neededAfter);

  int64_t peak = 0, time = 0;
  int32_t peakStep = -1;
  std::vector<int64_t> profile; // live bytes while each step runs

  /// Fills steps, buffers and everything but the layout; the order must be valid.
  void build(const Order &order, Plan &plan);

private:
  void findDeaths(const Order &order, const Flags &neededAfter);
  void walk(const Order &order, int64_t live);
  bool isValid(const Order &order);
  void findTaken(const Order &order, size_t step);
  bool inputDies(const Order &order, size_t step, int32_t input) const;
  bool isTaken(int32_t input) const;

  const Problem &problem;
  /// Per step its first position in `deaths`; there one flag per input, then one per output.
  std::vector<uint32_t> first;
  Flags deaths;
  Flags needed, ran;
  /// Of one step: outputs and the inputs that they take over, tied or reused.
  std::vector<std::pair<int32_t, int32_t>> taken;
};

} // namespace linnet::plan

#endif // LINNET_LIB_PLAN_SCHEDULE_H
