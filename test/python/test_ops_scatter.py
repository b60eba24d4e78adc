# ===- test_ops_scatter.py - sums of slices at given positions, executed -===//
#
# Part of Linnet, under Apache-2.0 WITH LLVM-exception. See LICENSE.
#
# ===----------------------------------------------------------------------===//
import numpy as np
import pytest
import torch

from linnet import runtime
from linnet import testing as lt
from linnet._src.reference import plain as ref

# data, indices, axis, batch_dims
CASES = [((7, 3), (4, 5), 0, 0), ((50, 40), (100,), 0, 0), ((9, 16), (33,), 0, 0), ((2, 7, 3), (2, 4), 1, 1),
         ((3, 5), (6,), 1, 0), ((3, 5, 4), (6,), 1, 0), ((4,), (), 0, 0), ((4,), (9,), 0, 0), ((2, 3, 5), (2, 4), 2, 1),
         ((5, 6), (0,), 0, 0), ((1, 1), (1,), 0, 0), ((3000, 130), (70,), 0, 0), ((2, 3), (2, 40), 1, 1)]


def text_of(shape, updates, indices, axis, batch, dtype, index, dynamic):
    us, is_ = len(updates), len(indices)
    types = [lt.tensor_type(updates, dtype, dynamic), lt.tensor_type(indices, index, dynamic),
             lt.tensor_type(shape, dtype, dynamic)]
    names = [f"u{i}" for i in range(us)]
    symbols = [names[i if i < batch else axis + i - batch] for i in range(is_)]
    size = " size(%n)" if dynamic else ""
    return lt.function([lt.argument("u", updates, dtype, dynamic, names),
                        lt.argument("i", indices, index, dynamic, symbols),
                        '%like: tensor<?xi8> {linnet.dims = ["V"]}'], types[2],
                       f"%c = arith.constant 0 : index\n%n = tensor.dim %like, %c : tensor<?xi8>\n%y = linnet.scatter_add %u, %i axis {axis} batch_dims {batch}{size}"
                       f" : {types[0]}, {types[1]} -> {types[2]}")


def case(shape, indices, axis, batch, dtype, index, dynamic):
    rng = np.random.default_rng(sum(shape))
    i = np.asarray(rng.integers(0, shape[axis], indices)).astype(lt.DTYPES[index])
    updates = shape[:axis] + indices[batch:] + shape[axis + 1:]
    u = lt.random(rng, updates, dtype)
    expected, _ = ref.scatter_add(u, i, shape[axis], axis, batch)
    size, _ = ref.scatter_add(np.abs(lt.wide(u)), i, shape[axis], axis, batch)
    return (f"{shape} {indices} {axis} {batch} {'dynamic' * dynamic}",
            text_of(shape, updates, indices, axis, batch, dtype, index, dynamic),
            [u, i, np.zeros(shape[axis], np.int8)],
            lambda y: lt.assert_close(y, expected, 0.5, max(i.size, 1), size))


@pytest.mark.parametrize("dtype", lt.FLOATS)
def test_scatter_add(dtype):
    lt.run_cases(case(*c, dtype, "i64", dynamic) for c in CASES for dynamic in (False, True))


@pytest.mark.parametrize("index", ["i8", "i32"])
def test_index_types(index):
    lt.run_cases(case((50, 40), (100,), 0, 0, "f32", index, dynamic) for dynamic in (False, True))


def test_embedding_gradient_against_pytorch():
    rng = np.random.default_rng(0)
    i, dy = rng.integers(0, 1000, (4, 64)), lt.random(rng, (4, 64, 48), "f32")
    table = torch.zeros(1000, 48, requires_grad=True)
    torch.nn.functional.embedding(torch.from_numpy(i), table).backward(torch.from_numpy(dy))
    text = text_of((1000, 48), dy.shape, i.shape, 0, 0, "f32", "i64", False)
    y, = lt.run(text, dy, i, np.zeros(1000, np.int8))
    torch.testing.assert_close(torch.from_numpy(y), table.grad, rtol=1e-6, atol=1e-6)


@pytest.mark.parametrize("bad", [-1, 10, 2**40])
def test_index_out_of_range(bad):
    i = np.arange(40) % 10
    i[33] = bad
    text = text_of((10, 8), (40, 8), (40,), 0, 0, "f32", "i64", False)
    with pytest.raises(runtime.Error, match="linnet.scatter_add.*index out of range"):
        lt.run(text, np.ones((40, 8), np.float32), i, np.zeros(10, np.int8))


def test_same_bits_on_any_number_of_threads():
    rng = np.random.default_rng(1)
    i, u = rng.integers(0, 5000, 700), lt.random(rng, (700, 96), "f32")
    text = text_of((5000, 96), u.shape, i.shape, 0, 0, "f32", "i64", False)
    lt.assert_same_bits(text, u, i, np.zeros(5000, np.int8))
