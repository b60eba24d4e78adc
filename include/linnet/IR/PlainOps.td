//===- PlainOps.td - ops of the plain family -*- tablegen -*-===//
//
// Part of Linnet, under Apache-2.0 WITH LLVM-exception. See LICENSE.
//
//===----------------------------------------------------------------------===//
#ifndef LINNET_IR_PLAINOPS_TD
#define LINNET_IR_PLAINOPS_TD

include "linnet/IR/LinnetAttrs.td"
include "linnet/IR/LinnetTypes.td"
include "linnet/Interfaces/EqualSizes.td"
include "mlir/Interfaces/InferTypeOpInterface.td"
include "mlir/Interfaces/SideEffectInterfaces.td"

def Linnet_EinsumOp : Linnet_Op<"einsum", [
    Pure, InferTypeOpAdaptorWithIsCompatible,
    DeclareOpInterfaceMethods<ReifyRankedShapedTypeOpInterface, ["reifyResultShapes"]>,
    DeclareOpInterfaceMethods<Linnet_EqualSizesInterface>]> {
  let summary = "sum of products over named indices";
  let description = [{
    NumPy's `einsum` with an explicit result: the product of the operands, summed over the
    letters that the result lacks. More than two operands are contracted pairwise from left
    to right, each step summing the letters that no later operand and not the result needs.
    16-bit floats are accumulated in f32, also between the steps; integers wrap around in
    the result's element type.

    ```mlir
    %s = linnet.einsum "bhqd,bhkd->bhqk" %q, %k
        : tensor<2x4x?x64xf32>, tensor<2x4x?x64xf32> -> tensor<2x4x?x?xf32>
    ```

    Constraints:
    - (C1) the equation is comma-separated letters, `->`, letters; no spaces, no ellipsis
    - (C2) it names one group of letters per operand
    - (C3) a group has one letter per dimension of its operand and no letter twice
    - (C4) every letter of the result occurs in an operand, and once in the result
    - (C5) sizes with the same letter are equal
    - (C6) the operands have one element type; the result has it too, or a wider one of the
      same kind (f32 for f16 and bf16, i32 for i8)
    - (C7) the result has the sizes of its letters
  }];
  let arguments = (ins StrAttr:$equation, Variadic<Linnet_NumberTensor>:$operands_);
  let results = (outs Linnet_NumberTensor:$result);
  let assemblyFormat = [{
    $equation $operands_ attr-dict `:` type($operands_) `->` type($result)
  }];
  let hasVerifier = 1;
  let extraClassDeclaration = [{
    /// The parsed equation of a verified op.
    ::linnet::EinsumEquation getParsedEquation();
  }];
}

def Linnet_BroadcastOp : Linnet_Op<"broadcast", [
    Pure, AttrSizedOperandSegments,
    DeclareOpInterfaceMethods<ReifyRankedShapedTypeOpInterface, ["reifyResultShapes"]>,
    DeclareOpInterfaceMethods<Linnet_EqualSizesInterface>]> {
  let summary = "repeats a scalar or a tensor to a shape";
  let description = [{
    Dimension `i` of the source becomes dimension `dims[i]` of the result; a source size of
    the constant 1 is stretched. Absent `dims` align the source with the last dimensions, as
    in NumPy. The dynamic sizes of the result are those of `like`, or `sizes`, or those of
    the source.

    ```mlir
    %a = linnet.broadcast %eps like %x : f32, tensor<?x8xf32> -> tensor<?x8xf32>
    %b = linnet.broadcast %bias sizes(%n) : tensor<8xf32> -> tensor<?x8xf32>
    %c = linnet.broadcast %row dims [0] : tensor<?xf32> -> tensor<?x8xf32>
    ```

    Constraints:
    - (C1) source and result have one element type
    - (C2) `dims` has one entry per source dimension, increasing and below the result's rank;
      without it the source's rank is at most the result's
    - (C3) a source size is 1 or the result's size
    - (C4) `like` and `sizes` exclude each other
    - (C5) `like` has the result's shape
    - (C6) `sizes` has one entry per dynamic size of the result
    - (C7) without `like` and `sizes` every dynamic size of the result is one of the source
  }];
  let arguments = (ins AnyTypeOf<[Linnet_Scalar, Linnet_AnyTensor]>:$input,
                       Optional<AnyRankedTensor>:$like, Variadic<Index>:$sizes,
                       OptionalAttr<DenseI64ArrayAttr>:$dims);
  let results = (outs Linnet_AnyTensor:$result);
  let assemblyFormat = [{
    $input (`like` $like^)? (`sizes` `(` $sizes^ `)`)? (`dims` $dims^)? attr-dict
    `:` type($input) (`,` type($like)^)? `->` type($result)
  }];
  let hasVerifier = 1;
  let hasFolder = 1;
  let hasCanonicalizeMethod = 1;
  let extraClassDeclaration = [{
    /// The result dimension of every source dimension, defaults filled in.
    ::llvm::SmallVector<int64_t> getMappedDims();
  }];
}

def Linnet_ReduceOp : Linnet_Op<"reduce", [
    Pure, InferTypeOpAdaptorWithIsCompatible,
    DeclareOpInterfaceMethods<ReifyRankedShapedTypeOpInterface, ["reifyResultShapes"]>]> {
  let summary = "reduction over axes";
  let description = [{
    Sum, maximum, minimum, product or mean over `axes`; with `keepdims` they stay with size
    1. 16-bit floats are reduced in f32 and rounded once; integers are signed and wrap
    around. NaN propagates through `max` and `min`. An empty reduction gives the identity:
    0, 1, -inf for `max`, inf for `min` (integers: the extreme values), NaN for `mean`.

    ```mlir
    %y = linnet.reduce max %x axes [1, 2] keepdims : tensor<?x8x9xf32> -> tensor<?x1x1xf32>
    ```

    Constraints:
    - (C1) `axes` are increasing, at least 0 and below the rank
    - (C2) `mean` has a float element type
    - (C3) the result has the input's element type and its sizes without the axes, or with 1
      in their place
  }];
  let arguments = (ins Linnet_ReduceKindAttr:$kind, Linnet_NumberTensor:$input,
                       DenseI64ArrayAttr:$axes, UnitAttr:$keepdims);
  let results = (outs Linnet_NumberTensor:$result);
  let assemblyFormat = [{
    `` $kind $input `axes` $axes (`keepdims` $keepdims^)? attr-dict
    `:` type($input) `->` type($result)
  }];
  let hasVerifier = 1;
  let hasFolder = 1;
}

// Not Pure: a gather that is moved out of a branch could report a fault that never happens.
def Linnet_GatherOp : Linnet_Op<"gather", [
    NoMemoryEffect, InferTypeOpAdaptorWithIsCompatible,
    DeclareOpInterfaceMethods<ReifyRankedShapedTypeOpInterface, ["reifyResultShapes"]>,
    DeclareOpInterfaceMethods<Linnet_EqualSizesInterface>]> {
  let summary = "slices of a tensor at given positions";
  let description = [{
    Replaces dimension `axis` of the data by the dimensions of the indices, as ONNX `Gather`
    and PyTorch's `embedding`; the first `batch_dims` dimensions of both run together:

        y[b..., l..., i..., r...] = data[b..., l..., indices[b..., i...], r...]

    An index that is negative or not below the data's size reads zeros and makes the call
    report an error with this op's location; a negative index does not count from the end.

    ```mlir
    %y = linnet.gather %table, %tokens axis 0
        : tensor<50257x768xf32>, tensor<?x?xi64> -> tensor<?x?x768xf32>
    ```

    Constraints:
    - (C1) `axis` is at least `batch_dims` and below the data's rank
    - (C2) `batch_dims` is at least 0 and at most the rank of the indices
    - (C3) the first `batch_dims` sizes of data and indices are equal
    - (C4) the indices are integers
    - (C5) the result is `data[:axis] ++ indices[batch_dims:] ++ data[axis+1:]` with the
      data's element type
  }];
  let arguments = (ins Linnet_AnyTensor:$data, Linnet_IndexTensor:$indices, I64Attr:$axis,
                       DefaultValuedAttr<I64Attr, "0">:$batch_dims);
  let results = (outs Linnet_AnyTensor:$result);
  let assemblyFormat = [{
    $data `,` $indices `axis` $axis (`batch_dims` $batch_dims^)? attr-dict
    `:` type($data) `,` type($indices) `->` type($result)
  }];
  let hasVerifier = 1;
}

// Not Pure, as gather.
def Linnet_ScatterAddOp : Linnet_Op<"scatter_add", [
    NoMemoryEffect,
    DeclareOpInterfaceMethods<ReifyRankedShapedTypeOpInterface, ["reifyResultShapes"]>,
    DeclareOpInterfaceMethods<Linnet_EqualSizesInterface>]> {
  let summary = "sums slices at given positions: the gradient of gather";
  let description = [{
    The transpose of `linnet.gather` with the same `axis` and `batch_dims`, PyTorch's
    `embedding_dense_backward` and ONNX's `ScatterElements` with `add` on zeros:

        y[b..., l..., v, r...] = sum over i... with indices[b..., i...] = v
                                 of updates[b..., l..., i..., r...]

    Sums run over `i...` in row-major order, in f32 for 16-bit floats, and are rounded once;
    what no index names is 0. An index that is negative or not below the result's size adds
    nothing and makes the call report an error with this op's location.

    ```mlir
    %dtable = linnet.scatter_add %dy, %tokens axis 0
        : tensor<?x?x768xf32>, tensor<?x?xi64> -> tensor<50257x768xf32>
    ```

    The size of the result along `axis` is in its type, or `size` gives it.

    Constraints:
    - (C1) `batch_dims` is at least 0 and at most the rank of the indices; `axis` is at least
      `batch_dims`
    - (C2) the updates are `l[:axis] ++ indices[batch_dims:] ++ r...` with the indices' first
      `batch_dims` sizes first
    - (C3) the result is `l[:axis] ++ [size] ++ r...` with the updates' element type
    - (C4) `size` is there exactly when the result's size along `axis` is dynamic
  }];
  let arguments = (ins RankedTensorOf<Linnet_ModelFloats>:$updates, Linnet_IndexTensor:$indices,
                       Optional<Index>:$size, I64Attr:$axis,
                       DefaultValuedAttr<I64Attr, "0">:$batch_dims);
  let results = (outs RankedTensorOf<Linnet_ModelFloats>:$result);
  let assemblyFormat = [{
    $updates `,` $indices `axis` $axis (`batch_dims` $batch_dims^)? (`size` `(` $size^ `)`)?
    attr-dict `:` type($updates) `,` type($indices) `->` type($result)
  }];
  let hasVerifier = 1;
}

def Linnet_ArgmaxOp : Linnet_Op<"argmax", [
    Pure, InferTypeOpAdaptorWithIsCompatible,
    DeclareOpInterfaceMethods<ReifyRankedShapedTypeOpInterface, ["reifyResultShapes"]>]> {
  let summary = "position of the largest element along one axis";
  let description = [{
    The first position of the maximum, or with `select_last` the last one, as ONNX `ArgMax`.
    NaN counts as larger than every number. An empty axis gives 0.

    ```mlir
    %i = linnet.argmax %x axis 1 : tensor<?x50257xf32> -> tensor<?xi64>
    ```

    Constraints:
    - (C1) `axis` is at least 0 and below the rank
    - (C2) the result has element type i32 or i64
    - (C3) the result has the input's sizes without the axis, or with 1 in its place
      (`keepdims`)
  }];
  let arguments = (ins Linnet_NumberTensor:$input, I64Attr:$axis, UnitAttr:$keepdims,
                       UnitAttr:$select_last);
  let results = (outs RankedTensorOf<[I32, I64]>:$result);
  let assemblyFormat = [{
    $input `axis` $axis (`keepdims` $keepdims^)? (`select_last` $select_last^)? attr-dict
    `:` type($input) `->` type($result)
  }];
  let hasVerifier = 1;
}

#endif // LINNET_IR_PLAINOPS_TD
