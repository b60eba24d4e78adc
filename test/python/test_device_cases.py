# ===- test_device_cases.py - what is counted of tests on a device -===//
#
# Part of Linnet, under Apache-2.0 WITH LLVM-exception. See LICENSE.
#
# ===----------------------------------------------------------------------===//
"""Runs of made-up tests, whose device is the CPU: a run fails by what it skips, and only by that."""
import os
import pathlib
import shutil
import subprocess
import sys

import pytest

pytestmark = pytest.mark.cpu  # chooses its device

HERE = pathlib.Path(__file__).parent
TESTS = """
import pytest
from linnet import testing

@pytest.mark.parametrize("i", range({ran}))
def test_ran(i):
    testing.run_command("bundle")

@pytest.mark.parametrize("i", range({skipped}))
def test_skipped(i):
    raise RuntimeError("needs 40 storage buffers, Vulkan device 'x' has at most 32")

@pytest.mark.parametrize("i", range({never}))
def test_layer_norm(i):
    raise RuntimeError("needs 40 storage buffers, Vulkan device 'x' has at most 32")

@pytest.mark.parametrize("i", range({failing}))
def test_failing(i):
    testing.run_command("bundle")
    raise RuntimeError("off by one")

def test_idle():
    pass

@pytest.mark.cpu
def test_of_the_cpu():
    raise RuntimeError("ran")
"""


@pytest.mark.parametrize("ran, skipped, never, failing, more, code, says", [
    (490, 10, 0, 0, [], 0, "490 cases ran on the device, 10 were skipped (2.0%, at most 2%)"),
    (490, 11, 0, 0, [], 1, "error: 11 of 501 cases were skipped, expected at most 2%"),
    (490, 11, 0, 0, ["-n1"], 1, "error: 11 of 501 cases were skipped, expected at most 2%"),
    (4, 3, 0, 0, [], 0, "3 skipped: needs 40 storage buffers, Vulkan device 'x' has at most 32"),
    (4, 0, 1, 0, [], 1, "test_layer_norm[0] was skipped: products, attention, scans and norms have to"),
    (4, 0, 0, 1, [], 1, "5 cases ran on the device, 0 were skipped"),
    (4, 0, 0, 0, [], 0, "1 more ran nothing: test_it.py::test_idle")])
def test_what_a_run_skips_decides(ran, skipped, never, failing, more, code, says, tmp_path):
    for name in ("conftest.py", "device_cases.py"):
        shutil.copy(HERE / name, tmp_path)
    (tmp_path / "test_it.py").write_text(TESTS.format(ran=ran, skipped=skipped, never=never, failing=failing))
    folders = [str(HERE.parents[1] / "python"), str(tmp_path)]
    done = subprocess.run([sys.executable, "-m", "pytest", "-q", "-p", "no:cacheprovider", "--device=cpu:1", *more,
                           "test_it.py"], cwd=tmp_path, capture_output=True, text=True,
                          env={**os.environ, "PYTHONPATH": os.pathsep.join(folders), "LINNET_QUICK": ""})
    assert done.returncode == code and says in done.stdout, done.stdout + done.stderr
