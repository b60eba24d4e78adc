# ===- gradients.py - executed tests of derivatives -===//
#
# Part of Linnet, under Apache-2.0 WITH LLVM-exception. See LICENSE.
#
# ===----------------------------------------------------------------------===//
"""Compiles the gradients of a function in IR, runs them and compares.

    check(function([argument("x", (3, 5), "f32")], "tensor<3x5xf32>", "%y = math.tanh %x : ..."),
          [x], reference=np.tanh, torch=torch.tanh)

What is differentiated is sum(result * cotangent), summed over the results of float type, with
random cotangents. `reference` takes float64 arrays: its central differences are the meaning;
`torch` takes float64 tensors: its autograd is the independent implementation.

Tolerance: |g - r| <= 2 ulps * u * (|r| + max |r|), u the unit roundoff of the gradient's type: the
terms of a gradient's sums are as large as the gradient's largest element, and where they cancel
the error is that of the terms. `ulps` grows with the depth of the sums.
"""

import re

import numpy as np

from linnet._src import testing as lt

_BRACKETS = {"(": ")", "<": ">", "[": "]", "{": "}"}


def _split(text):
    """Parts between top-level commas."""
    parts, depth, start = [], 0, 0
    for i, c in enumerate(text):
        if c == ">" and text[i - 1] == "-":
            continue
        depth += (c in "(<[{") - (c in ")>]}")
        if c == "," and depth == 0:
            parts.append(text[start:i])
            start = i + 1
    parts.append(text[start:])
    return [part.strip() for part in parts if part.strip()]


def _matching(text, start):
    depth = 0
    for i in range(start, len(text)):
        depth += (text[i] in "(<[{") - (text[i] in ")>]}" and text[i - 1:i + 1] != "->")
        if depth == 0:
            return i
    raise ValueError("brackets do not match")


class Signature:
    """Arguments (type, attributes) and result types of `func.func @main` in a text."""

    def __init__(self, text):
        self.start = text.index("func.func @main(") + len("func.func @main")
        end = _matching(text, self.start)
        self.arguments = []
        for part in _split(text[self.start + 1:end]):
            type, _, attributes = part.split(":", 1)[1].partition("{")
            self.arguments.append((type.strip(), "{" + attributes if attributes else ""))
        after = text[end + 1:].lstrip()
        assert after.startswith("->"), "expects a function with results"
        after = after[2:].lstrip()
        if after.startswith("("):
            self.results = _split(after[1:_matching(after, 0)])
        else:
            self.results = [after[:after.index("{")].strip()]
            if "attributes" in self.results[0]:
                self.results = [self.results[0].split("attributes")[0].strip()]
        self.results = [r.partition("{")[0].strip() for r in self.results]


def _element(type):
    return re.search(r"(\w+)>?$", type.split("x")[-1] if "x" in type else type).group(1)


def _with_element(type, element):
    return re.sub(r"(f16|bf16|f32|f64)>$", element + ">", type)


def _is_float(type):
    return type.rstrip(">").endswith(("f16", "f32", "f64"))


def module(text, wrt=None, cotangent_dims=None):
    """Text of a module whose @main gives the loss and the gradients with respect to the arguments
    `wrt` (by default all of float type); its further arguments are the cotangents."""
    signature = Signature(text)
    wrt = [i for i, (t, _) in enumerate(signature.arguments) if _is_float(t)] if wrt is None else wrt
    floats = [(i, t) for i, t in enumerate(signature.results) if _is_float(t)]
    cotangents = [_with_element(t, "f64" if _element(t) == "f64" else "f32") for _, t in floats]
    types = [t for t, _ in signature.arguments]
    names = [f"%a{i}" for i in range(len(types))]
    extra = [f"%c{k}" for k in range(len(cotangents))]
    typed = ", ".join(f"{n}: {t}" for n, t in zip(names + extra, types + cotangents))
    body, sums = [], []
    results = ", ".join(f"%r{i}" for i in range(len(signature.results)))
    body.append(f"{results} = func.call @primal({', '.join(names)}) : ({', '.join(types)}) -> "
                f"({', '.join(signature.results)})")
    for k, ((i, type), wide) in enumerate(zip(floats, cotangents)):
        value = f"%r{i}"
        if type != wide:
            body.append(f"%w{k} = arith.extf {value} : {type} to {wide}")
            value = f"%w{k}"
        rank = wide.count("x") - (wide.count("x>") if "x>" in wide else 0)
        element = _element(wide)
        body.append(f"%p{k} = arith.mulf {value}, %c{k} : {wide}")
        body.append(f"%s{k} = linnet.reduce sum %p{k} axes {list(range(rank))} : {wide} -> "
                    f"tensor<{element}>")
        sums.append(f"%s{k}")
    total, element = sums[0], _element(cotangents[0])
    for k, term in enumerate(sums[1:]):
        body.append(f"%t{k} = arith.addf {total}, {term} : tensor<{element}>")
        total = f"%t{k}"
    gradients = [types[i] for i in wrt]
    loss = f"tensor<{element}>"
    outer = [f"{n}: {t} {a}" for n, (t, a) in zip(names, signature.arguments)]
    for k, type in enumerate(cotangents):
        dims = cotangent_dims[k] if cotangent_dims else None
        outer.append(f"%c{k}: {type}" + (f" {{linnet.dims = {dims}}}" if dims else ""))
    all_types = ", ".join(types + cotangents)
    out = ", ".join([loss, *gradients])
    grads = ", ".join(["%l", *(f"%g{i}" for i in range(len(wrt)))])
    primal = text.replace("func.func @main(", "func.func private @primal(", 1)
    lines = "\n".join("  " + line for line in body)
    return f"""{primal}
func.func private @loss({typed}) -> {loss} {{
{lines}
  return {total} : {loss}
}}
func.func @main({', '.join(outer)}) -> ({out}) {{
  {grads} = linnet.value_and_grad @loss({', '.join(names + extra)}) wrt {wrt}
      : ({all_types}) -> ({out})
  return {grads} : {out}
}}
"""


def central_differences(function, inputs, index, weight, step=1e-5):
    """Of weight(function(*inputs)) with respect to inputs[index], in float64."""
    x = np.array(lt.wide(inputs[index]))
    gradient = np.zeros(x.shape)
    for position in np.ndindex(*x.shape):
        values = []
        for sign in (1, -1):
            moved = x.copy()
            moved[position] += sign * step
            arguments = [moved if i == index else lt.wide(v) for i, v in enumerate(inputs)]
            values.append(weight(function(*arguments)))
        gradient[position] = (values[0] - values[1]) / (2 * step)
    return gradient


def _weighted(results, cotangents):
    results = results if isinstance(results, (tuple, list)) else [results]
    floats = [r for r in results if r is not None and np.asarray(r).dtype.kind == "f"]
    return sum(float((np.asarray(r, np.float64) * c).sum()) for r, c in zip(floats, cotangents))


def _of_torch(function, inputs, cotangents, wrt):
    import torch
    tensors = [torch.from_numpy(np.array(lt.wide(v))) for v in inputs]
    for i in wrt:
        tensors[i].requires_grad_()
    results = function(*tensors)
    results = results if isinstance(results, (tuple, list)) else [results]
    floats = [r for r in results if r.is_floating_point()]
    total = sum((r * torch.from_numpy(c)).sum() for r, c in zip(floats, cotangents))
    if not total.requires_grad:
        return [np.zeros(tensors[i].shape) for i in wrt]
    found = torch.autograd.grad(total, [tensors[i] for i in wrt], allow_unused=True)
    return [np.zeros(tensors[i].shape) if g is None else g.numpy() for g, i in zip(found, wrt)]


def assert_gradient(actual, expected, ulps, label=""):
    """See this file's header."""
    assert actual.shape == expected.shape, f"{label}: shape {actual.shape}, not {expected.shape}"
    if not actual.size:
        return
    bound = 2 * ulps * lt.unit_roundoff(actual.dtype) * (np.abs(expected) + np.abs(expected).max())
    error = np.abs(lt.wide(actual) - expected)
    bad = ~(error <= bound + 1e-30)
    if bad.any():
        worst = np.unravel_index(np.argmax(np.where(bad, np.nan_to_num(error, nan=np.inf), -1)),
                                 error.shape)
        raise AssertionError(f"{label}: {int(bad.sum())} of {bad.size} elements are off; the worst at "
                             f"{tuple(map(int, worst))}: {lt.wide(actual)[worst]!r}, expected "
                             f"{expected[worst]!r} within {bound[worst]:.2e}")


def check(text, inputs, reference=None, torch=None, wrt=None, ulps=16, seed=0, flags=(), threads=1,
          cotangent_dims=None, result_shapes=None):
    """Runs the gradients of @main and compares them with every oracle that is given; returns
    them. `ulps` is for f32; a quarter of it, at least 4, holds for the 16-bit types."""
    signature = Signature(text)
    if wrt is None:
        wrt = [i for i, (t, _) in enumerate(signature.arguments) if _is_float(t)]
    if result_shapes is None:
        import torch as pytorch
        probe = reference(*map(lt.wide, inputs)) if reference else torch(
            *[pytorch.from_numpy(np.array(lt.wide(v))) for v in inputs])
        probe = probe if isinstance(probe, (tuple, list)) else [probe]
        result_shapes = [tuple(r.shape) for r in probe]
        result_shapes = [s for s, t in zip(result_shapes, signature.results) if _is_float(t)]
    rng = np.random.default_rng(seed)
    cotangents = [rng.standard_normal(s).astype(np.float32) for s in result_shapes]
    wide = [c.astype(np.float64) for c in cotangents]
    loss, *found = lt.run(module(text, wrt, cotangent_dims), *inputs, *cotangents, flags=flags,
                          threads=threads)
    oracles = []
    if torch:
        oracles.append(("PyTorch", _of_torch(torch, inputs, wide, wrt)))
    if reference:
        oracles.append(("central differences", [
            central_differences(reference, inputs, i, lambda r: _weighted(r, wide)) for i in wrt]))
    for name, expected in oracles:
        for i, actual, wanted in zip(wrt, found, expected):
            narrow = actual.dtype.itemsize == 2
            allowed = max(4, ulps / 4) if narrow else ulps
            if name != "PyTorch" and not narrow:
                allowed += 4  # the differences' own error, 1e-9 relative, and 1e-10 / step
            assert_gradient(np.asarray(actual), np.asarray(wanted), allowed,
                            f"argument {i} against {name}")
    return found
