//===- Raise.h - what primitive ops spell out -------------------*- C++ -*-===//
//
// Part of Linnet, under Apache-2.0 WITH LLVM-exception. See LICENSE.
//
//===----------------------------------------------------------------------===//
#ifndef LINNET_LIB_TRANSFORMS_REWRITES_RAISE_H
#define LINNET_LIB_TRANSFORMS_REWRITES_RAISE_H

#include "mlir/Dialect/SCF/IR/SCF.h"
#include "mlir/IR/Builders.h"
#include <string>

namespace linnet::rewrites {

/// What became of a value: the value in its place, or what did not fit.
struct Raised {
  mlir::Value value;  ///< null: nothing was made
  llvm::StringRef op; ///< what was made
  std::string why;    ///< empty: nothing was found either
  /// What the value holds but others may as well: where one of them is raised, this one is
  /// not reported.
  mlir::Value part;
};

/// x, or x less its mean, over the root of the mean of its square: layer_norm and rms_norm.
Raised raiseNorm(mlir::OpBuilder &b, mlir::Value result);

/// Pairs of channels turned by cosine and sine: rotary.
Raised raiseRotary(mlir::OpBuilder &b, mlir::Value result);

/// Minus the logarithm of softmax at a class number, of rows or summed over them: cross_entropy.
Raised raiseLoss(mlir::OpBuilder &b, mlir::Value result);

/// GELU, SiLU and the logistic function in one form each.
Raised raiseActivation(mlir::OpBuilder &b, mlir::Value result);

/// A loop that carries a state which is linear in itself, and rows read out of it:
/// linear_attention or selective_scan, whose name `op` becomes. `why`: what did not fit.
bool raiseRecurrences(mlir::OpBuilder &b, mlir::scf::ForOp loop, std::string &op, std::string &why);

/// Removes assertions that a value is not zero where that is seen from how it is made. NaN fails
/// such an assertion, and is a result like others without it.
void dropAssertions(mlir::Operation *root);

} // namespace linnet::rewrites

#endif // LINNET_LIB_TRANSFORMS_REWRITES_RAISE_H
