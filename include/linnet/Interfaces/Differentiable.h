//===- Differentiable.h - ops with a derivative rule ------------*- C++ -*-===//
//
// Part of Linnet, under Apache-2.0 WITH LLVM-exception. See LICENSE.
//
//===----------------------------------------------------------------------===//
#ifndef LINNET_INTERFACES_DIFFERENTIABLE_H
#define LINNET_INTERFACES_DIFFERENTIABLE_H

#include "linnet/Autodiff/Adjoints.h"
#include "mlir/IR/OpDefinition.h"

#include "linnet/Interfaces/Differentiable.h.inc"

#endif // LINNET_INTERFACES_DIFFERENTIABLE_H
