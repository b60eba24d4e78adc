# ===- test_kernels_scan_grad.py - gradients of scans, executed -===//
#
# Part of Linnet, under Apache-2.0 WITH LLVM-exception. See LICENSE.
#
# ===----------------------------------------------------------------------===//
"""Kernels of linnet.selective_scan_grad and linnet.causal_conv_grad, which leave sums over batches
and over all channels in parts, against the float64 references.

An element may be off by its rounding and by c * 2^-24 times the sum of the absolute values of the
terms that make it. For the convolution c is 64. In a scan the factor of every step may be off by 8
units (Emitter.h), and a term that came through L of them by 8 L; exp(-x) loses 4 x units more, and is 0
from x = 88 on: c = 64 + 4 * 88 + 8 L."""
import dataclasses
import functools
import itertools

import numpy as np
import pytest

from linnet import reference as ref
from linnet._src import kernels

UNIT = {"f32": 2**-24, "bf16": 2**-8, "f16": 2**-11}


def tensor(shape, dtype):
    return "tensor<" + "x".join(["?" if s < 0 else str(s) for s in shape] + [dtype]) + ">"


@dataclasses.dataclass(frozen=True)
class Site:
    """What the kernels of both ops have in common. `final`: with a gradient of the final state;
    `yields`: the gradients that the kernel gives, all by default."""
    channels: int = -1
    batch: int = -1
    length: int = -1
    dtype: str = "f32"
    final: bool = True
    yields: tuple = ()

    def text(self):
        types = {n: tensor(s, self.element(n)) for n, s in self.shapes().items()}
        results = [tensor(s, e) for s, e in self.results().values()]
        yielded = [i for i, n in enumerate(self.results()) if not self.yields or n in self.yields]
        names = ", ".join(f"%r#{i}" for i in yielded)
        out = ", ".join(results[i] for i in yielded)
        grad = "%dy" + f", %dfinal : {types['dfinal']}" * self.final if self.final else "%dy"
        options = " ".join(f"{n}(%{n} : {types[n]})" for n in self.optional if n in types)
        operands = ", ".join(f"%{n}" for n in self.needed)
        return f"""
        exec.kernel @k({', '.join(f'%{n}: {t}' for n, t in types.items())}) -> ({out}) {{
          %r:{len(results)} = linnet.{self.op} {operands} grad({grad}) {options} {self.attributes()}
            parts : {', '.join(types[n] for n in self.needed)}, {types['dy']}
            -> {', '.join(results)}
          exec.yield {names} : {out}
        }}"""

    def element(self, name):
        return self.dtype

    def gradients(self):
        return [n for n in self.shapes() if n not in ("dy", "dfinal")]

    def names(self):
        return [n for n in self.gradients() if not self.yields or n in self.yields]

    def arguments(self, batch, length, channels, seed=0):
        rng, sizes = np.random.default_rng(seed), (batch, length, channels)
        args = {}
        for name, shape in self.shapes(*sizes).items():
            x = self.draw(name, rng.standard_normal(shape))
            args[name] = x.astype(kernels.DTYPES[self.element(name)])
        return args

    def draw(self, name, x):
        return x

    def sizes(self, batch, length, channels):
        """Dynamic sizes of the results that are yielded, in order."""
        declared, actual = self.results(), self.results(batch, length, channels)
        return [a for n in self.names() for d, a in zip(declared[n][0], actual[n][0]) if d < 0]

    def run(self, level, args, *sizes, **options):
        """Gradients by name, their parts summed in float64."""
        got = compiled(level, self)(*args.values(), sizes=self.sizes(*sizes), **options)
        got = dict(zip(self.names(), got if isinstance(got, (list, tuple)) else [got]))
        return got, {n: np.asarray(x, np.float64).sum(self.parts[n]) if n in self.parts else x
                     for n, x in got.items()}

    def check(self, level, batch, length, channels, threads=2):
        channels = self.channels if self.channels >= 0 else channels
        batch = self.batch if self.batch >= 0 else batch
        sizes = (batch, length, channels)
        args = self.arguments(*sizes)
        raw, got = self.run(level, args, *sizes, threads=threads)
        wide = {n: np.asarray(x, np.float64) for n, x in args.items()}
        want, sums, unit = self.expected(wide), self.magnitudes(wide), self.factor(length) * 2.0**-24
        for name, x in got.items():
            assert x.shape == want[name].shape, (name, sizes)
            error = np.abs(np.asarray(x, np.float64) - want[name])
            rounding = UNIT["f32" if name in self.parts else self.element(name)]
            bound = unit * sums[name] + rounding * np.abs(want[name]) + 1e-37
            bound += 2.0**-14 * (self.element(name) == "f16")
            assert (error <= bound).all(), (name, sizes, (error / bound).max())
        return raw


@dataclasses.dataclass(frozen=True)
class Scan(Site):
    states: int = 16
    have: tuple = ("skip", "gate", "delta_bias", "state")
    softplus: bool = True
    op = "selective_scan_grad"
    needed, optional = ("u", "delta", "a", "b", "c"), ("skip", "gate", "delta_bias", "state")
    parts = {"a": 0, "skip": 0, "delta_bias": 0, "b": 1, "c": 1}

    def shapes(self, b=-1, l=-1, c=-1):
        c = c if self.channels < 0 else self.channels
        b = b if self.batch < 0 else self.batch
        l = l if self.length < 0 else self.length
        n = self.states
        all = {"u": (b, l, c), "delta": (b, l, c), "a": (c, n), "b": (b, l, n), "c": (b, l, n),
               "skip": (c,), "gate": (b, l, c), "delta_bias": (c,), "state": (b, c, n),
               "dy": (b, l, c), "dfinal": (b, c, n)}
        return {x: s for x, s in all.items()
                if (x not in self.optional or x in self.have) and (x != "dfinal" or self.final)}

    def results(self, b=-1, l=-1, c=-1):
        shapes = self.shapes(b, l, c)
        b, l, c = shapes["u"]
        groups = -1 if c < 0 else -(-c // 64)
        place = lambda n, s: (b, groups, l, self.states) if self.parts[n] else (b, *s)
        return {n: (place(n, s), "f32") if n in self.parts else (s, self.element(n))
                for n, s in shapes.items() if n in self.gradients()}

    def element(self, name):
        return "f32" if name in ("state", "dfinal") else self.dtype

    def attributes(self):
        return "softplus" * self.softplus

    def draw(self, name, x):
        if name == "a":
            return -np.exp(x)
        if name in ("delta", "delta_bias") and not self.softplus:
            return np.abs(x)  # states do not grow
        return 2 * x if name == "delta" else x

    def expected(self, x):
        options = {n: x[n] for n in self.optional if n in x}
        return ref.selective_scan_grad(*(x[n] for n in self.needed), x["dy"], x.get("dfinal"),
                                       softplus=self.softplus, **options)

    def factor(self, length):
        return 416 + 8 * length

    def magnitudes(self, x):
        """The sums of the reference with every term's absolute value."""
        before = x["delta"] + x.get("delta_bias", 0)
        d = np.logaddexp(0, before) if self.softplus else before
        x = {n: x[n] if n == "a" else np.abs(x[n]) for n in x}
        u, a, b, c = (x[n] for n in "uabc")
        given = {n: x[n] for n in ("skip", "state") if n in x}
        sigmoid = lambda z: 1 / (1 + np.exp(-z))
        slope = sigmoid(x["gate"]) if "gate" in x else 1
        ds = x["dy"] * (x["gate"] * slope if "gate" in x else 1)
        sums = ref.selective_scan_grad(u, d, a, b, c, ds, x.get("dfinal"), **given)
        # the two terms of a step have different signs
        q = (sums["u"] - x.get("skip", 0) * ds) / d
        sums["delta"] = (np.abs(sums["delta"]) + 2 * u * q) * (sigmoid(before) if self.softplus else 1)
        sums["delta_bias"] = sums["delta"].sum((0, 1))
        sums["gate"] = x["dy"] * ref.selective_scan(u, d, a, b, c, **given)[0] * (1 + x.get("gate", 0))
        return sums


@dataclasses.dataclass(frozen=True)
class Conv(Site):
    width: int = 4
    have: tuple = ("bias", "state")
    activation: str = "silu"
    op = "causal_conv_grad"
    needed, optional, parts = ("x", "weight"), ("bias", "state"), {"weight": 0, "bias": 0}

    def shapes(self, b=-1, l=-1, c=-1):
        c = c if self.channels < 0 else self.channels
        b = b if self.batch < 0 else self.batch
        all = {"x": (b, l, c), "weight": (c, self.width), "bias": (c,),
               "state": (b, c, self.width - 1), "dy": (b, l, c), "dfinal": (b, c, self.width - 1)}
        return {x: s for x, s in all.items()
                if (x not in self.optional or x in self.have) and (x != "dfinal" or self.final)}

    def results(self, b=-1, l=-1, c=-1):
        shapes = self.shapes(b, l, c)
        return {n: ((shapes["x"][0], *s), "f32") if n in self.parts else (s, self.dtype)
                for n, s in shapes.items() if n in self.gradients()}

    def attributes(self):
        return "activation<silu>" if self.activation == "silu" else ""

    def expected(self, x):
        options = {n: x[n] for n in self.optional if n in x}
        return ref.causal_conv_grad(x["x"], x["weight"], x["dy"], x.get("dfinal"),
                                    activation=self.activation, **options)

    def factor(self, length):
        return 64

    def magnitudes(self, x):
        dp = np.abs(x["dy"])
        if self.activation == "silu":  # an error of what is activated changes the slope
            given = {n: np.abs(x[n]) for n in self.optional if n in x}
            dp = dp * (1 + ref.causal_conv(np.abs(x["x"]), np.abs(x["weight"]), **given)[0])
        x = {n: np.abs(v) for n, v in x.items()}
        return ref.causal_conv_grad(x["x"], x["weight"], dp, x.get("dfinal"),
                                    **{n: x[n] for n in self.optional if n in x})


@functools.lru_cache(None)
def compiled(level, site):
    return kernels.compile(site.text(), cpu=level)["k"]


SIZES = [(2, 0, 16), (1, 1, 1), (2, 2, 33), (2, 63, 16), (1, 64, 17), (2, 65, 80), (1, 140, 130),
         (0, 3, 8), (1, 3, 0)]

SCANS = {
    "all": Scan(), "static": Scan(channels=48), "odd_states": Scan(states=5),
    "one_state": Scan(states=1), "many_states": Scan(states=37, channels=19),
    "plain": Scan(have=(), softplus=False, final=False), "no_states": Scan(states=0),
    "inputs": Scan(yields=("u",)), "shared": Scan(yields=("b",)), "state": Scan(yields=("state",)),
} | {"with_" + "_".join(have) + "_softplus" * softplus: Scan(have=have, softplus=softplus,
                                                          final=not softplus)
     for softplus in (False, True) for k in (1, 3)
     for have in itertools.combinations(Scan.optional, k)}

CONVS = {f"width{w}": Conv(width=w) for w in (1, 2, 3, 4, 5, 8, 9, 31)} | {
    "plain": Conv(have=(), final=False, activation="none"), "static": Conv(channels=48),
    "linear": Conv(activation="none"), "linear_wide": Conv(activation="none", width=12),
    "state": Conv(have=("state",), final=False), "wide_state": Conv(have=("state",), width=70),
    "wide_plain": Conv(have=(), final=False, width=10), "inputs": Conv(yields=("x",)),
    "weights": Conv(yields=("weight",)), "final": Conv(have=("bias",)),
}


@pytest.mark.parametrize("level", kernels.LEVELS)
@pytest.mark.parametrize("name", SCANS)
def test_scan(level, name):
    for sizes in SIZES:
        SCANS[name].check(level, *sizes)


@pytest.mark.parametrize("level", kernels.LEVELS)
@pytest.mark.parametrize("name", CONVS)
def test_conv(level, name):
    for sizes in SIZES:
        CONVS[name].check(level, *sizes)


@pytest.mark.parametrize("level", kernels.LEVELS)
@pytest.mark.parametrize("dtype", ["bf16", "f16"])
def test_half(level, dtype):
    for site in (Scan(dtype=dtype), Scan(dtype=dtype, channels=32), Conv(dtype=dtype),
                 Conv(dtype=dtype, width=10)):
        for sizes in [(1, 1, 1), (2, 65, 33)]:
            site.check(level, *sizes)


@pytest.mark.parametrize("length", [1, 3, 20])
def test_known_lengths(length):
    """What a GPU's threads do goes by the length where it is known."""
    Scan(length=length).check(kernels.LEVELS[-1], 2, length, 70)


@pytest.mark.parametrize("level", kernels.LEVELS)
def test_long(level):
    for site in (SCANS["all"], CONVS["width4"], CONVS["width9"]):
        site.check(level, 1, 1000, 20)


@pytest.mark.parametrize("level", kernels.LEVELS)
@pytest.mark.parametrize("site", [SCANS["all"], CONVS["width4"], CONVS["width9"]],
                         ids=["scan", "conv", "wide_conv"])
def test_same_bits_at_every_thread_count_and_alignment(level, site):
    sizes = (3, 70, 150)
    args = site.arguments(*sizes)
    first = site.run(level, args, *sizes, threads=1, skew=False)[0]
    for threads in (1, 2, 3, 7):
        for name, x in site.run(level, args, *sizes, threads=threads)[0].items():
            assert x.tobytes() == first[name].tobytes(), name


@pytest.mark.parametrize("level", kernels.LEVELS)
def test_extremes_of_gates(level):
    """Slopes of silu far from zero are 0 and 1, not NaN."""
    site = Conv(width=1, have=(), final=False, yields=("x",))
    x = np.array([0, 1e-30, 30, -30, 87, -87, -100, 3e38, -3e38, np.inf, -np.inf], np.float32)
    args = dict(x=x[None, :, None], weight=np.ones((1, 1), np.float32),
                dy=np.ones((1, x.size, 1), np.float32))
    got = site.run(level, args, 1, x.size, 1)[0]["x"][0, :, 0]
    z = np.clip(x.astype(np.float64), -700, 700)
    s = 1 / (1 + np.exp(-z))
    np.testing.assert_allclose(got, s * (1 + z * (1 - s)), rtol=1e-6, atol=1e-11)
