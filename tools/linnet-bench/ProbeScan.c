/*===- ProbeScan.c - a selective scan by hand ------------------------*- C -*-===*
 *
 * Part of Linnet, under Apache-2.0 WITH LLVM-exception. See LICENSE.
 *
 *===----------------------------------------------------------------------===*/
#include "Probe.h"
#include "ProbeTime.h"

#include <immintrin.h>
#include <stdlib.h>
#include <string.h>

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

static float *touched(uint64_t bytes) {
  float *data = aligned_alloc(64, (bytes + 63) / 64 * 64);
  if (data)
    memset(data, 1, bytes);
  return data;
}

double lnt_probe_scan(double seconds, int64_t length, int64_t channels) {
  if (!__builtin_cpu_supports("avx512f"))
    return 0;
  uint64_t wide = (uint64_t)(length * channels) * sizeof(float);
  uint64_t small = (uint64_t)(length * STATES) * sizeof(float);
  float *u = touched(wide), *delta = touched(wide), *y = touched(wide), *b = touched(small),
        *c = touched(small), *a = touched((uint64_t)channels * STATES * sizeof(float));
  double best = 1e30, start = lnt_probe_now();
  if (!u || !delta || !y || !b || !c || !a)
    best = 0;
  for (int64_t i = 0; best > 0 && i < channels * STATES; ++i)
    a[i] = -1.0f - (float)(i % STATES);
  for (int64_t i = 0; best > 0 && i < length * channels; ++i)
    delta[i] = 0.05f;
  while (best == 1e30 || (best > 0 && lnt_probe_now() - start < seconds)) {
    double t = lnt_probe_now();
    for (int64_t block = 0; block < channels; block += 16)
      scan_block(u + block, delta + block, a + block * STATES, b, c, y + block, length, channels);
    t = lnt_probe_now() - t;
    best = t < best ? t : best;
  }
  free(u), free(delta), free(y), free(b), free(c), free(a);
  return best;
}
