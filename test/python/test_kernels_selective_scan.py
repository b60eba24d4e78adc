# Part of Linnet, under Apache-2.0 WITH LLVM-exception. See LICENSE.
"""Kernels of linnet.selective_scan against the float64 recurrence."""

import functools

import numpy as np
import pytest

import ceilings
from linnet._src import kernels
from linnet._src.reference.sequence import selective_scan

OPTIONAL = ("skip", "gate", "delta_bias", "state")


def tensor(shape, dtype="f32"):
    return "tensor<" + "x".join(["?" if s < 0 else str(s) for s in shape] + [dtype]) + ">"


class Case:
    def __init__(self, channels=-1, states=16, have=OPTIONAL, softplus=True, final=True, dtype="f32",
                 tied=False, length=-1):
        self.__dict__.update({n: v for n, v in locals().items() if n != "self"})
        l, c, n = length, channels, states
        self.shapes = {"u": (-1, l, c), "delta": (-1, l, c), "a": (c, n), "b": (-1, l, n),
                       "c": (-1, l, n), "skip": (c,), "gate": (-1, l, c), "delta_bias": (c,),
                       "state": (-1, c, n)}
        self.operands = [x for x in self.shapes if x not in OPTIONAL or x in have]

    def type(self, name):
        return tensor(self.shapes[name], "f32" if name == "state" else self.dtype)

    def text(self):
        o, s = self.type("u"), self.type("state")
        results = [o] + [s] * self.final
        parts = ["%u, %delta, %a, %b, %c"]
        parts += [f"{n}(%{n} : {self.type(n)})" for n in OPTIONAL if n in self.have]
        parts += ["softplus"] * self.softplus
        types = ", ".join(self.type(n) for n in ("u", "delta", "a", "b", "c"))
        args = ", ".join(f"%{n}: {self.type(n)}" for n in self.operands)
        values = ["%r#0", "%r#1"] if self.final else ["%r"]
        tied = f" attributes {{tied = array<i64: -1, {len(self.operands) - 1}>}}" * self.tied
        return f"""
        exec.kernel @k({args}) -> ({', '.join(results)}){tied} {{
          %r{':2' * self.final} = linnet.selective_scan {' '.join(parts)}
            : {types} -> {', '.join(results)}
          exec.yield {', '.join(values)} : {', '.join(results)}
        }}"""

    def arguments(self, batch, length, channels, seed=0):
        rng = np.random.default_rng(seed)
        size = {"u": (batch, length, channels), "a": (channels, self.states),
                "b": (batch, length, self.states), "state": (batch, channels, self.states),
                "skip": (channels,)}
        like = {"delta": "u", "gate": "u", "c": "b", "delta_bias": "skip"}
        out = {}
        for name in self.operands:
            x = rng.standard_normal(size[like.get(name, name)])
            if name == "a":
                x = -np.exp(x)
            elif name == "delta":
                x = 2 * x if self.softplus else np.abs(x)
            out[name] = x.astype(np.float32 if name == "state" else kernels.DTYPES[self.dtype])
        return out

    def sizes(self, batch, length, channels):
        dynamic = [channels] * (self.channels < 0)
        lengths = [length] * (self.length < 0)
        return [batch] + lengths + dynamic + ([batch] + dynamic) * (self.final and not self.tied)

    def expected(self, args):
        x = {n: np.asarray(a, np.float64) for n, a in args.items()}
        return selective_scan(x["u"], x["delta"], x["a"], x["b"], x["c"], softplus=self.softplus,
                              **{n: x[n] for n in OPTIONAL if n in x})


def distance(got, want):
    return np.linalg.norm(np.asarray(got, np.float64) - want) / (np.linalg.norm(want) or 1)


@functools.lru_cache(None)
def compiled(level, case):
    return kernels.compile(case.text(), cpu=level)["k"]


CASES = {
    "all": Case(), "static": Case(channels=48), "odd_states": Case(states=5),
    "one_state": Case(states=1), "many_states": Case(states=37, channels=19),
    "states_in_scratch": Case(states=70, channels=5),
    "plain": Case(have=(), softplus=False, final=False),
    "state_out": Case(have=("skip",), softplus=False), "state_in": Case(final=False),
    "tied": Case(tied=True),
}


@pytest.mark.parametrize("level", kernels.LEVELS)
@pytest.mark.parametrize("name", CASES)
def test_matches_float64(level, name):
    case = CASES[name]
    for batch, length, channels in [(2, 0, 16), (1, 1, 1), (2, 2, 33), (2, 63, 16), (1, 64, 17),
                                    (2, 65, 48), (1, 300, 40), (0, 3, 8), (1, 3, 0)]:
        channels = channels if case.channels < 0 else case.channels
        args = case.arguments(batch, length, channels)
        y, h = case.expected(args)
        got = compiled(level, case)(*args.values(), sizes=case.sizes(batch, length, channels))
        got, final = got if case.final else (got, None)
        assert distance(got, y) <= 2e-6, (batch, length, channels)
        if case.final:
            assert distance(final, h) <= 2e-6
        again = compiled(level, case)(*args.values(), sizes=case.sizes(batch, length, channels),
                                      threads=3)
        assert (again[0] if case.final else again).tobytes() == got.tobytes()


@pytest.mark.parametrize("level", kernels.LEVELS)
@pytest.mark.parametrize("dtype", ["bf16", "f16"])
def test_half(level, dtype):
    case = Case(dtype=dtype)
    args = case.arguments(2, 70, 21)
    y, h = case.expected(args)
    got, final = compiled(level, case)(*args.values(), sizes=case.sizes(2, 70, 21))
    assert distance(got, y) <= {"bf16": 2**-8, "f16": 2**-10}[dtype]
    assert distance(final, h) <= 2e-6


@pytest.mark.parametrize("level", kernels.LEVELS)
def test_extremes(level):
    """Steps far from zero on both sides: softplus and the decay go to their limits."""
    case = Case()
    args = case.arguments(1, 40, 16)
    args["delta"][:] = np.linspace(-120, 120, 40)[None, :, None]
    args["gate"][:] = np.linspace(-200, 200, 16)
    y, h = case.expected(args)
    got, final = compiled(level, case)(*args.values(), sizes=case.sizes(1, 40, 16))
    assert np.isfinite(got).all()
    assert distance(got, y) <= 2e-6 and distance(final, h) <= 2e-6


@pytest.mark.parametrize("level", kernels.LEVELS)
@pytest.mark.parametrize("length", [1, 2, 63, 64, 65, 1000])
def test_decays(level, length):
    """Logarithms of the decay, a step times `a`, from -30 to -1e-6."""
    case = CASES["state_out"]
    args = case.arguments(1, length, 16)
    rng = np.random.default_rng(length)
    args["a"][:] = -np.exp(rng.uniform(np.log(1e-3), np.log(np.sqrt(30)), args["a"].shape))
    args["delta"][:] = np.exp(rng.uniform(np.log(1e-3), np.log(np.sqrt(30)), args["delta"].shape))
    y, h = case.expected(args)
    got, final = compiled(level, case)(*args.values(), sizes=case.sizes(1, length, 16))
    assert distance(got, y) <= 1e-5 and distance(final, h) <= 1e-5


@pytest.mark.parametrize("level", kernels.LEVELS)
def test_steps_in_place(level):
    """One position at a time on a donated state gives the bits of one call over all of them."""
    case = CASES["tied"]
    args = case.arguments(2, 5, 20)
    whole, final = compiled(level, case)(*args.values(), sizes=case.sizes(2, 5, 20))
    state, steps = args["state"], []
    for t in range(5):
        now = {n: a[:, t:t + 1] if case.shapes[n][:2] == (-1, -1) else a for n, a in args.items()}
        y, state = compiled(level, case)(*(now | {"state": state}).values(), sizes=case.sizes(2, 1, 20))
        steps.append(y)
    assert np.concatenate(steps, axis=1).tobytes() == whole.tobytes()
    assert state.tobytes() == final.tobytes()


@pytest.mark.parametrize("length", [1, 3, 20, 70])
def test_known_lengths(length):
    """What a GPU's threads do goes by the length where it is known."""
    case = Case(length=length)
    args = case.arguments(2, length, 70)
    y, h = case.expected(args)
    got, final = compiled(kernels.LEVELS[-1], case)(*args.values(), sizes=case.sizes(2, length, 70))
    assert distance(got, y) <= 2e-6 and distance(final, h) <= 2e-6


def report_speed():
    """Prints the time as a multiple of a kernel in C that has nothing but the recurrence."""
    length, channels = 256, 1536
    forms = {"recurrence": Case(channels, have=(), softplus=False, final=False), "all": Case(channels)}
    print()
    for level in kernels.LEVELS:
        ceiling = ceilings.scan_seconds(level, length, channels)
        for name, case in forms.items():
            kernel = kernels.compile(case.text(), cpu=level)["k"]
            seconds = kernel.bench(*case.arguments(1, length, channels).values(),
                                   sizes=case.sizes(1, length, channels), seconds=0.5)
            print(f"selective_scan {name:10} {level}: {seconds * 1e3:.2f} ms, "
                  f"{seconds / ceiling:.2f} times the ceiling")


if __name__ == "__main__":
    report_speed()
