# ===- test_gpu_loop_turns.py - loops that a driver ends early, executed -===//
#
# Part of Linnet, under Apache-2.0 WITH LLVM-exception. See LICENSE.
#
# ===----------------------------------------------------------------------===//
"""lavapipe ends all loops of a thread after 65535 turns: what it computes then must not pass for a result."""
import subprocess

import pytest

from linnet._src import testing, vulkan_kernels

SCAN = """
func.func @main(%u: tensor<1xNx8xf32>, %a: tensor<8x4xf32>, %b: tensor<1xNx4xf32>) -> tensor<1xNx8xf32> {
  %y = linnet.selective_scan %u, %u, %a, %b, %b softplus
      : tensor<1xNx8xf32>, tensor<1xNx8xf32>, tensor<8x4xf32>, tensor<1xNx4xf32>, tensor<1xNx4xf32> -> tensor<1xNx8xf32>
  return %y : tensor<1xNx8xf32>
}"""


def run(folder, length):
    tools, bundle = testing.build_folder() / "bin", folder / "scan.lnb"
    subprocess.run([tools / "linnet-compile", "-", "--target=vulkan", "-o", bundle], text=True, check=True,
                   input=SCAN.replace("N", str(length)))
    return subprocess.run([tools / "linnet-run", bundle, "--device=vulkan", f"--input=1x{length}x8xf32=0.1",
                           "--input=8x4xf32=-0.5", f"--input=1x{length}x4xf32=0.1"], text=True, capture_output=True)


def test_ended_loops_are_a_fault(tmp_path):
    try:
        vulkan_kernels.driver()
    except vulkan_kernels.Missing as missing:
        pytest.skip(str(missing))
    devices = subprocess.run([testing.build_folder() / "bin" / "linnet-run", "--list-devices"], text=True,
                             capture_output=True, check=True).stdout
    few = run(tmp_path, 1000)
    assert few.returncode == 0 and "nan" not in few.stdout, few
    many = run(tmp_path, 200000)
    if "llvmpipe" in devices:
        assert many.returncode == 1 and "the driver ended loops early" in many.stderr, many
    else:
        assert many.returncode == 0 and "nan" not in many.stdout, many
