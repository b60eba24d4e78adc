//===- SequenceOps.td - ops of the sequence family -*- tablegen -*-===//
//
// Part of Linnet, under Apache-2.0 WITH LLVM-exception. See LICENSE.
//
//===----------------------------------------------------------------------===//
#ifndef LINNET_IR_SEQUENCEOPS_TD
#define LINNET_IR_SEQUENCEOPS_TD

include "linnet/IR/LinnetAttrs.td"
include "linnet/IR/LinnetTypes.td"
include "linnet/Interfaces/EqualSizes.td"
include "linnet/Interfaces/Stateful.td"
include "mlir/Interfaces/InferTypeOpInterface.td"
include "mlir/Interfaces/SideEffectInterfaces.td"

// What linear_attention and its gradient share: what the recurrence reads.
def Linnet_LinearAttentionOperands {
  dag args = (ins
    Linnet_RankedFloat<[4]>:$q, Linnet_RankedFloat<[4]>:$k, Linnet_RankedFloat<[4]>:$v,
    Optional<Linnet_RankedFloat<[3, 4]>>:$decay,
    Optional<Linnet_RankedFloat<[4]>>:$erase_a, Optional<Linnet_RankedFloat<[4]>>:$erase_b,
    Optional<Linnet_RankedFloat<[3]>>:$beta,
    Optional<Linnet_RankedFloat<[2]>>:$bonus,
    Optional<Linnet_RankedF32<[4]>>:$state);
  string format = [{
    $q `,` $k `,` $v
    (`decay` `(` $decay^ `:` type($decay) `)`)?
    (`erase` `(` $erase_a^ `,` $erase_b `:` type($erase_a) `,` type($erase_b) `)`)?
    (`beta` `(` $beta^ `:` type($beta) `)`)?
    (`bonus` `(` $bonus^ `:` type($bonus) `)`)?
    (`state` `(` $state^ `:` type($state) `)`)?
  }];
}

def Linnet_LinearAttentionOp : Linnet_Op<"linear_attention", [
    Pure, AttrSizedOperandSegments, AllElementTypesMatch<["q", "k", "v", "o"]>,
    DeclareOpInterfaceMethods<Linnet_EqualSizesInterface>, Linnet_StatefulInterface,
    DeclareOpInterfaceMethods<ReifyRankedShapedTypeOpInterface, ["reifyResultShapes"]>]> {
  let summary = "causal linear attention with a matrix state";
  let description = [{
    ```mlir
    %o = linnet.linear_attention %q, %k, %v
        : tensor<2x8x?x64xf32>, tensor<2x8x?x64xf32>, tensor<2x8x?x64xf32> -> tensor<2x8x?x64xf32>
    %o, %s1 = linnet.linear_attention %q, %k, %v decay(%g : tensor<2x8x?xf32>)
        beta(%beta : tensor<2x8x?xf32>) state(%s0 : tensor<2x8x64x64xf32>) scale(0.125)
        : tensor<2x8x?x64xf32>, tensor<2x8x?x64xf32>, tensor<2x8x?x64xf32>
        -> tensor<2x8x?x64xf32>, tensor<2x8x64x64xf32>
    ```

    One state S [K,D] per batch and head runs over the positions t = 0 … N-1:

        S_t = (Diag(exp g_t) + b_t a_t^T) S_{t-1} + k_t v_t^T
        o_t = scale * S_t^T q_t                              read = post, the default
        o_t = scale * (S_{t-1} + Diag(u) k_t v_t^T)^T q_t    read = pre; u: bonus, 0 by default

    - no decay, no erase: linear attention (arXiv:2006.16236); scalar decay: RetNet
      (arXiv:2307.08621), Mamba-2 (arXiv:2405.21060); decay per channel: GLA (arXiv:2312.06635),
      HGRN2, and with read = pre and a bonus RWKV-6 (arXiv:2404.05892)
    - `beta`: the delta rule (arXiv:2406.06484), short for `a = exp(g) * k`, `b = -beta * k` and
      values `beta * v`; with a decay gated DeltaNet (arXiv:2412.06464): decay, then erase
    - `erase(a, b)`: any rank-1 term, as in RWKV-7 (arXiv:2503.14456)

    `normalise(eps)` divides by the same read-out of the values' place taken by ones:
    `o_t = scale * (S_t^T q_t) / max(z_t^T q_t, eps)` where z follows the recurrence of S with
    v = 1. `scale` is 1 by default. `g` is a logarithm, at most 0 where the state shall not grow.

    Heads: every operand has a head count of its own; head `h` of `H` reads head
    `h / (H / heads)` of it. S has Hs heads, the largest count of k, v, decay, erase, beta and
    bonus; `H` is the larger of Hs and the heads of q.

    The state and all arithmetic are f32. `chunk` is a hint for the block length.

    Constraints:
    - (C1) q is [B,*,N,K], k [B,*,N,K], v [B,*,N,D] of one element type, f16, bf16 or f32;
      every head count and K and D are static, and every head count divides Hs or is that of q
    - (C2) the heads of q divide or are a multiple of Hs
    - (C3) o is [B,H,N,D] of q's element type
    - (C4) decay is [B,*,N] or [B,*,N,K] of a float type
    - (C5) erase_a and erase_b are [B,*,N,K] of float types and come together; beta is [B,*,N]
      of a float type; beta and erase exclude each other
    - (C6) bonus is [*,K] of a float type, and read is then pre
    - (C7) state is [B,Hs,K,D] of f32, and [B,Hs,K,D+1] with normalise, the last column being z;
      the final state, if present, alike
    - (C8) normalise is finite and positive and excludes beta and erase; scale is finite
    - (C9) chunk is at least 1
  }];
  let arguments = !con(Linnet_LinearAttentionOperands.args, (ins
    DefaultValuedAttr<Linnet_StateReadAttr, "::linnet::StateRead::post">:$read,
    OptionalAttr<F64Attr>:$scale, OptionalAttr<F64Attr>:$normalise, OptionalAttr<I64Attr>:$chunk));
  let results = (outs Linnet_RankedFloat<[4]>:$o, Optional<Linnet_RankedF32<[4]>>:$final_state);
  let assemblyFormat = !strconcat(Linnet_LinearAttentionOperands.format, [{
    (`read` `` $read^)? (`scale` `(` $scale^ `)`)? (`normalise` `(` $normalise^ `)`)?
    (`chunk` `(` $chunk^ `)`)?
    attr-dict `:` type($q) `,` type($k) `,` type($v) `->` type($o) (`,` type($final_state)^)?
  }]);
  let extraClassDeclaration = [{
    /// Hs, the heads of the state.
    int64_t getStateHeads();
    /// Columns of the state: D, and one more for the normaliser.
    int64_t getStateColumns();
    bool hasVectorDecay() {
      return getDecay() && ::llvm::cast<::mlir::RankedTensorType>(getDecay().getType()).getRank() == 4;
    }
    /// Whether S has a rank-1 erase term.
    bool hasErase() { return getEraseA() || getBeta(); }
  }];
  let hasVerifier = 1;
  let hasCanonicalizer = 1;
}

def Linnet_LinearAttentionGradOp : Linnet_Op<"linear_attention_grad", [
    Pure, AttrSizedOperandSegments, AllElementTypesMatch<["q", "k", "v", "dout"]>,
    DeclareOpInterfaceMethods<Linnet_EqualSizesInterface>,
    DeclareOpInterfaceMethods<ReifyRankedShapedTypeOpInterface, ["reifyResultShapes"]>]> {
  let summary = "gradients of linear attention";
  let description = [{
    ```mlir
    %dq, %dk, %dv, %dg = linnet.linear_attention_grad %q, %k, %v decay(%g : tensor<2x8x?xf32>)
        grad(%dout) scale(0.125)
        : tensor<2x8x?x64xf32>, tensor<2x8x?x64xf32>, tensor<2x8x?x64xf32>, tensor<2x8x?x64xf32>
        -> tensor<2x8x?x64xf32>, tensor<2x8x?x64xf32>, tensor<2x8x?x64xf32>, tensor<2x8x?xf32>
    ```

    The gradients of `linnet.linear_attention` without `normalise`, given that of its result,
    `dout`, and that of its final state, `dfinal`, zero where absent: one for every operand up to
    the state, in their order. With A_t = Diag(exp g_t) + b_t a_t^T and the gradient G of the
    states, which runs over the positions from last to first,

        G_t = scale * q_t dout_t^T + A_{t+1}^T G_{t+1}               G_N has dfinal in addition
        dq_t = scale * S_t dout_t     dk_t = G_t v_t     dv_t = G_t^T k_t
        dg_t = exp(g_t) * rowsum(G_t . S_{t-1})
        da_t = S_{t-1} (G_t^T b_t)     db_t = G_t (S_{t-1}^T a_t)

    for read = post; read = pre, beta and a bonus as their definitions say. The states are computed
    again from the operands: nothing else is kept from the forward pass. All arithmetic is f32, in
    an order that depends on the shapes only, and results are rounded once.

    With `per_head` gradients are not summed over the heads that share an operand, nor is that of a
    bonus over the batch.

    Constraints:
    - (C1) … (C7) as those of `linnet.linear_attention`; dout has the type of o, and dfinal
      that of the final state
    - (C8) scale is finite
    - (C9) there is one result per operand up to the state, of its shape, and of its element type
      or f32
    - (C10) with per_head the results have H heads for q and Hs for the others, and that of bonus
      is [B,Hs,K]
  }];
  let arguments = !con(Linnet_LinearAttentionOperands.args, (ins
    Linnet_RankedFloat<[4]>:$dout, Optional<Linnet_RankedF32<[4]>>:$dfinal,
    DefaultValuedAttr<Linnet_StateReadAttr, "::linnet::StateRead::post">:$read,
    OptionalAttr<F64Attr>:$scale, UnitAttr:$per_head));
  let results = (outs Variadic<Linnet_RankedFloat<[2, 3, 4]>>:$grads);
  let assemblyFormat = !strconcat(Linnet_LinearAttentionOperands.format, [{
    `grad` `(` $dout (`,` $dfinal^ `:` type($dfinal))? `)`
    (`read` `` $read^)? (`scale` `(` $scale^ `)`)? (`per_head` $per_head^)?
    attr-dict `:` type($q) `,` type($k) `,` type($v) `,` type($dout) `->` type($grads)
  }]);
  let extraClassDeclaration = [{
    /// Hs, the heads of the state, and H, those of the result.
    int64_t getStateHeads();
    int64_t getHeads();
    /// The operands that have gradients: all up to the state.
    ::mlir::OperandRange getDifferentiated() {
      return getOperands().take_front(getNumOperands() - (getDfinal() ? 2 : 1));
    }
    enum Operand : unsigned { Q, K, V, Decay, EraseA, EraseB, Beta, Bonus, State };
    /// The gradient of an operand; null where that is absent. A value may be several operands.
    ::mlir::Value getGradientOf(Operand operand);
    /// The shape of result i with per_head.
    ::llvm::SmallVector<int64_t> getShapePerHead(unsigned i);
    bool hasVectorDecay() {
      return getDecay() && ::llvm::cast<::mlir::RankedTensorType>(getDecay().getType()).getRank() == 4;
    }
  }];
  let hasVerifier = 1;
}

def Linnet_SelectiveScanOp : Linnet_Op<"selective_scan", [
    Pure, AttrSizedOperandSegments, AllElementTypesMatch<["u", "delta", "y"]>,
    DeclareOpInterfaceMethods<Linnet_EqualSizesInterface>, Linnet_StatefulInterface,
    DeclareOpInterfaceMethods<ReifyRankedShapedTypeOpInterface, ["reifyResultShapes"]>]> {
  let summary = "selective state space recurrence of Mamba";
  let description = [{
    ```mlir
    %y, %h1 = linnet.selective_scan %u, %delta, %a, %b, %c skip(%d : tensor<64xf32>)
        gate(%z : tensor<2x?x64xf32>) delta_bias(%db : tensor<64xf32>)
        state(%h0 : tensor<2x64x16xf32>) softplus
        : tensor<2x?x64xf32>, tensor<2x?x64xf32>, tensor<64x16xf32>, tensor<2x?x16xf32>, tensor<2x?x16xf32>
        -> tensor<2x?x64xf32>, tensor<2x64x16xf32>
    ```

    For every batch and channel c a state h [N] runs over the positions l (arXiv:2312.00752):

        d    = delta[l,c] + delta_bias[c]              softplus of it with `softplus`
        h[n] = exp(d * a[c,n]) * h[n] + d * b[l,n] * u[l,c]
        y    = sum_n c[l,n] * h[n] + skip[c] * u[l,c]
        y    = y * silu(gate[l,c])

    where absent operands leave their term out. Channels are the last dimension, as the
    projections around the op make them; `[B,C,L]` tensors need a transpose. The state and all
    arithmetic are f32.

    Constraints:
    - (C1) u and delta are [B,L,C], a is [C,N], b and c are [B,L,N]; u and delta have one
      element type, f16, bf16 or f32, the others any of these
    - (C2) y has the type of u
    - (C3) skip and delta_bias are [C], gate is [B,L,C]
    - (C4) state and, if present, the final state are [B,C,N] of f32
    - (C5) N is static
  }];
  let arguments = (ins
    Linnet_RankedFloat<[3]>:$u, Linnet_RankedFloat<[3]>:$delta, Linnet_RankedFloat<[2]>:$a,
    Linnet_RankedFloat<[3]>:$b, Linnet_RankedFloat<[3]>:$c,
    Optional<Linnet_RankedFloat<[1]>>:$skip, Optional<Linnet_RankedFloat<[3]>>:$gate,
    Optional<Linnet_RankedFloat<[1]>>:$delta_bias, Optional<Linnet_RankedF32<[3]>>:$state,
    UnitAttr:$softplus);
  let results = (outs Linnet_RankedFloat<[3]>:$y, Optional<Linnet_RankedF32<[3]>>:$final_state);
  let assemblyFormat = [{
    $u `,` $delta `,` $a `,` $b `,` $c
    (`skip` `(` $skip^ `:` type($skip) `)`)?
    (`gate` `(` $gate^ `:` type($gate) `)`)?
    (`delta_bias` `(` $delta_bias^ `:` type($delta_bias) `)`)?
    (`state` `(` $state^ `:` type($state) `)`)?
    (`softplus` $softplus^)?
    attr-dict `:` type($u) `,` type($delta) `,` type($a) `,` type($b) `,` type($c)
    `->` type($y) (`,` type($final_state)^)?
  }];
  let hasVerifier = 1;
  let hasCanonicalizer = 1;
}

def Linnet_CausalConvOp : Linnet_Op<"causal_conv", [
    Pure, AttrSizedOperandSegments, AllElementTypesMatch<["x", "y"]>,
    DeclareOpInterfaceMethods<Linnet_EqualSizesInterface>, Linnet_StatefulInterface,
    DeclareOpInterfaceMethods<ReifyRankedShapedTypeOpInterface, ["reifyResultShapes"]>]> {
  let summary = "depthwise causal convolution with a state of past inputs";
  let description = [{
    ```mlir
    %y, %s1 = linnet.causal_conv %x, %w bias(%b : tensor<64xf32>) state(%s0 : tensor<2x64x3xf32>)
        activation<silu> : tensor<2x?x64xf32>, tensor<64x4xf32> -> tensor<2x?x64xf32>, tensor<2x64x3xf32>
    ```

    With the W - 1 past inputs of `state` (zeros where absent) put before x along L:

        y[b,l,c] = activation(bias[c] + sum_w weight[c,w] * x[b, l - (W - 1) + w, c])

    and the final state holds the last W - 1 inputs, oldest first: CausalConvWithState of ONNX
    opset 27 with channels last. Sums are f32 for every element type.

    Constraints:
    - (C1) x is [B,L,C], weight is [C,W] of f16, bf16 or f32, and y has the type of x
    - (C2) W is static and at least 1
    - (C3) bias is [C]
    - (C4) state and, if present, the final state are [B,C,W-1] of x's element type
  }];
  let arguments = (ins
    Linnet_RankedFloat<[3]>:$x, Linnet_RankedFloat<[2]>:$weight,
    Optional<Linnet_RankedFloat<[1]>>:$bias, Optional<Linnet_RankedFloat<[3]>>:$state,
    DefaultValuedAttr<Linnet_ConvActivationAttr, "::linnet::ConvActivation::none">:$activation);
  let results = (outs Linnet_RankedFloat<[3]>:$y, Optional<Linnet_RankedFloat<[3]>>:$final_state);
  let assemblyFormat = [{
    $x `,` $weight
    (`bias` `(` $bias^ `:` type($bias) `)`)?
    (`state` `(` $state^ `:` type($state) `)`)?
    (`activation` `` $activation^)?
    attr-dict `:` type($x) `,` type($weight) `->` type($y) (`,` type($final_state)^)?
  }];
  let hasVerifier = 1;
  let hasCanonicalizer = 1;
}

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

#endif // LINNET_IR_SEQUENCEOPS_TD
