# ===- test_gradients_plain.py - derivatives of arith, math, tensor, plain ops -===//
#
# Part of Linnet, under Apache-2.0 WITH LLVM-exception. See LICENSE.
#
# ===----------------------------------------------------------------------===//
import numpy as np
import pytest
import torch

from linnet import gradients as lg
from linnet import testing as lt

X = np.float32([[-1.7, -0.3, 0.2], [0.9, 1.4, 2.6]])
POSITIVE = np.abs(X) + np.float32(0.25)
UNIT = X / np.float32(3)
UNARY = {
    "arith.negf": (X, torch.neg), "math.exp": (X, torch.exp), "math.exp2": (X, torch.exp2),
    "math.expm1": (X, torch.expm1), "math.log": (POSITIVE, torch.log),
    "math.log2": (POSITIVE, torch.log2), "math.log10": (POSITIVE, torch.log10),
    "math.log1p": (POSITIVE, torch.log1p), "math.sqrt": (POSITIVE, torch.sqrt),
    "math.rsqrt": (POSITIVE, torch.rsqrt), "math.sin": (X, torch.sin), "math.cos": (X, torch.cos),
    "math.tan": (UNIT, torch.tan), "math.tanh": (X, torch.tanh), "math.sinh": (X, torch.sinh),
    "math.cosh": (X, torch.cosh), "math.atan": (X, torch.atan), "math.asin": (UNIT, torch.asin),
    "math.acos": (UNIT, torch.acos), "math.erf": (X, torch.erf), "math.absf": (X, torch.abs),
    "math.floor": (X, torch.floor), "math.ceil": (X, torch.ceil), "math.trunc": (X, torch.trunc),
    "math.roundeven": (X, torch.round),
}
BINARY = {
    "arith.addf": torch.add, "arith.subf": torch.sub, "arith.mulf": torch.mul,
    "arith.divf": torch.div, "arith.maximumf": torch.maximum, "arith.minimumf": torch.minimum,
    "math.powf": torch.pow, "math.atan2": torch.atan2, "math.copysign": torch.copysign,
}


def unary(op, shape, dtype="f32"):
    type = lt.tensor_type(shape, dtype)
    return lt.function([lt.argument("x", shape, dtype)], type, f"%y = {op} %x : {type}")


@pytest.mark.parametrize("op", UNARY)
def test_unary(op):
    x, oracle = UNARY[op]
    lg.check(unary(op, x.shape), [x], reference=lambda v: oracle(torch.from_numpy(v)).numpy(),
             torch=oracle, ulps=24)


@pytest.mark.parametrize("dtype", ["bf16", "f16"])
def test_unary_in_16_bits(dtype):
    x = X.astype(lt.DTYPES[dtype])
    lg.check(unary("math.tanh", x.shape, dtype), [x], torch=torch.tanh)


@pytest.mark.parametrize("op", BINARY)
def test_binary(op):
    x, y = POSITIVE, np.float32([[0.5, 2.0, 1.5], [-1.5, 3.0, 0.75]])
    type = lt.tensor_type(x.shape, "f32")
    text = lt.function([lt.argument("x", x.shape, "f32"), lt.argument("z", x.shape, "f32")], type,
                       f"%y = {op} %x, %z : {type}")
    lg.check(text, [x, y], torch=BINARY[op], ulps=24)


def test_equal_extrema_share():
    x = np.float32([1, 2, 3])
    text = lt.function([lt.argument("x", (3,), "f32"), lt.argument("z", (3,), "f32")],
                       "tensor<3xf32>", "%y = arith.maximumf %x, %z : tensor<3xf32>")
    lg.check(text, [x, x.copy()], torch=torch.maximum)


@pytest.mark.parametrize("kind", ["sum", "mean", "max", "min", "prod"])
@pytest.mark.parametrize("keepdims", ["", " keepdims"])
@pytest.mark.parametrize("axes", [[0], [1], [0, 2], [0, 1, 2]])
def test_reduce(kind, keepdims, axes):
    x = lt.random(np.random.default_rng(1), (3, 5, 4), "f32")
    x[0, 1, 2] = x[1, 1, 2] = x[0, 2, 2] = 7.0  # equal maxima
    if kind == "prod":
        x[0, 0, 0] = x[2, 1, 0] = x[1, 1, 0] = 0.0
    kept = {"": [n for i, n in enumerate(x.shape) if i not in axes],
            " keepdims": [1 if i in axes else n for i, n in enumerate(x.shape)]}[keepdims]
    result = lt.tensor_type(kept, "f32")
    text = lt.function([lt.argument("x", x.shape, "f32")], result,
                       f"%y = linnet.reduce {kind} %x axes {axes}{keepdims} : tensor<3x5x4xf32> -> {result}")

    def oracle(v):
        keep = bool(keepdims)
        if kind == "prod":
            for axis in sorted(axes, reverse=True):
                v = v.prod(axis, keepdim=keep)
            return v
        return {"sum": torch.sum, "mean": torch.mean, "max": torch.amax, "min": torch.amin}[kind](
            v, axes, keepdim=keep)
    lg.check(text, [x], torch=oracle, ulps=32)


def test_mean_of_dynamic_sizes():
    x = lt.random(np.random.default_rng(1), (3, 5), "f32")
    text = lt.function([lt.argument("x", x.shape, "f32", True, ["A", "B"])], "tensor<?xf32>",
                       "%y = linnet.reduce mean %x axes [1] : tensor<?x?xf32> -> tensor<?xf32>")
    lg.check(text, [x], torch=lambda v: v.mean(1), cotangent_dims=['["A"]'])


EINSUMS = [("ij,jk->ik", [(3, 5), (5, 4)]), ("bij,bkj->bik", [(2, 3, 5), (2, 4, 5)]),
           ("ij,jk,kl->il", [(2, 3), (3, 4), (4, 5)]), ("ij->j", [(3, 4)]), ("ij,ij->", [(3, 4)] * 2),
           ("i,j->ij", [(3,), (4,)]), ("ijk,k->ij", [(2, 3, 4), (4,)]), ("ij,k->ik", [(2, 3), (4,)]),
           ("ij,jk->ik", [(3, 0), (0, 4)]), ("ij,jk->ik", [(1, 5), (5, 1)])]


@pytest.mark.parametrize("case", range(len(EINSUMS)))
@pytest.mark.parametrize("dtype", ["f32", "bf16"])
def test_einsum(case, dtype):
    equation, shapes = EINSUMS[case]
    values = [lt.random(np.random.default_rng(i), s, dtype) for i, s in enumerate(shapes)]
    result = lt.tensor_type(np.einsum(equation, *map(lt.wide, values)).shape, dtype)
    names = ", ".join(f"%x{i}" for i in range(len(shapes)))
    types = ", ".join(lt.tensor_type(s, dtype) for s in shapes)
    text = lt.function([lt.argument(f"x{i}", s, dtype) for i, s in enumerate(shapes)], result,
                       f'%y = linnet.einsum "{equation}" {names} : {types} -> {result}')
    lg.check(text, values, torch=lambda *v: torch.einsum(equation, *v), ulps=32)


BROADCASTS = [((4,), "", (3, 4)), ((3,), "dims [0]", (3, 4)), ((1, 4), "", (3, 4)),
              ((3, 1), "", (3, 4)), ((), "", (3, 4)), ((2, 1, 4), "dims [0, 2, 3]", (2, 5, 3, 4)),
              ((1, 1), "", (3, 4)), ((1, 4), "dims [0, 2]", (2, 3, 4))]


@pytest.mark.parametrize("case", range(len(BROADCASTS)))
def test_broadcast(case):
    shape, dims, full = BROADCASTS[case]
    x = lt.random(np.random.default_rng(3), shape, "f32")
    result, source = lt.tensor_type(full, "f32"), lt.tensor_type(shape, "f32")
    text = lt.function([lt.argument("x", shape, "f32")], result,
                       f"%y = linnet.broadcast %x {dims} : {source} -> {result}")
    positions = ([int(d) for d in dims[6:-1].split(",")] if dims else
                 list(range(len(full) - len(shape), len(full))))

    def oracle(v):
        view = [1] * len(full)
        for i, p in enumerate(positions):
            view[p] = shape[i]
        return v.reshape(view).expand(full)
    lg.check(text, [x], torch=oracle)


TENSOR = {
    "slice": ("tensor<2x2xf32>", "%y = tensor.extract_slice %x[0, 1] [2, 2] [2, 2] : tensor<3x4xf32> to "
              "tensor<2x2xf32>", lambda v: v[0:4:2, 1:5:2]),
    "collapse": ("tensor<12xf32>", "%y = tensor.collapse_shape %x [[0, 1]] : tensor<3x4xf32> into "
                 "tensor<12xf32>", lambda v: v.reshape(12)),
    "expand": ("tensor<3x2x2xf32>", "%y = tensor.expand_shape %x [[0], [1, 2]] output_shape [3, 2, 2] : "
               "tensor<3x4xf32> into tensor<3x2x2xf32>", lambda v: v.reshape(3, 2, 2)),
    "pad": ("tensor<5x6xf32>", """%c = arith.constant 2.0 : f32
        %y = tensor.pad %x low[1, 0] high[1, 2] {
        ^bb0(%i: index, %j: index):
          tensor.yield %c : f32
        } : tensor<3x4xf32> to tensor<5x6xf32>""",
            lambda v: torch.nn.functional.pad(v, (0, 2, 1, 1), value=2.0)),
    "concat": ("tensor<3x12xf32>", """%z = math.sin %x : tensor<3x4xf32>
        %y = tensor.concat dim(1) %x, %z, %x : (tensor<3x4xf32>, tensor<3x4xf32>, tensor<3x4xf32>)
          -> tensor<3x12xf32>""", lambda v: torch.cat([v, v.sin(), v], 1)),
    "insert": ("tensor<3x4xf32>", """%s = tensor.extract_slice %x[1, 0] [1, 4] [1, 1] : tensor<3x4xf32> to tensor<4xf32>
        %e = math.exp %s : tensor<4xf32>
        %y = tensor.insert_slice %e into %x[0, 0] [1, 4] [1, 1] : tensor<4xf32> into tensor<3x4xf32>""",
               lambda v: torch.cat([v[1:2].exp(), v[1:]])),
    "transpose": ("tensor<4x3xf32>", """%e = tensor.empty() : tensor<4x3xf32>
        %y = linalg.transpose ins(%x : tensor<3x4xf32>) outs(%e : tensor<4x3xf32>) permutation = [1, 0]""",
                  lambda v: v.T),
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
