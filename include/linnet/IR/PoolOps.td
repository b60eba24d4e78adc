//===- PoolOps.td - ops of the pool family -*- tablegen -*-===//
//
// Part of Linnet, under Apache-2.0 WITH LLVM-exception. See LICENSE.
//
//===----------------------------------------------------------------------===//
#ifndef LINNET_IR_POOLOPS_TD
#define LINNET_IR_POOLOPS_TD

include "linnet/IR/LinnetAttrs.td"
include "linnet/IR/LinnetTypes.td"
include "linnet/Interfaces/EqualSizes.td"
include "mlir/Interfaces/InferTypeOpInterface.td"
include "mlir/Interfaces/SideEffectInterfaces.td"

// Defaults filled in, for all ops with windows.
defvar Linnet_PoolWindows = [{
    unsigned getNumSpatialDims() { return getKernel().size(); }
    int64_t getStride(unsigned i) { return getStrides() ? (*getStrides())[i] : 1; }
    int64_t getDilation(unsigned i) { return getDilations() ? (*getDilations())[i] : 1; }
    int64_t getPadLow(unsigned i) { return getPadding() ? (*getPadding())[2 * i] : 0; }
    int64_t getPadHigh(unsigned i) { return getPadding() ? (*getPadding())[2 * i + 1] : 0; }
    int64_t getExtent(unsigned i) { return getDilation(i) * (getKernel()[i] - 1) + 1; }
}];

defvar Linnet_PoolAttrs = (ins
    DenseI64ArrayAttr:$kernel, OptionalAttr<DenseI64ArrayAttr>:$strides,
    OptionalAttr<DenseI64ArrayAttr>:$dilations, OptionalAttr<DenseI64ArrayAttr>:$padding,
    UnitAttr:$ceil_mode);

defvar Linnet_PoolTensor = Linnet_RankedFloat<[3, 4, 5]>;

def Linnet_MaxPoolOp : Linnet_Op<"max_pool", [
    Pure, DeclareOpInterfaceMethods<ReifyRankedShapedTypeOpInterface, ["reifyResultShapes"]>]> {
  let summary = "maximum over windows";
  let description = [{
    The maximum of every window of `kernel` elements, `dilations` apart, as PyTorch's
    `max_pool1d` to `max_pool3d` and ONNX `MaxPool`. What lies outside of the input counts as
    -inf; NaN propagates. Absent strides and dilations are 1, absent padding is 0;
    `padding` is `[lo0, hi0, lo1, hi1, ...]`.

    A spatial size of the result is `floor((in + lo + hi - dilation*(k - 1) - 1) / stride) + 1`
    and at least 0. `ceil_mode` rounds up, but drops a window that would start behind
    `in + lo`.

    ```mlir
    %y = linnet.max_pool %x kernel [3, 3] strides [2, 2] padding [1, 1, 1, 1]
        : tensor<?x64x112x112xf32> -> tensor<?x64x56x56xf32>
    ```

    Constraints:
    - (C1) the input is `[B, C, spatial...]` with one entry of `kernel`, at least 1, per
      spatial dimension
    - (C2) `strides` and `dilations` have one positive entry per spatial dimension
    - (C3) `padding` has two non-negative entries per spatial dimension, each below the
      dilated kernel
    - (C4) the result is `[B, C, spatial...]` with the sizes above and the input's element type
  }];
  let arguments = !con((ins Linnet_PoolTensor:$input), Linnet_PoolAttrs);
  let results = (outs Linnet_PoolTensor:$result);
  let assemblyFormat = [{
    $input `kernel` $kernel (`strides` $strides^)? (`dilations` $dilations^)?
    (`padding` $padding^)? (`ceil_mode` $ceil_mode^)? attr-dict
    `:` type($input) `->` type($result)
  }];
  let hasVerifier = 1;
  let extraClassDeclaration = Linnet_PoolWindows;
}

def Linnet_AvgPoolOp : Linnet_Op<"avg_pool", [
    Pure, DeclareOpInterfaceMethods<ReifyRankedShapedTypeOpInterface, ["reifyResultShapes"]>]> {
  let summary = "mean over windows";
  let description = [{
    The mean of every window, as PyTorch's `avg_pool1d` to `avg_pool3d` and ONNX
    `AveragePool`. Windows and sizes are those of `linnet.max_pool`. A mean is over the
    elements that lie in the input, or with `count_include_pad` over those that lie in the
    padded input, where padding counts as 0; a window without elements gives 0. 16-bit floats
    are summed in f32.

    ```mlir
    %y = linnet.avg_pool %x kernel [2, 2] strides [2, 2] : tensor<?x8x7x7xf32> -> tensor<?x8x3x3xf32>
    ```

    Constraints: (C1) to (C4) of `linnet.max_pool`.
  }];
  let arguments = !con((ins Linnet_PoolTensor:$input), Linnet_PoolAttrs,
                       (ins UnitAttr:$count_include_pad));
  let results = (outs Linnet_PoolTensor:$result);
  let assemblyFormat = [{
    $input `kernel` $kernel (`strides` $strides^)? (`dilations` $dilations^)?
    (`padding` $padding^)? (`ceil_mode` $ceil_mode^)? (`count_include_pad` $count_include_pad^)?
    attr-dict `:` type($input) `->` type($result)
  }];
  let hasVerifier = 1;
  let extraClassDeclaration = Linnet_PoolWindows;
}

def Linnet_MaxPoolGradOp : Linnet_Op<"max_pool_grad", [
    Pure, AllTypesMatch<["input", "result"]>,
    DeclareOpInterfaceMethods<ReifyRankedShapedTypeOpInterface, ["reifyResultShapes"]>,
    DeclareOpInterfaceMethods<Linnet_EqualSizesInterface>]> {
  let summary = "gradient of max_pool";
  let description = [{
    Every element of the gradient goes to the position of its window's maximum, as in
    PyTorch: the first one where several are equal, the last NaN where there is one. Sums are
    in f32, in the order of the windows.

    ```mlir
    %dx = linnet.max_pool_grad %dy, %x kernel [2, 2] strides [2, 2]
        : tensor<?x8x4x4xf32>, tensor<?x8x8x8xf32>
    ```

    Constraints:
    - (C1) to (C3) of `linnet.max_pool`
    - (C4) the gradient has the type of the pool's result
    - (C5) the result has the type of the input
  }];
  let arguments = !con((ins Linnet_PoolTensor:$grad, Linnet_PoolTensor:$input), Linnet_PoolAttrs);
  let results = (outs Linnet_PoolTensor:$result);
  let assemblyFormat = [{
    $grad `,` $input `kernel` $kernel (`strides` $strides^)? (`dilations` $dilations^)?
    (`padding` $padding^)? (`ceil_mode` $ceil_mode^)? attr-dict `:` type($grad) `,` type($input)
  }];
  let hasVerifier = 1;
  let extraClassDeclaration = Linnet_PoolWindows;
}

def Linnet_AvgPoolGradOp : Linnet_Op<"avg_pool_grad", [
    Pure, DeclareOpInterfaceMethods<ReifyRankedShapedTypeOpInterface, ["reifyResultShapes"]>]> {
  let summary = "gradient of avg_pool";
  let description = [{
    Every element of the gradient, divided by its window's count, is added to the elements of
    the window. Sums are in f32, in the order of the windows. The dynamic sizes of the result
    are `sizes`.

    ```mlir
    %dx = linnet.avg_pool_grad %dy sizes(%b) kernel [2, 2] strides [2, 2]
        : tensor<?x8x3x3xf32> -> tensor<?x8x7x7xf32>
    ```

    Constraints:
    - (C1) to (C3) of `linnet.max_pool`, the result taken for the input
    - (C4) the gradient has the type of the pool's result
    - (C5) `sizes` has one entry per dynamic size of the result
  }];
  let arguments = !con((ins Linnet_PoolTensor:$grad, Variadic<Index>:$sizes), Linnet_PoolAttrs,
                       (ins UnitAttr:$count_include_pad));
  let results = (outs Linnet_PoolTensor:$result);
  let assemblyFormat = [{
    $grad (`sizes` `(` $sizes^ `)`)? `kernel` $kernel (`strides` $strides^)?
    (`dilations` $dilations^)? (`padding` $padding^)? (`ceil_mode` $ceil_mode^)?
    (`count_include_pad` $count_include_pad^)? attr-dict `:` type($grad) `->` type($result)
  }];
  let hasVerifier = 1;
  let extraClassDeclaration = Linnet_PoolWindows;
}

#endif // LINNET_IR_POOLOPS_TD
