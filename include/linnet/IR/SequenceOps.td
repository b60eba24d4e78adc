//===- SequenceOps.td - ops of the sequence family -*- tablegen -*-===//
//
// Part of Linnet, under Apache-2.0 WITH LLVM-exception. See LICENSE.
//
//===----------------------------------------------------------------------===//
#ifndef LINNET_IR_SEQUENCEOPS_TD
#define LINNET_IR_SEQUENCEOPS_TD

include "linnet/IR/LinnetAttrs.td"
include "mlir/Interfaces/InferTypeOpInterface.td"
include "mlir/Interfaces/SideEffectInterfaces.td"

#endif // LINNET_IR_SEQUENCEOPS_TD
