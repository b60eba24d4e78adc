// Causal softmax attention to 1024 keys or more becomes linear attention: finds the sites, says where they
// are, applies a rule to the functions they are in, and folds.
module attributes {transform.with_named_sequence} {
  transform.named_sequence @is_long(%op: !transform.any_op {transform.readonly}) -> !transform.any_op {
    transform.match.linnet.attention %op {causal = true, plain = true, min_keys = 1024} : !transform.any_op
    transform.yield %op : !transform.any_op
  }
  transform.named_sequence @linearise(%op: !transform.any_op {transform.readonly}) {
    transform.debug.emit_remark_at %op, "becomes linear" : !transform.any_op
    %function = transform.get_parent_op %op {isolated_from_above} : (!transform.any_op) -> !transform.any_op
    transform.apply_patterns to %function {
      transform.apply_patterns.linnet.rules ["LinearAttention"]
    } : !transform.any_op
    transform.yield
  }
  transform.named_sequence @__transform_main(%module: !transform.any_op {transform.consumed}) {
    %sought = transform.foreach_match in %module @is_long -> @linearise
        : (!transform.any_op) -> !transform.any_op
    %functions = transform.structured.match ops{["func.func"]} in %sought
        : (!transform.any_op) -> !transform.any_op
    %folded = transform.apply_registered_pass "canonicalize" to %functions
        : (!transform.any_op) -> !transform.any_op
    transform.yield
  }
}
