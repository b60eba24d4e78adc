# ===- test_foreign.py - models that other tools brought to linalg -===//
#
# Part of Linnet, under Apache-2.0 WITH LLVM-exception. See LICENSE.
#
# test/Foreign: small models from PyTorch by way of ONNX and IREE's importer, with the outputs
# that PyTorch computed (generate.py there).
#
# ===----------------------------------------------------------------------===//
import pathlib
import re

import numpy as np
import pytest
from linnet import testing
from linnet._src.importer.iree import parse_dense
from safetensors.numpy import load_file
from upstream import Module, lower

FOLDER = pathlib.Path(__file__).parents[1] / "Foreign"
NAMES = sorted(path.stem for path in FOLDER.glob("*.mlir"))


def arrays(name, kind):
    return [np.load(path) for path in sorted(FOLDER.glob(f"{name}.{kind}*.npy"))]


def check(name, results):
    expected = arrays(name, "out")
    assert expected and len(results) == len(expected)
    for got, want in zip(results, expected):
        np.testing.assert_allclose(got, want, rtol=0, atol=1e-4)


@pytest.mark.parametrize("name", NAMES)
def test_compiled(name):
    text = (FOLDER / f"{name}.mlir").read_text()
    check(name, testing.run(text, *arrays(name, "in"), weights=FOLDER / f"{name}.safetensors"))


@pytest.mark.cpu  # upstream's code
@pytest.mark.parametrize("name", NAMES)
def test_structured(name):
    """The structured form means the same: upstream's loops run it."""
    # without raising: upstream has no attention
    text = lower((FOLDER / f"{name}.mlir").read_text(), "--canonicalize", "--linnet-lower-to-structured",
                 "--linnet-globals-to-arguments", "--canonicalize", "--cse")
    weights = load_file(FOLDER / f"{name}.safetensors")
    for symbol, data, shape, dtype in re.findall(
            r"ml_program\.global private @(\w+)\(dense<(.*?)> : .*\) : tensor<([\dx]+)x(\w+)>",
            text):
        weights[symbol] = parse_dense(data, tuple(map(int, shape.split("x"))), dtype)
    hidden = re.findall(r"linnet\.constant = @(\w+)", text)
    # the globals have become arguments, and upstream does not know extern ones
    text = re.sub(r"(?m)^.*ml_program\.(global|extern).*$", "", text)
    results = [(a.dtype, a.ndim) for a in arrays(name, "out")]
    check(name, Module(text).call("main", arrays(name, "in") + [weights[s] for s in hidden],
                                  results))
