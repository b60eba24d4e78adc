/*===- ProbeMemory.c - reading and copying as fast as one core can ---*- C -*-===*
 *
 * Part of Linnet, under Apache-2.0 WITH LLVM-exception. See LICENSE.
 *
 * No single loop is the fastest on every CPU and for every size: how many streams the hardware
 * prefetchers follow, how far ahead software should ask and which stores are cheapest differ. So
 * each probe tries several loops in turn, on huge pages, and gives the best.
 *===----------------------------------------------------------------------===*/
#include "Probe.h"
#include "ProbeTime.h"

#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>

typedef float vector __attribute__((vector_size(64)));
enum { LINE = sizeof(vector) / sizeof(float), UNROLL = 4, STEP = UNROLL * LINE };
/* How __builtin_prefetch names the caches. */
enum { TO_L1 = 3, TO_L2 = 2, PASSING = 0 };

/* Floats of one of `streams` equal parts; their starts never agree modulo a page, because lines
 * with equal low address bits compete for the same sets of a cache. */
static inline uint64_t part_of(uint64_t count, uint64_t streams) {
  uint64_t part = count / streams / STEP * STEP;
  return streams > 1 && part > 1024 ? part / 1024 * 1024 - 1024 + 5 * STEP : part;
}

#define TEMPLATE static inline __attribute__((always_inline))
#define UNROLLED _Pragma("clang loop unroll(full)")

TEMPLATE void prefetch(const float *p, int ahead, int into) {
  if (!ahead)
    return;
  if (into == TO_L1)
    __builtin_prefetch((const char *)p + ahead, 0, TO_L1);
  else if (into == TO_L2)
    __builtin_prefetch((const char *)p + ahead, 0, TO_L2);
  else
    __builtin_prefetch((const char *)p + ahead, 0, PASSING);
}

/* Eight sums, so that the adds are not what it waits for. */
TEMPLATE float read_with(const float *data, uint64_t count, int streams, int ahead, int into) {
  vector sums[8] = {0};
  uint64_t part = part_of(count, (uint64_t)streams);
  for (uint64_t i = 0; i < part; i += STEP) {
    UNROLLED for (int s = 0; s < streams; ++s) {
      UNROLLED for (int j = 0; j < UNROLL; ++j) {
        const float *p = data + (uint64_t)s * part + i + j * LINE;
        prefetch(p, ahead, into);
        sums[(s * UNROLL + j) % 8] += *(const vector *)p;
      }
    }
  }
  UNROLLED for (int j = 1; j < 8; ++j) sums[0] += sums[j];
  return sums[0][0];
}

static inline void store(vector *to, vector v) { *to = v; }
static inline void store_past_caches(vector *to, vector v) { __builtin_nontemporal_store(v, to); }

/* Two functions, not a flag: the compiler merges the two kinds of store into a plain one. */
#define COPY(name, store)                                                                          \
  TEMPLATE void name(float *to, const float *from, uint64_t count, int streams, int ahead,         \
                     int into) {                                                                   \
    uint64_t part = part_of(count, (uint64_t)streams);                                             \
    for (uint64_t i = 0; i < part; i += STEP) {                                                    \
      UNROLLED for (int s = 0; s < streams; ++s) {                                                 \
        uint64_t at = (uint64_t)s * part + i;                                                      \
        UNROLLED for (int j = 0; j < UNROLL; ++j) prefetch(from + at + j * LINE, ahead, into);     \
        UNROLLED for (int j = 0; j < UNROLL; ++j)                                                  \
            store((vector *)(to + at) + j, ((const vector *)(from + at))[j]);                      \
      }                                                                                            \
    }                                                                                              \
    __asm__ volatile("sfence" ::: "memory");                                                       \
  }
COPY(copy_through, store)
COPY(copy_past, store_past_caches)

/* streams, bytes ahead, into which cache; the first reads best from caches */
#define READERS(X)                                                                                 \
  X(1, 0, TO_L1)                                                                                   \
  X(1, 512, TO_L1)                                                                                 \
  X(1, 1024, TO_L2)                                                                                \
  X(2, 2048, PASSING)                                                                              \
  X(2, 3072, TO_L2)                                                                                \
  X(4, 1024, TO_L2)                                                                                \
  X(8, 1024, TO_L2)
/* whether stores go through or past the caches, and the same */
#define COPIERS(X)                                                                                 \
  X(through, 1, 0, TO_L1)                                                                          \
  X(through, 8, 512, TO_L1)                                                                        \
  X(through, 1, 2048, TO_L2)                                                                       \
  X(past, 1, 2048, PASSING)                                                                        \
  X(past, 2, 2048, PASSING)                                                                        \
  X(past, 4, 0, TO_L1)                                                                             \
  X(past, 4, 512, TO_L1)

#define READER(isa, name, streams, ahead, into)                                                    \
  __attribute__((target(isa))) static float name##streams##_##ahead##_##into(const float *data,    \
                                                                             uint64_t count) {     \
    return read_with(data, count, streams, ahead, into);                                           \
  }
#define COPIER(isa, name, how, streams, ahead, into)                                               \
  __attribute__((target(isa))) static void name##how##streams##_##ahead##_##into(                  \
      float *to, const float *from, uint64_t count) {                                              \
    copy_##how(to, from, count, streams, ahead, into);                                             \
  }
#define READER512(...) READER("avx512f", read512_, __VA_ARGS__)
#define READER256(...) READER("avx2", read256_, __VA_ARGS__)
#define COPIER512(...) COPIER("avx512f", copy512_, __VA_ARGS__)
#define COPIER256(...) COPIER("avx2", copy256_, __VA_ARGS__)
READERS(READER512)
READERS(READER256)
COPIERS(COPIER512)
COPIERS(COPIER256)

typedef float (*reader)(const float *, uint64_t);
typedef void (*copier)(float *, const float *, uint64_t);
#define NAME_READER512(s, a, i) read512_##s##_##a##_##i,
#define NAME_READER256(s, a, i) read256_##s##_##a##_##i,
#define NAME_COPIER512(h, s, a, i) copy512_##h##s##_##a##_##i,
#define NAME_COPIER256(h, s, a, i) copy256_##h##s##_##a##_##i,
static const reader readers512[] = {READERS(NAME_READER512)},
                    readers256[] = {READERS(NAME_READER256)};
static const copier copiers512[] = {COPIERS(NAME_COPIER512)},
                    copiers256[] = {COPIERS(NAME_COPIER256)};
enum {
  READER_COUNT = sizeof readers512 / sizeof *readers512,
  COPIER_COUNT = sizeof copiers512 / sizeof *copiers512,
  HUGE_PAGE = 2 << 20
};

/* Memory on huge pages where the system gives them: with small ones, table walks would count. */
static float *touched(uint64_t bytes) {
  bytes = (bytes + HUGE_PAGE - 1) / HUGE_PAGE * HUGE_PAGE;
  void *data = aligned_alloc(HUGE_PAGE, bytes);
  if (!data)
    return NULL;
  (void)madvise(data, bytes, MADV_HUGEPAGE);
  return memset(data, 1, bytes);
}

/* Passes over a small buffer are repeated, so that the clock's own cost does not show. */
static uint64_t passes_for(uint64_t bytes) { return bytes < 1 << 21 ? (1 << 21) / (bytes + 1) : 1; }

double lnt_probe_read(double seconds, uint64_t bytes) {
  if (!__builtin_cpu_supports("avx2"))
    return 0;
  const reader *loops = __builtin_cpu_supports("avx512f") ? readers512 : readers256;
  uint64_t count = bytes / sizeof(float) / STEP * STEP, passes = passes_for(bytes);
  float *data = touched(bytes);
  double best = 0, start = lnt_probe_now();
  do {
    for (int loop = 0; data && loop < READER_COUNT; ++loop) {
      double t = lnt_probe_now();
      for (uint64_t i = 0; i < passes; ++i)
        lnt_probe_sink = loops[loop](data, count);
      t = (lnt_probe_now() - t) / (double)passes;
      best = (double)(4 * count) / t > best ? (double)(4 * count) / t : best;
    }
  } while (data && lnt_probe_now() - start < seconds);
  free(data);
  return best;
}

double lnt_probe_copy(double seconds, uint64_t bytes) {
  if (!__builtin_cpu_supports("avx2"))
    return 0;
  const copier *loops = __builtin_cpu_supports("avx512f") ? copiers512 : copiers256;
  uint64_t count = bytes / sizeof(float) / STEP * STEP, passes = passes_for(bytes);
  float *from = touched(bytes), *to = touched(bytes);
  double best = 0, start = lnt_probe_now();
  do {
    for (int loop = 0; from && to && loop < COPIER_COUNT; ++loop) {
      double t = lnt_probe_now();
      for (uint64_t i = 0; i < passes; ++i)
        loops[loop](to, from, count);
      t = (lnt_probe_now() - t) / (double)passes;
      best = 2.0 * (double)(4 * count) / t > best ? 2.0 * (double)(4 * count) / t : best;
    }
  } while (from && to && lnt_probe_now() - start < seconds);
  free(from);
  free(to);
  return best;
}
