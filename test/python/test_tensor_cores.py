# ===- test_tensor_cores.py - products by mma.sync, without a GPU -===//
#
# Part of Linnet, under Apache-2.0 WITH LLVM-exception. See LICENSE.
#
# ===----------------------------------------------------------------------===//
"""What the kernel computes if mma.sync does what PTX's manual says: its code is followed with all values, and the
instruction is done here from the manual's table of which lane holds what."""
import re
import subprocess

import ml_dtypes
import numpy as np
import pytest

from linnet import testing
from linnet._src import gpu_traffic

pytestmark = pytest.mark.cpu  # follows code, runs none

PROGRAM = """module attributes {{linnet.tensor_cores}} {{
func.func @main(%a: {a}, %b: {b}) -> {r} {{
  %y = linnet.einsum "{spec}" %a, %b : {a}, {b} -> {r}
  return %y : {r}
}}
}}
"""


def mma(a, b, c):
    """m16n8k16 of one warp: registers of its 32 lanes, [lane][register], A and B as words of two bf16."""
    lane = np.arange(32)
    group, of_four = lane // 4, lane % 4
    A, B, C = np.zeros((16, 16), np.float32), np.zeros((16, 8), np.float32), np.zeros((16, 8), np.float32)

    def halves(words):
        bits = words.astype(np.uint32)
        return (bits << 16).view(np.float32), (bits & 0xffff0000).view(np.float32)

    for register in range(4):  # a0 a1, a2 a3, a4 a5, a6 a7
        low, high = halves(a[:, register])
        rows, columns = group + 8 * (register in (1, 3)), 2 * of_four + 8 * (register >= 2)
        A[rows, columns], A[rows, columns + 1] = low, high
    for register in range(2):
        low, high = halves(b[:, register])
        B[2 * of_four + 8 * register, group], B[2 * of_four + 8 * register + 1, group] = low, high
    for register in range(4):
        C[group + 8 * (register >= 2), 2 * of_four + register % 2] = c[:, register]
    D = (A.astype(np.float64) @ B + C).astype(np.float32)
    return [D[group + 8 * (r >= 2), 2 * of_four + r % 2] for r in range(4)]


class Executed(gpu_traffic.Workgroup):
    """A workgroup whose values are all computed. bf16 are their bits, vectors and structs lists."""

    def __init__(self, function, chunks, group, buffers):
        names = function.regions[0].arguments
        self.contents = dict(zip(names, buffers))
        for name in names[len(buffers):]:
            self.contents[name] = np.full(1 << 13, np.nan)
        super().__init__(function, chunks, group, 32)

    def access(self, op, mask):
        super().access(op, mask)
        at = gpu_traffic.ACCESSES[op.name]
        memory, position = self.contents[op.operands[at]], self.values[op.operands[at + 1]]
        found = re.search(r"vector<(\d+)x", op.line)
        position = np.broadcast_to(position, mask.shape)
        places = [np.where(mask, position + i, 0) for i in range(int(found[1]) if found else 1)]
        if at == 0:
            element = np.float32 if "f32" in op.types().replace("bf16", "") else np.int64
            loaded = [np.nan_to_num(memory[p]).astype(element) if element is np.int64 else memory[p].astype(element)
                      for p in places]
            self.values[op.results[0]] = loaded if found else loaded[0]
            return
        stored = self.values[op.operands[0]]
        for p, value in zip(places, stored if found else [stored]):
            memory[p[mask]] = np.broadcast_to(value, mask.shape)[mask]

    def step(self, op, mask):
        if op.name == "nvvm.mma.sync":
            return self.multiply(op)
        if op.name == "llvm.extractvalue":
            self.values[op.results[0]] = self.values[op.operands[0]][int(re.search(r"i64: (\d+)>", op.line)[1])]
        elif op.name == "vector.bitcast":
            halves = self.values[op.operands[0]]
            self.values[op.results[0]] = [low | high << 16 for low, high in zip(halves[::2], halves[1::2])]
        elif op.name == "arith.bitcast":
            self.values[op.results[0]] = self.values[op.operands[0]]
        elif op.name == "arith.constant" and (found := re.search(r"value = (\S+) : f32", op.line)):
            self.values[op.results[0]] = np.full(self.threads, float(found[1]), np.float32)
        else:
            super().step(op, mask)

    def multiply(self, op):
        registers = np.stack([np.broadcast_to(self.values[v], self.threads) for v in op.operands], axis=1)
        a, b, c = registers[:, :4], registers[:, 4:6], registers[:, 6:]
        warps = [mma(a[w:w + 32], b[w:w + 32], c[w:w + 32]) for w in range(0, self.threads, 32)]
        self.values[op.results[0]] = [np.concatenate(lanes) for lanes in zip(*warps)]


@pytest.mark.parametrize("spec", ["mk,kn->mn", "mk,nk->mn", "km,kn->mn", "zmk,znk->zmn"])
def test_products(spec, tmp_path):
    sizes, rng = {"z": 2, "m": 256, "n": 128, "k": 64}, np.random.default_rng(0)
    operands, result = spec.split("->")[0].split(","), spec.split("->")[1]
    arrays = [testing.random(rng, [sizes[c] for c in x], "bf16") for x in operands]
    a, b, r = (testing.tensor_type([sizes[c] for c in x], t) for x, t in zip((*operands, result), ("bf16", "bf16", "f32")))
    subprocess.run([testing.build_folder() / "bin" / "linnet-compile", "-", "--target=cuda", "--compile-to=dispatches",
                    "-o", tmp_path / "d.mlir"], check=True, text=True, input=PROGRAM.format(a=a, b=b, r=r, spec=spec))
    text = subprocess.run([testing.build_folder() / "bin" / "linnet-opt", tmp_path / "d.mlir", "--canonicalize",
                           "--linnet-emit-gpu-kernels=target=cuda", "--mlir-print-op-generic"],
                          check=True, capture_output=True, text=True).stdout
    assert "nvvm.mma.sync" in text
    module = gpu_traffic.parse(text).ops[0].regions[0]
    code, = (op.regions[0].ops[0] for op in module.ops if op.name == "gpu.module")
    kernel, = (op for op in module.ops if op.name == "exec.kernel")
    chunks, _ = gpu_traffic._launch(kernel)
    wide = [testing.wide(x) for x in arrays]
    expected = np.einsum(spec, *wide)
    found = np.full(expected.size, np.nan, np.float32)
    buffers = [x.view(np.uint16).astype(np.int64).ravel() for x in arrays]
    assert all(x.dtype == ml_dtypes.bfloat16 for x in arrays)
    for group in range(chunks):
        Executed(code, chunks, group, [*buffers, found])
    testing.assert_close(found.reshape(expected.shape), expected, depth=sizes["k"],
                         magnitude=np.einsum(spec, *map(abs, wide)))
