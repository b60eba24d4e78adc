//===- gpu-test.cpp - calls on a GPU, beside the same on the CPU ----------===//
//
// Part of Linnet, under Apache-2.0 WITH LLVM-exception. See LICENSE.
//
// gpu-test vulkan|cuda AXPY BOUNDS: files with the code of the two kernels.
//===----------------------------------------------------------------------===//
#include "../Testing.h"
#include "Api.h"
#include "GPUSample.h"
#include "Samples.h"

#include <cstring>
#include <numeric>

using namespace linnet;
using namespace linnet::test;

namespace {

lnt_device device;
std::vector<uint8_t> axpyCode, boundsCode;

fb::TargetT &addDeviceTarget(TestBundle &bundle, TestBundle from) {
  bool vulkan = device == LNT_VULKAN;
  return addTarget(bundle, vulkan ? fb::DeviceKind::Vulkan : fb::DeviceKind::CUDA,
                   vulkan ? fb::CodeFormat::SPIRV : fb::CodeFormat::PTX,
                   {gpuAxpy(axpyCode), gpuBounds(boundsCode)}, std::move(from));
}

/// The functions that `add` makes, for the CPU and for the device.
template <typename Add> TestBundle sample(Add &&add) {
  TestBundle bundle, functions;
  bundle.addImage({kAxpy, kBounds, kPartialSums});
  add(bundle);
  add(functions);
  addDeviceTarget(bundle, std::move(functions));
  return bundle;
}

lnt_counters counters(Api &api, lnt_session *session) {
  lnt_counters counters = {};
  counters.size = sizeof counters;
  api.ok(lnt_session_counters(session, &counters));
  return counters;
}

struct Both {
  Api cpu{1, 0, 0, LNT_CPU}, gpu{1, 0, 0, device};
};

std::vector<float> axpy(Api &api, lnt_session *session, std::vector<float> x, std::vector<float> y,
                        bool poison = false) {
  int64_t n = int64_t(x.size());
  std::vector<float> out(x.size(), -1);
  lnt_tensor arguments[] = {tensor(x, {n}), tensor(y, {n})}, result = tensor(out, {n});
  lnt_call_options options = {};
  options.size = sizeof options;
  options.poison_dead = poison;
  api.ok(lnt_call(session, 0, arguments, 2, &result, 1, &options));
  return out;
}

/// Sizes at the edges of workgroups; a second call of a size is done as recorded, with its own
/// bytes.
void sizes(Both &both) {
  TestBundle bundle = sample([](TestBundle &b) { addAxpy(b, 1 << 23); });
  Loaded cpu(both.cpu, bundle), gpu(both.gpu, bundle);
  uint64_t calls = 0;
  for (int64_t n : {1, 15, 16, 17, 1000, 1100000})
    for (int repeat = 0; repeat < 3; ++repeat) {
      std::vector<float> x(n), y(n);
      std::iota(x.begin(), x.end(), float(repeat) + 0.25f);
      std::iota(y.begin(), y.end(), -0.5f);
      bool poison = repeat == 2;
      CHECK(axpy(both.cpu, cpu.session, x, y) == axpy(both.gpu, gpu.session, x, y, poison));
      ++calls;
    }
  lnt_counters counts = counters(both.gpu, gpu.session);
  CHECK_EQ(counts.launches, calls);
  // CUDA captures the second call of a size, Vulkan records the first.
  CHECK_EQ(counts.replays, device == LNT_CUDA ? 0 : calls / 3);
  CHECK_EQ(counts.uploads, 2 * calls);
}

lnt_status *update(lnt_session *session, std::vector<int64_t> &x, std::vector<int64_t> &old) {
  lnt_tensor arguments[] = {tensor(x, {int64_t(x.size())}), {}};
  lnt_tensor results[] = {{}, tensor(old, {int64_t(old.size())})};
  return lnt_call(session, 0, arguments, 2, results, 2, nullptr);
}

/// A loop whose control flow needs elements, and a state that stays on the device.
void states(Both &both) {
  TestBundle bundle = sample(addCounter);
  Loaded gpu(both.gpu, bundle);
  Api &api = both.gpu;
  std::vector<int64_t> x = {1, -2, 3}, old(3, 9), found(3);
  lnt_buffer buffer = {LNT_CPU, found.data(), 0, 24};
  api.ok(update(gpu.session, x, old));
  CHECK(old == std::vector<int64_t>({0, 0, 0}));
  api.ok(update(gpu.session, x, old));
  CHECK(old == x);
  api.ok(lnt_session_get_state(gpu.session, "sum", &buffer));
  CHECK(found == std::vector<int64_t>({2, -4, 6}));
  lnt_state_info info;
  api.ok(lnt_session_state(gpu.session, 0, &info));
  CHECK_EQ(int(info.buffer.device), int(device));
  std::string path = temporaryPath("state.safetensors");
  api.ok(lnt_session_save_state(gpu.session, path.c_str()));
  api.ok(lnt_session_reset_state(gpu.session, nullptr));
  api.ok(lnt_session_get_state(gpu.session, "sum", &buffer));
  CHECK(found == std::vector<int64_t>({0, 0, 0}));
  api.ok(lnt_session_load_state(gpu.session, path.c_str()));
  // The second function gives what the first one left, and copies nothing else.
  lnt_counters before = counters(api, gpu.session);
  lnt_tensor state = {}, result = tensor(old, {3});
  for (int repeat = 0; repeat < 3; ++repeat)
    api.ok(lnt_call(gpu.session, 1, &state, 1, &result, 1, nullptr));
  CHECK(old == std::vector<int64_t>({2, -4, 6}));
  lnt_counters after = counters(api, gpu.session);
  CHECK_EQ(after.uploads - before.uploads, uint64_t(0));
  CHECK_EQ(after.downloads - before.downloads, uint64_t(3));
  CHECK_EQ(after.replays - before.replays, uint64_t(device == LNT_CUDA ? 1 : 2));
}

/// If, While, Fill, Copy, Load, Store, Select on the device.
void commands(Both &both) {
  TestBundle bundle = sample(addCommands);
  Loaded cpu(both.cpu, bundle), gpu(both.gpu, bundle);
  for (int64_t n : {2, 10, 64})
    for (bool flag : {false, true})
      for (int poison : {0, 1}) {
        std::vector<int32_t> x(n * 2), results[2];
        std::iota(x.begin(), x.end(), 7);
        bool value = flag;
        for (bool onGPU : {false, true}) {
          Api &api = onGPU ? both.gpu : both.cpu;
          std::vector<int32_t> &out = results[onGPU];
          out.resize(x.size());
          lnt_tensor arguments[] = {tensor(x, {n, 2}),
                                    {LNT_I1, 0, nullptr, {LNT_CPU, &value, 0, 1}}};
          lnt_tensor result = tensor(out, {n, 2});
          lnt_call_options options = {};
          options.size = sizeof options;
          options.poison_dead = poison;
          api.ok(
              lnt_call(onGPU ? gpu.session : cpu.session, 0, arguments, 2, &result, 1, &options));
        }
        CHECK(results[0] == results[1]);
      }
}

/// Commands that depend on each other through the arena, of which each waits for the one before.
void chain(Both &both) {
  TestBundle bundle = sample([](TestBundle &b) { addChain(b, 5, 100); });
  Loaded gpu(both.gpu, bundle);
  for (int64_t n : {0, 1, 33, 100})
    for (int poison : {0, 1}) {
      std::vector<float> x(n), out(n, -1), expected(n);
      std::iota(x.begin(), x.end(), 1.0f);
      for (int64_t i = 0; i < n; ++i)
        expected[size_t(i)] = 32 * x[size_t(i)];
      lnt_tensor argument = tensor(x, {n}), result = tensor(out, {n});
      lnt_call_options options = {};
      options.size = sizeof options;
      options.poison_dead = poison;
      both.gpu.ok(lnt_call(gpu.session, 0, &argument, 1, &result, 1, &options));
      CHECK(out == expected);
    }
}

/// Two bytes at a time, and constants.
void copiesAndConstants(Both &both) {
  TestBundle casts = sample(addCast);
  Loaded gpu(both.gpu, casts);
  std::vector<uint16_t> x = {1, 2, 0x7fc0}, out(3);
  const int64_t dims[] = {3};
  lnt_tensor argument = {LNT_BF16, 1, dims, {LNT_CPU, x.data(), 0, 6}};
  lnt_tensor result = {LNT_BF16, 1, dims, {LNT_CPU, out.data(), 0, 6}};
  both.gpu.ok(lnt_call(gpu.session, 0, &argument, 1, &result, 1, nullptr));
  CHECK(out == x);
  TestBundle only, functions;
  addConstants(functions);
  only.bundle.constants = std::move(functions.bundle.constants);
  only.constants = functions.constants;
  addDeviceTarget(only, std::move(functions));
  Loaded constants(both.gpu, only);
  std::vector<float> f = {1, 1, 1}, sum(3);
  lnt_tensor in = tensor(f, {3}), total = tensor(sum, {3});
  both.gpu.ok(lnt_call(constants.session, 0, &in, 1, &total, 1, nullptr));
  CHECK(sum == std::vector<float>({16, 28, 40})); // 2 (2 x + a) + b
  lnt_module *module = nullptr;
  std::string path = temporaryPath("only.lnb");
  CHECK(!only.write(path));
  both.cpu.fails(lnt_module_load_file(both.cpu.runtime, path.c_str(), nullptr, &module),
                 LNT_UNSUPPORTED, "the bundle has no code for cpu; it has code for");
}

/// The first bad element, of a kernel whose words are in a buffer; the state is poisoned.
void faults(Both &both) {
  TestBundle only, functions;
  addFind(functions);
  addDeviceTarget(only, std::move(functions));
  Loaded gpu(both.gpu, only);
  auto find = [&](std::vector<int32_t> x) {
    lnt_tensor arguments[] = {tensor(x, {int64_t(x.size())}), {}}, result = {};
    return lnt_call(gpu.session, 0, arguments, 2, &result, 1, nullptr);
  };
  std::vector<int32_t> x(1000, 99);
  for (int repeat = 0; repeat < 3; ++repeat)
    both.gpu.ok(find(x)); // as recorded
  x[901] = x[333] = x[700] = 100;
  for (int repeat = 0; repeat < 3; ++repeat) {
    both.gpu.fails(find(x), LNT_FAULT,
                   "function 'find': test.find at model.mlir:7:5: index out of range, first at "
                   "element 333");
    both.gpu.fails(find(x), LNT_POISONED, "state 'seen'");
    both.gpu.ok(lnt_session_reset_state(gpu.session, "seen"));
  }
  both.gpu.ok(find(std::vector<int32_t>(1000, 2)));
}

/// The caller's own memory on the device: a call copies nothing.
void deviceBuffers(Both &both) {
  TestBundle bundle = sample([](TestBundle &b) { addAxpy(b); });
  Loaded gpu(both.gpu, bundle);
  Api &api = both.gpu;
  lnt_queue *queue = nullptr;
  api.ok(lnt_queue_create(api.runtime, device, &queue));
  std::vector<float> x = {1, 2, 3, 4, 5}, out(5);
  lnt_buffer block = {}, part, host = {LNT_CPU, x.data(), 0, 20};
  api.ok(lnt_buffer_allocate(api.runtime, device, 64, &block));
  part = {block.device, block.handle, 4, 20}; // no multiple of what devices align bindings to
  lnt_buffer target = {block.device, block.handle, 32, 20};
  api.ok(lnt_queue_copy(queue, &host, &part, nullptr));
  const int64_t dims[] = {5};
  lnt_tensor arguments[] = {{LNT_F32, 1, dims, part}, {LNT_F32, 1, dims, part}};
  lnt_tensor result = {LNT_F32, 1, dims, target};
  api.ok(lnt_call(gpu.session, 0, arguments, 2, &result, 1, nullptr));
  lnt_buffer back = {LNT_CPU, out.data(), 0, 20};
  api.ok(lnt_queue_copy(queue, &target, &back, nullptr));
  CHECK(out == std::vector<float>({3, 6, 9, 12, 15}));
  lnt_counters counts = counters(api, gpu.session);
  CHECK_EQ(counts.uploads + counts.downloads, uint64_t(0));
  lnt_tensor outside = {LNT_F32, 1, dims, {block.device, block.handle, 1 << 20, 20}};
  api.fails(lnt_call(gpu.session, 0, arguments, 2, &outside, 1, nullptr), LNT_INVALID_ARGUMENT,
            "which has none there");
  lnt_buffer other = {};
  both.cpu.fails(lnt_buffer_allocate(both.cpu.runtime, device, 64, &other), LNT_UNSUPPORTED,
                 "the runtime was made for the CPU");
  lnt_buffer_free(api.runtime, &block);
  lnt_queue_destroy(queue);
}

/// On CUDA a launch gives what code cannot ask for.
void workgroupMemory(Both &both) {
  if (device != LNT_CUDA)
    return;
  for (uint32_t bytes : {49152, 49168, 101376}) {
    TestBundle bundle, functions;
    addAxpy(functions);
    addDeviceTarget(bundle, std::move(functions)).kernels[0]->gpu->shared = bytes;
    Loaded gpu(both.gpu, bundle);
    CHECK(axpy(both.gpu, gpu.session, {1, 2}, {3, 4}) == std::vector<float>({5, 8}));
  }
}

/// What does not fit is refused with both numbers.
void refusals(Both &both) {
  auto loading = [&](const char *text, lnt_code code, auto &&change) {
    TestBundle only, functions;
    addAxpy(functions);
    change(addDeviceTarget(only, std::move(functions)));
    std::string path = temporaryPath("refused.lnb");
    CHECK(!only.write(path));
    lnt_module *module = nullptr;
    both.gpu.fails(lnt_module_load_file(both.gpu.runtime, path.c_str(), nullptr, &module), code,
                   text);
  };
  loading("needs 65536 threads in a workgroup", LNT_UNSUPPORTED,
          [](fb::TargetT &t) { t.kernels[0]->gpu->group = 65536; });
  loading("needs 67108864 bytes of workgroup memory", LNT_UNSUPPORTED,
          [](fb::TargetT &t) { t.kernels[0]->gpu->shared = 1 << 26; });
  loading("needs subgroups of 1024 threads", LNT_UNSUPPORTED,
          [](fb::TargetT &t) { t.subgroup = 1024; });
  loading("the bundle needs", LNT_UNSUPPORTED, [](fb::TargetT &t) { t.version = 99000; });
  loading("damaged", LNT_BAD_FILE, [](fb::TargetT &t) { ++t.images[0]->hash; });
  if (device == LNT_CUDA)
    loading(
        "needs 101392 bytes of workgroup memory, CUDA device 'Fake' has at most 101376: compile "
        "it with --chip=sm_90",
        LNT_UNSUPPORTED, [](fb::TargetT &t) { t.kernels[0]->gpu->shared = 101392; });
  if (device == LNT_CUDA)
    loading("the bundle has code for sm_99", LNT_UNSUPPORTED,
            [](fb::TargetT &t) { t.images[0]->chip = "sm_99"; });
  loading("has no code for kernel 'bounds'", LNT_BAD_FILE,
          [](fb::TargetT &t) { t.images.pop_back(); });
  loading("takes 3 and 1", LNT_BAD_FILE,
          [](fb::TargetT &t) { t.kernels[0]->gpu->buffers.pop_back(); });
  loading("kernel 'axpy' has variant 7 of 2 kernels", LNT_BAD_FILE,
          [](fb::TargetT &t) { t.kernels[0]->gpu->variant = 7; });
  loading("kernel 'axpy' has variant 'bounds', which cannot take its place", LNT_BAD_FILE,
          [](fb::TargetT &t) { t.kernels[0]->gpu->variant = 1; });
  loading("kernel 'axpy' has variant 'axpy', which cannot take its place", LNT_BAD_FILE,
          [](fb::TargetT &t) { t.kernels[0]->gpu->variant = 0; });
  lnt_buffer huge = {};
  both.gpu.fails(lnt_buffer_allocate(both.gpu.runtime, device, uint64_t(1) << 46, &huge),
                 LNT_OUT_OF_MEMORY, "70368744177664");
  Api small(1, 1000, 0, device);
  TestBundle bundle = sample([](TestBundle &b) { addAxpy(b); });
  Loaded loaded(small, bundle);
  std::vector<float> x(500), out(500);
  lnt_tensor arguments[] = {tensor(x, {500}), tensor(x, {500})}, result = tensor(out, {500});
  small.fails(
      lnt_call(loaded.session, 0, arguments, 2, &result, 1, nullptr), LNT_OUT_OF_MEMORY,
      "out of memory for arguments and results of 7168 bytes: 1000 of the limit of 1000 are free");
  TestBundle cpuOnly;
  cpuOnly.addImage({kAxpy, kBounds, kPartialSums});
  addAxpy(cpuOnly);
  std::string path = temporaryPath("cpu.lnb");
  CHECK(!cpuOnly.write(path));
  lnt_module *module = nullptr;
  both.gpu.fails(lnt_module_load_file(both.gpu.runtime, path.c_str(), nullptr, &module),
                 LNT_UNSUPPORTED, "it has code for cpu");
}

/// A kernel that reaches all elements of buffers below 2^31 of them, and its variant beyond. On the
/// tests' own driver alone: no other has the memory.
void variants(Both &both) {
  auto make = [](bool guarded) {
    TestBundle bundle, functions;
    addFirst(functions);
    std::vector<GPUTestKernel> kernels = {gpuAxpy(axpyCode), gpuWideAxpy()};
    fb::TargetT &target =
        addTarget(bundle, fb::DeviceKind::CUDA, fb::CodeFormat::PTX, kernels, std::move(functions));
    target.kernels[1]->gpu->wide = true;
    if (guarded)
      target.kernels[0]->gpu->variant = 1;
    return bundle;
  };
  Api &api = both.gpu;
  TestBundle guarded = make(true), narrow = make(false);
  Loaded loaded(api, guarded), refusing(api, narrow);
  const int64_t large = int64_t(1) << 31;
  lnt_queue *queue = nullptr;
  lnt_buffer block = {};
  api.ok(lnt_queue_create(api.runtime, device, &queue));
  api.ok(lnt_buffer_allocate(api.runtime, device, uint64_t(4 * large), &block));
  std::vector<float> x(16, 1);
  lnt_buffer host = {LNT_CPU, x.data(), 0, 64}, begin = {block.device, block.handle, 0, 64};
  api.ok(lnt_queue_copy(queue, &host, &begin, nullptr));
  auto first = [&](lnt_session *session, int64_t elements, std::vector<float> &out) {
    lnt_tensor argument = {LNT_F32, 1, &elements, block}, result = tensor(out, {16});
    return lnt_call(session, 0, &argument, 1, &result, 1, nullptr);
  };
  // a binding may begin some bytes before its tensor: from there on the variant is taken
  for (int64_t n : {int64_t(16), large - 65, large - 64, large - 1, large}) {
    std::vector<float> out(16), expected(16, n < large - 64 ? 3.0f : 5.0f);
    api.ok(first(loaded.session, n, out));
    CHECK(out == expected);
  }
  std::vector<float> out(16);
  api.ok(first(refusing.session, large - 1, out));
  CHECK(out == std::vector<float>(16, 3));
  api.fails(first(refusing.session, large, out), LNT_UNSUPPORTED,
            "function 'first': kernel 'axpy' works on a buffer of 2147483648 elements, it computes "
            "positions below 2^31: compile it with --positions=guarded");
  lnt_buffer_free(api.runtime, &block);
  lnt_queue_destroy(queue);
}

/// Every launch has an event, in order.
void traces(Both &both) {
  TestBundle bundle = sample([](TestBundle &b) { addChain(b, 5, 100); });
  Loaded gpu(both.gpu, bundle);
  std::vector<float> x(100, 1), out(100);
  lnt_tensor argument = tensor(x, {100}), result = tensor(out, {100});
  std::vector<lnt_trace_event> events;
  lnt_call_options options = {};
  options.size = sizeof options;
  options.trace_user = &events;
  options.trace = [](void *user, const lnt_trace_event *event) {
    static_cast<std::vector<lnt_trace_event> *>(user)->push_back(*event);
  };
  both.gpu.ok(lnt_call(gpu.session, 0, &argument, 1, &result, 1, &options));
  CHECK_EQ(events.size(), size_t(5));
  for (size_t i = 0; i < events.size(); ++i) {
    CHECK_EQ(std::string(events[i].kernel), "axpy");
    CHECK_EQ(events[i].chunks, int64_t(7));
    CHECK(events[i].duration > 0);
    CHECK(i == 0 || events[i].start >= events[i - 1].start + events[i - 1].duration);
  }
}

} // namespace

int main(int argc, char **argv) {
  if (argc != 4)
    return 1;
  device = std::strcmp(argv[1], "vulkan") == 0 ? LNT_VULKAN : LNT_CUDA;
  axpyCode = readFile(argv[2]);
  boundsCode = readFile(argv[3]);
  Both both;
  sizes(both);
  states(both);
  commands(both);
  chain(both);
  copiesAndConstants(both);
  faults(both);
  deviceBuffers(both);
  workgroupMemory(both);
  refusals(both);
  traces(both);
  if (device == LNT_CUDA)
    variants(both);
  return summary();
}
