//===- Passes.h - differentiation of model IR -------------------*- C++ -*-===//
//
// Part of Linnet, under Apache-2.0 WITH LLVM-exception. See LICENSE.
//
//===----------------------------------------------------------------------===//
#ifndef LINNET_AUTODIFF_PASSES_H
#define LINNET_AUTODIFF_PASSES_H

#include "linnet/IR/LinnetDialect.h"
#include "mlir/Dialect/Arith/IR/Arith.h"
#include "mlir/Dialect/Math/IR/Math.h"
#include "mlir/Dialect/SCF/IR/SCF.h"
#include "mlir/Dialect/Tensor/IR/Tensor.h"
#include "mlir/IR/BuiltinOps.h"
#include "mlir/Pass/Pass.h"

namespace linnet {

#define GEN_PASS_DECL
#define GEN_PASS_REGISTRATION
#include "linnet/Autodiff/Passes.h.inc"

/// Attaches the derivative rules of `arith`, `math`, `tensor`, `scf` and the model dialect.
void registerDerivativeRules(mlir::DialectRegistry &registry);

} // namespace linnet

#endif // LINNET_AUTODIFF_PASSES_H
