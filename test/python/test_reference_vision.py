# ===- test_reference_vision.py - pooling, resizing, conv gradients against PyTorch -===//
#
# Part of Linnet, under Apache-2.0 WITH LLVM-exception. See LICENSE.
#
# ===----------------------------------------------------------------------===//
"""The forward references against PyTorch in float64, the gradients against its autograd."""
import numpy as np
import pytest
import torch
import torch.nn.functional as F

from linnet._src.reference import conv, norm, pool, resize

CLOSE = dict(rtol=1e-12, atol=1e-12)


def tensors(*shapes):
    rng = np.random.default_rng(sum(map(sum, shapes)))
    return [rng.standard_normal(s) for s in shapes]


def as_torch(*arrays):
    return [torch.from_numpy(np.asarray(a)).requires_grad_() for a in arrays]


def gradients(y, dy, *inputs):
    return [g.numpy() for g in torch.autograd.grad(y, inputs, torch.from_numpy(dy))]


POOLS = [((2, 3, 9), [2], [2], [1], [0], False), ((1, 2, 7, 8), [3, 2], [2, 1], [1, 1], [1, 1], False),
         ((1, 2, 7, 8), [3, 3], [2, 3], [1, 1], [1, 0], True), ((2, 1, 9, 9), [2, 3], [1, 2], [2, 3], [1, 1], True),
         ((1, 1, 4, 5, 6), [2, 2, 3], [2, 1, 2], [1, 1, 1], [1, 0, 1], False)]


@pytest.mark.parametrize("shape,kernel,strides,dilations,pads,ceil", POOLS)
def test_max_pool(shape, kernel, strides, dilations, pads, ceil):
    x, = tensors(shape)
    x = np.round(x)  # equal maxima
    windows = dict(strides=strides, dilations=dilations, padding=[p for p in pads for _ in range(2)],
                   ceil_mode=ceil)
    tx, = as_torch(x)
    expected = getattr(F, f"max_pool{len(kernel)}d")(tx, kernel, strides, pads, dilations, ceil)
    np.testing.assert_allclose(pool.max_pool(x, kernel, **windows), expected.detach(), **CLOSE)
    dy, = tensors(tuple(expected.shape))
    np.testing.assert_allclose(pool.max_pool_grad(dy, x, kernel, **windows),
                               gradients(expected, dy, tx)[0], **CLOSE)


def test_max_pool_of_nan():
    x = np.zeros((1, 1, 4))
    x[0, 0, [0, 1]] = np.nan
    tx, = as_torch(x)
    y = F.max_pool1d(tx, 4, 1)
    assert np.isnan(pool.max_pool(x, [4])).all()
    dy = np.ones((1, 1, 1))
    np.testing.assert_array_equal(pool.max_pool_grad(dy, x, [4]), gradients(y, dy, tx)[0])


@pytest.mark.parametrize("include", [False, True])
@pytest.mark.parametrize("shape,kernel,strides,dilations,pads,ceil", POOLS)
def test_avg_pool(shape, kernel, strides, dilations, pads, ceil, include):
    x, = tensors(shape)
    windows = dict(strides=strides, padding=[p for p in pads for _ in range(2)], ceil_mode=ceil,
                   count_include_pad=include)
    tx, = as_torch(x)
    expected = getattr(F, f"avg_pool{len(kernel)}d")(tx, kernel, strides, pads, ceil, include)
    np.testing.assert_allclose(pool.avg_pool(x, kernel, **windows), expected.detach(), **CLOSE)
    dy, = tensors(tuple(expected.shape))
    np.testing.assert_allclose(pool.avg_pool_grad(dy, shape, kernel, **windows),
                               gradients(expected, dy, tx)[0], **CLOSE)


RESIZES = [((2, 3, 5), [8]), ((1, 2, 5, 7), [10, 3]), ((1, 2, 4, 4), [4, 8]), ((1, 1, 1, 3), [3, 1]),
           ((1, 2, 3, 4, 2), [5, 2, 3])]


@pytest.mark.parametrize("mode,position", [
    ("nearest", "asymmetric"), ("nearest", "half_pixel"), ("linear", "half_pixel"),
    ("linear", "align_corners")])
@pytest.mark.parametrize("shape,sizes", RESIZES)
def test_resize(shape, sizes, mode, position):
    x, = tensors(shape)
    tx, = as_torch(x)
    names = {"linear": ["linear", "bilinear", "trilinear"][len(sizes) - 1],
             "nearest": "nearest" if position == "asymmetric" else "nearest-exact"}
    corners = None if mode == "nearest" else position == "align_corners"
    expected = F.interpolate(tx, sizes, mode=names[mode], align_corners=corners)
    # PyTorch's positions are rounded to f64, ours are fractions
    np.testing.assert_allclose(resize.resize(x, sizes, mode, position), expected.detach(),
                               rtol=1e-10, atol=1e-10)
    dy, = tensors(tuple(expected.shape))
    np.testing.assert_allclose(resize.resize_grad(dy, shape[2:], mode, position),
                               gradients(expected, dy, tx)[0], rtol=1e-10, atol=1e-10)


CONVS = [((2, 4, 9), (6, 2, 3), 2, [2], [1], [1]), ((2, 3, 7, 8), (4, 3, 3, 2), 1, [1, 1], [1, 1], [1, 0]),
         ((1, 4, 9, 9), (4, 1, 3, 3), 4, [2, 3], [2, 1], [2, 1]),
         ((1, 2, 4, 5, 6), (3, 2, 2, 2, 3), 1, [2, 1, 2], [1, 2, 1], [1, 0, 1])]


@pytest.mark.parametrize("xs,ws,groups,strides,dilations,pads", CONVS)
def test_conv_gradients(xs, ws, groups, strides, dilations, pads):
    x, w = tensors(xs, ws)
    tx, tw = as_torch(x, w)
    n, padding = len(xs) - 2, [p for p in pads for _ in range(2)]
    y = getattr(F, f"conv{n}d")(tx, tw, None, strides, pads, dilations, groups)
    dy, = tensors(tuple(y.shape))
    dx, dw = gradients(y, dy, tx, tw)
    np.testing.assert_allclose(
        conv.conv_filter_grad(x, dy, ws[2:], groups, strides, dilations, padding), dw, **CLOSE)
    # what is left over of the input by the stride is output padding
    extra = [xs[2 + i] - ((y.shape[2 + i] - 1) * strides[i] + dilations[i] * (ws[2 + i] - 1) + 1
                          - 2 * pads[i]) for i in range(n)]
    np.testing.assert_allclose(
        conv.conv_transpose(dy, w, None, groups, strides, dilations, padding, extra), dx, **CLOSE)


def test_conv_transpose_with_bias():
    x, w, b = tensors((2, 4, 5, 6), (4, 3, 3, 3), (6,))
    expected = F.conv_transpose2d(*map(torch.from_numpy, (x, w, b)), [2, 1], [1, 0], [1, 0], 2)
    np.testing.assert_allclose(
        conv.conv_transpose(x, w, b, 2, [2, 1], [1, 1], [1, 1, 0, 0], [1, 0]), expected, **CLOSE)


@pytest.mark.parametrize("shape", [(4, 3, 5, 2), (6, 5), (2, 1, 3)])
def test_batch_norm(shape):
    x, s, b, m, v = tensors(shape, *[shape[1:2]] * 4)
    v = np.abs(v)
    tx, ts, tb = as_torch(x, s, b)
    running = [torch.from_numpy(m.copy()), torch.from_numpy(v.copy())]
    fixed = F.batch_norm(tx, *running, ts, tb, False, 0.2, 1e-3)
    np.testing.assert_allclose(norm.batch_norm(x, m, v, s, b, 1e-3), fixed.detach(), **CLOSE)
    y = F.batch_norm(tx, *running, ts, tb, True, 0.2, 1e-3)
    results = norm.batch_norm_train(x, s, b, (m, v), 0.2, 1e-3)
    for r, expected in zip([results[0], *results[3:]], [y.detach(), *running]):
        np.testing.assert_allclose(r, expected, **CLOSE)
    dy, = tensors(shape)
    for g, expected in zip(norm.batch_norm_grad(dy, x, s, 1e-3), gradients(y, dy, tx, ts, tb)):
        np.testing.assert_allclose(g, expected, rtol=1e-9, atol=1e-11)
