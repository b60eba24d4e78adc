//===- Autodiff.cpp - expand value_and_grad -------------------------------===//
//
// Part of Linnet, under Apache-2.0 WITH LLVM-exception. See LICENSE.
//
//===----------------------------------------------------------------------===//
#include "ReverseMode.h"
#include "linnet/Autodiff/Passes.h"
#include "linnet/IR/LinnetOps.h"
#include "mlir/Dialect/Func/IR/FuncOps.h"
#include "mlir/Dialect/MLProgram/IR/MLProgram.h"
#include "mlir/Pass/PassManager.h"
#include "mlir/Transforms/Passes.h"

namespace linnet {
#define GEN_PASS_DEF_AUTODIFF
#include "linnet/Autodiff/Passes.h.inc"
} // namespace linnet

using namespace mlir;
using namespace linnet;

namespace {

/// One value_and_grad.
class Expansion {
public:
  Expansion(ValueAndGradOp op, func::FuncOp fn) : op(op), fn(fn), b(op.getLoc(), op) {}
  LogicalResult run();

private:
  Value loadOnce(FlatSymbolRefAttr symbol);
  LogicalResult collectSources();
  Value seed(Value loss);

  ValueAndGradOp op;
  func::FuncOp fn;
  ImplicitLocOpBuilder b;
  ClonedBody body;
  SmallVector<Value> sources;
};

class Autodiff : public linnet::impl::AutodiffBase<Autodiff> {
public:
  using AutodiffBase::AutodiffBase;
  void runOnOperation() override;

private:
  bool hasWork();
  LogicalResult expandAll();
  void inlineTheRest();
};

} // namespace

static bool isLoadOf(Operation *op, FlatSymbolRefAttr symbol) {
  if (auto load = dyn_cast<ml_program::GlobalLoadOp>(op))
    return load.getGlobal() == symbol;
  if (auto load = dyn_cast<ml_program::GlobalLoadConstOp>(op))
    return load.getGlobal() == symbol;
  return false;
}

/// One value for all loads of a global, before the body; null where it is not loaded.
Value Expansion::loadOnce(FlatSymbolRefAttr symbol) {
  SmallVector<Operation *> loads, stores;
  for (Operation *top : body.ops)
    top->walk([&](Operation *nested) {
      if (isLoadOf(nested, symbol))
        loads.push_back(nested);
      if (auto store = dyn_cast<ml_program::GlobalStoreOp>(nested))
        if (store.getGlobal() == symbol)
          stores.push_back(nested);
    });
  if (!stores.empty()) {
    stores.front()->emitOpError() << "writes " << symbol << ", which the function '" << fn.getName()
                                  << "' is differentiated by";
    return {};
  }
  OpBuilder before(body.ops.empty() ? op.getOperation() : body.ops.front());
  Value value;
  if (loads.empty())
    value = ml_program::GlobalLoadOp::create(
        before, op.getLoc(),
        SymbolTable::lookupNearestSymbolFrom<ml_program::GlobalOp>(op, symbol).getType(), symbol);
  else
    value = before.clone(*loads.front())->getResult(0);
  for (Operation *load : loads) {
    load->getResult(0).replaceAllUsesWith(value);
    llvm::erase(body.ops, load);
    load->erase();
  }
  return value;
}

LogicalResult Expansion::collectSources() {
  for (Attribute entry : op.getWrt()) {
    if (auto position = dyn_cast<IntegerAttr>(entry)) {
      sources.push_back(op.getOperand(position.getInt()));
      continue;
    }
    Value value = loadOnce(cast<FlatSymbolRefAttr>(entry));
    if (!value)
      return failure();
    sources.push_back(value);
  }
  return success();
}

Value Expansion::seed(Value loss) {
  auto one = b.getFloatAttr(getElementTypeOrSelf(loss.getType()), 1.0);
  auto tensor = dyn_cast<RankedTensorType>(loss.getType());
  if (!tensor)
    return arith::ConstantOp::create(b, one);
  return arith::ConstantOp::create(b, DenseElementsAttr::get(tensor, one.getValue()));
}

LogicalResult Expansion::run() {
  if (!fn.getBody().hasOneBlock())
    return op.emitOpError() << "expects '" << fn.getName()
                            << "' to be one block: control flow as scf ops";
  // what is differentiated by gets a value of its own, so that an operand that is passed twice
  // has two gradients
  IRMapping mapping;
  SmallVector<Operation *> copies;
  SmallVector<Value> operands(op.getOperands());
  for (Attribute entry : op.getWrt())
    if (auto position = dyn_cast<IntegerAttr>(entry)) {
      Value &operand = operands[position.getInt()];
      operand = BarrierOp::create(b, operand.getType(), operand, Value());
      copies.push_back(operand.getDefiningOp());
      op->setOperand(position.getInt(), operand);
    }
  mapping.map(fn.getArguments(), operands);
  body = cloneBody(b, fn.getBody().front(), mapping);
  if (failed(collectSources()))
    return failure();
  Value loss = body.yielded.front();
  SmallVector<Value> seeds(body.yielded.size());
  seeds.front() = seed(loss);
  auto gradients = differentiateBody(b, body, seeds, sources);
  if (failed(gradients))
    return failure();
  SmallVector<Value> results(body.yielded);
  llvm::append_range(results, *gradients);
  op->replaceAllUsesWith(results);
  op.erase();
  for (Operation *copy : copies) {
    copy->getResult(0).replaceAllUsesWith(cast<BarrierOp>(copy).getInput());
    copy->erase();
  }
  return success();
}

//===----------------------------------------------------------------------===//
// The pass
//===----------------------------------------------------------------------===//

bool Autodiff::hasWork() {
  return getOperation()
      .walk([](Operation *op) {
        return isa<ValueAndGradOp, CustomVjpOp, StopGradientOp, CheckpointOp>(op)
                   ? WalkResult::interrupt()
                   : WalkResult::advance();
      })
      .wasInterrupted();
}

/// Innermost first: a function that is differentiated may differentiate itself.
LogicalResult Autodiff::expandAll() {
  auto pending = [](func::FuncOp fn) {
    return fn.walk([](ValueAndGradOp) { return WalkResult::interrupt(); }).wasInterrupted();
  };
  while (true) {
    SmallVector<ValueAndGradOp> ops;
    getOperation().walk([&](ValueAndGradOp op) { ops.push_back(op); });
    if (ops.empty())
      return success();
    bool progress = false;
    for (ValueAndGradOp op : ops) {
      auto fn = getOperation().lookupSymbol<func::FuncOp>(op.getCallee());
      if (pending(fn))
        continue;
      progress = true;
      if (failed(Expansion(op, fn).run()))
        return failure();
    }
    if (!progress)
      return ops.front().emitOpError() << "differentiates a function that calls itself";
  }
}

/// Ops that only differentiation looks at.
void Autodiff::inlineTheRest() {
  getOperation().walk([](Operation *op) {
    OpBuilder b(op);
    if (auto stop = dyn_cast<StopGradientOp>(op)) {
      stop.replaceAllUsesWith(stop.getInput());
      stop.erase();
    } else if (auto custom = dyn_cast<CustomVjpOp>(op)) {
      auto call = func::CallOp::create(b, op->getLoc(), custom.getCallee(), op->getResultTypes(),
                                       op->getOperands());
      op->replaceAllUsesWith(call);
      op->erase();
    } else if (auto region = dyn_cast<CheckpointOp>(op)) {
      Block &body = region.getBody().front();
      SmallVector<Value> yielded(body.getTerminator()->getOperands());
      body.getTerminator()->erase();
      op->getBlock()->getOperations().splice(op->getIterator(), body.getOperations());
      op->replaceAllUsesWith(yielded);
      op->erase();
    }
  });
}

void Autodiff::runOnOperation() {
  if (!hasWork())
    return;
  OpPassManager inliner("builtin.module");
  inliner.addPass(createInlinerPass());
  if (failed(runPipeline(inliner, getOperation())) || failed(expandAll()))
    return signalPassFailure();
  inlineTheRest();
}
