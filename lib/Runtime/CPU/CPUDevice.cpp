//===- CPUDevice.cpp - calls on the CPU -----------------------------------===//
//
// Part of Linnet, under Apache-2.0 WITH LLVM-exception. See LICENSE.
//
//===----------------------------------------------------------------------===//
#include "CPUDevice.h"
#include "linnet/Bundle/Container.h"

#include <algorithm>
#include <cstring>
#include <sys/mman.h>
#include <unistd.h>

namespace linnet::runtime {

//===----------------------------------------------------------------------===//
// Memory
//===----------------------------------------------------------------------===//

lnt_device_info CPUDevice::info() const {
  lnt_device_info info = {};
  info.device = LNT_CPU;
  std::strcpy(info.name, "CPU");
  info.usable = 1;
  info.memory = uint64_t(sysconf(_SC_PHYS_PAGES)) * uint64_t(sysconf(_SC_PAGESIZE));
  info.memory_free = uint64_t(sysconf(_SC_AVPHYS_PAGES)) * uint64_t(sysconf(_SC_PAGESIZE));
  return info;
}

/// Pages of the operating system, so that a size that cannot be met is an error here and not a
/// surprise later.
Failure CPUDevice::allocate(uint64_t bytes, const std::string &what, char *&address) {
  void *memory = bytes > uint64_t(1) << 47 ? MAP_FAILED
                                           : mmap(nullptr, bytes, PROT_READ | PROT_WRITE,
                                                  MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
  if (memory == MAP_FAILED)
    return fail(LNT_OUT_OF_MEMORY, "out of memory for ", what, " of ", bytes,
                " bytes: ", info().memory_free, " of ", info().memory, " are free");
  // Fewer faults and TLB misses in large arenas; not having it is no error.
  if (bytes >= uint64_t(4) << 20)
    madvise(memory, bytes, MADV_HUGEPAGE);
  address = static_cast<char *>(memory);
  return nullptr;
}

void CPUDevice::release(char *address, uint64_t bytes) { munmap(address, bytes); }

Failure CPUDevice::upload(char *target, const void *source, uint64_t bytes) {
  std::memmove(target, source, bytes);
  return nullptr;
}

Failure CPUDevice::download(void *target, const char *source, uint64_t bytes) {
  std::memmove(target, source, bytes);
  return nullptr;
}

Failure CPUDevice::copy(char *target, const char *source, uint64_t bytes) {
  std::memmove(target, source, bytes);
  return nullptr;
}

Failure CPUDevice::set(char *target, unsigned char value, uint64_t bytes) {
  std::memset(target, value, bytes);
  return nullptr;
}

//===----------------------------------------------------------------------===//
// Calls
//===----------------------------------------------------------------------===//

Failure CPUExecution::begin(const Program &of, const CallKey *, const std::vector<Transfer> &,
                            lnt_trace_fn fn, void *user) {
  program = &of;
  error = LNT_ERROR_NONE;
  trace = fn;
  traceUser = user;
  if (trace)
    started = std::chrono::steady_clock::now();
  floats.emplace();
  return nullptr;
}

Failure CPUExecution::finish(const std::vector<Transfer> &) {
  floats.reset();
  return nullptr;
}

Failure CPUExecution::launch(const LaunchArguments &arguments) {
  KernelTask task(arguments.launch.kernel, &env, arguments.buffers, arguments.scalars);
  if (trace) {
    auto begin = std::chrono::steady_clock::now();
    pool.run(task, arguments.chunks);
    auto end = std::chrono::steady_clock::now();
    auto nanoseconds = [](std::chrono::steady_clock::duration duration) {
      return uint64_t(std::chrono::duration_cast<std::chrono::nanoseconds>(duration).count());
    };
    arguments.event->start = nanoseconds(begin - started);
    arguments.event->duration = nanoseconds(end - begin);
    // A callback may do arithmetic of its own: in the caller's mode it would be slower, not wrong.
    trace(traceUser, arguments.event);
  } else {
    pool.run(task, arguments.chunks);
  }
  ++counters.launches;
  uint64_t found = __atomic_load_n(&error, __ATOMIC_RELAXED);
  if (found == LNT_ERROR_NONE)
    return nullptr;
  return faultAt(*program, found >> LNT_ERROR_POSITION_BITS,
                 found & ((uint64_t(1) << LNT_ERROR_POSITION_BITS) - 1));
}

Failure CPUExecution::copy(char *target, const char *source, uint64_t bytes) {
  std::memmove(target, source, bytes);
  return nullptr;
}

Failure CPUExecution::fill(char *target, int64_t value, unsigned width, uint64_t bytes) {
  if (width == 1) {
    std::memset(target, int(value), bytes);
    return nullptr;
  }
  // Doubles what is filled already; a rest that is no whole value gets its first bytes.
  uint64_t done = bytes < width ? bytes : width;
  std::memcpy(target, &value, done);
  while (done < bytes) {
    uint64_t more = done < bytes - done ? done : bytes - done;
    std::memcpy(target + done, target, more);
    done += more;
  }
  return nullptr;
}

Failure CPUExecution::read(void *target, const char *source, uint64_t bytes) {
  std::memcpy(target, source, bytes);
  return nullptr;
}

Failure CPUExecution::write(char *target, const void *source, uint64_t bytes) {
  std::memcpy(target, source, bytes);
  return nullptr;
}

//===----------------------------------------------------------------------===//
// Scratch
//===----------------------------------------------------------------------===//

Failure CPUExecution::reserveScratch(int64_t bytes, uint64_t room) {
  if (bytes <= int64_t(stride) && !blocks.empty())
    return nullptr;
  uint64_t threads = uint64_t(pool.size());
  uint64_t wanted, total;
  auto noRoom = [&] {
    return fail(LNT_OUT_OF_MEMORY, "out of memory for ", threads, " times ", bytes,
                " bytes of scratch: ", std::min(room, CPUDevice().info().memory_free), " are free");
  };
  // Blocks on pages of their own, so that workers do not share lines.
  if (__builtin_add_overflow(uint64_t(std::max<int64_t>(bytes, 0)), bundle::kPage - 1, &wanted) ||
      __builtin_mul_overflow(wanted / bundle::kPage * bundle::kPage, threads, &total) ||
      total > room)
    return noRoom();
  Memory memory(scratch.owner());
  if (memory.allocate(total, "scratch"))
    return noRoom();
  scratch = std::move(memory);
  stride = wanted / bundle::kPage * bundle::kPage;
  blocks.resize(threads);
  for (uint64_t i = 0; i < threads; ++i)
    blocks[i] = scratch.data() ? scratch.data() + i * stride : nullptr;
  env.scratch = blocks.data();
  return nullptr;
}

void CPUExecution::poisonScratch() {
  if (scratch.size() != 0)
    std::memset(scratch.data(), 0xff, scratch.size());
}

} // namespace linnet::runtime
