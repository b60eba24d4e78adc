/*===- ProbeTime.h - what the probes share ---------------------------*- C -*-===*
 *
 * Part of Linnet, under Apache-2.0 WITH LLVM-exception. See LICENSE.
 *
 *===----------------------------------------------------------------------===*/
#ifndef LINNET_BENCH_PROBETIME_H
#define LINNET_BENCH_PROBETIME_H

#include <time.h>

static inline double lnt_probe_now(void) {
  struct timespec t;
  clock_gettime(CLOCK_MONOTONIC, &t);
  return (double)t.tv_sec + 1e-9 * (double)t.tv_nsec;
}

/* Keeps the compiler from dropping what computes a value. */
static volatile float lnt_probe_sink;

#endif /* LINNET_BENCH_PROBETIME_H */
