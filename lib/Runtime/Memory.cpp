//===- Memory.cpp - memory for tensors ------------------------------------===//
//
// Part of Linnet, under Apache-2.0 WITH LLVM-exception. See LICENSE.
//
//===----------------------------------------------------------------------===//
#include "Memory.h"

#include <sys/mman.h>

namespace linnet::runtime {

bool Memory::allocate(uint64_t wanted) {
  release();
  if (wanted == 0)
    return true;
  if (wanted > uint64_t(1) << 47)
    return false;
  void *memory = mmap(nullptr, wanted, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
  if (memory == MAP_FAILED)
    return false;
  // Fewer faults and TLB misses in large arenas; not having it is no error.
  if (wanted >= uint64_t(4) << 20)
    madvise(memory, wanted, MADV_HUGEPAGE);
  base = static_cast<char *>(memory);
  bytes = wanted;
  return true;
}

void Memory::release() {
  if (base)
    munmap(base, bytes);
  base = nullptr;
  bytes = 0;
}

} // namespace linnet::runtime
