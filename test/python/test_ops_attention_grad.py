# ===- test_ops_attention_grad.py - gradients of attention in programs -===//
#
# Part of Linnet, under Apache-2.0 WITH LLVM-exception. See LICENSE.
#
# ===----------------------------------------------------------------------===//
"""The forward op and its gradient in one program, from IR to results."""
import json
import subprocess

import numpy as np
import pytest
from linnet import reference as ref
from linnet import testing
from test_kernels_attention_grad import ROUNDING, magnitudes

def program(n, dtype, bias=False, dropout=False, attributes=""):
    """Attention of q, k, v as projections make them, [B,N,H,D], with gradients of all of them."""
    d = "?" if n is None else n
    dims = '{linnet.dims = [2, "N", %d, 16]}'
    wide, narrow = f"tensor<2x4x{d}x16x{dtype}>", f"tensor<2x2x{d}x16x{dtype}>"
    outer = lambda h: f"tensor<2x{d}x{h}x16x{dtype}>"
    args = [f"%x: {outer(4)}{dims % 4}", f"%y: {outer(2)}{dims % 2}", f"%z: {outer(2)}{dims % 2}",
            f"%g: {outer(4)}{dims % 4}", "%key: i64"]
    options = ""
    if bias:
        args.append(f'%b: tensor<4x1x{d}x{dtype}> {{linnet.dims = [4, 1, "N"]}}')
        options += f"bias(%b : tensor<4x1x{d}x{dtype}>) "
    if dropout:
        options += "dropout_key(%key : i64) dropout_counter(%key : i64) "
    options += f"masks<[causal]> {attributes}"
    turn = lambda r, v, h: (f'{r} = linnet.einsum "bnhd->bhnd" {v} : {outer(h)} -> '
                            f"tensor<2x{h}x{d}x16x{dtype}>\n")
    results = [wide, f"tensor<2x4x{d}xf32>", wide, narrow, narrow]
    results += [f"tensor<4x1x{d}x{dtype}>"] if bias else []
    names = "%o, %lse, " + ", ".join(f"%r#{i}" for i in range(len(results) - 2))
    return f"""
func.func @main({", ".join(args)}) -> ({", ".join(results)})
    attributes {{linnet.symbols = {{N = {{min = 1, max = 512}}}}}} {{
  {turn("%q", "%x", 4)}{turn("%k", "%y", 2)}{turn("%v", "%z", 2)}{turn("%do", "%g", 4)}
  %o, %lse = linnet.attention %q, %k, %v {options}
    : {wide}, {narrow}, {narrow} -> {wide}, tensor<2x4x{d}xf32>
  %r:{len(results) - 2} = linnet.attention_grad %q, %k, %v out(%o, %lse : tensor<2x4x{d}xf32>)
    grad(%do) {options} : {wide}, {narrow}, {narrow}, {wide} -> {", ".join(results[2:])}
  return {names} : {", ".join(results)}
}}"""


CASES = {
    "causal": ({}, {}),
    "dropout": (dict(dropout=True, attributes="dropout(0.25)"), dict(dropout=(0.25, 77, 77))),
    "bias": (dict(bias=True, attributes="softcap(3.0)"), dict(softcap=3.0)),
}


def draw(n, dtype, bias):
    rng = np.random.default_rng(n)
    normal = lambda *shape: rng.standard_normal(shape).astype(testing.DTYPES[dtype])
    args = [normal(2, n, 4, 16), normal(2, n, 2, 16), normal(2, n, 2, 16), normal(2, n, 4, 16)]
    return args + [np.int64(77)] + [normal(4, 1, n)] * bias


@pytest.mark.parametrize("dtype", testing.FLOATS)
@pytest.mark.parametrize("name", CASES)
def test_program(name, dtype):
    given, options = CASES[name]
    text = program(None, dtype, **given)
    for n in (1, 7, 70):
        args = draw(n, dtype, "bias" in given)
        got = testing.run(text, *args)
        for threads in (2, 3):
            for a, b in zip(got, testing.run(text, *args, threads=threads)):
                assert np.asarray(a).tobytes() == np.asarray(b).tobytes()
        o, lse, *grads = [np.asarray(x) for x in got]
        q, k, v, dout = (x.swapaxes(1, 2) for x in args[:4])
        options = dict(options, causal=True, **({"bias": args[5]} if "bias" in given else {}))
        want = ref.attention_grad(q, k, v, o, lse, dout, **options)
        unit, sums = magnitudes(q, k, v, o, lse, dout, **options)
        for x, y, sum in zip(grads, want, sums):
            bound = unit * sum + ROUNDING[dtype] * np.abs(y) + 2.0**-14 * (dtype == "f16") + 1e-38
            assert (np.abs(x.astype(np.float64) - y) <= bound).all()


@pytest.mark.cpu  # runs nothing
@pytest.mark.parametrize("length", [16384, 16383])
def test_memory(length, tmp_path):
    """A few tensors of the size of the queries; the scores of four heads would be 4 GiB."""
    n = length
    wide, rows = f"tensor<1x4x{n}x64xf32>", f"tensor<1x4x{n}xf32>"
    text = f"""
func.func @main(%q: {wide}, %k: {wide}, %v: {wide}, %g: {wide}) -> ({wide}, {wide}, {wide}) {{
  %o, %lse = linnet.attention %q, %k, %v masks<[causal]> : {wide}, {wide}, {wide} -> {wide}, {rows}
  %r:3 = linnet.attention_grad %q, %k, %v out(%o, %lse : {rows}) grad(%g) masks<[causal]>
    : {wide}, {wide}, {wide}, {wide} -> {wide}, {wide}, {wide}
  return %r#0, %r#1, %r#2 : {wide}, {wide}, {wide}
}}"""
    tool = testing.build_folder() / "bin" / "linnet-compile"
    subprocess.run([tool, "-", "--compile-to=commands", "-o", tmp_path / "o.mlir",
                    f"--report={tmp_path / 'r.json'}"], input=text, text=True, check=True)
    (function,) = json.loads((tmp_path / "r.json").read_text())["functions"]
    one = 4 * n * 64 * 4
    assert function["arena_bytes"] < one * 1.05  # o and lse
    assert function["scratch_bytes_per_thread"] < 1 << 20
