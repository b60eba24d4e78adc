# ===- pool.py - meaning of the pool family -----------------------------------===//
#
# Part of Linnet, under Apache-2.0 WITH LLVM-exception. See LICENSE.
#
# ===----------------------------------------------------------------------===//
import itertools

import numpy as np


def windows(shape, kernel, strides=None, dilations=None, padding=None, ceil_mode=False):
    """Positions of the taps of every window: per dimension an array [windows, taps]."""
    n = len(kernel)
    strides, dilations = strides or [1] * n, dilations or [1] * n
    padding = padding or [0] * (2 * n)
    places = []
    for i in range(n):
        low, high = padding[2 * i:2 * i + 2]
        span = shape[i] + low + high - dilations[i] * (kernel[i] - 1) - 1
        count = (-(-span // strides[i]) if ceil_mode else span // strides[i]) + 1
        if ceil_mode and (count - 1) * strides[i] >= shape[i] + low:
            count -= 1
        starts = np.arange(max(count, 0)) * strides[i] - low
        places.append(starts[:, None] + np.arange(kernel[i]) * dilations[i])
    return places


def _each(x_shape, places):
    """Index of every window and the positions of its taps, in order."""
    for window in itertools.product(*(range(len(p)) for p in places)):
        taps = itertools.product(*(places[i][w] for i, w in enumerate(window)))
        yield window, [t for t in taps if all(0 <= p < s for p, s in zip(t, x_shape))]


def max_pool(x, kernel, **windows_of):
    x = np.asarray(x, np.float64)
    places = windows(x.shape[2:], kernel, **windows_of)
    y = np.full(x.shape[:2] + tuple(len(p) for p in places), -np.inf)
    for window, taps in _each(x.shape[2:], places):
        for tap in taps:
            y[(..., *window)] = np.maximum(y[(..., *window)], x[(..., *tap)])
    return y


def max_pool_grad(dy, x, kernel, **windows_of):
    dy, x = np.asarray(dy, np.float64), np.asarray(x, np.float64)
    dx = np.zeros_like(x)
    for window, taps in _each(x.shape[2:], windows(x.shape[2:], kernel, **windows_of)):
        for b, c in np.ndindex(*x.shape[:2]):
            best = None
            for tap in taps:
                v = x[(b, c, *tap)]
                if best is None or v > x[(b, c, *best)] or np.isnan(v):
                    best = tap
            if best is not None:
                dx[(b, c, *best)] += dy[(b, c, *window)]
    return dx


def _counts(shape, places, padding, include_pad):
    """How many elements every window is divided by."""
    count = 1
    for i, p in enumerate(places):
        end = shape[i] + (padding[2 * i + 1] if include_pad and padding else 0)
        inside = ((p >= 0) | include_pad) & (p < end)
        count = np.multiply.outer(count, inside.sum(1))
    return np.maximum(count, 1)


def avg_pool(x, kernel, count_include_pad=False, **windows_of):
    x = np.asarray(x, np.float64)
    places = windows(x.shape[2:], kernel, **windows_of)
    y = np.zeros(x.shape[:2] + tuple(len(p) for p in places))
    for window, taps in _each(x.shape[2:], places):
        for tap in taps:
            y[(..., *window)] += x[(..., *tap)]
    return y / _counts(x.shape[2:], places, windows_of.get("padding"), count_include_pad)


def avg_pool_grad(dy, shape, kernel, count_include_pad=False, **windows_of):
    dx = np.zeros(shape)
    places = windows(shape[2:], kernel, **windows_of)
    counts = _counts(shape[2:], places, windows_of.get("padding"), count_include_pad)
    share = np.asarray(dy, np.float64) / counts
    for window, taps in _each(shape[2:], places):
        for tap in taps:
            dx[(..., *tap)] += share[(..., *window)]
    return dx
