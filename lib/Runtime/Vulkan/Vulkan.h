//===- Vulkan.h - devices that Vulkan finds ---------------------*- C++ -*-===//
//
// Part of Linnet, under Apache-2.0 WITH LLVM-exception. See LICENSE.
//
//===----------------------------------------------------------------------===//
#ifndef LINNET_LIB_RUNTIME_VULKAN_VULKAN_H
#define LINNET_LIB_RUNTIME_VULKAN_VULKAN_H

#include "../Device.h"

namespace linnet::runtime::vulkan {

Failure list(std::vector<lnt_device_info> &devices);
/// `index` from 1 on; 0: the best.
Failure open(int32_t index, std::shared_ptr<Device> &result);

} // namespace linnet::runtime::vulkan

#endif // LINNET_LIB_RUNTIME_VULKAN_VULKAN_H
