# ===- test_gpu_rows.py - rows that stay in a workgroup's memory, executed -===//
#
# Part of Linnet, under Apache-2.0 WITH LLVM-exception. See LICENSE.
#
# ===----------------------------------------------------------------------===//
"""Norms on a Vulkan device whose rows fit, do not fit, do not lie at multiples of 16 bytes; of more
rows than a workgroup does at once; whose weights are in registers."""
import numpy as np
import pytest

import test_ops_norm as norm
from linnet import testing as lt
from linnet._src import testing, vulkan_kernels
from linnet._src.running_error import Computed

# rows of 8200 do not fit; from 2048 rows on a workgroup does several
ROWS = [("layer_norm", "f32", (3, 8200), 1, False), ("layer_norm", "bf16", (2, 8192), 1, False),
        ("layer_norm", "f16", (3, 4100), 1, False), ("layer_norm", "f32", (4, 1030), 1, False),
        ("rms_norm", "f32", (2, 3, 5000), 1, True), ("layer_norm", "f32", (2051, 36), 1, True),
        ("layer_norm", "bf16", (2051, 70), 1, False), ("layer_norm", "f32", (2, 4200), 1, True)]
SOFTMAX = [((3, 7700), "f32", False), ((2, 8203), "bf16", True), ((2, 9001), "f32", True)]


@pytest.fixture(autouse=True)
def vulkan(monkeypatch):
    try:
        vulkan_kernels.driver()
    except vulkan_kernels.Missing as missing:
        pytest.skip(str(missing))
    monkeypatch.setattr(testing, "DEVICE", "vulkan")


def test_norms():
    lt.run_cases(norm.norm_case(*case) for case in ROWS)


def test_softmax():
    lt.run_cases(norm.softmax_case(shape, 1, dtype, dynamic) for shape, dtype, dynamic in SOFTMAX)


# rows that threads of a workgroup do side by side: as many as their length, known or not, lets them;
# the last workgroup has rows to spare
SHORT = [(131, 1), (7, 2), (67, 5), (33, 33), (5, 70), (9, 130), (3, 600), (1, 1500), (0, 4), (4, 0)]
KNOWN = [(131, 4), (67, 7), (35, 33), (5, 100), (3, 260)]


def two_results(arguments, types, body):
    """A function of two results, `%y` and `%z`."""
    return f"func.func @main({', '.join(arguments)}) -> ({types}) {{{body}\n  return %y, %z : {types}\n}}\n"


@pytest.mark.parametrize("dtype", ["f32", "bf16"])
def test_short_rows(dtype):
    lt.run_cases([*(norm.softmax_case(shape, 1, dtype, True) for shape in SHORT),
                  *(norm.softmax_case(shape, 1, dtype, False) for shape in KNOWN)])


def test_reductions_of_short_rows():
    def case(shape, dynamic):
        x = lt.random(np.random.default_rng(4), shape, "f32")
        type, row, index = (lt.tensor_type(s, d, dynamic) for s, d in (
            (shape, "f32"), (shape[:1], "f32"), (shape[:1], "i64")))
        text = two_results([lt.argument("x", shape, "f32", dynamic)], f"{row}, {index}", f"""
%y = linnet.reduce sum %x axes [1] : {type} -> {row}
%z = linnet.argmax %x axis 1 : {type} -> {index}""")
        wide = x.astype(np.float64)

        def check(y, z):
            lt.assert_close(y, wide.sum(1), depth=shape[1], magnitude=np.abs(wide).sum(1))
            np.testing.assert_array_equal(z, x.argmax(1))
        return f"{shape} {dynamic}", text, [x], check
    lt.run_cases([*(case(shape, True) for shape in SHORT if shape[1]), *(case(shape, False) for shape in KNOWN)])


@pytest.mark.parametrize("dtype", ["f32", "bf16", "i8"])
def test_transposes_through_workgroup_memory(dtype):
    """Of sizes that are and are not multiples of a square, beside a tensor that lies along the result."""
    def case(shape, order, dynamic):
        rng = np.random.default_rng(5)
        x, a = lt.random(rng, shape, dtype), lt.random(rng, tuple(shape[d] for d in order), dtype)
        own, out = lt.tensor_type(shape, dtype, dynamic), lt.tensor_type(a.shape, dtype, dynamic)
        names = [f"d{d}" for d in range(len(shape))] if dynamic else None
        sizes = [f"%s{i} = arith.constant {d} : index\n%n{i} = tensor.dim %x, %s{i} : {own}"
                 for i, d in enumerate(order)] if dynamic else []
        given = ", ".join(f"%n{i}" for i in range(len(order))) if dynamic else ""
        add = "arith.addi" if dtype == "i8" else "arith.addf"
        text = two_results(
            [lt.argument("x", shape, dtype, dynamic, names),
             lt.argument("a", a.shape, dtype, dynamic, names and [names[d] for d in order])], f"{out}, {out}",
            "\n" + "\n".join(sizes) + f"""
%e = tensor.empty({given}) : {out}
%y = linalg.transpose ins(%x : {own}) outs(%e : {out}) permutation = {list(order)}
%z = {add} %y, %a : {out}""")
        moved = np.transpose(x, order)
        expected = moved + a  # of bf16: rounded once, too

        def check(y, z):
            np.testing.assert_array_equal(lt.wide(y), lt.wide(moved))
            np.testing.assert_array_equal(lt.wide(z), lt.wide(expected))
        return f"{shape} {order} {dynamic}", text, [x, a], check
    shapes = [((33, 70), (1, 0)), ((64, 32), (1, 0)), ((3, 17, 40), (0, 2, 1)), ((17, 3, 35), (2, 0, 1))]
    lt.run_cases([*(case(*shape, False) for shape in shapes), case((33, 70), (1, 0), True),
                  case((1, 5), (1, 0), True), case((0, 40), (1, 0), True)])


def test_norm_of_gathered_rows():
    """Rows that are gathered in vectors, of which each is read once."""
    def case(columns, dtype):
        rng = np.random.default_rng(6)
        table, at = lt.random(rng, (19, columns), dtype), rng.integers(0, 19, 37)
        rows = lt.tensor_type((37, columns), dtype)
        text = lt.function(
            [lt.argument("table", table.shape, dtype), lt.argument("at", at.shape, "i64")], rows, f"""
%g = linnet.gather %table, %at axis 0 : {lt.tensor_type(table.shape, dtype)}, tensor<37xi64> -> {rows}
%y = linnet.rms_norm %g eps 1.0e-3 : {rows}""")
        x = table[at]
        one = np.ones(columns, x.dtype)
        expected = norm.ref.rms_norm(x, one, 1, 1e-3)
        bound = norm.norm_bound(expected, x, lt.wide(one), 1, 0.0)
        return f"{columns} {dtype}", text, [table, at], lambda y: lt.assert_close(y, expected, **bound)
    lt.run_cases(case(n, d) for n in (8, 30, 260) for d in ("f32", "bf16"))


@pytest.mark.parametrize("dtype", ["f16", "bf16"])
def test_softmax_that_is_kept_for_later_stages(dtype):
    """Vectors of 16 bits in scratch, which is words."""
    rng = np.random.default_rng(7)
    x, a = (lt.random(rng, (7,), dtype) for _ in range(2))
    t = lt.tensor_type((7,), dtype, True)
    text = two_results([lt.argument("x", (7,), dtype, True, ["N"]), lt.argument("a", (7,), dtype, True, ["N"])],
                       f"{t}, {t}", f"""
%z = linnet.softmax %x axis 0 : {t}
%s = arith.addf %z, %a : {t}
%y = arith.subf %s, %z : {t}""")
    y, z = lt.run(text, x, a)
    e = np.exp(Computed(lt.wide(x)))
    z_, unit = e / e.sum(0), lt.unit_roundoff(x.dtype)
    lt.assert_close(z, z_.stored(unit))
    # every step may be stored in 16 bits
    lt.assert_close(y, ((z_.stored(unit) + lt.wide(a)).stored(unit) - z_.stored(unit)).stored(unit))
