# ===- test_raise_activation.py - linnet-raise gives activations one form -===//
#
# Part of Linnet, under Apache-2.0 WITH LLVM-exception. See LICENSE.
#
# ===----------------------------------------------------------------------===//
import math
import re

import numpy as np
import pytest
from linnet import testing
from upstream import lower

SPELLINGS = {
    "logistic": [
        "one / (one + exp(-x))", "one / (exp(-x) + one)", "exp(x) / (one + exp(x))",
        "one / (exp(x * minus) + one)"],
    "silu": [
        "x * (one / (one + exp(-x)))", "(one / (exp(-x) + one)) * x", "x / (one + exp(-x))",
        "x * (exp(x) / (exp(x) + one))", "x / (exp(x * minus) + one)"],
    "gelu": [
        "half * x * (one + erf(x * r))", "x * half * (one + erf(x / root2))",
        "x * (half * (erf(x * r) + one))", "x * ((erf(x / root2) + one) * half)",
        "(x * (one + erf(x * r))) * half", "x * (half + half * erf(x * r))"],
    "gelu_tanh": [
        "half * x * (one + tanh(c * (x + k * pow(x, three))))",
        "x * half * (tanh(c * (x + x * x * x * k)) + one)", "half * x * (one + tanh(c * x * (one + k * x * x)))",
        "x * (half * (one + tanh((x + k * (x * (x * x))) * c)))",
        "(half * (one + tanh((k * pow(x, three) + x) * c))) * x"],
}
# sigmoid(1.702 x), other constants, the gate of something else, a factor, a gate squared; tanh(x / 2)
NEAR_MISSES = ["x * (one / (one + exp(-(q * x))))", "half * x * (one + erf(x))",
               "half * x * (one + tanh(c * (x + half * (x * x * x))))", "one / (one + exp(x))",
               "half * x * (two + erf(x * r))", "u * (one / (one + exp(-x)))", "x * (one + erf(x * r))",
               "x * x * (one / (one + exp(-x)))", "half * x * (one + erf(u * r))",
               "half * x * (one + erf(x * r)) * (one + erf(x * r))", "half * (one + tanh(half * x))",
               "x * (half * tanh(x / two) + half)", "exp(u) / (one + exp(-x))", "exp(x) / (one + exp(-exp(x)))"]
CONSTANTS = {"one": 1.0, "two": 2.0, "half": 0.5, "three": 3.0, "minus": -1.0, "q": 1.702,
             "r": math.sqrt(0.5), "root2": math.sqrt(2), "k": 0.044715, "c": math.sqrt(2 / math.pi)}
T = "tensor<5x7xf32>"


class Value:
    """Arithmetic that writes the ops; as a region of one op, or on tensors."""

    def __init__(self, lines, type, name):
        self.lines, self.type, self.name = lines, type, name

    def emit(self, op, *others):
        name = f"%v{len(self.lines)}"
        operands = ", ".join(v.name for v in (self, *others))
        self.lines.append(f"{name} = {op} {operands} : {self.type}")
        return Value(self.lines, self.type, name)

    def __add__(self, other):
        return self.emit("arith.addf", other)

    def __mul__(self, other):
        return self.emit("arith.mulf", other)

    def __truediv__(self, other):
        return self.emit("arith.divf", other)

    def __neg__(self):
        return self.emit("arith.negf")


def write(name, expression, in_region):
    lines, type = [], "f32" if in_region else T
    names = {n: Value(lines, type, f"%{n}") for n in CONSTANTS}
    names |= {n: Value(lines, type, f"%{n}" if not in_region else f"%{n}e") for n in "xu"}
    names |= {f: (lambda v, f=f: v.emit(f"math.{f}")) for f in ("exp", "tanh", "erf")}
    names["pow"] = lambda v, w: v.emit("math.powf", w)
    y = eval(expression, {}, names).name
    values = {n: repr(float(np.float32(v))) for n, v in CONSTANTS.items()}
    constants = "\n".join(f"  %{n} = arith.constant {v if in_region else f'dense<{v}>'} : {type}"
                          for n, v in values.items())
    body = "\n  ".join(lines)
    if in_region:
        identity = "affine_map<(d0, d1) -> (d0, d1)>"
        body = (f"%o = tensor.empty() : {T}\n  %y = linalg.generic {{indexing_maps = [{identity}, {identity}, "
                f'{identity}], iterator_types = ["parallel", "parallel"]}} ins(%x, %u : {T}, {T}) outs(%o : {T}) '
                f"{{\n  ^bb0(%xe: f32, %ue: f32, %oe: f32):\n  {body}\n  linalg.yield {y} : f32\n  }} -> {T}")
        y = "%y"
    return f"func.func @{name}(%x: {T}, %u: {T}) -> {T} {{\n{constants}\n  {body}\n  return {y} : {T}\n}}\n"


def reference(expression, x, u):
    functions = {"exp": np.exp, "tanh": np.tanh, "erf": np.vectorize(math.erf), "pow": np.power}
    return eval(expression, {}, CONSTANTS | functions | {"x": x.astype(float), "u": u.astype(float)})


def bodies_of(text):
    return [re.sub(r"@\w+", "@f", body).strip() for body in re.split(r"(?=func\.func @)", text)[1:]]


@pytest.mark.parametrize("kind", SPELLINGS)
def test_one_form(kind):
    """All spellings become the same ops, and what it computes is right from -80 to 80."""
    text = "".join(write(f"f{i}{'ar'[r]}", e, r) for i, e in enumerate(SPELLINGS[kind]) for r in (0, 1))
    found = bodies_of(lower(text, "--linnet-raise", "--canonicalize", "--cse"))
    ops = [tuple(sorted(re.findall(r"(?:arith|math)\.\w+f?(?= %)", body))) for body in found]
    assert len(found) == 2 * len(SPELLINGS[kind]) and len(set(ops)) == 1, (kind, set(ops))
    rng = np.random.default_rng(1)
    x, u = (rng.uniform(-s, s, (5, 7)).astype(np.float32) for s in (8, 1))
    x[0, :2] = -80, 80
    session = testing.load(text).session()
    for i, e in enumerate(SPELLINGS[kind]):
        for r in "ar":
            got = session.call(f"f{i}{r}", x, u)
            got = got[0] if isinstance(got, (list, tuple)) else got
            np.testing.assert_allclose(got, reference(e, x, u), rtol=3e-6, atol=3e-7, err_msg=e)


def test_logistic_of_a_negative():
    """It may be raised, to that of -x."""
    expressions = ["exp(-x) / (one + exp(-x))", "exp(-x) / (exp(-x) + one) * x"]
    text = "".join(write(f"f{i}{'ar'[r]}", e, r) for i, e in enumerate(expressions) for r in (0, 1))
    session = testing.load(text).session()
    x = np.random.default_rng(3).uniform(-8, 8, (5, 7)).astype(np.float32)
    for i, e in enumerate(expressions):
        for r in "ar":
            got, = session.call(f"f{i}{r}", x, x)
            np.testing.assert_allclose(got, reference(e, x, x), rtol=3e-6, atol=3e-7, err_msg=e)


def test_near_misses_stay():
    text = "".join(write(f"f{i}{'ar'[r]}", e, r) for i, e in enumerate(NEAR_MISSES) for r in (0, 1))
    before = bodies_of(lower(text, "--canonicalize", "--cse"))
    after = bodies_of(lower(text, "--linnet-raise", "--canonicalize", "--cse"))
    kept = [b == a for b, a in zip(before, after)]
    assert all(kept), [b for b, k in zip(before, kept) if not k]
    rng = np.random.default_rng(2)
    x, u = (rng.uniform(-4, 4, (5, 7)).astype(np.float32) for _ in range(2))
    session = testing.load(text).session()
    for i, e in enumerate(NEAR_MISSES):
        for r in "ar":
            got = session.call(f"f{i}{r}", x, u)
            got = got[0] if isinstance(got, (list, tuple)) else got
            np.testing.assert_allclose(got, reference(e, x, u), rtol=1e-5, atol=3e-6, err_msg=e)
