/*===- ProbeCompute.c - arithmetic on registers, one core -------------*- C -*-===*
 *
 * Part of Linnet, under Apache-2.0 WITH LLVM-exception. See LICENSE.
 *
 *===----------------------------------------------------------------------===*/
#include "Probe.h"
#include "ProbeTime.h"

#include <immintrin.h>

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
  lnt_probe_sink = _mm512_reduce_add_ps(c[0]);
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
  lnt_probe_sink = _mm256_cvtss_f32(c[0]);
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
  lnt_probe_sink = _mm512_reduce_add_ps(c[0]);
  return 4.0 * 16 * CHAINS * ROUNDS;
}

/* The best rate of repeated calls that each do some amount of work. */
static double best_rate(double seconds, double (*work)(void)) {
  double best = 0, start = lnt_probe_now();
  do {
    double t = lnt_probe_now(), done = work();
    t = lnt_probe_now() - t;
    best = done / t > best ? done / t : best;
  } while (lnt_probe_now() - start < seconds);
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

/* Dependent adds take one cycle each on every x86 CPU with these instructions. */
static double dependent_adds(void) {
  enum { ADDS = 32 };
  uint64_t x = 1;
  for (int i = 0; i < ROUNDS; ++i) {
#pragma clang loop unroll(full)
    for (int j = 0; j < ADDS; ++j)
      __asm__ volatile("add $1, %0" : "+r"(x)::"cc");
  }
  return (double)ADDS * ROUNDS;
}

double lnt_probe_clock(double seconds) { return best_rate(seconds, dependent_adds); }
