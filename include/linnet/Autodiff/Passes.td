//===- Passes.td - differentiation of model IR -------------*- tablegen -*-===//
//
// Part of Linnet, under Apache-2.0 WITH LLVM-exception. See LICENSE.
//
//===----------------------------------------------------------------------===//
#ifndef LINNET_AUTODIFF_PASSES_TD
#define LINNET_AUTODIFF_PASSES_TD

include "mlir/Pass/PassBase.td"

def Autodiff : Pass<"linnet-autodiff", "mlir::ModuleOp"> {
  let summary = "expand value_and_grad: reverse mode on model IR";
  let description = [{
    Every `linnet.value_and_grad` becomes the body of its function, followed by the gradients:
    one rule per op, `DifferentiableOpInterface`, in reverse order. Calls are inlined first.
    The backward pass reads values of the forward pass wherever a rule needs them; what the
    ops inside of `linnet.checkpoint` computed is computed again. Loops keep, for each of their
    iterations, what they carry into it, and compute the rest again: the size of the IR does
    not depend on a trip count.

    Ops that lie between the loss and what is differentiated and have no rule are reported all
    at once. Afterwards no `value_and_grad`, `custom_vjp`, `stop_gradient` or `checkpoint` is
    left; a module without them is not changed.
  }];
  let dependentDialects = ["mlir::arith::ArithDialect", "mlir::math::MathDialect",
                           "mlir::tensor::TensorDialect", "mlir::scf::SCFDialect",
                           "::linnet::LinnetDialect"];
}

#endif // LINNET_AUTODIFF_PASSES_TD
