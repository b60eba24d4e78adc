//===- ViewDims.h - dimensions of a view counted as one ---------*- C++ -*-===//
//
// Part of Linnet, under Apache-2.0 WITH LLVM-exception. See LICENSE.
//
//===----------------------------------------------------------------------===//
#ifndef LINNET_LIB_CODEGEN_VIEWDIMS_H
#define LINNET_LIB_CODEGEN_VIEWDIMS_H

#include "linnet/Codegen/KernelViews.h"
#include "mlir/Dialect/Tensor/IR/Tensor.h"

namespace linnet::codegen {

/// Some dimensions of a view that follow each other, counted as one, in row-major order.
struct ViewDims {
  Value count;
  Values sizes;

  ViewDims(CodeBuilder &e, const View &v, unsigned from, unsigned to) : count(e.index(1)) {
    for (unsigned d = from; d < to; ++d) {
      sizes.push_back(v.sizes[d]);
      count = e.mul(count, v.sizes[d]);
    }
  }
  /// The position of number `at`, by the strides of `v` from dimension `first` on.
  Value position(CodeBuilder &e, const View &v, Value at, unsigned first) const {
    Value sum = e.index(0);
    for (unsigned i = sizes.size(); i-- > 0;) {
      Value c = i ? e.rem(at, sizes[i]) : at;
      sum = e.add(sum, e.mul(c, v.strides[first + i]));
      at = i ? e.div(at, sizes[i]) : at;
    }
    return sum;
  }
};

/// Whether element i of the flattened tensor is element i of the memory of the argument behind it.
inline bool isFlat(Value tensor) {
  while (mlir::Operation *op = tensor.getDefiningOp()) {
    if (!mlir::isa<mlir::tensor::CastOp, mlir::tensor::ExpandShapeOp,
                   mlir::tensor::CollapseShapeOp>(op))
      return false;
    tensor = op->getOperand(0);
  }
  return true;
}

} // namespace linnet::codegen

#endif // LINNET_LIB_CODEGEN_VIEWDIMS_H
