//===- RuleScope.h - which rule is at work ----------------------*- C++ -*-===//
//
// Part of Linnet, under Apache-2.0 WITH LLVM-exception. See LICENSE.
//
//===----------------------------------------------------------------------===//
#ifndef LINNET_LIB_TRANSFORMS_RULES_RULESCOPE_H
#define LINNET_LIB_TRANSFORMS_RULES_RULESCOPE_H

#include "llvm/ADT/StringRef.h"

namespace linnet::rules {

/// The PDL pattern that this thread rewrites with: the driver knows patterns of PDL by number only.
extern thread_local llvm::StringRef currentPdlRule;

} // namespace linnet::rules

#endif // LINNET_LIB_TRANSFORMS_RULES_RULESCOPE_H
