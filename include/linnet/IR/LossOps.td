//===- LossOps.td - ops of the loss family -*- tablegen -*-===//
//
// Part of Linnet, under Apache-2.0 WITH LLVM-exception. See LICENSE.
//
//===----------------------------------------------------------------------===//
#ifndef LINNET_IR_LOSSOPS_TD
#define LINNET_IR_LOSSOPS_TD

include "linnet/IR/LinnetAttrs.td"
include "linnet/IR/LinnetTypes.td"
include "linnet/Interfaces/EqualSizes.td"
include "mlir/Interfaces/InferTypeOpInterface.td"
include "mlir/Interfaces/SideEffectInterfaces.td"

// Neither op is Pure: moved out of a branch it could report a fault that never happens.
def Linnet_CrossEntropyOp : Linnet_Op<"cross_entropy", [
    NoMemoryEffect,
    DeclareOpInterfaceMethods<ReifyRankedShapedTypeOpInterface, ["reifyResultShapes"]>,
    DeclareOpInterfaceMethods<Linnet_EqualSizesInterface>]> {
  let summary = "cross entropy of logits and class numbers";
  let description = [{
    For every row of logits `x` over the last axis, of `C` classes, with target `t`:

        lse  = log(sum over c of exp(x[c]))
        loss = (1 - s) (lse - x[t]) + s / C * sum over c of (lse - x[c])

    with `s` the `label_smoothing`, as PyTorch's `cross_entropy` with class numbers (whose
    classes are axis 1). A row whose target is `ignore_index` has loss 0. `none` gives the loss
    of every row, `sum` their sum, `mean` their sum divided by the number of rows that are not
    ignored: NaN where there are none. All arithmetic and all results are f32.

    A target that is not `ignore_index`, and negative or not below `C`, counts as a class with
    logit 0 and makes the call report an error with this op's location.

    ```mlir
    %loss = linnet.cross_entropy mean %x, %t : tensor<?x50257xbf16>, tensor<?xi64> -> tensor<f32>
    %rows, %lse = linnet.cross_entropy none %x, %t ignore_index 0 label_smoothing 1.0e-1
        : tensor<4x?x10xf32>, tensor<4x?xi32> -> tensor<4x?xf32>, tensor<4x?xf32>
    ```

    Constraints:
    - (C1) the logits have at least one dimension
    - (C2) the targets have the sizes of the logits without the last
    - (C3) `label_smoothing` is at least 0 and at most 1
    - (C4) the loss has the shape of the targets with `none`, and no dimension else
    - (C5) `lse`, if present, has the shape of the targets
  }];
  let arguments = (ins Linnet_LossReductionAttr:$reduction,
                       RankedTensorOf<Linnet_ModelFloats>:$logits, Linnet_IndexTensor:$targets,
                       DefaultValuedAttr<I64Attr, "-100">:$ignore_index,
                       OptionalAttr<F64Attr>:$label_smoothing);
  let results = (outs RankedTensorOf<[F32]>:$loss, Optional<RankedTensorOf<[F32]>>:$lse);
  let assemblyFormat = [{
    $reduction $logits `,` $targets (`ignore_index` $ignore_index^)?
    (`label_smoothing` $label_smoothing^)? attr-dict
    `:` type($logits) `,` type($targets) `->` type($loss) (`,` type($lse)^)?
  }];
  let hasVerifier = 1;
  let extraClassDeclaration = [{
    /// Defaults filled in.
    double getSmoothing() {
      return getLabelSmoothing() ? getLabelSmoothing()->convertToDouble() : 0.0;
    }
  }];
}

def Linnet_CrossEntropyGradOp : Linnet_Op<"cross_entropy_grad", [
    NoMemoryEffect, AllTypesMatch<["logits", "result"]>,
    DeclareOpInterfaceMethods<ReifyRankedShapedTypeOpInterface, ["reifyResultShapes"]>,
    DeclareOpInterfaceMethods<Linnet_EqualSizesInterface>]> {
  let summary = "gradient of cross_entropy with respect to the logits";
  let description = [{
    For every row, with `g` the gradient of the row's loss:

        dx[c] = g (exp(x[c] - lse) - s / C - (1 - s) [c = t])

    and zeros where the target is `ignore_index`. `g` is the row's gradient with `none`, the
    one gradient with `sum`, and that divided by the number of rows that are not ignored with
    `mean`. A target out of range counts as no class and is reported as by `cross_entropy`.

    ```mlir
    %dx = linnet.cross_entropy_grad mean %dloss, %x, %t, %lse
        : tensor<f32>, tensor<?x50257xbf16>, tensor<?xi64>, tensor<?xf32>
    ```

    Constraints:
    - (C1) the logits have at least one dimension
    - (C2) the targets have the sizes of the logits without the last
    - (C3) `label_smoothing` is at least 0 and at most 1
    - (C4) the gradient of the loss has the shape of the targets with `none`, and no dimension
      else
    - (C5) `lse` has the shape of the targets
    - (C6) the result has the type of the logits
  }];
  let arguments = (ins Linnet_LossReductionAttr:$reduction, RankedTensorOf<[F32]>:$grad,
                       RankedTensorOf<Linnet_ModelFloats>:$logits, Linnet_IndexTensor:$targets,
                       RankedTensorOf<[F32]>:$lse,
                       DefaultValuedAttr<I64Attr, "-100">:$ignore_index,
                       OptionalAttr<F64Attr>:$label_smoothing);
  let results = (outs RankedTensorOf<Linnet_ModelFloats>:$result);
  let assemblyFormat = [{
    $reduction $grad `,` $logits `,` $targets `,` $lse (`ignore_index` $ignore_index^)?
    (`label_smoothing` $label_smoothing^)? attr-dict
    `:` type($grad) `,` type($logits) `,` type($targets) `,` type($lse)
  }];
  let hasVerifier = 1;
  let extraClassDeclaration = [{
    /// Defaults filled in.
    double getSmoothing() {
      return getLabelSmoothing() ? getLabelSmoothing()->convertToDouble() : 0.0;
    }
  }];
}

#endif // LINNET_IR_LOSSOPS_TD
