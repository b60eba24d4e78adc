# Part of Linnet, under Apache-2.0 WITH LLVM-exception. See LICENSE.
"""What this machine can do, probed in the same run as the kernels that are compared with it."""

import ctypes
import functools
import pathlib
import subprocess

import numpy as np

from linnet._src import kernels

SOURCE = r"""
#include <immintrin.h>
#include <stdint.h>
#include <time.h>
#ifdef __AVX512F__
typedef __m512 vec;
#define LANES 16
#define SET _mm512_set1_ps
#define FMA _mm512_fmadd_ps
static vec power(vec p, vec r) { return _mm512_scalef_ps(p, r); }
static vec nearest(vec x) { return _mm512_roundscale_ps(x, 8); }
#else
typedef __m256 vec;
#define LANES 8
#define SET _mm256_set1_ps
#define FMA _mm256_fmadd_ps
static vec power(vec p, vec r) {
  __m256i e = _mm256_slli_epi32(_mm256_cvtps_epi32(r), 23);
  return _mm256_castsi256_ps(_mm256_add_epi32(_mm256_castps_si256(p), e));
}
static vec nearest(vec x) { return _mm256_round_ps(x, 8); }
#endif
static double now(void) {
  struct timespec t;
  clock_gettime(CLOCK_MONOTONIC, &t);
  return t.tv_sec + 1e-9 * t.tv_nsec;
}
double fma_rate(double seconds) { /* FLOP/s of multiply-adds in registers */
  double best = 0, start = now();
  do {
    vec a[12], x = SET(.99f), y = SET(.01f);
    for (int i = 0; i < 12; i++) a[i] = SET(i);
    double t = now();
    for (int k = 0; k < 100000; k++) {
      for (int i = 0; i < 12; i++) a[i] = FMA(a[i], x, y);
      __asm__ volatile("" ::: "memory");
    }
    t = now() - t;
    for (int i = 0; i < 12; i++) __asm__ volatile("" ::"x"(a[i]));
    if (100000. * 24 * LANES / t > best) best = 100000. * 24 * LANES / t;
  } while (now() - start < seconds);
  return best;
}
static inline __attribute__((always_inline)) vec exp2p(vec x) {
  vec r = nearest(x), f = x - r, p = SET(1.33336498402e-3f);
  p = FMA(p, f, SET(9.61812910763e-3f)), p = FMA(p, f, SET(5.55036521e-2f));
  p = FMA(p, f, SET(2.40226507e-1f)), p = FMA(p, f, SET(6.93147181e-1f));
  return power(FMA(p, f, SET(1.f)), r);
}
/* The recurrence of Mamba with 16 states in registers and nothing around it: u, dt, y [L][C],
   a [16][C] in base 2, b, c [L][16]. */
double scan(int64_t L, int64_t C, const float *u, const float *dt, const float *a, const float *b,
            const float *c, float *y, double seconds) {
  double best = 1e30, start = now();
  do {
    double t0 = now();
    for (int64_t d = 0; d < C; d += LANES) {
      vec h[16] = {0};
      for (int64_t t = 0; t < L; t++) {
        vec dl = *(const vec *)(dt + t * C + d), x = dl * *(const vec *)(u + t * C + d), s[2] = {0};
#pragma unroll
        for (int n = 0; n < 16; n++) {
          h[n] = FMA(exp2p(dl * *(const vec *)(a + n * C + d)), h[n], x * SET(b[16 * t + n]));
          s[n & 1] = FMA(h[n], SET(c[16 * t + n]), s[n & 1]);
        }
        *(vec *)(y + t * C + d) = s[0] + s[1];
      }
    }
    double t = now() - t0;
    best = t < best ? t : best;
  } while (now() - start < seconds);
  return best;
}
"""


@functools.lru_cache(None)
def library(level):
    base = pathlib.Path(kernels.workdir().name) / f"ceilings-{level}"
    base.with_suffix(".c").write_text(SOURCE)
    subprocess.run(["clang-22", "-O3", f"-march={level}", "-shared", "-fPIC",
                    base.with_suffix(".c"), "-o", base.with_suffix(".so")], check=True)
    lib = ctypes.CDLL(str(base.with_suffix(".so")))
    lib.fma_rate.restype = lib.scan.restype = ctypes.c_double
    return lib


def fma_rate(level, seconds=0.3):
    return library(level).fma_rate(ctypes.c_double(seconds))


def scan_seconds(level, length, channels, seconds=0.5):
    """Best time of a selective scan in C, 16 states, without gates."""
    rng = np.random.default_rng(0)

    def make(*shape):
        raw = kernels.Buffer(shape, np.float32)
        raw.array[...] = np.abs(rng.standard_normal(shape)) * 0.1
        return raw

    u, dt, y = (make(length, channels) for _ in range(3))
    a, b, c = make(16, channels), make(length, 16), make(length, 16)
    a.array *= -10
    pointers = [ctypes.c_void_p(x.pointer) for x in (u, dt, a, b, c, y)]
    return library(level).scan(ctypes.c_int64(length), ctypes.c_int64(channels), *pointers,
                               ctypes.c_double(seconds))
