# ===- import_iree.py - python -m linnet.import_iree ----------------------------===//
#
# Part of Linnet, under Apache-2.0 WITH LLVM-exception. See LICENSE.
#
#   iree-import-onnx model.onnx -o model.torch.mlir
#   iree-compile --iree-input-type=onnx --compile-to=input model.torch.mlir -o model.input.mlir
#   python -m linnet.import_iree model.input.mlir -o model.mlir --weights model.safetensors
#   linnet-compile model.mlir --weights=model.safetensors -o model.lnb
#
# ===----------------------------------------------------------------------===//
import argparse
import pathlib
import sys

from linnet._src.arguments import ArgumentParser
from linnet._src.importer.iree import WrapperError, convert


def main(argv=None):
    parser = ArgumentParser(
        prog="linnet.import_iree", description="linalg from iree-compile --compile-to=input")
    parser.add_argument("input", type=pathlib.Path)
    parser.add_argument("-o", "--output", type=pathlib.Path, required=True)
    parser.add_argument("--weights", type=pathlib.Path, required=True)
    options = parser.parse_args(argv)
    try:
        text, weights = convert(options.input.read_text())
    except (WrapperError, OSError) as error:
        print(f"error: {options.input}: {error}", file=sys.stderr)
        return 1
    from safetensors.numpy import save_file  # not needed to import the function

    options.output.write_text(text)
    save_file(weights, options.weights)
    return 0


if __name__ == "__main__":
    sys.exit(main())
