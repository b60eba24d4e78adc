//===- EqualSizes.h - which sizes an op wants equal -------------*- C++ -*-===//
//
// Part of Linnet, under Apache-2.0 WITH LLVM-exception. See LICENSE.
//
//===----------------------------------------------------------------------===//
#ifndef LINNET_INTERFACES_EQUALSIZES_H
#define LINNET_INTERFACES_EQUALSIZES_H

#include "mlir/IR/OpDefinition.h"

namespace linnet {
/// Size `dim` of operand number `operand`.
struct SizeRef {
  unsigned operand;
  unsigned dim;
};
struct EqualSizes {
  SizeRef a, b;
};
} // namespace linnet

#include "linnet/Interfaces/EqualSizes.h.inc"

#endif // LINNET_INTERFACES_EQUALSIZES_H
