//===- Interfaces.cpp - definitions of the op interfaces ------------------===//
//
// Part of Linnet, under Apache-2.0 WITH LLVM-exception. See LICENSE.
//
//===----------------------------------------------------------------------===//
#include "linnet/Interfaces/Differentiable.h"
#include "linnet/Interfaces/EqualSizes.h"
#include "linnet/Interfaces/Stateful.h"

#include "linnet/Interfaces/Differentiable.cpp.inc"
#include "linnet/Interfaces/EqualSizes.cpp.inc"
#include "linnet/Interfaces/Stateful.cpp.inc"
