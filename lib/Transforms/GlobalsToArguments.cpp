//===- GlobalsToArguments.cpp - weights as hidden arguments ---------------===//
//
// Part of Linnet, under Apache-2.0 WITH LLVM-exception. See LICENSE.
//
//===----------------------------------------------------------------------===//
#include "linnet/IR/LinnetDialect.h"
#include "linnet/Transforms/Passes.h"
#include "mlir/Dialect/MLProgram/IR/MLProgram.h"
#include "llvm/ADT/MapVector.h"

namespace linnet {
#define GEN_PASS_DEF_GLOBALSTOARGUMENTS
#include "linnet/Transforms/Passes.h.inc"
} // namespace linnet

using namespace mlir;
using namespace linnet;

namespace {

class GlobalsToArguments : public linnet::impl::GlobalsToArgumentsBase<GlobalsToArguments> {
public:
  using GlobalsToArgumentsBase::GlobalsToArgumentsBase;

  void runOnOperation() override {
    if (failed(checkGlobals()))
      return signalPassFailure();
    outlineConstants();
    for (auto fn : getOperation().getOps<func::FuncOp>())
      if (failed(addStates(fn)) || failed(addArguments(fn)))
        signalPassFailure();
  }

private:
  using Loads = llvm::MapVector<StringAttr, SmallVector<Operation *>>;

  /// A global that is written is a state: its loads and stores are in order, in one block.
  LogicalResult checkGlobals() {
    LogicalResult result = success();
    getOperation().walk([&](Operation *op) {
      if (isa<ml_program::GlobalStoreGraphOp, ml_program::GlobalLoadGraphOp>(op))
        result = op->emitOpError() << "is not supported: expects global_load and global_store";
      else if (isa<ml_program::GlobalStoreOp>(op) && !isa<func::FuncOp>(op->getParentOp()))
        result = op->emitOpError() << "expects to be at the top level of its function";
    });
    return result;
  }

  void outlineConstants() {
    SymbolTable symbols(getOperation());
    llvm::MapVector<ElementsAttr, SmallVector<arith::ConstantOp>> constants;
    getOperation().walk([&](arith::ConstantOp op) {
      auto value = dyn_cast<ElementsAttr>(op.getValue());
      if (value && isa<RankedTensorType>(op.getType()) && !isa<SplatElementsAttr>(value))
        constants[value].push_back(op);
    });
    OpBuilder b = OpBuilder::atBlockBegin(getOperation().getBody());
    for (auto &[value, ops] : constants) {
      auto global =
          ml_program::GlobalOp::create(b, ops.front().getLoc(), "constant", value.getType(),
                                       /*is_mutable=*/false, value, b.getStringAttr("private"));
      symbols.insert(global);
      for (arith::ConstantOp op : ops) {
        OpBuilder at(op);
        op.replaceAllUsesWith(
            ml_program::GlobalLoadConstOp::create(at, op.getLoc(), op.getType(),
                                                  FlatSymbolRefAttr::get(global.getSymNameAttr()))
                .getResult());
        op.erase();
      }
    }
  }

  static StringAttr loadedSymbol(Operation *op) {
    if (auto load = dyn_cast<ml_program::GlobalLoadOp>(op))
      return load.getGlobal().getLeafReference();
    if (auto load = dyn_cast<ml_program::GlobalLoadConstOp>(op))
      return load.getGlobal().getLeafReference();
    return {};
  }

  ml_program::GlobalOp lookup(StringAttr symbol) {
    return getOperation().lookupSymbol<ml_program::GlobalOp>(symbol);
  }

  /// Loads and stores of mutable globals, which become values: an argument of the state, and a
  /// result where the function stores.
  LogicalResult addStates(func::FuncOp fn) {
    llvm::MapVector<StringAttr, SmallVector<Operation *>> uses;
    fn.walk([&](Operation *op) {
      StringAttr symbol = loadedSymbol(op);
      if (auto store = dyn_cast<ml_program::GlobalStoreOp>(op))
        symbol = store.getGlobal().getLeafReference();
      auto global = symbol ? lookup(symbol) : ml_program::GlobalOp();
      if (global && global.getIsMutable())
        uses[symbol].push_back(op);
    });
    if (!uses.empty() && !SymbolTable::symbolKnownUseEmpty(fn, getOperation()))
      return fn.emitError() << "'" << fn.getName() << "' uses mutable globals and is called: "
                            << "inline it first";
    for (auto &[symbol, ops] : uses)
      if (failed(addState(fn, lookup(symbol), ops)))
        return failure();
    return success();
  }

  LogicalResult addState(func::FuncOp fn, ml_program::GlobalOp global, ArrayRef<Operation *> uses) {
    auto type = dyn_cast<RankedTensorType>(global.getType());
    if (!type || !type.hasStaticShape())
      return global.emitError() << "expects a mutable global of static tensor type, found "
                                << global.getType();
    for (unsigned i = 0; i < fn.getNumArguments(); ++i)
      if (fn.getArgAttrOfType<StringAttr>(i, kStateAttr) == global.getSymNameAttr())
        return fn.emitError() << "argument " << i << " and global '" << global.getSymName()
                              << "' are the same state";
    unsigned position = fn.getNumArguments();
    NamedAttrList attrs;
    attrs.set(kStateAttr, global.getSymNameAttr());
    if (hasInitialValue(global))
      attrs.set(kInitialAttr, FlatSymbolRefAttr::get(global.getSymNameAttr()));
    if (failed(
            fn.insertArgument(position, type, attrs.getDictionary(&getContext()), global.getLoc())))
      return failure();
    Value current = fn.getArgument(position);
    bool stored = false;
    for (Operation *op : uses) { // in program order; stores are at the top level
      if (auto store = dyn_cast<ml_program::GlobalStoreOp>(op)) {
        current = store.getValue();
        stored = true;
      } else {
        op->getResult(0).replaceAllUsesWith(current);
      }
      op->erase();
    }
    if (!stored)
      return success();
    attrs.erase(kInitialAttr);
    if (failed(fn.insertResult(fn.getNumResults(), type, attrs.getDictionary(&getContext()))))
      return failure();
    fn.getBody().front().getTerminator()->insertOperands(fn.getNumResults() - 1, current);
    return success();
  }

  /// Zeros are what a state starts with anyway.
  static bool hasInitialValue(ml_program::GlobalOp global) {
    std::optional<Attribute> value = global.getValue();
    if (!value)
      return false;
    auto splat = dyn_cast<SplatElementsAttr>(*value);
    if (!splat)
      return true;
    if (auto number = dyn_cast<FloatAttr>(splat.getSplatValue<Attribute>()))
      return !number.getValue().isPosZero();
    auto integer = dyn_cast<IntegerAttr>(splat.getSplatValue<Attribute>());
    return !integer || !integer.getValue().isZero();
  }

  LogicalResult addArguments(func::FuncOp fn) {
    Loads loads;
    fn.walk([&](Operation *op) {
      if (StringAttr symbol = loadedSymbol(op))
        loads[symbol].push_back(op);
    });
    if (!loads.empty() && !SymbolTable::symbolKnownUseEmpty(fn, getOperation()))
      return fn.emitError() << "'" << fn.getName() << "' reads globals and is called: inline it "
                            << "first";
    for (auto &[symbol, ops] : loads) {
      auto global = getOperation().lookupSymbol<ml_program::GlobalOp>(symbol);
      Type type = ops.front()->getResult(0).getType();
      if (!global || !isa<RankedTensorType>(type))
        return ops.front()->emitOpError()
               << "expects a global of ranked tensor type, found " << type;
      unsigned position = fn.getNumArguments();
      NamedAttribute name(StringAttr::get(&getContext(), kConstantAttr),
                          FlatSymbolRefAttr::get(symbol));
      if (failed(fn.insertArgument(position, type, DictionaryAttr::get(&getContext(), name),
                                   global.getLoc())))
        return failure();
      for (Operation *op : ops) {
        op->getResult(0).replaceAllUsesWith(fn.getArgument(position));
        op->erase();
      }
    }
    return success();
  }
};

} // namespace
