//===- CheckCommands.cpp - checks of a function's command list ------------===//
//
// Part of Linnet, under Apache-2.0 WITH LLVM-exception. See LICENSE.
//
//===----------------------------------------------------------------------===//
#include "CheckInternal.h"

namespace linnet::bundle {
namespace {

using fb::Code;

/// Elements further than this from the start of a view cannot be meant.
constexpr int64_t kMaxElement = int64_t(1) << 48;

class CommandChecker {
public:
  explicit CommandChecker(FunctionContext &context) : context(context) {}

  Error run();

private:
  Error range(uint64_t begin, uint64_t end, unsigned depth);
  Error one(uint32_t index);
  Error arithmetic(const fb::Command &command);
  Error dispatch(const fb::Command &command);
  Error control(uint32_t index, uint64_t end, unsigned depth, uint64_t &next);
  Error memory(const fb::Command &command);

  Error reads(uint64_t reg);
  Error writes(uint32_t reg);
  Error usesView(uint64_t view);
  Error writesView(uint32_t view);

  FunctionContext &context;
  uint32_t position = 0;
};

bool isArithmetic(Code code) { return code >= Code::Const && code <= Code::Select; }

Error CommandChecker::reads(uint64_t reg) {
  return reg < context.registers
             ? Error()
             : makeError("expects a register below ", context.registers, ", found ", reg);
}

Error CommandChecker::writes(uint32_t reg) {
  if (Error error = reads(reg))
    return error;
  if (reg < context.symbols)
    return makeError("writes register ", reg, ", which holds symbol '",
                     context.function.symbols()->Get(reg)->name()->str(), "'");
  (position < context.entry ? context.defined : context.written)[reg] = true;
  return Error();
}

Error CommandChecker::usesView(uint64_t index) {
  if (index >= context.views)
    return makeError("expects a view below ", context.views, ", found ", index);
  const fb::View &view = *context.function.views()->Get(uint32_t(index));
  const fb::Buffer &buffer = *context.function.buffers()->Get(view.buffer());
  if (buffer.kind() == fb::BufferKind::Arena &&
      (position < buffer.first() || position > buffer.last()))
    return makeError("uses buffer ", view.buffer(), ", which is live from command ", buffer.first(),
                     " to ", buffer.last());
  return Error();
}

Error CommandChecker::writesView(uint32_t index) {
  if (Error error = usesView(index))
    return error;
  const fb::Buffer &buffer =
      *context.function.buffers()->Get(context.function.views()->Get(index)->buffer());
  if (buffer.kind() == fb::BufferKind::Constant)
    return makeError("writes constant ", buffer.index());
  if (buffer.kind() != fb::BufferKind::Argument)
    return Error();
  for (uint32_t i = 0; i < sizeOf(context.function.result_alias()); ++i)
    if (context.function.result_alias()->Get(i) == int64_t(buffer.index()))
      return Error();
  return makeError("writes argument ", buffer.index(), ", which is not donated");
}

Error CommandChecker::arithmetic(const fb::Command &command) {
  if (Error error = writes(command.a()))
    return error;
  if (command.code() == Code::Const)
    return Error();
  if (Error error = reads(command.b()))
    return error;
  if (Error error = reads(command.c()))
    return error;
  if (command.code() != Code::Select)
    return Error();
  return command.imm() < 0 ? makeError("expects a register, found ", command.imm())
                           : reads(uint64_t(command.imm()));
}

Error CommandChecker::dispatch(const fb::Command &command) {
  uint32_t kernels = sizeOf(context.kernels);
  if (command.a() >= kernels)
    return makeError("expects a kernel below ", kernels, ", found ", command.a());
  const fb::Kernel &kernel = *context.kernels->Get(command.a());
  if (command.c() >= sizeOf(context.function.dispatches()))
    return makeError("expects a dispatch below ", sizeOf(context.function.dispatches()), ", found ",
                     command.c());
  uint64_t at = command.b(), end = sizeOf(context.function.operands());
  uint64_t needed = 4 + uint64_t(kernel.buffers()) + kernel.scalars();
  if (at > end || end - at < needed)
    return makeError("expects ", needed, " operands from ", at, " on, but there are ", end,
                     " in all");
  auto operand = [&]() { return context.function.operands()->Get(uint32_t(at++)); };
  if (uint32_t count = operand(); count != kernel.buffers())
    return makeError("passes ", count, " buffers to kernel '", kernel.name()->str(),
                     "', which takes ", kernel.buffers());
  for (uint32_t i = 0; i < kernel.buffers(); ++i)
    if (Error error = usesView(operand()))
      return error;
  if (uint32_t count = operand(); count != kernel.scalars())
    return makeError("passes ", count, " scalars to kernel '", kernel.name()->str(),
                     "', which takes ", kernel.scalars());
  for (uint32_t i = 0; i < kernel.scalars() + 2; ++i) // and chunks, scratch
    if (Error error = reads(operand()))
      return error;
  return Error();
}

Error CommandChecker::memory(const fb::Command &command) {
  switch (command.code()) {
  case Code::Load:
  case Code::Store: {
    if (!validElement(command.c()))
      return makeError("expects an element type, found ", command.c());
    if (command.imm() < 0 || command.imm() > kMaxElement)
      return makeError("expects an element position, found ", command.imm());
    bool load = command.code() == Code::Load;
    if (Error error = load ? writes(command.a()) : reads(command.a()))
      return error;
    return load ? usesView(command.b()) : writesView(command.b());
  }
  case Code::Copy:
    if (Error error = writesView(command.a()))
      return error;
    if (Error error = usesView(command.b()))
      return error;
    return reads(command.c());
  default: // Fill
    if (command.imm() != 1 && command.imm() != 2 && command.imm() != 4 && command.imm() != 8)
      return makeError("expects 1, 2, 4 or 8 bytes to repeat, found ", command.imm());
    if (Error error = writesView(command.a()))
      return error;
    if (Error error = reads(command.b()))
      return error;
    return reads(command.c());
  }
}

Error CommandChecker::one(uint32_t index) {
  const fb::Command &command = *context.function.commands()->Get(index);
  if (command.code() > Code::MAX)
    return makeError("has unknown code ", unsigned(command.code()));
  if (command.code() == Code::Nop)
    return Error();
  if (isArithmetic(command.code()))
    return arithmetic(command);
  if (command.code() == Code::Check) {
    if (command.imm() < 0 || command.imm() >= sizeOf(context.function.sites()))
      return makeError("expects a site below ", sizeOf(context.function.sites()), ", found ",
                       command.imm());
    return reads(command.a());
  }
  if (index < context.entry)
    return makeError("is a ", fb::EnumNameCode(command.code()),
                     ", but only arithmetic may be before the entry ", context.entry);
  return command.code() == Code::Dispatch ? dispatch(command) : memory(command);
}

/// An If or a While at `index`, whose two parts must end before `end`.
Error CommandChecker::control(uint32_t index, uint64_t end, unsigned depth, uint64_t &next) {
  const fb::Command &command = *context.function.commands()->Get(index);
  if (index < context.entry)
    return makeError("is a ", fb::EnumNameCode(command.code()),
                     ", but only arithmetic may be before the entry ", context.entry);
  if (depth >= kMaxDepth)
    return makeError("is nested deeper than ", kMaxDepth);
  uint64_t middle = uint64_t(index) + 1 + command.b();
  next = middle + command.c();
  if (next > end)
    return makeError("has ", command.b(), " + ", command.c(), " commands in its parts, but only ",
                     end - index - 1, " follow");
  if (Error error = reads(command.a()))
    return error;
  if (Error error = range(uint64_t(index) + 1, middle, depth + 1))
    return error;
  return range(middle, next, depth + 1);
}

Error CommandChecker::range(uint64_t begin, uint64_t end, unsigned depth) {
  for (uint64_t at = begin; at < end;) {
    position = uint32_t(at);
    Code code = context.function.commands()->Get(position)->code();
    uint64_t next = at + 1;
    Error error = code == Code::If || code == Code::While ? control(position, end, depth, next)
                                                          : one(position);
    if (error)
      return error.message().rfind("command ", 0) == 0 // of a nested range: named already
                 ? error
                 : makeError("command ", at, " ", error.message());
    at = next;
  }
  return Error();
}

Error CommandChecker::run() { return range(0, context.commands, 0); }

} // namespace

Error checkCommands(FunctionContext &context) { return CommandChecker(context).run(); }

} // namespace linnet::bundle
