# ===- test_ops_loss.py - cross entropy and its gradient, executed -===//
#
# Part of Linnet, under Apache-2.0 WITH LLVM-exception. See LICENSE.
#
# ===----------------------------------------------------------------------===//
import numpy as np
import pytest
import torch
import torch.nn.functional as F

from linnet import runtime
from linnet import testing as lt
from linnet._src import kernels
from linnet._src.reference import loss as ref

SHAPES = [(5, 7), (2, 3, 33), (9,), (4, 1), (0, 5), (3, 128), (1, 130), (2, 1023), (1, 50257)]
IGNORED = 3


def inputs(shape, dtype, targets="i64", scale=4.0):
    rng = np.random.default_rng(shape[-1])
    x = lt.random(rng, shape, dtype, scale)
    t = np.asarray(rng.integers(0, shape[-1], shape[:-1])).astype(lt.DTYPES[targets])
    if t.size > 2:
        t.reshape(-1)[1] = IGNORED
    return x, t


def attributes(smoothing):
    return f"ignore_index {IGNORED}" + (f" label_smoothing {smoothing:e}" if smoothing else "")


def text_of(shape, dtype, targets, reduction, smoothing, dynamic):
    rows = list(range(len(shape) - 1)) if dynamic else False
    every = list(range(len(shape))) if dynamic else False
    symbols = [f"d{i}" for i in range(len(shape))]
    x, t = lt.tensor_type(shape, dtype, every), lt.tensor_type(shape[:-1], targets, rows)
    lse = lt.tensor_type(shape[:-1], "f32", rows)
    loss = lse if reduction == "none" else "tensor<f32>"
    args = ", ".join([lt.argument("x", shape, dtype, every, symbols),
                      lt.argument("t", shape[:-1], targets, rows, symbols)])
    return (f"func.func @main({args}) -> ({loss}, {lse}) {{\n"
            f"  %y, %l = linnet.cross_entropy {reduction} %x, %t {attributes(smoothing)}"
            f" : {x}, {t} -> {loss}, {lse}\n  return %y, %l : {loss}, {lse}\n}}\n")


def magnitude(x, smoothing):
    """What the differences that make up a row's loss are made of."""
    x = lt.wide(x)
    top = np.abs(x).max(-1, initial=0)
    return 4 * (1 + top) + np.log(max(x.shape[-1], 1))


def case(shape, dtype, targets, reduction, smoothing, dynamic):
    x, t = inputs(shape, dtype, targets)
    loss, lse = ref.cross_entropy(x, t, reduction, IGNORED, smoothing)
    size = magnitude(x, smoothing)
    depth = shape[-1] / 16 + 16
    total = size if reduction == "none" else size.sum() if reduction == "sum" else (
        size.mean() * 2 if size.size else 0)

    def check(y, l):
        assert y.dtype == l.dtype == np.float32
        lt.assert_close(y, loss, 4, depth + (0 if reduction == "none" else t.size), total)
        lt.assert_close(l, lse, 4, depth, size)
    label = f"{shape} {targets} {reduction} {smoothing} {'dynamic' * dynamic}"
    return label, text_of(shape, dtype, targets, reduction, smoothing, dynamic), [x, t], check


@pytest.mark.parametrize("dtype", lt.FLOATS)
def test_cross_entropy(dtype):
    lt.run_cases(case(shape, dtype, "i64", "none", smoothing, dynamic) for shape in SHAPES
                 for smoothing in (0.0, 0.1) for dynamic in (False, True))


@pytest.mark.parametrize("reduction", ["sum", "mean"])
def test_reductions(reduction):
    lt.run_cases(case(shape, "f32", targets, reduction, smoothing, dynamic)
                 for shape, targets in (((5, 7), "i32"), ((2, 3, 33), "i64"), ((9,), "i8"))
                 for smoothing in (0.0, 1.0) for dynamic in (False, True))


def grad_text(shape, dtype, reduction, smoothing, dynamic):
    rows = list(range(len(shape) - 1)) if dynamic else False
    every = list(range(len(shape))) if dynamic else False
    symbols = [f"d{i}" for i in range(len(shape))]
    x, t = lt.tensor_type(shape, dtype, every), lt.tensor_type(shape[:-1], "i64", rows)
    lse = lt.tensor_type(shape[:-1], "f32", rows)
    g = lse if reduction == "none" else "tensor<f32>"
    arguments = [lt.argument("g", shape[:-1], "f32", rows, symbols)
                 if reduction == "none" else "%g: tensor<f32>",
                 lt.argument("x", shape, dtype, every, symbols),
                 lt.argument("t", shape[:-1], "i64", rows, symbols),
                 lt.argument("l", shape[:-1], "f32", rows, symbols)]
    return lt.function(arguments, x, f"%y = linnet.cross_entropy_grad {reduction} %g, %x, %t, %l "
                                     f"{attributes(smoothing)} : {g}, {x}, {t}, {lse}")


def grad_case(shape, dtype, reduction, smoothing, dynamic):
    x, t = inputs(shape, dtype)
    _, lse = ref.cross_entropy(x, t, reduction, IGNORED, smoothing)
    g = lt.random(np.random.default_rng(9), t.shape if reduction == "none" else (), "f32")
    expected = ref.cross_entropy_grad(g, x, t, reduction, IGNORED, smoothing)
    # exp turns the roundings of lse and of x - lse into a relative error of their size
    size = np.abs(lt.wide(g)).max(initial=0) * (1 + np.abs(lse).max(initial=0))
    return (f"{shape} {reduction} {smoothing} {'dynamic' * dynamic}",
            grad_text(shape, dtype, reduction, smoothing, dynamic),
            [np.asarray(g), x, t, lse.astype(np.float32)],
            lambda y: lt.assert_close(y, expected, 1, 1, size))


@pytest.mark.parametrize("dtype", lt.FLOATS)
def test_gradient(dtype):
    lt.run_cases(grad_case(shape, dtype, reduction, smoothing, dynamic)
                 for shape in SHAPES[:-1] for reduction in ("none", "mean")
                 for smoothing in (0.0, 0.1) for dynamic in (False, True))


def test_gradient_of_a_sum_against_pytorch():
    x, t = inputs((6, 100), "f32")
    lse = ref.cross_entropy(x, t)[1].astype(np.float32)
    y, = lt.run(grad_text(x.shape, "f32", "sum", 0.1, False), np.float32(0.5), x, t, lse)
    tx = torch.from_numpy(x).requires_grad_()
    F.cross_entropy(tx, torch.from_numpy(t), ignore_index=IGNORED, reduction="sum",
                    label_smoothing=0.1).backward(torch.tensor(0.5))
    torch.testing.assert_close(torch.from_numpy(y), tx.grad, rtol=1e-5, atol=1e-6)


def test_small_losses_keep_their_digits():
    """A confident row: the loss is the logarithm of almost 1, far below the logits."""
    x = np.zeros((3, 64), np.float32)
    x[:, 5] = [10, 20, 100]
    x += 1000
    t = np.full(3, 5)
    y, _ = lt.run(text_of(x.shape, "f32", "i64", "none", 0.0, False), x, t)
    np.testing.assert_allclose(y, ref.cross_entropy(x, t, "none")[0], rtol=1e-2, atol=3e-7)


def test_infinities_and_nan():
    x = np.zeros((6, 40), np.float32)
    x[0, :20] = -np.inf  # classes that are masked out, whole vectors of them
    x[1, :] = -np.inf
    x[2, 3] = np.nan
    x[3, 0] = np.inf
    x[4, 7] = -np.inf
    t = np.array([30, 1, 2, 5, 7, IGNORED])
    y, l = lt.run(text_of(x.shape, "f32", "i64", "none", 0.0, False), x, t)
    expected = F.cross_entropy(torch.from_numpy(x), torch.from_numpy(t), ignore_index=IGNORED,
                               reduction="none").numpy()
    lt.assert_close(y, expected.astype(np.float64), 8)
    assert np.isneginf(l[1]) and np.isnan(l[2])


@pytest.mark.parametrize("target", [7, -1, 2**31])
def test_target_out_of_range(target):
    x, t = np.zeros((4, 7), np.float32), np.array([0, 1, target, 2])
    with pytest.raises(runtime.Error, match="target out of range"):
        lt.run(text_of(x.shape, "f32", "i64", "mean", 0.0, False), x, t)
    with pytest.raises(runtime.Error, match="target out of range"):
        lt.run(grad_text(x.shape, "f32", "mean", 0.0, False), np.float32(1), x, t,
               np.full(4, np.log(7), np.float32))


def test_same_bits_on_any_number_of_threads():
    x, t = inputs((37, 1001), "f32")
    lt.assert_same_bits(text_of(x.shape, "f32", "i64", "mean", 0.1, False), x, t)


def test_weights_are_as_exact_as_their_exponential():
    """p = exp(x - lse), with a polynomial of 2^y: 2e-7 (docs/numerics.md), and what rounding
    (x - lse) * log2(e) leaves, relative to it."""
    x = np.linspace(-60, 0, 6 * 4099, dtype=np.float32).reshape(6, 4099)
    text = """func.func @main(%x: tensor<6x4099xf32>, %t: tensor<6xi64>, %g: tensor<6xf32>,
    %e: tensor<6xf32>) -> tensor<6x4099xf32> {
  %d = linnet.cross_entropy_grad none %g, %x, %t, %e
      : tensor<6xf32>, tensor<6x4099xf32>, tensor<6xi64>, tensor<6xf32>
  return %d : tensor<6x4099xf32>
}"""
    for cpu in ("x86-64-v3", "native"):
        found, = lt.run(text, x, np.zeros(6, np.int64), np.ones(6, np.float32),
                        np.zeros(6, np.float32), cpu=cpu)
        expected = np.exp(x.astype(np.float64))
        allowed = (2e-7 + 3 * 2.0**-24 * (1 + np.abs(x))) * expected
        assert (np.abs(found - expected) <= allowed)[:, 1:].all()  # class 0 is the target


@pytest.mark.parametrize("dtype", ["f32", "bf16"])
def test_kernels_stay_within_their_rows(dtype):
    """Rows that begin anywhere in 16 bytes, between canaries."""
    x, rows = f"tensor<?x?x{dtype}>", "tensor<?xf32>"
    compiled = kernels.compile(f"""
      exec.kernel @loss(%x: {x}, %t: tensor<?xi32>) -> ({rows}, {rows}) {{
        %y, %l = linnet.cross_entropy none %x, %t {attributes(0)} : {x}, tensor<?xi32> -> {rows}, {rows}
        exec.yield %y, %l : {rows}, {rows}
      }}
      exec.kernel @grad(%g: {rows}, %x: {x}, %t: tensor<?xi32>, %l: {rows}) -> {x} {{
        %d = linnet.cross_entropy_grad none %g, %x, %t, %l {attributes(0)} : {rows}, {x}, tensor<?xi32>, {rows}
        exec.yield %d : {x}
      }}""")
    for shape in ((3, 1), (4, 7), (3, 130), (2, 1023)):
        x, t = inputs(shape, dtype, "i32")
        loss, lse = ref.cross_entropy(x, t, "none", IGNORED)
        size = magnitude(x, 0)
        for got, expected in zip(compiled["loss"](x, t, sizes=[shape[0]] * 2), (loss, lse)):
            lt.assert_close(got, expected, 4, shape[1] / 16 + 16, size)
        g, lse = np.ones(shape[0], np.float32), lse.astype(np.float32)
        expected = ref.cross_entropy_grad(g, x, t, "none", IGNORED)
        found = compiled["grad"](g, x, t, lse, sizes=shape)
        lt.assert_close(found, expected, 1, 1, 1 + np.abs(lse).max())


@pytest.mark.parametrize("cpu", kernels.LEVELS)
def test_nan_is_kept_on_every_level(cpu):
    x = np.zeros((3, 40), np.float32)
    x[1, 2] = np.nan
    loss, = lt.run("""func.func @main(%x: tensor<3x40xf32>, %t: tensor<3xi64>) -> tensor<3xf32> {
  %y = linnet.cross_entropy none %x, %t : tensor<3x40xf32>, tensor<3xi64> -> tensor<3xf32>
  return %y : tensor<3xf32>
}""", x, np.zeros(3, np.int64), cpu=cpu)
    assert np.isnan(loss).tolist() == [False, True, False]
    q = np.random.default_rng(0).standard_normal((1, 1, 40, 32)).astype(np.float32)
    k, v = q.copy(), q.copy()
    q[0, 0, 3, 5] = k[0, 0, 20, 1] = np.nan
    y, = lt.run("""func.func @main(%q: tensor<1x1x40x32xf32>, %k: tensor<1x1x40x32xf32>,
    %v: tensor<1x1x40x32xf32>) -> tensor<1x1x40x32xf32> {
  %y = linnet.attention %q, %k, %v masks<[causal]>
    : tensor<1x1x40x32xf32>, tensor<1x1x40x32xf32>, tensor<1x1x40x32xf32> -> tensor<1x1x40x32xf32>
  return %y : tensor<1x1x40x32xf32>
}""", q, k, v, cpu=cpu)
    assert np.isnan(y[0, 0]).any(1).tolist() == [i == 3 or i >= 20 for i in range(40)]
