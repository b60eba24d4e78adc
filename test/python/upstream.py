# ===- upstream.py - runs structured IR with upstream MLIR -----------------===//
#
# Part of Linnet, under Apache-2.0 WITH LLVM-exception. See LICENSE.
#
# Lowerings to linalg are grounded here before any kernel of Linnet is involved: upstream's
# own loops compute what the lowered IR means. Where tests run on a device, Linnet's kernels of the
# same functions run there instead.
#
# ===----------------------------------------------------------------------===//
import ctypes
import os
import pathlib
import re
import subprocess
import tempfile

import ml_dtypes
import numpy as np
from linnet._src import testing

ROOT = pathlib.Path(__file__).parents[2]
LLVM = pathlib.Path(os.environ.get("LLVM_BIN", "/usr/lib/llvm-22/bin"))
TO_LLVM = ("builtin.module(one-shot-bufferize{bufferize-function-boundaries "
           "allow-return-allocs-from-loops function-boundary-type-conversion=identity-layout-map},"
           "func.func(llvm-request-c-wrappers),"
           "convert-linalg-to-loops,canonicalize,expand-strided-metadata,lower-affine,"
           "convert-scf-to-cf,arith-expand{include-bf16=true},convert-math-to-llvm,"
           "convert-math-to-libm,finalize-memref-to-llvm,convert-arith-to-llvm,"
           "convert-index-to-llvm,convert-cf-to-llvm,convert-func-to-llvm,"
           "reconcile-unrealized-casts)")


def lower(text, *passes):
    """The module after passes of linnet-opt."""
    tool = ROOT / "build" / "bin" / "linnet-opt"
    done = subprocess.run([tool, *passes, "-"], input=text, capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
    return done.stdout


class Module:
    """IR that is lowered by `passes`, compiled by upstream and called on NumPy arrays."""

    def __init__(self, text, *passes):
        self.folder = tempfile.TemporaryDirectory()
        folder = pathlib.Path(self.folder.name)
        (folder / "m.mlir").write_text(lower(text, *passes))

        def run(*command):
            done = subprocess.run(command, capture_output=True, text=True)
            assert done.returncode == 0, done.stderr

        run(LLVM / "mlir-opt", folder / "m.mlir", f"--pass-pipeline={TO_LLVM}",
            "-o", folder / "low.mlir")
        run(LLVM / "mlir-translate", "--mlir-to-llvmir", folder / "low.mlir",
            "-o", folder / "m.ll")
        run(LLVM / "clang", "-O1", "-march=x86-64-v3", "-shared", "-fPIC", "-ffp-contract=off",
            "-Wno-override-module", folder / "m.ll", "-lm", f"-L{LLVM.parent}/lib",
            "-lmlir_c_runner_utils", f"-Wl,-rpath,{LLVM.parent}/lib", "-o", folder / "m.so")
        self.library = ctypes.CDLL(str(folder / "m.so"))

    def call(self, name, arguments, results):
        """`arguments`: arrays or index scalars; `results`: (dtype, rank) of each."""
        keep, arrays = [], []
        for a in arguments:
            if isinstance(a, (int, np.integer)):
                keep.append(ctypes.c_int64(int(a)))
                continue
            arrays.append(a := np.array(a, order="C"))  # a copy that may be written
            keep.append(ctypes.byref(_describe(a)))
        out = _result_struct([rank for _, rank in results])()
        function = getattr(self.library, "_mlir_ciface_" + name)
        function.restype = None
        function(ctypes.byref(out), *keep)
        return [_copy(getattr(out, f"r{i}"), dtype, rank)
                for i, (dtype, rank) in enumerate(results)]


class DeviceModule:
    """The same for models on a device. A function is compiled for each shape of its arguments: unknown
    sizes stay unknown, those that are equal in the call get the same name."""

    def __init__(self, text):
        functions = re.split(r"^(?=func\.func )", text, flags=re.M)
        self.functions = {f[len("func.func @"):f.index("(")]: f for f in functions if f.strip()}

    def call(self, name, arguments, results):
        head, rest = re.split(r"\)\s*-> ", self.functions[name], maxsplit=1)
        head, _, given = head.partition("(")
        signature, constants, arrays = [], "", []
        for argument, value in zip(re.split(r", (?=%)", given.replace("\n", " ")), arguments, strict=True):
            value = np.asarray(value)
            if argument.endswith(": index"):  # sizes come from shapes: of callers' numbers they are refused
                constants += f"  {argument.partition(':')[0]} = arith.constant {value} : index\n"
                continue
            dims = ", ".join(f'"S{n}"' if size == "?" else size for n, size in zip(
                value.shape, re.search(r"tensor<([\dx?]*)", argument)[1].split("x")))
            signature.append(argument + f" {{linnet.dims = [{dims}]}}" * (chr(34) in dims))
            arrays.append(value)
        result, _, body = rest.partition("{\n")
        text = f"{head}({', '.join(signature)}) -> {result}{{\n{constants}{body}"
        return testing.load(text).session().call(name, *arrays)


def module_of(text, *passes):
    return Module(text, *passes) if testing.on_cpu() else DeviceModule(text)


def _descriptor(rank):
    return type(f"MemRef{rank}", (ctypes.Structure,), {"_fields_": [
        ("allocated", ctypes.c_void_p), ("aligned", ctypes.c_void_p),
        ("offset", ctypes.c_int64), ("sizes", ctypes.c_int64 * rank),
        ("strides", ctypes.c_int64 * rank)]})


def _describe(a):
    d = _descriptor(a.ndim)()
    d.allocated = d.aligned = a.ctypes.data
    d.offset = 0
    for i in range(a.ndim):
        d.sizes[i] = a.shape[i]
        d.strides[i] = int(np.prod(a.shape[i + 1:], dtype=np.int64))
    return d


def _result_struct(ranks):
    return type("Results", (ctypes.Structure,),
                {"_fields_": [(f"r{i}", _descriptor(rank)) for i, rank in enumerate(ranks)]})


def _copy(d, dtype, rank):
    dtype = np.dtype(dtype)
    shape, strides = tuple(d.sizes[:rank]), tuple(d.strides[:rank])
    result = np.zeros(shape, dtype)
    if result.size:
        extent = sum((n - 1) * s for n, s in zip(shape, strides)) + 1
        start = d.aligned + d.offset * dtype.itemsize
        raw = np.frombuffer((ctypes.c_char * (extent * dtype.itemsize)).from_address(start), dtype)
        result[...] = np.lib.stride_tricks.as_strided(
            raw, shape, [s * dtype.itemsize for s in strides])
    return result


DTYPES = {"f32": np.float32, "f16": np.float16, "bf16": ml_dtypes.bfloat16, "f64": np.float64,
          "i8": np.int8, "i32": np.int32, "i64": np.int64}
# half a unit in the last place of a result that is rounded once
ROUNDING = {"f32": 2.0**-24, "f16": 2.0**-11, "bf16": 2.0**-8, "f64": 2.0**-53}


def assert_close(got, want, dtype, scale=1.0):
    """Within `scale` f32 roundings of the largest value, and one of the result's type."""
    got, want = np.asarray(got, np.float64), np.asarray(want, np.float64)
    assert got.shape == want.shape, (got.shape, want.shape)
    if want.size == 0:
        return
    finite = want[np.isfinite(want)]
    top = np.abs(finite).max() if finite.size else 1.0
    computed = ROUNDING["f64"] if dtype == "f64" else ROUNDING["f32"]
    # subnormals of f16 have a fixed spacing
    atol = 4 * scale * computed * top + (2.0**-24 if dtype == "f16" else 0)
    np.testing.assert_allclose(got, want, rtol=2 * ROUNDING[dtype], atol=atol)
