# ===- test_gpu_rows.py - rows that stay in a workgroup's memory, executed -===//
#
# Part of Linnet, under Apache-2.0 WITH LLVM-exception. See LICENSE.
#
# ===----------------------------------------------------------------------===//
"""Norms on a Vulkan device whose rows fit, do not fit, do not lie at multiples of 16 bytes; of more
rows than a workgroup does at once; whose weights are in registers."""
import pytest

import test_ops_norm as norm
from linnet import testing as lt
from linnet._src import testing, vulkan_kernels

# rows of 8200 do not fit; from 2048 rows on a workgroup does several
ROWS = [("layer_norm", "f32", (3, 8200), 1, False), ("layer_norm", "bf16", (2, 8192), 1, False),
        ("layer_norm", "f16", (3, 4100), 1, False), ("layer_norm", "f32", (4, 1030), 1, False),
        ("rms_norm", "f32", (2, 3, 5000), 1, True), ("layer_norm", "f32", (2051, 36), 1, True),
        ("layer_norm", "bf16", (2051, 70), 1, False), ("layer_norm", "f32", (2, 4200), 1, True)]
SOFTMAX = [((3, 7700), "f32", False), ((2, 8203), "bf16", True), ((2, 9001), "f32", True)]


@pytest.fixture(autouse=True)
def vulkan(monkeypatch):
    try:
        vulkan_kernels.driver()
    except vulkan_kernels.Missing as missing:
        pytest.skip(str(missing))
    monkeypatch.setattr(testing, "DEVICE", "vulkan")


def test_norms():
    lt.run_cases(norm.norm_case(*case) for case in ROWS)


def test_softmax():
    lt.run_cases(norm.softmax_case(shape, 1, dtype, dynamic) for shape, dtype, dynamic in SOFTMAX)
