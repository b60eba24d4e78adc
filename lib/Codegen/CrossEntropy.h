//===- CrossEntropy.h - rows of logits --------------------------*- C++ -*-===//
//
// Part of Linnet, under Apache-2.0 WITH LLVM-exception. See LICENSE.
//
// What the kernels of cross entropy and of its gradient share on all targets: operands, and what a
// row makes of its sums.
//
//===----------------------------------------------------------------------===//
#ifndef LINNET_LIB_CODEGEN_CROSSENTROPY_H
#define LINNET_LIB_CODEGEN_CROSSENTROPY_H

#include "linnet/Codegen/KernelViews.h"
#include "linnet/IR/LinnetOps.h"

namespace linnet::codegen {

/// Whether `target` is one of the classes.
Value isClass(CodeBuilder &e, Value target, Value classes);
/// Whether a row with this target, as it lies in memory, has a loss.
Value isCounted(CodeBuilder &e, Value target, int64_t ignored);
/// Gives the kernel of `op` its fault site, for targets that are no class.
void declareTargetFault(exec::KernelOp kernel, mlir::Operation *op);

class CrossEntropyRows {
public:
  /// `whole`: the integer type that becomes a float in one instruction.
  CrossEntropyRows(CrossEntropyOp op, KernelViews &frame, Type whole)
      : e(frame.e), frame(frame), op(op), whole(whole) {}
  mlir::LogicalResult bind();

  struct Row {
    Value number;
    Values at;
    Value start; ///< position of its first logit
  };
  Row row(Value number);
  /// Stores the row's results: `top` is its greatest logit, `sum` that of exp(x - top), `total`
  /// gives the sum of all x and is asked where there is smoothing.
  void finish(const Row &row, Value top, Value sum, llvm::function_ref<Value()> total);

  View logits, targets;
  Value classes;

private:
  void put(const std::optional<View> &view, const Values &at, Value x);
  Value targetLogit(Value target, const Row &row);

  CodeBuilder &e;
  KernelViews &frame;
  CrossEntropyOp op;
  Type whole;
  std::optional<View> loss, lse;
};

class CrossEntropyGradRows {
public:
  CrossEntropyGradRows(CrossEntropyGradOp op, KernelViews &frame, Type whole)
      : e(frame.e), frame(frame), op(op), whole(whole), smoothing(op.getSmoothing()) {}
  mlir::LogicalResult bind();

  struct Row {
    Value number;
    Value from, to; ///< positions of its first logit and of that one's gradient
    Value target, lse, g;
    Value counts; ///< false: zeros
  };
  Row row(Value number);
  /// The gradient of a logit with exp(x - lse) = `share`; a scalar or a vector.
  Value gradient(const Row &row, Value share);
  /// That of the target's.
  Value targetGradient(const Row &row, Value share);

  View logits, out;
  Value classes;

private:
  CodeBuilder &e;
  KernelViews &frame;
  CrossEntropyGradOp op;
  Type whole;
  double smoothing;
  View grad, targets, sums;
  Value spread; ///< smoothing / classes
};

} // namespace linnet::codegen

#endif // LINNET_LIB_CODEGEN_CROSSENTROPY_H
