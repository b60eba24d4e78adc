//===- Describe.cpp - what a module tells about itself --------------------===//
//
// Part of Linnet, under Apache-2.0 WITH LLVM-exception. See LICENSE.
//
//===----------------------------------------------------------------------===//
#include "Module.h"
#include "linnet/Bundle/Element.h"

#include <algorithm>

namespace linnet::runtime {
namespace {

uint64_t addBytes(uint64_t a, uint64_t b) {
  uint64_t sum;
  return a == LNT_UNBOUNDED || b == LNT_UNBOUNDED || __builtin_add_overflow(a, b, &sum)
             ? LNT_UNBOUNDED
             : sum;
}

uint64_t multiplyBytes(uint64_t a, uint64_t b) {
  uint64_t product;
  return a == LNT_UNBOUNDED || __builtin_mul_overflow(a, b, &product) ? LNT_UNBOUNDED : product;
}

/// Bytes of a parameter at `symbols`; unbounded where one that it needs has no value.
uint64_t paramBytes(const Param &param, const std::vector<int64_t> &symbols) {
  int64_t dims[LNT_MAX_RANK], bytes;
  for (size_t i = 0; i < param.dims.size(); ++i) {
    const Dim &dim = param.dims[i];
    dims[i] = dim.constant >= 0          ? dim.constant
              : dim.reg < symbols.size() ? symbols[dim.reg]
                                         : kUnbound;
    if (dims[i] < 0)
      return LNT_UNBOUNDED;
  }
  return bundle::shapeBytes(dims, param.dims.size(), param.type, bytes) ? uint64_t(bytes)
                                                                        : LNT_UNBOUNDED;
}

void finish(const Module &module, lnt_memory_plan &plan) {
  plan.constants = module.constantTotal;
  plan.total = addBytes(addBytes(addBytes(plan.arguments, plan.state), plan.constants),
                        addBytes(plan.arena, plan.scratch));
}

} // namespace

Failure planMemory(const Module &module, const Program &program, std::vector<int64_t> symbols,
                   lnt_memory_plan &plan) {
  plan = {};
  bool complete = true, maxima = true;
  for (size_t i = 0; i < symbols.size(); ++i) {
    maxima &= symbols[i] == kUnbound || symbols[i] == program.symbols[i].max;
    if (symbols[i] == kUnbound)
      symbols[i] = program.symbols[i].max;
    complete &= symbols[i] != kUnbound;
  }
  uint64_t threads = uint64_t(module.runtime->pool.size());
  ShapePlan shape;
  if (complete)
    if (Failure failure = makeShapePlan(program, symbols, module.constantBytes, shape))
      return failure;
  for (const Param &argument : program.arguments) {
    uint64_t bytes = paramBytes(argument, symbols);
    uint64_t &sum = argument.state == kNone ? plan.arguments : plan.state;
    sum = addBytes(sum, bytes);
  }
  for (size_t i = 0; i < program.results.size(); ++i)
    if (program.results[i].alias < 0)
      plan.arguments =
          addBytes(plan.arguments, complete ? uint64_t(shape.resultBytes[i]) : LNT_UNBOUNDED);
  // The compiler's numbers hold at the maxima, scratch of loops included.
  bool compilers = maxima && program.arenaBounded;
  plan.arena = compilers  ? program.arenaBytes
               : complete ? uint64_t(shape.arenaBytes)
                          : LNT_UNBOUNDED;
  plan.largest_live = compilers  ? program.largestLive
                      : complete ? uint64_t(largestLive(program, shape))
                                 : LNT_UNBOUNDED;
  uint64_t scratch = complete && !maxima ? uint64_t(shape.scratchBytes) : program.scratchBytes;
  plan.scratch = multiplyBytes(scratch, threads);
  finish(module, plan);
  return nullptr;
}

namespace {

lnt_param_info describeParam(const Module &module, const Program &program, const Param &param,
                             FunctionDescription &description) {
  std::vector<lnt_dim_info> dims;
  dims.reserve(param.dims.size());
  for (const Dim &dim : param.dims)
    dims.push_back({dim.constant,
                    dim.constant < 0 && dim.reg < program.symbols.size() ? int32_t(dim.reg) : -1});
  description.dims.push_back(std::move(dims)); // moving the vector later keeps its array
  lnt_param_info info = {};
  info.name = param.name.c_str();
  info.type = toType(param.type);
  info.rank = uint32_t(param.dims.size());
  info.dims = description.dims.back().data();
  info.state = param.state == kNone ? nullptr : module.states[param.state].name.c_str();
  info.alias = param.alias;
  return info;
}

} // namespace

FunctionDescription describeFunction(const Module &module, const Program &program) {
  FunctionDescription description;
  for (const Symbol &symbol : program.symbols)
    description.symbols.push_back({symbol.name.c_str(), symbol.min, symbol.max, symbol.multiple});
  for (const Param &param : program.arguments)
    description.arguments.push_back(describeParam(module, program, param, description));
  for (const Param &param : program.results)
    description.results.push_back(describeParam(module, program, param, description));
  lnt_function_info &info = description.info;
  info.name = program.name.c_str();
  info.symbols = description.symbols.data();
  info.symbol_count = description.symbols.size();
  info.arguments = description.arguments.data();
  info.argument_count = description.arguments.size();
  info.results = description.results.data();
  info.result_count = description.results.size();
  info.command_count = program.commands.size();
  info.dispatch_count = program.launches.size();
  info.copies_forced = program.copiesForced;
  std::vector<int64_t> unbound(program.symbols.size(), kUnbound);
  // Sizes that overflow at the maxima cannot be met.
  if (planMemory(module, program, unbound, info.memory)) {
    info.memory = {};
    info.memory.arena = info.memory.arguments = info.memory.total = LNT_UNBOUNDED;
  }
  return description;
}

namespace {

template <typename T> uint32_t sizeOf(const flatbuffers::Vector<T> *list) {
  return list ? list->size() : 0;
}

/// Variants are no kernels of their own to people.
size_t countKernels(const fb::Target &target) {
  size_t count = sizeOf(target.kernels());
  for (uint32_t i = 0; i < sizeOf(target.kernels()); ++i)
    count -= target.kernels()->Get(i)->gpu()->variant() != kNone;
  return count;
}

std::string describeNeeds(const fb::Target &target) {
  std::string text = target.subgroup() == 0
                         ? ""
                         : "subgroups of " + std::to_string(target.subgroup()) + " threads";
  for (const GPUNeed &need : gpuNeeds())
    if (target.needs() & need.bit)
      text += (text.empty() ? "" : ", ") + std::string(need.name);
  std::string chips;
  for (uint32_t i = 0; i < sizeOf(target.images()); ++i)
    if (const auto *chip = target.images()->Get(i)->chip(); chip && chip->size() != 0)
      if (chips.find(chip->str()) == std::string::npos)
        chips += (chips.empty() ? "" : " or ") + chip->str();
  return chips.empty() ? text : text + (text.empty() ? "" : ", ") + chips;
}

} // namespace

const std::vector<GPUNeed> &gpuNeeds() {
  static const std::vector<GPUNeed> needs = {
      {LNT_GPU_NEEDS_INT8, "8-bit integers"},      {LNT_GPU_NEEDS_INT16, "16-bit integers"},
      {LNT_GPU_NEEDS_INT64, "64-bit integers"},    {LNT_GPU_NEEDS_FLOAT16, "16-bit floats"},
      {LNT_GPU_NEEDS_FLOAT64, "64-bit floats"},    {LNT_GPU_NEEDS_STORAGE8, "8-bit storage"},
      {LNT_GPU_NEEDS_STORAGE16, "16-bit storage"}, {LNT_GPU_NEEDS_SHUFFLE, "subgroup shuffles"}};
  return needs;
}

/// The CPU first, where there is code for it.
void Module::describeTargets() {
  auto add = [&](lnt_device device, size_t kernelCount, const auto *images, std::string needs) {
    TargetDescription description;
    description.info.device = device;
    description.info.kernel_count = kernelCount;
    description.info.image_count = sizeOf(images);
    for (uint32_t i = 0; i < sizeOf(images); ++i)
      description.info.code_bytes += images->Get(i)->length();
    description.needs = std::move(needs);
    targets.push_back(std::move(description));
  };
  if (sizeOf(bundle->functions()) != 0 || sizeOf(bundle->targets()) == 0)
    add(LNT_CPU, sizeOf(bundle->kernels()), bundle->images(), "");
  for (uint32_t i = 0; i < sizeOf(bundle->targets()); ++i) {
    const fb::Target &of = *bundle->targets()->Get(i);
    add(lnt_device(of.kind()), countKernels(of), of.images(), describeNeeds(of));
  }
}

void Module::describe() {
  for (const Program &program : programs)
    descriptions.push_back(describeFunction(*this, program));
}

} // namespace linnet::runtime
