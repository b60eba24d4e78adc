//===- NarrowMasks.h - masked memory that the back end gets wrong -*- C++ -*-===//
//
// Part of Linnet, under Apache-2.0 WITH LLVM-exception. See LICENSE.
//
//===----------------------------------------------------------------------===//
#ifndef LINNET_LIB_CODEGEN_CPU_NARROWMASKS_H
#define LINNET_LIB_CODEGEN_CPU_NARROWMASKS_H

namespace llvm {
class Function;
} // namespace llvm

namespace linnet::codegen {

/// Leaves out of masked loads and stores the registers whose lanes the mask never has.
///
/// LLVM 22 splits a vector of two AVX registers during selection. Where it finds only then that
/// the mask of one half is all false (a row that may be outside, in lanes that always are), it
/// loads that half without a mask: lanes get what lies there instead of the pass-through value,
/// and memory outside of the buffer is read.
void narrowMasks(llvm::Function &function);

} // namespace linnet::codegen

#endif // LINNET_LIB_CODEGEN_CPU_NARROWMASKS_H
