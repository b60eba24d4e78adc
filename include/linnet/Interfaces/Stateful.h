//===- Stateful.h - ops that carry a state through --------------*- C++ -*-===//
//
// Part of Linnet, under Apache-2.0 WITH LLVM-exception. See LICENSE.
//
//===----------------------------------------------------------------------===//
#ifndef LINNET_INTERFACES_STATEFUL_H
#define LINNET_INTERFACES_STATEFUL_H

#include "mlir/IR/OpDefinition.h"

#include "linnet/Interfaces/Stateful.h.inc"

#endif // LINNET_INTERFACES_STATEFUL_H
