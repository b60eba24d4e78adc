//===- SplitReductions.h - large reductions in two steps --------*- C++ -*-===//
//
// Part of Linnet, under Apache-2.0 WITH LLVM-exception. See LICENSE.
//
//===----------------------------------------------------------------------===//
#ifndef LINNET_LIB_PROGRAM_SPLITREDUCTIONS_H
#define LINNET_LIB_PROGRAM_SPLITREDUCTIONS_H

#include "mlir/Support/LLVM.h"

namespace linnet {

/// Cuts a large reduction with few results, or one of columns, into partial reductions of blocks
/// and a reduction of these, in the order of the blocks. Blocks come from the shape.
void splitReductions(mlir::Operation *root);

} // namespace linnet

#endif // LINNET_LIB_PROGRAM_SPLITREDUCTIONS_H
