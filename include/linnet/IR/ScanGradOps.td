//===- ScanGradOps.td - gradients of scans and causal convolutions -*- tablegen -*-===//
//
// Part of Linnet, under Apache-2.0 WITH LLVM-exception. See LICENSE.
//
// Ops of the sequence family, which includes this file.
//
//===----------------------------------------------------------------------===//
#ifndef LINNET_IR_SCANGRADOPS_TD
#define LINNET_IR_SCANGRADOPS_TD

include "linnet/IR/LinnetAttrs.td"
include "linnet/IR/LinnetTypes.td"
include "linnet/Interfaces/EqualSizes.td"
include "mlir/Interfaces/InferTypeOpInterface.td"
include "mlir/Interfaces/SideEffectInterfaces.td"

def Linnet_SelectiveScanGradOp : Linnet_Op<"selective_scan_grad", [
    Pure, AttrSizedOperandSegments, AllElementTypesMatch<["u", "delta", "dy"]>,
    DeclareOpInterfaceMethods<Linnet_EqualSizesInterface>,
    DeclareOpInterfaceMethods<ReifyRankedShapedTypeOpInterface, ["reifyResultShapes"]>]> {
  let summary = "gradients of the selective scan";
  let description = [{
    ```mlir
    %g:6 = linnet.selective_scan_grad %u, %delta, %a, %b, %c grad(%dy) skip(%d : tensor<64xf32>)
        softplus : tensor<2x?x64xf32>, tensor<2x?x64xf32>, tensor<64x16xf32>, tensor<2x?x16xf32>,
        tensor<2x?x16xf32>, tensor<2x?x64xf32>
        -> tensor<2x?x64xf32>, tensor<2x?x64xf32>, tensor<64x16xf32>, tensor<2x?x16xf32>,
        tensor<2x?x16xf32>, tensor<64xf32>
    ```

    Operands and attributes are those of the `linnet.selective_scan`; `dy` and `dfinal` are the
    gradients of its results, zeros where `dfinal` is absent. Result i is the gradient of operand
    i: of u, delta, a, b, c and of those of skip, gate, delta_bias and state that are given.

    With the names of that op, `h` before and `h'` after position l, `k = exp(d * a)`, `s` the
    output before the gate, and g [N] the gradient of `h'`, which starts as `dfinal`, from the last
    position to the first:

        ds   = dy * silu(gate)                       dgate = dy * s * silu'(gate)
        g[n] = g[n] + ds * c[n]                      dc[n] = sum over channels of ds * h'[n]
        q    = sum_n g[n] * b[n]                     db[n] = sum over channels of g[n] * d * u
        dd   = sum_n g[n] * k[n] * h[n] * a[n] + u * q
        da[n] += d * g[n] * k[n] * h[n]              du = d * q + skip * ds
        ddelta = dd, with softplus times its slope   ddelta_bias += ddelta, dskip += ds * u
        g[n] = g[n] * k[n]                           what is left is the gradient of state

    States are found again from the operands. All sums are f32, in an order that depends on the
    shapes only, and are rounded once. With `parts`, which lowering sets, sums over batches or
    over all channels are left to the reader.

    Constraints:
    - (C1) … (C5) as those of `linnet.selective_scan`; dy has the type of its y
    - (C6) dfinal is [B,C,N] of f32
    - (C7) there is one result per operand before dy, of its shape and element type
    - (C8) with parts, the gradients of a, skip and delta_bias are [B,...] of f32, one part per
      batch; those of b and c are [B,P,L,N] of f32, one part per 64 channels
  }];
  let arguments = (ins
    Linnet_RankedFloat<[3]>:$u, Linnet_RankedFloat<[3]>:$delta, Linnet_RankedFloat<[2]>:$a,
    Linnet_RankedFloat<[3]>:$b, Linnet_RankedFloat<[3]>:$c,
    Optional<Linnet_RankedFloat<[1]>>:$skip, Optional<Linnet_RankedFloat<[3]>>:$gate,
    Optional<Linnet_RankedFloat<[1]>>:$delta_bias, Optional<Linnet_RankedF32<[3]>>:$state,
    Linnet_RankedFloat<[3]>:$dy, Optional<Linnet_RankedF32<[3]>>:$dfinal,
    UnitAttr:$softplus, UnitAttr:$parts);
  let results = (outs Variadic<Linnet_RankedFloat<[1, 2, 3, 4]>>:$gradients);
  let assemblyFormat = [{
    $u `,` $delta `,` $a `,` $b `,` $c
    `grad` `(` $dy (`,` $dfinal^ `:` type($dfinal))? `)`
    (`skip` `(` $skip^ `:` type($skip) `)`)?
    (`gate` `(` $gate^ `:` type($gate) `)`)?
    (`delta_bias` `(` $delta_bias^ `:` type($delta_bias) `)`)?
    (`state` `(` $state^ `:` type($state) `)`)?
    (`softplus` $softplus^)? (`parts` $parts^)?
    attr-dict `:` type($u) `,` type($delta) `,` type($a) `,` type($b) `,` type($c) `,` type($dy)
    `->` type($gradients)
  }];
  let builders = [
    // the gradients of an op, given those of its results; no gradient of the final state is null
    OpBuilder<(ins "::linnet::SelectiveScanOp":$primal, "::mlir::Value":$dy,
                   "::mlir::Value":$dfinal)>];
  let extraClassDeclaration = [{
    /// The channels that share a part of the gradients of b and c.
    static constexpr int64_t kPartChannels = 64;
    /// The gradient of operand group `group`, which counts absent ones: u is 0, state 8. Null
    /// where the operand is absent.
    ::mlir::Value getGradientOf(unsigned group);
    /// The results' types with `parts`.
    ::llvm::SmallVector<::mlir::Type> getPartTypes();
    /// The dimension of the parts of result `i` with `parts`, if it is one that comes in parts.
    std::optional<int64_t> getPartsDim(unsigned i);
  }];
  let hasVerifier = 1;
}

def Linnet_CausalConvGradOp : Linnet_Op<"causal_conv_grad", [
    Pure, AttrSizedOperandSegments, AllElementTypesMatch<["x", "dy"]>,
    DeclareOpInterfaceMethods<Linnet_EqualSizesInterface>,
    DeclareOpInterfaceMethods<ReifyRankedShapedTypeOpInterface, ["reifyResultShapes"]>]> {
  let summary = "gradients of the depthwise causal convolution";
  let description = [{
    ```mlir
    %dx, %dw, %db = linnet.causal_conv_grad %x, %w grad(%dy) bias(%b : tensor<64xf32>)
        activation<silu> : tensor<2x?x64xf32>, tensor<64x4xf32>, tensor<2x?x64xf32>
        -> tensor<2x?x64xf32>, tensor<64x4xf32>, tensor<64xf32>
    ```

    Operands and attributes are those of the `linnet.causal_conv`; `dy` and `dfinal` are the
    gradients of its results, zeros where `dfinal` is absent. Result i is the gradient of operand
    i: of x, weight and of those of bias and state that are given.

    With p the values before the activation, found again from the operands, and X the inputs with
    the W - 1 past ones before them:

        dp[l]      = dy[l] * activation'(p[l])       zero outside of [0, L)
        dX[j]      = sum_w weight[w] * dp[j - w]     plus dfinal for the last W - 1
        dweight[w] = sum_b,l dp[l] * X[l + w]        dbias = sum_b,l dp[l]

    where the first W - 1 of dX are the gradient of `state`, and the others of `x`. All sums are
    f32, in an order that depends on the shapes only, and are rounded once. With `parts`, which
    lowering sets, sums over batches are left to the reader.

    Constraints:
    - (C1) … (C4) as those of `linnet.causal_conv`; dy has the type of its y, dfinal of its
      final state
    - (C5) there is one result per operand before dy, of its shape and element type
    - (C6) with parts, the gradients of weight and bias are [B,...] of f32, one part per batch
  }];
  let arguments = (ins
    Linnet_RankedFloat<[3]>:$x, Linnet_RankedFloat<[2]>:$weight,
    Optional<Linnet_RankedFloat<[1]>>:$bias, Optional<Linnet_RankedFloat<[3]>>:$state,
    Linnet_RankedFloat<[3]>:$dy, Optional<Linnet_RankedFloat<[3]>>:$dfinal,
    DefaultValuedAttr<Linnet_ConvActivationAttr, "::linnet::ConvActivation::none">:$activation,
    UnitAttr:$parts);
  let results = (outs Variadic<Linnet_RankedFloat<[1, 2, 3]>>:$gradients);
  let assemblyFormat = [{
    $x `,` $weight
    `grad` `(` $dy (`,` $dfinal^ `:` type($dfinal))? `)`
    (`bias` `(` $bias^ `:` type($bias) `)`)?
    (`state` `(` $state^ `:` type($state) `)`)?
    (`activation` `` $activation^)? (`parts` $parts^)?
    attr-dict `:` type($x) `,` type($weight) `,` type($dy) `->` type($gradients)
  }];
  let builders = [
    // the gradients of an op, given those of its results; no gradient of the final state is null
    OpBuilder<(ins "::linnet::CausalConvOp":$primal, "::mlir::Value":$dy,
                   "::mlir::Value":$dfinal)>];
  let extraClassDeclaration = [{
    /// The gradient of operand group `group`, which counts absent ones: x is 0, state 3. Null
    /// where the operand is absent.
    ::mlir::Value getGradientOf(unsigned group);
    /// The results' types with `parts`.
    ::llvm::SmallVector<::mlir::Type> getPartTypes();
    /// The dimension of the parts of result `i` with `parts`, if it is one that comes in parts.
    std::optional<int64_t> getPartsDim(unsigned i);
  }];
  let hasVerifier = 1;
}

#endif // LINNET_IR_SCANGRADOPS_TD
