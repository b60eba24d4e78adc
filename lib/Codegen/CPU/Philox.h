//===- Philox.h - counter-based random words, 16 counters at a time -*- C++ -*-===//
//
// Part of Linnet, under Apache-2.0 WITH LLVM-exception. See LICENSE.
//
//===----------------------------------------------------------------------===//
#ifndef LINNET_LIB_CODEGEN_CPU_PHILOX_H
#define LINNET_LIB_CODEGEN_CPU_PHILOX_H

#include "linnet/Codegen/KernelFrame.h"
#include <array>

namespace linnet::codegen {

/// Emits Philox4x32-10: every lane runs it on a counter of its own.
class Philox {
public:
  static constexpr int64_t kBlock = 4 * kLanes; ///< elements that 16 counters make

  /// `key` and `counter` are i64.
  Philox(Emitter &e, Value key, Value counter);
  /// The words of elements 4 * first to 4 * first + 63, in four vectors of i32; element i is word
  /// i mod 4 of counter + i / 4.
  std::array<Value, 4> elements(Value first);

private:
  std::array<Value, 4> start(Value first);
  std::array<Value, 4> words(Value first);
  Value word(Value i64, int64_t shift);
  VectorType ints() { return e.vec(e.getI32Type()); }
  Value splat32(uint32_t v) { return e.iconst(ints(), static_cast<int32_t>(v)); }

  Emitter &e;
  Value counter, k0, k1;
};

/// A seed operand, a scalar or a tensor of one, as i64.
mlir::FailureOr<Value> loadSeed(KernelFrame &frame, Value seed);

/// Selects for a kernel that makes a random number for each element of `result`: a chunk is some
/// blocks of Philox::kBlock elements.
mlir::LogicalResult selectPhilox(exec::KernelOp kernel, Value result);
/// Calls `body` for every block of the frame's chunks: the number of its first element and how many
/// elements of a tensor of these sizes there are from there on.
void forPhiloxBlocks(KernelFrame &frame, llvm::ArrayRef<Value> sizes,
                     llvm::function_ref<void(Value first, Value left)> body);

/// Emits the factors of dropout: 0, or 1 / (1 - rate) with probability 1 - rate. Element i is kept
/// where the uniform number i of `linnet.random` in f32 is at least the rate.
class Dropout {
public:
  Dropout(Emitter &e, Value key, Value counter, double rate)
      : e(e), philox(e, key, counter), rate(rate) {}
  /// Room that `fill` needs for `count` factors.
  static int64_t roomFor(int64_t count) {
    return (count + 3 + Philox::kBlock - 1) / Philox::kBlock * Philox::kBlock;
  }
  /// Writes the factors of elements [first, first + count) to `memory`, which is f32; returns the
  /// position of the first. What lies around them is overwritten too.
  Value fill(Value memory, Value first, Value count);

private:
  Emitter &e;
  Philox philox;
  double rate;
};

} // namespace linnet::codegen

#endif // LINNET_LIB_CODEGEN_CPU_PHILOX_H
