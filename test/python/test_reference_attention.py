# ===- test_reference_attention.py - references against public ones -===//
#
# Part of Linnet, under Apache-2.0 WITH LLVM-exception. See LICENSE.
#
# ===----------------------------------------------------------------------===//
import numpy as np
import pytest
import torch
import torch.nn.functional as F
from linnet import reference as ref


def draw(seed, *shapes):
    rng = np.random.default_rng(seed)
    return [rng.standard_normal(s) for s in shapes]


def torch_attention(q, k, v, seen=None, bias=None, scale=None):
    q, k, v = map(torch.from_numpy, (q, k, v))
    mask = torch.zeros(q.shape[0], q.shape[1], q.shape[2], k.shape[2], dtype=torch.float64)
    if bias is not None:
        mask = mask + torch.from_numpy(np.array(bias))
    if seen is not None:
        mask = mask.masked_fill(~torch.from_numpy(np.array(seen)), -torch.inf)
    o = F.scaled_dot_product_attention(q, k, v, mask, scale=scale, enable_gqa=True)
    return o.nan_to_num(0.0).numpy()


@pytest.mark.parametrize("nq,nk", [(1, 1), (1, 9), (7, 7), (5, 9), (9, 5), (0, 3), (3, 0)])
@pytest.mark.parametrize("causal", [False, True])
def test_attention(nq, nk, causal):
    q, k, v = draw(0, (2, 4, nq, 8), (2, 2, nk, 8), (2, 2, nk, 3))
    o, lse = ref.attention(q, k, v, causal=causal, scale=0.3)
    seen = np.tril(np.ones((nq, nk), bool), nk - nq) if causal else None
    assert o.shape == (2, 4, nq, 3) and lse.shape == (2, 4, nq)
    np.testing.assert_allclose(o, torch_attention(q, k, v, seen, scale=0.3), atol=1e-13)
    s = np.einsum("bhid,bhjd->bhij", q, np.repeat(k, 2, 1)) * 0.3
    s = np.where(np.ones((nq, nk), bool) if seen is None else seen, s, -np.inf)
    want = torch.logsumexp(torch.from_numpy(s), 3) if nk else torch.full(lse.shape, -torch.inf)
    np.testing.assert_allclose(lse, want, atol=1e-13)


def loop_sees(i, j, b, nq, nk, lengths, left, right, q_offset, top_left):
    """The documented conditions, one key at a time."""
    valid = lengths[b] if lengths is not None else nk
    p = q_offset + i if q_offset is not None else i if top_left else valid - nq + i
    return j < valid and (left is None or p - left <= j) and (right is None or j <= p + right)


@pytest.mark.parametrize("lengths", [None, [3, 0], [9, 6]])
@pytest.mark.parametrize("left,right", [(None, 0), (2, 0), (1, 2), (None, 3), (0, None)])
@pytest.mark.parametrize("q_offset,top_left", [(None, False), (None, True), (2, False)])
def test_positions(lengths, left, right, q_offset, top_left):
    nq, nk = 4, 9
    seen = ref.visible_keys(2, nq, nk, window=(left, right), kv_lengths=lengths,
                            q_offset=q_offset, alignment="top_left" if top_left else "bottom_right")
    want = [[[loop_sees(i, j, b, nq, nk, lengths, left, right, q_offset, top_left)
              for j in range(nk)] for i in range(nq)] for b in range(2)]
    np.testing.assert_array_equal(seen[:, 0], want)
    if right == 0 and left is None:
        causal = ref.visible_keys(2, nq, nk, causal=True, kv_lengths=lengths, q_offset=q_offset,
                                  alignment="top_left" if top_left else "bottom_right")
        np.testing.assert_array_equal(seen, causal)


def test_masks_and_bias():
    q, k, v, bias = draw(1, (2, 4, 5, 8), (2, 4, 7, 8), (2, 4, 7, 8), (4, 1, 7))
    mask = np.random.default_rng(2).random((5, 7)) < 0.5
    mask[3] = False  # a row without a key
    qs, ks = np.array([[0, 0, 1, 1, 2], [0, 1, 1, 1, 1]]), np.array([[0, 0, 1, 1, 2, 2, 2]] * 2)
    o, lse = ref.attention(q, k, v, bias=bias, mask=mask, q_segments=qs, kv_segments=ks)
    seen = mask & (qs[:, None, :, None] == ks[:, None, None, :])
    np.testing.assert_allclose(o, torch_attention(q, k, v, seen, bias), atol=1e-13)
    assert not o[:, :, 3].any() and np.isneginf(lse[:, :, 3]).all()


@pytest.mark.parametrize("nq,nk", [(1, 1), (1, 9), (7, 7), (5, 9), (9, 5), (0, 3), (3, 0)])
@pytest.mark.parametrize("causal", [False, True])
def test_alibi_is_a_bias(nq, nk, causal):
    q, k, v = draw(4, (2, 4, nq, 8), (2, 2, nk, 8), (2, 2, nk, 3))
    slopes = 2.0 ** -np.arange(1, 5)
    o, _ = ref.attention(q, k, v, alibi_slopes=slopes, causal=causal)
    distance = np.arange(nk)[None, :] - (nk - nq + np.arange(nq))[:, None]
    seen = distance <= 0 if causal else None
    bias = slopes[:, None, None] * distance
    np.testing.assert_allclose(o, torch_attention(q, k, v, seen, bias), atol=1e-13)


def test_finite_bias_is_no_mask():
    q, k, v = draw(3, (1, 1, 2, 4), (1, 1, 3, 4), (1, 1, 3, 4))
    low = np.finfo(np.float32).min.astype(np.float64)
    for bias in ([[low, low, low]], [[low, -np.inf, low]], [[-1e30, 0, -np.inf]]):
        bias = np.broadcast_to(bias, (1, 1, 2, 3))
        np.testing.assert_allclose(ref.attention(q, k, v, bias=bias)[0],
                                   torch_attention(q, k, v, bias=bias), atol=1e-13)


def test_softcap():
    q, k, v = draw(4, (1, 2, 3, 8), (1, 2, 5, 8), (1, 2, 5, 8))
    s = torch.tanh(torch.from_numpy(q @ k.swapaxes(2, 3)) * 8**-0.5 * 3 / 2) * 2
    np.testing.assert_allclose(ref.attention(q * 3, k, v, softcap=2.0)[0], s.softmax(3) @ torch.from_numpy(v),
                               atol=1e-13)


def test_feature_maps():
    x = draw(5, (3, 5))[0] * 4
    t = torch.from_numpy(x)
    for kind, want in [("elu1", F.elu(t) + 1), ("relu", t.relu()), ("relu2", t.relu()**2),
                       ("exp", t.exp())]:
        np.testing.assert_allclose(ref.feature_map(x, kind), want, atol=1e-14)


def rotate(x, angle, layout):
    """Rotation of complex numbers."""
    r = 2 * angle.shape[-1]
    head, rest = x[..., :r], x[..., r:]
    pairs = head.reshape(*head.shape[:-1], 2, r // 2).swapaxes(-1, -2) if layout == "half" \
        else head.reshape(*head.shape[:-1], r // 2, 2)
    z = (pairs[..., 0] + 1j * pairs[..., 1]) * np.exp(1j * angle)
    z = np.stack([z.real, z.imag], -1)
    z = z.swapaxes(-1, -2) if layout == "half" else z
    return np.concatenate([z.reshape(head.shape), rest], -1)


@pytest.mark.parametrize("layout", ["half", "interleaved"])
@pytest.mark.parametrize("rotated", [8, 4, 0])
def test_rotary(layout, rotated):
    x = draw(6, (2, 3, 5, 8))[0]
    f = (100.0 ** (-np.arange(0, rotated, 2) / max(rotated, 1))).astype(np.float32)
    for past in (0, 7):
        angle = np.float64(np.arange(past, past + 5)[:, None].astype(np.float32) * f)
        want = rotate(x, angle, layout)
        same = dict(rtol=0, atol=1e-13)
        np.testing.assert_allclose(
            ref.rotary(x, base=100.0, rotated=rotated, offset=past, layout=layout), want, **same)
        np.testing.assert_allclose(ref.rotary(x, frequencies=f, layout=layout,
                                              positions=np.arange(past, past + 5)), want, **same)
        np.testing.assert_allclose(
            ref.rotary(x, tables=(np.cos(angle), np.sin(angle)), layout=layout), want, **same)
    p = np.array([[3, 1, 4, 1, 5], [9, 2, 6, 5, 3]])
    angle = np.float64(p[:, None, :, None].astype(np.float32) * f)
    np.testing.assert_allclose(ref.rotary(x, frequencies=f, positions=p, layout=layout),
                               rotate(x, angle, layout), atol=1e-13)


DROPOUT = (0.3, 12345, 678)
GRADIENTS = {
    "plain": {}, "causal": dict(causal=True), "window": dict(window=(3, 1)),
    "top_left": dict(causal=True, alignment="top_left"),
    "lengths": dict(causal=True, kv_lengths=[5, 0]), "offset": dict(causal=True, q_offset=[-3, 4]),
    "segments": dict(q_segments=[[0, 0, 1, 1, 2]] * 2, kv_segments=[[0, 1, 1, 1, 3, 3, 0]] * 2),
    "scale": dict(scale=-0.7), "softcap": dict(softcap=0.8), "dropout": dict(dropout=DROPOUT),
    "both": dict(softcap=1.2, dropout=DROPOUT, causal=True, scale=0.9),
}


@pytest.mark.parametrize("bias", [None, (), (7,), (5, 1), (4, 1, 7), (2, 1, 5, 7)])
@pytest.mark.parametrize("name", GRADIENTS)
def test_attention_grad(name, bias):
    """Central differences of the reference of the forward op, both results."""
    shapes = [(2, 4, 5, 8), (2, 2, 7, 8), (2, 2, 7, 3)] + ([] if bias is None else [bias])
    inputs = draw(7, *shapes)
    dout, dlse = draw(8, (2, 4, 5, 3), (2, 4, 5))
    mask = np.random.default_rng(9).random((5, 7)) < 0.7

    def forward(q, k, v, bias=None):
        o, lse = ref.attention(q, k, v, bias=bias, mask=mask, **GRADIENTS[name])
        return o, lse, np.sum(o * dout) + np.sum(np.where(np.isneginf(lse), 0, lse * dlse))

    o, lse, _ = forward(*inputs)
    options = dict(GRADIENTS[name], mask=mask, **({} if bias is None else {"bias": inputs[3]}))
    grads = ref.attention_grad(*inputs[:3], o, lse, dout, dlse, **options)
    assert (grads[3] is None) == (bias is None)
    rng, step = np.random.default_rng(10), 1e-6
    for i, (x, grad) in enumerate(zip(inputs, grads)):
        assert grad.shape == x.shape
        direction = rng.standard_normal(x.shape)
        moved = lambda h: [*inputs[:i], x + h * direction, *inputs[i + 1:]]
        slope = (forward(*moved(step))[2] - forward(*moved(-step))[2]) / (2 * step)
        # second order in the step; the difference of two sums of about 100 is exact to 1e-14
        np.testing.assert_allclose(np.sum(grad * direction), slope, rtol=0, atol=5e-8)


@pytest.mark.parametrize("causal", [False, True])
def test_attention_grad_of_torch(causal):
    q, k, v, dout = draw(11, (2, 4, 6, 8), (2, 2, 9, 8), (2, 2, 9, 5), (2, 4, 6, 5))
    seen = np.tril(np.ones((6, 9), bool), 3) if causal else np.ones((6, 9), bool)
    tensors = [torch.from_numpy(x).requires_grad_() for x in (q, k, v)]
    F.scaled_dot_product_attention(*tensors, torch.from_numpy(seen),
                                   enable_gqa=True).backward(torch.from_numpy(dout))
    o, lse = ref.attention(q, k, v, causal=causal)
    for got, tensor in zip(ref.attention_grad(q, k, v, o, lse, dout, causal=causal), tensors):
        np.testing.assert_allclose(got, tensor.grad, atol=1e-13)


def test_attention_grad_of_hidden_rows():
    q, k, v, dout = draw(12, (1, 1, 3, 4), (1, 1, 5, 4), (1, 1, 5, 4), (1, 1, 3, 4))
    o, lse = ref.attention(q, k, v, kv_lengths=[0])
    for grad in ref.attention_grad(q, k, v, o, lse, dout, kv_lengths=[0])[:3]:
        assert not grad.any()
