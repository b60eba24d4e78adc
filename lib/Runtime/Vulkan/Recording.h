//===- Recording.h - commands and what they refer to ------------*- C++ -*-===//
//
// Part of Linnet, under Apache-2.0 WITH LLVM-exception. See LICENSE.
//
//===----------------------------------------------------------------------===//
#ifndef LINNET_LIB_RUNTIME_VULKAN_RECORDING_H
#define LINNET_LIB_RUNTIME_VULKAN_RECORDING_H

#include "../GPUCall.h"
#include "VulkanDevice.h"

namespace linnet::runtime::vulkan {

/// Memory that the CPU sees, given out piece by piece.
class HostArena {
public:
  HostArena(VulkanDevice &device, bool cached) : device(device), cached(cached) {}
  ~HostArena();
  HostArena(const HostArena &) = delete;
  HostArena &operator=(const HostArena &) = delete;

  Failure take(uint64_t bytes, Place &place);
  /// All pieces are free again.
  void reset();

private:
  VulkanDevice &device;
  bool cached;
  std::vector<Block> blocks;
  size_t current = 0;
  uint64_t used = 0; // of the current block
};

/// The addresses that commands since the last barrier read and wrote.
class Hazards {
public:
  /// Whether a command with these accesses must wait for an earlier one.
  bool clash(const char *begin, uint64_t bytes, bool writes) const;
  void add(const char *begin, uint64_t bytes, bool writes);
  bool empty() const { return ranges.empty(); }
  /// More to look through than a barrier costs.
  bool full() const { return ranges.size() > 256; }
  void clear() { ranges.clear(); }

private:
  struct Range {
    const char *begin, *end;
    bool writes;
  };
  std::vector<Range> ranges;
};

/// One command buffer that can be submitted again and again.
class Recording : public GPUCall {
public:
  Recording(VulkanDevice &device, uint32_t maxBindings)
      : commands(device), in(device, false), out(device, true), device(device),
        maxBindings(maxBindings) {}
  ~Recording();

  /// Forgets everything.
  Failure begin();
  /// Like begin() for the commands alone: what was submitted is done.
  Failure next();
  Failure descriptorSet(VkDescriptorSetLayout layout, VkDescriptorSet &set);
  void barrier();
  /// What was written is for the CPU to read.
  void hostBarrier();

  Commands commands;
  HostArena in, out; // to and from the device
  Hazards hazards;

  Place faultsPlace; // in `out`

private:
  VulkanDevice &device;
  uint32_t maxBindings;
  std::vector<VkDescriptorPool> pools;
  size_t pool = 0;
};

} // namespace linnet::runtime::vulkan

#endif // LINNET_LIB_RUNTIME_VULKAN_RECORDING_H
