//===- GPUCall.h - what calls on every GPU share ----------------*- C++ -*-===//
//
// Part of Linnet, under Apache-2.0 WITH LLVM-exception. See LICENSE.
//
//===----------------------------------------------------------------------===//
#ifndef LINNET_LIB_RUNTIME_GPUCALL_H
#define LINNET_LIB_RUNTIME_GPUCALL_H

#include "Device.h"

namespace linnet::runtime {

/// Transfers above this are copied beside the commands, in pieces.
constexpr uint64_t kLargeTransfer = uint64_t(16) << 20;

/// A call that was recorded: where the CPU puts what goes to the device and finds what comes back,
/// in the order of the call's transfers. Null: a large one.
struct GPUCall {
  std::vector<char *> uploads, downloads;
  char *faults = nullptr;
  uint32_t sites = 0;
  uint64_t launches = 0, copies = 0, barriers = 0; // each time that it is done
};

/// The bytes of this call, to where its commands expect them.
Failure sendUploads(Device &device, const GPUCall &call, const std::vector<Transfer> &uploads,
                    lnt_counters &counters);
Failure fetchDownloads(Device &device, const GPUCall &call, const std::vector<Transfer> &downloads,
                       lnt_counters &counters);
/// The lowest site that has a position.
Failure checkFaults(const GPUCall &call, const Program &program);
void countCall(const GPUCall &call, lnt_counters &counters);

} // namespace linnet::runtime

#endif // LINNET_LIB_RUNTIME_GPUCALL_H
