//===- ResizeOps.td - ops of the resize family -*- tablegen -*-===//
//
// Part of Linnet, under Apache-2.0 WITH LLVM-exception. See LICENSE.
//
//===----------------------------------------------------------------------===//
#ifndef LINNET_IR_RESIZEOPS_TD
#define LINNET_IR_RESIZEOPS_TD

include "linnet/IR/LinnetAttrs.td"
include "linnet/IR/LinnetTypes.td"
include "linnet/Interfaces/EqualSizes.td"
include "mlir/Interfaces/InferTypeOpInterface.td"
include "mlir/Interfaces/SideEffectInterfaces.td"

def Linnet_ResizeOp : Linnet_Op<"resize", [
    Pure, DeclareOpInterfaceMethods<ReifyRankedShapedTypeOpInterface, ["reifyResultShapes"]>]> {
  let summary = "nearest or linear interpolation to other sizes";
  let description = [{
    Element `d` of a spatial dimension of the result, of size `out`, reads the input, of size
    `in`, at

        half_pixel     (d + 1/2) in / out - 1/2
        align_corners  d (in - 1) / (out - 1), and 0 where out is 1
        asymmetric     d in / out

    `linear` interpolates between the two neighbours in every spatial dimension; positions and
    neighbours are clamped to the input. `nearest` takes the element at
    `floor(position + 1/2)` with `half_pixel` and at `floor(position)` with `asymmetric`.
    Positions are exact fractions of the sizes, weights are rounded to f32.

    PyTorch's `interpolate` to a size: `nearest` is nearest asymmetric, `nearest-exact` is
    nearest half_pixel, `linear`, `bilinear` and `trilinear` are linear half_pixel or
    align_corners. ONNX `Resize` with sizes has the same modes and names.

    ```mlir
    %y = linnet.resize linear align_corners %x : tensor<1x8x7x7xf32> -> tensor<1x8x14x14xf32>
    %z = linnet.resize nearest asymmetric %x sizes(%h) : tensor<1x8x7x7xf32> -> tensor<1x8x?x14xf32>
    ```

    Constraints:
    - (C1) input and result are `[B, C, spatial...]` with equal B and C and element type
    - (C2) `sizes` has one entry per dynamic spatial size of the result
    - (C3) nearest is half_pixel or asymmetric
    - (C4) a spatial size of 0 of the input meets only sizes of 0; dynamic sizes that do not
      give zeros
  }];
  let arguments = (ins Linnet_ResizeModeAttr:$mode, Linnet_ResizePositionAttr:$position,
                       Linnet_RankedFloat<[3, 4, 5]>:$input, Variadic<Index>:$sizes);
  let results = (outs Linnet_RankedFloat<[3, 4, 5]>:$result);
  let assemblyFormat = [{
    $mode $position $input (`sizes` `(` $sizes^ `)`)? attr-dict
    `:` type($input) `->` type($result)
  }];
  let hasVerifier = 1;
}

def Linnet_ResizeGradOp : Linnet_Op<"resize_grad", [
    Pure, DeclareOpInterfaceMethods<ReifyRankedShapedTypeOpInterface, ["reifyResultShapes"]>]> {
  let summary = "gradient of resize";
  let description = [{
    The transpose of `linnet.resize`: every element of the gradient is added to the elements
    that it was made of, by their weights. Sums are in f32, in the order of the gradient's
    elements.

    ```mlir
    %dx = linnet.resize_grad linear half_pixel %dy
        : tensor<1x8x14x14xf32> -> tensor<1x8x7x7xf32>
    ```

    Constraints:
    - (C1) gradient and result are `[B, C, spatial...]` with equal B and C and element type
    - (C2) `sizes` has one entry per dynamic spatial size of the result
    - (C3) nearest is half_pixel or asymmetric
    - (C4) a spatial size of 0 of the result meets only sizes of 0
  }];
  let arguments = (ins Linnet_ResizeModeAttr:$mode, Linnet_ResizePositionAttr:$position,
                       Linnet_RankedFloat<[3, 4, 5]>:$grad, Variadic<Index>:$sizes);
  let results = (outs Linnet_RankedFloat<[3, 4, 5]>:$result);
  let assemblyFormat = [{
    $mode $position $grad (`sizes` `(` $sizes^ `)`)? attr-dict `:` type($grad) `->` type($result)
  }];
  let hasVerifier = 1;
}

#endif // LINNET_IR_RESIZEOPS_TD
