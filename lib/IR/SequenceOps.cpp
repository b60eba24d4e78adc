//===- SequenceOps.cpp - ops of the sequence family -----------------------------===//
//
// Part of Linnet, under Apache-2.0 WITH LLVM-exception. See LICENSE.
//
//===----------------------------------------------------------------------===//
#include "linnet/IR/LinnetOps.h"

using namespace mlir;
using namespace linnet;

#define GET_OP_CLASSES
#include "linnet/IR/SequenceOps.cpp.inc"

void LinnetDialect::registerSequenceOps() {
  addOperations<
#define GET_OP_LIST
#include "linnet/IR/SequenceOps.cpp.inc"
      >();
}
