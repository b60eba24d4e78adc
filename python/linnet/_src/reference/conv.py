# ===- conv.py - meaning of the conv family -----------------------------------===//
#
# Part of Linnet, under Apache-2.0 WITH LLVM-exception. See LICENSE.
#
# ===----------------------------------------------------------------------===//
import itertools

import numpy as np


def conv(x, w, bias=None, groups=1, strides=None, dilations=None, padding=None):
    """Cross-correlation of x [B, Cin, spatial...] with w [Cout, Cin/groups, spatial...]."""
    x, w = np.asarray(x, np.float64), np.asarray(w, np.float64)
    n = x.ndim - 2
    strides, dilations = strides or [1] * n, dilations or [1] * n
    padding = padding or [0] * (2 * n)
    x = np.pad(x, [(0, 0), (0, 0)] + [(padding[2 * i], padding[2 * i + 1]) for i in range(n)])
    size = [max((x.shape[2 + i] - dilations[i] * (w.shape[2 + i] - 1) - 1) // strides[i] + 1, 0)
            for i in range(n)]
    y = np.zeros((x.shape[0], w.shape[0], *size))
    cin, cout = w.shape[1], w.shape[0] // groups
    for r in itertools.product(*(range(k) for k in w.shape[2:])):
        window = tuple(slice(r[i] * dilations[i], r[i] * dilations[i] + size[i] * strides[i],
                             strides[i]) for i in range(n))
        for g in range(groups):
            channels = x[(slice(None), slice(g * cin, (g + 1) * cin), *window)]
            taps = w[(slice(g * cout, (g + 1) * cout), slice(None), *r)]
            y[:, g * cout:(g + 1) * cout] += np.einsum("bc...,oc->bo...", channels, taps)
    if bias is not None:
        y += np.asarray(bias, np.float64).reshape(-1, *[1] * n)
    return y


def _windows(x_shape, w_shape, strides, dilations, padding):
    """Slices of the padded input by tap, and the number of positions per dimension."""
    n = len(x_shape)
    strides, dilations = strides or [1] * n, dilations or [1] * n
    padding = padding or [0] * (2 * n)
    size = [max((x_shape[i] + padding[2 * i] + padding[2 * i + 1]
                 - dilations[i] * (w_shape[i] - 1) - 1) // strides[i] + 1, 0) for i in range(n)]
    def window(r):
        return tuple(slice(r[i] * dilations[i], r[i] * dilations[i] + size[i] * strides[i],
                           strides[i]) for i in range(n))
    return window, [(padding[2 * i], padding[2 * i + 1]) for i in range(n)]


def conv_transpose(x, w, bias=None, groups=1, strides=None, dilations=None, padding=None,
                   output_padding=None):
    """Transposed convolution of x [B, Cin, spatial...] by w [Cin, Cout/groups, spatial...]."""
    x, w = np.asarray(x, np.float64), np.asarray(w, np.float64)
    n = x.ndim - 2
    strides, dilations = strides or [1] * n, dilations or [1] * n
    padding, extra = padding or [0] * (2 * n), output_padding or [0] * n
    full = [(x.shape[2 + i] - 1) * strides[i] + dilations[i] * (w.shape[2 + i] - 1) + 1 + extra[i]
            for i in range(n)]
    y = np.zeros((x.shape[0], w.shape[1] * groups, *[max(s, 0) for s in full]))
    cin, cout = x.shape[1] // groups, w.shape[1]
    for r in itertools.product(*(range(k) for k in w.shape[2:])):
        at = tuple(slice(r[i] * dilations[i], r[i] * dilations[i] + x.shape[2 + i] * strides[i],
                         strides[i]) for i in range(n))
        for g in range(groups):
            taps = w[(slice(g * cin, (g + 1) * cin), slice(None), *r)]
            y[(slice(None), slice(g * cout, (g + 1) * cout), *at)] += np.einsum(
                "bc...,co->bo...", x[:, g * cin:(g + 1) * cin], taps)
    y = y[(..., *(slice(padding[2 * i], max(full[i] - padding[2 * i + 1], padding[2 * i]))
                  for i in range(n)))]
    return y if bias is None else y + np.asarray(bias, np.float64).reshape(-1, *[1] * n)


def conv_filter_grad(x, dy, kernel, groups=1, strides=None, dilations=None, padding=None):
    """Gradient of conv's filter, of spatial sizes `kernel`."""
    x, dy = np.asarray(x, np.float64), np.asarray(dy, np.float64)
    window, pads = _windows(x.shape[2:], kernel, strides, dilations, padding)
    x = np.pad(x, [(0, 0), (0, 0)] + pads)
    cin, cout = x.shape[1] // groups, dy.shape[1] // groups
    dw = np.zeros((dy.shape[1], cin, *kernel))
    flat = lambda v: v.reshape(*v.shape[:2], int(np.prod(v.shape[2:])))
    for r in itertools.product(*(range(k) for k in kernel)):
        taps = x[(slice(None), slice(None), *window(r))]
        for g in range(groups):
            dw[(slice(g * cout, (g + 1) * cout), slice(None), *r)] = np.einsum(
                "bop,bcp->oc", flat(dy[:, g * cout:(g + 1) * cout]),
                flat(taps[:, g * cin:(g + 1) * cin]))
    return dw
