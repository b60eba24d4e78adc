# ===- test_gradients_gated_delta.py - derivatives of a gated delta block -===//
#
# Part of Linnet, under Apache-2.0 WITH LLVM-exception. See LICENSE.
#
# ===----------------------------------------------------------------------===//
"""The mixer of gated DeltaNet (arXiv:2412.06464): RMS norm, projections, short convolutions, keys
and queries of norm 1, the gated delta rule, gated RMS norm, output projection, residual. The
gradients of inputs and weights against PyTorch's autograd in float64."""
import numpy as np
import pytest
import torch

from linnet import gradients as lg
from linnet import testing as lt

B, N, WIDTH, H, D, W = 2, 21, 24, 2, 8, 4
INNER = H * D
SHAPES = {"x": (B, N, WIDTH), "n1": (WIDTH,), "wq": (WIDTH, INNER), "wk": (WIDTH, INNER),
          "wv": (WIDTH, INNER), "cq": (INNER, W), "ck": (INNER, W), "cv": (INNER, W),
          "wg": (WIDTH, H), "wb": (WIDTH, H), "wz": (H, WIDTH, D), "n2": (D,), "wo": (H, D, WIDTH)}


def block():
    t = {k: lt.tensor_type(s, "f32") for k, s in SHAPES.items()}
    x, inner = t["x"], f"tensor<{B}x{N}x{INNER}xf32>"
    split, heads = f"tensor<{B}x{N}x{H}x{D}xf32>", f"tensor<{B}x{H}x{N}x{D}xf32>"
    gates, sums = f"tensor<{B}x{H}x{N}xf32>", f"tensor<{B}x{H}x{N}x1xf32>"
    ones = lambda type: f"arith.constant dense<1.0> : {type}"

    def mixed(name):
        return f"""
  %{name}0 = linnet.einsum "bnc,ci->bni" %a, %w{name} : {x}, {t['w' + name]} -> {inner}
  %{name}1 = linnet.causal_conv %{name}0, %c{name} activation<silu> : {inner}, {t['c' + name]} -> {inner}
  %{name}2 = tensor.expand_shape %{name}1 [[0], [1], [2, 3]] output_shape [{B}, {N}, {H}, {D}]
    : {inner} into {split}
  %{name}3 = linnet.einsum "bnhd->bhnd" %{name}2 : {split} -> {heads}"""

    def unit(name):
        return f"""
  %{name}4 = arith.mulf %{name}3, %{name}3 : {heads}
  %{name}5 = linnet.reduce sum %{name}4 axes [3] keepdims : {heads} -> {sums}
  %{name}6 = arith.addf %{name}5, %eps : {sums}
  %{name}7 = math.rsqrt %{name}6 : {sums}
  %{name}8 = linnet.broadcast %{name}7 like %{name}3 : {sums}, {heads} -> {heads}
  %{name} = arith.mulf %{name}3, %{name}8 : {heads}"""

    return f"""func.func @main({', '.join(f'%{k}: {v}' for k, v in t.items())}) -> {x} {{
  %a = linnet.rms_norm %x scale %n1 eps 1.0e-5 : {x}, {t['n1']}
  %eps = arith.constant dense<1.0e-3> : {sums}{mixed('q')}{mixed('k')}{mixed('v')}{unit('q')}{unit('k')}
  %one = {ones(gates)}
  %g0 = linnet.einsum "bnc,ch->bhn" %a, %wg : {x}, {t['wg']} -> {gates}
  %g1 = math.exp %g0 : {gates}
  %g2 = math.log1p %g1 : {gates}
  %g = arith.negf %g2 : {gates}
  %b0 = linnet.einsum "bnc,ch->bhn" %a, %wb : {x}, {t['wb']} -> {gates}
  %b1 = arith.negf %b0 : {gates}
  %b2 = math.exp %b1 : {gates}
  %b3 = arith.addf %b2, %one : {gates}
  %b = arith.divf %one, %b3 : {gates}
  %o = linnet.linear_attention %q, %k, %v3 decay(%g : {gates}) beta(%b : {gates}) scale(0.5)
    : {heads}, {heads}, {heads} -> {heads}
  %m = linnet.rms_norm %o scale %n2 eps 1.0e-5 : {heads}, {t['n2']}
  %z = linnet.einsum "bnc,hcd->bhnd" %a, %wz : {x}, {t['wz']} -> {heads}
  %z1 = arith.negf %z : {heads}
  %z2 = math.exp %z1 : {heads}
  %ones = {ones(heads)}
  %z3 = arith.addf %z2, %ones : {heads}
  %z4 = arith.divf %z, %z3 : {heads}
  %gated = arith.mulf %m, %z4 : {heads}
  %p = linnet.einsum "bhnd,hdc->bnc" %gated, %wo : {heads}, {t['wo']} -> {x}
  %y = arith.addf %x, %p : {x}
  return %y : {x}
}}"""


def rms(x, scale):
    return x * torch.rsqrt((x * x).mean(-1, keepdim=True) + 1e-5) * scale


def torch_block(x, n1, wq, wk, wv, cq, ck, cv, wg, wb, wz, n2, wo):
    a = rms(x, n1)

    def mixed(w, c):
        y = torch.nn.functional.pad((a @ w).mT, (W - 1, 0))
        y = torch.nn.functional.silu(torch.nn.functional.conv1d(y, c[:, None], groups=INNER)).mT
        return y.unflatten(2, (H, D)).transpose(1, 2)

    unit = lambda y: y * torch.rsqrt((y * y).sum(-1, keepdim=True) + 1e-3)
    q, k, v = unit(mixed(wq, cq)), unit(mixed(wk, ck)), mixed(wv, cv)
    g, beta = -torch.nn.functional.softplus((a @ wg).mT), (a @ wb).mT.sigmoid()
    s, rows = torch.zeros(B, H, D, D, dtype=x.dtype), []
    for t in range(N):
        s = g[:, :, t, None, None].exp() * s
        found = torch.einsum("bhk,bhkd->bhd", k[:, :, t], s)
        s = s + torch.einsum("bhk,bhd->bhkd", k[:, :, t], beta[:, :, t, None] * (v[:, :, t] - found))
        rows.append(0.5 * torch.einsum("bhkd,bhk->bhd", s, q[:, :, t]))
    gate = torch.nn.functional.silu(torch.einsum("bnc,hcd->bhnd", a, wz))
    return x + torch.einsum("bhnd,hdc->bnc", rms(torch.stack(rows, 2), n2) * gate, wo)


def draw():
    rng = np.random.default_rng(7)
    scale = lambda name: 1.0 if name in ("x", "n1", "n2") else 0.4
    return [lt.random(rng, s, "f32", scale(k)) for k, s in SHAPES.items()]


@pytest.mark.parametrize("threads", [1, 3])
def test_block(threads):
    lg.check(block(), draw(), torch=torch_block, threads=threads)


def test_same_bits_at_every_thread_count():
    text = lg.module(block())
    inputs = [*draw(), np.ones(SHAPES["x"], np.float32)]
    lt.assert_same_bits(text, *inputs)
