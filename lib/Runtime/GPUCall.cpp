//===- GPUCall.cpp - what calls on every GPU share ------------------------===//
//
// Part of Linnet, under Apache-2.0 WITH LLVM-exception. See LICENSE.
//
//===----------------------------------------------------------------------===//
#include "GPUCall.h"

#include <cstring>

namespace linnet::runtime {

Failure sendUploads(Device &device, const GPUCall &call, const std::vector<Transfer> &uploads,
                    lnt_counters &counters) {
  for (size_t i = 0; i < uploads.size(); ++i) {
    ++counters.uploads;
    counters.upload_bytes += uploads[i].bytes;
    if (call.uploads[i])
      std::memcpy(call.uploads[i], uploads[i].host, uploads[i].bytes);
    else if (Failure failed = device.upload(uploads[i].device, uploads[i].host, uploads[i].bytes))
      return failed;
  }
  return nullptr;
}

Failure fetchDownloads(Device &device, const GPUCall &call, const std::vector<Transfer> &downloads,
                       lnt_counters &counters) {
  for (size_t i = 0; i < downloads.size(); ++i) {
    ++counters.downloads;
    counters.download_bytes += downloads[i].bytes;
    if (call.downloads[i])
      std::memcpy(downloads[i].host, call.downloads[i], downloads[i].bytes);
    else if (Failure failed =
                 device.download(downloads[i].host, downloads[i].device, downloads[i].bytes))
      return failed;
  }
  return nullptr;
}

Failure checkFaults(const GPUCall &call, const Program &program) {
  for (uint32_t site = 0; site < call.sites; ++site) {
    uint32_t position;
    std::memcpy(&position, call.faults + site * 4, 4);
    if (position != LNT_GPU_NO_FAULT)
      return faultAt(program, site, position);
  }
  return nullptr;
}

void countCall(const GPUCall &call, lnt_counters &counters) {
  counters.launches += call.launches;
  counters.device_copies += call.copies;
  counters.barriers += call.barriers;
}

} // namespace linnet::runtime
