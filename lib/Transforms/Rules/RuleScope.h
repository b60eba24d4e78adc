//===- RuleScope.h - which rule is at work, what it left --------*- C++ -*-===//
//
// Part of Linnet, under Apache-2.0 WITH LLVM-exception. See LICENSE.
//
//===----------------------------------------------------------------------===//
#ifndef LINNET_LIB_TRANSFORMS_RULES_RULESCOPE_H
#define LINNET_LIB_TRANSFORMS_RULES_RULESCOPE_H

#include "mlir/IR/Operation.h"

namespace linnet::rules {

/// The PDL pattern that this thread rewrites with: the driver knows patterns of PDL by number only.
extern thread_local llvm::StringRef currentPdlRule;

/// What the verifier says of IR that `root` holds, and where; it prints nothing.
std::optional<std::pair<mlir::Location, std::string>> findInvalid(mlir::Operation *root);

/// A location that stands for the whole file; an error where there is none.
mlir::FailureOr<mlir::Location> locate(mlir::MLIRContext *context, llvm::StringRef file);

} // namespace linnet::rules

#endif // LINNET_LIB_TRANSFORMS_RULES_RULESCOPE_H
