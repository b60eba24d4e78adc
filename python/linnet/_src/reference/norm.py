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


def batch_norm(x, mean, var, scale=None, bias=None, eps=1e-5):
    x = np.asarray(x, np.float64)
    each = lambda v: np.asarray(v, np.float64).reshape(-1, *[1] * (x.ndim - 2))
    y = (x - each(mean)) / np.sqrt(each(var) + eps)
    if scale is not None:
        y = y * each(scale)
    return y if bias is None else y + each(bias)


def batch_norm_train(x, scale=None, bias=None, running=None, momentum=0.1, eps=1e-5):
    """The result, mean and biased variance of the batch, and running statistics if given."""
    x = np.asarray(x, np.float64)
    others = (0, *range(2, x.ndim))
    n = int(np.prod([x.shape[a] for a in others]))
    mean, var = x.mean(others), x.var(others)
    results = [batch_norm(x, mean, var, scale, bias, eps), mean, var]
    if running is not None:
        old = [np.asarray(r, np.float64) for r in running]
        results += [(1 - momentum) * old[0] + momentum * mean,
                    (1 - momentum) * old[1] + momentum * var * n / max(n - 1, 1)]
    return results


def batch_norm_grad(dy, x, scale=None, eps=1e-5):
    """Gradients of x, scale and bias."""
    dy, x = np.asarray(dy, np.float64), np.asarray(x, np.float64)
    others = (0, *range(2, x.ndim))
    mean, var = x.mean(others, keepdims=True), x.var(others, keepdims=True)
    inverse = 1 / np.sqrt(var + eps)
    hat = (x - mean) * inverse
    factor = inverse if scale is None else inverse * np.asarray(scale, np.float64).reshape(
        -1, *[1] * (x.ndim - 2))
    dx = factor * (dy - dy.mean(others, keepdims=True) - hat * (dy * hat).mean(others, keepdims=True))
    return dx, (dy * hat).sum(others), dy.sum(others)
