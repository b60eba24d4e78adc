"""What ends a run."""
import linnet


@linnet.rewrite("linnet.feature_map")
def raises(op, rw):
    rw.create("linnet.softmax", op.x, axis=1)
    return 1 / 0


@linnet.rewrite("linnet.feature_map")
def wrong_type(op, rw):
    return rw.create("linnet.reduce", op.x, kind="sum", axes=[1], types=["tensor<4xf32>"])


@linnet.rewrite("linnet.feature_map")
def no_value(op, rw):
    return 3


@linnet.rewrite("linnet.feature_map")
def invalid(op, rw):
    return rw.create("linnet.softmax", op.x, axis=7, types=[op.y.type])


@linnet.rewrite("linnet.feature_map")
def no_name(op, rw):
    return rw.create("linnet.softmax", op.x, axle=1)


@linnet.rewrite("linnet.feature_map")
def no_op(op, rw):
    return rw.create("linnet.softmux", op.x, types=[op.y.type])


@linnet.rewrite("linnet.feature_map")
def no_inference(op, rw):
    return rw.create("tensor.cast", op.x)


@linnet.rewrite("linnet.feature_map")
def no_attribute(op, rw):
    return op.colour


@linnet.rewrite("linnet.feature_map")
def untruthful(op, rw):
    rw.create("linnet.softmax", op.x, axis=1)
    return rw.no_match("changed its mind")
