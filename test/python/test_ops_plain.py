# ===- test_ops_plain.py - reduce, argmax, gather, broadcast, random, executed -===//
#
# Part of Linnet, under Apache-2.0 WITH LLVM-exception. See LICENSE.
#
# ===----------------------------------------------------------------------===//
import numpy as np
import pytest

from linnet import runtime
from linnet import testing as lt
from linnet._src.reference import plain as ref
from linnet._src.reference import random as random_ref

REDUCE = [((5, 7), [1]), ((5, 7), [0]), ((5, 7), [0, 1]), ((3, 4, 33), [1]), ((3, 4, 33), [0, 2]),
          ((1, 1), [1]), ((129,), [0]), ((0, 5), [0]), ((0, 5), [1]), ((2, 1000), [1]),
          ((1000, 3), [0])]


def reduction(kind, shape, axes, dtype, dynamic, keepdims):
    out = [1 if i in axes else n for i, n in enumerate(shape) if keepdims or i not in axes]
    which = [i for i in range(len(shape)) if dynamic and (keepdims or i not in axes)]
    kept = [j for j, i in enumerate(i for i in range(len(shape)) if keepdims or i not in axes)
            if i in which and i not in axes]
    type = lt.tensor_type(out, dtype, kept)
    source = lt.tensor_type(shape, dtype, dynamic)
    return lt.function(
        [lt.argument("x", shape, dtype, dynamic)], type,
        f"%y = linnet.reduce {kind} %x axes {axes}{' keepdims' if keepdims else ''}"
        f" : {source} -> {type}")


def reduction_case(kind, shape, axes, dtype, dynamic, keepdims):
    rng = np.random.default_rng(0)
    x = lt.random(rng, shape, dtype)
    if kind == "prod":  # so that a product of many stays in range
        x = rng.choice([-1, 1, 2, 0.5] if dtype[0] != "i" else [-1, 1], shape).astype(x.dtype)
    expected = np.asarray(ref.reduce(kind, x, axes, keepdims))
    if dtype[0] == "i":
        expected, bound = expected.astype(x.dtype), {}
    else:
        n = int(np.prod([shape[a] for a in axes]))
        size = np.asarray(ref.reduce(kind, np.abs(x), axes, keepdims)) if n else np.zeros(expected.shape)
        bound = dict(depth=n if kind in ("sum", "mean", "prod") else 0, magnitude=size)
    label = f"{kind} {'dynamic ' * dynamic}{'keepdims' * keepdims}"
    return (label, reduction(kind, shape, axes, dtype, dynamic, keepdims), [x],
            lambda y: lt.assert_close(y, expected, **bound))


@pytest.mark.parametrize("shape,axes", REDUCE)
@pytest.mark.parametrize("dtype", [*lt.FLOATS, "i32", "i64"])
def test_reduce(dtype, shape, axes):
    kinds = ["sum", "max", "min", "prod"] + (["mean"] if dtype[0] != "i" else [])
    lt.run_cases(reduction_case(kind, shape, axes, dtype, dynamic, keepdims) for kind in kinds
                 for dynamic, keepdims in ((False, False), (True, True), (True, False)))


def test_reduce_propagates_nan():
    x = np.float32([[1, np.nan, 3], [1, 2, 3]])
    for kind in ("max", "min", "sum"):
        y, = lt.run(reduction(kind, x.shape, [1], "f32", False, False), x)
        assert np.isnan(y[0]) and y[1] == getattr(x[1], kind)()


ARGMAX = [((5, 7), 1), ((5, 7), 0), ((1, 1), 0), ((3, 4, 33), 1), ((2, 1000), 1), ((257,), 0),
          ((0, 4), 1), ((4, 0), 1)]


def argmax_case(shape, axis, dtype, flags):
    x = np.round(lt.random(np.random.default_rng(1), shape, dtype, 2.0).astype(np.float32))
    x = x.astype(lt.DTYPES[dtype])  # rounded: with ties
    if dtype != "i32" and x.size > 8:
        x.flat[3] = np.nan
    keep, last = flags == "keepdims", flags == "select_last"
    out = [1 if i == axis else n for i, n in enumerate(shape) if keep or i != axis]
    type = lt.tensor_type(out, "i64")
    text = lt.function([lt.argument("x", shape, dtype)], type,
                       f"%y = linnet.argmax %x axis {axis} {flags}"
                       f" : {lt.tensor_type(shape, dtype)} -> {type}")
    expected = ref.argmax(lt.wide(x), axis, keep, last)
    return f"{shape} {axis} {flags}", text, [x], lambda y: lt.assert_close(y, expected)


@pytest.mark.parametrize("dtype", [*lt.FLOATS, "i32"])
def test_argmax(dtype):
    lt.run_cases(argmax_case(*case, dtype, flags) for case in ARGMAX
                 for flags in ("", "keepdims", "select_last"))


GATHER = [((7, 5), (3,), 0, 0), ((7, 5), (3, 2), 0, 0), ((7, 5), (4,), 1, 0), ((7, 5), (), 0, 0),
          ((2, 7, 5), (2, 3), 1, 1), ((7, 33), (0,), 0, 0), ((1, 1), (1,), 0, 0),
          ((3, 4, 65), (5,), 1, 0)]


def gather(data, indices, axis, batch, dtype, index, dynamic):
    shape = data.shape[:axis] + indices.shape[batch:] + data.shape[axis + 1:]
    symbols = [f"i{n}" for n in range(indices.ndim)]
    which = list(range(batch, indices.ndim)) if dynamic else []
    type = lt.tensor_type(shape, dtype, [axis + i - batch for i in which])
    source = lt.tensor_type(data.shape, dtype)
    return lt.function(
        [lt.argument("data", data.shape, dtype),
         lt.argument("at", indices.shape, index, which, symbols)], type,
        f"%y = linnet.gather %data, %at axis {axis} batch_dims {batch}"
        f" : {source}, {lt.tensor_type(indices.shape, index, which)} -> {type}")


def gather_case(shape, picks, axis, batch, dtype, index, dynamic):
    rng = np.random.default_rng(2)
    data = lt.random(rng, shape, dtype)
    at = rng.integers(0, shape[axis], picks).astype(lt.DTYPES[index])
    expected, _ = ref.gather(data, at, axis, batch)
    text = gather(data, at, axis, batch, dtype, index, dynamic)
    return (f"{shape} {picks} {axis} {'dynamic' * dynamic}", text, [data, at],
            lambda y: np.testing.assert_array_equal(lt.wide(y), lt.wide(expected)))


@pytest.mark.parametrize("dtype,index", [("f32", "i64"), ("bf16", "i32"), ("f16", "i64"),
                                         ("i64", "i32"), ("i8", "i64")])
def test_gather(dtype, index):
    lt.run_cases(gather_case(*case, dtype, index, dynamic) for case in GATHER
                 for dynamic in (False, True))


@pytest.mark.parametrize("bad", [-1, 7, 2**40])
def test_gather_out_of_range_is_an_error_with_a_location(bad):
    data, at = np.ones((7, 5), np.float32), np.int64([0, 6, bad, 1])
    with pytest.raises(runtime.Error, match="gather") as error:
        lt.run(gather(data, at, 0, 0, "f32", "i64", False), data, at)
    assert error.value.code == "FAULT"


def test_broadcast():
    rng = np.random.default_rng(3)
    row, column = lt.random(rng, (5,), "f32"), lt.random(rng, (3,), "f32")
    x = lt.random(rng, (3, 5), "f32")
    text = lt.function(
        [lt.argument("row", (5,), "f32"), lt.argument("col", (3,), "f32", True, ["M"]),
         lt.argument("x", (3, 5), "f32", [0], ["M", ""])], "tensor<?x5xf32>", """
%two = arith.constant 2.0 : f32
%a = linnet.broadcast %two like %x : f32, tensor<?x5xf32> -> tensor<?x5xf32>
%b = linnet.broadcast %row like %x : tensor<5xf32>, tensor<?x5xf32> -> tensor<?x5xf32>
%c = linnet.broadcast %col dims [0] : tensor<?xf32> -> tensor<?x5xf32>
%ab = arith.mulf %a, %b : tensor<?x5xf32>
%abc = arith.addf %ab, %c : tensor<?x5xf32>
%y = arith.addf %abc, %x : tensor<?x5xf32>""")
    y, = lt.run(text, row, column, x)
    lt.assert_close(y, 2 * lt.wide(row) + lt.wide(column)[:, None] + lt.wide(x), 2, 3,
                    np.full(y.shape, 10.0))


def test_broadcast_alone():
    text = lt.function([lt.argument("x", (5,), "f32")], "tensor<3x5xf32>",
                       "%y = linnet.broadcast %x : tensor<5xf32> -> tensor<3x5xf32>")
    x = lt.random(np.random.default_rng(4), (5,), "f32")
    y, = lt.run(text, x)
    np.testing.assert_array_equal(y, np.broadcast_to(x, (3, 5)))


@pytest.mark.parametrize("shape,dynamic", [((1,), False), ((5,), False), ((4, 8), False),
                                           ((3, 67), True), ((0,), True), ((2, 513), True)])
@pytest.mark.parametrize("dtype", ["f32", "f16", "bf16", "i32"])
def test_random(dtype, shape, dynamic):
    symbols = [f"d{i}" for i in range(len(shape))]
    type = lt.tensor_type(shape, dtype, dynamic)
    dims = [f"%d{i}" for i in range(len(shape))] if dynamic else []
    body = [f"%c{i} = arith.constant {i} : index\n"
            f"%d{i} = tensor.dim %x, %c{i} : {type}" for i in range(len(dims))]
    sizes = f" sizes({', '.join(dims)})" if dims else ""
    text = lt.function(
        ["%key: i64", "%counter: i64", lt.argument("x", shape, dtype, dynamic, symbols)], type,
        "\n".join([*body, f"%y = linnet.random %key, %counter{sizes} : i64, i64 -> {type}"]))
    model, like = lt.load(text), np.zeros(shape, lt.DTYPES[dtype])
    for key, counter in ((0, 0), (0x123456789ABCDEF, 2**32 - 1), (-1, 2**40)):
        y, = model.session().call("main", np.int64(key), np.int64(counter), like)
        expected = random_ref.random(key, counter, shape, dtype)
        np.testing.assert_array_equal(lt.wide(y), expected)
