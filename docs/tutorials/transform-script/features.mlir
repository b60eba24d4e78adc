// Says where feature maps are, then applies the rules of features.pdll and folds.
module attributes {transform.with_named_sequence} {
  transform.named_sequence @__transform_main(%module: !transform.any_op {transform.readonly}) {
    %maps = transform.structured.match ops{["linnet.feature_map"]} in %module
        : (!transform.any_op) -> !transform.any_op
    transform.debug.emit_remark_at %maps, "a feature map" : !transform.any_op
    %functions = transform.structured.match ops{["func.func"]} in %module
        : (!transform.any_op) -> !transform.any_op
    %done = transform.apply_registered_pass "linnet-pdl" with options = {"files" = ["features.pdll"]}
        to %functions : (!transform.any_op) -> !transform.any_op
    %folded = transform.apply_registered_pass "canonicalize" to %done
        : (!transform.any_op) -> !transform.any_op
    transform.yield
  }
}
