//===- Chain.h - training steps as chains of blocks -------------*- C++ -*-===//
//
// Part of Linnet, under Apache-2.0 WITH LLVM-exception. See LICENSE.
//
// The forward half is cut where a single value is alive, which leaves blocks with a state between
// each two. What reads a block's values in the backward half runs in the block's phase, and
// phases run in the opposite order. A block's options say which of its nodes run again in its
// phase, so that their values need not be kept until then.
//===----------------------------------------------------------------------===//
#ifndef LINNET_LIB_PLAN_CHAIN_H
#define LINNET_LIB_PLAN_CHAIN_H

#include "Search.h"

namespace linnet::plan {

struct BlockOption {
  std::vector<int32_t> again; // nodes, in order
  Order repeat;               // of the forward half, when it has run before
  Order phase;
  int64_t saved = 0;                // between forward and phase, with the state before the block
  int64_t forwardPeak = 0;          // with that state
  int64_t phasePeak = 0;            // with what phases of later blocks left
  int64_t time = 0, repeatTime = 0; // phase and forward; the same when it has run before
};

struct Block {
  std::vector<int32_t> forward, backward;
  int32_t input = -1, output = -1; // states; -1: none
  std::vector<BlockOption> options;
  BlockOption alone; // everything that the phase needs is made in it
  Order advance;     // makes the next state
  int64_t advanceTime = 0, forwardTime = 0;
  int64_t advancePeak = 0;                     // the state before it may go
  int64_t keepingPeak = 0;                     // it stays
  int64_t firstPeak = 0, firstKeepingPeak = 0; // the same for all of the forward half
  int64_t inherited = 0; // bytes that phases of later blocks left for it and earlier ones
};

struct Chain {
  std::vector<Block> blocks;
  int64_t resident = 0; // bytes that stay all the time
};

/// Of the places where one value is alive, every `stride`-th from the `first` on is a cut; a larger
/// stride where there would be more than `mostBlocks`.
struct CutRule {
  size_t mostBlocks = 128, stride = 1, first = 0;
};

/// Cuts the graph along `base`, an order of single runs. Fewer than two blocks: it is no chain.
Chain findChain(const Problem &problem, const Bounds &bounds, const Order &base, CutRule rule);

/// Orders for many budgets: the best of options, and of running forward again from a state, by
/// dynamic programming over segments of the chain and bytes in `units` steps.
std::vector<Order> planChain(const Chain &chain, const Problem &problem, int64_t mostBytes,
                             int units);

} // namespace linnet::plan

#endif // LINNET_LIB_PLAN_CHAIN_H
