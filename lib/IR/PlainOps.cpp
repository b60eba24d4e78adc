//===- PlainOps.cpp - ops of the plain family -----------------------------===//
//
// Part of Linnet, under Apache-2.0 WITH LLVM-exception. See LICENSE.
//
//===----------------------------------------------------------------------===//
#include "linnet/IR/LinnetOps.h"

using namespace mlir;
using namespace linnet;

#define GET_OP_CLASSES
#include "linnet/IR/PlainOps.cpp.inc"

void LinnetDialect::registerPlainOps() {
  addOperations<
#define GET_OP_LIST
#include "linnet/IR/PlainOps.cpp.inc"
      >();
}
