# ===- test_ops_conv_grad.py - transposed convolution and filter gradient, executed -===//
#
# Part of Linnet, under Apache-2.0 WITH LLVM-exception. See LICENSE.
#
# ===----------------------------------------------------------------------===//
import numpy as np
import pytest
import torch
import torch.nn.functional as F

from linnet import testing as lt
from linnet._src.reference import conv as ref

# input of the convolution, filter, groups, strides, dilations, padding
CASES = {
    "1d": ((2, 3, 17), (5, 3, 3), 1, [1], [1], [0, 0]),
    "3x3": ((2, 16, 14, 14), (32, 16, 3, 3), 1, [1, 1], [1, 1], [1, 1, 1, 1]),
    "rows": ((1, 5, 40, 50), (7, 5, 3, 3), 1, [1, 1], [1, 1], [1, 1, 1, 1]),
    "1x1": ((2, 24, 7, 5), (17, 24, 1, 1), 1, [1, 1], [1, 1], [0, 0, 0, 0]),
    "strided": ((3, 6, 15, 14), (8, 6, 3, 3), 1, [2, 2], [1, 1], [1, 1, 1, 1]),
    "7x7": ((1, 3, 21, 20), (8, 3, 7, 7), 1, [2, 2], [1, 1], [3, 3, 3, 3]),
    "strided_1x1": ((1, 4, 9, 8), (6, 4, 1, 1), 1, [2, 2], [1, 1], [0, 0, 0, 0]),
    "dilated": ((1, 4, 13, 12), (6, 4, 3, 2), 1, [1, 1], [2, 3], [2, 0, 1, 3]),
    "dilated_strided": ((1, 2, 20, 19), (3, 2, 3, 3), 1, [2, 3], [4, 2], [1, 2, 0, 1]),
    "much_padding": ((1, 2, 5, 6), (3, 2, 2, 1), 1, [1, 1], [1, 1], [2, 3, 1, 2]),
    "uneven_padding": ((1, 4, 9, 9), (6, 2, 3, 3), 2, [2, 2], [1, 1], [1, 1, 0, 1]),
    "depthwise": ((2, 8, 14, 9), (8, 1, 3, 3), 8, [1, 1], [1, 1], [1, 1, 1, 1]),
    "grouped": ((1, 12, 8, 8), (9, 4, 3, 3), 3, [2, 1], [1, 1], [1, 1, 1, 1]),
    "patches": ((2, 3, 16, 16), (20, 3, 4, 4), 1, [4, 4], [1, 1], [0, 0, 0, 0]),
    "3d": ((1, 2, 5, 6, 7), (3, 2, 2, 3, 2), 1, [1, 2, 1], [1, 1, 2], [0, 1, 1, 1, 2, 0]),
    "one_pixel": ((1, 1, 1, 1), (1, 1, 1, 1), 1, [1, 1], [1, 1], [0, 0, 0, 0]),
    "no_batch": ((0, 3, 5, 5), (2, 3, 3, 3), 1, [1, 1], [1, 1], [0, 0, 0, 0]),
    "many_images": ((70, 5, 4, 4), (9, 5, 3, 3), 1, [1, 1], [1, 1], [1, 1, 1, 1]),
}


def spatial_of_result(case):
    xs, ws, _, strides, dilations, padding = case
    return [(xs[2 + i] + padding[2 * i] + padding[2 * i + 1] - dilations[i] * (ws[2 + i] - 1) - 1)
            // strides[i] + 1 for i in range(len(xs) - 2)]


def left_over(case):
    """The output padding that makes the transposed convolution give the input's size."""
    xs, ws, _, strides, dilations, padding = case
    out = spatial_of_result(case)
    return [xs[2 + i] - ((out[i] - 1) * strides[i] + dilations[i] * (ws[2 + i] - 1) + 1
                         - padding[2 * i] - padding[2 * i + 1]) for i in range(len(out))]


def attributes(case):
    _, _, groups, strides, dilations, padding = case
    return f"groups {groups} strides {strides} dilations {dilations} padding {padding}"


def transpose_case(case, dtype, dynamic, bias):
    xs, ws, groups, strides, dilations, padding = case
    gs = (xs[0], ws[0], *spatial_of_result(case))
    rng = np.random.default_rng(sum(xs))
    g, w, b = lt.random(rng, gs, dtype), lt.random(rng, ws, dtype), lt.random(rng, xs[1:2], dtype)
    extra = left_over(case)
    options = (groups, strides, dilations, padding, extra)
    expected = ref.conv_transpose(g, w, b if bias else None, *options)
    size = ref.conv_transpose(np.abs(lt.wide(g)), np.abs(lt.wide(w)), np.abs(lt.wide(b)) * bias,
                              *options)
    which = [0, *range(2, len(xs))] if dynamic else False
    from_, to = lt.tensor_type(gs, dtype, which), lt.tensor_type(xs, dtype, which)
    filter_, bias_ = lt.tensor_type(ws, dtype), lt.tensor_type(b.shape, dtype)
    text = lt.function(
        [lt.argument("g", gs, dtype, which), lt.argument("w", ws, dtype),
         lt.argument("b", b.shape, dtype)], to,
        f"%y = linnet.conv_transpose %g, %w {'bias %b ' * bias}{attributes(case)} "
        f"output_padding {extra} : {from_}, {filter_}{', ' + bias_ if bias else ''} -> {to}")
    return (f"{'bias ' * bias}{'dynamic' * dynamic}", text, [g, w, b],
            lambda y: lt.assert_close(y, expected, 0.5, int(np.prod(ws)) // groups // ws[1] + 1,
                                      size))


def filter_case(case, dtype, dynamic):
    xs, ws, groups, strides, dilations, padding = case
    gs = (xs[0], ws[0], *spatial_of_result(case))
    rng = np.random.default_rng(sum(ws))
    x, g = lt.random(rng, xs, dtype), lt.random(rng, gs, dtype)
    options = (ws[2:], groups, strides, dilations, padding)
    expected = ref.conv_filter_grad(x, g, *options)
    size = ref.conv_filter_grad(np.abs(lt.wide(x)), np.abs(lt.wide(g)), *options)
    which = [0, *range(2, len(xs))] if dynamic else False
    types = [lt.tensor_type(xs, dtype, which), lt.tensor_type(gs, dtype, which),
             lt.tensor_type(ws, dtype)]
    symbols = ["x0"] + [f"g{i}" for i in range(1, len(gs))]
    text = lt.function([lt.argument("x", xs, dtype, which),
                        lt.argument("g", gs, dtype, which, symbols)], types[2],
                       f"%y = linnet.conv_filter_grad %x, %g {attributes(case)}"
                       f" : {types[0]}, {types[1]} -> {types[2]}")
    depth = max(int(np.prod(gs)) // ws[0], 1)
    return (f"{'dynamic' * dynamic}", text, [x, g],
            lambda y: lt.assert_close(y, expected, 0.5, depth, size))


@pytest.mark.parametrize("name", CASES)
@pytest.mark.parametrize("dtype", lt.FLOATS)
def test_conv_transpose(dtype, name):
    lt.run_cases(transpose_case(CASES[name], dtype, dynamic, bias) for dynamic in (False, True)
                 for bias in (False, True))


@pytest.mark.parametrize("name", CASES)
@pytest.mark.parametrize("dtype", lt.FLOATS)
def test_conv_filter_grad(dtype, name):
    lt.run_cases(filter_case(CASES[name], dtype, dynamic) for dynamic in (False, True))


@pytest.mark.parametrize("name", ["3x3", "strided", "dilated_strided", "depthwise"])
def test_against_pytorch(name):
    case = list(CASES[name])
    case[5] = [p for p in case[5][::2] for _ in range(2)]  # PyTorch pads both sides alike
    xs, ws, groups, strides, dilations, padding = case
    rng = np.random.default_rng(0)
    x, w = (torch.from_numpy(lt.random(rng, s, "f32")).requires_grad_() for s in (xs, ws))
    y = F.conv2d(x, w, None, strides, padding[::2], dilations, groups)
    g = torch.from_numpy(lt.random(rng, tuple(y.shape), "f32"))
    dx, dw = torch.autograd.grad(y, (x, w), g)
    ours, = lt.run(transpose_case(case, "f32", False, False)[1], g.numpy(), w.detach().numpy(),
                   np.zeros(xs[1], np.float32))
    torch.testing.assert_close(torch.from_numpy(ours), dx, rtol=1e-4, atol=1e-4)
    ours, = lt.run(filter_case(case, "f32", False)[1], x.detach().numpy(), g.numpy())
    torch.testing.assert_close(torch.from_numpy(ours), dw, rtol=1e-4, atol=1e-3)


def test_same_bits_on_any_number_of_threads():
    for case in (transpose_case(CASES["strided"], "f32", False, True),
                 filter_case(CASES["rows"], "f32", False)):
        _, text, values, _ = case
        lt.assert_same_bits(text, *values)
