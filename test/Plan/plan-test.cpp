//===- plan-test.cpp - packing against brute force and network shapes -----===//
//
// Part of Linnet, under Apache-2.0 WITH LLVM-exception. See LICENSE.
//
//===----------------------------------------------------------------------===//
#include "../Testing.h"
#include "linnet/Plan/Plan.h"

#include <algorithm>
#include <chrono>
#include <limits>
#include <numeric>
#include <random>

using namespace linnet::plan;
using Intervals = std::vector<Interval>;

namespace {

bool together(const Interval &a, const Interval &b) {
  return a.size > 0 && b.size > 0 && a.first <= a.last && b.first <= b.last && a.first <= b.last &&
         b.first <= a.last;
}

/// Every pair apart, every offset aligned, the peak and the bound as computed naively.
void checkValid(const Intervals &list, const Layout &layout) {
  CHECK_EQ(layout.offsets.size(), list.size());
  int64_t end = 0, bound = 0;
  for (size_t i = 0; i < list.size(); ++i) {
    CHECK_EQ(layout.offsets[i] % list[i].align, 0);
    CHECK(layout.offsets[i] >= 0);
    end = std::max(end, layout.offsets[i] + (list[i].last < list[i].first ? 0 : list[i].size));
    int64_t live = 0;
    for (size_t j = 0; j < list.size(); ++j) {
      if (list[j].first <= list[i].first && list[i].first <= list[j].last)
        live += list[j].size;
      if (j < i && together(list[i], list[j]))
        CHECK(layout.offsets[i] + list[i].size <= layout.offsets[j] ||
              layout.offsets[j] + list[j].size <= layout.offsets[i]);
    }
    bound = std::max(bound, live);
  }
  CHECK(layout.peak >= end);
  CHECK(layout.peak >= layout.largestLive);
  CHECK(layout.largestLive >= bound);
}

/// The optimum: some order of placing each item as low as it goes reaches it.
int64_t optimum(const Intervals &list) {
  std::vector<size_t> order(list.size());
  std::iota(order.begin(), order.end(), 0);
  int64_t best = std::numeric_limits<int64_t>::max();
  do {
    std::vector<std::pair<size_t, int64_t>> placed;
    int64_t peak = 0;
    for (size_t i : order) {
      int64_t at = 0;
      for (bool moved = true; moved;) {
        moved = false;
        for (auto [j, where] : placed)
          if (together(list[i], list[j]) && at < where + list[j].size && where < at + list[i].size)
            at = where + list[j].size, moved = true;
      }
      placed.push_back({i, at});
      peak = std::max(peak, at + list[i].size);
    }
    best = std::min(best, peak);
  } while (std::next_permutation(order.begin(), order.end()));
  return best;
}

void smallAgainstOptimum() {
  std::mt19937 random(7);
  int worse = 0;
  for (int round = 0; round < 400; ++round) {
    Intervals list(1 + random() % 7);
    for (Interval &interval : list) {
      interval.align = 1;
      interval.size = random() % 9;
      interval.first = int32_t(random() % 8);
      interval.last = interval.first + int32_t(random() % 5);
    }
    Layout layout = packIntervals(list.data(), list.size());
    checkValid(list, layout);
    int64_t best = optimum(list);
    CHECK(layout.peak >= best);
    worse += layout.peak > best;
  }
  CHECK_EQ(worse, 0);
}

void randomOnes() {
  std::mt19937 random(11);
  for (int round = 0; round < 60; ++round) {
    Intervals list(random() % 150);
    for (Interval &interval : list) {
      interval.align = int64_t(1) << (random() % 8);
      interval.size = random() % 5 ? random() % 5000 : 0;
      interval.first = int32_t(random() % 60);
      interval.last = interval.first - 1 + int32_t(random() % 20);
    }
    Layout layout = packIntervals(list.data(), list.size());
    checkValid(list, layout);
    CHECK(packIntervals(list.data(), list.size()).offsets == layout.offsets);
  }
}

/// Forward pass of a decoder: residual stream, projections, scores, a wide hidden layer.
Intervals decoder(int layers, int64_t tokens, int64_t width) {
  Intervals list;
  int32_t step = 0;
  int64_t row = tokens * width * 4;
  for (int layer = 0; layer < layers; ++layer, step += 12) {
    list.push_back({row, 64, step, step + 7});        // residual
    list.push_back({tokens * 4, 64, step, step + 1}); // norm statistics
    list.push_back({row, 64, step + 1, step + 4});    // normed
    for (int i = 0; i < 3; ++i)
      list.push_back({i ? row / 4 : row, 64, step + 2 + i, step + 5}); // q, k, v
    list.push_back({row, 64, step + 5, step + 6});                     // attended
    list.push_back({row, 64, step + 7, step + 12});                    // residual 2
    list.push_back({row, 64, step + 8, step + 9});                     // normed 2
    list.push_back({row * 8 / 3, 64, step + 9, step + 11});            // gate
    list.push_back({row * 8 / 3, 64, step + 10, step + 11});           // up
  }
  return list;
}

/// A training step: activations of the way there are read on the way back.
Intervals training(int layers, int64_t tokens, int64_t width) {
  Intervals list = decoder(layers, tokens, width);
  int32_t end = 12 * layers * 2 + 10;
  size_t saved = list.size();
  for (size_t i = 0; i < saved; ++i) {
    int32_t back = end - list[i].first;
    if (i % 11 != 1)
      list.push_back({list[i].size, 64, back - 1, back + 2}); // gradient
    if (i % 3 != 0)
      list[i].last = back;
  }
  return list;
}

/// An encoder and a decoder of images with skips between equal resolutions.
Intervals unet(int depth, int64_t side) {
  Intervals list;
  int32_t step = 0, end = depth * 8;
  for (int level = 0; level < depth; ++level, step += 4) {
    int64_t bytes = (side >> level) * (side >> level) * (int64_t(32) << level) * 4;
    list.push_back({bytes, 64, step, step + 1});
    list.push_back({bytes, 64, step + 1, step + 2});
    list.push_back({bytes, 64, step + 2, end - step - 2}); // skip
    list.push_back({bytes / 4, 64, step + 3, step + 4});
    list.push_back({bytes * 2, 64, end - step - 2, end - step - 1});
    list.push_back({bytes, 64, end - step - 1, end - step});
    list.push_back({bytes, 64, end - step, end - step + 3});
  }
  return list;
}

void checkNet(const char *name, const Intervals &list) {
  auto begin = std::chrono::steady_clock::now();
  Layout layout = packIntervals(list.data(), list.size());
  double ms =
      std::chrono::duration<double, std::milli>(std::chrono::steady_clock::now() - begin).count();
  double ratio = double(layout.peak) / double(layout.largestLive);
  std::printf("%-28s %5zu intervals: %.4f of the largest live set, %.1f ms\n", name, list.size(),
              ratio, ms);
  checkValid(list, layout);
  CHECK_MORE(ratio <= 1.05, name);
}

void networks() {
  checkNet("decoder 12 x 768, 512", decoder(12, 512, 768));
  checkNet("decoder 32 x 1024, 333", decoder(32, 333, 1024));
  checkNet("decoder 80 x 512, 77", decoder(80, 77, 512));
  checkNet("training 12 x 768, 512", training(12, 512, 768));
  checkNet("training 48 x 512, 101", training(48, 101, 512));
  checkNet("training 100 x 512, 101", training(100, 101, 512));
  checkNet("u-net 5, 512", unet(5, 512));
  checkNet("u-net 4, 200", unet(4, 200));
}

void extremes() {
  CHECK_EQ(packIntervals(nullptr, 0).peak, 0);
  const int64_t huge = std::numeric_limits<int64_t>::max();
  Intervals list = {{huge - 3, 64, 0, 3}, {huge / 2, 64, 1, 2}, {-5, 0, 0, 9}, {100, 64, 5, 5}};
  Layout layout = packIntervals(list.data(), list.size());
  CHECK_EQ(layout.peak, huge);
  CHECK_EQ(layout.largestLive, huge);
  CHECK_EQ(layout.offsets[2], 0);
  Intervals one = {{65, 64, 3, 3}};
  CHECK_EQ(packIntervals(one.data(), 1).peak, 128);
  CHECK_EQ(largestLive(one.data(), 1), 128);
}

/// Buffers of a MiB and more begin on pages, in whatever order they are placed; others do not.
void pages() {
  constexpr int64_t mib = int64_t(1) << 20;
  CHECK_EQ(alignmentOf(0), 64);
  CHECK_EQ(alignmentOf(mib - 1), 64);
  CHECK_EQ(alignmentOf(mib), 4096);
  Intervals list;
  for (int64_t size : {int64_t(64), mib, mib - 64, mib + 192, int64_t(320), 3 * mib + 64})
    list.push_back({size, alignmentOf(size), 0, 1});
  Layout layout = packIntervals(list.data(), list.size());
  checkValid(list, layout);
  for (size_t i = 0; i < list.size(); ++i)
    if (list[i].size >= mib)
      CHECK_EQ(layout.offsets[i] % 4096, 0);
  // the small ones cost no page each
  CHECK(layout.peak < layout.largestLive + 3 * 4096);
}

} // namespace

int main() {
  smallAgainstOptimum();
  randomOnes();
  networks();
  extremes();
  pages();
  return linnet::test::summary();
}
