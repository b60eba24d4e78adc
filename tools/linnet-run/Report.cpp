//===- Report.cpp - what linnet-run tells about a bundle and a call -------===//
//
// Part of Linnet, under Apache-2.0 WITH LLVM-exception. See LICENSE.
//
//===----------------------------------------------------------------------===//
#include "Report.h"
#include "linnet/Bundle/AtomicFile.h"

#include <algorithm>
#include <cstdio>
#include <map>

namespace linnet::run {
namespace {

std::string bytesText(uint64_t bytes) {
  if (bytes == LNT_UNBOUNDED)
    return "unbounded";
  char text[64];
  if (bytes < 10240)
    std::snprintf(text, sizeof text, "%llu B", static_cast<unsigned long long>(bytes));
  else if (bytes < uint64_t(10) << 20)
    std::snprintf(text, sizeof text, "%.1f KiB", double(bytes) / 1024);
  else
    std::snprintf(text, sizeof text, "%.1f MiB", double(bytes) / 1048576);
  return text;
}

/// "1 kernel", "2 kernels", "2 dispatches"
std::string counted(uint64_t count, const std::string &what) {
  const char *ending = count == 1 ? "" : what.back() == 'h' ? "es" : "s";
  return std::to_string(count) + " " + what + ending;
}

void printParams(const lnt_function_info &function, const lnt_param_info *params, size_t count,
                 const char *kind, bool results) {
  for (size_t i = 0; i < count; ++i) {
    const lnt_param_info &param = params[i];
    std::printf("  %s %s", kind, paramLabel(function, param, i).c_str());
    if (param.state)
      std::printf("  state '%s'", param.state);
    else if (param.alias >= 0)
      std::printf("  %s %s %d", results ? "in the memory of" : "donated to",
                  results ? "argument" : "result", param.alias);
    std::printf("\n");
  }
}

void printFunction(const lnt_function_info &function) {
  std::printf("\nfunction '%s': %s, %s\n", function.name,
              counted(function.command_count, "command").c_str(),
              counted(function.dispatch_count, "dispatch").c_str());
  for (size_t i = 0; i < function.symbol_count; ++i) {
    const lnt_symbol_info &symbol = function.symbols[i];
    std::printf("  symbol '%s'  from %lld to %s", symbol.name, (long long)symbol.min,
                symbol.max < 0 ? "any size" : std::to_string(symbol.max).c_str());
    if (symbol.multiple > 1)
      std::printf(", multiples of %lld", (long long)symbol.multiple);
    std::printf("\n");
  }
  printParams(function, function.arguments, function.argument_count, "argument", false);
  printParams(function, function.results, function.result_count, "result", true);
  if (function.copies_forced != 0)
    std::printf("  copies because a donation could not be honoured: %u\n", function.copies_forced);
  printMemory(function.memory);
}

} // namespace

std::string paramShape(const lnt_function_info &function, const lnt_param_info &param) {
  std::string shape;
  for (uint32_t i = 0; i < param.rank; ++i) {
    const lnt_dim_info &dim = param.dims[i];
    shape += dim.size >= 0     ? std::to_string(dim.size)
             : dim.symbol >= 0 ? function.symbols[dim.symbol].name
                               : "?";
    shape += 'x';
  }
  return shape + lnt_type_name(param.type);
}

std::string paramLabel(const lnt_function_info &function, const lnt_param_info &param,
                       size_t index) {
  return (*param.name ? "'" + std::string(param.name) + "'" : "#" + std::to_string(index)) + " " +
         paramShape(function, param);
}

void printMemory(const lnt_memory_plan &plan) {
  std::printf("  memory: %s = arguments %s + state %s + constants %s + arena %s + scratch %s\n",
              bytesText(plan.total).c_str(), bytesText(plan.arguments).c_str(),
              bytesText(plan.state).c_str(), bytesText(plan.constants).c_str(),
              bytesText(plan.arena).c_str(), bytesText(plan.scratch).c_str());
  if (plan.arena != LNT_UNBOUNDED && plan.arena != 0)
    std::printf("  arena: %llu bytes, its largest live set has %llu\n",
                (unsigned long long)plan.arena, (unsigned long long)plan.largest_live);
}

const char *deviceName(lnt_device device) {
  return device == LNT_CPU ? "cpu" : device == LNT_CUDA ? "cuda" : "vulkan";
}

static void printDevice(const lnt_device_info &info) {
  std::printf("%s:%d  %s", deviceName(info.device), info.index, info.name);
  if (*info.chip)
    std::printf(", %s", info.chip);
  if (info.version != 0)
    std::printf(", %s %u.%u", info.device == LNT_CUDA ? "CUDA" : "Vulkan", info.version / 1000,
                info.device == LNT_CUDA ? info.version % 1000 / 10 : info.version % 1000);
  std::printf(", %s of %s free", bytesText(info.memory_free).c_str(),
              bytesText(info.memory).c_str());
  if (info.group != 0)
    std::printf(", workgroups of %u threads and %u bytes, subgroups of %u to %u", info.group,
                info.shared, info.subgroup_min, info.subgroup_max);
  std::printf("%s%s\n", info.usable ? "" : ", not usable: lacks ", info.lacks);
}

void listDevices() {
  for (lnt_device device : {LNT_CPU, LNT_CUDA, LNT_VULKAN}) {
    int32_t count = 0;
    lnt_status *status = lnt_device_count(device, &count);
    for (int32_t i = 1; i <= count && !status; ++i) {
      lnt_device_info info = {};
      info.size = sizeof info;
      status = lnt_device_describe(device, i, &info);
      if (!status)
        printDevice(info);
    }
    if (status)
      std::printf("%s: %s\n", deviceName(device), lnt_status_message(status));
    else if (count == 0)
      std::printf("%s: none\n", deviceName(device));
    lnt_status_free(status);
  }
}

void printCounters(const lnt_counters &counters) {
  auto number = [](uint64_t value) { return static_cast<unsigned long long>(value); };
  std::printf("  device: %llu launches in %llu submissions, %llu replays, %llu barriers, %llu "
              "copies within\n",
              number(counters.launches), number(counters.submissions), number(counters.replays),
              number(counters.barriers), number(counters.device_copies));
  std::printf("  to the device: %llu copies of %s, from it: %llu of %s\n", number(counters.uploads),
              bytesText(counters.upload_bytes).c_str(), number(counters.downloads),
              bytesText(counters.download_bytes).c_str());
}

static void printTargets(const lnt_module *module) {
  for (size_t i = 0; i < lnt_module_target_count(module); ++i) {
    lnt_target_info target = {};
    target.size = sizeof target;
    if (lnt_status *status = lnt_module_target(module, i, &target)) {
      lnt_status_free(status);
      continue;
    }
    std::printf("target %s: %s, %s of %s%s%s\n", deviceName(target.device),
                counted(target.kernel_count, "kernel").c_str(),
                counted(target.image_count, "image").c_str(), bytesText(target.code_bytes).c_str(),
                *target.needs ? ", needs " : "", target.needs);
  }
}

void printDescription(const lnt_module *module) {
  lnt_module_info info = lnt_module_describe(module);
  std::printf(
      "%s%sbundle: %s, %s%s%s, %s of %s, planned for %s\n", info.producer,
      *info.producer ? " " : "", counted(lnt_module_function_count(module), "function").c_str(),
      counted(info.kernel_count, "kernel").c_str(), *info.level ? " for " : "", info.level,
      counted(info.constant_count, "constant").c_str(), bytesText(info.constant_bytes).c_str(),
      counted(info.planned_threads, "thread").c_str());
  printTargets(module);
  for (size_t i = 0; i < lnt_module_function_count(module); ++i)
    printFunction(*lnt_module_function(module, i));
}

//===----------------------------------------------------------------------===//
// Times
//===----------------------------------------------------------------------===//

void Recording::record(void *user, const lnt_trace_event *event) {
  auto *recording = static_cast<Recording *>(user);
  recording->events.push_back({*event, recording->call});
}

namespace {

struct Row {
  lnt_trace_event event = {};
  uint64_t nanoseconds = 0, count = 0;
  int64_t flops = 0, bytes = 0;
};

std::string rate(int64_t amount, uint64_t nanoseconds) {
  if (amount <= 0 || nanoseconds == 0)
    return "-";
  char text[32];
  std::snprintf(text, sizeof text, "%.1f", double(amount) / double(nanoseconds));
  return text;
}

std::vector<Row> collectRows(const Recording &recording) {
  std::map<uint32_t, Row> table;
  for (const auto &[event, call] : recording.events) {
    Row &row = table[event.dispatch];
    row.event = event;
    row.nanoseconds += event.duration;
    row.flops += std::max<int64_t>(event.flops, 0);
    row.bytes += std::max<int64_t>(event.bytes, 0);
    ++row.count;
  }
  std::vector<Row> rows;
  for (const auto &[number, row] : table)
    rows.push_back(row);
  std::stable_sort(rows.begin(), rows.end(),
                   [](const Row &a, const Row &b) { return a.nanoseconds > b.nanoseconds; });
  return rows;
}

} // namespace

void printBenchmark(std::vector<double> seconds, const Recording &recording, int32_t threads) {
  std::sort(seconds.begin(), seconds.end());
  std::printf("%zu calls, %d threads: median %.3f ms, fastest %.3f ms, slowest %.3f ms\n",
              seconds.size(), threads, seconds[seconds.size() / 2] * 1e3, seconds.front() * 1e3,
              seconds.back() * 1e3);
  std::vector<Row> rows = collectRows(recording);
  if (rows.empty())
    return;
  uint64_t total = 0;
  for (const Row &row : rows)
    total += row.nanoseconds;
  double calls = double(recording.call + 1);
  std::printf("%9s %6s %6s %8s %8s %8s  %s\n", "us/call", "share", "runs", "chunks", "GFLOP/s",
              "GB/s", "dispatch");
  for (const Row &row : rows)
    std::printf("%9.1f %5.1f%% %6.0f %8lld %8s %8s  #%u %s%s%s  %s\n",
                double(row.nanoseconds) / 1e3 / calls,
                total ? 100.0 * double(row.nanoseconds) / double(total) : 0.0,
                double(row.count) / calls, (long long)row.event.chunks,
                rate(row.flops, row.nanoseconds).c_str(), rate(row.bytes, row.nanoseconds).c_str(),
                row.event.dispatch, row.event.op, *row.event.location ? " at " : "",
                row.event.location, row.event.kernel);
  std::printf("%9.1f in dispatches\n", double(total) / 1e3 / calls);
}

std::string quoteJson(const char *text) {
  std::string quoted = "\"";
  for (; *text; ++text) {
    char code[8];
    unsigned char c = static_cast<unsigned char>(*text);
    if (c == '"' || c == '\\')
      quoted += '\\';
    if (c < 0x20) {
      std::snprintf(code, sizeof code, "\\u%04x", c);
      quoted += code;
    } else {
      quoted += char(c);
    }
  }
  return quoted + "\"";
}

Error writeTrace(const std::string &path, const std::string &function, const Recording &recording) {
  std::string text = "{\"displayTimeUnit\":\"ns\",\"traceEvents\":[\n"
                     "{\"ph\":\"M\",\"pid\":1,\"tid\":1,\"name\":\"thread_name\",\"args\":{"
                     "\"name\":" +
                     quoteJson(function.c_str()) + "}}";
  for (const auto &[event, call] : recording.events) {
    char numbers[256];
    std::snprintf(numbers, sizeof numbers,
                  "\"ts\":%.3f,\"dur\":%.3f,\"args\":{\"dispatch\":%u,\"chunks\":%lld,"
                  "\"flops\":%lld,\"bytes\":%lld,",
                  double(event.start) / 1e3, double(event.duration) / 1e3, event.dispatch,
                  (long long)event.chunks, (long long)event.flops, (long long)event.bytes);
    text += ",\n{\"ph\":\"X\",\"pid\":1,\"tid\":1,\"cat\":\"dispatch\",\"name\":" +
            quoteJson(event.op) + "," + numbers + "\"kernel\":" + quoteJson(event.kernel) +
            ",\"location\":" + quoteJson(event.location) + "}}";
  }
  text += "\n]}\n";
  bundle::AtomicFile file(path);
  file.write(text.data(), text.size());
  return file.commit();
}

} // namespace linnet::run
