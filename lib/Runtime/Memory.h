//===- Memory.h - memory for tensors ----------------------------*- C++ -*-===//
//
// Part of Linnet, under Apache-2.0 WITH LLVM-exception. See LICENSE.
//
//===----------------------------------------------------------------------===//
#ifndef LINNET_LIB_RUNTIME_MEMORY_H
#define LINNET_LIB_RUNTIME_MEMORY_H

#include "Device.h"

#include <utility>

namespace linnet::runtime {

/// Zeroed memory of a device, which it keeps alive.
class Memory {
public:
  Memory() = default;
  explicit Memory(std::shared_ptr<Device> device) : device(std::move(device)) {}
  ~Memory() { release(); }
  Memory(Memory &&other) noexcept { swap(other); }
  Memory &operator=(Memory &&other) noexcept {
    swap(other);
    return *this;
  }

  /// Replaces what was there; empty when it fails. `what` is it for: "an arena".
  Failure allocate(uint64_t wanted, const std::string &what) {
    release();
    if (wanted == 0)
      return nullptr;
    char *address;
    if (Failure failure = device->allocate(wanted, what, address))
      return failure;
    base = address;
    bytes = wanted;
    return nullptr;
  }
  void release() {
    if (base)
      device->release(base, bytes);
    base = nullptr;
    bytes = 0;
  }

  char *data() const { return base; }
  uint64_t size() const { return bytes; }
  const std::shared_ptr<Device> &owner() const { return device; }

private:
  void swap(Memory &other) noexcept {
    std::swap(device, other.device);
    std::swap(base, other.base);
    std::swap(bytes, other.bytes);
  }

  std::shared_ptr<Device> device;
  char *base = nullptr;
  uint64_t bytes = 0;
};

} // namespace linnet::runtime

#endif // LINNET_LIB_RUNTIME_MEMORY_H
