//===- SelectiveScan.h - what the scan and its gradient share ---*- C++ -*-===//
//
// Part of Linnet, under Apache-2.0 WITH LLVM-exception. See LICENSE.
//
//===----------------------------------------------------------------------===//
#ifndef LINNET_LIB_CODEGEN_CPU_SELECTIVESCAN_H
#define LINNET_LIB_CODEGEN_CPU_SELECTIVESCAN_H

#include "../Activations.h"
#include "OpKernel.h"

namespace linnet::codegen {

/// Rows of f32 numbers, one per position of a panel and one number per state.
struct ScanRows {
  Value memory, base, step;
  Value splat(Emitter &e, Value t, int64_t state) const {
    return e.splat(e.load(memory, e.add(e.add(base, e.mul(t, step)), state)));
  }
};

/// The rows of a view [B,L,N] from position `first` on. Rows of f32 are read where they lie,
/// others are converted to `floats` from `place` on.
ScanRows prepareScanRows(KernelFrame &frame, const View &v, ValueRange first, Value count,
                         Value floats, int64_t place);

} // namespace linnet::codegen

#endif // LINNET_LIB_CODEGEN_CPU_SELECTIVESCAN_H
