//===- linnet-reduce.cpp - shrinks a failing input ------------------------===//
//
// Part of Linnet, under Apache-2.0 WITH LLVM-exception. See LICENSE.
//
//===----------------------------------------------------------------------===//
#include "linnet/Pipelines/Tools.h"

int main(int argc, char **argv) { return linnet::reduceMain(argc, argv); }
