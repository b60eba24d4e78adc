//===- Pair.h - exact forms beside rewritten ones ---------------*- C++ -*-===//
//
// Part of Linnet, under Apache-2.0 WITH LLVM-exception. See LICENSE.
//
//===----------------------------------------------------------------------===//
#ifndef LINNET_LIB_PIPELINES_PAIR_H
#define LINNET_LIB_PIPELINES_PAIR_H

#include "mlir/IR/BuiltinOps.h"

namespace linnet {

/// Moves the functions of `exact`, a structured form of the same program, into `module`, as
/// NAME.exact. Weights that both have are one.
mlir::LogicalResult addExactForms(mlir::ModuleOp module, mlir::ModuleOp exact);

} // namespace linnet

#endif // LINNET_LIB_PIPELINES_PAIR_H
