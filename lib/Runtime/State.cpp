//===- State.cpp - the tensors that a session keeps -----------------------===//
//
// Part of Linnet, under Apache-2.0 WITH LLVM-exception. See LICENSE.
//
//===----------------------------------------------------------------------===//
#include "Session.h"
#include "linnet/Bundle/Element.h"
#include "linnet/Bundle/SafeTensors.h"

#include <algorithm>
#include <cstring>

namespace linnet::runtime {
namespace {

std::string slotShape(const StateSlot &slot) {
  std::string label;
  for (size_t i = 0; i < slot.constants.size(); ++i)
    label +=
        (slot.constants[i] >= 0 ? std::to_string(slot.constants[i]) : slot.symbols[i].front()) +
        "x";
  return label + bundle::elementName(slot.type);
}

bool complete(const std::vector<int64_t> &dims) {
  return std::find(dims.begin(), dims.end(), kUnbound) == dims.end();
}

} // namespace

Failure Session::create(std::shared_ptr<Module> module, const lnt_binding *symbols, size_t count,
                        std::unique_ptr<Session> &result) {
  if (module->describeOnly)
    return fail(LNT_INVALID_ARGUMENT, "the module was loaded to be described only");
  std::unique_ptr<Session> session(new Session(std::move(module)));
  const Module &of = *session->module;
  session->states.resize(of.states.size());
  session->frames.resize(of.programs.size());
  for (const Program &program : of.programs)
    for (const EntryLoad &load : program.entryLoads)
      if (uint32_t state = program.arguments[load.argument].state; state != kNone)
        session->states[state].watched = !session->device().isCPU();
  std::vector<bool> used(count);
  for (const Program &program : of.programs)
    for (const Symbol &symbol : program.symbols)
      for (size_t i = 0; i < count; ++i)
        if (symbols[i].name && symbol.name == symbols[i].name)
          used[i] = true;
  for (size_t i = 0; i < count; ++i)
    if (!used[i] || symbols[i].value < 0)
      return fail(LNT_INVALID_ARGUMENT, used[i] ? "negative size for" : "no function has",
                  " symbol '", symbols[i].name ? symbols[i].name : "", "'");
  for (size_t s = 0; s < of.states.size(); ++s) {
    std::vector<int64_t> dims = of.states[s].constants;
    for (size_t d = 0; d < dims.size(); ++d)
      for (size_t i = 0; i < count && dims[d] < 0; ++i)
        if (const auto &names = of.states[s].symbols[d];
            std::find(names.begin(), names.end(), symbols[i].name) != names.end())
          dims[d] = symbols[i].value;
    session->states[s].dims = dims;
    if (complete(dims))
      if (Failure failure = session->createState(s, dims))
        return failure;
  }
  result = std::move(session);
  return nullptr;
}

uint64_t Session::held() const {
  uint64_t total = arena.size() + transfers.size() + execution->scratchHeld();
  for (const State &state : states)
    total += state.memory.size();
  return total;
}

Failure Session::checkLimit(uint64_t bytes, uint64_t others, const std::string &what) const {
  uint64_t limit = module->runtime->memoryLimit, room = limit > others ? limit - others : 0;
  if (limit == 0 || bytes <= room)
    return nullptr;
  return fail(LNT_OUT_OF_MEMORY, "out of memory for ", what, " of ", bytes, " bytes: ", room,
              " of the limit of ", limit, " are free");
}

Failure Session::createState(size_t index, const std::vector<int64_t> &dims) {
  const StateSlot &slot = module->states[index];
  State &state = states[index];
  int64_t bytes;
  if (!bundle::shapeBytes(dims.data(), dims.size(), slot.type, bytes))
    return fail(LNT_INVALID_ARGUMENT, "the size of state '", slot.name, "' overflows");
  Memory memory(module->runtime->device);
  std::string what = "state '" + slot.name + "'";
  if (Failure failure = checkLimit(uint64_t(bytes), held() - state.memory.size(), what))
    return failure;
  if (Failure failure = memory.allocate(uint64_t(bytes), what))
    return failure;
  state.memory = std::move(memory);
  state.dims = dims;
  state.bytes = bytes;
  state.known = false;
  state.created = true;
  state.poisoned = false;
  return slot.initial >= 0 ? resetState(index) : nullptr;
}

/// The states of a function that did not exist before its symbols were bound.
Failure Session::createStates(const Program &program, const Frame &frame) {
  for (const Param &argument : program.arguments) {
    if (argument.state == kNone || states[argument.state].created)
      continue;
    std::vector<int64_t> dims;
    dims.reserve(argument.dims.size());
    for (const Dim &dim : argument.dims)
      dims.push_back(dim.constant >= 0 ? dim.constant : frame.symbols[dim.reg]);
    if (Failure failure = createState(argument.state, dims))
      return failure;
  }
  return nullptr;
}

Failure Session::findState(const std::string &name, size_t &index) const {
  for (index = 0; index < module->states.size(); ++index)
    if (module->states[index].name == name)
      return nullptr;
  std::string known;
  for (const StateSlot &slot : module->states)
    known += (known.empty() ? "" : ", ") + ("'" + slot.name + "'");
  return fail(LNT_INVALID_ARGUMENT, "no state is called '", name, "'",
              known.empty() ? ": the module has none" : "; there are ", known);
}

Failure Session::getState(size_t index, const lnt_buffer &target) {
  const State &state = states[index];
  const StateSlot &slot = module->states[index];
  if (!state.created)
    return fail(LNT_INVALID_ARGUMENT, "state '", slot.name, "' has no size before a call");
  if (state.poisoned)
    return fail(LNT_POISONED, "state '", slot.name, "' was left half-written by a fault");
  if (!isReachable(device(), target.device) || target.size < uint64_t(state.bytes) ||
      (!target.handle && state.bytes != 0))
    return fail(LNT_INVALID_ARGUMENT, "state '", slot.name, "' has ", state.bytes,
                " bytes, the buffer ", target.handle ? target.size : 0);
  return copyOut(target, state.memory.data(), uint64_t(state.bytes));
}

Failure Session::setState(size_t index, const lnt_tensor &value) {
  const StateSlot &slot = module->states[index];
  State &state = states[index];
  std::vector<int64_t> dims(value.dims, value.dims + (value.dims ? value.rank : 0));
  bool same = value.type == toType(slot.type) && dims.size() == slot.constants.size() &&
              value.rank == dims.size();
  for (size_t i = 0; same && i < dims.size(); ++i)
    same = dims[i] >= 0 && (slot.constants[i] < 0 || slot.constants[i] == dims[i]);
  if (!same)
    return fail(LNT_INVALID_ARGUMENT, "state '", slot.name, "' expects ", slotShape(slot),
                ", found ",
                bundle::shapeName(dims.data(), dims.size(), fb::ElementType(value.type)));
  int64_t bytes;
  if (!bundle::shapeBytes(dims.data(), dims.size(), slot.type, bytes) ||
      !isReachable(device(), value.buffer.device) || uint64_t(bytes) > value.buffer.size ||
      (bytes != 0 && !value.buffer.handle))
    return fail(LNT_INVALID_ARGUMENT, "state '", slot.name, "' expects a buffer for ",
                bundle::shapeName(dims.data(), dims.size(), slot.type), ", found ",
                value.buffer.size, " bytes");
  if (!state.created || state.dims != dims)
    if (Failure failure = createState(index, dims))
      return failure;
  state.known = false;
  if (Failure failure = copyIn(state.memory.data(), value.buffer, uint64_t(bytes)))
    return failure;
  state.poisoned = false;
  return nullptr;
}

Failure Session::resetState(size_t index) {
  State &state = states[index];
  int32_t initial = module->states[index].initial;
  uint64_t bytes = uint64_t(state.bytes);
  Failure failure;
  state.known = false;
  if (bytes != 0 && initial >= 0)
    failure = device().copy(state.memory.data(), module->constants[size_t(initial)], bytes);
  else if (bytes != 0)
    failure = device().set(state.memory.data(), 0, bytes);
  state.poisoned = failure != nullptr;
  return failure;
}

lnt_buffer Session::stateBuffer(size_t index) const {
  const State &state = states[index];
  return {device().kind(), state.memory.data(), 0, uint64_t(state.bytes)};
}

Failure Session::saveStates(const std::string &path) {
  std::map<std::string, bundle::Tensor> tensors;
  std::vector<std::unique_ptr<char[]>> fetched;
  for (size_t i = 0; i < states.size(); ++i) {
    const State &state = states[i];
    const StateSlot &slot = module->states[i];
    if (state.poisoned)
      return fail(LNT_POISONED, "state '", slot.name, "' was left half-written by a fault");
    if (!state.created)
      continue;
    const char *data = state.memory.data();
    if (!device().isCPU() && state.bytes != 0) {
      fetched.emplace_back(new char[size_t(state.bytes)]);
      if (Failure failure = device().download(fetched.back().get(), data, uint64_t(state.bytes)))
        return failure;
      data = fetched.back().get();
    }
    tensors[slot.name] = {slot.type, state.dims, data, state.bytes};
  }
  return fail(LNT_IO, bundle::writeSafeTensors(path, tensors));
}

Failure Session::loadStates(const std::string &path) {
  std::unique_ptr<bundle::SafeTensors> file;
  if (bundle::Error error = bundle::SafeTensors::open(path, file))
    return fail(LNT_IO, error);
  size_t found = 0;
  for (size_t i = 0; i < states.size(); ++i) {
    const bundle::Tensor *tensor = file->find(module->states[i].name);
    if (!tensor)
      continue;
    ++found;
    lnt_tensor value = {toType(tensor->type),
                        uint32_t(tensor->dims.size()),
                        tensor->dims.data(),
                        {LNT_CPU, const_cast<void *>(tensor->data), 0, uint64_t(tensor->bytes)}};
    if (Failure failure = setState(i, value)) {
      failure->message = "'" + path + "': " + failure->message;
      return failure;
    }
  }
  if (found == 0)
    return fail(LNT_INVALID_ARGUMENT, "'", path, "' has none of the module's ", states.size(),
                " states");
  return nullptr;
}

lnt_memory_plan Session::memory() const {
  lnt_memory_plan plan = {};
  for (const State &state : states)
    plan.state += uint64_t(state.bytes);
  plan.constants = module->constantTotal;
  plan.arena = arena.size();
  plan.scratch = execution->scratchHeld();
  plan.total = plan.state + plan.constants + plan.arena + plan.scratch;
  return plan;
}

} // namespace linnet::runtime
