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

#endif // LINNET_IR_CONVOPS_TD
