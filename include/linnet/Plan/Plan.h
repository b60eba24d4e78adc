//===- Plan.h - offsets for buffers with lifetimes --------------*- C++ -*-===//
//
// Part of Linnet, under Apache-2.0 WITH LLVM-exception. See LICENSE.
//
// Uses no LLVM: the compiler plans at the symbols' maxima with it, the runtime plans
// again for actual sizes, and both get the same answer for the same input.
//===----------------------------------------------------------------------===//
#ifndef LINNET_PLAN_PLAN_H
#define LINNET_PLAN_PLAN_H

#include <cstddef>
#include <cstdint>
#include <vector>

namespace linnet::plan {

/// A buffer of `size` bytes that is live from step `first` to step `last`, both included.
/// Sizes below 0 count as 0 and alignments below 1 as 1; `last < first` is never live.
struct Interval {
  int64_t size = 0, align = 64;
  int32_t first = 0, last = 0;
};

/// Where a buffer of `bytes` begins: a cache line; from 1 MiB on a page. A load whose address
/// agrees in the low 12 bits with that of a store before it waits for the store. A loop that reads
/// one large buffer and writes another at the same pace does not meet this while both begin alike.
constexpr int64_t alignmentOf(int64_t bytes) { return bytes < int64_t(1) << 20 ? 64 : 4096; }

/// Where each interval lies in one arena. Two intervals that are live at the same step share
/// no byte; empty ones are at offset 0.
struct Layout {
  std::vector<int64_t> offsets;
  /// Bytes of the arena, a multiple of the smallest alignment.
  int64_t peak = 0;
  /// Bytes of the largest live set: no layout has a smaller peak.
  int64_t largestLive = 0;
};

/// Packs the intervals: the best of several greedy orders, improved by a local search of
/// bounded work. Deterministic. Arithmetic saturates: a peak of INT64_MAX does not fit.
Layout packIntervals(const Interval *intervals, size_t count);

/// The lower bound alone, in O(n log n).
int64_t largestLive(const Interval *intervals, size_t count);

} // namespace linnet::plan

#endif // LINNET_PLAN_PLAN_H
