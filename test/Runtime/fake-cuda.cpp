//===- fake-cuda.cpp - a libcuda.so.1 for tests ---------------------------===//
//
// Part of Linnet, under Apache-2.0 WITH LLVM-exception. See LICENSE.
//
// Does on the CPU what a driver is asked for, as late as it may: a stream's work is done when
// somebody waits for it, so that a result read too early is seen to be missing. Addresses of the
// device are none that the CPU could follow, and pageable memory is copied when the call is made.
// The kernels of the samples are written here; any bytes are their code. Allocations of a GiB and
// more take memory where they are written to something else than zero.
//
// FAKE_CUDA is a list like "version=11040,devices=0,major=7,memory=1000,fail=cuLaunchKernel":
// what the driver says of itself, and the function that fails. FAKE_CUDA_LOG names a file that
// gets a line for every call that has an effect.
//===----------------------------------------------------------------------===//
#include "linnet/Bundle/GPUKernelABI.h"

#include <chrono>
#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <functional>
#include <map>
#include <string>
#include <sys/mman.h>
#include <vector>

namespace {

using Pointer = unsigned long long;
constexpr Pointer kDevice = Pointer(1) << 62; // added to every address
constexpr size_t kLarge = size_t(1) << 30;
constexpr int kInvalid = 1, kOutOfMemory = 2, kNotFound = 500, kLaunchFailed = 719;

struct Stream {
  std::vector<std::function<void()>> work;
  bool capturing = false;
};
struct Graph {
  std::vector<std::function<void()>> work;
};
struct Event {
  std::chrono::steady_clock::time_point time;
};

std::map<Pointer, size_t> &allocations() {
  static std::map<Pointer, size_t> map;
  return map;
}

std::string option(const char *name, const char *otherwise) {
  const char *options = std::getenv("FAKE_CUDA");
  std::string text = options ? std::string(",") + options : "", key = std::string(",") + name + "=";
  size_t at = text.find(key);
  if (at == std::string::npos)
    return otherwise;
  size_t begin = at + key.size();
  return text.substr(begin, text.find(',', begin) - begin);
}

long number(const char *name, const char *otherwise) {
  return std::strtol(option(name, otherwise).c_str(), nullptr, 10);
}

int capturing = 0;

/// Notes the call; whether it is to fail.
bool called(const char *name, const std::string &more = "") {
  static FILE *log =
      std::getenv("FAKE_CUDA_LOG") ? std::fopen(std::getenv("FAKE_CUDA_LOG"), "w") : nullptr;
  if (log) {
    std::fprintf(log, "%s%s%s\n", name, more.empty() ? "" : " ", more.c_str());
    std::fflush(log);
  }
  // What may allocate or wait is refused while a stream is captured.
  std::string function = name;
  bool unsafe = function.rfind("cuMemAlloc", 0) == 0 || function.rfind("cuLibrary", 0) == 0 ||
                function == "cuStreamSynchronize";
  return option("fail", "") == name || (unsafe && capturing != 0);
}

/// Where `bytes` of the device are; null where they are not in one allocation.
char *find(Pointer address, size_t bytes) {
  auto at = allocations().upper_bound(address);
  if (at == allocations().begin())
    return nullptr;
  --at;
  return address - at->first + bytes <= at->second ? reinterpret_cast<char *>(address - kDevice)
                                                   : nullptr;
}

int submit(Stream *stream, std::function<void()> work) {
  stream->work.push_back(std::move(work));
  return 0;
}

void drain(Stream *stream) {
  for (auto &work : stream->work)
    work();
  stream->work.clear();
}

/// out = x * 2 + y and the search for an element that is too large, as in Inputs/*.spvasm.
struct Launch {
  std::string name;
  uint32_t groups, threads;
  std::vector<Pointer> pointers;
  std::vector<uint32_t> words;

  void run() const {
    for (uint32_t group = 0; group < groups && group < words[0]; ++group)
      for (uint32_t thread = 0; thread < threads; ++thread)
        element(group * threads + thread);
  }
  void element(uint32_t i) const {
    auto at = [&](unsigned buffer, uint32_t index) {
      return find(pointers[buffer] + index * 4, 4);
    };
    if (name != "bounds") {
      if (i >= words[4])
        return;
      float x, y;
      std::memcpy(&x, at(0, words[1] + i), 4);
      std::memcpy(&y, at(1, words[2] + i), 4);
      x = x * (name == "axpy" ? 2 : 4) + y;
      std::memcpy(at(2, words[3] + i), &x, 4);
      return;
    }
    int32_t value, bound = int32_t(words[3]);
    uint32_t first;
    if (i >= words[2])
      return;
    std::memcpy(&value, at(0, words[1] + i), 4);
    std::memcpy(&first, at(1, words[34]), 4);
    if (value >= bound && i < first)
      std::memcpy(at(1, words[34]), &i, 4);
  }
};

} // namespace

#define FAKE extern "C" __attribute__((visibility("default"))) int
#define CALLED(...)                                                                                \
  if (called(__func__, ##__VA_ARGS__))                                                             \
  return kLaunchFailed

FAKE cuInit(unsigned) {
  CALLED();
  return 0;
}
FAKE cuDriverGetVersion(int *version) {
  *version = int(number("version", "12080"));
  return 0;
}
FAKE cuGetErrorName(int result, const char **name) {
  *name = result == kOutOfMemory ? "CUDA_ERROR_OUT_OF_MEMORY" : "CUDA_ERROR_LAUNCH_FAILED";
  return 0;
}
FAKE cuDeviceGetCount(int *count) {
  *count = int(number("devices", "1"));
  return 0;
}
FAKE cuDeviceGet(int *device, int index) {
  *device = index;
  return 0;
}
FAKE cuDeviceGetName(char *name, int size, int) {
  std::snprintf(name, size_t(size), "Fake");
  return 0;
}
FAKE cuDeviceTotalMem_v2(size_t *bytes, int) {
  *bytes = size_t(number("memory", "4294967296"));
  return 0;
}
FAKE cuDeviceGetAttribute(int *value, int attribute, int) {
  const std::map<int, int> values = {
      {1, 1024}, {6, 65535},  {8, 49152}, {10, 32}, {75, int(number("major", "9"))},
      {76, 0},   {97, 101376}};
  auto at = values.find(attribute);
  *value = at == values.end() ? 0 : at->second;
  return at == values.end() ? kInvalid : 0;
}
FAKE cuDevicePrimaryCtxRetain(void **context, int) {
  CALLED();
  *context = &allocations();
  return 0;
}
FAKE cuDevicePrimaryCtxRelease_v2(int) {
  CALLED(std::to_string(allocations().size()) + " left");
  return 0;
}
FAKE cuCtxPushCurrent_v2(void *) { return 0; }
FAKE cuCtxPopCurrent_v2(void **context) {
  *context = &allocations();
  return 0;
}

FAKE cuMemGetInfo_v2(size_t *available, size_t *total) {
  cuDeviceTotalMem_v2(total, 0);
  size_t used = 0;
  for (auto &[address, bytes] : allocations())
    used += bytes;
  *available = *total - used;
  return 0;
}
FAKE cuMemAlloc_v2(Pointer *address, size_t bytes) {
  CALLED(std::to_string(bytes));
  size_t available, total;
  cuMemGetInfo_v2(&available, &total);
  if (bytes > available)
    return kOutOfMemory;
  void *memory = bytes < kLarge ? std::aligned_alloc(256, (bytes + 255) / 256 * 256)
                                : mmap(nullptr, bytes, PROT_READ | PROT_WRITE,
                                       MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
  if (bytes < kLarge)
    std::memset(memory, 0x5a, bytes); // the driver clears nothing
  *address = Pointer(reinterpret_cast<uintptr_t>(memory)) + kDevice;
  allocations()[*address] = bytes;
  return 0;
}
FAKE cuMemFree_v2(Pointer address) {
  auto at = allocations().find(address);
  if (at == allocations().end())
    return kInvalid;
  void *memory = reinterpret_cast<void *>(address - kDevice);
  if (at->second < kLarge)
    std::free(memory);
  else
    munmap(memory, at->second);
  allocations().erase(at);
  return 0;
}
FAKE cuMemAllocHost_v2(void **memory, size_t bytes) {
  CALLED(std::to_string(bytes));
  *memory = std::malloc(bytes);
  return 0;
}
FAKE cuMemFreeHost(void *memory) {
  std::free(memory);
  return 0;
}

FAKE cuMemcpyHtoDAsync_v2(Pointer target, const void *source, size_t bytes, Stream *stream) {
  CALLED(std::to_string(bytes));
  char *to = find(target, bytes);
  return to ? submit(stream, [=] { std::memcpy(to, source, bytes); }) : kInvalid;
}
FAKE cuMemcpyDtoHAsync_v2(void *target, Pointer source, size_t bytes, Stream *stream) {
  CALLED(std::to_string(bytes));
  char *from = find(source, bytes);
  return from ? submit(stream, [=] { std::memcpy(target, from, bytes); }) : kInvalid;
}
FAKE cuMemcpyDtoDAsync_v2(Pointer target, Pointer source, size_t bytes, Stream *stream) {
  CALLED(std::to_string(bytes));
  char *to = find(target, bytes), *from = find(source, bytes);
  if (!to || !from || (from < to + bytes && to < from + bytes))
    return kInvalid;
  return submit(stream, [=] { std::memcpy(to, from, bytes); });
}
template <typename T> static int fill(Pointer target, T value, size_t count, Stream *stream) {
  char *to = find(target, count * sizeof(T));
  if (!to || target % sizeof(T) != 0)
    return kInvalid;
  if (value == 0 && count * sizeof(T) >= kLarge && allocations().count(target))
    return submit(stream, [=] { madvise(to, count * sizeof(T), MADV_DONTNEED); });
  return submit(stream, [=] {
    for (size_t i = 0; i < count; ++i)
      std::memcpy(to + i * sizeof(T), &value, sizeof(T));
  });
}
FAKE cuMemsetD8Async(Pointer target, unsigned char value, size_t count, Stream *stream) {
  return fill(target, value, count, stream);
}
FAKE cuMemsetD16Async(Pointer target, unsigned short value, size_t count, Stream *stream) {
  return fill(target, value, count, stream);
}
FAKE cuMemsetD32Async(Pointer target, unsigned value, size_t count, Stream *stream) {
  return fill(target, value, count, stream);
}

FAKE cuStreamCreate(Stream **stream, unsigned) {
  CALLED();
  *stream = new Stream();
  return 0;
}
FAKE cuStreamDestroy_v2(Stream *stream) {
  delete stream;
  return 0;
}
FAKE cuStreamSynchronize(Stream *stream) {
  CALLED();
  if (stream->capturing)
    return kInvalid;
  drain(stream);
  return 0;
}
FAKE cuStreamBeginCapture_v2(Stream *stream, int) {
  CALLED();
  if (stream->capturing)
    return kInvalid;
  drain(stream);
  stream->capturing = true;
  ++capturing;
  return 0;
}
FAKE cuStreamEndCapture(Stream *stream, Graph **graph) {
  CALLED();
  if (!stream->capturing)
    return kInvalid;
  stream->capturing = false;
  --capturing;
  *graph = new Graph{std::move(stream->work)};
  stream->work.clear();
  return 0;
}
FAKE cuGraphInstantiateWithFlags(Graph **exec, Graph *graph, unsigned long long) {
  CALLED();
  *exec = new Graph(*graph);
  return 0;
}
FAKE cuGraphLaunch(Graph *exec, Stream *stream) {
  CALLED();
  return submit(stream, [work = exec->work] {
    for (auto &step : work)
      step();
  });
}
FAKE cuGraphDestroy(Graph *graph) {
  delete graph;
  return 0;
}
FAKE cuGraphExecDestroy(Graph *graph) {
  delete graph;
  return 0;
}

FAKE cuEventCreate(Event **event, unsigned) {
  *event = new Event();
  return 0;
}
FAKE cuEventDestroy_v2(Event *event) {
  delete event;
  return 0;
}
FAKE cuEventRecord(Event *event, Stream *stream) {
  return submit(stream, [=] { event->time = std::chrono::steady_clock::now(); });
}
FAKE cuEventElapsedTime(float *milliseconds, Event *from, Event *to) {
  *milliseconds = std::chrono::duration<float, std::milli>(to->time - from->time).count();
  return 0;
}

FAKE cuLibraryLoadData(std::string **library, const void *code, int *, void **, unsigned, int *,
                       void **, unsigned) {
  CALLED(static_cast<const char *>(code));
  *library = new std::string(static_cast<const char *>(code));
  return 0;
}
FAKE cuLibraryUnload(std::string *library) {
  delete library;
  return 0;
}
FAKE cuLibraryGetKernel(const char **kernel, std::string *, const char *name) {
  *kernel = nullptr;
  for (const char *known : {"axpy", "axpy$wide", "bounds"})
    if (std::strcmp(name, known) == 0)
      *kernel = known;
  return *kernel ? 0 : kNotFound;
}
static unsigned dynamicShared = 0; // of the kernel that was found last
FAKE cuKernelGetFunction(const char **function, const char *kernel) {
  *function = kernel;
  dynamicShared = 0;
  return 0;
}
FAKE cuFuncSetAttribute(const char *function, int attribute, int value) {
  CALLED(std::string(function) + " " + std::to_string(attribute) + " " + std::to_string(value));
  if (attribute != 8 || value > 101376)
    return kInvalid;
  dynamicShared = unsigned(value);
  return 0;
}
FAKE cuLaunchKernel(const char *function, unsigned x, unsigned y, unsigned z, unsigned bx,
                    unsigned by, unsigned bz, unsigned shared, Stream *stream, void **parameters,
                    void **extra) {
  CALLED(std::string(function) + " " + std::to_string(x) + "x" + std::to_string(y));
  bool bounds = std::strcmp(function, "bounds") == 0, wide = std::strstr(function, "$wide");
  if (z != 1 || by != 1 || bz != 1 || shared != dynamicShared || extra)
    return kInvalid;
  Launch launch = {function, x * y, bx, {}, {}};
  unsigned buffers = bounds ? 2 : 3, words = bounds ? 35 : wide ? 6 : 5;
  for (unsigned i = 0; i < buffers; ++i)
    launch.pointers.push_back(*static_cast<Pointer *>(parameters[i]));
  for (unsigned i = 0; i < words; ++i)
    launch.words.push_back(*static_cast<uint32_t *>(parameters[buffers + i]));
  for (unsigned i = 0; i < buffers; ++i)
    if (launch.pointers[i] % LNT_GPU_BINDING_ALIGNMENT != 0)
      return kInvalid;
  return submit(stream, [launch] { launch.run(); });
}
