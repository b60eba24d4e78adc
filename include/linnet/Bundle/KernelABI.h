/*===- KernelABI.h - what the runtime and a CPU kernel agree on ------*- C -*-===*
 *
 * Part of Linnet, under Apache-2.0 WITH LLVM-exception. See LICENSE.
 *
 * The code generator and the runtime both include this file; nothing else knows
 * the layout. A change here raises LNT_KERNEL_ABI_VERSION.
 *===----------------------------------------------------------------------===*/
#ifndef LINNET_BUNDLE_KERNELABI_H
#define LINNET_BUNDLE_KERNELABI_H

#include <stdint.h>

#define LNT_KERNEL_ABI_VERSION 1

/* What every worker of one call sees. Read-only for kernels, except through the
 * pointers. */
typedef struct lnt_env {
  uint32_t version;     /* offset 0: LNT_KERNEL_ABI_VERSION */
  uint32_t size;        /* offset 4: sizeof(lnt_env) */
  void *const *scratch; /* offset 8: one 64-byte aligned block per worker, of at
                           least the bytes that the kernel's launch asked for */
  uint64_t *error;      /* offset 16: the error word; all ones: no fault */
} lnt_env;

/* buffers: the tensor arguments in order, then the results that no argument is tied
 * to; each points at its first element, contiguous and row-major. Null when empty.
 * scalars: for every argument in order, the dynamic sizes of a tensor (in order of
 * its dimensions) or the value of a scalar (sign-extended integer, or the bits of a
 * float); then the dynamic sizes of the results that no argument is tied to; then,
 * only where the kernel can fault, the number of its first fault site.
 * begin, end: the chunks to do, out of the launch's chunk count. Chunks are
 * independent and come from the shape, never from the thread count.
 * worker: index of the calling thread, for scratch. */
typedef void (*lnt_kernel)(const lnt_env *env, void *const *buffers, const int64_t *scalars,
                           int64_t begin, int64_t end, int32_t worker);

/* Error word: site in the upper 20 bits, position of the first bad element in the
 * lower 44. Kernels write it by an unsigned atomic minimum. */
#define LNT_ERROR_NONE UINT64_MAX
#define LNT_ERROR_POSITION_BITS 44

#endif /* LINNET_BUNDLE_KERNELABI_H */
