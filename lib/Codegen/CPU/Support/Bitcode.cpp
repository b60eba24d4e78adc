//===- Bitcode.cpp - the support functions, embedded ------------------------===//
//
// Part of Linnet, under Apache-2.0 WITH LLVM-exception. See LICENSE.
//
//===----------------------------------------------------------------------===//
#include "Bitcode.h"

#pragma clang diagnostic ignored "-Wc23-extensions"

static const unsigned char memory[] = {
#embed "Memory.bc"
};
static const unsigned char math[] = {
#embed "Math.bc"
};

static llvm::StringRef bytes(const unsigned char *data, size_t size) {
  return {reinterpret_cast<const char *>(data), size};
}

llvm::StringRef linnet::codegen::getMemoryBitcode() { return bytes(memory, sizeof memory); }
llvm::StringRef linnet::codegen::getMathBitcode() { return bytes(math, sizeof math); }
