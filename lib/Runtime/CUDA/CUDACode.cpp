//===- CUDACode.cpp - kernels of a module ---------------------------------===//
//
// Part of Linnet, under Apache-2.0 WITH LLVM-exception. See LICENSE.
//
//===----------------------------------------------------------------------===//
#include "../GPUWords.h"
#include "CUDADevice.h"
#include "CUDAExecution.h"
#include "linnet/Bundle/Container.h"

#include <cstdlib>
#include <cstring>

namespace linnet::runtime::cuda {
namespace {

template <typename T> uint32_t sizeOf(const flatbuffers::Vector<T> *list) {
  return list ? list->size() : 0;
}

/// 90 of "sm_90".
int chipNumber(const char *chip) {
  return std::strncmp(chip, "sm_", 3) == 0 ? std::atoi(chip + 3) : 0;
}

} // namespace

CUDACode::CUDACode(std::shared_ptr<CUDADevice> of, const fb::Target &target, const uint8_t *code)
    : device(std::move(of)), target(target), code(code) {}

Failure CUDACode::load(std::shared_ptr<CUDADevice> device, const fb::Target &target,
                       const uint8_t *code, std::unique_ptr<DeviceCode> &result) {
  std::unique_ptr<CUDACode> loaded(new CUDACode(std::move(device), target, code));
  if (Failure failed = loaded->check())
    return failed;
  if (Failure failed = loaded->chooseImages())
    return failed;
  result = std::move(loaded);
  return nullptr;
}

CUDACode::~CUDACode() {
  CUDADevice::Current current(*device);
  for (Entry &entry : entries)
    if (entry.library)
      device->driver->cuLibraryUnload(entry.library);
}

std::unique_ptr<Execution> CUDACode::execution() { return std::make_unique<CUDAExecution>(*this); }

Failure CUDACode::check() const {
  lnt_device_info info = device->info();
  if (target.version() > info.version)
    return fail(LNT_UNSUPPORTED, "the bundle needs a driver for CUDA ", target.version() / 1000,
                ".", target.version() % 1000 / 10, ", ", device->label(), " has one for ",
                info.version / 1000, ".", info.version % 1000 / 10);
  if (target.subgroup() > info.subgroup_max)
    return fail(LNT_UNSUPPORTED, "the bundle needs subgroups of ", target.subgroup(), " threads, ",
                device->label(), " has ", info.subgroup_max);
  for (uint32_t i = 0; i < sizeOf(target.kernels()); ++i) {
    const fb::Kernel &kernel = *target.kernels()->Get(i);
    auto tooMuch = [&](const char *what, uint32_t needed, uint32_t most) {
      return fail(LNT_UNSUPPORTED, "kernel '", kernel.name()->str(), "' needs ", needed, " ", what,
                  ", ", device->label(), " has at most ", most,
                  ": compile it with --chip=", info.chip);
    };
    if (kernel.gpu()->group() > info.group)
      return tooMuch("threads in a workgroup", kernel.gpu()->group(), info.group);
    if (kernel.gpu()->shared() > info.shared)
      return tooMuch("bytes of workgroup memory", kernel.gpu()->shared(), info.shared);
  }
  return nullptr;
}

/// Machine code for this very chip, else what its driver can compile.
Failure CUDACode::chooseImages() {
  std::string own = device->info().chip, known;
  int chip = chipNumber(own.c_str());
  for (uint32_t i = 0; i < sizeOf(target.kernels()); ++i)
    entries.push_back({target.kernels()->Get(i), nullptr, nullptr, nullptr});
  for (uint32_t i = 0; i < sizeOf(target.images()); ++i) {
    const fb::DeviceImage &image = *target.images()->Get(i);
    if (bundle::hashBytes(code + image.offset(), image.length()) != image.hash())
      return fail(LNT_BAD_FILE, "damaged: the hash of CUDA image ", i, " differs");
    std::string name = image.chip() ? image.chip()->str() : "";
    bool ptx = image.format() == fb::CodeFormat::PTX;
    if (ptx ? chipNumber(name.c_str()) > chip : name != own) {
      if (known.find(name) == std::string::npos)
        known += (known.empty() ? "" : ", ") + name + (ptx ? " or later" : "");
      continue;
    }
    for (uint32_t k = 0; k < entries.size(); ++k)
      if ((image.kernel() == k || image.kernel() == kNone) && (!entries[k].image || !ptx))
        entries[k].image = &image;
  }
  for (const Entry &entry : entries)
    if (!entry.image)
      return known.empty() ? fail(LNT_BAD_FILE, "the bundle has no code for kernel '",
                                  entry.kernel->name()->str(), "'")
                           : fail(LNT_UNSUPPORTED, "the bundle has code for ", known, ", ",
                                  device->label(), " is ", own, ": compile it with --chip=", own);
  return nullptr;
}

Failure CUDACode::make(Entry &entry) {
  const Driver &driver = *device->driver;
  // PTX is text that ends with a zero; an image of all kernels is loaded once for each.
  std::vector<char> bytes(entry.image->length() + 1);
  std::memcpy(bytes.data(), code + entry.image->offset(), entry.image->length());
  if (!entry.library)
    if (Result result = driver.cuLibraryLoadData(&entry.library, bytes.data(), nullptr, nullptr, 0,
                                                 nullptr, nullptr, 0))
      return device->error("cuLibraryLoadData", result);
  Kernel kernel;
  if (Result result =
          driver.cuLibraryGetKernel(&kernel, entry.library, entry.kernel->name()->c_str()))
    return device->error("cuLibraryGetKernel", result);
  Function function;
  if (Result result = driver.cuKernelGetFunction(&function, kernel))
    return device->error("cuKernelGetFunction", result);
  if (uint32_t bytes = entry.sharedOfLaunch())
    if (Result result = driver.cuFuncSetAttribute(function, kMostDynamicShared, int(bytes)))
      return device->error("cuFuncSetAttribute", result);
  entry.function = function;
  return nullptr;
}

Failure CUDACode::entry(const LaunchArguments &arguments, const Entry *&result) {
  std::lock_guard<std::mutex> lock(mutex);
  Entry &found = entries[chooseKernel(*target.kernels(), arguments)];
  if (!found.function)
    if (Failure failed = make(found))
      return failed;
  result = &found;
  return nullptr;
}

} // namespace linnet::runtime::cuda
