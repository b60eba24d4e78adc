# ===- test_reference_plain.py - references against public ones -===//
#
# Part of Linnet, under Apache-2.0 WITH LLVM-exception. See LICENSE.
#
# ===----------------------------------------------------------------------===//
import numpy as np
import onnx
import pytest
import torch
from linnet._src.reference import plain as ref
from onnx.reference import ReferenceEvaluator


def onnx_run(op, inputs, **attributes):
    names = [f"x{i}" for i in range(len(inputs))]
    types = [onnx.helper.make_tensor_value_info(
        n, onnx.helper.np_dtype_to_tensor_dtype(x.dtype), None) for n, x in zip(names, inputs)]
    graph = onnx.helper.make_graph(
        [onnx.helper.make_node(op, names, ["y"], **attributes)], "g", types,
        [onnx.helper.make_empty_tensor_value_info("y")])
    model = onnx.helper.make_model(graph, opset_imports=[onnx.helper.make_opsetid("", 18)])
    return ReferenceEvaluator(model).run(None, dict(zip(names, inputs)))[0]


@pytest.mark.parametrize("equation,shapes", [
    ("bhqd,bhkd->bhqk", [(2, 3, 4, 5), (2, 3, 1, 5)]), ("ij->ji", [(2, 3)]), ("ij->", [(2, 0)]),
    ("i,ij,jk->k", [(2,), (2, 3), (3, 4)]), (",i->i", [(), (3,)])])
def test_einsum(equation, shapes):
    rng = np.random.default_rng(0)
    x = [rng.standard_normal(s) for s in shapes]
    np.testing.assert_allclose(ref.einsum(equation, *x),
                               torch.einsum(equation, *map(torch.from_numpy, x)), atol=1e-12)


def test_broadcast():
    x = np.arange(3.0)
    np.testing.assert_array_equal(ref.broadcast(x, (2, 3)), torch.arange(3.0).expand(2, 3))
    np.testing.assert_array_equal(ref.broadcast(x, (3, 2), [0]),
                                  torch.arange(3.0)[:, None].expand(3, 2))
    np.testing.assert_array_equal(ref.broadcast(x[:, None], (3, 0)), np.zeros((3, 0)))


@pytest.mark.parametrize("kind", ["sum", "max", "min", "prod", "mean"])
@pytest.mark.parametrize("shape,axes", [((3, 5), [1]), ((2, 3, 4), [0, 2]), ((1, 1), [0]),
                                        ((2, 0), [1]), ((3,), [])])
def test_reduce(kind, shape, axes):
    x = np.random.default_rng(0).standard_normal(shape)
    if x.size > 2:
        x.reshape(-1)[1] = np.nan
    for keepdims in (False, True):
        got = ref.reduce(kind, x, axes, keepdims)
        if x.size or kind in ("sum", "prod"):
            want = onnx_run("Reduce" + kind.capitalize(), [x, np.array(axes, np.int64)],
                            keepdims=int(keepdims), noop_with_empty_axes=1)
            np.testing.assert_allclose(got, want, atol=1e-12)
        else:
            empty = {"max": -np.inf, "min": np.inf, "mean": np.nan}[kind]
            np.testing.assert_array_equal(got, np.full_like(got, empty))


@pytest.mark.parametrize("axis", [0, 1, 2])
@pytest.mark.parametrize("shape", [(2, 3), (1,), (0,), ()])
def test_gather(axis, shape):
    rng = np.random.default_rng(0)
    data = rng.standard_normal((4, 5, 3))
    indices = rng.integers(0, data.shape[axis], shape)
    got, fault = ref.gather(data, indices, axis)
    np.testing.assert_array_equal(got, onnx_run("Gather", [data, np.array(indices)], axis=axis))
    assert not fault


def test_gather_out_of_range_and_batched():
    data = np.arange(6.0).reshape(2, 3) + 1
    got, fault = ref.gather(data, np.array([1, -1, 2]), 0)
    np.testing.assert_array_equal(got, [[4, 5, 6], [0, 0, 0], [0, 0, 0]])
    assert fault
    got, fault = ref.gather(data, np.array([[2, 0], [1, 1]]), 1, batch_dims=1)
    want = torch.gather(torch.from_numpy(data), 1, torch.tensor([[2, 0], [1, 1]]))
    np.testing.assert_array_equal(got, want)
    assert not fault


@pytest.mark.parametrize("select_last", [False, True])
def test_argmax(select_last):
    x = np.random.default_rng(0).integers(0, 3, (5, 7)).astype(np.float64)
    for axis in (0, 1):
        for keepdims in (False, True):
            want = onnx_run("ArgMax", [x], axis=axis, keepdims=int(keepdims),
                            select_last_index=int(select_last))
            np.testing.assert_array_equal(ref.argmax(x, axis, keepdims, select_last), want)
    x[2, 3] = x[2, 5] = np.nan
    assert ref.argmax(x, 1, False, select_last)[2] == (5 if select_last else 3)
    assert torch.from_numpy(x).argmax(1)[2] == 3


@pytest.mark.parametrize("data,indices,axis,batch", [
    ((7, 3), (4, 5), 0, 0), ((2, 7, 3), (2, 4), 1, 1), ((3, 5), (6,), 1, 0), ((4,), (), 0, 0),
    ((2, 3, 5), (2, 4), 2, 1)])
def test_scatter_add_is_the_transpose_of_gather(data, indices, axis, batch):
    rng = np.random.default_rng(3)
    x, i = rng.standard_normal(data), rng.integers(0, data[axis], indices)
    y, _ = ref.gather(x, i, axis, batch)
    dy = rng.standard_normal(y.shape)
    dx, bad = ref.scatter_add(dy, i, data[axis], axis, batch)
    assert not bad and dx.shape == x.shape
    assert abs((y * dy).sum() - (x * dx).sum()) < 1e-12
