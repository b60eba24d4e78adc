//===- Instance.h - the loader and what it finds ----------------*- C++ -*-===//
//
// Part of Linnet, under Apache-2.0 WITH LLVM-exception. See LICENSE.
//
//===----------------------------------------------------------------------===//
#ifndef LINNET_LIB_RUNTIME_VULKAN_INSTANCE_H
#define LINNET_LIB_RUNTIME_VULKAN_INSTANCE_H

#include "../Device.h"
#include "Functions.h"

namespace linnet::runtime::vulkan {

/// "vkQueueSubmit gave VK_ERROR_DEVICE_LOST".
Failure failure(const std::string &device, const char *call, VkResult result);

/// libvulkan.so.1 and an instance of it; one for all devices.
class Instance {
public:
  static Failure get(std::shared_ptr<Instance> &result);
  ~Instance();
  Instance(const Instance &) = delete;
  Instance &operator=(const Instance &) = delete;

  InstanceFunctions vk;
  VkInstance handle = VK_NULL_HANDLE;
  std::vector<VkPhysicalDevice> devices;

private:
  Instance() = default;
  Failure start();

  void *library = nullptr;
};

/// What a device says of itself.
struct Physical {
  Physical(const InstanceFunctions &vk, VkPhysicalDevice handle);
  /// Bytes of the heap of `type`, and of those the free ones.
  void memory(uint32_t type, uint64_t &total, uint64_t &available) const;
  /// A type with `wanted` properties, and if there is one with `preferred` as well; -1: none.
  int32_t memoryType(uint32_t allowed, VkMemoryPropertyFlags wanted,
                     VkMemoryPropertyFlags preferred) const;
  lnt_device_info info() const;
  bool hasFeature(uint32_t need) const; // LNT_GPU_NEEDS_*

  const InstanceFunctions &vk;
  VkPhysicalDevice handle;
  VkPhysicalDeviceProperties properties = {};
  VkPhysicalDeviceVulkan11Properties properties11 = {};
  VkPhysicalDeviceVulkan13Properties properties13 = {}; // zero below 1.3
  VkPhysicalDeviceFeatures features = {};
  VkPhysicalDeviceVulkan11Features features11 = {};
  VkPhysicalDeviceVulkan12Features features12 = {};
  VkPhysicalDeviceVulkan13Features features13 = {};
  VkPhysicalDeviceMemoryProperties memoryProperties = {};
  bool hasBudget = false; // says how much memory is free
  int32_t queueFamily = -1;
  uint32_t timestampBits = 0;
};

} // namespace linnet::runtime::vulkan

#endif // LINNET_LIB_RUNTIME_VULKAN_INSTANCE_H
