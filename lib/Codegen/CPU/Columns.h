//===- Columns.h - vectors of a row with zeros around it --------*- C++ -*-===//
//
// Part of Linnet, under Apache-2.0 WITH LLVM-exception. See LICENSE.
//
// What kernels with windows share: lanes at every step-th column of a row, some of which lie
// outside of it.
//
//===----------------------------------------------------------------------===//
#ifndef LINNET_LIB_CODEGEN_CPU_COLUMNS_H
#define LINNET_LIB_CODEGEN_CPU_COLUMNS_H

#include "../Planes.h"
#include "linnet/Codegen/Emitter.h"

namespace linnet::codegen {

/// The lanes whose column `first + lane * step` lies in [0, size). `inside`: first is known not
/// to be negative.
Value columnMask(Emitter &e, Value first, Value size, int64_t step, int64_t lanes,
                 bool inside = false);
/// Lanes at columns `first + lane * step`, zero outside of the row.
Value loadColumns(Emitter &e, const Row &row, Value first, int64_t step, int64_t lanes,
                  bool inside = false);

} // namespace linnet::codegen

#endif // LINNET_LIB_CODEGEN_CPU_COLUMNS_H
