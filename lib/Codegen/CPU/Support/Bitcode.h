//===- Bitcode.h - the support functions, embedded --------------*- C++ -*-===//
//
// Part of Linnet, under Apache-2.0 WITH LLVM-exception. See LICENSE.
//
//===----------------------------------------------------------------------===//
#ifndef LINNET_LIB_CODEGEN_CPU_SUPPORT_BITCODE_H
#define LINNET_LIB_CODEGEN_CPU_SUPPORT_BITCODE_H

#include "llvm/ADT/StringRef.h"

namespace linnet::codegen {

llvm::StringRef getMemoryBitcode(); ///< Memory.c
llvm::StringRef getMathBitcode();   ///< Math.cc

} // namespace linnet::codegen

#endif // LINNET_LIB_CODEGEN_CPU_SUPPORT_BITCODE_H
