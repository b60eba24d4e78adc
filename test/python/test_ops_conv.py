# ===- test_ops_conv.py - convolutions, executed -===//
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

# input, filter, groups, strides, dilations, padding
CASES = {
    "1d": ((2, 3, 17), (5, 3, 3), 1, [1], [1], [0, 0]),
    "1d_wide": ((1, 16, 130), (33, 16, 5), 1, [2], [1], [2, 2]),
    "2d": ((2, 3, 9, 11), (5, 3, 3, 3), 1, [1, 1], [1, 1], [1, 1, 1, 1]),
    "3x3": ((1, 16, 14, 14), (32, 16, 3, 3), 1, [1, 1], [1, 1], [1, 1, 1, 1]),
    "1x1": ((2, 24, 7, 5), (17, 24, 1, 1), 1, [1, 1], [1, 1], [0, 0, 0, 0]),
    "strided": ((1, 3, 15, 13), (8, 3, 7, 7), 1, [2, 2], [1, 1], [3, 3, 3, 3]),
    "dilated": ((1, 4, 13, 12), (6, 4, 3, 2), 1, [1, 1], [2, 3], [2, 0, 1, 3]),
    "uneven_padding": ((1, 4, 9, 9), (6, 2, 3, 3), 2, [2, 2], [1, 1], [1, 1, 0, 1]),
    "depthwise": ((2, 32, 14, 9), (32, 1, 3, 3), 32, [1, 1], [1, 1], [1, 1, 1, 1]),
    "depthwise_strided": ((1, 7, 11, 11), (7, 1, 3, 3), 7, [2, 2], [1, 1], [1, 1, 1, 1]),
    "multiplier": ((1, 6, 8, 8), (12, 1, 3, 3), 6, [1, 1], [1, 1], [1, 1, 1, 1]),
    "grouped": ((1, 12, 8, 8), (9, 4, 3, 3), 3, [1, 1], [1, 1], [1, 1, 1, 1]),
    "patches": ((2, 3, 16, 16), (20, 3, 4, 4), 1, [4, 4], [1, 1], [0, 0, 0, 0]),
    "3d": ((1, 2, 5, 6, 7), (3, 2, 2, 3, 2), 1, [1, 2, 1], [1, 1, 2], [0, 1, 1, 1, 2, 0]),
    "one_pixel": ((1, 1, 1, 1), (1, 1, 1, 1), 1, [1, 1], [1, 1], [0, 0, 0, 0]),
    "no_batch": ((0, 3, 5, 5), (2, 3, 3, 3), 1, [1, 1], [1, 1], [0, 0, 0, 0]),
}


def text_of(case, dtype, dynamic, bias):
    xs, ws, groups, strides, dilations, padding = case
    n = len(xs) - 2
    out = [(xs[2 + i] + padding[2 * i] + padding[2 * i + 1] - dilations[i] * (ws[2 + i] - 1) - 1)
           // strides[i] + 1 for i in range(n)]
    which = [0, *range(2, n + 2)] if dynamic else False
    x, y = lt.tensor_type(xs, dtype, which), lt.tensor_type([xs[0], ws[0], *out], dtype, which)
    w, b = lt.tensor_type(ws, dtype), lt.tensor_type(ws[:1], dtype)
    return lt.function(
        [lt.argument("x", xs, dtype, which), lt.argument("w", ws, dtype),
         lt.argument("b", ws[:1], dtype)], y,
        f"%y = linnet.conv %x, %w {'bias %b ' if bias else ''}groups {groups} strides {strides} "
        f"dilations {dilations} padding {padding} : {x}, {w}{', ' + b if bias else ''} -> {y}")


def prepared(case, dtype, bias, dynamic):
    xs, ws, groups, strides, dilations, padding = case
    rng = np.random.default_rng(sum(xs))
    x, w, b = lt.random(rng, xs, dtype), lt.random(rng, ws, dtype), lt.random(rng, ws[:1], dtype)
    arguments = (groups, strides, dilations, padding)
    size = ref.conv(np.abs(lt.wide(x)), np.abs(lt.wide(w)), np.abs(lt.wide(b)) * bias, *arguments)
    expected = ref.conv(x, w, b if bias else None, *arguments)
    return (f"{'bias ' * bias}{'dynamic' * dynamic}", text_of(case, dtype, dynamic, bias), [x, w, b],
            lambda y: lt.assert_close(y, expected, 0.5, int(np.prod(ws[1:])) + 1, size))


@pytest.mark.parametrize("name", CASES)
@pytest.mark.parametrize("dtype", lt.FLOATS)
def test_conv(dtype, name):
    lt.run_cases(prepared(CASES[name], dtype, bias, dynamic) for bias in (False, True)
                 for dynamic in (False, True))


@pytest.mark.parametrize("name", ["3x3", "depthwise", "strided"])
def test_against_pytorch(name):
    case = CASES[name]
    xs, ws, groups, strides, dilations, padding = case
    rng = np.random.default_rng(0)
    x, w, b = (lt.random(rng, s, "f32") for s in (xs, ws, ws[:1]))
    y, = lt.run(text_of(case, "f32", False, True), x, w, b)
    expected = F.conv2d(*map(torch.from_numpy, (x, w, b)), strides, padding[::2], dilations, groups)
    torch.testing.assert_close(torch.from_numpy(y), expected, rtol=1e-4, atol=1e-4)
