//===- LinnetTypes.td - type constraints of the ops --------*- tablegen -*-===//
//
// Part of Linnet, under Apache-2.0 WITH LLVM-exception. See LICENSE.
//
//===----------------------------------------------------------------------===//
#ifndef LINNET_IR_LINNETTYPES_TD
#define LINNET_IR_LINNETTYPES_TD

include "mlir/IR/OpBase.td"

// f64 is for references and tests; kernels have the other three.
defvar Linnet_Floats = [F16, BF16, F32, F64];
defvar Linnet_Ints = [I8, I16, I32, I64];

def Linnet_FloatTensor : RankedTensorOf<Linnet_Floats>;
def Linnet_NumberTensor : RankedTensorOf<!listconcat(Linnet_Floats, Linnet_Ints)>;
def Linnet_IndexTensor : RankedTensorOf<Linnet_Ints>;
def Linnet_AnyTensor : RankedTensorOf<!listconcat(Linnet_Floats, Linnet_Ints, [I1, Index])>;
def Linnet_Scalar : AnyTypeOf<!listconcat(Linnet_Floats, Linnet_Ints, [I1, Index])>;

#endif // LINNET_IR_LINNETTYPES_TD
