# Part of Linnet, under Apache-2.0 WITH LLVM-exception. See LICENSE.
"""Calls single CPU kernels for tests: compiles `exec.kernel` ops with linnet-kernels and runs them
by the convention of Bundle/KernelABI.h, with canaries around every buffer."""

import ctypes
import functools
import json
import math
import os
import pathlib
import subprocess
import tempfile

import ml_dtypes
import numpy as np

from linnet._src import testing

DTYPES = {
    "f64": np.float64, "f32": np.float32, "f16": np.float16, "bf16": ml_dtypes.bfloat16,
    "i1": np.bool_, "i8": np.int8, "i16": np.int16, "i32": np.int32, "i64": np.int64,
    "index": np.int64,
}
NO_ERROR = 2**64 - 1
CANARY = 0xA5
MARGIN = 256

# Runs ranges of chunks as the runtime does: subnormals flushed, one worker per range.
DRIVER = r"""
#include <stdint.h>
#include <time.h>
#include <immintrin.h>
typedef void (*kernel)(const void *, void *const *, const int64_t *, int64_t, int64_t, int32_t);
void run(kernel k, const void *env, void *const *buffers, const int64_t *scalars,
         const int64_t *ranges, int64_t n) {
  unsigned old = _mm_getcsr();
  _mm_setcsr(old | 0x8040);
  for (int64_t i = n; i-- > 0;)
    if (ranges[2 * i] < ranges[2 * i + 1])
      k(env, buffers, scalars, ranges[2 * i], ranges[2 * i + 1], (int32_t)i);
  _mm_setcsr(old);
}
static double now(void) {
  struct timespec t;
  clock_gettime(CLOCK_MONOTONIC, &t);
  return t.tv_sec + 1e-9 * t.tv_nsec;
}
double bench(kernel k, const void *env, void *const *buffers, const int64_t *scalars,
             int64_t chunks, double seconds) {
  unsigned old = _mm_getcsr();
  _mm_setcsr(old | 0x8040);
  double best = 1e30, start = now();
  int turns = 0;
  do {
    double t = now();
    k(env, buffers, scalars, 0, chunks, 0);
    t = now() - t;
    best = t < best ? t : best;
  } while (++turns < 4 || now() - start < seconds);
  _mm_setcsr(old);
  return best;
}
double copy(float *restrict to, const float *restrict from, int64_t n, double seconds) {
  double best = 1e30, start = now();
  int turns = 0;
  do {
    double t = now();
    for (int64_t i = 0; i + 8 <= n; i += 8)
      _mm256_storeu_ps(to + i, _mm256_loadu_ps(from + i));
    t = now() - t;
    best = t < best ? t : best;
  } while (++turns < 4 || now() - start < seconds);
  return best;
}
"""


def root():
    return pathlib.Path(__file__).resolve().parents[3]


def build():
    return pathlib.Path(os.environ.get("LINNET_BUILD", root() / "build"))


@functools.lru_cache(None)
def workdir():
    return tempfile.TemporaryDirectory(prefix="linnet-kernels-")


@functools.lru_cache(None)
def driver():
    source = pathlib.Path(workdir().name) / "driver.c"
    source.write_text(DRIVER)
    library = source.with_suffix(".so")
    subprocess.run(["clang-22", "-O2", "-mavx2", "-fno-vectorize", "-shared", "-fPIC", source, "-o", library],
                   check=True)
    lib = ctypes.CDLL(str(library))
    lib.bench.restype = lib.copy.restype = ctypes.c_double
    return lib


def has_level(level):
    """Whether this machine runs kernels of the level."""
    flags = pathlib.Path("/proc/cpuinfo").read_text()
    needed = {"x86-64-v3": ["avx2", "fma", "f16c", "bmi2"],
              "x86-64-v4": ["avx512f", "avx512bw", "avx512dq", "avx512vl"]}.get(level, [])
    return all(f" {flag} " in flags for flag in needed)


LEVELS = [level for level in ("x86-64-v3", "x86-64-v4") if has_level(level)]


class Buffer:
    """Memory of one tensor between two canaries; `skew` bytes off 64-byte alignment."""

    def __init__(self, shape, dtype, skew=0, fill=0xFF):
        self.bytes = math.prod(shape) * np.dtype(dtype).itemsize
        self.raw = np.full(self.bytes + 2 * MARGIN + 64, CANARY, np.uint8)
        base = self.raw.ctypes.data
        self.start = MARGIN + (-(base + MARGIN) % 64) + skew
        self.array = self.raw[self.start:self.start + self.bytes].view(dtype).reshape(shape)
        if self.bytes:
            self.raw[self.start:self.start + self.bytes] = fill

    @property
    def pointer(self):
        return self.raw.ctypes.data + self.start if self.bytes else None

    def check(self, what):
        outside = np.concatenate([self.raw[:self.start], self.raw[self.start + self.bytes:]])
        assert (outside == CANARY).all(), f"{what}: written outside of its {self.bytes} bytes"


class Env(ctypes.Structure):
    _fields_ = [("version", ctypes.c_uint32), ("size", ctypes.c_uint32),
                ("scratch", ctypes.c_void_p), ("error", ctypes.c_void_p)]


def float_bits(value, dtype):
    raw = np.array([value], dtype).tobytes()
    return int.from_bytes(raw, "little")


def signed(value):
    return value - 2**64 if value >= 2**63 else value


class Kernel:
    def __init__(self, library, name, info):
        self.name, self.info = name, info
        self.function = ctypes.cast(getattr(library, name), ctypes.c_void_p)
        self.launcher = getattr(library, name + ".launch")
        self.launch_values = None

    def scalars(self, args, sizes, site):
        out = []
        for value, arg in zip(args, self.info["arguments"]):
            if "dims" in arg:
                assert value.ndim == len(arg["dims"]), (value.shape, arg)
                for size, dim in zip(value.shape, arg["dims"]):
                    assert dim < 0 or dim == size, (value.shape, arg)
                    if dim < 0:
                        out.append(size)
            elif "f" in arg["type"]:
                out.append(signed(float_bits(value, DTYPES[arg["type"]])))
            else:
                out.append(int(value))
        out += sizes
        if self.info["faults"]:
            out.append(site)
        return (ctypes.c_int64 * max(len(out), 1))(*out)

    def prepare(self, args, sizes, skew):
        """Buffers of the arguments and of the results."""
        dtypes = [DTYPES[a["type"]] for a in self.info["arguments"]]
        inputs = []
        for value, arg, dtype in zip(args, self.info["arguments"], dtypes):
            if "dims" not in arg:
                inputs.append(None)
                continue
            b = Buffer(value.shape, dtype, np.dtype(dtype).itemsize if skew else 0)
            b.array[...] = value
            inputs.append(b)
        sizes, outputs = list(sizes), []
        for result, tied in zip(self.info["results"], self.info["tied"]):
            if tied >= 0:
                outputs.append(inputs[tied])
                continue
            shape = [sizes.pop(0) if d < 0 else d for d in result["dims"]]
            outputs.append(Buffer(shape, DTYPES[result["type"]]))
        return inputs, outputs

    def launch(self, scalars):
        out = (ctypes.c_int64 * 4)()
        self.launcher(scalars, out)
        return list(out)

    def call(self, args, sizes, site, skew, run):
        args = [np.asarray(a) if "dims" in t else a
                for a, t in zip(args, self.info["arguments"], strict=True)]
        inputs, outputs = self.prepare(args, sizes, skew)
        scalars = self.scalars(args, list(sizes), site)
        chunks, scratch, _, _ = self.launch_values = self.launch(scalars)
        tied = self.info["tied"]
        buffers = [b for b in inputs if b] + [b for b, t in zip(outputs, tied) if t < 0]
        pointers = (ctypes.c_void_p * max(len(buffers), 1))(*[b.pointer for b in buffers])
        error = np.full(1, NO_ERROR, np.uint64)

        def env(workers):
            spaces = [Buffer([scratch], np.uint8) for _ in range(workers)]
            table = (ctypes.c_void_p * workers)(*[s.pointer for s in spaces])
            return Env(1, ctypes.sizeof(Env), ctypes.addressof(table), error.ctypes.data), spaces, table

        result = run(env, pointers, scalars, chunks)
        for i, b in enumerate(buffers):
            b.check(f"{self.name}: buffer {i}")
        return [b.array.copy() for b in outputs], int(error[0]), result

    def __call__(self, *args, sizes=(), threads=1, site=0, skew=True):
        """Results (one: itself; more: a list). Raises on a fault."""
        outputs, error = self.run(*args, sizes=sizes, threads=threads, site=site, skew=skew)
        assert error == NO_ERROR, f"fault: site {error >> 44}, position {error & (2**44 - 1)}"
        return outputs[0] if len(outputs) == 1 else outputs

    def run(self, *args, sizes=(), threads=1, site=0, skew=True):
        """Results and the error word. `sizes`: dynamic sizes of the untied results; `threads`:
        into how many ranges the chunks are split, run last first."""

        def execute(env, pointers, scalars, chunks):
            e, spaces, _table = env(threads)
            bounds = [chunks * t // threads for t in range(threads + 1)]
            ranges = [v for t in range(threads) for v in bounds[t:t + 2]]
            driver().run(self.function, ctypes.byref(e), pointers, scalars,
                         (ctypes.c_int64 * len(ranges))(*ranges), ctypes.c_int64(threads))
            for s in spaces:
                s.check(f"{self.name}: scratch")

        outputs, error, _ = self.call(args, sizes, site, skew, execute)
        return outputs, error

    def bench(self, *args, sizes=(), seconds=0.3):
        """Best time of one call on one thread, in seconds."""

        def execute(env, pointers, scalars, chunks):
            e, _spaces, _table = env(1)
            return driver().bench(self.function, ctypes.byref(e), pointers, scalars,
                                  ctypes.c_int64(chunks), ctypes.c_double(seconds))

        return self.call(args, sizes, 0, False, execute)[2]


def copy_seconds(elements, seconds=0.3):
    """Best time of copying f32 elements: the ceiling of kernels that are bound by memory."""
    a, b = np.ones(elements, np.float32), np.ones(elements, np.float32)
    pointer = lambda x: ctypes.c_void_p(x.ctypes.data)
    return driver().copy(pointer(b), pointer(a), ctypes.c_int64(elements), ctypes.c_double(seconds))


def tool(*args, text=None):
    out = subprocess.run([build() / "bin/linnet-kernels", *args], input=text, text=True,
                         capture_output=True)
    if out.returncode:
        raise RuntimeError(out.stderr)
    return out.stdout


def on_vulkan():
    """Whether compile() makes kernels of a Vulkan device, where constants lie as they are."""
    return os.environ.get("LINNET_DEVICE", "cpu") == "vulkan"


def compile(text, cpu=LEVELS[-1], constants=None):
    """Compiles the kernels of an MLIR text, once per text and compiler; a dictionary by name.
    `constants` holds, by kernel, the positions of arguments that are constants. With LINNET_DEVICE
    set to vulkan they are compiled for and called on that."""
    if on_vulkan():
        from linnet._src import vulkan_kernels
        return vulkan_kernels.compile(text)
    flags = [f"--cpu={cpu}"]
    flags += [f"--constant=@{k}:{','.join(map(str, v))}" for k, v in (constants or {}).items()]

    def make(path, target):
        tool("-", "-o", path, *flags, text=text)
        undefined = subprocess.run(["nm", "-D", "-u", path], capture_output=True, text=True).stdout
        assert not undefined.strip(), undefined
        pathlib.Path(f"{path}.json").rename(f"{target}.json")

    path = testing.cached(make, ".so", text, *flags, testing.stamp("linnet-kernels"))
    library = ctypes.CDLL(str(path))
    signatures = json.loads(pathlib.Path(f"{path}.json").read_text())
    return {name: Kernel(library, name, info) for name, info in signatures.items()}


def pack(source, layout):
    """The panels of a constant: [batch][ceil(n/panel)][ceil(k/group)][panel][group], zero padded."""
    source = np.ascontiguousarray(source)
    batch, n, k = layout["batch"], layout["n"], layout["k"]
    strides = [layout[s] * source.itemsize for s in ("batch_stride", "n_stride", "k_stride")]
    view = np.lib.stride_tricks.as_strided(source, (batch, n, k), strides)
    panel, group = layout["panel"], layout["group"]
    panels, groups = -(-n // panel), -(-k // group)
    padded = np.zeros((batch, panels * panel, groups * group), source.dtype)
    padded[:, :n, :k] = view
    tiles = padded.reshape(batch, panels, panel, groups, group)
    return np.ascontiguousarray(tiles.transpose(0, 1, 3, 2, 4)).reshape(-1)
