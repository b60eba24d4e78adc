# ===- test_train_bare.py - training where there is neither Python nor LLVM -===//
#
# Part of Linnet, under Apache-2.0 WITH LLVM-exception. See LICENSE.
#
# ===----------------------------------------------------------------------===//
"""linnet-run trains in a root folder that holds nothing but itself, the C and C++ libraries that it
names, a bundle and its data."""
import pathlib
import re
import shutil
import subprocess

import numpy as np
import pytest
from safetensors.numpy import load_file, save_file

from linnet import testing as lt
from programs import bundle

pytestmark = pytest.mark.cpu  # a root folder without drivers

RUN = lt.build_folder() / "bin" / "linnet-run"
RUNTIME = lt.build_folder() / "lib" / "libLinnetRuntime.so"
ALLOWED = re.compile(r"linux-vdso|ld-linux|lib(c|m|stdc\+\+|gcc_s|pthread|dl|rt)\.so")
STEPS = 5


def libraries(binary):
    """Names and paths of what the loader brings in."""
    listed = subprocess.run(["ldd", binary], capture_output=True, text=True, check=True).stdout
    return [(line.split()[0], *re.findall(r"(/\S+) \(", line)) for line in listed.splitlines()]


@pytest.mark.parametrize("binary", [RUN, RUNTIME], ids=lambda path: path.name)
def test_what_the_loader_brings_in(binary):
    foreign = [found for found in libraries(binary) if not ALLOWED.search(found[0])]
    assert not foreign


def write_data(folder):
    tokens = np.random.default_rng(0).integers(0, 256, (STEPS, 2, 65))
    save_file({"tokens": tokens, "rate": np.full(STEPS, 1e-3, np.float32)},
              folder / "data.safetensors")
    shutil.copy(bundle("train.bytelm"), folder / "train.lnb")


@pytest.fixture
def root(tmp_path):
    """The files of a machine that can do nothing else."""
    folder = tmp_path / "root"
    for path in [str(RUN), *(found[-1] for found in libraries(RUN) if len(found) == 2
                             or found[0].startswith("/"))]:
        target = folder / ("bin/linnet-run" if path == str(RUN) else path.lstrip("/"))
        target.parent.mkdir(parents=True, exist_ok=True)
        shutil.copy(path, target)
    write_data(folder)
    return folder


def inside(root, *command):
    return subprocess.run(["unshare", "--map-root-user", f"--root={root}", "--wd=/", *command],
                          env={}, capture_output=True, text=True)


def test_a_step_trains_where_nothing_is_installed(root):
    if not shutil.which("unshare") or inside(root, "/bin/linnet-run", "--version").returncode:
        pytest.skip("needs `unshare --root` with a user namespace, which is not allowed here")
    assert inside(root, "/bin/sh", "-c", "true").returncode != 0, "the folder is not the root"
    files = sorted(str(p.relative_to(root)) for p in root.rglob("*") if p.is_file())
    assert not [name for name in files if re.search("python|llvm|mlir", name, re.I)]
    done = inside(root, "/bin/linnet-run", "/train.lnb", "--batches=/data.safetensors",
                  "--save-state=/state.safetensors", f"--steps={STEPS}", "--threads=1")
    assert done.returncode == 0, done.stderr
    assert f"step {STEPS}" in done.stderr
    resumed = inside(root, "/bin/linnet-run", "/train.lnb", "--batches=/data.safetensors",
                     "--state=/state.safetensors", "--save-state=/more.safetensors", "--steps=1")
    assert resumed.returncode == 0 and f"going on after step {STEPS}" in resumed.stderr
    # the same bits as where everything is installed
    outside = pathlib.Path(root).parent / "outside"
    outside.mkdir()
    write_data(outside)
    subprocess.run([RUN, "train.lnb", "--batches=data.safetensors", f"--steps={STEPS}",
                    "--save-state=state.safetensors", "--threads=1"], cwd=outside, check=True,
                   capture_output=True)
    bare, full = (load_file(folder / "state.safetensors") for folder in (root, outside))
    assert bare.keys() == full.keys()
    for name in full:
        np.testing.assert_array_equal(bare[name], full[name])
