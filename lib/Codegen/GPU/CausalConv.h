//===- CausalConv.h - what causal_conv and its gradient share ---*- C++ -*-===//
//
// Part of Linnet, under Apache-2.0 WITH LLVM-exception. See LICENSE.
//
// Padded positions count the W - 1 past inputs too: position t of the output reads the padded ones
// from t on.
//
//===----------------------------------------------------------------------===//
#ifndef LINNET_LIB_CODEGEN_GPU_CAUSALCONV_H
#define LINNET_LIB_CODEGEN_GPU_CAUSALCONV_H

#include "../Scans.h"
#include "GPUKernelFrame.h"

namespace linnet::codegen {

/// Whether registers have no space for a window.
inline bool isWideConv(int64_t width) { return width > 8; }

/// Padded inputs of a sequence as f32; zero outside.
struct GPUPaddedInputs {
  GPUKernelFrame &f;
  const View &x, *state; ///< null: zeros
  int64_t kept;          ///< W - 1
  Value batch;
  Value load(Value position, Value channel) const;
};

/// A row per position of some channels each, in workgroup memory.
struct GPUConvRows {
  Value memory;
  int64_t first = 0, channels = 0; ///< the element where they begin; of a row
  Value at(GPUEmitter &e, Value row, Value lane) const {
    return e.add(e.add(e.mul(row, channels), lane), first);
  }
};

/// sum[k] += the sum over i < count of tap(i) * row[first + k + i]: each number of `rows` is loaded
/// once for all sums.
Values correlate(GPUEmitter &e, const GPUConvRows &rows, Value first, Value lane, Value count,
                 llvm::function_ref<Value(Value)> tap, Values sums);

} // namespace linnet::codegen

#endif // LINNET_LIB_CODEGEN_GPU_CAUSALCONV_H
