# Part of Linnet, under Apache-2.0 WITH LLVM-exception. See LICENSE.
"""Kernels of linnet.linear_attention_grad against the float64 recurrence.

A gradient may be off by 1e-5 of its norm, or by its rounding in 16-bit types."""

import functools

import numpy as np
import pytest

from linnet._src import kernels
from linnet._src.reference.sequence import _heads, linear_attention_grad
from test_kernels_linear_attention import F32, LENGTHS, Case, compiled, distance, tensor


class GradCase(Case):
    """One form of the op, gradients per head of the state. `dfinal`: that of the final state too."""

    def __init__(self, dfinal=True, **options):
        super().__init__(final=dfinal, **options)
        self.dfinal = dfinal
        self.forward = dict(self.operands)
        self.operands["dout"] = (self.batch, self.heads_out, self.length, self.d)
        if dfinal:
            self.operands["dfinal"] = (self.batch, self.hs, self.k, self.d)

    def type(self, name):
        return tensor(self.operands.get(name, ()), F32 if name in ("state", "dfinal") else self.dtype)

    def results(self):
        shapes = {}
        for name, shape in self.forward.items():
            if name == "bonus":
                shapes[name] = (self.batch, self.hs, self.k)
            else:
                shapes[name] = shape[:1] + (self.heads_out if name == "q" else self.hs,) + shape[2:]
        return shapes

    def text(self, name="k"):
        t = self.type
        parts = self.inputs()
        parts.append(f"grad(%dout, %dfinal : {t('dfinal')})" if self.dfinal else "grad(%dout)")
        parts += ["read<pre>"] * (self.read == "pre")
        parts += [f"scale({self.scale})"] * (self.scale is not None) + ["per_head"]
        results = [tensor(s, F32 if n in ("state", "bonus") else self.dtype)
                   for n, s in self.results().items()]
        values = ", ".join(f"%r#{i}" for i in range(len(results)))
        args = ", ".join(f"%{n}: {t(n)}" for n in self.operands)
        return f"""
        exec.kernel @{name}({args}) -> ({', '.join(results)}) {{
          %r:{len(results)} = linnet.linear_attention_grad {' '.join(parts)}
            : {t('q')}, {t('k')}, {t('v')}, {t('dout')} -> {', '.join(results)}
          exec.yield {values} : {', '.join(results)}
        }}"""

    def arguments(self, batch, length, seed=0):
        args = super().arguments(batch, length, seed)
        rng = np.random.default_rng(seed + 1)
        return {n: rng.standard_normal(x.shape).astype(x.dtype) if n in ("dout", "dfinal") else x
                for n, x in args.items()}

    def sizes(self, batch, length):
        values = {0: batch, 2: length}
        return [values[i] for s in self.results().values() for i, n in enumerate(s) if n < 0]

    def expected(self, args):
        """Per head: shared operands are repeated first, and every batch is a call of its own."""
        x = {n: np.asarray(a, np.float64) for n, a in args.items()}
        for name in self.forward:
            if name != "state":
                heads = self.heads_out if name == "q" else self.hs
                x[name] = _heads(x[name], heads, axis=0 if name == "bonus" else 1)
        every = []
        for b in range(x["q"].shape[0]):
            y = {n: a if n == "bonus" else a[b:b + 1] for n, a in x.items()}
            every.append(linear_attention_grad(
                y["q"], y["k"], y["v"], y["dout"], y.get("dfinal"), decay=y.get("decay"),
                erase=(y["a"], y["b"]) if self.erase else None, beta=y.get("beta"),
                bonus=y.get("bonus"), state=y.get("state"), read=self.read,
                scale=1.0 if self.scale is None else self.scale))
        join = lambda name, parts: np.stack(parts) if name == "bonus" else np.concatenate(parts)
        return [join(n, [g[i] for g in every]) for i, n in enumerate(self.forward)]


def check(level, case, batch, length, bound=None):
    args = case.arguments(batch, length)
    got = compiled(level, case)(*args.values(), sizes=case.sizes(batch, length))
    bound = bound or {"f32": 1e-5, "bf16": 2**-8, "f16": 2**-10}[case.dtype]
    want = case.expected(args)
    for name, x, y in zip(case.forward, got, want):
        assert x.shape == y.shape
        narrow = case.dtype == "f16" and name not in ("state", "bonus")
        allowed = bound if name not in ("state", "bonus") else 1e-5
        error = np.linalg.norm(np.asarray(x, np.float64) - y)
        least = 2.0**-14 * narrow * y.size**0.5  # subnormals are flushed
        assert error <= allowed * np.linalg.norm(y) + least, (name, length, distance(x, y))
    return args, got


RULES = {
    "linear": dict(),
    "scalar": dict(decay="scalar"),
    "vector": dict(decay="vector"),
    "delta": dict(beta=True),
    "gated_delta": dict(beta=True, decay="scalar"),
    "vector_delta": dict(beta=True, decay="vector"),
    "erase": dict(erase=True),
    "vector_erase": dict(erase=True, decay="vector"),
    "bonus": dict(decay="vector", bonus=True, read="pre"),
}
SHAPES = {  # key and value depth
    "k64d64": dict(), "k5d3": dict(k=5, d=3, scale=0.5), "k33d80": dict(k=33, d=80),
    "k1d1": dict(k=1, d=1),
}
FORMS = {
    "deep": GradCase(k=144, d=24, decay="vector"), "deep_delta": GradCase(k=144, d=24, beta=True),
    "read_pre": GradCase(read="pre"), "scalar_pre": GradCase(read="pre", decay="scalar"),
    "bonus_alone": GradCase(read="pre", bonus=True),
    "delta_pre": GradCase(read="pre", beta=True, decay="scalar"),
    "erase_pre": GradCase(read="pre", erase=True, decay="scalar"),
    "erase_bonus": GradCase(read="pre", erase=True, decay="vector", bonus=True),
    "no_state": GradCase(state=False, dfinal=False, decay="scalar"),
    "state_in_only": GradCase(dfinal=False), "state_out_only": GradCase(state=False, beta=True),
    "gqa": GradCase(heads=(4, 2, 2), decay="scalar"), "gqa_delta": GradCase(heads=(6, 2, 2), beta=True),
    "gqa_bonus": GradCase(heads=(4, 2, 2), decay="vector", bonus=True, read="pre"),
    "gqa_erase": GradCase(heads=(4, 2, 2), decay="vector", erase=True, k=20, d=20),
    "gva": GradCase(heads=(2, 2, 4), beta=True, decay="scalar"),
    "mixed_heads": GradCase(heads=(1, 2, 4), decay="vector", gates=1),
    "static": GradCase(length=65, batch=2, decay="scalar"),
}


@functools.cache
def rule_case(rule, shape="k64d64"):
    return GradCase(**RULES[rule], **SHAPES[shape])


def check_lengths(level, case):
    for length in LENGTHS if case.length < 0 else [case.length]:
        args, got = check(level, case, 2, length)
        again = compiled(level, case)(*args.values(), sizes=case.sizes(2, length), threads=3)
        for x, y in zip(got, again):  # however the chunks are spread
            assert x.tobytes() == y.tobytes()


@pytest.mark.parametrize("level", kernels.LEVELS)
@pytest.mark.parametrize("shape", SHAPES)
@pytest.mark.parametrize("rule", RULES)
def test_rule(level, rule, shape):
    check_lengths(level, rule_case(rule, shape))


@pytest.mark.parametrize("level", kernels.LEVELS)
@pytest.mark.parametrize("name", FORMS)
def test_form(level, name):
    check_lengths(level, FORMS[name])


@pytest.mark.slow(quick="^(scalar|gated_delta|vector_erase)-")
@pytest.mark.parametrize("level", kernels.LEVELS)
@pytest.mark.parametrize("name", RULES)
def test_long(level, name):
    check(level, rule_case(name), 1, 1000)


@pytest.mark.slow(quick="^(linear|vector_delta|erase|bonus)-")
@pytest.mark.parametrize("level", kernels.LEVELS)
@pytest.mark.parametrize("dtype", ["bf16", "f16"])
@pytest.mark.parametrize("name", RULES)
def test_half(level, dtype, name):
    case = GradCase(**RULES[name], dtype=dtype, k=49, d=49)  # one lane past a vector
    for length in (1, 65):
        check(level, case, 2, length)
