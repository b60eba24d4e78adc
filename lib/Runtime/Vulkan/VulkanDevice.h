//===- VulkanDevice.h - memory and queue of a device ------------*- C++ -*-===//
//
// Part of Linnet, under Apache-2.0 WITH LLVM-exception. See LICENSE.
//
//===----------------------------------------------------------------------===//
#ifndef LINNET_LIB_RUNTIME_VULKAN_VULKANDEVICE_H
#define LINNET_LIB_RUNTIME_VULKAN_VULKANDEVICE_H

#include "Instance.h"

#include <functional>
#include <map>
#include <mutex>

namespace linnet::runtime::vulkan {

class VulkanDevice;

/// A buffer with memory of its own.
struct Block {
  VkBuffer buffer = VK_NULL_HANDLE;
  VkDeviceMemory memory = VK_NULL_HANDLE;
  uint64_t bytes = 0;
  char *mapped = nullptr; // where the CPU sees it; null: nowhere
};

/// Bytes in a buffer.
struct Place {
  VkBuffer buffer = VK_NULL_HANDLE;
  uint64_t offset = 0;
  char *mapped = nullptr;
};

/// A command buffer with the pool that it comes from and a fence to wait for it.
class Commands {
public:
  explicit Commands(VulkanDevice &device) : device(device) {}
  ~Commands();
  Commands(const Commands &) = delete;
  Commands &operator=(const Commands &) = delete;

  /// Forgets what was recorded, if anything, and records.
  Failure begin(bool once);
  Failure end();
  /// Submits what was recorded and waits until it is done.
  Failure run();

  VkCommandBuffer handle = VK_NULL_HANDLE;

private:
  VulkanDevice &device;
  VkCommandPool pool = VK_NULL_HANDLE;
  VkFence fence = VK_NULL_HANDLE;
};

class VulkanDevice final : public Device, public std::enable_shared_from_this<VulkanDevice> {
public:
  static Failure create(std::shared_ptr<Instance> instance, std::unique_ptr<Physical> physical,
                        std::shared_ptr<Device> &result);
  ~VulkanDevice() override;

  lnt_device kind() const override { return LNT_VULKAN; }
  std::string label() const override { return name; }
  lnt_device_info info() const override { return physical->info(); }

  Failure allocate(uint64_t bytes, const std::string &what, char *&address) override;
  void release(char *address, uint64_t bytes) override;
  bool owns(const char *address, uint64_t bytes) const override;
  Failure upload(char *target, const void *source, uint64_t bytes) override;
  Failure download(void *target, const char *source, uint64_t bytes) override;
  Failure copy(char *target, const char *source, uint64_t bytes) override;
  Failure set(char *target, unsigned char value, uint64_t bytes) override;
  Failure load(const fb::Target &target, const uint8_t *code,
               std::unique_ptr<DeviceCode> &result) override;

  /// Where an address is; one that is nowhere is a mistake of the runtime.
  Place find(const char *address) const;
  /// Memory that the CPU sees; for reading `cached`.
  Failure allocateHost(uint64_t bytes, bool cached, Block &block);
  void destroy(Block &block);
  Failure error(const char *call, VkResult result) const { return failure(name, call, result); }
  /// Buffers of no bytes are bound to this.
  VkBuffer nothing() const { return nothingBlock.buffer; }

  DeviceFunctions vk;
  VkDevice handle = VK_NULL_HANDLE;
  VkQueue queue = VK_NULL_HANDLE;
  std::mutex queueMutex;
  std::unique_ptr<Physical> physical;

private:
  VulkanDevice(std::shared_ptr<Instance> instance, std::unique_ptr<Physical> physical);
  Failure start();
  Failure allocateBlock(uint64_t bytes, VkMemoryPropertyFlags wanted,
                        VkMemoryPropertyFlags preferred, const std::string &what, Block &block);
  Failure transfer(const std::function<void(VkCommandBuffer)> &record);

  std::shared_ptr<Instance> instance;
  std::string name;
  mutable std::mutex allocationMutex;
  std::map<uint64_t, Block> allocations; // by their address
  uint64_t nextAddress;
  std::mutex transferMutex;
  std::unique_ptr<Commands> commands; // of transfers
  Block nothingBlock;
};

} // namespace linnet::runtime::vulkan

#endif // LINNET_LIB_RUNTIME_VULKAN_VULKANDEVICE_H
