# ===- test_reference_sequence.py - references against other forms -===//
#
# Part of Linnet, under Apache-2.0 WITH LLVM-exception. See LICENSE.
#
# ===----------------------------------------------------------------------===//
import numpy as np
import pytest
import torch
import torch.nn.functional as F
from linnet import reference as ref

B, H, N, K, D = 2, 4, 9, 5, 3


def draw(seed, **shapes):
    rng = np.random.default_rng(seed)
    return [rng.standard_normal(s) for s in shapes.values()]


@pytest.fixture
def qkv():
    q, k, v, s0 = draw(0, q=(B, H, N, K), k=(B, H, N, K), v=(B, H, N, D), s0=(B, H, K, D))
    return q, k / np.linalg.norm(k, axis=3, keepdims=True), v, s0


def close(a, b, tol=1e-12):
    np.testing.assert_allclose(a, b, rtol=tol, atol=tol)


def quadratic(q, k, v, g, s0, strict=False):
    """The attention form: every pair of positions, with the decay between them."""
    total = np.cumsum(g, 2)
    reach = total[:, :, :, None] - total[:, :, None]
    if strict:  # read before the decay of the own position
        reach = (total - g)[:, :, :, None] - total[:, :, None]
    a = np.einsum("bhik,bhjk,bhijk->bhij", q, k, np.exp(np.minimum(reach, 50)))
    a = np.tril(a, -1 if strict else 0)
    into = np.exp(total - g if strict else total)
    return a @ v + np.einsum("bhik,bhik,bhkd->bhid", q, into, s0)


@pytest.mark.parametrize("decay", ["none", "scalar", "vector"])
def test_decays(qkv, decay):
    q, k, v, s0 = qkv
    g = {"none": None, "scalar": -np.random.default_rng(1).random((B, H, N)),
         "vector": -np.random.default_rng(1).random((B, H, N, K))}[decay]
    full = np.zeros((B, H, N, K)) if g is None else np.broadcast_to(
        g if g.ndim == 4 else g[..., None], (B, H, N, K))
    o, s = ref.linear_attention(q, k, v, decay=g, state=s0, scale=0.5)
    close(o, 0.5 * quadratic(q, k, v, full, s0))
    total = full.sum(2)
    later = np.exp(total[:, :, None] - np.cumsum(full, 2))
    close(s, np.exp(total)[..., None] * s0 + np.einsum("bhnk,bhnd->bhkd", k * later, v))
    u = np.random.default_rng(2).standard_normal((H, K))
    o, _ = ref.linear_attention(q, k, v, decay=g, state=s0, read="pre", bonus=u)
    own = np.einsum("bhnk,hk,bhnk->bhn", q, u, k)[..., None] * v
    close(o, quadratic(q, k, v, full, s0, strict=True) + own)


def test_normaliser(qkv):
    q, k, v, _ = qkv
    q, k = np.exp(q), np.exp(k)
    a = np.tril(q @ k.swapaxes(2, 3))
    o, s = ref.linear_attention(q, k, v, normalise=1e-6)
    close(o, a @ v / a.sum(3, keepdims=True))
    close(s[..., -1], k.sum(2))
    o, _ = ref.linear_attention(q * 1e-9, k, v, normalise=1e-6)
    close(o, a @ v * 1e-9 / np.maximum(a.sum(3, keepdims=True) * 1e-9, 1e-6))


@pytest.mark.parametrize("decay", [False, True])
def test_delta_rule(qkv, decay):
    """A product of matrices, I - beta k k^T, after the decay."""
    q, k, v, s0 = qkv
    rng = np.random.default_rng(3)
    beta, g = rng.random((B, H, N)), -rng.random((B, H, N)) * decay
    o, s = ref.linear_attention(q, k, v, decay=g if decay else None, beta=beta, state=s0)
    for b in range(B):
        for h in range(H):
            st = s0[b, h]
            for t in range(N):
                st = np.exp(g[b, h, t]) * st
                st = st + beta[b, h, t] * np.outer(k[b, h, t], v[b, h, t] - st.T @ k[b, h, t])
                close(o[b, h, t], st.T @ q[b, h, t])
            close(s[b, h], st)
    a = np.exp(g)[..., None] * k
    general = ref.linear_attention(q, k, beta[..., None] * v, decay=g, state=s0,
                                   erase=(a, -beta[..., None] * k))
    close(general[0], o)
    close(general[1], s)


def test_heads(qkv):
    """Mamba-2 shares q and k, grouped queries share the state."""
    q, k, v, _ = qkv
    g = -np.random.default_rng(4).random((B, H, N))
    o, s = ref.linear_attention(q[:, :2], k[:, :1], v, decay=g)
    want = ref.linear_attention(np.repeat(q[:, :2], 2, 1), np.repeat(k[:, :1], 4, 1), v, decay=g)
    close(o, want[0])
    close(s, want[1])
    o, s = ref.linear_attention(q, k[:, :2], v[:, :2])
    assert s.shape == (B, 2, K, D)
    close(o, ref.linear_attention(q, np.repeat(k[:, :2], 2, 1), np.repeat(v[:, :2], 2, 1))[0])


def test_split_runs_agree(qkv):
    q, k, v, s0 = qkv
    rng = np.random.default_rng(5)
    g, beta = -rng.random((B, H, N, K)), rng.random((B, H, N))
    o, s = ref.linear_attention(q, k, v, decay=g, beta=beta, state=s0)
    first = ref.linear_attention(q[:, :, :4], k[:, :, :4], v[:, :, :4], decay=g[:, :, :4],
                                 beta=beta[:, :, :4], state=s0)
    rest = ref.linear_attention(q[:, :, 4:], k[:, :, 4:], v[:, :, 4:], decay=g[:, :, 4:],
                                beta=beta[:, :, 4:], state=first[1])
    close(np.concatenate([first[0], rest[0]], 2), o)
    close(rest[1], s)
    none = ref.linear_attention(q[:, :, :0], k[:, :, :0], v[:, :, :0], state=s0)
    assert none[0].shape == (B, H, 0, D)
    close(none[1], s0)


@pytest.mark.parametrize("length", [0, 1, 7])
def test_selective_scan(length):
    """The closed form: every earlier input with the decay since."""
    c, n = 6, 4
    u, delta, a, b, cc, skip, gate, db, h0 = draw(
        6, u=(B, length, c), delta=(B, length, c), a=(c, n), b=(B, length, n), cc=(B, length, n),
        skip=(c,), gate=(B, length, c), db=(c,), h0=(B, c, n))
    a = -np.exp(a)
    y, h = ref.selective_scan(u, delta, a, b, cc, skip=skip, gate=gate, delta_bias=db, state=h0,
                              softplus=True)
    d = F.softplus(torch.from_numpy(delta + db)).numpy()
    total = np.concatenate([np.zeros((B, 1, c)), np.cumsum(d, 1)], 1)
    states = np.zeros((B, length + 1, c, n))
    for t in range(length + 1):
        states[:, t] = h0 * np.exp(total[:, t, :, None] * a)
        for j in range(t):
            since = np.exp((total[:, t] - total[:, j + 1])[..., None] * a)
            states[:, t] += since * (d * u)[:, j, :, None] * b[:, j, None]
    want = np.einsum("blcn,bln->blc", states[:, 1:], cc) + skip * u
    close(y, want * F.silu(torch.from_numpy(gate)).numpy())
    close(h, states[:, -1])


@pytest.mark.parametrize("length,width", [(0, 4), (1, 4), (9, 4), (5, 1), (2, 5)])
@pytest.mark.parametrize("activation", ["none", "silu"])
def test_causal_conv(length, width, activation):
    x, w, bias, s0 = draw(7, x=(B, length, 6), w=(6, width), b=(6,), s0=(B, 6, width - 1))
    y, s = ref.causal_conv(x, w, bias=bias, state=s0, activation=activation)
    past = torch.cat([torch.from_numpy(s0), torch.from_numpy(x).mT], 2)
    if length:
        want = F.conv1d(past, torch.from_numpy(w)[:, None], torch.from_numpy(bias), groups=6).mT
        close(y, F.silu(want) if activation == "silu" else want)
    close(s, past[:, :, length:])
    if length:
        close(ref.causal_conv(x, w)[0], F.conv1d(F.pad(torch.from_numpy(x).mT, (width - 1, 0)),
                                                 torch.from_numpy(w)[:, None], groups=6).mT)


def torch_gradients(results, leaves, cotangents):
    total = sum((y * torch.from_numpy(g)).sum() for y, g in zip(results, cotangents))
    return torch.autograd.grad(total, leaves)


@pytest.mark.parametrize("length", [1, 6])
@pytest.mark.parametrize("have", [(), ("skip", "gate", "delta_bias", "state")])
@pytest.mark.parametrize("softplus", [False, True])
def test_selective_scan_grad(length, have, softplus):
    c, n = 5, 3
    inputs = dict(zip(
        ("u", "delta", "a", "b", "c", "skip", "gate", "delta_bias", "state", "dy", "dfinal"), draw(
            8, u=(B, length, c), delta=(B, length, c), a=(c, n), b=(B, length, n), c=(B, length, n),
            skip=(c,), gate=(B, length, c), db=(c,), h0=(B, c, n), dy=(B, length, c),
            dfinal=(B, c, n))))
    used = {k: v for k, v in inputs.items() if k in ("u", "delta", "a", "b", "c") + have}
    got = ref.selective_scan_grad(
        *list(inputs.values())[:5], inputs["dy"], inputs["dfinal"], softplus=softplus,
        **{k: inputs[k] for k in have})
    t = {k: torch.from_numpy(v).requires_grad_() for k, v in used.items()}
    d = t["delta"] + t["delta_bias"] if have else t["delta"]
    d = F.softplus(d) if softplus else d
    h, rows = t.get("state", torch.zeros(B, c, n, dtype=torch.float64)), []
    for i in range(length):
        h = torch.exp(d[:, i, :, None] * t["a"]) * h + (d * t["u"])[:, i, :, None] * t["b"][:, i, None]
        rows.append((h * t["c"][:, i, None]).sum(2))
    y = torch.stack(rows, 1)
    y = (y + t["skip"] * t["u"]) * F.silu(t["gate"]) if have else y
    assert set(got) == set(used)
    for k, want in zip(t, torch_gradients((y, h), t.values(), (inputs["dy"], inputs["dfinal"]))):
        close(got[k], want)


@pytest.mark.parametrize("length,width", [(1, 4), (9, 4), (5, 1), (2, 5)])
@pytest.mark.parametrize("have", [(), ("bias", "state")])
@pytest.mark.parametrize("activation", ["none", "silu"])
def test_causal_conv_grad(length, width, have, activation):
    x, w, bias, s0, dy, df = draw(9, x=(B, length, 6), w=(6, width), b=(6,), s0=(B, 6, width - 1),
                                  dy=(B, length, 6), df=(B, 6, width - 1))
    options = dict(bias=bias, state=s0) if have else {}
    got = ref.causal_conv_grad(x, w, dy, df, activation=activation, **options)
    t = {k: torch.from_numpy(v).requires_grad_() for k, v in dict(x=x, weight=w, **options).items()}
    past = t.get("state", torch.zeros(B, 6, width - 1, dtype=torch.float64))
    padded = torch.cat([past, t["x"].mT], 2)
    y = F.conv1d(padded, t["weight"][:, None], t.get("bias"), groups=6).mT
    y = F.silu(y) if activation == "silu" else y
    assert set(got) == set(t)
    for k, want in zip(t, torch_gradients((y, padded[:, :, length:]), t.values(), (dy, df))):
        close(got[k], want)


@pytest.mark.parametrize("rule", ["plain", "decay", "vector", "delta", "erase", "bonus"])
@pytest.mark.parametrize("heads", [(2, 2, 2), (4, 2, 1), (1, 1, 2)])
def test_gradients_of_linear_attention(rule, heads):
    """Against central differences, which are exact to 1e-9 in every operand but the decay."""
    hq, hk, hv = heads
    hs, k, d, n = max(hk, hv), 3, 2, 4
    shapes = dict(q=(1, hq, n, k), k=(1, hk, n, k), v=(1, hv, n, d))
    if rule in ("decay", "vector", "delta"):
        shapes["decay"] = (1, 1, n) + ((k,) if rule == "vector" else ())
    if rule == "erase":
        shapes.update(a=(1, 1, n, k), b=(1, hs, n, k))
    if rule == "delta":
        shapes["beta"] = (1, hs, n)
    if rule == "bonus":
        shapes["bonus"] = (1, k)
    shapes["state"] = (1, hs, k, d)
    inputs = dict(zip(shapes, draw(5, **shapes)))
    read = "pre" if rule in ("bonus", "delta") else "post"

    def options(x):
        erase = {"erase": (x["a"], x["b"])} if "a" in x else {}
        rest = {m: y for m, y in x.items() if m in ("decay", "beta", "bonus", "state")}
        return dict(rest, **erase, read=read, scale=0.7)

    call = lambda x: ref.linear_attention(x["q"], x["k"], x["v"], **options(x))
    o, s = call(inputs)
    dout, dfinal = draw(6, o=o.shape, s=s.shape)
    found = ref.linear_attention_grad(*(inputs[m] for m in "qkv"), dout, dfinal, **options(inputs))
    assert len(found) == len(inputs)
    for gradient, (name, x) in zip(found, inputs.items()):
        expected = np.zeros(x.shape)
        for place in np.ndindex(*x.shape):
            losses = []
            for step in (1e-5, -1e-5):
                moved = x.copy()
                moved[place] += step
                o, s = call({**inputs, name: moved})
                losses.append((o * dout).sum() + (s * dfinal).sum())
            expected[place] = (losses[0] - losses[1]) / 2e-5
        close(gradient, expected, 1e-7)
