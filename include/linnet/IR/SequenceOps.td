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

// their gradients
include "linnet/IR/ScanGradOps.td"

#endif // LINNET_IR_SEQUENCEOPS_TD
