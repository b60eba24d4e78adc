/*===- Probe.h - what this machine can do at most --------------------*- C -*-===*
 *
 * Part of Linnet, under Apache-2.0 WITH LLVM-exception. See LICENSE.
 *
 * Ceilings for benchmarks, measured on the calling thread in the same run. Each function takes
 * about `seconds` and gives the best of its turns; 0 where the CPU lacks the instructions.
 *===----------------------------------------------------------------------===*/
#ifndef LINNET_BENCH_PROBE_H
#define LINNET_BENCH_PROBE_H

#include <stdint.h>

/* f32 FLOP/s of fused multiply-adds on registers, in the widest vectors. */
double lnt_probe_fma(double seconds);
/* FLOP/s of bf16 dot products (vdpbf16ps) on registers. */
double lnt_probe_bf16(double seconds);
/* Cycles a second, as dependent additions show them. */
double lnt_probe_clock(double seconds);
/* Bytes a second of reading `bytes` again and again: the best of several loops. */
double lnt_probe_read(double seconds, uint64_t bytes);
/* Bytes read plus bytes written a second (2 * `bytes` a pass; what a store fetches first does not
 * count) when copying `bytes` between touched buffers: the best of several loops, with stores
 * through and past the caches. */
double lnt_probe_copy(double seconds, uint64_t bytes);
/* Seconds of a selective scan of `length` tokens with 16 states by hand-written vector code;
 * `channels` is a multiple of 16. */
double lnt_probe_scan(double seconds, int64_t length, int64_t channels);

#endif /* LINNET_BENCH_PROBE_H */
