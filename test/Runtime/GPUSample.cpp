//===- GPUSample.cpp - bundles for other devices, written by hand ---------===//
//
// Part of Linnet, under Apache-2.0 WITH LLVM-exception. See LICENSE.
//
//===----------------------------------------------------------------------===//
#include "GPUSample.h"
#include "linnet/Bundle/GPUKernelABI.h"

#include <filesystem>

namespace linnet::test {

std::vector<uint8_t> readFile(const std::string &path) {
  std::error_code failed;
  std::vector<uint8_t> bytes(std::filesystem::file_size(path, failed));
  FILE *file = failed ? nullptr : std::fopen(path.c_str(), "rb");
  if (!file)
    return {};
  bytes.resize(std::fread(bytes.data(), 1, bytes.size(), file));
  std::fclose(file);
  return bytes;
}

GPUTestKernel gpuAxpy(std::vector<uint8_t> code) {
  return {"axpy", std::move(code), {{4, 0}, {4, 0}, {4, 1}}, {1}, false};
}

GPUTestKernel gpuBounds(std::vector<uint8_t> code) {
  return {"bounds", std::move(code), {{4, 0}}, std::vector<uint8_t>(33, 1), true};
}

GPUTestKernel gpuWideAxpy() {
  std::string code = "axpy$wide";
  code.resize(64);
  return {"axpy$wide", {code.begin(), code.end()}, {{4, 0}, {4, 0}, {4, 1}}, {2}, false};
}

fb::TargetT &addTarget(TestBundle &bundle, fb::DeviceKind kind, fb::CodeFormat format,
                       const std::vector<GPUTestKernel> &kernels, TestBundle from) {
  auto target = std::make_unique<fb::TargetT>();
  target->kind = kind;
  target->abi = LNT_GPU_KERNEL_ABI_VERSION;
  target->functions = std::move(from.bundle.functions);
  for (const GPUTestKernel &kernel : kernels) {
    auto entry = std::make_unique<fb::KernelT>();
    entry->name = kernel.name;
    entry->buffers = uint32_t(kernel.buffers.size());
    entry->scalars = uint32_t(kernel.words.size());
    entry->gpu = std::make_unique<fb::GPULaunchT>();
    entry->gpu->group = uint32_t(kChunk);
    entry->gpu->buffers = kernel.buffers;
    entry->gpu->words = kernel.words;
    entry->gpu->faults = kernel.faults;
    auto image = std::make_unique<fb::DeviceImageT>();
    image->format = format;
    image->kernel = uint32_t(target->kernels.size());
    bundle.code.resize((bundle.code.size() + 63) / 64 * 64);
    image->offset = bundle.code.size();
    image->length = kernel.code.size();
    image->hash = bundle::hashBytes(kernel.code.data(), kernel.code.size());
    bundle.code.insert(bundle.code.end(), kernel.code.begin(), kernel.code.end());
    target->kernels.push_back(std::move(entry));
    target->images.push_back(std::move(image));
  }
  bundle.bundle.targets.push_back(std::move(target));
  return *bundle.bundle.targets.back();
}

void addFind(TestBundle &bundle) {
  FunctionBuilder f("find");
  Size n = f.symbol("N", 0, 4096);
  uint32_t x = f.argument("x", ElementType::I32, {n});
  uint32_t seen = f.argument("seen", ElementType::I32, {n}, "seen");
  f.result("new", ElementType::I32, {n}, int32_t(seen));
  f.site("test.other", "model.mlir:3:1", "never");
  uint32_t site = f.site("test.find", "model.mlir:7:5", "index out of range");
  uint32_t chunk = f.constant(kChunk), zero = f.constant(0), bound = f.constant(100);
  uint32_t four = f.constant(4), first = f.constant(site);
  uint32_t chunks = f.op(Code::CeilDiv, n.index, chunk), bytes = f.op(Code::Mul, n.index, four);
  f.entry();
  uint32_t vx = f.view(f.argumentBuffer(x)), vs = f.view(f.argumentBuffer(seen));
  f.emit(Code::Copy, vs, vx, bytes);
  std::vector<uint32_t> scalars(33, zero);
  scalars[0] = n.index, scalars[1] = bound, scalars[32] = first;
  f.dispatch(1, {vx}, scalars, chunks, zero, "test.find");
  bundle.add(f);
}

void addFirst(TestBundle &bundle) {
  FunctionBuilder f("first");
  Size n = f.symbol("N", 16);
  uint32_t x = f.argument("x", ElementType::F32, {n});
  uint32_t out = f.result("out", ElementType::F32, {16});
  uint32_t one = f.constant(1), zero = f.constant(0), count = f.constant(16);
  f.entry();
  uint32_t vx = f.view(f.argumentBuffer(x));
  f.dispatch(0, {vx, vx, f.view(f.resultBuffer(out))}, {count}, one, zero);
  bundle.add(f);
}

void addConstants(TestBundle &bundle) {
  const float first[] = {1, 2, 3}, second[] = {10, 20, 30};
  uint32_t a = bundle.addConstant("a", ElementType::F32, {3}, first, sizeof first);
  uint32_t b = bundle.addConstant("b", ElementType::F32, {3}, second, sizeof second);
  FunctionBuilder f("both");
  uint32_t x = f.argument("x", ElementType::F32, {3});
  uint32_t out = f.result("out", ElementType::F32, {3});
  uint32_t one = f.constant(1), zero = f.constant(0), three = f.constant(3), bytes = f.constant(12);
  f.entry();
  uint32_t at = f.here();
  uint32_t middle = f.view(f.arena(bytes, 0, 12, at, at + 1));
  f.dispatch(0, {f.view(f.argumentBuffer(x)), f.view(f.constantBuffer(a)), middle}, {three}, one,
             zero);
  f.dispatch(0, {middle, f.view(f.constantBuffer(b)), f.view(f.resultBuffer(out))}, {three}, one,
             zero);
  bundle.add(f);
}

} // namespace linnet::test
