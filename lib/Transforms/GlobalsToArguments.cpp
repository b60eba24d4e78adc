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
      if (failed(addArguments(fn)))
        signalPassFailure();
  }

private:
  using Loads = llvm::MapVector<StringAttr, SmallVector<Operation *>>;

  /// A global that is written is no constant; its value belongs into a `linnet.state`.
  LogicalResult checkGlobals() {
    LogicalResult result = success();
    getOperation().walk([&](Operation *op) {
      if (isa<ml_program::GlobalStoreOp, ml_program::GlobalStoreGraphOp,
              ml_program::GlobalLoadGraphOp>(op))
        result = op->emitOpError() << "is not supported: pass the value as an argument and a "
                                      "result with 'linnet.state'";
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
