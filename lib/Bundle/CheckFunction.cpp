//===- CheckFunction.cpp - checks of a function's tables ------------------===//
//
// Part of Linnet, under Apache-2.0 WITH LLVM-exception. See LICENSE.
//
//===----------------------------------------------------------------------===//
#include "CheckInternal.h"
#include "linnet/Bundle/Container.h"
#include "linnet/Bundle/Element.h"

#include <algorithm>
#include <map>
#include <set>

namespace linnet::bundle {
namespace {

constexpr uint32_t kMaxRank = 32;

class FunctionChecker {
public:
  FunctionChecker(const fb::Bundle &bundle, const Kernels *kernels, const fb::Function &function)
      : context{bundle,
                kernels,
                function,
                sizeOf(function.symbols()),
                function.registers(),
                sizeOf(function.commands()),
                sizeOf(function.views()),
                sizeOf(function.buffers()),
                function.entry(),
                {},
                {}},
        function(function) {}

  Error run();

private:
  Error counts();
  Error symbols();
  Error params(const flatbuffers::Vector<flatbuffers::Offset<fb::Param>> *list, const char *what);
  Error aliases();
  Error states();
  Error initial(uint32_t argument);
  Error buffer(const fb::Buffer &buffer);
  Error buffersAndViews();
  Error labels();
  Error sizes();
  Error arena();

  FunctionContext context;
  const fb::Function &function;
};

Error FunctionChecker::counts() {
  uint64_t most = uint64_t(context.symbols) + context.commands + 65536;
  if (!alignedElements(function.commands()))
    return makeError("has misaligned commands");
  if (context.registers < context.symbols || context.registers > most)
    return makeError("expects ", context.symbols, " to ", most, " registers, found ",
                     context.registers);
  if (context.entry > context.commands)
    return makeError("expects an entry up to ", context.commands, ", found ", context.entry);
  if (function.arena_bytes() != kUnbounded && function.arena_bytes() > uint64_t(INT64_MAX))
    return makeError("expects an arena below 2^63 bytes, found ", function.arena_bytes());
  if (function.scratch_bytes() != kUnbounded && function.scratch_bytes() > uint64_t(INT64_MAX))
    return makeError("expects scratch below 2^63 bytes, found ", function.scratch_bytes());
  return Error();
}

Error FunctionChecker::symbols() {
  std::set<std::string> names;
  for (uint32_t i = 0; i < context.symbols; ++i) {
    const fb::Symbol &symbol = *function.symbols()->Get(i);
    if (!cleanString(symbol.name()) || symbol.name()->size() == 0)
      return makeError("symbol ", i, " has an empty name or one with a NUL");
    std::string name = symbol.name()->str();
    if (!names.insert(name).second)
      return makeError("has symbol '", name, "' twice");
    if (symbol.min() < 0 || symbol.max() < -1 ||
        (symbol.max() != -1 && symbol.max() < symbol.min()) || symbol.multiple() < 1)
      return makeError("symbol '", name, "' has min ", symbol.min(), ", max ", symbol.max(),
                       ", multiple ", symbol.multiple());
  }
  return Error();
}

Error FunctionChecker::params(const flatbuffers::Vector<flatbuffers::Offset<fb::Param>> *list,
                              const char *what) {
  for (uint32_t i = 0; i < sizeOf(list); ++i) {
    const fb::Param &param = *list->Get(i);
    if (!cleanString(param.name()) || !cleanString(param.state()))
      return makeError(what, " ", i, " has a name with a NUL");
    if (!validElement(uint64_t(param.type())))
      return makeError(what, " ", i, " has element type ", unsigned(param.type()));
    if (sizeOf(param.dims()) > kMaxRank)
      return makeError(what, " ", i, " has rank ", sizeOf(param.dims()), ", at most ", kMaxRank);
    if (!alignedElements(param.dims()))
      return makeError(what, " ", i, " has misaligned dims");
    for (uint32_t d = 0; d < sizeOf(param.dims()); ++d) {
      const fb::Dim &dim = *param.dims()->Get(d);
      if (dim.constant() < -1)
        return makeError(what, " ", i, " has size ", dim.constant(), " in dimension ", d);
      if (dim.constant() != -1)
        continue;
      bool argument = list == function.arguments();
      if (argument ? dim.reg() >= context.symbols : !context.isSize(dim.reg()))
        return makeError(what, " ", i, " takes dimension ", d, " from register ", dim.reg(),
                         argument ? ", which holds no symbol" : ", which is not fixed at entry");
    }
  }
  return Error();
}

Error FunctionChecker::aliases() {
  uint32_t results = sizeOf(function.results()), arguments = sizeOf(function.arguments());
  if (sizeOf(function.result_alias()) != results)
    return makeError("has ", results, " results, but ", sizeOf(function.result_alias()),
                     " aliases");
  std::vector<bool> taken(arguments);
  for (uint32_t i = 0; i < results; ++i) {
    int32_t alias = function.result_alias()->Get(i);
    if (alias == -1)
      continue;
    if (alias < 0 || uint32_t(alias) >= arguments)
      return makeError("result ", i, " aliases argument ", alias, " of ", arguments);
    if (taken[alias])
      return makeError("argument ", alias, " is donated to two results");
    taken[alias] = true;
    const fb::Param &result = *function.results()->Get(i);
    const fb::Param &argument = *function.arguments()->Get(uint32_t(alias));
    if (result.type() != argument.type() || sizeOf(result.dims()) != sizeOf(argument.dims()))
      return makeError("result ", i, " aliases argument ", alias, " of another type");
  }
  return Error();
}

/// A state starts with a constant of its type and shape.
Error FunctionChecker::initial(uint32_t argument) {
  const fb::Param &param = *function.arguments()->Get(argument);
  if (param.initial() == -1)
    return Error();
  if (!param.state() || param.initial() < 0 ||
      uint32_t(param.initial()) >= sizeOf(context.bundle.constants()))
    return makeError("argument ", argument, " starts with constant ", param.initial(), " of ",
                     sizeOf(context.bundle.constants()));
  const fb::Constant &constant = *context.bundle.constants()->Get(uint32_t(param.initial()));
  bool same = !constant.layout() && constant.type() == param.type() &&
              sizeOf(constant.dims()) == sizeOf(param.dims());
  for (uint32_t d = 0; same && d < sizeOf(param.dims()); ++d)
    same = uint64_t(param.dims()->Get(d)->constant()) == constant.dims()->Get(d);
  if (!same)
    return makeError("argument ", argument, " starts with a constant of another type");
  return Error();
}

/// A state is an argument and the result that takes its memory over.
Error FunctionChecker::states() {
  std::set<std::string> names;
  for (uint32_t i = 0; i < sizeOf(function.arguments()); ++i) {
    const flatbuffers::String *state = function.arguments()->Get(i)->state();
    if (state && !names.insert(state->str()).second)
      return makeError("has two arguments of state '", state->str(), "'");
    if (Error error = initial(i))
      return error;
  }
  for (uint32_t i = 0; i < sizeOf(function.results()); ++i) {
    const flatbuffers::String *state = function.results()->Get(i)->state();
    int32_t alias = function.result_alias()->Get(i);
    if (!state)
      continue;
    const flatbuffers::String *source =
        alias < 0 ? nullptr : function.arguments()->Get(uint32_t(alias))->state();
    if (!source || source->str() != state->str())
      return makeError("result ", i, " is state '", state->str(),
                       "', but does not alias an argument of that state");
  }
  return Error();
}

Error FunctionChecker::buffer(const fb::Buffer &buffer) {
  uint32_t limit = 0;
  switch (buffer.kind()) {
  case fb::BufferKind::Argument:
    limit = sizeOf(function.arguments());
    break;
  case fb::BufferKind::Result:
    limit = sizeOf(function.results());
    break;
  case fb::BufferKind::Constant:
    limit = sizeOf(context.bundle.constants());
    break;
  case fb::BufferKind::Arena:
    if (buffer.size_reg() >= context.registers)
      return makeError("takes its size from register ", buffer.size_reg(), " of ",
                       context.registers);
    if (buffer.first() > buffer.last() || buffer.last() >= context.commands)
      return makeError("is live from command ", buffer.first(), " to ", buffer.last(), " of ",
                       context.commands);
    if (buffer.offset() % kConstantAlign != 0)
      return makeError("is at ", buffer.offset(), ", not a multiple of ", kConstantAlign);
    if (buffer.max_size() != kUnbounded && function.arena_bytes() != kUnbounded &&
        (buffer.max_size() > function.arena_bytes() ||
         buffer.offset() > function.arena_bytes() - buffer.max_size()))
      return makeError("is at ", buffer.offset(), " with up to ", buffer.max_size(),
                       " bytes in an arena of ", function.arena_bytes());
    return Error();
  default:
    return makeError("has unknown kind ", unsigned(buffer.kind()));
  }
  if (buffer.index() >= limit)
    return makeError("expects an index below ", limit, ", found ", buffer.index());
  if (buffer.kind() == fb::BufferKind::Result && function.result_alias()->Get(buffer.index()) != -1)
    return makeError("is result ", buffer.index(), ", which is an argument's memory");
  return Error();
}

Error FunctionChecker::buffersAndViews() {
  for (uint32_t i = 0; i < context.buffers; ++i)
    if (Error error = buffer(*function.buffers()->Get(i)))
      return makeError("buffer ", i, " ", error.message());
  for (uint32_t i = 0; i < context.views; ++i) {
    const fb::View &view = *function.views()->Get(i);
    if (view.buffer() >= context.buffers)
      return makeError("view ", i, " expects a buffer below ", context.buffers, ", found ",
                       view.buffer());
    if (view.offset_reg() != kNoRegister && view.offset_reg() >= context.registers)
      return makeError("view ", i, " expects a register below ", context.registers, ", found ",
                       view.offset_reg());
  }
  return Error();
}

Error FunctionChecker::labels() {
  for (uint32_t i = 0; i < sizeOf(function.dispatches()); ++i) {
    const fb::DispatchInfo &info = *function.dispatches()->Get(i);
    if (!cleanString(info.op()) || !cleanString(info.location()))
      return makeError("dispatch ", i, " has a label with a NUL");
    for (uint32_t reg : {info.flops_reg(), info.bytes_reg()})
      if (reg != kNoRegister && reg >= context.registers)
        return makeError("dispatch ", i, " expects a register below ", context.registers,
                         ", found ", reg);
  }
  for (uint32_t i = 0; i < sizeOf(function.sites()); ++i) {
    const fb::FaultSite &site = *function.sites()->Get(i);
    if (!cleanString(site.op()) || !cleanString(site.location()) || !cleanString(site.message()))
      return makeError("site ", i, " has a label with a NUL");
  }
  return Error();
}

/// After the commands: which registers are fixed at entry is known only then.
Error FunctionChecker::sizes() {
  for (uint32_t i = 0; i < context.buffers; ++i) {
    const fb::Buffer &buffer = *function.buffers()->Get(i);
    if (buffer.kind() == fb::BufferKind::Arena && !context.isSize(buffer.size_reg()))
      return makeError("buffer ", i, " takes its size from register ", buffer.size_reg(),
                       ", which is not fixed at entry");
  }
  return params(function.results(), "result");
}

/// Sweeps over the commands with the live buffers by offset: neighbours must not touch.
Error FunctionChecker::arena() {
  if (function.arena_bytes() == kUnbounded)
    return Error();
  std::vector<uint32_t> byFirst;
  for (uint32_t i = 0; i < context.buffers; ++i) {
    const fb::Buffer &buffer = *function.buffers()->Get(i);
    if (buffer.kind() != fb::BufferKind::Arena || buffer.max_size() == 0)
      continue;
    if (buffer.max_size() == kUnbounded)
      return makeError("buffer ", i, " is unbounded, but the arena is not");
    byFirst.push_back(i);
  }
  auto at = [&](uint32_t i) -> const fb::Buffer & { return *function.buffers()->Get(i); };
  std::sort(byFirst.begin(), byFirst.end(),
            [&](uint32_t a, uint32_t b) { return at(a).first() < at(b).first(); });
  std::multimap<uint32_t, uint32_t> byLast; // last -> buffer
  std::map<uint64_t, uint32_t> live;        // offset -> buffer
  auto clash = [&](uint32_t a, uint32_t b) {
    return makeError("buffers ", std::min(a, b), " and ", std::max(a, b),
                     " are live together and overlap in the arena");
  };
  for (uint32_t i : byFirst) {
    while (!byLast.empty() && byLast.begin()->first < at(i).first()) {
      live.erase(at(byLast.begin()->second).offset());
      byLast.erase(byLast.begin());
    }
    auto [place, isNew] = live.emplace(at(i).offset(), i);
    if (!isNew)
      return clash(i, place->second);
    if (auto next = std::next(place);
        next != live.end() && next->first - at(i).offset() < at(i).max_size())
      return clash(i, next->second);
    if (place != live.begin())
      if (auto before = std::prev(place);
          at(i).offset() - before->first < at(before->second).max_size())
        return clash(i, before->second);
    byLast.emplace(at(i).last(), i);
  }
  return Error();
}

Error FunctionChecker::run() {
  if (Error error = counts())
    return error;
  context.written.resize(context.registers);
  context.defined.resize(context.registers);
  std::fill_n(context.defined.begin(), context.symbols, true);
  if (Error error = symbols())
    return error;
  if (Error error = params(function.arguments(), "argument"))
    return error;
  if (Error error = aliases())
    return error;
  if (Error error = buffersAndViews())
    return error;
  if (Error error = labels())
    return error;
  if (Error error = checkCommands(context))
    return error;
  if (Error error = sizes())
    return error;
  if (Error error = states())
    return error;
  return arena();
}

} // namespace

Error checkFunction(const fb::Bundle &bundle, const Kernels *kernels,
                    const fb::Function &function) {
  return FunctionChecker(bundle, kernels, function).run();
}

} // namespace linnet::bundle
