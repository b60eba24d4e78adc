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

// A tensor of one of the ranks and element types.
class Linnet_Ranked<list<Type> types, list<int> ranks> : ConfinedType<
    RankedTensorOf<types>, [HasAnyRankOfPred<ranks>],
    "tensor of rank " # !interleave(ranks, " or ") # " of " #
        !interleave(!foreach(t, types, t.summary), " or ") # " values",
    "::mlir::RankedTensorType">;

// What models compute in; arithmetic and accumulation are f32.
defvar Linnet_ModelFloats = [F16, BF16, F32];

class Linnet_RankedFloat<list<int> ranks> : Linnet_Ranked<Linnet_ModelFloats, ranks>;
class Linnet_RankedF32<list<int> ranks> : Linnet_Ranked<[F32], ranks>;
class Linnet_RankedIndex<list<int> ranks> : Linnet_Ranked<[I32, I64], ranks>;

#endif // LINNET_IR_LINNETTYPES_TD
