//===- Rules.h - rewrite rules by name and from files -----------*- C++ -*-===//
//
// Part of Linnet, under Apache-2.0 WITH LLVM-exception. See LICENSE.
//
//===----------------------------------------------------------------------===//
#ifndef LINNET_RULES_H
#define LINNET_RULES_H

#include "mlir/IR/PatternMatch.h"

namespace linnet {

/// Registers the functions that PDL and PDLL files may name without defining them; constraints:
///
/// - `IsEmpty(values)`: an optional or variadic operand is absent
/// - `OneUse(value)`: exactly one use
/// - `HasAttr(op, "name")`; `AttrIs(op, "name", "text")`: an attribute of a dialect, as it is
/// written
/// - `IsCausal(op)`: an attention whose mask set has `causal`
/// - `IsUnmasked(op)`: an attention without mask, bias, soft cap and dropout
/// - `Rank(value, n)`: a tensor of n dimensions
/// - `Dim(value, d, n)`: dimension d (negative: from the end) is known to be n
/// - `SeqAtLeast(value, n)`: the last dimension but one is known to be at least n, or dynamic
/// - `ElementType(value, type)`
///
/// rewrites:
///
/// - `ParseAttr("text") -> Attr`: attributes of dialects, which PDLL cannot spell
/// - `GetAttr(op, "name") -> Attr`
/// - `CopyAttr(from, to, "name")`: where `from` has it
void registerPdlNatives(mlir::PDLPatternModule &module);

/// The patterns of a `.pdll` file (mlir-pdll translates it, with `includes` beside Linnet's and
/// LLVM's folders) or of an `.mlir` file with pdl.pattern ops. Failure has been reported.
mlir::FailureOr<mlir::PDLPatternModule> loadPdlRules(mlir::MLIRContext *context,
                                                     llvm::StringRef file,
                                                     llvm::ArrayRef<std::string> includes = {});

} // namespace linnet

#endif // LINNET_RULES_H
