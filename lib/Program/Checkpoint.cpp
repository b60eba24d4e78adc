//===- Checkpoint.cpp - recomputation within a budget of bytes ------------===//
//
// Part of Linnet, under Apache-2.0 WITH LLVM-exception. See LICENSE.
//
//===----------------------------------------------------------------------===//
#include "RecomputeGraph.h"
#include "linnet/Program/Passes.h"

namespace linnet {
#define GEN_PASS_DEF_CHECKPOINT
#include "linnet/Program/Passes.h.inc"
} // namespace linnet

using namespace mlir;
using namespace linnet;

namespace {
struct Checkpoint : linnet::impl::CheckpointBase<Checkpoint> {
  using CheckpointBase::CheckpointBase;

  LogicalResult plan(func::FuncOp func, SymbolTableCollection &symbols) {
    FailureOr<RecomputeGraph> graph = makeRecomputeGraph(func, symbols, threads);
    if (failed(graph))
      return failure();
    if (std::string problem = plan::check(graph->graph); !problem.empty())
      return func.emitError() << "cannot plan '" << func.getName() << "': " << problem;
    plan::Recomputation planner(graph->graph);
    plan::BudgetPlan found = planner.planForBudget(budget - reserve);
    if (!found.feasible)
      return func.emitError() << "'" << func.getName() << "' does not fit the memory budget of "
                              << int64_t(budget) << " bytes: the planner needs at least "
                              << found.smallestBudget + reserve << ", and no plan less than "
                              << found.lowerBound + reserve;
    applyOrder(func, *graph, found.plan.steps);
    annotate(func, found, planner.paretoTable(16));
    return success();
  }

  /// What the report and the reader of the IR get.
  void annotate(func::FuncOp func, const plan::BudgetPlan &found, ArrayRef<plan::ParetoRow> rows) {
    Builder b(&getContext());
    SmallVector<Attribute> table;
    for (const plan::ParetoRow &row : rows)
      table.push_back(b.getDictionaryAttr(
          {b.getNamedAttr("budget", b.getI64IntegerAttr(row.budget)),
           b.getNamedAttr("peak", b.getI64IntegerAttr(row.peak)),
           b.getNamedAttr("extra_time_ps", b.getI64IntegerAttr(row.extraTime)),
           b.getNamedAttr("least_extra_time_ps", b.getI64IntegerAttr(row.lowerBound)),
           b.getNamedAttr("gap", b.getF64FloatAttr(row.gap)),
           b.getNamedAttr("recomputed", b.getI64IntegerAttr(row.recomputed))}));
    func->setAttr(exec::kRecomputeAttr,
                  b.getDictionaryAttr(
                      {b.getNamedAttr("budget", b.getI64IntegerAttr(budget)),
                       b.getNamedAttr("peak", b.getI64IntegerAttr(found.plan.peak)),
                       b.getNamedAttr("time_ps", b.getI64IntegerAttr(found.plan.time)),
                       b.getNamedAttr("extra_time_ps", b.getI64IntegerAttr(found.plan.extraTime)),
                       b.getNamedAttr("recomputed", b.getI64IntegerAttr(found.plan.recomputed)),
                       b.getNamedAttr("smallest_budget", b.getI64IntegerAttr(found.smallestBudget)),
                       b.getNamedAttr("lower_bound", b.getI64IntegerAttr(found.lowerBound)),
                       b.getNamedAttr("table", b.getArrayAttr(table))}));
  }

  void runOnOperation() override {
    if (budget <= 0)
      return;
    SymbolTableCollection symbols;
    for (auto func : getOperation().getOps<func::FuncOp>())
      if (func.isPublic() && !func.isExternal() && failed(plan(func, symbols)))
        return signalPassFailure();
  }
};
} // namespace
