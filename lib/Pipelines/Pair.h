//===- Pair.h - exact forms beside rewritten ones ---------------*- C++ -*-===//
//
// Part of Linnet, under Apache-2.0 WITH LLVM-exception. See LICENSE.
//
//===----------------------------------------------------------------------===//
#ifndef LINNET_LIB_PIPELINES_PAIR_H
#define LINNET_LIB_PIPELINES_PAIR_H

#include "mlir/IR/BuiltinOps.h"

namespace linnet {

/// Of functions without rewrites, and of those that compare both forms of their attention.
inline constexpr llvm::StringLiteral kExactSuffix = ".exact";
inline constexpr llvm::StringLiteral kSitesSuffix = ".sites";

/// Moves the functions of `forms`, a structured form of the same program, into `module`, with the
/// suffix. Weights that both have are one.
mlir::LogicalResult addForms(mlir::ModuleOp module, mlir::ModuleOp forms, llvm::StringRef suffix);

/// Erases the functions that compare no forms.
void keepComparisons(mlir::ModuleOp module);

} // namespace linnet

#endif // LINNET_LIB_PIPELINES_PAIR_H
