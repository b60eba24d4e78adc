//===- TransformOps.td - ops for transform scripts ---------*- tablegen -*-===//
//
// Part of Linnet, under Apache-2.0 WITH LLVM-exception. See LICENSE.
//
//===----------------------------------------------------------------------===//
#ifndef LINNET_TRANSFORMS_TRANSFORMOPS_TD
#define LINNET_TRANSFORMS_TRANSFORMOPS_TD

include "mlir/Dialect/Transform/IR/TransformDialect.td"
include "mlir/Dialect/Transform/Interfaces/MatchInterfaces.td"
include "mlir/Dialect/Transform/Interfaces/TransformInterfaces.td"
include "mlir/Interfaces/SideEffectInterfaces.td"
include "mlir/IR/OpBase.td"

def ApplyRulesOp : Op<Transform_Dialect, "apply_patterns.linnet.rules",
    [DeclareOpInterfaceMethods<PatternDescriptorOpInterface>]> {
  let cppNamespace = "::linnet";
  let summary = "registered rules, by name";
  let description = [{
    ```mlir
    transform.apply_patterns to %functions {
      transform.apply_patterns.linnet.rules ["lower-norm", "my-rule"]
    } : !transform.any_op
    ```

    The rules of the registry that `linnet-opt --list-rules` lists: Linnet's own, those of plugins, of files
    (`--rules=F.pdll`) and of Python. To hear why a rule does not apply, run
    `transform.apply_registered_pass "linnet-apply-rules" with options = {"names" = [...], "explain" = true}`
    instead.

    Constraints:
    - (C1) every name is a rule's
  }];
  let arguments = (ins StrArrayAttr:$names);
  let assemblyFormat = "$names attr-dict";
  let hasVerifier = 1;
}

def MatchAttentionOp : Op<Transform_Dialect, "match.linnet.attention",
    [SingleOpMatcher, MatchOpInterface, MemoryEffectsOpInterface]> {
  let cppNamespace = "::linnet";
  let summary = "an attention that meets all conditions given";
  let description = [{
    ```mlir
    transform.match.linnet.attention %op {causal = true, plain = true, min_keys = 1024} : !transform.any_op
    ```

    Fails silenceably, so that `transform.foreach_match` goes on, for any other op and for a
    `linnet.attention` that does not meet a condition:

    - `causal`: whether its masks have `causal`
    - `plain`: whether it has nothing but softmax and, maybe, a causal mask: no window, other
      mask, lengths, segments, bias, slopes, query offset, soft cap or dropout
    - `grouped`: whether several query heads share a key head; a dynamic number of heads is neither
    - `min_keys`, `min_queries`: at least so many; a dynamic number counts as many
    - `max_keys`, `max_queries`: known to be at most so many
    - `head_dim`: the size of query and key vectors is known to be this
    - `element_type`: of queries, keys and values

    Constraints:
    - (C1) there is no other attribute
  }];
  let arguments = (ins TransformHandleTypeInterface:$operand_handle,
    OptionalAttr<BoolAttr>:$causal, OptionalAttr<BoolAttr>:$plain, OptionalAttr<BoolAttr>:$grouped,
    OptionalAttr<I64Attr>:$min_keys, OptionalAttr<I64Attr>:$max_keys,
    OptionalAttr<I64Attr>:$min_queries, OptionalAttr<I64Attr>:$max_queries,
    OptionalAttr<I64Attr>:$head_dim, OptionalAttr<TypeAttr>:$element_type);
  let assemblyFormat = "$operand_handle attr-dict `:` type($operand_handle)";
  let extraClassDeclaration = SingleOpMatcher.extraDeclaration;
  let hasVerifier = 1;
}

#endif // LINNET_TRANSFORMS_TRANSFORMOPS_TD
