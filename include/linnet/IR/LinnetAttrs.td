//===- LinnetAttrs.td - attributes of the model dialect ----*- tablegen -*-===//
//
// Part of Linnet, under Apache-2.0 WITH LLVM-exception. See LICENSE.
//
// Dialect plugins include this file, never the ops' .td files.
//
//===----------------------------------------------------------------------===//
#ifndef LINNET_IR_LINNETATTRS_TD
#define LINNET_IR_LINNETATTRS_TD

include "linnet/IR/LinnetDialect.td"
include "mlir/IR/AttrTypeBase.td"
include "mlir/IR/EnumAttr.td"

// A dialect enum attribute, printed `#linnet.name<case>`.
class Linnet_EnumAttr<EnumInfo info, string mnemonic> : EnumAttr<Linnet_Dialect, info, mnemonic> {
  let assemblyFormat = "`<` $value `>`";
}

def Linnet_FeatureKind : I32EnumAttr<"FeatureKind", "elementwise feature map", [
    I32EnumAttrCase<"elu1", 0>, I32EnumAttrCase<"relu", 1>, I32EnumAttrCase<"relu2", 2>,
    I32EnumAttrCase<"exp", 3>]> {
  let cppNamespace = "::linnet";
  let genSpecializedAttr = 0;
}
def Linnet_FeatureKindAttr : Linnet_EnumAttr<Linnet_FeatureKind, "feature">;

def Linnet_ReduceKind : I32EnumAttr<"ReduceKind", "reduction", [
    I32EnumAttrCase<"sum", 0>, I32EnumAttrCase<"max", 1>, I32EnumAttrCase<"min", 2>,
    I32EnumAttrCase<"prod", 3>, I32EnumAttrCase<"mean", 4>]> {
  let cppNamespace = "::linnet";
  let genSpecializedAttr = 0;
}
// printed as a bare keyword inside of an op
def Linnet_ReduceKindAttr : EnumAttr<Linnet_Dialect, Linnet_ReduceKind, "reduction">;

def Linnet_LossReduction : I32EnumAttr<"LossReduction", "what becomes of the losses of rows", [
    I32EnumAttrCase<"none", 0>, I32EnumAttrCase<"sum", 1>, I32EnumAttrCase<"mean", 2>]> {
  let cppNamespace = "::linnet";
  let genSpecializedAttr = 0;
}
def Linnet_LossReductionAttr : EnumAttr<Linnet_Dialect, Linnet_LossReduction, "loss_reduction">;

def Linnet_ResizeMode : I32EnumAttr<"ResizeMode", "interpolation", [
    I32EnumAttrCase<"nearest", 0>, I32EnumAttrCase<"linear", 1>]> {
  let cppNamespace = "::linnet";
  let genSpecializedAttr = 0;
}
def Linnet_ResizeModeAttr : EnumAttr<Linnet_Dialect, Linnet_ResizeMode, "resize_mode">;

def Linnet_ResizePosition : I32EnumAttr<"ResizePosition", "where a resized element reads", [
    I32EnumAttrCase<"half_pixel", 0>, I32EnumAttrCase<"align_corners", 1>,
    I32EnumAttrCase<"asymmetric", 2>]> {
  let cppNamespace = "::linnet";
  let genSpecializedAttr = 0;
}
def Linnet_ResizePositionAttr : EnumAttr<Linnet_Dialect, Linnet_ResizePosition, "resize_position">;

def Linnet_MaskAlignment : I32EnumAttr<"MaskAlignment", "which corner causal masks start from", [
    I32EnumAttrCase<"bottom_right", 0>, I32EnumAttrCase<"top_left", 1>]> {
  let cppNamespace = "::linnet";
  let genSpecializedAttr = 0;
}
def Linnet_MaskAlignmentAttr : Linnet_EnumAttr<Linnet_MaskAlignment, "alignment">;

def Linnet_RotaryLayout : I32EnumAttr<"RotaryLayout", "which channels rotate together", [
    I32EnumAttrCase<"half", 0>, I32EnumAttrCase<"interleaved", 1>]> {
  let cppNamespace = "::linnet";
  let genSpecializedAttr = 0;
}
def Linnet_RotaryLayoutAttr : Linnet_EnumAttr<Linnet_RotaryLayout, "rotary_layout">;

def Linnet_StateRead : I32EnumAttr<"StateRead", "which state a position reads", [
    I32EnumAttrCase<"post", 0>, I32EnumAttrCase<"pre", 1>]> {
  let cppNamespace = "::linnet";
  let genSpecializedAttr = 0;
}
def Linnet_StateReadAttr : Linnet_EnumAttr<Linnet_StateRead, "state_read">;

def Linnet_ConvActivation : I32EnumAttr<"ConvActivation", "what follows a causal convolution", [
    I32EnumAttrCase<"none", 0>, I32EnumAttrCase<"silu", 1>]> {
  let cppNamespace = "::linnet";
  let genSpecializedAttr = 0;
}
def Linnet_ConvActivationAttr : Linnet_EnumAttr<Linnet_ConvActivation, "conv_activation">;

def Linnet_MaskAttr : AttrDef<Linnet_Dialect, "Mask"> {
  let mnemonic = "mask";
  let summary = "which keys a query sees";
  let description = [{
    A set of conditions, all of which a visible key meets:

    ```mlir
    #linnet.mask<[causal, window<left = 128, right = 0>, explicit, kv_lengths, segments]>
    ```

    With `p` the position of the query among the keys (see `linnet.attention`), key `j` is
    visible when
    - `causal`: `j <= p`
    - `window<left = L, right = R>`: `p - L <= j` and `j <= p + R`; a side that is left out
      is not limited
    - `explicit`: the boolean operand `mask` is true
    - `kv_lengths`: `j < kv_lengths[b]`
    - `segments`: the segment of the query equals that of the key

    The order of the conditions has no meaning; they print in the order above.
  }];
  let parameters = (ins
    "bool":$causal, "bool":$window, "bool":$isExplicit, "bool":$kvLengths, "bool":$segments,
    OptionalParameter<"std::optional<int64_t>">:$left,
    OptionalParameter<"std::optional<int64_t>">:$right);
  let hasCustomAssemblyFormat = 1;
  let genVerifyDecl = 1;
  let extraClassDeclaration = [{
    /// Whether a condition depends on the position of the query.
    bool isPositional() const { return getCausal() || getWindow(); }
    bool isEmpty() const {
      return !isPositional() && !getIsExplicit() && !getKvLengths() && !getSegments();
    }
    /// How far after its own position a query sees, and how far before; none: no limit.
    std::optional<int64_t> getReachAfter() const;
    std::optional<int64_t> getReachBefore() const { return getLeft(); }
    /// The same set with one condition changed.
    MaskAttr withCausal(bool on) const;
    MaskAttr withExplicit(bool on) const;
    MaskAttr withWindow(std::optional<int64_t> left, std::optional<int64_t> right) const;
  }];
}

def Linnet_ContractMetric : I32EnumAttr<"ContractMetric", "what an error is measured by", [
    I32EnumAttrCase<"rel_max", 0>, I32EnumAttrCase<"max_abs", 1>]> {
  let cppNamespace = "::linnet";
  let genSpecializedAttr = 0;
}

def Linnet_ContractEvidence : I32EnumAttr<"ContractEvidence", "what a bound rests on", [
    I32EnumAttrCase<"proven", 0, "static">]> {
  let cppNamespace = "::linnet";
  let genSpecializedAttr = 0;
}

def Linnet_ContractScope : I32EnumAttr<"ContractScope", "where an approximation may be used", [
    I32EnumAttrCase<"inference", 0>, I32EnumAttrCase<"training", 1>]> {
  let cppNamespace = "::linnet";
  let genSpecializedAttr = 0;
}

def Linnet_ContractFallback : I32EnumAttr<"ContractFallback", "what to do without a certificate", [
    I32EnumAttrCase<"exact", 0>, I32EnumAttrCase<"error", 1>]> {
  let cppNamespace = "::linnet";
  let genSpecializedAttr = 0;
}

def Linnet_ContractAttr : AttrDef<Linnet_Dialect, "Contract"> {
  let mnemonic = "contract";
  let summary = "how far attention may be from what it says";
  let description = [{
    As `linnet.contract` on a `linnet.attention`, or on a function or module for all attention in it:
    `linnet-linearize-attention` may replace the op by one whose error provably stays within `bound`.

    ```mlir
    #linnet.contract<bound = 1.0e-02>
    #linnet.contract<bound = 1.0e-02, method = favor, failure = 1.0e-06, seed = 7,
        metric = rel_max, evidence = static, scope = training, fallback = error>
    ```

    - `bound`: the largest error of an element of the result, against the op in real arithmetic
    - `metric`: `rel_max`, the default: relative to the largest `|v|` of the element's channel; `max_abs`:
      absolute, for which the values' range has to be known
    - `method`: `auto`, the default, tries all: `linnet-opt --help` of the pass lists them
    - `failure`: for methods with random features, the largest probability, over the seed, that some
      element of one call exceeds the bound; without it only deterministic bounds count
    - `seed`: of random features, 0 by default
    - `evidence`: `static`: the bound follows from the program alone
    - `scope`: `inference`, the default, leaves functions alone that are differentiated; `training` does not
    - `fallback`: without a certificate attention stays `exact`, the default, or it is an `error`
  }];
  let parameters = (ins
    "::mlir::FloatAttr":$boundAttr, "::mlir::StringAttr":$methodAttr, "::linnet::ContractMetric":$metric,
    OptionalParameter<"::mlir::FloatAttr">:$failureAttr, "int64_t":$seed,
    "::linnet::ContractEvidence":$evidence, "::linnet::ContractScope":$scope,
    "::linnet::ContractFallback":$fallback);
  let hasCustomAssemblyFormat = 1;
  let genVerifyDecl = 1;
  let extraClassDeclaration = [{
    double getBound() const { return getBoundAttr().getValueAsDouble(); }
    /// 0: none is accepted.
    double getFailure() const { return getFailureAttr() ? getFailureAttr().getValueAsDouble() : 0; }
    ::llvm::StringRef getMethod() const { return getMethodAttr().getValue(); }
  }];
}

#endif // LINNET_IR_LINNETATTRS_TD
