# Part of Linnet, under Apache-2.0 WITH LLVM-exception. See LICENSE.
"""Contraction kernels against float64, on every CPU level that runs here."""

import math

import numpy as np
import pytest

from kernel_contraction import Einsum, build, check, run
from linnet._src import kernels

LEVELS = kernels.LEVELS + ["native"]
LAYOUTS = ["mk,kn->mn", "mk,nk->mn", "km,kn->mn", "km,nk->mn"]
SHAPES = [dict(m=7, n=70, k=33), dict(m=1, n=130, k=65), dict(m=29, n=16, k=1),
          dict(m=13, n=5, k=600), dict(m=250, n=67, k=40)]


@pytest.mark.parametrize("cpu", LEVELS)
@pytest.mark.parametrize("spec", LAYOUTS)
@pytest.mark.parametrize("sizes", SHAPES, ids=str)
def test_static(cpu, spec, sizes):
    check(Einsum(spec, sizes), cpu)


@pytest.mark.parametrize("cpu", LEVELS)
@pytest.mark.parametrize("spec", LAYOUTS)
@pytest.mark.parametrize("dtype", ["f32", "bf16"])
def test_one_kernel_for_all_sizes(cpu, spec, dtype):
    kernel = None
    shapes = SHAPES + [dict(m=0, n=4, k=3), dict(m=4, n=0, k=3), dict(m=4, n=40, k=0),
                       dict(m=1, n=1, k=1), dict(m=64, n=64, k=1100), dict(m=40, n=33, k=17)]
    for sizes in shapes:
        problem = Einsum(spec, sizes, dtype=dtype, dynamic=True)
        kernel = check(problem, cpu, kernel=kernel)


# blocks of rows and of k, tiles that pack while they multiply, tails in every direction
BLOCKS = [dict(m=251, n=131, k=1100), dict(m=25, n=64, k=513), dict(m=13, n=65, k=37),
          dict(m=6, n=64, k=1025), dict(m=7, n=1, k=530), dict(m=49, n=257, k=31)]


@pytest.mark.parametrize("cpu", kernels.LEVELS)
@pytest.mark.parametrize("spec", LAYOUTS)
@pytest.mark.parametrize("dtype", ["f32", "bf16", "f16"])
def test_blocks(cpu, spec, dtype):
    check(Einsum(spec, BLOCKS[0], dtype=dtype), cpu)
    kernel = None
    for sizes in BLOCKS:
        kernel = check(Einsum(spec, sizes, dtype=dtype, dynamic=True), cpu, kernel=kernel)


@pytest.mark.parametrize("cpu", LEVELS)
@pytest.mark.parametrize("spec", LAYOUTS)
@pytest.mark.parametrize("dtype", ["f32", "bf16"])
def test_nothing_behind_an_operand_counts(cpu, spec, dtype, monkeypatch):
    monkeypatch.setattr(kernels, "CANARY", 0xFF)  # a NaN in every float type
    for sizes in [dict(m=8, n=70, k=33), dict(m=30, n=70, k=33), dict(m=3, n=5, k=7)]:
        check(Einsum(spec, sizes, dtype=dtype), cpu)


@pytest.mark.parametrize("cpu", LEVELS)
@pytest.mark.parametrize("spec", ["mk,kn->mn", "mk,nk->mn"])
@pytest.mark.parametrize("dtype", ["f32", "bf16", "f16", "f64", "i8"])
def test_packed_constant(cpu, spec, dtype):
    acc = {"f64": "f64", "i8": "i32"}.get(dtype, "f32")
    for sizes in [dict(m=9, n=130, k=71), dict(m=1, n=64, k=1200)]:
        kernel = check(Einsum(spec, sizes, dtype=dtype, acc=acc), cpu, constants=[1])
        if kernels.on_vulkan():
            assert kernel.info["layouts"] == []
            continue
        assert kernel.info["layouts"][1]["panel"] == (32 if dtype == "f64" else 64)
        assert kernel.info["layouts"][1]["group"] == (2 if dtype == "bf16" else 1)


@pytest.mark.parametrize("cpu", LEVELS)
@pytest.mark.parametrize("dtype", ["f32", "bf16"])
def test_packed_constant_under_any_number_of_rows(cpu, dtype):
    p = Einsum("mk,kn->mn", dict(m=8, n=70, k=600), dtype=dtype)
    text = p.text().replace("tensor<8x", "tensor<?x").replace("tensor.empty()", "tensor.empty(%rows)")
    text = text.replace("%zero =", f"""%i0 = arith.constant 0 : index
  %rows = tensor.dim %a, %i0 : tensor<?x600x{dtype}>
  %zero =""")
    kernel = kernels.compile(text, cpu=cpu, constants={"k": [1]})["k"]
    _, b = p.arguments()
    packed = b
    if not kernels.on_vulkan():
        packed = kernels.pack(b, kernel.info["layouts"][1])
        kernel.info["arguments"][1]["dims"] = [packed.size]
    for m in [0, 1, 2, 3, 4, 5, 6, 7, 13, 250]:
        p.sizes["m"] = m
        a, _ = p.arguments()
        exact, bound = p.reference(a, b)
        assert (abs(kernel(a, packed, sizes=[m]) - exact) <= bound).all()


@pytest.mark.parametrize("cpu", LEVELS)
@pytest.mark.parametrize("dtype,acc", [("bf16", "f32"), ("f16", "f32"), ("f64", "f64"),
                                       ("i8", "i32"), ("i32", "i32"), ("i64", "i64")])
@pytest.mark.parametrize("spec", LAYOUTS)
def test_types(cpu, dtype, acc, spec):
    for sizes in [dict(m=7, n=70, k=33), dict(m=20, n=35, k=64)]:
        check(Einsum(spec, sizes, dtype=dtype, acc=acc), cpu)


@pytest.mark.parametrize("spec", [
    "bmk,bkn->bmn", "bhmk,bhnk->bhmn", "mbk,nbk->bmn", "bmk,kn->bmn", "mk,bkn->bmn",
    "bnhd,hde->bnhe", "bchw,oc->bohw", "mkq,kqn->mn", "mkq,qkn->mn", "mabk,kcdn->mabcdn",
    "mk,k->m", "k,kn->n", "nk,k->n", "k,k->", "m,n->mn", "bm,bn->bmn", "bk,bk->b", "mk,kn->nm",
    "bij,bjk->ikb",
])
@pytest.mark.parametrize("dynamic", [False, True])
def test_index_maps(spec, dynamic):
    sizes = dict(zip("abcdehijkmnoqw", [2, 3, 5, 4, 17, 3, 6, 7, 19, 9, 21, 10, 4, 8]))
    check(Einsum(spec, sizes, dynamic=dynamic), "x86-64-v3" if dynamic else LEVELS[-1])


def test_operands_multiplied_in_the_other_order():
    check(Einsum("mk,kn->mn", dict(m=5, n=18, k=7), swap=True), LEVELS[-1])


#===----------------------------------------------------------------------===#
# Epilogues
#===----------------------------------------------------------------------===#

BIAS_RELU_RESIDUAL = """
  %y = linalg.generic {indexing_maps = [affine_map<(m, n) -> (m, n)>, affine_map<(m, n) -> (n)>,
      affine_map<(m, n) -> (m, n)>, affine_map<(m, n) -> (m, n)>],
      iterator_types = ["parallel", "parallel"]}
      ins(%r, %bias, %res : T, TB, TR) outs(%empty : T) {
  ^bb0(%x: f32, %u: f32, %v: f32, %o: f32):
    %1 = arith.addf %x, %u : f32
    %2 = arith.maximumf %1, %zero : f32
    %3 = arith.addf %2, %v : f32
    linalg.yield %3 : f32
  } -> T
"""


def with_types(text, problem):
    for name, (letters, e) in (("TB", problem.extra.get("bias", ("", "f32"))),
                               ("TR", problem.extra.get("res", ("", "f32")))):
        text = text.replace(name, problem.type(letters, e))
    return text.replace("T)", problem.type(problem.result, "f32") + ")").replace(
        ": T,", f": {problem.type(problem.result, 'f32')},").replace(
        "-> T\n", f"-> {problem.type(problem.result, 'f32')}\n")


@pytest.mark.parametrize("cpu", LEVELS)
@pytest.mark.parametrize("dynamic", [False, True])
def test_bias_relu_residual(cpu, dynamic):
    for sizes in [dict(m=8, n=70, k=30), dict(m=1, n=64, k=700)]:
        p = Einsum("mk,nk->mn", sizes, dynamic=dynamic,
                   extra={"bias": ("n", "f32"), "res": ("mn", "f32")})
        p.epilogue = with_types(BIAS_RELU_RESIDUAL, p)
        check(p, cpu, finish=lambda x, bias, res: np.maximum(x + bias, 0) + res, slack=1e-6)


TRANSPOSED_BF16 = """
  %e2 = tensor.empty() : OUT
  %y = linalg.generic {indexing_maps = [affine_map<(n, m) -> (m, n)>, affine_map<(n, m) -> (m, 0)>,
      affine_map<(n, m) -> (n, m)>], iterator_types = ["parallel", "parallel"]}
      ins(%r, %scale : IN, SCALE) outs(%e2 : OUT) {
  ^bb0(%x: f32, %u: f32, %o: bf16):
    %1 = arith.mulf %x, %u : f32
    %2 = arith.truncf %1 : f32 to bf16
    linalg.yield %2 : bf16
  } -> OUT
"""


@pytest.mark.parametrize("cpu", LEVELS)
def test_transposed_result_rounded_to_bf16(cpu):
    sizes = dict(m=19, n=40, k=23, u=1)
    p = Einsum("mk,kn->mn", sizes, extra={"scale": ("mu", "f32")}, order="nm", out="bf16")
    p.epilogue = TRANSPOSED_BF16.replace("OUT", p.type("nm", "bf16")).replace(
        "SCALE", p.type("mu", "f32")).replace("IN", p.type("mn", "f32"))
    check(p, cpu, finish=lambda x, s: (x * s).T, slack=2.0**-8)


DAG = """
  %g = linalg.generic {indexing_maps = [affine_map<(m, n) -> (m, n)>, affine_map<(m, n) -> (m, n)>],
      iterator_types = ["parallel", "parallel"]} ins(%r : T) outs(%empty : T) {
  ^bb0(%x: f32, %o: f32):
    %1 = math.exp %x : f32
    linalg.yield %1 : f32
  } -> T
  %y = linalg.generic {indexing_maps = [affine_map<(m, n) -> (m, n)>, affine_map<(m, n) -> (m, n)>,
      affine_map<(m, n) -> (m, n)>], iterator_types = ["parallel", "parallel"]}
      ins(%g, %r : T, T) outs(%empty : T) {
  ^bb0(%x: f32, %v: f32, %o: f32):
    %1 = arith.mulf %x, %v : f32
    linalg.yield %1 : f32
  } -> T
"""


@pytest.mark.parametrize("cpu", LEVELS)
def test_result_used_twice(cpu):
    p = Einsum("mk,kn->mn", dict(m=10, n=33, k=4))
    t = p.type("mn", "f32")
    p.epilogue = DAG.replace(": T, T", f": {t}, {t}").replace(": T)", f": {t})").replace("-> T", f"-> {t}")
    check(p, cpu, finish=lambda x: x * np.exp(x), slack=1e-4)


@pytest.mark.parametrize("cpu", LEVELS)
@pytest.mark.parametrize("k", [5, 1100])
def test_accumulates_on_a_tensor(cpu, k):
    p = Einsum("mk,kn->mn", dict(m=9, n=70, k=k), extra={"c": ("mn", "f32")}, init="c")
    check(p, cpu, slack=1e-6)


def test_two_results():
    p = Einsum("mk,kn->mn", dict(m=9, n=70, k=8))
    t = p.type("mn", "f32")
    p.epilogue = DAG.replace(": T, T", f": {t}, {t}").replace(": T)", f": {t})").replace("-> T", f"-> {t}")
    text = p.text().replace(f") -> {t} {{", f") -> ({t}, {t}) {{", 1)
    text = text.replace(f"exec.yield %y : {t}", f"exec.yield %r, %y : {t}, {t}")
    kernel = kernels.compile(text, cpu=LEVELS[-1])["k"]
    a, b = p.arguments()
    plain, scaled = run(p, kernel, [a, b])
    exact = a.astype(np.float64) @ b
    np.testing.assert_allclose(plain, exact, rtol=1e-5, atol=1e-5)
    np.testing.assert_allclose(scaled, exact * np.exp(exact), rtol=1e-4, atol=1e-4)


INTO_SLICE = """
exec.kernel @k(%a: tensor<5x12xf32>, %b: tensor<12x20xf32>, %cache: tensor<3x9x20xf32>, %at: index)
    -> tensor<3x9x20xf32> attributes {tied = array<i64: 2>} {
  %zero = arith.constant 0.0 : f32
  %e = tensor.empty() : tensor<5x20xf32>
  %z = linalg.fill ins(%zero : f32) outs(%e : tensor<5x20xf32>) -> tensor<5x20xf32>
  %r = linalg.matmul ins(%a, %b : tensor<5x12xf32>, tensor<12x20xf32>) outs(%z : tensor<5x20xf32>) -> tensor<5x20xf32>
  %s = tensor.insert_slice %r into %cache[1, %at, 0] [1, 5, 20] [1, 1, 1] : tensor<5x20xf32> into tensor<3x9x20xf32>
  exec.yield %s : tensor<3x9x20xf32>
}
"""


@pytest.mark.parametrize("cpu", LEVELS)
def test_into_a_slice_of_a_tied_argument(cpu):
    kernel = kernels.compile(INTO_SLICE, cpu=cpu)["k"]
    rng = np.random.default_rng(0)
    a, b, cache = (rng.standard_normal(s).astype(np.float32) for s in [(5, 12), (12, 20), (3, 9, 20)])
    expected = cache.copy()
    expected[1, 3:8] = a @ b
    np.testing.assert_allclose(kernel(a, b, cache, 3), expected, rtol=1e-5, atol=1e-5)


STRIDED = """
exec.kernel @k(%x: tensor<30x40xf32>, %b: tensor<10x60xf32>) -> tensor<9x20xf32> {
  %a = tensor.extract_slice %x[3, 1] [9, 10] [3, 2] : tensor<30x40xf32> to tensor<9x10xf32>
  %w = tensor.extract_slice %b[0, 2] [10, 20] [1, 2] : tensor<10x60xf32> to tensor<10x20xf32>
  %zero = arith.constant 0.0 : f32
  %e = tensor.empty() : tensor<9x20xf32>
  %z = linalg.fill ins(%zero : f32) outs(%e : tensor<9x20xf32>) -> tensor<9x20xf32>
  %r = linalg.matmul ins(%a, %w : tensor<9x10xf32>, tensor<10x20xf32>) outs(%z : tensor<9x20xf32>) -> tensor<9x20xf32>
  exec.yield %r : tensor<9x20xf32>
}
"""


@pytest.mark.parametrize("cpu", LEVELS)
def test_operands_with_strides(cpu):
    kernel = kernels.compile(STRIDED, cpu=cpu)["k"]
    rng = np.random.default_rng(0)
    x, b = (rng.standard_normal(s).astype(np.float32) for s in [(30, 40), (10, 60)])
    expected = x[3:30:3, 1:21:2].astype(np.float64) @ b[:, 2:42:2]
    np.testing.assert_allclose(kernel(x, b), expected, rtol=1e-5, atol=1e-5)


#===----------------------------------------------------------------------===#
# Code
#===----------------------------------------------------------------------===#


@pytest.mark.parametrize("cpu,dtype,instruction", [("x86-64-v3", "f32", "vfmadd"),
                                                   ("x86-64-v4", "f32", "vfmadd"),
                                                   ("native", "bf16", "vdpbf16ps")])
def test_instructions(cpu, dtype, instruction):
    if instruction == "vdpbf16ps" and " avx512_bf16 " not in open("/proc/cpuinfo").read():
        pytest.skip("no bf16 dot product here")
    text = Einsum("mk,kn->mn", dict(m=60, n=64, k=64), dtype=dtype).text()
    assembly = kernels.tool("-", f"--cpu={cpu}", "--emit=asm", text=text)
    register = "%ymm" if cpu == "x86-64-v3" else "%zmm"
    lines = [line for line in assembly.splitlines() if instruction in line and register in line]
    assert len(lines) >= (12 if cpu == "x86-64-v3" else 24)


def test_chunks_do_not_depend_on_the_level():
    p = Einsum("mk,nk->mn", dict(m=300, n=500, k=600))
    launches = set()
    for cpu in kernels.LEVELS:
        kernel = build(p, cpu)
        run(p, kernel, p.arguments())
        launches.add(tuple(kernel.launch_values))
    assert len(launches) == 1
    chunks, _, flops, _ = launches.pop()
    assert chunks > 1 and flops == 2 * math.prod(p.sizes.values())
