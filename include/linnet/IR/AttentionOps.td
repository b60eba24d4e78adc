//===- AttentionOps.td - ops of the attention family -*- tablegen -*-===//
//
// Part of Linnet, under Apache-2.0 WITH LLVM-exception. See LICENSE.
//
//===----------------------------------------------------------------------===//
#ifndef LINNET_IR_ATTENTIONOPS_TD
#define LINNET_IR_ATTENTIONOPS_TD

include "linnet/IR/LinnetAttrs.td"
include "linnet/IR/LinnetTypes.td"
include "linnet/Interfaces/EqualSizes.td"
include "mlir/Interfaces/InferTypeOpInterface.td"
include "mlir/Interfaces/SideEffectInterfaces.td"

// what linnet.random takes
def Linnet_RandomSeed : AnyTypeOf<[I64, 0DTensorOf<[I64]>]>;

// What attention and its gradient are given alike.
def Linnet_AttentionOptions {
  dag args = (ins
    Optional<Linnet_RankedFloat<[0, 1, 2, 3, 4]>>:$bias,
    Optional<Linnet_RankedF32<[1]>>:$alibi_slopes,
    Optional<Linnet_Ranked<[I1], [0, 1, 2, 3, 4]>>:$mask,
    Optional<Linnet_RankedIndex<[1]>>:$kv_lengths,
    Optional<Linnet_RankedIndex<[0, 1]>>:$q_offset,
    Optional<Linnet_RankedIndex<[2]>>:$q_segments,
    Optional<Linnet_RankedIndex<[2]>>:$kv_segments,
    Optional<Linnet_RandomSeed>:$dropout_key, Optional<Linnet_RandomSeed>:$dropout_counter,
    OptionalAttr<Linnet_MaskAttr>:$masks,
    DefaultValuedAttr<Linnet_MaskAlignmentAttr, "::linnet::MaskAlignment::bottom_right">:$alignment,
    OptionalAttr<F64Attr>:$scale, OptionalAttr<F64Attr>:$softcap, OptionalAttr<F64Attr>:$dropout);
  string format = [{
    (`bias` `(` $bias^ `:` type($bias) `)`)?
    (`alibi_slopes` `(` $alibi_slopes^ `:` type($alibi_slopes) `)`)?
    (`mask` `(` $mask^ `:` type($mask) `)`)?
    (`kv_lengths` `(` $kv_lengths^ `:` type($kv_lengths) `)`)?
    (`q_offset` `(` $q_offset^ `:` type($q_offset) `)`)?
    (`q_segments` `(` $q_segments^ `:` type($q_segments) `)`)?
    (`kv_segments` `(` $kv_segments^ `:` type($kv_segments) `)`)?
    (`dropout_key` `(` $dropout_key^ `:` type($dropout_key) `)`)?
    (`dropout_counter` `(` $dropout_counter^ `:` type($dropout_counter) `)`)?
    (`masks` `` $masks^)? (`alignment` `` $alignment^)?
    (`scale` `(` $scale^ `)`)? (`softcap` `(` $softcap^ `)`)? (`dropout` `(` $dropout^ `)`)?
  }];
}

def Linnet_AttentionOp : Linnet_Op<"attention", [
    Pure, AttrSizedOperandSegments, AllElementTypesMatch<["q", "k", "v"]>,
    DeclareOpInterfaceMethods<Linnet_EqualSizesInterface>,
    DeclareOpInterfaceMethods<ReifyRankedShapedTypeOpInterface, ["reifyResultShapes"]>]> {
  let summary = "softmax attention";
  let description = [{
    ```mlir
    %o = linnet.attention %q, %k, %v : tensor<2x8x?x64xf32>, tensor<2x8x?x64xf32>, tensor<2x8x?x64xf32> -> tensor<2x8x?x64xf32>
    %o, %lse = linnet.attention %q, %k, %v bias(%b : tensor<1x8x?x?xf32>)
        kv_lengths(%n : tensor<2xi32>) masks<[causal, window<left = 128>, kv_lengths]> scale(0.125)
        : tensor<2x8x?x64xbf16>, tensor<2x2x?x64xbf16>, tensor<2x2x?x32xbf16>
        -> tensor<2x8x?x32xbf16>, tensor<2x8x?xf32>
    ```

    For query `i` and key `j` of batch `b` and head `h`, with `hk = h / (H / Hk)`:

        s[j] = scale * dot(q[b,h,i,:], k[b,hk,j,:])         scale: 1 / sqrt(Dk) by default
        s[j] = softcap * tanh(s[j] / softcap)               where softcap is given
        s[j] = s[j] + bias[b,h,i,j]                         where bias is given
        s[j] = s[j] + alibi_slopes[h] * (j - p)             where alibi_slopes is given
        w[j] = exp(s[j]) where masks let i see j, else 0
        o[b,h,i,:] = sum_j w[j] * v[b,hk,j,:] / sum_j w[j]
        lse[b,h,i] = log sum_j w[j]

    (arXiv:1706.03762; grouped heads: arXiv:2305.13245; soft cap: arXiv:2408.00118; ALiBi:
    arXiv:2108.12409.)
    A row without a visible key gives zeros, and -inf as `lse`. A bias of -inf masks; a finite
    one never does. Scores, softmax and sums are f32 for every element type.

    Position-dependent masks compare key `j` with the position `p` of query `i`, and ALiBi takes
    their distance:
    - `q_offset`, one value or one per batch: `p = q_offset + i`
    - else `alignment = bottom_right`, the default: the last query is at the last valid key,
      `p = valid - Nq + i` where `valid` is `kv_lengths[b]` if given and else `Nk`
    - else `alignment = top_left`: `p = i`

    The term of ALiBi is linear on both sides: a key beyond `p`, which only a call without `causal`
    sees, gains by its distance. A bias that is symmetric in the distance is a `bias`.

    `kv_lengths` says how many keys are valid: a cache may be longer. Lengths are clamped to
    0 … Nk. Dropout acts on `w` after normalisation: weight `(b, h, i, j)` is multiplied by
    `1 / (1 - dropout)` where element `((b * H + h) * Nq + i) * Nk + j` of the f32 numbers of
    `linnet.random` with this key and counter is at least the rate, and by zero elsewhere. `lse`
    does not see it.

    With `part`, the results begin with a dimension of their own: entry `p` is what keys
    `p * part` to `(p + 1) * part - 1` give alone. The compiler cuts long caches so, that threads
    share them.

    Constraints:
    - (C1) q is [B,H,Nq,Dk], k [B,Hk,Nk,Dk], v [B,Hk,Nk,Dv] of one element type, f16, bf16 or
      f32; Dk and Dv are at least 1
    - (C2) H is a multiple of Hk, both at least 1
    - (C3) o is [B,H,Nq,Dv] of q's element type; lse, if present, is [B,H,Nq] of f32
    - (C4) bias has at most rank 4 and, aligned at its last dimension, sizes 1 or those of
      [B,H,Nq,Nk]; a dynamic size is the full one. alibi_slopes is [H] of f32
    - (C5) mask, a tensor of i1 shaped as in (C4), is present exactly when masks has `explicit`
    - (C6) kv_lengths is [B] of i32 or i64, and present exactly when masks has `kv_lengths`
    - (C7) q_offset is a scalar or [B] of i32 or i64, and masks then has `causal` or `window`, or
      alibi_slopes is given
    - (C8) q_segments is [B,Nq] and kv_segments [B,Nk] of i32 or i64; both are present exactly
      when masks has `segments`
    - (C9) scale is finite; softcap is finite and positive
    - (C10) dropout_key and dropout_counter, i64 or `tensor<i64>`, and a positive dropout rate
      below 1 come together
    - (C11) part is a positive multiple of 256; o then is [⌈Nk / part⌉,B,H,Nq,Dv] of f32, and lse,
      if present, [⌈Nk / part⌉,B,H,Nq]
  }];
  let arguments = !con((ins
    Linnet_RankedFloat<[4]>:$q, Linnet_RankedFloat<[4]>:$k, Linnet_RankedFloat<[4]>:$v),
    Linnet_AttentionOptions.args, (ins OptionalAttr<I64Attr>:$part));
  let results = (outs Linnet_RankedFloat<[4, 5]>:$o, Optional<Linnet_RankedF32<[3, 4]>>:$lse);
  let assemblyFormat = !strconcat("$q `,` $k `,` $v", Linnet_AttentionOptions.format, [{
    (`part` `(` $part^ `)`)? attr-dict `:` type($q) `,` type($k) `,` type($v) `->` type($o) (`,` type($lse)^)?
  }]);
  let builders = [
    // no optional operands; the type of o is inferred
    OpBuilder<(ins "::mlir::Value":$q, "::mlir::Value":$k, "::mlir::Value":$v,
                   CArg<"::linnet::MaskAttr", "{}">:$masks, CArg<"bool", "false">:$withLse)>];
  let extraClassDeclaration = [{
    /// The conditions, also where the attribute is absent.
    ::linnet::MaskAttr getMaskSet();
    /// How many query heads share one key head; 0 where a head count is dynamic.
    int64_t getGroupSize();
    /// Whether the result depends on the positions of queries.
    bool readsPositions() { return getMaskSet().isPositional() || getAlibiSlopes(); }
    /// The type of `o` for operands of these types.
    static ::mlir::RankedTensorType inferOutputType(::mlir::RankedTensorType q,
                                                    ::mlir::RankedTensorType v);
  }];
  let hasVerifier = 1;
  let hasCanonicalizer = 1;
}

def Linnet_AttentionGradOp : Linnet_Op<"attention_grad", [
    Pure, AttrSizedOperandSegments, AllElementTypesMatch<["q", "k", "v", "o"]>,
    AllTypesMatch<["o", "dout"]>, DeclareOpInterfaceMethods<Linnet_EqualSizesInterface>,
    DeclareOpInterfaceMethods<ReifyRankedShapedTypeOpInterface, ["reifyResultShapes"]>]> {
  let summary = "gradients of softmax attention";
  let description = [{
    ```mlir
    %dq, %dk, %dv = linnet.attention_grad %q, %k, %v out(%o, %lse : tensor<2x8x?xf32>) grad(%do)
        masks<[causal]> : tensor<2x8x?x64xf32>, tensor<2x2x?x64xf32>, tensor<2x2x?x32xf32>,
        tensor<2x8x?x32xf32> -> tensor<2x8x?x64xf32>, tensor<2x2x?x64xf32>, tensor<2x2x?x32xf32>
    ```

    The optional operands and the attributes are those of the `linnet.attention` that gave `o` and
    `lse`; `dout` and `dlse` are the gradients of these two. With `s`, the scores of that op before
    softmax, and `f`, its dropout factors (1 without dropout):

        w[i,j]  = exp(s[i,j] - lse[i]) where masks let i see j, else 0
        t[i]    = dot(dout[i,:], o[i,:]) - dlse[i]
        ds[i,j] = w[i,j] * (f[i,j] * dot(dout[i,:], v[j,:]) - t[i])
        dv[j,:] = sum_i f[i,j] * w[i,j] * dout[i,:]
        dbias   = ds, summed over the dimensions along which bias is repeated
        dz[i,j] = scale * ds[i,j]       with softcap: times 1 - tanh(scale * dot(q, k) / softcap)^2
        dq[i,:] = sum_j dz[i,j] * k[j,:]
        dk[j,:] = sum_i dz[i,j] * q[i,:]

    `dk` and `dv` are summed over the query heads that share a key head; `alibi_slopes` has no
    gradient. A row without a visible
    key, whose `lse` is -inf, gives zeros (arXiv:2307.08691). All sums are f32 in an order that
    depends on the shapes only, and are rounded once. `w` is found from `lse`, so it loses
    precision where scores are large: a row whose scores are all around -1e30, say, has no use of
    its `lse`, and its `w` are 1.

    Constraints:
    - (C1) … (C10) as those of `linnet.attention`, o and lse being its results; dout has the type
      of o, and dlse the shape of lse
    - (C11) dq, dk and dv have the shapes of q, k and v, and their element type or f32
    - (C12) dbias comes only with bias; it has its shape, and its element type or f32
  }];
  let arguments = !con((ins
    Linnet_RankedFloat<[4]>:$q, Linnet_RankedFloat<[4]>:$k, Linnet_RankedFloat<[4]>:$v,
    Linnet_RankedFloat<[4]>:$o, Linnet_RankedF32<[3]>:$lse, Linnet_RankedFloat<[4]>:$dout,
    Optional<Linnet_RankedF32<[3]>>:$dlse), Linnet_AttentionOptions.args);
  let results = (outs Linnet_RankedFloat<[4]>:$dq, Linnet_RankedFloat<[4]>:$dk,
    Linnet_RankedFloat<[4]>:$dv, Optional<Linnet_RankedFloat<[0, 1, 2, 3, 4]>>:$dbias);
  let assemblyFormat = !strconcat([{
    $q `,` $k `,` $v `out` `(` $o `,` $lse `:` type($lse) `)`
    `grad` `(` $dout (`,` $dlse^ `:` type($dlse))? `)`
  }], Linnet_AttentionOptions.format, [{
    attr-dict `:` type($q) `,` type($k) `,` type($v) `,` type($o)
    `->` type($dq) `,` type($dk) `,` type($dv) (`,` type($dbias)^)?
  }]);
  let builders = [
    // the gradients of an op that has its lse, given those of its results
    OpBuilder<(ins "::linnet::AttentionOp":$primal, "::mlir::Value":$dout,
                   CArg<"::mlir::Value", "{}">:$dlse, CArg<"bool", "false">:$withBias)>];
  let extraClassDeclaration = [{
    /// The conditions, also where the attribute is absent.
    ::linnet::MaskAttr getMaskSet();
    /// How many query heads share one key head; 0 where a head count is dynamic.
    int64_t getGroupSize();
    /// Whether the result depends on the positions of queries.
    bool readsPositions() { return getMaskSet().isPositional() || getAlibiSlopes(); }
  }];
  let hasVerifier = 1;
}

def Linnet_FeatureMapOp : Linnet_Op<"feature_map", [
    Pure, Elementwise, SameOperandsAndResultType,
    DeclareOpInterfaceMethods<ReifyRankedShapedTypeOpInterface, ["reifyResultShapes"]>]> {
  let summary = "elementwise feature map of linear attention";
  let description = [{
    ```mlir
    %y = linnet.feature_map elu1 %x : tensor<2x8x?x64xf32>
    ```

    - `elu1`: `x + 1` where `x > 0`, else `exp(x)` (arXiv:2006.16236)
    - `relu`: `max(x, 0)`; `relu2`: its square (arXiv:2109.08668)
    - `exp`: `exp(x)`

    Computed in f32 for f16 and bf16.

    Constraints:
    - (C1) x is a ranked tensor of f16, bf16 or f32, and y has its type
  }];
  let arguments = (ins RankedTensorOf<Linnet_ModelFloats>:$x, Linnet_FeatureKindAttr:$kind);
  let results = (outs RankedTensorOf<Linnet_ModelFloats>:$y);
  let assemblyFormat = "custom<Feature>($kind) $x attr-dict `:` type($x)";
  let hasFolder = 1;
}

def Linnet_RotaryOp : Linnet_Op<"rotary", [
    Pure, AttrSizedOperandSegments, AllTypesMatch<["x", "y"]>,
    DeclareOpInterfaceMethods<Linnet_EqualSizesInterface>,
    DeclareOpInterfaceMethods<ReifyRankedShapedTypeOpInterface, ["reifyResultShapes"]>]> {
  let summary = "rotary position embedding";
  let description = [{
    ```mlir
    %y = linnet.rotary %x tables(%cos, %sin : tensor<?x32xf32>) : tensor<2x8x?x64xf32>
    %y = linnet.rotary %x base(10000.0) offset(%past : tensor<i64>) : tensor<2x8x?x64xf32>
    %y = linnet.rotary %x frequencies(%f : tensor<8xf32>) positions(%p : tensor<2x?xi64>)
        layout<interleaved> : tensor<2x8x?x64xf32>
    ```

    Rotates pairs of the first R channels of x [B,H,N,D] (arXiv:2104.09864); channels from R on
    stay as they are. Pair `i < R/2` of row `n` turns by an angle of cosine `c` and sine `s`:

        y[lo] = x[lo] * c - x[hi] * s
        y[hi] = x[hi] * c + x[lo] * s
        layout half (GPT-NeoX, Llama):  lo = i, hi = i + R/2
        layout interleaved (GPT-J):     lo = 2i, hi = 2i + 1

    Cosine and sine come from one of:
    - `tables`: `c = cos[n,i]` or `cos[b,n,i]`, `s` alike; R is twice their last size
    - `frequencies`: the angle is `position * frequencies[i]`; R is twice their number
    - `base`: as `frequencies` with `base ^ (-2i / R)`, computed in f64 and rounded to f32;
      R is `rotated`, D by default

    The position of row `n` is `positions[n]` or `positions[b,n]`; without `positions` it is `n`,
    or `offset + n`, `offset[b] + n`. Angles are f32 products of the f32 position and the f32
    frequency, sine and cosine of them are exact to f32 rounding at every angle, and the
    rotation is f32 for every element type.

    Constraints:
    - (C1) x is [B,H,N,D] of f16, bf16 or f32, and y has its type
    - (C2) exactly one of tables, frequencies and base is given
    - (C3) cos and sin have one type, [N,R/2] or [B,N,R/2] of f16, bf16 or f32
    - (C4) frequencies is [R/2] of f32; base is finite and positive
    - (C5) R is static, even and at most D; `rotated` is given only with base
    - (C6) positions is [N] or [B,N], offset is a scalar or [B], of i32 or i64; at most one of
      them is given, and none with tables
  }];
  let arguments = (ins
    Linnet_RankedFloat<[4]>:$x,
    Optional<Linnet_RankedFloat<[2, 3]>>:$cos, Optional<Linnet_RankedFloat<[2, 3]>>:$sin,
    Optional<Linnet_RankedF32<[1]>>:$frequencies,
    Optional<Linnet_RankedIndex<[1, 2]>>:$positions,
    Optional<Linnet_RankedIndex<[0, 1]>>:$offset,
    OptionalAttr<F64Attr>:$base, OptionalAttr<I64Attr>:$rotated,
    DefaultValuedAttr<Linnet_RotaryLayoutAttr, "::linnet::RotaryLayout::half">:$layout);
  let results = (outs Linnet_RankedFloat<[4]>:$y);
  let assemblyFormat = [{
    $x
    (`tables` `(` $cos^ `,` $sin `:` custom<TableTypes>(type($cos), type($sin)) `)`)?
    (`frequencies` `(` $frequencies^ `:` type($frequencies) `)`)?
    (`base` `(` $base^ `)`)? (`rotated` `(` $rotated^ `)`)?
    (`positions` `(` $positions^ `:` type($positions) `)`)?
    (`offset` `(` $offset^ `:` type($offset) `)`)?
    (`layout` `` $layout^)?
    attr-dict `:` type($x)
  }];
  let extraClassDeclaration = [{
    /// R, the number of rotated channels.
    int64_t getRotatedChannels();
    /// The R/2 frequencies that base stands for.
    ::llvm::SmallVector<float> getFrequenciesOfBase();
  }];
  let hasVerifier = 1;
}

#endif // LINNET_IR_ATTENTIONOPS_TD
