# Part of Linnet, under Apache-2.0 WITH LLVM-exception. See LICENSE.
"""Math functions of f32 kernels over their whole domain, against float64; docs/numerics.md holds
the same bounds. Run as a program it prints what is measured."""

import math
import sys

import numpy as np
import pytest

from linnet._src import kernels as K

LIMIT = 3.4028234e38
vector = lambda f: np.vectorize(f, otypes=[np.float64])
# name: reference, domain of the samples, bound in units in the last place
FUNCTIONS = {
    "exp": (np.exp, (-104, 89), 1.0), "exp2": (np.exp2, (-150, 129), 1.0),
    "expm1": (np.expm1, (-20, 89), 0.51), "log": (np.log, (0, LIMIT), 1.0),
    "log1p": (np.log1p, (-1, LIMIT), 0.51), "log2": (np.log2, (0, LIMIT), 0.51),
    "log10": (np.log10, (0, LIMIT), 0.51), "sin": (np.sin, (-LIMIT, LIMIT), 0.51),
    "cos": (np.cos, (-LIMIT, LIMIT), 0.51), "tan": (np.tan, (-LIMIT, LIMIT), 0.51),
    "sinh": (np.sinh, (-89, 89), 0.51), "cosh": (np.cosh, (-89, 89), 0.51),
    "tanh": (np.tanh, (-20, 20), 2.0), "asin": (np.arcsin, (-1, 1), 0.51),
    "acos": (np.arccos, (-1, 1), 0.51), "atan": (np.arctan, (-LIMIT, LIMIT), 0.51),
    "asinh": (np.arcsinh, (-LIMIT, LIMIT), 0.51), "acosh": (np.arccosh, (1, LIMIT), 0.51),
    "atanh": (np.arctanh, (-1, 1), 0.51), "erf": (vector(math.erf), (-6, 6), 1.5),
    "erfc": (vector(math.erfc), (-6, 10), 0.51), "cbrt": (np.cbrt, (-LIMIT, LIMIT), 0.51),
}
SPECIAL = np.array([0.0, -0.0, np.inf, -np.inf, np.nan, 1.0, -1.0, 65536.0, 1e9, 3e38, -65536.5,
                    88.72283, 88.72284, -87.33654, -87.33655, -103.9, 1e-38, -1e-38, 1e-42, 1e22,
                    2.0**28, 2.0**28 + 32, 0.5, -0.5, 0.625, 0.92, 4.0, 10.0, 11.0], np.float32)


def kernel(name):
    return f"""
exec.kernel @{name}(%x: tensor<?xf32>) -> tensor<?xf32> {{
  %c0 = arith.constant 0 : index
  %n = tensor.dim %x, %c0 : tensor<?xf32>
  %e = tensor.empty(%n) : tensor<?xf32>
  %r = linalg.generic {{indexing_maps = [affine_map<(i) -> (i)>, affine_map<(i) -> (i)>], iterator_types = ["parallel"]}}
      ins(%x : tensor<?xf32>) outs(%e : tensor<?xf32>) {{
  ^bb0(%a: f32, %b: f32):
    %y = math.{name} %a : f32
    linalg.yield %y : f32
  }} -> tensor<?xf32>
  exec.yield %r : tensor<?xf32>
}}"""


def samples(low, high, n=60000):
    """Half of them even in value, half even in bits."""
    rng = np.random.default_rng(11)
    even = rng.uniform(max(low, -1e6), min(high, 1e6), n // 2).astype(np.float32)
    bits = rng.integers(0, 2**32, 2 * n, np.uint64).astype(np.uint32).view(np.float32)
    with np.errstate(invalid="ignore"):
        bits = bits[(bits >= np.float32(low)) & (bits <= np.float32(high)) & (np.abs(bits) >= 2.0**-126)]
    return np.concatenate([even, bits[:n // 2]])


def ulps(got, ref):
    """Error in units in the last place of f32; results that flush count as zero."""
    got, ref = (np.where(np.abs(v) < 2.0**-126, 0, v) for v in (got, ref))
    unit = np.exp2(np.floor(np.log2(np.maximum(np.abs(ref), 2.0**-126))) - 23)
    error = np.abs(got.astype(np.float64) - ref) / unit
    edge = (got == 0) & (np.abs(ref) < 2.0**-126 * (1 + 2.0**-20)) | (np.isinf(got) & (np.abs(ref) > LIMIT))
    return np.where(edge, 0, error)


def measure(name, k):
    f, (low, high), _ = FUNCTIONS[name]
    x = samples(low, high)
    with np.errstate(all="ignore"):
        return ulps(k[name](x, sizes=[len(x)]), f(x.astype(np.float64))).max()


@pytest.fixture(scope="module")
def compiled():
    text = "".join(kernel(n) for n in FUNCTIONS)
    return {cpu: K.compile(text, cpu) for cpu in K.LEVELS}


@pytest.mark.parametrize("name", FUNCTIONS)
def test_error(name, compiled):
    assert measure(name, compiled[K.LEVELS[0]]) <= FUNCTIONS[name][2]


@pytest.mark.parametrize("name", FUNCTIONS)
def test_special_values(name, compiled):
    f = FUNCTIONS[name][0]
    x = np.where(np.abs(SPECIAL) < 2.0**-126, SPECIAL * 0, SPECIAL)  # subnormals read as zero
    with np.errstate(all="ignore"):
        refs = [f(x.astype(np.float64))]
        if K.on_vulkan():  # or as what they are
            refs.append(f(SPECIAL.astype(np.float64)))
        refs = [np.where(np.abs(ref) < 2.0**-126, ref * 0, ref).astype(np.float32) for ref in refs]
    for k in compiled.values():
        y = k[name](SPECIAL, sizes=[len(SPECIAL)])
        y = np.where(np.abs(y) < 2.0**-126, y * 0, y)  # a subnormal argument may come back
        same = np.any([(np.isnan(y) & np.isnan(ref)) | (y == ref) | (np.abs(y - ref) <= np.abs(ref) * 2.0**-22)
                       for ref in refs], 0)
        assert same.all(), [(a, b, c) for a, b, c in zip(SPECIAL[~same], y[~same], refs[0][~same])]


@pytest.mark.parametrize("name", FUNCTIONS)
def test_same_bits(name, compiled):
    """On every level, and in a full vector as in a masked one."""
    x = np.concatenate([samples(*FUNCTIONS[name][1], n=4000), SPECIAL])
    first = None
    for k in compiled.values():
        y = k[name](x, sizes=[len(x)])
        one = np.concatenate([k[name](x[i:i + 1], sizes=[1]) for i in range(0, len(x), 97)])
        assert (y[::97].view(np.uint32) == one.view(np.uint32)).all()
        first = y if first is None else first
        nan = np.isnan(y) & np.isnan(first)
        assert ((y.view(np.uint32) == first.view(np.uint32)) | nan).all()


if __name__ == "__main__":
    k = K.compile("".join(kernel(n) for n in FUNCTIONS), K.LEVELS[0])
    for n in FUNCTIONS:
        print(f"{n:8} {measure(n, k):.3f}  bound {FUNCTIONS[n][2]}")
    sys.exit()
