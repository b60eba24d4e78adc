# ===- test_full_disk.py - writing where there is no room -===//
#
# Part of Linnet, under Apache-2.0 WITH LLVM-exception. See LICENSE.
#
# ===----------------------------------------------------------------------===//
"""A limit on the size of files, reached before the end: exit code 1, a message that names the file,
and what was there before is there still, alone."""
import resource
import subprocess

import numpy as np
import pytest
from linnet import testing as lt

pytestmark = pytest.mark.cpu  # about files

BIN = lt.build_folder() / "bin"
COUNTER = """
func.func @main(%x: tensor<4096xf32>, %s: tensor<4096xf32> {linnet.state = "s"})
    -> (tensor<4096xf32>, tensor<4096xf32> {linnet.state = "s"}) {
  %y = arith.addf %x, %s : tensor<4096xf32>
  return %y, %y : tensor<4096xf32>, tensor<4096xf32>
}
"""


def limited(size, *command, **options):
    """Runs a command that may write files of `size` bytes; beyond, write() fails with EFBIG."""

    def limit():
        resource.setrlimit(resource.RLIMIT_FSIZE, (size, size))

    return subprocess.run([str(c) for c in command], preexec_fn=limit, capture_output=True,
                          text=True, **options)


def contents(folder):
    return {path.name: path.read_bytes() for path in folder.iterdir()}


def check_refused(done, folder, before, path):
    assert done.returncode == 1, (done.returncode, done.stderr)
    assert str(path) in done.stderr and "File too large" in done.stderr
    assert contents(folder) == before


@pytest.mark.parametrize("size", [0, 1, 500])
@pytest.mark.parametrize("old", [False, True])
@pytest.mark.parametrize("emit", ["bundle", "mlir", "llvm"])
def test_compile(tmp_path, emit, size, old):
    path = tmp_path / "out"
    if old:
        path.write_text("what was there")
    before = contents(tmp_path)
    done = limited(size, BIN / "linnet-compile", "-", f"--emit={emit}", "--cpu=native", "-o", path,
                   input=COUNTER)
    check_refused(done, tmp_path, before, path)


@pytest.mark.parametrize("emit,size", [("obj", 2000), ("exe", 2000), ("exe", 20000), ("so", 20000)])
def test_compile_with_the_linker(tmp_path, emit, size):
    """What the linker driver says, it says; nothing of it is left."""
    done = limited(size, BIN / "linnet-compile", "-", f"--emit={emit}", "--cpu=native",
                   "-o", tmp_path / "out", input=COUNTER, env={"PATH": "/usr/bin:/bin",
                                                               "TMPDIR": str(tmp_path)})
    assert done.returncode == 1 and "error: " in done.stderr
    assert contents(tmp_path) == {}


@pytest.fixture(scope="module")
def bundle():
    return lt.compile_text(COUNTER)


@pytest.mark.parametrize("size", [0, 100, 8000])
@pytest.mark.parametrize("option", ["output", "save-state", "trace"])
def test_run(tmp_path, bundle, option, size):
    path = tmp_path / "out"
    path.write_text("what was there")
    before = contents(tmp_path)
    if option == "trace" and size > 100:
        pytest.skip("a trace is small")
    done = limited(size, BIN / "linnet-run", bundle, "--input=4096xf32=1", f"--{option}={path}")
    check_refused(done, tmp_path, before, path)


def test_the_limit_is_what_stops_it(tmp_path, bundle):
    """The same commands with room enough."""
    path = tmp_path / "out.npy"
    done = limited(1 << 20, BIN / "linnet-run", bundle, "--input=4096xf32=1", f"--output={path}")
    assert done.returncode == 0, done.stderr
    np.testing.assert_array_equal(np.load(path), np.ones(4096, np.float32))
    done = limited(1 << 20, BIN / "linnet-compile", "-", "-o", tmp_path / "b.lnb", input=COUNTER)
    assert done.returncode == 0, done.stderr
