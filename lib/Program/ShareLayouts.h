//===- ShareLayouts.h - one copy of a constant for all kernels --*- C++ -*-===//
//
// Part of Linnet, under Apache-2.0 WITH LLVM-exception. See LICENSE.
//
//===----------------------------------------------------------------------===//
#ifndef LINNET_LIB_PROGRAM_SHARELAYOUTS_H
#define LINNET_LIB_PROGRAM_SHARELAYOUTS_H

#include "mlir/IR/BuiltinOps.h"

namespace linnet {

/// The symbol of a weight, which is a hidden argument of its function; null: `v` is none.
mlir::Attribute getConstantSymbol(mlir::Value v);

/// Kernels that pick elements out of a constant take it in the layout that other ones want.
void shareLayouts(mlir::ModuleOp module);

} // namespace linnet

#endif // LINNET_LIB_PROGRAM_SHARELAYOUTS_H
