//===- ThreadPool.h - the threads of a runtime ------------------*- C++ -*-===//
//
// Part of Linnet, under Apache-2.0 WITH LLVM-exception. See LICENSE.
//
//===----------------------------------------------------------------------===//
#ifndef LINNET_LIB_RUNTIME_CPU_THREADPOOL_H
#define LINNET_LIB_RUNTIME_CPU_THREADPOOL_H

#include "linnet/Bundle/KernelABI.h"

#include <atomic>
#include <cstdint>
#include <thread>
#include <vector>

namespace linnet::runtime {

/// Sets what kernels expect of the floating-point unit (round to nearest, no traps, subnormals
/// as zero) and gives the caller's setting back.
class FloatEnvironment {
public:
  FloatEnvironment();
  ~FloatEnvironment();
  FloatEnvironment(const FloatEnvironment &) = delete;
  FloatEnvironment &operator=(const FloatEnvironment &) = delete;

private:
  unsigned saved;
};

/// A piece of work: chunks [0, chunks) in any split, each worker with its own index.
class Task {
public:
  virtual void run(int64_t begin, int64_t end, int32_t worker) = 0;

protected:
  ~Task() = default;
};

/// A kernel's launch as a task.
class KernelTask final : public Task {
public:
  KernelTask(lnt_kernel kernel, const lnt_env *env, void *const *buffers, const int64_t *scalars)
      : kernel(kernel), env(env), buffers(buffers), scalars(scalars) {}
  void run(int64_t begin, int64_t end, int32_t worker) override {
    kernel(env, buffers, scalars, begin, end, worker);
  }

private:
  lnt_kernel kernel;
  const lnt_env *env;
  void *const *buffers;
  const int64_t *scalars;
};

/// `threads` - 1 workers beside the caller, who is worker 0. Workers spin for some microseconds
/// after a task, then sleep. While a task runs, another caller (or a nested one) does its own
/// task alone.
class ThreadPool {
public:
  explicit ThreadPool(int32_t threads);
  ~ThreadPool();
  ThreadPool(const ThreadPool &) = delete;
  ThreadPool &operator=(const ThreadPool &) = delete;

  int32_t size() const { return int32_t(workers.size()) + 1; }

  /// Does all chunks and returns when they are done.
  void run(Task &task, int64_t chunks);

private:
  void work(int32_t worker);
  void share(Task &task, int32_t worker);
  bool awaitWork(uint32_t seen);
  void awaitWorkers();

  // The state word: generation in the upper half, kOpen, and how many workers are inside. A
  // worker joins only while the task is open, so the caller never waits for a sleeper.
  static constexpr uint64_t kOpen = uint64_t(1) << 31;
  static constexpr uint64_t kCount = kOpen - 1;

  std::atomic<bool> busy{false};
  alignas(64) std::atomic<uint64_t> state{0};
  alignas(64) std::atomic<int64_t> next{0};
  Task *task = nullptr;
  int64_t chunks = 0, grain = 1;
  alignas(64) std::atomic<uint32_t> bell{0}; // changes with every task; sleepers wait on it
  std::atomic<uint32_t> sleepers{0};
  std::atomic<uint32_t> left{0}; // changes when the last worker leaves a closed task
  std::atomic<bool> stop{false};
  std::vector<std::thread> workers;
};

} // namespace linnet::runtime

#endif // LINNET_LIB_RUNTIME_CPU_THREADPOOL_H
