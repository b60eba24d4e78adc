//===- Driver.h - CUDA's driver, found at run time --------------*- C++ -*-===//
//
// Part of Linnet, under Apache-2.0 WITH LLVM-exception. See LICENSE.
//
// The few functions of libcuda.so.1 that are needed, declared here: nothing of CUDA's toolkit is
// there when the runtime is built. Names carry the version of the interface that is meant.
//===----------------------------------------------------------------------===//
#ifndef LINNET_LIB_RUNTIME_CUDA_DRIVER_H
#define LINNET_LIB_RUNTIME_CUDA_DRIVER_H

#include "../Device.h"

#include <cstddef>

namespace linnet::runtime::cuda {

using Result = int; // 0: success
using DeviceNumber = int;
using DevicePointer = unsigned long long;
using Context = struct ContextTag *;
using Stream = struct StreamTag *;
using Event = struct EventTag *;
using Graph = struct GraphTag *;
using GraphExec = struct GraphExecTag *;
using Library = struct LibraryTag *;
using Kernel = struct KernelTag *;
using Function = struct FunctionTag *;

constexpr Result kOutOfMemory = 2;

/// Of cuDeviceGetAttribute.
enum Attribute {
  kMaxThreads = 1,
  kMaxGridY = 6,
  kSharedMemory = 8,
  kWarpSize = 10,
  kMajor = 75,
  kMinor = 76,
  kMostSharedMemory = 97
};
/// Of cuFuncSetAttribute: what launches may give a kernel of workgroup memory.
constexpr int kMostDynamicShared = 8;
constexpr unsigned kStreamNonBlocking = 1;
constexpr int kCaptureThreadLocal = 1;

// name, parameters
#define LINNET_CUDA_DRIVER(X)                                                                      \
  X(cuInit, (unsigned))                                                                            \
  X(cuDriverGetVersion, (int *))                                                                   \
  X(cuGetErrorName, (Result, const char **))                                                       \
  X(cuDeviceGetCount, (int *))                                                                     \
  X(cuDeviceGet, (DeviceNumber *, int))                                                            \
  X(cuDeviceGetName, (char *, int, DeviceNumber))                                                  \
  X(cuDeviceTotalMem_v2, (size_t *, DeviceNumber))                                                 \
  X(cuDeviceGetAttribute, (int *, int, DeviceNumber))                                              \
  X(cuDevicePrimaryCtxRetain, (Context *, DeviceNumber))                                           \
  X(cuDevicePrimaryCtxRelease_v2, (DeviceNumber))                                                  \
  X(cuCtxPushCurrent_v2, (Context))                                                                \
  X(cuCtxPopCurrent_v2, (Context *))                                                               \
  X(cuMemGetInfo_v2, (size_t *, size_t *))                                                         \
  X(cuMemAlloc_v2, (DevicePointer *, size_t))                                                      \
  X(cuMemFree_v2, (DevicePointer))                                                                 \
  X(cuMemAllocHost_v2, (void **, size_t))                                                          \
  X(cuMemFreeHost, (void *))                                                                       \
  X(cuMemcpyHtoDAsync_v2, (DevicePointer, const void *, size_t, Stream))                           \
  X(cuMemcpyDtoHAsync_v2, (void *, DevicePointer, size_t, Stream))                                 \
  X(cuMemcpyDtoDAsync_v2, (DevicePointer, DevicePointer, size_t, Stream))                          \
  X(cuMemsetD8Async, (DevicePointer, unsigned char, size_t, Stream))                               \
  X(cuMemsetD16Async, (DevicePointer, unsigned short, size_t, Stream))                             \
  X(cuMemsetD32Async, (DevicePointer, unsigned, size_t, Stream))                                   \
  X(cuStreamCreate, (Stream *, unsigned))                                                          \
  X(cuStreamDestroy_v2, (Stream))                                                                  \
  X(cuStreamSynchronize, (Stream))                                                                 \
  X(cuStreamBeginCapture_v2, (Stream, int))                                                        \
  X(cuStreamEndCapture, (Stream, Graph *))                                                         \
  X(cuGraphInstantiateWithFlags, (GraphExec *, Graph, unsigned long long))                         \
  X(cuGraphLaunch, (GraphExec, Stream))                                                            \
  X(cuGraphDestroy, (Graph))                                                                       \
  X(cuGraphExecDestroy, (GraphExec))                                                               \
  X(cuEventCreate, (Event *, unsigned))                                                            \
  X(cuEventDestroy_v2, (Event))                                                                    \
  X(cuEventRecord, (Event, Stream))                                                                \
  X(cuEventElapsedTime, (float *, Event, Event))                                                   \
  X(cuLibraryLoadData,                                                                             \
    (Library *, const void *, int *, void **, unsigned, int *, void **, unsigned))                 \
  X(cuLibraryUnload, (Library))                                                                    \
  X(cuLibraryGetKernel, (Kernel *, Library, const char *))                                         \
  X(cuKernelGetFunction, (Function *, Kernel))                                                     \
  X(cuFuncSetAttribute, (Function, int, int))                                                      \
  X(cuLaunchKernel, (Function, unsigned, unsigned, unsigned, unsigned, unsigned, unsigned,         \
                     unsigned, Stream, void **, void **))

/// The library, initialised; one for all devices.
class Driver {
public:
  static Failure get(std::shared_ptr<Driver> &result);
  ~Driver();
  Driver(const Driver &) = delete;
  Driver &operator=(const Driver &) = delete;

  /// "cuMemAlloc_v2 gave CUDA_ERROR_OUT_OF_MEMORY".
  Failure error(const std::string &device, const char *call, Result result) const;
  lnt_device_info describe(DeviceNumber device) const;

#define LINNET_DECLARE(name, parameters) Result(*name) parameters = nullptr;
  LINNET_CUDA_DRIVER(LINNET_DECLARE)
#undef LINNET_DECLARE
  int version = 0, deviceCount = 0;

private:
  Driver() = default;
  Failure start();

  void *library = nullptr;
};

} // namespace linnet::runtime::cuda

#endif // LINNET_LIB_RUNTIME_CUDA_DRIVER_H
