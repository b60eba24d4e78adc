//===- ScatterAdd.h - operands of sums of slices ----------------*- C++ -*-===//
//
// Part of Linnet, under Apache-2.0 WITH LLVM-exception. See LICENSE.
//
//===----------------------------------------------------------------------===//
#ifndef LINNET_LIB_CODEGEN_SCATTERADD_H
#define LINNET_LIB_CODEGEN_SCATTERADD_H

#include "OneOp.h"
#include "ViewDims.h"
#include "linnet/IR/LinnetOps.h"

namespace linnet::codegen {

/// Operands and result of a scatter_add in its kernel.
struct ScatterAddViews {
  explicit ScatterAddViews(ScatterAddOp op)
      : op(op), axis(op.getAxis()), batch(op.getBatchDims()) {}
  mlir::LogicalResult bind(KernelViews &frame);
  /// Finds the slices of one combination of the coordinates before the axis.
  void enter(CodeBuilder &e, Value outer);

  ScatterAddOp op;
  unsigned axis, batch;
  View updates, indices, out;
  std::optional<ViewDims> left, places, rest; ///< of the updates: before, the indices', behind
  Value updatesBase, indicesBase, outBase;    ///< of the coordinates that were entered
};

} // namespace linnet::codegen

#endif // LINNET_LIB_CODEGEN_SCATTERADD_H
