//===- DeadMemory.h - fills memory that holds nothing -----------*- C++ -*-===//
//
// Part of Linnet, under Apache-2.0 WITH LLVM-exception. See LICENSE.
//
//===----------------------------------------------------------------------===//
#ifndef LINNET_LIB_RUNTIME_DEADMEMORY_H
#define LINNET_LIB_RUNTIME_DEADMEMORY_H

#include "Session.h"

namespace linnet::runtime {

/// The memory of one call that holds nothing, kept filled with 0xff: a kernel that reads a buffer
/// before it was written or after its last use gets NaN (or -1), and one that writes there is
/// found when the next buffer begins.
class DeadMemory {
public:
  DeadMemory(const Program &program, const Frame &frame, Execution &device);

  /// Fills the arena and the results that are in memory of their own.
  Failure fillAll(char *arena) const;

  /// Before command `index`: the buffers that begin with it are as they were filled.
  Failure begin(uint32_t index) const;
  /// The commands from `from` to `to` are done or passed over: the buffers that end in them are
  /// dead, unless the next iteration of a loop reads them.
  Failure end(uint32_t from, uint32_t to) const;

  /// The iterations of the loop at command `index`.
  class Loop {
  public:
    Loop(DeadMemory &memory, uint32_t index) : memory(memory), outer(memory.loop) {
      memory.loop = index;
    }
    ~Loop() { memory.loop = outer; }

  private:
    DeadMemory &memory;
    int64_t outer;
  };

private:
  Failure fill(char *data, uint64_t bytes) const;
  Failure check(uint32_t index, uint32_t buffer) const;

  const Program &program;
  const Frame &frame;
  Execution &device;
  int64_t loop = -1; // the innermost one; a buffer that begins before it lives through it
  // Buffers of the arena by their first and their last command.
  std::vector<std::pair<uint32_t, uint32_t>> firsts, lasts;
};

} // namespace linnet::runtime

#endif // LINNET_LIB_RUNTIME_DEADMEMORY_H
