# ===- test_attention_memory.py - attention never makes the score matrix -===//
#
# Part of Linnet, under Apache-2.0 WITH LLVM-exception. See LICENSE.
#
# At N = 16384 the scores of four heads would be 4 GiB. Whatever the mask, the program's arena and
# a worker's scratch stay below 16 MiB, and the report names the attention kernel at its site.
#
# ===----------------------------------------------------------------------===//
import json
import subprocess

import numpy as np
import pytest
from linnet import testing

LIMIT = 16 << 20
D = 64
# mask list, further operands: (name, keyword, type; N stands for the length)
CASES = {
    "none": ("", []),
    "causal": ("masks<[causal]>", []),
    "window": ("masks<[causal, window<left = 256, right = 0>]>", []),
    "explicit": ("masks<[explicit]>", [("m", "mask", "tensor<NxNxi1>")]),
    "kv_lengths": ("masks<[kv_lengths]>", [("n", "kv_lengths", "tensor<1xi64>")]),
    "segments": ("masks<[segments]>", [("qs", "q_segments", "tensor<1xNxi32>"),
                                       ("ks", "kv_segments", "tensor<1xNxi32>")]),
    "alibi": ("masks<[causal]>", [("s", "alibi_slopes", "tensor<4xf32>")]),
    "bias": ("masks<[causal]>", [("b", "bias", "tensor<4xNxNxf32>")]),
}


def program(kind, length):
    masks, operands = CASES[kind]
    size = "?" if length is None else str(length)

    def argument(name, type_):
        inner = type_[len("tensor<"):-1].split("x")
        dims = ", ".join('"N"' if d == "N" else d for d in inner[:-1])
        attr = f" {{linnet.dims = [{dims}]}}" if length is None and "N" in inner else ""
        return f"%{name}: {type_.replace('N', size)}{attr}"

    q, kv = f"tensor<1x4x{size}x{D}xf32>", f"tensor<1x1x{size}x{D}xf32>"
    arguments = [argument("q", f"tensor<1x4xNx{D}xf32>"), argument("k", f"tensor<1x1xNx{D}xf32>"),
                 argument("v", f"tensor<1x1xNx{D}xf32>")]
    arguments += [argument(name, type_) for name, _, type_ in operands]
    words = " ".join(f"{word}(%{name} : {type_.replace('N', size)})"
                     for name, word, type_ in operands)
    bounds = " attributes {linnet.symbols = {N = {min = 1, max = 16384}}}" if length is None else ""
    return f"""
func.func @main({", ".join(arguments)}) -> {q}{bounds} {{
  %o = linnet.attention %q, %k, %v {words} {masks} : {q}, {kv}, {kv} -> {q}
  return %o : {q}
}}"""


@pytest.mark.cpu  # runs nothing
@pytest.mark.parametrize("kind", CASES)
@pytest.mark.parametrize("length", [16384, 16383, None])
def test_arena(kind, length, tmp_path):
    tool = testing.build_folder() / "bin" / "linnet-compile"
    subprocess.run([tool, "-", "--compile-to=commands", "-o", tmp_path / "o.mlir",
                    f"--report={tmp_path / 'r.json'}"],
                   input=program(kind, length), text=True, check=True)
    report = json.loads((tmp_path / "r.json").read_text())
    (function,) = report["functions"]
    assert 0 <= function["arena_bytes"]
    assert 0 < function["scratch_bytes_per_thread"]
    assert function["arena_bytes"] + function["scratch_bytes_per_thread"] < LIMIT
    sites = [k for k in report["kernels"] if "linnet.attention" in k["ops"]]
    assert [k["strategy"]["emitter"] for k in sites] == ["attention"]


def test_long_rows():
    """One long causal call, a few rows of it against float64."""
    length = 4099 if testing.on_cpu() else 1031
    rng = np.random.default_rng(5)
    q = rng.normal(size=(1, 4, length, D)).astype(np.float32)
    k, v = (rng.normal(size=(1, 1, length, D)).astype(np.float32) for _ in range(2))
    got = testing.run(program("causal", None), q, k, v)
    got = np.asarray(got[0] if isinstance(got, (list, tuple)) else got)
    for row in (0, 1, 255, 256, length // 2, length - 1):
        keys, values = k[0, 0, :row + 1].astype(np.float64), v[0, 0, :row + 1].astype(np.float64)
        scores = q[0, :, row].astype(np.float64) @ keys.T / np.sqrt(D)
        p = np.exp(scores - scores.max(axis=1, keepdims=True))
        want = p / p.sum(axis=1, keepdims=True) @ values
        np.testing.assert_allclose(got[0, :, row], want, rtol=0, atol=2e-6 * np.abs(values).max())
