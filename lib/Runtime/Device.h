//===- Device.h - where calls run -------------------------------*- C++ -*-===//
//
// Part of Linnet, under Apache-2.0 WITH LLVM-exception. See LICENSE.
//
// The interpreter decides what is done in which order; a device does it. Memory of a device is
// known by addresses that only the device follows: on the CPU and on CUDA its own, on Vulkan
// numbers that stand for a place in a buffer. Arithmetic on them works the same everywhere.
//===----------------------------------------------------------------------===//
#ifndef LINNET_LIB_RUNTIME_DEVICE_H
#define LINNET_LIB_RUNTIME_DEVICE_H

#include "Program.h"
#include "Status.h"
#include "linnet/Bundle/GPUKernelABI.h"

#include <memory>

namespace linnet::runtime {

/// Bytes between the caller's memory and the device's.
struct Transfer {
  char *device;
  char *host;
  uint64_t bytes;
};

/// What decides what a call does, as long as it reads nothing back.
using CallKey = std::vector<int64_t>;

struct LaunchArguments {
  const Launch &launch;
  void *const *buffers;
  const int64_t
      *bytes; // from each of them to the end of its buffer; null where `needsBytes` is not
  const int64_t *scalars;
  int64_t chunks;
  lnt_trace_event *event; // null: no trace
};

/// What one session does on a device, a call at a time. Commands are done in order; those that
/// fail may do so at any later one.
class Execution {
public:
  Execution(bool needsBytes) : needsBytes(needsBytes) {}
  virtual ~Execution() = default;
  Execution(const Execution &) = delete;
  Execution &operator=(const Execution &) = delete;

  /// Does a whole call again as it was done before under this key, with other bytes to transfer.
  /// `found` is false where there is none; then nothing was done.
  virtual Failure replay(const Program &, const CallKey &, const std::vector<Transfer> &uploads,
                         const std::vector<Transfer> &downloads, bool &found);
  /// `key` null: the call is not done again. `trace` null: events are not asked for.
  virtual Failure begin(const Program &program, const CallKey *key,
                        const std::vector<Transfer> &uploads, lnt_trace_fn trace,
                        void *traceUser) = 0;
  virtual Failure launch(const LaunchArguments &arguments) = 0;
  virtual Failure copy(char *target, const char *source, uint64_t bytes) = 0; // may overlap
  /// The low `width` bytes of `value`, repeated; a rest gets its first bytes.
  virtual Failure fill(char *target, int64_t value, unsigned width, uint64_t bytes) = 0;
  /// What is there after all commands so far.
  virtual Failure read(void *target, const char *source, uint64_t bytes) = 0;
  virtual Failure write(char *target, const void *source, uint64_t bytes) = 0;
  /// All is done, and what was asked for is in the caller's memory.
  virtual Failure finish(const std::vector<Transfer> &downloads) = 0;
  /// After a failure: nothing of the call runs any longer.
  virtual void abandon() {}

  /// `bytes` of scratch for every worker, with at most `room` bytes for all; of devices whose
  /// scratch is not in the arena.
  virtual Failure reserveScratch(int64_t bytes, uint64_t room) = 0;
  virtual uint64_t scratchPerWorker() const { return 0; }
  virtual uint64_t scratchHeld() const { return 0; }
  /// Fills it with 0xff.
  virtual void poisonScratch() {}

  const bool needsBytes;
  lnt_counters counters = {};
};

/// The kernels of one module.
class DeviceCode {
public:
  virtual ~DeviceCode() = default;
  virtual std::unique_ptr<Execution> execution() = 0;
};

class Device {
public:
  virtual ~Device() = default;

  virtual lnt_device kind() const = 0;
  bool isCPU() const { return kind() == LNT_CPU; }
  /// "the CPU", "Vulkan device 'llvmpipe'".
  virtual std::string label() const = 0;
  virtual lnt_device_info info() const = 0;

  /// Zeroed, and aligned to 64 bytes; `what` is it for a message: "an arena".
  virtual Failure allocate(uint64_t bytes, const std::string &what, char *&address) = 0;
  virtual void release(char *address, uint64_t bytes) = 0;
  /// Whether these bytes lie in one allocation; a CPU cannot tell.
  virtual bool owns(const char *address, uint64_t bytes) const = 0;

  /// Done when they return.
  virtual Failure upload(char *target, const void *source, uint64_t bytes) = 0;
  virtual Failure download(void *target, const char *source, uint64_t bytes) = 0;
  virtual Failure copy(char *target, const char *source, uint64_t bytes) = 0;
  virtual Failure set(char *target, unsigned char value, uint64_t bytes) = 0;

  /// Of a target of a GPU: `code` is the bundle's code segment, `target` was checked.
  virtual Failure load(const fb::Target &target, const uint8_t *code,
                       std::unique_ptr<DeviceCode> &result);
};

/// Opens device number `index` of its kind (-1: the best).
Failure openDevice(lnt_device kind, int32_t index, std::shared_ptr<Device> &result);
/// Those of a kind; a missing library or driver is a failure.
Failure listDevices(lnt_device kind, std::vector<lnt_device_info> &devices);

const char *deviceName(lnt_device kind);

/// What a kernel may need of a GPU (Bundle/GPUKernelABI.h), for people.
struct GPUNeed {
  uint32_t bit;
  const char *name;
};
const std::vector<GPUNeed> &gpuNeeds();

/// The fault of `site` at element `position`.
Failure faultAt(const Program &program, uint64_t site, uint64_t position);

} // namespace linnet::runtime

#endif // LINNET_LIB_RUNTIME_DEVICE_H
