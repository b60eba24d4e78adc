//===- Interpreter.h - runs a command list ----------------------*- C++ -*-===//
//
// Part of Linnet, under Apache-2.0 WITH LLVM-exception. See LICENSE.
//
//===----------------------------------------------------------------------===//
#ifndef LINNET_LIB_RUNTIME_INTERPRETER_H
#define LINNET_LIB_RUNTIME_INTERPRETER_H

#include "DeadMemory.h"
#include "Session.h"

#include <optional>

namespace linnet::runtime {

/// One call's walk over the commands behind the entry prefix. The frame has its registers,
/// buffers and views set.
class Interpreter {
public:
  Interpreter(Session &session, const Program &program, Frame &frame, const CallArguments &call);
  Failure run();

private:
  Failure range(uint32_t begin, uint32_t end);
  Failure choose(uint32_t index);
  Failure step(const Command &command);
  Failure repeat(uint32_t index);
  Failure dispatch(const Launch &launch);
  Failure readElement(const Command &command, const char *source, unsigned width,
                      unsigned char *bytes);
  Failure load(const Command &command);
  Failure store(const Command &command);
  Failure copy(const Command &command);
  Failure fill(const Command &command);

  Failure locate(uint32_t view, char *&pointer);
  int64_t extent(uint32_t view, const char *pointer) const;
  /// `bytes` behind the start of `view`, or a failure of the command.
  Failure window(uint32_t view, int64_t bytes, const char *what, char *&pointer);
  Failure count(uint32_t commands);
  lnt_trace_event describe(const Launch &launch) const;

  Session &session;
  const Program &program;
  Frame &frame;
  const CallArguments &call;
  Execution &device;
  uint64_t executed = 0, limit;
  std::optional<DeadMemory> dead; // when the call asks for it
};

} // namespace linnet::runtime

#endif // LINNET_LIB_RUNTIME_INTERPRETER_H
