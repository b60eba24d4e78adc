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
