//===- CostModel.h - what a rewrite is worth --------------------*- C++ -*-===//
//
// Part of Linnet, under Apache-2.0 WITH LLVM-exception. See LICENSE.
//
//===----------------------------------------------------------------------===//
#ifndef LINNET_ANALYSIS_COSTMODEL_H
#define LINNET_ANALYSIS_COSTMODEL_H

#include <cstdint>

namespace linnet {

/// Work in floating-point operations (a multiply-add is two) and bytes of memory.
struct Work {
  double flops = 0, bytes = 0;
};

/// Seconds from work: arithmetic and memory one after the other. The defaults are of one core with
/// 512-bit vectors and one channel of memory; only their ratio decides.
struct CostModel {
  double flopsPerSecond = 1e11;
  double bytesPerSecond = 1.5e10;
  int64_t unknownSize = 1024; ///< taken for a dynamic size
  double seconds(const Work &w) const {
    return w.flops / flopsPerSecond + w.bytes / bytesPerSecond;
  }
};

} // namespace linnet

#endif // LINNET_ANALYSIS_COSTMODEL_H
