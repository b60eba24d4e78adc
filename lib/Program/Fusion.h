//===- Fusion.h - elementwise fusion before grouping ------------*- C++ -*-===//
//
// Part of Linnet, under Apache-2.0 WITH LLVM-exception. See LICENSE.
//
//===----------------------------------------------------------------------===//
#ifndef LINNET_LIB_PROGRAM_FUSION_H
#define LINNET_LIB_PROGRAM_FUSION_H

#include "mlir/Support/LLVM.h"

namespace linnet {

/// Brings named ops that are no contraction or convolution to linalg.generic, with loops in the
/// order of the result, and fuses elementwise ops into their consumers where nothing expensive
/// is computed twice.
llvm::LogicalResult fuseElementwise(mlir::Operation *root);

} // namespace linnet

#endif // LINNET_LIB_PROGRAM_FUSION_H
