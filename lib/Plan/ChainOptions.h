//===- ChainOptions.h - what to make again in one block ---------*- C++ -*-===//
//
// Part of Linnet, under Apache-2.0 WITH LLVM-exception. See LICENSE.
//
//===----------------------------------------------------------------------===//
#ifndef LINNET_LIB_PLAN_CHAINOPTIONS_H
#define LINNET_LIB_PLAN_CHAINOPTIONS_H

#include "Chain.h"

namespace linnet::plan {

/// Fills the options and figures of blocks.
class BlockCosts {
public:
  BlockCosts(const Problem &problem, const std::vector<int32_t> &blockOf, const Flags &isForward,
             const Flags &isResident);
  void fill(Block &block, int32_t index);

private:
  /// A value of the block that its phase may want.
  struct Local {
    int32_t value;
    int maker;        // position in `nodes`, or -1: the state before the block
    uint64_t readers; // positions in `nodes`
    bool readBehind;  // by the backward half
    int64_t bytes;
  };
  struct Choice {
    uint64_t again;
    int64_t saved, time;
  };

  void collect(const Block &block, int32_t index);
  Choice evaluate(uint64_t again) const;
  std::vector<Choice> choose() const;
  void descend(double price, uint64_t again, std::vector<Choice> &found) const;
  BlockOption makeOption(const Block &block, const Choice &choice, int64_t inherited);
  void fillForward(Block &block);
  Order lazyPhase(const Block &block, const std::vector<int32_t> &again) const;
  Order leastPhase(const Block &block, const std::vector<int32_t> &again,
                   const Flags &neededAfter) const;
  Order neededFor(const Block &block, const std::vector<int32_t> &values) const;
  int64_t timeOf(const Order &order) const;

  const Problem &problem;
  const std::vector<int32_t> &blockOf;
  const Flags &isForward, &isResident;
  Evaluator evaluator;
  std::vector<int32_t> nodes; // of the forward half that the phase may want again, in order
  std::vector<Local> locals;
  Flags leftBehind; // values that the phase leaves for earlier blocks
};

} // namespace linnet::plan

#endif // LINNET_LIB_PLAN_CHAINOPTIONS_H
