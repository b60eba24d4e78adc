//===- CostModel.h - what a rewrite is worth --------------------*- C++ -*-===//
//
// Part of Linnet, under Apache-2.0 WITH LLVM-exception. See LICENSE.
//
//===----------------------------------------------------------------------===//
#ifndef LINNET_ANALYSIS_COSTMODEL_H
#define LINNET_ANALYSIS_COSTMODEL_H

#include "mlir/Support/LLVM.h"
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
  int64_t unknownSize = 1024;              ///< taken for a dynamic size
  /// A rewrite has to take less than this part of the time: the model is rough, and a constant
  /// operand loses its packing.
  double gain = 0.8;

  double seconds(const Work &w) const {
    return w.flops / flopsPerSecond + w.bytes / bytesPerSecond;
  }
  double attentionSeconds(double flops, double scores) const {
    return flops / attentionFlopsPerSecond + scores * secondsPerScore;
  }

  /// The model of a file that `linnet-bench --calibrate-cost` has written; failure, with `error`.
  static mlir::FailureOr<CostModel> load(llvm::StringRef path, std::string &error);
};

} // namespace linnet

#endif // LINNET_ANALYSIS_COSTMODEL_H
