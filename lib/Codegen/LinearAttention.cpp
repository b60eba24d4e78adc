//===- LinearAttention.cpp - what all kernels of it know -------------------===//
//
// Part of Linnet, under Apache-2.0 WITH LLVM-exception. See LICENSE.
//
//===----------------------------------------------------------------------===//
#include "LinearAttention.h"

using namespace mlir;
using namespace linnet;
using namespace linnet::codegen;

template <typename Op>
LinearAttentionFacts::LinearAttentionFacts(Op op, int64_t heads)
    : K(op.getQ().getType().getDimSize(3)), D(op.getV().getType().getDimSize(3)),
      stateHeads(op.getStateHeads()), group(std::max<int64_t>(1, heads / stateHeads)),
      scalarDecay(op.getDecay() && !op.hasVectorDecay()), vectorDecay(op.hasVectorDecay()),
      delta(static_cast<bool>(op.getBeta())), erase(static_cast<bool>(op.getEraseA())),
      pre(op.getRead() == StateRead::pre), bonus(static_cast<bool>(op.getBonus())),
      scale(op.getScale() ? op.getScale()->convertToDouble() : 1.0) {}

LinearAttentionFacts::LinearAttentionFacts(LinearAttentionOp op)
    : LinearAttentionFacts(op, op.getQ().getType().getDimSize(1)) {
  normalise = op.getNormalise().has_value();
  eps = normalise ? op.getNormalise()->convertToDouble() : 0.0;
}

LinearAttentionFacts::LinearAttentionFacts(LinearAttentionGradOp op)
    : LinearAttentionFacts(op, op.getHeads()) {}

Value LinearAttentionFacts::headOf(CodeBuilder &e, Value stateHead, const View &operand,
                                   unsigned dim) const {
  int64_t heads = *CodeBuilder::constantOf(operand.sizes[dim]);
  return e.div(stateHead, stateHeads / std::min(heads, stateHeads));
}

Value LinearAttentionFacts::queryHead(CodeBuilder &e, Value stateHead, Value g,
                                      const View &q) const {
  bool own = *CodeBuilder::constantOf(q.sizes[1]) > stateHeads;
  return own ? e.add(e.mul(stateHead, group), g) : headOf(e, stateHead, q);
}
