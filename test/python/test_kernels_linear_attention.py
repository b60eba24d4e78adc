# Part of Linnet, under Apache-2.0 WITH LLVM-exception. See LICENSE.
"""Kernels of linnet.linear_attention against the float64 recurrence."""

import functools
import time

import numpy as np
import pytest
import torch

import ceilings
from linnet._src import kernels
from linnet._src.reference.sequence import linear_attention

LENGTHS = [0, 1, 2, 63, 64, 65]
F32 = "f32"


def tensor(shape, dtype=F32):
    return "tensor<" + "x".join("?" if s < 0 else str(s) for s in shape) + f"x{dtype}>"


class Case:
    """One form of the op. Heads: q, k, v and the gates; `decay` is None, "scalar" or "vector"."""

    def __init__(self, k=64, d=64, heads=(2, 2, 2), gates=None, decay=None, erase=False, beta=False,
                 bonus=False, read="post", normalise=None, scale=None, state=True, final=True,
                 dtype=F32, length=-1, batch=-1, tied=False):
        self.__dict__.update({n: v for n, v in locals().items() if n != "self"})
        hq, hk, hv = heads
        hg = self.gates = gates or max(hk, hv)
        self.hs = max(hk, hv, hg if decay or erase or beta or bonus else 1)
        self.heads_out = max(hq, self.hs)
        self.columns = d + (normalise is not None)
        n, b = length, batch
        self.operands = {"q": (b, hq, n, k), "k": (b, hk, n, k), "v": (b, hv, n, d)}
        if decay:
            self.operands["decay"] = (b, hg, n) + ((k,) if decay == "vector" else ())
        if erase:
            self.operands["a"] = self.operands["b"] = (b, hg, n, k)
        if beta:
            self.operands["beta"] = (b, hg, n)
        if bonus:
            self.operands["bonus"] = (hg, k)
        if state:
            self.operands["state"] = (b, self.hs, k, self.columns)

    def type(self, name):
        return tensor(self.operands.get(name, ()), F32 if name == "state" else self.dtype)

    def inputs(self):
        """What the op and its gradient read, as they are written."""
        t = self.type
        parts = ["%q, %k, %v"]
        parts += [f"decay(%decay : {t('decay')})"] * bool(self.decay)
        if self.erase:
            parts.append(f"erase(%a, %b : {t('a')}, {t('b')})")
        parts += [f"beta(%beta : {t('beta')})"] * self.beta
        parts += [f"bonus(%bonus : {t('bonus')})"] * self.bonus
        parts += [f"state(%state : {t('state')})"] * self.state
        return parts

    def text(self, name="k"):
        o = tensor((self.batch, self.heads_out, self.length, self.d), self.dtype)
        s = tensor((self.batch, self.hs, self.k, self.columns))
        t = self.type
        parts = self.inputs()
        parts += ["read<pre>"] * (self.read == "pre")
        parts += [f"scale({self.scale})"] * (self.scale is not None)
        parts += [f"normalise({self.normalise or 1:.1e})"] * (self.normalise is not None)
        results = [o] + [s] * self.final
        values = ["%r#0", "%r#1"] if self.final else ["%r"]
        args = ", ".join(f"%{n}: {t(n)}" for n in self.operands)
        tied = f" attributes {{tied = array<i64: -1, {len(self.operands) - 1}>}}" * self.tied
        return f"""
        exec.kernel @{name}({args}) -> ({', '.join(results)}){tied} {{
          %r{':2' * self.final} = linnet.linear_attention {' '.join(parts)}
            : {t('q')}, {t('k')}, {t('v')} -> {', '.join(results)}
          exec.yield {', '.join(values)} : {', '.join(results)}
        }}"""

    def arguments(self, batch, length, seed=0):
        rng = np.random.default_rng(seed)
        out = {}
        for name, shape in self.operands.items():
            shape = tuple(s if s >= 0 else [batch, length][i == 2] for i, s in enumerate(shape))
            x = rng.standard_normal(shape)
            if name in ("k", "a", "b"):
                x /= np.linalg.norm(x, axis=-1, keepdims=True)
                if self.normalise is not None:
                    x = np.abs(x)
            elif name == "q" and self.normalise is not None:
                x = np.abs(x)
            elif name == "decay":  # logarithms from -30 to -1e-6
                x = -np.exp(rng.uniform(np.log(1e-6), np.log(30), shape))
            elif name == "beta":
                x = rng.uniform(0, 1, shape)
            if name == "b":
                x = -x * rng.uniform(0, 1, shape[:-1] + (1,))
            if name == "state" and self.normalise is not None:
                x = np.abs(x)
            out[name] = x.astype(np.float32 if name == "state" else kernels.DTYPES[self.dtype])
        return out

    def sizes(self, batch, length):
        out = [batch] * (self.batch < 0) + [length] * (self.length < 0)
        return out + [batch] * (self.batch < 0 and self.final and not self.tied)

    def expected(self, args):
        x = {n: np.asarray(a, np.float64) for n, a in args.items()}
        erase = (x["a"], x["b"]) if self.erase else None
        return linear_attention(
            x["q"], x["k"], x["v"], decay=x.get("decay"), erase=erase, beta=x.get("beta"),
            bonus=x.get("bonus"), state=x.get("state"), read=self.read,
            scale=1.0 if self.scale is None else self.scale, normalise=self.normalise)


def distance(got, want):
    if not want.size:
        return 0.0
    norm = np.linalg.norm(want)
    return np.linalg.norm(np.asarray(got, np.float64) - want) / (norm or 1)


@functools.lru_cache(None)
def compiled(level, case):
    return kernels.compile(case.text(), cpu=level)["k"]


RULES = {
    "linear": dict(),
    "scalar": dict(decay="scalar"),
    "vector": dict(decay="vector"),
    "delta": dict(beta=True),
    "gated_delta": dict(beta=True, decay="scalar"),
    "vector_delta": dict(beta=True, decay="vector"),
    "erase": dict(erase=True, decay="vector"),
    "bonus": dict(decay="vector", bonus=True, read="pre"),
    "normalised": dict(normalise=1e-6),
    "normalised_decay": dict(normalise=1e-6, decay="scalar", scale=0.5),
}
SHAPES = {  # key and value depth
    "k64d64": dict(), "k5d3": dict(k=5, d=3), "k64d48": dict(k=64, d=48, scale=0.125),
    "k33d80": dict(k=33, d=80), "k1d1": dict(k=1, d=1), "k300d32": dict(k=300, d=32),
}
FORMS = {
    "read_pre": Case(read="pre"),
    "delta_pre": Case(read="pre", beta=True, decay="scalar"),
    "erase_pre": Case(read="pre", erase=True),
    "normalised_bonus": Case(normalise=1e-6, decay="vector", bonus=True, read="pre", k=24, d=40),
    "no_state": Case(state=False, final=False, decay="scalar"),
    "state_in_only": Case(final=False), "state_out_only": Case(state=False, beta=True),
    "gqa": Case(heads=(4, 2, 2), decay="scalar"), "gqa_delta": Case(heads=(6, 2, 2), beta=True),
    "gqa_normalised": Case(heads=(4, 2, 2), normalise=1e-6),
    "gva": Case(heads=(2, 2, 4), beta=True, decay="scalar"),
    "mixed_heads": Case(heads=(1, 2, 4), decay="vector", gates=1),
    "gates_lead": Case(heads=(1, 1, 1), decay="vector", bonus=True, read="pre", gates=3),
    "static": Case(length=65, batch=2, decay="scalar"),
}


@functools.cache
def rule_case(rule, shape="k64d64"):
    return Case(**{**SHAPES[shape], **RULES[rule]})


def check(level, case):
    kernel = compiled(level, case)
    for length in LENGTHS if case.length < 0 else [case.length]:
        args = case.arguments(2, length)
        o, s = case.expected(args)
        got = kernel(*args.values(), sizes=case.sizes(2, length))
        got, final = got if case.final else (got, None)
        assert distance(got, o) <= 1e-5, length
        if case.final:
            assert distance(final, s) <= 1e-5, length
        # the same bits however the chunks are spread
        again = kernel(*args.values(), sizes=case.sizes(2, length), threads=3)
        again = again[0] if case.final else again
        assert again.tobytes() == got.tobytes()


@pytest.mark.parametrize("level", kernels.LEVELS)
@pytest.mark.parametrize("shape", SHAPES)
@pytest.mark.parametrize("rule", RULES)
def test_rule(level, rule, shape):
    check(level, rule_case(rule, shape))


@pytest.mark.parametrize("level", kernels.LEVELS)
@pytest.mark.parametrize("name", FORMS)
def test_form(level, name):
    check(level, FORMS[name])


@pytest.mark.parametrize("level", kernels.LEVELS)
@pytest.mark.parametrize("name", RULES)
def test_long(level, name):
    case = rule_case(name)
    args = case.arguments(1, 1000)
    o, s = case.expected(args)
    got, final = compiled(level, case)(*args.values(), sizes=case.sizes(1, 1000))
    assert distance(got, o) <= 1e-5 and distance(final, s) <= 1e-5


@pytest.mark.parametrize("level", kernels.LEVELS)
@pytest.mark.parametrize("dtype", ["bf16", "f16"])
@pytest.mark.parametrize("name", RULES)
def test_half(level, dtype, name):
    case = Case(**RULES[name], dtype=dtype, k=49, d=49)  # one lane past a vector
    kernel = kernels.compile(case.text(), cpu=level)["k"]
    for length in (1, 65):
        args = case.arguments(2, length)
        o, s = case.expected(args)
        got, final = kernel(*args.values(), sizes=case.sizes(2, length))
        # inputs are what the reference reads: only the output is rounded
        assert distance(got, o) <= {"bf16": 2**-8, "f16": 2**-10}[dtype]
        assert distance(final, s) <= 1e-5


@pytest.mark.parametrize("level", kernels.LEVELS)
@pytest.mark.parametrize("name", ["scalar", "gated_delta", "erase", "normalised"])
def test_decode_in_place(level, name):
    """Steps of one position on a donated state give the bits of one call over all of them."""
    case = Case(**RULES[name], tied=True)
    kernel = kernels.compile(case.text(), cpu=level)["k"]
    args = case.arguments(2, 7)
    whole, final = kernel(*args.values(), sizes=case.sizes(2, 7))
    state, steps = args["state"], []
    for t in range(7):
        now = {n: a if n in ("state", "bonus") else a[:, :, t:t + 1] for n, a in args.items()}
        o, state = kernel(*(now | {"state": state}).values(), sizes=case.sizes(2, 1))
        steps.append(o)
    assert np.concatenate(steps, axis=2).tobytes() == whole.tobytes()
    assert state.tobytes() == final.tobytes()


@pytest.mark.parametrize("level", kernels.LEVELS)
def test_views(level):
    """Operands as projections make them: heads turned in, q a slice, the state a slice in place."""
    text = """
    exec.kernel @k(%x: tensor<?x?x2x16xf32>, %k: tensor<?x2x16x?xf32>, %v: tensor<?x?x2x24xf32>,
                   %cache: tensor<3x?x2x16x24xf32>)
        -> (tensor<?x2x?x8xf32>, tensor<3x?x2x16x24xf32>) attributes {tied = array<i64: -1, 3>} {
      %c0 = arith.constant 0 : index
      %c1 = arith.constant 1 : index
      %b = tensor.dim %x, %c0 : tensor<?x?x2x16xf32>
      %n = tensor.dim %x, %c1 : tensor<?x?x2x16xf32>
      %e = tensor.empty(%b, %n) : tensor<?x2x?x16xf32>
      %f = tensor.empty(%b, %n) : tensor<?x2x?x24xf32>
      %q = linalg.transpose ins(%x : tensor<?x?x2x16xf32>) outs(%e : tensor<?x2x?x16xf32>)
        permutation = [0, 2, 1, 3]
      %kt = linalg.transpose ins(%k : tensor<?x2x16x?xf32>) outs(%e : tensor<?x2x?x16xf32>)
        permutation = [0, 1, 3, 2]
      %vt = linalg.transpose ins(%v : tensor<?x?x2x24xf32>) outs(%f : tensor<?x2x?x24xf32>)
        permutation = [0, 2, 1, 3]
      %w = tensor.extract_slice %vt[0, 0, 0, 3] [%b, 2, %n, 8] [1, 1, 1, 2]
        : tensor<?x2x?x24xf32> to tensor<?x2x?x8xf32>
      %s = tensor.extract_slice %cache[1, 0, 0, 0, 5] [1, %b, 2, 16, 8] [1, 1, 1, 1, 1]
        : tensor<3x?x2x16x24xf32> to tensor<?x2x16x8xf32>
      %o, %t = linnet.linear_attention %q, %kt, %w state(%s : tensor<?x2x16x8xf32>)
        : tensor<?x2x?x16xf32>, tensor<?x2x?x16xf32>, tensor<?x2x?x8xf32>
        -> tensor<?x2x?x8xf32>, tensor<?x2x16x8xf32>
      %r = tensor.insert_slice %t into %cache[1, 0, 0, 0, 5] [1, %b, 2, 16, 8] [1, 1, 1, 1, 1]
        : tensor<?x2x16x8xf32> into tensor<3x?x2x16x24xf32>
      exec.yield %o, %r : tensor<?x2x?x8xf32>, tensor<3x?x2x16x24xf32>
    }"""
    kernel = kernels.compile(text, cpu=level)["k"]
    rng = np.random.default_rng(0)
    for batch, length in [(2, 1), (1, 50), (3, 49)]:
        make = lambda *shape: rng.standard_normal(shape).astype(np.float32)
        x, k, v = make(batch, length, 2, 16), make(batch, 2, 16, length), make(batch, length, 2, 24)
        cache = make(3, batch, 2, 16, 24)
        want, state = linear_attention(x.transpose(0, 2, 1, 3), k.swapaxes(2, 3),
                                       v.transpose(0, 2, 1, 3)[..., 3:19:2],
                                       state=cache[1, ..., 5:13])
        after = cache.astype(np.float64)
        after[1, ..., 5:13] = state
        got, out = kernel(x, k, v, cache, sizes=[batch, length])
        assert distance(got, want) <= 1e-5 and distance(out, after) <= 1e-5
        np.testing.assert_array_equal(np.delete(out, 1, 0), np.delete(cache, 1, 0))


def torch_chunked(q, k, v, size=64):
    """Causal linear attention as three batched products, the best of PyTorch on a CPU."""
    b, h, n, d = q.shape
    mask = torch.tril(torch.ones(size, size))
    q, k, v = (x.view(b, h, n // size, size, d) for x in (q, k, v))
    states = k.transpose(-1, -2) @ v
    before = states.cumsum(2) - states
    return (((q @ k.transpose(-1, -2)) * mask) @ v + q @ before).view(b, h, n, d)


def report_speed():
    """Prints fractions of the FMA peak, and PyTorch's time."""
    length, heads = 4096, (4, 4, 4)
    static = dict(heads=heads, batch=1, length=length, state=False, final=False)
    print()
    for level in kernels.LEVELS:
        peak = ceilings.fma_rate(level)
        for name in ("linear", "scalar", "vector", "delta", "gated_delta"):
            case = Case(**RULES[name], **static)
            kernel = kernels.compile(case.text(), cpu=level)["k"]
            args = case.arguments(1, length)
            seconds = kernel.bench(*args.values(), seconds=0.5)
            rate = kernel.launch_values[2] / seconds
            print(f"linear_attention {name:12} {level}: {seconds * 1e3:.2f} ms, "
                  f"{rate / peak:.0%} of the FMA peak")
            if name == "linear":
                linear, ours = args, seconds
    torch.set_num_threads(1)
    q, k, v = (torch.from_numpy(x) for x in linear.values())
    best = 1e30
    for _ in range(8):
        start = time.perf_counter()
        torch_chunked(q, k, v)
        best = min(best, time.perf_counter() - start)
    print(f"PyTorch chunked: {best * 1e3:.2f} ms, {best / ours:.1f} times as long")


def report_decode_speed():
    """One position streams the state: prints the rate beside that of a copy."""
    heads, depth = 64, 128
    copied = kernels.copy_seconds(heads * depth * depth)
    print()
    for level in kernels.LEVELS:
        for name in ("linear", "gated_delta"):
            case = Case(**RULES[name], heads=(heads,) * 3, k=depth, d=depth, batch=1, length=1,
                        tied=True)
            kernel = kernels.compile(case.text(), cpu=level)["k"]
            seconds = kernel.bench(*case.arguments(1, 1).values())
            rate = 8 * heads * depth * depth / seconds
            print(f"decode {name:12} {level}: {rate / 1e9:.0f} GB/s, {seconds / copied:.2f} of a copy")


if __name__ == "__main__":
    report_speed()
    report_decode_speed()
