//===- MakeProgram.cpp - functions over dispatches to command lists -------===//
//
// Part of Linnet, under Apache-2.0 WITH LLVM-exception. See LICENSE.
//
//===----------------------------------------------------------------------===//
#include "ProgramBuilder.h"
#include "linnet/Program/Passes.h"
#include "mlir/Conversion/AffineToStandard/AffineToStandard.h"
#include "mlir/Dialect/SCF/Transforms/Passes.h"
#include "mlir/IR/Dominance.h"
#include "mlir/Pass/PassManager.h"
#include "mlir/Transforms/CSE.h"
#include "mlir/Transforms/GreedyPatternRewriteDriver.h"
#include "mlir/Transforms/Passes.h"

namespace linnet {
#define GEN_PASS_DEF_MAKEPROGRAM
#include "linnet/Program/Passes.h.inc"
} // namespace linnet

using namespace mlir;
using namespace linnet;

static bool isSizeArithmetic(Operation *op) {
  if (auto load = dyn_cast<exec::LoadOp>(op)) {
    // scalar arguments are read once, at entry
    auto ref = load.getSource().getDefiningOp<exec::RefOp>();
    return ref && ref.getKind() == exec::BufferKind::argument &&
           op->getBlock() == &op->getParentOfType<exec::ProgramOp>().getBody().front() &&
           llvm::all_of(ref.getBuffer().getUsers(), llvm::IsaPred<exec::LoadOp>);
  }
  return isa_and_nonnull<arith::ArithDialect>(op->getDialect());
}

/// Moves what depends on symbols and scalar arguments only to the front, so that the runtime
/// knows all sizes before it runs a command.
static void hoistSizes(exec::ProgramOp program) {
  Block &entry = program.getBody().front();
  llvm::SmallPtrSet<Operation *, 32> hoisted;
  SmallVector<Operation *> order;
  program.walk<WalkOrder::PreOrder>([&](Operation *op) {
    auto ref = dyn_cast<exec::RefOp>(op);
    bool fixed = ref && ref.getKind() != exec::BufferKind::arena;
    if (!fixed && !isSizeArithmetic(op))
      return;
    bool known = llvm::all_of(op->getOperands(), [&](Value v) {
      auto arg = dyn_cast<BlockArgument>(v);
      return arg ? arg.getOwner() == &entry : hoisted.contains(v.getDefiningOp());
    });
    if (known && hoisted.insert(op).second)
      order.push_back(op);
  });
  for (Operation *op : llvm::reverse(order))
    op->moveBefore(&entry, entry.begin());
}

/// Folds and shares size arithmetic; commands stay as they are.
static void simplifySizes(exec::ProgramOp program) {
  IRRewriter rewriter(program.getContext());
  for (int round = 0; round < 2; ++round) {
    hoistSizes(program);
    GreedyRewriteConfig config;
    config.enableFolding(true);
    (void)applyPatternsGreedily(program.getOperation()->getRegion(0),
                                RewritePatternSet(program.getContext()), config);
    DominanceInfo dominance(program);
    eliminateCommonSubExpressions(rewriter, dominance, program);
  }
  program.walk([](exec::RefOp ref) {
    if (ref.getBuffer().use_empty())
      ref.erase();
  });
  hoistSizes(program);
}

/// A size that a loop or a branch computes cannot size a buffer outside of it.
static LogicalResult checkSizes(exec::ProgramOp program) {
  DominanceInfo dominance(program);
  bool ok = true;
  program.walk([&](Operation *op) {
    for (Value v : op->getOperands())
      if (!dominance.properlyDominates(v, op))
        ok = (op->emitError("a size depends on a value that is computed in a loop or a branch"),
              false);
  });
  return success(ok);
}

namespace {
struct MakeProgram : linnet::impl::MakeProgramBase<MakeProgram> {
  using MakeProgramBase::MakeProgramBase;

  LogicalResult simplifyControlFlow() {
    OpPassManager pm(ModuleOp::getOperationName());
    pm.addNestedPass<func::FuncOp>(createLowerAffinePass());
    pm.addNestedPass<func::FuncOp>(createForToWhileLoopPass());
    pm.addNestedPass<func::FuncOp>(createCanonicalizerPass());
    return runPipeline(pm, getOperation());
  }

  LogicalResult convert(func::FuncOp func, SymbolTable &symbols) {
    FailureOr<Signature> signature = Signature::read(func);
    if (failed(signature))
      return failure();
    FailureOr<exec::ProgramOp> program =
        ProgramBuilder(func, std::move(*signature), symbols).run(strictDonation);
    if (failed(program))
      return failure();
    simplifySizes(*program);
    if (failed(checkSizes(*program)))
      return failure();
    func.erase();
    return success();
  }

  void runOnOperation() override {
    if (failed(simplifyControlFlow()))
      return signalPassFailure();
    SymbolTable symbols(getOperation());
    bool ok = true;
    for (auto func : llvm::make_early_inc_range(getOperation().getOps<func::FuncOp>())) {
      if (func.isPublic() && !func.isExternal())
        ok &= succeeded(convert(func, symbols));
      else
        func.erase(); // inlined by now
    }
    if (!ok)
      signalPassFailure();
  }
};
} // namespace
