//===- Bitcode.cpp - the support functions, embedded ------------------------===//
//
// Part of Linnet, under Apache-2.0 WITH LLVM-exception. See LICENSE.
//
//===----------------------------------------------------------------------===//
#include "Bitcode.h"

static const unsigned char memory[] = {
#include "linnet-support/Memory.inc"
};
static const unsigned char math[] = {
#include "linnet-support/Math.inc"
};

static llvm::StringRef bytes(const unsigned char *data, size_t size) {
  return {reinterpret_cast<const char *>(data), size};
}

llvm::StringRef linnet::codegen::getMemoryBitcode() { return bytes(memory, sizeof memory); }
llvm::StringRef linnet::codegen::getMathBitcode() { return bytes(math, sizeof math); }
