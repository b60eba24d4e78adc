# ===- test_gradients_scan.py - derivatives of selective_scan and causal_conv -===//
#
# Part of Linnet, under Apache-2.0 WITH LLVM-exception. See LICENSE.
#
# ===----------------------------------------------------------------------===//
"""Through `linnet.value_and_grad`, against PyTorch's autograd and central differences of the
references. The kernels themselves are in test_kernels_scan_grad.py."""
import itertools
import json
import subprocess

import numpy as np
import pytest
import torch
from torch.nn import functional as F

from linnet import gradients as lg
from linnet import reference as ref
from linnet import testing as lt

SCAN = ("skip", "gate", "delta_bias", "state")
CONV = ("bias", "state")
subsets = lambda names: [c for k in range(len(names) + 1) for c in itertools.combinations(names, k)]


def scan_shapes(batch, length, channels, states):
    wide, narrow = (batch, length, channels), (batch, length, states)
    return {"u": wide, "delta": wide, "a": (channels, states), "b": narrow, "c": narrow,
            "skip": (channels,), "gate": wide, "delta_bias": (channels,),
            "state": (batch, channels, states)}


def conv_shapes(batch, length, channels, width):
    return {"x": (batch, length, channels), "weight": (channels, width), "bias": (channels,),
            "state": (batch, channels, width - 1)}


def program(op, shapes, have, final, attributes="", dtype="f32", dynamic=False):
    """One op with the optional operands `have`; with `dynamic` the batch and the length are."""
    optional = SCAN if op == "selective_scan" else CONV
    given = {n: s for n, s in shapes.items() if n not in optional or n in have}
    wide = "f32" if op == "selective_scan" else dtype  # the type of states
    types, arguments = {}, []
    for name, shape in given.items():
        named = [str(n) for n in shape]
        if dynamic and len(shape) == 3:
            named = ['"B"', named[1] if name == "state" else '"L"', named[2]]
        sizes = "x".join("?" if n[0] == '"' else n for n in named)
        types[name] = f"tensor<{sizes}x{wide if name == 'state' else dtype}>"
        arguments.append(f"%{name}: {types[name]}"
                         + f" {{linnet.dims = [{', '.join(named)}]}}" * dynamic)
    needed = [n for n in given if n not in optional]
    state = types.get("state") or lt.tensor_type(shapes["state"], wide)
    results = [types[needed[0]]] + [state] * final
    options = " ".join(f"{n}(%{n} : {types[n]})" for n in optional if n in given)
    names = ", ".join(["%y", "%s"][:len(results)])
    return f"""func.func @main({', '.join(arguments)}) -> ({', '.join(results)}) {{
  {names} = linnet.{op} {', '.join('%' + n for n in needed)} {options} {attributes}
    : {', '.join(types[n] for n in needed)} -> {', '.join(results)}
  return {names} : {', '.join(results)}
}}"""


def draw(shapes, have, dtype="f32", state_dtype=None, softplus=True):
    rng = np.random.default_rng(11)
    optional = SCAN if "u" in shapes else CONV
    arrays = []
    for name, shape in shapes.items():
        x = rng.standard_normal(shape)
        if name == "a":
            x = -np.exp(0.5 * x)
        elif name in ("delta", "delta_bias") and not softplus:
            x = np.abs(x)  # states do not grow
        if name not in optional or name in have:
            arrays.append(x.astype(lt.DTYPES[state_dtype or dtype if name == "state" else dtype]))
    return arrays


def scan_reference(have, final, softplus):
    def call(*inputs):
        y, h = ref.selective_scan(*inputs[:5], softplus=softplus, **dict(zip(have, inputs[5:])))
        return (y, h) if final else y
    return call


def scan_torch(have, final, softplus):
    def call(u, delta, a, b, c, *rest):
        given = dict(zip(have, rest))
        d = delta + given.get("delta_bias", 0)
        d = F.softplus(d) if softplus else d
        h, rows = given.get("state", torch.zeros(u.shape[0], *a.shape, dtype=u.dtype)), []
        for i in range(u.shape[1]):
            h = torch.exp(d[:, i, :, None] * a) * h + (d * u)[:, i, :, None] * b[:, i, None]
            rows.append((h * c[:, i, None]).sum(2))
        y = torch.stack(rows, 1) if rows else u
        y = y + given["skip"] * u if "skip" in given else y
        y = y * F.silu(given["gate"]) if "gate" in given else y
        return (y, h) if final else y
    return call


def conv_reference(have, final, activation):
    def call(*inputs):
        y, s = ref.causal_conv(*inputs[:2], activation=activation, **dict(zip(have, inputs[2:])))
        return (y, s) if final else y
    return call


def conv_torch(have, final, activation):
    def call(x, weight, *rest):
        given, (channels, width) = dict(zip(have, rest)), weight.shape
        past = given.get("state", torch.zeros(x.shape[0], channels, width - 1, dtype=x.dtype))
        padded = torch.cat([past, x.mT], 2)
        y = F.conv1d(padded, weight[:, None], given.get("bias"), groups=channels).mT
        return (F.silu(y) if activation == "silu" else y,
                *[padded[:, :, x.shape[1]:]] * final)
    return call


@pytest.mark.parametrize("softplus", [False, True])
@pytest.mark.parametrize("have", subsets(SCAN), ids="-".join)
def test_scan(have, softplus):
    final, shapes = len(have) % 2 == 1, scan_shapes(2, 5, 3, 4)
    lg.check(program("selective_scan", shapes, have, final, "softplus" * softplus),
             draw(shapes, have, softplus=softplus),
             reference=scan_reference(have, final, softplus), torch=scan_torch(have, final, softplus))


@pytest.mark.parametrize("activation", ["none", "silu"])
@pytest.mark.parametrize("have", subsets(CONV), ids="-".join)
@pytest.mark.parametrize("width", [1, 4, 10])
def test_conv(have, activation, width):
    for final in (False, True):
        shapes = conv_shapes(2, 5, 3, width)
        lg.check(program("causal_conv", shapes, have, final, f"activation<{activation}>"),
                 draw(shapes, have), reference=conv_reference(have, final, activation),
                 torch=conv_torch(have, final, activation))


@pytest.mark.slow(quick="^(1|2|64|65)$")
@pytest.mark.parametrize("length", [1, 2, 63, 64, 65, 1000])
def test_lengths(length):
    batch = 1 if length == 1000 else 2
    shapes = scan_shapes(batch, length, 17, 3)
    lg.check(program("selective_scan", shapes, SCAN, True, "softplus", dynamic=True),
             draw(shapes, SCAN), torch=scan_torch(SCAN, True, True), threads=2,
             samples=12 if length < 100 else 1, depth=length,
             cotangent_dims=['["B", "L", 17]', '["B", 17, 3]'])
    shapes = conv_shapes(batch, length, 67, 4)
    lg.check(program("causal_conv", shapes, CONV, True, "activation<silu>", dynamic=True),
             draw(shapes, CONV), torch=conv_torch(CONV, True, "silu"), threads=2,
             depth=length, cotangent_dims=['["B", "L", 67]', '["B", 67, 3]'])


@pytest.mark.parametrize("dtype", ["bf16", "f16"])
def test_16_bits(dtype):
    shapes = scan_shapes(2, 9, 5, 4)
    # the gradient of y is rounded before the f32 gradient of the state is found from it
    lg.check(program("selective_scan", shapes, SCAN, True, "softplus", dtype),
             draw(shapes, SCAN, dtype, "f32"), wrt=list(range(8)),
             torch=scan_torch(SCAN, True, True))
    for width in (4, 10):
        shapes = conv_shapes(2, 9, 5, width)
        lg.check(program("causal_conv", shapes, CONV, True, "activation<silu>", dtype),
                 draw(shapes, CONV, dtype), torch=conv_torch(CONV, True, "silu"))


@pytest.mark.parametrize("sizes", [(0, 3, 4), (2, 0, 4), (2, 3, 0)])
def test_empty(sizes):
    batch, length, channels = sizes
    found = []
    shapes = scan_shapes(batch, length, channels, 2)
    found += lg.check(program("selective_scan", shapes, SCAN, True, "softplus"),
                      draw(shapes, SCAN), torch=scan_torch(SCAN, True, True))
    shapes = conv_shapes(batch, length, channels, 3)
    text = program("causal_conv", shapes, CONV, True)
    found += lg.check(text, draw(shapes, CONV), reference=conv_reference(CONV, True, "none"))
    assert all(np.isfinite(x).all() for x in found)


@pytest.mark.parametrize("op", ["selective_scan", "causal_conv"])
def test_same_bits_at_every_thread_count(op):
    scan = op == "selective_scan"
    shapes = scan_shapes(3, 70, 150, 4) if scan else conv_shapes(3, 70, 150, 4)
    have = SCAN if scan else CONV
    text = lg.module(program(op, shapes, have, True, "softplus" if scan else "activation<silu>"))
    inputs = draw(shapes, have)
    inputs += [np.ones(shapes["u" if scan else "x"], np.float32), np.ones(shapes["state"], np.float32)]
    lt.assert_same_bits(text, *inputs)


def test_memory(tmp_path):
    """Only operands are saved: states of all positions would take 400 MiB here. What is left is
    the parts of the gradients of b and c, 16 numbers per position and 64 channels."""
    length, channels, states = 4096, 1536, 16
    shapes = list(scan_shapes(1, length, channels, states).values())[:5]
    types = [lt.tensor_type(s, "f32") for s in shapes]
    listed = ", ".join(types)
    arguments = ", ".join(f"%{n}: {t}" for n, t in zip("udabcg", [*types, types[0]]))
    text = f"""func.func @main({arguments}) -> ({types[0]}, {listed}) {{
  %y = linnet.selective_scan %u, %d, %a, %b, %c softplus : {listed} -> {types[0]}
  %r:5 = linnet.selective_scan_grad %u, %d, %a, %b, %c grad(%g) softplus
    : {listed}, {types[0]} -> {listed}
  return %y, %r#0, %r#1, %r#2, %r#3, %r#4 : {types[0]}, {listed}
}}"""
    tool = lt.build_folder() / "bin" / "linnet-compile"
    subprocess.run([tool, "-", "--compile-to=commands", "-o", tmp_path / "o.mlir",
                    f"--report={tmp_path / 'r.json'}"], input=text, text=True, check=True)
    (function,) = json.loads((tmp_path / "r.json").read_text())["functions"]
    parts = 2 * 4 * length * states * channels // 64
    assert function["arena_bytes"] < 1.05 * parts
    assert function["scratch_bytes_per_thread"] < 1 << 20
