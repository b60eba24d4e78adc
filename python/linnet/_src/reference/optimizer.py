# ===- optimizer.py - meaning of the optimizer family -===//
#
# Part of Linnet, under Apache-2.0 WITH LLVM-exception. See LICENSE.
#
# ===----------------------------------------------------------------------===//
"""One step for one parameter, in float64: next parameter, next states. `t` counts from 1."""

import numpy as np


def sgd(p, g, buf=None, *, lr, t=1, momentum=0.0, dampening=0.0, weight_decay=0.0, nesterov=False):
    g = g + weight_decay * p
    if momentum == 0:
        return p - lr * g,
    buf = g if t == 1 else momentum * buf + (1 - dampening) * g
    d = g + momentum * buf if nesterov else buf
    return p - lr * d, buf


def adam(p, g, m, v, *, lr, t, beta1=0.9, beta2=0.999, eps=1e-8, weight_decay=0.0):
    g = g + weight_decay * p
    m = beta1 * m + (1 - beta1) * g
    v = beta2 * v + (1 - beta2) * g * g
    scale = np.sqrt(v) / np.sqrt(1 - beta2 ** t) + eps
    return p - lr / (1 - beta1 ** t) * m / scale, m, v


def adamw(p, g, m, v, *, lr, t, beta1=0.9, beta2=0.999, eps=1e-8, weight_decay=0.01):
    return adam(p * (1 - lr * weight_decay), g, m, v, lr=lr, t=t, beta1=beta1, beta2=beta2, eps=eps)


def lion(p, g, m, *, lr, t=1, beta1=0.9, beta2=0.99, weight_decay=0.0):
    p = p * (1 - lr * weight_decay)
    p = p - lr * np.sign(beta1 * m + (1 - beta1) * g)
    return p, beta2 * m + (1 - beta2) * g


def rmsprop(p, g, v, buf=None, *, lr, t=1, alpha=0.99, eps=1e-8, momentum=0.0, weight_decay=0.0):
    g = g + weight_decay * p
    v = alpha * v + (1 - alpha) * g * g
    d = g / (np.sqrt(v) + eps)
    if momentum == 0:
        return p - lr * d, v
    buf = momentum * buf + d
    return p - lr * buf, v, buf


def adagrad(p, g, s, *, lr, t, lr_decay=0.0, eps=1e-10, weight_decay=0.0):
    g = g + weight_decay * p
    s = s + g * g
    return p - lr / (1 + (t - 1) * lr_decay) * g / (np.sqrt(s) + eps), s


def robbins_monro(t, *, base, offset=1.0, power=1.0):
    return base * (1 + t / offset) ** -power


def clip_by_global_norm(grads, max_norm):
    """The clipped gradients and the norm."""
    norm = np.sqrt(sum((g * g).sum() for g in grads))
    factor = min(1.0, max_norm / (norm + 1e-6))
    return [g * factor for g in grads], norm
