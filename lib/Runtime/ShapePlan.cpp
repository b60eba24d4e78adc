//===- ShapePlan.cpp - what a function does for given sizes ---------------===//
//
// Part of Linnet, under Apache-2.0 WITH LLVM-exception. See LICENSE.
//
//===----------------------------------------------------------------------===//
#include "ShapePlan.h"
#include "Arithmetic.h"
#include "linnet/Bundle/Container.h"
#include "linnet/Bundle/Element.h"
#include "linnet/Plan/Plan.h"

#include <algorithm>

namespace linnet::runtime {

using bundle::shapeName;

Failure bindSymbol(const Program &program, uint32_t index, int64_t value, const std::string &where,
                   size_t dim, std::vector<int64_t> &values) {
  const Symbol &symbol = program.symbols[index];
  if (values[index] != kUnbound && values[index] != value)
    return fail(LNT_INVALID_ARGUMENT, "function '", program.name, "': ", where, " has size ", value,
                " in dimension ", dim, ", but symbol '", symbol.name, "' is already ",
                values[index]);
  values[index] = value;
  return nullptr;
}

Failure bindDims(const Program &program, size_t argument, const int64_t *dims,
                 std::vector<int64_t> &values) {
  const Param &param = program.arguments[argument];
  for (size_t i = 0; i < param.dims.size(); ++i) {
    const Dim &dim = param.dims[i];
    if (dim.constant < 0) {
      if (dims[i] < 0 || (values[dim.reg] != kUnbound && values[dim.reg] != dims[i]))
        return bindSymbol(program, dim.reg, dims[i], program.argumentLabel(argument), i, values);
      values[dim.reg] = dims[i];
    } else if (dim.constant != dims[i]) {
      return fail(LNT_INVALID_ARGUMENT, "function '", program.name,
                  "': ", program.argumentLabel(argument), " expects ", program.shapeLabel(param),
                  ", found ", shapeName(dims, param.dims.size(), param.type));
    }
  }
  return nullptr;
}

Failure bindTensor(const Program &program, size_t argument, const lnt_tensor &tensor,
                   std::vector<int64_t> &values) {
  const Param &param = program.arguments[argument];
  if (tensor.rank != param.dims.size() || tensor.type != toType(param.type) ||
      (tensor.rank != 0 && !tensor.dims)) {
    bool known = tensor.rank <= LNT_MAX_RANK && (tensor.rank == 0 || tensor.dims);
    return fail(LNT_INVALID_ARGUMENT, "function '", program.name,
                "': ", program.argumentLabel(argument), " expects ", program.shapeLabel(param),
                ", found ",
                known ? shapeName(tensor.dims, tensor.rank, fb::ElementType(tensor.type))
                      : std::string("a tensor without dims"));
  }
  return bindDims(program, argument, tensor.dims, values);
}

Failure checkSymbols(const Program &program, const std::vector<int64_t> &values) {
  for (size_t i = 0; i < program.symbols.size(); ++i) {
    const Symbol &symbol = program.symbols[i];
    int64_t value = values[i];
    if (value == kUnbound)
      return fail(LNT_INVALID_ARGUMENT, "function '", program.name, "': no argument gives symbol '",
                  symbol.name, "' a size");
    if (value < symbol.min)
      return fail(LNT_INVALID_ARGUMENT, "function '", program.name, "': symbol '", symbol.name,
                  "' is ", value, ", expected at least ", symbol.min);
    if (symbol.max >= 0 && value > symbol.max)
      return fail(LNT_INVALID_ARGUMENT, "function '", program.name, "': symbol '", symbol.name,
                  "' is ", value, ", expected at most ", symbol.max);
    if (value % symbol.multiple != 0)
      return fail(LNT_INVALID_ARGUMENT, "function '", program.name, "': symbol '", symbol.name,
                  "' is ", value, ", expected a multiple of ", symbol.multiple);
  }
  return nullptr;
}

std::string siteLabel(const Program &program, uint64_t site) {
  if (site >= program.sites.size())
    return "an unknown op";
  const Site &entry = program.sites[site];
  std::string label = *entry.op ? entry.op : "an op";
  if (*entry.location)
    label += std::string(" at ") + entry.location;
  return label;
}

namespace {

Failure tooLarge(const Program &program, const std::string &what) {
  return fail(LNT_INVALID_ARGUMENT, "function '", program.name, "': the size of ", what,
              " overflows");
}

Failure runEntry(const Program &program, std::vector<int64_t> &registers) {
  for (uint32_t i = 0; i < program.entry; ++i) {
    const Command &command = program.commands[i];
    if (command.code == fb::Code::Nop)
      continue;
    if (command.code == fb::Code::Check) {
      if (registers[command.a] == 0)
        return fail(LNT_INVALID_ARGUMENT, "function '", program.name,
                    "': ", siteLabel(program, uint64_t(command.imm)), ": ",
                    program.sites[size_t(command.imm)].message);
      continue;
    }
    switch (compute<true>(command, registers.data())) {
    case Arithmetic::Ok:
      break;
    case Arithmetic::Overflow:
      return tooLarge(program, "a buffer (command " + std::to_string(i) + ")");
    case Arithmetic::Division:
      return fail(LNT_INVALID_ARGUMENT, "function '", program.name, "': command ", i,
                  " divides by zero");
    }
  }
  return nullptr;
}

/// Labels are made on failure only, since a plan may be made in a call that allocates nothing.
Failure paramBytes(const Program &program, bool isResult, size_t index,
                   const std::vector<int64_t> &registers, std::vector<int64_t> *dims,
                   int64_t &bytes) {
  const Param &param = (isResult ? program.results : program.arguments)[index];
  auto label = [&] { return isResult ? program.resultLabel(index) : program.argumentLabel(index); };
  int64_t sizes[LNT_MAX_RANK];
  for (size_t i = 0; i < param.dims.size(); ++i) {
    sizes[i] = param.dims[i].constant >= 0 ? param.dims[i].constant : registers[param.dims[i].reg];
    if (sizes[i] < 0)
      return fail(LNT_INVALID_ARGUMENT, "function '", program.name, "': ", label(),
                  " would have size ", sizes[i], " in dimension ", i);
    if (dims)
      dims->push_back(sizes[i]);
  }
  if (!bundle::shapeBytes(sizes, param.dims.size(), param.type, bytes))
    return tooLarge(program, label());
  return nullptr;
}

/// Lifetimes and sizes of the arena's buffers, in their order.
std::vector<plan::Interval> arenaIntervals(const Program &program, const ShapePlan &plan) {
  std::vector<plan::Interval> intervals;
  for (size_t i = 0; i < program.buffers.size(); ++i)
    if (const Buffer &buffer = program.buffers[i]; buffer.kind == fb::BufferKind::Arena)
      intervals.push_back({plan.bufferBytes[i], plan::alignmentOf(plan.bufferBytes[i]),
                           int32_t(buffer.first), int32_t(buffer.last)});
  return intervals;
}

bool fitsOffsetsOfBundle(const Program &program, const ShapePlan &plan) {
  bool fits = program.arenaBounded;
  for (size_t i = 0; i < program.buffers.size(); ++i)
    if (const Buffer &buffer = program.buffers[i]; buffer.kind == fb::BufferKind::Arena)
      fits &= uint64_t(plan.bufferBytes[i]) <= buffer.maxSize;
  return fits;
}

/// Offsets of the bundle where every size is within what they were planned for, else a new plan.
Failure placeArena(const Program &program, ShapePlan &plan) {
  plan.arenaOffsets.assign(program.buffers.size(), 0);
  plan::Layout layout;
  bool fits = fitsOffsetsOfBundle(program, plan);
  if (!fits) {
    std::vector<plan::Interval> intervals = arenaIntervals(program, plan);
    layout = plan::packIntervals(intervals.data(), intervals.size());
  }
  plan.arenaBytes = 0;
  size_t next = 0;
  for (size_t i = 0; i < program.buffers.size(); ++i) {
    const Buffer &buffer = program.buffers[i];
    if (buffer.kind != fb::BufferKind::Arena)
      continue;
    int64_t offset = fits ? int64_t(buffer.offset) : layout.offsets[next++], end;
    if (__builtin_add_overflow(offset, plan.bufferBytes[i], &end) || layout.peak == INT64_MAX)
      return tooLarge(program, "the arena");
    plan.arenaOffsets[i] = offset;
    if (plan.bufferBytes[i] != 0)
      plan.arenaBytes = std::max(plan.arenaBytes, end);
  }
  return nullptr;
}

Failure sizeBuffers(const Program &program, const std::vector<int64_t> &constantBytes,
                    ShapePlan &plan) {
  plan.bufferBytes.clear();
  for (size_t i = 0; i < program.buffers.size(); ++i) {
    const Buffer &buffer = program.buffers[i];
    int64_t bytes = 0;
    switch (buffer.kind) {
    case fb::BufferKind::Argument:
      bytes = plan.argumentBytes[buffer.index];
      break;
    case fb::BufferKind::Result:
      bytes = plan.resultBytes[buffer.index];
      break;
    case fb::BufferKind::Constant:
      bytes = constantBytes[buffer.index];
      break;
    case fb::BufferKind::Arena:
      bytes = plan.registers[buffer.sizeReg];
      break;
    }
    if (bytes < 0)
      return fail(LNT_INVALID_ARGUMENT, "function '", program.name, "': buffer ", i, " would have ",
                  bytes, " bytes");
    plan.bufferBytes.push_back(bytes);
  }
  return nullptr;
}

Failure placeViews(const Program &program, ShapePlan &plan) {
  plan.viewOffsets.clear();
  for (size_t i = 0; i < program.views.size(); ++i) {
    const View &view = program.views[i];
    int64_t offset = view.offsetReg == kNone || view.dynamic ? 0 : plan.registers[view.offsetReg];
    if (offset < 0 || offset > plan.bufferBytes[view.buffer])
      return fail(LNT_INVALID_ARGUMENT, "function '", program.name, "': view ", i,
                  " begins at byte ", offset, " of a buffer of ", plan.bufferBytes[view.buffer],
                  " bytes");
    plan.viewOffsets.push_back(offset);
  }
  return nullptr;
}

} // namespace

int64_t largestLive(const Program &program, const ShapePlan &plan) {
  std::vector<plan::Interval> intervals = arenaIntervals(program, plan);
  return plan::largestLive(intervals.data(), intervals.size());
}

Failure evaluateEntry(const Program &program, const std::vector<int64_t> &symbols,
                      ShapePlan &plan) {
  plan.registers.assign(program.registers, 0);
  std::copy(symbols.begin(), symbols.end(), plan.registers.begin());
  if (Failure failure = runEntry(program, plan.registers))
    return failure;
  plan.resultDims.clear();
  plan.resultBytes.resize(program.results.size());
  for (size_t i = 0; i < program.results.size(); ++i)
    if (Failure failure = paramBytes(program, /*isResult=*/true, i, plan.registers,
                                     &plan.resultDims, plan.resultBytes[i]))
      return failure;
  return nullptr;
}

void copyShapes(const Program &program, const ShapePlan &plan, int64_t *dims) {
  const int64_t *from = plan.resultDims.data();
  for (const Param &result : program.results) {
    std::copy(from, from + result.dims.size(), dims);
    from += result.dims.size();
    dims += LNT_MAX_RANK;
  }
}

Failure makeShapePlan(const Program &program, const std::vector<int64_t> &symbols,
                      const std::vector<int64_t> &constantBytes, ShapePlan &plan) {
  if (Failure failure = evaluateEntry(program, symbols, plan))
    return failure;
  plan.argumentBytes.resize(program.arguments.size());
  for (size_t i = 0; i < program.arguments.size(); ++i)
    if (Failure failure = paramBytes(program, /*isResult=*/false, i, plan.registers, nullptr,
                                     plan.argumentBytes[i]))
      return failure;
  for (size_t i = 0; i < program.results.size(); ++i)
    if (int32_t alias = program.results[i].alias;
        alias >= 0 && plan.resultBytes[i] != plan.argumentBytes[size_t(alias)])
      return fail(LNT_INVALID_ARGUMENT, "function '", program.name, "': ", program.resultLabel(i),
                  " has ", plan.resultBytes[i], " bytes, but ",
                  program.argumentLabel(size_t(alias)), ", whose memory it takes, has ",
                  plan.argumentBytes[size_t(alias)]);
  if (Failure failure = sizeBuffers(program, constantBytes, plan))
    return failure;
  if (Failure failure = placeArena(program, plan))
    return failure;
  plan.scratchBytes = 0;
  for (const Launch &launch : program.launches)
    if (program.fixed[launch.scratchReg])
      plan.scratchBytes = std::max(plan.scratchBytes, plan.registers[launch.scratchReg]);
  return placeViews(program, plan);
}

} // namespace linnet::runtime
