# ===- resize.py - meaning of the resize family -----------------------------------===//
#
# Part of Linnet, under Apache-2.0 WITH LLVM-exception. See LICENSE.
#
# ===----------------------------------------------------------------------===//
from fractions import Fraction
import math

import numpy as np


def matrix(size, out, mode, position):
    """Row d holds the weights of the elements that element d of the result is made of."""
    m = np.zeros((out, size))
    for d in range(out if size else 0):
        if position == "half_pixel":
            at = Fraction((2 * d + 1) * size, 2 * out) - Fraction(1, 2)
        elif position == "align_corners":
            at = Fraction(d * (size - 1), max(out - 1, 1))
        else:
            at = Fraction(d * size, out)
        if mode == "nearest":
            m[d, math.floor(at + Fraction(1, 2) * (position == "half_pixel"))] = 1
            continue
        at = max(at, Fraction(0))
        low = math.floor(at)
        m[d, min(low, size - 1)] += float(1 - (at - low))
        m[d, min(low + 1, size - 1)] += float(at - low)
    return m


def _apply(x, matrices):
    for i, m in enumerate(matrices):
        x = np.moveaxis(np.tensordot(m, x, (1, i + 2)), 0, i + 2)
    return x


def resize(x, sizes, mode, position):
    x = np.asarray(x, np.float64)
    return _apply(x, [matrix(n, out, mode, position) for n, out in zip(x.shape[2:], sizes)])


def resize_grad(dy, sizes, mode, position):
    dy = np.asarray(dy, np.float64)
    return _apply(dy, [matrix(n, out, mode, position).T for n, out in zip(sizes, dy.shape[2:])])
