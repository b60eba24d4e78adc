//===- CostModel.h - what a rewrite is worth --------------------*- C++ -*-===//
//
// Part of Linnet, under Apache-2.0 WITH LLVM-exception. See LICENSE.
//
//===----------------------------------------------------------------------===//
#ifndef LINNET_ANALYSIS_COSTMODEL_H
#define LINNET_ANALYSIS_COSTMODEL_H

#include "mlir/IR/Builders.h"
#include <cmath>
#include <cstdint>
#include <string>

namespace linnet {

/// Work in floating-point operations (a multiply-add is two) and bytes of memory.
struct Work {
  double flops = 0, bytes = 0;
};

/// Seconds from work: arithmetic and memory one after the other. The defaults are of one core with
/// 512-bit vectors and one channel of memory; only their ratios decide.
struct CostModel {
  double flopsPerSecond = 1e11; ///< of products
  double bytesPerSecond = 1.5e10;
  double attentionFlopsPerSecond = 1.1e11; ///< of both products of softmax attention
  double secondsPerScore = 2e-10;          ///< of a score's exponential, sum and mask
  double linearFlopsPerSecond = 1e11;      ///< of the recurrence of linear attention
  double secondsPerFeature = 2e-10;        ///< of an element that is made, copied or weighted
  double secondsPerDispatch = 2.5e-7;      ///< of starting a kernel
  double secondsPerAttention = 1.5e-6;     ///< of starting softmax attention, its panels of keys
  int64_t unknownSize = 1024;              ///< taken for a dynamic size
  /// A rewrite has to take less than this part of the time: the model is rough, and a constant
  /// operand loses its packing.
  double gain = 0.8;

  double seconds(const Work &w) const {
    return w.flops / flopsPerSecond + w.bytes / bytesPerSecond;
  }
  /// Of as many pairs of a query and a key as the kernel computes. Values are in vectors of 16
  /// channels. Few queries wait for their keys and values, many for arithmetic.
  double attentionSeconds(double pairs, double depth, double valueDepth, double bytes) const {
    double flops = 2 * pairs * (depth + padded(valueDepth));
    return secondsPerAttention + std::max(flops / attentionFlopsPerSecond + pairs * secondsPerScore,
                                          bytes / bytesPerSecond);
  }
  /// Channels that whole vectors hold.
  static double padded(double channels) { return 16 * std::ceil(channels / 16); }
  /// Keys per row that causal attention computes, in the mean: whole tiles of 64 at the end.
  static double causalKeys(double keys) { return std::min(keys, keys / 2 + 32); }

  /// The model of a file that `linnet-bench --calibrate-cost` has written, what it does not name as
  /// here; failure, with `error`.
  static mlir::FailureOr<CostModel> load(llvm::StringRef path, std::string &error);
  /// The same for a pass's option, where no path is the defaults; fails with an error at `loc`.
  static mlir::FailureOr<CostModel> read(llvm::StringRef path, mlir::Location loc);
};

/// On a function, then on the module: what linnet-reassociate chose at every product.
inline constexpr llvm::StringLiteral kProductsAttr = "linnet.products";

/// As the report has it: flops, bytes and predicted_seconds.
mlir::DictionaryAttr printWork(mlir::Builder &b, const Work &work, double seconds);

} // namespace linnet

#endif // LINNET_ANALYSIS_COSTMODEL_H
