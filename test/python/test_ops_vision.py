# ===- test_ops_vision.py - pooling and resizing with their gradients, executed -===//
#
# Part of Linnet, under Apache-2.0 WITH LLVM-exception. See LICENSE.
#
# ===----------------------------------------------------------------------===//
import numpy as np
import pytest
import torch
import torch.nn.functional as F

from linnet import testing as lt
from linnet._src.reference import pool, resize

# input, kernel, strides, dilations, padding, ceil_mode
POOLS = {
    "1d": ((2, 3, 19), [2], [2], [1], [0, 0], False),
    "2x2": ((2, 3, 8, 8), [2, 2], [2, 2], [1, 1], [0, 0, 0, 0], False),
    "3x3": ((1, 4, 37, 35), [3, 3], [2, 2], [1, 1], [1, 1, 1, 1], False),
    "overlapping": ((1, 2, 9, 40), [3, 5], [1, 1], [1, 1], [1, 0, 2, 2], False),
    "ceil": ((2, 2, 7, 8), [3, 3], [2, 3], [1, 1], [1, 1, 0, 0], True),
    "dilated": ((1, 2, 9, 20), [2, 3], [1, 2], [2, 3], [1, 1, 2, 1], False),
    "long_stride": ((1, 2, 5, 33), [1, 2], [3, 5], [1, 1], [0, 0, 0, 0], False),
    "3d": ((1, 2, 4, 5, 6), [2, 2, 3], [2, 1, 2], [1, 1, 1], [1, 0, 0, 0, 1, 1], False),
    "global": ((2, 3, 5, 7), [5, 7], [1, 1], [1, 1], [0, 0, 0, 0], False),
    "one": ((1, 1, 1), [1], [1], [1], [0, 0], False),
    "no_batch": ((0, 2, 4, 4), [2, 2], [2, 2], [1, 1], [0, 0, 0, 0], False),
    "no_window": ((1, 2, 3, 4), [2, 2], [1, 1], [3, 1], [0, 0, 0, 0], False),
}


def attributes(case, include=False):
    _, kernel, strides, dilations, padding, ceil = case
    return (f"kernel {kernel} strides {strides} dilations {dilations} padding {padding}"
            + " ceil_mode" * ceil + " count_include_pad" * include)


def options(case):
    return dict(zip(("strides", "dilations", "padding", "ceil_mode"), case[2:]))


def dynamic_dims(shape, dynamic):
    return [0, *range(2, len(shape))] if dynamic else False


def inputs(case, dtype):
    rng = np.random.default_rng(sum(case[0]))
    # equal maxima in every window
    x = np.round(lt.wide(lt.random(rng, case[0], "f32")) * 2).astype(lt.DTYPES[dtype])
    y = pool.max_pool(x, case[1], **options(case))
    return x, lt.random(rng, y.shape, dtype)


def max_case(case, dtype, dynamic):
    x, _ = inputs(case, dtype)
    expected = pool.max_pool(x, case[1], **options(case))
    which = dynamic_dims(x.shape, dynamic)
    to = lt.tensor_type(expected.shape, dtype, which)
    text = lt.function([lt.argument("x", x.shape, dtype, which)], to,
                       f"%y = linnet.max_pool %x {attributes(case)} : "
                       f"{lt.tensor_type(x.shape, dtype, which)} -> {to}")
    return f"{'dynamic' * dynamic}", text, [x], lambda y: lt.assert_close(y, expected, 0)


def max_grad_case(case, dtype, dynamic):
    x, dy = inputs(case, dtype)
    expected = pool.max_pool_grad(dy, x, case[1], **options(case))
    size = pool.max_pool_grad(np.abs(lt.wide(dy)), x, case[1], **options(case))
    which = dynamic_dims(x.shape, dynamic)
    types = [lt.tensor_type(v.shape, dtype, which) for v in (dy, x)]
    text = lt.function([lt.argument("g", dy.shape, dtype, which, [f"g{i}" if i > 1 else f"x{i}" for i in range(dy.ndim)]),
                        lt.argument("x", x.shape, dtype, which)], types[1],
                       f"%y = linnet.max_pool_grad %g, %x {attributes(case)} : {types[0]}, {types[1]}")
    return (f"{'dynamic' * dynamic}", text, [dy, x],
            lambda y: lt.assert_close(y, expected, 0.5, int(np.prod(case[1])), size))


def avg_case(case, dtype, dynamic, include):
    x, _ = inputs(case, dtype)
    expected = pool.avg_pool(x, case[1], include, **options(case))
    size = pool.avg_pool(np.abs(lt.wide(x)), case[1], include, **options(case))
    which = dynamic_dims(x.shape, dynamic)
    to = lt.tensor_type(expected.shape, dtype, which)
    text = lt.function([lt.argument("x", x.shape, dtype, which)], to,
                       f"%y = linnet.avg_pool %x {attributes(case, include)} : "
                       f"{lt.tensor_type(x.shape, dtype, which)} -> {to}")
    return (f"{include} {'dynamic' * dynamic}", text, [x],
            lambda y: lt.assert_close(y, expected, 1, int(np.prod(case[1])), size))


def sizes_of(shape, which, source, name="x"):
    """Indices of the dynamic sizes of `source`, and the operand that lists them."""
    lines, names = [], []
    for i in which or ():
        lines += [f"%c{i} = arith.constant {i} : index",
                  f"%n{i} = tensor.dim %{name}, %c{i} : {source}"]
        names.append(f"%n{i}")
    return "\n".join(lines), f" sizes({', '.join(names)})" if names else ""


def avg_grad_case(case, dtype, dynamic, include):
    x, dy = inputs(case, dtype)
    expected = pool.avg_pool_grad(dy, x.shape, case[1], include, **options(case))
    size = pool.avg_pool_grad(np.abs(lt.wide(dy)), x.shape, case[1], include, **options(case))
    which = dynamic_dims(x.shape, dynamic)
    types = [lt.tensor_type(v.shape, dtype, which) for v in (dy, x)]
    before, sizes = sizes_of(x.shape, which, types[1])
    text = lt.function([lt.argument("g", dy.shape, dtype, which, [f"g{i}" if i > 1 else f"x{i}" for i in range(dy.ndim)]),
                        lt.argument("x", x.shape, dtype, which)], types[1],
                       f"{before}\n%y = linnet.avg_pool_grad %g{sizes} {attributes(case, include)}"
                       f" : {types[0]} -> {types[1]}")
    return (f"{include} {'dynamic' * dynamic}", text, [dy, x],
            lambda y: lt.assert_close(y, expected, 1, int(np.prod(case[1])), size))


@pytest.mark.parametrize("dtype", lt.FLOATS)
def test_max_pool(dtype):
    lt.run_cases((name + " " + c[0], *c[1:]) for name, case in POOLS.items()
                 for dynamic in (False, True)
                 for c in (max_case(case, dtype, dynamic), max_grad_case(case, dtype, dynamic)))


@pytest.mark.parametrize("dtype", lt.FLOATS)
def test_avg_pool(dtype):
    lt.run_cases((name + " " + c[0], *c[1:]) for name, case in POOLS.items()
                 for dynamic in (False, True) for include in (False, True)
                 for c in (avg_case(case, dtype, dynamic, include),
                           avg_grad_case(case, dtype, dynamic, include)))


def test_max_pool_of_nan_and_infinities():
    x = np.zeros((1, 3, 2, 20), np.float32)
    x[0, 0, 0, [1, 4, 5]] = np.nan
    x[0, 1] = -np.inf
    x[0, 2, 1, 7] = np.inf
    case = (x.shape, [2, 4], [1, 2], [1, 1], [0, 0, 1, 1], False)
    tx = torch.from_numpy(x).requires_grad_()
    expected = F.max_pool2d(tx, [2, 4], [1, 2], [0, 1])
    _, text, _, _ = max_case(case, "f32", False)
    y, = lt.run(text, x)
    np.testing.assert_array_equal(y, expected.detach().numpy())
    dy = lt.random(np.random.default_rng(0), y.shape, "f32")
    _, text, _, _ = max_grad_case(case, "f32", False)
    dx, = lt.run(text, dy, x)
    expected.backward(torch.from_numpy(dy))
    np.testing.assert_allclose(dx, tx.grad.numpy(), rtol=1e-6)


@pytest.mark.parametrize("name", ["3x3", "ceil", "overlapping"])
def test_pools_against_pytorch(name):
    case = POOLS[name]
    shape, kernel, strides, dilations, padding, ceil = case
    if name == "overlapping":
        case = (shape, kernel, strides, dilations, [1, 1, 2, 2], ceil)
    x, _ = inputs(case, "f32")
    tx, pads = torch.from_numpy(x), case[4][::2]
    y, = lt.run(max_case(case, "f32", False)[1], x)
    np.testing.assert_array_equal(y, F.max_pool2d(tx, kernel, strides, pads, dilations, ceil))
    for include in (False, True):
        y, = lt.run(avg_case(case, "f32", False, include)[1], x)
        expected = F.avg_pool2d(tx, kernel, strides, pads, ceil, include)
        torch.testing.assert_close(torch.from_numpy(y), expected, rtol=1e-6, atol=1e-6)


# input, sizes
RESIZES = [((2, 3, 5), [8]), ((1, 2, 5, 7), [10, 3]), ((1, 2, 4, 19), [8, 38]), ((1, 2, 6, 6), [6, 6]),
           ((1, 1, 1, 3), [3, 1]), ((1, 2, 3, 4, 2), [5, 2, 3]), ((0, 2, 3, 3), [2, 2]),
           ((1, 2, 3, 3), [0, 4])]
MODES = [("nearest", "asymmetric"), ("nearest", "half_pixel"), ("linear", "half_pixel"),
         ("linear", "align_corners"), ("linear", "asymmetric")]


def resize_case(shape, sizes, mode, position, dtype, dynamic, grad):
    made = (*shape[:2], *sizes)
    start, end = (made, shape) if grad else (shape, made)
    x = lt.random(np.random.default_rng(sum(shape)), start, dtype)
    run = resize.resize_grad if grad else resize.resize
    expected = run(x, end[2:], mode, position)
    size = run(np.abs(lt.wide(x)), end[2:], mode, position)
    which = list(range(len(shape))) if dynamic else False
    types = [lt.tensor_type(s, dtype, which) for s in (start, end)]
    # the result's sizes are those of a second argument
    before, operand = sizes_of(shape, range(2, len(shape)) if dynamic else (), types[1], "like")
    arguments = [lt.argument("x", start, dtype, which), lt.argument("like", end, dtype, which)]
    text = lt.function(arguments, types[1],
                       f"{before}\n%y = linnet.resize{'_grad' * grad} {mode} {position} %x{operand}"
                       f" : {types[0]} -> {types[1]}")
    depth = int(np.prod([2 + a // max(b, 1) for a, b in zip(start[2:], end[2:])])) * 4
    return (f"{shape} {sizes} {mode} {position} {'grad ' * grad}{'dynamic' * dynamic}", text,
            [x, np.zeros(end, lt.DTYPES[dtype])],
            lambda y: lt.assert_close(y, expected, 0.5, depth, size))


@pytest.mark.parametrize("dtype", lt.FLOATS)
@pytest.mark.parametrize("grad", [False, True])
def test_resize(dtype, grad):
    modes = MODES if dtype == "f32" else MODES[1:4]
    lt.run_cases(resize_case(shape, sizes, mode, position, dtype, dynamic, grad)
                 for shape, sizes in RESIZES for mode, position in modes
                 for dynamic in (False, True) if dtype == "f32" or not dynamic)


def test_same_bits_on_any_number_of_threads():
    for case in (max_grad_case(POOLS["3x3"], "f32", False), avg_grad_case(POOLS["3x3"], "f32", False, True),
                 resize_case((3, 5, 9, 11), [20, 21], "linear", "half_pixel", "f32", False, True)):
        _, text, values, _ = case
        lt.assert_same_bits(text, *values)
