//===- WorkgroupMemory.h - how much a workgroup may have --------*- C++ -*-===//
//
// Part of Linnet, under Apache-2.0 WITH LLVM-exception. See LICENSE.
//
//===----------------------------------------------------------------------===//
#ifndef LINNET_LIB_CODEGEN_GPU_WORKGROUPMEMORY_H
#define LINNET_LIB_CODEGEN_GPU_WORKGROUPMEMORY_H

#include "linnet/Codegen/GPU.h"

namespace linnet::codegen {

/// The bytes that a workgroup may ask for which moves much more with GPUTarget::workgroupMemory.
/// Few fit onto a device at once then. On CUDA it is what the chip has for one.
int64_t mostWorkgroupMemory(const GPUTarget &target);

} // namespace linnet::codegen

#endif // LINNET_LIB_CODEGEN_GPU_WORKGROUPMEMORY_H
