//===- Pair.cpp - a function beside its exact form ------------------------===//
//
// Part of Linnet, under Apache-2.0 WITH LLVM-exception. See LICENSE.
//
//===----------------------------------------------------------------------===//
#include "Invocation.h"
#include "linnet/Bundle/AtomicFile.h"

#include <algorithm>
#include <cmath>
#include <cstdio>

namespace linnet::run {
namespace {

struct Difference {
  std::string name;
  double largest = 0, value = 0; ///< of the differences, and of the exact result
  bool finite = true;            ///< both are where either is
};

Difference differ(std::string name, const Array &found, const Array &exact) {
  Difference difference;
  difference.name = std::move(name);
  for (int64_t i = 0, count = found.elements(); i < count; ++i) {
    double x = getElement(found, i), y = getElement(exact, i);
    if (x == y || (std::isnan(x) && std::isnan(y)))
      x = y = std::isfinite(y) ? y : 0;
    if (!std::isfinite(x) || !std::isfinite(y)) {
      difference.finite = false;
      continue;
    }
    difference.largest = std::max(difference.largest, std::fabs(x - y));
    difference.value = std::max(difference.value, std::fabs(y));
  }
  return difference;
}

double median(std::vector<double> seconds) {
  std::sort(seconds.begin(), seconds.end());
  return seconds[seconds.size() / 2];
}

Error writePair(const std::string &path, double seconds, double exact, size_t calls,
                const std::vector<Difference> &differences) {
  char numbers[256];
  std::snprintf(numbers, sizeof numbers,
                "{\"calls\": %zu, \"seconds\": %.9g, \"exact_seconds\": %.9g, \"results\": [",
                calls, seconds, exact);
  std::string text = numbers;
  for (const Difference &d : differences) {
    std::snprintf(numbers, sizeof numbers,
                  "\"largest_difference\": %.17g, \"largest_value\": %.17g, \"finite\": %s}",
                  d.largest, d.value, d.finite ? "true" : "false");
    text += (&d == &differences.front() ? "{\"name\": " : ", {\"name\": ") +
            quoteJson(d.name.c_str()) + ", " + numbers;
  }
  text += "]}\n";
  bundle::AtomicFile file(path);
  file.write(text.data(), text.size());
  return file.commit();
}

} // namespace

/// Everything up to the first call of the form that was not rewritten.
Error Invocation::prepareExact(const std::string &name) {
  if (Error error = load())
    return error;
  if (Error error = toError(lnt_module_find_function(module, name.c_str(), &function)))
    return makeError("--pair expects both forms in the bundle (linnet-compile --emit-pair): ",
                     error.message());
  info = lnt_module_function(module, function);
  bool usage = false;
  if (Error error = readInputs(usage))
    return error;
  if (Error error = prepareSession())
    return error;
  return allocateResults();
}

/// The forms take turns, so that what else the machine does slows both.
Error Invocation::measurePair() {
  Options others = options;
  others.outputs.clear();
  others.expects.clear();
  Invocation exact(others);
  if (Error error = exact.prepareExact(std::string(info->name) + ".exact"))
    return error;
  std::vector<double> seconds, exactSeconds;
  int64_t calls = options.benchmark ? options.benchmark : 10;
  for (int64_t i = 0; i <= calls; ++i) {
    if (i == 1) { // the first calls find caches and pages cold
      seconds.clear();
      exactSeconds.clear();
    }
    if (Error error = exact.timeCall(exactSeconds))
      return error;
    if (Error error = timeCall(seconds))
      return error;
  }
  std::vector<Difference> differences;
  for (size_t i = 0; i < visible.size(); ++i) {
    Array mine = resultArray(visible[i]), theirs = exact.resultArray(exact.visible[i]);
    if (mine.dims != theirs.dims)
      return makeError("result #", i, " is ", mine.shape(), ", of the exact form ", theirs.shape());
    differences.push_back(
        differ(paramLabel(*info, info->results[visible[i]], visible[i]), mine, theirs));
  }
  double own = median(seconds), other = median(exactSeconds);
  std::printf("'%s' %.3f ms, exact %.3f ms: %.2f times as fast (medians of %lld calls)\n",
              info->name, own * 1e3, other * 1e3, other / own, static_cast<long long>(calls));
  for (const Difference &d : differences)
    std::printf("  %s: largest difference %.3g, largest value %.3g%s\n", d.name.c_str(), d.largest,
                d.value, d.finite ? "" : "; one form is not finite where the other is");
  return options.pairFile.empty()
             ? Error()
             : writePair(options.pairFile, own, other, size_t(calls), differences);
}

} // namespace linnet::run
