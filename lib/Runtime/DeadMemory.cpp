//===- DeadMemory.cpp - fills memory that holds nothing -------------------===//
//
// Part of Linnet, under Apache-2.0 WITH LLVM-exception. See LICENSE.
//
//===----------------------------------------------------------------------===//
#include "DeadMemory.h"

#include <algorithm>

namespace linnet::runtime {

constexpr unsigned char kPattern = 0xff;

Failure DeadMemory::fill(char *data, uint64_t bytes) const {
  return bytes == 0 ? nullptr : device.fill(data, kPattern, 1, bytes);
}

Failure DeadMemory::fillAll(char *arena) const {
  if (Failure failure = fill(arena, uint64_t(frame.plan->arenaBytes)))
    return failure;
  for (uint32_t i = 0; i < program.buffers.size(); ++i)
    if (program.buffers[i].kind == fb::BufferKind::Result)
      if (Failure failure = fill(frame.bases[i], uint64_t(frame.plan->bufferBytes[i])))
        return failure;
  return nullptr;
}

DeadMemory::DeadMemory(const Program &program, const Frame &frame, Execution &device)
    : program(program), frame(frame), device(device) {
  for (uint32_t i = 0; i < program.buffers.size(); ++i) {
    const Buffer &buffer = program.buffers[i];
    if (buffer.kind != fb::BufferKind::Arena || frame.plan->bufferBytes[i] == 0)
      continue;
    firsts.push_back({buffer.first, i});
    lasts.push_back({buffer.last, i});
  }
  std::sort(firsts.begin(), firsts.end());
  std::sort(lasts.begin(), lasts.end());
}

Failure DeadMemory::check(uint32_t index, uint32_t buffer) const {
  std::vector<char> found(size_t(frame.plan->bufferBytes[buffer]));
  if (Failure failure = device.read(found.data(), frame.bases[buffer], found.size()))
    return failure;
  for (int64_t i = 0; i < frame.plan->bufferBytes[buffer]; ++i)
    if (static_cast<unsigned char>(found[size_t(i)]) != kPattern)
      return fail(LNT_FAULT, "function '", program.name, "': buffer ", buffer,
                  ", which begins with command ", index, ", was written while it was dead, first ",
                  "at byte ", i, " of ", frame.plan->bufferBytes[buffer]);
  return nullptr;
}

Failure DeadMemory::begin(uint32_t index) const {
  auto at = std::lower_bound(firsts.begin(), firsts.end(), std::make_pair(index, 0u));
  for (; at != firsts.end() && at->first == index; ++at)
    if (Failure failure = check(index, at->second))
      return failure;
  return nullptr;
}

Failure DeadMemory::end(uint32_t from, uint32_t to) const {
  auto at = std::lower_bound(lasts.begin(), lasts.end(), std::make_pair(from, 0u));
  for (; at != lasts.end() && at->first < to; ++at)
    if (program.buffers[at->second].first > loop)
      if (Failure failure =
              fill(frame.bases[at->second], uint64_t(frame.plan->bufferBytes[at->second])))
        return failure;
  return nullptr;
}

} // namespace linnet::runtime
