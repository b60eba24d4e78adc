# Part of Linnet, under Apache-2.0 WITH LLVM-exception. See LICENSE.
"""Contraction and convolution kernels beside ceilings probed in the same run, one thread.

    python test/tools/bench_dense.py [--cpu=LEVEL] [--only=WORDS]

Prints the median fraction of the ceiling: of FMA (bf16: of its dot product) where a kernel
computes, of reading memory where it waits. Times are the thread's CPU time, so that other load on
the machine shows as little as it can."""

import argparse
import ctypes
import pathlib
import subprocess
import sys

import numpy as np

sys.path[:0] = [str(pathlib.Path(__file__).parents[2] / "python"),
                str(pathlib.Path(__file__).parents[1] / "python")]

from kernel_contraction import Einsum, build  # noqa: E402
from linnet._src import kernels  # noqa: E402
from test_kernels_conv import Conv  # noqa: E402

PROBES = r"""
#include <immintrin.h>
#include <stdint.h>
#include <time.h>
typedef void (*kernel)(const void *, void *const *, const int64_t *, int64_t, int64_t, int32_t);
static double seconds(clockid_t id) {
  struct timespec t;
  clock_gettime(id, &t);
  return t.tv_sec + 1e-9 * t.tv_nsec;
}
#define BEST(work)                                                                                 \
  double best = 1e30, start = seconds(CLOCK_MONOTONIC);                                            \
  for (int turn = 0; turn < 4 || seconds(CLOCK_MONOTONIC) - start < limit; ++turn) {               \
    double t = seconds(CLOCK_THREAD_CPUTIME_ID);                                                   \
    work;                                                                                          \
    t = seconds(CLOCK_THREAD_CPUTIME_ID) - t;                                                      \
    best = t < best ? t : best;                                                                    \
  }                                                                                                \
  return best
double bench(kernel k, const void *env, void *const *buffers, const int64_t *scalars,
             int64_t chunks, double limit) {
  _mm_setcsr(_mm_getcsr() | 0x8040);
  BEST(k(env, buffers, scalars, 0, chunks, 0));
}
// 12 independent chains, 20000 long
#define CHAINS(name, isa, type, instruction)                                                       \
  __attribute__((target(isa))) static void name##_chains(void) {                                   \
    type a[12] = {0}, x = {0};                                                                     \
    for (int r = 0; r < 20000; ++r)                                                                \
      for (int i = 0; i < 12; ++i)                                                                 \
        __asm__ volatile(instruction " %1, %1, %0" : "+v"(a[i]) : "v"(x));                         \
  }                                                                                                \
  double name(double limit) { BEST(name##_chains()); }
CHAINS(fma256, "avx2,fma", __m256, "vfmadd213ps")
CHAINS(fma512, "avx512f", __m512, "vfmadd213ps")
CHAINS(dot512, "avx512f", __m512, "vdpbf16ps")
static volatile float sink;
static void sum(const float *p, int64_t n) {
  float s[4] = {0};
  __m256 a[4] = {0};
  for (int64_t i = 0; i + 32 <= n; i += 32)
    for (int j = 0; j < 4; ++j)
      a[j] = _mm256_add_ps(a[j], _mm256_loadu_ps(p + i + 8 * j));
  for (int j = 0; j < 4; ++j)
    s[j] = a[j][0];
  sink = s[0] + s[1] + s[2] + s[3];
}
double reading(const float *p, int64_t n, double limit) { BEST(sum(p, n)); }
"""


def driver():
    source = pathlib.Path(kernels.workdir().name) / "probes.c"
    source.write_text(PROBES)
    library = source.with_suffix(".so")
    subprocess.run(["clang-22", "-O2", "-mavx2", "-shared", "-fPIC", source, "-o", library], check=True)
    lib = ctypes.CDLL(str(library))
    for name in ("bench", "fma256", "fma512", "dot512", "reading"):
        getattr(lib, name).restype = ctypes.c_double
    return lib


LIB = driver()
kernels.driver = lambda: LIB
MEMORY = np.ones(40 << 20, np.float32)


def per_second(kind, cpu):
    """FLOP/s, or for `read` bytes/s, of the ceiling."""
    limit = ctypes.c_double(0.05)
    if kind == "read":
        return MEMORY.nbytes / LIB.reading(ctypes.c_void_p(MEMORY.ctypes.data),
                                           ctypes.c_int64(MEMORY.size), limit)
    name, flops = ("fma256", 16) if cpu == "x86-64-v3" else ("fma512", 32)
    if kind == "bf16" and cpu == "native":
        name, flops = "dot512", 64
    return 20000 * 12 * flops / getattr(LIB, name)(limit)


def report(name, kernel, args, sizes, kind, cpu, moved):
    fractions, times = [], []
    for _ in range(5):
        before = per_second(kind, cpu)
        t = kernel.bench(*args, sizes=sizes, seconds=0.15)
        ceiling = max(before, per_second(kind, cpu))
        done = moved if kind == "read" else kernel.launch_values[2]
        fractions.append(done / t / ceiling)
        times.append(t)
    unit = "of reading" if kind == "read" else "of the peak"
    print(f"{name:44} {np.median(fractions):6.1%} {unit:12} {min(times) * 1e3:9.3f} ms "
          f"{kernel.launch_values[0]:4} chunks {kernel.launch_values[1] >> 10:5} KiB scratch", flush=True)


def contraction(name, spec, m, n, k, cpu, packed=False, dynamic=False, dtype="f32", kind=None):
    p = Einsum(spec, dict(m=m, n=n, k=k), dtype=dtype, dynamic=dynamic)
    kernel = build(p, cpu, [1] if packed else ())
    args = p.arguments()
    moved = args[1].nbytes
    for i, layout in enumerate(kernel.info["layouts"]):
        if layout:
            args[i] = kernels.pack(args[i], layout)
            kernel.info["arguments"][i]["dims"] = [args[i].size]
    sizes = [m, n] if dynamic else []
    report(name, kernel, args, sizes, kind or ("bf16" if dtype == "bf16" else "f32"), cpu, moved)


def convolution(name, problem, cpu):
    kernel = kernels.compile(problem.text(), cpu=cpu)["k"]
    report(name, kernel, problem.arguments(), [], "f32", cpu, 0)


KN, NK, KM = "mk,kn->mn", "mk,nk->mn", "km,kn->mn"
SQUARE = (1, 1, 1, 1)
CASES = [
    *((f"{m}x{n}x{k} {how}", contraction, (KN, m, n, k), dict(packed=how == "packed", dynamic=how == "dynamic"))
      for m, n, k in [(512, 512, 512), (500, 700, 333), (17, 64, 4097), (1024, 1024, 1024), (128, 3072, 768)]
      for how in ("packed", "plain", "dynamic")),
    ("512x512x512 [N][K] plain", contraction, (NK, 512, 512, 512), {}),
    ("512x512x512 [K][M] plain", contraction, (KM, 512, 512, 512), {}),
    ("512x512x512 bf16 packed", contraction, (KN, 512, 512, 512), dict(packed=True, dtype="bf16")),
    ("512x512x512 f16 packed", contraction, (KN, 512, 512, 512), dict(packed=True, dtype="f16")),
    ("1x8192x5120 packed", contraction, (KN, 1, 8192, 5120), dict(packed=True, kind="read")),
    ("1x8192x5120 [N][K] plain", contraction, (NK, 1, 8192, 5120), dict(kind="read")),
    ("4x8192x5120 [N][K] plain", contraction, (NK, 4, 8192, 5120), dict(kind="read")),
    ("1x8192x5120 bf16 [N][K] plain", contraction, (NK, 1, 8192, 5120), dict(dtype="bf16", kind="read")),
    ("conv 3x3 64->64 56", convolution, (Conv((1, 64, 56, 56), (64, 64, 3, 3), pad=SQUARE),), {}),
    ("conv 3x3 stride 2 64->128 56", convolution,
     (Conv((1, 64, 56, 56), (128, 64, 3, 3), stride=(2, 2), pad=SQUARE),), {}),
    ("conv 1x1 256->1024 14", convolution, (Conv((1, 256, 14, 14), (1024, 256, 1, 1)),), {}),
    ("conv 3x3 512->512 7", convolution, (Conv((1, 512, 7, 7), (512, 512, 3, 3), pad=SQUARE),), {}),
    ("conv 7x7 stride 2 3->64 224", convolution,
     (Conv((1, 3, 224, 224), (64, 3, 7, 7), stride=(2, 2), pad=(3, 3, 3, 3)),), {}),
    ("conv depthwise 3x3 256 28", convolution,
     (Conv((1, 256, 28, 28), (256, 1, 3, 3), pad=SQUARE, groups=256),), {}),
]


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--cpu", default="native", help="CPU level")
    parser.add_argument("--only", default="", help="run what has this in its name")
    options = parser.parse_args()
    for name, run, args, rest in CASES:
        if options.only in name:
            run(name, *args, cpu=options.cpu, **rest)


if __name__ == "__main__":
    main()
