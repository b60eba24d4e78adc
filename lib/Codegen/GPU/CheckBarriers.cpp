//===- CheckBarriers.cpp - barriers are in uniform control flow -------------===//
//
// Part of Linnet, under Apache-2.0 WITH LLVM-exception. See LICENSE.
//
// A barrier that only some threads of a workgroup reach hangs on one device and goes unnoticed on
// another. A value diverges if the thread's number, a lane's exchange or a load at a diverging
// position is behind it; no barrier may lie in an scf op that is steered by such a value.
//
//===----------------------------------------------------------------------===//
#include "GPULowering.h"
#include "mlir/Dialect/MemRef/IR/MemRef.h"
#include "mlir/Dialect/SCF/IR/SCF.h"
#include "mlir/Pass/Pass.h"

using namespace mlir;
using namespace linnet::codegen;

namespace {
class Divergence {
public:
  explicit Divergence(gpu::GPUFuncOp f) : f(f) {
    do {
      changed = false;
      f.walk([&](Operation *op) { visit(op); });
    } while (changed);
  }
  /// Whether the threads may go different ways through op's regions.
  bool steers(Operation *op) const {
    if (auto loop = dyn_cast<scf::ForOp>(op))
      return any({loop.getLowerBound(), loop.getUpperBound(), loop.getStep()});
    if (auto branch = dyn_cast<scf::IfOp>(op))
      return any(branch.getCondition());
    if (auto loop = dyn_cast<scf::WhileOp>(op))
      return any(loop.getConditionOp().getCondition());
    return any(op->getOperands());
  }

private:
  bool any(ValueRange values) const {
    return llvm::any_of(values, [&](Value v) { return diverging.contains(v); });
  }
  void mark(Value v) { changed |= diverging.insert(v).second; }
  void markIf(Value v, bool diverges) {
    if (diverges)
      mark(v);
  }
  void visit(Operation *op);

  gpu::GPUFuncOp f;
  llvm::DenseSet<Value> diverging;
  bool changed = false;
};
} // namespace

void Divergence::visit(Operation *op) {
  if (isa<gpu::ThreadIdOp, gpu::LaneIdOp, gpu::SubgroupIdOp, gpu::ShuffleOp, memref::AtomicRMWOp>(
          op)) {
    for (Value r : op->getResults())
      mark(r);
    return;
  }
  if (auto loop = dyn_cast<scf::ForOp>(op)) {
    bool all = steers(op);
    markIf(loop.getInductionVar(), all);
    for (auto [arg, init, next, result] :
         llvm::zip_equal(loop.getRegionIterArgs(), loop.getInitArgs(),
                         loop.getBody()->getTerminator()->getOperands(), loop.getResults())) {
      markIf(arg, all || any({init, next}));
      markIf(result, all || any({init, next}));
    }
    return;
  }
  if (auto branch = dyn_cast<scf::IfOp>(op)) {
    for (auto [i, r] : llvm::enumerate(branch.getResults()))
      markIf(r, steers(op) ||
                    any({branch.thenYield().getOperand(i), branch.elseYield().getOperand(i)}));
    return;
  }
  if (auto loop = dyn_cast<scf::WhileOp>(op)) {
    bool all = steers(op) || any(loop.getInits()) || any(loop.getYieldOp().getOperands()) ||
               any(loop.getConditionOp().getArgs());
    for (ValueRange values : {ValueRange(loop.getBeforeArguments()),
                              ValueRange(loop.getAfterArguments()), ValueRange(op->getResults())})
      for (Value v : values)
        markIf(v, all);
    return;
  }
  bool all = any(op->getOperands());
  for (Value r : op->getResults())
    markIf(r, all);
}

LogicalResult linnet::codegen::checkBarriers(ModuleOp module) {
  WalkResult result = module.walk([&](gpu::GPUFuncOp f) {
    Divergence divergence(f);
    return f.walk([&](gpu::BarrierOp barrier) {
      for (Operation *op = barrier->getParentOp(); op != f; op = op->getParentOp())
        if (divergence.steers(op)) {
          InFlightDiagnostic diag = barrier.emitError("internal error: a barrier of kernel '")
                                    << f.getName()
                                    << "' is not reached by all threads of a workgroup";
          diag.attachNote(op->getLoc()) << "they part at this " << op->getName();
          return WalkResult::interrupt();
        }
      return WalkResult::advance();
    });
  });
  return failure(result.wasInterrupted());
}

namespace {
/// Every kernel goes through the check when it is compiled; this is for code that is written by
/// hand.
struct CheckBarriers : PassWrapper<CheckBarriers, OperationPass<ModuleOp>> {
  MLIR_DEFINE_EXPLICIT_INTERNAL_INLINE_TYPE_ID(CheckBarriers)
  StringRef getArgument() const override { return "linnet-check-barriers"; }
  StringRef getDescription() const override {
    return "refuse barriers that only some threads of a workgroup reach";
  }
  void runOnOperation() override {
    if (failed(checkBarriers(getOperation())))
      signalPassFailure();
  }
};
} // namespace

void linnet::codegen::registerCheckBarriers() { PassRegistration<CheckBarriers>(); }
