//===- ConvOps.td - ops of the conv family -*- tablegen -*-===//
//
// Part of Linnet, under Apache-2.0 WITH LLVM-exception. See LICENSE.
//
//===----------------------------------------------------------------------===//
#ifndef LINNET_IR_CONVOPS_TD
#define LINNET_IR_CONVOPS_TD

include "linnet/IR/LinnetAttrs.td"
include "linnet/IR/LinnetTypes.td"
include "linnet/Interfaces/EqualSizes.td"
include "mlir/Interfaces/InferTypeOpInterface.td"
include "mlir/Interfaces/SideEffectInterfaces.td"

def Linnet_ConvOp : Linnet_Op<"conv", [
    Pure, InferTypeOpAdaptorWithIsCompatible,
    DeclareOpInterfaceMethods<ReifyRankedShapedTypeOpInterface, ["reifyResultShapes"]>,
    DeclareOpInterfaceMethods<Linnet_EqualSizesInterface>]> {
  let summary = "N-d convolution";
  let description = [{
    Cross-correlation, as PyTorch's `conv1d`, `conv2d`, `conv3d` and ONNX `Conv`, with the
    channel second and any number of spatial dimensions:

        y[b, o, p...] = bias[o] + sum over c, r... of
            x[b, g C + c, p*stride + r*dilation - pad_lo] * w[o, c, r...]

    with `C = Cin / groups`, `g = o / (Cout / groups)` and zeros outside of `x`. 16-bit
    inputs are accumulated in f32, the bias is added before the rounding.

    ```mlir
    %y = linnet.conv %x, %w bias %b groups 2 strides [2, 2] padding [1, 1, 0, 1]
        : tensor<?x4x9x9xf32>, tensor<6x2x3x3xf32>, tensor<6xf32> -> tensor<?x6x5x4xf32>
    ```

    `padding` is `[lo0, hi0, lo1, hi1, ...]`. Absent: strides and dilations of 1, no padding.

    Constraints:
    - (C1) the input is `[B, Cin, spatial...]`, the filter `[Cout, Cin/groups, spatial...]`,
      of one rank, at least 3
    - (C2) `strides` and `dilations` have one positive entry per spatial dimension
    - (C3) `padding` has two non-negative entries per spatial dimension
    - (C4) `groups` is positive and divides Cin and Cout
    - (C5) Cin is `groups` times the filter's second size
    - (C6) the bias has one dimension, of size Cout
    - (C7) the dilated filter is not larger than the padded input; a dynamic size for which
      it is gives an empty result
    - (C8) input, filter, bias and result have one element type
    - (C9) the result is `[B, Cout, floor((in + lo + hi - dilation*(k - 1) - 1) / stride) + 1, ...]`
  }];
  let arguments = (ins Linnet_FloatTensor:$input, Linnet_FloatTensor:$filter,
                       Optional<Linnet_FloatTensor>:$bias,
                       DefaultValuedAttr<I64Attr, "1">:$groups,
                       OptionalAttr<DenseI64ArrayAttr>:$strides,
                       OptionalAttr<DenseI64ArrayAttr>:$dilations,
                       OptionalAttr<DenseI64ArrayAttr>:$padding);
  let results = (outs Linnet_FloatTensor:$result);
  let assemblyFormat = [{
    $input `,` $filter (`bias` $bias^)? (`groups` $groups^)? (`strides` $strides^)?
    (`dilations` $dilations^)? (`padding` $padding^)? attr-dict
    `:` type($input) `,` type($filter) (`,` type($bias)^)? `->` type($result)
  }];
  let hasVerifier = 1;
  let extraClassDeclaration = [{
    unsigned getNumSpatialDims() { return getInput().getType().getRank() - 2; }
    /// Defaults filled in.
    int64_t getStride(unsigned i) { return getStrides() ? (*getStrides())[i] : 1; }
    int64_t getDilation(unsigned i) { return getDilations() ? (*getDilations())[i] : 1; }
    int64_t getPadLow(unsigned i) { return getPadding() ? (*getPadding())[2 * i] : 0; }
    int64_t getPadHigh(unsigned i) { return getPadding() ? (*getPadding())[2 * i + 1] : 0; }
  }];
}

def Linnet_ConvTransposeOp : Linnet_Op<"conv_transpose", [
    Pure,
    DeclareOpInterfaceMethods<ReifyRankedShapedTypeOpInterface, ["reifyResultShapes"]>,
    DeclareOpInterfaceMethods<Linnet_EqualSizesInterface>]> {
  let summary = "N-d transposed convolution";
  let description = [{
    The transpose of `linnet.conv` with the same filter and attributes, as PyTorch's
    `conv_transpose1d` to `conv_transpose3d` and ONNX `ConvTranspose`:

        y[b, g F + f, p*stride + r*dilation - pad_lo] += bias[g F + f]
            + sum over c of x[b, g C + c, p...] * w[g C + c, f, r...]

    over all `p` and `r` whose position lies in the result, with `C = Cin / groups` and `F`
    the filter's second size. It is the gradient of `linnet.conv` with respect to its input.
    16-bit inputs are accumulated in f32, the bias is added before the rounding.

    The result's spatial sizes are
    `(in - 1) * stride + dilation*(k - 1) + 1 - lo - hi + output_padding`, at least 0.

    ```mlir
    %y = linnet.conv_transpose %x, %w strides [2, 2] padding [1, 1, 1, 1] output_padding [1, 1]
        : tensor<?x8x7x7xf32>, tensor<8x4x3x3xf32> -> tensor<?x4x14x14xf32>
    ```

    Constraints:
    - (C1) the input is `[B, Cin, spatial...]`, the filter `[Cin, Cout/groups, spatial...]`,
      of one rank, at least 3
    - (C2) `strides` and `dilations` have one positive entry per spatial dimension
    - (C3) `padding` has two, `output_padding` one non-negative entry per spatial dimension
    - (C4) `groups` is positive and divides Cin
    - (C5) the filter's first size is Cin, its spatial sizes are static and at least 1
    - (C6) the bias has one dimension, of size Cout
    - (C7) input, filter, bias and result have one element type
    - (C8) the result is `[B, Cout, spatial...]` with the sizes above
  }];
  let arguments = (ins RankedTensorOf<Linnet_ModelFloats>:$input,
                       RankedTensorOf<Linnet_ModelFloats>:$filter,
                       Optional<RankedTensorOf<Linnet_ModelFloats>>:$bias,
                       DefaultValuedAttr<I64Attr, "1">:$groups,
                       OptionalAttr<DenseI64ArrayAttr>:$strides,
                       OptionalAttr<DenseI64ArrayAttr>:$dilations,
                       OptionalAttr<DenseI64ArrayAttr>:$padding,
                       OptionalAttr<DenseI64ArrayAttr>:$output_padding);
  let results = (outs RankedTensorOf<Linnet_ModelFloats>:$result);
  let assemblyFormat = [{
    $input `,` $filter (`bias` $bias^)? (`groups` $groups^)? (`strides` $strides^)?
    (`dilations` $dilations^)? (`padding` $padding^)? (`output_padding` $output_padding^)?
    attr-dict `:` type($input) `,` type($filter) (`,` type($bias)^)? `->` type($result)
  }];
  let hasVerifier = 1;
  let extraClassDeclaration = [{
    unsigned getNumSpatialDims() { return getInput().getType().getRank() - 2; }
    /// Defaults filled in.
    int64_t getStride(unsigned i) { return getStrides() ? (*getStrides())[i] : 1; }
    int64_t getDilation(unsigned i) { return getDilations() ? (*getDilations())[i] : 1; }
    int64_t getPadLow(unsigned i) { return getPadding() ? (*getPadding())[2 * i] : 0; }
    int64_t getPadHigh(unsigned i) { return getPadding() ? (*getPadding())[2 * i + 1] : 0; }
    int64_t getExtra(unsigned i) { return getOutputPadding() ? (*getOutputPadding())[i] : 0; }
    /// The result's size is `stride * size of the input + this`, at least 0.
    int64_t getShift(unsigned i) {
      return getDilation(i) * (getFilter().getType().getDimSize(i + 2) - 1) + 1 - getStride(i) -
             getPadLow(i) - getPadHigh(i) + getExtra(i);
    }
  }];
}

def Linnet_ConvFilterGradOp : Linnet_Op<"conv_filter_grad", [
    Pure,
    DeclareOpInterfaceMethods<ReifyRankedShapedTypeOpInterface, ["reifyResultShapes"]>,
    DeclareOpInterfaceMethods<Linnet_EqualSizesInterface>]> {
  let summary = "gradient of conv with respect to its filter";
  let description = [{
    With `x` the input of a `linnet.conv` of these attributes and `dy` the gradient of its
    result, zeros outside of `x`:

        dw[o, c, r...] = sum over b, p... of
            dy[b, o, p...] * x[b, g C + c, p*stride + r*dilation - pad_lo]

    Sums are in f32 and in an order that depends on the sizes only.

    ```mlir
    %dw = linnet.conv_filter_grad %x, %dy padding [1, 1, 1, 1]
        : tensor<?x16x8x8xf32>, tensor<?x32x8x8xf32> -> tensor<32x16x3x3xf32>
    ```

    Constraints:
    - (C1) the input is `[B, Cin, spatial...]`, the gradient `[B, Cout, spatial...]`, the result
      `[Cout, Cin/groups, spatial...]`, of one rank, at least 3
    - (C2) `strides` and `dilations` have one positive entry per spatial dimension
    - (C3) `padding` has two non-negative entries per spatial dimension
    - (C4) `groups` is positive and divides Cin and Cout
    - (C5) batch and channels of input, gradient and result agree; the result's spatial sizes
      are static and at least 1
    - (C6) input, gradient and result have one element type
    - (C7) the gradient has the spatial sizes of the conv's result
  }];
  let arguments = (ins RankedTensorOf<Linnet_ModelFloats>:$input,
                       RankedTensorOf<Linnet_ModelFloats>:$grad,
                       DefaultValuedAttr<I64Attr, "1">:$groups,
                       OptionalAttr<DenseI64ArrayAttr>:$strides,
                       OptionalAttr<DenseI64ArrayAttr>:$dilations,
                       OptionalAttr<DenseI64ArrayAttr>:$padding);
  let results = (outs RankedTensorOf<Linnet_ModelFloats>:$result);
  let assemblyFormat = [{
    $input `,` $grad (`groups` $groups^)? (`strides` $strides^)? (`dilations` $dilations^)?
    (`padding` $padding^)? attr-dict `:` type($input) `,` type($grad) `->` type($result)
  }];
  let hasVerifier = 1;
  let extraClassDeclaration = [{
    unsigned getNumSpatialDims() { return getInput().getType().getRank() - 2; }
    /// Defaults filled in.
    int64_t getStride(unsigned i) { return getStrides() ? (*getStrides())[i] : 1; }
    int64_t getDilation(unsigned i) { return getDilations() ? (*getDilations())[i] : 1; }
    int64_t getPadLow(unsigned i) { return getPadding() ? (*getPadding())[2 * i] : 0; }
    int64_t getPadHigh(unsigned i) { return getPadding() ? (*getPadding())[2 * i + 1] : 0; }
  }];
}

#endif // LINNET_IR_CONVOPS_TD
