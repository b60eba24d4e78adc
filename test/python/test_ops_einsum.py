# ===- test_ops_einsum.py - contractions, executed -===//
#
# Part of Linnet, under Apache-2.0 WITH LLVM-exception. See LICENSE.
#
# ===----------------------------------------------------------------------===//
import numpy as np
import pytest
import torch

from linnet import testing as lt
from linnet._src.reference import plain as ref

# (M, N, K)
SIZES = [(1, 1, 1), (3, 5, 7), (17, 33, 64), (1, 100, 64), (64, 1, 65), (5, 7, 0), (0, 4, 4),
         (4, 0, 4), (13, 65, 300), (6, 64, 1030), (48, 130, 31)]
LAYOUTS = {"nn": "mk,kn->mn", "nt": "mk,nk->mn", "tn": "km,kn->mn", "out_t": "mk,kn->nm"}
OTHERS = {
    "scores": ("bhqd,bhkd->bhqk", dict(b=2, h=3, q=5, k=9, d=11)),
    "batched": ("bij,bjk->bik", dict(b=3, i=7, j=19, k=33)),
    "shared": ("bij,jk->bik", dict(b=3, i=7, j=19, k=33)),
    "heads": ("bnc,hdc->bhnd", dict(b=2, n=5, c=24, h=3, d=8)),
    "merge": ("bhnd,hdc->bnc", dict(b=2, n=5, c=24, h=3, d=8)),
    "outer": ("i,j->ij", dict(i=13, j=21)),
    "dot": ("i,i->", dict(i=1001)),
    "gemv": ("ij,j->i", dict(i=67, j=129)),
    "vecmat": ("j,ji->i", dict(i=67, j=129)),
    "transpose": ("ijk->kij", dict(i=4, j=17, k=9)),
    "total": ("ij->", dict(i=9, j=31)),
    "rowsum": ("ij->i", dict(i=9, j=130)),
    "hadamard": ("ij,ij->ij", dict(i=9, j=31)),
    "chain": ("ab,bc,cd->ad", dict(a=5, b=7, c=9, d=11)),
    "missing": ("ij,jk->k", dict(i=5, j=7, k=9)),
}


def case(equation, sizes, dtype, dynamic, result=None):
    """IR, inputs and their float64 reference with the magnitude of its terms."""
    rng = np.random.default_rng(sum(sizes.values()))
    groups, out = equation.split("->")
    groups = groups.split(",")
    inputs = [lt.random(rng, [sizes[c] for c in g], dtype) for g in groups]
    arguments = [lt.argument(f"x{i}", x.shape, dtype, dynamic, list(g))
                 for i, (g, x) in enumerate(zip(groups, inputs))]
    types = ", ".join(lt.tensor_type(x.shape, dtype, dynamic) for x in inputs)
    type = lt.tensor_type([sizes[c] for c in out], result or dtype, dynamic)
    names = ", ".join(f"%x{i}" for i in range(len(inputs)))
    text = lt.function(arguments, type, f'%y = linnet.einsum "{equation}" {names} : {types} -> {type}')
    expected = ref.einsum(equation, *inputs)
    size = np.einsum(equation, *(np.abs(lt.wide(x)) for x in inputs))
    depth = int(np.prod([n for c, n in sizes.items() if c not in out]))
    return text, inputs, expected, size, max(depth, 1) * (len(groups) - 1 or 1)


def prepared(label, equation, sizes, dtype, dynamic, result=None):
    text, inputs, expected, size, depth = case(equation, sizes, dtype, dynamic, result)

    def check(y):
        assert y.dtype == lt.DTYPES[result or dtype]
        lt.assert_close(y, expected, ulps=0.5, depth=depth, magnitude=size)

    return f"{label} {'dynamic' if dynamic else 'static'}", text, inputs, check


@pytest.mark.parametrize("m,n,k", SIZES)
@pytest.mark.parametrize("dtype", lt.FLOATS)
def test_matmul(dtype, m, n, k):
    lt.run_cases(prepared(name, equation, dict(m=m, n=n, k=k), dtype, False)
                 for name, equation in LAYOUTS.items())


@pytest.mark.parametrize("dtype", lt.FLOATS)
def test_matmul_of_any_size(dtype):
    lt.run_cases(prepared(f"{name} {size}", equation, dict(zip("mnk", size)), dtype, True)
                 for name, equation in LAYOUTS.items() for size in SIZES)


@pytest.mark.parametrize("name", OTHERS)
@pytest.mark.parametrize("dtype", lt.FLOATS)
def test_equations(dtype, name):
    lt.run_cases(prepared(name, *OTHERS[name], dtype, dynamic) for dynamic in (False, True))


@pytest.mark.parametrize("dtype", ["bf16", "f16"])
def test_wide_result(dtype):
    lt.run_cases([prepared("wide", "mk,kn->mn", dict(m=7, n=35, k=129), dtype, False, "f32")])


@pytest.mark.parametrize("dtype,result", [("i32", "i32"), ("i64", "i64"), ("i8", "i32")])
def test_integers(dtype, result):
    sizes = dict(m=7, n=35, k=29)
    text, inputs, _, _, _ = case("mk,kn->mn", sizes, dtype, True, result)
    y, = lt.run(text, *inputs)
    lt.assert_close(y, np.matmul(*(x.astype(np.int64) for x in inputs)).astype(y.dtype))


@pytest.mark.parametrize("m", [1, 2, 7, 16, 100])
def test_one_dynamic_size(m):
    """The kernel of a linear layer: rows unknown, weights static."""
    rng = np.random.default_rng(m)
    x, w = lt.random(rng, (m, 96), "f32"), lt.random(rng, (130, 96), "f32")
    text = lt.function([lt.argument("x", x.shape, "f32", [0]), lt.argument("w", w.shape, "f32")],
                       "tensor<?x130xf32>", '%y = linnet.einsum "mk,nk->mn" %x, %w : '
                       'tensor<?x96xf32>, tensor<130x96xf32> -> tensor<?x130xf32>')
    y, = lt.run(text, x, w)
    lt.assert_close(y, lt.wide(x) @ lt.wide(w).T, 0.5, 96, np.abs(lt.wide(x)) @ np.abs(lt.wide(w)).T)
    torch.testing.assert_close(torch.from_numpy(y), torch.from_numpy(x) @ torch.from_numpy(w).T,
                               rtol=1e-4, atol=1e-4)


@pytest.mark.parametrize("dtype", lt.FLOATS)
def test_epilogue_and_prologue(dtype):
    """relu(x y + bias) + residual, with the residual in the result's place."""
    rng = np.random.default_rng(0)
    x, w, b, r = (lt.random(rng, s, dtype) for s in ((21, 70), (70, 90), (90,), (21, 90)))
    t = f"tensor<21x90x{dtype}>"
    text = lt.function(
        [lt.argument(n, v.shape, dtype) for n, v in zip("xwbr", (x, w, b, r))], t, f"""
%p = linnet.einsum "mk,kn->mn" %x, %w : tensor<21x70x{dtype}>, tensor<70x90x{dtype}> -> {t}
%bias = linnet.broadcast %b : tensor<90x{dtype}> -> {t}
%s = arith.addf %p, %bias : {t}
%zero = arith.constant 0.0 : {dtype}
%zeros = linnet.broadcast %zero : {dtype} -> {t}
%relu = arith.maximumf %s, %zeros : {t}
%y = arith.addf %relu, %r : {t}""")
    y, = lt.run(text, x, w, b, r)
    x, w, b, r = map(lt.wide, (x, w, b, r))
    size = np.abs(x) @ np.abs(w) + np.abs(b) + np.abs(r)
    # three roundings to the result's type on the way
    y64 = np.maximum(x @ w + b, 0) + r
    extra = 3 * lt.unit_roundoff(lt.DTYPES[dtype]) * (np.abs(x @ w) + np.abs(b) + np.abs(r))
    bound = lt.tolerance(y64, lt.DTYPES[dtype], 0.5, 70, size) + extra
    assert (np.abs(lt.wide(y) - y64) <= bound).all()


@pytest.mark.parametrize("threads", [1, 2, 3])
def test_bits_do_not_depend_on_threads(threads):
    text, inputs, *_ = case("mk,kn->mn", dict(m=150, n=200, k=600), "f32", True)
    one, = lt.run(text, *inputs)
    many, = lt.run(text, *inputs, threads=threads)
    np.testing.assert_array_equal(one.view(np.int32), many.view(np.int32))
