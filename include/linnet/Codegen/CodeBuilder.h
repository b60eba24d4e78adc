//===- CodeBuilder.h - what kernel emitters of all targets share -*- C++ -*-===//
//
// Part of Linnet, under Apache-2.0 WITH LLVM-exception. See LICENSE.
//
// Index arithmetic that folds, float arithmetic on scalars and vectors alike, access to flat
// memory, structured control flow, scalar regions inlined. Emitter adds what CPUs have, GPUEmitter
// what GPUs have.
//
//===----------------------------------------------------------------------===//
#ifndef LINNET_CODEGEN_CODEBUILDER_H
#define LINNET_CODEGEN_CODEBUILDER_H

#include "mlir/IR/BuiltinTypes.h"
#include "mlir/IR/IRMapping.h"
#include "mlir/IR/ImplicitLocOpBuilder.h"
#include "mlir/IR/TypeUtilities.h"

namespace linnet::codegen {

using mlir::Type;
using mlir::Value;
using mlir::ValueRange;
using mlir::VectorType;
using Values = llvm::SmallVector<Value>;

/// Logical lanes of every vector of f32 on CPUs: results do not depend on the machine's width.
inline constexpr int64_t kLanes = 16;

class CodeBuilder : public mlir::ImplicitLocOpBuilder {
public:
  explicit CodeBuilder(mlir::Location loc) : ImplicitLocOpBuilder(loc, loc.getContext()) {}
  virtual ~CodeBuilder();

  //--- index arithmetic on non-negative sizes; folds constants --------------------------------
  Value index(int64_t v);
  static std::optional<int64_t> constantOf(Value v);
  Value add(Value a, Value b);
  Value add(Value a, int64_t b) { return add(a, index(b)); }
  Value sub(Value a, Value b);
  Value sub(Value a, int64_t b) { return sub(a, index(b)); }
  Value mul(Value a, Value b);
  Value mul(Value a, int64_t b) { return mul(a, index(b)); }
  Value div(Value a, Value b); ///< unsigned, b > 0
  Value div(Value a, int64_t b) { return div(a, index(b)); }
  Value rem(Value a, Value b); ///< unsigned, b > 0
  Value rem(Value a, int64_t b) { return rem(a, index(b)); }
  Value ceilDiv(Value a, Value b); ///< unsigned, b > 0
  Value ceilDiv(Value a, int64_t b) { return ceilDiv(a, index(b)); }
  Value roundUp(Value a, int64_t b) { return mul(ceilDiv(a, b), b); }
  Value min(Value a, Value b); ///< signed
  Value max(Value a, Value b); ///< signed
  Value lt(Value a, Value b);  ///< signed comparisons to i1
  Value le(Value a, Value b);
  Value eq(Value a, Value b);
  Value gt(Value a, Value b) { return lt(b, a); }
  Value ge(Value a, Value b) { return le(b, a); }
  Value both(Value a, Value b);   ///< a and b, i1
  Value either(Value a, Value b); ///< a or b, i1
  Value boolean(bool v);
  Value select(Value c, Value a, Value b);
  Value toIndex(Value i);       ///< sign-extends an integer
  Value toInt(Value i, Type t); ///< an index or integer as integer type t

  //--- types and float arithmetic (scalars and vectors alike) ---------------------------------
  Type f32() { return getF32Type(); }
  Type i64() { return getI64Type(); }
  VectorType vec(Type element, int64_t n = kLanes) { return VectorType::get({n}, element); }
  Value fconst(Type floatOrVector, double v);
  Value f(double v) { return fconst(f32(), v); }
  Value vf(double v) { return fconst(vec(f32()), v); }
  Value iconst(Type intOrVector, int64_t v);
  Value zero(Type scalarOrVector);
  Value splat(Value scalar, int64_t n = kLanes);
  Value addf(Value a, Value b);
  Value subf(Value a, Value b);
  Value mulf(Value a, Value b);
  Value divf(Value a, Value b);
  Value negf(Value a);
  Value fma(Value a, Value b, Value c); ///< math.fma: one rounding on every CPU
  Value gtf(Value a, Value b);          ///< ordered a > b
  Value maxf(Value a, Value b);         ///< a > b ? a : b, one vmaxps; not NaN-propagating
  /// Converts a float scalar or vector to another float element type.
  Value convert(Value v, Type element);
  /// 2^x for x <= 0 or so, in f32: relative error below 2e-7 down to 2^-126, 0 below. Masked
  /// scores are -1e30, finite.
  Value exp2Fast(Value x);
  /// e^x for x <= 0 in f32, and up to 40 where a softmax's reference was guessed (IR/Reference.h),
  /// the same bits on every CPU: relative error below 2^-22 + |x| 2^-29, exactly 1 at 0, 0 where
  /// the result is subnormal; NaN stays NaN.
  Value expNonPositive(Value x);

  //--- fixed reductions -----------------------------------------------------------------------
  /// Halving tree over the lanes of a vector: lane i with lane i + n/2, and so on.
  Value reduceLanes(Value v, llvm::function_ref<Value(Value, Value)> combine);
  Value sumLanes(Value v);
  Value maxLanes(Value v);

  //--- memory: flat 1-D memrefs of one element type ---------------------------------------------
  Value load(Value memory, Value i);
  void store(Value v, Value memory, Value i);
  /// Vectors; masked lanes read zero and are not written.
  virtual Value vload(Value memory, Value i, int64_t n = kLanes, Value mask = {});
  virtual void vstore(Value v, Value memory, Value i, Value mask = {});
  /// The first `count` of n lanes; count may be negative or above n.
  Value mask(Value count, int64_t n = kLanes);

  //--- structured control flow ------------------------------------------------------------------
  void forLoop(Value lo, Value hi, Value step, llvm::function_ref<void(Value)> body);
  void forLoop(Value hi, llvm::function_ref<void(Value)> body) {
    forLoop(index(0), hi, index(1), body);
  }
  Values forLoop(Value lo, Value hi, Value step, ValueRange init,
                 llvm::function_ref<Values(Value, ValueRange)> body);
  Values ifElse(Value c, mlir::TypeRange types, llvm::function_ref<Values()> yes,
                llvm::function_ref<Values()> no);
  /// Emits only the taken side when the condition is known.
  void ifThen(Value c, llvm::function_ref<void()> yes, llvm::function_ref<void()> no = nullptr);

  /// Inlines a scalar region (of a linalg op, say) on vectors of n lanes (n = 0: on scalars):
  /// `map` holds its arguments and captured values; scalar constants become splats. Returns the
  /// operands of its terminator; fails with a diagnostic on an op without a vector form.
  mlir::FailureOr<Values> inlineRegion(mlir::Region &region, mlir::IRMapping &map, int64_t n);
  mlir::LogicalResult inlineOp(mlir::Operation &op, mlir::IRMapping &map, int64_t n);

  /// acc[m * vectors + n] += a(m, k) * b(k, n) for k in [0, count): the register tile. `a` gives
  /// a broadcast vector, `b` a vector (or both scalars); one scf.for carries the accumulators.
  /// `multiplyAdd` (default: fma) takes a, b, accumulator.
  Values tile(int64_t rows, int64_t vectors, Value count, Values acc,
              llvm::function_ref<Value(int64_t, Value)> a,
              llvm::function_ref<Value(Value, int64_t)> b,
              llvm::function_ref<Value(Value, Value, Value)> multiplyAdd = nullptr);

protected:
  /// Whether floats of type t have one instruction for p * 2^n, which flushes as a product does.
  virtual bool scalesByPowerOf2(Type) const { return false; }
  virtual Value scaleByPowerOf2(Value p, Value n);
};

} // namespace linnet::codegen

#endif // LINNET_CODEGEN_CODEBUILDER_H
