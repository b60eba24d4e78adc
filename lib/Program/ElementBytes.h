//===- ElementBytes.h - how many bytes an element takes ---------*- C++ -*-===//
//
// Part of Linnet, under Apache-2.0 WITH LLVM-exception. See LICENSE.
//
//===----------------------------------------------------------------------===//
#ifndef LINNET_LIB_PROGRAM_ELEMENTBYTES_H
#define LINNET_LIB_PROGRAM_ELEMENTBYTES_H

#include "mlir/IR/BuiltinTypes.h"

namespace linnet {

/// Bytes of one element in memory: i1 takes one, index eight.
inline int64_t getElementBytes(mlir::Type type) {
  return type.isIndex() ? 8 : llvm::divideCeil(type.getIntOrFloatBitWidth(), 8);
}

} // namespace linnet

#endif // LINNET_LIB_PROGRAM_ELEMENTBYTES_H
