//===- CPUDevice.h - calls on the CPU ---------------------------*- C++ -*-===//
//
// Part of Linnet, under Apache-2.0 WITH LLVM-exception. See LICENSE.
//
//===----------------------------------------------------------------------===//
#ifndef LINNET_LIB_RUNTIME_CPU_CPUDEVICE_H
#define LINNET_LIB_RUNTIME_CPU_CPUDEVICE_H

#include "../Device.h"
#include "../Memory.h"
#include "ThreadPool.h"

#include <chrono>
#include <optional>

namespace linnet::runtime {

class CPUDevice final : public Device {
public:
  lnt_device kind() const override { return LNT_CPU; }
  std::string label() const override { return "the CPU"; }
  lnt_device_info info() const override;

  Failure allocate(uint64_t bytes, const std::string &what, char *&address) override;
  void release(char *address, uint64_t bytes) override;
  bool owns(const char *, uint64_t) const override { return true; }

  Failure upload(char *target, const void *source, uint64_t bytes) override;
  Failure download(void *target, const char *source, uint64_t bytes) override;
  Failure copy(char *target, const char *source, uint64_t bytes) override;
  Failure set(char *target, unsigned char value, uint64_t bytes) override;
};

/// Every command is done when it returns.
class CPUExecution final : public Execution {
public:
  CPUExecution(std::shared_ptr<Device> device, ThreadPool &pool)
      : Execution(false), pool(pool), scratch(std::move(device)) {}

  Failure begin(const Program &program, const CallKey *key, const std::vector<Transfer> &uploads,
                lnt_trace_fn trace, void *traceUser) override;
  Failure launch(const LaunchArguments &arguments) override;
  Failure copy(char *target, const char *source, uint64_t bytes) override;
  Failure fill(char *target, int64_t value, unsigned width, uint64_t bytes) override;
  Failure read(void *target, const char *source, uint64_t bytes) override;
  Failure write(char *target, const void *source, uint64_t bytes) override;
  Failure finish(const std::vector<Transfer> &downloads) override;
  void abandon() override { floats.reset(); }

  Failure reserveScratch(int64_t bytes, uint64_t room) override;
  uint64_t scratchPerWorker() const override { return stride; }
  uint64_t scratchHeld() const override { return scratch.size(); }
  void poisonScratch() override;

private:
  ThreadPool &pool;
  Memory scratch;
  uint64_t stride = 0;
  std::vector<void *> blocks;
  lnt_env env = {LNT_KERNEL_ABI_VERSION, sizeof(lnt_env), nullptr, &error};
  uint64_t error = LNT_ERROR_NONE;
  // Of the call.
  std::optional<FloatEnvironment> floats;
  const Program *program = nullptr;
  lnt_trace_fn trace = nullptr;
  void *traceUser = nullptr;
  std::chrono::steady_clock::time_point started;
};

} // namespace linnet::runtime

#endif // LINNET_LIB_RUNTIME_CPU_CPUDEVICE_H
