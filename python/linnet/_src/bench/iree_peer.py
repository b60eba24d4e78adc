# ===- iree_peer.py - workloads compiled by IREE -===//
#
# Part of Linnet, under Apache-2.0 WITH LLVM-exception. See LICENSE.
#
# ===----------------------------------------------------------------------===//
"""Compiles a workload for this machine's CPU, from linalg text (iree_text.py) or from ONNX; every
spelling with the default flags and with the optimising ones."""

import hashlib
import pathlib
import subprocess
import sys
import tempfile

import ml_dtypes
import numpy as np

from linnet._src import testing as lt
from linnet._src.bench import onnx_forms
from linnet._src.bench.workload import Unavailable

HOST = ["--iree-llvmcpu-target-cpu=host"]
FLAGS = ([], ["--iree-opt-level=O3", "--iree-llvmcpu-enable-ukernels=all"])
# bytes of weights that are compiled into the program
LARGE = 1 << 24


def candidates(workload, threads):
    found, reason = [], Unavailable("no form for IREE")
    with tempfile.TemporaryDirectory() as folder:
        for make, enough in _sources(workload, pathlib.Path(folder)):
            if found and enough:
                continue
            try:
                found += _compiled(*make(), threads)
            except Unavailable as error:
                reason = error
    if not found:
        raise reason
    return found


def _sources(workload, folder):
    """Functions that give (file, inputs, options of the compiler, file of parameters), and whether
    one of the kind is enough: every text by hand counts, and the first ONNX form that works."""
    for text in workload.iree:
        def write(text=text):
            path = folder / "text.mlir"
            path.write_text(text())
            return path, workload.inputs, {}, None
        yield write, False
    for i, form in enumerate(onnx_forms.forms(workload)):
        yield lambda form=form: _imported(*form(), folder), i > 0 and not workload.iree


def _compiled(path, inputs, options, parameters, threads):
    """With each set of flags that works; one is enough where a whole model takes long."""
    found, reason = [], None
    for flags in FLAGS[:1] if parameters else FLAGS:
        try:
            found.append(_load(_binary(path, flags, options), inputs, parameters, threads))
        except Unavailable as error:
            reason = error
    if not found:
        raise reason
    return found


def _imported(model, inputs, folder):
    """Large weights become parameters in a file of their own, as IREE deploys them."""
    import onnx
    source, target, parameters = (folder / n for n in ("model.onnx", "model.mlir", "model.irpa"))
    onnx.save(onnx_forms.folded(model), source)
    large = sum(len(w.raw_data) for w in model.graph.initializer) > LARGE
    done = subprocess.run(
        [sys.executable, "-m", "iree.compiler.tools.import_onnx", source, "-o", target,
         *(["--externalize-params", "--save-params-to", parameters] if large else [])],
        capture_output=True, text=True)
    if done.returncode:
        raise Unavailable("the importer refuses it")
    return target, list(inputs.values()), {"input_type": "onnx"}, parameters if large else None


def _binary(path, flags, options):
    """The binary; compiled once per text, flags and compiler."""
    import iree.compiler.tools as tools
    import iree.compiler.version as version
    with open(path, "rb") as file:
        key = hashlib.file_digest(file, "sha256")
    key.update(repr((flags, options, version.VERSION)).encode())
    cached = lt.cache_folder() / f"{key.hexdigest()[:32]}.vmfb"
    if not cached.exists():
        try:
            binary = tools.compile_file(str(path), target_backends=["llvm-cpu"],
                                        extra_args=[*HOST, *flags], **options)
        except tools.CompilerToolError as error:
            lines = [line for line in str(error).splitlines() if "error:" in line]
            what = lines[0].split("error:")[1].strip() if lines else "no reason given"
            raise Unavailable(f"the compiler refuses it: {what[:100]}") from None
        cached.write_bytes(binary)
    return cached.read_bytes()


def _load(binary, inputs, parameters, threads):
    import iree.runtime as rt
    config = rt.Config("local-sync" if threads == 1 else "local-task")
    module = rt.VmModule.copy_buffer(config.vm_instance, binary)
    modules = [module]
    if parameters:
        index = rt.ParameterIndex()
        index.load(str(parameters))
        modules.insert(0, rt.create_io_parameters_module(
            config.vm_instance, index.create_provider(scope="model")))
    context = rt.SystemContext(vm_modules=modules, config=config)
    arrays = [rt.asdevicearray(config.device, x) for x in inputs]
    main = getattr(context.modules, module.name)[next(
        n for n in module.function_names if "$" not in n[1:] and not n.startswith("__"))]
    return (lambda: main(*arrays)), _fetch


def _fetch(result):
    array = np.asarray(result.to_host())
    return array.view(ml_dtypes.bfloat16) if array.dtype in (np.int16, np.uint16) else array
