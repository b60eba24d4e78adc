//===- Interpreter.cpp - runs a command list ------------------------------===//
//
// Part of Linnet, under Apache-2.0 WITH LLVM-exception. See LICENSE.
//
//===----------------------------------------------------------------------===//
#include "Interpreter.h"
#include "Arithmetic.h"
#include "linnet/Bundle/Element.h"

#include <cstring>

namespace linnet::runtime {

using fb::Code;

Interpreter::Interpreter(Session &session, const Program &program, Frame &frame,
                         const CallArguments &call)
    : session(session), program(program), frame(frame), call(call),
      pool(session.module->runtime->pool), limit(session.module->runtime->maxCommands),
      env{LNT_KERNEL_ABI_VERSION, sizeof(lnt_env), session.scratchBlocks.data(), &error} {
  if (limit == 0)
    limit = UINT64_MAX;
}

Failure Interpreter::run() {
  FloatEnvironment floats;
  if (call.trace)
    started = std::chrono::steady_clock::now();
  if (call.poisonDead)
    dead.emplace(program, frame, session.arena.data());
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
      dead->end(at, next);
    at = next;
  }
  return nullptr;
}

Failure Interpreter::choose(uint32_t index) {
  const Command &command = program.commands[index];
  uint32_t middle = index + 1 + command.b;
  if (frame.registers[command.a])
    return range(index + 1, middle);
  if (dead)
    dead->end(index + 1, middle); // what the branch that is not taken would have used last
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

Failure Interpreter::window(uint32_t index, int64_t bytes, const char *what, char *&pointer) {
  if (Failure failure = locate(index, pointer))
    return failure;
  uint32_t buffer = program.views[index].buffer;
  int64_t size = frame.plan->bufferBytes[buffer];
  int64_t offset = pointer - frame.bases[buffer];
  if (bytes < 0 || bytes > size - offset)
    return fail(LNT_FAULT, "function '", program.name, "': a ", what, " of ", bytes,
                " bytes at byte ", offset, " of a buffer of ", size, " bytes");
  return nullptr;
}

Failure Interpreter::load(const Command &command) {
  unsigned width = bundle::elementBytes(fb::ElementType(command.c));
  char *pointer;
  if (Failure failure = window(command.b, (command.imm + 1) * width, "load", pointer))
    return failure;
  pointer += command.imm * width;
  int64_t &out = frame.registers[command.a];
  bool isFloat = command.c >= uint32_t(fb::ElementType::F16);
  switch (width) {
  case 1: {
    int8_t value;
    std::memcpy(&value, pointer, 1);
    out = command.c == uint32_t(fb::ElementType::I1) ? value & 1 : value;
    return nullptr;
  }
  case 2: {
    int16_t value;
    std::memcpy(&value, pointer, 2);
    out = isFloat ? int64_t(uint16_t(value)) : value;
    return nullptr;
  }
  case 4: {
    int32_t value;
    std::memcpy(&value, pointer, 4);
    out = isFloat ? int64_t(uint32_t(value)) : value;
    return nullptr;
  }
  default:
    std::memcpy(&out, pointer, 8);
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
  std::memcpy(pointer + command.imm * width, &value, width);
  return nullptr;
}

Failure Interpreter::copy(const Command &command) {
  int64_t bytes = frame.registers[command.c];
  char *target, *source;
  if (Failure failure = window(command.a, bytes, "copy", target))
    return failure;
  if (Failure failure = window(command.b, bytes, "copy", source))
    return failure;
  if (bytes != 0)
    std::memmove(target, source, size_t(bytes));
  return nullptr;
}

Failure Interpreter::fill(const Command &command) {
  int64_t bytes = frame.registers[command.c], width = command.imm;
  char *target;
  if (Failure failure = window(command.a, bytes, "fill", target))
    return failure;
  if (bytes == 0)
    return nullptr;
  int64_t value = frame.registers[command.b];
  if (width == 1) {
    std::memset(target, int(value), size_t(bytes));
    return nullptr;
  }
  // Doubles what is filled already; a rest that is no whole value gets its first bytes.
  int64_t done = bytes < width ? bytes : width;
  std::memcpy(target, &value, size_t(done));
  while (done < bytes) {
    int64_t more = done < bytes - done ? done : bytes - done;
    std::memcpy(target + done, target, size_t(more));
    done += more;
  }
  return nullptr;
}

//===----------------------------------------------------------------------===//
// Dispatches
//===----------------------------------------------------------------------===//

Failure Interpreter::dispatch(const Launch &launch) {
  const int64_t *registers = frame.registers.data();
  int64_t chunks = registers[launch.chunksReg], scratch = registers[launch.scratchReg];
  if (scratch > int64_t(session.scratchStride)) {
    if (Failure failure = session.reserveScratch(scratch))
      return failure;
    env.scratch = session.scratchBlocks.data();
  }
  for (uint32_t i = 0; i < launch.viewCount; ++i) {
    char *pointer;
    if (Failure failure = locate(launch.views[i], pointer))
      return failure;
    frame.pointers[i] = pointer;
  }
  if (dead && session.scratch.data())
    DeadMemory::fill(session.scratch.data(), session.scratch.size());
  for (uint32_t i = 0; i < launch.scalarCount; ++i)
    frame.scalars[i] = registers[launch.scalars[i]];
  KernelTask task(launch.kernel, &env, frame.pointers.data(), frame.scalars.data());
  if (call.trace) {
    auto begin = std::chrono::steady_clock::now();
    pool.run(task, chunks);
    trace(launch, begin);
  } else {
    pool.run(task, chunks);
  }
  return __atomic_load_n(&error, __ATOMIC_RELAXED) == LNT_ERROR_NONE ? nullptr : fault();
}

void Interpreter::trace(const Launch &launch, std::chrono::steady_clock::time_point begin) {
  auto end = std::chrono::steady_clock::now();
  const DispatchInfo &info = program.dispatches[launch.info];
  auto nanoseconds = [](std::chrono::steady_clock::duration duration) {
    return uint64_t(std::chrono::duration_cast<std::chrono::nanoseconds>(duration).count());
  };
  auto value = [&](uint32_t reg) { return reg == kNone ? -1 : frame.registers[reg]; };
  lnt_trace_event event = {};
  event.op = info.op;
  event.location = info.location;
  event.kernel = launch.kernelName;
  event.start = nanoseconds(begin - started);
  event.duration = nanoseconds(end - begin);
  event.chunks = frame.registers[launch.chunksReg];
  event.flops = value(info.flopsReg);
  event.bytes = value(info.bytesReg);
  event.dispatch = launch.info;
  // A callback may do arithmetic of its own: in the caller's mode it would be slower, not wrong.
  call.trace(call.traceUser, &event);
}

Failure Interpreter::fault() const {
  uint64_t site = error >> LNT_ERROR_POSITION_BITS;
  uint64_t position = error & ((uint64_t(1) << LNT_ERROR_POSITION_BITS) - 1);
  const char *message = site < program.sites.size() ? program.sites[site].message : "";
  return fail(LNT_FAULT, "function '", program.name, "': ", siteLabel(program, site), ": ",
              *message ? message : "a fault", ", first at element ", position);
}

} // namespace linnet::runtime
