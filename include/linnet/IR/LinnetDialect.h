//===- LinnetDialect.h - the model dialect ----------------------*- C++ -*-===//
//
// Part of Linnet, under Apache-2.0 WITH LLVM-exception. See LICENSE.
//
//===----------------------------------------------------------------------===//
#ifndef LINNET_IR_LINNETDIALECT_H
#define LINNET_IR_LINNETDIALECT_H

#include "mlir/IR/BuiltinAttributes.h"
#include "mlir/IR/BuiltinTypes.h"
#include "mlir/IR/Dialect.h"

#include "linnet/IR/LinnetDialect.h.inc"

#include "linnet/IR/LinnetEnums.h.inc"

#define GET_ATTRDEF_CLASSES
#include "linnet/IR/LinnetAttrs.h.inc"

namespace linnet {
/// Names of the discardable attributes that the dialect reads on functions.
inline constexpr llvm::StringLiteral kDimsAttr = "linnet.dims";
inline constexpr llvm::StringLiteral kSymbolsAttr = "linnet.symbols";
inline constexpr llvm::StringLiteral kStateAttr = "linnet.state";
inline constexpr llvm::StringLiteral kNameAttr = "linnet.name";
/// On an argument: the number of the result that takes over its memory.
inline constexpr llvm::StringLiteral kDonateAttr = "linnet.donate";
/// On a hidden trailing argument: the symbol of the global that it carries.
inline constexpr llvm::StringLiteral kConstantAttr = "linnet.constant";
/// On a math.exp: its operand is at most 0, or NaN; at most 40 behind a reference (IR/Reference.h).
inline constexpr llvm::StringLiteral kNonPositiveAttr = "linnet.nonpositive";
/// On an argument with a state: the global whose value the state starts with.
inline constexpr llvm::StringLiteral kInitialAttr = "linnet.initial";
/// On attention, a function or a module: how far attention may be from what it says.
inline constexpr llvm::StringLiteral kContractAttr = "linnet.contract";
/// On a module: what was decided at every attention, one dictionary each.
inline constexpr llvm::StringLiteral kSitesAttr = "linnet.sites";
} // namespace linnet

#endif // LINNET_IR_LINNETDIALECT_H
