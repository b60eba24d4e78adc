//===- DispatchTimes.cpp - measured times of kernels ----------------------===//
//
// Part of Linnet, under Apache-2.0 WITH LLVM-exception. See LICENSE.
//
//===----------------------------------------------------------------------===//
#include "RecomputeGraph.h"
#include "mlir/IR/Diagnostics.h"
#include "llvm/Support/JSON.h"
#include "llvm/Support/MemoryBuffer.h"

using namespace mlir;
using namespace linnet;

/// Microseconds of every dispatch by kernel; nothing where the text is no trace.
static llvm::StringMap<SmallVector<double>> collectTimes(const llvm::json::Value &trace) {
  llvm::StringMap<SmallVector<double>> times;
  const llvm::json::Object *root = trace.getAsObject();
  const llvm::json::Array *events = root ? root->getArray("traceEvents") : nullptr;
  if (!events)
    return times;
  for (const llvm::json::Value &entry : *events) {
    const llvm::json::Object *event = entry.getAsObject();
    const llvm::json::Object *args = event ? event->getObject("args") : nullptr;
    auto kernel = args ? args->getString("kernel") : std::nullopt;
    auto duration = event ? event->getNumber("dur") : std::nullopt;
    if (kernel && duration)
      times[*kernel].push_back(*duration);
  }
  return times;
}

FailureOr<DispatchTimes> linnet::readDispatchTimes(StringRef path, Location loc) {
  auto file = llvm::MemoryBuffer::getFile(path, /*IsText=*/true);
  if (!file)
    return emitError(loc) << "cannot read times of dispatches from '" << path
                          << "': " << file.getError().message();
  llvm::Expected<llvm::json::Value> trace = llvm::json::parse((*file)->getBuffer());
  if (!trace)
    return emitError(loc) << "'" << path << "' is not JSON: " << toString(trace.takeError());
  DispatchTimes result;
  for (auto &[kernel, durations] : collectTimes(*trace)) {
    auto middle = durations.begin() + durations.size() / 2;
    std::nth_element(durations.begin(), middle, durations.end());
    result[kernel] = static_cast<int64_t>(std::max(*middle, 0.0) * 1e6);
  }
  if (result.empty())
    return emitError(loc) << "'" << path << "' has no dispatches, expected a trace of linnet-run";
  return result;
}
