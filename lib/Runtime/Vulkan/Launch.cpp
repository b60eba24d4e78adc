//===- Launch.cpp - a kernel with its operands ----------------------------===//
//
// Part of Linnet, under Apache-2.0 WITH LLVM-exception. See LICENSE.
//
//===----------------------------------------------------------------------===//
#include "VulkanExecution.h"

#include "../GPUWords.h"
#include <algorithm>
#include <cstring>

namespace linnet::runtime::vulkan {

/// The part of a buffer that a kernel gets: from the last multiple of the device's alignment, with
/// the element at which the tensor starts.
Failure VulkanExecution::bindBuffer(const Pipeline &pipeline, const LaunchArguments &arguments,
                                    uint32_t index, VkDescriptorBufferInfo &info,
                                    uint32_t &start) const {
  uint64_t bytes = uint64_t(arguments.bytes[index]);
  start = 0;
  info = {device.nothing(), 0, VK_WHOLE_SIZE};
  if (bytes == 0)
    return nullptr;
  const VkPhysicalDeviceLimits &limits = device.physical->properties.limits;
  Place place = device.find(static_cast<const char *>(arguments.buffers[index]));
  uint64_t align =
      std::max<uint64_t>(limits.minStorageBufferOffsetAlignment, LNT_GPU_BINDING_ALIGNMENT);
  uint64_t before = place.offset % align;
  if (before + bytes > limits.maxStorageBufferRange)
    return fail(LNT_UNSUPPORTED, "function '", program->name, "': kernel '",
                pipeline.kernel->name()->str(), "' works on a buffer of ", before + bytes,
                " bytes, ", device.label(), " binds at most ", limits.maxStorageBufferRange);
  if (Failure failed = startOf(*program, *pipeline.kernel, index, before, bytes, start))
    return failed;
  info = {place.buffer, place.offset - before, before + bytes};
  return nullptr;
}

Failure VulkanExecution::gatherWords(const Pipeline &pipeline, const LaunchArguments &arguments) {
  uint32_t count = pipeline.kernel->buffers();
  infos.resize(pipeline.bindings);
  words.assign(1 + count, uint32_t(arguments.chunks));
  for (uint32_t i = 0; i < count; ++i)
    if (Failure failed = bindBuffer(pipeline, arguments, i, infos[i], words[1 + i]))
      return failed;
  if (Failure failed = appendScalars(*program, *pipeline.kernel, arguments.scalars, words))
    return failed;
  if (pipeline.kernel->gpu()->faults()) {
    Place place = device.find(faults.data());
    infos[count++] = {place.buffer, place.offset, faults.size()};
  }
  if (pipeline.pushes)
    return nullptr;
  Place place;
  if (Failure failed = recording->in.take(words.size() * 4, place))
    return failed;
  std::memcpy(place.mapped, words.data(), words.size() * 4);
  infos[count] = {place.buffer, place.offset, words.size() * 4};
  return nullptr;
}

void VulkanExecution::orderLaunch(const Pipeline &pipeline, const LaunchArguments &arguments) {
  const auto &buffers = *pipeline.kernel->gpu()->buffers();
  Hazards &hazards = recording->hazards;
  bool wait = hazards.full() || (trace && !hazards.empty());
  auto each = [&](auto &&visit) {
    for (uint32_t i = 0; i < buffers.size(); ++i)
      if (arguments.bytes[i] != 0)
        visit(static_cast<const char *>(arguments.buffers[i]), uint64_t(arguments.bytes[i]),
              buffers.Get(i)->written() != 0);
    // Minima come out the same in any order: to the others it is as if the words were read.
    if (pipeline.kernel->gpu()->faults())
      visit(faults.data(), faults.size(), false);
  };
  each([&](const char *begin, uint64_t bytes, bool writes) {
    wait = wait || hazards.clash(begin, bytes, writes);
  });
  if (wait)
    recording->barrier();
  each([&](const char *begin, uint64_t bytes, bool writes) { hazards.add(begin, bytes, writes); });
}

Failure VulkanExecution::bind(const Pipeline &pipeline, const LaunchArguments &arguments) {
  if (Failure failed = gatherWords(pipeline, arguments))
    return failed;
  VkDescriptorSet set;
  if (Failure failed = recording->descriptorSet(pipeline.setLayout, set))
    return failed;
  writes.resize(pipeline.bindings);
  for (uint32_t i = 0; i < pipeline.bindings; ++i) {
    writes[i] = {};
    writes[i].sType = VK_STRUCTURE_TYPE_WRITE_DESCRIPTOR_SET;
    writes[i].dstSet = set;
    writes[i].dstBinding = i;
    writes[i].descriptorCount = 1;
    writes[i].descriptorType = VK_DESCRIPTOR_TYPE_STORAGE_BUFFER;
    writes[i].pBufferInfo = &infos[i];
  }
  vk.UpdateDescriptorSets(device.handle, pipeline.bindings, writes.data(), 0, nullptr);
  VkCommandBuffer commands = recording->commands.handle;
  vk.CmdBindPipeline(commands, VK_PIPELINE_BIND_POINT_COMPUTE, pipeline.handle);
  vk.CmdBindDescriptorSets(commands, VK_PIPELINE_BIND_POINT_COMPUTE, pipeline.layout, 0, 1, &set, 0,
                           nullptr);
  if (pipeline.pushes)
    vk.CmdPushConstants(commands, pipeline.layout, VK_SHADER_STAGE_COMPUTE_BIT, 0,
                        uint32_t(words.size() * 4), words.data());
  return nullptr;
}

Failure VulkanExecution::launch(const LaunchArguments &arguments) {
  if (arguments.chunks <= 0)
    return nullptr;
  const Pipeline *pipeline;
  if (Failure failed = code.pipeline(arguments, pipeline))
    return failed;
  Grid grid;
  if (Failure failed = gridOf(*program, *pipeline->kernel, arguments.chunks,
                              device.physical->properties.limits.maxComputeWorkGroupCount[1], grid))
    return failed;
  orderLaunch(*pipeline, arguments);
  if (Failure failed = bind(*pipeline, arguments))
    return failed;
  if (trace)
    if (Failure failed = stamp(arguments, true))
      return failed;
  vk.CmdDispatch(recording->commands.handle, grid.width, grid.height, 1);
  ++recording->launches;
  return trace ? stamp(arguments, false) : nullptr;
}

} // namespace linnet::runtime::vulkan
