//===- CUDADevice.h - memory and kernels of a device ------------*- C++ -*-===//
//
// Part of Linnet, under Apache-2.0 WITH LLVM-exception. See LICENSE.
//
//===----------------------------------------------------------------------===//
#ifndef LINNET_LIB_RUNTIME_CUDA_CUDADEVICE_H
#define LINNET_LIB_RUNTIME_CUDA_CUDADEVICE_H

#include "Driver.h"

#include <map>
#include <mutex>

namespace linnet::runtime::cuda {

class CUDADevice final : public Device, public std::enable_shared_from_this<CUDADevice> {
public:
  static Failure create(std::shared_ptr<Driver> driver, DeviceNumber number,
                        std::shared_ptr<Device> &result);
  ~CUDADevice() override;

  lnt_device kind() const override { return LNT_CUDA; }
  std::string label() const override { return name; }
  lnt_device_info info() const override;

  Failure allocate(uint64_t bytes, const std::string &what, char *&address) override;
  void release(char *address, uint64_t bytes) override;
  bool owns(const char *address, uint64_t bytes) const override;
  Failure upload(char *target, const void *source, uint64_t bytes) override;
  Failure download(void *target, const char *source, uint64_t bytes) override;
  Failure copy(char *target, const char *source, uint64_t bytes) override;
  Failure set(char *target, unsigned char value, uint64_t bytes) override;
  Failure load(const fb::Target &target, const uint8_t *code,
               std::unique_ptr<DeviceCode> &result) override;

  Failure error(const char *call, Result result) const {
    return result == 0 ? nullptr : driver->error(name, call, result);
  }
  static DevicePointer pointer(const char *address) {
    return DevicePointer(reinterpret_cast<uintptr_t>(address));
  }

  /// The context is the thread's as long as this lives.
  class Current {
  public:
    explicit Current(const CUDADevice &device) : device(device) {
      device.driver->cuCtxPushCurrent_v2(device.context);
    }
    ~Current() {
      Context popped;
      device.driver->cuCtxPopCurrent_v2(&popped);
    }
    Current(const Current &) = delete;
    Current &operator=(const Current &) = delete;

  private:
    const CUDADevice &device;
  };

  const std::shared_ptr<Driver> driver;

private:
  CUDADevice(std::shared_ptr<Driver> driver, DeviceNumber number);
  Failure start();
  Failure wait(const char *call, Result result);

  DeviceNumber number;
  std::string name;
  Context context = nullptr;
  Stream stream = nullptr; // of transfers
  mutable std::mutex mutex;
  std::map<DevicePointer, uint64_t> allocations;
};

/// The kernels of a module.
class CUDACode final : public DeviceCode {
public:
  struct Entry {
    const fb::Kernel *kernel = nullptr;
    const fb::DeviceImage *image = nullptr;
    Library library = nullptr; // of an image that is this kernel's alone
    Function function = nullptr;
    /// Workgroup memory that is not part of the code.
    uint32_t sharedOfLaunch() const {
      uint32_t bytes = kernel->gpu()->shared();
      return bytes > LNT_GPU_STATIC_SHARED ? bytes : 0;
    }
  };

  /// Refuses, with the numbers, what the device cannot run.
  static Failure load(std::shared_ptr<CUDADevice> device, const fb::Target &target,
                      const uint8_t *code, std::unique_ptr<DeviceCode> &result);
  ~CUDACode() override;
  std::unique_ptr<Execution> execution() override;
  /// What does a launch; loads it where it was not yet.
  Failure entry(const LaunchArguments &arguments, const Entry *&result);

  const std::shared_ptr<CUDADevice> device;

private:
  CUDACode(std::shared_ptr<CUDADevice> device, const fb::Target &target, const uint8_t *code);
  Failure check() const;
  Failure chooseImages();
  Failure make(Entry &entry);

  const fb::Target &target;
  const uint8_t *code;
  std::mutex mutex; // of what follows
  std::vector<Entry> entries;
};

} // namespace linnet::runtime::cuda

#endif // LINNET_LIB_RUNTIME_CUDA_CUDADEVICE_H
