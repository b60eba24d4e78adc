//===- VulkanDevice.cpp - memory and queue of a device --------------------===//
//
// Part of Linnet, under Apache-2.0 WITH LLVM-exception. See LICENSE.
//
//===----------------------------------------------------------------------===//
#include "VulkanDevice.h"
#include "VulkanCode.h"

#include <algorithm>
#include <cstring>

namespace linnet::runtime::vulkan {
namespace {

/// Addresses begin where neither the CPU's nor zero's neighbourhood is, and allocations are apart,
/// so that one beyond an end belongs to nothing.
constexpr uint64_t kFirstAddress = uint64_t(1) << 60, kApart = uint64_t(1) << 16;
/// Whole words for vkCmdFillBuffer, and what descriptors are aligned to.
constexpr uint64_t kRound = 256;
constexpr uint64_t kStaging = uint64_t(4) << 20;

constexpr VkBufferUsageFlags kUsage = VK_BUFFER_USAGE_STORAGE_BUFFER_BIT |
                                      VK_BUFFER_USAGE_TRANSFER_SRC_BIT |
                                      VK_BUFFER_USAGE_TRANSFER_DST_BIT;

uint64_t number(const char *address) { return reinterpret_cast<uintptr_t>(address); }

uint64_t roundUp(uint64_t value, uint64_t to) { return (value + to - 1) / to * to; }

} // namespace

//===----------------------------------------------------------------------===//
// Commands
//===----------------------------------------------------------------------===//

Commands::~Commands() {
  device.vk.DestroyFence(device.handle, fence, nullptr);
  device.vk.DestroyCommandPool(device.handle, pool, nullptr);
}

Failure Commands::begin(bool once) {
  const DeviceFunctions &vk = device.vk;
  if (!pool) {
    VkCommandPoolCreateInfo poolInfo = {};
    poolInfo.sType = VK_STRUCTURE_TYPE_COMMAND_POOL_CREATE_INFO;
    poolInfo.queueFamilyIndex = uint32_t(device.physical->queueFamily);
    if (VkResult result = vk.CreateCommandPool(device.handle, &poolInfo, nullptr, &pool))
      return device.error("CreateCommandPool", result);
    VkCommandBufferAllocateInfo bufferInfo = {};
    bufferInfo.sType = VK_STRUCTURE_TYPE_COMMAND_BUFFER_ALLOCATE_INFO;
    bufferInfo.commandPool = pool;
    bufferInfo.level = VK_COMMAND_BUFFER_LEVEL_PRIMARY;
    bufferInfo.commandBufferCount = 1;
    if (VkResult result = vk.AllocateCommandBuffers(device.handle, &bufferInfo, &handle))
      return device.error("AllocateCommandBuffers", result);
    VkFenceCreateInfo fenceInfo = {};
    fenceInfo.sType = VK_STRUCTURE_TYPE_FENCE_CREATE_INFO;
    if (VkResult result = vk.CreateFence(device.handle, &fenceInfo, nullptr, &fence))
      return device.error("CreateFence", result);
  } else if (VkResult result = vk.ResetCommandPool(device.handle, pool, 0)) {
    return device.error("ResetCommandPool", result);
  }
  VkCommandBufferBeginInfo beginInfo = {};
  beginInfo.sType = VK_STRUCTURE_TYPE_COMMAND_BUFFER_BEGIN_INFO;
  beginInfo.flags = once ? VK_COMMAND_BUFFER_USAGE_ONE_TIME_SUBMIT_BIT : 0;
  if (VkResult result = vk.BeginCommandBuffer(handle, &beginInfo))
    return device.error("BeginCommandBuffer", result);
  return nullptr;
}

Failure Commands::end() {
  VkResult result = device.vk.EndCommandBuffer(handle);
  return result == VK_SUCCESS ? nullptr : device.error("EndCommandBuffer", result);
}

Failure Commands::run() {
  const DeviceFunctions &vk = device.vk;
  VkSubmitInfo submit = {};
  submit.sType = VK_STRUCTURE_TYPE_SUBMIT_INFO;
  submit.commandBufferCount = 1;
  submit.pCommandBuffers = &handle;
  {
    std::lock_guard<std::mutex> lock(device.queueMutex);
    if (VkResult result = vk.QueueSubmit(device.queue, 1, &submit, fence))
      return device.error("QueueSubmit", result);
  }
  if (VkResult result = vk.WaitForFences(device.handle, 1, &fence, VK_TRUE, UINT64_MAX))
    return device.error("WaitForFences", result);
  if (VkResult result = vk.ResetFences(device.handle, 1, &fence))
    return device.error("ResetFences", result);
  return nullptr;
}

//===----------------------------------------------------------------------===//
// The device
//===----------------------------------------------------------------------===//

VulkanDevice::VulkanDevice(std::shared_ptr<Instance> of, std::unique_ptr<Physical> what)
    : physical(std::move(what)), instance(std::move(of)),
      name(std::string("Vulkan device '") + physical->properties.deviceName + "'"),
      nextAddress(kFirstAddress) {}

Failure VulkanDevice::create(std::shared_ptr<Instance> instance, std::unique_ptr<Physical> physical,
                             std::shared_ptr<Device> &result) {
  std::shared_ptr<VulkanDevice> device(new VulkanDevice(std::move(instance), std::move(physical)));
  if (Failure failed = device->start())
    return failed;
  result = std::move(device);
  return nullptr;
}

/// Of the optional features those that kernels may use, where the device has them.
Failure VulkanDevice::start() {
  bool is13 = physical->properties.apiVersion >= VK_API_VERSION_1_3;
  VkPhysicalDeviceFeatures2 features = {};
  VkPhysicalDeviceVulkan11Features features11 = {};
  VkPhysicalDeviceVulkan12Features features12 = {};
  VkPhysicalDeviceVulkan13Features features13 = {};
  features.sType = VK_STRUCTURE_TYPE_PHYSICAL_DEVICE_FEATURES_2;
  features.pNext = &features11;
  features11.sType = VK_STRUCTURE_TYPE_PHYSICAL_DEVICE_VULKAN_1_1_FEATURES;
  features11.pNext = &features12;
  features12.sType = VK_STRUCTURE_TYPE_PHYSICAL_DEVICE_VULKAN_1_2_FEATURES;
  features12.pNext = is13 ? &features13 : nullptr;
  features13.sType = VK_STRUCTURE_TYPE_PHYSICAL_DEVICE_VULKAN_1_3_FEATURES;
  features.features.shaderInt16 = physical->features.shaderInt16;
  features.features.shaderInt64 = physical->features.shaderInt64;
  features.features.shaderFloat64 = physical->features.shaderFloat64;
  features11.storageBuffer16BitAccess = physical->features11.storageBuffer16BitAccess;
  features12.storageBuffer8BitAccess = physical->features12.storageBuffer8BitAccess;
  features12.shaderFloat16 = physical->features12.shaderFloat16;
  features12.shaderInt8 = physical->features12.shaderInt8;
  features12.shaderSubgroupExtendedTypes = physical->features12.shaderSubgroupExtendedTypes;
  features13.subgroupSizeControl = physical->features13.subgroupSizeControl;
  float priority = 1;
  VkDeviceQueueCreateInfo queueInfo = {};
  queueInfo.sType = VK_STRUCTURE_TYPE_DEVICE_QUEUE_CREATE_INFO;
  queueInfo.queueFamilyIndex = uint32_t(physical->queueFamily);
  queueInfo.queueCount = 1;
  queueInfo.pQueuePriorities = &priority;
  VkDeviceCreateInfo info = {};
  info.sType = VK_STRUCTURE_TYPE_DEVICE_CREATE_INFO;
  info.pNext = &features;
  info.queueCreateInfoCount = 1;
  info.pQueueCreateInfos = &queueInfo;
  const char *budget = VK_EXT_MEMORY_BUDGET_EXTENSION_NAME;
  info.enabledExtensionCount = physical->hasBudget;
  info.ppEnabledExtensionNames = &budget;
  if (VkResult result = instance->vk.CreateDevice(physical->handle, &info, nullptr, &handle))
    return error("CreateDevice", result);
#define LINNET_FIND(function)                                                                      \
  vk.function =                                                                                    \
      reinterpret_cast<PFN_vk##function>(instance->vk.GetDeviceProcAddr(handle, "vk" #function));  \
  if (!vk.function)                                                                                \
    return fail(LNT_UNSUPPORTED, name, " lacks vk" #function);
  LINNET_VULKAN_DEVICE(LINNET_FIND)
#undef LINNET_FIND
  vk.GetDeviceQueue(handle, uint32_t(physical->queueFamily), 0, &queue);
  commands = std::make_unique<Commands>(*this);
  return allocateBlock(kRound, VK_MEMORY_PROPERTY_DEVICE_LOCAL_BIT, 0, "an empty buffer",
                       nothingBlock);
}

VulkanDevice::~VulkanDevice() {
  if (!handle || !vk.DestroyDevice)
    return;
  commands.reset();
  destroy(nothingBlock);
  for (auto &[address, block] : allocations)
    destroy(block);
  vk.DestroyDevice(handle, nullptr);
}

//===----------------------------------------------------------------------===//
// Memory
//===----------------------------------------------------------------------===//

Failure VulkanDevice::allocateBlock(uint64_t bytes, VkMemoryPropertyFlags wanted,
                                    VkMemoryPropertyFlags preferred, const std::string &what,
                                    Block &block) {
  uint64_t most = physical->properties11.maxMemoryAllocationSize;
  if (bytes > most)
    return fail(LNT_OUT_OF_MEMORY, name, " allocates at most ", most, " bytes at once, ", what,
                " has ", bytes);
  VkBufferCreateInfo bufferInfo = {};
  bufferInfo.sType = VK_STRUCTURE_TYPE_BUFFER_CREATE_INFO;
  bufferInfo.size = roundUp(bytes, kRound);
  bufferInfo.usage = kUsage;
  if (VkResult result = vk.CreateBuffer(handle, &bufferInfo, nullptr, &block.buffer))
    return error("CreateBuffer", result);
  VkMemoryRequirements needs;
  vk.GetBufferMemoryRequirements(handle, block.buffer, &needs);
  int32_t type = physical->memoryType(needs.memoryTypeBits, wanted, preferred);
  if (type < 0) { // a device whose memory is all the CPU's
    type = physical->memoryType(needs.memoryTypeBits,
                                wanted & ~uint32_t(VK_MEMORY_PROPERTY_DEVICE_LOCAL_BIT), preferred);
  }
  uint64_t total = 0, available = 0;
  if (type >= 0)
    physical->memory(uint32_t(type), total, available);
  VkMemoryAllocateInfo info = {};
  info.sType = VK_STRUCTURE_TYPE_MEMORY_ALLOCATE_INFO;
  info.allocationSize = needs.size;
  info.memoryTypeIndex = uint32_t(type);
  VkResult result = type < 0 || needs.size > available
                        ? VK_ERROR_OUT_OF_DEVICE_MEMORY
                        : vk.AllocateMemory(handle, &info, nullptr, &block.memory);
  if (result == VK_SUCCESS)
    result = vk.BindBufferMemory(handle, block.buffer, block.memory, 0);
  if (result == VK_SUCCESS && (wanted & VK_MEMORY_PROPERTY_HOST_VISIBLE_BIT))
    result = vk.MapMemory(handle, block.memory, 0, VK_WHOLE_SIZE, 0,
                          reinterpret_cast<void **>(&block.mapped));
  block.bytes = bufferInfo.size;
  if (result == VK_SUCCESS)
    return nullptr;
  destroy(block);
  return fail(LNT_OUT_OF_MEMORY, "out of memory for ", what, " of ", bytes, " bytes on ", name,
              ": ", available, " of ", total, " are free");
}

Failure VulkanDevice::allocateHost(uint64_t bytes, bool cached, Block &block) {
  return allocateBlock(bytes,
                       VK_MEMORY_PROPERTY_HOST_VISIBLE_BIT | VK_MEMORY_PROPERTY_HOST_COHERENT_BIT,
                       cached ? VK_MEMORY_PROPERTY_HOST_CACHED_BIT : 0, "staging", block);
}

void VulkanDevice::destroy(Block &block) {
  vk.DestroyBuffer(handle, block.buffer, nullptr);
  vk.FreeMemory(handle, block.memory, nullptr);
  block = {};
}

Failure VulkanDevice::allocate(uint64_t bytes, const std::string &what, char *&address) {
  Block block;
  if (Failure failed = allocateBlock(bytes, VK_MEMORY_PROPERTY_DEVICE_LOCAL_BIT, 0, what, block))
    return failed;
  Failure failed = transfer(
      [&](VkCommandBuffer buffer) { vk.CmdFillBuffer(buffer, block.buffer, 0, block.bytes, 0); });
  if (failed) {
    destroy(block);
    return failed;
  }
  std::lock_guard<std::mutex> lock(allocationMutex);
  address = reinterpret_cast<char *>(nextAddress);
  allocations.emplace(nextAddress, block);
  nextAddress += roundUp(block.bytes, kApart) + kApart;
  return nullptr;
}

void VulkanDevice::release(char *address, uint64_t) {
  std::lock_guard<std::mutex> lock(allocationMutex);
  auto at = allocations.find(number(address));
  if (at == allocations.end())
    return;
  destroy(at->second);
  allocations.erase(at);
}

bool VulkanDevice::owns(const char *address, uint64_t bytes) const {
  std::lock_guard<std::mutex> lock(allocationMutex);
  auto at = allocations.upper_bound(number(address));
  if (at == allocations.begin())
    return false;
  --at;
  uint64_t offset = number(address) - at->first;
  return offset <= at->second.bytes && bytes <= at->second.bytes - offset;
}

Place VulkanDevice::find(const char *address) const {
  std::lock_guard<std::mutex> lock(allocationMutex);
  auto at = allocations.upper_bound(number(address));
  if (at == allocations.begin())
    return {};
  --at;
  uint64_t offset = number(address) - at->first;
  return offset < at->second.bytes ? Place{at->second.buffer, offset} : Place();
}

//===----------------------------------------------------------------------===//
// Transfers that are done when they return
//===----------------------------------------------------------------------===//

Failure VulkanDevice::transfer(const std::function<void(VkCommandBuffer)> &record) {
  std::lock_guard<std::mutex> lock(transferMutex);
  if (Failure failed = commands->begin(true))
    return failed;
  record(commands->handle);
  // What is written is seen by the CPU, and by what is submitted later.
  VkMemoryBarrier barrier = {};
  barrier.sType = VK_STRUCTURE_TYPE_MEMORY_BARRIER;
  barrier.srcAccessMask = VK_ACCESS_TRANSFER_WRITE_BIT;
  barrier.dstAccessMask =
      VK_ACCESS_HOST_READ_BIT | VK_ACCESS_MEMORY_READ_BIT | VK_ACCESS_MEMORY_WRITE_BIT;
  vk.CmdPipelineBarrier(commands->handle, VK_PIPELINE_STAGE_TRANSFER_BIT,
                        VK_PIPELINE_STAGE_HOST_BIT | VK_PIPELINE_STAGE_ALL_COMMANDS_BIT, 0, 1,
                        &barrier, 0, nullptr, 0, nullptr);
  if (Failure failed = commands->end())
    return failed;
  return commands->run();
}

Failure VulkanDevice::upload(char *target, const void *source, uint64_t bytes) {
  Block block;
  uint64_t piece = std::min(bytes, kStaging);
  if (Failure failed = allocateHost(piece, false, block))
    return failed;
  Failure failed;
  for (uint64_t done = 0; done < bytes && !failed; done += piece) {
    uint64_t size = std::min(piece, bytes - done);
    std::memcpy(block.mapped, static_cast<const char *>(source) + done, size);
    Place place = find(target + done);
    VkBufferCopy region = {0, place.offset, size};
    failed = transfer([&](VkCommandBuffer buffer) {
      vk.CmdCopyBuffer(buffer, block.buffer, place.buffer, 1, &region);
    });
  }
  destroy(block);
  return failed;
}

Failure VulkanDevice::download(void *target, const char *source, uint64_t bytes) {
  Block block;
  uint64_t piece = std::min(bytes, kStaging);
  if (Failure failed = allocateHost(piece, true, block))
    return failed;
  Failure failed;
  for (uint64_t done = 0; done < bytes && !failed; done += piece) {
    uint64_t size = std::min(piece, bytes - done);
    Place place = find(source + done);
    VkBufferCopy region = {place.offset, 0, size};
    failed = transfer([&](VkCommandBuffer buffer) {
      vk.CmdCopyBuffer(buffer, place.buffer, block.buffer, 1, &region);
    });
    if (!failed)
      std::memcpy(static_cast<char *>(target) + done, block.mapped, size);
  }
  destroy(block);
  return failed;
}

Failure VulkanDevice::copy(char *target, const char *source, uint64_t bytes) {
  if (source < target + bytes && target < source + bytes) {
    std::vector<char> host(bytes);
    if (Failure failed = download(host.data(), source, bytes))
      return failed;
    return upload(target, host.data(), bytes);
  }
  Place to = find(target), from = find(source);
  VkBufferCopy region = {from.offset, to.offset, bytes};
  return transfer([&](VkCommandBuffer buffer) {
    vk.CmdCopyBuffer(buffer, from.buffer, to.buffer, 1, &region);
  });
}

/// Whole allocations, and what is in one up to its last word: `bytes` are rounded up to words.
Failure VulkanDevice::set(char *target, unsigned char value, uint64_t bytes) {
  Place place = find(target);
  return transfer([&](VkCommandBuffer buffer) {
    vk.CmdFillBuffer(buffer, place.buffer, place.offset, roundUp(bytes, 4), value * 0x01010101u);
  });
}

Failure VulkanDevice::load(const fb::Target &target, const uint8_t *code,
                           std::unique_ptr<DeviceCode> &result) {
  return VulkanCode::load(shared_from_this(), target, code, result);
}

} // namespace linnet::runtime::vulkan
