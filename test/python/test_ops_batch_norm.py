# ===- test_ops_batch_norm.py - batch normalisation and its gradient, executed -===//
#
# Part of Linnet, under Apache-2.0 WITH LLVM-exception. See LICENSE.
#
# ===----------------------------------------------------------------------===//
import numpy as np
import pytest
import torch
import torch.nn.functional as F

from linnet import testing as lt
from linnet._src.reference import norm as ref

SHAPES = [(4, 3, 5, 7), (6, 5), (33, 20), (2, 1, 9), (5, 17, 2, 3, 2), (1, 4, 1, 1), (3, 2, 40, 41)]
EPS = 1e-3


def inputs(shape, dtype):
    rng = np.random.default_rng(sum(shape))
    x = lt.random(rng, shape, dtype) + lt.DTYPES[dtype].type(1)
    s, b, m, v, rm, rv = (lt.random(rng, shape[1:2], "f32") for _ in range(6))
    return x, s, b, m, np.abs(v), rm, np.abs(rv)


def spread(x):
    """Deviation and largest element of every channel, to broadcast over x."""
    x = lt.wide(x)
    others = (0, *range(2, x.ndim))
    inverse = 1 / np.sqrt(x.var(others, keepdims=True) + EPS)
    return inverse, np.abs(x).max(others, keepdims=True)


def per_channel(values, x):
    return np.asarray(values, np.float64).reshape(-1, *[1] * (x.ndim - 2))


def given_case(shape, dtype, dynamic, affine):
    x, s, b, m, v, _, _ = inputs(shape, dtype)
    which = [0, *range(2, len(shape))] if dynamic else False
    type, small = lt.tensor_type(shape, dtype, which), lt.tensor_type(s.shape, "f32")
    expected = ref.batch_norm(x, m, v, s if affine else None, b if affine else None, EPS)
    size = (np.abs(lt.wide(x)) + np.abs(per_channel(m, x))) / np.sqrt(per_channel(v, x) + EPS)
    size = size * np.abs(per_channel(s, x)) + np.abs(per_channel(b, x)) if affine else size
    extra = f"scale(%s : {small}) bias(%b : {small})" if affine else ""
    text = lt.function([lt.argument("x", shape, dtype, which)] + [
        lt.argument(n, s.shape, "f32") for n in "sbmv"], type,
        f"%y = linnet.batch_norm %x mean(%m : {small}) var(%v : {small}) {extra} eps {EPS:e} : {type}")
    return (f"given {shape} {affine} {'dynamic' * dynamic}", text, [x, s, b, m, v],
            lambda y: lt.assert_close(y, expected, 1, 4, size))


def train_text(shape, dtype, which, running):
    type, small = lt.tensor_type(shape, dtype, which), lt.tensor_type(shape[1:2], "f32")
    names = ["y", "m", "v"] + ["r", "q"] * running
    arguments = [lt.argument("x", shape, dtype, which)] + [
        lt.argument(n, shape[1:2], "f32") for n in ("s", "b", "rm", "rv")]
    state = f"running(%rm, %rv : {small}, {small}) momentum 2.0e-1" if running else ""
    outs = ", ".join([small] * (len(names) - 1))
    values, types = ", ".join(f"%{n}" for n in names), f"{type}, {outs}"
    return (f"func.func @main({', '.join(arguments)}) -> ({types}) {{\n"
            f"  {values} = linnet.batch_norm_train %x scale(%s : {small}) bias(%b : {small}) "
            f"{state} eps {EPS:e} : {type} -> {outs}\n  return {values} : {types}\n}}\n")


def train_case(shape, dtype, dynamic, running):
    x, s, b, _, _, rm, rv = inputs(shape, dtype)
    which = [0, *range(2, len(shape))] if dynamic else False
    expected = ref.batch_norm_train(x, s, b, (rm, rv) if running else None, 0.2, EPS)
    inverse, top = spread(x)
    n = x.size // shape[1]
    size = 2 * top * inverse * np.abs(per_channel(s, x)) + np.abs(per_channel(b, x))
    flat = top.reshape(-1)

    def check(*results):
        lt.assert_close(results[0], expected[0], 2, n, size + np.abs(expected[0]))
        lt.assert_close(results[1], expected[1], 1, n, flat)
        lt.assert_close(results[2], expected[2], 1, n, flat ** 2)
        for r, e in zip(results[3:], expected[3:]):
            lt.assert_close(r, e, 2, n, flat ** 2 * 2 + flat)
    return (f"train {shape} {running} {'dynamic' * dynamic}",
            train_text(shape, dtype, which, running), [x, s, b, rm, rv], check)


def grad_case(shape, dtype, dynamic, scaled):
    x, s, *_ = inputs(shape, dtype)
    dy = lt.random(np.random.default_rng(1), shape, dtype)
    which = [0, *range(2, len(shape))] if dynamic else False
    type, small = lt.tensor_type(shape, dtype, which), lt.tensor_type(s.shape, "f32")
    expected = ref.batch_norm_grad(dy, x, s if scaled else None, EPS)
    stats = [v.astype(np.float32) for v in ref.batch_norm_train(x, eps=EPS)[1:]]
    inverse, top = spread(x)
    n, g = x.size // shape[1], np.abs(lt.wide(dy)).max()
    hat = 2 * top * inverse
    factor = inverse * (np.abs(per_channel(s, x)) if scaled else 1)
    sizes = [factor * g * (1 + hat) ** 2, (g * hat).reshape(-1) * n, np.full(shape[1], g * n)]
    symbols = [f"x{i}" for i in range(len(shape))]
    types = f"{type}, {small}, {small}"
    text = (f"func.func @main({lt.argument('g', shape, dtype, which, symbols)}, "
            f"{lt.argument('x', shape, dtype, which, symbols)}, %m: {small}, %v: {small}, "
            f"%s: {small}) -> ({types}) {{\n  %a, %b, %c = linnet.batch_norm_grad %g, %x, %m, %v "
            f"{f'scale(%s : {small}) ' * scaled}eps {EPS:e} : {types}\n"
            f"  return %a, %b, %c : {types}\n}}\n")

    def check(*results):
        for r, e, size in zip(results, expected, sizes):
            lt.assert_close(r, e, 2, max(n, 16), size)
    return f"grad {shape} {scaled} {'dynamic' * dynamic}", text, [dy, x, *stats, s], check


@pytest.mark.parametrize("dtype", lt.FLOATS)
def test_batch_norm(dtype):
    lt.run_cases(given_case(shape, dtype, dynamic, affine) for shape in SHAPES + [(0, 3, 2)]
                 for dynamic in (False, True) for affine in (False, True))


@pytest.mark.parametrize("dtype", lt.FLOATS)
def test_batch_norm_train(dtype):
    lt.run_cases(train_case(shape, dtype, dynamic, running) for shape in SHAPES
                 for dynamic in (False, True) for running in (False, True))


@pytest.mark.parametrize("dtype", lt.FLOATS)
def test_batch_norm_grad(dtype):
    lt.run_cases(grad_case(shape, dtype, dynamic, scaled) for shape in SHAPES
                 for dynamic in (False, True) for scaled in (False, True))


def test_training_against_pytorch():
    shape = (8, 6, 9, 10)
    x, s, b, _, _, rm, rv = inputs(shape, "f32")
    running = [torch.from_numpy(rm.copy()), torch.from_numpy(rv.copy())]
    expected = F.batch_norm(torch.from_numpy(x), *running, torch.from_numpy(s), torch.from_numpy(b),
                            True, 0.2, EPS)
    y, _, _, m1, v1 = lt.run(train_text(shape, "f32", False, True), x, s, b, rm, rv)
    for ours, theirs in zip((y, m1, v1), (expected, *running)):
        torch.testing.assert_close(torch.from_numpy(ours), theirs, rtol=1e-5, atol=1e-5)
