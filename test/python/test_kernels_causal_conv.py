# Part of Linnet, under Apache-2.0 WITH LLVM-exception. See LICENSE.
"""Kernels of linnet.causal_conv against the float64 sum and PyTorch's convolution."""

import functools

import numpy as np
import pytest
import torch

from linnet._src import kernels
from linnet._src.reference.sequence import causal_conv


def tensor(shape, dtype="f32"):
    return "tensor<" + "x".join(["?" if s < 0 else str(s) for s in shape] + [dtype]) + ">"


class Case:
    def __init__(self, width=4, channels=-1, bias=True, state=True, final=True, activation="silu",
                 dtype="f32", tied=False, scale=1.0):
        self.__dict__.update({n: v for n, v in locals().items() if n != "self"})
        c = channels
        self.shapes = {"x": (-1, -1, c), "w": (c, width)}
        self.shapes |= {"bias": (c,)} if bias else {}
        self.shapes |= {"state": (-1, c, width - 1)} if state else {}

    def text(self):
        t = {n: tensor(s, self.dtype) for n, s in self.shapes.items()}
        results = [t["x"]] + [tensor((-1, self.channels, self.width - 1), self.dtype)] * self.final
        parts = ["%x, %w"] + [f"bias(%bias : {t.get('bias')})"] * self.bias
        parts += [f"state(%state : {t.get('state')})"] * self.state
        parts += [f"activation<{self.activation}>"]
        values = ["%r#0", "%r#1"] if self.final else ["%r"]
        tied = f" attributes {{tied = array<i64: -1, {len(t) - 1}>}}" * self.tied
        return f"""
        exec.kernel @k({', '.join(f'%{n}: {x}' for n, x in t.items())}) -> ({', '.join(results)}){tied} {{
          %r{':2' * self.final} = linnet.causal_conv {' '.join(parts)}
            : {t['x']}, {t['w']} -> {', '.join(results)}
          exec.yield {', '.join(values)} : {', '.join(results)}
        }}"""

    def arguments(self, batch, length, channels, seed=0):
        rng = np.random.default_rng(seed)
        size = {"x": (batch, length, channels), "w": (channels, self.width), "bias": (channels,),
                "state": (batch, channels, self.width - 1)}
        scale = {"w": self.scale}  # of the weights, whose products are summed
        return {n: (rng.standard_normal(size[n]) * scale.get(n, 1)).astype(kernels.DTYPES[self.dtype])
                for n in self.shapes}

    def sizes(self, batch, length, channels):
        dynamic = [channels] * (self.channels < 0)
        return [batch, length] + dynamic + ([batch] + dynamic) * (self.final and not self.tied)

    def expected(self, args):
        x = {n: np.asarray(a, np.float64) for n, a in args.items()}
        return causal_conv(x["x"], x["w"], bias=x.get("bias"), state=x.get("state"),
                           activation=self.activation)


@functools.lru_cache(None)
def compiled(level, case):
    return kernels.compile(case.text(), cpu=level)["k"]


CASES = {f"width{w}": Case(width=w) for w in (1, 2, 3, 4, 5, 8, 9, 31)} | {
    "static": Case(channels=48), "plain": Case(bias=False, state=False, final=False, activation="none"),
    "state_out": Case(state=False), "state_in": Case(final=False), "tied": Case(tied=True),
    "tied_wide": Case(tied=True, width=12), "tied_width70": Case(tied=True, width=70, scale=0.25),
}
SIZES = [(2, 0, 16), (1, 1, 1), (2, 2, 33), (2, 63, 64), (1, 65, 17), (2, 130, 80), (0, 3, 8), (1, 3, 0)]


@pytest.mark.parametrize("level", kernels.LEVELS)
@pytest.mark.parametrize("name", CASES)
def test_matches_float64(level, name):
    case = CASES[name]
    for batch, length, channels in SIZES:
        channels = channels if case.channels < 0 else case.channels
        args = case.arguments(batch, length, channels)
        y, s = case.expected(args)
        got = compiled(level, case)(*args.values(), sizes=case.sizes(batch, length, channels))
        got, final = got if case.final else (got, None)
        np.testing.assert_allclose(got, y, rtol=1e-5, atol=2e-6)
        if case.final:
            np.testing.assert_array_equal(final, s.astype(np.float32))
        again = compiled(level, case)(*args.values(), sizes=case.sizes(batch, length, channels),
                                      threads=3)
        assert (again[0] if case.final else again).tobytes() == got.tobytes()


@pytest.mark.parametrize("level", kernels.LEVELS)
def test_matches_torch(level):
    case = CASES["plain"]
    args = case.arguments(2, 50, 24)
    x, w = (torch.from_numpy(a) for a in args.values())
    want = torch.nn.functional.conv1d(x.transpose(1, 2), w[:, None], padding=case.width - 1,
                                      groups=24)[..., :50].transpose(1, 2)
    got = compiled(level, case)(*args.values(), sizes=[2, 50, 24])
    np.testing.assert_allclose(got, want, rtol=1e-5, atol=1e-5)


@pytest.mark.parametrize("level", kernels.LEVELS)
@pytest.mark.parametrize("dtype", ["bf16", "f16"])
@pytest.mark.parametrize("width", [4, 10])
def test_half(level, dtype, width):
    case = Case(dtype=dtype, width=width)
    args = case.arguments(2, 70, 21)
    y, s = case.expected(args)
    got, final = compiled(level, case)(*args.values(), sizes=case.sizes(2, 70, 21))
    step = {"bf16": 2**-8, "f16": 2**-10}[dtype]
    np.testing.assert_allclose(got.astype(np.float64), y, rtol=step, atol=1e-5)
    np.testing.assert_array_equal(final.astype(np.float64), s)


@pytest.mark.parametrize("level", kernels.LEVELS)
def test_extremes(level):
    case = Case(width=1, bias=False, state=False, final=False)
    x = np.array([0, 1e-30, 30, -30, 87, -87, -100, 3e38, -3e38, np.inf], np.float32)[None, :, None]
    got = compiled(level, case)(x, np.ones((1, 1), np.float32), sizes=[1, x.size, 1])
    want = np.asarray(x, np.float64)
    with np.errstate(over="ignore"):
        want = want / (1 + np.exp(-want))
    np.testing.assert_allclose(got, want, rtol=1e-6, atol=5e-12)


def report_speed():
    """Prints the time as a multiple of a copy of the tensor."""
    length, channels = 1024, 1536
    copied = kernels.copy_seconds(length * channels)
    print()
    for level in kernels.LEVELS:
        for activation in ("none", "silu"):
            case = Case(channels=channels, state=False, final=False, activation=activation)
            kernel = kernels.compile(case.text(), cpu=level)["k"]
            seconds = kernel.bench(*case.arguments(1, length, channels).values(),
                                   sizes=case.sizes(1, length, channels))
            print(f"causal_conv {activation} {level}: {seconds * 1e3:.2f} ms, "
                  f"{seconds / copied:.1f} copies")


if __name__ == "__main__":
    report_speed()
