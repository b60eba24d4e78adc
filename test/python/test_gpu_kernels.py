# Part of Linnet, under Apache-2.0 WITH LLVM-exception. See LICENSE.
"""GPU kernels: the tests of CPU kernels on a Vulkan device, and what ptxas says of CUDA's."""

import dataclasses
import functools
import json
import os
import pathlib
import re
import shutil
import subprocess
import sys

import numpy as np
import pytest

import kernel_contraction
import test_kernels_attention as attention
import test_kernels_attention_grad as attention_grad
import test_kernels_contraction as contraction
import test_kernels_elementwise as elementwise
import test_kernels_linear_attention as linear_attention
import test_kernels_linear_attention_grad as linear_attention_grad
import test_kernels_loops as loops
import test_ops_loss as loss
import test_ops_scatter as scatter
from kernel_contraction import Einsum
from linnet._src import gpu_traffic, kernels, testing, vulkan_kernels

pytestmark = pytest.mark.cpu  # chooses its device

FULL = bool(os.environ.get("LINNET_FULL"))
some = lambda first, *rest: [first, *rest] if FULL else [first]


@pytest.fixture
def vulkan(monkeypatch):
    try:
        vulkan_kernels.driver()
    except vulkan_kernels.Missing as missing:
        pytest.skip(str(missing))
    monkeypatch.setenv("LINNET_DEVICE", "vulkan")
    monkeypatch.setattr(kernels, "LEVELS", kernels.LEVELS[-1:])


# ---- loops ---------------------------------------------------------------------------------


@pytest.mark.parametrize("element", some("bf16", "f32"))
def test_layer_norm(vulkan, element):
    loops.test_layer_norm(element)


@pytest.mark.parametrize("test", [
    loops.test_softmax, loops.test_softmax_in_place, loops.test_nan_in_maximum,
    loops.test_gather_elements, loops.test_pad, loops.test_insert_slice_in_place,
    loops.test_insert_slice_fresh, loops.test_copy_of_argument,
    loops.test_broadcast_and_transpose, loops.test_transpose_and_slice_of_argument,
    loops.test_reshape_between_ops, elementwise.test_compare_select_bool,
    loops.test_scalar_arguments_and_constants, loops.test_two_results_and_deferred_stage,
], ids=lambda t: t.__name__)
def test_loops(vulkan, test):
    test()


@pytest.mark.parametrize("element", some("f16", "f32", "bf16"))
def test_functions(vulkan, element):
    elementwise.test_unary(element)
    elementwise.test_binary(element)


@pytest.mark.parametrize("element", some("i8", "i16", "i32", "i64"))
def test_integer(vulkan, element):
    elementwise.test_integer(element)


@pytest.mark.parametrize("axes", some((2,), (0,), (0, 2), (0, 1, 2)))
def test_reduction(vulkan, axes):
    loops.test_reduction(axes, "arith.addf")


@pytest.mark.parametrize("axis", [0, 1])
def test_argmax(vulkan, axis):
    loops.test_argmax(axis, False)


def test_embedding(vulkan):
    loops.test_embedding("f32")


def most_tensors():
    """How many of them fusion gives a dispatch."""
    source = pathlib.Path(__file__).parents[2] / "lib/Program/Grouping.h"
    return int(re.search(r"kMaxTensors = (\d+);", source.read_text())[1])


def test_a_kernel_of_most_tensors_has_32_buffers(vulkan):
    """No device has fewer: scratch, faults and, behind the tensors' sizes, scalars have one each."""
    x, ids = loops.ty((None, None), "f32"), loops.ty((None,), "i64")
    added = most_tensors() - 3  # beside a table, its indices and the result
    t = loops.Text("k", x, ids, *added * [x])
    shape = [t.dim("%a1", ids, 0), t.dim("%a0", x, 1)]
    body = (f"      %j = linalg.index 1 : index\n      %i = arith.index_cast %i0 : i64 to index\n"
            f"      %s0 = tensor.extract %a0[%i, %j] : {x}\n")
    body += "".join(f"      %s{n} = arith.addf %s{n - 1}, %i{n} : f32\n" for n in range(1, added + 1))
    y = t.generic(2, "pp", [("%a1", ids, "d0"), *((f"%a{n + 2}", x, "d0, d1") for n in range(added))],
                  [(t.empty((None, None), "f32", shape), x, "d0, d1")], f"{body}      linalg.yield %s{added} : f32")
    kernel = kernels.compile(loops.end_softmax(t, y))["k"]
    info = kernel.info
    assert info["scratch"] and info["faults"] and info["words"] > vulkan_kernels.PUSH_WORDS
    assert info["buffers"] + 1 == most_tensors() + 3 == 32
    rng = np.random.default_rng(8)
    table, *rest = (rng.standard_normal((n, 37)).astype(np.float32) for n in (50, *added * [23]))
    at = rng.integers(0, 50, 23)
    logits = table[at].astype(np.float64) + sum(r.astype(np.float64) for r in rest)
    weights = np.exp(logits - logits.max(1, keepdims=True))
    size = np.abs(table[at]) + sum(map(np.abs, rest))
    # a weight's relative error: that of the logits, which are sums of so many terms, and of softmax
    error = 2.0**-24 * ((added + 1) * size.max(1, keepdims=True) + np.abs(logits).max(1, keepdims=True) + 16)
    expected = weights / weights.sum(1, keepdims=True)
    assert (np.abs(kernel(table, at, *rest, sizes=[23, 37]) - expected) <= 2 * error * expected).all()
    at[4] = 50
    assert kernel.run(table, at, *rest, sizes=[23, 37], site=5)[1] == (5 << 44) + 4 * 37


# ---- contractions --------------------------------------------------------------------------


@pytest.mark.parametrize("spec", contraction.LAYOUTS)
@pytest.mark.parametrize("dtype", some("bf16", "f32"))
def test_products_of_all_sizes(vulkan, spec, dtype):
    kernel = None
    for sizes in [dict(m=7, n=70, k=33), dict(m=130, n=67, k=40), dict(m=0, n=4, k=3),
                  dict(m=4, n=40, k=0), dict(m=1, n=1, k=1)]:
        kernel = kernel_contraction.check(Einsum(spec, sizes, dtype=dtype, dynamic=True), "",
                                          kernel=kernel)


TILES = [dict(m=1, n=130, k=65), dict(m=250, n=5, k=40), dict(m=3, n=5, k=70),
         dict(m=29, n=40, k=33), dict(m=520, n=516, k=9)]


@pytest.mark.parametrize("sizes", some(*TILES), ids=str)
def test_tiles(vulkan, sizes):
    kernel_contraction.check(Einsum("mk,nk->mn", sizes), "")


@pytest.mark.parametrize("spec", some("bhmk,bhnk->bhmn", "bnhd,hde->bnhe", "bchw,oc->bohw",
                                      "mkq,qkn->mn", "mk,k->m", "m,n->mn", "mk,kn->nm"))
def test_index_maps(vulkan, spec):
    contraction.test_index_maps(spec, False)


# ---- attention -----------------------------------------------------------------------------


def test_scores_of_gradients_are_those_of_the_forward_pass(vulkan):
    """In every bit: exp(score - lse) of a row adds up to one but for lse's own rounding and that of the sum, where
    scores of up to 70 that round differently would be off by more. With the identity as gradient of the output, that
    of the values is the weights."""
    n, unit = 48, 2.0**-24
    site = attention_grad.GradSite("causal", batch=1, heads=2, depth=24, value_depth=n)
    (q, *more), _ = attention.draw(site, n, n + 13)
    forward = attention.Site(**{f.name: getattr(site, f.name) for f in dataclasses.fields(attention.Site)} | {"lse": True})
    args = [20 * q, *more]
    o, lse = attention.compiled(forward, "")(*args, sizes=attention.sizes_of(forward, args))
    identity = np.broadcast_to(np.eye(n, dtype=np.float32), o.shape)
    _, _, dv = attention.compiled(site, "")(*args, o, lse, identity, sizes=attention_grad.sizes_of(site, args))
    sums = dv.sum(2, dtype=np.float64)
    assert np.abs(lse).max() > 40
    assert (np.abs(sums - 1) <= unit * (np.abs(lse) + 8 + 2 * (4 + (n + 13)**0.5))).all()


# ---- CUDA ----------------------------------------------------------------------------------


def ptxas():
    installed = pathlib.Path(sys.prefix).glob("lib/python*/site-packages/nvidia/*/bin/ptxas")
    found = os.environ.get("LINNET_PTXAS") or shutil.which("ptxas") or next(installed, None)
    if not found:
        pytest.skip("no ptxas: it is in nvidia-cuda-nvcc, or LINNET_PTXAS names it")
    if not os.access(found, os.X_OK):  # wheels lose the bit
        os.chmod(found, 0o755)
    return str(found)


def large(dtype):
    return Einsum("mk,kn->mn", dict(m=2048, n=2048, k=512), dtype=dtype).text("large")


def small(dtype):
    """Kernels of one op: what a table's gradient, dropout and its random numbers are."""
    return f"""
exec.kernel @scatter(%u: tensor<?x512x{dtype}>, %i: tensor<?xi64>) -> tensor<5000x512x{dtype}> {{
  %y = linnet.scatter_add %u, %i axis 0 : tensor<?x512x{dtype}>, tensor<?xi64> -> tensor<5000x512x{dtype}>
  exec.yield %y : tensor<5000x512x{dtype}>
}}
exec.kernel @drop(%x: tensor<?x64x{dtype}>, %k: i64, %c: i64) -> tensor<?x64x{dtype}> {{
  %y = linnet.dropout %x, %k, %c rate 0.1 : tensor<?x64x{dtype}>, i64, i64
  exec.yield %y : tensor<?x64x{dtype}>
}}
exec.kernel @random(%k: i64, %c: i64, %n: index) -> tensor<?x{dtype}> {{
  %y = linnet.random %k, %c sizes(%n) : i64, i64 -> tensor<?x{dtype}>
  exec.yield %y : tensor<?x{dtype}>
}}"""


def long_norm(dtype):
    """The kernel of a layer norm whose weights are in registers."""
    x, w = f"tensor<4096x8192x{dtype}>", f"tensor<8192x{dtype}>"
    text = f"""func.func @main(%x: {x}, %s: {w}, %b: {w}) -> {x} {{
  %y = linnet.layer_norm %x scale %s bias %b eps 1.0e-5 : {x}, {w}, {w}
  return %y : {x}
}}"""
    return subprocess.run([kernels.build() / "bin/linnet-compile", "-", "--compile-to=dispatches", "-o", "-"],
                          input=text, text=True, check=True, capture_output=True).stdout


def on_tensor_cores(spec):
    text = Einsum(spec, dict(m=2048, n=2048, k=512), dtype="bf16").text("cores")
    return f"module attributes {{linnet.tensor_cores}} {{\n{text}\n}}"


def attend(dtype, depth, queries=-1):
    return attention.Site("causal", dtype, heads=8, key_heads=2, queries=queries, depth=depth,
                          value_depth=depth, lse=True).text()


@pytest.mark.parametrize("chip", ["sm_80", "sm_90"])
@pytest.mark.parametrize("dtype", some("bf16", "f32", "f16"))
@pytest.mark.parametrize("depth", some(128, 64))
@pytest.mark.parametrize("queries", [-1, 2])
def test_attention_does_not_spill(tmp_path, chip, dtype, depth, queries):
    test_assembles_without_spills(tmp_path, chip, lambda: attend(dtype, depth, queries))


ELEMENTS = ("f32", "bf16", "f16")


def attend_grad(dtype, depth):
    """With everything that a weight may depend on."""
    return attention_grad.GradSite("causal, window<left = 40>", dtype, heads=8, depth=depth, value_depth=depth,
                                   bias=(8, -1, -1), mask=(2, 1, 1, -1), lengths=True, offset=(2,), segments=True,
                                   alibi=True, dlse=True, dbias=True, dropout=0.3, attributes="softcap(2.0)").text()


def attend_linearly(dtype, depth, *rules, case=linear_attention.Case, of=linear_attention.RULES):
    """Kernels of these rules, or of all."""
    return "".join(case(**of[rule], heads=(4, 2, 2), dtype=dtype, k=depth, d=depth).text(rule) for rule in rules or of)


attend_linearly_grad = functools.partial(attend_linearly, case=linear_attention_grad.GradCase,
                                         of=linear_attention_grad.RULES)
DEPTHS = (32, 64, 80, 96, 128, 192, 256)


@pytest.mark.parametrize("chip", ["sm_80", "sm_90"])
@pytest.mark.parametrize("make", [
    lambda: attend_grad("bf16", 128), lambda: attend("bf16", 256, 1), lambda: attend("f16", 80),
    lambda: attend_linearly("bf16", 64, "erase"), lambda: attend_linearly_grad("f16", 96, "gated_delta"),
    *FULL * [functools.partial(attend_grad, t, d) for t in ELEMENTS for d in (16, *DEPTHS)],
    *FULL * [functools.partial(attend, t, d, q) for t in ELEMENTS for d in DEPTHS for q in (-1, 1, 8)],
    *FULL * [functools.partial(make, t, d) for make in (attend_linearly, attend_linearly_grad)
             for t in ELEMENTS for d in DEPTHS]])
def test_sums_stay_in_registers(tmp_path, chip, make):
    test_assembles_without_spills(tmp_path, chip, make)


@pytest.mark.parametrize("chip", ["sm_80", "sm_90"])
@pytest.mark.parametrize("make", [
    loops.softmax, lambda: loops.layer_norm("bf16"), loops.embedding, lambda: large("f32"), lambda: large("bf16"),
    lambda: small("f32"), lambda: small("bf16"), lambda: long_norm("f32"), lambda: long_norm("f16"),
    lambda: on_tensor_cores("mk,kn->mn"), lambda: on_tensor_cores("mk,nk->mn"),
], ids=["softmax", "norm", "embedding", "f32", "bf16", "small-f32", "small-bf16", "rows-f32", "rows-f16", "mma",
        "mma transposed"])
def test_assembles_without_spills(tmp_path, chip, make):
    out, text = tmp_path / "kernels.so", make()
    subprocess.run([kernels.build() / "bin/linnet-kernels", "-", "-o", out, "--target=cuda",
                    f"--chip={chip}"], input=text, text=True, check=True,
                   env={**os.environ, "LINNET_PTXAS": ptxas()})
    for name, kernel in json.loads(pathlib.Path(f"{out}.json").read_text()).items():
        assert kernel["cubin"] and kernel["registers"] > 0
        ptx = pathlib.Path(f"{out}.{name}.ptx").read_text()
        assert ("mma.sync.aligned.m16n8k16" in ptx) == ("tensor_cores" in text)
        assert kernel["spills"] == 0


def test_a_program_is_one_file_of_ptx(tmp_path):
    program = pathlib.Path(__file__).parents[1] / "Integration/Inputs/kernels.mlir"
    subprocess.run([kernels.build() / "bin/linnet-compile", program, "--emit=ptx", "--chip=sm_90",
                    "-o", tmp_path / "m.ptx"], check=True)
    done = subprocess.run([ptxas(), "-arch=sm_90", "-v", tmp_path / "m.ptx", "-o", tmp_path / "m.cubin"],
                          capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
    assert done.stderr.count("Function properties") == 4  # two, and their variants for large tensors


# ---- positions in 64 bits ------------------------------------------------------------------


@pytest.fixture
def wide(vulkan, monkeypatch):
    """Every kernel in its wide variant."""
    compile = vulkan_kernels.compile

    def compile_wide(text):
        found = compile(f"module attributes {{linnet.wide_positions}} {{\n{text}\n}}")
        assert all(kernel.info["wide"] for kernel in found.values())
        return found
    monkeypatch.setattr(vulkan_kernels, "compile", compile_wide)


@pytest.mark.parametrize("test", [loops.test_softmax, loops.test_gather_elements, loops.test_pad,
                                  loops.test_transpose_and_slice_of_argument,
                                  lambda: loops.test_argmax(0, False), lambda: loops.test_embedding("f32"),
                                  lambda: kernel_contraction.check(Einsum("mk,nk->mn", dict(m=29, n=40, k=33)), "")])
def test_wide_positions(wide, test):
    test()


@pytest.mark.parametrize("test", [lambda: loss.test_reductions("sum"), lambda: scatter.test_index_types("i8")],
                         ids=["cross_entropy", "scatter_add"])
def test_programs_with_wide_positions(vulkan, monkeypatch, test):
    monkeypatch.setattr(testing, "DEVICE", "vulkan")
    monkeypatch.setattr(testing, "POSITIONS", "wide")
    test()


@pytest.mark.parametrize("rows,wide", [(46340, False), (46341, True)])
def test_large_tensors_have_wide_positions(tmp_path, rows, wide):
    """46341 squared is the first above 2^31. Every position of 64 bits is for memory that is that large."""
    t, out = f"tensor<{rows}x{rows}xf32>", tmp_path / "kernels.so"
    subprocess.run([kernels.build() / "bin/linnet-compile", "-", "--target=cuda", "--compile-to=dispatches", "-o",
                    tmp_path / "d.mlir"], check=True, text=True,
                   input=f"func.func @main(%x: {t}) -> {t} {{\n%y = math.absf %x : {t}\nreturn %y : {t}\n}}")
    subprocess.run([kernels.build() / "bin/linnet-kernels", tmp_path / "d.mlir", "-o", out, "--target=cuda"], check=True,
                   env={**os.environ, "LINNET_PTXAS": ptxas()})
    kernel, = json.loads(pathlib.Path(f"{out}.json").read_text()).values()
    assert kernel["wide"] == wide and kernel["cubin"] and kernel["spills"] == 0


GUARDED = """
func.func @main(%x: tensor<?x40xf32> {linnet.dims = ["N", 40]}, %i: tensor<?xi32> {linnet.dims = ["N"]},
                %w: tensor<40x24xf32>) -> (tensor<?x24xf32>, tensor<?x40xf32>, tensor<40xi64>, tensor<7x40xf32>) {
  %e = linnet.einsum "nk,km->nm" %x, %w : tensor<?x40xf32>, tensor<40x24xf32> -> tensor<?x24xf32>
  %s = linnet.softmax %x axis 1 : tensor<?x40xf32>
  %a = linnet.argmax %x axis 0 : tensor<?x40xf32> -> tensor<40xi64>
  %p = linnet.scatter_add %x, %i axis 0 : tensor<?x40xf32>, tensor<?xi32> -> tensor<7x40xf32>
  return %e, %s, %a, %p : tensor<?x24xf32>, tensor<?x40xf32>, tensor<40xi64>, tensor<7x40xf32>
}
"""


def test_guarded_kernels_have_variants_that_assemble(tmp_path):
    (tmp_path / "m.mlir").write_text(GUARDED)
    compile = [kernels.build() / "bin/linnet-compile", tmp_path / "m.mlir", "--target=cuda"]
    subprocess.run([*compile, "--emit=ptx", "-o", tmp_path / "m.ptx"], check=True)
    names = re.findall(r"\.entry (\S+)\(", (tmp_path / "m.ptx").read_text())
    plain = [name for name in names if not name.endswith("$wide")]
    assert len(plain) >= 4 and sorted(names) == sorted(plain + [f"{name}$wide" for name in plain])
    subprocess.run([ptxas(), "-arch=sm_80", tmp_path / "m.ptx", "-o", tmp_path / "m.cubin"], check=True)
    sizes = {}
    for positions in ("narrow", "guarded"):
        bundle = tmp_path / f"{positions}.lnb"
        subprocess.run([*compile, f"--positions={positions}", "-o", bundle], check=True)
        told = subprocess.run([kernels.build() / "bin/linnet-run", bundle, "--describe"], check=True, text=True,
                              capture_output=True).stdout
        assert f"target cuda: {len(plain)} kernels" in told, told
        sizes[positions] = bundle.stat().st_size
    assert sizes["narrow"] < sizes["guarded"]


# ---- what kernels move ---------------------------------------------------------------------


def traffic(tmp_path, body, rows, columns, chip):
    """Of a kernel from one tensor to one like it: moved, once, operands, in bytes."""
    t = f"tensor<{rows}x{columns}xf32>"
    subprocess.run([kernels.build() / "bin/linnet-compile", "-", "--target=cuda", f"--chip={chip}",
                    "--compile-to=dispatches", "-o", tmp_path / "d.mlir"], check=True, text=True,
                   input=f"func.func @main(%x: {t}) -> {t} {{\n%y = {body} : {t}\nreturn %y : {t}\n}}")
    found, = gpu_traffic.measure(tmp_path / "d.mlir", chip=chip, samples=10**6)
    return found.moved, found.once, found.operands


@pytest.mark.parametrize("body,chip,reads", [("math.exp %x", "sm_80", 1),
                                            ("linnet.rms_norm %x eps 1.0e-6", "sm_90", 1)])
def test_counted_traffic(tmp_path, body, chip, reads):
    """Every workgroup is followed. Rows end within an access, whose lanes then share their last element."""
    size = 37 * 301 * 4
    moved, once, operands = traffic(tmp_path, body, 37, 301, chip)
    assert once == operands == 2 * size
    assert moved == pytest.approx((reads + 1) * size, rel=1e-3)


@pytest.mark.slow
def test_the_page_of_gpu_kernels():
    """Fresh, without spills, and no more is moved than it says."""
    script = pathlib.Path(__file__).parents[2] / "docs/gpu_kernels.py"
    done = subprocess.run([sys.executable, script, "--check"], capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
