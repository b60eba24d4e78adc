//===- CUDAExecution.cpp - calls of a session -----------------------------===//
//
// Part of Linnet, under Apache-2.0 WITH LLVM-exception. See LICENSE.
//
//===----------------------------------------------------------------------===//
#include "CUDAExecution.h"
#include "../GPUWords.h"

#include <algorithm>
#include <cstring>

namespace linnet::runtime::cuda {
namespace {

constexpr size_t kMaxKept = 64;
constexpr uint64_t kBlock = uint64_t(1) << 16;
/// Of a grid, on every chip.
constexpr uint32_t kMaxHeight = 65535;

#define LINNET_TRY(call, ...)                                                                      \
  if (Result result = driver.call(__VA_ARGS__))                                                    \
  return device.error(#call, result)

} // namespace

//===----------------------------------------------------------------------===//
// Pinned memory
//===----------------------------------------------------------------------===//

PinnedArena::~PinnedArena() {
  CUDADevice::Current current(device);
  for (Block &block : blocks)
    device.driver->cuMemFreeHost(block.data);
}

Failure PinnedArena::take(uint64_t bytes, char *&place) {
  uint64_t size = (bytes + 63) / 64 * 64;
  while (current < blocks.size() && blocks[current].bytes - used < size) {
    ++current;
    used = 0;
  }
  if (current == blocks.size()) {
    Block block = {nullptr, std::max(size, kBlock)};
    if (Result result =
            device.driver->cuMemAllocHost_v2(reinterpret_cast<void **>(&block.data), block.bytes))
      return result == kOutOfMemory ? fail(LNT_OUT_OF_MEMORY, "out of memory for ", block.bytes,
                                           " bytes of the machine's memory that ", device.label(),
                                           " copies from and to (cuMemAllocHost_v2)")
                                    : device.error("cuMemAllocHost_v2", result);
    blocks.push_back(block);
    used = 0;
  }
  place = blocks[current].data + used;
  used += size;
  return nullptr;
}

void PinnedArena::reset() {
  current = 0;
  used = 0;
}

Captured::~Captured() { reset(); }

void Captured::reset() {
  CUDADevice::Current current(device);
  if (graph)
    device.driver->cuGraphExecDestroy(graph);
  graph = nullptr;
  static_cast<GPUCall &>(*this) = {};
  pinned.reset();
}

//===----------------------------------------------------------------------===//
// The whole call
//===----------------------------------------------------------------------===//

CUDAExecution::CUDAExecution(CUDACode &code)
    : Execution(true), code(code), device(*code.device), driver(*device.driver),
      faults(code.device) {}

CUDAExecution::~CUDAExecution() {
  CUDADevice::Current current(device);
  destroyEvents();
  if (stream)
    driver.cuStreamDestroy_v2(stream);
}

Failure CUDAExecution::reserveScratch(int64_t bytes, uint64_t) {
  return bytes <= 0 ? nullptr
                    : fail(LNT_BAD_FILE, "a launch asks ", device.label(), " for ", bytes,
                           " bytes of scratch for every worker");
}

Failure CUDAExecution::start() {
  if (!stream)
    LINNET_TRY(cuStreamCreate, &stream, kStreamNonBlocking);
  uint64_t bytes = program->sites.size() * sizeof(uint32_t);
  if (bytes <= faults.size())
    return nullptr;
  kept.clear(); // they write to the words that go
  return faults.allocate(bytes, "fault words");
}

Failure CUDAExecution::begin(const Program &of, const CallKey *callKey,
                             const std::vector<Transfer> &uploads, lnt_trace_fn fn, void *user) {
  CUDADevice::Current current(device);
  program = &of;
  key = callKey;
  dynamic = false;
  trace = fn;
  traceUser = user;
  if (Failure failed = start())
    return failed;
  auto before = key ? kept.find(*key) : kept.end();
  bool again = before != kept.end();
  if (again) { // nothing may be allocated in a capture: its pinned memory is there
    call = std::move(before->second);
    kept.erase(before);
  }
  if (!call)
    call = std::make_unique<Captured>(device);
  call->reset();
  call->sites = uint32_t(program->sites.size());
  if (again) {
    LINNET_TRY(cuStreamBeginCapture_v2, stream, kCaptureThreadLocal);
    capturing = true;
  }
  if (call->sites != 0)
    LINNET_TRY(cuMemsetD32Async, CUDADevice::pointer(faults.data()), LNT_GPU_NO_FAULT, call->sites,
               stream);
  if (trace) {
    destroyEvents();
    times.push_back(nullptr);
    LINNET_TRY(cuEventCreate, &times.back(), 0);
    LINNET_TRY(cuEventRecord, times.back(), stream);
  }
  return beginUploads(uploads);
}

/// The bytes are put in place before the copies are asked for, or captured.
Failure CUDAExecution::beginUploads(const std::vector<Transfer> &uploads) {
  for (const Transfer &upload : uploads) {
    char *place = nullptr;
    if (upload.bytes <= kLargeTransfer)
      if (Failure failed = call->pinned.take(upload.bytes, place))
        return failed;
    call->uploads.push_back(place);
  }
  if (Failure failed = sendUploads(device, *call, uploads, counters))
    return failed;
  for (size_t i = 0; i < uploads.size(); ++i)
    if (call->uploads[i])
      LINNET_TRY(cuMemcpyHtoDAsync_v2, CUDADevice::pointer(uploads[i].device), call->uploads[i],
                 uploads[i].bytes, stream);
  return nullptr;
}

Failure CUDAExecution::copyBack(char *&place, const char *source, uint64_t bytes) {
  if (Failure failed = call->pinned.take(bytes, place))
    return failed;
  LINNET_TRY(cuMemcpyDtoHAsync_v2, place, CUDADevice::pointer(source), bytes, stream);
  return nullptr;
}

Failure CUDAExecution::endCapture() {
  Graph graph = nullptr;
  capturing = false;
  LINNET_TRY(cuStreamEndCapture, stream, &graph);
  Result made = driver.cuGraphInstantiateWithFlags(&call->graph, graph, 0);
  driver.cuGraphDestroy(graph);
  if (made != 0)
    return device.error("cuGraphInstantiateWithFlags", made);
  LINNET_TRY(cuGraphLaunch, call->graph, stream);
  return nullptr;
}

Failure CUDAExecution::wait() {
  LINNET_TRY(cuStreamSynchronize, stream);
  ++counters.submissions;
  return checkFaults(*call, *program);
}

Failure CUDAExecution::finish(const std::vector<Transfer> &downloads) {
  CUDADevice::Current current(device);
  if (call->sites != 0)
    if (Failure failed = copyBack(call->faults, faults.data(), call->sites * 4))
      return failed;
  for (const Transfer &download : downloads) {
    char *place = nullptr;
    if (download.bytes <= kLargeTransfer)
      if (Failure failed = copyBack(place, download.device, download.bytes))
        return failed;
    call->downloads.push_back(place);
  }
  if (capturing)
    if (Failure failed = endCapture())
      return failed;
  if (Failure failed = wait())
    return failed;
  countCall(*call, counters);
  if (Failure failed = collect())
    return failed;
  if (Failure failed = fetchDownloads(device, *call, downloads, counters))
    return failed;
  if (key && !dynamic) {
    if (kept.size() >= kMaxKept)
      kept.clear();
    kept[*key] = std::move(call);
  }
  program = nullptr;
  return nullptr;
}

Failure CUDAExecution::replay(const Program &of, const CallKey &callKey,
                              const std::vector<Transfer> &uploads,
                              const std::vector<Transfer> &downloads, bool &found) {
  auto at = kept.find(callKey);
  found = at != kept.end() && at->second->graph && at->second->uploads.size() == uploads.size() &&
          at->second->downloads.size() == downloads.size();
  if (!found)
    return nullptr;
  CUDADevice::Current current(device);
  Captured &again = *at->second;
  ++counters.replays;
  if (Failure failed = sendUploads(device, again, uploads, counters))
    return failed;
  LINNET_TRY(cuGraphLaunch, again.graph, stream);
  LINNET_TRY(cuStreamSynchronize, stream);
  ++counters.submissions;
  countCall(again, counters);
  if (Failure failed = checkFaults(again, of))
    return failed;
  return fetchDownloads(device, again, downloads, counters);
}

/// What a failed call left in the stream is done or thrown away.
void CUDAExecution::abandon() {
  CUDADevice::Current current(device);
  Graph graph = nullptr;
  if (capturing && driver.cuStreamEndCapture(stream, &graph) == 0 && graph)
    driver.cuGraphDestroy(graph);
  capturing = false;
  if (stream)
    driver.cuStreamSynchronize(stream);
  program = nullptr;
}

//===----------------------------------------------------------------------===//
// Commands
//===----------------------------------------------------------------------===//

Failure CUDAExecution::copy(char *target, const char *source, uint64_t bytes) {
  CUDADevice::Current current(device);
  if (target == source)
    return nullptr;
  ++call->copies;
  if (source < target + bytes && target < source + bytes) {
    // No copy may overlap: through the CPU's memory.
    char *middle;
    if (Failure failed = copyBack(middle, source, bytes))
      return failed;
    LINNET_TRY(cuMemcpyHtoDAsync_v2, CUDADevice::pointer(target), middle, bytes, stream);
    return nullptr;
  }
  LINNET_TRY(cuMemcpyDtoDAsync_v2, CUDADevice::pointer(target), CUDADevice::pointer(source), bytes,
             stream);
  return nullptr;
}

Failure CUDAExecution::fill(char *target, int64_t value, unsigned width, uint64_t bytes) {
  CUDADevice::Current current(device);
  unsigned char unit[8];
  for (unsigned i = 0; i < 8; ++i)
    unit[i] = reinterpret_cast<const unsigned char *>(&value)[i % width];
  DevicePointer at = CUDADevice::pointer(target);
  if (std::count(unit, unit + 8, unit[0]) == 8) {
    LINNET_TRY(cuMemsetD8Async, at, unit[0], bytes, stream);
    return nullptr;
  }
  uint64_t done = 0;
  uint32_t word;
  std::memcpy(&word, unit, 4);
  if (std::memcmp(unit, unit + 4, 4) == 0 && at % 4 == 0 && bytes >= 4) {
    done = bytes / 4 * 4;
    LINNET_TRY(cuMemsetD32Async, at, word, bytes / 4, stream);
  }
  // What is left, or a pattern of eight bytes: doubling what is there.
  if (done == bytes)
    return nullptr;
  uint64_t first = std::min<uint64_t>(bytes - done, 8);
  char *pinned;
  if (Failure failed = call->pinned.take(first, pinned))
    return failed;
  std::memcpy(pinned, unit, first);
  LINNET_TRY(cuMemcpyHtoDAsync_v2, at + done, pinned, first, stream);
  for (uint64_t begin = done, filled = first; begin + filled < bytes;) {
    uint64_t more = std::min(filled, bytes - begin - filled);
    LINNET_TRY(cuMemcpyDtoDAsync_v2, at + begin + filled, at + begin, more, stream);
    filled += more;
  }
  return nullptr;
}

Failure CUDAExecution::write(char *target, const void *source, uint64_t bytes) {
  CUDADevice::Current current(device);
  char *pinned;
  if (Failure failed = call->pinned.take(bytes, pinned))
    return failed;
  std::memcpy(pinned, source, bytes);
  LINNET_TRY(cuMemcpyHtoDAsync_v2, CUDADevice::pointer(target), pinned, bytes, stream);
  return nullptr;
}

Failure CUDAExecution::read(void *target, const char *source, uint64_t bytes) {
  dynamic = true;
  if (bytes == 0)
    return nullptr;
  CUDADevice::Current current(device);
  char *place;
  if (Failure failed = copyBack(place, source, bytes))
    return failed;
  if (call->sites != 0)
    if (Failure failed = copyBack(call->faults, faults.data(), call->sites * 4))
      return failed;
  if (Failure failed = wait())
    return failed;
  ++counters.downloads;
  counters.download_bytes += bytes;
  std::memcpy(target, place, bytes);
  return nullptr;
}

//===----------------------------------------------------------------------===//
// Launches
//===----------------------------------------------------------------------===//

/// Pointers and words, in the order of Bundle/GPUKernelABI.h.
Failure CUDAExecution::gather(const CUDACode::Entry &entry, const LaunchArguments &arguments) {
  const fb::Kernel &kernel = *entry.kernel;
  pointers.clear();
  words.assign(1, uint32_t(arguments.chunks));
  for (uint32_t i = 0; i < kernel.buffers(); ++i) {
    uint64_t bytes = uint64_t(arguments.bytes[i]);
    uint32_t start = 0;
    DevicePointer at = 0;
    if (bytes != 0) {
      at = CUDADevice::pointer(static_cast<const char *>(arguments.buffers[i]));
      uint64_t before = at % LNT_GPU_BINDING_ALIGNMENT;
      if (Failure failed = startOf(*program, kernel, i, before, bytes, start))
        return failed;
      at -= before;
    }
    pointers.push_back(at);
    words.push_back(start);
  }
  if (kernel.gpu()->faults())
    pointers.push_back(CUDADevice::pointer(faults.data()));
  if (Failure failed = appendScalars(*program, kernel, arguments.scalars, words))
    return failed;
  parameters.clear();
  for (DevicePointer &pointer : pointers)
    parameters.push_back(&pointer);
  for (uint32_t &word : words)
    parameters.push_back(&word);
  return nullptr;
}

Failure CUDAExecution::launch(const LaunchArguments &arguments) {
  if (arguments.chunks <= 0)
    return nullptr;
  CUDADevice::Current current(device);
  const CUDACode::Entry *entry;
  if (Failure failed = code.entry(arguments, entry))
    return failed;
  Grid grid;
  if (Failure failed = gridOf(*program, *entry->kernel, arguments.chunks, kMaxHeight, grid))
    return failed;
  if (Failure failed = gather(*entry, arguments))
    return failed;
  auto stamp = [&]() -> Failure {
    times.push_back(nullptr);
    LINNET_TRY(cuEventCreate, &times.back(), 0);
    LINNET_TRY(cuEventRecord, times.back(), stream);
    return nullptr;
  };
  if (trace) {
    events.push_back(*arguments.event);
    if (Failure failed = stamp())
      return failed;
  }
  LINNET_TRY(cuLaunchKernel, entry->function, grid.width, grid.height, 1,
             entry->kernel->gpu()->group(), 1, 1, entry->sharedOfLaunch(), stream,
             parameters.data(), nullptr);
  ++call->launches;
  return trace ? stamp() : nullptr;
}

/// Hands out the events of a traced call.
Failure CUDAExecution::collect() {
  for (size_t i = 0; i < events.size(); ++i) {
    float before, took;
    LINNET_TRY(cuEventElapsedTime, &before, times[0], times[2 * i + 1]);
    LINNET_TRY(cuEventElapsedTime, &took, times[2 * i + 1], times[2 * i + 2]);
    events[i].start = uint64_t(double(before) * 1e6);
    events[i].duration = uint64_t(double(took) * 1e6);
    trace(traceUser, &events[i]);
  }
  destroyEvents();
  return nullptr;
}

void CUDAExecution::destroyEvents() {
  for (Event event : times)
    if (event)
      driver.cuEventDestroy_v2(event);
  times.clear();
  events.clear();
}

} // namespace linnet::runtime::cuda
