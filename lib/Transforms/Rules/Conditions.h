//===- Conditions.h - what natives and matchers ask alike -------*- C++ -*-===//
//
// Part of Linnet, under Apache-2.0 WITH LLVM-exception. See LICENSE.
//
//===----------------------------------------------------------------------===//
#ifndef LINNET_LIB_TRANSFORMS_RULES_CONDITIONS_H
#define LINNET_LIB_TRANSFORMS_RULES_CONDITIONS_H

#include "linnet/IR/LinnetOps.h"

namespace linnet::rules {

/// Whether there is nothing but softmax, and at most a causal mask.
inline bool isPlain(AttentionOp op) {
  MaskAttr m = op.getMaskSet();
  return !m.getWindow() && !m.getIsExplicit() && !m.getKvLengths() && !m.getSegments() &&
         !op.getBias() && !op.getAlibiSlopes() && !op.getSoftcap() && !op.getDropout() &&
         !op.getQOffset() && !op.getPart();
}

/// A dynamic size counts as large: rules for long sequences are for models that take any length.
inline bool atLeast(int64_t size, int64_t least) {
  return mlir::ShapedType::isDynamic(size) || size >= least;
}

} // namespace linnet::rules

#endif // LINNET_LIB_TRANSFORMS_RULES_CONDITIONS_H
