//===- EqualSizes.td - which sizes an op wants equal -------*- tablegen -*-===//
//
// Part of Linnet, under Apache-2.0 WITH LLVM-exception. See LICENSE.
//
//===----------------------------------------------------------------------===//
#ifndef LINNET_INTERFACES_EQUALSIZES_TD
#define LINNET_INTERFACES_EQUALSIZES_TD

include "mlir/IR/OpBase.td"

def Linnet_EqualSizesInterface : OpInterface<"EqualSizesOpInterface"> {
  let cppNamespace = "::linnet";
  let description = [{
    The pairs of operand sizes that an op requires to be equal. Its verifier refuses pairs
    whose constants differ; `--linnet-check-symbols` refuses pairs of dynamic sizes that are
    not the same expression of the function's symbols, so that two unknown sizes never meet
    silently in a kernel.
  }];
  let methods = [
    InterfaceMethod<"Appends the pairs.", "void", "getEqualSizes",
                    (ins "::llvm::SmallVectorImpl<::linnet::EqualSizes> &":$pairs)>
  ];
}

#endif // LINNET_INTERFACES_EQUALSIZES_TD
