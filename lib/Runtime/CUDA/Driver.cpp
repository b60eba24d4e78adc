//===- Driver.cpp - CUDA's driver, found at run time ----------------------===//
//
// Part of Linnet, under Apache-2.0 WITH LLVM-exception. See LICENSE.
//
//===----------------------------------------------------------------------===//
#include "Driver.h"
#include "CUDA.h"
#include "CUDADevice.h"

#include <algorithm>
#include <cstdio>
#include <dlfcn.h>
#include <mutex>

namespace linnet::runtime::cuda {
namespace {

constexpr const char *kLibrary = "libcuda.so.1";
/// Of the driver: the functions of libraries came with it.
constexpr int kVersion = 12000;
/// Compute capability, for which code is generated.
constexpr int kChip = 80;

} // namespace

Failure Driver::get(std::shared_ptr<Driver> &result) {
  static std::mutex mutex;
  static std::weak_ptr<Driver> last;
  std::lock_guard<std::mutex> lock(mutex);
  result = last.lock();
  if (result)
    return nullptr;
  std::shared_ptr<Driver> driver(new Driver());
  if (Failure failed = driver->start())
    return failed;
  last = result = std::move(driver);
  return nullptr;
}

Failure Driver::start() {
  library = dlopen(kLibrary, RTLD_NOW | RTLD_LOCAL);
  if (!library)
    return fail(LNT_UNSUPPORTED, "CUDA's driver was not found: ", dlerror());
  // The version first: an old driver lacks functions, and its age is the better message.
  cuDriverGetVersion = reinterpret_cast<Result (*)(int *)>(dlsym(library, "cuDriverGetVersion"));
  if (!cuDriverGetVersion || cuDriverGetVersion(&version) != 0 || version == 0)
    return fail(LNT_UNSUPPORTED, kLibrary,
                " does not say for which CUDA it is: it is no driver, or its kernel module is not "
                "loaded");
  if (version < kVersion)
    return fail(LNT_UNSUPPORTED, kLibrary, " is for CUDA ", version / 1000, ".",
                version % 1000 / 10, ", expected 12.0 or later: update the driver");
#define LINNET_FIND(name, parameters)                                                              \
  name = reinterpret_cast<Result(*) parameters>(dlsym(library, #name));                            \
  if (!name)                                                                                       \
    return fail(LNT_UNSUPPORTED, kLibrary, " lacks " #name);
  LINNET_CUDA_DRIVER(LINNET_FIND)
#undef LINNET_FIND
  if (Result result = cuInit(0))
    return fail(LNT_UNSUPPORTED, error("CUDA does not start", "cuInit", result)->message);
  if (Result result = cuDeviceGetCount(&deviceCount))
    return error("CUDA", "cuDeviceGetCount", result);
  return nullptr;
}

Driver::~Driver() {
  if (library)
    dlclose(library);
}

Failure Driver::error(const std::string &device, const char *call, Result result) const {
  const char *name = nullptr;
  if (cuGetErrorName(result, &name) != 0 || !name)
    name = "an unknown error";
  return fail(result == kOutOfMemory ? LNT_OUT_OF_MEMORY : LNT_FAULT, device, ": ", call, " gave ",
              name, " (", result, ")");
}

lnt_device_info Driver::describe(DeviceNumber device) const {
  lnt_device_info info = {};
  info.device = LNT_CUDA;
  info.index = device + 1;
  info.version = uint32_t(version);
  cuDeviceGetName(info.name, sizeof info.name - 1, device);
  auto attribute = [&](Attribute which) {
    int value = 0;
    cuDeviceGetAttribute(&value, which, device);
    return value;
  };
  int chip = attribute(kMajor) * 10 + attribute(kMinor);
  std::snprintf(info.chip, sizeof info.chip, "sm_%d", chip);
  size_t total = 0;
  cuDeviceTotalMem_v2(&total, device);
  info.memory = info.memory_free = total;
  info.group = uint32_t(attribute(kMaxThreads));
  info.shared = uint32_t(std::max(attribute(kSharedMemory), attribute(kMostSharedMemory)));
  info.subgroup_min = info.subgroup_max = uint32_t(attribute(kWarpSize));
  info.usable = chip >= kChip;
  if (!info.usable)
    std::snprintf(info.lacks, sizeof info.lacks, "compute capability 8.0");
  return info;
}

Failure list(std::vector<lnt_device_info> &devices) {
  std::shared_ptr<Driver> driver;
  if (Failure failed = Driver::get(driver))
    return failed;
  for (int i = 0; i < driver->deviceCount; ++i) {
    DeviceNumber device;
    if (Result result = driver->cuDeviceGet(&device, i))
      return driver->error("CUDA", "cuDeviceGet", result);
    devices.push_back(driver->describe(device));
  }
  return nullptr;
}

Failure open(int32_t index, std::shared_ptr<Device> &result) {
  std::shared_ptr<Driver> driver;
  if (Failure failed = Driver::get(driver))
    return failed;
  if (driver->deviceCount == 0)
    return fail(LNT_UNSUPPORTED, "there is no CUDA device");
  if (index > driver->deviceCount)
    return fail(LNT_UNSUPPORTED, "expects a CUDA device up to ", driver->deviceCount, ", found ",
                index);
  DeviceNumber device;
  if (Result failed = driver->cuDeviceGet(&device, index > 0 ? index - 1 : 0))
    return driver->error("CUDA", "cuDeviceGet", failed);
  lnt_device_info info = driver->describe(device);
  if (!info.usable)
    return fail(LNT_UNSUPPORTED, "CUDA device '", info.name, "' is ", info.chip, ", it lacks ",
                info.lacks);
  return CUDADevice::create(std::move(driver), device, result);
}

} // namespace linnet::runtime::cuda
