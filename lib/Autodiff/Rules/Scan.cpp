//===- Scan.cpp - derivatives of selective_scan and causal_conv -----------===//
//
// Part of Linnet, under Apache-2.0 WITH LLVM-exception. See LICENSE.
//
//===----------------------------------------------------------------------===//
#include "../Rules.h"
#include "linnet/IR/LinnetOps.h"

using namespace mlir;
using namespace linnet;

/// Nothing is saved but the operands. Gradients that nobody reads cost nothing: the kernel does
/// not make them.
template <typename OpTy, typename GradOpTy>
static LogicalResult differentiateScan(OpTy op, Adjoints &a) {
  Value dfinal = op.getFinalState() ? a.of(op.getFinalState()) : Value();
  auto grad = GradOpTy::create(a.builder(), op, a.ofOrZero(op.getY()), dfinal);
  for (auto [operand, gradient] : llvm::zip_equal(op->getOperands(), grad.getGradients()))
    a.add(operand, gradient);
  return success();
}

void linnet::registerScanRules(DialectRegistry &registry) {
  registry.addExtension(+[](MLIRContext *context, LinnetDialect *) {
    attachRule<SelectiveScanOp, differentiateScan<SelectiveScanOp, SelectiveScanGradOp>>(context);
    attachRule<CausalConvOp, differentiateScan<CausalConvOp, CausalConvGradOp>>(context);
  });
}
