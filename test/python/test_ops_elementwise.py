# ===- test_ops_elementwise.py - arith and math on tensors, executed -===//
#
# Part of Linnet, under Apache-2.0 WITH LLVM-exception. See LICENSE.
#
# ===----------------------------------------------------------------------===//
import numpy as np
import pytest
import torch

from linnet import testing as lt

SHAPES = [((), False), ((1,), False), ((17,), True), ((3, 5, 7), False), ((3, 5, 7), True),
          ((0, 4), True), ((2, 1, 33), [1]), ((1, 1000), True)]


def torch64(name):
    return lambda *xs: getattr(torch, name)(*map(torch.from_numpy, xs)).numpy()


# name: (IR, reference in f64, ulps in f32, inputs): a 16-bit result is rounded once from f32.
UNARY = {
    "neg": ("arith.negf", np.negative, 0, "any"),
    "abs": ("math.absf", np.abs, 0, "any"),
    "ceil": ("math.ceil", np.ceil, 0, "any"),
    "floor": ("math.floor", np.floor, 0, "any"),
    "round": ("math.roundeven", np.rint, 0, "any"),
    "sqrt": ("math.sqrt", np.sqrt, 0.5, "positive"),
    "rsqrt": ("math.rsqrt", lambda x: 1 / np.sqrt(x), 2, "positive"),
    "exp": ("math.exp", np.exp, 2, "any"),
    "exp2": ("math.exp2", np.exp2, 2, "any"),
    "expm1": ("math.expm1", np.expm1, 4, "any"),
    "log": ("math.log", np.log, 2, "positive"),
    "log2": ("math.log2", np.log2, 2, "positive"),
    "log1p": ("math.log1p", np.log1p, 4, "positive"),
    "tanh": ("math.tanh", np.tanh, 4, "any"),
    "erf": ("math.erf", torch64("erf"), 4, "any"),
    "sin": ("math.sin", np.sin, 2, "angle"),
    "cos": ("math.cos", np.cos, 2, "angle"),
    "atan": ("math.atan", np.arctan, 4, "any"),
}
BINARY = {
    "add": ("arith.addf", np.add, 0.5),
    "sub": ("arith.subf", np.subtract, 0.5),
    "mul": ("arith.mulf", np.multiply, 0.5),
    "div": ("arith.divf", np.divide, 0.5),
    "max": ("arith.maximumf", np.maximum, 0),
    "min": ("arith.minimumf", np.minimum, 0),
    "maxnum": ("arith.maxnumf", np.fmax, 0),
    "minnum": ("arith.minnumf", np.fmin, 0),
    "rem": ("arith.remf", np.fmod, 0),
}
INTEGER = {
    "addi": np.add, "subi": np.subtract, "muli": np.multiply, "andi": np.bitwise_and,
    "ori": np.bitwise_or, "xori": np.bitwise_xor, "maxsi": np.maximum, "minsi": np.minimum,
    "divsi": lambda a, b: (np.abs(a.astype(np.int64)) // np.abs(b.astype(np.int64))
                           * np.sign(a) * np.sign(b)).astype(a.dtype),
    "floordivsi": np.floor_divide, "remsi": np.fmod,
}


def inputs(rng, kind, shape, dtype):
    x = lt.random(rng, shape, dtype, 3.0)
    if kind == "positive":
        x = np.abs(x) + x.dtype.type(0.01)
    elif kind == "angle" and dtype != "f16":
        x = lt.random(rng, shape, dtype, 20000.0)
    return x


def ulps_of(ulps, dtype):
    """An ulp of f32 more or less is 2^-13 of one in f16: a little over the half of rounding."""
    return ulps if dtype == "f32" or ulps == 0 else 0.5 + ulps * 2.0 ** -12


def elementwise(ir, dtype, shape, dynamic, count):
    """An op of `count` operands of one shape, whose dynamic sizes have the same names."""
    symbols = [f"d{i}" for i in range(len(shape))]
    arguments = [lt.argument(f"x{i}", shape, dtype, dynamic, symbols) for i in range(count)]
    type = lt.tensor_type(shape, dtype, dynamic)
    names = ", ".join(f"%x{i}" for i in range(count))
    return lt.function(arguments, type, f"%y = {ir} {names} : {type}")


@pytest.mark.parametrize("shape,dynamic", SHAPES)
@pytest.mark.parametrize("dtype", lt.FLOATS)
def test_shapes(dtype, shape, dynamic):
    rng = np.random.default_rng(1)
    a, b = lt.random(rng, shape, dtype), lt.random(rng, shape, dtype)
    y, = lt.run(elementwise("arith.mulf", dtype, shape, dynamic, 2), a, b)
    lt.assert_close(y, lt.wide(a) * lt.wide(b), ulps=0.5)


@pytest.mark.parametrize("dtype", lt.FLOATS)
@pytest.mark.parametrize("name", UNARY)
def test_unary(name, dtype):
    ir, reference, ulps, kind = UNARY[name]
    x = inputs(np.random.default_rng(2), kind, (7, 149), dtype)
    y, = lt.run(elementwise(ir, dtype, x.shape, True, 1), x)
    lt.assert_close(y, reference(lt.wide(x)), ulps_of(ulps, dtype))


@pytest.mark.parametrize("name", UNARY)
def test_unary_special_values(name):
    """NaN, infinities and zeros give what IEEE 754 or C's function of that name gives."""
    ir, reference, ulps, _ = UNARY[name]
    x = np.float32([np.nan, np.inf, -np.inf, 0.0, -0.0, 1.0, -1.0, 88.0, -87.0, 1e-30, 3e30])
    if name in ("sin", "cos"):
        x = x[:-1]  # checked by range below
    with np.errstate(all="ignore"):
        expected = reference(lt.wide(x))
    y, = lt.run(elementwise(ir, "f32", x.shape, False, 1), x)
    lt.assert_close(y, expected, ulps)


@pytest.mark.parametrize("name,reference", [("sin", np.sin), ("cos", np.cos)])
@pytest.mark.parametrize("around", [1e2, 65536.0, 1e6, 1e9, 1e20])
def test_angles_are_reduced_properly(name, reference, around):
    x = np.float32(around) * (1 + np.arange(301, dtype=np.float32) / np.float32(300))
    y, = lt.run(elementwise(f"math.{name}", "f32", x.shape, False, 1), x)
    # near a multiple of pi the result is small: an absolute bound of f32's roundoff there
    lt.assert_close(y, reference(lt.wide(x)), ulps=2, depth=1, magnitude=2.0 ** -3)


@pytest.mark.parametrize("dtype", lt.FLOATS)
@pytest.mark.parametrize("name", BINARY)
def test_binary(name, dtype):
    ir, reference, ulps = BINARY[name]
    rng = np.random.default_rng(3)
    a, b = lt.random(rng, (5, 67), dtype, 3.0), lt.random(rng, (5, 67), dtype)
    if name not in ("rem", "div"):
        a[0, :3], b[0, 1:4] = np.nan, np.inf
    with np.errstate(all="ignore"):
        expected = reference(lt.wide(a), lt.wide(b))
    y, = lt.run(elementwise(ir, dtype, a.shape, True, 2), a, b)
    lt.assert_close(y, expected, ulps)


@pytest.mark.parametrize("dtype", ["i8", "i32", "i64"])
@pytest.mark.parametrize("name", INTEGER)
def test_integers(name, dtype):
    rng = np.random.default_rng(4)
    a = rng.integers(-100, 100, (3, 37)).astype(lt.DTYPES[dtype])
    b = rng.integers(1, 100, (3, 37)).astype(a.dtype) * rng.choice([-1, 1], (3, 37)).astype(a.dtype)
    with np.errstate(over="ignore"):
        expected = INTEGER[name](a, b)
    y, = lt.run(elementwise(f"arith.{name}", dtype, a.shape, True, 2), a, b)
    lt.assert_close(y, expected)


@pytest.mark.parametrize("predicate,reference", [
    ("olt", np.less), ("oge", np.greater_equal), ("oeq", np.equal), ("une", np.not_equal)])
@pytest.mark.parametrize("dtype", lt.FLOATS)
def test_compare_and_select(dtype, predicate, reference):
    rng = np.random.default_rng(5)
    a, b = lt.random(rng, (4, 19), dtype), lt.random(rng, (4, 19), dtype)
    a[0], b[1], a[2, :5] = b[0], np.nan, np.inf
    text = lt.function(
        [lt.argument("a", a.shape, dtype, True, ["M", "N"]),
         lt.argument("b", a.shape, dtype, True, ["M", "N"])], f"tensor<?x?x{dtype}>", f"""
%c = arith.cmpf {predicate}, %a, %b : tensor<?x?x{dtype}>
%y = arith.select %c, %a, %b : tensor<?x?xi1>, tensor<?x?x{dtype}>""")
    y, = lt.run(text, a, b)
    lt.assert_close(y, np.where(reference(lt.wide(a), lt.wide(b)), lt.wide(a), lt.wide(b)), 0)


CASTS = [("arith.extf", "f16", "f32"), ("arith.extf", "bf16", "f32"),
         ("arith.truncf", "f32", "f16"), ("arith.truncf", "f32", "bf16"),
         ("arith.sitofp", "i32", "f32"), ("arith.sitofp", "i64", "bf16"),
         ("arith.fptosi", "f32", "i32"), ("arith.extsi", "i8", "i64"),
         ("arith.trunci", "i64", "i32"), ("arith.extui", "i1", "i32"),
         ("arith.uitofp", "i1", "f32")]


@pytest.mark.parametrize("ir,source,target", CASTS)
def test_casts(ir, source, target):
    x = lt.random(np.random.default_rng(6), (3, 43), source, 5.0)
    text = lt.function([lt.argument("x", x.shape, source, True)], f"tensor<?x?x{target}>",
                       f"%y = {ir} %x : tensor<?x?x{source}> to tensor<?x?x{target}>")
    y, = lt.run(text, x)
    integers = y.dtype.kind == "i"
    expected = np.trunc(lt.wide(x)) if ir.endswith("fptosi") else lt.wide(x)
    lt.assert_close(y, expected.astype(y.dtype if integers else np.float64), ulps=0.5)


@pytest.mark.parametrize("dtype", lt.FLOATS)
def test_chain_is_rounded_where_the_ir_says(dtype):
    """Fusing must not skip the rounding of an intermediate value of 16 bits."""
    x = lt.random(np.random.default_rng(7), (9, 31), dtype)
    text = lt.function([lt.argument("x", x.shape, dtype)], lt.tensor_type(x.shape, dtype), f"""
%one = arith.constant 256.0 : {dtype}
%ones = linnet.broadcast %one : {dtype} -> tensor<9x31x{dtype}>
%up = arith.addf %x, %ones : tensor<9x31x{dtype}>
%y = arith.subf %up, %ones : tensor<9x31x{dtype}>""")
    y, = lt.run(text, x)
    np.testing.assert_array_equal(lt.wide(y), lt.wide((x + x.dtype.type(256)) - x.dtype.type(256)))


def test_more_tensors_than_a_kernel_binds():
    xs = [np.full(5, i, np.float32) for i in range(70)]
    lines = [f"%s{i} = arith.addf %{f's{i - 1}' if i > 1 else 'x0'}, %x{i} : tensor<5xf32>" for i in range(1, 69)]
    text = lt.function([lt.argument(f"x{i}", (5,), "f32") for i in range(70)], "tensor<5xf32>",
                       "\n".join([*lines, "%y = arith.addf %s68, %x69 : tensor<5xf32>"]))
    y, = lt.run(text, *xs)
    assert (y == 69 * 35).all()
