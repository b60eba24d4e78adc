//===- Staging.cpp - the caller's tensors on a device ---------------------===//
//
// Part of Linnet, under Apache-2.0 WITH LLVM-exception. See LICENSE.
//
//===----------------------------------------------------------------------===//
#include "Session.h"

#include <cstring>

namespace linnet::runtime {
namespace {

/// Tensors of a call are this far apart in their block, so that a device binds each from its
/// start, and a kernel that leaves its tensor is found by what it does to the gap.
constexpr uint64_t kApart = 256;

char *hostAddress(const lnt_buffer &buffer) {
  return static_cast<char *>(buffer.handle) + buffer.offset;
}

} // namespace

Failure Session::copyIn(char *target, const lnt_buffer &source, uint64_t bytes) {
  if (bytes == 0)
    return nullptr;
  if (source.device == device().kind())
    return device().copy(target, hostAddress(source), bytes);
  return device().upload(target, hostAddress(source), bytes);
}

Failure Session::copyOut(const lnt_buffer &target, const char *source, uint64_t bytes) {
  if (bytes == 0)
    return nullptr;
  if (target.device == device().kind())
    return device().copy(hostAddress(target), source, bytes);
  return device().download(hostAddress(target), source, bytes);
}

/// Gives every tensor of the call that is in the CPU's memory a place on the device, and lists
/// what is to be copied there before the commands, and back behind them.
Failure Session::stage(const Program &program, Frame &frame, const CallArguments &call) {
  const ShapePlan &plan = *frame.plan;
  frame.stagedArguments.assign(program.arguments.size(), nullptr);
  frame.stagedResults.assign(program.results.size(), nullptr);
  frame.uploads.clear();
  frame.downloads.clear();
  uint64_t total = kApart;
  auto each = [&](auto &&visit) {
    for (size_t i = 0; i < program.arguments.size(); ++i)
      if (program.arguments[i].state == kNone && plan.argumentBytes[i] != 0 &&
          call.arguments[i].buffer.device == LNT_CPU)
        visit(frame.stagedArguments[i], call.arguments[i].buffer, uint64_t(plan.argumentBytes[i]),
              true, program.arguments[i].alias >= 0);
    for (size_t i = 0; i < program.results.size(); ++i)
      if (program.results[i].alias < 0 && plan.resultBytes[i] != 0 &&
          call.results[i].buffer.device == LNT_CPU)
        visit(frame.stagedResults[i], call.results[i].buffer, uint64_t(plan.resultBytes[i]), false,
              true);
  };
  auto room = [](uint64_t bytes) { return (bytes + kApart - 1) / kApart * kApart + kApart; };
  each([&](char *&, const lnt_buffer &, uint64_t bytes, bool, bool) { total += room(bytes); });
  if (total > transfers.size()) {
    const char *what = "arguments and results";
    transfers.release();
    Failure failure = checkLimit(total, held(), what);
    if (!failure)
      failure = transfers.allocate(total, what);
    if (failure) {
      failure->message = "function '" + program.name + "': " + failure->message;
      return failure;
    }
  }
  if (call.poisonDead)
    if (Failure failure = device().set(transfers.data(), 0xff, transfers.size()))
      return failure;
  char *next = transfers.data() + kApart;
  each([&](char *&place, const lnt_buffer &buffer, uint64_t bytes, bool in, bool out) {
    place = next;
    next += room(bytes);
    if (in)
      frame.uploads.push_back({place, hostAddress(buffer), bytes});
    if (out)
      frame.downloads.push_back({place, hostAddress(buffer), bytes});
  });
  for (const Param &argument : program.arguments)
    if (argument.state != kNone && argument.alias >= 0)
      if (State &state = states[argument.state]; state.isMirrored())
        frame.downloads.push_back({state.memory.data(), state.value.data(), uint64_t(state.bytes)});
  return nullptr;
}

/// What lies between the tensors of a call that asked for it is as it was filled.
Failure Session::checkSlack(const Program &program, const Frame &frame) {
  if (transfers.size() == 0)
    return nullptr;
  std::vector<unsigned char> found(transfers.size());
  if (Failure failure = execution->read(found.data(), transfers.data(), transfers.size()))
    return failure;
  std::vector<bool> taken(found.size());
  auto take = [&](const char *place, int64_t bytes) {
    if (place)
      std::fill_n(taken.begin() + (place - transfers.data()), bytes, true);
  };
  for (size_t i = 0; i < frame.stagedArguments.size(); ++i)
    take(frame.stagedArguments[i], frame.plan->argumentBytes[i]);
  for (size_t i = 0; i < frame.stagedResults.size(); ++i)
    take(frame.stagedResults[i], frame.plan->resultBytes[i]);
  for (size_t i = 0; i < found.size(); ++i)
    if (!taken[i] && found[i] != 0xff)
      return fail(LNT_FAULT, "function '", program.name,
                  "': a kernel wrote beside the arguments and results, first at byte ", i, " of ",
                  found.size());
  return nullptr;
}

} // namespace linnet::runtime
