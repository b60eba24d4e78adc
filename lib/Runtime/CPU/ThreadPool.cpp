//===- ThreadPool.cpp - the threads of a runtime --------------------------===//
//
// Part of Linnet, under Apache-2.0 WITH LLVM-exception. See LICENSE.
//
//===----------------------------------------------------------------------===//
#include "ThreadPool.h"

#include <algorithm>
#include <climits>
#include <linux/futex.h>
#include <sys/syscall.h>
#include <system_error>
#include <unistd.h>
#include <xmmintrin.h>

namespace linnet::runtime {
namespace {

/// Rounds of `pause` before a thread sleeps: tens of microseconds, longer than the gap between
/// two dispatches of one call.
constexpr int kSpins = 2000;

/// All exceptions masked, round to nearest, flush to zero, denormals are zero.
constexpr unsigned kKernelFloat = 0x1f80 | 0x8000 | 0x0040;

void futexWait(std::atomic<uint32_t> &word, uint32_t value) {
  syscall(SYS_futex, &word, FUTEX_WAIT_PRIVATE, value, nullptr, nullptr, 0);
}

void futexWake(std::atomic<uint32_t> &word, int count) {
  syscall(SYS_futex, &word, FUTEX_WAKE_PRIVATE, count, nullptr, nullptr, 0);
}

} // namespace

FloatEnvironment::FloatEnvironment() : saved(_mm_getcsr()) { _mm_setcsr(kKernelFloat); }
FloatEnvironment::~FloatEnvironment() { _mm_setcsr(saved); }

ThreadPool::ThreadPool(int32_t threads) {
  for (int32_t i = 1; i < threads; ++i) {
    try {
      workers.emplace_back([this, i] { work(i); });
    } catch (const std::system_error &) {
      break; // fewer threads than wished for: the results are the same
    }
  }
}

ThreadPool::~ThreadPool() {
  stop.store(true);
  bell.fetch_add(1);
  futexWake(bell, INT_MAX);
  for (std::thread &worker : workers)
    worker.join();
}

void ThreadPool::share(Task &current, int32_t worker) {
  const int64_t total = chunks, step = grain;
  for (;;) {
    int64_t begin = next.fetch_add(step, std::memory_order_relaxed);
    if (begin >= total)
      return;
    current.run(begin, std::min(total, begin + step), worker);
  }
}

void ThreadPool::run(Task &wanted, int64_t count) {
  if (count <= 0)
    return;
  if (count == 1 || workers.empty() || busy.exchange(true, std::memory_order_acquire))
    return wanted.run(0, count, 0);
  task = &wanted;
  chunks = count;
  grain = std::max<int64_t>(1, count / (int64_t(size()) * 8));
  next.store(0, std::memory_order_relaxed);
  uint64_t generation = (state.load(std::memory_order_relaxed) >> 32) + 1;
  state.store(generation << 32 | kOpen, std::memory_order_release);
  bell.fetch_add(1);
  if (sleepers.load() != 0)
    futexWake(bell, int(std::min<int64_t>(count - 1, INT_MAX)));
  share(wanted, 0);
  state.fetch_and(~kOpen, std::memory_order_acq_rel);
  awaitWorkers();
  busy.store(false, std::memory_order_release);
}

void ThreadPool::awaitWorkers() {
  for (int i = 0; i < kSpins; ++i) {
    if ((state.load(std::memory_order_acquire) & kCount) == 0)
      return;
    _mm_pause();
  }
  for (;;) {
    uint32_t seen = left.load();
    if ((state.load() & kCount) == 0)
      return;
    futexWait(left, seen);
  }
}

/// True when the bell rang; false to stop.
bool ThreadPool::awaitWork(uint32_t seen) {
  for (int i = 0; i < kSpins; ++i) {
    if (bell.load(std::memory_order_acquire) != seen)
      return !stop.load();
    _mm_pause();
  }
  sleepers.fetch_add(1);
  while (bell.load() == seen)
    futexWait(bell, seen);
  sleepers.fetch_sub(1);
  return !stop.load();
}

void ThreadPool::work(int32_t worker) {
  _mm_setcsr(kKernelFloat);
  uint32_t seen = 0;
  for (;;) {
    if (!awaitWork(seen))
      return;
    seen = bell.load(std::memory_order_acquire);
    uint64_t now = state.load(std::memory_order_acquire);
    while ((now & kOpen) && !state.compare_exchange_weak(now, now + 1, std::memory_order_acq_rel))
      ;
    if (!(now & kOpen))
      continue;
    share(*task, worker);
    uint64_t before = state.fetch_sub(1, std::memory_order_acq_rel);
    if ((before & kCount) == 1 && !(before & kOpen)) {
      left.fetch_add(1);
      futexWake(left, 1);
    }
  }
}

} // namespace linnet::runtime
