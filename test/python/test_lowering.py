# ===- test_lowering.py - linnet-lower-to-structured against the references -===//
#
# Part of Linnet, under Apache-2.0 WITH LLVM-exception. See LICENSE.
#
# One module holds all cases, so that it is compiled once.
#
# ===----------------------------------------------------------------------===//
import numpy as np
import pytest
from linnet._src.reference import attention as ref_attention
from linnet._src.reference import norm, plain
from upstream import DTYPES, assert_close, module_of

FLOATS = ("f32", "bf16", "f16")
CASES = []


class Case:
    """An op on arguments %a, %b, ... of the given shapes, None for a dynamic size; `actual`
    are the shapes it is called with, `index` the element types that are not the case's own."""

    def __init__(self, name, arguments, result, op, reference, types=FLOATS, actual=None,
                 index=None, scale=1.0, out=None, make=None):
        self.name, self.arguments, self.result, self.op = name, arguments, result, op
        self.reference, self.types, self.scale = reference, types, scale
        self.actual = actual or [arguments]
        self.index, self.out, self.make = index or {}, out, make
        CASES.append(self)

    def function(self, t):
        types = [tensor(s, self.index.get(i, t)) for i, s in enumerate(self.arguments)]
        args = ", ".join(f"%{'abcd'[i]}: {x}" for i, x in enumerate(types))
        out = tensor(self.result, self.out or t)
        return (f"func.func @{self.name}_{t}({args}) -> {out} {{\n  %r = linnet.{self.op} : "
                f"{', '.join(types)} -> {out}\n  return %r : {out}\n}}\n")


def tensor(shape, t):
    return f"tensor<{''.join(('?' if n is None else str(n)) + 'x' for n in shape)}{t}>"


D = None
Case("matmul", [(D, D), (D, D)], (D, D), 'einsum "mk,kn->mn" %a, %b',
     lambda a, b: plain.einsum("mk,kn->mn", a, b),
     actual=[[(3, 7), (7, 5)], [(0, 7), (7, 5)], [(3, 0), (0, 5)], [(1, 1), (1, 1)]], scale=4)
Case("scores", [(2, 3, D, 5), (2, 3, D, 5)], (2, 3, D, D), 'einsum "bhqd,bhkd->bhqk" %a, %b',
     lambda a, b: plain.einsum("bhqd,bhkd->bhqk", a, b),
     actual=[[(2, 3, 4, 5), (2, 3, 6, 5)]], scale=4)
Case("chain", [(4,), (4, 3), (3, D)], (D,), 'einsum "i,ij,jk->k" %a, %b, %c',
     lambda a, b, c: plain.einsum("i,ij,jk->k", a, b, c), actual=[[(4,), (4, 3), (3, 5)]],
     scale=16)
Case("permute", [(2, D, 3)], (3, 2, D), 'einsum "abc->cab" %a',
     lambda a: plain.einsum("abc->cab", a), actual=[[(2, 4, 3)]])
Case("sum_all", [(2, 3)], (), 'einsum "ab->" %a', lambda a: plain.einsum("ab->", a), scale=4)
Case("widened", [(2, 8), (8, 3)], (2, 3), 'einsum "ik,kj->ij" %a, %b',
     lambda a, b: plain.einsum("ik,kj->ij", a, b), types=("bf16", "f16"), out="f32", scale=4)
for kind in ("sum", "max", "min", "prod", "mean"):
    Case(f"reduce_{kind}", [(3, D, 4)], (3, 4), f"reduce {kind} %a axes [1]",
         lambda a, kind=kind: plain.reduce(kind, a, [1]),
         actual=[[(3, 5, 4)], [(3, 0, 4)], [(3, 1, 4)]], scale=8)
Case("reduce_keep", [(D, 5, D)], (1, 5, 1), "reduce sum %a axes [0, 2] keepdims",
     lambda a: plain.reduce("sum", a, [0, 2], True), actual=[[(2, 5, 3)]], scale=8)
Case("reduce_i32", [(3, D)], (3,), "reduce max %a axes [1]",
     lambda a: plain.reduce("max", a, [1]), types=("i32",), actual=[[(3, 5)], [(3, 0)]])
for last in ("", " select_last"):
    Case("argmax" + last.strip(), [(4, D)], (4,), f"argmax %a axis 1{last}",
         lambda a, last=last: plain.argmax(a, 1, False, bool(last)), out="i64",
         types=FLOATS + ("i32",), actual=[[(4, 6)], [(4, 1)], [(4, 0)]])
Case("argmax_keep", [(4, D)], (1, D), "argmax %a axis 0 keepdims",
     lambda a: plain.argmax(a, 0, True), out="i32", actual=[[(4, 3)]])
Case("embed", [(5, D), (D, 2)], (D, 2, D), "gather %a, %b axis 0",
     lambda a, i: plain.gather(a, i, 0)[0], index={1: "i64"}, actual=[[(5, 3), (4, 2)], [(5, 3), (0, 2)]])
Case("pick", [(2, D, 3), (2, 4)], (2, 4, 3), "gather %a, %b axis 1 batch_dims 1",
     lambda a, i: plain.gather(a, i, 1, 1)[0], index={1: "i32"}, actual=[[(2, 5, 3), (2, 4)]])


class Norm(Case):
    """The ops that print no result type."""

    def function(self, t):
        types = [tensor(s, self.index.get(i, t)) for i, s in enumerate(self.arguments)]
        args = ", ".join(f"%{'abcd'[i]}: {x}" for i, x in enumerate(types))
        return (f"func.func @{self.name}_{t}({args}) -> {types[0]} {{\n  %r = linnet.{self.op} : "
                f"{', '.join(types)}\n  return %r : {types[0]}\n}}\n")


ROWS = [[(3, 7)], [(1, 1)], [(0, 7)], [(3, 65)]]
Norm("softmax", [(D, D)], (D, D), "softmax %a axis 1", lambda a: norm.softmax(a, 1), actual=ROWS)
Norm("softmax0", [(D, D)], (D, D), "softmax %a axis 0", lambda a: norm.softmax(a, 0),
     actual=[[(3, 7)], [(1, 2)]])
Norm("softmax_zero", [(D, D)], (D, D), "softmax %a axis 1 zero_masked",
     lambda a: norm.softmax(a, 1, True), actual=[[(3, 7)]], make="masked")
Norm("layer_norm", [(D, D, 5), (5,), (5,)], (D, D, 5),
     "layer_norm %a scale %b bias %c eps 1.0e-3",
     lambda a, s, b: norm.layer_norm(a, s, b, 1, 1e-3),
     actual=[[(2, 3, 5), (5,), (5,)], [(0, 3, 5), (5,), (5,)]], scale=16)
Norm("layer_norm2", [(2, D, 4), (D, 4)], (2, D, 4), "layer_norm %a bias %b axes 2 eps 1.0e-3",
     lambda a, b: norm.layer_norm(a, None, b, 2, 1e-3), actual=[[(2, 3, 4), (3, 4)]],
     index={1: "f32"}, scale=16)
Norm("rms_norm", [(D, D), (D,)], (D, D), "rms_norm %a scale %b eps 1.0e-5 unit_offset",
     lambda a, s: norm.rms_norm(a, s, 1, 1e-5, True),
     actual=[[(3, 7), (7,)], [(3, 1), (1,)]], scale=16)
for kind in ("elu1", "relu", "relu2", "exp"):
    Norm(f"feature_{kind}", [(D, D)], (D, D), f"feature_map {kind} %a",
         lambda a, kind=kind: ref_attention.feature_map(a, kind), actual=[[(3, 5)]], scale=4)

EXTRA = """
func.func @broadcasts_f32(%a: tensor<?x1xf32>, %b: tensor<3xf32>, %c: tensor<?x3xf32>, %s: tensor<f32>)
    -> tensor<?x3xf32> {
  %h = arith.constant 0.5 : f32
  %0 = linnet.broadcast %a like %c : tensor<?x1xf32>, tensor<?x3xf32> -> tensor<?x3xf32>
  %1 = linnet.broadcast %b like %c : tensor<3xf32>, tensor<?x3xf32> -> tensor<?x3xf32>
  %2 = linnet.broadcast %h like %c : f32, tensor<?x3xf32> -> tensor<?x3xf32>
  %3 = linnet.broadcast %s like %c : tensor<f32>, tensor<?x3xf32> -> tensor<?x3xf32>
  %4 = arith.mulf %0, %1 : tensor<?x3xf32>
  %5 = arith.addf %4, %2 : tensor<?x3xf32>
  %6 = arith.mulf %5, %c : tensor<?x3xf32>
  %7 = arith.cmpf ogt, %6, %3 : tensor<?x3xf32>
  %8 = arith.select %7, %6, %3 : tensor<?x3xi1>, tensor<?x3xf32>
  return %8 : tensor<?x3xf32>
}
func.func @middle_f32(%a: tensor<?x4xf32>, %n: index) -> tensor<?x2x4x?xf32> {
  %c0 = arith.constant 0 : index
  %d = tensor.dim %a, %c0 : tensor<?x4xf32>
  %0 = linnet.broadcast %a sizes(%d, %n) dims [0, 2] : tensor<?x4xf32> -> tensor<?x2x4x?xf32>
  return %0 : tensor<?x2x4x?xf32>
}
func.func @upstream_f32(%t: tensor<5x4xf32>, %i: tensor<3x1xindex>) -> tensor<3x2x2xf32> {
  %0 = tensor.gather %t[%i] gather_dims([0]) : (tensor<5x4xf32>, tensor<3x1xindex>) -> tensor<3x4xf32>
  %shape = arith.constant dense<[3, 2, 2]> : tensor<3xindex>
  %1 = tensor.reshape %0(%shape) : (tensor<3x4xf32>, tensor<3xindex>) -> tensor<3x2x2xf32>
  %e = tensor.empty() : tensor<3x2x2xf32>
  %2 = linalg.softmax dimension(2) ins(%1 : tensor<3x2x2xf32>) outs(%e : tensor<3x2x2xf32>) -> tensor<3x2x2xf32>
  %3 = linalg.transpose ins(%2 : tensor<3x2x2xf32>) outs(%e : tensor<3x2x2xf32>) permutation = [0, 2, 1]
  %4 = tensor.generate {
  ^bb0(%x: index, %y: index, %z: index):
    %v = arith.index_cast %y : index to i32
    %w = arith.sitofp %v : i32 to f32
    tensor.yield %w : f32
  } : tensor<3x2x2xf32>
  %5 = arith.addf %3, %4 : tensor<3x2x2xf32>
  return %5 : tensor<3x2x2xf32>
}
"""

ROTARY = [  # the op, x, further arguments as (name, type, values), what the reference gets
    ("base(100.0)", (2, 3, 5, 6), [], {"base": 100.0}),
    ("base(100.0) rotated(4) offset(%o : tensor<2xi64>) layout<interleaved>", (2, 3, 5, 6),
     [("o", "tensor<2xi64>", np.array([3, 70000]))],
     {"base": 100.0, "rotated": 4, "offset": np.array([3, 70000]), "layout": "interleaved"}),
    ("frequencies(%f : tensor<2xf32>) positions(%p : tensor<2x?xi32>)", (2, 1, 3, 4),
     [("f", "tensor<2xf32>", np.array([1.0, 0.3], np.float32)),
      ("p", "tensor<2x?xi32>", np.array([[1, 2, 5], [0, 7, 8]], np.int32))],
     {"frequencies": np.array([1.0, 0.3], np.float32),
      "positions": np.array([[1, 2, 5], [0, 7, 8]])}),
    ("tables(%c, %s : tensor<?x2xf32>)", (1, 2, 3, 5),
     [("c", "tensor<?x2xf32>", np.array([[1, 2], [3, 4], [5, 6]], np.float32)),
      ("s", "tensor<?x2xf32>", np.array([[7, 8], [9, 1], [2, 3]], np.float32))],
     {"tables": np.array([[[1, 2], [3, 4], [5, 6]], [[7, 8], [9, 1], [2, 3]]])}),
]


def rotary_function(number, t):
    op, shape, more, _ = ROTARY[number]
    x = tensor((shape[0], shape[1], None, shape[3]), t)
    args = ", ".join([f"%x: {x}"] + [f"%{n}: {kind}" for n, kind, _ in more])
    return (f"func.func @rotary{number}_{t}({args}) -> {x} {{\n  %r = linnet.rotary %x {op} : {x}\n"
            f"  return %r : {x}\n}}\n")


@pytest.fixture(scope="module")
def module():
    text = "".join(case.function(t) for case in CASES for t in case.types) + EXTRA
    text += "".join(rotary_function(n, t) for n in range(len(ROTARY)) for t in FLOATS)
    return module_of(text, "--linnet-lower-to-structured", "--canonicalize")


def make(rng, shape, dtype, case):
    if case.index and dtype.startswith("i"):
        return rng.integers(0, 5, shape).astype(DTYPES[dtype])
    if dtype.startswith("i"):
        return rng.integers(-3, 3, shape).astype(DTYPES[dtype])
    x = rng.standard_normal(shape)
    if case.make == "masked":
        x[0] = -np.inf
        x[1, 2] = -np.inf
    return x.astype(DTYPES[dtype])


@pytest.mark.parametrize("case,t", [(c, t) for c in CASES for t in c.types],
                         ids=[f"{c.name}-{t}" for c in CASES for t in c.types])
def test_case(module, case, t):
    rng = np.random.default_rng(1)
    for shapes in case.actual:
        args = [make(rng, s, case.index.get(i, t), case) for i, s in enumerate(shapes)]
        want = case.reference(*args)
        out = case.out or t
        got, = module.call(f"{case.name}_{t}", args, [(DTYPES[out], len(case.result))])
        if out.startswith("i"):
            np.testing.assert_array_equal(got, want)
        else:
            assert_close(got, want, out, case.scale)


def test_argmax_of_nan(module):
    x = np.array([[1, np.nan, 3, np.nan]] * 4, np.float32)
    x[1] = -np.inf
    assert module.call("argmax_f32", [x], [(np.int64, 1)])[0].tolist() == [1, 0, 1, 1]
    got, = module.call("argmaxselect_last_f32", [x], [(np.int64, 1)])
    assert got.tolist() == [3, 3, 3, 3]


def test_broadcast_and_elementwise(module):
    rng = np.random.default_rng(0)
    a, b, c = (rng.standard_normal(s).astype(np.float32) for s in ((4, 1), (3,), (4, 3)))
    s = np.array(0.25, np.float32)
    got, = module.call("broadcasts_f32", [a, b, c, s], [(np.float32, 2)])
    np.testing.assert_array_equal(got, np.maximum((a * b + np.float32(0.5)) * c, s))
    x = rng.standard_normal((3, 4)).astype(np.float32)
    got, = module.call("middle_f32", [x, 5], [(np.float32, 4)])
    np.testing.assert_array_equal(got, plain.broadcast(x, (3, 2, 4, 5), [0, 2]))


def test_upstream_ops(module):
    t = np.random.default_rng(0).standard_normal((5, 4)).astype(np.float32)
    i = np.array([[4], [0], [2]])
    got, = module.call("upstream_f32", [t, i], [(np.float32, 3)])
    want = norm.softmax(t[i[:, 0]].reshape(3, 2, 2), 2).transpose(0, 2, 1)
    assert_close(got, want + np.array([[0], [1]]), "f32", 4)


@pytest.mark.parametrize("t", FLOATS)
@pytest.mark.parametrize("number", range(len(ROTARY)))
def test_rotary(module, number, t):
    _, shape, more, keywords = ROTARY[number]
    x = np.random.default_rng(2).standard_normal(shape).astype(DTYPES[t])
    got, = module.call(f"rotary{number}_{t}", [x] + [v for _, _, v in more], [(DTYPES[t], 4)])
    assert_close(got, ref_attention.rotary(x, **keywords), t, 4)
