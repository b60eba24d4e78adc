# ===- generate.py - writes the files in this folder ---------------------------===//
#
# Part of Linnet, under Apache-2.0 WITH LLVM-exception. See LICENSE.
#
#   PYTHONPATH=python python test/Foreign/generate.py [NAME...]
#
# PyTorch to ONNX to linalg by IREE's importer, then NAME.mlir, NAME.safetensors and the inputs
# and PyTorch's outputs as NAME.in0.npy, NAME.out0.npy, ... Needs torch, onnx, onnxscript and
# iree-base-compiler, which the tests do not.
#
# ===----------------------------------------------------------------------===//
import pathlib
import subprocess
import sys
import tempfile

import models
import numpy as np
import torch
from linnet._src.importer.iree import convert
from safetensors.numpy import save_file

HERE = pathlib.Path(__file__).parent
BIN = pathlib.Path(sys.executable).parent


def to_linalg(model, inputs, folder):
    torch.onnx.export(model, inputs, folder / "m.onnx", dynamo=True, external_data=False,
                      verbose=False)
    subprocess.run([BIN / "iree-import-onnx", folder / "m.onnx", "-o", folder / "m.torch.mlir",
                    "--opset-version", "17"], check=True)
    subprocess.run([BIN / "iree-compile", "--compile-to=input", "--iree-input-type=onnx",
                    folder / "m.torch.mlir", "-o", folder / "m.input.mlir"], check=True)
    return (folder / "m.input.mlir").read_text()


def generate(name):
    model, inputs = models.build(name)
    with torch.no_grad():
        outputs = model(*inputs)
    with tempfile.TemporaryDirectory() as folder:
        text, weights = convert(to_linalg(model, inputs, pathlib.Path(folder)))
    (HERE / f"{name}.mlir").write_text(text)
    save_file(weights, HERE / f"{name}.safetensors")
    outputs = outputs if isinstance(outputs, tuple) else (outputs,)
    for kind, values in (("in", inputs), ("out", outputs)):
        for i, value in enumerate(values):
            np.save(HERE / f"{name}.{kind}{i}.npy", value.numpy())


if __name__ == "__main__":
    for model_name in sys.argv[1:] or models.NAMES:
        generate(model_name)
