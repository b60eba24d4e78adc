//===- Checkpoint.cpp - recomputation within a budget of bytes ------------===//
//
// Part of Linnet, under Apache-2.0 WITH LLVM-exception. See LICENSE.
//
//===----------------------------------------------------------------------===//
#include "RecomputeGraph.h"
#include "linnet/IR/Locations.h"
#include "linnet/Program/Passes.h"
#include "llvm/ADT/MapVector.h"

namespace linnet {
#define GEN_PASS_DEF_CHECKPOINT
#include "linnet/Program/Passes.h.inc"
} // namespace linnet

using namespace mlir;
using namespace linnet;

namespace {

/// Numbers by name, as attributes.
class Fields {
public:
  explicit Fields(MLIRContext *ctx) : b(ctx) {}
  Fields &add(StringRef name, Attribute value) {
    list.push_back(b.getNamedAttr(name, value));
    return *this;
  }
  Fields &add(StringRef name, int64_t value) { return add(name, b.getI64IntegerAttr(value)); }
  Fields &add(StringRef name, double value) { return add(name, b.getF64FloatAttr(value)); }
  DictionaryAttr get() { return b.getDictionaryAttr(list); }

private:
  Builder b;
  SmallVector<NamedAttribute> list;
};

struct Checkpoint : linnet::impl::CheckpointBase<Checkpoint> {
  using CheckpointBase::CheckpointBase;

  LogicalResult plan(func::FuncOp func, SymbolTableCollection &symbols);
  LogicalResult planPeak(func::FuncOp func, const RecomputeGraph &graph);
  LogicalResult planKept(func::FuncOp func, const RecomputeGraph &graph);
  void apply(func::FuncOp func, const RecomputeGraph &graph, const plan::Plan &plan, Fields fields);
  void runOnOperation() override;

  DispatchTimes measured;
};

} // namespace

/// What runs again, by kernel and source location.
static ArrayAttr describeRepeats(const RecomputeGraph &graph, const plan::Plan &plan) {
  llvm::MapVector<std::pair<StringAttr, StringAttr>, std::pair<int64_t, int64_t>> repeats;
  MLIRContext *ctx = nullptr;
  for (const plan::Step &step : plan.steps) {
    Operation *op = graph.ops[step.node];
    ctx = op->getContext();
    if (!step.again)
      continue;
    auto dispatch = dyn_cast<exec::DispatchOp>(op);
    StringRef name =
        dispatch && dispatch.getKernel() ? *dispatch.getKernel() : op->getName().getStringRef();
    auto &[runs, time] =
        repeats[{StringAttr::get(ctx, name), StringAttr::get(ctx, describeLocation(op->getLoc()))}];
    ++runs;
    time += graph.graph.nodes[step.node].time;
  }
  SmallVector<Attribute> list;
  for (auto &[what, cost] : repeats)
    list.push_back(Fields(ctx)
                       .add("kernel", what.first)
                       .add("location", what.second)
                       .add("runs", cost.first)
                       .add("time_ps", cost.second)
                       .get());
  return ctx ? ArrayAttr::get(ctx, list) : ArrayAttr();
}

/// Rewrites the function, and says so to the report and the reader of the IR.
void Checkpoint::apply(func::FuncOp func, const RecomputeGraph &graph, const plan::Plan &plan,
                       Fields fields) {
  std::vector<int32_t> order;
  for (const plan::Step &step : plan.steps)
    order.push_back(step.node);
  if (int32_t turn = plan::turningNode(graph.graph); turn >= 0)
    fields.add("kept", plan::bytesKeptBehind(graph.graph, order, turn))
        .add("turn", StringAttr::get(&getContext(), describeLocation(graph.ops[turn]->getLoc())));
  fields.add("peak", plan.peak)
      .add("time_ps", plan.time)
      .add("extra_time_ps", plan.extraTime)
      .add("recomputed", int64_t(plan.recomputed));
  if (ArrayAttr repeats = describeRepeats(graph, plan))
    fields.add("repeats", repeats);
  applyOrder(func, graph, plan.steps);
  func->setAttr(exec::kRecomputeAttr, fields.get());
}

/// What a row of either table says of its plan.
template <typename Row> static DictionaryAttr describeRow(Fields fields, const Row &row) {
  return fields.add("peak", row.peak)
      .add("extra_time_ps", row.extraTime)
      .add("least_extra_time_ps", row.lowerBound)
      .add("gap", row.gap)
      .add("recomputed", int64_t(row.recomputed))
      .get();
}

LogicalResult Checkpoint::planPeak(func::FuncOp func, const RecomputeGraph &graph) {
  plan::Recomputation planner(graph.graph);
  plan::BudgetPlan found = planner.planForBudget(budget - reserve);
  if (!found.feasible)
    return func.emitError() << "'" << func.getName() << "' does not fit the memory budget of "
                            << int64_t(budget) << " bytes: the planner needs at least "
                            << found.smallestBudget + reserve << ", and no plan less than "
                            << found.lowerBound + reserve;
  SmallVector<Attribute> table;
  for (const plan::ParetoRow &row : planner.paretoTable(rows))
    table.push_back(describeRow(Fields(&getContext()).add("budget", row.budget), row));
  apply(func, graph, found.plan,
        Fields(&getContext())
            .add("budget", int64_t(budget))
            .add("smallest_budget", found.smallestBudget)
            .add("lower_bound", found.lowerBound)
            .add("table", ArrayAttr::get(&getContext(), table)));
  return success();
}

LogicalResult Checkpoint::planKept(func::FuncOp func, const RecomputeGraph &graph) {
  plan::KeptRecomputation planner(graph.graph, kept);
  if (planner.turn() < 0)
    return success(); // nothing waits
  int64_t room = budget > 0 ? budget - reserve : INT64_MAX;
  plan::KeptPlan found = planner.planFor(kept, room);
  if (!found.feasible && found.smallest <= kept)
    return func.emitError() << "'" << func.getName() << "' does not fit the memory budget of "
                            << int64_t(budget) << " bytes while it keeps at most " << int64_t(kept)
                            << " between forward and backward";
  if (!found.feasible)
    return func.emitError() << "'" << func.getName() << "' does not fit the activation budget of "
                            << int64_t(kept) << " bytes: the planner keeps at least "
                            << found.smallest << " between forward and backward";
  SmallVector<Attribute> table;
  for (const plan::KeptRow &row : planner.table(rows))
    table.push_back(describeRow(Fields(&getContext()).add("kept", row.kept), row));
  apply(func, graph, found.plan,
        Fields(&getContext())
            .add("kept_budget", int64_t(kept))
            .add("smallest_kept", found.smallest)
            .add("table", ArrayAttr::get(&getContext(), table)));
  return success();
}

LogicalResult Checkpoint::plan(func::FuncOp func, SymbolTableCollection &symbols) {
  FailureOr<RecomputeGraph> graph = makeRecomputeGraph(func, symbols, threads, measured);
  if (failed(graph))
    return failure();
  if (std::string problem = plan::check(graph->graph); !problem.empty())
    return func.emitError() << "cannot plan '" << func.getName() << "': " << problem;
  return kept > 0 ? planKept(func, *graph) : planPeak(func, *graph);
}

void Checkpoint::runOnOperation() {
  if (budget <= 0 && kept <= 0)
    return;
  if (!times.empty()) {
    FailureOr<DispatchTimes> read = readDispatchTimes(times, getOperation().getLoc());
    if (failed(read))
      return signalPassFailure();
    measured = std::move(*read);
  }
  SymbolTableCollection symbols;
  for (auto func : getOperation().getOps<func::FuncOp>())
    if (func.isPublic() && !func.isExternal() && failed(plan(func, symbols)))
      return signalPassFailure();
}
