/*===- Memory.c - functions that code generation may call -----------*- C -*-===*
 *
 * Part of Linnet, under Apache-2.0 WITH LLVM-exception. See LICENSE.
 *
 * Compiled to bitcode and linked into a kernel that reaches them: kernels refer to
 * nothing outside their image. Inline assembly keeps the loops from being turned
 * back into the calls that they implement.
 *===----------------------------------------------------------------------===*/
typedef unsigned long size;
typedef unsigned int u32;
typedef unsigned long u64;

void *memcpy(void *restrict d, const void *restrict s, size n) {
  void *r = d;
  __asm__ volatile("rep movsb" : "+D"(d), "+S"(s), "+c"(n)::"memory");
  return r;
}

void *memset(void *d, int c, size n) {
  void *r = d;
  __asm__ volatile("rep stosb" : "+D"(d), "+c"(n) : "a"(c) : "memory");
  return r;
}

void *memmove(void *d, const void *s, size n) {
  void *r = d;
  if ((size)d - (size)s >= n) {
    __asm__ volatile("rep movsb" : "+D"(d), "+S"(s), "+c"(n)::"memory");
    return r;
  }
  char *dd = (char *)d + n - 1;
  const char *ss = (const char *)s + n - 1;
  __asm__ volatile("std\n\trep movsb\n\tcld" : "+D"(dd), "+S"(ss), "+c"(n)::"memory");
  return r;
}

/* The remainder of a division that rounds towards zero, exact. Bits, not floats: the
 * caller's mode may flush subnormals. */
#define DEFINE_FMOD(NAME, F, U, FRACTION, INF, QNAN)                                               \
  F NAME(F x, F y) {                                                                               \
    const U one = 1, sign = one << (sizeof(U) * 8 - 1), top = one << FRACTION;                     \
    U a, b, r;                                                                                     \
    __builtin_memcpy(&a, &x, sizeof a);                                                            \
    __builtin_memcpy(&b, &y, sizeof b);                                                            \
    U s = a & sign;                                                                                \
    a &= ~sign;                                                                                    \
    b &= ~sign;                                                                                    \
    if (b == 0 || a >= INF || b > INF) {                                                           \
      r = QNAN;                                                                                    \
    } else if (a < b) {                                                                            \
      r = a | s;                                                                                   \
    } else {                                                                                       \
      int ea = (int)(a >> FRACTION), eb = (int)(b >> FRACTION);                                    \
      U ma = ea ? (a & (top - 1)) | top : a, mb = eb ? (b & (top - 1)) | top : b;                  \
      ea = ea ? ea : 1;                                                                            \
      eb = eb ? eb : 1;                                                                            \
      for (; ea > eb; --ea) {                                                                      \
        if (ma >= mb)                                                                              \
          ma -= mb;                                                                                \
        ma <<= 1;                                                                                  \
      }                                                                                            \
      if (ma >= mb)                                                                                \
        ma -= mb;                                                                                  \
      while (ma && ma < top && ea > 1) {                                                           \
        ma <<= 1;                                                                                  \
        --ea;                                                                                      \
      }                                                                                            \
      r = s | (ma >= top ? ((U)ea << FRACTION) | (ma & (top - 1)) : ma);                           \
    }                                                                                              \
    F out;                                                                                         \
    __builtin_memcpy(&out, &r, sizeof out);                                                        \
    return out;                                                                                    \
  }

DEFINE_FMOD(fmodf, float, u32, 23, 0x7f800000u, 0x7fc00000u)
DEFINE_FMOD(fmod, double, u64, 52, 0x7ff0000000000000ul, 0x7ff8000000000000ul)
