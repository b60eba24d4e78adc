//===- Report.h - what linnet-run tells about a bundle and a call -*- C++ -*-=//
//
// Part of Linnet, under Apache-2.0 WITH LLVM-exception. See LICENSE.
//
//===----------------------------------------------------------------------===//
#ifndef LINNET_TOOLS_RUN_REPORT_H
#define LINNET_TOOLS_RUN_REPORT_H

#include "Array.h"

#include <string>
#include <vector>

namespace linnet::run {

/// "Bx64xf32"
std::string paramShape(const lnt_function_info &function, const lnt_param_info &param);
/// "'x' Bx64xf32", or "#0 Bx64xf32" where it has no name.
std::string paramLabel(const lnt_function_info &function, const lnt_param_info &param,
                       size_t index);

void printDescription(const lnt_module *module);
/// "cpu", "cuda", "vulkan".
const char *deviceName(lnt_device device);
/// Every device, or why there is none of a kind.
void listDevices();
void printCounters(const lnt_counters &counters);
void printMemory(const lnt_memory_plan &plan);

/// The dispatches of traced calls.
struct Recording {
  struct Event {
    lnt_trace_event event;
    size_t call;
  };
  std::vector<Event> events;
  size_t call = 0;

  static void record(void *user, const lnt_trace_event *event);
};

/// Seconds of each timed call, then the dispatches of the traced ones.
void printBenchmark(std::vector<double> seconds, const Recording &recording, int32_t threads);

/// `text` between quotes, escaped.
std::string quoteJson(const char *text);

/// Chrome's trace format.
Error writeTrace(const std::string &path, const std::string &function, const Recording &recording);

} // namespace linnet::run

#endif // LINNET_TOOLS_RUN_REPORT_H
