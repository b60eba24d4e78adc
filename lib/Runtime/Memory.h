//===- Memory.h - memory for tensors ----------------------------*- C++ -*-===//
//
// Part of Linnet, under Apache-2.0 WITH LLVM-exception. See LICENSE.
//
//===----------------------------------------------------------------------===//
#ifndef LINNET_LIB_RUNTIME_MEMORY_H
#define LINNET_LIB_RUNTIME_MEMORY_H

#include <cstddef>
#include <cstdint>
#include <utility>

namespace linnet::runtime {

/// Zeroed pages of the operating system, so that a size that cannot be met is an error here and
/// not a surprise later. Aligned to a page.
class Memory {
public:
  Memory() = default;
  ~Memory() { release(); }
  Memory(Memory &&other) noexcept { swap(other); }
  Memory &operator=(Memory &&other) noexcept {
    swap(other);
    return *this;
  }

  /// Replaces what was there; false (and empty) when the system has no such room.
  bool allocate(uint64_t bytes);
  void release();

  char *data() const { return base; }
  uint64_t size() const { return bytes; }

private:
  void swap(Memory &other) {
    std::swap(base, other.base);
    std::swap(bytes, other.bytes);
  }

  char *base = nullptr;
  uint64_t bytes = 0;
};

} // namespace linnet::runtime

#endif // LINNET_LIB_RUNTIME_MEMORY_H
