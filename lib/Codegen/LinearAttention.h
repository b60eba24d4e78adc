//===- LinearAttention.h - what all kernels of it know ----------*- C++ -*-===//
//
// Part of Linnet, under Apache-2.0 WITH LLVM-exception. See LICENSE.
//
// What kernels of linear attention and of its gradient share on all targets.
//
//===----------------------------------------------------------------------===//
#ifndef LINNET_LIB_CODEGEN_LINEARATTENTION_H
#define LINNET_LIB_CODEGEN_LINEARATTENTION_H

#include "linnet/Codegen/KernelViews.h"
#include "linnet/IR/LinnetOps.h"

namespace linnet::codegen {

/// What the types and attributes of the op, or of its gradient, say.
struct LinearAttentionFacts {
  explicit LinearAttentionFacts(LinearAttentionOp op);
  explicit LinearAttentionFacts(LinearAttentionGradOp op);

  int64_t K, D;
  int64_t stateHeads; ///< heads of the state
  int64_t group;      ///< query heads that read one state
  bool scalarDecay, vectorDecay, delta, erase, pre, bonus;
  bool normalise = false;
  double scale, eps = 0.0;

  bool decays() const { return scalarDecay || vectorDecay; }
  /// Whether an erase term makes triangular systems.
  bool solves() const { return delta || erase; }
  /// Multiply-adds per position and element of the state: the op's and its gradient's.
  int64_t cost() const { return 2 * group + decays() + delta + 2 * erase; }
  int64_t gradCost() const { return 2 * group + 3 + 3 * solves() + 3 * erase; }

  /// The head of an operand that belongs to a head of the state, and of the queries to that and
  /// the g-th of those that read it.
  Value headOf(CodeBuilder &e, Value stateHead, const View &operand, unsigned dim = 1) const;
  Value queryHead(CodeBuilder &e, Value stateHead, Value g, const View &q) const;
  Value queryHead(CodeBuilder &e, Value stateHead, int64_t g, const View &q) const {
    return queryHead(e, stateHead, e.index(g), q);
  }

private:
  template <typename Op> explicit LinearAttentionFacts(Op op, int64_t heads);
};

/// Where the operands lie that the op and its gradient read.
struct LinearAttentionOperands {
  View q, k, v, decay, eraseA, eraseB, beta, bonus, state;
  llvm::SmallVector<View *> inOrder() {
    return {&q, &k, &v, &decay, &eraseA, &eraseB, &beta, &bonus, &state};
  }
};

} // namespace linnet::codegen

#endif // LINNET_LIB_CODEGEN_LINEARATTENTION_H
