//===- LinearAttentionGrad.h - what all kernels of it know ------*- C++ -*-===//
//
// Part of Linnet, under Apache-2.0 WITH LLVM-exception. See LICENSE.
//
// The form that kernels of linear attention's gradient have on all targets. They walk over blocks
// of 16 positions, forward with the state S and back with its gradient G, in small products. In a
// block
//
//   readers  are rows x with a gradient z: the queries of all heads that share the state, with that
//            of their output; with an erase term its keys a, with the gradient of what they found
//   writers  are rows w with a value u: the keys with the values; with `erase` b with what a found
//
// so that with A[r, j] = x_r . w_j under the decays between r and j, and B = (z_r . u_j) under them
//
//   S' = keep S + W'^T U     G' = keep G + X'^T Z     x' and w' decay to an end of the block
//   dX = Z S^T + B W         dW = U G^T + B^T X       dU = W' G + A^T Z
//
// The rule of an erase term makes U, and Z on the way back, unit triangular systems of 16
// equations. Decays are running products, each at most 1: nothing is ever divided by one. The
// gradient of a decay is what crosses it: everything that is read behind it less what was written
// there, plus rowsum(G . S) at a place where S is known.
//
//===----------------------------------------------------------------------===//
#ifndef LINNET_LIB_CODEGEN_LINEARATTENTIONGRAD_H
#define LINNET_LIB_CODEGEN_LINEARATTENTIONGRAD_H

#include "LinearAttention.h"
#include "OneOp.h"

namespace linnet::codegen {

struct LinearAttentionGradFacts : LinearAttentionFacts {
  explicit LinearAttentionGradFacts(LinearAttentionGradOp op) : LinearAttentionFacts(op) {}

  static constexpr int64_t kBlock = 16; ///< positions

  int64_t readers() const { return group + solves(); } ///< sets of 16 rows
  int64_t writers() const { return 1 + erase; }
  int64_t rows() const { return kBlock * readers(); }
  int64_t columns() const { return kBlock * writers(); }
  /// Whether the readers of a set see the decay of their own position, and what it writes.
  bool inclusive(int64_t set) const { return set == group ? delta : !pre; }
  bool seesOwn(int64_t set) const { return set < group && !pre; }
};

/// Where the op reads and writes.
struct LinearAttentionGradViews : LinearAttentionOperands {
  View dout, dfinal;
  std::optional<View> dq, dk, dv, ddecay, deraseA, deraseB, dbeta, dbonus, dstate;
  mlir::LogicalResult bind(LinearAttentionGradOp op, KernelViews &frame);
};

/// Kernels do not sum over heads that share an operand.
mlir::LogicalResult expectGradientsPerHead(LinearAttentionGradOp op);

} // namespace linnet::codegen

#endif // LINNET_LIB_CODEGEN_LINEARATTENTIONGRAD_H
