//===- memory-probe.cpp - what calls of a function do with memory ---------===//
//
// Part of Linnet, under Apache-2.0 WITH LLVM-exception. See LICENSE.
//
// memory-probe BUNDLE FUNCTION [--symbol=NAME=SIZE]... [--input=SPEC]... [--calls=N] [--threads=N]
//
// Calls a function and prints one JSON object: the plan for the given symbols, by how much the
// resident set grew at most, how much of what a first call mapped (arena and scratch) was written
// to, what the calls after it allocated and copied, and how many of the session's states they
// moved. The bundle, the inputs and the results are in memory before anything is measured.
//===----------------------------------------------------------------------===//
#include "../../lib/Runtime/Handles.h"
#include "../../tools/linnet-run/Array.h"

#include <algorithm>
#include <atomic>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <fstream>
#include <malloc.h>
#include <sstream>
#include <sys/mman.h>
#include <sys/syscall.h>
#include <unistd.h>

using namespace linnet;
using namespace linnet::run;

//===----------------------------------------------------------------------===//
// The program's own malloc, mmap and memmove: those of the C library, counted
//===----------------------------------------------------------------------===//

static std::atomic<bool> counting{false};
static std::atomic<uint64_t> allocations{0}, copied{0};

/// What is mapped while this is set is filled, so that writing to it shows.
static std::atomic<bool> filling{false};
static constexpr uint64_t kUntouched = 0xa5a5a5a5a5a5a5a5;
static std::atomic<size_t> mappedCount{0};
static std::pair<uint64_t *, size_t> mapped[64]; // words

static void fillMapped(void *memory, size_t bytes) {
  auto *words = static_cast<uint64_t *>(memory);
  std::fill_n(words, bytes / 8, kUntouched);
  if (size_t at = mappedCount++; at < std::size(mapped))
    mapped[at] = {words, bytes / 8};
}

static void countAllocation() {
  if (counting.load(std::memory_order_relaxed))
    ++allocations;
}

extern "C" {
void *__libc_malloc(size_t);
void *__libc_calloc(size_t, size_t);
void *__libc_realloc(void *, size_t);
void *__libc_memalign(size_t, size_t);

void *malloc(size_t size) {
  countAllocation();
  return __libc_malloc(size);
}
void *calloc(size_t count, size_t size) {
  countAllocation();
  return __libc_calloc(count, size);
}
void *realloc(void *memory, size_t size) {
  countAllocation();
  return __libc_realloc(memory, size);
}
void *aligned_alloc(size_t alignment, size_t size) {
  countAllocation();
  return __libc_memalign(alignment, size);
}
void *mmap(void *address, size_t length, int protection, int flags, int file, off_t offset) {
  countAllocation();
  auto *memory =
      reinterpret_cast<void *>(syscall(SYS_mmap, address, length, protection, flags, file, offset));
  if (filling && memory != MAP_FAILED && file < 0)
    fillMapped(memory, length);
  return memory;
}
// Copy commands are memmove; kernels call nothing.
void *memmove(void *target, const void *source, size_t bytes) {
  if (counting.load(std::memory_order_relaxed))
    copied += bytes;
  auto *to = static_cast<volatile char *>(target);
  auto *from = static_cast<const volatile char *>(source);
  if (to < from)
    for (size_t i = 0; i < bytes; ++i)
      to[i] = from[i];
  else
    for (size_t i = bytes; i-- > 0;)
      to[i] = from[i];
  return target;
}
}

namespace {

//===----------------------------------------------------------------------===//
// Measuring
//===----------------------------------------------------------------------===//

/// Bytes of a line of /proc/self/status.
uint64_t statusBytes(const char *key) {
  std::ifstream file("/proc/self/status");
  for (std::string line; std::getline(file, line);)
    if (line.compare(0, std::strlen(key), key) == 0)
      return std::strtoull(line.c_str() + std::strlen(key) + 1, nullptr, 10) * 1024;
  return 0;
}

/// The largest resident set from now on is counted from what is resident now.
bool resetPeak() {
  malloc_trim(0); // freed memory that the heap keeps would hide growth
  std::ofstream file("/proc/self/clear_refs");
  file << "5" << std::flush;
  return bool(file);
}

struct Measured {
  uint64_t growth = 0, touched = 0, allocations = 0, copied = 0, states = 0, moved = 0;
};

//===----------------------------------------------------------------------===//
// The calls
//===----------------------------------------------------------------------===//

[[noreturn]] void die(const std::string &message) {
  std::fprintf(stderr, "memory-probe: %s\n", message.c_str());
  std::exit(1);
}

void check(lnt_status *status) {
  if (status)
    die(lnt_status_message(status));
}

struct Request {
  std::string bundle, function;
  std::vector<std::pair<std::string, int64_t>> symbols;
  std::vector<Array> inputs;
  int calls = 3;
  int32_t threads = 1;
};

Request parse(int argc, char **argv) {
  if (argc < 3)
    die("expects a bundle and a function");
  Request request;
  request.bundle = argv[1];
  request.function = argv[2];
  for (int i = 3; i < argc; ++i) {
    std::string text = argv[i];
    std::string name = text.substr(0, text.find('=')), value = text.substr(text.find('=') + 1);
    if (name == "--symbol") {
      size_t equals = value.find('=');
      request.symbols.push_back({value.substr(0, equals), std::stoll(value.substr(equals + 1))});
    } else if (name == "--input") {
      request.inputs.emplace_back();
      if (Error error = parseInput(value, request.inputs.back()))
        die(error.message());
    } else if (name == "--calls") {
      request.calls = std::stoi(value);
    } else if (name == "--threads") {
      request.threads = std::stoi(value);
    } else {
      die("unknown option " + text);
    }
  }
  return request;
}

class Probe {
public:
  explicit Probe(Request &request) : request(request) { load(); }
  Measured measure();
  uint64_t touched();
  lnt_memory_plan plan();

private:
  void load();
  void prepare();

  Request &request;
  std::string bytes;
  lnt_runtime *runtime = nullptr;
  lnt_module *module = nullptr;
  size_t function = 0;
  const lnt_function_info *info = nullptr;
  std::vector<lnt_binding> symbols;
  std::vector<Array> outputs;
  std::vector<lnt_tensor> arguments, results;
};

void Probe::load() {
  std::ifstream file(request.bundle, std::ios::binary);
  std::ostringstream content;
  content << file.rdbuf();
  std::string read = content.str();
  if (!file || read.empty())
    die("cannot read " + request.bundle);
  // Aligned, so that constants are used where they are.
  bytes.resize(read.size() + 64);
  auto *data = reinterpret_cast<char *>((reinterpret_cast<uintptr_t>(bytes.data()) + 63) / 64 * 64);
  std::copy(read.begin(), read.end(), data);
  lnt_runtime_options options = {sizeof options, request.threads, 0, 0, LNT_CPU, 0};
  check(lnt_runtime_create(&options, &runtime));
  check(lnt_module_load_memory(runtime, data, read.size(), nullptr, &module));
  check(lnt_module_find_function(module, request.function.c_str(), &function));
  info = lnt_module_function(module, function);
  for (const auto &[name, value] : request.symbols)
    symbols.push_back({name.c_str(), value});
  prepare();
}

void Probe::prepare() {
  size_t next = 0;
  for (size_t i = 0; i < info->argument_count; ++i) {
    if (info->arguments[i].state) {
      arguments.push_back({});
      continue;
    }
    if (next == request.inputs.size())
      die("too few inputs");
    arguments.push_back(request.inputs[next++].tensor());
  }
  lnt_session *session;
  check(lnt_session_create(module, symbols.data(), symbols.size(), &session));
  std::vector<int64_t> dims(info->result_count * LNT_MAX_RANK);
  check(lnt_session_infer_shapes(session, function, arguments.data(), arguments.size(), dims.data(),
                                 info->result_count));
  lnt_session_destroy(session);
  outputs.resize(info->result_count);
  for (size_t i = 0; i < info->result_count; ++i) {
    outputs[i].type = info->results[i].type;
    const int64_t *from = dims.data() + i * LNT_MAX_RANK;
    outputs[i].dims.assign(from, from + info->results[i].rank);
    if (info->results[i].alias < 0)
      if (Error error = outputs[i].allocate())
        die(error.message());
    results.push_back(info->results[i].alias < 0 ? outputs[i].tensor() : lnt_tensor{});
  }
}

lnt_memory_plan Probe::plan() {
  lnt_memory_plan plan;
  check(lnt_module_memory(module, function, symbols.data(), symbols.size(), &plan));
  return plan;
}

Measured Probe::measure() {
  if (!resetPeak())
    die("cannot reset the peak of the resident set");
  uint64_t before = statusBytes("VmHWM:");
  lnt_session *session;
  check(lnt_session_create(module, symbols.data(), symbols.size(), &session));
  const std::vector<runtime::State> &states = session->object->states;
  std::vector<const char *> first(states.size());
  std::vector<bool> moved(states.size());
  for (int i = 0; i < request.calls; ++i) {
    counting = i != 0; // the first one allocates
    lnt_status *status = lnt_call(session, function, arguments.data(), arguments.size(),
                                  results.data(), results.size(), nullptr);
    counting = false;
    check(status);
    for (size_t k = 0; k < states.size(); ++k) {
      first[k] = i ? first[k] : states[k].memory.data();
      moved[k] = moved[k] || states[k].memory.data() != first[k];
    }
  }
  uint64_t after = statusBytes("VmHWM:");
  Measured measured = {after - before, 0,
                       allocations,    copied,
                       states.size(),  uint64_t(std::count(moved.begin(), moved.end(), true))};
  lnt_session_destroy(session);
  measured.touched = touched();
  return measured;
}

/// In a session of its own: filling makes all that is mapped resident.
uint64_t Probe::touched() {
  lnt_session *session;
  check(lnt_session_create(module, symbols.data(), symbols.size(), &session));
  filling = true;
  lnt_status *status = lnt_call(session, function, arguments.data(), arguments.size(),
                                results.data(), results.size(), nullptr);
  filling = false;
  check(status);
  uint64_t words = 0;
  for (size_t i = 0; i < std::min<size_t>(mappedCount, std::size(mapped)); ++i)
    words += mapped[i].second -
             size_t(std::count(mapped[i].first, mapped[i].first + mapped[i].second, kUntouched));
  lnt_session_destroy(session);
  return 8 * words;
}

} // namespace

int main(int argc, char **argv) {
  Request request = parse(argc, argv);
  Probe probe(request);
  lnt_memory_plan plan = probe.plan();
  Measured measured = probe.measure();
  auto print = [](const char *name, uint64_t value, const char *end) {
    std::printf("\"%s\": %llu%s", name, static_cast<unsigned long long>(value), end);
  };
  std::printf("{");
  print("growth", measured.growth, ", ");
  print("touched", measured.touched, ", ");
  print("allocations", measured.allocations, ", ");
  print("copied", measured.copied, ", ");
  print("states", measured.states, ", ");
  print("moved", measured.moved, ", ");
  print("state", plan.state, ", ");
  print("arena", plan.arena, ", ");
  print("scratch", plan.scratch, ", ");
  print("largest_live", plan.largest_live, "}\n");
  return 0;
}
