//===- Views.h - which views are other names for the same bytes -*- C++ -*-===//
//
// Part of Linnet, under Apache-2.0 WITH LLVM-exception. See LICENSE.
//
//===----------------------------------------------------------------------===//
#ifndef LINNET_LIB_PROGRAM_VIEWS_H
#define LINNET_LIB_PROGRAM_VIEWS_H

#include "mlir/Dialect/Func/IR/FuncOps.h"
#include "mlir/IR/Value.h"
#include "llvm/ADT/SmallVector.h"

namespace linnet {

/// A view between dispatches whose elements lie together in a buffer, in order: an alias. Other
/// views are read through strides inside the dispatches that use them.
bool isAlias(mlir::Operation *op);

/// Whether the elements of a tensor between dispatches lie together, in order.
bool isContiguous(mlir::Value tensor);

/// A collapse_shape that strides cannot express: its source is not contiguous where it merges.
bool needsMaterializedSource(mlir::Operation *collapse);

/// The tensor behind all aliases.
mlir::Value getAliasRoot(mlir::Value tensor);

/// The argument whose memory result `i` of a function takes over, if it is said by state or number.
mlir::BlockArgument getDonor(mlir::func::FuncOp func, unsigned i);

} // namespace linnet

#endif // LINNET_LIB_PROGRAM_VIEWS_H
