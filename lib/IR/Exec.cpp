//===- Exec.cpp - the program dialect -------------------------------------===//
//
// Part of Linnet, under Apache-2.0 WITH LLVM-exception. See LICENSE.
//
//===----------------------------------------------------------------------===//
#include "linnet/IR/Exec.h"
#include "mlir/IR/DialectImplementation.h"
#include "mlir/Interfaces/FunctionImplementation.h"
#include "llvm/ADT/SmallSet.h"
#include "llvm/ADT/TypeSwitch.h"

using namespace mlir;
using namespace linnet::exec;

#include "linnet/IR/ExecDialect.cpp.inc"
#include "linnet/IR/ExecEnums.cpp.inc"

#define GET_TYPEDEF_CLASSES
#include "linnet/IR/ExecTypes.cpp.inc"

#define GET_OP_CLASSES
#include "linnet/IR/ExecOps.cpp.inc"

void ExecDialect::initialize() {
  addTypes<
#define GET_TYPEDEF_LIST
#include "linnet/IR/ExecTypes.cpp.inc"
      >();
  addOperations<
#define GET_OP_LIST
#include "linnet/IR/ExecOps.cpp.inc"
      >();
}

static LogicalResult verifyTied(Operation *op, std::optional<ArrayRef<int64_t>> tied,
                                TypeRange inputs, TypeRange results) {
  if (!tied)
    return success();
  if (tied->size() != results.size())
    return op->emitOpError() << "expects one 'tied' entry per result, " << results.size()
                             << ", found " << tied->size();
  llvm::SmallSet<int64_t, 4> seen;
  for (auto [i, t] : llvm::enumerate(*tied)) {
    if (t == -1)
      continue;
    if (t < 0 || t >= static_cast<int64_t>(inputs.size()) || inputs[t] != results[i])
      return op->emitOpError() << "result " << i << " is tied to input " << t
                               << ", which is no tensor of type " << results[i];
    if (!seen.insert(t).second)
      return op->emitOpError() << "input " << t << " is tied to two results";
  }
  return success();
}

//===----------------------------------------------------------------------===//
// DispatchOp
//===----------------------------------------------------------------------===//

namespace {
/// What a dispatch reads; with a body also the block arguments.
struct Inputs {
  SmallVector<OpAsmParser::UnresolvedOperand> operands;
  SmallVector<Type> types;
  SmallVector<OpAsmParser::Argument> arguments;
};
} // namespace

static ParseResult parseOutlinedInputs(OpAsmParser &p, Inputs &in) {
  if (p.parseLParen())
    return failure();
  if (succeeded(p.parseOptionalRParen()))
    return success();
  return failure(p.parseOperandList(in.operands) || p.parseColonTypeList(in.types) ||
                 p.parseRParen());
}

static ParseResult parseNamedInputs(OpAsmParser &p, Inputs &in) {
  return p.parseCommaSeparatedList(OpAsmParser::Delimiter::Paren, [&]() -> ParseResult {
    OpAsmParser::Argument arg;
    if (p.parseArgument(arg) || p.parseEqual() || p.parseOperand(in.operands.emplace_back()) ||
        p.parseColonType(arg.type))
      return failure();
    in.arguments.push_back(arg);
    in.types.push_back(arg.type);
    return success();
  });
}

static ParseResult parseResults(OpAsmParser &p, OperationState &st) {
  SmallVector<Type> results;
  if (p.parseArrow() || p.parseLParen())
    return failure();
  if (failed(p.parseOptionalRParen()) && (p.parseTypeList(results) || p.parseRParen()))
    return failure();
  st.addTypes(results);
  return success();
}

// `@kernel`? ins(...) sizes(...)? tied [..]? -> (types) attr-dict body?
ParseResult DispatchOp::parse(OpAsmParser &p, OperationState &st) {
  StringAttr kernel;
  bool outlined = succeeded(p.parseOptionalSymbolName(kernel));
  if (outlined)
    st.addAttribute(getKernelAttrName(st.name), FlatSymbolRefAttr::get(kernel));
  if (p.parseKeyword("ins"))
    return failure();
  SMLoc loc = p.getCurrentLocation();
  Inputs in;
  SmallVector<OpAsmParser::UnresolvedOperand> sizes;
  if (outlined ? parseOutlinedInputs(p, in) : parseNamedInputs(p, in))
    return failure();
  if (succeeded(p.parseOptionalKeyword("sizes")) &&
      p.parseOperandList(sizes, OpAsmParser::Delimiter::Paren))
    return failure();
  if (succeeded(p.parseOptionalKeyword("tied"))) {
    SmallVector<int64_t> tied;
    if (p.parseCommaSeparatedList(OpAsmParser::Delimiter::Square,
                                  [&] { return p.parseInteger(tied.emplace_back()); }))
      return failure();
    st.addAttribute(getTiedAttrName(st.name), p.getBuilder().getDenseI64ArrayAttr(tied));
  }
  if (parseResults(p, st) || p.parseOptionalAttrDictWithKeyword(st.attributes))
    return failure();
  Region *body = st.addRegion();
  if (!outlined && p.parseRegion(*body, in.arguments))
    return failure();
  if (p.resolveOperands(in.operands, in.types, loc, st.operands) ||
      p.resolveOperands(sizes, p.getBuilder().getIndexType(), st.operands))
    return failure();
  int32_t segments[] = {static_cast<int32_t>(in.operands.size()),
                        static_cast<int32_t>(sizes.size())};
  st.addAttribute(getOperandSegmentSizesAttrName(st.name),
                  p.getBuilder().getDenseI32ArrayAttr(segments));
  return success();
}

void DispatchOp::print(OpAsmPrinter &p) {
  if (isOutlined()) {
    p << ' ';
    p.printSymbolName(*getKernel());
    p << " ins(" << getInputs();
    if (!getInputs().empty())
      p << " : " << getInputs().getTypes();
    p << ')';
  } else {
    p << " ins(";
    llvm::interleaveComma(llvm::zip(getBody().getArguments(), getInputs()), p, [&](auto pair) {
      p << std::get<0>(pair) << " = " << std::get<1>(pair) << " : " << std::get<1>(pair).getType();
    });
    p << ')';
  }
  if (!getSizes().empty())
    p << " sizes(" << getSizes() << ')';
  if (getTied()) {
    p << " tied [";
    llvm::interleaveComma(*getTied(), p);
    p << ']';
  }
  p << " -> (" << getOutputs().getTypes() << ')';
  p.printOptionalAttrDictWithKeyword((*this)->getAttrs(), {getKernelAttrName(), getTiedAttrName(),
                                                           getOperandSegmentSizesAttrName()});
  if (!isOutlined()) {
    p << ' ';
    p.printRegion(getBody(), /*printEntryBlockArgs=*/false);
  }
}

static int64_t countDynamic(Type type) {
  auto shaped = dyn_cast<ShapedType>(type);
  return shaped ? shaped.getNumDynamicDims() : 0;
}

OperandRange DispatchOp::getResultSizes(unsigned i) {
  auto count = [&](unsigned r) {
    return getTiedInput(r) >= 0 ? 0 : countDynamic(getOutputs()[r].getType());
  };
  int64_t first = 0;
  for (unsigned r = 0; r < i; ++r)
    first += count(r);
  return getSizes().slice(first, count(i));
}

LogicalResult DispatchOp::verify() {
  if (isOutlined() == !getBody().empty())
    return emitOpError("(C1) expects a body or a kernel, not both");
  int64_t dynamic = 0;
  for (auto [i, type] : llvm::enumerate(getOutputs().getTypes()))
    if (getTied() && i < getTied()->size() && getTiedInput(i) >= 0)
      continue;
    else
      dynamic += countDynamic(type);
  if (dynamic != static_cast<int64_t>(getSizes().size()))
    return emitOpError() << "(C3) expects " << dynamic << " result sizes, found "
                         << getSizes().size();
  if (failed(verifyTied(*this, getTied(), getInputs().getTypes(), getOutputs().getTypes())))
    return failure();
  if (isOutlined())
    return success();
  Block &body = getBody().front();
  if (body.getArgumentTypes() != getInputs().getTypes())
    return emitOpError("(C2) expects body arguments of the types of 'ins'");
  auto yield = body.empty() ? YieldOp() : dyn_cast<YieldOp>(body.back());
  if (!yield || yield.getValues().getTypes() != getOutputs().getTypes())
    return emitOpError("(C2) expects a body that ends with an 'exec.yield' of the result types");
  return success();
}

LogicalResult DispatchOp::verifySymbolUses(SymbolTableCollection &symbols) {
  if (!isOutlined())
    return success();
  auto kernel = symbols.lookupNearestSymbolFrom<KernelOp>(*this, getKernelAttr());
  if (!kernel)
    return emitOpError() << "(C5) expects an 'exec.kernel' named " << getKernelAttr();
  if (TypeRange(kernel.getArgumentTypes()) != getInputs().getTypes() ||
      TypeRange(kernel.getResultTypes()) != getOutputs().getTypes())
    return emitOpError() << "(C5) expects the types of kernel " << getKernelAttr() << ", "
                         << kernel.getFunctionType();
  if (kernel.getTied() != getTied())
    return emitOpError() << "(C5) expects the 'tied' of kernel " << getKernelAttr();
  return success();
}

//===----------------------------------------------------------------------===//
// KernelOp
//===----------------------------------------------------------------------===//

ParseResult KernelOp::parse(OpAsmParser &p, OperationState &st) {
  StringAttr name;
  if (p.parseSymbolName(name, getSymNameAttrName(st.name), st.attributes))
    return failure();
  SmallVector<OpAsmParser::Argument> args;
  SmallVector<Type> results;
  SmallVector<DictionaryAttr> resultAttrs;
  bool variadic = false;
  if (function_interface_impl::parseFunctionSignatureWithArguments(p, false, args, variadic,
                                                                   results, resultAttrs))
    return failure();
  SmallVector<Type> inputs;
  for (auto &a : args)
    inputs.push_back(a.type);
  st.addAttribute(getFunctionTypeAttrName(st.name),
                  TypeAttr::get(p.getBuilder().getFunctionType(inputs, results)));
  if (p.parseOptionalAttrDictWithKeyword(st.attributes))
    return failure();
  if (p.parseRegion(*st.addRegion(), args))
    return failure();
  Region *launch = st.addRegion();
  if (succeeded(p.parseOptionalKeyword("launch")))
    return p.parseRegion(*launch);
  return success();
}

void KernelOp::print(OpAsmPrinter &p) {
  p << ' ';
  p.printSymbolName(getSymName());
  call_interface_impl::printFunctionSignature(p, getArgumentTypes(), ArrayAttr(), false,
                                              getResultTypes(), ArrayAttr(), &getBody(),
                                              /*printEmptyResult=*/false);
  SmallVector<StringRef> elided = {getSymNameAttrName(), getFunctionTypeAttrName()};
  if (getFaults() == 0)
    elided.push_back(getFaultsAttrName());
  p.printOptionalAttrDictWithKeyword((*this)->getAttrs(), elided);
  p << ' ';
  p.printRegion(getBody(), /*printEntryBlockArgs=*/false);
  if (!getLaunch().empty()) {
    p << " launch ";
    p.printRegion(getLaunch());
  }
}

YieldOp KernelOp::getYield() { return cast<YieldOp>(getBody().front().getTerminator()); }

unsigned KernelOp::getNumScalars() {
  unsigned n = getFaults() ? 1 : 0;
  for (Type t : getArgumentTypes())
    n += isa<ShapedType>(t) ? countDynamic(t) : 1;
  for (auto [i, t] : llvm::enumerate(getResultTypes()))
    if (getTiedInput(i) < 0)
      n += countDynamic(t);
  return n;
}

unsigned KernelOp::getNumBuffers() {
  unsigned n = llvm::count_if(getArgumentTypes(), [](Type t) { return isa<ShapedType>(t); });
  for (unsigned i = 0, e = getResultTypes().size(); i < e; ++i)
    n += getTiedInput(i) < 0;
  return n;
}

static LogicalResult verifyFaultSites(KernelOp op) {
  ArrayAttr sites = op.getFaultSitesAttr();
  if (!sites)
    return success();
  if (sites.size() != op.getFaults())
    return op.emitOpError() << "(C2) expects 'fault_sites' of " << op.getFaults()
                            << " faults, found " << sites.size();
  for (auto site : sites.getAsRange<DictionaryAttr>())
    if (!site.getAs<StringAttr>("op") || !site.getAs<StringAttr>("message"))
      return op.emitOpError() << "(C2) expects strings 'op' and 'message' of a fault site, found "
                              << site;
  return success();
}

static LogicalResult verifyLayouts(KernelOp op) {
  ArrayAttr layouts = op.getLayoutsAttr();
  if (!layouts)
    return success();
  if (layouts.size() != op.getArgumentTypes().size())
    return op.emitOpError() << "(C3) expects 'layouts' of " << op.getArgumentTypes().size()
                            << " arguments, found " << layouts.size();
  for (Attribute layout : layouts)
    if (!isa<DictionaryAttr, UnitAttr>(layout))
      return op.emitOpError() << "(C3) expects a dictionary or unit for a layout, found " << layout;
  return success();
}

LogicalResult KernelOp::verifyRegions() {
  if (failed(verifyTied(*this, getTied(), getArgumentTypes(), getResultTypes())) ||
      failed(verifyFaultSites(*this)) || failed(verifyLayouts(*this)))
    return failure();
  if (getWide() && getGuarded())
    return emitOpError("(C6) expects 'wide' or 'guarded', not both");
  if (!getBody().hasOneBlock())
    return emitOpError("(C4) expects a body of one block");
  auto yield =
      dyn_cast_or_null<YieldOp>(getBody().front().empty() ? nullptr : &getBody().front().back());
  if (!yield || yield.getValues().getTypes() != TypeRange(getResultTypes()))
    return emitOpError("(C4) expects a body that ends with an 'exec.yield' of the result types");
  if (getLaunch().empty())
    return success();
  Block &launch = getLaunch().front();
  if (launch.getNumArguments() != getNumScalars())
    return emitOpError() << "(C5) expects " << getNumScalars() << " launch arguments, found "
                         << launch.getNumArguments();
  if (launch.empty() || !isa<LaunchOp>(launch.back()))
    return emitOpError("(C5) expects a launch region that ends with 'exec.launch'");
  return success();
}

//===----------------------------------------------------------------------===//
// CheckOp
//===----------------------------------------------------------------------===//

LogicalResult CheckOp::verify() {
  if (getOp() && getOp()->empty())
    return emitOpError("(C1) expects the name of an op, found an empty one");
  return success();
}
