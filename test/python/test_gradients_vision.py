# ===- test_gradients_vision.py - derivatives of losses, images and embeddings, executed -===//
#
# Part of Linnet, under Apache-2.0 WITH LLVM-exception. See LICENSE.
#
# ===----------------------------------------------------------------------===//
"""Gradients by `linnet.value_and_grad` against central differences of the references and
PyTorch's autograd."""
import numpy as np
import pytest
import torch
import torch.nn.functional as F

from linnet import testing as lt
from linnet._src import gradients
from linnet._src.reference import conv, loss, norm, plain, pool, random, resize


def inputs(dtype, *shapes):
    rng = np.random.default_rng(sum(map(sum, shapes)))
    return [lt.random(rng, s, dtype) for s in shapes]


def function(shapes, dtype, result, body):
    arguments = [lt.argument(f"x{i}", s, dtype) for i, s in enumerate(shapes)]
    return lt.function(arguments, lt.tensor_type(result, dtype), body)


def types(dtype, *shapes):
    return [lt.tensor_type(s, dtype) for s in shapes]


@pytest.mark.parametrize("dtype", lt.FLOATS)
@pytest.mark.parametrize("reduction", ["none", "sum", "mean"])
@pytest.mark.parametrize("smoothing", [0.0, 0.1])
def test_cross_entropy(dtype, reduction, smoothing):
    x, = inputs(dtype, (2, 3, 11))
    t = np.array([[1, 10, -100], [0, 5, 5]])
    result = (2, 3) if reduction == "none" else ()
    text = lt.function(
        [lt.argument("x", x.shape, dtype), "%t: tensor<2x3xi64>"], lt.tensor_type(result, "f32"),
        f"%y = linnet.cross_entropy {reduction} %x, %t label_smoothing {smoothing:e}"
        f" : {types(dtype, x.shape)[0]}, tensor<2x3xi64> -> {lt.tensor_type(result, 'f32')}")

    def of_torch(x, t):
        return F.cross_entropy(x.movedim(-1, 1), t, reduction=reduction, label_smoothing=smoothing)
    gradients.check(text, [x, t], torch=of_torch, reference=lambda x, t: np.asarray(
        loss.cross_entropy(x, t, reduction, label_smoothing=smoothing)[0]))


def test_row_sums_of_cross_entropy():
    x, = inputs("f32", (4, 9))
    t = np.array([1, 8, -100, 0])
    text = lt.function(
        [lt.argument("x", x.shape, "f32"), "%t: tensor<4xi64>"], "tensor<4xf32>",
        "%l, %e = linnet.cross_entropy none %x, %t : tensor<4x9xf32>, tensor<4xi64>"
        " -> tensor<4xf32>, tensor<4xf32>\n%y = arith.mulf %l, %e : tensor<4xf32>")

    def reference(x, t):
        l, e = loss.cross_entropy(x, t, "none")
        return l * e

    def of_torch(x, t):
        return F.cross_entropy(x, t, reduction="none") * x.logsumexp(-1)
    gradients.check(text, [x, t], reference, of_torch)


@pytest.mark.parametrize("dtype", lt.FLOATS)
def test_dropout(dtype):
    x, = inputs(dtype, (3, 7))
    type, = types(dtype, x.shape)
    text = lt.function([lt.argument("x", x.shape, dtype), "%k: tensor<i64>"], type,
                       f"%y = linnet.dropout %x, %k, %k rate 2.5e-1 : {type}, tensor<i64>, tensor<i64>")
    gradients.check(text, [x, np.asarray(5, np.int64)], lambda x, k: random.dropout(x, 5, 5, 0.25))


POOLS = [((2, 2, 7), [3], [2], [1, 1], False), ((1, 2, 6, 7), [2, 3], [2, 2], [0, 0, 1, 1], True),
         ((1, 2, 5, 5), [3, 3], [1, 1], [1, 1, 1, 1], False)]


@pytest.mark.parametrize("dtype", lt.FLOATS)
@pytest.mark.parametrize("shape,kernel,strides,padding,ceil", POOLS)
def test_pools(dtype, shape, kernel, strides, padding, ceil):
    # all different: where two maxima are equal there is no slope
    x = np.random.default_rng(0).permutation(int(np.prod(shape))).reshape(shape) / 4
    x = x.astype(lt.DTYPES[dtype])
    options = dict(strides=strides, padding=padding, ceil_mode=ceil)
    text = f"kernel {kernel} strides {strides} padding {padding}" + " ceil_mode" * ceil
    result = pool.max_pool(x, kernel, **options).shape
    from_, to = types(dtype, shape, result)
    n = len(kernel)

    def of_torch(kind, *more):
        def run(x):
            return getattr(F, f"{kind}_pool{n}d")(x, kernel, strides, padding[::2], *more)
        return run
    gradients.check(function([shape], dtype, result, f"%y = linnet.max_pool %x0 {text} : {from_} -> {to}"),
                    [x], lambda x: pool.max_pool(x, kernel, **options), of_torch("max", 1, ceil))
    for include in (False, True):
        gradients.check(
            function([shape], dtype, result, f"%y = linnet.avg_pool %x0 {text}"
                     f"{' count_include_pad' * include} : {from_} -> {to}"),
            [x], lambda x: pool.avg_pool(x, kernel, include, **options), of_torch("avg", ceil, include))


@pytest.mark.parametrize("dtype", lt.FLOATS)
@pytest.mark.parametrize("mode,position", [
    ("nearest", "asymmetric"), ("nearest", "half_pixel"), ("linear", "half_pixel"),
    ("linear", "align_corners")])
def test_resize(dtype, mode, position):
    for shape, sizes in (((1, 2, 5), [9]), ((1, 2, 4, 5), [8, 3])):
        x, = inputs(dtype, shape)
        result = (*shape[:2], *sizes)
        from_, to = types(dtype, shape, result)
        names = {"linear": ["linear", "bilinear"][len(sizes) - 1],
                 "nearest": "nearest" if position == "asymmetric" else "nearest-exact"}[mode]
        corners = None if mode == "nearest" else position == "align_corners"
        gradients.check(
            function([shape], dtype, result, f"%y = linnet.resize {mode} {position} %x0 : {from_} -> {to}"),
            [x], lambda x: resize.resize(x, sizes, mode, position),
            lambda x: F.interpolate(x, sizes, mode=names, align_corners=corners))


CONVS = [((2, 4, 7), (6, 2, 3), 2, [2], [1], [1]), ((1, 2, 6, 7), (3, 2, 3, 2), 1, [1, 1], [1, 1], [1, 0]),
         ((1, 4, 7, 8), (4, 1, 3, 3), 4, [2, 3], [2, 1], [2, 1])]


@pytest.mark.parametrize("dtype", lt.FLOATS)
@pytest.mark.parametrize("xs,ws,groups,strides,dilations,pads", CONVS)
def test_conv(dtype, xs, ws, groups, strides, dilations, pads):
    x, w, b = inputs(dtype, xs, ws, ws[:1])
    padding, n = [p for p in pads for _ in range(2)], len(xs) - 2
    options = (groups, strides, dilations, padding)
    result = conv.conv(x, w, b, *options).shape
    t = types(dtype, xs, ws, ws[:1], result)
    text = function([xs, ws, ws[:1]], dtype, result,
                    f"%y = linnet.conv %x0, %x1 bias %x2 groups {groups} strides {strides} dilations "
                    f"{dilations} padding {padding} : {t[0]}, {t[1]}, {t[2]} -> {t[3]}")
    gradients.check(
        text, [x, w, b], lambda x, w, b: conv.conv(x, w, b, *options),
        lambda x, w, b: getattr(F, f"conv{n}d")(x, w, b, strides, pads, dilations, groups))


@pytest.mark.parametrize("dtype", lt.FLOATS)
def test_conv_transpose(dtype):
    xs, ws, bs = (2, 4, 4, 5), (4, 3, 3, 2), (6,)
    x, w, b = inputs(dtype, xs, ws, bs)
    options = (2, [2, 1], [1, 2], [1, 1, 0, 0], [1, 0])
    result = conv.conv_transpose(x, w, b, *options).shape
    t = types(dtype, xs, ws, bs, result)
    text = function([xs, ws, bs], dtype, result,
                    f"%y = linnet.conv_transpose %x0, %x1 bias %x2 groups 2 strides [2, 1] "
                    f"dilations [1, 2] padding [1, 1, 0, 0] output_padding [1, 0]"
                    f" : {t[0]}, {t[1]}, {t[2]} -> {t[3]}")
    gradients.check(
        text, [x, w, b], lambda x, w, b: conv.conv_transpose(x, w, b, *options),
        lambda x, w, b: F.conv_transpose2d(x, w, b, [2, 1], [1, 0], [1, 0], 2, [1, 2]))


def test_conv_of_dynamic_sizes():
    """What the stride leaves over is not known: the gradient is cut to the input's size."""
    for height in (7, 8):
        xs, ws = (2, 3, height, 5), (4, 3, 3, 3)
        x, w = inputs("f32", xs, ws)
        type = "tensor<?x4x?x?xf32>"
        text = lt.function(
            [lt.argument("x", xs, "f32", [0, 2, 3]), lt.argument("w", ws, "f32")], "tensor<f32>",
            "%c = linnet.conv %x, %w strides [2, 2] padding [1, 1, 1, 1]"
            f" : tensor<?x3x?x?xf32>, tensor<4x3x3x3xf32> -> {type}\n"
            f"%s = arith.mulf %c, %c : {type}\n"
            f"%y = linnet.reduce sum %s axes [0, 1, 2, 3] : {type} -> tensor<f32>")
        gradients.check(text, [x, w], None, lambda x, w: (F.conv2d(x, w, None, 2, 1) ** 2).sum())


@pytest.mark.parametrize("dtype", lt.FLOATS)
@pytest.mark.parametrize("shape", [(4, 3, 2, 3), (6, 5)])
def test_batch_norm_train(dtype, shape):
    x, s, b = inputs(dtype, shape, shape[1:2], shape[1:2])
    t = types(dtype, shape, shape[1:2])
    small = lt.tensor_type(shape[1:2], "f32")
    text = function([shape, shape[1:2], shape[1:2]], dtype, shape,
                    f"%y, %m, %v = linnet.batch_norm_train %x0 scale(%x1 : {t[1]}) bias(%x2 : {t[1]})"
                    f" eps 1.0e-2 : {t[0]} -> {small}, {small}")
    gradients.check(text, [x, s, b], lambda x, s, b: norm.batch_norm_train(x, s, b, eps=1e-2)[0],
                    lambda x, s, b: F.batch_norm(x, None, None, s, b, True, 0.1, 1e-2))


@pytest.mark.parametrize("dtype", lt.FLOATS)
def test_batch_norm(dtype):
    shape = (4, 3, 2)
    x, s, b, m, v = inputs(dtype, shape, *[shape[1:2]] * 4)
    v = np.abs(v) + v.dtype.type(0.5)
    t = types(dtype, shape, shape[1:2])
    text = function([shape, *[shape[1:2]] * 4], dtype, shape,
                    f"%y = linnet.batch_norm %x0 mean(%x3 : {t[1]}) var(%x4 : {t[1]})"
                    f" scale(%x1 : {t[1]}) bias(%x2 : {t[1]}) eps 1.0e-2 : {t[0]}")
    gradients.check(text, [x, s, b, m, v], lambda x, s, b, m, v: norm.batch_norm(x, m, v, s, b, 1e-2))


@pytest.mark.parametrize("dtype", lt.FLOATS)
@pytest.mark.parametrize("data,indices,axis,batch", [((7, 3), (4, 5), 0, 0), ((2, 7, 3), (2, 4), 1, 1)])
def test_gather(dtype, data, indices, axis, batch):
    x, = inputs(dtype, data)
    i = np.random.default_rng(0).integers(0, data[axis], indices)
    result = plain.gather(x, i, axis, batch)[0].shape
    from_, to = types(dtype, data, result)
    index = lt.tensor_type(indices, "i64")
    text = lt.function([lt.argument("x", data, dtype), f"%i: {index}"], to,
                       f"%y = linnet.gather %x, %i axis {axis} batch_dims {batch}"
                       f" : {from_}, {index} -> {to}")
    gradients.check(text, [x, i], lambda x, i: plain.gather(x, i, axis, batch)[0])


@pytest.mark.parametrize("dtype", lt.FLOATS)
def test_scatter_add(dtype):
    x, = inputs(dtype, (6, 3))
    i = np.array([0, 4, 4, 1, 0, 0])
    from_, to = types(dtype, (6, 3), (5, 3))
    text = lt.function([lt.argument("x", (6, 3), dtype), "%i: tensor<6xi64>"], to,
                       f"%y = linnet.scatter_add %x, %i axis 0 : {from_}, tensor<6xi64> -> {to}")
    gradients.check(text, [x, i], lambda x, i: plain.scatter_add(x, i, 5, 0)[0])
