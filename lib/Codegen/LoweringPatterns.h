//===- LoweringPatterns.h - what LLVM's conversions do not take -*- C++ -*-===//
//
// Part of Linnet, under Apache-2.0 WITH LLVM-exception. See LICENSE.
//
//===----------------------------------------------------------------------===//
#ifndef LINNET_LIB_CODEGEN_LOWERINGPATTERNS_H
#define LINNET_LIB_CODEGEN_LOWERINGPATTERNS_H

#include "mlir/IR/BuiltinOps.h"
#include "mlir/IR/PatternMatch.h"

namespace linnet::codegen {

/// On a math.fma: its product must not be rounded, also where a device's fma may do that.
inline constexpr llvm::StringLiteral kExactProduct = "linnet.exact_product";

/// bf16 and f16 arithmetic in f32, conversions that round to nearest even on every CPU, minima
/// and maxima with the same zeros on every CPU.
void populateFloatPatterns(mlir::RewritePatternSet &patterns);

/// Turns what is left of bf16 and f16 into i16, once arithmetic on them is expanded.
void eraseHalfTypes(mlir::ModuleOp module);

/// Divisions that never trap: lanes past the end divide zeros.
void populateIntegerPatterns(mlir::RewritePatternSet &patterns);

/// The function of Support/Math.cc that computes a math op, empty for ops that are instructions.
llvm::StringRef getMathFunction(mlir::Operation *op);

/// Replaces the math ops that LLVM would turn into calls of libm by calls of Support/Math.cc.
mlir::LogicalResult callMathFunctions(mlir::ModuleOp module);

/// In the LLVM dialect: masked stores of narrow elements in a form that LLVM compiles rightly.
void adaptMaskedMemory(mlir::ModuleOp module);

} // namespace linnet::codegen

#endif // LINNET_LIB_CODEGEN_LOWERINGPATTERNS_H
