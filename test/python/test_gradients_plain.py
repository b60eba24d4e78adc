# ===- test_gradients_plain.py - derivatives of arith, math, tensor, plain ops -===//
#
# Part of Linnet, under Apache-2.0 WITH LLVM-exception. See LICENSE.
#
# ===----------------------------------------------------------------------===//
"""Beside the table of test_gradients_table.py: 16-bit types, dynamic sizes, combinations."""
import numpy as np
import pytest
import torch
from gradient_cases_plain import EINSUMS

from linnet import gradients as lg
from linnet import testing as lt

X = np.float32([[-1.7, -0.3, 0.2], [0.9, 1.4, 2.6]])


def unary(op, shape, dtype="f32"):
    type = lt.tensor_type(shape, dtype)
    return lt.function([lt.argument("x", shape, dtype)], type, f"%y = {op} %x : {type}")


@pytest.mark.parametrize("dtype", ["bf16", "f16"])
def test_unary_in_16_bits(dtype):
    x = X.astype(lt.DTYPES[dtype])
    lg.check(unary("math.tanh", x.shape, dtype), [x], torch=torch.tanh)


def test_equal_extrema_share():
    x = np.float32([1, 2, 3])
    text = lt.function([lt.argument("x", (3,), "f32"), lt.argument("z", (3,), "f32")],
                       "tensor<3xf32>", "%y = arith.maximumf %x, %z : tensor<3xf32>")
    lg.check(text, [x, x.copy()], torch=torch.maximum)


def test_mean_of_dynamic_sizes():
    x = lt.random(np.random.default_rng(1), (3, 5), "f32")
    text = lt.function([lt.argument("x", x.shape, "f32", True, ["A", "B"])], "tensor<?xf32>",
                       "%y = linnet.reduce mean %x axes [1] : tensor<?x?xf32> -> tensor<?xf32>")
    lg.check(text, [x], torch=lambda v: v.mean(1), cotangent_dims=['["A"]'])


@pytest.mark.parametrize("case", range(len(EINSUMS)))
def test_einsum_in_16_bits(case, dtype="bf16"):
    equation, shapes = EINSUMS[case]
    values = [lt.random(np.random.default_rng(i), s, dtype) for i, s in enumerate(shapes)]
    result = lt.tensor_type(np.einsum(equation, *map(lt.wide, values)).shape, dtype)
    names = ", ".join(f"%x{i}" for i in range(len(shapes)))
    types = ", ".join(lt.tensor_type(s, dtype) for s in shapes)
    text = lt.function([lt.argument(f"x{i}", s, dtype) for i, s in enumerate(shapes)], result,
                       f'%y = linnet.einsum "{equation}" {names} : {types} -> {result}')
    lg.check(text, values, torch=lambda *v: torch.einsum(equation, *v))


TENSOR = {
    "concat": ("tensor<3x12xf32>", """%z = math.sin %x : tensor<3x4xf32>
        %y = tensor.concat dim(1) %x, %z, %x : (tensor<3x4xf32>, tensor<3x4xf32>, tensor<3x4xf32>)
          -> tensor<3x12xf32>""", lambda v: torch.cat([v, v.sin(), v], 1)),
    "insert": ("tensor<3x4xf32>", """%s = tensor.extract_slice %x[1, 0] [1, 4] [1, 1] : tensor<3x4xf32> to tensor<4xf32>
        %e = math.exp %s : tensor<4xf32>
        %y = tensor.insert_slice %e into %x[0, 0] [1, 4] [1, 1] : tensor<4xf32> into tensor<3x4xf32>""",
               lambda v: torch.cat([v[1:2].exp(), v[1:]])),
    "select": ("tensor<3x4xf32>", """%z = math.exp %x : tensor<3x4xf32>
        %c = arith.cmpf ogt, %x, %z : tensor<3x4xf32>
        %s = math.sin %x : tensor<3x4xf32>
        %y = arith.select %c, %z, %s : tensor<3x4xi1>, tensor<3x4xf32>""",
               lambda v: torch.where(v > v.exp(), v.exp(), v.sin())),
    "stop": ("tensor<3x4xf32>", """%z = linnet.stop_gradient %x : tensor<3x4xf32>
        %y = arith.mulf %x, %z : tensor<3x4xf32>""", lambda v: v * v.detach()),
}


@pytest.mark.parametrize("name", TENSOR)
def test_tensor(name):
    result, body, oracle = TENSOR[name]
    x = lt.random(np.random.default_rng(3), (3, 4), "f32")
    lg.check(lt.function([lt.argument("x", x.shape, "f32")], result, body), [x], torch=oracle)


def test_unused_arguments_get_zeros():
    text = lt.function([lt.argument("x", (3,), "f32"), lt.argument("z", (2,), "f32")],
                       "tensor<3xf32>", "%y = math.sin %x : tensor<3xf32>")
    _, dz = lg.check(text, [np.ones(3, np.float32), np.ones(2, np.float32)],
                     torch=lambda x, z: x.sin())
    assert not dz.any()
