//===- Trace.cpp - times of launches --------------------------------------===//
//
// Part of Linnet, under Apache-2.0 WITH LLVM-exception. See LICENSE.
//
//===----------------------------------------------------------------------===//
#include "VulkanExecution.h"

namespace linnet::runtime::vulkan {
namespace {

/// Launches whose times are held on the device at once.
constexpr uint32_t kMaxEvents = 256;

} // namespace

Failure VulkanExecution::beginTrace() {
  started = std::chrono::steady_clock::now();
  hasFirstTick = false;
  events.clear();
  if (device.physical->timestampBits == 0)
    return nullptr;
  if (!queries) {
    VkQueryPoolCreateInfo info = {};
    info.sType = VK_STRUCTURE_TYPE_QUERY_POOL_CREATE_INFO;
    info.queryType = VK_QUERY_TYPE_TIMESTAMP;
    info.queryCount = 2 * kMaxEvents;
    if (VkResult result = vk.CreateQueryPool(device.handle, &info, nullptr, &queries))
      return device.error("CreateQueryPool", result);
  }
  vk.CmdResetQueryPool(recording->commands.handle, queries, 0, 2 * kMaxEvents);
  return nullptr;
}

/// Before and behind a launch. A device without a clock is asked to do every launch alone.
Failure VulkanExecution::stamp(const LaunchArguments &arguments, bool begins) {
  if (begins) {
    events.push_back(*arguments.event);
    if (!queries) {
      auto since = std::chrono::steady_clock::now() - started;
      events.back().start =
          uint64_t(std::chrono::duration_cast<std::chrono::nanoseconds>(since).count());
      return nullptr;
    }
  }
  if (!queries)
    return flush();
  uint32_t index = uint32_t(events.size()) * 2 - (begins ? 2 : 1);
  vk.CmdWriteTimestamp(recording->commands.handle,
                       begins ? VK_PIPELINE_STAGE_TOP_OF_PIPE_BIT
                              : VK_PIPELINE_STAGE_BOTTOM_OF_PIPE_BIT,
                       queries, index);
  return !begins && events.size() == kMaxEvents ? flush() : nullptr;
}

/// Hands out the events of what was submitted.
Failure VulkanExecution::collect() {
  std::vector<uint64_t> ticks(events.size() * 2);
  if (queries && !events.empty())
    if (VkResult result = vk.GetQueryPoolResults(device.handle, queries, 0, uint32_t(ticks.size()),
                                                 ticks.size() * 8, ticks.data(), 8,
                                                 VK_QUERY_RESULT_64_BIT | VK_QUERY_RESULT_WAIT_BIT))
      return device.error("GetQueryPoolResults", result);
  uint32_t bits = device.physical->timestampBits;
  uint64_t mask = bits >= 64 ? UINT64_MAX : (uint64_t(1) << bits) - 1;
  double period = double(device.physical->properties.limits.timestampPeriod);
  auto nanoseconds = [&](uint64_t from, uint64_t to) {
    return uint64_t(double((to - from) & mask) * period);
  };
  for (size_t i = 0; i < events.size(); ++i) {
    if (queries) {
      if (!hasFirstTick)
        firstTick = ticks[0];
      hasFirstTick = true;
      events[i].start = nanoseconds(firstTick, ticks[2 * i]);
      events[i].duration = nanoseconds(ticks[2 * i], ticks[2 * i + 1]);
    } else {
      auto since = std::chrono::steady_clock::now() - started;
      events[i].duration =
          uint64_t(std::chrono::duration_cast<std::chrono::nanoseconds>(since).count()) -
          events[i].start;
    }
    trace(traceUser, &events[i]);
  }
  events.clear();
  return nullptr;
}

} // namespace linnet::runtime::vulkan
