//===- Functions.h - Vulkan's functions, found at run time ------*- C++ -*-===//
//
// Part of Linnet, under Apache-2.0 WITH LLVM-exception. See LICENSE.
//
//===----------------------------------------------------------------------===//
#ifndef LINNET_LIB_RUNTIME_VULKAN_FUNCTIONS_H
#define LINNET_LIB_RUNTIME_VULKAN_FUNCTIONS_H

#define VK_NO_PROTOTYPES
#include <vulkan/vulkan_core.h>

namespace linnet::runtime::vulkan {

#define LINNET_VULKAN_INSTANCE(X)                                                                  \
  X(DestroyInstance)                                                                               \
  X(EnumeratePhysicalDevices)                                                                      \
  X(EnumerateDeviceExtensionProperties)                                                            \
  X(GetPhysicalDeviceProperties2)                                                                  \
  X(GetPhysicalDeviceFeatures2)                                                                    \
  X(GetPhysicalDeviceMemoryProperties2)                                                            \
  X(GetPhysicalDeviceQueueFamilyProperties)                                                        \
  X(CreateDevice)                                                                                  \
  X(GetDeviceProcAddr)

#define LINNET_VULKAN_DEVICE(X)                                                                    \
  X(AllocateCommandBuffers)                                                                        \
  X(AllocateDescriptorSets)                                                                        \
  X(AllocateMemory)                                                                                \
  X(BeginCommandBuffer)                                                                            \
  X(BindBufferMemory)                                                                              \
  X(CmdBindDescriptorSets)                                                                         \
  X(CmdBindPipeline)                                                                               \
  X(CmdCopyBuffer)                                                                                 \
  X(CmdDispatch)                                                                                   \
  X(CmdFillBuffer)                                                                                 \
  X(CmdPipelineBarrier)                                                                            \
  X(CmdPushConstants)                                                                              \
  X(CmdResetQueryPool)                                                                             \
  X(CmdWriteTimestamp)                                                                             \
  X(CreateBuffer)                                                                                  \
  X(CreateCommandPool)                                                                             \
  X(CreateComputePipelines)                                                                        \
  X(CreateDescriptorPool)                                                                          \
  X(CreateDescriptorSetLayout)                                                                     \
  X(CreateFence)                                                                                   \
  X(CreatePipelineCache)                                                                           \
  X(CreatePipelineLayout)                                                                          \
  X(CreateQueryPool)                                                                               \
  X(CreateShaderModule)                                                                            \
  X(DestroyBuffer)                                                                                 \
  X(DestroyCommandPool)                                                                            \
  X(DestroyDescriptorPool)                                                                         \
  X(DestroyDescriptorSetLayout)                                                                    \
  X(DestroyDevice)                                                                                 \
  X(DestroyFence)                                                                                  \
  X(DestroyPipeline)                                                                               \
  X(DestroyPipelineCache)                                                                          \
  X(DestroyPipelineLayout)                                                                         \
  X(DestroyQueryPool)                                                                              \
  X(DestroyShaderModule)                                                                           \
  X(EndCommandBuffer)                                                                              \
  X(FreeMemory)                                                                                    \
  X(GetBufferMemoryRequirements)                                                                   \
  X(GetDeviceQueue)                                                                                \
  X(GetQueryPoolResults)                                                                           \
  X(MapMemory)                                                                                     \
  X(QueueSubmit)                                                                                   \
  X(ResetCommandPool)                                                                              \
  X(ResetDescriptorPool)                                                                           \
  X(ResetFences)                                                                                   \
  X(UpdateDescriptorSets)                                                                          \
  X(WaitForFences)

struct InstanceFunctions {
#define LINNET_DECLARE(name) PFN_vk##name name = nullptr;
  LINNET_VULKAN_INSTANCE(LINNET_DECLARE)
};

struct DeviceFunctions {
  LINNET_VULKAN_DEVICE(LINNET_DECLARE)
#undef LINNET_DECLARE
};

} // namespace linnet::runtime::vulkan

#endif // LINNET_LIB_RUNTIME_VULKAN_FUNCTIONS_H
