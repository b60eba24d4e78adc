//===- RandomRows.h - orthogonal rows from a seed ---------------*- C++ -*-===//
//
// Part of Linnet, under Apache-2.0 WITH LLVM-exception. See LICENSE.
//
//===----------------------------------------------------------------------===//
#ifndef LINNET_LIB_TRANSFORMS_LINEARIZE_RANDOMROWS_H
#define LINNET_LIB_TRANSFORMS_LINEARIZE_RANDOMROWS_H

#include "mlir/Support/LLVM.h"

namespace linnet::linearize {

/// `blocks` bases of `depth` dimensions, their vectors as rows of length sqrt(depth), uniform over
/// all bases: Gram-Schmidt of normal numbers, which are Box-Muller of the words of Philox with this
/// key from counter 0 on. The same on every machine.
llvm::SmallVector<float> randomRows(int64_t seed, int64_t blocks, int64_t depth);

} // namespace linnet::linearize

#endif // LINNET_LIB_TRANSFORMS_LINEARIZE_RANDOMROWS_H
