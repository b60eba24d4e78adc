//===- CUDAExecution.h - calls of a session ---------------------*- C++ -*-===//
//
// Part of Linnet, under Apache-2.0 WITH LLVM-exception. See LICENSE.
//
// Commands go to a stream, which does them in order. A call that reads nothing back is captured
// as a graph when it comes a second time with the same sizes and addresses, and launched as that
// from then on.
//===----------------------------------------------------------------------===//
#ifndef LINNET_LIB_RUNTIME_CUDA_CUDAEXECUTION_H
#define LINNET_LIB_RUNTIME_CUDA_CUDAEXECUTION_H

#include "../GPUCall.h"
#include "../Memory.h"
#include "CUDADevice.h"

namespace linnet::runtime::cuda {

/// Pinned memory, given out piece by piece.
class PinnedArena {
public:
  explicit PinnedArena(CUDADevice &device) : device(device) {}
  ~PinnedArena();
  PinnedArena(const PinnedArena &) = delete;
  PinnedArena &operator=(const PinnedArena &) = delete;

  Failure take(uint64_t bytes, char *&place);
  void reset();

private:
  struct Block {
    char *data;
    uint64_t bytes;
  };
  CUDADevice &device;
  std::vector<Block> blocks;
  size_t current = 0;
  uint64_t used = 0;
};

/// A call with the pinned memory that its copies use.
struct Captured : GPUCall {
  explicit Captured(CUDADevice &device) : pinned(device), device(device) {}
  ~Captured();
  /// Everything but the pinned memory is gone.
  void reset();
  PinnedArena pinned;
  CUDADevice &device;
  GraphExec graph = nullptr;
};

class CUDAExecution final : public Execution {
public:
  explicit CUDAExecution(CUDACode &code);
  ~CUDAExecution() override;

  Failure replay(const Program &program, const CallKey &key, const std::vector<Transfer> &uploads,
                 const std::vector<Transfer> &downloads, bool &found) override;
  Failure begin(const Program &program, const CallKey *key, const std::vector<Transfer> &uploads,
                lnt_trace_fn trace, void *traceUser) override;
  Failure launch(const LaunchArguments &arguments) override;
  Failure copy(char *target, const char *source, uint64_t bytes) override;
  Failure fill(char *target, int64_t value, unsigned width, uint64_t bytes) override;
  Failure read(void *target, const char *source, uint64_t bytes) override;
  Failure write(char *target, const void *source, uint64_t bytes) override;
  Failure finish(const std::vector<Transfer> &downloads) override;
  void abandon() override;
  Failure reserveScratch(int64_t bytes, uint64_t room) override;

private:
  Failure start();
  Failure beginUploads(const std::vector<Transfer> &uploads);
  Failure endCapture();
  Failure wait();
  Failure copyBack(char *&place, const char *source, uint64_t bytes);
  Failure gather(const CUDACode::Entry &entry, const LaunchArguments &arguments);
  Failure collect();
  void destroyEvents();

  CUDACode &code;
  CUDADevice &device;
  const Driver &driver;
  Stream stream = nullptr;
  std::map<CallKey, std::unique_ptr<Captured>> kept; // without a graph: done once
  std::unique_ptr<Captured> call;                    // the present one; else for the next one
  Memory faults;
  // Of the call.
  const Program *program = nullptr;
  const CallKey *key = nullptr;
  bool dynamic = false, capturing = false;
  std::vector<DevicePointer> pointers;
  std::vector<uint32_t> words;
  std::vector<void *> parameters;
  // Of a trace: an event before and behind every launch, and one at the start.
  lnt_trace_fn trace = nullptr;
  void *traceUser = nullptr;
  std::vector<Event> times;
  std::vector<lnt_trace_event> events;
};

} // namespace linnet::runtime::cuda

#endif // LINNET_LIB_RUNTIME_CUDA_CUDAEXECUTION_H
