# ===- test_gradients_mamba.py - derivatives of a Mamba block -===//
#
# Part of Linnet, under Apache-2.0 WITH LLVM-exception. See LICENSE.
#
# ===----------------------------------------------------------------------===//
"""RMS norm, in-projection, causal convolution with silu, projections to steps, B and C, selective
scan with softplus, gate and skip, out-projection, residual (arXiv:2312.00752): the gradients of
everything, of inputs and weights, and training, against PyTorch's autograd in float64."""
import gradient_training as training
import numpy as np
import pytest
import torch
from torch.nn import functional as F

from linnet import gradients as lg
from linnet import testing as lt

B, L, WIDTH, INNER, RANK, STATES, TAPS, TOKENS = 2, 13, 12, 24, 3, 4, 4, 7
WEIGHTS = {"norm": (WIDTH,), "win": (WIDTH, 2 * INNER), "taps": (INNER, TAPS), "shift": (INNER,),
           "wx": (INNER, RANK + 2 * STATES), "wdt": (RANK, INNER), "dt": (INNER,),
           "loga": (INNER, STATES), "skip": (INNER,), "wout": (INNER, WIDTH)}


def tensor(*shape, dtype="f32"):
    return "tensor<" + "".join(f"{n}x" for n in shape) + dtype + ">"


def lines(x, dtype, length):
    """The block, from %{x} to %out; weights are in WEIGHTS' names."""
    t = {n: tensor(*s, dtype=dtype) for n, s in WEIGHTS.items()}
    rows = lambda *width: tensor(B, length, *width, dtype=dtype)
    wide, both, small = rows(WIDTH), rows(2 * INNER), rows(RANK + 2 * STATES)
    inner, rank, states = rows(INNER), rows(RANK), rows(STATES)
    size = "%length" if length == "?" else length

    def part(out, source, first, width, from_, to):
        return (f"%{out} = tensor.extract_slice %{source}[0, 0, {first}] [{B}, {size}, {width}] "
                f"[1, 1, 1] : {from_} to {to}")

    def project(out, a, w, from_, to):
        return f'%{out} = linnet.einsum "bli,io->blo" %{a}, %{w} : {from_}, {t[w]} -> {to}'

    return f"""
  %one = arith.constant 1 : index
  %length = tensor.dim %{x}, %one : {wide}
  %n = linnet.rms_norm %{x} scale %norm eps 1.0e-5 : {wide}, {t['norm']}
  {project('xz', 'n', 'win', wide, both)}
  {part('u0', 'xz', 0, INNER, both, inner)}
  {part('z', 'xz', INNER, INNER, both, inner)}
  %u = linnet.causal_conv %u0, %taps bias(%shift : {t['shift']}) activation<silu>
    : {inner}, {t['taps']} -> {inner}
  {project('parts', 'u', 'wx', inner, small)}
  {part('dt0', 'parts', 0, RANK, small, rank)}
  {part('b', 'parts', RANK, STATES, small, states)}
  {part('c', 'parts', RANK + STATES, STATES, small, states)}
  {project('delta', 'dt0', 'wdt', rank, inner)}
  %expa = math.exp %loga : {t['loga']}
  %a = arith.negf %expa : {t['loga']}
  %y = linnet.selective_scan %u, %delta, %a, %b, %c skip(%skip : {t['skip']}) gate(%z : {inner})
    delta_bias(%dt : {t['dt']}) softplus : {inner}, {inner}, {t['loga']}, {states}, {states} -> {inner}
  {project('o', 'y', 'wout', inner, wide)}
  %out = arith.addf %{x}, %o : {wide}"""


def block(dtype="f32", dynamic=False):
    length = "?" if dynamic else L
    x = tensor(B, length, WIDTH, dtype=dtype)
    dims = f' {{linnet.dims = [{B}, "L", {WIDTH}]}}' if dynamic else ""
    weights = "".join(f", %{n}: {tensor(*s, dtype=dtype)}" for n, s in WEIGHTS.items())
    return (f"func.func @main(%x: {x}{dims}{weights}) -> {x} {{{lines('x', dtype, length)}\n"
            f"  return %out : {x}\n}}")


def torch_block(x, norm, win, taps, shift, wx, wdt, dt, loga, skip, wout):
    n = x * torch.rsqrt((x * x).mean(-1, keepdim=True) + 1e-5) * norm
    u, z = (n @ win).split(INNER, 2)
    u = F.silu(F.conv1d(F.pad(u.mT, (TAPS - 1, 0)), taps[:, None], shift, groups=INNER).mT)
    step, b, c = (u @ wx).split((RANK, STATES, STATES), 2)
    d, a = F.softplus(step @ wdt + dt), -torch.exp(loga)
    h, rows = torch.zeros(x.shape[0], INNER, STATES, dtype=x.dtype), []
    for i in range(x.shape[1]):
        h = torch.exp(d[:, i, :, None] * a) * h + (d * u)[:, i, :, None] * b[:, i, None]
        rows.append((h * c[:, i, None]).sum(2))
    y = (torch.stack(rows, 1) + skip * u) * F.silu(z)
    return x + y @ wout


def draw_weights(dtype="f32", seed=5):
    rng = np.random.default_rng(seed)
    weights = {}
    for name, shape in WEIGHTS.items():
        x = rng.standard_normal(shape) * (1 if len(shape) == 1 else shape[0] ** -0.5)
        if name == "loga":
            x = np.broadcast_to(np.log(np.arange(1, STATES + 1)), shape)
        elif name == "dt":
            x = x - 2
        elif name in ("norm", "skip"):
            x = 1 + 0.1 * x
        weights[name] = x.astype(lt.DTYPES[dtype])
    return weights


def draw(dtype="f32", length=L):
    x = np.random.default_rng(6).standard_normal((B, length, WIDTH)).astype(lt.DTYPES[dtype])
    return [x, *draw_weights(dtype).values()]


@pytest.mark.parametrize("threads", [1, 3])
def test_block(threads):
    lg.check(block(), draw(), torch=torch_block, threads=threads)


@pytest.mark.slow(quick="^(1|65)$")
@pytest.mark.parametrize("length", [1, 65, 130])
def test_block_of_dynamic_length(length):
    lg.check(block(dynamic=True), draw(length=length), torch=torch_block,
             cotangent_dims=[f'[{B}, "L", {WIDTH}]'])


def test_same_bits_at_every_thread_count():
    text, inputs = lg.module(block()), [*draw(), np.ones((B, L, WIDTH), np.float32)]
    lt.assert_same_bits(text, *inputs)


# A language model of one block: tokens to the next tokens.

MODEL = {"embed": (TOKENS, WIDTH), **WEIGHTS, "head": (WIDTH, TOKENS)}
RATE, MOMENTUM = 0.1, 0.9


def train_step():
    t = {n: tensor(*s) for n, s in MODEL.items()}
    tokens, x, logits = tensor(B, L, dtype="i64"), tensor(B, L, WIDTH), tensor(B, L, TOKENS)
    return training.step_text(MODEL, {"tokens": tokens, "next": tokens}, f"""
  %x = linnet.gather %embed, %tokens axis 0 : {t['embed']}, {tokens} -> {x}
  {lines('x', 'f32', L)}
  %logits = linnet.einsum "blw,wt->blt" %out, %head : {x}, {t['head']} -> {logits}
  %loss = linnet.cross_entropy mean %logits, %next : {logits}, {tokens} -> tensor<f32>""", MOMENTUM)


def draw_model():
    rng = np.random.default_rng(7)
    weights = draw_weights()
    return {n: weights[n] if n in weights else (0.3 * rng.standard_normal(s)).astype(np.float32)
            for n, s in MODEL.items()}


def draw_tokens(step):
    """Counts up by 1 in one sequence and by 2 in the other, from anywhere: the next token needs
    the one before."""
    start = np.random.default_rng(step).integers(0, TOKENS, (B, 1))
    text = (start + np.array([[1], [2]]) * np.arange(L + 1)) % TOKENS
    return text[:, :-1], text[:, 1:]


def torch_loss(weights, tokens, following):
    embed, *block, head = weights
    logits = torch_block(embed[tokens], *block) @ head
    return F.cross_entropy(logits.flatten(0, 1), following.flatten())


def test_training_follows_pytorch_and_lowers_the_loss():
    weights, batches = list(draw_model().values()), [draw_tokens(step) for step in range(60)]
    losses = training.losses(train_step(), weights, batches, RATE)
    assert losses[-1] < 0.25 * losses[0]
    # later on the momentum makes more of every rounding
    expected = training.torch_losses(torch_loss, weights, batches[:30], RATE, MOMENTUM)
    np.testing.assert_allclose(losses[:30], expected, rtol=1e-3)
