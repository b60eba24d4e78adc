//===- SizeOrigin.h - where a dynamic size comes from -----------*- C++ -*-===//
//
// Part of Linnet, under Apache-2.0 WITH LLVM-exception. See LICENSE.
//
//===----------------------------------------------------------------------===//
#ifndef LINNET_ANALYSIS_SIZEORIGIN_H
#define LINNET_ANALYSIS_SIZEORIGIN_H

#include "mlir/IR/BuiltinTypes.h"
#include "mlir/IR/OpDefinition.h"

namespace linnet {

/// Dimension `dim` of a tensor; or, with `dim` -1, an integer of the program; or, without a value,
/// the number `dim`.
struct SizeOrigin {
  mlir::Value value;
  int64_t dim = -1;
  bool operator==(const SizeOrigin &o) const { return value == o.value && dim == o.dim; }
};

/// The farthest value that has the size of a dimension, seen through what keeps sizes: two sizes of
/// one origin are equal. Unlike ops that reify shapes, this changes nothing and goes back only
/// as far as sizes are the same.
SizeOrigin sizeOrigin(mlir::Value tensor, int64_t dim);
SizeOrigin sizeOrigin(mlir::OpFoldResult size);

} // namespace linnet

#endif // LINNET_ANALYSIS_SIZEORIGIN_H
