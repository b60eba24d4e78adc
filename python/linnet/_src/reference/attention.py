# ===- attention.py - meaning of the attention family, in float64 -===//
#
# Part of Linnet, under Apache-2.0 WITH LLVM-exception. See LICENSE.
#
# ===----------------------------------------------------------------------===//
import numpy as np

_FEATURES = {
    "elu1": lambda x: np.where(x > 0, x + 1, np.exp(np.minimum(x, 0))),
    "relu": lambda x: np.maximum(x, 0),
    "relu2": lambda x: np.maximum(x, 0) ** 2,
    "exp": np.exp,
}


def feature_map(x, kind):
    return _FEATURES[kind](np.asarray(x, np.float64))


def visible_keys(batch, nq, nk, *, causal=False, window=None, mask=None, kv_lengths=None,
                 q_offset=None, q_segments=None, kv_segments=None, alignment="bottom_right"):
    """Booleans [B, 1 or H, Nq, Nk]: which key a query sees. `window` is (left, right)."""
    valid = np.full(batch, nk) if kv_lengths is None else np.clip(kv_lengths, 0, nk)
    if q_offset is not None:
        start = np.broadcast_to(np.asarray(q_offset), (batch,))
    else:
        start = valid - nq if alignment == "bottom_right" else np.zeros(batch, int)
    p = (start[:, None] + np.arange(nq))[:, None, :, None]
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


def attention(q, k, v, *, bias=None, scale=None, softcap=None, **masks):
    """Returns (o, lse). The masks are those of `visible_keys`."""
    q, k, v = (np.asarray(x, np.float64) for x in (q, k, v))
    group = q.shape[1] // k.shape[1]
    k, v = np.repeat(k, group, axis=1), np.repeat(v, group, axis=1)
    s = q @ k.swapaxes(2, 3) * (q.shape[3] ** -0.5 if scale is None else scale)
    if softcap is not None:
        s = softcap * np.tanh(s / softcap)
    if bias is not None:
        s = s + np.asarray(bias, np.float64)
    seen = visible_keys(q.shape[0], q.shape[2], k.shape[2], **masks)
    s = np.where(seen, s, -np.inf)
    top = np.max(s, axis=3, keepdims=True, initial=-np.inf)
    w = np.exp(s - np.where(np.isfinite(top), top, 0))
    total = w.sum(axis=3, keepdims=True)
    with np.errstate(divide="ignore"):
        lse = (np.log(total) + np.where(np.isfinite(top), top, 0))[..., 0]
    return w @ v / np.where(total == 0, 1, total), lse


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
