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


def _sum_heads(x, heads, axis=1):
    """The sum over the heads that `_heads` repeats."""
    shape = x.shape[:axis] + (heads, x.shape[axis] // heads) + x.shape[axis + 1:]
    return x.reshape(shape).sum(axis=axis + 1)


def linear_attention_grad(q, k, v, dout, dfinal=None, *, decay=None, erase=None, beta=None,
                          bonus=None, state=None, read="post", scale=1.0):
    """Returns the gradients of the operands that are given, q, k, v, decay, a and b of erase, beta,
    bonus and state, in this order."""
    given = [q, k, v, decay, *(erase or (None, None)), beta, bonus, state]
    q0, k0, v0, g0, a0, b0, beta0, u0, s0 = (
        None if x is None else np.asarray(x, np.float64) for x in given)
    timed = [x.shape[1] for x in (k0, v0, g0, a0, b0, beta0) if x is not None]
    hs = max(timed + ([] if u0 is None else [u0.shape[0]]))
    heads = max(q0.shape[1], hs)
    dout = scale * np.asarray(dout, np.float64)
    q, k, v = _heads(q0, heads), _heads(k0, hs), _heads(v0, hs)
    batch, _, n, depth = k.shape
    g = np.zeros((batch, hs, n, 1)) if g0 is None else _heads(g0, hs)
    g = np.exp(g if g.ndim == 4 else g[..., None])
    rate = np.ones((batch, hs, n, 1)) if beta0 is None else _heads(beta0, hs)[..., None]
    if beta0 is not None:
        a, b = g * k, -rate * k
    else:
        a, b = (np.zeros_like(k) if x is None else _heads(x, hs) for x in (a0, b0))
    u = np.zeros((hs, depth)) if u0 is None else _heads(u0, hs, axis=0)
    states = [np.zeros((batch, hs, depth, v.shape[3])) if s0 is None else s0]
    by, over = lambda x: _sum_heads(x, hs), lambda x, y: x[..., :, None] * y[..., None, :]
    times = lambda m, x: (m @ x[..., None])[..., 0]
    for t in range(n):
        s = states[-1]
        found = times(s.swapaxes(2, 3), a[:, :, t])
        states.append(g[:, :, t, :, None] * s + over(b[:, :, t], found)
                      + over(k[:, :, t], rate[:, :, t] * v[:, :, t]))
    dq, (dk, da, db), dv = np.zeros_like(q), (np.zeros_like(k) for _ in range(3)), np.zeros_like(v)
    dg, dr, du = np.zeros_like(k), np.zeros(rate.shape), np.zeros((batch, hs, depth))
    ds = np.zeros_like(states[0]) if dfinal is None else np.asarray(dfinal, np.float64)
    for t in reversed(range(n)):
        before, qt, kt, vt, dt = states[t], q[:, :, t], k[:, :, t], rate[:, :, t] * v[:, :, t], dout[:, :, t]
        reads = by(over(qt, dt))
        if read == "post":
            ds = ds + reads
            dq[:, :, t] = times(_heads(states[t + 1], heads), dt)
        else:
            own = np.sum(dt * _heads(vt, heads), axis=2, keepdims=True)
            dq[:, :, t] = times(_heads(before, heads), dt) + own * _heads(u * kt, heads)
            dk[:, :, t] += u * by(own * qt)
            du += by(own * qt) * kt
            dv[:, :, t] += rate[:, :, t] * by(dt * np.sum(qt * _heads(u * kt, heads), axis=2, keepdims=True))
        found, dfound = times(before.swapaxes(2, 3), a[:, :, t]), times(ds.swapaxes(2, 3), b[:, :, t])
        dk[:, :, t] += times(ds, vt)
        dvt = times(ds.swapaxes(2, 3), kt)
        dv[:, :, t] += rate[:, :, t] * dvt
        dr[:, :, t, 0] += np.sum(dvt * v[:, :, t], axis=2)
        da[:, :, t], db[:, :, t] = times(before, dfound), times(ds, found)
        dg[:, :, t] = g[:, :, t] * np.sum(ds * before, axis=3)
        ds = g[:, :, t, :, None] * ds + over(a[:, :, t], dfound) + (reads if read == "pre" else 0)
    if beta0 is not None:  # through a and b
        dr -= np.sum(db * k, axis=3, keepdims=True)
        dg += da * a
        dk += g * da - rate * db
    if g0 is not None and g0.ndim == 3:
        dg = dg.sum(axis=3)
    du = du.sum(axis=0)
    shared = ((dq, q0), (dk, k0), (dv, v0), (dg, g0), (da, a0), (db, b0), (dr[..., 0], beta0))
    out = [_sum_heads(x, y.shape[1]) for x, y in shared if y is not None]
    out += [] if u0 is None else [_sum_heads(du, u0.shape[0], axis=0)]
    return out + ([] if s0 is None else [ds])


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


def _silu_slope(x):
    s = 1 / (1 + np.exp(-x))
    return s * (1 + x * (1 - s))


def selective_scan_grad(u, delta, a, b, c, dy, dfinal=None, *, skip=None, gate=None,
                        delta_bias=None, state=None, softplus=False):
    """Gradients by name, of u, delta, a, b, c and the optional operands that are given."""
    f64 = lambda x: None if x is None else np.asarray(x, np.float64)
    u, delta, a, b, c, dy, skip, gate, bias, state = map(
        f64, (u, delta, a, b, c, dy, skip, gate, delta_bias, state))
    batch, length, channels = u.shape
    before = delta if bias is None else delta + bias
    d = np.logaddexp(0, before) if softplus else before
    keep = np.exp(d[..., None] * a)
    h = np.zeros((length + 1, batch, channels, a.shape[1]))
    h[0] = 0 if state is None else state
    for t in range(length):
        h[t + 1] = keep[:, t] * h[t] + (d * u)[:, t, :, None] * b[:, t, None]
    ds, out = dy, {}
    if gate is not None:
        s = np.einsum("lbcn,bln->blc", h[1:], c) + (0 if skip is None else skip * u)
        ds, out["gate"] = dy * gate / (1 + np.exp(-gate)), dy * s * _silu_slope(gate)
    g = np.zeros(h.shape[1:]) if dfinal is None else f64(dfinal)
    out |= {"u": np.zeros_like(u), "delta": np.zeros_like(u), "a": np.zeros_like(a),
            "b": np.zeros_like(b), "c": np.einsum("blc,lbcn->bln", ds, h[1:])}
    for t in reversed(range(length)):
        g = g + ds[:, t, :, None] * c[:, t, None]
        q, left = (g * b[:, t, None]).sum(2), g * keep[:, t] * h[t]
        out["b"][:, t] = np.einsum("bcn,bc->bn", g, (d * u)[:, t])
        out["a"] += (d[:, t, :, None] * left).sum(0)
        out["u"][:, t] = d[:, t] * q + (0 if skip is None else skip * ds[:, t])
        out["delta"][:, t] = (left * a).sum(2) + u[:, t] * q
        g = g * keep[:, t]
    if softplus:
        out["delta"] /= 1 + np.exp(-before)
    optional = {"skip": (ds * u).sum((0, 1)), "delta_bias": out["delta"].sum((0, 1)), "state": g}
    given = {"skip": skip, "delta_bias": bias, "state": state}
    return out | {n: x for n, x in optional.items() if given[n] is not None}


def causal_conv_grad(x, weight, dy, dfinal=None, *, bias=None, state=None, activation="none"):
    """Gradients by name, of x, weight, and of bias and state if they are given."""
    x, weight, dp = (np.asarray(v, np.float64) for v in (x, weight, dy))
    (batch, length, channels), width = x.shape, weight.shape[1]
    if activation == "silu":
        dp = dp * _silu_slope(causal_conv(x, weight, bias=bias, state=state)[0])
    past = np.zeros((batch, width - 1, channels)) if state is None else np.swapaxes(state, 1, 2)
    x = np.concatenate([np.asarray(past, np.float64), x], axis=1)
    dx = np.zeros_like(x)
    if dfinal is not None:
        dx[:, length:] += np.swapaxes(dfinal, 1, 2)
    for w in range(width):
        dx[:, w:w + length] += weight[:, w] * dp
    out = {"x": dx[:, width - 1:], "weight": np.stack(
        [(dp * x[:, w:w + length]).sum((0, 1)) for w in range(width)], axis=1)}
    optional = {"bias": (bias, dp.sum((0, 1))), "state": (state, dx[:, :width - 1].swapaxes(1, 2))}
    return out | {n: g for n, (given, g) in optional.items() if given is not None}
