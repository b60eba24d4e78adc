# ===- testing.py - executed tests of compiled IR -===//
#
# Part of Linnet, under Apache-2.0 WITH LLVM-exception. See LICENSE.
#
# ===----------------------------------------------------------------------===//
"""Compiles IR text, runs it and compares with a float64 reference.

    y, = run('func.func @main(%x: tensor<?xf32> {linnet.dims = ["N"]}) -> tensor<?xf32> {...}', x)
    assert_close(y, reference, ulps=2)

Tolerances. An element is compared with the reference value r, computed in float64 from the same
(already rounded) inputs, so all error is the kernel's own:

    |y - r| <= ulps * u(y) * |r|  +  2 (4 + sqrt(depth)) * u(f32) * magnitude  +  tiny(y)

- u is the unit roundoff: 2^-24 for f32, 2^-11 for f16, 2^-8 for bf16. The first term is the
  rounding of the result, and what an elementwise function may be off: `ulps` counts units in the
  last place of the result's type, one of which is at most 2 u |r|; half of one is the rounding.
- A sum of `depth` terms has the error bound depth * u * magnitude, with `magnitude` the sum of
  the terms' absolute values; the error of a sum grows with sqrt(depth) with overwhelming
  probability (Higham and Mary, doi 10.1137/18M1226312) and partial sums only lessen it. The
  factor 2 (4 + sqrt(depth)) covers rounding the products and both signs of that bound. Sums are
  f32 for every float type.
- tiny is the smallest normal number: the runtime flushes subnormals to zero.

Integers and booleans are compared exactly; NaN and infinities must be where the reference has
them.
"""

import contextlib
import functools
import hashlib
import os
import pathlib
import subprocess
import tempfile
import time

import ml_dtypes
import numpy as np

from linnet import runtime
from linnet._src.running_error import Computed

DTYPES = {"f32": np.dtype(np.float32), "f16": np.dtype(np.float16),
          "bf16": np.dtype(ml_dtypes.bfloat16), "f64": np.dtype(np.float64),
          "i1": np.dtype(np.bool_), "i8": np.dtype(np.int8), "i16": np.dtype(np.int16),
          "i32": np.dtype(np.int32), "i64": np.dtype(np.int64)}
FLOATS = ("f32", "bf16", "f16")
NAMES = {dtype: name for name, dtype in DTYPES.items()}


# Compiling and running


def build_folder():
    default = pathlib.Path(__file__).parents[3] / "build"
    return pathlib.Path(os.environ.get("LINNET_BUILD", default))


@functools.cache
def stamp(tool="linnet-compile"):
    """What a cached output depends on beside its input: the compiler's files."""
    files = [build_folder() / "bin" / tool, build_folder() / "lib" / "libLinnet.so"]
    stats = [path.stat() for path in files]
    return repr([(s.st_size, s.st_mtime_ns) for s in stats])


class CompileError(Exception):
    """What linnet-compile wrote; `code` is its exit code."""

    def __init__(self, code, message):
        super().__init__(message)
        self.code = code


@functools.cache
def cache_folder():
    """What compilers made; files of before yesterday are removed, since they pile up."""
    folder = pathlib.Path(tempfile.gettempdir()) / f"linnet-tests-{os.getuid()}"
    folder.mkdir(exist_ok=True, mode=0o700)
    for path in folder.iterdir():
        with contextlib.suppress(FileNotFoundError):
            if time.time() - path.stat().st_mtime > 24 * 3600:
                path.unlink()
    return folder


def cached(make, suffix, *parts):
    """Path of the file for `parts` in cache_folder(). If there is none, make(path, target) writes one
    to `path`, which becomes `target`, and what goes with it beside `target`."""
    key = hashlib.sha256("\0".join(parts).encode()).hexdigest()[:32]
    target = cache_folder() / f"{key}{suffix}"
    if not target.exists():
        # a name of its own first: tests run in parallel
        unfinished = cache_folder() / f"{key}.{os.getpid()}{suffix}"
        make(unfinished, target)
        unfinished.rename(target)
    return target


# Where models run: pytest's --device sets it for tests that choose none
DEVICE = "cpu"

# linnet-compile's --positions for models that run on GPUs: `wide` tries all kernels in 64 bits
POSITIONS = os.environ.get("LINNET_POSITIONS", "guarded")


def on_cpu():
    """Whether models run there: tests are smaller elsewhere, and look at less that is of CPUs."""
    return DEVICE == "cpu"


def device_flags(device=None):
    """What linnet-compile has to be told, so that a bundle runs where models do."""
    kind = (device or DEVICE).partition(":")[0]
    return [] if kind == "cpu" else [f"--target={kind}", f"--positions={POSITIONS}"]


def compile_text(text, *flags, weights=None, cpu="native", device=None):
    """Path of the bundle for IR text; compiled once per text, flags and compiler."""
    flags, given = [f"--cpu={cpu}", *flags, *device_flags(device)], []
    digest = ""
    if weights is not None:
        given = [f"--weights={weights}"]
        with open(weights, "rb") as file:
            digest = hashlib.file_digest(file, "sha256").hexdigest()

    def make(path, _):
        done = subprocess.run(
            [build_folder() / "bin" / "linnet-compile", "-", "-o", path, *flags, *given],
            input=text, text=True, capture_output=True)
        if done.returncode != 0:
            raise CompileError(done.returncode, done.stderr)

    return cached(make, ".lnb", text, *flags, stamp() + digest)


def open_bundle(path, threads=1, device=None, **options):
    """A bundle as a module of a runtime of its own, where models run."""
    return runtime.Runtime(threads, device=device or DEVICE).load(path, **options)


def run_command(bundle, *arguments):
    """The command line that runs a bundle where models run."""
    return [build_folder() / "bin" / "linnet-run", bundle, f"--device={DEVICE}", *arguments]


def load(text, *flags, threads=1, device=None, **options):
    """The compiled text as a module of a runtime of its own."""
    return open_bundle(compile_text(text, *flags, device=device, **options), threads, device)


def run(text, *inputs, function="main", threads=1, flags=(), symbols=None, **options):
    """Results of one call, on a new session."""
    model = load(text, *flags, threads=threads, **options)
    return model.session(**(symbols or {})).call(function, *inputs)


def run_cases(cases, threads=1, flags=()):
    """Runs many small functions as one module, which compiles faster than one by one; the same text
    is compiled once.

    A case is (label, IR text of one function @main, inputs, check), where check takes the results;
    the failures of all are raised together."""
    cases, names, failures = list(cases), {}, []
    for _, text, _, _ in cases:
        names.setdefault(text, f"main_{len(names)}")
    model = load("\n".join(text.replace("func.func @main(", f"func.func @{name}(", 1)
                           for text, name in names.items()), *flags, threads=threads)
    for label, text, inputs, check in cases:
        try:
            check(*model.session().call(names[text], *inputs))
        except (AssertionError, runtime.Error) as error:
            failures.append(f"{label}: {str(error).strip()}")
    if failures:
        raise AssertionError(f"{len(failures)} of {len(cases)} cases:\n" + "\n".join(failures))


# Comparing


def unit_roundoff(dtype):
    dtype = np.dtype(dtype)
    return float(ml_dtypes.finfo(dtype).eps) / 2


def tolerance(reference, dtype, ulps=1.0, depth=0, magnitude=None, error=0.0):
    """The bound of this file's header, per element. `error`: what else the value may be off before its
    last rounding, of running_error.py say."""
    reference = np.asarray(reference, np.float64)
    with np.errstate(invalid="ignore"):
        bound = 2 * ulps * unit_roundoff(dtype) * np.abs(reference)
    bound = bound + float(ml_dtypes.finfo(np.dtype(dtype)).smallest_normal) + error
    if depth:
        if magnitude is None:
            raise ValueError("a sum's tolerance needs the magnitude of its terms")
        accumulator = unit_roundoff(np.float64 if dtype == np.float64 else np.float32)
        bound = bound + 2 * (4 + depth ** 0.5) * accumulator * np.abs(magnitude)
    return bound


def assert_close(actual, reference, ulps=1.0, depth=0, magnitude=None, error=0.0):
    """Compares with a float64 (or integer) reference, or one of running_error.py, which brings its error;
    see this file's header."""
    if isinstance(reference, Computed):
        reference, error = reference.value, reference.bound + error
    actual, reference = np.asarray(actual), np.asarray(reference)
    assert actual.shape == reference.shape, f"shape {actual.shape}, expected {reference.shape}"
    if actual.dtype.kind in "iub":
        np.testing.assert_array_equal(actual, reference)
        return
    bound = np.broadcast_to(tolerance(reference, actual.dtype, ulps, depth, magnitude, error),
                            actual.shape)
    wide = actual.astype(np.float64)
    # a value past the type's range rounds to infinity, as the kernel's does
    largest = float(ml_dtypes.finfo(actual.dtype).max)
    with np.errstate(invalid="ignore"):
        over = np.abs(reference) > largest
        equal = (wide == reference) | (np.isnan(wide) & np.isnan(reference))
        equal |= over & np.isinf(wide) & (np.sign(wide) == np.sign(reference))
        error = np.where(equal, 0.0, np.abs(wide - reference))
        bad = ~(error <= np.where(np.isfinite(bound), bound, 0.0))
    if bad.any():
        with np.errstate(invalid="ignore", divide="ignore"):
            worst = np.unravel_index(np.argmax(np.where(bad, np.nan_to_num(
                error / bound, nan=np.inf, posinf=np.inf), -1)), bad.shape)
        raise AssertionError(
            f"{int(bad.sum())} of {bad.size} elements are off; the worst at "
            f"{tuple(map(int, worst))}: {wide[worst]!r}, expected {reference[worst]!r} "
            f"within {bound[worst]:.2e}")


def assert_same_bits(text, *inputs, **options):
    """One call has the same bits with 1, 2 and 3 threads."""
    first, *others = [[np.asarray(y).tobytes() for y in run(text, *inputs, threads=n, **options)]
                      for n in (1, 2, 3)]
    assert all(first == other for other in others)


# Inputs


def random(rng, shape, dtype, scale=1.0):
    """Normal numbers, or integers from -9 to 9, or coin tosses."""
    dtype = DTYPES.get(dtype, dtype)
    if dtype.kind == "b":
        return rng.integers(0, 2, shape).astype(bool)
    if dtype.kind == "i":
        return rng.integers(-9, 10, shape).astype(dtype)
    return (rng.standard_normal(shape) * scale).astype(np.float32).astype(dtype)


def wide(array):
    """float64 of a float array; integers as they are."""
    array = np.asarray(array)
    return array if array.dtype.kind in "iub" else array.astype(np.float64)


# IR text


def tensor_type(shape, dtype, dynamic=False):
    """`dynamic`: all sizes, or the positions of those that are."""
    which = range(len(shape)) if dynamic is True else dynamic or ()
    return "tensor<" + "".join("?x" if i in which else f"{n}x" for i, n in enumerate(shape)) + (
        f"{dtype}>")


def argument(name, shape, dtype, dynamic=False, symbols=None):
    """`%name: type {linnet.dims = [...]}`; `symbols` names the dimensions, by default each for
    itself."""
    type = tensor_type(shape, dtype, dynamic)
    which = set(range(len(shape)) if dynamic is True else dynamic or ())
    if not which:
        return f"%{name}: {type}"
    symbols = symbols or [f"{name}{i}" for i in range(len(shape))]
    dims = ", ".join(f'"{symbols[i]}"' if i in which else str(n) for i, n in enumerate(shape))
    return f"%{name}: {type} {{linnet.dims = [{dims}]}}"


def function(arguments, result, body, name="main"):
    """A function of one result, `%y`."""
    lines = "\n".join("  " + line for line in body.strip().splitlines())
    return (f"func.func @{name}({', '.join(arguments)}) -> {result} {{\n{lines}\n"
            f"  return %y : {result}\n}}\n")
