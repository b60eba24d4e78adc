//===- ChainPlan.cpp - dynamic programming over a chain of blocks ---------===//
//
// Part of Linnet, under Apache-2.0 WITH LLVM-exception. See LICENSE.
//
// A segment is blocks i to j with the state before i in memory; it ends behind the phase of i.
// Either block i keeps what an option keeps while the rest of the segment runs, or the state
// before i is kept, the forward half runs up to k, the segment from k on runs, and then the
// segment from i to k - 1 runs from the state again. A segment up to the last block runs its
// forward half for the first time, all others again.
//===----------------------------------------------------------------------===//
#include "Chain.h"

#include <algorithm>

namespace linnet::plan {
namespace {

class ChainProgram {
public:
  ChainProgram(const Chain &chain, const Problem &problem, int64_t mostBytes, int units);
  std::vector<Order> run();

private:
  static constexpr int16_t kNothing = -1, kSplit = 1000;
  struct Cell {
    std::vector<int64_t> time;
    std::vector<int16_t> choice;
  };

  Cell &cell(size_t i, size_t j) { return cells[i * blocks.size() + j]; }
  int toUnits(int64_t bytes) const {
    return int(std::min<int64_t>((bytes + unit / 2) / unit, 1 << 20));
  }
  int64_t stateBytes(size_t i) const {
    return blocks[i].input < 0 ? 0 : problem.bytes[size_t(blocks[i].input)];
  }
  void solve(size_t i, size_t j);
  void offer(Cell &to, int from, int64_t time, const Cell *inner, int shift, const Cell *again,
             int16_t choice);
  void offerOptions(size_t i, size_t j);
  void offerSplits(size_t i, size_t j);
  void emit(size_t i, size_t j, int units, Order &order);

  const std::vector<Block> &blocks;
  const Problem &problem;
  int count;
  int64_t unit;
  std::vector<Cell> cells;
};

ChainProgram::ChainProgram(const Chain &chain, const Problem &problem, int64_t mostBytes, int units)
    : blocks(chain.blocks), problem(problem), count(units),
      unit(std::max<int64_t>(1, (mostBytes - chain.resident) / units)),
      cells(blocks.size() * blocks.size()) {}

/// `choice` from `from` units on: its time, that of `inner` with `shift` fewer, and of `again`.
void ChainProgram::offer(Cell &to, int from, int64_t time, const Cell *inner, int shift,
                         const Cell *again, int16_t choice) {
  for (int m = std::max(from, shift); m <= count; ++m) {
    int64_t total = time;
    if (inner)
      total = addChecked(total, inner->time[size_t(m - shift)]);
    if (again)
      total = addChecked(total, again->time[size_t(m)]);
    if (total < to.time[size_t(m)])
      to.time[size_t(m)] = total, to.choice[size_t(m)] = choice;
  }
}

void ChainProgram::offerOptions(size_t i, size_t j) {
  bool first = j + 1 == blocks.size();
  Cell &to = cell(i, j);
  for (size_t o = 0; o < blocks[i].options.size(); ++o) {
    const BlockOption &option = blocks[i].options[o];
    int64_t peak =
        std::max(addChecked(option.forwardPeak, first ? 0 : blocks[j].inherited), option.phasePeak);
    offer(to, toUnits(peak), first ? option.time : option.repeatTime,
          i < j ? &cell(i + 1, j) : nullptr, toUnits(option.saved), nullptr, int16_t(o));
  }
}

void ChainProgram::offerSplits(size_t i, size_t j) {
  bool first = j + 1 == blocks.size();
  int64_t held = addChecked(first ? 0 : blocks[j].inherited, 0), state = stateBytes(i);
  int64_t peak = 0, time = 0;
  for (size_t k = i + 1; k <= j; ++k) {
    const Block &passed = blocks[k - 1];
    int64_t own = k - 1 == i ? (first ? passed.firstKeepingPeak : passed.keepingPeak)
                             : addChecked(state, first ? passed.firstPeak : passed.advancePeak);
    peak = std::max(peak, addChecked(held, own));
    time = addChecked(time, first ? passed.forwardTime : passed.advanceTime);
    offer(cell(i, j), toUnits(peak), time, &cell(k, j), toUnits(state), &cell(i, k - 1),
          int16_t(kSplit + int(k)));
  }
}

void ChainProgram::solve(size_t i, size_t j) {
  Cell &to = cell(i, j);
  to.time.assign(size_t(count) + 1, kMost);
  to.choice.assign(size_t(count) + 1, kNothing);
  if (i == j && j + 1 < blocks.size()) {
    offer(to, toUnits(blocks[i].alone.phasePeak), blocks[i].alone.time, nullptr, 0, nullptr, 0);
    return;
  }
  offerOptions(i, j);
  offerSplits(i, j);
}

void ChainProgram::emit(size_t i, size_t j, int units, Order &order) {
  bool first = j + 1 == blocks.size();
  auto append = [&](const Order &part) { order.insert(order.end(), part.begin(), part.end()); };
  if (i == j && !first)
    return append(blocks[i].alone.phase);
  int choice = cell(i, j).choice[size_t(units)];
  if (choice >= kSplit) {
    size_t k = size_t(choice - kSplit);
    for (size_t b = i; b < k; ++b)
      append(first ? blocks[b].forward : blocks[b].advance);
    emit(k, j, units - toUnits(stateBytes(i)), order);
    return emit(i, k - 1, units, order);
  }
  const BlockOption &option = blocks[i].options[size_t(choice)];
  append(first ? blocks[i].forward : option.repeat);
  if (i < j)
    emit(i + 1, j, units - toUnits(option.saved), order);
  append(option.phase);
}

std::vector<Order> ChainProgram::run() {
  std::vector<Order> orders;
  size_t n = blocks.size();
  for (size_t length = 1; length <= n; ++length)
    for (size_t i = 0; i + length <= n; ++i)
      solve(i, i + length - 1);
  const Cell &whole = cell(0, n - 1);
  int64_t last = kMost;
  for (int m = 0; m <= count; ++m) {
    if (whole.time[size_t(m)] >= last)
      continue;
    last = whole.time[size_t(m)];
    orders.push_back({});
    emit(0, n - 1, m, orders.back());
  }
  return orders;
}

} // namespace

std::vector<Order> planChain(const Chain &chain, const Problem &problem, int64_t mostBytes,
                             int units) {
  if (chain.blocks.size() < 2 || mostBytes <= chain.resident)
    return {};
  return ChainProgram(chain, problem, mostBytes, units).run();
}

} // namespace linnet::plan
