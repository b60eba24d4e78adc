# ===- norm.py - meaning of the norm family -----------------------------------===//
#
# Part of Linnet, under Apache-2.0 WITH LLVM-exception. See LICENSE.
#
# ===----------------------------------------------------------------------===//
import numpy as np


def softmax(x, axis, zero_masked=False):
    x = np.asarray(x, np.float64)
    if x.size == 0:
        return x
    top = x.max(axis, keepdims=True)
    with np.errstate(invalid="ignore"):
        e = np.exp(x - top)
        y = e / e.sum(axis, keepdims=True)
    return np.where(np.isneginf(top), 0.0, y) if zero_masked else y


def layer_norm(x, scale=None, bias=None, axes=1, eps=1e-5):
    x = np.asarray(x, np.float64)
    last = tuple(range(x.ndim - axes, x.ndim))
    d = x - x.mean(last, keepdims=True)
    y = d / np.sqrt((d * d).mean(last, keepdims=True) + eps)
    if scale is not None:
        y = y * np.asarray(scale, np.float64)
    return y if bias is None else y + np.asarray(bias, np.float64)


def rms_norm(x, scale=None, axes=1, eps=1e-5, unit_offset=False):
    x = np.asarray(x, np.float64)
    last = tuple(range(x.ndim - axes, x.ndim))
    y = x / np.sqrt((x * x).mean(last, keepdims=True) + eps)
    if scale is None:
        return y
    return y * (np.asarray(scale, np.float64) + (1.0 if unit_offset else 0.0))
