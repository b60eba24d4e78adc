//===- VulkanExecution.h - calls of a session -------------------*- C++ -*-===//
//
// Part of Linnet, under Apache-2.0 WITH LLVM-exception. See LICENSE.
//
// The commands of a call are recorded and submitted at its end, or where the control flow must
// know an element. A call that never had to know one does the same every time that it comes with
// the same sizes and addresses: what was recorded is kept and submitted again.
//===----------------------------------------------------------------------===//
#ifndef LINNET_LIB_RUNTIME_VULKAN_VULKANEXECUTION_H
#define LINNET_LIB_RUNTIME_VULKAN_VULKANEXECUTION_H

#include "../Memory.h"
#include "Recording.h"
#include "VulkanCode.h"

#include <chrono>

namespace linnet::runtime::vulkan {

class VulkanExecution final : public Execution {
public:
  explicit VulkanExecution(VulkanCode &code);
  ~VulkanExecution() override;

  Failure replay(const Program &program, const CallKey &key, const std::vector<Transfer> &uploads,
                 const std::vector<Transfer> &downloads, bool &found) override;
  Failure begin(const Program &program, const CallKey *key, const std::vector<Transfer> &uploads,
                lnt_trace_fn trace, void *traceUser) override;
  Failure launch(const LaunchArguments &arguments) override;
  Failure copy(char *target, const char *source, uint64_t bytes) override;
  Failure fill(char *target, int64_t value, unsigned width, uint64_t bytes) override;
  Failure read(void *target, const char *source, uint64_t bytes) override;
  Failure write(char *target, const void *source, uint64_t bytes) override;
  Failure finish(const std::vector<Transfer> &downloads) override;
  void abandon() override { program = nullptr; }
  Failure reserveScratch(int64_t bytes, uint64_t room) override;

private:
  Failure reserveFaults();
  Failure beginUploads(const std::vector<Transfer> &uploads);
  Failure submit(Recording &of);
  Failure flush();
  void recordFaults();
  /// Waits for those earlier commands that touch what this one does.
  void order(const char *begin, uint64_t bytes, bool writes);
  Failure bind(const Pipeline &pipeline, const LaunchArguments &arguments);
  Failure bindBuffer(const Pipeline &pipeline, const LaunchArguments &arguments, uint32_t index,
                     VkDescriptorBufferInfo &info, uint32_t &start) const;
  Failure gatherWords(const Pipeline &pipeline, const LaunchArguments &arguments);
  void orderLaunch(const Pipeline &pipeline, const LaunchArguments &arguments);
  Failure repeat(char *target, const void *pattern, uint64_t period, uint64_t bytes);

  // Trace.cpp
  Failure beginTrace();
  Failure stamp(const LaunchArguments &arguments, bool begins);
  Failure collect();

  VulkanCode &code;
  VulkanDevice &device;
  const DeviceFunctions &vk;
  std::map<CallKey, std::unique_ptr<Recording>> kept;
  std::unique_ptr<Recording> recording; // of the call; else for the next one
  Memory faults;                        // words on the device
  // Of the call.
  const Program *program = nullptr;
  const CallKey *key = nullptr;
  bool dynamic = false; // something was read
  std::vector<uint32_t> words;
  std::vector<VkDescriptorBufferInfo> infos;
  std::vector<VkWriteDescriptorSet> writes;
  // Of a trace.
  lnt_trace_fn trace = nullptr;
  void *traceUser = nullptr;
  VkQueryPool queries = VK_NULL_HANDLE;
  std::vector<lnt_trace_event> events; // launches that are not done yet
  std::chrono::steady_clock::time_point started;
  uint64_t firstTick = 0;
  bool hasFirstTick = false;
};

} // namespace linnet::runtime::vulkan

#endif // LINNET_LIB_RUNTIME_VULKAN_VULKANEXECUTION_H
