# ===- test_gpu_loop_turns.py - loops that a driver ends early, executed -===//
#
# Part of Linnet, under Apache-2.0 WITH LLVM-exception. See LICENSE.
#
# ===----------------------------------------------------------------------===//
"""lavapipe ends all loops of a thread after 65535 turns: what it computes then must not pass for a result. Elsewhere
the same programs have to be right."""
import subprocess

import numpy as np
import pytest

from linnet import runtime
from linnet import testing as lt
from linnet._src import vulkan_kernels
from linnet._src.reference.sequence import selective_scan
from test_kernels_selective_scan import distance

pytestmark = pytest.mark.cpu  # chooses its device

LIMIT = 65535


def run(length):
    """A scan's result and what it should be."""
    rng = np.random.default_rng(length)
    wide, narrow, matrix = (f"tensor<{s}xf32>" for s in (f"1x{length}x8", f"1x{length}x4", "8x4"))
    text = f"""func.func @main(%u: {wide}, %a: {matrix}, %b: {narrow}) -> {wide} {{
  %y = linnet.selective_scan %u, %u, %a, %b, %b softplus : {wide}, {wide}, {matrix}, {narrow}, {narrow} -> {wide}
  return %y : {wide}
}}"""
    u, b = lt.random(rng, (1, length, 8), "f32"), lt.random(rng, (1, length, 4), "f32")
    a = -np.exp(lt.random(rng, (8, 4), "f32"))
    y, = lt.run(text, u, a, b, device="vulkan")
    x = [v.astype(np.float64) for v in (u, u, a, b, b)]
    return y, selective_scan(*x, softplus=True)[0]


@pytest.fixture
def has_limit():
    """Whether the device's driver is one that ends loops."""
    try:
        vulkan_kernels.driver()
    except vulkan_kernels.Missing as missing:
        pytest.skip(str(missing))
    return "llvmpipe" in subprocess.run([lt.build_folder() / "bin" / "linnet-run", "--list-devices"], text=True,
                                        capture_output=True, check=True).stdout


@pytest.mark.parametrize("length", [1000, 3 * LIMIT])
def test_ended_loops_are_a_fault(has_limit, length):
    """A thread makes a turn and more for every position."""
    if has_limit and length > LIMIT:
        with pytest.raises(runtime.Error, match="the driver ended loops early"):
            run(length)
    else:
        y, expected = run(length)
        assert distance(y, expected) <= 2e-6
