# Part of Linnet, under Apache-2.0 WITH LLVM-exception. See LICENSE.
"""The loops emitter on elements, executed: every result against NumPy in float64."""

import math

import ml_dtypes
import numpy as np
import pytest
from kernel_text import Text, identity, same_bits, ty

from linnet._src import kernels as K

RNG = np.random.default_rng(7)
F32, BF16, F16 = np.float32, ml_dtypes.bfloat16, np.float16
EPS = {"f32": 2.0**-24, "bf16": 2.0**-8, "f16": 2.0**-11, "f64": 2.0**-53}
TINY = {"f32": 2.0**-126, "bf16": 2.0**-126, "f16": 2.0**-24, "f64": 2.0**-1022}

UNARY = {
    "arith.negf": np.negative, "math.absf": np.abs, "math.ceil": np.ceil, "math.floor": np.floor,
    "math.trunc": np.trunc, "math.roundeven": np.round, "math.sqrt": np.sqrt, "math.exp": np.exp,
    "math.exp2": np.exp2, "math.expm1": np.expm1, "math.log": np.log, "math.log2": np.log2,
    "math.log10": np.log10, "math.log1p": np.log1p, "math.sin": np.sin, "math.cos": np.cos,
    "math.tan": np.tan, "math.tanh": np.tanh, "math.sinh": np.sinh, "math.cosh": np.cosh,
    "math.asin": np.arcsin, "math.acos": np.arccos, "math.atan": np.arctan,
    "math.asinh": np.arcsinh, "math.acosh": np.arccosh, "math.atanh": np.arctanh,
    "math.erf": np.vectorize(math.erf, otypes=[np.float64]),
    "math.erfc": np.vectorize(math.erfc, otypes=[np.float64]), "math.cbrt": np.cbrt,
    "math.rsqrt": lambda x: 1 / np.sqrt(x),
    "math.round": lambda x: np.trunc(x + np.copysign(0.5, x)),
}
DOMAIN = {  # where the op is defined, applied to both sides
    "math.sqrt": np.abs, "math.log": np.abs, "math.log2": np.abs, "math.log10": np.abs,
    "math.rsqrt": np.abs, "math.log1p": np.abs, "math.acosh": lambda x: 1 + np.abs(x),
    "math.asin": lambda x: x / 8, "math.acos": lambda x: x / 8, "math.atanh": lambda x: x / 8,
}
BINARY = {
    "arith.addf": np.add, "arith.subf": np.subtract, "arith.mulf": np.multiply,
    "arith.divf": np.divide, "arith.maximumf": np.maximum, "arith.minimumf": np.minimum,
    "arith.maxnumf": np.fmax, "arith.minnumf": np.fmin, "arith.remf": np.fmod,
    "math.copysign": np.copysign, "math.atan2": np.arctan2,
    "math.powf": lambda x, y: np.power(np.abs(x), y),
}
INTEGER = {
    "arith.addi": np.add, "arith.subi": np.subtract, "arith.muli": np.multiply,
    "arith.andi": np.bitwise_and, "arith.ori": np.bitwise_or, "arith.xori": np.bitwise_xor,
    "arith.maxsi": np.maximum, "arith.minsi": np.minimum,
    "arith.divsi": lambda x, y: np.trunc(x / np.where(y == 0, 1, y).astype(float)).astype(x.dtype),
    "arith.remsi": lambda x, y: np.fmod(x, np.where(y == 0, 1, y)),
    "arith.floordivsi": lambda x, y: x // np.where(y == 0, 1, y),
}


def many(name, ops, element, arity):
    """One kernel with a result per op."""
    t = ty((None, None), element)
    text = Text(name, *[t] * arity)
    sizes = [text.dim("%a0", t, 0), text.dim("%a0", t, 1)]
    empty = text.empty((None, None), element, sizes)
    outs = []
    for op in ops:
        pre = ""
        args = [f"%i{i}" for i in range(arity)]
        if op == "math.powf":
            pre, args[0] = f"      %p = math.absf %i0 : {element}\n", "%p"
        body = pre + f"      %r = {op} {', '.join(args)} : {element}\n      linalg.yield %r : {element}"
        ins = [(f"%a{i}", t, identity(2)) for i in range(arity)]
        outs.append((text.generic(2, "pp", ins, [(empty, t, identity(2))], body), t))
    return text.done(*outs)


SHAPES = [(1, 1), (3, 17), (0, 5), (2, 0), (5, 64), (1, 200)]


@pytest.mark.parametrize("element", ["f32", "bf16", "f16", "f64"])
def test_unary(element):
    text, names = "", list(UNARY)
    plain = [n for n in names if n not in DOMAIN]
    for i, n in enumerate(DOMAIN):
        text += many(f"d{i}", [n], element, 1)
    text += many("plain", plain, element, 1)
    got = []
    for cpu in K.LEVELS:
        k = K.compile(text, cpu)
        out = []
        for shape in SHAPES:
            x = (RNG.standard_normal(shape) * 2).astype(K.DTYPES[element]) if not got else got[0][1][len(out)]
            x = np.clip(x, -6, 6).astype(x.dtype)
            outputs = dict(zip(plain, k["plain"](x, sizes=shape * len(plain))))
            for i, n in enumerate(DOMAIN):
                outputs[n] = k[f"d{i}"](DOMAIN[n](x).astype(x.dtype), sizes=shape)
            for n, y in outputs.items():
                ref = UNARY[n](DOMAIN.get(n, lambda v: v)(x).astype(x.dtype).astype(np.float64))
                error = np.abs(y.astype(np.float64) - ref)
                # one rounding of the result, and up to 2 units of the function itself
                bound = np.abs(ref) * EPS[element] * (6 if element in ("f32", "f64") else 1.02) + TINY[element]
                assert (error <= bound).all(), (n, element, shape, (error / bound).max())
            out.append((x, outputs))
        got.append((cpu, [x for x, _ in out], [o for _, o in out]))
    for _, _, other in got[1:]:
        for a, b in zip(got[0][2], other):
            for n in a:
                assert same_bits(a[n], b[n]), n


@pytest.mark.parametrize("element", ["f32", "bf16", "f16", "f64"])
def test_binary(element):
    text = many("k", list(BINARY), element, 2)
    reference = None
    for cpu in K.LEVELS:
        k = K.compile(text, cpu)["k"]
        rng = np.random.default_rng(3)
        results = []
        for shape in SHAPES:
            x = rng.standard_normal(shape).astype(K.DTYPES[element])
            y = (rng.standard_normal(shape) + 0.01).astype(K.DTYPES[element])
            for (n, f), z in zip(BINARY.items(), k(x, y, sizes=shape * len(BINARY))):
                ref = f(x.astype(np.float64), y.astype(np.float64))
                error = np.abs(z.astype(np.float64) - ref)
                bound = np.abs(ref) * EPS[element] * (6 if element in ("f32", "f64") else 1.02) + TINY[element]
                assert (error <= bound).all(), (n, element, shape)
                results.append(z)
        reference = reference or results
        assert all(same_bits(a, b) for a, b in zip(reference, results))


@pytest.mark.parametrize("element", ["i8", "i16", "i32", "i64"])
def test_integer(element):
    k = K.compile(many("k", list(INTEGER), element, 2))["k"]
    for shape in SHAPES:
        x = RNG.integers(-100, 100, shape).astype(K.DTYPES[element])
        y = RNG.integers(-9, 9, shape).astype(K.DTYPES[element])
        for (n, f), z in zip(INTEGER.items(), k(x, y, sizes=shape * len(INTEGER))):
            good = y != 0 if "div" in n or "rem" in n else np.ones(shape, bool)
            with np.errstate(over="ignore"):
                assert (z[good] == f(x, y).astype(x.dtype)[good]).all(), n


@pytest.mark.parametrize("a,b", [("f32", "bf16"), ("f64", "bf16"), ("f64", "f16"), ("f32", "f16"),
                                 ("bf16", "f32"), ("f16", "f64"), ("i32", "bf16"), ("i64", "f16"),
                                 ("i64", "bf16"), ("i64", "f32"), ("i8", "f32"), ("f32", "i32"),
                                 ("i1", "f32"), ("i64", "i8"), ("i8", "i64")])
def test_conversions(a, b):
    """One rounding, to nearest even."""
    is_float = lambda t: "f" in t
    bits = lambda t: int(t.strip("bfi"))
    if is_float(a) and is_float(b):
        op = "arith.extf" if bits(a) < bits(b) else "arith.truncf"
    elif is_float(b):
        op = "arith.uitofp" if a == "i1" else "arith.sitofp"
    elif is_float(a):
        op = "arith.fptosi"
    else:
        op = "arith.extsi" if bits(a) < bits(b) else "arith.trunci"
    x, y = ty((None,), a), ty((None,), b)
    t = Text("k", x)
    out = t.empty((None,), b, [t.dim("%a0", x, 0)])
    r = t.generic(1, "p", [("%a0", x, "d0")], [(out, y, "d0")],
                  f"      %r = {op} %i0 : {a} to {b}\n      linalg.yield %r : {b}")
    text = t.done((r, y))
    n = 1003
    if a == "i1":
        v = RNG.integers(0, 2, n).astype(bool)
    elif not is_float(a):
        v = (RNG.integers(-2**(bits(a) - 1), 2**(bits(a) - 1), n) >> RNG.integers(0, bits(a) - 1, n)).astype(K.DTYPES[a])
        if b == "f16":
            v = (v % 60000).astype(v.dtype)
    else:
        v = (RNG.standard_normal(n) * 10.0**RNG.integers(-3, 4, n)).astype(K.DTYPES[a])
        # halfway cases between neighbours of the smaller type
        if b in ("bf16", "f16") and op == "arith.truncf":
            h = v.astype(K.DTYPES[b]).astype(np.float64)
            up = np.nextafter(h.astype(K.DTYPES[b]), K.DTYPES[b](np.inf)).astype(np.float64)
            half = ((h + up) / 2).astype(K.DTYPES[a])
            v = np.concatenate([v, half, np.nextafter(half, K.DTYPES[a](np.inf)),
                                np.nextafter(half, K.DTYPES[a](-np.inf)), [np.inf, -np.inf, 0, -0.0]]).astype(K.DTYPES[a])
    if b == "bf16" and a in ("f64", "i32", "i64"):
        exact = np.array([round_exact(float(x) if a == "f64" else int(x), 8) for x in v.tolist()])
        ref = exact.astype(F32).astype(BF16)
    elif b == "f16" and a == "i64":
        ref = np.array([round_exact(int(x), 11) for x in v.tolist()]).astype(F16)
    elif a == "f32" and b == "i32":
        ref = np.trunc(v).astype(np.int32)
    else:
        ref = v.astype(K.DTYPES[b])
    for cpu in K.LEVELS:
        assert same_bits(K.compile(text, cpu)["k"](v, sizes=[len(v)]), ref)


def round_exact(x, digits):
    """x to `digits` binary digits, to nearest even, by fractions."""
    from fractions import Fraction
    if isinstance(x, float) and not math.isfinite(x) or x == 0:
        return x
    f = Fraction(x)
    e = math.frexp(float(abs(f)))[1] - digits
    unit = Fraction(2)**e
    q = f / unit
    low = math.floor(q)
    rest = q - low
    low += rest > Fraction(1, 2) or (rest == Fraction(1, 2) and low % 2 == 1)
    return float(low * unit)


def test_compare_select_bool():
    x, b = ty((None,), "f32"), ty((None,), "i1")
    t = Text("k", x, x, b)
    n = t.dim("%a0", x, 0)
    out, outb = t.empty((None,), "f32", [n]), t.empty((None,), "i1", [n])
    r = t.generic(1, "p", [("%a0", x, "d0"), ("%a1", x, "d0"), ("%a2", b, "d0")], [(out, x, "d0"), (outb, b, "d0")],
                  "      %c = arith.cmpf olt, %i0, %i1 : f32\n      %d = arith.andi %c, %i2 : i1\n"
                  "      %r = arith.select %d, %i0, %i1 : f32\n      linalg.yield %r, %d : f32, i1")
    k = K.compile(t.done((r + "#0", x), (r + "#1", b)))["k"]
    for n in (0, 1, 15, 16, 53):
        u, v = RNG.standard_normal((2, n)).astype(F32)
        m = RNG.integers(0, 2, n).astype(bool)
        f, c = k(u, v, m, sizes=[n, n])
        assert (c == ((u < v) & m)).all() and same_bits(f, np.where((u < v) & m, u, v))
