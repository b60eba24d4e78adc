# ===- workloads.py - what is timed -===//
#
# Part of Linnet, under Apache-2.0 WITH LLVM-exception. See LICENSE.
#
# ===----------------------------------------------------------------------===//
"""Each workload: IR, inputs and weights, counts, its ceiling, and the same for the peers."""

import dataclasses
import typing

import numpy as np

from linnet._src import testing as lt


@dataclasses.dataclass
class Workload:
    name: str
    shape: str
    text: str
    inputs: list
    flops: float
    bytes: float
    ceiling: str  # fma, bf16, read, copy or scan
    dtype: str = "f32"
    weights: dict = dataclasses.field(default_factory=dict)
    torch: typing.Callable = None  # torch module, inputs..., weights... -> tensor
    onnx: tuple = None  # (op, attributes, order of inputs and weights, domain)
    tolerance: float = 1e-3
    scan: tuple = ()
    # for models with state: sizes of the session, what to do with it once, and before each call
    function: str = "main"
    symbols: dict = dataclasses.field(default_factory=dict)
    setup: typing.Callable = lambda session: None
    before: typing.Callable = lambda session: None


def _rng(*seed):
    return np.random.default_rng(sum(seed))


def _weight(name, array, dtype="f32"):
    type = lt.tensor_type(array.shape, dtype)
    return (f"ml_program.global private @{name}(#ml_program.extern<{type}>) : {type}\n",
            f"%{name} = ml_program.global_load_const @{name} : {type}\n")


def matmul(m, n, k, dtype="f32", dynamic=False):
    rng = _rng(m, n, k)
    a, b = lt.random(rng, (m, k), dtype), lt.random(rng, (k, n), dtype)
    which = [0] if dynamic else False
    left, result = lt.tensor_type((m, k), dtype, which), lt.tensor_type((m, n), dtype, which)
    declaration, load = _weight("b", b, dtype)
    text = declaration + lt.function(
        [lt.argument("a", (m, k), dtype, which)], result,
        f'{load}%y = linnet.einsum "mk,kn->mn" %a, %b : {left}, {lt.tensor_type((k, n), dtype)}'
        f" -> {result}")
    return Workload(f"matmul{'_dynamic' * dynamic}", f"{m}x{n}x{k}", text, [a], 2.0 * m * n * k,
                    (m * k + k * n + m * n) * a.itemsize, "bf16" if dtype == "bf16" else "fma",
                    dtype, {"b": b}, lambda t, a, b: a @ b,
                    ("MatMul", {}, "ab") if dtype == "f32" else None,
                    tolerance=1e-3 if dtype == "f32" else 0.3)


def matmul_all_dynamic(m, n, k):
    rng = _rng(m, n, k)
    a, b = lt.random(rng, (m, k), "f32"), lt.random(rng, (k, n), "f32")
    text = lt.function(
        [lt.argument("a", (m, k), "f32", True, ["M", "K"]),
         lt.argument("b", (k, n), "f32", True, ["K", "N"])], "tensor<?x?xf32>",
        '%y = linnet.einsum "mk,kn->mn" %a, %b : tensor<?x?xf32>, tensor<?x?xf32> -> tensor<?x?xf32>')
    return Workload("matmul_all_dynamic", f"{m}x{n}x{k}", text, [a, b], 2.0 * m * n * k,
                    4.0 * (m * k + k * n + m * n), "fma", torch=lambda t, a, b: a @ b,
                    onnx=("MatMul", {}, "ab"))


def gemv(n, k):
    rng = _rng(n, k)
    x, w = lt.random(rng, (1, k), "f32"), lt.random(rng, (k, n), "f32", 0.02)
    declaration, load = _weight("w", w)
    text = declaration + lt.function(
        [lt.argument("x", (1, k), "f32")], f"tensor<1x{n}xf32>",
        f'{load}%y = linnet.einsum "mk,kn->mn" %x, %w : tensor<1x{k}xf32>, tensor<{k}x{n}xf32>'
        f" -> tensor<1x{n}xf32>")
    return Workload("gemv", f"{n}x{k}", text, [x], 2.0 * n * k, 4.0 * n * k, "read",
                    weights={"w": w}, torch=lambda t, x, w: x @ w, onnx=("MatMul", {}, "xw"))


def attention(heads, key_heads, queries, keys, depth, causal):
    rng = _rng(heads, queries, keys, depth)
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
        torch=lambda t, q, k, v: t.nn.functional.scaled_dot_product_attention(
            q, k, v, is_causal=causal, enable_gqa=heads != key_heads),
        onnx=("Attention", {"is_causal": 1} if causal else {}, "qkv"))


def selective_scan(length, channels, states=16):
    rng = _rng(length, channels)
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
                    torch=torch_scan, scan=(length, channels))


def linear_attention(heads, length, depth, gated):
    rng = _rng(heads, length, depth)
    q, k, v = (lt.random(rng, (1, heads, length, depth), "f32", depth ** -0.5) for _ in range(3))
    g = -np.abs(lt.random(rng, q.shape, "f32", 0.1))
    type = lt.tensor_type(q.shape, "f32")
    inputs = [q, k, v] + ([g] if gated else [])
    text = lt.function(
        [lt.argument(n, x.shape, "f32") for n, x in zip("qkvg", inputs)], type,
        f"%y = linnet.linear_attention %q, %k, %v{f' decay(%g : {type})' * gated}"
        f" : {type}, {type}, {type} -> {type}")
    return Workload("linear_attention" + "_gated" * gated, f"{heads}x{length}x{depth}", text, inputs,
                    (5.0 if gated else 4.0) * q.size * depth, 4.0 * q.size * (len(inputs) + 1),
                    "fma", torch=_chunked_gated if gated else _chunked)


def _chunked(t, q, k, v, chunk=64):
    q, k, v = (x.unflatten(2, (-1, chunk)) for x in (q, k, v))
    sums = (k.transpose(-1, -2) @ v).cumsum(2).roll(1, 2)
    sums[:, :, 0] = 0
    return ((q @ k.transpose(-1, -2)).tril() @ v + q @ sums).flatten(2, 3)


def _chunked_gated(t, q, k, v, g, chunk=16):
    q, k, v, g = (x.unflatten(2, (-1, chunk)) for x in (q, k, v, g))
    total = g.cumsum(3)
    score = ((q * total.exp()) @ (k * (-total).exp()).transpose(-1, -2)).tril()
    update = (k * (total[:, :, :, -1:] - total).exp()).transpose(-1, -2) @ v
    decay, out = total[:, :, :, -1].exp(), []
    state = t.zeros_like(update[:, :, 0])
    for i in range(q.shape[2]):
        out.append((q[:, :, i] * total[:, :, i].exp()) @ state)
        state = decay[:, :, i, :, None] * state + update[:, :, i]
    return (score @ v + t.stack(out, 2)).flatten(2, 3)


def conv(batch, cin, cout, size, kernel, groups):
    rng = _rng(cin, cout, size)
    x = lt.random(rng, (batch, cin, size, size), "f32")
    w = lt.random(rng, (cout, cin // groups, kernel, kernel), "f32", 0.1)
    pad = kernel // 2
    declaration, load = _weight("w", w)
    types = [lt.tensor_type(s, "f32") for s in (x.shape, w.shape, (batch, cout, size, size))]
    text = declaration + lt.function(
        [lt.argument("x", x.shape, "f32")], types[2],
        f"{load}%y = linnet.conv %x, %w groups {groups} padding [{pad}, {pad}, {pad}, {pad}]"
        f" : {types[0]}, {types[1]} -> {types[2]}")
    name = "depthwise" if groups > 1 else "conv"
    return Workload(name, f"{cin}x{cout}x{size}x{size}x{kernel}", text, [x],
                    2.0 * batch * size * size * w.size, 4.0 * (x.size + w.size + x.size * cout / cin),
                    "fma", weights={"w": w},
                    torch=lambda t, x, w: t.nn.functional.conv2d(x, w, padding=pad, groups=groups),
                    onnx=("Conv", {"group": groups, "pads": [pad] * 4}, "xw"))


def rowwise(kind, rows, columns):
    rng = _rng(rows, columns)
    x, s, b = (lt.random(rng, shape, "f32") for shape in ((rows, columns), columns, columns))
    type, small = lt.tensor_type(x.shape, "f32"), f"tensor<{columns}xf32>"
    bodies = {"softmax": f"linnet.softmax %x axis 1 : {type}",
              "layer_norm": f"linnet.layer_norm %x scale %s bias %b eps 1.0e-5 : {type}, {small}, {small}",
              "rms_norm": f"linnet.rms_norm %x scale %s eps 1.0e-5 : {type}, {small}"}
    used = {"softmax": {}, "layer_norm": {"s": s, "b": b}, "rms_norm": {"s": s}}[kind]
    globals_ = [_weight(n, w) for n, w in used.items()]
    text = "".join(d for d, _ in globals_) + lt.function(
        [lt.argument("x", x.shape, "f32")], type,
        "".join(load for _, load in globals_) + f"%y = {bodies[kind]}")
    calls = {"softmax": lambda t, x: t.softmax(x, 1),
             "layer_norm": lambda t, x, s, b: t.nn.functional.layer_norm(x, (columns,), s, b, 1e-5),
             "rms_norm": lambda t, x, s: t.nn.functional.rms_norm(x, (columns,), s, 1e-5)}
    ops = {"softmax": ("Softmax", {"axis": 1}, "x"),
           "layer_norm": ("LayerNormalization", {"axis": 1, "epsilon": 1e-5}, "xsb"),
           "rms_norm": ("RMSNormalization", {"axis": 1, "epsilon": 1e-5}, "xs")}
    return Workload(kind, f"{rows}x{columns}", text, [x], 5.0 * x.size, 8.0 * x.size, "copy",
                    weights=used, torch=calls[kind], onnx=ops[kind])


def gpt2(decode, length=512):
    """Prefill of `length` tokens with logits at all positions, or the step after length - 1."""
    from linnet.examples import gpt2 as example
    c = example.SMALL
    weights = example.random_parameters(c)
    tokens = _rng(length).integers(0, c.vocab, (1, length))
    start = np.asarray(length - 1 if decode else 0)
    context, inputs = tokens[:, :-1], tokens[:, -1:] if decode else tokens
    matrices = sum(w.size for n, w in weights.items() if w.ndim == 2 and n != "wpe.weight")
    rows = 1 if decode else length
    flops = 2.0 * rows * matrices + 4.0 * c.layers * rows * length * c.width * (1 if decode else 0.5)

    cache = []

    def torch_model(t, tokens, *values):
        parameters = dict(zip(weights, values))
        if not decode:
            return example.torch_logits(c, parameters, tokens)
        if not cache:
            example.torch_logits(c, parameters, t.from_numpy(context), cache)
        return example.torch_logits(c, parameters, tokens, list(cache))

    return Workload(
        "gpt2_decode" if decode else "gpt2_prefill", str(length), example.Model(c).text(),
        [np.ascontiguousarray(inputs)], flops, 4.0 * (matrices + 2 * c.layers * length * c.width),
        "read" if decode else "fma", weights=weights, torch=torch_model,
        function="decode" if decode else "prefill", symbols={"C": length},
        setup=(lambda s: s.call("prefill", context)) if decode else lambda s: None,
        before=lambda s: s.set_state("position", start))


def all_workloads():
    """Thunks by name, so that only what is timed is made."""
    table = {}
    for m, n, k in ((512, 512, 512), (500, 700, 333), (17, 64, 4097), (1024, 1024, 1024),
                    (128, 3072, 768)):
        table[f"matmul {m}x{n}x{k}"] = lambda m=m, n=n, k=k: matmul(m, n, k)
    for m, n, k in ((512, 512, 512), (500, 700, 333), (17, 64, 4097)):
        table[f"matmul_dynamic {m}x{n}x{k}"] = lambda m=m, n=n, k=k: matmul(m, n, k, dynamic=True)
    for m, n, k in ((512, 512, 512), (500, 700, 333), (17, 64, 4097)):
        table[f"matmul_all_dynamic {m}x{n}x{k}"] = lambda m=m, n=n, k=k: matmul_all_dynamic(m, n, k)
    table["matmul_bf16 512x512x512"] = lambda: matmul(512, 512, 512, "bf16")
    table["gemv 8192x5120"] = lambda: gemv(8192, 5120)
    for causal in (False, True):
        for length in (1024, 4096):
            for depth in (64, 128):
                table[f"attention{'_causal' * causal} 4x{length}x{length}x{depth}"] = (
                    lambda n=length, d=depth, c=causal: attention(4, 4, n, n, d, c))
    # caches of several times the last cache level, which one call reads once
    table["decode 12x1x32768x64"] = lambda: attention(12, 12, 1, 32768, 64, False)
    table["decode_gqa 12x1x131072x64"] = lambda: attention(12, 2, 1, 131072, 64, False)
    table["selective_scan 256x1536"] = lambda: selective_scan(256, 1536)
    table["linear_attention 4x4096x64"] = lambda: linear_attention(4, 4096, 64, False)
    table["linear_attention_gated 4x2048x64"] = lambda: linear_attention(4, 2048, 64, True)
    table["conv 64x64x56x56x3"] = lambda: conv(1, 64, 64, 56, 3, 1)
    table["depthwise 256x256x28x28x3"] = lambda: conv(1, 256, 256, 28, 3, 256)
    for kind in ("softmax", "layer_norm", "rms_norm"):
        table[f"{kind} 4096x4096"] = lambda kind=kind: rowwise(kind, 4096, 4096)
    table["gpt2_prefill 512"] = lambda: gpt2(False)
    table["gpt2_decode 512"] = lambda: gpt2(True)
    return table
