//===- NormOps.td - ops of the norm family -*- tablegen -*-===//
//
// Part of Linnet, under Apache-2.0 WITH LLVM-exception. See LICENSE.
//
//===----------------------------------------------------------------------===//
#ifndef LINNET_IR_NORMOPS_TD
#define LINNET_IR_NORMOPS_TD

include "linnet/IR/LinnetAttrs.td"
include "linnet/IR/LinnetTypes.td"
include "linnet/Interfaces/EqualSizes.td"
include "mlir/Interfaces/InferTypeOpInterface.td"
include "mlir/Interfaces/SideEffectInterfaces.td"

def Linnet_SoftmaxOp : Linnet_Op<"softmax", [
    Pure, SameOperandsAndResultType,
    DeclareOpInterfaceMethods<ReifyRankedShapedTypeOpInterface, ["reifyResultShapes"]>]> {
  let summary = "softmax along one axis";
  let description = [{
    `exp(x - max(x)) / sum(exp(x - max(x)))` along `axis`, as PyTorch's `softmax` and ONNX
    `Softmax`; 16-bit inputs are computed in f32.

    A row that is `-inf` throughout gives NaN, as in PyTorch, or zeros with `zero_masked`,
    as `linnet.attention` does for a query without a valid key.

    ```mlir
    %y = linnet.softmax %x axis 1 : tensor<?x10xf32>
    ```

    Constraints:
    - (C1) `axis` is at least 0 and below the rank
    - (C2) the result has the type of the input
  }];
  let arguments = (ins Linnet_FloatTensor:$input, I64Attr:$axis, UnitAttr:$zero_masked);
  let results = (outs Linnet_FloatTensor:$result);
  let assemblyFormat =
      "$input `axis` $axis (`zero_masked` $zero_masked^)? attr-dict `:` type($result)";
  let hasVerifier = 1;
}

def Linnet_LayerNormOp : Linnet_Op<"layer_norm", [
    Pure, AllTypesMatch<["input", "result"]>, AttrSizedOperandSegments,
    DeclareOpInterfaceMethods<ReifyRankedShapedTypeOpInterface, ["reifyResultShapes"]>,
    DeclareOpInterfaceMethods<Linnet_EqualSizesInterface>]> {
  let summary = "layer normalisation over trailing axes";
  let description = [{
    `(x - mean) / sqrt(var + eps) * scale + bias`, mean and biased variance over the last
    `axes` dimensions, as PyTorch's `layer_norm` and ONNX `LayerNormalization`. The variance
    is the mean of the squared deviations, taken in a second pass over the row. 16-bit
    inputs are computed in f32 and rounded once.

    ```mlir
    %y = linnet.layer_norm %x scale %s bias %b eps 1.0e-5
        : tensor<?x768xf32>, tensor<768xf32>, tensor<768xf32>
    ```

    Constraints:
    - (C1) `axes` is at least 1 and at most the rank
    - (C2) `eps` is finite and not negative
    - (C3) scale and bias have the trailing `axes` sizes of the input
    - (C4) scale and bias have the input's element type or f32
    - (C5) the result has the type of the input
  }];
  let arguments = (ins Linnet_FloatTensor:$input, Optional<Linnet_FloatTensor>:$scale,
                       Optional<Linnet_FloatTensor>:$bias,
                       DefaultValuedAttr<I64Attr, "1">:$axes, F64Attr:$eps);
  let results = (outs Linnet_FloatTensor:$result);
  let assemblyFormat = [{
    $input (`scale` $scale^)? (`bias` $bias^)? (`axes` $axes^)? `eps` $eps attr-dict
    `:` custom<NormTypes>(ref($scale), ref($bias), type($input), type($scale), type($bias))
  }];
  let hasVerifier = 1;
}

def Linnet_RmsNormOp : Linnet_Op<"rms_norm", [
    Pure, AllTypesMatch<["input", "result"]>,
    DeclareOpInterfaceMethods<ReifyRankedShapedTypeOpInterface, ["reifyResultShapes"]>,
    DeclareOpInterfaceMethods<Linnet_EqualSizesInterface>]> {
  let summary = "root-mean-square normalisation over trailing axes";
  let description = [{
    `x / sqrt(mean(x*x) + eps) * scale`, the mean over the last `axes` dimensions, as
    PyTorch's `rms_norm` and ONNX `RMSNormalization`; with `unit_offset` the factor is
    `1 + scale`, as Gemma stores it. 16-bit inputs are computed in f32 and rounded once.

    ```mlir
    %y = linnet.rms_norm %x scale %s eps 1.0e-6 : tensor<?x768xbf16>, tensor<768xbf16>
    ```

    Constraints:
    - (C1) `axes` is at least 1 and at most the rank
    - (C2) `eps` is finite and not negative
    - (C3) scale has the trailing `axes` sizes of the input
    - (C4) scale has the input's element type or f32
    - (C5) the result has the type of the input
    - (C6) `unit_offset` needs a scale
  }];
  let arguments = (ins Linnet_FloatTensor:$input, Optional<Linnet_FloatTensor>:$scale,
                       DefaultValuedAttr<I64Attr, "1">:$axes, F64Attr:$eps,
                       UnitAttr:$unit_offset);
  let results = (outs Linnet_FloatTensor:$result);
  let assemblyFormat = [{
    $input (`scale` $scale^)? (`axes` $axes^)? `eps` $eps (`unit_offset` $unit_offset^)? attr-dict
    `:` type($input) (`,` type($scale)^)?
  }];
  let hasVerifier = 1;
}

#endif // LINNET_IR_NORMOPS_TD
