# ===- sequence.py - meaning of the sequence family, in float64 -===//
#
# Part of Linnet, under Apache-2.0 WITH LLVM-exception. See LICENSE.
#
# ===----------------------------------------------------------------------===//
import numpy as np


def _heads(x, heads, axis=1):
    """Every head of `x` as often as `heads` asks for."""
    return np.repeat(x, heads // x.shape[axis], axis=axis)


def linear_attention(q, k, v, *, decay=None, erase=None, beta=None, bonus=None, state=None,
                     read="post", scale=1.0, normalise=None):
    """Returns (o, final state)."""
    f64 = lambda x: None if x is None else np.asarray(x, np.float64)
    q, k, v, decay, beta, bonus, state = map(f64, (q, k, v, decay, beta, bonus, state))
    if normalise is not None:  # a column of ones: its read-out is the divisor
        v = np.concatenate([v, np.ones(v.shape[:3] + (1,))], axis=3)
    a, b = map(f64, erase) if erase is not None else (None, None)
    timed = [x for x in (k, v, decay, a, b, beta) if x is not None]
    hs = max([x.shape[1] for x in timed] + ([] if bonus is None else [bonus.shape[0]]))
    k, v = _heads(k, hs), _heads(v, hs)
    batch, _, n, depth = k.shape
    g = np.zeros((batch, hs, n, 1)) if decay is None else _heads(decay, hs)
    g = np.exp(g if g.ndim == 4 else g[..., None])
    if beta is not None:
        beta = _heads(beta, hs)[..., None]
        a, b, v = g * k, -beta * k, beta * v
    elif erase is not None:
        a, b = _heads(a, hs), _heads(b, hs)
    u = np.zeros((hs, depth)) if bonus is None else _heads(bonus, hs, axis=0)
    s = np.zeros((batch, hs, depth, v.shape[3])) if state is None else state.copy()
    heads = max(q.shape[1], hs)
    q, o = _heads(q, heads), np.zeros((batch, heads, n, v.shape[3]))
    for t in range(n):
        kv = k[:, :, t, :, None] * v[:, :, t, None, :]
        before = s
        s = g[:, :, t, :, None] * s + kv
        if a is not None:
            s = s + b[:, :, t, :, None] * np.einsum("bhk,bhkd->bhd", a[:, :, t], before)[:, :, None]
        seen = s if read == "post" else before + u[:, :, None] * kv
        o[:, :, t] = np.einsum("bhkd,bhk->bhd", _heads(seen, heads), q[:, :, t])
    if normalise is not None:
        o = o[..., :-1] / np.maximum(o[..., -1:], normalise)
    return scale * o, s


def selective_scan(u, delta, a, b, c, *, skip=None, gate=None, delta_bias=None, state=None,
                   softplus=False):
    """Returns (y, final state); u and delta are [B, L, C]."""
    u, delta, a, b, c = (np.asarray(x, np.float64) for x in (u, delta, a, b, c))
    batch, length, channels = u.shape
    if delta_bias is not None:
        delta = delta + np.asarray(delta_bias, np.float64)
    if softplus:
        delta = np.logaddexp(0, delta)
    h = np.zeros((batch, channels, a.shape[1])) if state is None else np.float64(state)
    y = np.zeros_like(u)
    for t in range(length):
        d = delta[:, t, :, None]
        h = np.exp(d * a) * h + d * b[:, t, None, :] * u[:, t, :, None]
        y[:, t] = (h * c[:, t, None, :]).sum(axis=2)
    if skip is not None:
        y = y + np.asarray(skip, np.float64) * u
    if gate is not None:
        z = np.asarray(gate, np.float64)
        y = y * z / (1 + np.exp(-z))
    return y, h


def causal_conv(x, weight, *, bias=None, state=None, activation="none"):
    """Returns (y, final state); x is [B, L, C]."""
    x, weight = np.asarray(x, np.float64), np.asarray(weight, np.float64)
    batch, length, channels = x.shape
    width = weight.shape[1]
    past = np.zeros((batch, width - 1, channels)) if state is None else np.swapaxes(state, 1, 2)
    x = np.concatenate([past, x], axis=1)
    y = np.zeros((batch, length, channels)) if bias is None else np.tile(
        np.asarray(bias, np.float64), (batch, length, 1))
    for w in range(width):
        y += weight[:, w] * x[:, w:w + length]
    if activation == "silu":
        y = y / (1 + np.exp(-y))
    return y, x[:, length:].swapaxes(1, 2)
