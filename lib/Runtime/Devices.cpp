//===- Devices.cpp - which devices there are ------------------------------===//
//
// Part of Linnet, under Apache-2.0 WITH LLVM-exception. See LICENSE.
//
//===----------------------------------------------------------------------===//
#include "CPU/CPUDevice.h"
#include "CUDA/CUDA.h"
#include "Vulkan/Vulkan.h"

namespace linnet::runtime {

const char *deviceName(lnt_device kind) {
  switch (kind) {
  case LNT_CPU:
    return "cpu";
  case LNT_CUDA:
    return "cuda";
  case LNT_VULKAN:
    return "vulkan";
  }
  return "unknown";
}

Failure listDevices(lnt_device kind, std::vector<lnt_device_info> &devices) {
  switch (kind) {
  case LNT_CPU:
    devices.push_back(CPUDevice().info());
    return nullptr;
  case LNT_CUDA:
    return cuda::list(devices);
  case LNT_VULKAN:
    return vulkan::list(devices);
  }
  return fail(LNT_INVALID_ARGUMENT, "expects device 0 (CPU), 1 (CUDA) or 2 (Vulkan), found ",
              int(kind));
}

Failure openDevice(lnt_device kind, int32_t index, std::shared_ptr<Device> &result) {
  switch (kind) {
  case LNT_CPU:
    result = std::make_shared<CPUDevice>();
    return nullptr;
  case LNT_CUDA:
    return cuda::open(index, result);
  case LNT_VULKAN:
    return vulkan::open(index, result);
  }
  return fail(LNT_INVALID_ARGUMENT, "expects device 0 (CPU), 1 (CUDA) or 2 (Vulkan), found ",
              int(kind));
}

Failure Execution::replay(const Program &, const CallKey &, const std::vector<Transfer> &,
                          const std::vector<Transfer> &, bool &found) {
  found = false;
  return nullptr;
}

Failure Device::load(const fb::Target &, const uint8_t *, std::unique_ptr<DeviceCode> &) {
  return fail(LNT_UNSUPPORTED, label(), " runs no code of a GPU");
}

} // namespace linnet::runtime
