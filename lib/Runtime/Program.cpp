//===- Program.cpp - a function of a bundle, decoded ----------------------===//
//
// Part of Linnet, under Apache-2.0 WITH LLVM-exception. See LICENSE.
//
//===----------------------------------------------------------------------===//
#include "Program.h"
#include "linnet/Bundle/Element.h"

#include <algorithm>

namespace linnet::runtime {
namespace {

template <typename T> uint32_t sizeOf(const flatbuffers::Vector<T> *list) {
  return list ? list->size() : 0;
}

const char *text(const flatbuffers::String *string) { return string ? string->c_str() : ""; }

void decodeSymbols(const fb::Function &function, Program &program) {
  for (uint32_t i = 0; i < sizeOf(function.symbols()); ++i) {
    const fb::Symbol &symbol = *function.symbols()->Get(i);
    program.symbols.push_back(
        {symbol.name()->str(), symbol.min(), symbol.max(), symbol.multiple()});
  }
}

std::vector<Param> decodeParams(const flatbuffers::Vector<flatbuffers::Offset<fb::Param>> *list) {
  std::vector<Param> params;
  for (uint32_t i = 0; i < sizeOf(list); ++i) {
    const fb::Param &in = *list->Get(i);
    Param param;
    param.name = text(in.name());
    param.type = in.type();
    for (uint32_t d = 0; d < sizeOf(in.dims()); ++d)
      param.dims.push_back({in.dims()->Get(d)->constant(), in.dims()->Get(d)->reg()});
    params.push_back(std::move(param));
  }
  return params;
}

void decodeAliases(const fb::Function &function, Program &program) {
  for (uint32_t i = 0; i < sizeOf(function.result_alias()); ++i) {
    int32_t argument = function.result_alias()->Get(i);
    program.results[i].alias = argument;
    if (argument >= 0)
      program.arguments[uint32_t(argument)].alias = int32_t(i);
  }
}

void decodeBuffers(const fb::Function &function, Program &program) {
  for (uint32_t i = 0; i < sizeOf(function.buffers()); ++i) {
    const fb::Buffer &in = *function.buffers()->Get(i);
    program.buffers.push_back(
        {in.kind(), in.index(), in.offset(), in.max_size(), in.size_reg(), in.first(), in.last()});
  }
  for (uint32_t i = 0; i < sizeOf(function.views()); ++i) {
    const fb::View &in = *function.views()->Get(i);
    program.views.push_back({in.buffer(), in.offset_reg(),
                             in.offset_reg() != kNone && !program.fixed[in.offset_reg()]});
  }
}

void decodeLabels(const fb::Function &function, Program &program) {
  for (uint32_t i = 0; i < sizeOf(function.dispatches()); ++i) {
    const fb::DispatchInfo &in = *function.dispatches()->Get(i);
    program.dispatches.push_back(
        {text(in.op()), text(in.location()), in.flops_reg(), in.bytes_reg()});
  }
  for (uint32_t i = 0; i < sizeOf(function.sites()); ++i) {
    const fb::FaultSite &in = *function.sites()->Get(i);
    program.sites.push_back({text(in.op()), text(in.location()), text(in.message())});
  }
}

Launch decodeLaunch(const fb::Command &command, const uint32_t *operands,
                    const KernelTable &kernels, const std::vector<lnt_kernel> &entries) {
  const fb::Kernel &kernel = *kernels.Get(command.a());
  const uint32_t *at = operands + command.b();
  Launch launch;
  launch.kernel = entries.empty() ? nullptr : entries[command.a()];
  launch.index = command.a();
  launch.kernelName = kernel.name()->c_str();
  launch.viewCount = *at++;
  launch.views = at;
  at += launch.viewCount;
  launch.scalarCount = *at++;
  launch.scalars = at;
  at += launch.scalarCount;
  launch.chunksReg = at[0];
  launch.scratchReg = at[1];
  launch.info = command.c();
  return launch;
}

bool writesRegister(fb::Code code) {
  return (code >= fb::Code::Const && code <= fb::Code::Select) || code == fb::Code::Load;
}

} // namespace

/// Those outside of loops, before the first command that works on the argument's memory.
static void findEntryLoads(Program &program) {
  std::vector<bool> touched(program.arguments.size());
  auto argumentOf = [&](uint32_t view) {
    const Buffer &buffer = program.buffers[program.views[view].buffer];
    if (buffer.kind == fb::BufferKind::Argument)
      return int32_t(buffer.index);
    return buffer.kind == fb::BufferKind::Result ? program.results[buffer.index].alias : -1;
  };
  auto touch = [&](uint32_t view) {
    if (int32_t argument = argumentOf(view); argument >= 0)
      touched[size_t(argument)] = true;
  };
  uint32_t loopEnd = 0;
  for (uint32_t i = program.entry; i < program.commands.size(); ++i) {
    const Command &command = program.commands[i];
    if (command.code == fb::Code::While)
      loopEnd = std::max(loopEnd, i + 1 + command.b + command.c);
    else if (command.code == fb::Code::Store)
      touch(command.b);
    else if (command.code == fb::Code::Copy || command.code == fb::Code::Fill)
      touch(command.a);
    else if (command.code == fb::Code::Dispatch)
      std::for_each_n(program.launches[command.a].views, program.launches[command.a].viewCount,
                      touch);
    else if (int32_t argument = command.code == fb::Code::Load ? argumentOf(command.b) : -1;
             argument >= 0 && i >= loopEnd && !touched[size_t(argument)])
      program.entryLoads.push_back({i, uint32_t(argument)});
  }
}

Program decodeFunction(const fb::Function &function, const KernelTable *kernels,
                       const std::vector<lnt_kernel> &entries) {
  Program program;
  program.name = function.name()->str();
  program.registers = function.registers();
  program.entry = function.entry();
  program.arenaBounded = function.arena_bytes() != UINT64_MAX;
  program.arenaBytes = function.arena_bytes();
  program.scratchBytes = function.scratch_bytes();
  program.largestLive = function.largest_live();
  program.copiesForced = function.copies_forced();
  decodeSymbols(function, program);
  program.bounded =
      program.arenaBounded && std::all_of(program.symbols.begin(), program.symbols.end(),
                                          [](const Symbol &symbol) { return symbol.max >= 0; });
  program.arguments = decodeParams(function.arguments());
  program.results = decodeParams(function.results());
  decodeAliases(function, program);
  decodeLabels(function, program);
  program.fixed.assign(program.registers, true);
  for (uint32_t i = 0; i < sizeOf(function.commands()); ++i) {
    const fb::Command &in = *function.commands()->Get(i);
    Command command = {in.code(), in.a(), in.b(), in.c(), in.imm()};
    if (in.code() == fb::Code::Dispatch) {
      Launch launch = decodeLaunch(in, function.operands()->data(), *kernels, entries);
      program.maxViews = std::max(program.maxViews, launch.viewCount);
      program.maxScalars = std::max(program.maxScalars, launch.scalarCount);
      command.a = uint32_t(program.launches.size());
      program.launches.push_back(launch);
    }
    if (i >= program.entry && writesRegister(in.code()))
      program.fixed[in.a()] = false;
    program.commands.push_back(command);
  }
  decodeBuffers(function, program);
  findEntryLoads(program);
  return program;
}

std::string Program::argumentLabel(size_t index) const {
  const std::string &label = arguments[index].name;
  return "argument " + (label.empty() ? std::to_string(index) : "'" + label + "'");
}

std::string Program::resultLabel(size_t index) const {
  const std::string &label = results[index].name;
  return "result " + (label.empty() ? std::to_string(index) : "'" + label + "'");
}

std::string Program::shapeLabel(const Param &param) const {
  std::string label;
  for (const Dim &dim : param.dims) {
    if (dim.constant >= 0)
      label += std::to_string(dim.constant);
    else
      label += dim.reg < symbols.size() ? symbols[dim.reg].name : "?";
    label += 'x';
  }
  return label + bundle::elementName(param.type);
}

} // namespace linnet::runtime
