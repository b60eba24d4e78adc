//===- VulkanCode.h - pipelines of a module ---------------------*- C++ -*-===//
//
// Part of Linnet, under Apache-2.0 WITH LLVM-exception. See LICENSE.
//
//===----------------------------------------------------------------------===//
#ifndef LINNET_LIB_RUNTIME_VULKAN_VULKANCODE_H
#define LINNET_LIB_RUNTIME_VULKAN_VULKANCODE_H

#include "VulkanDevice.h"

namespace linnet::runtime::vulkan {

/// A kernel as Vulkan knows it.
struct Pipeline {
  const fb::Kernel *kernel = nullptr;
  const fb::DeviceImage *image = nullptr;
  uint32_t bindings = 0, words = 0;
  bool pushes = true; // words are push constants; else the last binding
  VkDescriptorSetLayout setLayout = VK_NULL_HANDLE;
  VkPipelineLayout layout = VK_NULL_HANDLE;
  VkPipeline handle = VK_NULL_HANDLE; // made when it is first launched
};

class VulkanCode final : public DeviceCode {
public:
  /// Refuses, with the numbers, what the device cannot run.
  static Failure load(std::shared_ptr<VulkanDevice> device, const fb::Target &target,
                      const uint8_t *code, std::unique_ptr<DeviceCode> &result);
  ~VulkanCode() override;
  std::unique_ptr<Execution> execution() override;

  /// What does a launch; made where it was not yet.
  Failure pipeline(const LaunchArguments &arguments, const Pipeline *&result);

  const std::shared_ptr<VulkanDevice> device;
  uint32_t maxBindings = 1;

private:
  VulkanCode(std::shared_ptr<VulkanDevice> device, const fb::Target &target, const uint8_t *code)
      : device(std::move(device)), target(target), code(code) {}
  Failure check() const;
  Failure checkNeeds(uint32_t needs, const std::string &who) const;
  Failure checkKernel(const Pipeline &pipeline) const;
  Failure prepare();
  Failure make(Pipeline &pipeline);

  const fb::Target &target;
  const uint8_t *code;
  uint32_t subgroup = 0; // to ask for; 0: the device's own
  std::mutex mutex;      // of what follows
  std::vector<Pipeline> pipelines;
  VkPipelineCache cache = VK_NULL_HANDLE;
};

} // namespace linnet::runtime::vulkan

#endif // LINNET_LIB_RUNTIME_VULKAN_VULKANCODE_H
