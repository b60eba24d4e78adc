# ===- dense.py - contractions, convolutions, row-wise ops -===//
#
# Part of Linnet, under Apache-2.0 WITH LLVM-exception. See LICENSE.
#
# ===----------------------------------------------------------------------===//
import functools

import numpy as np

from linnet._src import testing as lt
from linnet._src.bench import iree_text
from linnet._src.bench.workload import Workload, constant, rng_of


def matmul(m, n, k, dtype="f32", dynamic=False):
    rng = rng_of(m, n, k)
    a, b = lt.random(rng, (m, k), dtype), lt.random(rng, (k, n), dtype)
    which = [0] if dynamic else False
    left, result = lt.tensor_type((m, k), dtype, which), lt.tensor_type((m, n), dtype, which)
    declaration, load = constant("b", b, dtype)
    text = declaration + lt.function(
        [lt.argument("a", (m, k), dtype, which)], result,
        f'{load}%y = linnet.einsum "mk,kn->mn" %a, %b : {left}, {lt.tensor_type((k, n), dtype)}'
        f" -> {result}")
    return Workload(f"matmul{'_dynamic' * dynamic}", f"{m}x{n}x{k}", text, [a], 2.0 * m * n * k,
                    (m * k + k * n + m * n) * a.itemsize, "bf16" if dtype == "bf16" else "fma",
                    dtype, {"b": b}, (lambda t, a, b: a @ b,),
                    ("MatMul", {}, "ab") if dtype == "f32" else None,
                    iree=() if dtype == "f32" else (
                        functools.partial(iree_text.matmul_bf16, m, n, k, b),),
                    tolerance=1e-3 if dtype == "f32" else 0.02)


def matmul_all_dynamic(m, n, k):
    rng = rng_of(m, n, k)
    a, b = lt.random(rng, (m, k), "f32"), lt.random(rng, (k, n), "f32")
    text = lt.function(
        [lt.argument("a", (m, k), "f32", True, ["M", "K"]),
         lt.argument("b", (k, n), "f32", True, ["K", "N"])], "tensor<?x?xf32>",
        '%y = linnet.einsum "mk,kn->mn" %a, %b : tensor<?x?xf32>, tensor<?x?xf32> -> tensor<?x?xf32>')
    return Workload("matmul_all_dynamic", f"{m}x{n}x{k}", text, [a, b], 2.0 * m * n * k,
                    4.0 * (m * k + k * n + m * n), "fma", torch=(lambda t, a, b: a @ b,),
                    onnx=("MatMul", {}, "ab"))


# how the operands of a product of two activations lie: "t" has the summed dimension elsewhere
FORMS = {"nn": "mk,kn->mn", "nt": "mk,nk->mn", "tn": "km,kn->mn", "tt": "km,nk->mn"}


def product(form, m, n, k):
    """Both operands are arguments: x w, dy wT and xT dy of a training step."""
    rng, sizes = rng_of(m, n, k), {"m": m, "n": n, "k": k}
    left, right = FORMS[form].removesuffix("->mn").split(",")
    a, b = (lt.random(rng, [sizes[c] for c in letters], "f32") for letters in (left, right))
    ta, tb, result = (lt.tensor_type(shape, "f32") for shape in (a.shape, b.shape, (m, n)))
    text = lt.function([lt.argument("a", a.shape, "f32"), lt.argument("b", b.shape, "f32")], result,
                       f'%y = linnet.einsum "{FORMS[form]}" %a, %b : {ta}, {tb} -> {result}')

    def torch_product(t, a, b):
        return (a.T if left == "km" else a) @ (b.T if right == "nk" else b)

    return Workload(f"matmul_{form}", f"{m}x{n}x{k}", text, [a, b], 2.0 * m * n * k,
                    4.0 * (m * k + k * n + m * n), "fma", torch=(torch_product,))


def gemv(n, k, dtype="f32", argument=False):
    """A row times a weight [K][N] or, `argument`, times a [N][K] that is not known ahead."""
    rng = rng_of(n, k)
    x = lt.random(rng, (1, k), dtype)
    w = lt.random(rng, (n, k) if argument else (k, n), dtype, 0.02)
    declaration, load = ("", "") if argument else constant("w", w, dtype)
    types = [lt.tensor_type(shape, dtype) for shape in (x.shape, w.shape, (1, n))]
    arguments = [lt.argument("x", x.shape, dtype)]
    if argument:
        arguments.append(lt.argument("w", w.shape, dtype))
    text = declaration + lt.function(
        arguments, types[2], f'{load}%y = linnet.einsum "{"mk,nk" if argument else "mk,kn"}->mn" %x, %w'
                             f" : {types[0]}, {types[1]} -> {types[2]}")
    return Workload("gemv" + "_nk" * argument, f"{n}x{k}", text, [x, w] if argument else [x],
                    2.0 * n * k, float(w.nbytes), "read", dtype,
                    weights={} if argument else {"w": w},
                    torch=(lambda t, x, w: x @ (w.T if argument else w),),
                    onnx=("MatMul", {}, "xw") if dtype == "f32" and not argument else None,
                    tolerance=1e-3 if dtype == "f32" else 0.02)


def conv(batch, cin, cout, size, kernel, groups):
    rng = rng_of(cin, cout, size)
    x = lt.random(rng, (batch, cin, size, size), "f32")
    w = lt.random(rng, (cout, cin // groups, kernel, kernel), "f32", 0.1)
    pad = kernel // 2
    declaration, load = constant("w", w)
    out = (batch, cout, size, size)
    types = [lt.tensor_type(s, "f32") for s in (x.shape, w.shape, out)]
    text = declaration + lt.function(
        [lt.argument("x", x.shape, "f32")], types[2],
        f"{load}%y = linnet.conv %x, %w groups {groups} padding [{pad}, {pad}, {pad}, {pad}]"
        f" : {types[0]}, {types[1]} -> {types[2]}")
    name = "depthwise" if groups > 1 else "conv"
    return Workload(name, f"{cin}x{cout}x{size}x{size}x{kernel}", text, [x],
                    2.0 * batch * size * size * w.size, 4.0 * (x.size + w.size + int(np.prod(out))),
                    "fma", weights={"w": w},
                    torch=(lambda t, x, w: t.nn.functional.conv2d(x, w, padding=pad, groups=groups),),
                    onnx=("Conv", {"group": groups, "pads": [pad] * 4}, "xw"))


def cross_entropy(rows, classes, gradient):
    """The loss of every row with its log sum of exponentials, or the gradient of all logits."""
    rng = rng_of(rows, classes)
    x, g = lt.random(rng, (rows, classes), "f32"), lt.random(rng, (rows,), "f32")
    target = rng.integers(0, classes, rows)
    type, row, numbers = (lt.tensor_type(shape, dtype) for shape, dtype in (
        (x.shape, "f32"), ((rows,), "f32"), ((rows,), "i64")))
    arguments = [lt.argument("x", x.shape, "f32"), lt.argument("t", (rows,), "i64")]
    if not gradient:
        text = lt.function(arguments, row, "%y, %l = linnet.cross_entropy none %x, %t"
                                           f" : {type}, {numbers} -> {row}, {row}")
        return Workload("cross_entropy", f"{rows}x{classes}", text, [x, target], 4.0 * x.size,
                        4.0 * x.size, "read", torch=(
                            lambda t, x, n: t.nn.functional.cross_entropy(x, n, reduction="none"),))
    wide = x.astype(np.float64)
    lse = np.log(np.exp(wide).sum(1)).astype(np.float32)
    arguments = [lt.argument("g", (rows,), "f32"), *arguments, lt.argument("l", (rows,), "f32")]
    text = lt.function(arguments, type, "%y = linnet.cross_entropy_grad none %g, %x, %t, %l"
                                        f" : {row}, {type}, {numbers}, {row}")

    def torch_gradient(t, g, x, n, l):
        y = t.exp(x - l[:, None])
        y[t.arange(rows), n] -= 1
        return y.mul_(g[:, None])

    return Workload("cross_entropy_grad", f"{rows}x{classes}", text, [g, x, target, lse],
                    4.0 * x.size, 8.0 * x.size, "copy", torch=(torch_gradient,))


def rowwise(kind, rows, columns):
    rng = rng_of(rows, columns)
    x, s, b = (lt.random(rng, shape, "f32") for shape in ((rows, columns), columns, columns))
    type, small = lt.tensor_type(x.shape, "f32"), f"tensor<{columns}xf32>"
    bodies = {"softmax": f"linnet.softmax %x axis 1 : {type}",
              "layer_norm": f"linnet.layer_norm %x scale %s bias %b eps 1.0e-5 : {type}, {small}, {small}",
              "rms_norm": f"linnet.rms_norm %x scale %s eps 1.0e-5 : {type}, {small}"}
    used = {"softmax": {}, "layer_norm": {"s": s, "b": b}, "rms_norm": {"s": s}}[kind]
    globals_ = [constant(n, w) for n, w in used.items()]
    text = "".join(d for d, _ in globals_) + lt.function(
        [lt.argument("x", x.shape, "f32")], type,
        "".join(load for _, load in globals_) + f"%y = {bodies[kind]}")
    calls = {"softmax": lambda t, x: t.softmax(x, 1),
             "layer_norm": lambda t, x, s, b: t.nn.functional.layer_norm(x, (columns,), s, b, 1e-5),
             "rms_norm": lambda t, x, s: t.nn.functional.rms_norm(x, (columns,), s, 1e-5)}
    ops = {"softmax": ("Softmax", {"axis": 1}, "x"),
           "layer_norm": ("LayerNormalization", {"axis": 1, "epsilon": 1e-5}, "xsb"),
           "rms_norm": ("RMSNormalization", {"axis": 1, "epsilon": 1e-5}, "xs")}
    return Workload(kind, f"{rows}x{columns}", text, [x], 5.0 * x.size, 8.0 * x.size, "copy",
                    weights=used, torch=(calls[kind],), onnx=ops[kind],
                    exported=True)


