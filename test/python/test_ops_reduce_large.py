# ===- test_ops_reduce_large.py - reductions in two steps, executed -===//
#
# Part of Linnet, under Apache-2.0 WITH LLVM-exception. See LICENSE.
#
# ===----------------------------------------------------------------------===//
import numpy as np
import pytest

from linnet import testing as lt
from linnet._src import kernels

# shape, axes, dynamic dimensions; blocks that fit, ones that do not, none at all
CASES = [((1 << 18,), (0,), False), ((300007,), (0,), False), ((1000, 1003), (0, 1), False),
         ((4, 70001), (0, 1), False), ((2003, 4096), (0,), False), ((5000, 64), (0,), False),
         ((3, 512, 768), (1,), False), ((2, 3, 300, 301), (0, 2, 3), False),
         ((8, 16, 33, 33), (0, 2, 3), False), ((130, 3, 1111), (0, 2), False),
         ((5003, 4096), (0,), [0]), ((7, 4096), (0,), [0]), ((0, 4096), (0,), [0]),
         ((3, 4096, 64), (0, 1), [0]), ((1, 1, 50257), (0, 1, 2), [0, 1])]


def reduce_text(kind, shape, axes, dtype, dynamic):
    kept = [i for i in range(len(shape)) if i not in axes]
    out = tuple(shape[i] for i in kept)
    where = [j for j, i in enumerate(kept) if dynamic and i in dynamic]
    given, result = (lt.tensor_type(shape, dtype, dynamic),
                     lt.tensor_type(out, dtype, where or False))
    return lt.function([lt.argument("x", shape, dtype, dynamic)], result,
                       f"%y = linnet.reduce {kind} %x axes {list(axes)} : {given} -> {result}")


def check(kind, x, axes):
    wide = lt.wide(x)
    if kind == "max":
        return lambda y: lt.assert_close(y, wide.max(axes), 0)
    count = int(np.prod([x.shape[a] for a in axes]))
    magnitude = np.abs(wide).sum(axes) / (count if kind == "mean" else 1)
    expected = wide.sum(axes) if kind == "sum" else wide.mean(axes)
    return lambda y: lt.assert_close(y, expected, 2, depth=count, magnitude=magnitude)


@pytest.mark.parametrize("dtype", ["f32", "bf16", "i32"])
def test_reduce(dtype):
    rng = np.random.default_rng(5)
    cases = []
    for shape, axes, dynamic in CASES:
        for kind in ("sum", "max") if dtype != "bf16" else ("mean",):
            if 0 in shape and kind != "sum":
                continue
            x = lt.random(rng, shape, dtype)
            cases.append((f"{kind} {shape} {axes} {dynamic}",
                          reduce_text(kind, shape, axes, dtype, dynamic), [x],
                          check(kind, x, axes) if dtype != "i32" else
                          lambda y, x=x, axes=axes, kind=kind: np.testing.assert_array_equal(
                              y, (x.sum(axes) if kind == "sum" else x.max(axes)).astype(np.int32))))
    lt.run_cases(cases, threads=2)


@pytest.mark.parametrize("shape, axes", [((300007,), (0,)), ((2003, 768), (0,))])
def test_same_bits_at_every_thread_count(shape, axes):
    x = lt.random(np.random.default_rng(6), shape, "f32")
    text = reduce_text("sum", shape, axes, "f32", False)
    lt.assert_same_bits(text, x)
    native, = lt.run(text, x)
    v3, = lt.run(text, x, cpu="x86-64-v3")
    assert np.array_equal(native, v3)


@pytest.mark.parametrize("where", [0, 65535, 65536, 300006])
def test_nan_and_infinity_come_through(where):
    x = np.random.default_rng(7).standard_normal(300007).astype(np.float32)
    x[where] = np.nan
    for kind in ("sum", "max"):
        y, = lt.run(reduce_text(kind, x.shape, (0,), "f32", False), x)
        assert np.isnan(y)
    x[where] = np.inf
    y, = lt.run(reduce_text("max", x.shape, (0,), "f32", False), x)
    assert y == np.inf


def test_squares_of_a_difference():
    """What a loss reads is computed where the blocks are read."""
    shape = (700, 1003)
    rng = np.random.default_rng(8)
    a, b = lt.random(rng, shape, "f32"), lt.random(rng, shape, "f32")
    t = lt.tensor_type(shape, "f32")
    text = lt.function([lt.argument(n, shape, "f32") for n in "ab"], "tensor<f32>",
                       f"%d = arith.subf %a, %b : {t}\n%q = arith.mulf %d, %d : {t}\n"
                       f"%y = linnet.reduce sum %q axes [0, 1] : {t} -> tensor<f32>")
    y, = lt.run(text, a, b, threads=2)
    exact = ((lt.wide(a) - lt.wide(b)) ** 2).sum()
    lt.assert_close(y, exact, 2, depth=a.size, magnitude=exact)


@pytest.mark.parametrize("cpu", kernels.LEVELS)
@pytest.mark.parametrize("rows,columns", [(0, 70), (1, 1), (5, 63), (7, 64), (130, 65), (300, 200),
                                          (257, 4099)])
def test_columns_in_a_cache(cpu, rows, columns):
    """Several vectors of columns at once, then the rest one by one."""
    rng = np.random.default_rng(rows + columns)
    a, b = (lt.random(rng, (rows, columns), "f32") for _ in range(2))
    type, sums = lt.tensor_type(a.shape, "f32"), lt.tensor_type((columns,), "f32")
    text = (f"func.func @main(%a: {type}, %b: {type}) -> ({sums}, {sums}) {{\n"
            f'%p = linnet.einsum "mk,mk->k" %a, %b : {type}, {type} -> {sums}\n'
            f'%s = linnet.einsum "mk->k" %a : {type} -> {sums}\n'
            f"return %p, %s : {sums}, {sums}\n}}")
    products, plain = lt.run(text, a, b, cpu=cpu)
    x, y = lt.wide(a), lt.wide(b)
    depth = max(rows, 1)
    lt.assert_close(products, (x * y).sum(0), depth=depth, magnitude=abs(x * y).sum(0))
    lt.assert_close(plain, x.sum(0), depth=depth, magnitude=abs(x).sum(0))


def test_a_total_of_what_a_dimension_of_one_value_gave():
    """The first reduction is no loop, but its body reads the start of a result of its own."""
    x, by = (lt.random(np.random.default_rng(8), shape, "f32") for shape in ((2, 3, 1, 16), (2, 3, 16)))
    text = lt.function(
        [lt.argument("x", x.shape, "f32"), lt.argument("by", by.shape, "f32")], "tensor<f32>",
        """%m = linnet.reduce max %x axes [2] : tensor<2x3x1x16xf32> -> tensor<2x3x16xf32>
  %q = arith.divf %m, %by : tensor<2x3x16xf32>
  %y = linnet.reduce max %q axes [0, 1, 2] : tensor<2x3x16xf32> -> tensor<f32>""")
    expected = (x[:, :, 0] / by).max()
    lt.run_cases([("total", text, [x, by], lambda y: np.testing.assert_allclose(y, expected, rtol=1e-6))])
