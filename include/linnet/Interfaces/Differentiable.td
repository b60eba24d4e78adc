//===- Differentiable.td - ops with a derivative rule ------*- tablegen -*-===//
//
// Part of Linnet, under Apache-2.0 WITH LLVM-exception. See LICENSE.
//
//===----------------------------------------------------------------------===//
#ifndef LINNET_INTERFACES_DIFFERENTIABLE_TD
#define LINNET_INTERFACES_DIFFERENTIABLE_TD

include "mlir/IR/OpBase.td"

def Linnet_DifferentiableInterface : OpInterface<"DifferentiableOpInterface"> {
  let cppNamespace = "::linnet";
  let description = [{
    An op's vector-Jacobian product. `--linnet-autodiff` calls it once for every op through
    which the loss depends on what is differentiated, in reverse order. Rules are attached as
    external models, from `lib/Autodiff/Rules` or from a plugin.
  }];
  let methods = [
    InterfaceMethod<[{
        Reads the gradients of the op's results from `adjoints` and adds those of its operands
        (and, for an op with regions, of the values that these capture). The op itself is
        still there: its operands and results may be used. On failure the rule has emitted
        an error.
      }],
      "::mlir::LogicalResult", "differentiate", (ins "::linnet::Adjoints &":$adjoints)>,
    InterfaceMethod<[{
        Whether operand number `operand` has an influence that the rule follows. Sizes,
        positions and keys have none.
      }],
      "bool", "isDifferentiableOperand", (ins "unsigned":$operand), "",
      [{ return ::linnet::isDifferentiableType($_op->getOperand(operand).getType()); }]>
  ];
}

#endif // LINNET_INTERFACES_DIFFERENTIABLE_TD
