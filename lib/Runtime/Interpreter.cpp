//===- Interpreter.cpp - runs a command list ------------------------------===//
//
// Part of Linnet, under Apache-2.0 WITH LLVM-exception. See LICENSE.
//
//===----------------------------------------------------------------------===//
#include "Interpreter.h"
#include "Arithmetic.h"
#include "linnet/Bundle/Element.h"

#include <algorithm>
#include <cstring>

namespace linnet::runtime {

using fb::Code;

Interpreter::Interpreter(Session &session, const Program &program, Frame &frame,
                         const CallArguments &call)
    : session(session), program(program), frame(frame), call(call), device(*session.execution),
      limit(session.module->runtime->maxCommands) {
  if (limit == 0)
    limit = UINT64_MAX;
}

Failure Interpreter::run() {
  if (call.poisonDead) {
    dead.emplace(program, frame, device);
    if (Failure failure = dead->fillAll(session.arena.data()))
      return failure;
  }
  return range(program.entry, uint32_t(program.commands.size()));
}

Failure Interpreter::count(uint32_t commands) {
  executed += commands;
  if (executed > limit)
    return fail(LNT_FAULT, "function '", program.name, "': more than ", limit,
                " commands were executed");
  return nullptr;
}

Failure Interpreter::range(uint32_t begin, uint32_t end) {
  if (Failure failure = count(end - begin + 1))
    return failure;
  for (uint32_t at = begin; at < end;) {
    const Command &command = program.commands[at];
    uint32_t next = at + 1;
    if (dead)
      if (Failure failure = dead->begin(at))
        return failure;
    Failure failure;
    switch (command.code) {
    case Code::If:
      failure = choose(at);
      next += command.b + command.c;
      break;
    case Code::While:
      failure = repeat(at);
      next += command.b + command.c;
      break;
    default:
      failure = step(command);
    }
    if (failure)
      return failure;
    if (dead)
      if (Failure bad = dead->end(at, next))
        return bad;
    at = next;
  }
  return nullptr;
}

Failure Interpreter::choose(uint32_t index) {
  const Command &command = program.commands[index];
  uint32_t middle = index + 1 + command.b;
  if (frame.registers[command.a])
    return range(index + 1, middle);
  if (dead) // what the branch that is not taken would have used last
    if (Failure failure = dead->end(index + 1, middle))
      return failure;
  return range(middle, middle + command.c);
}

Failure Interpreter::repeat(uint32_t index) {
  const Command &command = program.commands[index];
  uint32_t middle = index + 1 + command.b;
  std::optional<DeadMemory::Loop> inside;
  if (dead)
    inside.emplace(*dead, index);
  for (;;) {
    if (Failure failure = range(index + 1, middle))
      return failure;
    if (frame.registers[command.a] == 0)
      return nullptr;
    if (Failure failure = range(middle, middle + command.c))
      return failure;
  }
}

Failure Interpreter::step(const Command &command) {
  switch (command.code) {
  case Code::Nop:
    return nullptr;
  case Code::Dispatch:
    return dispatch(program.launches[command.a]);
  case Code::Load:
    return load(command);
  case Code::Store:
    return store(command);
  case Code::Copy:
    return copy(command);
  case Code::Fill:
    return fill(command);
  case Code::Check:
    if (frame.registers[command.a] != 0)
      return nullptr;
    return fail(LNT_FAULT, "function '", program.name,
                "': ", siteLabel(program, uint64_t(command.imm)), ": ",
                program.sites[size_t(command.imm)].message);
  default:
    if (compute<false>(command, frame.registers.data()) == Arithmetic::Division)
      return fail(LNT_FAULT, "function '", program.name, "': command ",
                  &command - program.commands.data(), " divides by zero");
    return nullptr;
  }
}

//===----------------------------------------------------------------------===//
// Memory
//===----------------------------------------------------------------------===//

Failure Interpreter::locate(uint32_t index, char *&pointer) {
  const View &view = program.views[index];
  if (!view.dynamic) {
    pointer = frame.views[index];
    return nullptr;
  }
  int64_t offset = frame.registers[view.offsetReg], size = frame.plan->bufferBytes[view.buffer];
  if (offset < 0 || offset > size)
    return fail(LNT_FAULT, "function '", program.name, "': view ", index, " begins at byte ",
                offset, " of a buffer of ", size, " bytes");
  pointer = frame.bases[view.buffer] + offset;
  return nullptr;
}

int64_t Interpreter::extent(uint32_t index, const char *pointer) const {
  uint32_t buffer = program.views[index].buffer;
  return frame.plan->bufferBytes[buffer] - (pointer - frame.bases[buffer]);
}

Failure Interpreter::window(uint32_t index, int64_t bytes, const char *what, char *&pointer) {
  if (Failure failure = locate(index, pointer))
    return failure;
  uint32_t buffer = program.views[index].buffer;
  int64_t size = frame.plan->bufferBytes[buffer];
  int64_t offset = pointer - frame.bases[buffer];
  if (bytes < 0 || bytes > extent(index, pointer))
    return fail(LNT_FAULT, "function '", program.name, "': a ", what, " of ", bytes,
                " bytes at byte ", offset, " of a buffer of ", size, " bytes");
  return nullptr;
}

/// From the device, unless the CPU knows what is there: an argument of the caller's, or a state
/// whose value came back with the call that wrote it.
Failure Interpreter::readElement(const Command &command, const char *source, unsigned width,
                                 unsigned char *bytes) {
  auto at = std::find_if(
      program.entryLoads.begin(), program.entryLoads.end(),
      [&](const EntryLoad &load) { return &command == &program.commands[load.command]; });
  if (at == program.entryLoads.end() || session.device().isCPU())
    return device.read(bytes, source, width);
  const char *base = frame.bases[program.views[command.b].buffer];
  uint32_t index = program.arguments[at->argument].state;
  if (index == kNone) {
    const lnt_buffer &given = call.arguments[at->argument].buffer;
    if (given.device != LNT_CPU)
      return device.read(bytes, source, width);
    std::memcpy(bytes, static_cast<char *>(given.handle) + given.offset + (source - base), width);
    return nullptr;
  }
  State &state = session.states[index];
  if (!state.isMirrored())
    return device.read(bytes, source, width);
  if (!state.known)
    if (Failure failure =
            device.read(state.value.data(), state.memory.data(), uint64_t(state.bytes)))
      return failure;
  state.known = true;
  std::memcpy(bytes, state.value.data() + (source - base), width);
  return nullptr;
}

Failure Interpreter::load(const Command &command) {
  unsigned width = bundle::elementBytes(fb::ElementType(command.c));
  char *pointer;
  if (Failure failure = window(command.b, (command.imm + 1) * width, "load", pointer))
    return failure;
  unsigned char bytes[8] = {};
  if (Failure failure = readElement(command, pointer + command.imm * width, width, bytes))
    return failure;
  int64_t &out = frame.registers[command.a];
  bool isFloat = command.c >= uint32_t(fb::ElementType::F16);
  switch (width) {
  case 1: {
    int8_t value;
    std::memcpy(&value, bytes, 1);
    out = command.c == uint32_t(fb::ElementType::I1) ? value & 1 : value;
    return nullptr;
  }
  case 2: {
    int16_t value;
    std::memcpy(&value, bytes, 2);
    out = isFloat ? int64_t(uint16_t(value)) : value;
    return nullptr;
  }
  case 4: {
    int32_t value;
    std::memcpy(&value, bytes, 4);
    out = isFloat ? int64_t(uint32_t(value)) : value;
    return nullptr;
  }
  default:
    std::memcpy(&out, bytes, 8);
    return nullptr;
  }
}

Failure Interpreter::store(const Command &command) {
  unsigned width = bundle::elementBytes(fb::ElementType(command.c));
  char *pointer;
  if (Failure failure = window(command.b, (command.imm + 1) * width, "store", pointer))
    return failure;
  // Little-endian: the low bytes come first.
  int64_t value = frame.registers[command.a];
  if (command.c == uint32_t(fb::ElementType::I1))
    value &= 1;
  return device.write(pointer + command.imm * width, &value, width);
}

Failure Interpreter::copy(const Command &command) {
  int64_t bytes = frame.registers[command.c];
  char *target, *source;
  if (Failure failure = window(command.a, bytes, "copy", target))
    return failure;
  if (Failure failure = window(command.b, bytes, "copy", source))
    return failure;
  return bytes == 0 ? nullptr : device.copy(target, source, uint64_t(bytes));
}

Failure Interpreter::fill(const Command &command) {
  int64_t bytes = frame.registers[command.c], width = command.imm;
  char *target;
  if (Failure failure = window(command.a, bytes, "fill", target))
    return failure;
  return bytes == 0
             ? nullptr
             : device.fill(target, frame.registers[command.b], unsigned(width), uint64_t(bytes));
}

//===----------------------------------------------------------------------===//
// Dispatches
//===----------------------------------------------------------------------===//

Failure Interpreter::dispatch(const Launch &launch) {
  const int64_t *registers = frame.registers.data();
  int64_t scratch = registers[launch.scratchReg];
  if (scratch > int64_t(device.scratchPerWorker()))
    if (Failure failure = session.reserveScratch(scratch))
      return failure;
  for (uint32_t i = 0; i < launch.viewCount; ++i) {
    char *pointer;
    if (Failure failure = locate(launch.views[i], pointer))
      return failure;
    frame.pointers[i] = pointer;
    if (device.needsBytes)
      frame.extents[i] = extent(launch.views[i], pointer);
  }
  if (dead)
    device.poisonScratch();
  for (uint32_t i = 0; i < launch.scalarCount; ++i)
    frame.scalars[i] = registers[launch.scalars[i]];
  LaunchArguments arguments = {launch,
                               frame.pointers.data(),
                               frame.extents.data(),
                               frame.scalars.data(),
                               registers[launch.chunksReg],
                               nullptr};
  if (!call.trace)
    return device.launch(arguments);
  lnt_trace_event event = describe(launch);
  arguments.event = &event;
  return device.launch(arguments);
}

/// What is known of a launch before it is done.
lnt_trace_event Interpreter::describe(const Launch &launch) const {
  const DispatchInfo &info = program.dispatches[launch.info];
  auto value = [&](uint32_t reg) { return reg == kNone ? -1 : frame.registers[reg]; };
  lnt_trace_event event = {};
  event.op = info.op;
  event.location = info.location;
  event.kernel = launch.kernelName;
  event.chunks = frame.registers[launch.chunksReg];
  event.flops = value(info.flopsReg);
  event.bytes = value(info.bytesReg);
  event.dispatch = launch.info;
  return event;
}

Failure faultAt(const Program &program, uint64_t site, uint64_t position) {
  const char *message = site < program.sites.size() ? program.sites[site].message : "";
  return fail(LNT_FAULT, "function '", program.name, "': ", siteLabel(program, site), ": ",
              *message ? message : "a fault", ", first at element ", position);
}

} // namespace linnet::runtime
