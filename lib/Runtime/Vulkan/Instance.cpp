//===- Instance.cpp - the loader and what it finds ------------------------===//
//
// Part of Linnet, under Apache-2.0 WITH LLVM-exception. See LICENSE.
//
//===----------------------------------------------------------------------===//
#include "Instance.h"
#include "Vulkan.h"
#include "VulkanDevice.h"

#include <algorithm>
#include <cstdio>
#include <cstring>
#include <dlfcn.h>
#include <mutex>

namespace linnet::runtime::vulkan {
namespace {

constexpr const char *kLibrary = "libvulkan.so.1";
/// Every program needs 8- and 16-bit storage to be asked for by features of 1.2.
constexpr uint32_t kVersion = VK_API_VERSION_1_2;

const char *resultName(VkResult result) {
  switch (result) {
  case VK_ERROR_OUT_OF_HOST_MEMORY:
    return "VK_ERROR_OUT_OF_HOST_MEMORY";
  case VK_ERROR_OUT_OF_DEVICE_MEMORY:
    return "VK_ERROR_OUT_OF_DEVICE_MEMORY";
  case VK_ERROR_INITIALIZATION_FAILED:
    return "VK_ERROR_INITIALIZATION_FAILED";
  case VK_ERROR_DEVICE_LOST:
    return "VK_ERROR_DEVICE_LOST";
  case VK_ERROR_INCOMPATIBLE_DRIVER:
    return "VK_ERROR_INCOMPATIBLE_DRIVER";
  case VK_ERROR_TOO_MANY_OBJECTS:
    return "VK_ERROR_TOO_MANY_OBJECTS";
  case VK_ERROR_INVALID_SHADER_NV:
    return "VK_ERROR_INVALID_SHADER_NV";
  default:
    return nullptr;
  }
}

/// 1003 for 1.3.
uint32_t shortVersion(uint32_t version) {
  return VK_API_VERSION_MAJOR(version) * 1000 + VK_API_VERSION_MINOR(version);
}

} // namespace

Failure failure(const std::string &device, const char *call, VkResult result) {
  bool memory = result == VK_ERROR_OUT_OF_HOST_MEMORY || result == VK_ERROR_OUT_OF_DEVICE_MEMORY;
  const char *name = resultName(result);
  return fail(memory ? LNT_OUT_OF_MEMORY : LNT_FAULT, device, ": vk", call, " gave ",
              name ? name : std::to_string(int(result)));
}

//===----------------------------------------------------------------------===//
// Instance
//===----------------------------------------------------------------------===//

Failure Instance::get(std::shared_ptr<Instance> &result) {
  static std::mutex mutex;
  static std::weak_ptr<Instance> last;
  std::lock_guard<std::mutex> lock(mutex);
  result = last.lock();
  if (result)
    return nullptr;
  std::shared_ptr<Instance> instance(new Instance());
  if (Failure failed = instance->start())
    return failed;
  last = result = std::move(instance);
  return nullptr;
}

Failure Instance::start() {
  library = dlopen(kLibrary, RTLD_NOW | RTLD_LOCAL);
  if (!library)
    return fail(LNT_UNSUPPORTED, "Vulkan's loader was not found: ", dlerror());
  auto find = reinterpret_cast<PFN_vkGetInstanceProcAddr>(dlsym(library, "vkGetInstanceProcAddr"));
  auto create =
      find ? reinterpret_cast<PFN_vkCreateInstance>(find(nullptr, "vkCreateInstance")) : nullptr;
  auto version = find ? reinterpret_cast<PFN_vkEnumerateInstanceVersion>(
                            find(nullptr, "vkEnumerateInstanceVersion"))
                      : nullptr;
  uint32_t available = VK_API_VERSION_1_0;
  if (version)
    version(&available);
  if (!create || available < kVersion)
    return fail(LNT_UNSUPPORTED, kLibrary, " is of version ", shortVersion(available) / 1000, ".",
                shortVersion(available) % 1000, ", expected 1.2 or later");
  VkApplicationInfo application = {};
  application.sType = VK_STRUCTURE_TYPE_APPLICATION_INFO;
  application.pEngineName = "linnet";
  application.apiVersion = std::min(available, uint32_t(VK_API_VERSION_1_3));
  VkInstanceCreateInfo info = {};
  info.sType = VK_STRUCTURE_TYPE_INSTANCE_CREATE_INFO;
  info.pApplicationInfo = &application;
  VkResult created = create(&info, nullptr, &handle);
  if (created == VK_ERROR_INCOMPATIBLE_DRIVER)
    return fail(LNT_UNSUPPORTED, "there is no Vulkan device: ", kLibrary, " found no driver");
  if (VkResult result = created)
    return fail(LNT_UNSUPPORTED, "Vulkan does not start: vkCreateInstance gave ",
                resultName(result) ? resultName(result) : std::to_string(int(result)));
#define LINNET_FIND(name)                                                                          \
  vk.name = reinterpret_cast<PFN_vk##name>(find(handle, "vk" #name));                              \
  if (!vk.name)                                                                                    \
    return fail(LNT_UNSUPPORTED, kLibrary, " lacks vk" #name);
  LINNET_VULKAN_INSTANCE(LINNET_FIND)
#undef LINNET_FIND
  uint32_t count = 0;
  VkResult result = vk.EnumeratePhysicalDevices(handle, &count, nullptr);
  if (result == VK_SUCCESS) {
    devices.resize(count);
    result = vk.EnumeratePhysicalDevices(handle, &count, devices.data());
    devices.resize(count);
  }
  return result == VK_SUCCESS ? nullptr : failure("Vulkan", "EnumeratePhysicalDevices", result);
}

Instance::~Instance() {
  if (handle && vk.DestroyInstance)
    vk.DestroyInstance(handle, nullptr);
  if (library)
    dlclose(library);
}

//===----------------------------------------------------------------------===//
// Devices
//===----------------------------------------------------------------------===//

Physical::Physical(const InstanceFunctions &vk, VkPhysicalDevice handle) : vk(vk), handle(handle) {
  VkPhysicalDeviceProperties2 first = {};
  first.sType = VK_STRUCTURE_TYPE_PHYSICAL_DEVICE_PROPERTIES_2;
  vk.GetPhysicalDeviceProperties2(handle, &first);
  properties = first.properties;
  properties11.sType = VK_STRUCTURE_TYPE_PHYSICAL_DEVICE_VULKAN_1_1_PROPERTIES;
  properties13.sType = VK_STRUCTURE_TYPE_PHYSICAL_DEVICE_VULKAN_1_3_PROPERTIES;
  features11.sType = VK_STRUCTURE_TYPE_PHYSICAL_DEVICE_VULKAN_1_1_FEATURES;
  features12.sType = VK_STRUCTURE_TYPE_PHYSICAL_DEVICE_VULKAN_1_2_FEATURES;
  features13.sType = VK_STRUCTURE_TYPE_PHYSICAL_DEVICE_VULKAN_1_3_FEATURES;
  if (properties.apiVersion >= VK_API_VERSION_1_2) {
    bool is13 = properties.apiVersion >= VK_API_VERSION_1_3;
    first.pNext = &properties11;
    properties11.pNext = is13 ? &properties13 : nullptr;
    vk.GetPhysicalDeviceProperties2(handle, &first);
    VkPhysicalDeviceFeatures2 all = {};
    all.sType = VK_STRUCTURE_TYPE_PHYSICAL_DEVICE_FEATURES_2;
    all.pNext = &features11;
    features11.pNext = &features12;
    features12.pNext = is13 ? &features13 : nullptr;
    vk.GetPhysicalDeviceFeatures2(handle, &all);
    features = all.features;
  }
  properties11.pNext = properties13.pNext = features11.pNext = features12.pNext = nullptr;
  VkPhysicalDeviceMemoryProperties2 memory = {};
  memory.sType = VK_STRUCTURE_TYPE_PHYSICAL_DEVICE_MEMORY_PROPERTIES_2;
  vk.GetPhysicalDeviceMemoryProperties2(handle, &memory);
  memoryProperties = memory.memoryProperties;
  uint32_t count = 0;
  vk.EnumerateDeviceExtensionProperties(handle, nullptr, &count, nullptr);
  std::vector<VkExtensionProperties> extensions(count);
  vk.EnumerateDeviceExtensionProperties(handle, nullptr, &count, extensions.data());
  for (const VkExtensionProperties &extension : extensions)
    hasBudget |= std::strcmp(extension.extensionName, VK_EXT_MEMORY_BUDGET_EXTENSION_NAME) == 0;
  vk.GetPhysicalDeviceQueueFamilyProperties(handle, &count, nullptr);
  std::vector<VkQueueFamilyProperties> families(count);
  vk.GetPhysicalDeviceQueueFamilyProperties(handle, &count, families.data());
  for (uint32_t i = 0; i < count && queueFamily < 0; ++i)
    if (families[i].queueFlags & VK_QUEUE_COMPUTE_BIT) {
      queueFamily = int32_t(i);
      timestampBits = families[i].timestampValidBits;
    }
}

void Physical::memory(uint32_t type, uint64_t &total, uint64_t &available) const {
  uint32_t heap = memoryProperties.memoryTypes[type].heapIndex;
  total = available = memoryProperties.memoryHeaps[heap].size;
  if (!hasBudget)
    return;
  VkPhysicalDeviceMemoryBudgetPropertiesEXT budget = {};
  budget.sType = VK_STRUCTURE_TYPE_PHYSICAL_DEVICE_MEMORY_BUDGET_PROPERTIES_EXT;
  VkPhysicalDeviceMemoryProperties2 properties2 = {};
  properties2.sType = VK_STRUCTURE_TYPE_PHYSICAL_DEVICE_MEMORY_PROPERTIES_2;
  properties2.pNext = &budget;
  vk.GetPhysicalDeviceMemoryProperties2(handle, &properties2);
  uint64_t room = budget.heapBudget[heap], used = budget.heapUsage[heap];
  available = std::min(total, room > used ? room - used : 0);
}

int32_t Physical::memoryType(uint32_t allowed, VkMemoryPropertyFlags wanted,
                             VkMemoryPropertyFlags preferred) const {
  for (VkMemoryPropertyFlags flags : {wanted | preferred, wanted})
    for (uint32_t i = 0; i < memoryProperties.memoryTypeCount; ++i)
      if ((allowed >> i & 1) != 0 &&
          (memoryProperties.memoryTypes[i].propertyFlags & flags) == flags)
        return int32_t(i);
  return -1;
}

bool Physical::hasFeature(uint32_t need) const {
  switch (need) {
  case LNT_GPU_NEEDS_INT8:
    return features12.shaderInt8;
  case LNT_GPU_NEEDS_INT16:
    return features.shaderInt16;
  case LNT_GPU_NEEDS_INT64:
    return features.shaderInt64;
  case LNT_GPU_NEEDS_FLOAT16:
    return features12.shaderFloat16;
  case LNT_GPU_NEEDS_FLOAT64:
    return features.shaderFloat64;
  case LNT_GPU_NEEDS_STORAGE8:
    return features12.storageBuffer8BitAccess;
  case LNT_GPU_NEEDS_STORAGE16:
    return features11.storageBuffer16BitAccess;
  case LNT_GPU_NEEDS_SHUFFLE:
    return (properties11.subgroupSupportedOperations & VK_SUBGROUP_FEATURE_SHUFFLE_BIT) &&
           (properties11.subgroupSupportedStages & VK_SHADER_STAGE_COMPUTE_BIT);
  default:
    return false;
  }
}

lnt_device_info Physical::info() const {
  lnt_device_info info = {};
  info.device = LNT_VULKAN;
  std::snprintf(info.name, sizeof info.name, "%s", properties.deviceName);
  info.version = shortVersion(properties.apiVersion);
  info.group = properties.limits.maxComputeWorkGroupInvocations;
  info.shared = properties.limits.maxComputeSharedMemorySize;
  info.subgroup_min = info.subgroup_max = properties11.subgroupSize;
  if (features13.subgroupSizeControl) {
    info.subgroup_min = properties13.minSubgroupSize;
    info.subgroup_max = properties13.maxSubgroupSize;
  }
  if (int32_t type = memoryType(UINT32_MAX, VK_MEMORY_PROPERTY_DEVICE_LOCAL_BIT, 0); type >= 0)
    memory(uint32_t(type), info.memory, info.memory_free);
  const char *lacks = properties.apiVersion < kVersion ? "Vulkan 1.2"
                      : queueFamily < 0                ? "a queue for compute"
                                                       : "";
  std::snprintf(info.lacks, sizeof info.lacks, "%s", lacks);
  info.usable = *lacks == 0;
  return info;
}

Failure list(std::vector<lnt_device_info> &devices) {
  std::shared_ptr<Instance> instance;
  if (Failure failed = Instance::get(instance))
    return failed;
  for (VkPhysicalDevice handle : instance->devices)
    devices.push_back(Physical(instance->vk, handle).info());
  return nullptr;
}

Failure open(int32_t index, std::shared_ptr<Device> &result) {
  std::shared_ptr<Instance> instance;
  if (Failure failed = Instance::get(instance))
    return failed;
  size_t count = instance->devices.size();
  if (count == 0)
    return fail(LNT_UNSUPPORTED, "there is no Vulkan device: ", kLibrary,
                " found no driver that has one");
  if (index > 0 && size_t(index) > count)
    return fail(LNT_UNSUPPORTED, "expects a Vulkan device up to ", count, ", found ", index);
  // The best is a GPU of its own, then one in the processor, then what there is.
  auto rank = [](VkPhysicalDeviceType type) {
    return type == VK_PHYSICAL_DEVICE_TYPE_DISCRETE_GPU     ? 0
           : type == VK_PHYSICAL_DEVICE_TYPE_INTEGRATED_GPU ? 1
                                                            : 2;
  };
  std::unique_ptr<Physical> best;
  for (size_t i = 0; i < count; ++i) {
    if (index > 0 && size_t(index) != i + 1)
      continue;
    auto next = std::make_unique<Physical>(instance->vk, instance->devices[i]);
    bool usable = next->info().usable;
    if (!best || (usable && (!best->info().usable || rank(next->properties.deviceType) <
                                                         rank(best->properties.deviceType))))
      best = std::move(next);
  }
  if (lnt_device_info info = best->info(); !info.usable)
    return fail(LNT_UNSUPPORTED, "Vulkan device '", info.name, "' lacks ", info.lacks);
  return VulkanDevice::create(std::move(instance), std::move(best), result);
}

} // namespace linnet::runtime::vulkan
