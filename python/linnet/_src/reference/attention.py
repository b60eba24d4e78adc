# ===- attention.py - meaning of the attention family, in float64 -===//
#
# Part of Linnet, under Apache-2.0 WITH LLVM-exception. See LICENSE.
#
# ===----------------------------------------------------------------------===//
import numpy as np

from linnet._src.reference.random import random

_FEATURES = {
    "elu1": lambda x: np.where(x > 0, x + 1, np.exp(np.minimum(x, 0))),
    "relu": lambda x: np.maximum(x, 0),
    "relu2": lambda x: np.maximum(x, 0) ** 2,
    "exp": np.exp,
}


def feature_map(x, kind):
    return _FEATURES[kind](np.asarray(x, np.float64))


def positions(batch, nq, nk, kv_lengths=None, q_offset=None, alignment="bottom_right", **_):
    """How many keys are valid, [B], and the positions of the queries, [B, 1, Nq, 1]."""
    valid = np.full(batch, nk) if kv_lengths is None else np.clip(kv_lengths, 0, nk)
    if q_offset is not None:
        start = np.broadcast_to(np.asarray(q_offset), (batch,))
    else:
        start = valid - nq if alignment == "bottom_right" else np.zeros(batch, int)
    return valid, (start[:, None] + np.arange(nq))[:, None, :, None]


def visible_keys(batch, nq, nk, *, causal=False, window=None, mask=None, kv_lengths=None,
                 q_offset=None, q_segments=None, kv_segments=None, alignment="bottom_right"):
    """Booleans [B, 1 or H, Nq, Nk]: which key a query sees. `window` is (left, right)."""
    valid, p = positions(batch, nq, nk, kv_lengths, q_offset, alignment)
    j = np.arange(nk)
    seen = np.broadcast_to(j < valid[:, None, None, None], (batch, 1, nq, nk))
    if causal:
        seen = seen & (j <= p)
    left, right = window or (None, None)
    if left is not None:
        seen = seen & (p - left <= j)
    if right is not None:
        seen = seen & (j <= p + right)
    if q_segments is not None:
        q_segments, kv_segments = np.asarray(q_segments), np.asarray(kv_segments)
        seen = seen & (q_segments[:, None, :, None] == kv_segments[:, None, None, :])
    return seen if mask is None else seen & np.asarray(mask)


def _scores(q, k, bias=None, scale=None, softcap=None, alibi_slopes=None, **masks):
    """Scores [B,H,Nq,Nk], -inf where hidden, and their derivative by scale * dot(q, k)."""
    s = q @ k.swapaxes(2, 3) * (q.shape[3] ** -0.5 if scale is None else scale)
    slope = np.ones_like(s)
    if softcap is not None:
        t = np.tanh(s / softcap)
        s, slope = softcap * t, 1 - t**2
    if bias is not None:
        s = s + np.asarray(bias, np.float64)
    if alibi_slopes is not None:
        _, p = positions(q.shape[0], q.shape[2], k.shape[2], **masks)
        s = s + np.asarray(alibi_slopes, np.float64)[:, None, None] * (np.arange(k.shape[2]) - p)
    return np.where(visible_keys(q.shape[0], q.shape[2], k.shape[2], **masks), s, -np.inf), slope


def _dropout_factors(shape, dropout):
    """`dropout` is None or (rate, key, counter)."""
    if dropout is None:
        return np.ones(shape)
    rate, key, counter = dropout
    return (random(key, counter, shape) >= rate) / (1 - rate)


def attention(q, k, v, *, dropout=None, **options):
    """Returns (o, lse). Options are those of `_scores` and, for masks, of `visible_keys`."""
    q, k, v = (np.asarray(x, np.float64) for x in (q, k, v))
    group = q.shape[1] // k.shape[1]
    k, v = np.repeat(k, group, axis=1), np.repeat(v, group, axis=1)
    s, _ = _scores(q, k, **options)
    top = np.max(s, axis=3, keepdims=True, initial=-np.inf)
    w = np.exp(s - np.where(np.isfinite(top), top, 0))
    total = w.sum(axis=3, keepdims=True)
    with np.errstate(divide="ignore"):
        lse = (np.log(total) + np.where(np.isfinite(top), top, 0))[..., 0]
    return (w * _dropout_factors(w.shape, dropout)) @ v / np.where(total == 0, 1, total), lse


def attention_grad(q, k, v, o, lse, dout, dlse=0, *, bias=None, scale=None, dropout=None, **options):
    """Returns (dq, dk, dv, dbias); dbias is None without a bias."""
    q, k, v, o, lse, dout = (np.asarray(x, np.float64) for x in (q, k, v, o, lse, dout))
    shape, group = k.shape, q.shape[1] // k.shape[1]
    k, v = np.repeat(k, group, axis=1), np.repeat(v, group, axis=1)
    scale = q.shape[3] ** -0.5 if scale is None else scale
    s, slope = _scores(q, k, bias, scale, **options)
    w = np.exp(s - np.where(np.isneginf(lse), np.inf, lse)[..., None])
    factors = _dropout_factors(w.shape, dropout)
    t = np.sum(dout * o, axis=3) - np.asarray(dlse, np.float64)
    ds = w * (factors * (dout @ v.swapaxes(2, 3)) - t[..., None])
    dz = scale * slope * ds
    by_group = lambda x: x.reshape(shape[0], shape[1], group, *x.shape[2:]).sum(axis=2)
    dk, dv = by_group(dz.swapaxes(2, 3) @ q), by_group((factors * w).swapaxes(2, 3) @ dout)
    return dz @ k, dk, dv, None if bias is None else _sum_to(ds, np.shape(bias))


def _sum_to(x, shape):
    """The sum over the dimensions along which a tensor of `shape` is repeated."""
    x = x.sum(axis=tuple(range(x.ndim - len(shape))))
    return x.sum(axis=tuple(i for i, n in enumerate(shape) if n == 1), keepdims=True)


def rotary(x, *, tables=None, frequencies=None, base=None, rotated=None, positions=None, offset=0,
           layout="half"):
    x = np.asarray(x, np.float64)
    batch, _, rows, depth = x.shape
    if tables is not None:
        cos, sin = (np.asarray(t, np.float64) for t in tables)
    else:
        if frequencies is None:
            r = depth if rotated is None else rotated
            frequencies = np.float64(base) ** (-np.arange(0, r, 2) / max(r, 1))
        if positions is None:
            positions = np.broadcast_to(np.asarray(offset), (batch,))[:, None] + np.arange(rows)
        # the angle is part of the op's meaning: a product in f32
        angle = np.asarray(positions, np.float32)[..., None] * np.asarray(frequencies, np.float32)
        cos, sin = np.cos(np.float64(angle)), np.sin(np.float64(angle))
    if cos.ndim == 3:
        cos, sin = cos[:, None], sin[:, None]
    half = cos.shape[-1]
    pairs = np.arange(half)
    lo, hi = (pairs, pairs + half) if layout == "half" else (2 * pairs, 2 * pairs + 1)
    y = x.copy()
    y[..., lo] = x[..., lo] * cos - x[..., hi] * sin
    y[..., hi] = x[..., hi] * cos + x[..., lo] * sin
    return y
