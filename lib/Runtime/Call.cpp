//===- Call.cpp - what a call checks and prepares -------------------------===//
//
// Part of Linnet, under Apache-2.0 WITH LLVM-exception. See LICENSE.
//
//===----------------------------------------------------------------------===//
#include "Interpreter.h"
#include "Session.h"
#include "linnet/Bundle/Container.h"
#include "linnet/Bundle/Element.h"

#include <algorithm>

namespace linnet::runtime {
namespace {

/// Plans that a function of a session keeps. A decoder that grows by one token a call would
/// otherwise keep one for every length.
constexpr size_t kMaxPlans = 256;

constexpr char kNothing[64] = {};

/// First byte of a caller's tensor, or why it cannot be used. Labels are made on failure only:
/// a call allocates nothing.
Failure callersPointer(const Device &device, const Program &program, bool isResult, size_t index,
                       const lnt_buffer &buffer, int64_t bytes, char *&pointer) {
  // Kernels never look at an empty buffer, but pointer arithmetic wants some address.
  pointer = const_cast<char *>(kNothing);
  if (bytes == 0)
    return nullptr;
  auto bad = [&](const auto &...parts) {
    return fail(LNT_INVALID_ARGUMENT, "function '", program.name,
                "': ", isResult ? program.resultLabel(index) : program.argumentLabel(index), " ",
                parts...);
  };
  if (!isReachable(device, buffer.device))
    return bad("is on device ", int(buffer.device), ", expected ", device.label());
  if (!buffer.handle)
    return bad("expects ", bytes, " bytes, found a null buffer");
  if (buffer.size < uint64_t(bytes))
    return bad("expects ", bytes, " bytes, found ", buffer.size);
  pointer = static_cast<char *>(buffer.handle) + buffer.offset;
  unsigned element =
      bundle::elementBytes(isResult ? program.results[index].type : program.arguments[index].type);
  if (reinterpret_cast<uintptr_t>(pointer) % element != 0)
    return bad("is not aligned to its elements of ", element, " bytes");
  if (buffer.device != LNT_CPU && !device.owns(pointer, uint64_t(bytes)))
    return bad("expects ", bytes, " bytes of ", device.label(), ", which has none there");
  return nullptr;
}

} // namespace

size_t SymbolsHash::operator()(const std::vector<int64_t> &values) const {
  return size_t(bundle::hashBytes(values.data(), values.size() * sizeof(int64_t)));
}

Failure Session::bind(const Program &program, Frame &frame, const CallArguments &call) {
  if (call.argumentCount != program.arguments.size() || call.resultCount != program.results.size())
    return fail(LNT_INVALID_ARGUMENT, "function '", program.name, "' has ",
                program.arguments.size(), " arguments and ", program.results.size(),
                " results, found ", call.argumentCount, " and ", call.resultCount);
  frame.symbols.assign(program.symbols.size(), kUnbound);
  for (size_t i = 0; i < program.arguments.size(); ++i) {
    const Param &param = program.arguments[i];
    if (param.state == kNone) {
      if (Failure failure = bindTensor(program, i, call.arguments[i], frame.symbols))
        return failure;
      continue;
    }
    const State &state = states[param.state];
    if (state.poisoned)
      return fail(LNT_POISONED, "function '", program.name, "': state '",
                  module->states[param.state].name,
                  "' was left half-written by a fault; reset or set it");
    if (state.created) {
      if (Failure failure = bindDims(program, i, state.dims.data(), frame.symbols))
        return failure;
      continue;
    }
    // Sizes given when the session was created.
    for (size_t d = 0; d < param.dims.size(); ++d)
      if (param.dims[d].constant < 0 && state.dims[d] != kUnbound)
        if (Failure failure = bindSymbol(program, param.dims[d].reg, state.dims[d],
                                         program.argumentLabel(i), d, frame.symbols))
          return failure;
  }
  return checkSymbols(program, frame.symbols);
}

/// For the frame's symbols. The offsets of a bounded function are the bundle's: its plan is made
/// anew, where the last one is.
Failure Session::makePlan(const Program &program, Frame &frame) {
  if (program.bounded) {
    if (Failure failure =
            makeShapePlan(program, frame.symbols, module->constantBytes, frame.bounded))
      return failure;
    frame.plan = &frame.bounded;
    return nullptr;
  }
  auto found = frame.plans.find(frame.symbols);
  if (found == frame.plans.end()) {
    auto plan = std::make_unique<ShapePlan>();
    if (Failure failure = makeShapePlan(program, frame.symbols, module->constantBytes, *plan))
      return failure;
    if (frame.plans.size() >= kMaxPlans)
      frame.plans.clear();
    found = frame.plans.emplace(frame.symbols, std::move(plan)).first;
  }
  frame.plan = found->second.get();
  return nullptr;
}

Failure Session::choosePlan(const Program &program, Frame &frame) {
  if (frame.plan && frame.planSymbols == frame.symbols)
    return nullptr;
  frame.plan = nullptr;
  if (Failure failure = makePlan(program, frame))
    return failure;
  frame.registers.resize(program.registers);
  frame.bases.resize(program.buffers.size());
  frame.views.resize(program.views.size());
  frame.scalars.resize(program.maxScalars);
  frame.pointers.resize(program.maxViews);
  frame.extents.resize(program.maxViews);
  frame.planSymbols = frame.symbols;
  if (program.bounded && !frame.reserved && device().isCPU())
    reserveMost(program);
  frame.reserved = true;
  return nullptr;
}

/// What a bounded function needs at its symbols' maxima, so that no later call has to ask for more;
/// pages that no call touches are not there. Where this is too much calls ask for what they need.
void Session::reserveMost(const Program &program) {
  uint64_t limit = module->runtime->memoryLimit, others = held() - arena.size(), total;
  if (program.arenaBytes > arena.size() &&
      !__builtin_add_overflow(program.arenaBytes, others, &total) &&
      (limit == 0 || total <= limit)) {
    arena.release(); // nothing in it outlives a call
    (void)arena.allocate(program.arenaBytes, "an arena");
  }
  if (program.scratchBytes <= INT64_MAX)
    (void)reserveScratch(int64_t(program.scratchBytes));
}

Failure Session::reserveScratch(int64_t bytes) {
  uint64_t limit = module->runtime->memoryLimit, others = held() - execution->scratchHeld();
  return execution->reserveScratch(bytes, limit == 0       ? UINT64_MAX
                                          : limit > others ? limit - others
                                                           : 0);
}

Failure Session::reserve(const Program &program, const ShapePlan &plan) {
  uint64_t wanted = uint64_t(plan.arenaBytes);
  if (wanted > arena.size()) {
    arena.release(); // nothing in it outlives a call
    Failure failure = checkLimit(wanted, held(), "an arena");
    if (!failure)
      failure = arena.allocate(wanted, "an arena");
    if (failure) {
      failure->message = "function '" + program.name + "': " + failure->message;
      return failure;
    }
  }
  return reserveScratch(plan.scratchBytes);
}

Failure Session::resolveResult(const Program &program, Frame &frame, const CallArguments &call,
                               size_t index) {
  const Param &param = program.results[index];
  lnt_tensor &result = call.results[index];
  const ShapePlan &plan = *frame.plan;
  const int64_t *dims = plan.resultDims.data();
  for (size_t i = 0; i < index; ++i)
    dims += program.results[i].dims.size();
  bool given = result.dims != nullptr || result.rank != 0;
  if (given && (result.rank != param.dims.size() || result.type != toType(param.type) ||
                (result.dims && !std::equal(dims, dims + param.dims.size(), result.dims))))
    return fail(LNT_INVALID_ARGUMENT, "function '", program.name, "': ", program.resultLabel(index),
                " has the shape ", bundle::shapeName(dims, param.dims.size(), param.type),
                ", the tensor for it another one");
  return nullptr;
}

Failure Session::argumentPointer(const Program &program, const Frame &frame,
                                 const CallArguments &call, size_t i, char *&pointer) {
  const Param &param = program.arguments[i];
  if (param.state != kNone) {
    pointer = states[param.state].memory.data();
    return nullptr;
  }
  return callersPointer(device(), program, false, i, call.arguments[i].buffer,
                        frame.plan->argumentBytes[i], pointer);
}

Failure Session::resultPointer(const Program &program, const Frame &frame,
                               const CallArguments &call, size_t i, char *&pointer) {
  return callersPointer(device(), program, true, i, call.results[i].buffer,
                        frame.plan->resultBytes[i], pointer);
}

/// Looks at callers' tensors even where no command uses them.
Failure Session::refuseOverlaps(const Program &program, const Frame &frame,
                                const CallArguments &call) {
  const ShapePlan &plan = *frame.plan;
  for (size_t i = 0; i < program.results.size(); ++i) {
    if (program.results[i].alias >= 0)
      continue;
    char *target, *source;
    if (Failure failure = resultPointer(program, frame, call, i, target))
      return failure;
    for (size_t j = 0; j < program.arguments.size(); ++j) {
      if (Failure failure = argumentPointer(program, frame, call, j, source))
        return failure;
      if (source < target + plan.resultBytes[i] && target < source + plan.argumentBytes[j])
        return fail(LNT_INVALID_ARGUMENT, "function '", program.name, "': ", program.resultLabel(i),
                    " overlaps ", program.argumentLabel(j));
    }
  }
  return nullptr;
}

Failure Session::resolve(const Program &program, Frame &frame, const CallArguments &call) {
  const ShapePlan &plan = *frame.plan;
  for (size_t i = 0; i < program.results.size(); ++i)
    if (program.results[i].alias < 0)
      if (Failure failure = resolveResult(program, frame, call, i))
        return failure;
  if (Failure failure = refuseOverlaps(program, frame, call))
    return failure;
  if (!device().isCPU())
    if (Failure failure = stage(program, frame, call))
      return failure;
  for (size_t i = 0; i < program.buffers.size(); ++i) {
    const Buffer &buffer = program.buffers[i];
    char *&base = frame.bases[i];
    base = const_cast<char *>(kNothing);
    Failure failure;
    if (buffer.kind == fb::BufferKind::Argument)
      failure = frame.stagedArguments.empty() || !frame.stagedArguments[buffer.index]
                    ? argumentPointer(program, frame, call, buffer.index, base)
                    : (base = frame.stagedArguments[buffer.index], nullptr);
    else if (buffer.kind == fb::BufferKind::Result)
      failure = frame.stagedResults.empty() || !frame.stagedResults[buffer.index]
                    ? resultPointer(program, frame, call, buffer.index, base)
                    : (base = frame.stagedResults[buffer.index], nullptr);
    else if (buffer.kind == fb::BufferKind::Constant)
      base = const_cast<char *>(module->constants[buffer.index]);
    else if (plan.bufferBytes[i] != 0)
      base = arena.data() + plan.arenaOffsets[i];
    if (failure)
      return failure;
    if (!base)
      base = const_cast<char *>(kNothing); // an empty state or constant
  }
  for (size_t i = 0; i < program.views.size(); ++i)
    frame.views[i] = frame.bases[program.views[i].buffer] + plan.viewOffsets[i];
  return nullptr;
}

void Session::poison(const Program &program) {
  for (const Param &argument : program.arguments)
    if (argument.state != kNone && argument.alias >= 0) {
      states[argument.state].poisoned = true;
      states[argument.state].known = false;
    }
}

Failure Session::inferShapes(size_t function, const CallArguments &call, int64_t *dims) {
  std::lock_guard<std::mutex> lock(mutex);
  const Program *chosen;
  if (Failure failure = module->at(function, chosen))
    return failure;
  const Program &program = *chosen;
  Frame frame;
  ShapePlan plan;
  if (Failure failure = bind(program, frame, call))
    return failure;
  if (Failure failure = evaluateEntry(program, frame.symbols, plan))
    return failure;
  copyShapes(program, plan, dims);
  return nullptr;
}

/// The commands and what is copied before and after them; a device that keeps what it did is not
/// told twice.
Failure Session::runCommands(const Program &program, Frame &frame, const CallArguments &call,
                             size_t function) {
  CallKey key;
  // what was read of a state is in what was recorded
  bool keeps =
      execution->needsBytes && !call.trace && !call.poisonDead && program.entryLoads.empty();
  if (keeps) {
    key.push_back(int64_t(function));
    key.insert(key.end(), frame.symbols.begin(), frame.symbols.end());
    for (const char *base : frame.bases)
      key.push_back(int64_t(reinterpret_cast<uintptr_t>(base)));
    bool found;
    if (Failure failure = execution->replay(program, key, frame.uploads, frame.downloads, found))
      return failure;
    if (found)
      return nullptr;
  }
  if (Failure failure = execution->begin(program, keeps ? &key : nullptr, frame.uploads, call.trace,
                                         call.traceUser))
    return failure;
  if (Failure failure = Interpreter(*this, program, frame, call).run())
    return failure;
  if (call.poisonDead)
    if (Failure failure = checkSlack(program, frame))
      return failure;
  return execution->finish(frame.downloads);
}

Failure Session::call(size_t function, const CallArguments &call) {
  std::lock_guard<std::mutex> lock(mutex);
  const Program *chosen;
  if (Failure failure = module->at(function, chosen))
    return failure;
  const Program &program = *chosen;
  Frame &frame = frames[function];
  if (Failure failure = bind(program, frame, call))
    return failure;
  if (Failure failure = choosePlan(program, frame))
    return failure;
  if (Failure failure = createStates(program, frame))
    return failure;
  if (Failure failure = reserve(program, *frame.plan))
    return failure;
  if (Failure failure = resolve(program, frame, call))
    return failure;
  std::copy(frame.plan->registers.begin(), frame.plan->registers.end(), frame.registers.begin());
  if (Failure failure = runCommands(program, frame, call, function)) {
    execution->abandon();
    poison(program);
    return failure;
  }
  for (const Param &argument : program.arguments)
    if (argument.state != kNone && argument.alias >= 0)
      states[argument.state].known = states[argument.state].isMirrored();
  for (size_t i = 0; i < program.results.size(); ++i) {
    const Param &result = program.results[i];
    if (result.alias < 0)
      continue;
    if (result.state == kNone)
      call.results[i].buffer = call.arguments[size_t(result.alias)].buffer;
    else
      call.results[i].buffer = stateBuffer(result.state);
  }
  return nullptr;
}

} // namespace linnet::runtime
