//===- Session.h - one user of a module -------------------------*- C++ -*-===//
//
// Part of Linnet, under Apache-2.0 WITH LLVM-exception. See LICENSE.
//
//===----------------------------------------------------------------------===//
#ifndef LINNET_LIB_RUNTIME_SESSION_H
#define LINNET_LIB_RUNTIME_SESSION_H

#include "Memory.h"
#include "Module.h"
#include "ShapePlan.h"
#include "Status.h"

#include <array>
#include <map>
#include <memory>
#include <mutex>
#include <string>
#include <unordered_map>
#include <vector>

namespace linnet::runtime {

struct State {
  std::vector<int64_t> dims; // kUnbound: not known yet
  Memory memory;
  int64_t bytes = 0;
  bool created = false, poisoned = false;
  // Of a small one on a device that calls read at their start: what is in it, so that they need not
  // wait for it. It comes back with the results of a call that changes it.
  bool watched = false, known = false;
  std::array<char, 8> value = {};

  bool isMirrored() const { return watched && bytes > 0 && size_t(bytes) <= value.size(); }
};

struct SymbolsHash {
  size_t operator()(const std::vector<int64_t> &values) const;
};

/// What a session keeps for each function, so that calls allocate nothing: those with sizes seen
/// before, and of a bounded function all but the first.
struct Frame {
  std::vector<int64_t> symbols;
  ShapePlan bounded; // of a bounded function; the plans of others:
  std::unordered_map<std::vector<int64_t>, std::unique_ptr<ShapePlan>, SymbolsHash> plans;
  const ShapePlan *plan = nullptr; // of the last call
  std::vector<int64_t> planSymbols;
  bool reserved = false; // was called before
  // Of a call: registers, first bytes of buffers and views, operands of a dispatch.
  std::vector<int64_t> registers, scalars;
  std::vector<char *> bases, views;
  std::vector<void *> pointers;
  std::vector<int64_t> extents;
  // On a device other than the CPU: what of the call's tensors is in the caller's memory, with
  // its place on the device; null: not there.
  std::vector<char *> stagedArguments, stagedResults;
  std::vector<Transfer> uploads, downloads;
};

struct CallArguments {
  const lnt_tensor *arguments;
  size_t argumentCount;
  lnt_tensor *results;
  size_t resultCount;
  lnt_trace_fn trace = nullptr;
  void *traceUser = nullptr;
  bool poisonDead = false;
};

/// Whether a call on `device` takes memory of this kind.
inline bool isReachable(const Device &device, lnt_device memory) {
  return memory == LNT_CPU || memory == device.kind();
}

class Session {
public:
  static Failure create(std::shared_ptr<Module> module, const lnt_binding *symbols, size_t count,
                        std::unique_ptr<Session> &result);

  Failure call(size_t function, const CallArguments &call);
  Failure inferShapes(size_t function, const CallArguments &call, int64_t *dims);

  Failure findState(const std::string &name, size_t &index) const;
  Failure getState(size_t index, const lnt_buffer &target);
  Failure setState(size_t index, const lnt_tensor &value);
  Failure resetState(size_t index);
  Failure saveStates(const std::string &path);
  Failure loadStates(const std::string &path);
  lnt_memory_plan memory() const;
  lnt_buffer stateBuffer(size_t index) const;

  const std::shared_ptr<Module> module;
  std::vector<State> states;
  mutable std::mutex mutex;
  const std::unique_ptr<Execution> execution;

private:
  explicit Session(std::shared_ptr<Module> of)
      : module(std::move(of)), execution(module->execution()), arena(module->runtime->device),
        transfers(module->runtime->device) {}

  // Staging.cpp
  Failure stage(const Program &program, Frame &frame, const CallArguments &call);
  Failure checkSlack(const Program &program, const Frame &frame);

  // State.cpp
  Failure createState(size_t index, const std::vector<int64_t> &dims);
  Device &device() const { return *module->runtime->device; }
  /// Copies between a buffer of the device or of the CPU and the device.
  Failure copyIn(char *target, const lnt_buffer &source, uint64_t bytes);
  Failure copyOut(const lnt_buffer &target, const char *source, uint64_t bytes);
  Failure createStates(const Program &program, const Frame &frame);
  uint64_t held() const;
  /// Refuses what is beyond the runtime's limit beside `others` that are held.
  Failure checkLimit(uint64_t bytes, uint64_t others, const std::string &what) const;

  // Call.cpp
  Failure bind(const Program &program, Frame &frame, const CallArguments &call);
  Failure choosePlan(const Program &program, Frame &frame);
  Failure makePlan(const Program &program, Frame &frame);
  void reserveMost(const Program &program);
  Failure reserve(const Program &program, const ShapePlan &plan);
  Failure reserveScratch(int64_t bytes);
  Failure runCommands(const Program &program, Frame &frame, const CallArguments &call,
                      size_t function);
  Failure resolve(const Program &program, Frame &frame, const CallArguments &call);
  Failure argumentPointer(const Program &program, const Frame &frame, const CallArguments &call,
                          size_t i, char *&pointer);
  Failure resultPointer(const Program &program, const Frame &frame, const CallArguments &call,
                        size_t i, char *&pointer);
  Failure refuseOverlaps(const Program &program, const Frame &frame, const CallArguments &call);
  Failure resolveResult(const Program &program, Frame &frame, const CallArguments &call,
                        size_t index);
  void poison(const Program &program);

  std::vector<Frame> frames; // per function
  Memory arena;
  Memory transfers; // the device's copies of the caller's tensors

  friend class Interpreter;
};

} // namespace linnet::runtime

#endif // LINNET_LIB_RUNTIME_SESSION_H
