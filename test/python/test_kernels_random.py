# Part of Linnet, under Apache-2.0 WITH LLVM-exception. See LICENSE.
"""Kernels of linnet.random give the bits of the reference."""

import functools

import numpy as np
import pytest

from linnet._src import kernels
from linnet._src.reference.random import random

SEEDS = [(0, 0), (0x0123456789ABCDEF, 2**32 - 9), (-1, -3)]


@functools.lru_cache(None)
def compiled(level, dtype, shape):
    tensor = "x".join(["?" if s < 0 else str(s) for s in shape] + [dtype])
    sizes = [f"%n{i}" for i, s in enumerate(shape) if s < 0]
    dims = f" sizes({', '.join(sizes)})" if sizes else ""
    args = "".join(f", {s}: index" for s in sizes)
    text = f"""
    exec.kernel @scalars(%key: i64, %counter: i64{args}) -> tensor<{tensor}> {{
      %r = linnet.random %key, %counter{dims} : i64, i64 -> tensor<{tensor}>
      exec.yield %r : tensor<{tensor}>
    }}
    exec.kernel @tensors(%key: tensor<i64>, %counter: tensor<i64>{args}) -> tensor<{tensor}> {{
      %r = linnet.random %key, %counter{dims} : tensor<i64>, tensor<i64> -> tensor<{tensor}>
      exec.yield %r : tensor<{tensor}>
    }}"""
    return kernels.compile(text, cpu=level)


@pytest.mark.parametrize("level", kernels.LEVELS)
@pytest.mark.parametrize("dtype", ["f32", "f16", "bf16", "i32"])
@pytest.mark.parametrize("n", [0, 1, 3, 63, 64, 65, 1000, 70001])
def test_bits(level, dtype, n):
    kernel = compiled(level, dtype, (-1,))
    for key, counter in SEEDS:
        want = np.asarray(random(key, counter, (n,), dtype)).astype(kernels.DTYPES[dtype])
        got = kernel["scalars"](key, counter, n, sizes=[n])
        assert got.tobytes() == want.tobytes()
        # whatever the number of threads, and with the seeds in memory
        got = kernel["tensors"](np.int64(key), np.int64(counter), n, sizes=[n], threads=3)
        assert got.tobytes() == want.tobytes()


@pytest.mark.parametrize("level", kernels.LEVELS)
def test_shapes(level):
    kernel = compiled(level, "f32", (3, -1, 5))["scalars"]
    got = kernel(7, 11, 4, sizes=[4])
    np.testing.assert_array_equal(got, random(7, 11, (3, 4, 5)))


def report_speed():
    """Prints the rate; a number costs 40 multiplications of 64 bits per four words."""
    n = 1 << 20
    for level in kernels.LEVELS:
        seconds = compiled(level, "f32", (-1,))["scalars"].bench(1, 2, n, sizes=[n])
        print(f"\nrandom f32 {level}: {n / seconds / 1e9:.2f} G numbers/s")


if __name__ == "__main__":
    report_speed()
