//===- CUDADevice.cpp - memory of a device --------------------------------===//
//
// Part of Linnet, under Apache-2.0 WITH LLVM-exception. See LICENSE.
//
//===----------------------------------------------------------------------===//
#include "CUDADevice.h"

namespace linnet::runtime::cuda {

CUDADevice::CUDADevice(std::shared_ptr<Driver> of, DeviceNumber number)
    : driver(std::move(of)), number(number),
      name(std::string("CUDA device '") + driver->describe(number).name + "'") {}

Failure CUDADevice::create(std::shared_ptr<Driver> driver, DeviceNumber number,
                           std::shared_ptr<Device> &result) {
  std::shared_ptr<CUDADevice> device(new CUDADevice(std::move(driver), number));
  if (Failure failed = device->start())
    return failed;
  result = std::move(device);
  return nullptr;
}

Failure CUDADevice::start() {
  if (Result result = driver->cuDevicePrimaryCtxRetain(&context, number))
    return error("cuDevicePrimaryCtxRetain", result);
  Current current(*this);
  return error("cuStreamCreate", driver->cuStreamCreate(&stream, kStreamNonBlocking));
}

CUDADevice::~CUDADevice() {
  if (!context)
    return;
  {
    Current current(*this);
    for (auto &[address, bytes] : allocations)
      driver->cuMemFree_v2(address);
    if (stream)
      driver->cuStreamDestroy_v2(stream);
  }
  driver->cuDevicePrimaryCtxRelease_v2(number);
}

lnt_device_info CUDADevice::info() const {
  lnt_device_info info = driver->describe(number);
  Current current(*this);
  size_t available = 0, total = 0;
  if (driver->cuMemGetInfo_v2(&available, &total) == 0)
    info.memory_free = available;
  return info;
}

Failure CUDADevice::wait(const char *call, Result result) {
  if (result != 0)
    return error(call, result);
  return error("cuStreamSynchronize", driver->cuStreamSynchronize(stream));
}

Failure CUDADevice::allocate(uint64_t bytes, const std::string &what, char *&address) {
  Current current(*this);
  DevicePointer found = 0;
  Result result = driver->cuMemAlloc_v2(&found, bytes);
  if (result == kOutOfMemory) {
    size_t available = 0, total = 0;
    driver->cuMemGetInfo_v2(&available, &total);
    return fail(LNT_OUT_OF_MEMORY, "out of memory for ", what, " of ", bytes, " bytes on ", name,
                ": ", available, " of ", total, " are free");
  }
  if (result != 0)
    return error("cuMemAlloc_v2", result);
  if (Failure failed = wait("cuMemsetD8Async", driver->cuMemsetD8Async(found, 0, bytes, stream))) {
    driver->cuMemFree_v2(found);
    return failed;
  }
  address = reinterpret_cast<char *>(uintptr_t(found));
  std::lock_guard<std::mutex> lock(mutex);
  allocations.emplace(found, bytes);
  return nullptr;
}

void CUDADevice::release(char *address, uint64_t) {
  Current current(*this);
  {
    std::lock_guard<std::mutex> lock(mutex);
    allocations.erase(pointer(address));
  }
  driver->cuMemFree_v2(pointer(address));
}

bool CUDADevice::owns(const char *address, uint64_t bytes) const {
  std::lock_guard<std::mutex> lock(mutex);
  auto at = allocations.upper_bound(pointer(address));
  if (at == allocations.begin())
    return false;
  --at;
  uint64_t offset = pointer(address) - at->first;
  return offset <= at->second && bytes <= at->second - offset;
}

Failure CUDADevice::upload(char *target, const void *source, uint64_t bytes) {
  Current current(*this);
  return wait("cuMemcpyHtoDAsync_v2",
              driver->cuMemcpyHtoDAsync_v2(pointer(target), source, bytes, stream));
}

Failure CUDADevice::download(void *target, const char *source, uint64_t bytes) {
  Current current(*this);
  return wait("cuMemcpyDtoHAsync_v2",
              driver->cuMemcpyDtoHAsync_v2(target, pointer(source), bytes, stream));
}

Failure CUDADevice::copy(char *target, const char *source, uint64_t bytes) {
  if (source < target + bytes && target < source + bytes) {
    std::vector<char> host(bytes);
    if (Failure failed = download(host.data(), source, bytes))
      return failed;
    return upload(target, host.data(), bytes);
  }
  Current current(*this);
  return wait("cuMemcpyDtoDAsync_v2",
              driver->cuMemcpyDtoDAsync_v2(pointer(target), pointer(source), bytes, stream));
}

Failure CUDADevice::set(char *target, unsigned char value, uint64_t bytes) {
  Current current(*this);
  return wait("cuMemsetD8Async", driver->cuMemsetD8Async(pointer(target), value, bytes, stream));
}

Failure CUDADevice::load(const fb::Target &target, const uint8_t *code,
                         std::unique_ptr<DeviceCode> &result) {
  return CUDACode::load(shared_from_this(), target, code, result);
}

} // namespace linnet::runtime::cuda
