//===- session-test.cpp - states, faults, plans and threads of sessions ---===//
//
// Part of Linnet, under Apache-2.0 WITH LLVM-exception. See LICENSE.
//
//===----------------------------------------------------------------------===//
#include "../Testing.h"
#include "Api.h"
#include "Samples.h"

#include <atomic>
#include <cstdlib>
#include <cstring>
#include <malloc.h>
#include <new>
#include <numeric>
#include <random>
#include <thread>

using namespace linnet;
using namespace linnet::test;

//===----------------------------------------------------------------------===//
// Counts allocations of this program, the runtime's included.
//===----------------------------------------------------------------------===//

static std::atomic<long> allocations{0};

void *operator new(size_t size) {
  ++allocations;
  if (void *memory = std::malloc(size ? size : 1))
    return memory;
  throw std::bad_alloc();
}
void *operator new(size_t size, const std::nothrow_t &) noexcept {
  ++allocations;
  return std::malloc(size ? size : 1);
}
void operator delete(void *memory) noexcept { std::free(memory); }
void operator delete(void *memory, size_t) noexcept { std::free(memory); }

namespace {

lnt_status *update(lnt_session *session, std::vector<int64_t> &x, std::vector<int64_t> &old) {
  lnt_tensor arguments[] = {tensor(x, {int64_t(x.size())}), {}};
  lnt_tensor results[] = {{}, tensor(old, {int64_t(old.size())})};
  return lnt_call(session, 0, arguments, 2, results, 2, nullptr);
}

std::vector<int64_t> getState(Api &api, lnt_session *session, size_t count) {
  std::vector<int64_t> values(count);
  lnt_buffer buffer = {LNT_CPU, values.data(), 0, count * 8};
  api.ok(lnt_session_get_state(session, "sum", &buffer));
  return values;
}

void states(Api &api) {
  TestBundle bundle;
  addCounter(bundle);
  Loaded loaded(api, bundle);
  lnt_session *session = loaded.session;
  CHECK_EQ(lnt_session_state_count(session), size_t(1));
  lnt_state_info info;
  api.ok(lnt_session_state(session, 0, &info));
  CHECK_EQ(std::string(info.name), "sum");
  CHECK_EQ(info.created, 0);
  CHECK_EQ(info.dims[0], -1);
  std::vector<int64_t> x = {1, 2, 3}, old(3, 9), longer(4);
  lnt_buffer buffer = {LNT_CPU, x.data(), 0, 24};
  api.fails(lnt_session_get_state(session, "sum", &buffer), LNT_INVALID_ARGUMENT,
            "has no size before a call");
  api.ok(update(session, x, old));
  CHECK(old == std::vector<int64_t>({0, 0, 0}));
  api.ok(update(session, x, old));
  CHECK(old == x);
  CHECK(getState(api, session, 3) == std::vector<int64_t>({2, 4, 6}));
  // The other function sees it; another size does not fit any more.
  lnt_tensor state = {}, result = tensor(old, {3});
  api.ok(lnt_call(session, 1, &state, 1, &result, 1, nullptr));
  CHECK(old == std::vector<int64_t>({2, 4, 6}));
  api.fails(update(session, longer, longer), LNT_INVALID_ARGUMENT,
            "has size 3 in dimension 0, but symbol 'N' is already 4");
  api.fails(lnt_session_get_state(session, "sun", &buffer), LNT_INVALID_ARGUMENT,
            "no state is called 'sun'; there are 'sum'");
  // Files, and what does not fit.
  std::string path = temporaryPath("state.safetensors");
  api.ok(lnt_session_save_state(session, path.c_str()));
  api.ok(lnt_session_reset_state(session, nullptr));
  CHECK(getState(api, session, 3) == std::vector<int64_t>({0, 0, 0}));
  api.ok(lnt_session_load_state(session, path.c_str()));
  CHECK(getState(api, session, 3) == std::vector<int64_t>({2, 4, 6}));
  std::vector<float> floats(3);
  lnt_tensor wrong = tensor(floats, {3}), good = tensor(longer, {4});
  api.fails(lnt_session_set_state(session, "sum", &wrong), LNT_INVALID_ARGUMENT,
            "state 'sum' expects Nxi64, found 3xf32");
  api.ok(lnt_session_set_state(session, "sum", &good));
  CHECK(getState(api, session, 4) == longer);
  // Sizes at creation.
  lnt_binding symbol = {"N", 5}, bogus = {"Q", 5};
  lnt_session *sized = nullptr;
  api.fails(lnt_session_create(loaded.module, &bogus, 1, &sized), LNT_INVALID_ARGUMENT,
            "no function has symbol 'Q'");
  api.ok(lnt_session_create(loaded.module, &symbol, 1, &sized));
  CHECK(getState(api, sized, 5) == std::vector<int64_t>(5, 0));
  lnt_session_destroy(sized);
}

lnt_status *gather(lnt_session *session, std::vector<int32_t> &index, size_t function = 0) {
  lnt_tensor arguments[] = {tensor(index, {int64_t(index.size())}), {}};
  lnt_tensor result = {};
  return lnt_call(session, function, arguments, 2, &result, 1, nullptr);
}

/// The first bad element is named at any thread count; the state is poisoned until it is reset.
void faults(Api &api) {
  TestBundle bundle;
  bundle.addImage({kAxpy, kBounds, kPartialSums});
  addGather(bundle);
  Loaded loaded(api, bundle);
  std::vector<int32_t> index(1000, 1);
  api.ok(gather(loaded.session, index));
  index[901] = index[333] = index[700] = 100;
  for (int repeat = 0; repeat < 20; ++repeat) {
    api.fails(gather(loaded.session, index), LNT_FAULT,
              "function 'gather': test.gather at model.mlir:7:5: index out of range, first at "
              "element 333");
    api.fails(gather(loaded.session, index), LNT_POISONED,
              "state 'seen' was left half-written by a fault");
    api.fails(lnt_session_save_state(loaded.session, temporaryPath("x").c_str()), LNT_POISONED,
              "state 'seen'");
    api.ok(lnt_session_reset_state(loaded.session, "seen"));
  }
  index.assign(1000, 2);
  api.ok(gather(loaded.session, index));
}

std::vector<float> chain(Api &api, lnt_session *session, int64_t n, size_t function) {
  std::vector<float> x(n), out(n, -1);
  std::iota(x.begin(), x.end(), 1.0f);
  lnt_tensor argument = tensor(x, {n}), result = tensor(out, {n});
  api.ok(lnt_call(session, function, &argument, 1, &result, 1, nullptr));
  return out;
}

/// Offsets of the bundle where sizes are within their maxima, a plan per call otherwise; the
/// arena only grows.
void plans(Api &api) {
  for (int64_t max : {int64_t(1000), int64_t(-1)}) {
    TestBundle bundle;
    bundle.addImage({kAxpy, kBounds, kPartialSums});
    addChain(bundle, 7, max);
    Loaded loaded(api, bundle);
    uint64_t arena = 0;
    for (int64_t n : {1000, 3, 0, 999, 17, 1000}) {
      std::vector<float> out = chain(api, loaded.session, n, 0);
      for (int64_t i = 0; i < n; ++i)
        CHECK_EQ(out[size_t(i)], 128.0f * float(i + 1));
      uint64_t now = lnt_session_memory(loaded.session).arena;
      CHECK(now >= arena);
      arena = now;
    }
    CHECK_EQ(arena, uint64_t(3 * 4032 - 32)); // three buffers of 4000 bytes at multiples of 64
    const lnt_function_info &info = *lnt_module_function(loaded.module, 0);
    CHECK_EQ(info.memory.arena, max < 0 ? LNT_UNBOUNDED : uint64_t(2 * 4032 + 4000));
    lnt_binding symbol = {"N", 100};
    lnt_memory_plan plan;
    api.ok(lnt_module_memory(loaded.module, 0, &symbol, 1, &plan));
    CHECK_EQ(plan.arguments, uint64_t(800));
    CHECK(plan.arena >= 1200 && plan.arena <= 12064);
  }
}

/// Sizes that cannot be met are errors, not crashes.
void limits() {
  Api api(1, 1 << 20);
  TestBundle bundle;
  bundle.addImage({kAxpy, kBounds, kPartialSums});
  addChain(bundle, 3, -1);
  Loaded loaded(api, bundle);
  std::vector<float> x(1 << 20), out(1 << 20);
  lnt_tensor argument = tensor(x, {1 << 20}), result = tensor(out, {1 << 20});
  api.fails(lnt_call(loaded.session, 0, &argument, 1, &result, 1, nullptr), LNT_OUT_OF_MEMORY,
            "out of memory for an arena of");
  chain(api, loaded.session, 100, 0);
  lnt_binding huge = {"N", INT64_MAX / 4};
  lnt_memory_plan plan;
  api.fails(lnt_module_memory(loaded.module, 0, &huge, 1, &plan), LNT_INVALID_ARGUMENT,
            "overflows");
}

/// A call with sizes seen before allocates nothing.
void allocationFree(Api &api) {
  TestBundle bundle;
  makeSample("all", bundle);
  Loaded loaded(api, bundle);
  const int64_t n = 90;
  std::vector<float> x(n, 1), out(n);
  std::vector<int32_t> index(n, 1);
  std::vector<int64_t> y(8, 1), old(8);
  lnt_tensor chainArgument = tensor(x, {n}), chainResult = tensor(out, {n});
  lnt_tensor gatherArguments[] = {tensor(index, {n}), {}}, gatherResult = {};
  lnt_tensor countArguments[] = {tensor(y, {8}), {}}, countResults[] = {{}, tensor(old, {8})};
  lnt_status *status = nullptr;
  for (int repeat = 0; repeat < 20; ++repeat) {
    long before = allocations;
    struct mallinfo2 heap = mallinfo2();
    if (!status)
      status = lnt_call(loaded.session, 5, &chainArgument, 1, &chainResult, 1, nullptr);
    if (!status)
      status = lnt_call(loaded.session, 1, gatherArguments, 2, &gatherResult, 1, nullptr);
    if (!status)
      status = lnt_call(loaded.session, 2, countArguments, 2, countResults, 2, nullptr);
    if (repeat > 0) {
      CHECK_EQ(allocations - before, 0);
      CHECK_EQ(mallinfo2().uordblks, heap.uordblks);
    }
  }
  api.ok(status);
}

/// With bounded symbols every size is planned: no later call allocates, also at sizes never seen.
void allocationFreeAtNewSizes(Api &api) {
  TestBundle bundle;
  makeSample("all", bundle);
  Loaded loaded(api, bundle);
  std::vector<std::vector<float>> x, out;
  std::vector<lnt_tensor> arguments, results;
  for (int64_t n : {7, 90, 0, 100, 1, 64}) {
    x.emplace_back(n, 1);
    out.emplace_back(n);
    arguments.push_back(tensor(x.back(), {n}));
    results.push_back(tensor(out.back(), {n}));
  }
  lnt_status *status = lnt_call(loaded.session, 5, &arguments[0], 1, &results[0], 1, nullptr);
  long before = allocations;
  uint64_t arena = lnt_session_memory(loaded.session).arena;
  for (size_t i = 1; i < arguments.size() && !status; ++i)
    status = lnt_call(loaded.session, 5, &arguments[i], 1, &results[i], 1, nullptr);
  CHECK_EQ(allocations - before, 0);
  CHECK_EQ(lnt_session_memory(loaded.session).arena, arena);
  api.ok(status);
}

/// The same bits with any number of threads, and on every run.
void determinism() {
  const int64_t n = 100003;
  std::vector<float> x(n), first;
  std::mt19937 random(3);
  for (float &value : x)
    value = float(random()) * 1e-3f - 1e6f;
  for (int threads : {1, 2, 3}) {
    Api api(threads);
    TestBundle bundle;
    bundle.addImage({kAxpy, kBounds, kPartialSums});
    FunctionBuilder f("sums");
    Size size = f.symbol("N", 1);
    uint32_t in = f.argument("x", ElementType::F32, {size});
    uint32_t chunk = f.constant(kChunk), bytes = f.constant(4 * kChunk);
    uint32_t chunks = f.op(Code::CeilDiv, size.index, chunk);
    uint32_t out = f.result("sums", ElementType::F32, {Size::reg(chunks)});
    f.entry();
    f.dispatch(2, {f.view(f.argumentBuffer(in)), f.view(f.resultBuffer(out))}, {size.index}, chunks,
               bytes);
    bundle.add(f);
    Loaded loaded(api, bundle);
    lnt_tensor argument = tensor(x, {n});
    int64_t dims[LNT_MAX_RANK] = {};
    api.ok(lnt_infer_shapes(loaded.module, 0, &argument, 1, dims, 1));
    CHECK_EQ(dims[0], (n + kChunk - 1) / kChunk);
    for (int repeat = 0; repeat < 10; ++repeat) {
      std::vector<float> sums(size_t(dims[0]), -1);
      lnt_tensor result = tensor(sums, {dims[0]});
      api.ok(lnt_call(loaded.session, 0, &argument, 1, &result, 1, nullptr));
      if (first.empty())
        first = sums;
      CHECK(std::memcmp(sums.data(), first.data(), sums.size() * 4) == 0);
    }
  }
  CHECK(first[0] != 0 && first.back() != -1);
}

/// Sessions of one module on several threads; several threads on one session.
void concurrency(Api &api) {
  TestBundle bundle;
  makeSample("all", bundle);
  Loaded loaded(api, bundle);
  std::atomic<int> wrong{0};
  auto own = [&](int seed) {
    lnt_session *session = nullptr;
    if (lnt_session_create(loaded.module, nullptr, 0, &session)) {
      ++wrong;
      return;
    }
    for (int repeat = 0; repeat < 200; ++repeat) {
      int64_t n = 1 + (seed * 31 + repeat * 7) % 100;
      std::vector<float> x(size_t(n), float(seed + 1)), out(size_t(n), -1);
      lnt_tensor argument = {LNT_F32, 1, &n, {LNT_CPU, x.data(), 0, uint64_t(n) * 4}};
      lnt_tensor result = {LNT_F32, 1, &n, {LNT_CPU, out.data(), 0, uint64_t(n) * 4}};
      lnt_status *status = lnt_call(session, 5, &argument, 1, &result, 1, nullptr);
      wrong += status != nullptr;
      lnt_status_free(status);
      for (float value : out)
        wrong += value != 32.0f * float(seed + 1);
    }
    lnt_session_destroy(session);
  };
  auto shared = [&](int) {
    int64_t n = 8;
    std::vector<int64_t> one(8, 1), old(8);
    for (int repeat = 0; repeat < 100; ++repeat) {
      lnt_tensor arguments[] = {{LNT_I64, 1, &n, {LNT_CPU, one.data(), 0, 64}}, {}};
      lnt_tensor results[] = {{}, {LNT_I64, 1, &n, {LNT_CPU, old.data(), 0, 64}}};
      lnt_status *status = lnt_call(loaded.session, 2, arguments, 2, results, 2, nullptr);
      wrong += status != nullptr;
      lnt_status_free(status);
    }
  };
  std::vector<std::thread> threads;
  for (int i = 0; i < 4; ++i)
    threads.emplace_back(own, i), threads.emplace_back(shared, i);
  for (std::thread &thread : threads)
    thread.join();
  CHECK_EQ(wrong.load(), 0);
  std::vector<int64_t> sums(8);
  lnt_buffer buffer = {LNT_CPU, sums.data(), 0, 64};
  api.ok(lnt_session_get_state(loaded.session, "sum", &buffer));
  CHECK(sums == std::vector<int64_t>(8, 400));
}

/// Queue, fences, buffers and tracing.
void queues(Api &api) {
  TestBundle bundle;
  makeSample("all", bundle);
  Loaded loaded(api, bundle);
  lnt_queue *queue = nullptr;
  lnt_fence *fence = nullptr;
  api.fails(lnt_queue_create(api.runtime, LNT_CUDA, &queue), LNT_UNSUPPORTED, "device 1");
  api.ok(lnt_queue_create(api.runtime, LNT_CPU, &queue));
  lnt_buffer buffer;
  api.ok(lnt_buffer_allocate(api.runtime, LNT_CPU, 400, &buffer));
  CHECK_EQ(reinterpret_cast<uintptr_t>(buffer.handle) % 64, uintptr_t(0));
  std::vector<float> x(100, 3);
  lnt_tensor source = tensor(x, {100});
  api.ok(lnt_queue_copy(queue, &source.buffer, &buffer, nullptr));
  std::vector<std::string> seen;
  lnt_call_options options = {sizeof options,
                              [](void *user, const lnt_trace_event *event) {
                                static_cast<std::vector<std::string> *>(user)->push_back(event->op);
                              },
                              &seen,
                              queue,
                              &fence,
                              0};
  lnt_tensor argument = source, result = source;
  argument.buffer = buffer;
  api.ok(lnt_call(loaded.session, 5, &argument, 1, &result, 1, &options));
  CHECK_EQ(lnt_fence_done(fence), 1);
  api.ok(lnt_fence_wait(fence));
  api.ok(lnt_queue_wait(queue));
  CHECK_EQ(x[99], 96.0f);
  CHECK_EQ(seen.size(), size_t(5));
  lnt_fence_destroy(fence);
  // A fault is the fence's.
  std::vector<int32_t> index = {100};
  lnt_tensor arguments[] = {tensor(index, {1}), {}}, none = {};
  api.ok(lnt_call(loaded.session, 1, arguments, 2, &none, 1, &options));
  api.fails(lnt_fence_wait(fence), LNT_FAULT, "index out of range");
  lnt_fence_destroy(fence);
  lnt_buffer_free(api.runtime, &buffer);
  lnt_queue_destroy(queue);
}

} // namespace

int main() {
  for (int threads : {1, 2, 3}) {
    Api api(threads);
    states(api);
    faults(api);
    plans(api);
    allocationFree(api);
    allocationFreeAtNewSizes(api);
    concurrency(api);
    queues(api);
  }
  limits();
  determinism();
  return summary();
}
