"""Rules that use what there is."""
import linnet


@linnet.rewrite("linnet.feature_map")
def double(op, rw):
    """x + x for a feature map, normalised."""
    if op.kind != "relu2":
        return None
    total = rw.create("arith.addf", rhs=op.x, lhs=op.x)
    most = rw.create("linnet.reduce", total, kind="max", axes=[1], keepdims=True, types=["tensor<4x1xf32>"])
    assert (most.kind, most.axes, most.keepdims, most.result.shape) == ("max", [1], True, [4, 1])
    assert op.x.owner is None and most.input.owner == total and str(total.result.type.element_type) == "f32"
    rw.replace(op, rw.create("linnet.softmax", total, axis=1))


@linnet.rewrite("linnet.attention", benefit=2, name="seen")
def never(op, rw):
    assert op.bias is None and op.lse is None and op.scale is None and op.alignment == "bottom_right"
    return rw.no_match(f"{op.name} of {len(op.operands)}")
