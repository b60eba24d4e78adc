# ===- model.py - the demo's models in PyTorch -===//
#
# Part of Linnet, under Apache-2.0 WITH LLVM-exception. See LICENSE.
#
# ===----------------------------------------------------------------------===//
"""The byte-level language models of the demo, in PyTorch.

Three variants share everything but the mixer: `softmax` attends (rotary positions, four query
heads on two key heads), `linear` keeps a gated state (one log-decay per key channel), `alibi`
attends with a linear bias by distance (arXiv:2108.12409) to queries and keys of length 1, so that
no score before the bias is above `logit_scale`. A step takes and returns the state that the
compiled functions keep as donated tensors; `alibi` is compiled for whole texts and has none.
"""

import dataclasses
import functools

import torch
import torch.nn.functional as F

from linnet.examples.bytelm import emit

VARIANTS = ("softmax", "linear", "alibi")


@dataclasses.dataclass(frozen=True)
class Config:
    variant: str
    vocab: int = 256
    layers: int = 3
    width: int = 128
    heads: int = 4
    key_heads: int = 2
    depth: int = 32
    hidden: int = 240
    eps: float = 1e-5
    theta: float = 10000.0
    gate_divisor: float = 16.0
    slopes: tuple = (2**-1, 2**-3, 2**-5, 2**-7)  # of the query heads
    logit_scale: float = 3.0
    length_eps: float = 1e-6

    @property
    def key_width(self) -> int:
        return self.key_heads * self.depth


def parameter_shapes(config: Config) -> dict:
    """Name to shape of every weight, in the order in which the model uses them."""
    w, kw, hidden = config.width, config.key_width, config.hidden
    shapes = {"embed": (config.vocab, w)}
    for i in range(config.layers):
        shapes[f"layers.{i}.mixer_norm"] = (w,)
        shapes[f"layers.{i}.q"] = (w, w)
        shapes[f"layers.{i}.k"] = (kw, w)
        shapes[f"layers.{i}.v"] = (kw, w)
        if config.variant == "linear":
            shapes[f"layers.{i}.decay"] = (kw, w)
            shapes[f"layers.{i}.decay_bias"] = (kw,)
            shapes[f"layers.{i}.head_norm"] = (config.depth,)
        shapes[f"layers.{i}.o"] = (w, w)
        shapes[f"layers.{i}.mlp_norm"] = (w,)
        shapes[f"layers.{i}.gate"] = (hidden, w)
        shapes[f"layers.{i}.up"] = (hidden, w)
        shapes[f"layers.{i}.down"] = (w, hidden)
    shapes["norm"] = (w,)
    return shapes


def initial_parameters(config: Config, seed: int) -> dict:
    generator = torch.Generator().manual_seed(seed)
    values = emit.initial_parameters(parameter_shapes(config),
                                     lambda shape: torch.randn(shape, generator=generator).numpy())
    return {name: torch.from_numpy(value).requires_grad_() for name, value in values.items()}


def initial_state(config: Config, dtype=torch.float32) -> dict:
    """The state of one sequence before its first token."""
    state = {"position": 0}
    for i in range(config.layers):
        if config.variant == "alibi":
            continue
        if config.variant == "softmax":
            empty = torch.zeros(1, config.key_heads, 0, config.depth, dtype=dtype)
            state[f"kv.{i}.k"], state[f"kv.{i}.v"] = empty, empty.clone()
        else:
            state[f"memory.{i}"] = torch.zeros(
                1, config.key_heads, config.depth, config.depth, dtype=dtype)
    return state


def rms_norm(x, weight, eps):
    return x * torch.rsqrt(x.pow(2).mean(-1, keepdim=True) + eps) * weight


@functools.cache
def _rotation(first, length, half, theta, dtype):
    inverse = theta ** (-torch.arange(half, dtype=torch.float64) / half)
    angle = torch.arange(first, first + length, dtype=torch.float64)[:, None] * inverse
    return angle.cos().to(dtype), angle.sin().to(dtype)


@torch.compiler.assume_constant_result
def rotation(first, length, half, theta, dtype):
    """Cosines and sines of `length` positions from `first` on."""
    return _rotation(first, length, half, theta, dtype)


def rotary(x, first, theta):
    """Rotates the halves of the last axis by position; x is [B, heads, N, depth]."""
    half = x.shape[-1] // 2
    cos, sin = rotation(first, x.shape[-2], half, theta, x.dtype)
    a, b = x[..., :half], x[..., half:]
    return torch.cat([a * cos - b * sin, b * cos + a * sin], -1)


def softmax_mixer(config, q, k, v, state, i):
    first = state["position"]
    q, k = rotary(q, first, config.theta), rotary(k, first, config.theta)
    k = state[f"kv.{i}.k"] = torch.cat([state[f"kv.{i}.k"].expand(k.shape[0], -1, -1, -1), k], 2)
    v = state[f"kv.{i}.v"] = torch.cat([state[f"kv.{i}.v"].expand(v.shape[0], -1, -1, -1), v], 2)
    if first == 0:
        return F.scaled_dot_product_attention(q, k, v, is_causal=True, enable_gqa=True)
    keys = torch.arange(k.shape[2])[None, :]
    mask = keys <= first + torch.arange(q.shape[2])[:, None]
    return F.scaled_dot_product_attention(q, k, v, attn_mask=mask, enable_gqa=True)


def unit_length(x, eps):
    """x over its length; `eps` is within the mean, as RMS norm has it."""
    return x * torch.rsqrt(x.pow(2).mean(-1, keepdim=True) + eps) * x.shape[-1] ** -0.5


def alibi_mixer(config, q, k, v):
    """A query sees itself and what is before it, `slope * distance` less."""
    q, k = unit_length(q, config.length_eps), unit_length(k, config.length_eps)
    at = torch.arange(q.shape[2])
    distance = (at[None, :] - at[:, None]).to(q.dtype)
    bias = torch.tensor(config.slopes, dtype=q.dtype)[:, None, None] * distance
    bias = bias.masked_fill(distance > 0, -torch.inf)
    return F.scaled_dot_product_attention(q, k, v, attn_mask=bias, scale=config.logit_scale,
                                          enable_gqa=True)


def gated_linear_attention(q, k, v, g, memory, scale, chunk=16):
    """S_t = diag(exp g_t) S_{t-1} + k_t v_t^T, o_t = scale q_t S_t, in chunks."""
    groups, outputs = q.shape[1] // k.shape[1], []
    for start in range(0, q.shape[2], chunk):
        qc, kc, vc, gc = (t[:, :, start:start + chunk] for t in (q, k, v, g))
        total = gc.cumsum(2)
        causal = torch.ones(gc.shape[2], gc.shape[2], dtype=torch.bool).tril()[..., None]
        pairs = (total[:, :, :, None] - total[:, :, None]).masked_fill(~causal, -torch.inf).exp()
        weighted = pairs * kc[:, :, None]  # [B, heads, i, j, depth]
        qg = qc.unflatten(1, (-1, groups))
        score = torch.einsum("bhgic,bhijc->bhgij", qg, weighted)
        out = torch.einsum("bhgij,bhjd->bhgid", score, vc)
        out = out + torch.einsum("bhgic,bhic,bhcd->bhgid", qg, total.exp(), memory)
        outputs.append(out.flatten(1, 2) * scale)
        last = total[:, :, -1:]
        memory = (last.exp().transpose(2, 3) * memory
                  + torch.einsum("bhjc,bhjd->bhcd", kc * (last - total).exp(), vc))
    return torch.cat(outputs, 2), memory


def linear_mixer(config, parameters, x, q, k, v, state, i):
    gate = F.linear(x, parameters[f"layers.{i}.decay"], parameters[f"layers.{i}.decay_bias"])
    g = split_heads(F.logsigmoid(gate) / config.gate_divisor, config.key_heads)
    memory = state[f"memory.{i}"].expand(x.shape[0], -1, -1, -1)
    out, state[f"memory.{i}"] = gated_linear_attention(q, k, v, g, memory, config.depth ** -0.5)
    return rms_norm(out, parameters[f"layers.{i}.head_norm"], config.eps)


def split_heads(x, heads):
    return x.unflatten(-1, (heads, -1)).transpose(1, 2)


def forward(config, parameters, tokens, state):
    """Logits of every position of `tokens` [B, N], and the state after them."""
    state = dict(state)
    x = parameters["embed"][tokens]
    for i in range(config.layers):
        layer = {name: parameters[f"layers.{i}.{name}"]
                 for name in ("mixer_norm", "q", "k", "v", "o", "mlp_norm", "gate", "up", "down")}
        h = rms_norm(x, layer["mixer_norm"], config.eps)
        q = split_heads(F.linear(h, layer["q"]), config.heads)
        k = split_heads(F.linear(h, layer["k"]), config.key_heads)
        v = split_heads(F.linear(h, layer["v"]), config.key_heads)
        if config.variant == "softmax":
            mixed = softmax_mixer(config, q, k, v, state, i)
        elif config.variant == "alibi":
            mixed = alibi_mixer(config, q, k, v)
        else:
            mixed = linear_mixer(config, parameters, h, q, k, v, state, i)
        x = x + F.linear(mixed.transpose(1, 2).flatten(2), layer["o"])
        h = rms_norm(x, layer["mlp_norm"], config.eps)
        h = F.silu(F.linear(h, layer["gate"])) * F.linear(h, layer["up"])
        x = x + F.linear(h, layer["down"])
    state["position"] += tokens.shape[1]
    return F.linear(rms_norm(x, parameters["norm"], config.eps), parameters["embed"]), state
