//===- Reference.h - what exponentials are taken relative to ----*- C++ -*-===//
//
// Part of Linnet, under Apache-2.0 WITH LLVM-exception. See LICENSE.
//
//===----------------------------------------------------------------------===//
#ifndef LINNET_IR_REFERENCE_H
#define LINNET_IR_REFERENCE_H

#include "llvm/ADT/StringRef.h"

namespace linnet {

/// On the combiner of a maximum that exponentials are taken relative to, and that is divided out
/// again: any value up to 40 below it serves. Exponents that are marked as not positive are then at
/// most 40.
inline constexpr llvm::StringLiteral kReferenceAttr = "linnet.reference";

} // namespace linnet

#endif // LINNET_IR_REFERENCE_H
