//===- NormOps.td - ops of the norm family -*- tablegen -*-===//
//
// Part of Linnet, under Apache-2.0 WITH LLVM-exception. See LICENSE.
//
//===----------------------------------------------------------------------===//
#ifndef LINNET_IR_NORMOPS_TD
#define LINNET_IR_NORMOPS_TD

include "linnet/IR/LinnetAttrs.td"
include "mlir/Interfaces/InferTypeOpInterface.td"
include "mlir/Interfaces/SideEffectInterfaces.td"

#endif // LINNET_IR_NORMOPS_TD
