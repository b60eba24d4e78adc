//===- WorkgroupMemory.h - how much a workgroup may have --------*- C++ -*-===//
//
// Part of Linnet, under Apache-2.0 WITH LLVM-exception. See LICENSE.
//
//===----------------------------------------------------------------------===//
#ifndef LINNET_LIB_CODEGEN_GPU_WORKGROUPMEMORY_H
#define LINNET_LIB_CODEGEN_GPU_WORKGROUPMEMORY_H

#include "linnet/Codegen/GPU.h"

namespace linnet::codegen {

/// Most bytes that a workgroup may have: on CUDA all that the chip gives to one. Above
/// GPUTarget::workgroupMemory few workgroups fit onto a device at once, so only kernels that would
/// move much more without it ask for that.
int64_t mostWorkgroupMemory(const GPUTarget &target);

} // namespace linnet::codegen

#endif // LINNET_LIB_CODEGEN_GPU_WORKGROUPMEMORY_H
