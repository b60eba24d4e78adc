//===- Philox.h - counter-based random words --------------------*- C++ -*-===//
//
// Part of Linnet, under Apache-2.0 WITH LLVM-exception. See LICENSE.
//
//===----------------------------------------------------------------------===//
#ifndef LINNET_LIB_CODEGEN_PHILOX_H
#define LINNET_LIB_CODEGEN_PHILOX_H

#include "linnet/Codegen/KernelViews.h"
#include <array>

namespace linnet::codegen {

/// Emits Philox4x32-10: every lane runs it on a counter of its own.
class Philox {
public:
  static constexpr int64_t kBlock = 4 * kLanes; ///< elements that 16 counters make

  /// `key` and `counter` are i64. `lanes` is kLanes, or 0 for code on scalars.
  Philox(CodeBuilder &e, Value key, Value counter, int64_t lanes = kLanes);
  /// The words of elements 4 * first on, of which element i is word i mod 4 of counter + i / 4: of
  /// 64 elements in four vectors of i32, or of four in scalars. `first` is an index or i64.
  std::array<Value, 4> elements(Value first);

private:
  std::array<Value, 4> start(Value first);
  std::array<Value, 4> words(Value first);
  Value word(Value i64, int64_t shift);
  Type ints() { return lanes ? Type(e.vec(e.getI32Type(), lanes)) : Type(e.getI32Type()); }
  Value spread(Value scalar) { return lanes ? e.splat(scalar, lanes) : scalar; }
  Value splat32(uint32_t v) { return e.iconst(ints(), static_cast<int32_t>(v)); }

  CodeBuilder &e;
  Value counter, k0, k1;
  int64_t lanes;
};

/// A seed operand, a scalar or a tensor of one, as i64.
mlir::FailureOr<Value> loadSeed(KernelViews &frame, Value seed);

/// The upper bits of words as numbers in [0, 1) that the type holds exactly; i32: the words.
Value toUniform(CodeBuilder &e, Value words, Type element);
/// Whether dropout keeps the elements of these words: their number in f32 is at least the rate.
Value isKept(CodeBuilder &e, Value words, double rate);

/// Emits the factors of dropout: 0, or 1 / (1 - rate) with probability 1 - rate. Element i is kept
/// where the uniform number i of `linnet.random` in f32 is at least the rate.
class Dropout {
public:
  Dropout(CodeBuilder &e, Value key, Value counter, double rate, int64_t lanes = kLanes)
      : e(e), philox(e, key, counter, lanes), rate(rate) {}
  /// Room that `fill` needs for `count` factors.
  static int64_t roomFor(int64_t count) {
    return (count + 3 + Philox::kBlock - 1) / Philox::kBlock * Philox::kBlock;
  }
  /// Writes the factors of elements [first, first + count) to `memory`, which is f32; returns the
  /// position of the first. What lies around them is overwritten too. Not for scalars.
  Value fill(Value memory, Value first, Value count);
  /// The factors of as many elements from 4 * first on as Philox::elements makes.
  std::array<Value, 4> factors(Value first);

private:
  Value factor(Value words);

  CodeBuilder &e;
  Philox philox;
  double rate;
};

} // namespace linnet::codegen

#endif // LINNET_LIB_CODEGEN_PHILOX_H
