//===- AttentionRows.h - what attention and its gradients share on CPUs -*- C++ -*-===//
//
// Part of Linnet, under Apache-2.0 WITH LLVM-exception. See LICENSE.
//
//===----------------------------------------------------------------------===//
#ifndef LINNET_LIB_CODEGEN_CPU_ATTENTIONROWS_H
#define LINNET_LIB_CODEGEN_CPU_ATTENTIONROWS_H

#include "../AttentionMasks.h"
#include "OpKernel.h"

namespace linnet::codegen {

/// What the CPU's kernels of softmax attention and of its gradients derive from: `Op` is either's.
template <typename Op> class AttentionRows : protected AttentionMasks<Op> {
protected:
  using typename AttentionMasks<Op>::Row;
  static constexpr int64_t kPanel = 64; ///< keys in a panel of transposed keys

  AttentionRows(Op op, KernelFrame &frame)
      : AttentionMasks<Op>(op, frame, kLanes), e(frame.e), frame(frame) {}

  /// 2^x; 0 of -inf, NaN of NaN.
  Value powerOfTwo(Value x) { return e.exp2Fast(e.maxf(e.fconst(x.getType(), -1000.0), x)); }
  /// Writes the factors of dropout for `count` keys from `key` on; returns where the first is.
  Value fillDropout(Value memory, const Row &row, Value key, Value count);
  /// A register tile: of every row, whose `depth` numbers are at its place of `rows`, `vectors`
  /// vectors of dot products with the keys from place `panel` of `panels` on.
  Values dotProducts(Value rows, llvm::ArrayRef<Value> places, Value panels, Value panel,
                     int64_t depth, int64_t vectors);

  Emitter &e; ///< those of AttentionMasks, with what CPUs have
  KernelFrame &frame;
};

} // namespace linnet::codegen

#endif // LINNET_LIB_CODEGEN_CPU_ATTENTIONROWS_H
