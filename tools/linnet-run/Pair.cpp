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
#include <map>

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

std::string numberOrNull(double value) {
  char text[40];
  std::snprintf(text, sizeof text, "%.9g", value);
  return std::isfinite(value) ? text : "null";
}

/// The median of each dispatch; 0 for one that no call has run.
std::string medians(const std::vector<std::vector<double>> &dispatches) {
  std::string text;
  for (const std::vector<double> &seconds : dispatches)
    text += (text.empty() ? "" : ", ") + numberOrNull(seconds.empty() ? 0 : median(seconds));
  return "[" + text + "]";
}

} // namespace

/// How far the forms of an attention are from each other on the same operands.
struct SiteErrors {
  std::string site;
  double difference = 0, error = 0; ///< the largest; relative to the largest |v| of its channel
};

namespace {

/// Seconds of the calls of one form, and of its dispatches in each traced call.
struct Times {
  std::vector<double> calls;
  std::vector<std::vector<double>> dispatches;
};

Error writePair(const std::string &path, const Times &own, const Times &exact,
                const std::vector<Difference> &differences, const std::vector<SiteErrors> &sites) {
  std::string text = "{\"calls\": " + std::to_string(own.calls.size()) +
                     ", \"seconds\": " + numberOrNull(median(own.calls)) +
                     ", \"exact_seconds\": " + numberOrNull(median(exact.calls)) +
                     ", \"dispatch_seconds\": " + medians(own.dispatches) +
                     ", \"exact_dispatch_seconds\": " + medians(exact.dispatches) +
                     ", \"results\": [";
  char numbers[256];
  for (const Difference &d : differences) {
    std::snprintf(numbers, sizeof numbers,
                  "\"largest_difference\": %.17g, \"largest_value\": %.17g, \"finite\": %s}",
                  d.largest, d.value, d.finite ? "true" : "false");
    text += (&d == &differences.front() ? "{\"name\": " : ", {\"name\": ") +
            quoteJson(d.name.c_str()) + ", " + numbers;
  }
  text += "], \"sites\": [";
  for (const SiteErrors &s : sites)
    text += (&s == &sites.front() ? "{\"site\": " : ", {\"site\": ") + quoteJson(s.site.c_str()) +
            ", \"largest_difference\": " + numberOrNull(s.difference) +
            ", \"error\": " + numberOrNull(s.error) + "}";
  text += "]}\n";
  bundle::AtomicFile file(path);
  file.write(text.data(), text.size());
  return file.commit();
}

} // namespace

/// Everything up to the first call of another form of the function.
Error Invocation::prepareForm(const std::string &name) {
  if (Error error = load())
    return error;
  if (Error error = toError(lnt_module_find_function(module, name.c_str(), &function)))
    return makeError("--pair expects both forms in the bundle (linnet-compile --emit-pair): ",
                     error.message());
  info = lnt_module_function(module, function);
  if (Error error = readInputs())
    return error;
  if (Error error = prepareSession())
    return error;
  return allocateResults();
}

/// Adds the seconds of each dispatch in one more call: the sum over its runs.
Error Invocation::traceCall(std::vector<std::vector<double>> &dispatches) {
  Recording recording;
  restoreInputs();
  if (Error error = call(&recording))
    return error;
  std::map<uint32_t, double> seconds;
  for (const auto &[event, number] : recording.events)
    seconds[event.dispatch] += double(event.duration) * 1e-9;
  for (const auto &[dispatch, time] : seconds) {
    if (dispatch >= dispatches.size())
      dispatches.resize(dispatch + 1);
    dispatches[dispatch].push_back(time);
  }
  return Error();
}

/// One call of the function that has both forms of every rewritten attention; without one there
/// are no sites.
Error Invocation::compareSites(const std::string &name, std::vector<SiteErrors> &sites) {
  size_t found;
  if (toError(lnt_module_find_function(module, name.c_str(), &found)))
    return Error();
  Options others = options;
  others.outputs.clear();
  others.expects.clear();
  Invocation both(others);
  if (Error error = both.prepareForm(name))
    return error;
  if (Error error = both.call(nullptr))
    return error;
  const std::string kinds[] = {"linnet.difference ", "linnet.error "};
  for (size_t i : both.visible) {
    std::string result = both.info->results[i].name;
    for (const std::string &kind : kinds) {
      if (result.compare(0, kind.size(), kind))
        continue;
      std::string site = result.substr(kind.size());
      if (sites.empty() || sites.back().site != site)
        sites.push_back({site});
      double value = getElement(both.resultArray(i), 0);
      (kind == kinds[0] ? sites.back().difference : sites.back().error) = value;
    }
  }
  return Error();
}

/// The forms take turns, so that what else the machine does slows both.
Error Invocation::measurePair() {
  Options others = options;
  others.outputs.clear();
  others.expects.clear();
  Invocation exact(others);
  if (Error error = exact.prepareForm(std::string(info->name) + ".exact"))
    return error;
  Times own, other;
  int64_t calls = options.benchmark ? options.benchmark : 10;
  for (int64_t i = 0; i <= calls; ++i) {
    if (i == 1) { // the first calls find caches and pages cold
      own.calls.clear();
      other.calls.clear();
    }
    if (Error error = exact.timeCall(other.calls))
      return error;
    if (Error error = timeCall(own.calls))
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
  std::vector<SiteErrors> sites;
  if (Error error = compareSites(std::string(info->name) + ".sites", sites))
    return error;
  double mine = median(own.calls), theirs = median(other.calls);
  std::printf("'%s' %.3f ms, exact %.3f ms: %.2f times as fast (medians of %lld calls)\n",
              info->name, mine * 1e3, theirs * 1e3, theirs / mine, static_cast<long long>(calls));
  for (const Difference &d : differences)
    std::printf("  %s: largest difference %.3g, largest value %.3g%s\n", d.name.c_str(), d.largest,
                d.value, d.finite ? "" : "; one form is not finite where the other is");
  for (const SiteErrors &s : sites)
    std::printf("  attention at %s, both forms on the same operands: largest difference %.3g, "
                "relative to |v| %.3g\n",
                s.site.c_str(), s.difference, s.error);
  if (options.pairFile.empty())
    return Error();
  for (int64_t i = 0; i < std::min<int64_t>(calls, 10); ++i) {
    if (Error error = exact.traceCall(other.dispatches))
      return error;
    if (Error error = traceCall(own.dispatches))
      return error;
  }
  return writePair(options.pairFile, own, other, differences, sites);
}

} // namespace linnet::run
