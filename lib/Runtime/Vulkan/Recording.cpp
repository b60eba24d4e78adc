//===- Recording.cpp - commands and what they refer to --------------------===//
//
// Part of Linnet, under Apache-2.0 WITH LLVM-exception. See LICENSE.
//
//===----------------------------------------------------------------------===//
#include "Recording.h"

#include <algorithm>

namespace linnet::runtime::vulkan {
namespace {

constexpr uint64_t kBlock = uint64_t(1) << 16;
constexpr uint64_t kAlign = 256; // the most that a device may ask of a storage buffer
constexpr uint32_t kSets = 64;

} // namespace

HostArena::~HostArena() {
  for (Block &block : blocks)
    device.destroy(block);
}

Failure HostArena::take(uint64_t bytes, Place &place) {
  uint64_t size = (std::max<uint64_t>(bytes, 1) + kAlign - 1) / kAlign * kAlign;
  while (current < blocks.size() && blocks[current].bytes - used < size) {
    ++current;
    used = 0;
  }
  if (current == blocks.size()) {
    Block block;
    if (Failure failed = device.allocateHost(std::max(size, kBlock), cached, block))
      return failed;
    blocks.push_back(block);
    used = 0;
  }
  place = {blocks[current].buffer, used, blocks[current].mapped + used};
  used += size;
  return nullptr;
}

void HostArena::reset() {
  current = 0;
  used = 0;
}

bool Hazards::clash(const char *begin, uint64_t bytes, bool writes) const {
  for (const Range &range : ranges)
    if ((writes || range.writes) && begin < range.end && range.begin < begin + bytes)
      return true;
  return false;
}

void Hazards::add(const char *begin, uint64_t bytes, bool writes) {
  ranges.push_back({begin, begin + bytes, writes});
}

Recording::~Recording() {
  for (VkDescriptorPool handle : pools)
    device.vk.DestroyDescriptorPool(device.handle, handle, nullptr);
}

Failure Recording::begin() {
  in.reset();
  out.reset();
  uploads.clear();
  downloads.clear();
  launches = copies = barriers = 0;
  return next();
}

Failure Recording::next() {
  hazards.clear();
  for (VkDescriptorPool handle : pools)
    if (VkResult result = device.vk.ResetDescriptorPool(device.handle, handle, 0))
      return device.error("ResetDescriptorPool", result);
  pool = 0;
  return commands.begin(false);
}

Failure Recording::descriptorSet(VkDescriptorSetLayout layout, VkDescriptorSet &set) {
  VkDescriptorSetAllocateInfo info = {};
  info.sType = VK_STRUCTURE_TYPE_DESCRIPTOR_SET_ALLOCATE_INFO;
  info.descriptorSetCount = 1;
  info.pSetLayouts = &layout;
  for (;; ++pool) {
    bool isNew = pool == pools.size();
    if (isNew) {
      VkDescriptorPoolSize size = {VK_DESCRIPTOR_TYPE_STORAGE_BUFFER, kSets * maxBindings};
      VkDescriptorPoolCreateInfo poolInfo = {};
      poolInfo.sType = VK_STRUCTURE_TYPE_DESCRIPTOR_POOL_CREATE_INFO;
      poolInfo.maxSets = kSets;
      poolInfo.poolSizeCount = 1;
      poolInfo.pPoolSizes = &size;
      VkDescriptorPool handle;
      if (VkResult result =
              device.vk.CreateDescriptorPool(device.handle, &poolInfo, nullptr, &handle))
        return device.error("CreateDescriptorPool", result);
      pools.push_back(handle);
    }
    info.descriptorPool = pools[pool];
    VkResult result = device.vk.AllocateDescriptorSets(device.handle, &info, &set);
    if (result == VK_SUCCESS)
      return nullptr;
    if (isNew)
      return device.error("AllocateDescriptorSets", result);
  }
}

void Recording::barrier() {
  VkMemoryBarrier barrier = {};
  barrier.sType = VK_STRUCTURE_TYPE_MEMORY_BARRIER;
  barrier.srcAccessMask = VK_ACCESS_SHADER_WRITE_BIT | VK_ACCESS_TRANSFER_WRITE_BIT;
  barrier.dstAccessMask = VK_ACCESS_SHADER_READ_BIT | VK_ACCESS_SHADER_WRITE_BIT |
                          VK_ACCESS_TRANSFER_READ_BIT | VK_ACCESS_TRANSFER_WRITE_BIT;
  VkPipelineStageFlags stages =
      VK_PIPELINE_STAGE_COMPUTE_SHADER_BIT | VK_PIPELINE_STAGE_TRANSFER_BIT;
  device.vk.CmdPipelineBarrier(commands.handle, stages, stages, 0, 1, &barrier, 0, nullptr, 0,
                               nullptr);
  hazards.clear();
  ++barriers;
}

void Recording::hostBarrier() {
  VkMemoryBarrier barrier = {};
  barrier.sType = VK_STRUCTURE_TYPE_MEMORY_BARRIER;
  barrier.srcAccessMask = VK_ACCESS_SHADER_WRITE_BIT | VK_ACCESS_TRANSFER_WRITE_BIT;
  barrier.dstAccessMask =
      VK_ACCESS_HOST_READ_BIT | VK_ACCESS_MEMORY_READ_BIT | VK_ACCESS_MEMORY_WRITE_BIT;
  device.vk.CmdPipelineBarrier(
      commands.handle, VK_PIPELINE_STAGE_COMPUTE_SHADER_BIT | VK_PIPELINE_STAGE_TRANSFER_BIT,
      VK_PIPELINE_STAGE_HOST_BIT | VK_PIPELINE_STAGE_ALL_COMMANDS_BIT, 0, 1, &barrier, 0, nullptr,
      0, nullptr);
}

} // namespace linnet::runtime::vulkan
