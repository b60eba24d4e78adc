//===- LinnetAttrs.td - attributes of the model dialect ----*- tablegen -*-===//
//
// Part of Linnet, under Apache-2.0 WITH LLVM-exception. See LICENSE.
//
// Dialect plugins include this file, never the ops' .td files.
//
//===----------------------------------------------------------------------===//
#ifndef LINNET_IR_LINNETATTRS_TD
#define LINNET_IR_LINNETATTRS_TD

include "linnet/IR/LinnetDialect.td"
include "mlir/IR/AttrTypeBase.td"
include "mlir/IR/EnumAttr.td"

// A dialect enum attribute, printed `#linnet.name<case>`.
class Linnet_EnumAttr<EnumInfo info, string mnemonic> : EnumAttr<Linnet_Dialect, info, mnemonic> {
  let assemblyFormat = "`<` $value `>`";
}

def Linnet_FeatureKind : I32EnumAttr<"FeatureKind", "elementwise feature map", [
    I32EnumAttrCase<"elu1", 0>, I32EnumAttrCase<"relu", 1>, I32EnumAttrCase<"relu2", 2>,
    I32EnumAttrCase<"exp", 3>]> {
  let cppNamespace = "::linnet";
  let genSpecializedAttr = 0;
}
def Linnet_FeatureKindAttr : Linnet_EnumAttr<Linnet_FeatureKind, "feature">;

def Linnet_ReduceKind : I32EnumAttr<"ReduceKind", "reduction", [
    I32EnumAttrCase<"sum", 0>, I32EnumAttrCase<"max", 1>, I32EnumAttrCase<"min", 2>,
    I32EnumAttrCase<"prod", 3>, I32EnumAttrCase<"mean", 4>]> {
  let cppNamespace = "::linnet";
  let genSpecializedAttr = 0;
}
// printed as a bare keyword inside of an op
def Linnet_ReduceKindAttr : EnumAttr<Linnet_Dialect, Linnet_ReduceKind, "reduction">;

#endif // LINNET_IR_LINNETATTRS_TD
