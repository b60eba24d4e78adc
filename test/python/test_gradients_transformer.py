# ===- test_gradients_transformer.py - derivatives of a transformer block -===//
#
# Part of Linnet, under Apache-2.0 WITH LLVM-exception. See LICENSE.
#
# ===----------------------------------------------------------------------===//
"""RMS norm, grouped-query attention with rotary positions and dropout, residuals, SwiGLU: the
gradients of everything, of inputs and weights, against PyTorch's autograd in float64."""
import numpy as np
import pytest
import torch

from linnet import gradients as lg
from linnet import reference as ref
from linnet import testing as lt

B, N, WIDTH, H, HK, D, HIDDEN = 2, 9, 32, 4, 2, 8, 40
KEY, RATE = 99, 0.2
SHAPES = {"x": (B, N, WIDTH), "n1": (WIDTH,), "wq": (H, WIDTH, D), "wk": (HK, WIDTH, D),
          "wv": (HK, WIDTH, D), "wo": (H, D, WIDTH), "n2": (WIDTH,), "wg": (WIDTH, HIDDEN),
          "wu": (WIDTH, HIDDEN), "wd": (HIDDEN, WIDTH)}


def block(dtype, dynamic):
    n, types = ("?" if dynamic else N), {k: lt.tensor_type(s, dtype) for k, s in SHAPES.items()}
    x, hidden = f"tensor<{B}x{n}x{WIDTH}x{dtype}>", f"tensor<{B}x{n}x{HIDDEN}x{dtype}>"
    types["x"] = x
    wide, narrow = (f"tensor<{B}x{h}x{n}x{D}x{dtype}>" for h in (H, HK))
    dims = f' {{linnet.dims = [{B}, "N", {WIDTH}]}}' if dynamic else ""
    arguments = ", ".join(f"%{k}: {t}{dims if k == 'x' else ''}" for k, t in types.items())
    project = lambda out, w, to: (f'%{out} = linnet.einsum "bnc,hcd->bhnd" %a, %{w} : {x}, '
                                  f"{types[w]} -> {to}")
    return f"""func.func @main({arguments}, %key: i64) -> {x} {{
  %a = linnet.rms_norm %x scale %n1 eps 1.0e-5 : {x}, {types['n1']}
  {project('q0', 'wq', wide)}
  {project('k0', 'wk', narrow)}
  {project('v', 'wv', narrow)}
  %q = linnet.rotary %q0 base(100.0) : {wide}
  %k = linnet.rotary %k0 base(100.0) : {narrow}
  %o = linnet.attention %q, %k, %v dropout_key(%key : i64) dropout_counter(%key : i64)
      masks<[causal]> dropout({RATE}) : {wide}, {narrow}, {narrow} -> {wide}
  %p = linnet.einsum "bhnd,hdc->bnc" %o, %wo : {wide}, {types['wo']} -> {x}
  %r = arith.addf %x, %p : {x}
  %c = linnet.rms_norm %r scale %n2 eps 1.0e-5 : {x}, {types['n2']}
  %g = linnet.einsum "bnc,cf->bnf" %c, %wg : {x}, {types['wg']} -> {hidden}
  %u = linnet.einsum "bnc,cf->bnf" %c, %wu : {x}, {types['wu']} -> {hidden}
  %m = arith.negf %g : {hidden}
  %e = math.expm1 %m : {hidden}
  %two = arith.constant 2.0 : {dtype}
  %twos = linnet.broadcast %two like %e : {dtype}, {hidden} -> {hidden}
  %t = arith.addf %e, %twos : {hidden}
  %s = arith.divf %g, %t : {hidden}
  %f = arith.mulf %s, %u : {hidden}
  %d = linnet.einsum "bnf,fc->bnc" %f, %wd : {hidden}, {types['wd']} -> {x}
  %y = arith.addf %r, %d : {x}
  return %y : {x}
}}"""


def rms(x, scale):
    return x * torch.rsqrt((x * x).mean(-1, keepdim=True) + 1e-5) * scale


def rotate(x):
    angle = np.arange(N, dtype=np.float32)[:, None] * np.float32(100.0 ** (-np.arange(0, D, 2) / D))
    cos, sin = (torch.from_numpy(f(np.float64(angle))) for f in (np.cos, np.sin))
    lo, hi = x[..., :D // 2], x[..., D // 2:]
    return torch.cat([lo * cos - hi * sin, hi * cos + lo * sin], -1)


def torch_block(x, n1, wq, wk, wv, wo, n2, wg, wu, wd, key):
    a = rms(x, n1)
    q, k, v = (torch.einsum("bnc,hcd->bhnd", a, w) for w in (wq, wk, wv))
    k, v = rotate(k).repeat_interleave(H // HK, 1), v.repeat_interleave(H // HK, 1)
    s = (rotate(q) @ k.mT * D**-0.5).masked_fill(torch.ones(N, N).triu(1).bool(), -torch.inf)
    kept = torch.from_numpy((ref.random(KEY, KEY, (B, H, N, N)) >= RATE) / (1 - RATE))
    r = x + torch.einsum("bhnd,hdc->bnc", (s.softmax(-1) * kept) @ v, wo)
    c = rms(r, n2)
    return r + (torch.nn.functional.silu(c @ wg) * (c @ wu)) @ wd


def draw(dtype):
    rng = np.random.default_rng(5)
    scale = lambda name: 1.0 if name in ("x", "n1", "n2") else 0.3
    return [lt.random(rng, s, dtype, scale(k)) for k, s in SHAPES.items()] + [np.int64(KEY)]


@pytest.mark.parametrize("dynamic", [False, True])
@pytest.mark.parametrize("threads", [1, 3])
def test_block(dynamic, threads):
    lg.check(block("f32", dynamic), draw("f32"), torch=torch_block, threads=threads,
             cotangent_dims=[f'[{B}, "N", {WIDTH}]'] if dynamic else None)


def test_same_bits_at_every_thread_count():
    text = lg.module(block("f32", False))
    inputs = [*draw("f32"), np.ones(SHAPES["x"], np.float32)]
    lt.assert_same_bits(text, *inputs)
