# ===- sequence.py - attention, scans, linear attention -===//
#
# Part of Linnet, under Apache-2.0 WITH LLVM-exception. See LICENSE.
#
# ===----------------------------------------------------------------------===//
import functools

import numpy as np

from linnet import reference
from linnet._src import testing as lt
from linnet._src.bench import iree_text
from linnet._src.bench.workload import Workload, rng_of


def attention(heads, key_heads, queries, keys, depth, causal):
    rng = rng_of(heads, queries, keys, depth)
    q = lt.random(rng, (1, heads, queries, depth), "f32")
    k, v = (lt.random(rng, (1, key_heads, keys, depth), "f32") for _ in range(2))
    types = [lt.tensor_type(x.shape, "f32") for x in (q, k, v)]
    text = lt.function(
        [lt.argument(n, x.shape, "f32") for n, x in zip("qkv", (q, k, v))], types[0],
        f"%y = linnet.attention %q, %k, %v{' masks<[causal]>' * causal} : {', '.join(types)}"
        f" -> {types[0]}")
    flops = 4.0 * heads * queries * keys * depth * (0.5 if causal else 1)
    kind = "decode" if queries == 1 else "attention"
    return Workload(
        kind + ("_causal" if causal else "") + ("_gqa" if heads != key_heads else ""),
        f"{heads}x{queries}x{keys}x{depth}", text, [q, k, v], flops,
        4.0 * (q.size * 2 + k.size + v.size), "read" if queries == 1 else "fma",
        torch=(lambda t, q, k, v: t.nn.functional.scaled_dot_product_attention(
            q, k, v, is_causal=causal, enable_gqa=heads != key_heads),),
        onnx=("Attention", {"is_causal": 1} if causal else {}, "qkv"), exported=True,
        # for many queries IREE's own op takes twice as long as the plain ops that ONNX gives it
        iree=(functools.partial(iree_text.attention, heads, key_heads, keys, depth),)
        if queries == 1 else ())


def attention_grad(heads, length, depth):
    """Gradients of causal attention from what the forward pass left. Five products are counted."""
    rng = rng_of(heads, length, depth)
    q, k, v, dout = (lt.random(rng, (1, heads, length, depth), "f32") for _ in range(4))
    o, lse = (x.astype(np.float32) for x in reference.attention(q, k, v, causal=True))
    inputs = dict(q=q, k=k, v=v, o=o, lse=lse, d=dout)
    type, rows = lt.tensor_type(q.shape, "f32"), lt.tensor_type(lse.shape, "f32")
    types = ", ".join([type] * 3)
    arguments = ", ".join(lt.argument(n, x.shape, "f32") for n, x in inputs.items())
    text = f"""func.func @main({arguments}) -> ({types}) {{
  %y:3 = linnet.attention_grad %q, %k, %v out(%o, %lse : {rows}) grad(%d) masks<[causal]>
    : {types}, {type} -> {types}
  return %y#0, %y#1, %y#2 : {types}
}}"""
    kept = []

    def torch_backward(t, q, k, v, o, lse, dout):
        with t.inference_mode(False), t.enable_grad():
            if not kept:
                leaves = [x.clone().requires_grad_() for x in (q, k, v)]
                kept.append((t.nn.functional.scaled_dot_product_attention(*leaves, is_causal=True),
                             leaves))
            return t.autograd.grad(*kept[0], dout, retain_graph=True)

    return Workload(
        "attention_grad_causal", f"{heads}x{length}x{length}x{depth}", text, list(inputs.values()),
        5.0 * heads * length * length * depth, 4.0 * (8 * q.size + lse.size), "fma",
        torch=(torch_backward,))


def selective_scan(length, channels, states=16):
    rng = rng_of(length, channels)
    u = lt.random(rng, (1, length, channels), "f32")
    delta = np.abs(lt.random(rng, u.shape, "f32", 0.1))
    a = -np.abs(lt.random(rng, (channels, states), "f32")) - np.float32(0.1)
    b, c = (lt.random(rng, (1, length, states), "f32") for _ in range(2))
    types = [lt.tensor_type(x.shape, "f32") for x in (u, delta, a, b, c)]
    text = lt.function(
        [lt.argument(n, x.shape, "f32") for n, x in zip("udabc", (u, delta, a, b, c))], types[0],
        f"%y = linnet.selective_scan %u, %d, %a, %b, %c : {', '.join(types)} -> {types[0]}")

    def torch_scan(t, u, delta, a, b, c):
        h, rows = t.zeros(channels, states), []
        for i in range(length):
            d = delta[0, i][:, None]
            h = t.exp(d * a) * h + d * u[0, i][:, None] * b[0, i]
            rows.append(h @ c[0, i])
        return t.stack(rows)[None]

    return Workload("selective_scan", f"{length}x{channels}x{states}", text, [u, delta, a, b, c],
                    7.0 * u.size * states, 4.0 * (3 * u.size + a.size + b.size + c.size), "scan",
                    torch=(torch_scan,), scan=(length, channels),
                    iree=(functools.partial(iree_text.selective_scan, length, channels, states),))


def _backward(forward):
    """PyTorch's autograd of `forward`, a function of torch and its operands, from the graph that it
    leaves; the last argument is the gradient of the result."""
    kept = []

    def call(t, *arguments):
        with t.inference_mode(False), t.enable_grad():
            if not kept:
                leaves = [x.clone().requires_grad_() for x in arguments[:-1]]
                kept.append((forward(t, *leaves), leaves))
            return t.autograd.grad(*kept[0], arguments[-1], retain_graph=True)
    return call


def _gradients(op, inputs, spelling):
    """Text that calls a gradient op whose last operand is the gradient of the result."""
    types = [lt.tensor_type(x.shape, "f32") for x in inputs.values()]
    results = ", ".join(types[:-1])
    arguments = ", ".join(lt.argument(n, x.shape, "f32") for n, x in inputs.items())
    names = ", ".join(f"%y#{i}" for i in range(len(inputs) - 1))
    return f"""func.func @main({arguments}) -> ({results}) {{
  %y:{len(inputs) - 1} = linnet.{op} {spelling} : {', '.join(types)} -> {results}
  return {names} : {results}
}}"""


def selective_scan_grad(length, channels, states=16):
    """The ceiling is the forward pass by hand: a fraction of 0.25 is four times its time."""
    forward = selective_scan(length, channels, states)
    u, _, a, b, _ = forward.inputs
    dy = lt.random(rng_of(length, channels, 1), u.shape, "f32")
    inputs = dict(zip("udabcg", [*forward.inputs, dy]))
    text = _gradients("selective_scan_grad", inputs, "%u, %d, %a, %b, %c grad(%g)")
    return Workload("selective_scan_grad", forward.shape, text, list(inputs.values()),
                    38.0 * u.size * states, 4.0 * (5 * u.size + 2 * a.size + 4 * b.size), "scan",
                    torch=tuple(map(_backward, forward.torch)), scan=(length, channels))


def causal_conv_grad(length, channels, width=4):
    rng = rng_of(length, channels, width)
    x, w, dy = (lt.random(rng, s, "f32")
                for s in ((1, length, channels), (channels, width), (1, length, channels)))
    inputs = dict(x=x, w=w, g=dy)
    text = _gradients("causal_conv_grad", inputs, "%x, %w grad(%g) activation<silu>")

    def forward(t, x, w):
        f = t.nn.functional
        y = f.conv1d(f.pad(x.mT, (width - 1, 0)), w[:, None], groups=channels)
        return f.silu(y).mT

    return Workload("causal_conv_grad", f"{length}x{channels}x{width}", text, list(inputs.values()),
                    6.0 * width * x.size, 4.0 * (3 * x.size + 2 * w.size), "copy",
                    torch=(_backward(forward),))


def linear_attention(heads, length, depth, gated):
    rng = rng_of(heads, length, depth)
    q, k, v = (lt.random(rng, (1, heads, length, depth), "f32", depth ** -0.5) for _ in range(3))
    g = -np.abs(lt.random(rng, q.shape, "f32", 0.1))
    type = lt.tensor_type(q.shape, "f32")
    inputs = [q, k, v] + ([g] if gated else [])
    text = lt.function(
        [lt.argument(n, x.shape, "f32") for n, x in zip("qkvg", inputs)], type,
        f"%y = linnet.linear_attention %q, %k, %v{f' decay(%g : {type})' * gated}"
        f" : {type}, {type}, {type} -> {type}")
    size, spellings = (heads, length, depth), (_gated(16), _gated(32))
    if not gated:
        spellings = _batched(64), _batched(128), _loop(128), _loop(256)
    return Workload("linear_attention" + "_gated" * gated, f"{heads}x{length}x{depth}", text, inputs,
                    (5.0 if gated else 4.0) * q.size * depth, 4.0 * q.size * (len(inputs) + 1),
                    "fma", torch=spellings, exported=not gated, iree=() if gated else (
                        functools.partial(iree_text.linear_attention_batched, *size, 64),
                        functools.partial(iree_text.linear_attention_batched, *size, 128),
                        functools.partial(iree_text.linear_attention_loop, *size, 128)))


def linear_attention_grad(heads, length, depth, gated):
    """Gradients by all operands from the operands: five products with a state are counted."""
    rng = rng_of(heads, length, depth)
    q, k, v = (lt.random(rng, (1, heads, length, depth), "f32", depth ** -0.5) for _ in range(3))
    g, dout = -np.abs(lt.random(rng, q.shape, "f32", 0.1)), lt.random(rng, q.shape, "f32")
    type, count = lt.tensor_type(q.shape, "f32"), 4 if gated else 3
    inputs = dict(q=q, k=k, v=v, **({"g": g} if gated else {}), d=dout)
    arguments = ", ".join(lt.argument(n, x.shape, "f32") for n, x in inputs.items())
    types = ", ".join([type] * count)
    text = f"""func.func @main({arguments}) -> ({types}) {{
  %y:{count} = linnet.linear_attention_grad %q, %k, %v{f' decay(%g : {type})' * gated} grad(%d)
    : {', '.join([type] * 4)} -> {types}
  return {', '.join(f'%y#{i}' for i in range(count))} : {types}
}}"""

    def backward_of(forward):
        kept = []

        def call(t, *values):
            with t.inference_mode(False), t.enable_grad():
                if not kept:
                    leaves = [x.clone().requires_grad_() for x in values[:-1]]
                    kept.append((forward(t, *leaves), leaves))
                return t.autograd.grad(*kept[0], values[-1], retain_graph=True)
        return call

    forms = (_gated(16), _gated(32)) if gated else (_batched(64), _batched(128))
    return Workload("linear_attention_grad" + "_gated" * gated, f"{heads}x{length}x{depth}", text,
                    list(inputs.values()), 10.0 * q.size * depth, 4.0 * q.size * (2 * count + 1),
                    "fma", torch=tuple(map(backward_of, forms)))


def _batched(chunk):
    """All chunks at once, the states before them by a running sum."""
    def call(t, q, k, v):
        q, k, v = (x.unflatten(2, (-1, chunk)) for x in (q, k, v))
        updates = k.transpose(-1, -2) @ v
        before = updates.cumsum(2) - updates
        return ((q @ k.transpose(-1, -2)).tril() @ v + q @ before).flatten(2, 3)
    return call


def _loop(chunk):
    """A loop over the chunks that carries the state."""
    def call(t, q, k, v):
        state, out = t.zeros(q.shape[1], q.shape[3], v.shape[3]), []
        for a, b, c in zip(*(x[0].split(chunk, 1) for x in (q, k, v))):
            inside = (a @ b.transpose(1, 2)).tril()
            out.append(t.baddbmm(inside @ c, a, state))
            state = t.baddbmm(state, b.transpose(1, 2), c)
        return t.cat(out, 1)[None]
    return call


def _gated(chunk):
    """As _batched, with decays: states one after another, scores rescaled within a chunk."""
    def call(t, q, k, v, g):
        q, k, v, g = (x.unflatten(2, (-1, chunk)) for x in (q, k, v, g))
        total = g.cumsum(3)
        inside = ((q * total.exp()) @ (k * (-total).exp()).transpose(-1, -2)).tril()
        updates = (k * (total[:, :, :, -1:] - total).exp()).transpose(-1, -2) @ v
        decay, out = total[:, :, :, -1].exp(), []
        state = t.zeros_like(updates[:, :, 0])
        for i in range(q.shape[2]):
            out.append((q[:, :, i] * total[:, :, i].exp()) @ state)
            state = decay[:, :, i, :, None] * state + updates[:, :, i]
        return (inside @ v + t.stack(out, 2)).flatten(2, 3)
    return call
