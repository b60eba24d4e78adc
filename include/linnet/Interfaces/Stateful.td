//===- Stateful.td - ops that carry a state through --------*- tablegen -*-===//
//
// Part of Linnet, under Apache-2.0 WITH LLVM-exception. See LICENSE.
//
//===----------------------------------------------------------------------===//
#ifndef LINNET_INTERFACES_STATEFUL_TD
#define LINNET_INTERFACES_STATEFUL_TD

include "mlir/IR/OpBase.td"

def Linnet_StatefulInterface : OpInterface<"StatefulOpInterface"> {
  let cppNamespace = "::linnet";
  let description = [{
    An op of a recurrence: one operand is the state before it, one result the state behind it,
    and each may be absent. Its kernel promises to read every element of the state in the chunk
    that writes it, before it does, so that both may lie in the same memory.
  }];
  let methods = [
    InterfaceMethod<"The state before the op; null where there is none.", "::mlir::Value",
                    "getStateBefore", (ins), "", "return $_op.getState();">,
    InterfaceMethod<"The state behind the op; null where there is none.", "::mlir::Value",
                    "getStateAfter", (ins), "", "return $_op.getFinalState();">
  ];
}

#endif // LINNET_INTERFACES_STATEFUL_TD
