/*===- Probe.c - what this machine can do at most --------------------*- C -*-===*
 *
 * Part of Linnet, under Apache-2.0 WITH LLVM-exception. See LICENSE.
 *
 *===----------------------------------------------------------------------===*/
#include "Probe.h"

#include <immintrin.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

static double now(void) {
  struct timespec t;
  clock_gettime(CLOCK_MONOTONIC, &t);
  return (double)t.tv_sec + 1e-9 * (double)t.tv_nsec;
}

/* Keeps the compiler from dropping what computes a value. */
static volatile float sink;

enum { ROUNDS = 100000, CHAINS = 24 };

/* 24 chains hide a latency of up to 12 cycles at two FMAs a cycle. */
__attribute__((target("avx512f"))) static double fma512(void) {
  __m512 c[CHAINS], a = _mm512_set1_ps(0.999f), b = _mm512_set1_ps(1e-3f);
  for (int j = 0; j < CHAINS; ++j)
    c[j] = _mm512_set1_ps((float)j);
  for (int i = 0; i < ROUNDS; ++i) {
#pragma clang loop unroll(full)
    for (int j = 0; j < CHAINS; ++j)
      c[j] = _mm512_fmadd_ps(c[j], a, b);
  }
  for (int j = 1; j < CHAINS; ++j)
    c[0] = _mm512_add_ps(c[0], c[j]);
  sink = _mm512_reduce_add_ps(c[0]);
  return 2.0 * 16 * CHAINS * ROUNDS;
}

__attribute__((target("avx2,fma"))) static double fma256(void) {
  enum { CHAINS256 = 12 };
  __m256 c[CHAINS256], a = _mm256_set1_ps(0.999f), b = _mm256_set1_ps(1e-3f);
  for (int j = 0; j < CHAINS256; ++j)
    c[j] = _mm256_set1_ps((float)j);
  for (int i = 0; i < ROUNDS; ++i) {
#pragma clang loop unroll(full)
    for (int j = 0; j < CHAINS256; ++j)
      c[j] = _mm256_fmadd_ps(c[j], a, b);
  }
  for (int j = 1; j < CHAINS256; ++j)
    c[0] = _mm256_add_ps(c[0], c[j]);
  sink = _mm256_cvtss_f32(c[0]);
  return 2.0 * 8 * CHAINS256 * ROUNDS;
}

__attribute__((target("avx512f,avx512bf16"))) static double dot_bf16(void) {
  __m512 c[CHAINS];
  __m512bh a = (__m512bh)_mm512_set1_epi16(0x3F80), b = (__m512bh)_mm512_set1_epi16(0x3A00);
  for (int j = 0; j < CHAINS; ++j)
    c[j] = _mm512_set1_ps((float)j);
  for (int i = 0; i < ROUNDS; ++i) {
#pragma clang loop unroll(full)
    for (int j = 0; j < CHAINS; ++j)
      c[j] = _mm512_dpbf16_ps(c[j], a, b);
  }
  for (int j = 1; j < CHAINS; ++j)
    c[0] = _mm512_add_ps(c[0], c[j]);
  sink = _mm512_reduce_add_ps(c[0]);
  return 4.0 * 16 * CHAINS * ROUNDS;
}

/* The best rate of repeated calls that each do some amount of work. */
static double best_rate(double seconds, double (*work)(void)) {
  double best = 0, start = now();
  do {
    double t = now(), done = work();
    t = now() - t;
    best = done / t > best ? done / t : best;
  } while (now() - start < seconds);
  return best;
}

double lnt_probe_fma(double seconds) {
  if (__builtin_cpu_supports("avx512f"))
    return best_rate(seconds, fma512);
  if (__builtin_cpu_supports("avx2") && __builtin_cpu_supports("fma"))
    return best_rate(seconds, fma256);
  return 0;
}

double lnt_probe_bf16(double seconds) {
  if (__builtin_cpu_supports("avx512bf16"))
    return best_rate(seconds, dot_bf16);
  return 0;
}

/* Eight sums, so that the adds are not what it waits for. */
__attribute__((target("avx2"))) static float read_all(const float *data, uint64_t count) {
  __m256 s[8];
  memset(s, 0, sizeof s);
  for (uint64_t i = 0; i + 64 <= count; i += 64) {
#pragma clang loop unroll(full)
    for (int j = 0; j < 8; ++j)
      s[j] = _mm256_add_ps(s[j], _mm256_load_ps(data + i + 8 * j));
  }
  for (int j = 1; j < 8; ++j)
    s[0] = _mm256_add_ps(s[0], s[j]);
  return _mm256_cvtss_f32(s[0]);
}

__attribute__((target("avx2"))) static void copy_all(float *to, const float *from, uint64_t count) {
  for (uint64_t i = 0; i + 32 <= count; i += 32) {
#pragma clang loop unroll(full)
    for (int j = 0; j < 4; ++j)
      _mm256_store_ps(to + i + 8 * j, _mm256_load_ps(from + i + 8 * j));
  }
}

static float *touched(uint64_t bytes) {
  float *data = aligned_alloc(64, (bytes + 63) / 64 * 64);
  if (data)
    memset(data, 1, bytes);
  return data;
}

double lnt_probe_read(double seconds, uint64_t bytes) {
  float *data = touched(bytes);
  double best = 0, start = now();
  while (data && (best == 0 || now() - start < seconds)) {
    double t = now();
    sink = read_all(data, bytes / sizeof(float));
    t = now() - t;
    best = (double)bytes / t > best ? (double)bytes / t : best;
  }
  free(data);
  return best;
}

double lnt_probe_copy(double seconds, uint64_t bytes) {
  float *from = touched(bytes), *to = touched(bytes);
  double best = 0, start = now();
  while (from && to && (best == 0 || now() - start < seconds)) {
    double t = now();
    copy_all(to, from, bytes / sizeof(float));
    t = now() - t;
    sink = to[bytes / sizeof(float) / 2];
    best = 2.0 * (double)bytes / t > best ? 2.0 * (double)bytes / t : best;
  }
  free(from);
  free(to);
  return best;
}

/*===-- selective scan ---------------------------------------------------===*/

enum { STATES = 16 };

/* 2^x by a polynomial of degree 5 and the exponent instruction. */
__attribute__((target("avx512f"), always_inline)) static inline __m512 power_of_two(__m512 x) {
  __m512 n = _mm512_roundscale_ps(x, _MM_FROUND_TO_NEAREST_INT | _MM_FROUND_NO_EXC);
  __m512 f = _mm512_sub_ps(x, n), p = _mm512_set1_ps(1.3333558e-3f);
  p = _mm512_fmadd_ps(p, f, _mm512_set1_ps(9.6181291e-3f));
  p = _mm512_fmadd_ps(p, f, _mm512_set1_ps(5.5504109e-2f));
  p = _mm512_fmadd_ps(p, f, _mm512_set1_ps(2.4022651e-1f));
  p = _mm512_fmadd_ps(p, f, _mm512_set1_ps(6.9314718e-1f));
  p = _mm512_fmadd_ps(p, f, _mm512_set1_ps(1.0f));
  return _mm512_scalef_ps(p, n);
}

/* Sixteen channels: their states stay in registers over all tokens. a: [16][16], times log2 e. */
__attribute__((target("avx512f"))) static void scan_block(const float *u, const float *delta,
                                                          const float *a, const float *b,
                                                          const float *c, float *y, int64_t length,
                                                          int64_t channels) {
  __m512 h[STATES];
  for (int n = 0; n < STATES; ++n)
    h[n] = _mm512_setzero_ps();
  for (int64_t l = 0; l < length; ++l) {
    __m512 d = _mm512_loadu_ps(delta + l * channels);
    __m512 du = _mm512_mul_ps(d, _mm512_loadu_ps(u + l * channels)), sum = _mm512_setzero_ps();
#pragma clang loop unroll(full)
    for (int n = 0; n < STATES; ++n) {
      __m512 decay = power_of_two(_mm512_mul_ps(d, _mm512_loadu_ps(a + n * 16)));
      __m512 in = _mm512_mul_ps(du, _mm512_set1_ps(b[l * STATES + n]));
      h[n] = _mm512_fmadd_ps(decay, h[n], in);
      sum = _mm512_fmadd_ps(h[n], _mm512_set1_ps(c[l * STATES + n]), sum);
    }
    _mm512_storeu_ps(y + l * channels, sum);
  }
}

double lnt_probe_scan(double seconds, int64_t length, int64_t channels) {
  if (!__builtin_cpu_supports("avx512f"))
    return 0;
  uint64_t wide = (uint64_t)(length * channels) * sizeof(float);
  uint64_t small = (uint64_t)(length * STATES) * sizeof(float);
  float *u = touched(wide), *delta = touched(wide), *y = touched(wide), *b = touched(small),
        *c = touched(small), *a = touched((uint64_t)channels * STATES * sizeof(float));
  double best = 1e30, start = now();
  if (!u || !delta || !y || !b || !c || !a)
    best = 0;
  for (int64_t i = 0; best > 0 && i < channels * STATES; ++i)
    a[i] = -1.0f - (float)(i % STATES);
  for (int64_t i = 0; best > 0 && i < length * channels; ++i)
    delta[i] = 0.05f;
  while (best == 1e30 || (best > 0 && now() - start < seconds)) {
    double t = now();
    for (int64_t block = 0; block < channels; block += 16)
      scan_block(u + block, delta + block, a + block * STATES, b, c, y + block, length, channels);
    t = now() - t;
    best = t < best ? t : best;
  }
  free(u), free(delta), free(y), free(b), free(c), free(a);
  return best;
}
