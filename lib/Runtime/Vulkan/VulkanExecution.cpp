//===- VulkanExecution.cpp - calls of a session ---------------------------===//
//
// Part of Linnet, under Apache-2.0 WITH LLVM-exception. See LICENSE.
//
//===----------------------------------------------------------------------===//
#include "VulkanExecution.h"

#include <algorithm>
#include <cstring>

namespace linnet::runtime::vulkan {
namespace {

/// Calls that are kept; a decoder whose sizes grow would otherwise keep one for every length.
constexpr size_t kMaxKept = 64;
/// What a fill repeats.
constexpr uint64_t kPattern = uint64_t(1) << 16;

} // namespace

VulkanExecution::VulkanExecution(VulkanCode &code)
    : Execution(true), code(code), device(*code.device), vk(device.vk), faults(code.device) {}

VulkanExecution::~VulkanExecution() { vk.DestroyQueryPool(device.handle, queries, nullptr); }

//===----------------------------------------------------------------------===//
// The whole call
//===----------------------------------------------------------------------===//

Failure VulkanExecution::reserveScratch(int64_t bytes, uint64_t) {
  return bytes <= 0 ? nullptr
                    : fail(LNT_BAD_FILE, "a launch asks ", device.label(), " for ", bytes,
                           " bytes of scratch for every worker");
}

Failure VulkanExecution::reserveFaults() {
  uint64_t bytes = program->sites.size() * sizeof(uint32_t);
  if (bytes <= faults.size())
    return nullptr;
  kept.clear(); // they write to the words that go
  return faults.allocate(bytes, "fault words");
}

Failure VulkanExecution::begin(const Program &of, const CallKey *callKey,
                               const std::vector<Transfer> &uploads, lnt_trace_fn fn, void *user) {
  program = &of;
  key = callKey;
  dynamic = false;
  trace = fn;
  traceUser = user;
  if (Failure failed = reserveFaults())
    return failed;
  if (!recording)
    recording = std::make_unique<Recording>(device, code.maxBindings);
  if (Failure failed = recording->begin())
    return failed;
  recording->sites = uint32_t(program->sites.size());
  if (recording->sites != 0) {
    if (Failure failed = recording->out.take(recording->sites * 4, recording->faultsPlace))
      return failed;
    recording->faults = recording->faultsPlace.mapped;
    if (Failure failed = fill(faults.data(), -1, 4, recording->sites * 4))
      return failed;
  }
  if (trace)
    if (Failure failed = beginTrace())
      return failed;
  return beginUploads(uploads);
}

Failure VulkanExecution::beginUploads(const std::vector<Transfer> &uploads) {
  for (const Transfer &upload : uploads) {
    Place from;
    if (upload.bytes <= kLargeTransfer) {
      if (Failure failed = recording->in.take(upload.bytes, from))
        return failed;
      Place to = device.find(upload.device);
      VkBufferCopy region = {from.offset, to.offset, upload.bytes};
      vk.CmdCopyBuffer(recording->commands.handle, from.buffer, to.buffer, 1, &region);
      recording->hazards.add(upload.device, upload.bytes, true);
    }
    recording->uploads.push_back(from.mapped);
  }
  return sendUploads(device, *recording, uploads, counters);
}

/// Runs what was recorded, and looks for faults.
Failure VulkanExecution::submit(Recording &of) {
  if (Failure failed = of.commands.run())
    return failed;
  ++counters.submissions;
  countCall(of, counters);
  return checkFaults(of, *program);
}

void VulkanExecution::recordFaults() {
  if (recording->sites == 0)
    return;
  Place from = device.find(faults.data());
  VkBufferCopy region = {from.offset, recording->faultsPlace.offset, recording->sites * 4};
  vk.CmdCopyBuffer(recording->commands.handle, from.buffer, recording->faultsPlace.buffer, 1,
                   &region);
}

/// Does what was recorded so far, in the middle of a call.
Failure VulkanExecution::flush() {
  recording->barrier();
  recordFaults();
  recording->hostBarrier();
  if (Failure failed = recording->commands.end())
    return failed;
  if (Failure failed = submit(*recording))
    return failed;
  recording->launches = recording->copies = recording->barriers = 0;
  if (trace)
    if (Failure failed = collect())
      return failed;
  return recording->next();
}

Failure VulkanExecution::finish(const std::vector<Transfer> &downloads) {
  recording->barrier();
  recordFaults();
  for (const Transfer &download : downloads) {
    Place to;
    if (download.bytes <= kLargeTransfer) {
      if (Failure failed = recording->out.take(download.bytes, to))
        return failed;
      Place from = device.find(download.device);
      VkBufferCopy region = {from.offset, to.offset, download.bytes};
      vk.CmdCopyBuffer(recording->commands.handle, from.buffer, to.buffer, 1, &region);
    }
    recording->downloads.push_back(to.mapped);
  }
  recording->hostBarrier();
  if (Failure failed = recording->commands.end())
    return failed;
  if (Failure failed = submit(*recording))
    return failed;
  if (trace)
    if (Failure failed = collect())
      return failed;
  if (Failure failed = fetchDownloads(device, *recording, downloads, counters))
    return failed;
  if (key && !dynamic) {
    if (kept.size() >= kMaxKept)
      kept.clear();
    kept[*key] = std::move(recording);
  }
  program = nullptr;
  return nullptr;
}

Failure VulkanExecution::replay(const Program &of, const CallKey &callKey,
                                const std::vector<Transfer> &uploads,
                                const std::vector<Transfer> &downloads, bool &found) {
  auto at = kept.find(callKey);
  found = at != kept.end() && at->second->uploads.size() == uploads.size() &&
          at->second->downloads.size() == downloads.size();
  if (!found)
    return nullptr;
  program = &of;
  ++counters.replays;
  if (Failure failed = sendUploads(device, *at->second, uploads, counters))
    return failed;
  if (Failure failed = submit(*at->second))
    return failed;
  return fetchDownloads(device, *at->second, downloads, counters);
}

//===----------------------------------------------------------------------===//
// Memory
//===----------------------------------------------------------------------===//

void VulkanExecution::order(const char *begin, uint64_t bytes, bool writes) {
  if (recording->hazards.full() || recording->hazards.clash(begin, bytes, writes))
    recording->barrier();
  recording->hazards.add(begin, bytes, writes);
}

Failure VulkanExecution::copy(char *target, const char *source, uint64_t bytes) {
  if (target == source)
    return nullptr;
  ++recording->copies;
  if (source < target + bytes && target < source + bytes) {
    // Vulkan copies no overlapping bytes: they go through the CPU's memory.
    Place middle;
    if (Failure failed = recording->in.take(bytes, middle))
      return failed;
    recording->barrier();
    Place from = device.find(source), to = device.find(target);
    VkBufferCopy out = {from.offset, middle.offset, bytes};
    VkBufferCopy in = {middle.offset, to.offset, bytes};
    vk.CmdCopyBuffer(recording->commands.handle, from.buffer, middle.buffer, 1, &out);
    recording->barrier();
    vk.CmdCopyBuffer(recording->commands.handle, middle.buffer, to.buffer, 1, &in);
    recording->hazards.add(target, bytes, true);
    return nullptr;
  }
  bool wait = recording->hazards.full() || recording->hazards.clash(source, bytes, false) ||
              recording->hazards.clash(target, bytes, true);
  if (wait)
    recording->barrier();
  recording->hazards.add(source, bytes, false);
  recording->hazards.add(target, bytes, true);
  Place from = device.find(source), to = device.find(target);
  VkBufferCopy region = {from.offset, to.offset, bytes};
  vk.CmdCopyBuffer(recording->commands.handle, from.buffer, to.buffer, 1, &region);
  return nullptr;
}

/// Copies `period` bytes from the CPU again and again, with a rest of fewer.
Failure VulkanExecution::repeat(char *target, const void *pattern, uint64_t period,
                                uint64_t bytes) {
  Place from;
  if (Failure failed = recording->in.take(period, from))
    return failed;
  std::memcpy(from.mapped, pattern, period);
  Place to = device.find(target);
  std::vector<VkBufferCopy> regions;
  for (uint64_t done = 0; done < bytes; done += period)
    regions.push_back({from.offset, to.offset + done, std::min(period, bytes - done)});
  vk.CmdCopyBuffer(recording->commands.handle, from.buffer, to.buffer, uint32_t(regions.size()),
                   regions.data());
  return nullptr;
}

Failure VulkanExecution::fill(char *target, int64_t value, unsigned width, uint64_t bytes) {
  order(target, bytes, true);
  char unit[8];
  for (unsigned i = 0; i < 8; ++i)
    unit[i] = reinterpret_cast<const char *>(&value)[i % width];
  bool isWord = std::memcmp(unit, unit + 4, 4) == 0;
  Place place = device.find(target);
  if (isWord && place.offset % 4 == 0 && bytes >= 4) {
    uint32_t word;
    std::memcpy(&word, unit, 4);
    uint64_t whole = bytes / 4 * 4;
    vk.CmdFillBuffer(recording->commands.handle, place.buffer, place.offset, whole, word);
    target += whole;
    bytes -= whole; // the rest begins with a whole word's first byte
  }
  if (bytes == 0)
    return nullptr;
  std::vector<char> pattern(std::min(bytes, kPattern));
  for (size_t i = 0; i < pattern.size(); ++i)
    pattern[i] = unit[i % 8];
  return repeat(target, pattern.data(), pattern.size(), bytes);
}

Failure VulkanExecution::write(char *target, const void *source, uint64_t bytes) {
  order(target, bytes, true);
  return repeat(target, source, bytes, bytes);
}

Failure VulkanExecution::read(void *target, const char *source, uint64_t bytes) {
  dynamic = true;
  if (bytes == 0)
    return nullptr;
  Place from = device.find(source), to;
  if (Failure failed = recording->out.take(bytes, to))
    return failed;
  recording->barrier();
  VkBufferCopy region = {from.offset, to.offset, bytes};
  vk.CmdCopyBuffer(recording->commands.handle, from.buffer, to.buffer, 1, &region);
  if (Failure failed = flush())
    return failed;
  ++counters.downloads;
  counters.download_bytes += bytes;
  std::memcpy(target, to.mapped, bytes);
  return nullptr;
}

} // namespace linnet::runtime::vulkan
