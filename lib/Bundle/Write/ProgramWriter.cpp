//===- ProgramWriter.cpp - one exec.program as metadata -------------------===//
//
// Part of Linnet, under Apache-2.0 WITH LLVM-exception. See LICENSE.
//
//===----------------------------------------------------------------------===//
#include "ProgramWriter.h"
#include "linnet/Bundle/Write.h"
#include "linnet/Codegen/GPUProgram.h"
#include "linnet/Codegen/KernelEmitter.h"
#include "linnet/IR/Locations.h"
#include "mlir/Dialect/Arith/IR/Arith.h"
#include "mlir/Dialect/Utils/StaticValueUtils.h"
#include "llvm/ADT/TypeSwitch.h"
#include "llvm/Support/JSON.h"

using namespace mlir;
using namespace linnet;
using namespace linnet::bundle;
using fb::Code;

uint32_t Pools::constant(StringRef symbol, DictionaryAttr layout) {
  ConstantKey key(symbol.str(), layout);
  auto it = llvm::find(constants, key);
  if (it == constants.end())
    it = constants.insert(it, key);
  return it - constants.begin();
}

//===----------------------------------------------------------------------===//
// Registers
//===----------------------------------------------------------------------===//

uint32_t ProgramWriter::constant(int64_t v) {
  auto [it, isNew] = constants.try_emplace(v, registers);
  if (isNew) {
    prologue.emplace_back(Code::Const, fresh(), 0, 0, v);
  }
  return it->second;
}

std::optional<int64_t> ProgramWriter::bitsOf(Attribute value) {
  if (auto i = dyn_cast<IntegerAttr>(value))
    return i.getType().isInteger(1) ? i.getValue().getZExtValue() : i.getValue().getSExtValue();
  if (auto f = dyn_cast<FloatAttr>(value))
    return static_cast<int64_t>(f.getValue().bitcastToAPInt().getZExtValue());
  return std::nullopt;
}

uint32_t ProgramWriter::reg(Value v) {
  auto [it, isNew] = regs.try_emplace(v, 0);
  if (!isNew)
    return it->second;
  Attribute value;
  uint32_t r;
  if (matchPattern(v, m_Constant(&value)) && bitsOf(value))
    r = constant(*bitsOf(value));
  else
    r = fresh();
  return regs[v] = r;
}

uint32_t ProgramWriter::binary(Code code, uint32_t a, uint32_t b) {
  uint32_t r = fresh();
  command(code, r, a, b);
  return r;
}

//===----------------------------------------------------------------------===//
// Control flow
//===----------------------------------------------------------------------===//

LogicalResult ProgramWriter::writeIf(scf::IfOp op) {
  for (Value r : op.getResults())
    reg(r);
  auto side = [&](Block *block) -> LogicalResult {
    if (!block)
      return success();
    if (failed(writeBlock(*block)))
      return failure();
    for (auto [r, v] : llvm::zip(op.getResults(), block->getTerminator()->getOperands()))
      move(reg(r), reg(v));
    return success();
  };
  size_t at = commands.size();
  command(Code::If, reg(op.getCondition()));
  if (failed(side(op.thenBlock())))
    return failure();
  size_t middle = commands.size();
  if (failed(side(op.elseBlock())))
    return failure();
  commands[at] =
      fb::Command(Code::If, reg(op.getCondition()), middle - at - 1, commands.size() - middle, 0);
  return success();
}

// Values move in parallel: all are read before any is written.
void ProgramWriter::moveAll(ValueRange to, ValueRange from) {
  SmallVector<uint32_t> held;
  for (Value v : from) {
    held.push_back(fresh());
    move(held.back(), reg(v));
  }
  for (auto [t, h] : llvm::zip(to, held))
    move(reg(t), h);
}

LogicalResult ProgramWriter::writeWhile(scf::WhileOp op) {
  moveAll(op.getBeforeArguments(), op.getInits());
  size_t at = commands.size();
  command(Code::While);
  if (failed(writeBlock(*op.getBeforeBody())))
    return failure();
  scf::ConditionOp condition = op.getConditionOp();
  moveAll(op.getAfterArguments(), condition.getArgs());
  for (auto [r, a] : llvm::zip(op.getResults(), op.getAfterArguments()))
    move(reg(r), reg(a));
  size_t middle = commands.size();
  if (failed(writeBlock(*op.getAfterBody())))
    return failure();
  moveAll(op.getBeforeArguments(), op.getAfterBody()->getTerminator()->getOperands());
  commands[at] = fb::Command(Code::While, reg(condition.getCondition()), middle - at - 1,
                             commands.size() - middle, 0);
  return success();
}

LogicalResult ProgramWriter::writeFor(scf::ForOp op) {
  uint32_t i = reg(op.getInductionVar()), go = fresh();
  move(i, reg(op.getLowerBound()));
  moveAll(op.getRegionIterArgs(), op.getInitArgs());
  size_t at = commands.size();
  command(Code::While);
  command(Code::CmpLT, go, i, reg(op.getUpperBound()));
  size_t middle = commands.size();
  if (failed(writeBlock(*op.getBody())))
    return failure();
  moveAll(op.getRegionIterArgs(), op.getBody()->getTerminator()->getOperands());
  command(Code::Add, i, i, reg(op.getStep()));
  commands[at] = fb::Command(Code::While, go, middle - at - 1, commands.size() - middle, 0);
  for (auto [r, a] : llvm::zip(op.getResults(), op.getRegionIterArgs()))
    move(reg(r), reg(a));
  return success();
}

//===----------------------------------------------------------------------===//
// Buffers and commands
//===----------------------------------------------------------------------===//

uint32_t ProgramWriter::view(Value buffer) { return viewOf.lookup(buffer); }

LogicalResult ProgramWriter::writeRef(exec::RefOp op) {
  Buffer b;
  switch (op.getKind()) {
  case exec::BufferKind::argument:
  case exec::BufferKind::result:
    b.kind = op.getKind() == exec::BufferKind::argument ? fb::BufferKind::Argument
                                                        : fb::BufferKind::Result;
    b.index = op.getIndex().value_or(0);
    break;
  case exec::BufferKind::constant:
    b.kind = fb::BufferKind::Constant;
    if (!op.getSymbol())
      return op.emitOpError("names no constant");
    b.index = pools.constant(*op.getSymbol(), op.getLayoutAttr());
    break;
  case exec::BufferKind::arena:
    b.kind = fb::BufferKind::Arena;
    if (!op.getSize() || !op.getOffset())
      return op.emitOpError("has no planned offset; run --linnet-plan-memory first");
    if (failed(checkKnownAtEntry(op.getSize(), "temporary")))
      return failure();
    b.named = commands.size();
    b.sizeReg = reg(op.getSize());
    b.offset = *op.getOffset();
    b.maxSize = static_cast<uint64_t>(op.getMaxSize().value_or(-1));
    break;
  }
  viewOf[op.getResult()] = views.size();
  views.emplace_back(buffers.size(), kNone);
  buffers.push_back(b);
  return success();
}

LogicalResult ProgramWriter::writeView(exec::ViewOp op) {
  fb::View source = views[view(op.getSource())];
  uint32_t offset = reg(op.getOffset());
  if (source.offset_reg() != kNone)
    offset = binary(Code::Add, source.offset_reg(), offset);
  viewOf[op.getResult()] = views.size();
  views.emplace_back(source.buffer(), offset);
  return success();
}

LogicalResult ProgramWriter::writeRun(exec::RunOp op) {
  auto kernel = SymbolTable::lookupNearestSymbolFrom<exec::KernelOp>(op, op.getKernelAttr());
  auto number = pools.kernels.find(op.getKernel().str());
  if (!kernel || number == pools.kernels.end())
    return op.emitOpError() << "runs unknown kernel " << op.getKernelAttr();
  SmallVector<uint32_t> list = {static_cast<uint32_t>(op.getBuffers().size())};
  for (Value b : op.getBuffers())
    list.push_back(view(b));
  SmallVector<uint32_t> numbers;
  for (Value s : op.getScalars())
    numbers.push_back(reg(s));
  if (kernel.getFaults() && numbers.size() + 1 == kernel.getNumScalars()) {
    numbers.push_back(constant(sites.size()));
    ArrayAttr described = kernel.getFaultSitesAttr();
    if (!described)
      return op.emitOpError() << "runs " << op.getKernelAttr()
                              << ", whose fault sites are not described";
    for (auto site : described.getAsRange<DictionaryAttr>())
      sites.push_back({site.getAs<StringAttr>("op").str(), describeLocation(op.getLoc()),
                       site.getAs<StringAttr>("message").str()});
  }
  unsigned buffers = kernel.getNumBuffers();
  buffers += codegen::isForGPU(kernel) && codegen::hasScratch(kernel);
  if (numbers.size() != kernel.getNumScalars() || op.getBuffers().size() != buffers)
    return op.emitOpError() << "passes " << op.getBuffers().size() << " buffers and "
                            << numbers.size() << " scalars to " << op.getKernelAttr()
                            << ", which takes " << buffers << " and " << kernel.getNumScalars();
  list.push_back(numbers.size());
  llvm::append_range(list, numbers);
  list.push_back(reg(op.getChunks()));
  list.push_back(reg(op.getScratch()));
  command(Code::Dispatch, number->second, operands.size(), dispatches.size());
  operands.insert(operands.end(), list.begin(), list.end());
  dispatches.push_back({describeOp(op), describeLocation(op.getLoc()),
                        op.getFlops() ? reg(op.getFlops()) : kNone,
                        op.getBytes() ? reg(op.getBytes()) : kNone});
  return success();
}

LogicalResult ProgramWriter::writeCheck(exec::CheckOp op) {
  command(Code::Check, reg(op.getCondition()), 0, 0, sites.size());
  // a condition of the program's own stands for itself
  sites.push_back({op.getOp().value_or("cf.assert").str(), describeLocation(op.getLoc()),
                   llvm::json::fixUTF8(op.getMessage())});
  return success();
}

LogicalResult ProgramWriter::writeOp(Operation &op) {
  auto element = [](Type t) { return static_cast<uint32_t>(toElementType(t)); };
  auto bytesOf = [](Type t) { return t.isIndex() ? 8u : (t.getIntOrFloatBitWidth() + 7) / 8; };
  return llvm::TypeSwitch<Operation *, LogicalResult>(&op)
      .Case<exec::RefOp>([&](auto o) { return writeRef(o); })
      .Case<exec::ViewOp>([&](auto o) { return writeView(o); })
      .Case<exec::RunOp>([&](auto o) { return writeRun(o); })
      .Case<scf::IfOp>([&](auto o) { return writeIf(o); })
      .Case<scf::WhileOp>([&](auto o) { return writeWhile(o); })
      .Case<scf::ForOp>([&](auto o) { return writeFor(o); })
      .Case<exec::LoadOp>([&](exec::LoadOp o) {
        command(Code::Load, reg(o.getValue()), view(o.getSource()), element(o.getValue().getType()),
                o.getPosition());
        return success();
      })
      .Case<exec::StoreOp>([&](exec::StoreOp o) {
        command(Code::Store, reg(o.getValue()), view(o.getTarget()),
                element(o.getValue().getType()), o.getPosition());
        return success();
      })
      .Case<exec::CopyOp>([&](exec::CopyOp o) {
        command(Code::Copy, view(o.getTarget()), view(o.getSource()), reg(o.getBytes()));
        return success();
      })
      .Case<exec::FillOp>([&](exec::FillOp o) {
        command(Code::Fill, view(o.getTarget()), reg(o.getValue()), reg(o.getBytes()),
                bytesOf(o.getValue().getType()));
        return success();
      })
      .Case<exec::CheckOp>([&](auto o) { return writeCheck(o); })
      .Case<exec::ReturnOp>([&](auto) { return success(); })
      .Default([&](Operation *o) -> LogicalResult {
        if (isa<arith::ArithDialect>(o->getDialect()))
          return writeArith(*o);
        return o->emitOpError("has no command");
      });
}

LogicalResult ProgramWriter::writeBlock(Block &block) {
  for (Operation &op : block) {
    if (op.hasTrait<OpTrait::IsTerminator>() || done.contains(&op))
      continue;
    if (failed(writeOp(op)))
      return failure();
  }
  return success();
}

// Arithmetic and checks of the top level on sizes alone, wherever they stand.
LogicalResult ProgramWriter::writeEntry() {
  for (Operation &op : program.getBody().front()) {
    if (!isa<arith::ArithDialect>(op.getDialect()) && !isa<exec::CheckOp>(op))
      continue;
    bool ready = llvm::all_of(op.getOperands(), [&](Value v) {
      return isa<BlockArgument>(v) || done.contains(v.getDefiningOp());
    });
    if (!ready)
      continue;
    if (failed(writeOp(op)))
      return failure();
    done.insert(&op);
  }
  return success();
}

/// Memory is planned when a call begins.
LogicalResult ProgramWriter::checkKnownAtEntry(Value size, StringRef what) {
  Operation *op = size.getDefiningOp();
  if (!op || done.contains(op))
    return success();
  return op->emitError() << "expects the size of a " << what
                         << " to follow from the sizes of the arguments, found one that is "
                            "computed from values";
}

//===----------------------------------------------------------------------===//
// Lifetimes
//===----------------------------------------------------------------------===//

// First and last command that touches each buffer. A buffer that is named outside of a loop and
// touched in it lives through the whole loop: the next iteration may read it.
void ProgramWriter::lifetimes() {
  std::vector<std::pair<uint32_t, uint32_t>> loops; // outer before inner
  for (uint32_t i = 0; i < commands.size(); ++i)
    if (const fb::Command &c = commands[i]; c.code() == Code::While)
      loops.emplace_back(i, i + c.b() + c.c());
  auto touch = [&](uint32_t viewNumber, uint32_t i) {
    Buffer &b = buffers[views[viewNumber].buffer()];
    uint32_t first = i, last = i;
    for (auto [lo, hi] : loops)
      if (lo <= i && i <= hi && !(lo < b.named && b.named <= hi)) {
        first = lo, last = hi;
        break;
      }
    b.first = std::min(b.first, first);
    b.last = std::max(b.last, last);
  };
  for (uint32_t i = 0; i < commands.size(); ++i) {
    const fb::Command &c = commands[i];
    switch (c.code()) {
    case Code::Load:
    case Code::Store:
      touch(c.b(), i);
      break;
    case Code::Copy:
      touch(c.a(), i);
      touch(c.b(), i);
      break;
    case Code::Fill:
      touch(c.a(), i);
      break;
    case Code::Dispatch:
      for (uint32_t k = 0; k < operands[c.b()]; ++k)
        touch(operands[c.b() + 1 + k], i);
      break;
    default:
      break;
    }
  }
}

//===----------------------------------------------------------------------===//
// Parameters and the whole
//===----------------------------------------------------------------------===//

FailureOr<flatbuffers::Offset<fb::Param>> ProgramWriter::param(DictionaryAttr entry,
                                                               bool isResult) {
  auto type = cast<RankedTensorType>(entry.getAs<TypeAttr>("type").getValue());
  fb::ElementType element = toElementType(type.getElementType());
  if (element == fb::ElementType::Invalid)
    return program.emitOpError() << "has a parameter of type " << type
                                 << ", whose elements a bundle cannot hold";
  auto names = entry.getAs<ArrayAttr>("dims");
  std::vector<fb::Dim> dims;
  size_t dynamic = 0;
  for (int64_t d : type.getShape()) {
    if (!ShapedType::isDynamic(d)) {
      dims.emplace_back(d, 0, 0);
      continue;
    }
    if (isResult) {
      if (nextResultSize >= resultSizes.size())
        return program.emitOpError("returns too few result sizes");
      Value size = resultSizes[nextResultSize++];
      if (failed(checkKnownAtEntry(size, "result")))
        return failure();
      dims.emplace_back(-1, reg(size), 0);
      continue;
    }
    auto name =
        names && dynamic < names.size() ? dyn_cast<StringAttr>(names[dynamic++]) : StringAttr();
    auto symbol = name ? symbolRegs.find(name.getValue()) : symbolRegs.end();
    if (symbol == symbolRegs.end())
      return program.emitOpError() << "has an argument size without a symbol in " << entry;
    dims.emplace_back(-1, symbol->second, 0);
  }
  auto name = entry.getAs<StringAttr>("name");
  auto state = entry.getAs<StringAttr>("state");
  auto nameOffset = name ? out.CreateString(name.str()) : 0;
  auto stateOffset = state ? out.CreateString(state.str()) : 0;
  auto dimsOffset = out.CreateVectorOfStructs(dims);
  auto initial = entry.getAs<FlatSymbolRefAttr>("initial");
  return fb::CreateParam(out, nameOffset, element, dimsOffset, stateOffset,
                         initial ? int32_t(pools.constant(initial.getValue(), {})) : -1);
}

FailureOr<flatbuffers::Offset<fb::Function>> ProgramWriter::write() {
  Block &body = program.getBody().front();
  std::vector<flatbuffers::Offset<fb::Symbol>> symbols;
  for (auto [arg, attr] : llvm::zip_equal(body.getArguments(), program.getSymbols())) {
    auto entry = cast<DictionaryAttr>(attr);
    auto get = [&](StringRef key, int64_t otherwise) {
      auto v = entry.getAs<IntegerAttr>(key);
      return v ? v.getInt() : otherwise;
    };
    StringRef name = entry.getAs<StringAttr>("name").getValue();
    symbolRegs[name] = reg(arg);
    symbols.push_back(fb::CreateSymbol(out, out.CreateString(name.str()), get("min", 0),
                                       get("max", -1), get("multiple", 1)));
  }
  if (failed(writeEntry()))
    return failure();
  size_t entryCommands = commands.size();
  if (failed(writeBlock(body)))
    return failure();
  if (auto ret = dyn_cast<exec::ReturnOp>(body.back()))
    resultSizes.assign(ret.getSizes().begin(), ret.getSizes().end());

  std::vector<flatbuffers::Offset<fb::Param>> arguments, results;
  for (Attribute a : program.getArguments()) {
    auto p = param(cast<DictionaryAttr>(a), false);
    if (failed(p))
      return failure();
    arguments.push_back(*p);
  }
  for (Attribute a : program.getResults()) {
    auto p = param(cast<DictionaryAttr>(a), true);
    if (failed(p))
      return failure();
    results.push_back(*p);
  }
  commands.insert(commands.begin(), prologue.begin(), prologue.end());
  for (Buffer &buffer : buffers)
    buffer.named += prologue.size();
  entry = prologue.size() + entryCommands;
  lifetimes();
  return finish(symbols, arguments, results);
}

flatbuffers::Offset<fb::Function>
ProgramWriter::finish(const std::vector<flatbuffers::Offset<fb::Symbol>> &symbols,
                      const std::vector<flatbuffers::Offset<fb::Param>> &arguments,
                      const std::vector<flatbuffers::Offset<fb::Param>> &results) {
  std::vector<flatbuffers::Offset<fb::Buffer>> bufferTable;
  bufferTable.reserve(buffers.size());
  for (const Buffer &b : buffers) {
    bool arena = b.kind == fb::BufferKind::Arena;
    bufferTable.push_back(fb::CreateBuffer(out, b.kind, b.index, b.offset, arena ? b.sizeReg : 0,
                                           b.maxSize, arena && b.first != kNone ? b.first : 0,
                                           b.last));
  }
  std::vector<flatbuffers::Offset<fb::DispatchInfo>> dispatchTable;
  dispatchTable.reserve(dispatches.size());
  for (const Dispatch &d : dispatches)
    dispatchTable.push_back(fb::CreateDispatchInfo(out, out.CreateString(d.op),
                                                   out.CreateString(d.location), d.flops, d.bytes));
  std::vector<flatbuffers::Offset<fb::FaultSite>> siteTable;
  siteTable.reserve(sites.size());
  for (const Site &s : sites)
    siteTable.push_back(fb::CreateFaultSite(
        out, out.CreateString(s.op), out.CreateString(s.location), out.CreateString(s.message)));
  std::vector<int32_t> alias(program.getResultAlias().begin(), program.getResultAlias().end());
  auto name = out.CreateString(program.getSymName().str());
  auto symbolsV = out.CreateVector(symbols);
  auto argumentsV = out.CreateVector(arguments);
  auto resultsV = out.CreateVector(results);
  auto aliasV = out.CreateVector(alias);
  auto viewsV = out.CreateVectorOfStructs(views);
  auto buffersV = out.CreateVector(bufferTable);
  auto commandsV = out.CreateVectorOfStructs(commands);
  auto operandsV = out.CreateVector(operands);
  auto dispatchV = out.CreateVector(dispatchTable);
  auto sitesV = out.CreateVector(siteTable);
  auto bytes = [](int64_t v) { return static_cast<uint64_t>(v); };
  return fb::CreateFunction(out, name, symbolsV, argumentsV, resultsV, aliasV, registers, viewsV,
                            buffersV, commandsV, operandsV, dispatchV, sitesV, entry,
                            bytes(program.getArenaBytes()), bytes(program.getScratchBytes()),
                            bytes(program.getLargestLive()),
                            static_cast<uint32_t>(program.getForcedCopies()));
}
