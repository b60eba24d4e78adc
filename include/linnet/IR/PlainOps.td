//===- PlainOps.td - ops of the plain family -*- tablegen -*-===//
//
// Part of Linnet, under Apache-2.0 WITH LLVM-exception. See LICENSE.
//
//===----------------------------------------------------------------------===//
#ifndef LINNET_IR_PLAINOPS_TD
#define LINNET_IR_PLAINOPS_TD

include "linnet/IR/LinnetAttrs.td"
include "mlir/Interfaces/InferTypeOpInterface.td"
include "mlir/Interfaces/SideEffectInterfaces.td"

#endif // LINNET_IR_PLAINOPS_TD
