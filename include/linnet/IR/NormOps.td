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

def Linnet_BatchNormOp : Linnet_Op<"batch_norm", [
    Pure, AllTypesMatch<["input", "result"]>, AttrSizedOperandSegments,
    DeclareOpInterfaceMethods<ReifyRankedShapedTypeOpInterface, ["reifyResultShapes"]>,
    DeclareOpInterfaceMethods<Linnet_EqualSizesInterface>]> {
  let summary = "batch normalisation by given statistics";
  let description = [{
    `(x - mean) / sqrt(var + eps) * scale + bias` with one value per channel, which is axis 1,
    as PyTorch's `batch_norm` and ONNX `BatchNormalization` at inference. 16-bit inputs are
    computed in f32 and rounded once.

    ```mlir
    %y = linnet.batch_norm %x mean(%m : tensor<8xf32>) var(%v : tensor<8xf32>)
        scale(%s : tensor<8xf32>) bias(%b : tensor<8xf32>) eps 1.0e-5 : tensor<?x8x?x?xbf16>
    ```

    Constraints:
    - (C1) the input has at least two dimensions
    - (C2) `eps` is finite and not negative
    - (C3) mean, var, scale and bias have one dimension, of the size of axis 1
    - (C4) they have the input's element type or f32
    - (C5) the result has the type of the input
  }];
  let arguments = (ins RankedTensorOf<Linnet_ModelFloats>:$input,
                       RankedTensorOf<Linnet_ModelFloats>:$mean,
                       RankedTensorOf<Linnet_ModelFloats>:$var,
                       Optional<RankedTensorOf<Linnet_ModelFloats>>:$scale,
                       Optional<RankedTensorOf<Linnet_ModelFloats>>:$bias, F64Attr:$eps);
  let results = (outs RankedTensorOf<Linnet_ModelFloats>:$result);
  let assemblyFormat = [{
    $input `mean` `(` $mean `:` type($mean) `)` `var` `(` $var `:` type($var) `)`
    (`scale` `(` $scale^ `:` type($scale) `)`)? (`bias` `(` $bias^ `:` type($bias) `)`)?
    `eps` $eps attr-dict `:` type($input)
  }];
  let hasVerifier = 1;
}

def Linnet_BatchNormTrainOp : Linnet_Op<"batch_norm_train", [
    Pure, AllTypesMatch<["input", "result"]>, AttrSizedOperandSegments,
    DeclareOpInterfaceMethods<ReifyRankedShapedTypeOpInterface, ["reifyResultShapes"]>,
    DeclareOpInterfaceMethods<Linnet_EqualSizesInterface>]> {
  let summary = "batch normalisation by the statistics of the batch";
  let description = [{
    `linnet.batch_norm` with the mean and the biased variance of the `n` elements of every
    channel (all axes but 1), which are results too, in f32. The variance is the mean of the
    squared deviations. Running statistics become, as in PyTorch,

        running_mean' = (1 - momentum) running_mean + momentum mean
        running_var'  = (1 - momentum) running_var  + momentum var n / max(n - 1, 1)

    ```mlir
    %y, %mean, %var, %rm1, %rv1 = linnet.batch_norm_train %x
        scale(%s : tensor<8xf32>) bias(%b : tensor<8xf32>)
        running(%rm, %rv : tensor<8xf32>, tensor<8xf32>) momentum 1.0e-1 eps 1.0e-5
        : tensor<?x8x4x4xf32> -> tensor<8xf32>, tensor<8xf32>, tensor<8xf32>, tensor<8xf32>
    ```

    Constraints:
    - (C1) the input has at least two dimensions
    - (C2) `eps` is finite and not negative
    - (C3) scale, bias and all statistics have one dimension, of the size of axis 1
    - (C4) scale and bias have the input's element type or f32, statistics are f32
    - (C5) the first result has the type of the input
    - (C6) the running statistics are two or none, with as many updated ones, and come with
      a momentum from 0 to 1
  }];
  let arguments = (ins RankedTensorOf<Linnet_ModelFloats>:$input,
                       Optional<RankedTensorOf<Linnet_ModelFloats>>:$scale,
                       Optional<RankedTensorOf<Linnet_ModelFloats>>:$bias,
                       Variadic<RankedTensorOf<[F32]>>:$running, F64Attr:$eps,
                       OptionalAttr<F64Attr>:$momentum);
  let results = (outs RankedTensorOf<Linnet_ModelFloats>:$result, RankedTensorOf<[F32]>:$mean,
                      RankedTensorOf<[F32]>:$var, Variadic<RankedTensorOf<[F32]>>:$updated);
  let assemblyFormat = [{
    $input (`scale` `(` $scale^ `:` type($scale) `)`)? (`bias` `(` $bias^ `:` type($bias) `)`)?
    (`running` `(` $running^ `:` type($running) `)`)? (`momentum` $momentum^)? `eps` $eps attr-dict
    `:` type($input) `->` type($mean) `,` type($var) (`,` type($updated)^)?
  }];
  let hasVerifier = 1;
}

def Linnet_BatchNormGradOp : Linnet_Op<"batch_norm_grad", [
    Pure, AllTypesMatch<["input", "grad", "dinput"]>,
    AllTypesMatch<["mean", "dscale"]>, AllTypesMatch<["var", "dbias"]>,
    DeclareOpInterfaceMethods<ReifyRankedShapedTypeOpInterface, ["reifyResultShapes"]>,
    DeclareOpInterfaceMethods<Linnet_EqualSizesInterface>]> {
  let summary = "gradient of batch_norm_train";
  let description = [{
    With `xhat = (x - mean) / sqrt(var + eps)` by the statistics of the batch, and sums over
    the elements of a channel:

        dbias  = sum of dy          dscale = sum of dy * xhat
        dx     = scale / sqrt(var + eps) * (dy - dbias / n - xhat * dscale / n)

    Statistics, `dscale` and `dbias` are f32. What flows into the mean, the variance and the
    running statistics is not counted.

    ```mlir
    %dx, %ds, %db = linnet.batch_norm_grad %dy, %x, %mean, %var scale(%s : tensor<8xf32>)
        eps 1.0e-5 : tensor<?x8x4x4xf32>, tensor<8xf32>, tensor<8xf32>
    ```

    Constraints:
    - (C1) the input has at least two dimensions
    - (C2) `eps` is finite and not negative
    - (C3) scale, statistics, dscale and dbias have one dimension, of the size of axis 1
    - (C4) scale has the input's element type or f32
    - (C5) gradient and dx have the type of the input, dscale that of the mean, dbias that of
      the variance
  }];
  let arguments = (ins RankedTensorOf<Linnet_ModelFloats>:$grad,
                       RankedTensorOf<Linnet_ModelFloats>:$input,
                       RankedTensorOf<[F32]>:$mean, RankedTensorOf<[F32]>:$var,
                       Optional<RankedTensorOf<Linnet_ModelFloats>>:$scale, F64Attr:$eps);
  let results = (outs RankedTensorOf<Linnet_ModelFloats>:$dinput, RankedTensorOf<[F32]>:$dscale,
                      RankedTensorOf<[F32]>:$dbias);
  let assemblyFormat = [{
    $grad `,` $input `,` $mean `,` $var (`scale` `(` $scale^ `:` type($scale) `)`)? `eps` $eps
    attr-dict `:` type($input) `,` type($mean) `,` type($var)
  }];
  let hasVerifier = 1;
}

#endif // LINNET_IR_NORMOPS_TD
