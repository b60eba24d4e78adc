module attributes {transform.with_named_sequence} {
  transform.named_sequence @__transform_main(%module: !transform.any_op {transform.readonly}) {
    transform.apply_patterns to %module {
      transform.apply_patterns.linnet.rules ["double"]
    } : !transform.any_op
    transform.yield
  }
}
