# ===- test_gradients_linear_attention.py - derivatives of linear attention -===//
#
# Part of Linnet, under Apache-2.0 WITH LLVM-exception. See LICENSE.
#
# ===----------------------------------------------------------------------===//
"""Through `linnet.value_and_grad`, against PyTorch's autograd of the recurrence and central
differences of the reference. Sizes of the kernel itself are in
test_kernels_linear_attention_grad.py."""
import json
import subprocess

import numpy as np
import pytest
import torch

from linnet import gradients as lg
from linnet import reference as ref
from linnet import testing as lt
from linnet._src.gradients import Case

N, K, D, B = 5, 4, 3, 2
# Where PyTorch's roundings make the tolerance: its autograd adds up products for the gradient of a
# decay, which the kernel finds as a difference of sums over later positions.
DEPTH = 1024


class Form:
    """Heads: q, k, v and the gates; `decay` is None, "scalar" or "vector"."""

    def __init__(self, heads=(2, 2, 2, 2), decay=None, erase=False, beta=False, bonus=False,
                 read="post", normalise=None, scale=None, state=True, final=True, length=N):
        hq, hk, hv, hg = heads
        self.names, self.shapes = ["q", "k", "v"], [(B, hq, length, K), (B, hk, length, K),
                                                    (B, hv, length, D)]
        gated = decay or erase or beta or bonus
        self.hs = max(hk, hv, hg if gated else 1)
        columns = D + (normalise is not None)
        add = lambda name, shape: (self.names.append(name), self.shapes.append(shape))
        if decay:
            add("decay", (B, hg, length) + ((K,) if decay == "vector" else ()))
        if erase:
            add("a", (B, hg, length, K)), add("b", (B, hg, length, K))
        if beta:
            add("beta", (B, hg, length))
        if bonus:
            add("bonus", (hg, K))
        if state:
            add("state", (B, self.hs, K, columns))
        self.o = (B, max(hq, self.hs), length, D)
        self.final = (B, self.hs, K, columns) if final else None
        self.read, self.normalise, self.scale, self.length = read, normalise, scale, length

    def text(self, dtype):
        t = {n: lt.tensor_type(s, "f32" if n == "state" else dtype)
             for n, s in zip(self.names, self.shapes)}
        parts = [f"decay(%decay : {t['decay']})"] if "decay" in t else []
        parts += [f"erase(%a, %b : {t['a']}, {t['b']})"] if "a" in t else []
        parts += [f"{n}(%{n} : {t[n]})" for n in ("beta", "bonus", "state") if n in t]
        parts += ["read<pre>"] * (self.read == "pre")
        parts += [f"scale({self.scale})"] * (self.scale is not None)
        parts += [f"normalise({self.normalise})"] * (self.normalise is not None)
        results = [lt.tensor_type(self.o, dtype)]
        results += [lt.tensor_type(self.final, "f32")] if self.final else []
        names = "%o, %s" if self.final else "%o"
        return f"""func.func @main({', '.join(f'%{n}: {x}' for n, x in t.items())}) -> ({', '.join(results)}) {{
  {names} = linnet.linear_attention %q, %k, %v {' '.join(parts)}
    : {t['q']}, {t['k']}, {t['v']} -> {', '.join(results)}
  return {names} : {', '.join(results)}
}}"""

    def draw(self, dtype):
        rng = np.random.default_rng(1)
        out = []
        for name, shape in zip(self.names, self.shapes):
            x = rng.standard_normal(shape)
            if name in ("k", "a", "b"):
                x /= np.linalg.norm(x, axis=-1, keepdims=True)
            if name == "decay":  # logarithms from -30 to -1e-6
                x = -np.exp(rng.uniform(np.log(1e-6), np.log(30), shape))
            if name == "beta":
                x = rng.uniform(0, 1, shape)
            if self.normalise is not None and name in ("q", "k", "state"):
                x = np.abs(x)
            out.append(x.astype(np.float32).astype(lt.DTYPES["f32" if name == "state" else dtype]))
        return out

    def arguments(self, values):
        x = dict(zip(self.names, values))
        return x, {n: x.get(n) for n in ("decay", "beta", "bonus", "state")}

    def reference(self, *values):
        x, options = self.arguments(values)
        o, s = ref.linear_attention(
            x["q"], x["k"], x["v"], **options, erase=(x["a"], x["b"]) if "a" in x else None,
            read=self.read, scale=1.0 if self.scale is None else self.scale,
            normalise=self.normalise)
        return (o, s) if self.final else o

    def torch(self, *values):
        """The recurrence, position by position."""
        x, _ = self.arguments(values)
        hs, heads = self.hs, self.o[1]
        of = lambda n, h=hs, d=1: x[n].repeat_interleave(h // x[n].shape[d], d)
        q, k, v = of("q", heads), of("k"), of("v")
        if self.normalise is not None:
            v = torch.cat([v, torch.ones_like(v[..., :1])], 3)
        s = x["state"] if "state" in x else torch.zeros(B, hs, K, v.shape[3], dtype=v.dtype)
        repeat, rows = lambda y: y.repeat_interleave(heads // hs, 1), []
        for t in range(q.shape[2]):
            kt, vt, before = k[:, :, t], v[:, :, t], s
            if "decay" in x:
                g = of("decay")[:, :, t].exp()
                s = s * (g[..., None] if g.dim() == 3 else g[..., None, None])
            if "beta" in x:
                found = torch.einsum("bhk,bhkd->bhd", kt, s)
                vt = of("beta")[:, :, t, None] * (vt - found)
            own = torch.einsum("bhk,bhd->bhkd", kt, vt)
            s = s + own
            if "a" in x:
                found = torch.einsum("bhk,bhkd->bhd", of("a")[:, :, t], before)
                s = s + torch.einsum("bhk,bhd->bhkd", of("b")[:, :, t], found)
            seen = s if self.read == "post" else before
            if "bonus" in x:
                seen = seen + of("bonus", hs, 0)[:, :, None] * own
            rows.append(torch.einsum("bhkd,bhk->bhd", repeat(seen), q[:, :, t]))
        o = torch.stack(rows, 2)
        if self.normalise is not None:
            o = o[..., :-1] / o[..., -1:].clamp(min=self.normalise)
        o = o * (1 if self.scale is None else self.scale)
        return (o, s) if self.final else o


class DecayedCase(Case):
    """The gradient of a decay is a running sum of q dq less k dk: it is off by their rounding also
    where they cancel."""
    form: Form

    def oracles(self):
        for name, gradients, spreads in super().oracles():
            if "decay" in self.form.names:
                place = self.form.names.index("decay")
                terms = [np.abs(lt.wide(self.inputs[i]) * gradients[i]).sum(3).max() for i in (0, 1)]
                unit = lt.unit_roundoff(np.dtype(np.float32))
                spreads = list(spreads)
                spreads[place] = spreads[place] + unit * 2 * self.form.length**0.5 * max(terms)
            yield name, gradients, spreads


def check(form):
    case = DecayedCase(form.text("f32"), form.draw("f32"), reference=form.reference, torch=form.torch)
    case.form = form
    _, *found = lt.run(case.module(), *case.inputs, *case.cotangents)
    case.compare(found)


RULES = {
    "linear": dict(), "scalar": dict(decay="scalar"), "vector": dict(decay="vector", scale=0.5),
    "delta": dict(beta=True), "gated_delta": dict(beta=True, decay="scalar"),
    "vector_delta": dict(beta=True, decay="vector"), "erase": dict(erase=True),
    "vector_erase": dict(erase=True, decay="vector"), "read_pre": dict(read="pre", decay="scalar"),
    "delta_pre": dict(read="pre", beta=True, decay="scalar"),
    "bonus": dict(read="pre", decay="vector", bonus=True),
    "normalised": dict(normalise=1e-3, scale=0.5),
    "normalised_gated": dict(normalise=1e-3, decay="vector"),
    "normalised_bonus": dict(normalise=1e-3, decay="scalar", bonus=True, read="pre"),
    "clamped": dict(normalise=3.0),
}
FORMS = {name: Form(**rule) for name, rule in RULES.items()}
FORMS |= {f"{name}_stateless": Form(**RULES[name], state=False, final=False)
          for name in ("linear", "scalar", "vector", "gated_delta", "normalised", "bonus")}
FORMS |= {
    "state_in": Form(decay="scalar", final=False), "state_out": Form(beta=True, state=False),
    "gqa": Form((4, 2, 2, 2), decay="scalar"), "gqa_delta": Form((4, 2, 2, 1), beta=True, decay="scalar"),
    "gva": Form((2, 2, 4, 4), beta=True, decay="vector"),
    "mixed": Form((1, 2, 4, 1), decay="vector", bonus=True, read="pre"),
    "gqa_normalised": Form((4, 2, 1, 2), normalise=1e-3), "one": Form(decay="scalar", beta=True, length=1),
    "erase_heads": Form((2, 1, 2, 1), erase=True, decay="scalar"),
}


@pytest.mark.parametrize("name", FORMS)
def test_rule(name):
    check(FORMS[name])


@pytest.mark.slow(quick="^(linear|scalar|vector_delta|erase|bonus|normalised|gva)-")
@pytest.mark.parametrize("dtype", ["bf16", "f16"])
@pytest.mark.parametrize("name", FORMS)
def test_rule_in_16_bits(name, dtype):
    # the gradient of the state is f32 of a rounded gradient of o: its error is not that of its type
    wrt = [i for i, operand in enumerate(FORMS[name].names) if operand != "state"]
    form = FORMS[name]
    lg.check(form.text(dtype), form.draw(dtype), torch=form.torch, wrt=wrt, samples=2, depth=DEPTH)


@pytest.mark.parametrize("name", ["linear", "vector", "gated_delta", "gqa_normalised"])
@pytest.mark.parametrize("length", [2, 63, 64, 65, 1000])
def test_length(name, length):
    heads = (4, 2, 1, 2) if name == "gqa_normalised" else (2, 2, 2, 2)
    rule = RULES.get(name, dict(normalise=1e-3))
    form = Form(heads, **rule, length=length)
    lg.check(form.text("f32"), form.draw("f32"), torch=form.torch, depth=DEPTH,
             samples=2 if length < 100 else 1)


@pytest.mark.parametrize("rule", ["linear", "scalar", "vector", "gated_delta"])
def test_memory(rule, tmp_path):
    """Nothing is kept but operands; states of every 128th position are a worker's scratch. The program
    does not grow with the length."""
    lines, heads, depth = [], 4, 64
    for length in (8192, 16384):
        rows, gates = f"tensor<1x{heads}x{length}x{depth}xf32>", f"tensor<1x{heads}x{length}xf32>"
        decay = {"scalar": gates, "gated_delta": gates, "vector": rows}.get(rule)
        arguments = [("q", rows), ("k", rows), ("v", rows)]
        arguments += [("g", decay)] * bool(decay) + [("b", gates)] * (rule == "gated_delta")
        given = f"decay(%g : {decay})" * bool(decay) + f" beta(%b : {gates})" * (rule == "gated_delta")
        types = ", ".join(t for _, t in arguments)
        text = f"""
func.func private @loss({', '.join(f'%{n}: {t}' for n, t in arguments)}) -> tensor<f32> {{
  %o = linnet.linear_attention %q, %k, %v {given} : {rows}, {rows}, {rows} -> {rows}
  %l = linnet.reduce sum %o axes [0, 1, 2, 3] : {rows} -> tensor<f32>
  return %l : tensor<f32>
}}
func.func @main({', '.join(f'%{n}: {t}' for n, t in arguments)}) -> (tensor<f32>, {types}) {{
  %r:{len(arguments) + 1} = linnet.value_and_grad @loss({', '.join(f'%{n}' for n, _ in arguments)})
    wrt {list(range(len(arguments)))} : ({types}) -> (tensor<f32>, {types})
  return {', '.join(f'%r#{i}' for i in range(len(arguments) + 1))} : tensor<f32>, {types}
}}"""
        tool = lt.build_folder() / "bin" / "linnet-compile"
        subprocess.run([tool, "-", "--compile-to=commands", "-o", tmp_path / "o.mlir",
                        f"--report={tmp_path / 'r.json'}"], input=text, text=True, check=True)
        function, = json.loads((tmp_path / "r.json").read_text())["functions"]
        lines.append((tmp_path / "o.mlir").read_text().count("\n"))
        one = heads * length * depth * 4
        assert function["arena_bytes"] < 2.05 * one  # o and its gradient
        assert function["scratch_bytes_per_thread"] < 1 << 20 or rule != "linear"
        # states, and with decays what is read at every position
        assert function["scratch_bytes_per_thread"] < one / heads * (depth / 128 + 1.05) + (2 << 20)
    assert abs(lines[0] - lines[1]) <= 8  # the sum over the result has other parts


def test_gradient_of_a_sum():
    """The gradient of the output is a constant, which the kernel reads from memory."""
    form = Form(state=False, final=False)
    q, k, v = form.draw("f32")
    t = [lt.tensor_type(x.shape, "f32") for x in (q, k, v)]
    text = f"""
func.func private @loss(%q: {t[0]}, %k: {t[1]}, %v: {t[2]}) -> tensor<f32> {{
  %o = linnet.linear_attention %q, %k, %v : {', '.join(t)} -> {t[2]}
  %l = linnet.reduce sum %o axes [0, 1, 2, 3] : {t[2]} -> tensor<f32>
  return %l : tensor<f32>
}}
func.func @main(%q: {t[0]}, %k: {t[1]}, %v: {t[2]}) -> ({', '.join(t)}) {{
  %r:4 = linnet.value_and_grad @loss(%q, %k, %v) wrt [0, 1, 2]
    : ({', '.join(t)}) -> (tensor<f32>, {', '.join(t)})
  return %r#1, %r#2, %r#3 : {', '.join(t)}
}}"""
    expected = ref.linear_attention_grad(q, k, v, np.ones(v.shape))
    for found, wanted in zip(lt.run(text, q, k, v), expected):
        np.testing.assert_allclose(found, wanted, rtol=1e-5, atol=1e-5 * np.abs(wanted).max())
