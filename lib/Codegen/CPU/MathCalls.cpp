//===- MathCalls.cpp - math functions as calls of Support/Math.cc -----------===//
//
// Part of Linnet, under Apache-2.0 WITH LLVM-exception. See LICENSE.
//
//===----------------------------------------------------------------------===//
#include "LoweringPatterns.h"

using namespace mlir;

LogicalResult linnet::codegen::callMathFunctions(ModuleOp module) { return success(); }
