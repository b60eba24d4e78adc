//===- Math.cc - math functions of kernels ----------------------*- C++ -*-===//
//
// Part of Linnet, under Apache-2.0 WITH LLVM-exception. See LICENSE.
//
// Compiled to bitcode and inlined into the kernels that call lnt_<function>_<element>x<lanes>.
// Every operation here is one IEEE operation (no contraction, no library), so a value has the
// same bits as a scalar or in a vector, on every CPU. docs/numerics.md has the errors. The
// functions of models are computed in f32, the others of f32 in f64.
//
//===----------------------------------------------------------------------===//
#include "MathDouble.inc"
#include "MathFloat.inc"

/// A function of f32 through its f64 form.
#define THROUGH_DOUBLE(NAME)                                                                       \
  template <int N> INLINE F<N> NAME(F<N> x) { return narrow<N>(NAME<N>(widen<N>(x))); }
THROUGH_DOUBLE(expm1)
THROUGH_DOUBLE(log1p)
THROUGH_DOUBLE(log2)
THROUGH_DOUBLE(log10)
THROUGH_DOUBLE(sin)
THROUGH_DOUBLE(cos)
THROUGH_DOUBLE(tan)
THROUGH_DOUBLE(sinh)
THROUGH_DOUBLE(cosh)
THROUGH_DOUBLE(asin)
THROUGH_DOUBLE(acos)
THROUGH_DOUBLE(atan)
THROUGH_DOUBLE(asinh)
THROUGH_DOUBLE(acosh)
THROUGH_DOUBLE(atanh)
THROUGH_DOUBLE(erfc)
THROUGH_DOUBLE(cbrt)
template <int N> INLINE F<N> pow(F<N> x, F<N> y) {
  return narrow<N>(pow<N>(widen<N>(x), widen<N>(y)));
}
template <int N> INLINE F<N> atan2(F<N> y, F<N> x) {
  return narrow<N>(atan2<N>(widen<N>(y), widen<N>(x)));
}

#define EXPORT extern "C" __attribute__((always_inline, const, visibility("hidden")))
#define UNARY_OF(NAME, T, V, TAG, N)                                                               \
  EXPORT V<N> lnt_##NAME##_##TAG##x##N(V<N> x) { return NAME<N>(x); }
#define SCALAR_OF(NAME, T, V, TAG)                                                                 \
  EXPORT T lnt_##NAME##_##TAG##x1(T x) { return NAME<1>(V<1>(x))[0]; }
#define UNARY(NAME)                                                                                \
  UNARY_OF(NAME, float, F, f32, 16)                                                                \
  UNARY_OF(NAME, float, F, f32, 8)                                                                 \
  SCALAR_OF(NAME, float, F, f32)                                                                   \
  UNARY_OF(NAME, double, D, f64, 8)                                                                \
  SCALAR_OF(NAME, double, D, f64)
#define BINARY_OF(NAME, V, TAG, N)                                                                 \
  EXPORT V<N> lnt_##NAME##_##TAG##x##N(V<N> x, V<N> y) { return NAME<N>(x, y); }
#define BINARY_SCALAR_OF(NAME, T, V, TAG)                                                          \
  EXPORT T lnt_##NAME##_##TAG##x1(T x, T y) { return NAME<1>(V<1>(x), V<1>(y))[0]; }
#define BINARY(NAME)                                                                               \
  BINARY_OF(NAME, F, f32, 16)                                                                      \
  BINARY_OF(NAME, F, f32, 8)                                                                       \
  BINARY_SCALAR_OF(NAME, float, F, f32)                                                            \
  BINARY_OF(NAME, D, f64, 8)                                                                       \
  BINARY_SCALAR_OF(NAME, double, D, f64)

UNARY(exp)
UNARY(exp2)
UNARY(expm1)
UNARY(log)
UNARY(log1p)
UNARY(log2)
UNARY(log10)
UNARY(sin)
UNARY(cos)
UNARY(tan)
UNARY(sinh)
UNARY(cosh)
UNARY(tanh)
UNARY(asin)
UNARY(acos)
UNARY(atan)
UNARY(asinh)
UNARY(acosh)
UNARY(atanh)
UNARY(erf)
UNARY(erfc)
UNARY(cbrt)
BINARY(pow)
BINARY(atan2)
