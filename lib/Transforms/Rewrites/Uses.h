//===- Uses.h - what becomes of a value ----------------------------*- C++ -*-===//
//
// Part of Linnet, under Apache-2.0 WITH LLVM-exception. See LICENSE.
//
//===----------------------------------------------------------------------===//
#ifndef LINNET_LIB_TRANSFORMS_REWRITES_USES_H
#define LINNET_LIB_TRANSFORMS_REWRITES_USES_H

#include "mlir/IR/Operation.h"
#include "llvm/ADT/DenseSet.h"

namespace linnet::rewrites {

/// Whether all that becomes of a value goes into the roots: once these are replaced, nothing
/// computes it any more.
bool onlyFeeds(mlir::Value v, const llvm::DenseSet<mlir::Operation *> &roots);

} // namespace linnet::rewrites

#endif // LINNET_LIB_TRANSFORMS_REWRITES_USES_H
