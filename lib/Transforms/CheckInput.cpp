//===- CheckInput.cpp - what no stage can compile -------------------------===//
//
// Part of Linnet, under Apache-2.0 WITH LLVM-exception. See LICENSE.
//
// Later stages take these for granted, so that a mistake would be reported in terms of what the
// program has become by then, or not at all.
//
//===----------------------------------------------------------------------===//
#include "linnet/IR/LinnetDialect.h"
#include "linnet/Transforms/Passes.h"
#include "mlir/Dialect/Func/IR/FuncOps.h"
#include "mlir/Dialect/Tensor/IR/Tensor.h"
#include "llvm/ADT/DenseSet.h"
#include "llvm/ADT/StringMap.h"
#include "llvm/Support/JSON.h"

namespace linnet {
#define GEN_PASS_DEF_CHECKINPUT
#include "linnet/Transforms/Passes.h.inc"
} // namespace linnet

using namespace mlir;
using namespace linnet;

namespace {

/// Calls are inlined.
class CallCheck {
public:
  LogicalResult visit(func::FuncOp fn);

private:
  SymbolTableCollection symbols;
  SmallVector<func::FuncOp> callers; ///< of the function that is looked at, the outermost first
  llvm::DenseSet<Operation *> visited;
};

class CheckInput : public linnet::impl::CheckInputBase<CheckInput> {
public:
  void runOnOperation() override {
    bool good = true;
    CallCheck calls;
    for (auto fn : getOperation().getOps<func::FuncOp>()) {
      good &= succeeded(checkTypes(fn)) && succeeded(checkDims(fn));
      if (fn.isPublic())
        good &= succeeded(checkNames(fn)) && succeeded(calls.visit(fn));
    }
    if (!good)
      signalPassFailure();
    markAllAnalysesPreserved();
  }

private:
  LogicalResult checkTypes(func::FuncOp fn);
  LogicalResult checkDims(func::FuncOp fn);
  LogicalResult checkNames(func::FuncOp fn);
};

} // namespace

/// i4 and other narrow integers live inside of a kernel; a bundle refuses them in its own words.
static bool isElement(Type type) {
  return type.isIndex() || (isa<IntegerType>(type) && type.getIntOrFloatBitWidth() <= 64) ||
         type.isF16() || type.isBF16() || type.isF32() || type.isF64();
}

static LogicalResult checkType(Location loc, Type type) {
  auto tensor = dyn_cast<RankedTensorType>(type);
  if (tensor && tensor.getEncoding())
    return emitError(loc) << "expects a tensor without an encoding, found " << type;
  // what is neither a tensor nor a number is refused where it is used
  if (tensor ? isElement(tensor.getElementType()) : !type.isIntOrIndexOrFloat() || isElement(type))
    return success();
  return emitError(loc) << "expects elements that are index, integers of up to 64 bits, f16, bf16, "
                           "f32 or f64, found "
                        << type;
}

/// One error a function: what has a wrong type is used by others that have it too.
LogicalResult CheckInput::checkTypes(func::FuncOp fn) {
  for (BlockArgument arg : fn.isExternal() ? ArrayRef<BlockArgument>() : fn.getArguments())
    if (failed(checkType(arg.getLoc(), arg.getType())))
      return failure();
  return failure(fn.walk([&](Operation *op) {
                     for (Type type : op->getResultTypes())
                       if (failed(checkType(op->getLoc(), type)))
                         return WalkResult::interrupt();
                     return WalkResult::advance();
                   }).wasInterrupted());
}

LogicalResult CheckInput::checkDims(func::FuncOp fn) {
  return failure(fn.walk([&](tensor::DimOp op) {
                     auto rank = cast<ShapedType>(op.getSource().getType());
                     std::optional<int64_t> dim = op.getConstantIndex();
                     if (!dim || !rank.hasRank() || (*dim >= 0 && *dim < rank.getRank()))
                       return WalkResult::advance();
                     op.emitOpError()
                         << "expects a dimension below " << rank.getRank() << ", found " << *dim;
                     return WalkResult::interrupt();
                   }).wasInterrupted());
}

/// Names go into the bundle, and from there to C and to Python.
static LogicalResult checkText(func::FuncOp fn, const llvm::Twine &kind, StringRef text) {
  if (!text.contains('\0') && llvm::json::isUTF8(text))
    return success();
  return fn.emitError() << kind << " expects UTF-8 without NUL, found "
                        << StringAttr::get(fn.getContext(), text);
}

/// Callers choose arguments and results by name, and states by theirs.
LogicalResult CheckInput::checkNames(func::FuncOp fn) {
  if (failed(checkText(fn, "the function's name", fn.getName())))
    return failure();
  for (unsigned i = 0; i < fn.getNumArguments(); ++i)
    if (auto dims = fn.getArgAttrOfType<ArrayAttr>(i, kDimsAttr))
      for (auto size : llvm::make_filter_range(dims, llvm::IsaPred<StringAttr>))
        if (failed(checkText(fn, "a symbol of argument " + llvm::Twine(i),
                             cast<StringAttr>(size).getValue())))
          return failure();
  auto check = [&](StringRef kind, StringRef attribute, unsigned count,
                   function_ref<Attribute(unsigned)> get) -> LogicalResult {
    llvm::StringMap<unsigned> seen;
    for (unsigned i = 0; i < count; ++i) {
      auto name = dyn_cast_or_null<StringAttr>(get(i));
      if (!name || name.empty())
        continue;
      if (failed(checkText(fn, "'" + attribute + "' of " + kind + " " + llvm::Twine(i), name)))
        return failure();
      auto [it, added] = seen.try_emplace(name.getValue(), i);
      if (!added)
        return fn.emitError() << kind << " " << i << " has the '" << attribute << "' of " << kind
                              << " " << it->second << ", " << name << ": expects another one";
    }
    return success();
  };
  for (StringRef attribute : {kNameAttr, kStateAttr})
    if (failed(check("argument", attribute, fn.getNumArguments(),
                     [&](unsigned i) { return fn.getArgAttr(i, attribute); })) ||
        failed(check("result", attribute, fn.getNumResults(),
                     [&](unsigned i) { return fn.getResultAttr(i, attribute); })))
      return failure();
  return success();
}

LogicalResult CallCheck::visit(func::FuncOp fn) {
  if (!visited.insert(fn).second)
    return success();
  callers.push_back(fn);
  WalkResult result = fn.walk([&](func::CallOp call) {
    auto callee = symbols.lookupNearestSymbolFrom<func::FuncOp>(call, call.getCalleeAttr());
    if (!callee)
      return WalkResult::advance();
    if (callee.isExternal()) {
      call.emitOpError() << "expects " << call.getCalleeAttr() << " to have a body";
      return WalkResult::interrupt();
    }
    if (llvm::is_contained(callers, callee)) {
      call.emitOpError() << "expects no recursion, found a call of " << call.getCalleeAttr()
                         << ", which comes to this call";
      return WalkResult::interrupt();
    }
    return failed(visit(callee)) ? WalkResult::interrupt() : WalkResult::advance();
  });
  callers.pop_back();
  return failure(result.wasInterrupted());
}
