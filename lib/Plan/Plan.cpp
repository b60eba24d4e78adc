//===- Plan.cpp - packing intervals into an arena -------------------------===//
//
// Part of Linnet, under Apache-2.0 WITH LLVM-exception. See LICENSE.
//
//===----------------------------------------------------------------------===//
#include "linnet/Plan/Plan.h"

#include <algorithm>
#include <limits>
#include <numeric>
#include <tuple>
#include <utility>

namespace linnet::plan {
namespace {

constexpr int64_t kMax = std::numeric_limits<int64_t>::max();

int64_t add(int64_t a, int64_t b) { return a > kMax - b ? kMax : a + b; }

int64_t multiply(int64_t a, int64_t b) { return b != 0 && a > kMax / b ? kMax : a * b; }

/// `value` rounded up to a multiple of `align`; saturates.
int64_t roundUp(int64_t value, int64_t align) {
  int64_t rest = value % align;
  return rest == 0 ? value : add(value, align - rest);
}

/// An interval that takes room, with the size rounded to the common granularity.
struct Item {
  int64_t size, align;
  int32_t first, last;
};

enum class Fit { First, Best };

class Packer {
public:
  Packer(std::vector<Item> list, int64_t lowerBound)
      : items(std::move(list)), bound(lowerBound), bestPeak(kMax) {
    findConflicts();
    bestOffsets.assign(items.size(), 0);
    offsets.assign(items.size(), 0);
  }

  void run();

  int64_t peak() const { return bestPeak; }
  const std::vector<int64_t> &layout() const { return bestOffsets; }

private:
  using Order = std::vector<uint32_t>;

  void findConflicts();
  std::vector<Order> greedyOrders() const;
  void tryOrder(const Order &order, Fit fit);
  int64_t place(const Order &order, Fit fit);
  void collectTaken(uint32_t item);
  int64_t placeOne(uint32_t item, Fit fit);
  void improve();
  void moveCritical(Order &order, uint32_t random) const;

  std::vector<Item> items;
  int64_t bound;
  /// conflicts[start[i] .. start[i + 1]): the items that are live together with item i.
  std::vector<uint32_t> start, conflicts;
  std::vector<int64_t> offsets; // of the order being tried; -1: not placed
  std::vector<uint32_t> placed; // by offset
  std::vector<std::pair<int64_t, int64_t>> taken;
  /// Steps left for the search: counted work instead of time, so that every run agrees.
  int64_t budget = 0;

  int64_t bestPeak;
  std::vector<int64_t> bestOffsets;
  Order bestOrder;
  Fit bestFit = Fit::First;
};

void Packer::findConflicts() {
  size_t n = items.size();
  std::vector<uint32_t> byFirst(n), active;
  std::iota(byFirst.begin(), byFirst.end(), 0u);
  std::stable_sort(byFirst.begin(), byFirst.end(),
                   [&](uint32_t a, uint32_t b) { return items[a].first < items[b].first; });
  std::vector<std::pair<uint32_t, uint32_t>> pairs;
  for (uint32_t i : byFirst) {
    active.erase(std::remove_if(active.begin(), active.end(),
                                [&](uint32_t j) { return items[j].last < items[i].first; }),
                 active.end());
    for (uint32_t j : active)
      pairs.push_back({i, j});
    active.push_back(i);
  }
  start.assign(n + 1, 0);
  for (auto [a, b] : pairs)
    ++start[a + 1], ++start[b + 1];
  std::partial_sum(start.begin(), start.end(), start.begin());
  conflicts.resize(2 * pairs.size());
  std::vector<uint32_t> next(start.begin(), start.end() - 1);
  for (auto [a, b] : pairs)
    conflicts[next[a]++] = b, conflicts[next[b]++] = a;
}

/// Ranges of the placed items that are live together with `item`, by offset. Walking all placed
/// items in order is cheaper than sorting where most of them conflict.
void Packer::collectTaken(uint32_t item) {
  taken.clear();
  uint32_t degree = start[item + 1] - start[item];
  auto take = [&](uint32_t other) {
    taken.push_back({offsets[other], add(offsets[other], items[other].size)});
  };
  if (size_t(degree) * 8 > placed.size()) {
    const Item &self = items[item];
    for (uint32_t other : placed)
      if (items[other].first <= self.last && self.first <= items[other].last)
        take(other);
    budget -= int64_t(placed.size()) + 1;
    return;
  }
  for (uint32_t k = start[item]; k < start[item + 1]; ++k)
    if (offsets[conflicts[k]] >= 0)
      take(conflicts[k]);
  std::sort(taken.begin(), taken.end());
  budget -= int64_t(degree) + 4 * int64_t(taken.size()) + 1;
}

/// Lowest (or tightest) gap between the conflicting items that are placed already.
int64_t Packer::placeOne(uint32_t item, Fit fit) {
  const Item &self = items[item];
  collectTaken(item);
  int64_t end = 0, best = -1, bestSlack = kMax;
  for (auto [from, to] : taken) {
    int64_t at = roundUp(end, self.align);
    if (at <= from && self.size <= from - at) {
      if (fit == Fit::First)
        return at;
      int64_t slack = from - at - self.size;
      if (slack < bestSlack)
        best = at, bestSlack = slack;
    }
    end = std::max(end, to);
  }
  return best >= 0 ? best : roundUp(end, self.align);
}

/// Peak of the order; gives up with kMax as soon as it is no better than the best.
int64_t Packer::place(const Order &order, Fit fit) {
  std::fill(offsets.begin(), offsets.end(), -1);
  placed.clear();
  int64_t peak = 0;
  for (uint32_t item : order) {
    int64_t at = placeOne(item, fit);
    offsets[item] = at;
    placed.insert(std::upper_bound(placed.begin(), placed.end(), at,
                                   [&](int64_t value, uint32_t i) { return value < offsets[i]; }),
                  item);
    peak = std::max(peak, add(at, items[item].size));
    if (peak >= bestPeak && !bestOrder.empty())
      return kMax;
  }
  return peak;
}

void Packer::tryOrder(const Order &order, Fit fit) {
  if (bestPeak == bound && !bestOrder.empty())
    return;
  int64_t peak = place(order, fit);
  if (peak < bestPeak || bestOrder.empty()) {
    bestPeak = peak;
    bestOffsets = offsets;
    bestOrder = order;
    bestFit = fit;
  }
}

std::vector<Packer::Order> Packer::greedyOrders() const {
  size_t n = items.size();
  std::vector<int64_t> length(n), area(n), pressure(n), crowd(n);
  for (size_t i = 0; i < n; ++i) {
    length[i] = int64_t(items[i].last) - items[i].first + 1;
    area[i] = multiply(items[i].size, length[i]);
    int64_t sum = items[i].size, widest = items[i].size;
    for (uint32_t k = start[i]; k < start[i + 1]; ++k) {
      sum = add(sum, items[conflicts[k]].size);
      widest = std::max(widest, items[conflicts[k]].size);
    }
    crowd[i] = sum;
    pressure[i] = widest;
  }
  auto sorted = [&](auto key) {
    Order order(n);
    std::iota(order.begin(), order.end(), 0u);
    std::stable_sort(order.begin(), order.end(),
                     [&](uint32_t a, uint32_t b) { return key(a) > key(b); });
    return order;
  };
  using Key = std::pair<int64_t, int64_t>;
  return {
      sorted([&](uint32_t i) { return Key(items[i].size, length[i]); }),
      sorted([&](uint32_t i) { return Key(area[i], items[i].size); }),
      sorted([&](uint32_t i) { return Key(crowd[i], items[i].size); }),
      sorted([&](uint32_t i) { return Key(-int64_t(items[i].first), length[i]); }),
      sorted([&](uint32_t i) { return Key(items[i].last, length[i]); }),
      sorted([&](uint32_t i) { return Key(length[i], items[i].size); }),
      sorted([&](uint32_t i) { return Key(pressure[i], area[i]); }),
  };
}

/// Moves an item that reaches the peak, or one that it lies on, earlier in the order.
void Packer::moveCritical(Order &order, uint32_t random) const {
  std::vector<uint32_t> critical;
  for (uint32_t i = 0; i < items.size(); ++i)
    if (add(bestOffsets[i], items[i].size) == bestPeak)
      critical.push_back(i);
  uint32_t item = critical[random % critical.size()];
  uint32_t degree = start[item + 1] - start[item];
  if (random & 0x10000 && degree != 0)
    item = conflicts[start[item] + (random >> 17) % degree];
  auto at = std::find(order.begin(), order.end(), item);
  size_t position = size_t(at - order.begin());
  size_t target = position == 0 ? 0 : (random >> 8) % position;
  std::rotate(order.begin() + ptrdiff_t(target), at, at + 1);
}

void Packer::improve() {
  uint32_t random = 0x9e3779b9u;
  while (budget > 0 && bestPeak > bound) {
    random ^= random << 13, random ^= random >> 17, random ^= random << 5;
    Order order = bestOrder;
    unsigned moves = 1 + (random >> 30);
    for (unsigned i = 0; i < moves; ++i)
      moveCritical(order, random * (2 * i + 1));
    budget -= int64_t(items.size());
    tryOrder(order, random & 0x20000000 ? Fit::Best : Fit::First);
  }
}

void Packer::run() {
  for (const Order &order : greedyOrders()) {
    tryOrder(order, Fit::First);
    tryOrder(order, Fit::Best);
  }
  budget = 400'000 + 4 * int64_t(items.size());
  improve();
}

int64_t sweepLargestLive(std::vector<std::pair<int64_t, int64_t>> events) {
  // Ends sort before starts of the same step, because they carry last + 1 and -size.
  std::sort(events.begin(), events.end());
  int64_t live = 0, largest = 0;
  for (auto [step, change] : events) {
    if (change > kMax - std::max<int64_t>(live, 0))
      return kMax;
    live += change;
    largest = std::max(largest, live);
  }
  return largest;
}

int64_t granularity(const Interval *intervals, size_t count) {
  int64_t smallest = kMax;
  for (size_t i = 0; i < count; ++i)
    smallest = std::min(smallest, std::max<int64_t>(intervals[i].align, 1));
  return count == 0 ? 1 : smallest;
}

bool takesRoom(const Interval &interval) {
  return interval.size > 0 && interval.last >= interval.first;
}

} // namespace

int64_t largestLive(const Interval *intervals, size_t count) {
  int64_t unit = granularity(intervals, count);
  std::vector<std::pair<int64_t, int64_t>> events;
  for (size_t i = 0; i < count; ++i) {
    if (!takesRoom(intervals[i]))
      continue;
    int64_t size = roundUp(intervals[i].size, unit);
    events.push_back({intervals[i].first, size});
    events.push_back({int64_t(intervals[i].last) + 1, -size});
  }
  return sweepLargestLive(std::move(events));
}

/// Intervals in one order and with steps from 0 on, so that who numbers steps in another way, or
/// lists the buffers in another order, gets the same arena.
static void normalise(std::vector<Item> &items, std::vector<size_t> &origin) {
  std::vector<int32_t> steps;
  for (const Item &item : items) {
    steps.push_back(item.first);
    steps.push_back(item.last);
  }
  std::sort(steps.begin(), steps.end());
  steps.erase(std::unique(steps.begin(), steps.end()), steps.end());
  auto rank = [&](int32_t step) {
    return int32_t(std::lower_bound(steps.begin(), steps.end(), step) - steps.begin());
  };
  std::vector<size_t> order(items.size());
  std::iota(order.begin(), order.end(), size_t(0));
  auto key = [&](size_t i) {
    const Item &item = items[i];
    return std::make_tuple(item.first, item.last, -item.size, item.align);
  };
  std::stable_sort(order.begin(), order.end(), [&](size_t a, size_t b) { return key(a) < key(b); });
  std::vector<Item> sorted;
  std::vector<size_t> sortedOrigin;
  for (size_t i : order) {
    sorted.push_back(items[i]);
    sorted.back().first = rank(sorted.back().first);
    sorted.back().last = rank(sorted.back().last);
    sortedOrigin.push_back(origin[i]);
  }
  items.swap(sorted);
  origin.swap(sortedOrigin);
}

Layout packIntervals(const Interval *intervals, size_t count) {
  Layout layout;
  layout.offsets.assign(count, 0);
  layout.largestLive = largestLive(intervals, count);
  int64_t unit = granularity(intervals, count);
  std::vector<Item> items;
  std::vector<size_t> origin;
  for (size_t i = 0; i < count; ++i) {
    const Interval &in = intervals[i];
    if (!takesRoom(in))
      continue;
    items.push_back({roundUp(in.size, unit), std::max<int64_t>(in.align, 1), in.first, in.last});
    origin.push_back(i);
  }
  if (items.empty())
    return layout;
  normalise(items, origin);
  Packer packer(std::move(items), layout.largestLive);
  packer.run();
  layout.peak = packer.peak();
  for (size_t i = 0; i < origin.size(); ++i)
    layout.offsets[origin[i]] = packer.layout()[i];
  return layout;
}

} // namespace linnet::plan
